from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeylib.core.errors import SchemaError
from journeylib.log.canonical.date_orders import DateOrders, Ways, date_orders
from journeylib.log.engine.duckdb import connect
from journeylib.log.eventlog import EventLog
from journeylib.log.inference.schema_proposal import propose

from .conftest import ROLES, checks_of, frame_of, read

DAY = dt.datetime(2024, 2, 29, 13, 5)


def us(*when: int) -> int:
    return (dt.datetime(*when) - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)  # type: ignore[arg-type]


def log_at(times: list[Any], **fields: Any) -> Any:
    frame = pd.DataFrame({"who": "u1", "what": "a", "at": times})
    return read(frame, ROLES | fields, max_unusable_share=0.9)


def micros(times: list[Any], **fields: Any) -> list[int]:
    return [int(t) for t in frame_of(log_at(times, **fields))["t_us"]]


WAYS = [
    "2024-02-29 13:05",
    "2024-02-29T13:05",
    "2024-02-29T13:05:00",
    "2024-02-29T13:05:00Z",
    "2024-02-29 13:05:00 UTC",
    "2024-02-29T14:05:00+01:00",
    "2024-02-29T14:05:00+0100",
    "2024-02-29T14:05:00+01",
    "2024-02-29T07:35:00.000-05:30",
    "2024-02-29 13:05:00.000000000",
    "2024-02-29 13:05:00,000",
    "2024/02/29 13:05:00",
    "29/2/2024 13:05",
    "2/29/2024 1:05 PM",
    "29/02/24 13:05",
    "29.02.2024 13:05:00",
    "29-02-2024 13:05",
    "29 Feb 2024 13:05",
    "29-Feb-2024 13:05",
    "Feb 29, 2024 1:05 PM",
    "February 29, 2024 13:05",
    "20240229130500",
    "20240229T130500",
    "  2024-02-29 13:05  ",
]
RARER_WAYS = [
    "Thu Feb 29 13:05:00 +0000 2024",
    "Thu Feb 29 08:05:00 -0500 2024",
    "Thu Feb 29 13:05:00 2024",
    "Thu, 29 Feb 2024 14:05:00 +0100",
    "Thu, 29 Feb 2024 13:05:00 +0000 (UTC)",
    "Thu, 29 Feb 2024 13:05:00 GMT",
    "Thu Feb 29 2024 13:05:00 GMT+0000 (Coordinated Universal Time)",
    "29/02/2024 1:05 p.m.",
    "2/29/2024 1:05:00 P. M.",
    "2/29/2024 1:05\u202fPM",
    "2024-02-29 14:05:00 CET",
    "2024-02-29 15:05:00.000 CEST",
    "29.02.2024 14:05 MEZ",
    "2024-02-29T08:05:00 EST",
    "Feb 29, 2024 10:05 PM JST",
    "Thu Feb 29 14:05:00 CET 2024",
    "Thu, 29 Feb 2024 06:05:00 MST",
]


@pytest.mark.parametrize(
    "text", [*WAYS, *(pytest.param(text, marks=pytest.mark.slow) for text in RARER_WAYS)]
)
def test_one_moment_written_in_many_ways(text: str) -> None:
    assert micros([text]) == [us(2024, 2, 29, 13, 5)]


@pytest.mark.slow
def test_letters_of_several_zones_are_those_of_the_declared_zone() -> None:
    with pytest.raises(SchemaError, match=r"several zones have: CST, IST. Declare in 'timezone'"):
        log_at(["2024-02-29 07:05:00 CST", "2024-02-29 07:05:00 IST"])
    (chicago,) = micros(["2024-02-29 07:05:00 CST"], timezone="America/Chicago")
    (shanghai,) = micros(["2024-02-29 21:05 CST"], timezone="Asia/Shanghai")
    assert chicago == shanghai == us(2024, 2, 29, 13, 5)
    summer, none = micros(["2024-07-01 08:00 CDT", "2024-07-01 08:00"], timezone="America/Chicago")
    assert summer == none == us(2024, 7, 1, 13)


def test_dates_without_clock() -> None:
    log = log_at(["2024-02-29", "2024-03-01"])
    assert frame_of(log)["t_us"].tolist() == [us(2024, 2, 29), us(2024, 3, 1)]
    assert checks_of(log, "clock_resolution")["severity"].tolist() == ["warning"]


def test_midnights_are_local() -> None:
    log = log_at(["2024-01-29", "2024-07-01"], timezone="Europe/Berlin")
    assert frame_of(log)["t_us"].tolist() == [us(2024, 1, 28, 23), us(2024, 6, 30, 22)]
    assert "Every time is a midnight" in checks_of(log, "clock_resolution")["text"][0]


@pytest.mark.slow
def test_times_over_which_clocks_were_put_forward_are_counted() -> None:
    # In Berlin 2 o'clock of 31 March 2024 was 3 o'clock.
    times = ["2024-03-31 01:59", "2024-03-31 02:00", "2024-03-31 02:59", "2024-03-31 03:00"]
    log = log_at(times, timezone="Europe/Berlin")
    assert checks_of(log, "hour_never")["rows"].tolist() == [2]
    assert checks_of(log_at(times), "hour_never").empty
    assert checks_of(log_at(times[::3], timezone="Europe/Berlin"), "hour_never").empty
    typed = log_at([pd.Timestamp(time) for time in times], timezone="Europe/Berlin")
    assert checks_of(typed, "hour_never")["rows"].tolist() == [2]
    zoned = log_at([f"{time}:00+01:00" for time in times], timezone="Europe/Berlin")
    assert checks_of(zoned, "hour_never").empty


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "expected", "severity"),
    [
        # In Berlin 02:00 to 03:00 of 27 October 2024 occurs twice: from 0:00 and from 1:00 UTC.
        (["u 01:30", "u 02:45", "u 02:15", "u 03:05"], "23:30 0:45 1:15 2:05", "note"),
        # A file in order of time, of two customers who have one event each in the hour.
        (["u 02:45", "v 02:15", "v 03:00"], "0:45 1:15 2:00", "note"),
        # No step back: either hour is possible.
        (["u 01:30", "u 02:15", "u 02:45"], "23:30 0:15 0:45", "warning"),
        # Two steps back, or one elsewhere: the rows are in no order.
        (["u 02:45", "u 02:15", "u 02:05"], "0:45 0:15 0:05", "warning"),
        (["u 02:45", "u 02:15", "u 04:00", "u 01:00"], "0:45 0:15 3:00 23:00", "warning"),
    ],
)
def test_the_order_of_rows_settles_an_hour_that_occurs_twice(
    rows: list[str], expected: str, severity: str
) -> None:
    whose = [row.split() for row in rows]
    frame = pd.DataFrame(whose, columns=["who", "at"]).assign(what="a")
    frame["at"] = "2024-10-27 " + frame["at"]
    log = read(frame, ROLES | {"timezone": "Europe/Berlin"})
    minutes = frame_of(log).sort_values("position")["t_us"] // 60_000_000 % 1440
    assert " ".join(f"{minute // 60}:{minute % 60:02}" for minute in minutes) == expected
    assert checks_of(log, "hour_twice")["severity"].tolist() == [severity]
    assert checks_of(read(frame, ROLES), "hour_twice").empty


def test_an_end_in_the_second_hour_follows_its_start() -> None:
    frame = pd.DataFrame({"who": "u", "what": "a", "at": ["02:45", "02:15", "03:10"],
                          "end": ["02:10", "02:20", "03:20"]})  # fmt: skip
    frame[["at", "end"]] = "2024-10-27 " + frame[["at", "end"]]
    log = read(frame, ROLES | {"timezone": "Europe/Berlin", "end_timestamp": "end"})
    rows = frame_of(log).sort_values("position")
    assert ((rows["end_us"] - rows["t_us"]) // 60_000_000).tolist() == [25, 5, 10]


def test_fractions_keep_microseconds() -> None:
    assert micros(["2024-02-29 13:05:00.1234567"]) == [us(2024, 2, 29, 13, 5) + 123_456]


@pytest.mark.slow
def test_day_or_month_first_is_settled_over_the_column() -> None:
    assert micros(["1/2/2024", "13/2/2024"]) == [us(2024, 2, 1), us(2024, 2, 13)]
    assert micros(["1/2/2024", "2/13/2024"]) == [us(2024, 1, 2), us(2024, 2, 13)]
    ambiguous = log_at(["1/2/2024", "3/4/2024"])
    assert frame_of(ambiguous)["t_us"].tolist()[0] == us(2024, 2, 1)
    assert checks_of(ambiguous, "day_or_month_first")["rows"].tolist() == [2]
    with pytest.raises(SchemaError, match=r"1 values can only be read day-first, 2 only month-f"):
        log_at(["13/2/2024", "2/13/2024", "2/14/2024 10:00"])


# What one file of a log may hold, as days of 10:00.
DAY_FIRST = ["13/2/2024", "14/2/2024"]
MONTH_FIRST = ["2/13/2024", "2/14/2024"]
UNCLEAR = ["1/2/2024", "3/4/2024"]  # in order of time either way
# In order of time with the month first only: 5 January, 3, 4 and 6 February.
IN_ORDER = ["1/5/2024", "2/3/2024", "2/4/2024", "2/6/2024"]


def files_of(folder: Path, *days: list[str]) -> str:
    for name, column in zip("abcd", days, strict=False):
        rows = [f"u{i},a,{day} 10:00" for i, day in enumerate(column)]
        (folder / f"{name}.csv").write_text("\n".join(["who,what,at", *rows, ""]), "utf-8")
    return str(folder / "*.csv")


def days_of(log: EventLog) -> list[str]:
    times = pd.to_datetime(frame_of(log)["t_us"], unit="us")
    assert set(times.dt.hour) == {10}
    return times.dt.strftime("%m-%d").tolist()


@pytest.mark.parametrize(
    ("files", "days", "decided", "unclear"),
    [
        # One file with the day first and one with the month first: each is read by itself.
        ([DAY_FIRST, MONTH_FIRST], "02-13 02-14 02-13 02-14", (1, 1, 0, 0), []),
        # A file that is not clear is read as the clear one.
        ([MONTH_FIRST, UNCLEAR], "02-13 02-14 01-02 03-04", (0, 2, 0, 1), []),
        ([UNCLEAR, DAY_FIRST], "02-01 04-03 02-13 02-14", (2, 0, 0, 1), []),
        # The order of its own rows counts more than another file.
        ([DAY_FIRST, IN_ORDER], "02-13 02-14 01-05 02-03 02-04 02-06", (1, 1, 1, 0), []),
        # Two changes of day are too few to count: 5 January, then 3 and 4 February.
        ([DAY_FIRST, IN_ORDER[:3]], "02-13 02-14 05-01 03-02 04-02", (2, 0, 0, 1), []),
        # Where the clear files differ, a file that is not clear stays so.
        ([DAY_FIRST, MONTH_FIRST, UNCLEAR],
         "02-13 02-14 02-13 02-14 02-01 04-03", (2, 1, 0, 0), [2]),
        # An order of rows is a decision that other files can follow.
        ([IN_ORDER, UNCLEAR], "01-05 02-03 02-04 02-06 01-02 03-04", (0, 2, 1, 1), []),
        # Files without such dates have no part in it.
        ([["2024-05-06"], MONTH_FIRST], "05-06 02-13 02-14", None, []),
        ([UNCLEAR, UNCLEAR], "02-01 04-03 02-01 04-03", None, [4]),
    ],
)  # fmt: skip
def test_each_file_has_the_day_or_the_month_first(
    tmp_path: Path,
    files: list[list[str]],
    days: str,
    decided: tuple[int, int, int, int] | None,
    unclear: list[int],
) -> None:
    log = read(files_of(tmp_path, *files))
    assert days_of(log) == days.split()
    found = checks_of(log, "day_or_month_first")
    shown = found["text"].tolist()
    by_file = [tuple(map(int, re.findall(r"\d+", one))) for one in shown if "Files read" in one]
    assert by_file == ([] if decided is None else [decided])
    assert found[found["text"].str.startswith("No")]["rows"].tolist() == unclear
    assert set(found["severity"]) <= {"note"}


def test_am_and_pm_decide_where_files_differ() -> None:
    """The dates of file 1 are American by their clock alone; a file that is clear goes before."""
    unclear, day, month = Ways(2, 2, 2, american=True), Ways(3, 1, 3), Ways(1, 3, 3)
    assert date_orders({0: day, 1: unclear, 2: month}, {}) == DateOrders((0,), (1, 2))
    assert date_orders({0: day, 1: unclear}, {}) == DateOrders((0, 1), by_others=1)
    assert date_orders({1: unclear}, {}) == DateOrders((), (1,))


def test_one_file_is_read_as_before_whatever_its_order(tmp_path: Path) -> None:
    log = read(files_of(tmp_path, IN_ORDER))
    assert days_of(log) == ["05-01", "03-02", "04-02", "06-02"]
    assert checks_of(log, "day_or_month_first")["rows"].tolist() == [4]


def test_a_file_that_contradicts_itself_is_refused_by_name(tmp_path: Path) -> None:
    paths = files_of(tmp_path, DAY_FIRST, MONTH_FIRST, [*DAY_FIRST, *UNCLEAR, MONTH_FIRST[0]])
    refused = (
        r"'at' of the file c\.csv mixes .*: 2 values can only be read day-first, 1 only "
        r"month-first\. Declare timestamp_format"
    )
    with pytest.raises(SchemaError, match=refused):
        read(paths)
    assert any(re.search(refused, doubt) for doubt in propose(paths, roles=ROLES).warnings)


def test_init_says_which_files_have_the_month_first(tmp_path: Path) -> None:
    paths = files_of(tmp_path, DAY_FIRST, MONTH_FIRST, UNCLEAR, IN_ORDER)
    found = propose(paths, roles={"touchpoint": "what"})
    assert found.schema.timestamp_format is None
    said = next(doubt for doubt in found.warnings if doubt.startswith("In 4 files"))
    assert "With the day first: a.csv and c.csv. With the month first: b.csv and d.csv." in said
    assert "The order of rows decided 1 of them, the other files 0." in said
    assert any("first in 1 of these files; the day is taken" in doubt for doubt in found.warnings)


def test_ends_are_read_by_file_too(tmp_path: Path) -> None:
    for name, day in (("a", "13/2/2024"), ("b", "2/13/2024")):
        (tmp_path / f"{name}.csv").write_text(
            f"who,what,at,end\nu,a,{day} 10:00,{day} 10:05\n", "utf-8"
        )
    berlin = {"end_timestamp": "end", "timezone": "Europe/Berlin"}
    rows = frame_of(read(str(tmp_path / "*.csv"), ROLES | berlin))
    assert rows["t_us"].tolist() == [us(2024, 2, 13, 9)] * 2
    assert rows["end_us"].tolist() == [us(2024, 2, 13, 9, 5)] * 2


def test_mixed_formats_and_zones_are_told() -> None:
    log = log_at(["2024-02-29 13:05", "29.02.2024", "2024-02-29T13:05:00+01:00"])
    assert frame_of(log)["t_us"].tolist() == [
        us(2024, 2, 29, 13, 5),
        us(2024, 2, 29),
        us(2024, 2, 29, 12, 5),
    ]
    assert checks_of(log, "time_format")["severity"].tolist() == ["note"]
    zones = checks_of(log, "time_zones")
    assert zones[["severity", "rows"]].to_numpy().tolist() == [["warning", 2]]


def test_a_stated_offset_wins_over_the_zone() -> None:
    both = ["2024-02-29T13:05:00", "2024-02-29T13:05:00Z"]
    assert micros(both, timezone="America/New_York") == [
        us(2024, 2, 29, 18, 5),
        us(2024, 2, 29, 13, 5),
    ]


def test_times_that_cannot_be_read_are_set_aside() -> None:
    log = log_at(["2024-02-29", "31/02/2024", "?", "9999-12-31", "soon"])
    assert log.quality.quarantine[["row", "reason"]].to_numpy().tolist() == [
        [2, "time cannot be read"],
        [3, "no time"],
        [4, "time cannot be read"],
        [5, "time cannot be read"],
    ]


def test_no_time_at_all_is_an_error_that_shows_shapes_only() -> None:
    with pytest.raises(SchemaError) as raised:
        log_at(["tomorrow", "Tues 5"])
    assert "none of its 2 values can be read as a time" in str(raised.value)
    assert "'aaaa 9'" in str(raised.value)
    assert "Tues" not in str(raised.value)
    with pytest.raises(SchemaError, match=r"with the declared format '%d.%m.%Y'"):
        log_at(["2024-02-29"], timestamp_format="%d.%m.%Y")


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        (["1709211900"], "suggests 's'"),
        (["1709211900000", "1709211900001"], "suggests 'ms'"),
        ([1709211900000000], "suggests 'us'"),
        ([1.5, 2.25], "order"),
    ],
)
def test_numbers_of_unknown_unit_are_an_error(values: list[Any], hint: str) -> None:
    with pytest.raises(SchemaError, match="holds numbers of unknown unit") as raised:
        log_at(values)
    assert hint in str(raised.value)


@pytest.mark.parametrize(("period", "form"), [(2024, "%Y"), (202402, "%Y%m")])
def test_a_period_is_said_how_to_read(period: int, form: str) -> None:
    said = rf"numbers of {len(str(period))} digits.*timestamp_format '{form}'.*'position'"
    for value in (period, str(period)):
        with pytest.raises(SchemaError, match=said):
            log_at([value])
    first = us(2024, 2 if form == "%Y%m" else 1, 1)
    assert micros([str(period)], timestamp_format=form) == [first]


@pytest.mark.parametrize(
    "form", ["2567-02-{:02d} 13:05", "{:02d}/02/2567", "{:02d} Feb 2567 13:05"]
)
def test_years_of_another_calendar_are_times_for_nobody(form: str) -> None:
    times = [form.format(day) for day in range(1, 29)]
    with pytest.raises(SchemaError, match=r"Years outside 1900 to 2200 are not read"):
        log_at(times)
    frame = pd.DataFrame({"who": ["u1", "u2"] * 14, "what": ["a", "b"] * 14, "at": times})
    with pytest.raises(SchemaError, match=r"'at' looks like dates\. Years outside 1900 to 2200"):
        propose(frame)
    some = [form.format(day).replace("2567", "2024") for day in range(1, 29)]
    some[:7] = times[:7]
    # A quarter cannot be read: no column of times for an audit either.
    with pytest.raises(SchemaError, match="Years outside"):
        propose(frame.assign(at=some))
    some[:5] = [time.replace("2567", "2024") for time in times[:5]]
    assert "93 % of its values read as times" in propose(frame.assign(at=some)).reasons["timestamp"]


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        ("1709211900", "s"),
        ("1709211900.0", "s"),
        (1709211900.0, "s"),
        (1709211900000, "ms"),
        ("1709211900000000", "us"),
    ],
)
def test_numbers_of_declared_unit(value: Any, unit: str) -> None:
    assert micros([value], timestamp_format=unit) == [us(2024, 2, 29, 13, 5)]


@pytest.mark.slow
def test_typed_times() -> None:
    naive = pd.to_datetime(["2024-07-01 12:00"])
    assert micros(list(naive), timezone="Europe/Berlin") == [us(2024, 7, 1, 10)]
    aware = naive.tz_localize("America/New_York")
    assert micros(list(aware), timezone="Europe/Berlin") == [us(2024, 7, 1, 16)]
    assert micros([dt.date(2024, 7, 1)]) == [us(2024, 7, 1)]


@pytest.mark.slow
def test_the_sessions_zone_does_not_matter() -> None:
    frame = pd.DataFrame(
        {"who": "u1", "what": "a", "at": ["2024-07-01 12:00", "2024-07-01T12:00Z"]}
    )
    engine = connect()
    engine.con.execute("SET TimeZone = 'Asia/Tokyo'").fetchall()
    assert frame_of(read(frame, engine=engine))["t_us"].tolist() == [us(2024, 7, 1, 12)] * 2
    typed = frame.assign(at=pd.to_datetime(["2024-07-01 12:00"] * 2).tz_localize("UTC"))
    assert frame_of(read(typed, engine=engine))["t_us"].tolist() == [us(2024, 7, 1, 12)] * 2


@pytest.mark.slow
def test_future_period_and_ends() -> None:
    frame = pd.DataFrame(
        {
            "who": "u1",
            "what": "a",
            "at": ["2024-01-01 00:30", "2024-01-31 23:30", "2024-02-01 00:30"],
            "to": ["2024-01-01 00:20", "2024-01-31 23:40", "later"],
        }
    )
    log = read(frame, ROLES | {"end_timestamp": "to"}, period=("2024-01-01", "2024-01-31"))
    late = frame.assign(at=["2024-01-01 00:30", "2024-01-31 23:30", "2199-02-01 00:30"])
    assert checks_of(read(late, as_of=None), "future")["rows"].tolist() == [1]
    assert checks_of(log, "outside_period")["rows"].tolist() == [1]
    assert checks_of(log, "end_before_start")["rows"].tolist() == [1]
    assert checks_of(log, "unreadable")["rows"].tolist() == [1]
    berlin = read(
        frame, ROLES | {"timezone": "Europe/Berlin"}, period=("2024-01-01", dt.date(2024, 1, 31))
    )
    assert checks_of(berlin, "outside_period")["rows"].tolist() == [1]
    with pytest.raises(SchemaError, match="Write it as 2026-03-31"):
        read(frame, as_of="31.1.2024")


zones = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
)


@pytest.mark.slow
@settings(max_examples=12)
@given(
    times=st.lists(
        st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2036, 1, 1)), min_size=1, max_size=40
    ),
    zone=zones,
)
def test_local_times_agree_with_python(times: list[dt.datetime], zone: str) -> None:
    expected = [
        (t.replace(tzinfo=zoneinfo.ZoneInfo(zone)) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
        // dt.timedelta(microseconds=1)
        for t in times
    ]
    assert micros([t.isoformat(" ", "microseconds") for t in times], timezone=zone) == expected


@pytest.mark.parametrize("kind", ["frame", "arrow", "parquet"])
def test_nanoseconds_with_a_zone_are_times(kind: str, tmp_path: Path) -> None:
    when = pd.to_datetime(["2024-02-29T13:05:00.123456789Z"]).as_unit("ns")
    frame = pd.DataFrame({"who": ["u1"], "what": ["a"], "at": when})
    table = pa.Table.from_pandas(frame)
    pq.write_table(table, tmp_path / "log.parquet")
    source = {"frame": frame, "arrow": table, "parquet": tmp_path / "log.parquet"}[kind]
    log = read(source, ROLES)
    assert [int(t) for t in frame_of(log)["t_us"]] == [us(2024, 2, 29, 13, 5) + 123456]
