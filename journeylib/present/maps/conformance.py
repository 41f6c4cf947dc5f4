"""Planned versus actual as a chart: the plan downwards, beside it what customers did."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from journeylib.core import estimate_text, percent, text
from journeylib.journeys import START, Conformance
from journeylib.present.drawing import svg
from journeylib.present.drawing.chart import (
    add_bars,
    row_chart,
    ticks,
    with_legend,
    words,
    write_beside,
)
from journeylib.present.figure import Figure, chart_figure
from journeylib.present.tables import as_float, share_interval
from journeylib.present.theme import LIGHT

LEFT, RIGHT = 330, 350
# After each step at most so many insertions are drawn, each of at least this share.
MOST, LEAST = 3, 0.02
KINDS = {"as_planned": "accent", "skipped": "bad", "inserted": "flow", "repeated": "assist"}

Cell = Mapping[Hashable, Any]
Cells = Mapping[tuple[str, str], Cell]
Part = tuple[str, float, int]  # what happened, its share, and of how many journeys


@dataclass(frozen=True)
class _Row:
    """A planned step, or a touchpoint that was inserted or repeated after one."""

    name: str
    parts: Sequence[Part]
    beside: str
    planned: bool


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
    rows = extras.get(START, [])
    for step in conformance.plan.steps:
        optional = step in conformance.plan.optional
        rows = [*rows, _step(step, cells, optional=optional), *extras.get(step, [])]
    return chart_figure(
        _chart(rows, conformance.journeys),
        name="planned-versus-actual",
        title=text("plan.title"),
        alt=_finding(conformance),
        table=_table(conformance),
        note=_note(conformance, hidden),
    )


def _extras(conformance: Conformance, cells: Cells) -> tuple[dict[str, list[_Row]], int]:
    """Return the most frequent insertions after each step, and how many are not drawn."""
    rows = conformance.insertions
    extras: dict[str, list[_Row]] = {}
    for row in rows.to_dict("records"):
        here, kind = extras.setdefault(row["after"], []), row["kind"]
        whole = cells.get((row["touchpoint"], kind))
        # How those end is known for the touchpoint; it is of this place only if it is the sole.
        sole = whole is not None and whole["journeys"] == row["journeys"]
        if len(here) < MOST and row["share"] >= LEAST:
            line = [text("plan.share", kind=_word(kind), share=percent(row["share"], 0))]
            line += _reached(whole) if sole else []
            name = f"{'⟳' if kind == 'repeated' else '+'} {row['touchpoint']}"
            part = (kind, float(row["share"]), int(row["journeys"]))
            here.append(_Row(name, [part], " · ".join(line), planned=False))
    return extras, len(rows) - sum(map(len, extras.values()))


def _word(kind: str) -> str:
    return text(f"plan.{kind}")


def _goal(cell: Cell) -> str:
    if as_float(cell["goal"]) is None or as_float(cell["goal_lo"]) is None:
        return ""
    return share_interval(cell["goal"], cell["goal_lo"], cell["goal_hi"])


def _reached(cell: Cell | None) -> list[str]:
    """Say which share of those who deviate reach the goal, where that is known."""
    goal = "" if cell is None else _goal(cell)
    return [text("present.plan.goal", share=goal)] if goal else []


def _step(name: str, cells: Cells, *, optional: bool) -> _Row:
    as_planned, skipped = cells.get((name, "as_planned")), cells.get((name, "skipped"))
    line = [] if as_planned is None else [f"✓ {percent(as_planned['share'], 0)}"]
    if skipped is not None:
        line.append(text("plan.share", kind=_word("skipped"), share=percent(skipped["share"], 0)))
    return _Row(
        text("present.plan.optional", name=name) if optional else name,
        [
            (kind, float(cell["share"]), int(cell["journeys"]))
            for kind, cell in (("as_planned", as_planned), ("skipped", skipped))
            if cell is not None
        ],
        " · ".join([*line, *_reached(skipped)]) or text("present.plan.too_few"),
        planned=True,
    )


def _chart(rows: Sequence[_Row], journeys: int) -> go.Figure:
    """Return one row a step, what was skipped behind what was not; insertions below it."""
    fifths = [fifth / 5 for fifth in range(6)]
    axis = ticks(fifths, [percent(fifth, 0) for fifth in fifths], range=[0, 1],
                 title_text=text("present.plan.share", n=journeys))  # fmt: skip
    planned = [index for index, row in enumerate(rows) if row.planned]
    drawn = row_chart([row.name for row in rows], axis, sides=(LEFT, RIGHT), bold=planned)
    bars: dict[str, list[tuple[int, float, float, str]]] = {kind: [] for kind in KINDS}
    for index, row in enumerate(rows):
        base = 0.0
        for kind, share, n in row.parts:
            mark = text("present.plan.mark", name=row.name, kind=_word(kind),
                        share=percent(share, 0), n=n)  # fmt: skip
            bars[kind].append((index, base, share, words(mark)))
            base += share
    for kind, colour in KINDS.items():
        if bars[kind]:
            add_bars(drawn, _word(kind), bars[kind], color=LIGHT[colour])
    write_beside(drawn, enumerate(words(row.beside, RIGHT - 20) for row in rows))
    return with_legend(drawn)


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
