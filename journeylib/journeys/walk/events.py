"""Events: the columns of a log as arrays, customer after customer, each in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from ibis import _

from journeylib.core import GROUPS
from journeylib.journeys.walk.counting import Base, base_in_cells, sum_in_cells
from journeylib.journeys.walk.event_columns import EventColumns, rows_in_order
from journeylib.journeys.walk.visits import (
    journey_numbers,
    silences_after,
    step_numbers,
    visit_numbers,
    visit_starts,
)
from journeylib.log import MISSING, Codes, Flags, Numbers, Whole, picked


@dataclass(frozen=True, eq=False)
class Cut:
    """Where journeys begin in the events of a log.

    Attributes
    ----------
    columns : EventColumns
        The events, in the order of their journeys.
    begins : ndarray of int64
        Row at which each journey begins, and after the last the number of rows.
    key : ndarray of int64
        Of each journey, ascending; equality only.
    boundary_micro : ndarray of int64 or None
        Probability of a boundary before each event × 1,000,000, `MISSING` where there is none;
        None where the cut has no probabilities.
    """

    columns: EventColumns
    begins: Whole
    key: Whole
    boundary_micro: Whole | None = None


@dataclass(frozen=True, eq=False)
class Events:
    """The events of journeys as arrays.

    The rows lie customer after customer, journey after journey, step after step, so that one
    walk over them counts whatever needs their order.

    Attributes
    ----------
    cut : Cut
        Where the journeys of the whole log begin.
    picked : ndarray of int64, slice or None
        The rows of the whole log that these are; None where they are all.
    parent : Events or None
        The events of the whole log, where these are some of them.
    runs : tuple of ndarray of int64, or None
        Where each journey begins and its key, if that is known already: see `begins`.
    """

    cut: Cut = field(repr=False)
    picked: Whole | slice | None = field(default=None, repr=False)
    parent: Events | None = field(default=None, repr=False)
    runs: tuple[Whole, Whole] | None = field(default=None, repr=False)
    _read: dict[str, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Count the events."""
        return len(self.touchpoint)

    @property
    def columns(self) -> EventColumns:
        """The columns of the whole log."""
        return self.cut.columns

    @property
    def touchpoints(self) -> int:
        """Number of touchpoints of the whole log."""
        return len(self.columns.names)

    # --- columns ----------------------------------------------------------------------------

    def has(self, column: str) -> bool:
        """Return whether the log has the column."""
        if column == "boundary_micro":
            return self.cut.boundary_micro is not None
        return self.columns.has(column)

    def column(self, name: str) -> Any:
        """Return a column: `Codes` of texts, int8 of booleans (−1 missing), else int64."""
        if name == "journey":
            return self.key
        return self._of_rows(name, lambda: self._whole_column(name))

    def _whole_column(self, name: str) -> Any:
        return self.cut.boundary_micro if name == "boundary_micro" else self.columns.column(name)

    def _of_rows(self, name: str, whole: Callable[[], Any]) -> Any:
        """Return what the events have of what the whole log has; picked out once."""
        if self.picked is None:
            return whole()
        if name not in self._read:
            self._read[name] = picked(whole(), self.picked)
        return self._read[name]

    def once(self, name: str, make: Callable[[], Any], *, whatever_cut: bool = False) -> Any:
        """Return what `make` finds out from these events; the same name is found out once.

        What does not depend on how journeys are cut, nor on the order of rows, is shared.
        """
        if whatever_cut and self.picked is None:
            return self.columns.once(name, make)
        key = f"once {name}"
        if key not in self._read:
            self._read[key] = make()
        return self._read[key]

    def known(self, name: str) -> Flags:
        """Mark the events that have a value in a column."""
        column = self.column(name)
        if isinstance(column, Codes):
            return column.known
        if column.dtype == np.int8:
            return np.asarray(column >= 0)
        return np.asarray(~np.isnan(column) if column.dtype.kind == "f" else column != MISSING)

    def mark(self, name: str, condition: Any) -> Flags:
        """Return where a condition on the events' own columns holds, worked out by the engine once.

        Parameters
        ----------
        name : str
            By which it is remembered: the same name is the same condition.
        condition : Ibis boolean
            Null is no.
        """
        return self.marks({name: condition})[name]

    def marks(self, conditions: Mapping[str, Any]) -> dict[str, Flags]:
        """Return several conditions in one query; see `mark`."""
        whole = self.columns.marks(conditions)
        return whole if self.picked is None else {k: v[self.picked] for k, v in whole.items()}

    def values(self, name: str, expression: Any) -> Any:
        """Return what the engine works out of each event's own columns; see `mark` and `column`."""
        return self._of_rows(f"values {name}", lambda: self.columns.values(name, expression))

    def values_at(self, rows: Whole, **expressions: Any) -> pa.Table:
        """Return what the engine works out of some events, in the order of `rows`.

        Parameters
        ----------
        rows : ndarray of int64
            No row twice.
        **expressions : Ibis value
            Of the log's own columns; each is a column of the table.
        """
        return self.columns.values_at(self._in_whole(rows), expressions)

    def texts_at(self, rows: Whole) -> list[str]:
        """Bring the texts of some events out of the engine."""
        return [str(text) for text in self.values_at(rows, text=_.text)["text"].to_pylist()]

    @property
    def touchpoint(self) -> npt.NDArray[np.int32]:
        """Number of the touchpoint."""
        return self.column("touchpoint_no")  # type: ignore[no-any-return]

    @property
    def customer(self) -> npt.NDArray[np.int32]:
        """Number of the customer."""
        return self.column("customer_no")  # type: ignore[no-any-return]

    @property
    def group(self) -> npt.NDArray[np.int8]:
        """Customer group, 0 to 63."""
        return self.column("group")  # type: ignore[no-any-return]

    @property
    def key(self) -> Whole:
        """The key of the journey, as other tables have it."""
        return self.journey_key[self.journey]

    @property
    def t_us(self) -> Whole:
        """Start, microseconds since 1970 UTC; only in a log with a clock."""
        return self.column("t_us")  # type: ignore[no-any-return]

    @property
    def service_us(self) -> Whole:
        """From start to end; `MISSING` where no end is known."""
        return self.column("service_us")  # type: ignore[no-any-return]

    @property
    def done_us(self) -> Whole:
        """When each event is over: its end, or its start where no end is known."""
        if not self.has("end_us"):
            return self.t_us
        return self.t_us + np.where(self.service_us == MISSING, 0, self.service_us)

    # --- order ------------------------------------------------------------------------------

    @cached_property
    def _runs(self) -> tuple[Whole, Whole]:
        """Row at which each journey begins, with the number of rows at the end, and its key."""
        if self.runs is not None:
            return self.runs
        if self.parent is None:
            return self.cut.begins, self.cut.key
        own = self.parent.journey[self.picked]
        first = np.ones(len(own), dtype=bool)
        first[1:] = own[1:] != own[:-1]
        begins = np.append(np.flatnonzero(first), len(own)).astype(np.int64)
        return begins, self.parent.journey_key[own[begins[:-1]]]

    @property
    def begins(self) -> Whole:
        """Row at which each journey begins, and after the last the number of rows."""
        return self._runs[0]

    @property
    def journey_key(self) -> Whole:
        """The key of each journey, as other tables have it."""
        return self._runs[1]

    @cached_property
    def journey(self) -> npt.NDArray[np.int32]:
        """Number of the journey, from 0 in the order of the rows."""
        return journey_numbers(self.begins)

    @property
    def step(self) -> npt.NDArray[np.int32]:
        """Place in the journey, from 1."""
        return step_numbers(self.begins)

    @cached_property
    def is_last(self) -> Flags:
        """Mark the last event of each journey."""
        last = np.zeros(len(self), dtype=bool)
        last[self.begins[1:] - 1] = True
        return last

    @cached_property
    def starts_visit(self) -> Flags:
        """Mark the first event of each visit."""
        if not self.has("session"):
            return np.ones(len(self), dtype=bool)
        return visit_starts(self.journey, self.touchpoint, self.column("session").number)

    @property
    def ends_visit(self) -> Flags:
        """Mark the last event of each visit."""
        return np.append(self.starts_visit[1:], True)[: len(self)].astype(bool)

    @property
    def visit_row(self) -> Numbers:
        """Row (int32) at which the visit of each event began."""
        if not self.has("session"):
            return np.arange(len(self), dtype=np.int32)
        starts = np.flatnonzero(self.starts_visit).astype(np.int32)
        return np.repeat(starts, np.diff(np.append(starts, len(self))))

    @cached_property
    def visit(self) -> Numbers:
        """Number of the visit of its touchpoint in the journey, from 1."""
        return visit_numbers(self.starts_visit, self.journey, self.touchpoint, self.touchpoints)

    # What follows from neighbours is worked out where it is asked for: to keep it takes more room
    # than the events.

    @property
    def next_touchpoint(self) -> npt.NDArray[np.int32]:
        """Touchpoint of the next event of the journey; −1 at its last."""
        return self.next_of(self.touchpoint, -1)

    @property
    def next_us(self) -> Whole:
        """Start of the next event of the journey; `MISSING` at its last."""
        return self.next_of(self.t_us, MISSING)

    @property
    def wait_us(self) -> Whole:
        """Silence from the end of an event to the next of its journey, at least 0."""
        return silences_after(self.begins, self.t_us, self.service_us)

    @cached_property
    def by_time(self) -> Whole | slice:
        """Rows in order of customer and time: other journeys of a customer may lie between.

        A slice of all where they lie so.
        """
        customer, t_us, journey = self.customer, self.t_us, self.journey
        # Journeys that follow each other are in order themselves: no position need be read.
        rising = (t_us[1:] == t_us[:-1]) & (journey[1:] == journey[:-1])
        rising |= (t_us[1:] > t_us[:-1]) | (customer[1:] > customer[:-1])
        if rising.all():
            return slice(None)
        parts = (self.touchpoint, self.column("position"), t_us, customer)
        return rows_in_order(*parts)

    def rows_of(self, key: Any, step: Any) -> Whole:
        """Return the rows of steps of journeys, named as other tables name them."""
        journey = np.searchsorted(self.journey_key, np.asarray(key))
        return np.asarray(self.begins[journey] + np.asarray(step) - 1)

    def next_of(self, column: Numbers, otherwise: int) -> Numbers:
        """Return what the next event of the journey has; `otherwise` at its last."""
        later = np.empty_like(column)
        later[:-1] = column[1:]
        later[self.begins[1:] - 1] = otherwise
        return later

    # --- counting ---------------------------------------------------------------------------

    def base(self, cell: Numbers, cells: int) -> Base:
        """Count events, journeys and customers in cells; cells below 0 are none."""
        return base_in_cells(cell, self.journey, self.customer, cells)

    def in_groups(self, cell: Numbers, amount: Numbers, cells: int) -> npt.NDArray[np.float64]:
        """Sum whole numbers in cells of each customer group, shape (groups, cells)."""
        own = np.where(cell >= 0, self.group * np.int64(cells) + cell, -1)
        return sum_in_cells(own, amount, GROUPS * cells).reshape(GROUPS, cells).astype(np.float64)

    def only(self, rows: Numbers) -> Events:
        """Return the events of these rows: marked, or numbered in their order."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Events(self.cut, self._in_whole(rows), self.parent or self)

    def journeys(self, first: int, end: int) -> Events:
        """Return the events of the journeys from number `first` to before `end`."""
        begins = self.begins[first : end + 1]
        rows = slice(int(begins[0]), int(begins[-1]))
        own = self._in_whole(np.arange(rows.start, rows.stop)) if self.parent else rows
        runs = begins - begins[0], self.journey_key[first:end]
        return Events(self.cut, own, self.parent or self, runs)

    def of_journeys(self, number: Whole) -> Events:
        """Return the events of the journeys of these numbers, in their order."""
        many = np.diff(self.begins)[number]
        begins = np.concatenate([[0], np.cumsum(many)])
        rows = np.arange(begins[-1]) + np.repeat(self.begins[number] - begins[:-1], many)
        runs = begins, self.journey_key[number]
        return Events(self.cut, self._in_whole(rows), self.parent or self, runs)

    def _in_whole(self, rows: Whole) -> Whole:
        """Return the rows of the whole log that these rows are."""
        if self.picked is None:
            return rows
        return rows + self.picked.start if isinstance(self.picked, slice) else self.picked[rows]
