"""Checks of what events hold: gaps, ties, copies, names and sizes. Numbers only, no content."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir

from journeylib.core import label, percent, text
from journeylib.log.canonical.canonical_events import HELPER, NUMBER_ROLES, REASON_ROLE
from journeylib.log.engine.row_order import Runs, is_sorted
from journeylib.log.eventlog import Check, check, count_check
from journeylib.log.quality.doubt_checks import fold
from journeylib.log.quality.survey import MANY_EVENTS, Inspection, Survey, one_row
from journeylib.log.schema import Schema

_MANY_GAPS = 0.2
_NEEDED = ("customer", "case", "touchpoint", "t_us", "position")
_COLUMN_ROLE = {"case": "journey", "end_us": "end_timestamp"} | {
    column: role for role, column in NUMBER_ROLES.items()
}


def value_checks(survey: Survey) -> Iterator[Check]:
    """Check which rows were set aside, and which values are missing or cannot be read."""
    for reason, n in survey.reasons.items():
        role = REASON_ROLE.get(reason, "row")
        yield check("unusable.some", role, n, reason=label("log.reason", reason))
    if not survey.reasons:
        yield check("unusable.none")
    for column, n in survey.nulls.items():
        if column not in _NEEDED:
            share = n / survey.used if survey.used else 0.0
            severity = "ok" if n == 0 else "warning" if share > _MANY_GAPS else "note"
            values = {"used": survey.used, "share": percent(share)}
            role = _COLUMN_ROLE.get(column, column)
            yield check("missing.some", role, n, severity=severity, **values)
    for role, n in survey.unread.items():
        if role == "actor":
            yield check("unmapped.actors" if n else "unmapped.no_actors", role, n)
        elif n:
            yield check("unreadable.some", role, n)
    for role, n in survey.controls.items():
        if n:
            yield check("control_characters.some", role, n)
    for role, n in survey.personal.items():
        if n:
            yield check("personal_names.some", role, n)


def content_checks(log: Inspection) -> Iterator[Check]:
    """Check order, copies, names and sizes of the events."""
    tied = _tied(log)
    yield _ties(log, tied)
    # Events that repeat another share its time: where there is a clock only ties can.
    yield _duplicates(tied if log.schema.has_clock else log.events, log.schema)
    yield from _names(log)
    yield from _whose_words(log)
    yield from _sizes(log)


def _tied(log: Inspection) -> ir.Table:
    """Return the events that share owner and time (or position) with another."""
    events, owner = log.events, log.owner
    if log.schema.has_clock and is_sorted(events, owner):
        runs = Runs(owner, ("t_us", "position", "touchpoint"), lying=True)
        moment = events["t_us"]
        neighbour = (runs.before(moment) == moment) | (runs.after(moment) == moment)
        marked = events.mutate(**{f"{HELPER}tied": neighbour})
        return marked.filter(marked[f"{HELPER}tied"]).drop(f"{HELPER}tied").cache()
    keys = [owner, "t_us" if log.schema.has_clock else "position"]
    counts = events.group_by(keys).aggregate(**{f"{HELPER}n": events.count()})
    shared = counts.filter(counts[f"{HELPER}n"] > 1).select(keys)
    return events.semi_join(shared, keys).cache()


def _ties(log: Inspection, tied: ir.Table) -> Check:
    """Count events that share owner and time (or position) with another."""
    schema, owner = log.schema, log.owner
    moment = "t_us" if schema.has_clock else "position"
    role = "timestamp" if schema.has_clock else "position"
    keys = list(dict.fromkeys([owner, moment, "position"]))
    places = tied.group_by(keys).aggregate(
        n=tied.count(), least=tied["touchpoint"].min(), most=tied["touchpoint"].max()
    )
    groups = places.group_by(owner, moment).aggregate(
        n=places["n"].sum(),
        places=places.count(),
        least=places["least"].min(),
        most=places["most"].max(),
    )
    counts = one_row(
        groups.aggregate(
            events=groups["n"].sum(),
            matter=ibis.ifelse(groups["least"] != groups["most"], groups["n"], 0).sum(),
            unbroken=ibis.ifelse(groups["places"] < groups["n"], groups["n"], 0).sum(),
        )
    )
    if not counts["events"]:
        return check("ties.none", role)
    if not schema.has_clock:
        order = "touchpoints"
    elif schema.position is None:
        order = "rows"
    else:
        order = "position_except" if counts["unbroken"] else "position"
    values = {
        "owner": text(f"log.owner.{owner}"),
        "order": text(f"log.order.{order}", position=schema.position, rows=counts["unbroken"]),
        "matter": counts["matter"],
    }
    severity = "note" if order == "position" or not counts["matter"] else "warning"
    kind = "ties.some" if counts["matter"] else "ties.harmless"
    return check(kind, role, counts["events"], severity=severity, **values)


def _duplicates(events: ir.Table, schema: Schema) -> Check:
    # An undeclared position is the row number: it would tell every row from its copy.
    own = () if schema.position else ("position",)
    same = [column for column in events.columns if column not in own]
    # Attributes bear the names that the company gave them, so ours must not be a common one.
    groups = events.group_by(same).aggregate(**{f"{HELPER}rows": events.count()})
    extra = one_row(groups.aggregate(extra=(groups[f"{HELPER}rows"] - 1).sum()))["extra"]
    return count_check("duplicates", "", extra)


def _names(log: Inspection) -> Iterator[Check]:
    """Count events whose touchpoint the value maps do not know, and names that look alike."""
    events, schema = log.events, log.schema
    names = events.group_by("touchpoint").aggregate(n=events.count()).to_pandas()
    maps: dict[str, set[str]] = {
        "touchpoint_values": set(schema.touchpoint_values.values()),
        "stage_values": set() if schema.stage else set(schema.stage_values),
        "office_values": set() if schema.office else set(schema.office_values),
    }
    for setting, mapped in maps.items():
        if mapped:
            unknown = names[~names["touchpoint"].isin(mapped)]
            yield count_check("unmapped", setting, int(unknown["n"].sum()), names=len(unknown))
    folded = fold(names["touchpoint"])
    alike = names[folded.duplicated(keep=False)]
    if len(alike):
        yield check("names_alike.some", "touchpoint", int(alike["n"].sum()), names=len(alike))
    if "actor" in events.columns and "session" in events.columns:
        bot = events["actor"] == "bot"
        n = one_row(events.aggregate(n=(bot & events["session"].isnull()).sum()))["n"]
        yield count_check("bot_without_session", "session", n)


def _whose_words(log: Inspection) -> Iterator[Check]:
    """Say whose words texts are: the customer's where it is declared, or on rows of customers."""
    if not {"actor", "text"} <= set(log.events.columns):
        return
    spoken = log.events["text"].notnull()
    counts = one_row(
        log.events.aggregate(
            n=spoken.sum(), own=(spoken & (log.events["actor"] == "customer")).sum()
        )
    )
    if log.schema.text_by == "customer":
        yield check("text_by.customer", "text", counts["n"])
    elif counts["n"] and not counts["own"]:
        yield check("text_by.nobody", "text", counts["n"])


def _sizes(log: Inspection) -> Iterator[Check]:
    """Check whether there is a path to rebuild, and whether one customer may be many."""
    if log.survey.used == 1:
        yield check("one_event.only", "", 1)
    values = {"customers": log.ids["busy"], "limit": MANY_EVENTS}
    yield count_check("busy_customers", "customer", log.ids["busy_events"], **values)
