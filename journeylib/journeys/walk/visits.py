"""Visits and steps: what the order of a customer's events says of each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from journeylib.log import MISSING, compiled

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[Any]


@compiled
def journey_numbers(begins: Numbers) -> npt.NDArray[np.int32]:
    """Return the number of the journey of each event, of the rows at which journeys begin."""
    number = np.empty(begins[-1], dtype=np.int32)
    for journey in range(len(begins) - 1):
        number[begins[journey] : begins[journey + 1]] = journey
    return number


@compiled
def step_numbers(begins: Numbers) -> npt.NDArray[np.int32]:
    """Return the place of each event in its journey, from 1."""
    step = np.empty(begins[-1], dtype=np.int32)
    for journey in range(len(begins) - 1):
        for row in range(begins[journey], begins[journey + 1]):
            step[row] = row - begins[journey] + 1
    return step


@compiled
def silences_after(begins: Numbers, t_us: Numbers, service_us: Numbers) -> Numbers:
    """Return the silence from the end of an event to the next of its journey, at least 0.

    `MISSING` at the last of a journey; an event without an end is over at its start.
    """
    silence = np.full(begins[-1], MISSING, dtype=np.int64)
    for journey in range(len(begins) - 1):
        for row in range(begins[journey], begins[journey + 1] - 1):
            silence[row] = max(t_us[row + 1] - t_us[row] - max(service_us[row], 0), 0)
    return silence


@compiled
def visit_starts(journey: Numbers, touchpoint: Numbers, session: Numbers) -> Flags:
    """Mark the first event of each visit.

    A visit is a run of events of one touchpoint in one session. A session below 0 is none: such
    an event is a visit of its own.
    """
    starts = np.ones(len(journey), dtype=np.bool_)
    for row in range(1, len(journey)):
        same = session[row] >= 0 and session[row] == session[row - 1]
        same = same and touchpoint[row] == touchpoint[row - 1]
        starts[row] = not (same and journey[row] == journey[row - 1])
    return starts


@compiled
def visit_numbers(
    starts: Flags, journey: Numbers, touchpoint: Numbers, touchpoints: int
) -> npt.NDArray[np.int32]:
    """Count the visits of the touchpoint in the journey up to and with each event, from 1."""
    latest = np.full(touchpoints, -1, dtype=np.int64)
    times = np.zeros(touchpoints, dtype=np.int32)
    number = np.zeros(len(journey), dtype=np.int32)
    for row in range(len(journey)):
        here = touchpoint[row]
        if latest[here] != journey[row]:
            latest[here] = journey[row]
            times[here] = 0
        if starts[row]:
            times[here] += 1
        number[row] = times[here]
    return number


@compiled
def last_at_touchpoint(
    begins: Numbers, touchpoint: Numbers, touchpoints: int
) -> npt.NDArray[np.int32]:
    """Return the last row of the event's journey at its touchpoint."""
    holder = np.full(touchpoints, -1, dtype=np.int64)
    latest = np.zeros(touchpoints, dtype=np.int32)
    last_row = np.empty(len(touchpoint), dtype=np.int32)
    for journey in range(len(begins) - 1):
        for row in range(begins[journey + 1] - 1, begins[journey] - 1, -1):
            here = touchpoint[row]
            if holder[here] != journey:
                holder[here] = journey
                latest[here] = row
            last_row[row] = latest[here]
    return last_row
