"""Suppression: cells of few customers are hidden, and cells that would give them away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import Estimate

MIN_CELL = 10  # fewest customers of a shown cell, unless the configuration permits fewer
COUNTS = ("events", "journeys", "customers")  # none is larger than the one before
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Cell = tuple[int, int]


def suppress(
    frame: pd.DataFrame, min_customers: int, customers: str = "customers"
) -> tuple[pd.DataFrame, int]:
    """Remove the rows that rest on fewer customers than may be shown.

    Parameters
    ----------
    frame : pandas.DataFrame
        Row: one cell of a published table.
    min_customers : int
        Fewest customers that a shown row rests on.
    customers : str
        Column with the number of customers of each row.

    Returns
    -------
    frame : pandas.DataFrame
        The rows that may be shown, in their order, with a fresh index.
    suppressed : int
        How many rows were removed.

    Notes
    -----
    Where a total is shown beside the rows, a removed row can be found by subtraction: there
    `suppress_parts` and `suppress_crossed` hide further cells.

    Examples
    --------
    >>> shown, removed = suppress(pd.DataFrame({"customers": [9, 10, 11]}), 10)
    >>> shown["customers"].tolist(), removed
    ([10, 11], 1)
    """
    shown = frame[frame[customers] >= min_customers].reset_index(drop=True)
    return shown, len(frame) - len(shown)


def suppress_parts(customers: Ints, cases: Ints, minimum: int) -> Bools:
    """Decide which parts of each total may be shown, where the total is shown too.

    Parameters
    ----------
    customers, cases : ndarray of int64, shape (totals, parts)
        Who is behind each part, and what adds up to the total.
    minimum : int
        Fewest customers of a shown part, and fewest cases that hidden parts hold together.

    Returns
    -------
    ndarray of bool, shape (totals, parts)
        Hidden parts of a total hold no case, or at least `minimum` cases in at least two parts.

    Notes
    -----
    The smallest shown part, of equal ones the first, is hidden until that holds (Cox 1980,
    JASA 75:370, for one line).

    Examples
    --------
    One journey is hidden; the 22 beside it are hidden with it.

    >>> suppress_parts(np.array([[380, 22, 1]]), np.array([[388, 22, 1]]), 10).tolist()
    [[True, False, False]]
    """
    shown = customers >= max(minimum, 1)
    for row, parts in enumerate(shown):
        while parts.any():
            left = int(cases[row][~parts].sum())
            if left == 0 or (left >= minimum and (~parts).sum() > 1):
                break
            candidates = np.flatnonzero(parts)
            parts[candidates[np.argmin(cases[row][candidates])]] = False
    return shown


def without_small_parts(table: pd.DataFrame, parts: Sequence[str], minimum: int) -> pd.DataFrame:
    """Leave out counts of a few, where the parts of a row add up to a total that is shown.

    Parameters
    ----------
    table : pandas.DataFrame
    parts : sequence of str
        Columns of counts that add up.
    minimum : int
        Fewest cases of a shown part, none aside.

    Returns
    -------
    pandas.DataFrame
        The parts as Int64, missing where they are few, and where one more must go so that what
        is missing holds at least `minimum` cases in at least two parts.

    Examples
    --------
    >>> row = pd.DataFrame({"kept": [210], "passed": [30], "left": [0], "open": [1]})
    >>> without_small_parts(row, list(row), 10).iloc[0].tolist()
    [210, <NA>, 0, <NA>]
    """
    counts = table[list(parts)].to_numpy(np.int64)
    shown = (counts == 0) | (counts >= minimum)
    # Parts of no case stay: they may be shown, and protect nobody.
    some = np.where(counts > 0, counts, np.iinfo(np.int64).max)
    for row, here in enumerate(shown):
        hidden = ~here
        while hidden.any() and (counts[row][hidden].sum() < minimum or hidden.sum() < 2):
            candidates = np.where(hidden, np.iinfo(np.int64).max, some[row])
            if candidates.min() == np.iinfo(np.int64).max:
                break
            hidden[candidates.argmin()] = True
        shown[row] = ~hidden
    found = {name: table[name].astype("Int64").where(shown[:, n]) for n, name in enumerate(parts)}
    return table.assign(**found)


def share_bounds(
    having: float, of: float, *, minimum: int, of_persons: bool = False
) -> tuple[float, float] | None:
    """Return what may be said in place of a share that only a few have, or all but a few.

    Parameters
    ----------
    having, of : float
        What the share counts, and what it is a share of.
    minimum : int
        Fewest that may be told apart; nothing is withheld where that is one.
    of_persons : bool
        The share says something of the persons themselves. Of the service, none and all may be
        said; of persons they may not.

    Returns
    -------
    (float, float) or None
        Whole per cents: from nothing to what `minimum` would be, or from what all but `minimum`
        would be to all. None where the share itself may be shown.

    Examples
    --------
    >>> share_bounds(2, 241, minimum=10), share_bounds(0, 241, minimum=10)
    ((0.0, 0.05), None)
    >>> share_bounds(0, 241, minimum=10, of_persons=True)
    (0.0, 0.05)
    """
    if not (np.isfinite(having) and of > 0 and minimum > 1):
        return None
    few, rest = round(having), round(of) - round(having)
    fewest = 0 if of_persons else 1
    bound = min(math.ceil(100 * minimum / of), 100)
    if fewest <= few < minimum:
        return 0.0, bound / 100
    return (1 - bound / 100, 1.0) if fewest <= rest < minimum else None


def bounded_share(
    estimate: Estimate, having: float, of: float, *, minimum: int, of_persons: bool = False
) -> Estimate:
    """Return an estimate that holds bounds in place of a share that may not be shown.

    Parameters
    ----------
    estimate : Estimate
    having, of, minimum, of_persons
        As of `share_bounds`.

    Returns
    -------
    Estimate
        With ``lo`` and ``hi`` as bounds, abstaining with ``privacy``; as it was where it may be
        shown, or abstains already.
    """
    ends = share_bounds(having, of, minimum=minimum, of_persons=of_persons)
    if ends is None or estimate.value is None:
        return estimate
    return replace(estimate, value=None, lo=ends[0], hi=ends[1], abstain="privacy")


@dataclass(frozen=True)
class Crossed:
    """A table of rows × columns beside which the totals of both are shown.

    Attributes
    ----------
    cells : ndarray of int64, shape (rows, columns, 3)
        `COUNTS` of each cell.
    row_most : ndarray of int64, shape (rows, 3)
        `COUNTS` of each row's total: no cell can be larger.
    column_most : ndarray of int64, shape (rows, columns, 3)
        The same of the total of the column that holds the cell.
    line : ndarray of int64, shape (rows, columns)
        Cells of a column with the same line add up to one shown total.
    named : ndarray of bool, shape (rows, columns)
        Cells that the table shows where they are large enough; others are always hidden.
    """

    cells: Ints
    row_most: Ints
    column_most: Ints
    line: Ints
    named: Bools


def suppress_crossed(table: Crossed, minimum: int) -> Bools | None:
    """Decide which cells may be shown, so that the totals tell nothing of a small one.

    Parameters
    ----------
    table : Crossed
        Rows and columns in an order that does not depend on the log's.
    minimum : int
        Fewest customers of a shown cell.

    Returns
    -------
    ndarray of bool, shape (rows, columns), or None
        None where no choice of cells protects all small ones.

    Notes
    -----
    A small cell is protected when two tables with the same shown numbers exist: one in which
    it is empty, and one in which it holds `minimum` customers. Each comes from rectangles of
    hidden cells: what one corner loses its neighbours gain, and the opposite corner loses.
    Every rectangle is the one that hides the fewest further events; of equals, the first. All is
    done in whole numbers, with no solver.
    """
    customers = table.cells[..., 2]
    shown = table.named & (customers >= max(minimum, 1))
    for row, column in np.argwhere(table.named & (customers > 0) & (customers < minimum)):
        cell = int(row), int(column)
        loss = table.cells[cell]
        for change in (-loss, np.full(len(COUNTS), minimum - loss[2])):
            corners = _changed(table, shown, cell, [change])
            if corners is None:
                corners = _changed(table, shown, cell, _small_steps(change))
            if corners is None:
                return None
            for corner in corners:
                shown[corner] = False
    return shown


def _small_steps(change: Ints) -> list[Ints]:
    """Split a change into single customers, then single journeys, then single events."""
    sign, (events, journeys, customers) = int(np.sign(change[0])), np.abs(change)
    steps = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0]]) * sign
    return list(steps.repeat([customers, journeys - customers, events - journeys], axis=0))


def _changed(table: Crossed, shown: Bools, cell: Cell, steps: Sequence[Ints]) -> set[Cell] | None:
    """Return the cells to hide so that a cell may change by all steps; None if it cannot."""
    shown, exists = shown.copy(), table.cells[..., 2] > 0
    table, hidden = replace(table, cells=table.cells.copy()), set()
    for change in steps:
        corners = _rectangle(table, shown, cell, change, exists)
        if corners is None:
            return None
        for corner, sign in zip((cell, *corners), (1, 1, -1, -1), strict=True):
            table.cells[corner] += sign * change
            shown[corner] = False
        hidden |= set(corners)
    return hidden


def _rectangle(
    table: Crossed, shown: Bools, cell: Cell, change: Ints, exists: Bools
) -> tuple[Cell, Cell, Cell] | None:
    """Return the other corners that let a cell change, at the lowest price; the opposite first."""
    row, column = cell
    price = np.where(shown, table.cells[..., 0], 0)
    up, down = exists & _may_change(table, change), exists & _may_change(table, -change)
    # In the same line of the cell's column, and of the other column.
    same = (table.line == table.line[row]) & (table.line[:, [column]] == table.line[row, column])
    fits = same & up & down[row] & down[:, [column]]
    fits[row], fits[:, column] = False, False
    if not (fits.any() and up[cell]):
        return None
    cost = price + price[row] + price[:, [column]]
    least = int(np.where(fits, cost, np.iinfo(np.int64).max).argmin())
    other_row, other_column = divmod(least, fits.shape[1])
    return (other_row, other_column), (row, other_column), (other_row, column)


def _may_change(table: Crossed, change: Ints) -> Bools:
    """Return the cells that still are counts of events, journeys and customers after a change."""
    after = table.cells + change
    ordered = (after[..., 2] >= 0) & (after[..., 1] >= after[..., 2])
    ordered &= after[..., 0] >= after[..., 1]
    fits = (after <= table.row_most[:, None]) & (after <= table.column_most)
    return np.asarray(ordered & fits.all(axis=-1))
