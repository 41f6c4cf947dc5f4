"""Columns of a log's events as arrays: what is read once, whatever cuts them into journeys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import RLock
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from journeylib.log import (
    MISSING,
    EventOrder,
    Flags,
    Numbers,
    Whole,
    compiled,
    fetch_arrow,
    picked,
    read_columns,
    rows_at,
    set_aside,
)

_ALWAYS = ("service_us", "actor", "session", "channel", "stage", "office", "intent")
# Events from which the engine lets go of the rows once they are read.
_LARGE = 20_000_000


@dataclass(frozen=True, eq=False)
class EventColumns:
    """The columns of a log's events, one entry an event, read when they are first asked for.

    Attributes
    ----------
    source : ibis.Table
        The events as the engine holds them.
    order : EventOrder
        The rows of `source` in the order of these columns, and the numbers of each.
    first : EventColumns or None
        The same columns as the log has them, where these are in another order.
    """

    source: ibis.Table = field(repr=False)
    order: EventOrder = field(repr=False)
    first: EventColumns | None = field(default=None, repr=False)
    _read: dict[str, Any] = field(default_factory=dict, repr=False)
    # Parts of a log are counted several at once, and the engine answers one question at a time.
    _one_at_a_time: RLock = field(default_factory=RLock, repr=False)

    def __len__(self) -> int:
        """Count the events."""
        return len(self.order.rows)

    @cached_property
    def names(self) -> dict[int, str]:
        """Every touchpoint by its ``touchpoint_no``."""
        return dict(enumerate(self.order.touchpoints))

    def has(self, name: str) -> bool:
        """Return whether the log has the column."""
        return name in self.source.columns

    def column(self, name: str) -> Any:
        """Return a column: `Codes` of texts, int8 of booleans (−1 missing), else int64.

        ``service_us`` is end − start; missing where there is no end or it precedes the start.
        """
        if name in self.order.numbers:
            return self.order.numbers[name]
        if name == "service_us" and not self.has("end_us"):
            return np.broadcast_to(np.int64(MISSING), len(self))
        with self._one_at_a_time:
            if name not in self._read:
                others = [one for one in _ALWAYS if self._can_read(one)]
                wanted = {one: self._expression(one) for one in [*others, name]}
                self._read.update(self._in_order(wanted))
                if others and len(self) >= _LARGE:
                    set_aside(self.source.get_backend())
            return self._read[name]

    def _can_read(self, name: str) -> bool:
        """Return whether a column is there that was not read yet."""
        return name not in self._read and self.has("end_us" if name == "service_us" else name)

    def _expression(self, name: str) -> Any:
        """Return a column as the engine has it, or works it out."""
        if name != "service_us":
            return self.source[name]
        start, end = self.source["t_us"], self.source["end_us"]
        return (end >= start).ifelse(end, ibis.null("int64")) - start

    def _in_order(self, expressions: Mapping[str, Any]) -> dict[str, Any]:
        columns = read_columns(self.source.select(**expressions), len(self))
        return {name: picked(columns.pop(name), self.order.rows) for name in expressions}

    def in_order(self, rows: Whole) -> EventColumns:
        """Return the columns with these of their rows one after the other."""
        return EventColumns(self.source, self.order.only(rows), self)

    def as_they_lie(self) -> EventColumns:
        """Return the columns in the order in which the log has them."""
        return self if self.first is None else self.first.as_they_lie()

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what `make` finds out, whatever the cut; the same name is found out once."""
        key = f"once {name}"
        if key not in self._read:
            self._read[key] = make()
        return self._read[key]

    def marks(self, conditions: Mapping[str, Any]) -> dict[str, Flags]:
        """Return where conditions on the events' own columns hold; see `Events.mark`."""
        with self._one_at_a_time:
            missing = {k: v for k, v in conditions.items() if f"mark {k}" not in self._read}
            if missing:
                flags = (value.fill_null(False) for value in missing.values())
                columns = self._in_order({f"_mark{i}": flag for i, flag in enumerate(flags)})
                for i, name in enumerate(missing):
                    self._read[f"mark {name}"] = columns[f"_mark{i}"] == 1
            return {name: self._read[f"mark {name}"] for name in conditions}

    def values(self, name: str, expression: Any) -> Any:
        """Return what the engine works out of each event's own columns; see `column`."""
        key = f"values {name}"
        with self._one_at_a_time:
            if key not in self._read:
                self._read[key] = self._in_order({"_value": expression})["_value"]
            return self._read[key]

    def values_at(self, rows: Whole, expressions: Mapping[str, Any]) -> pa.Table:
        """Return what the engine works out of some events, in the order of `rows`, no row twice."""
        own = self.order.rows[rows]
        asked = rows_at(self.source, own).select("_row", **expressions)
        # The engine takes as long to get ready for no rows.
        some = fetch_arrow(asked) if len(own) else asked.schema().to_pyarrow().empty_table()
        some = some.sort_by("_row")
        return some.drop_columns("_row").take(np.searchsorted(some["_row"], own))

    @cached_property
    def begins_customer(self) -> Flags:
        """Mark the first event of each customer."""
        customer = self.column("customer_no")
        first = np.ones(len(customer), dtype=bool)
        first[1:] = customer[1:] != customer[:-1]
        return first

    @property
    def silence_us(self) -> Whole:
        """Silence of the customer before the event, in whatever journey.

        From the latest end seen so far, as a long call is not silence; `MISSING` at a customer's
        first event. Only where a customer's events lie in order of time.
        """
        return _silences(self.column("customer_no"), self.column("t_us"), self.column("service_us"))


@compiled
def _silences(customer: Numbers, t_us: Whole, service_us: Whole) -> Whole:
    silence = np.empty(len(t_us), dtype=np.int64)
    busy = 0
    for row in range(len(t_us)):
        done = t_us[row] + max(service_us[row], 0)
        if row == 0 or customer[row] != customer[row - 1]:
            silence[row], busy = MISSING, done
        else:
            silence[row], busy = t_us[row] - busy, max(busy, done)
    return silence


def rows_in_order(*parts: Numbers) -> Whole | slice:
    """Return the rows in the order of these columns, the last one first, as numpy's lexsort.

    A slice of all rows where they lie so: what it picks is not copied.
    """
    rising = np.ones(max(len(parts[0]) - 1, 0), dtype=bool)
    # Mostly they lie so already.
    for part in parts:
        later, earlier = part[1:], part[:-1]
        rising = (later > earlier) | ((later == earlier) & rising)
    return slice(None) if rising.all() else np.lexsort(parts)


def words_at(words: Sequence[str], number: Numbers) -> pd.Series[str]:
    """Return the word of each number; missing where it is below 0."""
    return pd.Series(np.array([*words, None], dtype=object)[number], dtype="str")
