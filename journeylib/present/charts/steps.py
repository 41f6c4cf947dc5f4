"""Where the visits of one touchpoint come from and go to: a Sankey chart and its table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from journeylib.core import duration, number, percent, text
from journeylib.journeys import END, OTHER, START, Journeys, steps_around
from journeylib.present.drawing.chart import template, words
from journeylib.present.drawing.still import LABEL
from journeylib.present.figure import Figure, chart_figure
from journeylib.present.tables import as_float
from journeylib.present.theme import LIGHT, VERDICTS

COLOURS = set(VERDICTS) - {"abstain"}  # of who should serve
MOST = 4  # touchpoints on each side
FLOW = 150  # height of all visits in pixels, at least
FAINT = "55"  # opacity of a flow, hexadecimal
WIDTH, NAME = 420, 180  # of the chart, and of a name in it
Row = dict[Any, Any]


def steps_figure(
    journeys: Journeys, touchpoint: str, verdicts: Mapping[str, str] | None = None
) -> Figure:
    """Draw where the visits of a touchpoint come from and go to, coloured by who should serve.

    Both sides add up to all visits; what too few customers did is in the row of all others.
    `verdicts` maps touchpoints to the codes of their verdicts.
    """
    table = steps_around(journeys, touchpoint, most=MOST)
    rows = table.to_dict("records")
    visits = sum(row["visits"] for row in rows if row["side"] == "before")
    name = text("present.steps.title", name=touchpoint)
    return chart_figure(
        _chart(rows, verdicts or {}),
        name="steps",
        title=name,
        alt=_finding(rows, visits),
        table=pd.DataFrame([_words(row) for row in rows]),
        note=" ".join([_note(journeys, touchpoint, rows, visits), *_legend(rows, verdicts or {})]),
    )


def _chart(rows: list[Row], verdicts: Mapping[str, str]) -> go.Figure:
    colours = [LIGHT["head"]]
    links: dict[str, list[Any]] = {"source": [], "target": [], "value": [], "customdata": []}
    for index, row in enumerate(rows, 1):
        verdict = verdicts.get(row["touchpoint"], "")
        colours.append(LIGHT[verdict if verdict in COLOURS else "flow"])
        ends = (index, 0) if row["side"] == "before" else (0, index)
        for key, value in zip(links, (*ends, row["visits"], _line(row)), strict=True):
            links[key].append(value)
    sides = [
        sum(max(FLOW * row["share"], LABEL) for row in rows if row["side"] == side)
        for side in ("before", "after")
    ]
    height = round(max(sides)) + 16
    names = ["", *("<br>".join(_label(row)) for row in rows)]
    node = {"label": names, "color": colours, "thickness": 10, "pad": 24, "line": {"width": 0}}
    faint = [f"{colour}{FAINT}" for colour in colours[1:]]
    shown = {"color": faint, "hovertemplate": "%{customdata}<extra></extra>"}
    sankey = go.Sankey(node={**node, "hoverinfo": "skip"}, link={**links, **shown})
    margin = {"l": 0, "r": 0, "t": 8, "b": 8}
    layout = {"template": template("light"), "width": WIDTH, "height": height, "margin": margin}
    return go.Figure(sankey, layout)


def _shown(row: Row) -> str:
    if row["touchpoint"] == OTHER:
        return text(f"present.steps.other{'s' * (row['folds'] != 1)}", n=row["folds"])
    side = {START: "starts", END: "ends_here"}.get(row["touchpoint"])
    return text(f"present.spot.{side}") if side else str(row["touchpoint"])


def _label(row: Row) -> tuple[str, str]:
    """Return what stands beside a step: its name; visits, share and time between."""
    count = text("present.steps.count", n=number(row["visits"]), share=percent(row["share"], 0))
    if row["at_least"]:
        count = text("present.now.at_least", share=count)
    return words(_shown(row), NAME), " · ".join(filter(None, (count, _time(row))))


def _line(row: Row) -> str:
    parts = [words(_shown(row)), _label(row)[1]]
    if customers := _customers(row):
        parts.append(text("present.now.n", n=customers))
    return " · ".join(parts)


def _customers(row: Row) -> str:
    customers = as_float(row["customers"])
    return "" if customers is None else number(int(customers))


def _time(row: Row) -> str:
    seconds = as_float(row["median_seconds"])
    if seconds is None:
        return ""
    if seconds == 0:
        return text("present.steps.at_once")
    return text(f"present.steps.{row['side']}", time=duration(seconds))


def _words(row: Row) -> Row:
    return {
        "way": text(f"present.steps.side.{row['side']}"),
        "touchpoint": _shown(row),
        "visits": int(row["visits"]),
        "share_percent": round(100 * float(row["share"])),
        "customers": _customers(row),
        "time_between": _time(row),
    }


def _finding(rows: list[Row], visits: int) -> str:
    first = {side: next(r for r in rows if r["side"] == side) for side in ("before", "after")}
    names = {
        side: text("present.steps.most", name=_shown(row), share=percent(row["share"], 0))
        for side, row in first.items()
    }
    return text("present.steps.finding", n=number(visits), **names)


def _note(journeys: Journeys, touchpoint: str, rows: list[Row], visits: int) -> str:
    """Say what a loop, a tie and a small cell do to the numbers."""
    minimum = journeys.settings.min_customers
    counts = journeys.touchpoints
    repeats = visits - int(counts.loc[counts["touchpoint"] == touchpoint, "journeys"].sum())
    tied = sum(int(row["tied"]) for row in rows)
    notes = [text("present.steps.loops.none")]
    if repeats:
        notes = [text("present.steps.loops.some", n=_few(repeats, minimum), visits=number(visits))]
    notes += [text("present.steps.ties", n=_few(tied, minimum))] * bool(tied)
    others = any(row["touchpoint"] == OTHER for row in rows)
    notes += [text("present.steps.small", n=minimum)] * others
    notes += [text("present.steps.bounds")] * any(row["at_least"] for row in rows)
    return " ".join(notes)


def _legend(rows: list[Row], verdicts: Mapping[str, str]) -> list[str]:
    """Return which colour stands for whom, of those that occur."""
    codes = {verdicts.get(row["touchpoint"], "") for row in rows}
    parts = [
        text("present.steps.colour", colour=text(f"present.colour.{code}"), word=verdict.word)
        for code, verdict in VERDICTS.items()
        if code in codes & COLOURS
    ]
    return [text("present.steps.colours", parts=", ".join(parts))] if parts else []


def _few(count: int, minimum: int) -> str:
    """Return a count; below the minimum only that it is."""
    return number(count) if count >= minimum else text("present.steps.under", n=minimum)
