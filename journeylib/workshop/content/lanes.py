"""Lanes: what each row of the journey map says at each stage, before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from journeylib.workshop.content.content import Content, Segment, Stage, Touchpoint
from journeylib.workshop.content.differences import lane_of, note_text, notes_at
from journeylib.workshop.content.sentences import (
    at_least,
    effect_text,
    serves_text,
    verdict_glyph,
    verdict_text,
)

Mood = Literal["", "good", "bad", "strong", "muted", "note"]
# What a room should argue about first.
URGENT = ("fix_first", "human_only", "human_led", "automate", "assist", "abstain")
ROOM_LANES = ("notes", "opportunities", "questions", "owner")
MOST_LINES, MOST_NOTES = 4, 3
PLAN_COLUMNS = ("as_planned", "skipped", "repeated")  # of a table of planned steps


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
    return ", ".join(
        f"{where or words.text('stage.end')} {words.percent(share, 0)}"
        for where, share in stage.moves
    )


def _pains(content: Content, stage: Stage) -> list[Line]:
    words = content.words
    lines: list[tuple[int, Line]] = []
    for point in stage.touchpoints:
        for moment in content.moments_at(point.name)[:1]:
            effect = effect_text(words, moment.outcome, moment.effect, short=True)
            n = words.text("n", n=moment.effect.n_customers)
            text = words.text("pain.moment", name=point.name, effect=f"{effect}, {n}")
            lines.append((0, Line(text, "strong")))
        if point.verdict == "fix_first":
            lines.append((1, Line(words.text("pain.fix", name=point.name), "bad")))
        if point.dead_end:
            lines.append((2, Line(words.text("pain.dead_end", name=point.name), "bad")))
        if point.mark < 0 and point.feeling is not None:
            value = f"{words.signed(point.mood)}, {words.text('n', n=point.feeling.n_customers)}"
            text = words.text("pain.feels", name=point.name, value=value)
            lines.append((3, Line(text, "bad")))
    by_weight = [line for _, line in sorted(lines, key=lambda pair: pair[0])]
    return _limited(content, by_weight) or [Line(words.text("pain.none"), "muted")]


def _handoffs(content: Content, stage: Stage) -> list[Line]:
    by_number = sorted(
        ((p.bot_sessions.handed_over or 0, p) for p in stage.touchpoints if p.bot_sessions),
        key=lambda pair: (-pair[0], pair[1].name),
    )
    texts = [text for _, point in by_number if (text := handoff_text(content, point))]
    lines = _limited(content, [Line(text) for text in texts])
    return lines or [Line(content.words.text("handoff.none"), "muted")]


# By whether those handed over, and those who gave up, are enough customers to show.
HANDOFF_LINES = {
    (False, False): "withheld",
    (False, True): "left",
    (True, False): "handed",
    (True, True): "line",
}


def handoff_text(content: Content, point: Touchpoint) -> str:
    """Return what became of the conversations with a machine that begin at a touchpoint."""
    bots = point.bot_sessions
    if bots is None or not bots.sessions:
        return ""
    # A count that is withheld is no reason to be silent of the others.
    shown = (bots.handed_over is not None, bots.abandoned is not None)
    words, handed_over = content.words, bots.handed_over or 0
    is_bound = "handed_over" in bots.at_least
    return words.text(
        f"handoff.{HANDOFF_LINES[shown]}",
        name=point.name,
        handed=at_least(words, words.cell(handed_over), is_bound),
        sessions=bots.sessions,
        share=at_least(words, words.percent(handed_over / bots.sessions, 0), is_bound),
        abandoned=at_least(words, words.cell(bots.abandoned), "abandoned" in bots.at_least),
    )


def _serves(content: Content, stage: Stage) -> list[Line]:
    words = content.words
    served = [p for p in stage.touchpoints if p.is_served]
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
        shares = [
            words.text("plan.share", kind=words.text(f"plan.{kind}"), share=words.percent(share, 0))
            for kind in ("as_planned", "skipped", "inserted", "repeated")
            if (share := plan.shares.get((point.name, kind))) is not None
        ]
        if shares:
            step = f"{plan.steps.index(point.name) + 1}. " if point.name in plan.steps else "+ "
            lines.append(Line(f"{step}{point.name}: {', '.join(shares)}"))
    return _limited(content, lines)


def planned_share(content: Content, step: str, kind: str) -> str:
    """Return which share of journeys did this with a step of the plan; a dash where none shown."""
    share = content.plan.shares.get((step, kind)) if content.plan else None
    return content.words.text("none") if share is None else content.words.percent(share, 0)


def segment_cell(content: Content, segment: Segment, stage: Stage) -> tuple[str, str]:
    """Return a segment's reach of a stage with its base, and its strongest bad feeling there."""
    words = content.words
    if stage.name not in segment.stages:
        return words.text("segment.withheld"), ""
    share, n = segment.stages[stage.name]
    feelings = [
        (feeling.value or 0.0, point.name)
        for point in stage.touchpoints
        if (feeling := segment.feelings.get(point.name)) is not None
    ]
    low, name = min(feelings, default=(0.0, ""))
    mood = f"▼ {name} {words.signed(low)}" if low < 0 else ""
    return f"{words.percent(share, 0)} ({words.text('n', n=n)})", mood


def story_texts(content: Content, number: int) -> tuple[str, str, str]:
    """Return of a story, counted from 1, heading, base and how its journeys end ("": unknown)."""
    words, story = content.words, content.stories[number - 1]
    share = at_least(words, words.percent(story.share, 0), story.at_least)
    head = words.text("story.head", n=number, share=share)
    ends = ", ".join(
        f"{words.text(f'end.{end.end}')} "
        f"{at_least(words, words.percent(end.share, 0), end.at_least)}"
        for end in story.ends
    )
    journeys = at_least(words, words.number(story.journeys, 0), story.at_least)
    base = words.text("story.base", journeys=journeys, customers=story.customers)
    return head, base, words.text("story.ends", ends=ends) if ends else ""


def stage_title(content: Content, stage: Stage) -> str:
    """Return the name of a stage with how many customers reach it."""
    title = stage.title(content.words)
    if stage.customers is None:
        return title
    return content.words.text("deck.stage", stage=title, customers=stage.customers)


def stage_counts(content: Content, stage: Stage) -> tuple[int, int]:
    """Return at how many touchpoints of a stage customers feel bad, and how many are moments."""
    bad = sum(point.mark < 0 for point in stage.touchpoints)
    return bad, sum(bool(content.moments_at(point.name)) for point in stage.touchpoints)
