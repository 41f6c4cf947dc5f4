"""Journeys cut, ordered and counted, against answers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from journeylib.core.errors import SchemaError
from journeylib.journeys.graph.transitions import journey_graph, transitions, variants
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.tables import END, START
from journeylib.log.eventlog import EventLog

DAY = 86_400_000_000
LogOf = Callable[..., EventLog]
SHOW_ALL = JourneySettings(min_customers=1)


def steps_of(journeys: Journeys) -> pd.DataFrame:
    return journeys.steps.to_pandas().sort_values(["journey", "step"]).reset_index(drop=True)


def test_a_gap_longer_than_the_limit_cuts_and_one_as_long_does_not(log_of: LogOf) -> None:
    log = log_of(("a", 0, "A"), ("a", 30 * DAY, "B"), ("a", 60 * DAY + 1, "C"), ("b", 0, "A"))
    found = variants(rebuild(log, SHOW_ALL), min_customers=1)
    assert sorted(found["variant"]) == [("A",), ("A", "B"), ("C",)]


def test_a_long_call_is_not_silence(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, 40 * DAY, "Repair"),
        ("a", 5 * DAY, None, "Ask"),
        ("a", 50 * DAY, None, "Thank"),
        columns="customer t_us end_us touchpoint",
    )
    assert list(variants(rebuild(log, SHOW_ALL))["variant"]) == [("Repair", "Ask", "Thank")]


def test_the_case_id_wins_and_belongs_to_one_customer(log_of: LogOf) -> None:
    log = log_of(
        ("a", "1", 0, "A"),
        ("a", "1", 400 * DAY, "B"),
        ("b", "1", 1, "A"),
        columns="customer case t_us touchpoint",
    )
    assert sorted(variants(rebuild(log, SHOW_ALL))["variant"]) == [("A",), ("A", "B")]


@pytest.mark.slow
def test_ties_break_by_position_then_name_whatever_the_order_of_rows(log_of: LogOf) -> None:
    rows = [("a", 5, "B", 2), ("a", 5, "C", 1), ("a", 5, "A", 2), ("a", 1, "D", 9)]
    columns = "customer t_us touchpoint position"
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]):
        journeys = rebuild(log_of(*[rows[i] for i in order], columns=columns), SHOW_ALL)
        assert list(variants(journeys)["variant"]) == [("D", "C", "A", "B")]


def test_steps_carry_visits_waits_and_service(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, 10, "A"),
        ("a", 15, 12, "B"),
        ("a", 20, None, "A"),
        columns="customer t_us end_us touchpoint",
    )
    steps = steps_of(rebuild(log, SHOW_ALL))
    assert list(steps["visit"]) == [1, 1, 2]
    assert list(steps["service_us"].astype(object).where(steps["service_us"].notna(), None)) == [
        10,
        None,
        None,
    ]
    assert list(steps["wait_us"].dropna()) == [5, 5]
    assert list(steps["steps"]) == [3, 3, 3]


def test_ends_open_and_cut_off(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Start"),
        ("a", 1 * DAY, "Buy"),
        ("b", 40 * DAY, "Start"),
        ("c", 50 * DAY, "Buy"),
        ("c", 51 * DAY, "Cancel"),
        ("d", 99 * DAY, "Start"),
        ("e", 100 * DAY, "Buy"),
    )
    settings = JourneySettings(gap_days=20, goals=("Buy",), bad_ends=("Cancel",))
    table = rebuild(log, settings).table.to_pandas().sort_values("start_us")
    assert list(table["end_kind"]) == ["goal", "other", "bad_end", "open", "goal"]
    assert list(table["cut_off"]) == [True, False, False, False, False]


def test_a_log_without_a_clock_has_order_but_no_times(log_of: LogOf) -> None:
    log = log_of(("a", 2, "B"), ("a", 1, "A"), columns="customer position touchpoint")
    journeys = rebuild(log, SHOW_ALL)
    assert journeys.cut == "customer"
    assert list(variants(journeys)["variant"]) == [("A", "B")]
    assert transitions(journeys)["median_seconds"].isna().all()
    assert list(journeys.table.to_pandas()["end_kind"]) == ["other"]


def test_a_cut_that_the_log_cannot_give_is_an_error_that_says_what_to_do(log_of: LogOf) -> None:
    log = log_of(("a", 2, "B"), columns="customer position touchpoint")
    with pytest.raises(SchemaError, match="no clock"):
        rebuild(log, JourneySettings(cut="gap"))
    with pytest.raises(SchemaError, match="role 'journey'"):
        rebuild(log, JourneySettings(cut="case"))


def test_transitions_add_up(log_of: LogOf) -> None:
    log = log_of(("a", 0, "A"), ("a", 7_000_000, "B"), ("b", 0, "A"), ("b", 9_000_000, "B"))
    edges = transitions(rebuild(log, SHOW_ALL))
    assert edges.to_dict("records")[0] == {
        "source": START,
        "target": "A",
        "events": 2,
        "journeys": 2,
        "customers": 2,
        "tied": 0,
        "at_least": False,
        "median_seconds": pytest.approx(float("nan"), nan_ok=True),
    }
    inner = edges[(edges["source"] == "A") & (edges["target"] == "B")]
    assert list(inner["median_seconds"]) == [8.0]
    assert edges["events"].sum() == 4 + 2  # events plus one START for each journey
    assert set(edges["target"]) == {"A", "B", END}


def test_cells_below_the_minimum_are_left_out_and_counted(log_of: LogOf) -> None:
    log = log_of(*[(f"c{i}", 0, "A") for i in range(10)], ("x", 0, "Rare"))
    journeys = rebuild(log)
    edges = transitions(journeys)
    assert "Rare" not in set(edges["source"]) | set(edges["target"])
    assert edges.attrs["suppressed"] == 2
    assert sorted(journey_graph(journeys)) == [END, START, "A"]


def test_the_turns_of_one_conversation_at_one_touchpoint_are_one_visit(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "s1", "Bot"),
        ("a", 3_000_000, "s1", "Bot"),
        ("a", 9_000_000, "s1", "Human"),
        ("a", 10_000_000, "s2", "Human"),
        ("a", 11_000_000, None, "Bot"),
        ("a", 12_000_000, None, "Bot"),
        columns="customer t_us session touchpoint",
    )
    journeys = rebuild(log, SHOW_ALL)
    assert list(steps_of(journeys)["visit"]) == [1, 1, 1, 2, 2, 3]
    assert list(variants(journeys)["variant"]) == [("Bot", "Human", "Human", "Bot", "Bot")]
    edges = transitions(journeys).set_index(["source", "target"])
    assert edges.loc[("Bot", "Human"), "median_seconds"] == 9.0
    assert edges.loc[("Bot", "Bot"), "events"] == 1
