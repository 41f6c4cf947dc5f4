"""Holding the numbers of a document against what plain pandas counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pandas as pd
import pytest

from tests.examples.document_numbers import NAMES, Number, numbers

MIN_CUSTOMERS = 10
# Of more visits than these a model takes a fixed sample of customers.
MODELLED_VISITS = {"touchpoints.*.measures.rule_skill": 5_000}
# Whose base stands for that of a share which leaves out a few of it.
WHOLES = {"silent_abandonment": "loops", "dead_cries": "time_to_honour"}
Counter = Callable[[Any], Any]


def disagreements(
    document: Mapping[str, Any],
    log: Any,
    *,
    counts: Mapping[str, Counter],
    bases: Mapping[str, Counter],
    values: Mapping[str, Counter],
    no_counts: Mapping[str, str],
    at_most: Mapping[str, Counter] | None = None,
) -> Iterator[str]:
    """Yield what is counted otherwise, and the places that nobody counts and nobody explains.

    `at_most` counts the rows of which a model or a lexicon takes a part.
    """
    counted: dict[Any, Any] = {}

    def once(counter: Counter) -> Any:
        if counter not in counted:
            counted[counter] = counter(log)
        return counted[counter]

    estimates = [n.value for n in numbers(document) if n.is_estimate and n.place in bases]
    for number in numbers(document):
        place = number.place
        if number.is_estimate and place in bases and not parted(number, at_most, once, bases):
            yield from wrong_base(number, once(units_of(bases[place], place)), document)
            if place in values:
                yield from wrong_value(number, once, values[place])
        elif number.is_estimate and place in (at_most or {}):
            yield from large_base(number, once(units_of((at_most or {})[place], place)))
        elif not number.is_estimate and place in counts:
            yield from wrong_count(number, once(counts[place]))
        elif number.is_estimate and (says_nothing(number.value) or number.value in estimates):
            # Findings repeat estimates of other parts.
            continue
        elif not any(fnmatchcase(place, known) for known in no_counts):
            yield f"{place}: nobody counts it"


def says_nothing(estimate: Mapping[str, Any]) -> bool:
    """Tell whether an estimate has no number at all, neither of its own nor of its base."""
    shown = [estimate[key] for key in ("value", "lo", "hi", "n_customers", "n_journeys")]
    return not any(shown)


def entry(counted: Any, labels: tuple[Any, ...]) -> Any:
    """Return what is counted for the entry with these names: nothing where it is not counted."""
    if isinstance(counted, Mapping | pd.Series):
        key = labels[0] if len(labels) == 1 else labels
        return counted.get(key, 0)
    return counted


def wrong_count(number: Number, counted: Any) -> Iterator[str]:
    """Compare a number: a lower bound is at most two tens lower, a missing one is of a few."""
    right, shown = entry(counted, number.labels), number.value
    if isinstance(right, tuple):
        fits = shown is None or right[0] <= shown <= right[1]
    elif number.at_least and shown is not None:
        fits = 0 < shown <= right + 1e-6 and (
            isinstance(shown, float) or right - shown < 2 * MIN_CUSTOMERS
        )
    elif shown is None:
        fits = not right or 0 < right < MIN_CUSTOMERS
    else:
        fits = shown == pytest.approx(right, rel=1e-5, abs=1e-6)
    if not fits:
        yield f"{number.place} {number.labels}: {shown} for {right}"


def wrong_base(number: Number, units: Any, document: Mapping[str, Any]) -> Iterator[str]:
    """Compare on how many customers and journeys an estimate rests."""
    shown = number.value["n_customers"], number.value["n_journeys"]
    right = entry(units, number.labels) or (0, 0)
    if not (says_nothing(number.value) or fits_base(number, shown, right, document)):
        yield f"{number.place} {number.labels}: base {shown} for {right}"


def parted(
    number: Number,
    at_most: Mapping[str, Counter] | None,
    once: Callable[[Counter], Any],
    bases: Mapping[str, Counter],
) -> bool:
    """Tell whether the base of an entry has a bound alone, where others are counted."""
    place, key = number.place, number.labels[0] if number.labels else None
    return place in (at_most or {}) and key not in once(units_of(bases[place], place))


def large_base(number: Number, units: Any) -> Iterator[str]:
    """Compare with the most customers and journeys on which an estimate can rest."""
    shown = number.value["n_customers"], number.value["n_journeys"]
    most = entry(units, number.labels) or (0, 0)
    if any(part > every for part, every in zip(shown, most, strict=True)):
        yield f"{number.place} {number.labels}: base {shown}, at most {most}"


def fits_base(
    number: Number,
    shown: tuple[int, int],
    right: tuple[int, int],
    document: Mapping[str, Any],
) -> bool:
    """Tell whether a base is the right one, or that of its touchpoint, which has a few more."""
    whole = whole_of(number, document)
    most = MODELLED_VISITS.get(number.place, whole["events"])
    if most < whole["events"]:
        return all(0 < part <= own for part, own in zip(shown, right, strict=True))
    parts = zip(shown, right, (whole["customers"], whole["journeys"]), strict=True)
    return all(
        part == own or (part == every and 0 < every - own <= MIN_CUSTOMERS)
        for part, own, every in parts
    )


def whole_of(number: Number, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the document says of the touchpoint that holds a number, or of the log."""
    further, name = document["handoffs"]["further"], number.place.rpartition(".")[2]
    if number.place.startswith("handoffs.further") and name in WHOLES:
        whole = further[WHOLES[name]]
        return {"customers": whole["n_customers"], "journeys": whole["n_journeys"], "events": 0}
    spots = {part["touchpoint"]: part for part in document["touchpoints"]}
    whole = spots.get(number.labels[0] if number.labels else None, document["log"])
    return dict(whole)


@cache
def units_of(counter: Counter, place: str) -> Counter:
    """Return what counts customers and journeys in the rows of each entry at a place."""
    lists = [one for one in NAMES if place.startswith(f"{one}.*")]
    names = NAMES[max(lists, key=len)] if lists else ()

    def count(log: Any) -> Any:
        rows = counter(log)
        if rows is None:
            return (0, 0)
        if not names:
            return rows["customer"].nunique(), rows["journey"].nunique()
        many = rows.groupby([*names])[["customer", "journey"]].nunique()
        return dict(zip(many.index, many.itertuples(index=False, name=None), strict=True))

    return count


def wrong_value(number: Number, once: Callable[[Counter], Any], value: Counter) -> Iterator[str]:
    """Compare a share or a mean: it lies within its bounds where only those are shown."""
    shown = number.value
    if shown["value"] is None and shown["lo"] is None:
        return
    right = entry(once(value), number.labels)
    if right is None:  # what is standardised has no plain count
        return
    if shown["value"] is None:
        fits = shown["lo"] - 1e-6 <= right <= shown["hi"] + 1e-6
    elif number.at_least:
        fits = 0 < shown["value"] <= right + 1e-6
    else:
        fits = shown["value"] == pytest.approx(right, rel=1e-5, abs=1e-6) or any(
            # Where a base is given as that of the touchpoint, its share is rounded.
            is_rounded(shown, step) and abs(shown["value"] - right) <= step / 2 + 1e-9
            for step in (0.01, 0.05, 0.1)
        )
    if not fits:
        yield f"{number.place} {number.labels}: {shown['value']} for {right}"


def is_rounded(estimate: Mapping[str, Any], step: float) -> bool:
    """Tell whether a share and its interval are given in steps."""
    ends = [estimate["value"], estimate["lo"], estimate["hi"]]
    return estimate["unit"] == "share" and all(
        end / step == pytest.approx(round(end / step), abs=1e-6) for end in ends
    )
