import itertools
import time

import pandas as pd
import pytest

from journeylib.present.maps.layering import layers_of
from journeylib.present.maps.layout import MapOptions, map_layout
from tests.present import frames


def layout_of(points=None, moves=None, **options):
    return map_layout(
        frames.touchpoints() if points is None else points,
        frames.transitions() if moves is None else moves,
        MapOptions(**{"stage_order": frames.STAGES, "channel_order": frames.CHANNELS, **options}),
    )


VARIANTS = {
    "telecom": {},
    "all flows": {"share": 1.0, "max_flows": 500, "max_returns": 500},
    "no stages": {"points": frames.touchpoints().assign(stage=None)},
    "no channels": {"points": frames.touchpoints().assign(channel=None)},
    "neither": {"points": frames.touchpoints().assign(stage=None, channel=None)},
    "n more": {"max_touchpoints": 20},
}


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS.keys())
def layout(request):
    return layout_of(**request.param)


def segments(flow):
    return list(itertools.pairwise(flow.points))


def test_no_box_overlaps_another(layout):
    for a, b in itertools.combinations(layout.boxes, 2):
        apart_x = a.x + a.width <= b.x or b.x + b.width <= a.x
        apart_y = a.y + a.height <= b.y or b.y + b.height <= a.y
        assert apart_x or apart_y, (a.name, b.name)


def test_no_flow_enters_a_box(layout):
    for flow in layout.flows:
        for (x1, y1), (x2, y2) in segments(flow):
            assert x1 == x2 or y1 == y2, "only right angles"
            for box in layout.boxes:
                across = min(x1, x2) < box.x + box.width and max(x1, x2) > box.x
                down = min(y1, y2) < box.y + box.height and max(y1, y2) > box.y
                assert not (across and down), (flow.source, flow.target, box.name)


def test_flows_begin_and_end_on_the_edges_of_their_boxes(layout):
    boxes = {box.name: box for box in layout.boxes}
    for flow in layout.flows:
        source, target = boxes[flow.source], boxes[flow.target]
        (x1, y1), (x2, y2) = flow.points[0], flow.points[-1]
        assert x1 == source.x + source.width
        assert x2 == (target.x + target.width if flow.way == "within" else target.x)
        assert source.y < y1 < source.y + source.height
        assert target.y < y2 < target.y + target.height


def test_every_flow_has_ports_of_its_own(layout):
    ends = [flow.points[0] for flow in layout.flows] + [flow.points[-1] for flow in layout.flows]
    assert len(set(ends)) == len(ends)


def test_no_flow_lies_on_another(layout):
    placed = []
    for flow in layout.flows:
        for (x1, y1), (x2, y2) in segments(flow):
            level = ("h", y1, min(x1, x2), max(x1, x2))
            upright = ("v", x1, min(y1, y2), max(y1, y2))
            placed.append((flow, level if y1 == y2 else upright))
    for (f, a), (g, b) in itertools.combinations(placed, 2):
        if f is not g and a[0] == b[0] and abs(a[1] - b[1]) < 0.01:
            assert min(a[3], b[3]) <= max(a[2], b[2]) + 1e-9, (f, g)


def test_everything_lies_inside(layout):
    for flow in layout.flows:
        assert all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in flow.points)
    for box in layout.boxes:
        assert box.x + box.width <= layout.width
        assert box.y + box.height <= layout.height


def test_the_order_of_rows_changes_nothing():
    points = frames.touchpoints().sample(frac=1, random_state=3)
    moves = frames.transitions().sample(frac=1, random_state=4)
    assert layout_of(points, moves) == layout_of()


def test_stages_and_channels_stand_in_the_declared_order():
    layout = layout_of()
    assert tuple(column.name for column in layout.columns) == frames.STAGES
    assert tuple(lane.name for lane in layout.lanes) == frames.CHANNELS


def test_a_cell_is_ordered_by_median_position_then_name():
    points = pd.DataFrame(
        {
            "touchpoint": ["c", "b", "a"],
            "stage": "s",
            "channel": "web",
            "journeys": [1, 2, 3],
            "median_position": [0.1, 0.5, 0.5],
        }
    )
    moves = pd.DataFrame({"source": [], "target": [], "events": [], "journeys": []})
    boxes = map_layout(points, moves).boxes
    assert [box.name for box in boxes] == ["c", "a", "b"]
    assert [box.row for box in boxes] == [0, 1, 2]


def test_what_is_not_drawn_is_counted():
    layout = layout_of(max_touchpoints=20, max_flows=5, max_returns=1)
    assert layout.hidden_touchpoints == 15
    assert sum(box.more for box in layout.boxes) == 15
    moves = frames.transitions()
    moves = moves[moves["source"] != moves["target"]]
    assert layout.hidden_flows + len(layout.flows) == len(moves)
    drawn = {(flow.source, flow.target) for flow in layout.flows}
    kept = [pair in drawn for pair in zip(moves["source"], moves["target"], strict=True)]
    assert layout.shown_share == moves.loc[kept, "events"].sum() / moves["events"].sum()


def test_flows_stop_where_their_share_is_reached():
    moves = pd.DataFrame(
        {"source": ["a", "a", "b"], "target": ["b", "c", "c"], "events": [80, 15, 5],
         "journeys": [80, 15, 5]}
    )  # fmt: skip
    points = pd.DataFrame(
        {"touchpoint": ["a", "b", "c"], "stage": ["s", "t", "u"], "channel": "web",
         "journeys": [95, 80, 20], "median_position": [0.0, 0.5, 1.0]}
    )  # fmt: skip
    layout = map_layout(points, moves, MapOptions(share=0.8))
    assert [(flow.source, flow.target) for flow in layout.flows] == [("a", "b")]
    assert (layout.shown_share, layout.hidden_flows) == (0.8, 2)


def test_back_flows_run_below_the_grid():
    layout = layout_of()
    back = [flow for flow in layout.flows if flow.way == "return"]
    assert back and layout.returns is not None
    for flow in back:
        assert max(y for _, y in flow.points) > layout.returns.start


def test_layers_follow_the_longest_path_and_ignore_the_way_back():
    position = {"a": 0.0, "b": 0.3, "c": 0.6, "d": 1.0}
    edges = [("a", "b", 9), ("b", "c", 9), ("a", "c", 9), ("c", "d", 9), ("d", "a", 9)]
    layers, _ = layers_of(position, edges)
    assert layers == {"a": 0, "b": 1, "c": 2, "d": 3}


def test_long_chains_are_folded_into_few_columns():
    names = [f"t{i:02d}" for i in range(31)]
    edges = [(a, b, 5) for a, b in itertools.pairwise(names)]
    layers, _ = layers_of({name: i / 30 for i, name in enumerate(names)}, edges, max_layers=8)
    assert sorted(set(layers.values())) == list(range(8))


def test_barycentres_uncross_two_flows():
    position = {"a": 0.0, "b": 0.1, "y": 0.8, "x": 0.9}
    _, order = layers_of(position, [("a", "x", 5), ("b", "y", 5)])
    assert (order["a"] < order["b"]) == (order["x"] < order["y"])


def test_forty_touchpoints_take_less_than_50_ms():
    points, moves = frames.touchpoints(), frames.transitions()
    extra = points.head(5).assign(touchpoint=[f"More {i}" for i in range(5)])
    points = pd.concat([points, extra], ignore_index=True)
    took = []
    for _ in range(5):
        start = time.process_time()
        layout_of(points, moves)
        took.append(time.process_time() - start)
    assert min(took) < 0.05


def test_an_empty_log_has_an_empty_map():
    points = frames.touchpoints().head(0)
    layout = layout_of(points, frames.transitions().head(0))
    assert (layout.boxes, layout.flows, layout.shown_share) == ((), (), 1.0)


def test_missing_stages_and_channels_get_a_place_of_their_own():
    points = frames.touchpoints()
    points.loc[[0, 5], "stage"] = pd.NA
    points.loc[[1, 5], "channel"] = None
    layout = layout_of(points)
    assert layout.columns[-1].name == "No stage"
    assert layout.lanes[-1].name == "No channel"
    column = {box.name: layout.columns[box.column].name for box in layout.boxes}
    assert [name for name, stage in column.items() if stage == "No stage"] == [
        "Ask a friend",
        "Visit store",
    ]
