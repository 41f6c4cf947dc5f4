from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from journeylib.judge.scorecard.scorecard import score_evidence
from journeylib.judge.scorecard.weight_sensitivity import rank_acceptability, weight_sensitivity
from journeylib.judge.scorecard.weighting_methods import (
    acceptability,
    ahp_weights,
    critic_weights,
    dirichlet,
    entropy_weights,
    equal_weights,
)
from journeylib.judge.settings import JudgeSettings

ROWS = [(0.9, 0.2, 0.5), (0.6, 0.6, 0.55), (0.2, 0.9, 0.5), (0.3, 0.3, 0.3)]


def test_published_oracle_of_rank_acceptability():
    found = acceptability(ROWS, dirichlet([1, 1, 1], 200_000))
    assert found.rank[:, 0] == pytest.approx([0.368, 0.266, 0.366, 0], abs=0.005)
    assert found.rank[:, -1] == pytest.approx([0.048, 0, 0.048, 0.904], abs=0.005)
    assert found.rank.sum(axis=0) == pytest.approx(1)
    assert found.rank.sum(axis=1) == pytest.approx(1)


def test_central_weights_and_pairwise():
    found = acceptability(ROWS, dirichlet([1, 1, 1], 20_000))
    assert found.central_weights[0].argmax() == 0  # the first row is best in the first column
    assert found.central_weights[2].argmax() == 1
    assert found.central_weights[0].sum() == pytest.approx(1)
    assert np.isnan(found.central_weights[3]).all()  # never first
    assert found.pairwise[1, 3] == 1.0  # better in every column
    assert found.pairwise[0, 2] + found.pairwise[2, 0] == pytest.approx(1)


def test_dirichlet_keeps_its_centre_and_its_zeros():
    drawn = dirichlet([10, 0, 30], 20_000)
    assert drawn.sum(axis=1) == pytest.approx(1)
    assert drawn[:, 1].max() == 0
    assert drawn.mean(axis=0) == pytest.approx([0.25, 0, 0.75], abs=0.005)
    assert (drawn == dirichlet([10, 0, 30], 20_000)).all()


def test_weightings_worked_by_hand():
    u = np.array([[1.0, 0.5, 0.5], [0.0, 0.5, 0.5]])
    assert equal_weights(u) == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    # the first column's entropy is 0, the others' is 1: all weight on the first
    assert entropy_weights(u) == pytest.approx([1, 0, 0])
    # columns that do not vary get nothing; a column alone has nothing to disagree with
    assert critic_weights(u) == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    # σ = (.5, .5, .25)·√2, correlations r12 = −1, r13 = 1, r23 = −1:
    # .5·(0+2+0), .5·(2+0+2), .25·(0+2+0)
    u = np.array([[1.0, 0.0, 0.75], [0.0, 1.0, 0.25]])
    assert critic_weights(u) == pytest.approx([1 / 3.5, 2 / 3.5, 0.5 / 3.5])
    flat = np.full((3, 2), 0.4)
    assert entropy_weights(flat) == pytest.approx([0.5, 0.5])
    assert entropy_weights(np.zeros((3, 2))) == pytest.approx([0.5, 0.5])


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
    assert table["weighting"].tolist()[:5] == [
        "configured",
        "equal",
        "entropy",
        "critic",
        "complexity_in_need",
    ]
    # at the ends of every value function, weights do not matter
    ends = table[table["touchpoint"] == "A"]
    assert ends["automation_fit"].tolist() == pytest.approx([100] * 5)
    assert ends["verdict"].tolist() == ["automate"] * 5
    assert not table.loc[table["weighting"] == "configured", "changed"].any()
    # equal weights over the ten indicators that A, B and C share
    u = judgement.indicators.query("axis == 'automation_fit' and touchpoint == 'B'")
    u = u[u["indicator"] != "load"]["score"].mean()
    equal = table.query("touchpoint == 'B' and weighting == 'equal'")["automation_fit"].item()
    assert equal == pytest.approx(100 * u)


def test_ranks_of_touchpoints(evidence_of, profile):
    measured = {"low": profile(fit=0.1, need=0), "high": profile(fit=0.9, need=0)}
    judgement = score_evidence(evidence_of(measured))
    table = rank_acceptability(judgement, "automation_fit")
    first = table[table["rank"] == 1].set_index("touchpoint")["share"].to_dict()
    assert first == {"low": 0.0, "high": 1.0}  # better in every indicator
    near = rank_acceptability(judgement, "empathy_need", concentration=50)
    assert near.groupby("touchpoint")["share"].sum().tolist() == pytest.approx([1, 1])


def test_nothing_scored_gives_empty_tables(evidence_of):
    judgement = score_evidence(evidence_of({"A": {}}))
    assert weight_sensitivity(judgement).empty
    assert rank_acceptability(judgement, "automation_fit").empty


def test_comparisons_of_pairs_as_published():
    """Saaty's scale on three alternatives: weights .279, .649, .072; λ = 3.065, ratio .056."""
    found = ahp_weights({"a": {"b": 1 / 3, "c": 5}, "b": {"c": 7}})
    assert list(found.weights.values()) == pytest.approx([0.2790, 0.6491, 0.0719], abs=1e-4)
    assert found.consistency_ratio == pytest.approx(0.0559, abs=5e-4)
    # a over b over c over a: nothing agrees, and the weights are equal
    circle = ahp_weights({"a": {"b": 3}, "b": {"c": 3}, "c": {"a": 3}})
    assert list(circle.weights.values()) == pytest.approx([1 / 3] * 3, abs=1e-5)
    # λ = 1 + 3 + 1/3
    assert circle.consistency_ratio == pytest.approx((13 / 3 - 3) / 2 / 0.58, rel=1e-5)
    assert ahp_weights({"a": {"b": 4}}).consistency_ratio == 0


def test_compared_pairs_are_one_more_weighting(evidence_of, profile):
    measured = {"A": profile(fit=1, need=0.2), "B": profile(fit=0.3, need=0.8)}
    evidence = evidence_of(measured)
    pairs = {"empathy_need": {"negative": {"human_request": 9}}}
    settings = JudgeSettings(pairwise=pairs)
    judgement = score_evidence(evidence, settings)
    table = weight_sensitivity(judgement, settings)
    compared = table[table["weighting"] == "ahp"].set_index("touchpoint")
    scores = judgement.scores.set_index("touchpoint")
    assert compared["automation_fit"].to_dict() == scores["automation_fit"].to_dict()
    u = judgement.indicators.set_index(["touchpoint", "indicator"])["score"]
    expected = 90 * u["A", "negative"] + 10 * u["A", "human_request"]
    assert compared.loc["A", "empathy_need"] == pytest.approx(expected, abs=1e-3)
    circle = {"empathy_need": {"negative": {"stakes": 9}, "stakes": {"human_request": 9},
                               "human_request": {"negative": 9}}}  # fmt: skip
    contradicting = JudgeSettings(pairwise=circle)
    assert "ahp" not in set(weight_sensitivity(judgement, contradicting)["weighting"])
    with pytest.raises(ValidationError, match="each pair of the indicators it names once"):
        JudgeSettings(pairwise={"empathy_need": {"negative": {"stakes": 2, "human_request": 2}}})
    with pytest.raises(ValidationError, match="Did you mean 'negative'"):
        JudgeSettings(pairwise={"empathy_need": {"negativ": {"stakes": 2}}})


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
