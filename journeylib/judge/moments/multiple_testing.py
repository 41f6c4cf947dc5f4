"""Moments of truth: which effects of the whole family survive every test that is put to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from journeylib.core import (
    Estimate,
    Floats,
    RunError,
    abstain_text,
    adjusted_p_values,
    number,
    text,
)
from journeylib.judge.moments.effect import VisitEffect

FALSE_DISCOVERIES = 0.10
MARGIN = 0.02
FRAGILE = 1.25

COLUMNS = (
    *("touchpoint", "outcome", "effect", "naive", "adjusted", "p_value", "q_value"),
    *("q_value_dependent", "shrunken", "e_value", "n_customers", "is_moment", "grade", "reasons"),
)


def decide(
    family: Sequence[VisitEffect],
    *,
    q: float = FALSE_DISCOVERIES,
    margin: float = MARGIN,
    min_e_value: float = FRAGILE,
) -> pd.DataFrame:
    """Decide which touchpoints are moments of truth.

    Parameters
    ----------
    family : sequence of VisitEffect
        Every touchpoint × outcome that was looked at, also those that came to nothing: leaving
        them out would hide how many chances there were to be lucky.
    q : float
        Share of false discoveries that is accepted.
    margin : float
        Smallest difference that matters, in the unit of the outcome (0.02 = 2 points).
    min_e_value : float
        Below it, a weak hidden confounder would explain the effect away.

    Returns
    -------
    DataFrame
        One row per effect, in the order given: `touchpoint`, `outcome` (str); `effect`,
        `naive`, `adjusted` (Estimate); `p_value`, `q_value` (Benjamini–Hochberg),
        `q_value_dependent` (Benjamini–Yekutieli), `shrunken` (float, NaN where the effect
        abstains); `e_value` (float), `n_customers` (int), `is_moment` (bool), `grade` (str),
        `reasons` (tuple of str: what speaks against it; empty for a sound moment).

    Raises
    ------
    RunError
        Where `q` or `margin` is out of range.

    Notes
    -----
    A moment of truth: rejected by Benjamini–Hochberg over the family, interval beyond the
    margin, at least 200 customers with 30 in each arm and outcome, the same sign in the
    held-out half, E-value of the limit at least `min_e_value`, and no falsification check
    failed. Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57,
    289–300; Benjamini and Yekutieli (2001), Annals of Statistics 29, 1165–1188.
    """
    if not 0 < q < 1 or margin < 0:
        raise RunError(f"q must be between 0 and 1 and margin at least 0; got {q} and {margin}")
    p = np.array([np.nan if e.p_value is None else e.p_value for e in family])
    q_bh, q_by = adjusted_p_values(p, "fdr_bh"), adjusted_p_values(p, "fdr_by")
    shrunk = shrink(family)
    rows = []
    for i, one in enumerate(family):
        against = _objections(one, float(q_bh[i]), q, margin, min_e_value)
        rows.append(
            (
                *(one.touchpoint, one.outcome, one.effect, one.naive, one.adjusted),
                *(p[i], q_bh[i], q_by[i], shrunk[i], one.e_value, one.effect.n_customers),
                *(not against, one.grade, tuple(dict.fromkeys([*against, *one.reasons]))),
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def shrink(family: Sequence[VisitEffect]) -> Floats:
    """Pull effects towards zero by as much as their family says is noise.

    Returns
    -------
    ndarray of float64
        NaN where an effect abstains. For ranking: the largest of many noisy effects is too
        large, these are not.

    Notes
    -----
    Empirical Bayes, normal–normal: ψ·τ²/(τ² + se²), τ² = max(0, mean(ψ² − se²)), apart for
    each unit. Towards zero, not the family's mean: outcomes point in different directions.
    """
    value = np.array([np.nan if e.effect.value is None else e.effect.value for e in family])
    se = np.array([np.nan if e.se is None else e.se for e in family])
    result = np.full(len(value), np.nan)
    units = np.array([e.effect.unit for e in family])
    for unit in np.unique(units):
        rows = (units == unit) & np.isfinite(value) & np.isfinite(se)
        if rows.any():
            spread = max(0.0, float((value[rows] ** 2 - se[rows] ** 2).mean()))
            noise = spread + se[rows] ** 2
            result[rows] = value[rows] * np.divide(
                spread, noise, out=np.zeros_like(noise), where=noise > 0
            )
    return result


def impact(effect: VisitEffect, journeys_per_year: float) -> Estimate:
    """Return how many journeys a year would end otherwise if every bad visit went well.

    Parameters
    ----------
    effect : VisitEffect
        Of a 0/1 outcome.
    journeys_per_year : float
        Journeys that reach the touchpoint.
    """
    estimate = effect.effect
    base: dict[str, Any] = {"n_customers": estimate.n_customers, "n_journeys": estimate.n_journeys}
    if estimate.value is None or estimate.lo is None or estimate.hi is None:
        return Estimate.none(estimate.abstain or "unidentified", "journeys/year", **base)
    bad = effect.n_bad / (effect.n_good + effect.n_bad) * journeys_per_year
    limits = sorted((abs(estimate.lo) * bad, abs(estimate.hi) * bad))
    covers_zero = estimate.lo <= 0 <= estimate.hi
    return Estimate(
        value=abs(estimate.value) * bad,
        unit="journeys/year",
        lo=0.0 if covers_zero else limits[0],
        hi=limits[1],
        grade=estimate.grade,
        estimand="journeys a year that would end otherwise if every bad visit went well",
        method="effect × bad visits a year",
        assumptions=estimate.assumptions,
        **base,
    )


def asymmetry(bad: VisitEffect, good: VisitEffect) -> Estimate:
    """Return how much more a bad visit costs than a good one brings, both against neutral.

    Parameters
    ----------
    bad : VisitEffect
        Neutral against bad visits (what is lost).
    good : VisitEffect
        Good against neutral visits (what is won).

    Returns
    -------
    Estimate
        The ratio, unit ``"ratio"``; above 1 where bad visits weigh more. Abstains with
        ``unidentified`` where the gain is not told apart from 0: the ratio has no bound then.

    Notes
    -----
    Interval by Fieller (1954), Journal of the Royal Statistical Society B 16, 175–185, with the
    covariance of the two effects from what each customer moves both by: they share the neutral
    visits, with opposite signs.
    """
    from scipy import special

    lost, won = bad.effect, good.effect
    base: dict[str, Any] = {"n_customers": min(lost.n_customers, won.n_customers)}
    if lost.value is None or won.value is None or bad.se is None or good.se is None:
        return Estimate.none(lost.abstain or won.abstain or "unidentified", "ratio", **base)
    z = float(special.ndtri(0.975))
    g = (z * good.se / won.value) ** 2 if won.value else np.inf
    if g >= 1:
        return Estimate.none("unidentified", "ratio", **base)
    ratio = lost.value / won.value
    shared = _covariance(bad, good)
    slope = shared / good.se**2 if good.se > 0 else 0.0
    rest = bad.se**2 - slope * shared  # of the loss, what the gain does not explain
    spread = bad.se**2 - 2 * ratio * shared + ratio**2 * good.se**2 - g * rest
    half = z / abs(won.value) * np.sqrt(max(spread, 0.0))
    return Estimate(
        value=ratio,
        unit="ratio",
        lo=float((ratio - g * slope - half) / (1 - g)),
        hi=float((ratio - g * slope + half) / (1 - g)),
        grade="B" if bad.grade == good.grade == "B" else "C",
        estimand="loss of a bad visit over gain of a good one, both against a neutral one",
        method="ratio of AIPW effects, Fieller's interval",
        **base,
    )


def _covariance(one: VisitEffect, other: VisitEffect) -> float:
    """Return the customer-clustered covariance of two effects.

    The sum is exact, so that the order of customers, which is that of their names, moves no bit.
    """
    both = [
        move * other.influence[who] for who, move in one.influence.items() if who in other.influence
    ]
    most = float(one.se or 0.0) * float(other.se or 0.0)
    return float(np.clip(math.fsum(both), -most, most))


def _objections(
    one: VisitEffect, q_value: float, q: float, margin: float, min_e_value: float
) -> list[str]:
    """List what speaks against calling it a moment of truth."""
    effect = one.effect
    if effect.value is None or effect.lo is None or effect.hi is None:
        return [abstain_text(str(effect.abstain))]
    against = [check.text for check in one.checks if check.state == "failed"]
    if not q_value <= q:
        return [text("judge.moment.by_chance", q=number(q_value, 2)), *against]
    if not (effect.lo > margin or effect.hi < -margin):
        against.append(text("judge.moment.small", margin=margin))
    if one.early is None or one.late is None or one.early * one.late <= 0:
        against.append(text("judge.moment.halves"))
    if one.e_value < min_e_value:
        against.append(text("judge.moment.fragile", e=number(one.e_value, 2)))
    return against
