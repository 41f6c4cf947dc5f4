"""A company of twelve experiments in a row: what the lab decides, when, at what cost in customers.

``python -m benchmarks.lab [SEEDS]``. Four of them help, five do nothing, two harm, and one has a
broken split. The same customers are read a second way: p < .05, looked at every day.
"""

from __future__ import annotations

import datetime as dt
import math
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

import journeylib as jl
from journeylib.lab import LabSettings, Plan, plan, read, watch
from journeylib.lab.exposures import Observations
from journeylib.lab.plan_file import PlanFile, plan_hash
from journeylib.lab.settings import LabMeasure

PER_DAY, BASE, COMPLAINTS, WAIT = 400, 0.60, 0.04, 3
BEGINS = dt.date(2026, 3, 2)
SETTINGS: dict[str, Any] = {
    "name": "try",
    "question": "Does it help?",
    "touchpoint": "Chat",
    "begins": BEGINS,
    "primary": {"name": "solved", "column": "solved", "days": WAIT},
    "least_worth": 0.03,
    "guardrails": [
        {
            "name": "complaints",
            "reaches": ["Complaint"],
            "days": WAIT,
            "better": "lower",
            "limit": 0.01,
        }
    ],
    "looks": 5,
}


@dataclass(frozen=True)
class Truth:
    """What an experiment really does: change of solved, change of complaints, share in new arm."""

    name: str
    solved: float
    complaints: float = 0.0
    share: float = 0.5


COMPANY = (
    Truth("nothing", 0.0),
    Truth("helps by 4 points", 0.04),
    Truth("nothing", 0.0),
    Truth("harms: complaints +2 points", 0.0, 0.02),
    Truth("helps by 3 points", 0.03),
    Truth("nothing", 0.0),
    Truth("broken split, else nothing", 0.0, 0.0, 0.47),
    Truth("helps by 5 points", 0.05),
    Truth("nothing", 0.0),
    Truth("harms: complaints +3, solved +3 points", 0.03, 0.03),
    Truth("helps by 4 points", 0.04),
    Truth("nothing", 0.0),
)


def planned() -> Plan:
    """Return the plan that all experiments share, from eight weeks without any."""
    rng = np.random.default_rng(0)
    days = 56
    n = PER_DAY * days
    at = np.repeat(np.arange(days), PER_DAY)
    frame = pd.DataFrame(
        {
            "customer": [f"c{number}" for number in range(n)],
            "at": pd.Timestamp(BEGINS) + pd.to_timedelta(at - days, unit="D"),
            "touchpoint": "Chat",
            "solved": (rng.random(n) < BASE).astype(int).astype(str),
        }
    )
    upset = frame[rng.random(n) < COMPLAINTS].assign(touchpoint="Complaint", solved="")
    upset["at"] += pd.Timedelta(days=1)
    rows = pd.concat([frame, upset[upset["at"] < pd.Timestamp(BEGINS)]])
    schema = {
        "customer": "customer",
        "touchpoint": "touchpoint",
        "timestamp": "at",
        "attributes": ["solved"],
    }
    settings = LabSettings.model_validate(SETTINGS)
    return plan(jl.read_log(rows, schema), settings, written=BEGINS - dt.timedelta(days=1))


def observed(truth: Truth, settings: LabSettings, last_day: int, seed: int) -> Observations:
    """Return the customers of one experiment, as a log would show them."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(last_day + 1), PER_DAY)
    n = len(day)
    new = rng.random(n) < truth.share
    solved = rng.random(n) < BASE + truth.solved * new
    upset = np.flatnonzero(rng.random(n) < COMPLAINTS + truth.complaints * new)
    customers = pd.DataFrame(
        {
            "arm": new.astype("int64"),
            "exposed_day": day,
            "stage": 0,
            "both": False,
            "segment": "(none)",
            "before": np.nan,
        }
    )
    sums = {
        "solved": pd.DataFrame(
            {"customer": np.arange(n), "day": day, "top": solved * 1_000_000, "base": 1}
        ),
        "complaints": pd.DataFrame(
            {"customer": upset, "day": day[upset] + 1, "top": 1_000_000, "base": 1}
        ),
    }
    return Observations(settings, customers, sums, last_day)


def by_lab(file: PlanFile, seen: Observations) -> tuple[str, int]:
    """Return what the lab decides and on which day: watched daily, read at its looks."""
    stops = watch(file.plan, seen).stops
    first = min(stops, key=lambda stop: stop.day) if stops else None
    for look in file.plan.looks:
        if first is not None and first.day <= look.day:
            break
        found = read(file, replace(seen, last_day=look.day))
        if found.decision in ("ship", "stop", "no_difference"):
            return found.decision.replace("_", " "), look.day
    if first is not None:
        return f"stop ({first.reason.replace('_', ' ')})", first.day
    return "no answer", file.plan.looks[-1].day


def by_peeking(measure: LabMeasure, seen: Observations) -> tuple[str, int]:
    """Return what reading p < .05 every day decides."""
    for day in range(WAIT, seen.last_day + 1):
        found = seen.difference(measure, day)
        if min(found.customers) < 100:
            continue
        if 2 * stats.norm.sf(abs(found.value / found.error)) < 0.05:
            return ("ship" if found.value > 0 else "stop"), day
    return "no difference", seen.last_day


def company(file: PlanFile, seed: int) -> pd.DataFrame:
    """Return one row per experiment: truth, and decision, day and customers both ways."""
    settings = file.plan.settings
    rows = []
    for number, truth in enumerate(COMPANY):
        seen = observed(truth, settings, file.plan.looks[-1].day, 1000 * seed + number)
        ours, day = by_lab(file, seen)
        theirs, other = by_peeking(settings.primary, seen)
        rows.append(
            {
                "experiment": number + 1,
                "truth": truth.name,
                "lab": ours,
                "day": day + 1,
                "new_arm": _new_arm(seen, day),
                "peeking": theirs,
                "peeking_day": other + 1,
                "peeking_new_arm": _new_arm(seen, other),
            }
        )
    return pd.DataFrame(rows)


def _new_arm(seen: Observations, day: int) -> int:
    return sum(new for _control, new in seen.counts(day))


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the share of right decisions by kind of experiment, both ways."""
    kind = runs["truth"].str.split(r"[ :,]", n=1, regex=True).str[0]
    rows = []
    for name in ("helps", "nothing", "harms", "broken"):
        part = runs[kind == name]
        row: dict[str, Any] = {"experiments": name, "runs": len(part)}
        for way, day in (("lab", "day"), ("peeking", "peeking_day")):
            decided = part[way]
            row[f"{way}: ship"] = f"{100 * (decided == 'ship').mean():.0f} %"
            row[f"{way}: stop"] = f"{100 * decided.str.startswith('stop').mean():.0f} %"
            row[f"{way}: no difference"] = f"{100 * (decided == 'no difference').mean():.0f} %"
            row[f"{way}: median day"] = math.ceil(part[day].median())
        rows.append(row)
    return pd.DataFrame(rows)


def main(seeds: int = 20) -> None:
    """Print the table of one company, and the shares over `seeds` of them."""
    made = planned()
    file = PlanFile(made, plan_hash(made), ())
    print(made, [look.day + 1 for look in made.looks], "\n")
    runs = [company(file, seed) for seed in range(1, seeds + 1)]
    print(runs[0].to_string(index=False), "\n")
    print(summary(pd.concat(runs)).T.to_string(header=False))


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:2]))
