"""Where to start: the first automations, what they are assumed to be worth, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.core import Estimate, number, percent
from journeylib.portfolio import INPUTS, Driver, Portfolio
from journeylib.present.blocks import Block, words
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element
from journeylib.present.tables import Table, as_float, table

if TYPE_CHECKING:
    from journeylib.audits import Audit

WIDTH, LEFT, RIGHT, ROW, TOP = 1180.0, 250.0, 330.0, 40.0, 16.0
NO_PORTFOLIO = (
    "No first automations are chosen, because nobody has said what they may cost (portfolio). With "
    "a budget, the cost of a minute of work and what a failed contact loses, the audit chooses "
    "three to five, or says that it is not settled."
)


def first_automations(audit: Audit) -> Figure | Block:
    """Draw what automating each candidate is assumed to be worth in a week."""
    found = audit.portfolio
    if found is None:
        return words(NO_PORTFOLIO)
    valued = found.candidates[found.candidates["lower_quartile"].notna()]
    if valued.empty:
        return words(found.text)
    return worth_figure(found, valued.to_dict("records"))


def worth_figure(found: Portfolio, rows: Sequence[dict[Any, Any]]) -> Figure:
    """Draw candidates with the interval of their worth, chosen ones filled."""
    ends = [end for row in rows for end in (row["value"].lo, row["value"].hi)]
    low, high = min(0.0, *ends), max(0.0, *ends)
    room, bottom = WIDTH - LEFT - RIGHT, TOP + ROW * len(rows)

    def x(value: float) -> float:
        return float(LEFT + room * (value - low) / ((high - low) or 1.0))

    parts = [svg.line(x(0), TOP, x(0), bottom + 4, "jl-axis")]
    for end in sorted({low, 0.0, high}):
        text = number(round(end)) + (f" {found.currency} a week" if end == 0 else "")
        parts.append(svg.label(x(end), bottom + 22, text, "jl-t1 jl-m", anchor="middle"))
    for i, row in enumerate(rows):
        parts.append(_row(row, TOP + ROW * i + ROW / 2, x, found.currency))
    return Figure(
        name="first-automations",
        title="First automations: what a week of each is assumed to be worth",
        alt=found.text,
        svg=svg_element(parts, width=WIDTH, height=bottom + 34, alt=found.text, min_width=760),
        table=pd.DataFrame(
            {
                "Touchpoint": [row["touchpoint"] for row in rows],
                f"Worth a week ({found.currency})": [_money(row["value"]) for row in rows],
                "Lower quartile": [round(row["lower_quartile"]) for row in rows],
                "Chosen": ["yes" if row["chosen"] else "no" for row in rows],
            }
        ),
        note="Dot: median; line: 95 % of resamples of customers and of the declared ranges; tick: "
        "the lower quartile, which decides. Filled: chosen. All of it rests on declared amounts "
        "and on bots doing as well with contacts that they have not had: grade D."
        + _overlap(found),
    )


def _row(row: dict[Any, Any], y: float, x: Any, currency: str) -> str:
    value, quartile = row["value"], float(row["lower_quartile"])
    name = svg.shorten(svg.clean(row["touchpoint"]), LEFT - 26, 13, bold=row["chosen"])
    often = as_float(row["selection_frequency"])
    said = row["why_not"] if often is None else f"chosen in {percent(often, 0)} of resamples"
    hollow = "" if row["chosen"] else " jl-hollow"
    start = " jl-b" * row["chosen"]
    told = svg.shorten(str(said), RIGHT - 24, 12.5)
    return svg.titled(
        f"{row['touchpoint']}: {_money(value)} {currency} a week; {said}",
        svg.label(LEFT - 14, y + 5, name, f"jl-t6{start}", anchor="end"),
        svg.line(x(value.lo), y, x(value.hi), y, "jl-bound"),
        svg.line(x(quartile), y - 7, x(quartile), y + 7, "jl-bound"),
        svg.marker("circle", x(value.value), y, 7, f"jl-v jl-{row['verdict']}{hollow}"),
        svg.label(WIDTH - RIGHT + 20, y + 5, told, "jl-t4 jl-m"),
    )


def _overlap(found: Portfolio) -> str:
    if not found.counted_twice:
        return ""
    return (
        f" Values are added up; at most {found.currency} {found.counted_twice:,.0f} a week of the "
        "sum is of contacts that another choice may already have ended."
    )


def automation_candidates(audit: Audit) -> Table | Block:
    """Return every candidate: worth, price, how often chosen, and what decides it."""
    found = audit.portfolio
    if found is None:
        return words("No candidates are compared (portfolio).")
    rows = [
        {
            "Touchpoint": row["touchpoint"],
            f"Worth a week ({found.currency})": _money(row["value"]),
            f"To build ({found.currency})": round(row["build"]),
            "Chosen by resamples": _share(row["selection_frequency"]),
            "Start here": _start(row),
            "What it rests on": row["source"] or "–",
            "What decides it": _decides(row["drivers"]),
        }
        for row in found.candidates.to_dict("records")
    ]
    return table(
        pd.DataFrame(rows),
        "Candidates for a first automation",
        note="What decides it: the input that moves the value most between its 10th and 90th "
        "percentile, all others at their median; ± where it alone decides if automating pays. "
        "Below 60 % of resamples a choice is not settled.",
    )


def _start(row: dict[Any, Any]) -> str:
    if row["chosen"]:
        return "yes" if row["settled"] else "yes, but not settled"
    return f"no: {row['why_not']}"


def _share(value: object) -> str:
    share = as_float(value)
    return "–" if share is None else percent(share, 0)


def _decides(drivers: Sequence[Driver]) -> str:
    if not drivers:
        return "–"
    first = drivers[0]
    ends = f"{number(round(first.low))} to {number(round(first.high))}"
    turning = [INPUTS[one.name] for one in drivers if one.turns_sign]
    also = f"; ± {', '.join(turning)}" if turning else ""
    return f"{INPUTS[first.name]} ({ends}){also}"


def _money(estimate: Estimate) -> str:
    if estimate.value is None or estimate.lo is None or estimate.hi is None:
        return "–"
    low, high = number(round(estimate.lo)), number(round(estimate.hi))
    return f"{number(round(estimate.value))} ({low} to {high})"
