"""Estimators against hand-worked tables, statsmodels, and published numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from journeylib.core.errors import RunError
from journeylib.judge.estimation import estimators as effects
from journeylib.judge.estimation.design_matrix import Sample, design_matrix, sample_of


def confounded(n: int, *, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"tenure": rng.normal(size=n), "severity": rng.normal(size=n)})
    good = rng.random(n) < 1 / (1 + np.exp(X["severity"]))
    y = rng.random(n) < 1 / (1 + np.exp(X["severity"] - 0.5 * good))
    return X, good, y.astype(float), rng.integers(0, n // 2, n)


def test_naive_effect_by_hand() -> None:
    # good: 3 of 4 kept; bad: 1 of 4 kept; each journey its own customer
    sample = sample_of(
        [1, 1, 1, 0, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0, 0],
        pd.DataFrame(index=range(8)),
        range(8),
    )
    found = effects.naive_effect(sample)
    assert found.value == 0.5
    # HC errors: Σ(y − mean)²/4² in each arm = .75/16, times 8/7 clusters
    assert found.se == pytest.approx(np.sqrt(2 * 0.75 / 16 * 8 / 7))


def test_a_customer_counted_twice_adds_no_information() -> None:
    y, good = np.array([1, 1, 1, 0, 1, 0, 0, 0]), np.array([1, 1, 1, 1, 0, 0, 0, 0])
    empty = pd.DataFrame(index=range(16))
    once = sample_of(y, good, empty.iloc[:8], range(8))
    twice = sample_of(np.tile(y, 2), np.tile(good, 2), empty, list(range(8)) * 2)
    assert effects.naive_effect(twice).se == pytest.approx(effects.naive_effect(once).se)


def test_adjusted_effect_equals_statsmodels_margins() -> None:
    import statsmodels.api as sm

    X, good, y, customer = confounded(1500, seed=3)
    sample = sample_of(y, good, X, customer)
    Z = np.column_stack([np.ones(1500), good, design_matrix(X)])
    logit = sm.Logit(y, Z).fit(disp=0, cov_type="cluster", cov_kwds={"groups": customer})
    margins = logit.get_margeff(dummy=True)
    found = effects.adjusted_effect(sample)
    assert found.value == pytest.approx(margins.margeff[0], abs=1e-4)
    # ours adds the spread of the covariates to the spread of the coefficients
    assert found.se == pytest.approx(margins.margeff_se[0], rel=0.02)


def test_aipw_is_right_when_either_model_is() -> None:
    X, good, y, customer = confounded(20_000, seed=5)
    sample = sample_of(y, good, X, customer)
    fitted = effects.cross_fit(sample)
    true_e = 1 / (1 + np.exp(sample.X[:, 1] * X["severity"].std() + X["severity"].mean()))
    n = len(sample.y)
    wrong_outcome = effects.Nuisance(true_e, np.full(n, 0.9), np.full(n, 0.1))
    wrong_propensity = effects.Nuisance(np.full(n, 0.5), fitted.if_good, fitted.if_bad)
    severity = X["severity"].to_numpy()
    truth = np.mean(1 / (1 + np.exp(severity - 0.5)) - 1 / (1 + np.exp(severity)))
    for nuisance in (fitted, wrong_outcome, wrong_propensity):
        assert effects.aipw_effect(sample, nuisance).value == pytest.approx(truth, abs=0.03)
    assert effects.naive_effect(sample).value > truth + 0.1


def test_shuffled_rows_and_renamed_customers_change_no_bit() -> None:
    X, good, y, customer = confounded(600, seed=7)
    rng = np.random.default_rng(0)
    order = rng.permutation(600)
    names = np.array([f"c{k}" for k in rng.permutation(300)])[customer]

    def value(*columns: object) -> float:
        sample = sample_of(*columns)  # type: ignore[arg-type]
        return effects.aipw_effect(sample, effects.cross_fit(sample)).value

    plain = value(y, good, X, customer)
    assert value(y[order], good[order], X.iloc[order], customer[order]) == plain
    assert value(y, good, X, names) == plain


def test_design_matrix_pools_rare_levels_and_marks_missing_numbers() -> None:
    X = pd.DataFrame(
        {
            "plan": ["a"] * 60 + ["b"] * 35 + ["c"] * 5,
            "age": [np.nan] * 50 + [30.0] * 25 + [40.0] * 25,
            "same": 1,
        }
    )
    # plan b against the rest; age; age missing; the constant is gone
    assert design_matrix(X).shape == (100, 3)
    assert design_matrix(X).mean(axis=0) == pytest.approx([0, 0, 0], abs=1e-12)


def test_missing_outcomes_are_refused_with_their_number() -> None:
    with pytest.raises(RunError, match=r"1 of 2 values of 'y' are missing"):
        sample_of([np.nan, 1], [1, 0], pd.DataFrame(index=range(2)), [1, 2])
    with pytest.raises(RunError, match="differ in length"):
        sample_of([1, 1], [1], pd.DataFrame(index=range(2)), [1, 2])


def test_e_value_of_published_ratios_and_of_differences() -> None:
    assert effects.e_value(3.9) == pytest.approx(7.26, abs=0.005)
    assert effects.e_value(1.8) == pytest.approx(3.00, abs=0.005)
    assert effects.e_value(1 / 3.9) == pytest.approx(7.26, abs=0.005)
    shared = {"baseline": 0.5, "spread": 0.5, "binary": True}
    # the limit +.05 on a risk of .5 is a ratio of 1.1: 1.1 + √.11
    assert effects.e_value_of_limit(0.1, 0.05, 0.15, **shared) == pytest.approx(1.1 + 0.11**0.5)
    assert effects.e_value_of_limit(0.1, -0.01, 0.2, **shared) == 1.0


def nhefs() -> tuple[Sample, pd.DataFrame]:
    causaldata = pytest.importorskip("causaldata", reason="causaldata is not installed")
    data = causaldata.nhefs_complete.load_pandas().data.apply(pd.to_numeric, errors="coerce")
    X = pd.DataFrame({"sex": data["sex"], "race": data["race"]})
    for name, levels in (("education", (2, 3, 4, 5)), ("exercise", (1, 2)), ("active", (1, 2))):
        for level in levels:
            X[f"{name}{level}"] = (data[name] == level).astype(int)
    for name in ("age", "wt71", "smokeintensity", "smokeyrs"):
        X[name], X[f"{name}_squared"] = data[name], data[name] ** 2
    return sample_of(data["wt82_71"], data["qsmk"], X, data["seqn"]), X


def test_nhefs_naive_and_doubly_robust_estimates() -> None:
    """Hernán and Robins, *What If*, chapters 12 and 13: weight gained after quitting smoking."""
    sample, X = nhefs()
    nuisance = effects.cross_fit(sample, folds=1)
    assert len(sample.y) == 1566
    assert effects.naive_effect(sample).value == pytest.approx(2.54, abs=0.005)
    # the book's outcome model: one for both arms, with quitting × intensity
    at = list(X.columns).index("smokeintensity")
    intensity = sample.X[:, at]

    def design(good: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(1566), good, sample.X, good * intensity])

    beta = np.linalg.lstsq(design(sample.good.astype(float)), sample.y, rcond=None)[0]
    if_good, if_bad = design(np.ones(1566)) @ beta, design(np.zeros(1566)) @ beta
    assert (if_good - if_bad).mean() == pytest.approx(3.52, abs=0.005)
    robust = effects.aipw_effect(sample, effects.Nuisance(nuisance.propensity, if_good, if_bad))
    assert robust.value == pytest.approx(3.46, abs=0.005)
    assert robust.interval == pytest.approx((2.50, 4.42), abs=0.006)


def test_nhefs_with_our_defaults_agrees_with_the_book() -> None:
    sample, _ = nhefs()
    ours = effects.aipw_effect(sample, effects.cross_fit(sample))
    lo, hi = ours.interval
    assert lo < 3.46 < hi
    assert ours.value > effects.naive_effect(sample).value
