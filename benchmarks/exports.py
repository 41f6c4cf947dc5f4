"""An export of 20,000 conversations: read by its recipe, against DuckDB's bare read of the JSON."""

from __future__ import annotations

import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

CONVERSATIONS, PARTS = 20_000, 9
MOST_TIMES, MOST_GB = 3.0, 2.0
_T0 = 1_772_438_940
_WORDS = "I ordered two weeks ago and have not heard of it since, can you look? " * 5


def write_export(path: Path) -> None:
    """Write invented conversations in the shape of Intercom, some 110 MB."""
    kinds = [("user", "comment"), ("bot", "comment"), ("bot", "assignment"), ("admin", "comment")]
    with path.open("w", encoding="utf-8") as out:
        for number in range(CONVERSATIONS):
            start = _T0 + number * 60
            parts = []
            for place in range(PARTS):
                author, kind = kinds[place % 4]
                body = f"<p>{_WORDS}</p>" if kind == "comment" else None
                parts.append({
                    "type": "conversation_part", "id": str(number * 100 + place),
                    "part_type": kind, "body": body, "created_at": start + 40 * (place + 1),
                    "author": {"type": author, "id": str(place % 4), "name": "A person"},
                    "assigned_to": {"type": "team", "id": "8"}, "attachments": [],
                })  # fmt: skip
            record = {
                "type": "conversation", "id": str(number), "created_at": start,
                "updated_at": start + 900, "state": "closed", "tags": {"tags": [{"name": "order"}]},
                "source": {"type": "email", "delivered_as": "customer_initiated", "body": _WORDS,
                           "author": {"type": "user", "id": f"c{number // 3}"}},
                "contacts": {"contacts": [{"id": f"c{number // 3}", "external_id": None}]},
                "statistics": {"count_conversation_parts": PARTS},
                "conversation_parts": {"conversation_parts": parts},
            }  # fmt: skip
            out.write(json.dumps(record) + "\n")


def read_bare(path: str) -> int:
    """Return the number of records that DuckDB reads by itself."""
    with duckdb.connect() as con:
        con.execute("CREATE TABLE records AS FROM read_json(?)", [path])
        return int(con.execute("SELECT count(*) FROM records").fetchall()[0][0])


def read_by_recipe(path: str) -> int:
    """Return the number of events that the recipe gives, checked."""
    import journeylib as jl

    return int(jl.read_log(path, recipe="intercom").quality.rows_used)


def _ready() -> None:
    """Import what a process imports once, whatever it reads."""
    import journeylib as jl

    jl.read_log  # noqa: B018 - looked up, it is imported


def _measured(read: Callable[[str], int], path: str, answers: Any) -> None:
    _ready()
    begin, before = time.perf_counter(), _cpu_seconds()
    rows = read(path)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answers.put((rows, time.perf_counter() - begin, _cpu_seconds() - before, memory))


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run() -> None:
    """Measure both in processes of their own; fail if too slow, too large, or events are lost."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "conversations.jsonl"
        write_export(path)
        print(f"{path.stat().st_size / 1e6:.0f} MB, {CONVERSATIONS} conversations")
        found = {}
        for read in (read_bare, read_by_recipe):
            answers = context.Queue()
            process = context.Process(target=_measured, args=(read, str(path), answers))
            process.start()
            found[read.__name__] = answers.get()
            process.join()
            rows, seconds, cpu, memory = found[read.__name__]
            print(f"{read.__name__}: {rows} rows, {seconds:.1f} s, {cpu:.1f} CPU s, "
                  f"{memory / 2**20:.2f} GB")  # fmt: skip
    bare, ours = found["read_bare"], found["read_by_recipe"]
    assert ours[0] == CONVERSATIONS * (PARTS + 1), "events are lost"
    print(f"{ours[1] / bare[1]:.2f} times the bare read in seconds, {ours[2] / bare[2]:.2f} in CPU "
          f"seconds (at most {MOST_TIMES:g} wanted)")  # fmt: skip
    assert ours[2] <= MOST_TIMES * bare[2], "too slow"
    assert ours[3] / 2**20 < MOST_GB, "too much memory"


if __name__ == "__main__":
    run()
