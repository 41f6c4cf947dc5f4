"""The door to the engine: a DuckDB connection, customer groups, and the hash of a log."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend
from ibis.backends.duckdb import Backend
from pydantic import BaseModel, ConfigDict, Field

from journeylib.errors import LogError, RunError
from journeylib.estimate import GROUPS
from journeylib.log.eventlog import EventLog
from journeylib.log.spark import LOCAL, is_plain, is_session, spark_engine

ADDRESS = r"^(duckdb|spark|yarn|local(\[.+\])?|(spark|k8s)://.+)$"
SIZE = r"^[0-9.]+ ?[KMGT]i?B$"


class EngineSettings(BaseModel):
    """Which engine, and how much of the machine it may take; no result depends on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(
        "duckdb",
        pattern=ADDRESS,
        description="duckdb; or spark, spark://host:7077 or another master of Spark, which takes "
        "its own limits from spark-defaults.conf. The keys below are DuckDB's.",
    )
    memory_limit: str | None = Field(
        None,
        pattern=SIZE,
        description="Such as 4GB; default 60 % of the machine's memory. More is spilled to disk.",
    )
    threads: int | None = Field(None, ge=1, description="Default as many as there are cores.")
    temp_directory: str | None = Field(
        None, description="Where to spill; default a folder in the system's temporary one."
    )

    spill_limit: str | None = Field(
        None,
        pattern=SIZE,
        description="Such as 50GB; default all that is free where temp_directory lies.",
    )

    def connect(self) -> Any:
        """Open an engine with these settings."""
        if self.address != "duckdb":
            return as_engine(self.address)
        return connect(
            memory_limit=self.memory_limit,
            threads=self.threads,
            temp_directory=self.temp_directory,
            spill_limit=self.spill_limit,
        )


_NUMBER = itertools.count(1)
_HEX = "0123456789abcdef"
_HASHED_CHARACTERS = 16
_MEMORY_SHARE = 0.6


def connect(
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_directory: str | Path | None = None,
    spill_limit: str | None = None,
) -> Backend:
    """Open a DuckDB in memory that leaves room for the rest of the program.

    Parameters
    ----------
    memory_limit : str, optional
        Such as ``"4GB"``; 60 % of the machine's (or the container's) memory unless given.
    threads : int, optional
        As many as there are cores unless given. No result depends on it.
    temp_directory : path, optional
        Where DuckDB spills what does not fit in memory; a folder of this process in the
        system's temporary one unless given.
    spill_limit : str, optional
        The most that may be spilled; all that is free there unless given.

    Returns
    -------
    ibis.backends.duckdb.Backend
    """
    backend = ibis.duckdb.connect()
    limit = memory_limit or f"{int(_machine_memory() * _MEMORY_SHARE) // 2**20}MiB"
    run(backend, f"SET memory_limit = {quoted(limit)}")
    if threads is not None:
        run(backend, f"SET threads = {int(threads)}")
    # The engine's own choice would be the current folder.
    spill = temp_directory or Path(tempfile.gettempdir()) / f"journeylib-spill-{os.getpid()}"
    run(backend, f"SET temp_directory = {quoted(str(spill))}")
    if spill_limit is not None:
        run(backend, f"SET max_temp_directory_size = {quoted(spill_limit)}")
    # A progress bar of the engine would print over our own. In a kernel without ipywidgets it is
    # off, and DuckDB refuses even to be told so.
    if run(backend, "SELECT current_setting('enable_progress_bar')") != [(False,)]:
        run(backend, "SET enable_progress_bar = false")
    return backend


NO_ROOM = (
    "memory and the folder for what does not fit in it are full. Free space there, or set "
    "engine.temp_directory to a folder on a larger disk, raise engine.memory_limit, or lower "
    "engine.threads. Nothing of this run was kept."
)


def out_of_room(said: str) -> bool:
    """Say whether an error, with its class before its text, is DuckDB's want of memory and disk."""
    return said.startswith("OutOfMemoryException:") or (
        said.startswith("IOException:") and "No space left on device" in said
    )


@contextlib.contextmanager
def room_or_reason() -> Iterator[None]:
    """Say what to do where the engine runs out of memory and disk.

    Raises
    ------
    RunError
    """
    try:
        yield
    except duckdb.Error as error:
        if out_of_room(f"{type(error).__name__}: {error}"):
            raise RunError(f"the engine cannot go on: {NO_ROOM}") from None
        raise


def as_engine(given: Any) -> Any:
    """Return the Ibis backend that `given` stands for; None stays None.

    Parameters
    ----------
    given : Ibis backend, pyspark.sql.SparkSession, str or None
        A text is an address: ``duckdb``, ``spark``, ``spark://host:7077`` or any other master that
        Spark knows, such as ``local[2]``.

    Raises
    ------
    LogError
        It is none of these, or Spark does not start there.
    """
    if isinstance(given, str):
        if not re.match(ADDRESS, given):
            raise LogError(f"'{given}' is no engine: duckdb, spark, spark://host:7077, local[2] …")
        if given == "duckdb":
            return connect()
        return spark_engine(master=LOCAL if given == "spark" else given)
    if is_session(given):
        return spark_engine(given)
    if is_plain(given):
        return spark_engine(given._session)
    if given is None or isinstance(given, BaseBackend):
        return given
    raise LogError(
        f"a {type(given).__name__} is no engine. Give a DuckDB or another Ibis backend, a Spark "
        "session, or an address such as 'spark://host:7077'."
    )


def hand_over(table: ir.Table, engine: Any) -> ir.Table:
    """Bring a table into another engine, where it does not lie there already."""
    if table.get_backend() is engine:
        return table
    name = f"_journeylib_handed_{next(_NUMBER)}"
    return engine.create_table(name, table.to_pyarrow(), temp=True)


def _machine_memory() -> int:
    """Bytes of memory that this process may use: the machine's, or its container's."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    cgroup = Path("/sys/fs/cgroup/memory.max")
    if cgroup.is_file() and (text := cgroup.read_text().strip()).isdigit():
        sizes.append(int(text))
    return min(sizes)


def run(backend: Backend, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """Run `sql` and return all of its rows; a result left half-read blocks the connection."""
    result = backend.con.execute(sql, parameters)
    return [tuple(row) for row in result.fetchall()]


def quoted(text: str) -> str:
    """Return `text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def hold_coded(backend: Backend, name: str, rows: ir.Table, columns: Iterable[str]) -> ir.Table:
    """Hold `rows` in a temporary table, the named columns of text as codes.

    A column of few names takes a byte or two a row then. It reads, compares and comes out as
    text; codes are in the order of the names. Ibis cannot say this, so it is SQL, for DuckDB.

    Parameters
    ----------
    backend : ibis.backends.duckdb.Backend
    name : str
        Of the table.
    rows : ibis.Table
    columns : iterable of str
        Of `rows`; each has few distinct values.
    """
    coded = []
    for column in columns:
        # A query for each column reads that column only.
        found = rows.select(word=rows[column]).distinct().to_pyarrow()["word"].to_pylist()
        words = sorted((word for word in found if word is not None), key=str.encode)
        if words:
            listed = ", ".join(quoted(word) for word in words)
            coded.append(f"{identifier(column)}::ENUM({listed}) AS {identifier(column)}")
    replaced = f" REPLACE ({', '.join(coded)})" if coded else ""
    run(backend, f"CREATE TEMP TABLE {name} AS SELECT *{replaced} FROM ({backend.compile(rows)})")
    return backend.table(name)


def customer_group(customer: ir.StringValue) -> ir.IntegerValue:
    """Deal a customer into one of 64 groups, the same on every engine.

    Parameters
    ----------
    customer : ibis string expression

    Returns
    -------
    ibis integer expression
        0 to 63, from the first two hexadecimal digits of the MD5 of the identifier. The
        engines' own ``hash()`` differ, so results would depend on the engine.
    """
    digest = customer.hexdigest("md5")
    digits = ibis.literal(_HEX)
    high, low = digits.find(digest.substr(0, 1)), digits.find(digest.substr(1, 1))
    return ((high * 16 + low) % GROUPS).cast("int64")


def fingerprint(events: ir.Table, *, leave_out: Iterable[str] = ()) -> str:
    """Hash a table so that the order of its rows does not matter.

    Parameters
    ----------
    events : ibis.Table
    leave_out : iterable of str
        Columns that do not count, such as row numbers.

    Returns
    -------
    str
        64 hexadecimal digits.

    Notes
    -----
    Each row becomes the MD5 of its cells, each with its name and length before it so that no
    two rows look the same. The character codes of the first 16 digits are summed over the
    rows, position by position, and SHA-256 taken of the sums: only integer sums, so every
    engine and every number of threads gives the same.
    """
    columns = sorted(set(events.columns) - set(leave_out))
    row = ibis.literal("")
    for name in columns:
        cell = events[name].cast("string")
        length = cell.length().cast("string")
        row = row + ibis.ifelse(cell.isnull(), "-", length + ":" + cell.fill_null(""))
    digest = events.select(digest=row.hexdigest("md5"))
    sums = {
        f"s{i}": digest.digest.substr(i, 1).ascii_str().cast("int64").sum().fill_null(0)
        for i in range(_HASHED_CHARACTERS)
    }
    totals = digest.aggregate(rows=digest.count(), **sums).to_pyarrow().to_pylist()[0]
    text = "|".join([*columns, *(f"{key}={int(totals[key])}" for key in sorted(totals))])
    return hashlib.sha256(text.encode()).hexdigest()


def log_hash(log: EventLog) -> str:
    """Hash the canonical events and outcomes of `log`, whatever the order of rows.

    A declared position counts; row numbers, which stand in for one, do not.
    """
    leave_out = () if log.schema.position else ("position",)
    parts = [fingerprint(log.events, leave_out=leave_out)]
    if log.outcomes is not None:
        parts.append(fingerprint(log.outcomes))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def fetch(table: ibis.Table) -> pd.DataFrame:
    """Bring a small table out of the engine, through Arrow as every engine offers it."""
    frame: pd.DataFrame = table.to_pyarrow().to_pandas()
    return frame
