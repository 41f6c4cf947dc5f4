"""The edges of a log through a whole audit: thousands of touchpoints, one customer of a million.

``python -m benchmarks wide``, or with a size for both and names to run only some:
``python -m benchmarks.wide 0.1 touchpoints``. Each log runs in a process of its own: read, rebuild,
measure, judge, compare cuts, document, tables. Prints CPU seconds and the peak of memory; it fails
only where an audit does.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from benchmarks.generate import FOLDER, generate

TOUCHPOINTS, EVENTS = 5_000, 300_000
LONGEST, OTHERS = 1_000_000, 200_000
_ROLES = {
    "customer": "customer",
    "touchpoint": "touchpoint",
    "timestamp": "timestamp",
    "position": "event_id",
    "channel": "channel",
    "actor": "actor",
}


def many_touchpoints(size: float) -> Path:
    return generate(round(EVENTS * size), FOLDER, round(TOUCHPOINTS * size))


def long_customer(size: float) -> Path:
    """Write a log in which one customer has five of six events, one every 20 seconds."""
    others = generate(round(OTHERS * size), FOLDER)
    place = FOLDER / f"long-{round(LONGEST * size)}"
    if (place / "done").exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(config={"memory_limit": "2GB"})
    connection.execute("SET enable_progress_bar = false")
    connection.execute(
        f"COPY (SELECT * REPLACE (event_id + {LONGEST} AS event_id) "
        f"FROM read_parquet('{others}/*.parquet')) TO '{place}/others.parquet' (FORMAT parquet)"
    )
    connection.execute(
        f"COPY (SELECT no AS event_id, 'c-long' AS customer, "
        "'Touchpoint ' || lpad((hash(no) % 60)::VARCHAR, 2, '0') AS touchpoint, "
        'make_timestamp((1704067200 + no * 20) * 1000000) AS "timestamp", '
        "['web', 'app', 'chat', 'phone', 'shop'][(hash(no) % 5)::BIGINT + 1] AS channel, "
        "['customer', 'customer', 'bot', 'human', 'customer'][(hash(no) % 5)::BIGINT + 1] AS actor "
        f"FROM range({round(LONGEST * size)}) AS t(no)) "
        f"TO '{place}/long.parquet' (FORMAT parquet)"
    )
    (place / "done").touch()
    return place


LOGS = {"touchpoints": many_touchpoints, "customer": long_customer}


def _one(folder: Path) -> None:
    from journeylib.audits.config.audit_config import AuditConfig
    from journeylib.audits.pipeline import audit

    config = AuditConfig.model_validate(
        {
            "name": "wide",
            "log": {"files": [str(folder / "*.parquet")]},
            "roles": _ROLES,
            "engine": {"memory_limit": "2GB"},
        }
    )
    found = audit(config)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"  {len(found.document['touchpoints']):,} touchpoints shown, {len(found.tables)} tables")
    print(f"  {'all':24} {time.process_time():8.1f} {peak:8.2f}")


def run(size: float = 1.0, names: tuple[str, ...] = tuple(LOGS)) -> None:
    """Run the audits one after the other, each in a process of its own."""
    for name in names:
        folder = LOGS[name](size)
        print(f"{name} ({folder.name})\n  {'':24} {'CPU s':>8} {'peak GB':>8}", flush=True)
        command = [sys.executable, "-m", "benchmarks.wide", "--one", str(folder)]
        subprocess.run(command, check=True)


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        _one(Path(sys.argv[2]))
        return 0
    size = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    run(size, tuple(sys.argv[2:]) or tuple(LOGS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
