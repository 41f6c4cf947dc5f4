"""The satisfaction break: a length of resolved sessions from which satisfaction falls faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from journeylib.core import LEVEL, SEED, Estimate, Floats, text
from journeylib.judge.bot_timing.hazard_break import DRAWS_CUSTOMERS, DRAWS_NULL
from journeylib.judge.bot_timing.session_data import RESOLVED, BotSessions, resampled_customers
from journeylib.judge.estimation.design_matrix import Ints, content_order, design_matrix

Answer = Literal["breaks", "bends_gradually", "none", "abstain"]

MIN_RATED = 200
CANDIDATES = 60
WINDOW = (0.10, 0.90)
EXISTS = 0.05
BEATS_SMOOTH = 6.0


@dataclass(frozen=True)
class SatisfactionBreak:
    """Where the line of satisfaction over minutes bends.

    Attributes
    ----------
    answer : {"breaks", "bends_gradually", "none", "abstain"}
    at : Estimate
        Minute of the bend; abstains unless `answer` is ``"breaks"``.
    slope_before, slope_after : float or None
        Points of satisfaction per minute.
    p_value : float or None
        Of a bend as clear as this under one straight line.
    rated, resolved : int
        How many of the resolved sessions were rated.
    reasons : tuple of str
    """

    answer: Answer
    at: Estimate
    slope_before: float | None
    slope_after: float | None
    p_value: float | None
    rated: int
    resolved: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Rated:
    y: Floats
    base: Floats  # intercept, minutes, covariates
    minutes: Floats
    cluster: Ints
    places: Floats


def satisfaction_break(
    sessions: BotSessions,
    *,
    adjust: Sequence[str] = (),
    draws: int = DRAWS_NULL,
    seed: int = SEED,
) -> SatisfactionBreak:
    """Fit E[satisfaction | resolved after t minutes] as a broken line and test the bend.

    Parameters
    ----------
    sessions : BotSessions
        In minutes, with `csat`: the rating, NaN where there is none.
    adjust : sequence of str
        Columns of difficulty known at the start; without them, long sessions are also the hard
        ones.
    draws : int
        Draws of the existence test.
    seed : int

    Returns
    -------
    SatisfactionBreak
        Abstains below 200 rated resolved sessions.

    Notes
    -----
    The place is searched for, so the test draws its null by the wild bootstrap (random signs
    per customer). A bend is named only if its BIC beats a parabola's by 6 or more.
    """
    resolved = sessions.frame[sessions.frame["event"] == RESOLVED]
    rated = resolved[resolved["csat"].notna()]
    base: dict[str, Any] = {"rated": len(rated), "resolved": len(resolved)}
    counts = {"n_customers": rated["customer"].nunique(), "n_events": len(rated)}
    if len(rated) < MIN_RATED or rated["minutes"].nunique() < CANDIDATES / 3:
        return SatisfactionBreak(
            answer="abstain",
            at=Estimate.none("n_small", "minutes", **counts),
            slope_before=None,
            slope_after=None,
            p_value=None,
            reasons=(text("judge.satisfaction.abstain"),),
            **base,
        )
    data = _rated(rated, adjust)
    rng = np.random.default_rng(seed)
    gains = _gains(data)
    p_value = float((1 + (_null(data, draws, rng) >= gains.max()).sum()) / (1 + draws))
    bend = float(data.places[int(np.argmax(gains))])
    beta, answer = _fit(_with_bend(data, bend), data.y), _answer(p_value, data, bend)
    unadjusted = () if adjust else (text("judge.satisfaction.unadjusted"),)
    return SatisfactionBreak(
        answer=answer,
        at=_at(answer, data, bend, rng, counts),
        slope_before=float(beta[1]),
        slope_after=float(beta[1] + beta[-1]),
        p_value=p_value,
        reasons=(text(f"judge.satisfaction.{answer}"), *unadjusted),
        **base,
    )


def _rated(sessions: pd.DataFrame, adjust: Sequence[str]) -> _Rated:
    minutes, y = (sessions[name].to_numpy(np.float64) for name in ("minutes", "csat"))
    extra = design_matrix(sessions[list(adjust)])
    signature = np.column_stack([minutes, y, extra])
    order, cluster = content_order(signature, sessions["customer"].to_numpy())
    base = np.column_stack([np.ones(len(y)), minutes, extra])[order]
    places = np.unique(np.quantile(minutes, np.linspace(*WINDOW, CANDIDATES)))
    return _Rated(y[order], base, minutes[order], cluster, places)


def _fit(design: Floats, y: Floats) -> Floats:
    return np.asarray(np.linalg.lstsq(design, y, rcond=None)[0], dtype=np.float64)


def _with_bend(data: _Rated, bend: float) -> Floats:
    return np.column_stack([data.base, np.clip(data.minutes - bend, 0, None)])


def _bends(data: _Rated) -> Floats:
    """Return each candidate's bend, free of the straight line, at length 1; shape (n, places)."""
    bends = np.clip(data.minutes[:, None] - data.places, 0, None)
    line, _ = np.linalg.qr(data.base)
    free = bends - line @ (line.T @ bends)
    return np.asarray(free / np.sqrt((free**2).sum(axis=0)))


def _residuals(data: _Rated) -> Floats:
    return np.asarray(data.y - data.base @ _fit(data.base, data.y))


def _gains(data: _Rated) -> Floats:
    """Return how much of the residual squares each bend explains."""
    residual = _residuals(data)
    return np.asarray((_bends(data).T @ residual) ** 2 / (residual**2).sum())


def _null(data: _Rated, draws: int, rng: np.random.Generator) -> Floats:
    """Draw the largest gain under one straight line."""
    residual, bends = _residuals(data), _bends(data)
    customers = int(data.cluster.max()) + 1
    signs = rng.integers(0, 2, size=(draws, customers)) * 2.0 - 1.0
    drawn = signs[:, data.cluster] * residual
    residuals = drawn - (drawn @ data.base) @ np.linalg.pinv(data.base.T @ data.base) @ data.base.T
    return np.asarray(((residuals @ bends) ** 2).max(axis=1) / (residuals**2).sum(axis=1))


def _answer(p_value: float, data: _Rated, bend: float) -> Answer:
    if p_value > EXISTS:
        return "none"
    n = len(data.y)

    def bic(design: Floats, parameters: int) -> float:
        rest = data.y - design @ _fit(design, data.y)
        return float(n * np.log((rest**2).mean()) + parameters * np.log(n))

    width = data.base.shape[1]
    broken = bic(_with_bend(data, bend), width + 2)  # the bend and its place
    curve = bic(np.column_stack([data.base, data.minutes**2]), width + 1)
    return "breaks" if curve - broken >= BEATS_SMOOTH else "bends_gradually"


def _at(
    answer: Answer, data: _Rated, bend: float, rng: np.random.Generator, counts: dict[str, Any]
) -> Estimate:
    fields = counts | {
        "estimand": "length from which satisfaction of resolved sessions changes its slope",
        "method": "broken-line regression, customer bootstrap",
    }
    if answer != "breaks":
        return Estimate.none("unidentified", "minutes", **fields)
    places = np.empty(DRAWS_CUSTOMERS)
    for b in range(DRAWS_CUSTOMERS):
        rows = np.repeat(np.arange(len(data.y)), resampled_customers(data.cluster, rng))
        rated = _Rated(
            data.y[rows], data.base[rows], data.minutes[rows], data.cluster[rows], data.places
        )
        places[b] = data.places[int(np.argmax(_gains(rated)))]
    lo, hi = np.quantile(places, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(
        bend, "minutes", min(float(lo), bend), max(float(hi), bend), grade="C", **fields
    )
