"""Erlang-A: wait and abandonment of queues with impatient customers, many queues at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from journeylib.core import Floats

NEGLIGIBLE = 1e-13
LIGHT = 0.8  # below this load the series is short


def erlang_a(
    rate: npt.ArrayLike, staff: npt.ArrayLike, service: npt.ArrayLike, patience: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Return the mean wait and the share who give up in M/M/n queues with impatient customers.

    Parameters
    ----------
    rate : array of float
        Arrivals a minute; all four are broadcast against each other.
    staff : array of int
        People at work, at least 1.
    service, patience : array of float
        Mean minutes of a contact, and mean minutes until a waiting customer gives up.

    Returns
    -------
    wait : ndarray of float64
        Minutes, of everyone who arrives, those who give up included; 0 without arrivals.
    gives_up : ndarray of float64
        Share of arrivals.

    Notes
    -----
    Palm's closed form: with B Erlang's loss formula and A = 1F1(1; x + 1; y), x = staff ·
    patience / service, y = rate · patience, a customer waits with probability A·B / (1 + (A − 1)·B)
    and, who waits, gives up with probability 1 − (A − 1) / (ρ·A), ρ = y / x.
    """
    rate, staff, service, patience = (
        np.asarray(each, dtype=np.float64)
        for each in np.broadcast_arrays(rate, staff, service, patience)
    )
    safe = np.where(rate > 0, rate, 1.0)
    load, x, y = safe * service, staff * patience / service, safe * patience
    blocked = np.ones_like(load)
    for k in range(1, int(staff.max(initial=0)) + 1):
        blocked = np.where(k <= staff, load * blocked / (k + load * blocked), blocked)
    over = _queue_states(x, y)  # A − 1
    abandonment = np.clip(1 - over / (y / x * (1 + over)), 0.0, 1.0)
    gives_up = (1 + over) * blocked / (1 + over * blocked) * abandonment
    gives_up = np.where(rate > 0, gives_up, 0.0)
    return np.asarray(gives_up * patience), np.asarray(gives_up)


def _queue_states(x: Floats, y: Floats) -> Floats:
    """Return Σ over j ≥ 1 of y^j / ((x + 1) … (x + j)): the weight of states with a queue."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        log = np.log(x) + y - x * np.log(y) + special.gammaln(x)
        total = np.exp(np.minimum(log + np.log(special.gammainc(x, y)), 700.0)) - 1
    open_ = (y < LIGHT * x) | ~np.isfinite(total)
    if open_.any():
        total = np.asarray(total)
        total[open_] = _series(x[open_], y[open_])
    return np.asarray(total)


def _series(x: Floats, y: Floats) -> Floats:
    term, total, j = np.ones_like(x), np.zeros_like(x), 0
    while len(term) and bool((term > NEGLIGIBLE * np.maximum(total, 1.0)).any()):
        j += 1
        term = term * (y / (x + j))
        total = total + term
    return total
