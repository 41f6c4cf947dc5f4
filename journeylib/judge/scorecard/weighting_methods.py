"""How a ranking hangs on the weights: rank acceptability, central weights, other weightings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from journeylib.core import SEED, Floats


def dirichlet(alpha: npt.ArrayLike, vectors: int, *, seed: int = SEED) -> Floats:
    """Draw weight vectors; an entry whose `alpha` is 0 stays 0.

    Parameters
    ----------
    alpha : array of float, shape (k,)
        All 1: every weighting is as likely. Larger: closer to ``alpha / alpha.sum()``.
    vectors : int

    Returns
    -------
    ndarray, shape (vectors, k)
        Rows sum to 1.
    """
    shape = np.asarray(alpha, dtype=np.float64)
    used = shape > 0
    drawn = np.zeros((vectors, len(shape)))
    drawn[:, used] = np.random.default_rng(seed).dirichlet(shape[used], size=vectors)
    return drawn


@dataclass(frozen=True)
class Acceptability:
    """What share of all weightings supports which rank.

    Attributes
    ----------
    rank : ndarray, shape (n, n)
        Share of weightings in which row *i* takes rank *r* (0 = best).
    central_weights : ndarray, shape (n, k)
        Mean of the weightings that put row *i* first; NaN where none does.
    pairwise : ndarray, shape (n, n)
        Share of weightings in which *i* scores above *j*.
    """

    rank: Floats
    central_weights: Floats
    pairwise: Floats


def acceptability(u: npt.ArrayLike, weights: npt.ArrayLike) -> Acceptability:
    """Rank rows under many weightings (stochastic multicriteria acceptability analysis).

    Parameters
    ----------
    u : array, shape (n, k)
        Values 0..1, all there.
    weights : array, shape (vectors, k)

    Notes
    -----
    Lahdelma, Hokkanen and Salminen (1998), European Journal of Operational Research 106,
    137–143. Ties keep the order of rows.

    Examples
    --------
    >>> sure = acceptability([[0.9, 0.8], [0.1, 0.2]], [[0.5, 0.5], [0.9, 0.1]])
    >>> sure.rank.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    values, w = np.asarray(u, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    n = len(values)
    scores = np.einsum("nk,vk->vn", values, w)
    order = np.argsort(-scores, axis=1, kind="stable")
    rank = np.stack([np.bincount(order[:, r], minlength=n) for r in range(n)], axis=1) / len(w)
    first = order[:, 0]
    central = np.full((n, w.shape[1]), np.nan)
    for row in np.unique(first):
        central[row] = w[first == row].mean(axis=0)
    pairwise = np.stack([(scores[:, [i]] > scores).mean(axis=0) for i in range(n)])
    return Acceptability(rank, central, pairwise)


def equal_weights(u: Floats) -> Floats:
    """Return the same weight for every column."""
    return np.full(u.shape[1], 1 / u.shape[1])


def entropy_weights(u: Floats) -> Floats:
    """Return weights by how unevenly a column is spread over the rows.

    Notes
    -----
    They reward spread, not importance, and move when a row is added: for sensitivity only.
    A column of zeros counts as even; where all columns are even, weights are equal.
    """
    total = u.sum(axis=0)
    share = np.where(total > 0, u / np.where(total > 0, total, 1), 1 / len(u))
    plogp = np.where(share > 0, share * np.log(np.where(share > 0, share, 1)), 0.0)
    uneven = 1 + plogp.sum(axis=0) / np.log(len(u))
    return _normal(np.where(uneven > 1e-12, uneven, 0.0))


def critic_weights(u: Floats) -> Floats:
    """Return weights by spread and by disagreement with the other columns (CRITIC).

    Notes
    -----
    w ∝ σ_j Σ_k (1 − r_jk): Diakoulaki, Mavrotas and Papayannakis (1995), Computers and
    Operations Research 22, 763–770. Without their min–max step: the values are anchored. A
    column that does not vary gets no weight. For sensitivity only.
    """
    spread = u.std(axis=0, ddof=1)
    varies = spread > 1e-12
    weights = np.zeros(u.shape[1])
    if varies.any():
        together = np.atleast_2d(np.corrcoef(u[:, varies], rowvar=False))
        weights[varies] = spread[varies] * (1 - together).sum(axis=1)
    return _normal(np.where(weights > 1e-12, weights, 0.0))


# Saaty's mean inconsistency of random comparisons, by number of things compared.
RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51)
CONSISTENT = 0.10


@dataclass(frozen=True)
class Ahp:
    """Weights from comparisons of pairs.

    Attributes
    ----------
    weights : dict of str to float
        They sum to 1.
    consistency_ratio : float
        0 where no comparison contradicts another; from `CONSISTENT` on the weights say nothing.
    """

    weights: dict[str, float]
    consistency_ratio: float


def ahp_weights(comparisons: Mapping[str, Mapping[str, float]]) -> Ahp:
    """Return the weights that comparisons of pairs imply (analytic hierarchy process).

    Parameters
    ----------
    comparisons : mapping of str to mapping of str to float
        ``{"a": {"b": 3}}``: a counts three times as much as b. Each pair of names once.

    Notes
    -----
    Saaty (1980), *The Analytic Hierarchy Process*: principal eigenvector; consistency index
    (λ − n)/(n − 1) over that of random comparisons.

    Examples
    --------
    >>> ahp_weights({"a": {"b": 2, "c": 4}, "b": {"c": 2}}).weights
    {'a': 0.571429, 'b': 0.285714, 'c': 0.142857}
    """
    names = list(dict.fromkeys([*comparisons, *(b for row in comparisons.values() for b in row)]))
    n = len(names)
    matrix = np.eye(n)
    for a, row in comparisons.items():
        for b, ratio in row.items():
            i, j = names.index(a), names.index(b)
            matrix[i, j], matrix[j, i] = ratio, 1 / ratio
    values, vectors = np.linalg.eig(matrix)
    first = int(np.argmax(values.real))
    weights = np.abs(vectors[:, first].real)
    index = (float(values[first].real) - n) / (n - 1) if n > 1 else 0.0
    random = RANDOM_INDEX[min(n, len(RANDOM_INDEX)) - 1]
    ratio = index / random if random else 0.0
    told = {name: float(f"{w:.6g}") for name, w in zip(names, weights / weights.sum(), strict=True)}
    return Ahp(told, float(f"{max(ratio, 0.0):.6g}") if ratio > 1e-9 else 0.0)


def _normal(weights: Floats) -> Floats:
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(weights), 1 / len(weights))
