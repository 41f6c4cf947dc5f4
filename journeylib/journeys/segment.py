"""Cutting: where in a customer's stream of events one journey ends and the next begins."""

from __future__ import annotations

from typing import Literal

import ibis
from ibis import _
from pydantic import BaseModel, ConfigDict, Field

from journeylib.errors import SchemaError
from journeylib.log.eventlog import EventLog

Cut = Literal["case", "gap", "customer"]
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


def resolve_cut(log: EventLog, settings: JourneySettings) -> Cut:
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


def first_journey(customer_no: ibis.Value) -> ibis.Value:
    """Return the key of a customer's first journey; the next ones follow by one."""
    return customer_no * JOURNEYS_PER_CUSTOMER


def number_journeys(events: ibis.Table, cut: Cut) -> ibis.Table:
    """Add ``journey``, an opaque int64 key, to events that carry ``customer_no``.

    A journey belongs to one customer: the same case id under two customers is two journeys.
    A cut by ``gap`` needs the order of events, so there it is made with the steps.
    """
    if cut == "gap":
        return events
    if cut == "customer":
        return events.mutate(journey=first_journey(_.customer_no))
    cases = events.select("customer_no", "case").distinct()
    number = ibis.row_number().over(group_by="customer_no", order_by="case")
    numbered = cases.mutate(case_no=number)
    return (
        events.left_join(numbered, ["customer_no", "case"])
        .mutate(journey=first_journey(_.customer_no) + ibis.coalesce(_.case_no, -1))
        .drop("case_no", "customer_no_right", "case_right")
    )
