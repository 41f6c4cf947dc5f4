"""Rebuilding: from events to ordered steps and one row per journey."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import ibis
from ibis import _

from journeylib.journeys.calendar import with_business_time
from journeylib.journeys.cutting import Cutting, cut_journeys
from journeylib.journeys.lifecycle import pair_lifecycle
from journeylib.journeys.segment import JourneySettings
from journeylib.journeys.stitch import without_identifiers
from journeylib.log.engine import customer_group
from journeylib.log.eventlog import EventLog

if TYPE_CHECKING:
    import pandas as pd

US_PER_DAY = 86_400_000_000


@dataclass(frozen=True)
class Journeys:
    """The journeys of a log: ordered steps, and one row per journey.

    Attributes
    ----------
    log : EventLog
        Where they come from; starts and ends are paired.
    settings : JourneySettings
        How they were cut.
    cutting : Cutting
        The cut that applied, and how sure it is.
    steps : ibis.Table
        One row per event in its journey; columns as in ``docs/architecture.md``.
    table : ibis.Table
        One row per journey; columns as in ``docs/architecture.md``.
    first_us, last_us : int or None
        Start of the first and of the last event, microseconds since 1970 UTC.
    """

    log: EventLog
    settings: JourneySettings
    cutting: Cutting
    steps: ibis.Table
    table: ibis.Table
    first_us: int | None
    last_us: int | None

    @property
    def cut(self) -> str:
        """The cut that applied: ``case``, ``gap``, ``goal``, ``learned`` or ``customer``."""
        return self.cutting.kind

    @property
    def has_clock(self) -> bool:
        """Whether steps carry times."""
        return "t_us" in self.steps.columns

    def has(self, column: str) -> bool:
        """Return whether the canonical `column` is there."""
        return column in self.steps.columns

    @cached_property
    def touchpoints(self) -> pd.DataFrame:
        """One row per touchpoint, in order of median position, then name.

        Every touchpoint of the log, however rare: a working table that is not to be shown.

        Returns
        -------
        pandas.DataFrame
            ``touchpoint_no`` (int64), ``touchpoint`` (str), ``stage``, ``channel``, ``office``
            (str or None: the most frequent), ``served_by`` (``bot``, ``human``, ``both``,
            ``nobody``, or None in a log without actors), ``events``, ``journeys``,
            ``customers`` (int64), ``median_position`` (float64, 0 first to 1 last).
        """
        from journeylib.journeys.graph import touchpoint_table

        return touchpoint_table(self)


def rebuild(log: EventLog, settings: JourneySettings | None = None) -> Journeys:
    """Cut a log into journeys and order their steps.

    Parameters
    ----------
    log : EventLog
        Canonical events.
    settings : JourneySettings, optional
        How to cut, which touchpoints are goals and bad ends, the minimum cell.

    Returns
    -------
    Journeys

    Raises
    ------
    SchemaError
        If the cut needs a column that the log does not have.

    Notes
    -----
    Steps are ordered by time, then by the declared id or position (the row number where none
    is declared), then by touchpoint. A journey without a goal or bad end is *open*
    (right-censored) if it was last heard of less than ``quiet_days`` before the log's last
    event, and *cut off* (left-truncated) if it begins less than that after the log's first.
    Open journeys are kept: dropping them would drop those who wait longest.
    """
    settings = settings or JourneySettings()
    log, _pairing = pair_lifecycle(log)
    events = _with_customers(without_identifiers(log.events, log))
    numbered, cutting = cut_journeys(_with_touchpoint_numbers(events), log, settings)
    steps = _ordered(numbered)
    if settings.business_hours is not None and log.has_clock:
        steps = with_business_time(steps, settings.business_hours)
    steps = steps.cache()
    first_us, last_us = _span(steps)
    table = _journey_table(steps, settings, cutting.quiet_us, first_us, last_us).cache()
    return Journeys(log, settings, cutting, steps, table, first_us, last_us)


def _with_customers(events: ibis.Table) -> ibis.Table:
    """Replace the customer's id by an opaque number and add the customer group."""
    return events.inner_join(customer_numbers(events), "customer").drop("customer")


def customer_numbers(events: ibis.Table) -> ibis.Table:
    """Return one row per customer of a log: ``customer``, ``customer_no``, ``group``.

    By it what else is known of customers (outcomes, say) meets the steps.
    """
    ids = events.select("customer").distinct()
    return ids.mutate(
        customer_no=ibis.row_number().over(order_by="customer"),
        group=customer_group(ids.customer),
    )


def _with_touchpoint_numbers(events: ibis.Table) -> ibis.Table:
    names = (
        events.select("touchpoint")
        .distinct()
        .mutate(touchpoint_no=ibis.row_number().over(order_by="touchpoint"))
    )
    return events.inner_join(names, "touchpoint")


def _ordered(events: ibis.Table) -> ibis.Table:
    clock = ["t_us"] if "t_us" in events.columns else []
    in_journey = ibis.window(group_by="journey", order_by=[*clock, "position", "touchpoint"])
    columns: dict[str, ibis.Value] = {
        "step": ibis.row_number().over(in_journey) + 1,
        "steps": _.count().over(ibis.window(group_by="journey")),
        "next_touchpoint": _.touchpoint.lead().over(in_journey),
    }
    if "actor" in events.columns:
        columns["next_actor"] = _.actor.lead().over(in_journey)
    if clock:
        columns["next_us"] = _.t_us.lead().over(in_journey)
    steps = _with_visits(events.mutate(**columns))
    if not clock:
        return steps
    if "end_us" in events.columns:
        ended = (_.end_us >= _.t_us).ifelse(_.end_us, ibis.null("int64"))
        steps = steps.mutate(service_us=ended - _.t_us)
    else:
        steps = steps.mutate(service_us=ibis.null("int64"))
    silence = _.next_us - (_.t_us + ibis.coalesce(_.service_us, 0))
    wait = (_.next_us.isnull()).ifelse(ibis.null("int64"), ibis.greatest(silence, 0))
    return steps.mutate(wait_us=wait)


def _with_visits(steps: ibis.Table) -> ibis.Table:
    """Number the visits: the turns of one conversation at one touchpoint are one visit."""
    in_journey = ibis.window(group_by="journey", order_by="step")
    goes_on = ibis.literal(False)
    if "session" in steps.columns:
        same = (_.touchpoint.lag().over(in_journey) == _.touchpoint) & (
            _.session.lag().over(in_journey) == _.session
        )
        goes_on = same.fill_null(False)
    steps = steps.mutate(starts_visit=~goes_on)
    so_far = ibis.window(group_by=["journey", "touchpoint"], order_by="step", preceding=(None, 0))
    following = _.starts_visit.lead().over(in_journey).fill_null(True)
    steps = steps.mutate(
        visit=_.starts_visit.cast("int64").sum().over(so_far), ends_visit=following
    )
    if "t_us" not in steps.columns:
        return steps
    in_visit = ibis.window(group_by=["journey", "touchpoint", "visit"])
    return steps.mutate(visit_us=_.t_us.min().over(in_visit))


def _span(steps: ibis.Table) -> tuple[int | None, int | None]:
    if "t_us" not in steps.columns:
        return None, None
    row = steps.aggregate(first=_.t_us.min(), last=_.t_us.max()).to_pyarrow().to_pylist()[0]
    return row["first"], row["last"]


def _journey_table(
    steps: ibis.Table,
    settings: JourneySettings,
    quiet_us: int,
    first_us: int | None,
    last_us: int | None,
) -> ibis.Table:
    ends = [*settings.goals, *settings.bad_ends]
    clock = "t_us" in steps.columns
    null = ibis.null("int64")
    table = steps.group_by("journey").aggregate(
        customer_no=_.customer_no.min(),
        group=_.group.min(),
        segment=_.segment.argmin(_.step) if "segment" in steps.columns else ibis.null("string"),
        steps=_.steps.max(),
        start_us=_.t_us.min() if clock else null,
        end_us=_.t_us.max() if clock else null,
        boundary_micro=_.boundary_micro.max(where=_.step == 1)
        if "boundary_micro" in steps.columns
        else null,
        first_touchpoint=_.touchpoint.argmin(_.step),
        last_touchpoint=_.touchpoint.argmax(_.step),
        # The last of the declared ends decides: a complaint after the purchase is a bad end.
        last_end=_.touchpoint.argmax(_.step, where=_.touchpoint.isin(ends))
        if ends
        else ibis.null("string"),
        variant=_.touchpoint_no.cast("string").group_concat(
            ",", order_by=_.step, where=_.starts_visit
        ),
    )
    if clock and first_us is not None and last_us is not None:
        is_open = _.end_us > last_us - quiet_us
        cut_off = _.start_us < first_us + quiet_us
    else:
        is_open = cut_off = ibis.literal(False)
    end_kind = ibis.cases(
        *([(_.last_end.isin(settings.goals), "goal")] if settings.goals else []),
        *([(_.last_end.isin(settings.bad_ends), "bad_end")] if settings.bad_ends else []),
        (is_open, "open"),
        else_="other",
    )
    return table.mutate(end_kind=end_kind, cut_off=cut_off).drop("last_end")
