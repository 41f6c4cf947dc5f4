"""Waits simulated week by week, with the laws of the log, where Erlang-A does not fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from journeylib.core import SEED, Floats
from journeylib.journeys import MISSING
from journeylib.portfolio.what_if.queue_forecast import Load
from journeylib.portfolio.what_if.queue_inputs import US_PER_MINUTE
from journeylib.portfolio.what_if.queue_simulation import simulate_queue

CONTACTS = 200_000  # simulated
MINUTES = 60
STILL = 1e-3  # minutes, and share: below, there is nothing to correct


@dataclass(frozen=True, eq=False)
class Laws:
    """How long contacts take and how long customers wait, as the log shows it.

    Attributes
    ----------
    service : ndarray of float64
        Lengths of contacts over their mean, ascending.
    minutes, gone : ndarray of float64
        Minutes of waiting, ascending, and the share who would have given up by then
        (Kaplan and Meier 1958, those served as censored).
    patience : float
        Mean minutes of the tail beyond them.
    """

    service: Floats
    minutes: Floats
    gone: Floats
    patience: float


def laws_of(rows: pd.DataFrame, patience: float) -> Laws | None:
    """Return the laws of a team's contacts; None where nobody knows how long they take."""
    timed = rows[rows["end_us"] != MISSING]
    service = np.sort((timed["end_us"] - timed["begin_us"]).to_numpy() / US_PER_MINUTE)
    if len(service) < 2 or service.mean() <= 0:
        return None
    waits = rows[rows["wait_us"] != MISSING]
    wait = waits["wait_us"].to_numpy() / US_PER_MINUTE
    minutes, index = np.unique(wait, return_inverse=True)
    events = np.bincount(index, waits["gave_up"].to_numpy().astype(float), len(minutes))
    at_risk = len(wait) - np.concatenate([[0], np.cumsum(np.bincount(index))[:-1]])
    stays = np.cumprod(1 - events / at_risk)
    gave_up = events > 0
    return Laws(service / service.mean(), minutes[gave_up], 1 - stays[gave_up], patience)


def simulated(load: Load, laws: Laws, staff: Floats) -> Load:
    """Return a load whose waits and abandonment are scaled to those that a simulation gives.

    Weeks are simulated one after the other: what waits at the end of an hour waits in the next,
    and each day begins without a queue, as Erlang-A hour by hour does not know. The log is taken as
    it is, and all resamples are scaled alike. Every load has the same random numbers, so loads
    differ by what moved, not by chance.
    """
    if load.wait is None or load.gives_up is None or not load.hourly.sum():
        return load
    wait, gives_up = _weeks(load, laws, staff)
    return replace(
        load,
        wait=load.wait * _factor(wait, float(load.wait[0])),
        gives_up=np.minimum(load.gives_up * _factor(gives_up, float(load.gives_up[0])), 1.0),
    )


def _factor(simulated_value: float, value: float) -> float:
    return simulated_value / value if value > STILL else 1.0


def _weeks(load: Load, laws: Laws, staff: Floats) -> tuple[float, float]:
    """Return mean wait and share who give up over many weeks of contacts."""
    rng = np.random.default_rng(np.random.SeedSequence([SEED, *b"queue"]))
    weekly = np.concatenate([[0.0], np.cumsum(load.hourly * MINUTES)])
    each, length = weekly[-1], float(load.length[0])
    # Contacts come one by one at rate 1; hours of the week stretch and shrink that clock.
    clock = np.cumsum(rng.standard_exponential(CONTACTS))
    week = np.floor(clock / each)
    minute = np.interp(clock - week * each, weekly, np.arange(len(weekly)) * MINUTES)
    hour = np.minimum(minute // MINUTES, len(weekly) - 2).astype(int)
    arrive = week * MINUTES * (len(weekly) - 1) + minute
    service = length * laws.service[(rng.random(CONTACTS) * len(laws.service)).astype(int)]
    patience = _patience(laws, rng.random(CONTACTS))
    wait, gave_up = simulate_queue(arrive, service, patience, staff[hour])
    return float(wait.mean()), float(gave_up.mean())


def _patience(laws: Laws, chance: Floats) -> Floats:
    """Return after how many minutes customers give up, from uniform random numbers."""
    if not len(laws.minutes):
        return -laws.patience * np.log1p(-chance)
    index = np.searchsorted(laws.gone, chance)
    inside = index < len(laws.minutes)
    last, beyond = laws.minutes[-1], np.maximum((1 - chance) / (1 - laws.gone[-1] + 1e-12), 1e-12)
    tail = last - laws.patience * np.log(np.minimum(beyond, 1.0))
    return np.where(inside, laws.minutes[np.minimum(index, len(laws.minutes) - 1)], tail)
