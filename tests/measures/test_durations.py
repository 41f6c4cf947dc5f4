"""Medians are the engine's own; spreads and intervals come from bins and are near the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeylib.journeys.journeys import rebuild
from journeylib.journeys.preparation.business_hours import BusinessHours
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog
from journeylib.measures.evidence import Evidence, measure
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.durations import (
    BINS_PER_DOUBLING,
    bin_floors,
    bins_of,
    quantiles_of,
    seconds_of,
)
from journeylib.measures.touchpoints.group_sums import Floats, Whole

SECOND = 1_000_000
DAY = 86_400 * SECOND
LogOf = Callable[..., EventLog]
COLUMNS = "customer t_us end_us touchpoint"
LOOSE = MeasureSettings(min_starts=1, min_base_customers=1)


def evidence_of(log: EventLog) -> Evidence:
    return measure(rebuild(log, JourneySettings(min_customers=1)), LOOSE)


def served(durations: list[float]) -> list[tuple[object, ...]]:
    return [
        (f"c{i}", i * DAY, i * DAY + round(seconds * SECOND), "A")
        for i, seconds in enumerate(durations)
    ]


def test_the_median_is_exact_and_a_missing_end_is_not_zero(log_of: LogOf) -> None:
    rows = [*served([10, 20, 31, 47]), ("x", 0, None, "A"), ("y", 5, 3, "A")]
    row = evidence_of(log_of(*rows, columns=COLUMNS)).estimate("A", "service")
    assert row["value"] == pytest.approx(25.5)
    assert (row["n_events"], row["n_customers"]) == (4, 4)


def test_wait_runs_from_the_end_of_one_step_to_the_start_of_the_next(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, 10 * SECOND, "A"),
        ("a", 70 * SECOND, None, "B"),
        ("b", 0, 90 * SECOND, "A"),  # the next step begins before this one ends
        ("b", 70 * SECOND, None, "B"),
        ("c", 0, None, "A"),
        ("c", 20 * SECOND, None, "B"),
        columns=COLUMNS,
    )
    evidence = evidence_of(log)
    assert evidence.estimate("A", "wait")["value"] == pytest.approx(20)
    assert evidence.estimate("B", "wait")["abstain"] == "n_small"


HOUR = 3600 * SECOND
MONDAY = 4 * DAY  # 5 January 1970


def test_business_hours_are_beside_the_wall_clock(log_of: LogOf) -> None:
    # Repaired from Monday 16:00 to Tuesday 10:00, collected on Wednesday at 9:30; a visit of two
    # turns, Monday 15:00 to 18:00, is served until closing time.
    log = log_of(
        ("a", MONDAY + 16 * HOUR, MONDAY + 34 * HOUR, "Repair", None),
        ("a", MONDAY + 57 * HOUR + HOUR // 2, None, "Collect", None),
        ("b", MONDAY + 15 * HOUR, None, "Chat", "s"),
        ("b", MONDAY + 18 * HOUR, None, "Chat", "s"),
        columns="customer t_us end_us touchpoint session",
    )
    hours = BusinessHours(hours="09:00-17:00")
    evidence = measure(rebuild(log, JourneySettings(min_customers=1, business_hours=hours)), LOOSE)

    def in_hours(touchpoint: str, measure: str) -> float:
        return float(evidence.estimate(touchpoint, measure)["value"]) / 3600

    assert in_hours("Repair", "service") == pytest.approx(18)
    assert in_hours("Repair", "service_business") == pytest.approx(2)
    assert in_hours("Repair", "wait") == pytest.approx(23.5)
    assert in_hours("Repair", "wait_business") == pytest.approx(7.5)
    assert in_hours("Chat", "service") == pytest.approx(3)
    assert in_hours("Chat", "service_business") == pytest.approx(2)
    assert evidence.estimate("Collect", "wait_business")["abstain"] == "n_small"


def test_without_business_hours_there_are_no_such_measures(log_of: LogOf) -> None:
    evidence = evidence_of(log_of(*served([10, 20]), columns=COLUMNS))
    assert not evidence.estimates["measure"].str.endswith("_business").any()


def quantiles(counts: Whole, share: float, weights: npt.ArrayLike) -> Floats:
    """Of two touchpoints, of bins 0 to 63 and of bins 7 to 9; counts of shape (bins, groups)."""
    until = np.cumsum(np.vstack([np.zeros_like(counts[:1]), counts]), axis=0)
    return quantiles_of(np.array(weights), until, share, np.array([0, 64, 67]), np.array([0, 7]))


def test_a_quantile_is_found_within_its_bin() -> None:
    # The middle of the second touchpoint is in its bin 8.
    counts = np.zeros((67, 1), dtype=np.int64)
    counts[[3, 20, 64, 65, 66], 0] = 2, 2, 1, 2, 1
    quarters = [quantiles(counts, share, [[1]])[0] for share in (0.25, 0.5, 0.75)]
    assert quarters[0] == pytest.approx(np.array([3.5, 8.0]) / BINS_PER_DOUBLING)
    assert quarters[1] == pytest.approx(np.array([4.0, 8.5]) / BINS_PER_DOUBLING)
    assert quarters[2] == pytest.approx(np.array([20.5, 9.0]) / BINS_PER_DOUBLING)
    assert np.isnan(quantiles(0 * counts, 0.5, [[1]])).all()
    assert seconds_of(np.array([0.0, 1.0, 5.0])) == pytest.approx([0, 1, 31])


@given(st.integers(0, 2**32), st.sampled_from([0.25, 0.5, 0.75]), st.sampled_from([0, 1, 5, 60]))
def test_quantiles_of_resamples_are_those_of_their_histograms(
    seed: int, share: float, used: int
) -> None:
    rng = np.random.default_rng(seed)
    counts = np.zeros((67, 3), dtype=np.int64)
    np.add.at(
        counts, (rng.integers(0, 67, used), rng.integers(0, 3, used)), rng.integers(0, 5, used)
    )
    weights = rng.integers(0, 3, (9, 3))
    slow = np.full((9, 2), np.nan)
    for row, many in enumerate(weights @ counts.T):
        for one, (low, high, lowest) in enumerate([(0, 64, 0), (64, 67, 7)]):
            own = many[low:high]
            spot = min(int((np.cumsum(own) < share * own.sum()).sum()), len(own) - 1)
            if own[spot]:
                within = (share * own.sum() - own[:spot].sum()) / own[spot]
                slow[row, one] = (lowest + spot + within) / BINS_PER_DOUBLING
    np.testing.assert_array_equal(quantiles(counts, share, weights), slow)


@pytest.mark.slow
@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0])
def test_duration_spread_is_the_spread_of_a_lognormal(log_of: LogOf, sigma: float) -> None:
    rng = np.random.default_rng(2)
    durations = [float(x) for x in rng.lognormal(6, sigma, 3000)]
    row = evidence_of(log_of(*served(durations), columns=COLUMNS)).estimate("A", "duration_spread")
    logs = np.log(durations)
    exact = (np.quantile(logs, 0.75) - np.quantile(logs, 0.25)) / 1.349
    assert row["value"] == pytest.approx(exact, rel=0.02)
    assert row["lo"] < sigma < row["hi"]


def test_without_an_end_there_is_no_service_but_a_wait(log_of: LogOf) -> None:
    evidence = evidence_of(log_of(("a", 0, "A"), ("a", 8 * SECOND, "A")))
    assert evidence.estimate("A", "service")["abstain"] == "no_column"
    assert evidence.estimate("A", "duration_spread")["abstain"] == "no_column"
    assert evidence.estimate("A", "wait")["value"] == pytest.approx(8)


def test_a_bin_begins_at_its_floor() -> None:
    floors = bin_floors()
    reached = floors[floors < floors[-1]]
    assert reached[0] == 0
    for shift, behind in ((0, 0), (1, 0), (-1, 1)):
        bins = bins_of(reached[1:] + shift)
        assert bins.tolist() == [bin - behind for bin in range(1, len(reached))]
