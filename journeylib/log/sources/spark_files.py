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
        keys, sizes, rows = _read(table, pick(table.columns, paths[0]), window)
    except PySparkException as error:
        raise LogError(
            f"Spark cannot read {paths[0]} ({error.getCondition() or type(error).__name__}). Check "
            "the address, and write times in microseconds: Spark knows no nanoseconds."
        ) from None
    # In the order of their names: where a pattern was given, only Spark knows the files.
    files = sorted((path, key) for path, key in keys if key in sizes)
    if not files:
        raise LogError(f"{paths[0]} holds columns and no rows. Check the export's filter.")
    index = pc.index_in(rows[FILE], pa.array([key for _path, key in files]))
    before = np.cumsum([0, *(sizes[key] for _path, key in files)])
    position = pa.array(before[index.to_numpy()]) if rows.num_rows else pa.array([], pa.int64())
    rows = rows.set_column(rows.column_names.index(FILE), FILE, index.cast(pa.int64()))
    rows = rows.append_column(POSITION, pc.add(position, rows[ROW]))
    names = tuple(path.rpartition("/")[2] for path, _key in files)
    name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    view, backend = scratch_name("raw"), connect()
    backend.con.register(view, rows)
    return Raw(backend.table(view), name, names, scratch=(view,), rows=int(before[-1]))


def _read(
    table: Any, columns: Sequence[str], window: Window | None
) -> tuple[list[tuple[str, int]], dict[int, int], pa.Table]:
    """Ask Spark for the rows once; the name of a file is long, so each row has its hash.

    Returns
    -------
    keys : list of (str, int)
        Files with their hash.
    sizes : dict of int to int
        Rows of each file that has any, those outside the window counted, by hash.
    rows : pyarrow.Table
        The columns, with the hash as `FILE`, and `ROW`.
    """
    from pyspark.sql import functions as sql

    def key(path: Any) -> Any:
        # Spark lists file:///a and says of its rows that they are of file:/a.
        return sql.xxhash64(sql.replace(path, sql.lit("///"), sql.lit("/")))

    file = key(sql.col("_metadata.file_path")).alias(FILE)
    listed = table.sparkSession.createDataFrame(pa.table({"path": list(table.inputFiles())}))
    keys = [tuple(row) for row in listed.select("path", key(sql.col("path"))).collect()]
    wanted, sizes = table, None
    if window is not None:
        wanted = _within(table, window)
        sizes = {row[0]: row[1] for row in table.groupBy(file).count().collect()}
    row = (sql.col("_metadata.row_index") + 1).alias(ROW)
    rows = wanted.select(*(sql.col(f"`{name}`") for name in columns), file, row).toArrow()
    if sizes is None:
        counted = pc.value_counts(rows[FILE])
        sizes = dict(zip(*(part.to_pylist() for part in counted.flatten()), strict=True))
    return keys, sizes, rows


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
