"""Coming back and complaining: the maturity rule, and comparison at the same age."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.engine.duckdb import scratch_name
from journeylib.log.eventlog import EventLog
from journeylib.measures.evidence import Evidence, measure
from journeylib.measures.settings import MeasureSettings

HOUR = 3_600_000_000
DAY = 24 * HOUR
LogOf = Callable[..., EventLog]


def evidence_of(log: EventLog, *, gap_days: float = 30, **settings: object) -> Evidence:
    loose = MeasureSettings(**({"min_starts": 1, "min_base_customers": 1} | settings))  # type: ignore[arg-type]
    return measure(rebuild(log, JourneySettings(min_customers=1, gap_days=gap_days)), loose)


def test_repeat_contact_is_the_same_intent_by_the_same_customer_in_time(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bill"),
        ("a", HOUR // 2, "Chat", "bill"),  # the same contact
        ("a", 2 * DAY, "Phone", "bill"),  # comes back, by another channel
        ("b", 0, "Chat", "bill"),
        ("b", 1 * DAY, "Chat", "router"),  # about something else
        ("c", 0, "Chat", "bill"),
        ("c", 7 * DAY, "Chat", "bill"),  # just in time
        ("d", 0, "Chat", "bill"),
        ("d", 7 * DAY + 1, "Chat", "bill"),  # too late
        ("z", 15 * DAY, "Chat", None),
        columns="customer t_us touchpoint intent",
    )
    evidence = evidence_of(log)
    row = evidence.estimate("Chat", "repeat_contact")
    # Chat: a, b twice, c twice, d twice; a and the first of c are followed in time.
    assert (row["value"], row["n_events"]) == (pytest.approx(2 / 7), 7)
    assert evidence.flow["repeat_contact"].value == pytest.approx(2 / 8)
    assert evidence.flow["repeat_contact"].n_customers == 4


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["first", "second"])
def test_who_may_have_come_back_is_in_the_upper_limit(log_of: LogOf, missing: str) -> None:
    """Of 60 customers 12 come back about the same, 36 without an intent on one of both visits."""
    rows: list[tuple[object, ...]] = [("z", 30 * DAY, "Bell", "other")]
    for number in range(60):
        unknown = 12 <= number < 48
        first = None if unknown and missing == "first" else "bill"
        rows.append((f"c{number}", 0, "Chat", first))
        if number < 48:
            rows.append((f"c{number}", 2 * DAY, "Chat", None if unknown and first else "bill"))
    evidence = evidence_of(log_of(*rows, columns="customer t_us touchpoint intent"))
    told = evidence.flow["repeat_contact"]
    assert told.value == pytest.approx(12 / 108)
    assert told.hi is not None and told.hi >= 48 / 108
    row = evidence.estimate("Chat", "repeat_contact")
    assert row["value"] == pytest.approx(12 / 108)
    assert row["lo"] <= 12 / 108 and row["hi"] >= 48 / 108
    draws = evidence.draws["repeat_contact"][:, evidence.touchpoints["touchpoint"] == "Chat"]
    assert draws.mean() == pytest.approx(30 / 108, abs=0.02)


def test_an_event_without_an_intent_is_about_what_is_around_it(log_of: LogOf) -> None:
    rows = [
        ("a", 0, "Chat", None),
        ("a", HOUR // 4, "Chat", "bill"),
        ("a", HOUR // 2, "Chat", None),
        ("a", 2 * DAY, "Chat", "router"),
        ("a", 3 * DAY, "Chat", "bill"),
        ("z", 30 * DAY, "Bell", "other"),
    ]
    row = evidence_of(log_of(*rows, columns="customer t_us touchpoint intent")).estimate(
        "Chat", "repeat_contact"
    )
    assert (row["value"], row["n_events"]) == (pytest.approx(1 / 3), 3)


def test_without_an_intent_the_touchpoint_stands_for_it(log_of: LogOf) -> None:
    log = log_of(("a", 0, "A"), ("a", DAY, "B"), ("a", 2 * DAY, "A"), ("z", 20 * DAY, "B"))
    evidence = evidence_of(log)
    assert evidence.estimate("A", "repeat_contact")["value"] == 1 / 2
    assert evidence.estimate("B", "repeat_contact")["value"] == 0


def test_sessions_tell_contacts_apart_where_there_are_any(log_of: LogOf) -> None:
    rows = [
        ("a", 0, "A", "s1"),
        ("a", 1, "A", "s2"),
        ("a", 5 * HOUR, "A", "s1"),  # still the first session
        ("z", 20 * DAY, "A", "s9"),
    ]
    log = log_of(*rows, columns="customer t_us touchpoint session")
    row = evidence_of(log).estimate("A", "repeat_contact")
    assert (row["value"], row["n_events"]) == (1 / 2, 2)


def test_a_contact_in_a_session_stays_it_beside_another_session(log_of: LogOf) -> None:
    rows = [
        ("a", 0, "Chat", "s1", "bill"),
        ("a", 1, "Chat", "s2", "router"),
        ("a", 2, "Form", "s1", None),  # about the bill, as its session is
        ("a", DAY, "Chat", "s3", "bill"),
        ("a", 2 * DAY, "Form", "s3", None),  # nobody comes back after this
        ("z", 20 * DAY, "Bell", "s9", "other"),
    ]
    log = log_of(*rows, columns="customer t_us touchpoint session intent")
    evidence = evidence_of(log)
    chat, form = (evidence.estimate(name, "repeat_contact") for name in ("Chat", "Form"))
    assert (chat["value"], chat["n_events"]) == (pytest.approx(1 / 3), 3)
    assert (form["value"], form["n_events"]) == (1 / 2, 2)
    assert evidence.flow["repeat_contact"].value == pytest.approx(1 / 3)


def test_journeys_between_which_others_of_the_customer_lie_count_once(log_of: LogOf) -> None:
    rows = [("a", "one", 0), ("a", "two", DAY), ("a", "one", 2 * DAY), ("z", "z", 20 * DAY)]
    log = log_of(*((*row, "A") for row in rows), columns="customer case t_us touchpoint")
    loose = MeasureSettings(min_starts=1, min_base_customers=1)
    evidence = measure(rebuild(log, JourneySettings(min_customers=1, cut="case")), loose)
    row = evidence.estimate("A", "repeat_contact")
    assert (row["value"], row["n_events"], row["n_journeys"]) == (pytest.approx(2 / 3), 3, 2)
    assert evidence.flow["repeat_contact"].n_journeys == 2


def test_immature_contacts_do_not_make_the_rate_look_better(log_of: LogOf) -> None:
    rng = np.random.default_rng(7)
    rows: list[tuple[object, ...]] = []
    for customer in range(30_000):
        at = float(rng.uniform(-21, 28))
        while at < 28:
            if at >= 0:
                rows.append((f"c{customer}", int(at * DAY), "A"))
            if rng.random() >= 0.2:
                break
            at += float(rng.uniform(0.05, 6.4))
    evidence = evidence_of(log_of(*rows))
    row = evidence.estimate("A", "repeat_contact")
    frame = pd.DataFrame(rows, columns=["customer", "t_us", "touchpoint"])
    naive = (frame.groupby("customer")["t_us"].diff(-1) >= -7 * DAY).mean()
    assert naive == pytest.approx(0.177, abs=0.005)
    assert row["value"] == pytest.approx(0.200, abs=0.008)
    assert row["lo"] < 0.2 < row["hi"]
    assert row["hi"] - row["lo"] < 0.03


def test_a_log_shorter_than_the_window_is_immature(log_of: LogOf) -> None:
    evidence = evidence_of(log_of(("a", 0, "A"), ("a", 5 * DAY, "A")))
    assert evidence.estimate("A", "repeat_contact")["abstain"] == "immature_window"
    assert evidence.flow["repeat_contact"].abstain == "immature_window"


def with_outcomes(log: EventLog, *rows: tuple[str, int, str]) -> EventLog:
    frame = pd.DataFrame(rows, columns=["customer", "t_us", "kind"])
    frame = frame.assign(value_micro=None, asked_us=None)
    table = log.events.get_backend().create_table(
        scratch_name("outcomes"), frame.astype({"value_micro": "Int64", "asked_us": "Int64"})
    )
    return replace(log, outcomes=table)


def test_complaint_excess_compares_visits_at_the_same_age(log_of: LogOf) -> None:
    # First steps: A 4 visits, 2 complaints; B 4 visits, 1 complaint. Second steps: only C.
    rows = [(f"a{i}", i * DAY, "A") for i in range(4)] + [(f"b{i}", i * DAY, "B") for i in range(4)]
    rows += [("b3", 4 * DAY, "C"), ("z", 60 * DAY, "Z")]
    complaints = [
        ("a0", 10 * DAY, "complaint"),
        ("a1", 15 * DAY, "complaint"),
        ("a2", 2 * DAY, "complaint"),  # not after the visit
        ("a3", 18 * DAY, "complaint"),  # too late
        ("b0", DAY, "complaint"),
        ("b0", 2 * DAY, "complaint"),  # one customer, once
        ("b1", 2 * DAY, "churn"),
    ]
    evidence = evidence_of(with_outcomes(log_of(*rows), *complaints))
    assert evidence.estimate("A", "complaint_excess")["value"] == pytest.approx(2 / 4 - 1 / 4)
    assert evidence.estimate("B", "complaint_excess")["value"] == pytest.approx(1 / 4 - 2 / 4)
    # Nobody else is at C's age: there is nothing to compare it with.
    assert evidence.estimate("C", "complaint_excess")["abstain"] == "unidentified"
    assert evidence.estimate("A", "complaint_excess")["grade"] == "C"


def test_complaints_may_be_events_and_are_absent_where_nothing_tells_of_them(
    log_of: LogOf,
) -> None:
    rows = [("a", 0, "A"), ("a", DAY, "Complain"), ("b", 0, "B"), ("z", 30 * DAY, "Z")]
    evidence = evidence_of(log_of(*rows), complaint_touchpoints=("Complain",))
    assert evidence.estimate("A", "complaint_excess")["value"] == 1
    assert evidence_of(log_of(*rows)).estimate("A", "complaint_excess")["abstain"] == "no_column"


def test_outcomes_of_unknown_customers_do_not_count(log_of: LogOf) -> None:
    log = log_of(("a", 0, "A"), ("b", 0, "B"), ("z", 30 * DAY, "Z"))
    evidence = evidence_of(with_outcomes(log, ("stranger", DAY, "complaint")))
    assert evidence.estimate("A", "complaint_excess")["value"] == 0
