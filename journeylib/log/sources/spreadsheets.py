"""Spreadsheets as tables: which sheet, where its header is, and what its cells hold, as text."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from journeylib.core import LogError
from journeylib.log.eventlog import Check, check
from journeylib.log.sources.text_encoding import unique_names
from journeylib.log.text.role_names import name_score

SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".ods", ".xls")
_TOTAL = re.compile(
    r"\s*(grand total|sub-?total|total|totals|sum|summe|gesamt\w*|zwischensumme|totaux?)\b", re.I
)
_HEADER_ROWS = 50
# Serial days of a spreadsheet from 1970 to 2100, and the day they are counted from.
_FIRST_DAY, _LAST_DAY, _DAY_ZERO = 25_569, 73_051, dt.datetime(1899, 12, 30)
_EXACT = 10**15


@dataclass(frozen=True)
class Sheet:
    """One sheet as a table of texts, and what was done to get there.

    Attributes
    ----------
    table : pyarrow.Table
        All columns text; empty cells are null.
    facts : tuple of Check
    """

    table: pa.Table
    facts: tuple[Check, ...]


def read_sheet(path: Path) -> Sheet:
    """Read the largest sheet of a workbook.

    Lines above the header and totals below the rows are left out and counted. Dates are written
    as ISO 8601 without a zone; serial days in a column named like a time become dates.

    Raises
    ------
    LogError
        The file is no workbook (a web page saved as .xls is named), is encrypted, or is empty.
    """
    stat = path.stat()
    return _read(path, stat.st_size, stat.st_mtime_ns)


def forget_sheet() -> None:
    """Forget the workbook that was read last."""
    _read.cache_clear()


# A workbook is looked at for its recipe first, then read: it is opened once for both.
@functools.lru_cache(maxsize=1)
def _read(path: Path, _size: int, _written: int) -> Sheet:
    _refuse_pages(path)
    try:
        with CalamineWorkbook.from_path(path) as book:
            visible = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.visible == SheetVisibleEnum.Visible
            ]
            sheets = {
                name: book.get_sheet_by_name(name).to_python(skip_empty_area=True)
                for name in visible or book.sheet_names
            }
    except (CalamineError, OSError, ValueError):
        raise LogError(
            f"{path.name} is not a workbook that can be opened: it is damaged, or protected by a "
            "password. Save it again without one, or save the sheet as CSV (UTF-8)."
        ) from None
    name = max(sheets, key=lambda one: sum(map(_filled, sheets[one])), default=None)
    if name is None or not any(map(_filled, sheets[name])):
        raise LogError(f"{path.name} holds no cells. Export the log again and check its size.")
    rows = sheets[name]
    top = _header(rows)
    last = _end(rows, top)
    if last <= top + 1:
        raise LogError(f"the sheet '{name}' of {path.name} holds a header and no rows.")
    facts = _facts(path.name, name, sheets, rows, top, last)
    return _typed(rows[top], rows[top + 1 : last], facts)


def _refuse_pages(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<table", b"<head")):
        raise LogError(
            f"{path.name} is a web page (HTML) under the name of a spreadsheet. Open it in a "
            "spreadsheet program and save it as .xlsx or CSV (UTF-8)."
        )
    if head.startswith(b"<?xml"):
        raise LogError(
            f"{path.name} is XML under the name of a spreadsheet. Open it in a spreadsheet "
            "program and save it as .xlsx or CSV (UTF-8)."
        )


def _filled(row: Sequence[Any]) -> int:
    return sum(cell not in ("", None) for cell in row)


def _header(rows: Sequence[Sequence[Any]]) -> int:
    """Return the first row that is as wide as the rows usually are, and all words."""
    widths = Counter(_filled(row) for row in rows if _filled(row))
    usual = max(widths, key=lambda width: (widths[width] * width, width))
    for index, row in enumerate(rows[:_HEADER_ROWS]):
        cells = [cell for cell in row if cell not in ("", None)]
        words = all(isinstance(cell, str) for cell in cells)
        if len(cells) >= 0.8 * usual and words and len(set(cells)) == len(cells):
            return index
    return next(index for index, row in enumerate(rows) if _filled(row))


def _end(rows: Sequence[Sequence[Any]], top: int) -> int:
    """Return where the rows end: before empty lines, totals and notes at the foot."""
    width = _filled(rows[top])
    last = len(rows)
    while last > top + 1:
        row = rows[last - 1]
        first = next((cell for cell in row if cell not in ("", None)), "")
        total = isinstance(first, str) and _TOTAL.match(first)
        note = _filled(row) == 1 and width > 2
        if _filled(row) and not total and not note:
            break
        last -= 1
    return last


def _facts(
    file: str,
    name: str,
    sheets: dict[str, Any],
    rows: Sequence[Sequence[Any]],
    top: int,
    last: int,
) -> list[Check]:
    others = len(sheets) - 1
    facts = [
        check("sheet.smaller" if others else "sheet.only", file=file, sheet=name, others=others)
    ]
    above = sum(bool(_filled(row)) for row in rows[:top])
    if above:
        facts.append(check("title_lines.some", rows=above, file=file))
    below = sum(bool(_filled(row)) for row in rows[last:])
    if below:
        facts.append(check("total_rows.some", rows=below, file=file))
    return facts


def _typed(header: Sequence[Any], rows: Sequence[Sequence[Any]], facts: list[Check]) -> Sheet:
    names, _repeated = unique_names([str(cell) for cell in header], len(header))
    columns: dict[str, pa.Array] = {}
    for index, name in enumerate(names):
        cells = [row[index] if index < len(row) else None for row in rows]
        if not any(cell not in ("", None) for cell in cells) and not str(header[index]).strip():
            continue
        if _is_serial(name, cells):
            cells = [_day(cell) if isinstance(cell, float) else cell for cell in cells]
            facts.append(check("serial_days.some", rows=len(cells), column=name))
        long = sum(isinstance(cell, float) and abs(cell) >= _EXACT for cell in cells)
        if long:
            facts.append(check("rounded_numbers.some", rows=long, column=name))
        columns[name] = pa.array([_text(cell) for cell in cells], type=pa.string())
    return Sheet(pa.table(columns), tuple(facts))


def _is_serial(name: str, cells: Sequence[Any]) -> bool:
    numbers = [cell for cell in cells if isinstance(cell, float)]
    named = max(name_score(name, role) for role in ("timestamp", "end_timestamp")) >= 0.25
    return (
        named
        and bool(numbers)
        and len(numbers) >= 0.9 * _filled(cells)
        and all(_FIRST_DAY <= number < _LAST_DAY for number in numbers)
    )


def _day(serial: float) -> dt.datetime:
    return _DAY_ZERO + dt.timedelta(milliseconds=round(serial * 86_400_000))


def _text(cell: Any) -> str | None:
    if cell in ("", None):
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, dt.datetime | dt.date | dt.time):
        return cell.isoformat(sep=" ") if isinstance(cell, dt.datetime) else cell.isoformat()
    if isinstance(cell, dt.timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(cell)
