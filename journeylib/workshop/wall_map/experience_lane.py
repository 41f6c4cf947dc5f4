"""The experience line with its intervals, on the wall map and alone on a screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from journeylib.present import Band, Rect, leader, place_labels, svg
from journeylib.workshop.content.content import Content, Touchpoint
from journeylib.workshop.wall_map.typography import HANDOUT, LEFT, SMALL, Lettering, lane_name, text

CURVE = 200.0
SCALE = 190.0  # on a screen: room for the words of the scale
Spot = tuple[float, float, Touchpoint]  # where a point of the line stands


def experience_lane(
    content: Content, columns: Sequence[Band], room: Rect, style: Lettering
) -> list[str]:
    """Return the experience line; where nobody was heard, an empty one for the room to draw."""
    words, y = content.words, room.y
    parts = [svg.line(0, y, room.width, y, "jl-rule")]
    source = "computed" if content.has_feelings else "for_room"
    parts += lane_name(style, words.text("lane.experience"), words.text(source), y)
    note = words.text("scale.note" if content.has_feelings else "scale.unheard")
    for k, line in enumerate(style.wrap(note, LEFT - 18, SMALL, lines=5)):
        parts.append(text(8, y + 62 + 15 * k, line, SMALL, "jl-m"))
    frame = Rect(columns[0].start, y, room.width - columns[0].start, room.height)
    return [*parts, *_curve(content, columns, frame, style.point, style)]


def line_figure(content: Content, width: float, height: float) -> str:
    """Return the experience line alone, stage by stage, as one ``<svg>`` element."""
    step = (width - SCALE) / max(len(content.stages), 1)
    columns = [
        Band(stage.title(content.words), SCALE + step * i, step)
        for i, stage in enumerate(content.stages)
    ]
    parts = []
    for i, band in enumerate(columns):
        if i % 2 == 0:
            parts.append(svg.rect(band.start, 0, step, height, "jl-band"))
        name = HANDOUT.shorten(band.name, step - 12, 28, bold=True)
        parts.append(text(band.start + step / 2, 34, name, 28, "jl-b", "middle"))
    parts += _curve(content, columns, Rect(SCALE, 46, width - SCALE, height - 46), 27.0, HANDOUT)
    return (
        f'<svg class="jl-svg" viewBox="0 0 {svg.num(width)} {svg.num(height)}" role="img" '
        f'aria-label="{svg.esc(line_alt(content))}">{"".join(parts)}</svg>'
    )


def line_alt(content: Content) -> str:
    """Return the finding of the experience line in words."""
    if not content.has_feelings:
        return content.words.text("alt.line_none")
    moods = [(point.mood, point.name) for point in content.touchpoints if point.is_heard]
    (low, low_name), (high, high_name) = min(moods), max(moods)
    return content.words.text(
        "alt.line",
        low=low_name,
        low_value=content.words.signed(low),
        high=high_name,
        high_value=content.words.signed(high),
    )


def _curve(
    content: Content, columns: Sequence[Band], frame: Rect, size: float, style: Lettering
) -> list[str]:
    """Return the scale, the line with its intervals and the names of its points."""
    words = content.words
    top, bottom = frame.y + 22, frame.y + frame.height - 22
    right = frame.x + frame.width

    def height(value: float) -> float:
        return top + (1 - max(-1.0, min(1.0, value))) / 2 * (bottom - top)

    parts = []
    for value, key in ((1.0, "good"), (0.0, "neutral"), (-1.0, "bad")):
        kind = "jl-axis" if value == 0 else "jl-rule"
        parts.append(svg.line(frame.x, height(value), right, height(value), kind))
        at, word = height(value) + (0.9 if value > 0 else 0.35) * size, words.text(f"scale.{key}")
        parts.append(text(frame.x - 8, at, word, 0.9 * size, "jl-m", "end"))
    # No label stands on the line of a neutral feeling, nor touches it.
    neutral = Rect(frame.x, height(0.0) - 2.5, frame.width, 5)
    runs: list[list[Spot]] = [[]]
    for band, stage in zip(columns, content.stages, strict=False):
        step = band.size / max(len(stage.touchpoints), 1)
        for i, point in enumerate(stage.touchpoints):
            if not point.is_heard:
                runs.append([])
                continue
            runs[-1].append((band.start + step * (i + 0.5), height(point.mood), point))
    for run in filter(None, runs):
        parts += _run(run, height)
    spots = [spot for run in runs for spot in run]
    parts += [_mood_mark(x, at, point) for x, at, point in spots]
    bounds = Rect(frame.x, frame.y + 2, frame.width - 4, frame.height - 4)
    labels = [f"{point.name} {content.words.signed(point.mood)}" for _, _, point in spots]
    return [*parts, *_mood_labels(runs, labels, bounds, neutral, (style, size))]


def _run(run: Sequence[Spot], height: Callable[[float], float]) -> list[str]:
    """Return one unbroken stretch of the line with the band of its intervals."""
    ends = []
    for x, _, point in run:
        feeling = point.feeling
        lo = point.mood if feeling is None or feeling.lo is None else feeling.lo
        hi = point.mood if feeling is None or feeling.hi is None else feeling.hi
        ends.append((x, height(lo), height(hi)))
    band = [(x, hi) for x, _, hi in ends] + [(x, lo) for x, lo, _ in reversed(ends)]
    whiskers = [svg.line(x, lo, x, hi, "jl-whisker") for x, lo, hi in ends]
    return [
        f'<path d="{svg.path(band, closed=True)}" class="jl-area"/>',
        *whiskers,
        f'<path d="{svg.path([(x, y) for x, y, _ in run])}" class="jl-line"/>',
    ]


def _mood_mark(x: float, y: float, point: Touchpoint) -> str:
    if point.mark:
        return svg.triangle(x, y, 6.5, up=point.mark > 0)
    return f'<circle cx="{svg.num(x)}" cy="{svg.num(y)}" r="4" class="jl-dot"/>'


def _mood_labels(
    runs: Sequence[Sequence[Spot]],
    labels: Sequence[str],
    bounds: Rect,
    taken: Rect,
    type_: tuple[Lettering, float],
) -> list[str]:
    """Name the points of the line, the strongest feelings first, where there is room.

    `type_` is the lettering and its size.
    """
    style, size = type_
    spots = [spot for run in runs for spot in run]
    pairs = sorted(
        zip(spots, labels, strict=True), key=lambda pair: (-abs(pair[0][2].mood), pair[0][2].name)
    )
    names = [style.shorten(label, 20 * size, size, bold=True) for _, label in pairs]
    places = place_labels(
        [(x, y) for (x, y, _), _ in pairs],
        [(style.width(name, size, bold=True), size * 1.35) for name in names],
        bounds=bounds,
        marks=[*(Rect(x - 7, y - 7, 14, 14) for x, y, _ in spots), taken],
        soft=_along(runs),
    )
    parts = []
    for ((x, y, point), _), name, rect in zip(pairs, names, places, strict=True):
        if rect is None:
            continue
        if tie := leader((x, y), rect):
            parts.append(svg.line(*tie, "jl-leader"))
        kind = {1: "jl-goodt jl-b", -1: "jl-badt jl-b"}.get(point.mark, "jl-m")
        middle = rect.x + rect.width / 2
        parts.append(text(middle, rect.y + size, name, size, f"jl-halo {kind}", "middle"))
    return parts


def _along(runs: Sequence[Sequence[Spot]]) -> list[Rect]:
    """Return small rectangles along the line, which labels should leave free."""
    return [
        Rect(ax + (bx - ax) * k / 12 - 4, ay + (by - ay) * k / 12 - 5, 8, 10)
        for run in runs
        for (ax, ay, _), (bx, by, _) in pairwise(run)
        for k in range(1, 12)
    ]
