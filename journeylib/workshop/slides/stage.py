"""Slides of a stage: its touchpoints as boxes tied by flows, and room for people to write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from pptx.enum.shapes import MSO_SHAPE

from journeylib.present import layers_of
from journeylib.workshop.content.content import Content, Stage, Touchpoint
from journeylib.workshop.content.lanes import (
    ROOM_LANES,
    handoff_text,
    lanes,
    moves_text,
    stage_title,
)
from journeylib.workshop.content.pages import even_parts, titled_pages
from journeylib.workshop.content.sentences import serves_text, verdict_glyph, verdict_text
from journeylib.workshop.slides import shapes
from journeylib.workshop.slides.shapes import EDGE, MUTED, WIDE, New, TextStyle, draw, write

if TYPE_CHECKING:
    from pptx.slide import Slide

MOST_BOXES, MOST_FLOWS, MOST_ROWS, MOST_COLUMNS = 18, 14, 6, 3
ROOM_TOP = 6.18
BOX_SIZES = (18, 16, 14)
GAP, LEAST_PITCH = 0.22, 0.78  # inches between boxes, and from which rows there is room for it
LEAST_BELOW = 1.1  # inches from which there is room for more words
AREA: shapes.Area = (2.15, 1.4, 10.7, 4.12)


@dataclass(frozen=True)
class _Spot:
    point: Touchpoint
    column: int
    row: int


def _moves(content: Content, points: Sequence[Touchpoint]) -> pd.DataFrame:
    names = {point.name for point in points}
    table = content.moves
    inside = table["source"].isin(names) & table["target"].isin(names)
    return table.loc[inside & (table["source"] != table["target"])].sort_values(
        ["journeys", "source", "target"], ascending=[False, True, True]
    )


def _spots(
    content: Content, points: Sequence[Touchpoint]
) -> tuple[list[_Spot], list[tuple[str, int]]]:
    """Deal touchpoints to columns by the order of flow and to rows by channel."""
    position = {point.name: i / max(len(points), 1) for i, point in enumerate(points)}
    edges = list(
        _moves(content, points)[["source", "target", "journeys"]].itertuples(index=False, name=None)
    )
    columns, order = layers_of(position, edges)
    rank = {name: i for i, name in enumerate(content.channel_order)}
    channels = sorted(
        {point.channel for point in points}, key=lambda c: (c == "", rank.get(c, len(rank)), c)
    )
    spots, lanes, top = [], [], 0
    for channel in channels:
        cells: dict[int, int] = {}
        own = [point for point in points if point.channel == channel]
        for point in sorted(own, key=lambda p: (order[p.name], p.name)):
            column = min(columns[point.name], MOST_COLUMNS - 1)
            row = cells.get(column, 0)
            cells[column] = row + 1
            spots.append(_Spot(point, column, top + row))
        depth = max(cells.values())
        lanes.append((channel, depth))
        top += depth
    used = sorted({spot.column for spot in spots})
    if len(used) == 1:
        return _side_by_side(spots, lanes)
    return [_Spot(s.point, used.index(s.column), s.row) for s in spots], lanes


def _side_by_side(
    spots: Sequence[_Spot], lanes: Sequence[tuple[str, int]]
) -> tuple[list[_Spot], list[tuple[str, int]]]:
    """Deal touchpoints that no flow puts in order to all columns: the slide is wider than high."""
    columns = min(MOST_COLUMNS, max(depth for _, depth in lanes))
    placed, narrow, top, start = [], [], 0, 0
    for channel, depth in lanes:
        own = spots[start : start + depth]
        placed += [_Spot(spot.point, i % columns, top + i // columns) for i, spot in enumerate(own)]
        rows = -(-depth // columns)
        narrow.append((channel, rows))
        top, start = top + rows, start + depth
    return placed, narrow


def stage_slides(new: New, content: Content, stage: Stage) -> None:
    """Add the slides of a stage."""
    parts = _parts(content, stage)
    for title, points in titled_pages(content.words, stage_title(content, stage), parts):
        _stage_slide(new, content, stage, title, points)


def _parts(content: Content, stage: Stage) -> list[Sequence[Touchpoint]]:
    """Return the touchpoints of a stage, slide by slide: what fits in type that can be read."""
    every = stage.touchpoints
    for many in range(1, len(every) + 1):
        parts = even_parts(every, -(-len(every) // many))
        small = all(len(part) <= MOST_BOXES for part in parts)
        if small and all(_rows(content, part) <= MOST_ROWS for part in parts):
            return parts
    return []


def _rows(content: Content, points: Sequence[Touchpoint]) -> int:
    return sum(depth for _, depth in _spots(content, points)[1])


def _stage_slide(
    new: New, content: Content, stage: Stage, title: str, points: Sequence[Touchpoint]
) -> None:
    words = content.words
    notes = [words.text("ask.stage"), *(_speaker_note(content, point) for point in points)]
    slide = new(title, "\n\n".join(notes))
    shapes.name_slide(slide, f"stage: {stage.name}")
    spots, lanes = _spots(content, points)
    columns, rows = max(s.column for s in spots) + 1, sum(depth for _, depth in lanes)
    x0, y0, width, height = AREA
    pitch = (width / columns, min(height / rows, 1.1))
    gap = GAP if pitch[1] >= LEAST_PITCH else 0.08
    box = (min(pitch[0] - 0.5 * (columns > 1), 4.2), pitch[1] - gap)
    _grounds(slide, content, lanes, pitch[1])
    size = shapes.same_size([_counted(content, point) for point in points], (0, 0, *box), BOX_SIZES)
    boxes = {}
    for spot in spots:
        area = (x0 + spot.column * pitch[0], y0 + spot.row * pitch[1], *box)
        boxes[spot.point.name] = _box(slide, content, spot.point, area, size)
    listed = _flows(slide, content, spots, boxes, upright=gap == GAP)
    _below(slide, content, stage, y0 + rows * pitch[1])
    lines = []
    if stage.moves:
        lines.append(words.text("stage.next", moves=moves_text(content, stage)))
    if listed:
        lines.append(words.text("deck.moves", moves=", ".join(listed)))
    write(slide, "moves", (EDGE, 5.52, WIDE - 2 * EDGE, 0.6), " · ".join(lines), MUTED)
    _room(slide, content)


def _grounds(
    slide: Slide, content: Content, lanes: Sequence[tuple[str, int]], pitch: float
) -> None:
    """Draw the ground of each channel with its name."""
    top = AREA[1] - 0.03
    for i, (channel, depth) in enumerate(lanes):
        name = channel or content.words.text("no_channel")
        high = depth * pitch - 0.02
        fill = "band" if i % 2 == 0 else "surface"
        style = shapes.ShapeStyle(fill=fill, edge=None, kind=MSO_SHAPE.RECTANGLE)
        draw(slide, f"lane: {name}", (EDGE, top, WIDE - 2 * EDGE, high), style)
        area = (EDGE, top, 1.6, max(high, 0.5))
        write(slide, f"channel: {name}", area, name, TextStyle(bold=True, middle=True))
        top += depth * pitch


def _below(slide: Slide, content: Content, stage: Stage, top: float) -> None:
    """Say pains, hand-offs and who serves where the boxes leave room."""
    height = AREA[1] + AREA[3] - top - 0.1
    rows = [lane for lane in lanes(content) if lane.key in ("pains", "handoffs", "serves")]
    if height < LEAST_BELOW:
        return
    at = content.stages.index(stage)
    step = (WIDE - 2 * EDGE) / len(rows)
    for i, lane in enumerate(rows):
        area = (EDGE + step * i, top + 0.1, step - 0.12, height)
        most = int((height - 0.12) * 72 / 16.8) - 2
        lines: list[str] = []
        for line in lane.cells[at]:
            wrapped = shapes.fitted(line.text, (0, 0, area[2], 9.0), 14)
            if len(lines) + len(wrapped) <= most:
                lines += wrapped
        shape = draw(slide, f"lane: {lane.key}", area, shapes.ShapeStyle(None, "line", 1))
        head = content.words.text(f"lane.{lane.key}")
        heads = shapes.fitted(head, (0, 0, area[2], 9.0), 14, bold=True, lines=2)
        shapes.fill_text(shape, [*heads, *lines], shapes.PLAIN)
        shapes.embolden(shape, len(heads))


def _room(slide: Slide, content: Content) -> None:
    """Leave named, empty boxes for what the room says."""
    step = (WIDE - 2 * EDGE) / len(ROOM_LANES)
    for i, key in enumerate(ROOM_LANES):
        area = (EDGE + step * i, ROOM_TOP, step - 0.12, 0.86)
        label = content.words.text(f"lane.{key}")
        shapes.fill_text(draw(slide, f"room: {key}", area, shapes.PAPER, alt=label), [label], MUTED)


def mood_sign(point: Touchpoint) -> str:
    """Return the sign of a good or bad feeling."""
    return {1: "▲\u00a0", -1: "▼\u00a0"}.get(point.mark, "")


def _name(content: Content, point: Touchpoint) -> str:
    """Return a touchpoint's name with its verdict, feeling and star."""
    star = "★\u00a0" if content.moments_at(point.name) else ""
    return f"{verdict_glyph(point)}\u00a0{mood_sign(point)}{star}{point.name}"


def _counted(content: Content, point: Touchpoint) -> str:
    return f"{_name(content, point)} ({content.words.text('n', n=point.customers)})"


def _box(slide: Slide, content: Content, point: Touchpoint, area: shapes.Area, size: float) -> Any:
    words = content.words
    alt = words.text(
        "alt.box", name=point.name, channel=point.channel or words.text("none"),
        customers=point.customers, verdict=verdict_text(words, point),
    )  # fmt: skip
    edge, bold = {1: "good", -1: "bad"}.get(point.mark, "flow"), bool(point.mark)
    style = shapes.ShapeStyle(edge=edge, width=3 if bold else 1.25)
    shape = draw(slide, f"touchpoint: {point.name}", area, style, alt=alt)
    lines = shapes.fitted(_counted(content, point), area, size, bold=bold)
    if "…" in "".join(lines):
        lines = shapes.fitted(_name(content, point), area, size, bold=bold)
    shapes.fill_text(shape, lines, TextStyle(size, bold, middle=True, centre=True))
    return shape


def _speaker_note(content: Content, point: Touchpoint) -> str:
    """Return what the notes say of one touchpoint."""
    words = content.words
    lines = [
        f"{point.name} ({words.text('n', n=point.customers)}): {serves_text(words, point)} → "
        f"{verdict_text(words, point)}"
    ]
    if point.feeling is not None:
        lines.append(f"{words.text('deck.feeling')} {words.estimate(point.feeling)}")
    for side, reasons in (("machine", point.machine), ("person", point.person)):
        if reasons:
            lines.append(f"{words.text(f'reason.{side}')}: {'; '.join(reasons)}")
    lines.append(handoff_text(content, point))
    return ". ".join(filter(None, lines)) + "."


def _flows(
    slide: Slide,
    content: Content,
    spots: Sequence[_Spot],
    boxes: dict[str, Any],
    *,
    upright: bool,
) -> list[str]:
    """Tie the strongest flows that cross no box; return the others in words.

    `upright` says that there is room for a tip between two boxes one below the other.
    """
    words = content.words
    spot_of = {spot.point.name: spot for spot in spots}
    moves = _moves(content, [spot.point for spot in spots]).head(MOST_FLOWS)
    most = max(moves["journeys"], default=1)
    tracks: dict[int, int] = {}
    listed = []
    for row in moves.to_dict("records"):
        source, target, n = row["source"], row["target"], int(row["journeys"])
        width = 1.25 + 3.5 * n / most
        style = _connector(spot_of[source], spot_of[target], spots, tracks, width)
        if style is None or (style.sites[0] in (shapes.TOP, shapes.BOTTOM) and not upright):
            listed.append(f"{source} → {target} ({words.text('n', n=n)})")
            continue
        alt = words.text("alt.flow", source=source, target=target, journeys=n)
        ends = boxes[source], boxes[target]
        shapes.connect(slide, f"flow: {source} → {target}", ends, style, alt=alt)
    return listed


def _connector(
    source: _Spot, target: _Spot, spots: Sequence[_Spot], tracks: dict[int, int], width: float
) -> shapes.ConnectorStyle | None:
    """Return how a flow may run without crossing a box; None if it may not.

    `tracks` counts the flows that leave each column: each turns in a track of its own.
    """
    if source.column == target.column:
        step = target.row - source.row
        if abs(step) != 1:
            return None
        sites = (shapes.BOTTOM, shapes.TOP) if step > 0 else (shapes.TOP, shapes.BOTTOM)
        return shapes.ConnectorStyle(sites, width=min(width, 2.0))  # a wide line's tip covers text
    if source.column > target.column or not _is_clear(source, target, spots):
        return None
    track = tracks.get(source.column, 0)
    tracks[source.column] = track + 1
    if source.row == target.row:
        return shapes.ConnectorStyle(width=width)
    near = target.column == source.column + 1
    return shapes.ConnectorStyle(bend=0.35 + 0.1 * (track % 4) if near else 0.5, width=width)


def _is_clear(source: _Spot, target: _Spot, spots: Sequence[_Spot]) -> bool:
    """Return whether an elbow that turns half-way crosses no box.

    It turns half-way because not every program keeps another turn.
    """
    taken = {(spot.column, spot.row) for spot in spots}
    low, high = sorted((source.row, target.row))
    double = source.column + target.column
    for column in range(source.column + 1, target.column):
        rows = {source.row} if 2 * column < double else {target.row}
        if 2 * column == double:
            rows = set(range(low, high + 1))
        if any((column, row) in taken for row in rows):
            return False
    return True
