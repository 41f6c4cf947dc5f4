"""The quadrant: automation fit against empathy need, with what the verdicts rest on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from journeylib.core import Estimate, current_catalogue, number, percent, text
from journeylib.present.drawing.chart import (
    NARROW,
    PHONE,
    Point,
    add_names,
    add_shapes,
    annotate,
    chart,
    stroke,
    ticks,
    whiskers,
    with_narrow,
    words,
)
from journeylib.present.drawing.svg import clean, wrap
from journeylib.present.figure import Figure, chart_figure
from journeylib.present.tables import as_float, interval
from journeylib.present.theme import LIGHT, VERDICTS

HEIGHT = 560
KEY = 18  # pixels of a line of the key
ROOM = 6.0  # points of a score around what is drawn
FIT_LIMITS = (40.0, 60.0)
EMPATHY_LIMITS = (40.0, 70.0)
MIN_STABILITY = 0.8
AXES = ("automation_fit", "empathy_need")
SYMBOLS = {"square": "square", "diamond": "diamond", "circle": "circle", "cross": "x"}
LISTED = 20  # touchpoints without enough evidence
Row = Mapping[Any, Any]
Line = tuple[Point, Point]


def quadrant(
    scores: pd.DataFrame,
    *,
    fit_limits: tuple[float, float] = FIT_LIMITS,
    empathy_limits: tuple[float, float] = EMPATHY_LIMITS,
    min_stability: float = MIN_STABILITY,
) -> Figure:
    """Draw automation fit against empathy need with intervals on both axes.

    Parameters
    ----------
    scores : pandas.DataFrame
        One row per touchpoint: ``touchpoint``, ``automation_fit`` (0 to 100),
        ``automation_fit_lo``, ``automation_fit_hi``, ``empathy_need``, ``empathy_need_lo``,
        ``empathy_need_hi``, ``verdict``, ``verdict_stability`` (0 to 1). Touchpoints that
        abstain are listed below the chart, not plotted.
    fit_limits, empathy_limits : (float, float)
        The decision thresholds that are drawn.
    min_stability : float
        Below this stability a verdict only leans: it is drawn hollow and counted apart.

    Returns
    -------
    Figure
        `table` has one row per touchpoint.
    """
    leans = (scores["verdict_stability"] < min_stability) & (scores["verdict"] != "abstain")
    ordered = scores.assign(leans=leans).sort_values("touchpoint", ignore_index=True)
    out = (ordered["verdict"] == "abstain") | (
        ordered[["automation_fit", "empathy_need"]].isna().any(axis=1)
    )
    rows = ordered.loc[~out].to_dict("records")
    absent = [clean(touchpoint) for touchpoint in ordered.loc[out, "touchpoint"]]
    limits = (*fit_limits, *empathy_limits)
    note = text(
        "present.quadrant.note",
        share=percent(min_stability, 0),
        **dict(zip(("fit_low", "fit_high", "need_low", "need_high"), limits, strict=True)),
    )
    if absent:
        names = current_catalogue().names(absent, most=LISTED)
        note = f"{note} {VERDICTS['abstain'].word}: {names}."
    return chart_figure(
        with_narrow(_chart(rows, limits), _chart(rows, limits, PHONE)),
        name="quadrant",
        title=text("present.quadrant.title"),
        alt=_quadrant_finding(ordered.to_dict("records")),
        table=_quadrant_table(ordered),
        note=note,
    )


def _chart(rows: Sequence[Row], limits: Sequence[float], width: int | None = None) -> go.Figure:
    """Return one trace a verdict, over the zones that have a plain answer."""
    across, up = _ends(rows, AXES[0], limits[:2]), _ends(rows, AXES[1], limits[2:])
    key = wrap(_legend(rows), (width or NARROW) - 88, 12, lines=6)
    drawn = chart(HEIGHT, left=64, right=24, bottom=70 + KEY * len(key)).update_layout(
        xaxis=_axis("across", range=across), yaxis=_axis("up", range=up), width=width
    )
    _zones(drawn, across, up, limits)
    for code in VERDICTS:
        if members := [row for row in rows if row["verdict"] == code]:
            drawn.add_trace(_marks(code, members))
    dots = [(_at(row), row) for row in rows]
    crowd = {at: sum(abs(x - at[0]) < 13 and abs(y - at[1]) < 7 for (x, y), _ in dots)
             for at, _ in dots}  # fmt: skip
    # The crowded ones choose first, having fewest places.
    dots.sort(key=lambda pair: (-crowd[pair[0]], str(pair[1]["touchpoint"])))
    add_names(
        drawn,
        [(at, words(row["touchpoint"], 170 if width is None else 150), "ink") for at, row in dots],
        marks=[at for at, _ in dots],
        lines=[line for row in rows for line in _spans(row)] + _thresholds(across, up, limits),
    )
    look = {"x": 0.5, "y": 0, "xref": "paper", "yref": "paper", "xanchor": "center",
            "yanchor": "middle", "showarrow": False, "font": {"size": 12}}  # fmt: skip
    lines = [look | {"text": line, "yshift": -62 - KEY * index} for index, line in enumerate(key)]
    return annotate(drawn, lines)


def _axis(key: str, **axis: Any) -> dict[str, Any]:
    steps = range(0, 101, 20)
    return ticks(steps, [str(step) for step in steps], title_text=text(f"present.quadrant.{key}"),
                 **axis)  # fmt: skip


def _ends(rows: Sequence[Row], axis: str, limits: Sequence[float]) -> Point:
    """Return the part of a scale that is drawn: every interval and both thresholds, with room."""
    every = [end for one in _estimates(rows, axis) for end in (one.value, one.lo, one.hi)]
    shown = [end for end in (*every, *limits) if end is not None]
    return max(min(shown) - ROOM, 0.0), min(max(shown) + ROOM, 100.0)


def _at(row: Row) -> Point:
    return float(row["automation_fit"]), float(row["empathy_need"])


def _estimates(rows: Sequence[Row], axis: str) -> list[Estimate]:
    ends = [(as_float(row[f"{axis}_lo"]), as_float(row[f"{axis}_hi"])) for row in rows]
    return [
        Estimate(float(row[axis]), "score", *((None, None) if None in pair else pair))
        for row, pair in zip(rows, ends, strict=True)
    ]


def _spans(row: Row) -> list[tuple[Point, Point]]:
    """Return the intervals on both axes as lines."""
    (x, y), (fit,), (need,) = _at(row), *(_estimates([row], axis) for axis in AXES)
    lines = [((fit.lo, y), (fit.hi, y)), ((x, need.lo), (x, need.hi))]
    return [((a, b), (c, d)) for (a, b), (c, d) in lines if None not in (a, b, c, d)]  # type: ignore[misc]


def _marks(code: str, rows: Sequence[Row]) -> go.Scatter:
    """Return the touchpoints of one verdict; plotly has no heart but that of a font."""
    sign, colour = VERDICTS[code], LIGHT[code]
    hollow = [bool(row["leans"]) for row in rows]
    if sign.shape == "heart":
        look: dict[str, Any] = {
            "mode": "text", "textfont": {"color": colour, "size": 17},
            "text": [_sign(row) for row in rows],
        }  # fmt: skip
    else:
        symbol = SYMBOLS[sign.shape]
        marker = {"color": colour, "size": 12, "line": {"width": [2 * leans for leans in hollow]}}
        marker["symbol"] = [f"{symbol}-open" if leans else symbol for leans in hollow]
        look = {"mode": "markers", "marker": marker}
    thin = {"color": LIGHT["flow"], "thickness": 1, "width": 0}
    fit, need = (whiskers(_estimates(rows, axis), **thin) for axis in AXES)
    return go.Scatter(
        x=[_at(row)[0] for row in rows], y=[_at(row)[1] for row in rows], error_x=fit,
        error_y=need, customdata=[str(row["touchpoint"]) for row in rows],
        hovertext=[words(_score_text(row)) for row in rows], hoverinfo="text", **look,
    )  # fmt: skip


def _thresholds(across: Point, up: Point, limits: Sequence[float]) -> list[Line]:
    return [
        *(((at, up[0]), (at, up[1])) for at in limits[:2]),
        *(((across[0], at), (across[1], at)) for at in limits[2:]),
    ]


def _zones(drawn: go.Figure, across: Point, up: Point, limits: Sequence[float]) -> None:
    """Draw the decision thresholds and the two zones that have a plain answer."""
    _, fit_high, need_low, need_high = limits
    zones = (("automate", (fit_high, up[0], across[1], need_low)),
             ("human_led", (across[0], need_high, across[1], up[1])))  # fmt: skip
    for code, (left, low, right, high) in zones:
        drawn.add_shape(
            type="rect", layer="below", x0=left, y0=low, x1=right, y1=high, opacity=0.08,
            fillcolor=LIGHT[code], line_width=0,
        )  # fmt: skip
    look = {"color": LIGHT["muted"], "width": 1.2, "dash": "dash"}
    lines = [stroke(*ends, look, "between") for ends in _thresholds(across, up, limits)]
    add_shapes(drawn, lines)
    corners = (("serve", "automate", (across[1], up[0]), "right", (-8, 12)),
               ("lead", "human_led", (across[0], up[1]), "left", (8, -12)))  # fmt: skip
    notes = [
        {"x": x, "y": y, "text": f"<b>{text(f'present.quadrant.{key}')}</b>", "showarrow": False,
         "xanchor": side, "yanchor": "middle", "xshift": aside, "yshift": raised,
         "font": {"size": 12, "color": LIGHT[code]}}
        for key, code, (x, y), side, (aside, raised) in corners
    ]  # fmt: skip
    annotate(drawn, notes)


def _legend(rows: Sequence[Row]) -> str:
    parts = [f"{_sign(members[0])} {_word(members[0])} {len(members)}" for members in _groups(rows)]
    return " · ".join(part.replace(" ", "\u00a0") for part in parts)


def _groups(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield the touchpoints of each verdict, those that only lean to it apart."""
    for code, leans in itertools.product(VERDICTS, (False, True)):
        of_verdict = [row for row in rows if (row["verdict"], bool(row["leans"])) == (code, leans)]
        if of_verdict:
            yield of_verdict


def _word(row: Row) -> str:
    verdict = VERDICTS[str(row["verdict"])].word
    return text("verdict.leaning", verdict=verdict) if row["leans"] else verdict


def _sign(row: Row) -> str:
    sign = VERDICTS[str(row["verdict"])]
    return sign.outline if row["leans"] else sign.glyph


def _score_text(row: Row) -> str:
    verdict, stability = _word(row), as_float(row["verdict_stability"])
    if stability is not None:
        share = percent(stability, 0)
        verdict = text("present.quadrant.stable", verdict=verdict, share=share)
    fit, need = _span(row, "automation_fit"), _span(row, "empathy_need")
    touchpoint = row["touchpoint"]
    return text("present.quadrant.mark", touchpoint=touchpoint, verdict=verdict, fit=fit, need=need)


def _span(row: Row, key: str) -> str:
    return interval(row[key], row[f"{key}_lo"], row[f"{key}_hi"], lambda x: number(x, 0))


def _quadrant_finding(rows: Sequence[Row]) -> str:
    groups = []
    for members in _groups(rows):
        listed = current_catalogue().names([str(row["touchpoint"]) for row in members], most=3)
        listed = "" if members[0]["verdict"] == "abstain" else f" ({listed})"
        groups.append(f"{_word(members[0])} {len(members)}{listed}")
    return text("present.quadrant.finding", n=len(rows), groups="; ".join(groups))


def _quadrant_table(rows: pd.DataFrame) -> pd.DataFrame:
    records = rows.to_dict("records")
    return pd.DataFrame(
        {
            "touchpoint": [row["touchpoint"] for row in records],
            "verdict": [_word(row) for row in records],
            "stability_percent": [_percent(row["verdict_stability"]) for row in records],
            "automation_fit_100": [_span(row, "automation_fit") for row in records],
            "empathy_need_100": [_span(row, "empathy_need") for row in records],
        }
    )


def _percent(share: object) -> float:
    value = as_float(share)
    return float("nan") if value is None else round(100 * value)
