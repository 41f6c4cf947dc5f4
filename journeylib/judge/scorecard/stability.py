"""How often the verdict stays the same when customers and weights are drawn anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from journeylib.core import SEED, Floats
from journeylib.judge.scorecard.observations import Observation
from journeylib.judge.scorecard.value_functions import AxisScore, weighted_score
from journeylib.judge.scorecard.verdict import VERDICTS, Vetoes, verdict_codes
from journeylib.judge.scorecard.vetoes import Case
from journeylib.judge.settings import AXES, JudgeSettings

Bools = npt.NDArray[np.bool_]
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
        weights.append({name: vectors[:, row].copy() for row, name in enumerate(indicators)})
    return Weights(fit=weights[0], need=weights[1])


def beyond_limits(
    vetoes: Vetoes, seen: Mapping[str, Observation], settings: JudgeSettings
) -> dict[str, Bools]:
    """Return in which resamples a measure is beyond a limit that its lower bound does not pass.

    Returns
    -------
    dict of measure to ndarray of bool, shape (draws,)
        Limits of 'fix first', and the veto of vulnerable customers where the customer sees the
        step; a measure that is beyond in no resample is left out.
    """
    limits = {name: at for name, at in settings.fix_limits.items() if name not in vetoes.broken}
    if vetoes.empathy_binds and "vulnerable" not in vetoes.names:
        limits["vulnerable"] = settings.veto_vulnerable
    beyond = {name: seen[name].draws > at for name, at in limits.items() if name in seen}
    return {name: resamples for name, resamples in beyond.items() if resamples.any()}


def verdict_shares(
    case: Case,
    vetoes: Vetoes,
    settings: JudgeSettings,
    weights: Weights,
    beyond: Mapping[str, Bools],
) -> Floats:
    """Return the share of each verdict over resamples of customers × weight vectors.

    Parameters
    ----------
    case : Case
        Its two scores.
    vetoes : Vetoes
    settings : JudgeSettings
    weights : Weights
    beyond : mapping of str to ndarray of bool
        From `beyond_limits`: in these resamples the step is broken, or the veto holds.

    Returns
    -------
    ndarray of float64, shape (len(VERDICTS),)
        In the order of `VERDICTS`, summing to 1.
    """
    a = _scores(case.fit, weights.fit, settings.min_coverage)
    e = _scores(case.need, weights.need, settings.min_coverage)
    codes = verdict_codes(a, e, vetoes, settings)
    for name, resamples in sorted(beyond.items(), key=lambda one: one[0] != "vulnerable"):
        if name == "vulnerable":
            other = replace(vetoes, names=(*vetoes.names, name))
        else:
            other = replace(vetoes, broken=(*vetoes.broken, name))
        codes = np.where(resamples[:, None], verdict_codes(a, e, other, settings), codes)
    return np.bincount(codes.ravel(), minlength=len(VERDICTS)) / codes.size


def _scores(axis: AxisScore, weights: Mapping[str, Floats], min_coverage: float) -> Floats:
    """Score 0..100 for every resample × weight vector; NaN where a resample lacks evidence."""
    scores = weighted_score(axis.u_draws, np.stack([weights[name] for name in axis.names], axis=1))
    is_measured = np.isfinite(axis.u_draws)
    if not is_measured.all():
        covered = np.einsum("kb,k->b", is_measured.astype(np.float64), axis.weights)
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
    case: Case, vetoes: Vetoes, settings: JudgeSettings, weights: Weights
) -> str | None:
    """Return the measure which, if it were known exactly, would most settle the verdict.

    Returns
    -------
    str or None
        None where none of them would: then the weights, not the data, keep it open.
    """
    weights = weights.first(PROBE_VECTORS)
    beyond = beyond_limits(vetoes, case.seen, settings)
    doubt = entropy(verdict_shares(case, vetoes, settings, weights, beyond))
    indicators = {
        name
        for _axis, score in case.axes
        for name, u in zip(score.names, score.u, strict=True)
        if np.isfinite(u)
    }
    drops = {}
    for name in sorted(indicators | set(beyond)):
        exact = _exact(case, name)
        left = beyond_limits(vetoes, exact.seen, settings)
        drops[name] = doubt - entropy(verdict_shares(exact, vetoes, settings, weights, left))
    best = max(drops, key=lambda name: drops[name], default=None)
    return None if best is None or drops[best] <= MIN_ENTROPY_DROP else best


def _exact(case: Case, name: str) -> Case:
    """Return the case with one measure's interval shrunk to its point."""
    seen, one = dict(case.seen), case.seen[name]
    seen[name] = replace(one, draws=np.full(len(one.draws), one.raw))
    return replace(case, seen=seen, fit=_at_point(case.fit, name), need=_at_point(case.need, name))


def _at_point(axis: AxisScore, name: str) -> AxisScore:
    if name not in axis.names:
        return axis
    row = axis.names.index(name)
    u_draws = axis.u_draws.copy()
    u_draws[row] = axis.u[row]
    return replace(axis, u_draws=u_draws)
