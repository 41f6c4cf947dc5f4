"""DuckDB and another engine give the same tables: counts exactly, times to 1e-9.

The other engine is Spark unless `--engine` names another: ``pytest tests/test_engines.py --engine
polars``, or the address of a Spark, such as ``spark://host:7077``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from journeylib.journeys.graph import transitions, variants
from journeylib.journeys.segment import JourneySettings
from journeylib.journeys.steps import Journeys, rebuild
from journeylib.log.engine import fetch, hand_over, log_hash
from journeylib.log.eventlog import EventLog
from journeylib.log.inspect import propose
from journeylib.log.read import read_log

LogOf = Callable[..., EventLog]


def handed(log: EventLog, engine: Any) -> EventLog:
    outcomes = None if log.outcomes is None else hand_over(log.outcomes, engine)
    return replace(log, events=hand_over(log.events, engine), outcomes=outcomes)


def tables(journeys: Journeys) -> dict[str, pd.DataFrame]:
    journey_table = fetch(journeys.table.drop("segment"))
    return {
        "touchpoints": journeys.touchpoints,
        "transitions": transitions(journeys, min_customers=1),
        "variants": variants(journeys, min_customers=1),
        "journeys": journey_table.sort_values("journey", ignore_index=True),
    }


def assert_equal(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    for name, table in one.items():
        whole = table.select_dtypes(exclude="floating").columns
        pd.testing.assert_frame_equal(table[whole], other[name][whole], obj=name, check_exact=True)
        pd.testing.assert_frame_equal(table, other[name], obj=name, rtol=1e-9, atol=0)


def assert_same_journeys(log: EventLog, engine: Any, **cut: Any) -> None:
    settings = JourneySettings(**cut)
    other = handed(log, engine)
    assert log_hash(other) == log_hash(log)
    assert_equal(tables(rebuild(log, settings)), tables(rebuild(other, settings)))


@pytest.mark.parametrize("name", ["PrepaidTravelCost", "DomesticDeclarations"])
def test_travel_at_a_university(name: str, shared_data: Path, other_engine: Any) -> None:
    path = shared_data / f"bpic2020/{name}.xes.gz"
    log = read_log(path, propose(path).schema, as_of="2030-01-01")
    assert_same_journeys(log, other_engine)
