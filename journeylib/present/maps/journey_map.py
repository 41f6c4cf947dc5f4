"""The journey map: touchpoints by stage and channel, with where people go, feel and should go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from journeylib.core import number, percent, signed, text
from journeylib.journeys import ELSEWHERE, END, OTHER, START
from journeylib.present.drawing import svg
from journeylib.present.drawing.font_metrics import ANY, FontMetrics
from journeylib.present.figure import Figure, svg_element
from journeylib.present.maps.layout import (
    LINE,
    NAME_LINES,
    NAME_SIZE,
    NO_CHANNEL,
    NO_STAGE,
    Band,
    Box,
    BoxStyle,
    Flow,
    MapLayout,
    MapOptions,
    map_layout,
)
from journeylib.present.tables import as_float
from journeylib.present.theme import FEELING, VERDICTS, feeling

META_SIZE = 11.5
# Of a box: what its height has beside lines, the line below the name, and where the name stands.
BOX_REST, SMALL_LINE = 10.0, 13.0
NAME_START, NAME_END, REACH_ROOM = (10.0, 25.0), 6.0, 38.0  # without and with a verdict's marker
# Names that the journeys give to what is folded.
FOLDED_CHANNEL, OTHER_IN = "Other", "(other in "
PSEUDO_NAMES = {OTHER: "other", START: "start", END: "end", ELSEWHERE: "elsewhere"}


@dataclass(frozen=True)
class Overlay:
    """What a map draws onto the touchpoints and flows, beside their counts.

    Attributes
    ----------
    experience : pandas.DataFrame or None
        `Evidence.experience`: ``touchpoint``, ``sentiment``, ``lo``, ``hi`` from −1 to 1.
    verdicts : mapping
        Touchpoint to verdict code (a key of `theme.VERDICTS`).
    leaning : collection of str
        The touchpoints whose verdict only leans that way.
    journeys : int or None
        All journeys: boxes then say which share of them they reach.
    keys : mapping
        ``(touchpoint,)`` or ``(source, target)`` to the name that its group bears in the picture,
        for an interactive map to find it.
    """

    experience: pd.DataFrame | None = None
    verdicts: Mapping[str, str] = field(default_factory=dict)
    leaning: Collection[str] = ()
    journeys: int | None = None
    keys: Mapping[tuple[str, ...], str] = field(default_factory=dict)


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
    loops: int


def draw_map(
    touchpoints: pd.DataFrame,
    transitions: pd.DataFrame,
    overlay: Overlay | None = None,
    *,
    options: MapOptions | None = None,
    name: str = "journey-map",
    title: str = "",
) -> Figure:
    """Draw the journey map: stage columns × channel lanes, flows in the gutters.

    Parameters
    ----------
    touchpoints : pandas.DataFrame
        `Evidence.touchpoints` or `Journeys.touchpoints`: ``touchpoint``, ``stage``, ``channel``,
        ``journeys``, ``median_position``.
    transitions : pandas.DataFrame
        `Evidence.transitions`: ``source``, ``target``, ``events``, ``journeys``; ``at_least`` if
        some of these are lower bounds.
    overlay : Overlay, optional
        Feelings, verdicts and the number of all journeys.
    options : MapOptions, optional
        Orders and limits.
    name, title : str
        Of the figure.

    Returns
    -------
    Figure
        `table` has one row per drawn flow.
    """
    overlay = overlay or Overlay()
    heights = box_heights(touchpoints["touchpoint"], overlay)
    options = replace(options or MapOptions(), heights=heights)
    layout = map_layout(touchpoints, transitions, options)
    facts = _facts(touchpoints, transitions, overlay)
    alt = _finding(layout, facts, overlay.journeys)
    parts = [*map_grid(layout), *_flows(layout, overlay)]
    parts += [
        _box(box, facts[box.name], overlay.keys.get((box.name,)))
        if box.name in facts
        else _more_box(box)
        for box in layout.boxes
    ]
    return Figure(
        name=name,
        title=title or text("present.map.title"),
        alt=alt,
        svg=map_svg(layout, parts, _legend(layout, facts), alt),
        table=_table(layout, transitions, overlay.journeys),
        note=" ".join(
            [
                _note(layout, felt=any(fact.sentiment is not None for fact in facts.values())),
                *bounds_note(transitions),
            ]
        ),
    )


def bounds_note(transitions: pd.DataFrame) -> list[str]:
    """Say how many transitions are lower bounds, where some are."""
    many = int(_bounded(transitions).sum())
    return [text("present.map.at_least", n=many)] if many else []


def _bounded(transitions: pd.DataFrame) -> pd.Series[bool]:
    return transitions.get("at_least", pd.Series(False, index=transitions.index)).astype(bool)


def map_svg(layout: MapLayout, parts: list[str], legend: list[svg.LegendEntry], alt: str) -> str:
    """Return the drawn parts of a map, with its legend below, as an ``<svg>``."""
    least = min(round(layout.width * 0.72), 1180)
    below, y = svg.legend(8, layout.height + 30, legend, layout.width - 16)
    return svg_element(
        [*parts, *below], width=layout.width, height=y + 16, alt=alt, min_width=least
    )


def feelings(experience: pd.DataFrame | None) -> dict[str, tuple[float, int]]:
    """Return sentiment and marked feeling of each touchpoint that has a sentiment."""
    return {
        row["touchpoint"]: (value, feeling(value, as_float(row["lo"]), as_float(row["hi"])))
        for row in (() if experience is None else experience.to_dict("records"))
        if (value := as_float(row["sentiment"])) is not None
    }


def box_heights(names: Iterable[str], overlay: Overlay) -> dict[str, float]:
    """Return the height of each touchpoint's box: low where its reach fits beside its name."""
    felt = {name for name, (_, mark) in feelings(overlay.experience).items() if mark}
    heights = {}
    for name in names:
        bold = name in felt
        room = BoxStyle().width - NAME_END - NAME_START[name in overlay.verdicts]
        lines = svg.wrap(shown_name(name), room, NAME_SIZE, lines=NAME_LINES, bold=bold)
        width = svg.text_width(lines[0], NAME_SIZE)
        one_line = len(lines) == 1 and not bold and width <= room - REACH_ROOM
        heights[name] = BOX_REST + LINE * len(lines) + (0.0 if one_line else SMALL_LINE)
    return heights


def _facts(
    touchpoints: pd.DataFrame, transitions: pd.DataFrame, overlay: Overlay
) -> dict[str, _Facts]:
    felt = feelings(overlay.experience)
    own = transitions[transitions["source"] == transitions["target"]]
    loops = dict(zip(own["source"], own["journeys"].astype(int), strict=True))
    facts = {}
    for row in touchpoints.to_dict("records"):
        name, count = row["touchpoint"], int(row["journeys"])
        value, mark = felt.get(name, (None, 0))
        facts[name] = _Facts(
            stage="" if pd.isna(row["stage"]) else svg.clean(row["stage"]),
            channel="" if pd.isna(row["channel"]) else svg.clean(row["channel"]),
            journeys=count,
            reach=count / overlay.journeys if overlay.journeys else None,
            sentiment=value,
            feeling=mark,
            verdict=overlay.verdicts.get(name),
            leans=name in overlay.leaning,
            loops=loops.get(name, 0),
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
            name = text("no_channel") if lane.name in (NO_CHANNEL, FOLDED_CHANNEL) else lane.name
            lines = svg.wrap(name, 88, 13.5, bold=True)
            y = lane.start + lane.size / 2 + 4.5 - 8 * (len(lines) - 1)
            texts = [svg.label(8, y + 16 * k, line, "jl-t6 jl-b") for k, line in enumerate(lines)]
            parts.append(svg.titled(name, *texts))
    if layout.returns:
        y = layout.returns.start
        parts.append(svg.line(0, y + 6, right, y + 6, "jl-rule"))
        parts.append(svg.label(8, y + 25, text("present.map.returns"), "jl-t6 jl-b"))
    if any(column.name for column in layout.columns):
        ends = [column.start for column in layout.columns[1:]] + [layout.width + 4]
        parts += [stage_head(*pair) for pair in zip(layout.columns, ends, strict=True)]
    return parts


def stage_head(column: Band, end: float, *, size: float = 14.0, face: FontMetrics = ANY) -> str:
    """Return a stage's chevron, which reaches to the next one (`end`)."""
    left, right, tip = column.start - 8, end - 20, 10
    outline = [(left, 4), (right, 4), (right + tip, 20), (right, 36), (left, 36), (left + tip, 20)]
    name = text("no_stage") if column.name == NO_STAGE else column.name
    short = svg.shorten(name, right - left - 2 * tip, size, bold=True, face=face)
    return svg.titled(
        name,
        f'<path d="{svg.path(outline, closed=True)}" class="jl-head"/>',
        svg.label(
            (left + right) / 2 + tip,
            20 + size * 0.36,
            short,
            "jl-headt",
            anchor="middle",
            extra=f' style="font-size:{svg.num(size)}px"',
        ),
    )


def flow_width(journeys: int, most: int) -> float:
    """Return the width of a flow in pixels, linear in journeys."""
    return 1.2 + 3.4 * journeys / most if most else 1.2


def _flows(layout: MapLayout, overlay: Overlay) -> list[str]:
    most = max((flow.journeys for flow in layout.flows), default=0)
    # Weak first, so that strong flows lie on top.
    return [
        flow_line(
            flow,
            most,
            f"{flow_name(flow)}: {_count(flow.journeys, overlay.journeys)}",
            key=overlay.keys.get((flow.source, flow.target)),
        )
        for flow in reversed(layout.flows)
    ]


def flow_line(flow: Flow, most: int, title: str, *, key: str | None = None) -> str:
    """Return a flow as a line with a tip; `most` journeys make the widest."""
    kind = "jl-back" if flow.way == "return" else "jl-flow"
    drawn = svg.arrow(flow.points, kind, flow_width(flow.journeys, most))
    return svg.titled(title, drawn, kind="jl-edge", key=key)


def _count(count: int, journeys: int | None) -> str:
    if not journeys:
        return text("present.map.journeys", n=count)
    return text("present.map.journeys_share", n=count, share=percent(count / journeys, 0))


def _more_box(box: Box) -> str:
    """Draw the box of touchpoints that are not drawn, or of one that no journey shown visits."""
    middle = (box.x + box.width / 2, box.y + box.height / 2 + 4)
    title, words = text("present.map.hidden", n=box.more), text("present.map.more", n=box.more)
    if not box.more:
        title = text("present.map.absent", name=shown_name(box.name))
        words = svg.shorten(shown_name(box.name), box.width - 12, 12)
    return svg.titled(
        title,
        svg.rect(box.x, box.y, box.width, box.height, "jl-box jl-more", radius=6),
        svg.label(*middle, words, "jl-t4 jl-m", anchor="middle"),
    )


def _box(box: Box, facts: _Facts, key: str | None) -> str:
    mood = {1: " jl-good", -1: " jl-bad"}.get(facts.feeling, "")
    parts = [svg.rect(box.x, box.y, box.width, box.height, f"jl-box{mood}", radius=6)]
    left = box.x + NAME_START[facts.verdict is not None]
    room = box.x + box.width - NAME_END - left
    if facts.verdict:
        spot = (box.x + 13, box.y + box.height / 2, 5.5)
        parts.append(svg.verdict_marker(facts.verdict, *spot, leaning=facts.leans))
    if box.height < BOX_REST + LINE + SMALL_LINE:
        reach, y = _reach(facts), box.y + box.height / 2 + 4.5
        name_room = room - svg.text_width(reach, META_SIZE) - 6
        parts.append(
            svg.label(left, y, svg.shorten(shown_name(box.name), name_room, NAME_SIZE), "jl-t6")
        )
        parts.append(svg.label(left + room, y, reach, "jl-t2 jl-m", anchor="end"))
    else:
        names, y = name_lines(box, left, room, bold=facts.feeling != 0)
        parts += [*names, *_meta(left, y - 1, room, facts)]
    return svg.titled(_tooltip(box.name, facts), *parts, key=key or box.name)


def shown_name(name: str) -> str:
    """Return a touchpoint's name, or the word for what stands for no single touchpoint."""
    if name.startswith(OTHER_IN):
        return text("present.map.other_in", stage=name.removeprefix(OTHER_IN).removesuffix(")"))
    return text(f"present.map.{PSEUDO_NAMES[name]}") if name in PSEUDO_NAMES else name


def flow_name(flow: Flow) -> str:
    """Return from where to where a flow leads."""
    return f"{shown_name(flow.source)} → {shown_name(flow.target)}"


def name_lines(box: Box, left: float, room: float, *, bold: bool) -> tuple[list[str], float]:
    """Return the name of a box as lines above its small line, and where that one stands."""
    lines = svg.wrap(shown_name(box.name), room, NAME_SIZE, lines=NAME_LINES, bold=bold)
    y = box.y + (box.height - LINE * len(lines) - SMALL_LINE) / 2 + 12.5
    kind = "jl-t6 jl-b" if bold else "jl-t6"
    parts = [svg.label(left, y + LINE * i, line, kind) for i, line in enumerate(lines)]
    return parts, y + LINE * len(lines)


def _meta(left: float, y: float, room: float, facts: _Facts) -> list[str]:
    """Return the small line of a box: feeling, reach, and repeats where there is room."""
    parts = []
    end = left + room
    if facts.feeling:
        parts.append(svg.triangle(left + 4, y - 4, 4.5, up=facts.feeling > 0))
        kind = "jl-goodt" if facts.feeling > 0 else "jl-badt"
        value = signed(facts.sentiment, 2)
        parts.append(svg.label(left + 12, y, value, f"jl-t2 jl-b {kind}"))
        left += 16 + svg.text_width(value, META_SIZE, bold=True)
    reach = _reach(facts)
    if facts.journeys and facts.loops / facts.journeys >= 0.1:
        with_repeats = f"{reach} ⟳{percent(facts.loops / facts.journeys, 0)}"
        if left + svg.text_width(with_repeats, META_SIZE) <= end + 8:
            reach = with_repeats
    parts.append(svg.label(left, y, reach, "jl-t2 jl-m"))
    return parts


def _reach(facts: _Facts) -> str:
    return number(facts.journeys) if facts.reach is None else percent(facts.reach, 0)


def _tooltip(name: str, facts: _Facts) -> str:
    words = [shown_name(name), ", ".join(filter(None, (facts.stage, facts.channel)))]
    words.append(
        text("present.map.journeys", n=facts.journeys)
        if facts.reach is None
        else text("present.map.journeys_share", n=facts.journeys, share=percent(facts.reach, 0))
    )
    if facts.loops:
        words.append(text("present.map.again", n=facts.loops))
    if facts.sentiment is not None:
        words.append(text("present.map.feeling", value=signed(facts.sentiment, 2)))
    if facts.verdict:
        verdict = VERDICTS[facts.verdict].word
        words.append(text("verdict.leaning", verdict=verdict) if facts.leans else verdict)
    return " · ".join(filter(None, words))


def _legend(layout: MapLayout, facts: Mapping[str, _Facts]) -> list[svg.LegendEntry]:
    used = {fact.verdict for fact in facts.values()}
    signs = [(code, verdict.word, False) for code, verdict in VERDICTS.items() if code in used]
    leanings = {fact.verdict for fact in facts.values() if fact.leans and fact.verdict}
    if leanings:
        signs.append((min(leanings), text("present.map.hollow"), True))
    entries = [
        (svg.verdict_marker(code, 6, -4, 5.5, leaning=hollow), 17.0, word, "")
        for code, word, hollow in signs
    ]
    if any(fact.feeling for fact in facts.values()):
        entries += svg.feeling_signs((text("legend.feels_good"), text("legend.feels_bad")))
    if most := max((flow.journeys for flow in layout.flows), default=0):
        sign = svg.stroke(24, "jl-flow", flow_width(most, most))
        entries.append((sign, 33.0, text("present.map.widest", n=most), ""))
    if layout.returns:
        entries.append((svg.stroke(24, "jl-back", 2), 33.0, text("present.map.way_back"), ""))
    return entries


def _finding(layout: MapLayout, facts: Mapping[str, _Facts], journeys: int | None) -> str:
    stages = sum(1 for column in layout.columns if column.name)
    channels = len(layout.lanes) if layout.lanes and layout.lanes[0].name else 0
    where = [
        text(f"present.map.{name}", n=count)
        for name, count in (("stages", stages), ("channels", channels))
        if count
    ]
    listed = f" {text('present.map.and')} ".join(where)
    key = "present.map.counts_in" if where else "present.map.counts"
    sentences = [text(key, n=len(facts), where=listed)]
    if layout.flows:
        top = layout.flows[0]
        count = _count(top.journeys, journeys)
        ends = {"source": shown_name(top.source), "target": shown_name(top.target)}
        sentences.append(text("present.map.strongest", **ends, count=count))
    bad = [name for name, fact in facts.items() if fact.feeling < 0]
    bad.sort(key=lambda name: (facts[name].sentiment or 0.0, name))
    if bad:
        listed = ", ".join(f"{name} ({signed(facts[name].sentiment, 2)})" for name in bad[:3])
        sentences.append(text("present.map.bad", n=len(bad), worst=listed))
    return " ".join(sentences)


def _note(layout: MapLayout, *, felt: bool) -> str:
    notes, share = [text("present.map.note")], percent(layout.shown_share, 0)
    if n := len(layout.flows):
        notes.insert(0, text("present.map.flows", n=n, share=share, hidden=layout.hidden_flows))
    if felt:
        notes.append(text("present.map.felt", limit=FEELING))
    if layout.hidden_touchpoints:
        notes.append(text("present.map.hidden_touchpoints", n=layout.hidden_touchpoints))
    return " ".join(notes)


def _table(layout: MapLayout, transitions: pd.DataFrame, journeys: int | None) -> pd.DataFrame:
    bounded = transitions[_bounded(transitions)]
    pairs = set(zip(bounded["source"], bounded["target"], strict=True))
    table = pd.DataFrame(
        {
            "source": [shown_name(flow.source) for flow in layout.flows],
            "target": [shown_name(flow.target) for flow in layout.flows],
            "way": [text(f"present.map.way_{flow.way}") for flow in layout.flows],
            "journeys": [flow.journeys for flow in layout.flows],
            "at_least": [(flow.source, flow.target) in pairs for flow in layout.flows],
        }
    )
    if journeys:
        table["journey_share_percent"] = [
            round(100 * flow.journeys / journeys, 1) for flow in layout.flows
        ]
    return table
