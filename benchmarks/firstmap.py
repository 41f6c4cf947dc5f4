"""From the first cell to the first map to click, and what a slider and a filter take then.

Seconds, and as a multiple of DuckDB's bare read of the same file.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb

from benchmarks.generate import FOLDER, generate

EVENTS = 1_000_000
_ROLES = {"customer": "customer", "touchpoint": "touchpoint", "timestamp": "timestamp"}
_ROLES |= {"position": "event_id"}


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
    explorer._heard(None, {"type": "move", "touchpoints": 10, "transitions": 2}, None)
    lap("slider")
    names = explorer.journeys.touchpoints.sort_values("journeys")["touchpoint"]
    asked = {"type": "filter", "verb": "passing", "names": [str(names.iloc[-1])]}
    explorer._heard(None, asked, None)
    lap("filter of many")
    asked = {"type": "filter", "verb": "passing", "names": [str(names.iloc[0])]}
    explorer._heard(None, asked, None)
    lap("filter of few")
    laps["first cell to first map"] = until_map
    for name, value in laps.items():
        print(f"{name:<24} {value:7.2f} s   {value / laps['bare read']:7.1f} × bare read")


if __name__ == "__main__":
    run(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
