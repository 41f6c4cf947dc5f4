"""A smaller journey graph that still adds up: what is left out is folded, counted and named."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import named_parts, refuse_other, working
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.walk.counting import base_in_cells, sum_in_cells
from journeylib.journeys.walk.outline import Outline
from journeylib.journeys.walk.tables import (
    COUNTS,
    END,
    OTHER,
    START,
    Edges,
    median_positions,
    move_numbers,
)
from journeylib.journeys.walk.variant_counts import END_NUMBER, START_NUMBER
from journeylib.log import Flags, suppress

ELSEWHERE = "(elsewhere)"
Pair = tuple[str, str]
Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Simplified:
    """The strongest touchpoints and transitions, and everything else as "other".

    Attributes
    ----------
    touchpoints : pandas.DataFrame
        ``touchpoint``, ``stage``, ``channel``, ``events``, ``visits``, ``journeys``,
        ``customers``, ``median_position``, ``folds`` (touchpoints in it: 1, or more in
        ``(other)``, one per stage where there are stages).
    transitions : pandas.DataFrame
        ``source``, ``target``, ``events``, ``journeys``, ``customers``, ``at_least`` (as in
        `transitions`), most journeys first.
        Target ``(elsewhere)`` sums, per source, the transitions that are not shown.
    ledger : pandas.DataFrame
        What every number counts: ``what``, ``shown``, ``folded`` (in other and elsewhere),
        ``suppressed`` (in no row, for resting on too few customers), ``total``; the three parts
        add up to the total in every row.
    journeys : int
        All journeys.
    journeys_shown : int
        Journeys that run through shown touchpoints and transitions alone.
    share : float
        `journeys_shown` of all journeys.
    kept_ways, beyond : int
        Transitions between shown touchpoints that are kept, and those that the share asked for
        beyond the most that are.
    """

    touchpoints: pd.DataFrame
    transitions: pd.DataFrame
    ledger: pd.DataFrame
    journeys: int
    journeys_shown: int
    share: float
    kept_ways: int = 0
    beyond: int = 0

    __repr__ = named_parts


@working("folding the journey graph")
def simplify(
    journeys: Journeys,
    touchpoints: float = 1.0,
    transitions: float = 1.0,
    *,
    per_node: int = 1,
    most: int | None = None,
    like: Simplified | None = None,
) -> Simplified:
    """Keep the strongest touchpoints and transitions; fold the rest into a visible other.

    Parameters
    ----------
    journeys : Journeys
    touchpoints : float
        Share of the touchpoints to keep, those of most journeys first, above 0 to 1.
    transitions : float
        Share of the transitions between them to keep, those of most journeys first, 0 to 1.
    per_node : int
        Keep at least so many of the strongest transitions from each touchpoint to another, and
        from others to it.
    most : int, optional
        Keep at most so many transitions between touchpoints, beside those of `per_node`.
    like : Simplified, optional
        Of these journeys and others: keep what it keeps, not what is strong in these alone.

    Returns
    -------
    Simplified
        The same journeys as `transitions` and `variants` count, in fewer rows.

    Raises
    ------
    ValueError
        If a share is not between 0 and 1, or `per_node` is negative.

    Notes
    -----
    Nothing is dropped in silence: of each touchpoint, the shown transitions out and the one to
    ``(elsewhere)`` add up to its visits; the ledger says what is shown, folded and suppressed.
    """
    refuse_other(journeys, "Journeys")
    if not 0 < touchpoints <= 1 or not 0 <= transitions <= 1 or per_node < 0:
        raise ValueError(
            f"touchpoints={touchpoints}, transitions={transitions}, per_node={per_node}: "
            "shares lie between 0 and 1 (touchpoints above 0), per_node is 0 or more"
        )
    points, minimum = _Points.of(journeys), journeys.settings.min_customers
    direct = points.strongest(touchpoints if like is None else 1.0, minimum)
    if like is not None:
        direct &= np.isin(np.array(points.names, dtype=object), like.touchpoints["touchpoint"])
    folds, moves = _Folds.of(points, direct), _Moves.of(journeys)
    candidates = _shown(journeys, moves, folds, minimum)
    if like is not None:
        pairs = zip(like.transitions["source"], like.transitions["target"], strict=True)
        candidates, transitions, most = _alike(candidates, set(pairs), folds), 1.0, None
    drawn, ways, beyond = _strongest(candidates, folds, transitions, per_node, most)
    pair = folds.pair(journeys.edge_counts)
    every = _with_elsewhere(journeys, drawn, moves, folds, np.isin(pair, folds.pair(drawn)))
    nodes = _nodes(journeys, points, folds)
    inside = drawn.only(folds.is_direct[drawn.source] & folds.is_direct[drawn.target])
    total = len(journeys.outline)
    whole = total - moves.journeys_along(~np.isin(pair, folds.pair(inside)))
    return Simplified(
        suppress(nodes, minimum)[0].drop(columns="number"),
        every.only(every.counts[2] >= minimum).table(folds.words),
        _ledger(folds, nodes, every, minimum, (whole, total - whole, 0, total)),
        total,
        whole,
        whole / total if total else 0.0,
        ways,
        beyond,
    )


@dataclass(frozen=True)
class _Points:
    """Touchpoints by number; those that nobody came to have zeros.

    Attributes
    ----------
    names : list of str
    stages, channels : pandas.Series
    counts : ndarray of int64, shape (3, touchpoints)
        Events, journeys, customers.
    position : ndarray of float64
        Median position.
    """

    names: list[str]
    stages: pd.Series[str]
    channels: pd.Series[str]
    counts: Numbers
    position: Numbers

    @staticmethod
    def of(journeys: Journeys) -> _Points:
        table = journeys.touchpoints
        order = np.argsort(table["touchpoint_no"].to_numpy())
        counts = [table[column].to_numpy()[order] for column in COUNTS]
        stages, channels = (table[column].take(order) for column in ("stage", "channel"))
        position = table["median_position"].to_numpy()[order]
        return _Points(journeys.touchpoint_names, stages, channels, np.stack(counts), position)

    def strongest(self, share: float, minimum: int) -> Flags:
        """Mark a share of the touchpoints that may be shown, those of most journeys first."""
        events, journeys, customers = self.counts
        public = np.flatnonzero((events > 0) & (customers >= minimum)).tolist()
        public.sort(key=lambda number: (-journeys[number], self.names[number]))
        strong = np.zeros(len(self.names), dtype=np.bool_)
        strong[public[: math.ceil(share * len(public) - 1e-9)]] = True
        return strong


@dataclass(frozen=True)
class _Folds:
    """What touchpoints are shown as: themselves, or the other of their stage.

    Attributes
    ----------
    touchpoints : int
    words : list of str
        By number: touchpoints, others by name; from the end `START`, `END` and `ELSEWHERE`.
        Touchpoints may be called so, too.
    into : ndarray of int64
        By number: the number, not below 0, that it is shown as.
    is_kept : ndarray of bool
        By number: touchpoints that are shown as themselves.
    """

    touchpoints: int
    words: list[str]
    into: Numbers
    is_kept: Flags

    @staticmethod
    def of(points: _Points, direct: Flags) -> _Folds:
        named = [f"(other in {one})" if isinstance(one, str) else OTHER for one in points.stages]
        away, many = np.flatnonzero(~direct), len(direct)
        others = sorted({named[number] for number in away})
        words = [*points.names, *others, ELSEWHERE, END, START]
        into = np.arange(len(words))
        into[away] = [many + others.index(named[number]) for number in away]
        return _Folds(many, words, into, np.append(direct, np.zeros(len(words) - many, np.bool_)))

    @cached_property
    def is_direct(self) -> Flags:
        """Mark by number what is kept, `START` and `END`."""
        direct = self.is_kept.copy()
        direct[[START_NUMBER, END_NUMBER]] = True
        return direct

    def between(self, edges: Edges) -> Flags:
        """Mark transitions between touchpoints that are kept."""
        return np.asarray(self.is_kept[edges.source] & self.is_kept[edges.target])

    def pair(self, edges: Edges) -> Numbers:
        """Number the pairs of ends that transitions are shown between."""
        return self.into[edges.source] * len(self.words) + self.into[edges.target]

    def visits(self, edges: Edges) -> Numbers:
        """Sum the visits from which transitions lead, by what these are shown as."""
        return sum_in_cells(self.into[edges.source], edges.counts[0], len(self.words))


@dataclass(frozen=True)
class _Moves:
    """Moves from visit to visit, from `START` and to `END`.

    Attributes
    ----------
    outline : Outline
    row : ndarray of int64
        By number of the move: its row in `Journeys.edge_counts`.
    number : ndarray of int32
        Of the move after each event; below 0 for none.
    first : ndarray of int32
        Of the move to the first event of each journey.
    """

    outline: Outline
    row: Numbers
    number: Numbers
    first: Numbers

    @staticmethod
    def of(journeys: Journeys) -> _Moves:
        number, keys = move_numbers(journeys.events)
        many, outline = journeys.events.touchpoints, journeys.outline
        source, target = np.divmod(keys, many + 1)
        source = np.append(source, np.full(many, START_NUMBER))
        target = np.append(np.where(target > 0, target - 1, END_NUMBER), np.arange(many))
        return _Moves(
            outline, journeys.edge_counts.rows_of(source, target), number, len(keys) + outline.first
        )

    def _by_number(self, of_edges: Numbers, otherwise: int | bool) -> Numbers:
        return np.append(np.append(of_edges, otherwise)[self.row], otherwise)

    def people(self, cell: Numbers, cells: int) -> Numbers:
        """Count journeys and customers, shape (2, cells), in the cells of transitions."""
        own, outline = self._by_number(cell, -1), self.outline
        # A cell is of moves from `START` or of others.
        base = outline.events.base(own[self.number], cells) + base_in_cells(
            own[self.first], np.arange(len(outline)), outline.customer, cells
        )
        return np.stack([base.journeys, base.customers])

    def journeys_along(self, marked: Flags) -> int:
        """Count the journeys with a move along any of the marked transitions."""
        own = self._by_number(marked, False)
        seen = own[self.first]
        seen[self.outline.events.journey[own[self.number]]] = True
        return int(seen.sum())


def _shown(journeys: Journeys, moves: _Moves, folds: _Folds, minimum: int) -> Edges:
    """Return the transitions that may be shown; those of touchpoints as `transitions` has them.

    Those of what is folded are counted from those that are shown: all would tell hidden ones.
    Events are the sum of what is shown. Journeys and customers are those of transitions that are
    shown as they are, or of the largest one.
    """
    edges, public, size = journeys.edge_counts, journeys.public[0], len(folds.words)
    is_own = folds.is_direct[public.source] & folds.is_direct[public.target]
    own, parts = public.only(is_own), public.only(~is_own)
    pairs, part = np.unique(folds.pair(parts), return_inverse=True)
    counts = np.zeros((3, len(pairs)), dtype=np.int64)
    np.add.at(counts[0], part, parts.counts[0])
    exact = np.append(np.where(parts.at_least, -1, part), -1)
    people = moves.people(exact[parts.rows_of(edges.source, edges.target)], len(pairs))
    for spot in (1, 2):
        np.maximum.at(counts[spot], part, parts.counts[spot])
    counts[1:] = np.maximum(counts[1:], people)
    every, number = np.unique(folds.pair(edges), return_inverse=True)
    events = sum_in_cells(number, edges.counts[0], len(every))[np.searchsorted(every, pairs)]
    folded = Edges(pairs // size, pairs % size, counts, counts[0] < events)
    single = Edges(folds.into[own.source], folds.into[own.target], own.counts, own.at_least)
    return (single + folded.only(counts[2] >= minimum)).in_order(folds.words)


def _alike(candidates: Edges, pairs: set[Pair], folds: _Folds) -> Edges:
    """Return the candidates between touchpoints that are among these pairs, and all others."""
    ends = zip(candidates.source, candidates.target, strict=True)
    same = [(folds.words[source], folds.words[target]) in pairs for source, target in ends]
    return candidates.only(~folds.between(candidates) | np.array(same, dtype=np.bool_))


def _strongest(
    candidates: Edges, folds: _Folds, share: float, per_node: int, most: int | None
) -> tuple[Edges, int, int]:
    """Return the transitions that are shown; how many are kept, and how many beyond.

    Those from START, to END, and into and out of other carry what is folded: they are shown
    whatever the share is, else the counts of a box would have no way in or out.
    """
    between, (source, target) = folds.between(candidates), (candidates.source, candidates.target)
    inner = np.flatnonzero(between)
    wanted = math.ceil(share * len(inner) - 1e-9)
    strong = np.zeros(len(between), dtype=np.bool_)
    strong[inner[: wanted if most is None else min(wanted, most)]] = True
    # A touchpoint that leads to itself is not connected by that.
    onward = inner[source[inner] != target[inner]]
    for end in (source, target):
        row = onward[np.argsort(end[onward], kind="stable")]
        rank = np.arange(len(row)) - np.searchsorted(end[row], end[row])
        strong[row[rank < per_node]] = True
    beyond = int((~strong[inner[:wanted]]).sum())
    return candidates.only(~between | strong), int(strong.sum()), beyond


def _with_elsewhere(
    journeys: Journeys, drawn: Edges, moves: _Moves, folds: _Folds, is_drawn: Flags
) -> Edges:
    """Return the drawn transitions, and per source all other moves as one."""
    size, source = len(folds.words), folds.into[journeys.edge_counts.source]
    people = moves.people(np.where(is_drawn, -1, source), size)
    # What a lower bound leaves out is elsewhere as well.
    left = folds.visits(journeys.edge_counts) - folds.visits(drawn)
    sources = np.flatnonzero(left > 0)
    elsewhere = np.full(len(sources), size - 3)
    counts = np.vstack([left, people])[:, sources]
    rest = Edges(sources, elsewhere, counts, np.zeros(len(sources), dtype=np.bool_))
    return (drawn + rest).in_order(folds.words)


def _nodes(journeys: Journeys, points: _Points, folds: _Folds) -> pd.DataFrame:
    """Return what is drawn as boxes; only what is folded has yet to be counted."""
    events, first, many = journeys.events, folds.touchpoints, len(folds.words) - 3
    into = folds.into[:first]
    cells = np.where(into < first, -1, into - first).astype(np.int32)
    base = events.base(cells[events.touchpoint], many - first)
    counts = np.hstack([points.counts, np.stack([*vars(base).values()])])
    middle = median_positions(journeys.summed, cells, many - first)
    position, visits = np.append(points.position, middle), folds.visits(journeys.edge_counts)
    touchpoints = np.flatnonzero(points.counts[0])
    # The other of a stage stands in that stage, in a lane of its own.
    example = np.arange(many)
    example[into[touchpoints]] = touchpoints
    shown = np.flatnonzero((counts[0] > 0) & (folds.into[:many] == np.arange(many)))
    number = shown[np.lexsort((np.array(folds.words)[shown], position[shown]))]
    stage, channel = (
        column.take(example[number]).reset_index(drop=True)
        for column in (points.stages, points.channels)
    )
    if points.channels.iloc[touchpoints].notna().any():
        channel = channel.mask(number >= first, "Other")
    return pd.DataFrame(
        {
            "touchpoint": pd.Series(folds.words, dtype="str").array.take(number),
            "stage": stage,
            "channel": channel,
            "events": counts[0, number],
            "visits": visits[number],
            "journeys": counts[1, number],
            "customers": counts[2, number],
            "median_position": position[number],
            "folds": np.bincount(into[touchpoints], minlength=many)[number],
            "number": number,
        }
    )


def _ledger(
    folds: _Folds, nodes: pd.DataFrame, edges: Edges, minimum: int, journeys: tuple[int, ...]
) -> pd.DataFrame:
    """Say of every kind of thing how many are shown, folded, suppressed."""
    direct = folds.is_direct
    is_own, is_shown = direct[nodes["number"]], nodes["customers"].to_numpy() >= minimum
    between = direct[edges.source] & direct[edges.target]
    columns = {"touchpoints": "folds", "events": "events", "visits": "visits"}
    things = [
        *((what, nodes[name].to_numpy(), is_own, is_shown) for what, name in columns.items()),
        ("moves", edges.counts[0], between, edges.counts[2] >= minimum),
    ]
    rows = []
    for what, values, own, shown in things:
        parts = (values[where].sum() for where in (shown & own, shown & ~own, ~shown, slice(None)))
        rows.append((what, *map(int, parts)))
    rows.append(("journeys", *journeys))
    return pd.DataFrame(rows, columns=["what", "shown", "folded", "suppressed", "total"])
