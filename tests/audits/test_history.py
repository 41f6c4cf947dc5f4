"""History: the runs of an audit, in whatever state their directories are."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import journeylib as jl
from journeylib.audits.changes.run_comparison import compare_runs
from journeylib.audits.history import History, find_home, find_run, read_history
from journeylib.audits.runs.bundle import fingerprint_files
from journeylib.audits.runs.reproduction import reproduce
from journeylib.cli.main import main
from journeylib.core.catalogue.catalogue import catalogue_of
from journeylib.core.errors import ConfigError, LogError, RunError

from .conftest import write_small

DAYS = (dt.date(2026, 2, 1), dt.date(2026, 3, 1))
QUICK = ["compare=key_results"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[jl.Audit]]:
    """Two runs of the small log, as of two days, made once."""
    folder, audits = tmp_path_factory.mktemp("runs"), []
    config = write_small(folder)
    for day in DAYS:
        audits.append(jl.audit(config, as_of=day, overrides=QUICK, history=folder))
        jl.save(audits[-1], folder)
    return folder / "small", audits


@pytest.fixture
def home(runs: tuple[Path, list[jl.Audit]], tmp_path: Path) -> Path:
    """Their directories, to do with as one likes."""
    return Path(shutil.copytree(runs[0], tmp_path / "small", symlinks=True))


@pytest.mark.slow
def test_runs_come_in_the_order_of_their_days_whatever_the_clock_says(home: Path) -> None:
    found = read_history(home)
    assert [entry.as_of for entry in found.entries] == list(DAYS)
    assert found.skipped == {}
    newest = found.entries[-1]
    manifest = json.loads((newest.folder / "manifest.json").read_text("utf-8"))
    manifest["written"] = "1999-01-01T00:00:00Z"  # the clock was set back
    (newest.folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert [entry.as_of for entry in read_history(home).entries] == list(DAYS)
    assert newest.document["comparison"]["previous"] == found.entries[0].run_id


def test_a_past_day_is_compared_with_the_run_before_it(home: Path) -> None:
    first, _second = history = read_history(home).entries
    assert History(history).before(DAYS[0]) == ()
    assert History(history).before(dt.date(2026, 2, 10)) == (first,)
    assert first.document["comparison"]["previous"] is None


def test_what_is_damaged_or_foreign_is_skipped_and_told(home: Path) -> None:
    broken, *_ = (path for path in sorted(home.iterdir()) if path.is_dir())
    (broken / "audit.json").write_text('{"schema_version": "1"', "utf-8")
    (home / "notes").mkdir()
    (home / "old").mkdir()
    (home / "old" / "audit.json").write_text('{"schema_version": "0"}', "utf-8")
    (home / "text").mkdir()
    (home / "text" / "audit.json").write_bytes(b"\xff\xfe")
    (home / "list").mkdir()
    (home / "list" / "audit.json").write_text("[1]", "utf-8")
    (home / "copy").mkdir()
    whole = read_history(home).entries[0]
    (home / "copy" / "audit.json").write_bytes((whole.folder / "audit.json").read_bytes())
    found = read_history(home)
    assert [entry.run_id for entry in found.entries] == [whole.run_id]
    assert set(found.skipped) == {broken.name, "notes", "old", "text", "list", "copy"}
    assert found.skipped[broken.name] == "its audit.json is damaged"
    assert found.skipped["notes"] == "it has no audit.json, so it is no run"
    assert found.skipped["copy"].startswith("its audit.json is of the run small/")


def test_a_run_that_lacks_anything_is_skipped_and_stops_nothing(home: Path) -> None:
    broken, whole = read_history(home).entries
    file = broken.folder / "audit.json"
    document = json.loads(file.read_bytes())
    damages = [{k: v for k, v in document.items() if k != key} for key in document]
    damages += [document | {key: wrong} for key in document for wrong in (7, [7])]
    damages += [document | {"log": document["log"] | {"events": None}}]
    for damaged in damages:
        file.write_text(json.dumps(damaged), "utf-8")
        found = read_history(home)
        assert [entry.run_id for entry in found.entries] == [whole.run_id]
        assert broken.run_id in found.skipped and len(found.runs()) == 1
    assert len(damages) > 30
    file.write_text('{"a":' * 200_000, "utf-8")
    assert read_history(home).skipped[broken.run_id] == "its audit.json is damaged"
    assert main(["history", str(home)]) == 0


@pytest.mark.slow
def test_a_damaged_or_unreadable_run_does_not_stop_the_next(home: Path, small: Path) -> None:
    first, second = read_history(home).entries
    (second.folder / "audit.json").write_text("{", "utf-8")
    (second.folder / "tables" / "streams.parquet").write_bytes(b"")
    (home / "locked").mkdir()
    (home / "locked" / "audit.json").mkdir()  # cannot be opened, whoever asks
    found = jl.audit(small, as_of="2026-03-02", overrides=QUICK, history=home.parent)
    assert found.changes.previous == first.run_id
    assert found.passed
    jl.save(found, home.parent)
    assert find_run("latest", home).run_id == found.run_id
    assert set(read_history(home).skipped) == {second.run_id, "locked"}
    assert main(["compare", str(second.folder), "latest", "--runs", str(home)]) == 2


def test_a_damaged_table_takes_its_streams_away_and_nothing_else(home: Path) -> None:
    entry = read_history(home).entries[0]
    (entry.folder / "tables" / "streams.parquet").write_bytes(b"PAR1 no more")
    again = read_history(home).entries[0]
    assert again.streams is None
    assert again.run_id == entry.run_id


@pytest.mark.slow
def test_two_writers_and_a_reader_do_not_disturb_each_other(
    home: Path, runs: tuple[Path, list[jl.Audit]]
) -> None:
    audits = runs[1]
    failures: list[BaseException] = []
    seen: list[tuple[int, int]] = []

    def write(audit: jl.Audit) -> None:
        try:
            for _ in range(5):
                jl.save(audit, home.parent)
        except BaseException as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(audit,)) for audit in audits]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        found = read_history(home)
        seen.append((len(found.entries), len(found.skipped)))
    assert failures == []
    # A run that is being replaced may be away for a moment; it is never half there.
    assert all(skipped == 0 for _, skipped in seen)
    assert len(read_history(home).entries) == 2


WRITER = """
import sys
from pathlib import Path
from journeylib.audits.runs.bundle import commit, staged
from journeylib.audits.history import find_run
import shutil
source, home = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
while True:
    with staged(home.parent, home.name) as stage:
        shutil.copytree(source, stage / source.name)
        commit(stage / source.name, home)
"""


@pytest.mark.slow
def test_a_writer_killed_at_any_point_leaves_no_half_run(home: Path, tmp_path: Path) -> None:
    source = read_history(home).entries[-1].folder
    kept = tmp_path / "kept" / source.name
    kept.parent.mkdir()
    source.rename(kept)
    for pause in (0.0, 0.003, 0.007, 0.013, 0.021, 0.034):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(kept), str(home)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(jl.__file__).parents[1])},
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        threading.Event().wait(pause)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        found = read_history(home)
        assert found.skipped == {}
        for entry in found.entries:
            assert entry.streams is not None
    assert len(find_home(home).name) > 0


def test_streams_are_read_with_plain_sql(home: Path) -> None:
    rows = duckdb.sql(
        f"SELECT filename, measure FROM read_parquet('{home}/[0-9]*/tables/streams.parquet', "
        "filename=true)"
    ).fetchall()
    runs = {Path(str(name)).parents[1].name for name, _ in rows}
    assert runs <= {entry.run_id for entry in read_history(home).entries}


def test_no_small_cell_is_kept(home: Path) -> None:
    for entry in read_history(home).entries:
        assert entry.streams is not None
        assert (entry.streams["customers"] >= 10).all()
        assert "Rare" not in set(entry.streams["touchpoint"])


def test_a_run_is_found_by_directory_id_and_name(home: Path) -> None:
    first, second = read_history(home).entries
    assert find_run(first.run_id, home).run_id == first.run_id
    assert find_run(str(first.folder)).run_id == first.run_id
    assert find_run("latest", home.parent).run_id == second.run_id
    assert find_run("previous", home).run_id == first.run_id
    with pytest.raises(LogError, match="Did you mean"):
        find_run(f"{first.run_id}x", home)
    with pytest.raises(LogError, match="there is no folder"):
        find_home(home / "nowhere")
    (home.parent / "other" / "2026-01-01-a").mkdir(parents=True)
    (home.parent / "other" / "2026-01-01-a" / "audit.json").touch()
    with pytest.raises(LogError, match="several audits"):
        find_home(home.parent)


@pytest.mark.slow
def test_a_run_made_again_of_rows_in_another_order_is_the_same_byte_for_byte(
    home: Path, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = small.parent / "small.csv"
    header, *rows = log.read_text("utf-8").splitlines()
    log.write_text("\n".join([header, *reversed(rows)]) + "\n", "utf-8")
    second = read_history(home).entries[1]
    assert main(["reproduce", str(second.folder), "--config", str(small)]) == 0
    assert capsys.readouterr().out == (
        "The same, byte for byte: audit.json and every table.\n"
        "Files that are not as they were: small.csv.\n"
    )


@pytest.mark.slow
def test_what_differs_in_a_run_made_again_is_named(home: Path, small: Path) -> None:
    entry = read_history(home).entries[0]
    scores = entry.folder / "tables" / "scores.parquet"
    pd.read_parquet(scores).assign(verdict="automate").to_parquet(scores, index=False)
    manifest = json.loads((entry.folder / "manifest.json").read_text("utf-8"))
    manifest["versions"]["duckdb"] = "0.1"
    (entry.folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    found = reproduce(entry, config=small)
    assert not found.same
    assert found.differing == ("tables/scores.parquet",)
    assert "The run was made with duckdb 0.1" in found.text


@pytest.mark.slow
def test_input_that_is_gone_or_changed_cannot_be_compared(
    home: Path, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = read_history(home).entries
    with pytest.raises(ConfigError, match="--config CONFIG"):
        reproduce(first)
    log = small.parent / "small.csv"
    text = log.read_text("utf-8")
    log.write_text(text.replace("09:00", "09:01"), "utf-8")
    with pytest.raises(LogError, match=r"the input has changed.*small\.csv"):
        reproduce(first, config=small)
    log.unlink()
    assert main(["reproduce", str(first.folder), "--config", str(small)]) == 2
    log.write_text(text, "utf-8")
    document = json.loads((first.folder / "audit.json").read_text("utf-8"))
    document["comparison"]["note"] = "otherwise"
    (first.folder / "audit.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(RunError, match="with which this one was compared, changed"):
        reproduce(second, config=small)
    assert main(["reproduce", str(second.folder), "--config", str(small)]) == 2
    assert str(home) not in capsys.readouterr().err


def test_files_are_fingerprinted_without_their_places(small: Path) -> None:
    (file,) = fingerprint_files(jl.load_config(small))
    assert file["name"] == "small.csv"
    assert file["bytes"] == (small.parent / "small.csv").stat().st_size


@pytest.mark.slow
def test_two_runs_are_compared_in_words(home: Path, small: Path) -> None:
    first, second = read_history(home).entries
    same = compare_runs(first, second)
    assert ("definition", "Both runs rest on the same definitions.") in same.sentences
    assert len(same.numbers)
    labels = {t for key, t in catalogue_of("en").texts.items() if key.startswith("audits.number.")}
    assert set(same.numbers["measure"]) <= labels
    settings = [*QUICK, "measures.repeat_days=3"]
    other = jl.audit(small, as_of="2026-03-02", overrides=settings, history=home.parent)
    kinds = [(c.kind, c.id) for c in other.changes.significant]
    assert kinds == [("definition", "definition")]
    jl.save(other, home.parent)
    third = find_run("latest", home)
    told = compare_runs(second, third)
    (definition,) = [
        said for kind, said in told.sentences if kind == "definition" and "Settings" in said
    ]
    assert "windows and minimum bases of the measures" in definition
    assert "measures.repeat_days" in definition
    assert told.heading.startswith("small: the run as of 2026-03-01")


def test_the_command_lists_runs_and_compares_two(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "notes").mkdir()
    assert main(["history", str(home)]) == 0
    said = capsys.readouterr()
    assert [line.split()[0] for line in said.out.splitlines()[1:]] == [
        entry.run_id for entry in read_history(home).entries
    ]
    assert said.err == "skipped notes: it has no audit.json, so it is no run\n"
    assert main(["compare", "previous", "latest", "--runs", str(home)]) == 0
    assert "Both runs rest on the same definitions." in capsys.readouterr().out
    assert main(["compare", "previous", "lates", "--runs", str(home)]) == 2


def test_runs_are_listed_in_german_where_asked_for(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", str(home), "--lang", "de"]) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split()[:2] == ["Lauf", "Stichtag"] and len(rows) == 2


def test_an_empty_history_has_no_runs() -> None:
    assert History().before(dt.date(2026, 1, 1)) == ()
    assert read_history("nowhere").entries == ()
