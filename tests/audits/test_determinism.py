"""The same log, configuration and day give the same bytes, wherever and however often."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import journeylib as jl
from journeylib.log.engine import duckdb as engine

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_data" / "telecom"
RUN = "import sys, journeylib as jl; jl.save(jl.audit(sys.argv[1]), sys.argv[2])"


def bytes_of(config: Path, out: Path, *, seed: str) -> bytes:
    """Audit in a process of its own under a hash seed; return audit.json."""
    subprocess.run(
        [sys.executable, "-c", RUN, str(config), str(out)],
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        cwd=out.parent,
    )
    (found,) = [p for p in out.glob("*/*/audit.json") if not p.parent.is_symlink()]
    return found.read_bytes()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return bytes_of(SAMPLE / "audit.yaml", tmp_path_factory.mktemp("first") / "out", seed="1")


@pytest.mark.slow
def test_hash_seed_and_the_order_of_rows_change_nothing(reference: bytes, tmp_path: Path) -> None:
    header, *rows = (SAMPLE / "contacts.csv").read_text("utf-8").splitlines(keepends=True)
    random.Random(7).shuffle(rows)
    (tmp_path / "contacts.csv").write_text(header + "".join(rows), "utf-8")
    header, *rows = (SAMPLE / "outcomes.csv").read_text("utf-8").splitlines(keepends=True)
    random.Random(8).shuffle(rows)
    (tmp_path / "outcomes.csv").write_text(header + "".join(rows), "utf-8")
    (tmp_path / "audit.yaml").write_text((SAMPLE / "audit.yaml").read_text("utf-8"), "utf-8")
    assert bytes_of(tmp_path / "audit.yaml", tmp_path / "out", seed="2") == reference


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_changes_nothing(
    reference: bytes, threads: int, tmp_path: Path
) -> None:
    found = jl.audit(SAMPLE / "audit.yaml", overrides=[f"engine.threads={threads}"])
    backend = found.log.events.get_backend()
    assert engine.run(backend, "SELECT current_setting('threads')") == [(threads,)]
    assert (jl.save(found, tmp_path) / "audit.json").read_bytes() == reference


@pytest.mark.slow
def test_without_a_day_to_look_back_from_the_result_does_not_depend_on_today(small: Path) -> None:
    text = small.read_text("utf-8").replace("as_of: 2026-03-01\n", "")
    small.write_text(text, "utf-8")
    log = small.parent / "small.csv"
    log.write_text(log.read_text("utf-8").replace("2026-01-28", "2062-01-28"), "utf-8")
    found = jl.audit(small)
    assert str(found.as_of) == "2062-01-28"
    (future,) = [c for c in found.document["log"]["quality"] if c["check"] == "future"]
    assert (future["severity"], future["rows"]) == ("ok", 0)
    assert future["text"].startswith("Without as_of nothing says which events lie in the future")
