"""Labels that do not lie on each other: a greedy placer over fixed candidates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


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
    candidates = []
    for ring, distance in enumerate(_DISTANCES):
        for rank, angle in enumerate(_ANGLES):
            dx, dy = math.cos(angle), math.sin(angle)
            centre_x = x + dx * (distance + width / 2)
            centre_y = y + dy * (distance + height / 2)
            box = Rect(centre_x - width / 2, centre_y - height / 2, width, height)
            candidates.append((ring * 12.0 + rank * 0.4, box))
    return candidates


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
