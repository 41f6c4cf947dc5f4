"""Notes: what people said in a workshop, kept beside the runs of an audit, never in them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

from journeylib.core import ConfigError, LogError, RunError, extra

FILE = "notes.csv"  # in the folder of the audit, beside its runs
ASKED = "audit"  # author of what the audit asks; what the room writes over it is the room's
KIND_COLORS = {
    "note": "yellow",
    "pain": "red",
    "gain": "green",
    "idea": "yellow",
    "question": "blue",
    "owner": "gray",
    "machine": "violet",
    "person": "orange",
}
ID = re.compile(r"n-[0-9a-f]{8}")
TAG = re.compile(rf"\s*\[\s*({ID.pattern})\s*\]\s*", re.IGNORECASE)  # an id inside a text
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = re.compile(r"'*[=+\-@]")
_UNSAFE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Note:
    """One sticky note.

    Attributes
    ----------
    id : str
        ``n-`` and eight hexadecimal digits; stays the same when the text is edited.
    text : str
        On one line.
    kind : str
        A key of `KIND_COLORS`. ``machine`` and ``person`` say who should serve.
    stage, touchpoint, channel : str
        Where it belongs. A touchpoint that the run does not know is kept as it was written.
    author : str
        ``audit`` for what the audit asks.
    votes : int
    color : str
    round : int
        Of voting; 1 for the first.
    """

    id: str
    text: str
    kind: str = "note"
    stage: str = ""
    touchpoint: str = ""
    channel: str = ""
    author: str = ""
    votes: int = 0
    color: str = ""
    round: int = 1

    @property
    def is_by_people(self) -> bool:
        """Whether people said it: an unanswered question of the audit is none of their words."""
        return self.author != ASKED or self.votes > 0

    @property
    def pasted(self) -> str:
        """Its text with its place before and its id behind: boards keep nothing else."""
        return f"{self.placed} [{self.id}]"

    @property
    def placed(self) -> str:
        """Its text with its place before."""
        anchor = self.touchpoint or self.stage
        return f"{anchor}: {self.text}" if anchor else self.text


COLUMNS = tuple(part.name for part in fields(Note))


@dataclass(frozen=True)
class Places:
    """Where notes may be put: touchpoint to stage and channel, and the stages."""

    touchpoints: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    stages: tuple[str, ...] = ()


def tidy(text: object) -> str:
    r"""Return text on one line, composed, without control and direction characters.

    Examples
    --------
    >>> tidy(" zu \r\n lang\u202e ")
    'zu lang'
    """
    return " ".join(_UNSAFE.sub("", unicodedata.normalize("NFC", str(text))).split())


def note_id(*parts: str) -> str:
    """Return the id of a note that is known by these parts.

    Examples
    --------
    >>> note_id("zu lang", "0")
    'n-a123e9de'
    """
    return "n-" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:8]


def read_places(run: str | Path) -> Places:
    """Return where notes may be put, from the directory of a run.

    Raises
    ------
    LogError
        If the directory is no run.
    """
    try:
        text = (Path(run) / "audit.json").read_text(encoding="utf-8")
        entries: Sequence[Mapping[str, Any]] = json.loads(text)["touchpoints"]
    except (OSError, ValueError, KeyError) as error:
        raise LogError(
            f"{Path(run).name} is no complete run ({type(error).__name__}). Name a run directory "
            "such as audits/NAME/latest; make one with: journeylib audit CONFIG"
        ) from None
    points = {
        tidy(entry["touchpoint"]): (tidy(entry["stage"] or ""), tidy(entry["channel"] or ""))
        for entry in entries
    }
    return Places(points, tuple(dict.fromkeys(stage for stage, _ in points.values() if stage)))


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; `unguarded` gives it back.

    Examples
    --------
    >>> guarded("=1+1"), unguarded(guarded("=1+1")), unguarded("'tis")
    ("'=1+1", '=1+1', "'tis")
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """Return what `guarded` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _cells(note: Note) -> list[str]:
    values = dict(zip(COLUMNS, astuple(note), strict=True)) | {"text": note.pasted}
    return [guarded(str(values[name])) for name in COLUMNS]


def write_notes(notes: Iterable[Note], path: str | Path) -> Path:
    """Write notes as a table; the column ``text`` alone pastes into a board as sticky notes.

    Parameters
    ----------
    notes : iterable of Note
    path : str or Path
        Ending in ``.xlsx`` an Excel workbook, which no program misreads; in ``.csv`` as spreadsheet
        programs write it (UTF-8 with byte order mark, CRLF).

    Returns
    -------
    Path
        The file; it appears complete or not at all.

    Raises
    ------
    ConfigError
        If the name has another ending.
    RunError
        If the place cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise ConfigError(f"{path.name}: a table of notes ends in .csv or .xlsx.")
    rows = [list(COLUMNS), *map(_cells, notes)]
    content = _workbook(rows) if path.suffix.lower() == ".xlsx" else _text(rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".notes-", delete=False) as file:
            file.write(content)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    except OSError as error:
        raise RunError(
            f"cannot write {path.name}: {error.strerror}. Choose another --out."
        ) from None
    return path


def _text(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def _workbook(rows: Sequence[Sequence[str]]) -> bytes:
    with extra("workshop", "an Excel workbook", "A .csv needs nothing more."):
        from openpyxl import Workbook
        from openpyxl.styles import Alignment, Font
    book = Workbook()
    sheet = book.active
    sheet.title = "notes"
    numbers = {COLUMNS.index("votes"), COLUMNS.index("round")}
    for i, row in enumerate(rows):
        sheet.append([int(c) if i and j in numbers else c for j, c in enumerate(row)])
    for letter, width in zip("ABCDEFGHIJ", (13, 70, 11, 24, 28, 16, 14, 7, 9, 7), strict=True):
        sheet.column_dimensions[letter].width = width
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for (cell,) in sheet.iter_rows(min_row=2, min_col=2, max_col=2):
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def notes_file(run: str | Path) -> Path:
    """Return where the notes on an audit are kept: beside its runs, which never change."""
    return Path(run).resolve().parent / FILE
