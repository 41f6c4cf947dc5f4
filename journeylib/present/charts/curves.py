"""A curve with its band: verified containment by how long nobody may come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from journeylib.core import number, percent, text
from journeylib.present.drawing.chart import add_chosen, chart, ticks
from journeylib.present.figure import Figure, chart_figure
from journeylib.present.tables import share_interval
from journeylib.present.theme import LIGHT

DAYS_MARKED = (1, 5, 10, 15, 20, 25, 30)
PERCENT_COLUMNS = {
    "verified_percent": "verified",
    "lo_percent": "verified_lo",
    "hi_percent": "verified_hi",
    "upper_percent": "upper",
}


def draw_curve(curve: pd.DataFrame, *, chosen: float) -> Figure:
    """Draw verified containment for windows of 1 to 30 days.

    Parameters
    ----------
    curve : pandas.DataFrame
        `Handoffs.curve`, at least two rows.
    chosen : float
        The window of the audit, days; marked.

    Returns
    -------
    Figure
    """
    rows = curve.to_dict("records")
    first, last = rows[0], rows[-1]
    alt = text(
        "present.curve.finding",
        first=_window(first["days"]),
        one=percent(first["verified"]),
        last=_window(last["days"]),
        other=percent(last["verified"]),
    )
    return chart_figure(
        _chart(rows, chosen),
        name="containment-curve",
        title=text("present.curve.title"),
        alt=alt,
        table=pd.DataFrame(
            {
                "days": [int(row["days"]) for row in rows],
                "sessions": [int(row["sessions"]) for row in rows],
                **{
                    head: [round(100 * row[name], 1) for row in rows]
                    for head, name in PERCENT_COLUMNS.items()
                },
            }
        ),
        note=text("present.curve.note"),
    )


def _window(days: float) -> str:
    return text("present.curve.within", n=int(days))


def _chart(rows: Sequence[Mapping[Any, Any]], chosen: float) -> go.Figure:
    """Return the band, the line and the mark of the window that was chosen."""
    days = [int(row["days"]) for row in rows]
    across = [day for day in DAYS_MARKED if days[0] <= day <= days[-1]]
    quarters = [quarter / 4 for quarter in range(5)]
    drawn = chart(300, left=64, right=24).update_layout(
        xaxis=ticks(
            across,
            [str(day) for day in across],
            range=[days[0], max(days[-1], days[0] + 1)],
            showgrid=False,
            title_text=text("present.curve.days"),
        ),
        yaxis=ticks(quarters, [percent(quarter, 0) for quarter in quarters], range=[0, 1]),
    )

    def values(name: str) -> list[float]:
        return [min(max(float(row[name]), 0.0), 1.0) for row in rows]

    index = min(range(len(rows)), key=lambda i: (abs(rows[i]["days"] - chosen), rows[i]["days"]))
    sentences = [_sentence(row) for row in rows]
    drawn.add_scatter(
        x=[*days, *reversed(days)],
        y=[*values("verified_hi"), *reversed(values("verified_lo"))],
        fill="toself", fillcolor=LIGHT["accent"], opacity=0.17, mode="none", hoverinfo="skip",
    )  # fmt: skip
    drawn.add_scatter(
        x=days, y=values("verified"), mode="lines", line={"color": LIGHT["accent"], "width": 2.2},
        hovertext=sentences, hoverinfo="text",
    )  # fmt: skip
    row, at = rows[index], (days[index], values("verified")[index])
    named = {"days": number(row["days"]), "share": percent(row["verified"])}
    name = text("present.curve.chosen", **named)
    return add_chosen(drawn, at, sentences[index], name=name, xanchor="left", xshift=8, yshift=16)


def _sentence(row: Mapping[Any, Any]) -> str:
    share = share_interval(row["verified"], row["verified_lo"], row["verified_hi"])
    return text("present.curve.mark", n=int(row["sessions"]), days=number(row["days"]), share=share)
