"""Shapes: native, named and described parts of a slide, and a file that is the same every time."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pptx.dml.color import RGBColor
from pptx.enum.dml import MSO_LINE
from pptx.enum.shapes import MSO_CONNECTOR, MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Inches, Pt

from journeylib.present import ARIAL, LIGHT, svg
from journeylib.workshop.content.content import Content

if TYPE_CHECKING:
    from pptx.slide import Slide

FONT = ARIAL.name  # on every machine with PowerPoint; LibreOffice has one of the same widths
INSET = 0.07
CORNER = 0.09  # inches
LEADING = 1.18
LEAST = 14  # points: what a room can read
STAMP = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)")
EPOCH = b"2000-01-01T00:00:00Z"
RIGHT, LEFT, BOTTOM, TOP = 3, 1, 2, 0  # connection sites of a rectangle
WIDE, HIGH, EDGE = 13.333, 7.5, 0.5  # of a slide and its margin, in inches

New = Callable[..., "Slide"]
"""`new_slide` of one presentation: adds a slide with a title and a question to ask."""
Area = tuple[float, float, float, float]
"""Left, top, width and height in inches."""


@dataclass(frozen=True)
class TextStyle:
    """How text is set: its size in points, weight, colour, and where it stands in its shape."""

    size: float = LEAST
    bold: bool = False
    ink: str = "ink"
    middle: bool = False
    centre: bool = False


@dataclass(frozen=True)
class ShapeStyle:
    """How a shape is drawn: its kind, colours (None: none), and its outline in points."""

    fill: str | None = "surface"
    edge: str | None = "flow"
    width: float = 1.25
    dashed: bool = False
    kind: Any = MSO_SHAPE.ROUNDED_RECTANGLE


@dataclass(frozen=True)
class ConnectorStyle:
    """How a connector runs: from which site to which, and as wide as this in points.

    `bend` is where an elbow turns, as a share of its way; None is a straight line.
    """

    sites: tuple[int, int] = (RIGHT, LEFT)
    bend: float | None = None
    width: float = 1.5


PLAIN, MUTED = TextStyle(), TextStyle(ink="muted")
BOX, BAND = ShapeStyle(), ShapeStyle(fill="band", edge=None)
PAPER = ShapeStyle(dashed=True, width=1.0)  # for people to write on
GROUND = ShapeStyle(fill="band", edge=None, kind=MSO_SHAPE.RECTANGLE)
ARROW = ConnectorStyle()


def colour(name: str) -> Any:
    """Return a colour of the light palette."""
    code = LIGHT[name].removeprefix("#")
    return RGBColor(*bytes.fromhex(code))


def fitted(
    text: str, area: Area, size: float, *, bold: bool = False, lines: int | None = None
) -> list[str]:
    """Return `text` broken into the lines that an area holds, cut inside where it is too long."""
    # The round corners of a box keep text off its sides, by less than a third of the radius.
    room = (area[2] - 2 * INSET - CORNER * 0.6) * 72
    most = max(1, int((area[3] - 2 * INSET) * 72 / (size * LEADING)))
    return svg.wrap(text, room, size, lines=min(most, lines or most), bold=bold, face=ARIAL)


def sized(
    text: str, area: Area, sizes: Sequence[float], *, bold: bool = False
) -> tuple[list[str], float]:
    """Return `text` as lines in the largest of `sizes` in which nothing of it is cut."""
    for size in sizes:
        lines = fitted(text, area, size, bold=bold)
        if "…" in text or "…" not in "".join(lines):
            return lines, size
    return fitted(text, area, sizes[-1], bold=bold), sizes[-1]


def same_size(texts: Sequence[str], area: Area, sizes: Sequence[float]) -> float:
    """Return the largest of `sizes` in which none of many texts is cut: all look alike then."""
    return min((sized(text, area, sizes, bold=True)[1] for text in texts), default=sizes[0])


def new_slide(
    presentation: Any, content: Content, title: str, ask: str, *, size: float = 28
) -> Slide:
    """Add a slide with its title, what the facilitator may ask, and where its numbers come from."""
    slide: Slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    head = slide.shapes.title
    head.name = "title"
    area = (EDGE, 0.3, WIDE - 2 * EDGE, 1.0)
    head.left, head.top, head.width, head.height = map(Inches, area)
    lines, size = sized(title, area, [size, 24, 20, 16], bold=True)
    fill_text(head, lines, TextStyle(size, bold=True, middle=True))
    slide.notes_slide.notes_text_frame.text = ask
    foot = (EDGE, 7.08, WIDE - 2 * EDGE, 0.34)
    write(slide, "source", foot, f"{content.run_id} · {content.title}", TextStyle(10, ink="muted"))
    return slide


def write(slide: Slide, name: str, area: Area, text: str, style: TextStyle = PLAIN) -> Any:
    """Add a text box whose lines are measured: what does not fit is cut, never clipped."""
    box = slide.shapes.add_textbox(*map(Inches, area))
    box.name = name
    fill_text(box, fitted(text, area, style.size, bold=style.bold), style)
    return box


def fill_text(shape: Any, lines: Sequence[str], style: TextStyle = PLAIN) -> None:
    """Put lines into a shape, one paragraph for all: whoever edits it gets flowing text."""
    frame = shape.text_frame
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = Inches(INSET)
    frame.vertical_anchor = MSO_ANCHOR.MIDDLE if style.middle else MSO_ANCHOR.TOP
    paragraph = frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.CENTER if style.centre else PP_ALIGN.LEFT
    for i, line in enumerate(lines):
        if i:
            paragraph.add_line_break()
        _run(paragraph, line, style)


def embolden(shape: Any, lines: int = 1) -> None:
    """Make the first lines of a shape a heading."""
    for run in shape.text_frame.paragraphs[0].runs[:lines]:
        run.font.bold = True


def add_paragraph(shape: Any, text: str, style: TextStyle, *, italic: bool = False) -> None:
    """Add a paragraph whose text flows to what stands in a shape."""
    paragraph = shape.text_frame.add_paragraph()
    paragraph.alignment = PP_ALIGN.LEFT
    _run(paragraph, text, style).font.italic = italic


def _run(paragraph: Any, text: str, style: TextStyle) -> Any:
    run = paragraph.add_run()
    run.text = text
    run.font.size, run.font.bold, run.font.name = Pt(style.size), style.bold, FONT
    run.font.color.rgb = colour(style.ink)
    return run


def draw(slide: Slide, name: str, area: Area, style: ShapeStyle = BOX, *, alt: str = "") -> Any:
    """Add a native shape with a name and, where given, an alternative text."""
    shape = slide.shapes.add_shape(style.kind, *map(Inches, area))
    shape.name = name
    if style.kind == MSO_SHAPE.ROUNDED_RECTANGLE:
        shape.adjustments[0] = min(0.5, CORNER / min(area[2:]))
    if style.fill is None:
        shape.fill.background()
    else:
        shape.fill.solid()
        shape.fill.fore_color.rgb = colour(style.fill)
    if style.edge is None:
        shape.line.fill.background()
    else:
        shape.line.color.rgb = colour(style.edge)
        shape.line.width = Pt(style.width)
        if style.dashed:
            shape.line.dash_style = MSO_LINE.DASH
    _flat(shape)
    describe(shape, alt)
    return shape


def draw_text(slide: Slide, name: str, area: Area, text: str, sizes: Sequence[float]) -> Any:
    """Add a box with text in the largest of `sizes` in which nothing of it is cut."""
    shape = draw(slide, name, area, BAND)
    lines, size = sized(text, (0, 0, area[2] - 0.3, area[3]), sizes)
    fill_text(shape, lines, TextStyle(size, middle=True))
    return shape


def _flat(shape: Any) -> None:
    """Take the theme's shadow away."""
    for effect in shape._element.iter(qn("a:effectRef")):
        effect.set("idx", "0")


def name_slide(slide: Slide, name: str) -> None:
    """Name a slide as a shape is named, counting those of one name: programs keep it."""
    others = slide.part.package.presentation_part.presentation.slides
    names = [str(other._element.cSld.get("name") or "") for other in others]
    same = sum(other.split(" #")[0] == name for other in names)
    slide._element.cSld.set("name", f"{name} #{same + 1}" if same else name)


def describe(shape: Any, alt: str) -> None:
    """Give a shape its alternative text; none marks it as decoration would be read."""
    if alt:
        shape._element.xpath(".//p:cNvPr")[0].set("descr", alt)


def connect(
    slide: Slide,
    name: str,
    ends: tuple[Any, Any],
    style: ConnectorStyle = ARROW,
    *,
    alt: str = "",
) -> Any:
    """Tie two shapes by a connector that follows them when they are moved."""
    kind = MSO_CONNECTOR.STRAIGHT if style.bend is None else MSO_CONNECTOR.ELBOW
    none = Inches(0)
    line: Any = slide.shapes.add_connector(kind, none, none, none, none)
    line.begin_connect(ends[0], style.sites[0])
    line.end_connect(ends[1], style.sites[1])
    line.name = name
    line.line.color.rgb, line.line.width = colour("flow"), Pt(style.width)
    _flat(line)
    outline = line.line._get_or_add_ln()
    tail = outline.makeelement(qn("a:tailEnd"), {"type": "triangle", "w": "med", "len": "med"})
    outline.append(tail)
    if style.bend is not None:
        geometry = line._element.spPr.find(qn("a:prstGeom"))
        values = geometry.find(qn("a:avLst"))
        if values is None:
            values = geometry.makeelement(qn("a:avLst"), {})
            geometry.append(values)
        at = {"name": "adj1", "fmla": f"val {round(style.bend * 100000)}"}
        values.append(values.makeelement(qn("a:gd"), at))
    describe(line, alt)
    return line


def set_language(presentation: Any, language: str) -> None:
    """Say of every text which language it is in, so that spelling is checked in that one."""
    for slide in presentation.slides:
        roots = [slide._element, slide.notes_slide._element]
        charts = [shape.chart._chartSpace for shape in slide.shapes if shape.has_chart]
        for root in (*roots, *charts):
            for run in root.iter(qn("a:r")):
                run.get_or_add_rPr()
            for kind in ("a:rPr", "a:defRPr", "a:endParaRPr"):
                for properties in root.iter(qn(kind)):
                    properties.set("lang", language)
        for chart in charts:
            spoken = chart.makeelement(qn("c:lang"), {"val": language})
            chart.find(qn("c:date1904")).addnext(spoken)


def save_same(presentation: Any, path: Path) -> None:
    """Save a presentation so that the same content gives the same bytes."""
    written = io.BytesIO()
    presentation.save(written)
    path.write_bytes(_without_clock(written.getvalue()))


def _without_clock(content: bytes) -> bytes:
    """Return an Office file, and the workbooks in it, without the time of writing."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename.endswith(".xlsx"):
                data = _without_clock(data)
            elif entry.filename == "docProps/core.xml":
                data = STAMP.sub(rb"\g<1>" + EPOCH + rb"\g<2>", data)
            plain = zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0))
            plain.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(plain, data)
    return made.getvalue()
