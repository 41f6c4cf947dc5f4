"""Ratios over the whole log: many of them from one pass, each an `Estimate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import GROUPS, AbstainReason, Estimate, Floats, resample
from journeylib.journeys import Sums, count_neighbours
from journeylib.log import bounded_share


@dataclass(frozen=True)
class Ratio:
    """A sum of `top` over the rows of `base`, per row of `base`; every row where it is None.

    Attributes
    ----------
    top : array of bool or int, or RatioSums
        Counted or added up, one entry per row; or the sums that were counted already.
    base : array of bool or None
        The rows that count; None where all do.
    estimand : str
        What the ratio is, in words.
    unit : str
        ``share`` where `top` is boolean.
    lowest : float
        What the ratio cannot be below: nor is its interval.
    abstain : str or None
        Why it cannot be told on this log, known beforehand.
    of_model : bool
        It says how good a model is, not what customers or the service did: no bound is needed.
    """

    top: Any
    base: Any
    estimand: str
    unit: str = "share"
    lowest: float = 0.0
    abstain: AbstainReason | None = None
    of_model: bool = False


@dataclass(frozen=True)
class RatioSums:
    """What a ratio is told from; that of parts of a log with other customers adds up.

    Attributes
    ----------
    sums : ndarray of float64, shape (groups, 1, 2)
        Whole numbers: of what is counted, and of the rows that count.
    customers, journeys : int
        Behind these rows.
    """

    sums: Floats
    customers: int
    journeys: int

    def __add__(self, other: RatioSums) -> RatioSums:
        """Add what was counted of other customers."""
        return RatioSums(
            self.sums + other.sums,
            self.customers + other.customers,
            self.journeys + other.journeys,
        )


def ratio_sums(table: pd.DataFrame | Mapping[str, Any], wanted: Mapping[str, Ratio]) -> Sums:
    """Count what ratios over the rows of `table` are told from; see `ratios`."""
    columns = (table[name] for name in ("group", "customer_no", "journey"))
    group, customer, journey = (np.asarray(column) for column in columns)
    counted = Sums()
    for name, ratio in wanted.items():
        base = slice(None) if ratio.base is None else np.flatnonzero(ratio.base)
        whose, top = group[base], np.asarray(ratio.top)[base].astype(np.int64)
        totals = np.zeros((GROUPS, 1, 2))
        totals[:, 0, 0] = np.bincount(whose, top, minlength=GROUPS)
        totals[:, 0, 1] = np.bincount(whose, minlength=GROUPS)
        people, many = (count_distinct(unit[base]) for unit in (customer, journey))
        counted[name] = RatioSums(totals, people, many)
    return counted


def count_distinct(unit: npt.NDArray[Any]) -> int:
    """Count the distinct units; mostly the rows of each lie together, in order."""
    in_order = bool((unit[1:] >= unit[:-1]).all())
    return count_neighbours(unit) if in_order else len(pd.unique(unit))


def quotient(totals: Floats) -> Floats:
    """Return the first sum over the second; the statistic of every ratio."""
    result: Floats = totals[..., 0] / totals[..., 1]
    return result


def ratios(
    table: pd.DataFrame | Mapping[str, Any], wanted: Mapping[str, Ratio], *, min_customers: int
) -> dict[str, Estimate]:
    """Estimate ratios over the rows of `table`, with customer-clustered intervals.

    Parameters
    ----------
    table : pandas.DataFrame or mapping of str to ndarray
        With ``group``, ``customer_no`` and ``journey``.
    wanted : mapping of str to Ratio
    min_customers : int
        A ratio that rests on fewer customers abstains with ``privacy``; on none, with
        ``n_small``. A share that fewer cases have, or all but fewer, is a bound.
    """
    measurable = {name: ratio for name, ratio in wanted.items() if ratio.abstain is None}
    estimates = {
        name: Estimate.none(ratio.abstain, ratio.unit, estimand=ratio.estimand)
        for name, ratio in wanted.items()
        if ratio.abstain is not None
    }
    if measurable:
        estimates |= _estimated(table, measurable, min_customers)
    return {name: estimates[name] for name in wanted}


def _estimated(
    table: pd.DataFrame | Mapping[str, Any], measurable: Mapping[str, Ratio], min_customers: int
) -> dict[str, Estimate]:
    rows_of = {k: one for k, one in measurable.items() if not isinstance(one.top, RatioSums)}
    counted = ratio_sums(table, rows_of) if rows_of else {}
    estimates = {}
    for name, ratio in measurable.items():
        own = counted.get(name, ratio.top)
        fewest = 1 if ratio.of_model and own.customers >= min_customers else min_customers
        estimate = ratio_of_sums(
            own.sums,
            unit=ratio.unit,
            estimand=ratio.estimand,
            n_customers=own.customers,
            n_journeys=own.journeys,
            min_customers=fewest,
        )
        if estimate.lo is not None:
            estimate = replace(estimate, lo=max(estimate.lo, ratio.lowest))
        estimates[name] = estimate
    return estimates


def ratio_of_sums(
    sums: Floats,
    *,
    unit: str,
    estimand: str,
    n_customers: int,
    n_journeys: int,
    min_customers: int,
) -> Estimate:
    """Return the estimate of one ratio from its sums per group, shape (groups, 1, 2)."""
    trials = int(sums[:, 0, 1].sum())
    if n_customers < max(min_customers, 1):
        reason: AbstainReason = "privacy" if n_customers else "n_small"
        return Estimate.none(reason, unit, estimand=estimand)
    result = resample(
        sums, quotient, share=unit == "share", n_customers=[n_customers], n_trials=[trials]
    )
    estimate = Estimate(
        value=float(result.value[0]),
        unit=unit,
        # A ratio of amounts that are never negative is never negative, nor is its interval.
        lo=max(float(result.lo[0]), 0.0) if (sums >= 0).all() else float(result.lo[0]),
        hi=float(result.hi[0]),
        n_customers=n_customers,
        n_journeys=n_journeys,
        n_events=trials,
        estimand=estimand,
        method="ratio of sums, delete-a-group jackknife by customer",
    )
    if unit != "share":
        return estimate
    return bounded_share(estimate, float(sums[:, 0, 0].sum()), trials, minimum=min_customers)
