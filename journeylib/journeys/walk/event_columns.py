"""Columns of a log's events as arrays: what is read once, whatever cuts them into journeys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import RLock
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _

from journeylib.journeys.walk.compiled import compiled
from journeylib.log import fetch_arrow, fetch_batches, hand_over, set_aside

Numbers = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
# Stands for a number that an event does not have.
MISSING = int(np.iinfo(np.int64).min)
_KEYS = {"customer_no": np.int32, "group": np.int8, "touchpoint_no": np.int32, "case_no": np.int32}
_ALWAYS = ("t_us", "service_us", "actor", "session", "channel", "stage", "office", "intent")
# Rows that come out of the engine at once: what they take beside the arrays is small.
_ROWS_AT_ONCE = 1_000_000
# Events from which the engine lets go of the rows once they are read.
_LARGE = 20_000_000


@dataclass(frozen=True)
class Codes:
    """A column of texts: the number of its word for each event, −1 where it has none.

    Attributes
    ----------
    held : ndarray of int8 or int32
        These numbers, as narrow as they may be.
    words : tuple of str
    """

    held: Numbers
    words: tuple[str, ...]

    @property
    def number(self) -> npt.NDArray[np.int32]:
        """The number of the word of each event."""
        return self.held.astype(np.int32, copy=False)

    def is_word(self, *words: str) -> Flags:
        """Mark the events that have one of these words."""
        marked = np.zeros(len(self.held), dtype=bool)
        for number in (self.words.index(word) for word in words if word in self.words):
            marked |= self.held == number
        return marked

    @property
    def known(self) -> Flags:
        """Mark the events that have a word."""
        return self.held >= 0

    def only(self, rows: Numbers | slice) -> Codes:
        """Return the codes of these rows."""
        return Codes(self.held[rows], self.words)


@dataclass(frozen=True, eq=False)
class EventColumns:
    """The columns of a log's events, one entry an event, read when they are first asked for.

    Attributes
    ----------
    source : ibis.Table
        The events as the engine holds them, customer after customer, each customer's in order, with
        ``service_us`` (end − start; missing where there is no end or it precedes the start).
    names : dict of int to str
        Every touchpoint by its ``touchpoint_no``.
    order : ndarray of int64 or None
        The rows of `source` in the order of these columns; None where they lie so.
    """

    source: ibis.Table = field(repr=False)
    names: dict[int, str]
    order: Whole | None = field(default=None, repr=False)
    _read: dict[str, Any] = field(default_factory=dict, repr=False)
    # Parts of a log are counted several at once, and the engine answers one question at a time.
    _one_at_a_time: RLock = field(default_factory=RLock, repr=False)

    @staticmethod
    def of(rows: ibis.Table, touchpoints: Sequence[str]) -> EventColumns:
        """Return the columns of events that lie in order (`log.in_order`).

        `touchpoints` are those of the log, in the order of their numbers.
        """
        if "end_us" in rows.columns:
            ended = (_.end_us >= _.t_us).ifelse(_.end_us, ibis.null("int64"))
            rows = rows.mutate(service_us=ended - _.t_us)
        return EventColumns(rows, dict(enumerate(touchpoints)))

    def __len__(self) -> int:
        """Count the events."""
        return len(self.column("customer_no"))

    def has(self, name: str) -> bool:
        """Return whether the log has the column."""
        return name in self.source.columns

    def column(self, name: str) -> Any:
        """Return a column: `Codes` of texts, int8 of booleans (−1 missing), else int64."""
        if name == "service_us" and not self.has("end_us"):
            return np.broadcast_to(np.int64(MISSING), len(self))
        with self._one_at_a_time:
            if name not in self._read:
                first, wanted = not self._read, [name]
                if first:
                    there = [one for one in (*_KEYS, *_ALWAYS) if self.has(one)]
                    wanted = list(dict.fromkeys([*there, name]))
                self._read.update(self._in_order(read_columns(self.source, wanted)))
                if first and len(self) >= _LARGE:
                    set_aside(self.source.get_backend())
            return self._read[name]

    def _in_order(self, found: dict[str, Any]) -> dict[str, Any]:
        if self.order is None:
            return found
        return {name: picked(found[name], self.order) for name in found}

    def in_order(self, rows: Whole) -> EventColumns:
        """Return the columns with these rows of `source` one after the other."""
        return EventColumns(self.source, self.names, rows)

    def as_they_lie(self) -> EventColumns:
        """Return the columns in the order of `source`."""
        if self.order is None:
            return self
        lying: EventColumns = self.once(
            "as they lie", lambda: EventColumns(self.source, self.names)
        )
        return lying

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
                names = [f"_mark{i}" for i in range(len(missing))]
                flags = (value.fill_null(False) for value in missing.values())
                asked = self.source.mutate(**dict(zip(names, flags, strict=True)))
                found = self._in_order(read_columns(asked, names))
                for i, name in enumerate(missing):
                    self._read[f"mark {name}"] = found[f"_mark{i}"] == 1
            return {name: self._read[f"mark {name}"] for name in conditions}

    def values(self, name: str, expression: Any) -> Any:
        """Return what the engine works out of each event's own columns; see `column`."""
        key = f"values {name}"
        with self._one_at_a_time:
            if key not in self._read:
                asked = self.source.mutate(_value=expression)
                self._read[key] = self._in_order(read_columns(asked, ["_value"]))["_value"]
            return self._read[key]

    def values_at(self, rows: Whole, expressions: Mapping[str, Any]) -> pa.Table:
        """Return what the engine works out of some events, in the order of `rows`, no row twice."""
        own = rows if self.order is None else self.order[rows]
        wanted = pd.DataFrame({"_row": own, "_place": np.arange(len(own))})
        asked = hand_over(ibis.memtable(wanted), self.source.get_backend())
        # Numbered as the rows lie.
        placed = self.source.mutate(_row=ibis.row_number())
        found = placed.inner_join(asked, "_row").select("_place", **expressions)
        return fetch_arrow(found).sort_by("_place").drop_columns("_place")

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


def read_columns(rows: ibis.Table, names: Sequence[str]) -> dict[str, Any]:
    """Bring columns out of the engine, in the order in which the rows lie."""
    held: dict[str, Any] = {}
    for batch in fetch_batches(rows.select(*names), _ROWS_AT_ONCE):
        for name, column in zip(names, batch.columns, strict=True):
            held[name] = _longer(held.get(name), name, column)
    return {name: _whole(held.pop(name)) for name in names}


def _longer(held: Any, name: str, column: pa.Array) -> Any:
    """Put the next part of a column behind what is `held` of it, in memory of our own."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        words = {} if held is None else held[1]
        number = [words.setdefault(word, len(words)) for word in column.dictionary.to_pylist()]
        narrow = np.int16 if kind.index_type.bit_width == 8 else np.int32
        codes = np.array([*number, -1], dtype=narrow)[_filled(column.indices, -1)]
        return _appended(None if held is None else held[0], codes, narrow), words
    if name in _KEYS:
        return _appended(held, column.to_numpy(zero_copy_only=False), _KEYS[name])
    if pa.types.is_integer(kind) or name.endswith(("_us", "_micro")):
        return _appended(held, _filled(column.cast(pa.int64()), MISSING), np.int64)
    if pa.types.is_boolean(kind):
        return _appended(held, _filled(column.cast(pa.int8()), -1), np.int8)
    if pa.types.is_floating(kind):
        return _appended(held, column.to_numpy(zero_copy_only=False), np.float64)
    return [*(held or []), column.cast(pa.string()).dictionary_encode()]


def _filled(column: pa.Array, otherwise: int) -> Numbers:
    """Return whole numbers, with a number for those that are missing."""
    if column.null_count:
        column = pc.fill_null(column.cast(pa.int64()), otherwise)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _appended(held: Numbers | None, part: Numbers, kind: npt.DTypeLike) -> Numbers:
    """Make an array longer where it lies: to join parts at the end would hold them twice."""
    if held is None:
        return np.array(part, dtype=kind)
    before = len(held)
    held.resize(before + len(part), refcheck=False)
    held[before:] = part
    return held


def _whole(held: Any) -> Any:
    """Return a column that was read to its end; texts as codes, whatever the engine's."""
    if isinstance(held, np.ndarray):
        return held
    if isinstance(held, tuple):
        number, words = held
        return _in_order_of_words(number, list(words))
    texts = pa.chunked_array(held).unify_dictionaries().combine_chunks()
    number = _filled(texts.indices, -1)
    return _in_order_of_words(number, texts.dictionary.to_pylist())


def _in_order_of_words(used: Numbers, words: Sequence[str]) -> Codes:
    """Number the words that occur in the order of their letters."""
    there = np.zeros(len(words) + 1, dtype=bool)
    there[used] = True
    ordered = sorted(np.flatnonzero(there[:-1]).tolist(), key=lambda spot: words[spot].encode())
    number = np.full(len(words) + 1, -1, dtype=np.int32)
    number[ordered] = np.arange(len(ordered), dtype=np.int32)
    if len(ordered) <= np.iinfo(np.int8).max:
        number = number.astype(np.int8)
    return Codes(number[used], tuple(words[spot] for spot in ordered))


def picked(column: Any, rows: Whole | slice) -> Any:
    """Return what these rows have of a column."""
    return column.only(rows) if isinstance(column, Codes) else column[rows]


def words_at(words: Sequence[str], number: Numbers) -> pd.Series[str]:
    """Return the word of each number; missing where it is below 0."""
    return pd.Series(np.array([*words, None], dtype=object)[number], dtype="str")
