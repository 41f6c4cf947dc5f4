"""Rebuilding: from events to ordered steps and one row per journey."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from itertools import pairwise
from operator import add
from textwrap import fill
from typing import Any, TypeVar

import ibis
import numpy as np
import pandas as pd

from journeylib.core import US_PER_DAY, give_back_memory, refuse_other, working
from journeylib.journeys.filters.filters import Verbs
from journeylib.journeys.filters.narrowing import Narrowing
from journeylib.journeys.identity.stitching import without_identifiers
from journeylib.journeys.preparation.lifecycle import pair_lifecycle
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.customer_sample import CustomerSample, first_by_hash
from journeylib.journeys.walk.event_columns import EventColumns
from journeylib.journeys.walk.events import Events
from journeylib.journeys.walk.outline import Outline, as_table, outline_of
from journeylib.journeys.walk.segment import Cutting, cut_journeys
from journeylib.journeys.walk.tables import (
    TimedEdges,
    count_edges,
    public_edges,
    room_of_moves,
    step_table,
    touchpoint_table,
    words_of,
)
from journeylib.journeys.walk.variant_counts import (
    SharedVariants,
    Spot,
    moves_of_variants,
    protect_variants,
    shared_variants,
)
from journeylib.log import EventLog, Whole, hand_over, in_order, suppress, threads_of

# Events that are counted at once: what is worked out on the way takes some 60 bytes of each.
EVENTS_AT_ONCE = 1_000_000
Counted = TypeVar("Counted", bound=Any)
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
    log_events : Events
        The events of the whole log, journey after journey.
    first_us, last_us : int or None
        Start of the first and of the last event of the whole log, microseconds since 1970 UTC.
    narrowing : Narrowing or None
        The last verb that was applied; None where these are all journeys of the log.
    outline_left : Outline or None
        The journeys that a verb left, with their events.
    keys_of_type : dict of str to ndarray of int64
        By type of contact, the keys of the journeys with one; empty where no types are known.
    """

    log: EventLog
    settings: JourneySettings
    cutting: Cutting
    log_events: Events = field(repr=False)
    first_us: int | None
    last_us: int | None
    narrowing: Narrowing | None = field(default=None, repr=False)
    outline_left: Outline | None = field(default=None, repr=False)
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
        silence, (shorter, longer) = self.events.columns.silence_us, sorted((own, gap_us))
        return not bool(((silence > shorter) & (silence <= longer)).any())

    @property
    def has_clock(self) -> bool:
        """Whether steps carry times."""
        return self.has("t_us")

    def has(self, column: str) -> bool:
        """Return whether the canonical `column` is there."""
        return self.log_events.has(column)

    @property
    def column_names(self) -> list[str]:
        """The canonical columns that the log has."""
        return list(self.log_events.columns.source.columns)

    @cached_property
    def outline(self) -> Outline:
        """The journeys as arrays, one entry each."""
        if self.outline_left is not None:
            return self.outline_left
        span = (self.first_us, self.last_us)
        return outline_of(self.log_events, self.settings, self.cutting, self.names, span)

    @property
    def events(self) -> Events:
        """The events as arrays, customer after customer: what every count is made from."""
        return self.outline.events

    @cached_property
    def steps(self) -> ibis.Table:
        """One row per event in its journey; columns as in ``docs/formats/tables.md``.

        Made from the arrays for whoever asks; nothing here is counted from it.
        """
        rows = ibis.memtable(step_table(self.events, self.names))
        return hand_over(rows, self.log.events.get_backend())

    @cached_property
    def table(self) -> ibis.Table:
        """One row per journey; columns as in ``docs/formats/tables.md``, made as `steps` are."""
        rows = ibis.memtable(as_table(self.outline, self.names))
        return hand_over(rows, self.log.events.get_backend())

    def parts(self, events_at_once: int | None = None) -> list[Journeys]:
        """Return these journeys in parts of whole customers, each of about so many events."""
        events_at_once = events_at_once or EVENTS_AT_ONCE
        outline, begins = self.outline, self.events.begins
        if begins[-1] <= events_at_once:
            return [self]
        changes = np.flatnonzero(outline.customer[1:] != outline.customer[:-1]) + 1
        ends = np.arange(events_at_once, begins[-1], events_at_once)
        # A customer's journeys stay together.
        after = np.searchsorted(begins[changes], ends)
        cuts = np.unique([0, *changes[after[after < len(changes)]].tolist(), len(outline)])
        return [
            replace(
                self,
                outline_left=outline.of(self.events.journeys(first, end), slice(first, end)),
            )
            for first, end in pairwise(cuts.tolist())
        ]

    def only(self, key: Whole) -> Journeys:
        """Return the journeys of these keys, in ascending order, as another part of these."""
        number = np.searchsorted(self.outline.key, key).astype(np.int64)
        left = self.outline.of(self.events.of_journeys(number), number)
        return replace(self, outline_left=left)

    def summed(self, count: Callable[[Journeys], Counted]) -> Counted:
        """Count each of the `parts`, several at once, and add up: the same for any parts.

        Parameters
        ----------
        count : callable
            Gives sums of whole numbers that can be added by ``+``.
        """
        parts = self.parts()
        if len(parts) == 1:
            return count(self)
        with ThreadPoolExecutor(threads_of(self.log.events.get_backend())) as pool:
            total = reduce(add, pool.map(count, parts))
        give_back_memory(len(self.events))
        return total

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
        own = self.outline.customer
        # Journeys lie in the order of their customers.
        customers = own[np.append(True, own[1:] != own[:-1])[: len(own)]]
        if len(customers) <= limit:
            return CustomerSample(len(customers), len(customers))
        return first_by_hash(customers, self.log, limit)

    @cached_property
    def modelled(self) -> Journeys:
        """The journeys of the customers of `sample`; these themselves where that is everybody."""
        if self.sample.picked is None:
            return self
        in_sample = self.sample.has(self.outline.customer)
        return self._keep(in_sample, f"of {self.sample.used} customers drawn", "")

    @property
    def names(self) -> dict[int, str]:
        """Every touchpoint of the whole log by its ``touchpoint_no``."""
        return self.log_events.columns.names

    @property
    def touchpoint_names(self) -> list[str]:
        """The same names, in the order of their numbers."""
        return list(self.names.values())

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
        return touchpoint_table(self.summed, self.names, whole)

    @cached_property
    def edge_counts(self) -> TimedEdges:
        """Events, journeys and customers of every transition, however rare: not to be shown."""
        return count_edges(self.summed, self.names)

    @cached_property
    def edges(self) -> pd.DataFrame:
        """Every transition of the log, however rare: a working table that is not to be shown.

        Returns
        -------
        pandas.DataFrame
            Rows and columns of `graph.transitions`.
        """
        return self.edge_counts.table(words_of(self.names)).drop(columns="at_least")

    @cached_property
    def public(self) -> tuple[TimedEdges, SharedVariants]:
        """The transitions and variants that may be shown; `public_of` the journeys' minimum."""
        return self.public_of(self.settings.min_customers)

    @cached_property
    def public_edges(self) -> pd.DataFrame:
        """The transitions that may be shown: `graph.transitions` without its note."""
        return self.public[0].table(words_of(self.names))

    def public_of(self, min_customers: int) -> tuple[TimedEdges, SharedVariants]:
        """Return the transitions and variants that may be shown for a minimum of customers.

        Variants are protected by what is known of touchpoints, then transitions by variants, then
        variants by the transitions that are shown as they are.
        """
        points, minimum = suppress(self.touchpoints, min_customers)[0], max(min_customers, 1)
        shown: list[int] = sorted(points["touchpoint_no"].tolist())
        spots: dict[Spot, int] = {(number,): 0 for number in shown}
        shared = protect_variants(shared_variants(self.outline, minimum), spots, minimum)
        moves, by_name = (
            moves_of_variants(shared, minimum),
            sorted(shown, key=self.names.__getitem__),
        )
        edges = public_edges(self.edge_counts, self.names, by_name, min_customers, moves)
        rooms = room_of_moves(edges, self.edge_counts, self.names)
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
    refuse_other(log, "EventLog")
    settings = settings or JourneySettings()
    refuse_other(settings, "JourneySettings")
    log, _pairing = pair_lifecycle(log)
    columns = EventColumns(*in_order(without_identifiers(log.events, log)))
    return _cut(log, columns, settings)


def cut_again(journeys: Journeys, settings: JourneySettings) -> Journeys:
    """Cut the log of some journeys otherwise; what was read of it is not read again.

    Where every event stays in its journey and the same are over, the journeys are those given.
    """
    columns = journeys.log_events.columns.as_they_lie()
    result = _cut(journeys.log, columns, settings)
    cut, other = result.log_events.cut, journeys.log_events.cut
    same = (
        cut.columns is other.columns
        and np.array_equal(cut.begins, other.begins)
        and np.array_equal(cut.key, other.key)
        and result.has("boundary_micro") == journeys.has("boundary_micro")
    )
    if same and result.cutting.quiet_us == journeys.cutting.quiet_us:
        return journeys.with_cutting(result.cutting)
    return result


def _cut(log: EventLog, columns: EventColumns, settings: JourneySettings) -> Journeys:
    cut, cutting = cut_journeys(columns, log, settings)
    first_us = last_us = None
    if len(columns) and columns.has("t_us"):
        t_us = columns.column("t_us")
        first_us, last_us = int(t_us.min()), int(t_us.max())
    return Journeys(log, settings, cutting, Events(cut), first_us, last_us)
