"""From the first cell to the first map to click, and what a slider and a filter take then.

Seconds, and as a multiple of DuckDB's bare read of the same file.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from benchmarks.generate import FOLDER, generate

EVENTS = 1_000_000
FILTERS, FILTER = 12, "filter to map"
_ROLES = {"customer": "customer", "touchpoint": "touchpoint", "timestamp": "timestamp"}
_ROLES |= {"position": "event_id"}


def timed(what: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def filters(explorer: Any, names: Sequence[str]) -> dict[str, float]:
    """Click a filter on each of these touchpoints and take it back; the first makes ready."""

    def click(**message: object) -> float:
        return timed(lambda: explorer._on_message(None, message, None))

    forth, back = [], []
    for name in names:
        forth.append(click(type="filter", verb="passing", names=[name]))
        back.append(click(type="undo", kept=0))
    return {
        f"first {FILTER}": forth[0],
        f"{FILTER}, median": median(forth[1:]),
        f"{FILTER}, longest": max(forth[1:]),
        "and back": median(back),
    }


def run(folder: Path | None = None) -> None:
    started = time.perf_counter()
    laps: dict[str, float] = {}

    def lap(name: str) -> None:
        nonlocal started
        laps[name], started = time.perf_counter() - started, time.perf_counter()

    folder = folder or generate(EVENTS, FOLDER)
    files = str(folder / "*.parquet")
    started = time.perf_counter()
    duckdb.sql(f"CREATE TABLE bare AS FROM '{files}'")
    lap("bare read")
    import journeylib as jl

    lap("import")
    log = jl.read_log(files, jl.Schema(**_ROLES))
    lap("read_log")
    journeys = jl.rebuild(log, jl.JourneySettings(cut="customer"))
    lap("rebuild")
    explorer = jl.explore(journeys)
    lap("first map")
    explorer._repr_mimebundle_()
    lap("its stored twin")
    until_map = sum(seconds for name, seconds in laps.items() if name != "bare read")
    explorer._on_message(None, {"type": "move", "touchpoints": 10, "transitions": 2}, None)
    lap("slider")
    names = journeys.touchpoints.sort_values("journeys", ascending=False)["touchpoint"]
    laps |= filters(explorer, names.tolist()[:FILTERS])
    started = time.perf_counter()
    laps["as a figure: " + FILTER] = median(
        timed(lambda name=name: jl.journey_map(journeys.passing(name)))
        for name in names.tolist()[:FILTERS]
    )
    laps["first cell to first map"] = until_map
    for name, value in laps.items():
        print(f"{name:<32} {value:7.2f} s   {value / laps['bare read']:7.1f} × bare read")


if __name__ == "__main__":
    run(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
