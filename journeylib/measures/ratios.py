"""Ratios over the whole log: many of them from one pass, each an `Estimate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from journeylib.core import GROUPS, AbstainReason, Estimate, Floats, resample
from journeylib.log import bounded_share
from journeylib.measures.measured import rounded_share


@dataclass(frozen=True)
class Ratio:
    """A sum of `top` over the rows of `base`, per row of `base`; every row where it is None.

    Attributes
    ----------
    top : array of bool or int
        Counted or added up; one entry per row.
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
    whole : array of bool or None
        Rows of which `base` leaves out what may be hidden. Where it leaves out a few, the base is
        given as that of these rows, and the share is rounded.
    """

    top: Any
    base: Any
    estimand: str
    unit: str = "share"
    lowest: float = 0.0
    abstain: AbstainReason | None = None
    of_model: bool = False
    whole: Any = None


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
    columns = (table[name] for name in ("group", "customer_no", "journey"))
    group, customer, journey = (np.asarray(column) for column in columns)
    estimates = {}
    for name, ratio in measurable.items():
        base = np.arange(len(group)) if ratio.base is None else np.flatnonzero(ratio.base)
        top = np.asarray(ratio.top)[base].astype(np.int64)
        totals = np.zeros((GROUPS, 1, 2))
        totals[:, 0, 0] = np.bincount(group[base], top, minlength=GROUPS)
        totals[:, 0, 1] = np.bincount(group[base], minlength=GROUPS)
        people = len(pd.unique(customer[base]))
        fewest = 1 if ratio.of_model and people >= min_customers else min_customers
        found = ratio_of_sums(
            totals,
            unit=ratio.unit,
            estimand=ratio.estimand,
            n_customers=people,
            n_journeys=len(pd.unique(journey[base])),
            min_customers=fewest,
        )
        if found.lo is not None:
            found = replace(found, lo=max(found.lo, ratio.lowest))
        if ratio.whole is not None:
            rows = np.flatnonzero(ratio.whole)
            every = len(rows), len(pd.unique(journey[rows])), len(pd.unique(customer[rows]))
            found = _on_whole(found, every, min_customers)
        estimates[name] = found
    return estimates


def _on_whole(estimate: Estimate, whole: tuple[int, int, int], minimum: int) -> Estimate:
    """Give a share the base of a whole of which it leaves out a few: none tells how many.

    `whole` counts events, journeys and customers.
    """
    own = (estimate.n_events, estimate.n_journeys, estimate.n_customers)
    pairs = list(zip(own, whole, strict=True))
    near = [0 < part < every and every - part <= minimum for part, every in pairs]
    if minimum <= 1 or not any(near):
        return estimate
    events, journeys, customers = (
        every if close else part for close, (part, every) in zip(near, pairs, strict=True)
    )
    estimate = replace(estimate, n_events=events, n_journeys=journeys, n_customers=customers)
    if estimate.value is None or estimate.lo is None or estimate.hi is None:
        return estimate
    value, lo, hi = rounded_share(
        *(np.array([of]) for of in (estimate.value, estimate.lo, estimate.hi, own[0]))
    )
    return replace(estimate, value=float(value[0]), lo=float(lo[0]), hi=float(hi[0]))


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
