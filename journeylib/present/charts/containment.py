"""Bars of bot sessions: containment step by step, and where sessions end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from journeylib.core import Estimate, estimate_text, percent, text
from journeylib.present.drawing.chart import (
    BAR_WIDTH,
    add_shapes,
    annotate,
    beside,
    row_chart,
    stroke,
    ticks,
    whiskers,
    words,
)
from journeylib.present.figure import Figure, chart_figure
from journeylib.present.theme import LIGHT

LEFT = 318  # most room for the names of steps
Row = Mapping[Any, Any]


def containment_waterfall(steps: pd.DataFrame, *, verified: Estimate | None = None) -> Figure:
    """Draw the way from raw containment to verified containment.

    Parameters
    ----------
    steps : pandas.DataFrame
        In order: ``step`` (``raw``, then what is taken off, last ``verified``), ``label``
        (words shown), ``sessions`` (int, never negative), ``share`` (of all bot sessions,
        0 to 1). Optional ``bound`` (bool): the step is unknown rather than known to be bad,
        so it is the width of the bounds.
    verified : Estimate, optional
        Verified containment with its bounds.

    Returns
    -------
    Figure
    """
    rows = steps.to_dict("records")
    alt = _finding(rows, verified)
    return chart_figure(
        _waterfall(rows, verified),
        name="containment",
        title=text("present.waterfall.title"),
        alt=alt,
        table=pd.DataFrame(
            {
                "step": [row["label"] for row in rows],
                "sessions": [int(row["sessions"]) for row in rows],
                "bot_share_percent": [round(100 * float(row["share"]), 1) for row in rows],
            }
        ),
        note=text("present.waterfall.note", n=_total(rows)),
    )


def _waterfall(rows: Sequence[Row], verified: Estimate | None) -> go.Figure:
    """Return one bar a step, each hung on the one before; the last one has the bounds."""
    fifths = [fifth / 5 for fifth in range(6)]
    axis = ticks(fifths, [percent(fifth, 0) for fifth in fifths], range=[0, 1])
    names = [str(row["label"]) for row in rows]
    drawn = row_chart(names, axis, sides=(LEFT, 190), bold=(0, len(rows) - 1))
    level, notes, joins = 0.0, [], []
    for i, row in enumerate(rows):
        share, last = float(row["share"]), i == len(rows) - 1
        ends = last or i == 0
        start = 0.0 if ends else level - share
        level = share if ends else start
        drawn.add_trace(_step(row, i, start, ends=ends, verified=verified if last else None))
        edge = start + share if not last or verified is None else verified.hi
        notes.append({
            "x": max(start + share, edge or 0.0), "y": i, "xanchor": "left", "xshift": 8,
            "showarrow": False, "text": f"<b>{_share(row, ends=ends)}</b>",
        })  # fmt: skip
        notes.append(beside(i, text("present.waterfall.sessions", n=int(row["sessions"]))))
        if not last:
            look = {"color": LIGHT["muted"], "width": 1}
            joins.append(stroke((level, i + 0.31), (level, i + 0.69), look))
    return annotate(add_shapes(drawn, joins), notes)


def _share(row: Row, *, ends: bool) -> str:
    return f"{'' if ends else '− '}{percent(float(row['share']))}"


def _step(row: Row, index: int, start: float, *, ends: bool, verified: Estimate | None) -> go.Bar:
    """Return one bar; one that is unknown rather than known to be bad has another colour."""
    colour = "good" if row["step"] == "verified" else "accent" if ends else "bad"
    if not ends and row.get("bound", row["step"] == "unknown"):
        colour = "flow"
    base = text("present.waterfall.sessions", n=int(row["sessions"]))
    value = _share(row, ends=ends) if verified is None else estimate_text(verified)
    mark = text("present.waterfall.mark", step=words(row["label"]), value=value, base=base)
    return go.Bar(
        orientation="h", x=[float(row["share"])], y=[index], base=[start], width=BAR_WIDTH,
        marker={"color": LIGHT[colour]}, hovertext=[mark], hoverinfo="text",
        error_x=None if verified is None else whiskers([verified]),
    )  # fmt: skip


def _total(rows: Sequence[Row]) -> int:
    share = float(rows[0]["share"]) if rows else 0.0
    return round(int(rows[0]["sessions"]) / share) if share else 0


def _finding(rows: Sequence[Row], verified: Estimate | None) -> str:
    if not rows:
        return text("present.waterfall.no_sessions")
    raw, last = percent(float(rows[0]["share"])), percent(float(rows[-1]["share"]))
    finding = text("present.waterfall.finding", raw=raw, verified=last)
    if verified is not None:
        finding = text("present.waterfall.bounded", raw=raw, verified=estimate_text(verified))
    lost = sorted(rows[1:-1], key=lambda row: (-float(row["share"]), str(row["label"])))
    if not lost:
        return f"{finding}."
    largest = {"step": lost[0]["label"], "share": percent(float(lost[0]["share"]))}
    return text("present.waterfall.largest", finding=finding, **largest)
