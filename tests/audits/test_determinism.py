"""The same log, configuration and day give the same bytes, wherever and however often."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import journeylib as jl

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_data" / "telecom"
RUN = """
import sys, journeylib as jl
from journeylib.log.engine import duckdb
config, out, threads = sys.argv[1:]
audit = jl.audit(config, overrides=[f"engine.threads={threads}"])
asked = duckdb.run(audit.log.events.get_backend(), "SELECT current_setting('threads')")
assert asked == [(int(threads),)], asked
jl.save(audit, out)
"""


@pytest.fixture(scope="module")
def reference(telecom_audit: jl.Audit, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """audit.json of this process: its own hash seed, as many threads as there are cores."""
    return (jl.save(telecom_audit, tmp_path_factory.mktemp("out")) / "audit.json").read_bytes()


def shuffled(folder: Path) -> Path:
    """Copy the sample with its rows in another order; return the configuration."""
    for seed, name in ((7, "contacts.csv"), (8, "outcomes.csv")):
        header, *rows = (SAMPLE / name).read_text("utf-8").splitlines(keepends=True)
        random.Random(seed).shuffle(rows)
        (folder / name).write_text(header + "".join(rows), "utf-8")
    shutil.copy(SAMPLE / "audit.yaml", folder)
    return folder / "audit.yaml"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hash_seed", "threads", "as_it_lies"), [("1", "1", True), ("2", "3", False)]
)
def test_hash_seed_threads_and_the_order_of_rows_change_nothing(
    reference: bytes, tmp_path: Path, hash_seed: str, threads: str, as_it_lies: bool
) -> None:
    config = SAMPLE / "audit.yaml" if as_it_lies else shuffled(tmp_path)
    out = tmp_path / "out"
    subprocess.run(
        [sys.executable, "-c", RUN, str(config), str(out), threads],
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    (document,) = [p for p in out.glob("*/*/audit.json") if not p.parent.is_symlink()]
    assert document.read_bytes() == reference


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
