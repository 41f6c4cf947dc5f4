from __future__ import annotations

import numpy as np
import pytest

from journeylib.judge.scorecard import score_evidence
from journeylib.judge.sensitivity import rank_acceptability, weight_sensitivity
from journeylib.judge.smaa import (
    acceptability,
    critic_weights,
    dirichlet,
    entropy_weights,
    equal_weights,
)

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
