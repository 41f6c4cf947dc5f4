"""Pictures of an experiment: what weeks can find, harm day by day, and what was read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from journeylib.core import number, text
from journeylib.lab import (
    Guardrail,
    MeasureReading,
    Plan,
    Reading,
    Watch,
    change,
    count,
    date,
    some,
    span,
)
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element

WIDTH, HEIGHT = 1180.0, 340.0
LEFT, RIGHT, TOP, BOTTOM = 96.0, 40.0, 20.0, 48.0
ROW = 64.0
NAME = 330.0  # room for the names of measures
REACH = 2.0  # a reading's axis: so many times the limit on each side

Scale = Callable[[float], float]


def draw_findable(planned: Plan) -> Figure | None:
    """Draw weeks against the smallest change that they find.

    Parameters
    ----------
    planned : Plan

    Returns
    -------
    Figure or None
        None where the plan could not tell.
    """
    table = planned.table
    table = table[[math.isfinite(value) for value in table["change"]]]
    if len(table) < 2:
        return None
    settings = planned.settings
    unit, least = settings.primary.unit, settings.least_worth
    weeks = [int(week) for week in table["weeks"]]
    values = [float(value) for value in table["change"]]
    x = _scale(weeks[0], weeks[-1], LEFT, WIDTH - RIGHT)
    y = _scale(0.0, 1.05 * max(*values, least), HEIGHT - BOTTOM, TOP)
    parts = _grid(y, max(*values, least), unit)
    parts += [svg.label(x(week), HEIGHT - 26, week, "jl-t6", anchor="middle") for week in weeks]
    parts.append(_below(text("lab.chart.weeks")))
    parts.append(svg.line(LEFT, y(least), WIDTH - RIGHT, y(least), "jl-axis"))
    parts.append(
        svg.label(WIDTH - RIGHT, y(least) - 7, text("lab.chart.least"), "jl-t6 jl-b", anchor="end")
    )
    points = [(x(week), y(value)) for week, value in zip(weeks, values, strict=True)]
    parts.append(f'<path d="{svg.path(points)}" class="jl-line"/>')
    if planned.run and planned.weeks in weeks:
        at = points[weeks.index(planned.weeks)]
        sentence = text("lab.chart.planned", weeks=planned.weeks)
        parts.append(svg.titled(sentence, svg.marker("circle", *at, 6, "jl-bar")))
        parts.append(svg.label(at[0], at[1] + 24, sentence, "jl-t6 jl-b", anchor="middle"))
    alt = text(
        "lab.chart.findable_alt",
        first_weeks=some(weeks[0], "week"),
        last_weeks=some(weeks[-1], "week"),
        first=_size(values[0], unit),
        last=_size(values[-1], unit),
        least=_size(least, unit),
    )
    return Figure(
        name="lab-findable",
        title=text("lab.chart.findable", name=settings.name),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=HEIGHT, alt=alt, min_width=760),
        table=pd.DataFrame(
            {
                "weeks": weeks,
                "customers": [int(number) for number in table["customers"]],
                "smallest_change": [_size(value, unit) for value in values],
            }
        ),
        note=text("lab.chart.findable_note"),
    )


def draw_harm(planned: Plan, found: Watch) -> Figure | None:
    """Draw each guardrail day by day, with the bound that may be looked at any time.

    Parameters
    ----------
    planned : Plan
    found : Watch

    Returns
    -------
    Figure or None
        None where no guardrail has customers enough.
    """
    if found.harm["day"].nunique() < 2:
        return None
    guards = {one.name: one for one in planned.settings.guardrails}
    lines = _harm_lines(found, guards)
    last = int(found.harm["day"].max())
    x = _scale(0, last, LEFT, WIDTH - RIGHT - 180)
    y = _scale(-REACH, REACH, HEIGHT - BOTTOM, TOP)
    parts = []
    for mark in (-2, -1, 0, 1, 2):
        kind = "jl-axis" if mark in (0, 1) else "jl-rule"
        parts.append(svg.line(LEFT, y(mark), WIDTH - RIGHT - 180, y(mark), kind))
        sentence = text("lab.chart.limit") if mark == 1 else number(mark)
        parts.append(svg.label(LEFT - 8, y(mark) + 4, sentence, "jl-t6", anchor="end"))
    parts.append(_below(text("lab.chart.days")))
    step = max(1, round(last / 8))
    parts += [
        svg.label(x(day), HEIGHT - 26, day, "jl-t6", anchor="middle")
        for day in range(0, last + 1, step)
    ]
    for rows in lines.values():
        for column, kind in (("worse", "jl-line"), ("bound", "jl-axis")):
            points = [
                (x(int(day)), y(_inside(float(value))))
                for day, value in zip(rows["day"], rows[column], strict=True)
            ]
            extra = "" if column == "worse" else ' fill="none" stroke-dasharray="5 4"'
            parts.append(f'<path d="{svg.path(points)}" class="{kind}"{extra}/>')
    ends = {name: y(_inside(float(rows["worse"].iloc[-1]))) for name, rows in lines.items()}
    for name, at in _apart(ends).items():
        sentence = svg.shorten(guards[name].heading, 190, 13)
        parts.append(svg.label(WIDTH - RIGHT - 172, at + 4, sentence, "jl-t6 jl-b"))
    newest = {name: rows.iloc[-1] for name, rows in lines.items()}
    alt = text(
        "lab.chart.harm_alt",
        date=date(planned.settings.begins, last).isoformat(),
        parts=", ".join(
            text(
                "lab.chart.harm_part",
                guardrail=guards[name].heading,
                difference=change(float(row["difference"]), guards[name].unit),
            )
            for name, row in newest.items()
        ),
    )
    return Figure(
        name="lab-harm",
        title=text("lab.chart.harm"),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=HEIGHT, alt=alt, min_width=760),
        table=_harm_table(found, guards),
        note=text("lab.chart.harm_note"),
    )


def _harm_lines(found: Watch, guards: Mapping[str, Guardrail]) -> dict[str, pd.DataFrame]:
    """Return the change for the worse and its bound, as shares of each guardrail's limit."""
    lines = {}
    for name in sorted(found.harm["guardrail"].unique()):
        rows = found.harm[found.harm["guardrail"] == name]
        limit = guards[name].limit
        worse = -guards[name].sign * rows["difference"] / limit
        lines[name] = rows.assign(worse=worse, bound=rows["at_least"] / limit)
    return lines


def _harm_table(found: Watch, guards: Mapping[str, Guardrail]) -> pd.DataFrame:
    rows = found.harm.to_dict("records")
    return pd.DataFrame(
        {
            "day": [row["day"] for row in rows],
            "guardrail": [guards[row["guardrail"]].heading for row in rows],
            "change": [change(row["difference"], guards[row["guardrail"]].unit) for row in rows],
            "evidence_of_harm": [round(row["evidence"], 2) for row in rows],
        }
    )


def draw_reading(found: Reading) -> Figure:
    """Draw the change of primary and guardrails with their intervals.

    Parameters
    ----------
    found : Reading

    Returns
    -------
    Figure
    """
    settings = found.plan.settings
    rows = [(found.primary, settings.least_worth, settings.primary.sign)]
    rows += [
        (one, guard.limit, guard.sign)
        for one, guard in zip(found.guardrails, settings.guardrails, strict=True)
    ]
    height = TOP + ROW * len(rows) + BOTTOM
    x = _scale(-REACH, REACH, NAME, WIDTH - RIGHT)
    parts = []
    for mark in (-2, -1, 0, 1, 2):
        kind = "jl-axis" if mark == 0 else "jl-rule"
        parts.append(svg.line(x(mark), TOP, x(mark), height - BOTTOM, kind))
        sentence = number(mark)
        parts.append(svg.label(x(mark), height - 26, sentence, "jl-t6", anchor="middle"))
    parts.append(svg.label(x(-REACH), height - 8, text("lab.chart.worse"), "jl-t6"))
    parts.append(svg.label(x(REACH), height - 8, text("lab.chart.better"), "jl-t6", anchor="end"))
    for place, row in enumerate(rows):
        parts += _interval(*row, x, TOP + ROW * (place + 0.5), primary=place == 0)
    primary = found.primary.estimate
    if primary.value is None or primary.lo is None or primary.hi is None:
        alt = found.text
    else:
        alt = text(
            "lab.chart.reading_alt",
            primary=found.primary.heading.capitalize(),
            difference=change(primary.value, found.primary.unit),
            span=span(primary.lo, primary.hi, found.primary.unit),
        )
    return Figure(
        name="lab-reading",
        title=text("lab.chart.reading"),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=height, alt=alt, min_width=760),
        table=reading_table(found),
        note=text("lab.chart.reading_note"),
    )


def reading_table(found: Reading) -> pd.DataFrame:
    """Return the measures of a reading in words, one row each."""
    return pd.DataFrame([_row(one) for one in (found.primary, *found.guardrails)])


def _row(one: MeasureReading) -> dict[str, str]:
    estimate = one.estimate
    known = estimate.value is not None and estimate.lo is not None and estimate.hi is not None
    holds = "" if one.holds is None else text(f"lab.holds.{'yes' if one.holds else 'no'}")
    return {
        "measure": one.heading,
        "change": change(estimate.value or 0.0, one.unit) if known else text("lab.chart.unread"),
        "interval": span(estimate.lo or 0.0, estimate.hi or 0.0, one.unit) if known else "",
        "limit": "" if one.limit is None else _size(one.limit, one.unit),
        "holds": holds,
        "customers": count(estimate.n_customers) if known else "",
        "grade": estimate.grade,
    }


def _interval(
    one: MeasureReading, limit: float, sign: int, x: Scale, y: float, *, primary: bool
) -> list[str]:
    weight = "jl-t6 jl-b" if primary else "jl-t6"
    parts = [svg.label(8, y - 4, svg.shorten(one.heading, NAME - 24, 13), weight)]
    estimate = one.estimate
    if estimate.value is None or estimate.lo is None or estimate.hi is None:
        return [*parts, svg.label(8, y + 14, text("lab.chart.unread"), "jl-t6")]
    sentence = f"{change(estimate.value, one.unit)} ({span(estimate.lo, estimate.hi, one.unit)})"
    ends = sorted(sign * end / limit for end in (estimate.lo, estimate.hi))
    lo, hi = (_inside(end) for end in ends)
    middle = _inside(sign * estimate.value / limit)
    parts.append(svg.label(8, y + 14, sentence, "jl-t6"))
    bar = svg.line(x(lo), y, x(hi), y, "jl-line")
    kind = "jl-up" if (lo > 0 if primary else lo > -1) else "jl-bar"
    return [*parts, svg.titled(sentence, bar, svg.marker("circle", x(middle), y, 6, kind))]


def _grid(y: Scale, top: float, unit: str) -> list[str]:
    parts = []
    for mark in _marks(top):
        parts.append(svg.line(LEFT, y(mark), WIDTH - RIGHT, y(mark), "jl-rule"))
        parts.append(svg.label(LEFT - 8, y(mark) + 4, _size(mark, unit), "jl-t6", anchor="end"))
    return parts


def _marks(top: float) -> Sequence[float]:
    """Return three to six round numbers from 0 to `top`."""
    raw = top / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    return [step * number for number in range(int(top / step) + 1)]


def _scale(first: float, last: float, start: float, end: float) -> Scale:
    length = (last - first) or 1.0
    return lambda value: float(start + (end - start) * (value - first) / length)


def _inside(value: float) -> float:
    return min(max(value, -REACH), REACH)


def _apart(ends: dict[str, float], least: float = 18.0) -> dict[str, float]:
    """Move labels down until none covers another."""
    placed: dict[str, float] = {}
    lowest = -math.inf
    for name in sorted(ends, key=lambda key: (ends[key], key)):
        lowest = max(ends[name], lowest + least)
        placed[name] = lowest
    return placed


def _below(text: str) -> str:
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    return svg.label(middle, HEIGHT - 8, text, "jl-t6", anchor="middle")


def _size(value: float, unit: str) -> str:
    """Return the size of a change without its sign."""
    return change(abs(value), unit).lstrip("+")
