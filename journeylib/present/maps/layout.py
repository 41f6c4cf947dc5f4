"""Layout: where every touchpoint and flow of a journey map stands, before anything is drawn.

One layout object serves every renderer. Touchpoints stand in a fixed grid of stage columns ×
channel lanes whose rows run through all columns; flows run orthogonally, in the gutters between
columns and the corridors between rows, so that none can cross a box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from journeylib.present.drawing.font_metrics import ANY, FontMetrics
from journeylib.present.drawing.svg import clean, wrap
from journeylib.present.maps.layering import layers_of
from journeylib.present.maps.routing import Route, Routed, Way, route

NAME_SIZE, LINE, NAME_LINES = 13.5, 16.0, 3
LANE_LABEL = 98.0
HEADER = 46.0
# Drawn in the words of the catalogue.
NO_STAGE, NO_CHANNEL = "No stage", "No channel"


@dataclass(frozen=True)
class BoxStyle:
    """How large boxes are: a screen needs small ones, a wall wide ones with few lines.

    Attributes
    ----------
    width : float
    marker, margin : float
        Room beside the name, for a verdict's marker and at the end.
    size, line : float
        Of the name's type, and from one of its lines to the next.
    rest : float
        Height beside the lines of the name.
    most : int
        Lines at which a name is cut.
    bold : bool
        Whether a name may be set in bold.
    face : FontMetrics
        The font that names are set in.
    small : float
        Size of a name that needs more than one line, as a factor of `size`.
    floor : float
        Height that no box goes below.
    """

    width: float = 162.0
    marker: float = 25.0
    margin: float = 6.0
    size: float = NAME_SIZE
    line: float = LINE
    rest: float = 23.0
    most: int = NAME_LINES
    bold: bool = True
    face: FontMetrics = ANY
    small: float = 1.0
    floor: float = 0.0

    @property
    def room(self) -> float:
        """Width that the name has."""
        return self.width - self.marker - self.margin

    def lines(self, name: str) -> list[str]:
        """Return a name as the lines of its box."""
        return self.fitted(name)[0]

    def fitted(self, name: str) -> tuple[list[str], float]:
        """Return a name as the lines of its box, and the size that they are set in."""
        whole = self._wrapped(name, self.size)
        if len(whole) == 1 or self.small == 1.0:
            return whole, self.size
        return self._wrapped(name, self.size * self.small), self.size * self.small

    def height(self, name: str) -> float:
        """Return the height of the box that a name needs."""
        lines, size = self.fitted(name)
        return max(self.floor, self.rest + len(lines) * self.line * size / self.size)

    def _wrapped(self, name: str, size: float) -> list[str]:
        return wrap(name, self.room, size, lines=self.most, bold=self.bold, face=self.face)


@dataclass(frozen=True)
class MapOptions:
    """How a map is laid out.

    Attributes
    ----------
    stage_order, channel_order : sequence of str
        Names from first to last; others follow by position.
    share : float
        Draw the strongest flows until they carry this share of all moves.
    max_touchpoints, max_flows, max_returns : int
        Beyond these the map says "n more" instead of becoming a hairball.
    style : BoxStyle
        How large boxes are; by default those of a screen.
    left : float
        Room for the names of the lanes.
    heights : mapping of str to float
        Of the boxes of touchpoints; of others the style says it.
    frame : MapLayout, optional
        A map of more journeys: every touchpoint and flow stands where it stands there.
    """

    stage_order: Sequence[str] = ()
    channel_order: Sequence[str] = ()
    share: float = 0.95
    max_touchpoints: int = 60
    max_flows: int = 36
    max_returns: int = 6
    style: BoxStyle = BoxStyle()
    left: float = LANE_LABEL
    heights: Mapping[str, float] = field(default_factory=dict)
    frame: MapLayout | None = None


@dataclass(frozen=True)
class Band:
    """A column or a lane: its name, where it begins and how far it reaches, in pixels."""

    name: str
    start: float
    size: float


@dataclass(frozen=True)
class Box:
    """A touchpoint in the map, or, where `more` > 0, that many touchpoints not shown."""

    name: str
    x: float
    y: float
    width: float
    height: float
    column: int
    row: int
    more: int = 0


@dataclass(frozen=True)
class Flow:
    """A drawn flow: `points` is its polyline from box to box, only right angles."""

    source: str
    target: str
    journeys: int
    way: Way
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class MapLayout:
    """Boxes, flows, columns and lanes of a map, in pixels.

    Attributes
    ----------
    width, height : float
    columns, lanes : tuple of Band
        `columns` have no names where the log has no stages.
    boxes : tuple of Box
    flows : tuple of Flow
        Strongest first.
    returns : Band or None
        The lane below the grid in which back-flows run.
    hidden_touchpoints, hidden_flows : int
        What is not drawn.
    shown_share : float
        Moves (from one touchpoint to another) that the drawn flows carry, as a share of all.
    """

    width: float
    height: float
    columns: tuple[Band, ...]
    lanes: tuple[Band, ...]
    boxes: tuple[Box, ...]
    flows: tuple[Flow, ...]
    returns: Band | None
    hidden_touchpoints: int
    hidden_flows: int
    shown_share: float


@dataclass(frozen=True)
class _Spot:
    name: str
    column: int
    row: int
    more: int = 0


@dataclass(frozen=True)
class _Columns:
    """The column of each touchpoint, the heads of the columns, the order inside a cell."""

    of: Mapping[str, int]
    heads: Sequence[str]
    order: Mapping[str, float]


@dataclass(frozen=True)
class _DrawnFlows:
    """The flows that are drawn, how many are not, and the share of moves that they carry."""

    routes: Sequence[Route]
    hidden: int
    share: float


def _word(value: object, absent: str) -> str:
    return absent if pd.isna(value) else clean(value)  # type: ignore[call-overload]


def _ordered(names: Mapping[str, float], first: Sequence[str], last: str) -> list[str]:
    """Names in declared order, then by position and name; what stands for 'none' goes last."""
    rank = {clean(name): i for i, name in enumerate(first)}
    return sorted(
        names, key=lambda name: (name == last, rank.get(name, len(rank)), names[name], name)
    )


def _columns(points: pd.DataFrame, moves: pd.DataFrame, stage_order: Sequence[str]) -> _Columns:
    names = points["touchpoint"].tolist()
    position = dict(zip(names, points["median_position"].astype(float), strict=True))
    stages = [_word(value, NO_STAGE) for value in points["stage"]]
    if all(stage == NO_STAGE for stage in stages):
        edges = list(moves[["source", "target", "journeys"]].itertuples(index=False, name=None))
        columns, order = layers_of(position, edges)
        return _Columns(columns, [""] * (max(columns.values(), default=0) + 1), order)
    first: dict[str, float] = {}
    for stage, name in zip(stages, names, strict=True):
        first[stage] = min(first.get(stage, 1.0), position[name])
    heads = _ordered(first, stage_order, NO_STAGE)
    columns = {name: heads.index(stage) for name, stage in zip(names, stages, strict=True)}
    return _Columns(columns, heads, position)


def _spots(
    points: pd.DataFrame,
    columns: _Columns,
    channel_order: Sequence[str],
    shown: set[str],
) -> tuple[list[_Spot], list[tuple[str, int]]]:
    """Deal touchpoints to rows; return the spots and the lanes with their number of rows."""
    lane_of = {
        name: _word(channel, NO_CHANNEL)
        for name, channel in zip(points["touchpoint"], points["channel"], strict=True)
    }
    first: dict[str, float] = {}
    for name, position in zip(points["touchpoint"], points["median_position"], strict=True):
        lane = lane_of[name]
        first[lane] = min(first.get(lane, 1.0), float(position))
    lanes = _ordered(first, channel_order, NO_CHANNEL)
    cells: dict[tuple[str, int], list[str]] = {}
    for name in sorted(lane_of, key=lambda name: (columns.order[name], name)):
        cells.setdefault((lane_of[name], columns.of[name]), []).append(name)
    spots, sizes, top = [], [], 0
    for lane in lanes:
        depth = 1
        for (other, column), members in sorted(cells.items()):
            if other != lane:
                continue
            seen = [name for name in members if name in shown]
            here = [_Spot(name, column, top + i) for i, name in enumerate(seen)]
            if hidden := len(members) - len(seen):
                here.append(_Spot(f"+{hidden}", column, top + len(here), hidden))
            spots += here
            depth = max(depth, len(here))
        sizes.append((lane, depth))
        top += depth
    return spots, sizes


def _drawn_flows(
    moves: pd.DataFrame, columns: Mapping[str, int], shown: set[str], options: MapOptions
) -> _DrawnFlows:
    """Pick the strongest flows until they carry the wanted share of the moves; count the rest."""
    total = int(moves["events"].sum())
    routes: list[Route] = []
    carried = returns = 0
    for source, target, events, journeys in moves[
        ["source", "target", "events", "journeys"]
    ].itertuples(index=False, name=None):
        if source not in shown or target not in shown:
            continue
        step = columns[target] - columns[source]
        way: Way = "return" if step < 0 else "within" if step == 0 else "forward"
        if len(routes) - returns >= options.max_flows or carried >= options.share * total:
            break
        if way == "return":
            if returns >= options.max_returns:
                continue
            returns += 1
        routes.append(Route(source, target, int(journeys), way))
        carried += int(events)
    return _DrawnFlows(routes, len(moves) - len(routes), carried / total if total else 1.0)


def map_layout(
    touchpoints: pd.DataFrame, transitions: pd.DataFrame, options: MapOptions | None = None
) -> MapLayout:
    """Lay out a journey map: stage columns × channel lanes with flows in the gutters.

    Parameters
    ----------
    touchpoints : pandas.DataFrame
        One row per touchpoint: ``touchpoint``, ``stage``, ``channel``, ``journeys``,
        ``median_position``. Without any stage, columns are layers of the flow graph; without
        any channel there is one lane.
    transitions : pandas.DataFrame
        One row per pair: ``source``, ``target``, ``events``, ``journeys``.
    options : MapOptions, optional
        Orders, limits and sizes.

    Returns
    -------
    MapLayout
        The same for every order of the rows.
    """
    options = options or MapOptions()
    style = options.style
    points = touchpoints.sort_values(["journeys", "touchpoint"], ascending=[False, True])
    names = set(points["touchpoint"])
    moves = transitions.loc[
        (transitions["source"] != transitions["target"])
        & transitions["source"].isin(names)
        & transitions["target"].isin(names)
    ].sort_values(["journeys", "source", "target"], ascending=[False, True, True])
    if options.frame is not None:
        return _framed(options.frame, moves)
    columns = _columns(points, moves, options.stage_order)
    shown = set(points["touchpoint"].head(options.max_touchpoints))
    spots, lanes = _spots(points, columns, options.channel_order, shown)
    flows = _drawn_flows(moves, columns.of, shown, options)
    # The boxes of a row have the height that its longest name needs.
    heights = [style.floor] * sum(depth for _, depth in lanes)
    for spot in spots:
        tall = options.heights.get(spot.name) or style.height(spot.name)
        heights[spot.row] = max(heights[spot.row], tall)
    routed = route(
        {spot.name: (spot.column, spot.row) for spot in spots if not spot.more},
        taken={(spot.column, spot.row) for spot in spots},
        routes=flows.routes,
        columns=(len(columns.heads), style.width),
        heights=heights,
        origin=(options.left, HEADER if any(columns.heads) else 4.0),
    )
    columns_x = zip(columns.heads, routed.column_x, strict=True)
    return MapLayout(
        width=routed.width,
        height=routed.height,
        columns=tuple(Band(head, x, style.width) for head, x in columns_x),
        lanes=_lane_bands(lanes, routed),
        boxes=_boxes(spots, routed, style),
        flows=tuple(
            Flow(one.source, one.target, one.journeys, one.way, line)
            for one, line in zip(flows.routes, routed.lines, strict=True)
        ),
        returns=_returns(routed),
        hidden_touchpoints=len(points) - len(shown),
        hidden_flows=flows.hidden,
        shown_share=flows.share,
    )


def _framed(frame: MapLayout, moves: pd.DataFrame) -> MapLayout:
    """Return a layout with the flows that these moves take, as many as take them."""
    columns = [moves[name].tolist() for name in ("source", "target", "events", "journeys")]
    taken = {(one, other): (n, int(m)) for one, other, n, m in zip(*columns, strict=True)}
    flows = [
        replace(flow, journeys=taken[flow.source, flow.target][1])
        for flow in frame.flows
        if (flow.source, flow.target) in taken
    ]
    flows.sort(key=lambda flow: (-flow.journeys, flow.source, flow.target))
    carried = sum(taken[flow.source, flow.target][0] for flow in flows)
    share = carried / total if (total := sum(n for n, _ in taken.values())) else 1.0
    hidden = len(taken) - len(flows)
    return replace(frame, flows=tuple(flows), hidden_flows=hidden, shown_share=share)


def _returns(routed: Routed) -> Band | None:
    below = routed.corridor_middle[-1]
    return Band("", below, routed.height - below) if routed.has_returns else None


def _boxes(spots: Sequence[_Spot], routed: Routed, style: BoxStyle) -> tuple[Box, ...]:
    return tuple(
        Box(
            spot.name,
            routed.column_x[spot.column],
            routed.row_y[spot.row],
            style.width,
            routed.row_height[spot.row],
            spot.column,
            spot.row,
            spot.more,
        )
        for spot in sorted(spots, key=lambda spot: (spot.column, spot.row))
    )


def _lane_bands(lanes: Sequence[tuple[str, int]], routed: Routed) -> tuple[Band, ...]:
    bands, row = [], 0
    for lane, depth in lanes:
        top, bottom = routed.corridor_middle[row], routed.corridor_middle[row + depth]
        name = "" if lane == NO_CHANNEL and len(lanes) == 1 else lane
        bands.append(Band(name, top, bottom - top))
        row += depth
    return tuple(bands)
