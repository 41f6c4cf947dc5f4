"""Choosing under a budget: the set of touchpoints that is worth most and risks least."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from journeylib.core import Floats

WORST = 0.1  # the tail of the expected shortfall
TIE = 1e-6  # of the largest value, for each place further down
FEASIBLE = 1e-6  # a sum of costs may lie so far above the budget, as in the solver
MOST_CHOICES = 25_000  # of more choices the best is looked for by the solver


@dataclass(frozen=True)
class Limits:
    """What a choice must keep to.

    Attributes
    ----------
    budget : float
    fewest, most : int
        `fewest` gives way where fewer are possible or affordable; nothing else does.
    groups : sequence of str or None
        Of each candidate the stage of which at most one may be chosen; empty: no such limit.
    after : mapping of int to sequence of int
        Candidate to the candidates that must be chosen with it.
    """

    budget: float
    fewest: int = 3
    most: int = 5
    groups: Sequence[str | None] = ()
    after: Mapping[int, Sequence[int]] = field(default_factory=dict)


def select(
    values: npt.ArrayLike,
    costs: npt.ArrayLike,
    limits: Limits,
    *,
    draws: Floats | None = None,
    risk_aversion: float = 0.0,
) -> tuple[int, ...]:
    """Choose the candidates of most value under the budget.

    Parameters
    ----------
    values, costs : array of float, shape (n,)
        Of each candidate that may be chosen; what may not be is left out before.
    limits : Limits
    draws : ndarray of float, shape (draws, n), optional
        Value of each candidate in each resample, for the expected shortfall.
    risk_aversion : float
        Weight of the expected loss in the worst tenth of `draws`.

    Returns
    -------
    tuple of int
        Places of those chosen, ascending; empty where none may be or can be paid for.

    Notes
    -----
    max Σ x v − λ CVaR.1(−Σ x V), Σ x c ≤ budget, fewest ≤ Σ x ≤ most, as a mixed-integer
    programme (``scipy.optimize.milp``); the shortfall is linear after Rockafellar and Uryasev
    (2000). Where `fewest` cannot be met, the largest number below it that can.

    Examples
    --------
    >>> values, costs = [100, 70, 70, 8, 8, 7], [60, 45, 45, 10, 10, 10]
    >>> select(values, costs, Limits(budget=100))
    (1, 2, 3)
    """
    worth, price = np.asarray(values, dtype=np.float64), np.asarray(costs, dtype=np.float64)
    for fewest in range(min(limits.fewest, len(worth)), -1, -1):
        chosen = _solve(worth, price, limits, fewest, draws, risk_aversion)
        if chosen is not None:
            return chosen
    return ()


def _solve(
    worth: Floats,
    price: Floats,
    limits: Limits,
    fewest: int,
    draws: Floats | None,
    risk_aversion: float,
) -> tuple[int, ...] | None:
    from scipy.optimize import Bounds, LinearConstraint, milp

    n = len(worth)
    if n == 0:
        return ()
    tail = 0 if draws is None or risk_aversion == 0 else len(draws)
    # Columns: candidates, then the quantile of the loss and the excess over it by resample.
    extra = tail + 1 if tail else 0
    # Of two choices of the same worth, the earlier candidates: the solver's own is chance.
    tie = TIE * float(np.abs(worth).max()) * np.arange(n)
    goal = np.concatenate([tie - worth, np.zeros(extra)])
    low, high = np.zeros(n + extra), np.concatenate([np.ones(n), np.full(extra, np.inf)])
    rows, floor, ceiling = [price, np.ones(n)], [-np.inf, fewest], [limits.budget, limits.most]
    for group in sorted({name for name in limits.groups if name is not None}):
        rows.append(np.array([float(name == group) for name in limits.groups]))
        floor.append(-np.inf)
        ceiling.append(1)
    for later, earlier in sorted(limits.after.items()):
        for first in earlier:
            row = np.zeros(n)
            row[later], row[first] = 1, -1
            rows.append(row)
            floor.append(-np.inf)
            ceiling.append(0)
    matrix = np.hstack([np.array(rows), np.zeros((len(rows), extra))])
    if tail and draws is not None:
        goal[n] = risk_aversion
        goal[n + 1 :] = risk_aversion / (WORST * tail)
        low[n] = -np.inf
        # excess ≥ loss − quantile, the loss being minus the value of what is chosen
        shortfall = np.hstack([draws, np.ones((tail, 1)), np.eye(tail)])
        matrix = np.vstack([matrix, shortfall])
        floor += [0.0] * tail
        ceiling += [np.inf] * tail
    solution = milp(
        goal,
        constraints=LinearConstraint(matrix, floor, ceiling),
        integrality=np.concatenate([np.ones(n), np.zeros(extra)]),
        bounds=Bounds(low, high),
        options={"mip_rel_gap": 0.0},
    )
    if solution.x is None:
        return None
    return tuple(int(index) for index in np.flatnonzero(solution.x[:n] > 0.5))


def shortfall(worth: Floats) -> float:
    """Return the mean of the worst tenth of the values of a choice: what it is worth then.

    Examples
    --------
    >>> shortfall(np.arange(20.0))
    0.5
    """
    worst = np.sort(worth)[: max(1, round(WORST * len(worth)))]
    return float(worst.mean())


def selection_frequency(draws: Floats, costs: npt.ArrayLike, limits: Limits) -> Floats:
    """Return the share of resamples in which each candidate would be chosen, if it pays there.

    Parameters
    ----------
    draws : ndarray of float, shape (draws, n)
        Values in each resample of customers.
    """
    paying, price = replace(limits, fewest=0), np.asarray(costs, dtype=np.float64)
    many = draws.shape[1]
    if sum(math.comb(many, size) for size in range(min(limits.most, many) + 1)) > MOST_CHOICES:
        chosen = np.zeros(many)
        for values in draws:
            chosen[list(select(values, price, paying))] += 1
        return np.asarray(chosen / len(draws))
    choices = _choices(price, limits)
    tie = TIE * np.abs(draws).max(axis=1, initial=0.0, keepdims=True) * np.arange(many)
    best = [int(np.argmax(choices @ worth)) for worth in draws - tie]
    return np.asarray(choices[best].sum(axis=0) / len(draws))


def _choices(price: Floats, limits: Limits) -> Floats:
    """Return every choice that keeps to the limits but `fewest`, as rows of 0 and 1."""
    places = range(len(price))
    sizes = range(min(limits.most, len(price)) + 1)
    sets = [choice for size in sizes for choice in combinations(places, size)]
    choices = np.array([[item in choice for item in places] for choice in sets], dtype=np.float64)
    possible = choices @ price <= limits.budget + FEASIBLE
    for group in {name for name in limits.groups if name is not None}:
        possible &= choices @ np.array([name == group for name in limits.groups]) <= 1
    for later, earlier in limits.after.items():
        for first in earlier:
            possible &= choices[:, later] <= choices[:, first]
    return choices[possible]
