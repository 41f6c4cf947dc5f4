"""What customers' turns sound like: sentiment by touchpoint, each with its source.

A company's own scores come first, then a model of turns that it has labelled. The cold start is
VADER's lexicon (Hutto & Gilbert 2014) for texts in English; other languages have no score. A
lexicon does not see sarcasm, and finds nothing in "agent!": the detectors of `text` stand apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journeylib.core import (
    DRAWS,
    MICRO,
    SEED,
    AbstainReason,
    Floats,
    Resampled,
    percent,
    resample,
    text,
)
from journeylib.journeys import MISSING, Events, Journeys, number_pairs, sum_in_cells
from journeylib.log import asks_for_human, sample_customers, suppress, text_language
from journeylib.measures.measured import Measured
from journeylib.measures.ratios import quotient
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.language_reach import (
    REACH,
    customers_say,
    lexicon_reach,
    texts_of_customers,
)
from journeylib.measures.texts.turn_model import TurnModel
from journeylib.measures.touchpoints.group_sums import measured, silent, thin

Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[Any]
NEGATIVE = -50_000  # VADER's own limit of a negative text, −0.05
MOST_TEXTS = 50_000
EVEN_ODDS = MICRO // 2  # from here on a turn is more likely negative than not
Z = 1.959964
LISTED = 0.2  # share of turns with a word of the lexicon, below which the lexicon tells nothing
# Scales that ratings are given on: a rating is read on the first that holds all of them.
RATING_SCALES = ((0, 1), (1, 5), (1, 7), (0, 10), (0, 100))


@dataclass(frozen=True, eq=False)
class Scores:
    """Customers' turns with a score.

    Attributes
    ----------
    events : Events
        Those of the journeys that were scored.
    score, negative : ndarray of int64
        Of each event the score, −1,000,000 to 1,000,000, and how likely it is negative, 0 to
        1,000,000 (where no model says so, one or the other); `MISSING` where there is none.
    source : str
        Where the scores come from, in words.
    per_mille : int
        Of how many customers in a thousand texts were read; see `in_sample`.
    listed : dict of int to float
        By number of the touchpoint, the share of its scored turns in which the lexicon knows a
        word; empty where scores come from no lexicon.
    model : TurnModel or None
        What scored the turns, where a company has labelled some.
    """

    events: Events
    score: Whole
    negative: Whole
    source: str
    per_mille: int = 1000
    listed: Mapping[int, float] = field(default_factory=dict)
    model: TurnModel | None = None


def customer_scores(journeys: Journeys, model: TurnModel | None = None) -> Scores | AbstainReason:
    """Score customers' turns, or say why they cannot be scored.

    Parameters
    ----------
    journeys : Journeys
    model : TurnModel, optional
        Learned from labelled turns; without it the lexicon is the cold start.

    Returns
    -------
    Scores or str
        ``no_column`` in a log without sentiment and text, ``unidentified`` where most texts are
        in a language that the lexicon or the model does not know, or the lexicon knows a word in
        too few turns (`LISTED`): a list that found no word has not heard a neutral customer.

    Notes
    -----
    Of more than `MOST_TEXTS` texts only those of a fixed pseudo-random sample of customers
    are scored.
    """
    events = journeys.events
    if journeys.has("sentiment_micro"):
        given = events.column("sentiment_micro")
        score = np.where(given == MISSING, MISSING, np.clip(given, -MICRO, MICRO))
        return Scores(events, score, _by_limit(score), "column sentiment")
    if not journeys.has("text"):
        return "no_column"
    once = partial(events.once, whatever_cut=True)
    rows, number, texts, per_mille = once("texts that are scored", lambda: _read(journeys))
    if texts.empty:
        return "no_column"
    if model is None:
        read = once("scores by the lexicon", lambda: vader_scores(texts))
    else:
        read = model.scores(texts)
    if read["score"].notna().mean() < REACH:
        return "unidentified"
    turns = read.astype("Int64").fillna(MISSING).astype("int64").iloc[number]
    score, negative = np.full((2, len(events)), MISSING)
    score[rows], negative[rows] = turns["score"], turns["negative"]
    if model is not None:
        source = _source("model", per_mille, n=model.turns)
        return Scores(events, score, negative, source, per_mille, model=model)
    counts = _listed(events.touchpoint[rows], turns)
    part = counts["sum"].sum() / max(counts["size"].sum(), 1)
    if part < LISTED:
        return "unidentified"
    source = _source("vader", per_mille, share=f"{100 * part:.0f}")
    listed = dict(zip(counts.index, counts["sum"] / counts["size"], strict=True))
    return Scores(events, score, negative, source, per_mille, listed)


def _listed(touchpoint: Numbers, turns: pd.DataFrame) -> pd.DataFrame:
    """Return by touchpoint the scored turns, ``size``, and those with a listed word, ``sum``."""
    scored = turns.assign(touchpoint_no=touchpoint)[turns["score"].to_numpy() != MISSING]
    counts: pd.DataFrame = scored.groupby("touchpoint_no")["listed"].agg(["sum", "size"])
    return counts


def _read(journeys: Journeys) -> tuple[Whole, Numbers, pd.Series[str], int]:
    """Return which events have a text to be scored, its number, the texts, and what part it is."""
    events, rows = journeys.events, np.flatnonzero(texts_of_customers(journeys))
    drawn, per_mille = sample_customers(events.customer[rows], MOST_TEXTS)
    rows = rows[drawn]
    number, texts = pd.factorize(pd.Series(events.texts_at(rows), dtype="str"), sort=True)
    return rows, number, pd.Series(texts, dtype="str"), per_mille


def _source(kind: str, per_mille: int, **values: str | int) -> str:
    sample = ""
    if per_mille < 1000:
        sample = text("measures.source.sample", share=percent(per_mille / 1000, 1))
    return text(f"measures.source.{kind}", sample=sample, **values)


def _by_limit(score: Whole) -> Whole:
    """Return how likely a turn is negative where only a limit of its score says so."""
    return np.where(score == MISSING, MISSING, np.where(score <= NEGATIVE, MICRO, 0))


def vader_scores(texts: pd.Series[Any]) -> pd.DataFrame:
    """Score texts by VADER's lexicon.

    Returns
    -------
    pandas.DataFrame
        ``score`` (Int64, compound score in micro-units; missing where a text is not English),
        ``negative`` (Int64, 0 or 1,000,000), ``listed`` (int64, 1 where the lexicon knows a word
        of it).
    """
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyser = SentimentIntensityAnalyzer()
    read = [
        analyser.polarity_scores(text) if text_language(text) == "en" else None for text in texts
    ]
    scores = [None if one is None else round(MICRO * one["compound"]) for one in read]
    listed = [int(one is not None and one["pos"] + one["neg"] > 0) for one in read]
    frame = pd.DataFrame({"score": pd.Series(scores, dtype="Int64"), "listed": listed})
    frame["negative"] = (frame["score"] <= NEGATIVE).astype("Int64") * MICRO
    return frame.set_index(texts.index)


def text_measures(
    journeys: Journeys, settings: MeasureSettings, *, scores: Scores | AbstainReason | None = None
) -> list[Measured]:
    """Return the measures of what customers say, for every touchpoint.

    Parameters
    ----------
    journeys : Journeys
    settings : MeasureSettings
    scores : Scores or str, optional
        As of `customer_scores`, where they have been made already.

    Returns
    -------
    list of Measured
        ``negative``: share of scored turns at the touchpoint of −0.05 or less, or the mean
        probability by a model, mean within the journey, then over journeys. ``volatility``:
        spread of scores around the touchpoint beyond chance, points. ``sentiment_drop``: mean
        change of the score across the touchpoint, points (below 0: it falls).
        ``feeling_at_entry``: mean score of the customer's first scored turn there, points: what
        they come with, which no touchpoint answers for. ``human_request``: share of journeys
        with a customer's text at the touchpoint in which one there asks for a human.

    Notes
    -----
    Volatility is √(mean variance of the scored turn at the touchpoint, the one before and the
    one after) − √(mean variance of all scored turns of the same journeys). A window is a draw
    without replacement from its journey's turns, so if the order of turns did not matter both
    variances would have the same expectation: the second is the chance level in closed form.

    The change across a step is the score at it, or else the next after it, minus the last score
    before it.
    """
    scores = customer_scores(journeys) if scores is None else scores
    if isinstance(scores, str):
        units = {"negative": "share"} | dict.fromkeys(
            ("volatility", "sentiment_drop", "feeling_at_entry"), "points"
        )
        many = len(journeys.touchpoints)
        measures = [silent(name, unit, scores, many) for name, unit in units.items()]
    else:
        score = score_of_events(scores, journeys.events)
        measures = [
            _negative(scores, journeys, settings),
            _volatility(scores, score, journeys, settings),
            _drop(scores, score, journeys, settings),
            _entry(scores, score, journeys, settings),
        ]
        measures = [_where_listed(one, scores) for one in measures]
    return [*measures, _human_request(journeys, settings)]


@dataclass(frozen=True)
class _Question:
    """What is measured of the sums of each touchpoint, and where it comes from."""

    measure: str
    unit: str
    source: str
    statistic: Callable[[Floats], Floats] = quotient


def _measured(
    question: _Question,
    journeys: Journeys,
    settings: MeasureSettings,
    counts: Flags,
    sums: dict[str, Whole],
) -> Measured:
    """Sum over the events that count, by touchpoint and customer group."""
    m, events = len(journeys.touchpoints), journeys.events
    cell = np.where(counts, events.touchpoint, -1)
    totals = np.stack([events.in_groups(cell, amount, m) for amount in sums.values()], axis=-1)
    base = events.base(cell, m)
    shares: dict[str, Any] = (
        {"share": True, "n_customers": base.customers, "n_trials": base.journeys}
        if question.unit == "share"
        else {}
    )
    result: Resampled = resample(
        totals, question.statistic, **({"n_customers": base.customers} | shares)
    )
    few = thin(base, settings) | ~np.isfinite(result.value)
    one = measured(
        question.measure, question.unit, result, base, settings, refused={"n_small": few}
    )
    return replace(one, source=question.source)


def score_of_events(scores: Scores, events: Events, what: str = "score") -> Whole:
    """Return the ``score`` of each event, or how likely it is ``negative``; else `MISSING`.

    The events may be of other journeys of the log than those that were scored.
    """
    own, values = scores.events, getattr(scores, what)
    whole: Whole = values
    if own.parent is not None:
        whole = np.full(len(own.parent), MISSING)
        whole[own.picked] = values
    return whole if events.picked is None else whole[events.picked]


def _first_there(events: Events, counts: Flags) -> tuple[Flags, Whole]:
    """Mark the first counting event of each journey at each touchpoint, and number these cells.

    The number is of every counting event, −1 of the others.
    """
    cell, _keys = number_pairs(
        np.where(counts, events.journey, -1), events.touchpoint, events.touchpoints
    )
    first = np.zeros(len(events), dtype=bool)
    rows = np.flatnonzero(cell >= 0)
    # Cells are numbered in the order in which they first occur.
    first[rows[np.unique(cell[rows], return_index=True)[1]]] = True
    return first, cell.astype(np.int64)


def _negative(scores: Scores, journeys: Journeys, settings: MeasureSettings) -> Measured:
    events = journeys.events
    likely = score_of_events(scores, events, "negative")
    is_scored = likely != MISSING
    first, cell = _first_there(events, is_scored)
    cells = int(cell.max(initial=-1)) + 1
    every = np.bincount(cell[is_scored], minlength=cells)
    bad = sum_in_cells(cell[is_scored], likely[is_scored], cells)
    share = np.floor(bad / np.maximum(every, 1) + 0.5).astype(np.int64)
    mean = np.zeros(len(events), dtype=np.int64)
    mean[first] = share[cell[first]]
    # One turn of each journey carries its mean; the others count as events only.
    measures = _measured(
        _Question("negative", "share", scores.source),
        journeys,
        settings,
        is_scored,
        {"bad": mean, "n": first * np.int64(MICRO)},
    )
    return measures if scores.model is None else _with_error(measures, scores.model.error)


def _with_error(one: Measured, error: float) -> Measured:
    """Widen a share by the standard error of the model, which is the same at all touchpoints."""
    of_model = error * np.random.default_rng([SEED, len(one.measure)]).standard_normal(DRAWS)
    resampled = one.resampled
    lo, hi = (
        resampled.value + sign * np.hypot(end - resampled.value, Z * error)
        for sign, end in ((-1, resampled.lo), (1, resampled.hi))
    )
    draws = np.clip(resampled.draws + of_model[:, None], 0.0, 1.0)
    wider = Resampled(
        resampled.value,
        np.hypot(resampled.se, error),
        np.maximum(lo, 0.0),
        np.minimum(hi, 1.0),
        draws,
    )
    return replace(one, resampled=wider)


def _volatility(
    scores: Scores, score: Whole, journeys: Journeys, settings: MeasureSettings
) -> Measured:
    events, rows = journeys.events, np.flatnonzero(score != MISSING)
    near, far = np.zeros(len(events), dtype=np.int64), np.zeros(len(events), dtype=np.int64)
    counts = np.zeros(len(events), dtype=bool)
    points = np.sign(score[rows]) * ((np.abs(score[rows]) + 500) // 1000)
    near[rows], far[rows], counts[rows] = spreads(points, events.journey[rows])
    return _measured(
        _Question("volatility", "points", scores.source, _beyond_chance),
        journeys,
        settings,
        counts,
        {"near": near, "far": far, "n": counts.astype(np.int64)},
    )


def _beyond_chance(totals: Floats) -> Floats:
    near, far, n = (totals[..., part] for part in range(3))
    return np.asarray((np.sqrt(near / n) - np.sqrt(far / n)) / 1000)


def spreads(points: Whole, journey: Numbers) -> tuple[Whole, Whole, Flags]:
    """Return the variance around each turn and in its whole journey, and where both are known.

    Around a turn are the one before, itself and the one after, where they are of its journey. The
    turns of one journey lie together; one turn alone has no variance.
    """
    same = journey[1:] == journey[:-1]
    has_last, has_next = np.append(False, same)[: len(points)], np.append(same, False)
    has_next = has_next[: len(points)]

    def window(value: Whole) -> Whole:
        last, following = np.roll(value, 1) * has_last, np.roll(value, -1) * has_next
        return np.asarray(last + value + following)

    def variance(n: Whole, total: Whole, squares: Whole) -> Whole:
        spread = (squares * n - total * total) / (n * np.maximum(n - 1, 1))
        return np.floor(spread + 0.5).astype(np.int64)

    ones = np.ones(len(points), dtype=np.int64)
    near_n = window(ones)
    near = variance(near_n, window(points), window(points * points))
    many = int(journey.max(initial=-1)) + 1
    n, total, squares = (
        sum_in_cells(journey, amount, many)[journey] for amount in (ones, points, points * points)
    )
    return near, variance(n, total, squares), near_n > 1


def _drop(scores: Scores, score: Whole, journeys: Journeys, settings: MeasureSettings) -> Measured:
    change, counts = changes_across(score, journeys.events.begins, journeys.events.journey)
    return _measured(
        _Question("sentiment_drop", "points", scores.source),
        journeys,
        settings,
        counts,
        {"change": change, "n": counts * np.int64(MICRO)},
    )


def changes_across(score: Whole, begins: Whole, journey: Numbers) -> tuple[Whole, Flags]:
    """Return the change of the score across each event, and where both scores are known.

    From the last score before the event to its own, or else to the next after it, in its journey.
    """
    row, many = np.arange(len(score)), len(score)
    is_scored = score != MISSING
    so_far = np.maximum.accumulate(np.where(is_scored, row, -1)) if many else row
    before = np.append(-1, so_far)[:many]
    after = np.minimum.accumulate(np.where(is_scored, row, many)[::-1])[::-1] if many else row
    both_known = (before >= begins[journey]) & (after < begins[journey + 1])
    change = np.zeros(many, dtype=np.int64)
    change[both_known] = score[after[both_known]] - score[before[both_known]]
    return change, both_known


def _entry(scores: Scores, score: Whole, journeys: Journeys, settings: MeasureSettings) -> Measured:
    first, _cell = _first_there(journeys.events, score != MISSING)
    return _measured(
        _Question("feeling_at_entry", "points", scores.source),
        journeys,
        settings,
        first,
        {"score": np.where(first, score, 0), "n": first * np.int64(MICRO)},
    )


def _where_listed(one: Measured, scores: Scores) -> Measured:
    """Abstain at touchpoints where the lexicon knows a word in too few turns."""
    reasons = list(one.abstain)
    for number, share in scores.listed.items():
        if share < LISTED and reasons[number] is None:
            reasons[number] = "unidentified"
    return replace(one, abstain=tuple(reasons))


def _human_request(journeys: Journeys, settings: MeasureSettings) -> Measured:
    reason: AbstainReason | None = None
    if not journeys.has("text"):
        reason = "no_column"
    elif not settings.human_request_words:
        reach = lexicon_reach(journeys)
        reason = "unidentified" if reach is not None and reach < REACH else None
    if reason is not None:
        return silent("human_request", "share", reason, len(journeys.touchpoints))
    events, words = journeys.events, settings.human_request_words
    own, request = texts_of_customers(journeys), f"asks for a human {sorted(words)}"
    first, cell = _first_there(events, own)
    cells = int(cell.max(initial=-1)) + 1
    asks = customers_say(journeys, {request: asks_for_human(_.text, words)})[request]
    asked = np.bincount(cell[own & asks], minlength=cells) > 0
    requests = np.zeros(len(events), dtype=np.int64)
    requests[first] = asked[cell[first]]
    measures = _measured(
        _Question("human_request", "share", "column text, requests for a human by lexicon"),
        journeys,
        settings,
        first,
        {"asked": requests, "n": first.astype(np.int64)},
    )
    trials = measures.n_journeys.astype(np.float64)
    return replace(measures, hits=measures.resampled.value * trials, trials=trials)


def experience_table(
    journeys: Journeys, settings: MeasureSettings, *, scores: Scores | AbstainReason | None = None
) -> pd.DataFrame:
    """Return how each touchpoint feels, on −1 to 1: the experience line of a journey map.

    Returns
    -------
    pandas.DataFrame
        One row per touchpoint with at least ``min_customers`` customers who were heard there,
        in the order of `Journeys.touchpoints`: ``touchpoint`` (str), ``sentiment``, ``lo``,
        ``hi`` (float64, mean with its customer-clustered interval), ``source`` (str),
        ``n_customers`` (int64). Without sentiment and text it is the mean rating, its scale
        (the first of `RATING_SCALES` that holds all ratings) laid on −1 to 1. No rows where
        nothing was heard.
    """
    scores = customer_scores(journeys) if scores is None else scores
    if isinstance(scores, str):
        scores = _ratings(journeys)
    columns = ["touchpoint", "sentiment", "lo", "hi", "source", "n_customers"]
    if scores is None:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})
    few = [number for number, share in scores.listed.items() if share < LISTED]
    score = score_of_events(scores, journeys.events)
    is_scored = (score != MISSING) & ~np.isin(journeys.events.touchpoint, few)
    measures = _measured(
        _Question("sentiment", "points", ""),
        journeys,
        settings,
        is_scored,
        {"total": np.where(is_scored, score, 0), "n": is_scored * np.int64(MICRO)},
    )
    touchpoints = journeys.touchpoints
    row = touchpoints["touchpoint_no"].to_numpy()
    result = measures.resampled
    frame = pd.DataFrame(
        {
            "touchpoint": touchpoints["touchpoint"],
            "sentiment": result.value[row],
            "lo": np.clip(result.lo[row], -1, 1),
            "hi": np.clip(result.hi[row], -1, 1),
            "source": scores.source,
            "n_customers": measures.n_customers[row],
        }
    )
    return suppress(frame, max(journeys.settings.min_customers, 1), "n_customers")[0]


def _ratings(journeys: Journeys) -> Scores | None:
    if not journeys.has("rating_micro"):
        return None
    events, rating = journeys.events, journeys.events.column("rating_micro")
    is_rated = rating != MISSING
    if not is_rated.any():
        return None
    least, most = rating[is_rated].min(), rating[is_rated].max()
    scale = next((s for s in RATING_SCALES if s[0] * MICRO <= least and most <= s[1] * MICRO), None)
    if scale is None:
        return None
    low, high = scale
    exact = (rating[is_rated] - (low + high) * MICRO // 2) / ((high - low) / 2)
    score = np.full(len(events), MISSING)
    score[is_rated] = np.sign(exact) * np.floor(np.abs(exact) + 0.5)
    return Scores(events, score, _by_limit(score), f"column rating, {low} to {high}")
