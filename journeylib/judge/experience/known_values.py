"""Known values: what the log held of a declared column by the time that counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.journeys import MISSING, Codes, Events, Journeys, value_at, words_at

Whole = npt.NDArray[np.int64]


def last_known(known: npt.NDArray[np.bool_], first: Whole, last: Whole) -> Whole:
    """Return the last place from `first` to `last` where something is `known`; −1 for none."""
    places = np.append(-1, np.flatnonzero(known))
    nearest = places[np.searchsorted(places, last, side="right") - 1]
    return np.where(nearest >= first, nearest, -1)


def values_at(events: Events, name: str, row: Whole) -> pd.Series[Any]:
    """Return the value that a column has at each row; missing where the row is below 0."""
    column = events.column(name)
    if isinstance(column, Codes):
        return words_at(column.words, value_at(column.number, row, -1))
    value = value_at(column, row, MISSING)
    missing = -1 if column.dtype == np.int8 else MISSING
    return pd.Series(np.where((row < 0) | (value == missing), np.nan, value))


def touchpoint_names(journeys: Journeys) -> list[str]:
    """Return the name of each touchpoint, by its number."""
    return [journeys.names[number] for number in range(len(journeys.names))]
