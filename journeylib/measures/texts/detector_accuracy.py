"""Detectors of text against labelled turns: how often they are right, and what that corrects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journeylib.core import GROUPS, LEVEL, AbstainReason, Estimate, Floats, Statistic, resample
from journeylib.journeys import MISSING, Events, Journeys
from journeylib.log import asks_for_human, fetch, says_again
from journeylib.measures.ratios import Ratio, ratios
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.language_reach import customers_say, texts_of_customers
from journeylib.measures.texts.sentiment import EVEN_ODDS, NEGATIVE, Scores, vader_scores
from journeylib.measures.texts.turn_model import turn_groups

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
DETECTORS = ("human_request", "repetition", "negative")
MIN_LABELLED = 200
MIN_INFORMED = 1.3  # sensitivity + specificity; 1 is a coin
_ESTIMANDS = {
    "human_request": "customers' texts in which a human is asked for, as detected",
    "repetition": "customers' texts that say that something was said before, as detected",
    "negative": "customers' texts that sound negative, as detected",
}
_METHOD = "against labelled turns, delete-a-group jackknife"


@dataclass(frozen=True)
class DetectorCheck:
    """What one detector is worth on turns that people have labelled.

    Attributes
    ----------
    detector : str
        One of `DETECTORS`.
    n : int
        Labelled turns that it could judge.
    precision, recall, specificity, kappa : Estimate
        Abstain with ``n_small`` below `MIN_LABELLED` turns, with ``unidentified`` where the
        labels or the detector never say yes, or always do.
    prevalence : Estimate
        Share of the log's customer texts in which the detector finds something.
    corrected : Estimate
        The same without its mistakes, after Rogan and Gladen.
    """

    detector: str
    n: int
    precision: Estimate
    recall: Estimate
    specificity: Estimate
    kappa: Estimate
    prevalence: Estimate
    corrected: Estimate


def check_detectors(
    labelled: pd.DataFrame,
    journeys: Journeys,
    settings: MeasureSettings,
    scores: Scores | AbstainReason,
) -> tuple[DetectorCheck, ...]:
    """Compare what the detectors find in labelled turns with the labels.

    Parameters
    ----------
    labelled : DataFrame
        One row per turn of a customer: ``text`` (str), and a boolean label (missing where nobody
        labelled the turn) for one or more of `DETECTORS`; optionally ``customer``, by whom turns
        are grouped, else each turn counts for itself.
    journeys : Journeys
        The log whose prevalences are corrected.
    settings : MeasureSettings
        With the company's own words for a human.
    scores : Scores or str
        The log's sentiment, as of `customer_scores`.

    Returns
    -------
    tuple of DetectorCheck
        One per detector with a column of labels, in the order of `DETECTORS`.

    Notes
    -----
    Turns should be drawn at random from the log: of turns that were picked because the detector
    fired, the precision is right, recall and correction are not.
    """
    detected = detect(labelled["text"], settings)
    if isinstance(scores, Scores) and scores.model is not None:
        detected["negative"] = scores.model.judged
    prevalences = _prevalences(journeys, settings, scores)
    groups = turn_groups(labelled)
    checks = []
    for detector in DETECTORS:
        if detector in labelled:
            both_known = (labelled[detector].notna() & detected[detector].notna()).to_numpy()
            cells = _cells(
                detected.loc[both_known, detector].to_numpy(dtype=np.bool_),
                labelled.loc[both_known, detector].to_numpy(dtype=np.bool_),
            )
            people = labelled["customer"].to_numpy()[both_known] if "customer" in labelled else None
            checks.append(
                _check(detector, cells, groups[both_known], people, prevalences[detector])
            )
    return tuple(checks)


def detect(texts: pd.Series[Any], settings: MeasureSettings) -> pd.DataFrame:
    """Return what each detector finds in `texts`.

    Returns
    -------
    DataFrame
        One row per text, under the index of `texts`: `DETECTORS` (boolean; ``negative`` is
        missing where the text is not in the lexicon's language).
    """
    rows = pd.DataFrame({"place": range(len(texts)), "text": texts.to_numpy(dtype=object)})
    table = ibis.memtable(rows.astype({"text": "str"})).mutate(
        human_request=asks_for_human(_.text, settings.human_request_words),
        repetition=says_again(_.text),
    )
    flags = fetch(table.order_by("place"))[["human_request", "repetition"]].set_index(texts.index)
    scores = vader_scores(texts.astype("str"))["score"]
    return flags.assign(negative=(scores <= NEGATIVE).astype("boolean"))


def rogan_gladen(apparent: Estimate, sensitivity: Estimate, specificity: Estimate) -> Estimate:
    """Return a share without the mistakes of the detector that counted it.

    Parameters
    ----------
    apparent, sensitivity, specificity : Estimate
        Shares with their intervals, from unrelated sources.

    Returns
    -------
    Estimate
        Abstains for the reason of the first that does; with ``unidentified`` where sensitivity
        and specificity add up to less than `MIN_INFORMED`.

    Notes
    -----
    (p + sp − 1) / (se + sp − 1), kept within 0..1: Rogan and Gladen (1978), American Journal of
    Epidemiology 107, 71–76. The interval is by the delta method. Its standard errors are half of
    what the three intervals span, over 1.96: those are Wilson's, so that a detector without a
    mistake on the labelled turns is not taken for one that makes none.

    Examples
    --------
    >>> p, se, sp = (Estimate(v, "share", lo=v, hi=v) for v in (0.2, 0.8, 0.9))
    >>> rogan_gladen(p, se, sp).value
    0.142857
    """
    parts = (apparent, sensitivity, specificity)
    what = f"{apparent.estimand}, without the detector's mistakes"
    silent = next((part.abstain for part in parts if part.abstain is not None), None)
    if silent is not None:
        return Estimate.none(silent, "share", estimand=what)
    p, se, sp = (float(part.value or 0.0) for part in parts)
    informed = se + sp - 1
    if se + sp < MIN_INFORMED:
        return Estimate.none("unidentified", "share", estimand=what)
    raw = (p + sp - 1) / informed
    slopes = (1.0, -raw, 1 - raw)
    half = math.hypot(*(slope * _half(part) for slope, part in zip(slopes, parts, strict=True)))
    inside = np.clip([raw, raw - half / informed, raw + half / informed], 0.0, 1.0)
    value, lo, hi = (float(f"{one:.6g}") for one in inside)
    return Estimate(
        value=value,
        unit="share",
        lo=lo,
        hi=hi,
        n_customers=apparent.n_customers,
        n_journeys=apparent.n_journeys,
        n_events=apparent.n_events,
        estimand=what,
        method="Rogan and Gladen, delta method",
        assumptions=("the labelled turns are like those of the log",),
        level=LEVEL,
    )


def _half(part: Estimate) -> float:
    return 0.0 if part.lo is None or part.hi is None else (part.hi - part.lo) / 2


def _cells(detected: Any, true: Any) -> Integers:
    """Return 0 for a true positive, 1 a false positive, 2 a false negative, 3 a true negative."""
    return np.where(detected, np.where(true, 0, 1), np.where(true, 2, 3))


def _check(
    detector: str, cells: Integers, groups: Integers, people: Any, prevalence: Estimate
) -> DetectorCheck:
    """Check one detector; `people` names the customer of each turn, None where nobody knows."""
    counted = np.zeros((GROUPS, 1, 4))
    np.add.at(counted[:, 0], (groups, cells), 1.0)

    def estimate(unit: str, what: str, statistic: Statistic, *base: int) -> Estimate:
        in_base = np.isin(cells, base)
        customers = 0 if people is None else len(set(people[in_base]))
        return _estimate(
            counted, statistic, _Base(len(cells), int(in_base.sum()), customers), unit, what
        )

    def share(hit: int, miss: int, what: str) -> Estimate:
        return estimate(
            "share", what, lambda s: s[..., hit] / (s[..., hit] + s[..., miss]), hit, miss
        )

    recall = share(0, 2, "labelled turns that are detected")
    specificity = share(3, 1, "turns without the label in which nothing is detected")
    return DetectorCheck(
        detector=detector,
        n=len(cells),
        precision=share(0, 1, "detections that the label confirms"),
        recall=recall,
        specificity=specificity,
        kappa=estimate("kappa", "agreement of detector and label", _kappa, 0, 1, 2, 3),
        prevalence=prevalence,
        corrected=rogan_gladen(prevalence, recall, specificity),
    )


@dataclass(frozen=True)
class _Base:
    """What an estimate rests on: turns labelled in all, those that count, and their customers."""

    labelled: int
    turns: int
    customers: int


def _estimate(counted: Floats, statistic: Statistic, base: _Base, unit: str, what: str) -> Estimate:
    if base.labelled < MIN_LABELLED:
        return Estimate.none("n_small", unit, n_events=base.labelled, estimand=what)
    result = resample(
        counted,
        statistic,
        share=unit == "share",
        n_customers=[base.customers or base.turns],
        n_trials=[base.turns],
    )
    if not np.isfinite(result.value[0]):
        return Estimate.none("unidentified", unit, n_events=base.turns, estimand=what)
    lo, hi = np.clip([result.lo[0], result.hi[0]], 0.0 if unit == "share" else -1.0, 1.0)
    return Estimate(
        value=float(result.value[0]),
        unit=unit,
        lo=float(lo),
        hi=float(hi),
        n_customers=base.customers,
        n_events=base.turns,
        estimand=what,
        method=_METHOD,
    )


def _kappa(sums: Floats) -> Floats:
    """Return Cohen's kappa of two yes-or-no judgements; NaN where both always say the same."""
    both, detected, labelled, neither = (sums[..., cell] for cell in range(4))
    n = sums.sum(axis=-1)
    agreed = (both + neither) / n
    yes = (both + detected) / n * ((both + labelled) / n)
    no = (labelled + neither) / n * ((detected + neither) / n)
    kappa: Floats = (agreed - yes - no) / (1 - yes - no)
    return kappa


def _prevalences(
    journeys: Journeys, settings: MeasureSettings, scores: Scores | AbstainReason
) -> dict[str, Estimate]:
    """Return the share of the log's customer texts in which each detector finds something."""
    minimum = journeys.settings.min_customers
    estimates: dict[str, Estimate] = {}
    if journeys.has("text"):
        words, own = settings.human_request_words, texts_of_customers(journeys)
        request = f"asks for a human {sorted(words)}"
        conditions = {request: asks_for_human(_.text, words), "says it again": says_again(_.text)}
        marks = customers_say(journeys, conditions).values()
        wanted = {
            name: Ratio(mark[own], None, _ESTIMANDS[name])
            for name, mark in zip(DETECTORS, marks, strict=False)
        }
        estimates = ratios(_whose(journeys.events, own), wanted, min_customers=minimum)
    reason = scores if isinstance(scores, str) else None
    if journeys.has("sentiment_micro"):
        reason = "unidentified"  # the company's own scores are not the lexicon's
    if reason is None and isinstance(scores, Scores):
        is_scored = scores.score != MISSING
        bad = scores.negative[is_scored] >= EVEN_ODDS
        wanted = {"negative": Ratio(bad, None, _ESTIMANDS["negative"])}
        estimates |= ratios(_whose(scores.events, is_scored), wanted, min_customers=minimum)
    else:
        estimates["negative"] = Estimate.none(
            reason or "no_column", "share", estimand=_ESTIMANDS["negative"]
        )
    return {
        name: estimates.get(name, Estimate.none("no_column", "share", estimand=_ESTIMANDS[name]))
        for name in DETECTORS
    }


def _whose(events: Events, marked: Flags) -> dict[str, Any]:
    """Return the customer group, the customer and the journey of the marked events."""
    return {
        "group": events.group[marked],
        "customer_no": events.customer[marked],
        "journey": events.journey[marked],
    }
