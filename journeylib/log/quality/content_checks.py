"""Checks of what events hold: gaps, ties, copies, names and sizes. Numbers only, no content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np

from journeylib.core import label, text
from journeylib.log.canonical.canonical_events import HELPER, NUMBER_ROLES, REASON_ROLE
from journeylib.log.engine.columns import Flags, Numbers, read_columns
from journeylib.log.engine.compiled import compiled
from journeylib.log.engine.row_order import in_order, lies_in_order, rows_at, touchpoint_sizes
from journeylib.log.eventlog import Check, check, count_check
from journeylib.log.quality.doubt_checks import fold
from journeylib.log.quality.survey import MANY_EVENTS, Inspection, Survey
from journeylib.log.schema import Schema

_MANY_GAPS = 0.2
_NEEDED = ("customer", "customer_no", "group", "case", "touchpoint", "t_us", "position")
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
            role = _COLUMN_ROLE.get(column, column)
            yield check("missing.some", role, n, severity=severity, used=survey.used)
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


def counted_contents(schema: Schema) -> dict[str, str]:
    """Return what is counted of what events hold, in SQL by name."""
    counts = {}
    if schema.actor and schema.session:
        counts["without_session"] = "count_if(actor = 'bot' AND session IS NULL)"
    if schema.actor and schema.text:
        counts["texts"] = "count(text)"
        counts["own_texts"] = "count_if(actor = 'customer' AND text IS NOT NULL)"
    return counts


def content_checks(log: Inspection) -> Iterator[Check]:
    """Check order, copies, names and sizes of the events."""
    ties = counted_ties(log)
    yield _ties(log, ties)
    yield _duplicates(log, ties)
    yield from _names(log)
    yield from _whose_words(log)
    yield from _sizes(log)


@dataclass(frozen=True)
class Ties:
    """Events of one owner at one moment, or at one position where there is no clock.

    Attributes
    ----------
    events : int
        Events that share owner and moment with another.
    matter : int
        Those of them among whom touchpoints differ.
    unbroken : int
        Those among whom two share the position as well.
    alike : int
        Events that share owner, moment, position and touchpoint with an earlier one.
    """

    events: int = 0
    matter: int = 0
    unbroken: int = 0
    alike: int = 0


def counted_ties(log: Inspection) -> Ties:
    """Count ties among neighbours, as events lie in order of owner, moment and position."""
    events, names = log.events, (log.owner, log.moment, "position", "touchpoint")
    if log.owner == "customer" and lies_in_order(events):
        order = in_order(events)[1]
        position = np.asarray(order.new_position, dtype=bool)
        owner, touchpoint = (
            _differ(order.numbers[name]) for name in ("customer_no", "touchpoint_no")
        )
        moment = _differ(order.numbers["t_us"]) if "t_us" in order.numbers else position
    else:
        events = events.order_by(list(dict.fromkeys(names)))
        before = {name: events[name].lag().over(ibis.window()) for name in names}
        marks = {
            f"{HELPER}{i}": (events[name] != before[name]).fill_null(True)
            for i, name in enumerate(names)
        }
        differ = read_columns(events.select(**marks)).values()
        owner, moment, position, touchpoint = (mark == 1 for mark in differ)
    return Ties(*_ties_among(owner | moment, position, touchpoint))


def _differ(values: Numbers) -> Flags:
    """Mark what is not the same as the value before."""
    differ = np.ones(len(values), dtype=bool)
    differ[1:] = values[1:] != values[:-1]
    return differ


@compiled
def _ties_among(moment: Flags, position: Flags, touchpoint: Flags) -> tuple[int, int, int, int]:
    """Count ties where moments begin, and positions and touchpoints differ from the row before."""
    events = matter = unbroken = alike = begin = 0
    mixed = repeated = False
    for row in range(len(moment) + 1):
        if row == len(moment) or moment[row]:
            size = row - begin
            if size > 1:
                events += size
                matter += size * mixed
                unbroken += size * repeated
            begin, mixed, repeated = row, False, False
            continue
        mixed |= touchpoint[row]
        repeated |= not position[row]
        alike += not (position[row] or touchpoint[row])
    return events, matter, unbroken, alike


def _ties(log: Inspection, ties: Ties) -> Check:
    """Say how many events share owner and time (or position) with another."""
    schema = log.schema
    role = "timestamp" if schema.has_clock else "position"
    if not ties.events:
        return check("ties.none", role)
    if not schema.has_clock:
        order = "touchpoints"
    elif schema.position is None:
        order = "rows"
    else:
        order = "position_except" if ties.unbroken else "position"
    values = {
        "owner": text(f"log.owner.{log.owner}"),
        "order": text(f"log.order.{order}", position=schema.position, rows=ties.unbroken),
        "matter": ties.matter,
    }
    severity = "note" if order == "position" or not ties.matter else "warning"
    kind = "ties.some" if ties.matter else "ties.harmless"
    return check(kind, role, ties.events, severity=severity, **values)


def _duplicates(log: Inspection, ties: Ties) -> Check:
    """Count events that repeat another in every column."""
    schema = log.schema
    # Copies share the declared position and the touchpoint, and the time where there is a clock.
    if (schema.position and not ties.alike) or (schema.has_clock and not ties.events):
        return count_check("duplicates", "", 0)
    events = _tied(log) if schema.has_clock else log.events
    # An undeclared position is the row number: it would tell every row from its copy.
    own = () if schema.position else ("position",)
    same = [column for column in events.columns if column not in own]
    # Attributes bear the names that the company gave them, so ours must not be a common one.
    groups = events.group_by(same).aggregate(**{f"{HELPER}rows": events.count()})
    extra = (groups[f"{HELPER}rows"] - 1).sum().to_pyarrow().as_py()
    return count_check("duplicates", "", int(extra or 0))


def _tied(log: Inspection) -> ir.Table:
    """Return the events that share owner and time with another."""
    events, owner = log.events, log.owner
    if owner == "customer" and lies_in_order(events):
        rows, order = in_order(events)
        fresh = _differ(order.numbers["customer_no"]) | _differ(order.numbers["t_us"])
        tied = ~fresh | ~np.append(fresh[1:], True)
        return rows_at(rows, order.rows[tied]).drop("_row")
    counts = events.group_by(owner, "t_us").aggregate(**{f"{HELPER}n": events.count()})
    shared = counts.filter(counts[f"{HELPER}n"] > 1).select(owner, "t_us")
    return events.semi_join(shared, [owner, "t_us"])


def _names(log: Inspection) -> Iterator[Check]:
    """Count events whose touchpoint the value maps do not know, and names that look alike."""
    schema, names = log.schema, touchpoint_sizes(log.events).to_pandas()
    maps: dict[str, set[str]] = {
        "touchpoint_values": set(schema.touchpoint_values.values()),
        "stage_values": set() if schema.stage else set(schema.stage_values),
        "office_values": set() if schema.office else set(schema.office_values),
    }
    for setting, mapped in maps.items():
        if mapped:
            unknown = names[~names["touchpoint"].isin(mapped)]
            yield count_check("unmapped", setting, int(unknown["events"].sum()), names=len(unknown))
    folded = fold(names["touchpoint"])
    alike = names[folded.duplicated(keep=False)]
    if len(alike):
        yield check("names_alike.some", "touchpoint", int(alike["events"].sum()), names=len(alike))
    if "without_session" in log.survey.counts:
        n = log.survey.counts["without_session"]
        yield count_check("bot_without_session", "session", n)


def _whose_words(log: Inspection) -> Iterator[Check]:
    """Say whose words texts are: the customer's where it is declared, or on rows of customers."""
    counts = log.survey.counts
    if "texts" not in counts:
        return
    if log.schema.text_by == "customer":
        yield check("text_by.customer", "text", counts["texts"])
    elif counts["texts"] and not counts["own_texts"]:
        yield check("text_by.nobody", "text", counts["texts"])


def _sizes(log: Inspection) -> Iterator[Check]:
    """Check whether there is a path to rebuild, and whether one customer may be many."""
    if log.survey.used == 1:
        yield check("one_event.only", "", 1)
    values = {"customers": log.ids["busy"], "limit": MANY_EVENTS}
    yield count_check("busy_customers", "customer", log.ids["busy_events"], **values)
