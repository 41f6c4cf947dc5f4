"""From a log to moments of truth, hand-off times, surveys and what is remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from journeylib.core import text
from journeylib.core.errors import ConfigError
from journeylib.core.estimate import Estimate
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.judge.bot_timing.bot_timing import judge_bots, session_frame
from journeylib.judge.bot_timing.handoff_time import HandoffTime
from journeylib.judge.bot_timing.queueing import QueueTime
from journeylib.judge.experience.peak_end import peak_end, rated_turns
from journeylib.judge.experience.surveys import Scale, survey_scales, survey_table
from journeylib.judge.moments.moments_of_truth import moments_of_truth, moments_of_verdicts
from journeylib.judge.moments.survival_table import (
    effects_of,
    first_visits,
    follow_up,
    followed_from,
    presence_effects,
)
from journeylib.judge.settings import CapacitySettings, CostSettings, JudgeSettings, MomentSettings
from journeylib.log.eventlog import EventLog
from journeylib.measures.bots.handoff_audit import Handoffs, audit_handoffs
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.sentiment import Scores, customer_scores

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
LogOf = Callable[..., EventLog]
COSTS = CostSettings(human_contact=6, bot_per_minute=0.1, frustrated_exit=20)


def with_outcomes(log: EventLog, frame: pd.DataFrame) -> EventLog:
    """Return the log with outcomes: ``customer``, ``day``, ``kind``, ``value``, ``asked``."""
    micro = {
        "customer": pa.array(frame["customer"], pa.string()),
        "t_us": pa.array([None if pd.isna(d) else int(d * DAY) for d in frame["day"]], pa.int64()),
        "kind": pa.array(frame["kind"], pa.string()),
        "value_micro": pa.array(
            [None if pd.isna(v) else int(v * 1_000_000) for v in frame["value"]], pa.int64()
        ),
        "asked_us": pa.array(
            [None if pd.isna(d) else int(d * DAY) for d in frame["asked"]], pa.int64()
        ),
    }
    name = ibis.util.gen_name("outcomes")
    return replace(log, outcomes=log.events.get_backend().create_table(name, pa.table(micro)))


def outcome_rows(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["customer", "day", "kind", "value", "asked"])


@pytest.fixture(scope="module")
def planted(log_of: LogOf) -> Journeys:
    """2,000 customers, a call each: 0 bad, 1 neutral, 2 good; churn .50, .20, .10.

    A second touchpoint, "Web", changes nothing. CSAT is asked of all and answered by a third.
    """
    rng = np.random.default_rng(7)
    n = 2_000
    mark, web = rng.integers(0, 3, n), rng.integers(0, 3, n)
    left = rng.random(n) < np.array([0.50, 0.20, 0.10])[mark]
    answered = rng.random(n) < 1 / 3
    who = [f"c{k:04d}" for k in range(n)]
    day = rng.integers(0, 60, n)
    rows = [
        row
        for k in range(n)
        for row in (
            (who[k], int(day[k]) * DAY, "Web", int(web[k])),
            (who[k], int(day[k]) * DAY + 5 * MINUTE, "Call", int(mark[k])),
        )
    ]
    log = log_of(*rows, ("zz", 100 * DAY, "End", None), columns="customer t_us touchpoint points")
    churn = pd.DataFrame({"customer": who, "day": day + 5, "kind": "churn", "value": 1.0})
    csat = pd.DataFrame({"customer": who, "day": day + 2, "kind": "csat", "asked": day + 2})
    csat["value"] = np.where(answered, 2.0 + 3 * mark, np.nan)
    outcomes = pd.concat([churn[left].assign(asked=np.nan), csat])
    return rebuild(with_outcomes(log, outcomes), JourneySettings(cut="customer"))


@pytest.fixture(scope="module")
def moments(planted: Journeys) -> pd.DataFrame:
    asked = MomentSettings(good="points", good_from=2, bad_at=0, outcomes=("churn", "csat"))
    settings = JudgeSettings(moments=asked, surveys={"csat": (0, 10)})
    return moments_of_truth(planted, settings).set_index(["touchpoint", "outcome"])


@pytest.mark.slow
def test_every_touchpoint_and_outcome_is_one_family(moments: pd.DataFrame) -> None:
    assert sorted(moments.index) == [
        ("Call", "churn"),
        ("Call", "csat"),
        ("Web", "churn"),
        ("Web", "csat"),
    ]
    p = moments["p_value"].astype(float).sort_values()
    stepwise = p * len(p) / np.arange(1, len(p) + 1)
    expected = stepwise[::-1].cummin()[::-1]  # Benjamini and Hochberg, over all four
    assert moments["q_value"].astype(float)[expected.index].to_numpy() == pytest.approx(
        expected.to_numpy()
    )


def test_the_planted_touchpoint_is_found_and_the_other_is_not(moments: pd.DataFrame) -> None:
    call = moments.loc[("Call", "churn")]
    assert call["is_moment"]
    assert call["effect"].lo < -0.40 < call["effect"].hi  # .10 − .50
    assert call["effect"].hi < -0.30
    assert not moments.loc[("Web", "churn"), "is_moment"]


def test_impact_is_the_effect_on_the_bad_visits_of_a_year(
    moments: pd.DataFrame, planted: Journeys
) -> None:
    call = moments.loc[("Call", "churn")]
    visits = planted.log.events.filter(planted.log.events.touchpoint == "Call").to_pandas()
    bad = (visits["points"] == 0).sum() / visits["points"].isin([0, 2]).sum()
    yearly = 2_000 * 365.25 / 100
    assert call["impact"].value == pytest.approx(-call["effect"].value * bad * yearly)
    assert call["impact"].unit == "journeys/year"
    assert moments.loc[("Call", "csat"), "impact"] is None


def test_a_bad_visit_loses_more_than_a_good_one_wins(moments: pd.DataFrame) -> None:
    found = moments.loc[("Call", "churn"), "asymmetry"]
    assert 1 < found.lo < 3 < found.hi  # planted: .30 lost, .10 won
    assert moments.loc[("Web", "churn"), "asymmetry"] is None


def test_verdicts_rest_on_the_same_moments_without_tests_that_cannot_change_them(
    moments: pd.DataFrame, planted: Journeys
) -> None:
    asked = MomentSettings(good="points", good_from=2, bad_at=0, outcomes=("churn", "csat"))
    settings = JudgeSettings(moments=asked, surveys={"csat": (0, 10)})
    quick = moments_of_verdicts(planted, settings).set_index(moments.index)
    assert list(quick["is_moment"]) == list(moments["is_moment"])
    assert quick["is_moment"].any()
    for name in ("effect", "asymmetry"):
        for own, whole in zip(quick[name], moments[name], strict=True):
            figures = [None if one is None else (one.value, one.lo, one.hi) for one in (own, whole)]
            assert figures[0] == figures[1]


def test_answers_are_compared_on_their_scale_with_the_bounds_of_silence(
    moments: pd.DataFrame,
) -> None:
    call = moments.loc[("Call", "csat")]
    assert call["effect"].value == pytest.approx(0.6)  # 8 against 2 on a scale of 0 to 10
    assert call["grade"] == "C"
    assert any("only answers count" in reason for reason in call["reasons"])
    rate = call["response_rate"]
    assert rate == pytest.approx(1 / 3, abs=0.04)
    assert call["bounds"].value == pytest.approx(0.6)
    width = call["bounds"].hi - call["bounds"].lo
    assert width == pytest.approx(2 * (1 - rate), abs=0.05)  # each arm's silent share


def test_without_a_neutral_middle_there_is_no_asymmetry(planted: Journeys) -> None:
    asked = MomentSettings(good="points", good_from=2, outcomes=("churn",))
    found = moments_of_truth(planted, JudgeSettings(moments=asked))
    assert "asymmetry" not in found
    assert list(found["outcome"].unique()) == ["churn"]


def test_rare_touchpoints_are_not_in_the_family(log_of: LogOf) -> None:
    rows = [(f"c{k}", k * DAY, "Rare", "yes") for k in range(9)]
    log = with_outcomes(
        log_of(*rows, ("z", 99 * DAY, "End", None), columns="customer t_us touchpoint good"),
        outcome_rows(("c1", 20, "churn", 1, None)),
    )
    settings = JudgeSettings(moments=MomentSettings(good="good", outcomes=("churn",)))
    assert moments_of_truth(rebuild(log), settings).empty


def bot_log(log_of: LogOf, *, clock: bool = True) -> EventLog:
    """60 sessions about bills: 40 settled in 2 turns, 20 ask for a person at turn 5; 3 of moves.

    A turn takes a minute.
    """
    rows: list[tuple[Any, ...]] = []
    for k in range(63):
        name, intent = f"c{k:02d}", "bill" if k < 60 else "move"
        turns = [("bot", "Hello"), ("customer", "Thanks, that solved it")]
        if k % 3 == 0:
            turns = [("bot", "Hello"), ("customer", "My bill"), ("bot", "Which?")]
            turns += [("customer", "This one"), ("customer", "I want to talk to a human")]
        for turn, (actor, words) in enumerate(turns):
            stamp = [k * DAY + turn * MINUTE] if clock else []
            rating = 4_000_000 if turn == len(turns) - 1 and k % 3 else None
            rows.append((name, *stamp, turn, "Bot", actor, words, intent, rating))
    last = [100 * DAY] if clock else []
    rows.append(("zz", *last, 0, "End", "system", None, None, None))
    columns = f"customer {'t_us ' * clock}position touchpoint actor text intent rating_micro"
    return log_of(*rows, columns=columns)


def handoffs_of(log: EventLog) -> Handoffs:
    return audit_handoffs(rebuild(log, JourneySettings(cut="customer")), MeasureSettings())


def test_sessions_carry_minutes_events_and_ratings(log_of: LogOf) -> None:
    sessions, clock = session_frame(handoffs_of(bot_log(log_of)))
    assert clock == "minutes"
    assert sessions.groupby("event")["minutes"].agg(["count", "min", "max"]).to_dict("index") == {
        1: {"count": 21, "min": 4.0, "max": 4.0},
        2: {"count": 42, "min": 1.0, "max": 1.0},
    }
    assert sessions.groupby("event")["csat"].count().to_dict() == {1: 0, 2: 42}


def test_a_log_without_a_clock_counts_turns(log_of: LogOf) -> None:
    handoffs = handoffs_of(bot_log(log_of, clock=False))
    sessions, clock = session_frame(handoffs)
    assert clock == "turns"
    assert sessions.groupby("event")["turns"].agg(["count", "min", "max"]).to_dict("index") == {
        1: {"count": 21, "min": 5.0, "max": 5.0},
        2: {"count": 42, "min": 2.0, "max": 2.0},
    }
    judged = judge_bots(handoffs, JudgeSettings(costs=COSTS))
    assert [point.at.unit for point in judged.tipping_points] == ["turns"] * 3
    assert set(judged.handoff_times.values()) == {text("judge.bots.no_clock")}
    assert judged.satisfaction is None


@pytest.mark.slow
def test_hand_off_times_need_costs_and_enough_exits(log_of: LogOf) -> None:
    handoffs = handoffs_of(bot_log(log_of))
    assert set(judge_bots(handoffs).handoff_times.values()) == {text("judge.bots.no_costs")}
    found = judge_bots(handoffs, JudgeSettings(costs=COSTS)).handoff_times
    assert isinstance(found["all"], HandoffTime)
    assert found["move"] == text("judge.bots.too_few")


@pytest.mark.slow
def test_the_queue_is_asked_where_staff_is_declared(log_of: LogOf) -> None:
    handoffs = handoffs_of(bot_log(log_of))
    assert judge_bots(handoffs, JudgeSettings(costs=COSTS)).queue == text("judge.bots.no_capacity")
    team = CapacitySettings(
        staff=1,
        service_minutes=8,
        patience_minutes=5,
        contact_without_wait=6,
        waiting_per_minute=1,
    )
    assert judge_bots(handoffs, JudgeSettings(costs=COSTS, capacity=team)).queue == text(
        "judge.bots.no_clock"
    )
    found = judge_bots(handoffs, JudgeSettings(costs=COSTS, capacity=team), weeks=10).queue
    assert isinstance(found, QueueTime)
    # Busy 63 × 8 minutes of ten weeks; who comes then waits until service or patience ends.
    busy = 63 * 8 / (10 * 168 * 60)
    assert found.wait_at_once.value == pytest.approx(60 * busy / (1 / 8 + 1 / 5), rel=0.02)
    with pytest.raises(ValidationError, match="needs 'costs'"):
        JudgeSettings(capacity=team)


@pytest.mark.slow
def test_intents_of_few_customers_are_left_out(log_of: LogOf) -> None:
    judged = judge_bots(handoffs_of(bot_log(log_of)), JudgeSettings(costs=COSTS), min_customers=10)
    assert [point.segment for point in judged.tipping_points] == ["all", "bill"]
    assert [point.sessions for point in judged.tipping_points] == [63, 60]
    assert (
        judge_bots(
            handoffs_of(bot_log(log_of)), JudgeSettings(costs=COSTS), min_customers=64
        ).tipping_points
        == ()
    )


def test_costs_are_checked_where_they_are_declared() -> None:
    with pytest.raises(ValidationError, match="ascending"):
        CostSettings(human_contact=(6, 5, 9), bot_per_minute=0.1, frustrated_exit=1)
    with pytest.raises(ValidationError, match="bot_per_minute"):
        CostSettings(human_contact=6, bot_per_minute=-1, frustrated_exit=1)


def surveyed(log_of: LogOf, *rows: tuple[Any, ...]) -> Journeys:
    log = log_of(("a", 0, "Web"), ("b", 99 * DAY, "Web"))
    return rebuild(with_outcomes(log, outcome_rows(*rows)), JourneySettings(min_customers=2))


def test_surveys_have_a_rate_a_mean_and_the_bounds_of_silence(log_of: LogOf) -> None:
    journeys = surveyed(
        log_of,
        ("a", 5, "csat", 4, 4),
        ("b", 6, "csat", 8, 4),
        ("c", None, "csat", None, 4),
        ("d", None, "csat", None, 4),
        ("a", 9, "churn", 1, None),
        ("e", 9, "nps", 7, 8),  # one customer: not to be shown
    )
    scales = survey_scales(journeys, {"csat": (0, 10)})
    assert sorted(scales) == ["csat", "nps"]  # churn is no answer
    (row,) = survey_table(journeys, scales).to_dict("records")
    assert (row["kind"], row["asked"], row["answered"]) == ("csat", 4, 2)
    assert row["response_rate"].value == 0.5
    assert (row["mean"].value, row["mean"].lo, row["mean"].hi) == (6.0, 3.0, 8.0)
    assert not row["scale_assumed"]


@pytest.mark.slow
def test_a_survey_of_recommending_has_a_net_promoter_score(log_of: LogOf) -> None:
    """Answers 10, 9, 9, 7, 3, 2, 7, 7 and two silent: 3 less 2 of 8; of 10 it is −1 to 3."""
    told = (10, 9, 9, 7, 3, 2, 7, 7, None, None)
    answers = tuple(zip("abcdefghij", told, strict=True))
    rows = [(who, 5 if told else None, "relation nps", told, 4) for who, told in answers]
    journeys = surveyed(log_of, *rows)
    scales = survey_scales(journeys, {})
    assert (scales["relation nps"].worst, scales["relation nps"].best) == (0, 10)
    (row,) = survey_table(journeys, scales).to_dict("records")
    net = row["nps"]
    assert (net.value, net.lo, net.hi) == pytest.approx((12.5, -10.0, 30.0))
    other = surveyed(log_of, *((who, 5, "csat", 8, 4) for who, _ in answers))
    (row,) = survey_table(other, survey_scales(other, {})).to_dict("records")
    assert row["nps"].abstain == "no_column"


@pytest.mark.parametrize(
    ("answers", "net", "mean"),
    [
        # 50 promote, 20 detract of 100: shown as they are.
        ([10] * 50 + [7] * 30 + [2] * 20, (30.0, None, None), (7.5, None, None)),
        # Nine detract: they are 0 to 10 of 100.
        ([10] * 50 + [7] * 41 + [2] * 9, (None, 40.0, 50.0), (8.05, None, None)),
        # All but five say 10: of a person alone, even all may not be said.
        ([10] * 95 + [7] * 5, (None, 80.0, 100.0), (None, 9.0, 10.0)),
        ([10] * 100, (None, 80.0, 100.0), (None, 9.0, 10.0)),
        ([0] * 100, (None, -100.0, -80.0), (None, 0.0, 1.0)),
        # Twelve answers cannot tell ten from the others.
        ([10] * 6 + [2] * 6, (None, -84.0, 84.0), (6.0, None, None)),
    ],
)
def test_a_survey_tells_nothing_of_a_few_who_answer(
    log_of: LogOf, answers: list[int], net: tuple[Any, ...], mean: tuple[Any, ...]
) -> None:
    rows = [(f"c{k}", 5, "nps", told, None) for k, told in enumerate(answers)]
    log = with_outcomes(log_of(("a", 0, "Web"), ("b", 99 * DAY, "Web")), outcome_rows(*rows))
    journeys = rebuild(log, JourneySettings(min_customers=10))
    scale = {"nps": Scale(0, 10, False, False)}
    (row,) = survey_table(journeys, scale).to_dict("records")
    for found, ends in ((row["nps"], net), (row["mean"], mean)):
        assert (found.value, found.lo, found.hi) == pytest.approx(ends)
        assert (found.abstain == "privacy") is (ends[0] is None)


def test_answers_that_one_customer_gave_again_and_again_are_of_one(log_of: LogOf) -> None:
    """Thirty promote and fifty do not, but the thirty answers are those of three customers."""
    rows = [(f"p{k % 3}", 5, "nps", 10, None) for k in range(30)]
    rows += [(f"c{k}", 5, "nps", 8 if k % 2 else 1, None) for k in range(50)]
    log = with_outcomes(log_of(("a", 0, "Web"), ("b", 99 * DAY, "Web")), outcome_rows(*rows))
    journeys = rebuild(log, JourneySettings(min_customers=10))
    scale = {"nps": Scale(0, 10, False, False)}
    (row,) = survey_table(journeys, scale).to_dict("records")
    assert (row["nps"].value, row["nps"].abstain) == (None, "privacy")
    assert row["nps"].hi - row["nps"].lo == pytest.approx(100)  # the thirty may be none or all


def test_the_silent_widen_what_a_few_leave_open(log_of: LogOf) -> None:
    """Twenty answer 10, twenty are silent: of those who answer 5 to 10, of all 2.5 to 10."""
    rows = [(f"c{k}", 5, "nps", 10, 4) for k in range(20)]
    rows += [(f"s{k}", None, "nps", None, 4) for k in range(20)]
    log = with_outcomes(log_of(("a", 0, "Web"), ("b", 99 * DAY, "Web")), outcome_rows(*rows))
    journeys = rebuild(log, JourneySettings(min_customers=10))
    (row,) = survey_table(journeys, survey_scales(journeys, {})).to_dict("records")
    assert (row["mean"].value, row["mean"].lo, row["mean"].hi) == (None, 2.5, 10.0)
    assert (row["nps"].value, row["nps"].lo, row["nps"].hi) == (None, -50.0, 100.0)
    assert row["adjusted"].value is None


@pytest.mark.slow
def test_who_answers_is_adjusted_for_what_the_log_holds(log_of: LogOf) -> None:
    """The angry, whom the log knows by their second contact, answer thrice as often."""
    rng = np.random.default_rng(1)
    rows: list[tuple[Any, ...]] = [("zz", 99 * DAY, "Web")]
    requests = []
    for k in range(3_000):
        name, angry = f"c{k:04d}", bool(k % 2)
        rows.append((name, DAY, "Web"))
        if angry:
            rows.append((name, 2 * DAY, "Call"))
        says = rng.random() < (0.6 if angry else 0.2)
        answer = (2 if angry else 8) + int(rng.integers(-1, 2))
        requests.append((name, 4 if says else None, "csat", answer if says else None, 3))
    rows += [(f"x{k}", 50 * DAY, "Web") for k in range(10)]
    requests += [(f"x{k}", None, "csat", None, 3) for k in range(10)]  # asked before any contact
    log = with_outcomes(log_of(*rows), outcome_rows(*requests))
    journeys = rebuild(log, JourneySettings(min_customers=2))
    (row,) = survey_table(journeys, {"csat": Scale(0, 10, False, True)}).to_dict("records")
    assert row["mean"].value == pytest.approx(3.5, abs=0.2)  # .6 × 2 and .2 × 8 over .8
    adjusted = row["adjusted"]
    assert adjusted.lo < 5 < adjusted.hi
    assert adjusted.value == pytest.approx(5, abs=0.15)
    assert (adjusted.grade, adjusted.n_events) == ("C", 3_000)
    few = rebuild(log, JourneySettings(min_customers=2, max_customers_modelled=1_000))
    (row,) = survey_table(few, {"csat": Scale(0, 10, False, True)}).to_dict("records")
    assert row["mean"].n_customers == sum(at is not None for _name, at, *_rest in requests)
    sampled = row["adjusted"]
    assert 990 <= sampled.n_events <= 1_000  # of ten the log holds nothing from before
    assert sampled.assumptions[-1].startswith("a sample of 1,000 of 3,011 customers")


def presence_log(log_of: LogOf, seed: int) -> Journeys:
    """1,500 customers: "Harm" doubles the rate of leaving from then on, "Null" changes nothing."""
    rng = np.random.default_rng(seed)
    n, end = 1_500, 60.0
    null, harm = rng.exponential(15, n), rng.exponential(25, n)
    u = rng.exponential(1, n)
    left = np.where(u < 0.02 * harm, u / 0.02, harm + (u - 0.02 * harm) / 0.04)
    rows: list[tuple[Any, ...]] = [("zz", round(end * DAY), "Web")]
    for k in range(n):
        rows.append((f"c{k}", 0, "Web"))
        stay = min(left[k], end)
        rows += [
            (f"c{k}", round(at * DAY), name)
            for name, at in (("Null", null[k]), ("Harm", harm[k]))
            if at < stay
        ]
    churn = [(f"c{k}", float(left[k]), "churn", 1, None) for k in range(n) if left[k] < end]
    return rebuild(with_outcomes(log_of(*rows), outcome_rows(*churn)), JourneySettings())


@pytest.mark.slow
def test_presence_counts_a_visit_from_when_it_happened(log_of: LogOf) -> None:
    settings = JudgeSettings(moments=MomentSettings(outcomes=("churn",), horizon_days=20))
    called, ratios = [], []
    for seed in range(4):
        found = presence_effects(presence_log(log_of, seed), settings).set_index("touchpoint")
        assert list(found.index) == ["Harm", "Null", "Web"]
        assert found.loc["Web", "ratio"].abstain == "no_overlap"  # all come there at once
        called.append((found["q_value"] < 0.05).to_dict())
        ratios.append(found.loc["Harm", "ratio"].value)
        assert found.loc["Harm", "ratio"].grade == "C"
        assert found.loc["Harm", "landmark_day"] == 20
    assert all(one["Harm"] for one in called)
    assert sum(one["Null"] for one in called) <= 1
    assert np.mean(ratios) == pytest.approx(2.0, rel=0.1)


def test_stays_by_hand(log_of: LogOf) -> None:
    log = log_of(
        ("a", 10 * DAY, "Web", "x"),
        ("a", 14 * DAY, "Call", "y"),
        ("b", 20 * DAY, "Call", None),
        ("c", 5 * DAY, "Web", "x"),
        ("d", 40 * DAY, "Web", "x"),
        columns="customer t_us touchpoint plan",
    )
    outcomes = outcome_rows(
        ("a", 30, "churn", 1, None), ("c", 4, "churn", 1, None), ("d", 50, "churn", 1, None)
    )
    journeys = rebuild(with_outcomes(log, outcomes), JourneySettings(min_customers=1))
    stays = follow_up(journeys, ("plan",))
    followed = followed_from(journeys, stays, "churn")
    # c left before the first event; d leaves after the log has ended
    assert followed[["stay", "left"]].to_numpy().tolist() == [[20, True], [20, False], [0, False]]
    assert followed["declared plan"].to_list()[:1] == ["x"]
    visit = first_visits(stays, "Call").reindex(followed.index) - followed["start_us"]
    assert (visit / (DAY)).fillna(-1).to_list() == [4, 0, -1]
    bare = JudgeSettings(moments=MomentSettings())
    assert presence_effects(journeys, bare).empty


@pytest.mark.slow
def test_two_designs_that_disagree_tell_nothing() -> None:
    """Visitors leave sooner at first and later afterwards: no one ratio describes that."""
    rng = np.random.default_rng(5)
    n = 8_000
    visit = rng.exponential(30, n)
    soon = rng.random(n) < 0.5
    after = visit + np.where(soon, rng.exponential(1, n), 20 + rng.exponential(400, n))
    alone = rng.exponential(30, n)
    stay = np.where(visit < alone, after, alone)
    people = pd.DataFrame({"start_us": 0, "stay": np.minimum(stay, 90), "left": stay < 90})
    first = pd.Series(np.where(visit < alone, visit * DAY, np.nan))
    ratio, landmark, _day, reasons = effects_of(people, np.zeros((n, 0)), first, 20.0)
    assert landmark.hi < 1
    assert (ratio.abstain, reasons) == ("unidentified", (text("judge.presence.apart"),))


def test_silence_that_is_not_recorded_has_no_bounds(log_of: LogOf) -> None:
    journeys = surveyed(log_of, ("a", 5, "csat", 2, None), ("b", 6, "csat", 4, None))
    assert survey_scales(journeys, {}) == {}  # nothing says that it is a survey
    scales = survey_scales(journeys, {"csat": (1, 5)})
    (row,) = survey_table(journeys, scales).to_dict("records")
    assert row["response_rate"].abstain == "unidentified"
    assert (row["mean"].value, row["mean"].lo, row["mean"].hi) == (3.0, None, None)


def test_scales_are_read_off_or_refused(log_of: LogOf) -> None:
    journeys = surveyed(log_of, ("a", 5, "ces", 6, 4), ("b", 6, "ces", 2, 4))
    scale = survey_scales(journeys, {})["ces"]
    assert (scale.worst, scale.best, scale.assumed) == (1, 7, True)
    with pytest.raises(ConfigError, match=r"judge\.surveys\.ces: answers lie outside"):
        survey_scales(journeys, {"ces": (1, 5)})
    with pytest.raises(ValidationError, match="worst answer first"):
        JudgeSettings(surveys={"ces": (5, 1)})


def test_only_turns_up_to_the_rating_are_peak_end(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "s", 500_000, None),
        ("a", 1, "Chat", "s", -500_000, 3_000_000),
        ("a", 2, "Chat", "s", 900_000, None),  # after the rating
        ("a", 3, "Chat", "t", 100_000, None),  # never rated
        ("b", 0, "Chat", "u", None, 5_000_000),
        ("b", 1, "Chat", "u", 200_000, 4_000_000),  # the last rating counts
        columns="customer t_us touchpoint session sentiment_micro rating_micro",
    )
    journeys = rebuild(log, JourneySettings(cut="customer", min_customers=1))
    scores = customer_scores(journeys)
    assert isinstance(scores, Scores)
    turns = rated_turns(journeys, scores).sort_values(["overall", "order"])
    assert turns[["order", "score", "overall"]].to_numpy().tolist() == [
        [1, 0.5, 3.0],
        [2, -0.5, 3.0],
        [2, 0.2, 4.0],
    ]
    assert turns["session"].nunique() == turns["customer"].nunique() == 2
    assert peak_end(journeys, scores).gain.abstain == "n_small"
    assert peak_end(journeys, "unidentified").gain.abstain == "unidentified"


def test_the_end_that_was_planted_is_peak_end(log_of: LogOf) -> None:
    rng = np.random.default_rng(3)
    scores = rng.integers(-900, 900, (400, 3)) * 1_000
    rows = [
        (f"c{k:03d}", k * DAY + turn, "Chat", int(score), None)
        for k, talk in enumerate(scores)
        for turn, score in enumerate(talk)
    ]
    rated = [(*row[:4], row[3] + 1_000_000) if row[1] % DAY == 2 else row for row in rows]
    log = log_of(*rated, columns="customer t_us touchpoint sentiment_micro rating_micro")
    journeys = rebuild(log, JourneySettings(cut="customer"))
    found = peak_end(journeys, customer_scores(journeys))
    assert found.beats_mean
    assert found.r_end == pytest.approx(1.0)
    heaviest = max(found.weights, key=lambda name: abs(found.weights[name].value or 0))
    assert heaviest == "end"
    assert isinstance(found.weights["end"], Estimate)
