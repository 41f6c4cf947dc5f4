"""How often the verdict stays the same when customers and weights are drawn anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from journeylib.core import SEED, Floats
from journeylib.judge.scorecard.observations import Observation
from journeylib.judge.scorecard.value_functions import AxisScore, weighted_score
from journeylib.judge.scorecard.verdict import VERDICTS, Vetoes, verdict_codes
from journeylib.judge.settings import AXES, JudgeSettings

MIN_ENTROPY_DROP = 0.01
PROBE_VECTORS = 20  # enough to tell which indicator keeps a verdict open, at a fifth of the time


@dataclass(frozen=True)
class Weights:
    """Weight vectors of both axes; vector *v* of one goes with vector *v* of the other.

    Attributes
    ----------
    fit, need : dict of indicator to ndarray, shape (vectors,)
    """

    fit: Mapping[str, Floats]
    need: Mapping[str, Floats]

    def first(self, vectors: int) -> Weights:
        """Return the first few vectors; they were drawn independently."""
        return Weights(
            fit={name: weights[:vectors] for name, weights in self.fit.items()},
            need={name: weights[:vectors] for name, weights in self.need.items()},
        )


def dirichlet(alpha: npt.ArrayLike, vectors: int, *, seed: int = SEED) -> Floats:
    """Draw weight vectors; an entry whose `alpha` is 0 stays 0.

    Parameters
    ----------
    alpha : array of float, shape (k,)
        All 1: every weighting is as likely. Larger: closer to ``alpha / alpha.sum()``.
    vectors : int
    seed : int

    Returns
    -------
    ndarray, shape (vectors, k)
        Rows sum to 1.
    """
    shape = np.asarray(alpha, dtype=np.float64)
    used = shape > 0
    weights = np.zeros((vectors, len(shape)))
    weights[:, used] = np.random.default_rng(seed).dirichlet(shape[used], size=vectors)
    return weights


def draw_weights(settings: JudgeSettings) -> Weights:
    """Draw weights around the configured ones; they depend on the settings alone."""
    weights = []
    for stream, axis in enumerate(AXES):
        indicators = settings.indicators(axis)
        centre = np.array([indicator.weight for indicator in indicators.values()])
        vectors = dirichlet(
            settings.weight_concentration * centre / centre.sum(),
            settings.weight_draws,
            seed=SEED + stream,
        )
        weights.append({name: vectors[:, spot].copy() for spot, name in enumerate(indicators)})
    return Weights(fit=weights[0], need=weights[1])


def verdict_shares(
    fit: AxisScore, need: AxisScore, vetoes: Vetoes, settings: JudgeSettings, weights: Weights
) -> Floats:
    """Return the share of each verdict over resamples of customers × weight vectors.

    Returns
    -------
    ndarray of float64, shape (len(VERDICTS),)
        In the order of `VERDICTS`, summing to 1.
    """
    a = _scores(fit, weights.fit, settings.min_coverage)
    e = _scores(need, weights.need, settings.min_coverage)
    codes = verdict_codes(a, e, vetoes, settings)
    return np.bincount(codes.ravel(), minlength=len(VERDICTS)) / codes.size


def _scores(axis: AxisScore, weights: Mapping[str, Floats], min_coverage: float) -> Floats:
    """Score 0..100 for every resample × weight vector; NaN where a resample lacks evidence."""
    scores = weighted_score(axis.u_draws, np.stack([weights[name] for name in axis.names], axis=1))
    there = np.isfinite(axis.u_draws)
    if not there.all():
        covered = np.einsum("kb,k->b", there.astype(np.float64), axis.weights)
        scores[covered < min_coverage - 1e-9] = np.nan
    return scores


def broken_share(vetoes: Vetoes, seen: Mapping[str, Observation], settings: JudgeSettings) -> float:
    """Return the share of resamples in which a broken measure is beyond its limit."""
    limits = settings.fix_limits
    beyond = np.stack([seen[measure].draws > limits[measure] for measure in vetoes.broken])
    return float(beyond.any(axis=0).mean())


def entropy(shares: Floats) -> float:
    """Return the entropy of the verdict in bits: 0 where it is always the same.

    Examples
    --------
    >>> entropy(np.array([0.5, 0.5, 0.0])), entropy(np.array([1.0, 0.0]))
    (1.0, 0.0)
    """
    some = shares[shares > 0]
    return float(abs((some * np.log2(some)).sum()))


def settling_indicator(
    fit: AxisScore, need: AxisScore, vetoes: Vetoes, settings: JudgeSettings, weights: Weights
) -> str | None:
    """Return the indicator which, if it were known exactly, would most settle the verdict.

    Returns
    -------
    str or None
        None where none of them would: then the weights, not the data, keep it open.
    """
    weights = weights.first(PROBE_VECTORS)
    doubt = entropy(verdict_shares(fit, need, vetoes, settings, weights))
    best, best_drop = None, MIN_ENTROPY_DROP
    for axis in (fit, need):
        for spot, name in enumerate(axis.names):
            if not np.isfinite(axis.u[spot]):
                continue
            exact = _exact(axis, spot)
            pair = (exact, need) if axis is fit else (fit, exact)
            drop = doubt - entropy(verdict_shares(*pair, vetoes, settings, weights))
            if drop > best_drop:
                best, best_drop = name, drop
    return best


def _exact(axis: AxisScore, spot: int) -> AxisScore:
    """Return the axis with one indicator's interval shrunk to its point."""
    u_draws = axis.u_draws.copy()
    u_draws[spot] = axis.u[spot]
    return dataclasses.replace(axis, u_draws=u_draws)
