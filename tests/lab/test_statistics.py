"""Statistics of the lab: answers by hand, published constants, oracles, and planted truth."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import tea_tasting as tt
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import proportion_effectsize, proportions_chisquare

from journeylib.core.errors import LogError
from journeylib.lab.statistics import any_time, design, differences, group_sequential
from journeylib.lab.statistics.differences import Arm, difference, pooled
from journeylib.lab.statistics.group_sequential import (
    even_looks,
    inflation,
    obrien_fleming,
    pocock,
    spending,
)
from journeylib.lab.statistics.sample_ratio import any_time_ratio, chi_square_p
from journeylib.lab.statistics.switchback import switchback

Floats = NDArray[np.float64]


def share_arm(hits: int, of: int) -> Arm:
    """Return an arm of `of` customers, of whom `hits` have 1."""
    return Arm(np.r_[np.ones(hits), np.zeros(of - hits)], np.ones(of))


# --- how many ---------------------------------------------------------------------------------


def test_sample_size_by_hand_and_by_statsmodels() -> None:
    variances = (design.share_variance(0.60), design.share_variance(0.63))
    assert design.customers_needed(0.03, variances) == (4126, 4126)
    arcsine = NormalIndPower().solve_power(proportion_effectsize(0.63, 0.60), alpha=0.05, power=0.8)
    assert round(arcsine) == 4128
    # A mean with unit variance: the t-test needs hardly more than the normal one.
    ours = design.customers_needed(0.1, (1.0, 1.0))[0]
    assert ours == pytest.approx(TTestIndPower().solve_power(0.1, alpha=0.05, power=0.8), abs=2)


def test_looks_and_covariates_multiply_the_size() -> None:
    five = inflation(obrien_fleming(even_looks(5)))
    assert five == pytest.approx(1.028, abs=0.001)
    base = design.customers_needed(0.03, (0.24, 0.24))[0]
    looks = design.customers_needed(0.03, (0.24, 0.24), design.Design(inflation=five))[0]
    known = design.customers_needed(0.03, (0.24, 0.24), design.Design(correlation=0.7))[0]
    assert looks / base == pytest.approx(1.028, abs=0.001)
    assert known / base == pytest.approx(0.51, abs=0.001)


def test_size_difference_and_power_are_one_equation() -> None:
    plan = design.Design(share=0.2, inflation=1.1, correlation=0.3)
    control, new = design.customers_needed(0.03, (0.24, 0.2331), plan)
    assert new / (control + new) == pytest.approx(0.2, abs=0.001)
    assert design.smallest_difference(control + new, (0.24, 0.2331), plan) == pytest.approx(
        0.03, rel=1e-3
    )
    known = plan.inflation * (1 - plan.correlation**2)
    error = math.sqrt(known * (0.24 / control + 0.2331 / new))
    assert stats.norm.cdf(0.03 / error - stats.norm.isf(0.025)) == pytest.approx(0.80, abs=1e-3)


def test_guardrails_have_power_too() -> None:
    assert design.power_each(0.8, 3) == pytest.approx(0.95)
    # Were they independent, all four would pass together in 81.5 % of experiments.
    assert round(design.power_each(0.8, 3) ** 4, 3) == 0.815


# --- boundaries -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("looks", "pocock_c", "pocock_n", "fleming_c", "fleming_n"),
    [
        (2, 2.178, 1.110, 1.977, 1.008),
        (3, 2.289, 1.166, 2.004, 1.017),
        (5, 2.413, 1.2285, 2.040, 1.028),
        (10, 2.555, 1.300, 2.087, 1.040),
    ],
)
def test_constants_of_jennison_and_turnbull(
    looks: int, pocock_c: float, pocock_n: float, fleming_c: float, fleming_n: float
) -> None:
    flat, steep = pocock(even_looks(looks)), obrien_fleming(even_looks(looks))
    assert flat.z[0] == flat.z[-1] == pytest.approx(pocock_c, abs=0.001)
    assert steep.z[-1] == pytest.approx(fleming_c, abs=0.001)
    assert steep.z[0] == pytest.approx(fleming_c * math.sqrt(looks), abs=0.003)
    assert inflation(flat) == pytest.approx(pocock_n, abs=0.001)
    assert inflation(steep) == pytest.approx(fleming_n, abs=0.001)


def test_spending_constants_of_the_tables_in_use() -> None:
    assert spending(even_looks(5)).z == pytest.approx(
        [4.877, 3.357, 2.680, 2.290, 2.031], abs=0.001
    )
    # One-sided .05 at four looks, as the package SeqBounds.jl prints them in its README.
    assert spending(even_looks(4), alpha=0.10).z == pytest.approx(
        [3.74955, 2.53993, 2.01604, 1.72014], abs=0.001
    )
    # The other reading, which the tables do not use: 2 − 2 Φ(z.975 / √t) on both sides together.
    other = spending(
        even_looks(5),
        spent_by=lambda t, a: float(2 * stats.norm.sf(stats.norm.isf(a / 2) / t**0.5)),
    )
    assert other.z == pytest.approx([4.383, 3.100, 2.553, 2.254, 2.064], abs=0.001)


def test_spending_holds_its_error_at_any_times() -> None:
    times = (0.13, 0.4, 0.41, 0.77, 1.0)
    boundary = spending(times)
    upper, lower = group_sequential.crossing(boundary)
    assert float((upper + lower).sum()) == pytest.approx(0.05, abs=1e-6)
    assert float((upper + lower)[:2].sum()) == pytest.approx(group_sequential.spent(0.4), abs=1e-6)
    # What is spent early does not depend on how many looks follow.
    assert spending(times[:3]).z == pytest.approx(boundary.z[:3], abs=1e-6)


# --- looking early: planted truth over seeds --------------------------------------------------

LOOKS, A_LOOK = 40, 100


@pytest.fixture(scope="module")
def no_effect() -> tuple[Floats, Floats]:
    """Return difference and variance at 40 looks of 100 customers an arm, 4,000 times."""
    return walks(0.60, 0.60)


def walks(control: float, new: float, repeats: int = 4000) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(7)
    a = rng.binomial(A_LOOK, control, (repeats, LOOKS)).cumsum(axis=1)
    b = rng.binomial(A_LOOK, new, (repeats, LOOKS)).cumsum(axis=1)
    n = A_LOOK * np.arange(1, LOOKS + 1)
    p, q = a / n, b / n
    return q - p, (p * (1 - p) + q * (1 - q)) / (n - 1)


def stopped(d: Floats, v: Floats, boundary: group_sequential.Boundary) -> NDArray[np.bool_]:
    """Return which runs cross at evenly spaced looks."""
    at = np.array(boundary.times) * LOOKS
    columns = at.round().astype(int) - 1
    return np.asarray((np.abs(d / np.sqrt(v))[:, columns] >= boundary.z).any(axis=1))


def test_error_of_planned_looks_and_of_peeking(no_effect: tuple[Floats, Floats]) -> None:
    d, v = no_effect
    assert np.mean((np.abs(d / np.sqrt(v)) >= 1.96).any(axis=1)) > 0.25  # p < .05 at each look
    assert np.mean(stopped(d, v, obrien_fleming(even_looks(5)))) <= 0.06
    assert np.mean(stopped(d, v, pocock(even_looks(5)))) <= 0.06


def test_error_and_coverage_at_any_time(no_effect: tuple[Floats, Floats]) -> None:
    d, v = no_effect
    ratio = any_time.likelihood_ratio(d, v, 0.03)
    assert np.mean((ratio >= 20).any(axis=1)) <= 0.03
    for effect in (0.0, 0.03):
        d, v = walks(0.60, 0.60 + effect)
        inside = np.abs(d - effect) <= any_time.half_width(v, 0.03)
        assert np.mean(inside.all(axis=1)) >= 0.95


def test_planned_looks_find_what_is_there_with_fewer_customers() -> None:
    d, v = walks(0.60, 0.63)
    boundary = obrien_fleming(even_looks(5))
    found = stopped(d, v, boundary)
    assert 0.74 <= found.mean() <= 0.81
    assert 0.44 <= np.mean((any_time.likelihood_ratio(d, v, 0.03) >= 20).any(axis=1)) <= 0.55
    drift = 0.03 / math.sqrt((0.24 + 0.2331) / 4000)
    early = sum(group_sequential.crossing(boundary, drift))[:-1]
    times = np.array(boundary.times)
    used = (early * times[:-1]).sum() + (1 - early.sum()) * times[-1]
    assert used * 4000 == pytest.approx(3226, rel=0.03)


def test_the_interval_is_the_test_turned_around() -> None:
    v = 0.0004
    half = float(any_time.half_width(v, 0.03))
    assert float(any_time.likelihood_ratio(half, v, 0.03)) == pytest.approx(20, rel=1e-6)
    width = any_time.one_sided_width(v, 0.03)
    assert width < half
    assert float(any_time.likelihood_ratio(width, v, 0.03, one_sided=True)) == pytest.approx(20)
    # By hand: V = τ², d = 0 gives √½ on two sides, and the same × 2 Φ(0) on one.
    assert float(any_time.likelihood_ratio(0, 1, 1)) == pytest.approx(math.sqrt(0.5))
    assert float(any_time.likelihood_ratio(0, 1, 1, one_sided=True)) == pytest.approx(
        math.sqrt(0.5)
    )


def test_harm_is_stopped_early_and_rarely_for_nothing() -> None:
    # Complaints of 4 %, looked at daily, 300 customers an arm and day, two weeks.
    n = 300 * np.arange(1, 15)
    rng = np.random.default_rng(11)
    stops = {}
    for effect in (0.0, 0.01, 0.02, 0.04):
        a = rng.binomial(300, 0.04, (2000, 14)).cumsum(axis=1) / n
        b = rng.binomial(300, 0.04 + effect, (2000, 14)).cumsum(axis=1) / n
        v = (a * (1 - a) + b * (1 - b)) / (n - 1)
        ratio = any_time.likelihood_ratio(b - a, v, 0.01, one_sided=True)
        stops[effect] = float((ratio >= 20).any(axis=1).mean())
    assert stops[0.0] <= 0.02
    assert 0.28 <= stops[0.01] <= 0.44
    assert stops[0.02] >= 0.90
    assert stops[0.04] >= 0.999


# --- reading ----------------------------------------------------------------------------------


def test_sample_ratio_by_hand_and_by_statsmodels() -> None:
    assert chi_square_p([(50_000, 50_612)], [0.5]) == pytest.approx(0.054, abs=0.0005)
    assert chi_square_p([(815_482, 821_588)], [0.5]) == pytest.approx(2e-6, rel=0.15)
    ours = chi_square_p([(4_850, 5_150)], [0.5])
    assert ours == pytest.approx(proportions_chisquare([5_150], [10_000], 0.5)[1], abs=1e-12)
    # Shares that change: each stage has its own.
    assert chi_square_p([(9_900, 100), (5_000, 5_000)], [0.01, 0.5]) == pytest.approx(1.0)
    assert chi_square_p([(14_900, 5_100)], [0.5]) < 1e-100


@pytest.mark.slow
def test_sample_ratio_looked_at_a_hundred_times() -> None:
    rng = np.random.default_rng(3)

    def factors(share: float) -> tuple[Floats, Floats]:
        new = rng.binomial(100, share, (4000, 100)).cumsum(axis=1).astype(float)
        total = 100.0 * np.arange(1, 101)
        chi = (new - total / 2) ** 2 / (total / 4)
        return any_time_ratio(total - new, new, 0.5), chi

    factor, chi = factors(0.5)
    assert np.mean((factor >= 1000).any(axis=1)) <= 0.003
    assert np.mean((stats.chi2.sf(chi, 1) < 0.001).any(axis=1)) <= 0.025
    factor, chi = factors(0.52)
    assert 0.40 <= np.mean((factor >= 1000).any(axis=1)) <= 0.52
    assert 0.77 <= np.mean((stats.chi2.sf(chi, 1) < 0.001).any(axis=1)) <= 0.88


def contacts(seed: int, repeats: int, customers: int) -> tuple[Floats, Floats]:
    """Return solved contacts and contacts of customers, 1 to 9 each; customers differ."""
    rng = np.random.default_rng(seed)
    base = rng.integers(1, 10, (repeats, customers)).astype(float)
    own = rng.beta(2, 2, (repeats, customers))
    return rng.binomial(base.astype(int), own).astype(float), base


@pytest.mark.slow
def test_contacts_of_a_customer_are_no_evidence_of_their_own() -> None:
    top, base = contacts(5, 2000, 2000)
    false = naive = 0
    for x, m in zip(top, base, strict=True):
        found = difference(Arm(x[:1000], m[:1000]), Arm(x[1000:], m[1000:]))
        false += abs(found.value / found.error) >= 1.96
        p = found.control, found.new
        n = m[:1000].sum(), m[1000:].sum()
        alone = math.sqrt(p[0] * (1 - p[0]) / n[0] + p[1] * (1 - p[1]) / n[1])
        naive += abs(found.value / alone) >= 1.96
    assert false / 2000 <= 0.07
    assert naive / 2000 >= 0.12


def test_what_was_known_before_takes_variance_off() -> None:
    rng = np.random.default_rng(2)
    ratios, effects = [], []
    for _ in range(40):
        x = rng.normal(size=4000)
        y = 0.7 * x + math.sqrt(1 - 0.49) * rng.normal(size=4000)
        y[2000:] += 0.30
        one = np.ones(2000)
        plain = difference(Arm(y[:2000], one), Arm(y[2000:], one))
        less = difference(Arm(y[:2000], one, x[:2000]), Arm(y[2000:], one, x[2000:]))
        ratios.append(less.variance / plain.variance)
        effects.append(less.value)
    assert 0.49 <= np.mean(ratios) <= 0.53
    assert np.mean(effects) == pytest.approx(0.30, abs=0.015)


def test_a_later_covariate_eats_the_effect_and_is_refused() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=40_000)
    y = x + rng.normal(size=40_000)
    y[20_000:] += 0.30
    later = x.copy()
    later[20_000:] += 0.30  # measured after exposure, it holds the effect
    one = np.ones(20_000)
    found = difference(Arm(y[:20_000], one, later[:20_000]), Arm(y[20_000:], one, later[20_000:]))
    assert found.value < 0.10
    differences.check_known_before([1.0, 2.0], [1.5, 2.5])
    with pytest.raises(LogError, match="may hold the effect"):
        differences.check_known_before([1.0, 2.5], [1.5, 2.5])
    with pytest.raises(LogError, match="has no time"):
        differences.check_known_before([1.0, math.nan], [1.5, 2.5])


def test_better_on_both_days_and_worse_added_up() -> None:
    days = [
        (share_arm(20_000, 990_000), share_arm(230, 10_000)),
        (share_arm(5_000, 500_000), share_arm(6_000, 500_000)),
    ]
    each = [difference(control, new) for control, new in days]
    assert [round(100 * one.value, 2) for one in each] == [0.28, 0.20]
    together = pooled(each)
    assert 0.0020 < together.value < 0.0028
    added = difference(share_arm(25_000, 1_490_000), share_arm(6_230, 510_000))
    assert (round(100 * added.new, 2), round(100 * added.control, 2)) == (1.22, 1.68)
    # By hand: the weights are one over each variance.
    w = [1 / one.variance for one in each]
    assert together.value == pytest.approx((w[0] * each[0].value + w[1] * each[1].value) / sum(w))


def test_shares_that_grow_while_the_base_rises() -> None:
    rng = np.random.default_rng(9)
    stages, added = [], np.zeros(4)
    for share, base in ((0.01, 0.60), (0.10, 0.63), (0.50, 0.66)):
        new, control = int(40_000 * share), int(40_000 * (1 - share))
        hits = rng.binomial(new, base), rng.binomial(control, base)
        stages.append(difference(share_arm(hits[1], control), share_arm(hits[0], new)))
        added += (hits[0], new, hits[1], control)
    assert added[0] / added[1] - added[2] / added[3] > 0.02
    assert abs(pooled(stages).value) < 0.01


def test_equal_to_tea_tasting_on_one_look() -> None:
    top, base = contacts(8, 1, 3000)
    rng = np.random.default_rng(8)
    x = rng.normal(size=3000) + top[0]
    frame = pd.DataFrame(
        {"variant": np.repeat([0, 1], 1500), "top": top[0], "base": base[0], "x": x}
    )
    experiment = tt.Experiment(
        ratio=tt.RatioOfMeans("top", "base", use_t=False, equal_var=False),
        mean=tt.Mean("top", use_t=False, equal_var=False),
        cuped=tt.Mean("top", "x", use_t=False, equal_var=False),
    )
    theirs = experiment.analyze(frame)
    one = np.ones(1500)
    y, m = top[0], base[0]
    a, b = slice(0, 1500), slice(1500, 3000)
    ours = {
        "ratio": difference(Arm(y[a], m[a]), Arm(y[b], m[b])),
        "mean": difference(Arm(y[a], one), Arm(y[b], one)),
        "cuped": difference(Arm(y[a], one, x[a]), Arm(y[b], one, x[b])),
    }
    for name, found in ours.items():
        their = theirs[name]
        assert found.value == pytest.approx(their.effect_size, abs=1e-9)
        half = 1.959963984540054 * found.error
        assert found.value - half == pytest.approx(their.effect_size_ci_lower, abs=1e-9)
        p = 2 * stats.norm.sf(abs(found.value / found.error))
        assert p == pytest.approx(their.pvalue, abs=1e-9)


@pytest.mark.slow
def test_switchback_deals_the_units_anew() -> None:
    # By hand: of the 6 ways to deal two of four units, only the true one and its mirror are
    # as far apart, so p is 2 / 6.
    found = switchback([1, 2, 5, 6], [1, 1, 1, 1], [False, False, True, True])
    assert found.value == 4
    assert found.p_value == pytest.approx(1 / 3, abs=0.02)
    assert not found.enough
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        new = rng.permutation(np.repeat([False, True], 8))
        y = rng.gamma(4, 0.2, 16) - 0.5 * new
        found = switchback(y, np.ones(16), new, deals=499)
        assert found.enough
        # The interval is the test turned around.
        if abs(found.p_value - 0.05) > 0.01:
            assert (found.p_value < 0.05) == (not found.lo <= 0 <= found.hi)
        inside += found.lo <= -0.5 <= found.hi
    assert 0.91 <= inside / 200 <= 0.99


def test_the_new_arm_has_an_error_of_its_own() -> None:
    yes, no = np.ones(60), np.zeros(40)
    half = np.concatenate([yes, np.zeros(60)])
    found = difference(Arm(half, np.ones(120)), Arm(np.concatenate([yes, no]), np.ones(100)))
    assert found.new == 0.6 and found.new_variance == pytest.approx(0.6 * 0.4 / 99)
    # Two stages alike: half of the variance.
    assert pooled([found, found]).new_variance == pytest.approx(found.new_variance / 2)
