"""Tipping points: whether there is a minute from which customers give up sooner.

Most logs have none. "Rises gradually", "falls" and "none" are answers like any other; a
minute is named only where a step exists and beats every smooth explanation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from journeylib.core import SEED, AbstainReason, Estimate, adjusted_p_values, percent
from journeylib.judge.bot_timing.discrete_hazard import fit_turns, turns_interval
from journeylib.judge.bot_timing.hazard_break import (
    DRAWS_NULL,
    Break,
    HazardFit,
    fit_minutes,
    minutes_interval,
)
from journeylib.judge.bot_timing.session_data import (
    FRUSTRATED,
    SCRIPTED,
    Clock,
    check_sessions,
    spells_of,
)
from journeylib.judge.bot_timing.spells import Spells
from journeylib.judge.moments.design_matrix import Floats

Answer = Literal["tipping_point", "rises", "falls", "none", "abstain"]
MIN_EVENTS = 50
MIN_MOMENTS = 10  # distinct times of events: with fewer, the clock is too coarse for minutes
EXISTS = 0.05
BEATS_SMOOTH = 6.0
MANY_SCRIPTED = 0.10
ALIKE = 1.5

WORDS: dict[Answer, str] = {
    "tipping_point": "the hazard of a frustrated exit steps up here",
    "rises": "the hazard rises gradually: no single moment tips",
    "falls": "the hazard falls: the impatient leave first, patient customers remain; it does not "
    "get better for anyone",
    "none": "no tipping point: the hazard is as good as constant",
    "abstain": "too few frustrated exits to tell",
}


@dataclass(frozen=True)
class TippingPoint:
    """The answer for one segment.

    Attributes
    ----------
    segment : str
        ``"all"`` for everyone.
    answer : {"tipping_point", "rises", "falls", "none", "abstain"}
    at : Estimate
        Minute (or last turn) before the step; abstains unless `answer` is ``"tipping_point"``.
    before, after : float or None
        Frustrated exits per minute (or turn) at risk on the two sides of the best step.
    p_value, q_value : float or None
        Existence of a step; `q_value` is adjusted over the segments.
    bic : dict of str to float
        Of the four shapes, smaller is better; empty where it abstains.
    sessions, events : int
    pooled : float or None
        `at` drawn towards the other segments by as much as it is noise.
    reasons : tuple of str
        The answer in words, then what weakens it.
    """

    segment: str
    answer: Answer
    at: Estimate
    before: float | None
    after: float | None
    p_value: float | None
    q_value: float | None
    bic: dict[str, float]
    sessions: int
    events: int
    pooled: float | None
    reasons: tuple[str, ...]


def tipping_points(
    sessions: pd.DataFrame,
    *,
    segment: str | None = None,
    clock: Clock = "minutes",
    draws: int = DRAWS_NULL,
    seed: int = SEED,
) -> tuple[TippingPoint, ...]:
    """Look for a step in the hazard of a frustrated exit, for everyone and per segment.

    Parameters
    ----------
    sessions : DataFrame
        One row per bot session: see `sessions.check_sessions`.
    segment : str, optional
        Column that divides the sessions (intent, channel, feeling at entry).
    clock : {"minutes", "turns"}
    draws : int
        Draws of the existence test.
    seed : int

    Returns
    -------
    tuple of TippingPoint
        Everyone first, then the segments by name. A segment below 50 frustrated exits
        abstains.

    Raises
    ------
    RunError
        Where a column is absent, a time is missing or negative, or a code is unknown.

    Notes
    -----
    Resolution ends the risk, it is not a frustrated exit that was missed: the hazard is
    cause-specific. Sessions of one customer count for as many independent ones as they are worth
    (`spells.design_effects`). A step is called a tipping point where the existence test rejects
    at .05 (Benjamini–Hochberg over the segments), it goes up, and its BIC beats the best smooth
    shape by 6 or more.
    """
    check_sessions(sessions, clock, *([segment] if segment else []))
    everyone = _judge(sessions, "all", clock, draws, seed)
    if segment is None:
        return (everyone,)
    named = sessions.dropna(subset=[segment])
    parts = [
        _judge(part, str(name), clock, draws, seed)
        for name, part in sorted(named.groupby(segment), key=lambda pair: str(pair[0]))
    ]
    return (everyone, *_pooled(_adjusted(parts)))


def answer_of(fit: HazardFit, p_value: float) -> Answer:
    """Turn a fit into an answer.

    Parameters
    ----------
    fit : HazardFit
    p_value : float
        Of existence, adjusted where there are several segments.
    """
    if p_value > EXISTS:
        return "none"
    if fit.step.after <= fit.step.before:
        return "falls"
    smooth = min(value for shape, value in fit.bic.items() if shape != "step")
    return "tipping_point" if smooth - fit.bic["step"] >= BEATS_SMOOTH else "rises"


def _judge(
    sessions: pd.DataFrame, segment: str, clock: Clock, draws: int, seed: int
) -> TippingPoint:
    spells = spells_of(sessions, clock, FRUSTRATED)
    fit = _fit(spells, clock, draws, seed) if spells.events >= MIN_EVENTS else None
    if fit is None:
        reason: AbstainReason = "n_small" if spells.events < MIN_EVENTS else "unidentified"
        return _none(segment, sessions, spells.events, reason, clock)
    answer = answer_of(fit, fit.p_value)
    return TippingPoint(
        segment=segment,
        answer=answer,
        at=_at(answer, fit.step, spells, sessions, clock, seed),
        before=fit.step.before,
        after=fit.step.after,
        p_value=fit.p_value,
        q_value=fit.p_value,
        bic=fit.bic,
        sessions=len(sessions),
        events=spells.events,
        pooled=fit.step.at if answer == "tipping_point" else None,
        reasons=(
            WORDS[answer],
            *_alike(fit.design_effect),
            *_scripted(sessions, answer, clock, draws, seed),
        ),
    )


def _fit(spells: Spells, clock: Clock, draws: int, seed: int) -> HazardFit | None:
    if clock == "turns":
        return fit_turns(spells, draws=draws, seed=seed)
    distinct = len(np.unique(spells.minutes[spells.event]))
    return fit_minutes(spells, draws=draws, seed=seed) if distinct >= MIN_MOMENTS else None


def _at(
    answer: Answer,
    step: Break,
    spells: Spells,
    sessions: pd.DataFrame,
    clock: Clock,
    seed: int,
) -> Estimate:
    fields: dict[str, Any] = {
        "n_customers": sessions["customer"].nunique(),
        "n_journeys": len(sessions),
        "n_events": int((sessions["event"] == FRUSTRATED).sum()),
        "estimand": "time in the bot from which frustrated exits come at a higher rate",
        "method": "profile likelihood of a stepped cause-specific hazard, bootstrap",
        "assumptions": (
            "the log's end and scripted transfers do not come because a customer is about to "
            "give up",
        ),
    }
    if answer != "tipping_point":
        return Estimate.none("unidentified", clock, **fields)
    if clock == "turns":
        lo, hi = turns_interval(spells, step, seed=seed)
    else:
        lo, hi = minutes_interval(spells, step, seed=seed)
    return Estimate(step.at, clock, lo, hi, grade="C", **fields)


def _none(
    segment: str, sessions: pd.DataFrame, events: int, reason: AbstainReason, clock: Clock
) -> TippingPoint:
    at = Estimate.none(
        reason, clock, n_customers=sessions["customer"].nunique(), n_journeys=len(sessions)
    )
    words = WORDS["abstain"] if reason == "n_small" else "the events sit in too few moments to tell"
    return TippingPoint(
        segment, "abstain", at, None, None, None, None, {}, len(sessions), events, None, (words,)
    )


def _alike(design_effect: float) -> tuple[str, ...]:
    """Say where a customer's sessions resemble each other, which the test takes into account."""
    if design_effect < ALIKE:
        return ()
    return (
        f"sessions of one customer are alike: {design_effect:.1f} of them say as much as one by "
        "itself, and count so",
    )


def _scripted(
    sessions: pd.DataFrame, answer: Answer, clock: Clock, draws: int, seed: int
) -> tuple[str, ...]:
    """Say what the answer would be had scripted transfers been frustrated exits.

    A transfer that is triggered by frustration takes just those away who were about to leave.
    """
    share = float((sessions["event"] == SCRIPTED).mean())
    if share <= MANY_SCRIPTED:
        return ()
    fit = _fit(spells_of(sessions, clock, FRUSTRATED, SCRIPTED), clock, draws, seed)
    other = answer_of(fit, fit.p_value) if fit is not None else "abstain"
    same = "the answer would be the same" if other == answer else f"the answer would be '{other}'"
    return (
        f"{percent(share, 0)} of sessions end in a scripted transfer; if those were frustrated "
        f"exits, {same}",
    )


def _adjusted(parts: Sequence[TippingPoint]) -> list[TippingPoint]:
    """Take back what does not survive the number of segments looked at."""
    p = np.array([np.nan if part.p_value is None else part.p_value for part in parts])
    result = []
    for part, q in zip(parts, adjusted_p_values(p, "fdr_bh"), strict=True):
        if part.p_value is None:
            result.append(part)
        elif q <= EXISTS or part.answer == "none":
            result.append(replace(part, q_value=float(q)))
        else:
            result.append(
                replace(
                    part,
                    answer="none",
                    q_value=float(q),
                    at=Estimate.none(
                        "unidentified",
                        part.at.unit,
                        n_customers=part.at.n_customers,
                        n_journeys=part.at.n_journeys,
                        n_events=part.at.n_events,
                    ),
                    pooled=None,
                    reasons=(WORDS["none"], "among so many segments one looks like this by chance"),
                )
            )
    return result


def _pooled(parts: Sequence[TippingPoint]) -> list[TippingPoint]:
    """Draw the breaks of segments towards each other by as much as they are noise."""
    rows = [i for i, part in enumerate(parts) if part.answer == "tipping_point"]
    if len(rows) < 2:
        return list(parts)
    at = np.array([parts[i].at.value for i in rows], dtype=np.float64)
    width = np.array([float(parts[i].at.hi or 0) - float(parts[i].at.lo or 0) for i in rows])
    drawn = pool(at, np.maximum(width / (2 * 1.96), 1e-6))
    result = list(parts)
    for i, value in zip(rows, drawn, strict=True):
        result[i] = replace(parts[i], pooled=float(value))
    return result


def pool(value: Floats, se: Floats) -> Floats:
    """Shrink values towards their precision-weighted mean.

    Notes
    -----
    DerSimonian and Laird (1986), Controlled Clinical Trials 7, 177–188, for the variance between.

    Examples
    --------
    >>> pool(np.array([2.0, 2.0, 2.6]), np.array([1.0, 1.0, 1.0])).round(3).tolist()
    [2.2, 2.2, 2.2]
    """
    w = 1 / se**2
    mean = (w * value).sum() / w.sum()
    excess = (w * (value - mean) ** 2).sum() - (len(value) - 1)
    between = max(0.0, excess / (w.sum() - (w**2).sum() / w.sum()))
    w = 1 / (se**2 + between)
    mean = (w * value).sum() / w.sum()
    return np.asarray(mean + between / (between + se**2) * (value - mean))
