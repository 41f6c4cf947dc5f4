"""The quadrant: automation fit against empathy need, with what the verdicts rest on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from journeylib.core import percent
from journeylib.present.drawing import svg
from journeylib.present.drawing.label_placement import Rect, label_parts, place_labels
from journeylib.present.figure import Figure, svg_element
from journeylib.present.tables import as_float
from journeylib.present.theme import LEANING, VERDICTS, leaning

WIDTH = 1180.0
FIT_LIMITS = (40.0, 60.0)
EMPATHY_LIMITS = (40.0, 70.0)
Row = Mapping[Any, Any]
Scale = Callable[[float], float]


def quadrant(
    scores: pd.DataFrame,
    *,
    fit_limits: tuple[float, float] = FIT_LIMITS,
    empathy_limits: tuple[float, float] = EMPATHY_LIMITS,
    caution: str = "",
    name: str = "quadrant",
    title: str = "Automation fit × empathy need",
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
    caution : str
        Why the axes must not be read as quadrants (they are too alike on this log, say); then
        thresholds are not drawn and the finding begins with it.

    Returns
    -------
    Figure
        `table` has one row per touchpoint.
    """
    ordered = scores.sort_values("touchpoint", ignore_index=True)
    out = (
        (ordered["verdict"] == "abstain")
        | ordered["automation_fit"].isna()
        | ordered["empathy_need"].isna()
    )
    rows = ordered.loc[~out].to_dict("records")
    absent = [svg.clean(touchpoint) for touchpoint in ordered.loc[out, "touchpoint"]]
    left, top, size_x, size_y = 64.0, 20.0, 850.0, 620.0

    def x(value: float) -> float:
        return left + size_x * value / 100

    def y(value: float) -> float:
        return top + size_y * (1 - value / 100)

    parts = _axes(x, y)
    lines: list[Rect] = []
    if not caution:
        parts += _thresholds(x, y, fit_limits, empathy_limits)
        lines = [Rect(x(limit) - 2, top, 4, size_y) for limit in fit_limits]
        lines += [Rect(left, y(limit) - 2, size_x, 4) for limit in empathy_limits]
    marks, whiskers, spots = [], [], []
    for row in rows:
        spot = (x(float(row["automation_fit"])), y(float(row["empathy_need"])))
        spots.append(spot)
        marks.append(Rect(spot[0] - 8, spot[1] - 8, 16, 16))
        ends = [as_float(row[key]) for key in ("automation_fit_lo", "automation_fit_hi")]
        if ends[0] is not None and ends[1] is not None:
            a, b = x(ends[0]), x(ends[1])
            parts.append(svg.line(a, spot[1], b, spot[1], "jl-whisker"))
            whiskers.append(Rect(a, spot[1] - 1, b - a, 2))
        ends = [as_float(row[key]) for key in ("empathy_need_lo", "empathy_need_hi")]
        if ends[0] is not None and ends[1] is not None:
            a, b = y(ends[1]), y(ends[0])
            parts.append(svg.line(spot[0], a, spot[0], b, "jl-whisker"))
            whiskers.append(Rect(spot[0] - 1, a, 2, b - a))
    texts = [svg.shorten(svg.clean(row["touchpoint"]), 170, 12) for row in rows]
    sizes = [(svg.text_width(text, 12) * 0.92, 15.0) for text in texts]
    bounds = Rect(left + 2, top + 2, size_x + 8, size_y - 4)
    # The crowded ones choose first: they have the fewest places.
    rank = sorted(range(len(rows)), key=lambda i: (-_crowd(spots, i), texts[i]))
    soft = [*whiskers, *lines]
    chosen = place_labels(
        [spots[i] for i in rank], [sizes[i] for i in rank], bounds=bounds, marks=marks, soft=soft
    )
    places: list[Rect | None] = [None] * len(rows)
    for i, place in zip(rank, chosen, strict=True):
        places[i] = place
    for row, spot in zip(rows, spots, strict=True):
        parts.append(
            svg.titled(
                _score_text(row),
                svg.verdict_marker(
                    row["verdict"], *spot, 6.5, leaning=leaning(row["verdict_stability"])
                ),
            )
        )
    parts += label_parts(spots, texts, places, [0] * len(rows))
    parts += _side(rows, absent, left + size_x + 28, top)
    alt = f"{caution} {_quadrant_finding(rows, absent)}".strip()
    return Figure(
        name=name,
        title=title,
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=top + size_y + 56, alt=alt, min_width=860),
        table=_quadrant_table(ordered),
        note=_note(None if caution else (*fit_limits, *empathy_limits)),
    )


def _note(limits: tuple[float, ...] | None) -> str:
    text = "0 to 100 on both axes; whiskers are 95 % intervals; a hollow marker only leans "
    text += f"towards its verdict (stability under {percent(LEANING, 0)})."
    if limits is not None:
        fit_low, fit_high, need_low, need_high = (f"{limit:.0f}" for limit in limits)
        text += (
            f" Dashed lines are the decision thresholds (automation fit {fit_low} and {fit_high}, "
            f"empathy need {need_low} and {need_high}). Verdicts also heed vetoes, so a marker may "
            "differ from its neighbours."
        )
    return text.replace("%)", " %)")


def _axes(x: Scale, y: Scale) -> list[str]:
    parts = [svg.rect(x(0), y(100), x(100) - x(0), y(0) - y(100), "jl-plot")]
    for tick in range(0, 101, 20):
        parts.append(svg.line(x(tick), y(0), x(tick), y(100), "jl-rule"))
        parts.append(svg.line(x(0), y(tick), x(100), y(tick), "jl-rule"))
        parts.append(svg.label(x(tick), y(0) + 18, tick, "jl-t1 jl-m", anchor="middle"))
        parts.append(svg.label(x(0) - 8, y(tick) + 4, tick, "jl-t1 jl-m", anchor="end"))
    across, up = (x(0) + x(100)) / 2, (y(0) + y(100)) / 2
    turn = f' transform="rotate(-90 18 {svg.num(up)})"'
    kind = "jl-t6 jl-b"
    parts.append(svg.label(across, y(0) + 42, "Automation fit →", kind, anchor="middle"))
    parts.append(svg.label(18, up, "Empathy need →", kind, anchor="middle", extra=turn))
    return parts


def _thresholds(
    x: Scale, y: Scale, fit: tuple[float, float], empathy: tuple[float, float]
) -> list[str]:
    """Return the decision thresholds and the two zones that have a plain answer."""
    serve = (x(fit[1]), y(empathy[0]), x(100) - x(fit[1]), y(0) - y(empathy[0]))
    lead = (x(0), y(100), x(100) - x(0), y(empathy[1]) - y(100))
    word = "jl-t4 jl-b jl-zonet"
    return [
        svg.rect(*serve, "jl-zone jl-automate"),
        svg.rect(*lead, "jl-zone jl-human_led"),
        *(svg.line(x(limit), y(0), x(limit), y(100), "jl-limit") for limit in fit),
        *(svg.line(x(0), y(limit), x(100), y(limit), "jl-limit") for limit in empathy),
        svg.label(x(100) - 8, y(0) - 9, "machine can serve", f"{word} jl-automate", anchor="end"),
        svg.label(x(0) + 8, y(100) + 17, "people must lead", f"{word} jl-human_led"),
    ]


def _crowd(spots: Sequence[tuple[float, float]], i: int) -> int:
    a, b = spots[i]
    return sum(abs(u - a) < 110 and abs(v - b) < 40 for u, v in spots)


def _score_text(row: Row) -> str:
    stability = as_float(row["verdict_stability"])
    sure = "" if stability is None else f", stability {percent(stability, 0)}"
    word = VERDICTS[str(row["verdict"])].word
    word = f"leaning towards {word}" if leaning(stability) else word
    return (
        f"{row['touchpoint']}: {word}{sure}; automation fit "
        f"{_span(row, 'automation_fit')}, empathy need {_span(row, 'empathy_need')}"
    )


def _span(row: Row, key: str) -> str:
    value, lo, hi = (as_float(row[key + end]) for end in ("", "_lo", "_hi"))
    if value is None:
        return "–"
    return f"{value:.0f}" + ("" if lo is None or hi is None else f" ({lo:.0f}–{hi:.0f})")


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
        for text in lines:
            parts.append(svg.label(x + 22, y, text, "jl-t5 jl-b"))
            y += 16
        y += 8
    room = 18
    for touchpoint in absent[:room]:
        text = svg.shorten(touchpoint, 190, 12)
        parts.append(svg.titled(touchpoint, svg.label(x + 22, y, text, "jl-t4 jl-m")))
        y += 17
    if len(absent) > room:
        parts.append(svg.label(x + 22, y, f"and {len(absent) - room} more", "jl-t4 jl-m"))
    return parts


def _quadrant_finding(rows: Sequence[Row], absent: Sequence[str]) -> str:
    words = []
    for code, verdict in VERDICTS.items():
        members = [str(row["touchpoint"]) for row in rows if row["verdict"] == code]
        if members:
            listed = ", ".join(members[:3]) + (" …" if len(members) > 3 else "")
            words.append(f"{verdict.word} {len(members)} ({listed})")
    if absent:
        words.append(f"{VERDICTS['abstain'].word} {len(absent)}")
    return f"{len(rows) + len(absent)} touchpoints: {'; '.join(words)}."


def _quadrant_table(rows: pd.DataFrame) -> pd.DataFrame:
    records = rows.to_dict("records")
    return pd.DataFrame(
        {
            "Touchpoint": [row["touchpoint"] for row in records],
            "Verdict": [VERDICTS[row["verdict"]].word for row in records],
            "Stability (%)": [_percent(row["verdict_stability"]) for row in records],
            "Automation fit (0–100)": [_span(row, "automation_fit") for row in records],
            "Empathy need (0–100)": [_span(row, "empathy_need") for row in records],
        }
    )


def _percent(share: object) -> float:
    value = as_float(share)
    return float("nan") if value is None else round(100 * value)
