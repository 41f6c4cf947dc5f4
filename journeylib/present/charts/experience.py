"""The experience line: how customers feel along the journey, and how sure that is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from journeylib.core import signed, text
from journeylib.present.drawing import svg
from journeylib.present.drawing.label_placement import Rect, names_beside
from journeylib.present.figure import Figure, svg_element
from journeylib.present.tables import as_float, interval
from journeylib.present.theme import feeling

WIDTH = 1180.0
SCALE = {1.0: "good", 0.5: "", 0.0: "neutral", -0.5: "", -1.0: "bad"}
LEFT, RIGHT, TOP, BOTTOM = 104.0, WIDTH - 14, 50.0, 350.0


@dataclass(frozen=True)
class _Point:
    """One touchpoint on the line; value and ends are NaN where there is no evidence."""

    name: str
    stage: str
    x: float
    value: float
    lo: float
    hi: float
    mark: int

    @property
    def known(self) -> bool:
        return not math.isnan(self.value)

    @property
    def y(self) -> float:
        return _height(self.value)


_Run = list[_Point]


def _height(value: float) -> float:
    """Return where a feeling stands; the scale is −1 to +1, always."""
    return TOP + (1 - max(-1.0, min(1.0, value))) / 2 * (BOTTOM - TOP)


def experience_line(
    experience: pd.DataFrame,
    touchpoints: pd.DataFrame,
    *,
    stage_order: Sequence[str] = (),
    labelled: int = 10,
    max_touchpoints: int = 60,
) -> Figure:
    """Draw how customers feel along the journey, with intervals, on a fixed scale −1 to +1.

    Parameters
    ----------
    experience : pandas.DataFrame
        `Evidence.experience`: ``touchpoint``, ``sentiment``, ``lo``, ``hi``, ``source``,
        ``n_customers``; a missing sentiment breaks the line.
    touchpoints : pandas.DataFrame
        ``touchpoint``, ``stage``, ``median_position``.
    stage_order : sequence of str
        Stages from first to last.
    labelled : int
        How many of the strongest feelings are written at their points.
    max_touchpoints : int
        The ones with most customers are drawn; the table has all.

    Returns
    -------
    Figure
        `table` has one row per touchpoint, in the order drawn.
    """
    rows = in_order(experience, touchpoints, stage_order)
    most = rows.sort_values(["n_customers", "touchpoint"], ascending=[False, True], kind="stable")
    shown = rows.loc[rows.index.isin(most.index[:max_touchpoints])]
    step = (RIGHT - LEFT) / max(len(shown), 1)
    points = _points(shown, step)
    parts = [*_stage_bands(points, step), *_scale()]
    runs = _runs(points)
    parts += _lines(runs)
    parts += [_feeling_mark(p) for p in points if p.known]
    parts += _strongest(points, labelled, runs)
    parts += [_axis_name(p, step) for p in points]
    alt = _line_finding(points)
    return Figure(
        name="experience-line",
        title=text("present.experience.title"),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=BOTTOM + 108, alt=alt, min_width=860),
        table=_line_table(rows),
        note=_note(len(rows) - len(shown)),
    )


def _note(hidden: int) -> str:
    keys = ["note", "one_line", "breaks", *["hidden"] * bool(hidden)]
    return " ".join(text(f"present.experience.{key}", n=hidden) for key in keys)


def in_order(
    experience: pd.DataFrame, touchpoints: pd.DataFrame, stage_order: Sequence[str]
) -> pd.DataFrame:
    """Return feelings with stages, touchpoints in the order of the journey."""
    rows = touchpoints[["touchpoint", "stage", "median_position"]].merge(
        experience, on="touchpoint", how="left", validate="one_to_one"
    )
    rows["stage"] = ["" if pd.isna(stage) else svg.clean(stage) for stage in rows["stage"]]
    first = rows.groupby("stage")["median_position"].min()
    rank = {svg.clean(stage): i for i, stage in enumerate(stage_order)}
    keys = sorted(first.index, key=lambda s: (s == "", rank.get(s, len(rank)), first[s], s))
    rows["rank"] = rows["stage"].map({stage: i for i, stage in enumerate(keys)})
    return rows.sort_values(["rank", "median_position", "touchpoint"], ignore_index=True)


def _lines(runs: Sequence[_Run]) -> list[str]:
    parts = []
    for run in runs:
        band = [(p.x, _height(p.hi)) for p in run] + [(p.x, _height(p.lo)) for p in reversed(run)]
        parts.append(f'<path d="{svg.path(band, closed=True)}" class="jl-area"/>')
        parts.append(f'<path d="{svg.path([(p.x, p.y) for p in run])}" class="jl-line"/>')
    return parts


def _points(rows: pd.DataFrame, step: float) -> list[_Point]:
    points = []
    for i, row in enumerate(rows.to_dict("records")):
        value, lo, hi = (as_float(row[key]) for key in ("sentiment", "lo", "hi"))
        at = math.nan if value is None else value
        points.append(
            _Point(
                name=str(row["touchpoint"]),
                stage=str(row["stage"]),
                x=LEFT + step * (i + 0.5),
                value=at,
                lo=at if lo is None else lo,
                hi=at if hi is None else hi,
                mark=feeling(value, lo, hi),
            )
        )
    return points


def _stage_bands(points: Sequence[_Point], step: float) -> list[str]:
    parts: list[str] = []
    for i, (stage, group) in enumerate(itertools.groupby(points, key=lambda p: p.stage)):
        members = list(group)
        x, size = members[0].x - step / 2, step * len(members)
        back = svg.rect(x, 8, size, BOTTOM - 8, "jl-band") if i % 2 == 0 else ""
        text = svg.shorten(stage, size - 6, 13.5, bold=True)
        head = svg.label(x + size / 2, 30, text, "jl-t6 jl-b", anchor="middle")
        parts.append(svg.titled(stage, back, head))
    return parts


def _scale() -> list[str]:
    parts = []
    for value, key in SCALE.items():
        y = _height(value)
        parts.append(svg.line(LEFT, y, RIGHT, y, "jl-axis" if value == 0 else "jl-rule"))
        parts.append(svg.label(LEFT - 10, y + 4, signed(value, 1), "jl-t1 jl-m", anchor="end"))
        if key:
            parts.append(svg.label(4, y + 4, text(f"present.experience.{key}"), "jl-t1 jl-m"))
    return parts


def _runs(points: Sequence[_Point]) -> list[_Run]:
    """Return the unbroken stretches of the line."""
    groups = itertools.groupby(points, key=lambda p: p.known)
    return [list(group) for known, group in groups if known]


def _feeling_mark(p: _Point) -> str:
    mark = (
        svg.triangle(p.x, p.y, 6, up=p.mark > 0)
        if p.mark
        else f'<circle cx="{svg.num(p.x)}" cy="{svg.num(p.y)}" r="3.8" class="jl-dot"/>'
    )
    lo, hi = (None, None) if p.lo == p.hi else (p.lo, p.hi)
    whisker = svg.line(p.x, _height(p.lo), p.x, _height(p.hi), "jl-whisker")
    value = interval(p.value, lo, hi, signed)
    return svg.titled(text("present.experience.mark", name=p.name, value=value), whisker, mark)


def _strongest(points: Sequence[_Point], labelled: int, runs: Sequence[_Run]) -> list[str]:
    """Write the names of the strongest feelings beside their points, off the line."""
    marked = (p for p in points if p.mark)
    chosen = sorted(marked, key=lambda p: (-abs(p.value), p.name))[:labelled]
    return names_beside(
        [(p.x, p.y) for p in chosen],
        [svg.shorten(svg.clean(p.name), 150, 12, bold=True) for p in chosen],
        [p.mark for p in chosen],
        bounds=Rect(LEFT, TOP + 2, RIGHT - LEFT, BOTTOM - TOP - 4),
        marks=[Rect(p.x - 6, p.y - 6, 12, 12) for p in points if p.known],
        line=[[(p.x, p.y) for p in run] for run in runs],
    )


def _axis_name(p: _Point, step: float) -> str:
    text = svg.shorten(svg.clean(p.name), 142, 11)
    x, y = p.x + min(4.0, step / 4), BOTTOM + 16
    kind = "jl-t1" + (" jl-b" if p.mark else "") + ("" if p.known else " jl-m")
    turn = f' transform="rotate(-45 {svg.num(x)} {svg.num(y)})"'
    return svg.titled(p.name, svg.label(x, y, text, kind, anchor="end", extra=turn))


def _line_finding(points: Sequence[_Point]) -> str:
    known = [p for p in points if p.known]
    if not known:
        return text("present.experience.unheard")
    low = min(known, key=lambda p: (p.value, p.name))
    high = max(known, key=lambda p: (p.value, p.name))
    finding = text(
        "present.experience.finding",
        bad=sum(p.mark < 0 for p in known),
        good=sum(p.mark > 0 for p in known),
        low=low.name,
        low_value=signed(low.value),
        high=high.name,
        high_value=signed(high.value),
    )
    missing = len(points) - len(known)
    return f"{finding} {text('present.experience.missing', n=missing)}" if missing else finding


def _line_table(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "touchpoint": rows["touchpoint"].tolist(),
            "stage": rows["stage"].tolist(),
            "feeling": [_rounded(value) for value in rows["sentiment"]],
            "lo": [_rounded(value) for value in rows["lo"]],
            "hi": [_rounded(value) for value in rows["hi"]],
            "customers": [0 if pd.isna(n) else int(n) for n in rows["n_customers"]],
            "feeling_source": [
                text("none") if pd.isna(source) else source for source in rows["source"]
            ],
        }
    )


def _rounded(value: object, digits: int = 2) -> float:
    return float("nan") if (n := as_float(value)) is None else round(n, digits)
