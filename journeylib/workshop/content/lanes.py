"""Lanes: what each row of the journey map says at each stage, before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from journeylib.workshop.content.content import Content, Stage, Touchpoint
from journeylib.workshop.content.sentences import (
    effect_text,
    serves_text,
    verdict_glyph,
    verdict_text,
)
from journeylib.workshop.notes.differences import lane_of, note_text, notes_at

Mood = Literal["", "good", "bad", "strong", "muted", "note"]
# What a room should argue about first.
URGENT = ("fix_first", "human_only", "human_led", "automate", "assist", "abstain")
ROOM_LANES = ("notes", "opportunities", "questions", "owner")
MOST_LINES, MOST_NOTES = 4, 3


@dataclass(frozen=True)
class Line:
    """One line of a cell; `mood` says how it is set, never by colour alone."""

    text: str
    mood: Mood = ""


@dataclass(frozen=True)
class Lane:
    """One row of the map: a cell of lines for each stage; the room's lanes hold its notes alone."""

    key: str
    computed: bool
    cells: tuple[tuple[Line, ...], ...]


def lanes(content: Content) -> tuple[Lane, ...]:
    """Return the computed rows, then those that are left to the room."""
    rows: list[tuple[str, Callable[[Content, Stage], list[Line]]]] = [
        ("doing", _doing),
        ("pains", _pains),
        ("handoffs", _handoffs),
        ("serves", _serves),
    ]
    if content.plan is not None:
        rows.append(("plan", _planned))
    computed = [
        Lane(key, True, tuple(tuple(of(content, stage)) for stage in content.stages))
        for key, of in rows
    ]
    room = [
        Lane(key, False, tuple(_noted(content, key, stage) for stage in content.stages))
        for key in ROOM_LANES
    ]
    return (*computed, *room)


def _noted(content: Content, key: str, stage: Stage) -> tuple[Line, ...]:
    notes = [note for note in notes_at(content, stage) if lane_of(note) == key]
    lines = [Line(note_text(content, note), "note") for note in notes]
    return tuple(_limited(content, lines, MOST_NOTES))


def _limited(content: Content, lines: list[Line], most: int = MOST_LINES) -> list[Line]:
    hidden = len(lines) - most
    if hidden <= 0:
        return lines
    return [*lines[: most - 1], Line(content.words.text("more", n=hidden + 1), "muted")]


def _doing(content: Content, stage: Stage) -> list[Line]:
    words = content.words
    lines = []
    if stage.customers is not None and stage.reach is not None:
        share = words.text("of_journeys", share=words.percent(stage.reach, 0))
        lines.append(
            Line(words.text("stage.reach", customers=stage.customers, share=share), "strong")
        )
    busiest = sorted(stage.touchpoints, key=lambda p: (-p.customers, p.name))[:2]
    names = ", ".join(f"{p.name} ({words.text('n', n=p.customers)})" for p in busiest)
    lines.append(Line(words.text("stage.busiest", names=names)))
    if stage.moves:
        lines.append(Line(words.text("stage.next", moves=moves_text(content, stage))))
    return lines


def moves_text(content: Content, stage: Stage) -> str:
    """Return where journeys go when they leave a stage."""
    words = content.words
    said = [
        f"{where or words.text('stage.end')} {words.percent(share, 0)}"
        for where, share in stage.moves
    ]
    return ", ".join(said)


def _pains(content: Content, stage: Stage) -> list[Line]:
    words = content.words
    lines = []
    for point in stage.touchpoints:
        moments = content.moments_at(point.name)
        for moment in moments[:1]:
            effect = effect_text(words, moment.outcome, moment.effect, short=True)
            n = words.text("n", n=moment.effect.n_customers)
            said = words.text("pain.moment", name=point.name, effect=f"{effect}, {n}")
            lines.append((0, Line(said, "strong")))
        if point.verdict == "fix_first":
            lines.append((1, Line(words.text("pain.fix", name=point.name), "bad")))
        if point.dead_end:
            lines.append((2, Line(words.text("pain.dead_end", name=point.name), "bad")))
        if point.mark < 0 and point.feeling is not None:
            value = words.signed(point.feeling.value or 0.0)
            n = words.text("n", n=point.feeling.n_customers)
            said = words.text("pain.feels", name=point.name, value=f"{value}, {n}")
            lines.append((3, Line(said, "bad")))
    found = [line for _, line in sorted(lines, key=lambda pair: pair[0])]
    return _limited(content, found) or [Line(words.text("pain.none"), "muted")]


def _handoffs(content: Content, stage: Stage) -> list[Line]:
    found = sorted(
        (p for p in stage.touchpoints if p.handed is not None and p.handed.sessions),
        key=lambda p: (-(p.handed.handed_over if p.handed else 0), p.name),
    )
    lines = [Line(handoff_text(content, point)) for point in found]
    return _limited(content, lines) or [Line(content.words.text("handoff.none"), "muted")]


def handoff_text(content: Content, point: Touchpoint) -> str:
    """Return what became of the conversations with a machine that begin at a touchpoint."""
    handed = point.handed
    if handed is None or not handed.sessions:
        return content.words.text("handoff.none")
    return content.words.text(
        "handoff.line",
        name=point.name,
        handed=handed.handed_over,
        sessions=handed.sessions,
        share=content.words.percent(handed.handed_over / handed.sessions, 0),
        abandoned=handed.abandoned,
    )


def _serves(content: Content, stage: Stage) -> list[Line]:
    words = content.words
    served = [p for p in stage.touchpoints if p.serves not in ("nobody", "unknown")]
    served.sort(key=lambda p: (URGENT.index(p.verdict), -p.customers, p.name))
    lines = [
        Line(
            f"{verdict_glyph(p)} {p.name}: {serves_text(words, p)} → {verdict_text(words, p)}",
            "muted" if p.verdict == "abstain" else "",
        )
        for p in served
    ]
    kind = "nobody" if any(p.serves == "nobody" for p in stage.touchpoints) else "unknown"
    return _limited(content, lines) or [Line(words.text(f"serves.{kind}"), "muted")]


def _planned(content: Content, stage: Stage) -> list[Line]:
    plan, words = content.plan, content.words
    if plan is None:
        return []
    lines = []
    for point in sorted(stage.touchpoints, key=lambda p: p.name not in plan.steps):
        said = [
            words.text("plan.share", kind=words.text(f"plan.{kind}"), share=words.percent(share, 0))
            for kind in ("as_planned", "skipped", "inserted", "repeated")
            if (share := plan.shares.get((point.name, kind))) is not None
        ]
        if said:
            place = f"{plan.steps.index(point.name) + 1}. " if point.name in plan.steps else "+ "
            lines.append(Line(f"{place}{point.name}: {', '.join(said)}"))
    return _limited(content, lines)
