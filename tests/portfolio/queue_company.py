"""A generated company: people in one queue, a bot before some contacts, truth known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from journeylib.portfolio import QueueRecords
from journeylib.portfolio.what_if.queue_simulation import simulate_queue

MINUTE, DAY, WEEK = 60_000_000, 1440, 7 * 1440
OPENS, OPEN_MINUTES = 9 * 60, 240
NAME = "Billing"


@dataclass(frozen=True)
class Company:
    """How contacts come and go; minutes.

    Attributes
    ----------
    selection : float
        0: the bot solves any contact alike; 2: the easy ones far more often.
    varies : float
        Coefficient of variation of service times.
    """

    selection: float = 0.0
    rate: float = 1.5
    staff: int = 8
    service: float = 5.0
    patience: float = 8.0
    contained: float = 0.6
    returns: float = 0.15
    back: float = 0.3
    extra: float = 2.0
    varies: float = 1.0


def lived(company: Company, shares: Sequence[float], seed: int) -> QueueRecords:
    """Live so many weeks as there are shares of the bot, day by day, and keep the records."""
    rng, contacts, bots = np.random.default_rng(seed), [], []
    again: tuple[np.ndarray, np.ndarray] = (np.zeros(0), np.zeros(0))
    for day in (d for d in range(7 * len(shares)) if d % 7 < 5):
        many = rng.poisson(company.rate * OPEN_MINUTES)
        arrive = rng.uniform(0, OPEN_MINUTES, many)
        service = rng.exponential(company.service, many)
        if company.varies != 1:
            shape = company.varies**-2
            service = rng.gamma(shape, company.service / shape, many)
        rank = service.argsort().argsort() / many
        bot = rng.random(many) < shares[day // 7]
        likely = np.clip(company.contained + company.selection * (0.5 - rank), 0, 1)
        solved = bot & (rng.random(many) < likely)
        repeats = solved & (rng.random(many) < company.returns)
        bots.append(
            pd.DataFrame({"minute": day * DAY + OPENS + arrive[bot], "raw": solved[bot],
                          "repeat": repeats[bot]})
        )  # fmt: skip
        reach = ~solved
        queue = pd.DataFrame(
            {
                "at": np.concatenate([arrive[reach], again[0]]),
                "needs": np.concatenate([(service + company.extra * bot)[reach], again[1]]),
                "after_bot": np.concatenate([bot[reach], np.zeros(len(again[0]), dtype=bool)]),
            }
        ).sort_values("at", ignore_index=True)
        patience = rng.exponential(company.patience, len(queue))
        wait, gone = simulate_queue(queue["at"], queue["needs"], patience, company.staff)
        returns = gone & (rng.random(len(queue)) < company.back)
        contacts.append(
            queue.assign(minute=day * DAY + OPENS + queue["at"], wait=wait, gave_up=gone,
                         came_back=returns)
        )  # fmt: skip
        # Who comes back does so at the same time of the next day that is open.
        again = (
            np.concatenate([arrive[repeats], queue["at"][returns]]),
            np.concatenate([service[repeats], queue["needs"][returns]]),
        )
    return _records(pd.concat(contacts, ignore_index=True), pd.concat(bots), len(shares), seed)


def _records(people: pd.DataFrame, bots: pd.DataFrame, weeks: int, seed: int) -> QueueRecords:
    rng = np.random.default_rng(seed + 1)
    begin = ((people["minute"] + people["wait"]) * MINUTE).astype("int64")
    end = begin + (people["needs"] * MINUTE).astype("int64")
    missing = np.iinfo(np.int64).min
    contacts = pd.DataFrame(
        {
            "touchpoint": NAME,
            "customer": np.arange(len(people)),
            "group": rng.integers(64, size=len(people)),
            "week": (people["minute"] // WEEK).astype("int64"),
            "hour": (people["minute"] % WEEK // 60).astype("int64"),
            "begin_us": begin,
            "end_us": end.where(~people["gave_up"], missing),
            "wait_us": (people["wait"] * MINUTE).astype("int64"),
            "gave_up": people["gave_up"],
            "came_back": people["came_back"],
            "after_bot": people["after_bot"],
            "bot": np.where(people["after_bot"], NAME, ""),
            "resource": "team",
            "segment": np.where(np.arange(len(people)) % 3, "private", "business"),
            # The longer a contact needs, the worse it begins; every other one says nothing.
            "feeling": np.where(
                np.arange(len(people)) % 2, missing, (-50_000 * people["needs"]).astype("int64")
            ),
            "emotional": missing,
        }
    )
    sessions = pd.DataFrame(
        {
            "touchpoint": NAME,
            "group": rng.integers(64, size=len(bots)),
            "week": (bots["minute"] // WEEK).astype("int64"),
            "hour": (bots["minute"] % WEEK // 60).astype("int64"),
            "mature": True,
            "raw": bots["raw"],
            "repeat": bots["repeat"],
            "verified": bots["raw"] & ~bots["repeat"],
            "unknown": False,
        }
    ).reset_index(drop=True)
    return QueueRecords(contacts, sessions, weeks, {"emotional": "no_labels"})


def truth(records: QueueRecords, since_week: int = 0) -> dict[str, float]:
    """Return what was lived from a week on: wait, share who gave up, people's minutes a week."""
    rows = records.contacts[records.contacts["week"] >= since_week]
    served = rows[~rows["gave_up"]]
    minutes = float((served["end_us"] - served["begin_us"]).sum()) / MINUTE
    return {
        "wait": float(rows["wait_us"].mean()) / MINUTE,
        "gives_up": float(rows["gave_up"].mean()),
        "minutes": minutes / (records.weeks - since_week),
    }
