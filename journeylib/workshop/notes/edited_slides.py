"""Notes on slides: what people wrote into the deck of a workshop, as rows like those of a table."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from journeylib.core import ConfigError, extra
from journeylib.workshop.notes.notes import ID, Places, tidy
from journeylib.workshop.notes.table import NotesTable, Row

# What the shapes of a deck are called, by how their names begin: all others are people's own.
OURS = (
    "title", "kicker", "about", "source", "stage: ", "size: ", "chart: ", "headline: ", "decision ",
    "note", "lane: ", "channel: ", "touchpoint: ", "flow: ", "moves", "card: ", "story ", "table: ",
    "difference ", "agreed", "first: ", "other: ", "form: ", "end", "room: ",
)  # fmt: skip
NOTE, POINT, ROOM, FORM, STAGE = "note: ", "touchpoint: ", "room: ", "form: ", "stage: "
# What is written into the boxes that are left to the room is a note of this kind.
ROOM_KINDS = {"notes": "note", "opportunities": "idea", "questions": "question", "owner": "owner"}
NEXT, NEXT_KIND = "next step", "idea"
VOTES = re.compile(r"^●\s*(\d{1,4})$")
QUOTES = "„“”\"«»‚‘’'"


def is_deck(path: str | Path) -> bool:
    """Return whether a file is a presentation, or was one before it was damaged."""
    try:
        with zipfile.ZipFile(path) as packed:
            return "ppt/presentation.xml" in packed.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        return isinstance(error, zipfile.BadZipFile) and Path(path).suffix.lower() == ".pptx"


def read_deck(path: str | Path, places: Places) -> NotesTable:
    """Read the notes of a deck: its stickies, wherever they were moved; boxes for the room; more.

    Parameters
    ----------
    path : str or Path
        A presentation that a workshop was made with, and that people have edited.
    places : Places
        Of the run that the notes are about.

    Returns
    -------
    NotesTable
        One row per note; `Row.number` is the number of its slide.

    Raises
    ------
    ConfigError
        If it is no presentation that can be read, or none of a workshop.

    Notes
    -----
    A sticky is known by the id in the name of its shape. A shape with text that has another name
    is a new note of its slide's stage, or of the touchpoint that it lies on. One on a slide
    without any shape of the workshop is none.
    """
    path = Path(path)
    with extra("workshop", f"the presentation {path.name}"):
        from pptx import Presentation, exc
    try:
        slides = list(Presentation(str(path)).slides)
    except (exc.PythonPptxError, KeyError, ValueError, OSError, zipfile.BadZipFile):
        raise ConfigError(f"{path.name} is no presentation that can be read.") from None
    rows, ours = [], 0
    for number, slide in enumerate(slides, start=1):
        shapes = list(_flat(slide.shapes))
        ours += sum(_is_ours(shape) for shape in shapes)
        rows += list(_rows(number, slide, shapes, places))
    if not ours:
        raise ConfigError(
            f"{path.name} holds no slide of a workshop. Edit slides.pptx of 'journeylib workshop'."
        )
    return NotesTable(tuple(rows), unit="slide")


def _flat(shapes: Any) -> Iterator[Any]:
    """Yield shapes, and those in groups."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _flat(shape.shapes)
        else:
            yield shape


def _is_ours(shape: Any) -> bool:
    return bool(shape.name.startswith(OURS)) and not shape.is_placeholder


def _rows(number: int, slide: Any, shapes: list[Any], places: Places) -> Iterator[Row]:
    points = {s.name[len(POINT) :]: s for s in shapes if s.name.startswith(POINT)}
    stage = _stage(slide, points, places)
    working = any(map(_is_ours, shapes))
    form: dict[str, list[str]] = {}
    for shape in shapes:
        if not shape.has_text_frame or shape.is_placeholder:
            continue
        name, texts = shape.name, _paragraphs(shape)
        is_ours = name.startswith(OURS)
        if name.startswith(NOTE) or (not is_ours and _is_renamed(shape, texts)):
            yield _sticky(number, shape, texts, stage)
        elif name.startswith(ROOM):
            yield from _boxed(number, name[len(ROOM) :], texts, _alt_text(shape), stage)
        elif name.startswith(FORM) and name[-1].isdigit() and texts:
            form.setdefault(name.rsplit(" ", 1)[1], []).append(" ".join(texts))
        elif working and texts and not is_ours:
            on = _beneath(shape, points)
            cells = {"text": " ".join(texts)} | ({"touchpoint": on} if on else {"stage": stage})
            yield Row(number, cells)
    for _, cells_of_row in sorted(form.items()):
        yield Row(number, {"text": ", ".join(cells_of_row), "kind": NEXT_KIND})


def _stage(slide: Any, points: dict[str, Any], places: Places) -> str:
    """Return the stage of a slide: of its own name, else of a touchpoint on it."""
    name = str(slide._element.cSld.get("name") or "")
    if name.startswith(STAGE):
        return tidy(name[len(STAGE) :].split(" #")[0])
    stages = (places.touchpoints.get(tidy(point), ("", ""))[0] for point in points)
    return next(filter(None, stages), "")


def _paragraphs(shape: Any) -> list[str]:
    return [text for p in shape.text_frame.paragraphs if (text := tidy(p.text.replace("\v", " ")))]


def _alt_text(shape: Any) -> str:
    return tidy(shape._element.xpath(".//p:cNvPr")[0].get("descr") or "")


def _is_renamed(shape: Any, texts: list[str]) -> bool:
    """Return whether a shape is a sticky that has lost its name: it says what it was."""
    return bool(_alt_text(shape)) and any(text[0] in QUOTES for text in texts[1:])


def _sticky(number: int, shape: Any, texts: list[str], stage: str) -> Row:
    """Return the note of a sticky: a line of its kind and place, its words, its votes."""
    cells: dict[str, str] = {}
    if key := ID.search(shape.name):
        cells["id"] = key.group()
    if texts and (votes := VOTES.match(texts[-1])):
        cells["votes"], texts = votes.group(1), texts[:-1]
    start = next((i for i, text in enumerate(texts) if text[0] in QUOTES), 0)
    if start and "…" not in "".join(texts[:start]):
        touchpoint = " ".join(texts[:start]).partition(" · ")[2]
        if touchpoint:
            cells["touchpoint"] = touchpoint
    text = " ".join(texts[start:])
    if len(text) > 1 and text[0] in QUOTES and text[-1] in QUOTES:
        text = text[1:-1].strip()
    whole = _alt_text(shape)
    before, cut, after = text.partition("…")
    if cut and before.strip() in whole and whole.endswith(after.strip()):
        text = whole  # it was too long for its sticky
    cells["text"] = text or whole
    if stage and "touchpoint" not in cells and not start:
        cells["stage"] = stage
    notice = "" if key else "no_id"
    if not text:
        notice = "no_text"
    return Row(number, cells, notice=notice)


def _boxed(number: int, key: str, texts: list[str], label: str, stage: str) -> Iterator[Row]:
    """Yield the notes in a box that was left to the room: each paragraph is one."""
    kind = NEXT_KIND if key.startswith(NEXT) else ROOM_KINDS.get(key, "note")
    for i, text in enumerate(texts):
        if not i and label and text.startswith(label):
            text = text[len(label) :].lstrip(": ")
        if text:
            yield Row(number, {"text": text, "kind": kind} | ({"stage": stage} if stage else {}))


def _beneath(shape: Any, points: dict[str, Any]) -> str:
    """Return the touchpoint whose box a shape covers most; nothing where it covers none."""

    def shared(other: Any) -> int:
        across = min(shape.left + shape.width, other.left + other.width)
        down = min(shape.top + shape.height, other.top + other.height)
        wide, high = across - max(shape.left, other.left), down - max(shape.top, other.top)
        return int(max(wide, 0) * max(high, 0))

    best = max(points, key=lambda name: shared(points[name]), default="")
    return best if best and shared(points[best]) else ""
