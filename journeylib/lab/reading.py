"""Reading an experiment: ship, stop, no difference worth having, or go on."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import special

from journeylib.core import (
    AbstainReason,
    Estimate,
    Grade,
    current_catalogue,
    named_parts,
    rounded,
    text,
)
from journeylib.lab.amounts import change, count, date, level, span
from journeylib.lab.experiment_plan import BOUNDARIES, GUARD_ALPHA, Plan
from journeylib.lab.exposures import Observations
from journeylib.lab.plan_file import PlanFile
from journeylib.lab.safety_watch import BOTH_LIMIT, SHOWN, Watch, watch
from journeylib.lab.settings import Guardrail, LabMeasure
from journeylib.lab.statistics.any_time import FEWEST, half_width
from journeylib.lab.statistics.differences import Difference
from journeylib.lab.statistics.group_sequential import Boundary, spending
from journeylib.lab.statistics.sample_ratio import P_LIMIT, chi_square_p
from journeylib.lab.statistics.switchback import switchback

Decision = Literal["ship", "stop", "no_difference", "go_on"]
ON_TIME = 0.02  # information at a look may differ so much from the plan before error is re-spent
SEGMENT_COLUMNS = ("segment", "customers", "difference", "lo", "hi")


@dataclass(frozen=True)
class MeasureReading:
    """What one measure shows.

    Attributes
    ----------
    name, heading, unit : str
    estimate : Estimate
        New minus control, with the interval of its boundary.
    control, new : float
        The measure of each arm.
    new_error : float
        Standard error of that of the new arm.
    new_customers : int
        Of the new arm.
    limit : float or None
        Of a guardrail.
    holds : bool or None
        Of a guardrail: whether it is shown not to be worse by its limit; None for the primary.
    """

    name: str
    heading: str
    unit: str
    estimate: Estimate
    control: float
    new: float
    limit: float | None = None
    holds: bool | None = None
    new_error: float = math.nan
    new_customers: int = 0


@dataclass(frozen=True)
class Reading:
    """What an experiment shows, and what to do.

    Attributes
    ----------
    plan : Plan
    hash : str
        Of the plan.
    until : datetime.date
        The last day that the primary was read for.
    decision : {"ship", "stop", "no_difference", "go_on"} or None
        None where it cannot be read.
    grade : {"A", "C"}
        A only if plan, split, guardrails and unit hold.
    text, words : str
        What happened, and how far that is a cause.
    primary : MeasureReading
    guardrails : tuple of MeasureReading
    segments : pandas.DataFrame
        The primary by segment, columns `SEGMENT_COLUMNS`; empty unless declared. For questions,
        never for decisions.
    watch : Watch or None
        None where units take turns.
    look : int
        Number of the look, 1 for the first; 0 where none was due.
    changed : tuple of str
        Entries of the plan that were changed.
    """

    plan: Plan
    hash: str
    until: dt.date
    decision: Decision | None
    grade: Grade
    text: str
    words: str
    primary: MeasureReading
    guardrails: tuple[MeasureReading, ...]
    segments: pd.DataFrame
    watch: Watch | None
    look: int
    changed: tuple[str, ...] = ()

    __repr__ = named_parts

    def __str__(self) -> str:
        return f"{decision_words(self.decision)}. {self.text}\n{self.words}"

    def to_dict(self) -> dict[str, Any]:
        """Return the form that ``reading.json`` holds."""
        return {
            "name": self.plan.settings.name,
            "question": self.plan.settings.question,
            "touchpoint": self.plan.settings.touchpoint,
            "plan_hash": self.hash,
            "until": self.until.isoformat(),
            "decision": self.decision,
            "grade": self.grade,
            "text": self.text,
            "words": self.words,
            "look": self.look,
            "changed": list(self.changed),
            "primary": _measure_dict(self.primary),
            "guardrails": [_measure_dict(one) for one in self.guardrails],
            "stops": [] if self.watch is None else [
                {"reason": stop.reason, "guardrail": stop.guardrail, "text": stop.text}
                for stop in self.watch.stops
            ],
        }  # fmt: skip


def _measure_dict(one: MeasureReading) -> dict[str, Any]:
    return {
        "name": one.name,
        "difference": one.estimate.to_dict(),
        "control": rounded(one.control),
        "new": rounded(one.new),
        "new_error": rounded(one.new_error),
        "new_customers": one.new_customers,
        "limit": one.limit,
        "holds": one.holds,
    }


def read(file: PlanFile, observed: Observations) -> Reading:
    """Read an experiment whose customers were dealt to arms.

    Parameters
    ----------
    file : PlanFile
    observed : Observations

    Notes
    -----
    The primary is read as it stood at the last planned look, by the interval that its boundary
    repeats at each look (Jennison and Turnbull 2000, chapter 9); guardrails likewise, one-sided.
    """
    planned, settings = file.plan, file.plan.settings
    watched = watch(planned, observed)
    due = [look for look in planned.looks if look.day <= observed.last_day]
    any_time = settings.way == "any_time"
    day = observed.last_day if any_time or not due else due[-1].day
    primary = _read_primary(planned, observed, day, looks=len(due))
    guards = tuple(
        _read_guardrail(planned, observed, one, day, looks=len(due)) for one in settings.guardrails
    )
    refusal, kind = _refusal(observed, day, primary, due=bool(due) or any_time)
    if watched.stops:
        decision: Decision | None = "stop"
        sentence = " ".join(stop.text for stop in watched.stops)
    elif kind == "split":
        decision, sentence = "stop", refusal
    elif kind == "early":
        first = date(settings.begins, planned.looks[0].day)
        until = date(settings.begins, observed.last_day)
        decision, sentence = "go_on", text("lab.read.no_look",
            primary=settings.primary.heading, until=until.isoformat(), date=first.isoformat()
        )  # fmt: skip
    elif refusal:
        decision, sentence = None, refusal
    else:
        later = [look.day for look in planned.looks if look.day > day]
        decision, sentence = _decide(planned, primary, guards, later)
    grade, words = _grade(file, primary, guards, broken=kind == "split" or _split(watched))
    return Reading(
        planned, file.hash, date(settings.begins, day), decision, grade, sentence, words,
        _graded(primary, grade), tuple(_graded(one, grade) for one in guards),
        _by_segment(planned, observed, day, len(due)), watched, len(due), file.changed,
    )  # fmt: skip


def decision_words(decision: str | None) -> str:
    """Return what people are told to do; None: nothing can be read."""
    return text(f"lab.decision.{decision or 'unread'}")


def _together(names: list[str]) -> str:
    return current_catalogue().names(names)


def _split(watched: Watch) -> bool:
    return any(stop.reason == "sample_ratio" for stop in watched.stops)


def _refusal(
    observed: Observations, day: int, primary: MeasureReading, *, due: bool
) -> tuple[str, str]:
    """Return why the primary cannot be read, and which kind of reason that is."""
    counts = observed.counts(observed.last_day)
    p = chi_square_p(counts, [stage.share for stage in observed.settings.all_stages])
    control, new = sum(pair[0] for pair in counts), sum(pair[1] for pair in counts)
    if p < P_LIMIT and min(control, new) >= SHOWN:
        sentence = text("lab.read.ratio", control=count(control), new=count(new), p=f"{p:.1g}")
        return sentence, "split"
    if not due:
        return "", "early"
    both = observed.both_share(day)
    if both > BOTH_LIMIT:
        limit = level(BOTH_LIMIT, "share")
        return text("lab.read.both", share=level(both, "share"), limit=limit), "both"
    if primary.estimate.value is None:
        alike = primary.estimate.abstain == "unidentified"
        return text("lab.read.alike" if alike else "lab.read.few", least=FEWEST), "few"
    return "", ""


def boundary_so_far(planned: Plan, observed: Observations, looks: int) -> Boundary:
    """Return the boundary up to the last due look, for the information that came.

    Where it came as planned the planned boundary holds; else the error is spent by the
    information that is there (Lan and DeMets).
    """
    expected = [look.customers for look in planned.looks]
    times = []
    for look in planned.looks[:looks]:
        seen = int(observed.mature(planned.settings.primary, look.day).sum())
        times.append(min(seen / expected[-1], 1.0))
    if looks == len(expected):
        times[-1] = 1.0
    times = [max(time, 1e-6) for time in np.maximum.accumulate(times)]
    as_planned = all(
        abs(time - look.time) <= ON_TIME for time, look in zip(times, planned.looks, strict=False)
    )
    if as_planned:
        return Boundary(
            tuple(look.time for look in planned.looks), tuple(look.z for look in planned.looks)
        )
    rising = [time for at, time in enumerate(times) if at == 0 or time > times[at - 1]]
    return spending(rising, planned.settings.alpha)


def _z(planned: Plan, observed: Observations, looks: int, alpha: float) -> float:
    """Return the critical value of the last due look at a two-sided level."""
    if len(planned.looks) == 1:
        return float(-special.ndtri(alpha / 2))
    boundary = boundary_so_far(planned, observed, looks)
    position = min(looks, len(boundary.z)) - 1
    if alpha == planned.settings.alpha:
        return boundary.z[position]
    if boundary.times == tuple(look.time for look in planned.looks):
        return BOUNDARIES[planned.settings.boundary](boundary.times, alpha).z[position]
    return spending(boundary.times, alpha).z[position]


def _read_primary(planned: Plan, observed: Observations, day: int, *, looks: int) -> MeasureReading:
    settings = planned.settings
    measure = settings.primary
    if looks == 0 and settings.way == "looks":
        # Nothing peeks at the primary outside its looks.
        none = Estimate.none("immature_window", measure.unit, estimand=_estimand(measure))
        return MeasureReading(measure.name, measure.heading, measure.unit, none, math.nan, math.nan)
    difference = observed.difference(measure, day)
    if settings.way == "any_time":
        half = float(half_width(difference.variance, settings.least_worth, settings.alpha))
        method = "any-time interval"
    else:
        half = _z(planned, observed, looks, settings.alpha) * difference.error
        method = "repeated confidence interval" if len(planned.looks) > 1 else "one look"
    return _measure(measure, difference, half, method)


def _read_guardrail(
    planned: Plan, observed: Observations, guardrail: Guardrail, day: int, *, looks: int
) -> MeasureReading:
    difference = observed.difference(guardrail, day)
    if planned.settings.way == "any_time":
        half = float(half_width(difference.variance, guardrail.limit, 2 * GUARD_ALPHA))
    else:
        half = _z(planned, observed, max(looks, 1), 2 * GUARD_ALPHA) * difference.error
    reading = _measure(guardrail, difference, half, "one-sided, against its limit")
    return _against_limit(reading, guardrail)


def _against_limit(reading: MeasureReading, guardrail: Guardrail) -> MeasureReading:
    estimate, holds = reading.estimate, None
    if estimate.lo is not None and estimate.hi is not None:
        worst = estimate.lo if guardrail.sign > 0 else -estimate.hi
        holds = worst > -guardrail.limit
    return replace(reading, limit=guardrail.limit, holds=holds)


def _estimand(measure: LabMeasure) -> str:
    return f"{measure.heading}, new arm minus control arm"


def _measure(
    measure: LabMeasure, difference: Difference, half: float, method: str
) -> MeasureReading:
    fields: dict[str, Any] = {
        "n_customers": sum(difference.customers), "estimand": _estimand(measure), "method": method,
    }  # fmt: skip
    if min(difference.customers) < FEWEST or not math.isfinite(half):
        few: AbstainReason = "privacy" if min(difference.customers) < SHOWN else "n_small"
        reason = few if min(difference.customers) < FEWEST else "unidentified"
        estimate = Estimate.none(reason, measure.unit, **fields)
        return MeasureReading(
            measure.name, measure.heading, measure.unit, estimate, math.nan, math.nan
        )
    lo, hi = _possible(difference.value - half, difference.value + half, measure.unit)
    estimate = Estimate(difference.value, measure.unit, lo=lo, hi=hi, **fields)
    return MeasureReading(
        measure.name, measure.heading, measure.unit, estimate, difference.control, difference.new,
        new_error=math.sqrt(max(difference.new_variance, 0.0)),
        new_customers=difference.customers[1],
    )  # fmt: skip


def _possible(lo: float, hi: float, unit: str) -> tuple[float, float]:
    """Return an interval of differences within what can be: shares differ by at most 1."""
    return (max(lo, -1.0), min(hi, 1.0)) if unit == "share" else (lo, hi)


def _decide(
    planned: Plan,
    primary: MeasureReading,
    guards: tuple[MeasureReading, ...],
    later: list[int],
) -> tuple[Decision, str]:
    settings, estimate = planned.settings, primary.estimate
    assert estimate.value is not None and estimate.lo is not None and estimate.hi is not None
    sign = settings.primary.sign
    lo, hi = sorted((sign * estimate.lo, sign * estimate.hi))
    words = {
        "primary": primary.heading.capitalize(),
        "difference": change(estimate.value, primary.unit),
        "span": span(estimate.lo, estimate.hi, primary.unit),
        "control": level(primary.control, primary.unit),
        "new": level(primary.new, primary.unit),
        "least": change(settings.least_worth, primary.unit).lstrip("+"),
        "date": date(settings.begins, later[0]).isoformat() if later else "",
    }
    unsettled = [one.heading for one in guards if one.holds is not True]
    if lo > 0 and not unsettled:
        return "ship", text("lab.read.ship", **words)
    if hi < 0:
        return "stop", text("lab.read.worse", **words)
    if max(abs(lo), abs(hi)) <= settings.least_worth:
        return "no_difference", text("lab.read.no_difference", **words)
    if lo > 0:
        return "go_on", text("lab.read.guards", **words, names=_together(unsettled))
    return "go_on", text(f"lab.read.{'go_on' if later else 'ended'}", **words)


def _grade(
    file: PlanFile,
    primary: MeasureReading,
    guards: tuple[MeasureReading, ...],
    *,
    broken: bool,
) -> tuple[Grade, str]:
    """Grade A needs a plan before the data, a whole split, and every measure read."""
    reasons = []
    if file.changed:
        reasons.append(text("lab.read.changed", entries=", ".join(file.changed)))
    if file.plan.already:
        reasons.append(text("lab.read.already"))
    if not file.plan.run:
        reasons.append(text("lab.read.not_planned"))
    if broken:
        reasons.append(text("lab.read.split"))
    if primary.estimate.value is None:
        reasons.append(text("lab.read.unread"))
    if unread := [one.heading for one in guards if one.holds is None]:
        reasons.append(text("lab.read.guards_unread", names=_together(unread)))
    if reasons:
        return "C", text("lab.read.goes_with", why="; ".join(reasons))
    return "A", text("lab.read.caused")


def _graded(one: MeasureReading, grade: Grade) -> MeasureReading:
    return replace(one, estimate=replace(one.estimate, grade=grade))


def _by_segment(planned: Plan, observed: Observations, day: int, looks: int) -> pd.DataFrame:
    settings = planned.settings
    rows = []
    if settings.segments and (looks or settings.way == "any_time"):
        names = observed.customers["segment"]
        for name in sorted(names.unique()):
            difference = observed.difference(
                settings.primary, day, among=np.asarray(names == name, dtype=bool)
            )
            if min(difference.customers) < FEWEST or not math.isfinite(difference.value):
                continue
            if settings.way == "any_time":
                half = float(half_width(difference.variance, settings.least_worth, settings.alpha))
            else:
                half = _z(planned, observed, looks, settings.alpha) * difference.error
            value = difference.value
            ends = _possible(value - half, value + half, settings.primary.unit)
            rows.append((name, sum(difference.customers), value, *ends))
    return pd.DataFrame(rows, columns=list(SEGMENT_COLUMNS))


def read_units(file: PlanFile, units: pd.DataFrame, *, until: dt.date) -> Reading:
    """Read an experiment in which weeks or teams took turns.

    Parameters
    ----------
    file : PlanFile
    units : pandas.DataFrame
        As of `exposures.observe_units`.
    until : datetime.date

    Returns
    -------
    Reading
        Its intervals come from dealing the units anew.
    """
    planned, settings = file.plan, file.plan.settings
    readings = [_read_unit_measure(planned, units, one) for one in settings.measures]
    primary, guards = readings[0], tuple(readings[1:])
    arms = (int((~units["is_new"]).sum()), int(units["is_new"].sum()))
    decision: Decision | None
    if float(units["mixed"].max()) > BOTH_LIMIT:
        decision, sentence = None, text("lab.read.mixed")
    elif primary.estimate.value is None:
        decision, sentence = None, text("lab.read.units",
            control=arms[0], new=arms[1], least=planned.needed // 2
        )  # fmt: skip
    else:
        decision, sentence = _decide(planned, primary, guards, [])
    grade, words = _grade(file, primary, guards, broken=decision is None)
    return Reading(
        planned, file.hash, until, decision, grade, sentence, words, _graded(primary, grade),
        tuple(_graded(one, grade) for one in guards),
        pd.DataFrame(columns=list(SEGMENT_COLUMNS)), None, 1, file.changed,
    )  # fmt: skip


def _read_unit_measure(planned: Plan, units: pd.DataFrame, measure: LabMeasure) -> MeasureReading:
    guard = isinstance(measure, Guardrail)
    contrast = switchback(
        units[f"top:{measure.name}"] / 1e6,
        units[f"base:{measure.name}"],
        units["is_new"],
        alpha=2 * GUARD_ALPHA if guard else planned.settings.alpha,
    )
    fields: dict[str, Any] = {
        "n_customers": int(units["customers"].sum()),
        "estimand": _estimand(measure),
        "method": "re-randomisation of units",
    }
    is_estimated = contrast.enough and math.isfinite(contrast.value)
    lo, hi = _possible(contrast.lo, contrast.hi, measure.unit)
    estimate = (
        Estimate(contrast.value, measure.unit, lo=lo, hi=hi, **fields)
        if is_estimated
        else Estimate.none("n_small", measure.unit, **fields)
    )
    reading = MeasureReading(
        measure.name, measure.heading, measure.unit, estimate, contrast.control, contrast.new,
        new_error=contrast.new_error,
        new_customers=int(units.loc[units["is_new"], "customers"].sum()),
    )  # fmt: skip
    return _against_limit(reading, measure) if isinstance(measure, Guardrail) else reading
