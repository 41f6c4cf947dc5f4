"""A queue contact by contact: first come, first served, with customers who give up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from journeylib.core import Floats
from journeylib.journeys import compiled

Whole = npt.NDArray[np.int64]


@compiled
def _serve(
    arrive: Floats, service: Floats, patience: Floats, staff: Whole, free: Floats, wait: Floats
) -> None:
    """Fill `wait`; negative where the customer gave up. `free` is when each person is free."""
    for row in range(len(arrive)):
        first = 0
        for person in range(1, staff[row]):
            if free[person] < free[first]:
                first = person
        needed = max(free[first] - arrive[row], 0.0)
        if needed > patience[row]:
            wait[row] = -patience[row]
        else:
            wait[row] = needed
            free[first] = arrive[row] + needed + service[row]


def simulate_queue(
    arrive: npt.ArrayLike, service: npt.ArrayLike, patience: npt.ArrayLike, staff: npt.ArrayLike
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Serve contacts in the order of their arrival.

    Parameters
    ----------
    arrive : array of float
        Ascending, in minutes.
    service, patience : array of float
        Minutes of each contact, and after how many of waiting its customer gives up.
    staff : int or array of int
        People at work; when each contact arrives where they change.

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
    arrivals, services, patiences = (
        np.asarray(each, dtype=np.float64) for each in (arrive, service, patience)
    )
    wait = np.zeros(len(arrivals))
    people = np.broadcast_to(np.asarray(staff, dtype=np.int64), arrivals.shape)
    free = np.zeros(int(people.max(initial=1)))
    _serve(arrivals, services, patiences, np.ascontiguousarray(people), free, wait)
    gives_up = np.signbit(wait)
    return np.abs(wait), np.asarray(gives_up)
