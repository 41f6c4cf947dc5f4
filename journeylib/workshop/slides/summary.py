"""Slides on the journey as a whole: decisions, overview, experience, moments, stories, plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pptx.chart.data import CategoryChartData
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
)
from pptx.enum.shapes import MSO_SHAPE
from pptx.util import Inches, Pt

from journeylib.audits import DocumentPart
from journeylib.present import ARIAL, svg
from journeylib.workshop.content.cards import card_rows
from journeylib.workshop.content.content import Content, Stage, Touchpoint
from journeylib.workshop.content.lanes import PLAN_COLUMNS, planned_share, stage_counts, story_texts
from journeylib.workshop.content.pages import even_parts
from journeylib.workshop.slides import shapes
from journeylib.workshop.slides.shapes import EDGE, MUTED, WIDE, New, TextStyle, draw, write
from journeylib.workshop.slides.stage import BOX_SIZES, mood_sign
from journeylib.workshop.wall_map.experience_lane import line_alt

if TYPE_CHECKING:
    from pptx.slide import Slide

MOST_POINTS, AXIS = 14, 190  # of the experience chart: points, and room of a name in points
DECISIONS, STORIES, STEPS = 3, 4, 4
SIGNED, PERCENT = "+0.00;\u22120.00;0.00", "0\u00a0%"  # a true minus; a space before the sign
FIRST_COLUMN = 0.46  # of a table, for names
MOST_STEPS = 9  # of a plan
CENTRED, BOX_TEXT = TextStyle(centre=True), TextStyle(middle=True, centre=True)


def title_slide(new: New, content: Content) -> None:
    """Add the first slide."""
    slide = new(content.title, content.words.text("ask.overview"), size=40)
    slide.shapes.title.top = Inches(2.3)
    kicker = TextStyle(20, ink="muted")
    write(slide, "kicker", (EDGE, 3.5, WIDE - 1, 0.8), content.kicker, kicker)
    about = TextStyle(16, ink="muted")
    write(slide, "about", (EDGE, 4.5, WIDE - 1, 0.9), content.source, about)


def overview_slide(new: New, content: Content) -> None:
    """Add the stages as chevrons, and how many customers reach each."""
    words = content.words
    title = words.text("deck.stages", n=len(content.stages))
    slide = new(title, words.text("ask.overview"))
    step = (WIDE - 2 * EDGE) / len(content.stages)
    for i, stage in enumerate(content.stages):
        _chevron(slide, content, stage, EDGE + step * i, step)
    counted = [stage for stage in content.stages if stage.customers is not None]
    if not counted:
        return
    head = words.text("deck.reach_chart")
    data = CategoryChartData()
    data.categories = _stage_names(content, counted)
    data.add_series(head, [stage.customers for stage in counted])
    sizes = ", ".join(f"{s.title(words)} {words.number(s.customers, 0)}" for s in counted)
    frame = _add_chart(slide, "customers by stage", (EDGE, 3.15, WIDE - 1, 3.85), data, head)
    shapes.describe(frame, f"{head}: {sizes}")
    chart = frame.chart
    _colour_series(chart, 0, "accent")
    plot = chart.plots[0]
    plot.gap_width, plot.has_data_labels = 60, True
    plot.data_labels.font.size, plot.data_labels.font.name = Pt(14), shapes.FONT
    plot.data_labels.number_format = "#,##0"
    plot.data_labels.number_format_is_linked = False
    chart.value_axis.minimum_scale = 0
    chart.value_axis.visible = False
    chart.value_axis.has_major_gridlines = False


def _chevron(slide: Slide, content: Content, stage: Stage, x: float, step: float) -> None:
    words, name = content.words, stage.title(content.words)
    style = shapes.ShapeStyle(fill="head", edge=None, kind=MSO_SHAPE.PENTAGON)
    shape = draw(slide, f"stage: {name}", (x, 1.5, step - 0.02, 0.95), style, alt=name)
    shape.adjustments[0] = 0.18
    lines, size = shapes.sized(name, (0, 0, step - 0.32, 0.95), [18, 16, 14], bold=True)
    shapes.fill_text(
        shape, lines, TextStyle(size, bold=True, ink="head-ink", middle=True, centre=True)
    )
    counts = [] if stage.customers is None else [words.text("n", n=stage.customers)]
    signs = zip("▼★", stage_counts(content, stage), strict=True)
    counts += [f"{sign}\u00a0{n}" for sign, n in signs if n]
    write(slide, f"size: {name}", (x, 2.48, step - 0.05, 0.62), "  ".join(counts), CENTRED)


def _stage_names(content: Content, stages: Any) -> list[str]:
    room = 72 * (WIDE - 2) / len(content.stages)
    return [svg.shorten(stage.title(content.words), room, 14, face=ARIAL) for stage in stages]


def _add_chart(
    slide: Slide, name: str, area: shapes.Area, data: CategoryChartData, title: str,
    kind: Any = XL_CHART_TYPE.COLUMN_CLUSTERED,
) -> Any:  # fmt: skip
    frame: Any = slide.shapes.add_chart(kind, *map(Inches, area), data)
    frame.name = f"chart: {name}"
    chart = frame.chart
    chart.font.size, chart.font.name = Pt(14), shapes.FONT
    chart.has_legend = False
    chart.has_title = True
    chart.chart_title.text_frame.text = title
    run = chart.chart_title.text_frame.paragraphs[0].runs[0]
    run.font.size, run.font.bold, run.font.name = Pt(16), False, shapes.FONT
    return frame


def _colour_series(chart: Any, number: int, ink: str) -> None:
    fill = chart.plots[0].series[number].format.fill
    fill.solid()
    fill.fore_color.rgb = shapes.colour(ink)


def decision_slides(new: New, content: Content) -> None:
    """Add the finding that matters most, then what to decide, a few to a slide."""
    words, screen = content.words, content.first_screen
    ask = words.text("ask.decisions")
    slide = new(screen.headline, ask, size=40)
    write(slide, "headline: detail", (EDGE, 1.5, WIDE - 1, 1.6), screen.detail, TextStyle(24))
    for i, line in enumerate(screen.trust):
        write(slide, f"headline: trust {i + 1}", (EDGE, 3.4 + 0.6 * i, WIDE - 1, 0.55), line, MUTED)
    number = 0
    for decisions in even_parts(screen.decisions, DECISIONS):
        slide = new(words.text("present.now.decide"), ask)
        for i, one in enumerate(decisions):
            number += 1
            top, name = 1.45 + 1.85 * i, f"decision {number}"
            shape = draw(slide, name, (EDGE, top, WIDE - 2 * EDGE, 1.7), shapes.BAND)
            title = f"{number}. {one.title}."
            head, size = shapes.sized(title, (0, 0, WIDE - 1.2, 0.6), [18, 16], bold=True)
            body = shapes.fitted(f"{one.reason} ({one.base})", (0, 0, WIDE - 1.2, 1.1), size)
            shapes.fill_text(shape, [*head, *body], TextStyle(size, middle=True))
            shapes.embolden(shape, len(head))


def experience_slide(new: New, content: Content) -> None:
    """Add the experience line with its intervals: the strongest feelings, in their order."""
    words = content.words
    points = [point for point in content.touchpoints if point.is_heard]
    if not points:
        return
    slide = new(words.text("deck.experience"), words.text("ask.experience"))
    strongest = sorted(points, key=lambda p: (-abs(p.mood), -p.customers, p.name))[:MOST_POINTS]
    data = _experience_data(content, [point for point in points if point in strongest])
    area, head = (EDGE, 1.3, WIDE - 1, 5.1), words.text("scale.note")
    frame = _add_chart(slide, "experience line", area, data, head, XL_CHART_TYPE.LINE_MARKERS)
    shapes.describe(frame, line_alt(content))
    chart = frame.chart
    chart.value_axis.minimum_scale, chart.value_axis.maximum_scale = -1, 1
    chart.value_axis.major_unit = 1
    # Whole numbers only: where a decimal has a comma is up to the reader's machine.
    chart.value_axis.tick_labels.number_format = SIGNED.replace("0.00", "0")
    chart.value_axis.tick_labels.number_format_is_linked = False
    chart.value_axis.major_gridlines.format.line.color.rgb = shapes.colour("line")
    chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    for number, (ink, width) in enumerate((("accent", 2.75), ("flow", 1.0), ("flow", 1.0))):
        series = chart.plots[0].series[number]
        series.smooth = False
        series.format.line.color.rgb, series.format.line.width = shapes.colour(ink), Pt(width)
        series.marker.style = XL_MARKER_STYLE.NONE if number else XL_MARKER_STYLE.CIRCLE
        series.marker.size = 9
        series.marker.format.fill.solid()
        series.marker.format.fill.fore_color.rgb = shapes.colour(ink)
    note = [line_alt(content)]
    if hidden := len(points) - len(strongest):
        note.append(f"{words.text('more', n=hidden)}.")
    if unheard := len(content.touchpoints) - len(points):
        note.append(words.text("deck.unheard", n=unheard))
    write(slide, "note", (EDGE, 6.4, WIDE - 1, 0.6), " ".join(note), MUTED)


def _experience_data(content: Content, points: list[Touchpoint]) -> CategoryChartData:
    data = CategoryChartData(number_format=SIGNED)
    data.categories = [
        svg.shorten(f"{mood_sign(point)}{point.name}", AXIS, 14, face=ARIAL) for point in points
    ]
    feelings = [point.feeling for point in points if point.feeling is not None]
    data.add_series(content.words.text("deck.feeling"), [feeling.value for feeling in feelings])
    for name, end in (("95 % ↓", "lo"), ("95 % ↑", "hi")):
        ends = [getattr(feeling, end) for feeling in feelings]
        data.add_series(
            name, [f.value if x is None else x for x, f in zip(ends, feelings, strict=True)]
        )
    return data


def moment_slides(new: New, content: Content) -> None:
    """Add a card for each moment of truth."""
    words = content.words
    for moment in content.moments:
        kind = words.label("outcome", moment.outcome)
        slide = new(f"★ {moment.touchpoint.name}: {kind}", words.text("ask.moment"))
        rows = card_rows(content, moment)
        size = shapes.same_size([text for _, text in rows], (0, 0, 5.95, 1.38), BOX_SIZES)
        for i, (key, text) in enumerate(rows):
            x, y = EDGE + 6.2 * (i % 2), 1.45 + 1.85 * (i // 2)
            shape = draw(slide, f"card: {key}", (x, y, 6.05, 1.75), shapes.BAND)
            lines = [words.text(f"card.{key}"), *shapes.fitted(text, (0, 0, 5.95, 1.38), size)]
            shapes.fill_text(shape, lines, TextStyle(size, middle=True))
            shapes.embolden(shape)


def story_slides(new: New, content: Content) -> None:
    """Add the stories as rows of steps, a few to a slide."""
    words, number = content.words, 0
    for stories in even_parts(content.stories, STORIES):
        slide = new(words.text("story.title"), words.text("ask.story"))
        for i, story in enumerate(stories):
            number += 1
            _story(slide, content, story, number, 1.4 + min(1.6, 5.3 / len(stories)) * i)
        write(slide, "note", (EDGE, 6.68, WIDE - 1, 0.39), content.stories_note, MUTED)


def _story(slide: Slide, content: Content, story: DocumentPart, number: int, top: float) -> None:
    words, name = content.words, f"story {number}"
    head, base, ends = story_texts(content, number)
    draw(slide, name, (EDGE, top, WIDE - 2 * EDGE, 1.25), shapes.GROUND)
    area = (EDGE + 0.05, top, 2.5, 0.85)
    write(slide, f"{name}: share", area, head, TextStyle(bold=True, middle=True))
    below = " · ".join(filter(None, (base, ends)))
    write(slide, f"{name}: ends", (EDGE + 0.05, top + 0.85, WIDE - 2.8, 0.39), below, MUTED)
    step = (WIDE - 2 * EDGE - 2.6) / STEPS
    before: Any = None
    for i, one in enumerate(story.steps[:STEPS]):
        touchpoint, channel = svg.clean(one.touchpoint), svg.clean(one.channel or "")
        area = (EDGE + 2.6 + step * i, top + 0.1, step - 0.35, 0.74)
        shape = draw(slide, f"{name}, step {i + 1}: {touchpoint}", area, alt=touchpoint)
        lines = shapes.fitted(f"{touchpoint} ({channel})" if channel else touchpoint, area, 14)
        if "…" in "".join(lines):
            lines = shapes.fitted(touchpoint, area, 14)
        shapes.fill_text(shape, lines, BOX_TEXT)
        if before is not None:
            shapes.connect(slide, f"{name}, flow {i}", (before, shape))
        before = shape
    if len(story.steps) > STEPS:
        more = words.text("more", n=len(story.steps) - STEPS)
        write(slide, f"{name}: more", (WIDE - EDGE - 1.6, top + 0.85, 1.55, 0.39), more, MUTED)


def segment_slide(new: New, content: Content) -> None:
    """Add the reach of each stage by segment."""
    words, title = content.words, content.words.text("segment.title")
    slide = new(title, words.text("ask.segments"))
    data = CategoryChartData(number_format=PERCENT)
    data.categories = _stage_names(content, content.stages)
    for segment in content.segments:
        shares = [segment.stages.get(stage.name, (None, 0))[0] for stage in content.stages]
        name = words.text("segment.head", name=segment.name, customers=segment.customers)
        data.add_series(name, shares)
    area = (EDGE, 1.35, WIDE - 1, 5.1)
    frame = _add_chart(slide, "segments by stage", area, data, words.text("lane.segments"))
    shapes.describe(frame, title)
    chart = frame.chart
    chart.has_legend = True
    chart.legend.position = XL_LEGEND_POSITION.TOP
    chart.legend.include_in_layout = False
    chart.legend.font.size = Pt(14)
    chart.value_axis.major_gridlines.format.line.color.rgb = shapes.colour("line")
    chart.value_axis.minimum_scale = 0
    if max((share for s in content.segments for share, _ in s.stages.values()), default=0) > 0.8:
        chart.value_axis.maximum_scale = 1
    chart.value_axis.tick_labels.number_format = PERCENT
    chart.value_axis.tick_labels.number_format_is_linked = False
    inks = ("accent", "fix_first", "abstain")
    for number, (_, ink) in enumerate(zip(content.segments, inks, strict=False)):
        _colour_series(chart, number, ink)
    write(slide, "note", (EDGE, 6.45, WIDE - 1, 0.6), words.text("segment.note"), MUTED)


def plan_slide(new: New, content: Content) -> None:
    """Add the planned steps and which share of journeys keeps to them."""
    words, plan = content.words, content.plan
    if plan is None:
        return
    share = words.estimate(plan.conforming)
    title = words.text("plan.conforming", share=share, n=plan.journeys)
    rows = [[words.text("plan.title"), *(words.text(f"plan.{kind}") for kind in PLAN_COLUMNS)]]
    for i, step in enumerate(plan.steps[:MOST_STEPS], 1):
        shares = (planned_share(content, step, kind) for kind in PLAN_COLUMNS)
        rows.append([f"{i}. {step}", *shares])
    _table(new(title, words.text("ask.plan")), "table: plan", rows, 1.5)


def _table(slide: Slide, name: str, rows: list[list[str]], top: float) -> None:
    """Add a table whose first row and column are headings."""
    wide, many = WIDE - 2 * EDGE, len(rows[0])
    area = (EDGE, top, wide, min(0.5 * len(rows), 6.9 - top))
    frame = slide.shapes.add_table(len(rows), many, *map(Inches, area))
    frame.name = name
    for i, column in enumerate(frame.table.columns):
        share = (1 - FIRST_COLUMN) / max(many - 1, 1) if i else FIRST_COLUMN
        column.width = Inches(wide * share)
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            cell = frame.table.cell(i, j)
            cell.text = text
            for run in cell.text_frame.paragraphs[0].runs:
                run.font.size, run.font.name, run.font.bold = Pt(16), shapes.FONT, i == 0 or j == 0


def end_slide(new: New, content: Content) -> None:
    """Add the last slide: what to take home, and room for the next steps."""
    words = content.words
    slide = new(words.text("deck.end"), words.text("ask.end"))
    write(slide, "end", (EDGE, 1.5, WIDE - 1, 1.2), words.text("deck.end_text"), TextStyle(24))
    for i in range(3):
        draw(slide, f"room: next step {i + 1}", (EDGE + 4.12 * i, 3.0, 4.0, 3.6), shapes.PAPER)
