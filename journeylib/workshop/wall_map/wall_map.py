"""The wall map: the whole journey as one drawing, for a poster, a handout and the screen.

It is drawn once in units of its own and scaled to the paper; boxes are as wide as lets the type
be largest there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import pandas as pd

from journeylib.present import (
    NO_CHANNEL,
    Band,
    BoxStyle,
    Figure,
    MapLayout,
    MapOptions,
    Rect,
    flow_line,
    map_layout,
    stage_head,
    svg,
    svg_element,
)
from journeylib.workshop.content.content import Content
from journeylib.workshop.content.lanes import Lane, Line, lanes
from journeylib.workshop.content.sentences import verdict_text
from journeylib.workshop.wall_map.boxes import Boxes, aside_width, draw_box
from journeylib.workshop.wall_map.experience_lane import CURVE, experience_lane
from journeylib.workshop.wall_map.legend import Legend, make_legend
from journeylib.workshop.wall_map.typography import (
    LEFT,
    SCREEN,
    SIZE,
    SMALL,
    Lettering,
    lane_name,
    text,
)

RIGHT = 10.0
TITLE, HEAD, BELOW_HEAD = 96.0, 40.0, 8.0
LINE_HEIGHT, PAD = 20.5, 9.0
CELL_LINES, NOTE_LINES = 4, 2
# Lanes that the room fills, two to a row: a row is so high that a note of 76 mm fits on A0.
ROOM_ROWS = {"notes": "questions", "opportunities": "owner"}
ROOM_SHARE = 80 / 793.4  # of the height: 80 mm on A0
# Of a box, in sizes of its name: widths to try, room for the marker, and for what stands beside
# or below the name.
WIDTHS = tuple(8 + 0.5 * i for i in range(27))
MARKER, END, LINE, FLOOR, SMALL_NAME = 1.7, 0.8, 1.12, 1.85, 0.78
NAME_LINES = 3
MOST_CURVE = 140.0  # that the experience line is higher where there is room
FROM_BACK = 9 / 793.4  # of the height: 9 mm on A0
MAX_FLOWS, MAX_RETURNS = 24, 3


@dataclass(frozen=True)
class WallMap:
    """A drawn map: SVG parts in a frame of `width` × `height` units.

    Attributes
    ----------
    name : float
        Size of the smallest name of a touchpoint.
    alt : str
        What a reader who does not see it is told.
    """

    parts: tuple[str, ...]
    width: float
    height: float
    name: float
    alt: str

    def type_mm(self, width: float, height: float) -> float:
        """Return the size of its smallest name in mm on a sheet with so much room."""
        return self.name * min(width / self.width, height / self.height)

    def svg(self, kind: str = "") -> str:
        """Return the map as one ``<svg>`` element."""
        return (
            f'<svg class="jl jl-svg jl-wall {kind}" viewBox="0 0 {svg.num(self.width)} '
            f'{svg.num(self.height)}" role="img" aria-label="{svg.esc(self.alt)}">'
            f"{''.join(self.parts)}</svg>"
        )


@dataclass(frozen=True)
class _Arrangement:
    """A way to lay the map out, before it is drawn: where reach and feeling stand, how large."""

    boxes: Boxes
    layout: MapLayout
    columns: list[Band]
    heights: dict[str, float]
    legend: Legend

    @property
    def width(self) -> float:
        return self.layout.width + RIGHT

    @property
    def head(self) -> float:
        return HEAD * self.boxes.lettering.head + BELOW_HEAD

    @property
    def top(self) -> float:
        # A log without stages has layers for columns, and its layout no room for their names.
        return self.layout.lanes[0].start if self.layout.lanes else 0.0

    @property
    def below(self) -> float:
        return self.legend.height

    @property
    def height(self) -> float:
        grid = self.layout.height - self.top
        rows = sum(self.heights.values()) + CURVE
        return TITLE + self.head + grid + rows + self.below

    def names(self) -> tuple[int, float, float]:
        """Return how many names are cut, and the least and the mean size they are set in."""
        style = self.boxes.style
        names = [style.fitted(box.name) for box in self.layout.boxes if not box.more]
        cut = sum("…" in "".join(lines) for lines, _ in names)
        sizes = [size for _, size in names] or [style.size]
        return cut, min(sizes), sum(sizes) / len(sizes)


@cache
def _boxes(lettering: Lettering, width: float, aside: float | None) -> Boxes:
    """Return boxes of a width; with `aside` as much of it is kept beside the name."""
    size = lettering.name
    style = BoxStyle(
        width=width * size,
        marker=MARKER * size,
        margin=0.4 * size if aside is None else aside + END * size,
        size=size,
        line=LINE * size,
        rest=(1.2 if aside is None else 0.3) * size,
        most=NAME_LINES,
        bold=False,
        face=lettering.face,
        small=SMALL_NAME,
        floor=FLOOR * size,
    )
    return Boxes(style, lettering, aside is not None)


def draw_wall_map(
    content: Content, *, ratio: float, with_room: bool = True, lettering: Lettering = SCREEN
) -> WallMap:
    """Draw the map for paper whose width is `ratio` times its height, in the largest type.

    Without `with_room` the lanes that are left to the room are not drawn: type is larger then. Of
    all widths of boxes those count first that cut no name, then those whose smallest name is
    read from the back, then those whose names are largest, last those that fill the paper.
    """
    content = folded(content)
    aside = aside_width(content, lettering)
    rows = _rows(content, with_room=with_room)
    arrangements = [
        _arrange(content, _boxes(lettering, width, beside), rows, ratio)
        for width in WIDTHS
        for beside in (aside, None)
    ]

    def worth(one: _Arrangement) -> tuple[int, float, float, float]:
        cut, least, mean = one.names()
        scale = min(ratio / one.width, 1 / one.height)
        return -cut, min(round(least * scale, 4), FROM_BACK), round(mean * scale, 4), one.width

    return _draw(content, max(arrangements, key=worth), rows, ratio)


def _rows(content: Content, *, with_room: bool) -> list[Lane]:
    """Return the rows below the stages: those that say something, then the room's, in pairs."""
    every = {lane.key: lane for lane in lanes(content)}
    rows = [
        lane
        for lane in every.values()
        if lane.computed and any(line.mood != "muted" for cell in lane.cells for line in cell)
    ]
    for key, other in ROOM_ROWS.items() if with_room else ():
        pairs = zip(every[key].cells, every[other].cells, strict=True)
        rows.append(replace(every[key], cells=tuple(a + b for a, b in pairs)))
    return rows


def folded(content: Content) -> Content:
    """Return content in which channels that are nowhere in the same stage share a lane.

    Only channels with at most one touchpoint in every stage: their lanes are all but empty.
    """
    points = content.points
    if points["channel"].isna().all():
        return content
    merged: list[tuple[list[str], set[str]]] = []
    rank = {name: i for i, name in enumerate(content.channel_order)}
    groups = {str(channel): own for channel, own in points.groupby("channel")}
    for channel in sorted(groups, key=lambda name: (rank.get(name, len(rank)), name)):
        stages = [str(stage) for stage in groups[channel]["stage"]]
        if len(set(stages)) < len(stages):
            merged.append(([channel], {*stages, *points["stage"].astype(str)}))
            continue
        home = next((lane for lane in merged if not lane[1] & set(stages)), None)
        if home is None:
            merged.append(([channel], set(stages)))
        else:
            home[0].append(channel)
            home[1].update(stages)
    name_of = {channel: ", ".join(names) for names, _ in merged for channel in names}
    return replace(
        content,
        points=points.assign(channel=points["channel"].map(name_of)),
        channel_order=tuple(dict.fromkeys(name_of.values())),
    )


def wall_figure(content: Content, *, ratio: float = 1.45) -> Figure:
    """Return the wall map as a figure for a notebook; its table has one row per touchpoint.

    Parameters
    ----------
    content : Content
        Of `read_content`.
    ratio : float
        Width of the figure over its height.
    """
    words, wall_map = content.words, draw_wall_map(content, ratio=ratio)
    picture = svg_element(
        list(wall_map.parts), width=wall_map.width, height=wall_map.height, alt=wall_map.alt,
        min_width=1180,
    )  # fmt: skip
    rows = [
        {
            "Touchpoint": point.name,
            "Stage": point.stage,
            "Channel": point.channel,
            "Customers": point.customers,
            "Feeling": point.feeling,
            "Verdict": verdict_text(words, point),
        }
        for point in content.touchpoints
    ]
    return Figure(
        name="wall-map",
        title=words.text("title", title=content.title),
        alt=wall_map.alt,
        svg=picture,
        table=pd.DataFrame(rows),
        note=content.source,
    )


def _arrange(content: Content, boxes: Boxes, rows: Sequence[Lane], ratio: float) -> _Arrangement:
    lettering = boxes.lettering
    layout = map_layout(
        content.points,
        content.moves,
        MapOptions(
            stage_order=content.stage_order,
            channel_order=content.channel_order,
            max_flows=MAX_FLOWS,
            max_returns=MAX_RETURNS,
            style=boxes.style,
            left=LEFT,
        ),
    )
    columns = _columns(content, layout)
    plan = _Arrangement(
        boxes=boxes,
        layout=layout,
        columns=columns,
        heights={lane.key: _height(content, lane, columns, lettering) for lane in rows},
        legend=make_legend(content, layout, layout.width + RIGHT, lettering),
    )
    return replace(plan, heights=_with_room_for_notes(plan, rows, ratio))


def _with_room_for_notes(
    plan: _Arrangement, rows: Sequence[Lane], ratio: float
) -> dict[str, float]:
    """Give the room's rows the height that a note needs on the paper as it is filled."""
    own = [lane.key for lane in rows if not lane.computed]
    rest = plan.height - sum(plan.heights[key] for key in own)
    paper = max(plan.width / ratio, rest / (1 - len(own) * ROOM_SHARE))
    least = dict.fromkeys(own, ROOM_SHARE * paper)
    return {key: max(height, least.get(key, 0.0)) for key, height in plan.heights.items()}


def _draw(content: Content, plan: _Arrangement, rows: Sequence[Lane], ratio: float) -> WallMap:
    layout, lettering, width = plan.layout, plan.boxes.lettering, plan.width
    curve, heights = _with_spare_height(plan, rows, ratio)
    parts = _title(content, width, lettering)
    y, scale = TITLE, lettering.head
    for band in plan.columns:
        column = Band(band.name, band.start / scale + 8, band.size / scale)
        end = (band.start + band.size) / scale + 8
        head = stage_head(column, end, size=22, face=lettering.face)
        parts.append(f'<g transform="translate(0 {svg.num(y)}) scale({scale:.3g})">{head}</g>')
    y += plan.head
    doing, *rest = rows
    frame = Rect(0, y, width, heights[doing.key])
    parts += _lane(content, doing, plan.columns, frame, lettering)
    offset = y + heights[doing.key] - plan.top
    grid = "".join(_grid(content, plan))
    parts.append(f'<g transform="translate(0 {svg.num(offset)})">{grid}</g>')
    y = offset + layout.height
    parts += experience_lane(content, plan.columns, Rect(0, y, width, curve), lettering)
    y += curve
    for lane in rest:
        frame = Rect(0, y, width, heights[lane.key])
        parts += _lane(content, lane, plan.columns, frame, lettering)
        y += heights[lane.key]
    parts += plan.legend.draw(y, width, lettering)
    high = y + plan.legend.height
    return WallMap(tuple(parts), width, high, plan.names()[1], _alt(content))


def _with_spare_height(
    plan: _Arrangement, rows: Sequence[Lane], ratio: float
) -> tuple[float, dict[str, float]]:
    """Give what the paper has left to the line and to the lanes in which the room writes."""
    heights = dict(plan.heights)
    spare = max(0.0, plan.width / ratio - plan.height)
    curve = CURVE + min(MOST_CURVE, 0.4 * spare)
    spare -= curve - CURVE
    for lane in rows:
        if not lane.computed:
            heights[lane.key] += spare / len(ROOM_ROWS)
    return curve, heights


def _alt(content: Content) -> str:
    return content.words.text(
        "alt.map",
        stages=len(content.stages),
        touchpoints=len(content.touchpoints),
        bad=sum(point.mark < 0 for point in content.touchpoints),
        moments=len({moment.touchpoint.name for moment in content.moments}),
    )


def _columns(content: Content, layout: MapLayout) -> list[Band]:
    """Return the columns of the lanes: each reaches to where the next begins."""
    starts = [column.start - 8 for column in layout.columns]
    ends = [*starts[1:], layout.width + RIGHT]
    names = [stage.title(content.words) for stage in content.stages]
    # A log without stages has the columns of its layers, and one stage for all of them.
    if len(names) != len(starts):
        starts, ends = [starts[0]], [ends[-1]]
    return [
        Band(name, start, end - start) for name, start, end in zip(names, starts, ends, strict=True)
    ]


def _title(content: Content, width: float, lettering: Lettering) -> list[str]:
    size = max(38.0, 1.5 * lettering.name)
    title = content.words.text("title", title=content.title)
    title = lettering.shorten(title, width - 20, size, bold=True)
    kicker = lettering.shorten(content.kicker, width - 20, 19)
    return [text(8, 42, title, size, "jl-b"), text(8, 74, kicker, 19, "jl-m")]


def _wrapped(line: Line, room: float, lettering: Lettering) -> list[str]:
    bold = line.mood in ("strong", "bad", "good", "note")
    lines = NOTE_LINES if line.mood == "note" else CELL_LINES
    return lettering.wrap(line.text, room, lines=lines, bold=bold)


def _height(content: Content, lane: Lane, columns: Sequence[Band], lettering: Lettering) -> float:
    """Return the height that the fullest cell, or the name, of a lane needs."""
    most = 18.0 * len(lettering.lane_lines(_lane_title(content, lane))) + 20
    for band, cell in zip(columns, lane.cells, strict=True):
        lines = [len(_wrapped(line, band.size - 2 * PAD, lettering)) for line in cell]
        most = max(most, sum(lines) * LINE_HEIGHT + max(0, len(lines) - 1) * 4)
    return most + 2 * PAD


def _lane_title(content: Content, lane: Lane) -> str:
    keys = [lane.key] if lane.computed else [lane.key, ROOM_ROWS[lane.key]]
    return " · ".join(content.words.text(f"lane.{key}") for key in keys)


KINDS = {"good": "jl-goodt jl-b", "bad": "jl-badt jl-b", "strong": "jl-b", "muted": "jl-m", "": "",
         "note": "jl-said"}  # fmt: skip


def _lane(
    content: Content, lane: Lane, columns: Sequence[Band], frame: Rect, lettering: Lettering
) -> list[str]:
    words, y = content.words, frame.y
    parts = [svg.line(0, y, frame.width, y, "jl-rule")]
    source = "computed" if lane.computed else "room.said" if any(lane.cells) else "for_room"
    parts += lane_name(lettering, _lane_title(content, lane), words.text(source), y)
    for band, cell in zip(columns, lane.cells, strict=True):
        inside: list[str] = []
        at = y + PAD
        for line in cell:
            rows = _wrapped(line, band.size - 2 * PAD, lettering)
            if line.mood == "note":
                sheet = band.start + 4, at - 3, band.size - 8, len(rows) * LINE_HEIGHT + 2
                inside.append(svg.rect(*sheet, "jl-sticky", radius=2))
            for row in rows:
                inside.append(text(band.start + PAD, at + 14, row, SIZE, KINDS[line.mood]))
                at += LINE_HEIGHT
            at += 4
        cell_frame = svg.rect(band.start, y, band.size, frame.height, "jl-cell")
        parts.append(f'<g class="jl-room" data-lane="{lane.key}">{cell_frame}{"".join(inside)}</g>')
    return parts


def _grid(content: Content, plan: _Arrangement) -> list[str]:
    words, layout, lettering = content.words, plan.layout, plan.boxes.lettering
    size, channels = lettering.channel, {point.channel for point in content.touchpoints}
    parts = []
    for i, lane in enumerate(layout.lanes):
        if i % 2 == 0:
            parts.append(svg.rect(0, lane.start, plan.width, lane.size, "jl-band"))
        name = words.text("no_channel") if lane.name == NO_CHANNEL else lane.name
        if name not in channels and lane.name != NO_CHANNEL:
            name = words.text("lane.several")
        lines = lettering.wrap(name, LEFT - 18, size, bold=True)
        y = lane.start + lane.size / 2 + 0.35 * size - 0.55 * size * (len(lines) - 1)
        parts += [text(8, y + 1.1 * size * k, line, size, "jl-b") for k, line in enumerate(lines)]
    if layout.returns:
        name = words.text("lane.returns")
        parts.append(text(8, layout.returns.start + 22, name, SMALL, "jl-m"))
    most = max((flow.journeys for flow in layout.flows), default=0)
    for flow in reversed(layout.flows):
        title = words.text(
            "alt.flow", source=flow.source, target=flow.target, journeys=flow.journeys
        )
        parts.append(flow_line(flow, most, title))
    points = {point.name: point for point in content.touchpoints}
    parts += [
        draw_box(content, box, points.get(svg.clean(box.name)), plan.boxes) for box in layout.boxes
    ]
    return parts
