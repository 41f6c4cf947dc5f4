"""Presence, silence and memory: refusals, bounds and weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from journeylib.audits.findings.moments_and_goals import journey_findings
from journeylib.core import Estimate, estimate_text
from journeylib.core.errors import ConfigError, RunError
from journeylib.judge.experience.nonresponse import response_adjusted, response_bounds
from journeylib.judge.experience.peak_end import PeakEnd, moments_of_session, peak_end_weights
from journeylib.judge.moments.survival import presence_effect
from journeylib.present.views.moments import remembered

MHCH = Path(__file__).resolve().parents[2] / "../shared/data/mhch_handoff"


def test_ever_visited_is_refused_with_the_reason() -> None:
    with pytest.raises(ConfigError, match="immortal time bias"):
        presence_effect([1.0], [True], [np.nan], design="ever_visited")
    with pytest.raises(ConfigError, match="Did you mean 'landmark'"):
        presence_effect([1.0], [True], [np.nan], design="landmarks")
    with pytest.raises(ConfigError, match="needs landmark="):
        presence_effect([1.0], [True], [np.nan], design="landmark")


def test_start_stop_equals_two_exponentials_by_hand() -> None:
    """With constant hazards the ratio is events per day after, over events per day before."""
    rng = np.random.default_rng(4)
    n = 3000
    visit = rng.exponential(10, n)
    after = visit + rng.exponential(40, n)  # leaves half as fast once there was a visit
    alone = rng.exponential(20, n)
    stay = np.minimum(np.where(visit < alone, after, alone), 60)
    left = stay < 60
    seen = np.where(visit < stay, visit, np.nan)
    found = presence_effect(stay, left, seen)
    assert found.lo is not None
    assert found.hi is not None
    assert found.lo < 0.5 < found.hi
    visited = ~np.isnan(seen)
    rate_after = left[visited].sum() / (stay - seen)[visited].sum()
    rate_before = left[~visited].sum() / np.where(visited, seen, stay).sum()
    assert found.value == pytest.approx(rate_after / rate_before, rel=0.05)
    assert found.grade == "C"


def test_leaving_right_after_the_visit_is_counted_after_it() -> None:
    rng = np.random.default_rng(8)
    visit, alone = rng.exponential(10, 4000), rng.exponential(20, 4000)
    stay = np.where(visit < alone, visit + rng.exponential(0.5, 4000), alone)
    found = presence_effect(stay, np.ones(4000), np.where(visit < alone, visit, np.nan))
    assert found.value is not None
    assert 30 < found.value < 45  # 2 a day after the visit, .05 before it; the grid costs a little


def test_a_visit_on_the_day_somebody_leaves_is_one_customer_at_risk() -> None:
    """Of A, B, C, D, thirty times: B visits on day 2, when A leaves, and leaves on day 3; C on 2.5.

    Day 2: all are unexposed, which says nothing. Day 2.5: C leaves of B (exposed), C and D.
    Day 3: B leaves of B and D. So 1 = r / (r + 2) + r / (r + 1), hence r² = 2.
    """
    stay, left = np.tile([2.0, 3, 2.5, 4], 30), np.tile([True, True, True, False], 30)
    found = presence_effect(stay, left, np.tile([np.nan, 2, np.nan, np.nan], 30))
    assert found.value == pytest.approx(np.sqrt(2))


def test_presence_abstains_where_nobody_visits_or_few_leave() -> None:
    stay, nobody = np.arange(1.0, 101.0), np.full(100, np.nan)
    assert presence_effect(stay, np.ones(100), nobody).abstain == "no_overlap"
    some = np.where(np.arange(100) % 2, 0.5, np.nan)
    assert presence_effect(stay, np.arange(100) < 20, some).abstain == "n_small"
    with pytest.raises(RunError, match="1 times are missing or negative"):
        presence_effect([-1.0], [True], [np.nan])


def test_silence_leaves_six_to_ninety_percent_open() -> None:
    # 1,000 asked, 600 of them satisfied; 10 % of the satisfied answer, 25 % of the others
    answers = [1.0] * 60 + [0.0] * 100 + [np.nan] * 840
    found = response_bounds(answers)
    assert (found.value, found.lo, found.hi) == pytest.approx((0.375, 0.06, 0.90))
    assert found.n_customers / found.n_events == 0.16
    assert response_bounds([np.nan]).abstain == "n_small"
    with pytest.raises(RunError, match="1 answers lie outside the scale"):
        response_bounds([7.0])


def test_who_answers_is_adjusted_for_where_it_is_known() -> None:
    rng = np.random.default_rng(9)
    n = 6000
    waited = rng.random(n) < 0.5  # who waited is less satisfied and answers more often
    satisfied = rng.random(n) < np.where(waited, 0.3, 0.9)
    answers = np.where(rng.random(n) < np.where(waited, 0.5, 0.2), satisfied, np.nan)
    found = response_adjusted(answers, pd.DataFrame({"waited": waited}), range(n))
    assert found.lo <= 0.60 <= found.hi
    assert np.nanmean(answers) == pytest.approx((0.5 * 0.3 + 0.2 * 0.9) / 0.7, abs=0.03)
    assert found.hi - found.lo < 0.06
    few = response_adjusted(answers[:300], pd.DataFrame({"waited": waited[:300]}), range(300))
    assert few.abstain == "n_small"


def test_four_numbers_of_a_session_by_hand() -> None:
    turns = pd.DataFrame(
        {"session": 1, "customer": 1, "order": [3, 1, 2], "score": [0.0, 2.0, 1.0], "overall": 4}
    )
    row = moments_of_session(turns).iloc[0]
    assert row[["mean", "end", "trough", "trend"]].tolist() == [1.0, 0.0, 0.0, -2.0]
    with pytest.raises(RunError, match="column 'score' is not in the table"):
        moments_of_session(turns.rename(columns={"score": "scor"}))


def sessions(end_weight: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(600, 6))
    overall = (1 - end_weight) * scores.mean(axis=1) + end_weight * scores[:, -1]
    overall = overall + rng.normal(0, 0.2, 600)
    return pd.DataFrame(
        {
            "session": np.repeat(np.arange(600), 6),
            "customer": np.repeat(np.arange(600) // 2, 6),
            "order": np.tile(np.arange(6), 600),
            "score": scores.ravel(),
            "overall": np.repeat(overall, 6),
        }
    )


def test_an_end_that_counts_is_found_and_one_that_does_not_is_not() -> None:
    by_end, by_mean = peak_end_weights(sessions(0.6, 1)), peak_end_weights(sessions(0.0, 2))
    assert by_end.beats_mean
    assert by_end.weights["end"].value == max(float(w.value) for w in by_end.weights.values())
    assert not by_mean.beats_mean
    assert by_mean.weights["mean"].value == pytest.approx(0.9, abs=0.1)


def test_the_moment_that_ratings_go_with_is_never_the_average_beyond_itself(
    parts: Callable[..., Any],
) -> None:
    """A planted end is told; where the average goes most with ratings, nothing is beyond it."""

    def told(fitted: PeakEnd) -> list[str]:
        nobody = pd.DataFrame()
        judgement = parts(moments=nobody, surveys=nobody, peak_end=fitted)
        assessment = parts(judgement=judgement, structure=None, log=parts(outcomes=None))
        return [one.text for one in journey_findings(assessment) if one.id == "remembered"]

    by_end, by_mean = peak_end_weights(sessions(0.6, 1)), peak_end_weights(sessions(0.0, 2))
    weight = estimate_text(by_end.weights["end"])
    assert told(by_end) == [
        f"Ratings of conversations go most with the last moment (weight {weight}; 600 rated "
        "conversations), beyond the average of all moments."
    ]
    assert told(by_mean) == []
    # The other moments help to foresee ratings, and still the average weighs most.
    heavy = replace(by_end, weights=by_end.weights | {"mean": Estimate(2.0, "SD per SD")})
    assert heavy.beats_mean and told(heavy) == []
    shown = remembered(parts(judgement=parts(peak_end=heavy))).frame
    assert shown["moment"].tolist()[0] == "the average of all moments"
    plain = repr(remembered(parts(judgement=parts(peak_end=by_mean))))
    assert "better than the average of all moments" in plain and "600 rated" in plain


def test_too_few_answers_give_no_weights() -> None:
    few = sessions(0.5, 1).query("session < 50")
    assert peak_end_weights(few).gain.abstain == "n_small"
    assert not peak_end_weights(few).beats_mean


@pytest.mark.skipif(not MHCH.exists(), reason="../shared/data/mhch_handoff is not here")
def test_real_chats_are_remembered_by_their_mean() -> None:
    turns = pd.read_csv(MHCH / "makeup_eval_turns.csv.gz").query("role == 'customer'")
    turns = turns.rename(
        columns={
            "dialogue_id": "session",
            "turn": "order",
            "sentiment_0neg_1neu_2pos": "score",
            "dialogue_satisfaction_class": "overall",
        }
    ).assign(customer=lambda f: f["session"])
    chats = moments_of_session(turns)
    ranks = chats[["overall", "mean", "end"]].corr(method="spearman")["overall"]
    assert ranks["mean"] == pytest.approx(0.77, abs=0.01)
    assert ranks["end"] < ranks["mean"] - 0.1
    found = peak_end_weights(turns)
    assert found.r_mean == pytest.approx(0.73, abs=0.005)
    assert not found.beats_mean
