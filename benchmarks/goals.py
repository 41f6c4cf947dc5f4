"""What journeylib costs beside something that anybody knows: CPU as ratios within one run.

``python -m benchmarks goals``, or with names to run only some, and how often:
``python -m benchmarks.goals sample forty 5``. Each row is the CPU of whole processes, with their
children, over that of the process that it is compared with; both run in turn, and medians are
compared. Beside them stand the least and the largest ratio of two runs that followed each other:
where they lie apart, the machine had other work. The first audit of a checkout also compiles the
counting functions: run one before. That run writes the bytecode of the modules, too, as installing
does, whatever PYTHONDONTWRITEBYTECODE says here.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.generate import FOLDER, generate

SAMPLE = Path(__file__).resolve().parents[1] / "sample_data" / "telecom"
EVENTS = 40
_IMPORTS = ("-c", "import pandas, statsmodels.api, sklearn.linear_model")
_AUDIT = "import sys, journeylib as jl; found = jl.audit(sys.argv[1]); found.document; found.tables"
_LOG = """\
name: log
log: {{files: "{folder}/*.parquet"}}
roles: {{customer: customer, touchpoint: touchpoint, timestamp: timestamp, position: event_id,
  channel: channel, actor: actor}}
engine: {{memory_limit: 3GB}}
"""


@dataclass(frozen=True)
class Goal:
    """One row: what is run, what it is compared with, and how often it may cost that."""

    what: str
    arguments: Callable[[Path], tuple[str, ...]]
    peer: Callable[[Path], tuple[str, ...]]
    at_most: float


def cpu_seconds(arguments: tuple[str, ...]) -> float:
    """Return the CPU seconds of a Python process and its children."""
    # The peer's packages have their bytecode; a checkout that may not write its own has none.
    surroundings = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=surroundings
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_events(folder: Path) -> str:
    """Write the sample's first events, its outcomes and its configuration into a folder."""
    for name in ("audit.yaml", "outcomes.csv", "contacts.csv"):
        lines = (SAMPLE / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = lines[: EVENTS + 1] if name == "contacts.csv" else lines
        (folder / name).write_text("".join(kept), encoding="utf-8")
    return str(folder / "audit.yaml")


def contender(events: int, name: str) -> Callable[[Path], tuple[str, ...]]:
    """Return the arguments of one contender of `benchmarks.scale`."""

    def arguments(folder: Path) -> tuple[str, ...]:
        log = str(generate(events, FOLDER))
        return ("-m", "benchmarks.scale", "--one", name, log, str(folder / f"{name}.json"))

    return arguments


def command(events: int, touchpoints: int = 60) -> Callable[[Path], tuple[str, ...]]:
    """Return the arguments of a whole audit of a generated log, without its notebook."""

    def arguments(folder: Path) -> tuple[str, ...]:
        config = folder / f"{events}.yaml"
        config.write_text(_LOG.format(folder=generate(events, FOLDER, touchpoints)), "utf-8")
        return ("-c", _AUDIT, str(config))

    return arguments


GOALS = {
    "sample": Goal(
        "audit of the telecom sample / importing pandas, statsmodels, sklearn",
        lambda _folder: ("-c", _AUDIT, str(SAMPLE / "audit.yaml")),
        lambda _folder: _IMPORTS,
        4.0,
    ),
    "forty": Goal(
        f"audit of {EVENTS} of its events / importing the same",
        lambda folder: ("-c", _AUDIT, first_events(folder)),
        lambda _folder: _IMPORTS,
        2.5,
    ),
    "million": Goal(
        "audit of 1 million events / pm4py: edges, times, variants",
        command(1_000_000),
        contender(1_000_000, "pm4py"),
        4.0,
    ),
    "three": Goal(
        "read, rebuild, score 3 million events / DuckDB script: edges, times, variants",
        contender(3_000_000, "audit"),
        contender(3_000_000, "duckdb"),
        2.5,
    ),
    "wide": Goal(
        "audit of 5,000 touchpoints, 300,000 events / importing the same",
        command(300_000, 5_000),
        lambda _folder: _IMPORTS,
        12.0,
    ),
    "ten": Goal(
        "read, rebuild, score 10 million events / DuckDB script",
        contender(10_000_000, "audit"),
        contender(10_000_000, "duckdb"),
        2.0,
    ),
}
USUAL = ("sample", "forty", "million", "three")


def run(names: tuple[str, ...] = USUAL, times: int = 1) -> None:
    """Run the rows and print CPU seconds, those of the peer, and the ratio beside the goal."""
    print(f"{'':78} {'CPU s':>8} {'peer':>8} {'ratio':>7} {'goal':>6}  least to largest ratio")
    with tempfile.TemporaryDirectory() as place:
        for goal in (GOALS[name] for name in names):
            sides = [goal.peer(Path(place)), goal.arguments(Path(place))]
            runs = [[cpu_seconds(side) for side in sides] for _ in range(times)]
            peer, own = (median(column) for column in zip(*runs, strict=True))
            ratios = sorted(one / other for other, one in runs)
            print(
                f"{goal.what:78} {own:8.1f} {peer:8.1f} {own / peer:7.1f} {goal.at_most:6.1f}"
                f"  {ratios[0]:.1f} to {ratios[-1]:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    chosen = tuple(one for one in sys.argv[1:] if not one.isdigit())
    run(chosen or USUAL, *(int(one) for one in sys.argv[1:] if one.isdigit()))
