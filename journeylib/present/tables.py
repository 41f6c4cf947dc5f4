"""Tables: frames and estimates in words that a person reads, the same on every run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from journeylib.core import bounds_text, cell_text, extra, label, number, percent, text
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


def interval(
    value: Any,
    lo: Any,
    hi: Any,
    write: Callable[[float], str],
    ends: Callable[[float], str] | None = None,
) -> str:
    """Return a number with its interval; `ends` writes the ends where they have no unit."""
    point, low, high = as_float(value), as_float(lo), as_float(hi)
    if point is None:
        return text("none")
    if low is None or high is None:
        return write(point)
    first, last = (ends or write)(low), (ends or write)(high)
    words = any(mark in first + last for mark in "−+ \u00a0")
    limits = text("range.words" if words else "range.dash", lo=first, hi=last)
    return text("interval", value=write(point), range=limits)


def share_interval(value: Any, lo: Any, hi: Any) -> str:
    """Return a share in whole per cent with its interval, or the bounds in its place."""
    low, high = as_float(lo), as_float(hi)
    if as_float(value) is None and low is not None and high is not None:
        return bounds_text(low, high)
    return interval(value, lo, hi, lambda x: percent(x, 0), lambda x: number(100 * x, 0))


def end_share(row: Mapping[Any, Any]) -> str:
    """Return how many journeys end so (a row of `Structure.ends`), or at least how many."""
    if row["at_least"]:
        return text("present.explorer.at_least", value=percent(row["share"], 0))
    return share_interval(row["share"], row["lo"], row["hi"])


def false_alarm_text(q_value: float | None) -> str:
    """Return the chance of a false alarm; empty where nothing was tested."""
    if (q := as_float(q_value)) is None:
        return ""
    return text("under", x=number(0.001, 3)) if q < 0.001 else number(q, 3)


def html_table(
    frame: pd.DataFrame,
    *,
    caption: str,
    max_rows: int = 200,
) -> str:
    """Return an accessible table: one header row, row headers, numbers to the right.

    Parameters
    ----------
    frame : pandas.DataFrame
        The first column names the rows; cells may be numbers, text or `Estimate`. The catalogue
        has the words of known columns; others are the column name with spaces.
    caption : str
        What the table shows.
    max_rows : int
        Further rows are counted below.

    Returns
    -------
    str
        HTML without ids, links or script.
    """
    columns = [frame[column].tolist() for column in frame.columns]
    kinds = [_kind(values) for values in columns]
    head = "".join(
        f'<th scope="col"{kind}>{esc(column_head(column))}</th>'
        for column, kind in zip(frame.columns, kinds, strict=True)
    )
    rows = []
    for record in itertools.islice(zip(*columns, strict=True), max_rows):
        cells = [f'<th scope="row">{esc(cell_text(record[0]))}</th>'] if record else []
        cells += [
            f"<td{kind}>{esc(cell_text(value))}</td>"
            for value, kind in zip(record[1:], kinds[1:], strict=True)
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    hidden = len(frame) - max_rows
    more = _note(text("present.table.more", n=hidden)) if hidden > 0 else ""
    if not rows:
        more = _note(text("present.table.empty"))
    return (
        f'<div class="jl-scroll" tabindex="0" role="group" aria-label="{esc(caption)}">'
        f'<table class="jl-table"><caption>{esc(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{more}"
    )


def _kind(values: Sequence[Any]) -> str:
    """Numbers stand to the right; prose gets room, so that its row does not grow into a tower."""
    if _is_numeric(values):
        return ' class="jl-n"'
    prose = any(isinstance(cell, str) and len(cell) > PROSE for cell in values)
    # Without the styles of a trusted notebook JupyterLab sets every cell to the right.
    return ' class="jl-words" style="text-align:left"' if prose else ""


def column_head(column: object) -> str:
    """Return the words for a column, from the catalogue or from its name."""
    name = str(column)
    words = label("present.head", name)
    return words if words != name else f"{name[:1].upper()}{name[1:]}".replace("_", " ")


def _note(note: str) -> str:
    return f'<p class="jl-note">{esc(note)}</p>' if note else ""


def _is_numeric(values: Sequence[Any]) -> bool:
    present = [value for value in values if value is not None]
    return bool(present) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in present
    )


@dataclass(frozen=True)
class Table:
    """A table as a value: HTML for people, text for logs.

    Attributes
    ----------
    frame : pandas.DataFrame
    caption : str
    note : str
    max_rows : int
    """

    frame: pd.DataFrame = field(compare=False)
    caption: str
    note: str = ""
    max_rows: int = 200

    def __repr__(self) -> str:
        return text("present.table.size", caption=self.caption, n=len(self.frame))

    def body(self) -> str:
        """Return the table without its style sheet."""
        table = html_table(self.frame, caption=self.caption, max_rows=self.max_rows)
        return f'<div class="jl jl-block">{table}{_note(self.note)}</div>'

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
        with extra("lab", "an interactive table", "The table itself is shown without it."):
            from itables.widget import ITable
        shown = self.frame.rename(columns={c: column_head(c) for c in self.frame.columns})
        kinds = {c: _is_numeric(shown[c].tolist()) for c in shown.columns}
        texts = {c: shown[c].map(cell_text) for c, numbers in kinds.items() if not numbers}
        return ITable(shown.assign(**texts).reset_index(drop=True), caption=self.caption)

    def _repr_html_(self) -> str:
        return style_tag() + self.body()


def table(
    rows: pd.DataFrame | Sequence[Mapping[Any, Any]],
    caption: str,
    *,
    note: str = "",
    max_rows: int = 200,
) -> Table:
    """Return rows as a displayable table; see `html_table` for the parameters."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    return Table(frame, caption, note, max_rows)


SEVERITY_GLYPHS = {"blocking": "✖", "warning": "▲", "note": "●", "ok": "✓"}


def quality_table(checks: pd.DataFrame, *, rows_read: int, rows_used: int) -> Table:
    """Return the data quality checks, worst first.

    Parameters
    ----------
    checks : pandas.DataFrame
        `Quality.checks`: ``check``, ``role``, ``severity``, ``rows``, ``share``, ``text``.
    rows_read, rows_used : int
        Of the log.
    """
    rank = {severity: i for i, severity in enumerate(SEVERITY_GLYPHS)}
    ordered = checks.assign(rank=checks["severity"].map(rank)).sort_values(
        ["rank", "check", "role"]
    )
    words = {
        severity: f"{glyph} {text(f'present.severity.{severity}')}"
        for severity, glyph in SEVERITY_GLYPHS.items()
    }
    rows = [
        {
            "check": label("present.check", str(row["check"])).replace("_", " "),
            "state": words[row["severity"]],
            "role": row["role"],
            "rows": int(row["rows"]),
            "share_of_rows_percent": round(100 * float(row["share"]), 2),
            "meaning": row["text"],
        }
        for row in ordered.to_dict("records")
    ]
    note = text("present.quality.note", used=rows_used, read=rows_read, left=rows_read - rows_used)
    return table(rows, text("present.quality.caption"), note=note)
