"""Notes beside the evidence: by lane and place, and where people and the log differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from journeylib.workshop.content.content import Content, Stage, Touchpoint
from journeylib.workshop.content.sentences import verdict_text
from journeylib.workshop.notes.notes import Note, tidy

LANE_OF = {"idea": "opportunities", "question": "questions", "owner": "owner"}  # else notes
LEAST_VOTES = 3  # fewer are one table's opinion
MOST = 3  # of each kind of difference: both directions get the same room
FOR_PEOPLE = ("human_led", "human_only")


@dataclass(frozen=True)
class Difference:
    """One touchpoint at which the room and the log do not say the same.

    Attributes
    ----------
    kind : str
        ``pain_unseen`` (the room feels it, the log shows none), ``pain_unnamed`` (the other way
        round), ``machine_refused`` (the room would automate, the audit would not) or
        ``person_wanted`` (the other way round).
    touchpoint : str
    votes : int
    title, room, log : str
        What differs, what the room says and what the log says, in words, each with its n.
    """

    kind: str
    touchpoint: str
    votes: int
    title: str
    room: str
    log: str


def room_notes(content: Content) -> tuple[Note, ...]:
    """Return what the room said: the most voted first, no unanswered question of the audit."""
    by_people = (note for note in content.notes if note.is_by_people)
    return tuple(sorted(by_people, key=lambda n: (-n.votes, n.round, n.touchpoint, n.id)))


def notes_at(content: Content, stage: Stage) -> tuple[Note, ...]:
    """Return the notes at a stage or at one of its touchpoints."""
    names = {tidy(point.name) for point in stage.touchpoints}
    head = tidy(stage.name)
    return tuple(
        note
        for note in room_notes(content)
        if note.touchpoint in names or (not note.touchpoint and head and note.stage == head)
    )


def unplaced_notes(content: Content) -> tuple[Note, ...]:
    """Return the notes whose place the map does not have; they are shown apart, never dropped."""
    placed = {note.id for stage in content.stages for note in notes_at(content, stage)}
    return tuple(note for note in room_notes(content) if note.id not in placed)


def lane_of(note: Note) -> str:
    """Return the lane of the map that a note belongs to."""
    return LANE_OF.get(note.kind, "notes")


def note_text(content: Content, note: Note) -> str:
    """Return a note as it stands on the map: kind, touchpoint, words and votes."""
    about = about_note(content, note)
    return f"{about}: {content.words.text('note.quote', text=note.text)}{votes_text(note)}"


def about_note(content: Content, note: Note) -> str:
    """Return the kind of a note and its touchpoint."""
    return " · ".join(filter(None, (content.words.text(f"kind.{note.kind}"), note.touchpoint)))


def brief(text: str, most: int = 110) -> str:
    """Return a text cut at its end where it is long."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def votes_text(note: Note) -> str:
    """Return the votes of a note, as a mark; nothing where it has none."""
    return f" ●\u00a0{note.votes}" if note.votes else ""


def votes_at(content: Content, name: str, *kinds: str) -> int:
    """Return the votes for notes of some kinds (all, if none is named) at a touchpoint."""
    key = tidy(name)
    return sum(
        note.votes
        for note in room_notes(content)
        if note.touchpoint == key and (not kinds or note.kind in kinds)
    )


def differences(content: Content) -> tuple[Difference, ...]:
    """Return where the room and the log differ, in both directions, the most votes first.

    Only votes count, from `LEAST_VOTES` on. Where no verdict is settled nobody is contradicted.
    """
    points = content.touchpoints
    pains = {point.name: votes_at(content, point.name, "pain") for point in points}
    every = [_unseen(content, point, n) for point, n in _most(points, pains)]
    total = sum(pains.values())
    if total >= LEAST_VOTES:
        unnamed = [p for p in points if _pains(content, p) and not pains[p.name]]
        unnamed.sort(key=lambda p: (-p.customers, p.name))
        every += [_unnamed(content, point, total) for point in unnamed[:MOST]]
    serving = [one for point in points if (one := _serving(content, point)) is not None]
    for kind in ("machine_refused", "person_wanted"):
        same = [one for one in serving if one.kind == kind]
        every += sorted(same, key=lambda one: (-one.votes, one.touchpoint))[:MOST]
    differing = [one for one in every if one is not None]
    return tuple(sorted(differing, key=lambda one: (-one.votes, one.touchpoint, one.kind)))


def agreements(content: Content) -> tuple[str, ...]:
    """Return the touchpoints at which the room votes for a pain that the log shows as well."""
    pains = {p.name: votes_at(content, p.name, "pain") for p in content.touchpoints}
    every = _most(content.touchpoints, pains)
    return tuple(point.name for point, _ in every if _pains(content, point))


def agreement_text(content: Content) -> str:
    """Return at which touchpoints both see a pain; empty where at none."""
    names = agreements(content)
    if not names:
        return ""
    return content.words.text("differ.agree", names=content.words.names(names))


def _most(points: Iterable[Touchpoint], votes: dict[str, int]) -> list[tuple[Touchpoint, int]]:
    voted = [(point, votes[point.name]) for point in points if votes[point.name] >= LEAST_VOTES]
    return sorted(voted, key=lambda pair: (-pair[1], pair[0].name))[:MOST]


def _pains(content: Content, point: Touchpoint) -> list[str]:
    """Return the pains that the log shows at a touchpoint, in words."""
    words = content.words
    pains = []
    if point.mark < 0 and point.feeling is not None:
        pains.append(words.text("log.feels", feeling=words.estimate(point.feeling)))
    if point.verdict == "fix_first":
        pains.append(words.text("log.fix", n=point.customers))
    if point.dead_end:
        pains.append(words.text("log.dead_end", n=point.customers))
    return pains


def _unseen(content: Content, point: Touchpoint, votes: int) -> Difference | None:
    if _pains(content, point):
        return None
    words = content.words
    if point.feeling is None:
        log = words.text("log.unheard", n=point.customers)
    else:
        log = words.text("log.no_pain", feeling=words.estimate(point.feeling))
    top = next(
        n.text for n in room_notes(content) if n.kind == "pain" and n.touchpoint == tidy(point.name)
    )
    room = words.text("room.pain", n=votes, text=brief(top))
    return _difference(content, "pain_unseen", point, votes, room, log)


def _unnamed(content: Content, point: Touchpoint, total: int) -> Difference:
    room = content.words.text("room.no_pain", n=total)
    log = ". ".join(_pains(content, point)) + "."
    return _difference(content, "pain_unnamed", point, 0, room, log)


def _serving(content: Content, point: Touchpoint) -> Difference | None:
    """Return where the room and the verdict disagree on who should serve."""
    machine = votes_at(content, point.name, "machine")
    person = votes_at(content, point.name, "person")
    refused = bool(point.vetoes) or point.verdict in (*FOR_PEOPLE, "fix_first")
    if machine >= LEAST_VOTES and machine > person and refused:
        kind = "machine_refused"
    elif person >= LEAST_VOTES and person > machine and point.verdict == "automate":
        kind = "person_wanted"
    else:
        return None
    words = content.words
    room = words.text("room.serves", machine=machine, person=person)
    reasons = [words.text(f"veto.{veto}") for veto in point.vetoes]
    reasons += point.machine[:2] if kind == "person_wanted" else point.person[:2]
    log = words.text("log.verdict", verdict=verdict_text(words, point), n=point.customers)
    if reasons:
        log += f" {'; '.join(reasons)}."
    return _difference(content, kind, point, max(machine, person), room, log)


def _difference(
    content: Content, kind: str, point: Touchpoint, votes: int, room: str, log: str
) -> Difference:
    title = content.words.text(f"differ.{kind}", name=point.name)
    return Difference(kind, point.name, votes, title, room, log)
