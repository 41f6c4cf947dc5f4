"""Planted truth: four touchpoints that matter by 8 points, eight that do not, all confounded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from journeylib.judge.estimation.design_matrix import sample_of
from journeylib.judge.moments.effect import VisitEffect, visit_effect
from journeylib.judge.moments.multiple_testing import decide
from journeylib.judge.moments.survival import presence_effect

pytestmark = pytest.mark.slow

JOURNEYS = 6_000
TRUE_EFFECT = 0.08
TRUTH = np.array([TRUE_EFFECT] * 4 + [0.0] * 8)


def family(seed: int, *, hidden: bool = False) -> list[VisitEffect]:
    """Return twelve effects where severity makes visits go badly and customers leave.

    Severity is partly the customer's own (journeys of one customer are dependent). With
    `hidden`, it is not among the covariates.
    """
    rng = np.random.default_rng(seed)
    customers = int(0.7 * JOURNEYS)
    customer = rng.integers(0, customers, JOURNEYS)
    own = rng.normal(size=customers)[customer]
    severity = 0.8 * rng.normal(size=JOURNEYS) + 0.6 * own
    tenure, premium = rng.normal(size=JOURNEYS), rng.random(JOURNEYS) < 0.4
    spend_before = 0.8 * severity + 0.4 * tenure + rng.normal(size=JOURNEYS)
    base = 0.55 - 0.12 * np.tanh(severity) + 0.05 * np.tanh(tenure) + 0.04 * premium
    X = pd.DataFrame({"tenure": tenure, "premium": premium, "severity": severity})
    X = X.drop(columns="severity") if hidden else X
    found = []
    for k, effect in enumerate(TRUTH):
        reached = rng.random(JOURNEYS) < rng.uniform(0.8, 1)
        chance = 1 / (1 + np.exp(-0.3 + 0.9 * severity - 0.3 * tenure - 0.2 * premium))
        good = rng.random(JOURNEYS) < chance
        kept = rng.random(JOURNEYS) < base + 0.04 * (own > 0) + effect * (good - 0.5)
        found.append(
            visit_effect(
                sample_of(
                    kept[reached],
                    good[reached],
                    X[reached],
                    customer[reached],
                    start=np.arange(JOURNEYS)[reached],
                    control=spend_before[reached],
                ),
                touchpoint=f"touchpoint {k}",
                outcome="kept",
            )
        )
    return found


@dataclass(frozen=True)
class Tally:
    called: np.ndarray
    covered: np.ndarray
    naive_called: np.ndarray
    graded_b: np.ndarray


@pytest.fixture(scope="module")
def tally() -> Tally:
    called, covered, naive, graded = [], [], [], []
    for seed in range(24):
        effects = family(seed)
        called.append(decide(effects)["is_moment"])
        covered.append(
            [e.effect.lo <= t <= e.effect.hi for e, t in zip(effects, TRUTH, strict=True)]
        )
        naive.append([e.naive.lo > 0.02 or e.naive.hi < -0.02 for e in effects])
        graded.append([e.grade == "B" for e in effects])
    return Tally(*map(np.array, (called, covered, naive, graded)))


def test_false_discovery_share(tally: Tally) -> None:
    false = tally.called[:, TRUTH == 0].sum(axis=1)
    share = false / np.maximum(tally.called.sum(axis=1), 1)
    assert share.mean() <= 0.10


def test_power_on_eight_points(tally: Tally) -> None:
    assert tally.called[:, TRUTH > 0].mean() >= 0.9


def test_coverage(tally: Tally) -> None:
    assert tally.covered.mean() >= 0.92


def test_the_naive_column_is_fooled(tally: Tally) -> None:
    naive = tally.naive_called
    assert (naive[:, TRUTH == 0].sum() / naive.sum()) > 0.5


def test_sound_effects_keep_their_grade(tally: Tally) -> None:
    assert tally.graded_b.mean() >= 0.9


def test_a_hidden_confounder_trips_the_negative_control() -> None:
    effects = [effect for seed in range(8) for effect in family(seed, hidden=True)]
    tripped = np.mean([e.state("negative_control") == "failed" for e in effects])
    assert tripped >= 0.95
    assert np.mean([e.grade == "C" for e in effects]) >= 0.95
    assert decide(effects)["is_moment"].mean() <= 0.05


def stays(seed: int, n: int = 800) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Visit rate .1 a day, leaving .05 a day whatever happened, 60 days: visits change nothing."""
    rng = np.random.default_rng(seed)
    visit = rng.exponential(10, n)
    stay = np.minimum(rng.exponential(20, n), 60)
    return stay, stay < 60, np.where(visit < stay, visit, np.nan)


def test_immortal_time_does_not_make_a_null_touchpoint_a_moment() -> None:
    start_stop, landmark = [], []
    for seed in range(100):
        stay, left, visit = stays(seed)
        start_stop.append(presence_effect(stay, left, visit))
        landmark.append(presence_effect(stay, left, visit, design="landmark", landmark=7))
    for found in (start_stop, landmark):
        assert np.mean([not e.lo <= 1 <= e.hi for e in found]) <= 0.08
        assert np.mean([np.log(e.value) for e in found]) == pytest.approx(0, abs=0.03)


def test_the_refused_comparison_would_have_looked_miraculous() -> None:
    from statsmodels.duration.hazard_regression import PHReg

    stay, left, visit = stays(0, n=2000)
    ever = (~np.isnan(visit)).astype(float)
    ratio = np.exp(PHReg(stay, ever[:, None], status=left, ties="breslow").fit().params[0])
    assert ratio < 0.3
