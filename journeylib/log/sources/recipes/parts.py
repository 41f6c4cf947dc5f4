"""Parts of an export: files and tables, and the keys that their records have."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from ibis.backends.duckdb import Backend

from journeylib.core import JourneylibError, LogError
from journeylib.log.engine.duckdb import identifier, quoted, run, scratch_name
from journeylib.log.engine.private_folder import PrivateFolder
from journeylib.log.sources.archives import unpacked
from journeylib.log.sources.files import load_delimited, matching_files
from journeylib.log.sources.raw_table import ReadOptions
from journeylib.log.sources.recipes.recipe import Input, bare
from journeylib.log.sources.spreadsheets import SUFFIXES, read_sheet
from journeylib.log.sources.table_sources import attach, database_file
from journeylib.log.sources.text_encoding import plain_text

_SAMPLE = 50
_LINES = 1_000
_OBJECT = 1 << 24
_JSON = (".json", ".jsonl", ".ndjson", ".jsonlines")
_DELIMITED = (".csv", ".tsv", ".txt", ".tab")
_PACKED = (".gz", ".gzip")
_PARQUET = (".parquet", ".pq", ".parq")
# Columns of loaders that hold a whole record as JSON.
_WHOLE = ("_airbyte_data", "_sdc_record", "record_content")


@dataclass(frozen=True)
class Part:
    """A file or a table of an export, or one kind of records in it.

    Attributes
    ----------
    name : str
        What to call it in messages, without folders.
    keys : frozenset of str
        Keys of its records, as `bare` has them.
    path : Path or None
        Of a file.
    table : str or None
        SQL name of a table in the engine.
    inside : str or None
        Key of the list that a page holds its records in, or of the object of a record.
    stream : str or None
        Of a file in which each line says its stream.
    columns : dict of str to str
        Of a table: name to SQL type.
    """

    name: str
    keys: frozenset[str]
    path: Path | None = None
    table: str | None = None
    inside: str | None = None
    stream: str | None = None
    columns: tuple[tuple[str, str], ...] = ()

    def fits(self, wanted: Input) -> bool:
        """Return whether its records are of this kind."""
        keys = {bare(key) for key in wanted.keys}
        if self.table is not None and bare(self.name.rpartition(".")[2]) in map(
            bare, wanted.tables
        ):
            # Loaders create no column without data.
            return bool(keys & self.keys)
        return keys <= self.keys


@contextlib.contextmanager
def parts_of(source: Any, backend: Backend, *, look: bool = False) -> Iterator[list[Part]]:
    """Look at the files or tables of an export.

    Parameters
    ----------
    source : path, folder, glob, list of them, ``duckdb:///file.db``, or connection
        A database may be followed by ``::schema``.
    backend : ibis.backends.duckdb.Backend
        Where tables are attached, and delimited files loaded, while the context lasts.
    look : bool
        Only to see which keys there are: of delimited files one row is loaded, and files that
        cannot be read are left out.

    Raises
    ------
    LogError
        Nothing is there, or no part of it can be read.
    """
    if isinstance(source, str) and source.startswith("duckdb://"):
        with _attached(source, backend) as parts:
            yield parts
        return
    made: list[str] = []
    try:
        all_parts: list[Part] = []
        for path in unpacked(export_files(source)):
            with contextlib.suppress(*((LogError, OSError) if look else ())):
                all_parts += _of_file(path, backend, made, look=look)
        yield all_parts
    finally:
        for table in made:
            run(backend, f"DROP TABLE IF EXISTS {table}")


def export_files(source: Any) -> list[Path]:
    """Return the files of an export: of a folder those in it, in order of name."""
    paths: list[Path] = []
    for text in source if isinstance(source, list | tuple) else [source]:
        path = Path(text).expanduser()
        if not path.is_dir():
            paths += matching_files(str(text))
            continue
        files = readable_files(path)
        if not files:
            raise LogError(
                f"the folder {path.name or path} holds no JSON, CSV or Parquet file. Name the "
                "folder of the export."
            )
        paths += files
    return list(dict.fromkeys(paths))


def readable_files(folder: Path) -> list[Path]:
    """Return the files of a folder that may be parts of an export, in order of name."""
    return [one for one in sorted(folder.iterdir()) if one.is_file() and _readable(one)]


def _readable(path: Path) -> bool:
    suffixes = (*_JSON, *_DELIMITED, *_PARQUET, *SUFFIXES, ".zip", ".tar", ".tgz")
    return not path.name.startswith(".") and _suffix(path) in suffixes


def _suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _of_file(path: Path, backend: Backend, made: list[str], *, look: bool) -> list[Part]:
    if look and not _readable(path):
        return []
    if _suffix(path) in _JSON:
        return _of_json(path, backend)
    if _suffix(path) in _PARQUET:
        table = f"read_parquet({quoted(str(path))})"
        return [_of_table(path.name, table, backend, path)]
    if _suffix(path) in SUFFIXES:
        table = scratch_name("sheet")
        backend.con.register(table, read_sheet(path).table)
        return [_of_table(path.name, table, backend, path)]
    limit = 1 if look else None
    raw = load_delimited(
        [path], backend, lambda columns, _: list(columns), ReadOptions(limit=limit)
    )
    made.extend(raw.scratch)
    return [_of_table(path.name, raw.scratch[0], backend, path)]


def _of_table(name: str, table: str, backend: Backend, path: Path | None = None) -> Part:
    try:
        described = run(backend, f"DESCRIBE SELECT * FROM {table}")
    except duckdb.Error:
        raise LogError(f"{name} cannot be read as a table. Write it again.") from None
    columns = tuple((str(row[0]), str(row[1])) for row in described)
    whole = next((column for column, _ in columns if column.lower() in _WHOLE), None)
    if whole is None:
        keys = {bare(column.split("__")[0]) for column, _ in columns}
        return Part(name, frozenset(keys), path, table, columns=columns)
    sample = run(
        backend,
        f"SELECT DISTINCT unnest(json_keys({identifier(whole)}::JSON)) FROM "
        f"(SELECT * FROM {table} LIMIT {_SAMPLE})",
    )
    keys = {bare(row[0]) for row in sample}
    return Part(name, frozenset(keys), path, table, inside=whole, columns=columns)


def object_sizes(path: Path) -> list[int]:
    """Return how large an object of a JSON file may be: as most are, and as large as the file.

    The engine holds two objects of that size for each thread, so the large one is tried last.
    """
    whole = path.stat().st_size * (20 if path.suffix.lower() in _PACKED else 1) + 1024
    return [_OBJECT, min(whole, 2**32 - 2**20)] if whole > _OBJECT else [_OBJECT]


def json_source(path: Path, most: int, columns: str = "", *, objects: bool = False) -> str:
    """Return the SQL that reads a JSON file: lines, one page, an array, or records end to end."""
    reader = "read_json_objects" if objects else "read_json"
    return f"{reader}({quoted(_literal(path))}, format='auto', maximum_object_size={most}{columns})"


def _literal(path: Path) -> str:
    """Return the path with the engine's pattern characters made literal."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def _of_json(path: Path, backend: Backend) -> list[Part]:
    """Look at the first records: plain ones, a page with a list inside, or several streams."""
    rows: list[tuple[Any, ...]] | None = None
    for most in object_sizes(path):
        objects = json_source(path, most, objects=True)
        with contextlib.suppress(duckdb.Error):
            rows = run(
                backend,
                f"SELECT json_keys(json) FROM {objects} WHERE json_type(json) = 'OBJECT' "
                f"LIMIT {_SAMPLE}",
            )
            break
    if rows is None:
        return [_whole_lines(path)]
    if rows and all({"stream", "data"} <= set(keys) for (keys,) in rows):
        return _streams(path, objects, backend)
    keys = frozenset(bare(key) for row in rows for key in row[0])
    parts = [Part(path.name, keys, path)]
    if len(rows) == 1 and (page := _page(rows[0][0], objects, backend)) is not None:
        # It may be a page of records, or a record with a list.
        parts.append(Part(path.name, page[1], path, inside=page[0]))
    return parts


def _whole_lines(path: Path) -> Part:
    """Look at the first lines that are records, where others are broken."""
    records: list[dict[str, Any]] = []
    with (
        PrivateFolder() as folder,
        plain_text(path, folder).path.open(encoding="utf-8", errors="replace") as lines,
    ):
        for line in itertools.islice(lines, _LINES):
            with contextlib.suppress(ValueError, RecursionError):
                record = json.loads(line)
                records += [record] if isinstance(record, dict) else []
    if not records:
        raise LogError(
            f"{path.name} is not JSON: neither lines, nor a page, nor records end to end."
        )
    return Part(path.name, frozenset(bare(key) for record in records for key in record), path)


def _page(keys: list[str], objects: str, backend: Backend) -> tuple[str, frozenset[str]] | None:
    """Return the key of the only list of objects that a lone record holds, and their keys."""
    wanted = ", ".join(f"json_keys(json, {quoted(f'/{_escaped(key)}/0')})" for key in keys)
    row = run(backend, f"SELECT {wanted} FROM {objects} LIMIT 1")[0]
    lists = [
        (key, frozenset(map(bare, inner))) for key, inner in zip(keys, row, strict=True) if inner
    ]
    return lists[0] if len(lists) == 1 else None


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _streams(path: Path, objects: str, backend: Backend) -> list[Part]:
    rows = run(
        backend,
        "SELECT stream, list(DISTINCT key) FROM (SELECT json_extract_string(json, '$.stream') "
        f"AS stream, unnest(json_keys(json, '$.data')) AS key FROM {objects}) "
        "WHERE stream IS NOT NULL GROUP BY stream ORDER BY stream",
    )
    return [
        Part(f"{path.name}, {stream}", frozenset(map(bare, keys)), path, None, "data", stream)
        for stream, keys in rows
    ]


@contextlib.contextmanager
def _attached(source: str, backend: Backend) -> Iterator[list[Part]]:
    path, schema = database_file(source)
    alias = attach(path, backend)
    try:
        yield list(_tables(alias, schema, backend))
    finally:
        run(backend, f"DETACH {alias}")


def _tables(database: str, schema: str, backend: Backend) -> Iterable[Part]:
    tables = run(
        backend,
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ? "
        "AND (? = '' OR table_schema = ?) ORDER BY 1, 2",
        [database, schema, schema],
    )
    for table_schema, name in tables:
        table = f"{database}.{identifier(table_schema)}.{identifier(name)}"
        with contextlib.suppress(JourneylibError, duckdb.Error):
            yield _of_table(f"{table_schema}.{name}", table, backend)
