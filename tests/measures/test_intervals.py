"""Intervals hold the truth about as often as they say, though visits cluster by customer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.durations import duration_measures
from journeylib.measures.touchpoints.group_sums import Cells
from journeylib.measures.touchpoints.next_steps import count_successors, successor_measures
from journeylib.measures.touchpoints.visit_measures import count_visits, touchpoint_measures

SECOND = 1_000_000
DAY = 86_400 * SECOND
LogOf = Callable[..., EventLog]
COLUMNS = "customer case t_us end_us touchpoint error"
# Each customer errs at a rate of their own (mean 0.2), works at a pace of their own (spread 0.6
# between and 0.8 within customers, so 1.0 in all), and goes on to B with a chance of their own.
TRUTH = {"exceptions": 0.2, "duration_spread": 1.0, "service": 300.0, "next_steps": 2.0}
RUNS = 40


def clustered(seed: int) -> list[tuple[object, ...]]:
    rng = np.random.default_rng(seed)
    rows: list[tuple[object, ...]] = []
    for customer in range(150):
        errs, leans, pace = rng.beta(1, 4), rng.beta(2, 2), rng.normal(np.log(300), 0.6)
        for visit in range(1 + rng.poisson(3)):
            start = int(rng.uniform(0, 30 * DAY))
            end = start + int(np.exp(rng.normal(pace, 0.8)) * SECOND)
            one = (f"c{seed}-{customer}", str(visit))
            rows.append((*one, start, end, "A", bool(rng.random() < errs)))
            rows.append((*one, end + 1, None, "B" if rng.random() < leans else "C", False))
    return rows


def measured_at(log: EventLog) -> list[Measured]:
    journeys = rebuild(log, JourneySettings(min_customers=1, quiet_days=0.01))
    settings = MeasureSettings()
    cells: Cells = count_visits(journeys, settings)
    return [
        *touchpoint_measures(journeys, cells, settings),
        *successor_measures(journeys, count_successors(journeys, cells.base("known")), settings),
        *duration_measures(journeys, cells, settings),
    ]


@pytest.mark.slow
def test_intervals_cover(log_of: LogOf) -> None:
    held = dict.fromkeys(TRUTH, 0)
    for seed in range(RUNS):
        for one in measured_at(log_of(*clustered(seed), columns=COLUMNS)):
            if one.measure in TRUTH:
                lo, hi = one.resampled.lo[0], one.resampled.hi[0]
                held[one.measure] += bool(lo <= TRUTH[one.measure] <= hi)
    # 95 % of 40 is 38; fewer than 34 would happen by chance once in a hundred times.
    assert all(count >= 34 for count in held.values()), held
