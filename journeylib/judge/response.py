"""Answers of those who answer: what the silence of the others leaves open."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from journeylib.errors import RunError
from journeylib.estimate import Estimate


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
        return Estimate.none("n_small", unit, n_journeys=len(scores))
    rate = len(given) / len(scores)
    mean = float(np.sort(given).mean())
    return Estimate(
        value=mean,
        unit=unit,
        lo=rate * mean + (1 - rate) * worst,
        hi=rate * mean + (1 - rate) * best,
        n_customers=len(given),
        n_journeys=len(scores),
        grade="C",
        estimand="mean over everyone who was asked",
        method="mean of those who answered, with worst-case bounds",
        assumptions=("those who answered stand for those who did not (the value, not the bounds)",),
        level=1.0,
    )
