"""Design of an experiment: how many customers, how small a difference, with what power."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

ALPHA = 0.05
POWER = 0.80


@dataclass(frozen=True)
class Design:
    """What a test of one difference is planned with.

    Attributes
    ----------
    alpha : float
        Error of the first kind, over both sides unless `one_sided`.
    power : float
        Chance to find the difference that is there.
    share : float
        Share of customers in the new arm.
    inflation : float
        Factor for several looks; 1 for one look.
    correlation : float
        Of the measure with the covariate known before; 0 where nothing is adjusted.
    one_sided : bool
    """

    alpha: float = ALPHA
    power: float = POWER
    share: float = 0.5
    inflation: float = 1.0
    correlation: float = 0.0
    one_sided: bool = False

    @property
    def factor(self) -> float:
        """Squared sum of the two quantiles, with what looks add and adjusting takes off."""
        tail = self.alpha if self.one_sided else self.alpha / 2
        z = special.ndtri(self.power) - special.ndtri(tail)
        return float(z**2 * self.inflation * (1 - self.correlation**2))


def share_variance(share: float) -> float:
    """Return the variance of one customer's yes or no."""
    return share * (1 - share)


def customers_needed(
    difference: float, variances: tuple[float, float], design: Design | None = None
) -> tuple[int, int]:
    """Return the customers of the control arm and of the new arm that a test needs.

    Parameters
    ----------
    difference : float
        The smallest difference worth finding.
    variances : (float, float)
        Variance of one customer's value in the control arm and in the new arm.
    design : Design, optional

    Notes
    -----
    With even shares each arm needs (z₁₋α/₂ + z₁₋β)² (σ_A² + σ_B²) / δ².

    Examples
    --------
    >>> customers_needed(0.03, (share_variance(0.60), share_variance(0.63)))
    (4126, 4126)
    """
    design = design or Design()
    control, new = variances
    total = design.factor * (control / (1 - design.share) + new / design.share) / difference**2
    return math.ceil(total * (1 - design.share)), math.ceil(total * design.share)


def smallest_difference(
    customers: float, variances: tuple[float, float], design: Design | None = None
) -> float:
    """Return the smallest difference that so many customers of both arms find.

    Examples
    --------
    >>> even = (share_variance(0.6), share_variance(0.6))
    >>> [round(100 * smallest_difference(4 * week, even), 1) for week in (500, 2000, 10000)]
    [6.1, 3.1, 1.4]
    """
    if customers <= 0:
        return math.inf
    design = design or Design()
    control, new = variances
    variance = control / (1 - design.share) + new / design.share
    return math.sqrt(design.factor * variance / customers)


def power_each(power: float, guardrails: int) -> float:
    """Return the power that primary and guardrails each need to pass together.

    Notes
    -----
    1 − β / (G + 1): by Bonferroni all G + 1 tests pass together at least as often as `power`
    (after Schultzberg, Ankargren and Frånberg 2024).

    Examples
    --------
    >>> power_each(0.80, 3)
    0.95
    """
    return 1 - (1 - power) / (guardrails + 1)
