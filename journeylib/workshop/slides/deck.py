"""Slides: the workshop as a PowerPoint file of native shapes, connectors and charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
)
from pptx.enum.shapes import MSO_SHAPE
from pptx.util import Inches, Pt

from journeylib.present import ARIAL, layers_of, svg
from journeylib.workshop.content.content import Content, Stage, Story, Touchpoint
from journeylib.workshop.content.lanes import handoff_text, moves_text
from journeylib.workshop.content.lanes import lanes as lanes_of
from journeylib.workshop.content.sentences import serves_text, verdict_glyph, verdict_text
from journeylib.workshop.screens.screen import even_parts
from journeylib.workshop.screens.screens import planned_share, weighty
from journeylib.workshop.sheets import card_rows
from journeylib.workshop.slides.note_slides import (
    difference_slides,
    first_slides,
    note_slides,
    parked_slides,
)
from journeylib.workshop.slides.shapes import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Place,
    colour,
    connect,
    describe,
    draw,
    fill_text,
    fitted,
    name_slide,
    same_size,
    save_same,
    sized,
    speak,
    write,
)
from journeylib.workshop.wall_map.experience_lane import line_alt

if TYPE_CHECKING:
    from pptx.slide import Slide

WIDE, HIGH, EDGE = 13.333, 7.5, 0.5
MOST_BOXES, MOST_FLOWS, MOST_ROWS, MOST_COLUMNS = 18, 14, 6, 3
MOST_POINTS, AXIS = 14, 190  # of the experience chart: points, and room of a name in points
FINDINGS, STORIES, STEPS = 4, 4, 4
SIGNED, PERCENT = "+0.00;\u22120.00;0.00", "0\u00a0%"  # a true minus; a space before the sign
ROOM_TOP = 6.18
BOX_SIZES = (18, 16, 14)
FIRST_COLUMN = 0.46  # of a table, for names
GAP, LEAST_PITCH = 0.22, 0.78  # inches between boxes, and from which rows there is room for it
LEAST_BELOW = 1.1  # inches from which there is room for more words
AREA: Place = (2.15, 1.4, 10.7, 4.12)


def write_slides(content: Content, path: Path) -> None:
    """Write the slides: overview, findings, experience, one slide a stage, moments, stories."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDE), Inches(HIGH)
    deck.core_properties.title = content.title
    deck.core_properties.author = "journeylib"
    deck.core_properties.language = content.words.language
    new = partial(_slide, deck, content)
    _title(deck, content)
    _overview(deck, content)
    _findings(deck, content)
    _experience(deck, content)
    for stage in content.stages:
        for part, points in enumerate(_parts(content, stage)):
            _stage(deck, content, stage, points, part)
        note_slides(new, content, stage)
    parked_slides(new, content)
    _moments(deck, content)
    _stories(deck, content)
    if len(content.segments) > 1:
        _segments(deck, content)
    if content.plan is not None:
        _plan(deck, content)
    difference_slides(new, content)
    first_slides(new, content)
    _end(deck, content)
    speak(deck, content.words.tag)
    save_same(deck, path)


def _slide(deck: Any, content: Content, title: str, ask: str, *, size: float = 28) -> Slide:
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    head = slide.shapes.title
    head.name = "title"
    place = (EDGE, 0.3, WIDE - 2 * EDGE, 1.0)
    head.left, head.top, head.width, head.height = map(Inches, place)
    lines, size = sized(title, place, [size, 24, 20, 16], bold=True)
    fill_text(head, lines, size, bold=True, centre=False)
    slide.notes_slide.notes_text_frame.text = ask
    foot = (EDGE, 7.08, WIDE - 2 * EDGE, 0.34)
    write(slide, "source", foot, f"{content.run_id} · {content.title}", size=10, ink="muted")
    return slide


def _title(deck: Any, content: Content) -> None:
    words = content.words
    slide = _slide(deck, content, content.title, words.text("ask.overview"), size=40)
    slide.shapes.title.top = Inches(2.3)
    write(slide, "kicker", (EDGE, 3.5, WIDE - 1, 0.8), content.kicker, size=20, ink="muted")
    write(slide, "about", (EDGE, 4.5, WIDE - 1, 0.9), content.source, size=16, ink="muted")


def _overview(deck: Any, content: Content) -> None:
    words = content.words
    title = words.text("deck.stages", n=len(content.stages))
    slide = _slide(deck, content, title, words.text("ask.overview"))
    many = len(content.stages)
    step = (WIDE - 2 * EDGE) / many
    for i, stage in enumerate(content.stages):
        name = stage.title(words)
        place = (EDGE + step * i, 1.5, step - 0.02, 0.95)
        shape = draw(
            slide,
            f"stage: {name}",
            place,
            kind=MSO_SHAPE.PENTAGON,
            fill="head",
            edge=None,
            alt=name,
        )
        shape.adjustments[0] = 0.18
        lines, size = sized(name, (0, 0, step - 0.32, 0.95), [18, 16, 14], bold=True)
        fill_text(shape, lines, size, bold=True, ink="head-ink")
        said = [] if stage.customers is None else [words.text("n", n=stage.customers)]
        bad = sum(point.mark < 0 for point in stage.touchpoints)
        moments = sum(bool(content.moments_at(point.name)) for point in stage.touchpoints)
        said += [f"▼\u00a0{bad}"] * bool(bad) + [f"★\u00a0{moments}"] * bool(moments)
        write(
            slide, f"size: {name}", (EDGE + step * i, 2.48, step - 0.05, 0.62), "  ".join(said),
            centre=True,
        )  # fmt: skip
    known = [stage for stage in content.stages if stage.customers is not None]
    if known:
        data = CategoryChartData()
        room = 72 * (WIDE - 2) / many
        data.categories = [svg.shorten(stage.title(words), room, 14, face=ARIAL) for stage in known]
        data.add_series(words.text("deck.reach_chart"), [stage.customers for stage in known])
        frame = slide.shapes.add_chart(
            XL_CHART_TYPE.COLUMN_CLUSTERED, *map(Inches, (EDGE, 3.15, WIDE - 1, 3.85)), data
        )
        frame.name = "chart: customers by stage"
        describe(frame, f"{words.text('deck.reach_chart')}: " + ", ".join(
            f"{stage.title(words)} {words.number(stage.customers or 0, 0)}" for stage in known
        ))  # fmt: skip
        chart = _plain_chart(frame, words.text("deck.reach_chart"))
        _series(chart, 0, "accent")
        plot = chart.plots[0]
        plot.gap_width, plot.has_data_labels = 60, True
        plot.data_labels.font.size, plot.data_labels.font.name = Pt(14), "Arial"
        plot.data_labels.number_format = "#,##0"
        plot.data_labels.number_format_is_linked = False
        chart.value_axis.minimum_scale = 0
        chart.value_axis.visible = False
        chart.value_axis.has_major_gridlines = False


def _plain_chart(frame: Any, title: str) -> Any:
    chart = frame.chart
    chart.font.size, chart.font.name = Pt(14), "Arial"
    chart.has_legend = False
    chart.has_title = True
    chart.chart_title.text_frame.text = title
    run = chart.chart_title.text_frame.paragraphs[0].runs[0]
    run.font.size, run.font.bold, run.font.name = Pt(16), False, "Arial"
    return chart


def _series(chart: Any, place: int, ink: str) -> None:
    fill = chart.plots[0].series[place].format.fill
    fill.solid()
    fill.fore_color.rgb = colour(ink)


def _findings(deck: Any, content: Content) -> None:
    words = content.words
    found = weighty(content)
    for shown in even_parts(found, FINDINGS):
        slide = _slide(deck, content, words.text("deck.findings"), words.text("ask.findings"))
        for i, finding in enumerate(shown):
            place = (EDGE, 1.45 + 1.35 * i, WIDE - 2 * EDGE, 1.2)
            box = draw(slide, f"finding: {finding.id}", place, fill="band", edge=None)
            lines, size = sized(finding.text, (0, 0, place[2] - 0.3, place[3]), [24, 20])
            fill_text(box, lines, size, centre=False)


def _experience(deck: Any, content: Content) -> None:
    words = content.words
    felt = [p for p in content.touchpoints if p.feeling is not None and p.feeling.value is not None]
    if not felt:
        return
    title, ask = words.text("deck.experience"), words.text("ask.experience")
    slide = _slide(deck, content, title, ask)
    kept = sorted(felt, key=lambda p: (-abs(_felt(p)), -p.customers, p.name))[:MOST_POINTS]
    shown = [point for point in felt if point in kept]
    data = CategoryChartData(number_format=SIGNED)
    data.categories = [
        svg.shorten(f"{_sign(point)}{point.name}", AXIS, 14, face=ARIAL) for point in shown
    ]
    for name, end in ((words.text("deck.feeling"), "value"), ("95 % ↓", "lo"), ("95 % ↑", "hi")):
        data.add_series(
            name,
            [
                getattr(p.feeling, end) if getattr(p.feeling, end) is not None else p.feeling.value
                for p in shown
                if p.feeling
            ],
        )
    frame = slide.shapes.add_chart(
        XL_CHART_TYPE.LINE_MARKERS, *map(Inches, (EDGE, 1.3, WIDE - 1, 5.1)), data
    )
    frame.name = "chart: experience line"
    describe(frame, line_alt(content))
    chart = _plain_chart(frame, words.text("scale.note"))
    chart.value_axis.minimum_scale, chart.value_axis.maximum_scale = -1, 1
    chart.value_axis.major_unit = 1
    # Whole numbers only: where a decimal has a comma is up to the reader's machine.
    chart.value_axis.tick_labels.number_format = SIGNED.replace("0.00", "0")
    chart.value_axis.tick_labels.number_format_is_linked = False
    chart.value_axis.major_gridlines.format.line.color.rgb = colour("line")
    chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    for place, (ink, width) in enumerate((("accent", 2.75), ("flow", 1.0), ("flow", 1.0))):
        series = chart.plots[0].series[place]
        series.smooth = False
        series.format.line.color.rgb, series.format.line.width = colour(ink), Pt(width)
        series.marker.style = XL_MARKER_STYLE.CIRCLE if place == 0 else XL_MARKER_STYLE.NONE
        series.marker.size = 9
        series.marker.format.fill.solid()
        series.marker.format.fill.fore_color.rgb = colour(ink)
    said = [line_alt(content)]
    if hidden := len(felt) - len(shown):
        said.append(f"{words.text('more', n=hidden)}.")
    if unheard := len(content.touchpoints) - len(felt):
        said.append(words.text("deck.unheard", n=unheard))
    note = " ".join(said)
    write(slide, "note", (EDGE, 6.4, WIDE - 1, 0.6), note, ink="muted")


def _felt(point: Touchpoint) -> float:
    return (point.feeling.value or 0.0) if point.feeling else 0.0


def _sign(point: Touchpoint) -> str:
    return {1: "▲\u00a0", -1: "▼\u00a0"}.get(point.mark, "")


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


def _stage(
    deck: Any, content: Content, stage: Stage, points: Sequence[Touchpoint], part: int
) -> None:
    words = content.words
    title = stage.title(words)
    if stage.customers is not None:
        title = words.text("deck.stage", stage=title, customers=stage.customers)
    if part:
        title = words.text("deck.continued", title=title, page=part + 1)
    notes = [words.text("ask.stage"), *(_told(content, point) for point in points)]
    slide = _slide(deck, content, title, "\n\n".join(notes))
    name_slide(slide, f"stage: {stage.name}")
    spots, lanes = _spots(content, points)
    columns, rows = max(s.column for s in spots) + 1, sum(depth for _, depth in lanes)
    x0, y0, width, height = AREA
    pitch = (width / columns, min(height / rows, 1.1))
    gap = GAP if pitch[1] >= LEAST_PITCH else 0.08
    box = (min(pitch[0] - 0.5 * (columns > 1), 4.2), pitch[1] - gap)
    row = 0
    for i, (channel, depth) in enumerate(lanes):
        top = y0 + row * pitch[1]
        name = channel or words.text("no_channel")
        draw(
            slide, f"lane: {name}", (EDGE, top - 0.03, WIDE - 2 * EDGE, depth * pitch[1] - 0.02),
            kind=MSO_SHAPE.RECTANGLE, fill="band" if i % 2 == 0 else "surface", edge=None,
        )  # fmt: skip
        write(
            slide, f"channel: {name}", (EDGE, top - 0.03, 1.6, max(depth * pitch[1] - 0.02, 0.5)),
            name, bold=True, middle=True,
        )  # fmt: skip
        row += depth
    places = {s.point.name: (x0 + s.column * pitch[0], y0 + s.row * pitch[1], *box) for s in spots}
    size = same_size([_counted(content, point) for point in points], (0, 0, *box), BOX_SIZES)
    shapes = {
        s.point.name: _box(slide, content, s.point, places[s.point.name], size) for s in spots
    }
    listed = _flows(slide, content, spots, shapes, upright=gap == GAP)
    _below(slide, content, stage, y0 + rows * pitch[1])
    lines = []
    if listed:
        lines.append(words.text("deck.moves", moves=", ".join(listed)))
    if stage.moves:
        lines.append(words.text("stage.next", moves=moves_text(content, stage)))
    write(
        slide, "moves", (EDGE, 5.52, WIDE - 2 * EDGE, 0.6), " · ".join(reversed(lines)), ink="muted"
    )
    _room(slide, content)


def _below(slide: Slide, content: Content, stage: Stage, top: float) -> None:
    """Say pains, hand-offs and who serves where the boxes leave room."""
    height = AREA[1] + AREA[3] - top - 0.1
    rows = [lane for lane in lanes_of(content) if lane.key in ("pains", "handoffs", "serves")]
    if height < LEAST_BELOW:
        return
    place = content.stages.index(stage)
    step = (WIDE - 2 * EDGE) / len(rows)
    for i, lane in enumerate(rows):
        spot = (EDGE + step * i, top + 0.1, step - 0.12, height)
        most = int((height - 0.12) * 72 / 16.8) - 2
        lines: list[str] = []
        for line in lane.cells[place]:
            said = fitted(line.text, (0, 0, spot[2], 9.0), 14)
            if len(lines) + len(said) <= most:
                lines += said
        shape = draw(slide, f"lane: {lane.key}", spot, fill=None, edge="line", width=1)
        head = content.words.text(f"lane.{lane.key}")
        heads = fitted(head, (0, 0, spot[2], 9.0), 14, bold=True, lines=2)
        fill_text(shape, [*heads, *lines], 14, middle=False, centre=False)
        for run in shape.text_frame.paragraphs[0].runs[: len(heads)]:
            run.font.bold = True


def _room(slide: Slide, content: Content) -> None:
    """Leave named, empty boxes for what the room says."""
    words = content.words
    many = 4
    step = (WIDE - 2 * EDGE) / many
    for i, key in enumerate(("notes", "opportunities", "questions", "owner")):
        place = (EDGE + step * i, ROOM_TOP, step - 0.12, 0.86)
        label = words.text(f"lane.{key}")
        shape = draw(slide, f"room: {key}", place, edge="flow", dashed=True, width=1, alt=label)
        fill_text(shape, [label], 14, ink="muted", middle=False, centre=False)


def _named(content: Content, point: Touchpoint) -> str:
    """Return a touchpoint's name with its verdict, feeling and star."""
    star = "★\u00a0" if content.moments_at(point.name) else ""
    return f"{verdict_glyph(point)}\u00a0{_sign(point)}{star}{point.name}"


def _counted(content: Content, point: Touchpoint) -> str:
    return f"{_named(content, point)} ({content.words.text('n', n=point.customers)})"


def _box(slide: Slide, content: Content, point: Touchpoint, place: Place, size: float) -> Any:
    words = content.words
    edge = {1: "good", -1: "bad"}.get(point.mark, "flow")
    said = verdict_text(words, point)
    alt = words.text(
        "alt.box", name=point.name, channel=point.channel or words.text("none"),
        customers=point.customers, verdict=said,
    )  # fmt: skip
    shape = draw(
        slide,
        f"touchpoint: {point.name}",
        place,
        edge=edge,
        width=3 if point.mark else 1.25,
        alt=alt,
    )
    bold = bool(point.mark)
    lines = fitted(_counted(content, point), place, size, bold=bold)
    if "…" in "".join(lines):
        lines = fitted(_named(content, point), place, size, bold=bold)
    fill_text(shape, lines, size, bold=bold)
    return shape


def _told(content: Content, point: Touchpoint) -> str:
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
    if point.handed is not None and point.handed.sessions:
        lines.append(handoff_text(content, point))
    return ". ".join(lines) + "."


def _flows(
    slide: Slide,
    content: Content,
    spots: Sequence[_Spot],
    shapes: dict[str, Any],
    *,
    upright: bool,
) -> list[str]:
    """Tie the strongest flows that cross no box; return the others in words.

    `upright` says that there is room for a tip between two boxes one below the other.
    """
    words = content.words
    where = {spot.point.name: spot for spot in spots}
    taken = {(spot.column, spot.row) for spot in spots}
    moves = _moves(content, [spot.point for spot in spots]).head(MOST_FLOWS)
    most = max(moves["journeys"], default=1)
    tracks: dict[int, int] = {}
    listed = []
    for row in moves.to_dict("records"):
        source, target = where[row["source"]], where[row["target"]]
        name = f"flow: {row['source']} → {row['target']}"
        alt = words.text(
            "alt.flow", source=row["source"], target=row["target"], journeys=int(row["journeys"])
        )
        width = 1.25 + 3.5 * row["journeys"] / most
        tie = {"width": width, "alt": alt}
        ends = shapes[row["source"]], shapes[row["target"]]
        if source.column == target.column:
            step = target.row - source.row
            if upright and abs(step) == 1:
                tie["width"] = min(width, 2.0)  # a wide line has a tip that covers text
                sites = (BOTTOM, TOP) if step > 0 else (TOP, BOTTOM)
                connect(slide, name, *ends, sites=sites, **tie)
                continue
        elif source.column < target.column and _clear(source, target, taken):
            track = tracks.get(source.column, 0)
            tracks[source.column] = track + 1
            bend = None if source.row == target.row else 0.5
            if bend and target.column == source.column + 1:
                bend = 0.35 + 0.1 * (track % 4)
            connect(slide, name, *ends, sites=(RIGHT, LEFT), bend=bend, **tie)
            continue
        listed.append(
            f"{row['source']} → {row['target']} ({words.text('n', n=int(row['journeys']))})"
        )
    return listed


def _clear(source: _Spot, target: _Spot, taken: set[tuple[int, int]]) -> bool:
    """Return whether an elbow that turns half-way crosses no box.

    It turns half-way because not every program keeps another turn.
    """
    low, high = sorted((source.row, target.row))
    double = source.column + target.column
    for column in range(source.column + 1, target.column):
        rows = {source.row} if 2 * column < double else {target.row}
        if 2 * column == double:
            rows = set(range(low, high + 1))
        if any((column, row) in taken for row in rows):
            return False
    return True


def _moments(deck: Any, content: Content) -> None:
    words = content.words
    for moment in content.moments:
        kind = words.label("outcome", moment.outcome)
        title = f"★ {moment.touchpoint.name}: {kind}"
        slide = _slide(deck, content, title, words.text("ask.moment"))
        rows = card_rows(content, moment)
        size = same_size([text for _, text in rows], (0, 0, 5.95, 1.38), BOX_SIZES)
        for i, (key, text) in enumerate(rows):
            x, y = EDGE + 6.2 * (i % 2), 1.45 + 1.85 * (i // 2)
            shape = draw(slide, f"card: {key}", (x, y, 6.05, 1.75), fill="band", edge=None)
            head = words.text(f"card.{key}")
            lines = fitted(text, (0, 0, 5.95, 1.38), size)
            fill_text(shape, [head, *lines], size, centre=False)
            shape.text_frame.paragraphs[0].runs[0].font.bold = True


def _stories(deck: Any, content: Content) -> None:
    """Tell stories as rows of steps, a few to a slide."""
    words = content.words
    place = 0
    for shown in even_parts(content.stories, STORIES):
        slide = _slide(deck, content, words.text("story.title"), words.text("ask.story"))
        for i, story in enumerate(shown):
            place += 1
            _story(slide, content, story, place, 1.4 + min(1.6, 5.3 / len(shown)) * i)
        note = content.stories_note
        write(slide, "note", (EDGE, 6.68, WIDE - 1, 0.39), note, ink="muted")


def _story(slide: Slide, content: Content, story: Story, place: int, top: float) -> None:
    words = content.words
    ends = ", ".join(
        f"{words.text(f'end.{end}')} {words.percent(share, 0)}" for end, share in story.ends
    )
    head = words.text("story.head", n=place, share=words.percent(story.share, 0))
    said = f"{head}, {words.text('n', n=story.journeys)}"
    name = f"story {place}"
    draw(
        slide, name, (EDGE, top, WIDE - 2 * EDGE, 1.25), kind=MSO_SHAPE.RECTANGLE, fill="band",
        edge=None,
    )  # fmt: skip
    write(slide, f"{name}: share", (EDGE + 0.05, top, 2.5, 0.85), said, bold=True, middle=True)
    if ends:
        text = words.text("story.ends", ends=ends)
        write(
            slide, f"{name}: ends", (EDGE + 0.05, top + 0.85, WIDE - 2.8, 0.39), text, ink="muted"
        )
    shown, step = story.steps[:STEPS], (WIDE - 2 * EDGE - 2.6) / STEPS
    before: Any = None
    for i, one in enumerate(shown):
        spot = (EDGE + 2.6 + step * i, top + 0.1, step - 0.35, 0.74)
        shape = draw(slide, f"{name}, step {i + 1}: {one.touchpoint}", spot, alt=one.touchpoint)
        text = f"{one.touchpoint} ({one.channel})" if one.channel else one.touchpoint
        lines = fitted(text, spot, 14)
        if "…" in "".join(lines):
            lines = fitted(one.touchpoint, spot, 14)
        fill_text(shape, lines, 14)
        if before is not None:
            connect(slide, f"{name}, flow {i}", before, shape)
        before = shape
    if len(story.steps) > STEPS:
        more = words.text("more", n=len(story.steps) - STEPS)
        spot = (WIDE - EDGE - 1.6, top + 0.85, 1.55, 0.39)
        write(slide, f"{name}: more", spot, more, ink="muted")


def _segments(deck: Any, content: Content) -> None:
    words = content.words
    title, ask = words.text("segment.title"), words.text("ask.segments")
    slide = _slide(deck, content, title, ask)
    data = CategoryChartData(number_format=PERCENT)
    room = 72 * (WIDE - 2) / len(content.stages)
    data.categories = [
        svg.shorten(stage.title(words), room, 14, face=ARIAL) for stage in content.stages
    ]
    for segment in content.segments:
        shares = [
            segment.stages[stage.name][0] if stage.name in segment.stages else None
            for stage in content.stages
        ]
        name = words.text("segment.head", name=segment.name, customers=segment.customers)
        data.add_series(name, shares)
    frame = slide.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, *map(Inches, (EDGE, 1.35, WIDE - 1, 5.1)), data
    )
    frame.name = "chart: segments by stage"
    describe(frame, title)
    chart = _plain_chart(frame, words.text("lane.segments"))
    chart.has_legend = True
    chart.legend.position = XL_LEGEND_POSITION.TOP
    chart.legend.include_in_layout = False
    chart.legend.font.size = Pt(14)
    chart.value_axis.major_gridlines.format.line.color.rgb = colour("line")
    chart.value_axis.minimum_scale = 0
    if max((share for s in content.segments for share, _ in s.stages.values()), default=0) > 0.8:
        chart.value_axis.maximum_scale = 1
    chart.value_axis.tick_labels.number_format = PERCENT
    chart.value_axis.tick_labels.number_format_is_linked = False
    for place, ink in enumerate(("accent", "fix_first", "abstain")[: len(content.segments)]):
        _series(chart, place, ink)
    write(slide, "note", (EDGE, 6.45, WIDE - 1, 0.6), words.text("segment.note"), ink="muted")


def _table(slide: Slide, name: str, heads: list[str], rows: list[list[str]], top: float) -> None:
    height = min(0.5 * (len(rows) + 1), 6.9 - top)
    frame = slide.shapes.add_table(
        len(rows) + 1, len(heads), *map(Inches, (EDGE, top, WIDE - 2 * EDGE, height))
    )
    frame.name = name
    first = Inches((WIDE - 2 * EDGE) * FIRST_COLUMN)
    rest = Inches((WIDE - 2 * EDGE) * (1 - FIRST_COLUMN) / max(len(heads) - 1, 1))
    for i, column in enumerate(frame.table.columns):
        column.width = rest if i else first
    for i, row in enumerate([heads, *rows]):
        for j, said in enumerate(row):
            cell = frame.table.cell(i, j)
            cell.text = said
            for run in cell.text_frame.paragraphs[0].runs:
                run.font.size, run.font.name, run.font.bold = Pt(16), "Arial", i == 0 or j == 0


def _plan(deck: Any, content: Content) -> None:
    words, plan = content.words, content.plan
    if plan is None:
        return
    share = words.estimate(plan.conforming)
    title = words.text("plan.conforming", share=share, n=plan.journeys)
    slide = _slide(deck, content, title, words.text("ask.plan"))
    kinds = ("as_planned", "skipped", "repeated")
    rows = [
        [
            f"{i}. {step}",
            *(planned_share(content, step, kind) for kind in kinds),
        ]
        for i, step in enumerate(plan.steps[:9], 1)
    ]
    heads = [words.text("plan.title"), *(words.text(f"plan.{kind}") for kind in kinds)]
    _table(slide, "table: plan", heads, rows, 1.5)


def _end(deck: Any, content: Content) -> None:
    words = content.words
    slide = _slide(deck, content, words.text("deck.end"), words.text("ask.end"))
    write(slide, "end", (EDGE, 1.5, WIDE - 1, 1.2), words.text("deck.end_text"), size=24)
    for i in range(3):
        place = (EDGE + 4.12 * i, 3.0, 4.0, 3.6)
        draw(slide, f"room: next step {i + 1}", place, dashed=True, width=1.0)
