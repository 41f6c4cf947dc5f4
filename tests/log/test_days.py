"""Reading a few days of many: what lies outside is not read, and nothing else changes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from journeylib.core.errors import LogError, SchemaError
from journeylib.log.eventlog import EventLog

from .conftest import ROLES, frame_of, read

FIRST = dt.datetime(2026, 1, 1)
DAYS, ROWS = 8, 240
WANTED = ("2026-01-04", "2026-01-05")


def write_days(folder: Path, zone: str | None = None) -> list[Path]:
    """Write eight daily files with an event every six minutes, in row groups of two hours."""
    paths = []
    for day in range(DAYS):
        times = [FIRST + dt.timedelta(days=day, minutes=6 * i) for i in range(ROWS)]
        table = pa.table(
            {
                "who": [f"c{i % 7}" for i in range(ROWS)],
                "what": ["home", "cart", "pay"] * (ROWS // 3),
                "at": pa.array(times, pa.timestamp("us", zone)),
                "unused": [f"a long remark that no role names, {day} {i}" for i in range(ROWS)],
            }
        )
        place = folder / f"day={FIRST + dt.timedelta(days=day):%Y-%m-%d}"
        place.mkdir()
        pq.write_table(table, place / "events.parquet", row_group_size=20, use_dictionary=False)
        paths.append(place / "events.parquet")
    return paths


def spoil(path: Path, columns: tuple[int, ...] = (0, 1, 2, 3), groups: range | None = None) -> None:
    """Overwrite the pages of columns in some row groups; what the file says of itself stays."""
    meta = pq.read_metadata(path)
    content = bytearray(path.read_bytes())
    for group in groups or range(meta.num_row_groups):
        for column in columns:
            chunk = meta.row_group(group).column(column)
            start, size = chunk.data_page_offset, chunk.total_compressed_size
            content[start : start + size] = b"\xff" * size
    path.write_bytes(content)


def events(log: EventLog) -> pd.DataFrame:
    return frame_of(log)[["customer", "touchpoint", "t_us"]]


@pytest.mark.slow
def test_nothing_is_read_of_other_days_nor_of_columns_without_a_role(tmp_path: Path) -> None:
    paths = write_days(tmp_path)
    whole = frame_of(read(paths))
    for path in (*paths[:2], *paths[6:]):
        spoil(path)
    for path in paths:
        spoil(path, columns=(3,))
    # A day is left at either end, for times without a zone: of it all but the row groups beside.
    log = read(str(tmp_path / "day=*" / "*.parquet"), days=WANTED)
    first = int(pd.Timestamp(WANTED[0], tz="UTC").value // 1000)
    inside = whole[(whole.t_us >= first) & (whole.t_us < first + 2 * 86_400_000_000)]
    assert len(inside) == 2 * ROWS
    pd.testing.assert_frame_equal(frame_of(log), inside.reset_index(drop=True))
    assert log.quality.rows_read == 2 * ROWS
    with pytest.raises(duckdb.Error):
        read(paths)


def test_row_groups_outside_are_not_read_either(tmp_path: Path) -> None:
    paths = write_days(tmp_path)
    file = tmp_path / "all.parquet"
    whole = pa.concat_tables(pq.read_table(path, partitioning=None) for path in paths)
    pq.write_table(whole, file, row_group_size=ROWS, use_dictionary=False)
    wanted = events(read(file, days=WANTED))
    spoil(file, groups=range(2))
    spoil(file, groups=range(6, 8))
    pd.testing.assert_frame_equal(events(read(file, days=WANTED)), wanted)
    assert len(wanted) == 2 * ROWS


@pytest.mark.slow
@pytest.mark.parametrize("timezone", ["UTC", "America/New_York", "Pacific/Auckland"])
def test_text_and_parquet_give_the_same_days_in_every_zone(tmp_path: Path, timezone: str) -> None:
    paths = write_days(tmp_path)
    text = tmp_path / "log.csv"
    pd.concat(pd.read_parquet(path) for path in paths).to_csv(text, index=False)
    roles: dict[str, Any] = ROLES | {"timezone": timezone}
    of_text, of_parquet = read(text, roles, days=WANTED), read(paths, roles, days=WANTED)
    pd.testing.assert_frame_equal(events(of_text), events(of_parquet))
    local = pd.to_datetime(events(of_text).t_us, unit="us", utc=True).dt.tz_convert(timezone)
    assert sorted(set(local.dt.date.astype(str))) == list(WANTED)
    assert len(local) == 2 * ROWS


def test_rows_without_a_time_stay_among_the_unusable(tmp_path: Path) -> None:
    path = write_days(tmp_path)[3]
    table = pq.read_table(path)
    times = table["at"].to_pylist()
    times[5] = None
    pq.write_table(table.set_column(2, "at", pa.array(times, pa.timestamp("us"))), path)
    log = read([path], days=WANTED)
    assert (log.quality.rows_read, log.quality.rows_used) == (ROWS, ROWS - 1)


def test_days_that_no_file_holds_and_days_that_are_none(tmp_path: Path) -> None:
    paths = write_days(tmp_path)
    with pytest.raises(LogError, match="holds no event of the days"):
        read(paths, days=("2025-01-01", "2025-02-01"))
    with pytest.raises(LogError, match=r"holds no event of the days .*'as_of'"):
        read(paths, as_of="2025-12-30")
    with pytest.raises(LogError, match=r"holds no event of the days .*'as_of'"):
        read(pd.concat(pd.read_parquet(path) for path in paths), as_of="2025-12-30")
    with pytest.raises(SchemaError, match="2026-01-05 comes before 2026-01-06"):
        read(paths, days=("2026-01-06", "2026-01-05"))


# --- Looking back from a day --------------------------------------------------------------------

AS_OF = "2026-01-05"


@pytest.mark.slow
def test_a_day_looked_back_from_is_as_if_the_log_ended_there(tmp_path: Path) -> None:
    paths = write_days(tmp_path)
    then = read(paths[:5])
    for path in paths[6:]:
        spoil(path)
    for path in paths:
        spoil(path, columns=(3,))
    # Of the day after it all but what a zone may bring in: row groups beside it are read.
    log = read(paths, as_of=AS_OF)
    pd.testing.assert_frame_equal(frame_of(log), frame_of(then))
    assert (log.quality.rows_read, log.quality.rows_used) == (5 * ROWS, 5 * ROWS)
    mine, theirs = (one.quality.checks.set_index("check") for one in (log, then))
    assert mine["text"]["future"] == f"{3 * ROWS} rows lie after {AS_OF} and were left out."
    assert (mine["rows"]["future"], mine["share"]["future"]) == (3 * ROWS, 3 / 8)
    pd.testing.assert_frame_equal(mine.drop("future"), theirs.drop("future"))
    both = read(paths, as_of=AS_OF, days=(AS_OF, "2026-01-08"))
    assert set(events(both).t_us // 86_400_000_000) == {
        (pd.Timestamp(AS_OF).value // 86_400 // 10**9)
    }
    with pytest.raises(duckdb.Error):
        read(paths)


@pytest.mark.slow
@pytest.mark.parametrize("timezone", ["Pacific/Pago_Pago", "UTC", "Pacific/Kiritimati"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_no_zone_hides_what_was_known_by_a_day(
    tmp_path: Path, timezone: str, zone: str | None
) -> None:
    """Eleven hours behind and fourteen ahead: files may hold the days around the one named."""
    paths = write_days(tmp_path, zone)
    roles: dict[str, Any] = ROLES | {"timezone": timezone}
    whole = frame_of(read(paths, roles))
    text = tmp_path / "log.csv"
    pd.concat(pd.read_parquet(path) for path in paths).to_csv(text, index=False)
    of_text = read(text, roles, as_of=AS_OF)
    # With a zone of its own a time is UTC, and nothing of the last two days is missed; without
    # one, a whole day more may be needed.
    for path in paths[7:]:
        spoil(path)
    log = read(paths, roles, as_of=AS_OF)
    end = pd.Timestamp("2026-01-06", tz="UTC").value // 1000
    known = whole[whole.t_us < end].reset_index(drop=True)
    pd.testing.assert_frame_equal(frame_of(log), known)
    pd.testing.assert_frame_equal(events(of_text), known[["customer", "touchpoint", "t_us"]])
    later = [log.quality.checks.set_index("check")["rows"]["future"] for log in (log, of_text)]
    assert later == [len(whole) - len(known)] * 2


@pytest.mark.slow
def test_times_that_are_none_are_counted_wherever_one_looks_back_from(tmp_path: Path) -> None:
    """A year 9999 stands for no time: it is unusable, not later."""
    paths = write_days(tmp_path)
    table = pq.read_table(paths[1])
    times = table["at"].to_pylist()
    times[7], times[9], times[11] = dt.datetime(9999, 12, 31), dt.datetime(1601, 1, 1), None
    wrong = table.set_column(2, "at", pa.array(times, pa.timestamp("us")))
    pq.write_table(wrong, paths[1], row_group_size=20)
    text = tmp_path / "log.csv"
    pd.concat(pd.read_parquet(path) for path in paths).to_csv(text, index=False)
    for options in ({"as_of": AS_OF}, {"days": WANTED}, {"days": ("2026-01-02", "2026-01-03")}):
        of_text, of_parquet = read(text, **options), read(paths, **options)
        assert of_text.quality.rows_read == of_parquet.quality.rows_read
        assert of_parquet.quality.rows_read - of_parquet.quality.rows_used == 3
        pd.testing.assert_frame_equal(events(of_text), events(of_parquet))


@pytest.mark.slow
def test_outcomes_in_the_log_are_those_known_by_the_day(tmp_path: Path) -> None:
    paths = write_days(tmp_path)
    for day, path in enumerate(paths):
        table = pq.read_table(path, partitioning=None)
        left = pa.array([f"left on {day}" if i == 3 else None for i in range(ROWS)])
        told = table.append_column("came", left)
        pq.write_table(told, path, row_group_size=20, use_dictionary=False)
    text = tmp_path / "log.csv"
    pd.concat(pd.read_parquet(path) for path in paths).to_csv(text, index=False)
    for path in paths[6:]:
        spoil(path, columns=(0, 1, 2, 3, 4))
    roles = {"customer": "who", "kind": "came"}
    found = [
        read(source, as_of=AS_OF, outcomes="log", outcomes_schema=roles) for source in (paths, text)
    ]
    for log in found:
        assert log.outcomes is not None
        kinds = sorted(log.outcomes.to_pandas()["kind"])
        assert kinds == [f"left on {day}" for day in range(5)]
