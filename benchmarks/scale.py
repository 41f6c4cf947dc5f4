"""journeylib against pm4py and direct DuckDB and Polars scripts, on one log, in one run.

``python -m benchmarks scale [EVENTS]`` (1 million unless given), or with names to run only some:
``python -m benchmarks.scale 10000000 journeylib duckdb``. Each contender runs in a process of its
own, so that its peak memory is its own; the questions are the same: order the events, count
directly-follows pairs with their median time, variants, and events per touchpoint. It fails
only where the answers differ, never on time.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.generate import FOLDER, generate

# What an engine may take, Python and results aside, up to as many events.
MEMORY = {20_000_000: "3GB", 10**10: "5GB"}
DEFAULT_EVENTS = 1_000_000
# retentioneering brings gensim, a server for agents and telemetry: not into this environment.
ELSEWHERE = "RETENTIONEERING_PYTHON"
TOLERANCE_SECONDS = 1e-6
Answers = dict[str, Any]
_ROLES = {
    "customer": "customer",
    "touchpoint": "touchpoint",
    "timestamp": "timestamp",
    "position": "event_id",
}


def _memory(folder: Path) -> str:
    events = int(folder.name.split("-")[0])
    return next(limit for most, limit in MEMORY.items() if events <= most)


def journeylib_questions(folder: Path) -> Answers:
    import numpy as np

    from journeylib.journeys import END, START
    from journeylib.journeys.journeys import rebuild
    from journeylib.journeys.segmentation.rules import JourneySettings
    from journeylib.journeys.walk.outline import variant_texts
    from journeylib.log.engine.duckdb import EngineSettings
    from journeylib.log.read import read_log

    engine = EngineSettings(memory_limit=_memory(folder)).connect()
    log = read_log(str(folder / "*.parquet"), _ROLES, engine=engine)
    journeys = rebuild(log, JourneySettings(cut="customer", min_customers=1))
    spots, edges = journeys.touchpoints, journeys.edges
    inner = edges[(edges["source"] != START) & (edges["target"] != END)]
    ways = variant_texts(journeys.outline, names=journeys.names)
    counted = np.bincount(journeys.outline.variants[0]).tolist()
    pairs = zip(inner["source"], inner["target"], strict=True)
    return {
        "touchpoints": dict(zip(spots["touchpoint"], spots["events"].tolist(), strict=True)),
        "edges": {
            f"{source}>{target}": [int(n), float(median)]
            for (source, target), n, median in zip(
                pairs, inner["events"], inner["median_seconds"], strict=True
            )
        },
        "variants": dict(zip(ways, counted, strict=True)),
    }


def journeylib_audit(folder: Path) -> Answers:
    """Read, rebuild, measure everything with its intervals, and judge."""
    from journeylib.journeys.journeys import rebuild
    from journeylib.judge.judgement import judge
    from journeylib.log.engine.duckdb import EngineSettings
    from journeylib.log.read import read_log
    from journeylib.measures.evidence import measure

    roles = _ROLES | {"channel": "channel", "actor": "actor"}
    engine = EngineSettings(memory_limit=_memory(folder)).connect()
    log = read_log(str(folder / "*.parquet"), roles, engine=engine)
    _lap("read and checked")
    journeys = rebuild(log)
    _lap("journeys rebuilt")
    evidence = measure(journeys)
    _lap("tables with intervals")
    judge(journeys, evidence)
    return {}


def pm4py_questions(folder: Path) -> Answers:
    import pandas as pd
    import pm4py

    columns = ["customer", "touchpoint", "timestamp", "event_id"]
    frame = pd.concat(
        [pd.read_parquet(file, columns=columns) for file in sorted(folder.glob("*.parquet"))],
        ignore_index=True,
    )
    # pm4py sorts stably by case and time, so the id must have put ties in order.
    frame = frame.sort_values("event_id", kind="stable", ignore_index=True)
    log = pm4py.format_dataframe(
        frame, case_id="customer", activity_key="touchpoint", timestamp_key="timestamp"
    )
    counts, _starts, _ends = pm4py.discover_dfg(log)
    times, _starts, _ends = pm4py.discover_performance_dfg(log, perf_aggregation_key="median")
    variants = pm4py.get_variants(log)
    return {
        "touchpoints": {k: int(n) for k, n in log["concept:name"].value_counts().items()},
        "edges": {
            f"{source}>{target}": [int(n), float(_median(times[source, target]))]
            for (source, target), n in counts.items()
        },
        "variants": {",".join(variant): int(n) for variant, n in variants.items()},
    }


def retentioneering_questions(folder: Path) -> Answers:
    """Ask for transitions and touchpoints; it has no table of variants without a widget."""
    import pandas as pd
    import retentioneering
    from retentioneering.tools.transition_matrix import TransitionMatrix

    roles = {"path_cols": ["customer"], "event_col": "touchpoint", "timestamp_col": "timestamp"}
    columns = ["customer", "touchpoint", "timestamp", "event_id"]
    frame = pd.concat(
        [pd.read_parquet(file, columns=columns) for file in sorted(folder.glob("*.parquet"))],
        ignore_index=True,
    )
    # It sorts by several columns, so stably: the id must have put ties in order.
    frame = frame.sort_values("event_id", ignore_index=True).drop(columns="event_id")
    stream = retentioneering.Eventstream(frame, schema=roles)
    counts = TransitionMatrix(stream).fit("count").to_dict("index")
    times = TransitionMatrix(stream).fit("time_median").to_dict("index")
    names = stream.get_event_counts()
    inner = [(a, b) for a in names for b in names if counts[a][b]]
    return {
        "touchpoints": {name: int(n) for name, n in names.items()},
        "edges": {f"{a}>{b}": [int(counts[a][b]), times[a][b].total_seconds()] for a, b in inner},
    }


def _median(time_of: Any) -> float:
    return float(time_of["median"] if isinstance(time_of, dict) else time_of)


_DUCKDB = """
CREATE TEMP TABLE touchpoints AS
SELECT touchpoint, row_number() OVER (ORDER BY touchpoint)::SMALLINT AS no
FROM (SELECT DISTINCT touchpoint FROM log);
CREATE TEMP TABLE customers AS
SELECT customer, row_number() OVER ()::INTEGER AS no FROM (SELECT DISTINCT customer FROM log);
CREATE TEMP TABLE steps AS
SELECT c AS journey, t AS source, at_us, lead(t) OVER w AS target, lead(at_us) OVER w AS next_us,
       row_number() OVER w AS step
FROM (SELECT customers.no AS c, touchpoints.no AS t, epoch_us("timestamp") AS at_us, event_id
      FROM log JOIN customers USING (customer) JOIN touchpoints USING (touchpoint))
WINDOW w AS (PARTITION BY c ORDER BY at_us, event_id, t);
"""


def duckdb_questions(folder: Path) -> Answers:
    import duckdb

    connection = duckdb.connect(config={"memory_limit": _memory(folder)})
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"CREATE VIEW log AS FROM read_parquet('{folder}/*.parquet')")
    connection.execute(_DUCKDB)
    spots = connection.execute(
        "SELECT touchpoint, n FROM touchpoints JOIN "
        "(SELECT source AS no, count(*) AS n FROM steps GROUP BY 1) USING (no)"
    ).fetchall()
    edges = connection.execute(
        "SELECT a.touchpoint, b.touchpoint, n, median FROM (SELECT source, target, "
        "count(*) AS n, median(next_us - at_us) / 1e6 AS median FROM steps "
        "WHERE target IS NOT NULL GROUP BY 1, 2) "
        "JOIN touchpoints AS a ON a.no = source JOIN touchpoints AS b ON b.no = target"
    ).fetchall()
    variants = connection.execute(
        "SELECT variant, count(*) FROM (SELECT list(source ORDER BY step) AS variant FROM steps "
        "GROUP BY journey) GROUP BY 1"
    ).fetchall()
    names = dict(connection.execute("SELECT no, touchpoint FROM touchpoints").fetchall())
    return {
        "touchpoints": dict(spots),
        "edges": {f"{a}>{b}": [n, median] for a, b, n, median in edges},
        "variants": {",".join(names[no] for no in variant): n for variant, n in variants},
    }


def polars_questions(folder: Path) -> Answers:
    import polars as pl

    log = (
        pl.scan_parquet(folder / "*.parquet")
        .select("customer", pl.col("touchpoint").cast(pl.Categorical), "timestamp", "event_id")
        .sort("customer", "timestamp", "event_id")
        .with_columns(
            target=pl.col("touchpoint").shift(-1),
            seconds=(pl.col("timestamp").shift(-1) - pl.col("timestamp")).dt.total_microseconds()
            / 1e6,
            goes_on=pl.col("customer").shift(-1) == pl.col("customer"),
        )
        .collect()
    )
    spots = log.group_by("touchpoint").len()
    edges = (
        log.filter(pl.col("goes_on"))
        .group_by("touchpoint", "target")
        .agg(pl.len(), pl.col("seconds").median())
    )
    variants = (
        log.group_by("customer", maintain_order=True)
        .agg(variant=pl.col("touchpoint").cast(pl.String).str.join(","))
        .group_by("variant")
        .len()
    )
    return {
        "touchpoints": dict(spots.rows()),
        "edges": {f"{a}>{b}": [n, median] for a, b, n, median in edges.rows()},
        "variants": dict(variants.rows()),
    }


CONTENDERS: dict[str, Callable[[Path], Answers]] = {
    "journeylib": journeylib_questions,
    "duckdb": duckdb_questions,
    "polars": polars_questions,
    "pm4py": pm4py_questions,
    "retentioneering": retentioneering_questions,
    "audit": journeylib_audit,
}


_BEGAN = (time.perf_counter(), time.process_time())


def _usage() -> dict[str, float]:
    return {
        "seconds": time.perf_counter() - _BEGAN[0],
        "cpu": time.process_time() - _BEGAN[1],
        "gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def _lap(name: str) -> None:
    print(json.dumps({"lap": name} | _usage()), flush=True)


def _python(name: str) -> str | None:
    """Return the interpreter that runs a contender; None where it is not to be had."""
    if name != "retentioneering":
        return sys.executable
    return os.environ.get(ELSEWHERE) or (sys.executable if find_spec(name) else None)


def differences(first: Answers, second: Answers) -> list[str]:
    """Say in which questions that both answer two contenders differ.

    Counts are to be equal, medians to a microsecond.
    """
    told = ("touchpoints", "variants")
    wrong = [key for key in told if key in first.keys() & second and first[key] != second[key]]
    a, b = first["edges"], second["edges"]
    if a.keys() != b.keys() or any(
        a[k][0] != b[k][0] or abs(a[k][1] - b[k][1]) > TOLERANCE_SECONDS for k in a
    ):
        wrong.append("edges")
    return wrong


def run(events: int = DEFAULT_EVENTS, names: tuple[str, ...] = tuple(CONTENDERS)) -> None:
    """Run the contenders one after the other and print times, memory and ratios.

    Raises
    ------
    SystemExit
        If a contender fails or its answers differ from the first one's.
    """
    folder = generate(events, FOLDER)
    found: list[dict[str, Any]] = []
    answers: dict[str, Answers] = {}
    for name in names:
        out = folder / f"{name}.json"
        python = _python(name)
        if python is None:
            print(f"{name}: left out; set {ELSEWHERE} to a Python that has it")
            continue
        command = [python, "-m", "benchmarks.scale", "--one", name, str(folder), str(out)]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        for line in told.splitlines():
            if line.startswith("{"):
                lap = json.loads(line)
                found.append(lap | {"lap": f"{name}: {lap['lap']}"})
        answers[name] = json.loads(out.read_text(encoding="utf-8"))
        out.unlink()
    asked = [name for name, told in answers.items() if told]
    for name in asked[1:]:
        wrong = differences(answers[asked[0]], answers[name])
        if wrong:
            sys.exit(f"{name} and {asked[0]} differ in {', '.join(wrong)}")
    _show(found, events)


def _show(found: list[dict[str, Any]], events: int) -> None:
    base = next((lap for lap in found if lap["lap"].startswith("duckdb")), found[0])
    print(f"{events:,} events; ratios to {base['lap']}; the same answers from all")
    print(f"{'':36} {'seconds':>9} {'CPU s':>9} {'ratio':>7} {'CPU':>7} {'peak GB':>8}")
    for lap in found:
        ratio, work = lap["seconds"] / base["seconds"], lap["cpu"] / base["cpu"]
        print(
            f"{lap['lap']:36} {lap['seconds']:9.1f} {lap['cpu']:9.1f} {ratio:7.2f} {work:7.2f} "
            f"{lap['gb']:8.2f}"
        )


def _one(name: str, folder: Path, out: Path) -> None:
    answers = CONTENDERS[name](folder)
    _lap("the questions" if answers else "all")
    out.write_text(json.dumps(answers), encoding="utf-8")


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        _one(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
        return 0
    events = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_EVENTS
    run(events, tuple(sys.argv[2:]) or tuple(CONTENDERS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
