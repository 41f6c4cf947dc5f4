"""Differences between two arms: customers as clusters, adjusted by what was known, by stage."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from journeylib.core import LogError

Floats = NDArray[np.float64]
MESSAGES = {
    "later": "the covariate of {count} customers was measured at or after their first exposure: "
    "it may hold the effect itself. Use what was known before, or leave 'before' out.",
    "undated": "the covariate of {count} customers has no time, so nobody can tell whether it was "
    "known before the first exposure. Give it a time, or leave 'before' out.",
}


@dataclass(frozen=True)
class Arm:
    """Values of the customers of one arm.

    Attributes
    ----------
    top, base : ndarray of float64, shape (customers,)
        The measure of the arm is the sum of `top` over the sum of `base`; a base of 1 for each
        customer makes it a mean.
    before : ndarray of float64 or None
        A covariate known before the first exposure; NaN where a customer has none.
    """

    top: Floats
    base: Floats
    before: Floats | None = None

    @property
    def customers(self) -> int:
        """Number of customers."""
        return len(self.top)


@dataclass(frozen=True)
class Difference:
    """New arm minus control arm.

    Attributes
    ----------
    value, variance : float
        NaN where it cannot be estimated.
    control, new : float
        The measure of each arm, adjusted where there is a covariate.
    customers : (int, int)
    new_variance : float
        Of the measure of the new arm.
    """

    value: float
    variance: float
    control: float
    new: float
    customers: tuple[int, int]
    new_variance: float = math.nan

    @property
    def error(self) -> float:
        """Standard error."""
        return math.sqrt(self.variance) if self.variance >= 0 else math.nan


def ratio_variance(top: ArrayLike, base: ArrayLike) -> tuple[float, float]:
    """Return a ratio of sums over customers, and the variance of one customer's share in it.

    Returns
    -------
    ratio, variance : float
        The variance of the ratio is `variance` divided by the number of customers.

    Notes
    -----
    Delta method: R = Σx / Σm, Var(R) ≈ Σ(x − R m)² / (Σm)², with n / (n − 1) (Deng, Knoblich
    and Lu 2018).
    """
    x, m = np.asarray(top, dtype=np.float64), np.asarray(base, dtype=np.float64)
    n, total = len(x), m.sum()
    if n < 2 or total <= 0:
        return math.nan, math.nan
    ratio = x.sum() / total
    residual = x - ratio * m
    return float(ratio), float((residual**2).sum() * n**2 / (n - 1) / total**2)


def check_known_before(measured: ArrayLike, exposed: ArrayLike) -> None:
    """Refuse a covariate that may hold the effect itself.

    Parameters
    ----------
    measured, exposed : array of float
        When the covariate was measured and when the customer was first exposed; NaN: unknown.

    Raises
    ------
    LogError
        If a covariate has no time, or one that does not lie before the first exposure.
    """
    at, first = np.asarray(measured, dtype=np.float64), np.asarray(exposed, dtype=np.float64)
    if count := int(np.isnan(at).sum()):
        raise LogError(MESSAGES["undated"].format(count=count))
    if count := int((at >= first).sum()):
        raise LogError(MESSAGES["later"].format(count=count))


def adjusted(control: Arm, new: Arm) -> tuple[Arm, Arm]:
    """Take off what the covariate explains (CUPED).

    Returns
    -------
    (Arm, Arm)
        `top` is the measure's linear part, base 1: y − θ (x − x̄), with θ pooled over the arms.

    Notes
    -----
    Deng et al. (2013). Of a ratio, y is its linear part around the ratio of each arm. A customer
    without a covariate gets the mean, which changes nothing.
    """
    if control.before is None or new.before is None:
        return control, new
    before = np.concatenate([control.before, new.before])
    has_before = np.isfinite(before)
    mean = before[has_before].mean() if has_before.any() else 0.0
    x = np.where(has_before, before, mean) - mean
    linear = [_linear(control), _linear(new)]
    y = np.concatenate(linear)
    y = y - y.mean()
    theta = (x * y).sum() / (x**2).sum() if (x**2).sum() > 0 else 0.0
    cut = control.customers
    return tuple(  # type: ignore[return-value]
        Arm(values - theta * part, np.ones(len(values)))
        for values, part in zip(linear, (x[:cut], x[cut:]), strict=True)
    )


def _linear(arm: Arm) -> Floats:
    """Return a value per customer whose mean is the arm's ratio and whose variance is its own."""
    total = arm.base.sum()
    if total <= 0:
        return np.full(arm.customers, np.nan)
    ratio = arm.top.sum() / total
    return np.asarray(ratio + (arm.top - ratio * arm.base) * arm.customers / total)


def difference(control: Arm, new: Arm, *, share: bool = False) -> Difference:
    """Estimate new minus control, with customers as clusters, adjusted where there is a covariate.

    Parameters
    ----------
    control, new : Arm
    share : bool
        The measure is a share. An arm whose customers are all alike, none or all of them, has the
        variance of one with a case of each kind more (Agresti and Caffo 2000): what nobody of
        500 did, somebody of the next may do.

    Examples
    --------
    >>> yes, no = np.ones(60), np.zeros(40)
    >>> a = Arm(np.concatenate([yes, no]), np.ones(100))
    >>> b = Arm(np.concatenate([yes, yes[:3], no[:37]]), np.ones(100))
    >>> found = difference(a, b)
    >>> round(found.value, 3), round(found.error, 4)
    (0.03, 0.0691)
    """
    one, other = adjusted(control, new)
    a, b = ratio_variance(one.top, one.base), ratio_variance(other.top, other.base)
    counts = (control.customers, new.customers)
    if share:
        a, b = _of_share(a, counts[0]), _of_share(b, counts[1])
    own = a[1] / max(counts[0], 1), b[1] / max(counts[1], 1)
    return Difference(b[0] - a[0], sum(own), a[0], b[0], counts, own[1])


def _of_share(estimated: tuple[float, float], customers: int) -> tuple[float, float]:
    """Return a share and its variance, which is not 0 where it is none or all."""
    ratio, variance = estimated
    if variance == 0 and ratio in (0.0, 1.0):
        variance = (customers + 1) / (customers + 2) ** 2
    return ratio, variance


def pooled(stages: Iterable[Difference]) -> Difference:
    """Pool the differences of stages with other shares by inverse variance.

    A stage in which one arm is too small to have a variance is left out. Where that leaves none,
    the customers are counted and nothing is estimated.

    Notes
    -----
    Counts must not be added up over stages: where shares and the base change together, the
    sum shows a difference that no stage has (Crook et al. 2009).
    """
    stages = list(stages)
    usable = [one for one in stages if math.isfinite(one.variance) and one.variance > 0]
    if not usable:
        control, new = (sum(one.customers[arm] for one in stages) for arm in (0, 1))
        return Difference(math.nan, math.nan, math.nan, math.nan, (control, new))
    weights = np.array([1 / one.variance for one in usable])
    share = weights / weights.sum()

    def mean(values: list[float]) -> float:
        return float((share * np.array(values)).sum())

    return Difference(
        mean([one.value for one in usable]),
        float(1 / weights.sum()),
        mean([one.control for one in usable]),
        mean([one.new for one in usable]),
        (sum(one.customers[0] for one in usable), sum(one.customers[1] for one in usable)),
        float((share**2 * np.array([one.new_variance for one in usable])).sum()),
    )
