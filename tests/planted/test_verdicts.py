"""Planted verdicts of an insurer that is made otherwise than the sample data."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.verdicts import judged, outcome


@pytest.mark.slow
def test_planted_verdicts_are_found_and_none_is_wrong() -> None:
    """Eight touchpoints of one seed; `python -m benchmarks.verdicts 10` tells of more."""
    scores = judged(seed=3, customers=2_000)
    counts = Counter(outcome(row) for row in scores.to_dict("records"))
    assert counts["wrong"] == 0, scores[["touchpoint", "planted", "verdict"]]
    assert counts["right"] >= 7
    assert sum(counts.values()) == 8
