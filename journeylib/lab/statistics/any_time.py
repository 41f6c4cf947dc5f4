"""Any-time tests and intervals: valid however often somebody looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from journeylib.lab.statistics.design import ALPHA

Floats = NDArray[np.float64]
FEWEST = 100  # customers an arm: the tests are asymptotic


def likelihood_ratio(
    difference: ArrayLike, variance: ArrayLike, tau: float, *, one_sided: bool = False
) -> Floats:
    """Return the mixture likelihood ratio of a difference against none.

    Parameters
    ----------
    difference : array of float
        One-sided: positive where it speaks against the null hypothesis.
    variance : array of float
        Of `difference`, customers as clusters.
    tau : float
        Scale of the differences that are looked for: the least worth having.
    one_sided : bool
        Look for positive differences only.

    Returns
    -------
    ndarray of float64
        Reject as soon as it reaches 1 / α. Overflow gives infinity.

    Notes
    -----
    A normal mixture, N(0, τ²), over the difference; one-sided its positive half (Robbins 1970;
    Johari, Pekelis and Walsh 2022).
    """
    d, v = np.asarray(difference, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log = 0.5 * np.log(v / (v + tau**2)) + d**2 * tau**2 / (2 * v * (v + tau**2))
        if one_sided:
            log = log + np.log(2) + special.log_ndtr(d * tau / np.sqrt(v * (v + tau**2)))
        return np.asarray(np.exp(log), dtype=np.float64)


def half_width(variance: ArrayLike, tau: float, alpha: float = ALPHA) -> Floats:
    """Return half of the two-sided any-time interval, which holds at all looks at once."""
    v = np.asarray(variance, dtype=np.float64)
    return np.asarray(
        np.sqrt(v * (v + tau**2) / tau**2 * (2 * np.log(1 / alpha) + np.log((v + tau**2) / v))),
        dtype=np.float64,
    )


def one_sided_width(variance: float, tau: float, alpha: float = ALPHA) -> float:
    """Return how far the one-sided any-time bound lies from the difference.

    ``difference − width`` is a lower bound at all looks at once: the largest value against
    which the one-sided test does not reject.
    """
    from scipy.optimize import brentq

    def shortfall(width: float) -> float:
        ratio = likelihood_ratio(width, variance, tau, one_sided=True)
        return float(np.log(np.maximum(ratio, 1e-300))) + float(np.log(alpha))

    top = float(half_width(variance, tau, alpha / 2)) * 2
    return float(brentq(shortfall, 0.0, top, xtol=1e-12))
