"""Legend: what the marks of the wall map mean, and where its numbers come from."""

from __future__ import annotations

from collections.abc import Sequence

from journeylib.present import VERDICTS, MapLayout, svg
from journeylib.workshop.content.content import Content
from journeylib.workshop.notes.differences import parked, spoken
from journeylib.workshop.wall_map.typography import SIZE, SMALL, Lettering, text

LINE = 23.0
Item = tuple[str, str]  # a mark, drawn around the origin, and what it means


def _legend_items(content: Content) -> list[Item]:
    words = content.words
    leanings = {p.leaning for p in content.touchpoints if p.verdict == "abstain" and p.leaning}
    used = {p.verdict for p in content.touchpoints} | leanings
    items = [
        (svg.verdict_marker(code, 0, 0, 6.5), words.text(f"verdict.{code}"))
        for code in VERDICTS
        if code in used
    ]
    if leanings:
        shown = svg.verdict_marker(min(leanings), 0, 0, 6.5, leaning=True)
        items.append((shown, words.text("legend.hollow")))
    for up, key in ((True, "feels_good"), (False, "feels_bad")):
        if any(p.mark == (1 if up else -1) for p in content.touchpoints):
            items.append((svg.triangle(0, 0, 6, up=up), words.text(f"legend.{key}")))
    if content.moments:
        items.append((text(-7, 6, "★", SIZE, "jl-b"), words.text("legend.moment")))
    if content.plan is not None:
        items.append(
            (svg.rect(-8, -6, 16, 12, "jl-box jl-unplanned"), words.text("legend.unplanned"))
        )
    if spoken(content):
        items.append((svg.rect(-7, -6, 14, 12, "jl-sticky"), words.text("note.legend")))
    return items


def legend_rows(content: Content, width: float, style: Lettering) -> list[list[Item]]:
    """Return the entries of the legend, line by line."""
    rows: list[list[Item]] = [[]]
    x = 8.0
    for mark, word in _legend_items(content):
        need = 44 + style.width(word, SIZE)
        if rows[-1] and x + need > width - 8:
            rows.append([])
            x = 8.0
        rows[-1].append((mark, word))
        x += need
    return rows


def legend_text(content: Content, layout: MapLayout) -> str:
    """Return how to read the map, and where its numbers come from."""
    words = content.words
    most = max((flow.journeys for flow in layout.flows), default=0)
    share = words.percent(layout.shown_share, 0)
    said = words.text("legend.flow", flows=len(layout.flows), share=share, most=most)
    said = f"{words.text('legend.box')}. {said}. {content.source}"
    if apart := len(parked(content)):
        said += f" {words.text('note.parked_n', n=apart)}."
    if layout.hidden_touchpoints:
        said += f" {words.text('hidden.touchpoints', n=layout.hidden_touchpoints)}."
    return said


def legend_height(rows: Sequence[Sequence[Item]], said: Sequence[str]) -> float:
    """Return the height of a legend."""
    return LINE * (len(rows) + len(said)) + 14


def draw_legend(
    rows: Sequence[Sequence[Item]], said: Sequence[str], y: float, width: float, style: Lettering
) -> list[str]:
    """Return the legend below the map."""
    parts = [svg.line(0, y, width, y, "jl-rule")]
    at = y + 6
    for row in rows:
        at, x = at + LINE, 8.0
        for mark, word in row:
            if mark:
                where = f"translate({svg.num(x + 8)} {svg.num(at - 6)})"
                parts.append(f'<g transform="{where}">{mark}</g>')
            parts.append(text(x + (22 if mark else 0), at, word, SIZE))
            x += 44 + style.width(word, SIZE)
    for line in said:
        at += LINE
        parts.append(text(8, at, line, SMALL, "jl-m"))
    return parts
