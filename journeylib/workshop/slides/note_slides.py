"""Slides on which the room finds itself: notes as native stickies, differences, its own choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pptx.enum.shapes import MSO_SHAPE

from journeylib.workshop.content.content import Content, Stage
from journeylib.workshop.content.first_automations import (
    BRING,
    FORM,
    FORM_ROWS,
    chosen_rows,
    headline,
    money_note,
    other_rows,
)
from journeylib.workshop.notes.differences import (
    about_note,
    agreements,
    differences,
    notes_at,
    parked,
    votes_text,
)
from journeylib.workshop.notes.notes import Note
from journeylib.workshop.slides.shapes import (
    INSET,
    LEADING,
    Place,
    add_paragraph,
    draw,
    fill_text,
    fitted,
    name_slide,
    sized,
    write,
)

if TYPE_CHECKING:
    from pptx.slide import Slide

New = Callable[[str, str], "Slide"]
"""Adds a slide with this title and this question to ask."""
WIDE, EDGE, TOP = 13.333, 0.5, 1.45
ACROSS, DOWN = 4, 2  # stickies on one slide
STICKY = (2.95, 2.6)
SIZES = (18, 16, 14)  # of its words, in points: the largest in which nothing is cut
DIFFERENCES = 2  # on one slide


def note_slides(new: New, content: Content, stage: Stage) -> None:
    """Add what the room said at a stage."""
    title = content.words.text("note.title", stage=stage.title(content.words))
    for slide in _stickies(new, content, notes_at(content, stage), title, "ask.notes"):
        name_slide(slide, f"stage: {stage.name}")


def parked_slides(new: New, content: Content) -> None:
    """Add the notes whose place the map does not have."""
    _stickies(new, content, parked(content), content.words.text("note.parked"), "ask.parked")


def _stickies(
    new: New, content: Content, notes: Sequence[Note], title: str, ask: str
) -> list[Slide]:
    words, slides = content.words, []
    for start in range(0, len(notes), ACROSS * DOWN):
        page = start // (ACROSS * DOWN) + 1
        head = title if page == 1 else words.text("deck.continued", title=title, page=page)
        slide = new(head, words.text(ask))
        slides.append(slide)
        shown = notes[start : start + ACROSS * DOWN]
        size = next(
            (size for size in SIZES if all(_fits(content, n, size) for n in shown)), SIZES[-1]
        )
        for i, note in enumerate(shown):
            row, column = divmod(i, ACROSS)
            _sticky(slide, content, note, (EDGE + 3.12 * column, TOP + 2.75 * row, *STICKY), size)
    return slides


def _parts(content: Content, note: Note, size: float) -> list[tuple[str, list[str]]]:
    """Return the paragraphs of a sticky, and the lines each takes: about, words, votes."""
    width, height = STICKY
    votes = votes_text(note).strip()
    about, quote = about_note(content, note), content.words.text("note.quote", text=note.text)
    head = fitted(about, (0, 0, width, 9.0), size, lines=2)
    most = int((height - 2 * INSET) * 72 / (size * LEADING)) - len(head) - bool(votes)
    parts = [
        (" ".join(lines) if "…" in "".join(lines) and "…" not in said else said, lines)
        for said, lines in (
            (about, head),
            (quote, fitted(quote, (0, 0, width, 9.0), size, lines=most)),
        )
    ]
    return [*parts, (votes, [votes])] if votes else parts


def _fits(content: Content, note: Note, size: float) -> bool:
    said = "".join(line for _, lines in _parts(content, note, size) for line in lines)
    return "…" not in said or "…" in note.text


def _sticky(slide: Slide, content: Content, note: Note, place: Place, size: float) -> None:
    """Draw one note: its id is in the name of the shape, so it is known wherever it is moved.

    Its text flows, so that whoever edits it finds whole words.
    """
    shape = draw(
        slide, f"note: {note.id}", place, kind=MSO_SHAPE.RECTANGLE, fill="note",
        edge="back", dashed=True, width=1.25, alt=note.placed,
    )  # fmt: skip
    parts = _parts(content, note, size)
    fill_text(shape, [parts[0][0]], size, middle=False, centre=False)
    for i, (said, _) in enumerate(parts[1:]):
        add_paragraph(shape, said, size, italic=not i, bold=bool(i))


def difference_slides(new: New, content: Content) -> None:
    """Add where the room and the log differ: both sides in boxes of the same size."""
    words = content.words
    found = differences(content)
    names = agreements(content)
    for start in range(0, len(found), DIFFERENCES):
        slide = new(words.text("differ.title"), words.text("ask.differ"))
        for i, one in enumerate(found[start : start + DIFFERENCES]):
            y = TOP + 2.65 * i
            part = f"difference {start + i + 1}"
            write(slide, part, (EDGE, y, WIDE - 1, 0.75), one.title, size=18, bold=True)
            for k, (side, text, fill) in enumerate(
                (("room", one.room, "note"), ("log", one.log, "band"))
            ):
                place = (EDGE + 6.22 * k, y + 0.78, 6.1, 1.7)
                shape = draw(
                    slide, f"{part}: {side}", place, kind=MSO_SHAPE.RECTANGLE, fill=fill,
                    edge="back" if side == "room" else "line", dashed=side == "room",
                )  # fmt: skip
                lines, size = sized(text, (0, 0, place[2] - 0.1, 1.25), [22, 18, 16])
                said = [words.text(f"side.{side}"), *lines]
                fill_text(shape, said, size, middle=False, centre=False)
                shape.text_frame.paragraphs[0].runs[0].font.bold = True
        if names and start + DIFFERENCES >= len(found):
            agreed = words.text("differ.agree", names=words.names(names))
            write(slide, "agreed", (EDGE, 6.68, WIDE - 1, 0.39), agreed, ink="muted")


def first_slides(new: New, content: Content) -> None:
    """Add the closing exercise: the choice, why not the others, and the room's own form."""
    words = content.words
    title, ask = words.text("first.title"), words.text("ask.automations")
    slide = new(f"{title}: {headline(content)}" if content.first else headline(content), ask)
    rows = [(name, f"{often}, {worth}") for name, often, worth in chosen_rows(content)]
    if content.first is None:
        rows = [("", words.text(f"bring.{key}")) for key in BRING]
    step = min(1.4, 4.9 / max(len(rows), 1))
    for i, (name, said) in enumerate(rows):
        place = (EDGE, TOP + step * i, WIDE - 2 * EDGE, step - 0.1)
        shape = draw(slide, f"first: {name or BRING[i]}", place, fill="band", edge=None)
        text = f"{name}: {said}" if name else f"□ {said}"
        lines, size = sized(text, (0, 0, place[2] - 0.3, place[3]), [24, 20, 18])
        fill_text(shape, lines, size, centre=False)
    write(slide, "note", (EDGE, 6.42, WIDE - 1, 0.62), money_note(content), ink="muted")
    if others := other_rows(content):
        slide = new(words.text("first.why"), ask)
        for i, (name, why) in enumerate(others):
            place = (EDGE, TOP + 0.6 * i, WIDE - 2 * EDGE, 0.54)
            text = f"{name}: {why}" if why else name
            write(slide, f"other: {name}", place, text, size=18, middle=True)
    slide = new(words.text("first.form"), ask)
    step = (WIDE - 2 * EDGE) / len(FORM)
    for i, key in enumerate(FORM):
        x = EDGE + step * i
        head = words.text(f"form.{key}")
        write(slide, f"form: {key}", (x, TOP, step - 0.1, 0.46), head, size=18, bold=True)
        for k in range(FORM_ROWS):
            place = (x, TOP + 0.5 + 1.45 * k, step - 0.1, 1.35)
            draw(slide, f"form: {key} {k + 1}", place, dashed=True, width=1.0)
    write(slide, "note", (EDGE, 6.42, WIDE - 1, 0.62), words.text("first.form_note"), ink="muted")
