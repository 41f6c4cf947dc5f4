"""The engine says which setting to change when memory or disk runs out."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from journeylib.core.errors import ConfigError, RunError
from journeylib.log.engine.duckdb import (
    EngineSettings,
    _machine_memory,
    connect,
    explain_resource_errors,
    run,
)

# Half a million hashes, more than any of the limits below, sorted.
MANY = "CREATE TEMP TABLE t AS SELECT md5(range::VARCHAR) AS m FROM range(500000) ORDER BY m"


def test_too_little_memory_names_the_setting() -> None:
    engine = connect(memory_limit="1MB", threads=1)
    said = r"ran out of memory.*engine\.memory_limit"
    with pytest.raises(RunError, match=said) as caught, explain_resource_errors():
        run(engine, MANY)
    assert "SELECT" not in str(caught.value)


def test_a_full_spill_folder_names_the_setting(tmp_path: Path) -> None:
    engine = connect(memory_limit="8MB", threads=1, spill_folder=tmp_path / "spill")
    run(engine, "SET max_temp_directory_size = '1MB'")
    with (
        pytest.raises(RunError, match=r"disk is full.*engine\.spill_folder"),
        explain_resource_errors(),
    ):
        run(engine, MANY)


def test_what_does_not_fit_is_spilled_to_the_folder(tmp_path: Path) -> None:
    engine = connect(memory_limit="20MB", threads=1, spill_folder=tmp_path / "spill")
    run(engine, MANY)
    assert run(engine, "SELECT count(m) FROM t") == [(500_000,)]
    assert (tmp_path / "spill").is_dir()


def test_a_full_disk_is_told_from_other_trouble() -> None:
    with pytest.raises(RunError, match="disk is full"), explain_resource_errors():
        raise OSError(errno.ENOSPC, "x")
    with pytest.raises(FileNotFoundError), explain_resource_errors():
        raise FileNotFoundError("x")


def test_a_spill_folder_that_cannot_be_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"engine\.spill_folder"):
        EngineSettings(spill_folder=str(tmp_path / "file" / "below")).connect()


@pytest.mark.parametrize(
    ("own", "file", "limit"),
    [
        ("0::/\n", "sys/fs/cgroup/memory.max", 2**28),
        ("0::/slice/job\n", "sys/fs/cgroup/slice/memory.max", 2**27),
        ("9:memory:/job\n1:cpu:/job\n", "sys/fs/cgroup/memory/memory.limit_in_bytes", 2**26),
    ],
)
def test_memory_is_that_of_the_container(tmp_path: Path, own: str, file: str, limit: int) -> None:
    for name, text in (("proc/self/cgroup", own), (file, f"{limit}\n")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert _machine_memory(tmp_path) == limit
    (tmp_path / file).write_text("max\n")
    assert _machine_memory(tmp_path) > limit


def test_codes_are_texts_to_ibis_and_other_columns_what_they_are() -> None:
    engine = connect()
    run(engine, "CREATE TEMP TABLE held (code ENUM('a', 'b''(') NOT NULL, n INT, t TIMESTAMP)")
    kinds = {name: str(kind) for name, kind in engine.table("held").schema().items()}
    assert kinds == {"code": "!string", "n": "int32", "t": "timestamp(6)"}
