"""Data frames, Arrow tables, databases and Ibis tables, turned into a raw table in an engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.backends.duckdb import Backend

from journeylib.core import LogError, SchemaError, did_you_mean
from journeylib.log.engine.duckdb import connect, quoted, run, scratch_name
from journeylib.log.engine.spark import rows_of
from journeylib.log.sources.files import matching_files
from journeylib.log.sources.raw_table import FILE, POSITION, ROW, Pick, Raw
from journeylib.log.sources.text_encoding import unique_names

_ALONE: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "lock_configuration": "true",
}


def is_connection(value: Any) -> bool:
    """Return whether `value` is an open DuckDB."""
    return isinstance(value, duckdb.DuckDBPyConnection | Backend)


def arrow_table(source: Any, pick: Pick) -> pa.Table:
    """Turn a data frame into an Arrow table of the columns that `pick` keeps."""
    if isinstance(source, pd.DataFrame):
        return _from_pandas(source, pick)
    if isinstance(source, pa.Table):
        table = source
    elif hasattr(source, "collect") and type(source).__module__.startswith("polars"):
        table = source.collect().to_arrow()
    elif hasattr(source, "to_arrow"):
        table = source.to_arrow()
    elif hasattr(source, "__arrow_c_stream__") and not isinstance(source, pd.Series):
        table = pa.table(source)
    else:
        raise LogError(
            f"a log cannot be read from {type(source).__name__}. Give a path, a list of paths, a "
            "pandas, Polars or Arrow table, an Ibis table, or 'duckdb:///file.db::table'."
        )
    _refuse_repeated(table.column_names)
    table = table.rename_columns(_apart(table.column_names))
    return table.select(pick(table.column_names, "the table"))


def _refuse_repeated(names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated:
        raise SchemaError(f"the table has more than one column '{repeated[0]}'. Rename one.")


def _apart(names: Sequence[str]) -> list[str]:
    """Number the names that differ by case only: the engine takes them for one."""
    if len({name.casefold() for name in names}) == len(names):
        return list(names)
    return list(unique_names(list(names), len(names))[0])


def _from_pandas(frame: pd.DataFrame, pick: Pick) -> pa.Table:
    renamed = frame.set_axis([str(name) for name in frame.columns], axis=1)
    _refuse_repeated(list(renamed.columns))
    renamed = renamed.set_axis(_apart(list(renamed.columns)), axis=1)
    columns = {}
    for name in pick(list(renamed.columns), "the table"):
        try:
            columns[name] = pa.Array.from_pandas(renamed[name])
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            # Mixed types in one column: as text, like a file would hold them.
            gaps = renamed[name].isna()
            texts = [None if gap else str(v) for gap, v in zip(gaps, renamed[name], strict=True)]
            columns[name] = pa.array(texts, type=pa.string())
    return pa.table(columns)


def from_arrow(
    tables: list[pa.Table],
    backend: Backend,
    pick: Pick,
    name: str,
    files: tuple[str, ...] = ("table",),
) -> Raw:
    """Show Arrow tables to the engine, where they lie, with their rows numbered."""
    numbered = []
    offset = 0
    for index, given in enumerate(tables):
        table = given.rename_columns(_apart(given.column_names))
        rows = table.num_rows
        selected = _without_nanoseconds(table.select(pick(table.column_names, files[index])))
        selected = selected.append_column(FILE, pa.array([index] * rows, type=pa.int64()))
        selected = selected.append_column(ROW, pa.array(range(1, rows + 1), type=pa.int64()))
        selected = selected.append_column(
            POSITION, pa.array(range(offset + 1, offset + rows + 1), type=pa.int64())
        )
        numbered.append(selected)
        offset += rows
    if offset == 0:
        raise LogError(f"{name} holds no rows. Check the filter that made it.")
    view = scratch_name("raw")
    backend.con.register(view, pa.concat_tables(numbered, promote_options="permissive"))
    return Raw(backend.table(view), name, files, scratch=(view,))


def _without_nanoseconds(table: pa.Table) -> pa.Table:
    """Cut times with a zone to microseconds: Ibis has no type for anything finer."""
    fields = [
        field.with_type(pa.timestamp("us", field.type.tz))
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns" and field.type.tz
        else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields), safe=False)


def database_file(source: str) -> tuple[Path, str]:
    """Return the file that ``duckdb:///file.db::name`` means, and the name.

    Raises
    ------
    LogError
        There is no such file.
    """
    where, _, name = source.removeprefix("duckdb://").partition("::")
    path = Path(where.removeprefix("/") if not where.startswith("//") else where[1:])
    if where.startswith("/") and not path.exists():
        path = Path(where)
    matching_files(str(path))
    return path, name


def attach(path: Path, backend: Backend) -> str:
    """Attach a DuckDB file, to be read only; return the name that it has in the engine.

    Raises
    ------
    LogError
        The file cannot be opened.
    """
    alias = scratch_name("file")
    try:
        run(backend, f"ATTACH {quoted(str(path))} AS {alias} (READ_ONLY)")
    except duckdb.Error:
        raise _closed(path) from None
    return alias


def _closed(path: Path) -> LogError:
    return LogError(
        f"{path.name} is not a DuckDB file that this version can open, or another program holds it."
    )


def from_database(source: str, backend: Backend, pick: Pick) -> Raw:
    """Read a table or view of a DuckDB file, ``duckdb:///file.db::table``.

    Views are worked out where no file can be reached: they might read others than this one.
    """
    path, table = database_file(source)
    if not table:
        raise LogError(f"'{source}' names no table. Write 'duckdb:///file.db::table'.")
    name = f"{path.name}::{table}"
    schema, _, bare = table.rpartition(".")
    try:
        with duckdb.connect(str(path), read_only=True, config=_ALONE) as database:
            views = _listed(database, "view", bool(schema))
            _refuse_unknown(table, [*_listed(database, "table", bool(schema)), *views], path.name)
            if table in views:
                content = database.table(table).to_arrow_table()
                selected = content.select(pick(content.column_names, name))
                return from_arrow([selected], backend, lambda columns, _: list(columns), name)
    except duckdb.PermissionException:
        raise LogError(f"{name} reads other files. Store it as a table.") from None
    except duckdb.Error:
        raise _closed(path) from None
    alias = attach(path, backend)
    return from_ibis(backend.table(bare, database=(alias, schema or "main")), pick, name)


def _listed(database: duckdb.DuckDBPyConnection, kind: str, with_schema: bool) -> list[str]:
    """Return the names of the tables or views of a database that are its own."""
    query = f"SELECT schema_name, {kind}_name FROM duckdb_{kind}s() WHERE NOT internal ORDER BY 2"
    rows = database.execute(query).fetchall()
    return [f"{schema}.{name}" if with_schema else name for schema, name in rows]


def _refuse_unknown(table: str, tables: list[str], where: str) -> None:
    if table not in tables:
        raise LogError(
            f"there is no table '{table}' in {where}.{did_you_mean(table, tables)} "
            f"Tables there: {', '.join(sorted(tables)) or 'none'}."
        )


def from_connection(connection: Any, table: str, pick: Pick) -> Raw:
    """Read a table of an open DuckDB."""
    backend = (
        connection if isinstance(connection, Backend) else ibis.duckdb.from_connection(connection)
    )
    tables = [*_listed(backend.con, "table", False), *_listed(backend.con, "view", False)]
    _refuse_unknown(table, tables, "the database")
    return from_ibis(backend.table(table), pick, table)


def from_ibis(table: ir.Table, pick: Pick, name: str = "the table") -> Raw:
    """Take a table of DuckDB as it is; another engine gives its rows, in an order by content."""
    columns = pick(list(table.columns), name)
    if table.get_backend().name != "duckdb":
        rows = rows_of(table.select(*columns))
        rows = rows.sort_by([(column, "ascending") for column in sorted(columns)])
        return from_arrow([rows], connect(), lambda there, _: list(there), name)
    selected, number = table.select(*columns), ibis.row_number()
    numbered = selected.mutate(**{FILE: ibis.literal(0, type="int64"), ROW: number + 1})
    numbered = numbered.mutate(**{POSITION: numbered[ROW]})
    if not table.op().find(ops.InMemoryTable):
        return Raw(numbered, name)
    # Ibis shows its in-memory tables to the engine for one query only.
    held = scratch_name("raw")
    return Raw(table.get_backend().create_table(held, numbered, temp=True), name, scratch=(held,))


def drop_scratch(raw: Raw) -> None:
    """Drop what the reader left in the engine, once the log is materialised there."""
    backend = raw.table.get_backend()
    for name in raw.scratch:
        views = run(backend, "SELECT 1 FROM duckdb_views() WHERE view_name = ?", [name])
        run(backend, f"DROP {'VIEW' if views else 'TABLE'} IF EXISTS {name}")
