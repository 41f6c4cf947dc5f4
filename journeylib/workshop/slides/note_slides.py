"""Slides on which the room finds itself: notes as native stickies, differences, its own choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pptx.enum.shapes import MSO_SHAPE

from journeylib.workshop.content.content import Content, Stage
from journeylib.workshop.content.differences import (
    about_note,
    agreement_text,
    differences,
    notes_at,
    unplaced_notes,
    votes_text,
)
from journeylib.workshop.content.first_automations import FORM_ROWS, closing_exercise
from journeylib.workshop.content.pages import titled_pages
from journeylib.workshop.notes.notes import Note
from journeylib.workshop.slides import shapes
from journeylib.workshop.slides.shapes import EDGE, MUTED, WIDE, New, TextStyle, draw, write

if TYPE_CHECKING:
    from pptx.slide import Slide

TOP = 1.45
ACROSS, DOWN = 4, 2  # stickies on one slide
STICKY = (2.95, 2.6)
SIZES = (18, 16, 14)  # of its words, in points: the largest in which nothing is cut
DIFFERENCES = 2  # on one slide
HEADING = TextStyle(18, bold=True)
STICKY_SHAPE = shapes.ShapeStyle("note", "back", dashed=True, kind=MSO_SHAPE.RECTANGLE)
LOG_SHAPE = shapes.ShapeStyle("band", "line", kind=MSO_SHAPE.RECTANGLE)
NOTE_PLACE: shapes.Area = (EDGE, 6.42, WIDE - 1, 0.62)


def note_slides(new: New, content: Content, stage: Stage) -> None:
    """Add what the room said at a stage."""
    title = content.words.text("note.title", stage=stage.title(content.words))
    for slide in _stickies(new, content, notes_at(content, stage), title, "ask.notes"):
        shapes.name_slide(slide, f"stage: {stage.name}")


def unplaced_note_slides(new: New, content: Content) -> None:
    """Add the notes whose place the map does not have."""
    title = content.words.text("note.unplaced")
    _stickies(new, content, unplaced_notes(content), title, "ask.unplaced")


def _stickies(
    new: New, content: Content, notes: Sequence[Note], title: str, ask: str
) -> list[Slide]:
    words, slides, most = content.words, [], ACROSS * DOWN
    parts = [notes[start : start + most] for start in range(0, len(notes), most)]
    for head, part in titled_pages(words, title, parts):
        slide = new(head, words.text(ask))
        slides.append(slide)
        size = next((s for s in SIZES if all(_fits(content, n, s) for n in part)), SIZES[-1])
        for i, note in enumerate(part):
            row, column = divmod(i, ACROSS)
            area = (EDGE + 3.12 * column, TOP + 2.75 * row, *STICKY)
            _sticky(slide, content, note, area, size)
    return slides


def _parts(content: Content, note: Note, size: float) -> list[tuple[str, list[str]]]:
    """Return the paragraphs of a sticky, and the lines each takes: about, words, votes."""
    width, height = STICKY
    votes = votes_text(note).strip()
    about, quote = about_note(content, note), content.words.text("note.quote", text=note.text)
    head = shapes.fitted(about, (0, 0, width, 9.0), size, lines=2)
    most = int((height - 2 * shapes.INSET) * 72 / (size * shapes.LEADING)) - len(head) - bool(votes)
    parts = [
        (" ".join(lines) if "…" in "".join(lines) and "…" not in text else text, lines)
        for text, lines in (
            (about, head),
            (quote, shapes.fitted(quote, (0, 0, width, 9.0), size, lines=most)),
        )
    ]
    return [*parts, (votes, [votes])] if votes else parts


def _fits(content: Content, note: Note, size: float) -> bool:
    shown = "".join(line for _, lines in _parts(content, note, size) for line in lines)
    return "…" not in shown or "…" in note.text


def _sticky(slide: Slide, content: Content, note: Note, area: shapes.Area, size: float) -> None:
    """Draw one note: its id is in the name of the shape, so it is known wherever it is moved.

    Its text flows, so that whoever edits it finds whole words.
    """
    shape = draw(slide, f"note: {note.id}", area, STICKY_SHAPE, alt=note.placed)
    (about, _), *parts = _parts(content, note, size)
    shapes.fill_text(shape, [about], TextStyle(size))
    for i, (text, _) in enumerate(parts):
        shapes.add_paragraph(shape, text, TextStyle(size, bold=bool(i)), italic=not i)


def difference_slides(new: New, content: Content) -> None:
    """Add where the room and the log differ: both sides in boxes of the same size."""
    words, every = content.words, differences(content)
    agreed = agreement_text(content)
    for start in range(0, len(every), DIFFERENCES):
        slide = new(words.text("differ.title"), words.text("ask.differ"))
        for i, one in enumerate(every[start : start + DIFFERENCES]):
            y, name = TOP + 2.65 * i, f"difference {start + i + 1}"
            write(slide, name, (EDGE, y, WIDE - 1, 0.75), one.title, HEADING)
            sides = (("room", one.room, STICKY_SHAPE), ("log", one.log, LOG_SHAPE))
            for k, (side, text, style) in enumerate(sides):
                shape = draw(slide, f"{name}: {side}", (EDGE + 6.22 * k, y + 0.78, 6.1, 1.7), style)
                lines, size = shapes.sized(text, (0, 0, 6.0, 1.25), [22, 18, 16])
                shapes.fill_text(shape, [words.text(f"side.{side}"), *lines], TextStyle(size))
                shapes.embolden(shape)
        if agreed and start + DIFFERENCES >= len(every):
            write(slide, "agreed", (EDGE, 6.68, WIDE - 1, 0.39), agreed, MUTED)


def first_automation_slides(new: New, content: Content) -> None:
    """Add the closing exercise: the choice, why not the others, and the room's own form."""
    words, ask = content.words, content.words.text("ask.automations")
    closing = closing_exercise(content)
    slide = new(closing.headline, ask)
    rows = [(name, f"{name}: {often}, {worth}") for name, often, worth in closing.chosen]
    rows += [(key, f"□ {text}") for key, text in closing.bring.items()]
    step = min(1.4, 4.9 / max(len(rows), 1))
    for i, (name, text) in enumerate(rows):
        area = (EDGE, TOP + step * i, WIDE - 2 * EDGE, step - 0.1)
        shapes.draw_text(slide, f"first: {name}", area, text, [24, 20, 18])
    write(slide, "note", NOTE_PLACE, closing.note, MUTED)
    if closing.others:
        slide = new(words.text("first.why"), ask)
        for i, (name, why) in enumerate(closing.others):
            area = (EDGE, TOP + 0.6 * i, WIDE - 2 * EDGE, 0.54)
            text = f"{name}: {why}" if why else name
            write(slide, f"other: {name}", area, text, TextStyle(18, middle=True))
    slide = new(words.text("first.form"), ask)
    step = (WIDE - 2 * EDGE) / len(closing.form)
    for i, (key, head) in enumerate(closing.form.items()):
        x = EDGE + step * i
        write(slide, f"form: {key}", (x, TOP, step - 0.1, 0.46), head, HEADING)
        for k in range(FORM_ROWS):
            area = (x, TOP + 0.5 + 1.45 * k, step - 0.1, 1.35)
            draw(slide, f"form: {key} {k + 1}", area, shapes.PAPER)
    write(slide, "note", NOTE_PLACE, words.text("first.form_note"), MUTED)
