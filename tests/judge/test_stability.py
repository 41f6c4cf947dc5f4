from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeylib.judge.scorecard.scorecard import score_evidence
from journeylib.judge.scorecard.stability import draw_weights, verdict_shares
from journeylib.judge.scorecard.value_functions import AxisScore, axis_score
from journeylib.judge.scorecard.verdict import VERDICTS, Vetoes, boundary_distance, verdict_of
from journeylib.judge.scorecard.vetoes import Case
from journeylib.judge.settings import JudgeSettings

SETTINGS = JudgeSettings()
OPEN = Vetoes()


def one_indicator(name: str, draws: list[float]) -> AxisScore:
    """An axis with one indicator: its weight is 1 whatever is drawn."""
    u = np.array([draws])
    return axis_score([name], np.array([1.0]), u[:, 0], u, min_coverage=0.7)


def shares(
    fit: list[float], need: list[float], vetoes: Vetoes = OPEN, beyond: dict | None = None
) -> dict[str, float]:
    case = Case({}, {}, one_indicator("volume", fit), one_indicator("negative", need), True)
    found = verdict_shares(case, vetoes, SETTINGS, draw_weights(SETTINGS), beyond or {})
    return {v: float(s) for v, s in zip(VERDICTS, found, strict=True) if s}


def test_shares_are_exact_on_draws_counted_by_hand():
    fit = [0.9, 0.9, 0.5, 0.9]
    need = [0.1, 0.3, 0.1, 0.8]
    assert shares(fit, need) == {"automate": 0.5, "assist": 0.25, "human_led": 0.25}


def test_a_resample_without_evidence_counts_as_abstaining():
    assert shares([0.9, np.nan, 0.9, 0.9], [0.1] * 4) == {"automate": 0.75, "abstain": 0.25}


def test_resamples_beyond_a_limit_count_for_what_the_limit_says():
    """By hand, of four resamples: one broken, one with too many vulnerable customers."""
    broken = {"exceptions": np.array([True, False, False, False])}
    vulnerable = {"vulnerable": np.array([True, True, False, False])}
    fit, need = [0.9] * 4, [0.1] * 4
    assert shares(fit, need, beyond=broken) == {"fix_first": 0.25, "automate": 0.75}
    assert shares(fit, need, beyond=vulnerable) == {"assist": 0.5, "automate": 0.5}
    both = {"fix_first": 0.25, "assist": 0.25, "automate": 0.5}
    assert shares(fit, need, beyond=broken | vulnerable) == both
    assert shares(fit, [0.9] * 4, beyond=vulnerable) == {"human_only": 0.5, "human_led": 0.5}


def test_degenerate_draws_are_certain():
    assert shares([0.9] * 5, [0.1] * 5) == {"automate": 1.0}
    vetoed = Vetoes(names=("no_escape_hatch",))
    assert shares([0.9] * 5, [0.1] * 5, vetoed) == {"assist": 1.0}


@given(st.floats(0, 100), st.floats(0, 100), st.booleans())
def test_every_pair_of_scores_has_the_verdict_of_the_map(fit, need, binds):
    found = verdict_of(fit, need, Vetoes(empathy_binds=binds), SETTINGS)
    if need >= 70:
        assert found == ("human_led" if binds else "assist")
    elif fit >= 60 and need < 40:
        assert found == "automate"
    else:
        assert found == "assist"
    # a veto takes automation away and nothing else
    vetoed = verdict_of(fit, need, Vetoes(("vulnerable",), (), binds), SETTINGS)
    assert vetoed != "automate"
    assert verdict_of(fit, need, Vetoes(("legally_human",)), SETTINGS) == "human_only"
    assert verdict_of(fit, need, Vetoes((), ("rework",)), SETTINGS) == "fix_first"


@pytest.mark.parametrize(
    ("fit", "need", "distance"),
    [
        ((66, 2), (34, 2), 3),  # both three errors away
        ((66, 2), (34, 6), 1),  # need is one error from 40
        ((50, 2), (75, 2.5), 2),  # only need 70 changes it: below lies assist
        ((30, 5), (55, 5), 3),  # need 70
    ],
)
def test_boundary_distance_worked_by_hand(fit, need, distance):
    assert boundary_distance(fit, need, Vetoes(), SETTINGS) == pytest.approx(distance)


def test_no_boundary_where_no_score_decides():
    assert np.isnan(boundary_distance((90, 1), (10, 1), Vetoes((), ("rework",)), SETTINGS))


def test_stability_is_a_share_and_verdicts_need_it(evidence_of, profile):
    rng = np.random.default_rng(3)
    measured = {f"T{i}": profile(fit=rng.random(), need=rng.random()) for i in range(40)}
    scores = score_evidence(evidence_of(measured, sd=0.05)).scores
    assert scores["verdict_stability"].between(0, 1).all()
    issued = scores["verdict"] != "abstain"
    assert 0 < issued.sum() < 40
    assert (scores.loc[issued, "verdict_stability"] >= 0.8).all()
    open_ones = scores[~issued]
    leans = open_ones["leaning"].notna()
    assert (leans == (open_ones["verdict_stability"] >= 0.5)).all()
    assert open_ones["next_datum"].notna().all()
    assert scores.loc[issued, "next_datum"].isna().all()
    inside = scores["automation_fit"].between(
        scores["automation_fit_lo"], scores["automation_fit_hi"]
    )
    assert inside.all()


def test_drawn_weights_stay_around_the_configured_ones():
    weights = draw_weights(JudgeSettings(weight_draws=5000))
    for indicators, drawn in (
        (SETTINGS.automation_fit, weights.fit),
        (SETTINGS.empathy_need, weights.need),
    ):
        for name, indicator in indicators.items():
            assert drawn[name].mean() == pytest.approx(indicator.weight, abs=0.005)
            # Dirichlet: variance w (1 − w) / (concentration + 1)
            spread = np.sqrt(indicator.weight * (1 - indicator.weight) / 51)
            assert drawn[name].std() == pytest.approx(spread, rel=0.06)
