"""Choices: segment, channel, type of contact, period and end, as the controls beside the map."""

from __future__ import annotations

from typing import Any

import pandas as pd

from journeylib.core import text
from journeylib.journeys import Journeys

CHOICES = ("in_segment", "using_channel", "of_type", "between", "with_end")
ENDS = ("goal", "bad_end", "other", "open")
MOST_OPTIONS, MOST_MONTHS = 40, 24


def choices(journeys: Journeys) -> list[dict[str, Any]]:
    """Return what each control offers: options of at least the minimum number of customers.

    Parameters
    ----------
    journeys : Journeys
        Those that are explored, before any filter of the map.

    Returns
    -------
    list of dict
        ``verb``, ``word`` (the label), and ``options``: each its ``words`` and ``names``, what
        the verb is called with. A control with fewer than two options is left out.
    """
    offered = {
        "in_segment": [(name, [name]) for name in _words(journeys, "segment")],
        "using_channel": [(name, [name]) for name in _words(journeys, "channel")],
        "of_type": [(name, [name]) for name in journeys.keys_of_type],
        "between": _periods(journeys),
        "with_end": [(text(f"present.end.{end}"), [end]) for end in ENDS],
    }
    minimum = journeys.settings.min_customers
    lists = []
    for verb, options in offered.items():
        large = [
            {"words": words, "names": names}
            for words, names in options
            if getattr(journeys, verb)(*names).size[1] >= minimum
        ]
        if len(large) > 1:
            lists.append(
                {"verb": verb, "word": text(f"present.explorer.choose.{verb}"), "options": large}
            )
    return lists


def choice_words(verb: str, names: tuple[str, ...]) -> str:
    """Return a chosen option in words."""
    words = [text(f"present.end.{name}") for name in names] if verb == "with_end" else names
    return " – ".join(words)


def _words(journeys: Journeys, column: str) -> list[str]:
    """Return the words of a column; none of a column of names without end."""
    if not journeys.events.has(column):
        return []
    words = sorted({str(word) for word in journeys.events.column(column).words if word})
    return words if len(words) <= MOST_OPTIONS else []


def _periods(journeys: Journeys) -> list[tuple[str, list[str]]]:
    """Return the months of the log; its years where these are too many."""
    if journeys.first_us is None or journeys.last_us is None:
        return []
    zone = journeys.log.schema.timezone
    first, last = (
        pd.Timestamp(us, unit="us", tz="UTC").tz_convert(zone).tz_localize(None)
        for us in (journeys.first_us, journeys.last_us)
    )
    periods = pd.period_range(first, last, freq="M")
    if len(periods) > MOST_MONTHS:
        periods = pd.period_range(first, last, freq="Y")
    return [(str(one), [str(one.start_time.date()), str(one.end_time.date())]) for one in periods]
