"""Spark as a reader: it gives the wanted columns of a log once, and DuckDB does the rest."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from journeylib.core import LogError, import_models

LOCAL = "local[*]"
_NEEDED = "Spark is an optional extra: pip install 'journeylib[spark]' (it needs Java 17 or newer)."
# Of a session that is opened here. Without a page of its own it opens no port.
_OWN = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
# Room for all classes from the start: else Java collects garbage each time that they need more.
_FLAGS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:MetaspaceSize=192m"
# Without a cost of opening, the cores share the bytes of a log evenly.
_QUICK_START = {"spark.driver.extraJavaOptions": _FLAGS, "spark.sql.files.openCostInBytes": "0"}


def spark_engine(session: Any = None, *, master: str = LOCAL) -> Any:
    """Open Spark as a reader of logs.

    Parameters
    ----------
    session : pyspark.sql.SparkSession, optional
        One that is open; its time zone is set to UTC. A new one unless given.
    master : str
        Where a new session runs: ``local[2]``, ``spark://host:7077``, ``yarn`` ….

    Returns
    -------
    ibis.backends.pyspark.Backend
        What `read_log` takes as its engine.

    Raises
    ------
    LogError
        Spark or Java is not installed, or the master does not answer.
    """
    with warnings.catch_warnings():
        # It warns of pandas 3 on import; nothing here goes through its pandas.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        try:
            return ibis.pyspark.connect(session if session is not None else _open(master))
        except ImportError:
            raise LogError(_NEEDED) from None


def rows_of(table: ir.Table) -> pa.Table:
    """Bring the rows of another engine's table here.

    Ibis brings Spark's through pandas, where integers with gaps become floats.
    """
    backend = table.get_backend()
    if backend.name != "pyspark":
        return table.to_pyarrow()
    backend._run_pre_execute_hooks(table)
    return backend._session.sql(backend.compile(table)).toArrow()


def is_session(value: Any) -> bool:
    """Say whether `value` is a Spark session, without importing Spark."""
    return type(value).__name__ == "SparkSession" and type(value).__module__.startswith("pyspark")


def _open(master: str) -> Any:
    from pyspark.sql import SparkSession

    here = master.startswith("local")
    builder = SparkSession.builder.master(master).appName("journeylib")
    for key, value in (_OWN | (_QUICK_START if here else {})).items():
        builder = builder.config(key, value)
    try:
        with ThreadPoolExecutor(1) as starter:
            opening = starter.submit(builder.getOrCreate)
            import_models()
        session = opening.result()
    except Exception as error:
        raise LogError(
            f"Spark does not start at '{master}' ({type(error).__name__}). Check that Java 17 or "
            "newer is installed (JAVA_HOME) and that the address is right."
        ) from None
    if here:
        Thread(target=_first_query, args=[session], daemon=True).start()
    return session


def _first_query(session: Any) -> None:
    """Let Java load what plans and answers a query, while the schema of the files is read."""
    with suppress(Exception):  # whatever is wrong, the rows that are asked for will say it
        session.range(1).toArrow()
