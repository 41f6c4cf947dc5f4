"""Parquet files that Spark reads itself, wherever it can reach them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from journeylib.core import LogError
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
    """Look at Parquet files in place, through Spark; rows are numbered as the files hold them.

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
    from pyspark.sql import functions as sql

    try:
        table = engine._session.read.parquet(*paths)
        sizes = table.groupBy(sql.col("_metadata.file_path").alias("path")).count().collect()
    except PySparkException as error:
        raise LogError(
            f"Spark cannot read {paths[0]} ({error.getCondition() or type(error).__name__}). Check "
            "the address, and write times in microseconds: Spark knows no nanoseconds."
        ) from None
    # In the order of their names: where a pattern was given, only Spark knows the files.
    files, offset = [], 0
    for index, (path, rows) in enumerate(sorted(tuple(row) for row in sizes)):
        files.append((path, index, offset))
        offset += rows
    if not files:
        raise LogError(f"{paths[0]} holds columns and no rows. Check the export's filter.")
    known = engine._session.createDataFrame(files, f"path string, {FILE} long, skipped long")
    picked = pick(table.columns, paths[0])
    if window is not None and table.schema[window.column].dataType.typeName() in _TIMES:
        time = sql.col(f"`{window.column}`")
        first, last, none_before, none_after = (
            sql.timestamp_micros(sql.lit(t)) for t in (*window.read_us, FIRST_US, LAST_US)
        )
        # What is no time stays, as a row without one does: to be counted as unusable.
        none = time.isNull() | (time < none_before) | (time > none_after)
        table = table.where(none | time.between(first, last))
    row = sql.col("_metadata.row_index") + 1
    numbered = table.select(
        *(sql.col(f"`{name}`") for name in picked),
        row.alias(ROW),
        sql.col("_metadata.file_path").alias("path"),
    ).join(sql.broadcast(known), "path")
    numbered = numbered.withColumn(POSITION, sql.col("skipped") + sql.col(ROW))
    names = tuple(path.rpartition("/")[2] for path, _index, _offset in files)
    name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return Raw(engine.hold_frame(numbered.drop("path", "skipped")), name, names, rows=offset)
