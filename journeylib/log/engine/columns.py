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
_ROWS_PICKED = 100_000


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


def read_columns(rows: ibis.Table, size: int | None = None) -> dict[str, Any]:
    """Bring the columns of a table out of the engine, in the order in which its rows lie.

    There are `size` of them; they are counted unless it is given.
    """
    if size is None:
        size = int(rows.count().to_pyarrow().as_py())
    columns: dict[str, Any] = {}
    begin = 0
    for batch in fetch_batches(rows, _ROWS_AT_ONCE):
        for name, values in zip(rows.columns, batch.columns, strict=True):
            if name not in columns:
                columns[name] = _Column(name, values.type, size)
            columns[name].put(begin, values)
        begin += len(batch)
    return {name: columns.pop(name).whole() for name in rows.columns}


class _Column:
    """A column that comes in parts, each put into memory of our own at once."""

    def __init__(self, name: str, kind: pa.DataType, size: int) -> None:
        self.words: dict[str, int] | None = {} if pa.types.is_dictionary(kind) else None
        self.texts: list[pa.Array] = []
        # Of texts without codes only the engine's memory is held until all are there.
        self.numbers = None if (own := _kind(name, kind)) is None else np.empty(size, own)

    def put(self, begin: int, values: pa.Array) -> None:
        """Put in the values from row `begin` on."""
        if self.numbers is None:
            self.texts.append(values.cast(pa.string()).dictionary_encode())
            return
        part = self.numbers[begin : begin + len(values)]
        if self.words is not None:
            words = self.words
            number = [words.setdefault(w, len(words)) for w in values.dictionary.to_pylist()]
            codes = np.array([*number, -1], dtype=part.dtype)
            part[:] = codes[_filled(values.indices, -1)]
        elif part.dtype == np.float64:
            part[:] = values.to_numpy(zero_copy_only=False)
        else:
            flags = pa.types.is_boolean(values.type)
            if not pa.types.is_integer(values.type):
                values = values.cast(pa.int8() if flags else pa.int64())
            part[:] = _filled(values, -1 if flags else MISSING)

    def whole(self) -> Any:
        """Return the column, read to its end; texts as codes, whatever the engine's."""
        if self.numbers is not None and self.words is not None:
            return _in_order_of_words(self.numbers, list(self.words))
        if self.numbers is not None:
            return self.numbers
        texts = pa.chunked_array(self.texts).unify_dictionaries().combine_chunks()
        return _in_order_of_words(_filled(texts.indices, -1), texts.dictionary.to_pylist())


def _kind(name: str, kind: pa.DataType) -> Any:
    """Return the type of the numbers that stand for a column; None for texts without codes."""
    if pa.types.is_dictionary(kind):
        return np.int16 if kind.index_type.bit_width == 8 else np.int32
    if name in _KEYS:
        return _KEYS[name]
    if pa.types.is_integer(kind) or name.endswith(("_us", "_micro")):
        return np.int64
    if pa.types.is_boolean(kind):
        return np.int8
    return np.float64 if pa.types.is_floating(kind) else None


def _filled(column: pa.Array, otherwise: int) -> Numbers:
    """Return whole numbers, with a number for those that are missing."""
    if column.null_count:
        column = pc.fill_null(column.cast(pa.int64()), otherwise)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _in_order_of_words(used: Numbers, words: Sequence[str]) -> Codes:
    """Number the words that occur in the order of their letters."""
    occurs = np.zeros(len(words) + 1, dtype=bool)
    occurs[used] = True
    ordered = sorted(np.flatnonzero(occurs[:-1]).tolist(), key=lambda code: words[code].encode())
    number = np.full(len(words) + 1, -1, dtype=np.int32)
    number[ordered] = np.arange(len(ordered), dtype=np.int32)
    if len(ordered) <= np.iinfo(np.int8).max:
        number = number.astype(np.int8)
    return Codes(number[used], tuple(words[code] for code in ordered))


def picked(column: Any, rows: Numbers | slice) -> Any:
    """Return what these rows have of a column."""
    if isinstance(column, Codes):
        return Codes(picked(column.held, rows), column.words)
    if isinstance(rows, slice):
        return column[rows]
    values = np.empty(len(rows), dtype=column.dtype)
    # Numpy makes a wide copy of narrow row numbers: of some at a time. It checks none.
    for first in range(0, len(rows), _ROWS_PICKED):
        part = slice(first, first + _ROWS_PICKED)
        np.take(column, rows[part], out=values[part], mode="clip")
    return values
