"""Tipping points: whether there is a minute from which customers give up sooner.

Most logs have none. "Rises gradually", "falls" and "none" are answers like any other; a
minute is named only where a step exists and beats every smooth explanation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from journeylib.core import SEED, Estimate, Floats, adjusted_p_values, number, percent, text
from journeylib.judge.bot_timing.discrete_hazard import fit_turns, turns_interval
from journeylib.judge.bot_timing.hazard_break import (
    DRAWS_NULL,
    Break,
    HazardFit,
    fit_minutes,
    minutes_interval,
)
from journeylib.judge.bot_timing.session_data import (
    EVERYONE,
    FRUSTRATED,
    SCRIPTED,
    BotSessions,
    SessionTimes,
)

Answer = Literal["tipping_point", "rises", "falls", "none", "abstain"]
MIN_EVENTS = 50
MIN_MOMENTS = 10  # distinct times of events: with fewer, the clock is too coarse for minutes
EXISTS = 0.05
BEATS_SMOOTH = 6.0
MANY_SCRIPTED = 0.10
ALIKE = 1.5


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
        `at` shrunk towards the other segments by as much as it is noise.
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
    segments: Mapping[str, BotSessions], *, draws: int = DRAWS_NULL, seed: int = SEED
) -> tuple[TippingPoint, ...]:
    """Look for a step in the hazard of a frustrated exit, for everyone and per segment.

    Parameters
    ----------
    segments : mapping of str to BotSessions
        All sessions as ``"all"`` and their parts (by intent, channel, feeling at entry), as of
        `session_data.segments_of`.
    draws : int
        Draws of the existence test.
    seed : int

    Returns
    -------
    tuple of TippingPoint
        In the order of `segments`. A segment below 50 frustrated exits abstains.

    Notes
    -----
    Resolution ends the risk, it is not a frustrated exit that was missed: the hazard is
    cause-specific. Sessions of one customer count for as many independent ones as they are worth
    (`session_data.design_effects`). A step is called a tipping point where the existence test
    rejects at .05 (Benjamini–Hochberg over the segments), it goes up, and its BIC beats the best
    smooth shape by 6 or more.
    """
    points = {name: _tipping_point(name, part, draws, seed) for name, part in segments.items()}
    everyone = points.pop(EVERYONE)
    return (everyone, *_pooled(_adjusted(list(points.values()))))


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


def _tipping_point(segment: str, sessions: BotSessions, draws: int, seed: int) -> TippingPoint:
    times = sessions.ending(FRUSTRATED)
    fit = _fit(times, sessions.clock, draws, seed) if times.events >= MIN_EVENTS else None
    counts: dict[str, Any] = {
        "segment": segment,
        "sessions": len(times.end),
        "events": times.events,
    }
    if fit is None:
        few = times.events < MIN_EVENTS
        return TippingPoint(
            answer="abstain",
            at=Estimate.none(
                "n_small" if few else "unidentified", sessions.clock, **_base(sessions)
            ),
            before=None,
            after=None,
            p_value=None,
            q_value=None,
            pooled=None,
            bic={},
            reasons=(text(f"judge.tipping.{'abstain' if few else 'coarse'}"),),
            **counts,
        )
    answer = answer_of(fit, fit.p_value)
    return TippingPoint(
        answer=answer,
        at=_at(answer, fit.step, times, sessions, seed),
        before=fit.step.before,
        after=fit.step.after,
        p_value=fit.p_value,
        q_value=fit.p_value,
        bic=fit.bic,
        pooled=fit.step.at if answer == "tipping_point" else None,
        reasons=(
            text(f"judge.tipping.{answer}"),
            *_alike(fit.design_effect),
            *_scripted(sessions, answer, draws, seed),
        ),
        **counts,
    )


def _fit(times: SessionTimes, clock: str, draws: int, seed: int) -> HazardFit | None:
    if clock == "turns":
        return fit_turns(times, draws=draws, seed=seed)
    distinct = len(np.unique(times.end[times.event]))
    return fit_minutes(times, draws=draws, seed=seed) if distinct >= MIN_MOMENTS else None


def _base(sessions: BotSessions) -> dict[str, int]:
    return {"n_customers": sessions.customers, "n_events": len(sessions.frame)}


def _at(
    answer: Answer, step: Break, times: SessionTimes, sessions: BotSessions, seed: int
) -> Estimate:
    fields: dict[str, Any] = {
        **_base(sessions),
        "n_events": times.events,
        "estimand": "time in the bot from which frustrated exits come at a higher rate",
        "method": "profile likelihood of a stepped cause-specific hazard, bootstrap",
        "assumptions": (
            "the log's end and scripted transfers do not come because a customer is about to "
            "give up",
        ),
    }
    if answer != "tipping_point":
        return Estimate.none("unidentified", sessions.clock, **fields)
    interval = turns_interval if sessions.clock == "turns" else minutes_interval
    lo, hi = interval(times, step, seed=seed)
    return Estimate(step.at, sessions.clock, lo, hi, grade="C", **fields)


def _alike(design_effect: float) -> tuple[str, ...]:
    """Say where a customer's sessions resemble each other, which the test takes into account."""
    if design_effect < ALIKE:
        return ()
    return (text("judge.tipping.alike", n=number(design_effect, 1)),)


def _scripted(sessions: BotSessions, answer: Answer, draws: int, seed: int) -> tuple[str, ...]:
    """Say what the answer would be had scripted transfers been frustrated exits.

    A transfer that is triggered by frustration takes just those away who were about to leave.
    """
    share = float((sessions.frame["event"] == SCRIPTED).mean())
    if share <= MANY_SCRIPTED:
        return ()
    fit = _fit(sessions.ending(FRUSTRATED, SCRIPTED), sessions.clock, draws, seed)
    other = answer_of(fit, fit.p_value) if fit is not None else "abstain"
    key = "judge.tipping.scripted_same" if other == answer else "judge.tipping.scripted_other"
    return (text(key, share=percent(share, 0), answer=text(f"judge.tipping_answer.{other}")),)


def _adjusted(parts: Sequence[TippingPoint]) -> list[TippingPoint]:
    """Take back what does not survive the number of segments looked at."""
    p = np.array([np.nan if part.p_value is None else part.p_value for part in parts])
    result = []
    for part, q in zip(parts, adjusted_p_values(p, "fdr_bh"), strict=True):
        if part.p_value is None:
            result.append(part)
            continue
        part = replace(part, q_value=float(q))
        if q > EXISTS and part.answer != "none":
            part = replace(
                part,
                answer="none",
                at=Estimate.none(
                    "unidentified",
                    part.at.unit,
                    n_customers=part.at.n_customers,
                    n_journeys=part.at.n_journeys,
                    n_events=part.at.n_events,
                ),
                pooled=None,
                reasons=(text("judge.tipping.none"), text("judge.tipping.by_chance")),
            )
        result.append(part)
    return result


def _pooled(parts: Sequence[TippingPoint]) -> list[TippingPoint]:
    """Shrink the breaks of segments towards each other by as much as they are noise."""
    rows = [i for i, part in enumerate(parts) if part.answer == "tipping_point"]
    if len(rows) < 2:
        return list(parts)
    at = np.array([parts[i].at.value for i in rows], dtype=np.float64)
    width = np.array([float(parts[i].at.hi or 0) - float(parts[i].at.lo or 0) for i in rows])
    shrunk = pool(at, np.maximum(width / (2 * 1.96), 1e-6))
    result = list(parts)
    for i, value in zip(rows, shrunk, strict=True):
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
