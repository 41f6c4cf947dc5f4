"""Planted verdicts: of an insurer whose truth is known, how many are judged right, how many wrong.

Run from the checkout: ``python -m benchmarks.verdicts [SEEDS] [CUSTOMERS]``. The insurer is made
otherwise than the sample data: other touchpoints and prevalences, what customers write on the row
of who served (``text_by: customer``), and no intent in half of the events. Its shares lie inside
the region of `docs/methods.md` (sections 6 and 7) that gives the planted verdict. A verdict is
*wrong* where another one is issued; an abstaining touchpoint is neither right nor wrong.

With a third argument, ``python -m benchmarks.verdicts SEEDS CUSTOMERS TIMES``, the shares, sizes
and servers of eight matters are drawn at random for each company. Its truth is the verdict, or else
the leaning, on a log of so many times the weeks with so many times the customers.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from journeylib.journeys import JourneySettings, rebuild
from journeylib.judge import JudgeSettings, MomentSettings, verdict_scores
from journeylib.log import read_log
from journeylib.measures import MeasureSettings, measure

WEEKS, SEEDS, CUSTOMERS = 26, 3, 2_500
DRAWN_FROM = 500  # first seed of companies drawn at random
WARM = ("Thank you, that worked well", "Great, thanks for that", "Perfect, thanks for the help")
COLD = ("This is terrible and I am upset", "I am so sad and afraid", "Awful, I am really angry")
PLAIN = (
    "Please send me the form, thanks",
    "Yes please, that is fine",
    "Good, please go on with it",
)


@dataclass(frozen=True)
class Matter:
    """A touchpoint with what is planted there; each share is of its contacts."""

    verdict: str
    weight: float
    server: str
    minutes: float
    spread: float
    negative: float
    falls: float
    returns: float
    complaints: float
    stake: float
    errors: float = 0.01
    solved: float = 0.7
    again: float = 0.0
    handed: float = 0.0


ROUTINE = {"minutes": 3.0, "spread": 0.1, "negative": 0.02, "falls": 0.0, "returns": 0.03}
MIDDLE = {"minutes": 14.0, "spread": 0.5, "negative": 0.50, "falls": 0.25, "returns": 0.22}
GRAVE = {"minutes": 22.0, "spread": 0.8, "negative": 0.85, "falls": 0.6, "returns": 0.5}
MATTERS: dict[str, Matter] = {
    "Premium statement": Matter(
        "automate", 3.0, "bot", **ROUTINE, complaints=0.005, stake=0.0, solved=0.92, handed=0.05
    ),
    "Address update": Matter(
        "automate", 2.5, "bot", **ROUTINE, complaints=0.005, stake=0.0, solved=0.92, handed=0.08
    ),
    "Green card": Matter(
        "automate", 2.0, "bot", **ROUTINE, complaints=0.005, stake=0.0, solved=0.92, handed=0.06
    ),
    "Tariff advice": Matter("assist", 1.5, "human", **MIDDLE, complaints=0.04, stake=0.04),
    "Cover change": Matter("assist", 1.5, "human", **MIDDLE, complaints=0.04, stake=0.04),
    "Rejected claim": Matter(
        "human_led", 1.2, "human", **GRAVE, complaints=0.15, stake=0.25, solved=0.5
    ),
    "Bereavement": Matter(
        "human_led", 1.2, "human", **GRAVE, complaints=0.12, stake=0.25, solved=0.5
    ),
    "Damage form": Matter(
        "fix_first", 1.5, "bot", **ROUTINE, complaints=0.03, stake=0.0, again=0.45, handed=0.1
    ),
}
ROLES: dict[str, Any] = {
    **{role: role for role in ("touchpoint", "actor", "intent", "session", "text", "error")},
    "customer": "holder", "timestamp": "begin", "end_timestamp": "finish", "text_by": "customer",
    "attributes": ["solved"], "actor_values": {"bot": "bot", "human": "human"},
}  # fmt: skip
OUTCOMES = {"customer": "holder", "timestamp": "day", "kind": "kind"}


def drawn_matters(seed: int) -> dict[str, Matter]:
    """Return eight matters whose server, size and shares are drawn; nothing is planted in them."""
    rng = np.random.default_rng(seed)

    def matter() -> Matter:
        bot = rng.random() < 0.5
        return Matter(
            "",
            weight=rng.uniform(0.8, 3),
            server="bot" if bot else "human",
            minutes=rng.uniform(2, 25),
            spread=rng.uniform(0.1, 1),
            negative=rng.uniform(0, 0.9),
            falls=rng.uniform(0, 0.6),
            returns=rng.uniform(0.02, 0.5),
            complaints=rng.uniform(0, 0.15),
            stake=rng.uniform(0, 0.25),
            errors=rng.uniform(0, 0.15),
            solved=rng.uniform(0.4, 0.95),
            again=rng.uniform(0, 0.5) if rng.random() < 0.25 else 0.0,
            handed=rng.uniform(0, 0.3) if bot else 0.0,
        )

    return {f"Matter {letter}": matter() for letter in "ABCDEFGH"}


class _Company:
    """Writes the contacts of an insurer, one after another."""

    def __init__(self, seed: int, matters: Mapping[str, Matter], weeks: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.matters, self.weeks = matters, weeks
        self.rows: list[dict[str, Any]] = []
        self.outcomes: list[dict[str, Any]] = []

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def contact(self, holder: str, at: pd.Timestamp, name: str, what: str) -> bool:
        """One contact, its first and its last words; return whether it was solved."""
        matter, rng = self.matters[what], self.rng
        server = matter.server if name == what else "human"
        solved = self.chance(matter.solved)
        cold = self.chance(matter.negative)
        worse = cold and self.chance(matter.falls)
        first = COLD if cold else PLAIN
        last = COLD if worse or (cold and not solved) else WARM if solved else PLAIN
        minutes = matter.minutes * float(np.exp(matter.spread * rng.standard_normal()))
        session = f"s{len(self.rows)}"
        for words, share in ((first, 0.0), (last, 0.5)):
            begin = at + pd.Timedelta(minutes=minutes * share)
            self.rows.append(
                {
                    "holder": holder, "touchpoint": name, "actor": server, "session": session,
                    "begin": begin, "finish": begin + pd.Timedelta(minutes=minutes / 2),
                    "intent": what if self.chance(0.5) else "", "text": str(rng.choice(words)),
                    "error": int(self.chance(matter.errors)), "solved": int(solved),
                }
            )  # fmt: skip
        if server == "bot" and self.chance(matter.handed):
            desk = at + pd.Timedelta(minutes=minutes + 5)
            self.rows.append(
                self.rows[-1] | {
                    "touchpoint": "Service desk", "actor": "human", "begin": desk,
                    "finish": desk + pd.Timedelta(minutes=6), "text": str(rng.choice(PLAIN)),
                }
            )  # fmt: skip
        return solved

    def life(self, holder: str) -> None:
        """All matters of one policyholder."""
        names = list(self.matters)
        weights = np.array([matter.weight for matter in self.matters.values()])
        for _ in range(1 + self.rng.poisson(0.6)):
            what = str(self.rng.choice(names, p=weights / weights.sum()))
            matter = self.matters[what]
            day = float(self.rng.uniform(0, self.weeks * 7))
            at = pd.Timestamp("2025-03-03") + pd.Timedelta(days=day)
            solved = self.contact(holder, at, what, what)
            if self.chance(matter.again):
                self.contact(holder, at + pd.Timedelta(hours=3), what, what)
            if self.chance(matter.returns):
                later = at + pd.Timedelta(days=float(self.rng.uniform(1, 5)))
                self.contact(holder, later, "Service desk", what)
            for kind, share in (
                ("complaint", matter.complaints),
                ("churn", 0.03 + matter.stake * (not solved)),
            ):
                if self.chance(share):
                    when = at + pd.Timedelta(days=float(self.rng.uniform(6, 13)))
                    self.outcomes.append({"holder": holder, "day": when, "kind": kind})


def insurer(
    seed: int, customers: int, matters: Mapping[str, Matter], weeks: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the contacts and the outcomes of an insurer."""
    company = _Company(seed, matters, weeks)
    for number in range(customers):
        company.life(f"h{number}")
    rows = pd.DataFrame(company.rows).sort_values("begin", kind="stable", ignore_index=True)
    return rows, pd.DataFrame(company.outcomes)


def judged(
    seed: int,
    customers: int = CUSTOMERS,
    matters: Mapping[str, Matter] = MATTERS,
    weeks: int = WEEKS,
) -> pd.DataFrame:
    """Return the scores of the planted touchpoints, with what was planted."""
    rows, outcomes = insurer(seed, customers, matters, weeks)
    log = read_log(rows, ROLES, outcomes=outcomes, outcomes_schema=OUTCOMES)
    journeys = rebuild(log, JourneySettings(gap_days=7))
    settings = JudgeSettings(moments=MomentSettings(good="solved", outcomes=("churn",)))
    scores = verdict_scores(journeys, measure(journeys, MeasureSettings()), settings)
    planted = {name: matter.verdict for name, matter in matters.items()}
    scores = scores[scores["touchpoint"].isin(planted)]
    return scores.assign(planted=scores["touchpoint"].map(planted)).reset_index(drop=True)


def judged_by_more(seed: int, customers: int, times: int) -> pd.DataFrame:
    """Return the scores of a company drawn at random, with what a larger log says of it."""
    matters = drawn_matters(seed)
    truth = judged(seed + 1_000_000, customers * times, matters, WEEKS * times)
    verdicts = truth["verdict"].where(truth["verdict"] != "abstain", truth["leaning"])
    found = dict(zip(truth["touchpoint"], verdicts, strict=True))
    scores = judged(seed, customers, matters)
    return scores.assign(planted=scores["touchpoint"].map(found))


def outcome(row: Any) -> str:
    """Return if a verdict is right, wrong, or not issued; or if even the truth is open."""
    if row["verdict"] == "abstain":
        return "abstained"
    if pd.isna(row["planted"]):
        return "truth open"
    return "right" if row["verdict"] == row["planted"] else "wrong"


def main(seeds: int = SEEDS, customers: int = CUSTOMERS, times: int = 0) -> None:
    """Print what was judged of each seed, and the shares over all."""
    counts: Counter[str] = Counter()
    for seed in range(seeds):
        drawn = judged_by_more(DRAWN_FROM + seed, customers, times) if times else None
        scores = judged(seed, customers) if drawn is None else drawn
        for row in scores.to_dict("records"):
            counts[outcome(row)] += 1
            print(
                f"{seed} {row['touchpoint']:18} planted {row['planted']!s:10} {row['verdict']:10} "
                f"({row['verdict_stability']:.2f}, {row['leaning']}) fit "
                f"{row['automation_fit']:5.1f} need {row['empathy_need']:5.1f}",
                flush=True,
            )
    total = sum(counts.values())
    print(", ".join(f"{name} {n} of {total} ({n / total:.0%})" for name, n in counts.items()))


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
