"""A curve with its band: verified containment by how long nobody may come back."""

from __future__ import annotations

import pandas as pd

from journeylib.core import percent
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element

WIDTH, HEIGHT = 1180.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 24.0, 16.0, 44.0
DAYS_MARKED = (1, 5, 10, 15, 20, 25, 30)


def draw_curve(
    curve: pd.DataFrame,
    *,
    chosen: float,
    name: str = "containment-curve",
    title: str = "Verified containment by window",
) -> Figure:
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
    first, last = rows[0]["days"], rows[-1]["days"]
    room, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(days: float) -> float:
        return float(LEFT + room * (days - first) / max(last - first, 1))

    def y(share: float) -> float:
        return TOP + height * (1 - min(max(share, 0.0), 1.0))

    parts = []
    for tenth in (0, 25, 50, 75, 100):
        parts.append(svg.line(LEFT, y(tenth / 100), WIDTH - RIGHT, y(tenth / 100), "jl-rule"))
        parts.append(svg.label(LEFT - 8, y(tenth / 100) + 4, f"{tenth} %", "jl-t6", anchor="end"))
    parts += [
        svg.label(x(day), HEIGHT - 24, str(day), "jl-t6", anchor="middle")
        for day in DAYS_MARKED
        if first <= day <= last
    ]
    parts.append(svg.label(LEFT + room / 2, HEIGHT - 6, "days", "jl-t6", anchor="middle"))
    band = [(x(r["days"]), y(r["verified_hi"])) for r in rows]
    band += [(x(r["days"]), y(r["verified_lo"])) for r in reversed(rows)]
    parts.append(f'<path d="{svg.path(band, closed=True)}" class="jl-area"/>')
    points = [(x(r["days"]), y(r["verified"])) for r in rows]
    parts.append(f'<path d="{svg.path(points)}" class="jl-line"/>')
    marked = min(rows, key=lambda r: (abs(r["days"] - chosen), r["days"]))
    value = percent(marked["verified"])
    said = f"{marked['days']} days: {value} of {int(marked['sessions']):,} sessions"
    spot = svg.marker("circle", x(marked["days"]), y(marked["verified"]), 6, "jl-bar")
    parts.append(svg.titled(said, spot))
    at = (x(marked["days"]) + 10, y(marked["verified"]) - 10)
    parts.append(svg.label(*at, f"{marked['days']} days: {value}", "jl-t6 jl-b"))
    alt = (
        f"Verified containment is {percent(rows[0]['verified'])} where nobody may come back "
        f"within {first} day{'s' * (first != 1)}, {percent(rows[-1]['verified'])} within {last} "
        "days."
    )
    return Figure(
        name=name,
        title=title,
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=HEIGHT, alt=alt, min_width=760),
        table=pd.DataFrame(
            {
                "Days": [int(r["days"]) for r in rows],
                "Sessions": [int(r["sessions"]) for r in rows],
                "Verified (%)": [round(100 * r["verified"], 1) for r in rows],
                "From (%)": [round(100 * r["verified_lo"], 1) for r in rows],
                "To (%)": [round(100 * r["verified_hi"], 1) for r in rows],
                "If all unknown were served (%)": [round(100 * r["upper"], 1) for r in rows],
            }
        ),
        note="The longer nobody may come back about the same, the fewer sessions count as served. "
        "Ask of any containment figure which window it has. The band is the 95 % interval; each "
        "window counts only sessions that are old enough for it.",
    )
