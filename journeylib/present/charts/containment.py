"""Bars: containment step by step, where sessions end, and stage × channel cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from journeylib.core import Estimate, estimate_text, percent, signed
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element

WIDTH = 1180.0


def containment_waterfall(
    steps: pd.DataFrame,
    *,
    verified: Estimate | None = None,
    name: str = "containment",
    title: str = "Containment: what the raw share hides",
) -> Figure:
    """Draw the way from raw containment to verified containment.

    Parameters
    ----------
    steps : pandas.DataFrame
        In order: ``step`` (``raw``, then what is taken off, last ``verified``), ``label``
        (words shown), ``sessions`` (int, never negative), ``share`` (of all bot sessions,
        0 to 1). Optional ``bound`` (bool): the step is unknown rather than known to be bad,
        so it is the width of the bounds.
    verified : Estimate, optional
        Verified containment with its bounds.

    Returns
    -------
    Figure
    """
    rows = steps.to_dict("records")
    height, top, left = 46.0, 16.0, 318.0
    room = WIDTH - left - 190
    parts = [_percent_axis(left, room, top, top + height * len(rows))]
    level = 0.0
    for i, row in enumerate(rows):
        share = float(row["share"])
        ends = i in (0, len(rows) - 1)
        start = 0.0 if ends else level - share
        level = share if ends else start
        y = top + height * i
        open_ = bool(row.get("bound", row["step"] == "unknown"))
        kind = "jl-bar-good" if i == len(rows) - 1 else "jl-bar" if ends else "jl-bar-minus"
        kind = "jl-bar-open" if open_ and not ends else kind
        x, width = left + room * max(start, 0.0), room * share
        bar = svg.rect(x, y + 8, width, height - 16, kind, radius=3)
        sign = "" if ends else "− "
        value = f"{sign}{percent(share)}"
        base = f"{int(row['sessions']):,} sessions"
        words = svg.shorten(svg.clean(row["label"]), left - 26, 13, bold=ends)
        parts.append(svg.label(left - 14, y + 28, words, "jl-t6" + " jl-b" * ends, anchor="end"))
        parts.append(svg.titled(f"{row['label']}: {value}, {base}", bar))
        end = x + width + 9
        if i == len(rows) - 1 and verified is not None and verified.hi is not None:
            end = max(end, left + room * verified.hi + 9)
        parts.append(svg.label(end, y + 28, value, "jl-t6 jl-b jl-halo"))
        after = end + svg.text_width(value, 13.5, bold=True) + 4
        parts.append(svg.label(after, y + 28, base, "jl-t4 jl-m jl-halo"))
        if i + 1 < len(rows):
            edge = left + room * level
            parts.append(svg.line(edge, y + height - 8, edge, y + height + 8, "jl-leader"))
        if i == len(rows) - 1 and verified is not None:
            parts += _bounds(verified, left, room, y + height / 2)
    alt = _waterfall_finding(rows, verified)
    total = _total(rows)
    return Figure(
        name=name,
        title=title,
        alt=alt,
        svg=svg_element(
            parts, width=WIDTH, height=top + height * len(rows) + 40, alt=alt, min_width=760
        ),
        table=pd.DataFrame(
            {
                "Step": [row["label"] for row in rows],
                "Sessions": [int(row["sessions"]) for row in rows],
                "Share of bot sessions (%)": [round(100 * float(row["share"]), 1) for row in rows],
            }
        ),
        note=(
            f"Of {total} mature sessions that began with a bot. Raw counts every session that no "
            "human joined, as vendors do; verified needs a sign that the matter was settled. Grey "
            "is unknown: the bounds take all of it as bad and all of it as good."
        ),
    )


def _total(rows: Sequence[dict[Any, Any]]) -> str:
    share = float(rows[0]["share"]) if rows else 0.0
    return f"{round(int(rows[0]['sessions']) / share):,}" if share else "no"


def _percent_axis(left: float, room: float, top: float, bottom: float) -> str:
    parts = []
    for tick in range(0, 101, 20):
        x = left + room * tick / 100
        parts.append(svg.line(x, top, x, bottom + 4, "jl-axis" if tick == 0 else "jl-rule"))
        parts.append(svg.label(x, bottom + 22, f"{tick} %", "jl-t1 jl-m", anchor="middle"))
    return "".join(parts)


def _bounds(estimate: Estimate, left: float, room: float, y: float) -> list[str]:
    if estimate.lo is None or estimate.hi is None:
        return []
    a, b = left + room * estimate.lo, left + room * estimate.hi
    return [
        svg.line(a, y, b, y, "jl-bound"),
        svg.line(a, y - 7, a, y + 7, "jl-bound"),
        svg.line(b, y - 7, b, y + 7, "jl-bound"),
    ]


def _waterfall_finding(rows: Sequence[dict[Any, Any]], verified: Estimate | None) -> str:
    if not rows:
        return "There are no bot sessions."
    first, last = percent(float(rows[0]["share"])), percent(float(rows[-1]["share"]))
    text = f"{first} raw containment is {last} verified"
    if verified is not None:
        text = f"{first} raw containment; verified: {estimate_text(verified)}"
    lost = sorted(rows[1:-1], key=lambda row: (-float(row["share"]), str(row["label"])))
    if lost:
        text += f"; the largest loss is “{lost[0]['label']}” ({percent(float(lost[0]['share']))})"
    return text + "."


PARTS: tuple[tuple[str, str, str], ...] = (
    ("contained", "Contained", "jl-bar-good"),
    ("handed_over", "Handed over", "jl-bar"),
    ("abandoned", "Abandoned", "jl-bar-minus"),
    ("open", "Still open", "jl-bar-open"),
)


def handoff_partition(
    *,
    contained: int,
    handed_over: int,
    abandoned: int,
    open: int,
    min_sessions: int = 1,
    name: str = "handoffs",
    title: str = "Where bot sessions end",
) -> Figure:
    """Draw the exact partition of sessions as one bar.

    Parameters
    ----------
    contained, handed_over, abandoned, open : int
        Sessions; together they are all sessions.
    min_sessions : int
        A part of fewer sessions is drawn together with its neighbour, so that no small part is
        shown and none can be found by subtraction.
    """
    counts = {
        "contained": contained,
        "handed_over": handed_over,
        "abandoned": abandoned,
        "open": open,
    }
    shown = _joined([(word, kind, counts[key]) for key, word, kind in PARTS], min_sessions)
    total = sum(counts.values())
    parts, left = [], 8.0
    room = WIDTH - 2 * left
    legend = left
    for word, kind, count in shown:
        share = count / total if total else 0.0
        width = room * share
        value = percent(share)
        bar = [svg.rect(left, 10, max(width - 2, 0), 54, kind)]
        if width > svg.text_width(value, 20, bold=True) + 12:
            bar.append(svg.label(left + 12, 44, value, "jl-t9 jl-on"))
        parts.append(svg.titled(f"{word}: {count:,} of {total:,} sessions, {value}", *bar))
        words = f"{word} {count:,} ({value})"
        parts.append(svg.rect(legend, 80, 13, 13, kind, radius=2))
        parts.append(svg.label(legend + 20, 91, words, "jl-t6"))
        legend += 44 + svg.text_width(words, 13.5)
        left += width
    listed = ", ".join(
        f"{word.lower()} {count:,} ({percent(count / total)})" for word, _, count in shown if total
    )
    alt = f"{total:,} sessions: {listed}." if total else "There are no bot sessions."
    return Figure(
        name=name,
        title=title,
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=104, alt=alt, min_width=760),
        table=pd.DataFrame(
            {
                "End": [word for word, _, _ in shown],
                "Sessions": [count for _, _, count in shown],
                "Share (%)": [
                    round(100 * count / total, 1) if total else 0.0 for _, _, count in shown
                ],
            }
        ),
        note="Every session is in exactly one part.",
    )


def _joined(parts: list[tuple[str, str, int]], minimum: int) -> list[tuple[str, str, int]]:
    """Join each part that is there but too small with the part before it (the first: after it)."""
    shown: list[tuple[str, str, int]] = []
    for word, kind, count in parts:
        last = shown[-1] if shown else None
        if last is not None and (0 < count < minimum or 0 < last[2] < minimum):
            larger = kind if count > last[2] else last[1]
            shown[-1] = (f"{last[0]} or {word.lower()}", larger, last[2] + count)
        else:
            shown.append((word, kind, count))
    return shown


def heatmap(
    cells: pd.DataFrame,
    *,
    stage_order: Sequence[str] = (),
    channel_order: Sequence[str] = (),
    name: str = "heatmap",
    title: str = "Feeling by stage and channel",
) -> Figure:
    """Draw feeling by stage and channel; a cell says its number, so colour is no need.

    Parameters
    ----------
    cells : pandas.DataFrame
        One row per cell: ``stage``, ``channel``, ``sentiment`` (−1 to 1), ``customers``.
    stage_order, channel_order : sequence of str
        Names from first to last; others follow by name.
    """
    stages = _axis(cells["stage"], stage_order)
    channels = _axis(cells["channel"], channel_order)
    left, top, height = 130.0, 40.0, 40.0
    width = (WIDTH - left - 8) / max(len(stages), 1)
    parts = [
        svg.label(
            left + width * (i + 0.5),
            26,
            svg.shorten(stage, width - 8, 13.5, bold=True),
            "jl-t6 jl-b",
            anchor="middle",
        )
        for i, stage in enumerate(stages)
    ]
    for j, channel in enumerate(channels):
        text = svg.shorten(channel, left - 22, 13, bold=True)
        parts.append(svg.label(left - 12, top + height * j + 25, text, "jl-t6 jl-b", anchor="end"))
    ordered = cells.sort_values(["stage", "channel"])
    for row in ordered.to_dict("records"):
        x = left + width * stages.index(svg.clean(row["stage"]))
        y = top + height * channels.index(svg.clean(row["channel"]))
        value = float(row["sentiment"])
        kind = "jl-bar-good" if value > 0 else "jl-bar-minus"
        # At most a third of full colour: ink on it then keeps its contrast in both themes.
        tint = f' style="opacity:{min(abs(value), 1.0) * TINT:.2f}"'
        back = svg.rect(x + 2, y + 2, width - 4, height - 4, kind, radius=4).replace(
            "/>", f"{tint}/>"
        )
        words = signed(value)
        text = svg.label(x + width / 2, y + 25, words, "jl-t6", anchor="middle")
        where = f"{row['stage']}, {row['channel']}: {words}, {int(row['customers']):,} customers"
        parts.append(svg.titled(where, back, text))
    worst = ordered.sort_values("sentiment").iloc[0] if len(ordered) else None
    alt = (
        f"Worst is {worst['channel']} in {worst['stage']} ({signed(float(worst['sentiment']))}) "
        f"of {len(ordered)} cells."
        if worst is not None
        else "There is no cell with enough evidence."
    )
    return Figure(
        name=name,
        title=title,
        alt=alt,
        svg=svg_element(
            parts, width=WIDTH, height=top + height * len(channels) + 8, alt=alt, min_width=760
        ),
        table=pd.DataFrame(
            {
                "Stage": ordered["stage"].tolist(),
                "Channel": ordered["channel"].tolist(),
                "Feeling (−1 to +1)": [round(float(v), 2) for v in ordered["sentiment"]],
                "Customers": [int(n) for n in ordered["customers"]],
            }
        ),
        note="Mean feeling, −1 to +1. Empty cells have no touchpoint or not enough evidence.",
    )


TINT = 0.34


def tint_over(colour: str, ground: str, opacity: float) -> str:
    """Return the colour that `colour` makes over `ground`.

    Examples
    --------
    >>> tint_over("#000000", "#FFFFFF", 0.5)
    '#808080'
    """
    mixed = (
        round(opacity * int(colour[i : i + 2], 16) + (1 - opacity) * int(ground[i : i + 2], 16))
        for i in (1, 3, 5)
    )
    return "#" + "".join(f"{channel:02X}" for channel in mixed)


def _axis(values: pd.Series[Any], first: Sequence[str]) -> list[str]:
    rank = {svg.clean(name): i for i, name in enumerate(first)}
    names = {svg.clean(value) for value in values}
    return sorted(names, key=lambda name: (rank.get(name, len(rank)), name))
