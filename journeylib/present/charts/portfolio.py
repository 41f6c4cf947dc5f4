"""The worth of first automations: candidates with the interval of what each is worth a week."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from journeylib.core import Estimate, number, percent, text
from journeylib.portfolio import Portfolio
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element
from journeylib.present.tables import as_float, interval

WIDTH, LEFT, RIGHT, ROW, TOP = 1180.0, 250.0, 330.0, 40.0, 16.0


def worth_figure(portfolio: Portfolio, rows: Sequence[dict[Any, Any]]) -> Figure:
    """Draw candidates with the interval of their worth, chosen ones filled."""
    ends = [end for row in rows for end in (row["value"].lo, row["value"].hi)]
    low, high = min(0.0, *ends), max(0.0, *ends)
    room, bottom = WIDTH - LEFT - RIGHT, TOP + ROW * len(rows)

    def x(value: float) -> float:
        return float(LEFT + room * (value - low) / ((high - low) or 1.0))

    parts = [svg.line(x(0), TOP, x(0), bottom + 4, "jl-axis")]
    for end in sorted({low, 0.0, high}):
        tick = number(round(end))
        if end == 0:
            tick = text("present.portfolio.a_week", value=tick, currency=portfolio.currency)
        parts.append(svg.label(x(end), bottom + 22, tick, "jl-t1 jl-m", anchor="middle"))
    for i, row in enumerate(rows):
        parts.append(_row(row, TOP + ROW * i + ROW / 2, x, portfolio.currency))
    note = text("present.portfolio.note")
    if portfolio.counted_twice:
        amount = number(round(portfolio.counted_twice))
        overlap = text("present.portfolio.overlap", currency=portfolio.currency, amount=amount)
        note = f"{note} {overlap}"
    return Figure(
        name="first-automations",
        title=text("present.portfolio.title"),
        alt=portfolio.text,
        svg=svg_element(parts, width=WIDTH, height=bottom + 34, alt=portfolio.text, min_width=760),
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


def _row(row: dict[Any, Any], y: float, x: Callable[[float], float], currency: str) -> str:
    value, quartile = row["value"], float(row["lower_quartile"])
    name = svg.shorten(svg.clean(row["touchpoint"]), LEFT - 26, 13, bold=row["chosen"])
    often = as_float(row["selection_frequency"])
    why = str(row["why_not"])
    if often is not None:
        why = text("present.portfolio.often", share=percent(often, 0))
    worth = text("present.portfolio.a_week", value=money_text(value), currency=currency)
    weight, hollow = (" jl-b", "") if row["chosen"] else ("", " jl-hollow")
    short = svg.shorten(why, RIGHT - 24, 12.5)
    return svg.titled(
        f"{row['touchpoint']}: {worth}; {why}",
        svg.label(LEFT - 14, y + 5, name, f"jl-t6{weight}", anchor="end"),
        svg.line(x(value.lo), y, x(value.hi), y, "jl-bound"),
        svg.line(x(quartile), y - 7, x(quartile), y + 7, "jl-bound"),
        svg.marker("circle", x(value.value), y, 7, f"jl-v jl-{row['verdict']}{hollow}"),
        svg.label(WIDTH - RIGHT + 20, y + 5, short, "jl-t4 jl-m"),
    )


def money_text(estimate: Estimate) -> str:
    """Return an amount in whole units with its interval."""
    if estimate.lo is None:
        return text("none")
    return interval(estimate.value, estimate.lo, estimate.hi, lambda x: number(round(x)))
