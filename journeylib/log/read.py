"""Read a log: source and schema in, canonical events with their quality out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any

import ibis.expr.types as ir
import pandas as pd
from pydantic import ValidationError

from journeylib.core import SchemaError, did_you_mean, refuse_unknown, seldom_collected, working
from journeylib.log.canonical.canonical_events import (
    HELPER,
    REASON,
    REASON_ROLE,
    STRAY_TIME,
    ReadingPlan,
    coded_columns,
    judged,
    known_words,
    mapped_rows,
    reading_plan,
)
from journeylib.log.canonical.numbered_customers import hold_customers, with_numbers
from journeylib.log.canonical.outcomes import LogColumns, read_outcomes
from journeylib.log.canonical.repeated_hours import settle_repeated_hours
from journeylib.log.canonical.wide_rows import open_log
from journeylib.log.engine.duckdb import (
    as_engine,
    hand_over,
    hold_coded,
    identifier,
    lock_engine,
    quoted,
    run,
    scratch_name,
)
from journeylib.log.engine.row_order import keep_order
from journeylib.log.eventlog import EventLog, Quality
from journeylib.log.quality.report import counted, outcome_checks, quality_checks
from journeylib.log.quality.stray_times import usual_span
from journeylib.log.quality.survey import Inspection, Survey, quarantine, refuse_unusable, survey
from journeylib.log.schema import OutcomesSchema, Schema
from journeylib.log.sources.days import end_of, wanted_window
from journeylib.log.sources.raw_table import Raw, ReadOptions, Window, wanted_columns
from journeylib.log.sources.recipes.execution import implied_schema
from journeylib.log.sources.recipes.recipe import find_recipe
from journeylib.log.sources.table_sources import drop_scratch


@working("reading the log")
@seldom_collected()
def read_log(
    source: Any,
    schema: Schema | Mapping[str, Any] | None = None,
    *,
    outcomes: Any = None,
    outcomes_schema: OutcomesSchema | Mapping[str, Any] | None = None,
    name: str | None = None,
    **options: Any,
) -> EventLog:
    """Read a log and look at its quality before anything is computed from it.

    Parameters
    ----------
    source : path, glob, list of paths, data frame, Ibis table, str or pair
        CSV or TSV, Parquet, JSON Lines, XES, OCEL 2.0, a workbook; gzipped, or several in a .zip
        or .tar.gz; a pandas, Polars or Arrow table; ``duckdb:///file.db::table``; a pair of DuckDB
        connection and table name; any Ibis table.
    schema : Schema or mapping of its fields, optional
        Needed without a recipe; with one, what differs from the schema that it implies.
    outcomes : like `source`, or ``"log"``, optional
        Where outcomes are: a table of their own, or columns of the log itself.
    outcomes_schema : OutcomesSchema or mapping of its fields, optional
        Needed with `outcomes`.
    name : str, optional
        What to call the log in titles; the source's name unless given.
    **options
        What `ReadOptions` holds: ``delimiter`` and ``encoding`` of text files, ``object_type`` of
        OCEL, ``recipe`` for the export of a known system, ``join``, ``unpivot`` and ``threads``
        for columns to be made first, ``period``, ``days`` and ``as_of``,
        ``max_unusable_share`` (of all rows, 0.05), ``engine``.

    Raises
    ------
    LogError
        The source cannot be read.
    SchemaError
        A role names a column that is not there, or one of the wrong kind.
    QualityError
        Too many rows are unusable, or all.
    """
    asked = _read_options(options)
    roles = _roles(schema, asked.recipe)
    asked = replace(asked, engine=as_engine(asked.engine), window=wanted_window(asked, roles))
    log = _read_events(source, roles, asked)
    if outcomes is not None:
        from_log = isinstance(outcomes, str) and outcomes == "log"
        columns = LogColumns(source, roles, asked) if from_log else outcomes
        log = _with_outcomes(log, columns, outcomes_schema, asked)
    reader = log.events.get_backend()
    if asked.engine is not None and asked.engine.name == "duckdb":
        log = _in_engine(log, asked.engine)
    if options.get("engine") is not reader:
        lock_engine(reader)
    return log if name is None else replace(log, name=name)


def _roles(given: Any, recipe: Any) -> Schema:
    """Return the schema as declared, on top of what a recipe implies."""
    if recipe is not None and not isinstance(given, Schema):
        return implied_schema(find_recipe(recipe), given)
    if given is None:
        raise SchemaError(
            "a log needs a schema (which column plays which role), or a recipe for the export of "
            "a known system."
        )
    roles: Schema = as_schema(given, Schema)
    return roles


def _read_events(source: Any, roles: Schema, options: ReadOptions) -> EventLog:
    """Map the rows of a source to events, set aside what is unusable, and check the rest."""
    raw = open_log(source, partial(wanted_columns, roles), options, roles)
    plan = reading_plan(raw, roles)
    ids = hold_customers(raw, roles) if roles.in_order else None
    rows = _staged(raw, roles, plan, options.window, ids)
    plan = settle_repeated_hours(rows, plan)
    wanted = counted(roles, plan, options)
    counts = survey(raw, rows, wanted)
    if _strays_set_aside(rows, counts):
        counts = survey(raw, rows, wanted)
    refuse_unusable(raw, counts, options.max_unusable_share)
    unusable = quarantine(raw, rows, counts)
    if raw.rows is None and end_of(options.as_of) is not None:
        raw = replace(raw, rows=int(raw.table.count().to_pyarrow().as_py()))
    # What follows takes most memory: the source is not held beside it.
    drop_scratch(raw)
    events = _events(rows, ids, counts)
    checks = quality_checks(Inspection(raw, events, roles, plan, counts, options))
    quality = Quality(checks, unusable, counts.read, counts.used)
    return EventLog(events, roles, quality, name=raw.name)


def _in_engine(log: EventLog, engine: Any) -> EventLog:
    outcomes = None if log.outcomes is None else hand_over(log.outcomes, engine)
    return replace(log, events=hand_over(log.events, engine), outcomes=outcomes)


def _read_options(given: Mapping[str, Any]) -> ReadOptions:
    names = [field.name for field in fields(ReadOptions) if field.name not in ("window", "limit")]
    problem = "'{name}' is no option of read_log.{near} Options: {known}."
    refuse_unknown(given, names, problem, SchemaError)
    return ReadOptions(**given)


def _with_outcomes(log: EventLog, source: Any, given: Any, options: ReadOptions) -> EventLog:
    """Read outcomes and count those of customers that the log does not know."""
    if given is None:
        raise SchemaError(
            "outcomes need an outcomes_schema: at least 'customer', and 'kind' or 'constant_kind'."
        )
    here = log.events.get_backend()
    spark = options.engine is not None and options.engine.name == "pyspark"
    table, read, used = read_outcomes(
        source,
        as_schema(given, OutcomesSchema),
        engine=options.engine if spark else here,
        max_unusable_share=options.max_unusable_share,
        end_us=end_of(options.as_of) if log.has_clock else None,
    )
    table = hand_over(table, here)
    more = outcome_checks(table, log.events, read, used)
    checks = pd.concat([log.quality.checks, more], ignore_index=True)
    return replace(log, outcomes=table, quality=replace(log.quality, checks=checks))


def as_schema(given: Any, model: Any) -> Any:
    """Return `given` as `model`, with what is wrong said in plain words.

    Raises
    ------
    SchemaError
        Names every wrong field, with the nearest known name where one is unknown.
    """
    if isinstance(given, model):
        return given
    if not isinstance(given, Mapping):
        wanted, kind = model.__name__, type(given).__name__
        raise SchemaError(f"a {wanted} gives roles their columns, as a dict, not as {kind}.")
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        problems = [_problem_text(problem, model) for problem in error.errors()]
        raise SchemaError(" ".join(problems)) from None


def _problem_text(problem: Any, model: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return (
            f"'{where}' is no field of {model.__name__}.{did_you_mean(where, model.model_fields)}"
        )
    if problem["type"] == "missing":
        return f"'{where}' is needed: {model.model_fields[where].description}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}." if where else f"{message}."


def _staged(
    raw: Raw, roles: Schema, plan: ReadingPlan, window: Window | None, ids: str | None
) -> ir.Table:
    """Map every row once, and hold the result so that counting does not map again."""
    first = mapped_rows(raw, roles, plan)
    backend = raw.table.get_backend()
    # A view keeps the two steps apart; as one expression each time would be parsed thrice.
    view = scratch_name("mapped")
    run(backend, f"CREATE TEMP VIEW {view} AS {backend.compile(first)}")
    rows = backend.table(view)
    # The engine works out a time anew for each mention of it in what filters.
    rows = judged(rows if window is None else rows.filter(window.holds(rows["t_us"])), roles)

    def held_rows(rows: str) -> str:
        numbered = f"FROM {rows}" if ids is None else with_numbers(rows, ids, roles)
        return f"SELECT * REPLACE ({REASON}::ENUM({reasons}) AS {REASON}) FROM ({numbered})"

    reasons = ", ".join(map(quoted, REASON_ROLE))
    columns, names = coded_columns(roles, plan), known_words(roles, plan)
    held = hold_coded(backend, scratch_name("events"), rows, columns, names, held_rows)
    run(backend, f"DROP VIEW {view}")
    return held


def _strays_set_aside(rows: ir.Table, counts: Survey) -> bool:
    """Set aside the few events that lie a year or more from all others: they are no span."""
    if "first" not in counts.counts:
        return False
    ends = counts.counts["first"], counts.counts["last"]
    span = usual_span(rows.filter(rows[REASON].isnull()), ends)
    if span is None:
        return False
    run(
        rows.get_backend(),
        f"UPDATE {rows.get_name()} SET {REASON} = '{STRAY_TIME}' "
        f"WHERE {REASON} IS NULL AND t_us NOT BETWEEN {span[0]} AND {span[1] - 1}",
    )
    return True


def _events(rows: ir.Table, ids: str | None, counts: Survey) -> ir.Table:
    """Keep the usable rows, without the helpers, and the order of each customer's events."""
    backend, table = rows.get_backend(), rows.get_name()
    helpers = [column for column in rows.columns if column.startswith(HELPER)]
    if counts.reasons:
        run(backend, f"DELETE FROM {table} WHERE {REASON} IS NOT NULL")
    for helper in helpers:
        run(backend, f"ALTER TABLE {table} DROP COLUMN {identifier(helper)}")
    held = backend.table(table)
    return held if ids is None else keep_order(held, ids)
