"""The numbers that docs/case-studies.md tells."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def study(examples: Path, shared_data: Path) -> dict[str, Any]:
    return runpy.run_path(str(examples / "case_studies.py"))


def points(value: float) -> str:
    return f"{100 * value:+.1f}"


def test_transferred_conversations_are_scored_better(study: dict[str, Any]) -> None:
    rows = study["conversations"]()
    found = study["solved_by_transfer"](rows)
    assert (found["all"].hits, found["all"].of) == (84, 200)
    assert (found["transferred"].hits, found["transferred"].of) == (35, 48)
    assert (found["stayed"].hits, found["stayed"].of) == (49, 152)
    assert points(found["difference"]) == "+40.7"
    assert (points(found["lo"]), points(found["hi"])) == ("+23.5", "+57.8")
    # Tasks tried both ways: the difference was one between tasks.
    both = study["within_tasks"](rows)
    assert len(both) == 19
    assert both.mean().round(3).to_dict() == {"stayed": 0.447, "transferred": 0.474}


@pytest.mark.slow
def test_passing_on_changes_its_sign_once_time_is_aligned(study: dict[str, Any]) -> None:
    rows = study["tickets"]()
    assert (len(rows), int(rows["ever_passed_on"].sum())) == (24_918, 11_369)
    assert int(rows["missed"].sum()) == 9_115
    estimate = study["missed_by_passing_on"]
    ever = estimate(rows, "ever_passed_on")
    assert points(ever.naive.value) == "+32.8"
    assert points(ever.effect.value) == "+30.2"
    waiting = rows[rows["open_at_landmark"]]
    assert (len(waiting), int(waiting["passed_on_early"].sum())) == (13_758, 5_261)
    early = estimate(waiting, "passed_on_early")
    assert points(early.naive.value) == "-7.1"
    assert points(early.effect.value) == "-5.5"
    assert (points(early.effect.lo), points(early.effect.hi)) == ("-7.5", "-3.6")
    # Nothing from before the opening is in the log to test for what is hidden.
    assert early.grade == "C"
    assert early.state("negative_control") == "not_assessable"


def test_the_page_tells_these_numbers() -> None:
    page = (DOCS / "case-studies.md").read_text(encoding="utf-8")
    for number in (
        "35 of 48",
        "49 of 152",
        "+40.7",
        "+23.5",
        "47.4",
        "44.7",
        "+32.8",
        "+30.2",
        "−7.1",
        "−5.5",
        "13,758",
    ):
        assert number in page
