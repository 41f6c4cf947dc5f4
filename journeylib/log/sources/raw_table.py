"""Raw tables: what a source holds, before its columns get their roles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from journeylib.core import US_PER_DAY, SchemaError, did_you_mean, printable
from journeylib.log.eventlog import Check
from journeylib.log.schema import OutcomesSchema, Schema

FILE, ROW, POSITION = "_journeylib_file", "_journeylib_row", "_journeylib_position"
NO_SUCH_DAY = "holds no event of the days that are asked for. Look at 'days' and 'as_of'."
Day = str | dt.date
# Chooses the columns to keep from those that are there: (columns, where) -> columns
Pick = Callable[[Sequence[str], str], list[str]]
_SHOWN_COLUMNS = 40
# What lies outside 1900 to 2200 is no time, in microseconds since 1970 UTC.
FIRST_US, LAST_US = -2_208_988_800_000_000, 7_258_118_400_000_000


@dataclass(frozen=True)
class Window:
    """The days that are wanted of a log, as its reader may use them to leave out what it can.

    Attributes
    ----------
    column : str
        Of times, in the source.
    first_us, end_us : int
        Microseconds since 1970 UTC: the first that is wanted, and the one after the last.
    """

    column: str
    first_us: int
    end_us: int

    @property
    def read_us(self) -> tuple[int, int]:
        """First and last time to read in the column's own terms: a day wider, for any zone."""
        return self.first_us - US_PER_DAY, self.end_us + US_PER_DAY - 1

    def holds(self, t_us: ir.IntegerValue) -> ir.BooleanValue:
        """Return whether a time in UTC is wanted; rows without a plausible one stay."""
        outside = t_us.between(self.end_us, LAST_US)
        if self.first_us > FIRST_US:
            outside |= t_us.between(FIRST_US, self.first_us - 1)
        return ~outside.fill_null(False)


@dataclass(frozen=True)
class ReadOptions:
    """How a source is read, and how much of it.

    Attributes
    ----------
    period : pair of dates, optional
        Events outside, in the schema's time zone, both days included, are counted, not dropped.
    days : pair of dates, optional
        Read only the events from the first to the last of these days, in the schema's time zone.
        Of Parquet files with typed times, files and row groups outside are not even opened.
        Rows whose time cannot be read stay among what is counted as unusable.
    as_of : date, optional
        Read the log as it was known at the end of this day (UTC): rows after it are left out, and
        counted; in Parquet files they are not even opened. A survey that was asked by then and
        answered later is not answered yet. Unless given, events after today are counted as
        future and stay; with `LAST_EVENT` none are.
    max_unusable_share : float
        More unusable rows than this share of all are refused.
    delimiter, encoding : str, optional
        Of text files; found out unless given.
    object_type : str, optional
        For OCEL: the object type whose objects are the journeys.
    recipe : Recipe or str, optional
        For a vendor's export (also a folder, or ``duckdb:///file.db`` as a loader fills it): a
        name that `recipes` lists, or a ``.sql`` file of the company's own.
    join : dict of str to list of str, optional
        A new column to the columns whose texts it joins by a blank: a date and a clock, the parts
        of an id.
    unpivot : dict of str to Span, optional
        Where a row holds several steps: each step to the columns of its ``start`` and ``end``,
        each a column or a date and a clock. The rows then have ``step``, ``start`` and ``end``.
    threads : Replies, optional
        Columns of the event's own ``id`` and of the one that it answers (``reply_to``). The rows
        then have ``thread``: the id with which their chain of answers began.
    engine : Ibis backend, pyspark.sql.SparkSession, EngineSettings or str, optional
        What reads the log; a new DuckDB in memory, which then holds the events, unless given.
        A text is an address as `as_engine` takes it, such as ``spark://host:7077``. Spark reads
        Parquet files itself; their rows come into a DuckDB here.
    window : Window, optional
        The days that are wanted. What lies outside is left out where that costs nothing.
    limit : int, optional
        Of delimited files: load no more rows of each.
    """

    delimiter: str | None = None
    encoding: str | None = None
    object_type: str | Callable[..., str | None] | None = None
    recipe: Any = None
    join: Mapping[str, Sequence[str]] | None = None
    unpivot: Mapping[str, Any] | None = None
    threads: Any = None
    engine: Any = None
    period: tuple[Day | None, Day | None] | None = None
    days: tuple[Day, Day] | None = None
    as_of: Day | None = None
    max_unusable_share: float = 0.05
    window: Window | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Raw:
    """A source as a table of its own columns.

    Attributes
    ----------
    table : ibis.Table
        Columns of the source, and `FILE` (int, index into `files`), `ROW` (int, 1 for the
        first data row of its file), `POSITION` (int, rises over the files as listed).
    name : str
        What to call the source in messages.
    files : tuple of str
        Names without folders; ``("table",)`` where there is no file.
    facts : tuple of Check
        What the reader found out: delimiter, encoding, repeated columns …
    rejected : pandas.DataFrame
        Rows that are no rows of the table: ``source``, ``row``, ``role``, ``reason``.
    scratch : tuple of str
        Tables and views in the engine that may go once the log is materialised.
    rows : int, optional
        Rows of the source, where `table` may hold fewer of them.
    """

    table: ir.Table
    name: str
    files: tuple[str, ...] = ("table",)
    facts: tuple[Check, ...] = ()
    rejected: pd.DataFrame = field(default_factory=lambda: quarantine_frame([]))
    scratch: tuple[str, ...] = ()
    rows: int | None = None


def quarantine_frame(rows: Iterable[tuple[str, int, str, str]]) -> pd.DataFrame:
    """Return a quarantine table: ``source``, ``row``, ``role``, ``reason``."""
    frame = pd.DataFrame(list(rows), columns=["source", "row", "role", "reason"])
    return frame.astype({"source": "str", "row": "int64", "role": "str", "reason": "str"})


def wanted_columns(
    schema: Schema | OutcomesSchema, available: Iterable[str], where: str
) -> list[str]:
    """Return the columns that `schema` needs, each once, or say which are not there.

    Raises
    ------
    SchemaError
        Names each missing column with its role, the nearest name and all that is there.
    """
    columns = list(available)
    needed = [(role, column) for role, column in schema.roles().items()]
    needed += [("attributes", column) for column in getattr(schema, "attributes", ())]
    identifiers: Mapping[str, str] = getattr(schema, "identifiers", {})
    needed += [(f"identifiers.{kind}", column) for kind, column in identifiers.items()]
    named = printable(columns)
    missing = [
        f"column '{column}' (role '{role}') is not in {where}.{did_you_mean(column, named)}"
        for role, column in needed
        if column not in columns
    ]
    if missing:
        shown = named[:_SHOWN_COLUMNS]
        more = f" and {len(columns) - len(shown)} more" if len(columns) > len(shown) else ""
        raise SchemaError(" ".join(missing) + f" Columns there: {', '.join(shown)}{more}.")
    return list(dict.fromkeys(column for _, column in needed))
