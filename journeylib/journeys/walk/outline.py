"""Outline: one entry per journey, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.counting import count_neighbours, number_variants
from journeylib.journeys.walk.events import Events
from journeylib.journeys.walk.segment import Cutting
from journeylib.log import MISSING, Codes, Flags, Numbers, Whole, compiled

END_KINDS = ("goal", "bad_end", "open", "other")
GOAL, BAD_END, OPEN, OTHER_END = range(4)


@dataclass(frozen=True, eq=False)
class Outline:
    """Journeys in the order of their events, one entry each.

    Attributes
    ----------
    events : Events
        Theirs.
    key : ndarray of int64
        As other tables have it.
    customer, group : ndarray
        Number and group of the customer.
    end_kind : ndarray of int8
        Place in `END_KINDS`.
    goal_set : ndarray of int32
        Which goals judge it: 0 the general ones, then those of each intent that has its own.
    cut_off : ndarray of bool
        Begins less than ``quiet_days`` after the log's first event.
    segment : Codes or None
        That of the first event.
    boundary_micro : ndarray of int64 or None
        Probability of the boundary at which it begins × 1,000,000; `MISSING` where unknown.
    """

    events: Events = field(repr=False)
    key: Whole
    customer: Numbers
    group: Numbers
    end_kind: npt.NDArray[np.int8]
    goal_set: Numbers
    cut_off: Flags
    segment: Codes | None
    boundary_micro: Whole | None

    def __len__(self) -> int:
        """Count the journeys."""
        return len(self.key)

    @property
    def first_row(self) -> Whole:
        """Row of the first event."""
        return self.events.begins[:-1]

    @property
    def last_row(self) -> Whole:
        """Row of the last event."""
        return self.events.begins[1:] - 1

    @cached_property
    def steps(self) -> Whole:
        """Count the events."""
        return np.diff(self.events.begins)

    @property
    def first(self) -> Numbers:
        """Number of the first touchpoint."""
        return self.events.touchpoint[self.first_row]

    @property
    def last(self) -> Numbers:
        """Number of the last touchpoint so far."""
        return self.events.touchpoint[self.last_row]

    @property
    def start_us(self) -> Whole:
        """Start of the first event; only in a log with a clock."""
        return self.events.t_us[self.first_row]

    @property
    def end_us(self) -> Whole:
        """Start of the last event so far; only in a log with a clock."""
        return self.events.t_us[self.last_row]

    @cached_property
    def is_open(self) -> Flags:
        """Mark the journeys that are not over."""
        return np.asarray(self.end_kind == OPEN)

    @cached_property
    def customers(self) -> int:
        """Count the customers."""
        return count_neighbours(self.customer)

    @cached_property
    def visits(self) -> tuple[Numbers, Whole]:
        """Touchpoints of all visits, journey after journey, and where those of each begin."""
        if not self.events.has("session"):
            return self.events.touchpoint, self.events.begins
        starts = self.events.starts_visit
        so_far = np.concatenate([[0], np.cumsum(starts)])
        return self.events.touchpoint[starts], so_far[self.events.begins].astype(np.int64)

    @cached_property
    def variants(self) -> tuple[Numbers, Whole]:
        """Number of the variant of each journey, and by variant the first that went so."""
        return number_variants(*self.visits)

    def of(self, events: Events, journeys: Whole | slice) -> Outline:
        """Return those of these `journeys`, of which `events` are left."""
        segment = None if self.segment is None else self.segment.only(journeys)
        micro = None if self.boundary_micro is None else self.boundary_micro[journeys]
        named = ("key", "customer", "group", "end_kind", "goal_set", "cut_off")
        return replace(
            self,
            events=events,
            segment=segment,
            boundary_micro=micro,
            **{name: getattr(self, name)[journeys] for name in named},
        )


def outline_of(
    events: Events,
    settings: JourneySettings,
    cutting: Cutting,
    names: Mapping[int, str],
    span: tuple[int | None, int | None],
) -> Outline:
    """Outline the journeys of a whole log.

    Parameters
    ----------
    events : Events
    settings : JourneySettings
        Which touchpoints are goals and bad ends.
    cutting : Cutting
        How long a journey must be quiet to be over.
    names : mapping of int to str
        Every touchpoint by its number.
    span : tuple of int or None
        Start of the first and of the last event of the log.
    """
    many = len(events.begins) - 1
    first_row, last_row = events.begins[:-1], events.begins[1:] - 1
    kind = np.full(many, OTHER_END, dtype=np.int8)
    cut_off = np.zeros(many, dtype=bool)
    first_us, last_us = span
    if first_us is not None and last_us is not None:
        kind[events.t_us[last_row] > last_us - cutting.quiet_us] = OPEN
        cut_off = events.t_us[first_row] < first_us + cutting.quiet_us
    # The last of the declared ends decides: a complaint after the purchase is a bad end.
    goal_set = _goal_sets(events, settings)
    is_bad = np.array([names[no] in settings.bad_ends for no in range(len(names))], dtype=bool)
    ends = np.where(_are_goals(settings, names), GOAL, np.where(is_bad, BAD_END, OTHER_END))
    last = _last_ends(ends != OTHER_END, goal_set, events.begins, events.touchpoint)
    ended = np.flatnonzero(last >= 0)
    kind[ended] = ends[goal_set[ended], events.touchpoint[last[ended]]]
    return Outline(
        events,
        events.journey_key,
        events.customer[first_row],
        events.group[first_row],
        kind,
        goal_set,
        cut_off,
        events.column("segment").only(first_row) if events.has("segment") else None,
        events.column("boundary_micro")[first_row] if events.has("boundary_micro") else None,
    )


@compiled
def _last_ends(ends: Numbers, goal_set: Numbers, begins: Whole, touchpoint: Numbers) -> Whole:
    """Return the last row of each journey that is an end of its set; −1 where it has none."""
    last = np.full(len(goal_set), -1, dtype=np.int64)
    for journey in range(len(goal_set)):
        own = ends[goal_set[journey]]
        for row in range(begins[journey + 1] - 1, begins[journey] - 1, -1):
            if own[touchpoint[row]]:
                last[journey] = row
                break
    return last


def _goal_sets(events: Events, settings: JourneySettings) -> Numbers:
    """Return which goals judge each journey: those of the first intent that it states."""
    many = len(events.begins) - 1
    chosen = np.zeros(many, dtype=np.int32)
    if not settings.goals_by_intent or not events.has("intent"):
        return chosen
    intent = events.column("intent")
    own = {name: number for number, name in enumerate(settings.goals_by_intent, start=1)}
    by_word = np.array([own.get(word, 0) for word in intent.words], dtype=np.int32)
    rows = np.flatnonzero(intent.known)[::-1]
    # The first stated intent is written last, so it stays.
    chosen[events.journey[rows]] = by_word[intent.number[rows]]
    return chosen


def _are_goals(settings: JourneySettings, names: Mapping[int, str]) -> Flags:
    """Mark the touchpoints of each set of goals, shape (sets, touchpoints)."""
    sets = (settings.goals, *settings.goals_by_intent.values())
    return np.array([[names[no] in one for no in range(len(names))] for one in sets], dtype=bool)


def last_goals(outline: Outline, settings: JourneySettings, names: Mapping[int, str]) -> Whole:
    """Return the row at which each journey last reaches a goal of its own matter; −1 for none."""
    events, goals = outline.events, _are_goals(settings, names)
    if not goals.any():
        return np.full(len(outline), -1, dtype=np.int64)
    return _last_ends(goals, outline.goal_set, events.begins, events.touchpoint)


def judged_by_goals(outline: Outline, settings: JourneySettings) -> Flags:
    """Mark the journeys whose matter has a goal; no goal tells how the others went."""
    sets = (settings.goals, *settings.goals_by_intent.values())
    return np.array([bool(one) for one in sets])[outline.goal_set]


def as_table(outline: Outline, names: Mapping[int, str]) -> pa.Table:
    """Return the outline as the engine's table of journeys; see `Journeys.table`."""
    words = pa.array([names[number] for number in range(len(names))], pa.string())
    clock = outline.events.has("t_us")
    nothing = pa.nulls(len(outline), pa.int64())
    segment, micro = outline.segment, outline.boundary_micro
    columns: dict[str, Any] = {
        "journey": outline.key,
        "customer_no": outline.customer.astype(np.int64),
        "group": outline.group.astype(np.int64),
        "segment": pa.nulls(len(outline), pa.string()) if segment is None else as_words(segment),
        "steps": outline.steps,
        "start_us": outline.start_us if clock else nothing,
        "end_us": outline.end_us if clock else nothing,
        "boundary_micro": nothing if micro is None else pa.array(micro, mask=micro == MISSING),
        "first_touchpoint": words.take(pa.array(outline.first)),
        "last_touchpoint": words.take(pa.array(outline.last)),
        "variant": _variant_texts(outline).take(pa.array(outline.variants[0])),
        "end_kind": pa.array(END_KINDS, pa.string()).take(pa.array(outline.end_kind)),
        "cut_off": outline.cut_off,
    }
    return pa.table(columns)


def variant_texts(
    outline: Outline,
    wanted: Whole | slice = slice(None),
    names: Mapping[int, str] | None = None,
) -> list[str]:
    """Return the touchpoints of the `wanted` variants, with commas between: numbers, or `names`."""
    texts: list[str] = _variant_texts(outline, wanted, names).to_pylist()
    return texts


def variant_ways(outline: Outline, wanted: Numbers | slice = slice(None)) -> list[tuple[int, ...]]:
    """Return the touchpoint numbers of the `wanted` variants, visit by visit."""
    visits, begins = outline.visits
    return [
        tuple(visits[begins[first] : begins[first + 1]].tolist())
        for first in outline.variants[1][wanted]
    ]


def _variant_texts(
    outline: Outline,
    wanted: Whole | slice = slice(None),
    names: Mapping[int, str] | None = None,
) -> pa.StringArray:
    called = map(str, range(outline.events.touchpoints)) if names is None else names.values()
    visits, begins = outline.visits
    example = outline.variants[1][wanted]
    many = begins[example + 1] - begins[example]
    until = np.cumsum(many)
    row = np.arange(int(many.sum())) + np.repeat(begins[example] - (until - many), many)
    words = pa.array(list(called), pa.string()).take(pa.array(visits[row]))
    offsets = pa.array(np.concatenate([[0], until]).astype(np.int32))
    return pc.binary_join(pa.ListArray.from_arrays(offsets, words), ",")


def as_words(codes: Codes) -> pa.Array:
    """Return the words of codes."""
    number = pa.array(codes.number, mask=codes.number < 0)
    return pa.array(codes.words, pa.string()).take(number)
