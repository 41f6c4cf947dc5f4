"""The shape that all measures share: one number for every touchpoint, with its draws."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import DRAWS, SEED, AbstainReason, Floats, Grade, Resampled
from journeylib.journeys import Base
from journeylib.log import share_bounds

ESTIMATE_COLUMNS = (
    "touchpoint",
    "measure",
    "value",
    "lo",
    "hi",
    "unit",
    "n_events",
    "n_journeys",
    "n_customers",
    "grade",
    "abstain",
    "source",
)
_WORDS, _BASES = ("measure", "unit", "grade", "source"), ("n_events", "n_journeys", "n_customers")

# Shares of customers that say something of the persons themselves, in place of the service.
OF_PERSONS = frozenset({"vulnerable", "complaint_excess"})


@dataclass(frozen=True)
class Measured:
    """One measure for every touchpoint of a log.

    Attributes
    ----------
    measure, unit : str
        Name as in ``docs/methods.md``, section 3, and unit.
    resampled : Resampled
        Point, interval and draws; touchpoints in the order of ``touchpoint_no``.
    n_events, n_journeys, n_customers : ndarray of int64
        The base of each number.
    abstain : tuple of (str or None)
        Why a touchpoint has no number.
    grade : str
        Grade of the numbers that are there.
    source : str
        For what customers say: the column and who read it, and whether labelled turns correct
        it. For what is modelled on a sample of customers: that sample. Else empty.
    hits, trials : ndarray of float64, optional
        Of a share that counts: what it counts, and what it is a share of.
    possible : ndarray of float64, optional
        What it may count at most, where some cases are unknown.
    beside : ndarray of float64, optional
        What is taken off that share, where the number is a difference.
    within : ndarray of bool, optional
        Where the interval holds bounds in place of a number; see `bounded`.
    """

    measure: str
    unit: str
    resampled: Resampled
    n_events: npt.NDArray[np.int64]
    n_journeys: npt.NDArray[np.int64]
    n_customers: npt.NDArray[np.int64]
    abstain: tuple[AbstainReason | None, ...]
    grade: Grade = "C"
    source: str = ""
    hits: npt.NDArray[np.float64] | None = None
    trials: npt.NDArray[np.float64] | None = None
    possible: npt.NDArray[np.float64] | None = None
    beside: npt.NDArray[np.float64] | None = None
    within: npt.NDArray[np.bool_] | None = None

    @property
    def silent(self) -> npt.NDArray[np.bool_]:
        """Where there is no number."""
        return np.array([reason is not None for reason in self.abstain], dtype=bool)

    @property
    def unknown(self) -> npt.NDArray[np.bool_]:
        """Where there is no interval either."""
        return self.silent if self.within is None else self.silent & ~self.within


def estimate_table(
    measures: Sequence[Measured], names: Sequence[str], shown: npt.NDArray[np.int64]
) -> pd.DataFrame:
    """Return one row per touchpoint and measure with the columns `ESTIMATE_COLUMNS`.

    Parameters
    ----------
    measures : sequence of Measured
        In the order of the rows of each touchpoint.
    names : sequence of str
        Touchpoints in the order of ``touchpoint_no``.
    shown : ndarray of int64
        The ``touchpoint_no`` of those that have rows, in their order.
    """

    def rows(of_measures: Iterable[Any]) -> Any:
        return np.array([*of_measures])[:, shown].T.ravel()

    table = {
        "touchpoint": np.repeat(np.array([*names], dtype=object)[shown], len(measures)),
        **{name: np.tile([getattr(one, name) for one in measures], len(shown)) for name in _WORDS},
        "value": rows(np.where(one.silent, np.nan, one.resampled.value) for one in measures),
        "lo": rows(np.where(one.unknown, np.nan, one.resampled.lo) for one in measures),
        "hi": rows(np.where(one.unknown, np.nan, one.resampled.hi) for one in measures),
        **{name: rows(getattr(one, name) for one in measures) for name in _BASES},
        "abstain": rows(one.abstain for one in measures),
    }
    return pd.DataFrame({name: table[name] for name in ESTIMATE_COLUMNS})


def bounded(measured: Measured, minimum: int) -> Measured:
    """Replace shares that only a few have, or all but a few, by bounds (`log.share_bounds`).

    Parameters
    ----------
    measured : Measured
    minimum : int
        Fewest that may be told apart.

    Returns
    -------
    Measured
        Such a number abstains with ``privacy``, and its interval holds the bounds. Its draws are
        those of `_draws_of_few`, which know no count of this touchpoint but the base: no score
        made of them tells more.
    """
    if measured.hits is None or measured.trials is None:
        return measured
    result, hits, trials = measured.resampled, measured.hits, measured.trials
    value, lo, hi, draws = (a.copy() for a in (result.value, result.lo, result.hi, result.draws))
    within, reasons = np.zeros(len(value), dtype=bool), list(measured.abstain)
    of_persons = measured.measure in OF_PERSONS
    beside = np.zeros(len(value)) if measured.beside is None else measured.beside.round(2)
    possible = hits if measured.possible is None else measured.possible
    for column in np.flatnonzero([reason is None for reason in reasons]):
        of = float(trials[column])
        ends = share_bounds(hits[column], of, minimum=minimum, of_persons=of_persons)
        if ends is None:
            continue
        most = max(ends[1], math.ceil(100 * possible[column] / of) / 100)
        lo[column], hi[column] = np.round([ends[0] - beside[column], most - beside[column]], 2)
        few = np.arange(0 if of_persons else 1, minimum)
        cases = few if ends[0] == 0 else round(of) - few
        rate = (np.nansum(hits) + 0.5) / (np.nansum(trials) + 1)
        draws[:, column] = _draws_of_few(cases, round(of), rate, measured.measure) - beside[column]
        value[column], reasons[column], within[column] = np.nan, "privacy", True
    return replace(
        measured,
        resampled=replace(result, value=value, lo=lo, hi=hi, draws=draws),
        abstain=tuple(reasons),
        within=within,
    )


def with_whole_base(measured: Measured, whole: Base, minimum: int) -> Measured:
    """Give a number the base of its touchpoint where they differ by a few.

    Parameters
    ----------
    measured : Measured
    whole : Base
        What came by each touchpoint.
    minimum : int
        Fewest that may be told apart.

    Returns
    -------
    Measured
        A base that misses at most `minimum` of the touchpoint's is that of the touchpoint: nobody
        reads from the two how many journeys are open, say. A share that counts is then rounded to
        what any such base may have, and its interval is rounded outward.
    """
    if minimum <= 1:
        return measured
    bases = (measured.n_events, measured.n_journeys, measured.n_customers)
    wholes = (whole.events, whole.journeys, whole.customers)
    near = [
        (own > 0) & (own < every) & (every - own <= minimum)
        for own, every in zip(bases, wholes, strict=True)
    ]
    events, journeys, customers = (
        np.where(close, every, own) for close, every, own in zip(near, wholes, bases, strict=True)
    )
    result = measured.resampled
    if measured.hits is not None:
        least = np.minimum(events, measured.n_events)
        few = np.any(near, axis=0)
        value, lo, hi = rounded_outward(result.value, result.lo, result.hi, least)
        result = replace(
            result,
            value=np.where(few, value, result.value),
            lo=np.where(few, lo, result.lo),
            hi=np.where(few, hi, result.hi),
        )
    return replace(
        measured, resampled=result, n_events=events, n_journeys=journeys, n_customers=customers
    )


def rounded_outward(
    value: Floats, lo: Floats, hi: Floats, base: npt.NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Round shares to what a few cases more or fewer of `base` may give, their ends outward.

    To 1 %, to 5 % below 100 events, to 10 % below 20. None and all stay none and all.
    """
    step = np.select([base >= 100, base >= 20], [0.01, 0.05], 0.1)
    inside = (value > 0) & (value < 1)
    return (
        np.where(inside, np.round(np.round(value / step) * step, 2), value),
        np.round(np.floor(lo / step) * step, 2),
        np.round(np.ceil(hi / step) * step, 2),
    )


def _draws_of_few(
    cases: npt.NDArray[np.int64], of: int, rate: float, measure: str
) -> npt.NDArray[np.float64]:
    """Return shares that a hidden count may be, each as often as the log's own rate has it.

    The count is binomial with the rate of all touchpoints together, given that it is one of
    `cases`.
    """
    from scipy import special

    cases = cases[(cases >= 0) & (cases <= of)]
    # The logarithm of the binomial probabilities but for what all of them share.
    log_odds = special.xlogy(cases, rate) + special.xlog1py(of - cases, -rate)
    log_odds = log_odds - special.gammaln(cases + 1) - special.gammaln(of - cases + 1)
    chance = np.exp(log_odds - log_odds.max())
    evenly = (np.arange(DRAWS) + 0.5) / DRAWS
    index = np.searchsorted(np.cumsum(chance / chance.sum()), evenly)
    drawn = cases[np.minimum(index, len(cases) - 1)] / of
    dice = np.random.default_rng([SEED, zlib.crc32(measure.encode())])
    return np.asarray(dice.permutation(drawn))
