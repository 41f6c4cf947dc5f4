"""How numbers, days and lists are written in a language; babel knows the languages."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from functools import lru_cache

MINUS = "−"
NOTHING = "–"


def decimal(value: float, digits: int, locale: str) -> str:
    """Return a number with grouped thousands, a true minus and no negative zero.

    Examples
    --------
    >>> decimal(-1234.5, 1, "en"), decimal(-1234.5, 1, "de"), decimal(-0.001, 1, "en")
    ('−1,234.5', '−1.234,5', '0.0')
    >>> decimal(math.inf, 1, "en"), decimal(math.nan, 1, "en")
    ('∞', '–')
    """
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if abs(value) >= 1e15:  # beyond what can be counted
        return f"{value:.1e}".replace("-", MINUS)
    near = round(value, digits) + 0.0  # zero has no sign, whatever it was rounded from
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return _decimal(near, pattern, locale).replace("-", MINUS)


@lru_cache(maxsize=4096)
def _decimal(value: float, pattern: str, locale: str) -> str:
    from babel.numbers import format_decimal

    return format_decimal(value, format=pattern, locale=locale)


def significant(value: float, locale: str) -> str:
    """Return a number for reading: three significant digits, or all of a whole number.

    Examples
    --------
    >>> significant(26404, "en"), significant(0.123456, "en"), significant(12.0, "en")
    ('26,404', '0.123', '12')
    >>> significant(float("nan"), "en"), significant(float("-inf"), "en"), significant(2.5, "de")
    ('–', '−∞', '2,5')
    """
    if not math.isfinite(value):
        return decimal(value, 0, locale)
    if value == int(value) or abs(value) >= 1000:
        return decimal(value, 0, locale)
    digits = min(max(0, 2 - math.floor(math.log10(abs(value)))), 6)
    while digits and round(value, digits) == round(value, digits - 1):
        digits -= 1
    return decimal(value, digits, locale)


def long_day(day: dt.date, locale: str) -> str:
    """Return a day, spelled out.

    Examples
    --------
    >>> long_day(dt.date(2026, 7, 6), "de")
    '6. Juli 2026'
    """
    from babel.dates import format_date

    return format_date(day, format="long", locale=locale)


def sentence_list(names: Sequence[str], locale: str) -> str:
    """Return names as a list in a sentence.

    Examples
    --------
    >>> sentence_list(["a", "b", "c"], "en"), sentence_list(["a", "b"], "de")
    ('a, b, and c', 'a und b')
    """
    from babel.lists import format_list

    return format_list(list(names), style="standard", locale=locale)
