"""Evidence as a whole: what goes through the door, and what must never change it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from journeylib.core.errors import ConfigError
from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog
from journeylib.measures.evidence import Evidence, measure
from journeylib.measures.settings import MeasureSettings

DAY = 86_400_000_000
LogOf = Callable[..., EventLog]
COLUMNS = "customer t_us end_us touchpoint actor resource intent position"


def random_rows(
    seed: int = 0, customers: int = 120, names: str = "ABCD"
) -> list[tuple[object, ...]]:
    rng = np.random.default_rng(seed)
    rows: list[tuple[object, ...]] = []
    for customer in range(customers):
        t = int(rng.integers(0, 60 * DAY))
        for _ in range(int(rng.integers(1, 8))):
            end = None if rng.random() < 0.1 else t + int(rng.lognormal(18, 1))
            actor = str(rng.choice(["human", "bot"]))
            spoken = (actor, str(rng.choice(["x", "y"])), str(rng.choice(["i", "j"])))
            rows.append((f"c{customer}", t, end, str(rng.choice(list(names))), *spoken, len(rows)))
            t += int(rng.integers(0, 12 * DAY))
    return rows


def evidence_of(log: EventLog, settings: MeasureSettings | None = None) -> Evidence:
    return measure(rebuild(log, JourneySettings(goals=("A",))), settings)


def assert_same(one: Evidence, other: Evidence) -> None:
    pd.testing.assert_frame_equal(one.estimates, other.estimates, check_exact=True)
    pd.testing.assert_frame_equal(one.touchpoints, other.touchpoints, check_exact=True)
    assert one.flow == other.flow
    assert one.totals == other.totals
    assert list(one.draws) == list(other.draws)
    for name, draws in one.draws.items():
        np.testing.assert_array_equal(draws, other.draws[name])


@pytest.mark.slow
def test_shuffling_rows_and_threads_change_nothing(log_of: LogOf) -> None:
    rows = random_rows()
    before = evidence_of(log_of(*rows, columns=COLUMNS))
    shuffled = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]
    log = log_of(*shuffled, columns=COLUMNS)
    engine = log.events.get_backend()
    engine.raw_sql("SET threads=1")
    after = evidence_of(log)
    engine.raw_sql("RESET threads")
    assert_same(before, after)


@pytest.mark.slow
def test_renaming_touchpoints_renames_the_rows_and_nothing_else(log_of: LogOf) -> None:
    rows = random_rows()
    other = dict(zip("ABCD", "ADCB", strict=True))
    renamed = [(*row[:3], other[str(row[3])], *row[4:]) for row in rows]
    before = evidence_of(log_of(*rows, columns=COLUMNS)).estimates
    after = evidence_of(log_of(*renamed, columns=COLUMNS)).estimates
    after["touchpoint"] = after["touchpoint"].map(other)
    keys = ["touchpoint", "measure"]
    pd.testing.assert_frame_equal(
        before.sort_values(keys, ignore_index=True), after.sort_values(keys, ignore_index=True)
    )


def test_a_touchpoint_of_few_customers_is_in_no_table(log_of: LogOf) -> None:
    rows = random_rows()
    rare = [(f"c{i}", 0, None, "Rare", "bot", "x", "i", 10_000 + i) for i in range(9)]
    evidence = evidence_of(log_of(*rows, *rare, columns=COLUMNS))
    assert "Rare" not in set(evidence.touchpoints["touchpoint"])
    assert "Rare" not in set(evidence.estimates["touchpoint"])
    assert all(draws.shape == (500, 4) for draws in evidence.draws.values())


def test_a_thin_touchpoint_abstains_and_says_why(log_of: LogOf) -> None:
    rows = random_rows()
    thin = [(f"c{i}", 0, None, "Thin", "bot", "x", "i", 10_000 + i) for i in range(15)]
    evidence = evidence_of(log_of(*rows, *thin, columns=COLUMNS))
    row = evidence.estimate("Thin", "rework")
    assert (row["abstain"], row["n_customers"]) == ("n_small", 15)
    assert np.isnan([row["value"], row["lo"], row["hi"]]).all()
    spot = list(evidence.touchpoints["touchpoint"]).index("Thin")
    assert np.isnan(evidence.draws["rework"][:, spot]).all()


def test_rows_of_draws_follow_the_shown_order(log_of: LogOf) -> None:
    evidence = evidence_of(log_of(*random_rows(), columns=COLUMNS))
    shown = list(evidence.touchpoints["touchpoint"])
    assert shown != sorted(shown)
    for measure_name in ("volume", "service", "next_steps"):
        rows = evidence.estimates.query("measure == @measure_name")
        assert list(rows["touchpoint"]) == shown
        assert evidence.draws[measure_name].mean(axis=0) == pytest.approx(rows["value"], rel=0.05)


def test_totals_count_what_is_there(log_of: LogOf) -> None:
    log = log_of(*[(f"c{i}", i * DAY, "A") for i in range(22)])
    totals = measure(rebuild(log, JourneySettings(gap_days=3))).totals
    assert totals == {
        "events": 22,
        "journeys": 22,
        "customers": 22,
        "open": 3,
        "cut_off": 3,
        "first_us": 0,
        "last_us": 21 * DAY,
        "weeks": 3,
        "suppressed": 0,
    }


def test_settings_that_name_what_is_not_there_are_refused(log_of: LogOf) -> None:
    log = log_of(*random_rows(), columns=COLUMNS)
    with pytest.raises(ConfigError, match=r"'intnt'.*Did you mean 'intent'"):
        evidence_of(log, MeasureSettings(required_fields={"A": ("intnt",)}))
    with pytest.raises(ConfigError, match="no touchpoint of this log"):
        evidence_of(log, MeasureSettings(complaint_touchpoints=("Complain",)))


def test_a_log_without_a_clock_measures_what_needs_none(log_of: LogOf) -> None:
    rows = [(f"c{i}", j, "ABAC"[j]) for i in range(40) for j in range(4)]
    evidence = measure(rebuild(log_of(*rows, columns="customer position touchpoint")))
    reasons = evidence.estimates.query("touchpoint == 'A'").set_index("measure")["abstain"]
    without = {name for name, reason in reasons.items() if reason == "no_clock"}
    assert without >= {"volume", "load", "stability", "wait", "service", "repeat_contact"}
    assert evidence.estimate("A", "rework")["value"] == 1.0
    assert evidence.flow["throughput_seconds"].abstain == "no_clock"
