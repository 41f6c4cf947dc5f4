"""Known values: what the log held of a declared column by the time that counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.journeys import Codes, Events, words_at

Whole = npt.NDArray[np.int64]


def last_values(
    events: Events, name: str, begin: Whole, last: Whole, rows: Whole | slice = slice(None)
) -> pd.Series[Any]:
    """Return the last value of a column from one place to another; missing where none is known.

    Words that are all numbers are returned as numbers.

    Parameters
    ----------
    events : Events
    name : str
    begin, last : ndarray of int64
        Places among `rows`.
    rows : ndarray of int64, optional
        Events in another order than their own, or some of them.
    """
    column = events.column(name)
    places = np.append(-1, np.flatnonzero(events.known(name)[rows]))
    nearest = places[np.searchsorted(places, last, side="right") - 1]
    is_known = nearest >= begin
    if not isinstance(column, Codes):
        return pd.Series(np.where(is_known, column[rows][nearest], np.nan))
    word = np.where(is_known, column.held[rows][nearest], -1)
    of_word = pd.to_numeric(np.array(column.words, dtype=object), errors="coerce")
    number = np.append(of_word.astype(np.float64), np.nan)[word]
    if (np.isnan(number) == (word < 0)).all():
        return pd.Series(number)
    return words_at(column.words, word)
