"""How touchpoints feel, against answers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log import MISSING
from journeylib.log.eventlog import EventLog
from journeylib.measures.evidence import measure
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.sentiment import (
    changes_across,
    customer_scores,
    experience_table,
    spreads,
    text_measures,
)
from journeylib.present.charts.experience import experience_chart
from journeylib.present.views.journey import experience

MICRO = 1_000_000
LogOf = Callable[..., EventLog]
ALL = MeasureSettings(min_starts=1, min_base_customers=1)
SCORED = "customer position touchpoint sentiment_micro"


def cut(log: EventLog) -> Journeys:
    return rebuild(log, JourneySettings(min_customers=1))


def by_name(journeys: Journeys, settings: MeasureSettings = ALL) -> dict[str, Measured]:
    return {found.measure: found for found in text_measures(journeys, settings)}


def value(journeys: Journeys, measure: str, touchpoint: str) -> float:
    names = list(journeys.touchpoints.sort_values("touchpoint_no")["touchpoint"])
    return float(by_name(journeys)[measure].resampled.value[names.index(touchpoint)])


def test_a_log_without_words_abstains(log_of: LogOf) -> None:
    found = by_name(cut(log_of(("a", 0, "A"))))
    feeling = ["negative", "volatility", "sentiment_drop", "feeling_at_entry"]
    assert list(found) == [*feeling, "human_request"]
    assert {measured.abstain for measured in found.values()} == {("no_column",)}


def test_negative_is_the_mean_of_the_journeys_shares(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", -MICRO),
        ("a", 1, "Chat", MICRO),
        ("a", 2, "Chat", -50_000),
        ("a", 3, "Chat", -49_999),
        ("b", 0, "Chat", -MICRO),
        ("c", 0, "Chat", None),
        columns=SCORED,
    )
    journeys = cut(log)
    assert value(journeys, "negative", "Chat") == pytest.approx((2 / 4 + 1) / 2)
    found = by_name(journeys)["negative"]
    assert (found.n_events[0], found.n_journeys[0], found.n_customers[0]) == (5, 2, 2)


def test_the_drop_is_the_change_across_a_step(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Ask", 500_000),
        ("a", 1, "Bot", None),
        ("a", 2, "Reply", -300_000),
        ("a", 3, "Bye", None),
        columns=SCORED,
    )
    journeys = cut(log)
    assert value(journeys, "sentiment_drop", "Bot") == pytest.approx(-0.8)
    assert value(journeys, "sentiment_drop", "Reply") == pytest.approx(-0.8)
    assert np.isnan(value(journeys, "sentiment_drop", "Ask"))
    assert np.isnan(value(journeys, "sentiment_drop", "Bye"))


def test_volatility_by_hand(log_of: LogOf) -> None:
    scores = [0, 600_000, -600_000, 0, 0]
    log = log_of(*[("a", n, "ABCDE"[n], x) for n, x in enumerate(scores)], columns=SCORED)
    chance = np.std(scores, ddof=1) / MICRO
    around = np.std([600_000, -600_000, 0], ddof=1) / MICRO
    assert value(cut(log), "volatility", "C") == pytest.approx(around - chance, abs=1e-3)
    assert value(cut(log), "volatility", "E") == pytest.approx(0 - chance, abs=1e-3)


def test_volatility_of_turns_in_no_order_is_nothing(log_of: LogOf) -> None:
    rng = np.random.default_rng(3)
    rows = [
        (f"c{who}", turn, f"T{turn}", int(score))
        for who in range(300)
        for turn, score in enumerate(rng.permutation([-900_000, -100_000, 0, 200_000, 800_000]))
    ]
    found = by_name(cut(log_of(*rows, columns=SCORED)))["volatility"].resampled
    assert np.abs(found.value).max() < 0.06
    assert ((found.lo < 0) & (found.hi > 0)).sum() >= 4


def test_a_companys_scores_come_before_its_texts(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "This is terrible", 900_000),
        columns="customer position touchpoint text sentiment_micro",
    )
    line = experience_table(cut(log), ALL)
    assert (line.loc[0, "sentiment"], line.loc[0, "source"]) == (0.9, "column sentiment")


def test_texts_in_english_are_scored_and_others_are_not(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "customer", "my husband died and I need to close his account"),
        ("a", 1, "Chat", "bot", "This is wonderful, I love it"),
        ("b", 0, "Mail", "customer", "das ist schrecklich und ich bin traurig"),
        ("c", 0, "Chat", "customer", "I would like to see my bill"),
        columns="customer position touchpoint actor text",
    )
    scores = customer_scores(cut(log))
    assert not isinstance(scores, str)
    assert (
        scores.source
        == "column text, VADER lexicon as a cold start (English; a word of it in 100 % of turns)"
    )
    assert list(scores.score[scores.score != MISSING]) == [
        pytest.approx(-560_000, abs=10_000),
        361_200,
    ]


@pytest.mark.slow
def test_a_word_list_that_found_no_word_is_not_neutral(
    log_of: LogOf, parts: Callable[..., Any]
) -> None:
    """One turn of ten, then two, has a word that the lexicon knows."""
    dull, sad = "Where do I find the form for the invoice of March?", "This is terrible"
    columns = "customer position touchpoint text"
    rows = [(f"c{n}", n, "Chat", dull) for n in range(9)]
    tenth = cut(log_of(*rows, ("c9", 9, "Chat", sad), columns=columns))
    assert customer_scores(tenth) == "unidentified"
    assert by_name(tenth)["negative"].abstain == ("unidentified",)
    said = repr(experience(parts(evidence=measure(tenth, ALL))))
    assert "fewer than 20 % of turns have a word of the list." in said
    fifth = log_of(*rows[:8], ("c8", 8, "Chat", sad), ("c9", 9, "Chat", sad), columns=columns)
    assert by_name(cut(fifth))["negative"].abstain == (None,)
    scores = customer_scores(cut(fifth))
    assert not isinstance(scores, str)
    assert scores.source.endswith("a word of it in 20 % of turns)")
    line = experience_chart(experience_table(cut(fifth), ALL), cut(fifth).touchpoints)
    assert line.table["feeling_source"].tolist() == [scores.source]


def test_a_touchpoint_where_no_word_is_known_has_no_feeling(log_of: LogOf) -> None:
    rows = [(f"c{n}", n, "Form", "Where do I find the form of March?") for n in range(10)]
    rows += [(f"c{n}", n, "Call", "This is terrible") for n in range(10)]
    journeys = cut(log_of(*rows, columns="customer position touchpoint text"))
    names = list(journeys.touchpoints.sort_values("touchpoint_no")["touchpoint"])
    told = dict(zip(names, by_name(journeys)["negative"].abstain, strict=True))
    assert told == {"Form": "unidentified", "Call": None}
    assert list(experience_table(journeys, ALL)["touchpoint"]) == ["Call"]


def test_what_customers_come_with_is_apart_from_what_happens(log_of: LogOf) -> None:
    """Grief: they come with -.8 and leave with .2; a bad bot: they come with .2, leave with -.8."""
    rows: list[tuple[object, ...]] = []
    for n in range(5):
        rows += [(f"a{n}", 0, "Bereavement", -800_000), (f"a{n}", 1, "Bereavement", 200_000)]
        rows += [(f"b{n}", 0, "Bot", 200_000), (f"b{n}", 1, "Bot", -800_000)]
    journeys = cut(log_of(*rows, columns=SCORED))
    told = {
        (name, spot): round(value(journeys, name, spot), 6)
        for name in ("feeling_at_entry", "sentiment_drop")
        for spot in ("Bereavement", "Bot")
    }
    assert told == {
        ("feeling_at_entry", "Bereavement"): -0.8, ("feeling_at_entry", "Bot"): 0.2,
        ("sentiment_drop", "Bereavement"): 1.0, ("sentiment_drop", "Bot"): -1.0,
    }  # fmt: skip


def test_texts_in_other_languages_abstain(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "das funktioniert überhaupt nicht, verbinden Sie mich mit einem Menschen"),
        columns="customer position touchpoint text",
    )
    journeys = cut(log)
    found = by_name(journeys)
    assert found["negative"].abstain == ("unidentified",)
    assert found["human_request"].resampled.value[0] == 1.0
    assert len(experience_table(journeys, ALL)) == 0


def test_requests_are_counted_by_journey(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "agent!"),
        ("a", 1, "Chat", "I want to talk to a human"),
        ("b", 0, "Chat", "The bill is wrong"),
        ("c", 0, "Mail", "The bill is wrong"),
        columns="customer position touchpoint text",
    )
    journeys = cut(log)
    assert value(journeys, "human_request", "Chat") == 1 / 2
    assert value(journeys, "human_request", "Mail") == 0


def test_ratings_stand_in_where_nothing_was_said(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", 5 * MICRO),
        ("b", 0, "Chat", 2 * MICRO),
        ("c", 0, "Mail", 3 * MICRO),
        columns="customer position touchpoint rating_micro",
    )
    line = experience_table(cut(log), ALL)
    assert list(zip(line["touchpoint"], line["sentiment"], line["source"], strict=True)) == [
        ("Chat", pytest.approx((1 - 0.5) / 2), "column rating, 1 to 5"),
        ("Mail", pytest.approx(0.0), "column rating, 1 to 5"),
    ]


def test_thin_touchpoints_abstain_and_are_not_shown(log_of: LogOf) -> None:
    rows = [(f"c{n}", 0, "Chat", 0) for n in range(30)] + [("c0", 1, "Mail", 0)]
    journeys = rebuild(log_of(*rows, columns=SCORED))
    found = by_name(journeys, MeasureSettings())["negative"]
    assert found.abstain == (None, "n_small")
    assert list(experience_table(journeys, MeasureSettings())["touchpoint"]) == ["Chat"]


@pytest.mark.slow
def test_the_order_of_rows_changes_nothing(log_of: LogOf) -> None:
    rng = np.random.default_rng(5)
    words = ["I love this, thanks", "This is terrible", "agent!", "My bill is wrong, sorry"]
    rows = [(f"c{n % 40}", n, f"T{rng.integers(3)}", words[rng.integers(4)]) for n in range(400)]
    columns = "customer position touchpoint text"
    one = by_name(cut(log_of(*rows, columns=columns)))
    two = by_name(cut(log_of(*[rows[n] for n in rng.permutation(400)], columns=columns)))
    for name, measured in one.items():
        assert np.array_equal(measured.resampled.value, two[name].resampled.value)
        assert np.array_equal(measured.resampled.draws, two[name].resampled.draws)


# Journeys of one to several turns, some without a score, none at all, and equal scores.
JOURNEYS = st.lists(
    st.lists(st.sampled_from([None, -1000, -3, 0, 7, 7, 999]), min_size=1, max_size=6), max_size=5
)


def variance(points: list[int]) -> int:
    mean = sum(points) / len(points)
    return int(np.floor(sum((x - mean) ** 2 for x in points) / (len(points) - 1) + 0.5))


@given(journeys=JOURNEYS)
@settings(max_examples=60)
def test_changes_and_spreads_equal_a_plain_walk(journeys: list[list[int | None]]) -> None:
    changes, near, far = [], [], []
    for turns in journeys:
        for spot in range(len(turns)):
            earlier = [x for x in turns[:spot] if x is not None]
            later = [x for x in turns[spot:] if x is not None]
            changes.append(later[0] - earlier[-1] if earlier and later else None)
        told = [x for x in turns if x is not None]
        for spot in range(len(told) if len(told) > 1 else 0):
            near.append(variance(told[max(spot - 1, 0) : spot + 2]))
            far.append(variance(told))
    score = np.array(
        [MISSING if x is None else x for turns in journeys for x in turns], dtype=np.int64
    )
    lengths = np.array([len(turns) for turns in journeys], dtype=np.int64)
    begins, journey = np.append(0, np.cumsum(lengths)), np.repeat(np.arange(len(lengths)), lengths)
    change, there = changes_across(score, begins, journey)
    assert [int(x) if y else None for x, y in zip(change, there, strict=True)] == changes
    known = score != MISSING
    around, whole, counts = spreads(score[known], journey[known])
    assert list(zip(around[counts], whole[counts], strict=True)) == list(
        zip(near, far, strict=True)
    )
