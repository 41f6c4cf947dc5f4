"""Bots against people on the same matters, and plain shares, with customer-clustered intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from journeylib.core import GROUPS, AbstainReason, Estimate, Floats, Resampled, resample
from journeylib.journeys import base_in_cells, count_neighbours, sum_in_cells
from journeylib.judge.paradoxes.rows import Column, Numbers, Rows
from journeylib.log import MIN_CELL, bounded_share
from journeylib.measures import quotient

How = Literal["difference", "relative", "ratio"]
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


def compare(rows: Rows, top: Column, base: Column, how: How, estimand: Estimand) -> Estimate:
    """Compare a ratio of sums between arm 1 and arm 0 within the same intents.

    Parameters
    ----------
    rows : Rows
        With ``group`` (int64), ``customer_no``, ``journey``, ``intent`` (a number; −1 of those
        without one, which are compared as well), ``arm`` (1, 0 or below, which is left out).
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
    matched = _matched(rows, base, (top,), estimand)
    if isinstance(matched, Estimate):
        return matched
    return _estimate(_compared(matched, how), matched, estimand)


def compare_spread(rows: Rows, value: Numbers, estimand: Estimand) -> Estimate:
    """Compare the standard deviation of a value within the same intents, arm 1 over arm 0.

    Parameters
    ----------
    rows : Rows
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
    matched = _matched(rows, 1, (value, value * value), estimand)
    if isinstance(matched, Estimate):
        return matched
    shape = matched.sums.shape[1:]

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

    result = matched.resample(statistic)
    point, lo, hi = (float(np.exp(x[0])) for x in (result.value, result.lo, result.hi))
    return _estimate((point, lo, hi), matched, estimand)


@dataclass(frozen=True)
class _Matched:
    """Sums within the intents that both arms have, and whom they rest on.

    Attributes
    ----------
    sums : ndarray of float64, shape (groups, intents, 2 × columns)
        Of arm 1, then of arm 0: the base, then what is compared.
    customers : int
        Of the arm with fewer.
    journeys : int
        Of both arms.
    """

    sums: Floats
    customers: int
    journeys: int

    def resample(self, statistic: Callable[[Floats], Floats]) -> Resampled:
        """Estimate a statistic of all sums as one row."""
        return resample(self.sums.reshape(GROUPS, 1, -1), statistic, n_customers=[self.customers])


def _matched(
    rows: Rows, base: Column, compared: tuple[Column, ...], estimand: Estimand
) -> _Matched | Estimate:
    """Sum whole numbers within the intents that both arms have, or abstain."""
    # The first of the intents is that of rows without one.
    arm, intent = rows["arm"], rows["intent"] + 1
    intents = int(intent.max(initial=0)) + 1
    cell = np.where(arm >= 0, (rows["group"] * intents + intent) * 2 + 1 - arm, -1)
    sums = _sums(cell, (base, *compared), GROUPS * intents * 2).reshape(GROUPS, intents, 2, -1)
    bases = sums[..., 0].sum(axis=0)
    shared = (bases > 0).all(axis=1)
    based = np.where(np.broadcast_to(base, len(rows)) > 0, arm, -1)
    units = rows["journey"], rows["customer_no"]
    if base_in_cells(based, *units, 2).customers.min() < estimand.min_customers:
        return estimand.none("n_small")
    if not shared.any() or bases[shared, 0].sum() / bases[:, 0].sum() < estimand.min_support:
        return estimand.none("no_overlap")
    people = base_in_cells(np.where(shared[intent], based, -1), *units, 2)
    customers, journeys = int(people.customers.min()), int(people.journeys.sum())
    if customers < estimand.min_customers:
        return estimand.none("n_small")
    return _Matched(sums[:, shared].reshape(GROUPS, int(shared.sum()), -1), customers, journeys)


def _sums(cell: Numbers, columns: Iterable[Column], cells: int) -> Floats:
    """Sum whole numbers in cells, shape (cells, columns); cells below 0 are none."""
    amounts = (np.broadcast_to(column, len(cell)).astype(np.int64) for column in columns)
    return np.stack([sum_in_cells(cell, amount, cells) for amount in amounts], axis=-1).astype(
        np.float64
    )


def _estimate(ends: tuple[float, float, float], matched: _Matched, estimand: Estimand) -> Estimate:
    if not np.isfinite(ends).all():
        return estimand.none("unidentified")
    value, lo, hi = (end / estimand.scale for end in ends)
    columns = matched.sums.shape[2] // 2
    return Estimate(
        value,
        estimand.unit,
        lo,
        hi,
        n_customers=matched.customers,
        n_journeys=matched.journeys,
        n_events=int(matched.sums[:, :, ::columns].sum()),
        estimand=estimand.text,
        method=MATCHED,
        assumptions=("matters of one intent are alike on both sides", *estimand.assumptions),
    )


def _compared(matched: _Matched, how: How) -> tuple[float, float, float]:
    shape = matched.sums.shape[1:]

    def statistic(flat: Floats) -> Floats:
        b1, t1, b0, t0 = np.moveaxis(flat.reshape(*flat.shape[:-1], *shape), -1, 0)
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

    result = matched.resample(statistic)
    value, lo, hi = (float(a[0]) for a in (result.value, result.lo, result.hi))
    if how == "difference":
        return value, lo, hi
    less = 1.0 if how == "relative" else 0.0
    return tuple(float(np.exp(x)) - less for x in (value, lo, hi))  # type: ignore[return-value]


def share(rows: Rows, top: Numbers, base: Column, estimand: Estimand) -> Estimate:
    """Return the share of the rows of `base` in which `top` holds.

    Parameters
    ----------
    rows : Rows
        With ``group`` (int64), ``customer_no``, ``journey``.
    top, base : bool, one a row; `base` may be one for all
    estimand : Estimand
    """
    return shares(rows, {"only": top}, base, {"only": estimand})["only"]


def shares(
    rows: Rows, tops: Mapping[str, Numbers], base: Column, estimands: Mapping[str, Estimand]
) -> dict[str, Estimate]:
    """Return several shares of one base."""
    own = np.flatnonzero(np.broadcast_to(base, len(rows)))
    sums, people = group_totals(rows.where(own), *(top[own] for top in tops.values()))
    return {
        name: share_of_sums(sums[:, :, [number, 0]], people, estimands[name])
        for number, name in enumerate(tops, start=1)
    }


def group_totals(rows: Rows, *columns: Numbers) -> tuple[Floats, dict[str, int]]:
    """Return sums of shape (groups, 1, 1 + columns), rows first, and customers and journeys."""
    return _sums(rows["group"], (1, *columns), GROUPS)[:, None], people_of(rows)


def people_of(rows: Rows) -> dict[str, int]:
    """Count the customers and journeys of rows."""
    units = {"customers": "customer_no", "journeys": "journey"}
    return {name: count_neighbours(rows[unit]) for name, unit in units.items()}


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
