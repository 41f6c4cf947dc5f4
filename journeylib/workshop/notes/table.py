"""The table that notes come back in: CSV or an Excel workbook, as rows of cells by column."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from journeylib.core import ConfigError, extra, nearest_file
from journeylib.workshop.notes.notes import COLUMNS, ID, TAG, unguarded

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb": "utf-8-sig"}
HEADER_WITHIN = 10  # rows in which a header is looked for: boards write titles above it
# What boards and people call the columns.
NAMES = {
    "content": "text", "note": "text", "notes": "text", "sticky note": "text", "notiz": "text",
    "type": "kind", "art": "kind", "phase": "stage", "kontaktpunkt": "touchpoint",
    "kanal": "channel", "created by": "author", "autor": "author", "autorin": "author",
    "stimmen": "votes", "punkte": "votes", "vote count": "votes", "colour": "color",
    "bg color": "color", "farbe": "color", "runde": "round",
}  # fmt: skip
MOST_ROWS = 5_000
# How logs call their customers and times; together no file of notes has them.
_CUSTOMER = re.compile(
    r"(customer|client|user|account|member|case|session|visitor|kunde\w*|nutzer\w*|fall)"
    r"[ _-]*(id|no|nr|number|key|nummer)?",
    re.I,
)
_TIME = re.compile(r"time|date|datum|zeit|(?:^|_)(?:ts|at|start|end)$", re.I)
Cells = Sequence[str]
FAILED_FORMULAS = ("#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#N/A", "#NULL!", "#NUM!")


@dataclass(frozen=True)
class Row:
    """One row: its number, its cells by column, and why it does not fit the header ("": it does).

    Of a row that does not fit, all that it holds is its text. `notice` is what else people should
    know of it. Both are keys of the catalogue.
    """

    number: int
    cells: dict[str, str]
    damage: str = ""
    notice: str = ""


@dataclass(frozen=True)
class NotesTable:
    """The rows of a file, and how many columns it has that notes do not.

    `unit` is what `Row.number` counts.
    """

    rows: tuple[Row, ...]
    other_columns: int = 0
    unit: str = "row"


def read_table(path: str | Path) -> NotesTable:
    """Read a file of notes; every row that holds anything is kept.

    Raises
    ------
    ConfigError
        If the file is not there, is no table, has no column of texts, or has a quotation mark
        that is never closed.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"there is no file of notes {path.name}.{nearest_file(path)}")
    with path.open("rb") as file:
        is_workbook = file.read(4) == b"PK\x03\x04"
    sheets = _workbook(path) if is_workbook else [_csv(path)]
    for rows in sheets:
        for header_row, cells in enumerate(rows[:HEADER_WITHIN]):
            columns = [_column(cell) for cell in cells]
            if "text" in columns or "id" in columns:
                _refuse_log(path.name, cells, len(rows))
                return _with_header(rows, header_row, columns)
    if sheets and all(sum(map(bool, cells)) <= 1 for cells in sheets[0]):
        texts = [next(filter(None, cells), "") for cells in sheets[0]]
        return NotesTable(
            tuple(Row(i, {"text": unguarded(t)}) for i, t in enumerate(texts, 1) if t)
        )
    raise ConfigError(
        f"{path.name} has no column 'text' in its first {HEADER_WITHIN} rows. Write 'text' above "
        f"the texts; columns of notes: {', '.join(COLUMNS)}."
    )


def _refuse_log(name: str, head: Cells, rows: int) -> None:
    """Refuse a log of customers: nothing that a customer said may be kept as a note."""
    customer = next((cell for cell in head if _CUSTOMER.fullmatch(cell.strip())), "")
    time = next((cell for cell in head if _TIME.search(cell)), "")
    if customer and time:
        raise ConfigError(
            f"{name} looks like a log of customers, not like notes: it has the columns "
            f"'{customer}' and '{time}'. Nothing was kept. Name the file that the room filled in."
        )
    if rows > MOST_ROWS:
        raise ConfigError(
            f"{name} has {rows} rows; a file of notes has at most {MOST_ROWS}. Nothing was kept. "
            "Name the file that the room filled in."
        )


def _with_header(rows: Sequence[Cells], header_row: int, columns: list[str]) -> NotesTable:
    head = [cell for cell in rows[header_row] if cell]
    while columns and not rows[header_row][len(columns) - 1]:
        columns.pop()
    return NotesTable(
        tuple(
            _row(number, cells, columns)
            for number, cells in enumerate(rows[header_row + 1 :], header_row + 2)
            if any(cells)
        ),
        len(head) - len({column for column in columns if column}),
    )


def _column(cell: str) -> str:
    name = " ".join(cell.strip('"').casefold().split())
    return name if name in COLUMNS else NAMES.get(name, "")


def _row(number: int, cells: Cells, columns: Sequence[str]) -> Row:
    by_column: dict[str, str] = {}
    for column, cell in zip(columns, cells, strict=False):
        if column:
            by_column.setdefault(column, unguarded(cell))
    elsewhere = (cell for column, cell in zip(columns, cells, strict=False) if column != "text")
    if any(cells[len(columns) :]):
        damage = "cells"
    elif any(TAG.search(cell) for cell in elsewhere):
        damage = "column"
    elif by_column.get("text") in FAILED_FORMULAS:
        damage = "formula"
    elif not by_column.get("text") and not ID.search(by_column.get("id", "")):
        damage = "empty"
    else:
        return Row(number, by_column)
    cells_of_note = {"id": by_column.get("id", ""), "text": ", ".join(filter(None, cells))}
    return Row(number, cells_of_note, damage)


def _csv(path: Path) -> list[Cells]:
    """Return the cells of a text file; where a line ends before the longest they are empty."""
    content = path.read_bytes()
    try:
        text = content.decode(ENCODINGS.get(content[:2], "utf-8"))
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    if not text.strip() or "\x00" in text or content.startswith(b"%PDF"):
        raise ConfigError(f"{path.name} is no table of notes. Save it as 'CSV UTF-8' or as .xlsx.")
    lines = re.split(r"\r\n?|\n", text)
    delimiter = _delimiter([line for line in lines if line.strip()][:HEADER_WITHIN])
    # A cell with line breaks may have delimiters on each: no row has twice as many.
    width = 2 * max(line.count(delimiter) for line in lines) + 1
    try:
        table = pd.read_csv(
            io.StringIO(text, newline=""), sep=delimiter, header=None, names=range(width),
            dtype=str, na_filter=False, skip_blank_lines=False,
        )  # fmt: skip
    except pd.errors.ParserError:
        raise ConfigError(
            f"the rows of {path.name} cannot be told apart: a quotation mark is never closed. "
            "Close it, or save the table as .xlsx."
        ) from None
    return [list(map(_text, row)) for row in table.itertuples(index=False, name=None)]


def _delimiter(first: Sequence[str]) -> str:
    """Return what parts the cells of the first lines, the header above all.

    Sniffers are led astray by people's sentences. Where no line is a header, or it has one
    column, every line is one text.
    """
    for line in first:
        best = max(DELIMITERS, key=line.count)
        if line.count(best) and any(_column(cell) in ("text", "id") for cell in line.split(best)):
            return best
    # A table without a header of notes may be a log: it must not become notes, line by line.
    even = (mark for mark in DELIMITERS if len(first) > 1 and all(mark in one for one in first))
    return next(even, "\x1f")


def _workbook(path: Path) -> list[list[Cells]]:
    """Return the cells of every sheet."""
    instead = "Or save the sheet as 'CSV UTF-8'."
    with extra("workshop", f"the Excel workbook {path.name}", instead):
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    try:
        with path.open("rb") as file:
            sheets = load_workbook(file, data_only=True).worksheets
            return [
                [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
                for sheet in sheets
            ]
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
        raise ConfigError(f"{path.name} is no Excel workbook that can be read.") from None


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
