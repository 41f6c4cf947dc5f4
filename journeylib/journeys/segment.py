"""Cutting: where in a customer's stream of events one journey ends and the next begins."""

from __future__ import annotations

from typing import Literal

import ibis
from ibis import _
from pydantic import BaseModel, ConfigDict, Field

from journeylib.errors import SchemaError
from journeylib.log.eventlog import EventLog

US_PER_DAY = 86_400_000_000
# Journeys of one customer are numbered below this; 16 million of them are never reached,
# because a log with more events of one customer than that is refused on reading.
JOURNEYS_PER_CUSTOMER = 1 << 24


class JourneySettings(BaseModel):
    """How journeys are cut and when they count as over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cut: Literal["auto", "case", "gap", "customer"] = Field(
        "auto",
        description="case: by the journey column; gap: after gap_days of silence; customer: all "
        "events of a customer are one journey; auto: case where the log has one, else gap, else "
        "(without a clock) customer.",
    )
    gap_days: float = Field(
        30.0, gt=0, description="Silence after which a new journey begins. An assumption: say why."
    )
    quiet_days: float | None = Field(
        None,
        gt=0,
        description="Silence after which a journey without an end is over; default gap_days.",
    )
    goals: tuple[str, ...] = Field((), description="Touchpoints that are what the customer wanted.")
    bad_ends: tuple[str, ...] = Field((), description="Touchpoints that are what nobody wanted.")
    min_customers: int = Field(
        10, ge=1, description="A shown cell rests on at least this many customers."
    )

    @property
    def quiet_us(self) -> int:
        """Silence after which a journey counts as over, in microseconds."""
        return round((self.quiet_days or self.gap_days) * US_PER_DAY)


def resolve_cut(log: EventLog, settings: JourneySettings) -> Literal["case", "gap", "customer"]:
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


def number_journeys(
    events: ibis.Table, cut: Literal["case", "gap", "customer"], gap_us: int
) -> ibis.Table:
    """Add ``journey``, an opaque int64 key, to events that carry ``customer_no``.

    A journey belongs to one customer: the same case id under two customers is two journeys.
    """
    first = events.customer_no * JOURNEYS_PER_CUSTOMER
    if cut == "customer":
        return events.mutate(journey=first)
    if cut == "case":
        cases = events.select("customer_no", "case").distinct()
        number = ibis.row_number().over(group_by="customer_no", order_by="case")
        numbered = cases.mutate(case_no=number)
        return (
            events.left_join(numbered, ["customer_no", "case"])
            .mutate(journey=_.customer_no * JOURNEYS_PER_CUSTOMER + ibis.coalesce(_.case_no, -1))
            .drop("case_no", "customer_no_right", "case_right")
        )
    in_order = {"group_by": "customer_no", "order_by": ["t_us", "position", "touchpoint"]}
    end = (
        ibis.greatest(_.t_us, ibis.coalesce(_.end_us, _.t_us))
        if "end_us" in events.columns
        else _.t_us
    )
    # A long call is not silence: the gap runs from the latest end seen so far.
    busy_until = end.max().over(ibis.window(preceding=(None, 1), **in_order))
    silent = events.mutate(silence=_.t_us - busy_until)
    fresh = (_.silence > gap_us).fill_null(False).cast("int64")
    journey_no = fresh.sum().over(ibis.window(preceding=(None, 0), **in_order))
    return silent.mutate(journey=_.customer_no * JOURNEYS_PER_CUSTOMER + journey_no).drop("silence")
