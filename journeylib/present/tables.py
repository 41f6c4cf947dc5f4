"""Tables: frames and estimates in words that a person reads, the same on every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from journeylib.core import RunError, cell_text
from journeylib.present.drawing.svg import esc
from journeylib.present.theme import style_tag

Rows = Mapping[tuple[str, str], dict[Any, Any]]
PROSE = 80  # characters from which a cell is prose


def keyed(rows: pd.DataFrame) -> Rows:
    """Return the rows of a table of estimates by touchpoint and measure."""
    return {(row["touchpoint"], row["measure"]): row for row in rows.to_dict("records")}


def as_float(value: Any) -> float | None:
    """Return a cell as a float, None where it is missing."""
    return None if value is None or pd.isna(value) else float(value)


def html_table(
    frame: pd.DataFrame,
    *,
    caption: str,
    heads: Mapping[str, str] | None = None,
    max_rows: int = 200,
) -> str:
    """Return an accessible table: one header row, row headers, numbers to the right.

    Parameters
    ----------
    frame : pandas.DataFrame
        The first column names the rows; cells may be numbers, text or `Estimate`.
    caption : str
        What the table shows.
    heads : mapping, optional
        Column to the words shown, with the unit; others are the column name with spaces.
    max_rows : int
        Further rows are counted below.

    Returns
    -------
    str
        HTML without ids, links or script.
    """
    words = heads or {}
    columns = [str(column) for column in frame.columns]
    kinds = [_kind(frame[column]) for column in frame.columns]
    head = "".join(
        f'<th scope="col"{kind}>{esc(words.get(column, _spaced(column)))}</th>'
        for column, kind in zip(columns, kinds, strict=True)
    )
    rows = []
    for record in frame.head(max_rows).itertuples(index=False, name=None):
        cells = [f'<th scope="row">{esc(cell_text(record[0]))}</th>'] if record else []
        cells += [
            f"<td{kind}>{esc(cell_text(value))}</td>"
            for value, kind in zip(record[1:], kinds[1:], strict=True)
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    hidden = len(frame) - max_rows
    more = f'<p class="jl-note">{hidden:,} more rows are not shown.</p>' if hidden > 0 else ""
    if not rows:
        more = '<p class="jl-note">There is nothing to list.</p>'
    return (
        f'<div class="jl-scroll" tabindex="0" role="group" aria-label="{esc(caption)}">'
        f'<table class="jl-table"><caption>{esc(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{more}"
    )


def _kind(column: pd.Series[Any]) -> str:
    """Numbers stand to the right; prose gets room, so that its row does not grow into a tower."""
    if _is_numeric(column):
        return ' class="jl-n"'
    prose = any(isinstance(cell, str) and len(cell) > PROSE for cell in column.tolist())
    return ' class="jl-words"' if prose else ""


def _spaced(column: str) -> str:
    text = column.replace("_", " ")
    return text[:1].upper() + text[1:]


def _is_numeric(column: pd.Series[Any]) -> bool:
    values = [value for value in column.tolist() if value is not None]
    return bool(values) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )


@dataclass(frozen=True)
class Table:
    """A table as a value: HTML for people, text for logs.

    Attributes
    ----------
    frame : pandas.DataFrame
    caption : str
    heads : mapping
        Column to the words shown.
    note : str
    max_rows : int
    """

    frame: pd.DataFrame = field(compare=False)
    caption: str
    heads: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    max_rows: int = 200

    def __repr__(self) -> str:
        return f"{self.caption}: {len(self.frame):,} rows"

    def body(self) -> str:
        """Return the table without its style sheet."""
        note = f'<p class="jl-note">{esc(self.note)}</p>' if self.note else ""
        table = html_table(
            self.frame, caption=self.caption, heads=self.heads, max_rows=self.max_rows
        )
        return f'<div class="jl jl-block">{table}{note}</div>'

    def interactive(self) -> Any:
        """Return the table as a widget to sort, search and page through, all rows in it.

        Returns
        -------
        itables.widget.ITable
            Works offline in JupyterLab and VS Code; numbers are those of the frame, in full.

        Raises
        ------
        RunError
            If itables is not installed.
        """
        try:
            from itables.widget import ITable
        except ImportError:
            raise RunError(
                "interactive tables need itables, which is not installed: "
                'pip install "journeylib[lab]". The table itself is shown without it.'
            ) from None
        words = {c: self.heads.get(str(c), _spaced(str(c))) for c in self.frame.columns}
        shown = self.frame.rename(columns=words)
        kinds = {c: _is_numeric(shown[c]) for c in shown.columns}
        text = {c: shown[c].map(cell_text) for c, numbers in kinds.items() if not numbers}
        return ITable(shown.assign(**text).reset_index(drop=True), caption=self.caption)

    def _repr_html_(self) -> str:
        return style_tag() + self.body()


def table(
    frame: pd.DataFrame,
    caption: str,
    *,
    heads: Mapping[str, str] | None = None,
    note: str = "",
    max_rows: int = 200,
) -> Table:
    """Return `frame` as a displayable table; see `html_table` for the parameters."""
    return Table(frame, caption, dict(heads or {}), note, max_rows)


def quality_table(checks: pd.DataFrame, *, rows_read: int, rows_used: int) -> Table:
    """Return the data quality checks, worst first.

    Parameters
    ----------
    checks : pandas.DataFrame
        `Quality.checks`: ``check``, ``role``, ``severity``, ``rows``, ``share``, ``text``.
    rows_read, rows_used : int
        Of the log.
    """
    worst = {"blocking": 0, "warning": 1, "note": 2, "ok": 3}
    rank = checks["severity"].map(worst)
    ordered = checks.assign(rank=rank).sort_values(["rank", "check", "role"])
    glyph = {"blocking": "✖ blocking", "warning": "▲ warning", "note": "● note", "ok": "✓ ok"}
    shown = pd.DataFrame(
        {
            "Check": ordered["check"].astype(str).str.replace("_", " ").tolist(),
            "State": [glyph[severity] for severity in ordered["severity"]],
            "Role": ordered["role"].tolist(),
            "Rows": [int(rows) for rows in ordered["rows"]],
            "Share (%)": [round(100 * float(share), 2) for share in ordered["share"]],
            "What it means": ordered["text"].tolist(),
        }
    )
    left = rows_read - rows_used
    return table(
        shown,
        "Data quality",
        note=f"{rows_used:,} of {rows_read:,} rows were usable; {left:,} are in quarantine.",
    )
