"""Exact medians of values that are never held all at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from journeylib.journeys.walk.compiled import compiled
from journeylib.journeys.walk.counting import Tally, sum_in_cells

Numbers = npt.NDArray[Any]
Whole = npt.NDArray[np.int64]
Part = TypeVar("Part")
# Bands of values: eight to each doubling, from 2**-40 to beyond the largest whole number.
BANDS_PER_DOUBLING = 8
BANDS = 105 * BANDS_PER_DOUBLING


def medians(
    summed: Callable[[Callable[[Any], Any]], Any],
    values: Callable[[Part], tuple[Numbers, Numbers]],
    cells: int,
) -> npt.NDArray[np.float64]:
    """Return the exact median of the values in each cell; NaN where there is none.

    Of an even number it is the mean of the middle two.

    Parameters
    ----------
    summed : callable
        Counts all parts and adds up, as `Journeys.summed` does.
    values : callable
        Gives of a part the cell of each value, below 0 for none, and the value.
    cells : int
    """
    counts = summed(lambda part: Tally.of(bands_of(*values(part)), cells * BANDS))
    middle = Middle.of(counts, BANDS, cells)

    def near(part: Part) -> Near:
        cell, value = values(part)
        return middle.near(cell, bands_of(cell, value) % BANDS, value)

    return middle.values(summed(near))


@compiled
def bands_of(cell: Numbers, value: Numbers) -> Whole:
    """Return ``cell * BANDS`` + the band of the value, which rises with it; -1 for no cell."""
    found = np.full(len(cell), -1, dtype=np.int64)
    for row in range(len(cell)):
        if cell[row] >= 0:
            band = 0
            if value[row] > 0:
                part, doublings = math.frexp(value[row])
                band = (doublings + 40) * BANDS_PER_DOUBLING
                band += int(part * 2 * BANDS_PER_DOUBLING) - BANDS_PER_DOUBLING
                band = max(band, 0)
            found[row] = np.int64(cell[row]) * BANDS + band
    return found


@dataclass(frozen=True)
class Near:
    """Values near the medians: each of a cell once, in order of cell and value.

    Attributes
    ----------
    cell, value, times : ndarray
        ``times`` tells how often the value occurs.
    """

    cell: Numbers
    value: Numbers
    times: Whole

    @staticmethod
    def of(cell: Numbers, value: Numbers, times: Whole) -> Near:
        """Put values in order, and those that are the same together."""
        order = np.lexsort((value, cell))
        cell, value = cell[order], value[order]
        new = np.ones(len(cell), dtype=bool)
        new[1:] = (cell[1:] != cell[:-1]) | (value[1:] != value[:-1])
        own = np.cumsum(new) - 1
        return Near(cell[new], value[new], sum_in_cells(own, times[order], int(new.sum())))

    def __add__(self, other: Near) -> Near:
        """Add the values of other customers."""
        return Near.of(
            np.concatenate([self.cell, other.cell]),
            np.concatenate([self.value, other.value]),
            np.concatenate([self.times, other.times]),
        )


@dataclass(frozen=True)
class Middle:
    """Where the middle two values of each cell lie.

    Attributes
    ----------
    bands : ndarray of int64, shape (2, cells)
        The bands that hold them; -1 where the cell has no value.
    ranks : ndarray of int64, shape (2, cells)
        Their places, from 0, among the values of the cell from the first of these bands.
    """

    bands: Whole
    ranks: Whole

    @staticmethod
    def of(counts: Tally, bands: int, cells: int) -> Middle:
        """Find them in how often each band (``cell * bands + band``) occurs."""
        cell, band = np.divmod(counts.number, bands)
        many = sum_in_cells(cell, counts.times, cells)
        until = np.cumsum(counts.times)
        begins = np.cumsum(many) - many
        places = begins + np.stack([np.maximum(many - 1, 0) // 2, many // 2])
        spot = np.minimum(np.searchsorted(until, places, side="right"), max(len(band) - 1, 0))
        if not len(band):
            return Middle(np.full((2, cells), -1), np.zeros((2, cells), dtype=np.int64))
        return Middle(np.where(many > 0, band[spot], -1), places - (until - counts.times)[spot[0]])

    def near(self, cell: Numbers, band: Numbers, value: Numbers) -> Near:
        """Keep the values in these bands; a cell or band below 0 is none."""
        rows = rows_in_bands(cell, band, self.bands)
        return Near.of(cell[rows], value[rows], np.ones(len(rows), dtype=np.int64))

    def values(self, near: Near) -> npt.NDArray[np.float64]:
        """Return the median of each cell from the values in these bands."""
        cells = self.bands.shape[1]
        if not len(near.cell):
            return np.full(cells, np.nan)
        many = sum_in_cells(near.cell, near.times, cells)
        places = np.cumsum(many) - many + self.ranks
        spot = np.searchsorted(np.cumsum(near.times), places, side="right")
        lower, upper = near.value[np.minimum(spot, len(near.value) - 1)]
        return np.where(many > 0, lower + (upper - lower) / 2.0, np.nan)


@compiled
def rows_in_bands(cell: Numbers, band: Numbers, bands: Whole) -> Whole:
    """Return the rows whose band is one of the two of their cell."""
    found = np.empty(len(cell), dtype=np.int64)
    many = 0
    for row in range(len(cell)):
        here, own = cell[row], band[row]
        if here >= 0 and own >= 0 and (own == bands[0, here] or own == bands[1, here]):
            found[many] = row
            many += 1
    return found[:many].copy()
