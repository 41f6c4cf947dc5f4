"""Small logs in canonical columns, and where the real ones are."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings

import journeylib as jl
from journeylib.log.engine.duckdb import as_engine, scratch_name
from journeylib.log.eventlog import EventLog, Quality
from journeylib.log.schema import ROLES, Schema

HOME = Path(__file__).resolve().parents[1]
TELECOM = HOME / "sample_data" / "telecom" / "audit.yaml"
BANK = HOME / "sample_data" / "bank" / "audit.yaml"
SHARED_DATA = HOME.parent / "shared" / "data"
WHOLE_AUDITS = {"telecom_audit", "bank_audit"}
# Audits that many files share; each is made once by each process that runs one of them.
SHARED_AUDITS = {*WHOLE_AUDITS, "small_audit"}
# No property is a matter of time: a busy machine would refute it.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
ROLE_OF = {"t_us": "timestamp", "case": "journey", "end_us": "end_timestamp"}
ROLE_OF |= {f"{role}_micro": role for role in ("sentiment", "rating", "cost")}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        default="local[2]",
        help="engine to compare with DuckDB: an Ibis backend by name, or the address of a Spark",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what needs the audit of a whole sample."""
    for item in items:
        given = item.callspec.params.values() if hasattr(item, "callspec") else ()
        asked_for = {*getattr(item, "fixturenames", ()), *map(str, given)}
        if WHOLE_AUDITS & asked_for:
            item.add_marker("slow")


@cache
def _shared(file: str) -> str:
    """Return what the tests of a file share with those of other files, or the file."""
    if file.startswith("tests/workshop/"):
        return "towns"
    text = (HOME / file).read_text(encoding="utf-8") if (HOME / file).is_file() else ""
    if any(name in text for name in SHARED_AUDITS):
        return "audits"
    return "examples" if file.startswith("tests/examples/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let one process run all files that share an audit, so that it is made once."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class SharedAudits(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _shared(super()._split_scope(nodeid))

    return SharedAudits(config, log)


def pytest_collection_finish() -> None:
    """Leave what every test needs to the end of the run out of each search for garbage."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Let all be collected at the end: foreign libraries complain of what is left."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def other_engine(request: pytest.FixtureRequest) -> Any:
    """Return the engine that is compared with DuckDB; skipped where it is not installed."""
    name = request.config.getoption("--engine")
    if name.isidentifier() and name != "spark":
        return getattr(ibis, name).connect()
    pytest.importorskip("pyspark", reason="Spark is not installed")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java, which is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_SUBMIT_ARGS", "--conf spark.log.level=OFF pyspark-shell")
        return as_engine(name)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real logs; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is not beside this checkout")
    return SHARED_DATA


@cache
def _engine() -> Any:
    """Return the engine of all small logs: opening one costs half of what such a log does."""
    return ibis.duckdb.connect()


def _log_of(*rows: tuple[object, ...], columns: str = "customer t_us touchpoint") -> EventLog:
    """Return a log of rows in canonical columns; position is the row number unless given.

    A column of any other name is a declared attribute.
    """
    frame = pd.DataFrame(rows, columns=columns.split())
    if "position" not in frame:
        frame["position"] = range(len(frame))
    table = pa.Table.from_pandas(frame, preserve_index=False)
    events = _engine().create_table(scratch_name("events"), table)
    roles = {role: name for name in frame if (role := ROLE_OF.get(name, name)) in ROLES}
    schema = Schema(**roles, attributes=tuple(sorted(set(frame) - set(roles.values()))))
    nothing = pd.DataFrame()
    return EventLog(events, schema, Quality(nothing, nothing, len(frame), len(frame)))


@pytest.fixture(scope="session")
def log_of() -> Callable[..., EventLog]:
    """Return the maker of small logs: ``log_of(("a", 0, "A"), ("a", 1, "B"))``."""
    return _log_of


@pytest.fixture(scope="session")
def parts() -> Callable[..., Any]:
    """Return the maker of an audit that has a few parts only, for texts that read no others."""
    return SimpleNamespace


@pytest.fixture(scope="session")
def telecom_audit() -> jl.Audit:
    """The audit of the telecom sample."""
    return jl.audit(TELECOM)


@pytest.fixture(scope="session")
def bank_audit() -> jl.Audit:
    """The audit of the bank sample."""
    return jl.audit(BANK)
