from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pandas.testing as pdt
import pytest

from journeylib.core.errors import RunError
from journeylib.core.estimate import Estimate
from journeylib.judge.scorecard.scorecard import score_evidence
from journeylib.judge.settings import JudgeSettings

NEEDS = tuple(JudgeSettings().indicators("empathy_need"))


def test_verdict_regions(evidence_of, profile, row_of):
    measured = {
        "Balance": profile(fit=1, need=0),
        "Change of address": profile(fit=1, need=0.55),
        "Odd request": profile(fit=0.2, need=0),
        "Bereavement": profile(fit=1, need=1),
        "Rare and dull": profile(fit=0, need=0.5),
        "Broken form": profile(fit=1, need=0) | {"rework": 0.4},
        "Arrears": profile(fit=1, need=1) | {"vulnerable": 0.2},
    }
    judgement = score_evidence(evidence_of(measured, sd=0.004))
    verdicts = judgement.scores.set_index("touchpoint")["verdict"].to_dict()
    assert verdicts == {
        "Balance": "automate",
        "Change of address": "assist",
        "Odd request": "assist",
        "Bereavement": "human_led",
        "Rare and dull": "assist",
        "Broken form": "fix_first",
        "Arrears": "human_only",
    }
    assert judgement.scores["verdict_stability"].min() >= 0.80
    assert judgement.scores["leaning"].tolist() == [None] * 7


def test_scores_at_the_ends_of_the_scale(evidence_of, profile, row_of):
    row = row_of(score_evidence(evidence_of({"A": profile(fit=1, need=0)})), "A")
    assert row["automation_fit"] == pytest.approx(100)
    assert row["empathy_need"] == pytest.approx(0)
    assert row["verdict_stability"] == 1.0
    assert row["automation_fit_lo"] == row["automation_fit_hi"] == row["automation_fit"]
    assert math.isinf(row["boundary_distance"])


def test_a_bot_that_leaves_humans_no_work_is_no_less_fit(evidence_of, profile, row_of):
    """All else at its best: by hand 100 for the bot, 90 where humans have no work to save."""
    best = profile(fit=1, need=0) | {"load": 0.0, "saving": 2400.0}
    measured = {"Bot": best, "Person": best, "Both": best}
    served = {name: {"served_by": name.lower()} for name in ("Bot", "Both")}
    evidence = evidence_of(measured, places=served | {"Person": {"served_by": "human"}})
    found = score_evidence(evidence)
    fit = {name: row_of(found, name)["automation_fit"] for name in measured}
    assert fit == pytest.approx({"Bot": 100.0, "Person": 90.0, "Both": 90.0})
    named = found.indicators[found.indicators["touchpoint"] == "Bot"]["indicator"]
    assert not {"load", "saving"} & set(named)


def test_thin_evidence_abstains_whatever_it_says(evidence_of, profile, row_of):
    rng = np.random.default_rng(7)
    for _ in range(20):
        measured = {"Rare": profile(fit=rng.random(), need=rng.random())}
        evidence = evidence_of(measured, places={"Rare": {"journeys": 12, "customers": 12}})
        row = row_of(score_evidence(evidence), "Rare")
        assert (row["verdict"], row["leaning"], row["abstain"]) == ("abstain", None, "n_small")
        assert "12 journeys of 12 customers" in row["reasons"][0]
        assert "so far 12 journeys of 12 customers, needed 30 of 20" in row["next_datum"]


def test_where_nobody_serves_more_visits_would_settle_nothing(evidence_of, profile, row_of):
    thin = {"journeys": 12, "customers": 12, "served_by": "nobody"}
    evidence = evidence_of({"Letter": profile(fit=1, need=0)}, places={"Letter": thin})
    row = row_of(score_evidence(evidence), "Letter")
    assert (row["verdict"], row["abstain"], row["next_datum"]) == ("abstain", "not_served", None)


def test_an_added_touchpoint_changes_no_other_row(evidence_of, profile):
    three = {
        "A": profile(fit=0.9, need=0.2),
        "B": profile(fit=0.3, need=0.8) | {"load": "no_column"},
        "C": profile(fit=0.7, need=0.38),
    }
    four = {"New": profile(fit=0, need=1), **three}
    before, after = (score_evidence(evidence_of(m, sd=0.03)) for m in (three, four))
    kept = after.scores[after.scores["touchpoint"] != "New"].reset_index(drop=True)
    pdt.assert_frame_equal(before.scores, kept, check_exact=True)
    kept = after.indicators[after.indicators["touchpoint"] != "New"].reset_index(drop=True)
    pdt.assert_frame_equal(before.indicators, kept, check_exact=True)


def test_same_input_same_bytes_and_row_order_of_estimates_does_not_matter(evidence_of, profile):
    measured = {"A": profile(fit=0.8, need=0.3), "B": profile(fit=0.4, need=0.6)}
    evidence = evidence_of(measured, sd=0.03)
    shuffled = evidence_of(measured, sd=0.03)
    shuffled.estimates[:] = shuffled.estimates.sample(frac=1, random_state=1).to_numpy()
    first, second = score_evidence(evidence), score_evidence(shuffled)
    pdt.assert_frame_equal(first.scores, second.scores, check_exact=True)
    pdt.assert_frame_equal(first.indicators, second.indicators, check_exact=True)


def test_nothing_observed_abstains_and_says_what_to_declare(evidence_of, row_of):
    row = row_of(score_evidence(evidence_of({"A": {}})), "A")
    assert (row["verdict"], row["abstain"], row["verdict_stability"]) == ("abstain", "no_column", 0)
    assert math.isnan(row["automation_fit"]) and math.isnan(row["empathy_need"])
    assert (row["automation_fit_floor"], row["automation_fit_ceiling"]) == (0, 100)
    assert row["automation_fit_coverage"] == row["empathy_need_coverage"] == 0
    assert row["reasons"][0].startswith("Not enough evidence: the log holds 0 %")
    assert row["next_datum"].startswith("declare ")


def test_missing_text_names_the_column_that_would_settle_it(evidence_of, profile, row_of):
    measured = profile(fit=1, need=0)
    for name in ("negative", "volatility", "sentiment_drop", "human_request"):
        measured[name] = "no_column"
    row = row_of(score_evidence(evidence_of({"A": measured})), "A")
    assert row["verdict"] == "abstain"
    # .20 + .08 + .12 + .20 of the weight hang on the customers' words
    assert row["empathy_need_coverage"] == pytest.approx(0.40)
    assert row["next_datum"] == (
        "declare a text or sentiment column. The log then holds 100 % of what empathy need "
        "rests on, not 40 %"
    )


def test_back_office_needs_no_customer_voice(evidence_of, profile, row_of):
    measured = profile(fit=1, need=0)
    for name in ("negative", "volatility", "sentiment_drop", "human_request"):
        measured[name] = "no_column"
    evidence = evidence_of({"Booking": measured}, places={"Booking": {"office": "back"}})
    row = row_of(score_evidence(evidence), "Booking")
    assert row["empathy_need_coverage"] == pytest.approx(1.0)
    assert row["verdict"] == "automate"


@pytest.mark.parametrize("office", ["middle", "back"])
def test_empathy_binds_at_the_front_only(evidence_of, profile, row_of, office):
    measured = {"Diagnosis": profile(fit=1, need=1) | {"vulnerable": 0.2}}
    evidence = evidence_of(measured, places={"Diagnosis": {"office": office}})
    row = row_of(score_evidence(evidence), "Diagnosis")
    assert (row["verdict"], row["vetoes"]) == ("assist", ())


def test_unknown_office_counts_as_front(evidence_of, profile, row_of):
    evidence = evidence_of({"A": profile(fit=1, need=1)}, places={"A": {"office": None}})
    row = row_of(score_evidence(evidence), "A")
    assert (row["verdict"], row["vetoes"], row["office"]) == ("human_led", ("high_empathy",), None)


def test_the_law_comes_before_everything(evidence_of, row_of):
    settings = JudgeSettings(legally_human=("Credit refusal",))
    row = row_of(score_evidence(evidence_of({"Credit refusal": {}}), settings), "Credit refusal")
    assert (row["verdict"], row["verdict_stability"]) == ("human_only", 1.0)
    assert row["vetoes"] == ("legally_human",)


def test_vulnerable_customers_veto_by_the_lower_bound(evidence_of, profile, row_of):
    base = profile(fit=1, need=0)
    measured = {
        "sure": base | {"vulnerable": (0.10, 0.01)},  # lower bound .0804
        "unsure": base | {"vulnerable": (0.06, 0.02)},  # lower bound .0208
        "few": base | {"vulnerable": (0.03, 0.01)},  # two errors below the limit
    }
    judgement = score_evidence(evidence_of(measured))
    assert row_of(judgement, "sure")["vetoes"] == ("vulnerable",)
    assert row_of(judgement, "sure")["verdict"] == "assist"
    assert row_of(judgement, "unsure")["vetoes"] == ()
    # Most resamples hold more vulnerable customers than the limit: no veto, and no sure verdict.
    assert row_of(judgement, "unsure")["verdict"] == "abstain"
    assert row_of(judgement, "unsure")["next_datum"].startswith(
        "a firmer figure for how many customers are vulnerable, now 6.0 %"
    )
    assert row_of(judgement, "few")["verdict"] == "automate"


@pytest.mark.parametrize(
    ("honoured", "dead_ends", "vetoes"),
    [
        ((0.9, 0.85, 0.95), (), ()),
        ((0.3, 0.2, 0.4), (), ("no_escape_hatch",)),
        ((0.45, 0.3, 0.6), (), ()),
        ((0.9, 0.85, 0.95), ("A",), ("no_escape_hatch",)),
        (None, (), ()),
    ],
)
def test_escape_hatch(evidence_of, profile, row_of, handoffs_of, honoured, dead_ends, vetoes):
    handoffs = handoffs_of(honoured=honoured, dead_ends=dead_ends)
    evidence = evidence_of({"A": profile(fit=1, need=0)}, handoffs=handoffs)
    row = row_of(score_evidence(evidence), "A")
    assert row["vetoes"] == vetoes
    assert row["verdict"] == ("assist" if vetoes else "automate")
    unsaid = any("the log cannot show it" in reason for reason in row["reasons"])
    assert unsaid == (honoured is None)
    settings = JudgeSettings(require_escape_hatch=False)
    assert row_of(score_evidence(evidence, settings), "A")["vetoes"] == ()


def moments_of(effect: Estimate, asymmetry: Estimate, *, is_moment: bool) -> pd.DataFrame:
    cells = {"touchpoint": "A", "outcome": "churn", "grade": "B", "is_moment": is_moment}
    return pd.DataFrame([{**cells, "effect": effect, "asymmetry": asymmetry}])


@pytest.mark.parametrize(
    ("lo", "is_moment", "vetoes"),
    [(1.4, True, ("moment_of_truth",)), (0.8, True, ()), (1.4, False, ())],
)
def test_moment_that_loses_more_than_it_wins(evidence_of, profile, row_of, lo, is_moment, vetoes):
    effect = Estimate(-0.08, "share", -0.11, -0.05, n_customers=800, grade="B")
    moments = moments_of(effect, Estimate(2.0, "ratio", lo, 3.0), is_moment=is_moment)
    judgement = score_evidence(evidence_of({"A": profile(fit=1, need=0)}), moments=moments)
    assert row_of(judgement, "A")["vetoes"] == vetoes


def test_stakes_are_the_lower_bound_of_the_effect(evidence_of, profile):
    effect = Estimate(-0.08, "share", -0.11, -0.05, n_customers=800, grade="B")
    moments = moments_of(effect, Estimate.none("unidentified", "ratio"), is_moment=True)
    judgement = score_evidence(evidence_of({"A": profile(fit=1, need=0)}), moments=moments)
    stakes = judgement.indicators.query("indicator == 'stakes'").iloc[0]
    assert (stakes["raw"], stakes["lo"], stakes["hi"]) == (0.05, 0.05, 0.11)
    assert stakes["score"] == pytest.approx(0.5)
    assert (stakes["n_customers"], stakes["grade"]) == (800, "B")


@pytest.mark.parametrize(
    ("lo", "hi", "raw"), [(-0.12, 0.06, None), (-0.01, 0.02, 0.0), (-0.12, -0.03, 0.03)]
)
def test_an_undecided_effect_is_not_little_at_stake(evidence_of, profile, lo, hi, raw):
    """From -12 to 6 points nothing is known; from -1 to 2 it is known to be little."""
    moments = moments_of(
        Estimate((lo + hi) / 2, "share", lo, hi, n_customers=800, grade="B"),
        Estimate.none("unidentified", "ratio"),
        is_moment=False,
    )
    measured = profile(fit=1, need=0) | {"stakes": "no_column"}
    judgement = score_evidence(evidence_of({"A": measured}), moments=moments)
    stakes = judgement.indicators.query("indicator == 'stakes'").iloc[0]
    if raw is None:
        assert stakes["missing"] == "ci_too_wide" and np.isnan(stakes["score"])
        # .12 of the weight may be anything up to the most that counts (.10): 12 points of 100.
        row = judgement.scores.iloc[0]
        assert row["empathy_need"] == row["empathy_need_lo"] == pytest.approx(0, abs=0.3)
        assert row["empathy_need_hi"] == pytest.approx(12.0)
        assert row["reasons"][-1] == (
            "What is at stake is open: anything from 0 to 12 percentage points in the outcome "
            "(800 customers)."
        )
    else:
        assert (stakes["raw"], stakes["missing"]) == (raw, None)


def test_a_need_above_its_limit_decides_without_a_fit(evidence_of, profile, row_of):
    """Only the need is known: human-led above 60, nothing below it or behind the counter."""
    known = profile(fit=1, need=1)
    known = {name: known[name] for name in NEEDS}
    row = row_of(score_evidence(evidence_of({"A": known})), "A")
    assert (row["verdict"], row["verdict_stability"], row["abstain"]) == ("human_led", 1.0, None)
    assert row["empathy_need"] == pytest.approx(90)
    assert math.isnan(row["automation_fit"])
    assert (
        "Empathy need decides alone: too little is known of automation fit, and no fit would "
        "change the verdict."
    ) in row["reasons"]
    back = evidence_of({"A": known}, places={"A": {"office": "back"}})
    assert row_of(score_evidence(back), "A")["verdict"] == "abstain"
    low = profile(fit=1, need=0.5)
    low = {name: low[name] for name in NEEDS}
    assert row_of(score_evidence(evidence_of({"A": low})), "A")["verdict"] == "abstain"
    # A step that may be broken is first looked at whole.
    broken = evidence_of({"A": known | {"rework": 0.9}})
    assert row_of(score_evidence(broken), "A")["verdict"] == "abstain"


def test_between_the_thresholds_it_leans_or_says_nothing(evidence_of, profile, row_of):
    measured = profile(fit=1, need=0.4)
    # need sits on the boundary of 40: the negative share alone moves it both ways
    measured["negative"] = (measured["negative"], 0.05)
    row = row_of(score_evidence(evidence_of({"A": measured})), "A")
    assert row["verdict"] == "abstain"
    assert row["abstain"] == "ci_too_wide"
    assert row["verdict_stability"] < 0.8
    assert (row["leaning"] is None) == (row["verdict_stability"] < 0.5)
    assert row["reasons"][0].startswith("Too close to call: ")


def test_the_next_datum_is_the_figure_that_keeps_it_open(evidence_of, profile, row_of):
    measured = profile(fit=1, need=0.38)
    measured["human_request"] = (measured["human_request"], 0.08)
    measured["negative"] = (measured["negative"], 0.002)
    settings = JudgeSettings(weight_concentration=1e6)
    row = row_of(score_evidence(evidence_of({"A": measured}), settings), "A")
    assert row["verdict"] == "abstain"
    assert row["next_datum"].startswith(
        "a firmer figure for how often a person is asked for, now 5.7 %"
    )


def test_where_only_the_weights_keep_it_open_it_says_so(evidence_of, profile, row_of):
    measured = profile(fit=1, need=0) | {"negative": 0.4, "repeat_contact": 0.35}  # need = 40
    row = row_of(score_evidence(evidence_of({"A": measured})), "A")
    assert row["verdict"] == "abstain"
    assert row["next_datum"].startswith("agree on the weights")


def test_fix_first_needs_a_firm_lower_bound(evidence_of, profile, row_of):
    base = profile(fit=1, need=0)
    measured = {
        "firm": base | {"exceptions": (0.30, 0.02)},
        "loose": base | {"exceptions": (0.30, 0.10)},
        "below": base | {"exceptions": (0.10, 0.05)},
        "spread": base | {"next_steps": (8.0, 0.3)},
    }
    judgement = score_evidence(evidence_of(measured))
    assert row_of(judgement, "firm")["verdict"] == "fix_first"
    # .30 (.10 to .50) against a limit of .20: 84 % of resamples say it is broken.
    loose = row_of(judgement, "loose")
    assert (loose["verdict"], loose["leaning"]) == ("abstain", None)
    assert loose["verdict_stability"] == pytest.approx(0.16, abs=0.04)
    assert loose["next_datum"].startswith("a firmer figure for how often it ends in an exception")
    assert row_of(judgement, "below")["verdict"] == "automate"
    assert row_of(judgement, "spread")["verdict"] == "fix_first"
    assert row_of(judgement, "firm")["reasons"][0] == (
        "Repair it first: 30 % of visits end in an error, an override or a transfer "
        "(26 to 34 %, 412 customers)."
    )


def test_without_enough_evidence_nothing_is_called_broken(evidence_of, row_of):
    measured = {"volume": 200.0, "rework": (0.87, 0.01), "next_steps": (9.0, 0.2)}
    row = row_of(score_evidence(evidence_of({"Catalogue": measured})), "Catalogue")
    assert (row["verdict"], row["leaning"], row["abstain"]) == ("abstain", None, "no_column")
    assert any("87 % of its journeys come back to it" in reason for reason in row["reasons"])
    assert not any(reason.startswith("Repair it first") for reason in row["reasons"])


def test_boundary_distance_in_standard_errors(evidence_of, profile, row_of):
    measured = profile(fit=1, need=0)
    measured["containment"] = (0.55, 0.05)  # fit 94; se = 100 × .12 × .05 / .7 = .857
    evidence = evidence_of({"A": measured})
    row = row_of(score_evidence(evidence), "A")
    se = evidence.draws["containment"][:, 0].std() / 0.7 * 12
    assert row["automation_fit"] == pytest.approx(94)
    assert row["boundary_distance"] == pytest.approx((94 - 60) / se)


def test_axes_that_mirror_each_other_are_not_told_apart(evidence_of, profile):
    mirror = {f"T{i}": profile(fit=i / 5, need=1 - i / 5) for i in range(6)}
    axes = score_evidence(evidence_of(mirror, sd=0.01)).axes
    assert axes["rho"] < -0.95 and axes["lo"] <= axes["rho"] <= axes["hi"]
    assert (axes["distinguishable"], axes["touchpoints"]) == (False, 6)
    square = {f"T{a}{b}": profile(fit=a, need=b) for a in (0.2, 0.9) for b in (0.2, 0.9)}
    axes = score_evidence(evidence_of(square, sd=0.01)).axes
    assert axes["rho"] == pytest.approx(0, abs=0.05)
    assert axes["distinguishable"] is True
    few = {f"T{i}": profile(fit=i / 5, need=1 - i / 5) for i in range(3)}
    axes = score_evidence(evidence_of(few)).axes
    assert (axes["rho"], axes["lo"], axes["touchpoints"]) == (None, None, 3)


def test_indicator_weights_sum_to_one_and_scores_follow(evidence_of, profile, row_of):
    judgement = score_evidence(evidence_of({"A": profile(fit=0.6, need=0.3)}, sd=0.01))
    for axis, part in judgement.indicators.groupby("axis"):
        assert part["weight"].sum() == pytest.approx(1)
        total = 100 * (part["weight"] * part["score"]).sum()
        assert row_of(judgement, "A")[axis] == pytest.approx(total)


def test_draws_of_another_shape_are_refused(evidence_of, profile):
    evidence = evidence_of({"A": profile(fit=1, need=0)})
    evidence.draws["rework"] = np.zeros((500, 2))
    with pytest.raises(RunError, match=r"'rework' have shape \(500, 2\); expected \(500, 1\)"):
        score_evidence(evidence)
