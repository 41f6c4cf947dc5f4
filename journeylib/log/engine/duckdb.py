"""DuckDB as the engine: how it is opened, what it may take, and how tables are held in it."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.backends.duckdb import Backend
from ibis.backends.sql.datatypes import DuckDBType
from pydantic import Field

from journeylib.core import ConfigError, Described, LogError, RunError
from journeylib.log.engine.private_folder import PrivateFolder
from journeylib.log.engine.spark import LOCAL, is_session, spark_engine

ADDRESS = r"^(duckdb|spark|yarn|local(\[.+\])?|(spark|k8s)://.+)$"
SIZE = r"^[0-9.]+ ?[KMGT]i?B$"


class EngineSettings(Described):
    """Which engine, and how much of the machine it may take; no result depends on it.

    Attributes
    ----------
    address
        duckdb; or spark, spark://host:7077 or another master of Spark, which takes its own limits
        from spark-defaults.conf. The keys below are DuckDB's.
    memory_limit
        Such as 4GB; default 60 % of what the machine or its container has. More is spilled to disk.
    threads
        Default as many as there are cores.
    spill_folder
        Folder for what does not fit in memory, with some gigabytes free; default one in the
        system's temporary folder.
    spill_limit
        Such as 50GB; default all that is free where spill_folder lies.
    """

    address: str = Field("duckdb", pattern=ADDRESS)
    memory_limit: str | None = Field(None, pattern=SIZE)
    threads: int | None = Field(None, ge=1)
    spill_folder: str | None = None

    spill_limit: str | None = Field(None, pattern=SIZE)

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
_MEMORY_SHARE = 0.6
PACKED = "_journeylib_packed"
# Rows from which packing, some .25 CPU seconds a million, costs less than spilling does.
_LARGE = 20_000_000
# What is left in memory of an engine whose rows are read as arrays.
_ASIDE = "500MB"


def set_aside(backend: BaseBackend) -> None:
    """Let an engine spill what it holds and read it back where it is asked for again."""
    [[limit]] = run(backend, "SELECT current_setting('memory_limit')")
    # It keeps what it cannot spill.
    with contextlib.suppress(duckdb.Error):
        run(backend, f"SET memory_limit = '{_ASIDE}'")
    run(backend, f"SET memory_limit = '{limit}'")


def threads_of(backend: BaseBackend) -> int:
    """Return how many threads an engine may use."""
    return int(backend.con.execute("SELECT current_setting('threads')").fetchall()[0][0])


_kind = cache(DuckDBType.from_string)


class CodedBackend(Backend):  # type: ignore[misc]
    """DuckDB as Ibis drives it, holding tables in a third of the memory.

    A held table keeps codes of few names as codes, where Ibis would declare the column as text.
    What is held in order lies in a database of its own, `PACKED`, whose large tables are
    compressed: of what is sorted two thirds go.
    """

    spill: PrivateFolder
    _packs = False

    def get_schema(
        self, table_name: str, *, catalog: str | None = None, database: str | None = None
    ) -> ibis.Schema:
        """Return the columns of a table; those of codes are texts, of which Ibis need not know."""
        parts = [identifier(part) for part in (catalog, database, table_name) if part]
        return ibis.schema(
            {
                name: _kind("VARCHAR" if kind.startswith("ENUM(") else kind, null == "YES")
                for name, kind, null, *_ in run(self, f"DESCRIBE {'.'.join(parts)}")
            }
        )

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
        query = self._typed(expr)
        if not packed:
            run(self, f"CREATE TEMP TABLE {identifier(name)} AS {query}")
            return self.table(name)
        created = run(self, f"CREATE TABLE {PACKED}.main.{identifier(name)} AS {query}")
        if created and int(created[0][0]) >= _LARGE:
            # Where a result is still being read it stays as it is.
            with contextlib.suppress(duckdb.TransactionException):
                run(self, f"CHECKPOINT {PACKED}")
        return self.table(name, database=(PACKED, "main"))

    def _typed(self, expr: ir.Table) -> str:
        """Return the query of `expr` with the types that Ibis declares; codes stay codes."""
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
        return f"SELECT {', '.join(columns)} FROM ({query})"


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
        Where DuckDB spills what does not fit in memory, in a folder of its own; in the system's
        temporary one unless given.
    spill_limit : str, optional
        The most that may be spilled; all that is free there unless given.

    Raises
    ------
    ConfigError
        If nothing can be written to the spill folder.
    """
    try:
        spill = PrivateFolder(None if spill_folder is None else Path(spill_folder))
    except OSError:
        raise ConfigError(
            f"engine.spill_folder: nothing can be written to '{spill_folder or 'the system'}'. "
            "Name a folder on a disk with some gigabytes free."
        ) from None
    backend = CodedBackend().connect()
    backend.spill = spill  # removed with the engine
    limit = memory_limit or f"{int(_machine_memory() * _MEMORY_SHARE) // 2**20}MiB"
    run(backend, f"SET memory_limit = {quoted(limit)}")
    run(backend, f"ATTACH ':memory:' AS {PACKED} (COMPRESS)")
    if threads is not None:
        run(backend, f"SET threads = {int(threads)}")
    # The engine's own choice would be the current folder.
    run(backend, f"SET temp_directory = {quoted(str(spill.path))}")
    if spill_limit is not None:
        run(backend, f"SET max_temp_directory_size = {quoted(spill_limit)}")
    # A progress bar of the engine would print over our own. In a kernel without ipywidgets it is
    # off, and DuckDB refuses even to be told so.
    if run(backend, "SELECT current_setting('enable_progress_bar')") != [(False,)]:
        run(backend, "SET enable_progress_bar = false")
    return backend


def lock_engine(engine: Any) -> None:
    """Keep whoever asks `engine` from files, once all that is to be read was read.

    What is spilled still is; the locked configuration cannot be changed back. Engines that were
    not opened here stay as they are.
    """
    if isinstance(engine, CodedBackend):
        run(engine, "SET enable_external_access = false")
        run(engine, "SET lock_configuration = true")


def as_engine(given: Any) -> Any:
    """Return the Ibis backend that `given` stands for; None stays None.

    Parameters
    ----------
    given : Ibis backend, pyspark.sql.SparkSession, EngineSettings, str or None
        A text is an address: ``duckdb``, ``spark``, ``spark://host:7077`` or any other master that
        Spark knows, such as ``local[2]``.

    Raises
    ------
    LogError
        It is none of these, or Spark does not start there.
    """
    if isinstance(given, EngineSettings):
        return given.connect()
    if isinstance(given, str):
        if not re.match(ADDRESS, given):
            raise LogError(f"'{given}' is no engine: duckdb, spark, spark://host:7077, local[2] …")
        if given == "duckdb":
            return connect()
        return spark_engine(master=LOCAL if given == "spark" else given)
    if is_session(given):
        return spark_engine(given)
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
    return engine.create_table(scratch_name("handed"), table.to_pyarrow(), temp=True)


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
        folder = base / path.strip("/")
        while folder.is_relative_to(base):
            limit = folder / file
            if limit.is_file() and (text := limit.read_text().strip()).isdigit():
                sizes.append(int(text))
            folder = folder.parent
    return min(sizes)


@contextlib.contextmanager
def explain_resource_errors() -> Iterator[None]:
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
        if reason := resource_hint(name, "No space left" if full else str(error)):
            raise RunError(reason) from None
        raise


def resource_hint(name: str, message: str) -> str | None:
    """Return what to do where an error of this class and text means that memory or disk is full."""
    if name in ("MemoryError", "OutOfMemoryException"):
        # DuckDB says so, too, where the spill folder is full.
        return _NO_DISK if "failed to offload" in message else _NO_MEMORY
    if name in ("OSError", "IOException") and "No space left" in message:
        return _NO_DISK
    return None


def scratch_name(kind: str) -> str:
    """Return a name that no other table of this process has."""
    return f"_journeylib_{kind}_{next(_NUMBER)}"


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


def hold_coded(
    backend: Backend,
    name: str,
    rows: ir.Table,
    columns: Iterable[str],
    names: Mapping[str, Iterable[str]] = MappingProxyType({}),
    query: Callable[[str], str] = "FROM {}".format,
) -> ir.Table:
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
    names : mapping of str to iterable of str, optional
        The distinct values of some of them.
    query : function of str, optional
        The SQL of what is held, by the name under which it finds `rows`.
    """
    # Ibis writes the expression out once, and the engine reads the rows once for all words.
    view = scratch_name("rows")
    run(backend, f"CREATE TEMP VIEW {view} AS {backend.compile(rows)}")
    words_of: dict[str, Iterable[str | None]] = {c: names.get(c, ()) for c in columns}
    asked = [column for column in words_of if column not in names]
    if asked:
        lists = ", ".join(f"list(DISTINCT {identifier(column)})" for column in asked)
        answer = run(backend, f"SELECT {lists} FROM {view}")[0]
        words_of |= {column: words or () for column, words in zip(asked, answer, strict=True)}
    coded = []
    for column, distinct in words_of.items():
        words = sorted((word for word in distinct if word is not None), key=str.encode)
        if words:
            listed = ", ".join(map(quoted, words))
            # A cast that cannot fail is made once a word where the engine has words as codes.
            code = f"TRY_CAST({identifier(column)} AS ENUM({listed}))"
            coded.append(f"{code} AS {identifier(column)}")
    replaced = f" REPLACE ({', '.join(coded)})" if coded else ""
    run(backend, f"CREATE TEMP TABLE {name} AS SELECT *{replaced} FROM ({query(view)})")
    run(backend, f"DROP VIEW {view}")
    return backend.table(name)


def fetch(table: ibis.Table) -> pd.DataFrame:
    """Bring a small table out of the engine, through Arrow as every engine offers it."""
    frame: pd.DataFrame = table.to_pyarrow().to_pandas()
    return frame


def fetch_batches(table: ibis.Table, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield a table of DuckDB some `rows` at a time, in order: at least one batch, maybe empty."""
    backend = table.get_backend()
    backend._run_pre_execute_hooks(table)
    reader = backend.con.sql(backend.compile(table)).to_arrow_reader(rows)
    none = True
    for batch in reader:
        none = False
        yield batch
    if none:
        yield pa.RecordBatch.from_pylist([], reader.schema)


def fetch_arrow(table: ibis.Table) -> pa.Table:
    """Bring a table out of the engine as Arrow; DuckDB's codes of few names stay codes."""
    backend = table.get_backend()
    if backend.name != "duckdb":
        return table.to_pyarrow()
    backend._run_pre_execute_hooks(table)
    return backend.con.sql(backend.compile(table)).to_arrow_table()
