"""Figures in sentences: the number and its ends, rounded alike, in the language in use."""

from __future__ import annotations

from journeylib.core import number, percent


def rounded_alike(
    value: float, lo: float, hi: float, unit: str, *, signed: bool = False
) -> tuple[str, str, str]:
    """Write a figure and the ends of its interval without their unit; shares in hundredths.

    Examples
    --------
    >>> rounded_alike(0.12, 0.084, 0.155, "share", signed=True)
    ('+12', '+8', '+16')
    >>> rounded_alike(-0.031, -0.05, 0.0, "share"), rounded_alike(0.0002, 0, 0.001, "share")
    (('−3.1', '−5.0', '0'), ('under 0.1', '0', '0.1'))
    >>> rounded_alike(1240.2, 980, 1500, "min/week")
    ('1,240', '980', '1,500')
    >>> rounded_alike(0.0, 0.0, 0.0, "min/week")
    ('0', '0', '0')
    """
    share = unit == "share"
    size = abs(100 * value if share else value)
    whole = value == lo == hi == round(value)
    decimals = 0 if size >= 10 or whole else 1 if share else 2

    def written(x: float) -> str:
        if share and x >= 0:
            return with_sign(percent(x, decimals, sign=False), x if signed else 0)
        return with_sign(number(100 * x if share else x, decimals), x if signed else 0)

    return written(value), written(lo), written(hi)


def threshold_text(threshold: float, unit: str, *, signed: bool = False) -> str:
    """Write a threshold as it was given, in the unit of the figure it is for.

    Examples
    --------
    >>> threshold_text(0.05, "share", signed=True), threshold_text(-0.1, "points")
    ('+5', '−0.1')
    """
    value = 100 * threshold if unit == "share" else threshold
    digits = len(f"{value:.6g}".partition(".")[2])
    return with_sign(number(value, digits), value if signed else 0)


def with_sign(written: str, value: float) -> str:
    """Put a plus before a number above 0 that shows at least one digit but 0."""
    return f"+{written}" if value > 0 and written[0].isdigit() and written.strip("0.,") else written
