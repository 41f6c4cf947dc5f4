"""Cutting: where in a customer's stream of events one journey ends and the next begins."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import ibis
from ibis import _
from pydantic import BaseModel, ConfigDict, Field, model_validator

from journeylib.errors import SchemaError
from journeylib.journeys.calendar import BusinessHours
from journeylib.log.eventlog import EventLog

CutKind = Literal["case", "gap", "goal", "learned", "customer"]
US_PER_DAY = 86_400_000_000
# Journeys of one customer are numbered below this; 16 million of them are never reached,
# because a log with more events of one customer than that is refused on reading.
JOURNEYS_PER_CUSTOMER = 1 << 24

Days = Annotated[float, Field(gt=0)]


class JourneySettings(BaseModel):
    """How journeys are cut and when they count as over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cut: Literal["auto", "case", "gap", "goal", "learned", "customer"] = Field(
        "auto",
        description="case: by the journey column; gap: after gap_days of silence; goal: after a "
        "goal or bad end, and after gap_days of silence; learned: where touchpoints and silence "
        "say so, learned from a sample of customers without examples; customer: all events of a "
        "customer are one journey; auto: case where the log has one, else gap, else (without a "
        "clock) customer.",
    )
    gap_days: Days | Literal["fitted"] | dict[str, Days] = Field(
        30.0,
        description="Silence after which a new journey begins: an assumption, say why; or fitted: "
        "where the silences of the log, or of a channel where it has channels, have two humps, "
        "between them, else assumed_gap_days; or days by channel, that of the event before the "
        "silence.",
    )
    assumed_gap_days: float = Field(
        30.0,
        gt=0,
        description="The gap where gap_days is fitted and the log does not show one, and of "
        "channels that gap_days does not name.",
    )
    quiet_days: float | None = Field(
        None,
        gt=0,
        description="Silence after which a journey without an end is over; default gap_days.",
    )
    business_hours: BusinessHours | None = Field(
        None, description="Give service and waiting time within these hours beside wall-clock time."
    )
    goals: tuple[str, ...] = Field((), description="Touchpoints that are what the customer wanted.")
    bad_ends: tuple[str, ...] = Field((), description="Touchpoints that are what nobody wanted.")
    min_customers: int = Field(
        10, ge=1, description="A shown cell rests on at least this many customers."
    )

    @model_validator(mode="after")
    def _goals_to_cut_at(self) -> Self:
        if self.cut == "goal" and not (self.goals or self.bad_ends):
            raise ValueError("'cut' is 'goal', but neither 'goals' nor 'bad_ends' name any")
        return self

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
    """Add ``journey``, an opaque int64 key: all events of a customer are one."""
    return events.mutate(journey=events.customer_no * JOURNEYS_PER_CUSTOMER)


def by_case(events: ibis.Table) -> ibis.Table:
    """Add ``journey``: the same case id under two customers is two journeys."""
    cases = events.select("customer_no", "case").distinct()
    number = ibis.row_number().over(group_by="customer_no", order_by="case")
    numbered = cases.mutate(case_no=number)
    return (
        events.left_join(numbered, ["customer_no", "case"])
        .mutate(journey=_.customer_no * JOURNEYS_PER_CUSTOMER + ibis.coalesce(_.case_no, -1))
        .drop("case_no", "customer_no_right", "case_right")
    )


def by_flag(events: ibis.Table, fresh: ibis.Value) -> ibis.Table:
    """Add ``journey``: one begins at each event of a customer for which `fresh` holds."""
    so_far = ibis.window(preceding=(None, 0), **in_order(events))
    begun = events.mutate(_fresh=fresh.fill_null(False).cast("int64"))
    number = _._fresh.sum().over(so_far)
    return begun.mutate(journey=_.customer_no * JOURNEYS_PER_CUSTOMER + number).drop("_fresh")


def in_order(events: ibis.Table) -> dict[str, Any]:
    """Return the window arguments that put the events of a customer in order."""
    clock = ["t_us"] if "t_us" in events.columns else []
    return {"group_by": "customer_no", "order_by": [*clock, "position", "touchpoint"]}


def with_silence(events: ibis.Table) -> ibis.Table:
    """Add ``silence_us``: from the latest end seen so far to each event of a customer.

    A long call is not silence. Null at a customer's first event.
    """
    end = (
        ibis.greatest(_.t_us, ibis.coalesce(_.end_us, _.t_us))
        if "end_us" in events.columns
        else _.t_us
    )
    busy_until = end.max().over(ibis.window(preceding=(None, 1), **in_order(events)))
    return events.mutate(silence_us=_.t_us - busy_until)
