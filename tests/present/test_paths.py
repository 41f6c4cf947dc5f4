"""Planned versus actual, stories and simplified maps: what is drawn are the numbers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest

from journeylib.journeys.conformance.conformance import planned_vs_actual
from journeylib.journeys.graph.simplify import simplify
from journeylib.journeys.journeys import rebuild
from journeylib.journeys.representatives.timelines import stories
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.present.charts.steps import steps_figure
from journeylib.present.maps.conformance import planned_versus_actual
from journeylib.present.maps.simplified_map import simplified_map
from journeylib.present.maps.timelines import stories_figure
from journeylib.present.theme import LIGHT

HOUR = 3_600_000_000
NASTY = '<b>"X"</b>'


def journeys_of(log_of, *groups):
    rows, number = [], 0
    for copies, path in groups:
        for _ in range(copies):
            number += 1
            rows += [
                (f"c{number}", "one", step * HOUR, touchpoint, "web")
                for step, touchpoint in enumerate(path)
            ]
    log = log_of(*rows, columns="customer case t_us touchpoint channel")
    return rebuild(log, JourneySettings(cut="case", goals=("Buy",), quiet_days=0.001))


@pytest.fixture(scope="module")
def journeys(log_of):
    return journeys_of(
        log_of,
        (50, ["Ask", "Choose", "Buy"]),
        (30, ["Ask", NASTY, "Choose", "Buy"]),
        (20, ["Ask", "Choose"]),
    )


def words(figure):
    return ["".join(t.itertext()) for t in ElementTree.fromstring(figure.svg).iterfind(".//text")]


def test_bars_of_the_plan_are_the_shares(journeys):
    result = planned_vs_actual(journeys, ["Ask", "Choose", "Buy"])
    assert (result.journeys, result.open_journeys) == (100, 0)
    figure = planned_versus_actual(result)
    bought = result.steps.set_index(["touchpoint", "kind"])["share"]
    (skipped,) = [trace for trace in figure.chart.data if trace.name == "skipped"]
    assert skipped.base == pytest.approx([bought["Buy", "as_planned"]])
    assert skipped.x == pytest.approx([bought["Buy", "skipped"]])
    assert f"+ {NASTY}" in words(figure)
    assert NASTY not in figure.svg
    assert len(figure.table) == len(result.steps)


def test_the_finding_of_the_plan_has_its_numbers(journeys):
    figure = planned_versus_actual(planned_vs_actual(journeys, ["Ask", "Choose", "Buy"]))
    assert "of 100 journeys follow the plan to the letter" in figure.alt
    assert "Most often skipped: Buy (20 %)" in figure.alt
    assert f"Most often inserted: {NASTY} (30 %)" in figure.alt
    # 50 follow it and all buy; of the 50 others 30 do.
    assert re.search(r"reached by 100 % .* of those who follow it and 60 % .* of the", figure.alt)


def test_a_story_shows_steps_channels_and_waits(journeys):
    told = stories(journeys)
    felt = pd.DataFrame(
        [("Buy", 0.5, 0.4, 0.6), ("Ask", -0.5, -0.6, -0.4)],
        columns=["touchpoint", "sentiment", "lo", "hi"],
    )
    figure = stories_figure(told, experience=felt)
    shown = words(figure)
    for line in told.timelines:
        assert f"{line.journeys:,} journeys, {line.story.copies:,} of them exactly so" in shown
    assert shown.count("1 h") == sum(len(line.steps) - 1 for line in told.timelines)
    assert "web" in shown
    assert 'class="jl-down"' in figure.svg
    assert len(figure.table) == sum(len(line.steps) for line in told.timelines)


def test_no_story_says_why(log_of):
    few = journeys_of(log_of, (3, ["Ask", "Buy"]))
    told = stories(few)
    assert told.timelines == ()
    assert stories_figure(told).alt.startswith("No story can be told")


def test_a_simplified_map_says_what_share_it_shows(journeys):
    found = simplify(journeys, 0.5)
    figure = simplified_map(found)
    assert figure.alt.startswith("Shown: 2 of 4 touchpoints")
    assert f"{100 * found.share:.0f} % of 100 journeys stay within them." in figure.alt
    assert "(other)" in words(figure)
    assert "2 touchpoints are grouped as “other”, with all their moves." in figure.note


@pytest.mark.slow
def test_figures_do_not_depend_on_the_order_of_rows(log_of):
    groups = [(50, ["Ask", "Choose", "Buy"]), (20, ["Ask", "Buy"])]
    one, other = journeys_of(log_of, *groups), journeys_of(log_of, *reversed(groups))
    plan = ["Ask", "Choose?", "Buy"]
    for draw in (
        lambda of: planned_versus_actual(planned_vs_actual(of, plan)).table.iloc[:, :5].to_csv(),
        lambda of: simplified_map(simplify(of, 0.5)).svg,
    ):
        assert draw(one) == draw(other)


def test_flows_have_the_colour_of_who_should_serve_and_a_legend_in_words(log_of):
    rows = [(f"c{n}", at, name) for n in range(20) for at, name in enumerate(("Ad", "Call", "End"))]
    journeys = rebuild(log_of(*rows), JourneySettings(cut="customer"))
    figure = steps_figure(journeys, "Call", {"Ad": "human_led", "End": "abstain"})
    node = figure.chart.data[0].node
    names = [label.split("<br>")[0] for label in node.label]
    named = dict(zip(names, node.color, strict=True))
    assert (named["Ad"], named["End"]) == (LIGHT["human_led"], LIGHT["flow"])
    assert figure.note.endswith("violet: Human-led, AI in background. The rest is grey.")
    assert "Colour says" not in steps_figure(journeys, "Call").note
