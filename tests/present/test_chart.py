"""Charts and their still pictures: the same numbers, at the places worked out by hand."""

import re

import pandas as pd
import plotly.graph_objects as go
import pytest

from journeylib.core.estimate import Estimate
from journeylib.present.drawing.chart import chart, room_for, row_axis, ticks, whiskers
from journeylib.present.drawing.chart import words as chart_words
from journeylib.present.drawing.images import png
from journeylib.present.drawing.still import still
from journeylib.present.figure import PLOTLY, chart_figure, svg_element
from journeylib.present.theme import LIGHT


def drawn():
    """A scale of 0 to 10 from pixel 80 to 1080, two rows of 43 pixels from pixel 14."""
    made = chart(144, left=80, right=100).update_layout(
        xaxis=ticks([0, 10], ["0", "10"], range=[0, 10]), yaxis=row_axis(["One", "<b>Two</b>"])
    )
    made.add_bar(
        orientation="h", x=[3.0], y=[0], base=[2.0], width=0.5, marker={"color": LIGHT["bad"]},
        hovertext=["two to five"],
    )  # fmt: skip
    return made.add_scatter(
        x=[5.0], y=[1], mode="markers", marker={"color": LIGHT["good"], "size": 10},
        error_x=whiskers([Estimate(5.0, "share", 4.0, 7.0)]), hovertext=["five"],
    )  # fmt: skip


def test_bars_points_and_whiskers_stand_where_their_numbers_are():
    picture = "".join(still(drawn())[0])
    # 2 is at 80 + 200; 3 more are 300 wide; the row is 43 high, the bar half of that.
    assert '<rect x="280" y="24.8" width="300" height="21.5"' in picture
    # 5 is at 580, the middle of the second row at 14 + 1.5 × 43; 4 and 7 at 480 and 780.
    assert '<circle cx="580" cy="78.5" r="5"' in picture
    assert 'd="M480 78.5L780 78.5"' in picture
    assert "<title>two to five</title>" in picture


def test_a_still_picture_has_the_colours_of_the_page_and_a_png_of_it_those_of_paper():
    parts, width, height = still(drawn())
    picture = "".join(parts)
    assert "fill:var(--jl-bad)" in picture
    assert "fill:var(--jl-good)" in picture
    assert not re.search(r"#[0-9A-F]{6}", picture)
    drawing = svg_element(parts, width=width, height=height, alt="a 1", min_width=100)
    assert png(drawing, width=400).startswith(b"\x89PNG")


def test_a_scale_of_one_value_is_drawn():
    flat = chart(100, left=10, right=10).update_layout(
        xaxis=ticks([], [], range=[3, 3]), yaxis=ticks([], [], range=[0, 1])
    )
    flat.add_scatter(x=[3.0], y=[0.5], mode="markers")
    assert '<circle cx="10" cy="35"' in "".join(still(flat)[0])


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a <b>b</b>", "Q&A"])
def test_names_from_the_log_are_no_markup_in_a_chart(name):
    written = chart_words(name)
    assert "<" not in written
    made = go.Figure(drawn()).update_layout(yaxis=row_axis([written, "Two"]))
    picture = "".join(still(made)[0])
    assert "<script" not in picture
    assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in picture


def test_names_get_the_room_that_they_need_and_no_more():
    assert room_for(["a"], 300) < 60
    assert room_for(["a" * 200], 300) == 300


def test_a_sankey_is_drawn_as_high_as_its_flows():
    link = {"source": [1, 2, 0], "target": [0, 0, 3], "value": [30, 10, 40]}
    node = {"label": ["", "A<br>30", "B<br>10", "C<br>40"], "color": ["#1D4E80"] * 4}
    trace = go.Sankey(
        node=node | {"thickness": 10},
        link=link | {"customdata": ["A", "B", "C"], "color": "#D5DBE2"},
    )
    made = go.Figure(trace).update_layout(
        width=400, height=136, margin={"l": 0, "r": 0, "t": 0, "b": 0}
    )
    parts, width, height = still(made)
    picture = "".join(parts)
    assert (width, height) == (400.0, 136.0)
    # A label needs 36 pixels, the other flow has 100 for 30 of 40: 133.3 for all, 33.3 for 10.
    heights = [float(found) for found in re.findall(r'width="10" height="([\d.]+)"', picture)]
    assert sorted(heights) == [33.3, 100, 133.3, 133.3]
    assert picture.count("<title>") == 3
    assert "var(--jl-head)" in picture


def test_a_chart_is_written_without_the_digits_in_which_processors_differ():
    def written(share: float) -> tuple[str, object]:
        drawn = chart(200, left=10, right=10).add_scatter(x=[share], y=[0], mode="markers")
        layout = {"xaxis": ticks([0, 1], ["0", "1"], range=[0, 1]), "yaxis": row_axis(["a"])}
        figure = chart_figure(
            drawn.update_layout(layout), name="c", title="t", alt="a", table=pd.DataFrame(), note=""
        )
        return figure.live(), figure._repr_mimebundle_()[0][PLOTLY]

    assert 0.1 + 0.2 != 0.3
    assert written(0.1 + 0.2) == written(0.3)
    assert written(0.123456789) != written(0.123456788)
