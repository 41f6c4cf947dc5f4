"""Small logs that were once read wrongly, each with its right value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from journeylib.core.errors import SchemaError
from journeylib.log.inference.schema_proposal import propose

from .conftest import checks_of, frame_of, read

CASES = Path(__file__).parents[3] / "shared" / "data" / "cases"
pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="the cases do not lie beside the repository"
)
ROLES: dict[str, Any] = {
    "customer": "customer_id", "touchpoint": "activity", "timestamp": "timestamp"
}  # fmt: skip
DAY = 86_400_000_000


def log_of(case: str, name: str = "log.csv", **roles: Any) -> Any:
    return read(str(CASES / case / name), ROLES | roles)


@pytest.mark.slow
def test_names_that_differ_by_case_stay_apart(tmp_path: Path) -> None:
    log = log_of("columns_differ_by_case", attributes=["Id", "ID (2)"])
    assert len(frame_of(log)) == 24
    lines = CASES / "columns_differ_by_case" / "log.jsonl"
    schema = propose(str(lines)).schema
    assert len(read(str(lines), schema).events.to_pandas()) == 24
    thrice = tmp_path / "log.csv"
    thrice.write_text("who,what,at,note,note (2),note\na,b,2026-01-01,1,2,3\n", "utf-8")
    roles = {"customer": "who", "touchpoint": "what", "timestamp": "at"}
    kept = read(str(thrice), roles | {"attributes": ["note", "note (2)", "note (3)"]})
    row = frame_of(kept).iloc[0]
    assert [row["note"], row["note (2)"], row["note (3)"]] == ["1", "2", "3"]


def test_names_in_a_frame_that_differ_by_case_stay_apart() -> None:
    frame = pd.DataFrame(
        {"customer_id": ["A", "A"], "activity": ["Web", "Call"], "Activity": ["WEB", "CALL"],
         "timestamp": pd.to_datetime(["2024-03-01 10:00", "2024-03-01 11:00"])}
    )  # fmt: skip
    for table in (frame, pa.Table.from_pandas(frame)):
        with pytest.raises(SchemaError, match=r"'Activity' .* Columns there: .*, Activity \(2\)"):
            read(table, ROLES | {"attributes": ["Activity"]})
        rows = frame_of(read(table, ROLES | {"attributes": ["Activity (2)"]}))
        assert rows["touchpoint"].tolist() == ["Web", "Call"]
        assert rows["Activity (2)"].tolist() == ["WEB", "CALL"]


def test_a_column_of_turns_orders_a_log_without_times() -> None:
    acts = ["hi", "ask", "answer", "thanks", "bye"]
    frame = pd.DataFrame(
        {"dialogue": [f"d{i // 5}" for i in range(100)], "step": [i % 5 + 1 for i in range(100)],
         "act": [acts[(i * 7 + i // 5) % 5] for i in range(100)]}
    )  # fmt: skip
    for name in ("step", "turn", "turn_no", "Schritt"):
        schema = propose(frame.rename(columns={"step": name})).schema
        assert (schema.touchpoint, schema.position) == ("act", name)


def test_numbers_with_decimals_order_a_log_as_numbers() -> None:
    frame = pd.DataFrame({"who": "u", "what": ["b", "a", "c"], "days": ["10.25", "-1", "10.5"]})
    log = read(frame, {"customer": "who", "touchpoint": "what", "position": "days"})
    assert frame_of(log).sort_values("position")["touchpoint"].tolist() == ["a", "b", "c"]
    many = pd.DataFrame({"customer": [f"c{i // 5}" for i in range(50)], "timestamp": [
        f"{i * 1.7:.3f}" for i in range(50)], "event": list("abcde") * 10})  # fmt: skip
    with pytest.raises(SchemaError, match="--role 'position=timestamp'"):
        propose(many)
    found = propose(many, roles={"position": "timestamp"}).schema
    assert (found.customer, found.touchpoint, found.timestamp) == ("customer", "event", None)


@pytest.mark.slow
def test_a_declared_format_may_name_the_offset() -> None:
    log = log_of("declared_format_with_offset", timestamp_format="%Y-%m-%dT%H:%M:%S%z")
    undeclared = log_of("declared_format_with_offset")
    assert frame_of(log)["t_us"].tolist() == frame_of(undeclared)["t_us"].tolist()
    assert frame_of(log)["t_us"].min() == 19783 * DAY + 8 * 3_600_000_000  # 1 March, 10:00 +02:00


def test_the_order_of_rows_tells_an_hour_from_its_second_time() -> None:
    log = log_of("dst_repeated_hour", timezone="Europe/Berlin")
    found = checks_of(log, "hour_twice")
    assert (found["severity"].tolist(), found["rows"].tolist()) == (["note"], [24])
    assert "12 were put into the second" in found["text"][0]
    events = frame_of(log).sort_values(["customer", "t_us"])
    assert ["".join(names) for _, names in events.groupby("customer")["touchpoint"]] == 12 * [
        "ABCD"
    ]


@pytest.mark.slow
def test_a_wrong_unit_of_time_is_doubted() -> None:
    with pytest.raises(SchemaError, match="serial days of a spreadsheet"):
        log_of("epoch_unit_wrong")
    with pytest.raises(SchemaError, match="serial days of a spreadsheet"):
        propose(str(CASES / "epoch_unit_wrong" / "log.csv"))
    log = log_of("epoch_unit_wrong", timestamp_format="s")
    assert checks_of(log, "times_before_1990")["rows"].tolist() == [24]
    assert checks_of(log, "times_in_one_moment")["rows"].tolist() == [24]
    assert checks_of(log_of("names_nfc_nfd"), "times_before_1990").empty


def test_ids_that_differ_only_in_writing_are_counted() -> None:
    found = checks_of(log_of("ids_blanks_and_capitals"), "ids_alike")
    assert found["text"][0].startswith("36 customers differ from another only by capitals")


def test_ids_that_a_spreadsheet_rounded_are_doubted() -> None:
    found = checks_of(log_of("ids_scientific_notation"), "ids_rounded")
    assert found["severity"].tolist() == ["warning"]
    assert checks_of(log_of("names_nfc_nfd"), "ids_rounded").empty


def test_long_ids_that_all_end_in_zeros_are_doubted() -> None:
    ids = [f"49151123456{i:04}000" for i in range(8)]
    frame = pd.DataFrame({"customer_id": ids * 2, "activity": "Call", "timestamp": "2024-03-01"})
    found = checks_of(read(frame, ROLES), "ids_rounded")
    assert (found["rows"].tolist(), found["text"][0][:17]) == ([16], "8 ids look rounde")
    frame.loc[0, "customer_id"] = "491511234560000017"
    assert checks_of(read(frame, ROLES), "ids_rounded").empty


def test_blank_lines_are_no_rows() -> None:
    roles = {"customer": "user", "touchpoint": "event"}
    log = log_of("jsonl_blank_lines", "log.jsonl", **roles)
    assert len(frame_of(log)) == 24
    assert checks_of(log, "unusable")["text"].tolist() == ["Every row can be used."]


def test_lines_above_the_header_are_left_out_and_counted() -> None:
    log = log_of("lines_above_header")
    assert len(frame_of(log)) == 24
    assert checks_of(log, "title_lines")["rows"].tolist() == [4]


def test_the_customers_column_may_have_gaps() -> None:
    found = propose(str(CASES / "many_rows_without_customer" / "log.csv"))
    assert (found.schema.customer, found.schema.touchpoint) == ("customer_id", "activity")
    assert any("17 % of the rows have no 'customer_id'" in doubt for doubt in found.warnings)


def test_letters_written_in_two_ways_look_alike() -> None:
    found = checks_of(log_of("names_nfc_nfd"), "names_alike")
    assert found["text"][0].startswith("4 touchpoints differ from another only by capitals")


def test_narrow_blanks_before_am_and_pm() -> None:
    path = CASES / "narrow_no_break_space" / "log.csv"
    found = propose(str(path))
    assert found.schema.timestamp == "timestamp"
    assert len(frame_of(read(str(path), found.schema))) == 24


def test_a_date_and_its_clock_are_joined() -> None:
    path = str(CASES / "date_and_clock_apart" / "log.csv")
    found = propose(path)
    assert (found.schema.touchpoint, found.schema.timestamp) == ("Aktion", "Datum Uhrzeit")
    assert found.wide is not None and found.wide.join == {"Datum Uhrzeit": ("Datum", "Uhrzeit")}
    rows = frame_of(read(path, found.schema, join=found.wide.join))
    assert len(rows) == 146
    assert (rows["t_us"] % DAY > 0).all()  # none is at midnight any more


def test_starts_and_ends_of_events_are_proposed_as_such() -> None:
    found = propose(str(CASES / "xes_lifecycle_not_proposed" / "log.xes"))
    assert found.schema.lifecycle == "lifecycle:transition"


def test_a_time_of_xes_without_zone_is_in_the_declared_one() -> None:
    roles = {"customer": "case:concept:name", "touchpoint": "concept:name",
             "timestamp": "time:timestamp", "timezone": "Europe/Berlin"}  # fmt: skip
    log = read(str(CASES / "xes_naive_time_ignores_timezone" / "log.xes"), roles)
    first = 19905 * DAY + 8 * 3_600_000_000  # 1 July 2024, 08:00 UTC
    assert frame_of(log)["t_us"].min() == first


def test_month_first_where_only_that_is_in_order() -> None:
    path = CASES / "us_dates_all_before_13th" / "log.csv"
    found = propose(str(path))
    assert str(found.schema.timestamp_format).startswith("%m/%d/%Y")
    times = frame_of(read(str(path), found.schema))["t_us"]
    assert times.min() == 19783 * DAY + times.min() % DAY  # 1 March 2024, not 3 January
    assert any("month" in doubt for doubt in found.warnings)


@pytest.mark.slow
def test_a_lone_quotation_mark_swallows_nothing(tmp_path: Path) -> None:
    lines = ["customer_id\tactivity\ttimestamp\tnote"]
    for i in range(79_860):
        note = '"hi there' if i in (20_000, 60_000) else "thanks"
        time = f"2024-03-01 10:{i // 60 % 60:02}:{i % 60:02}"
        lines.append(f"C{i // 4:05d}\t{'WCMS'[i % 4]}\t{time}\t{note}")
    path = tmp_path / "log.tsv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    log = read(str(path), ROLES)
    assert (log.quality.rows_read, log.quality.rows_used) == (79_860, 79_860)
    assert checks_of(log, "lone_quotes")["rows"].tolist() == [2]
