"""Observations: who was in which arm from when on, and what came of it, day by day."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ibis import _
from numpy.typing import NDArray

from journeylib.core import MICRO, US_PER_DAY, LogError, SchemaError, refuse_unknown, start_of
from journeylib.lab.settings import AssignmentsConfig, LabMeasure, LabSettings
from journeylib.lab.statistics.any_time import FEWEST
from journeylib.lab.statistics.differences import (
    Arm,
    Difference,
    check_known_before,
    difference,
    pooled,
)
from journeylib.log import EventLog, fetch, flag_of, micro_of

Bools = NDArray[np.bool_]
WEEK_US = 7 * US_PER_DAY
BASELINE_WEEKS = 4  # of exposures that the baselines of a plan rest on
ROLE_COLUMNS = {"rating": "rating_micro", "cost": "cost_micro", "error": "error"}
NO_SEGMENT = "(none)"

MESSAGES = {
    "no_clock": "an experiment needs a log with times: declare roles.timestamp.",
    "no_arm": "the log has no column '{name}' for the arm. Declare it under roles.attributes, or "
    "give lab.assignments.{near}",
    "no_column": "lab: '{measure}' names the column '{name}', which the log does not have. Declare "
    "it under roles.attributes.{near}",
    "no_outcomes": "lab: '{measure}' is an outcome, but the configuration has no log.outcomes.",
    "other_arms": "the arm column holds {count} other words than '{control}' and '{new}'. Set "
    "lab.arms to the words of the log.",
    "file": "lab.assignments: {name} cannot be read as CSV with the columns {columns}.",
}


@dataclass(frozen=True)
class Observations:
    """Customers of an experiment, from their first exposure on.

    Attributes
    ----------
    settings : LabSettings
    customers : pandas.DataFrame
        One row per exposed customer, in a fixed order, without ids: ``arm`` (0 control, 1 new),
        ``exposed_day`` (int64, days since the experiment began), ``stage`` (int64), ``both``
        (bool, seen in both arms), ``segment`` (str), ``before`` (float64, NaN where unknown).
    sums : mapping of str to pandas.DataFrame
        By measure, one row per customer and day with anything: ``customer`` (int64, row of
        `customers`), ``day`` (int64), ``top`` (int64, millionths), ``base`` (int64).
    last_day : int
        The last day that is observed, counted like ``exposed_day``.
    """

    settings: LabSettings
    customers: pd.DataFrame
    sums: Mapping[str, pd.DataFrame] = field(repr=False)
    last_day: int

    def counts(self, day: int) -> list[tuple[int, int]]:
        """Return the customers of control and new arm exposed up to a day, per stage."""
        seen = self.customers[self.customers["exposed_day"] <= day]
        return [
            (int(((seen["stage"] == stage) & (seen["arm"] == 0)).sum()),
             int(((seen["stage"] == stage) & (seen["arm"] == 1)).sum()))
            for stage in range(len(self.settings.all_stages))
        ]  # fmt: skip

    def both_share(self, day: int) -> float:
        """Return the share of customers up to a day who were seen in both arms."""
        seen = self.customers[self.customers["exposed_day"] <= day]
        return float(seen["both"].mean()) if len(seen) else 0.0

    def mature(self, measure: LabMeasure, day: int) -> Bools:
        """Return which customers were exposed long enough ago for a measure."""
        wait = 0 if measure.days is None else math.ceil(measure.days)
        return np.asarray(self.customers["exposed_day"] + wait <= day, dtype=bool)

    def arms(
        self, measure: LabMeasure, day: int, *, among: Bools | None = None
    ) -> list[tuple[Arm, Arm]]:
        """Return the values of control and new arm as they were known on a day, per stage."""
        rows = self.sums[measure.name]
        rows = rows[rows["day"] <= day]
        size = len(self.customers)
        top = np.bincount(rows["customer"], weights=rows["top"], minlength=size) / MICRO
        base = (
            np.ones(size)
            if measure.per_customer
            else np.bincount(rows["customer"], weights=rows["base"], minlength=size)
        )
        who = self.mature(measure, day)
        if among is not None:
            who = who & among
        if not measure.per_customer:
            # Customers without an event that counts say nothing about events.
            who = who & (base > 0)
        adjust = measure.name == self.settings.primary.name and self.settings.before is not None
        before = self.customers["before"].to_numpy() if adjust else None
        arm, stage = self.customers["arm"].to_numpy(), self.customers["stage"].to_numpy()

        def of(which: int, number: int) -> Arm:
            here = who & (arm == which) & (stage == number)
            return Arm(top[here], base[here], None if before is None else before[here])

        return [(of(0, number), of(1, number)) for number in range(len(self.settings.all_stages))]

    def difference(
        self, measure: LabMeasure, day: int, *, among: Bools | None = None
    ) -> Difference:
        """Estimate new minus control as known on a day, within stages, pooled over them."""
        stages = self.arms(measure, day, among=among)
        if len(stages) > 1:
            enough = [pair for pair in stages if min(one.customers for one in pair) >= FEWEST]
            stages = enough or stages
        share = measure.unit == "share"
        return pooled([difference(control, new, share=share) for control, new in stages])


def observe(log: EventLog, settings: LabSettings, *, until: dt.date) -> Observations:
    """Read the customers of an experiment out of a log.

    Parameters
    ----------
    log : EventLog
    settings : LabSettings
    until : datetime.date
        The last day that is read.

    Raises
    ------
    SchemaError
        If a column is not in the log.
    LogError
        If the log has no times, the arm column holds other words, or a covariate may hold the
        effect itself.
    """
    begin, end = start_of(settings.begins), start_of(until) + US_PER_DAY
    exposed = _exposed(log, settings, begin, end)
    return _observed(log, settings, exposed, begin, end)


def observe_baseline(log: EventLog, settings: LabSettings, *, until: dt.date) -> Observations:
    """Read customers as if they had been exposed in the weeks before an experiment.

    Parameters
    ----------
    log : EventLog
    settings : LabSettings
    until : datetime.date
        The last day that is read. Exposures are those of the four weeks that end early enough
        for the longest window of a measure.

    Returns
    -------
    Observations
        All of them in the control arm.
    """
    _check_clock(log)
    wait = max(math.ceil(one.days or 0) for one in settings.measures)
    end = start_of(until) + US_PER_DAY
    last = end - wait * US_PER_DAY
    begin = last - BASELINE_WEEKS * WEEK_US
    events = log.events
    seen = events.filter(
        events["t_us"] >= begin, events["t_us"] < last, events["touchpoint"] == settings.touchpoint
    )
    exposed = fetch(seen.group_by("customer").aggregate(first_us=seen["t_us"].min()))
    exposed = exposed.sort_values("customer", kind="stable", ignore_index=True)
    exposed = exposed.assign(arm=0, both=False, stage=0)
    plain = settings.model_copy(update={"stages": ()})
    return _observed(log, plain, exposed, begin, end)


def customers_by_week(log: EventLog, settings: LabSettings, *, until: dt.date) -> list[int]:
    """Count the customers seen at the touchpoint in the last 1, 2, … weeks of a log."""
    _check_clock(log)
    end = start_of(until) + US_PER_DAY
    events = log.events.filter(
        log.events["touchpoint"] == settings.touchpoint, log.events["t_us"] < end
    )
    last = fetch(events.group_by("customer").aggregate(last=events["t_us"].max()))["last"]
    first = fetch(log.events.aggregate(first=log.events["t_us"].min()))["first"].iloc[0]
    weeks_in_log = 0 if pd.isna(first) else int((end - first) // WEEK_US)
    weeks = range(1, min(settings.most_weeks, weeks_in_log) + 1)
    return [int((last >= end - week * WEEK_US).sum()) for week in weeks]


def observe_units(
    log: EventLog, settings: LabSettings, *, begin: dt.date, until: dt.date, arms: bool = True
) -> pd.DataFrame:
    """Read whole weeks or teams as the units that take turns.

    Parameters
    ----------
    log : EventLog
    settings : LabSettings
        With the unit ``week`` or ``team``.
    begin, until : datetime.date
        First and last day that are read. Of each week the first day is left out: what the week
        before left in the queue is still there.
    arms : bool
        Whether units have arms; before an experiment they have none.

    Returns
    -------
    pandas.DataFrame
        One row per unit: ``is_new`` (bool), ``mixed`` (float64, share of its exposures in the
        other arm), and per measure ``top:name`` (int64, millionths) and ``base:name`` (int64).
    """
    _check_clock(log)
    first, end = start_of(begin), start_of(until) + US_PER_DAY
    weekly = settings.unit == "week"
    if weekly:
        end = first + (end - first) // WEEK_US * WEEK_US
    events = log.events.filter(log.events["t_us"] >= first, log.events["t_us"] < end)
    if weekly:
        age = events["t_us"] - first
        events = events.mutate(unit=age // WEEK_US).filter((age % WEEK_US) >= US_PER_DAY)
    else:
        name = str(settings.team)
        _check_column(log, name, "unit")
        events = events.mutate(unit=events[name]).filter(events[name].notnull())
    seen = events.filter(events["touchpoint"] == settings.touchpoint)
    units = fetch(seen.group_by("unit").aggregate(customers=seen["customer"].nunique()))
    units = units.sort_values("unit", ignore_index=True).set_index("unit")
    if arms:
        units = units.join(_unit_arms(log, settings, seen))
    for measure in settings.measures:
        units = units.join(_unit_sums(log, events, measure))
        if measure.per_customer:
            units[f"base:{measure.name}"] = units["customers"]
    return units.fillna({c: 0 for c in units if ":" in str(c)}).reset_index(drop=True)


def _unit_arms(log: EventLog, settings: LabSettings, seen: ibis.Table) -> pd.DataFrame:
    column = _arm_column(log, settings)
    counts = fetch(seen.filter(seen[column].notnull()).group_by(["unit", column]).agg(n=_.count()))
    _check_arms(counts[column], settings)
    wide = counts.pivot_table(index="unit", columns=column, values="n", fill_value=0)
    wide = wide.reindex(columns=list(settings.arms), fill_value=0)
    control, new = (wide[word] for word in settings.arms)
    mixed = np.minimum(control, new) / (control + new)
    return pd.DataFrame({"is_new": new > control, "mixed": mixed})


def _unit_sums(log: EventLog, events: ibis.Table, measure: LabMeasure) -> pd.DataFrame:
    if measure.kind == "outcome":
        raise SchemaError(
            f"lab: '{measure.name}' is an outcome of a customer; weeks and teams need a column or "
            "touchpoints that are reached."
        )
    hits = _hits(log, events, measure)
    if measure.kind == "reaches":
        table = hits.group_by("unit").aggregate(n=hits["customer"].nunique())
        rows = table.mutate(top=table["n"] * MICRO, base=table["n"]).drop("n")
    else:
        rows = hits.group_by("unit").aggregate(top=hits["value"].sum(), base=hits.count())
    sums = fetch(rows).set_index("unit")
    return sums.rename(columns={c: f"{c}:{measure.name}" for c in ("top", "base")})


def _check_clock(log: EventLog) -> None:
    if not log.has_clock:
        raise LogError(MESSAGES["no_clock"])


def _check_column(log: EventLog, name: str, measure: str) -> None:
    problem = MESSAGES["no_column"]
    refuse_unknown([name], log.events.columns, problem, SchemaError, measure=measure)


def _arm_column(log: EventLog, settings: LabSettings) -> str:
    name = settings.arm_column
    refuse_unknown([name], log.events.columns, MESSAGES["no_arm"], SchemaError)
    return name


def _check_arms(words: pd.Series[Any], settings: LabSettings) -> None:
    others = set(words.dropna()) - set(settings.arms)
    if others:
        control, new = settings.arms
        raise LogError(MESSAGES["other_arms"].format(count=len(others), control=control, new=new))


def _exposed(log: EventLog, settings: LabSettings, begin: int, end: int) -> pd.DataFrame:
    """Return one row per exposed customer, in the order of their ids."""
    _check_clock(log)
    if settings.assignments is None:
        column = _arm_column(log, settings)
        seen = log.events.filter(
            log.events[column].notnull(),
            log.events["touchpoint"] == settings.touchpoint,
            log.events["t_us"] >= begin,
            log.events["t_us"] < end,
        )
        rows = fetch(
            seen.group_by("customer", word=seen[column]).aggregate(first_us=seen["t_us"].min())
        )
    else:
        rows = _assigned(settings.assignments)
        rows = rows[(rows["first_us"] >= begin) & (rows["first_us"] < end)]
    _check_arms(rows["word"], settings)
    rows = rows.sort_values(["customer", "first_us", "word"], kind="stable")
    first = rows.drop_duplicates("customer").reset_index(drop=True)
    words = rows.groupby("customer", sort=True)["word"].nunique()
    stages = [start_of(stage.begins) for stage in settings.all_stages]
    stage = np.searchsorted(stages, first["first_us"], side="right") - 1
    exposed = pd.DataFrame(
        {
            "customer": first["customer"],
            "first_us": first["first_us"].astype("int64"),
            "arm": (first["word"] == settings.arms[1]).astype("int64"),
            "both": (words.to_numpy() > 1),
            "stage": np.maximum(stage, 0),
        }
    )
    return exposed.assign(before=first["before"]) if "before" in first else exposed


def _assigned(config: AssignmentsConfig) -> pd.DataFrame:
    """Read the table of assignments: ``customer``, ``word``, ``first_us``, perhaps ``before``."""
    names = [config.customer, config.arm, config.time]
    names += [name for name in (config.before, config.before_time) if name]
    try:
        table = pd.read_csv(config.file, dtype=str, usecols=names)
        rows = pd.DataFrame(
            {
                "customer": table[config.customer],
                "word": table[config.arm],
                "first_us": _microseconds(table[config.time]),
            }
        )
        if config.before:
            rows["before"] = pd.to_numeric(table[config.before])
            at = pd.Series(np.nan, index=table.index)
            if config.before_time:
                at = _microseconds(table[config.before_time]).astype("float64")
            has = rows["before"].notna()
            check_known_before(at[has], rows["first_us"][has].astype("float64"))
    except (OSError, ValueError):
        listed = ", ".join(names)
        raise LogError(MESSAGES["file"].format(name=config.file, columns=listed)) from None
    return rows.dropna(subset=["customer", "word", "first_us"])


def _microseconds(texts: pd.Series[Any]) -> pd.Series[Any]:
    times = pd.to_datetime(texts, utc=True, format="ISO8601")
    micros = (times - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(microseconds=1)
    return micros.astype("Int64")


def _observed(
    log: EventLog, settings: LabSettings, exposed: pd.DataFrame, begin: int, end: int
) -> Observations:
    numbered = exposed.reset_index(names="customer_row")
    rows = ibis.memtable(
        numbered[["customer_row", "customer", "first_us"]].astype({"customer": "str"})
    )
    sums = {one.name: _sums(log, rows, one, settings, (begin, end)) for one in settings.measures}
    customers = pd.DataFrame(
        {
            "arm": exposed["arm"],
            "exposed_day": (exposed["first_us"] - begin) // US_PER_DAY,
            "stage": exposed["stage"],
            "both": exposed["both"].astype(bool),
            "segment": _segments(log, rows, len(exposed), end) if settings.segments else NO_SEGMENT,
            "before": _before(log, rows, settings, exposed),
        }
    )
    return Observations(settings, customers, sums, int((end - begin) // US_PER_DAY) - 1)


def _sums(
    log: EventLog,
    exposed: ibis.Table,
    measure: LabMeasure,
    settings: LabSettings,
    span: tuple[int, int],
) -> pd.DataFrame:
    begin, end = span
    if measure.kind == "outcome":
        if log.outcomes is None:
            raise SchemaError(MESSAGES["no_outcomes"].format(measure=measure.name))
        hits = log.outcomes.filter(
            log.outcomes["kind"] == measure.outcome, log.outcomes["value_micro"] > 0
        ).mutate(value=ibis.literal(MICRO, type="int64"))
    else:
        hits = _hits(log, log.events, measure)
    hits = hits.filter(hits["t_us"].notnull(), hits["t_us"] < end)
    joined = exposed.join(hits.select("customer", "t_us", "value"), "customer")
    after = joined["t_us"] >= joined["first_us"]
    if settings.touchpoint in measure.reaches:
        after = joined["t_us"] > joined["first_us"]
    if measure.days is not None:
        after = after & (joined["t_us"] < joined["first_us"] + int(measure.days * US_PER_DAY))
    joined = joined.filter(after)
    if measure.kind != "column":  # a customer counts once, on the first day
        joined = joined.group_by("customer_row").aggregate(
            t_us=joined["t_us"].min(), value=joined["value"].max()
        )
    daily = joined.mutate(day=(joined["t_us"] - begin) // US_PER_DAY)
    rows = fetch(
        daily.group_by(["customer_row", "day"]).aggregate(top=_.value.sum(), base=_.count())
    )
    rows = rows.rename(columns={"customer_row": "customer"}).astype("int64")
    return rows.sort_values(["customer", "day"], ignore_index=True)


def _hits(log: EventLog, events: ibis.Table, measure: LabMeasure) -> ibis.Table:
    """Return the events that count for a measure, with their value in millionths."""
    if measure.kind == "reaches":
        hits = events.filter(events["touchpoint"].isin(measure.reaches))
        return hits.mutate(value=ibis.literal(MICRO, type="int64"))
    hits = events.mutate(value=_value(log, events, measure)).filter(_.value.notnull())
    return hits.filter(hits["touchpoint"].isin(measure.at)) if measure.at else hits


def _value(log: EventLog, events: ibis.Table, measure: LabMeasure) -> Any:
    """Return a column of the log in millionths."""
    name = ROLE_COLUMNS.get(str(measure.column), str(measure.column))
    _check_column(log, name, measure.name)
    column = events[name]
    if name.endswith("_micro"):
        return column
    if column.type().is_boolean():
        return column.cast("int64") * MICRO
    number = micro_of(column, log.schema.missing)
    if not column.type().is_string():
        return number
    return ibis.coalesce(number, flag_of(column, log.schema.missing).cast("int64") * MICRO)


def _segments(log: EventLog, exposed: ibis.Table, size: int, end: int) -> NDArray[np.object_]:
    """Return the segment that each customer had first from the exposure on."""
    values = np.full(size, NO_SEGMENT, dtype=object)
    if not log.has("segment"):
        return values
    events = log.events.filter(log.events["segment"].notnull(), log.events["t_us"] < end)
    joined = exposed.join(events.select("customer", "t_us", "segment"), "customer")
    joined = joined.filter(joined["t_us"] >= joined["first_us"])
    rows = fetch(joined.group_by(["customer_row", "segment"]).aggregate(at=joined["t_us"].min()))
    rows = rows.sort_values(["customer_row", "at", "segment"]).drop_duplicates("customer_row")
    values[rows["customer_row"].to_numpy()] = rows["segment"].to_numpy(dtype=object)
    return values


def _before(
    log: EventLog, exposed: ibis.Table, settings: LabSettings, rows: pd.DataFrame
) -> NDArray[np.float64]:
    values = np.full(len(rows), np.nan)
    if settings.before is None:
        return values
    if "before" in rows:
        return rows["before"].to_numpy(dtype=np.float64)
    measure = LabMeasure(name="before", column=settings.before.column)
    events = log.events.mutate(value=_value(log, log.events, measure))
    joined = exposed.join(events.select("customer", "t_us", "value"), "customer")
    joined = joined.filter(
        joined["value"].notnull(),
        joined["t_us"] < joined["first_us"],
        joined["t_us"] >= joined["first_us"] - int(settings.before.days * US_PER_DAY),
    )
    sums = fetch(
        joined.group_by("customer_row").aggregate(top=joined["value"].sum(), n=joined.count())
    )
    values[sums["customer_row"]] = sums["top"] / sums["n"] / MICRO
    return values
