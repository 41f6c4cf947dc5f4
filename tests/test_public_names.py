"""The public names as a newcomer meets them: documented, near misses answered, rows never shown."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import journeylib as jl
from journeylib.log.eventlog import EventLog

LogOf = Callable[..., EventLog]


def test_every_public_name_is_there_and_listed_once() -> None:
    assert len(jl.__all__) == len(set(jl.__all__))
    assert [name for name in jl.__all__ if getattr(jl, name).__name__ != name] == []


@pytest.mark.parametrize("name", jl.__all__)
def test_every_public_name_says_what_it_takes_and_gives(name: str) -> None:
    subject = getattr(jl, name)
    doc = inspect.getdoc(subject) or ""
    assert doc.split("\n")[0].endswith((".", ","))
    if inspect.isfunction(subject):
        assert "Parameters\n" in doc
        assert "Returns\n" in doc or "Raises\n" in doc
        taken = [p.name for p in inspect.signature(subject).parameters.values()]
        assert [argument for argument in taken if argument not in doc] == []


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match=r"'jorney_map'\. Did you mean 'journey_map'\?"):
        _ = jl.jorney_map


def test_what_is_printed_of_a_log_holds_no_row(log_of: LogOf) -> None:
    log = log_of(("Mrs Secret", 0, "Web"), ("Mrs Secret", 1, "Call"))
    journeys = jl.rebuild(log, jl.JourneySettings(min_customers=1))
    assert repr(log) == (
        "EventLog 'log': 2 rows read as events (customer, t_us, touchpoint, position)"
    )
    assert repr(journeys) == (
        "log: 1 journeys of 1 customers, 2 events, 1970-01-01 to 1970-01-01, "
        "cut after 30 days of silence"
    )
    few = jl.rebuild(log, jl.JourneySettings(min_customers=10))
    assert repr(few) == (
        "log: journeys of fewer than 10 customers, 1970-01-01 to 1970-01-01, "
        "cut after 30 days of silence"
    )


def test_an_estimate_that_is_not_there_is_answered_with_the_nearest(log_of: LogOf) -> None:
    journeys = jl.rebuild(log_of(("a", 0, "Web")), jl.JourneySettings(min_customers=1))
    evidence = jl.measure(journeys)
    assert evidence.estimate("Web", "rework")["abstain"] == "n_small"
    with pytest.raises(jl.ConfigError, match=r"measure 'rewerk'\. Did you mean 'rework'\?"):
        evidence.estimate("Web", "rewerk")
    with pytest.raises(jl.ConfigError, match=r"touchpoint 'Wbe'\. Did you mean 'Web'\?"):
        evidence.estimate("Wbe", "rework")


def test_what_is_of_another_kind_is_answered_with_what_makes_the_right_one(log_of: LogOf) -> None:
    log = log_of(("a", 0, "Web"))
    table = pd.DataFrame({"customer": ["a"]})
    for call in (jl.rebuild, jl.stitch, jl.suggest_mapping):
        with pytest.raises(jl.ConfigError, match=r"^EventLog expected, DataFrame given: jl.read_"):
            call(table)
    of_journeys = (
        *(jl.transitions, jl.variants, jl.simplify, jl.stories, jl.examples, jl.journey_chain),
        *(jl.journey_graph, jl.measure, jl.score),
    )
    for call in of_journeys:
        with pytest.raises(jl.ConfigError, match=r"^Journeys expected, EventLog given: jl.rebuild"):
            call(log)
    journeys: Any = jl.rebuild(log, jl.JourneySettings(min_customers=1))
    calls: tuple[tuple[Callable[..., Any], tuple[Any, ...], str], ...] = (
        (jl.rebuild, (log, {"cut": "gap"}), "JourneySettings expected, dict given"),
        (jl.compare, (journeys, table), "Journeys expected, DataFrame given"),
        (jl.planned_vs_actual, (log, ["Web"]), "Journeys expected, EventLog given"),
        (jl.write_customers, (log, "ids.csv"), "Journeys expected, EventLog given"),
        (jl.apply_mapping, (log, {"Web": "Site"}), "TouchpointMapping expected, dict given"),
        (jl.journey_map, (log,), "Journeys or Audit expected, EventLog given"),
        (jl.explore, (table,), "Journeys or Audit expected, DataFrame given"),
        (jl.difference_map, (journeys,), "Comparison expected, Journeys given"),
        (jl.comparison_table, (journeys,), "Comparison expected, Journeys given"),
        (jl.touchpoint, (journeys, "Web"), "Audit expected, Journeys given"),
        (jl.what_if, (journeys, {"Web": 0.4}), "Audit expected, Journeys given"),
        (jl.save, (journeys,), "Audit expected, Journeys given"),
    )
    for call, arguments, message in calls:
        with pytest.raises(jl.ConfigError, match=f"^{message}: jl"):
            call(*arguments)


def test_what_is_no_table_and_no_schema_is_refused_in_words() -> None:
    table = pd.DataFrame({"who": ["a"], "step": ["Web"], "at": ["2026-01-31"]})
    roles = {"customer": "who", "touchpoint": "step", "timestamp": "at"}
    with pytest.raises(jl.LogError, match=r"^a log cannot be read from Series\. Give a path"):
        jl.read_log(table["step"], roles)
    with pytest.raises(jl.SchemaError, match=r"Schema gives roles their columns, .* not as str"):
        jl.read_log(table, "who")  # type: ignore[arg-type]


def test_results_name_their_parts_and_print_nothing_else(log_of: LogOf) -> None:
    rows = [(f"c{no}", at, name) for no in range(12) for at, name in enumerate(("Web", "Call"))]
    journeys = jl.rebuild(log_of(*rows), jl.JourneySettings(min_customers=1))
    assert repr(jl.simplify(journeys)).splitlines() == [
        "Simplified",
        "  .touchpoints     DataFrame of 2 × 9",
        "  .transitions     DataFrame of 3 × 6",
        "  .ledger          DataFrame of 5 × 5",
        "  .journeys        int",
        "  .journeys_shown  int",
        "  .share           float",
        "  .kept_ways       int",
        "  .beyond          int",
    ]
    results = (
        jl.measure(journeys),
        jl.score(journeys),
        jl.journey_chain(journeys),
        jl.planned_vs_actual(journeys, ["Web", "Call"]),
        jl.stories(journeys),
    )
    for result in results:
        first, *parts = repr(result).splitlines()
        assert first == type(result).__name__
        assert parts
        assert [line for line in parts if not line.startswith("  .") or "Web" in line] == []
