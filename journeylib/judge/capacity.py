"""What handing over does to the humans' queue, and so to the best time to hand over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from journeylib.errors import ConfigError
from journeylib.judge.handover import Hazards, Optimum, optimum

NEGLIGIBLE = 1e-12
MAX_PATIENCE = 10_000.0  # a week; an overloaded team of endlessly patient customers has no end


@dataclass(frozen=True)
class Queue:
    """A team of humans who take what the bot hands over.

    Attributes
    ----------
    sessions_per_minute : float
        Sessions that begin with the bot.
    agents : int
    service_minutes, patience_minutes : float
        Mean time of a contact, and mean time until a waiting customer gives up.
    waiting_per_minute : float
        What a customer's minute of waiting costs.
    """

    sessions_per_minute: float
    agents: int
    service_minutes: float
    patience_minutes: float
    waiting_per_minute: float

    def __post_init__(self) -> None:
        positive = (self.sessions_per_minute, self.service_minutes, self.patience_minutes)
        too_patient = self.patience_minutes > MAX_PATIENCE
        if min(positive) <= 0 or self.agents < 1 or self.waiting_per_minute < 0 or too_patient:
            raise ConfigError(
                "a queue needs at least one agent, positive rates and times, patience of at most "
                f"{MAX_PATIENCE:g} minutes, and a cost of waiting of at least 0; got {self}"
            )


@dataclass(frozen=True)
class Load:
    """The steady state of a queue.

    Attributes
    ----------
    wait_minutes : float
        Mean wait of everyone who arrives, those who give up included.
    gives_up : float
        Share of arrivals who give up.
    """

    wait_minutes: float
    gives_up: float


def erlang_a(queue: Queue, arrivals_per_minute: float) -> Load:
    """Return wait and abandonment of an M/M/n queue with impatient customers.

    Notes
    -----
    Erlang-A (Palm): a birth–death chain in which k customers leave at rate min(k, n)/service +
    max(k − n, 0)/patience; the mean wait is the mean queue over the arrivals (Little).
    """
    if arrivals_per_minute <= 0:
        return Load(0.0, 0.0)
    logs, state, peak = [0.0], 0, 0.0
    while state <= queue.agents or logs[-1] > peak + np.log(NEGLIGIBLE):
        state += 1
        leaving = (
            min(state, queue.agents) / queue.service_minutes
            + max(state - queue.agents, 0) / queue.patience_minutes
        )
        logs.append(logs[-1] + float(np.log(arrivals_per_minute / leaving)))
        peak = max(peak, logs[-1])
    weights = np.exp(np.array(logs) - peak)
    waiting = np.clip(np.arange(len(logs)) - queue.agents, 0, None)
    length = float((weights * waiting).sum() / weights.sum())
    return Load(
        wait_minutes=length / arrivals_per_minute,
        gives_up=length / queue.patience_minutes / arrivals_per_minute,
    )


def handed_over(hazards: Hazards, minutes: float) -> float:
    """Return the share of sessions that are still in the bot after `minutes`."""
    if np.isinf(minutes):
        return 0.0
    edges = np.array([0.0, *hazards.breaks, np.inf])
    spans = np.clip(np.minimum(edges[1:], minutes) - edges[:-1], 0, None)
    exits = np.array(hazards.resolve) + np.array(hazards.frustrate)
    return float(np.exp(-(exits * spans).sum()))


def optimum_with_queue(
    hazards: Hazards, costs: tuple[float, float, float], queue: Queue
) -> tuple[Optimum, Load]:
    """Return the hand-off time that is best at the wait it causes itself.

    Parameters
    ----------
    hazards : Hazards
    costs : (float, float, float)
        Per bot minute, per frustrated exit, per human contact *without* its wait.
    queue : Queue

    Returns
    -------
    Optimum, Load
        At the fixed point. Where no time is exactly its own best answer, the later of the two
        neighbours: it never overloads the humans.

    Notes
    -----
    A dearer human contact never makes the best hand-off earlier, and a later one never makes
    the queue longer, so there is one fixed point and bisection finds it.
    """
    bot, exit_, human = costs

    def answer(contact: float) -> tuple[Optimum, Load]:
        best = optimum(hazards, (bot, exit_, contact))
        arrivals = queue.sessions_per_minute * handed_over(hazards, best.minutes)
        return best, erlang_a(queue, arrivals)

    everyone = erlang_a(queue, queue.sessions_per_minute)
    low, high = human, human + queue.waiting_per_minute * everyone.wait_minutes
    for _ in range(60):
        middle = (low + high) / 2
        caused = human + queue.waiting_per_minute * answer(middle)[1].wait_minutes
        low, high = (middle, high) if caused > middle else (low, middle)
    return answer(high)
