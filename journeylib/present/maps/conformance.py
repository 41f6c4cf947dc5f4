"""Planned versus actual as a picture: the plan downwards, beside it what customers did."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from journeylib.core import estimate_text, percent, text
from journeylib.journeys import START, Conformance
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element
from journeylib.present.tables import as_float, share_interval

WIDTH = 1180.0
TOP, ROW, EXTRA = 44.0, 56.0, 34.0
LEFT, BOX, INDENT = 16.0, 430.0, 40.0
BAR, ROOM, GOAL = 466.0, 330.0, 1004.0
# After each step at most so many insertions are drawn, each of at least this share.
MOST, LEAST = 3, 0.02
KINDS = {
    "as_planned": "jl-bar",
    "skipped": "jl-bar-minus",
    "inserted": "jl-bar-open",
    "repeated": "jl-bar-assist",
}

Cell = Mapping[Hashable, Any]
Cells = Mapping[tuple[str, str], Cell]


@dataclass(frozen=True)
class _Extra:
    """An inserted or repeated touchpoint after a planned one."""

    touchpoint: str
    kind: str
    journeys: int
    share: float
    goal: str


def planned_versus_actual(conformance: Conformance) -> Figure:
    """Draw where journeys follow the plan, skip, insert and repeat.

    Parameters
    ----------
    conformance : Conformance
        Of `journeylib.planned_vs_actual`.

    Returns
    -------
    Figure
        `table` has one row per touchpoint and what happened to it.
    """
    cells: dict[tuple[str, str], Cell] = {
        (row["touchpoint"], row["kind"]): row for row in conformance.steps.to_dict("records")
    }
    extras, hidden = _extras(conformance, cells)
    parts, y = _heads(conformance), TOP
    for extra in extras.get(START, []):
        parts.append(_extra(extra, y))
        y += EXTRA
    steps = conformance.plan.steps
    for place, step in enumerate(steps):
        optional = step in conformance.plan.optional
        parts.append(_step(step, cells, y, optional=optional))
        follow, top = extras.get(step, []), y + 42
        y += ROW
        for extra in follow:
            parts.append(_extra(extra, y - 6))
            y += EXTRA
        if place + 1 < len(steps):
            parts.append(_arrow(LEFT + 20, top, y))
    parts += svg.swatches(LEFT, y + 22, [(_word(kind), style) for kind, style in KINDS.items()])
    alt = _finding(conformance)
    return Figure(
        name="planned-versus-actual",
        title=text("plan.title"),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=y + 40, alt=alt, min_width=860),
        table=_table(conformance),
        note=_note(conformance, hidden),
    )


def _extras(conformance: Conformance, cells: Cells) -> tuple[dict[str, list[_Extra]], int]:
    """Return the most frequent insertions after each step, and how many are not drawn."""
    rows = conformance.insertions
    extras: dict[str, list[_Extra]] = {}
    for row in rows.to_dict("records"):
        here = extras.setdefault(row["after"], [])
        whole = cells.get((row["touchpoint"], row["kind"]))
        # How those end is known for the touchpoint; it is of this place only if it is the sole.
        sole = whole is not None and whole["journeys"] == row["journeys"]
        goal = _goal(whole) if sole and whole is not None else ""
        if len(here) < MOST and row["share"] >= LEAST:
            here.append(_Extra(row["touchpoint"], row["kind"], row["journeys"], row["share"], goal))
    return extras, len(rows) - sum(map(len, extras.values()))


def _word(kind: str) -> str:
    return text(f"plan.{kind}")


def _goal(cell: Cell) -> str:
    if as_float(cell["goal"]) is None or as_float(cell["goal_lo"]) is None:
        return ""
    return share_interval(cell["goal"], cell["goal_lo"], cell["goal_hi"])


def _heads(conformance: Conformance) -> list[str]:
    heads = [
        (LEFT, text("present.plan.planned")),
        (BAR, text("present.plan.share", n=conformance.journeys)),
    ]
    if conformance.steps["goal"].notna().any():
        heads.append((GOAL, text("present.plan.goal_head")))
    parts = [svg.label(x, 20, head, "jl-t4 jl-b jl-m") for x, head in heads]
    return [*parts, svg.line(LEFT, 30, WIDTH - 16, 30, "jl-rule")]


def _step(name: str, cells: Cells, y: float, *, optional: bool) -> str:
    kind = "jl-box jl-more" if optional else "jl-box"
    parts = [svg.rect(LEFT, y, BOX, 42, kind, radius=6)]
    words = text("present.plan.optional", name=name) if optional else name
    lines = svg.wrap(words, BOX - 24, 13.5, lines=2, bold=True)
    for n, line in enumerate(lines):
        spot = y + 26 - 8 * (len(lines) - 1) + 16 * n
        parts.append(svg.label(LEFT + 12, spot, line, "jl-t6 jl-b"))
    kept, skipped = cells.get((name, "as_planned")), cells.get((name, "skipped"))
    x = BAR
    for cell, what in ((kept, "as_planned"), (skipped, "skipped")):
        if cell is not None:
            width = ROOM * cell["share"]
            title = text(
                "present.plan.mark",
                name=name,
                kind=_word(what),
                share=percent(cell["share"], 0),
                n=int(cell["journeys"]),
            )
            parts.append(svg.titled(title, svg.rect(x, y + 11, width, 20, KINDS[what], radius=2)))
            x += width
    parts.append(svg.label(BAR + ROOM + 10, y + 26, _words(kept, skipped), "jl-t5"))
    if skipped is not None:
        parts.append(svg.label(GOAL, y + 26, _goal(skipped), "jl-t5 jl-m"))
    return "".join(parts)


def _words(kept: Cell | None, skipped: Cell | None) -> str:
    if kept is None and skipped is None:
        return text("present.plan.too_few")
    words = [] if kept is None else [f"✓ {percent(kept['share'], 0)}"]
    if skipped is not None:
        words.append(text("plan.share", kind=_word("skipped"), share=percent(skipped["share"], 0)))
    return " · ".join(words)


def _extra(extra: _Extra, y: float) -> str:
    """Draw an insertion as a smaller box beside the way from step to step."""
    sign = "⟳" if extra.kind == "repeated" else "+"
    words = svg.shorten(f"{sign} {extra.touchpoint}", BOX - INDENT - 16, 12.5)
    kind = _word(extra.kind)
    title = text("present.plan.here", name=extra.touchpoint, kind=kind, n=extra.journeys)
    share = text("plan.share", kind=kind, share=percent(extra.share, 0))
    parts = [
        svg.rect(LEFT + INDENT, y, BOX - INDENT, 27, "jl-box jl-more", radius=5),
        svg.label(LEFT + INDENT + 10, y + 18, words, "jl-t5"),
        svg.rect(BAR, y + 8, max(ROOM * extra.share, 1.5), 11, KINDS[extra.kind], radius=2),
        svg.label(BAR + ROOM + 10, y + 18, share, "jl-t5"),
        svg.label(GOAL, y + 18, extra.goal, "jl-t5 jl-m"),
    ]
    return svg.titled(title, *parts)


def _arrow(x: float, top: float, bottom: float) -> str:
    tip = [(x, bottom), (x - 4.5, bottom - 8), (x + 4.5, bottom - 8)]
    way = f'<path d="{svg.path([(x, top), (x, bottom - 7)])}" class="jl-flow" stroke-width="2"/>'
    return f'{way}<path d="{svg.path(tip, closed=True)}" class="jl-flowt"/>'


def _finding(conformance: Conformance) -> str:
    conforming, n = conformance.conforming, conformance.journeys
    share = estimate_text(conforming)
    if conforming.value is not None:
        share = share_interval(conforming.value, conforming.lo, conforming.hi)
    sentences = [text("present.plan.conforming", share=share, n=n)]
    for kind in ("skipped", "inserted"):
        rows = conformance.steps[conformance.steps["kind"] == kind]
        if len(rows):
            top = rows.sort_values(["journeys", "touchpoint"], ascending=[False, True]).iloc[0]
            name, share = svg.clean(top["touchpoint"]), percent(float(top["share"]), 0)
            sentences.append(text(f"present.plan.most_{kind}", name=name, share=share))
    if conformance.outcomes.empty:
        return " ".join(sentences)
    ends = conformance.outcomes[conformance.outcomes["end"] == "goal"].set_index("conforming")
    if {True, False} <= set(ends.index) and conformance.steps["goal"].notna().any():
        reached = ends.to_dict("index")
        yes, no = (
            share_interval(row["share"], row["lo"], row["hi"])
            for row in (reached[True], reached[False])
        )
        sentences.append(text("present.plan.reached", yes=yes, no=no))
    return " ".join(sentences)


def _note(conformance: Conformance, hidden: int) -> str:
    notes = [text("present.plan.note_head", n=conformance.journeys)]
    if conformance.open_journeys:
        open_ = conformance.open_journeys
        notes = [text("present.plan.note_head_open", n=conformance.journeys, open=open_)]
    notes.append(text("present.plan.note"))
    if hidden:
        notes.append(text("present.plan.hidden", n=hidden))
    if conformance.suppressed:
        notes.append(text("present.plan.suppressed", n=conformance.suppressed))
    if conformance.never_seen:
        notes.append(text("plan.never", names="; ".join(conformance.never_seen)))
    return " ".join(notes)


def _table(conformance: Conformance) -> pd.DataFrame:
    rows = conformance.steps
    return pd.DataFrame(
        {
            "touchpoint": rows["touchpoint"],
            "what_happened": rows["kind"].map(_word),
            "journeys": rows["journeys"],
            "customers": rows["customers"],
            "share_percent": (100 * rows["share"]).round(1),
            "goal_percent": [_goal(row) or None for row in rows.to_dict("records")],
        }
    )
