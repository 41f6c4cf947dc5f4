"""Labels that do not lie on each other: a greedy placer over fixed candidates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from journeylib.present.drawing import svg


@dataclass(frozen=True)
class Rect:
    """An axis-aligned rectangle; y grows downwards."""

    x: float
    y: float
    width: float
    height: float

    def overlap(self, other: Rect) -> float:
        """Return the area that two rectangles share."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(across, 0.0) * max(down, 0.0)

    def inside(self, other: Rect) -> bool:
        """Return whether this rectangle lies within `other`."""
        return (
            self.x >= other.x
            and self.y >= other.y
            and self.x + self.width <= other.x + other.width
            and self.y + self.height <= other.y + other.height
        )


_ANGLES = tuple(math.radians(a) for a in (0, 180, 90, 270, 30, 330, 150, 210, 60, 300, 120, 240))
_DISTANCES = (9.0, 16.0, 26.0, 40.0, 60.0)


def _candidates(x: float, y: float, width: float, height: float) -> list[tuple[float, Rect]]:
    """Return 60 places around a point with the cost of each: near and beside is best."""
    found = []
    for ring, distance in enumerate(_DISTANCES):
        for rank, angle in enumerate(_ANGLES):
            dx, dy = math.cos(angle), math.sin(angle)
            centre_x = x + dx * (distance + width / 2)
            centre_y = y + dy * (distance + height / 2)
            box = Rect(centre_x - width / 2, centre_y - height / 2, width, height)
            found.append((ring * 12.0 + rank * 0.4, box))
    return found


def place_labels(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    *,
    bounds: Rect,
    marks: Sequence[Rect] = (),
    soft: Sequence[Rect] = (),
) -> list[Rect | None]:
    """Choose a place for each label so that none overlaps a label or a mark.

    Parameters
    ----------
    points : sequence of (x, y)
        What each label belongs to, most important first: earlier labels choose first.
    sizes : sequence of (width, height)
        Of each label, in the unit of `points`.
    bounds : Rect
        Labels stay inside.
    marks : sequence of Rect
        Never covered.
    soft : sequence of Rect
        Covered only where there is no better place (intervals, grid lines).

    Returns
    -------
    list of Rect or None
        None where none of the 60 candidates is free.
    """
    placed: list[Rect] = []
    result: list[Rect | None] = []
    for (x, y), (width, height) in zip(points, sizes, strict=True):
        best: tuple[float, Rect] | None = None
        for cost, box in _candidates(x, y, width, height):
            if best is not None and cost >= best[0]:
                continue
            if not box.inside(bounds) or any(box.overlap(other) for other in (*placed, *marks)):
                continue
            total = cost + sum(box.overlap(other) for other in soft) / 4
            if best is None or total < best[0]:
                best = (total, box)
        result.append(best[1] if best else None)
        if best:
            placed.append(best[1])
    return result


def leader(
    point: tuple[float, float], box: Rect, *, gap: float = 7.0
) -> tuple[float, float, float, float] | None:
    """Return the line (x1, y1, x2, y2) that ties a label to its point, None where it is near."""
    x, y = point
    near_x = min(max(x, box.x), box.x + box.width)
    near_y = min(max(y, box.y), box.y + box.height)
    length = math.hypot(near_x - x, near_y - y)
    if length < 2 * gap:
        return None
    return (x + (near_x - x) * gap / length, y + (near_y - y) * gap / length, near_x, near_y)


def label_parts(
    spots: Sequence[tuple[float, float]],
    texts: Sequence[str],
    places: Sequence[Rect | None],
    marks: Sequence[int],
) -> list[str]:
    """Return the drawn labels with their leaders; `marks` are feelings, 1, 0 or −1."""
    parts = []
    for spot, text, place, mark in zip(spots, texts, places, marks, strict=True):
        if place is None:
            continue
        if tie := leader(spot, place):
            parts.append(svg.line(*tie, "jl-leader"))
        kind = {1: " jl-goodt jl-b", -1: " jl-badt jl-b"}.get(mark, "")
        middle = place.x + place.width / 2
        parts.append(
            svg.label(middle, place.y + 11.5, text, f"jl-t4 jl-halo{kind}", anchor="middle")
        )
    return parts


def names_beside(
    spots: Sequence[tuple[float, float]],
    texts: Sequence[str],
    feelings: Sequence[int],
    *,
    bounds: Rect,
    marks: Sequence[Rect],
    line: Sequence[Sequence[tuple[float, float]]],
) -> list[str]:
    """Return names drawn beside their points, off the marks and where there is room off the line.

    Parameters
    ----------
    spots, texts, feelings : sequence
        Point, name and feeling (1, 0 or −1) of each, most important first.
    bounds : Rect
    marks : sequence of Rect
        Never covered.
    line : sequence of sequence of (x, y)
        The unbroken stretches of the line.
    """
    soft = []
    for run in line:
        for (x0, y0), (x1, y1) in itertools.pairwise(run):
            for k in range(1, 6):
                x, y = x0 + (x1 - x0) * k / 6, y0 + (y1 - y0) * k / 6
                soft.append(Rect(x - 3, y - 6, 6, 12))
    sizes = [(svg.text_width(text, 12, bold=True) * 0.9, 15.0) for text in texts]
    places = place_labels(spots, sizes, bounds=bounds, marks=marks, soft=soft)
    return label_parts(spots, texts, places, feelings)
