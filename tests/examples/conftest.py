"""The example configurations, run once each on the real logs."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import journeylib as jl
from tests.examples.plain_logs import PlainLog, read_plain

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="session")
def examples() -> Path:
    return EXAMPLES


@pytest.fixture(scope="session")
def airline_csv(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = shared_data / "tau_bench_airline/gpt-4o-airline.json.gz"
    target = tmp_path_factory.mktemp("airline") / "airline_bot.csv"
    runpy.run_path(str(EXAMPLES / "airline_bot.py"))["main"](source, target)
    return target


@pytest.fixture(scope="session")
def audit_of(shared_data: Path, airline_csv: Path) -> Callable[[str], jl.Audit]:
    """Return the maker of audits: ``audit_of("incidents")`` runs once per session."""

    @cache
    def run(name: str) -> jl.Audit:
        elsewhere = [f"log.files={airline_csv}"] if name == "airline_bot" else []
        return jl.audit(EXAMPLES / f"{name}.yaml", overrides=elsewhere)

    return run


@pytest.fixture(scope="session")
def plain_of(shared_data: Path, airline_csv: Path) -> Callable[[str], PlainLog]:
    """Return the reader of logs by plain pandas: ``plain_of("incidents")`` reads once."""

    @cache
    def read(name: str) -> PlainLog:
        config = jl.load_config(EXAMPLES / f"{name}.yaml")
        return read_plain(name, shared_data, airline_csv, config)

    return read
