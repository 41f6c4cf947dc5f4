"""Resampling: intervals for any measure from its sums per group of customers.

Customers are dealt into `GROUPS` groups by a portable hash of their id. Every measure is
a function of sums that were taken per group in one pass over the events; leaving one group
out at a time gives its standard error (delete-a-group jackknife), drawing groups with
replacement gives its resampling draws. Both therefore cluster by customer.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from journeylib.core.estimate import LEVEL

GROUPS = 64
DRAWS = 500
SEED = 20260101
# Whole numbers below it are exact as float64, so their sums do not depend on the order.
_EXACT = 2.0**53

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], Floats]


@functools.lru_cache(maxsize=8)
def group_weights(
    draws: int = DRAWS, groups: int = GROUPS, seed: int = SEED
) -> npt.NDArray[np.int64]:
    """How often each customer group is drawn in each resample; the same for every measure.

    Returns
    -------
    ndarray of int64, shape (draws, groups)
        Read-only; each row sums to `groups`.
    """
    weights = np.random.default_rng(seed).multinomial(groups, [1 / groups] * groups, size=draws)
    weights.setflags(write=False)
    return weights


@dataclass(frozen=True)
class Resampled:
    """One statistic for m subjects: point, standard error, interval, draws.

    Attributes
    ----------
    value, se, lo, hi : ndarray of float64, shape (m,)
        NaN where the statistic is undefined.
    draws : ndarray of float64, shape (draws, m)
        The statistic on resampled customer groups, row *b* of every measure from the same
        resample, so that measures may be combined draw by draw.
    """

    value: Floats
    se: Floats
    lo: Floats
    hi: Floats
    draws: Floats


def resample(
    sums: npt.ArrayLike,
    statistic: Statistic,
    *,
    share: bool = False,
    n_customers: npt.ArrayLike | None = None,
    n_trials: npt.ArrayLike | None = None,
    first: npt.ArrayLike | None = None,
) -> Resampled:
    """Estimate `statistic` with a customer-clustered interval from sums per group.

    Parameters
    ----------
    sums : array, shape (groups, m, k)
        For each customer group and each of m subjects, the k sums that the statistic needs.
        Use integers (microseconds, micro-units): their sums do not depend on order.
    statistic : callable
        Maps totals of shape (..., m, k) to values of shape (..., m).
    share : bool
        The statistic is a proportion: the interval is Wilson's on the effective sample size,
        so it stays inside 0..1 and does not collapse at the ends.
    n_customers : array of int, shape (m,), optional
        Customers of each subject; caps the degrees of freedom, and the sample without error.
    n_trials : array of int, shape (m,), optional
        Denominators of the share; caps the effective sample size.
    first : array of int, shape (m,), optional
        For subjects with several cells, such as the bins of a histogram: where the cells of
        each begin. `sums` has a row per cell then; the statistic still a value per subject.

    Notes
    -----
    Delete-a-group jackknife with G groups: Kott (2001), Journal of Official Statistics 17,
    521–526. Wilson's interval on an effective sample size: Korn and Graubard (1998), Survey
    Methodology 24, 193–201, who use it with Clopper–Pearson.

    Examples
    --------
    >>> hits = np.zeros((GROUPS, 1, 2)); hits[:, 0, 0] = 1; hits[:, 0, 1] = 2
    >>> result = resample(hits, lambda s: s[..., 0] / s[..., 1], share=True)
    >>> float(result.value[0]), float(result.se[0])
    (0.5, 0.0)
    """
    per_group = np.asarray(sums, dtype=np.float64)
    value, se, resampled = _jackknife(per_group, statistic, DRAWS)
    clusters = occupied(per_group, first).astype(np.float64)
    customers = np.asarray(clusters if n_customers is None else n_customers, dtype=np.float64)
    t = _t_quantile(np.minimum(clusters, customers))
    if share:
        trials = np.asarray(customers if n_trials is None else n_trials, dtype=np.float64)
        lo, hi = wilson(value, se, t, customers, trials)
    else:
        lo, hi = value - t * se, value + t * se
    undefined = ~np.isfinite(value)
    value, se, lo, hi = (np.where(undefined, np.nan, a) for a in (value, se, lo, hi))
    return Resampled(value, se, lo, hi, resampled.reshape(DRAWS, len(value)))


def _jackknife(
    per_group: Floats, statistic: Statistic, draws: int
) -> tuple[Floats, Floats, Floats]:
    """Return the statistic, its standard error and its values on resampled groups."""
    groups, total = len(per_group), per_group.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, replicates, resampled = (
            np.asarray(statistic(totals), dtype=np.float64)
            for totals in (
                total,
                total[None] - per_group,
                _resampled_totals(group_weights(draws, groups), per_group),
            )
        )
    deviation = np.where(np.isfinite(replicates), replicates - value, 0.0)
    return value, np.sqrt((groups - 1) / groups * (deviation**2).sum(axis=0)), resampled


def _t_quantile(clusters: Floats) -> Floats:
    from scipy import special

    return np.asarray(special.stdtrit(np.maximum(clusters - 1, 1), 0.5 + LEVEL / 2))


def occupied(per_group: Floats, first: npt.ArrayLike | None = None) -> npt.NDArray[np.int64]:
    """Count the groups in which each subject has any sum; `first` as in `resample`."""
    is_present = (per_group != 0).any(axis=2)
    if first is not None:
        is_present = np.logical_or.reduceat(is_present, np.asarray(first), axis=1)
    return np.asarray(is_present.sum(axis=0), dtype=np.int64)


def _resampled_totals(weights: npt.NDArray[np.int64], per_group: Floats) -> Floats:
    """Sum the groups as often as each is drawn, shape (draws, m, k)."""
    groups = per_group.shape[0]
    largest = np.abs(per_group).max(initial=0.0)
    if largest < _EXACT / groups and bool((per_group == np.rint(per_group)).all()):
        flat = weights.astype(np.float64) @ per_group.reshape(groups, -1)
        return np.asarray(flat.reshape(len(weights), *per_group.shape[1:]))
    # einsum without BLAS: the order of additions must not depend on threads
    return np.asarray(np.einsum("bg,gmk->bmk", weights, per_group))


def wilson(
    p: npt.ArrayLike,
    se: npt.ArrayLike,
    t: npt.ArrayLike,
    customers: npt.ArrayLike,
    trials: npt.ArrayLike,
) -> tuple[Floats, Floats]:
    """Return Wilson's interval of proportions on the effective sample size p(1−p)/se².

    Parameters
    ----------
    p, se : array of float
        Proportions from 0 to 1 with their standard errors.
    t : array of float
        Standard errors to either side.
    customers, trials : array of float
        The sample size where no error is seen, and the largest that is taken.

    Returns
    -------
    lo, hi : ndarray of float64
        Inside 0 to 1; they hold `p`, and do not collapse where no error is seen.

    Examples
    --------
    >>> lo, hi = wilson(0.0, 0.0, 1.96, 30, 30)
    >>> float(lo), round(float(hi), 3)
    (0.0, 0.114)
    """
    p, se, t, customers, trials = (
        np.asarray(each, dtype=np.float64) for each in (p, se, t, customers, trials)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        implied = p * (1 - p) / se**2
    n = np.where(np.isfinite(implied) & (implied > 0), np.minimum(implied, trials), customers)
    n = np.maximum(n, 1.0)
    centre = (p + t**2 / (2 * n)) / (1 + t**2 / n)
    half = t / (1 + t**2 / n) * np.sqrt(np.clip(p * (1 - p), 0, None) / n + t**2 / (4 * n**2))
    lo, hi = np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)
    return np.minimum(lo, p), np.maximum(hi, p)


def adjusted_p_values(p: Floats, method: Literal["fdr_bh", "fdr_by"]) -> Floats:
    """Adjust p-values over those that are not NaN.

    Notes
    -----
    Step up by the false discovery rate: ``fdr_bh`` after Benjamini and Hochberg (1995), ``fdr_by``
    for any dependence after Benjamini and Yekutieli (2001). The names are those of statsmodels,
    whose numbers these are; importing it takes longer than a small audit's tests.
    """
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested])]
    ranks = np.arange(1, len(order) + 1)
    share = ranks / len(order)
    if method == "fdr_by":
        share = share / np.sum(1 / ranks)
    result = np.full(len(p), np.nan)
    result[order] = np.minimum.accumulate((p[order] / share)[::-1])[::-1].clip(max=1)
    return result
