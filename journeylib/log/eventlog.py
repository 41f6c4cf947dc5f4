"""EventLog: one canonical event table, in the engine that holds it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from journeylib.log.schema import Schema

if TYPE_CHECKING:
    import ibis
    import pandas as pd


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
        One row per usable event; columns as in ``docs/architecture.md``.
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

    def with_events(self, events: ibis.Table) -> EventLog:
        """Return the same log over other events of the same columns."""
        return replace(self, events=events)
