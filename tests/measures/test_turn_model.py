"""Feelings learned from labelled turns: planted shares, and what the word list is left for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from journeylib.core import MICRO
from journeylib.journeys import Journeys, rebuild
from journeylib.log import EventLog
from journeylib.measures import MeasureSettings, Scores, customer_scores, measure
from journeylib.measures.texts.sentiment import text_measures
from journeylib.measures.texts.turn_model import TurnModel, learn_turns

LogOf = Callable[..., EventLog]
# No word of these is in the lexicon, or all count as good there: people hear it, the list does not.
BAD = (
    "thanks for nothing, third time I call about the {}",
    "I sit here since noon for the {}",
    "great, again no {} and nobody is in charge",
    "you send me round in circles with the {}",
)
CALM = (
    "where do I see the {} of March",
    "please send the {} to my new address",
    "can I get the {} on paper",
    "which {} belongs to my tariff",
)
GLAD = ("the {} came early, you did this well", "your colleague solved the {} at once, lovely")
BAD_DE = ("schon wieder keine {}, das ist der dritte Anruf", "ich warte seit Wochen auf die {}")
CALM_DE = ("wo finde ich die {} vom März", "bitte schicken Sie die {} an meine neue Adresse")
THINGS = ("bill", "form", "router", "card", "contract", "parcel")


def said(n: int, seed: int, bad: float, kinds: tuple[tuple[str, ...], ...]) -> pd.DataFrame:
    """Return turns, `bad` of them negative and, with three kinds, a fifth positive."""
    draw = np.random.default_rng(seed)
    share = [1 - bad, bad] if len(kinds) == 2 else [0.8 - bad, bad, 0.2]
    kind = draw.choice(len(kinds), n, p=share)
    texts = [f"{draw.choice(kinds[k]).format(draw.choice(THINGS))} {draw.integers(10**6)}"
             for k in kind]  # fmt: skip
    return pd.DataFrame({"text": texts, "negative": kind == 1, "positive": kind == 2})


def log_of_turns(log_of: LogOf, turns: pd.DataFrame) -> Journeys:
    rows = [(f"c{n:04d}", n, "Chat", "customer", text) for n, text in enumerate(turns["text"])]
    return rebuild(log_of(*rows, columns="customer position touchpoint actor text"))


def learned(turns: pd.DataFrame) -> TurnModel:
    model = learn_turns(turns.drop(columns="positive"))
    assert model is not None
    return model


@pytest.mark.slow
def test_the_share_of_negative_turns_is_that_which_people_hear(log_of: LogOf) -> None:
    labelled, fresh = said(200, 1, 0.4, (CALM, BAD)), said(400, 2, 0.25, (CALM, BAD))
    scores = customer_scores(log_of_turns(log_of, fresh), learned(labelled))
    assert isinstance(scores, Scores)
    assert scores.source == "column text, model of 200 labelled turns"
    found = text_measures(log_of_turns(log_of, fresh), MeasureSettings(), scores=scores)
    negative = next(one for one in found if one.measure == "negative")
    result = negative.resampled
    assert result.lo[0] <= fresh["negative"].mean() <= result.hi[0]
    # The word list hears good news in half of what is bad.
    cold = customer_scores(log_of_turns(log_of, fresh))
    assert cold == "unidentified" or "cold start" in cold.source
    # What the model does not know widens the interval, and every draw alike.
    bare = text_measures(
        log_of_turns(log_of, fresh), MeasureSettings(),
        scores=replace(scores, model=None),
    )  # fmt: skip
    narrow = next(one for one in bare if one.measure == "negative").resampled
    assert result.hi[0] - result.lo[0] > narrow.hi[0] - narrow.lo[0]
    assert result.draws[:, 0].std() > narrow.draws[:, 0].std()


def test_probabilities_are_calibrated() -> None:
    """Labels that are wrong in a fifth of the turns leave the model no surer than that."""
    labelled, fresh = (said(n, seed, 0.4, (CALM, BAD)) for n, seed in ((400, 3), (1_000, 4)))
    draw = np.random.default_rng(5)
    for turns in (labelled, fresh):
        turns["negative"] ^= draw.random(len(turns)) < 0.2
    p = learned(labelled).scores(fresh["text"])["negative"].astype(float).to_numpy() / MICRO
    bins = np.array_split(np.argsort(p, kind="stable"), 5)
    true = fresh["negative"].to_numpy(dtype=float)
    assert np.mean([abs(p[one].mean() - true[one].mean()) for one in bins]) <= 0.07
    assert 0.15 < p[p < 0.5].mean() < 0.35 and 0.65 < p[p > 0.5].mean() < 0.85


@pytest.mark.slow
def test_joy_counts_where_it_is_labelled() -> None:
    kinds = (CALM, BAD, GLAD)
    labelled, fresh = said(300, 6, 0.3, kinds), said(200, 7, 0.3, kinds)
    model = learn_turns(labelled)
    assert model is not None
    found = model.scores(fresh["text"]).astype(float)
    assert found.loc[fresh["positive"], "score"].mean() > 0.6 * MICRO
    assert found.loc[fresh["negative"], "score"].mean() < -0.6 * MICRO
    # Without labels of joy no turn is better than neutral.
    assert (learned(labelled).scores(fresh["text"])["score"] <= 0).all()


@pytest.mark.slow
def test_german_turns_are_heard_by_labels_alone(log_of: LogOf) -> None:
    kinds = (CALM_DE, BAD_DE)
    labelled, fresh = said(150, 8, 0.4, kinds), said(150, 9, 0.3, kinds)
    journeys = log_of_turns(log_of, fresh)
    assert customer_scores(journeys) == "unidentified"
    scores = customer_scores(journeys, learned(labelled))
    assert isinstance(scores, Scores)
    # Labels in English teach nothing of them.
    assert customer_scores(journeys, learned(said(150, 1, 0.4, (CALM, BAD)))) == "unidentified"


def test_too_few_labels_leave_the_word_list() -> None:
    turns = said(200, 10, 0.4, (CALM, BAD))
    assert learn_turns(None) is None
    assert learn_turns(turns.drop(columns="negative")) is None
    assert learn_turns(turns.head(99)) is None
    few = turns[~turns["negative"] | (turns["negative"].cumsum() <= 19)]
    assert len(few) >= 100 and learn_turns(few) is None
    # All negative turns of one customer: without them nothing is learned, so nothing is judged.
    assert learn_turns(turns.assign(customer=np.where(turns["negative"], "a", "b"))) is None


def test_the_order_of_labels_changes_nothing() -> None:
    turns, fresh = said(150, 11, 0.4, (CALM, BAD)), said(50, 12, 0.4, (CALM, BAD))
    one, other = learned(turns), learned(turns.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(one.scores(fresh["text"]), other.scores(fresh["text"]))
    assert one.error == other.error


@pytest.mark.slow
def test_what_is_measured_says_that_it_was_learned(log_of: LogOf) -> None:
    turns, fresh = said(250, 13, 0.4, (CALM, BAD)), said(200, 14, 0.3, (CALM, BAD))
    evidence = measure(log_of_turns(log_of, fresh), labelled=turns.drop(columns="positive"))
    for name in ("negative", "feeling_at_entry"):
        found = evidence.estimate("Chat", name)
        assert found["source"] == "column text, model of 250 labelled turns"
    assert evidence.estimate("Chat", "negative")["value"] == pytest.approx(0.3, abs=0.08)
    assert set(evidence.experience["source"]) == {"column text, model of 250 labelled turns"}
    # How often it is right is told of turns whose customer it has not seen.
    check = next(one for one in evidence.detectors if one.detector == "negative")
    assert check.n == 250
    assert (check.recall.value or 0) > 0.8


def test_a_company_s_own_scores_come_first(log_of: LogOf) -> None:
    log = log_of(("a", 0, "Chat", "fine", 900_000),
                 columns="customer position touchpoint text sentiment_micro")  # fmt: skip
    scores = customer_scores(rebuild(log), learned(said(150, 1, 0.4, (CALM, BAD))))
    assert isinstance(scores, Scores) and scores.source == "column sentiment"
