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
    heard = np.full(talks, -1, dtype=np.int64)
    session_of = np.zeros(talks, dtype=np.int64)
    number = np.empty(len(journey), dtype=np.int32)
    known, here, unnamed, busy_us = 0, -1, -1, 0
    for row in range(len(journey)):
        if journey[row] != here:
            here, unnamed = journey[row], -1
        if talk[row] >= 0:
            if heard[talk[row]] != here:
                heard[talk[row]] = here
                session_of[talk[row]] = known
                known += 1
            number[row] = session_of[talk[row]]
            continue
        if unnamed < 0 or begin_us[row] - busy_us > gap_us:
            busy_us = done_us[row] if unnamed < 0 else busy_us
            unnamed = known
            known += 1
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
    found = np.full(len(owner), MISSING, dtype=np.int64)
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
            found[row] = nearest
        if value[row] != MISSING:
            of_all = min(of_all, value[row])
            if matter < 0:
                of_unlabelled = min(of_unlabelled, value[row])
            elif holder[matter] != owner[row]:
                holder[matter] = owner[row]
                least[matter] = value[row]
            else:
                least[matter] = min(least[matter], value[row])
    return found


@compiled
def first_rows(unit: Numbers, marked: Numbers, units: int) -> Whole:
    """Return the first marked row of each unit; −1 where it has none."""
    found = np.full(units, -1, dtype=np.int64)
    for row in range(len(unit) - 1, -1, -1):
        if marked[row]:
            found[unit[row]] = row
    return found


@compiled
def last_rows(unit: Numbers, marked: Numbers, units: int) -> Whole:
    """Return the last marked row of each unit; −1 where it has none."""
    found = np.full(units, -1, dtype=np.int64)
    for row in range(len(unit)):
        if marked[row]:
            found[unit[row]] = row
    return found


def value_at(values: Numbers, row: Whole, otherwise: Any) -> Numbers:
    """Return what each row has; `otherwise` where the row is below 0."""
    if not len(values):
        return np.full(len(row), otherwise)
    found = values[row]
    if otherwise == MISSING:
        found = found.astype(np.int64, copy=False)
    return np.where(row >= 0, found, otherwise)


@compiled
def latest_in(unit: Numbers, value: Whole, marked: Numbers, units: int) -> Whole:
    """Return the largest value of the marked events of each unit; `MISSING` where it has none."""
    largest = np.full(units, MISSING, dtype=np.int64)
    for row in range(len(unit)):
        if marked[row]:
            largest[unit[row]] = max(largest[unit[row]], value[row])
    return largest
