"""Rebuilding: from events to ordered steps and one row per journey."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import ibis
from ibis import _

from journeylib.core import working
from journeylib.journeys.filters.filters import Verbs
from journeylib.journeys.filters.history import Narrowing
from journeylib.journeys.identity.stitching import without_identifiers
from journeylib.journeys.preparation.business_hours import with_business_time
from journeylib.journeys.preparation.lifecycle import pair_lifecycle
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.segmentation.segment import Cutting, cut_journeys
from journeylib.log import (
    ROW_NUMBER,
    EventLog,
    Runs,
    fetch,
    is_sorted,
    materialise_sorted,
    numbered,
)

if TYPE_CHECKING:
    import pandas as pd

    from journeylib.journeys.sampling import Drawn

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
    trail : ibis.Table
        The steps as the engine holds them, journey after journey: what `Runs` reads. Without
        ``steps`` and ``visit``, which take a sort.
    first_us, last_us : int or None
        Start of the first and of the last event of the whole log, microseconds since 1970 UTC.
    narrowing : Narrowing or None
        The last verb that was applied; None where these are all journeys of the log.
    kept : ibis.Table or None
        `table` after a verb.
    """

    log: EventLog
    settings: JourneySettings
    cutting: Cutting
    trail: ibis.Table
    first_us: int | None
    last_us: int | None
    narrowing: Narrowing | None = field(default=None, repr=False)
    kept: ibis.Table | None = field(default=None, repr=False)

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
        return "t_us" in self.trail.columns

    def has(self, column: str) -> bool:
        """Return whether the canonical `column` is there."""
        return column in self.trail.columns

    @cached_property
    def steps(self) -> ibis.Table:
        """One row per event in its journey, in no order; columns as in ``docs/architecture.md``.

        ``steps`` and ``visit`` are worked out where they are asked for; the engine leaves out
        what a query does not use.
        """
        here = ["journey", "touchpoint_no"]
        starts = _.starts_visit.cast("int64").sum()
        # The last step from here on, rather than a count over all: only so is it left out where
        # nobody asks for it, for DuckDB makes a join of a window over all.
        onward = ibis.window(group_by="journey", order_by="step", following=(0, None))
        return self.trail.mutate(
            steps=_.step.max().over(onward),
            visit=starts.over(ibis.window(group_by=here, order_by="step", preceding=(None, 0))),
        )

    @cached_property
    def table(self) -> ibis.Table:
        """One row per journey; columns as in ``docs/architecture.md``."""
        return _journey_table(self).cache() if self.kept is None else self.kept

    @cached_property
    def drawn(self) -> Drawn:
        """The customers whom steps that model each journey work on."""
        from journeylib.journeys.sampling import draw

        return draw(self)

    @cached_property
    def modelled(self) -> Journeys:
        """The journeys of the customers `drawn`; these themselves where that is everybody."""
        from journeylib.journeys.sampling import drawn_journeys

        return drawn_journeys(self)

    @cached_property
    def names(self) -> dict[int, str]:
        """Every touchpoint of the whole log by its ``touchpoint_no``."""
        if self.narrowing is not None:
            return self.whole.names
        rows = fetch(self.trail.group_by("touchpoint_no", "touchpoint").aggregate(n=_.count()))
        return dict(zip(rows["touchpoint_no"], rows["touchpoint"].astype(str), strict=True))

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
        from journeylib.journeys.graph.transitions import touchpoint_table

        return touchpoint_table(self)

    @cached_property
    def edges(self) -> pd.DataFrame:
        """Every transition of the log, however rare: a working table that is not to be shown.

        Returns
        -------
        pandas.DataFrame
            Rows and columns of `graph.transitions`.
        """
        from journeylib.journeys.graph.transitions import edge_counts

        return edge_counts(self)


@working("rebuilding journeys")
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
    events = numbered(without_identifiers(log.events, log)).drop("customer")
    cut, cutting = cut_journeys(events, log, settings)
    trail = _unfolded(_held(cut))
    if settings.business_hours is not None and log.has_clock:
        timed = with_business_time(trail, settings.business_hours)
        trail = materialise_sorted(timed, ["journey"], ["step"])
    return Journeys(log, settings, cutting, trail, *_span(trail))


def _held(cut: ibis.Table) -> ibis.Table:
    """Hold the steps in the engine, journey after journey, with the bounds of visits.

    The turns of one conversation at one touchpoint are one visit.
    """
    lies = is_sorted(cut, "journey")
    runs = Runs.of(cut, "journey", "step")
    keys = [key for key in ("journey", "customer_no") if is_sorted(cut, key)] or ["journey"]
    order = () if lies else ("step",)
    cut = cut.mutate(step=_.step.cast("int32"))
    if "session" not in cut.columns:
        return materialise_sorted(cut.drop("_last_touchpoint_no"), keys, order)
    came = (_["_last_touchpoint_no"] == _.touchpoint_no) & (_["_last_session"] == _.session)
    stays = (_.next_touchpoint_no == _.touchpoint_no) & (_["_next_session"] == _.session)
    steps = cut.mutate(
        starts_visit=~came.fill_null(False), ends_visit=~stays.fill_null(False)
    ).drop("_last_touchpoint_no", "_last_session", "_next_session")
    steps = steps.mutate(**{ROW_NUMBER: runs.row()})
    began = {"visit_step": (_.step - runs.since(_.starts_visit)).cast("int32")}
    if "t_us" in steps.columns:
        began["visit_us"] = runs.at_last(_.starts_visit, _.t_us)
    return materialise_sorted(steps.mutate(**began).drop(ROW_NUMBER), keys, order)


def _unfolded(held: ibis.Table) -> ibis.Table:
    """Add what follows from the columns held, which costs less to work out than to hold."""
    whole = ("customer_no", "group", "step", "touchpoint_no", "next_touchpoint_no", "visit_step")
    steps = held.mutate(**{n: held[n].cast("int64") for n in whole if n in held.columns})
    if "starts_visit" not in held.columns:
        # Without sessions every step is a visit.
        yes = ibis.literal(True)
        steps = steps.mutate(starts_visit=yes, ends_visit=yes, visit_step=_.step)
        steps = steps.mutate(visit_us=_.t_us) if "t_us" in held.columns else steps
    if "t_us" not in held.columns:
        return steps
    return _with_service(steps).mutate(wait_us=_wait())


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


def _span(steps: ibis.Table) -> tuple[int | None, int | None]:
    if "t_us" not in steps.columns:
        return None, None
    row = steps.aggregate(first=_.t_us.min(), last=_.t_us.max()).to_pyarrow().to_pylist()[0]
    return row["first"], row["last"]


def _journey_table(journeys: Journeys) -> ibis.Table:
    settings, first_us, last_us = journeys.settings, journeys.first_us, journeys.last_us
    ends = [*settings.goals, *settings.bad_ends]
    clock = journeys.has_clock
    null = ibis.null("int64")
    numbers = _.touchpoint_no.collect(order_by=_.step, where=_.starts_visit)
    table = journeys.trail.group_by("journey").aggregate(
        customer_no=_.customer_no.min(),
        group=_.group.min(),
        segment=_.segment.argmin(_.step) if journeys.has("segment") else ibis.null("string"),
        steps=_.count(),
        start_us=_.t_us.min() if clock else null,
        end_us=_.t_us.max() if clock else null,
        boundary_micro=_.boundary_micro.max(where=_.step == 1)
        if journeys.has("boundary_micro")
        else null,
        first_touchpoint=_.touchpoint.max(where=_.step == 1),
        last_touchpoint=_.touchpoint.max(where=_.next_touchpoint_no.isnull()),
        # The last of the declared ends decides: a complaint after the purchase is a bad end.
        last_end=_.touchpoint.argmax(_.step, where=_.touchpoint.isin(ends))
        if ends
        else ibis.null("string"),
        variant=numbers,
    )
    table = table.mutate(variant=_.variant.cast("array<string>").join(","))
    if clock and first_us is not None and last_us is not None:
        quiet_us = journeys.cutting.quiet_us
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
    ended = table.mutate(end_kind=end_kind, cut_off=cut_off).drop("last_end")
    return ended.relocate("variant", before="end_kind")
