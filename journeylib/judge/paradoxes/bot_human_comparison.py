"""Bots against people on the same matters, and plain shares, with customer-clustered intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import GROUPS, AbstainReason, Estimate, Floats, resample
from journeylib.journeys import sum_in_cells
from journeylib.log import MIN_CELL, bounded_share
from journeylib.measures import quotient

How = Literal["difference", "relative", "ratio"]
Column: TypeAlias = "npt.NDArray[Any] | pd.Series[Any] | int"
MATCHED = "the same intents on both sides, weighted as the first has them; jackknife by customer"


@dataclass(frozen=True)
class Estimand:
    """What is asked for: in words, in which unit, on how many customers at least.

    Attributes
    ----------
    text, unit : str
    min_customers : int
        Fewer on any side: ``n_small``.
    min_support : float
        Least share of the first side's base whose intents the other side has, too.
    assumptions : tuple of str
    scale : float
        The sums are this many times the unit.
    """

    text: str
    unit: str
    min_customers: int
    min_support: float = 0.5
    assumptions: tuple[str, ...] = ()
    scale: float = 1.0

    def none(self, reason: AbstainReason) -> Estimate:
        """Return the estimate that abstains for `reason`."""
        return Estimate.none(reason, self.unit, estimand=self.text)


def compare(
    rows: pd.DataFrame, top: Column, base: Column, how: How, estimand: Estimand
) -> Estimate:
    """Compare a ratio of sums between arm 1 and arm 0 within the same intents.

    Parameters
    ----------
    rows : pandas.DataFrame
        With ``group``, ``customer_no``, ``journey``, ``intent`` (a number; all of a log without
        intents have one), ``arm`` (1, 0 or below, which is left out).
    top, base : int or bool, one for all or one a row
        The ratio is the sum of `top` over the sum of `base`.
    how : {"difference", "relative", "ratio"}
        Arm 1 minus what arm 0 would show with the intents of arm 1; the same relative to it;
        or the one over the other.
    estimand : Estimand

    Returns
    -------
    Estimate
        Abstains with ``n_small`` where an arm has too few customers, ``no_overlap`` where the
        arms share too few intents, ``unidentified`` where a relative comparison is of nothing.

    Notes
    -----
    Direct standardisation: with sums *t*, *b* per intent *i* the expectation under arm 0 is
    Σ b₁ᵢ t₀ᵢ / b₀ᵢ. An intent counts where both arms have it; which ones do is taken as known.
    It matches on the intent alone: matters of one intent may still differ in difficulty.
    Intervals of relative figures are made on the logarithm.
    """
    taken = _taken(rows, top=top, base=base)
    matched = _matched(taken[taken["base"] > 0], estimand)
    if isinstance(matched, Estimate):
        return matched
    sums = _sums(taken, matched.intents, {"t": taken["top"], "b": taken["base"]})
    return _estimate(_compared(sums, how, matched.customers), sums[:, :, [1, 3]], matched, estimand)


def compare_spread(rows: pd.DataFrame, value: Column, estimand: Estimand) -> Estimate:
    """Compare the standard deviation of a value within the same intents, arm 1 over arm 0.

    Parameters
    ----------
    rows : pandas.DataFrame
        As of `compare`.
    value : int, one a row
        Small enough that the sum of its squares is exact.
    estimand : Estimand

    Returns
    -------
    Estimate
        A ratio. Abstains as `compare` does, and where one arm does not vary (``unidentified``).

    Notes
    -----
    With the share wᵢ of arm 1's rows in intent *i* and the variance sᵢ² within it, the spread of
    an arm is √Σ wᵢ sᵢ²: neither arm is charged for having other intents.
    """
    taken = _taken(rows, value=value, base=1)
    matched = _matched(taken, estimand)
    if isinstance(matched, Estimate):
        return matched
    own = taken["value"]
    sums = _sums(taken, matched.intents, {"n": taken["base"], "s": own, "q": own * own})
    shape = sums.shape[1:]

    def statistic(flat: Floats) -> Floats:
        n1, s1, q1, n0, s0, q0 = np.moveaxis(flat.reshape(*flat.shape[:-1], *shape), -1, 0)
        both = (n1 > 0) & (n0 > 0)

        def variance(n: Floats, s: Floats, q: Floats) -> Floats:
            apart = np.divide(q - s * s / np.maximum(n, 1), n, out=np.zeros_like(n), where=both)
            return np.asarray((n1 * apart).sum(axis=-1))

        own, other = variance(n1, s1, q1), variance(n0, s0, q0)
        varies = (own > 0) & (other > 0)
        ratio = np.divide(own, other, out=np.full_like(own, np.nan), where=varies)
        return np.asarray(0.5 * np.log(ratio))

    result = resample(sums.reshape(GROUPS, 1, -1), statistic, n_customers=[matched.customers])
    ends = [float(np.exp(x[0])) for x in (result.value, result.lo, result.hi)]
    return _estimate((ends[0], ends[1], ends[2]), sums[:, :, [0, 3]], matched, estimand)


@dataclass(frozen=True)
class _Matched:
    """The intents that both arms have, and whom they rest on."""

    intents: list[int]
    customers: int
    journeys: int


def _taken(rows: pd.DataFrame, **values: Column) -> pd.DataFrame:
    """Return the rows of both arms: whose, about what, and the `values` that are compared."""
    columns = ["group", "customer_no", "journey", "intent", "arm"]
    return rows[columns].assign(**values)[rows["arm"] >= 0].astype(dict.fromkeys(values, "int64"))


def _matched(based: pd.DataFrame, estimand: Estimand) -> _Matched | Estimate:
    """Find the intents that both arms have, or abstain."""
    per_arm = based.groupby(["intent", "arm"], as_index=False).agg(n=("base", "sum"))
    shared, support = _shared_intents(per_arm)
    of_shared = based[based["intent"].isin(shared)].groupby("arm")
    people = of_shared.agg(customers=("customer_no", "nunique"), journeys=("journey", "nunique"))
    everyone = based.groupby("arm")["customer_no"].nunique()
    fewest = everyone.min() if len(everyone) == 2 else 0
    if fewest < estimand.min_customers:
        return estimand.none("n_small")
    if not shared or support < estimand.min_support:
        return estimand.none("no_overlap")
    customers = int(people["customers"].min())
    if customers < estimand.min_customers:
        return estimand.none("n_small")
    return _Matched(shared, customers, int(people["journeys"].sum()))


def _estimate(
    ends: tuple[float, float, float], bases: Floats, matched: _Matched, estimand: Estimand
) -> Estimate:
    if not np.isfinite(ends).all():
        return estimand.none("unidentified")
    value, lo, hi = (end / estimand.scale for end in ends)
    return Estimate(
        value,
        estimand.unit,
        lo,
        hi,
        n_customers=matched.customers,
        n_journeys=matched.journeys,
        n_events=int(bases.sum()),
        estimand=estimand.text,
        method=MATCHED,
        assumptions=("matters of one intent are alike on both sides", *estimand.assumptions),
    )


def _shared_intents(per_arm: pd.DataFrame) -> tuple[list[int], float]:
    """Return the intents that both arms have, and their share of the base of arm 1."""
    arms = {arm: part.set_index("intent")["n"] for arm, part in per_arm.groupby("arm")}
    if set(arms) != {0, 1}:
        return [], 0.0
    shared = sorted(set(arms[0].index) & set(arms[1].index))
    return shared, float(arms[1].reindex(shared).sum() / arms[1].sum())


def _sums(rows: pd.DataFrame, intents: list[int], columns: dict[str, pd.Series[int]]) -> Floats:
    """Sum per group and intent: the columns of arm 1, then those of arm 0."""
    spot = pd.Index(intents).get_indexer(pd.Index(rows["intent"]))
    is_compared = spot >= 0
    first = np.where(rows["arm"] == 1, 0, len(columns))[is_compared]
    where = (rows["group"].to_numpy(dtype=np.int64)[is_compared], spot[is_compared])
    sums = np.zeros((GROUPS, len(intents), 2 * len(columns)), dtype=np.int64)
    for number, values in enumerate(columns.values()):
        np.add.at(sums, (*where, first + number), values.to_numpy(dtype=np.int64)[is_compared])
    return sums.astype(np.float64)


def _compared(sums: Floats, how: How, customers: int) -> tuple[float, float, float]:
    shape = sums.shape[1:]

    def statistic(flat: Floats) -> Floats:
        t1, b1, t0, b0 = np.moveaxis(flat.reshape(*flat.shape[:-1], *shape), -1, 0)
        # An intent that a resample has on one side only tells nothing in it.
        both = (b1 > 0) & (b0 > 0)
        rate = np.divide(t0, b0, out=np.zeros_like(t0), where=both)
        seen, expected = (t1 * both).sum(axis=-1), (b1 * rate).sum(axis=-1)
        if how == "difference":
            result: Floats = (seen - expected) / (b1 * both).sum(axis=-1)
            return result
        counted = (seen > 0) & (expected > 0)
        return np.asarray(
            np.log(
                np.divide(seen, expected, out=np.full_like(seen, np.nan), where=counted),
            )
        )

    result = resample(sums.reshape(GROUPS, 1, -1), statistic, n_customers=[customers])
    value, lo, hi = (float(a[0]) for a in (result.value, result.lo, result.hi))
    if how == "difference":
        return value, lo, hi
    less = 1.0 if how == "relative" else 0.0
    return tuple(float(np.exp(x)) - less for x in (value, lo, hi))  # type: ignore[return-value]


def share(rows: pd.DataFrame, top: Column, base: Column, estimand: Estimand) -> Estimate:
    """Return the share of the rows of `base` in which `top` holds.

    Parameters
    ----------
    rows : pandas.DataFrame
        With ``group``, ``customer_no``, ``journey``.
    top, base : bool, one for all or one a row
    estimand : Estimand
    """
    return shares(rows, {"only": top}, base, {"only": estimand})["only"]


def shares(
    rows: pd.DataFrame, tops: Mapping[str, Column], base: Column, estimands: dict[str, Estimand]
) -> dict[str, Estimate]:
    """Return several shares of one base."""
    flags = {f"top_{name}": top for name, top in tops.items()}
    taken = rows.assign(**flags)[np.broadcast_to(base, len(rows))]
    sums, people = group_totals(taken, list(flags))
    trials = sums[:, :, 0]
    return {
        name: share_of_sums(
            np.stack([sums[:, :, number], trials], axis=-1), people, estimands[name]
        )
        for number, name in enumerate(tops, start=1)
    }


def group_totals(rows: pd.DataFrame, columns: Sequence[str] = ()) -> tuple[Floats, dict[str, int]]:
    """Return sums of shape (groups, 1, 1 + columns), rows first, and customers and journeys."""
    sums = np.zeros((GROUPS, 1, 1 + len(columns)))
    group = rows["group"].to_numpy(dtype=np.int64)
    sums[:, 0, 0] = np.bincount(group, minlength=GROUPS)
    for number, name in enumerate(columns, start=1):
        amount = rows[name].to_numpy(dtype=np.int64)
        sums[:, 0, number] = sum_in_cells(group, amount, GROUPS)
    return sums, people_of(rows)


def people_of(rows: pd.DataFrame) -> dict[str, int]:
    """Count the customers and journeys of rows."""
    return {"customers": rows["customer_no"].nunique(), "journeys": rows["journey"].nunique()}


def share_of_sums(
    sums: Floats,
    people: dict[str, int],
    estimand: Estimand,
    *,
    statistic: Callable[[Floats], Floats] | None = None,
    trials: int | None = None,
) -> Estimate:
    """Return a share from sums of shape (groups, 1, k).

    Without a `statistic` these are hits and trials. `trials` is asked for where they are not the
    last of the sums.
    """
    trials = int(sums[:, 0, -1].sum()) if trials is None else trials
    if people["customers"] < estimand.min_customers:
        return estimand.none("n_small")
    result = resample(
        sums,
        statistic or quotient,
        share=True,
        n_customers=[people["customers"]],
        n_trials=[trials],
    )
    share = Estimate(
        float(result.value[0]),
        estimand.unit,
        float(result.lo[0]),
        float(result.hi[0]),
        n_customers=people["customers"],
        n_journeys=people["journeys"],
        n_events=trials,
        estimand=estimand.text,
        method="share, Wilson's interval on the effective sample size, clustered by customer",
        assumptions=estimand.assumptions,
    )
    few = min(estimand.min_customers, MIN_CELL)
    return bounded_share(share, float(result.value[0]) * trials, trials, minimum=few)


def largest_of_last(totals: Floats) -> Floats:
    """Return the largest of all sums but the last, over the last."""
    result: npt.NDArray[np.float64] = totals[..., :-1].max(axis=-1) / totals[..., -1]
    return result
