"""Bets of a room: its ideas at a touchpoint, as entries of `bets:` in the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from journeylib.core import ConfigError, RunError, catalogue_of, languages, read_yaml
from journeylib.lab import Bet
from journeylib.workshop.notes.import_notes import kept_notes
from journeylib.workshop.notes.notes import Note, Places, read_places

PARTS = ("why", "smallest_test", "stop_if", "owner_role")
WORDS_OF_A_NAME = 5
ID_LENGTH = 8
MESSAGES = {
    "no_notes": "there are no notes beside {run}. Bring them back first: journeylib notes import.",
    "no_list": "{file} holds no list of bets; name another file with --out.",
}


@dataclass(frozen=True)
class RoomBets:
    """Bets made of notes.

    Attributes
    ----------
    bets : tuple of mapping
        Entries of ``bets:``; those that the file held before come first and are not changed.
    new : int
        Ideas that were no bet before.
    placeless : int
        Ideas at no touchpoint of the run: they are no bet.
    incomplete : tuple of str
        Names of new bets without a smallest test or a reason to stop.
    """

    bets: tuple[Mapping[str, Any], ...]
    new: int
    placeless: int
    incomplete: tuple[str, ...]


def bets_of_notes(
    notes: Iterable[Note], places: Places, before: Sequence[Mapping[str, Any]] = ()
) -> RoomBets:
    """Turn ideas of a room into bets.

    Parameters
    ----------
    notes : iterable of Note
        Notes of the kind ``idea`` are bets, the most votes first; a single note of the kind
        ``owner`` at the same touchpoint says the role of who answers for them.
    places : Places
    before : sequence of mapping
        Bets that are there already. One of the same note stays as people have edited it.

    Returns
    -------
    RoomBets

    Notes
    -----
    Parts of a text that begin with *Why:*, *Test:*, *Stop if:* or *Owner:*, in any language of the
    catalogue, become ``why``, ``smallest_test``, ``stop_if`` and ``owner_role``.
    """
    by_people = [note for note in notes if note.is_by_people]
    owners: dict[str, set[str]] = {}
    for note in by_people:
        if note.kind == "owner" and note.touchpoint:
            owners.setdefault(note.touchpoint, set()).add(note.text)
    earlier_ids = {str(bet.get("name", ""))[-ID_LENGTH:] for bet in before}
    made, placeless = [], 0
    for note in sorted(by_people, key=lambda one: (-one.votes, one.touchpoint, one.id)):
        if note.kind != "idea":
            continue
        touchpoint, words = _place(note, places)
        if not touchpoint:
            placeless += 1
        elif note.id[-ID_LENGTH:] not in earlier_ids:
            made.append(_bet(note, touchpoint, words, owners.get(touchpoint, set())))
    unclear = [bet["name"] for bet in made if not {"smallest_test", "stop_if"} <= set(bet)]
    return RoomBets((*before, *made), len(made), placeless, tuple(unclear))


def _place(note: Note, places: Places) -> tuple[str, str]:
    """Return the touchpoint of a note and its text; a row of a form begins with its touchpoint."""
    if note.touchpoint in places.touchpoints:
        return note.touchpoint, note.text
    for name in sorted(places.touchpoints, key=len, reverse=True):
        rest = note.text[len(name) :]
        if note.text.casefold().startswith(name.casefold()) and rest[:1] in (",", ":"):
            return name, rest.lstrip(",: ")
    return "", note.text


def _bet(note: Note, touchpoint: str, words: str, owners: set[str]) -> dict[str, Any]:
    what, parts = _parts(words)
    if len(owners) == 1:
        parts.setdefault("owner_role", next(iter(owners)))
    slug = re.findall(r"[a-z0-9]+", (what or touchpoint).lower())[:WORDS_OF_A_NAME]
    name = "-".join((*slug, note.id[-ID_LENGTH:]))[-64:].lstrip("-")
    bet = {"name": name, "touchpoint": touchpoint, "what": what or words, **parts, "state": "idea"}
    return Bet.model_validate(bet).model_dump(exclude_unset=True)


def _parts(words: str) -> tuple[str, dict[str, str]]:
    """Return what is tried, and the parts of a text that say their name."""
    names = {
        text.casefold(): part
        for language in languages()
        for part in PARTS
        for text in catalogue_of(language).text(f"workshop.bet_part.{part}").split("|")
    }
    marks = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pieces = re.split(rf"(?:^|[\s.;,])({marks})\s*:\s*", words, flags=re.IGNORECASE)
    parts: dict[str, str] = {}
    for name, value in zip(pieces[1::2], pieces[2::2], strict=True):
        if value := value.strip(" .;,"):
            parts.setdefault(names[name.casefold()], value)
    return pieces[0].strip(" .;,"), parts


def write_bets(run: str | Path, file: str | Path) -> RoomBets:
    """Write the ideas among the notes on a run as a list of bets; `bets:` may name the file.

    Parameters
    ----------
    run : str or Path
        A run directory.
    file : str or Path
        A YAML list. What it holds already stays as it is.

    Returns
    -------
    RoomBets

    Raises
    ------
    LogError, RunError
        If the directory is no complete run; if the file cannot be written.
    ConfigError
        If there are no notes, or the file holds no list.
    """
    places, notes, file = read_places(run), kept_notes(run), Path(file)
    if not notes:
        raise ConfigError(MESSAGES["no_notes"].format(run=Path(run).name))
    before = _held(file)
    bets = bets_of_notes(notes, places, before)
    if bets.new:
        entries = yaml.safe_dump(
            list(bets.bets[len(before) :]), sort_keys=False, allow_unicode=True, width=100
        )
        old = file.read_text(encoding="utf-8").rstrip() + "\n" if before else ""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(old + entries, encoding="utf-8")
        except OSError as error:
            raise RunError(f"cannot write {file.name}: {error.strerror}.") from None
    return bets


def _held(file: Path) -> list[Mapping[str, Any]]:
    try:
        held, _nodes = read_yaml(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise ConfigError(MESSAGES["no_list"].format(file=file.name)) from None
    if held is None:
        return []
    if not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
        raise ConfigError(MESSAGES["no_list"].format(file=file.name))
    return held
