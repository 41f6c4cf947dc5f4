"""How journeys end by touchpoint, and chains of too many touchpoints, worked by hand."""

from __future__ import annotations

import pytest

from journeylib.journeys.graph.ends import journey_ends
from journeylib.journeys.graph.markov_chain import journey_chain
from journeylib.journeys.graph.structure import KEPT, journey_structure
from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.tables import OTHER, START

PATHS = [(20, "AB✓"), (15, "AAB✗"), (5, "A"), (12, "C")]


def journeys_of(log_of, *, min_customers=1):
    rows = [
        (f"{path}{number}", 1, step, touchpoint)
        for count, path in PATHS
        for number in range(count)
        for step, touchpoint in enumerate(path)
    ]
    log = log_of(*rows, columns="customer case position touchpoint")
    settings = JourneySettings(goals=("✓",), bad_ends=("✗",), min_customers=min_customers)
    return rebuild(log, settings)


def said(ends):
    columns = ["touchpoint", "end", "journeys", "n_journeys"]
    return {(t, e): (n, of) for t, e, n, of in ends[columns].itertuples(index=False)}


def test_each_journey_counts_once_at_each_touchpoint_it_comes_by(log_of):
    assert said(journey_ends(journeys_of(log_of))) == {
        (START, "goal"): (20, 52),
        (START, "bad_end"): (15, 52),
        (START, "other"): (17, 52),
        ("A", "goal"): (20, 40),  # twice in fifteen journeys
        ("A", "bad_end"): (15, 40),
        ("A", "other"): (5, 40),
        ("B", "goal"): (20, 35),
        ("B", "bad_end"): (15, 35),
        ("C", "other"): (12, 12),
        ("✓", "goal"): (20, 20),
        ("✗", "bad_end"): (15, 15),
    }


def test_ends_and_touchpoints_of_too_few_customers_are_left_out(log_of):
    ends = said(journey_ends(journeys_of(log_of, min_customers=13)))
    # Of 40 that came by A no more than 20 and 15 can have reached ✓ and ✗: nothing is said there.
    assert not any(touchpoint == "A" for touchpoint, _ in ends)
    assert ends["B", "goal"] == (20, 35)
    assert not any(touchpoint == "C" for touchpoint, _ in ends)


def test_intervals_hold_the_share_and_stay_within_it(log_of):
    ends = journey_ends(journeys_of(log_of)).set_index(["touchpoint", "end"])
    row = ends.loc[("A", "goal")]
    assert 0.3 < row["lo"] < row["share"] == 0.5 < row["hi"] < 0.7
    assert (ends["lo"] >= 0).all()
    assert (ends["hi"] <= 1).all()


def test_the_rarest_of_too_many_touchpoints_are_one_state(log_of):
    journeys = journeys_of(log_of)
    # Of A 40, B 35, ✓ 20, ✗ 15 and C 12 journeys the two largest stay.
    chain = journey_chain(journeys, most=2)
    assert set(chain.table["touchpoint"]) == {START, "A", "B", OTHER}
    base = chain.table.set_index(["touchpoint", "measure"])
    assert base["n_journeys"][OTHER, "p_goal"] == 20 + 15 + 12
    # Moves are counted, not lost: so many visits there were.
    assert chain.value("A", "visits") == pytest.approx((20 + 30 + 5) / 52, abs=1e-12)
    assert chain.value(OTHER, "visits") == pytest.approx(47 / 52, abs=1e-12)
    whole = journey_chain(journeys)
    assert chain.value(START, "p_goal") == pytest.approx(whole.value(START, "p_goal"), abs=1e-12)


def test_the_maps_count_the_same_journeys(log_of):
    found = journey_structure(journeys_of(log_of))
    assert tuple(found.maps) == KEPT
    assert {one.journeys for one in found.maps.values()} == {52}
    assert found.maps[1.0].share == 1.0


def test_a_log_without_shown_touchpoints_has_no_ends(log_of):
    assert journey_ends(journeys_of(log_of, min_customers=1000)).empty
