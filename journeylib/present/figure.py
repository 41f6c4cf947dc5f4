"""Figure: one picture with its finding in words and its numbers in a table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from journeylib.core import current_catalogue, text
from journeylib.present.drawing.images import png
from journeylib.present.drawing.svg import esc
from journeylib.present.tables import Table, html_table
from journeylib.present.theme import css, style_tag

if TYPE_CHECKING:
    import pandas as pd

PNG_WIDTH = 2000


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
    """

    name: str
    title: str
    alt: str
    svg: str
    table: pd.DataFrame = field(compare=False)
    note: str = ""

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
        note = f'<p class="jl-note">{esc(self.note)}</p>' if self.note else ""
        data = html_table(self.table, caption=text("present.figure.data_of", title=self.title))
        return (
            f'<figure class="jl jl-figure" id="{self.name}"><figcaption>'
            f'<p class="jl-title">{esc(self.title)}</p><p class="jl-finding">{esc(self.alt)}</p>'
            f'</figcaption><div class="jl-scroll" tabindex="0" role="group" '
            f'aria-label="{esc(text("present.figure.scrollable", title=self.title))}">'
            f"{self.svg}</div>{note}<details>"
            f"<summary>{esc(text('present.figure.data'))}</summary>{data}</details></figure>"
        )

    def _repr_html_(self) -> str:
        return style_tag() + self.body()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

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
            head = (
                f'<svg xmlns="http://www.w3.org/2000/svg"><style>{css()}</style>'
                f"<title>{esc(self.title)}</title><desc>{esc(self.alt)}</desc>"
            )
            content = re.sub(
                r"^<svg ([^>]*)>",
                lambda found: head.replace("<svg ", f"<svg {found.group(1)} ", 1),
                self.svg,
                count=1,
            )
        elif target.suffix == ".html":
            content = html_page(self.title, self._repr_html_())
        elif target.suffix == ".png":
            target.write_bytes(png(self.svg, width=PNG_WIDTH))
            return target
        else:
            raise ValueError(f"cannot save a figure as '{target.suffix}': use .svg, .png or .html")
        target.write_text(content, encoding="utf-8")
        return target


def html_page(title: str, body: str) -> str:
    """Return a page of its own around `body`, in the language in use."""
    return (
        f'<!DOCTYPE html><html lang="{current_catalogue().language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{esc(title)}</title></head>"
        f'<body class="jl"><main>{body}</main></body></html>'
    )


def svg_element(parts: list[str], *, width: float, height: float, alt: str, min_width: int) -> str:
    """Wrap drawn parts into an ``<svg>`` that fills its container.

    `min_width` keeps text readable on a narrow screen: below it the figure scrolls.
    """
    return (
        f'<svg class="jl jl-svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'style="min-width:{min_width}px" aria-label="{esc(alt)}">{"".join(parts)}</svg>'
    )
