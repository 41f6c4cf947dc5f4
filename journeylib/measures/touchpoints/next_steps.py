"""What comes next: how many ways a touchpoint leads on, and whether they stay the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import GROUPS, Resampled, resample
from journeylib.journeys import Base, Journeys, Tally, compiled
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints import group_sums

THIRDS = 3
_CELL = ("pair", "group", "third", "n")
# Each third must hold its part of the minimum of visits to say where they lead.
PART_OF_MINIMUM = 1 / THIRDS


@dataclass(frozen=True)
class Successors:
    """Directly-follows counts by customer group and third of the log.

    Attributes
    ----------
    source, target : ndarray of int64, shape (pairs,)
        ``touchpoint_no``; the target is −1 where an ended journey ends. The last step of an
        open journey has no known successor and is left out.
    cells : DataFrame
        One row per pair, customer group and third that met: ``pair`` (place in `source`),
        ``group``, ``third``, ``n``; all in the first third where the log has no clock. In order
        of ``pair``. Thousands of touchpoints make millions of pairs, most of them in one or two
        groups, so a full array would be nothing but zeros.
    base : Base
        Visits whose successor is known, per touchpoint.
    """

    source: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    cells: pd.DataFrame
    base: Base

    def of_touchpoints(
        self, wanted: npt.NDArray[np.bool_]
    ) -> Iterator[tuple[group_sums.Whole, group_sums.Floats, group_sums.Whole]]:
        """Yield the counts after the `wanted` touchpoints, many at a time.

        Yields
        ------
        touchpoints : ndarray of int64, shape (m,)
        counts : ndarray of float64, shape (groups, pairs, thirds)
            The pairs of one touchpoint after those of the other.
        first : ndarray of int64, shape (m,)
            Where the pairs of each touchpoint begin.
        """
        start = np.searchsorted(self.source, np.arange(len(wanted) + 1))
        pair, group, third, n = (self.cells[name].to_numpy() for name in _CELL)
        source = self.source[pair]
        for touchpoints, first in group_sums.pieces(np.where(wanted, np.diff(start), 0)):
            near = slice(*np.searchsorted(source, [touchpoints[0], touchpoints[-1] + 1]))
            here = np.flatnonzero(wanted[source[near]]) + near.start
            own = first[np.searchsorted(touchpoints, source[here])]
            own += pair[here] - start[source[here]]
            counts = np.zeros((GROUPS, int(np.diff(start)[touchpoints].sum()), THIRDS))
            counts[group[here], own, third[here]] = n[here]
            yield touchpoints, counts, first


def count_successors(journeys: Journeys, base: Base) -> Successors:
    """Count what follows what; journeys that are still open do not count as ending.

    Parameters
    ----------
    journeys : Journeys
    base : Base
        Visits whose successor is known, from the walk over the visits.
    """
    targets = len(journeys.names) + 1
    tally = journeys.summed(_successors)
    key = tally.number // (GROUPS * THIRDS)
    new = np.diff(key, prepend=-1) > 0
    pair, number = key[new], np.cumsum(new) - 1
    columns = (number, tally.number // THIRDS % GROUPS, tally.number % THIRDS, tally.times)
    cells = pd.DataFrame(dict(zip(_CELL, columns, strict=True)), copy=False).astype("int64")
    return Successors(pair // targets, pair % targets - 1, cells, base)


def _successors(journeys: Journeys) -> Tally:
    """Count pairs of touchpoints by customer group and third of the log."""
    events, targets = journeys.events, len(journeys.names) + 1
    t_us, span = np.broadcast_to(np.int64(0), len(events)), (0, 1)
    if journeys.has_clock and journeys.first_us is not None and journeys.last_us is not None:
        t_us, span = events.t_us, (journeys.first_us, journeys.last_us - journeys.first_us + 1)
    cell = _cells_of_successors(
        (events.begins, events.starts_visit, journeys.outline.is_open),
        (events.touchpoint, events.group, t_us),
        targets,
        span,
    )
    return Tally.of(cell, len(journeys.names) * targets * GROUPS * THIRDS)


@compiled
def _cells_of_successors(
    visits: tuple[group_sums.Whole, group_sums.Numbers, group_sums.Numbers],
    where: tuple[group_sums.Numbers, group_sums.Numbers, group_sums.Whole],
    targets: int,
    span: tuple[int, int],
) -> group_sums.Whole:
    """Number touchpoint, next touchpoint, group and third of each visit; -1 where none is known.

    An ended journey ends at the target 0.
    """
    (begins, starts_visit, is_open), (touchpoint, group, t_us) = visits, where
    first_us, long_us = span
    cell = np.full(len(touchpoint), -1, dtype=np.int64)
    for journey in range(len(begins) - 1):
        last = begins[journey + 1] - 1
        for row in range(begins[journey], last + 1):
            onward = row < last
            target = touchpoint[row + 1] + 1 if onward else 0
            if starts_visit[row + 1] if onward else not is_open[journey]:
                pair = np.int64(touchpoint[row]) * targets + target
                third = (t_us[row] - first_us) * THIRDS // long_us
                cell[row] = (pair * GROUPS + group[row]) * THIRDS + third
    return cell


def successor_measures(
    journeys: Journeys, successors: Successors, settings: MeasureSettings
) -> list[Measured]:
    """Measure the effective number of next steps and how stable they are."""
    many = len(journeys.touchpoints)
    few = group_sums.thin(successors.base, settings)
    spread, stable, sparse = [], [], np.ones(many, dtype=bool)
    # What abstains in the end is not resampled: of thousands of names, nearly all.
    for touchpoints, counts, first in successors.of_touchpoints(~few):
        ends = np.add.reduceat(counts[..., [0, -1]].sum(axis=0), first, axis=0).min(axis=1)
        sparse[touchpoints] = ends < settings.min_starts * PART_OF_MINIMUM
        spread.append((touchpoints, _effective(counts, first)))
        stable.append((touchpoints, _stability(counts, first)))
    next_steps = group_sums.measured(
        "next_steps", "steps", group_sums.side_by_side(spread, many), successors.base, settings
    )
    if not journeys.has_clock:
        return [next_steps, group_sums.silent("stability", "share", "no_clock", many)]
    stability = group_sums.measured(
        "stability",
        "share",
        group_sums.side_by_side(stable, many),
        successors.base,
        settings,
        refused={"n_small": sparse},
    )
    return [next_steps, stability]


def entropy(counts: group_sums.Floats, first: group_sums.Whole) -> group_sums.Floats:
    """Plug-in entropy in nats of whole counts over each subject's cells, beginning at `first`."""
    rows = np.ascontiguousarray(counts, dtype=np.float64).reshape(-1, counts.shape[-1])
    entropies = _entropies(rows, np.append(first, counts.shape[-1]))
    return np.asarray(entropies.reshape(*counts.shape[:-1], len(first)))


@compiled
def _entropies(counts: group_sums.Floats, ends: group_sums.Whole) -> group_sums.Floats:
    """Return `entropy` of rows as log n − Σ c log c / n: most pairs occur once or never."""
    entropies = np.full((len(counts), len(ends) - 1), np.nan)
    for row in range(len(counts)):
        for subject in range(len(ends) - 1):
            total, summed = 0.0, 0.0
            for cell in range(ends[subject], ends[subject + 1]):
                count = counts[row, cell]
                total += count
                if count > 1:
                    summed += count * np.log(count)
            if total > 0:
                entropies[row, subject] = max(np.log(total) - summed / total, 0.0)
    return entropies


@compiled
def _divergences(counts: group_sums.Floats, ends: group_sums.Whole) -> group_sums.Floats:
    """Return the Jensen–Shannon divergence of two samples in bits; a pair of one needs no log."""
    divergences = np.full((len(counts), len(ends) - 1), np.nan)
    for row in range(len(counts)):
        for subject in range(len(ends) - 1):
            cells = range(ends[subject], ends[subject + 1])
            before, after, apart = 0.0, 0.0, 0.0
            for cell in cells:
                before += counts[row, cell, 0]
                after += counts[row, cell, 1]
            if before == 0 or after == 0:
                continue
            for cell in cells:
                one, other = counts[row, cell, 0] / before, counts[row, cell, 1] / after
                mean = (one + other) / 2
                if one > 0 and other > 0:
                    apart += (one * np.log2(one / mean) + other * np.log2(other / mean)) / 2
                else:
                    apart += mean
            divergences[row, subject] = apart
    return divergences


def entropy_bias(counts: group_sums.Floats, first: group_sums.Whole) -> group_sums.Floats:
    """Miller and Madow's correction: (successors seen − 1) / 2n, to be added to the plug-in.

    Notes
    -----
    Miller (1955), "Note on the bias of information estimates". Without it a rare touchpoint
    looks standardised: 20 visits to 10 equally likely successors show 2.94 bit instead of 3.32.
    Chao and Shen's (2003) estimator is nearer for long tails, but overshoots where one successor
    prevails, which is what automation looks for.
    """
    seen = np.add.reduceat((counts > 0).astype(np.int64), first, axis=-1)
    return np.asarray((seen - 1) / (2 * np.add.reduceat(counts, first, axis=-1)))


def _effective(counts: group_sums.Floats, first: group_sums.Whole) -> Resampled:
    """Effective number of next steps, from counts (groups, pairs, thirds) as they are yielded."""
    per_group = counts.sum(axis=2, keepdims=True)
    shift = entropy_bias(per_group.sum(axis=0)[:, 0], first)
    raw = resample(per_group, lambda s: entropy(s[..., 0], first), first=first)
    corrected = _recentred(raw, shift)
    return group_sums.mapped(corrected, lambda nats: np.exp(np.maximum(nats, 0.0)))


def _stability(counts: group_sums.Floats, first: group_sums.Whole) -> Resampled:
    """One minus the Jensen–Shannon distance (base 2) between first and last third."""
    before, after = counts.sum(axis=0)[:, [0, -1]].T

    def divergence(s: group_sums.Floats) -> group_sums.Floats:
        rows = np.ascontiguousarray(s).reshape(-1, *s.shape[-2:])
        bits = _divergences(rows, np.append(first, s.shape[-2]))
        return np.asarray(bits.reshape(*s.shape[:-2], len(first)))

    with np.errstate(divide="ignore", invalid="ignore"):
        # The even mixture of two samples of different size errs like a sample of this size.
        sizes = [np.add.reduceat(side, first) for side in (before, after)]
        size = 4 / (1 / sizes[0] + 1 / sizes[1])
        mixed = (np.add.reduceat((before + after > 0).astype(np.int64), first) - 1) / (2 * size)
        apart = (entropy_bias(before, first) + entropy_bias(after, first)) / 2
        raw = resample(counts[..., [0, -1]], divergence, first=first)
        # Of a touchpoint that a third never saw, both are infinite: no number, and no warning.
        bias = (mixed - apart) / np.log(2)
    corrected = _recentred(raw, bias)
    return group_sums.mapped(corrected, lambda d: 1 - np.sqrt(np.clip(d, 0.0, 1.0)), falling=True)


def _recentred(result: Resampled, shift: group_sums.Floats) -> Resampled:
    """Move a biased statistic by `shift`, and its draws, biased once more, along to it."""
    value = np.asarray(result.value + shift)
    finite = np.isfinite(result.draws)
    mean = np.where(finite, result.draws, 0.0).sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    draws = result.draws - mean + value
    return replace(result, value=value, lo=result.lo + shift, hi=result.hi + shift, draws=draws)
