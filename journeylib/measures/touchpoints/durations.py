"""How long things take: service and wait at a touchpoint, and their spread."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from journeylib.core import GROUPS, LEVEL, Resampled, group_weights, occupied
from journeylib.journeys import MISSING, Journeys, Middle, Sums, Tally, compiled, open_time
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import (
    Cells,
    Floats,
    Numbers,
    Whole,
    mapped,
    measured,
    not_negative,
    pieces,
    side_by_side,
    silent,
    thin,
)

US_PER_SECOND = 1_000_000
# Bins of log2(1 + seconds): even near zero, where clocks tick, and 4.4 % wide far from it.
BINS_PER_DOUBLING = 16
BINS = 44 * BINS_PER_DOUBLING  # up to the largest whole number of microseconds
# A normal distribution's interquartile range in standard deviations.
NORMAL_IQR = 1.349
# log dur of what is shorter than a second says more of the clock than of the work.
SHORTEST_SECONDS = 1.0


def duration_measures(
    journeys: Journeys, cells: Cells, settings: MeasureSettings
) -> list[Measured]:
    """Measure median service and wait in seconds, and the robust log-spread of service."""
    many = len(journeys.touchpoints)
    units = {"duration_spread": "log seconds", "service": "seconds", "wait": "seconds"}
    if not journeys.has_clock:
        return [silent(measure, unit, "no_clock", many) for measure, unit in units.items()]
    # By the wall clock, and within business hours where these are declared.
    clocks = {"": "_us"}
    if journeys.settings.business_hours is not None:
        clocks["_business"] = "_business_us"
    has_service = journeys.has("end_us") or journeys.has("session")
    kinds = {"wait": cells.base("waited")} | (
        {"service": cells.base("served")} if has_service else {}
    )
    columns = [f"{kind}{us}" for kind in kinds for us in clocks.values()]
    counts = journeys.summed(lambda part: _durations(part, columns))
    seconds = _medians(journeys, counts)

    def typical(kind: str) -> list[Measured]:
        """Return the medians by each clock."""
        base = kinds[kind]
        few = thin(base, settings)
        of_clock = {name: f"{kind}{us}" for name, us in clocks.items()}
        return [
            measured(
                f"{kind}{name}",
                "seconds",
                around_medians(counts[column], few, seconds[column]),
                base,
                settings,
            )
            for name, column in of_clock.items()
        ]

    if not has_service:
        names = ["duration_spread", *(f"service{name}" for name in clocks)]
        absent = [silent(one, units.get(one, "seconds"), "no_column", many) for one in names]
        return absent + typical("wait")
    spread = _per_touchpoint(counts["service_us"], thin(kinds["service"], settings), _log_spread)
    return [
        measured(
            "duration_spread", "log seconds", not_negative(spread), kinds["service"], settings
        ),
        *typical("service"),
        *typical("wait"),
    ]


def _durations(journeys: Journeys, columns: list[str]) -> Sums:
    visits, many = visit_durations(journeys), len(journeys.names)
    return Sums({name: count_durations(visits, name, many) for name in columns})


def _medians(journeys: Journeys, counts: Sums) -> dict[str, Floats]:
    """Return the median of each duration in seconds, to the microsecond."""
    many = len(journeys.names)
    middles = {name: Middle.of(tally.in_runs(GROUPS), BINS, many) for name, tally in counts.items()}

    def near(part: Journeys) -> Sums:
        visits = visit_durations(part)
        return Sums(
            {
                name: middle.near(visits.touchpoint, visits.us[name], bin_floors())
                for name, middle in middles.items()
            }
        )

    values = journeys.summed(near)
    return {name: middle.values(values[name]) / US_PER_SECOND for name, middle in middles.items()}


@dataclass(frozen=True)
class Durations:
    """Durations in microseconds, each with its touchpoint and customer group.

    Attributes
    ----------
    touchpoint, group : ndarray of int
    us : dict of str to ndarray of int64
        Durations by name; `MISSING` where one is not known.
    """

    touchpoint: Numbers
    group: Numbers
    us: Mapping[str, Whole]


def visit_durations(journeys: Journeys) -> Durations:
    """One entry per visit: ``service_us`` from its start to its end, ``wait_us`` after it.

    A visit of a single event without an end has no known service. With business hours, the same
    within them (``service_business_us``, ``wait_business_us``). In a log without ends and sessions
    no service is known, and there is none here.
    """
    events = journeys.events
    last: Numbers | slice = slice(None)
    if events.has("session"):
        last = np.flatnonzero(events.ends_visit)
    us = {"wait_us": events.wait_us[last]}
    hours = journeys.settings.business_hours
    if events.has("end_us") or events.has("session") or hours is not None:
        own, began = events.service_us[last], events.t_us[events.visit_row[last]]
        end = events.done_us[last]
        unknown = events.starts_visit[last] & (own == MISSING)
        us["service_us"] = np.where(unknown, MISSING, end - began)
    if hours is not None:
        following = events.next_us[last]
        goes_on = following != MISSING
        until = np.where(goes_on, following, end)
        waited = open_time(hours, np.minimum(end, until), until)
        us["service_business_us"] = np.where(unknown, MISSING, open_time(hours, began, end))
        us["wait_business_us"] = np.where(goes_on, waited, MISSING)
    return Durations(events.touchpoint[last], events.group[last], us)


@compiled
def bin_of(us: int) -> int:
    """Return the number of the bin that holds a duration in microseconds; -1 of `MISSING`."""
    if us == MISSING:
        return -1
    return math.floor(math.log2(1 + us / US_PER_SECOND) * BINS_PER_DOUBLING)


@compiled
def bins_of(us: Whole) -> npt.NDArray[np.int16]:
    """Return the number of the bin that holds each duration in microseconds; -1 of `MISSING`."""
    bins = np.empty(len(us), dtype=np.int16)
    for row in range(len(us)):
        bins[row] = bin_of(us[row])
    return bins


@functools.cache
def bin_floors() -> Whole:
    """Return the shortest duration of each bin, in microseconds, and a longer one than any."""
    low, high = (np.full(BINS + 1, edge) for edge in (-1, np.iinfo(np.int64).max // 2))
    wanted = np.arange(BINS + 1)
    while (high - low > 1).any():
        middle = low + (high - low) // 2
        below = bins_of(middle) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return high


@dataclass(frozen=True)
class Histograms:
    """Durations of some touchpoints, counted by bin: from the first to the last that each uses.

    Attributes
    ----------
    touchpoints : ndarray of int64, shape (m,)
    until : ndarray of int64, shape (bins + 1, groups)
        Durations before each bin; the bins of one touchpoint come after those of the other.
    bounds : ndarray of int64, shape (m + 1,)
        Where the bins of each touchpoint begin, and where the last ones end.
    lowest : ndarray of int64, shape (m,)
        The number of its first bin.
    """

    touchpoints: Whole
    until: Whole
    bounds: Whole
    lowest: Whole

    def quantiles(self, share: float) -> Floats:
        """Return a quantile in doublings, log2(1 + seconds), straight within a bin.

        Parameters
        ----------
        share : float
            0.5 for the median.

        Returns
        -------
        ndarray of float64, shape (1 + draws, m)
            Of all groups, then of each resample; NaN where nothing was counted.
        """
        weights = np.vstack([np.ones(GROUPS, dtype=np.int64), group_weights()])
        return quantiles_of(weights, self.until, share, self.bounds, self.lowest)


def count_durations(visits: Durations, column: str, touchpoints: int) -> Tally:
    """Count the durations by touchpoint, bin and customer group."""
    cell = _cells_of_bins(visits.touchpoint, visits.group, visits.us[column])
    return Tally.of(cell, touchpoints * BINS * GROUPS)


@compiled
def _cells_of_bins(touchpoint: Numbers, group: Numbers, us: Whole) -> Whole:
    """Number the touchpoint, bin and customer group of each duration; -1 of `MISSING`."""
    cell = np.full(len(us), -1, dtype=np.int64)
    for row in range(len(us)):
        if us[row] != MISSING:
            cell[row] = (touchpoint[row] * BINS + bin_of(us[row])) * GROUPS + group[row]
    return cell


def histograms(counts: Tally, few: npt.NDArray[np.bool_]) -> Iterator[Histograms]:
    """Lay out what `count_durations` counted, of all touchpoints that are not too `few`."""
    cell, group = np.divmod(counts.number, GROUPS)
    touchpoint, bins = np.divmod(cell, BINS)
    begins = np.searchsorted(touchpoint, np.arange(len(few) + 1))
    usable = (np.diff(begins) > 0) & ~few
    lowest, widths = (np.zeros(len(few), dtype=np.int64) for _ in range(2))
    lowest[usable] = bins[begins[:-1][usable]]
    widths[usable] = bins[begins[1:][usable] - 1] - lowest[usable] + 1
    for subjects, first in pieces(widths):
        bounds = np.append(first, first[-1] + widths[subjects[-1]])
        shift = np.full(len(few), -1, dtype=np.int64)
        shift[subjects] = first - lowest[subjects]
        own = np.flatnonzero(np.isin(touchpoint, subjects))
        laid = np.zeros((bounds[-1] + 1, GROUPS), dtype=np.int64)
        laid[shift[touchpoint[own]] + bins[own] + 1, group[own]] = counts.times[own]
        yield Histograms(subjects, np.cumsum(laid, axis=0), bounds, lowest[subjects])


@compiled
def quantiles_of(
    weights: Whole, until: Whole, share: float, bounds: Whole, lowest: Whole
) -> Floats:
    """Return quantiles of histograms whose groups count as often as each row of weights says.

    The bin that holds one is looked for from where the row before has it.
    """
    quantiles = np.full((len(weights), len(lowest)), np.nan)
    for histogram in range(len(lowest)):
        low, high = bounds[histogram], bounds[histogram + 1]
        bin_ = low
        for row in range(len(weights)):
            wanted = share * _weighted(weights[row], until[low], until[high])
            before = _weighted(weights[row], until[low], until[bin_])
            while bin_ > low and before >= wanted:
                bin_ -= 1
                before -= _weighted(weights[row], until[bin_], until[bin_ + 1])
            here = _weighted(weights[row], until[bin_], until[bin_ + 1])
            while bin_ < high - 1 and before + here < wanted:
                bin_, before = bin_ + 1, before + here
                here = _weighted(weights[row], until[bin_], until[bin_ + 1])
            if here > 0:
                position = lowest[histogram] + (bin_ - low) + (wanted - before) / here
                quantiles[row, histogram] = position / BINS_PER_DOUBLING
    return quantiles


@compiled
def _weighted(weights: Whole, low: Whole, high: Whole) -> int:
    """Sum what lies between two rows of `Histograms.until`."""
    total = 0
    for group in range(len(weights)):
        total += weights[group] * (high[group] - low[group])
    return total


def seconds_of(doublings: Floats) -> Floats:
    """Turn log2(1 + seconds) back into seconds, at least 0."""
    return np.asarray(np.maximum(np.exp2(doublings) - 1, 0.0))


def _log_spread(own: Histograms) -> Floats:
    low, high = (
        np.log(np.maximum(seconds_of(own.quantiles(share)), SHORTEST_SECONDS))
        for share in (0.25, 0.75)
    )
    return np.asarray((high - low) / NORMAL_IQR)


def _per_touchpoint(
    counts: Tally,
    few: npt.NDArray[np.bool_],
    statistic: Callable[[Histograms], Floats],
) -> Resampled:
    """Resample a statistic of each touchpoint's histogram; those of too `few` abstain anyway."""
    results = []
    for own in histograms(counts, few):
        value, draws = np.split(statistic(own), [1])
        sums = np.diff(own.until[own.bounds], axis=0).T[..., None].astype(np.float64)
        result = Resampled(value[0], value[0], value[0], value[0], draws)
        results.append((own.touchpoints, from_draws(result, sums)))
    return side_by_side(results, len(few))


def from_draws(result: Resampled, sums: Floats) -> Resampled:
    """Take the standard error from the draws: a quantile is too rough for the jackknife."""
    from scipy import special

    t = special.stdtrit(np.maximum(occupied(sums) - 1, 1), 0.5 + LEVEL / 2)
    finite = np.isfinite(result.draws)
    # A draw may leave a rare touchpoint out altogether; numpy's nanstd warns if all do.
    many = np.maximum(finite.sum(axis=0), 1)
    mean = np.where(finite, result.draws, 0.0).sum(axis=0) / many
    squares = (np.where(finite, result.draws - mean, 0.0) ** 2).sum(axis=0) / many
    se = np.sqrt(squares * GROUPS / (GROUPS - 1))
    return replace(result, se=se, lo=result.value - t * se, hi=result.value + t * se)


def around_medians(counts: Tally, few: npt.NDArray[np.bool_], seconds: Floats) -> Resampled:
    """Put the interval of resampled customer groups around exact medians.

    Parameters
    ----------
    counts : Tally
        Durations as `count_durations` counts them.
    few : ndarray of bool, shape (m,)
        Touchpoints that get no number.
    seconds : ndarray of float64, shape (m,)
        Their medians.
    """
    rough = _per_touchpoint(counts, few, lambda own: own.quantiles(0.5))
    return _through(rough, np.log2(1 + seconds))


def _through(result: Resampled, exact: Floats) -> Resampled:
    """Move the histogram's median, interval and draws to the exact one, and to seconds."""
    by = exact - result.value
    moved = replace(
        result, value=exact, lo=result.lo + by, hi=result.hi + by, draws=result.draws + by
    )
    return mapped(moved, seconds_of)
