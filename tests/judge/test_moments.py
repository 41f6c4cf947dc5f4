"""What is called a moment of truth, and what is not, on cases made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest

from journeylib.core.errors import RunError
from journeylib.core.estimate import Estimate
from journeylib.core.resampling import adjusted_p_values
from journeylib.judge.estimation.design_matrix import sample_of
from journeylib.judge.moments.effect import Check, VisitEffect, visit_effect
from journeylib.judge.moments.multiple_testing import asymmetry, decide, impact, shrink

PASSED = tuple(
    Check(name, "passed", "")
    for name in ("overlap", "balance", "negative_control", "permuted_treatment", "dummy_touchpoint")
)


def effect(value: float, se: float, **fields: Any) -> VisitEffect:
    from scipy import stats

    estimate = Estimate(
        value, "share", value - 1.96 * se, value + 1.96 * se, n_customers=900, grade="B"
    )
    made = VisitEffect(
        touchpoint="Return",
        outcome="repurchase",
        effect=estimate,
        naive=estimate,
        adjusted=estimate,
        se=se,
        p_value=float(2 * stats.norm.sf(abs(value / se))),
        n_good=600,
        n_bad=400,
        smallest_cell=100,
        trimmed=0.0,
        effective_size=800.0,
        max_smd=0.01,
        e_value=2.0,
        early=value,
        late=value,
        checks=PASSED,
    )
    return replace(made, **fields)


def test_benjamini_hochberg_1995() -> None:
    ps = ".0001 .0004 .0019 .0095 .0201 .0278 .0298 .0344 .0459 .3240 .4262 .5719 .6528 .7590 1"
    p = np.array([float(one) for one in ps.split()])
    assert int((adjusted_p_values(p, "fdr_bh") <= 0.05).sum()) == 4
    assert int((adjusted_p_values(p, "fdr_by") <= 0.05).sum()) == 3


@pytest.mark.parametrize("method", ["fdr_bh", "fdr_by"])
def test_adjusted_p_values_are_those_of_statsmodels(method: Literal["fdr_bh", "fdr_by"]) -> None:
    from statsmodels.stats.multitest import multipletests

    dice = np.random.default_rng(7)
    for size in (1, 2, 3, 17, 40):
        p = dice.random(size) ** 3
        tied = np.round(np.concatenate([p, p]), 2)
        for values in (p, tied):
            holes = np.insert(values, [0, size // 2], np.nan)
            found = adjusted_p_values(holes, method)
            assert np.array_equal(np.isnan(found), np.isnan(holes))
            expected = multipletests(values, method=method)[1]
            assert found[np.isfinite(holes)].tolist() == expected.tolist()
    assert np.isnan(adjusted_p_values(np.full(3, np.nan), method)).all()


def test_a_clear_effect_is_a_moment_and_says_nothing_against_itself() -> None:
    row = decide([effect(0.10, 0.02)]).iloc[0]
    assert bool(row["is_moment"])
    assert row["reasons"] == ()
    assert row["grade"] == "B"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"late": -0.01}, "the two halves of the log disagree about its direction"),
        ({"e_value": 1.2}, "fragile: a weak hidden cause would explain it (E = 1.20)"),
        (
            {"checks": (*PASSED[:2], Check("negative_control", "failed", "something hidden"))},
            "something hidden",
        ),
    ],
)
def test_one_thing_against_it_is_enough(fields: dict[str, Any], reason: str) -> None:
    row = decide([effect(0.10, 0.02, **fields)]).iloc[0]
    assert not row["is_moment"]
    assert row["reasons"] == (reason,)


def test_an_effect_that_may_be_below_the_margin_is_no_moment() -> None:
    family = [effect(0.05, 0.018)]  # interval .015 to .085
    assert decide(family).iloc[0]["reasons"] == ("may be smaller than the margin of 0.02",)
    assert bool(decide(family, margin=0.01).iloc[0]["is_moment"])


def test_the_family_decides_not_the_single_p_value() -> None:
    lucky = effect(0.08, 0.035)  # p = .022
    assert decide([lucky], margin=0.0).iloc[0]["is_moment"]
    family = [lucky, *(effect(0.0, 0.035) for _ in range(19))]
    row = decide(family, margin=0.0).iloc[0]
    assert not row["is_moment"]
    assert row["q_value"] == pytest.approx(20 * row["p_value"])


def test_an_abstention_stays_in_the_table_and_out_of_the_family() -> None:
    none = Estimate.none("n_small", "share")
    thin = replace(effect(0.1, 0.02), effect=none, se=None, p_value=None, checks=())
    table = decide([thin, effect(0.10, 0.02)])
    assert table["is_moment"].tolist() == [False, True]
    assert table.iloc[0]["reasons"] == ("too few customers or journeys",)
    assert table.iloc[1]["q_value"] == table.iloc[1]["p_value"]


def test_a_wrong_setting_is_refused() -> None:
    with pytest.raises(RunError, match="q must be between 0 and 1"):
        decide([], q=1.5)


def test_twelve_journeys_always_abstain() -> None:
    found = visit_effect(
        sample_of([1] * 6 + [0] * 6, [1] * 6 + [0] * 6, pd.DataFrame({"x": range(12)}), range(12)),
        touchpoint="Return",
    )
    assert found.effect.abstain == "n_small"
    assert not decide([found]).iloc[0]["is_moment"]


def test_a_touchpoint_nobody_reached_abstains_too() -> None:
    nobody = pd.DataFrame({"x": np.array([], dtype=float)})
    for start in (None, []):
        assert visit_effect(sample_of([], [], nobody, [], start=start)).effect.abstain == "n_small"
    assert len(decide([])) == 0


def test_no_counterpart_means_no_answer_but_the_naive_figure_is_shown() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=800)
    good = x + 0.1 * rng.normal(size=800) > 0  # who is treated is all but decided by x
    y = rng.random(800) < 0.5
    found = visit_effect(sample_of(y, good, pd.DataFrame({"x": x}), range(800)))
    assert found.effect.abstain == "no_overlap"
    assert found.trimmed > 0.10
    assert found.naive.value == pytest.approx(y[good].mean() - y[~good].mean())


def test_without_a_negative_control_the_grade_is_c_and_says_why() -> None:
    rng = np.random.default_rng(2)
    good = rng.random(2000) < 0.5
    y = rng.random(2000) < 0.4 + 0.2 * good
    empty = pd.DataFrame(index=range(2000))
    found = visit_effect(sample_of(y, good, empty, range(2000)))
    assert found.grade == "C"
    assert found.reasons == ("no outcome from before the touchpoint to test with",)
    known = visit_effect(sample_of(y, good, empty, range(2000), control=rng.normal(size=2000)))
    assert known.grade == "B"


def test_the_best_of_thirty_nulls_is_shrunken_away() -> None:
    rng = np.random.default_rng(3)
    best, kept = [], []
    for _ in range(200):
        family = [effect(v, 0.03) for v in rng.normal(0, 0.03, 30)]
        values = np.array([e.effect.value for e in family])
        best.append(values.max())
        kept.append(shrink(family)[values.argmax()])
    assert np.mean(best) == pytest.approx(0.061, abs=0.003)  # expected maximum of 30 normals
    assert np.mean(kept) < 0.02


def test_shrinking_by_hand() -> None:
    # mean ψ² = .0037, mean se² = .0001, so τ² = .0036 and the factor .0036 / .0037
    family = [effect(np.sqrt(0.0037), 0.01), effect(-np.sqrt(0.0037), 0.01)]
    expected = np.sqrt(0.0037) * 36 / 37
    assert shrink(family) == pytest.approx([expected, -expected])


def test_impact_counts_bad_visits_only() -> None:
    # 10 points on the 40 % of 10,000 journeys that go badly
    assert impact(effect(0.10, 0.02), 10_000).value == pytest.approx(400)
    assert impact(effect(0.01, 0.02), 10_000).lo == 0.0


def test_asymmetry_by_fieller_and_its_refusal() -> None:
    found = asymmetry(effect(0.20, 0.001), effect(0.10, 0.001))
    assert found.value == pytest.approx(2.0)
    # nearly exact denominators: the delta method, √(.001² + 4·.001²)/.1
    assert found.hi - found.value == pytest.approx(1.96 * 0.0224, rel=0.03)
    assert asymmetry(effect(0.20, 0.02), effect(0.01, 0.02)).abstain == "unidentified"


def test_shuffled_rows_renamed_customers_and_a_shifted_clock_change_no_bit() -> None:
    rng = np.random.default_rng(4)
    n = 800
    data = pd.DataFrame({"x": rng.normal(size=n), "plan": rng.choice(["a", "b", "c"], n)})
    data["good"] = rng.random(n) < 1 / (1 + np.exp(data["x"]))
    data["y"] = rng.random(n) < 0.4 + 0.2 * data["good"]
    data["start"], data["control"] = np.arange(n), rng.normal(size=n)
    data["customer"] = rng.integers(0, 500, n)

    def effect_of(frame: pd.DataFrame) -> VisitEffect:
        return visit_effect(
            sample_of(
                frame["y"],
                frame["good"],
                frame[["x", "plan"]],
                frame["customer"],
                start=frame["start"],
                control=frame["control"],
            )
        )

    other = data.sample(frac=1, random_state=1)
    other["customer"] = "c" + (other["customer"] * 7919 % 100_003).astype(str)
    other["start"] += 3_600
    assert effect_of(other) == effect_of(data)


def test_the_covariance_of_loss_and_gain_widens_the_asymmetry() -> None:
    # Three customers; the neutral one moves loss and gain in opposite directions.
    lost = replace(effect(0.20, 0.02), influence={"a": 0.01, "b": 0.02, "c": -0.03})
    won = replace(effect(0.20, 0.02), influence={"b": -0.005, "c": 0.01, "d": -0.005})
    found = asymmetry(lost, won)
    covariance = 0.02 * -0.005 + -0.03 * 0.01
    assert covariance == pytest.approx(-0.0004)  # just −se²: as far apart as can be
    # Fieller: (a − r·b)² ≤ z²(v − 2·r·c + r²·v) is quadratic in r
    z, v = 1.959964, 0.02**2
    roots = np.roots([0.04 - z**2 * v, -2 * (0.04 - z**2 * covariance), 0.04 - z**2 * v])
    assert sorted(roots) == pytest.approx([found.lo, found.hi], rel=1e-5)
    alone = asymmetry(effect(0.20, 0.02), effect(0.20, 0.02))
    assert found.hi - found.lo > alone.hi - alone.lo


@pytest.mark.slow
def test_the_interval_of_the_asymmetry_covers() -> None:
    # Good, neutral and bad visits; a bad one loses .20 and a good one wins .10, for everyone.
    held, n = [], 3_000
    for seed in range(60):
        rng = np.random.default_rng(seed)
        mark, customer = rng.integers(-1, 2, n), rng.integers(0, 1_500, n)
        chance = 0.5 + np.where(mark < 0, -0.20, np.where(mark > 0, 0.10, 0.0))
        y = (rng.random(n) < chance).astype(float)

        def compared(good: int, bad: int, y=y, mark=mark, customer=customer) -> VisitEffect:
            part = np.isin(mark, (good, bad))
            X = pd.DataFrame(index=range(int(part.sum())))
            return visit_effect(sample_of(y[part], mark[part] == good, X, customer[part]))

        found = asymmetry(compared(0, -1), compared(1, 0))
        held.append(found.value is not None and found.lo <= 2.0 <= found.hi)
    assert np.mean(held) >= 0.9
