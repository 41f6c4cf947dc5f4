"""The experience line for a mail: 600 pixels wide, the lowest points numbered as in its table."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from journeylib.core import signed, text
from journeylib.present import (
    Figure,
    Rect,
    as_float,
    feeling,
    in_order,
    names_beside,
    svg,
    svg_element,
)

WIDTH, HEIGHT = 600.0, 270.0
LEFT, RIGHT, TOP, BOTTOM = 70.0, WIDTH - 4, 44.0, HEIGHT - 10
SCALE = {1.0: "good", 0.0: "neutral", -1.0: "bad"}
RADIUS = 9.0


@dataclass(frozen=True)
class _Dot:
    """One touchpoint on the line, with its place among the lowest or 0.

    `stretch` numbers the unbroken stretches of the line: where nobody was heard it breaks.
    """

    name: str
    stretch: int
    x: float
    value: float
    lo: float
    hi: float
    place: int

    @property
    def y(self) -> float:
        return _height(self.value)


def small_line(
    experience: pd.DataFrame,
    touchpoints: pd.DataFrame,
    *,
    stage_order: Sequence[str] = (),
    lowest: Sequence[str] = (),
) -> Figure | None:
    """Draw how customers feel along the journey, for a screen of 600 pixels.

    Parameters
    ----------
    experience, touchpoints : pandas.DataFrame
        As for `experience_line`.
    stage_order : sequence of str
        Stages from first to last.
    lowest : sequence of str
        Touchpoints to be numbered, the worst first.

    Returns
    -------
    Figure or None
        Only touchpoints where somebody was heard; None where these are fewer than two.
    """
    rows = in_order(experience, touchpoints, stage_order)
    rows = rows.assign(stretch=rows["sentiment"].isna().cumsum()).dropna(subset="sentiment")
    if len(rows) < 2:
        return None
    dots, bands = _laid_out(rows, lowest)
    parts = [*bands, *_scale()]
    for stretch in _stretches(dots):
        area = [(d.x, _height(d.hi)) for d in stretch]
        area += [(d.x, _height(d.lo)) for d in reversed(stretch)]
        parts.append(f'<path d="{svg.path(area, closed=True)}" class="jl-area"/>')
        parts.append(f'<path d="{svg.path([(d.x, d.y) for d in stretch])}" class="jl-line"/>')
    parts += [_mark(dot) for dot in dots]
    parts += _names(dots)
    low, high = min(dots, key=lambda d: d.value), max(dots, key=lambda d: d.value)
    alt = text(
        "delivery.chart.finding",
        low=svg.clean(low.name),
        low_value=signed(low.value),
        high=svg.clean(high.name),
        high_value=signed(high.value),
        n=len(dots),
    )
    return Figure(
        name="small-line",
        title=text("delivery.chart.title"),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=HEIGHT, alt=alt, min_width=320),
        table=rows[["touchpoint", "stage", "sentiment", "lo", "hi", "n_customers"]],
        note=text("delivery.chart.note"),
    )


def _stretches(dots: Sequence[_Dot]) -> list[list[_Dot]]:
    return [list(group) for _, group in itertools.groupby(dots, key=lambda dot: dot.stretch)]


def _height(value: float) -> float:
    return TOP + (1 - max(-1.0, min(1.0, value))) / 2 * (BOTTOM - TOP)


def _laid_out(rows: pd.DataFrame, lowest: Sequence[str]) -> tuple[list[_Dot], list[str]]:
    """Give each stage room for its name and its touchpoints."""
    places = {name: place for place, name in enumerate(lowest, start=1)}
    groups = [
        (stage, list(members))
        for stage, members in itertools.groupby(rows.to_dict("records"), lambda row: row["stage"])
    ]
    even = (RIGHT - LEFT) / len(rows)
    wanted = [
        max(even * len(members), svg.text_width(stage, 12, bold=True) + 10)
        for stage, members in groups
    ]
    shrink = (RIGHT - LEFT) / sum(wanted)
    dots, bands, x = [], [], LEFT
    for i, ((stage, members), size) in enumerate(zip(groups, wanted, strict=True)):
        width = size * shrink
        if i % 2 == 0:
            bands.append(svg.rect(x, 6, width, BOTTOM - 6, "jl-band"))
        short = svg.shorten(stage, width - 4, 12, bold=True)
        bands.append(svg.label(x + width / 2, 24, short, "jl-t4 jl-b", anchor="middle"))
        for k, row in enumerate(members):
            value = float(row["sentiment"])
            lo, hi = as_float(row["lo"]), as_float(row["hi"])
            at = x + width * (k + 0.5) / len(members)
            ends = (value if lo is None else lo, value if hi is None else hi)
            name = str(row["touchpoint"])
            dots.append(_Dot(name, row["stretch"], at, value, *ends, places.get(name, 0)))
        x += width
    return dots, bands


def _scale() -> list[str]:
    parts = []
    for value, key in SCALE.items():
        y = _height(value)
        parts.append(svg.line(LEFT, y, RIGHT, y, "jl-axis" if value == 0 else "jl-rule"))
        parts.append(svg.label(LEFT - 8, y + 4, text(f"scale.{key}"), "jl-t1 jl-m", anchor="end"))
    return parts


def _mark(dot: _Dot) -> str:
    whisker = svg.line(dot.x, _height(dot.lo), dot.x, _height(dot.hi), "jl-whisker")
    if dot.place:
        kind = "jl-bar-minus" if dot.value < 0 else "jl-bar-open"
        disc = svg.marker("circle", dot.x, dot.y, RADIUS, kind)
        return disc + svg.label(dot.x, dot.y + 4, dot.place, "jl-t4 jl-on", anchor="middle")
    way = feeling(dot.value, dot.lo, dot.hi)
    if way:
        return whisker + svg.triangle(dot.x, dot.y, 6, up=way > 0)
    return whisker + svg.marker("circle", dot.x, dot.y, 3.8, "jl-dot")


def _names(dots: Sequence[_Dot]) -> list[str]:
    """Write the names of the lowest and of the best beside their points, off the line."""
    best = max(dots, key=lambda d: (d.value, d.name))
    chosen = sorted((d for d in dots if d.place), key=lambda d: d.place)
    if best not in chosen and best.value > 0:
        chosen.append(best)
    return names_beside(
        [(d.x, d.y) for d in chosen],
        [svg.shorten(svg.clean(d.name), 130, 12, bold=True) for d in chosen],
        [1 if d.value > 0 else -1 for d in chosen],
        bounds=Rect(LEFT, TOP + 2, RIGHT - LEFT, BOTTOM - TOP - 4),
        marks=[Rect(d.x - 10, d.y - 10, 20, 20) for d in dots],
        line=[[(d.x, d.y) for d in stretch] for stretch in _stretches(dots)],
    )
