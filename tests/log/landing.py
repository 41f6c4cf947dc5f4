"""Land JSON records in DuckDB as loaders do, from their public documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb

Rows = list[dict[str, Any]]


def lines(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def as_dlt(file: Path, tables: dict[str, Rows]) -> str:
    """Names in snake case, objects flattened by ``__``, lists in child tables, nulls no column."""
    made: dict[str, Rows] = {}
    for name, records in tables.items():
        made.setdefault(name, [])
        for number, record in enumerate(records):
            own = f"{name}{number}"
            made[name].append(_flat(record, (), name, own, made) | {"_dlt_id": own})
    return _written(file, made, "vendor_data")


def _snake(name: str) -> str:
    return re.sub(
        r"([a-z0-9])([A-Z])", r"\1_\2", re.sub("([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    ).lower()


def _flat(
    record: dict[str, Any], above: tuple[str, ...], table: str, own: str, made: dict[str, Rows]
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key, value in record.items():
        path = (*above, _snake(key))
        if isinstance(value, dict):
            row |= _flat(value, path, table, own, made)
        elif isinstance(value, list):
            child = "__".join((table, *path))
            for place, one in enumerate(value):
                inner = f"{own}.{child}.{place}"
                items = one if isinstance(one, dict) else {"value": one}
                flat = _flat(items, (), child, inner, made)
                links = {"_dlt_parent_id": own, "_dlt_list_idx": place, "_dlt_id": inner}
                made.setdefault(child, []).append(flat | links)
        elif value is not None:
            row["__".join(path)] = value
    return row


def as_airbyte(file: Path, tables: dict[str, Rows]) -> str:
    """One column a key, what nests as JSON."""
    nested = {
        name: [
            {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()}
            for row in rows
        ]
        for name, rows in tables.items()
    }
    return _written(file, nested, "airbyte")


def as_raw_airbyte(file: Path, tables: dict[str, Rows]) -> str:
    """One column that holds the record."""
    raw = {
        name: [
            {"_airbyte_raw_id": str(i), "_airbyte_data": json.dumps(row)}
            for i, row in enumerate(rows)
        ]
        for name, rows in tables.items()
    }
    return _written(file, raw, "airbyte_internal")


def _written(file: Path, tables: dict[str, Rows], schema: str) -> str:
    with duckdb.connect(str(file)) as con:
        con.execute(f"CREATE SCHEMA {schema}")
        for name, rows in tables.items():
            if not rows:
                continue
            source = file.with_name(f"{name}.jsonl")
            source.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
            con.execute(
                f'CREATE TABLE {schema}."{name}" AS FROM '
                f"read_json('{source}', format='newline_delimited', sample_size=-1)"
            )
    return f"duckdb:///{file}"
