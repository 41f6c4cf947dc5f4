"""Visits, how they went and what came of them, on logs worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from journeylib.core.errors import ConfigError
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.judge.experience.customer_outcomes import answer_within, event_within
from journeylib.judge.moments.moments_of_truth import moments_of_truth
from journeylib.judge.moments.survival_table import presence_effects
from journeylib.judge.moments.visit_table import Visits, visits_of
from journeylib.judge.settings import JudgeSettings, MomentSettings
from journeylib.log.eventlog import EventLog

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
LogOf = Callable[..., EventLog]
LATER = 100  # the log goes on until this day


def journeys_of(log: EventLog, outcomes: list[tuple[Any, ...]] | None = None) -> Journeys:
    """Rebuild with one journey a customer; outcomes: customer, day, kind, value, day asked."""
    if outcomes is not None:
        micro = {
            "customer": pa.array([row[0] for row in outcomes], pa.string()),
            "t_us": pa.array([None if r[1] is None else r[1] * DAY for r in outcomes], pa.int64()),
            "kind": pa.array([row[2] for row in outcomes], pa.string()),
            "value_micro": pa.array(
                [None if r[3] is None else r[3] * 1_000_000 for r in outcomes], pa.int64()
            ),
            "asked_us": pa.array(
                [None if r[4] is None else r[4] * DAY for r in outcomes], pa.int64()
            ),
        }
        backend = log.events.get_backend()
        table = backend.create_table(ibis.util.gen_name("outcomes"), pa.table(micro))
        log = replace(log, outcomes=table)
    return rebuild(log, JourneySettings(cut="customer"))


def quality_of(visits: Visits) -> dict[tuple[str, int], int]:
    """Return how visits went by touchpoint and day of the visit."""
    rows = visits.rows
    return {
        (name, int(t // DAY)): int(quality)
        for name, t, quality in zip(rows["touchpoint"], rows["t_us"], rows["quality"], strict=True)
    }


def test_only_the_first_visit_counts_and_its_last_word(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Call", "no", "s"),
        ("a", 1, "Call", None, "s"),
        ("a", 2, "Call", "yes", "s"),
        ("a", 3 * DAY, "Call", "no", "t"),
        ("b", 1 * DAY, "Call", "0", "u"),
        ("c", 2 * DAY, "Call", None, "v"),
        columns="customer t_us touchpoint solved session",
    )
    visits = visits_of(journeys_of(log), MomentSettings(good="solved"))
    # a's second visit does not undo the first; of c nothing is known
    assert quality_of(visits) == {("Call", 0): 1, ("Call", 1): -1}
    assert list(visits.rows["t_us"]) == [0, DAY]


def test_words_of_yes_and_no_are_those_of_every_other_column(log_of: LogOf) -> None:
    words = ("1.0", "Ja", "oui", "wahr", "0.0", "nein", "non", "falsch", "perhaps")
    log = log_of(
        *((f"c{i}", i * DAY, "Call", word) for i, word in enumerate(words)),
        columns="customer t_us touchpoint solved",
    )
    found = quality_of(visits_of(journeys_of(log), MomentSettings(good="solved")))
    assert [found.get(("Call", i)) for i in range(9)] == [1, 1, 1, 1, -1, -1, -1, -1, None]


def test_a_later_visit_does_not_stand_in_for_an_unknown_first_one(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Call", None, "s"),
        ("a", 3 * DAY, "Call", "yes", "t"),
        ("b", 4 * DAY, "Call", "yes", "u"),
        columns="customer t_us touchpoint solved session",
    )
    visits = visits_of(journeys_of(log), MomentSettings(good="solved"))
    assert quality_of(visits) == {("Call", 4): 1}


def test_covariates_are_of_before_the_visit(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Web", None, "low", None),
        ("a", 1 * DAY, "Mail", None, None, 7),
        ("a", 3 * DAY, "Call", "yes", "high", None),
        ("a", 4 * DAY, "Call", "no", "sky-high", 9),
        columns="customer t_us touchpoint solved worry spend",
    )
    settings = MomentSettings(good="solved", adjust=("worry", "spend"), negative_control="spend")
    visits = visits_of(journeys_of(log), settings)
    covariates = visits.covariates.iloc[0]
    assert covariates["declared worry"] == "high"  # as the visit began, not afterwards
    assert covariates["declared spend"] == 7.0  # the last value before, not the 9 of the next day
    assert visits.rows["control"].tolist() == [7.0]
    assert covariates["steps_before"] == 2.0
    assert covariates["days_before"] == pytest.approx(1.3862943611)  # log(1 + 3 days)


def test_earlier_journeys_are_those_that_began_before(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Call", "yes"),
        ("a", 40 * DAY, "Call", "no"),
        ("a", 80 * DAY, "Call", "yes"),
        columns="customer t_us touchpoint solved",
    )
    journeys = rebuild(log, JourneySettings(cut="gap", gap_days=14))
    visits = visits_of(journeys, MomentSettings(good="solved"))
    assert list(visits.covariates["earlier_journeys"]) == [0.0, 1.0, 2.0]
    assert list(visits.covariates["month"]) == pytest.approx([0, 40 / 30, 80 / 30])


def test_visits_are_of_the_customers_drawn(log_of: LogOf) -> None:
    rows = [(f"c{who}", day * DAY, "Call", "yes") for who in range(9) for day in (0, 40)]
    log = log_of(*rows, columns="customer t_us touchpoint solved")
    settings = JourneySettings(cut="gap", gap_days=14, max_customers_modelled=4)
    visits = visits_of(rebuild(log, settings), MomentSettings(good="solved"))
    drawn = visits.sample.picked
    assert drawn is not None and len(drawn) == 4
    assert visits.rows["customer"].tolist() == sorted([*drawn, *drawn])
    assert visits.covariates["earlier_journeys"].tolist() == [0.0, 1.0] * 4


@pytest.mark.slow
def test_thresholds_and_the_neutral_middle(log_of: LogOf) -> None:
    rows = [(str(k), k * DAY, "Call", value) for k, value in enumerate([3, 5, 7, None, 10])]
    log = log_of(*rows, columns="customer t_us touchpoint points")
    plain = visits_of(journeys_of(log), MomentSettings(good="points", good_from=7))
    assert list(quality_of(plain).values()) == [-1, -1, 1, 1]
    middle = visits_of(journeys_of(log), MomentSettings(good="points", good_from=7, bad_at=3))
    assert list(quality_of(middle).values()) == [-1, 0, 1, 1]
    short = visits_of(journeys_of(log), MomentSettings(good="points", good_to=3, bad_at=7))
    assert list(quality_of(short).values()) == [1, 0, -1, -1]


@pytest.mark.slow
def test_ratings_and_sentiment_are_read_under_their_own_names(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Call", 8_000_000, -100_000),
        ("b", DAY, "Call", 2_000_000, 0),
        columns="customer t_us touchpoint rating_micro sentiment_micro",
    )
    journeys = journeys_of(log)
    rated = visits_of(journeys, MomentSettings(good="rating", good_from=7))
    felt = visits_of(journeys, MomentSettings(good="sentiment", good_from=0))
    assert list(quality_of(rated).values()) == [1, -1]
    assert list(quality_of(felt).values()) == [-1, 1]


def test_no_transfer_is_seen_without_a_column(log_of: LogOf) -> None:
    log = log_of(
        # the bot hands over; the human who takes over keeps it
        ("a", 0, "Chat", "bot", "b1", "s"),
        ("a", 1, "Chat", "customer", None, "s"),
        ("a", 2, "Desk", "human", "h1", "s"),
        # from human to human, and a human in another conversation
        ("b", 1 * DAY, "Desk", "human", "h1", "t"),
        ("b", 1 * DAY + 1, "Expert", "human", "h2", "t"),
        ("b", 2 * DAY, "Chat", "bot", "b1", "u"),
        ("b", 3 * DAY, "Desk", "human", "h1", "v"),
        # nobody who serves: no quality
        ("c", 4 * DAY, "Web", "customer", None, "w"),
        columns="customer t_us touchpoint actor resource session",
    )
    visits = visits_of(journeys_of(log), MomentSettings(good="no_transfer"))
    assert quality_of(visits) == {
        ("Chat", 0): -1,
        ("Desk", 0): 1,
        ("Desk", 1): -1,
        ("Expert", 1): 1,
        ("Chat", 2): 1,
    }


def test_a_wait_is_the_silence_before_the_visit_in_its_conversation(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, 30_000_000, "Menu", "s"),
        ("a", 90_000_000, None, "Desk", "s"),  # 60 seconds after the menu ended
        ("b", 1 * DAY, None, "Menu", "t"),
        ("b", 1 * DAY + 61_000_000, None, "Desk", "t"),
        ("c", 2 * DAY, None, "Menu", "u"),
        ("c", 3 * DAY, None, "Desk", "v"),  # another conversation: no wait
        columns="customer t_us end_us touchpoint session",
    )
    visits = visits_of(journeys_of(log), MomentSettings(good="wait_seconds", good_to=60))
    assert quality_of(visits) == {("Desk", 0): 1, ("Desk", 1): -1}


def test_settings_that_cannot_be_meant_are_refused(log_of: LogOf) -> None:
    log = log_of(("a", 0, "Call", "4"), columns="customer t_us touchpoint points")
    journeys = journeys_of(log)
    with pytest.raises(ConfigError, match=r"names the column 'pionts'.*Did you mean 'points'"):
        visits_of(journeys, MomentSettings(good="pionts"))
    with pytest.raises(ConfigError, match="no value of 'points' says if a visit went well"):
        visits_of(journeys, MomentSettings(good="points"))
    with pytest.raises(ConfigError, match="also says whether a visit went well"):
        visits_of(journeys, MomentSettings(good="points", good_from=3, adjust=("points",)))
    with pytest.raises(ConfigError, match="no_transfer needs the role 'actor'"):
        visits_of(journeys, MomentSettings(good="no_transfer"))
    with pytest.raises(ValidationError, match="good is on one side"):
        MomentSettings(good="points", good_from=3, good_to=4)
    with pytest.raises(ValidationError, match="on the other side"):
        MomentSettings(good="points", good_from=3, bad_at=3)
    with pytest.raises(ValidationError, match="needs 'good_to'"):
        MomentSettings(good="wait_seconds")


def visits_on(days: list[tuple[str, int]], journeys: Journeys) -> pd.DataFrame:
    """Return rows of visits; customers are numbered in order of their names."""
    names = sorted(
        journeys.log.events.select("customer").distinct().to_pyarrow()["customer"].to_pylist()
    )
    return pd.DataFrame(
        {
            "customer": [names.index(who) for who, _ in days],
            "t_us": [day * DAY for _, day in days],
        }
    )


@pytest.fixture
def long_log(log_of: LogOf) -> EventLog:
    rows = [(who, 0, "Web") for who in "abcdef"]
    return log_of(*rows, ("z", LATER * DAY, "Web"))


def test_an_outcome_counts_within_the_horizon_and_not_before_the_visit(long_log: EventLog) -> None:
    journeys = journeys_of(
        long_log,
        [
            ("a", 40, "churn", 1, None),  # 30 days after: just within
            ("b", 41, "churn", 1, None),
            ("c", 5, "churn", 1, None),  # before the visit
            ("d", 10, "churn", 1, None),  # the same day: before, for all anyone knows
            ("e", 20, "churn", 0, None),  # asked and told: no
            ("f", 20, "complaint", 1, None),
            ("f", None, "churn", 1, None),  # nobody knows when
        ],
    )
    rows = visits_on([(who, 10) for who in "abcdef"], journeys)
    happened, usable = event_within(journeys, rows, "churn", 30)
    assert list(happened) == [True, False, False, False, False, False]
    assert list(usable) == [True, True, False, False, True, True]


def test_a_visit_whose_horizon_the_log_does_not_cover_is_not_used(long_log: EventLog) -> None:
    journeys = journeys_of(long_log, [("a", 80, "churn", 1, None)])
    rows = visits_on([("a", 70), ("a", 71), ("b", 70)], journeys)
    happened, usable = event_within(journeys, rows, "churn", 30)
    assert list(happened) == [True, True, False]
    assert list(usable) == [True, False, True]


def test_the_first_request_after_a_visit_is_its_answer(long_log: EventLog) -> None:
    journeys = journeys_of(
        long_log,
        [
            ("a", 3, "csat", 2, 3),  # asked before the visit
            ("a", 25, "csat", 9, 20),  # answered later than asked
            ("a", 31, "csat", 1, 30),
            ("b", None, "csat", None, 15),  # asked, silent
            ("c", 41, "csat", 7, 41),  # asked too late
            ("d", 12, "csat", 4, None),  # the time of the answer stands in
            ("e", 15, "nps", 4, 15),
        ],
    )
    rows = visits_on([(who, 10) for who in "abcdef"], journeys)
    answer, asked = answer_within(journeys, rows, "csat", 30)
    assert list(asked) == [True, True, False, True, False, False]
    assert answer[asked].fillna(-1).tolist() == [9.0, -1.0, 4.0]
    assert answer[~asked].isna().all()
    late = visits_on([("a", 75)], journeys)
    assert list(answer_within(journeys, late, "csat", 30)[1]) == [False]


def test_an_unknown_kind_of_outcome_is_named(long_log: EventLog) -> None:
    journeys = journeys_of(long_log, [("a", 40, "churn", 1, None)])
    settings = JudgeSettings(moments={"good": "rating", "good_from": 4, "outcomes": ["chrun"]})
    for asked in (moments_of_truth, presence_effects):
        with pytest.raises(ConfigError, match=r"'chrun'.*Did you mean 'churn'"):
            asked(journeys, settings)
