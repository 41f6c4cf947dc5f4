"""The humans' queue, against closed forms, and what it does to the hand-off."""

from __future__ import annotations

from math import exp, factorial

import numpy as np
import pandas as pd
import pytest

from journeylib.core.errors import ConfigError
from journeylib.judge.bot_timing.handoff_time import Hazards, optimum
from journeylib.judge.bot_timing.queueing import (
    Queue,
    handed_over,
    optimum_with_queue,
    queue_load,
    queue_time,
)
from journeylib.judge.bot_timing.session_data import BotSessions, bot_sessions
from journeylib.judge.settings import CostSettings

STEP = Hazards((3.0,), (0.35, 0.35), (0.05, 0.40))
COSTS = (0.10, 20.0, 6.0)


def queue(agents: int, patience: float = 5.0, waiting: float = 1.0) -> Queue:
    return Queue(1.0, agents, 8.0, patience, waiting)


def test_endless_patience_is_erlang_c() -> None:
    load, n = 8.0, 10
    busy = load**n / factorial(n) * n / (n - load)
    waits = busy / (sum(load**k / factorial(k) for k in range(n)) + busy)
    assert queue_load(queue(n, patience=1e4), 1.0).wait_minutes == pytest.approx(
        waits * 8.0 / (n - load), rel=0.01
    )


def test_no_patience_is_erlang_b() -> None:
    load, n = 8.0, 10
    blocked = load**n / factorial(n) / sum(load**k / factorial(k) for k in range(n + 1))
    assert queue_load(queue(n, patience=1e-9), 1.0).gives_up == pytest.approx(blocked, rel=1e-4)


def test_patience_as_long_as_service_is_poisson() -> None:
    # every customer then leaves at the same rate: the number present is Poisson with mean 8
    present = np.array([exp(-8) * 8.0**k / factorial(k) for k in range(80)])
    waiting = np.clip(np.arange(80) - 6, 0, None)
    assert queue_load(queue(6, patience=8.0), 1.0).wait_minutes == pytest.approx(
        float((present * waiting).sum())
    )


def test_share_handed_over_by_hand() -> None:
    assert handed_over(STEP, 0.0) == 1.0
    assert handed_over(STEP, 4.0) == pytest.approx(exp(-3 * 0.40 - 0.75))
    assert handed_over(STEP, np.inf) == 0.0


def test_enough_agents_change_nothing() -> None:
    found, load = optimum_with_queue(STEP, COSTS, queue(40))
    assert found.minutes == optimum(STEP, COSTS).minutes == 3.0
    assert load.wait_minutes < 1e-6


def test_too_few_agents_make_the_bot_try_for_longer() -> None:
    found, load = optimum_with_queue(STEP, COSTS, queue(1, patience=30.0, waiting=3.0))
    assert found.minutes == np.inf
    assert load.wait_minutes == 0.0


def test_impossible_queues_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least one agent"):
        queue(0)
    with pytest.raises(ConfigError, match="patience of at most 10000 minutes"):
        queue(1, patience=1e9)


def stepped_sessions(n: int = 2_000) -> BotSessions:
    rng = np.random.default_rng(0)
    u, solved = rng.exponential(1, n), rng.exponential(1 / 0.35, n)
    out = np.where(u < 0.15, u / 0.05, 3 + (u - 0.15) / 0.40)
    event = np.where(out < solved, 1, 2)
    return bot_sessions(
        pd.DataFrame({"minutes": np.minimum(out, solved), "event": event, "customer": range(n)})
    )


@pytest.mark.slow
def test_the_queue_moves_the_hand_off_of_sessions_as_of_hazards() -> None:
    costs = CostSettings(bot_per_minute=0.10, frustrated_exit=20.0, human_contact=6.0)
    many = queue_time(stepped_sessions(), costs, queue(40), breaks=[3.0], draws=20)
    assert many is not None
    assert (many.answer, many.minutes, many.settled) == ("minutes", 3.0, 1.0)
    assert many.wait.value == pytest.approx(0, abs=1e-3)
    few = queue_time(
        stepped_sessions(), costs, queue(1, patience=30.0, waiting=3.0), breaks=[3.0], draws=20
    )
    assert few is not None
    assert (few.answer, few.settled) == ("never", 1.0)
    # a person at once: as many wait as one agent cannot serve; the closed form of the room below
    assert few.wait_at_once.value == pytest.approx(
        60 * queue_load(queue(1, patience=30.0), 1.0).wait_minutes
    )
    assert queue_time(stepped_sessions(49), costs, queue(1)) is None
