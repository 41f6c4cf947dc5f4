from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from journeylib.judge.scorecard.value_functions import axis_score, value_of, weighted_score
from journeylib.judge.settings import AXES, DEFAULTS, Indicator, JudgeSettings


@pytest.mark.parametrize(
    ("indicator", "raw", "score"),
    [
        ("volume", [1, 10, 1000, 5000, 0], [0, 1 / 3, 1, 1, 0]),  # log10: 0, 1, 3
        ("next_steps", [1, 2, 4, 10], [1, 0.5, 0.25, 0.1]),  # 1 / D
        ("duration_spread", [0, 1, 2], [1, 0.5, 0.2]),  # 1 / (1 + σ²)
        ("rework", [0, 0.25, 0.5, 0.9], [1, 0.5, 0, 0]),
        ("saving", [-100, 0, 240, 2400], [0, 0, 0.5, 1]),
        ("sentiment_drop", [-0.4, -0.1, 0.3], [1, 0.25, 0]),
        ("vulnerable", [0, 0.05, 0.125, 0.2], [0, 0.5, 0.75, 1]),
    ],
)
def test_value_functions_worked_by_hand(indicator, raw, score):
    default = {**DEFAULTS["automation_fit"], **DEFAULTS["empathy_need"]}[indicator]
    assert value_of(default, raw) == pytest.approx(score)


def test_missing_stays_missing():
    assert np.isnan(value_of(DEFAULTS["automation_fit"]["volume"], [np.nan])).all()


def test_default_weights_sum_to_one_and_have_sources():
    for indicators in DEFAULTS.values():
        assert sum(i.weight for i in indicators.values()) == pytest.approx(1)
        assert all(len(i.source) > 20 for i in indicators.values())


def test_interval_score_worked_by_hand():
    # observed .5·.8 + .3·.4 = .52 of .8; missing .2
    w, u = np.array([0.5, 0.3, 0.2]), np.array([0.8, 0.4, np.nan])
    found = axis_score("abc", w, u, np.tile(u[:, None], 3), min_coverage=0.7)
    assert (found.value, found.coverage) == (pytest.approx(65), pytest.approx(0.8))
    assert (found.floor, found.ceiling) == (pytest.approx(52), pytest.approx(72))
    assert (found.lo, found.hi, found.se) == (found.value, found.value, 0)
    found = axis_score("abc", w, u, np.tile(u[:, None], 3), min_coverage=0.81)
    assert np.isnan([found.value, found.lo, found.hi, found.se]).all()
    assert (found.floor, found.ceiling) == (pytest.approx(52), pytest.approx(72))


def test_coverage_just_at_the_minimum_is_enough():
    w = np.array([0.1] * 10)  # .1 ten times is not 1 in binary
    u = np.array([0.5] * 7 + [np.nan] * 3)
    found = axis_score("abcdefghij", w, u, np.tile(u[:, None], 2), min_coverage=0.7)
    assert found.value == pytest.approx(50)


def test_a_resample_without_one_indicator_renormalises():
    u = np.array([[0.8, 0.8], [0.4, np.nan]])
    assert weighted_score(u, np.array([[0.5, 0.5]]))[:, 0] == pytest.approx([60, 80])


known = st.one_of(st.none(), st.floats(0, 1))


@given(st.lists(known, min_size=2, max_size=8), st.data())
def test_a_better_indicator_never_lowers_the_score(u, data):
    values = np.array([np.nan if x is None else x for x in u])
    there = np.flatnonzero(np.isfinite(values))
    if not len(there):
        return
    weights = np.array(data.draw(st.lists(st.floats(0.01, 1), min_size=len(u), max_size=len(u))))
    better = values.copy()
    better[data.draw(st.sampled_from(there.tolist()))] = 1.0
    before, after = (
        axis_score([""] * len(u), weights, v, v[:, None], min_coverage=0) for v in (values, better)
    )
    assert after.value >= before.value - 1e-9
    assert after.floor >= before.floor - 1e-9
    assert before.floor - 1e-9 <= before.value <= before.ceiling + 1e-9
    assert after.coverage == before.coverage


@given(st.sampled_from(AXES), st.data())
def test_value_functions_keep_the_direction_of_their_anchors(axis, data):
    indicator = data.draw(st.sampled_from(list(DEFAULTS[axis].values())))
    low, high = sorted(data.draw(st.tuples(*[st.floats(-5000, 5000)] * 2)))
    rises = indicator.anchors[-1][1] > indicator.anchors[0][1]
    a, b = value_of(indicator, [low, high])
    assert 0 <= a <= 1 and 0 <= b <= 1
    assert (a <= b) if rises else (a >= b)


def test_a_configuration_changes_one_field_and_keeps_the_rest():
    settings = JudgeSettings(automation_fit={"volume": {"weight": 0.3}})
    assert settings.automation_fit["volume"].weight == 0.3
    assert settings.automation_fit["volume"].anchors == DEFAULTS["automation_fit"]["volume"].anchors
    assert settings.automation_fit["volume"].source == "configuration"
    assert settings.automation_fit["load"] == DEFAULTS["automation_fit"]["load"]
    assert JudgeSettings.model_validate(settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({"automation_fit": {"volum": {"weight": 1}}}, "Did you mean 'volume'"),
        ({"automate_from": 30}, "'assist_from' must not exceed 'automate_from'"),
        ({"empathy_low": 80}, "'empathy_low' must not exceed 'empathy_high'"),
        (
            {"empathy_need": {name: {"weight": 0} for name in DEFAULTS["empathy_need"]}},
            "'empathy_need' needs an indicator with a weight above 0",
        ),
        (
            {
                "offices": {
                    "back": {
                        "empathy_binds": False,
                        "no_customer_voice": [*DEFAULTS["empathy_need"]],
                    }
                }
            },
            "office 'back' leaves 'empathy_need' without an indicator",
        ),
        ({"legaly_human": ["A"]}, "Extra inputs"),
    ],
)
def test_settings_refuse_what_cannot_be_meant(given_settings, message):
    with pytest.raises(ValidationError, match=message):
        JudgeSettings(**given_settings)


@pytest.mark.parametrize(
    ("anchors", "scale", "message"),
    [
        (((1, 0), (1, 1)), "linear", "must rise"),
        (((0, 0), (1, 1.5)), "linear", "between 0 and 1"),
        (((0, 0), (1, 1), (2, 0.5)), "linear", "only rise or only fall"),
        (((0, 0), (1, 1)), "log", "above 0"),
    ],
)
def test_anchors_must_make_a_value_function(anchors, scale, message):
    with pytest.raises(ValidationError, match=message):
        Indicator(weight=1, anchors=anchors, scale=scale)
