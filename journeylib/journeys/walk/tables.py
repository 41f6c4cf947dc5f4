"""Tables of touchpoints and transitions, counted over the events of journeys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from journeylib.journeys.walk.counting import (
    BANDS,
    Middle,
    Near,
    Sums,
    Tally,
    band_floors,
    base_in_cells,
    cells_of_bands,
    medians,
    medians_of,
    number_pairs,
)
from journeylib.journeys.walk.events import Events
from journeylib.journeys.walk.outline import Outline, as_words
from journeylib.journeys.walk.variant_counts import END_NUMBER, START_NUMBER
from journeylib.log import MISSING, Cells, Codes, Flags, compiled, protect

START, END = "(start)", "(end)"
OTHER = "(other)"  # touchpoints that are folded into one
# A bot or human that acts in fewer of a touchpoint's events is an exception, not who serves it.
SERVES = 0.05
MOST_TOUCHPOINTS = 45  # of a graph that is looked at as a whole to protect a rare transition
COUNTS = ("events", "journeys", "customers")
UNSAID = 0, 0, np.iinfo(np.int64).max  # of a transition that no shown variant passes
_NUMBERS = ("customer_no", "group", "touchpoint_no")
LARGEST = 3  # in larger graphs, cells of a row or column that are looked at for that
PAIRS = 2**31  # more than there are touchpoints
LABELS = ("stage", "channel", "office")
Whole = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]


class Part(Protocol):
    """Some journeys."""

    @property
    def outline(self) -> Outline:
        """These, one entry each."""


Summed = Callable[[Callable[[Part], Any]], Any]


def touchpoint_table(
    summed: Summed, names: Mapping[int, str], whole: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Count every touchpoint; see `Journeys.touchpoints`.

    Parameters
    ----------
    summed : callable
        Counts part by part and adds up: `Journeys.summed`.
    names : mapping of int to str
        Every touchpoint of the whole log by its number.
    whole : pandas.DataFrame, optional
        The table of the whole log, whose labels stand, where these are some of its journeys.
    """
    number = np.arange(len(names))
    sums = summed(lambda part: _touchpoint_sums(part.outline.events, labels=whole is None))
    counts = pd.DataFrame({"touchpoint_no": number, **vars(sums["base"])}).assign(
        median_position=median_positions(summed, number.astype(np.int32), len(names))
    )
    if whole is not None:
        by_number = whole.sort_values("touchpoint_no", ignore_index=True)
        labels = ["touchpoint", *LABELS, "served_by"]
        counts = counts.assign(**{label: by_number[label] for label in labels})
    else:
        counts["touchpoint"] = pd.Series([names[no] for no in range(len(names))], dtype="str")
        for column in LABELS:
            counts[column] = most_frequent(sums.get(column), len(names))
        counts["served_by"] = _served_by(sums)
    columns = ["touchpoint_no", "touchpoint", "stage", "channel", "office", "served_by"]
    ordered = counts.sort_values(["median_position", "touchpoint"], kind="stable")
    numbers = ["events", "journeys", "customers", "median_position"]
    return ordered[[*columns, *numbers]].reset_index(drop=True)


def _touchpoint_sums(events: Events, *, labels: bool) -> Sums:
    """Count visitors and, if asked, `labels` and who acts, by touchpoint."""
    many = events.touchpoints
    sums = Sums(base=events.base(events.touchpoint, many))
    if not labels:
        return sums
    for column in (*LABELS, "actor"):
        if events.has(column):
            sums[column] = Words.of(events.column(column), events.touchpoint, many)
    return sums


@dataclass(frozen=True)
class Words:
    """How often each cell has each word: number ``cell * words + word``."""

    counted: Tally
    words: tuple[str, ...]

    @staticmethod
    def of(codes: Codes, cell: Numbers, cells: int) -> Words:
        """Count the words of events in cells; a cell below 0 is none."""
        number = _cells_of_words(cell, codes.held, len(codes.words))
        return Words(Tally.of(number, cells * len(codes.words)), codes.words)

    def of_word(self, word: str, cells: int) -> Whole:
        """Return how often each cell has a word."""
        times = np.zeros((cells, len(self.words)), dtype=np.int64)
        times.ravel()[self.counted.number] = self.counted.times
        return np.asarray(times[:, [own == word for own in self.words]].sum(axis=1))

    def __add__(self, other: Words) -> Words:
        """Add what other customers bring."""
        return Words(self.counted + other.counted, self.words)


@compiled
def _cells_of_words(cell: Numbers, held: Numbers, words: int) -> Whole:
    """Number the cell and word of each event; -1 where it has none."""
    number = np.full(len(cell), -1, dtype=np.int64)
    for row in range(len(cell)):
        if cell[row] >= 0 and held[row] >= 0:
            number[row] = np.int64(cell[row]) * words + held[row]
    return number


def median_positions(summed: Summed, into: Numbers, cells: int) -> npt.NDArray[np.float64]:
    """Return the median place of events within their journeys, 0 first to 1 last.

    Parameters
    ----------
    summed : callable
    into : ndarray of int
        The cell of each touchpoint; below 0 for none.
    cells : int
    """

    def places(part: Part) -> tuple[Numbers, npt.NDArray[np.float64]]:
        events = part.outline.events
        return into[events.touchpoint], _places(events.begins)

    return medians(summed, places, cells)


@compiled
def _places(begins: Whole) -> npt.NDArray[np.float64]:
    """Return the place of each step in its journey; the only one of a journey is in the middle."""
    position = np.full(begins[-1], 0.5)
    for journey in range(len(begins) - 1):
        first, last = begins[journey], begins[journey + 1] - 1
        for row in range(first, last + 1):
            if last > first:
                position[row] = (row - first) / (last - first)
    return position


def most_frequent(counts: Words | None, cells: int) -> list[str | None]:
    """Return the most frequent word of each cell; among equals the first by name."""
    most: list[str | None] = [None] * cells
    if counts is not None:
        number, times = counts.counted.number, counts.counted.times
        # The last that is put there stands: the most frequent, of equals the first by name.
        for index in np.lexsort((-number, times)):
            cell, word = divmod(int(number[index]), len(counts.words))
            most[cell] = counts.words[word]
    return most


def _served_by(sums: Sums) -> list[str | None]:
    every = sums["base"].events
    if "actor" not in sums:
        return [None] * len(every)
    words = {(False, False): "nobody", (True, False): "bot", (False, True): "human"}
    acts = [sums["actor"].of_word(who, len(every)) >= SERVES * every for who in ("bot", "human")]
    return [words.get((bool(bot), bool(human)), "both") for bot, human in zip(*acts, strict=True)]


@dataclass(frozen=True)
class Edges:
    """Directly-follows transitions by the numbers of their ends, most journeys first, then by name.

    Attributes
    ----------
    source, target : ndarray of int64, shape (n,)
        Numbers of touchpoints, `START_NUMBER` and `END_NUMBER`.
    counts : ndarray of int64, shape (3, n)
        Events, journeys, customers.
    at_least : ndarray of bool, shape (n,)
        Where these are lower bounds.
    """

    source: Whole
    target: Whole
    counts: Whole
    at_least: Flags

    def only(self, rows: Numbers) -> Self:
        """Return those of these rows, in their order."""
        return replace(
            self, **{one.name: getattr(self, one.name)[..., rows] for one in fields(self)}
        )

    def __add__(self, other: Edges) -> Edges:
        """Return these, then others."""
        both = ((getattr(one, name.name) for one in (self, other)) for name in fields(Edges))
        return Edges(*(np.concatenate([*parts], axis=-1) for parts in both))

    def in_order(self, words: list[str]) -> Self:
        """Return them in their order; `words` are as in `table`."""
        rank = _ranks(words)
        return self.only(np.lexsort((rank[self.target], rank[self.source], -self.counts[1])))

    def rows_of(self, source: Whole, target: Whole) -> Whole:
        """Return the row of the transition between each pair of ends; -1 where there is none."""
        own, asked = self.source * PAIRS + self.target, source * PAIRS + target
        order = np.argsort(own)
        index = np.searchsorted(own, asked, sorter=order)
        row = np.append(order, -1)[index]
        return np.where(np.append(own, 0)[row] == asked, row, -1)

    def table(self, words: list[str]) -> pd.DataFrame:
        """Return ``source``, ``target``, ``events``, ``journeys``, ``customers``, ``at_least``.

        Parameters
        ----------
        words : list of str
            Names by number; those of numbers below 0 from the end.
        """
        word = pd.Series(words, dtype="str").array
        ends = {end: word.take(getattr(self, end)) for end in ("source", "target")}
        counts = dict(zip(COUNTS, self.counts, strict=True))
        return pd.DataFrame({**ends, **counts, "at_least": self.at_least})


@dataclass(frozen=True)
class TimedEdges(Edges):
    """Directly-follows transitions of a log, and how long each of them takes.

    Attributes
    ----------
    median_seconds : ndarray of float64, shape (n,)
        NaN without a clock, and from `START_NUMBER` and to `END_NUMBER`.
    tied : ndarray of int64, shape (n,)
        Events that are followed at the same time.
    """

    median_seconds: npt.NDArray[np.float64]
    tied: Whole

    def table(self, words: list[str]) -> pd.DataFrame:
        """Return the columns of `graph.transitions`."""
        table = super().table(words)
        at_least = table.pop("at_least")
        return table.assign(median_seconds=self.median_seconds, tied=self.tied, at_least=at_least)


def words_of(names: Mapping[int, str]) -> list[str]:
    """Return the names of touchpoints, `END` and `START`, as `Edges` number them."""
    return [*(names[number] for number in range(len(names))), END, START]


def _ranks(names: list[str]) -> Whole:
    """Return the place of each name among all of them, sorted."""
    ranks = {name: rank for rank, name in enumerate(sorted(names))}
    return np.array([ranks[name] for name in names], dtype=np.int64)


def count_edges(summed: Summed, names: Mapping[int, str]) -> TimedEdges:
    """Count every transition, however rare; see `Journeys.edge_counts`."""
    sums = summed(lambda part: _edge_sums(part.outline))
    keys, counts, first = sums["moves"].number, sums["moves"].times, sums["first"]
    begins = np.flatnonzero(first.events)
    source, target = np.divmod(keys, len(names) + 1)
    times = np.full(len(keys) + len(begins), np.nan)
    if "seconds" in sums:
        times[: len(keys)] = _median_seconds(summed, keys, sums["seconds"])
    return TimedEdges(
        np.append(source, np.full(len(begins), START_NUMBER)),
        np.append(np.where(target > 0, target - 1, END_NUMBER), begins),
        np.hstack([counts[:, :3].T, np.stack([*vars(first).values()])[:, begins]]),
        np.zeros(len(times), dtype=np.bool_),
        times,
        np.append(counts[:, 3], np.zeros_like(begins)),
    ).in_order(words_of(names))


def _edge_sums(outline: Outline) -> Sums:
    """Count moves by their key, how long they take by band, and where journeys begin."""
    events = outline.events
    pair, keys = move_numbers(events)
    clock = events.has("t_us")
    # Without a clock no two events are of the same time.
    t_us = events.t_us if clock else np.arange(len(events))
    order = np.argsort(keys)
    counts = _count_moves(pair, events.begins, outline.customer, t_us, len(keys))
    first = outline.first, np.arange(len(outline)), outline.customer
    sums = Sums(
        first=base_in_cells(*first, events.touchpoints),
        moves=Tally(listed=(keys[order], counts[order])),
    )
    if clock:
        cell = np.append(keys, -1)[pair]
        cells = events.touchpoints * (events.touchpoints + 1)
        number = cells_of_bands(cell, _onward_us(pair, events.begins, t_us))
        sums["seconds"] = Tally.of(number, cells * BANDS)
    return sums


@compiled
def _count_moves(pair: Numbers, begins: Whole, customer: Numbers, t_us: Whole, pairs: int) -> Whole:
    """Count each move, and the journeys and customers that make it, and those without a time.

    Parameters
    ----------
    pair, t_us : ndarray of int
        Of each event the number of the move after it, below 0 for none, and its time.
    begins, customer : ndarray of int
        As `Events` and `Outline` have them.
    pairs : int

    Returns
    -------
    ndarray of int64, shape (pairs, 4)
    """
    counts = np.zeros((pairs, 4), dtype=np.int64)
    latest = np.full((pairs, 2), -1, dtype=np.int64)
    for journey in range(len(begins) - 1):
        for row in range(begins[journey], begins[journey + 1]):
            move = pair[row]
            if move < 0:
                continue
            counts[move, 0] += 1
            counts[move, 1] += latest[move, 0] != journey
            counts[move, 2] += latest[move, 1] != customer[journey]
            counts[move, 3] += row + 1 < begins[journey + 1] and t_us[row] == t_us[row + 1]
            latest[move, 0], latest[move, 1] = journey, customer[journey]
    return counts


def move_numbers(events: Events) -> tuple[Numbers, Whole]:
    """Number the moves from each visit to the next or to the end.

    Returns
    -------
    number : ndarray of int32
        Of the move after each event; -1 within a visit.
    keys : ndarray of int64
        By number: source × (touchpoints + 1) + target + 1, or + 0 for the end.
    """

    def numbered() -> tuple[Numbers, Whole]:
        source = np.where(events.ends_visit, events.touchpoint, -1)
        return number_pairs(source, events.next_touchpoint + 1, events.touchpoints + 1)

    moves: tuple[Numbers, Whole] = events.once("moves", numbered)
    return moves


@compiled
def _onward_us(pair: Numbers, begins: Whole, t_us: Whole) -> Whole:
    """Return the time from the start of a visit to the start of the next; `MISSING` for none.

    `pair` is not below 0 where a visit ends.
    """
    us = np.full(len(pair), MISSING, dtype=np.int64)
    for journey in range(len(begins) - 1):
        began = t_us[begins[journey]]
        for row in range(begins[journey], begins[journey + 1] - 1):
            if pair[row] >= 0:
                us[row] = t_us[row + 1] - began
                began = t_us[row + 1]
    return us


def _median_seconds(summed: Summed, keys: Whole, spread: Tally) -> npt.NDArray[np.float64]:
    """Return the median time from the start of a visit to the start of the next, by key."""
    key, band = np.divmod(spread.number, BANDS)
    cell = np.searchsorted(keys, key)
    bands = Tally(listed=(cell * BANDS + band, spread.times))
    middle = Middle.of(bands, BANDS, len(keys))

    def near(part: Part) -> Near:
        events = part.outline.events
        pair, own = move_numbers(events)
        cell = np.append(np.searchsorted(keys, own), -1).astype(np.int32)[pair]
        return middle.near(cell, _onward_us(pair, events.begins, events.t_us), band_floors())

    return middle.values(summed(near)) / 1e6


def public_edges(
    edges: TimedEdges,
    names: Mapping[int, str],
    touchpoints: list[int],
    minimum: int,
    of_variants: Mapping[tuple[int, ...], tuple[int, int, int]],
) -> TimedEdges:
    """Return the transitions that may be shown, with lower bounds where these are needed.

    Parameters
    ----------
    edges : TimedEdges
        Every transition; `Journeys.edge_counts`.
    names : mapping of int to str
        Every touchpoint of the whole log by its number.
    touchpoints : list of int
        Those that are shown with their visits, by name.
    minimum : int
        Fewest customers of a shown transition.
    of_variants : mapping of (int, int) to (int, int, int)
        What variants say of each transition; `moves_of_variants`.
    """
    size = len(touchpoints) + 2
    # START and END are the first; touchpoints that are not shown are one, the last.
    line = np.full(len(names) + 2, size - 1)
    line[[*touchpoints, START_NUMBER, END_NUMBER]] = [*range(1, size - 1), 0, 0]
    cell = line[edges.source] * size + line[edges.target]
    occupied, number = np.unique(cell, return_inverse=True)
    sums = np.zeros((len(occupied), 2), dtype=np.int64)
    np.add.at(sums, number, edges.counts[[0, 2]].T)
    cells = _with_corners(occupied, sums, size, minimum)
    index, (source, target) = np.searchsorted(cells, cell), np.divmod(cells, size)
    counts, fewest = (np.zeros((len(cells), 2), dtype=np.int64) for _ in range(2))
    counts[np.searchsorted(cells, occupied)] = sums
    named = (source < size - 1) & (target < size - 1)
    visits = (np.where(end < size - 1, end, -1) for end in (source, target))
    pairs = zip(edges.source.tolist(), edges.target.tolist(), strict=True)
    bounds = np.array([of_variants.get(pair, UNSAID) for pair in pairs], dtype=np.int64)
    bounds = bounds.reshape(-1, 3)
    np.add.at(fewest, index, bounds[:, :2])
    shown = protect(Cells(counts, tuple(visits), named, fewest=fewest), minimum, bounds=True)
    least, bounded, named = shown.least[index], shown.at_least[index], named[index]
    events, customers = np.minimum(least.T, np.where(bounded, bounds[:, 2], UNSAID[2]))
    journeys = np.where(bounded, edges.counts[1].clip(customers, events), edges.counts[1])
    public = replace(
        edges,
        counts=np.stack([events, journeys, customers]),
        at_least=bounded,
        tied=np.minimum(edges.tied, events),
    )
    return public.only(named & (customers >= max(minimum, 1))).in_order(words_of(names))


def room_of_moves(
    public: Edges, edges: Edges, names: Mapping[int, str]
) -> dict[tuple[int, ...], int]:
    """Return how many more visits than it has a shown transition might have, by what is shown.

    None where it is shown as it is; else what the visits of its source and its target leave room
    for, less all else that is shown of these. They are in order of their names.
    """
    least, true = public.counts[0], edges.counts[0, edges.rows_of(public.source, public.target)]
    ends = ((edges.source, public.source), (edges.target, public.target))
    free = [np.zeros(len(names) + 2, dtype=np.int64) for _ in ends]
    for left, (end, end_shown) in zip(free, ends, strict=True):
        np.add.at(left, end, edges.counts[0])
        np.subtract.at(left, end_shown, least)
    left_there = np.minimum(free[0][public.source], free[1][public.target])
    room = np.where(public.at_least, least + left_there, true) - true
    rank = _ranks(words_of(names))
    order = np.lexsort((rank[public.target], rank[public.source]))
    pairs = zip(public.source[order].tolist(), public.target[order].tolist(), strict=True)
    return dict(zip(pairs, room[order].tolist(), strict=True))


def _with_corners(occupied: Whole, counts: Whole, size: int, minimum: int) -> Whole:
    """Return all occupied cells and those that may take what the largest beside a small one give.

    Whoever reads the transitions cannot tell an empty cell from a hidden one. All may change; in a
    large graph that would take long, and those of the largest cells nearly suffice.
    """
    if size <= MOST_TOUCHPOINTS:
        return np.arange(size**2)
    row, column = np.divmod(occupied[(counts[:, 1] > 0) & (counts[:, 1] < minimum)], size)
    # Of a row with few cells the first empty ones are the largest of the rest.
    few, every = np.arange(LARGEST)[:, None], np.arange(size)
    empty = np.concatenate([(few * size + every).ravel(), (few + every * size).ravel()])
    cells, first = np.unique(np.concatenate([occupied, empty]), return_index=True)
    events = np.concatenate([counts[:, 0], np.zeros_like(empty)])[first]
    source, target = np.divmod(cells[np.lexsort((cells, -events))], size)
    far = _first_of_each(source, target, size)[row]
    near = _first_of_each(target, source, size)[column]
    marked = np.zeros((size, size), dtype=np.bool_)
    marked[near[:, :, None], far[:, None, :]] = True
    # What the others cannot take, the rows and columns of the largest cells of all can.
    marked[source[:LARGEST]], marked[:, target[:LARGEST]] = True, True
    marked.ravel()[occupied] = True
    return np.flatnonzero(marked)


def _first_of_each(number: Whole, value: Whole, size: int) -> Whole:
    """Return the first values of each number, shape (size, LARGEST)."""
    order = np.argsort(number, kind="stable")
    begins = np.searchsorted(number[order], np.arange(size))
    return np.asarray(value[order[begins[:, None] + np.arange(LARGEST)]])


def median_seconds(events: Events, pair: Numbers, pairs: int) -> npt.NDArray[np.float64]:
    """Return the median time from the start of a visit to the start of the next, by pair."""
    return medians_of(pair, _onward_us(pair, events.begins, events.t_us), pairs) / 1e6


def step_table(events: Events, names: Mapping[int, str]) -> pa.Table:
    """Return one row per event, in the order of the journeys; columns of `Journeys.steps`."""
    words = pa.array([names[number] for number in range(len(names))], pa.string())
    internal = (*_NUMBERS, "case_no", "touchpoint")
    own = [name for name in events.columns.source.columns if name not in internal]
    table: dict[str, Any] = {name: _as_arrow(events.column(name)) for name in own}
    table |= {name: events.column(name).astype(np.int64) for name in _NUMBERS}
    visit_step = events.step[events.visit_row]
    table |= {
        "touchpoint": words.take(pa.array(events.touchpoint)),
        "journey": events.key,
        "step": events.step.astype(np.int64),
        "steps": np.diff(events.begins)[events.journey],
        "visit": events.visit.astype(np.int64),
        "starts_visit": events.starts_visit,
        "ends_visit": events.ends_visit,
        "visit_step": visit_step.astype(np.int64),
        "next_touchpoint": words.take(_or_null(events.next_touchpoint, -1)),
        "next_touchpoint_no": _or_null(events.next_touchpoint.astype(np.int64), -1),
    }
    if events.has("actor"):
        actor = events.column("actor")
        table["next_actor"] = as_words(Codes(events.next_of(actor.held, -1), actor.words))
    if events.has("t_us"):
        table |= {
            "visit_us": events.t_us[events.visit_row],
            "next_us": _or_null(events.next_us, MISSING),
            "service_us": _or_null(events.service_us, MISSING),
            "wait_us": _or_null(events.wait_us, MISSING),
        }
    if events.has("boundary_micro"):
        table["boundary_micro"] = _or_null(events.column("boundary_micro"), MISSING)
    return pa.table(table)


def _as_arrow(column: Any) -> pa.Array:
    if isinstance(column, Codes):
        return as_words(column)
    if column.dtype == np.int8:
        return pa.array(column == 1, mask=column < 0)
    if column.dtype.kind == "f":
        return pa.array(column, from_pandas=True)
    return _or_null(column, MISSING)


def _or_null(values: npt.NDArray[Any], missing: int) -> pa.Array:
    return pa.array(values, mask=values == missing)
