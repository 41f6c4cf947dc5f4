"""Checks of the clock of a log: formats, zones, resolution, and times that cannot be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

from journeylib.core import US_PER_DAY, US_PER_SECOND, text
from journeylib.log.canonical.canonical_events import ReadingPlan
from journeylib.log.canonical.timestamps import TimePlan
from journeylib.log.eventlog import Check, check, count_check
from journeylib.log.quality.survey import Inspection
from journeylib.log.schema import Schema
from journeylib.log.sources.days import LAST_EVENT, as_day, day_after, day_start, end_of
from journeylib.log.sources.raw_table import ReadOptions

_MINUTE_US = 60_000_000
_SOME_MIDNIGHTS = 0.05


def clock_checks(log: Inspection) -> Iterator[Check]:
    """Check how times were read and whether they can be true."""
    if not log.schema.has_clock:
        yield check("clock.none", "timestamp")
        return
    yield from _formats(log)
    counts = log.survey.counts
    yield from _resolution(counts, log.survey.used)
    open_ended = end_of(log.options.as_of) is None
    if open_ended:
        yield _future(log, counts)
    if "outside" in counts:
        yield count_check("outside_period", "timestamp", counts["outside"])
    if "negative" in counts:
        yield count_check("end_before_start", "end_timestamp", counts["negative"])
    if not open_ended:
        yield _left_out(log)


def _formats(log: Inspection) -> Iterator[Check]:
    zone = log.schema.timezone
    for role, times in log.plan.times.items():
        if times.kind == "text":
            forms = {form.replace(".%f", "") for form in times.hits}
            read = [text("log.formats.rows", form=f, rows=n) for f, n in times.hits.items()]
            severity = "note" if len(forms) > 1 else "ok"
            yield check("time_format.read", role, severity=severity, formats=", ".join(read))
        yield from _day_or_month(times, role)
        if times.offset_rows and times.naive_rows:
            stated, naive = times.offset_rows, times.naive_rows
            yield check("time_zones.mixed", role, naive, stated=stated, timezone=zone)
        elif times.kind == "text" and times.naive_rows:
            yield check("time_zones.none", role, timezone=zone)


def _day_or_month(times: TimePlan, role: str) -> Iterator[Check]:
    orders = times.orders
    if orders.worth_telling:
        yield check(
            "day_or_month_first.files",
            role,
            day=len(orders.day),
            month=len(orders.month),
            by_rows=orders.by_rows,
            by_others=orders.by_others,
        )
    if orders.unclear:
        key = "open_files" if orders.worth_telling else "open"
        files = len(orders.unclear)
        yield check(f"day_or_month_first.{key}", role, orders.unclear_rows, files=files)


def counted_times(schema: Schema, plan: ReadingPlan, options: ReadOptions) -> dict[str, str]:
    """Return what is counted over the times of all events, in SQL by name."""
    midnights = ", ".join(map(str, _midnights(plan)))
    counts = {
        "first": "min(t_us)",
        "last": "max(t_us)",
        "midnight": f"count_if(t_us % {US_PER_DAY} IN ({midnights}))",
        "minute": f"count_if(t_us % {_MINUTE_US} = 0)",
        "second": f"count_if(t_us % {US_PER_SECOND} = 0)",
        "future": f"count_if(t_us >= {day_after(_present(options))})",
    }
    if options.period is not None:
        first, last = options.period
        zone, outside = schema.timezone, ["false"]
        if first is not None:
            outside.append(f"t_us < {day_start(first, zone, 'period')}")
        if last is not None:
            end = as_day(last, "period") + dt.timedelta(days=1)
            outside.append(f"t_us >= {day_start(end, zone, 'period')}")
        counts["outside"] = f"count_if({' OR '.join(outside)})"
    if "end_timestamp" in plan.times:
        counts["negative"] = "count_if(end_us < t_us)"
    return counts


def _present(options: ReadOptions) -> dt.date:
    as_of = options.as_of
    return dt.datetime.now(dt.UTC).date() if as_of is None else as_day(as_of, "as_of")


def _midnights(plan: ReadingPlan) -> list[int]:
    """Return the times of day in UTC, in microseconds, at which local days begin."""
    offsets = {offset for _, offset in plan.times["timestamp"].steps} or {0}
    return sorted({-offset % US_PER_DAY for offset in offsets})


def _resolution(counts: dict[str, int], used: int) -> Iterator[Check]:
    if counts["midnight"] == used:
        yield check("clock_resolution.day", "timestamp", used)
    elif counts["minute"] == used:
        yield check("clock_resolution.minute", "timestamp", used)
    else:
        finest = "second" if counts["second"] == used else "fraction"
        yield check(f"clock_resolution.{finest}", "timestamp")
    if _SOME_MIDNIGHTS * used < counts["midnight"] < used:
        yield check("midnights.some", "timestamp", counts["midnight"])


def _future(log: Inspection, counts: dict[str, int]) -> Check:
    present = _present(log.options)
    if not counts["future"] and present == LAST_EVENT:
        return check("future.unknown", "timestamp")
    return count_check("future", "timestamp", counts["future"], day=present.isoformat())


def _left_out(log: Inspection) -> Check:
    """Count what was not read because it lies after `as_of`, where that is known."""
    day = _present(log.options).isoformat()
    if log.options.days is not None:
        return check("future.maybe_unread", "timestamp", day=day)
    raw = log.raw
    unread = (raw.rows or 0) - (log.survey.read - len(raw.rejected))
    if not unread:
        return check("future.none", "timestamp")
    return replace(check("future.unread", "timestamp", unread, day=day), unread=unread)
