"""Outcomes: what came of a customer, from a table of its own or from the log's columns."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from journeylib.errors import QualityError
from journeylib.log.canonical import MICRO, flag_of, micro_of, name_of, text_of
from journeylib.log.files import scratch_name
from journeylib.log.raw import Raw, wanted_columns
from journeylib.log.schema import OutcomesSchema
from journeylib.log.sources import open_source, tidy
from journeylib.log.times import micros_utc, plan_times, plausible


def read_outcomes(
    source: Any,
    schema: OutcomesSchema,
    *,
    engine: BaseBackend,
    max_unusable_share: float,
    from_log: bool = False,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> tuple[ir.Table, int, int]:
    """Read a table of outcomes, or outcomes from columns of the log.

    In a log, an outcome stands beside one event or is repeated beside each: rows without a kind
    or value hold no outcome, and repeated ones count once.

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
    raw = open_source(
        source,
        lambda columns, where: wanted_columns(schema, columns, where),
        engine=engine,
        delimiter=delimiter,
        encoding=encoding,
    )
    rows = _canonical(raw, schema)
    if from_log:
        rows = rows.filter(rows["kind"].notnull(), rows["value_micro"].notnull() | rows["lost"])
        rows = rows.distinct()
    usable = rows["customer"].notnull() & rows["kind"].notnull() & ~rows["lost"]
    counts = rows.aggregate(read=rows.count(), used=usable.sum()).to_pyarrow().to_pylist()[0]
    read, used = (
        int(counts["read"]) + (0 if from_log else len(raw.rejected)),
        int(counts["used"] or 0),
    )
    if used == 0 or read - used > max_unusable_share * read:
        raise QualityError(
            f"{read - used} of {read} outcomes in {raw.name} have no customer, no kind, or a value "
            "or time that cannot be read. Check the columns named in outcomes_schema."
        )
    outcomes = rows.filter(usable).drop("lost")
    backend = raw.table.get_backend()
    if backend.name == "duckdb":
        outcomes = backend.create_table(scratch_name("outcomes"), outcomes, temp=True)
    tidy(raw)
    return outcomes, read, used


def _canonical(raw: Raw, schema: OutcomesSchema) -> ir.Table:
    table, missing = raw.table, schema.missing
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
        plan = plan_times(
            table,
            source,
            declared=schema.timestamp_format,
            timezone=schema.timezone,
            missing=missing,
            where=raw.name,
        )
        times[column] = plausible(micros_utc(table[source], plan, missing))
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
    number = micro_of(written, missing)
    if not written.type().is_string():
        return number
    return ibis.coalesce(number, flag_of(written, missing).cast("int64") * MICRO)
