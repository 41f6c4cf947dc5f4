"""Suppression: cells of few customers are hidden, and cells that would give them away."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import Estimate, Floats

if TYPE_CHECKING:
    from highspy import _Highs

MIN_CELL = 10  # fewest customers of a shown cell, unless the configuration permits fewer
COUNTS = ("events", "journeys", "customers")  # none is larger than the one before
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
NEAR = 1e-6  # counts of a linear program that are closer are equal
# Of more pairs of a cell and a small cell that totals connect, each total is protected by itself.
MOST_PAIRS = 1_000_000


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
    `protect` hides further cells.

    Examples
    --------
    >>> shown, removed = suppress(pd.DataFrame({"customers": [9, 10, 11]}), 10)
    >>> shown["customers"].tolist(), removed
    ([10, 11], 1)
    """
    shown = frame[frame[customers] >= min_customers].reset_index(drop=True)
    return shown, len(frame) - len(shown)


@dataclass(frozen=True)
class Cells:
    """Counted cells, some of which add up to totals that are shown too.

    Attributes
    ----------
    counts : ndarray of int64, shape (cells, counts)
        What is counted of each cell, none larger than the one before; the last is customers, or
        what stands for them.
    totals : tuple of ndarray of int64, shape (cells,)
        Cells with the same number add up to one shown total; -1 is in none.
    named : ndarray of bool, shape (cells,), optional
        Cells that the table shows where they are large enough; others are always hidden.
        Default: all.
    most : ndarray of int64, shape (cells, counts), optional
        What no cell can be larger than, known from elsewhere.
    fewest : ndarray of int64, shape (cells, counts), optional
        What no cell can be smaller than, known from elsewhere.
    zeros_shown : bool
        The table shows its empty cells as such. Else nobody can tell an empty cell from a hidden
        one.
    """

    counts: Ints
    totals: tuple[Ints, ...]
    named: Bools | None = None
    most: Ints | None = None
    fewest: Ints | None = None
    zeros_shown: bool = False


@dataclass(frozen=True)
class Shown:
    """What of counted cells may be shown.

    Attributes
    ----------
    exact : ndarray of bool, shape (cells,)
        Cells that may be shown as they are.
    least : ndarray of int64, shape (cells, counts)
        The counts of exact cells; of others what may be said in their place, "at least so many";
        0 where a cell is hidden.
    """

    exact: Bools
    least: Ints

    @property
    def at_least(self) -> Bools:
        """Cells of which only a lower bound may be shown."""
        return ~self.exact & (self.least[:, -1] > 0)


def protect(cells: Cells, minimum: int, *, bounds: bool = False, forced: bool = True) -> Shown:
    """Decide what may be shown of cells, so that their totals tell nothing of a small one.

    Parameters
    ----------
    cells : Cells
        In an order that does not depend on the log's.
    minimum : int
        Fewest customers of a shown cell.
    bounds : bool
        A cell that would give a small one away is shown as "at least", in whole multiples of
        `minimum`; else it is hidden.
    forced : bool
        Hide all that shares a total with a cell which nothing protects. Else it stays: for cells
        that other tables tell of already.

    Returns
    -------
    Shown

    Notes
    -----
    A small cell is protected when two tables with the same shown numbers exist: one in which it
    is empty, and one in which it holds `minimum` customers. Each is the solution of a linear
    program. Where none exists, the cheapest change of shown cells is looked for that makes one;
    the cells that change are hidden, or bounded (Fischetti and Salazar 2003, Management Science
    49:1057, partial cell suppression). To hide a cell costs its cases; to bound it costs less, the
    larger it is.

    Where nothing that is shown protects a cell, all that shares a total with it is hidden.

    Cells with one total in common need no program where what is hidden of it holds `minimum`
    customers already: any of the hidden cells may have them all, or none. Else the one that costs
    least to hide is hidden: it holds more than what is lacking.

    Thousands of cells that totals connect, with hundreds of small ones (`MOST_PAIRS`), are too many
    for linear programs. There each total is looked at by itself: what it hides has room for
    `minimum` customers.

    Examples
    --------
    One journey is hidden; the 22 beside it are hidden with it.

    >>> cells = Cells(np.array([[388, 380], [22, 22], [1, 1]]), (np.zeros(3, np.int64),))
    >>> protect(cells, 10).exact.tolist()
    [True, False, False]
    >>> protect(cells, 10, bounds=True).least.tolist()
    [[370, 370], [22, 22], [0, 0]]
    """
    counts, people = cells.counts, cells.counts[:, -1]
    named = np.ones(len(counts), dtype=np.bool_) if cells.named is None else cells.named
    exact = named & ((people >= max(minimum, 1)) | ((people == 0) & cells.zeros_shown))
    shown = Shown(exact, np.where(exact[:, None], counts, 0))
    small = named & (people > 0) & (people < minimum)
    alike: dict[tuple[bytes, ...], Shown] = {}  # of thousands of parts most occur many times
    for part in _connected(cells.totals, small, exact & (people > 0)):
        own = Cells(
            counts[part],
            tuple(_renumbered(total[part]) for total in cells.totals),
            most=None if cells.most is None else cells.most[part],
            fewest=None if cells.fewest is None else cells.fewest[part],
            zeros_shown=cells.zeros_shown,
        )
        facts = (own.counts, *own.totals, own.most, own.fewest, exact[part], small[part])
        look = tuple(b"" if one is None else one.tobytes() for one in facts)
        if look not in alike:
            is_large = len(part) * int(small[part].sum()) > MOST_PAIRS
            protected = _protected_by_total if is_large else partial(_protected, forced=forced)
            start, few = Shown(exact[part], shown.least[part]), np.flatnonzero(small[part])
            alike[look] = protected(own, start, few, minimum, bounds=bounds)
        shown.exact[part], shown.least[part] = alike[look].exact, alike[look].least
    return shown


def _renumbered(total: Ints) -> Ints:
    """Number the totals that occur from 0 on, in their order; -1 stays."""
    number: Ints = np.unique(np.append(-1, total), return_inverse=True)[1][1:] - 1
    return number


def _connected(totals: tuple[Ints, ...], small: Bools, large: Bools) -> Iterator[Ints]:
    """Yield the cells that totals connect, where some are small and some can protect them."""
    if not (small.any() and large.any()):
        return
    from scipy import sparse

    many, pairs, offset = len(small), [], len(small)
    for total in totals:
        inside = np.flatnonzero(total >= 0)
        pairs.append(np.stack([inside, offset + total[inside]]))
        offset += int(total.max(initial=-1)) + 1
    one, other = np.concatenate(pairs, axis=1)
    graph = sparse.csr_array((np.ones(len(one)), (one, other)), shape=(offset, offset))
    part = sparse.csgraph.connected_components(graph, directed=False)[1][:many]
    order, wanted = np.argsort(part, kind="stable"), np.intersect1d(part[small], part[large])
    begin, end = np.searchsorted(part, [wanted, wanted + 1], sorter=order)
    yield from (order[low:high] for low, high in zip(begin, end, strict=True))


def _protected(
    cells: Cells, shown: Shown, small: Ints, minimum: int, *, bounds: bool, forced: bool
) -> Shown:
    """Hide or bound what gives one of the `small` cells away; see `protect`."""
    counts = cells.counts
    one_total = not bounds and cells.most is None and _have_one_total(cells.totals)
    if one_total and counts[~shown.exact, -1].sum() >= minimum:
        return shown
    size = np.maximum(counts[:, 0], 1.0)
    if one_total:
        large = np.flatnonzero(shown.exact & (counts[:, -1] > 0))
        smallest = large[size[large] == size[large].min()]
        if len(smallest) == 1:
            exact, least = shown.exact.copy(), shown.least.copy()
            exact[smallest], least[smallest] = False, 0
            return Shown(exact, least)
    tables = _Tables(cells, size.max() / size if bounds else size, shown.exact)
    if one_total:
        table = tables.cheapest(shown, int(small[0]), minimum)
        return _reduced(cells, shown, int(small[0]), table, 0)
    for level in (minimum, 0):  # the larger changes first
        goals = small
        while len(goals):
            table = tables.cheapest(shown, int(goals[0]), level)
            if table is None and shown.at_least.any():  # a bound may stand in the way
                table = tables.cheapest(shown, int(goals[0]), level, loosen=True)
            if table is not None or forced:
                shown = _reduced(cells, shown, int(goals[0]), table, minimum if bounds else 0)
            goals = goals[1:] if table is None else _unprotected(goals, table, level)
    return shown


def _have_one_total(totals: tuple[Ints, ...]) -> bool:
    """Return whether one total holds all of the cells, and no other holds any."""
    filled = [total for total in totals if (total >= 0).any()]
    return len(filled) == 1 and bool((filled[0] == filled[0][0]).all())


def _protected_by_total(
    cells: Cells, shown: Shown, small: Ints, minimum: int, *, bounds: bool
) -> Shown:
    """Hide or bound what a total alone would tell of the `small` cells; see `protect`."""
    size, least = cells.counts[:, 0], cells.counts // minimum * minimum
    changed = np.zeros(len(size), dtype=np.bool_)
    for total in cells.totals:
        here = shown.exact & (size > 0) & (total >= 0) & np.isin(total, total[small])
        rows = np.flatnonzero(here)
        rows = rows[np.lexsort((rows, size[rows] if not bounds else -size[rows], total[rows]))]
        starts = np.flatnonzero(np.diff(total[rows], prepend=-1))
        if bounds:  # the largest makes room for a whole step
            changed |= here
            least[rows[starts]] -= minimum
            continue
        hidden = np.flatnonzero((total >= 0) & ~shown.exact)
        room = np.bincount(
            total[hidden], cells.counts[hidden, -1], minlength=int(total.max(initial=0)) + 1
        )
        alone = np.bincount(total[hidden], size[hidden] > 0, minlength=len(room)) < 2
        for own in np.split(rows, starts[1:]):  # the smallest first
            before = np.cumsum(cells.counts[own, -1]) - cells.counts[own, -1]
            line = total[own[:1]]
            needed = (room[line] + before < minimum) | (alone[line] & (before == 0))
            changed[own[needed]] = True
    if not bounds:
        return Shown(shown.exact & ~changed, np.where(changed[:, None], 0, shown.least))
    least = np.where(least[:, -1:] < minimum, 0, np.maximum(least, 0))
    return Shown(shown.exact & ~changed, np.where(changed[:, None], least, shown.least))


def _unprotected(goals: Ints, table: Floats, level: int) -> Ints:
    """Return the goals that are not empty in a table, or hold less than `level`."""
    counts = table[goals, -1]
    remaining: Ints = goals[counts > NEAR if level == 0 else counts < level - NEAR]
    return remaining


def _reduced(cells: Cells, shown: Shown, cell: int, table: Floats | None, step: int) -> Shown:
    """Hide what a table changes, or show a lower bound of it, in whole steps; all without one."""
    least = np.zeros_like(shown.least)
    if table is None:
        near = [(total == total[cell]) & (total >= 0) for total in cells.totals]
        moved = np.any(near, axis=0)
    else:
        moved = shown.exact & (np.abs(table - cells.counts) > NEAR).any(axis=-1)
        moved |= shown.at_least & (table < shown.least - NEAR).any(axis=-1)
        if step:
            lower = np.floor(np.minimum(cells.counts, table + NEAR)).astype(np.int64)
            lower = np.where(shown.exact[:, None], lower, np.minimum(lower, shown.least))
            least = lower // step * step
            least[least[:, -1] < step] = 0
    return Shown(shown.exact & ~moved, np.where(moved[:, None], least, shown.least))


class _Tables:
    """The tables that have the shown numbers of cells, as solutions of a linear program."""

    def __init__(self, cells: Cells, price: Floats, shown: Bools) -> None:
        many, columns = cells.counts.shape
        self.changing = np.flatnonzero(shown.repeat(columns))
        self.counts, self.price = (
            cells.counts.astype(np.float64),
            np.tile(price[shown].repeat(columns), 2),
        )
        self.most, column = np.full((many, columns), np.inf), np.arange(columns)
        # No count is larger than the one before: so many rows, and then those of the totals.
        lower = (np.arange(many)[:, None] * columns + column[1:]).ravel()
        self.orders = rows = len(lower)
        entries = [(np.arange(rows), lower - 1, -1.0), (np.arange(rows), lower, 1.0)]
        for total in cells.totals:
            inside = np.flatnonzero(total >= 0)
            names, index = np.unique(total[inside], return_inverse=True)
            sums = np.zeros((len(names), columns))
            np.add.at(sums, index, self.counts[inside])
            self.most[inside] = np.minimum(self.most[inside], sums[index])
            at = [(first[:, None] * columns + column).ravel() for first in (index, inside)]
            entries.append((rows + at[0], at[1], 1.0))
            rows += len(names) * columns
        self.rows = rows
        self.row, self.column = (np.concatenate([entry[i] for entry in entries]) for i in (0, 1))
        self.factor = np.repeat([entry[2] for entry in entries], [len(e[0]) for e in entries])
        self.most = np.minimum(self.most, np.inf if cells.most is None else cells.most)
        self.fewest = np.zeros((many, columns)) + (0 if cells.fewest is None else cells.fewest)
        if cells.zeros_shown:
            self.most[cells.counts[:, -1] == 0] = 0
        # Bounds of the program that was solved last.
        self.low = self.high = np.zeros(self.counts.size + 2 * len(self.changing))

    def cheapest(
        self, shown: Shown, goal: int, level: int, *, loosen: bool = False
    ) -> Floats | None:
        """Return the table with an empty goal, or with `level` in it, that changes least.

        Where to `loosen`, lower bounds may change as well.
        """
        low = np.maximum(shown.least, self.fewest)
        high = np.where(shown.exact[:, None], self.counts, self.most)
        priced = shown.exact | shown.at_least if loosen else shown.exact
        low[priced], high[priced] = self.fewest[priced], self.most[priced]
        low[goal, -1], high[goal, -1] = (0, 0) if level == 0 else (level, np.inf)
        high[goal] = np.maximum(high[goal], low[goal, -1])
        return self._solved(low.ravel(), high.ravel(), priced.repeat(low.shape[1]))

    def _solved(self, low: Floats, high: Floats, priced: Bools) -> Floats | None:
        """Return the table within bounds that changes priced counts least, or None.

        A priced count is what it is now, and more, and less.
        """
        now, at = self.counts.ravel(), self.changing
        more, less = np.where(priced[at], [high[at] - now[at], now[at] - low[at]], 0)
        low, high = np.where(priced, now, [low, high])
        low, high = np.append(low, 0 * self.price), np.concatenate([high, more, less])
        solver = self.solver
        # Most bounds are as they were.
        number = np.flatnonzero((low != self.low) | (high != self.high)).astype(np.int32)
        solver.changeColsBounds(len(number), number, low[number], high[number])
        self.low, self.high = low, high
        solver.run()
        if solver.modelStatusToString(solver.getModelStatus()) != "Optimal":
            return None
        values = np.array(solver.getSolution().col_value)
        table, more, less = np.split(values, [len(now), len(now) + len(at)])
        table[at] += more - less
        return table.reshape(self.counts.shape)

    @cached_property
    def solver(self) -> _Highs:
        """The program of all tables; each one starts where the one before it ended.

        Its columns are the counts, and what those that are shown at first have more, and less.
        """
        import highspy

        first, second = self.counts.ravel(), np.full(self.counts.size, -1)
        second[self.changing] = first.size + np.arange(len(self.changing))
        twice = np.flatnonzero(second[self.column] >= 0)
        more, row = second[self.column[twice]], self.row[twice]
        column = np.concatenate([self.column, more, more + len(self.changing)])
        order = np.argsort(column, kind="stable")
        factor = np.concatenate([self.factor, self.factor[twice], -self.factor[twice]])
        most = np.bincount(self.row, self.factor * first[self.column], minlength=self.rows)
        most[: self.orders] = 0
        program = highspy.HighsLp()
        program.num_row_, program.num_col_ = self.rows, first.size + 2 * len(self.changing)
        program.row_lower_ = np.where(np.arange(self.rows) < self.orders, -np.inf, most)
        program.row_upper_ = most
        program.col_cost_ = np.append(np.zeros(first.size), self.price)
        program.col_lower_ = program.col_upper_ = self.low
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_ = np.searchsorted(column[order], np.arange(program.num_col_ + 1))
        program.a_matrix_.index_ = np.concatenate([self.row, row, row])[order]
        program.a_matrix_.value_ = factor[order]
        solver = highspy._Highs()  # the class around it prints its name
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("parallel", "off")
        solver.passModel(program)
        return solver


def protect_parts(customers: Ints, cases: Ints, minimum: int) -> Bools:
    """Decide which parts of each total may be shown, where the total is shown too.

    Parameters
    ----------
    customers, cases : ndarray of int64, shape (totals, parts)
        Who is behind each part, and what adds up to the total.
    minimum : int
        Fewest customers of a shown part.

    Returns
    -------
    ndarray of bool, shape (totals, parts)

    Examples
    --------
    >>> protect_parts(np.array([[380, 22, 1]]), np.array([[388, 22, 1]]), 10).tolist()
    [[True, False, False]]
    """
    counts = np.stack([cases.ravel(), customers.ravel()], axis=-1)
    total = np.repeat(np.arange(len(cases)), cases.shape[1])
    return protect(Cells(counts, (total,)), minimum).exact.reshape(cases.shape)


def shows(size: float, minimum: int) -> bool:
    """Return whether a number of customers or cases may be shown: none, or not just a few."""
    return size == 0 or size >= minimum


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
