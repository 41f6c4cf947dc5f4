"""The journey map: touchpoints by stage and channel, with where people go, feel and should go."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from journeylib.core import percent, signed
from journeylib.present.drawing import svg
from journeylib.present.drawing.font_metrics import ANY, FontMetrics
from journeylib.present.figure import Figure, svg_element
from journeylib.present.maps.layout import (
    LINE,
    NAME_LINES,
    NAME_SIZE,
    Band,
    Box,
    Flow,
    MapLayout,
    map_layout,
)
from journeylib.present.tables import as_float
from journeylib.present.theme import FEELING, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterable

LEGEND = 54.0
META_SIZE = 11.5


@dataclass(frozen=True)
class _Facts:
    """What the map says about one touchpoint."""

    stage: str
    channel: str
    journeys: int
    reach: float | None
    sentiment: float | None
    feeling: int
    verdict: str | None
    leans: bool


def draw_map(
    touchpoints: pd.DataFrame,
    transitions: pd.DataFrame,
    *,
    experience: pd.DataFrame | None = None,
    verdicts: Mapping[str, str] | None = None,
    leaning: Collection[str] = (),
    journeys: int | None = None,
    stage_order: Sequence[str] = (),
    channel_order: Sequence[str] = (),
    share: float = 0.95,
    max_touchpoints: int = 60,
    max_flows: int = 36,
    max_returns: int = 6,
    name: str = "journey-map",
    title: str = "Journey map",
    keys: Mapping[tuple[str, ...], str] | None = None,
) -> Figure:
    """Draw the journey map: stage columns × channel lanes, flows in the gutters.

    Parameters
    ----------
    touchpoints : pandas.DataFrame
        `Evidence.touchpoints` or `Journeys.touchpoints`: ``touchpoint``, ``stage``, ``channel``,
        ``journeys``, ``median_position``.
    transitions : pandas.DataFrame
        `Evidence.transitions`: ``source``, ``target``, ``events``, ``journeys``.
    experience : pandas.DataFrame, optional
        `Evidence.experience`: ``touchpoint``, ``sentiment``, ``lo``, ``hi`` from −1 to 1.
    verdicts : mapping, optional
        Touchpoint to verdict code (a key of `theme.VERDICTS`).
    leaning : collection of str
        The touchpoints whose verdict only leans that way.
    journeys : int, optional
        All journeys: boxes then say which share of them they reach.
    stage_order, channel_order : sequence of str
        Names from first to last.
    share : float
        Draw the strongest flows until they carry this share of all moves.
    max_touchpoints, max_flows, max_returns : int
        Beyond these the map counts the rest.
    keys : mapping, optional
        ``(touchpoint,)`` or ``(source, target)`` to the name that its group bears in the picture,
        for an interactive map to find it.

    Returns
    -------
    Figure
        `table` has one row per drawn flow.
    """
    layout = map_layout(
        touchpoints,
        transitions,
        stage_order=stage_order,
        channel_order=channel_order,
        share=share,
        max_touchpoints=max_touchpoints,
        max_flows=max_flows,
        max_returns=max_returns,
    )
    facts = _facts(touchpoints, experience, verdicts or {}, leaning, journeys)
    loops = {
        source: int(count)
        for source, target, count in transitions[["source", "target", "journeys"]].itertuples(
            index=False, name=None
        )
        if source == target
    }
    alt = _finding(layout, facts, journeys)
    legend = _legend(layout, facts)
    keys = keys or {}
    parts = [*map_grid(layout), *_flows(layout, journeys, keys)]
    parts += [
        _box(box, facts.get(box.name), loops.get(box.name, 0), keys.get((box.name,)))
        for box in layout.boxes
    ]
    parts += legend
    return Figure(
        name=name,
        title=title,
        alt=alt,
        svg=svg_element(
            parts,
            width=layout.width,
            height=layout.height + LEGEND,
            alt=alt,
            min_width=min(round(layout.width * 0.72), 1180),
        ),
        table=_table(layout, journeys),
        note=_note(layout, felt=any(fact.sentiment is not None for fact in facts.values())),
    )


def feeling(value: float | None, lo: float | None, hi: float | None) -> int:
    """Return 1, −1 or 0: a feeling is marked where it is far from neutral for certain."""
    if value is None or abs(value) < FEELING:
        return 0
    if (lo is not None and lo <= 0 < value) or (hi is not None and hi >= 0 > value):
        return 0
    return 1 if value > 0 else -1


def feelings(experience: pd.DataFrame | None) -> dict[str, tuple[float, int]]:
    """Return sentiment and marked feeling of each touchpoint that has a sentiment."""
    found: dict[str, tuple[float, int]] = {}
    if experience is None:
        return found
    for touchpoint, value, lo, hi in experience[["touchpoint", "sentiment", "lo", "hi"]].itertuples(
        index=False, name=None
    ):
        sentiment = as_float(value)
        if sentiment is not None:
            found[touchpoint] = (sentiment, feeling(sentiment, as_float(lo), as_float(hi)))
    return found


def _facts(
    touchpoints: pd.DataFrame,
    experience: pd.DataFrame | None,
    verdicts: Mapping[str, str],
    leaning: Collection[str],
    journeys: int | None,
) -> dict[str, _Facts]:
    felt = feelings(experience)
    facts = {}
    for name, stage, channel, count in touchpoints[
        ["touchpoint", "stage", "channel", "journeys"]
    ].itertuples(index=False, name=None):
        value, mark = felt.get(name, (None, 0))
        facts[name] = _Facts(
            stage="" if pd.isna(stage) else svg.clean(stage),
            channel="" if pd.isna(channel) else svg.clean(channel),
            journeys=int(count),
            reach=count / journeys if journeys else None,
            sentiment=value,
            feeling=mark,
            verdict=verdicts.get(name),
            leans=name in leaning,
        )
    return facts


def map_grid(layout: MapLayout) -> list[str]:
    """Return lanes and stage heads of a map, which every map has alike."""
    parts = []
    right = layout.width
    for i, lane in enumerate(layout.lanes):
        if i % 2 == 0:
            parts.append(svg.rect(0, lane.start, right, lane.size, "jl-band", radius=4))
        if lane.name:
            lines = svg.wrap(lane.name, 88, 13.5, bold=True)
            y = lane.start + lane.size / 2 + 4.5 - 8 * (len(lines) - 1)
            texts = [svg.label(8, y + 16 * k, line, "jl-t6 jl-b") for k, line in enumerate(lines)]
            parts.append(svg.titled(lane.name, *texts))
    if layout.returns:
        y = layout.returns.start
        parts.append(svg.line(0, y + 6, right, y + 6, "jl-rule"))
        parts.append(svg.label(8, y + 25, layout.returns.name, "jl-t6 jl-b"))
    if any(column.name for column in layout.columns):
        ends = [column.start for column in layout.columns[1:]] + [layout.width + 4]
        parts += [stage_head(*pair) for pair in zip(layout.columns, ends, strict=True)]
    return parts


def stage_head(column: Band, end: float, *, size: float = 14.0, face: FontMetrics = ANY) -> str:
    """Return a stage's chevron, which reaches to the next one (`end`)."""
    left, right, tip = column.start - 8, end - 20, 10
    outline = [(left, 4), (right, 4), (right + tip, 20), (right, 36), (left, 36), (left + tip, 20)]
    text = svg.shorten(column.name, right - left - 2 * tip, size, bold=True, face=face)
    return svg.titled(
        column.name,
        f'<path d="{svg.path(outline, closed=True)}" class="jl-head"/>',
        svg.label(
            (left + right) / 2 + tip,
            20 + size * 0.36,
            text,
            "jl-headt",
            anchor="middle",
            extra=f' style="font-size:{svg.num(size)}px"',
        ),
    )


def flow_width(journeys: int, most: int) -> float:
    """Return the width of a flow in pixels, linear in journeys."""
    return 1.2 + 3.4 * journeys / most if most else 1.2


def _flows(
    layout: MapLayout, journeys: int | None, keys: Mapping[tuple[str, ...], str]
) -> list[str]:
    most = max((flow.journeys for flow in layout.flows), default=0)
    # Weak first, so that strong flows lie on top.
    return [
        flow_line(
            flow,
            most,
            f"{flow.source} → {flow.target}: {_count(flow.journeys, journeys)}",
            key=keys.get((flow.source, flow.target)),
        )
        for flow in reversed(layout.flows)
    ]


def flow_line(flow: Flow, most: int, title: str, *, key: str | None = None) -> str:
    """Return a flow as a line with a tip; `most` journeys make the widest."""
    width = flow_width(flow.journeys, most)
    (x0, _), (x1, y1) = flow.points[-2], flow.points[-1]
    way = 1 if x1 > x0 else -1
    size = 3.4 + width * 0.6
    tip = [(x1, y1), (x1 - way * size * 1.5, y1 - size), (x1 - way * size * 1.5, y1 + size)]
    points = [*flow.points[:-1], (x1 - way * size, y1)]
    kind = "jl-back" if flow.way == "return" else "jl-flow"
    return svg.titled(
        title,
        f'<path d="{svg.path(points)}" class="{kind}" stroke-width="{svg.num(width)}"/>',
        f'<path d="{svg.path(tip, closed=True)}" class="{kind}t"/>',
        kind="jl-edge",
        key=key,
    )


def _count(count: int, journeys: int | None) -> str:
    text = f"{count:,} journeys"
    return f"{text} ({percent(count / journeys, 0)})" if journeys else text


def _box(box: Box, facts: _Facts | None, loops: int, key: str | None) -> str:
    if facts is None:
        kind = "jl-box jl-more"
        return svg.titled(
            f"{box.more} touchpoints with fewer journeys are not drawn",
            svg.rect(box.x, box.y, box.width, box.height, kind, radius=6),
            svg.label(
                box.x + box.width / 2,
                box.y + box.height / 2 + 4,
                f"{box.more} more",
                "jl-t4 jl-m",
                anchor="middle",
            ),
        )
    mood = {1: " jl-good", -1: " jl-bad"}.get(facts.feeling, "")
    parts = [svg.rect(box.x, box.y, box.width, box.height, f"jl-box{mood}", radius=6)]
    left = box.x + 10.0
    if facts.verdict:
        spot = (box.x + 14, box.y + box.height / 2, 5.5)
        parts.append(svg.verdict_marker(facts.verdict, *spot, leaning=facts.leans))
        left = box.x + 28.0
    room = box.x + box.width - 6 - left
    strong = facts.feeling != 0
    lines = svg.wrap(box.name, room, NAME_SIZE, lines=NAME_LINES, bold=strong)
    height = LINE * len(lines) + 13
    y = box.y + (box.height - height) / 2 + 12.5
    weight = " jl-b" if strong else ""
    for line in lines:
        parts.append(svg.label(left, y, line, f"jl-t6{weight}"))
        y += LINE
    parts += _meta(left, y - 1, room, facts, loops)
    return svg.titled(_tooltip(box.name, facts, loops), *parts, key=key)


def _meta(left: float, y: float, room: float, facts: _Facts, loops: int) -> list[str]:
    """Return the small line of a box: feeling, reach, and repeats where there is room."""
    parts = []
    end = left + room
    if facts.feeling:
        parts.append(svg.triangle(left + 4, y - 4, 4.5, up=facts.feeling > 0))
        kind = "jl-goodt" if facts.feeling > 0 else "jl-badt"
        text = signed(facts.sentiment, 2)
        parts.append(svg.label(left + 12, y, text, f"jl-t2 jl-b {kind}"))
        left += 16 + 0.9 * svg.text_width(text, META_SIZE, bold=True)
    reach = f"{facts.journeys:,}" if facts.reach is None else percent(facts.reach, 0)
    if facts.journeys and loops / facts.journeys >= 0.1:
        again = f"{reach} ⟳{percent(loops / facts.journeys, 0)}"
        if left + svg.text_width(again, META_SIZE) <= end + 8:
            reach = again
    parts.append(svg.label(left, y, reach, "jl-t2 jl-m"))
    return parts


def _tooltip(name: str, facts: _Facts, loops: int) -> str:
    words = [name]
    if facts.stage or facts.channel:
        words.append(", ".join(filter(None, (facts.stage, facts.channel))))
    reach = f"{facts.journeys:,} journeys"
    words.append(reach if facts.reach is None else f"{reach} ({percent(facts.reach, 0)})")
    if loops:
        words.append(f"again at once in {loops:,} journeys")
    if facts.sentiment is not None:
        words.append(f"feeling {signed(facts.sentiment, 2)}")
    if facts.verdict:
        words.append("leans to " * facts.leans + VERDICTS[facts.verdict].word)
    return " · ".join(words)


def _legend(layout: MapLayout, facts: Mapping[str, _Facts]) -> list[str]:
    y, x = layout.height + 30, 8.0
    parts = []
    used = {fact.verdict for fact in facts.values()}
    for code, verdict in VERDICTS.items():
        if code in used:
            parts.append(svg.verdict_marker(code, x + 6, y - 4, 5.5))
            parts.append(svg.label(x + 17, y, verdict.word, "jl-t4"))
            x += 31 + svg.text_width(verdict.word, 12)
    leanings = {fact.verdict for fact in facts.values() if fact.leans and fact.verdict}
    if leanings:
        word = "hollow: only leans that way"
        parts.append(svg.verdict_marker(min(leanings), x + 6, y - 4, 5.5, leaning=True))
        parts.append(svg.label(x + 17, y, word, "jl-t4"))
        x += 31 + svg.text_width(word, 12)
    if any(fact.feeling for fact in facts.values()):
        for up, word in ((True, "feels good"), (False, "feels bad")):
            parts.append(svg.triangle(x + 6, y - 4, 4.5, up=up))
            parts.append(svg.label(x + 16, y, word, "jl-t4"))
            x += 28 + svg.text_width(word, 12)
    most = max((flow.journeys for flow in layout.flows), default=0)
    if most:
        word = f"widest flow: {most:,} journeys"
        parts.append(
            f'<path d="{svg.path([(x + 2, y - 4), (x + 26, y - 4)])}" class="jl-flow" '
            f'stroke-width="{svg.num(flow_width(most, most))}"/>'
        )
        parts.append(svg.label(x + 33, y, word, "jl-t4"))
        x += 45 + svg.text_width(word, 12)
    if layout.returns:
        parts.append(
            f'<path d="{svg.path([(x + 2, y - 4), (x + 26, y - 4)])}" class="jl-back" '
            'stroke-width="2"/>'
        )
        parts.append(svg.label(x + 33, y, "way back", "jl-t4"))
    return parts


def _finding(layout: MapLayout, facts: Mapping[str, _Facts], journeys: int | None) -> str:
    stages = sum(1 for column in layout.columns if column.name)
    where = [_number_of(stages, "stage")] if stages else []
    if layout.lanes and layout.lanes[0].name:
        where.append(_number_of(len(layout.lanes), "channel"))
    text = f"{len(facts)} touchpoints"
    text += f" in {' and '.join(where)}. " if where else ". "
    if layout.flows:
        top = layout.flows[0]
        text += f"Strongest flow: {top.source} → {top.target}, {_count(top.journeys, journeys)}. "
    bad = _worst(facts, -1)
    if bad:
        listed = ", ".join(f"{name} ({signed(facts[name].sentiment, 2)})" for name in bad[:3])
        total = sum(1 for fact in facts.values() if fact.feeling < 0)
        subject = "touchpoint feels" if total == 1 else "touchpoints feel"
        text += f"{total} {subject} bad, worst: {listed}."
    return text.strip()


def _number_of(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _worst(facts: Mapping[str, _Facts], way: int) -> list[str]:
    chosen: Iterable[str] = (name for name, fact in facts.items() if fact.feeling == way)
    return sorted(chosen, key=lambda name: (-way * (facts[name].sentiment or 0.0), name))


def _note(layout: MapLayout, *, felt: bool) -> str:
    flows = len(layout.flows)
    text = (
        f"Drawn are the {flows} strongest flows; they carry {percent(layout.shown_share, 0)} of "
        f"all moves between touchpoints ({layout.hidden_flows:,} weaker ones are not drawn). "
        "Width is the number of journeys; the small number in a box is how many journeys reach it, "
        "⟳ how many of those repeat it at once."
    )
    if felt:
        text += f" ▲ ▼ mark a feeling at least {FEELING} from neutral for certain."
    if layout.hidden_touchpoints:
        text += f" {layout.hidden_touchpoints:,} touchpoints with fewer journeys are not drawn."
    return text


def _table(layout: MapLayout, journeys: int | None) -> pd.DataFrame:
    words = {"forward": "onward", "within": "within the stage", "return": "back"}
    table = pd.DataFrame(
        {
            "From": [flow.source for flow in layout.flows],
            "To": [flow.target for flow in layout.flows],
            "Way": [words[flow.way] for flow in layout.flows],
            "Journeys": [flow.journeys for flow in layout.flows],
        }
    )
    if journeys:
        table["Share of journeys (%)"] = [
            round(100 * flow.journeys / journeys, 1) for flow in layout.flows
        ]
    return table
