"""The quadrant: automation fit against empathy need, with what the verdicts rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from journeylib.core import number, percent, text
from journeylib.present.drawing import svg
from journeylib.present.drawing.label_placement import Rect, label_parts, place_labels
from journeylib.present.figure import Figure, svg_element
from journeylib.present.tables import as_float, interval
from journeylib.present.theme import LEANING, VERDICTS, leaning

WIDTH = 1180.0
FIT_LIMITS = (40.0, 60.0)
EMPATHY_LIMITS = (40.0, 70.0)
LEFT, TOP, SIZE_X, SIZE_Y = 64.0, 20.0, 850.0, 620.0
Row = Mapping[Any, Any]
Spot = tuple[float, float]


def quadrant(
    scores: pd.DataFrame,
    *,
    fit_limits: tuple[float, float] = FIT_LIMITS,
    empathy_limits: tuple[float, float] = EMPATHY_LIMITS,
) -> Figure:
    """Draw automation fit against empathy need with intervals on both axes.

    Parameters
    ----------
    scores : pandas.DataFrame
        One row per touchpoint: ``touchpoint``, ``automation_fit`` (0 to 100),
        ``automation_fit_lo``, ``automation_fit_hi``, ``empathy_need``, ``empathy_need_lo``,
        ``empathy_need_hi``, ``verdict``, ``verdict_stability`` (0 to 1). Touchpoints that
        abstain are listed beside the picture, not plotted.
    fit_limits, empathy_limits : (float, float)
        The decision thresholds that are drawn.

    Returns
    -------
    Figure
        `table` has one row per touchpoint.
    """
    ordered = scores.sort_values("touchpoint", ignore_index=True)
    out = (ordered["verdict"] == "abstain") | (
        ordered[["automation_fit", "empathy_need"]].isna().any(axis=1)
    )
    rows = ordered.loc[~out].to_dict("records")
    absent = [svg.clean(touchpoint) for touchpoint in ordered.loc[out, "touchpoint"]]
    limits = (*fit_limits, *empathy_limits)
    parts = [*_axes(), *_thresholds(*limits)]
    soft = [Rect(_x(limit) - 2, TOP, 4, SIZE_Y) for limit in fit_limits]
    soft += [Rect(LEFT, _y(limit) - 2, SIZE_X, 4) for limit in empathy_limits]
    whiskers = [whisker for row in rows for whisker in _whiskers(row)]
    parts += [svg.line(x0, y0, x1, y1, "jl-whisker") for x0, y0, x1, y1 in whiskers]
    soft += [Rect(x0 - 1, y0 - 1, x1 - x0 + 2, y1 - y0 + 2) for x0, y0, x1, y1 in whiskers]
    parts += [_mark(row) for row in rows]
    parts += _names(rows, soft)
    parts += _side(rows, absent, LEFT + SIZE_X + 28, TOP)
    alt = _quadrant_finding(rows, absent)
    return Figure(
        name="quadrant",
        title=text("present.quadrant.title"),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=TOP + SIZE_Y + 56, alt=alt, min_width=860),
        table=_quadrant_table(ordered),
        note=text(
            "present.quadrant.note",
            share=percent(LEANING, 0),
            **dict(zip(("fit_low", "fit_high", "need_low", "need_high"), limits, strict=True)),
        ),
    )


def _x(fit: float) -> float:
    return LEFT + SIZE_X * fit / 100


def _y(need: float) -> float:
    return TOP + SIZE_Y * (1 - need / 100)


def _spot(row: Row) -> Spot:
    return _x(float(row["automation_fit"])), _y(float(row["empathy_need"]))


def _whiskers(row: Row) -> list[tuple[float, float, float, float]]:
    """Return the intervals on both axes as lines, from left to right and from top to bottom."""
    x, y = _spot(row)
    fit = [as_float(row[f"automation_fit_{end}"]) for end in ("lo", "hi")]
    need = [as_float(row[f"empathy_need_{end}"]) for end in ("hi", "lo")]
    lines = []
    if fit[0] is not None and fit[1] is not None:
        lines.append((_x(fit[0]), y, _x(fit[1]), y))
    if need[0] is not None and need[1] is not None:
        lines.append((x, _y(need[0]), x, _y(need[1])))
    return lines


def _mark(row: Row) -> str:
    hollow = leaning(row["verdict_stability"])
    return svg.titled(
        _score_text(row),
        svg.verdict_marker(row["verdict"], *_spot(row), 6.5, leaning=hollow),
        key=row["touchpoint"],
    )


def _names(rows: Sequence[Row], soft: Sequence[Rect]) -> list[str]:
    """Return the names beside their marks; the crowded ones choose first, having fewest places."""
    named = [(_spot(row), svg.shorten(svg.clean(row["touchpoint"]), 170, 12)) for row in rows]
    spots = [spot for spot, _ in named]
    named.sort(key=lambda pair: (-_crowd(spots, pair[0]), pair[1]))
    ordered = [spot for spot, _ in named]
    places = place_labels(
        ordered,
        [(svg.text_width(name, 12) * 0.92, 15.0) for _, name in named],
        bounds=Rect(LEFT + 2, TOP + 2, SIZE_X + 8, SIZE_Y - 4),
        marks=[Rect(x - 8, y - 8, 16, 16) for x, y in spots],
        soft=soft,
    )
    return label_parts(ordered, [name for _, name in named], places, [0] * len(named))


def _crowd(spots: Sequence[Spot], spot: Spot) -> int:
    return sum(abs(x - spot[0]) < 110 and abs(y - spot[1]) < 40 for x, y in spots)


def _axes() -> list[str]:
    left, right, top, bottom = _x(0), _x(100), _y(100), _y(0)
    parts = [svg.rect(left, top, right - left, bottom - top, "jl-plot")]
    for tick in range(0, 101, 20):
        parts.append(svg.line(_x(tick), bottom, _x(tick), top, "jl-rule"))
        parts.append(svg.line(left, _y(tick), right, _y(tick), "jl-rule"))
        parts.append(svg.label(_x(tick), bottom + 18, tick, "jl-t1 jl-m", anchor="middle"))
        parts.append(svg.label(left - 8, _y(tick) + 4, tick, "jl-t1 jl-m", anchor="end"))
    across, up = text("present.quadrant.across"), text("present.quadrant.up")
    turn = f' transform="rotate(-90 18 {svg.num(_y(50))})"'
    parts.append(svg.label(_x(50), bottom + 42, across, "jl-t6 jl-b", anchor="middle"))
    parts.append(svg.label(18, _y(50), up, "jl-t6 jl-b", anchor="middle", extra=turn))
    return parts


def _thresholds(fit_low: float, fit_high: float, need_low: float, need_high: float) -> list[str]:
    """Return the decision thresholds and the two zones that have a plain answer."""
    left, right, top, bottom = _x(0), _x(100), _y(100), _y(0)
    serve = (_x(fit_high), _y(need_low), right - _x(fit_high), bottom - _y(need_low))
    lead = (left, top, right - left, _y(need_high) - top)
    kind, words = "jl-t4 jl-b jl-zonet", [text(f"present.quadrant.{k}") for k in ("serve", "lead")]
    return [
        svg.rect(*serve, "jl-zone jl-automate"),
        svg.rect(*lead, "jl-zone jl-human_led"),
        *(svg.line(_x(at), bottom, _x(at), top, "jl-limit") for at in (fit_low, fit_high)),
        *(svg.line(left, _y(at), right, _y(at), "jl-limit") for at in (need_low, need_high)),
        svg.label(right - 8, bottom - 9, words[0], f"{kind} jl-automate", anchor="end"),
        svg.label(left + 8, top + 17, words[1], f"{kind} jl-human_led"),
    ]


def _score_text(row: Row) -> str:
    verdict, stability = VERDICTS[str(row["verdict"])].word, as_float(row["verdict_stability"])
    if leaning(stability):
        verdict = text("present.quadrant.leaning", verdict=verdict)
    if stability is not None:
        share = percent(stability, 0)
        verdict = text("present.quadrant.stable", verdict=verdict, share=share)
    fit, need = _span(row, "automation_fit"), _span(row, "empathy_need")
    touchpoint = row["touchpoint"]
    return text("present.quadrant.mark", touchpoint=touchpoint, verdict=verdict, fit=fit, need=need)


def _span(row: Row, key: str) -> str:
    return interval(row[key], row[f"{key}_lo"], row[f"{key}_hi"], lambda x: number(x, 0))


def _side(rows: Sequence[Row], absent: Sequence[str], x: float, y: float) -> list[str]:
    """Return the legend with counts, and the touchpoints that abstain."""
    parts, y = [], y + 10
    for code, verdict in VERDICTS.items():
        count = len(absent) if code == "abstain" else sum(row["verdict"] == code for row in rows)
        if not count:
            continue
        if code == "abstain":
            y += 14
        lines = svg.wrap(verdict.word, 152, 12.5, bold=True)
        parts.append(svg.verdict_marker(code, x + 7, y - 4, 6.5))
        parts.append(svg.label(x + 210, y, count, "jl-t5 jl-b", anchor="end"))
        for line in lines:
            parts.append(svg.label(x + 22, y, line, "jl-t5 jl-b"))
            y += 16
        y += 8
    room = 18
    for touchpoint in absent[:room]:
        short = svg.shorten(touchpoint, 190, 12)
        parts.append(svg.titled(touchpoint, svg.label(x + 22, y, short, "jl-t4 jl-m")))
        y += 17
    if len(absent) > room:
        parts.append(
            svg.label(x + 22, y, text("present.quadrant.more", n=len(absent) - room), "jl-t4 jl-m")
        )
    return parts


def _quadrant_finding(rows: Sequence[Row], absent: Sequence[str]) -> str:
    groups = []
    for code, verdict in VERDICTS.items():
        members = [str(row["touchpoint"]) for row in rows if row["verdict"] == code]
        if members:
            listed = ", ".join(members[:3]) + (" …" if len(members) > 3 else "")
            groups.append(f"{verdict.word} {len(members)} ({listed})")
    if absent:
        groups.append(f"{VERDICTS['abstain'].word} {len(absent)}")
    n = len(rows) + len(absent)
    return text("present.quadrant.finding", n=n, groups="; ".join(groups))


def _quadrant_table(rows: pd.DataFrame) -> pd.DataFrame:
    records = rows.to_dict("records")
    return pd.DataFrame(
        {
            "touchpoint": [row["touchpoint"] for row in records],
            "verdict": [VERDICTS[row["verdict"]].word for row in records],
            "stability_percent": [_percent(row["verdict_stability"]) for row in records],
            "automation_fit_100": [_span(row, "automation_fit") for row in records],
            "empathy_need_100": [_span(row, "empathy_need") for row in records],
        }
    )


def _percent(share: object) -> float:
    value = as_float(share)
    return float("nan") if value is None else round(100 * value)
