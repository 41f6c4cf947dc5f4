"""Service types: the share of contacts of the second type, for the log and at each touchpoint."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from journeylib.core import percent, text
from journeylib.measures import ServiceTypes, TypeShare
from journeylib.present.drawing.chart import add_marks, row_chart, ticks, words, write_beside
from journeylib.present.figure import Figure, chart_figure
from journeylib.present.tables import share_interval
from journeylib.present.theme import LIGHT

LEFT, RIGHT = 250, 260
MARKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def draw_types(types: ServiceTypes) -> Figure | None:
    """Draw how many contacts are of the second type, the log first, then by touchpoint.

    Parameters
    ----------
    types : ServiceTypes

    Returns
    -------
    Figure or None
        None where no share is told.
    """
    kind = types.names[1]
    estimates = [one for one in types.shares if one.type == kind and one.share.value is not None]
    whole = [one for one in estimates if one.by == "log"]
    touchpoints = [one for one in estimates if one.by == "touchpoint"]
    touchpoints.sort(key=lambda one: (-(one.share.value or 0.0), one.name))
    if not whole:
        return None
    return chart_figure(
        _chart([*whole, *touchpoints]),
        name="service-types",
        title=text("present.types.title", type=kind),
        alt=_finding(types, whole[0], touchpoints),
        table=pd.DataFrame([_row(one) for one in types.shares if one.share.value is not None]),
        note=text("present.types.note"),
    )


def share_text(one: TypeShare) -> str:
    """Return a share with its interval, marked where no labels correct it."""
    share = share_interval(one.share.value, one.share.lo, one.share.hi)
    return share if one.corrected else text("present.types.uncorrected", share=share)


def _finding(types: ServiceTypes, whole: TypeShare, touchpoints: Sequence[TypeShare]) -> str:
    sentence = text("present.types.finding", share=share_text(whole), type=whole.type)
    corrected = [one for one in touchpoints if one.corrected]
    if corrected:
        first = corrected[0]
        at = {"touchpoint": first.name, "share": share_text(first)}
        sentence = f"{sentence} {text('present.types.most', **at)}"
    left = text("present.types.labels", learned=types.learned, measured=types.measured)
    return f"{sentence} {left}"


def _row(one: TypeShare) -> dict[str, str | int]:
    name = one.name or text("present.types.log")
    return {
        "part": name,
        "by": text(f"present.types.by.{one.by}"),
        "type": one.type,
        "share": share_text(one),
        "customers": one.share.n_customers,
    }


def _chart(rows: Sequence[TypeShare]) -> go.Figure:
    names = [one.name or text("present.types.log") for one in rows]
    axis = ticks(MARKS, [percent(mark, 0) for mark in MARKS], range=[-0.02, 1.02])
    whole = [index for index, one in enumerate(rows) if not one.name]
    drawn = row_chart(names, axis, sides=(LEFT, RIGHT), bold=whole)
    hover = [
        f"{words(name)}: {share_text(one)}, n = {one.share.n_customers}"
        for name, one in zip(names, rows, strict=True)
    ]
    add_marks(
        drawn,
        [(one.share.value or 0.0, index, hover[index]) for index, one in enumerate(rows)],
        spans=[one.share for one in rows],
        color=LIGHT["accent"],
        symbol=["circle" if one.corrected else "circle-open" for one in rows],
    )
    return write_beside(drawn, enumerate(words(share_text(one), RIGHT - 24) for one in rows))
