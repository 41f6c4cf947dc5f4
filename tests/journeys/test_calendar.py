"""Business time by hand, across weekends, holidays, summer time and zones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pydantic import ValidationError

from journeylib.journeys.journeys import rebuild
from journeylib.journeys.preparation.business_hours import BusinessHours, open_time
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log import MISSING
from journeylib.log.eventlog import EventLog
from journeylib.measures.touchpoints.durations import visit_durations

LogOf = Callable[..., EventLog]
HOUR = 3_600_000_000
BERLIN = "Europe/Berlin"


def us(text: str, zone: str = "UTC") -> int:
    local = dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return (local - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def open_hours(hours: BusinessHours, begin: int, end: int) -> float:
    """Hours open between two moments."""
    return float(open_time(hours, np.array([begin]), np.array([end]))[0]) / HOUR


OFFICE = {"weekdays": ("mon", "tue", "wed", "thu", "fri"), "hours": "09:00-17:00"}


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        ("2026-01-05 10:00", "2026-01-05 11:30", 1.5),  # a Monday
        ("2026-01-05 07:00", "2026-01-05 23:00", 8),
        ("2026-01-05 16:00", "2026-01-06 10:00", 2),
        ("2026-01-09 16:00", "2026-01-12 10:00", 2),  # over the weekend
        ("2026-01-10 00:00", "2026-01-11 23:59", 0),
        ("2026-01-05 17:00", "2026-01-06 09:00", 0),
        ("2026-01-05 09:00", "2026-01-19 09:00", 80),
        ("2025-12-31 12:00", "2026-01-02 12:00", 8),  # New Year's Day is a holiday
    ],
)
def test_waiting_time_within_office_hours(begin: str, end: str, hours: float) -> None:
    office = BusinessHours(**OFFICE, holidays=(dt.date(2026, 1, 1),))
    assert open_hours(office, us(begin), us(end)) == hours


def test_hours_are_local_and_keep_summer_time() -> None:
    office = BusinessHours(**OFFICE, timezone=BERLIN)
    # Clocks went forward on Sunday, 29 March 2026.
    friday, monday = us("2026-03-27 16:30", BERLIN), us("2026-03-30 09:30", BERLIN)
    assert open_hours(office, friday, monday) == 1
    assert monday - friday == 64 * HOUR


def test_the_night_of_the_change_has_an_hour_less() -> None:
    always = BusinessHours(hours="00:00-24:00", weekdays=("sun",), timezone=BERLIN)
    begin, end = us("2026-03-28 12:00", BERLIN), us("2026-03-30 12:00", BERLIN)
    assert open_hours(always, begin, end) == 23


def test_far_from_greenwich_a_day_of_business_lies_in_two_of_utc() -> None:
    office = BusinessHours(hours="06:00-22:00", weekdays=("tue",), timezone="Pacific/Auckland")
    begin, end = us("2026-01-05 00:00"), us("2026-01-08 00:00")
    assert open_hours(office, begin, end) == 16
    # Tuesday, 06:00 there is Monday, 17:00 in UTC.
    assert open_hours(office, begin, us("2026-01-05 18:00")) == 1


def test_a_day_may_have_hours_of_its_own() -> None:
    shop = BusinessHours(**OFFICE, other_hours={"sat": "10:00-13:00", "fri": "09:00-12:00"})
    assert open_hours(shop, us("2026-01-09 00:00"), us("2026-01-12 00:00")) == 6


def test_service_counts_what_is_open_and_waiting_never_runs_back(log_of: LogOf) -> None:
    log = log_of(
        ("a", us("2026-01-05 16:00"), us("2026-01-06 10:00"), "Repair"),
        ("a", us("2026-01-05 16:30"), us("2026-01-05 16:00"), "Ask"),
        ("a", us("2026-01-06 12:00"), us("2026-01-05 16:00"), "Thank"),
        columns="customer t_us end_us touchpoint",
    )
    settings = JourneySettings(min_customers=1, business_hours=BusinessHours(**OFFICE))
    visits = visit_durations(rebuild(log, settings))
    assert visits.us["service_business_us"].tolist() == [2 * HOUR, MISSING, MISSING]
    assert visits.us["wait_business_us"].tolist() == [0, 3.5 * HOUR, MISSING]


def test_hours_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValidationError, match="end before they begin"):
        BusinessHours(hours="17:00-09:00")
    with pytest.raises(ValidationError, match="Did you mean 'Europe/Berlin'"):
        BusinessHours(timezone="Europe/Berln")
    with pytest.raises(ValidationError, match="at least one day"):
        BusinessHours(weekdays=())
