"""Drift: how far streams are from their past, in standard errors, beside what chance moves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from journeylib.audits import stream_label
from journeylib.core import duration, number, percent, signed, text
from journeylib.present.drawing.chart import (
    add_marks,
    add_shapes,
    row_chart,
    stroke,
    ticks,
    write_beside,
)
from journeylib.present.figure import Figure, chart_figure
from journeylib.present.theme import LIGHT

DRAWN = 12  # streams
LEFT = 470
CHANCE = 1.96
FARTHEST = 8  # standard errors drawn; what lies farther stands at the edge
Row = Mapping[Any, Any]


def drift_figure(tests: pd.DataFrame, note: str) -> Figure:
    """Draw how far streams are from their past.

    Parameters
    ----------
    tests : pandas.DataFrame
        The table ``tested`` of a run, at least one row with numbers.
    note : str
        What was compared.
    """
    order = tests.assign(size=tests["z"].abs()).sort_values(
        ["significant", "size", "measure", "touchpoint", "detail"],
        ascending=[False, False, True, True, True], kind="stable",
    )  # fmt: skip
    rows = order[order["difference"].notna()].head(DRAWN).to_dict("records")
    alarms = int(tests["significant"].sum())
    key = "present.drift.alarms" if alarms else "present.drift.no_alarm"
    alt = text(key, alarms=alarms, n=len(tests), largest=_sentence(rows[0]))
    return chart_figure(
        _chart(rows),
        name="moved",
        title=text("present.drift.title"),
        alt=alt,
        table=pd.DataFrame(
            {
                "stream": [_name(row) for row in rows],
                "before": [_value(row, "before") for row in rows],
                "after": [_value(row, "after") for row in rows],
                "cases": [int(row["n_after"]) for row in rows],
                "customers": [int(row["customers"]) for row in rows],
                "standard_errors": [signed(float(row["z"])) for row in rows],
                "alarm": [text("yes" if row["significant"] else "no") for row in rows],
            }
        ),
        note=f"{text('present.drift.note', n=len(tests))} {note}",
    )


def _chart(rows: Sequence[Row]) -> go.Figure:
    """Return one row a stream: where it stands now, from its past in the middle."""
    scale = range(-FARTHEST, FARTHEST + 1, 2)
    axis = ticks(
        scale, [signed(at, 0) for at in scale], range=[-FARTHEST - 0.3, FARTHEST + 0.3],
        showgrid=False, title_text=text("present.head.standard_errors"),
    )  # fmt: skip
    sure = [index for index, row in enumerate(rows) if row["significant"]]
    drawn = row_chart([_name(row) for row in rows], axis, sides=(LEFT, 170), bold=sure)
    drawn.add_shape(
        type="rect", layer="below", x0=-CHANCE, x1=CHANCE, y0=0, y1=1, yref="y domain",
        fillcolor=LIGHT["band"], line_width=0,
    )  # fmt: skip
    drawn.add_vline(0, line={"color": LIGHT["muted"], "width": 1})
    ends = [max(-FARTHEST, min(FARTHEST, float(row["z"]))) for row in rows]
    look = {"color": LIGHT["flow"], "width": 1.2}
    add_shapes(drawn, [stroke((0, at), (x, at), look, "below") for at, x in enumerate(ends)])
    values = (f"{_value(row, 'before')} → {_value(row, 'after')}" for row in rows)
    write_beside(drawn, enumerate(values))
    add_marks(
        drawn,
        [(end, index, _sentence(rows[index])) for index, end in enumerate(ends)],
        symbol=["circle" if row["significant"] else "circle-open" for row in rows],
        color=[LIGHT["accent" if row["significant"] else "abstain"] for row in rows],
    )
    return drawn


def _name(row: Row) -> str:
    return stream_label(str(row["measure"]), str(row["touchpoint"]), str(row["detail"]))


def _sentence(row: Row) -> str:
    return text(
        "present.drift.stream",
        name=_name(row),
        before=_value(row, "before"),
        after=_value(row, "after"),
        n=int(row["n_after"]),
        z=signed(float(row["z"]), 1),
    )


def _value(row: Row, column: str) -> str:
    value = float(row[column])
    if row["unit"] == "share":
        return percent(value)
    return duration(math.expm1(value)) if row["unit"] == "log seconds" else number(value, 2)
