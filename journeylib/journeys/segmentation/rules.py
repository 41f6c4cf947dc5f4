"""Cutting: where in a customer's stream of events one journey ends and the next begins."""

from __future__ import annotations

from itertools import chain
from typing import Annotated, Literal, Self

import ibis
from ibis import _
from pydantic import Field, model_validator

from journeylib.core import US_PER_DAY, Described, SchemaError
from journeylib.journeys.preparation.business_hours import BusinessHours
from journeylib.log import (
    ROW_NUMBER,
    Channel,
    EventLog,
    Intent,
    KeptTouchpoint,
    Runs,
    is_sorted,
    materialise_sorted,
)

CutKind = Literal["case", "gap", "goal", "learned", "customer"]
# Journeys of one customer are numbered below this, by case or by the place of their first event.
JOURNEYS_PER_CUSTOMER = 1 << 24
# What stands beside an event in its stream, and the column that it is taken from.
AFTER = {
    "next_touchpoint": "touchpoint",
    "next_touchpoint_no": "touchpoint_no",
    "next_actor": "actor",
    "next_us": "t_us",
    "_next_session": "session",
}
BEFORE = {"_last_touchpoint_no": "touchpoint_no", "_last_session": "session"}

Days = Annotated[float, Field(gt=0)]


class JourneySettings(Described):
    """How journeys are cut and when they count as over.

    Attributes
    ----------
    cut
        case: by the journey column; gap: after gap_days of silence; goal: after a goal or bad end,
        and after gap_days of silence; learned: where touchpoints and silence say so, learned from a
        sample of customers without examples; customer: all events of a customer are one journey;
        auto: case where the log has one, else gap, else (without a clock) customer.
    gap_days
        Silence after which a new journey begins: an assumption, say why; or fitted: where the
        silences of the log, or of a channel where it has channels, have two humps, between them,
        else assumed_gap_days; or days by channel, that of the event before the silence.
    assumed_gap_days
        The gap where gap_days is fitted and the log does not show one, and of channels that
        gap_days does not name.
    boundary_probability
        learned: a journey begins where the probability of a boundary exceeds this.
    quiet_days
        Silence after which a journey without an end is over; default gap_days, and for cases (cut:
        case or customer) what the longest silence of 95 % of them does not exceed, where that is
        shorter.
    business_hours
        Give service and waiting time within these hours beside wall-clock time.
    goals
        Touchpoints that are what the customer wanted.
    goals_by_intent
        Goals of journeys about an intent, the first that the journey states; they take the place of
        goals. An empty list: no touchpoint shows that this matter is settled, so no goal judges
        these journeys.
    bad_ends
        Touchpoints that are what nobody wanted.
    min_customers
        A shown cell rests on at least this many customers.
    max_customers_modelled
        Steps that model each journey (moments of truth, presence, tipping points, rule_skill,
        learned boundaries, what is remembered) work on a sample of this many customers where there
        are more, and say so.
    """

    cut: Literal["auto", "case", "gap", "goal", "learned", "customer"] = "auto"
    gap_days: Days | Literal["fitted"] | dict[Channel, Days] = 30.0
    assumed_gap_days: float = Field(30.0, gt=0)
    boundary_probability: float = Field(0.5, gt=0, lt=1)
    quiet_days: float | None = Field(None, gt=0)
    business_hours: BusinessHours | None = None
    goals: tuple[KeptTouchpoint, ...] = ()
    goals_by_intent: dict[Intent, tuple[KeptTouchpoint, ...]] = Field({})
    bad_ends: tuple[KeptTouchpoint, ...] = ()
    min_customers: int = Field(10, ge=1)
    max_customers_modelled: int = Field(100_000, ge=1)

    @model_validator(mode="after")
    def _goals_to_cut_at(self) -> Self:
        if self.cut == "goal" and not (self.every_goal or self.bad_ends):
            raise ValueError("'cut' is 'goal', but neither 'goals' nor 'bad_ends' name any")
        return self

    @property
    def every_goal(self) -> tuple[str, ...]:
        """All touchpoints that are a goal of some journey, by name."""
        return tuple(sorted({*self.goals, *chain(*self.goals_by_intent.values())}))

    @property
    def stated_gap_us(self) -> int:
        """The gap as stated, or what stands in until one is fitted, in microseconds."""
        days = self.gap_days if isinstance(self.gap_days, float) else self.assumed_gap_days
        return round(days * US_PER_DAY)


def resolve_cut(log: EventLog, settings: JourneySettings) -> CutKind:
    """Return which cut applies to this log.

    Raises
    ------
    SchemaError
        If the cut that was asked for needs a role that the log does not have.
    """
    if settings.cut == "auto":
        if log.has("case"):
            return "case"
        return "gap" if log.has_clock else "customer"
    if settings.cut == "case" and not log.has("case"):
        raise SchemaError(
            "journeys.cut is 'case', but no column has the role 'journey'. "
            "Declare it in roles, or set journeys.cut to 'gap'."
        )
    if settings.cut == "gap" and not log.has_clock:
        raise SchemaError(
            "journeys.cut is 'gap', but the log has no clock. "
            "Declare a 'timestamp' role, or set journeys.cut to 'case' or 'customer'."
        )
    return settings.cut


def by_customer(events: ibis.Table) -> ibis.Table:
    """Cut nowhere: all events of a customer are one journey, ordered as `by_flag` does."""
    placed = _placed(events, "customer_no", ("customer_no", "journey"))
    return _stepped(placed.mutate(journey=_first_journey(_.customer_no)))


def by_case(events: ibis.Table) -> ibis.Table:
    """Cut by case, ordered as `by_flag` does; one case id under two customers is two journeys."""
    cases = events.select("customer_no", "case").distinct()
    number = ibis.row_number().over(group_by="customer_no", order_by="case")
    numbered = cases.mutate(_case_no=number)
    journeys = (
        events.left_join(numbered, ["customer_no", "case"])
        .mutate(journey=_first_journey(_.customer_no) + ibis.coalesce(_["_case_no"], -1))
        .drop("_case_no", "customer_no_right", "case_right")
    )
    return _stepped(_placed(journeys, "journey", ("journey",)))


def by_flag(stream: ibis.Table, fresh: ibis.Value) -> ibis.Table:
    """Cut where `fresh` holds.

    Parameters
    ----------
    stream : ibis.Table
        Events in the order of their customer, from `in_stream`.
    fresh : ibis.Value
        Whether a journey begins at an event of `stream`; null is no.

    Returns
    -------
    ibis.Table
        With ``journey`` (an opaque int64 key) and ``step``; what stands beside an event is null
        where it is in another journey.
    """
    # A customer's first event begins a journey whatever is said of it.
    marked = stream.mutate(_fresh=fresh.fill_null(False) | stream["_first"])
    runs = Runs.of(marked, "customer_no", ROW_NUMBER)
    cut = marked.mutate(
        _ago=runs.since(_["_fresh"]),
        _before=runs.since(_["_first"]),
        _last=runs.after(_["_fresh"]).fill_null(True),
    )
    flags = [c for c in (*AFTER, *BEFORE) if c in cut.columns]
    outside = {c: cut["_last"] if c in AFTER else cut["_fresh"] for c in flags}
    channel = ["_last_channel"] if "_last_channel" in cut.columns else []
    return cut.mutate(
        journey=_first_journey(cut.customer_no) + cut["_before"] - cut["_ago"],
        step=cut["_ago"] + 1,
        # Without a type, so that codes of few names stay codes.
        **{c: out.ifelse(ibis.null(), cut[c]) for c, out in outside.items()},
    ).drop(ROW_NUMBER, "_first", "_fresh", "_last", "_ago", "_before", *channel)


def in_stream(events: ibis.Table) -> ibis.Table:
    """Put the events of each customer in order, and say what stands beside each.

    Returns
    -------
    ibis.Table
        With `ROW_NUMBER` and ``_first`` (of its customer), the columns `AFTER` and `BEFORE` where
        the log has them, ``_last_channel`` with channels, and with a clock ``silence_us``: from
        the latest end seen so far to the event, for a long call is not silence. Null at a
        customer's first event.
    """
    stream = _placed(events, "customer_no", ("customer_no", "journey"))
    runs = Runs.of(stream, "customer_no", ROW_NUMBER)
    columns: dict[str, ibis.Value] = {}
    if "channel" in events.columns:
        columns["_last_channel"] = runs.before(_.channel)
    if "end_us" in events.columns:
        end = ibis.greatest(_.t_us, ibis.coalesce(_.end_us, _.t_us))
        stream = stream.mutate(_busy_us=runs.most_so_far(end))
        columns["silence_us"] = _.t_us - runs.before(_["_busy_us"])
        return stream.mutate(**columns).drop("_busy_us")
    if "t_us" in events.columns:
        columns["silence_us"] = _.t_us - runs.before(_.t_us)
    return stream.mutate(**columns)


def _placed(events: ibis.Table, whose: str, runs: tuple[str, ...]) -> ibis.Table:
    """Sort the events of each customer or journey, unless they lie so since they were read.

    Adds `ROW_NUMBER`, ``_first`` and what stands beside an event. `runs` are the keys whose events
    will lie together, in order.
    """
    lies = is_sorted(events, whose)
    held = events if lies else materialise_sorted(events, (whose, *runs), _order(events))
    beside = Runs.of(held, whose, *_order(events))
    columns = {ROW_NUMBER: beside.row(), "_first": beside.before(_[whose]).isnull()}
    columns |= {name: beside.after(_[c]) for name, c in AFTER.items() if c in events.columns}
    columns |= {name: beside.before(_[c]) for name, c in BEFORE.items() if c in events.columns}
    return held.mutate(**columns)


def _stepped(placed: ibis.Table) -> ibis.Table:
    """Number the steps of journeys whose keys are known."""
    runs = Runs.of(placed, "journey", ROW_NUMBER)
    return placed.mutate(step=runs.since(_["_first"]) + 1).drop(ROW_NUMBER, "_first")


def _order(events: ibis.Table) -> list[str]:
    clock = ["t_us"] if "t_us" in events.columns else []
    # Numbers of touchpoints are in the order of their names, and sort faster.
    return [*clock, "position", "touchpoint_no"]


def _first_journey(customer_no: ibis.Value) -> ibis.Value:
    """Return the key of a customer's first journey; later ones have larger keys."""
    return customer_no.cast("int64") * JOURNEYS_PER_CUSTOMER
