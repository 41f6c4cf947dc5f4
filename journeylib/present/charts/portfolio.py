"""The worth of first automations: candidates with the interval of what each is worth a week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from journeylib.core import Estimate, number, percent, text
from journeylib.portfolio import Portfolio
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
from journeylib.present.tables import as_float, interval
from journeylib.present.theme import LIGHT

LEFT, RIGHT = 250, 330
Row = Mapping[Any, Any]


def worth_figure(portfolio: Portfolio, rows: Sequence[dict[Any, Any]]) -> Figure:
    """Draw candidates with the interval of their worth, chosen ones filled."""
    note = text("present.portfolio.note")
    if portfolio.counted_twice:
        amount = number(round(portfolio.counted_twice))
        overlap = text("present.portfolio.overlap", currency=portfolio.currency, amount=amount)
        note = f"{note} {overlap}"
    return chart_figure(
        _chart(rows, portfolio.currency),
        name="first-automations",
        title=text("present.portfolio.title"),
        alt=portfolio.text,
        table=pd.DataFrame(
            {
                "touchpoint": [row["touchpoint"] for row in rows],
                "worth": [money_text(row["value"]) for row in rows],
                "lower_quartile": [round(row["lower_quartile"]) for row in rows],
                "chosen": [text("yes" if row["chosen"] else "no") for row in rows],
            }
        ),
        note=note,
    )


def _chart(rows: Sequence[Row], currency: str) -> go.Figure:
    """Return one row a candidate: its worth with its interval, filled where it is chosen."""
    values = [row["value"] for row in rows]
    low = min(0.0, *(value.lo for value in values))
    high = max(0.0, *(value.hi for value in values))
    room = 0.04 * ((high - low) or 1.0)
    ends = sorted({low, 0.0, high})
    written = [number(round(end)) for end in ends]
    zero = ends.index(0.0)
    written[zero] = text("present.portfolio.a_week", value=written[zero], currency=currency)
    axis = ticks(ends, written, range=[low - room, high + room], showgrid=False)
    chosen = [index for index, row in enumerate(rows) if row["chosen"]]
    names = [str(row["touchpoint"]) for row in rows]
    drawn = row_chart(names, axis, sides=(LEFT, RIGHT), bold=chosen)
    drawn.add_vline(0, line={"color": LIGHT["muted"], "width": 1})
    add_marks(
        drawn,
        [(row["value"].value, index, _sentence(row, currency)) for index, row in enumerate(rows)],
        spans=values,
        color=[LIGHT[row["verdict"]] for row in rows],
        symbol=["circle" if row["chosen"] else "circle-open" for row in rows],
    )
    quartiles = enumerate(float(row["lower_quartile"]) for row in rows)
    look = {"color": LIGHT["ink"], "width": 1.6}
    add_shapes(drawn, [stroke((x, at - 0.2), (x, at + 0.2), look) for at, x in quartiles])
    return write_beside(drawn, enumerate(words(_why(row), RIGHT - 24) for row in rows))


def _why(row: Row) -> str:
    often = as_float(row["selection_frequency"])
    if often is None:
        return str(row["why_not"])
    return text("present.portfolio.often", share=percent(often, 0))


def _sentence(row: Row, currency: str) -> str:
    worth = text("present.portfolio.a_week", value=money_text(row["value"]), currency=currency)
    return f"{words(row['touchpoint'])}: {worth}; {words(_why(row))}"


def money_text(estimate: Estimate) -> str:
    """Return an amount in whole units with its interval."""
    if estimate.lo is None:
        return text("none")
    return interval(estimate.value, estimate.lo, estimate.hi, lambda x: number(round(x)))
