"""What customers' words say: one row for each touchpoint where enough of them were heard."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from journeylib.core import Estimate, number, signed, text
from journeylib.present.drawing import svg
from journeylib.present.drawing.chart import (
    PHONE,
    row_chart,
    ticks,
    whiskers,
    with_narrow,
    words,
    write_beside,
)
from journeylib.present.figure import Figure, chart_figure
from journeylib.present.tables import as_float, interval
from journeylib.present.theme import LIGHT, feeling

ROW = 26  # pixels
LIST = "VADER"
SCALE = {-1.0: "bad", -0.5: "", 0.0: "neutral", 0.5: "", 1.0: "good"}
MARKS = {
    1: ("triangle-up", "good", 12),
    0: ("circle", "accent", 9),
    -1: ("triangle-down", "bad", 12),
}


@dataclass(frozen=True)
class _Point:
    """One touchpoint at which enough customers say something."""

    name: str
    stage: str
    value: float
    lo: float | None
    hi: float | None
    customers: int

    @property
    def mark(self) -> int:
        return feeling(self.value, self.lo, self.hi)


def experience_chart(
    experience: pd.DataFrame,
    touchpoints: pd.DataFrame,
    *,
    stage_order: Sequence[str] = (),
    max_touchpoints: int = 60,
    width: int | None = None,
) -> Figure:
    """Draw how customers feel at each touchpoint, with intervals, on a fixed scale −1 to +1.

    Parameters
    ----------
    experience : pandas.DataFrame
        `Evidence.experience`: ``touchpoint``, ``sentiment``, ``lo``, ``hi``, ``source``,
        ``n_customers``; a touchpoint without sentiment has no row in the chart.
    touchpoints : pandas.DataFrame
        ``touchpoint``, ``stage``, ``median_position``.
    stage_order : sequence of str
        Stages from first to last.
    max_touchpoints : int
        The ones with most customers are drawn; the table has all.
    width : int, optional
        In pixels, of a picture that is not drawn anew for a wider place.

    Returns
    -------
    Figure
        `table` has one row per touchpoint, in the order of the journey.
    """
    rows = in_order(experience, touchpoints, stage_order)
    moods = rows.dropna(subset="sentiment")
    most = moods.sort_values(["n_customers", "touchpoint"], ascending=[False, True], kind="stable")
    shown = _points(moods.loc[moods.index.isin(most.index[:max_touchpoints])])
    hidden = len(moods) - len(shown)
    keys = ["present.experience.note"]
    keys += ["present.experience.hidden"] * bool(hidden)
    # A word list of another language, or one that nobody tried here, is a hint and no more.
    listed = bool(moods["source"].astype(str).str.contains(LIST).any())
    keys += ["audits.decision.trust.words"] * listed
    drawn = _chart(shown, width, narrow=width is not None)
    return chart_figure(
        with_narrow(drawn, _chart(shown, PHONE, narrow=True)),
        name="experience",
        title=text("present.experience.title"),
        alt=_finding(shown, len(rows) - len(moods)),
        table=_table(rows),
        note=" ".join(text(key, n=hidden) for key in keys),
    )


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


def _points(rows: pd.DataFrame) -> list[_Point]:
    columns = ["touchpoint", "stage", "sentiment", "lo", "hi", "n_customers"]
    return [
        _Point(str(name), str(stage), float(value), as_float(lo), as_float(hi), int(n))
        for name, stage, value, lo, hi, n in rows[columns].itertuples(index=False, name=None)
    ]


def _chart(points: Sequence[_Point], width: int | None, *, narrow: bool) -> go.Figure:
    """Return one row a touchpoint under the name of its stage; narrow: without customers."""
    at: list[int] = []  # the row of each touchpoint
    names: list[str] = []
    stages: list[int] = []  # the first row of each
    for stage, group in itertools.groupby(points, key=lambda one: one.stage):
        stages.append(len(names))
        names += [stage] * bool(stage)
        for one in group:
            at.append(len(names))
            names.append(one.name)
    ends = {value: text(f"present.experience.{key}") if key else "" for value, key in SCALE.items()}
    scale = [f"{'' if narrow else word} {signed(value, 1)}".strip() for value, word in ends.items()]
    step = 2 if narrow else 1
    axis = ticks(list(SCALE)[::step], scale[::step], range=[-1.04, 1.04])
    sides = (min(220, (width or PHONE) // 2 + 12), 56) if narrow else (286, 124)
    heads = set(range(len(names))) - set(at)
    drawn = row_chart(names, axis, sides=sides, bold=heads, row=ROW).update_layout(width=width)
    for first, last in list(itertools.pairwise((*stages, len(names))))[::2]:
        drawn.add_shape(
            type="rect", layer="below", x0=0, x1=1, xref="x domain", y0=first - 0.5,
            y1=last - 0.5, fillcolor=LIGHT["band"], line_width=0,
        )  # fmt: skip
    drawn.add_vline(0, line={"color": LIGHT["muted"], "width": 1}, layer="below")
    drawn.add_trace(_marks(points, at))
    sentences = []
    for one, row in zip(points, at, strict=True):
        n = "" if narrow else f" · {text('present.experience.n', n=number(one.customers))}"
        sentences.append((row, f"{signed(one.value)}{n}"))
    return write_beside(drawn, sentences)


def _marks(points: Sequence[_Point], at: Sequence[int]) -> go.Scatter:
    looks = [MARKS[one.mark] for one in points]
    spans = [Estimate(one.value, "score", one.lo, one.hi) for one in points]
    values = [interval(one.value, one.lo, one.hi, signed) for one in points]
    return go.Scatter(
        x=[one.value for one in points], y=list(at), mode="markers",
        marker={
            "symbol": [symbol for symbol, _, _ in looks],
            "color": [LIGHT[colour] for _, colour, _ in looks],
            "size": [size for _, _, size in looks],
            "opacity": 1,
        },
        error_x=whiskers(spans, color=LIGHT["flow"], thickness=1.5, width=0), hoverinfo="text",
        hovertext=[
            words(text("present.experience.mark", name=one.name, value=value))
            for one, value in zip(points, values, strict=True)
        ],
        customdata=[one.name for one in points],
    )  # fmt: skip


def _finding(points: Sequence[_Point], missing: int) -> str:
    if not points:
        return text("present.experience.unheard")
    low = min(points, key=lambda one: (one.value, one.name))
    high = max(points, key=lambda one: (one.value, one.name))
    finding = text(
        "present.experience.finding",
        bad=sum(one.mark < 0 for one in points),
        good=sum(one.mark > 0 for one in points),
        low=low.name,
        low_value=signed(low.value),
        high=high.name,
        high_value=signed(high.value),
    )
    return f"{finding} {text('present.experience.missing', n=missing)}" if missing else finding


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    numbers = {"feeling": "sentiment", "lo": "lo", "hi": "hi"}
    return pd.DataFrame(
        {
            "touchpoint": rows["touchpoint"],
            "stage": rows["stage"],
            **{head: rows[name].astype(float).round(2) for head, name in numbers.items()},
            "customers": rows["n_customers"].fillna(0).astype(int),
            "feeling_source": rows["source"].astype(object).fillna(text("none")),
        }
    )
