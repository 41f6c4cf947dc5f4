"""Notes coming back: each row becomes the note it was, or a new one; none is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from journeylib.core import text
from journeylib.workshop.notes.edited_slides import is_deck, read_deck
from journeylib.workshop.notes.notes import (
    ASKED,
    ID,
    KIND_COLORS,
    TAG,
    Note,
    Places,
    note_id,
    notes_file,
    read_places,
    tidy,
)
from journeylib.workshop.notes.table import Row, read_table

ALIKE = 80.0  # of 100, from which a name is taken for a misspelt one
AHEAD = 6.0  # and so much better than the second
MOST_VOTES = 9999
# What kinds are called, in the languages of the catalogue.
KIND_NAMES = {
    "note": "note", "notiz": "note", "pain": "pain", "problem": "pain", "schmerz": "pain",
    "ärger": "pain", "gain": "gain", "freude": "gain", "gewinn": "gain", "idea": "idea",
    "idee": "idea", "opportunity": "idea", "chance": "idea", "question": "question",
    "frage": "question", "owner": "owner", "verantwortlich": "owner", "machine": "machine",
    "bot": "machine", "maschine": "machine", "automate": "machine", "person": "person",
    "human": "person", "mensch": "person",
}  # fmt: skip
# An address, or digits as in a telephone or customer number: a note shows people's own words.
PERSONAL = re.compile(r"[^\s@]+@[^\s@]+\.\w{2,}|(?:\+?\d[\s/().-]?){7,}")


@dataclass(frozen=True)
class ImportedNotes:
    """What came of a file of notes.

    Attributes
    ----------
    notes : tuple of Note
        All that are to be kept, by round, place and id: those of the file, and earlier ones that
        it does not hold.
    messages : tuple of str
        What was amiss, with numbers of rows or slides and never with a text.
    rows, new, changed : int
        Rows with content; notes that were not there before; notes that are different now.
    """

    notes: tuple[Note, ...]
    messages: tuple[str, ...]
    rows: int
    new: int
    changed: int

    @property
    def summary(self) -> str:
        """What came of it, in a sentence."""
        by_people = [note for note in self.notes if note.is_by_people]
        votes = sum(note.votes for note in by_people)
        counts = {"rows": self.rows, "new": self.new, "changed": self.changed}
        return text("workshop.notes.imported", **counts, said=len(by_people), votes=votes)


def import_notes(
    path: str | Path,
    places: Places,
    *,
    before: Sequence[Note] = (),
    asked: Sequence[Note] = (),
    round: int = 1,
) -> ImportedNotes:
    """Read notes as a spreadsheet, a whiteboard or an edited deck of slides leaves them.

    Parameters
    ----------
    path : str or Path
        CSV, or an Excel workbook, with at least a column of texts; or the slides of a workshop.
    places : Places
        Of the run that the notes are about.
    before : sequence of Note
        Kept from earlier imports.
    asked : sequence of Note
        What the audit asked, in every language in which it may have been exported.
    round : int
        Of new notes that do not say theirs.

    Raises
    ------
    ConfigError
        If the file is not there, or is neither a table of notes nor slides of a workshop.

    Notes
    -----
    A row is the note whose id stands in its text, else in its column ``id``, else the note of the
    same text. A missing column changes nothing. A row that does not fit the header changes no
    note that is known by its id; else it is kept as one text. The same file read twice gives the
    same notes.
    """
    table = read_deck(path, places) if is_deck(path) else read_table(path)
    reader = _Reader(places, before, asked, round)
    # Those that say which note they are come first: others may only claim what is left.
    for row in sorted(table.rows, key=lambda row: not _has_id(row)):
        reader.take(row)
    notes = {note.id: note for note in before} | reader.notes
    missing = sum(note.id not in reader.notes for note in before)
    messages = [
        text(f"workshop.notes.at_{table.unit}", n=str(number), message=message)
        for number, message in sorted(reader.messages)
    ]
    if table.other_columns:
        messages.append(text("workshop.notes.other_columns", n=table.other_columns))
    if missing:
        messages.append(text("workshop.notes.missing", n=missing))
    return ImportedNotes(
        notes=tuple(sorted(notes.values(), key=lambda n: (n.round, n.stage, n.touchpoint, n.id))),
        messages=tuple(messages),
        rows=len(table.rows),
        new=sum(key not in reader.earlier for key in reader.notes),
        changed=sum(
            note not in reader.earlier.get(key, [note]) for key, note in reader.notes.items()
        ),
    )


def kept_notes(run: str | Path) -> tuple[Note, ...]:
    """Return the notes that are kept beside a run; none where nobody has imported any."""
    path = notes_file(run)
    return import_notes(path, read_places(run)).notes if path.is_file() else ()


class _Reader:
    """Turns rows into notes, one after the other; knows which it has seen."""

    def __init__(
        self, places: Places, before: Sequence[Note], asked: Sequence[Note], round: int
    ) -> None:
        self.places, self.round = places, round
        self.notes: dict[str, Note] = {}
        self.messages: list[tuple[int, str]] = []
        self.earlier: dict[str, list[Note]] = {}
        for note in (*before, *asked):
            self.earlier.setdefault(note.id, []).append(note)
        self._same_text: Counter[str] = Counter()
        self._names = sorted((*places.touchpoints, *places.stages), key=len, reverse=True)

    def take(self, row: Row) -> None:
        """Make notes of one row."""
        if row.notice:
            self._say(row, row.notice)
        damage = row.damage and text(f"workshop.notes.damage.{row.damage}")
        pieces = _pieces(tidy(row.cells.get("text", "")))
        if len(pieces) > 1:
            self._say(row, "several", n=len(pieces))
        for piece, key in pieces:
            key = key or next(iter(ID.findall(row.cells.get("id", ""))), "")
            if row.damage and key in self.earlier:
                self._say(row, "stays", damage=damage)
                self.notes.setdefault(key, self.earlier[key][0])
                continue
            if row.damage:
                self._say(row, "as_text", damage=damage)
            self._keep(row, self._note(row, piece, key))

    def _say(self, row: Row, key: str, **values: object) -> None:
        self.messages.append((row.number, text(f"workshop.notes.{key}", **values)))

    def _note(self, row: Row, content: str, key: str) -> Note:
        key = key or self._id_of_text(content)
        earlier = self.earlier.get(key, [])
        old = earlier[0] if earlier else None
        words, location, kind = self._without_prefixes(content, old, row)
        if old is None:
            note = Note(key, words, kind=kind or "note", round=self.round)
        else:
            same = (v for v in earlier if content in ("", v.text, v.placed) or words == v.text)
            author = "" if old.author == ASKED else old.author
            note = next(same, replace(old, text=words, author=author))
        return self._with_cells(row, note, old, location)

    def _id_of_text(self, content: str) -> str:
        """Return the id of a row without one: of the note with this text, or a new one."""
        for key, versions in self.earlier.items():
            if key not in self.notes and any(content in (v.text, v.placed) for v in versions):
                return key
        plain = self._without_prefixes(content, None, None)[0].casefold()
        self._same_text[plain] += 1
        return note_id(plain, str(self._same_text[plain] - 1))

    def _without_prefixes(
        self, content: str, old: Note | None, row: Row | None
    ) -> tuple[str, str, str]:
        """Part a text from the place and the kind that stand before it, each with a colon."""
        own = [] if old is None else [name for name in (old.touchpoint, old.stage) if name]
        if row is not None:
            own += [tidy(row.cells[key]) for key in ("touchpoint", "stage") if row.cells.get(key)]
        location = kind = ""
        while True:
            name = next((n for n in (*self._names, *own) if _has_prefix(n, content)), "")
            if name:
                location = location if location in self.places.touchpoints else name
                content = content[len(name) + 1 :].strip()
                continue
            head, colon, rest = content.partition(":")
            word = KIND_NAMES.get(head.strip().casefold(), "")
            given = row is not None and row.cells.get("kind", "")
            if not (colon and word and rest.strip()) or kind or old is not None or given:
                return content, location, kind
            kind, content = word, rest.strip()

    def _with_cells(self, row: Row, note: Note, old: Note | None, location: str) -> Note:
        """Return the note with what the other columns say; what is missing stays."""
        cells = {key: tidy(cell) for key, cell in row.cells.items()}
        note = self._placed(row, note, cells, location)
        if kind := cells.get("kind", "").casefold():
            if kind not in KIND_NAMES:
                self._say(row, "kind", kinds=", ".join(KIND_COLORS), kind=note.kind)
            note = replace(note, kind=KIND_NAMES.get(kind, note.kind))
        author = cells.get("author", note.author)
        if old is not None and old.author == ASKED != note.author and author == ASKED:
            author = ""  # the room has written over the question
        if PERSONAL.search(note.text):
            self._say(row, "personal")
        return replace(
            note,
            author=author,
            votes=self._number(row, cells, "votes", note.votes, 0),
            color=cells.get("color") or note.color or KIND_COLORS[note.kind],
            round=max(1, self._number(row, cells, "round", note.round, note.round)),
        )

    def _number(self, row: Row, cells: dict[str, str], name: str, before: int, empty: int) -> int:
        digits = cells.get(name, str(before)).removesuffix(".0").removesuffix(",0")
        if not digits:
            return empty
        if digits.isascii() and digits.isdigit():
            return min(int(digits), MOST_VOTES)
        self._say(row, f"no_number.{name}")
        return before

    def _placed(self, row: Row, note: Note, cells: dict[str, str], prefix: str) -> Note:
        """Place a note: a changed cell says where, then a changed prefix of its text."""
        point = cells.get("touchpoint", note.touchpoint)
        stage = cells.get("stage", note.stage)
        if point not in ("", note.touchpoint):
            note = self._at(row, note, point, stage)
        elif prefix and prefix != (note.touchpoint or note.stage):
            note = self._at(row, note, prefix, "")
        elif (point, stage) != (note.touchpoint, note.stage):
            note = self._at(row, note, point, stage)
        if note.touchpoint in self.places.touchpoints:
            return note
        return replace(note, channel=cells.get("channel", note.channel))

    def _at(self, row: Row, note: Note, point: str, stage: str) -> Note:
        """Return the note at a touchpoint or a stage; where the run knows neither, as written."""
        if point not in self.places.touchpoints and point in self.places.stages:
            point, stage = "", point
        near = self._nearest(row, point, self.places.touchpoints) if point else ""
        if near in self.places.touchpoints:
            stage, channel = self.places.touchpoints[near]
            return replace(note, touchpoint=near, stage=stage, channel=channel)
        if point:
            self._say(row, "no_touchpoint")
        stage = self._nearest(row, stage, self.places.stages) if stage else ""
        if stage and stage not in self.places.stages:
            self._say(row, "no_stage")
        return replace(note, touchpoint=point, stage=stage, channel="")

    def _nearest(self, row: Row, name: str, names: Collection[str]) -> str:
        near = nearest(name, names)
        if near and near.casefold() != name.casefold():
            self._say(row, "nearest", name=near)
        return near or name

    def _keep(self, row: Row, note: Note) -> None:
        """Keep a note; a second one of the same id is a copy, or a note of its own."""
        first = self.notes.setdefault(note.id, note)
        if first is note:
            return
        if replace(first, votes=0) == replace(note, votes=0):
            self._say(row, "copy")
            self.notes[note.id] = replace(first, votes=max(first.votes, note.votes))
            return
        self._say(row, "same_id")
        k = 0
        while (own := note_id(note.id, note.placed.casefold(), str(k))) in self.notes:
            k += 1
        self.notes[own] = replace(note, id=own)


def _has_id(row: Row) -> bool:
    return bool(ID.search(row.cells.get("text", "") + " " + row.cells.get("id", "")))


def _has_prefix(name: str, text: str) -> bool:
    head, colon, rest = text[: len(name)], text[len(name) : len(name) + 1], text[len(name) + 1 :]
    return head.casefold() == name.casefold() and colon == ":" and bool(rest.strip())


def _pieces(text: str) -> list[tuple[str, str]]:
    """Return the notes that a text holds, each with its id; sticky notes may have been merged.

    Examples
    --------
    >>> _pieces("zu lang [n-0000000a] wirklich")
    [('zu lang wirklich', 'n-0000000a')]
    >>> _pieces("a [n-0000000a] b [n-0000000b]")
    [('a', 'n-0000000a'), ('b', 'n-0000000b')]
    """
    parts = TAG.split(text)
    words, ids = parts[0::2], [key.lower() for key in parts[1::2]]
    if len(set(ids)) < 2:
        return [(" ".join(filter(None, words)), ids[0] if ids else "")]
    if not words[0]:
        return list(zip(words[1:], ids, strict=True))
    return [(" ".join(filter(None, (text, words[-1] * (i == len(ids) - 1)))), ids[i])
            for i, text in enumerate(words[:-1])]  # fmt: skip


def nearest(name: str, names: Collection[str]) -> str:
    """Return the name that a name is, or misspells; empty where none or several are near.

    Examples
    --------
    >>> nearest("Tecnical fault", ["Technical fault", "Billing"]), nearest("Step 1", ["Step 2"])
    ('Technical fault', '')
    """
    from rapidfuzz import fuzz, process

    numbers = re.findall(r"\d+", name)
    alike = [one for one in sorted(names) if re.findall(r"\d+", one) == numbers]
    best = process.extract(name, alike, scorer=fuzz.ratio, processor=str.casefold, limit=2)
    if not best or best[0][1] < ALIKE:
        return ""
    clear = len(best) == 1 or best[0][1] == 100 or best[0][1] - best[1][1] >= AHEAD
    return str(best[0][0]) if clear else ""
