"""The economic hand-off time: how long a bot should try before a human takes over.

Hazards are constant between breaks, so the cost of each hand-off time has a closed form and
is monotone within each piece: the minimum is at the start, at a break, or never.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from journeylib.core import DRAWS, SEED, ConfigError, Estimate, Floats
from journeylib.judge.bot_timing.hazard_break import rates
from journeylib.judge.bot_timing.session_data import (
    FRUSTRATED,
    RESOLVED,
    BotSessions,
    SessionTimes,
    resampled_customers,
)
from journeylib.judge.settings import CostSettings

FLAT = 1.02
QUANTILES = (0.15, 0.35, 0.55, 0.75, 0.9)
MIN_EXITS = 50
# Of so many the draws are counted together: above it they cost memory and no less time.
MOST_WEIGHTS = 500_000

Answer = Literal["never", "at once", "minutes"]

ASSUMPTIONS = (
    "how long a customer stayed marks how hard the case was; what a new hand-off rule would do "
    "is only known by trying it on customers chosen at random",
    "after the last break the hazards stay as they are",
    "the cost of a human contact does not rise with the number handed over",
)


@dataclass(frozen=True)
class Hazards:
    """Resolutions and frustrated exits per minute at risk, constant between breaks.

    Attributes
    ----------
    breaks : tuple of float
        Minutes, ascending; the last piece has no end.
    resolve, frustrate : tuple of float
        One more than breaks.
    """

    breaks: tuple[float, ...]
    resolve: tuple[float, ...]
    frustrate: tuple[float, ...]

    def __post_init__(self) -> None:
        pieces = len(self.breaks) + 1
        if len(self.resolve) != pieces or len(self.frustrate) != pieces:
            raise ConfigError(f"{len(self.breaks)} breaks need {pieces} hazards of each kind")
        if any(b <= a for a, b in zip((0.0, *self.breaks), self.breaks, strict=False)):
            raise ConfigError(f"breaks must be above 0 and ascend; got {self.breaks}")


@dataclass(frozen=True)
class Optimum:
    """The cheapest hand-off time for known hazards and costs.

    Attributes
    ----------
    minutes : float
        0 for a human at once, infinity for never.
    cost, cost_at_once, cost_never : float
        Expected cost of a session.
    """

    minutes: float
    cost: float
    cost_at_once: float
    cost_never: float


@dataclass(frozen=True)
class HandoffTime:
    """When to hand over, and how much it matters.

    Attributes
    ----------
    answer : {"never", "at once", "minutes"}
    minutes : float
        0 for at once, infinity for never.
    range : (float, float)
        Middle 95 % of the optimum over resampled customers and drawn costs.
    flat_region : (float, float)
        Hand-off times that cost at most 2 % more: usually more useful than the point.
    cost, cost_at_once, cost_never : Estimate
        Expected cost of a session.
    regret : Estimate
        What acting on `minutes` costs more than the optimum of each draw: mean, and the middle
        95 % of the draws.
    settled : float
        Share of draws with the same `answer`.
    curve : DataFrame
        `minutes`, `cost` (float64): the expected cost of each hand-off time.
    """

    answer: Answer
    minutes: float
    range: tuple[float, float]
    flat_region: tuple[float, float]
    cost: Estimate
    cost_at_once: Estimate
    cost_never: Estimate
    regret: Estimate
    settled: float
    curve: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Return the form that `audit.json` holds."""
        return {
            "minutes": self.answer if self.answer != "minutes" else self.minutes,
            "flat_region": [None if np.isinf(end) else end for end in self.flat_region],
        }


def expected_cost(
    hazards: Hazards, costs: tuple[float, float, float], minutes: Sequence[float] | Floats
) -> Floats:
    """Return the expected cost of a session for each hand-off time.

    Parameters
    ----------
    hazards : Hazards
    costs : (float, float, float)
        Per bot minute, per frustrated exit, per human contact.
    minutes : array of float
        Hand-off times; infinity for never.

    Notes
    -----
    C(s) = ∫₀ˢ (c + L·h(t))·S(t) dt + K·S(s), S(t) = exp(−∫(r + h)).
    """
    times = np.asarray(minutes, dtype=np.float64)
    return np.asarray(_costs_of([hazards], np.array([costs]), times)[0])


def _costs_of(hazards: Sequence[Hazards], costs: Floats, minutes: Floats) -> Floats:
    """Return the `expected_cost` of hazards with the same breaks, shape (hazards, minutes)."""
    bot, exit_, human = costs.T[:, :, None]
    resolve, frustrate = (
        np.array([getattr(one, kind) for one in hazards]).T[:, :, None]
        for kind in ("resolve", "frustrate")
    )
    cost, left = np.zeros((len(hazards), len(minutes))), np.ones((len(hazards), len(minutes)))
    breaks = hazards[0].breaks
    starts, ends = (0.0, *breaks), (*breaks, np.inf)
    # Of 0 × infinity, which `where` leaves out.
    with np.errstate(invalid="ignore", divide="ignore"):
        for start, end, r, h in zip(starts, ends, resolve, frustrate, strict=True):
            span = np.clip(np.minimum(minutes, end) - start, 0, None)
            rate, leaves = bot + exit_ * h, r + h > 0
            survives = np.exp(-(r + h) * span)
            # Where nobody leaves, time costs for ever.
            forever = np.where(rate > 0, rate * left * span, 0.0)
            cost += np.where(leaves, rate * left * (1 - survives) / (r + h), forever)
            left = np.where(leaves, left * survives, left)
    return np.asarray(cost + human * np.where(np.isinf(minutes), 0.0, left))


def optimum(hazards: Hazards, costs: tuple[float, float, float]) -> Optimum:
    """Return the cheapest hand-off time; among equals the earliest.

    Notes
    -----
    Within a piece C′(s) = S(s)·[c + L·h − K·(r + h)] keeps its sign, so only 0, the breaks and
    never can be the minimum, also where the cost has several valleys.
    """
    return _optima([hazards], np.array([costs]))[0]


def _optima(hazards: Sequence[Hazards], costs: Floats) -> list[Optimum]:
    """Return the `optimum` of each of hazards with the same breaks."""
    times = np.array([0.0, *hazards[0].breaks, np.inf])
    cost = _costs_of(hazards, costs, times)
    least = cost.min(axis=1, keepdims=True)
    best = np.argmax(cost <= least + 1e-9 * np.maximum(1.0, np.abs(least)), axis=1)
    return [
        Optimum(float(times[k]), float(row[k]), float(row[0]), float(row[-1]))
        for k, row in zip(best, cost, strict=True)
    ]


def hazards_of(ends: tuple[SessionTimes, SessionTimes], breaks: Sequence[float]) -> Hazards:
    """Return the hazards of resolution and of frustration, as of `ends_of`."""
    return hazards_of_draws(ends, breaks, np.ones((1, len(ends[0].end))))[0]


def hazards_of_draws(
    ends: tuple[SessionTimes, SessionTimes], breaks: Sequence[float], weights: Floats
) -> list[Hazards]:
    """Return the `hazards_of` draws of customers; `weights` tells how often each session counts.

    Parameters
    ----------
    ends : (SessionTimes, SessionTimes)
    breaks : sequence of float
    weights : ndarray of float64, shape (draws, n)
    """
    resolve, frustrate = (rates(one, breaks, weights).tolist() for one in ends)
    places = tuple(breaks)
    return [Hazards(places, tuple(r), tuple(f)) for r, f in zip(resolve, frustrate, strict=True)]


def ends_of(sessions: BotSessions) -> tuple[SessionTimes, SessionTimes]:
    """Return the times with resolution, and with frustration, as the event."""
    return sessions.ending(RESOLVED), sessions.ending(FRUSTRATED)


def handoff_time(
    sessions: BotSessions,
    costs: CostSettings,
    *,
    breaks: Sequence[float] | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> HandoffTime | None:
    """Find the hand-off time that costs least, and how sure that is.

    Parameters
    ----------
    sessions : BotSessions
        In minutes.
    costs : CostSettings
    breaks : sequence of float, optional
        Where the hazards may change: the tipping point where there is one. Without it, five
        quantiles of the exits.
    draws : int
        Resamples of customers, each with costs drawn from their ranges.
    seed : int

    Returns
    -------
    HandoffTime or None
        None below 50 exits: too few to say when.
    """
    places = places_of(sessions, breaks)
    if places is None:
        return None
    ends = ends_of(sessions)
    hazards = hazards_of(ends, places)
    best = optimum(hazards, costs.likely())
    drawn, prices = _draws(ends, places, costs, draws, seed)
    resamples = _optima(drawn, prices)
    used = _costs_of(drawn, prices, np.array([best.minutes]))[:, 0]
    regret = np.maximum(used - np.array([one.cost for one in resamples]), 0.0)
    estimate = partial(
        ordered_estimate,
        sessions,
        unit=f"{costs.currency}/session",
        assumptions=ASSUMPTIONS,
        method="piecewise constant hazards, customer bootstrap, costs drawn from their ranges",
    )
    return HandoffTime(
        answer=answer_of(best.minutes),
        minutes=best.minutes,
        range=middle(np.array([one.minutes for one in resamples])),
        flat_region=flat_region(hazards, costs.likely(), best),
        cost=estimate(best.cost, used),
        cost_at_once=estimate(best.cost_at_once, [one.cost_at_once for one in resamples]),
        cost_never=estimate(best.cost_never, [one.cost_never for one in resamples]),
        regret=estimate(float(regret.mean()), regret),
        settled=same_answer(best, resamples),
        curve=_curve(sessions, hazards, costs),
    )


def _draws(
    ends: tuple[SessionTimes, SessionTimes],
    breaks: Sequence[float],
    costs: CostSettings,
    draws: int,
    seed: int,
) -> tuple[list[Hazards], Floats]:
    """Return hazards of resamples of customers, each with costs drawn from their ranges."""
    rng, customer = np.random.default_rng(seed), ends[0].customer
    hazards: list[Hazards] = []
    prices: list[tuple[float, float, float]] = []
    at_once = max(1, MOST_WEIGHTS // len(customer))
    for first in range(0, draws, at_once):
        weights = []
        for _ in range(first, min(first + at_once, draws)):
            weights.append(resampled_customers(customer, rng))
            prices.append(costs.sample(rng))
        hazards += hazards_of_draws(ends, breaks, np.array(weights, dtype=np.float64))
    return hazards, np.array(prices)


def _curve(sessions: BotSessions, hazards: Hazards, costs: CostSettings) -> pd.DataFrame:
    grid = np.linspace(0, float(sessions.frame["minutes"].quantile(0.99)), 121)
    return pd.DataFrame({"minutes": grid, "cost": expected_cost(hazards, costs.likely(), grid)})


def places_of(sessions: BotSessions, breaks: Sequence[float] | None) -> list[float] | None:
    """Return where hazards may change: `breaks`, else quantiles; None where exits are too few."""
    frame = sessions.frame
    exits = frame.loc[frame["event"].isin((FRUSTRATED, RESOLVED)), "minutes"]
    if len(exits) < MIN_EXITS:
        return None
    places = sorted(set(breaks if breaks is not None else exits.quantile(list(QUANTILES))))
    return [float(time) for time in places if time > 0]


def ordered_estimate(
    sessions: BotSessions, value: float, draws: Sequence[float] | Floats, **fields: Any
) -> Estimate:
    """Return an estimate whose interval is the middle 95 % of `draws`; some may be infinite."""
    lo, hi = middle(np.asarray(draws, dtype=np.float64))
    return Estimate(
        value=value,
        lo=min(lo, value),
        hi=max(hi, value),
        n_customers=sessions.customers,
        n_events=len(sessions.frame),
        grade="C",
        **fields,
    )


def same_answer(best: Optimum, resamples: Sequence[Optimum]) -> float:
    """Return the share of resamples that give the same answer."""
    return float(np.mean([answer_of(o.minutes) == answer_of(best.minutes) for o in resamples]))


def flat_region(
    hazards: Hazards, costs: tuple[float, float, float], best: Optimum
) -> tuple[float, float]:
    """Return the hand-off times around the optimum that cost at most 2 % more."""
    times = np.array([0.0, *hazards.breaks, np.inf])
    cost = expected_cost(hazards, costs, times)
    limit = FLAT * best.cost
    left = right = int(np.searchsorted(times, best.minutes))
    while left > 0 and cost[left - 1] <= limit:
        left -= 1
    while right < len(times) - 1 and cost[right + 1] <= limit:
        right += 1
    lo = float(times[left])
    if left > 0:
        lo = _crossing(hazards, costs, float(times[left - 1]), lo, limit)
    hi = float(times[right])
    if right < len(times) - 1:
        hi = _crossing(hazards, costs, hi, float(times[right + 1]), limit)
    return lo, hi


def _crossing(
    hazards: Hazards, costs: tuple[float, float, float], a: float, b: float, limit: float
) -> float:
    """Return where the cost reaches `limit` between a and b; b may be infinity."""
    from scipy.optimize import brentq

    def excess(s: float) -> float:
        return float(expected_cost(hazards, costs, [s])[0]) - limit

    far = b
    if np.isinf(b):
        if np.isinf(a):
            return a
        far = a + 1.0
        while excess(a) * excess(far) > 0 and far < 1e6:
            far = a + 2 * (far - a)
    if excess(a) * excess(far) > 0:
        return b
    return float(brentq(excess, a, far))


def answer_of(minutes: float) -> Answer:
    """Return the kind of answer that a hand-off time is."""
    if np.isinf(minutes):
        return "never"
    return "at once" if minutes == 0 else "minutes"


def middle(values: Floats) -> tuple[float, float]:
    """Return the middle 95 % of draws, by order statistics: a draw may be infinite."""
    ordered = np.sort(values)
    tail = int(0.025 * len(ordered))
    return float(ordered[tail]), float(ordered[-1 - tail])
