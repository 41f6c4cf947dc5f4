"""A chart as a still picture: the part of plotly that our charts use, drawn as SVG.

Pages without script, mail and print need a picture, on machines that have no browser to draw one.
The picture is the same on every machine, and its colours follow the theme of the page.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from journeylib.present.drawing import svg
from journeylib.present.drawing.chart import BAR_WIDTH, Area, Point, plain
from journeylib.present.drawing.label_placement import Rect, leader
from journeylib.present.theme import LIGHT, VERDICTS, Shape

WIDTH = 1180.0
LABEL = 36.0  # height of two lines beside a flow
PARTS = frozenset({"error_x", "error_y", "font", "line", "link", "margin", "marker", "node",
                   "textfont", "tickfont", "title", "xaxis", "yaxis"})  # fmt: skip
_VARIABLES = {colour: f"var(--jl-{name})" for name, colour in reversed(LIGHT.items())}
_ANCHORS = {"left": "start", "center": "middle", "right": "end"}
_SHAPES: dict[str, Shape] = {
    "circle": "circle",
    "diamond": "diamond",
    "square": "square",
    "x": "cross",
}


class _Part:
    """What a chart says of one part of it; None where it says nothing.

    plotly's own objects check and copy at each look.
    """

    def __init__(self, properties: dict[str, Any]) -> None:
        self._properties = properties

    def __getattr__(self, name: str) -> Any:
        value = self._properties.get(name)
        return _Part(value or {}) if name in PARTS else value


def still(drawn: go.Figure) -> tuple[list[str], float, float]:
    """Return the parts of a chart with width and height.

    Parameters
    ----------
    drawn : plotly.graph_objects.Figure
        Made by `chart.chart`: both axes with a range and ticks; bars that lie, points, hearts as
        text, lines; error bars; rectangles and lines as shapes; annotations;
        a legend of bars.
        Or one Sankey trace of a width, whose first node stands between all others.
    """
    layout = _Part(drawn.layout.to_plotly_json())
    traces = [_Part(trace.to_plotly_json()) for trace in drawn.data]
    margin, height = layout.margin, float(layout.height)
    width = float(layout.width or WIDTH)
    if traces and traces[0].type == "sankey":
        return _sankey(traces[0], width, (margin.t, height - margin.b)), width, height
    plot, shapes = Area.of(drawn, width), [_Part(shape) for shape in layout.shapes or ()]
    parts = [_shape(plot, shape) for shape in shapes if shape.layer == "below"]
    parts += [*_across(plot, layout.xaxis), *_up(plot, layout.yaxis)]
    parts += [_shape(plot, shape) for shape in shapes if shape.layer != "below"]
    for trace in traces:
        parts += _bars(plot, trace) if trace.type == "bar" else _scatter(plot, trace)
    parts += [_annotation(plot, _Part(note)) for note in layout.annotations or ()]
    x = plot.left
    for trace in traces if layout.showlegend else ():
        square = svg.rect(x, height - 22, 11, 11, "jl-shape")
        parts.append(square.replace("/>", f' style="fill:{_paint(trace.marker.color)}"/>'))
        parts.append(_text(x + 18, height - 16, trace.name, None))
        x += 44 + svg.text_width(trace.name, 12.5)
    return parts, width, height


def _sankey(trace: Any, width: float, ends: Point) -> list[str]:
    """Return flows into and out of the first node, each side as high as all of it."""
    links = list(zip(trace.link.source, trace.link.target, trace.link.value, strict=True))
    sides = [[row for row in enumerate(links) if row[1][side] == 0] for side in (1, 0)]
    total = sum(value for _, (_, _, value) in sides[0]) or 1
    shares = [[value / total for _, (_, _, value) in side] for side in sides]
    room = _flow_height(shares, ends[1] - ends[0])
    thick, middle = trace.node.thickness, width / 2
    back, front = [], []
    for left, side in zip((True, False), sides, strict=True):
        heights = [room * share for share in shares[0 if left else 1]]
        slots = [max(height, LABEL) for height in heights]
        y = (sum(ends) - sum(slots)) / 2
        inner = (sum(ends) - room) / 2
        at, edge = (thick, middle - thick / 2) if left else (width - thick, middle + thick / 2)
        for (link, (source, target, _)), height, slot in zip(side, heights, slots, strict=True):
            node = source if left else target
            top = y + (slot - height) / 2
            title = html.unescape(trace.link.customdata[link])
            colour = _each(trace.link.color, link)
            ribbon = _ribbon((at, top), (edge, inner), height, colour)
            back.append(svg.titled(title, ribbon))
            bar = svg.rect(at - thick * left, top, thick, height, "jl-shape")
            front.append(bar.replace("/>", f' style="fill:{_paint(trace.node.color[node])}"/>'))
            anchor, x = ("start", at + 6) if left else ("end", at - 6)
            lines = trace.node.label[node].split("<br>")
            for shift, line in zip((-8, 8), lines, strict=True):
                front.append(_text(x, y + slot / 2 + shift, line, None, anchor))
            y, inner = y + slot, inner + height
    own = svg.rect(middle - thick / 2, (sum(ends) - room) / 2, thick, room, "jl-shape")
    return [*back, own.replace("/>", f' style="fill:{_paint(trace.node.color[0])}"/>'), *front]


def _flow_height(sides: Sequence[Sequence[float]], height: float) -> float:
    """Return how high all flows are together, where each has room for its label."""
    low, high = 0.0, height
    for _ in range(40):
        middle = (low + high) / 2
        fits = all(sum(max(middle * x, LABEL) for x in side) <= height for side in sides)
        low, high = (middle, high) if fits else (low, middle)
    return low


def _ribbon(outer: Point, inner: Point, height: float, colour: str) -> str:
    (x0, y0), (x1, y1) = outer, inner
    half = svg.num((x0 + x1) / 2)
    a, b, c, d = (svg.num(y) for y in (y0, y1, y1 + height, y0 + height))
    start, end = svg.num(x0), svg.num(x1)
    data = f"M{start} {a}C{half} {a} {half} {b} {end} {b}V{c}C{half} {c} {half} {d} {start} {d}Z"
    opacity = int(colour[7:] or "ff", 16) / 255  # the last two of eight digits
    style = f"fill:{_paint(colour[:7])};opacity:{opacity:.2f}"
    return f'<path d="{data}" class="jl-shape" style="{style}"/>'


def _paint(colour: str | None, default: str = "ink") -> str:
    return _VARIABLES.get(colour or "", colour or f"var(--jl-{default})")


def _text(x: float, y: float, words: str, font: Any, anchor: str = "start") -> str:
    """Return words of a chart; they may be bold as a whole, and hold no other markup."""
    kind = "jl-halo jl-b" if "<b>" in words else "jl-halo"
    size = getattr(font, "size", None) or 12.5
    style = f' style="font-size:{svg.num(size)}px;fill:{_paint(getattr(font, "color", None))}"'
    return svg.label(x, y + 0.35 * size, plain(words), kind, anchor=anchor, extra=style)


def _ticks(axis: Any) -> Iterator[tuple[float, str]]:
    return zip(axis.tickvals or (), axis.ticktext or (), strict=True)


def _across(plot: Area, axis: Any) -> list[str]:
    parts = []
    for at, words in _ticks(axis):
        if axis.showgrid is not False:
            parts.append(svg.line(plot.x(at), plot.top, plot.x(at), plot.bottom, "jl-rule"))
        parts.append(_text(plot.x(at), plot.bottom + 14, words, axis.tickfont, "middle"))
    if axis.title.text:
        middle = (plot.left + plot.right) / 2
        title = _text(middle, plot.bottom + 35, axis.title.text, axis.title.font, "middle")
        parts.append(title)
    return parts


def _up(plot: Area, axis: Any) -> list[str]:
    parts = []
    for at, words in _ticks(axis):
        if axis.showgrid is not False:
            parts.append(svg.line(plot.left, plot.y(at), plot.right, plot.y(at), "jl-rule"))
        parts.append(_text(plot.left - 10, plot.y(at), words, axis.tickfont, "end"))
    if axis.title.text:
        y = svg.num((plot.top + plot.bottom) / 2)
        title = _text(18, float(y), axis.title.text, axis.title.font, "middle")
        parts.append(title.replace("<text", f'<text transform="rotate(-90 18 {y})"', 1))
    return parts


def _shape(plot: Area, shape: Any) -> str:
    x0, x1 = (plot.x(x, shape.xref) for x in (shape.x0, shape.x1))
    y0, y1 = (plot.y(y, shape.yref) for y in (shape.y0, shape.y1))
    if shape.type == "rect":
        style = f'style="fill:{_paint(shape.fillcolor)};opacity:{shape.opacity or 1}"'
        drawn = svg.rect(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0), "jl-shape")
        return drawn.replace("/>", f" {style}/>")
    drawn = _stroke([(x0, y0), (x1, y1)], shape.line)
    return drawn.replace('style="', f'style="opacity:{shape.opacity or 1};')


def _stroke(points: Sequence[Point], line: Any) -> str:
    dash = ";stroke-dasharray:5 4" if line.dash and line.dash != "solid" else ""
    style = f"fill:none;stroke:{_paint(line.color, 'muted')};stroke-width:{line.width or 1}{dash}"
    return f'<path d="{svg.path(points)}" class="jl-stroke" style="{style}"/>'


def _each(value: Any, index: int) -> Any:
    """Return the value of one point, where a setting may hold one for all."""
    return value if value is None or isinstance(value, str | int | float) else value[index]


def _titled(trace: Any, index: int, *parts: str) -> str:
    title = _each(trace.hovertext, index)
    return svg.titled(html.unescape(title), *parts) if title else "".join(parts)


def _bars(plot: Area, trace: Any) -> list[str]:
    parts = []
    half = (trace.width or BAR_WIDTH) / 2
    for i, (length, row) in enumerate(zip(trace.x, trace.y, strict=True)):
        base = _each(trace.base, i) or 0.0
        start, end = plot.x(base), plot.x(base + length)
        top, bottom = sorted((plot.y(row - half), plot.y(row + half)))
        drawn = svg.rect(start, top, end - start, bottom - top, "jl-shape")
        style = f' style="fill:{_paint(_each(trace.marker.color, i))}"/>'
        parts.append(_titled(trace, i, drawn.replace("/>", style)))
    return parts + _whiskers(plot, trace)


def _scatter(plot: Area, trace: Any) -> list[str]:
    points = [(plot.x(x), plot.y(y)) for x, y in zip(trace.x, trace.y, strict=True)]
    mode, parts = trace.mode or "", []
    if "lines" in mode and points:
        parts.append(_stroke(points, trace.line))
    parts += _whiskers(plot, trace)
    if "text" in mode:
        size = trace.textfont.size / 2.6
        for i, (point, sign) in enumerate(zip(points, trace.text, strict=True)):
            drawn = svg.marker("heart", *point, size, "jl-mark")
            hollow = sign != VERDICTS["human_only"].glyph
            style = _filled(_paint(_each(trace.textfont.color, i)), hollow=hollow)
            parts.append(_titled(trace, i, drawn.replace("/>", f" {style}/>")))
    if "markers" in mode:
        parts += [
            _titled(trace, i, _marker(trace.marker, i, *point)) for i, point in enumerate(points)
        ]
    return parts


def _marker(marker: Any, index: int, x: float, y: float) -> str:
    symbol = str(_each(marker.symbol, index) or "circle")
    colour = _paint(_each(marker.color, index), "accent")
    radius = (_each(marker.size, index) or 12) / 2
    if symbol.startswith("triangle"):
        return svg.triangle(x, y, radius, up=symbol == "triangle-up")
    drawn = svg.marker(_SHAPES[symbol.removesuffix("-open")], x, y, radius, "jl-mark")
    style = _filled(colour, hollow=symbol.endswith("-open"))
    return drawn.replace("/>", f" {style}/>")


def _filled(colour: str, *, hollow: bool) -> str:
    if hollow:
        return f'style="fill:var(--jl-surface);stroke:{colour};stroke-width:2"'
    return f'style="fill:{colour};stroke:none"'


def _whiskers(plot: Area, trace: Any) -> list[str]:
    """Return error bars along both axes, with a stroke across at each end."""
    parts = []
    for upright, bar in ((False, trace.error_x), (True, trace.error_y)):
        if bar.array is None:
            continue
        cap, look = (bar.width or 0) + 1, {"color": bar.color, "width": bar.thickness or 1.6}
        for x, y, more, less in zip(trace.x, trace.y, bar.array, bar.arrayminus, strict=True):
            middle = x + (_each(trace.base, 0) or 0.0) if trace.type == "bar" else x
            if upright:
                at, lo, hi = plot.x(middle), plot.y(y - less), plot.y(y + more)
            else:
                at, lo, hi = plot.y(y), plot.x(middle - less), plot.x(middle + more)
            strokes = [[(lo, at), (hi, at)]]
            if bar.width:
                strokes += [[(end, at - cap), (end, at + cap)] for end in (lo, hi)]
            parts += [
                _stroke([p[::-1] for p in stroke] if upright else stroke, _Part(look))
                for stroke in strokes
                if any(one != other for one, other in pairwise(stroke))
            ]
    return parts


def _annotation(plot: Area, note: Any) -> str:
    at = plot.x(note.x, note.xref), plot.y(note.y, note.yref)
    moved = (note.ax, note.ay) if note.showarrow else (note.xshift or 0, -(note.yshift or 0))
    x, y = at[0] + moved[0], at[1] + moved[1]
    written = _text(x, y, note.text, note.font, _ANCHORS[note.xanchor or "center"])
    if not note.showarrow:
        return written
    wide = svg.text_width(plain(note.text), note.font.size)
    tie = leader(at, Rect(x - wide / 2, y - 7, wide, 14))
    return written if tie is None else svg.line(*tie, "jl-leader") + written
