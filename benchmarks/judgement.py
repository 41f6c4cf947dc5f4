"""The whole judgement (measure and judge) on 100,000 journeys of the telecom sample.

Run from the checkout: ``python -m benchmarks judgement``. The goal is 3 minutes on two cores.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CUSTOMERS = 70_000  # 100,249 journeys
CONFIG = Path(__file__).resolve().parents[1] / "sample_data/telecom/audit.yaml"
GOAL_SECONDS = 180


def write_log(folder: Path, customers: int) -> Path:
    """Write a large telecom log and its configuration; return the configuration."""
    from sample_data.generator.generate import generate

    sample = generate("telecom", customers=customers)
    sample.contacts.to_csv(folder / "contacts.csv", index=False)
    sample.outcomes.to_csv(folder / "outcomes.csv", index=False)
    config = folder / "audit.yaml"
    config.write_text(CONFIG.read_text(encoding="utf-8"), encoding="utf-8")
    return config


def timed(config: Path) -> dict[str, float]:
    """Read, rebuild, measure and judge; seconds of each, and the peak memory of it all."""
    from journeylib.audits.config.load import load_config
    from journeylib.audits.preparation.preparation import read_source
    from journeylib.journeys.journeys import rebuild
    from journeylib.judge.judgement import judge
    from journeylib.measures.evidence import measure

    loaded, worked = load_config(config), time.process_time()
    clock = [time.perf_counter()]
    log = read_source(loaded)
    clock.append(time.perf_counter())
    journeys = rebuild(log, loaded.journeys)
    clock.append(time.perf_counter())
    evidence = measure(journeys, loaded.measures)
    clock.append(time.perf_counter())
    judgement = judge(journeys, evidence, loaded.judge)
    clock.append(time.perf_counter())
    seconds = dict(
        zip(("read", "rebuild", "measure", "judge"), map(_apart, clock, clock[1:]), strict=True)
    )
    return {
        "journeys": float(evidence.totals["journeys"]),
        "touchpoints": float(len(judgement.scores)),
        **seconds,
        "seconds of one core": round(time.process_time() - worked, 2),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def _apart(begun: float, ended: float) -> float:
    return round(ended - begun, 2)


def run() -> None:
    """Print the figures; the log is made in a process of its own, for its memory does not count."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        config = write_log(folder, CUSTOMERS)
        out = subprocess.run(
            [sys.executable, "-m", "benchmarks.judgement", str(config)],
            check=True,
            capture_output=True,
            text=True,
        )
    found = json.loads(out.stdout)
    print("\n".join(f"{name:20} {value:,.2f}" for name, value in found.items()))
    judged = found["measure"] + found["judge"]
    print(
        f"judgement in {judged:.1f} s, {judged / GOAL_SECONDS:.0%} of the {GOAL_SECONDS} s allowed"
    )


if __name__ == "__main__":
    print(json.dumps(timed(Path(sys.argv[1]))))
