"""Outcomes: what came of a customer, from a table of its own or from the log's columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from journeylib.core import MICRO, QualityError
from journeylib.log.canonical.canonical_events import (
    decimal_mark,
    flag_of,
    micro_of,
    name_of,
    text_of,
    time_plan,
)
from journeylib.log.canonical.timestamps import micros_utc, plausible
from journeylib.log.canonical.wide_rows import open_log
from journeylib.log.engine.duckdb import run, scratch_name
from journeylib.log.schema import OutcomesSchema, Schema
from journeylib.log.sources.raw_table import FILE, Raw, ReadOptions, wanted_columns
from journeylib.log.sources.table_sources import drop_scratch


@dataclass(frozen=True)
class LogColumns:
    """The log itself as the place of its outcomes.

    Attributes
    ----------
    source : object
        As `open_source` takes it.
    schema : Schema
        Of the log.
    options : ReadOptions
        How it is read. Rows outside its window hold no outcome that is known.
    """

    source: Any
    schema: Schema
    options: ReadOptions


def read_outcomes(
    source: Any,
    schema: OutcomesSchema,
    *,
    engine: BaseBackend,
    max_unusable_share: float,
    end_us: int | None = None,
) -> tuple[ir.Table, int, int]:
    """Read a table of outcomes, or outcomes from columns of the log.

    In a log (`LogColumns`), an outcome stands beside one event or is repeated beside each: rows
    without a kind or value hold no outcome, and repeated ones count once. Outcomes from `end_us`
    on are left out; a survey that was asked before is not answered yet.

    Returns
    -------
    outcomes : ibis.Table
        Row: one outcome. ``customer`` (str), ``t_us`` (int64, null without a time), ``kind``
        (str), ``value_micro`` (int64), ``asked_us`` (int64).
    read, used : int
        Rows without customer, kind or readable value are left out of `used`.

    Raises
    ------
    QualityError
        More rows than `max_unusable_share` cannot be used.
    """
    log = source if isinstance(source, LogColumns) else None
    window = None if log is None else log.options.window
    times = [] if window is None else [window.column]
    raw = open_log(
        source if log is None else log.source,
        lambda columns, where: list(
            dict.fromkeys([*wanted_columns(schema, columns, where), *times])
        ),
        ReadOptions(engine=engine) if log is None else replace(log.options, engine=engine),
        schema if log is None else log.schema,
    )
    table = raw.table
    if log is not None and window is not None:
        table = table.filter(window.holds(_times(raw, window.column, log.schema)))
    rows = _canonical(raw, table, schema)
    if log is not None:
        rows = rows.filter(rows["kind"].notnull(), rows["value_micro"].notnull() | rows["lost"])
        rows = rows.distinct()
    backend = raw.table.get_backend()
    # Held, so that to count does not read the values and times again.
    staged = backend.create_table(scratch_name("staged"), rows, temp=True)
    usable = staged["customer"].notnull() & staged["kind"].notnull() & ~staged["lost"]
    sql = "count_if(customer IS NOT NULL AND kind IS NOT NULL AND NOT lost)"
    counts = run(backend, f"SELECT count(*), {sql} FROM {staged.get_name()}")[0]
    rejected = 0 if log is not None else len(raw.rejected)
    read, used = int(counts[0]) + rejected, int(counts[1])
    # In a part of a log nothing may have come about yet.
    none = used == 0 and (read > 0 or window is None)
    if none or read - used > max_unusable_share * read:
        raise _unusable(raw, read, used)
    outcomes = _as_of(staged.filter(usable).drop("lost"), end_us)
    outcomes = backend.create_table(scratch_name("outcomes"), outcomes, temp=True)
    run(backend, f"DROP TABLE {staged.get_name()}")
    within = used if end_us is None else int(outcomes.count().to_pyarrow().as_py())
    drop_scratch(raw)
    return outcomes, read - (used - within), within


def _unusable(raw: Raw, read: int, used: int) -> QualityError:
    return QualityError(
        f"{read - used} of {read} outcomes in {raw.name} have no customer, no kind, or a value "
        "or time that cannot be read. Check the columns named in outcomes_schema."
    )


def _as_of(outcomes: ir.Table, end_us: int | None) -> ir.Table:
    """Leave out what came about later; what was asked before and answered later has no answer."""
    if end_us is None:
        return outcomes
    late = (outcomes["t_us"] >= end_us).fill_null(False)
    asked = (outcomes["asked_us"] < end_us).fill_null(False)
    null = ibis.null("int64")
    return outcomes.filter(~late | asked).mutate(
        t_us=late.ifelse(null, outcomes["t_us"]),
        value_micro=late.ifelse(null, outcomes["value_micro"]),
    )


def _times(raw: Raw, column: str, schema: Schema | OutcomesSchema) -> ir.IntegerValue:
    plan = time_plan(raw, column, schema)
    return plausible(micros_utc(raw.table[column], plan, schema.missing, raw.table[FILE]))


def _canonical(raw: Raw, table: ir.Table, schema: OutcomesSchema) -> ir.Table:
    missing = schema.missing
    if schema.kind is not None:
        kind = name_of(table[schema.kind], missing)
    else:
        kind = ibis.literal(str(schema.constant_kind))
    value, lost = ibis.literal(MICRO, type="int64"), ibis.literal(False)
    if schema.value is not None:
        written = table[schema.value]
        value = _value(written, missing)
        lost = lost | (value.isnull() & text_of(written, missing).notnull())
    times = {}
    for role, column in (("timestamp", "t_us"), ("asked_timestamp", "asked_us")):
        source = getattr(schema, role)
        if source is None:
            times[column] = ibis.null("int64")
            continue
        times[column] = _times(raw, source, schema)
        lost = lost | (times[column].isnull() & text_of(table[source], missing).notnull())
    return table.select(
        customer=text_of(table[schema.customer], missing),
        t_us=times["t_us"],
        kind=kind,
        value_micro=value,
        asked_us=times["asked_us"],
        lost=lost,
    )


def _value(written: ir.Value, missing: tuple[str, ...]) -> ir.IntegerValue:
    """Read a number; where it is none, yes as 1 and no as 0."""
    if written.type().is_boolean():
        return written.cast("int64") * MICRO
    number = micro_of(written, missing, decimal_mark(written, missing))
    if not written.type().is_string():
        return number
    return ibis.coalesce(number, flag_of(written, missing).cast("int64") * MICRO)
