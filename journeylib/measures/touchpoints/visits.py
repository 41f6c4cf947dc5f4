"""What happens at a touchpoint: how often, how much work, how often again, how often amiss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import numpy as np
from ibis import _

from journeylib.core import GROUPS, ConfigError, did_you_mean, resample
from journeylib.journeys import Journeys, refuse_absent
from journeylib.log import Runs, fetch
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import (
    Cells,
    Floats,
    fold,
    measured,
    not_negative,
    share_of,
    silent,
    touchpoint_names,
)

US_PER_MINUTE = 60_000_000
US_PER_WEEK = 7 * 86_400_000_000
# Catalogue by which a flag says no; everything else that is not missing says yes.
NO_WORDS = ("", "0", "0.0", "f", "false", "n", "no", "none", "off")
KNOWN_AT_LEAST = 0.5
ONCE_A_VISIT = ("human", "exception_known", "exceptional", "flag_known", "flagged")


def touchpoint_measures(
    journeys: Journeys, cells: Cells, settings: MeasureSettings
) -> list[Measured]:
    """Measure volume, load, rework, exceptions, required fields, vulnerable and drop-off.

    Every visit of a touchpoint is a start; `cells` come from `count_visits`.
    """
    return [
        _volume(journeys, cells, settings),
        _load(journeys, cells, settings),
        _rework(cells, settings),
        _exceptions(journeys, cells, settings),
        _required_fields(journeys, cells, settings),
        _vulnerable(cells, settings),
        _drop_off(journeys, cells, settings),
    ]


def whole_weeks(journeys: Journeys) -> int:
    """Return how many whole weeks the log spans, 0 without a clock."""
    if journeys.first_us is None or journeys.last_us is None:
        return 0
    return (journeys.last_us - journeys.first_us + 1) // US_PER_WEEK


def check_names(journeys: Journeys, settings: MeasureSettings) -> None:
    """Refuse settings that name what the log does not have.

    Raises
    ------
    ConfigError
        With the nearest known name.
    """
    refuse_absent(journeys, settings, "measures")
    columns = set(journeys.steps.columns)
    fields = {field for listed in settings.required_fields.values() for field in listed}
    named: dict[str, set[str]] = {"required_fields": fields}
    for key in ("vulnerable", "needs_human"):
        named[key] = {flag} if (flag := getattr(settings, key)) else set()
    named["known_at_start"] = set(settings.known_at_start)
    for key, columns_named in named.items():
        for name in sorted(columns_named):
            if name not in columns:
                raise ConfigError(
                    f"measures.{key} names column '{name}', which this log does not have."
                    f"{did_you_mean(name, columns)} "
                    "Declare it under roles.attributes to keep it."
                )


def count_visits(journeys: Journeys, settings: MeasureSettings) -> Cells:
    """Walk over the steps once and return every sum that the measures here need."""
    rows = journeys.trail
    sums: dict[str, ibis.Deferred] = {
        "events": ibis.literal(1),
        "visits": _.starts_visit,
        "ended": _.starts_visit & _.is_open.isnull(),
        "known": _.ends_visit & (_.next_touchpoint.notnull() | _.is_open.isnull()),
    }
    bases = ["events", "visits", "ended", "known"]
    if journeys.has_clock:
        sums["waited"] = _.ends_visit & _.wait_us.notnull()
        sums["served"] = _.ends_visit & (_.service_us.notnull() | ~_.starts_visit)
        bases += ["waited", "served"]
    weeks = whole_weeks(journeys)
    if weeks and journeys.first_us is not None:
        in_weeks = _.t_us < journeys.first_us + weeks * US_PER_WEEK
        sums["starts"] = in_weeks & _.starts_visit
        bases.append("starts")
        if journeys.has("actor"):
            human = in_weeks & (_.actor == "human")
            sums["human"] = sums["human_turns"] = human
            sums["human_known"] = human & _.service_us.notnull()
            sums["human_us"] = human.ifelse(_.service_us, 0)
            bases.append("human")
    runs = Runs.of(rows, "journey", "step")
    if _transfers_are_seen(journeys):
        # Within the contact: another agent at the next one is no transfer, only the next one.
        together = "session" if journeys.has("session") else "touchpoint"
        same = runs.after(_[together]) == _[together]
        rows = rows.mutate(next_resource=same.ifelse(runs.after(_.resource), _.resource))
    sums |= _exception_sums(journeys)
    bases += ["exception_known"] if "exception_known" in sums else []
    sums |= _field_sums(settings)
    if settings.vulnerable:
        sums |= _flag_sums(journeys, settings.vulnerable)
        bases += ["flag_known", "flagged"]
    is_open = journeys.table.filter(_.end_kind == "open").select(
        open_journey=_.journey, is_open=ibis.literal(1)
    )
    rows = rows.left_join(is_open, rows.journey == is_open.open_journey)
    if journeys.has("session"):
        rows, sums = _per_visit(rows, sums)
    cells = fold(rows, sums, bases, len(journeys.names), again={"second": "visits"})
    # Of a journey that is over the first visit counts.
    return Cells({**cells.sums, "ended": cells.sums["ended_journeys"]})


def _per_visit(
    rows: ibis.Table, sums: Mapping[str, ibis.Value]
) -> tuple[ibis.Table, dict[str, ibis.Deferred]]:
    """Sum the turns of each visit; what any turn shows (`ONCE_A_VISIT`), the visit shows once."""
    keys = ["touchpoint_no", "group", "customer_no", "journey", "visit_step"]
    whole = {name: value.cast("int64").fill_null(0) for name, value in sums.items()}
    visits = (
        rows.select(*keys, **whole)
        .group_by(keys)
        .aggregate(
            **{name: _[name].max() if name in ONCE_A_VISIT else _[name].sum() for name in sums}
        )
    )
    return visits, {name: _[name] for name in sums}


def _transfers_are_seen(journeys: Journeys) -> bool:
    return journeys.has("actor") and journeys.has("resource")


def _exception_sums(journeys: Journeys) -> dict[str, ibis.Deferred]:
    known = []
    amiss = []
    if _transfers_are_seen(journeys):
        passed_on = (_.actor == "human") & (_.next_actor == "human")
        amiss.append((passed_on & (_.next_resource != _.resource)).fill_null(False))
        known.append((_.actor == "human") & _.resource.notnull())
    if journeys.has("error"):
        amiss.append(_.error.fill_null(False))
        known.append(_.error.notnull())
    if not amiss:
        return {}
    return {"exception_known": ibis.or_(*known), "exceptional": ibis.or_(*amiss)}


def _field_sums(settings: MeasureSettings) -> dict[str, ibis.Deferred]:
    if not settings.required_fields:
        return {}
    there = [
        ((_.touchpoint == touchpoint) & _[field].notnull()).cast("int64")
        for touchpoint, fields in sorted(settings.required_fields.items())
        for field in fields
    ]
    return {"filled": sum(there)}


def flag_of(journeys: Journeys, column: str) -> tuple[Any, Any]:
    """Return whether a declared flag is known at a step, and whether it is set.

    Where the column never says no, a missing value says it.
    """
    word = _[column].cast("string").strip().lower()
    says_no = word.isin(NO_WORDS)
    ever_no = fetch(journeys.steps.aggregate(no=says_no.any()))["no"].iloc[0]
    known = _[column].notnull() if ever_no else ibis.literal(True)
    return known, _[column].notnull() & ~says_no


def _flag_sums(journeys: Journeys, column: str) -> dict[str, ibis.Deferred]:
    known, flagged = flag_of(journeys, column)
    return {"flag_known": known, "flagged": flagged}


def _volume(journeys: Journeys, cells: Cells, settings: MeasureSettings) -> Measured:
    if not journeys.has_clock:
        return silent("volume", "1/week", "no_clock", len(journeys.names))
    weeks = whole_weeks(journeys)
    if not weeks:
        return silent("volume", "1/week", "immature_window", len(journeys.names))
    base = cells.base("starts")
    result = resample(
        cells.together("starts"), lambda s: s[..., 0] / weeks, n_customers=base.customers
    )
    return measured("volume", "1/week", not_negative(result), base, settings)


def _load(journeys: Journeys, cells: Cells, settings: MeasureSettings) -> Measured:
    """Measure human service time; turns without an end count at the mean of those known."""
    many = len(journeys.names)
    if not journeys.has_clock:
        return silent("load", "min/week", "no_clock", many)
    if not (journeys.has("actor") and journeys.has("end_us")):
        return silent("load", "min/week", "no_column", many)
    weeks = whole_weeks(journeys)
    if not weeks:
        return silent("load", "min/week", "immature_window", many)
    starts = cells.base("starts")
    sums = cells.together("human_us", "human_known", "human_turns")
    result = resample(sums, lambda s: human_minutes(s) / weeks, n_customers=starts.customers)
    poor = cells.total("human_known") < KNOWN_AT_LEAST * cells.total("human_turns")
    return measured(
        "load", "min/week", not_negative(result), starts, settings, refused={"quality_gate": poor}
    )


def human_minutes(sums: Floats) -> Floats:
    """Return minutes from service in microseconds, turns with a known service, turns."""
    mean_us = np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], 0.0)
    return np.asarray(mean_us * sums[..., 2] / US_PER_MINUTE)


def _rework(cells: Cells, settings: MeasureSettings) -> Measured:
    """Journeys with a second visit among journeys with one."""
    sums = cells.together("second", "visits_journeys")
    return share_of("rework", sums, cells.base("visits"), settings)


def _exceptions(journeys: Journeys, cells: Cells, settings: MeasureSettings) -> Measured:
    """Count visits with an error or passed from human to human, where either would show."""
    if "exceptional" not in cells.sums:
        return silent("exceptions", "share", "no_column", len(journeys.names))
    base = cells.base("exception_known")
    sums = cells.together("exceptional", "exception_known")
    return share_of("exceptions", sums, base, settings, refused={"no_column": base.events == 0})


def _required_fields(journeys: Journeys, cells: Cells, settings: MeasureSettings) -> Measured:
    """Share of the declared fields that are filled, over all events."""
    many = len(journeys.names)
    if not settings.required_fields:
        return silent("required_fields", "share", "no_column", many)
    names = touchpoint_names(journeys)
    needed = np.array([len(settings.required_fields.get(name, ())) for name in names])
    asked = cells.sums["events"] * needed
    sums = np.stack([cells.sums["filled"], asked], axis=-1)
    base = cells.base("events")
    return share_of("required_fields", sums, base, settings, refused={"no_column": needed == 0})


def _vulnerable(cells: Cells, settings: MeasureSettings) -> Measured:
    """Count flagged customers among customers whose flag is known."""
    if not settings.vulnerable:
        return silent("vulnerable", "share", "no_column", cells.sums["events"].shape[1])
    sums = cells.together("flagged_customers", "flag_known_customers")
    return share_of("vulnerable", sums, cells.base("flag_known"), settings)


def _drop_off(journeys: Journeys, cells: Cells, settings: MeasureSettings) -> Measured:
    """Count journeys that end here without a goal, among ended journeys that came by.

    Open journeys are left out of both: what becomes of them is not known yet.
    """
    many = len(journeys.names)
    if not journeys.settings.goals:
        return silent("drop_off", "share", "unidentified", many)
    lost = last_events(journeys)
    dropped = lost["bad_end"] + lost["other"]
    sums = np.stack([dropped, cells.sums["ended_journeys"]], axis=-1)
    return share_of("drop_off", sums, cells.base("ended"), settings)


def last_events(journeys: Journeys) -> dict[str, Floats]:
    """Count journeys by their last touchpoint and end, per customer group.

    Returns
    -------
    dict of str to ndarray of float64, shape (groups, touchpoints)
        Keys ``goal``, ``bad_end``, ``open``, ``other``.
    """
    many = len(journeys.names)
    number = {name: spot for spot, name in enumerate(touchpoint_names(journeys))}
    counts = fetch(
        journeys.table.group_by(["last_touchpoint", "group", "end_kind"]).aggregate(n=_.count())
    )
    ends = {kind: np.zeros((GROUPS, many)) for kind in ("goal", "bad_end", "open", "other")}
    columns = (counts["last_touchpoint"], counts["group"], counts["end_kind"], counts["n"])
    for touchpoint, group, kind, n in zip(*columns, strict=True):
        ends[kind][group, number[touchpoint]] += n
    return ends
