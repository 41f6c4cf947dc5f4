"""Raw tables: what a source holds, before its columns get their roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import ibis.expr.types as ir
import pandas as pd

from journeylib.errors import SchemaError, did_you_mean
from journeylib.log.schema import OutcomesSchema, Schema

FILE, ROW, POSITION = "_journeylib_file", "_journeylib_row", "_journeylib_position"
_SHOWN_COLUMNS = 40


@dataclass(frozen=True)
class Fact:
    """Something the reader found out: what, how severe, how many rows, in a sentence."""

    check: str
    severity: str
    rows: int
    text: str


@dataclass(frozen=True)
class Window:
    """The days that are wanted of a log, as its reader may use them to leave out what it can.

    Attributes
    ----------
    column : str
        Of times, in the source.
    first_us, last_us : int
        Microseconds since 1970 in the column's own terms; a day wider at either end, so that no
        zone matters. What is read within is filtered exactly afterwards.
    """

    column: str
    first_us: int
    last_us: int


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
    facts : tuple of Fact
        What the reader found out: delimiter, encoding, repeated columns …
    rejected : pandas.DataFrame
        Rows that are no rows of the table: ``source``, ``row``, ``role``, ``reason``.
    scratch : tuple of str
        Tables and views in the engine that may go once the log is materialised.
    """

    table: ir.Table
    name: str
    files: tuple[str, ...] = ("table",)
    facts: tuple[Fact, ...] = ()
    rejected: pd.DataFrame = field(default_factory=lambda: quarantine_frame([]))
    scratch: tuple[str, ...] = ()


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
