"""Starter notes: a question for each touchpoint and finding, to paste into a board beforehand."""

from __future__ import annotations

from pathlib import Path

from journeylib.core import languages
from journeylib.workshop.content.content import Content, Touchpoint
from journeylib.workshop.content.from_run import read_content
from journeylib.workshop.notes.import_notes import Imported, import_notes, kept_notes
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
from journeylib.workshop.screens.screens import weighty


def starters(content: Content) -> tuple[Note, ...]:
    """Return the questions that the audit asks the room, by touchpoint and by finding.

    A question has the same id in every language and in every run.
    """
    words = content.words
    found = [
        _asked(
            note_id("touchpoint", tidy(point.name)),
            words.text(f"starter.{_state(point)}"),
            stage=tidy(point.stage),
            touchpoint=tidy(point.name),
            channel=tidy(point.channel),
        )
        for point in content.touchpoints
    ]
    for finding in weighty(content):
        text = words.text("starter.finding", finding=finding.text)
        found.append(_asked(note_id("finding", finding.id), text))
    return tuple(found)


def _state(point: Touchpoint) -> str:
    return "bad" if point.mark < 0 else point.leaning or point.verdict


def _asked(key: str, text: str, stage: str = "", touchpoint: str = "", channel: str = "") -> Note:
    return Note(
        key, tidy(text), "question", stage, touchpoint, channel, ASKED,
        color=KIND_COLORS["question"],
    )  # fmt: skip


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
    RunError
        If the directory is no complete run, or `out` cannot be written.
    ConfigError
        If there are no texts in the language.
    """
    content = read_content(run, language=language)
    kept = {note.id for note in content.notes}
    every = (*content.notes, *(note for note in starters(content) if note.id not in kept))
    write_notes(every, out)
    return every


def take_notes(run: str | Path, path: str | Path, *, round: int = 1) -> Imported:
    """Read notes that came back and keep them beside the runs of the audit, as `notes.csv`.

    Parameters
    ----------
    run : str or Path
        The run directory that the notes are about; it is not changed.
    path : str or Path
        What a spreadsheet or a whiteboard left.
    round : int
        Of new notes that do not say theirs.

    Returns
    -------
    Imported

    Raises
    ------
    RunError
        If the directory is no complete run, or the notes cannot be written.
    ConfigError
        If the file is not there, or is no table of notes.
    """
    places = read_places(run)
    asked = [
        note for language in languages() for note in starters(read_content(run, language=language))
    ]
    found = import_notes(path, places, before=kept_notes(run), asked=asked, round=round)
    write_notes(found.notes, notes_file(run))
    return found
