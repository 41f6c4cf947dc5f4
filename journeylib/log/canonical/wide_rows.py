"""Columns made before roles are read: joined, of the steps of a row, of who answers whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis.backends.duckdb import Backend
from pydantic import TypeAdapter, ValidationError

from journeylib.core import US_PER_DAY, SchemaError, did_you_mean, printable
from journeylib.log.canonical.timestamps import micros_utc, plan_times, present
from journeylib.log.engine.duckdb import scratch_name
from journeylib.log.eventlog import check
from journeylib.log.schema import OutcomesSchema, Replies, Schema, Span
from journeylib.log.sources.kinds import open_source
from journeylib.log.sources.raw_table import FILE, POSITION, Pick, Raw, ReadOptions

STEP, START, END, THREAD = "step", "start", "end", "thread"
_TIME, _OWN = "_journeylib_time", "_journeylib_own"
_SPANS = TypeAdapter(dict[str, Span])
_ZERO = r"^0?0:00(:00([.,]0+)?)?$"


@dataclass(frozen=True)
class WideRows:
    """What a table of wide rows needs before its columns get their roles.

    Attributes
    ----------
    join : dict of str to tuple of str
        A new column to the columns whose texts it joins by a blank.
    unpivot : dict of str to Span
        A step to the columns of its start and end. Each row gives one row for each of its steps
        that happened, with the new columns ``step``, ``start`` and ``end``.
    threads : Replies, optional
        Makes the column ``thread`` of events that answer each other.
    """

    join: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unpivot: Mapping[str, Span] = field(default_factory=dict)
    threads: Replies | None = None

    @property
    def made(self) -> tuple[str, ...]:
        """Names of the columns that it makes."""
        times = (START, END) if self.has_ends else (START,)
        thread = () if self.threads is None else (THREAD,)
        return (*self.join, *((STEP, *times) if self.unpivot else ()), *thread)

    @property
    def needed(self) -> tuple[str, ...]:
        """Names of the columns of the source that it reads."""
        spans = [(*span.start, *(span.end or ())) for span in self.unpivot.values()]
        replies = [] if self.threads is None else [(self.threads.id, self.threads.reply_to)]
        several = (*self.join.values(), *spans, *replies)
        return tuple(dict.fromkeys(column for columns in several for column in columns))

    @property
    def has_ends(self) -> bool:
        """Whether some step states its end."""
        return any(span.end for span in self.unpivot.values())

    @property
    def has_clocks(self) -> bool:
        """Whether times are made of a date and a clock."""
        return any(len(span.start) > 1 for span in self.unpivot.values())


@ibis.udf.scalar.builtin(name="make_timestamp", signature=(("int64",), "timestamp"))
def _make_timestamp(micros):  # type: ignore[no-untyped-def]
    """DuckDB's timestamp of microseconds since 1970."""


def wide_rows(options: ReadOptions) -> WideRows | None:
    """Return what `join`, `unpivot` and `threads` ask for; None where they are not there.

    Raises
    ------
    SchemaError
        They are no columns by name, or mix whole times with dates and clocks.
    """
    if not options.join and not options.unpivot and not options.threads:
        return None
    join = {
        name: (columns,) if isinstance(columns, str) else tuple(columns)
        for name, columns in (options.join or {}).items()
    }
    try:
        spans = _SPANS.validate_python(dict(options.unpivot or {}))
    except ValidationError as error:
        wrong = dict.fromkeys(".".join(map(str, one["loc"])) for one in error.errors())
        raise SchemaError(
            "unpivot: " + ", ".join(f"'{one}'" for one in wrong) + " is wrong. Write each step as "
            "queue: {start: q_start, end: q_exit}, or with a date and a clock as "
            "start: [date, q_start]."
        ) from None
    widths = {
        len(times) > 1 for span in spans.values() for times in (span.start, span.end) if times
    }
    if len(widths) > 1:
        raise SchemaError(
            "unpivot: some times are one column and some a date and a clock. Write all in one way."
        )
    try:
        replies = options.threads and Replies.model_validate(options.threads)
    except ValidationError:
        raise SchemaError("threads needs two columns:  {id: …, reply_to: …}.") from None
    return WideRows(join, spans, replies or None)


def open_log(source: Any, pick: Pick, options: ReadOptions, schema: Schema | OutcomesSchema) -> Raw:
    """Open a log as `open_source` does, wide rows made long where `options` say so."""
    wide = wide_rows(options)
    if wide is None:
        return open_source(source, pick, options)
    # Which rows lie within the days is known only when their times are made.
    raw = open_source(source, _with_parts(wide, pick), replace(options, window=None))
    return long_rows(raw, wide, schema.missing, schema.timestamp_format)


def _with_parts(wide: WideRows, pick: Pick) -> Pick:
    def wanted(columns: Sequence[str], where: str) -> list[str]:
        if clash := [name for name in wide.made if name in columns]:
            raise SchemaError(
                f"{where} has a column '{clash[0]}' of its own, which join, unpivot or threads "
                "would make. Rename the column of the file, or the joined one."
            )
        missing = [name for name in wide.needed if name not in columns]
        if missing:
            named = printable(columns)
            raise SchemaError(
                f"column '{missing[0]}' (join, unpivot or threads) is not in {where}."
                f"{did_you_mean(missing[0], named)} Columns there: {', '.join(named[:40])}."
            )
        chosen = pick([*columns, *wide.made], where)
        own = [name for name in chosen if name not in wide.made]
        return list(dict.fromkeys([*own, *wide.needed]))

    return wanted


def long_rows(raw: Raw, wide: WideRows, missing: tuple[str, ...], declared: str | None) -> Raw:
    """Join the columns of a raw table, and make each step of a row that happened a row.

    A step did not happen where its start is missing, or where start and end are both 0:00:00. A
    clock that is half a day earlier than the first of its row is of the next day.
    """
    table = raw.table
    table = table.mutate(
        **{name: _joined(table, columns, missing) for name, columns in wide.join.items()}
    )
    if wide.threads is not None:
        table = _threaded(table, wide.threads, missing)
    if not wide.unpivot:
        return replace(raw, table=table)
    if wide.has_clocks:
        table = _timed(replace(raw, table=table), wide, missing, declared)
    parts = [
        _one_step(table, wide, index).filter(_happened(table, span, missing))
        for index, span in enumerate(wide.unpivot.values())
    ]
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    backend = rows.get_backend()
    scratch = raw.scratch
    if isinstance(backend, Backend):
        name = scratch_name("long")
        rows = backend.create_table(name, rows, temp=True)
        scratch = (*scratch, name)
    counts = [int(one.count().to_pyarrow().as_py()) for one in (table, rows)]
    fact = check("wide_rows.some", rows=counts[0], events=counts[1], steps=len(wide.unpivot))
    return replace(raw, table=rows, scratch=scratch, facts=(*raw.facts, fact), rows=None)


def _joined(table: ir.Table, columns: Sequence[str], missing: tuple[str, ...]) -> ir.StringValue:
    """Join texts by blanks: null where the first is missing; others are left out where missing."""
    first, *others = (present(table[column], missing) for column in columns)
    for other in others:
        first = first + ibis.coalesce(ibis.literal(" ") + other, ibis.literal(""))
    return first


def _threaded(table: ir.Table, replies: Replies, missing: tuple[str, ...]) -> ir.Table:
    """Add the thread of each row: the id of the event that its chain of answers began with."""
    own = present(table[replies.id], missing)
    pairs = table.select(own=own, to=present(table[replies.reply_to], missing)).distinct()
    reply_pairs = pairs.filter(pairs.own.notnull()).order_by("own", "to").to_pandas()
    roots = ibis.memtable(thread_roots(reply_pairs["own"], reply_pairs["to"]))
    joined = table.mutate(**{_OWN: own}).left_join(roots, _OWN)
    return joined.select(*table.columns, THREAD)


def thread_roots(own: pd.Series[str], to: pd.Series[str]) -> pd.DataFrame:
    """Return the first event of the chain of each: an event that is not there may be one."""
    codes, ids = pd.factorize(pd.concat([own, to]), use_na_sentinel=True)
    many = len(own)
    root = np.arange(len(ids))
    answers = codes[many:] >= 0
    root[codes[:many][answers]] = codes[many:][answers]
    # Each step doubles how far back is looked; events that answer each other in a ring end too.
    for _ in range(max(len(ids), 1).bit_length()):
        root = root[root]
    frame = pd.DataFrame({_OWN: ids, THREAD: ids[root]})
    return frame.astype("str")


def _happened(table: ir.Table, span: Span, missing: tuple[str, ...]) -> ir.BooleanValue:
    start = present(table[span.start[-1]], missing)
    if len(span.start) == 1 and not table[span.start[0]].type().is_string():
        return start.notnull()
    idle = start.re_search(_ZERO)
    if span.end is not None:
        end = present(table[span.end[-1]], missing)
        idle = idle & (end.isnull() | end.re_search(_ZERO))
    return start.notnull() & ~idle


def _one_step(table: ir.Table, wide: WideRows, number: int) -> ir.Table:
    step, span = list(wide.unpivot.items())[number]
    made: dict[str, ir.Value] = {STEP: ibis.literal(step)}
    if wide.has_clocks:
        made[START] = table[f"{_TIME}{number}_start"]
        if wide.has_ends:
            made[END] = table[f"{_TIME}{number}_end"]
    else:
        made[START] = table[span.start[0]]
        if wide.has_ends:
            kind = table[span.start[0]].type()
            made[END] = table[span.end[0]] if span.end else ibis.null(kind)
    made[POSITION] = table[POSITION] * len(wide.unpivot) + number
    helpers = [name for name in table.columns if name.startswith(_TIME)]
    return table.mutate(**made).drop(*helpers)


def _timed(raw: Raw, wide: WideRows, missing: tuple[str, ...], declared: str | None) -> ir.Table:
    """Add the times of each step, of a date and a clock, as local times."""
    table = raw.table
    local: dict[str, ir.Value] = {}
    for step, span in enumerate(wide.unpivot.values()):
        occurs = _happened(table, span, missing)
        for end, columns in (("start", span.start), ("end", span.end)):
            if columns is None:
                local[f"{step}_{end}"] = ibis.null("int64")
                continue
            whole = present(table[columns[-1]], missing).notnull()
            joined = _joined(table, columns, missing)
            text = replace(raw, table=table.mutate(**{_TIME: joined}))
            plan = plan_times(text, _TIME, declared=declared, timezone="UTC", missing=missing)
            micros = micros_utc(joined, plan, missing, table[FILE])
            local[f"{step}_{end}"] = ibis.ifelse(occurs & whole, micros, ibis.null("int64"))
    table = table.mutate(**{_TIME + name: value for name, value in local.items()})
    first = ibis.coalesce(*(table[f"{_TIME}{step}_start"] for step in range(len(wide.unpivot))))
    days = {
        _TIME + name: _make_timestamp(
            table[_TIME + name]
            + ibis.ifelse(table[_TIME + name] < first - US_PER_DAY // 2, US_PER_DAY, 0)
        )
        for name in local
    }
    return table.mutate(**days)
