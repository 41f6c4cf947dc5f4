"""The sample experiment: ``python sample_data/generator/experiment.py sample_data/experiment``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20260302
BEGINS = pd.Timestamp("2026-03-02")
FIRST = pd.Timestamp("2026-01-05")
DAYS_BEFORE, DAYS_AFTER = 56, 56
CUSTOMERS = 4_400
EVERY_DAYS = 58.0  # between two contacts of a customer
TRUTH = {
    "solved_control": 0.60,
    "solved_new": 0.67,
    "complaint": 0.03,
    "person_after_unsolved": 0.5,
    "cost_person": [6.0, 6.4],
}


def contacts(seed: int = SEED) -> pd.DataFrame:
    """Return one row per event; the arm stands beside contacts from `BEGINS` on."""
    rng = np.random.default_rng(seed)
    easy = rng.normal(0, 0.12, CUSTOMERS)  # some customers' matters are easier throughout
    arm = rng.random(CUSTOMERS) < 0.5
    segment = rng.choice(["mobile", "fibre"], CUSTOMERS, p=[0.7, 0.3])
    days = DAYS_BEFORE + DAYS_AFTER
    number = rng.poisson(days / EVERY_DAYS, CUSTOMERS)
    who = np.repeat(np.arange(CUSTOMERS), number)
    at = np.sort(rng.random(len(who)) * days)
    who = rng.permutation(who)
    new = arm[who] & (at >= DAYS_BEFORE)
    base = np.where(new, TRUTH["solved_new"], TRUTH["solved_control"])
    solved = rng.random(len(who)) < np.clip(base + easy[who], 0.05, 0.95)
    rating = np.clip(np.round(rng.normal(np.where(solved, 7.5, 5.0), 1.5)), 0, 10).astype(int)
    rated = rng.random(len(who)) < 0.5
    bot = pd.DataFrame(
        {
            "customer": who,
            "at": at,
            "touchpoint": "Chatbot: billing",
            "actor": "bot",
            "arm": np.where(at < DAYS_BEFORE, "", np.where(arm[who], "new", "control")),
            "solved": solved.astype(int).astype(str),
            "csat": np.where(rated, rating.astype(str), ""),
            "cost": "0.2",
        }
    )
    person = ~solved & (rng.random(len(who)) < TRUTH["person_after_unsolved"])
    dear = np.where(new[person], *reversed(TRUTH["cost_person"]))
    call = _after(bot[person], rng, "Billing call", "human", days=1.5)
    call["cost"] = [f"{cost:.1f}" for cost in dear]
    upset = rng.random(len(who)) < TRUTH["complaint"]
    complaint = _after(bot[upset], rng, "Complaint call", "human", days=5)
    complaint["cost"] = "9.0"
    rows = pd.concat([bot, call, complaint]).sort_values("at", kind="stable")
    rows = rows[rows["at"] < days]
    when = FIRST + pd.to_timedelta(np.floor(rows["at"] * 1440), unit="min")
    return pd.DataFrame(
        {
            "customer_id": [f"E{number}" for number in rows["customer"]],
            "timestamp": when.dt.strftime("%Y-%m-%d %H:%M"),
            "touchpoint": rows["touchpoint"],
            "actor": rows["actor"],
            "segment": segment[rows["customer"]],
            "arm": rows["arm"],
            "solved": rows["solved"],
            "csat": rows["csat"],
            "cost": rows["cost"],
        }
    )


def _after(
    rows: pd.DataFrame, rng: np.random.Generator, touchpoint: str, actor: str, *, days: float
) -> pd.DataFrame:
    at = rows["at"] + 0.01 + rng.random(len(rows)) * days
    empty = {"arm": "", "solved": "", "csat": ""}
    return rows.assign(at=at, touchpoint=touchpoint, actor=actor, **empty)


def write(folder: Path) -> None:
    """Write the log and the truth; the same bytes for the same seed."""
    folder.mkdir(parents=True, exist_ok=True)
    contacts().to_csv(folder / "contacts.csv", index=False, lineterminator="\n")
    truth = json.dumps({"begins": str(BEGINS.date()), **TRUTH}, indent=2)
    (folder / "truth.json").write_text(truth + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python sample_data/generator/experiment.py FOLDER")
    write(Path(sys.argv[1]))
