"""From raw measures to 0..1 by fixed anchors, and from those to one score per axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from journeylib.core import LEVEL, Floats
from journeylib.judge.settings import Indicator


def value_of(indicator: Indicator, raw: npt.ArrayLike) -> Floats:
    """Map raw values to 0..1 by the indicator's anchors.

    Parameters
    ----------
    indicator : Indicator
    raw : array of float
        In the unit of the anchors; NaN where unknown.

    Returns
    -------
    ndarray of float64
        NaN where `raw` is; the end value beyond the anchors. The anchors are fixed, never
        taken from the sample: one more touchpoint cannot change another one's score, and two
        audits compare.

    Examples
    --------
    >>> rework = Indicator(weight=1, anchors=((0, 1), (0.5, 0)))
    >>> value_of(rework, [0.0, 0.25, 0.9]).tolist()
    [1.0, 0.5, 0.0]
    >>> steps = Indicator(weight=1, anchors=((1, 1), (100, 0.01)), scale="reciprocal")
    >>> value_of(steps, [2.0]).round(6).tolist()
    [0.5]
    """
    at, score = (
        np.array(column, dtype=np.float64) for column in zip(*indicator.anchors, strict=True)
    )
    inside = np.clip(np.asarray(raw, dtype=np.float64), at[0], at[-1])
    if indicator.scale == "log":
        at, inside = np.log(at), np.log(inside)
    elif indicator.scale == "reciprocal":
        at, inside = -1 / at, -1 / inside
    return np.asarray(np.interp(inside, at, score), dtype=np.float64)


def weighted_score(u: Floats, weights: Floats) -> Floats:
    """Score 0..100 of the indicators that are there, weights renormalised over them.

    Parameters
    ----------
    u : ndarray, shape (indicators, draws)
        Values 0..1, NaN where missing.
    weights : ndarray, shape (vectors, indicators)

    Returns
    -------
    ndarray, shape (draws, vectors)
        NaN where nothing is there.
    """
    is_measured = np.isfinite(u)
    # einsum without BLAS: the order of additions must not depend on threads
    got = np.einsum("kb,vk->bv", np.where(is_measured, u, 0.0), weights)
    if is_measured.all():
        total = np.broadcast_to(weights.sum(axis=1), got.shape)
    else:
        total = np.einsum("kb,vk->bv", is_measured.astype(np.float64), weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(total > 0, 100 * got / total, np.nan), dtype=np.float64)


@dataclass(frozen=True)
class AxisScore:
    """One axis at one touchpoint.

    Attributes
    ----------
    names : tuple of str
        Indicators that can exist at this touchpoint.
    weights : ndarray, shape (k,)
        Their weights, summing to 1.
    u : ndarray, shape (k,)
        Their values 0..1, NaN where missing.
    u_draws : ndarray, shape (k, draws)
        The same on each resample of customers.
    value, lo, hi : float
        Score 0..100 over the observed indicators, with the interval from resampling
        customers; NaN where `coverage` is below the minimum.
    se : float
        Its standard error over the resamples.
    coverage : float
        Share of the weight that is observed.
    floor, ceiling : float
        The score if all that is missing were 0, and if it were 1. Kept apart from `lo` and
        `hi`: more customers narrow the interval, only a further column narrows these.
    draws : ndarray, shape (draws,)
        The score on each resample; NaN where `value` is.
    """

    names: tuple[str, ...]
    weights: Floats
    u: Floats
    u_draws: Floats
    value: float
    lo: float
    hi: float
    se: float
    coverage: float
    floor: float
    ceiling: float
    draws: Floats

    @property
    def scored(self) -> bool:
        """Whether there is enough evidence for a point."""
        return bool(np.isfinite(self.value))


def axis_score(
    names: Sequence[str], weights: Floats, u: Floats, u_draws: Floats, *, min_coverage: float
) -> AxisScore:
    """Combine the indicators of one axis; a missing one is never taken as 0 or as average.

    Parameters
    ----------
    names : sequence of str
    weights : ndarray, shape (k,)
        At least one above 0; scaled to sum to 1.
    u : ndarray, shape (k,)
    u_draws : ndarray, shape (k, draws)
    min_coverage : float
        Below it, `value`, `lo`, `hi` and `se` are NaN.

    Examples
    --------
    >>> w, u = np.array([0.5, 0.3, 0.2]), np.array([0.8, 0.4, np.nan])
    >>> s = axis_score("abc", w, u, np.tile(u[:, None], 2), min_coverage=0.7)
    >>> [round(x, 6) for x in (s.value, s.coverage, s.floor, s.ceiling)]
    [65.0, 0.8, 52.0, 72.0]
    """
    share = weights / weights.sum()
    is_measured = np.isfinite(u)
    coverage = float(share[is_measured].sum())
    floor = float(100 * (share[is_measured] * u[is_measured]).sum())
    ceiling = min(100.0, floor + 100 * float(share[~is_measured].sum()))
    value = lo = hi = se = float("nan")
    draws = np.full(u_draws.shape[1], np.nan)
    if enough(coverage, min_coverage) and is_measured.any():
        value = float(weighted_score(u[:, None], share[None])[0, 0])
        draws = weighted_score(u_draws, share[None])[:, 0]
        finite = draws[np.isfinite(draws)]
        tail = (1 - LEVEL) / 2
        low, high = np.quantile(finite, [tail, 1 - tail]) if len(finite) else (value, value)
        lo, hi = min(float(low), value), max(float(high), value)
        se = float(finite.std()) if len(finite) else 0.0
    return AxisScore(
        tuple(names), share, u, u_draws, value, lo, hi, se, coverage, floor, ceiling, draws
    )


def enough(coverage: float, minimum: float) -> bool:
    """Whether the observed weight reaches the minimum; weights are sums of decimals."""
    return coverage >= minimum - 1e-9
