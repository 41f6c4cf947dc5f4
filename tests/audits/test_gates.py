"""Gates: what passes, fails, or cannot be told."""

from __future__ import annotations

from typing import Any

import pytest

from journeylib.audits.config.audit_config import Gate
from journeylib.audits.findings.gates import check_gates
from journeylib.core.errors import ConfigError

DOCUMENT: dict[str, Any] = {
    "log": {"events": 120, "quality": []},
    "handoffs": {"contained_verified": {"value": 0.4, "lo": 0.3}, "wait_seconds": {"value": None}},
    "touchpoints": [
        {"touchpoint": "Pay. [now]", "events": 7, "measures": {"volume": {"value": 2.5}}},
        {"touchpoint": "Call", "events": 9, "measures": {}},
    ],
    "moments_of_truth": [
        {"touchpoint": "Call", "outcome": "churn", "q_value": 0.01},
        {"touchpoint": "Call", "outcome": "nps", "q_value": None},
    ],
}


def verdict(metric: str, **bounds: Any) -> tuple[str, float | None]:
    (outcome,) = check_gates([Gate(id="g", metric=metric, **bounds)], DOCUMENT)
    return outcome.verdict, outcome.evidence["value"]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"min": 0.4}, "pass"),
        ({"min": 0.41}, "fail"),
        ({"max": 0.4}, "pass"),
        ({"max": 0.39}, "fail"),
        ({"min": 0.3, "max": 0.5}, "pass"),
        ({"min": 0.1, "max": 0.3}, "fail"),
    ],
)
def test_bounds_belong_to_what_is_allowed(bounds: dict[str, float], expected: str) -> None:
    assert verdict("handoffs.contained_verified", **bounds) == (expected, 0.4)


def test_a_part_of_an_estimate_can_be_asked_for() -> None:
    assert verdict("handoffs.contained_verified.lo", min=0.35) == ("fail", 0.3)


def test_a_metric_without_an_answer_fails_only_where_asked_to() -> None:
    assert verdict("handoffs.wait_seconds", max=60) == ("not_assessable", None)
    assert verdict("handoffs.wait_seconds", max=60, not_assessable="fail") == ("fail", None)


def test_bounds_in_place_of_a_small_share_decide_where_the_limit_lies_outside_them() -> None:
    few = {"value": None, "lo": 0.0, "hi": 0.05, "unit": "share", "abstain": "privacy"}
    document = {**DOCUMENT, "flow": {"repeat_contact": few}}
    found = [
        check_gates([Gate(id="g", metric="flow.repeat_contact", **bounds)], document)[0]
        for bounds in ({"max": 0.05}, {"max": 0.03}, {"min": 0.1}, {"min": 0.0, "max": 0.2})
    ]
    assert [one.verdict for one in found] == ["pass", "not_assessable", "fail", "pass"]
    assert "is under 5 %" in found[0].text and found[0].evidence["value"] is None


def test_rows_are_picked_by_name_even_one_with_dots_and_brackets() -> None:
    assert verdict("touchpoints[touchpoint=Pay. [now]].events", min=8) == ("fail", 7)
    assert verdict("touchpoints[touchpoint=Pay. [now]].measures.volume", min=2) == ("pass", 2.5)
    assert verdict("moments_of_truth[touchpoint=Call][outcome=churn].q_value", max=0.1) == (
        "pass",
        0.01,
    )


def test_a_touchpoint_that_is_not_there_has_no_answer() -> None:
    assert verdict("touchpoints[touchpoint=Gone].events", min=1) == ("not_assessable", None)


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("touchpoints[touchpoint=Call].measures.volum", "has no 'volum' in this run"),
        ("touchpoints[touchpoint=Pay. [now]].measures.volum", "Did you mean 'volume'?"),
        ("moments_of_truth[touchpoint=Call].q_value", "picks 2 rows of 'moments_of_truth'"),
    ],
)
def test_what_only_the_run_can_tell_is_wrong(metric: str, said: str) -> None:
    with pytest.raises(ConfigError, match="gate 'g'") as caught:
        verdict(metric, min=0)
    assert said in str(caught.value)


def test_the_text_says_what_was_asked() -> None:
    (outcome,) = check_gates(
        [Gate(id="settled", metric="handoffs.contained_verified", min=0.5, max=0.9)], DOCUMENT
    )
    assert outcome.text == (
        "settled: handoffs.contained_verified is 0.4; at least 0.5 and at most 0.9 was asked."
    )


@pytest.mark.parametrize(
    ("bounds", "before", "expected"),
    [
        ({"max_fall": 0.05}, 0.45, "pass"),
        ({"max_fall": 0.05}, 0.46, "fail"),
        ({"max_fall": 0.05}, 0.3, "pass"),
        ({"max_rise": 0.05}, 0.34, "fail"),
        ({"max_rise": 0.05, "min": 0.5}, 0.4, "fail"),
        ({"max_rise": 0.05}, None, "not_assessable"),
    ],
)
def test_a_change_is_allowed_up_to_its_bound(
    bounds: dict[str, float], before: float | None, expected: str
) -> None:
    gate = Gate(id="g", metric="handoffs.contained_verified", **bounds)
    old = {"handoffs": {"contained_verified": {"value": before}}}
    assert check_gates([gate], DOCUMENT, old)[0].verdict == expected


def test_on_the_first_run_a_change_cannot_be_assessed() -> None:
    gate = Gate(id="g", metric="handoffs.contained_verified", max_fall=0.1)
    (outcome,) = check_gates([gate], DOCUMENT)
    assert outcome.verdict == "not_assessable"
    assert "there is no run before" in outcome.text
