"""The table that notes come back in: CSV or workbook, whatever program has had it in between."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from journeylib.core import ConfigError, LogError, did_you_mean
from journeylib.log import plain_text
from journeylib.workshop.notes.notes import COLUMNS, ID, TAG, unguarded

DELIMITERS = (",", ";", "\t", "|")
HEADER_WITHIN = 10  # rows in which a header is looked for: boards write titles above it
MOST_LINES = 60  # of one cell
# What boards and people call the columns.
NAMES = {
    "content": "text", "note": "text", "notes": "text", "sticky note": "text", "notiz": "text",
    "type": "kind", "art": "kind", "phase": "stage", "kontaktpunkt": "touchpoint",
    "kanal": "channel", "created by": "author", "autor": "author", "autorin": "author",
    "stimmen": "votes", "punkte": "votes", "vote count": "votes", "colour": "color",
    "bg color": "color", "farbe": "color", "runde": "round",
}  # fmt: skip
ERRORS = ("#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#N/A", "#NULL!", "#NUM!")


@dataclass(frozen=True)
class Row:
    """One row: where it stands, its cells by column, and what is wrong with it ("": nothing).

    A column that the row does not reach is not in `cells`.
    """

    line: int
    cells: dict[str, str]
    damage: str = ""


@dataclass(frozen=True)
class NotesTable:
    """The rows of a file, the columns it has, and how many it has that notes do not.

    `unit` is what `Row.line` counts.
    """

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    other: int
    encoding: str
    unit: str = "line"


Raw = tuple[int, list[str], str]  # line, cells, damage


def read_table(path: str | Path) -> NotesTable:
    """Read a file of notes; no row is lost, a damaged one says so.

    Raises
    ------
    ConfigError
        If the file is not there, is no table, or has no column of texts.
    """
    path = Path(path)
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.glob("*.*")) if path.parent.is_dir() else []
        raise ConfigError(
            f"there is no file of notes {path.name}.{did_you_mean(path.name, beside)}"
        )
    with path.open("rb") as file:
        packed = file.read(4) == b"PK\x03\x04"
    if packed:
        return _headed(list(_sheet_rows(path)), path.name, "", " ")
    try:
        with tempfile.TemporaryDirectory(prefix="journeylib-notes-") as folder:
            plain = plain_text(path, Path(folder))
            body = plain.path.read_bytes().decode("utf-8-sig")
    except LogError:
        raise ConfigError(
            f"{path.name} is no table of notes. Save it as 'CSV UTF-8' or as .xlsx."
        ) from None
    lines = list(io.StringIO(body, newline=""))
    delimiter = _delimiter(lines)
    return _headed(list(_text_rows(lines, delimiter)), path.name, plain.encoding, delimiter)


def _headed(raw: Sequence[Raw], name: str, encoding: str, delimiter: str) -> NotesTable:
    """Find the header; a single column without one holds texts."""
    for place, (_, cells, _) in enumerate(raw[:HEADER_WITHIN]):
        columns = [_column(cell) for cell in cells]
        if "text" in columns or "id" in columns:
            rows = [_row(one, columns, delimiter) for one in raw[place + 1 :]]
            foreign = [cell for column, cell in zip(columns, cells, strict=True) if not column]
            return NotesTable(
                tuple(row for row in rows if row is not None),
                tuple(dict.fromkeys(filter(None, columns))),
                sum(bool(cell.strip()) for cell in foreign),
                encoding,
            )
    held = [(line, [c for c in cells if c.strip()], damage) for line, cells, damage in raw]
    if all(len(cells) <= 1 for _, cells, _ in held):
        texts = (
            Row(line, {"text": unguarded(cells[0].strip())}, damage)
            for line, cells, damage in held
            if cells
        )
        return NotesTable(tuple(texts), ("text",), 0, encoding)
    raise ConfigError(
        f"{name} has no column 'text' in its first {HEADER_WITHIN} rows. Write 'text' above the "
        f"texts; columns of notes: {', '.join(COLUMNS)}."
    )


def _column(cell: str) -> str:
    name = " ".join(cell.strip().strip('"').casefold().split())
    return name if name in COLUMNS else NAMES.get(name, "")


def _row(raw: Raw, columns: Sequence[str], delimiter: str) -> Row | None:
    line, cells, damage = raw
    if not any(cell.strip() for cell in cells):
        return None
    extra = len(cells) - len(columns)
    if extra > 0 and not any(cell.strip() for cell in cells[len(columns) :]):
        cells = cells[: len(columns)]
    elif extra > 0:
        # Only people's words hold delimiters: what is too much belongs to the text.
        damage = damage or "has more cells than the header; the text took them in"
        at = columns.index("text") if "text" in columns else len(columns) - 1
        cells = [*cells[:at], delimiter.join(cells[at : at + extra + 1]), *cells[at + extra + 1 :]]
    elif len(cells) < len(columns):
        damage = damage or "is shorter than the header; what it lacks stays unchanged"
    found: dict[str, str] = {}
    rest = []
    for column, cell in zip(columns, cells, strict=False):
        value = unguarded(cell.strip())
        if value in ERRORS:
            damage, value = damage or "holds a formula that failed; its text stays unchanged", ""
        if column and column not in found:
            found[column] = value
        elif value:
            rest.append(value)
    strays = [value for key, value in found.items() if key != "text" and TAG.search(value)]
    strays += [value for value in rest if TAG.search(value)]
    if strays and not TAG.search(found.get("text", "")):
        # Its cells have shifted: the text is where the id is.
        found["text"] = " ".join(filter(None, [found.get("text", ""), *strays]))
        damage = damage or "has its text in another column"
    if not found.get("text", "").strip() and not ID.search(found.get("id", "")):
        # Nothing says which note it is: whatever it holds becomes one.
        parts = [*(v for k, v in found.items() if k not in ("votes", "round", "color")), *rest]
        said = ", ".join(part for part in parts if part.strip())
        found["text"] = said or next(cell.strip() for cell in raw[1] if cell.strip())
        damage = damage or "has no text; what it holds became one"
    return Row(line, found, damage)


def _delimiter(lines: Sequence[str]) -> str:
    """Count delimiters where the header is: sniffers are led astray by people's sentences.

    Where no line is a header, or it has one column, every line is one text.
    """
    for line in lines[:HEADER_WITHIN]:
        best = max(DELIMITERS, key=line.count)
        if line.count(best) and any(_column(cell) in ("text", "id") for cell in line.split(best)):
            return best
    # A table without a header of notes may be a log: it must not become notes, line by line.
    filled = [line for line in lines if line.strip()][:HEADER_WITHIN]
    even = (mark for mark in DELIMITERS if len(filled) > 1 and all(mark in one for one in filled))
    return next(even, "\x1f")


def _text_rows(lines: Sequence[str], delimiter: str) -> Iterator[Raw]:
    at = width = 0
    while at < len(lines):
        cells, used, damage = _logical(lines, at, delimiter, width)
        if not width and any(_column(cell) in ("text", "id") for cell in cells):
            width = len(cells)
        first = not at and len(lines[0].strip()) == 5 and lines[0].lower().startswith("sep=")
        yield at + 1, [] if first else cells, damage
        at += used


def _logical(
    lines: Sequence[str], at: int, delimiter: str, width: int
) -> tuple[list[str], int, str]:
    """Return the row that begins at a line, how many lines it takes, and its damage.

    A quotation mark that never closes would swallow the rows behind it: then the line is taken
    as it stands.
    """
    for used in range(1, min(MOST_LINES, len(lines) - at) + 1):
        if used > 1 and 1 < width <= len(_parsed(lines[at + used - 1], delimiter) or ()):
            break
        cells = _parsed("".join(lines[at : at + used]), delimiter)
        if cells is not None:
            return cells, used, ""
    plain = lines[at].rstrip("\r\n").split(delimiter)
    return [cell.strip().strip('"') for cell in plain], 1, "has a stray quotation mark"


def _parsed(chunk: str, delimiter: str) -> list[str] | None:
    reader = csv.reader(io.StringIO(chunk, newline=""), delimiter=delimiter, strict=True)
    try:
        return next(reader, [])
    except csv.Error:
        return None


def _sheet_rows(path: Path) -> Iterator[Raw]:
    """Yield the rows of the first sheet that has a header of notes, else of the first."""
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ModuleNotFoundError:
        raise ConfigError(
            f"{path.name} is an Excel workbook: install openpyxl with pip install "
            "'journeylib[workshop]', or save the sheet as 'CSV UTF-8'."
        ) from None
    import zipfile

    try:
        with path.open("rb") as file:
            book = load_workbook(file, data_only=True)
            sheets = [[*sheet.iter_rows(values_only=True)] for sheet in book.worksheets]
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
        raise ConfigError(f"{path.name} is no Excel workbook that can be read.") from None
    tables = [[[_said(value) for value in row] for row in sheet] for sheet in sheets]
    headed = (
        table
        for table in tables
        if any(_column(cell) in ("text", "id") for row in table[:HEADER_WITHIN] for cell in row)
    )
    for line, cells in enumerate(next(headed, tables[0] if tables else []), start=1):
        yield line, cells, ""


def _said(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
