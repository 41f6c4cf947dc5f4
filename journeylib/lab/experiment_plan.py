"""The plan of an experiment: how many customers and weeks, which looks, or do not run it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, PlainSerializer, TypeAdapter
from scipy import special

from journeylib.core import ConfigError, LogError, named_parts, refuse_unknown, rounded, text
from journeylib.lab import exposures
from journeylib.lab.amounts import change, count, level, some
from journeylib.lab.settings import Guardrail, LabMeasure, LabSettings
from journeylib.lab.statistics.any_time import FEWEST, half_width
from journeylib.lab.statistics.design import (
    Design,
    customers_needed,
    power_each,
    share_variance,
    smallest_difference,
)
from journeylib.lab.statistics.differences import adjusted, ratio_variance
from journeylib.lab.statistics.group_sequential import (
    Boundary,
    even_looks,
    inflation,
    obrien_fleming,
    pocock,
)
from journeylib.lab.statistics.switchback import FEWEST as FEWEST_UNITS
from journeylib.log import EventLog, fetch

ONE_LOOK_WEEKS = 2  # a shorter experiment is looked at once
SHOWN = 10  # customers below which no number is shown
GUARD_ALPHA = 0.05  # one-sided, of each guardrail
UNIT_WEEKS = 26  # a switchback of weeks may take longer than an experiment by customer
BOUNDARIES = {"obrien_fleming": obrien_fleming, "pocock": pocock}

MESSAGES = {
    "queue": "lab: '{measure}' depends on a queue that both arms share. A customer of one arm "
    "waits behind customers of the other, so arms by customer show no difference even where the "
    "new way shortens every wait. Set unit: week or unit: team.",
    "touchpoint": "lab.touchpoint names '{name}', which is no touchpoint of this log.{near}",
}


# Rounded where it is written down; what could not be estimated stands there as nothing.
Number = Annotated[
    float,
    BeforeValidator(lambda value: math.nan if value is None else value),
    PlainSerializer(rounded, when_used="json"),
]


@dataclass(frozen=True)
class Baseline:
    """One measure before the experiment.

    Attributes
    ----------
    name : str
    value : float
        The measure over customers exposed as in the experiment.
    variance : float
        Of one customer (or unit): the squared error of `value` times their number.
    customers : int
        Customers (or units) it rests on.
    needed : int
        Customers (or units) of both arms together that its own test needs, at even shares.
    """

    name: str
    value: Number
    variance: Number
    customers: int
    needed: int


@dataclass(frozen=True)
class Look:
    """One planned look at the primary.

    Attributes
    ----------
    day : int
        The last day that is read, counted from the first of the experiment.
    customers : int
        Customers of both arms that will have been exposed long enough.
    time, z : float
        Share of the planned information, and critical value.
    """

    day: int
    customers: int
    time: Number
    z: Number


@dataclass(frozen=True)
class Plan:
    """An experiment as it was planned, before its data.

    Attributes
    ----------
    settings : LabSettings
    written : datetime.date
        The last day of the log that it rests on.
    already : int
        Customers who were exposed by then; 0 in a plan that can reach grade A.
    baselines : tuple of Baseline
        The primary first.
    by_week : tuple of int
        Customers who come to the touchpoint within 1, 2, … weeks.
    correlation : float
        Of the primary with what was known before; 0 where nothing is adjusted.
    power_each : float
        Power of the primary and of each guardrail, so that all pass together as asked for.
    run : bool
        Whether it is worth running.
    needed : int
        Customers (or units) of both arms together; 0 where that cannot be said.
    weeks : int
        Weeks in which customers are exposed.
    looks : tuple of Look
    findable : tuple of (int, int, float)
        Weeks, customers of both arms, and the smallest change that they find.
    text, advice : str, tuple of str
        What to do, and what would do where this does not.
    source : str
        The configuration it was planned from.
    """

    settings: LabSettings
    written: dt.date
    already: int
    baselines: tuple[Baseline, ...]
    by_week: tuple[int, ...]
    correlation: Number
    power_each: Number
    run: bool
    needed: int
    weeks: int
    looks: tuple[Look, ...]
    findable: tuple[tuple[int, int, Number], ...]
    text: str
    advice: tuple[str, ...] = ()
    source: str = ""

    __repr__ = named_parts

    @property
    def wait(self) -> int:
        """Days after an exposure until the primary can be read."""
        return math.ceil(self.settings.primary.days or 0)

    @property
    def table(self) -> pd.DataFrame:
        """Return weeks against what can be found: ``weeks``, ``customers``, ``change``."""
        return pd.DataFrame(self.findable, columns=["weeks", "customers", "change"])

    def __str__(self) -> str:
        return "\n".join([self.settings.question, self.text, *self.advice])


def depends_on_queue(measure: LabMeasure, bad_ends: Collection[str] = ()) -> bool:
    """Return whether a measure is a wait or an abandonment."""
    words = str(measure.column or "").lower()
    return (
        measure.queue
        or any(word in words for word in ("wait", "queue", "abandon"))
        or bool(set(measure.reaches) & set(bad_ends))
    )


def check_unit(
    settings: LabSettings, *, shared_queue: bool, bad_ends: Collection[str] = ()
) -> None:
    """Refuse arms by customer where what is measured depends on a queue that both arms share.

    Raises
    ------
    ConfigError
    """
    if settings.unit != "customer" or not shared_queue:
        return
    for measure in settings.measures:
        if depends_on_queue(measure, bad_ends):
            raise ConfigError(MESSAGES["queue"].format(measure=measure.name))


def check_touchpoint(log: EventLog, settings: LabSettings) -> None:
    """Refuse a touchpoint that the log does not have.

    Raises
    ------
    ConfigError
    """
    names = list(fetch(log.events.select("touchpoint").distinct())["touchpoint"].dropna())
    refuse_unknown([settings.touchpoint], names, MESSAGES["touchpoint"])


def plan(log: EventLog, settings: LabSettings, *, written: dt.date, source: str = "") -> Plan:
    """Plan an experiment from what the log shows before it.

    Parameters
    ----------
    log : EventLog
    settings : LabSettings
    written : datetime.date
        The last day of the log. What lies on or after the first day of the experiment is counted,
        not used.
    source : str
        The configuration, so that later commands find the log.

    Raises
    ------
    ConfigError
        If the log has no such touchpoint.
    SchemaError, LogError
        If the log lacks a column, an outcome or times.

    Notes
    -----
    Customers per arm: (z₁₋α/₂ + z₁₋β)² (σ_A² + σ_B²) / δ², times the inflation of the looks and
    1 − ρ² where adjusted. Guardrails are one-sided, each with its own limit as δ.
    """
    check_touchpoint(log, settings)
    until = min(written, settings.begins - dt.timedelta(days=1))
    already = 0
    if written >= settings.begins:
        already = _already(log, settings, written)
    if settings.unit != "customer":
        return _plan_units(log, settings, until, written, already, source)
    observed = exposures.observe_baseline(log, settings, until=until)
    by_week = exposures.customers_by_week(log, settings, until=until)
    each = power_each(settings.power, len(settings.guardrails))
    correlation = 0.0 if settings.before is None else _correlation(observed)
    baselines = [_baseline(observed, one) for one in settings.measures]
    base: dict[str, Any] = {
        "settings": settings, "written": written, "already": already,
        "by_week": tuple(number if number >= SHOWN else 0 for number in by_week),
        "correlation": correlation, "power_each": each, "source": source,
    }  # fmt: skip
    refusal = _refusal(settings, baselines)
    if refusal:
        return Plan(**base, baselines=tuple(baselines), run=False, needed=0, weeks=0, looks=(),
                    findable=(), text=refusal)  # fmt: skip
    return _planned(base, baselines)


def _already(log: EventLog, settings: LabSettings, written: dt.date) -> int:
    if settings.assignments is None and not log.has(settings.arm_column):
        return 0
    if settings.unit != "customer":
        units = exposures.observe_units(log, settings, begin=settings.begins, until=written)
        return len(units)
    return len(exposures.observe(log, settings, until=written).customers)


def _baseline(observed: exposures.Observations, measure: LabMeasure) -> Baseline:
    plain = observed.settings.model_copy(update={"before": None})
    watched = exposures.Observations(plain, observed.customers, observed.sums, observed.last_day)
    ((arm, _none),) = watched.arms(measure, observed.last_day)
    if arm.customers < SHOWN:
        return Baseline(measure.name, math.nan, math.nan, 0, 0)
    value, variance = ratio_variance(arm.top, arm.base)
    return Baseline(measure.name, value, variance, arm.customers, 0)


def _correlation(observed: exposures.Observations) -> float:
    """Return how closely the primary goes with what was known before."""
    measure = observed.settings.primary
    ((arm, _none),) = observed.arms(measure, observed.last_day)
    if arm.before is None or arm.customers < FEWEST:
        return 0.0
    raw = ratio_variance(arm.top, arm.base)[1]
    cut = arm.customers // 2
    halves = [
        type(arm)(arm.top[part], arm.base[part], arm.before[part])
        for part in (slice(0, cut), slice(cut, None))
    ]
    left = np.concatenate([one.top for one in adjusted(*halves)])
    explained = 1 - left.var(ddof=1) / raw if raw > 0 else 0.0
    return float(math.sqrt(min(max(explained, 0.0), 0.99)))


def _refusal(settings: LabSettings, baselines: Sequence[Baseline]) -> str:
    for one, measure in zip(baselines, settings.measures, strict=True):
        if one.customers < FEWEST:
            return text(
                "lab.plan.thin",
                customers=_shown(one.customers),
                touchpoint=settings.touchpoint,
                weeks=some(exposures.BASELINE_WEEKS, "week"),
                measure=measure.heading,
            )
        if not one.variance > 0:
            return text("lab.plan.constant", measure=measure.heading)
    return ""


def _shown(customers: int) -> str:
    return count(customers) if customers >= SHOWN else text("under", x=SHOWN)


def _variances(one: Baseline, measure: LabMeasure, delta: float) -> tuple[float, float]:
    """Return the variance of a customer in both arms; of a plain share it changes with it."""
    if measure.unit == "share" and measure.per_customer and 0 < one.value < 1:
        moved = min(max(one.value + measure.sign * delta, 0.0), 1.0)
        return one.variance, share_variance(moved) or one.variance
    return one.variance, one.variance


def _needed(settings: LabSettings, one: Baseline, measure: LabMeasure, design: Design) -> int:
    if isinstance(measure, Guardrail):
        return sum(customers_needed(measure.limit, (one.variance, one.variance), design))
    variances = _variances(one, measure, settings.least_worth)
    if settings.way == "any_time":
        return _needed_any_time(settings, variances, design)
    return sum(customers_needed(settings.least_worth, variances, design))


def _needed_any_time(settings: LabSettings, variances: tuple[float, float], design: Design) -> int:
    """Return the customers with whom the last look alone finds the least worth having."""
    from scipy.optimize import brentq

    tau, z = settings.least_worth, float(special.ndtri(design.power))

    def shortfall(v: float) -> float:
        return float(half_width(v, tau, settings.alpha)) + z * math.sqrt(v) - tau

    v = float(brentq(shortfall, tau**2 * 1e-6, tau**2))
    left = 1 - design.correlation**2
    return math.ceil(2 * sum(variances) * left / v)


def _planned(base: dict[str, Any], measured: Sequence[Baseline]) -> Plan:
    settings: LabSettings = base["settings"]
    each, correlation = base["power_each"], base["correlation"]
    arrivals = _arrivals(settings, base["by_week"])

    def designs(looks: int) -> tuple[Design, Design]:
        boundary = _boundary(settings, even_looks(looks))
        grown = inflation(boundary, each, settings.alpha) if looks > 1 else 1.0
        guard = Design(GUARD_ALPHA, each, inflation=grown, one_sided=True)
        return Design(settings.alpha, each, inflation=grown, correlation=correlation), guard

    def needs(looks: int) -> list[int]:
        primary, guard = designs(looks)
        return [
            _needed(settings, one, measure, guard if isinstance(measure, Guardrail) else primary)
            for one, measure in zip(measured, settings.measures, strict=True)
        ]

    first = _weeks(arrivals, max(needs(1)))
    looks = 1 if settings.way == "any_time" else settings.looks or _default_looks(first)
    needed = needs(looks)
    weeks = _weeks(arrivals, max(needed))
    run = weeks is not None and weeks <= settings.most_weeks
    planned = weeks if run and weeks is not None else settings.most_weeks
    primary, _guard = designs(looks)
    measure = settings.primary
    variances = _variances(measured[0], measure, settings.least_worth)
    findable = tuple(
        (week, round(arrivals[week - 1][0]),
         smallest_difference(arrivals[week - 1][1], variances, primary))
        for week in range(1, settings.most_weeks + 1)
    )  # fmt: skip
    words = {
        "least": change(measure.sign * settings.least_worth, measure.unit),
        "primary": measure.heading,
        "customers": count(max(needed)),
        "weeks": some(planned, "week"),
        "reach": count(arrivals[planned - 1][0]),
        "power": level(settings.power, "share"),
    }
    baselines = tuple(
        Baseline(one.name, one.value, one.variance, one.customers, need)
        for one, need in zip(measured, needed, strict=True)
    )
    advice = [] if run else _advice(settings, base["by_week"], max(needed), findable)
    if len(base["by_week"]) < planned:
        advice.append(text("lab.plan.steady"))
    if base["already"]:
        advice.append(text("lab.plan.already", customers=_shown(base["already"])))
    return Plan(
        **base, baselines=baselines, run=run, needed=max(needed), weeks=planned,
        looks=_looks(settings, arrivals, planned, looks), findable=findable,
        text=text(f"lab.plan.{'run' if run else 'not'}", **words), advice=tuple(advice),
    )  # fmt: skip


def _default_looks(weeks: int | None) -> int:
    if weeks is None or weeks < ONE_LOOK_WEEKS:
        return 1
    return min(5, weeks)


def _boundary(settings: LabSettings, times: Sequence[float]) -> Boundary:
    return BOUNDARIES[settings.boundary](times, settings.alpha)


def _arrivals(settings: LabSettings, by_week: Sequence[int]) -> list[tuple[float, float]]:
    """Return customers so far, and what they are worth at even shares, after 1, 2, … weeks."""
    grown = list(by_week[: settings.most_weeks])
    last = grown[-1] - grown[-2] if len(grown) > 1 else (grown[0] if grown else 0)
    while len(grown) < settings.most_weeks:
        grown.append((grown[-1] if grown else 0) + last)
    arrivals: list[tuple[float, float]] = []
    so_far, worth = 0.0, 0.0
    for week, total in enumerate(grown):
        first = settings.begins + dt.timedelta(weeks=week)
        stages = [one for one in settings.all_stages if one.begins <= first]
        share = (stages or settings.all_stages[:1])[-1].share
        worth += (total - so_far) * 4 * share * (1 - share)
        so_far = total
        arrivals.append((so_far, worth))
    return arrivals


def _weeks(arrivals: Sequence[tuple[float, float]], needed: int) -> int | None:
    return next((week for week, (_all, worth) in enumerate(arrivals, 1) if worth >= needed), None)


def _looks(
    settings: LabSettings, arrivals: Sequence[tuple[float, float]], weeks: int, looks: int
) -> tuple[Look, ...]:
    wait = math.ceil(settings.primary.days or 0)
    days = [round(7 * weeks * (number + 1) / looks) for number in range(looks)]
    weekly = [0.0, *(worth for _all, worth in arrivals)]
    people = [0.0, *(everyone for everyone, _worth in arrivals)]
    at = np.interp(np.array(days) / 7, range(len(weekly)), weekly)
    who = np.interp(np.array(days) / 7, range(len(people)), people)
    times = tuple(float(value) for value in at / at[-1]) if at[-1] > 0 else even_looks(looks)
    boundary = _boundary(settings, times)
    return tuple(
        Look(day + wait - 1, round(customers), time, z)
        for day, customers, time, z in zip(days, who, times, boundary.z, strict=True)
    )


def _advice(
    settings: LabSettings,
    by_week: Sequence[int],
    needed: int,
    findable: Sequence[tuple[int, int, float]],
) -> list[str]:
    advice = []
    even = settings.model_copy(update={"share": 0.5, "stages": ()})
    sooner = _weeks(_arrivals(even, by_week), needed)
    if sooner is not None and (settings.stages or settings.share != 0.5):
        advice.append(text("lab.plan.share", weeks=some(sooner, "week")))
    if math.isfinite(findable[-1][2]):
        coarse = change(settings.primary.sign * findable[-1][2], settings.primary.unit)
        weeks = some(settings.most_weeks, "week")
        advice.append(text("lab.plan.coarser", weeks=weeks, change=coarse))
    if settings.primary.kind == "outcome" or (settings.primary.days or 0) > 14:
        advice.append(text("lab.plan.nearer"))
    if settings.before is None:
        advice.append(text("lab.plan.covariate"))
    return advice


def _plan_units(
    log: EventLog,
    settings: LabSettings,
    until: dt.date,
    written: dt.date,
    already: int,
    source: str,
) -> Plan:
    """Plan a switchback: weeks or teams as units."""
    weekly = settings.unit == "week"
    weeks_known = 12
    begin = until - dt.timedelta(days=7 * weeks_known - 1)
    units = exposures.observe_units(log, settings, begin=begin, until=until, arms=False)
    design = Design(settings.alpha, power_each(settings.power, len(settings.guardrails)))
    guard = Design(GUARD_ALPHA, design.power, one_sided=True)
    baselines = []
    for measure in settings.measures:
        usable = units[units[f"base:{measure.name}"] > 0]
        if len(usable) < 2:
            raise LogError(
                text("lab.plan.thin", customers=text("under", x=2), touchpoint=settings.touchpoint,
                                         weeks=some(weeks_known, "week"),
                                         measure=measure.heading)
            )  # fmt: skip
        y = usable[f"top:{measure.name}"] / usable[f"base:{measure.name}"] / 1e6
        delta = measure.limit if isinstance(measure, Guardrail) else settings.least_worth
        variance = float(y.var())
        test = guard if isinstance(measure, Guardrail) else design
        per_arm = customers_needed(delta, (variance, variance), test)[0] if variance > 0 else 0
        baselines.append(
            Baseline(measure.name, float(y.mean()), variance, len(usable),
                     2 * max(per_arm, FEWEST_UNITS))
        )  # fmt: skip
    needed = max(one.needed for one in baselines)
    weeks = needed if weekly else exposures.BASELINE_WEEKS
    run = weeks <= UNIT_WEEKS if weekly else len(units) >= needed
    measure = settings.primary
    words = {
        "least": change(measure.sign * settings.least_worth, measure.unit),
        "primary": measure.heading,
        "units": some(needed // 2, settings.unit),
        "weeks": some(weeks if run else UNIT_WEEKS if weekly else len(units),
                      "week" if run or weekly else settings.unit),
    }  # fmt: skip
    variances = (baselines[0].variance, baselines[0].variance)
    findable = tuple(
        (week, week, smallest_difference(week, variances, design))
        for week in range(2 * FEWEST_UNITS, UNIT_WEEKS + 1, 2)
        if weekly
    )
    return Plan(
        settings, written, already, tuple(baselines), (), 0.0, design.power, run, needed,
        weeks, (Look(7 * weeks - 1, needed, 1.0, float(-special.ndtri(settings.alpha / 2))),),
        findable, text(f"lab.plan.{'run_units' if run else 'not_units'}", **words),
        (text("lab.plan.already", customers=_shown(already)),) if already else (), source,
    )  # fmt: skip


PLANS = TypeAdapter(Plan)


def plan_content(planned: Plan) -> dict[str, Any]:
    """Return a plan as plain values, numbers rounded to six digits."""
    content = PLANS.dump_python(planned, mode="json")
    lab = content.pop("settings")
    if lab["assignments"]:
        lab["assignments"]["file"] = ""  # where it lies is no part of a plan
    return {"lab": lab, **content}


def plan_from(content: Mapping[str, Any]) -> Plan:
    """Return the plan that `plan_content` wrote down.

    Raises
    ------
    pydantic.ValidationError
        If a key is missing or wrong.
    """
    fields = {key: value for key, value in content.items() if key != "lab"}
    return PLANS.validate_python({**fields, "settings": content["lab"]})
