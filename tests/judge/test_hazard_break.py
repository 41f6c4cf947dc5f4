"""Hazards by hand, against brute force, and against statsmodels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from journeylib.core.errors import RunError
from journeylib.judge.bot_timing.discrete_hazard import life_table
from journeylib.judge.bot_timing.hazard_break import (
    best_break,
    compare_models,
    fit_minutes,
    minutes_interval,
    null_statistics,
    rates,
)
from journeylib.judge.bot_timing.session_data import (
    FRUSTRATED,
    RESOLVED,
    SessionTimes,
    bot_sessions,
    design_effects,
)


def table(minutes: list[float], event: list[int], **more: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"minutes": minutes, "event": event, "customer": range(len(minutes)), **more}
    )


def test_rates_by_hand() -> None:
    # before minute 2: 1 + 2 + 2 minutes at risk and one exit; after: 1 + 2 minutes and one exit
    ends = bot_sessions(table([1, 3, 4], [1, 1, 2])).ending(FRUSTRATED)
    assert rates(ends, [2.0]) == pytest.approx([1 / 5, 1 / 3])
    assert rates(ends, [2.0], np.array([1.0, 2.0, 0.0])) == pytest.approx([1 / 5, 2 / 2])
    draws = rates(ends, [2.0], np.array([[1.0, 2.0, 0.0], [1.0, 1.0, 1.0]]))
    assert draws.tolist() == [pytest.approx([1 / 5, 2 / 2]), pytest.approx([1 / 5, 1 / 3])]


def test_a_session_that_began_before_the_log_is_at_risk_only_from_there() -> None:
    late = bot_sessions(table([1, 3, 4], [1, 1, 2], entry=[0, 1.5, 3])).ending(FRUSTRATED)
    assert rates(late, [2.0]) == pytest.approx([1 / (1 + 0.5), 1 / (1 + 1)])


def test_a_menu_that_sends_nearly_all_away_at_one_moment_has_an_interval() -> None:
    """Two leave early, 92 at minute 3, six later: the hazard breaks at 3, where the 92 leave."""
    minutes = [1.0, 2.0, *[3.0] * 92, *np.linspace(4, 9, 6)]
    ends = bot_sessions(table(minutes, [FRUSTRATED] * 100)).ending(FRUSTRATED)
    found = best_break(ends)
    assert found.at == 3.0
    low, high = minutes_interval(ends, found, seed=1)
    assert low <= 3.0 <= high and low >= 1.0 and high <= 9.0


def test_the_scan_finds_what_brute_force_finds() -> None:
    rng = np.random.default_rng(1)
    data = table(list(rng.exponential(4, 300)), list(rng.integers(0, 4, 300)))
    data["entry"] = data["minutes"] * rng.choice([0.0, 0.5], 300)
    ends = bot_sessions(data).ending(FRUSTRATED)
    found = best_break(ends)
    times = np.sort(data.loc[data["event"] == FRUSTRATED, "minutes"].to_numpy())
    constant = ends.events * np.log(ends.events / ends.exposure)
    best = -np.inf
    for k, time in enumerate(times, start=1):
        if not 0.05 <= k / len(times) <= 0.95:
            continue
        at_risk = (data["minutes"].clip(upper=time) - data["entry"].clip(upper=time)).sum()
        for events in (k - 1, k):
            rest, rest_risk = len(times) - events, ends.exposure - at_risk
            gain = rest * np.log(rest / rest_risk) - constant
            gain += events * np.log(events / at_risk) if events else 0.0
            best = max(best, 2 * gain)
    assert found.statistic == pytest.approx(best)


def test_the_null_is_far_above_chi_squared() -> None:
    for events in (50, 300):
        limit = np.quantile(null_statistics(events, draws=2000, seed=1), 0.95)
        assert 9.0 <= limit <= 10.5  # the 95 % point of χ²₁ is 3.84


@pytest.mark.slow
def test_the_null_in_minutes_at_risk_holds_for_any_censoring() -> None:
    """The statistic of simulated logs with resolutions and censoring, against the shortcut."""
    rng = np.random.default_rng(2)
    simulated = []
    for _ in range(300):
        exits, others = rng.exponential(5, 400), rng.gamma(3, 1, 400)
        data = table(list(np.minimum(exits, others)), list(np.where(exits < others, 1, 2)))
        simulated.append(best_break(bot_sessions(data).ending(FRUSTRATED)).statistic)
    shortcut = null_statistics(170, draws=2000, seed=3)
    assert np.quantile(simulated, 0.5) == pytest.approx(np.quantile(shortcut, 0.5), abs=0.5)
    assert np.mean(np.array(simulated) > np.quantile(shortcut, 0.95)) == pytest.approx(
        0.05, abs=0.03
    )


def test_likelihoods_of_shapes_agree_with_scipy() -> None:
    from scipy import stats

    rng = np.random.default_rng(4)
    minutes = 6 * rng.weibull(1.5, 400)
    ends = bot_sessions(table(list(minutes), [1] * 400)).ending(FRUSTRATED)
    bic = compare_models(ends, best_break(ends))
    shape, _, scale = stats.weibull_min.fit(minutes, floc=0)
    weibull = stats.weibull_min.logpdf(minutes, shape, scale=scale).sum()
    constant = stats.expon.logpdf(minutes, scale=minutes.mean()).sum()
    assert bic["weibull"] == pytest.approx(-2 * weibull + 2 * np.log(400), abs=1e-3)
    assert bic["constant"] == pytest.approx(-2 * constant + np.log(400))
    # the spline nearly reaches the true curve: it pays for more parameters
    assert abs(bic["spline"] - bic["weibull"]) < 4 * np.log(400)


def test_a_clock_of_few_times_fits_no_spline() -> None:
    """One distinct minute cannot tell a curve; the other shapes are compared all the same."""
    ends = bot_sessions(table([5] * 200, [1] * 200)).ending(FRUSTRATED)
    assert sorted(compare_models(ends, best_break(ends))) == ["constant", "step", "weibull"]


def test_life_table_by_hand() -> None:
    # 25 sessions end at turn 1 (five frustrated), 20 at turn 2, all frustrated
    data = pd.DataFrame(
        {
            "turns": [1] * 25 + [2] * 20,
            "event": [1] * 5 + [2] * 20 + [1] * 20,
            "customer": range(45),
        }
    )
    found = life_table(bot_sessions(data, "turns").ending(FRUSTRATED))
    assert found.turn.tolist() == [1, 2]
    assert found.at_risk.tolist() == [45, 20]
    assert found.events.tolist() == [5, 20]


def test_both_hazards_see_rows_and_customers_in_the_same_order() -> None:
    rng = np.random.default_rng(5)
    data = pd.DataFrame(
        {
            "minutes": rng.integers(1, 6, 200),
            "event": rng.integers(0, 4, 200),
            "customer": rng.integers(0, 80, 200),
        }
    )
    one, other = (bot_sessions(data).ending(kind) for kind in (FRUSTRATED, RESOLVED))
    assert one.customer.tolist() == other.customer.tolist()
    assert one.end.tolist() == other.end.tolist()
    shuffled = data.sample(frac=1, random_state=1)
    shuffled["customer"] = shuffled["customer"].map({k: f"c{(k * 37) % 80}" for k in range(80)})
    again = bot_sessions(shuffled).ending(FRUSTRATED)
    assert again.customer.tolist() == one.customer.tolist()
    assert again.event.tolist() == one.event.tolist()


def test_unusable_sessions_are_refused_by_number() -> None:
    with pytest.raises(RunError, match="Did you mean 'minuts'"):
        bot_sessions(table([1], [1]).rename(columns={"minutes": "minuts"}), "minutes")
    with pytest.raises(RunError, match="1 sessions have an unknown 'event'"):
        bot_sessions(table([1], [7]), "minutes")
    with pytest.raises(RunError, match="2 sessions have no usable 'minutes'"):
        bot_sessions(table([-1, np.nan, 2], [1, 1, 1]), "minutes")
    with pytest.raises(RunError, match="1 sessions have no usable 'turns'"):
        bot_sessions(table([0], [1]).rename(columns={"minutes": "turns"}), "turns")


def test_the_design_effect_counts_copies_of_a_session() -> None:
    """Each customer's session three times: three say as much as one."""
    rng = np.random.default_rng(0)
    once = rng.exponential(5, 400)
    event = rng.random(400) < 0.7
    order = np.argsort(np.repeat(once, 3), kind="stable")
    ends = SessionTimes(
        np.repeat(once, 3)[order],
        np.repeat(event, 3)[order],
        np.zeros(1200),
        np.repeat(np.arange(400), 3)[order],
    )
    assert design_effects(ends, np.array([1.0, 4.0, 9.0])) == pytest.approx([3.0, 3.0, 3.0])
    alone = replace(ends, customer=np.arange(1200))
    assert design_effects(alone, np.array([1.0, 4.0])).tolist() == [1.0, 1.0]


def test_copies_of_sessions_leave_the_test_as_it_was() -> None:
    rng = np.random.default_rng(1)
    time, event = rng.exponential(5, 600), rng.random(600) < 0.5
    order = np.argsort(time)
    once = SessionTimes(time[order], event[order], np.zeros(600), np.arange(600))
    thrice = SessionTimes(*(np.repeat(part, 3) for part in (once.end, once.event, once.entry)),
                    np.repeat(np.arange(600), 3))  # fmt: skip
    # Only the number of events that the null is drawn for differs, and that hardly matters.
    p = [fit_minutes(one, draws=499, seed=0).p_value for one in (once, thrice)]
    assert p[0] == pytest.approx(p[1], abs=0.05)
