"""The map of differences: where the journeys of two groups go differently, and by how much."""

from __future__ import annotations

from typing import Any

import pandas as pd

from journeylib.core import percent, refuse_other, signed, text
from journeylib.measures import FOUND, Comparison
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure
from journeylib.present.maps.journey_map import map_grid, map_svg, name_lines
from journeylib.present.maps.layout import Box, Flow, MapOptions, map_layout
from journeylib.present.tables import Table, false_alarm_text, table

MOST_FLOWS = 24
# Widths are in proportion to the difference; a flow of this many points is the widest.
WIDEST = 0.3


def difference_map(comparison: Comparison) -> Figure:
    """Draw where the journeys of two groups go differently.

    Parameters
    ----------
    comparison : Comparison
        Of `journeylib.compare`.

    Returns
    -------
    Figure
        Boxes and flows that differ beyond chance have a sign, a weight and a colour: ▲ and a
        full line where A goes more often, ▼ and a broken line where B does. The rest is grey.
        Its table is `comparison_table`.
    """
    refuse_other(comparison, "Comparison")
    rows = comparison.table
    ways = rows[rows["kind"] == "transition"]
    # What differs beyond chance is drawn first; widths are in points of a hundredth.
    strength = (1e6 * ways["difference"].abs()).round().astype("int64")
    is_found = (ways["q_value"] <= FOUND).astype("int64")
    moves = ways.assign(events=strength, journeys=strength + 10**7 * is_found)
    layout = map_layout(
        comparison.touchpoints,
        moves,
        MapOptions(
            stage_order=comparison.stage_order,
            channel_order=comparison.channel_order,
            share=1.0,
            max_flows=MOST_FLOWS,
        ),
    )
    at = {str(row["source"]): row for _, row in rows[rows["kind"] == "touchpoint"].iterrows()}
    going = {(str(row["source"]), str(row["target"])): row for _, row in ways.iterrows()}
    flows = [(flow, going[flow.source, flow.target]) for flow in reversed(layout.flows)]
    parts = map_grid(layout)
    parts += [_flow(flow, row) for flow, row in sorted(flows, key=lambda one: _way(one[1]) != 0)]
    parts += [_box(box, at.get(box.name)) for box in layout.boxes]
    alt = _finding(comparison)
    shown = comparison_table(comparison)
    return Figure(
        name="difference-map",
        title=text("present.difference.title"),
        alt=alt,
        svg=map_svg(layout, parts, _legend(), alt),
        table=shown.frame,
        note=shown.note,
    )


def comparison_table(comparison: Comparison, *, most: int = 20) -> Table:
    """Return what was compared, in words that a person reads.

    Parameters
    ----------
    comparison : Comparison
    most : int
        Rows: the surest differences, in the order of `Comparison.table`, which has them all.

    Returns
    -------
    Table
        One row per number: the two groups, the difference with its interval, the q-value.
    """
    refuse_other(comparison, "Comparison")
    every = comparison.table
    surest = every.sort_values("q_value", kind="stable", na_position="last").index[:most]
    rows = every.loc[every.index.isin(surest)]
    share = rows["unit"] == "share"
    values = {
        name: (rows[name] * share.map({True: 100.0, False: 1.0})).round(2)
        for name in ("a", "b", "difference", "lo", "hi")
    }
    frame = pd.DataFrame(
        {
            "what": rows["name"],
            "unit": rows["unit"].mask(share, text("present.difference.of_journeys")),
            **values,
            "q_value": [false_alarm_text(q) or text("none") for q in rows["q_value"]],
            "n_a": rows["n_a"],
            "n_b": rows["n_b"],
        }
    )
    note = text(
        "present.difference.note",
        a=comparison.a,
        b=comparison.b,
        share=percent(FOUND, 0),
        q=FOUND,
    )
    if len(rows) < len(every):
        note += " " + text("present.difference.less_sure", n=len(every) - len(rows))
    if comparison.suppressed:
        note += " " + text("present.difference.suppressed", n=comparison.suppressed)
    return table(frame, text("present.difference.caption"), note=note)


def _way(row: pd.Series[Any] | None) -> int:
    """Return 1 where A goes more often beyond chance, −1 where B does, else 0."""
    if row is None or not row["q_value"] <= FOUND:
        return 0
    return 1 if row["difference"] > 0 else -1


def _points(row: pd.Series[Any]) -> str:
    return text("present.difference.points", x=signed(100 * float(row["difference"]), 1))


def _shares(name: str, row: pd.Series[Any]) -> str:
    key = "choice" if pd.isna(row["q_value"]) and row["difference"] else "chance"
    key = "shares" if _way(row) else f"by_{key}"
    a, b = percent(row["a"]), percent(row["b"])
    return text(f"present.difference.{key}", name=name, a=a, b=b, points=_points(row))


def _flow(flow: Flow, row: pd.Series[Any]) -> str:
    way = _way(row)
    kind = {1: "jl-more-a", -1: "jl-more-b", 0: "jl-same"}[way]
    width = 1.0 if not way else 1.6 + 4.4 * min(abs(float(row["difference"])) / WIDEST, 1.0)
    title = _shares(f"{flow.source} → {flow.target}", row)
    return svg.titled(title, svg.arrow(flow.points, kind, width), kind="jl-edge")


def _box(box: Box, row: pd.Series[Any] | None) -> str:
    way = _way(row)
    mood = {1: " jl-box-a", -1: " jl-box-b", 0: ""}[way]
    parts = [svg.rect(box.x, box.y, box.width, box.height, f"jl-box{mood}", radius=6)]
    left, room = box.x + 10.0, box.width - 16.0
    names, y = name_lines(box, left, room, bold=bool(way))
    parts += names
    if row is not None:
        if way:
            glyph, kind = ("▲ A", "jl-at") if way > 0 else ("▼ B", "jl-bt")
            parts.append(svg.label(left, y - 1, f"{glyph} {_points(row)}", f"jl-t2 jl-b {kind}"))
        else:
            parts.append(svg.label(left, y - 1, _points(row), "jl-t2 jl-m"))
    return svg.titled(_shares(box.name, row) if row is not None else box.name, *parts)


def _legend() -> list[svg.LegendEntry]:
    kinds = {"more_a": ("jl-more-a", "jl-at"), "more_b": ("jl-more-b", "jl-bt"),
             "same": ("jl-same", "jl-m")}  # fmt: skip
    return [
        (svg.stroke(32, kind, 3), 41.0, text(f"present.difference.{key}"), colour)
        for key, (kind, colour) in kinds.items()
    ]


def _finding(comparison: Comparison) -> str:
    if comparison.abstain is not None:
        return repr(comparison)
    differing = comparison.differences[comparison.differences["kind"] != "measure"]
    finding = text("present.difference.finding", a=comparison.a, b=comparison.b, n=len(differing))
    by_size = differing["difference"].abs().sort_values(ascending=False, kind="stable").index
    largest = differing.loc[by_size[:2]]
    listed = "; ".join(_shares(str(row["name"]), row) for _, row in largest.iterrows())
    if not listed:
        return finding
    return f"{finding} {text('present.difference.largest', names=listed)}"
