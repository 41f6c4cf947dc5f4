"""Twelve weekly audits, a bot release in week 9: ``python examples/weekly_runs.py [FOLDER]``.

The conversations with bots and in the live chat of the telecom sample's company, with more
customers. From the first day that the ninth run looks at, the bots honour few requests for a person
any more; nothing else changes. Each run is an audit as of its own Monday, compared with the runs
before it; what it finds is printed. The runs stay in FOLDER (default ``weekly``), to be looked at
with ``journeylib history`` and ``compare``. Takes about half a minute of computing a run.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from pathlib import Path

import journeylib as jl
from sample_data.generator.generate import generate
from sample_data.generator.scenario import Release

HERE = Path(__file__).resolve().parent
CUSTOMERS, SEED = 20_000, 771204
FIRST_DAY = dt.date(2026, 1, 5)
WEEKS_BEFORE = 8  # of log before the first run's last week
RUNS, RELEASE_IN = 12, 9
CHANNELS = ("chatbot", "chat")
# What weeks are not compared by: the first automations and what an outcome goes with.
LEFT_OUT = (r"\nportfolio:.*?(?=\nas_of:)", r"\n  moments:.*?(?=\n  costs:)")
STILL_HONOURED = 0.15  # of the requests for a person that were honoured before
# Other cuts tell nothing about weeks, and take most of the time.
QUICK = ["compare=key_results"]


def as_of(run: int) -> dt.date:
    """Return the Monday of a run, 1 to 12."""
    return FIRST_DAY + dt.timedelta(weeks=WEEKS_BEFORE + run)


def write_log(folder: Path, customers: int = CUSTOMERS) -> Path:
    """Write the log with its release and the sample's configuration; return the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    day = (as_of(RELEASE_IN - 1) - FIRST_DAY).days
    log = generate("telecom", customers, SEED, release=Release(day, honours=STILL_HONOURED))
    log.contacts[log.contacts["channel"].isin(CHANNELS)].to_csv(
        folder / "contacts.csv", index=False
    )
    log.outcomes.to_csv(folder / "outcomes.csv", index=False)
    config = (HERE.parent / "sample_data/telecom/audit.yaml").read_text(encoding="utf-8")
    config = config.replace("Telecom service journeys", "Telecom conversations")
    for part in LEFT_OUT:
        config = re.sub(part, "", config, flags=re.DOTALL)
    (folder / "audit.yaml").write_text(config, encoding="utf-8")
    return folder / "audit.yaml"


def main(folder: Path) -> None:
    """Run the audits one after another and print what each finds."""
    config = write_log(folder)
    for run in range(1, RUNS + 1):
        audit = jl.audit(config, overrides=QUICK, as_of=as_of(run), history=folder)
        jl.save(audit, folder)
        alarms = audit.changes.significant
        print(f"week {run:2}, as of {as_of(run)}: {audit.changes.compared} streams compared, "
              f"{len(alarms)} alarms", flush=True)  # fmt: skip
        for change in alarms:
            print(f"    {change.kind:<12} {change.text}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "weekly"))
