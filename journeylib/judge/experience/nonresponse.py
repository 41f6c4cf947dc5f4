"""Answers of those who answer: what the silence of the others leaves open."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import SEED, Estimate, RunError
from journeylib.judge.estimation.design_matrix import sample_of
from journeylib.judge.estimation.estimators import OVERLAP, Influence, cross_fit

MIN_ANSWERS = 200


def response_bounds(
    answers: npt.ArrayLike, *, worst: float = 0.0, best: float = 1.0, unit: str = "share"
) -> Estimate:
    """Bound a mean over everyone who was asked, whatever the silent ones would have said.

    Parameters
    ----------
    answers : array of float, shape (n,)
        One row per customer who was asked; NaN where there was no answer.
    worst, best : float
        Ends of the scale.
    unit : str
        Unit of the scale.

    Returns
    -------
    Estimate
        `value` is the mean of those who answered, `lo` and `hi` the bounds without any
        assumption; `n_journeys` were asked, `n_customers` answered. Abstains with ``n_small``
        where nobody answered.

    Raises
    ------
    RunError
        Where an answer lies outside the scale.

    Notes
    -----
    Manski (1990), American Economic Review 80, 319–323. The bounds are of the group asked; they
    hold no sampling error and do not shrink with more of the same silence.

    Examples
    --------
    >>> found = response_bounds([1, 0, np.nan, np.nan])
    >>> found.value, found.lo, found.hi
    (0.5, 0.25, 0.75)
    """
    scores = np.asarray(answers, dtype=np.float64)
    given = scores[~np.isnan(scores)]
    outside = int(((given < worst) | (given > best)).sum())
    if outside:
        raise RunError(f"{outside} answers lie outside the scale of {worst:g} to {best:g}")
    if len(given) == 0:
        return Estimate.none("n_small", unit, n_events=len(scores))
    rate = len(given) / len(scores)
    mean = float(np.sort(given).mean())
    return Estimate(
        value=mean,
        unit=unit,
        lo=rate * mean + (1 - rate) * worst,
        hi=rate * mean + (1 - rate) * best,
        n_customers=len(given),
        n_events=len(scores),
        grade="C",
        estimand="mean over everyone who was asked",
        method="mean of those who answered, with worst-case bounds",
        assumptions=("those who answered stand for those who did not (the value, not the bounds)",),
        level=1.0,
    )


def response_adjusted(
    answers: npt.ArrayLike,
    X: pd.DataFrame,
    customer: npt.ArrayLike,
    *,
    unit: str = "share",
    seed: int = SEED,
) -> Estimate:
    """Estimate the mean over everyone who was asked, as far as `X` explains who answers.

    Parameters
    ----------
    answers : array of float, shape (n,)
        One row per request; NaN where there was no answer.
    X : DataFrame, n rows
        What was known when the customer was asked.
    customer : array, shape (n,)
    unit : str
    seed : int

    Returns
    -------
    Estimate
        Doubly robust mean with a customer-clustered interval. It belongs beside
        `response_bounds`, never instead of it. Abstains with ``n_small`` below 200 answers, and
        with ``no_overlap`` where over 10 % of those asked hardly ever answer.

    Raises
    ------
    RunError
        Where columns differ in length.
    """
    scores = np.asarray(answers, dtype=np.float64)
    answered = ~np.isnan(scores)
    sample = sample_of(np.where(answered, scores, 0.0), answered, X, customer)
    people = len(np.unique(sample.cluster[answered]))
    base: dict[str, Any] = {"n_customers": people, "n_events": len(scores)}
    if answered.sum() < MIN_ANSWERS:
        return Estimate.none("n_small", unit, **base)
    nuisance = cross_fit(sample, seed=seed)
    if (nuisance.propensity < OVERLAP[0]).mean() > 0.10:
        return Estimate.none("no_overlap", unit, **base)
    weight = sample.good / np.clip(nuisance.propensity, OVERLAP[0], 1.0)
    phi = nuisance.if_good + weight * (sample.y - nuisance.if_good)
    influence = Influence(float(phi.mean()), phi - phi.mean(), sample.cluster)
    return influence.estimate(
        unit,
        grade="C",
        estimand="mean over everyone who was asked",
        method="cross-fitted doubly robust mean",
        assumptions=("what was known at the request explains who answers",),
        **base,
    )
