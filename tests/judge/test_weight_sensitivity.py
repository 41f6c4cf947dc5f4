from __future__ import annotations

import pytest

from journeylib.judge.scorecard.scorecard import score_evidence
from journeylib.judge.scorecard.stability import dirichlet
from journeylib.judge.scorecard.weight_sensitivity import weight_sensitivity
from journeylib.judge.settings import JudgeSettings


def test_dirichlet_keeps_its_centre_and_its_zeros():
    drawn = dirichlet([10, 0, 30], 20_000)
    assert drawn.sum(axis=1) == pytest.approx(1)
    assert drawn[:, 1].max() == 0
    assert drawn.mean(axis=0) == pytest.approx([0.25, 0, 0.75], abs=0.005)
    assert (drawn == dirichlet([10, 0, 30], 20_000)).all()


def test_sensitivity_table(evidence_of, profile):
    measured = {
        "A": profile(fit=1, need=0),
        "B": profile(fit=0.3, need=0.8),
        "C": profile(fit=0.6, need=0.5) | {"load": "no_column"},
        "D": {},
    }
    judgement = score_evidence(evidence_of(measured))
    table = weight_sensitivity(judgement)
    assert table["touchpoint"].unique().tolist() == ["A", "B", "C"]  # D has no score
    assert table["weighting"].tolist()[:3] == ["configured", "equal", "complexity_in_need"]
    # at the ends of every value function, weights do not matter
    ends = table[table["touchpoint"] == "A"]
    assert ends["automation_fit"].tolist() == pytest.approx([100] * 3)
    assert ends["verdict"].tolist() == ["automate"] * 3
    assert not table.loc[table["weighting"] == "configured", "changed"].any()
    # equal weights over the ten indicators that A, B and C share
    u = judgement.indicators.query("axis == 'automation_fit' and touchpoint == 'B'")
    u = u[u["indicator"] != "load"]["score"].mean()
    equal = table.query("touchpoint == 'B' and weighting == 'equal'")["automation_fit"].item()
    assert equal == pytest.approx(100 * u)


def test_nothing_scored_gives_empty_tables(evidence_of):
    judgement = score_evidence(evidence_of({"A": {}}))
    assert weight_sensitivity(judgement).empty


def test_declared_stakes_stand_in_for_an_effect_nobody_could_estimate(evidence_of, profile):
    measured = {
        "A": profile(fit=1, need=0.2) | {"stakes": "n_small"},
        "B": profile(fit=1, need=0.2),
    }
    settings = JudgeSettings(value_at_risk={"A": 0.1, "B": 0.1, "Z": 0.1})
    found = score_evidence(evidence_of(measured), settings).indicators
    stakes = found[found["indicator"] == "stakes"].set_index("touchpoint")
    assert stakes.loc["A", ["raw", "grade", "source"]].tolist() == [
        0.1,
        "D",
        "declared by the company",
    ]
    assert stakes.loc["B", "grade"] == "C"
