"""Raw tables: what a source holds, before its columns get their roles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from journeylib.core import SchemaError, did_you_mean
from journeylib.log.eventlog import Check
from journeylib.log.schema import OutcomesSchema, Schema

FILE, ROW, POSITION = "_journeylib_file", "_journeylib_row", "_journeylib_position"
NO_SUCH_DAY = "holds no event of the days that are asked for. Look at 'days' and 'as_of'."
Day = str | dt.date
# Chooses the columns to keep from those that are there: (columns, where) -> columns
Pick = Callable[[Sequence[str], str], list[str]]
_SHOWN_COLUMNS = 40
_DAY_US = 86_400_000_000
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
        return self.first_us - _DAY_US, self.end_us + _DAY_US - 1

    def holds(self, t_us: ir.IntegerValue) -> ir.BooleanValue:
        """Return whether a time in UTC is wanted; rows without one stay, to be counted."""
        return t_us.between(self.first_us, self.end_us - 1).fill_null(True)


@dataclass(frozen=True)
class ReadOptions:
    """How a source is read, and how much of it.

    Attributes
    ----------
    delimiter, encoding, object_type, engine
        As `read_log` takes them; the engine opened.
    period, days, as_of, max_unusable_share
        As `read_log` takes them.
    window : Window, optional
        The days that are wanted. What lies outside is left out where that costs nothing.
    limit : int, optional
        Of delimited files: load no more rows of each.
    """

    delimiter: str | None = None
    encoding: str | None = None
    object_type: str | None = None
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
    there = list(available)
    needed = [(role, column) for role, column in schema.roles().items()]
    needed += [("attributes", column) for column in getattr(schema, "attributes", ())]
    identifiers: Mapping[str, str] = getattr(schema, "identifiers", {})
    needed += [(f"identifiers.{kind}", column) for kind, column in identifiers.items()]
    missing = [
        f"column '{column}' (role '{role}') is not in {where}.{did_you_mean(column, there)}"
        for role, column in needed
        if column not in there
    ]
    if missing:
        shown = ", ".join(there[:_SHOWN_COLUMNS])
        more = f" and {len(there) - _SHOWN_COLUMNS} more" if len(there) > _SHOWN_COLUMNS else ""
        raise SchemaError(" ".join(missing) + f" Columns there: {shown}{more}.")
    return list(dict.fromkeys(column for _, column in needed))
