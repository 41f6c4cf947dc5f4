"""Ratios over the whole log: many of them from one pass, each an `Estimate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
from ibis import _

from journeylib.core import GROUPS, AbstainReason, Estimate, Floats, resample
from journeylib.log import fetch


@dataclass(frozen=True)
class Ratio:
    """A sum of `top` over the rows of `base`, per row of `base`.

    Attributes
    ----------
    top : Ibis boolean or integer
        Counted or added up.
    base : Ibis boolean
        The rows that count.
    estimand : str
        What the ratio is, in words.
    unit : str
        ``share`` where `top` is boolean.
    abstain : str or None
        Why it cannot be told on this log, known beforehand.
    """

    top: Any
    base: Any
    estimand: str
    unit: str = "share"
    abstain: AbstainReason | None = None


def quotient(totals: Floats) -> Floats:
    """Return the first sum over the second; the statistic of every ratio."""
    result: Floats = totals[..., 0] / totals[..., 1]
    return result


def ratios(
    table: ibis.Table, wanted: Mapping[str, Ratio], *, min_customers: int
) -> dict[str, Estimate]:
    """Estimate ratios over the rows of `table`, with customer-clustered intervals.

    Parameters
    ----------
    table : ibis.Table
        With ``group``, ``customer_no`` and ``journey``.
    wanted : mapping of str to Ratio
    min_customers : int
        A ratio that rests on fewer customers abstains with ``privacy``; on none, with
        ``n_small``.

    Returns
    -------
    dict of str to Estimate
    """
    told = {name: ratio for name, ratio in wanted.items() if ratio.abstain is None}
    estimates = {
        name: Estimate.none(ratio.abstain, ratio.unit, estimand=ratio.estimand)
        for name, ratio in wanted.items()
        if ratio.abstain is not None
    }
    if told:
        estimates |= _estimated(table, told, min_customers)
    return {name: estimates[name] for name in wanted}


def _estimated(
    table: ibis.Table, told: Mapping[str, Ratio], min_customers: int
) -> dict[str, Estimate]:
    flags: dict[str, Any] = {}
    for number, ratio in enumerate(told.values()):
        base = ratio.base.fill_null(False)
        flags[f"base{number}"] = base
        top = ratio.top.cast("int64").fill_null(0)
        flags[f"top{number}"] = base.ifelse(top, 0)
    rows = table.select("group", "customer_no", "journey", **flags)
    numbers = range(len(told))
    sums = {name: _[name].sum() for name in flags}
    # A journey is of one customer, and a customer of one group: one grouping after the other
    # counts them all, in one pass over `table`, which may be dear to work out.
    bits = sum(_[f"base{n}"].ifelse(1 << n, 0) for n in numbers)
    whole = {f"base{n}": _[f"base{n}"].cast("int64") for n in numbers}
    journeys = (
        rows.mutate(bits=bits.cast("int64"))
        .mutate(**whole)
        .group_by(["group", "customer_no", "journey"])
        .aggregate(bits=_.bits.bit_or(), **sums)
    )
    customers = journeys.group_by(["group", "customer_no"]).aggregate(
        some=_.bits.bit_or(),
        **{f"journeys{n}": (_.bits & (1 << n) != 0).sum() for n in numbers},
        **sums,
    )
    groups = fetch(
        customers.group_by("group").aggregate(
            **{f"customers{n}": (_.some & (1 << n) != 0).sum() for n in numbers},
            **{f"journeys{n}": _[f"journeys{n}"].sum() for n in numbers},
            **sums,
        )
    )
    estimates = {}
    for number, (name, ratio) in enumerate(told.items()):
        totals = np.zeros((GROUPS, 1, 2))
        totals[groups["group"], 0, 0] = groups[f"top{number}"].fillna(0)
        totals[groups["group"], 0, 1] = groups[f"base{number}"].fillna(0)
        estimates[name] = ratio_of_sums(
            totals,
            unit=ratio.unit,
            estimand=ratio.estimand,
            n_customers=int(groups[f"customers{number}"].sum()),
            n_journeys=int(groups[f"journeys{number}"].sum()),
            min_customers=min_customers,
        )
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
    return Estimate(
        value=float(result.value[0]),
        unit=unit,
        lo=float(result.lo[0]),
        hi=float(result.hi[0]),
        n_customers=n_customers,
        n_journeys=n_journeys,
        n_events=trials,
        estimand=estimand,
        method="ratio of sums, delete-a-group jackknife by customer",
    )
