"""Estimates as people say them: the number, and its ends rounded alike."""

from __future__ import annotations

from journeylib.core import Estimate
from journeylib.judge.wording import number


def spoken(estimate: Estimate, *, signed: bool = False) -> tuple[str, str, str]:
    """Return point, lower and upper end of an estimate that has them; shares in hundredths.

    Examples
    --------
    >>> spoken(Estimate(0.12, "share", 0.084, 0.155), signed=True)
    ('+12', '+8', '+16')
    >>> spoken(Estimate(-0.031, "share", -0.05, 0.0))
    ('−3.1', '−5.0', '0')
    """
    scale = 100 if estimate.unit == "share" else 1
    ends = [scale * (x or 0.0) for x in (estimate.value, estimate.lo, estimate.hi)]
    decimals = 0 if abs(ends[0]) >= 10 else 1 if scale == 100 else 2
    # What never happened is no number that was rounded.
    value, lo, hi = (_signed(number(x, decimals), signed) if x else "0" for x in ends)
    return value, lo, hi


def threshold_spoken(threshold: float, unit: str, *, signed: bool = False) -> str:
    """Return a threshold as it is written, in the unit of the estimate it is for.

    Examples
    --------
    >>> threshold_spoken(0.05, "share", signed=True), threshold_spoken(-0.1, "points")
    ('+5', '−0.1')
    """
    written = f"{100 * threshold if unit == 'share' else threshold:.6g}"
    return _signed(written.replace("-", "−"), signed)


def _signed(text: str, signed: bool) -> str:
    return f"+{text}" if signed and text.strip("0.,") and not text.startswith("−") else text
