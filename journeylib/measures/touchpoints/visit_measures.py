"""What happens at a touchpoint: how often, how much work, how often again, how often amiss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
from ibis import _

from journeylib.core import GROUPS, US_PER_DAY, AbstainReason, refuse_unknown, resample
from journeylib.journeys import (
    BAD_END,
    MISSING,
    OTHER_END,
    Events,
    Journeys,
    count_units_again,
    judged_by_goals,
    largest_of_customers,
    refuse_absent,
)
from journeylib.log import NO_WORDS
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import (
    Cells,
    Floats,
    Numbers,
    Rows,
    fold,
    measured,
    not_negative,
    share_of,
    silent,
)

US_PER_MINUTE = 60_000_000
US_PER_WEEK = 7 * US_PER_DAY
# Catalogue by which a flag says no; everything else that is not missing says yes.
UNSET_WORDS = ("", "none", "keine", "off", *NO_WORDS)
KNOWN_AT_LEAST = 0.5
SUMS = ("starts", "human", "human_us")  # what is shown as a sum over customers
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
    columns = set(journeys.column_names)
    fields = {field for listed in settings.required_fields.values() for field in listed}
    named: dict[str, set[str]] = {"required_fields": fields}
    for key in ("vulnerable", "needs_human"):
        named[key] = {flag} if (flag := getattr(settings, key)) else set()
    named["known_at_start"] = set(settings.known_at_start)
    for key, columns_named in named.items():
        refuse_unknown(
            sorted(columns_named),
            columns,
            "measures.{key} names column '{name}', which this log does not have.{near} "
            "Declare it under roles.attributes to keep it.",
            key=key,
        )


def count_visits(journeys: Journeys, settings: MeasureSettings) -> Cells:
    """Walk over the events once and return every sum that the measures here need."""
    # Whether a flag ever says no, the whole log tells.
    flag = flag_of(journeys, settings.vulnerable) if settings.vulnerable else None
    return journeys.summed(lambda part: _cells(part, settings, flag))


def _cells(journeys: Journeys, settings: MeasureSettings, flag: tuple[Any, Any] | None) -> Cells:
    events = journeys.events
    starts = events.starts_visit
    sums, bases = _visit_sums(journeys)
    sums |= _exception_sums(journeys)
    bases += ["exception_known"] if "exception_known" in sums else []
    sums |= _field_sums(journeys, settings)
    if flag is not None:
        is_known, is_set = flag
        sums["flag_known"] = events.mark(f"{settings.vulnerable} is known", is_known)
        sums["flagged"] = events.mark(f"{settings.vulnerable} is set", is_set)
        bases += ["flag_known", "flagged"]
    if journeys.has("session"):
        sums = _per_visit(np.flatnonzero(starts), sums)
    rows = Rows.of(events, starts if journeys.has("session") else None)
    cells = fold(rows, sums, bases)
    protects = journeys.settings.min_customers > 1
    largest = {
        name: largest_of_customers(rows.touchpoint, rows.customer, sums[name], rows.touchpoints)
        if protects
        else np.zeros(rows.touchpoints, dtype=np.int64)
        for name in SUMS
        if name in sums
    }
    second = count_units_again(rows.cell, rows.journey, GROUPS * rows.touchpoints)
    # Of a journey that is over the first visit counts.
    judged = cells.sums["judged_journeys"]
    return Cells({**cells.sums, "judged": judged, "second": second.reshape(GROUPS, -1)}, largest)


def _visit_sums(journeys: Journeys) -> tuple[dict[str, Numbers], list[str]]:
    """Mark what counts as a visit of which kind, and name the marks that measures rest on."""
    events, outline = journeys.events, journeys.outline
    starts, ends = events.starts_visit, events.ends_visit
    ends_known = journeys.has("end_us")
    over = ~outline.is_open[events.journey]
    judged = judged_by_goals(outline, journeys.settings)[events.journey]
    sums: dict[str, Numbers] = {
        "events": np.ones(len(events), dtype=bool),
        "visits": starts,
        "judged": starts & over & judged,
        "known": ends & (~events.is_last | over),
    }
    bases = list(sums)
    if journeys.has_clock:
        sums["waited"] = ends & ~events.is_last
        sums["served"] = ends & ~starts
        if ends_known:
            sums["served"] = ends & ((events.service_us != MISSING) | ~starts)
        bases += ["waited", "served"]
    weeks = whole_weeks(journeys)
    if weeks and journeys.first_us is not None:
        in_weeks = events.t_us < journeys.first_us + weeks * US_PER_WEEK
        sums["starts"] = in_weeks & starts
        bases.append("starts")
        if journeys.has("actor"):
            sums |= _human_sums(events, in_weeks, ends_known=ends_known)
            bases.append("human")
    return sums, bases


def _human_sums(events: Events, in_weeks: Numbers, *, ends_known: bool) -> dict[str, Numbers]:
    """Mark the turns of humans in whole weeks, and sum how long they served."""
    human = in_weeks & events.column("actor").is_word("human")
    timed, service_us = np.zeros(len(events), dtype=bool), np.zeros(len(events), dtype=np.int64)
    if ends_known:
        timed = human & (events.service_us != MISSING)
        service_us = np.where(timed, events.service_us, 0)
    return {"human": human, "human_turns": human, "human_known": timed, "human_us": service_us}


def _per_visit(first: Numbers, sums: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Sum the turns of each visit; what any turn shows (`ONCE_A_VISIT`), the visit shows once."""
    if not len(first):
        return {name: values.astype(np.int64) for name, values in sums.items()}
    return {
        name: (np.maximum if name in ONCE_A_VISIT else np.add).reduceat(
            values.astype(np.int64), first
        )
        for name, values in sums.items()
    }


def _transfers_are_seen(journeys: Journeys) -> bool:
    return journeys.has("actor") and journeys.has("resource")


def _exception_sums(journeys: Journeys) -> dict[str, Numbers]:
    """Mark the events where an error or a transfer would show, and those where one does."""
    events = journeys.events
    is_known = np.zeros(len(events), dtype=bool)
    faulty = is_known.copy()
    if _transfers_are_seen(journeys):
        human, by = events.column("actor").is_word("human"), events.column("resource").number
        # Within the contact: another agent at the next one is no transfer, only the next one.
        together = events.column("session").number if journeys.has("session") else events.touchpoint
        same = (together >= 0) & (events.next_of(together, -1) == together)
        then = events.next_of(by, -1)
        faulty |= human & events.next_of(human, 0) & same & (then != by) & (then >= 0) & (by >= 0)
        is_known |= human & (by >= 0)
    if journeys.has("error"):
        faulty |= events.column("error") == 1
        is_known |= events.column("error") >= 0
    elif not _transfers_are_seen(journeys):
        return {}
    return {"exception_known": is_known, "exceptional": faulty}


def _field_sums(journeys: Journeys, settings: MeasureSettings) -> dict[str, Numbers]:
    if not settings.required_fields:
        return {}
    events, number = journeys.events, {name: no for no, name in journeys.names.items()}
    filled = np.zeros(len(events), dtype=np.int64)
    for touchpoint, listed in settings.required_fields.items():
        here = events.touchpoint == number.get(touchpoint, -1)
        for name in listed:
            filled += here & events.known(name)
    return {"filled": filled}


def flag_of(journeys: Journeys, column: str) -> tuple[Any, Any]:
    """Return whether a declared flag is known at a step, and whether it is set.

    Where the column never says no, a missing value says it.
    """
    says_no = _[column].cast("string").strip().lower().isin(UNSET_WORDS)
    ever_no = journeys.events.mark(f"{column} says no", says_no).any()
    is_known = _[column].notnull() if ever_no else ibis.literal(True)
    return is_known, _[column].notnull() & ~says_no


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
    refused: dict[AbstainReason, npt.NDArray[np.bool_]] = {
        "dominance": cells.one_customer("starts")
    }
    return measured("volume", "1/week", not_negative(result), base, settings, refused=refused)


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
    refused: dict[AbstainReason, npt.NDArray[np.bool_]] = {
        "quality_gate": poor,
        "dominance": cells.one_customer("human", "human_us"),
    }
    return measured("load", "min/week", not_negative(result), starts, settings, refused=refused)


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
    names = journeys.touchpoint_names
    needed = np.array([len(settings.required_fields.get(name, ())) for name in names])
    asked = cells.sums["events"] * needed
    sums = np.stack([cells.sums["filled"], asked], axis=-1).astype(np.float64)
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

    Open journeys are left out of both: what becomes of them is not known yet. So are journeys
    about a matter without a goal: no goal tells whether it was settled.
    """
    outline, many = journeys.outline, len(journeys.names)
    if not journeys.settings.every_goal:
        return silent("drop_off", "share", "unidentified", many)
    missed = np.isin(outline.end_kind, [BAD_END, OTHER_END])
    missed &= judged_by_goals(outline, journeys.settings)
    cell = outline.group.astype(np.int64) * many + outline.last
    dropped = np.bincount(cell[missed], minlength=GROUPS * many).reshape(GROUPS, many)
    sums = np.stack([dropped, cells.sums["judged_journeys"]], axis=-1).astype(np.float64)
    base = cells.base("judged")
    refused: dict[AbstainReason, npt.NDArray[np.bool_]] = {}
    if journeys.settings.goals_by_intent:
        refused["unidentified"] = base.events == 0
    return share_of("drop_off", sums, base, settings, refused=refused)
