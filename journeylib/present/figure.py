"""Figure: one picture with its finding in words and its numbers in a table."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.core import cell_text, current_catalogue, text
from journeylib.present.drawing.images import png
from journeylib.present.drawing.still import still
from journeylib.present.drawing.svg import esc, label, num, wrap
from journeylib.present.tables import Table, column_head, html_table
from journeylib.present.theme import LIGHT, css, style_tag

if TYPE_CHECKING:
    import plotly.graph_objects as go

PNG_WIDTH = 2000
CHART_WIDTH = 860.0  # pixels that a finding over a chart fills, in a narrow notebook
# A chart that is responsive loses its height in JupyterLab, which fits its width in any case.
CONFIG = {"displaylogo": False, "responsive": False}
PLOTLY = "application/vnd.plotly.v1+json"
HEAD_WIDTH = 1180  # of a drawing whose title has the size of other text
ROWS_AS_TEXT = 5  # of the data, in the plain text of a notebook's output
LARGEST = 1.6  # times its own width that a drawing is shown
ELEMENT = "application/vnd.journeylib.figure+html"
"""The figure as the dashboard shows it. No notebook program knows this type: each shows another."""
BASIC = {"bar", "scatter"}  # what the script of the dashboard draws

_VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True)
class Figure:
    """A picture as a value: it can be shown, saved and compared.

    Attributes
    ----------
    name : str
        Letters, digits and hyphens; prefixes every id in the picture.
    title : str
        What the picture is of.
    alt : str
        The finding with its numbers: what a reader who does not see the picture is told.
    svg : str
        An ``<svg>`` element with a viewBox and no width of its own.
    table : pandas.DataFrame
        The numbers that are drawn.
    note : str
        How to read it, and the denominators.
    chart : plotly.graph_objects.Figure, optional
        The same as a chart that shows numbers where the mouse points; `svg` is its still picture.
    """

    name: str
    title: str
    alt: str
    svg: str
    table: pd.DataFrame = field(compare=False)
    note: str = ""
    chart: go.Figure | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse a name that could not prefix an id."""
        if not re.fullmatch(r"[a-z][a-z0-9-]*", self.name):
            raise ValueError(f"figure name {self.name!r}: use lower-case letters, digits, hyphens")

    def __repr__(self) -> str:
        return text("present.figure.line", title=self.title, finding=self.alt)

    def data_table(self) -> Table:
        """Return the numbers that are drawn, as a table; ``data_table().interactive()`` sorts."""
        return Table(self.table, text("present.figure.data_of", title=self.title), self.note)

    def body(self) -> str:
        """Return the ``<figure>`` element without its style sheet."""
        return self._element(self.svg)

    def live(self) -> str:
        """Return the ``<figure>`` element with its chart, which a script of the page draws anew.

        Title and finding are those of the page. Colours are names of the style sheet, which holds
        those of the reader's theme.
        """
        if self.chart is None or not {trace.type for trace in self.chart.data} <= BASIC:
            return self.body()
        chart = _written(self.chart)
        layout = {n: x for n, x in chart["layout"].items() if n not in ("meta", "width")}
        narrow = (chart["layout"].get("meta") or {}).get("narrow")
        parts = {"data": chart["data"], "layout": layout, "narrow": narrow}
        written = json.dumps(parts, sort_keys=True)
        for name, colour in LIGHT.items():
            written = written.replace(f'"{colour}"', f'"--jl-{name}"')
        return self.body().replace("<figure ", f'<figure data-chart="{escape(written)}" ', 1)

    def still(self) -> str:
        """Return the ``<figure>`` element with the drawing as an image.

        A notebook that is not trusted loses every ``<svg>`` and keeps the words in it; an image
        stays.
        """
        code = base64.b64encode(self._standalone(self.svg).encode()).decode()
        image = f'<img class="jl-svg" src="data:image/svg+xml;base64,{code}" alt="{esc(self.alt)}">'
        return self._element(image)

    def _element(self, drawing: str) -> str:
        note = f'<p class="jl-note">{esc(self.note)}</p>' if self.note else ""
        data = html_table(self.table, caption=text("present.figure.data_of", title=self.title))
        return (
            f'<figure class="jl jl-figure" id="{self.name}"><figcaption>'
            f'<p class="jl-title"><strong>{esc(self.title)}</strong></p>'
            f'<p class="jl-finding">{esc(self.alt)}</p>'
            f'</figcaption><div class="jl-scroll" tabindex="0" role="group" '
            f'aria-label="{esc(text("present.figure.scrollable", title=self.title))}">'
            f"{drawing}</div>{note}<details>"
            f"<summary>{esc(text('present.figure.data'))}</summary>{data}</details></figure>"
        )

    def html(self) -> str:
        """Return title, finding, picture and data with their style sheet."""
        return style_tag() + self.body()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return chart, picture, plain text, and what the dashboard is made of.

        No HTML: JupyterLab prefers it, and takes every drawing out of it until the notebook is
        trusted. An image is shown in any case. Beside a chart it is SVG: JupyterLab would show a
        PNG in place of the chart, in its full width, until the mouse is over it.
        """
        data: dict[str, Any] = {ELEMENT: self.live(), "text/plain": self.plain()}
        if self.chart is not None:
            chart = _written(self._titled(self.chart)) | {"config": CONFIG}
            return data | {PLOTLY: chart, "image/svg+xml": self._standalone(self._headed())}, {}
        picture = base64.b64encode(png(self._headed(), width=PNG_WIDTH)).decode()
        return data | {"image/png": picture}, {"image/png": {"alt": self.alt}}

    def _titled(self, chart: go.Figure) -> go.Figure:
        """Return the chart with title and finding over it."""
        lines = wrap(self.alt, CHART_WIDTH, 13, lines=4)
        room = 42 + 18 * len(lines)
        subtitle = {"text": "<br>".join(esc(line) for line in lines), "font": {"size": 13}}
        title = {"text": f"<b>{esc(self.title)}</b>", "subtitle": subtitle, "x": 0, "xref": "paper"}
        margin = {"t": chart.layout.margin.t + room}
        corner = {"yref": "container", "y": 1, "yanchor": "top", "pad": {"t": 12, "l": 12}}
        title |= corner | {"xref": "container"}
        height = chart.layout.height + room
        layout = {"title": title, "margin": margin, "height": height, "width": None, "meta": None}
        return type(chart)(chart).update_layout(layout)

    def plain(self) -> str:
        """Return the finding and the first rows of the data."""
        rows = self.table.head(ROWS_AS_TEXT)
        lines = ["  ".join(column_head(column) for column in rows.columns)]
        lines += [
            "  ".join(cell_text(value) for value in row)
            for row in rows.itertuples(index=False, name=None)
        ]
        return "\n".join([repr(self), *lines])

    def _headed(self) -> str:
        """Return the drawing under its title and finding, for where a picture stands alone."""
        size = _VIEW_BOX.search(self.svg)
        if size is None:
            raise ValueError(f"figure {self.name!r}: the drawing has no viewBox")
        width, height = float(size[1]), float(size[2])
        unit = width / HEAD_WIDTH
        title, finding = 20 * unit, 15 * unit
        lines = wrap(self.alt, width - 32 * unit, finding, lines=4)
        head = (44 + 22 * len(lines)) * unit
        words = [label(16 * unit, 30 * unit, self.title, "jl-b", extra=_sized(title))]
        words += [
            label(16 * unit, (56 + 22 * i) * unit, line, extra=_sized(finding))
            for i, line in enumerate(lines)
        ]
        drawing = self.svg.replace(
            "<svg ", f'<svg y="{num(head)}" width="{num(width)}" height="{num(height)}" ', 1
        )
        return (
            f'<svg class="jl jl-svg" viewBox="0 0 {num(width)} {num(head + height)}">'
            f"{''.join(words)}{drawing}</svg>"
        )

    def _standalone(self, drawing: str) -> str:
        """Return a drawing as a file of its own."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg"><style>{css()}</style>'
            f"<title>{esc(self.title)}</title><desc>{esc(self.alt)}</desc>"
        )
        return re.sub(
            r"^<svg ([^>]*)>",
            lambda match: head.replace("<svg ", f"<svg {match.group(1)} ", 1),
            drawing,
            count=1,
        )

    def save(self, path: str | Path) -> Path:
        """Write the picture as a file of its own.

        Parameters
        ----------
        path : str or Path
            Ends in ``.svg`` or ``.png`` (the picture) or ``.html`` (with finding and table).

        Returns
        -------
        Path
            Where it was written.

        Raises
        ------
        ValueError
            If the ending is another one.
        """
        target = Path(path)
        if target.suffix == ".svg":
            content = self._standalone(self.svg)
        elif target.suffix == ".html":
            content = html_page(self.title, self.html())
        elif target.suffix == ".png":
            target.write_bytes(png(self.svg, width=PNG_WIDTH))
            return target
        else:
            raise ValueError(f"cannot save a figure as '{target.suffix}': use .svg, .png or .html")
        target.write_text(content, encoding="utf-8")
        return target


def _written(chart: go.Figure) -> dict[str, Any]:
    """Return a chart as JSON holds it, with nine digits: the last ones differ by processor."""
    content: dict[str, Any] = json.loads(
        chart.to_json(), parse_float=lambda digits: float(f"{float(digits):.9g}")
    )
    return content


def _sized(pixels: float) -> str:
    return f' style="font-size:{num(pixels)}px"'


def html_page(title: str, body: str) -> str:
    """Return a page of its own around `body`, in the language in use."""
    return (
        f'<!DOCTYPE html><html lang="{current_catalogue().language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{esc(title)}</title></head>"
        f'<body class="jl"><main>{body}</main></body></html>'
    )


def svg_element(parts: list[str], *, width: float, height: float, alt: str, min_width: int) -> str:
    """Wrap drawn parts into an ``<svg>`` that fills its container, never blown up to a poster.

    `min_width` keeps text readable on a narrow screen: below it the figure scrolls.
    """
    return (
        f'<svg class="jl jl-svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'style="min-width:{min_width}px;max-width:{LARGEST * width:.0f}px" '
        f'aria-label="{esc(alt)}">{"".join(parts)}</svg>'
    )


def chart_figure(
    chart: go.Figure, *, name: str, title: str, alt: str, table: pd.DataFrame, note: str
) -> Figure:
    """Return a chart with its still picture; the parameters are those of `Figure`."""
    parts, width, height = still(chart)
    least = (chart.layout.meta or {}).get("least", round(min(760, 0.6 * width)))
    drawing = svg_element(parts, width=width, height=height, alt=alt, min_width=least)
    return Figure(name, title, alt, drawing, table, note, chart)
