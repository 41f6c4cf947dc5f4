"""A curve with its band: verified containment by how long nobody may come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from journeylib.core import number, percent, text
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element

WIDTH, HEIGHT = 1180.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 24.0, 16.0, 44.0
ROOM = WIDTH - LEFT - RIGHT
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
    parts = [*_axes(first["days"], last["days"]), *_line(rows, chosen)]
    alt = text(
        "present.curve.finding",
        first=_window(first["days"]),
        one=percent(first["verified"]),
        last=_window(last["days"]),
        other=percent(last["verified"]),
    )
    return Figure(
        name="containment-curve",
        title=text("present.curve.title"),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=HEIGHT, alt=alt, min_width=760),
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
    return text("present.curve.one_day" if days == 1 else "present.curve.within", n=int(days))


def _x(days: float, first: float, last: float) -> float:
    return float(LEFT + ROOM * (days - first) / max(last - first, 1))


def _y(share: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(max(share, 0.0), 1.0))


def _axes(first: float, last: float) -> list[str]:
    parts = []
    for quarter in range(5):
        y = _y(quarter / 4)
        parts.append(svg.line(LEFT, y, WIDTH - RIGHT, y, "jl-rule"))
        parts.append(svg.label(LEFT - 8, y + 4, percent(quarter / 4, 0), "jl-t6", anchor="end"))
    parts += [
        svg.label(_x(day, first, last), HEIGHT - 24, str(day), "jl-t6", anchor="middle")
        for day in DAYS_MARKED
        if first <= day <= last
    ]
    days = text("present.curve.days")
    return [*parts, svg.label(LEFT + ROOM / 2, HEIGHT - 6, days, "jl-t6", anchor="middle")]


def _line(rows: Sequence[Mapping[Any, Any]], chosen: float) -> list[str]:
    """Return the band, the line and the mark of the window that was chosen."""

    def points(name: str) -> list[tuple[float, float]]:
        ends = rows[0]["days"], rows[-1]["days"]
        return [(_x(row["days"], *ends), _y(row[name])) for row in rows]

    band = [*points("verified_hi"), *reversed(points("verified_lo"))]
    place = min(range(len(rows)), key=lambda i: (abs(rows[i]["days"] - chosen), rows[i]["days"]))
    row, (x, y) = rows[place], points("verified")[place]
    words = {"days": number(row["days"]), "share": percent(row["verified"])}
    title = text("present.curve.mark", n=int(row["sessions"]), **words)
    return [
        f'<path d="{svg.path(band, closed=True)}" class="jl-area"/>',
        f'<path d="{svg.path(points("verified"))}" class="jl-line"/>',
        svg.titled(title, svg.marker("circle", x, y, 6, "jl-bar")),
        svg.label(x + 10, y - 10, text("present.curve.chosen", **words), "jl-t6 jl-b"),
    ]
