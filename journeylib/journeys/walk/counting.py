"""Counting: events, journeys and customers in cells, variants, medians.

Every function takes events in the order of `Events`: customer after customer, and the events of
one journey together. A cell is a number from 0, such as a touchpoint in a customer group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from journeylib.log import MISSING, compiled

Whole = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]
Part = TypeVar("Part")


@dataclass(frozen=True)
class Base:
    """What numbers rest on, one entry per cell."""

    events: Whole
    journeys: Whole
    customers: Whole

    def __add__(self, other: Base) -> Base:
        """Add what other customers bring."""
        return Base(
            self.events + other.events,
            self.journeys + other.journeys,
            self.customers + other.customers,
        )


class Sums(dict[str, Any]):
    """Sums of whole numbers by name, of some customers; those of others are added by name."""

    def __add__(self, other: Sums) -> Sums:
        """Add what other customers bring."""
        return Sums({name: own + other[name] for name, own in self.items()})


# Above it most cells are empty, and to sort is cheaper than to go through all.
MOST_CELLS_AN_EVENT = 8
# Bands of values: eight to each doubling, from a thousandth to beyond a century of microseconds.
BANDS_PER_DOUBLING = 8
LOWEST_BAND = (1023 - 11) * BANDS_PER_DOUBLING
BANDS = 64 * BANDS_PER_DOUBLING


@dataclass(frozen=True)
class Tally:
    """How often numbers occur.

    Attributes
    ----------
    full : ndarray of int, shape (numbers,) or None
        How often each number from 0 occurs; None where most of them do not.
    listed : tuple of ndarray of int64, or None
        The numbers that occur, ascending, and how often; None where `full` tells it.
    """

    full: Numbers | None = None
    listed: tuple[Whole, Whole] | None = None

    @staticmethod
    def of(number: Numbers, numbers: int) -> Tally:
        """Count numbers from 0 to below `numbers`; those below 0 are left out."""
        if numbers <= MOST_CELLS_AN_EVENT * len(number):
            return Tally(_times(number, numbers))
        ordered = np.sort(number[number >= 0])
        begins = np.flatnonzero(np.diff(ordered, prepend=-1))
        return Tally(listed=(ordered[begins], np.diff(begins, append=len(ordered))))

    @cached_property
    def _occurring(self) -> tuple[Whole, Whole]:
        if self.full is None:
            return self.listed or (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
        number = np.flatnonzero(self.full)
        return number, self.full[number].astype(np.int64)

    @property
    def number(self) -> Whole:
        """The numbers that occur, ascending."""
        return self._occurring[0]

    @property
    def times(self) -> Whole:
        """How often each of them occurs, shape (n,) or (n, kinds)."""
        return self._occurring[1]

    def in_runs(self, size: int) -> Tally:
        """Count each run of so many numbers as one."""
        number, index = np.unique(self.number // size, return_inverse=True)
        return Tally(listed=(number, sum_in_cells(index, self.times, len(number))))

    def __add__(self, other: Tally) -> Tally:
        """Add how often they occur elsewhere."""
        if self.full is None and other.full is not None:
            return other + self
        if self.full is not None:
            full = self.full.copy() if other.full is None else self.full + other.full
            if other.full is None:
                full[other.number] += other.times
            return Tally(full)
        own, theirs, many = union_places(self.number, self.number, other.number, other.number)
        number, times = np.empty(many, dtype=np.int64), np.zeros((many, *self.times.shape[1:]), int)
        number[own], number[theirs] = self.number, other.number
        times[own] += self.times
        times[theirs] += other.times
        return Tally(listed=(number, times))


@compiled
def _times(number: Numbers, numbers: int) -> npt.NDArray[np.int32]:
    """Count how often each number occurs; those below 0 are left out."""
    times = np.zeros(numbers, dtype=np.int32)
    for row in range(len(number)):
        if number[row] >= 0:
            times[number[row]] += 1
    return times


@compiled
def union_places(
    cell: Numbers, value: Numbers, other_cell: Numbers, other_value: Numbers
) -> tuple[Whole, Whole, int]:
    """Return where the pairs of two lists stand in the union of both, and its length.

    Each list is in order of cell and value, no pair twice; a pair of both stands there once.
    """
    own = np.empty(len(cell), dtype=np.int64)
    theirs = np.empty(len(other_cell), dtype=np.int64)
    one, other, rank = 0, 0, 0
    while one < len(cell) or other < len(other_cell):
        if other == len(other_cell):
            before, after = True, False
        elif one == len(cell):
            before, after = False, True
        elif cell[one] != other_cell[other]:
            before = cell[one] < other_cell[other]
            after = not before
        else:
            before, after = value[one] < other_value[other], other_value[other] < value[one]
        if not after:
            own[one] = rank
            one += 1
        if not before:
            theirs[other] = rank
            other += 1
        rank += 1
    return own, theirs, rank


def base_in_cells(cell: Numbers, journey: Numbers, customer: Numbers, cells: int) -> Base:
    """Count events, journeys and customers in cells; cells below 0 are none."""
    return Base(*_base(cell, journey, customer, cells))


@compiled
def _base(
    cell: Numbers, journey: Numbers, customer: Numbers, cells: int
) -> tuple[Whole, Whole, Whole]:
    events = np.zeros(cells, dtype=np.int64)
    journeys = np.zeros(cells, dtype=np.int64)
    customers = np.zeros(cells, dtype=np.int64)
    last_journey = np.full(cells, -1, dtype=np.int64)
    last_customer = np.full(cells, -1, dtype=np.int64)
    for row in range(len(cell)):
        here = cell[row]
        if here < 0:
            continue
        events[here] += 1
        if last_journey[here] != journey[row]:
            last_journey[here] = journey[row]
            journeys[here] += 1
        if last_customer[here] != customer[row]:
            last_customer[here] = customer[row]
            customers[here] += 1
    return events, journeys, customers


_FIRST_HASH, _HASH_STEP = 1469598103934665603, 1099511628211


@compiled
def count_units(cell: Numbers, unit: Numbers, cells: int) -> Whole:
    """Count the units (journeys, customers) with an event in each cell; cells below 0 are none.

    The events of a unit lie together, so one remembered unit a cell is enough.
    """
    latest = np.full(cells, -1, dtype=np.int64)
    counted = np.zeros(cells, dtype=np.int64)
    for row in range(len(cell)):
        here = cell[row]
        if here >= 0 and latest[here] != unit[row]:
            latest[here] = unit[row]
            counted[here] += 1
    return counted


def count_neighbours(unit: Numbers) -> int:
    """Count the distinct units, where the rows of each lie together."""
    return int(np.count_nonzero(unit[1:] != unit[:-1])) + int(len(unit) > 0)


@compiled
def count_marked(
    marks: Numbers, cell: Numbers, units: tuple[Numbers, Numbers], cells: int
) -> Numbers:
    """Count events, journeys and customers with each of several marks in each cell.

    Parameters
    ----------
    marks : ndarray of bool, shape (kinds, n)
        Which events have each mark; at most 32.
    cell : ndarray of int
    units : tuple of ndarray of int
        Journey and customer of each event; the events of each lie together.
    cells : int

    Returns
    -------
    ndarray of int32, shape (cells, 3, kinds)
    """
    (journey, customer), kinds = units, len(marks)
    # A bit for each mark.
    bits = np.zeros(len(cell), dtype=np.uint32)
    for kind in range(kinds):
        for row in range(len(cell)):
            bits[row] |= np.uint32(marks[kind, row]) << np.uint32(kind)
    counted = np.zeros((cells, 3, kinds), dtype=np.int32)
    latest = np.full((cells, 2), -1, dtype=np.int64)
    # The marks that the latest journey, and customer, of the cell had there.
    before = np.zeros((cells, 2), dtype=np.uint32)
    for row in range(len(cell)):
        here, own = cell[row], bits[row]
        if own == 0:
            continue
        if latest[here, 0] != journey[row]:
            latest[here, 0], before[here, 0] = journey[row], 0
            # Another customer comes in another journey.
            if latest[here, 1] != customer[row]:
                latest[here, 1], before[here, 1] = customer[row], 0
        of_journey, of_customer = own & ~before[here, 0], own & ~before[here, 1]
        before[here, 0] |= own
        before[here, 1] |= own
        for kind in range(kinds):
            counted[here, 0, kind] += (own >> kind) & 1
            counted[here, 1, kind] += (of_journey >> kind) & 1
            counted[here, 2, kind] += (of_customer >> kind) & 1
    return counted


@compiled
def count_units_again(cell: Numbers, unit: Numbers, cells: int) -> Whole:
    """Count the units with two or more events in each cell; cells below 0 are none."""
    latest = np.full(cells, -1, dtype=np.int64)
    times = np.zeros(cells, dtype=np.int64)
    counted = np.zeros(cells, dtype=np.int64)
    for row in range(len(cell)):
        here = cell[row]
        if here < 0:
            continue
        if latest[here] != unit[row]:
            latest[here] = unit[row]
            times[here] = 0
        times[here] += 1
        if times[here] == 2:
            counted[here] += 1
    return counted


@compiled
def sum_in_cells(cell: Numbers, amount: Numbers, cells: int) -> Whole:
    """Sum whole numbers in each cell; cells below 0 are none."""
    total = np.zeros(cells, dtype=np.int64)
    for row in range(len(cell)):
        if cell[row] >= 0:
            total[cell[row]] += amount[row]
    return total


@compiled
def largest_of_customers(cell: Numbers, customer: Numbers, amount: Numbers, cells: int) -> Whole:
    """Return the most that one customer makes of each cell.

    Parameters
    ----------
    cell, customer, amount : ndarray of int
        Where each amount belongs, whose it is (those of a customer together), and how much, not
        negative.
    cells : int

    Examples
    --------
    >>> largest_of_customers(np.array([0, 1, 0]), np.array([1, 1, 2]), np.array([3, 3, 4]), 2)
    array([4, 3])
    """
    holder = np.full(cells, -1, dtype=np.int64)
    own = np.zeros(cells, dtype=np.int64)
    most = np.zeros(cells, dtype=np.int64)
    for row in range(len(cell)):
        here = cell[row]
        if holder[here] != customer[row]:
            holder[here] = customer[row]
            own[here] = 0
        own[here] += amount[row]
        most[here] = max(most[here], own[here])
    return most


@compiled
def slot_of(key: int, size: int) -> np.int64:
    """Return the slot of a hash table of `size` slots, a power of two, where a search begins.

    Every bit of the key decides: of keys that are a multiple of a large power of two, as journey
    times many intents is, the low bits are all the same.
    """
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(size - 1))


@compiled
def slot_in(slots: Numbers, keys: Numbers, key: int) -> np.int64:
    """Return the slot that holds the number of a key, or the empty one (-1) where it belongs.

    Parameters
    ----------
    slots : ndarray of int64
        Numbers of keys; as many as a power of two, and not all full.
    keys : ndarray of int64
        By number.
    key : int
    """
    slot = slot_of(key, len(slots))
    while slots[slot] >= 0 and keys[slots[slot]] != key:
        slot = (slot + 1) & (len(slots) - 1)
    return slot


@compiled
def number_pairs(first: Numbers, second: Numbers, seconds: int) -> tuple[Numbers, Whole]:
    """Number the pairs that occur, in the order in which they first do.

    Returns
    -------
    number : ndarray of int32
        Of the pair of each row; -1 where `first` is below 0.
    keys : ndarray of int64
        ``first * seconds + second`` by number.

    Notes
    -----
    An open-addressing hash table: a full table of thousands of touchpoints by thousands would be
    nothing but zeros.
    """
    size = 1024
    slots = np.full(size, -1, dtype=np.int64)
    keys = np.empty(size, dtype=np.int64)
    number = np.empty(len(first), dtype=np.int32)
    count = 0
    for row in range(len(first)):
        if first[row] < 0:
            number[row] = -1
            continue
        key = np.int64(first[row]) * seconds + second[row]
        slot = slot_in(slots, keys, key)
        if slots[slot] < 0:
            slots[slot] = count
            keys[count] = key
            count += 1
            number[row] = count - 1
            if count * 2 > size:
                size *= 2
                more = np.empty(size, dtype=np.int64)
                more[:count] = keys[:count]
                keys = more
                slots = np.full(size, -1, dtype=np.int64)
                for old in range(count):
                    slots[slot_in(slots, keys, keys[old])] = old
        else:
            number[row] = slots[slot]
    return number, keys[:count].copy()


@compiled
def number_variants(visit: Numbers, begins: Whole) -> tuple[Numbers, Whole]:
    """Number the distinct sequences of visits, in the order in which they first occur.

    Variants: the distinct sequences of touchpoints, visit by visit.

    Parameters
    ----------
    visit : ndarray of int
        Touchpoints of all visits, journey after journey.
    begins : ndarray of int64, shape (journeys + 1,)
        Where the visits of each journey begin.

    Returns
    -------
    variant : ndarray of int32, shape (journeys,)
    example : ndarray of int64
        By variant the first journey that went this way.

    Notes
    -----
    Two sequences of one hash are compared visit by visit, so that the answer is exact.
    """
    journeys = len(begins) - 1
    size = 16
    while size < 2 * journeys:
        size *= 2
    slots = np.full(size, -1, dtype=np.int32)
    variant = np.empty(journeys, dtype=np.int32)
    example = np.empty(journeys, dtype=np.int32)
    count = 0
    for journey in range(journeys):
        low, high = begins[journey], begins[journey + 1]
        key = np.uint64(_FIRST_HASH)
        for row in range(low, high):
            key = (key ^ np.uint64(visit[row] + 1)) * np.uint64(_HASH_STEP)
        slot = np.int64((key ^ (key >> np.uint64(29))) & np.uint64(size - 1))
        while True:
            number = slots[slot]
            if number < 0:
                slots[slot] = count
                example[count] = journey
                variant[journey] = count
                count += 1
                break
            other = begins[example[number]]
            same = begins[example[number] + 1] - other == high - low
            step = 0
            while same and step < high - low:
                same = visit[low + step] == visit[other + step]
                step += 1
            if same:
                variant[journey] = number
                break
            slot = (slot + 1) & (size - 1)
    return variant, example[:count].astype(np.int64)


def happens_between(
    customer: Numbers, low: Whole, high: Whole, whose: Numbers, when: Numbers
) -> npt.NDArray[np.bool_]:
    """Mark where something happened to the customer from `low` to `high`, both included.

    Parameters
    ----------
    customer, low, high : ndarray, shape (n,)
        Whom, from when and until when is asked about.
    whose, when : ndarray, shape (m,)
        What happened: to which customer, at which instant.
    """
    order = np.lexsort((when, whose))
    whose, when = whose[order].astype(np.int64), when[order].astype(np.int64)
    first = np.searchsorted(whose, customer).astype(np.int64)
    return _between(first, customer.astype(np.int64), low, high, whose, when)


@compiled
def _between(
    first: Whole, customer: Whole, low: Whole, high: Whole, whose: Whole, when: Whole
) -> npt.NDArray[np.bool_]:
    is_within = np.zeros(len(first), dtype=np.bool_)
    for query in range(len(first)):
        row = first[query]
        while row < len(whose) and whose[row] == customer[query] and when[row] < low[query]:
            row += 1
        is_within[query] = (
            row < len(whose) and whose[row] == customer[query] and when[row] <= high[query]
        )
    return is_within


# --- medians ------------------------------------------------------------------------------------


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
        Gives of a part the cell of each value, below 0 for none, and the value; `MISSING` is none.
    cells : int
    """
    counts = summed(lambda part: Tally.of(cells_of_bands(*values(part)), cells * BANDS))
    middle = Middle.of(counts, BANDS, cells)
    return middle.values(summed(lambda part: middle.near(*values(part), band_floors())))


def medians_of(cell: Numbers, value: Numbers, cells: int) -> npt.NDArray[np.float64]:
    """Return the exact median of the values in each cell; see `medians`."""
    return medians(lambda count: count(None), lambda _whole: (cell, value), cells)


@compiled
def band_of(value: float) -> int:
    """Return the band of a value: it rises with the value."""
    # Sign, exponent and three bits of the fraction of a number do.
    band = (int(np.float64(value).view(np.int64)) >> (52 - 3)) - LOWEST_BAND
    return min(max(band, 0), BANDS - 1)


@cache
def band_floors() -> npt.NDArray[np.float64]:
    """Return the least value of each band, and what lies beyond the last; `MISSING` is in none."""
    floors = ((np.arange(BANDS + 1) + LOWEST_BAND) << (52 - 3)).view(np.float64)
    floors[0], floors[-1] = np.nextafter(float(MISSING), 0), np.inf
    return floors


@compiled
def cells_of_bands(cell: Numbers, value: Numbers) -> Whole:
    """Return ``cell * BANDS`` + the band of the value; -1 for no cell or no value."""
    number = np.full(len(cell), -1, dtype=np.int64)
    for row in range(len(cell)):
        if cell[row] >= 0 and value[row] != MISSING:
            number[row] = np.int64(cell[row]) * BANDS + band_of(value[row])
    return number


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
    def of(cell: Numbers, value: Numbers) -> Near:
        """Put values in order, and those that are the same together."""
        first, times = count_values(cell, value)
        order = np.lexsort((value[first], cell[first]))
        return Near(cell[first[order]], value[first[order]], times[order])

    def __add__(self, other: Near) -> Near:
        """Add the values of other customers."""
        own, theirs, many = union_places(self.cell, self.value, other.cell, other.value)
        cell, value = (
            np.empty(many, dtype=np.result_type(*both))
            for both in ((self.cell, other.cell), (self.value, other.value))
        )
        cell[own], cell[theirs] = self.cell, other.cell
        value[own], value[theirs] = self.value, other.value
        times = np.zeros(many, dtype=np.int64)
        times[own] += self.times
        times[theirs] += other.times
        return Near(cell, value, times)


@compiled
def count_values(cell: Numbers, value: Numbers) -> tuple[Whole, Whole]:
    """Return the first row of each distinct value of a cell, and how often it comes."""
    size = 16
    while size < 2 * len(cell):
        size *= 2
    slots = np.full(size, -1, dtype=np.int32)
    first = np.zeros(len(cell), dtype=np.int64)
    times = np.zeros(len(cell), dtype=np.int64)
    distinct = 0
    for row in range(len(cell)):
        bits = np.float64(value[row]).view(np.int64)
        slot = slot_of(int(bits + np.int64(cell[row]) * _HASH_STEP), size)
        own = slots[slot]
        while own >= 0 and (cell[first[own]] != cell[row] or value[first[own]] != value[row]):
            slot = (slot + 1) & (size - 1)
            own = slots[slot]
        if own < 0:
            own = distinct
            slots[slot] = own
            first[own] = row
            distinct += 1
        times[own] += 1
    return first[:distinct].copy(), times[:distinct].copy()


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
        row = np.minimum(np.searchsorted(until, places, side="right"), max(len(band) - 1, 0))
        if not len(band):
            return Middle(np.full((2, cells), -1), np.zeros((2, cells), dtype=np.int64))
        return Middle(np.where(many > 0, band[row], -1), places - (until - counts.times)[row[0]])

    def near(self, cell: Numbers, value: Numbers, floors: Numbers) -> Near:
        """Return the values in these bands, of which `floors` has the least; a cell < 0 is none."""
        low = np.where(self.bands[0] >= 0, floors[self.bands[0]], floors[-1])
        rows = rows_between(cell, value, low, floors[self.bands[1] + 1])
        return Near.of(cell[rows], value[rows])

    def values(self, near: Near) -> npt.NDArray[np.float64]:
        """Return the median of each cell from the values in these bands."""
        cells = self.bands.shape[1]
        if not len(near.cell):
            return np.full(cells, np.nan)
        many = sum_in_cells(near.cell, near.times, cells)
        places = np.cumsum(many) - many + self.ranks
        row = np.searchsorted(np.cumsum(near.times), places, side="right")
        lower, upper = near.value[np.minimum(row, len(near.value) - 1)]
        return np.where(many > 0, lower + (upper - lower) / 2.0, np.nan)


@compiled
def rows_between(cell: Numbers, value: Numbers, low: Numbers, high: Numbers) -> Whole:
    """Return the rows whose value is at least the `low` of their cell and below its `high`."""
    rows = np.empty(len(cell), dtype=np.int64)
    many = 0
    for row in range(len(cell)):
        here = cell[row]
        if here >= 0 and low[here] <= value[row] < high[here]:
            rows[many] = row
            many += 1
    return rows[:many].copy()
