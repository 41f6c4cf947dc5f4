"""Business hours: how much of a stretch of time was open, in whole microseconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from journeylib.core import US_PER_DAY, Described, did_you_mean

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Hours = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
Moments = npt.NDArray[np.int64]


class BusinessHours(Described):
    """When the company works.

    Attributes
    ----------
    hours
        From and to, local time; up to 24:00.
    weekdays
        Days with these hours.
    other_hours
        Days with hours of their own.
    holidays
        Days on which nobody works.
    timezone
        Zone of the hours; summer time is kept.
    """

    hours: Hours = "09:00-17:00"
    weekdays: tuple[Weekday, ...] = WEEKDAYS[:5]
    other_hours: dict[Weekday, Hours] = Field({})
    holidays: tuple[dt.date, ...] = ()
    timezone: str = "UTC"

    @model_validator(mode="after")
    def _sane(self) -> Self:
        zones = available_timezones()
        if self.timezone not in zones:
            hint = did_you_mean(self.timezone, zones)
            raise ValueError(f"'{self.timezone}' is no time zone.{hint}")
        for hours in (self.hours, *self.other_hours.values()):
            begin, end = hours.split("-")
            if begin >= end:
                raise ValueError(f"hours '{hours}' end before they begin")
        if not (self.weekdays or self.other_hours):
            raise ValueError("name at least one day in 'weekdays' or 'other_hours'")
        return self

    @property
    def words(self) -> str:
        """The hours as a reader would say them."""
        own = [f"{day} {hours}" for day, hours in self.other_hours.items()]
        usual = f"{', '.join(self.weekdays)} {self.hours}" if self.weekdays else ""
        text = "; ".join(filter(None, [usual, *own]))
        closed = f", but for {len(self.holidays)} holidays" if self.holidays else ""
        return f"{text} ({self.timezone}){closed}"

    def on(self, day: dt.date) -> tuple[int, int] | None:
        """Return opening and closing of a local day, in microseconds since 1970 UTC."""
        name = WEEKDAYS[day.weekday()]
        hours = self.other_hours.get(name, self.hours if name in self.weekdays else None)
        if hours is None or day in self.holidays:
            return None
        begin, end = (self._at(day, clock) for clock in hours.split("-"))
        return begin, end

    def _at(self, day: dt.date, clock: str) -> int:
        if clock == "24:00":
            day, clock = day + dt.timedelta(days=1), "00:00"
        local = dt.datetime.combine(day, dt.time.fromisoformat(clock), ZoneInfo(self.timezone))
        return (local - EPOCH) // MICROSECOND


def open_time(hours: BusinessHours, begin: Moments, end: Moments) -> Moments:
    """Return how much of the time between two moments lies within business hours.

    Parameters
    ----------
    hours : BusinessHours
    begin, end : ndarray of int64
        Microseconds since 1970 UTC; an end before its beginning gives less than nothing.

    Notes
    -----
    Open time between two moments is open time up to the second less open time up to the first,
    in integers throughout.
    """
    if not len(begin):
        return begin
    low, high = (int(edge) // US_PER_DAY for edge in (min(begin.min(), end.min()), end.max()))
    high = max(high, int(begin.max()) // US_PER_DAY)
    stretches = sorted(_stretches(hours, low - 2, high + 2))
    opens, closes = np.array(stretches or [(0, 0)], dtype=np.int64).T
    before = np.concatenate([[0], np.cumsum(closes - opens)])

    def until(moment: Moments) -> Moments:
        number = np.maximum(np.searchsorted(opens, moment, side="right") - 1, 0)
        inside = np.minimum(moment, closes[number]) - opens[number]
        return np.asarray(before[number] + np.maximum(inside, 0))

    return until(end) - until(begin)


def _stretches(hours: BusinessHours, first: int, last: int) -> Iterator[tuple[int, int]]:
    for number in range(first, last + 1):
        stretch = hours.on(EPOCH.date() + dt.timedelta(days=number))
        if stretch is not None:
            yield stretch
