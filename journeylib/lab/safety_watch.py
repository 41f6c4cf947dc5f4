"""Watching an experiment: sample ratio, both arms, harm; never the primary outside its looks."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import pandas as pd

from journeylib.core import named_parts, text
from journeylib.lab.amounts import change, count, date, level
from journeylib.lab.experiment_plan import GUARD_ALPHA, Plan
from journeylib.lab.exposures import Observations
from journeylib.lab.settings import Guardrail
from journeylib.lab.statistics.any_time import FEWEST, likelihood_ratio, one_sided_width
from journeylib.lab.statistics.sample_ratio import RATIO_LIMIT, any_time_ratio

BOTH_LIMIT = 0.01  # share of customers in both arms from which a reading abstains
SHOWN = 10  # customers an arm below which a day is not shown
TRAIL = ("day", "control", "new", "sample_ratio", "both_arms")
HARM = ("day", "guardrail", "difference", "at_least", "evidence")


@dataclass(frozen=True)
class Stop:
    """Why an experiment has to stop.

    Attributes
    ----------
    reason : {"sample_ratio", "harm"}
    guardrail : str
        Empty for the sample ratio.
    day : int
        The first day on which it showed.
    text : str
    """

    reason: str
    guardrail: str
    day: int
    text: str


@dataclass(frozen=True)
class Watch:
    """What a watch sees.

    Attributes
    ----------
    name : str
    until : datetime.date
    trail : pandas.DataFrame
        One row per day, columns `TRAIL`: customers so far, the any-time ratio of the split, and
        the share seen in both arms. Days with under 10 customers an arm are left out.
    harm : pandas.DataFrame
        One row per day and guardrail, columns `HARM`: the difference so far, the bound that it
        is beyond whatever the number of looks (NaN below 100 customers an arm), positive where
        it is for the worse, and the evidence (a likelihood ratio, 20 stops).
    stops : tuple of Stop
        Empty where nothing stops it.
    notes : tuple of str
    """

    name: str
    until: dt.date
    trail: pd.DataFrame
    harm: pd.DataFrame
    stops: tuple[Stop, ...]
    notes: tuple[str, ...]

    __repr__ = named_parts

    @property
    def stopped(self) -> bool:
        """Whether the experiment has to stop."""
        return bool(self.stops)

    @property
    def text(self) -> str:
        """What to tell the person who watches."""
        return "\n".join([*(stop.text for stop in self.stops), *self.notes])


def watch(planned: Plan, observed: Observations) -> Watch:
    """Look at the safety of an experiment, day by day up to the last observed day.

    Parameters
    ----------
    planned : Plan
    observed : Observations

    Notes
    -----
    The sample ratio and the guardrails are tested by any-time tests, so looking every day costs
    nothing. The scale of harm that is looked for is the guardrail's limit.
    """
    settings = planned.settings
    trail, ratio_stop = _trail(observed)
    harms = [_harm(observed, guardrail) for guardrail in settings.guardrails]
    harm = pd.concat([table for table, _stop in harms]) if harms else pd.DataFrame(columns=HARM)
    stops = [stop for stop in (ratio_stop, *(stop for _table, stop in harms)) if stop]
    until = date(settings.begins, observed.last_day)
    return Watch(
        settings.name,
        until,
        trail,
        harm.reset_index(drop=True),
        tuple(stops),
        tuple(_notes(planned, observed, stopped=bool(stops), until=until)),
    )


def _trail(observed: Observations) -> tuple[pd.DataFrame, Stop | None]:
    settings = observed.settings
    rows, stop = [], None
    for day in range(observed.last_day + 1):
        counts = observed.counts(day)
        factor = math.prod(
            float(any_time_ratio(control, new, stage.share))
            for (control, new), stage in zip(counts, settings.all_stages, strict=True)
        )
        control, new = sum(pair[0] for pair in counts), sum(pair[1] for pair in counts)
        if min(control, new) < SHOWN:
            continue
        rows.append((day, control, new, factor, observed.both_share(day)))
        if stop is None and factor >= RATIO_LIMIT and control + new >= FEWEST:
            shares = sorted({stage.share for stage in settings.all_stages})
            ends = [level(share, "share") for share in (shares[0], shares[-1])]
            planned = ends[0] if len(shares) == 1 else text("range.words", lo=ends[0], hi=ends[1])
            sentence = text("lab.watch.ratio",
                date=date(settings.begins, day).isoformat(), control=count(control), new=count(new),
                share=planned,
            )  # fmt: skip
            stop = Stop("sample_ratio", "", day, sentence)
    return pd.DataFrame(rows, columns=list(TRAIL)), stop


def _harm(observed: Observations, guardrail: Guardrail) -> tuple[pd.DataFrame, Stop | None]:
    rows, stop = [], None
    begins = observed.settings.begins
    for day in range(observed.last_day + 1):
        difference = observed.difference(guardrail, day)
        if min(difference.customers) < FEWEST or not difference.variance > 0:
            continue
        worse = -guardrail.sign * difference.value
        ratio = float(likelihood_ratio(worse, difference.variance, guardrail.limit, one_sided=True))
        bound = worse - one_sided_width(difference.variance, guardrail.limit, GUARD_ALPHA)
        rows.append((day, guardrail.name, difference.value, bound, ratio))
        if stop is None and ratio >= 1 / GUARD_ALPHA:
            sentence = text(
                "lab.watch.harm",
                guardrail=guardrail.heading,
                difference=change(difference.value, guardrail.unit),
                control=level(difference.control, guardrail.unit),
                date=date(begins, day).isoformat(),
                least=change(-guardrail.sign * max(bound, 0.0), guardrail.unit),
            )
            stop = Stop("harm", guardrail.name, day, sentence)
    return pd.DataFrame(rows, columns=list(HARM)), stop


def _notes(planned: Plan, observed: Observations, *, stopped: bool, until: dt.date) -> list[str]:
    settings, day = planned.settings, observed.last_day
    counts = observed.counts(day)
    arms = [sum(pair[which] for pair in counts) for which in (0, 1)]
    notes = []
    if not stopped:
        kind = "ok" if min(arms) >= FEWEST else "few"
        notes.append(
            text(
                f"lab.watch.{kind}",
                name=settings.name,
                customers=count(sum(arms)),
                date=until.isoformat(),
                least=FEWEST,
            )
        )
    both = observed.both_share(day)
    if both > BOTH_LIMIT and min(arms) >= SHOWN:
        notes.append(
            text("lab.watch.both", share=level(both, "share"), limit=level(BOTH_LIMIT, "share"))
        )
    if stopped:
        return notes
    days = [look.day for look in planned.looks]
    primary = settings.primary.heading
    if day in days:
        notes.append(text("lab.watch.look", primary=primary))
    elif later := [look for look in days if look > day]:
        notes.append(
            text(
                "lab.watch.next", primary=primary, date=date(settings.begins, later[0]).isoformat()
            )
        )
    elif days:
        notes.append(
            text(
                "lab.watch.last", primary=primary, date=date(settings.begins, days[-1]).isoformat()
            )
        )
    return notes
