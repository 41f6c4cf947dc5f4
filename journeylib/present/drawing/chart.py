"""Charts: plotly figures in the colours and type that every picture shares."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, Literal

import plotly.graph_objects as go
import plotly.io

from journeylib.core import Estimate
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


def words(name: object, width: float | None = None, *, bold: bool = False) -> str:
    """Return a name as it may stand in a chart: shortened, on one line, without markup."""
    short = clean(name) if width is None else shorten(clean(name), width, NAME_SIZE, bold=bold)
    safe = html.escape(short, quote=False)
    return f"<b>{safe}</b>" if bold else safe


def ticks(at: Sequence[float], written: Sequence[str], **axis: Any) -> dict[str, Any]:
    """Return an axis with these ticks."""
    return {"tickmode": "array", "tickvals": list(at), "ticktext": list(written), **axis}


def row_axis(names: Sequence[str]) -> dict[str, Any]:
    """Return an axis with one named row each, from top to bottom."""
    last = len(names) - 0.5
    return ticks(range(len(names)), names, range=[last, -0.5], showgrid=False)


def room_for(names: Sequence[str], most: int) -> int:
    """Return the margin in which these names fit, at most `most` pixels."""
    widths = [text_width(name, NAME_SIZE, bold=True) for name in names]
    return min(most, round(max(widths, default=0.0)) + 28)


def beside(row: float, sentence: str) -> dict[str, Any]:
    """Return words to the right of a row."""
    return {
        "text": sentence, "x": 1, "xref": "paper", "xanchor": "left", "xshift": 14,
        "y": row, "yref": "y", "yanchor": "middle", "showarrow": False, "align": "left",
        "font": {"color": LIGHT["muted"], "size": 12},
    }  # fmt: skip


def whiskers(values: Sequence[Estimate]) -> dict[str, Any]:
    """Return the intervals of estimates as error bars along the x axis."""
    points = [(one.value or 0.0, one.lo, one.hi) for one in values]
    return {
        "type": "data", "symmetric": False, "color": LIGHT["ink"], "thickness": 1.6, "width": 5,
        "array": [0.0 if hi is None else hi - value for value, _, hi in points],
        "arrayminus": [0.0 if lo is None else value - lo for value, lo, _ in points],
    }  # fmt: skip
