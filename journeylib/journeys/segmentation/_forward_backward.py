"""Customers' event streams side by side, and the forward–backward pass over all of them.

Streams are packed by position: first the first events of all customers, then all second events,
and so on, longest stream first. A step in time is then one slice, whatever the lengths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import LogError, refuse_unknown

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Streams:
    """Events of all customers, packed by position; every array has one entry per event.

    Attributes
    ----------
    index : pandas.Index
        The row of the frame.
    customer, touchpoint : ndarray of int64
    following : ndarray of int64
        Touchpoint of the customer's next event; 0 where there is none.
    gap : ndarray of float64
        Microseconds to the next event; 0 where there is none, or no clock.
    has_next : ndarray of bool
    position : ndarray of int64
        0 for the customer's first event.
    before : ndarray of int64
        Where the customer's previous event stands; meaningless at position 0.
    blocks : tuple of slice
        The events at position 0, 1, 2, …
    """

    index: pd.Index
    customer: Ints
    touchpoint: Ints
    following: Ints
    gap: Floats
    has_next: npt.NDArray[np.bool_]
    position: Ints
    before: Ints
    blocks: tuple[slice, ...]

    @property
    def events(self) -> int:
        """Number of events."""
        return len(self.position)


def make_streams(frame: pd.DataFrame) -> Streams:
    """Put the events of each customer in order, and the customers side by side.

    Raises
    ------
    LogError
        If a needed column is missing, or there is no event.
    """
    problem = "boundaries need a column '{name}'; the frame has none.{near}"
    columns = [str(name) for name in frame.columns]
    refuse_unknown(("customer_no", "touchpoint_no"), columns, problem, LogError)
    if frame.empty:
        raise LogError("boundaries need events; the frame has none")
    keys = [name for name in ("customer_no", "t_us", "position") if name in frame.columns]
    ordered = frame.sort_values([*keys, "touchpoint_no"], kind="stable")
    customer = ordered["customer_no"].to_numpy(np.int64)
    first = np.flatnonzero(np.r_[True, customer[1:] != customer[:-1]])
    lengths = np.diff(np.r_[first, len(customer)])
    position = np.arange(len(customer)) - np.repeat(first, lengths)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(-lengths, kind="stable")] = np.arange(len(first))
    packed = np.lexsort((np.repeat(rank, lengths), position))
    sizes = np.bincount(position)
    ends = np.cumsum(sizes)
    starts = ends - sizes
    touchpoint = ordered["touchpoint_no"].to_numpy(np.int64)
    clock = ordered["t_us"].to_numpy(np.int64) if "t_us" in keys else np.zeros_like(touchpoint)
    has_next = np.r_[customer[1:] == customer[:-1], False]
    following = np.where(has_next, np.r_[touchpoint[1:], 0], 0)
    gap = np.where(has_next, np.r_[np.diff(clock), 0], 0).astype(np.float64)
    position = position[packed]
    within = np.arange(len(position)) - starts[position]
    return Streams(
        ordered.index[packed],
        customer[packed],
        touchpoint[packed],
        following[packed],
        gap[packed],
        has_next[packed],
        position,
        np.where(position > 0, starts[position - 1] + within, 0),
        tuple(slice(a, b) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)),
    )


@dataclass(frozen=True)
class Passed:
    """What one forward–backward pass found.

    Attributes
    ----------
    age : ndarray of float64, shape (events, ages)
        Probability of the journey's age at each event, given the events up to it.
    carry, cut : ndarray of float64, shape (events, ages)
        Probability, given all events, that the journey of that age went on after the event,
        or ended; 0 at a customer's last event.
    likelihood : float
        Natural logarithm.
    """

    age: Floats
    carry: Floats
    cut: Floats
    likelihood: float


def _grow(ages: Floats) -> Floats:
    """Make each journey one event older; the oldest class keeps what it has."""
    older = np.zeros_like(ages)
    older[:, 1:] = ages[:, :-1]
    older[:, -1] += ages[:, -1]
    return older


def independent_ages(streams: Streams, rate: Floats, ages: int) -> Floats:
    """Return the probability of each age if boundaries fell independently at `rate`."""
    result = np.zeros((streams.events, ages))
    result[streams.blocks[0], 0] = 1.0
    for earlier, block in zip(streams.blocks, streams.blocks[1:], strict=False):
        size = block.stop - block.start
        age, ends = result[earlier][:size], rate[earlier][:size, None]
        result[block] = _grow(age * (1 - ends))
        result[block, 0] = (age * ends).sum(axis=1)
    return result


def forward_backward(streams: Streams, carry: Floats, cut: Floats) -> Passed:
    """Weigh all ways of cutting each stream into journeys.

    Parameters
    ----------
    streams : Streams
    carry, cut : ndarray of float64, shape (events, ages)
        Likelihood of what follows each event if the journey of that age goes on, or ends.
        Not looked at where an event has no successor.
    """
    age = np.zeros_like(carry)
    age[streams.blocks[0], 0] = 1.0
    scale = np.ones(streams.events)
    for earlier, block in zip(streams.blocks, streams.blocks[1:], strict=False):
        size = block.stop - block.start
        before = age[earlier][:size]
        now = _grow(before * carry[earlier][:size])
        now[:, 0] = (before * cut[earlier][:size]).sum(axis=1)
        scale[block] = now.sum(axis=1)
        age[block] = now / scale[block, None]
    went_on, ended = np.zeros_like(carry), np.zeros_like(cut)
    later = np.ones_like(carry)
    for earlier, block in zip(streams.blocks[-2::-1], streams.blocks[:0:-1], strict=True):
        size = block.stop - block.start
        rows = slice(earlier.start, earlier.start + size)
        ahead = later[block] / scale[block, None]
        older = np.concatenate([ahead[:, 1:], ahead[:, -1:]], axis=1)
        if_on, if_ended = carry[rows] * older, cut[rows] * ahead[:, :1]
        later[rows] = if_on + if_ended
        went_on[rows], ended[rows] = age[rows] * if_on, age[rows] * if_ended
    return Passed(age, went_on, ended, float(np.log(scale).sum()))
