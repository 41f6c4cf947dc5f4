"""A log that another engine reads is the log that DuckDB reads.

The other engine is Spark unless `--engine` names another: ``pytest tests/test_engines.py --engine
polars``, or the address of a Spark, such as ``spark://host:7077``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from journeylib.audits.config.load import load_config
from journeylib.core.errors import ConfigError, LogError
from journeylib.journeys.journeys import rebuild
from journeylib.log.engine.duckdb import as_engine, fetch
from journeylib.log.engine.hashing import log_hash
from journeylib.log.eventlog import EventLog
from journeylib.log.read import read_log
from journeylib.measures.evidence import measure

SAMPLES = Path(__file__).resolve().parents[1] / "sample_data"
ROLES = {"customer": "who", "touchpoint": "what", "timestamp": "at"}
LogOf = Callable[..., EventLog]


def assert_equal(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.slow
def test_tables_of_another_engine_are_read_as_files_are(tmp_path: Path, other_engine: Any) -> None:
    config = load_config(SAMPLES / "telecom/audit.yaml")
    contacts = pa.Table.from_pandas(pd.read_csv(config.log.files[0], dtype=str))
    pq.write_table(contacts, tmp_path / "contacts.parquet")
    table = other_engine.read_parquet(tmp_path / "contacts.parquet")
    here = read_log(list(config.log.files), config.roles, as_of="2030-01-01")
    there = read_log(table, config.roles, as_of="2030-01-01")
    assert there.events.get_backend().name == "duckdb"
    assert log_hash(there) == log_hash(here)


def talks(customers: int = 60) -> list[tuple[object, ...]]:
    """Invent chats that a bot begins and a human may join, with requests, ratings and words."""
    dice = random.Random(7)
    rows: list[tuple[object, ...]] = []
    for customer in range(customers):
        t_us = dice.randrange(10**12)
        for session in range(dice.randrange(1, 5)):
            touchpoint = dice.choice(["Bill", "Move", "Fault"])
            words = ["Hello, I am a bot.", "bill", dice.choice(["an agent please", "thanks"]), "?"]
            for turn, who in enumerate(
                ["bot", "customer", "customer", "human"][: dice.randint(1, 4)]
            ):
                said = words[turn] if who != "human" else None
                rating = dice.choice([None, 1.0, 4.0])
                rows.append(
                    (f"c{customer}", t_us, touchpoint, who, f"{customer}-{session}", said, rating)
                )
                t_us += dice.randrange(1, 10**9)
            t_us += dice.randrange(10**12)
    return rows


def test_changes_of_hands_in_sessions_are_those_that_pandas_counts(log_of: LogOf) -> None:
    log = log_of(*(row[:5] for row in talks()), columns="customer t_us touchpoint actor session")
    journeys = rebuild(log)
    serving = fetch(journeys.steps.filter(ibis._.actor.isin(["bot", "human"])))
    serving = serving.sort_values(["journey", "step"])
    before = serving.groupby("journey")["actor"].shift()
    changes = (before.notna() & (before != serving["actor"])).groupby(serving["journey"]).sum()
    found = measure(journeys).handoffs.ping_pong
    assert found.value == (changes >= 2).sum() / (changes >= 1).sum()


# --- Spark alone: what it reads itself, and what it says ---------------------------------------


@pytest.fixture
def spark(other_engine: Any) -> Any:
    if other_engine.name != "pyspark":
        pytest.skip("--engine names another engine than Spark")
    return other_engine


def typed(folder: Path, unit: str = "us") -> list[Path]:
    """Write three files of nine events each, with a column that no role names."""
    paths = []
    for part in range(3):
        hours = [pd.Timestamp("2026-01-01") + pd.Timedelta(hours=5 * i + part) for i in range(9)]
        frame = pd.DataFrame({"who": [f"c{i % 4}" for i in range(9)], "what": list("abcabcabc")})
        frame["unused"] = "a remark that no role names"
        table = pa.Table.from_pandas(frame).append_column("at", pa.array(hours, pa.timestamp(unit)))
        pq.write_table(table, folder / f"{part}.parquet")
        paths.append(folder / f"{part}.parquet")
    return paths


@pytest.mark.slow
def test_spark_reads_parquet_where_it_lies(
    tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = typed(tmp_path)
    for days in (None, ("2026-01-01", "2026-01-01")):
        here = read_log(paths, ROLES, as_of="2030-01-01", days=days)
        there = read_log(paths, ROLES, as_of="2030-01-01", days=days, engine=spark._session)
        assert there.events.get_backend().name == "duckdb"
        rows = (fetch(log.events.order_by("position")) for log in (here, there))
        assert_equal(*rows)
        assert_equal(here.quality.checks, there.quality.checks)
    # Spark read the declared columns and no other, and gave its rows once.
    asked: list[str] = []
    frames = type(spark._session.range(1))
    monkeypatch.setattr(frames, "toArrow", noting(frames.toArrow, asked))
    read_log(str(tmp_path / "*.parquet"), ROLES, as_of="2030-01-01", engine=spark)
    assert len(asked) == 1
    (read,) = set(re.findall(r"ReadSchema: struct<([^>]*)>", asked[0]))
    assert "who" in read and "unused" not in read, read


def noting(to_arrow: Callable[..., Any], asked: list[str]) -> Callable[..., Any]:
    def noted(frame: Any) -> Any:
        asked.append(str(frame._jdf.queryExecution().toString()))
        return to_arrow(frame)

    return noted


@pytest.mark.slow
def test_a_table_of_spark_is_read_by_spark(tmp_path: Path, spark: Any) -> None:
    paths = typed(tmp_path)
    frame = spark._session.read.parquet(*(path.as_uri() for path in paths))
    frame.createOrReplaceTempView("contacts")
    table = ibis.pyspark.connect(spark._session).table("contacts")
    log = read_log(table, ROLES, as_of="2030-01-01")
    assert log.events.get_backend().name == "duckdb"
    assert log_hash(log) == log_hash(read_log(paths, ROLES, as_of="2030-01-01"))


@pytest.mark.slow
def test_what_spark_cannot_read_is_said(tmp_path: Path, spark: Any) -> None:
    with pytest.raises(LogError, match="microseconds: Spark knows no nanoseconds"):
        read_log(typed(tmp_path, "ns"), ROLES, engine=spark)
    table = pa.table({"who": ["a"], "what": ["b"], "at": ["2026-01-01"]})
    pq.write_table(table, tmp_path / "text.parquet")
    # What is no Parquet file, DuckDB reads.
    (tmp_path / "log.csv").write_text("who,what,at\na,b,2026-01-01\n", "utf-8")
    for file in ("text.parquet", "log.csv"):
        events = read_log(tmp_path / file, ROLES, engine=spark).events
        assert fetch(events)["t_us"].tolist() == [1_767_225_600_000_000]


def test_what_is_no_engine_is_said() -> None:
    with pytest.raises(LogError, match="a int is no engine"):
        as_engine(3)
    with pytest.raises(LogError, match="'sparc' is no engine"):
        as_engine("sparc")
    with pytest.raises(ConfigError, match=r"engine\.address"):
        load_config(SAMPLES / "bank/audit.yaml", overrides=["engine.address=sparc"])
