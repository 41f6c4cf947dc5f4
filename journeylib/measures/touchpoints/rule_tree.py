"""A small tree of rules, grown by compiled functions over coded columns.

The trees are those of scikit-learn's ``DecisionTreeClassifier`` (criterion ``entropy``,
``random_state=0``), split for split: it draws the order in which columns are tried, and of equal
splits the first one tried stands. Columns here have few values, so counting them replaces sorting.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from journeylib.core import Floats
from journeylib.journeys import compiled

Numbers = npt.NDArray[Any]
Whole = npt.NDArray[np.int64]
# What RandomState(0) gives scikit-learn to begin with, and what its generator takes for a 0.
FIRST_DRAW, AFTER_ZERO = 209_652_396, 1
EPSILON = float(np.finfo(np.float64).eps)
# A missing number is larger than any.
LARGEST = float(np.finfo(np.float32).max)
# Splits whose worth by a table of logarithms is this near to the best are compared exactly.
NEAR = 1e-6


@dataclass(frozen=True, eq=False)
class Levels:
    """A column of numbers as the places of its values.

    Attributes
    ----------
    place : ndarray of int32
        Of the value of each row among those of the column, the least first.
    value : ndarray of float64
    """

    place: npt.NDArray[np.int32]
    value: Floats

    def only(self, rows: Whole) -> Levels:
        """Return the column of these rows."""
        place = self.place[rows]
        if len(self.value) <= len(rows):
            return Levels(place, self.value)
        there, again = np.unique(place, return_inverse=True)
        return Levels(again.astype(np.int32), self.value[there])


def levels_of(column: Numbers) -> Levels:
    """Code a column of numbers, in single precision as scikit-learn holds them."""
    known = column.astype(np.float32)
    value, place = np.unique(np.where(np.isnan(known), LARGEST, known), return_inverse=True)
    return Levels(place.astype(np.int32), value.astype(np.float64))


@dataclass(frozen=True, eq=False)
class Table:
    """Coded columns, one beside the other."""

    place: npt.NDArray[np.int32]
    value: Floats
    begins: Whole


def table_of(columns: Sequence[Levels]) -> Table:
    """Put columns of the same rows together."""
    begins = np.cumsum([0, *(len(column.value) for column in columns)])
    place = np.array([column.place for column in columns])
    return Table(place, np.concatenate([column.value for column in columns]), begins)


def leaves(known: Table, rows: Whole, outcome: Whole, limits: tuple[int, int]) -> Whole:
    """Grow a tree on some rows and return the leaf of every row.

    Parameters
    ----------
    known : Table
    rows : ndarray of int64
        The rows that it learns from.
    outcome : ndarray of int64
        What it tells apart, of every row, from 0.
    limits : (int, int)
        How deep it grows, and of how many rows a leaf is at least.

    Returns
    -------
    ndarray of int64
        Number of the leaf, not in any order.
    """
    classes = int(outcome.max(initial=0)) + 1
    worth = _entropy_table(len(rows))
    columns = (known.place, known.value, known.begins)
    return _grown(columns, rows, outcome, (classes, *limits), worth, FIRST_DRAW)


def _entropy_table(most: int) -> Floats:
    """Return n · log₂ n for each n up to `most`."""
    n = np.arange(most + 1, dtype=np.float64)
    return np.asarray(n * np.log2(np.maximum(n, 1)))


@compiled
def _next_draw(state: int) -> int:
    """Return the next state of the generator of scikit-learn's trees (32-bit xorshift)."""
    bits = state if state != 0 else AFTER_ZERO
    bits ^= (bits << 13) & 0xFFFFFFFF
    bits ^= bits >> 17
    bits ^= (bits << 5) & 0xFFFFFFFF
    return bits


@compiled
def _impurity(counts: Numbers, total: float) -> float:
    """Return the entropy of counts, added up as scikit-learn does."""
    entropy = 0.0
    for one in counts:
        if one > 0:
            share = one / total
            entropy -= share * (math.log(share) / math.log(2.0))
    return entropy


@compiled
def _best_of_column(
    counts: Numbers, total: Numbers, smallest: int, worth: Floats, best: float
) -> tuple[int, int, float]:
    """Return the first best split of a column that is better than `best`.

    Parameters
    ----------
    counts : ndarray of int64, shape (values, classes)
        Rows of the node by value of the column and outcome.
    total : ndarray of int64, shape (classes,)
    smallest : int
        Rows on either side, at least.

    Returns
    -------
    (last value on the left, first value on the right, worth)
        −1 on the left where no split is better.
    """
    values, classes = counts.shape
    left, right = np.zeros(classes, dtype=np.int64), total.copy()
    n_left, n_right = 0, total.sum()
    found, before, after, latest = best, -1, -1, -1
    for value in range(values):
        here = counts[value].sum()
        if here == 0:
            continue
        if n_left >= smallest and n_right >= smallest:
            rough = -worth[n_left] - worth[n_right]
            for one in range(classes):
                rough += worth[left[one]] + worth[right[one]]
            if rough > found - NEAR:
                exact = -n_right * _impurity(right, n_right) - n_left * _impurity(left, n_left)
                if exact > found:
                    found, before, after = exact, latest, value
        for one in range(classes):
            left[one] += counts[value, one]
            right[one] -= counts[value, one]
        n_left += here
        n_right -= here
        latest = value
    return before, after, found


@compiled
def _best_split(
    columns: tuple[Numbers, Floats, Whole],
    own: Whole,
    outcome: Whole,
    limits: tuple[int, int, int],
    worth: Floats,
    drawing: tuple[Whole, Whole, int, int],
) -> tuple[int, float, int, int]:
    """Return column and threshold of the best split of a node; −1 where there is none.

    Columns are tried in the order that scikit-learn draws; those that are constant in the node
    are set aside for its children, too. It gives back how many are, and the generator's state.
    """
    place, value, begins = columns
    classes, smallest = limits[0], limits[2]
    order, constant, known, state = drawing
    total = np.zeros(classes, dtype=np.int64)
    for row in own:
        total[outcome[row]] += 1
    best, split, threshold = -np.inf, -1, 0.0
    undrawn, found, drawn = len(order), 0, 0
    while undrawn > known + found:
        state = _next_draw(state)
        spot = drawn + (state & 0x7FFFFFFF) % (undrawn - found - drawn)
        if spot < known:
            order[drawn], order[spot] = order[spot], order[drawn]
            drawn += 1
            continue
        spot += found
        column = order[spot]
        counts = np.zeros((begins[column + 1] - begins[column], classes), dtype=np.int64)
        least, most = len(counts), -1
        for row in own:
            here = place[column, row]
            counts[here, outcome[row]] += 1
            least, most = min(least, here), max(most, here)
        if least == most:
            order[spot], order[known + found] = order[known + found], order[spot]
            found += 1
            continue
        undrawn -= 1
        order[undrawn], order[spot] = order[spot], order[undrawn]
        before, after, better = _best_of_column(counts, total, smallest, worth, best)
        if before >= 0:
            first = begins[column]
            best, split = better, column
            threshold = value[first + before] / 2.0 + value[first + after] / 2.0
    order[:known] = constant[:known]
    constant[known : known + found] = order[known : known + found]
    return split, threshold, known + found, state


@compiled
def _grown(
    columns: tuple[Numbers, Floats, Whole],
    rows: Whole,
    outcome: Whole,
    limits: tuple[int, int, int],
    worth: Floats,
    state: int,
) -> Whole:
    """Grow the tree, the left branch of each node first; see `leaves`."""
    place, value, begins = columns
    classes, deepest, smallest = limits
    leaf = np.zeros(place.shape[1], dtype=np.int64)
    order = np.arange(place.shape[0])
    constant = np.zeros(place.shape[0], dtype=np.int64)
    waiting, nodes = [(0, 0, 0)], 1
    while len(waiting) > 0:
        node, depth, known = waiting.pop()
        own = rows[leaf[rows] == node]
        total = np.zeros(classes, dtype=np.int64)
        for row in own:
            total[outcome[row]] += 1
        impurity = _impurity(total, len(own))
        if depth >= deepest or len(own) < 2 * smallest or impurity <= EPSILON:
            continue
        drawing = (order, constant, known, state)
        column, threshold, known, state = _best_split(columns, own, outcome, limits, worth, drawing)
        if column < 0:
            continue
        first, left = begins[column], np.zeros(classes, dtype=np.int64)
        for row in own:
            if value[first + place[column, row]] <= threshold:
                left[outcome[row]] += 1
        n_left = left.sum()
        n_right = len(own) - n_left
        of_right = n_right / len(own) * _impurity(total - left, n_right)
        of_left = n_left / len(own) * _impurity(left, n_left)
        if len(own) / len(rows) * (impurity - of_right - of_left) + EPSILON < 0:
            continue
        for row in range(len(leaf)):
            if leaf[row] == node:
                leaf[row] = nodes + (value[first + place[column, row]] > threshold)
        waiting.append((nodes + 1, depth + 1, known))
        waiting.append((nodes, depth + 1, known))
        nodes += 2
    return leaf
