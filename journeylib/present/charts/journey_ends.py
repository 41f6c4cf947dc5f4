"""How journeys end: for each touchpoint, the journeys that pass through it divided by their end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from journeylib.core import current_catalogue, percent, text
from journeylib.journeys import OTHER, START, Structure
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element
from journeylib.present.maps.timelines import ENDS
from journeylib.present.tables import share_interval

WIDTH = 1180.0
NAME, BAR, ROOM, WORDS = 16.0, 400.0, 440.0, 856.0
TOP, ROW = 44.0, 27.0
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
    settled = set(structure.chain.points_of_no_return["touchpoint"])
    parts = [
        svg.label(x, 20, text(f"present.ends.{key}"), "jl-t4 jl-b jl-m")
        for x, key in ((NAME, "through"), (BAR, "how"), (WORDS, "goal"))
    ]
    parts.append(svg.line(NAME, 30, WIDTH - 16, 30, "jl-rule"))
    y = TOP
    for name in shown:
        # The row of all journeys is hidden where a small end could be told from it.
        share = ""
        if name != START and START in size:
            share = percent(size[name] / size[START], 0)
        parts.append(_row(name, ends[name], share, settled=name in settled, y=y))
        y += ROW + (6 if name == START else 0)
    parts += svg.swatches(BAR, y + 22, [(end_word(end), kind) for end, kind in ENDS.items()])
    alt = _finding(ends, size, structure)
    return Figure(
        name="journey-ends",
        title=text("present.ends.title"),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=y + 40, alt=alt, min_width=860),
        table=pd.DataFrame(
            {
                "touchpoint": [_name(name) for name in ends],
                "journeys": [size[name] for name in ends],
                **{
                    f"end_{end}": [
                        _share(rows[end]) if end in rows else None for rows in ends.values()
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


def _share(row: Mapping[Any, Any]) -> str:
    return share_interval(row["share"], row["lo"], row["hi"])


def _row(
    name: str, rows: Mapping[str, Mapping[Any, Any]], share: str, *, settled: bool, y: float
) -> str:
    whole = name == START
    short = _name(name) if whole else svg.shorten(svg.clean(name), BAR - NAME - 130, 13)
    parts = [
        svg.label(NAME, y + 14, short, "jl-t5 jl-b" if whole else "jl-t5"),
        svg.label(
            BAR - 12, y + 14, text("of_journeys", share=share) if share else "", "jl-t4 jl-m",
            anchor="end",
        ),
    ]  # fmt: skip
    x = BAR
    for end, kind in ENDS.items():
        if end in rows:
            width = ROOM * float(rows[end]["share"])
            title = f"{_name(name)}: {_share(rows[end])} {end_word(end)}"
            parts.append(svg.titled(title, svg.rect(x, y + 3, width, 14, kind, radius=2)))
            x += width
    words = [_share(rows["goal"])] if "goal" in rows else []
    words += [text("present.ends.settled")] if settled else []
    line = " · ".join(words) or text("present.ends.no_goal")
    short = svg.shorten(line, WIDTH - WORDS - 8, 12.5)
    kind = "jl-t5" if "goal" in rows else "jl-t5 jl-m"
    parts.append(svg.titled(line, svg.label(WORDS, y + 14, short, kind)))
    return "".join(parts)


def _finding(ends: Ends, size: Mapping[str, int], structure: Structure) -> str:
    goal = ends.get(START, {}).get("goal")
    if goal is None:
        return text("present.ends.finding_none", n=size.get(START, 0))
    sentences = [text("present.ends.finding", share=_share(goal), n=size[START])]
    rows = structure.chain.points_of_no_return
    for towards, key in (("no goal", "hardly"), ("goal", "nearly")):
        names = [
            svg.clean(name)
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
