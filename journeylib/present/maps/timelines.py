"""Stories as a picture: real journeys that many share, step by step."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from journeylib.core import duration, percent, signed
from journeylib.journeys import Timeline, Told
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element
from journeylib.present.maps.journey_map import feelings
from journeylib.present.tables import as_float

WIDTH = 1180.0
LEFT, BOX, HEIGHT, GAP = 16.0, 152.0, 66.0, 42.0
PER_ROW = 6
HEAD, WAIT, BELOW, BETWEEN = 50.0, 20.0, 12.0, 26.0
ENDS = {
    "goal": ("reach the goal", "jl-bar-good"),
    "bad_end": ("end badly", "jl-bar-minus"),
    "other": ("just end", "jl-bar-open"),
    "open": ("still open", "jl-bar"),
}

Feelings = Mapping[str, tuple[float, int]]


def stories_figure(
    told: Told,
    *,
    experience: pd.DataFrame | None = None,
    name: str = "stories",
    title: str = "Stories: journeys that many share",
) -> Figure:
    """Draw stories as timelines: touchpoints, channels, waits, feelings and outcomes.

    Parameters
    ----------
    told : Told
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
    for number_, line in enumerate(told.timelines, start=1):
        drawn, height = _story(line, number_, y, felt)
        parts += drawn
        y += height + BETWEEN
    if any(mark for _, mark in felt.values()):
        parts += _legend(y + 6)
        y += 26
    if not told.timelines:
        parts.append(svg.label(LEFT, 30, "No story to draw.", "jl-t6"))
        y = 50.0
    alt = _finding(told)
    return Figure(
        name=name,
        title=title,
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=y, alt=alt, min_width=860),
        table=_table(told),
        note=_note(told, felt=bool(felt)),
    )


def _story(line: Timeline, place: int, y: float, felt: Feelings) -> tuple[list[str], float]:
    story = line.story
    whose = f" · {line.segment}" if line.segment else ""
    head = f"{place}{whose} · {percent(line.share, 0)} of journeys"
    exact = f"{line.journeys:,} journeys, {story.copies:,} of them exactly so"
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


def _outcome_bar(line: Timeline, y: float) -> list[str]:
    """Draw how the journeys that the story tells end, as one bar with words."""
    left, room = 620.0, WIDTH - 16 - 620.0
    parts, x, words = [], left, []
    for row in line.outcomes.to_dict("records"):
        text, kind = ENDS[row["end"]]
        width = room * row["share"]
        said = f"{percent(row['share'], 0)} {text}"
        parts.append(svg.titled(said, svg.rect(x, y + 4, width, 14, kind, radius=2)))
        words.append(said)
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
    for number_, text in enumerate(lines):
        parts.append(svg.label(x + 9, top + 15 * number_, text, "jl-t5 jl-b"))
    at = x + 9
    if mark:
        parts.append(svg.triangle(at + 4, y + HEIGHT - 13, 4.5, up=mark > 0))
        at += 14
    if not _none(row["channel"]):
        words = svg.shorten(svg.clean(row["channel"]), x + BOX - 6 - at, 11.5)
        parts.append(svg.label(at, y + HEIGHT - 9, words, "jl-t2 jl-m"))
    feeling = "" if value is None else f", feeling {signed(value)}"
    return svg.titled(f"{name}{feeling}", *parts)


def _none(value: object) -> bool:
    return value is None or value != value


def _way(row: Mapping[Hashable, Any], x: float, y: float, *, wraps: bool) -> str:
    middle = y + HEIGHT / 2
    end = x + (14 if wraps else GAP - 2)
    tip = [(end, middle), (end - 8, middle - 5), (end - 8, middle + 5)]
    parts = [
        f'<path d="{svg.path([(x, middle), (end - 7, middle)])}" class="jl-flow" '
        'stroke-width="2"/>',
        f'<path d="{svg.path(tip, closed=True)}" class="jl-flowt"/>',
    ]
    seconds = as_float(row["seconds_to_next"])
    if seconds is not None:
        wait = duration(seconds)
        if wraps:
            parts.append(svg.label(x + 14, y - 6, wait, "jl-t2 jl-m", anchor="end"))
        else:
            parts.append(svg.label(x + GAP / 2, y - 6, wait, "jl-t2 jl-m", anchor="middle"))
    return "".join(parts)


def _legend(y: float) -> list[str]:
    parts, x = [], LEFT
    for up, word in ((True, "feels good"), (False, "feels bad")):
        parts.append(svg.triangle(x + 6, y - 4, 4.5, up=up))
        parts.append(svg.label(x + 16, y, word, "jl-t4"))
        x += 36 + svg.text_width(word, 12)
    return parts


def _finding(told: Told) -> str:
    if not told.timelines:
        reasons = sorted({one.reason for one in told.found.values() if one.reason})
        return f"No story can be told: {'; '.join(reasons) or 'too few customers share one'}."
    if not told.found:
        kinds = f"the {len(told.timelines)} most frequent kinds of journeys that may be shown"
        return f"{percent(_sum(told), 0)} of the journeys are of {kinds}, word for word."
    if set(told.found) != {""}:
        return f"{len(told.timelines)} stories of {len(told.found)} segments."
    (found,) = told.found.values()
    top = told.timelines[0]
    path = " → ".join(svg.clean(name) for name in top.story.touchpoints)
    return (
        f"{len(told.timelines)} stories tell {percent(_sum(told), 0)} of {found.journeys:,} "
        f"journeys. The most told ({percent(top.share, 0)}): {path}."
    )


def _sum(told: Told) -> float:
    return sum(line.share for line in told.timelines)


def _note(told: Told, *, felt: bool) -> str:
    if not told.found:
        return (
            f"Each kind is shared by at least {told.min_customers} customers, word for word. Over "
            "the arrows: median time from step to step. Ends of too few customers are left out."
        )
    text = (
        "Each story is a real journey that at least "
        f"{told.min_customers} customers lived word for word; it also tells journeys near to "
        "it, with a step left out, added or exchanged. Over the arrows: median time from step "
        "to step in the journeys that equal the story."
    )
    if felt:
        text += " Feelings are of the touchpoint in all journeys."
    text += " Ends of too few customers are left out."
    rest = sum(one.withheld for one in told.found.values())
    if rest:
        text += f" {rest:,} stories of fewer customers are not shown."
    folded = sum(one.folded for one in told.found.values())
    if folded:
        text += f" {folded:,} rarer stories are not drawn."
    return text


def _table(told: Told) -> pd.DataFrame:
    rows = [
        {
            "Story": place,
            "Segment": line.segment or None,
            "Journeys": line.journeys,
            "Step": int(row["step"]),
            "Touchpoint": row["touchpoint"],
            "Channel": None if _none(row["channel"]) else row["channel"],
            "Until the next step": duration(as_float(row["seconds_to_next"])),
        }
        for place, line in enumerate(told.timelines, start=1)
        for row in line.steps.to_dict("records")
    ]
    columns = ["Story", "Segment", "Journeys", "Step", "Touchpoint", "Channel"]
    return pd.DataFrame(rows, columns=[*columns, "Until the next step"])
