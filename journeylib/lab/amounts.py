"""How the lab writes numbers: levels, changes and days."""

from __future__ import annotations

import datetime as dt
import math


def level(value: float, unit: str) -> str:
    """Return a level of a measure.

    Examples
    --------
    >>> level(0.6123, "share"), level(3.25, "min"), level(float("nan"), "share")
    ('61.2 %', '3.25 min', 'unknown')
    """
    if not math.isfinite(value):
        return "unknown"
    return f"{100 * value:.1f} %" if unit == "share" else f"{value:.3g} {unit}"


def change(value: float, unit: str) -> str:
    """Return a change with its sign; of a share in percentage points.

    Examples
    --------
    >>> change(0.03, "share"), change(-0.77, "min"), change(0.0004, "share")
    ('+3.0 points', '−0.77 min', '+0.04 points')
    """
    if not math.isfinite(value):
        return "unknown"
    sign = "−" if value < 0 else "+"
    size = abs(100 * value) if unit == "share" else abs(value)
    if unit == "share":
        text = f"{size:.2f}" if 0 < size < 0.095 else f"{size:.1f}"
        return f"{sign}{text} points"
    return f"{sign}{size:.2f} {unit}" if size < 10 else f"{sign}{size:.3g} {unit}"


def span(lo: float, hi: float, unit: str) -> str:
    """Return an interval of changes.

    Examples
    --------
    >>> span(0.012, 0.048, "share")
    '+1.2 to +4.8 points'
    """
    if not (math.isfinite(lo) and math.isfinite(hi)):
        return "unknown"
    first, last = change(lo, unit), change(hi, unit)
    return f"{first.rsplit(' ', 1)[0]} to {last}"


def count(number: float) -> str:
    """Return a count with thousands separated.

    Examples
    --------
    >>> count(41260)
    '41,260'
    """
    return f"{number:,.0f}"


def some(number: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> some(1, "week"), some(3, "week")
    ('1 week', '3 weeks')
    """
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def date(begins: dt.date, day: int) -> dt.date:
    """Return the date of a day that is counted from the beginning."""
    return begins + dt.timedelta(days=day)
