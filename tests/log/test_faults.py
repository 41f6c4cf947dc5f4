"""Damaged and hostile sources: no row is lost in silence, nothing of a row is printed."""

from __future__ import annotations

import gzip
import os
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from journeylib.cli.main import main
from journeylib.core import LogError
from journeylib.log import EngineSettings, fetch, propose

from .conftest import read

HEADER = "who,what,at,words\n"
NAMED = {"customer": "who", "touchpoint": "what"}


def rows(n: int, words: str = "") -> list[str]:
    return [f"u{i % 50},call,2024-01-{1 + i % 28:02d} 10:00:00,{words}\n" for i in range(n)]


def written(folder: Path, lines: list[str], header: str = HEADER, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text(header + "".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("at", [0, 1_000, 19_998])
@pytest.mark.parametrize("rest", ["", '"well, said"'])
def test_a_quotation_mark_never_closed_loses_no_row(tmp_path: Path, at: int, rest: str) -> None:
    lines = rows(20_000, rest)
    lines[at] = 'u1,call,2024-01-01 10:00:00,"my phone is\n'
    with pytest.raises(LogError, match=r"rows, of which|cannot be told apart") as caught:
        read(written(tmp_path, lines))
    assert "phone" not in str(caught.value)


@pytest.mark.parametrize("letters", [140_000, 300_000])
def test_a_first_row_longer_than_what_is_looked_at_is_a_row(tmp_path: Path, letters: int) -> None:
    lines = rows(60)
    lines[0] = f'u0,call,2024-01-01 10:00:00,"{"to and fro; " * (letters // 12)}"\n'
    source = written(tmp_path, lines)
    assert propose(source, roles=NAMED).schema.timestamp == "at"
    log = read(source)
    assert (log.quality.rows_read, log.quality.rows_used) == (60, 60)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_column_that_only_a_later_file_has_stops_nothing(tmp_path: Path, kind: str) -> None:
    frame = pd.read_csv(written(tmp_path, rows(60, "hello"), name="all.txt"))
    for name, part in (("a", frame[:30]), ("b", frame[30:].assign(channel="phone"))):
        file = tmp_path / f"{name}.{kind}"
        if kind == "csv":
            part.to_csv(file, index=False)
        else:
            part.to_json(file, orient="records", lines=True)
    proposal = propose(str(tmp_path / f"*.{kind}"), roles=NAMED)
    assert proposal.sample["channel"].value_counts(dropna=False).tolist() == [30, 30]
    assert "channel" in proposal.columns


def test_a_quotation_mark_never_closed_in_the_last_row_costs_that_row(tmp_path: Path) -> None:
    lines = [*rows(99), 'u1,call,2024-01-01 10:00:00,"my phone is\n']
    log = read(written(tmp_path, lines))
    assert (log.quality.rows_read, log.quality.rows_used) == (100, 99)
    assert log.quality.quarantine["row"].tolist() == [100]


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        ("u1,call\n", 1),
        ("u1,call,2024-01-01 10:00:00,a,b,c\n", 1),
        ('u1,call,2024-01-01 10:00:00,"a"b"\n', 1),
        ('u1,call,2024-01-01 10:00:00,5" wide\n', 0),
        ('u1,call,2024-01-01 10:00:00,"two\nlines, ""quoted""\n\nof it"\n', 0),
        ("\n", None),
        ("\r\n", None),
    ],
)
def test_used_and_set_aside_are_all_lines(tmp_path: Path, damage: str, lost: int | None) -> None:
    lines = rows(500)
    lines[250:250] = [damage]
    log = read(written(tmp_path, lines))
    empty = lost is None
    assert log.quality.rows_read == 500 + (not empty)
    assert log.quality.rows_used == log.quality.rows_read - (lost or 0)
    assert len(log.quality.quarantine) == (lost or 0)


def test_lines_that_end_in_a_return_alone_are_rows(tmp_path: Path) -> None:
    path = written(tmp_path, rows(300))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))
    assert read(path).quality.rows_used == 300


FIRST_ROWS = [
    "Anna Berg,call,2024-01-02 10:11:12,my phone is broken\n",
    "anna@berg.example,call,whenever,xyzzy\n",
    "49171234567,call,whenever,xyzzy\n",
    "u1,call,whenever,\n",
]


@pytest.mark.parametrize("first", FIRST_ROWS)
def test_a_row_in_the_place_of_the_header_is_not_printed(
    tmp_path: Path, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, rows(100), header=first)
    cells = [cell for cell in first.strip().split(",") if len(cell) > 4]
    for look in (lambda: read(path), lambda: propose(path)):
        with pytest.raises(LogError, match="seems to have no header") as caught:
            look()
        assert not any(
            cell in str(caught.value) for cell in first.strip().split(",") if len(cell) > 4
        )
    assert main(["init", str(path), "--out", str(tmp_path / "audit.yaml")]) == 2
    shown = "".join(capsys.readouterr())
    assert not any(cell in shown for cell in cells)
    assert not (tmp_path / "audit.yaml").exists()


def test_a_header_that_is_repeated_within_is_one(tmp_path: Path) -> None:
    log = read(written(tmp_path, [*rows(100), HEADER]))
    assert (log.quality.rows_read, log.quality.rows_used) == (101, 100)


@pytest.mark.slow
def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    nothing = b"\0" * 2**20
    with gzip.open(tmp_path / "log.csv.gz", "wb", compresslevel=1) as packed:
        for _ in range(150):
            packed.write(nothing)
    with zipfile.ZipFile(tmp_path / "log.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.csv", nothing * 150)
    for name in ("log.csv.gz", "log.zip"):
        with pytest.raises(LogError, match="more than 200 times its size"):
            read(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv.gz", "log.zip"]


@pytest.mark.parametrize("at", [20, 60, -30])
def test_a_damaged_zip_is_a_wrong_input(tmp_path: Path, at: int) -> None:
    path = tmp_path / "log.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.csv", HEADER + "".join(rows(500)))
    content = bytearray(path.read_bytes())
    content[at : at + 12] = b"\xff" * 12
    path.write_bytes(content)
    with pytest.raises(LogError):
        read(path)
    assert main(["init", str(path), "--out", str(tmp_path / "audit.yaml")]) == 2


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log.csv")
    with pytest.raises(LogError, match="is a pipe"):
        read(tmp_path / "log.csv")


@pytest.mark.slow
def test_a_view_reads_no_other_file(tmp_path: Path) -> None:
    secret = written(tmp_path, rows(20), name="secret.csv")
    path = tmp_path / "log.db"
    with duckdb.connect(str(path)) as database:
        database.execute(f"CREATE VIEW other AS SELECT * FROM read_csv('{secret}')")
        database.execute(
            "CREATE TABLE own AS SELECT 'u1' AS who, 'a' AS what, TIMESTAMP '2024-01-01' AS at"
        )
        database.execute("CREATE VIEW mine AS SELECT * FROM own")
    with pytest.raises(LogError, match="reads other files"):
        read(f"duckdb:///{path}::other")
    for name in ("own", "mine"):
        assert read(f"duckdb:///{path}::{name}").quality.rows_used == 1


def test_an_open_log_reaches_no_file(tmp_path: Path) -> None:
    log = read(written(tmp_path, rows(100)))
    engine = log.events.get_backend()
    for query in (
        f"SELECT * FROM read_csv('{tmp_path / 'log.csv'}')",
        f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
        "SET enable_external_access = true",
    ):
        with pytest.raises(duckdb.Error):
            engine.con.execute(query)
    few = engine.create_table("few", pd.DataFrame({"customer": ["u1"]}), temp=True)
    assert len(fetch(log.events.semi_join(few, "customer"))) == 2


SPILLING = """
import sys, time
from journeylib.log.engine.duckdb import connect, run
engine = connect(memory_limit="20MB", threads=1, spill_folder=sys.argv[1])
run(engine, "CREATE TEMP TABLE t AS SELECT md5(range::VARCHAR) AS m FROM range(500000) ORDER BY m")
print("spilled", flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_spilled_rows_are_private_and_go_with_a_killed_process(tmp_path: Path) -> None:
    folder = tmp_path / "spill"
    process = subprocess.Popen(
        [sys.executable, "-c", SPILLING, str(folder)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "spilled\n"
        (used,) = folder.iterdir()
        assert stat.S_IMODE(used.stat().st_mode) == 0o700
        assert any(used.iterdir())
        # One that is at work keeps its rows.
        beside = EngineSettings(spill_folder=str(folder)).connect()
        assert any(used.iterdir())
        process.send_signal(signal.SIGKILL)
    assert any(used.iterdir())
    other = EngineSettings(spill_folder=str(folder)).connect()
    assert not used.exists()
    own = [Path(beside.spill.path), Path(other.spill.path)]
    assert sorted(folder.iterdir()) == sorted(own)
    beside.spill.remove()
    assert list(folder.iterdir()) == [own[1]]
