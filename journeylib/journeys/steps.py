"""Rebuilding: from events to ordered steps and one row per journey."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import ibis
from ibis import _

from journeylib.journeys.calendar import with_business_time
from journeylib.journeys.cutting import Cutting, cut_journeys
from journeylib.journeys.filters import Verbs
from journeylib.journeys.lifecycle import pair_lifecycle
from journeylib.journeys.narrowing import Narrowing
from journeylib.journeys.segment import JourneySettings
from journeylib.journeys.stitch import without_identifiers
from journeylib.log.engine import customer_group
from journeylib.log.eventlog import EventLog

if TYPE_CHECKING:
    import pandas as pd

US_PER_DAY = 86_400_000_000


@dataclass(frozen=True)
class Journeys(Verbs):
    """The journeys of a log: ordered steps, and one row per journey.

    The verbs that narrow them down (`passing`, `in_segment`, `between` …) are those of
    `filters.Verbs`; ``docs/exploring.md`` lists them.

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
        Start of the first and of the last event of the whole log, microseconds since 1970 UTC.
    narrowing : Narrowing or None
        The last verb that was applied; None where these are all journeys of the log.
    """

    log: EventLog
    settings: JourneySettings
    cutting: Cutting
    steps: ibis.Table
    table: ibis.Table
    first_us: int | None
    last_us: int | None
    narrowing: Narrowing | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        """Say what remains, or where they come from and what to look at; never a row."""
        if self.narrowing is not None:
            return self.remaining
        return (
            f"Journeys of '{self.log.name}', cut by {self.cut}: touchpoints (frame), steps and "
            "table (Ibis tables)"
        )

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
        After a verb those that nobody came to are there with zeros, and stage, channel, office
        and who serves are still those of the whole log: a filtered map is the same map.

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

    @cached_property
    def edges(self) -> pd.DataFrame:
        """Every transition of the log, however rare: a working table that is not to be shown.

        Returns
        -------
        pandas.DataFrame
            Rows and columns of `graph.transitions`.
        """
        from journeylib.journeys.graph import edge_counts

        return edge_counts(self)


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
    events = without_identifiers(log.events, log)
    names = _touchpoint_numbers(events).cache()
    numbered = _with_service(_with_numbers(events, names))
    cut, cutting = cut_journeys(numbered, log, settings)
    # On the way the names would be carried through every sort.
    steps = _with_visits(cut.drop("touchpoint"))
    if log.has_clock:
        steps = steps.mutate(wait_us=_wait())
    steps = _with_names(steps, names)
    if settings.business_hours is not None and log.has_clock:
        steps = with_business_time(steps, settings.business_hours)
    steps = steps.cache()
    span = _span(steps)
    table = _journey_table(steps, names, settings, cutting.quiet_us, span).cache()
    return Journeys(log, settings, cutting, steps, table, *span)


def _with_numbers(events: ibis.Table, names: ibis.Table) -> ibis.Table:
    """Replace the customer's id by an opaque number; add the group and the touchpoint's number."""
    numbered = events.inner_join(customer_numbers(events), "customer").drop("customer")
    return numbered.inner_join(names, "touchpoint")


def _touchpoint_numbers(events: ibis.Table) -> ibis.Table:
    names = events.select("touchpoint").distinct()
    return names.mutate(touchpoint_no=ibis.row_number().over(order_by="touchpoint"))


def customer_numbers(events: ibis.Table) -> ibis.Table:
    """Return one row per customer of a log: ``customer``, ``customer_no``, ``group``.

    By it what else is known of customers (outcomes, say) meets the steps.
    """
    ids = events.select("customer").distinct()
    return ids.mutate(
        customer_no=ibis.row_number().over(order_by="customer"),
        group=customer_group(ids.customer),
    )


def _with_visits(steps: ibis.Table) -> ibis.Table:
    """Number the visits: the turns of one conversation at one touchpoint are one visit."""
    here = {"group_by": ["journey", "touchpoint_no"], "order_by": "step"}
    if "session" not in steps.columns:
        visits: dict[str, ibis.Value] = {"visit": ibis.row_number().over(ibis.window(**here)) + 1}
        if "t_us" in steps.columns:
            visits["visit_us"] = _.t_us
        yes = ibis.literal(True)
        steps = steps.mutate(starts_visit=yes, ends_visit=yes, **visits)
        return steps.drop("_last_touchpoint_no")
    came = (_["_last_touchpoint_no"] == _.touchpoint_no) & (_["_last_session"] == _.session)
    stays = (_.next_touchpoint_no == _.touchpoint_no) & (_["_next_session"] == _.session)
    steps = steps.mutate(
        starts_visit=~came.fill_null(False), ends_visit=~stays.fill_null(False)
    ).drop("_last_touchpoint_no", "_last_session", "_next_session")
    so_far = ibis.window(preceding=(None, 0), **here)
    visits = {"visit": _.starts_visit.cast("int64").sum().over(so_far)}
    if "t_us" in steps.columns:
        # In order of time the latest start so far is that of the visit going on.
        start = _.starts_visit.ifelse(_.t_us, ibis.null("int64"))
        visits["visit_us"] = start.max().over(so_far)
    return steps.mutate(**visits)


def _wait() -> ibis.Value:
    silence = _.next_us - (_.t_us + ibis.coalesce(_.service_us, 0))
    return _.next_us.isnull().ifelse(ibis.null("int64"), ibis.greatest(silence, 0))


def _with_service(events: ibis.Table) -> ibis.Table:
    if "t_us" not in events.columns:
        return events
    if "end_us" not in events.columns:
        return events.mutate(service_us=ibis.null("int64"))
    ended = (_.end_us >= _.t_us).ifelse(_.end_us, ibis.null("int64"))
    return events.mutate(service_us=ended - _.t_us)


def _with_names(steps: ibis.Table, names: ibis.Table) -> ibis.Table:
    """Give the touchpoints their names back."""
    following = names.select(next_touchpoint="touchpoint", _next_no="touchpoint_no")
    return (
        steps.inner_join(names, "touchpoint_no")
        .left_join(following, _.next_touchpoint_no == following["_next_no"])
        .drop("_next_no")
    )


def _span(steps: ibis.Table) -> tuple[int | None, int | None]:
    if "t_us" not in steps.columns:
        return None, None
    row = steps.aggregate(first=_.t_us.min(), last=_.t_us.max()).to_pyarrow().to_pylist()[0]
    return row["first"], row["last"]


def _journey_table(
    steps: ibis.Table,
    names: ibis.Table,
    settings: JourneySettings,
    quiet_us: int,
    span: tuple[int | None, int | None],
) -> ibis.Table:
    first_us, last_us = span
    ends = [*settings.goals, *settings.bad_ends]
    clock = "t_us" in steps.columns
    null = ibis.null("int64")
    numbered = steps.group_by("journey").aggregate(
        customer_no=_.customer_no.min(),
        group=_.group.min(),
        segment=_.segment.argmin(_.step) if "segment" in steps.columns else ibis.null("string"),
        steps=_.steps.max(),
        start_us=_.t_us.min() if clock else null,
        end_us=_.t_us.max() if clock else null,
        boundary_micro=_.boundary_micro.max(where=_.step == 1)
        if "boundary_micro" in steps.columns
        else null,
        _first_no=_.touchpoint_no.max(where=_.step == 1),
        _last_no=_.touchpoint_no.max(where=_.step == _.steps),
        # The last of the declared ends decides: a complaint after the purchase is a bad end.
        last_end=_.touchpoint.argmax(_.step, where=_.touchpoint.isin(ends))
        if ends
        else ibis.null("string"),
        variant=_.touchpoint_no.cast("string").group_concat(
            ",", order_by=_.step, where=_.starts_visit
        ),
    )
    first = names.select(_first_no="touchpoint_no", first_touchpoint="touchpoint")
    last = names.select(_last_no="touchpoint_no", last_touchpoint="touchpoint")
    table = numbered.inner_join(first, "_first_no").inner_join(last, "_last_no")
    table = table.drop("_first_no", "_last_no").relocate(
        "first_touchpoint", "last_touchpoint", before="last_end"
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
