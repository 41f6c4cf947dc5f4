"""A queue contact by contact: first come, first served, with customers who give up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from journeylib.core import Floats
from journeylib.journeys import compiled


@compiled
def _serve(arrive: Floats, service: Floats, patience: Floats, free: Floats, wait: Floats) -> None:
    """Fill `wait`; negative where the customer gave up. `free` is when each person is free."""
    for row in range(len(arrive)):
        first = 0
        for person in range(1, len(free)):
            if free[person] < free[first]:
                first = person
        needed = max(free[first] - arrive[row], 0.0)
        if needed > patience[row]:
            wait[row] = -patience[row]
        else:
            wait[row] = needed
            free[first] = arrive[row] + needed + service[row]


def simulate_queue(
    arrive: npt.ArrayLike, service: npt.ArrayLike, patience: npt.ArrayLike, staff: int
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Serve contacts in the order of their arrival.

    Parameters
    ----------
    arrive : array of float
        Ascending, in minutes.
    service, patience : array of float
        Minutes of each contact, and after how many of waiting its customer gives up.
    staff : int

    Returns
    -------
    wait : ndarray of float64
        Minutes, of those who give up until they do.
    gives_up : ndarray of bool

    Notes
    -----
    A customer who gives up takes nobody's time, so one pass over the arrivals is exact whatever
    the laws of service and patience; Erlang-A is the case where both are exponential.
    """
    came, takes, stays = (
        np.asarray(each, dtype=np.float64) for each in (arrive, service, patience)
    )
    wait = np.zeros(len(came))
    _serve(came, takes, stays, np.zeros(staff), wait)
    gives_up = np.signbit(wait)
    return np.abs(wait), np.asarray(gives_up)
