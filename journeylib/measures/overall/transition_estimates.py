"""How many journeys take a transition, and how long it takes: both with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from journeylib.core import GROUPS, Estimate, Resampled, resample
from journeylib.journeys import END, END_NUMBER, Base, Journeys, count_units, move_numbers
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.durations import Durations, around_medians, count_durations
from journeylib.measures.touchpoints.group_sums import Floats, Numbers, thin

Pair = tuple[str, str]


@dataclass(frozen=True)
class Taken:
    """One transition: the share of journeys that take it, and its median time, if it has one."""

    share: Estimate
    seconds: Estimate


@dataclass(frozen=True)
class Transitions:
    """The transitions of journeys, estimated when they are asked for, each once.

    Attributes
    ----------
    journeys : Journeys
    settings : MeasureSettings
        Below its minimum of visits or customers a median has no interval.
    """

    journeys: Journeys
    settings: MeasureSettings = field(default_factory=MeasureSettings)
    _known: dict[Pair, Taken] = field(default_factory=dict, repr=False, compare=False)

    def of(self, pairs: Iterable[Pair]) -> Mapping[Pair, Taken]:
        """Return the estimates of these transitions between touchpoints, or to the end.

        Notes
        -----
        The share is of all journeys, the interval Wilson's on the customer-clustered error; it
        abstains where the counts are lower bounds (`graph.transitions`). The time is from the
        start of a visit to the start of the next, its median as in `graph.transitions`; the
        interval is that of the touchpoints' times (`durations`).
        """
        wanted = dict.fromkeys(pairs)
        missing = [pair for pair in wanted if pair not in self._known]
        if missing:
            self._known.update(zip(missing, self._estimated(missing), strict=True))
        return {pair: self._known[pair] for pair in wanted}

    @cached_property
    def _every(self) -> Floats:
        """Journeys per customer group."""
        return np.bincount(self.journeys.outline.group, minlength=GROUPS).astype(np.float64)

    def _estimated(self, pairs: list[Pair]) -> list[Taken]:
        journeys = self.journeys
        number = {name: no for no, name in journeys.names.items()} | {END: END_NUMBER}
        source, target = np.array([[number[end] for end in pair] for pair in pairs]).T
        pair_of_event = _moves(journeys, source, target)
        edges, public = journeys.edge_counts, journeys.public[0]
        row, shown = (one.rows_of(source, target) for one in (edges, public))
        bounded = np.append(public.at_least, False)[shown]
        every, bounds = (np.append(one.counts, [[0]] * 3, axis=1) for one in (edges, public))
        base = Base(*np.where(bounded, bounds[:, shown], every[:, row]))
        few = thin(base, self.settings)
        journeys_of = np.broadcast_to(self._every[:, None], (GROUPS, len(pairs)))
        share = resample(
            np.stack([_taking(journeys, pair_of_event, len(pairs)), journeys_of], axis=-1),
            lambda s: s[..., 0] / s[..., 1],
            share=True,
            n_customers=np.full(len(pairs), journeys.size[1]),
            n_trials=journeys_of.sum(axis=0),
        )
        medians = np.append(edges.median_seconds, np.nan)[row]
        time = None
        if journeys.has_clock:
            durations = _seconds(journeys, pair_of_event)
            counted = count_durations(durations, "us", len(pairs))
            time = around_medians(counted, few, medians)
        return [
            Taken(
                _estimate(share, "share", base, index)
                if not bounded[index]
                else Estimate.none("privacy", "share", estimand="shown as a lower bound"),
                _estimate(time, "seconds", base, index),
            )
            for index in range(len(pairs))
        ]


def _moves(journeys: Journeys, source: Numbers, target: Numbers) -> Numbers:
    """Return for each event the place among these pairs of the move after it; -1 for none."""
    move, keys = move_numbers(journeys.events)
    asked = source * (len(journeys.names) + 1) + np.maximum(target, -1) + 1
    order = np.argsort(asked)
    index = np.append(order, -1)[np.searchsorted(asked, keys, sorter=order)]
    pair = np.where(np.append(asked, -1)[index] == keys, index, -1)
    return np.append(pair, -1)[move]


def _seconds(journeys: Journeys, pair: Numbers) -> Durations:
    """Return the times of moves from visit to visit; the place stands as the touchpoint."""
    events = journeys.events
    rows = np.flatnonzero((pair >= 0) & ~events.is_last)
    us = events.next_us[rows] - events.t_us[events.visit_row[rows]]
    return Durations(pair[rows], events.group[rows], {"us": us})


def _taking(journeys: Journeys, pair: Numbers, pairs: int) -> Floats:
    """Return the journeys that take each transition, per customer group."""
    events = journeys.events
    cell = np.where(pair >= 0, events.group.astype(np.int64) * pairs + pair, -1)
    journeys_of = count_units(cell, events.journey, GROUPS * pairs)
    return journeys_of.reshape(GROUPS, pairs).astype(np.float64)


def _estimate(result: Resampled | None, unit: str, base: Base, index: int) -> Estimate:
    counts = {
        "n_customers": int(base.customers[index]),
        "n_journeys": int(base.journeys[index]),
        "n_events": int(base.events[index]),
    }
    if result is None:
        return Estimate.none("no_clock", unit, **counts)
    value, lo, hi = (float(a[index]) for a in (result.value, result.lo, result.hi))
    if np.isnan(value):
        return Estimate.none("unidentified", unit, **counts)
    is_finite = np.isfinite(lo) and np.isfinite(hi)
    return Estimate(value, unit, lo if is_finite else None, hi if is_finite else None, **counts)  # type: ignore[arg-type]
