"""EventLog: one canonical event table in its engine, and the checks of its quality."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.core import read_packaged, text
from journeylib.log.schema import Schema

if TYPE_CHECKING:
    import ibis

_SEVERITIES: dict[str, str] = {
    key: severity
    for severity, keys in read_packaged(
        Path(__file__).with_name("quality") / "severities.yaml"
    ).items()
    for key in keys
}


@dataclass(frozen=True)
class Check:
    """What one look at a log found; never the content of a row.

    Attributes
    ----------
    name, role : str
        What was looked at, and in which role or setting.
    severity : str
        ``ok``, ``note``, ``warning`` or ``blocking``.
    rows : int
        How many rows it is about.
    text : str
    unread : int
        Those of them that are not among the rows read.
    """

    name: str
    role: str
    severity: str
    rows: int
    text: str
    unread: int = 0


def check(
    key: str, role: str = "", rows: int = 0, *, severity: str | None = None, **values: Any
) -> Check:
    """Return a check with the text ``log.check.<key>``; its name is what stands before the dot."""
    sentence = text(f"log.check.{key}", role=role, rows=rows, **values)
    return Check(
        key.partition(".")[0], role, severity or _SEVERITIES.get(key, "ok"), rows, sentence
    )


def count_check(name: str, role: str, rows: int, **values: Any) -> Check:
    """Return the check ``<name>.some`` where there are rows, else ``<name>.none``."""
    return check(f"{name}.{'some' if rows else 'none'}", role, rows, **values)


def check_table(checks: Iterable[Check], total: int) -> pd.DataFrame:
    """Return one row per check, as `Quality.checks`, with shares of `total` rows read."""
    rows = [
        (c.name, c.role, c.severity, c.rows, c.rows / max(total + c.unread, 1), c.text)
        for c in checks
    ]
    columns = ["check", "role", "severity", "rows", "share", "text"]
    return pd.DataFrame(rows, columns=columns).astype({"rows": "int64", "share": "float64"})


@dataclass(frozen=True)
class Quality:
    """What was found out about a log before anything was computed from it.

    Attributes
    ----------
    checks : pandas.DataFrame
        One row per check: ``check`` (str), ``role`` (str), ``severity`` (``ok``, ``note``,
        ``warning``, ``blocking``), ``rows`` (int), ``share`` (float), ``text`` (str).
    quarantine : pandas.DataFrame
        One row per unusable row: ``source`` (str, file name or ``table``), ``row`` (int, 1 for
        the first data row), ``role`` (str), ``reason`` (str). Never the content.
    rows_read, rows_used : int
    """

    checks: pd.DataFrame
    quarantine: pd.DataFrame
    rows_read: int
    rows_used: int


@dataclass(frozen=True)
class EventLog:
    """Events of many customers in canonical columns, with their schema and quality.

    Attributes
    ----------
    events : ibis.Table
        One row per usable event, in DuckDB; columns as in ``docs/formats/tables.md``.
    schema : Schema
        The roles as declared.
    quality : Quality
        Checks and quarantine.
    outcomes : ibis.Table or None
        One row per outcome of a customer: ``customer``, ``t_us``, ``kind``, ``value_micro``,
        ``asked_us``.
    name : str
        What to call the log in titles.
    """

    events: ibis.Table
    schema: Schema
    quality: Quality
    outcomes: ibis.Table | None = None
    name: str = "log"

    def __repr__(self) -> str:
        """Name, size and columns; never a row."""
        columns = ", ".join(self.events.columns)
        return f"EventLog '{self.name}': {self.quality.rows_used:,} rows read as events ({columns})"

    def has(self, column: str) -> bool:
        """Return whether the canonical `column` is there."""
        return column in self.events.columns

    @property
    def has_clock(self) -> bool:
        """Whether events carry times."""
        return self.has("t_us")
