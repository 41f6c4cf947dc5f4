"""DuckDB and another engine give the same tables: counts exactly, times to 1e-9.

The other engine is Spark unless `--engine` names another: ``pytest tests/test_engines.py --engine
polars``, or the address of a Spark, such as ``spark://host:7077``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from journeylib.audits.config.load import load_config
from journeylib.core.errors import ConfigError, LogError, SchemaError
from journeylib.journeys.graph.transitions import transitions, variants
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.engine.duckdb import as_engine, fetch, hand_over
from journeylib.log.engine.hashing import log_hash
from journeylib.log.eventlog import EventLog
from journeylib.log.inference.schema_proposal import propose
from journeylib.log.read import read_log
from journeylib.measures.bots.handoff_audit import Handoffs
from journeylib.measures.evidence import measure

SAMPLES = Path(__file__).resolve().parents[1] / "sample_data"
ROLES = {"customer": "who", "touchpoint": "what", "timestamp": "at"}
LogOf = Callable[..., EventLog]


def handed(log: EventLog, engine: Any) -> EventLog:
    outcomes = None if log.outcomes is None else hand_over(log.outcomes, engine)
    return replace(log, events=hand_over(log.events, engine), outcomes=outcomes)


def tables(journeys: Journeys) -> dict[str, pd.DataFrame]:
    journey_table = fetch(journeys.table.drop("segment"))
    return {
        "touchpoints": journeys.touchpoints,
        "transitions": transitions(journeys, min_customers=1),
        "variants": variants(journeys, min_customers=1),
        "journeys": journey_table.sort_values("journey", ignore_index=True),
    }


def assert_equal(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    for name, table in one.items():
        whole = table.select_dtypes(exclude="floating").columns
        pd.testing.assert_frame_equal(table[whole], other[name][whole], obj=name, check_exact=True)
        pd.testing.assert_frame_equal(table, other[name], obj=name, rtol=1e-9, atol=0)


def assert_same_journeys(
    log: EventLog, engine: Any, settings: JourneySettings | None = None
) -> None:
    other = handed(log, engine)
    assert log_hash(other) == log_hash(log)
    assert_equal(tables(rebuild(log, settings)), tables(rebuild(other, settings)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["PrepaidTravelCost", "DomesticDeclarations"])
def test_travel_at_a_university(name: str, shared_data: Path, other_engine: Any) -> None:
    path = shared_data / f"bpic2020/{name}.xes.gz"
    log = read_log(path, propose(path).schema, as_of="2030-01-01")
    assert_same_journeys(log, other_engine)


@pytest.mark.slow
def test_incidents_of_an_it_desk(shared_data: Path, other_engine: Any) -> None:
    path = shared_data / "uci_incident_log/incident_event_log.zip"
    roles = {"journey": "number", "touchpoint": "ident_state", "timestamp": "sys_updated_at"}
    log = read_log(path, roles | {"channel": "contact_type"}, as_of="2030-01-01")
    assert_same_journeys(log, other_engine)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["telecom", "bank"])
def test_the_samples(name: str, other_engine: Any) -> None:
    config = load_config(SAMPLES / name / "audit.yaml")
    log = read_log(list(config.log.files), config.roles, as_of="2030-01-01")
    assert_same_journeys(log, other_engine, config.journeys)


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


@pytest.mark.slow
def test_everything_that_is_measured(log_of: LogOf, other_engine: Any) -> None:
    columns = "customer t_us touchpoint actor session text rating_micro"
    rows = [(*row[:-1], None if row[-1] is None else int(row[-1] * 1e6)) for row in talks()]
    log = log_of(*rows, columns=columns)
    one, other = (measure(rebuild(each)) for each in (log, handed(log, other_engine)))
    assert one.totals == other.totals
    assert one.flow == other.flow
    frames = ("touchpoints", "transitions", "variants", "estimates", "experience")
    assert_equal(
        {name: getattr(one, name) for name in frames},
        {name: getattr(other, name) for name in frames},
    )
    for part in fields(Handoffs):
        if isinstance(mine := getattr(one.handoffs, part.name), pd.DataFrame):
            assert_equal({part.name: mine}, {part.name: getattr(other.handoffs, part.name)})
        elif part.name != "session_table":
            assert mine == getattr(other.handoffs, part.name), part.name


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
        assert_equal(
            {"events": fetch(here.events.order_by("position"))},
            {"events": fetch(there.events.order_by("position"))},
        )
        assert_equal({"checks": here.quality.checks}, {"checks": there.quality.checks})
    # Spark read the declared columns and no other, and gave its rows once.
    asked: list[str] = []
    monkeypatch.setattr(type(spark), "to_pyarrow", noting(type(spark).to_pyarrow, asked))
    read_log(str(tmp_path / "*.parquet"), ROLES, as_of="2030-01-01", engine=spark)
    read = set(re.findall(r"ReadSchema: struct<([^>]*)>", " ".join(asked)))
    assert read and all("unused" not in columns for columns in read), read
    assert sum("t_us" in plan for plan in asked) == 1


def noting(to_pyarrow: Callable[..., Any], asked: list[str]) -> Callable[..., Any]:
    def noted(engine: Any, table: Any, /, **options: Any) -> Any:
        answer = to_pyarrow(engine, table, **options)
        frame = engine._session.sql(engine.compile(table.as_table()))
        asked.append(str(frame._jdf.queryExecution().toString()))
        return answer

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


def test_what_spark_cannot_read_is_said(tmp_path: Path, spark: Any) -> None:
    with pytest.raises(LogError, match="microseconds: Spark knows no nanoseconds"):
        read_log(typed(tmp_path, "ns"), ROLES, engine=spark)
    table = pa.table({"who": ["a"], "what": ["b"], "at": ["2026-01-01"]})
    pq.write_table(table, tmp_path / "text.parquet")
    with pytest.raises(SchemaError, match="holds times as text, which only DuckDB reads"):
        read_log(tmp_path / "text.parquet", ROLES, engine=spark)
    # What is no Parquet file, DuckDB reads and hands over.
    (tmp_path / "log.csv").write_text("who,what,at\na,b,2026-01-01\n", "utf-8")
    assert fetch(read_log(tmp_path / "log.csv", ROLES, engine=spark).events)["t_us"].tolist() == [
        1_767_225_600_000_000
    ]


def test_what_is_no_engine_is_said() -> None:
    with pytest.raises(LogError, match="a int is no engine"):
        as_engine(3)
    with pytest.raises(LogError, match="'sparc' is no engine"):
        as_engine("sparc")
    with pytest.raises(ConfigError, match=r"engine\.address"):
        load_config(SAMPLES / "bank/audit.yaml", overrides=["engine.address=sparc"])
