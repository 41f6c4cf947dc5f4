"""Read a log: source and schema in, canonical events with their quality out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend
from pydantic import ValidationError

from journeylib.errors import SchemaError, did_you_mean
from journeylib.log import quality
from journeylib.log.canonical import (
    HELPER,
    REASON,
    Plan,
    coded_columns,
    judged,
    mapped_rows,
    plan,
)
from journeylib.log.engine import as_engine, hand_over, hold_coded, identifier, run
from journeylib.log.eventlog import EventLog
from journeylib.log.files import Pick, scratch_name
from journeylib.log.inorder import NUMBERS, keep_in_order, numbered
from journeylib.log.outcomes import LogColumns, read_outcomes
from journeylib.log.raw import Raw, Window, wanted_columns
from journeylib.log.recipes.cook import cook, implied_schema
from journeylib.log.recipes.recipe import Recipe, find_recipe
from journeylib.log.schema import OutcomesSchema, Schema
from journeylib.log.sources import Reader, open_source, tidy
from journeylib.progress import working

Day = str | dt.date


@working("reading the log")
def read_log(
    source: Any,
    schema: Schema | Mapping[str, Any] | None = None,
    *,
    recipe: Recipe | str | None = None,
    outcomes: Any = None,
    outcomes_schema: OutcomesSchema | Mapping[str, Any] | None = None,
    name: str | None = None,
    period: tuple[Day | None, Day | None] | None = None,
    days: tuple[Day, Day] | None = None,
    as_of: Day | None = None,
    max_unusable_share: float = 0.05,
    delimiter: str | None = None,
    encoding: str | None = None,
    object_type: str | None = None,
    engine: Any = None,
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
    recipe : Recipe or str, optional
        For a vendor's export (also a folder, or ``duckdb:///file.db`` as a loader fills it): a
        name that `recipes` lists, or a ``.sql`` file of the company's own.
    outcomes : like `source`, or ``"log"``, optional
        Where outcomes are: a table of their own, or columns of the log itself.
    outcomes_schema : OutcomesSchema or mapping of its fields, optional
        Needed with `outcomes`.
    name : str, optional
        What to call the log in titles; the source's name unless given.
    period : pair of dates, optional
        Events outside, in the schema's time zone, both days included, are counted, not dropped.
    days : pair of dates, optional
        Read only the events from the first to the last of these days, in the schema's time zone.
        Of Parquet files with typed times, files and row groups outside are not even opened.
        Rows whose time cannot be read stay among what is counted as unusable.
    as_of : date, optional
        Read the log as it was known at the end of this day (UTC): rows after it are left out, and
        counted; in Parquet files they are not even opened. A survey that was asked by then and
        answered later is not answered yet. Unless given, events after today are counted as
        future and stay; with `quality.LAST_EVENT` none are.
    max_unusable_share : float
        More unusable rows than this share of all are refused.
    delimiter, encoding : str, optional
        Of text files; found out unless given.
    object_type : str, optional
        For OCEL: the object type whose objects are the journeys.
    engine : Ibis backend, pyspark.sql.SparkSession or str, optional
        Where events are held and everything is computed; a new DuckDB in memory unless given.
        A text is an address as `as_engine` takes it, such as ``spark://host:7077``. Spark reads
        Parquet files itself; what else there is, DuckDB reads here and hands over.

    Returns
    -------
    EventLog

    Raises
    ------
    LogError
        The source cannot be read.
    SchemaError
        A role names a column that is not there, or one of the wrong kind.
    QualityError
        Too many rows are unusable, or all.
    """
    roles, reader = _roles_and_reader(schema, recipe)
    window = quality.wanted_days(days, as_of, roles)
    holder = as_engine(engine)
    raw = open_source(
        source,
        lambda columns, where: wanted_columns(roles, columns, where),
        engine=holder,
        delimiter=delimiter,
        encoding=encoding,
        object_type=object_type,
        window=window,
        reader=reader,
    )
    decided = plan(raw, roles)
    rows = _staged(raw, roles, decided, window)
    survey = quality.survey(raw, rows)
    quality.refuse_unusable(raw, survey, max_unusable_share)
    quarantine = quality.quarantine(raw, rows, survey)
    events = _events(rows, survey, roles)
    checks = quality.checks(
        raw, events, roles, decided, survey, period=period, days=days, as_of=as_of
    )
    tidy(raw)
    found = None
    if outcomes is not None:
        found, told = _outcomes(
            outcomes,
            outcomes_schema,
            events,
            LogColumns(source, roles, window, delimiter, encoding, reader),
            max_unusable_share,
            raw,
            quality.end_of(as_of) if roles.has_clock else None,
        )
        checks = pd.concat([checks, told], ignore_index=True)
    if holder is not None:
        events = hand_over(events, holder)
        found = None if found is None else hand_over(found, holder)
    return EventLog(
        events=events,
        schema=roles,
        quality=quality.Quality(checks, quarantine, survey.read, survey.used),
        outcomes=found,
        name=name or raw.name,
    )


def _roles_and_reader(given: Any, recipe: Recipe | str | None) -> tuple[Schema, Reader | None]:
    """Return the schema, and what reads the source instead where there is a recipe."""
    if recipe is None:
        if given is None:
            raise SchemaError(
                "a log needs a schema (which column plays which role), or a recipe for the export "
                "of a known system."
            )
        return as_schema(given, Schema), None
    known = find_recipe(recipe) if isinstance(recipe, str) else recipe
    roles = given if isinstance(given, Schema) else implied_schema(known, given)

    def reader(source: Any, backend: Backend, pick: Pick) -> Raw:
        return cook(source, known, backend, pick)

    return roles, reader


def _outcomes(
    outcomes: Any,
    given: Any,
    events: ir.Table,
    columns: LogColumns,
    max_unusable_share: float,
    raw: Raw,
    end_us: int | None,
) -> tuple[ir.Table, pd.DataFrame]:
    """Read outcomes and count those of customers that the log does not know."""
    if given is None:
        raise SchemaError(
            "outcomes need an outcomes_schema: at least 'customer', and 'kind' or 'constant_kind'."
        )
    roles = as_schema(given, OutcomesSchema)
    own_columns = isinstance(outcomes, str) and outcomes == "log"
    table, read, used = read_outcomes(
        columns if own_columns else outcomes,
        roles,
        engine=raw.table.get_backend(),
        max_unusable_share=max_unusable_share,
        end_us=end_us,
    )
    table = hand_over(table, events.get_backend())
    return table, quality.outcome_checks(table, events, read, used)


def as_schema(given: Any, model: Any) -> Any:
    """Return `given` as `model`, with what is wrong said in plain words.

    Raises
    ------
    SchemaError
        Names every wrong field, with the nearest known name where one is unknown.
    """
    if isinstance(given, model):
        return given
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        problems = [_plain(problem, model) for problem in error.errors()]
        raise SchemaError(" ".join(problems)) from None


def _plain(problem: Any, model: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return (
            f"'{place}' is no field of {model.__name__}.{did_you_mean(place, model.model_fields)}"
        )
    if problem["type"] == "missing":
        return f"'{place}' is needed: {model.model_fields[place].description}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}." if place else f"{message}."


def _staged(raw: Raw, roles: Schema, decided: Plan, window: Window | None) -> ir.Table:
    """Map every row once, and hold the result so that counting does not map again."""

    def wanted(rows: ir.Table) -> ir.Table:
        return rows if window is None else rows.filter(window.holds(rows["t_us"]))

    first = mapped_rows(raw, roles, decided)
    backend = raw.table.get_backend()
    if backend.name != "duckdb":
        return wanted(judged(first, roles)).cache()
    # A view keeps the two steps apart; as one expression each time would be parsed thrice.
    view = scratch_name("mapped")
    run(backend, f"CREATE TEMP VIEW {view} AS {backend.compile(first)}")
    rows = wanted(judged(backend.table(view), roles))
    held = hold_coded(backend, scratch_name("events"), rows, coded_columns(roles, decided))
    run(backend, f"DROP VIEW {view}")
    return held


def _events(rows: ir.Table, counted: quality.Survey, roles: Schema) -> ir.Table:
    """Keep the usable rows in the engine, without the helpers.

    On DuckDB the events of a customer are held in order: neither ties nor journeys sort again.
    """
    helpers = [column for column in rows.columns if column.startswith(HELPER)]
    backend = rows.get_backend()
    if backend.name == "duckdb" and roles.has_clock and "case" not in rows.columns:
        usable = rows.filter(rows[REASON].isnull()).drop(*helpers)
        runs = ("customer_no", "customer", "journey")
        order = ("t_us", "position", "touchpoint_no")
        held = keep_in_order(numbered(usable), scratch_name("events"), runs, order)
        run(backend, f"DROP TABLE {rows.get_name()}")
        return held.drop(*NUMBERS)
    if backend.name != "duckdb":
        return rows.filter(rows[REASON].isnull()).drop(*helpers)
    table = rows.get_name()
    if counted.reasons:
        run(backend, f"DELETE FROM {table} WHERE {REASON} IS NOT NULL")
    for helper in helpers:
        run(backend, f"ALTER TABLE {table} DROP COLUMN {identifier(helper)}")
    return backend.table(table)
