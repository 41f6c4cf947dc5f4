"""Planted truth: hazards that step, hazards that do not, over many seeds at n = 3,000."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from journeylib.judge.bot_timing.handoff_time import handoff_time
from journeylib.judge.bot_timing.session_data import bot_sessions, segments_of
from journeylib.judge.bot_timing.tipping_points import TippingPoint, tipping_points
from journeylib.judge.settings import CostSettings

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


def stepped_for_each(rng: np.random.Generator) -> np.ndarray:
    """Return exits that step at minute 3 for customers who differ in patience."""
    u = rng.exponential(1, N) / rng.gamma(2, 0.5, N)
    return np.where(u < 0.15, u / 0.05, 3 + (u - 0.15) / 0.40)


def sessions(exits: Exits, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    out, solved, log_end = exits(rng), rng.exponential(1 / 0.35, N), rng.exponential(30, N)
    minutes = np.minimum(np.minimum(out, solved), log_end)
    event = np.where(minutes == out, 1, np.where(minutes == solved, 2, 0))
    return pd.DataFrame({"minutes": minutes, "event": event, "customer": np.arange(N) // 2})


HAZARDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "constant": lambda h: 5 * h,
    "weibull .7": lambda h: 6 * h ** (1 / 0.7),
    "weibull 2": lambda h: 6 * h ** (1 / 2),
    "step": lambda h: np.where(h < 0.15, h / 0.05, 3 + (h - 0.15) / 0.40),
}
EACH = 10  # sessions of a customer


def alike(rng: np.random.Generator) -> np.ndarray:
    """Return exponential times that resemble each other within a customer (Gaussian copula)."""
    own = np.repeat(rng.normal(size=N // EACH), EACH)
    return -norm.logsf(np.sqrt(0.6) * own + np.sqrt(0.4) * rng.normal(size=N))


def frail(rng: np.random.Generator) -> np.ndarray:
    """Return exponential times of customers who differ in patience (gamma frailty)."""
    return rng.exponential(1, N) / np.repeat(rng.gamma(2, 0.5, N // EACH), EACH)


def answers_of_customers(within: Exits, hazard: str, seeds: int) -> list[TippingPoint]:
    found = []
    for seed in range(seeds):
        data = sessions(lambda rng: HAZARDS[hazard](within(rng)), seed)
        data["customer"] = np.arange(N) // EACH
        found.append(tipping_points(segments_of(bot_sessions(data)))[0])
    return found


def answers(exits: Exits, seeds: int = SEEDS) -> list[TippingPoint]:
    return [
        tipping_points(segments_of(bot_sessions(sessions(exits, seed))))[0] for seed in range(seeds)
    ]


def test_a_step_is_found_within_a_tenth_of_a_minute() -> None:
    found = answers(stepped)
    near = [f.answer == "tipping_point" and abs(f.at.value - 3) <= 0.1 for f in found]
    assert np.mean(near) >= 0.95
    covered = [f.at.lo <= 3 <= f.at.hi for f in found if f.at.value is not None]
    assert np.mean(covered) >= 0.92


def test_a_step_is_found_among_customers_who_differ_in_patience() -> None:
    found = answers(stepped_for_each, 40)
    near = [f.answer == "tipping_point" and abs(f.at.value - 3) <= 0.1 for f in found]
    assert np.mean(near) >= 0.95


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


def test_sessions_that_are_alike_within_a_customer_are_no_evidence_of_a_step() -> None:
    """Ten sessions a customer, constant hazard: taken as independent, 20 in 100 find a step."""
    found = answers_of_customers(alike, "constant", SEEDS)
    assert np.mean([f.p_value <= 0.05 for f in found]) <= 0.06
    assert "tipping_point" not in {f.answer for f in found}


@pytest.mark.parametrize("within", [alike, frail], ids=["alike", "frail"])
@pytest.mark.parametrize("hazard", ["weibull .7", "weibull 2"])
def test_smooth_hazards_of_customers_with_many_sessions_do_not_tip(
    within: Exits, hazard: str
) -> None:
    found = [f.answer for f in answers_of_customers(within, hazard, 30)]
    assert found.count("tipping_point") / len(found) <= 0.06


@pytest.mark.parametrize("within", [alike, frail], ids=["alike", "frail"])
def test_a_step_is_found_among_customers_with_many_sessions(within: Exits) -> None:
    found = answers_of_customers(within, "step", 30)
    near = [f.answer == "tipping_point" and abs(f.at.value - 3) <= 0.1 for f in found]
    assert np.mean(near) >= 0.95


def test_impatient_and_patient_customers_are_never_called_a_tipping_point() -> None:
    assert {f.answer for f in answers(mixture)} == {"falls"}


def test_the_hand_off_time_is_recovered_from_sessions() -> None:
    costs = CostSettings(bot_per_minute=0.10, frustrated_exit=20.0, human_contact=6.0)
    near = []
    for seed in range(30):
        data = sessions(stepped, seed)
        (found,) = tipping_points(segments_of(bot_sessions(data)), draws=99)
        when = handoff_time(bot_sessions(data), costs, breaks=[found.at.value], draws=50)
        near.append(when is not None and abs(when.minutes - 3.0) <= 0.1)
    assert np.mean(near) >= 0.95
