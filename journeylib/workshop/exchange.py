"""Exchange of notes: they go out with the questions of the audit, and come back from people."""

from __future__ import annotations

from pathlib import Path

from journeylib.audits import locked
from journeylib.core import languages
from journeylib.workshop.content.content import Content
from journeylib.workshop.content.from_run import read_content
from journeylib.workshop.notes.import_notes import ImportedNotes, import_notes, kept_notes
from journeylib.workshop.notes.notes import (
    ASKED,
    KIND_COLORS,
    Note,
    note_id,
    notes_file,
    read_places,
    tidy,
    write_notes,
)


def starter_questions(content: Content) -> tuple[Note, ...]:
    """Return the questions that the audit asks the room, by touchpoint and by decision.

    A question has the same id in every language and in every run.
    """
    words = content.words
    questions = [
        Note(
            note_id("touchpoint", tidy(point.name)),
            words.text(f"starter.{'bad' if point.mark < 0 else point.shown_verdict}"),
            stage=tidy(point.stage),
            touchpoint=tidy(point.name),
            channel=tidy(point.channel),
            kind="question",
            author=ASKED,
            color=KIND_COLORS["question"],
        )
        for point in content.touchpoints
    ]
    for one in content.first_screen.decisions:
        text = tidy(words.text("starter.decision", decision=one.title))
        key, color = note_id("decision", one.kind, *one.touchpoints), KIND_COLORS["question"]
        questions.append(Note(key, text, kind="question", author=ASKED, color=color))
    return tuple(questions)


def export_notes(run: str | Path, out: str | Path, *, language: str = "en") -> tuple[Note, ...]:
    """Write the notes on a run, and the questions that nobody has answered, as a table.

    Parameters
    ----------
    run : str or Path
        A run directory.
    out : str or Path
        ``.csv`` or ``.xlsx``; its column ``text`` alone pastes into a board.
    language : str
        A language of the catalogue, for the questions.

    Returns
    -------
    tuple of Note
        What was written.

    Raises
    ------
    LogError, RunError
        If the directory is no complete run; if `out` cannot be written.
    ConfigError
        If there are no texts in the language, or `out` has another ending.
    """
    content = read_content(run, language=language)
    answered = {note.id for note in content.notes}
    questions = (note for note in starter_questions(content) if note.id not in answered)
    every = (*content.notes, *questions)
    write_notes(every, out)
    return every


def take_notes(run: str | Path, path: str | Path, *, round: int = 1) -> ImportedNotes:
    """Read notes that came back and keep them beside the runs of the audit, as `notes.csv`.

    Parameters
    ----------
    run : str or Path
        The run directory that the notes are about; it is not changed.
    path : str or Path
        What a spreadsheet or a whiteboard left.
    round : int
        Of new notes that do not say theirs.

    Raises
    ------
    LogError, RunError
        If the directory is no complete run; if the notes cannot be written.
    ConfigError
        If the file is not there, or is no table of notes.
    """
    places = read_places(run)
    asked = [
        note
        for language in languages()
        for note in starter_questions(read_content(run, language=language))
    ]
    target = notes_file(run)
    # Two imports at once: the second reads what the first has written.
    with locked(target.parent):
        before = kept_notes(run)
        imported = import_notes(path, places, before=before, asked=asked, round=round)
        write_notes(imported.notes, target)
    return imported
