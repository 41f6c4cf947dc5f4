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

from journeylib.errors import LogError, SchemaError
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
    with pytest.raises(SchemaError, match="2026-01-05 comes before 2026-01-06"):
        read(paths, days=("2026-01-06", "2026-01-05"))
