"""Run a recipe over an export: raw events with canonical roles, and what was seen on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
from ibis.backends.duckdb import Backend

from journeylib.core import LogError
from journeylib.log.engine.duckdb import connect, identifier, run, scratch_name
from journeylib.log.eventlog import Check, check
from journeylib.log.schema import ID, ROLES, Schema
from journeylib.log.sources.raw_table import FILE, POSITION, ROW, Pick, Raw
from journeylib.log.sources.recipes.fields import empty, fill
from journeylib.log.sources.recipes.parts import Part, parts_of
from journeylib.log.sources.recipes.recipe import Input, Recipe
from journeylib.log.sources.recipes.recognise import assigned, lacking

LEFT_OUT, UNKNOWN = "_left_out", "_unknown"
# Roles without which an event says little; a null here is a fault of the recipe or the export.
_FILLED = ("customer", "session", "timestamp", "touchpoint", "actor")
_SHOWN = 5
# What the SQL of a recipe may use beside DuckDB's own functions.
MACROS = {
    # Some loaders make times of them; what states no zone is UTC.
    "at_seconds(x)": "make_timestamptz(coalesce(round(try_cast(x AS DOUBLE) * 1e6)::BIGINT, "
    "epoch_us(try_cast(x AS TIMESTAMP))))",
    "at_micros(x)": "make_timestamptz(try_cast(x AS BIGINT))",
    "yes(x)": "coalesce(lower(x::VARCHAR) IN ('true', 't', '1', 'yes'), false)",
    # JSON that a system wrote as a text inside JSON.
    "json_of(x)": "CASE WHEN json_type(x) = 'VARCHAR' AND json_valid(x ->> '$') "
    "THEN (x ->> '$')::JSON ELSE x END",
    "id_text(x)": "regexp_replace(x::VARCHAR, '\\.0+$', '')",
    # A lone blank is left alone: to replace each by itself took most of the time of a recipe, and
    # so did trim, which looks at every letter.
    "without_tags(x)": "nullif(regexp_replace(regexp_replace(regexp_replace(html_unescape("
    "if(contains(x, '<'), regexp_replace(x, '<[^>]*>', ' ', 'g'), x)), "
    "'\\s\\s+|[\\t\\n\\r\\f\\v]', ' ', 'g'), '^[\\s\\pZ]+', ''), '[\\s\\pZ]+$', ''), '')",
}
_ENTITIES = (("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "''"),
             ("&amp;", "&"))  # fmt: skip


@dataclass(frozen=True)
class Tally:
    """What was counted before the SQL of a recipe ran.

    Attributes
    ----------
    records : dict of str to int
        Records of each input that were read.
    repeated : dict of str to int
        Of these, dropped because a newer one of the same id is there.
    broken : int
        Lines that are no records.
    parts : tuple of str
        Names of what was read.
    """

    records: dict[str, int] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=dict)
    broken: int = 0
    parts: tuple[str, ...] = ()


def implied_schema(recipe: Recipe, given: Mapping[str, Any] | None = None) -> Schema:
    """Return the schema that a recipe implies: each column plays the role it is named after.

    Parameters
    ----------
    recipe : Recipe
    given : mapping, optional
        Fields of `Schema` that the configuration sets besides; they win.

    Raises
    ------
    LogError
        The SQL of the recipe is wrong, or yields no needed role.
    """
    columns = [name for name in output_columns(recipe) if not name.startswith("_")]
    roles: dict[str, Any] = {name: name for name in columns if name in ROLES}
    roles["identifiers"] = {n.removeprefix(ID): n for n in columns if n.startswith(ID)}
    rest = [name for name in columns if name not in ROLES and not name.startswith(ID)]
    roles["attributes"] = tuple(rest)
    wanted = roles | dict(recipe.roles) | dict(given or {})
    return Schema(**{key: value for key, value in wanted.items() if value is not None})


def output_columns(recipe: Recipe) -> list[str]:
    """Return the columns that the SQL of a recipe yields, found without any data."""
    backend = connect()
    names = {wanted.name: f"({empty(wanted)})" for wanted in recipe.inputs}
    _prepare(backend)
    return _described(backend, recipe, names)


def _prepare(backend: Backend) -> None:
    text = "x"
    for entity, sign in _ENTITIES:
        text = f"replace({text}, '{entity}', '{sign}')"
    for head, body in {"html_unescape(x)": text, **MACROS}.items():
        run(backend, f"CREATE OR REPLACE TEMP MACRO {head} AS {body}")


def _described(backend: Backend, recipe: Recipe, names: Mapping[str, str]) -> list[str]:
    _refuse_other_statements(recipe)
    try:
        rows = run(backend, f"DESCRIBE {_with_inputs(recipe.sql, names)}")
    except duckdb.Error as error:
        # The engine quotes the SQL, never the data: nothing was read yet.
        first = " ".join(str(error).split())
        raise LogError(f"the SQL of the recipe {recipe.name} is wrong: {first}") from None
    columns = [str(row[0]) for row in rows]
    if "touchpoint" not in columns or not {"customer", "journey"} & set(columns):
        raise LogError(
            f"the SQL of the recipe {recipe.name} must yield the columns touchpoint and customer."
        )
    return columns


def _refuse_other_statements(recipe: Recipe) -> None:
    try:
        kinds = [one.type for one in duckdb.extract_statements(recipe.sql)]
    except duckdb.Error as error:
        first = " ".join(str(error).split())
        raise LogError(f"the SQL of the recipe {recipe.name} is wrong: {first}") from None
    if kinds != [duckdb.StatementType.SELECT]:
        raise LogError(f"the recipe {recipe.name} must be one SELECT, and nothing else.")


def _with_inputs(sql: str, names: Mapping[str, str]) -> str:
    """Name the inputs as common table expressions before those of the recipe itself."""
    inputs = ", ".join(f"{identifier(name)} AS (FROM {table})" for name, table in names.items())
    if sql[:4].upper() == "WITH":
        return f"WITH {inputs}, {sql[4:].lstrip()}"
    return f"WITH {inputs} {sql}"


def run_recipe(source: Any, recipe: Recipe, backend: Backend, pick: Pick) -> Raw:
    """Read an export by a recipe.

    Parameters
    ----------
    source : path, folder, glob, list of them, or ``duckdb:///file.db``
    recipe : Recipe
    backend : ibis.backends.duckdb.Backend
    pick : callable
        Chooses the columns to keep from those that the recipe yields.

    Returns
    -------
    Raw
        Row: one event. Its facts say what was dropped, left out, unknown and missing.

    Raises
    ------
    LogError
        A needed input is not there, or the recipe yields no event.
    """
    _prepare(backend)
    tables = {wanted.name: scratch_name("input") for wanted in recipe.inputs}
    out = scratch_name("raw")
    try:
        with parts_of(source, backend) as parts:
            by_input = assigned(recipe, parts)
            _refuse_lacking(recipe, by_input, parts)
            tally = _load(recipe, by_input, parts, tables, backend)
        columns = _described(backend, recipe, tables)
        ordered = [c for c in ("session", "position", "timestamp", "touchpoint") if c in columns]
        run(
            backend,
            f"CREATE TEMP TABLE {out} AS SELECT *, 0::BIGINT AS {FILE}, "
            f"row_number() OVER (ORDER BY {', '.join(ordered)}) AS {ROW} FROM "
            f"({_with_inputs(recipe.sql, tables)})",
        )
        facts = _facts(recipe, tally, out, tables, columns, backend)
    except duckdb.Error as error:
        raise LogError(
            f"the recipe {recipe.name} failed on this export ({type(error).__name__}). Copy it "
            f"(journeylib recipes {recipe.name} > ours.sql), mend it, and name it in log.recipe or "
            "with --recipe of `journeylib init`; or report the shape of the export."
        ) from None
    finally:
        for table in tables.values():
            run(backend, f"DROP TABLE IF EXISTS {table}")
    output = pick([c for c in columns if not c.startswith("_")], f"the recipe {recipe.name}")
    rows = backend.table(out)
    if LEFT_OUT in columns:
        rows = rows.filter(rows[LEFT_OUT].isnull())
    rows = rows.mutate(**{POSITION: rows[ROW]}).select(*output, FILE, ROW, POSITION)
    if not int(rows.count().to_pyarrow().as_py()):
        raise LogError(f"the recipe {recipe.name} found no event in {', '.join(tally.parts)}.")
    name = tally.parts[0] if len(tally.parts) == 1 else f"{recipe.title} export"
    return Raw(rows, name, (f"recipe {recipe.name}",), tuple(facts), scratch=(out,))


def _refuse_lacking(
    recipe: Recipe, by_input: Mapping[str, list[Part]], parts: Sequence[Part]
) -> None:
    for name in lacking(recipe, dict(by_input)):
        wanted = next(one for one in recipe.inputs if one.name == name)
        raise LogError(
            f"the recipe {recipe.name} needs {name}: records with {', '.join(wanted.keys)}. None "
            f"of these holds them: {', '.join(part.name for part in parts) or 'nothing'}. Name "
            "the file in log.files, or choose another recipe (`journeylib init` with --recipe)."
        )


def _load(
    recipe: Recipe,
    by_input: Mapping[str, list[Part]],
    parts: Sequence[Part],
    tables: Mapping[str, str],
    backend: Backend,
) -> Tally:
    records, repeated, broken = {}, {}, 0
    for wanted in recipe.inputs:
        table = tables[wanted.name]
        run(backend, f"CREATE TEMP TABLE {table} AS {empty(wanted)}")
        for part in by_input[wanted.name]:
            broken += fill(table, part, wanted, parts, backend)
        records[wanted.name] = _count(backend, table)
        if wanted.once:
            repeated[wanted.name] = _keep_newest(table, wanted, backend)
    names = [part.name for several in by_input.values() for part in several]
    return Tally(records, repeated, broken, tuple(names))


def _count(backend: Backend, table: str) -> int:
    return int(run(backend, f"SELECT count(*) FROM {table}")[0][0])


def _keep_newest(table: str, wanted: Input, backend: Backend) -> int:
    """Drop the records of which a newer one is there; return how many."""
    key = [name for name in wanted.once if name in wanted.fields]
    keys = ", ".join(map(identifier, key))
    rows, distinct = run(
        backend,
        f"SELECT count(*), count(DISTINCT ({keys})) FROM {table}",
    )[0]
    if rows == distinct:
        return 0
    newest = f"{identifier(wanted.newest)} DESC NULLS LAST, " if wanted.newest else ""
    run(
        backend,
        f"DELETE FROM {table} WHERE rowid NOT IN (SELECT rowid FROM {table} QUALIFY row_number() "
        f"OVER (PARTITION BY {keys} ORDER BY {newest}rowid) = 1)",
    )
    return int(rows - _count(backend, table))


def _facts(
    recipe: Recipe,
    tally: Tally,
    out: str,
    tables: Mapping[str, str],
    columns: Sequence[str],
    backend: Backend,
) -> list[Check]:
    events = f"{out} WHERE {LEFT_OUT} IS NULL" if LEFT_OUT in columns else f"{out} WHERE true"
    read = ", ".join(f"{n} {name}" for name, n in tally.records.items() if n)
    total = int(run(backend, f"SELECT count(*) FROM {events}")[0][0])
    facts = [
        check("recipe.read", recipe=recipe.name, version=recipe.version, records=read, events=total)
    ]
    if tally.broken:
        facts.append(check("recipe_broken.some", rows=tally.broken))
    facts += [
        check("recipe_repeated.some", rows=n, records=name)
        for name, n in tally.repeated.items()
        if n
    ]
    facts += _left_out(out, columns, backend)
    facts += _unknown(events, columns, backend)
    facts += _nulls(events, total, columns, backend)
    facts += _announced(recipe, tables, backend)
    facts += _without_customer_turn(events, columns, backend)
    return facts


def _left_out(out: str, columns: Sequence[str], backend: Backend) -> list[Check]:
    if LEFT_OUT not in columns:
        return []
    sessions = "count(DISTINCT session)" if "session" in columns else "NULL"
    rows = run(
        backend,
        f"SELECT {LEFT_OUT}, count(*), {sessions} FROM {out} WHERE {LEFT_OUT} IS NOT NULL "
        f"GROUP BY {LEFT_OUT} ORDER BY {LEFT_OUT}",
    )
    return [
        check(
            f"recipe_left_out.{'sessions' if several else 'some'}",
            rows=n,
            sessions=several,
            reason=why,
        )
        for why, n, several in rows
    ]


def _unknown(events: str, columns: Sequence[str], backend: Backend) -> list[Check]:
    if UNKNOWN not in columns:
        return []
    rows = run(
        backend,
        f"SELECT {UNKNOWN}, count(*) FROM {events} AND {UNKNOWN} IS NOT NULL GROUP BY {UNKNOWN} "
        f"ORDER BY count(*) DESC, {UNKNOWN}",
    )
    if not rows:
        return []
    n = sum(row[1] for row in rows)
    words = ", ".join(f"'{row[0]}'" for row in rows[:_SHOWN])
    more = len(rows) - _SHOWN
    return [
        check(f"recipe_unknown.{'more' if more > 0 else 'some'}", rows=n, words=words, more=more)
    ]


def _nulls(events: str, total: int, columns: Sequence[str], backend: Backend) -> list[Check]:
    """Roles that every event has: nulls here are counted even where the reader would keep them."""
    wanted = [role for role in _FILLED if role in columns]
    counts = run(
        backend,
        f"SELECT {', '.join(f'count(*) - count({role})' for role in wanted)} FROM {events}",
    )[0]
    return [
        check("recipe_null.some", role, int(n), total=total)
        for role, n in zip(wanted, counts, strict=True)
        if n
    ]


def _announced(recipe: Recipe, tables: Mapping[str, str], backend: Backend) -> list[Check]:
    if recipe.announced is None:
        return []
    announced, present, short = run(
        backend,
        "SELECT sum(announced), sum(present), count(*) FILTER (announced > present) FROM "
        f"({_with_inputs(recipe.announced.strip(), tables)})",
    )[0]
    if not short:
        return [check("recipe_parts.all")]
    missing = int(announced) - int(present)
    return [
        check(
            "recipe_parts.missing",
            rows=int(short),
            announced=int(announced),
            present=int(present),
            missing=missing,
        )
    ]


def _without_customer_turn(events: str, columns: Sequence[str], backend: Backend) -> list[Check]:
    if not {"session", "actor"} <= set(columns):
        return []
    sessions, silent = run(
        backend,
        "SELECT count(*), count(*) FILTER (NOT spoke) FROM (SELECT session, "
        f"bool_or(coalesce(actor = 'customer', false)) AS spoke FROM {events} GROUP BY session)",
    )[0]
    if not silent:
        return []
    severity = "note" if silent < sessions else "warning"
    return [
        check("recipe_no_customer_turn.some", severity=severity, silent=silent, sessions=sessions)
    ]
