"""Records of an export as the SQL of a recipe sees them: typed by the fields of its head."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from ibis.backends.duckdb import Backend

from journeylib.core import LogError
from journeylib.log.engine.duckdb import identifier, quoted, run
from journeylib.log.engine.private_folder import PrivateFolder
from journeylib.log.sources.files import IS_OBJECT, lines_of
from journeylib.log.sources.recipes.parts import Part, json_source, object_sizes
from journeylib.log.sources.recipes.recipe import Input, bare
from journeylib.log.sources.text_encoding import plain_text

# As a field: the whole row of a table as JSON.
ROW = "row"
_PARENT, _OWN, _INDEX = "_dlt_parent_id", "_dlt_id", "_dlt_list_idx"


def sql_type(fields: Any) -> str:
    """Return the SQL type of a field as the head of a recipe writes it.

    Examples
    --------
    >>> sql_type({"id": None, "parts": [{"body": None}]})
    'STRUCT("id" VARCHAR, "parts" STRUCT("body" VARCHAR)[])'
    """
    if isinstance(fields, Mapping):
        inner = ", ".join(f"{identifier(str(k))} {sql_type(v)}" for k, v in fields.items())
        return f"STRUCT({inner})"
    if isinstance(fields, list):
        return f"{sql_type(fields[0])}[]"
    return "JSON" if fields in ("json", ROW) else "VARCHAR"


def _structure(fields: Any) -> Any:
    """Return the fields as DuckDB's ``from_json`` takes them."""
    if isinstance(fields, Mapping):
        return {str(key): _structure(value) for key, value in fields.items()}
    if isinstance(fields, list):
        return [_structure(fields[0])]
    return "JSON" if fields in ("json", ROW) else "VARCHAR"


def from_json(value: str, fields: Any) -> str:
    """Return the SQL that turns JSON into the type of the fields; what does not fit is null."""
    return f"from_json({value}, {quoted(json.dumps(_structure(fields)))})"


def empty(wanted: Input) -> str:
    """Return a SELECT without rows that has the columns of an input."""
    columns = ", ".join(
        f"NULL::{sql_type(fields)} AS {identifier(name)}" for name, fields in wanted.fields.items()
    )
    return f"SELECT {columns} WHERE false"


def fill(table: str, part: Part, wanted: Input, others: Sequence[Part], backend: Backend) -> int:
    """Insert the records of a part into the table of an input.

    Parameters
    ----------
    table : str
        As `empty` makes it.
    part : Part
    wanted : Input
    others : sequence of Part
        All parts: of a table, those among them that hold its lists.
    backend : Backend

    Returns
    -------
    int
        Lines that are no records.
    """
    if part.table is not None:
        run(backend, f"INSERT INTO {table} BY NAME {_of_table(part, wanted, others)}")
        return 0
    path = part.path
    assert path is not None
    for most in object_sizes(path):
        with contextlib.suppress(duckdb.Error):
            run(backend, f"INSERT INTO {table} BY NAME {_of_json(part, path, wanted, most)}")
            return 0
    return _line_by_line(table, part, path, wanted, backend)


def _of_json(part: Part, path: Path, wanted: Input, most: int) -> str:
    row = sql_type(wanted.fields)
    named = ", ".join(f"{quoted(k)}: {quoted(sql_type(v))}" for k, v in wanted.fields.items())
    if part.stream is not None:
        columns = f", columns={{'stream': 'VARCHAR', 'data': {quoted(row)}}}"
        reader = json_source(path, most, columns)
        return f"SELECT unnest(data) FROM {reader} WHERE stream = {quoted(part.stream)}"
    if part.inside is not None:
        columns = f", columns={{{quoted(part.inside)}: {quoted(row + '[]')}}}"
        reader = json_source(path, most, columns)
        return (
            f"SELECT unnest(r) FROM (SELECT unnest({identifier(part.inside)}) AS r FROM {reader})"
        )
    return f"SELECT * FROM {json_source(path, most, f', columns={{{named}}}')}"


def _line_by_line(table: str, part: Part, path: Path, wanted: Input, backend: Backend) -> int:
    """Read line by line: fields of another kind are null, and broken lines are counted."""
    line = "CASE WHEN json_valid(line) THEN line::JSON END"
    record = line if part.inside is None else f"json_extract({line}, {quoted('/' + part.inside)})"
    one = (
        f"unnest(from_json({record}, {quoted(json.dumps([_structure(wanted.fields)]))}))"
        if part.inside is not None and part.stream is None
        else from_json(record, wanted.fields)
    )
    keep = "" if part.stream is None else (
        f" AND json_extract_string({line}, '$.stream') = {quoted(part.stream)}"
    )  # fmt: skip
    with PrivateFolder() as folder:
        text = plain_text(path, folder)
        lines = lines_of(text)
        try:
            run(
                backend,
                f"INSERT INTO {table} BY NAME SELECT unnest(r) FROM (SELECT {one} AS r FROM "
                f"{lines} WHERE {IS_OBJECT}{keep})",
            )
            bad = run(
                backend,
                f"SELECT count(*) FROM {lines} WHERE trim(line) <> '' AND NOT ({IS_OBJECT})",
            )[0][0]
        except duckdb.Error:
            raise LogError(
                f"{path.name} cannot be read as JSON: neither lines, nor a page, nor records end "
                "to end."
            ) from None
    if run(backend, f"SELECT count(*) FROM {table}")[0][0] == 0:
        raise LogError(f"{path.name} holds no whole JSON object. Was the export cut off?")
    return int(bad)


def _of_table(part: Part, wanted: Input, others: Sequence[Part]) -> str:
    if part.inside is not None:
        record = from_json(f"{identifier(part.inside)}::JSON", wanted.fields)
        return f"SELECT unnest(r) FROM (SELECT {record} AS r FROM {part.table})"
    lists = {other.table: other for other in others if _is_list(other)}
    columns = ", ".join(
        f"{_column((name,), fields, part, 't', lists)} AS {identifier(name)}"
        for name, fields in wanted.fields.items()
    )
    return f"SELECT {columns} FROM {part.table} AS t"


def _is_list(part: Part) -> bool:
    return any(name == _PARENT for name, _ in part.columns)


def _column(
    path: tuple[str, ...], fields: Any, part: Part, alias: str, lists: Mapping[Any, Part]
) -> str:
    """Return the SQL of one field: a column, columns with ``__`` in their names, or a table."""
    if fields == ROW:
        return f"to_json({alias})"
    wanted = tuple(map(bare, path))
    for name, kind in part.columns:
        if _bare_steps(name) == wanted:
            return _cast(f"{alias}.{identifier(name)}", kind, fields)
    if fields == "json":
        inside = [name for name, _ in part.columns if _begins(name, wanted)]
        # Names as the loader has them: what they were before is not known.
        pairs = ", ".join(
            f"{quoted(_steps(name)[len(wanted)])}, {alias}.{identifier(name)}" for name in inside
        )
        return f"json_object({pairs})" if inside else "NULL::JSON"
    if isinstance(fields, Mapping):
        if not any(_begins(name, wanted) for name, _ in part.columns) and not any(
            _below(child, part, wanted) for child in lists.values()
        ):
            return f"NULL::{sql_type(fields)}"
        inner = ", ".join(
            f"{identifier(str(key))} := {_column((*path, str(key)), value, part, alias, lists)}"
            for key, value in fields.items()
        )
        return f"struct_pack({inner})"
    if isinstance(fields, list):
        for child in lists.values():
            if _below(child, part, wanted, exact=True):
                return _list(child, fields[0], alias, lists)
    return f"NULL::{sql_type(fields)}"


def _steps(name: str) -> list[str]:
    """Return the keys from which a loader made the name of a column or a table."""
    return re.split("__(?=[^_])", name)


def _bare_steps(name: str) -> tuple[str, ...]:
    return tuple(map(bare, _steps(name)))


def _begins(name: str, path: tuple[str, ...]) -> bool:
    return _bare_steps(name)[: len(path)] == path


def _below(child: Part, parent: Part, path: tuple[str, ...], *, exact: bool = False) -> bool:
    """Return whether a table holds the lists at a path of another table's records."""
    own, above = str(child.table), str(parent.table)
    prefix = above[:-1] if above.endswith('"') else above
    if not own.startswith(prefix + "__"):
        return False
    rest = own.removeprefix(prefix + "__").rstrip('"')
    steps = _bare_steps(rest)
    return steps == path if exact else steps[: len(path)] == path


def _list(child: Part, fields: Any, alias: str, lists: Mapping[Any, Part]) -> str:
    own = f"{alias}_c"
    if isinstance(fields, Mapping):
        inner = ", ".join(
            f"{identifier(str(key))} := {_column((str(key),), value, child, own, lists)}"
            for key, value in fields.items()
        )
        one = f"struct_pack({inner})"
    else:
        one = _column(("value",), fields, child, own, lists)
    return (
        f"(SELECT list({one} ORDER BY {own}.{_INDEX}) FROM {child.table} AS {own} "
        f"WHERE {own}.{_PARENT} = {alias}.{_OWN})"
    )


def _cast(column: str, kind: str, fields: Any) -> str:
    if fields == "json":
        if kind == "VARCHAR":
            return f"CASE WHEN json_valid({column}) THEN {column}::JSON ELSE to_json({column}) END"
        return column if kind == "JSON" else f"to_json({column})"
    if not isinstance(fields, Mapping | list):
        # Whole numbers with gaps become floats in some loaders: ids must not end in '.0'.
        if kind in ("DOUBLE", "FLOAT"):
            whole = f"{column} = floor({column}) AND abs({column}) < 9e15"
            return f"CASE WHEN {whole} THEN {column}::BIGINT::VARCHAR ELSE {column}::VARCHAR END"
        if kind == "TIMESTAMP WITH TIME ZONE":
            return f"strftime(make_timestamp(epoch_us({column})), '%Y-%m-%dT%H:%M:%S.%fZ')"
        return f"{column}::VARCHAR" if kind != "VARCHAR" else column
    text = column if kind == "JSON" else f"{column}::VARCHAR" if kind == "VARCHAR" else None
    if text is None:
        return from_json(f"to_json({column})", fields)
    good = f"CASE WHEN json_valid({text}) THEN {text}::JSON END"
    return from_json(good, fields)
