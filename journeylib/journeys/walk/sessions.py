"""Sessions and matters: events of a journey that belong together, what comes before and next."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from journeylib.log import MISSING, compiled

Whole = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]


@compiled
def number_sessions(
    journey: Numbers, talk: Numbers, begin_us: Whole, done_us: Whole, limits: tuple[int, int]
) -> Numbers:
    """Number the sessions that events belong to, in the order in which they begin.

    A session is what the session column says, within one journey; elsewhere a run of events
    without a longer silence than the gap, counted from the latest end seen so far.

    Parameters
    ----------
    journey : ndarray of int
    talk : ndarray of int
        What the session column says; below 0 where it says nothing.
    begin_us, done_us : ndarray of int64
        When each event begins and is over; all 0 without a clock, so that no silence is found.
    limits : (talks, gap_us)

    Returns
    -------
    ndarray of int32
    """
    talks, gap_us = limits
    journey_of = np.full(talks, -1, dtype=np.int64)
    session_of = np.zeros(talks, dtype=np.int64)
    number = np.empty(len(journey), dtype=np.int32)
    count, current, unnamed, busy_us = 0, -1, -1, 0
    for row in range(len(journey)):
        if journey[row] != current:
            current, unnamed = journey[row], -1
        if talk[row] >= 0:
            if journey_of[talk[row]] != current:
                journey_of[talk[row]] = current
                session_of[talk[row]] = count
                count += 1
            number[row] = session_of[talk[row]]
            continue
        if unnamed < 0 or begin_us[row] - busy_us > gap_us:
            busy_us = done_us[row] if unnamed < 0 else busy_us
            unnamed = count
            count += 1
        busy_us = max(busy_us, done_us[row])
        number[row] = unnamed
    return number


@compiled
def row_before(key: Numbers, keys: int) -> Numbers:
    """Return the row (int32) of the event before with the same key; −1 where there is none.

    A key below 0 is none.
    """
    latest = np.full(keys, -1, dtype=np.int32)
    before = np.full(len(key), -1, dtype=np.int32)
    for row in range(len(key)):
        if key[row] >= 0:
            before[row] = latest[key[row]]
            latest[key[row]] = row
    return before


@compiled
def before_first(unit: Numbers, marked: Numbers, units: int) -> npt.NDArray[np.bool_]:
    """Mark the events that lie before the first marked one of their unit."""
    seen = np.zeros(units, dtype=np.bool_)
    before = np.empty(len(unit), dtype=np.bool_)
    for row in range(len(unit)):
        if marked[row]:
            seen[unit[row]] = True
        before[row] = not seen[unit[row]]
    return before


@compiled
def row_after(unit: Numbers, marked: Numbers, units: int) -> Whole:
    """Return the row of the next marked event of the same unit; −1 where none comes."""
    nearest = np.full(units, -1, dtype=np.int64)
    after = np.full(len(unit), -1, dtype=np.int64)
    for row in range(len(unit) - 1, -1, -1):
        after[row] = nearest[unit[row]]
        if marked[row]:
            nearest[unit[row]] = row
    return after


@compiled
def least_of_later(
    matters: int, owner: Numbers, about: Numbers, value: Whole, possible: bool
) -> Whole:
    """Return the least value of what comes later about the same matter.

    Parameters
    ----------
    matters : int
        Number of matters.
    owner, about : ndarray of int
        Whose, and about what; those of one owner lie together, in order.
    value : ndarray of int64
        `MISSING` where there is none.
    possible : bool
        Whether a missing matter (below 0) matches every matter, as what has no label may be about
        the same; else only what is known to be about the same counts.

    Returns
    -------
    ndarray of int64
        `MISSING` where nothing with a value comes later.
    """
    none = np.iinfo(np.int64).max
    least = np.full(matters, none, dtype=np.int64)
    holder = np.full(matters, -1, dtype=np.int64)
    least_later = np.full(len(owner), MISSING, dtype=np.int64)
    of_all, of_unlabelled = none, none
    for row in range(len(owner) - 1, -1, -1):
        if row == len(owner) - 1 or owner[row] != owner[row + 1]:
            of_all, of_unlabelled = none, none
        matter = about[row]
        nearest = of_all if possible else none
        if matter >= 0:
            nearest = least[matter] if holder[matter] == owner[row] else none
            if possible:
                nearest = min(nearest, of_unlabelled)
        if nearest != none:
            least_later[row] = nearest
        if value[row] != MISSING:
            of_all = min(of_all, value[row])
            if matter < 0:
                of_unlabelled = min(of_unlabelled, value[row])
            elif holder[matter] != owner[row]:
                holder[matter] = owner[row]
                least[matter] = value[row]
            else:
                least[matter] = min(least[matter], value[row])
    return least_later


def value_at(values: Numbers, row: Whole, otherwise: Any) -> Numbers:
    """Return what each row has; `otherwise` where the row is below 0."""
    if not len(values):
        return np.full(len(row), otherwise)
    own = values[row].astype(np.int64 if otherwise == MISSING else values.dtype, copy=False)
    own[row < 0] = otherwise
    return own


@compiled
def soon_after(later: Whole, earlier: Whole, us: int) -> npt.NDArray[np.bool_]:
    """Mark where both are known and `later` comes at most so many microseconds after `earlier`."""
    soon = np.empty(len(later), dtype=np.bool_)
    for row in range(len(later)):
        soon[row] = later[row] != MISSING and earlier[row] != MISSING
        soon[row] &= later[row] - us <= earlier[row]
    return soon


# --- runs: the events of each session, one after the other ---------------------------------------

Runs = tuple[Numbers, Numbers, Numbers]


@compiled
def runs_of(unit: Numbers, units: int) -> Runs:
    """Put the events unit after unit, those of each in their order.

    Parameters
    ----------
    unit : ndarray of int
        From 0 to below `units`.
    units : int

    Returns
    -------
    rows, begin, end : ndarray of int32
        Rows of the events, and where in them those of each unit begin and end.
    """
    until = np.zeros(units + 1, dtype=np.int32)
    for row in range(len(unit)):
        until[unit[row] + 1] += 1
    for own in range(units):
        until[own + 1] += until[own]
    begin, end = until[:-1].copy(), until[:-1].copy()
    rows = np.empty(len(unit), dtype=np.int32)
    for row in range(len(unit)):
        rows[end[unit[row]]] = row
        end[unit[row]] += 1
    return rows, begin, end


def first_in(runs: Runs, marked: Numbers) -> Whole:
    """Return the first marked row of each run; −1 where it has none."""
    rows, begin, end = runs
    return _next_marked(rows, (begin, end, 1), marked)


def last_in(runs: Runs, marked: Numbers) -> Whole:
    """Return the last marked row of each run; −1 where it has none."""
    rows, begin, end = runs
    return _next_marked(rows, (end - 1, begin - 1, -1), marked)


@compiled
def _next_marked(rows: Numbers, ranges: tuple[Numbers, Numbers, int], marked: Numbers) -> Whole:
    """Return the first marked row of each range of places in `rows`; −1 where it has none."""
    begin, end, step = ranges
    row = np.full(len(begin), -1, dtype=np.int64)
    for own in range(len(begin)):
        for position in range(begin[own], end[own], step):
            if marked[rows[position]]:
                row[own] = rows[position]
                break
    return row


@compiled
def many_in(runs: Runs, marked: Numbers) -> Numbers:
    """Count the marked events of each run (int32)."""
    rows, begin, end = runs
    many = np.zeros(len(begin), dtype=np.int32)
    for own in range(len(begin)):
        for position in range(begin[own], end[own]):
            many[own] += marked[rows[position]]
    return many


@compiled
def largest_in(runs: Runs, value: Whole, marked: Numbers) -> Whole:
    """Return the largest value of the marked events of each run; `MISSING` where it has none."""
    rows, begin, end = runs
    largest = np.full(len(begin), MISSING, dtype=np.int64)
    for own in range(len(begin)):
        for position in range(begin[own], end[own]):
            if marked[rows[position]]:
                largest[own] = max(largest[own], value[rows[position]])
    return largest


@compiled
def runs_before(runs: Runs, marked: Numbers) -> Runs:
    """Return of each run what lies before its first marked event."""
    rows, begin, end = runs
    until = end.copy()
    for own in range(len(begin)):
        for position in range(begin[own], end[own]):
            if marked[rows[position]]:
                until[own] = position
                break
    return rows, begin, until
