"""The wall map: the whole journey as one drawing, for a poster, a handout and the screen.

It is drawn once in units of its own and scaled to the paper; boxes are as wide as lets the type
be largest there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import pandas as pd

from journeylib.present import svg
from journeylib.present.figure import Figure, svg_element
from journeylib.present.labels import Rect, leader, place_labels
from journeylib.present.layout import Band, Box, BoxStyle, MapLayout, map_layout
from journeylib.present.maps import flow_line, stage_head
from journeylib.present.workshop.content import Content, Touchpoint
from journeylib.present.workshop.lanes import Lane, Line, lanes
from journeylib.present.workshop.room import parked, spoken
from journeylib.present.workshop.sentences import verdict_text

LEFT, RIGHT = 176.0, 10.0
TITLE, HEAD = 92.0, 46.0
NAME, SIZE, LINE_HEIGHT, PAD = 18.0, 16.5, 20.5, 9.0
ASIDE = 74.0  # of a box, for feeling and reach
CELL_LINES, NOTE_LINES = 3, 2
LEGEND = 76.0
CURVE = 220.0
ROOM_HEIGHT = {"notes": 78.0, "opportunities": 78.0, "questions": 66.0, "owner": 54.0}
WIDTHS = tuple(range(210, 400, 15))
MAX_FLOWS, MAX_RETURNS = 24, 3
Spot = tuple[float, float, Touchpoint]  # where a point of the line stands


@dataclass(frozen=True)
class Wall:
    """A drawn map: SVG parts in a frame of `width` × `height` units.

    Attributes
    ----------
    layout : MapLayout
        Of its touchpoints and flows, moved down by `offset`.
    alt : str
        What a reader who does not see it is told.
    """

    parts: tuple[str, ...]
    width: float
    height: float
    layout: MapLayout
    offset: float
    alt: str

    def type_mm(self, width: float, height: float) -> float:
        """Return the height of its names in mm on a sheet with so much room."""
        return NAME * min(width / self.width, height / self.height)

    def svg(self, kind: str = "") -> str:
        """Return the map as one ``<svg>`` element."""
        return (
            f'<svg class="jl jl-svg jl-wall {kind}" viewBox="0 0 {svg.num(self.width)} '
            f'{svg.num(self.height)}" role="img" aria-label="{svg.esc(self.alt)}">'
            f"{''.join(self.parts)}</svg>"
        )


@cache
def _style(width: float) -> BoxStyle:
    return BoxStyle(width, 32.0, ASIDE, NAME, 20.0, 13.0, 1, 2, bold=False)


def wall(content: Content, *, ratio: float, room: bool = True) -> Wall:
    """Draw the map for paper whose width is `ratio` times its height.

    Without `room` the lanes that are left to the room are not drawn: type is larger then.
    """
    found = [_drawn(content, width, ratio, room) for width in WIDTHS]
    return max(found, key=lambda one: min(ratio / one.width, 1 / one.height))


def wall_figure(content: Content, *, ratio: float = 1.45) -> Figure:
    """Return the wall map as a figure for a notebook; its table has one row per touchpoint.

    Parameters
    ----------
    content : Content
        Of `read_content`.
    ratio : float
        Width of the figure over its height.

    Returns
    -------
    Figure
    """
    words, drawn = content.words, wall(content, ratio=ratio)
    picture = svg_element(
        list(drawn.parts), width=drawn.width, height=drawn.height, alt=drawn.alt, min_width=1180
    )
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
        title=words.say("title", title=content.title),
        alt=drawn.alt,
        svg=picture,
        table=pd.DataFrame(rows),
        note=content.source,
    )


def _layout(content: Content, width: float) -> MapLayout:
    return map_layout(
        content.points,
        content.moves,
        stage_order=content.stage_order,
        channel_order=content.channel_order,
        max_flows=MAX_FLOWS,
        max_returns=MAX_RETURNS,
        style=_style(width),
        left=LEFT,
    )


def _drawn(content: Content, box_width: float, ratio: float, with_room: bool) -> Wall:
    style, layout = _style(box_width), _layout(content, box_width)
    columns = _columns(content, layout)
    width = layout.width + RIGHT
    rows = [lane for lane in lanes(content) if lane.computed or with_room]
    doing, rest = rows[0], rows[1:]
    heights = {lane.key: _height(content, lane, columns) for lane in rows}
    # A log without stages has layers for columns, and its layout no room for their names.
    top = layout.lanes[0].start if layout.lanes else 0.0
    grid = layout.height - top
    total = TITLE + HEAD + grid + CURVE + sum(heights.values()) + LEGEND
    # What the paper has left goes to the lanes in which the room writes.
    spare = max(0.0, width / ratio - total)
    room = [lane for lane in rest if not lane.computed]
    for lane in room:
        heights[lane.key] += spare * ROOM_HEIGHT[lane.key] / sum(ROOM_HEIGHT.values())
    parts = _title(content, width)
    y = TITLE
    ends = [band.start + band.size for band in columns]
    for band, end in zip(columns, ends, strict=True):
        named = Band(band.name, band.start + 8, band.size)
        parts.append(
            f'<g transform="translate(0 {svg.num(y)})">{stage_head(named, end + 8, size=22)}</g>'
        )
    y += HEAD
    parts += _lane(content, doing, columns, y, heights[doing.key], width)
    offset = y + heights[doing.key] - top
    parts.append(
        f'<g transform="translate(0 {svg.num(offset)})">'
        f"{''.join(_grid(content, layout, style))}</g>"
    )
    y = offset + layout.height
    parts += _experience(content, columns, y, width)
    y += CURVE
    for lane in rest:
        parts += _lane(content, lane, columns, y, heights[lane.key], width)
        y += heights[lane.key]
    parts += _legend(content, layout, y)
    bad = sum(point.mark < 0 for point in content.touchpoints)
    alt = content.words.say(
        "alt.map",
        stages=len(content.stages),
        touchpoints=len(content.touchpoints),
        bad=bad,
        moments=len({moment.touchpoint.name for moment in content.moments}),
    )
    return Wall(tuple(parts), width, y + LEGEND, layout, offset, alt)


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


def text(x: float, y: float, words: str, size: float, kind: str = "", anchor: str = "start") -> str:
    """Return a line of text of a size of its own."""
    return svg.label(
        x, y, words, kind, anchor=anchor, extra=f' style="font-size:{svg.num(size)}px"'
    )


def _title(content: Content, width: float) -> list[str]:
    title = svg.shorten(content.words.say("title", title=content.title), width - 20, 38, bold=True)
    return [
        text(8, 42, title, 38, "jl-b"),
        text(8, 70, svg.shorten(content.kicker, width - 20, 17), 17, "jl-m"),
    ]


def _wrapped(line: Line, room: float) -> list[str]:
    bold = line.mood in ("strong", "bad", "good", "note")
    lines = NOTE_LINES if line.mood == "note" else CELL_LINES
    return svg.wrap(line.text, room, SIZE, lines=lines, bold=bold)


def _height(content: Content, lane: Lane, columns: Sequence[Band]) -> float:
    """Return the height that the fullest cell, or the name, of a lane needs."""
    most = 18.0 * len(_name_lines(content.words.say(f"lane.{lane.key}"))) + 20
    for band, cell in zip(columns, lane.cells, strict=True):
        lines = [len(_wrapped(line, band.size - 2 * PAD)) for line in cell]
        most = max(most, sum(lines) * LINE_HEIGHT + max(0, len(lines) - 1) * 4)
    return max(most + 2 * PAD, ROOM_HEIGHT.get(lane.key, 0.0))


KINDS = {"good": "jl-goodt jl-b", "bad": "jl-badt jl-b", "strong": "jl-b", "muted": "jl-m", "": "",
         "note": "jl-said"}  # fmt: skip


def _lane(
    content: Content, lane: Lane, columns: Sequence[Band], y: float, height: float, width: float
) -> list[str]:
    words = content.words
    parts = [svg.line(0, y, width, y, "jl-rule")]
    source = "computed" if lane.computed else "room.said" if any(lane.cells) else "room"
    parts += _lane_name(words.say(f"lane.{lane.key}"), words.say(source), y)
    for band, cell in zip(columns, lane.cells, strict=True):
        inside: list[str] = []
        at = y + PAD
        for line in cell:
            rows = _wrapped(line, band.size - 2 * PAD)
            if line.mood == "note":
                sheet = band.start + 4, at - 3, band.size - 8, len(rows) * LINE_HEIGHT + 2
                inside.append(svg.rect(*sheet, "jl-sticky", radius=2))
            for said in rows:
                inside.append(text(band.start + PAD, at + 14, said, SIZE, KINDS[line.mood]))
                at += LINE_HEIGHT
            at += 4
        frame = svg.rect(band.start, y, band.size, height, "jl-cell")
        parts.append(f'<g class="jl-room" data-lane="{lane.key}">{frame}{"".join(inside)}</g>')
    return parts


def _name_lines(name: str) -> list[str]:
    return svg.wrap(name, LEFT - 18, SIZE, lines=4, bold=True)


def _lane_name(name: str, note: str, y: float) -> list[str]:
    lines = _name_lines(name)
    parts = [text(8, y + 23 + 18 * k, line, SIZE, "jl-b") for k, line in enumerate(lines)]
    return [*parts, text(8, y + 22 + 18 * len(lines), note, 12, "jl-m")]


def _grid(content: Content, layout: MapLayout, style: BoxStyle) -> list[str]:
    words = content.words
    parts = []
    for i, lane in enumerate(layout.lanes):
        if i % 2 == 0:
            parts.append(svg.rect(0, lane.start, layout.width + RIGHT, lane.size, "jl-band"))
        name = words.say("no_channel") if lane.name == "No channel" else lane.name
        lines = svg.wrap(name, LEFT - 18, SIZE, lines=2, bold=True)
        y = lane.start + lane.size / 2 + 5 - 9 * (len(lines) - 1)
        parts += [text(8, y + 18 * k, line, SIZE, "jl-b") for k, line in enumerate(lines)]
    if layout.returns:
        name = words.say("lane.returns")
        parts.append(text(8, layout.returns.start + 22, name, 13, "jl-m"))
    most = max((flow.journeys for flow in layout.flows), default=0)
    for flow in reversed(layout.flows):
        title = words.say(
            "alt.flow", source=flow.source, target=flow.target, journeys=flow.journeys
        )
        parts.append(flow_line(flow, most, title))
    known = {point.name: point for point in content.touchpoints}
    parts += [_box(content, box, known.get(svg.clean(box.name)), style) for box in layout.boxes]
    return parts


def _box(content: Content, box: Box, point: Touchpoint | None, style: BoxStyle) -> str:
    words = content.words
    middle = box.y + box.height / 2
    if point is None:
        said = words.say("more", n=box.more)
        frame = svg.rect(box.x, box.y, box.width, box.height, "jl-box jl-more", radius=6)
        inside = text(box.x + box.width / 2, middle + 5, said, 13, "jl-m", "middle")
        return f'<g class="jl-room">{frame}{inside}</g>'
    mood = {1: " jl-good", -1: " jl-bad"}.get(point.mark, "")
    plan = content.plan
    unplanned = " jl-unplanned" if plan is not None and point.name not in plan.steps else ""
    parts = [svg.rect(box.x, box.y, box.width, box.height, f"jl-box{mood}{unplanned}", radius=6)]
    leans = point.verdict == "abstain" and point.leaning is not None
    code = point.leaning if leans and point.leaning else point.verdict
    parts.append(svg.verdict_marker(code, box.x + 15, middle, 6.5, leaning=leans))
    left = box.x + style.marker
    lines = style.lines(point.name)
    y = middle - (len(lines) - 1) * style.line / 2 + NAME * 0.35
    for line in lines:
        parts.append(text(left, y, line, NAME))
        y += style.line
    parts += _aside(content, point, box.x + box.width - 7, middle)
    title = words.say(
        "alt.box",
        name=point.name,
        channel=point.channel or words.say("none"),
        customers=point.customers,
        verdict=verdict_text(words, point),
    )
    return svg.titled(title, *parts, kind="jl-room")


def _aside(content: Content, point: Touchpoint, right: float, middle: float) -> list[str]:
    """Return what stands at the end of a box: feeling above reach, a star for a moment."""
    words = content.words
    parts = []
    said = words.share(point.reach)
    if content.plan is not None and point.name in content.plan.steps:
        said = f"{content.plan.steps.index(point.name) + 1}. · {said}"
    if content.moments_at(point.name):
        said = f"★ {said}"
    felt = bool(point.mark) and point.feeling is not None
    parts.append(text(right, middle + (14 if felt else 5), said, 13, "jl-m", "end"))
    if felt and point.feeling is not None:
        value = words.signed(point.feeling.value or 0.0)
        kind = "jl-b " + ("jl-goodt" if point.mark > 0 else "jl-badt")
        parts.append(text(right, middle - 2, value, 13.5, kind, "end"))
        width = svg.text_width(value, 13.5, bold=True)
        parts.append(svg.triangle(right - width - 7, middle - 6.5, 4.5, up=point.mark > 0))
    return parts


def _experience(content: Content, columns: Sequence[Band], y: float, width: float) -> list[str]:
    words = content.words
    parts = [svg.line(0, y, width, y, "jl-rule")]
    parts += _lane_name(words.say("lane.experience"), words.say("computed"), y)
    for k, line in enumerate(svg.wrap(words.say("scale.note"), LEFT - 18, 12, lines=4)):
        parts.append(text(8, y + 62 + 15 * k, line, 12, "jl-m"))
    frame = Rect(columns[0].start, y, width - columns[0].start, CURVE)
    return [*parts, *_curve(content, columns, frame)]


def line_figure(content: Content, width: float, height: float) -> str:
    """Return the experience line alone, stage by stage, as one ``<svg>`` element."""
    step = width / max(len(content.stages), 1)
    columns = [
        Band(stage.title(content.words), step * i, step) for i, stage in enumerate(content.stages)
    ]
    parts = []
    for i, band in enumerate(columns):
        if i % 2 == 0:
            parts.append(svg.rect(band.start, 0, step, height, "jl-band"))
        name = svg.shorten(band.name, step - 12, 28, bold=True)
        parts.append(text(band.start + step / 2, 34, name, 28, "jl-b", "middle"))
    parts += _curve(content, columns, Rect(0, 46, width, height - 46), size=27)
    return (
        f'<svg class="jl-svg" viewBox="0 0 {svg.num(width)} {svg.num(height)}" role="img" '
        f'aria-label="{svg.esc(line_alt(content))}">{"".join(parts)}</svg>'
    )


def line_alt(content: Content) -> str:
    """Return the finding of the experience line in words."""
    felt = [
        (point.feeling.value, point.name)
        for point in content.touchpoints
        if point.feeling is not None and point.feeling.value is not None
    ]
    if not felt:
        return content.words.say("alt.line_none")
    (low, low_name), (high, high_name) = min(felt), max(felt)
    return content.words.say(
        "alt.line",
        low=low_name,
        low_value=content.words.signed(low),
        high=high_name,
        high_value=content.words.signed(high),
    )


def _curve(
    content: Content, columns: Sequence[Band], frame: Rect, *, size: float = 13.0
) -> list[str]:
    """Return the scale, the line with its intervals and the names of its points."""
    words = content.words
    top, bottom = frame.y + 22, frame.y + frame.height - 22
    right = frame.x + frame.width

    def height(value: float) -> float:
        return top + (1 - max(-1.0, min(1.0, value))) / 2 * (bottom - top)

    parts, taken = [], []
    for value, key in ((1.0, "good"), (0.0, "neutral"), (-1.0, "bad")):
        kind = "jl-axis" if value == 0 else "jl-rule"
        parts.append(svg.line(frame.x, height(value), right, height(value), kind))
        at, word = height(value) - 4 + (value > 0) * (size + 4), words.say(f"scale.{key}")
        parts.append(text(frame.x + 4, at, word, size - 1, "jl-m"))
        taken.append(Rect(frame.x, at - size, svg.text_width(word, size) + 8, size + 4))
    spots: list[Spot] = []
    runs: list[list[Spot]] = [[]]
    for band, stage in zip(columns, content.stages, strict=False):
        step = band.size / max(len(stage.touchpoints), 1)
        for i, point in enumerate(stage.touchpoints):
            if point.feeling is None or point.feeling.value is None:
                runs.append([])
                continue
            spot = (band.start + step * (i + 0.5), height(point.feeling.value), point)
            spots.append(spot)
            runs[-1].append(spot)
    for run in (run for run in runs if run):
        parts += _run(run, height)
    parts += [_mood_mark(x, at, point) for x, at, point in spots]
    bounds = Rect(frame.x, frame.y + 2, frame.width - 4, frame.height - 4)
    return [*parts, *_mood_labels(content, spots, bounds, size, taken, runs)]


def _run(run: Sequence[Spot], height: Callable[[float], float]) -> list[str]:
    """Return one unbroken stretch of the line with the band of its intervals."""
    ends = []
    for x, _, point in run:
        assert point.feeling is not None
        value = point.feeling.value or 0.0
        lo = value if point.feeling.lo is None else point.feeling.lo
        hi = value if point.feeling.hi is None else point.feeling.hi
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
    content: Content,
    spots: Sequence[Spot],
    bounds: Rect,
    size: float,
    taken: Sequence[Rect],
    runs: Sequence[Sequence[Spot]],
) -> list[str]:
    """Name the points of the line, the strongest feelings first, where there is room."""
    felt = [(spot, (spot[2].feeling.value or 0.0) if spot[2].feeling else 0.0) for spot in spots]
    felt.sort(key=lambda pair: (-abs(pair[1]), pair[0][2].name))
    chosen = [spot for spot, _ in felt]
    said = [
        svg.shorten(f"{spot[2].name} {content.words.signed(value)}", 17 * size, size, bold=True)
        for spot, value in felt
    ]
    marks = [Rect(x - 7, y - 7, 14, 14) for x, y, _ in spots]
    places = place_labels(
        [(x, y) for x, y, _ in chosen],
        [(svg.text_width(name, size, bold=True), size * 1.35) for name in said],
        bounds=bounds,
        marks=[*marks, *taken],
        soft=_along(runs),
    )
    parts = []
    for (x, y, point), name, place in zip(chosen, said, places, strict=True):
        if place is None:
            continue
        if tie := leader((x, y), place):
            parts.append(svg.line(*tie, "jl-leader"))
        kind = {1: "jl-goodt jl-b", -1: "jl-badt jl-b"}.get(point.mark, "jl-m")
        middle = place.x + place.width / 2
        parts.append(text(middle, place.y + size, name, size, f"jl-halo {kind}", "middle"))
    return parts


def _along(runs: Sequence[Sequence[Spot]]) -> list[Rect]:
    """Return small rectangles along the line, which labels should leave free."""
    return [
        Rect(ax + (bx - ax) * k / 12 - 4, ay + (by - ay) * k / 12 - 5, 8, 10)
        for run in runs
        for (ax, ay, _), (bx, by, _) in pairwise(run)
        for k in range(1, 12)
    ]


def _legend(content: Content, layout: MapLayout, y: float) -> list[str]:
    words = content.words
    parts = [svg.line(0, y, layout.width + RIGHT, y, "jl-rule")]
    x, at = 8.0, y + 26
    used = {p.verdict for p in content.touchpoints} | {
        p.leaning for p in content.touchpoints if p.verdict == "abstain" and p.leaning
    }
    items = [
        (svg.verdict_marker(code, 0, 0, 6.5), words.say(f"verdict.{code}"))
        for code in ("automate", "assist", "human_led", "human_only", "fix_first", "abstain")
        if code in used
    ]
    items.append(("", words.say("legend.hollow")))
    items.append((svg.triangle(0, 0, 5, up=True), words.say("legend.feels_good")))
    items.append((svg.triangle(0, 0, 5, up=False), words.say("legend.feels_bad")))
    items.append((text(-6, 5, "★", 14, "jl-b"), words.say("legend.moment")))
    if spoken(content):
        items.append((svg.rect(-7, -6, 14, 12, "jl-sticky"), words.say("note.legend")))
    for mark, word in items:
        need = 40 + svg.text_width(word, 13.5)
        if x + need > layout.width:
            x, at = 8.0, at + 22
        if mark:
            parts.append(f'<g transform="translate({svg.num(x + 8)} {svg.num(at - 5)})">{mark}</g>')
        parts.append(text(x + (20 if mark else 0), at, word, 13.5))
        x += need if mark else need - 20
    most = max((flow.journeys for flow in layout.flows), default=0)
    share = words.share(layout.shown_share)
    said = words.say("legend.flow", flows=len(layout.flows), share=share, most=most)
    said = f"{words.say('legend.box')}. {said}. {content.source}"
    if apart := len(parked(content)):
        said += f" {words.say('note.parked_n', n=apart)}."
    if layout.hidden_touchpoints:
        said += f" {words.say('hidden.touchpoints', n=layout.hidden_touchpoints)}."
    parts.append(text(8, y + LEGEND - 6, svg.shorten(said, layout.width, 12.5), 12.5, "jl-m"))
    return parts
