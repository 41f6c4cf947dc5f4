"""Pictures of an experiment: what weeks can find, harm day by day, and what was read."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from journeylib.core import Estimate, number, text
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
from journeylib.present.drawing.chart import (
    add_chosen,
    add_marks,
    annotate,
    chart,
    row_chart,
    ticks,
    words,
    write_beside,
)
from journeylib.present.figure import Figure, chart_figure
from journeylib.present.theme import LIGHT

NAME = 330  # most room for the names of measures
LINES = ("accent", "human_only", "fix_first")
REACH = 2.0  # a reading's axis: so many times the limit on each side

Measured = tuple[MeasureReading, float, int]  # with its limit and the sign of what is better


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
    alt = text(
        "lab.chart.findable_alt",
        first_weeks=some(weeks[0], "week"),
        last_weeks=some(weeks[-1], "week"),
        first=_size(values[0], unit),
        last=_size(values[-1], unit),
        least=_size(least, unit),
    )
    return chart_figure(
        _findable(planned, weeks, values),
        name="lab-findable",
        title=text("lab.chart.findable", name=settings.name),
        alt=alt,
        table=pd.DataFrame(
            {
                "weeks": weeks,
                "customers": [int(number) for number in table["customers"]],
                "smallest_change": [_size(value, unit) for value in values],
            }
        ),
        note=text("lab.chart.findable_note"),
    )


def draw_harm(planned: Plan, watch: Watch) -> Figure | None:
    """Draw each guardrail day by day, with the bound that may be looked at any time.

    Parameters
    ----------
    planned : Plan
    watch : Watch

    Returns
    -------
    Figure or None
        None where no guardrail has customers enough.
    """
    if watch.harm["day"].nunique() < 2:
        return None
    guards = {one.name: one for one in planned.settings.guardrails}
    lines = _harm_lines(watch, guards)
    last = int(watch.harm["day"].max())
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
    return chart_figure(
        _harm(lines, guards, last),
        name="lab-harm",
        title=text("lab.chart.harm"),
        alt=alt,
        table=_harm_table(watch, guards),
        note=text("lab.chart.harm_note"),
    )


def _harm_lines(watch: Watch, guards: Mapping[str, Guardrail]) -> dict[str, pd.DataFrame]:
    """Return the change for the worse and its bound, as shares of each guardrail's limit."""
    lines = {}
    for name in sorted(watch.harm["guardrail"].unique()):
        rows = watch.harm[watch.harm["guardrail"] == name]
        limit = guards[name].limit
        worse = -guards[name].sign * rows["difference"] / limit
        lines[name] = rows.assign(worse=worse, bound=rows["at_least"] / limit)
    return lines


def _harm_table(watch: Watch, guards: Mapping[str, Guardrail]) -> pd.DataFrame:
    rows = watch.harm.to_dict("records")
    return pd.DataFrame(
        {
            "day": [row["day"] for row in rows],
            "guardrail": [guards[row["guardrail"]].heading for row in rows],
            "change": [change(row["difference"], guards[row["guardrail"]].unit) for row in rows],
            "evidence_of_harm": [round(row["evidence"], 2) for row in rows],
        }
    )


def draw_reading(reading: Reading) -> Figure:
    """Draw the change of primary and guardrails with their intervals.

    Parameters
    ----------
    reading : Reading

    Returns
    -------
    Figure
    """
    settings = reading.plan.settings
    rows = [(reading.primary, settings.least_worth, settings.primary.sign)]
    rows += [
        (one, guard.limit, guard.sign)
        for one, guard in zip(reading.guardrails, settings.guardrails, strict=True)
    ]
    primary = reading.primary.estimate
    if primary.value is None or primary.lo is None or primary.hi is None:
        alt = reading.text
    else:
        alt = text(
            "lab.chart.reading_alt",
            primary=reading.primary.heading.capitalize(),
            difference=change(primary.value, reading.primary.unit),
            span=span(primary.lo, primary.hi, reading.primary.unit),
        )
    return chart_figure(
        _reading(rows),
        name="lab-reading",
        title=text("lab.chart.reading"),
        alt=alt,
        table=reading_table(reading),
        note=text("lab.chart.reading_note"),
    )


def reading_table(reading: Reading) -> pd.DataFrame:
    """Return the measures of a reading in words, one row each."""
    return pd.DataFrame([_row(one) for one in (reading.primary, *reading.guardrails)])


def _row(one: MeasureReading) -> dict[str, str]:
    estimate = one.estimate
    has_interval = (
        estimate.value is not None and estimate.lo is not None and estimate.hi is not None
    )
    holds = "" if one.holds is None else text(f"lab.holds.{'yes' if one.holds else 'no'}")
    return {
        "measure": one.heading,
        "change": change(estimate.value or 0.0, one.unit)
        if has_interval
        else text("lab.chart.unread"),
        "interval": span(estimate.lo or 0.0, estimate.hi or 0.0, one.unit) if has_interval else "",
        "limit": "" if one.limit is None else _size(one.limit, one.unit),
        "holds": holds,
        "customers": count(estimate.n_customers) if has_interval else "",
        "grade": estimate.grade,
    }


def _findable(planned: Plan, weeks: Sequence[int], values: Sequence[float]) -> go.Figure:
    """Return the smallest change by weeks, with the least that is worth it."""
    unit, least = planned.settings.primary.unit, planned.settings.least_worth
    top = 1.05 * max(*values, least)
    marks = _marks(top / 1.05)
    drawn = chart(340, left=96, right=40).update_layout(
        xaxis=ticks(weeks, [str(week) for week in weeks], range=[weeks[0], weeks[-1]],
                    showgrid=False, title_text=text("lab.chart.weeks")),
        yaxis=ticks(marks, [_size(mark, unit) for mark in marks], range=[0, top]),
    )  # fmt: skip
    drawn.add_hline(least, line={"color": LIGHT["muted"], "width": 1, "dash": "dash"})
    note = {"x": 0, "xref": "paper", "xanchor": "left", "y": least, "yshift": -10, "xshift": 4,
            "showarrow": False, "text": f"<b>{text('lab.chart.least')}</b>"}  # fmt: skip
    annotate(drawn, [note])
    sizes = [
        f"{some(week, 'week')}: {_size(v, unit)}" for week, v in zip(weeks, values, strict=True)
    ]
    drawn.add_scatter(
        x=list(weeks), y=list(values), mode="lines+markers", hovertext=sizes, hoverinfo="text",
        line={"color": LIGHT["accent"], "width": 2.2}, marker={"size": 5, "color": LIGHT["accent"]},
    )  # fmt: skip
    if planned.run and planned.weeks in weeks:
        at = planned.weeks, values[weeks.index(planned.weeks)]
        sentence = text("lab.chart.planned", weeks=planned.weeks)
        late = planned.weeks > (weeks[0] + weeks[-1]) / 2
        side = "right" if late else "left"
        add_chosen(drawn, at, sentence, name=sentence, yshift=-22, xanchor=side)
    return drawn


def _harm(
    lines: Mapping[str, pd.DataFrame], guards: Mapping[str, Guardrail], last: int
) -> go.Figure:
    """Return each guardrail day by day, as a share of its limit, with its bound dashed."""
    days, marks = list(range(0, last + 1, max(1, round(last / 8)))), (-2, -1, 0, 1, 2)
    written = [text("lab.chart.limit") if mark == 1 else number(mark) for mark in marks]
    drawn = chart(340, left=96, right=220).update_layout(
        xaxis=ticks(days, [str(day) for day in days], range=[0, last], showgrid=False,
                    title_text=text("lab.chart.days")),
        yaxis=ticks(marks, written, range=[-REACH, REACH]),
    )  # fmt: skip
    for mark in (0, 1):
        drawn.add_hline(mark, line={"color": LIGHT["muted"], "width": 1})
    for (name, rows), colour in zip(lines.items(), itertools.cycle(LINES), strict=False):
        unit = guards[name].unit
        measured = [
            f"{words(guards[name].heading)}, {row['day']}: {change(row['difference'], unit)}"
            for row in rows.to_dict("records")
        ]
        for column, dash in (("worse", "solid"), ("bound", "dash")):
            drawn.add_scatter(
                x=[int(day) for day in rows["day"]],
                y=[_inside(float(value)) for value in rows[column]],
                mode="lines", hovertext=measured, hoverinfo="text",
                line={"color": LIGHT[colour], "width": 2.2 if dash == "solid" else 1, "dash": dash},
            )  # fmt: skip
    ends = {name: _inside(float(rows["worse"].iloc[-1])) for name, rows in lines.items()}
    heads = {name: words(guard.heading, 190, bold=True) for name, guard in guards.items()}
    return write_beside(drawn, ((at, heads[name]) for name, at in _apart(ends).items()))


def _reading(rows: Sequence[Measured]) -> go.Figure:
    """Return one row a measure: its change with its interval, as a share of its limit."""
    marks = (-2, -1, 0, 1, 2)
    ends = f"← {text('lab.chart.worse')} · {text('lab.chart.better')} →"
    written = [number(mark) for mark in marks]
    axis = ticks(marks, written, range=[-REACH, REACH], title_text=ends)
    names = [one.heading for one, *_ in rows]
    drawn = row_chart(names, axis, sides=(NAME, 230), bold=(0,), row=52)
    drawn.add_vline(0, line={"color": LIGHT["muted"], "width": 1})
    sentences = []
    for index, (one, limit, sign) in enumerate(rows):
        estimate = one.estimate
        if estimate.value is None or estimate.lo is None or estimate.hi is None:
            sentences.append((index, text("lab.chart.unread")))
            continue
        between = span(estimate.lo, estimate.hi, one.unit)
        sentence = f"{change(estimate.value, one.unit)} ({between})"
        lo, hi = sorted(_inside(sign * end / limit) for end in (estimate.lo, estimate.hi))
        middle = _inside(sign * estimate.value / limit)
        fine = lo > 0 if index == 0 else lo > -1
        hover = f"{words(one.heading)}: {sentence}, n = {count(estimate.n_customers)}"
        add_marks(drawn, [(middle, index, hover)], spans=[Estimate(middle, "share", lo, hi)],
                  color=LIGHT["good" if fine else "accent"])  # fmt: skip
        sentences.append((index, words(sentence)))
    return write_beside(drawn, sentences)


def _marks(top: float) -> Sequence[float]:
    """Return three to six round numbers from 0 to `top`."""
    raw = top / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    return [step * number for number in range(int(top / step) + 1)]


def _inside(value: float) -> float:
    return min(max(value, -REACH), REACH)


def _apart(ends: dict[str, float], least: float = 0.24) -> dict[str, float]:
    """Move labels down until none covers another."""
    placed: dict[str, float] = {}
    lowest = -math.inf
    for name in sorted(ends, key=lambda key: (ends[key], key)):
        lowest = max(ends[name], lowest + least)
        placed[name] = lowest
    return placed


def _size(value: float, unit: str) -> str:
    """Return the size of a change without its sign."""
    return change(abs(value), unit).lstrip("+")
