"""Routing: orthogonal lines between boxes of a grid, each with a port and track of its own.

The grid leaves a gutter beside every column and a corridor beside every row. A line leaves the
right side of its source, takes a track in a gutter, where it must pass columns a track in a
corridor, and enters its target. Lines back to an earlier column run in a lane below the grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal

Way = Literal["forward", "within", "return"]
Point = tuple[float, float]
Cell = tuple[int, int]

TRACK = 6.0
PAD = 9.0
CORRIDOR = 6.0
PORT, MIN_PORT = 6.0, 4.0
LANE_HEAD = 20.0


@dataclass(frozen=True)
class Route:
    """A flow to be routed."""

    source: str
    target: str
    journeys: int
    way: Way


@dataclass(frozen=True)
class Routed:
    """Coordinates of the grid, and one polyline per route in the order given."""

    column_x: tuple[float, ...]
    row_y: tuple[float, ...]
    corridor_middle: tuple[float, ...]
    row_height: tuple[float, ...]
    width: float
    height: float
    lines: tuple[tuple[Point, ...], ...]
    has_returns: bool


@dataclass(frozen=True)
class _Plan:
    """A route with the choices made for it: straight, or through which corridor."""

    index: int
    route: Route
    source: Cell
    target: Cell
    straight: bool
    corridor: int | None


@dataclass(frozen=True)
class _Leg:
    """The part of a line inside one gutter: down or up from `a` to `b`.

    `a_left` says that the piece at height `a` comes from the left edge of the gutter.
    """

    index: int
    gutter: int
    a: float
    a_left: bool
    b: float
    b_left: bool


@dataclass(frozen=True)
class _Heights:
    """Where each line leaves, arrives, and runs between gutters, by the index of its route."""

    out: Mapping[int, float]
    into: Mapping[int, float]
    via: Mapping[int, float | None]


def route(
    cells: Mapping[str, Cell],
    *,
    taken: Set[Cell],
    routes: Sequence[Route],
    columns: tuple[int, float],
    heights: Sequence[float],
    origin: Point,
) -> Routed:
    """Route all lines and, with the room that they need, place the grid.

    Parameters
    ----------
    cells : mapping
        Column and row of each box that lines may end at.
    taken : set of (column, row)
        Cells that lines must not cross.
    routes : sequence of Route
    columns : (int, float)
        How many there are, and the width of a box.
    heights : sequence of float
        Of the boxes of each row, at least: it grows where a side has many ports.
    origin : (x, y)
        Where the grid begins.
    """
    rows, (count, width) = len(heights), columns
    plans = [_plan(i, r, cells, taken) for i, r in enumerate(routes)]
    corridor_order = _corridor_order(plans, rows)
    returns = sorted(
        (p for p in plans if p.route.way == "return"),
        key=lambda p: (p.source[0] - p.target[0], p.source, p.target),
    )
    ports = _most_ports(plans, rows)
    tall = [max(least, 2 * (n * MIN_PORT + 4)) for least, n in zip(heights, ports, strict=True)]
    steps = [min(PORT, (y / 2 - 4) / max(n, 1)) for y, n in zip(tall, ports, strict=True)]
    row_y, middles, corridor_y = _rows(corridor_order, tall, origin[1])
    below = middles[-1] + LANE_HEAD
    return_y = {p.index: below + TRACK * (i + 1) for i, p in enumerate(returns)}
    bottom = below + TRACK * (len(returns) + 1) + 4 if returns else middles[-1]

    centre = {name: row_y[row] + tall[row] / 2 for name, (_, row) in cells.items()}
    via = {p.index: corridor_y.get(p.index, return_y.get(p.index)) for p in plans}
    out, into = _ports(plans, centre, via, steps)
    tracks: dict[int, list[_Leg]] = {}
    # Arrivals are ordered by their tracks and tracks by arrivals: two rounds settle it.
    for _ in range(2):
        tracks = _tracks(_legs(plans, out, into, via), count)
        into = _arrivals(plans, into, tracks, centre)
    tracks = _tracks(_legs(plans, out, into, via), count)

    column_x, at, right = _column_places(tracks, count, width, origin[0])
    levels = _Heights(out, into, via)
    lines = tuple(_line(p, levels, at, column_x, width) for p in plans)
    return Routed(
        column_x=tuple(column_x),
        row_y=tuple(row_y),
        corridor_middle=tuple(middles),
        row_height=tuple(tall),
        width=right,
        height=bottom,
        lines=lines,
        has_returns=bool(returns),
    )


def _column_places(
    tracks: Mapping[int, Sequence[_Leg]], columns: int, width: float, left: float
) -> tuple[list[float], dict[tuple[int, int], float], float]:
    """Return where each column begins, the x of each track by route and gutter, and the right."""
    gutters = {g: PAD * 2 + TRACK * max(len(legs) - 1, 0) for g, legs in tracks.items()}
    x = left + (gutters[-1] if tracks[-1] else 8.0)
    column_x, gutter_x = [], {-1: left}
    for column in range(columns):
        column_x.append(x)
        gutter_x[column] = x + width
        x += width + gutters[column]
    at = {
        (leg.index, g): gutter_x[g] + PAD + TRACK * i
        for g, legs in tracks.items()
        for i, leg in enumerate(legs)
    }
    return column_x, at, x


def _plan(index: int, r: Route, cells: Mapping[str, Cell], taken: Set[Cell]) -> _Plan:
    source, target = cells[r.source], cells[r.target]
    if r.way != "forward":
        return _Plan(index, r, source, target, False, None)
    between = range(source[0] + 1, target[0])
    if source[1] == target[1] and not any((column, source[1]) in taken for column in between):
        return _Plan(index, r, source, target, True, None)
    if not between:
        return _Plan(index, r, source, target, False, None)
    # The corridor that touches the target's row on the source's side: the last turn is short.
    corridor = target[1] if source[1] < target[1] else target[1] + 1
    return _Plan(index, r, source, target, False, corridor)


def _corridor_order(plans: Sequence[_Plan], rows: int) -> list[list[_Plan]]:
    order: list[list[_Plan]] = [[] for _ in range(rows + 1)]
    for plan in plans:
        if plan.corridor is not None:
            order[plan.corridor].append(plan)
    for lines in order:
        lines.sort(key=lambda p: (p.source[1], -p.source[0], p.target, p.index))
    return order


def _most_ports(plans: Sequence[_Plan], rows: int) -> list[int]:
    """Return for each row the most ports that the upper or lower half of a side holds."""
    count: dict[tuple[Cell, str, bool], int] = {}
    for p in plans:
        if p.straight:
            continue
        # Twice the row puts corridor k, which lies above row k, at the odd number below it.
        bend = None if p.corridor is None else 2 * p.corridor - 1
        if p.route.way == "return":
            up_out = up_in = False
        else:
            up_out = (2 * p.target[1] if bend is None else bend) < 2 * p.source[1]
            up_in = (2 * p.source[1] if bend is None else bend) < 2 * p.target[1]
        side = "right" if p.route.way == "within" else "left"
        for end in ((p.source, "right", up_out), (p.target, side, up_in)):
            count[end] = count.get(end, 0) + 1
    most = [0] * rows
    for ((_, row), _, _), ports in count.items():
        most[row] = max(most[row], ports)
    return most


def _rows(
    corridors: Sequence[Sequence[_Plan]], heights: Sequence[float], top: float
) -> tuple[list[float], list[float], dict[int, float]]:
    """Return the y of rows, the middle of corridors, and the y of each corridor track."""
    row_y, middles, tracks = [], [], {}
    y = top
    for k, lines in enumerate(corridors):
        size = CORRIDOR + TRACK * len(lines)
        middles.append(y + size / 2)
        for i, plan in enumerate(lines):
            tracks[plan.index] = y + size / 2 + TRACK * (i - (len(lines) - 1) / 2)
        y += size
        if k < len(heights):
            row_y.append(y)
            y += heights[k]
    return row_y, middles, tracks


def _ports(
    plans: Sequence[_Plan],
    centre: Mapping[str, float],
    via: Mapping[int, float | None],
    steps: Sequence[float],
) -> tuple[dict[int, float], dict[int, float]]:
    """Give each line a height at its source and at its target.

    The middle of a side belongs to the straight line; lines that go up leave above it, lines
    that go down below it, so lines of one box do not cross. Left sides stand half a step
    off, so that a line out of one box never lies on a line into its neighbour.
    """
    sides: dict[tuple[Cell, str], list[tuple[float, int, str]]] = {}
    out, into = {}, {}
    for p in plans:
        start, end = centre[p.route.source], centre[p.route.target]
        if p.straight:
            out[p.index] = into[p.index] = start
            continue
        bend = via[p.index]
        goal, origin = (end, start) if bend is None else (bend, bend)
        sides.setdefault((p.source, "right"), []).append((goal, p.index, "out"))
        side = "right" if p.route.way == "within" else "left"
        sides.setdefault((p.target, side), []).append((origin, p.index, "in"))
    middle = {p.source: centre[p.route.source] for p in plans}
    middle |= {p.target: centre[p.route.target] for p in plans}
    for (cell, side), ends in sides.items():
        y, step = middle[cell], steps[cell[1]]
        shift = step / 2 if side == "left" else 0.0
        above = sorted((e for e in ends if e[0] < y), reverse=True)
        below = sorted(e for e in ends if e[0] >= y)
        for way, group in ((-1, above), (1, below)):
            for k, (_, index, kind) in enumerate(group, start=1):
                (out if kind == "out" else into)[index] = y + way * (k * step - shift)
    return out, into


def _legs(
    plans: Sequence[_Plan],
    out: Mapping[int, float],
    into: Mapping[int, float],
    via: Mapping[int, float | None],
) -> list[_Leg]:
    legs = []
    for p in plans:
        i, bend = p.index, via[p.index]
        if p.straight:
            continue
        if p.route.way == "within":
            legs.append(_Leg(i, p.source[0], out[i], True, into[i], True))
        elif bend is None:
            legs.append(_Leg(i, p.source[0], out[i], True, into[i], False))
        else:
            back = p.route.way == "return"
            legs.append(_Leg(i, p.source[0], out[i], True, bend, back))
            legs.append(_Leg(i, p.target[0] - 1, bend, not back, into[i], False))
    return legs


def _crossings(left: _Leg, right: _Leg) -> int:
    """Count the crossings of two legs of a gutter where `left` takes the track to the left."""

    def within(y: float, leg: _Leg) -> bool:
        return min(leg.a, leg.b) < y < max(leg.a, leg.b)

    ends_right = ((right.a, right.a_left), (right.b, right.b_left))
    ends_left = ((left.a, left.a_left), (left.b, left.b_left))
    return sum(to_left and within(y, left) for y, to_left in ends_right) + sum(
        not to_left and within(y, right) for y, to_left in ends_left
    )


def _tracks(legs: Sequence[_Leg], columns: int) -> dict[int, list[_Leg]]:
    """Order the legs of each gutter from left to right so that few cross."""
    tracks: dict[int, list[_Leg]] = {g: [] for g in range(-1, columns)}
    for leg in legs:
        tracks[leg.gutter].append(leg)
    for order in tracks.values():
        order.sort(key=lambda leg: (leg.b > leg.a, leg.a if leg.b < leg.a else -leg.a, leg.index))
        for _ in range(len(order)):
            moved = False
            for i in range(len(order) - 1):
                left, right = order[i], order[i + 1]
                if _crossings(right, left) < _crossings(left, right):
                    order[i], order[i + 1] = right, left
                    moved = True
            if not moved:
                break
    return tracks


def _arrivals(
    plans: Sequence[_Plan],
    into: Mapping[int, float],
    tracks: Mapping[int, Sequence[_Leg]],
    centre: Mapping[str, float],
) -> dict[int, float]:
    """Swap ports on left sides: of lines from below the leftmost track enters highest."""
    rank = {(leg.index, g): i for g, legs in tracks.items() for i, leg in enumerate(legs)}
    groups: dict[tuple[Cell, bool], list[_Plan]] = {}
    for p in plans:
        if not p.straight and p.route.way != "within":
            from_below = into[p.index] > centre[p.route.target]
            groups.setdefault((p.target, from_below), []).append(p)
    result = dict(into)
    for (target, from_below), members in groups.items():
        heights = sorted((into[p.index] for p in members), reverse=not from_below)
        members = sorted(members, key=lambda p: rank[p.index, target[0] - 1])
        for p, y in zip(members, heights, strict=True):
            result[p.index] = y
    return result


def _line(
    p: _Plan,
    heights: _Heights,
    at: Mapping[tuple[int, int], float],
    column_x: Sequence[float],
    width: float,
) -> tuple[Point, ...]:
    i, bend = p.index, heights.via[p.index]
    start = (column_x[p.source[0]] + width, heights.out[i])
    end = (column_x[p.target[0]], heights.into[i])
    if p.straight:
        return (start, end)
    first = at[i, p.source[0]]
    if p.route.way == "within":
        end = (end[0] + width, end[1])
    if bend is None:
        return (start, (first, start[1]), (first, end[1]), end)
    last = at[i, p.target[0] - 1]
    return (start, (first, start[1]), (first, bend), (last, bend), (last, end[1]), end)
