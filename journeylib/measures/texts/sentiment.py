"""What customers' turns sound like: sentiment by touchpoint, each with its source.

A company's own scores come first. Else customers' texts in English are scored by VADER's
lexicon (Hutto & Gilbert 2014), each distinct text once; other languages have no score. A
lexicon does not see sarcasm, and finds nothing in "agent!": the detectors of `text` stand apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd
from ibis import _

from journeylib.core import AbstainReason, Floats, Resampled, resample
from journeylib.journeys import Journeys
from journeylib.log import (
    asks_for_human,
    fetch,
    sample_customers,
    suppress,
    text_language,
)
from journeylib.measures.measured import Measured, bases, group_sums
from journeylib.measures.ratios import quotient
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.language_reach import REACH, by_customers, lexicon_reach

if TYPE_CHECKING:
    from collections.abc import Callable

MICRO = 1_000_000
NEGATIVE = -50_000  # VADER's own limit of a negative text, −0.05
MOST_TEXTS = 50_000
LISTED = 0.2  # share of turns with a word of the lexicon, below which the lexicon tells nothing
# Scales that ratings are given on: a rating is read on the first that holds all of them.
RATING_SCALES = ((0, 1), (1, 5), (1, 7), (0, 10), (0, 100))


@dataclass(frozen=True)
class Scores:
    """Customers' turns with a score.

    Attributes
    ----------
    turns : ibis.Table
        One row per step of the log: ``journey``, ``customer_no``, ``group``, ``step``,
        ``touchpoint_no``, ``score`` (int64: −1,000,000 to 1,000,000; null where there is none).
    source : str
        Where the scores come from, in words.
    per_mille : int
        Of how many customers in a thousand texts were read; see `in_sample`.
    listed : dict of int to float
        By number of the touchpoint, the share of its scored turns in which the lexicon knows a
        word; empty where scores come from no lexicon.
    """

    turns: ibis.Table
    source: str
    per_mille: int = 1000
    listed: Mapping[int, float] = field(default_factory=dict)


def customer_scores(journeys: Journeys) -> Scores | AbstainReason:
    """Score customers' turns, or say why they cannot be scored.

    Returns
    -------
    Scores or str
        ``no_column`` in a log without sentiment and text, ``unidentified`` where most texts are
        in a language that the lexicon does not know, or it knows a word in too few turns
        (`LISTED`): a list that found no word has not heard a neutral customer.

    Notes
    -----
    Of more than `MOST_TEXTS` texts only those of a fixed pseudo-random sample of customers
    are scored.
    """
    keys = ["journey", "customer_no", "group", "step", "touchpoint_no"]
    steps = journeys.steps
    if journeys.has("sentiment_micro"):
        score = ibis.greatest(ibis.least(_.sentiment_micro, MICRO), -MICRO)
        scored = steps.mutate(score=_.sentiment_micro.isnull().ifelse(ibis.null("int64"), score))
        return Scores(scored.select(*keys, "score").cache(), "column sentiment")
    if not journeys.has("text"):
        return "no_column"
    own = by_customers(journeys)
    n = steps.filter(own).count().to_pyarrow().as_py()
    drawn, per_mille = sample_customers(n, MOST_TEXTS)
    heard = steps.filter(own & drawn)
    texts = fetch(heard.select("text").distinct()).sort_values("text", ignore_index=True)
    scored_texts = vader_scores(texts["text"])
    texts = texts.assign(score=scored_texts["score"], listed=scored_texts["listed"])
    known = texts["score"].notna()
    if known.mean() < REACH if len(texts) else True:
        return "unidentified" if len(texts) else "no_column"
    kinds = {"text": "str", "score": "int64", "listed": "int64"}
    table = ibis.memtable(texts[known].astype(kinds))
    found = heard.select(*keys, "text").inner_join(table, "text").cache()
    counts = fetch(found.group_by("touchpoint_no").aggregate(n=_.count(), hits=_.listed.sum()))
    part = counts["hits"].sum() / max(counts["n"].sum(), 1)
    if part < LISTED:
        return "unidentified"
    listed = dict(zip(counts["touchpoint_no"], counts["hits"] / counts["n"], strict=True))
    scored = found.select(*keys, "score")
    silent = steps.select(*keys).anti_join(scored, ["journey", "step"])
    every = silent.mutate(score=ibis.null("int64")).union(scored).cache()
    share = "" if per_mille == 1000 else f", {per_mille / 10:g} % of customers"
    words = f"a word of it in {100 * part:.0f} % of turns"
    return Scores(every, f"column text, VADER lexicon (English{share}; {words})", per_mille, listed)


def vader_scores(texts: pd.Series[Any]) -> pd.DataFrame:
    """Score texts by VADER's lexicon.

    Returns
    -------
    pandas.DataFrame
        ``score`` (Int64, compound score in micro-units; missing where a text is not English),
        ``listed`` (int64, 1 where the lexicon knows a word of it).
    """
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyser = SentimentIntensityAnalyzer()
    read = [
        analyser.polarity_scores(text) if text_language(text) == "en" else None for text in texts
    ]
    scores = [None if one is None else round(MICRO * one["compound"]) for one in read]
    listed = [int(one is not None and one["pos"] + one["neg"] > 0) for one in read]
    frame = pd.DataFrame({"score": pd.Series(scores, dtype="Int64"), "listed": listed})
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
        ``negative``: share of scored turns at the touchpoint of −0.05 or less, mean within
        the journey, then over journeys. ``volatility``: spread of scores around the touchpoint
        beyond chance, points. ``sentiment_drop``: mean change of the score across the
        touchpoint, points (below 0: it falls). ``feeling_at_entry``: mean score of the
        customer's first scored turn there, points: what they come with, which no touchpoint
        answers for. ``human_request``: share of journeys with a
        customer's text at the touchpoint in which one there asks for a human.

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
        silent = [("negative", "share"), ("volatility", "points"), ("sentiment_drop", "points")]
        silent.append(("feeling_at_entry", "points"))
        measured = [_unmeasured(journeys, name, unit, scores) for name, unit in silent]
    else:
        measured = [
            _negative(scores, journeys, settings),
            _volatility(scores, journeys, settings),
            _drop(scores, journeys, settings),
            _entry(scores, journeys, settings),
        ]
        measured = [_where_listed(one, scores) for one in measured]
    return [*measured, _human_request(journeys, settings)]


def _unmeasured(journeys: Journeys, name: str, unit: str, reason: AbstainReason) -> Measured:
    m = len(journeys.touchpoints)
    nothing = resample(np.zeros((64, m, 2)), quotient)
    zero = np.zeros(m, dtype=np.int64)
    return Measured(name, unit, nothing, zero, zero, zero, (reason,) * m)


def _measured(
    rows: ibis.Table,
    journeys: Journeys,
    settings: MeasureSettings,
    sums: dict[str, Any],
    *,
    measure: str,
    unit: str,
    statistic: Callable[[Floats], Floats] = quotient,
    source: str = "",
) -> Measured:
    m = len(journeys.touchpoints)
    totals = group_sums(rows.group_by(["touchpoint_no", "group"]).aggregate(**sums), list(sums), m)
    base = bases(rows, m)
    customers = base["customers"].to_numpy()
    visits = base["journeys"].to_numpy()
    shares: dict[str, Any] = (
        {"share": True, "n_customers": customers, "n_trials": visits} if unit == "share" else {}
    )
    result: Resampled = resample(totals, statistic, **({"n_customers": customers} | shares))
    thin = (base["events"] < settings.min_starts) | (customers < settings.min_base_customers)
    unknown = ~np.isfinite(result.value)
    reason: AbstainReason = "n_small"
    return Measured(
        measure=measure,
        unit=unit,
        resampled=result,
        n_events=base["events"].to_numpy(),
        n_journeys=visits,
        n_customers=customers,
        abstain=tuple(reason if few else None for few in thin | unknown),
        source=source,
    )


def _negative(scores: Scores, journeys: Journeys, settings: MeasureSettings) -> Measured:
    turns = scores.turns.filter(_.score.notnull())
    here = ibis.window(group_by=["journey", "touchpoint_no"])
    rows = turns.mutate(
        bad=(_.score <= NEGATIVE).cast("int64").sum().over(here),
        n=_.count().over(here),
        first=_.step == _.step.min().over(here),
    )
    # One row of each journey carries its mean; the other turns count as events only.
    return _measured(
        rows,
        journeys,
        settings,
        {
            "bad": _.first.ifelse((_.bad * MICRO / _.n).round().cast("int64"), 0).sum(),
            "n": _.first.ifelse(MICRO, 0).cast("int64").sum(),
        },
        measure="negative",
        unit="share",
        source=scores.source,
    )


def _volatility(scores: Scores, journeys: Journeys, settings: MeasureSettings) -> Measured:
    turns = scores.turns.filter(_.score.notnull()).mutate(x=(_.score / 1000).round().cast("int64"))
    around = ibis.window(group_by="journey", order_by="step", preceding=1, following=1)
    whole = ibis.window(group_by="journey")

    def variance(window: Any) -> Any:
        n, total = _.x.count().over(window), _.x.sum().over(window)
        squares = (_.x * _.x).sum().over(window)
        spread = (squares * n - total * total) / (n * ibis.greatest(n - 1, 1))
        return (n > 1).ifelse(spread.round().cast("int64"), ibis.null("int64"))

    rows = turns.mutate(near=variance(around), far=variance(whole)).filter(_.near.notnull())
    return _measured(
        rows,
        journeys,
        settings,
        {"near": _.near.sum(), "far": _.far.sum(), "n": _.count()},
        measure="volatility",
        unit="points",
        source=scores.source,
        statistic=lambda totals: (
            (np.sqrt(totals[..., 0] / totals[..., 2]) - np.sqrt(totals[..., 1] / totals[..., 2]))
            / 1000
        ),
    )


def _drop(scores: Scores, journeys: Journeys, settings: MeasureSettings) -> Measured:
    order: dict[str, Any] = {"group_by": "journey", "order_by": "step"}
    scored = scores.turns.mutate(at=_.score.notnull().ifelse(_.step, ibis.null("int64")))
    near = scored.mutate(
        before=_.at.max().over(ibis.window(preceding=(None, 1), **order)),
        after=_.at.min().over(ibis.window(following=(0, None), **order)),
    ).filter(_.before.notnull() & _.after.notnull())
    values = scored.filter(_.score.notnull()).select("journey", "step", "score")
    rows = (
        near.drop("score", "at")
        .inner_join(values.select("journey", before="step", earlier="score"), ["journey", "before"])
        .inner_join(values.select("journey", after="step", later="score"), ["journey", "after"])
    )
    return _measured(
        rows,
        journeys,
        settings,
        {"change": (_.later - _.earlier).sum(), "n": _.count() * MICRO},
        measure="sentiment_drop",
        unit="points",
        source=scores.source,
    )


def _entry(scores: Scores, journeys: Journeys, settings: MeasureSettings) -> Measured:
    here = ibis.window(group_by=["journey", "touchpoint_no"])
    turns = scores.turns.filter(_.score.notnull()).mutate(first=_.step.min().over(here))
    return _measured(
        turns.filter(_.step == _.first),
        journeys,
        settings,
        {"score": _.score.sum(), "n": _.count() * MICRO},
        measure="feeling_at_entry",
        unit="points",
        source=scores.source,
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
        return _unmeasured(journeys, "human_request", "share", reason)
    asked = asks_for_human(_.text, settings.human_request_words)
    rows = (
        journeys.steps.filter(by_customers(journeys))
        .group_by(["journey", "customer_no", "group", "touchpoint_no"])
        .aggregate(asked=asked.any().cast("int64"))
    )
    return _measured(
        rows,
        journeys,
        settings,
        {"asked": _.asked.sum(), "n": _.count()},
        measure="human_request",
        unit="share",
        source="column text, requests for a human by lexicon",
    )


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
    turns = scores.turns.filter(_.score.notnull())
    found = _measured(
        turns.filter(_.touchpoint_no.notin(few)) if few else turns,
        journeys,
        settings,
        {"total": _.score.sum(), "n": _.count() * MICRO},
        measure="sentiment",
        unit="points",
    )
    spots = journeys.touchpoints
    place = spots["touchpoint_no"].to_numpy()
    result = found.resampled
    frame = pd.DataFrame(
        {
            "touchpoint": spots["touchpoint"],
            "sentiment": result.value[place],
            "lo": np.clip(result.lo[place], -1, 1),
            "hi": np.clip(result.hi[place], -1, 1),
            "source": scores.source,
            "n_customers": found.n_customers[place],
        }
    )
    return suppress(frame, max(journeys.settings.min_customers, 1), "n_customers")[0]


def _ratings(journeys: Journeys) -> Scores | None:
    if not journeys.has("rating_micro"):
        return None
    rating = journeys.steps.rating_micro
    row = fetch(journeys.steps.aggregate(least=rating.min(), most=rating.max())).iloc[0]
    scale = next(
        (s for s in RATING_SCALES if s[0] * MICRO <= row["least"] and row["most"] <= s[1] * MICRO),
        None,
    )
    if scale is None:
        return None
    low, high = scale
    middle, half = (low + high) * MICRO // 2, (high - low) / 2
    score = ((rating - middle) / half).round().cast("int64")
    keys = ["journey", "customer_no", "group", "step", "touchpoint_no"]
    turns = journeys.steps.select(*keys, score=score)
    return Scores(turns, f"column rating, {low} to {high}")
