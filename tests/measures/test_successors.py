"""What comes next: corrected for few visits, open journeys left out, first against last third."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from journeylib.core import GROUPS
from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.counting import Tally
from journeylib.log.eventlog import EventLog
from journeylib.measures.evidence import Evidence, measure
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.next_steps import THIRDS, entropy, entropy_bias
from journeylib.measures.touchpoints.next_steps import _cells_of_successors as cells_of_successors

DAY = 86_400_000_000
LogOf = Callable[..., EventLog]
LOOSE = MeasureSettings(min_starts=1, min_base_customers=1)


def evidence_of(log: EventLog, settings: MeasureSettings = LOOSE) -> Evidence:
    return measure(rebuild(log, JourneySettings(min_customers=1, gap_days=3)), settings)


def effective_number(counts: Sequence[float]) -> float:
    """Return how many equally likely successors counts stand for."""
    numbers, whole = np.asarray(counts, dtype=np.float64), np.zeros(1, dtype=np.int64)
    return float(np.exp(entropy(numbers, whole) + entropy_bias(numbers, whole))[0])


def test_twenty_visits_to_ten_successors_do_not_look_standardised() -> None:
    rng = np.random.default_rng(0)
    counts = rng.multinomial(20, [0.1] * 10, size=2000)
    share = counts / 20
    plug_in = -np.sum(np.where(share > 0, share * np.log2(np.where(share > 0, share, 1)), 0), 1)
    corrected = np.array([np.log2(effective_number(row)) for row in counts])
    assert plug_in.mean() == pytest.approx(2.94, abs=0.02)
    assert corrected.mean() == pytest.approx(np.log2(10), abs=0.12)
    assert np.log2(effective_number([2] * 10)) == pytest.approx(
        np.log2(10) + 9 / 40 / np.log(2), abs=1e-12
    )


def test_next_steps_count_the_end_but_not_the_end_of_open_journeys(log_of: LogOf) -> None:
    rows = [(f"b{i}", 0, "A") for i in range(50)]  # ended at A
    rows += [row for i in range(50) for row in ((f"c{i}", 0, "A"), (f"c{i}", 1, "B"))]
    rows += [("open", 100 * DAY, "A")]
    row = evidence_of(log_of(*rows)).estimate("A", "next_steps")
    assert row["n_events"] == 100
    assert row["value"] == pytest.approx(2 * np.exp(1 / 200))
    assert 1 < row["lo"] < row["value"] < row["hi"]


def test_one_successor_is_one_step_for_sure(log_of: LogOf) -> None:
    rows = [row for i in range(50) for row in ((f"c{i}", 0, "A"), (f"c{i}", 1, "B"))]
    row = evidence_of(log_of(*rows, ("z", 50 * DAY, "B"))).estimate("A", "next_steps")
    assert (row["value"], row["lo"], row["hi"]) == (1, 1, 1)


def two_thirds(first: str, last: str, many: int = 60) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [("first", 0, "Z"), ("last", 300 * DAY, "Z")]
    for i in range(many):
        for start, follower in ((5 * DAY, first[i % len(first)]), (250 * DAY, last[i % len(last)])):
            rows += [(f"c{i}", start, "A"), (f"c{i}", start + 1, follower)]
    return rows


@pytest.mark.parametrize(("first", "last"), [("BC", "BC"), ("B", "C"), ("BC", "BCCC")])
def test_stability_is_one_minus_the_jensen_shannon_distance(
    log_of: LogOf, first: str, last: str
) -> None:
    row = evidence_of(log_of(*two_thirds(first, last))).estimate("A", "stability")
    share = [[third.count(name) / len(third) for name in "BC"] for third in (first, last)]
    expected = 1 - jensenshannon(*share, base=2)
    assert row["value"] == pytest.approx(expected, abs=0.03)
    assert row["lo"] <= row["value"] <= row["hi"]


def test_stability_needs_visits_in_both_thirds(log_of: LogOf) -> None:
    rows = [(f"c{i}", 5 * DAY, "A") for i in range(60)] + [("z", 300 * DAY, "Z")]
    settings = MeasureSettings(min_starts=30, min_base_customers=20)
    assert evidence_of(log_of(*rows), settings).estimate("A", "stability")["abstain"] == "n_small"


def test_few_and_many_possible_cells_are_counted_alike() -> None:
    cell = np.random.default_rng(1).integers(0, 50, 400)
    dense, sparse = Tally.of(cell, 50), Tally.of(cell, 1_000_000)
    assert dense.number.tolist() == sparse.number.tolist() == sorted(set(cell.tolist()))
    assert dense.times.tolist() == sparse.times.tolist()
    assert dense.times.sum() == 400


VISITS = st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 2), st.integers(0, 1))


@given(rows=st.lists(VISITS, min_size=1), is_open=st.lists(st.booleans(), min_size=4, max_size=4))
def test_successors_are_those_of_a_plain_walk(
    rows: list[tuple[int, bool, int, int]], is_open: list[bool]
) -> None:
    """Each row: journey, whether a visit starts, touchpoint, customer group; one each hour."""
    journey, starts, touchpoint, group = np.array(sorted(rows), dtype=np.int64).T
    visits = np.searchsorted(journey, range(5)), starts > 0, np.array(is_open)
    many, hour = len(rows), np.arange(len(rows))
    cells = cells_of_successors(visits, (touchpoint, group, hour + 7), 4, (7, many))
    for row, cell in enumerate(cells.tolist()):
        last = row + 1 == many or journey[row + 1] != journey[row]
        if is_open[journey[row]] if last else not starts[row + 1]:
            assert cell == -1
            continue
        target = 0 if last else touchpoint[row + 1] + 1
        expected = (touchpoint[row], target, group[row], row * THIRDS // many)
        assert np.unravel_index(cell, (3, 4, GROUPS, THIRDS)) == expected
