from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeylib.core.errors import LogError, QualityError, SchemaError
from journeylib.log.engine.hashing import customer_group, log_hash
from journeylib.log.schema import Schema

from .conftest import ROLES, checks_of, frame_of, read

CSV = "who,what,at\nu1,home,2024-01-01 10:00:00\nu2,cart,2024-01-01 10:00:01.5\nu1,pay,2024-01-02\n"
FRAME = pd.DataFrame(
    {
        "who": ["u1", "u2", "u1"],
        "what": ["home", "cart", "pay"],
        "at": pd.to_datetime(
            ["2024-01-01 10:00:00", "2024-01-01 10:00:01.5", "2024-01-02"], format="ISO8601"
        ),
    }
)
TIMES = [1704103200000000, 1704103201500000, 1704153600000000]


def write(folder: Path, text: str, name: str = "log.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def facts(log: object) -> tuple[list[str], list[str], list[int]]:
    frame = frame_of(log)  # type: ignore[arg-type]
    return frame["customer"].tolist(), frame["touchpoint"].tolist(), frame["t_us"].tolist()


EXPECTED = (["u1", "u2", "u1"], ["home", "cart", "pay"], TIMES)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^"])
def test_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    log = read(write(tmp_path, CSV.replace(",", delimiter)))
    assert facts(log) == EXPECTED
    assert checks_of(log, "delimiter")["severity"].tolist() == ["ok"]


def test_decimal_commas_do_not_pass_for_delimiters(tmp_path: Path) -> None:
    text = "who;what;at;cost\nu1;a;2024-01-01;3,5\nu1;b;2024-01-02;4,25\n"
    log = read(write(tmp_path, text), ROLES | {"cost": "cost"})
    assert frame_of(log)["cost_micro"].tolist() == [3_500_000, 4_250_000]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    text = CSV.replace("home", "Schlüssel übergeben – café")
    log = read(write(tmp_path, text, encoding=encoding))
    assert frame_of(log)["touchpoint"].tolist()[0] == "Schlüssel übergeben – café"
    assert encoding in checks_of(log, "encoding")["text"][0]


def test_non_western_encoding_is_found(tmp_path: Path) -> None:
    words = "Заявление принято оператором, клиент ожидает ответа и перезванивает"
    text = "who;what;at\n" + "".join(f"u{i};{words};2024-01-01\n" for i in range(20))
    log = read(write(tmp_path, text, encoding="cp1251"))
    assert set(frame_of(log)["touchpoint"]) == {words}


def test_late_letters_do_not_break_an_ascii_start(tmp_path: Path) -> None:
    text = "who,what,at\n" + "u1,a,2024-01-01\n" * 20_000 + "u1,Lösung,2024-01-02\n"
    log = read(write(tmp_path, text, encoding="cp1252"))
    assert frame_of(log)["touchpoint"].tolist()[-1] == "Lösung"


@pytest.mark.slow
def test_packed_files(tmp_path: Path) -> None:
    packed = tmp_path / "log.csv.gz"
    packed.write_bytes(gzip.compress(CSV.encode()))
    assert facts(read(packed)) == EXPECTED
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("folder/log.csv", CSV)
    assert facts(read(tmp_path / "log.zip")) == EXPECTED
    packed.write_bytes(gzip.compress(CSV.encode() * 100)[:-20])
    with pytest.raises(LogError, match="damaged"):
        read(packed)


@pytest.mark.slow
def test_several_files_keep_their_order_and_rows(tmp_path: Path) -> None:
    write(tmp_path, CSV, "b.csv")
    write(tmp_path, "at;what;who\n2023-05-01;first;u9\n;second;u9\n", "a[1].csv")
    log = read(str(tmp_path / "*.csv"), max_unusable_share=0.5)
    assert frame_of(log)["touchpoint"].tolist() == ["first", "home", "cart", "pay"]
    quarantine = log.quality.quarantine
    assert quarantine.to_dict("records") == [
        {"source": "a[1].csv", "row": 2, "role": "timestamp", "reason": "no time"}
    ]
    listed = read([tmp_path / "b.csv", tmp_path / "a[1].csv"], max_unusable_share=0.5)
    assert frame_of(listed)["touchpoint"].tolist() == ["home", "cart", "pay", "first"]


@pytest.mark.slow
def test_frames_files_and_tables_agree(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "log.parquet")
    lines = "\n".join(
        json.dumps({"who": row.who, "what": row.what, "at": str(row.at)})
        for row in FRAME.itertuples(index=False)
    )
    write(tmp_path, lines, "log.jsonl")
    database = duckdb.connect(str(tmp_path / "log.db"))
    database.execute(
        "CREATE TABLE events AS SELECT * FROM read_parquet(?)", [str(tmp_path / "log.parquet")]
    )
    connected = read((database, "events"))
    database.close()
    logs = [
        read(write(tmp_path, CSV)),
        read(FRAME),
        read(pl.from_pandas(FRAME)),
        read(pl.from_pandas(FRAME).lazy()),
        read(pa.Table.from_pandas(FRAME)),
        read(tmp_path / "log.parquet"),
        read(tmp_path / "log.jsonl"),
        read(f"duckdb:///{tmp_path}/log.db::events"),
        read(ibis.memtable(pa.Table.from_pandas(FRAME))),
    ]
    assert [facts(log) for log in logs] == [EXPECTED] * len(logs)
    assert {log_hash(log) for log in logs} == {log_hash(logs[0])}
    assert connected.quality.rows_used == 3


def test_parquet_row_numbers_over_files(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "a.parquet")
    FRAME.assign(what=["x", None, "y"]).to_parquet(tmp_path / "b.parquet")
    log = read([tmp_path / "a.parquet", tmp_path / "b.parquet"], max_unusable_share=0.2)
    assert frame_of(log)["position"].tolist() == [1, 2, 3, 4, 6]
    assert log.quality.quarantine[["source", "row"]].to_numpy().tolist() == [["b.parquet", 2]]


def test_integers_with_gaps_read_as_integers() -> None:
    frame = pd.DataFrame({"who": [7.0, None, 8.5], "what": ["a"] * 3, "at": ["2024-01-01"] * 3})
    assert frame_of(read(frame, max_unusable_share=0.5))["customer"].tolist() == ["7", "8.5"]


def test_mixed_object_columns_read_as_text() -> None:
    frame = pd.DataFrame({"who": [7, "x"], "what": ["a", "b"], "at": ["2024-01-01"] * 2})
    assert frame_of(read(frame))["customer"].tolist() == ["7", "x"]


def test_ragged_rows_are_set_aside_with_their_numbers(tmp_path: Path) -> None:
    text = CSV + "u3,short\n" + "u4,long,2024-01-01,extra\n" + ",nobody,2024-01-01\n"
    log = read(write(tmp_path, text), max_unusable_share=0.6)
    assert log.quality.quarantine[["row", "reason"]].to_numpy().tolist() == [
        [4, "fewer columns than the header"],
        [5, "more columns than the header"],
        [6, "no customer"],
    ]
    assert (log.quality.rows_read, log.quality.rows_used) == (6, 3)


def test_bad_json_lines_are_set_aside(tmp_path: Path) -> None:
    good = '{"who": "u1", "what": "a/b", "at": "2024-01-01", "n": {"x": 1}}'
    path = write(tmp_path, f"{good}\nnot json\n[1]\n{good}\n", "log.ndjson")
    log = read(path, ROLES | {"attributes": ("n",)}, max_unusable_share=0.5)
    assert log.quality.quarantine["row"].tolist() == [2, 3]
    assert frame_of(log)["n"].tolist() == ['{"x":1}'] * 2


def test_rows_may_end_in_a_delimiter(tmp_path: Path) -> None:
    log = read(write(tmp_path, "who,what,at\nu1,a,2024-01-01,\nu2,b,2024-01-02,\n"))
    assert log.quality.rows_used == 2


def test_excel_says_its_delimiter(tmp_path: Path) -> None:
    assert facts(read(write(tmp_path, "sep=;\r\n" + CSV.replace(",", ";")))) == EXPECTED


def test_missing_column_offers_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, CSV)
    with pytest.raises(SchemaError) as raised:
        read(path, {"customer": "who", "touchpoint": "wat", "timestamp": "at"})
    assert str(raised.value) == (
        "column 'wat' (role 'touchpoint') is not in log.csv. Did you mean 'what'? "
        "Columns there: who, what, at."
    )


def test_wrong_delimiter_names_the_right_one(tmp_path: Path) -> None:
    path = write(tmp_path, CSV.replace(",", ";"))
    with pytest.raises(SchemaError, match=r"it looks like ';' \(semicolon\)"):
        read(path, delimiter=",")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"customer": "who", "timestamp": "at"}, "'touchpoint' is needed: What happened"),
        (ROLES | {"tuchpoint": "x"}, "'tuchpoint' is no field of Schema. Did you mean 'touchp"),
        ({"customer": "who", "touchpoint": "what"}, "declare 'timestamp' or 'position'"),
        (ROLES | {"timezone": "Europe/Berln"}, "Did you mean 'Europe/Berlin'"),
    ],
)
def test_schema_errors_in_plain_words(given: dict[str, str], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        read(FRAME, given)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "log.csv is empty"),
        (b"\n \n", "log.csv is empty"),
        (b"who,what,at\n", "holds a header and no rows"),
        (b"\x89PNG\r\n\x1a\n\0\0", "log.csv is a picture"),
        (bytes(range(256)) * 20, "log.csv is a binary file"),
        (CSV.encode().replace(b"\n", b"\0\n", 1), "a binary file, or text with zero bytes"),
        (b"PAR1 but not really", "not a whole Parquet file"),
    ],
)
def test_files_that_are_no_logs(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(LogError, match=message):
        read(path)


def test_an_excel_workbook_is_named(tmp_path: Path) -> None:
    for name, said in (("log.csv", "save its sheet as CSV"), ("log.xlsx", "no.* workbook that")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
        with pytest.raises(LogError, match=said):
            read(tmp_path / name)


def test_places_that_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, CSV)
    with pytest.raises(LogError, match=r"is a directory. Name a file, or a pattern"):
        read(tmp_path)
    with pytest.raises(LogError, match=r"no file 'lg.csv'. Did you mean 'log.csv'"):
        read(tmp_path / "lg.csv")
    # Neither a folder nor a common ending is a likeness.
    (tmp_path / "docs").mkdir()
    for name in ("no.csv", "dos", "ends.csv"):
        with pytest.raises(LogError, match=rf"no file '{name}'. Check its name and its folder\.$"):
            read(tmp_path / name)
    with pytest.raises(LogError, match="no file matches"):
        read(str(tmp_path / "*.tsv"))
    with pytest.raises(LogError, match=r"list of files is empty"):
        read([])
    with pytest.raises(LogError, match=r"cannot be read from int"):
        read(3)

    # Root may read everything, so the refusal is played.
    opened = Path.open

    def refuse(self: Path, *given: object, **options: object) -> object:
        if self == path:
            raise PermissionError(13, "Permission denied")
        return opened(self, *given, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(LogError, match=r"log.csv may not be read by this user"):
        read(path)


def test_unknown_database_table_offers_the_nearest(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "log.db")) as database:
        database.execute("CREATE TABLE events (a INTEGER)")
    with pytest.raises(LogError, match=r"no table 'event' in log.db. Did you mean 'events'"):
        read(f"duckdb:///{tmp_path}/log.db::event")


def test_an_empty_or_repeated_frame() -> None:
    with pytest.raises(LogError, match="holds no rows"):
        read(FRAME.head(0))
    twice = pd.concat([FRAME, FRAME[["who"]]], axis=1)
    with pytest.raises(SchemaError, match="more than one column 'who'"):
        read(twice)


def test_too_many_unusable_rows_are_refused_without_content() -> None:
    frame = FRAME.assign(at=["2024-01-01", "secret", "2024-01-02"])
    with pytest.raises(QualityError) as raised:
        read(frame)
    assert "1 of 3 rows" in str(raised.value)
    assert "33.3 %" in str(raised.value)
    assert "secret" not in str(raised.value)
    with pytest.raises(QualityError, match=r"no row of the table can be used"):
        read(FRAME.assign(who=None))


AWKWARD = [
    'say "hello", then; leave',
    "line\r\nbreak",
    "tab\there",
    "😀 happy",
    "שלום עולם",
    "<script>alert(1)</script>",
    "'; DROP TABLE events; --",
    "{{ braces }}",
]


def test_awkward_names_are_kept_and_line_breaks_counted(tmp_path: Path) -> None:
    frame = pd.DataFrame({"who": "u1", "what": AWKWARD, "at": "2024-01-01"})
    frame.to_csv(tmp_path / "log.csv", index=False)
    for log in (read(frame), read(tmp_path / "log.csv")):
        names = frame_of(log)["touchpoint"].tolist()
        assert names == [*AWKWARD[:1], "line break", "tab here", *AWKWARD[3:]]
        assert checks_of(log, "control_characters")["rows"].tolist() == [2]


def test_a_column_may_have_any_name(tmp_path: Path) -> None:
    names = {"who": 'w"ho', "what": "what's; up", "at": "a\\t 😀"}
    frame = FRAME.rename(columns=names)
    frame.to_csv(tmp_path / "log.csv", index=False)
    schema = {role: names[column] for role, column in ROLES.items()}
    assert facts(read(tmp_path / "log.csv", schema)) == EXPECTED
    assert facts(read(frame, schema)) == EXPECTED


def test_one_event_and_a_busy_customer() -> None:
    one = checks_of(read(FRAME.head(1)), "one_event")
    assert one["severity"].tolist() == ["blocking"]
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(range(100_000), unit="s")
    many = pd.DataFrame({"who": "u1", "what": "ping", "at": at})
    log = read(many)
    busy = checks_of(log, "busy_customers")
    assert busy[["severity", "rows"]].to_numpy().tolist() == [["warning", 100_000]]
    assert busy["text"].iloc[0].startswith("Customers with 10,000 events or more: 1. ")


def test_stages_go_by_the_name_that_a_touchpoint_gets() -> None:
    frame = pd.DataFrame({"who": "u1", "what": ["a", "b", "c"], "at": "2024-01-01"})
    renamed = {"touchpoint_values": {"a": "b", "b": "x"}}
    log = read(frame, ROLES | renamed | {"stage_values": {"b": "first", "c": "last"}})
    rows = frame_of(log).set_index("touchpoint")["stage"]
    assert rows.fillna("").to_dict() == {"b": "first", "x": "", "c": "last"}
    nowhere = read(frame, ROLES | renamed | {"stage_values": {"a": "first"}})
    assert frame_of(nowhere)["stage"].isna().all()


def test_values_are_mapped() -> None:
    frame = pd.DataFrame(
        {
            "who": "u1",
            "what": ["Hi", "Ask", "Bye", "Odd"],
            "at": "2024-01-01",
            "by": ["User_1", "VRU", "Agent 7", None],
            "ok": ["yes", "0", "perhaps", ""],
            "score": ["0.25", "-1", "n/a?", "1e-3"],
        }
    )
    schema = Schema(
        customer="who",
        touchpoint="what",
        timestamp="at",
        actor="by",
        error="ok",
        sentiment="score",
        touchpoint_values={"Hi": "greet", "Ask": "ask"},
        actor_values={"User_1": "customer", "VRU": "bot", "*": "human"},
        stage_values={"greet": "start"},
        office_values={"ask": "front"},
    )
    log = read(frame, schema)
    rows = frame_of(log).astype(object).where(lambda f: f.notna(), None)
    assert rows["touchpoint"].tolist() == ["greet", "ask", "Bye", "Odd"]
    assert rows["actor"].tolist() == ["customer", "bot", "human", None]
    assert rows["stage"].tolist() == ["start", None, None, None]
    assert rows["office"].tolist() == [None, "front", None, None]
    assert rows["error"].tolist() == [True, False, None, None]
    assert rows["sentiment_micro"].tolist() == [250_000, -1_000_000, None, 1_000]
    unread = checks_of(log, "unreadable")
    assert dict(zip(unread["role"], unread["rows"], strict=True)) == {"sentiment": 1, "error": 1}
    unmapped = checks_of(log, "unmapped")
    assert dict(zip(unmapped["role"], unmapped["rows"], strict=True)) == {
        "actor": 0,
        "touchpoint_values": 2,
        "stage_values": 3,
        "office_values": 3,
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        (["1,234", "1,234.50", "7"], [1234, 1234.5, 7]),
        (["1.234", "1.234,50", "7"], [1234, 1234.5, 7]),
        (["1,234", "950.5", "7"], [1234, 950.5, 7]),
        (["1.234", "0,5", "7"], [1234, 0.5, 7]),
        (["1,234,567", "1,234", "7"], [1_234_567, 1234, 7]),
        (["1,234", "7", "8"], [1.234, 7, 8]),  # nothing else says that it is a thousand
        (["1,5", "2.5", "7"], [1.5, 2.5, 7]),
        (["12,34", "950.50", "1,2,3"], [12.34, 950.5, None]),
    ],
)
def test_a_column_of_numbers_is_read_as_a_whole(
    written: list[str], numbers: list[float | None]
) -> None:
    frame = pd.DataFrame({"who": "u1", "what": "a", "at": "2024-01-01", "cost": written})
    micro = frame_of(read(frame, ROLES | {"cost": "cost"}))["cost_micro"]
    wanted = [None if n is None else int(n * 1_000_000) for n in numbers]
    assert [None if pd.isna(n) else int(n) for n in micro] == wanted
    came = {"customer": "who", "constant_kind": "bill", "value": "cost"}
    log = read(frame, outcomes=frame, outcomes_schema=came, max_unusable_share=0.5)
    values = log.outcomes.execute()["value_micro"]  # type: ignore[union-attr]
    assert sorted(map(int, values.dropna())) == sorted(n for n in wanted if n is not None)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_carriage_return_within_a_line_is_a_blank(tmp_path: Path, end: str) -> None:
    rows = ["who,what,at,said", "u1,a,2024-01-01,thank\ryou", "u2,b,2024-01-02,bye"]
    log = read(write(tmp_path, end.join(rows) + end), ROLES | {"text": "said"})
    assert frame_of(log)["text"].tolist() == ["thank you", "bye"]
    assert checks_of(log, "lone_returns")["rows"].tolist() == [1]


def test_a_log_without_a_clock() -> None:
    frame = pd.DataFrame({"who": ["a", "a", "b"], "what": ["x", "y", "x"], "turn": ["2", "1", "1"]})
    log = read(frame, {"customer": "who", "touchpoint": "what", "position": "turn"})
    assert not log.has_clock
    assert frame_of(log)["position"].tolist() == [1, 1, 2]
    assert checks_of(log, "clock")["severity"].tolist() == ["note"]


def test_a_position_that_is_no_number_stays_text() -> None:
    frame = FRAME.assign(id=["e10", "e2", "e3"])
    assert frame_of(read(frame, ROLES | {"position": "id"}))["position"].tolist() == [
        "e10",
        "e2",
        "e3",
    ]


def test_attributes_keep_their_names_but_take_none_of_ours() -> None:
    frame = FRAME.assign(n=["1", "2", "3"], position=[3, 2, 1], channel="web")
    schema = ROLES | {"channel": "channel"}
    assert frame_of(read(frame, schema | {"attributes": ("n", "channel")}))["n"].tolist() == [
        "1",
        "2",
        "3",
    ]
    with pytest.raises(SchemaError, match="attribute 'position' has the name of a column"):
        read(frame, schema | {"attributes": ("position",)})


@pytest.mark.slow
def test_outcomes_from_a_table(tmp_path: Path) -> None:
    path = write(tmp_path, "who,left,when\nu1,Yes,2024-02-01\nu2,No,\nu8,No,\n", "out.csv")
    schema = {"customer": "who", "constant_kind": "churn", "value": "left", "timestamp": "when"}
    log = read(FRAME, outcomes=path, outcomes_schema=schema)
    assert log.outcomes is not None
    rows = log.outcomes.order_by("customer").to_pandas()
    assert rows["value_micro"].tolist() == [1_000_000, 0, 0]
    assert rows["kind"].unique().tolist() == ["churn"]
    assert rows["t_us"].tolist()[0] == 1706745600000000
    assert rows["t_us"].isna().tolist() == [False, True, True]
    assert checks_of(log, "outcomes_without_events")["rows"].tolist() == [1]
    with pytest.raises(SchemaError, match="outcomes need an outcomes_schema"):
        read(FRAME, outcomes=path)
    with pytest.raises(SchemaError, match=r"declare either 'kind'"):
        read(FRAME, outcomes=path, outcomes_schema={"customer": "who"})


@pytest.mark.slow
def test_outcomes_as_they_were_known_by_a_day(tmp_path: Path) -> None:
    """Answered in time; asked in time and answered later; asked later; without a date."""
    rows = [
        "u1,9,2024-01-20,2024-01-21",
        "u2,3,2024-01-31,2024-02-01",
        "u1,1,2024-02-01,2024-02-02",
    ]
    path = write(tmp_path, "\n".join(["who,nps,asked,when", *rows, "u2,5,,"]) + "\n", "out.csv")
    schema = {"customer": "who", "constant_kind": "nps", "value": "nps", "timestamp": "when"}
    schema |= {"asked_timestamp": "asked"}
    late = pd.DataFrame({"who": ["u3"], "what": ["home"], "at": ["2024-02-01 00:00"]})
    known = {"as_of": "2024-01-31", "outcomes": path, "outcomes_schema": schema}
    log = read(pd.concat([FRAME, late]), **known)
    assert log.outcomes is not None
    found = log.outcomes.order_by("value_micro", "t_us").to_pandas()
    assert found["customer"].tolist() == ["u2", "u1", "u2"]
    assert found["value_micro"].tolist()[:2] == [5_000_000, 9_000_000]
    assert found["value_micro"].isna().tolist() == [False, False, True]
    assert found["t_us"].isna().tolist() == [True, False, True]
    assert sorted(set(frame_of(log)["customer"])) == ["u1", "u2"]
    with pytest.raises(LogError, match=r"holds no event of the days that are asked for"):
        read(late, **known)


def test_outcomes_from_columns_of_the_log() -> None:
    frame = FRAME.assign(nps=[9, None, 9])
    schema = {"customer": "who", "constant_kind": "nps", "value": "nps"}
    log = read(frame, outcomes="log", outcomes_schema=schema)
    assert log.outcomes is not None
    assert log.outcomes.to_pandas()[["customer", "value_micro"]].to_numpy().tolist() == [
        ["u1", 9_000_000]
    ]


@pytest.mark.slow
def test_hash_does_not_depend_on_order_but_on_content() -> None:
    base = log_hash(read(FRAME))
    assert log_hash(read(FRAME.iloc[::-1])) == base
    assert log_hash(read(FRAME.assign(what=["home", "cart", "pax"]))) != base
    assert log_hash(read(pd.concat([FRAME, FRAME.tail(1)]))) != base
    swapped = FRAME.assign(who=["u2", "u1", "u1"])
    assert log_hash(read(swapped)) != base


def test_customer_groups_are_those_of_md5() -> None:
    import hashlib

    names = [f"c{i}" for i in range(200)]
    table = ibis.memtable(pa.table({"c": names}))
    groups = table.select("c", g=customer_group(table.c)).to_pandas()
    expected = {n: int(hashlib.md5(n.encode()).hexdigest()[:2], 16) % 64 for n in names}
    assert dict(zip(groups["c"], groups["g"], strict=True)) == expected


cell = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda text: text.strip() and text.strip() not in Schema.model_fields["missing"].default
)


@pytest.mark.slow
@settings(max_examples=10)
@given(rows=st.lists(st.tuples(cell, cell, st.integers(0, 2**32)), min_size=1, max_size=20))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, int]]
) -> None:
    frame = pd.DataFrame(rows, columns=["who", "what", "at"])
    path = tmp_path_factory.mktemp("round") / "log.csv"
    frame.to_csv(path, index=False)
    log = read(path, ROLES | {"timestamp_format": "s"}, delimiter=",", as_of="2200-01-01")
    found = frame_of(log)
    assert found["customer"].tolist() == frame["who"].tolist()
    assert found["touchpoint"].tolist() == frame["what"].tolist()
    assert (found["t_us"] // 1_000_000).tolist() == frame["at"].tolist()
    assert log_hash(log) == log_hash(read(frame.iloc[::-1], log.schema))
