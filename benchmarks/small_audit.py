"""A whole audit of the sample and of 40 events, beside importing what any such audit imports.

CPU seconds of a whole process each, in one run; the first audit of a checkout also compiles.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[1] / "sample_data" / "telecom"
EVENTS = 40
_AUDIT = "import sys, journeylib as jl; found = jl.audit(sys.argv[1]); found.document; found.tables"


def cpu_seconds(code: str, *arguments: str) -> float:
    """Return the CPU seconds of a process that runs `code`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_events(folder: Path) -> Path:
    """Write the sample's first events, its outcomes and its configuration into a folder."""
    for name in ("audit.yaml", "outcomes.csv", "contacts.csv"):
        lines = (SAMPLE / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = lines[: EVENTS + 1] if name == "contacts.csv" else lines
        (folder / name).write_text("".join(kept), encoding="utf-8")
    return folder / "audit.yaml"


def run() -> None:
    imports = cpu_seconds("import pandas, statsmodels.api, sklearn.linear_model")
    print(f"{'import pandas, statsmodels, sklearn':<36} {imports:6.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        configs = {
            "audit of the telecom sample": SAMPLE / "audit.yaml",
            f"audit of {EVENTS} of its events": first_events(Path(folder)),
        }
        for name, config in configs.items():
            seconds = cpu_seconds(_AUDIT, str(config))
            print(f"{name:<36} {seconds:6.1f} s   {seconds / imports:5.1f} × the import")


if __name__ == "__main__":
    run()
