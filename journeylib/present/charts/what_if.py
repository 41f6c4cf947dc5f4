"""What a move between bot and people changes: today is the line, both ends and the naive figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from journeylib.core import percent, text
from journeylib.portfolio import WhatIf, figure_text, move_text
from journeylib.present.drawing.chart import (
    add_marks,
    add_shapes,
    row_chart,
    stroke,
    ticks,
    words,
    write_beside,
)
from journeylib.present.figure import Figure, chart_figure
from journeylib.present.theme import LIGHT

LEFT, RIGHT = 300, 330
FURTHEST = 1.0  # a change beyond so many times today's figure is drawn at the edge
MARKS = (-1.0, -0.75, -0.5, -0.25, -0.1, 0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
NEAR = 0.12  # of the axis: ticks nearer to another are left out
Row = Mapping[Any, Any]
Line = tuple[str, Row | None]  # a row of the chart: a move, or one figure of it


def draw_moves(answers: Sequence[WhatIf]) -> Figure | None:
    """Draw what moves change, each figure against today.

    Parameters
    ----------
    answers : sequence of WhatIf

    Returns
    -------
    Figure or None
        None where nothing is said of any.
    """
    results = [one for one in answers if one.refused is None]
    if not results:
        return None
    return chart_figure(
        _chart([line for one in results for line in _lines(one)]),
        name="what-if",
        title=text("present.what_if.title"),
        alt=" ".join(_finding(one) for one in results),
        table=pd.DataFrame([row for one in results for row in figure_rows(one)]),
        note=text("present.what_if.note"),
    )


def figure_rows(answer: WhatIf) -> list[dict[str, str]]:
    """Return the figures of an answer in words, before and after, one row each."""
    return [
        {
            "move": move_text(answer.moves),
            "figure": text(f"portfolio.what_if.figure.{row['figure']}"),
            "today": figure_text(row, "before"),
            "any_solved_alike": figure_text(row, "no_selection"),
            "easy_ones_solved": figure_text(row, "full_selection"),
            "eighty_percent": text(
                "range.words", lo=figure_text(row, "lo"), hi=figure_text(row, "hi")
            ),
            "naive_figure": figure_text(row, "naive"),
        }
        for row in answer.figures.to_dict("records")
    ]


def _finding(answer: WhatIf) -> str:
    rows = {row["figure"]: row for row in answer.figures.to_dict("records")}
    row = rows.get("wait", rows["minutes"])
    ends = {name: figure_text(row, name) for name in ("before", "lo", "hi", "naive")}
    figure = text(f"portfolio.what_if.figure.{row['figure']}")
    return text("present.what_if.finding", move=move_text(answer.moves), figure=figure, **ends)


def _lines(answer: WhatIf) -> list[Line]:
    rows = [row for row in answer.figures.to_dict("records") if row["before"] > 0]
    many = len(answer.moves)
    heading = text("present.what_if.together", n=many) if many > 1 else move_text(answer.moves)
    named = [(text(f"present.what_if.figure.{row['figure']}"), row) for row in rows]
    return [(heading, None), *named]


def _against_today(row: Row, column: str) -> float:
    """Return a column as a change against today, at most to the edge."""
    change = float(row[column]) / float(row["before"]) - 1
    return min(max(change, -FURTHEST), FURTHEST)


def _chart(lines: Sequence[Line]) -> go.Figure:
    """Return one row a figure: the interval as a bar, the two ends on it, the naive figure."""
    figures = [(index, name, row) for index, (name, row) in enumerate(lines) if row is not None]
    columns = ("lo", "hi", "no_selection", "full_selection", "naive")
    changes = [_against_today(row, column) for *_, row in figures for column in columns]
    low, high = min(0.0, *changes), max(0.0, *changes)
    room = 0.06 * ((high - low) or 1.0)
    marks = _marks(low - room, high + room)
    axis = ticks(marks, [_change(mark) for mark in marks], range=[low - room, high + room],
                 title_text=text("present.what_if.axis"))  # fmt: skip
    heads = [index for index, (_, row) in enumerate(lines) if row is None]
    drawn = row_chart([name for name, _ in lines], axis, sides=(LEFT, RIGHT), bold=heads)
    drawn.add_vline(0, line={"color": LIGHT["muted"], "width": 1})
    spans, sentences = [], []
    for index, _, row in figures:
        low, high = (_against_today(row, end) for end in ("lo", "hi"))
        look = {"color": LIGHT["accent"], "width": 7}
        spans.append(stroke((low, index), (high, index), look) | {"opacity": 0.3})
        ends = {name: figure_text(row, name) for name in ("before", "lo", "hi")}
        sentence = text("present.what_if.from_to", **ends)
        sentences.append((index, words(sentence, RIGHT - 24)))
    write_beside(add_shapes(drawn, spans), sentences)
    looks = {"no_selection": ("circle-open", "accent"), "full_selection": ("circle", "accent"),
             "naive": ("diamond-open", "bad")}  # fmt: skip
    for column, (symbol, colour) in looks.items():
        hover = text(f"present.what_if.mark.{column}")
        points = [
            (
                _against_today(row, column),
                index,
                f"{words(name)}, {hover}: {figure_text(row, column)}",
            )
            for index, name, row in figures
        ]
        add_marks(drawn, points, symbol=symbol, color=LIGHT[colour])
    return drawn


def _marks(low: float, high: float) -> list[float]:
    """Return the ticks within the axis that have room, today among them."""
    marks = [0.0]
    for mark in sorted(MARKS, key=lambda mark: -abs(mark)):
        apart = min(abs(mark - other) for other in marks)
        if low <= mark <= high and apart > NEAR * (high - low):
            marks.append(mark)
    return sorted(marks)


def _change(mark: float) -> str:
    if mark == 0:
        return text("present.what_if.today")
    return f"{'+' if mark > 0 else '−'}{percent(abs(mark), 0)}"
