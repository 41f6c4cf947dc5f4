"""A run directory is complete or not there at all."""

from __future__ import annotations

import errno
import json
import threading
from pathlib import Path

import pandas as pd
import pytest

import journeylib as jl
from journeylib.audits.runs import bundle
from journeylib.core.errors import ConfigError, RunError


@pytest.mark.slow
def test_a_run_holds_what_other_programs_rely_on(small_audit: jl.Audit, tmp_path: Path) -> None:
    folder = jl.save(small_audit, tmp_path)
    assert folder == tmp_path / "small" / small_audit.run_id
    assert json.loads((folder / "audit.json").read_text("utf-8")) == json.loads(
        json.dumps(small_audit.document, default=str)
    )
    assert {path.stem for path in (folder / "tables").iterdir()} == set(small_audit.tables)
    touchpoints = pd.read_parquet(folder / "tables" / "touchpoints.parquet")
    assert sorted(touchpoints["touchpoint"]) == ["Call", "Chat"]
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["log_hash"] == small_audit.log_hash
    assert manifest["files"] == ["small.csv"]
    assert str(tmp_path.parent) not in (folder / "manifest.json").read_text("utf-8")


def test_the_same_run_is_replaced_and_latest_points_at_it(
    small_audit: jl.Audit, tmp_path: Path
) -> None:
    first = jl.save(small_audit, tmp_path)
    (first / "stale").touch()
    assert jl.save(small_audit, tmp_path) == first
    home = tmp_path / "small"
    assert not (first / "stale").exists()
    assert sorted(path.name for path in home.iterdir()) == [small_audit.run_id, "latest"]
    assert (home / "latest").resolve() == first.resolve()


def test_a_failure_in_the_middle_leaves_the_old_run_and_no_half_one(
    small_audit: jl.Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = jl.save(small_audit, tmp_path)
    (kept / "marker").touch()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(RunError, match="No space left on device"):
        jl.save(small_audit, tmp_path)
    assert (kept / "marker").exists()
    assert sorted(path.name for path in (tmp_path / "small").iterdir()) == [kept.name, "latest"]
    with pytest.raises(RunError):
        jl.save(small_audit, tmp_path / "new" / "place")
    assert not (tmp_path / "new").exists()


def test_the_old_run_comes_back_where_the_new_one_cannot_take_its_place(
    small_audit: jl.Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = jl.save(small_audit, tmp_path)
    (kept / "marker").touch()
    rename = Path.rename

    def refuse_the_new(self: Path, target: Path) -> Path:
        if target == kept and "replaced" not in str(self):
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new)
    with pytest.raises(RunError, match="Permission denied"):
        jl.save(small_audit, tmp_path)
    assert (kept / "marker").exists()


def test_writers_of_the_same_run_do_not_disturb_each_other(
    small_audit: jl.Audit, tmp_path: Path
) -> None:
    failures: list[BaseException] = []

    def write() -> None:
        try:
            jl.save(small_audit, tmp_path)
        except BaseException as error:
            failures.append(error)

    writers = [threading.Thread(target=write) for _ in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    home = tmp_path / "small"
    assert sorted(path.name for path in home.iterdir()) == [small_audit.run_id, "latest"]
    assert (home / "latest" / "manifest.json").is_file()


def test_a_place_that_cannot_be_written_is_told(small_audit: jl.Audit, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Choose another --out"):
        jl.save(small_audit, tmp_path / "file")


def test_a_writer_gives_up_when_others_never_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, stage = tmp_path / "home", tmp_path / "home" / "stage"
    (stage / "run").mkdir(parents=True)
    monkeypatch.setattr(Path, "rename", lambda self, target: _taken(self, home))
    with pytest.raises(RunError, match="other runs keep writing"):
        bundle.commit(stage / "run", home)


def _taken(source: Path, home: Path) -> Path:
    """Renaming as it looks to a writer who is always second."""
    if source.parent == home:
        raise FileNotFoundError(2, "No such file or directory")
    raise OSError(errno.ENOTEMPTY, "Directory not empty")
