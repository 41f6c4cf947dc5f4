"""Days of a log: which are read, and where the present ends."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from journeylib.core import SchemaError
from journeylib.log.schema import Schema
from journeylib.log.sources.raw_table import FIRST_US, LAST_US, ReadOptions, Window

# As `as_of`: the last event is the present, so that no result depends on today.
LAST_EVENT = dt.date(9999, 12, 30)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def end_of(as_of: Any) -> int | None:
    """Return the first microsecond (UTC) of which nothing is known; None where `as_of` is none."""
    return None if as_of is None or as_of == LAST_EVENT else day_after(as_of)


def wanted_window(options: ReadOptions, schema: Schema) -> Window | None:
    """Return which times are wanted: of `days`, and none after `as_of`; None where all are.

    Raises
    ------
    SchemaError
        A day is no date, the last comes before the first, or the log has no times to choose days.
    """
    days, known_until = options.days, end_of(options.as_of)
    if schema.timestamp is None:
        if days is not None:
            raise SchemaError("days choose events by their time; the schema names no 'timestamp'.")
        return None
    if days is None and known_until is None:
        return None
    begin, end = FIRST_US, LAST_US + 1
    if days is not None:
        first, last = (as_day(day, "days") for day in days)
        if last < first:
            raise SchemaError(f"days: {last} comes before {first}. Write the first day first.")
        begin = day_start(first, schema.timezone, "days")
        end = day_start(last + dt.timedelta(days=1), schema.timezone, "days")
    return Window(schema.timestamp, begin, end if known_until is None else min(end, known_until))


def as_day(given: Any, setting: str) -> dt.date:
    """Return a date that may be given as text.

    Raises
    ------
    SchemaError
        It is no date; the message names the setting.
    """
    if isinstance(given, dt.datetime):
        return given.date()
    if isinstance(given, dt.date):
        return given
    try:
        return dt.date.fromisoformat(str(given))
    except ValueError:
        raise SchemaError(f"{setting}: '{given}' is no date. Write it as 2026-03-31.") from None


def day_start(given: Any, timezone: str, setting: str) -> int:
    """Return the microseconds since 1970 UTC at which a day begins in a zone."""
    start = dt.datetime.combine(as_day(given, setting), dt.time(), zoneinfo.ZoneInfo(timezone))
    return (start - _EPOCH) // dt.timedelta(microseconds=1)


def day_after(as_of: Any) -> int:
    """Return the microseconds since 1970 UTC at which the day after `as_of` begins in UTC."""
    return day_start(as_day(as_of, "as_of") + dt.timedelta(days=1), "UTC", "as_of")
