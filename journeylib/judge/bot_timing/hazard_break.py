"""Hazards over the minutes of a bot session: where they break, and what shape they have.

Only the cause-specific hazard of one event is fitted; any other end takes the session out of
the risk set. All functions see a `SessionTimes`: sorted ends, so that a scan over every possible
break costs one cumulative sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from journeylib.core import LEVEL, Floats
from journeylib.judge.bot_timing.session_data import (
    SessionTimes,
    design_effects,
    resampled_customers,
)
from journeylib.judge.estimation.design_matrix import Bools

DRAWS_NULL = 499
DRAWS_CUSTOMERS = 200
WINDOW = (0.05, 0.95)
PIECES = 30
# Null distributions hardly move beyond this many events (95 % point: 9.7 at 50, 9.8 at 300 and
# at 1,000), so larger logs draw no more.
MAX_DRAWN = 1_000
KNOTS = (2, 3, 4)


@dataclass(frozen=True)
class Break:
    """The best step of a hazard.

    Attributes
    ----------
    at : float
        Minute of the break.
    before, after : float
        Events per minute at risk.
    statistic : float
        Twice the log likelihood ratio against a constant hazard.
    """

    at: float
    before: float
    after: float
    statistic: float


@dataclass(frozen=True)
class HazardFit:
    """A step, whether it exists, and what else would explain the hazard.

    Attributes
    ----------
    step : Break
    p_value : float
        Of a break as clear as this under a constant hazard, sessions of one customer counted as
        far as they tell something new.
    bic : dict of str to float
        Of constant, step, Weibull and spline; smaller is better.
    design_effect : float
        How many sessions, at the step, say as much as one by itself; 1 where customers have one
        session each, or theirs are no more alike than those of others.
    """

    step: Break
    p_value: float
    bic: dict[str, float]
    design_effect: float = 1.0


def fit_minutes(sessions: SessionTimes, *, draws: int = DRAWS_NULL, seed: int) -> HazardFit:
    """Fit a step to a hazard in continuous time, test it, and compare it with smooth shapes."""
    scan = _scan(sessions, None)
    step = _best_of(scan, sessions)
    effects = design_effects(sessions, scan.at)
    clear = float((scan.statistic / effects).max()) if len(scan.at) else 0.0
    effect = float(effects[int(np.argmax(scan.statistic))]) if len(scan.at) else 1.0
    return HazardFit(
        step,
        break_p_value(clear, sessions.events, draws=draws, seed=seed),
        compare_models(sessions, step, effect),
        effect,
    )


def best_break(sessions: SessionTimes, weights: Floats | None = None) -> Break:
    """Find the break by profile likelihood over the 5th to 95th percentile of event times.

    Parameters
    ----------
    sessions : SessionTimes
        With at least two distinct event times.
    weights : ndarray of float64, shape (n,), optional
        How often each session counts (a bootstrap draw of customers).

    Notes
    -----
    ℓ(τ) = Σ D log(D/E) − D over the two sides. Its maxima sit at event times: just before one
    where the hazard rises, just after one where it falls; both sides are tried.
    """
    return _best_of(_scan(sessions, weights), sessions)


def _best_of(scan: _Scan, sessions: SessionTimes) -> Break:
    if not len(scan.at):  # nearly all events at one moment: no place for a break
        rate = scan.total / scan.exposure
        return Break(float(np.median(sessions.end[sessions.event])), rate, rate, 0.0)
    k = int(np.argmax(scan.statistic))
    before = scan.share[k] * scan.exposure
    return Break(
        at=float(scan.at[k]),
        before=float(scan.events[k] / before),
        after=float((scan.total - scan.events[k]) / (scan.exposure - before)),
        statistic=float(scan.statistic[k]),
    )


@dataclass(frozen=True)
class _Scan:
    """Every possible break: where, events and share of the exposure before it, statistic."""

    at: Floats
    events: Floats
    share: Floats
    statistic: Floats
    total: float
    exposure: float


def _scan(sessions: SessionTimes, weights: Floats | None) -> _Scan:
    w = np.ones(len(sessions.end)) if weights is None else weights
    times = np.unique(sessions.end[sessions.event])
    first = np.searchsorted(sessions.end, times, side="left")
    after = np.searchsorted(sessions.end, times, side="right")
    running = _running(w * sessions.event)
    total = float(running[-1])
    exposure = _exposure_until(sessions, w, times)
    whole = float((w * (sessions.end - sessions.entry)).sum())
    inside = _inside(running[after] / total) & (exposure > 0) & (exposure < whole)
    events = np.concatenate([running[first][inside], running[after][inside]])
    share = np.tile(exposure[inside] / whole, 2)
    return _Scan(
        np.tile(times[inside], 2), events, share, _statistic(events, total, share), total, whole
    )


def break_p_value(statistic: float, events: int, *, draws: int, seed: int) -> float:
    """Return how often a constant hazard gives a break as clear as this one.

    Notes
    -----
    The break is searched for, so the statistic is not χ² (Goodman, Li and Tiwari 2011, Journal
    of Applied Statistics 38, 2523–2532). Parametric bootstrap: measured in minutes at risk
    instead of minutes, the events of a constant hazard are uniform, whatever the censoring and
    the resolutions. The null distribution therefore depends on the number of events alone.
    """
    null = null_statistics(events, draws=draws, seed=seed)
    return float((1 + (null >= statistic).sum()) / (1 + draws))


def null_statistics(events: int, *, draws: int, seed: int) -> Floats:
    """Draw the break statistic under a constant hazard; shape (draws,)."""
    rng = np.random.default_rng(seed)
    events = min(events, MAX_DRAWN)
    rank = np.arange(1, events + 1, dtype=np.float64)
    inside = _inside(rank / events)
    ranks = np.asarray(rank[inside], dtype=np.float64)
    result = np.empty(draws)
    rows = max(1, 2_000_000 // events)
    for begin in range(0, draws, rows):
        share = np.sort(rng.random((min(rows, draws - begin), events)), axis=1)[:, inside]
        up = _statistic(ranks - 1, float(events), share)
        down = _statistic(ranks, float(events), share)
        result[begin : begin + rows] = np.maximum(up, down).max(axis=1)
    return result


def minutes_interval(
    sessions: SessionTimes, step: Break, *, draws: int = DRAWS_NULL, seed: int
) -> tuple[float, float]:
    """Return an interval for the place of the break.

    Notes
    -----
    The union of two intervals at `LEVEL`: all places that the likelihood ratio does not reject,
    its limit from a parametric bootstrap of the fitted step; and the percentiles over resamples
    of customers, for the dependence within customers. A break is found at the rate n, not √n:
    the interval is narrow, and somewhat wider than it need be.
    """
    scan = _scan(sessions, None)
    limit = float(np.quantile(_shortfalls(scan, step, draws=draws, seed=seed), LEVEL))
    likely = scan.at[scan.statistic >= step.statistic - limit]
    # Between two events the likelihood is not tried: the interval reaches to the next one.
    times = np.unique(scan.at)
    low = times[max(0, int(np.searchsorted(times, likely.min())) - 1)]
    high = times[min(len(times) - 1, int(np.searchsorted(times, likely.max())) + 1)]
    tail = (1 - LEVEL) / 2
    places = _break_draws(sessions, draws=DRAWS_CUSTOMERS, seed=seed)
    by_customer = np.quantile(places, [tail, 1 - tail])
    return float(min(low, by_customer[0])), float(max(high, by_customer[1]))


def _shortfalls(scan: _Scan, step: Break, *, draws: int, seed: int) -> Floats:
    """Draw by how much the statistic at the true break falls short of its maximum."""
    rng = np.random.default_rng([seed, 1])
    k = int(np.argmax(scan.statistic))
    cut, size = float(scan.share[k]), min(int(scan.total), MAX_DRAWN)
    early = step.before * cut / (step.before * cut + step.after * (1 - cut))
    rank = np.arange(1, size + 1, dtype=np.float64)
    inside = _inside(rank / size)
    result = np.empty(draws)
    for b in range(draws):
        before = rng.random(size) < early
        share = rng.random(size)
        share = np.sort(np.where(before, share * cut, cut + share * (1 - cut)))
        best = max(
            _statistic(rank[inside] - 1, float(size), share[inside]).max(),
            _statistic(rank[inside], float(size), share[inside]).max(),
        )
        true = _statistic(np.array([float(before.sum())]), float(size), np.array([cut]))[0]
        # With many events at one moment the break may lie outside the window of ranks.
        result[b] = max(best, true) - true
    return result


def _break_draws(sessions: SessionTimes, *, draws: int, seed: int) -> Floats:
    """Return the minute of the break in resamples of customers; shape (draws,)."""
    rng = np.random.default_rng(seed)
    result = np.empty(draws)
    for b in range(draws):
        weights = resampled_customers(sessions.customer, rng).astype(np.float64)
        result[b] = best_break(sessions, weights).at
    return result


def compare_models(sessions: SessionTimes, step: Break, effect: float = 1.0) -> dict[str, float]:
    """Return the BIC of a constant, a step, a Weibull and, if it can be fitted, a spline hazard.

    Parameters
    ----------
    sessions : SessionTimes
    step : Break
    effect : float
        The design effect: so many sessions say as much as one by itself.

    Notes
    -----
    BIC with the logarithm of the number of events, as censored sessions say little about the
    shape (Volinsky and Raftery 2000, Biometrics 56, 256–262). The step has three parameters,
    its place among them. Where sessions of one customer are alike, likelihood and events count
    for as many independent ones as they are worth.
    """
    events = sessions.events
    constant = events * np.log(events / sessions.exposure) - events
    price = float(np.log(max(events / effect, 2.0)))
    bic = {
        "constant": -2 * constant / effect + price,
        "step": (-2 * constant - step.statistic) / effect + 3 * price,
        "weibull": -2 * _weibull(sessions) / effect + 2 * price,
    }
    splines = [fitted for knots in KNOTS if (fitted := _spline(sessions, knots)) is not None]
    if splines:
        bic["spline"] = min(-2 * like / effect + size * price for like, size in splines)
    return bic


def rates(sessions: SessionTimes, breaks: npt.ArrayLike, weights: Floats | None = None) -> Floats:
    """Return events per minute at risk between breaks.

    Parameters
    ----------
    sessions : SessionTimes
    breaks : array of float, shape (b,)
    weights : ndarray of float64, shape (..., n), optional
        How often each session counts, in one draw of customers or in several.

    Returns
    -------
    ndarray of float64, shape (..., b + 1)
    """
    events, exposure = _cells(sessions, np.asarray(breaks, dtype=np.float64), weights)
    return np.divide(events, exposure, out=np.zeros_like(events), where=exposure > 0)


def _cells(sessions: SessionTimes, breaks: Floats, weights: Floats | None) -> tuple[Floats, Floats]:
    """Count events and minutes at risk between breaks; an event at a break falls before it."""
    w = np.ones(len(sessions.end)) if weights is None else weights
    before = _running(w * sessions.event)
    until = np.append(np.searchsorted(sessions.end, breaks, side="right"), -1)
    whole = (w * (sessions.end - sessions.entry)).sum(axis=-1, keepdims=True)
    at_risk = _exposure_until(sessions, w, breaks)
    return (
        np.diff(before[..., until], prepend=0.0, axis=-1),
        np.diff(at_risk, prepend=0.0, append=whole, axis=-1),
    )


def _running(values: Floats) -> Floats:
    """Return the sums of the first 0, 1, … n values."""
    return np.concatenate([np.zeros((*values.shape[:-1], 1)), values.cumsum(axis=-1)], axis=-1)


def _exposure_until(sessions: SessionTimes, w: Floats, times: Floats) -> Floats:
    """Return the weighted minutes at risk before each time."""

    def summed(minutes: Floats, weights: Floats) -> Floats:
        done, counted = _running(weights * minutes), _running(weights)
        k = np.searchsorted(minutes, times, side="right")
        return np.asarray(done[..., k] + (counted[..., -1:] - counted[..., k]) * times)

    until_end = summed(sessions.end, w)
    if not sessions.entry.any():
        return until_end
    order = np.argsort(sessions.entry, kind="stable")
    return until_end - summed(sessions.entry[order], w[..., order])


def _inside(share_of_events: Floats) -> Bools:
    return np.asarray((share_of_events >= WINDOW[0]) & (share_of_events <= WINDOW[1]))


def _statistic(events: Floats, total: float, share: Floats) -> Floats:
    """Twice the log likelihood ratio of a break that has `share` of the exposure before it."""
    from scipy.special import xlogy

    rest = total - events
    open_share = np.clip(share, 1e-12, 1 - 1e-12)
    return np.asarray(
        2
        * (
            xlogy(events, events / (total * open_share))
            + xlogy(rest, rest / (total * (1 - open_share)))
        )
    )


def _weibull(sessions: SessionTimes) -> float:
    """Return the largest log likelihood of a hazard that is a power of time."""
    from scipy.optimize import minimize_scalar

    smallest = sessions.end[sessions.end > 0].min() / 2
    time = np.maximum(sessions.end, smallest)
    logs = np.log(time[sessions.event]).sum()
    events = sessions.events

    def negative(shape: float) -> float:
        total = (time**shape - sessions.entry**shape).sum()
        return float(-(events * np.log(shape * events / total) + (shape - 1) * logs - events))

    return -float(minimize_scalar(negative, bounds=(0.05, 10), method="bounded").fun)


def _spline(sessions: SessionTimes, knots: int) -> tuple[float, int] | None:
    """Return log likelihood and parameters of a natural cubic spline of the log hazard in time.

    None where the clock has too few distinct times for its shape to be told.

    The hazard is constant within cells that hold equal numbers of events: a Poisson model with
    minutes at risk as offset, whose likelihood is comparable with the continuous ones.
    """
    # Not statsmodels.api, which imports all of its time series and plots.
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    hit = sessions.end[sessions.event]
    inner = np.unique(np.quantile(hit, np.linspace(0, 1, PIECES + 1)[1:-1]))
    events, exposure = _cells(sessions, inner, None)
    used = exposure > 0
    middle = np.quantile(hit, (np.arange(len(events)) + 0.5) / len(events))[used]
    basis = natural_spline(middle, np.quantile(middle, np.linspace(0, 1, knots + 1)))
    size = basis.shape[1]
    if len(basis) <= size or np.linalg.matrix_rank(basis) < size:
        return None
    offset = np.log(exposure[used])
    fit = GLM(events[used], basis, family=Poisson(), offset=offset).fit()
    rate = np.asarray(fit.fittedvalues) / exposure[used]
    return float((events[used] * np.log(rate) - rate * exposure[used]).sum()), size


def natural_spline(x: Floats, knots: Floats) -> Floats:
    """Return the basis of a natural cubic spline: intercept, x, and one column per inner knot.

    Notes
    -----
    Truncated powers, linear beyond the outer knots (Hastie, Tibshirani and Friedman, *The
    Elements of Statistical Learning*, section 5.2.1); x scaled to 0..1 over the knots.
    """
    knots = np.unique(knots)
    width = knots[-1] - knots[0]
    if len(knots) < 3 or width <= 0:
        return np.column_stack([np.ones(len(x)), x])
    z, k = (x - knots[0]) / width, (knots - knots[0]) / width

    def power(j: int) -> Floats:
        cubes = np.clip(z - k[j], 0, None) ** 3 - np.clip(z - k[-1], 0, None) ** 3
        return np.asarray(cubes / (k[-1] - k[j]))

    bends = [power(j) - power(len(k) - 2) for j in range(len(k) - 2)]
    return np.column_stack([np.ones(len(x)), z, *bends])
