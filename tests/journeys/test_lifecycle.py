"""Pairing of starts and ends by hand, and against a queue that is walked row by row."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Callable

import pandas as pd
import pytest
from pydantic import ValidationError

from journeylib.journeys.journeys import rebuild
from journeylib.journeys.preparation.lifecycle import pair_lifecycle
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog
from journeylib.log.read import read_log
from journeylib.log.schema import Schema

LogOf = Callable[..., EventLog]
COLUMNS = "customer t_us touchpoint resource lifecycle"


def spans(log: EventLog) -> list[tuple[str, str | None, int, int | None]]:
    """Touchpoint, resource, start and end of each event, in order of start."""
    paired, _ = pair_lifecycle(log)
    rows = paired.events.select("touchpoint", "resource", "t_us", "end_us").to_pyarrow()
    found = [tuple(row.values()) for row in rows.to_pylist()]
    return sorted(found, key=lambda row: (row[2], row[3] is None, row[3] or 0, str(row)))


def test_the_first_to_begin_is_the_first_to_end(log_of: LogOf) -> None:
    log = log_of(
        ("a", 1, "Check", "r", "start"),
        ("a", 2, "Check", "r", "start"),
        ("a", 5, "Check", "r", "complete"),
        ("a", 9, "Check", "r", "complete"),
        columns=COLUMNS,
    )
    assert spans(log) == [("Check", "r", 1, 5), ("Check", "r", 2, 9)]


def test_work_of_another_touchpoint_resource_or_customer_is_another(log_of: LogOf) -> None:
    log = log_of(
        ("a", 1, "Check", "r", "start"),
        ("a", 2, "Check", "s", "complete"),
        ("a", 3, "Call", "r", "complete"),
        ("b", 4, "Check", "r", "complete"),
        ("a", 5, "Pay", None, "start"),
        ("a", 6, "Pay", None, "complete"),
        columns=COLUMNS,
    )
    assert spans(log) == [
        ("Check", "r", 1, None),
        ("Check", "s", 2, None),
        ("Call", "r", 3, None),
        ("Check", "r", 4, None),
        ("Pay", None, 5, 6),
    ]


def test_an_end_too_many_is_an_instant_and_the_next_start_is_not_its(log_of: LogOf) -> None:
    log = log_of(
        ("a", 1, "A", "r", "complete"),
        ("a", 2, "A", "r", "start"),
        ("a", 3, "A", "r", None),
        ("a", 4, "A", "r", "complete"),
        ("a", 5, "A", "r", "other"),
        ("a", 6, "A", "r", "start"),
        columns=COLUMNS,
    )
    assert spans(log) == [
        ("A", "r", 1, None),
        ("A", "r", 2, 3),
        ("A", "r", 4, None),
        ("A", "r", 6, None),
    ]
    _, pairing = pair_lifecycle(log)
    assert pairing is not None
    assert (pairing.paired, pairing.open, pairing.instant, pairing.dropped) == (1, 1, 2, 1)
    assert list(pairing.checks()["rows"]) == [2, 1, 2, 1]


def test_what_begins_and_ends_at_once_is_a_pair(log_of: LogOf) -> None:
    log = log_of(
        ("a", 1, "A", "r", "complete"),
        ("a", 1, "A", "r", "start"),
        ("a", 7, "A", "r", "start"),
        ("a", 9, "A", "r", "complete"),
        ("a", 9, "A", "r", "start"),
        ("a", 12, "A", "r", "complete"),
        columns=COLUMNS,
    )
    assert spans(log) == [("A", "r", 1, 1), ("A", "r", 7, 9), ("A", "r", 9, 12)]


def test_what_the_start_does_not_say_the_end_says(log_of: LogOf) -> None:
    log = log_of(
        ("a", 1, "A", "start", "web", None),
        ("a", 2, "A", "complete", "app", 3_000_000),
        columns="customer t_us touchpoint lifecycle channel cost_micro",
    )
    (event,) = pair_lifecycle(log)[0].events.to_pyarrow().to_pylist()
    assert (event["channel"], event["cost_micro"], event["end_us"]) == ("web", 3_000_000, 2)
    assert "lifecycle" not in event


@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_those_of_a_queue(log_of: LogOf, seed: int) -> None:
    draw = random.Random(seed)
    rows = [
        (draw.choice("ab"), at, draw.choice("XY"), draw.choice(["r", "s", None]),
         draw.choice(["start", "complete"]))
        for at in range(200)
    ]  # fmt: skip
    queues: dict[tuple[object, ...], deque[int]] = defaultdict(deque)
    expected: list[tuple[object, ...]] = []
    for who, at, what, by, how in rows:
        queue = queues[who, what, by]
        if how == "start":
            queue.append(at)
        else:
            begun = queue.popleft() if queue else None
            expected.append((what, by, at, None) if begun is None else (what, by, begun, at))
    for (_who, what, by), queue in queues.items():
        expected += [(what, by, at, None) for at in queue]
    assert sorted(map(str, spans(log_of(*rows, columns=COLUMNS)))) == sorted(map(str, expected))


def test_steps_have_service_where_both_ends_are_known(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "A", "r", "start"),
        ("a", 10, "A", "r", "complete"),
        ("a", 25, "B", "r", "complete"),
        columns=COLUMNS,
    )
    steps = rebuild(log, JourneySettings(min_customers=1)).steps.to_pandas().sort_values("step")
    assert steps["service_us"].fillna(-1).tolist() == [10, -1]
    assert steps["wait_us"].fillna(-1).tolist() == [15, -1]


def test_the_words_of_the_log_are_mapped_and_unknown_ones_are_no_events() -> None:
    frame = pd.DataFrame(
        {
            "who": "a",
            "what": "Check",
            "at": pd.date_range("2026-01-01", periods=4, freq="h"),
            "how": ["SCHEDULE", "START", "fertig", "suspend"],
        }
    )
    roles = {"customer": "who", "touchpoint": "what", "timestamp": "at", "lifecycle": "how"}
    values = {"lifecycle_values": {"fertig": "complete"}}
    log = read_log(frame, roles | values, as_of="2030-01-01")
    paired, pairing = pair_lifecycle(log)
    assert pairing is not None and (pairing.paired, pairing.dropped) == (1, 2)
    (event,) = paired.events.to_pyarrow().to_pylist()
    assert event["end_us"] - event["t_us"] == 3_600_000_000
    assert set(paired.quality.checks["check"]) >= {"paired", "no_event"}


def test_a_lifecycle_stands_instead_of_an_end_column() -> None:
    with pytest.raises(ValidationError, match="no 'end_timestamp'"):
        Schema(customer="c", touchpoint="t", timestamp="a", end_timestamp="e", lifecycle="l")
