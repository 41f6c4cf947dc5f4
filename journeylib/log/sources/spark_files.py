"""Parquet files that Spark reads itself, wherever it can reach them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from journeylib.core import LogError
from journeylib.log.engine.duckdb import connect, scratch_name
from journeylib.log.sources.raw_table import (
    FILE,
    FIRST_US,
    LAST_US,
    POSITION,
    ROW,
    Pick,
    Raw,
    Window,
)

_PATH = "jl_path"  # of a file's first row
_TIMES = ("timestamp", "timestamp_ntz", "date")


def read_parquet(
    paths: Sequence[str], engine: Any, pick: Pick, window: Window | None = None
) -> Raw:
    """Read Parquet files through Spark, once; rows are numbered as the files hold them.

    Parameters
    ----------
    paths : sequence of str
        Files of this machine, or addresses that Spark can open (``s3a://…``, ``hdfs://…``).
    engine : Ibis backend of `spark_engine`
    pick : callable
        Chooses the columns to keep from those that are there.
    window : Window, optional
        Spark leaves out row groups whose statistics lie outside.
    """
    from pyspark.errors import PySparkException

    try:
        table = engine._session.read.parquet(*paths)
        files, rows = _read(table, pick(table.columns, paths[0]), window)
    except PySparkException as error:
        raise LogError(
            f"Spark cannot read {paths[0]} ({error.getCondition() or type(error).__name__}). Check "
            "the address, and write times in microseconds: Spark knows no nanoseconds."
        ) from None
    if not files:
        raise LogError(f"{paths[0]} holds columns and no rows. Check the export's filter.")
    # In the order of their names: where a pattern was given, only Spark knows the files.
    paths, keys, sizes = zip(*sorted(files), strict=True)
    index = pc.index_in(rows[FILE], pa.array(keys))
    before = np.cumsum([0, *sizes])
    position = pa.array(before[index.to_numpy()]) if rows.num_rows else pa.array([], pa.int64())
    rows = rows.set_column(rows.column_names.index(FILE), FILE, index.cast(pa.int64()))
    rows = rows.append_column(POSITION, pc.add(position, rows[ROW]))
    names = tuple(path.rpartition("/")[2] for path in paths)
    name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    view, backend = scratch_name("raw"), connect()
    backend.con.register(view, rows)
    return Raw(backend.table(view), name, names, scratch=(view,), rows=int(before[-1]))


def _read(
    table: Any, columns: Sequence[str], window: Window | None
) -> tuple[list[tuple[str, int, int]], pa.Table]:
    """Ask Spark for the rows once; the name of a file is long, so each row has its hash.

    Returns
    -------
    files : list of (str, int, int)
        Each file that has rows, its hash, and how many rows it has, outside the window, too.
    rows : pyarrow.Table
        The columns, with the hash as `FILE`, and `ROW`.
    """
    from pyspark.sql import functions as sql

    path, row = sql.col("_metadata.file_path"), sql.col("_metadata.row_index") + 1
    key = sql.xxhash64(path)
    wanted = [*(sql.col(f"`{name}`") for name in columns), key.alias(FILE), row.alias(ROW)]
    if window is not None:
        files = table.groupBy(path, key).count().collect()
        return [tuple(file) for file in files], _within(table, window).select(*wanted).toArrow()
    rows = table.select(*wanted, sql.when(row == 1, path).alias(_PATH)).toArrow()
    first = rows.filter(pc.is_valid(rows[_PATH]))
    sizes = {one["values"]: one["counts"] for one in pc.value_counts(rows[FILE]).to_pylist()}
    named = zip(first[_PATH].to_pylist(), first[FILE].to_pylist(), strict=True)
    return [(path, key, sizes[key]) for path, key in named], rows.drop_columns(_PATH)


def _within(table: Any, window: Window) -> Any:
    """Leave out what lies outside the window, where the times are typed."""
    from pyspark.sql import functions as sql

    if table.schema[window.column].dataType.typeName() not in _TIMES:
        return table
    time = sql.col(f"`{window.column}`")
    first, last, none_before, none_after = (
        sql.timestamp_micros(sql.lit(t)) for t in (*window.read_us, FIRST_US, LAST_US)
    )
    # What is no time stays, as a row without one does: to be counted as unusable.
    none = time.isNull() | (time < none_before) | (time > none_after)
    return table.where(none | time.between(first, last))
