"""Bars of bot sessions: containment step by step, and where sessions end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from journeylib.core import Estimate, estimate_text, percent, text
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element

WIDTH = 1180.0
TOP, ROW, LEFT = 16.0, 46.0, 318.0
ROOM = WIDTH - LEFT - 190
Row = Mapping[Any, Any]


def containment_waterfall(steps: pd.DataFrame, *, verified: Estimate | None = None) -> Figure:
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
    bottom = TOP + ROW * len(rows)
    parts = [*_percent_axis(bottom)]
    level = 0.0
    for i, row in enumerate(rows):
        share, last = float(row["share"]), i == len(rows) - 1
        ends = last or i == 0
        start = 0.0 if ends else level - share
        level = share if ends else start
        parts += _step(row, TOP + ROW * i, start, ends=ends, verified=verified if last else None)
        if not last:
            x, y = LEFT + ROOM * level, TOP + ROW * (i + 1)
            parts.append(svg.line(x, y - 8, x, y + 8, "jl-leader"))
    alt = _finding(rows, verified)
    return Figure(
        name="containment",
        title=text("present.waterfall.title"),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=bottom + 40, alt=alt, min_width=760),
        table=pd.DataFrame(
            {
                "step": [row["label"] for row in rows],
                "sessions": [int(row["sessions"]) for row in rows],
                "bot_share_percent": [round(100 * float(row["share"]), 1) for row in rows],
            }
        ),
        note=text("present.waterfall.note", n=_total(rows)),
    )


def _step(row: Row, y: float, start: float, *, ends: bool, verified: Estimate | None) -> list[str]:
    """Return one bar with its words; the last one has the bounds."""
    share = float(row["share"])
    kind = "jl-bar-good" if row["step"] == "verified" else "jl-bar" if ends else "jl-bar-minus"
    if not ends and row.get("bound", row["step"] == "unknown"):
        kind = "jl-bar-open"
    x, width = LEFT + ROOM * max(start, 0.0), ROOM * share
    value = f"{'' if ends else '− '}{percent(share)}"
    base = text("present.waterfall.sessions", n=int(row["sessions"]))
    name = svg.shorten(svg.clean(row["label"]), LEFT - 26, 13, bold=ends)
    hi = None if verified is None else verified.hi
    end = max(x + width, LEFT + ROOM * (hi or 0.0)) + 9
    after = end + svg.text_width(value, 13.5, bold=True) + 4
    title = text("present.waterfall.mark", step=row["label"], value=value, base=base)
    parts = [
        svg.label(LEFT - 14, y + 28, name, "jl-t6" + " jl-b" * ends, anchor="end"),
        svg.titled(title, svg.rect(x, y + 8, width, ROW - 16, kind, radius=3)),
        svg.label(end, y + 28, value, "jl-t6 jl-b jl-halo"),
        svg.label(after, y + 28, base, "jl-t4 jl-m jl-halo"),
    ]
    if verified is None or verified.lo is None or hi is None:
        return parts
    a, b, middle = LEFT + ROOM * verified.lo, LEFT + ROOM * hi, y + ROW / 2
    parts.append(svg.line(a, middle, b, middle, "jl-bound"))
    parts += [svg.line(at, middle - 7, at, middle + 7, "jl-bound") for at in (a, b)]
    return parts


def _total(rows: Sequence[Row]) -> int:
    share = float(rows[0]["share"]) if rows else 0.0
    return round(int(rows[0]["sessions"]) / share) if share else 0


def _percent_axis(bottom: float) -> list[str]:
    parts = []
    for tick in range(0, 101, 20):
        x, kind = LEFT + ROOM * tick / 100, "jl-rule" if tick else "jl-axis"
        parts.append(svg.line(x, TOP, x, bottom + 4, kind))
        words = percent(tick / 100, 0)
        parts.append(svg.label(x, bottom + 22, words, "jl-t1 jl-m", anchor="middle"))
    return parts


def _finding(rows: Sequence[Row], verified: Estimate | None) -> str:
    if not rows:
        return text("present.waterfall.no_sessions")
    raw, last = percent(float(rows[0]["share"])), percent(float(rows[-1]["share"]))
    finding = text("present.waterfall.finding", raw=raw, verified=last)
    if verified is not None:
        finding = text("present.waterfall.bounded", raw=raw, verified=estimate_text(verified))
    lost = sorted(rows[1:-1], key=lambda row: (-float(row["share"]), str(row["label"])))
    if not lost:
        return f"{finding}."
    largest = {"step": lost[0]["label"], "share": percent(float(lost[0]["share"]))}
    return text("present.waterfall.largest", finding=finding, **largest)


PARTS = {
    "contained": "jl-bar-good",
    "handed_over": "jl-bar",
    "abandoned": "jl-bar-minus",
    "open": "jl-bar-open",
}


def handoff_partition(counts: Mapping[str, int], *, min_sessions: int = 1) -> Figure:
    """Draw the exact partition of sessions as one bar.

    Parameters
    ----------
    counts : mapping of str to int
        Sessions by how they end: ``contained``, ``handed_over``, ``abandoned``, ``open``;
        together they are all sessions.
    min_sessions : int
        A part of fewer sessions is drawn together with its neighbour, so that no small part is
        shown and none can be found by subtraction.
    """
    shown = _joined(counts, min_sessions)
    total = sum(counts.values())
    shares = [count / total if total else 0.0 for _, _, count in shown]
    parts, inside = [], []
    left = legend = 8.0
    for (end, kind, count), share in zip(shown, shares, strict=True):
        width, value = (WIDTH - 16) * share, percent(share)
        bar = [svg.rect(left, 10, max(width - 2, 0), 54, kind)]
        if width > svg.text_width(value, 20, bold=True) + 12:
            bar.append(svg.label(left + 12, 44, value, "jl-t9 jl-on"))
        numbers = {"end": _capital(end), "n": count, "total": total, "share": value}
        parts.append(svg.titled(text("present.partition.mark", **numbers), *bar))
        inside.append(text("present.partition.part", **numbers | {"end": end}))
        words = text("present.partition.part", **numbers)
        parts.append(svg.rect(legend, 80, 13, 13, kind, radius=2))
        parts.append(svg.label(legend + 20, 91, words, "jl-t6"))
        legend += 44 + svg.text_width(words, 13.5)
        left += width
    alt = text("present.waterfall.no_sessions")
    if total:
        alt = text("present.partition.finding", n=total, parts=", ".join(inside))
    return Figure(
        name="handoffs",
        title=text("present.partition.title"),
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=104, alt=alt, min_width=760),
        table=pd.DataFrame(
            {
                "end": [_capital(end) for end, _, _ in shown],
                "sessions": [count for _, _, count in shown],
                "share_percent": [round(100 * share, 1) for share in shares],
            }
        ),
        note=text("present.partition.note"),
    )


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _joined(counts: Mapping[str, int], minimum: int) -> list[tuple[str, str, int]]:
    """Join each part that is there but too small with the part before it (the first: after it)."""
    shown: list[tuple[str, str, int]] = []
    for name, kind in PARTS.items():
        end, count = text(f"present.partition.{name}"), counts[name]
        last = shown[-1] if shown else None
        if last is not None and (0 < count < minimum or 0 < last[2] < minimum):
            larger = kind if count > last[2] else last[1]
            both = text("present.partition.or", one=last[0], other=end)
            shown[-1] = (both, larger, last[2] + count)
        else:
            shown.append((end, kind, count))
    return shown
