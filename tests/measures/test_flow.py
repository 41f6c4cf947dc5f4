"""The whole log: loops, open journeys, and throughput with open journeys as censored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from journeylib.core.estimate import Estimate
from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.visits import last_at_touchpoint
from journeylib.log.eventlog import EventLog
from journeylib.measures.evidence import measure
from journeylib.measures.overall.flow import _count_loops as count_loops
from journeylib.measures.overall.flow import survival_median
from journeylib.measures.touchpoints.durations import BINS_PER_DOUBLING, seconds_of
from journeylib.present.views import journey

SECOND = 1_000_000
DAY = 86_400 * SECOND
LogOf = Callable[..., EventLog]


def flow_of(log: EventLog, *, min_customers: int = 1, gap_days: float = 3) -> dict[str, Estimate]:
    settings = JourneySettings(min_customers=min_customers, gap_days=gap_days)
    return measure(rebuild(log, settings)).flow


def path(customer: str, names: str, start: int = 0) -> list[tuple[object, ...]]:
    return [(customer, start + step, name) for step, name in enumerate(names)]


def test_loops_are_transitions_within_a_cycle_and_self_loops_are_apart(log_of: LogOf) -> None:
    # S→A→B→A→E: A↔B is a cycle; then A→A.
    flow = flow_of(log_of(*path("a", "SABAE"), *path("b", "SAAE")))
    assert flow["loop_rate"].value == pytest.approx(2 / 7)
    assert flow["self_loop_rate"].value == pytest.approx(1 / 7)
    assert flow["steps_per_journey"].value == pytest.approx(9 / 2)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), min_size=1))
def test_moves_on_a_cycle_are_those_of_a_plain_walk(rows: list[tuple[int, int, bool]]) -> None:
    """Each row: journey, touchpoint, whether a visit starts."""
    journey, touchpoint, starts = np.array(sorted(rows), dtype=np.int64).T
    begins, expected = np.searchsorted(journey, range(4)), np.zeros((3, 3), dtype=int)
    for row in range(len(rows) - 1):
        if starts[row + 1] and journey[row] == journey[row + 1]:
            whole = touchpoint[journey == journey[row]].tolist()
            spot = row - begins[journey[row]]
            same = whole[spot] == whole[spot + 1]
            again = {*whole[: spot + 1]} & {*whole[spot + 1 :]}
            expected[:, journey[row]] += (1, same, bool(again) and not same)
    where = touchpoint, journey, last_at_touchpoint(begins, touchpoint, 4)
    assert count_loops(begins, starts > 0, where)[:, :3].tolist() == expected.tolist()


def test_no_interval_reaches_below_one_step_or_one_journey(log_of: LogOf) -> None:
    """Two customers of one step, one of nine: 11/3 steps, and by chance fewer than none."""
    flow = flow_of(log_of(("a", 0, "A"), ("b", 0, "A"), *path("c", "ABABABABA")))
    assert flow["steps_per_journey"].value == pytest.approx(11 / 3)
    assert flow["steps_per_journey"].lo == 1.0
    assert flow["journeys_per_customer"].value == 1.0
    assert flow["journeys_per_customer"].lo == 1.0


def test_a_stray_way_back_does_not_tie_the_log_together(
    log_of: LogOf, parts: Callable[..., Any]
) -> None:
    """976 calls A, B, C, D and 24 odd ones D, A: no journey comes back; A, B, A does."""
    rows = [row for i in range(976) for row in path(f"c{i}", "ABCD")]
    rows += [row for i in range(24) for row in path(f"odd{i}", "DA")]
    flow = flow_of(log_of(*rows), min_customers=10)
    assert flow["loop_rate"].value == 0
    assert flow["self_loop_rate"].value == 0
    back = [row for i in range(24) for row in path(f"back{i}", "ABAD")]
    # 976 · 3 + 24 + 24 · 3 moves, of which 24 · 2 lie on the cycle A, B, A.
    looped = flow_of(log_of(*rows, *back))
    assert looped["loop_rate"].value == pytest.approx(48 / 3024)
    told = []
    for of in (flow, looped):
        hands = parts(actor_changes=pd.DataFrame())
        seen = journey.flow(parts(evidence=parts(flow=of, handoffs=hands))).frame
        told.append(seen.set_index("measure")["estimate"])
    name = "Moves on the way back to a touchpoint of the same journey"
    assert told[0][name].startswith("0 % (")
    assert told[1][name].startswith("1.6 % (")


def test_open_journeys_and_journeys_per_customer(log_of: LogOf) -> None:
    log = log_of(("a", 0, "A"), ("a", 10 * DAY, "A"), ("b", 20 * DAY, "A"), ("c", 18 * DAY, "A"))
    flow = flow_of(log)
    assert flow["open"].value == 2 / 4
    assert flow["journeys_per_customer"].value == pytest.approx(4 / 3)


def test_where_no_journey_has_ended_throughput_is_not_known(log_of: LogOf) -> None:
    rows = [row for i in range(30) for row in path(f"c{i}", "AB", (40 + i % 20) * DAY)]
    flow = flow_of(log_of(("first", 0, "A"), *rows, ("last", 60 * DAY, "A")), gap_days=30)
    assert flow["throughput_seconds"].abstain == "censoring_heavy"
    assert flow["throughput_seconds"].n_journeys == 31


def test_the_median_agrees_with_statsmodels_on_censored_durations() -> None:
    rng = np.random.default_rng(9)
    true = rng.exponential(1000.0, 4000)
    limit = rng.uniform(0, 4000.0, 4000)
    seconds, ended = np.minimum(true, limit), true <= limit
    bins = np.floor(np.log2(1 + seconds) * BINS_PER_DOUBLING).astype(int)
    counts = np.zeros((2, bins.max() + 1))
    np.add.at(counts, ((~ended).astype(int), bins), 1)
    ours = float(seconds_of(survival_median(counts.reshape(-1))))
    theirs = SurvfuncRight(seconds, ended.astype(int)).quantile(0.5)
    assert ours == pytest.approx(theirs, rel=0.01)
    assert ours > 1.2 * np.median(seconds[ended])


@pytest.mark.slow
def test_open_journeys_lengthen_throughput(log_of: LogOf) -> None:
    def journey(name: str, start: int, days: float) -> list[tuple[object, ...]]:
        steps = np.linspace(0, days, max(int(days) + 1, 2))
        return [(name, round((start + step) * DAY), "A") for step in steps]

    rows = [("first", 0, "A")]
    for i in range(40):  # ended, two days long
        rows += journey(f"s{i}", 10 + i, 2)
    ended_only = flow_of(log_of(*rows, ("last", 70 * DAY, "A")))["throughput_seconds"]
    for i in range(30):  # open, nine days long so far
        rows += journey(f"o{i}", 60, 9)
    both = flow_of(log_of(*rows, ("last", 70 * DAY, "A")))["throughput_seconds"]
    assert ended_only.value == pytest.approx(2 * 86_400, rel=0.05)
    assert both.value is not None
    assert ended_only.value is not None
    assert both.value > ended_only.value * 0.99
    assert both.n_journeys == ended_only.n_journeys + 30


@pytest.mark.parametrize(("early", "base"), [(3, 63), (10, 60)])
def test_a_base_does_not_tell_how_few_journeys_are_cut_off(
    log_of: LogOf, early: int, base: int
) -> None:
    """Three journeys of the first days are left out and not told; ten may be known."""
    rows = [(f"early{i}", day * DAY, "A") for i in range(early) for day in (0, 1)]
    rows += [(f"c{i}", (20 + day) * DAY, "A") for i in range(60) for day in (0, 1)]
    flow = flow_of(log_of(*rows, ("end", 90 * DAY, "A")), min_customers=10)
    told = flow["throughput_seconds"]
    # The last one is begun, too: one more journey.
    assert (told.n_customers, told.n_journeys) == (base + 1, base + 1)
    assert told.value == pytest.approx(86_400, rel=0.02)
