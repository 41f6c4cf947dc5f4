"""Charts: plotly figures in the colours and type that every picture shares."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import plotly.graph_objects as go
import plotly.io

from journeylib.core import Estimate
from journeylib.present.drawing.label_placement import Rect, leader, place_labels
from journeylib.present.drawing.svg import clean, shorten, text_width
from journeylib.present.theme import DARK, FONT, LIGHT

Theme = Literal["light", "dark", "print"]
PALETTES: dict[Theme, dict[str, str]] = {"light": LIGHT, "dark": DARK, "print": LIGHT}
NAMES: dict[Theme, str] = {
    "light": "journeylib",
    "dark": "journeylib_dark",
    "print": "journeylib_print",
}
SIZES: dict[Theme, int] = {"light": 13, "dark": 13, "print": 11}
ROW = 34  # height of a row of a chart with one touchpoint a row
NAME_SIZE = 13
BAR_WIDTH = 0.62  # of a row
NARROW = 860  # pixels: where names stand free at this width, they do at every wider one
PHONE = 320  # pixels of a chart on a phone
Point = tuple[float, float]
_BOLD = re.compile(r"</?b>")


@dataclass(frozen=True)
class Area:
    """Where the area of the axes stands in pixels, and the ends of both scales."""

    left: float
    right: float
    top: float
    bottom: float
    across: Point
    up: Point

    @classmethod
    def of(cls, drawn: go.Figure, width: float) -> Area:
        """Return the area of a chart that is so wide."""
        layout, margin = drawn.layout, drawn.layout.margin
        return cls(
            margin.l, width - margin.r, margin.t, layout.height - margin.b,
            tuple(layout.xaxis.range), tuple(layout.yaxis.range),
        )  # fmt: skip

    def x(self, value: float, ref: str | None = "x") -> float:
        """Return where a value stands; of a share of the area if `ref` is no axis."""
        first, last = self.across if ref == "x" or ref is None else (0.0, 1.0)
        return self.left + (self.right - self.left) * (value - first) / ((last - first) or 1.0)

    def y(self, value: float, ref: str | None = "y") -> float:
        """Return how far down a value stands."""
        first, last = self.up if ref == "y" or ref is None else (0.0, 1.0)
        return self.bottom - (self.bottom - self.top) * (value - first) / ((last - first) or 1.0)


@cache
def template(theme: Theme) -> go.layout.Template:
    """Return the template of one theme, and register it with plotly under its name."""
    colours = PALETTES[theme]
    axis = {
        "gridcolor": colours["line"],
        "linecolor": colours["muted"],
        "tickfont": {"color": colours["muted"], "size": SIZES[theme] - 1},
        "zeroline": False,
        "ticks": "",
        "ticklabelstandoff": 6,
        "title": {"font": {"size": SIZES[theme]}},
    }
    made = go.layout.Template(
        layout={
            "font": {"family": FONT, "size": SIZES[theme], "color": colours["ink"]},
            "paper_bgcolor": colours["surface"],
            "plot_bgcolor": colours["surface"],
            "colorway": [colours[name] for name in ("accent", "human_only", "fix_first", "good")],
            "hoverlabel": {"bgcolor": colours["band"], "font": {"color": colours["ink"]}},
            "hovermode": "closest",
            "showlegend": False,
            "barmode": "overlay",
            "xaxis": axis,
            "yaxis": axis,
        }
    )
    # A mark at the end of its scale is drawn as a whole.
    made.data.scatter = [{"cliponaxis": False}]
    plotly.io.templates[NAMES[theme]] = made
    return made


def chart(height: int, *, left: int, right: int, bottom: int = 44) -> go.Figure:
    """Return an empty chart with fixed margins, so that screen and still picture agree."""
    return go.Figure(
        layout={
            "template": template("light"),
            "height": height,
            "margin": {"l": left, "r": right, "t": 14, "b": bottom},
        }
    )


def with_narrow(drawn: go.Figure, narrow: go.Figure) -> go.Figure:
    """Return a chart that a page draws with the layout of another one where it is on a phone."""
    layout = narrow.layout.to_plotly_json()
    properties = {
        name: layout[name] for name in layout if name not in ("template", "width", "meta")
    }
    return drawn.update_layout(meta={**(drawn.layout.meta or {}), "narrow": properties})


def words(name: object, width: float | None = None, *, bold: bool = False) -> str:
    """Return a name as it may stand in a chart: shortened, on one line, without markup."""
    short = clean(name) if width is None else shorten(clean(name), width, NAME_SIZE, bold=bold)
    safe = html.escape(short, quote=False)
    return f"<b>{safe}</b>" if bold else safe


def plain(written: str) -> str:
    """Return words of a chart as they are read."""
    return html.unescape(_BOLD.sub("", written))


def ticks(at: Sequence[float], written: Sequence[str], **axis: Any) -> dict[str, Any]:
    """Return an axis with these ticks."""
    return {"tickmode": "array", "tickvals": list(at), "ticktext": list(written), **axis}


def row_axis(names: Sequence[str]) -> dict[str, Any]:
    """Return an axis with one named row each, from top to bottom."""
    last = len(names) - 0.5
    return ticks(range(len(names)), names, range=[last, -0.5], showgrid=False)


def row_chart(
    names: Sequence[str],
    axis: dict[str, Any],
    *,
    sides: tuple[int, int],
    bold: Collection[int] = (),
    row: int = ROW,
) -> go.Figure:
    """Return a chart with one named row each.

    Parameters
    ----------
    names : sequence of str
        From top to bottom; shortened where they do not fit.
    axis : dict
        Below the rows, made by `ticks`.
    sides : (int, int)
        Most room for the names, and room for words to the right of the rows.
    bold : collection of int
        Which rows have a bold name.
    row : int
        Height of a row.
    """
    written = [words(name, sides[0] - 26, bold=i in bold) for i, name in enumerate(names)]
    bottom = 58 if "title_text" in axis else 40
    drawn = chart(
        18 + bottom + row * len(names), left=room_for(names, sides[0]), right=sides[1],
        bottom=bottom,
    )  # fmt: skip
    return drawn.update_layout(xaxis=axis, yaxis=row_axis(written))


def add_marks(
    drawn: go.Figure,
    marks: Sequence[tuple[float, float, str]],
    *,
    spans: Sequence[Estimate] = (),
    **look: Any,
) -> None:
    """Draw marks, each at a value in a row with what the mouse says of it, with intervals."""
    drawn.add_scatter(
        x=[x for x, _, _ in marks], y=[y for _, y, _ in marks], mode="markers",
        hovertext=[hover for _, _, hover in marks], hoverinfo="text",
        marker={"size": 12, "line": {"width": 2}, **look},
        error_x=whiskers(spans) if spans else None,
    )  # fmt: skip


def add_bars(
    drawn: go.Figure, name: str, bars: Sequence[tuple[int, float, float, str]], **look: Any
) -> None:
    """Draw bars of one kind: the row of each, where it begins, its length, what the mouse says."""
    drawn.add_bar(
        orientation="h", name=name, marker=look, width=BAR_WIDTH, hoverinfo="text",
        y=[row for row, *_ in bars], base=[base for _, base, _, _ in bars],
        x=[length for _, _, length, _ in bars], hovertext=[hover for *_, hover in bars],
    )  # fmt: skip


def add_chosen(
    drawn: go.Figure, at: Point, hover: str, *, name: str, **anchor: int | str
) -> go.Figure:
    """Mark the point of a line that was chosen, with its name in bold beside it."""
    add_marks(drawn, [(*at, hover)], color=LIGHT["accent"])
    note = {"x": at[0], "y": at[1], "text": f"<b>{name}</b>", "showarrow": False, **anchor}
    return annotate(drawn, [note])


def with_legend(drawn: go.Figure) -> go.Figure:
    """Return a chart of bars with its legend below."""
    margin = {"b": drawn.layout.margin.b + 30}
    legend = {
        "orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom",
        "traceorder": "normal", "itemclick": False, "itemdoubleclick": False,
    }  # fmt: skip
    return drawn.update_layout(
        showlegend=True, legend=legend, margin=margin, height=drawn.layout.height + 30
    )


def room_for(names: Sequence[str], most: int) -> int:
    """Return the margin in which these names fit, at most `most` pixels."""
    widths = [text_width(name, NAME_SIZE, bold=True) for name in names]
    return min(most, round(max(widths, default=0.0)) + 28)


def annotate(drawn: go.Figure, notes: Iterable[Mapping[str, Any]]) -> go.Figure:
    """Write words into a chart, all at once: plotly checks every one again at each change."""
    drawn.layout.annotations = (*drawn.layout.annotations, *notes)
    return drawn


def add_shapes(drawn: go.Figure, shapes: Iterable[Mapping[str, Any]]) -> go.Figure:
    """Draw lines and areas, all at once for the same reason."""
    drawn.layout.shapes = (*drawn.layout.shapes, *shapes)
    return drawn


def stroke(
    start: Point, end: Point, look: Mapping[str, Any], layer: str | None = None
) -> dict[str, Any]:
    """Return a straight line, for `add_shapes`."""
    (x0, y0), (x1, y1) = start, end
    ends = {"x0": x0, "y0": y0, "x1": x1, "y1": y1}
    return {"type": "line", **ends, "layer": layer, "line": look}


def beside(row: float, sentence: str) -> dict[str, Any]:
    """Return words to the right of a row, for `annotate`."""
    return {
        "text": sentence, "x": 1, "xref": "paper", "xanchor": "left", "xshift": 14,
        "y": row, "yref": "y", "yanchor": "middle", "showarrow": False, "align": "left",
        "font": {"color": LIGHT["muted"], "size": 12},
    }  # fmt: skip


def write_beside(drawn: go.Figure, sentences: Iterable[tuple[float, str]]) -> go.Figure:
    """Write a sentence to the right of each of these rows."""
    return annotate(drawn, itertools.starmap(beside, sentences))


def whiskers(values: Sequence[Estimate], **look: Any) -> dict[str, Any]:
    """Return the intervals of estimates as error bars."""
    points = [(one.value or 0.0, one.lo, one.hi) for one in values]
    bars = {
        "type": "data", "symmetric": False, "color": LIGHT["ink"], "thickness": 1.6, "width": 5,
        "array": [0.0 if hi is None else hi - value for value, _, hi in points],
        "arrayminus": [0.0 if lo is None else value - lo for value, lo, _ in points],
    }  # fmt: skip
    return bars | look


def add_names(
    drawn: go.Figure,
    names: Sequence[tuple[Point, str, str]],
    *,
    marks: Sequence[Point],
    lines: Sequence[tuple[Point, Point]],
) -> None:
    """Write names beside points, off every mark and where there is room off the lines.

    Parameters
    ----------
    drawn : plotly.graph_objects.Figure
        Gets the names as annotations. One without a width is never shown narrower than `NARROW`.
    names : sequence of (point, name, colour)
        The most important first: it chooses its place first.
    marks : sequence of points
        Of all that is drawn.
    lines : sequence of (point, point)
        Covered only where there is no better place.
    """
    area = Area.of(drawn, drawn.layout.width or NARROW)

    def around(points: Sequence[Point], room: float) -> Rect:
        x, y = ([f(point[i]) for point in points] for i, f in enumerate((area.x, area.y)))
        size = (max(x) - min(x) + 2 * room, max(y) - min(y) + 2 * room)
        return Rect(min(x) - room, min(y) - room, *size)

    spots = [(area.x(x), area.y(y)) for (x, y), _, _ in names]
    places = place_labels(
        spots,
        [(text_width(plain(name), 12, bold="<b>" in name) * 0.92, 15.0) for _, name, _ in names],
        bounds=Rect(area.left + 2, area.top, area.right - area.left, area.bottom - area.top - 2),
        marks=[around([mark], 8) for mark in marks],
        soft=[around(line, 1) for line in lines],
    )
    notes = []
    for ((x, y), name, colour), spot, rect in zip(names, spots, places, strict=True):
        if rect is None:
            continue
        across = rect.x + rect.width / 2 - spot[0]
        down = rect.y + rect.height / 2 - spot[1]
        tied = leader(spot, rect) is not None
        moved = {"ax": across, "ay": down} if tied else {"xshift": across, "yshift": -down}
        notes.append({
            "x": x, "y": y, "text": name, "font": {"size": 12, "color": LIGHT[colour]},
            "showarrow": tied, "xanchor": "center", "yanchor": "middle", "arrowhead": 0,
            "arrowwidth": 0.8, "standoff": 7, "arrowcolor": LIGHT["muted"], "borderpad": 0, **moved,
        })  # fmt: skip
    annotate(drawn, notes).update_layout(meta={"least": drawn.layout.width or NARROW})
