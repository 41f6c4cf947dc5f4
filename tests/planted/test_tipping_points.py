"""Planted truth: hazards that step, hazards that do not, over many seeds at n = 3,000."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from journeylib.judge.handover import Costs, handoff_time
from journeylib.judge.tipping import TippingPoint, tipping_points

pytestmark = pytest.mark.slow

N = 3_000
SEEDS = 100
Exits = Callable[[np.random.Generator], np.ndarray]


def stepped(rng: np.random.Generator) -> np.ndarray:
    u = rng.exponential(1, N)
    return np.where(u < 0.15, u / 0.05, 3 + (u - 0.15) / 0.40)


def constant(rng: np.random.Generator) -> np.ndarray:
    return rng.exponential(5, N)


def weibull(shape: float) -> Exits:
    return lambda rng: 6 * rng.weibull(shape, N)


def gamma(rng: np.random.Generator) -> np.ndarray:
    return rng.gamma(3, 1.5, N)


def lognormal(rng: np.random.Generator) -> np.ndarray:
    return rng.lognormal(1.2, 0.8, N)


def mixture(rng: np.random.Generator) -> np.ndarray:
    """Return exits of 30 % impatient and 70 % patient customers, each with a constant hazard."""
    return rng.exponential(np.where(rng.random(N) < 0.3, 1.0, 20.0))


def sessions(exits: Exits, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    out, solved, log_end = exits(rng), rng.exponential(1 / 0.35, N), rng.exponential(30, N)
    minutes = np.minimum(np.minimum(out, solved), log_end)
    event = np.where(minutes == out, 1, np.where(minutes == solved, 2, 0))
    return pd.DataFrame({"minutes": minutes, "event": event, "customer": np.arange(N) // 2})


def answers(exits: Exits, seeds: int = SEEDS) -> list[TippingPoint]:
    return [tipping_points(sessions(exits, seed))[0] for seed in range(seeds)]


def test_a_step_is_found_within_a_tenth_of_a_minute() -> None:
    found = answers(stepped)
    near = [f.answer == "tipping_point" and abs(f.at.value - 3) <= 0.1 for f in found]
    assert np.mean(near) >= 0.95
    covered = [f.at.lo <= 3 <= f.at.hi for f in found if f.at.value is not None]
    assert np.mean(covered) >= 0.92


@pytest.mark.parametrize(
    "exits",
    [constant, weibull(0.7), weibull(1.5), weibull(2.0), weibull(3.0), gamma, lognormal],
    ids=["constant", "weibull .7", "weibull 1.5", "weibull 2", "weibull 3", "gamma", "lognormal"],
)
def test_a_smooth_hazard_is_not_called_a_tipping_point(exits: Exits) -> None:
    found = [f.answer for f in answers(exits, 50)]
    assert found.count("tipping_point") / len(found) <= 0.06


def test_a_constant_hazard_is_called_none() -> None:
    found = [f.answer for f in answers(constant)]
    assert found.count("none") / len(found) >= 0.90


def test_impatient_and_patient_customers_are_never_called_a_tipping_point() -> None:
    assert {f.answer for f in answers(mixture)} == {"falls"}


def test_the_hand_off_time_is_recovered_from_sessions() -> None:
    costs = Costs(bot_per_minute=0.10, frustrated_exit=20.0, human_contact=6.0)
    near = []
    for seed in range(30):
        data = sessions(stepped, seed)
        (found,) = tipping_points(data, draws=99)
        when = handoff_time(data, costs, breaks=[found.at.value], draws=50)
        near.append(when is not None and abs(when.minutes - 3.0) <= 0.1)
    assert np.mean(near) >= 0.95
