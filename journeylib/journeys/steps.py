"""Rebuilding: from events to ordered steps and one row per journey."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import ibis
from ibis import _

from journeylib.journeys.segment import (
    Cut,
    JourneySettings,
    first_journey,
    number_journeys,
    resolve_cut,
)
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
        Where they come from.
    settings : JourneySettings
        How they were cut.
    cut : str
        The cut that applied: ``case``, ``gap`` or ``customer``.
    steps : ibis.Table
        One row per event in its journey; columns as in ``docs/architecture.md``.
    table : ibis.Table
        One row per journey; columns as in ``docs/architecture.md``.
    first_us, last_us : int or None
        Start of the first and of the last event, microseconds since 1970 UTC.
    """

    log: EventLog
    settings: JourneySettings
    cut: str
    steps: ibis.Table
    table: ibis.Table
    first_us: int | None
    last_us: int | None

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
    cut = resolve_cut(log, settings)
    gap_us = round(settings.gap_days * US_PER_DAY)
    numbered = _with_service(number_journeys(_with_numbers(log.events), cut))
    names = _touchpoint_numbers(log.events).cache()
    steps = _with_names(_ordered(numbered, cut, gap_us), names).cache()
    first_us, last_us = _span(steps)
    table = _journey_table(steps, names, settings, (first_us, last_us)).cache()
    return Journeys(log, settings, cut, steps, table, first_us, last_us)


def _with_numbers(events: ibis.Table) -> ibis.Table:
    """Replace the customer's id by an opaque number, the touchpoint's name by its rank.

    Numbers sort faster than text and take less room on the way.
    """
    numbered = events.inner_join(customer_numbers(events), "customer").drop("customer")
    return numbered.inner_join(_touchpoint_numbers(events), "touchpoint").drop("touchpoint")


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


def _ordered(events: ibis.Table, cut: Cut, gap_us: int) -> ibis.Table:
    """Order the events of each journey, in two sorts where the journeys' keys are known.

    Every window over the same order stands in one step, so that the engine sorts once for all.
    """
    steps = _in_order(events, cut, gap_us)
    steps = _with_visits(steps)
    if "t_us" not in events.columns:
        return steps
    return steps.mutate(wait_us=_wait())


def _in_order(events: ibis.Table, cut: Cut, gap_us: int) -> ibis.Table:
    """Add place in the journey, what comes next, and whether a visit starts and ends here."""
    clock = "t_us" in events.columns
    whose = "customer_no" if cut == "gap" else "journey"
    order = [*(["t_us"] if clock else []), "position", "touchpoint_no"]
    stream = ibis.window(group_by=whose, order_by=order)
    beside: dict[str, ibis.Value] = {
        "place": ibis.row_number().over(stream) + 1,
        "next_touchpoint_no": _.touchpoint_no.lead().over(stream),
    }
    if clock:
        beside["next_us"] = _.t_us.lead().over(stream)
    if "actor" in events.columns:
        beside["next_actor"] = _.actor.lead().over(stream)
    if "session" in events.columns:
        beside["next_session"] = _.session.lead().over(stream)
        beside["last_session"] = _.session.lag().over(stream)
        beside["last_touchpoint_no"] = _.touchpoint_no.lag().over(stream)
    if cut == "gap":
        return _cut_at_gaps(events, beside, order, gap_us)
    beside["steps"] = _.count().over(ibis.window(group_by=whose))
    return events.mutate(**beside).rename(step="place")


def _cut_at_gaps(
    events: ibis.Table, beside: dict[str, ibis.Value], order: list[str], gap_us: int
) -> ibis.Table:
    """Cut the ordered stream of each customer where it is silent for longer than `gap_us`."""
    stream = {"group_by": "customer_no", "order_by": order}
    # A long call is not silence: the gap runs from the latest end seen so far.
    if "end_us" in events.columns:
        end = ibis.greatest(_.t_us, ibis.coalesce(_.end_us, _.t_us))
        busy = end.max().over(ibis.window(preceding=(None, 0), **stream))
        busy_before = end.max().over(ibis.window(preceding=(None, 1), **stream))
    else:
        busy, busy_before = _.t_us, _.t_us.lag().over(ibis.window(**stream))
    placed = events.mutate(**beside, busy_us=busy, busy_before_us=busy_before)
    fresh = (_.t_us - _.busy_before_us > gap_us).fill_null(True)
    last = (_.next_us - _.busy_us > gap_us).fill_null(True)
    marked = placed.mutate(fresh=fresh, last=last).drop("busy_us", "busy_before_us")
    by_place = {"group_by": "customer_no", "order_by": "place"}
    so_far, onward = (
        ibis.window(preceding=(None, 0), **by_place),
        ibis.window(following=(0, None), **by_place),
    )
    none = ibis.null("int64")
    cut = marked.mutate(
        number=_.fresh.cast("int64").sum().over(so_far) - 1,
        begin=_.fresh.ifelse(_.place, none).max().over(so_far),
        end=_.last.ifelse(_.place, none).min().over(onward),
    )
    beyond = [c for c in cut.columns if c.startswith("next_")]
    before = [c for c in cut.columns if c.startswith("last_")]
    return cut.mutate(
        journey=first_journey(_.customer_no) + _.number,
        step=_.place - _.begin + 1,
        steps=_.end - _.begin + 1,
        **{c: _.last.ifelse(ibis.null(cut[c].type()), _[c]) for c in beyond},
        **{c: _.fresh.ifelse(ibis.null(cut[c].type()), _[c]) for c in before},
    ).drop("place", "fresh", "last", "number", "begin", "end")


def _with_visits(steps: ibis.Table) -> ibis.Table:
    """Number the visits: the turns of one conversation at one touchpoint are one visit."""
    here = {"group_by": ["journey", "touchpoint_no"], "order_by": "step"}
    if "session" not in steps.columns:
        visits: dict[str, ibis.Value] = {"visit": ibis.row_number().over(ibis.window(**here)) + 1}
        if "t_us" in steps.columns:
            visits["visit_us"] = _.t_us
        yes = ibis.literal(True)
        return steps.mutate(starts_visit=yes, ends_visit=yes, **visits)
    came = (_.last_touchpoint_no == _.touchpoint_no) & (_.last_session == _.session)
    stays = (_.next_touchpoint_no == _.touchpoint_no) & (_.next_session == _.session)
    steps = steps.mutate(
        starts_visit=~came.fill_null(False), ends_visit=~stays.fill_null(False)
    ).drop("last_touchpoint_no", "last_session", "next_session")
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
    following = names.select(next_touchpoint="touchpoint", next_no="touchpoint_no")
    return (
        steps.inner_join(names, "touchpoint_no")
        .left_join(following, _.next_touchpoint_no == following.next_no)
        .drop("next_no")
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
        first_no=_.touchpoint_no.max(where=_.step == 1),
        last_no=_.touchpoint_no.max(where=_.step == _.steps),
        # The last of the declared ends decides: a complaint after the purchase is a bad end.
        last_end=_.touchpoint.argmax(_.step, where=_.touchpoint.isin(ends))
        if ends
        else ibis.null("string"),
        variant=_.touchpoint_no.cast("string").group_concat(
            ",", order_by=_.step, where=_.starts_visit
        ),
    )
    first = names.select(first_no="touchpoint_no", first_touchpoint="touchpoint")
    last = names.select(last_no="touchpoint_no", last_touchpoint="touchpoint")
    table = numbered.inner_join(first, "first_no").inner_join(last, "last_no")
    table = table.drop("first_no", "last_no").relocate(
        "first_touchpoint", "last_touchpoint", before="last_end"
    )
    if clock and first_us is not None and last_us is not None:
        is_open = _.end_us > last_us - settings.quiet_us
        cut_off = _.start_us < first_us + settings.quiet_us
    else:
        is_open = cut_off = ibis.literal(False)
    end_kind = ibis.cases(
        *([(_.last_end.isin(settings.goals), "goal")] if settings.goals else []),
        *([(_.last_end.isin(settings.bad_ends), "bad_end")] if settings.bad_ends else []),
        (is_open, "open"),
        else_="other",
    )
    return table.mutate(end_kind=end_kind, cut_off=cut_off).drop("last_end")
