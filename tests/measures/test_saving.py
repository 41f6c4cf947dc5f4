"""Savings are net of review and of failures, and abstain where one side is missing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from journeylib.core.resampling import DRAWS, Resampled
from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.saving import saving
from journeylib.measures.touchpoints.visit_measures import count_visits

MINUTE = 60_000_000
DAY = 1440 * MINUTE
LogOf = Callable[..., EventLog]


def containment(*shares: float) -> Measured:
    value = np.array(shares)
    draws = np.broadcast_to(value, (DRAWS, len(shares)))
    sure = Resampled(value, value * 0, value, value, draws)
    many = np.where(np.isnan(value), 0, 100).astype(np.int64)
    return Measured("containment", "share", sure, many, many, many, (None,) * len(shares))


def test_saving_is_worked_out_by_hand(log_of: LogOf) -> None:
    # Two weeks, 60 visits of 10 minutes to humans at A and at B: 30 a week. A bot only at A.
    rows = [
        (f"c{i}", i % 15 * DAY, i % 15 * DAY + 10 * MINUTE, name, "human")
        for i in range(75)
        for name in "AB"
    ]
    log = log_of(*rows, columns="customer t_us end_us touchpoint actor")
    journeys = rebuild(log, JourneySettings(min_customers=1))
    settings = MeasureSettings(review_minutes=1, failed_minutes=4)
    cells = count_visits(journeys, settings)
    found = saving(journeys, cells, containment(0.6, np.nan), settings)
    weekly = 70 / 2  # the fifteenth day is beyond the second whole week
    assert found.resampled.value[0] == pytest.approx(weekly * (0.6 * (10 - 1) - 0.4 * 4))
    assert found.abstain == (None, "no_column")
    assert found.grade == "D"
    assert saving(journeys, cells, None, settings).abstain == ("no_column", "no_column")


def test_a_bot_that_fails_too_often_costs_time(log_of: LogOf) -> None:
    rows = [(f"c{i}", i % 15 * DAY, i % 15 * DAY + MINUTE, "A", "human") for i in range(75)]
    log = log_of(*rows, columns="customer t_us end_us touchpoint actor")
    journeys = rebuild(log, JourneySettings(min_customers=1))
    settings = MeasureSettings()
    found = saving(journeys, count_visits(journeys, settings), containment(0.5), settings)
    assert found.resampled.value[0] == pytest.approx(35 * (0.5 * 1 - 0.5 * 2))
