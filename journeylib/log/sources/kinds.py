"""What kind of source holds a log, and who reads that kind."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from journeylib.core import LogError
from journeylib.log.engine.duckdb import connect
from journeylib.log.eventlog import check
from journeylib.log.sources.archives import unpacked
from journeylib.log.sources.files import (
    load_delimited,
    load_json_lines,
    load_parquet,
    matching_files,
)
from journeylib.log.sources.raw_table import Pick, Raw, ReadOptions
from journeylib.log.sources.recipes.execution import run_recipe
from journeylib.log.sources.recipes.recipe import find_recipe
from journeylib.log.sources.spark_files import read_parquet
from journeylib.log.sources.spreadsheets import SUFFIXES, forget_sheet, read_sheet
from journeylib.log.sources.table_sources import (
    arrow_table,
    from_arrow,
    from_connection,
    from_database,
    from_ibis,
    is_connection,
)

_PACKED = (".gz", ".gzip", ".zip")
_JSON_LINES = (".jsonl", ".ndjson", ".jsonlines")
_PARQUET = (".parquet", ".pq", ".parq")
_MOST_HEADER = 1 << 16


def open_source(source: Any, pick: Pick, options: ReadOptions | None = None) -> Raw:
    """Open whatever holds a log.

    Parameters
    ----------
    source : path, glob, list of paths, data frame, Ibis table, ``duckdb:///file.db::table`` or
        a pair of DuckDB connection and table name
    pick : callable
        Chooses the columns to keep from those that are there.
    options : ReadOptions, optional
        Tables of DuckDB stay where they are, whatever it says.

    Raises
    ------
    LogError
        The source is not there, may not be read, is empty or is no log.
    """
    options = options or ReadOptions()
    if isinstance(source, ir.Table):
        return from_ibis(source, pick)
    if isinstance(source, tuple) and len(source) == 2 and is_connection(source[0]):
        return from_connection(source[0], str(source[1]), pick)
    backend = options.engine if isinstance(options.engine, Backend) else None
    if options.recipe is not None:
        return run_recipe(source, find_recipe(options.recipe), backend or connect(), pick)
    if (addresses := _for_spark(source, options.engine)) is not None:
        return read_parquet(addresses, options.engine, pick, options.window)
    backend = backend or connect()
    if isinstance(source, str) and source.startswith("duckdb://"):
        return from_database(source, backend, pick)
    parts = [source] if isinstance(source, str | os.PathLike) else source
    if not isinstance(parts, list | tuple) or not _all_paths(parts):
        return from_arrow([arrow_table(source, pick)], backend, lambda c, _: list(c), "the table")
    paths = [path for part in parts for path in matching_files(os.fspath(part))]
    if not paths:
        raise LogError("the list of files is empty. Name at least one file.")
    return _from_files(unpacked(paths), backend, pick, options)


def _all_paths(parts: list[Any] | tuple[Any, ...]) -> bool:
    return all(isinstance(part, str | os.PathLike) for part in parts)


def _for_spark(source: Any, engine: Any) -> list[str] | None:
    """Return the Parquet files that Spark is to read itself; None where there is no Spark."""
    if engine is None or engine.name != "pyspark":
        return None
    parts = source if isinstance(source, list | tuple) else [source]
    if not parts or not _all_paths(parts):
        return None
    texts = [os.fspath(part) for part in parts]
    # Where a store lies that only Spark can reach, nothing can be looked at from here.
    if all("://" in text and not text.startswith("duckdb://") for text in texts):
        return texts
    if any("://" in text for text in texts):
        return None
    paths = [path for text in texts for path in matching_files(text)]
    if any(_kind(path) != "parquet" for path in paths):
        return None
    return [path.absolute().as_uri() for path in paths]


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
    return "ocel" if suffix == ".csv" and _names_object_types(path) else "delimited"


def _names_object_types(path: Path) -> bool:
    """Return whether the header of a CSV names columns of objects, as OCEL 1.0 does."""
    with path.open("rb") as stream:
        return b"ocel:type:" in stream.readline(_MOST_HEADER)


def _from_files(paths: list[Path], backend: Backend, pick: Pick, options: ReadOptions) -> Raw:
    kinds = sorted({_kind(path) for path in paths})
    if len(kinds) > 1:
        raise LogError(
            f"the files are of different kinds ({', '.join(kinds)}). Read each kind by itself."
        )
    if kinds == ["parquet"]:
        return load_parquet(paths, backend, pick, options.window)
    if kinds == ["json lines"]:
        return load_json_lines(paths, backend, pick, options)
    if kinds == ["delimited"]:
        return load_delimited(paths, backend, pick, options)
    if kinds == ["spreadsheet"]:
        return _from_sheets(paths, backend, pick)
    from journeylib.log.sources.process_mining import read_ocel, read_xes

    names = tuple(path.name for path in paths)
    if kinds == ["ocel"]:
        objects = [read_ocel(path, options.object_type) for path in paths]
        return from_arrow(objects, backend, pick, names[0], names)
    logs = [read_xes(path) for path in paths]
    raw = from_arrow([table for table, _ in logs], backend, pick, names[0], names)
    alike = sum(count for _, count in logs)
    return replace(raw, facts=(check("traces_alike.some", rows=alike),)) if alike else raw


def _from_sheets(paths: list[Path], backend: Backend, pick: Pick) -> Raw:
    sheets = [read_sheet(path) for path in paths]
    forget_sheet()
    names = tuple(path.name for path in paths)
    raw = from_arrow([sheet.table for sheet in sheets], backend, pick, names[0], names)
    facts = dict.fromkeys(fact for sheet in sheets for fact in sheet.facts)
    return replace(raw, facts=tuple(facts))
