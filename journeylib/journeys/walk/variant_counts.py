"""Counts of variants that may be shown: what they leave of a total tells of no few journeys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from journeylib.journeys.walk.counting import count_neighbours, count_units, slot_in
from journeylib.journeys.walk.outline import Outline, variant_ways
from journeylib.log import Cells, Flags, Shown, Whole, compiled, protect

START_NUMBER, END_NUMBER = -1, -2  # beside those of touchpoints
Spot = tuple[int, ...]  # a touchpoint, a transition from one to another, or all journeys: ()
ALL_JOURNEYS: Spot = ()


@dataclass(frozen=True)
class Remainder:
    """What the members of a total leave of it.

    Attributes
    ----------
    members : tuple of int
        The parts of the total that may be shown, by row.
    journeys : int
        Journeys of the total that are in none of them.
    is_few : bool
        These are of fewer customers than may be shown.
    room : int
        By how many the total might be larger, by what is shown of it; 0 where it is shown itself.
    """

    members: tuple[int, ...]
    journeys: int
    is_few: bool
    room: int = 0


@dataclass(frozen=True)
class SharedVariants:
    """The variants that enough customers share.

    Attributes
    ----------
    ways : tuple of tuple of int
        Their touchpoints by number, visit by visit.
    counts : ndarray of int64, shape (variants, 2)
        Journeys and customers.
    left : dict of tuple to (int, int)
        Journeys and customers of all other variants: at each touchpoint and transition that the
        shared variants pass, and as a whole.
    shown : Shown
        What of the counts may be shown.
    """

    ways: tuple[Spot, ...]
    counts: Whole
    left: dict[Spot, tuple[int, int]]
    shown: Shown

    @cached_property
    def through(self) -> dict[Spot, tuple[int, ...]]:
        """Which variants pass each touchpoint and each transition; all of them at no spot."""
        rows: dict[Spot, list[int]] = {ALL_JOURNEYS: list(range(len(self.ways)))}
        for row, way in enumerate(self.ways):
            moves = pairwise((START_NUMBER, *way, END_NUMBER))
            for spot in dict.fromkeys([*((number,) for number in way), *moves]):
                rows.setdefault(spot, []).append(row)
        return {spot: tuple(own) for spot, own in rows.items()}


def shared_variants(outline: Outline, minimum: int) -> SharedVariants:
    """Count the variants of at least `minimum` customers, and what they leave."""
    number, example = outline.variants
    journeys = np.bincount(number, minlength=len(example))
    customers = count_units(number, outline.customer, len(example))
    large = customers >= minimum
    ways = tuple(variant_ways(outline, large))
    counts = np.stack([journeys, customers], axis=-1)[large]
    shared = SharedVariants(ways, counts, {}, Shown(np.ones(len(ways), dtype=bool), counts))
    others = ~large[number]
    left = _left(outline, others, [spot for spot in shared.through if spot])
    people = count_neighbours(outline.customer[others])
    # One variant alone is of few, whatever customers do.
    people = min(people, minimum - 1) if (~large).sum() == 1 else people
    left[ALL_JOURNEYS] = int(others.sum()), people
    return replace(shared, left=left)


def _left(outline: Outline, others: Flags, spots: list[Spot]) -> dict[Spot, tuple[int, int]]:
    """Count the `others` of all journeys at each of some touchpoints and transitions."""
    size = outline.events.touchpoints + 2
    keys = np.array(
        [spot[0] if len(spot) == 1 else _move(spot[0], spot[1], size) for spot in spots],
        dtype=np.int64,
    )
    counts = _passed(*outline.visits, outline.customer, others, keys, size)
    return dict(zip(spots, map(tuple, counts.tolist()), strict=True))


@compiled
def _move(one: int, other: int, size: int) -> int:
    """Number a transition, beyond the numbers of touchpoints."""
    return size + (one + 2) * size + other + 2


@compiled
def _passed(
    visits: Whole, begins: Whole, customer: Whole, others: Flags, keys: Whole, size: int
) -> Whole:
    """Return journeys and customers of the `others` at each of the `keys`, found by their hash."""
    room = 16
    while room < 4 * len(keys):
        room *= 2
    slots = np.full(room, -1, dtype=np.int64)
    for spot in range(len(keys)):
        slots[slot_in(slots, keys, keys[spot])] = spot
    counts = np.zeros((len(keys), 2), dtype=np.int64)
    last = np.full((len(keys), 2), -1, dtype=np.int64)
    for journey in range(len(others)):
        if not others[journey]:
            continue
        before, whose = START_NUMBER, int(customer[journey])
        for at in range(begins[journey], begins[journey + 1] + 1):
            here = END_NUMBER if at == begins[journey + 1] else int(visits[at])
            for key in (here, _move(before, here, size)):
                spot = slots[slot_in(slots, keys, key)]
                if spot >= 0:
                    # Journeys lie in order of their customers.
                    counts[spot, 0] += last[spot, 0] != journey
                    counts[spot, 1] += last[spot, 1] != whose
                    last[spot, 0], last[spot, 1] = journey, whose
            before = here
    return counts


def protect_variants(
    shared: SharedVariants, passed: Mapping[Spot, int], minimum: int
) -> SharedVariants:
    """Decide what may be shown of variants where it is known how many journeys pass some spots.

    Parameters
    ----------
    shared : SharedVariants
        What it does not show stays hidden, and no lower bound is raised.
    passed : mapping of tuple to int
        Touchpoints, and transitions, with the `room` of what is shown of them.
    minimum : int
        Fewest customers of a shown variant.
    """
    remainders = [
        Remainder(shared.through[spot], journeys, 0 < customers < minimum, room)
        for spot, room in ((ALL_JOURNEYS, 0), *passed.items())
        if spot in shared.left
        for journeys, customers in (shared.left[spot],)
        if not _is_ample(journeys, room, 0 < customers < minimum, minimum)
    ]
    shown = protect_remainders(shared.counts, remainders, minimum)
    exact = shared.shown.exact & shown.exact
    least = np.minimum(shared.shown.least, shown.least)
    return replace(shared, shown=Shown(exact, least))


def _is_ample(journeys: int, room: int, is_few: bool, minimum: int) -> bool:
    """Return whether a remainder has room for whatever a protected part gives or takes."""
    return journeys + room >= 2 * minimum and (room > 0 or not is_few)


def protect_remainders(counts: Whole, remainders: Iterable[Remainder], minimum: int) -> Shown:
    """Decide which counts may be shown, so that what they leave of totals tells of no few.

    Parameters
    ----------
    counts : ndarray of int64, shape (parts, 2)
        Journeys and customers; of enough customers.
    remainders : iterable of Remainder
        What they leave of each total that is shown.
    minimum : int
        Fewest customers that are told of.

    Notes
    -----
    Where few are left, one of the parts is given as "at least", in tens, or hidden
    (`log.protect`). As many customers fewer are said of it as journeys.
    """
    every, people = counts.T
    cells, named, totals = every.tolist(), [True] * len(every), []
    for one in remainders:
        if _is_ample(one.journeys, one.room, one.is_few, minimum):
            continue
        # What might be there beyond the total is a cell of its own, which nobody sees.
        rest = [(min(one.journeys, minimum - 1) if one.is_few else one.journeys, one.is_few)]
        rest += [(one.room, False)] if one.room else []
        totals.append([*one.members, *range(len(cells), len(cells) + len(rest))])
        cells += [journeys for journeys, _is_few in rest]
        named += [is_few for _journeys, is_few in rest]
    if not any(named[len(every) :]):
        return Shown(np.ones(len(every), dtype=bool), counts)
    layers = tuple(_layers(totals, len(cells)))
    table = Cells(np.array(cells, dtype=np.int64)[:, None], layers, np.array(named))
    shown = protect(table, minimum, bounds=True, forced=False)
    exact, journeys = shown.exact[: len(every)], shown.least[: len(every), 0]
    customers = np.maximum((people - every + journeys) // minimum * minimum, minimum)
    customers = np.where(exact, people, np.minimum(customers, journeys))
    return Shown(exact, np.stack([journeys, customers], axis=-1))


def bounded_in_tens(counts: Whole, minimum: int) -> Whole:
    """Return a multiple of `minimum` that is smaller than each count by as much at least."""
    return np.asarray(np.maximum(counts - minimum, 0) // minimum * minimum)


def _layers(totals: list[list[int]], many: int) -> list[Whole]:
    """Lay totals that have no cell in common into one array, as `Cells.totals` has them."""
    layers: list[Whole] = []
    for number, members in enumerate(totals):
        layer = next((layer for layer in layers if (layer[members] < 0).all()), None)
        if layer is None:
            layer = np.full(many, -1, dtype=np.int64)
            layers.append(layer)
        layer[members] = number
    return layers


def moves_of_variants(shared: SharedVariants, minimum: int) -> dict[Spot, tuple[int, int, int]]:
    """Return what the shown variants say of each transition that they pass.

    Returns
    -------
    dict of (int, int) to (int, int, int)
        Visits and customers that it has at least; and the most that may be said as a lower bound:
        the journeys of the variants, where these leave few of it.
    """
    moves: dict[Spot, tuple[int, int, int]] = {}
    for way, (many, people) in zip(shared.ways, shared.shown.least.tolist(), strict=True):
        for move in pairwise((START_NUMBER, *way, END_NUMBER)):
            before = moves.get(move, (0, 0, 0))
            moves[move] = before[0] + many, max(before[1], people), 0
    for spot, rows in shared.through.items():
        if len(spot) == 2:
            is_few = 0 < shared.left[spot][1] < minimum
            most = int(shared.counts[[*rows], 0].sum()) // minimum * minimum
            moves[spot] = *moves[spot][:2], most if is_few else np.iinfo(np.int64).max
    return moves
