"""Columns of a table as arrays: numbers, and texts as codes of their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from journeylib.log.engine.duckdb import fetch_batches

Numbers = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
# Stands for a number that an event does not have.
MISSING = int(np.iinfo(np.int64).min)
_KEYS = {"customer_no": np.int32, "group": np.int8, "case_no": np.int32}
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
        return Codes(picked(self.held, rows), self.words)


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


def picked(column: Any, rows: Numbers | slice) -> Any:
    """Return what these rows have of a column."""
    if isinstance(column, Codes):
        return column.only(rows)
    if isinstance(rows, slice):
        return column[rows]
    values = np.empty(len(rows), dtype=column.dtype)
    # Numpy makes a wide copy of narrow row numbers: of some at a time.
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        values[part] = column.take(rows[part])
    return values
