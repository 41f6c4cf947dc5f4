"""Notes coming back: each row becomes the note it was, or a new one; none is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from journeylib.workshop.notes.deck import is_deck, read_deck
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
# Votes on boards, where there is no column for them: dots, thumbs or +1 at the end.
MARKS = re.compile(r"(?:(?:^|\s)\+\d{1,2}(?=\s|$)|\s*[●•⬤🔴🔵👍✔✅]\ufe0f?)+\s*$")
MARK = re.compile(r"\+(\d{1,2})|[●•⬤🔴🔵👍✔✅]")
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
class Imported:
    """What came of a file of notes.

    Attributes
    ----------
    notes : tuple of Note
        All that are to be kept, by round, place and id: those of the file, and earlier ones that
        it does not hold.
    messages : tuple of str
        What was amiss, with numbers of lines or slides and never with a text.
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
        said = [note for note in self.notes if note.is_said]
        votes = sum(note.votes for note in said)
        return (
            f"{self.rows} rows: {self.new} new notes, {self.changed} changed. The room has said "
            f"{len(said)} notes with {votes} votes."
        )


def import_notes(
    path: str | Path,
    places: Places,
    *,
    before: Sequence[Note] = (),
    asked: Sequence[Note] = (),
    round: int = 1,
) -> Imported:
    """Read notes as a spreadsheet, a whiteboard or an edited deck of slides leaves them.

    Parameters
    ----------
    path : str or Path
        CSV in any encoding with any delimiter, or an Excel workbook, with at least a column of
        texts; or the slides of a workshop.
    places : Places
        Of the run that the notes are about.
    before : sequence of Note
        Kept from earlier imports.
    asked : sequence of Note
        What the audit asked, in every language in which it may have been exported.
    round : int
        Of new notes that do not say theirs.

    Returns
    -------
    Imported

    Raises
    ------
    ConfigError
        If the file is not there, or is neither a table of notes nor slides of a workshop.

    Notes
    -----
    A row is the note whose id stands in its text, else in its column ``id``, else the note of the
    same text. A missing column changes nothing. Text whose letters an older encoding has lost
    keeps what it was. The same file read twice gives the same notes.
    """
    table = read_deck(path, places) if is_deck(path) else read_table(path)
    reader = _Reader(places, before, asked, round)
    # Those that say which note they are come first: others may only claim what is left.
    for row in sorted(table.rows, key=lambda row: not _tagged(row)):
        reader.take(row)
    kept = {note.id: note for note in before}
    kept.update(reader.found)
    left = sum(note.id not in reader.found for note in before)
    messages = [f"{table.unit} {line}: {message}." for line, message in sorted(reader.messages)]
    if table.other:
        messages.append(f"{table.other} columns that notes do not have were left out.")
    if table.encoding not in ("", "utf-8", "utf-8-sig", "utf-16"):
        messages.append(
            f"the file is in {table.encoding}: such files lose letters. Save it as 'CSV UTF-8'."
        )
    if left:
        messages.append(f"{left} earlier notes are not in this file; they are kept as they were.")
    versions = [reader.versions.get(note.id, []) for note in reader.found.values()]
    return Imported(
        notes=tuple(sorted(kept.values(), key=lambda n: (n.round, n.stage, n.touchpoint, n.id))),
        messages=tuple(messages),
        rows=len(table.rows),
        new=sum(not known for known in versions),
        changed=sum(
            bool(known) and note not in known
            for note, known in zip(reader.found.values(), versions, strict=True)
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
        self.found: dict[str, Note] = {}
        self.messages: list[tuple[int, str]] = []
        self.versions: dict[str, list[Note]] = {}
        for note in (*before, *asked):
            self.versions.setdefault(note.id, []).append(note)
        self._same: Counter[str] = Counter()
        self._names = sorted((*places.touchpoints, *places.stages), key=len, reverse=True)

    def _say(self, row: Row, message: str) -> None:
        self.messages.append((row.line, message))

    def take(self, row: Row) -> None:
        """Make notes of one row."""
        if row.damage:
            self._say(row, row.damage)
        text, mended = _mended(row.cells.get("text", ""))
        if mended:
            self._say(row, "letters were garbled by an encoding; they are mended")
        pieces = _pieces(tidy(text))
        if len(pieces) > 1:
            self._say(row, f"holds {len(pieces)} notes; each is kept")
        for text, tag in pieces:
            self._note(row, text, tag or (ID.findall(row.cells.get("id", "")) or [""])[0])

    def _note(self, row: Row, text: str, tag: str) -> None:
        text, votes = _marks(text)
        versions = self.versions.get(tag, [])
        if not tag:
            tag = self._id_of_text(text)
            versions = self.versions.get(tag, [])
        old = versions[0] if versions else None
        said, place, kind = self._prefixes(text, old, row)
        if old is None:
            note = Note(tag, said, kind=kind or "note", round=self.round)
        else:
            author = "" if old.author == ASKED else old.author
            edited = replace(old, text=said, author=author)
            note = self._worded(row, text, versions) or edited
        note = self._cells(row, note, old, place, votes)
        self._keep(row, note)

    def _id_of_text(self, text: str) -> str:
        """Return the id of a row without one: of the note with this text, or a new one."""
        for same, versions in self.versions.items():
            if same not in self.found and any(text in (v.text, v.placed) for v in versions):
                return same
        plain = self._prefixes(text, None, None)[0].casefold()
        self._same[plain] += 1
        return note_id(plain, str(self._same[plain] - 1))

    def _worded(self, row: Row, text: str, versions: Sequence[Note]) -> Note | None:
        """Return the version of a note whose words these are, or were before they were spoilt."""
        for version in versions:
            if text in ("", version.text, version.placed) or (
                self._prefixes(text, None, row)[0] == version.text
            ):
                return version
        for version in versions:
            if any(spoilt(whole, text) for whole in (version.text, version.placed)):
                self._say(row, "letters were lost by an encoding; the earlier text is kept")
                return version
        return None

    def _prefixes(self, text: str, old: Note | None, row: Row | None) -> tuple[str, str, str]:
        """Part a text from the place and the kind that stand before it, each with a colon."""
        own = [] if old is None else [name for name in (old.touchpoint, old.stage) if name]
        if row is not None:
            own += [tidy(row.cells[key]) for key in ("touchpoint", "stage") if row.cells.get(key)]
        place = kind = ""
        while True:
            name = next((n for n in (*self._names, *own) if _leads(n, text)), "")
            if name:
                place = place if place in self.places.touchpoints else name
                text = text[len(name) + 1 :].strip()
                continue
            head, colon, rest = text.partition(":")
            word = KIND_NAMES.get(head.strip().casefold(), "")
            given = row is not None and row.cells.get("kind", "")
            if not (colon and word and rest.strip()) or kind or old is not None or given:
                return text, place, kind
            kind, text = word, rest.strip()

    def _cells(self, row: Row, note: Note, old: Note | None, place: str, votes: int) -> Note:
        """Return the note with what the other columns say; what is missing stays."""
        cells = {key: tidy(_mended(cell)[0]) for key, cell in row.cells.items()}
        note = self._placed(row, note, cells, place)
        if kind := cells.get("kind", "").casefold():
            if kind not in KIND_NAMES:
                self._say(
                    row, f"its kind is none of {', '.join(KIND_COLORS)}; it stays {note.kind}"
                )
            note = replace(note, kind=KIND_NAMES.get(kind, note.kind))
        author = cells.get("author", note.author)
        if old is not None and old.author == ASKED != note.author and author == ASKED:
            author = ""  # the room has written over the question
        counted = self._number(row, cells, "votes", 0)
        if counted is None:
            counted = votes or note.votes
        else:
            counted += votes
        which = self._number(row, cells, "round", note.round)
        if PERSONAL.search(note.text):
            self._say(row, "seems to hold an address or a number of a person; take it out")
        return replace(
            note,
            author=author,
            votes=min(counted, MOST_VOTES),
            color=cells.get("color") or note.color or KIND_COLORS[note.kind],
            round=max(1, note.round if which is None else which),
        )

    def _number(self, row: Row, cells: dict[str, str], name: str, empty: int) -> int | None:
        if name not in cells:
            return None
        said = cells[name].removesuffix(".0").removesuffix(",0")
        if not said:
            return empty
        if said.isascii() and said.isdigit():
            return min(int(said), MOST_VOTES)
        self._say(row, f"its {name} are no whole number; they stay as they were")
        return None

    def _placed(self, row: Row, note: Note, cells: dict[str, str], prefix: str) -> Note:
        """Place a note: a changed cell says where, then a changed prefix of its text."""
        was = note.touchpoint or note.stage
        if "touchpoint" in cells and cells["touchpoint"] not in ("", note.touchpoint):
            note = self._at(row, note, cells["touchpoint"], cells.get("stage", note.stage))
        elif prefix and prefix != was:
            note = self._at(row, note, prefix, "")
        else:
            point = cells.get("touchpoint", note.touchpoint)
            stage = cells.get("stage", note.stage)
            if point != note.touchpoint or stage != note.stage:
                note = self._at(row, note, point, stage)
        if note.touchpoint in self.places.touchpoints:
            return note
        return replace(note, channel=cells.get("channel", note.channel))

    def _at(self, row: Row, note: Note, point: str, stage: str) -> Note:
        """Return the note at a touchpoint or a stage; where the run knows neither, as written."""
        if point not in self.places.touchpoints and point in self.places.stages:
            point, stage = "", point
        found = self._nearest(row, point, self.places.touchpoints) if point else ""
        if found in self.places.touchpoints:
            stage, channel = self.places.touchpoints[found]
            return replace(note, touchpoint=found, stage=stage, channel=channel)
        if point:
            self._say(row, "its touchpoint is not in the run; it is kept among those without place")
        stage = self._nearest(row, stage, self.places.stages) if stage else ""
        if stage and stage not in self.places.stages:
            self._say(row, "its stage is not in the run; it is kept as written")
        return replace(note, touchpoint=point, stage=stage, channel="")

    def _nearest(self, row: Row, name: str, known: Collection[str]) -> str:
        found = nearest(name, known)
        if found and found.casefold() != name.casefold():
            self._say(row, f"its place was taken for '{found}'")
        return found or name

    def _keep(self, row: Row, note: Note) -> None:
        """Keep a note; a second one of the same id is a copy, or a note of its own."""
        first = self.found.get(note.id)
        if first is None:
            self.found[note.id] = note
            return
        if replace(first, votes=0) == replace(note, votes=0):
            self._say(row, "is a copy of another row; the larger number of votes counts")
            self.found[note.id] = replace(first, votes=max(first.votes, note.votes))
            return
        self._say(row, "has the id of another row; it is kept as a note of its own")
        k = 0
        while (own := note_id(note.id, note.placed.casefold(), str(k))) in self.found:
            k += 1
        self.found[own] = replace(note, id=own)


def _tagged(row: Row) -> bool:
    return bool(ID.search(row.cells.get("text", "") + " " + row.cells.get("id", "")))


def _leads(name: str, text: str) -> bool:
    return (
        text[: len(name)].casefold() == name.casefold()
        and text[len(name) : len(name) + 1] == ":"
        and bool(text[len(name) + 1 :].strip())
    )


def _pieces(text: str) -> list[tuple[str, str]]:
    """Return the notes that a text holds, each with its id; sticky notes may have been merged.

    Examples
    --------
    >>> _pieces("zu lang [n-0000000a] +2")
    [('zu lang +2', 'n-0000000a')]
    >>> _pieces("a [n-0000000a] b [n-0000000b]")
    [('a', 'n-0000000a'), ('b', 'n-0000000b')]
    """
    parts = TAG.split(text)
    words, tags = parts[0::2], [tag.lower() for tag in parts[1::2]]
    if len(set(tags)) < 2:
        return [(" ".join(filter(None, words)), tags[0] if tags else "")]
    if not words[0]:
        return list(zip(words[1:], tags, strict=True))
    found = list(zip(words, tags, strict=False))
    if words[-1]:
        found[-1] = (f"{found[-1][0]} {words[-1]}", found[-1][1])
    return found


def _marks(text: str) -> tuple[str, int]:
    """Part a text from the votes at its end; a text of marks alone stays one.

    Examples
    --------
    >>> _marks("zu lang +2 ●●"), _marks("●●"), _marks("über +4930")
    (('zu lang', 4), ('●●', 0), ('über +4930', 0))
    """
    found = MARKS.search(text)
    if found is None or not text[: found.start()].strip():
        return text, 0
    votes = sum(int(mark.group(1) or 1) for mark in MARK.finditer(found.group()))
    return text[: found.start()].strip(), votes


def _mended(cell: str) -> tuple[str, bool]:
    """Undo UTF-8 that was read as a Western encoding.

    Examples
    --------
    >>> _mended("fÃ¼r"), _mended("für")
    (('für', True), ('für', False))
    """
    if cell.isascii():
        return cell, False
    try:
        mended = cell.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return cell, False
    return mended, mended != cell


def spoilt(old: str, new: str) -> bool:
    """Whether `new` is `old` with letters lost that an older encoding does not have.

    Examples
    --------
    >>> spoilt("Łódź → Wien", "?ód? ? Wien"), spoilt("für", "fur")
    (True, False)
    """
    if old.isascii() or old == new:
        return False
    pattern = "".join(
        re.escape(char) if char.isascii() else rf"(?:{re.escape(char)}|[?_\ufffd]{{1,4}})"
        for char in old
    )
    return re.fullmatch(pattern, new) is not None


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that a name is, or misspells; empty where none or several are near.

    Examples
    --------
    >>> nearest("Tecnical fault", ["Technical fault", "Billing"]), nearest("Step 1", ["Step 2"])
    ('Technical fault', '')
    """
    from rapidfuzz import fuzz

    folded = name.casefold()
    numbers = re.findall(r"\d+", name)
    scored = []
    for one in sorted(known):
        if one.casefold() == folded:
            return one
        if re.findall(r"\d+", one) == numbers:
            scored.append((fuzz.ratio(folded, one.casefold()), one))
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    best = scored[0] if scored else (0.0, "")
    second = scored[1][0] if len(scored) > 1 else 0.0
    return best[1] if best[0] >= ALIKE and best[0] - second >= AHEAD else ""
