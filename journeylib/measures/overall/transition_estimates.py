"""How many journeys take a transition, and how long it takes: both with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import ibis
import numpy as np
import pandas as pd
from ibis import _

from journeylib.core import GROUPS, Estimate, Resampled, resample
from journeylib.journeys import END, Journeys
from journeylib.log import fetch
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.durations import around_medians
from journeylib.measures.touchpoints.group_sums import Base, Floats, spread, thin

Pair = tuple[str, str]
# A transition that ends the journey leads to no touchpoint.
NOWHERE = -1


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
        The share is of all journeys, the interval Wilson's on the customer-clustered error. The
        time is from the start of a visit to the start of the next, its median as in
        `graph.transitions`; the interval is that of the touchpoints' times (`durations`).
        """
        wanted = dict.fromkeys(pairs)
        missing = [pair for pair in wanted if pair not in self._known]
        if missing:
            self._known.update(zip(missing, self._estimated(missing), strict=True))
        return {pair: self._known[pair] for pair in wanted}

    @cached_property
    def _every(self) -> Floats:
        """Journeys per customer group."""
        table = self.journeys.table
        frame = fetch(table.group_by("group").aggregate(n=_.count()))
        every = np.zeros(GROUPS)
        every[frame["group"]] = frame["n"]
        return every

    def _estimated(self, pairs: list[Pair]) -> list[Taken]:
        journeys = self.journeys
        rows = self._rows(pairs)
        known = journeys.edges.set_index(["source", "target"]).reindex(pairs)
        counts = known[["events", "journeys", "customers"]].fillna(0).to_numpy(np.int64)
        base = Base(*counts.T)
        few = thin(base, self.settings)
        every = np.broadcast_to(self._every[:, None], (GROUPS, len(pairs)))
        share = resample(
            np.stack([_taking(rows, len(pairs)), every], axis=-1),
            lambda s: s[..., 0] / s[..., 1],
            share=True,
            n_customers=np.full(len(pairs), journeys.size[1]),
            n_trials=every.sum(axis=0),
        )
        medians = known["median_seconds"].to_numpy(np.float64)
        time = around_medians(rows, "us", few, medians) if journeys.has_clock else None
        return [
            Taken(_estimate(share, "share", base, place), _estimate(time, "seconds", base, place))
            for place in range(len(pairs))
        ]

    def _rows(self, pairs: list[Pair]) -> ibis.Table:
        """One row per move along one of `pairs`; its place among them stands as the touchpoint."""
        number = {name: no for no, name in self.journeys.names.items()} | {END: NOWHERE}
        asked = pd.DataFrame(
            [(number[a], number[b], place) for place, (a, b) in enumerate(pairs)],
            columns=["_from", "_to", "touchpoint_no"],
        ).astype("int64")
        ends = self.journeys.trail.filter(_.ends_visit)
        time = {"us": ends.next_us - ends.visit_us} if self.journeys.has_clock else {}
        moves = ends.select(
            "journey",
            "customer_no",
            "group",
            _from=ends.touchpoint_no.cast("int64"),
            _to=ends.next_touchpoint_no.cast("int64").fill_null(NOWHERE),
            **time,
        )
        return moves.inner_join(ibis.memtable(asked), ["_from", "_to"])


def _taking(rows: ibis.Table, many: int) -> Floats:
    """Return the journeys that take each transition, per customer group."""
    once = ibis.window(group_by=["touchpoint_no", "journey"])
    marked = rows.select("touchpoint_no", "group", first=ibis.row_number().over(once) == 0)
    cells = marked.group_by(["touchpoint_no", "group"]).aggregate(journeys=_.first.sum())
    return spread(cells, many)["journeys"]


def _estimate(result: Resampled | None, unit: str, base: Base, place: int) -> Estimate:
    counts = {
        "n_customers": int(base.customers[place]),
        "n_journeys": int(base.journeys[place]),
        "n_events": int(base.events[place]),
    }
    if result is None:
        return Estimate.none("no_clock", unit, **counts)
    value, lo, hi = (float(a[place]) for a in (result.value, result.lo, result.hi))
    if np.isnan(value):
        return Estimate.none("unidentified", unit, **counts)
    known = np.isfinite(lo) and np.isfinite(hi)
    return Estimate(value, unit, lo if known else None, hi if known else None, **counts)  # type: ignore[arg-type]
