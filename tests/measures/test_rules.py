"""A small tree finds a rule that is there, finds none where there is none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog
from journeylib.measures.evidence import Evidence, measure
from journeylib.measures.settings import MeasureSettings

LogOf = Callable[..., EventLog]
COLUMNS = "customer position touchpoint intent size"


def evidence_of(log: EventLog, *, knowing: bool = True) -> Evidence:
    settings = MeasureSettings(known_at_start=("size",) if knowing else ())
    return measure(rebuild(log, JourneySettings(min_customers=1)), settings)


def planted(rule: str, many: int = 400) -> list[tuple[object, ...]]:
    rng = np.random.default_rng(11)
    rows: list[tuple[object, ...]] = []
    for i in range(many):
        intent, size = str(rng.choice(["bill", "router"])), str(int(rng.integers(0, 100)))
        chance = str(rng.choice(["Pay", "Visit"]))
        by_intent = {"bill": "Pay", "router": "Visit"}[intent]
        by_size = "Visit" if int(size) >= 40 else "Pay"
        follower = {"intent": by_intent, "size": by_size, "none": chance, "one": "Pay"}[rule]
        rows += [(f"c{i}", 2 * i, "A", intent, size), (f"c{i}", 2 * i + 1, follower, intent, size)]
    return rows


@pytest.mark.parametrize("rule", ["intent", "size"])
def test_a_rule_in_a_column_is_found(log_of: LogOf, rule: str) -> None:
    row = evidence_of(log_of(*planted(rule), columns=COLUMNS)).estimate("A", "rule_skill")
    assert row["value"] > 0.85
    assert row["lo"] > 0.8
    assert (row["n_events"], row["n_customers"]) == (400, 400)


def test_chance_is_not_taken_for_a_rule(log_of: LogOf) -> None:
    row = evidence_of(log_of(*planted("none"), columns=COLUMNS)).estimate("A", "rule_skill")
    assert row["value"] < 0.05


def test_an_attribute_not_declared_as_known_at_the_start_is_not_used(log_of: LogOf) -> None:
    log = log_of(*planted("size"), columns=COLUMNS)
    row = evidence_of(log, knowing=False).estimate("A", "rule_skill")
    assert row["value"] < 0.05


def test_one_successor_leaves_nothing_to_tell(log_of: LogOf) -> None:
    row = evidence_of(log_of(*planted("one"), columns=COLUMNS)).estimate("A", "rule_skill")
    assert row["abstain"] == "unidentified"


def test_many_visits_are_sampled_by_customer(log_of: LogOf) -> None:
    log = log_of(*planted("intent", 8000), columns=COLUMNS)
    row = evidence_of(log).estimate("A", "rule_skill")
    assert 4500 < row["n_customers"] < 5500
    assert row["value"] > 0.95
