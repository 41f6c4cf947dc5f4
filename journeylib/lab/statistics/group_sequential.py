"""Group-sequential boundaries: how far apart the arms must be at each planned look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from journeylib.lab.statistics.design import ALPHA, POWER

Floats = NDArray[np.float64]
NODES = 160  # Gauss–Legendre nodes between two boundaries
FAR = 12.0  # a boundary this many standard errors out is never reached


@dataclass(frozen=True)
class Boundary:
    """Critical values of a two-sided test with several looks.

    Attributes
    ----------
    times : tuple of float
        Share of the planned information at each look; the last is 1 at the planned end.
    z : tuple of float
        The test stops at look k where the standardised difference is at least ``z[k]`` away
        from 0.
    """

    times: tuple[float, ...]
    z: tuple[float, ...]


def even_looks(looks: int) -> tuple[float, ...]:
    """Return the times of evenly spaced looks."""
    return tuple((number + 1) / looks for number in range(looks))


def crossing(boundary: Boundary, drift: float = 0.0) -> tuple[Floats, Floats]:
    """Return the chance to cross the upper and the lower boundary first at each look.

    Parameters
    ----------
    boundary : Boundary
    drift : float
        Mean of the standardised difference at time 1; 0 where there is no difference.

    Notes
    -----
    The density of the score process between the boundaries, carried from look to look by
    numerical integration (Armitage, McPherson and Rowe 1969), on Gauss–Legendre nodes.
    """
    nodes, weights = _nodes()
    upper, lower = np.zeros(len(boundary.times)), np.zeros(len(boundary.times))
    points, density, before = np.zeros(1), np.ones(1), 0.0
    for look, (time, z) in enumerate(zip(boundary.times, boundary.z, strict=True)):
        step, limit = np.sqrt(time - before), min(z, FAR) * np.sqrt(time)
        mean = points + drift * (time - before)
        upper[look] = density @ special.ndtr((mean - limit) / step)
        lower[look] = density @ special.ndtr((-limit - mean) / step)
        inside = limit * nodes
        apart = (inside[:, None] - mean[None, :]) / step
        kernel = np.exp(-0.5 * apart**2) / (step * np.sqrt(2 * np.pi))
        # The nodes' weights are carried along: a sum over `density` is an integral.
        density = (kernel @ density) * weights * limit
        points, before = inside, time
    return upper, lower


@lru_cache(maxsize=1)
def _nodes() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return nodes, weights


def obrien_fleming(times: Sequence[float], alpha: float = ALPHA) -> Boundary:
    """Return O'Brien and Fleming's boundary: strict at first, nearly a fixed test at the end.

    Notes
    -----
    z_k = c / √t_k, with c so that the error over all looks is `alpha` (O'Brien and Fleming
    1979; constants as in Jennison and Turnbull 2000, table 2.3).

    Examples
    --------
    >>> [round(obrien_fleming(even_looks(looks)).z[-1], 3) for looks in (2, 3, 10)]
    [1.977, 2.004, 2.087]
    """
    return _scaled(tuple(times), alpha, 0.5)


def pocock(times: Sequence[float], alpha: float = ALPHA) -> Boundary:
    """Return Pocock's boundary: the same critical value at each look.

    Notes
    -----
    Pocock (1977); constants as in Jennison and Turnbull (2000), table 2.1.

    Examples
    --------
    >>> [round(pocock(even_looks(looks)).z[0], 3) for looks in (2, 3, 10)]
    [2.178, 2.289, 2.555]
    """
    return _scaled(tuple(times), alpha, 0.0)


@lru_cache(maxsize=64)
def _scaled(times: tuple[float, ...], alpha: float, power: float) -> Boundary:
    from scipy.optimize import brentq

    shape = np.array(times) ** -power

    def boundary(c: float) -> Boundary:
        return Boundary(times, tuple(float(z) for z in c * shape))

    def excess(c: float) -> float:
        return float(np.sum(crossing(boundary(c)))) - alpha

    return boundary(float(brentq(excess, 1.0, 5.0, xtol=1e-10)))


def spent(time: float, alpha: float = ALPHA) -> float:
    """Return the error that may be spent up to a time, both sides together.

    Notes
    -----
    Lan and DeMets (1983), like O'Brien and Fleming: each side spends
    2 − 2 Φ(z₁₋α/₄ / √t), which is α/2 at time 1.
    """
    if time <= 0:
        return 0.0
    return float(4 * special.ndtr(special.ndtri(alpha / 4) / np.sqrt(min(time, 1.0))))


def spending(
    times: Sequence[float],
    alpha: float = ALPHA,
    spent_by: Callable[[float, float], float] = spent,
) -> Boundary:
    """Return the boundary of Lan and DeMets for looks that come at any times.

    Parameters
    ----------
    times : sequence of float
        Ascending, above 0, at most 1. The last may lie below 1: then error is left for later.
    alpha : float
    spent_by : callable
        Takes a time and `alpha`; returns the error spent up to then.

    Examples
    --------
    >>> [round(z, 3) for z in spending(even_looks(5)).z]
    [4.877, 3.357, 2.68, 2.29, 2.031]
    """
    return _spending(tuple(times), alpha, spent_by)


@lru_cache(maxsize=256)
def _spending(
    times: tuple[float, ...], alpha: float, spent_by: Callable[[float, float], float]
) -> Boundary:
    from scipy.optimize import brentq

    z: list[float] = []
    before = 0.0
    for look, time in enumerate(times):
        share = (spent_by(time, alpha) - before) / 2
        before = spent_by(time, alpha)

        def excess(
            candidate: float, so_far: tuple[float, ...] = times[: look + 1], share: float = share
        ) -> float:
            return float(crossing(Boundary(so_far, (*z, candidate)))[0][-1]) - share

        out = share <= 0 or excess(FAR) > 0
        z.append(FAR if out else float(brentq(excess, 0.0, FAR, xtol=1e-9)))
    return Boundary(times, tuple(z))


def inflation(boundary: Boundary, power: float = POWER, alpha: float = ALPHA) -> float:
    """Return how many more customers the boundary needs at its end than one look does.

    Examples
    --------
    >>> [round(inflation(obrien_fleming(even_looks(looks))), 3) for looks in (2, 3, 5, 10)]
    [1.008, 1.017, 1.028, 1.04]
    """
    from scipy.optimize import brentq

    def shortfall(drift: float) -> float:
        return float(crossing(boundary, drift)[0].sum()) - power

    one_look = special.ndtri(power) - special.ndtri(alpha / 2)
    needed = brentq(shortfall, 0.5 * one_look, 2 * one_look, xtol=1e-9)
    return float((needed / one_look) ** 2)
