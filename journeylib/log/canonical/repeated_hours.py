"""Hours that occur twice when clocks go back: the order of rows tells the first from the second."""

from __future__ import annotations

import operator
from dataclasses import replace
from functools import reduce

import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from journeylib.core import US_PER_DAY
from journeylib.log.canonical.canonical_events import REASON, ReadingPlan
from journeylib.log.canonical.timestamps import TimePlan
from journeylib.log.engine.duckdb import run, scratch_name
from journeylib.log.sources.raw_table import FILE, ROW

# The order of rows is looked at from a week before such an hour to a week after it.
_WEEK_US = 7 * US_PER_DAY


def repeated_hours(times: TimePlan) -> list[tuple[int, int]]:
    """Return the spans, in microseconds of UTC, whose local times occur a second time."""
    spans = []
    for (_, before), (change, after) in zip(times.steps, times.steps[1:], strict=False):
        if after < before:
            spans.append((change - (before - after) - before, change - before))
    return spans


def settle_repeated_hours(rows: ir.Table, plan: ReadingPlan) -> ReadingPlan:
    """Move events into the second of two hours where only then the rows are in order of time.

    A file, or within it the rows of one customer, is in order from a week before the hour to a week
    after it, but for one step back inside the hour: what follows that step is the second time. All
    other events of the hour stay in the first.

    Parameters
    ----------
    rows : ibis.Table
        As mapped and held in DuckDB; changed in place.
    plan : ReadingPlan

    Returns
    -------
    ReadingPlan
        Its times say how many events the hours hold, and for how many the order says which.
    """
    times = plan.times.get("timestamp")
    spans = [] if times is None or times.offsets else repeated_hours(times)
    if times is None or not spans:
        return plan
    inside = reduce(operator.or_, [rows.t_us.between(begin, end - 1) for begin, end in spans])
    twice = int(rows.filter(rows[REASON].isnull() & inside).count().to_pyarrow().as_py())
    times = replace(times, twice=twice)
    if twice and isinstance(rows.get_backend(), Backend):
        owner = "customer_no" if "customer_no" in rows.columns else "case"
        ordered, later = _move(rows, owner, spans)
        times = replace(times, ordered=ordered, later=later)
    return replace(plan, times=plan.times | {"timestamp": times})


def _move(rows: ir.Table, owner: str, spans: list[tuple[int, int]]) -> tuple[int, int]:
    """Move what the order of rows puts into the second hour; count what it decides, and moves."""
    backend, table, decided = rows.get_backend(), rows.get_name(), scratch_name("decided")
    run(backend, f"CREATE TEMP TABLE {decided} AS {_decided(table, owner, spans)}")
    run(
        backend,
        f"UPDATE {table} SET t_us = t_us + size FROM {decided} WHERE {table}.rowid = id AND later",
    )
    if "end_us" in rows.columns:
        # An end that lies before its start, in the hour, is of the second time, too.
        for begin, end in spans:
            run(
                backend,
                f"UPDATE {table} SET end_us = end_us + {end - begin} WHERE end_us < t_us AND "
                f"end_us BETWEEN {begin} AND {end - 1} AND t_us < {end + (end - begin)}",
            )
    ordered, later = run(backend, f"SELECT count(*), count(*) FILTER (later) FROM {decided}")[0]
    run(backend, f"DROP TABLE {decided}")
    return int(ordered), int(later)


def _decided(table: str, owner: str, spans: list[tuple[int, int]]) -> str:
    """Return the SQL of the rows whose order decides: row id, whether later, size of the hour."""
    near = " ".join(
        f"WHEN t_us BETWEEN {begin - _WEEK_US} AND {end + _WEEK_US} THEN {i}"
        for i, (begin, end) in enumerate(spans)
    )
    hour = " ".join(
        f"WHEN t_us BETWEEN {begin} AND {end - 1} THEN {end - begin}" for begin, end in spans
    )
    decided = (
        f'SELECT rowid AS id, {FILE} AS file, {ROW} AS number, position, "{owner}" AS owner, t_us, '
        f"CASE {near} END AS span, CASE {hour} END AS size FROM {table} WHERE {REASON} IS NULL"
    )
    return f"""
        WITH found AS ({decided}), near AS (FROM found WHERE span IS NOT NULL),
        by_file AS ({_turns("near", "file, span")}),
        by_owner AS ({_turns("near", "file, owner, span")})
        SELECT o.id, o.size, CASE WHEN f.clear THEN f.turned ELSE o.turned END > 0 AS later
        FROM by_owner AS o JOIN by_file AS f USING (id)
        WHERE o.size IS NOT NULL AND (f.clear OR o.clear)"""


def _turns(table: str, keys: str) -> str:
    """Return the SQL that says of each row of a group if its order is clear, and its steps back."""
    order = "ORDER BY position, file, number"
    return f"""
        SELECT id, size, sum(turn::INT) OVER (PARTITION BY {keys} {order}) AS turned,
            sum(turn::INT) OVER (PARTITION BY {keys}) = 1
            AND NOT bool_or(back AND NOT turn) OVER (PARTITION BY {keys}) AS clear
        FROM (
            SELECT *, coalesce(t_us < lag(t_us) OVER rows, false) AS back,
                back AND size IS NOT NULL AND lag(size) OVER rows IS NOT NULL AS turn
            FROM {table} WINDOW rows AS (PARTITION BY {keys} {order})
        )"""
