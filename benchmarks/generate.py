"""Make a log of any size: ``python -m benchmarks.generate EVENTS FOLDER``.

Written by DuckDB straight to Parquet, a million events a file, so that it needs little memory.
Customers' journeys have skewed lengths (median 6, the longest hundreds of events), and one
event in eight shares its second with the one before; ``event_id`` says which came first. Within
a file events are in order of time, so that customers lie interleaved as in an export.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

FOLDER = Path(__file__).resolve().parents[1] / "bench-data"
PIECE = 1_000_000
TOUCHPOINTS = 60
MEAN_LENGTH = 9.5
LONGEST = 2_000

# A hash of (seed, column, row) as a number in 0..1: the same log whatever the threads.
_CHANCE = "(hash({what}, {salt}) % 1000003 + 0.5) / 1000003"

_PIECE = """
WITH customers AS (
    SELECT no, least({longest}, 1 + floor(exp(1.6 + sqrt(-2 * ln({u1})) * cos(2 * pi() * {u2}))))
               ::BIGINT AS length,
           1704067200 + floor({u3} * 300 * 86400)::BIGINT AS begin_s
    FROM range({first}, {first} + {customers}) AS t(no)
), events AS (
    SELECT no, begin_s, unnest(range(1, length + 1)) AS step FROM customers
), drawn AS (
    SELECT no, step, begin_s,
           (step * 3 + floor(power({u4}, 5) * {touchpoints})::BIGINT) % {touchpoints} AS spot,
           CASE WHEN {u5} < 0.125 THEN 0 ELSE floor(-ln({u6}) * 20000)::BIGINT END AS gap_s
    FROM events
), timed AS (
    SELECT no, step, spot,
           begin_s + sum(gap_s) OVER (PARTITION BY no ORDER BY step) AS at_s
    FROM drawn
), numbered AS (
    SELECT *, row_number() OVER (ORDER BY at_s, no, step) + {offset} AS event_id FROM timed
)
SELECT event_id, 'c' || lpad(no::VARCHAR, 9, '0') AS customer,
       'Touchpoint ' || lpad(spot::VARCHAR, {digits}, '0') AS touchpoint,
       make_timestamp((at_s * 1000000)::BIGINT) AS "timestamp",
       ['web', 'app', 'chat', 'phone', 'shop'][spot % 5 + 1] AS channel,
       CASE WHEN spot % 5 = 2 THEN 'bot' WHEN spot % 5 = 3 THEN 'human' ELSE 'customer' END AS actor
FROM numbered ORDER BY event_id
"""


def generate(events: int, folder: Path, touchpoints: int = TOUCHPOINTS) -> Path:
    """Write a log of about `events` events as Parquet files and return their folder.

    A folder that is there is taken as it is.
    """
    place = folder / f"{events}-{touchpoints}"
    if (place / "done").exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(config={"memory_limit": "2GB"})
    connection.execute("SET enable_progress_bar = false")
    written, first, piece = 0, 0, 0
    while written < events:
        customers = round(min(PIECE, events - written) / MEAN_LENGTH) + 1
        file = place / f"part-{piece:04}.parquet"
        query = _PIECE.format(
            first=first,
            customers=customers,
            offset=written,
            longest=LONGEST,
            touchpoints=touchpoints,
            # A name that is longer would be cut, and touchpoints become one.
            digits=max(2, len(str(touchpoints - 1))),
            **{f"u{i}": _CHANCE.format(what="no", salt=i) for i in (1, 2, 3)},
            **{f"u{i}": _CHANCE.format(what="no * 4096 + step", salt=i) for i in (4, 5, 6)},
        )
        connection.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
        counted = connection.execute(f"SELECT count(*) FROM '{file}'").fetchall()
        written += int(counted[0][0])
        first, piece = first + customers, piece + 1
    (place / "done").write_text(f"{written} events\n", encoding="utf-8")
    return place


def main() -> int:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else PIECE
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else FOLDER
    print(generate(events, folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
