"""The door to the engine: a DuckDB connection, customer groups, and the hash of a log."""

from __future__ import annotations

import contextlib
import errno
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
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.backends.duckdb import Backend
from pydantic import BaseModel, ConfigDict, Field

from journeylib.core import GROUPS, ConfigError, LogError, RunError
from journeylib.log.engine.spark import LOCAL, is_plain, is_session, spark_engine
from journeylib.log.eventlog import EventLog

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
        description="Such as 4GB; default 60 % of what the machine or its container has. "
        "More is spilled to disk.",
    )
    threads: int | None = Field(None, ge=1, description="Default as many as there are cores.")
    spill_folder: str | None = Field(
        None,
        description="Folder for what does not fit in memory, with some gigabytes free; default "
        "one in the system's temporary folder.",
    )

    spill_limit: str | None = Field(
        None,
        pattern=SIZE,
        description="Such as 50GB; default all that is free where spill_folder lies.",
    )

    def connect(self) -> Any:
        """Open an engine with these settings."""
        if self.address != "duckdb":
            return as_engine(self.address)
        return connect(
            memory_limit=self.memory_limit,
            threads=self.threads,
            spill_folder=self.spill_folder,
            spill_limit=self.spill_limit,
        )


_NO_MEMORY = (
    "the engine ran out of memory. Raise engine.memory_limit (default 60 % of the machine's), or "
    "lower engine.threads, as each takes its part; what fits is spilled to engine.spill_folder."
)
_NO_DISK = (
    "the disk is full, or engine.spill_limit is reached. Set engine.spill_folder to a folder on a "
    "disk with more room, raise engine.spill_limit where it is set, raise engine.memory_limit so "
    "that less is spilled, or make room where the runs are written."
)
_NUMBER = itertools.count(1)
_HEX = "0123456789abcdef"
_MEMORY_SHARE = 0.6
PACKED = "_journeylib_packed"
# Rows from which packing, some .25 CPU seconds a million, costs less than spilling does.
_LARGE = 20_000_000


class CodedBackend(Backend):  # type: ignore[misc]
    """DuckDB as Ibis drives it, holding tables in a third of the memory.

    A held table keeps codes of few names as codes, where Ibis would declare the column as text.
    What is held in order lies in a database of its own, `PACKED`, whose large tables are
    compressed: of what is sorted two thirds go.
    """

    _packs = False

    @contextlib.contextmanager
    def packing(self) -> Iterator[None]:
        """Hold what is cached inside in `PACKED`."""
        self._packs = True
        try:
            yield
        finally:
            self._packs = False

    def _create_cached_table(self, name: str, expr: ir.Table) -> ir.Table:
        return self.hold(name, expr, packed=self._packs)

    def _drop_cached_table(self, name: str) -> None:
        run(self, f"DROP TABLE IF EXISTS {PACKED}.main.{identifier(name)}")
        super()._drop_cached_table(name)

    def hold(self, name: str, expr: ir.Table, *, packed: bool = False) -> ir.Table:
        """Fill a table with the rows of `expr`, in their order."""
        # Tables of this process that the query names must be there before it is described.
        self._run_pre_execute_hooks(expr)
        query = self.compile(expr)
        kinds = {row[0]: row[1] for row in run(self, f"DESCRIBE {query}")}
        wanted = expr.schema().to_sqlglot_column_defs(self.dialect)
        columns = [
            identifier(column.name)
            if kinds[column.name].startswith("ENUM")
            else f"CAST({identifier(column.name)} AS {column.kind.sql(self.dialect)}) "
            f"AS {identifier(column.name)}"
            for column in wanted
        ]
        filled = f"AS SELECT {', '.join(columns)} FROM ({query})"
        if not packed:
            run(self, f"CREATE TEMP TABLE {identifier(name)} {filled}")
            return self.table(name)
        found = run(self, f"CREATE TABLE {PACKED}.main.{identifier(name)} {filled}")
        if found and int(found[0][0]) >= _LARGE:
            # Where a result is still being read it stays as it is.
            with contextlib.suppress(duckdb.TransactionException):
                run(self, f"CHECKPOINT {PACKED}")
        return self.table(name, database=(PACKED, "main"))


def connect(
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
    spill_folder: str | Path | None = None,
    spill_limit: str | None = None,
) -> Backend:
    """Open a DuckDB in memory that leaves room for the rest of the program.

    Parameters
    ----------
    memory_limit : str, optional
        Such as ``"4GB"``; 60 % of the machine's (or the container's) memory unless given.
    threads : int, optional
        As many as there are cores unless given. No result depends on it.
    spill_folder : path, optional
        Where DuckDB spills what does not fit in memory; a folder of this process in the
        system's temporary one unless given.
    spill_limit : str, optional
        The most that may be spilled; all that is free there unless given.

    Returns
    -------
    ibis.backends.duckdb.Backend

    Raises
    ------
    ConfigError
        If nothing can be written to the spill folder.
    """
    spill = Path(spill_folder or Path(tempfile.gettempdir()) / f"journeylib-spill-{os.getpid()}")
    _check_spill(spill)
    backend = CodedBackend().connect()
    limit = memory_limit or f"{int(_machine_memory() * _MEMORY_SHARE) // 2**20}MiB"
    run(backend, f"SET memory_limit = {quoted(limit)}")
    run(backend, f"ATTACH ':memory:' AS {PACKED} (COMPRESS)")
    if threads is not None:
        run(backend, f"SET threads = {int(threads)}")
    # The engine's own choice would be the current folder.
    run(backend, f"SET temp_directory = {quoted(str(spill))}")
    if spill_limit is not None:
        run(backend, f"SET max_temp_directory_size = {quoted(spill_limit)}")
    # A progress bar of the engine would print over our own. In a kernel without ipywidgets it is
    # off, and DuckDB refuses even to be told so.
    if run(backend, "SELECT current_setting('enable_progress_bar')") != [(False,)]:
        run(backend, "SET enable_progress_bar = false")
    return backend


def _check_spill(folder: Path) -> None:
    """Raise if nothing can be written where the engine will spill, hours before it has to."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise ConfigError(
            f"engine.spill_folder: nothing can be written to '{folder}'. Name a folder on a disk "
            "with some gigabytes free."
        )


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


def _machine_memory(root: Path = Path("/")) -> int:
    """Bytes of memory that this process may use: the machine's, or its container's."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    groups = root / "sys/fs/cgroup"
    own = root / "proc/self/cgroup"
    lines = own.read_text().splitlines() if own.is_file() else []
    # "0::/slice/job" (version 2) or "4:memory:/slice/job" (version 1); a limit of any folder
    # above holds, too. Inside a container the folder may not be there, but its root is.
    for names, path in ((line.split(":")[1], line.split(":")[2]) for line in lines or ["::/"]):
        version_2 = names == ""
        if not version_2 and "memory" not in names.split(","):
            continue
        base = groups if version_2 else groups / "memory"
        file = "memory.max" if version_2 else "memory.limit_in_bytes"
        place = base / path.strip("/")
        while place.is_relative_to(base):
            limit = place / file
            if limit.is_file() and (text := limit.read_text().strip()).isdigit():
                sizes.append(int(text))
            place = place.parent
    return min(sizes)


@contextlib.contextmanager
def saying_what_ran_out() -> Iterator[None]:
    """Turn the engine's errors of memory and disk into ones that name the setting to change.

    Raises
    ------
    RunError
        Without the engine's own text, which may hold part of a query.
    """
    try:
        yield
    except (MemoryError, OSError, duckdb.Error) as error:
        name = "MemoryError" if isinstance(error, MemoryError) else type(error).__name__
        full = getattr(error, "errno", None) == errno.ENOSPC
        if reason := what_ran_out(name, "No space left" if full else str(error)):
            raise RunError(reason) from None
        raise


def what_ran_out(name: str, said: str) -> str | None:
    """Return what to do where an error of this class and text means that memory or disk is full."""
    if name in ("MemoryError", "OutOfMemoryException"):
        # DuckDB says so, too, where the spill folder is full.
        return _NO_DISK if "failed to offload" in said else _NO_MEMORY
    if name in ("OSError", "IOException") and "No space left" in said:
        return _NO_DISK
    return None


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
    Each row becomes the MD5 of its cells: numbers as they are, texts with their length before
    them, so that no two rows look the same. The first eight bytes are taken as a number, lowest
    byte first, summed over the rows, and SHA-256 taken of the sum: only integer sums, so every
    engine and every number of threads gives the same.
    """
    columns = sorted(set(events.columns) - set(leave_out))
    text = ibis.literal("|").join([_cell(events[name]) for name in columns])
    rows = events.select(text=text)
    if events.get_backend().name == "duckdb":
        summed = md5_number_upper(rows.text).sum().cast("string").fill_null("0")
        found = rows.aggregate(rows=rows.count(), total=summed).to_pyarrow().to_pylist()[0]
        count, total = int(found["rows"]), int(found["total"])
    else:
        count, total = _summed_by_digit(rows)
    told = "|".join([*columns, str(count), str(total)])
    return hashlib.sha256(told.encode()).hexdigest()


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def md5_number_upper(text: str) -> dt.uint64:
    """Return the first eight bytes of the MD5, lowest first; a function of DuckDB."""


def _summed_by_digit(rows: ir.Table) -> tuple[int, int]:
    """Count rows and sum what `md5_number_upper` gives, on an engine that cannot read a digest."""
    digest, digits = rows.text.hexdigest("md5"), ibis.literal(_HEX)
    sums = {
        f"d{place}": digits.find(digest.substr(place, 1)).cast("int64").sum().fill_null(0)
        for place in range(16)
    }
    found = rows.aggregate(rows=rows.count(), **sums).to_pyarrow().to_pylist()[0]
    # Of a byte the higher digit comes first.
    worth = (256 ** (place // 2) * (1 if place % 2 else 16) for place in range(16))
    total = sum(int(found[f"d{place}"]) * one for place, one in enumerate(worth))
    return int(found["rows"]), total


def _cell(value: ir.Value) -> ir.StringValue:
    text = value.cast("string")
    if value.type().is_numeric():
        return text.fill_null("")
    return (text.length().cast("string") + ":" + text).fill_null("-")


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


def fetch_arrow(table: ibis.Table) -> pa.Table:
    """Bring a table out of the engine as Arrow; DuckDB's codes of few names stay codes."""
    backend = table.get_backend()
    if backend.name != "duckdb":
        return table.to_pyarrow()
    backend._run_pre_execute_hooks(table)
    return backend.con.sql(backend.compile(table)).to_arrow_table()
