"""Business hours: how much of a stretch of time was open, in whole microseconds."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

import ibis
import pyarrow as pa
from ibis import _
from pydantic import BaseModel, ConfigDict, Field, model_validator

from journeylib.core import did_you_mean

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Hours = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
DAY_US = 86_400_000_000
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


class BusinessHours(BaseModel):
    """When the company works."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: Hours = Field("09:00-17:00", description="From and to, local time; up to 24:00.")
    weekdays: tuple[Weekday, ...] = Field(WEEKDAYS[:5], description="Days with these hours.")
    other_hours: dict[Weekday, Hours] = Field({}, description="Days with hours of their own.")
    holidays: tuple[dt.date, ...] = Field((), description="Days on which nobody works.")
    timezone: str = Field("UTC", description="Zone of the hours; summer time is kept.")

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


def calendar_table(hours: BusinessHours, first_us: int, last_us: int) -> pa.Table:
    """Return the open time of each day in UTC, and how much was open before it.

    Parameters
    ----------
    hours : BusinessHours
    first_us, last_us : int
        The span to cover, microseconds since 1970 UTC.

    Returns
    -------
    pyarrow.Table
        One row per day in UTC: ``day`` (int64, days since 1970), ``before_us`` (int64, open time
        from the first day to this day's beginning), and for each stretch of it that is open
        ``open0_us``, ``open1_us`` … (when it begins) and ``length0_us``, ``length1_us`` … (0
        where there is none).
    """
    first, last = first_us // DAY_US, last_us // DAY_US
    open_on: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for begin, end in _stretches(hours, first - 1, last + 1):
        # A local day may lie in two days of UTC.
        for day in range(begin // DAY_US, (end - 1) // DAY_US + 1):
            inside = max(begin, day * DAY_US), min(end, (day + 1) * DAY_US)
            open_on[day].append((inside[0], inside[1] - inside[0]))
    many = max([len(open_on[day]) for day in range(first, last + 1)] + [1])
    columns: dict[str, list[int]] = defaultdict(list)
    before = 0
    for day in range(first, last + 1):
        columns["day"].append(day)
        columns["before_us"].append(before)
        stretches = open_on[day] + [(day * DAY_US, 0)] * (many - len(open_on[day]))
        for spot, (begin, length) in enumerate(stretches):
            columns[f"open{spot}_us"].append(begin)
            columns[f"length{spot}_us"].append(length)
            before += length
    return pa.table({name: pa.array(values, pa.int64()) for name, values in columns.items()})


def _stretches(hours: BusinessHours, first: int, last: int) -> Iterator[tuple[int, int]]:
    for number in range(first, last + 1):
        stretch = hours.on(EPOCH.date() + dt.timedelta(days=number))
        if stretch is not None:
            yield stretch


def with_business_time(steps: ibis.Table, hours: BusinessHours) -> ibis.Table:
    """Add service and waiting time within business hours to steps that carry times.

    Parameters
    ----------
    steps : ibis.Table
        With ``t_us``, ``next_us``, ``service_us``, ``wait_us``.
    hours : BusinessHours

    Returns
    -------
    ibis.Table
        With ``service_business_us`` and ``wait_business_us`` (int64, null where the time by the
        wall clock is null).

    Notes
    -----
    Open time between two moments is open time up to the second less open time up to the first,
    and open time up to a moment is that before its day in UTC plus what of the day's open
    stretches lies before it: one join with a row per day, and integers throughout.
    """
    end = _.t_us + ibis.coalesce(_.service_us, 0)
    timed = steps.mutate(_end_us=end, _wait_from_us=ibis.least(end, ibis.coalesce(_.next_us, end)))
    timed = with_open_time(timed, hours, "t_us", "_end_us", "_wait_from_us", "next_us")
    null = ibis.null("int64")
    timed = timed.mutate(
        service_business_us=_.service_us.notnull().ifelse(_._open__end_us - _._open_t_us, null),
        wait_business_us=_.wait_us.notnull().ifelse(_._open_next_us - _._open__wait_from_us, null),
    )
    return timed.select(*steps.columns, "service_business_us", "wait_business_us")


def with_open_time(table: ibis.Table, hours: BusinessHours, *moments: str) -> ibis.Table:
    """Add for each column of moments how much was open before it.

    Parameters
    ----------
    table : ibis.Table
    hours : BusinessHours
    *moments : str
        Columns of microseconds since 1970 UTC; null gives null.

    Returns
    -------
    ibis.Table
        With ``_open_<moment>`` (int64): differences of two of them are open time.
    """
    span = table.aggregate(
        **{f"first{n}": table[name].min() for n, name in enumerate(moments)},
        **{f"last{n}": table[name].max() for n, name in enumerate(moments)},
    )
    known = [value for value in span.to_pyarrow().to_pylist()[0].values() if value is not None]
    if not known:
        nothing = ibis.null("int64")
        return table.mutate(**{f"_open_{name}": nothing for name in moments})
    calendar = ibis.memtable(calendar_table(hours, min(known), max(known)))
    for name in moments:
        table = _with_open_time(table, name, calendar)
    return table


def _with_open_time(table: ibis.Table, column: str, calendar: ibis.Table) -> ibis.Table:
    """Add ``_open_…``: open time from the calendar's beginning up to the moment in `column`."""
    stretches = [name for name in calendar.columns if name.startswith("open")]
    renamed = calendar.select(**{f"_c_{name}": calendar[name] for name in calendar.columns})
    keyed = table.mutate(_day=(table[column] // DAY_US).cast("int64"))
    joined = keyed.left_join(renamed, keyed["_day"] == renamed["_c_day"])
    total = joined["_c_before_us"]
    for name in stretches:
        length = joined["_c_" + name.replace("open", "length")]
        since = ibis.greatest(joined[column] - joined[f"_c_{name}"], 0)
        total = total + ibis.least(since, length)
    return joined.select(*table.columns, **{f"_open_{column}": total})
