"""How the lab writes numbers: levels, changes and days."""

from __future__ import annotations

import datetime as dt
import math

from journeylib.core import number, percent, text


def level(value: float, unit: str) -> str:
    """Return a level of a measure.

    Examples
    --------
    >>> level(0.6123, "share"), level(3.25, "min"), level(float("nan"), "share")
    ('61.2 %', '3.25 min', 'unknown')
    """
    if not math.isfinite(value):
        return text("lab.unknown")
    return percent(value) if unit == "share" else f"{_three_digits(value)} {unit}"


def change(value: float, unit: str) -> str:
    """Return a change with its sign; of a share in percentage points.

    Examples
    --------
    >>> change(0.03, "share"), change(-0.77, "min"), change(0.0004, "share")
    ('+3.0 points', '−0.77 min', '+0.04 points')
    """
    if not math.isfinite(value):
        return text("lab.unknown")
    sign = "−" if value < 0 else "+"
    if unit == "share":
        points = abs(100 * value)
        return f"{sign}{number(points, 2 if 0 < points < 0.095 else 1)} {text('lab.points')}"
    size = abs(value)
    return f"{sign}{number(size, 2) if size < 10 else _three_digits(size)} {unit}"


def _three_digits(value: float) -> str:
    return number(float(f"{value:.3g}"))


def span(lo: float, hi: float, unit: str) -> str:
    """Return an interval of changes.

    Examples
    --------
    >>> span(0.012, 0.048, "share")
    '+1.2 to +4.8 points'
    """
    if not (math.isfinite(lo) and math.isfinite(hi)):
        return text("lab.unknown")
    first, last = change(lo, unit), change(hi, unit)
    return text("range.words", lo=first.rsplit(" ", 1)[0], hi=last)


def count(amount: float) -> str:
    """Return a count with thousands separated.

    Examples
    --------
    >>> count(41260)
    '41,260'
    """
    return number(amount, 0)


def some(amount: int, noun: str) -> str:
    """Return an amount of days, weeks, teams or looks.

    Examples
    --------
    >>> some(1, "week"), some(3, "week")
    ('1 week', '3 weeks')
    """
    return text(f"lab.count.{noun}", n=amount)


def date(begins: dt.date, day: int) -> dt.date:
    """Return the date of a day that is counted from the beginning."""
    return begins + dt.timedelta(days=day)
