"""The map of differences draws what was compared; every figure has its data and its files."""

from __future__ import annotations

import re
import sys

import pytest

import journeylib as jl
from journeylib.core.errors import RunError

HOUR = 3_600_000_000


@pytest.fixture(scope="module")
def groups(log_of):
    kinds = {"a": [("Web", "Buy")] * 60 + [("Chat", "Call")] * 40}
    kinds["b"] = [("Web", "Buy")] * 20 + [("Chat", "Call")] * 80
    rows = [
        (f"{segment}{no:03}", place * HOUR, name, segment)
        for segment, paths in kinds.items()
        for no, path in enumerate(paths)
        for place, name in enumerate(path)
    ]
    log = log_of(*rows, columns="customer t_us touchpoint segment")
    journeys = jl.rebuild(log, jl.JourneySettings(cut="customer"))
    return journeys.in_segment("a"), journeys.in_segment("b")


@pytest.mark.slow
def test_a_difference_has_sign_weight_dash_and_colour(groups):
    figure = jl.difference_map(jl.compare(*groups))
    svg = figure.svg
    assert "<title>Web → Buy: 60.0 % of A, 20.0 % of B (+40.0 pt)</title>" in svg
    assert re.search(r"Web → Buy.*?</title><path [^>]*jl-more-a", svg)
    assert re.search(r"Chat → Call.*?</title><path [^>]*jl-more-b", svg)
    assert svg.count("▲ A +40.0 pt") == 2 and svg.count("▼ B −40.0 pt") == 2
    same = jl.difference_map(jl.compare(groups[0], groups[0])).svg
    assert "▲ A" not in same and "▼ B" not in same
    assert 'class="jl-same"' in same
    assert figure.svg == jl.difference_map(jl.compare(*groups)).svg


def test_what_is_drawn_is_what_is_in_the_table(groups):
    found = jl.compare(*groups)
    shown = jl.comparison_table(found).frame.set_index("what")
    assert len(shown) == len(found.table)
    assert shown.loc["Web → Buy", ["a", "b", "difference"]].tolist() == [60.0, 20.0, 40.0]
    # A small chance is said as elsewhere, never as none; the note has no marks of a program.
    assert shown.loc["Web → Buy", "q_value"] == "under 0.001"
    assert "`" not in jl.comparison_table(found, most=1).note
    assert jl.difference_map(found).data_table().frame.equals(jl.comparison_table(found).frame)


def test_a_comparison_that_abstains_is_drawn_as_its_reason(groups):
    few = groups[0].passing("Web").passing("Chat")
    figure = jl.difference_map(jl.compare(few, groups[0]))
    assert "Not compared" in figure.alt
    assert figure.table.empty


@pytest.mark.slow
@pytest.mark.parametrize("draw", [jl.journey_map, lambda j: jl.difference_map(jl.compare(j, j))])
def test_figures_are_saved_alike_every_time(groups, draw, tmp_path):
    figure = draw(groups[0])
    for ending, head in ((".svg", b"<svg"), (".png", b"\x89PNG"), (".html", b"<!DOCTYPE html>")):
        one, two = (figure.save(tmp_path / f"{name}{ending}").read_bytes() for name in "ab")
        assert one == two
        assert one.startswith(head)
    with pytest.raises(ValueError, match=r"use \.svg, \.png or \.html"):
        figure.save(tmp_path / "a.gif")


def test_the_data_of_a_figure_opens_as_an_interactive_table(groups):
    pytest.importorskip("itables")
    table = jl.journey_map(groups[0]).data_table()
    widget = table.interactive()
    assert widget.caption == table.caption
    assert [str(column) for column in widget.df.columns][:2] == ["From", "To"]
    assert widget.df["Journeys"].tolist() == table.frame["journeys"].tolist()


def test_without_itables_the_error_says_what_to_do(groups, monkeypatch):
    monkeypatch.setitem(sys.modules, "itables.widget", None)
    with pytest.raises(RunError, match=r"pip install 'journeylib\[lab\]'"):
        jl.journey_map(groups[0]).data_table().interactive()
