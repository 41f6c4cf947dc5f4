"""Drift: how far streams are from their past, in standard errors, beside what chance moves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from journeylib.audits import stream_label
from journeylib.core import duration, number, percent, signed, text
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element

DRAWN = 12  # streams
WIDTH, LEFT, ROW = 1180.0, 470.0, 30.0
ROOM = WIDTH - LEFT - 150
CHANCE = 1.96
FARTHEST = 8  # standard errors drawn; what lies farther stands at the edge
MIDDLE, UNIT = LEFT + ROOM / 2, ROOM / 2 / FARTHEST
Row = Mapping[Any, Any]


def drift_figure(tests: pd.DataFrame, note: str) -> Figure:
    """Draw how far streams are from their past.

    Parameters
    ----------
    tests : pandas.DataFrame
        The table ``tested`` of a run, at least one row.
    note : str
        What was compared.
    """
    order = tests.assign(size=tests["z"].abs()).sort_values(
        ["significant", "size", "measure", "touchpoint", "detail"],
        ascending=[False, False, True, True, True], kind="stable",
    )  # fmt: skip
    rows = order.head(DRAWN).to_dict("records")
    height = 34 + ROW * len(rows)
    parts = [
        svg.rect(MIDDLE - CHANCE * UNIT, 8, 2 * CHANCE * UNIT, height - 26, "jl-band"),
        svg.line(MIDDLE, 8, MIDDLE, height - 18, "jl-axis"),
    ]
    for tick in range(-FARTHEST, FARTHEST + 1, 2):
        x = MIDDLE + tick * UNIT
        parts.append(svg.label(x, height, signed(tick, 0), "jl-t1 jl-m", anchor="middle"))
    for place, row in enumerate(rows):
        parts += _row(row, 8 + ROW * (place + 0.5))
    alarms = int(tests["significant"].sum())
    key = "present.drift.alarms" if alarms else "present.drift.no_alarm"
    alt = text(key, alarms=alarms, n=len(tests), largest=_sentence(rows[0]))
    return Figure(
        name="moved",
        title=text("present.drift.title"),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=height + 12, alt=alt, min_width=760),
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


def _row(row: Row, y: float) -> list[str]:
    sure = bool(row["significant"])
    x = MIDDLE + UNIT * max(-FARTHEST, min(FARTHEST, float(row["z"])))
    name = svg.shorten(svg.clean(_name(row)), LEFT - 26, 12.5, bold=sure)
    mark = "jl-v jl-automate" if sure else "jl-v jl-hollow jl-abstain"
    values = f"{_value(row, 'before')} → {_value(row, 'after')}"
    return [
        svg.label(LEFT - 14, y + 4, name, "jl-t5 jl-b" if sure else "jl-t5", anchor="end"),
        svg.line(MIDDLE, y, x, y, "jl-whisker"),
        svg.titled(_sentence(row), svg.marker("circle", x, y, 6.0, mark)),
        svg.label(WIDTH - 140, y + 4, values, "jl-t4 jl-m jl-halo"),
    ]


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
