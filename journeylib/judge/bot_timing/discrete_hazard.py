"""The hazard break for logs without a clock: time is counted in turns.

A turn is a trial: of the sessions that reached turn t, some share has the event there. Shapes
are compared as person-period models with the complementary log–log link.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from journeylib.core import LEVEL, Floats
from journeylib.judge.bot_timing.hazard_break import (
    DRAWS_CUSTOMERS,
    DRAWS_NULL,
    KNOTS,
    WINDOW,
    Break,
    HazardFit,
    natural_spline,
)
from journeylib.judge.bot_timing.session_data import (
    SessionTimes,
    design_effects,
    resampled_customers,
)

MIN_AT_RISK = 20


@dataclass(frozen=True)
class LifeTable:
    """One row per turn.

    Attributes
    ----------
    turn : ndarray of float64
        1, 2, …, as long as at least 20 sessions are left.
    at_risk, events : ndarray of float64
        Sessions that reached the turn; of these, how many had the event there.
    """

    turn: Floats
    at_risk: Floats
    events: Floats


def life_table(
    sessions: SessionTimes, weights: Floats | None = None, turns: int | None = None
) -> LifeTable:
    """Count sessions at risk and events per turn.

    Parameters
    ----------
    sessions : SessionTimes
        `end` holds the number of the last turn.
    weights : ndarray, optional
        How often each session counts.
    turns : int, optional
        Length of the table; by default as far as 20 sessions reach.
    """
    w = np.ones(len(sessions.end)) if weights is None else weights
    last, first = sessions.end.astype(int), sessions.entry.astype(int)
    size = int(last.max()) + 1
    ended = np.bincount(last, weights=w, minlength=size)
    begun = np.bincount(first, weights=w, minlength=size)
    events = np.bincount(last, weights=w * sessions.event, minlength=size)
    # At risk at t: entered before t, not ended before t.
    at_risk = np.cumsum(begun)[:-1] - np.cumsum(ended)[:-1]
    length = int(np.argmin(np.append(at_risk >= MIN_AT_RISK, False))) if turns is None else turns
    return LifeTable(
        np.arange(1, length + 1, dtype=np.float64),
        at_risk[:length].astype(np.float64),
        events[1 : length + 1].astype(np.float64),
    )


def fit_turns(sessions: SessionTimes, *, draws: int = DRAWS_NULL, seed: int) -> HazardFit | None:
    """Fit a step to a hazard in turns, test it, and compare it with smooth shapes.

    Returns
    -------
    HazardFit or None
        `at` is the last turn before the step, and the hazards are shares per turn. None where
        events sit in so few turns that no step can be placed among them.
    """
    table = life_table(sessions)
    step = _best(table.at_risk, table.events)
    if step is None:
        return None
    rng = np.random.default_rng(seed)
    chance = table.events.sum() / table.at_risk.sum()
    null = rng.binomial(table.at_risk.astype(int), chance, size=(draws, len(table.turn)))
    largest = _statistics(table.at_risk, null.astype(np.float64)).max(axis=1)
    effects = design_effects(sessions, table.turn[:-1])
    clear = float((_statistics(table.at_risk, table.events[None])[0] / effects).max())
    effect = float(effects[int(step.at) - 1])
    return HazardFit(
        step,
        float((1 + (largest >= clear).sum()) / (1 + draws)),
        _compare(table, step, effect),
        effect,
    )


def turns_interval(sessions: SessionTimes, step: Break, *, seed: int) -> tuple[float, float]:
    """Return the percentile interval of the break over resamples of customers."""
    rng = np.random.default_rng([seed, 1])
    turns = len(life_table(sessions).turn)
    places = np.empty(DRAWS_CUSTOMERS)
    for b in range(DRAWS_CUSTOMERS):
        weights = resampled_customers(sessions.customer, rng).astype(np.float64)
        table = life_table(sessions, weights, turns)
        reached = table.at_risk > 0
        best = _best(table.at_risk[reached], table.events[reached])
        places[b] = step.at if best is None else best.at
    low, high = np.quantile(places, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return min(float(low), step.at), max(float(high), step.at)


def _best(at_risk: Floats, events: Floats) -> Break | None:
    if len(events) < 3 or events.sum() == 0:
        return None
    statistic = _statistics(at_risk, events[None])[0]
    k = int(np.argmax(statistic))
    if not np.isfinite(statistic[k]):
        return None
    before = events[: k + 1].sum() / at_risk[: k + 1].sum()
    after = events[k + 1 :].sum() / at_risk[k + 1 :].sum()
    return Break(float(k + 1), float(before), float(after), float(statistic[k]))


def _statistics(at_risk: Floats, events: Floats) -> Floats:
    """Return twice the log likelihood ratio of a step after each turn but the last.

    Shape (rows, turns − 1); −inf where fewer than 5 % of the events lie on one side.
    """
    n_before, d_before = np.cumsum(at_risk), np.cumsum(events, axis=1)
    n, d = n_before[-1], d_before[:, -1:]
    n_before, d_before = n_before[:-1], d_before[:, :-1]
    gain = (
        _binomial(d_before, n_before)
        + _binomial(d - d_before, n - n_before)
        - _binomial(d, np.asarray(n))
    )
    share = d_before / np.maximum(d, 1)
    return np.where((share >= WINDOW[0]) & (share <= WINDOW[1]), 2 * gain, -np.inf)


def _binomial(d: Floats, n: Floats) -> Floats:
    """Return the binomial log likelihood at its maximum."""
    from scipy.special import xlogy

    return np.asarray(xlogy(d, d / n) + xlogy(n - d, 1 - d / n))


def _compare(table: LifeTable, step: Break, effect: float) -> dict[str, float]:
    events = table.events.sum()
    price = float(np.log(max(events / effect, 2.0)))
    constant = float(_binomial(events, table.at_risk.sum()))
    ones, logs = np.ones(len(table.turn)), np.log(table.turn)
    weighted = np.repeat(table.turn, table.events.astype(int))
    splines = []
    for knots in KNOTS:
        places = np.unique(np.quantile(weighted, np.linspace(0, 1, knots + 1)))
        if len(places) == knots + 1:
            basis = natural_spline(table.turn, places)
            splines.append(-2 * _cloglog(table, basis) / effect + basis.shape[1] * price)
    power = -2 * _cloglog(table, np.column_stack([ones, logs])) / effect + 2 * price
    line = -2 * _cloglog(table, np.column_stack([ones, table.turn])) / effect + 2 * price
    return {
        "constant": -2 * constant / effect + price,
        "step": (-2 * constant - step.statistic) / effect + 3 * price,
        "weibull": power,
        "spline": min([line, *splines]),
    }


def _cloglog(table: LifeTable, basis: Floats) -> float:
    """Return the largest log likelihood of a complementary log–log model on `basis`."""
    from statsmodels.genmod.families import Binomial, links
    from statsmodels.genmod.generalized_linear_model import GLM

    family = Binomial(link=links.CLogLog())
    trials = np.column_stack([table.events, table.at_risk - table.events])
    fitted = np.asarray(GLM(trials, basis, family=family).fit().fittedvalues)
    p = np.clip(fitted, 1e-12, 1 - 1e-12)
    return float((trials[:, 0] * np.log(p) + trials[:, 1] * np.log1p(-p)).sum())
