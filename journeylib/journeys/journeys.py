"""Rebuilding: from events to ordered steps and one row per journey."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from textwrap import fill

import ibis
import pandas as pd
from ibis import _

from journeylib.core import US_PER_DAY, working
from journeylib.journeys.filters.filters import Verbs
from journeylib.journeys.filters.narrowing import Narrowing, narrowed_trail
from journeylib.journeys.identity.stitching import without_identifiers
from journeylib.journeys.preparation.lifecycle import pair_lifecycle
from journeylib.journeys.segmentation.rules import AFTER, JourneySettings
from journeylib.journeys.segmentation.segment import Cutting, cut_journeys, quiet_as_logged
from journeylib.journeys.walk.customer_sample import CustomerSample, first_by_hash
from journeylib.journeys.walk.events import Events, Whole
from journeylib.journeys.walk.outline import Outline, as_table, outline_of
from journeylib.journeys.walk.tables import (
    END,
    START,
    edge_table,
    public_edges,
    room_of_moves,
    touchpoint_table,
)
from journeylib.journeys.walk.variant_counts import (
    END_NUMBER,
    START_NUMBER,
    SharedVariants,
    Spot,
    moves_of_variants,
    protect_variants,
    shared_variants,
)
from journeylib.log import (
    ROW_NUMBER,
    EventLog,
    Runs,
    fetch,
    hand_over,
    is_sorted,
    materialise_sorted,
    numbered,
    reusable,
    suppress,
)

CUTS = {
    "case": "cut by the log's own cases",
    "gap": "cut after {days} days of silence",
    "goal": "cut after each goal",
    "learned": "cut where a new matter begins, as learned from the log",
    "customer": "one journey for each customer",
}


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
    log_trail : ibis.Table
        The steps of the whole log as the engine holds them, journey after journey.
    first_us, last_us : int or None
        Start of the first and of the last event of the whole log, microseconds since 1970 UTC.
    narrowing : Narrowing or None
        The last verb that was applied; None where these are all journeys of the log.
    outline_left : Outline or None
        The journeys that a verb left, with their events.
    holds_order : bool
        Whether their steps are to be held in order.
    keys_of_type : dict of str to ndarray of int64
        By type of contact, the keys of the journeys with one; empty where no types are known.
    """

    log: EventLog
    settings: JourneySettings
    cutting: Cutting
    log_trail: ibis.Table
    first_us: int | None
    last_us: int | None
    narrowing: Narrowing | None = field(default=None, repr=False)
    outline_left: Outline | None = field(default=None, repr=False)
    holds_order: bool = field(default=False, repr=False)
    keys_of_type: dict[str, Whole] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        """Say what remains, or how many there are, of when, and how they were cut; never a row."""
        if self.narrowing is not None:
            return self.remaining
        journeys, customers = self.size
        if customers < self.settings.min_customers:
            many = f"journeys of fewer than {self.settings.min_customers} customers"
        else:
            many = f"{journeys:,} journeys of {customers:,} customers, {len(self.events):,} events"
        if self.first_us is not None and self.last_us is not None:
            ends = (pd.Timestamp(us, unit="us").date() for us in (self.first_us, self.last_us))
            many += ", " + " to ".join(map(str, ends))
        days = "" if self.cutting.gap_us is None else f"{self.cutting.gap_us / US_PER_DAY:.3g}"
        # A notebook would break a longer line within a word.
        return fill(f"{self.log.name}: {many}, {CUTS[self.cut].format(days=days)}", 96)

    @property
    def cut(self) -> str:
        """The cut that applied: ``case``, ``gap``, ``goal``, ``learned`` or ``customer``."""
        return self.cutting.kind

    def with_types(self, keys_of_type: dict[str, Whole]) -> Journeys:
        """Return these journeys, with the types of their contacts for `of_type`."""
        return replace(self, outline_left=self.outline, keys_of_type=keys_of_type)

    def with_cutting(self, cutting: Cutting) -> Journeys:
        """Return these journeys as another cut that leaves them as they are has them."""
        return replace(self, cutting=cutting, outline_left=self.outline)

    def stay_under(self, gap_us: int) -> bool:
        """Return whether a gap of so many microseconds leaves every journey as it is.

        False as well where only cutting can tell: where silence ends no journey, or channels have
        their own gaps, or boundaries have a probability.
        """
        own = self.cutting.gap_us
        if own is None or self.cutting.channels or self.has("boundary_micro"):
            return False
        silence, (shorter, longer) = self.events.silence_us, sorted((own, gap_us))
        return not bool(((silence > shorter) & (silence <= longer)).any())

    @property
    def has_clock(self) -> bool:
        """Whether steps carry times."""
        return "t_us" in self.log_trail.columns

    def has(self, column: str) -> bool:
        """Return whether the canonical `column` is there."""
        return column in self.log_trail.columns

    @cached_property
    def outline(self) -> Outline:
        """The journeys as arrays, one entry each."""
        if self.outline_left is not None:
            return self.outline_left
        span = (self.first_us, self.last_us)
        events = Events(self.log_trail, len(self.names))
        return outline_of(events, self.settings, self.cutting, self.names, span)

    @property
    def events(self) -> Events:
        """The events as arrays, customer after customer: what every count is made from."""
        return self.outline.events

    @cached_property
    def trail(self) -> ibis.Table:
        """The steps as the engine holds them, without ``steps`` and ``visit``."""
        if self.narrowing is None:
            return self.log_trail
        cut = any(step.cuts for step in self.applied)
        trail = narrowed_trail(self.log_trail, self.outline, cut=cut)
        if self.holds_order:
            return materialise_sorted(trail, ["journey", "customer_no"], ["step"])
        return reusable(trail)

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
        steps = self.trail.mutate(
            steps=_.step.max().over(onward),
            visit=starts.over(ibis.window(group_by=here, order_by="step", preceding=(None, 0))),
        )
        return reusable(steps)

    @cached_property
    def table(self) -> ibis.Table:
        """One row per journey; columns as in ``docs/architecture.md``."""
        table = ibis.memtable(as_table(self.outline, self.names))
        return hand_over(table, self.log_trail.get_backend())

    @cached_property
    def sample(self) -> CustomerSample:
        """The customers whom steps that model each journey work on."""
        return self.sample_of(self.settings.max_customers_modelled)

    def sample_of(self, most: int) -> CustomerSample:
        """Draw the customers that a step which models each journey works on.

        Parameters
        ----------
        most : int
            Limit of the step; that of the settings (`max_customers_modelled`) holds as well.

        Returns
        -------
        CustomerSample
            The limit's number of customers, those first in the order of a hash of their id: the
            same on any engine and in any order of rows, and a smaller sample is part of a larger.
        """
        limit = min(most, self.settings.max_customers_modelled)
        customers = pd.unique(self.outline.customer)
        if len(customers) <= limit:
            return CustomerSample(len(customers), len(customers))
        return first_by_hash(customers, self.log, limit)

    @cached_property
    def modelled(self) -> Journeys:
        """The journeys of the customers of `sample`; these themselves where that is everybody."""
        if self.sample.picked is None:
            return self
        in_sample = self.sample.has(self.outline.customer)
        few = self._keep(in_sample, f"of {self.sample.used} customers drawn", "")
        # Its steps, where the engine is asked for them, are asked for often and in order.
        return replace(few, holds_order=True)

    @cached_property
    def names(self) -> dict[int, str]:
        """Every touchpoint of the whole log by its ``touchpoint_no``."""
        if self.narrowing is not None:
            return self.whole.names
        rows = fetch(self.trail.select("touchpoint_no", "touchpoint").distinct())
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
        whole = None if self.narrowing is None else self.whole.touchpoints
        return touchpoint_table(self.outline, self.names, whole)

    @cached_property
    def edges(self) -> pd.DataFrame:
        """Every transition of the log, however rare: a working table that is not to be shown.

        Returns
        -------
        pandas.DataFrame
            Rows and columns of `graph.transitions`.
        """
        return edge_table(self.events, self.names)

    @cached_property
    def public(self) -> tuple[pd.DataFrame, SharedVariants]:
        """The transitions and variants that may be shown; `public_of` the journeys' minimum."""
        return self.public_of(self.settings.min_customers)

    @property
    def public_edges(self) -> pd.DataFrame:
        """The transitions that may be shown: `graph.transitions` without its note."""
        return self.public[0]

    def public_of(self, min_customers: int) -> tuple[pd.DataFrame, SharedVariants]:
        """Return the transitions and variants that may be shown for a minimum of customers.

        Variants are protected by what is known of touchpoints, then transitions by variants, then
        variants by the transitions that are shown as they are.
        """
        points, minimum = suppress(self.touchpoints, min_customers)[0], max(min_customers, 1)
        spots: dict[Spot, int] = {(int(no),): 0 for no in sorted(points["touchpoint_no"])}
        shared = protect_variants(shared_variants(self.outline, minimum), spots, minimum)
        words = {**self.names, START_NUMBER: START, END_NUMBER: END}
        moves = moves_of_variants(shared, words, minimum)
        edges = public_edges(self.edges, sorted(points["touchpoint"]), min_customers, moves)
        number = {name: spot for spot, name in words.items()}
        rooms = {
            (number[one], number[other]): room
            for (one, other), room in room_of_moves(edges, self.edges).items()
        }
        return edges, protect_variants(shared, spots | rooms, minimum)


@working("rebuilding journeys")
def rebuild(log: EventLog, settings: JourneySettings | None = None) -> Journeys:
    """Cut a log into journeys and order their steps.

    Parameters
    ----------
    log : EventLog
        Canonical events.
    settings : JourneySettings, optional
        How to cut, which touchpoints are goals and bad ends, the minimum cell.

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
    trail = reusable(_unfolded(_held(cut)))
    if settings.quiet_days is None and cutting.kind in ("case", "customer"):
        cutting = quiet_as_logged(trail, cutting)
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
        # What lies beside a row need not be held: see `_unfolded`.
        beside = [name for name in AFTER if name in cut.columns] if lies else []
        return materialise_sorted(cut.drop("_last_touchpoint_no", *beside), keys, order)
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
    runs = Runs.of(held, "journey", "step")
    steps = held
    if "next_touchpoint_no" not in held.columns:
        there = {name: column for name, column in AFTER.items() if column in held.columns}
        steps = held.mutate(**{name: runs.after(held[column]) for name, column in there.items()})
    whole = ("customer_no", "group", "step", "touchpoint_no", "next_touchpoint_no", "visit_step")
    steps = steps.mutate(**{n: steps[n].cast("int64") for n in whole if n in steps.columns})
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
