"""The experience line: how customers feel along the journey, and how sure that is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from journeylib.core import Estimate, signed, text
from journeylib.present.drawing import svg
from journeylib.present.drawing.chart import NARROW, Point, add_names, chart, ticks, whiskers, words
from journeylib.present.drawing.svg import clean
from journeylib.present.figure import Figure, chart_figure
from journeylib.present.tables import as_float, interval
from journeylib.present.theme import LIGHT, feeling

HEIGHT = 482
SCALE = {1.0: "good", 0.5: "", 0.0: "neutral", -0.5: "", -1.0: "bad"}
MARKS = {
    1: ("triangle-up", "good", 12),
    0: ("circle-open", "accent", 8),
    -1: ("triangle-down", "bad", 12),
}
PARTS = 6  # of each stretch of the line, which names avoid


@dataclass(frozen=True)
class _Point:
    """One touchpoint on the line; value and ends are NaN where there is no evidence."""

    name: str
    stage: str
    x: int
    value: float
    lo: float
    hi: float
    mark: int

    @property
    def known(self) -> bool:
        return not math.isnan(self.value)

    @property
    def at(self) -> Point:
        return self.x, self.value


_Run = list[_Point]


def experience_line(
    experience: pd.DataFrame,
    touchpoints: pd.DataFrame,
    *,
    stage_order: Sequence[str] = (),
    labelled: int = 10,
    max_touchpoints: int = 60,
    width: int | None = None,
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
    width : int, optional
        In pixels, of a picture that is not drawn anew for a wider place.

    Returns
    -------
    Figure
        `table` has one row per touchpoint, in the order drawn.
    """
    rows = in_order(experience, touchpoints, stage_order)
    most = rows.sort_values(["n_customers", "touchpoint"], ascending=[False, True], kind="stable")
    shown = rows.loc[rows.index.isin(most.index[:max_touchpoints])]
    points = _points(shown)
    return chart_figure(
        _chart(points, labelled, width),
        name="experience-line",
        title=text("present.experience.title"),
        alt=_line_finding(points),
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


def _chart(points: Sequence[_Point], labelled: int, width: int | None) -> go.Figure:
    """Return the line with its band, the marks of feelings and the names of the strongest."""
    names = [words(p.name, 190, bold=bool(p.mark)) for p in points]
    ends = {value: text(f"present.experience.{key}") if key else "" for value, key in SCALE.items()}
    scale = [f"{word} {signed(value, 1)}".strip() for value, word in ends.items()]
    drawn = chart(HEIGHT, left=112, right=14, bottom=130).update_layout(
        xaxis=ticks(range(len(names)), names, range=[-0.5, max(len(names), 1) - 0.5],
                    showgrid=False, tickangle=-45, tickfont={"size": 11}),
        yaxis=ticks(list(SCALE), scale, range=[-1.04, 1.04]),
        width=width,
    )  # fmt: skip
    _stage_bands(drawn, points)
    drawn.add_hline(0, line={"color": LIGHT["muted"], "width": 1}, layer="below")
    runs = _runs(points)
    for run in runs:
        xs = [p.x for p in run]
        drawn.add_scatter(
            x=[*xs, *reversed(xs)], y=[*(p.hi for p in run), *(p.lo for p in reversed(run))],
            mode="none", fill="toself", fillcolor=LIGHT["accent"], opacity=0.17, hoverinfo="skip",
        )  # fmt: skip
        drawn.add_scatter(
            x=xs, y=[p.value for p in run], mode="lines", hoverinfo="skip",
            line={"color": LIGHT["accent"], "width": 2.2},
        )  # fmt: skip
    drawn.add_trace(_marks([p for p in points if p.known]))
    _add_strongest(drawn, points, labelled, runs)
    return drawn


def _points(rows: pd.DataFrame) -> list[_Point]:
    points = []
    for i, row in enumerate(rows.to_dict("records")):
        value, lo, hi = (as_float(row[key]) for key in ("sentiment", "lo", "hi"))
        at = math.nan if value is None else value
        low, high = (at if end is None else end for end in (lo, hi))
        name, stage = str(row["touchpoint"]), str(row["stage"])
        points.append(_Point(name, stage, i, at, low, high, feeling(value, lo, hi)))
    return points


def _stage_bands(drawn: go.Figure, points: Sequence[_Point]) -> None:
    """Draw a band a stage with its name over it, in two rows where a name is wider than a band."""
    each = ((drawn.layout.width or NARROW) - 126) / max(len(points), 1)
    stages = [list(group) for _, group in itertools.groupby(points, key=lambda p: p.stage)]
    bands = [each * len(members) for members in stages]
    sizes = [svg.text_width(members[0].stage, 12, bold=True) for members in stages]
    rows = 2 if any(size > band for size, band in zip(sizes, bands, strict=True)) else 1
    drawn.update_layout(margin={"t": 28 + 16 * rows})
    for i, members in enumerate(stages):
        first, size = members[0].x - 0.5, len(members)
        if i % 2 == 0:
            drawn.add_shape(
                type="rect", layer="below", x0=first, x1=first + size, y0=0, y1=1,
                yref="y domain", fillcolor=LIGHT["band"], line_width=0,
            )  # fmt: skip
        # Names of one row share the band between them.
        beside = (bands[i - 1] if i else 180.0, *bands[i + 1 :], 28.0)
        room = bands[i] + (min(beside[:2]) if rows > 1 else 0.0)
        short = clean(svg.shorten(members[0].stage, room, 12, bold=True))
        drawn.add_annotation(
            x=first + size / 2, y=1, yref="paper", xanchor="center", yanchor="middle",
            yshift=16 * (1 + (i + 1) % rows), text=words(short, bold=True), showarrow=False,
            font={"size": 12},
        )  # fmt: skip


def _runs(points: Sequence[_Point]) -> list[_Run]:
    """Return the unbroken stretches of the line."""
    groups = itertools.groupby(points, key=lambda p: p.known)
    return [list(group) for known, group in groups if known]


def _marks(points: Sequence[_Point]) -> go.Scatter:
    spans = [Estimate(p.value, "score", p.lo, p.hi) for p in points]
    looks = [MARKS[p.mark] for p in points]
    ends = [(None, None) if p.lo == p.hi else (p.lo, p.hi) for p in points]
    said = [interval(p.value, lo, hi, signed) for p, (lo, hi) in zip(points, ends, strict=True)]
    return go.Scatter(
        x=[p.x for p in points], y=[p.value for p in points], mode="markers",
        marker={
            "symbol": [symbol for symbol, _, _ in looks],
            "color": [LIGHT[colour] for _, colour, _ in looks],
            "size": [size for _, _, size in looks],
            "line": {"width": [0 if p.mark else 2 for p in points]},
            "opacity": 1,
        },
        error_y=whiskers(spans, color=LIGHT["flow"], thickness=1, width=0), hoverinfo="text",
        hovertext=[
            words(text("present.experience.mark", name=p.name, value=value))
            for p, value in zip(points, said, strict=True)
        ],
        customdata=[p.name for p in points],
    )  # fmt: skip


def _add_strongest(
    drawn: go.Figure, points: Sequence[_Point], labelled: int, runs: Sequence[_Run]
) -> None:
    """Write the names of the strongest feelings beside their points, off the line."""
    marked = (p for p in points if p.mark)
    chosen = sorted(marked, key=lambda p: (-abs(p.value), p.name))[:labelled]
    add_names(
        drawn,
        [(p.at, words(p.name, 150, bold=True), "good" if p.mark > 0 else "bad") for p in chosen],
        marks=[p.at for p in points if p.known],
        lines=[part for run in runs for pair in itertools.pairwise(run) for part in _parts(*pair)],
    )


def _parts(one: _Point, other: _Point) -> list[tuple[Point, Point]]:
    """Return a stretch of the line in sixths."""
    steps = [k / PARTS for k in range(PARTS + 1)]
    ends = [(one.x + k, one.value + (other.value - one.value) * k) for k in steps]
    return list(itertools.pairwise(ends))


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
