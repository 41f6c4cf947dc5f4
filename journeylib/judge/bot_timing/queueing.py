"""What handing over does to the humans' queue, and so to the best time to hand over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from journeylib.core import SEED, ConfigError, Estimate
from journeylib.judge.bot_timing import handoff_time
from journeylib.judge.bot_timing.erlang_a import erlang_a
from journeylib.judge.bot_timing.session_data import BotSessions, resampled_customers
from journeylib.judge.settings import CostSettings

QUEUE_DRAWS = 100
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


def queue_load(queue: Queue, arrivals_per_minute: float) -> Load:
    """Return wait and abandonment of a team at so many arrivals; see `erlang_a`."""
    wait, gives_up = erlang_a(
        arrivals_per_minute, queue.agents, queue.service_minutes, queue.patience_minutes
    )
    return Load(float(wait), float(gives_up))


def handed_over(hazards: handoff_time.Hazards, minutes: float) -> float:
    """Return the share of sessions that are still in the bot after `minutes`."""
    if np.isinf(minutes):
        return 0.0
    edges = np.array([0.0, *hazards.breaks, np.inf])
    spans = np.clip(np.minimum(edges[1:], minutes) - edges[:-1], 0, None)
    exits = np.array(hazards.resolve) + np.array(hazards.frustrate)
    return float(np.exp(-(exits * spans).sum()))


def optimum_with_queue(
    hazards: handoff_time.Hazards, costs: tuple[float, float, float], queue: Queue
) -> tuple[handoff_time.Optimum, Load]:
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

    def answer(contact: float) -> tuple[handoff_time.Optimum, Load]:
        best = handoff_time.optimum(hazards, (bot, exit_, contact))
        arrivals = queue.sessions_per_minute * handed_over(hazards, best.minutes)
        return best, queue_load(queue, arrivals)

    everyone = queue_load(queue, queue.sessions_per_minute)
    low, high = human, human + queue.waiting_per_minute * everyone.wait_minutes
    for _ in range(60):
        middle = (low + high) / 2
        caused = human + queue.waiting_per_minute * answer(middle)[1].wait_minutes
        low, high = (middle, high) if caused > middle else (low, middle)
    return answer(high)


@dataclass(frozen=True)
class QueueTime:
    """When to hand over to a team that the hand-overs themselves keep busy.

    Attributes
    ----------
    answer : {"never", "at once", "minutes"}
    minutes : float
        0 for at once, infinity for never.
    settled : float
        Share of resamples of customers with the same `answer`.
    staff : int
        The team, as declared.
    wait, gives_up : Estimate
        Mean wait of those handed over at that time, and the share who give up waiting.
    wait_at_once : Estimate
        The wait if every session went to a person at once.
    cost : Estimate
        Expected cost of a session, its wait included.
    """

    answer: handoff_time.Answer
    minutes: float
    settled: float
    staff: int
    wait: Estimate
    gives_up: Estimate
    wait_at_once: Estimate
    cost: Estimate


def queue_time(
    sessions: BotSessions,
    costs: CostSettings,
    queue: Queue,
    *,
    breaks: Sequence[float] | None = None,
    draws: int = QUEUE_DRAWS,
    seed: int = SEED,
) -> QueueTime | None:
    """Find the hand-off time that is best at the wait it causes itself.

    Parameters
    ----------
    sessions : BotSessions
        In minutes.
    costs : CostSettings
        `human_contact` *without* the wait, which `queue` prices.
    queue : Queue
    breaks : sequence of float, optional
        As of `handoff_time`.
    draws : int
        Resamples of customers; costs are at their most likely values.
    seed : int

    Returns
    -------
    QueueTime or None
        None below 50 exits: too few to say when.
    """
    places = handoff_time.places_of(sessions, breaks)
    if places is None:
        return None
    ends, price = handoff_time.ends_of(sessions), costs.likely()
    best, load = optimum_with_queue(handoff_time.hazards_of(ends, places), price, queue)
    rng = np.random.default_rng(seed)
    resamples = []
    for _draw in range(draws):
        weights = resampled_customers(ends[0].customer, rng).astype(np.float64)
        hazards = handoff_time.hazards_of_draws(ends, places, weights[None])[0]
        resamples.append(optimum_with_queue(hazards, price, queue))
    optima, loads = zip(*resamples, strict=True)
    estimate = partial(
        handoff_time.ordered_estimate,
        sessions,
        method="piecewise constant hazards, Erlang-A at its fixed point, customer bootstrap",
        assumptions=(
            *handoff_time.ASSUMPTIONS[:2],
            "the team serves nobody else",
            "arrivals are even",
        ),
    )
    wait = 60 * load.wait_minutes
    everyone = 60 * queue_load(queue, queue.sessions_per_minute).wait_minutes
    return QueueTime(
        answer=handoff_time.answer_of(best.minutes),
        minutes=best.minutes,
        settled=handoff_time.same_answer(best, optima),
        staff=queue.agents,
        wait=estimate(wait, [60 * one.wait_minutes for one in loads], unit="seconds"),
        gives_up=estimate(load.gives_up, [one.gives_up for one in loads], unit="share"),
        wait_at_once=replace(estimate(everyone, [everyone], unit="seconds"), lo=None, hi=None),
        cost=estimate(best.cost, [one.cost for one in optima], unit=f"{costs.currency}/session"),
    )
