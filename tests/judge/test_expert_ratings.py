from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from journeylib.core.errors import SchemaError
from journeylib.judge.experience.expert_ratings import compare_ratings, krippendorff_alpha
from journeylib.judge.scorecard.scorecard import score_evidence

x = np.nan


def test_published_alpha():
    # Krippendorff (2011): four observers, twelve units, ordinal alpha .815
    values = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, x, x, x],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, x, 3],
        [x, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, x],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, x],
    ]
    assert krippendorff_alpha(values) == pytest.approx(0.815, abs=0.0005)


def test_alpha_without_pairs_or_without_variety_is_unknown():
    assert math.isnan(krippendorff_alpha([[1, x], [x, 2]]))
    assert math.isnan(krippendorff_alpha([[3, 3], [3, 3]]))


@pytest.fixture
def judgement(evidence_of, profile):
    measured = {
        "Balance": profile(fit=1, need=0),
        "Address": profile(fit=1, need=0.55),
        "Bereavement": profile(fit=1, need=1),
    }
    return score_evidence(evidence_of(measured))


def test_people_and_log_side_by_side(judgement):
    ratings = pd.DataFrame(
        [
            ("Balance", "r1", 2),
            ("Balance", "r2", 1),
            ("Address", "r1", 4),
            ("Address", "r2", 4),
            ("Bereavement", "r1", 5),
            ("Unknown", "r1", 3),
            ("Unknown", "r2", 3),
        ],
        columns=["touchpoint", "rater", "human_agency"],
    )
    found = compare_ratings(ratings, judgement.scores).touchpoints.set_index("touchpoint")
    assert found["raters"].to_dict() == {
        "Address": 2,
        "Balance": 2,
        "Bereavement": 1,
        "Unknown": 2,
    }
    assert found.loc["Balance", ["human_agency", "log_level", "difference"]].tolist() == [
        1.5,
        1.5,
        0,
    ]
    assert found.loc["Address", ["human_agency", "log_level", "difference"]].tolist() == [4, 3, 1]
    assert found["flagged"].to_dict() == {
        "Address": True,
        "Balance": False,
        "Bereavement": False,  # one rater is no judgement
        "Unknown": False,
    }
    assert math.isnan(found.loc["Bereavement", "human_agency"])
    assert math.isnan(found.loc["Unknown", "log_level"])


def test_groups_are_compared_not_averaged(judgement):
    rows = []
    for i in range(12):
        level = 1 + i % 5
        rows.append((f"T{i}", "w", "workers", min(level + 1, 5)))
        rows.append((f"T{i}", "e", "experts", level))
    ratings = pd.DataFrame(rows, columns=["touchpoint", "rater", "group", "human_agency"])
    found = compare_ratings(ratings, judgement.scores)
    row = found.groups.iloc[0]
    assert (row["group"], row["other"], row["touchpoints"]) == ("experts", "workers", 12)
    # levels 1..5 for i % 5; level 5 (i = 4, 9) cannot rise: 10 of 12 are lower
    assert (row["more"], row["less"]) == (0, pytest.approx(10 / 12))
    # quadratic kappa: 1 − Σd² / Σd² by chance, over 12 pairs with 10 differences of 1
    experts = np.array([1 + i % 5 for i in range(12)])
    workers = np.minimum(experts + 1, 5)
    chance = ((experts[:, None] - workers[None, :]) ** 2).sum() / 12
    assert row["kappa"].value == pytest.approx(1 - 10 / chance)
    assert row["kappa"].lo <= row["kappa"].value <= row["kappa"].hi
    assert found.agreement.value == pytest.approx(krippendorff_alpha([experts, workers]))


def test_few_touchpoints_give_no_agreement(judgement):
    rows = [("A", "r1", 1), ("A", "r2", 2), ("B", "r1", 4), ("B", "r2", 4)]
    ratings = pd.DataFrame(rows, columns=["touchpoint", "rater", "human_agency"])
    found = compare_ratings(ratings, judgement.scores)
    assert (found.agreement.value, found.agreement.abstain) == (None, "n_small")
    assert found.groups.empty


def test_epoch_ratings_need_no_level(judgement):
    cells = {"empathy": 4, "presence": 3, "opinion": 2, "creativity": 1, "hope": 0}
    ratings = pd.DataFrame([{"touchpoint": "A", "rater": r, **cells} for r in ("r1", "r2")])
    row = compare_ratings(ratings, judgement.scores).touchpoints.iloc[0]
    assert row["epoch"] == 2.0
    assert math.isnan(row["human_agency"])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"touchpoint": "A", "ratr": "r"}, "'rater' is not in the ratings. Did you mean 'ratr'"),
        ({"touchpoint": "A", "rater": "r"}, "need 'human_agency' or all of empathy"),
        ({"touchpoint": "A", "rater": "r", "human_agency": 0}, "1 ratings in 'human_agency'"),
    ],
)
def test_ratings_that_would_be_misread_are_refused(judgement, cells, message):
    with pytest.raises(SchemaError, match=message):
        compare_ratings(pd.DataFrame([cells]), judgement.scores)


def test_a_touchpoint_rated_twice_by_one_rater_is_refused(judgement):
    ratings = pd.DataFrame({"touchpoint": ["A", "A"], "rater": ["r", "r"], "human_agency": [1, 2]})
    with pytest.raises(SchemaError, match="1 rows rate a touchpoint again"):
        compare_ratings(ratings, judgement.scores)
