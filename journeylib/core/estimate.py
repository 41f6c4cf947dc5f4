"""Estimate: a number that says how sure it is, or why it does not say a number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from journeylib.core.catalogue.catalogue import estimate_text

LEVEL = 0.95

Grade = Literal["A", "B", "C", "D"]
AbstainReason = Literal[
    "n_small",
    "no_overlap",
    "censoring_heavy",
    "immature_window",
    "unidentified",
    "ci_too_wide",
    "quality_gate",
    "privacy",
    "dominance",
    "no_column",
    "no_clock",
    "not_served",
]


@dataclass(frozen=True)
class Estimate:
    """One number with its unit, interval, base and grade, or the reason for abstaining.

    Attributes
    ----------
    value, lo, hi : float or None
        Point and interval at `level`; all None where the estimate abstains.
    unit : str
        ``"share"``, ``"seconds"``, ``"1/week"``, ``"steps"``, ``"points"`` …
    n_customers, n_journeys, n_events : int
        What the number rests on.
    grade : {"A", "B", "C", "D"}
        A randomised, B adjusted with its checks passed, C association, D assumption.
    abstain : str or None
        Why there is no number; one of `AbstainReason`.
    estimand, method : str
        What is estimated, in words, and how.
    assumptions : tuple of str
        What must hold for the number to mean what it says.
    level : float
        Coverage that the interval aims at.
    """

    value: float | None
    unit: str
    lo: float | None = None
    hi: float | None = None
    n_customers: int = 0
    n_journeys: int = 0
    n_events: int = 0
    grade: Grade = "C"
    abstain: AbstainReason | None = None
    estimand: str = ""
    method: str = ""
    assumptions: tuple[str, ...] = ()
    level: float = LEVEL

    def __post_init__(self) -> None:
        """Refuse the two impossible states: a number beside a reason, and neither."""
        if (self.value is None) == (self.abstain is None):
            raise ValueError("an estimate has either a value or a reason for abstaining")

    @classmethod
    def none(cls, reason: AbstainReason, unit: str, **fields: Any) -> Estimate:
        """Return an estimate that abstains for `reason`."""
        return cls(value=None, unit=unit, abstain=reason, **fields)

    def to_dict(self) -> dict[str, Any]:
        """Return the form that `audit.json` holds, rounded to six significant digits."""
        return {
            "value": rounded(self.value),
            "lo": rounded(self.lo),
            "hi": rounded(self.hi),
            "unit": self.unit,
            "n_customers": self.n_customers,
            "n_journeys": self.n_journeys,
            "grade": self.grade,
            "abstain": self.abstain,
        }

    def __str__(self) -> str:
        return estimate_text(self)


def rounded(value: float | None, digits: int = 6) -> float | None:
    """Round to significant digits, so that the last bits of a sum never show.

    Examples
    --------
    >>> rounded(0.123456789), rounded(123456789.0), rounded(None)
    (0.123457, 123457000.0, None)
    """
    if value is None or not math.isfinite(value):
        return None
    number = float(f"{value:.{digits}g}")
    return 0.0 if number == 0 else number
