"""An audit to look at: a small log of one's own."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import journeylib as jl

HEADER = ["client", "at", "step", "who", "kind"]

CONFIG = """\
name: small
log:
  files: small.csv
roles:
  customer: client
  touchpoint: step
  timestamp: at
  actor: who
  actor_values: {c: customer, b: bot, h: human}
  segment: kind
as_of: 2026-03-01
"""

# A program of its own, which test_faults runs.
collect_ignore = ["killed.py"]


def small_rows() -> Iterator[list[str]]:
    """Sixty customers: all chat with a bot, every second calls a human; "Rare" is lived by 3."""
    for number in range(60):
        day = f"2026-01-{1 + number % 28:02d}"
        name = f"secret-{number:02d}"
        kind = "few" if number < 3 else "many"
        yield [name, f"{day} 09:00", "Chat", "b", kind]
        if number % 2:
            yield [name, f"{day} 09:05", "Call", "h", kind]
        if number < 3:
            yield [name, f"{day} 10:00", "Rare", "h", kind]


def write_small(folder: Path, *, config: str = CONFIG, rows: list[list[str]] | None = None) -> Path:
    """Write the small log and a configuration; return the configuration."""
    with (folder / "small.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *(small_rows() if rows is None else rows)])
    (folder / "small.yaml").write_text(config, encoding="utf-8")
    return folder / "small.yaml"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Configuration of the small log, beside it."""
    return write_small(tmp_path)


@pytest.fixture
def small_with(tmp_path: Path) -> Callable[..., Path]:
    """Return the writer of the small log, for other rows or another configuration."""
    return lambda **changed: write_small(tmp_path, **changed)


@pytest.fixture(scope="session")
def small_audit(tmp_path_factory: pytest.TempPathFactory) -> jl.Audit:
    """The audit of the small log."""
    return jl.audit(write_small(tmp_path_factory.mktemp("small")))
