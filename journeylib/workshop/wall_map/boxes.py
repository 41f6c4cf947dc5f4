"""Boxes: a touchpoint on the wall map, with its verdict, reach and feeling."""

from __future__ import annotations

from dataclasses import dataclass

from journeylib.present import Box, BoxStyle, svg
from journeylib.workshop.content.content import Content, Touchpoint
from journeylib.workshop.content.sentences import verdict_text
from journeylib.workshop.wall_map.typography import Lettering, text


@dataclass(frozen=True)
class Boxes:
    """How boxes are drawn: their style, the lettering, and whether reach stands beside the name."""

    style: BoxStyle
    lettering: Lettering
    beside: bool


def aside_width(content: Content, lettering: Lettering) -> float:
    """Return the room that the widest reach or feeling needs at the end of a box."""
    size = lettering.aside
    widths = [lettering.width(_reach(content, point), size) for point in content.touchpoints]
    widths += [
        lettering.width(content.words.signed(point.mood), size, bold=True) + size
        for point in content.touchpoints
        if point.mark
    ]
    return max(widths, default=0.0)


def draw_box(content: Content, box: Box, point: Touchpoint | None, boxes: Boxes) -> str:
    """Return the box of a touchpoint, or of those that are not shown where there is none."""
    words, style, size = content.words, boxes.style, boxes.style.size
    middle = box.y + box.height / 2
    if point is None:
        more = words.text("more", n=box.more)
        frame = svg.rect(box.x, box.y, box.width, box.height, "jl-box jl-more", radius=6)
        inside = text(
            box.x + box.width / 2, middle + 0.35 * size, more, 0.8 * size, "jl-m", "middle"
        )
        return f'<g class="jl-room">{frame}{inside}</g>'
    mood = {1: " jl-good", -1: " jl-bad"}.get(point.mark, "")
    steps = content.plan.steps if content.plan is not None else None
    unplanned = " jl-unplanned" if steps is not None and point.name not in steps else ""
    parts = [svg.rect(box.x, box.y, box.width, box.height, f"jl-box{mood}{unplanned}", radius=6)]
    spot = (box.x + 0.82 * size, middle, 0.36 * size)
    parts.append(svg.verdict_marker(point.shown_verdict, *spot, leaning=point.is_leaning))
    left = box.x + style.marker
    lines, type_size = style.fitted(point.name)
    below = 0.0 if boxes.beside else boxes.lettering.aside * 1.15
    step = style.line * type_size / size
    y = middle - ((len(lines) - 1) * step + below) / 2 + type_size * 0.35
    for k, line in enumerate(lines):
        parts.append(text(left, y + k * step, line, type_size))
    if boxes.beside:
        parts += _beside(content, point, box.x + box.width - 0.4 * size, middle, boxes.lettering)
    else:
        under = y + (len(lines) - 1) * step + boxes.lettering.aside * 1.2
        parts += _under(content, point, left, under, boxes.lettering)
    title = words.text(
        "alt.box",
        name=point.name,
        channel=point.channel or words.text("none"),
        customers=point.customers,
        verdict=verdict_text(words, point),
    )
    return svg.titled(title, *parts, kind="jl-room")


def _reach(content: Content, point: Touchpoint) -> str:
    """Return the reach of a touchpoint, with its place in the plan and a star for a moment.

    In a lane of several channels its own channel stands there too.
    """
    share = content.words.percent(point.reach, 0)
    lanes = dict(zip(content.points["touchpoint"], content.points["channel"], strict=True))
    if point.channel and lanes.get(point.name, point.channel) != point.channel:
        share = f"{share} · {point.channel}"
    if content.plan is not None and point.name in content.plan.steps:
        share = f"{content.plan.steps.index(point.name) + 1}. · {share}"
    return f"★ {share}" if content.moments_at(point.name) else share


def _beside(
    content: Content, point: Touchpoint, right: float, middle: float, lettering: Lettering
) -> list[str]:
    """Return what stands at the end of a box: feeling above reach."""
    size = lettering.aside
    down = 0.86 if point.mark else 0.35
    parts = [text(right, middle + down * size, _reach(content, point), size, "jl-m", "end")]
    if point.mark:
        value, kind = content.words.signed(point.mood), _mood_kind(point)
        parts.append(text(right, middle - 0.16 * size, value, size, kind, "end"))
        x = right - lettering.width(value, size, bold=True) - 0.5 * size
        parts.append(svg.triangle(x, middle - 0.5 * size, 0.33 * size, up=point.mark > 0))
    return parts


def _mood_kind(point: Touchpoint) -> str:
    return "jl-b " + ("jl-goodt" if point.mark > 0 else "jl-badt")


def _under(
    content: Content, point: Touchpoint, left: float, y: float, lettering: Lettering
) -> list[str]:
    """Return what stands below the name in a box: reach, then feeling."""
    size, reach = lettering.aside, _reach(content, point)
    parts = [text(left, y, reach, size, "jl-m")]
    if point.mark:
        value, kind = content.words.signed(point.mood), _mood_kind(point)
        x = left + lettering.width(reach, size) + 0.9 * size
        parts.append(svg.triangle(x, y - 0.34 * size, 0.33 * size, up=point.mark > 0))
        parts.append(text(x + 0.5 * size, y, value, size, kind))
    return parts
