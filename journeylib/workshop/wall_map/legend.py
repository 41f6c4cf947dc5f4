"""Legend: what the marks of the wall map mean, and where its numbers come from."""

from __future__ import annotations

from dataclasses import dataclass

from journeylib.present import VERDICTS, MapLayout, svg
from journeylib.workshop.content.content import Content
from journeylib.workshop.content.differences import room_notes, unplaced_notes
from journeylib.workshop.wall_map.typography import SIZE, SMALL, Lettering, text

LINE = 23.0
Item = tuple[str, str]  # a mark, drawn around the origin, and what it means


@dataclass(frozen=True)
class Legend:
    """The entries of the legend line by line, and the lines of text below them."""

    rows: list[list[Item]]
    lines: list[str]

    @property
    def height(self) -> float:
        """Its height on the map."""
        return LINE * (len(self.rows) + len(self.lines)) + 14

    def draw(self, y: float, width: float, style: Lettering) -> list[str]:
        """Return the legend as it stands below the map."""
        parts = [svg.line(0, y, width, y, "jl-rule")]
        at = y + 6
        for row in self.rows:
            at, x = at + LINE, 8.0
            for mark, word in row:
                where = f"translate({svg.num(x + 8)} {svg.num(at - 6)})"
                parts.append(f'<g transform="{where}">{mark}</g>')
                parts.append(text(x + 22, at, word, SIZE))
                x += 44 + style.width(word, SIZE)
        for line in self.lines:
            at += LINE
            parts.append(text(8, at, line, SMALL, "jl-m"))
        return parts


def make_legend(content: Content, layout: MapLayout, width: float, style: Lettering) -> Legend:
    """Return the legend of a map."""
    rows: list[list[Item]] = [[]]
    x = 8.0
    for mark, word in _legend_items(content):
        need = 44 + style.width(word, SIZE)
        if rows[-1] and x + need > width - 8:
            rows.append([])
            x = 8.0
        rows[-1].append((mark, word))
        x += need
    return Legend(rows, style.wrap(_legend_text(content, layout), width - 20, SMALL, lines=4))


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
    if room_notes(content):
        items.append((svg.rect(-7, -6, 14, 12, "jl-sticky"), words.text("note.legend")))
    return items


def _legend_text(content: Content, layout: MapLayout) -> str:
    """Return how to read the map, and where its numbers come from."""
    words = content.words
    sentences = [words.text("legend.box"), content.source.removesuffix(".")]
    if counts := [flow.journeys for flow in layout.flows]:
        share, most = words.percent(layout.shown_share, 0), max(counts)
        flows = words.text("legend.flow", flows=len(counts), share=share, most=most)
        sentences.insert(1, flows)
    if unplaced := len(unplaced_notes(content)):
        sentences.append(words.text("note.unplaced_n", n=unplaced))
    if layout.hidden_touchpoints:
        sentences.append(words.text("hidden.touchpoints", n=layout.hidden_touchpoints))
    return ". ".join(sentences) + "."
