"""Events: the columns of a log as arrays, customer after customer, each in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _

from journeylib.core import GROUPS
from journeylib.journeys.walk.counting import Base, base_in_cells, sum_in_cells
from journeylib.journeys.walk.visits import visit_numbers, visit_starts
from journeylib.log import fetch_arrow, fetch_batches, hand_over, is_sorted

Numbers = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
# Stands for a number that an event does not have.
MISSING = int(np.iinfo(np.int64).min)
_KEYS = {"journey": np.int64, "customer_no": np.int32, "group": np.int8, "touchpoint_no": np.int32}
# What puts the rows of a customer in order, and the columns that another cut changes.
_ORDER = ("customer_no", "t_us", "position", "touchpoint_no")
_CUT = frozenset(
    ("journey", "boundary_micro", "step", "starts_visit", "ends_visit", "visit_step", "visit_us")
) | {"wait_us", "next_us", "next_touchpoint", "next_touchpoint_no", "next_actor"}
_ALWAYS = ("t_us", "service_us", "actor", "session", "channel", "stage", "office", "intent")
# Rows that come out of the engine at once: what they take beside the arrays is small.
_ROWS_AT_ONCE = 1_000_000


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
        wanted = np.array([*(word in words for word in self.words), False])
        return np.asarray(wanted[self.held])

    @property
    def known(self) -> Flags:
        """Mark the events that have a word."""
        return self.held >= 0

    def only(self, rows: Numbers) -> Codes:
        """Return the codes of these rows."""
        return Codes(self.held[rows], self.words)


@dataclass(frozen=True, eq=False)
class Events:
    """The events of journeys as arrays.

    The rows lie customer after customer, journey after journey, step after step, so that one
    walk over them counts whatever needs their order.

    Attributes
    ----------
    source : ibis.Table
        The steps of the whole log, from which columns are read when they are first asked for.
    picked : ndarray of int64 or None
        The rows of the whole log that these are; None where they are all.
    parent : Events or None
        The events of the whole log, where these are some of them.
    touchpoints : int
        Number of touchpoints of the whole log.
    """

    source: ibis.Table = field(repr=False)
    touchpoints: int
    picked: Whole | None = field(default=None, repr=False)
    parent: Events | None = field(default=None, repr=False)
    _read: dict[str, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Count the events."""
        return len(self.touchpoint)

    # --- columns ----------------------------------------------------------------------------

    def has(self, column: str) -> bool:
        """Return whether the log has the column."""
        return column in self.source.columns

    def column(self, name: str) -> Any:
        """Return a column: `Codes` of texts, int8 of booleans (−1 missing), else int64."""
        if name == "journey":
            return self.key
        if name == "service_us" and not self.has("end_us"):
            return np.broadcast_to(np.int64(MISSING), len(self))
        return self._column(name)

    def _column(self, name: str) -> Any:
        if name not in self._read:
            if self.parent is None:
                wanted = [name]
                if not self._read:
                    there = [one for one in _ALWAYS if self.has(one)]
                    if not self.has("end_us"):
                        there = [one for one in there if one != "service_us"]
                    wanted = list(dict.fromkeys([*_KEYS, *there, name]))
                self._read.update(read_columns(self.source, wanted))
            else:
                assert self.picked is not None
                self._read[name] = _picked(self.parent.column(name), self.picked)
        return self._read[name]

    def once(self, name: str, make: Callable[[], Any], *, whatever_cut: bool = False) -> Any:
        """Return what `make` finds out from these events; the same name is found out once.

        What does not depend on how journeys are cut, nor on the order of rows, is shared.
        """
        key = f"{'for any cut' if whatever_cut else 'once'} {name}"
        if key not in self._read:
            self._read[key] = make()
        return self._read[key]

    def share(self, other: Events) -> bool:
        """Take over what `other` has read, where it holds the same rows under another cut.

        What the cut decides is left out. Nothing is taken over where two rows may have changed
        places: rows of one customer, time, position and touchpoint may, unless neither cut sorted
        the rows of the log anew.

        Returns
        -------
        bool
            Whether it was taken over, and every row is in the same journey as in `other`: then
            the two cuts are the same.
        """
        order = [name for name in _ORDER if self.has(name)]
        if not all(is_sorted(events.source, "customer_no") for events in (self, other)):
            return False
        decided = ["journey", *filter(self.has, ["boundary_micro"])]
        own = read_columns(self.source, [*order, *decided])
        theirs = {name: other.column(name) for name in order}
        there = len(own[order[0]]) == len(theirs[order[0]])
        if not there or any((own[name] != theirs[name]).any() for name in order):
            return False
        apart = np.zeros(max(len(own[order[0]]) - 1, 0), dtype=bool)
        for name in order:
            apart |= own[name][1:] != own[name][:-1]
        unsorted = all(is_sorted(events.source, "journey") for events in (self, other))
        if not (unsorted or apart.all()):
            return False
        kept = {k: v for k, v in other._read.items() if k not in _CUT and k[:5] != "once "}
        self._read.update(kept | own)
        if self.has("boundary_micro") != other.has("boundary_micro"):
            return False
        return all(np.array_equal(own[name], other.column(name)) for name in decided)

    def known(self, name: str) -> Flags:
        """Mark the events that have a value in a column."""
        column = self.column(name)
        if isinstance(column, Codes):
            return column.known
        if column.dtype == np.int8:
            return np.asarray(column >= 0)
        return np.asarray(~np.isnan(column) if column.dtype.kind == "f" else column != MISSING)

    def mark(self, name: str, condition: Any) -> Flags:
        """Return where a condition on the steps holds, worked out by the engine once.

        Parameters
        ----------
        name : str
            By which it is remembered: the same name is the same condition.
        condition : Ibis boolean
            Null is no.
        """
        return self.marks({name: condition})[name]

    def marks(self, conditions: Mapping[str, Any]) -> dict[str, Flags]:
        """Return several conditions in one query; see `mark`."""
        if self.parent is not None:
            assert self.picked is not None
            whole = self.parent.marks(conditions)
            return {name: flags[self.picked] for name, flags in whole.items()}
        missing = {k: v for k, v in conditions.items() if f"mark {k}" not in self._read}
        if missing:
            asked = self.source.mutate(
                **{f"_mark{i}": value.fill_null(False) for i, value in enumerate(missing.values())}
            )
            found = read_columns(asked, [f"_mark{i}" for i in range(len(missing))])
            for i, name in enumerate(missing):
                self._read[f"mark {name}"] = found[f"_mark{i}"] == 1
        return {name: self._read[f"mark {name}"] for name in conditions}

    def values(self, name: str, value: Any) -> Any:
        """Return what the engine works out of each event's own columns; see `mark` and `column`."""
        if self.parent is not None:
            assert self.picked is not None
            return _picked(self.parent.values(name, value), self.picked)
        if f"values {name}" not in self._read:
            found = read_columns(self.source.mutate(_value=value), ["_value"])
            self._read[f"values {name}"] = found["_value"]
        return self._read[f"values {name}"]

    def values_at(self, rows: Whole, **values: Any) -> pa.Table:
        """Return what the engine works out of some events, in the order of `rows`.

        Parameters
        ----------
        rows : ndarray of int64
            No row twice.
        **values : Ibis value
            Of the log's own columns; each is a column of the table.
        """
        wanted = pd.DataFrame({"_of": self.key[rows], "_at": self.whole_step[rows]})
        wanted["_row"] = np.arange(len(rows))
        asked = hand_over(ibis.memtable(wanted), self.source.get_backend())
        same = [self.source.journey == asked["_of"], self.source.step == asked["_at"]]
        found = self.source.inner_join(asked, same).select("_row", **values)
        return fetch_arrow(found).sort_by("_row").drop_columns("_row")

    def texts_at(self, rows: Whole) -> list[str]:
        """Bring the texts of some events out of the engine."""
        return [str(text) for text in self.values_at(rows, text=_.text)["text"].to_pylist()]

    @property
    def touchpoint(self) -> npt.NDArray[np.int32]:
        """Number of the touchpoint."""
        return self.column("touchpoint_no")  # type: ignore[no-any-return]

    @property
    def customer(self) -> npt.NDArray[np.int32]:
        """Number of the customer."""
        return self.column("customer_no")  # type: ignore[no-any-return]

    @property
    def group(self) -> npt.NDArray[np.int8]:
        """Customer group, 0 to 63."""
        return self.column("group")  # type: ignore[no-any-return]

    @property
    def key(self) -> Whole:
        """The key of the journey, as other tables have it."""
        return self.journey_key[self.journey]

    @property
    def t_us(self) -> Whole:
        """Start, microseconds since 1970 UTC; only in a log with a clock."""
        return self.column("t_us")  # type: ignore[no-any-return]

    @property
    def service_us(self) -> Whole:
        """From start to end; `MISSING` where no end is known."""
        return self.column("service_us")  # type: ignore[no-any-return]

    @property
    def done_us(self) -> Whole:
        """When each event is over: its end, or its start where no end is known."""
        if not self.has("end_us"):
            return self.t_us
        return self.t_us + np.where(self.service_us == MISSING, 0, self.service_us)

    # --- order ------------------------------------------------------------------------------

    @cached_property
    def _runs(self) -> tuple[Whole, Whole]:
        """Row at which each journey begins, with the number of rows at the end, and its key."""
        if self.parent is None:
            own = self._column("journey")
        else:
            assert self.picked is not None
            own = self.parent.journey[self.picked]
        first = np.ones(len(own), dtype=bool)
        first[1:] = own[1:] != own[:-1]
        begins = np.append(np.flatnonzero(first), len(own)).astype(np.int64)
        key = own[begins[:-1]]
        if self.parent is not None:
            return begins, self.parent.journey_key[key]
        # One key a journey is enough.
        del self._read["journey"]
        return begins, key

    @property
    def begins(self) -> Whole:
        """Row at which each journey begins, and after the last the number of rows."""
        return self._runs[0]

    @property
    def journey_key(self) -> Whole:
        """The key of each journey, as other tables have it."""
        return self._runs[1]

    @cached_property
    def journey(self) -> npt.NDArray[np.int32]:
        """Number of the journey, from 0 in the order of the rows."""
        return np.repeat(np.arange(len(self.begins) - 1, dtype=np.int32), np.diff(self.begins))

    @property
    def step(self) -> npt.NDArray[np.int32]:
        """Place in the journey, from 1."""
        row = np.arange(1, len(self) + 1, dtype=np.int32)
        return row - self.begins[:-1].astype(np.int32)[self.journey]

    @property
    def whole_step(self) -> npt.NDArray[np.int32]:
        """Place in the journey of the whole log, from 1."""
        if self.parent is None or self.picked is None:
            return self.step
        return self.parent.step[self.picked]

    @cached_property
    def is_last(self) -> Flags:
        """Mark the last event of each journey."""
        last = np.zeros(len(self), dtype=bool)
        last[self.begins[1:] - 1] = True
        return last

    @cached_property
    def starts_visit(self) -> Flags:
        """Mark the first event of each visit."""
        if not self.has("session"):
            return np.ones(len(self), dtype=bool)
        return visit_starts(self.journey, self.touchpoint, self.column("session").number)

    @property
    def ends_visit(self) -> Flags:
        """Mark the last event of each visit."""
        return np.append(self.starts_visit[1:], True)[: len(self)].astype(bool)

    @property
    def visit_row(self) -> Numbers:
        """Row (int32) at which the visit of each event began."""
        if not self.has("session"):
            return np.arange(len(self), dtype=np.int32)
        starts = np.flatnonzero(self.starts_visit).astype(np.int32)
        return np.repeat(starts, np.diff(np.append(starts, len(self))))

    @cached_property
    def visit(self) -> Numbers:
        """Number of the visit of its touchpoint in the journey, from 1."""
        return visit_numbers(self.starts_visit, self.journey, self.touchpoint, self.touchpoints)

    # What follows from neighbours is worked out where it is asked for: to keep it takes more room
    # than the events.

    @property
    def next_touchpoint(self) -> npt.NDArray[np.int32]:
        """Touchpoint of the next event of the journey; −1 at its last."""
        return self.next_of(self.touchpoint, -1)

    @property
    def next_us(self) -> Whole:
        """Start of the next event of the journey; `MISSING` at its last."""
        return self.next_of(self.t_us, MISSING)

    @property
    def wait_us(self) -> Whole:
        """Silence from the end of an event to the next of its journey, at least 0."""
        silence = self.next_us
        silence -= self.t_us
        if self.has("end_us"):
            silence -= np.where(self.service_us > 0, self.service_us, 0)
        np.maximum(silence, 0, out=silence)
        silence[self.is_last] = MISSING
        return silence

    @cached_property
    def silence_us(self) -> Whole:
        """Silence of the customer before the event, in whatever journey.

        From the latest end seen so far, as what is cut by silence; `MISSING` at a customer's first
        event.
        """
        done = pd.Series(self.t_us + np.maximum(self.service_us, 0))
        busy = done.groupby(self.customer).cummax().to_numpy(np.int64)
        silence = np.full(len(self), MISSING)
        again = np.flatnonzero(self.customer[1:] == self.customer[:-1]) + 1
        silence[again] = self.t_us[again] - busy[again - 1]
        return silence

    @cached_property
    def by_time(self) -> Whole | slice:
        """Rows in order of customer and time: other journeys of a customer may lie between.

        A slice of all where they lie so.
        """
        customer, t_us, journey = self.customer, self.t_us, self.journey
        # Journeys that follow each other are in order themselves: no position need be read.
        rising = (t_us[1:] == t_us[:-1]) & (journey[1:] == journey[:-1])
        rising |= (t_us[1:] > t_us[:-1]) | (customer[1:] > customer[:-1])
        if rising.all():
            return slice(None)
        parts = (self.touchpoint, self.column("position"), t_us, customer)
        self._read.pop("position", None)
        return rows_in_order(*parts)

    def rows_of(self, key: Any, step: Any) -> Whole:
        """Return the rows of steps of journeys, named as other tables name them."""
        journey = np.searchsorted(self.journey_key, np.asarray(key))
        return np.asarray(self.begins[journey] + np.asarray(step) - 1)

    def next_of(self, column: Numbers, otherwise: int) -> Numbers:
        """Return what the next event of the journey has; `otherwise` at its last."""
        later = np.empty_like(column)
        later[:-1] = column[1:]
        later[self.is_last] = otherwise
        return later

    # --- counting ---------------------------------------------------------------------------

    def base(self, cell: Numbers, cells: int) -> Base:
        """Count events, journeys and customers in cells; cells below 0 are none."""
        return base_in_cells(cell, self.journey, self.customer, cells)

    def in_groups(self, cell: Numbers, amount: Numbers, cells: int) -> npt.NDArray[np.float64]:
        """Sum whole numbers in cells of each customer group, shape (groups, cells)."""
        own = np.where(cell >= 0, self.group * np.int64(cells) + cell, -1)
        return sum_in_cells(own, amount, GROUPS * cells).reshape(GROUPS, cells).astype(np.float64)

    def only(self, rows: Numbers) -> Events:
        """Return the events of these rows: marked, or numbered in their order."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        if self.parent is None:
            return Events(self.source, self.touchpoints, rows, self)
        assert self.picked is not None
        return Events(self.source, self.touchpoints, self.picked[rows], self.parent)


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
    """Bring columns out of the engine, in the order of customer, journey and step."""
    if not is_sorted(rows, "journey"):
        rows = rows.order_by(["customer_no", "journey", "step"])
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


def _picked(column: Any, rows: Whole) -> Any:
    return column.only(rows) if isinstance(column, Codes) else column[rows]


def words_at(words: Sequence[str], number: Numbers) -> pd.Series[str]:
    """Return the word of each number; missing where it is below 0."""
    return pd.Series(np.array([*words, None], dtype=object)[number], dtype="str")
