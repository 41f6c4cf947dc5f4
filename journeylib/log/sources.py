"""Everything a log can come from, turned into a raw table in an engine."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.backends.duckdb import Backend

from journeylib.errors import LogError, SchemaError, did_you_mean
from journeylib.log.archives import unpacked
from journeylib.log.engine import connect, quoted, run
from journeylib.log.files import (
    Pick,
    load_delimited,
    load_json_lines,
    load_parquet,
    scratch_name,
)
from journeylib.log.raw import FILE, POSITION, ROW, Raw, Window
from journeylib.log.spark import adopt, read_parquet
from journeylib.log.spreadsheets import SUFFIXES, read_sheet

_PACKED = (".gz", ".gzip", ".zip")
_DELIMITED = (".csv", ".tsv", ".txt", ".tab", ".psv", ".dat", ".log", "")
_JSON_LINES = (".jsonl", ".ndjson", ".jsonlines")
_PARQUET = (".parquet", ".pq", ".parq")
# Reads a source in an engine: (source, engine, pick) -> raw table
Reader = Callable[[Any, Backend, Pick], Raw]


def open_source(
    source: Any,
    pick: Pick,
    *,
    engine: BaseBackend | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    object_type: str | None = None,
    limit: int | None = None,
    window: Window | None = None,
    reader: Reader | None = None,
) -> Raw:
    """Open whatever holds a log.

    Parameters
    ----------
    source : path, glob, list of paths, data frame, Ibis table, ``duckdb:///file.db::table`` or
        a pair of DuckDB connection and table name
    pick : callable
        Chooses the columns to keep from those that are there.
    engine : Ibis backend, optional
        A DuckDB to hold the log, or a Spark to read Parquet files in; else a new DuckDB in
        memory. Ibis tables stay in their own.
    delimiter, encoding : str, optional
        For text files; found out unless given.
    object_type : str, optional
        For OCEL: whose events make a journey.
    limit : int, optional
        For delimited files: load no more rows of each.
    window : Window, optional
        Of Parquet files, leave out what lies outside where it costs nothing to tell.
    reader : callable, optional
        Reads the source instead, as a recipe does.

    Raises
    ------
    LogError
        The source is not there, may not be read, is empty or is no log.
    """
    if isinstance(source, ir.Table):
        return _from_ibis(adopt(source), pick)
    if isinstance(source, tuple) and len(source) == 2 and _is_connection(source[0]):
        return _from_connection(source[0], str(source[1]), pick)
    if reader is None and (far := _for_spark(source, engine)) is not None:
        return read_parquet(far, engine, pick, window)
    backend = engine if isinstance(engine, Backend) else connect()
    if reader is not None:
        return reader(source, backend, pick)
    if isinstance(source, str) and source.startswith("duckdb://"):
        return _from_database(source, backend, pick)
    if isinstance(source, str | os.PathLike):
        paths = expanded(os.fspath(source))
    elif isinstance(source, list | tuple) and all(isinstance(p, str | os.PathLike) for p in source):
        paths = [path for part in source for path in expanded(os.fspath(part))]
        if not paths:
            raise LogError("the list of files is empty. Name at least one file.")
    else:
        return from_arrow([_arrow(source, pick)], backend, lambda c, _: list(c), "the table")
    paths = unpacked(paths)
    return _from_files(paths, backend, pick, delimiter, encoding, object_type, limit, window)


def _for_spark(source: Any, engine: BaseBackend | None) -> list[str] | None:
    """Return the Parquet files that Spark is to read itself; None where there is no Spark."""
    if engine is None or engine.name != "pyspark":
        return None
    parts = source if isinstance(source, list | tuple) else [source]
    if not parts or not all(isinstance(part, str | os.PathLike) for part in parts):
        return None
    texts = [os.fspath(part) for part in parts]
    # Where a store lies that only Spark can reach, nothing can be looked at from here.
    if all("://" in text and not text.startswith("duckdb://") for text in texts):
        return texts
    if any("://" in text for text in texts):
        return None
    paths = [path for text in texts for path in expanded(text)]
    if any(_kind(path) != "parquet" for path in paths):
        return None
    return [path.absolute().as_uri() for path in paths]


def _is_connection(value: Any) -> bool:
    return isinstance(value, duckdb.DuckDBPyConnection | Backend)


def expanded(text: str) -> list[Path]:
    """Return the files that a path or a pattern stands for, patterns in order of name."""
    path = Path(text).expanduser()
    if path.is_dir():
        raise LogError(
            f"{path.name or path} is a directory. Name a file, or a pattern such as "
            f"'{path.name or path}/*.csv'. A folder is read where `journeylib recipes` lists the "
            "system that it is an export of."
        )
    if not path.exists() and glob.has_magic(text):
        found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207 - absolute patterns
        files = [name for name in found if name.is_file()]
        if not files:
            raise LogError(f"no file matches the pattern '{text}'.")
        return files
    if not path.exists():
        folder = path.parent
        siblings = [p.name for p in folder.iterdir()] if folder.is_dir() else []
        place = "" if folder.is_dir() else f" There is no folder '{folder.name}' either."
        raise LogError(f"there is no file '{path.name}'.{did_you_mean(path.name, siblings)}{place}")
    return [path]


def is_object_centric(source: str) -> bool:
    """Whether a source is one OCEL file."""
    return "://" not in source and Path(source).is_file() and _kind(Path(source)) == "ocel"


def _kind(path: Path) -> str:
    """Tell a file's kind by its first bytes where they are telling, else by its name."""
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
    except PermissionError:
        raise LogError(
            f"{path.name} may not be read by this user. Ask its owner for the right to read it."
        ) from None
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if magic == b"PAR1" or suffix in _PARQUET:
        return "parquet"
    if suffix in SUFFIXES:
        return "spreadsheet"
    if suffix in _JSON_LINES:
        return "json lines"
    if suffix == ".xes":
        return "xes"
    if suffix in (".jsonocel", ".xmlocel", ".sqlite", ".ocel") or (
        suffix in (".json", ".xml") and (".ocel" in suffixes or "ocel" in path.name.lower())
    ):
        return "ocel"
    if suffix == ".json":
        return "json lines"
    return "delimited"


def _from_files(
    paths: list[Path],
    backend: Backend,
    pick: Pick,
    delimiter: str | None,
    encoding: str | None,
    object_type: str | None,
    limit: int | None,
    window: Window | None,
) -> Raw:
    kinds = sorted({_kind(path) for path in paths})
    if len(kinds) > 1:
        raise LogError(
            f"the files are of different kinds ({', '.join(kinds)}). Read each kind by itself."
        )
    if kinds == ["parquet"]:
        return load_parquet(paths, backend, pick, window)
    if kinds == ["json lines"]:
        return load_json_lines(paths, backend, pick, encoding=encoding)
    if kinds == ["delimited"]:
        return load_delimited(
            paths, backend, pick, delimiter=delimiter, encoding=encoding, limit=limit
        )
    if kinds == ["spreadsheet"]:
        return _from_sheets(paths, backend, pick)
    from journeylib.log.processlogs import read_ocel, read_xes

    if kinds == ["xes"]:
        tables = [read_xes(path) for path in paths]
    else:
        tables = [read_ocel(path, object_type) for path in paths]
    return from_arrow(tables, backend, pick, paths[0].name, tuple(path.name for path in paths))


def _from_sheets(paths: list[Path], backend: Backend, pick: Pick) -> Raw:
    sheets = [read_sheet(path) for path in paths]
    names = tuple(path.name for path in paths)
    raw = from_arrow([sheet.table for sheet in sheets], backend, pick, names[0], names)
    facts = dict.fromkeys(fact for sheet in sheets for fact in sheet.facts)
    return replace(raw, facts=tuple(facts))


def _arrow(source: Any, pick: Pick) -> pa.Table:
    """Turn a data frame into an Arrow table of the columns that `pick` keeps."""
    if isinstance(source, pd.DataFrame):
        return _from_pandas(source, pick)
    if isinstance(source, pa.Table):
        table = source
    elif hasattr(source, "collect") and type(source).__module__.startswith("polars"):
        table = source.collect().to_arrow()
    elif hasattr(source, "to_arrow"):
        table = source.to_arrow()
    elif hasattr(source, "__arrow_c_stream__"):
        table = pa.table(source)
    else:
        raise LogError(
            f"a log cannot be read from {type(source).__name__}. Give a path, a list of paths, a "
            "pandas, Polars or Arrow table, an Ibis table, or 'duckdb:///file.db::table'."
        )
    _refuse_repeated(table.column_names)
    return table.select(pick(table.column_names, "the table"))


def _refuse_repeated(names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated:
        raise SchemaError(f"the table has more than one column '{repeated[0]}'. Rename one.")


def _from_pandas(frame: pd.DataFrame, pick: Pick) -> pa.Table:
    renamed = frame.set_axis([str(name) for name in frame.columns], axis=1)
    _refuse_repeated(list(renamed.columns))
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
    for index, table in enumerate(tables):
        rows = table.num_rows
        kept = _without_nanoseconds(table.select(pick(table.column_names, files[index])))
        kept = kept.append_column(FILE, pa.array([index] * rows, type=pa.int64()))
        kept = kept.append_column(ROW, pa.array(range(1, rows + 1), type=pa.int64()))
        kept = kept.append_column(
            POSITION, pa.array(range(offset + 1, offset + rows + 1), type=pa.int64())
        )
        numbered.append(kept)
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


def _from_database(source: str, backend: Backend, pick: Pick) -> Raw:
    place, _, table = source.removeprefix("duckdb://").partition("::")
    path = Path(place.removeprefix("/") if not place.startswith("//") else place[1:])
    if place.startswith("/") and not path.exists():
        path = Path(place)
    if not table:
        raise LogError(f"'{source}' names no table. Write 'duckdb:///file.db::table'.")
    expanded(str(path))
    alias = scratch_name("file")
    try:
        run(backend, f"ATTACH {quoted(str(path))} AS {alias} (READ_ONLY)")
    except duckdb.Error:
        raise LogError(
            f"{path.name} is not a DuckDB file that this version can open, or another program "
            "holds it."
        ) from None
    schema, _, bare = table.rpartition(".")
    known = [
        row[0] if not schema else f"{row[1]}.{row[0]}"
        for row in run(
            backend,
            "SELECT table_name, schema_name FROM duckdb_tables() WHERE database_name = ? "
            "UNION ALL SELECT view_name, schema_name FROM duckdb_views() "
            "WHERE database_name = ? AND NOT internal ORDER BY 1",
            [alias, alias],
        )
    ]
    if table not in known:
        raise LogError(
            f"there is no table '{table}' in {path.name}.{did_you_mean(table, known)} "
            f"Tables there: {', '.join(known) or 'none'}."
        )
    return _from_ibis(
        backend.table(bare, database=(alias, schema or "main")), pick, f"{path.name}::{table}"
    )


def _from_connection(connection: Any, table: str, pick: Pick) -> Raw:
    backend = (
        connection if isinstance(connection, Backend) else ibis.duckdb.from_connection(connection)
    )
    known = [
        row[0]
        for row in run(
            backend,
            "SELECT table_name FROM duckdb_tables() UNION "
            "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1",
        )
    ]
    if table not in known:
        raise LogError(
            f"there is no table '{table}' in the database.{did_you_mean(table, known)} "
            f"Tables there: {', '.join(sorted(known)) or 'none'}."
        )
    return _from_ibis(backend.table(table), pick, table)


def _from_ibis(table: ir.Table, pick: Pick, name: str = "the table") -> Raw:
    """Take an Ibis table as it is; only DuckDB's tables have an order of their own."""
    columns = pick(list(table.columns), name)
    kept = table.select(*columns)
    if table.get_backend().name == "duckdb":
        number = ibis.row_number()
    else:
        number = ibis.row_number().over(order_by=[kept[column] for column in sorted(columns)])
    numbered = kept.mutate(**{FILE: ibis.literal(0, type="int64"), ROW: number + 1})
    numbered = numbered.mutate(**{POSITION: numbered[ROW]})
    if not table.op().find(ops.InMemoryTable):
        return Raw(numbered, name)
    # Ibis shows its in-memory tables to the engine for one query only.
    held = scratch_name("raw")
    return Raw(table.get_backend().create_table(held, numbered, temp=True), name, scratch=(held,))


def tidy(raw: Raw) -> None:
    """Drop what the reader left in the engine, once the log is materialised there."""
    backend = raw.table.get_backend()
    if not isinstance(backend, Backend):
        return
    for name in raw.scratch:
        views = run(backend, "SELECT 1 FROM duckdb_views() WHERE view_name = ?", [name])
        run(backend, f"DROP {'VIEW' if views else 'TABLE'} IF EXISTS {name}")
