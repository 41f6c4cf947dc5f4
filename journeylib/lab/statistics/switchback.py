"""Switchback: whole periods or teams take turns, and are compared by dealing them anew."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
FEWEST = 8  # periods or teams an arm
DEALS = 9_999
SEED = 20260105


@dataclass(frozen=True)
class Switchback:
    """New periods minus control periods.

    Attributes
    ----------
    value, control, new : float
    lo, hi : float
        Differences that dealing anew does not reject at the level asked for.
    p_value : float
        Share of deals with a difference at least as far from 0, the true one among them.
    units : (int, int)
        Periods or teams of each arm.
    new_error : float
        Standard error of the new arm, over its units.
    """

    value: float
    control: float
    new: float
    lo: float
    hi: float
    p_value: float
    units: tuple[int, int]
    new_error: float = math.nan

    @property
    def enough(self) -> bool:
        """Whether both arms have enough units."""
        return min(self.units) >= FEWEST


def switchback(
    top: ArrayLike, base: ArrayLike, is_new: ArrayLike, *, alpha: float = 0.05, deals: int = DEALS
) -> Switchback:
    """Compare units by re-randomisation.

    Parameters
    ----------
    top, base : array of float, shape (units,)
        The measure of an arm is the mean of top / base over its units.
    is_new : array of bool, shape (units,)
    alpha : float
    deals : int
        Random deals of as many new units among all; seeded.

    Notes
    -----
    Fisher's randomisation test; the interval is the test turned around for a constant
    difference. Customers of one unit are no evidence of their own: they wait in one queue.
    """
    treated = np.asarray(is_new, dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.asarray(top, dtype=np.float64) / np.asarray(base, dtype=np.float64)
    used = np.isfinite(y)
    y, treated = y[used], treated[used]
    count = (int((~treated).sum()), int(treated.sum()))
    if min(count) == 0:
        nan = math.nan
        return Switchback(nan, nan, nan, nan, nan, nan, count)
    deal = _deals(len(y), count[1], deals)
    value = float(y[treated].mean() - y[~treated].mean())

    def p_value(shift: float) -> float:
        null = y - shift * treated
        dealt = deal @ null
        differences = dealt / count[1] - (null.sum() - dealt) / count[0]
        far = np.abs(differences) >= abs(value - shift) - 1e-12
        return float((1 + far.sum()) / (deals + 1))

    spread = float(y.max() - y.min()) + abs(value) + 1e-9
    lo, hi = (_end(p_value, value, value + side * 4 * spread, alpha) for side in (-1, 1))
    control, new = float(y[~treated].mean()), float(y[treated].mean())
    error = float(y[treated].std(ddof=1)) / math.sqrt(count[1]) if count[1] > 1 else math.nan
    return Switchback(value, control, new, lo, hi, p_value(0.0), count, error)


def _deals(units: int, new: int, deals: int) -> Floats:
    """Return deals as rows of 0 and 1."""
    order = np.random.default_rng(SEED).random((deals, units)).argsort(axis=1)
    return np.asarray(order < new, dtype=np.float64)


def _end(p_value: Callable[[float], float], inside: float, outside: float, alpha: float) -> float:
    from scipy.optimize import brentq

    def excess(shift: float) -> float:
        return p_value(shift) - alpha

    if excess(outside) > 0:
        return math.copysign(math.inf, outside - inside)
    return float(brentq(excess, inside, outside, xtol=1e-6, rtol=1e-6, maxiter=60))
