"""The economic hand-off time: oracles worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeylib.core.errors import ConfigError
from journeylib.judge.bot_timing.handoff_time import (
    Hazards,
    expected_cost,
    flat_region,
    handoff_time,
    optimum,
)
from journeylib.judge.bot_timing.session_data import bot_sessions
from journeylib.judge.settings import CostRange, CostSettings


def hazards(resolve: float) -> Hazards:
    return Hazards((3.0,), (resolve, resolve), (0.05, 0.40))


def test_hand_over_at_the_tipping_point() -> None:
    found = optimum(hazards(0.35), (0.10, 20.0, 6.0))
    # three minutes at rate .1 + 20 · .05 with exits at .4, then a human for those who are left
    left = np.exp(-1.2)
    assert found.minutes == 3.0
    assert found.cost == pytest.approx(1.1 * (1 - left) / 0.4 + 6 * left)
    assert found.cost == pytest.approx(3.73, abs=0.005)
    assert found.cost_at_once == 6.0
    assert found.cost_never == pytest.approx(1.1 * (1 - left) / 0.4 + 8.1 / 0.75 * left)
    flat = flat_region(hazards(0.35), (0.10, 20.0, 6.0), found)
    assert flat[0] < 3.0 < flat[1]
    ends = expected_cost(hazards(0.35), (0.10, 20.0, 6.0), flat)
    assert ends == pytest.approx([1.02 * found.cost] * 2)


def test_never() -> None:
    found = optimum(hazards(0.35), (0.10, 5.0, 6.0))
    assert found.minutes == np.inf
    assert found.cost == pytest.approx(1.45, abs=0.005)
    assert flat_region(hazards(0.35), (0.10, 5.0, 6.0), found)[1] == np.inf


def test_at_once() -> None:
    found = optimum(hazards(0.05), (0.10, 40.0, 6.0))
    assert found.minutes == 0.0
    assert found.cost == 6.0
    assert flat_region(hazards(0.05), (0.10, 40.0, 6.0), found)[0] == 0.0


def test_closed_form_equals_numeric_integration() -> None:
    from scipy.integrate import quad

    model = Hazards((1.0, 2.5), (0.3, 0.1, 0.6), (0.02, 0.5, 0.1))
    bot, loss, human = 0.2, 12.0, 5.0

    def cumulative(t: float) -> float:
        return float(np.interp(t, [0, 1, 2.5, 9], [0, 0.32, 0.32 + 0.9, 0.32 + 0.9 + 4.55]))

    def rate(t: float) -> float:
        h = model.frustrate[int(np.searchsorted(model.breaks, t))]
        return (bot + loss * h) * np.exp(-cumulative(t))

    for s in (0.5, 1.7, 6.0):
        direct = quad(rate, 0, s, points=[1.0, 2.5])[0] + human * np.exp(-cumulative(s))
        assert expected_cost(model, (bot, loss, human), [s])[0] == pytest.approx(direct)


def test_of_two_valleys_the_deeper_one_is_taken() -> None:
    # a costly start, a cheap stretch, a costly one, then the best
    model = Hazards((1.0, 2.0, 3.0), (0.5, 0.1, 0.9, 0.05), (0.01, 0.5, 0.01, 0.5))
    costs = (0.1, 10.0, 6.0)
    grid = np.linspace(0, 30, 30_001)
    assert optimum(model, costs).minutes == pytest.approx(
        grid[np.argmin(expected_cost(model, costs, grid))]
    )


rate = st.floats(0.01, 2.0)


@given(
    resolve=st.tuples(rate, rate, rate),
    frustrate=st.tuples(rate, rate, rate),
    costs=st.tuples(st.floats(0, 1), st.floats(0, 50), st.floats(0, 20)),
)
def test_nothing_is_cheaper_than_the_optimum(
    resolve: tuple[float, ...], frustrate: tuple[float, ...], costs: tuple[float, float, float]
) -> None:
    model = Hazards((1.0, 4.0), resolve, frustrate)
    found = optimum(model, costs)
    grid = np.append(np.linspace(0, 20, 401), np.inf)
    assert (expected_cost(model, costs, grid) >= found.cost - 1e-9).all()
    lo, hi = flat_region(model, costs, found)
    assert lo <= found.minutes <= hi
    inside = grid[(grid >= lo) & (grid <= hi)]
    assert (expected_cost(model, costs, inside) <= 1.02 * found.cost + 1e-6).all()


def costs(frustrated: CostRange) -> CostSettings:
    return CostSettings(bot_per_minute=0.10, frustrated_exit=frustrated, human_contact=6.0)


def sessions(seed: int, n: int = 2000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    u = rng.exponential(1, n)
    exits = np.where(u < 0.15, u / 0.05, 3 + (u - 0.15) / 0.4)
    solved = rng.exponential(1 / 0.35, n)
    return pd.DataFrame(
        {
            "minutes": np.minimum(exits, solved),
            "event": np.where(exits < solved, 1, 2),
            "customer": np.arange(n) // 2,
        }
    )


def test_from_sessions_with_uncertain_costs() -> None:
    found = handoff_time(
        bot_sessions(sessions(1)), costs((16.0, 20.0, 24.0)), breaks=[3.0], draws=200
    )
    assert found is not None
    assert (found.answer, found.minutes) == ("minutes", 3.0)
    assert found.cost.lo <= 3.73 <= found.cost.hi
    assert found.settled >= 0.95
    assert found.regret.value < 0.05
    assert found.cost.unit == "EUR/session"
    assert found.to_dict()["minutes"] == 3.0
    assert found.curve["cost"].iloc[0] == 6.0


def test_without_a_tipping_point_the_exits_place_the_breaks() -> None:
    found = handoff_time(bot_sessions(sessions(2)), costs(20.0), draws=50)
    assert found is not None
    assert found.answer == "minutes"
    assert found.flat_region[0] < 3.0 < found.flat_region[1] + 0.3
    never = handoff_time(bot_sessions(sessions(2)), costs(5.0), draws=50)
    assert never is not None
    assert never.to_dict() == {"minutes": "never", "flat_region": [never.flat_region[0], None]}


def test_shuffled_rows_change_nothing() -> None:
    data, price = sessions(3, 400), costs((16.0, 20.0, 24.0))
    plain = handoff_time(bot_sessions(data), price, draws=50)
    shuffled = handoff_time(bot_sessions(data.sample(frac=1, random_state=1)), price, draws=50)
    assert plain is not None
    assert shuffled is not None
    assert shuffled.cost == plain.cost
    assert shuffled.range == plain.range


def test_too_few_exits_and_wrong_settings() -> None:
    assert handoff_time(bot_sessions(sessions(1, 30)), costs(20.0)) is None
    with pytest.raises(ConfigError, match="1 breaks need 2 hazards"):
        Hazards((3.0,), (0.1,), (0.1, 0.2))
