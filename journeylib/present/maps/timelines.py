"""Stories as a picture: real journeys that many share, step by step."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from journeylib.core import duration, number, percent, signed, text
from journeylib.journeys import StoryTimelines, Timeline
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element
from journeylib.present.maps.journey_map import feelings
from journeylib.present.tables import as_float

WIDTH = 1180.0
LEFT, BOX, HEIGHT, GAP = 16.0, 152.0, 66.0, 42.0
PER_ROW = 6
HEAD, WAIT, BELOW, BETWEEN = 50.0, 20.0, 12.0, 26.0
ENDS = {
    "goal": "jl-bar-good",
    "bad_end": "jl-bar-minus",
    "other": "jl-bar-open",
    "open": "jl-bar",
}

Feelings = Mapping[str, tuple[float, int]]


def stories_figure(
    stories: StoryTimelines,
    *,
    experience: pd.DataFrame | None = None,
    name: str = "stories",
    title: str = "",
) -> Figure:
    """Draw stories as timelines: touchpoints, channels, waits, feelings and outcomes.

    Parameters
    ----------
    stories : StoryTimelines
        Of `journeylib.stories`.
    experience : pandas.DataFrame, optional
        `Evidence.experience`: feelings are of the touchpoint, over all journeys.

    Returns
    -------
    Figure
        `table` has one row per step.
    """
    felt = feelings(experience)
    parts: list[str] = []
    y = 8.0
    for number_, line in enumerate(stories.timelines, start=1):
        drawn, height = _story(line, number_, y, felt)
        parts += drawn
        y += height + BETWEEN
    if any(mark for _, mark in felt.values()):
        words = (text("legend.feels_good"), text("legend.feels_bad"))
        parts += svg.legend(LEFT, y + 6, svg.feeling_signs(words))[0]
        y += 26
    if not stories.timelines:
        parts.append(svg.label(LEFT, 30, text("present.stories.nothing"), "jl-t6"))
        y = 50.0
    alt = _finding(stories)
    return Figure(
        name=name,
        title=title or text("present.stories.title"),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=y, alt=alt, min_width=860),
        table=_table(stories),
        note=_note(stories, felt=bool(felt)),
    )


def _story(line: Timeline, index: int, y: float, felt: Feelings) -> tuple[list[str], float]:
    key = "present.stories.head_segment" if line.segment else "present.stories.head"
    bound = line.story.at_least
    share = _at_least(percent(line.share, 0), bound)
    head = text(key, n=index, segment=line.segment, share=share)
    counts = (_at_least(number(many, 0), bound) for many in (line.journeys, line.story.copies))
    exact = text("present.stories.exact", n=next(counts), copies=next(counts))
    parts = [
        svg.label(LEFT, y + 17, svg.shorten(head, 520, 13.5, bold=True), "jl-t6 jl-b"),
        svg.label(LEFT, y + 35, exact, "jl-t4 jl-m"),
        *_outcome_bar(line, y),
    ]
    rows = -(-len(line.steps) // PER_ROW)
    each = WAIT + HEIGHT + BELOW
    for number_, row in enumerate(line.steps.to_dict("records")):
        column, level = number_ % PER_ROW, number_ // PER_ROW
        x, top = LEFT + column * (BOX + GAP), y + HEAD + level * each + WAIT
        parts.append(_step(row, x, top, felt))
        if number_ + 1 < len(line.steps):
            parts.append(_way(row, x + BOX, top, wraps=column == PER_ROW - 1))
    height = HEAD + rows * each
    parts.append(svg.line(LEFT, y + height + 6, WIDTH - 16, y + height + 6, "jl-rule"))
    return parts, height


def _at_least(value: str, bound: bool) -> str:
    return text("present.explorer.at_least", value=value) if bound else value


def _outcome_bar(line: Timeline, y: float) -> list[str]:
    """Draw how the journeys that the story tells end, as one bar with words."""
    left, room = 620.0, WIDTH - 16 - 620.0
    parts, x, words = [], left, []
    for row in line.outcomes.to_dict("records"):
        width = room * row["share"]
        share = _at_least(percent(row["share"], 0), row["at_least"])
        words.append(f"{share} {text('present.end.' + row['end'])}")
        bar = svg.rect(x, y + 4, width, 14, ENDS[row["end"]], radius=2)
        parts.append(svg.titled(words[-1], bar))
        x += width
    parts.append(svg.label(left, y + 35, " · ".join(words), "jl-t4"))
    return parts


def _step(row: Mapping[Hashable, Any], x: float, y: float, felt: Feelings) -> str:
    name = svg.clean(row["touchpoint"])
    value, mark = felt.get(str(row["touchpoint"]), (None, 0))
    mood = {1: " jl-good", -1: " jl-bad"}.get(mark, "")
    parts = [svg.rect(x, y, BOX, HEIGHT, f"jl-box{mood}", radius=6)]
    lines = svg.wrap(name, BOX - 16, 12.5, lines=3 if _none(row["channel"]) else 2, bold=True)
    top = y + 20 if len(lines) > 1 else y + 26
    for i, words in enumerate(lines):
        parts.append(svg.label(x + 9, top + 15 * i, words, "jl-t5 jl-b"))
    at = x + 9
    if mark:
        parts.append(svg.triangle(at + 4, y + HEIGHT - 13, 4.5, up=mark > 0))
        at += 14
    if not _none(row["channel"]):
        words = svg.shorten(svg.clean(row["channel"]), x + BOX - 6 - at, 11.5)
        parts.append(svg.label(at, y + HEIGHT - 9, words, "jl-t2 jl-m"))
    if value is not None:
        name = text("present.stories.feeling", name=name, value=signed(value))
    return svg.titled(name, *parts)


def _none(value: object) -> bool:
    return value is None or value != value


def _way(row: Mapping[Hashable, Any], x: float, y: float, *, wraps: bool) -> str:
    middle = y + HEIGHT / 2
    end = x + (14 if wraps else GAP - 2)
    parts = [svg.arrow([(x, middle), (end, middle)], "jl-flow", 2)]
    seconds = as_float(row["seconds_to_next"])
    if seconds is not None:
        wait = duration(seconds)
        at, anchor = (x + 14, "end") if wraps else (x + GAP / 2, "middle")
        parts.append(svg.label(at, y - 6, wait, "jl-t2 jl-m", anchor=anchor))
    return "".join(parts)


def _finding(stories: StoryTimelines) -> str:
    lines = stories.timelines
    if not lines:
        reasons = sorted({one.reason for one in stories.by_segment.values() if one.reason})
        why = "; ".join(reasons) or text("present.stories.few")
        return text("present.stories.finding_none", why=why)
    total = percent(sum(line.share for line in lines), 0)
    share = _at_least(total, any(line.story.at_least for line in lines))
    if not stories.by_segment:
        return text("present.stories.kinds", share=share, n=len(lines))
    if set(stories.by_segment) != {""}:
        return text("present.stories.finding_segments", n=len(lines), m=len(stories.by_segment))
    return text(
        "present.stories.finding",
        n=len(lines),
        share=share,
        journeys=stories.by_segment[""].journeys,
        top=_at_least(percent(lines[0].share, 0), lines[0].story.at_least),
        path=" → ".join(svg.clean(name) for name in lines[0].story.touchpoints),
    )


def _note(stories: StoryTimelines, *, felt: bool) -> str:
    counts = {
        name: sum(getattr(one, name) for one in stories.by_segment.values())
        for name in ("withheld", "folded")
    }
    notes = [
        text(
            "present.stories.note" if stories.by_segment else "present.stories.note_kinds",
            n=stories.min_customers,
        )
    ]
    if felt and stories.by_segment:
        notes.append(text("present.stories.felt"))
    notes.append(text("present.stories.ends"))
    if any(line.story.at_least for line in stories.timelines):
        notes.append(text("present.stories.bounds"))
    notes += [text(f"present.stories.{name}", n=n) for name, n in counts.items() if n]
    return " ".join(notes)


def _table(stories: StoryTimelines) -> pd.DataFrame:
    rows = [
        {
            "story": index,
            "segment": line.segment or None,
            "journeys": _at_least(number(line.journeys, 0), line.story.at_least),
            "step": int(row["step"]),
            "touchpoint": row["touchpoint"],
            "channel": None if _none(row["channel"]) else row["channel"],
            "until_next": duration(as_float(row["seconds_to_next"])),
        }
        for index, line in enumerate(stories.timelines, start=1)
        for row in line.steps.to_dict("records")
    ]
    columns = ["story", "segment", "journeys", "step", "touchpoint", "channel"]
    return pd.DataFrame(rows, columns=[*columns, "until_next"])
