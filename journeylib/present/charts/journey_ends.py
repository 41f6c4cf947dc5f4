"""How journeys end: for each touchpoint, the journeys that pass through it divided by their end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from journeylib.core import current_catalogue, percent, text
from journeylib.journeys import OTHER, START, Structure
from journeylib.present.drawing.chart import (
    add_bars,
    chart,
    room_for,
    row_axis,
    ticks,
    with_legend,
    words,
    write_beside,
)
from journeylib.present.drawing.svg import clean
from journeylib.present.figure import Figure, chart_figure
from journeylib.present.tables import end_share
from journeylib.present.theme import LIGHT

LEFT, RIGHT, ROW = 330, 300, 27
ENDS = {"goal": "good", "bad_end": "bad", "other": "flow", "open": "accent"}
MOST = 24  # touchpoints drawn, those of most journeys
NAMED = 3
Ends = Mapping[str, Mapping[str, Mapping[Any, Any]]]


def journey_ends_figure(structure: Structure) -> Figure:
    """Draw how the journeys that pass through each touchpoint end."""
    ends: dict[str, dict[str, Mapping[Any, Any]]] = {}
    for row in structure.ends.to_dict("records"):
        ends.setdefault(row["touchpoint"], {})[row["end"]] = row
    size = {name: int(max(r["n_journeys"] for r in rows.values())) for name, rows in ends.items()}
    largest = sorted(size, key=lambda name: (name != START, -size[name], name))[: MOST + 1]
    shown = [name for name in ends if name in largest]
    return chart_figure(
        _chart(shown, ends, size, set(structure.chain.points_of_no_return["touchpoint"])),
        name="journey-ends",
        title=text("present.ends.title"),
        alt=_finding(ends, size, structure),
        table=pd.DataFrame(
            {
                "touchpoint": [_name(name) for name in ends],
                "journeys": [size[name] for name in ends],
                **{
                    f"end_{end}": [
                        end_share(rows[end]) if end in rows else None for rows in ends.values()
                    ]
                    for end in ENDS
                },
            }
        ),
        note=_note(structure, len(ends) - len(shown)),
    )


def end_word(end: str) -> str:
    """Return how journeys of this end are spoken of."""
    return text(f"present.end.{end}")


def _name(touchpoint: str) -> str:
    return text("present.ends.all") if touchpoint == START else touchpoint


def _chart(
    names: Sequence[str], ends: Ends, size: Mapping[str, int], settled: set[str]
) -> go.Figure:
    """Return one row a touchpoint: its journeys, one bar behind the other by their end."""
    written = [_row_name(name, size) for name in names]
    tenths = [part / 5 for part in range(6)]
    drawn = chart(70 + ROW * len(names), left=room_for(written, LEFT), right=RIGHT)
    axis = ticks(tenths, [percent(part, 0) for part in tenths], range=[0, 1])
    drawn.update_layout(xaxis=axis, yaxis=row_axis(written))
    starts = [0.0] * len(names)
    for end, colour in ENDS.items():
        bars = []
        for at, name in enumerate(names):
            if row := ends[name].get(end):
                hover = words(f"{_name(name)}: {end_share(row)} {end_word(end)}")
                bars.append((at, starts[at], float(row["share"]), hover))
                starts[at] += float(row["share"])
        add_bars(drawn, end_word(end), bars, color=LIGHT[colour])
    sentences = []
    for at, name in enumerate(names):
        goal = [end_share(ends[name]["goal"])] if "goal" in ends[name] else []
        goal += [text("present.ends.settled")] if name in settled else []
        line = " · ".join(goal) or text("present.ends.no_goal")
        sentences.append((at, words(line, RIGHT - 20)))
    return with_legend(write_beside(drawn, sentences))


def _row_name(name: str, size: Mapping[str, int]) -> str:
    """Return a name with its share of all journeys, unless all are hidden.

    The row of all journeys is hidden where a small end could be told from it.
    """
    if name == START:
        return words(_name(name), bold=True)
    share = percent(size[name] / size[START], 0) if START in size else ""
    return f"{words(name, LEFT - 80)}  {share}"


def _finding(ends: Ends, size: Mapping[str, int], structure: Structure) -> str:
    goal = ends.get(START, {}).get("goal")
    if goal is None:
        return text("present.ends.finding_none", n=size.get(START, 0))
    sentences = [text("present.ends.finding", share=end_share(goal), n=size[START])]
    rows = structure.chain.points_of_no_return
    for towards, key in (("no goal", "hardly"), ("goal", "nearly")):
        names = [
            clean(name)
            for name in rows.loc[rows["towards"] == towards, "touchpoint"]
            if name not in (START, OTHER)
        ]
        names.sort(key=lambda name: (-size.get(name, 0), name))
        if names:
            listed = current_catalogue().names(names, most=NAMED)
            sentences.append(text(f"present.ends.{key}", names=listed))
    return " ".join(sentences)


def _note(structure: Structure, hidden: int) -> str:
    notes = [text("present.ends.note")]
    if hidden:
        notes.append(text("present.ends.hidden", n=hidden))
    return " ".join([*notes, str(structure.chain.order)])
