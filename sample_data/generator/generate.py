"""From what happened to the files a company would have: raw, gappy, with some dirt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sample_data.generator import bank, telecom
from sample_data.generator.scenario import (
    DAY,
    DAYS,
    END,
    SHARED_PHONE_CUSTOMERS,
    START,
    THIN_CUSTOMERS,
    Bools,
    Dice,
    Floats,
    Loyalty,
    People,
    Release,
    Words,
)

DUPLICATES = 15
BROKEN_TIMES = ("n/a", "2026-02-30 10:00", "00.00.0000", "yesterday", "2026-13-01 09:00", "--")
COMPANIES: dict[str, ModuleType] = {"telecom": telecom, "bank": bank}
SEEDS = {"telecom": 20260105, "bank": 20260106}


@dataclass(frozen=True)
class Style:
    """How one company writes its log."""

    actors: dict[str, str]
    unmapped_actor: str
    rating_top: int
    rating_low: int
    with_sentiment: bool
    seconds_in: tuple[str, ...]  # channels whose clock has seconds


STYLES = {
    "telecom": Style(
        {"customer": "customer", "bot": "bot", "human": "agent", "system": "system"},
        "trainee",
        10,
        0,
        False,
        ("chatbot", "chat"),
    ),
    "bank": Style(
        {"customer": "User_1", "bot": "IVR", "human": "CLERK", "system": "SYSTEM"},
        "User_2",
        5,
        1,
        True,
        (),
    ),
}


@dataclass(frozen=True)
class SampleLog:
    """One synthetic service log.

    Attributes
    ----------
    contacts : pandas.DataFrame
        One row per event, all columns as the text that stands in the CSV.
    outcomes : pandas.DataFrame
        One row per outcome: ``customer_id``, ``date``, ``kind``, ``value``, ``asked``.
    truth : dict
        What was planted, and how often it came out.
    """

    contacts: pd.DataFrame
    outcomes: pd.DataFrame
    truth: dict[str, Any]


def generate(
    company: str,
    customers: int = 2000,
    seed: int | None = None,
    *,
    release: Release | None = None,
) -> SampleLog:
    """Make the log of a company.

    Parameters
    ----------
    company : {"telecom", "bank"}
    customers : int
        At least 200.
    seed : int, optional
        The seed of the committed files where absent.
    release : Release, optional
        A change of the bots in the middle of the log; the draws stay the same.

    Returns
    -------
    SampleLog

    Raises
    ------
    ValueError
        If the company is unknown or the customers are too few to plant anything.
    """
    if company not in COMPANIES:
        raise ValueError(f"no sample company '{company}'; there are {', '.join(COMPANIES)}")
    if customers < 200:
        raise ValueError(f"customers={customers} is too few to plant effects: ask for 200 or more")
    seed = SEEDS[company] if seed is None else seed
    dice, module, style = Dice(seed), COMPANIES[company], STYLES[company]
    book, loyalty = module.play(dice, customers, release)
    log = _order(book.columns(), loyalty)
    contacts = _dirt(dice, _contacts(dice, log, book.people, module.TOUCHPOINTS, style), style)
    outcomes = _outcomes(dice, book.people, loyalty, style)
    truth = {
        "company": company,
        "seed": seed,
        "customers": customers,
        "first_day": str(START)[:10],
        "as_of": str(START + np.timedelta64(DAYS, "D"))[:10],
        "planted": module.TRUTH,
        "shared_phone_customers": SHARED_PHONE_CUSTOMERS,
        "thin_customers": THIN_CUSTOMERS,
        "exact_duplicates": DUPLICATES,
        "unparseable_times": len(BROKEN_TIMES),
        "unmapped_actor": style.unmapped_actor,
        "events": len(contacts),
        "bots": _bots(log, module.TOUCHPOINTS),
    }
    return SampleLog(contacts, outcomes, truth)


Log = dict[str, npt.NDArray[Any]]


def _order(log: Log, loyalty: Loyalty) -> Log:
    """Keep what lies in the half year and before the customer left; sort by time."""
    began = np.where(log["session"] > 0, log["began"], log["t"])
    keep = (began >= 0) & (log["t"] < END) & (began < loyalty.left_at[log["who"]])
    # the block order breaks ties of a case: a question stands before its answer
    order = np.argsort(log["t"][keep], kind="stable")
    return {name: column[keep][order] for name, column in log.items()}


def _stamp(t: Floats, *, seconds: Bools | bool = False) -> Words:
    """Write times; minutes for clocks that have no seconds, nothing for NaN."""
    known = np.isfinite(t)
    whole = np.where(known, t, 0).astype(np.int64).astype("timedelta64[s]") + START
    text = np.char.replace(np.datetime_as_string(whole, unit="s"), "T", " ").astype(object)
    minute = np.asarray([word[:16] for word in text], dtype=object)
    return np.where(known, np.where(seconds, text, minute), "").astype(object)


def _blank(dice: Dice, words: Words, share: float) -> Words:
    return np.where(dice.chance(len(words), share), "", words).astype(object)


def _number(values: Floats, digits: int) -> Words:
    return np.asarray(
        ["" if v != v else f"{v:.{digits}f}".rstrip("0").rstrip(".") for v in values.tolist()],
        dtype=object,
    )


def _rating(dice: Dice, log: Log, style: Style) -> Words:
    """Rate what was felt; the very good and the very bad answer most."""
    felt = np.clip(log["rating_base"] + 0.5 * (dice.uniform(len(log["t"])) - 0.5), 0, 1)
    answers = dice.uniform(len(felt)) < np.where(np.abs(felt - 0.5) > 0.3, 0.45, 0.12)
    scale = np.floor(felt * (style.rating_top - style.rating_low) + 0.5) + style.rating_low
    return _number(np.where(answers, scale, np.nan), 0)


def _contacts(
    dice: Dice,
    log: Log,
    people: People,
    touchpoints: dict[str, tuple[str, str, float | None]],
    style: Style,
) -> pd.DataFrame:
    n, who = len(log["t"]), log["who"]
    names = list(touchpoints)
    index = pd.Index(names).get_indexer(pd.Index(log["touchpoint"]))
    channel = np.asarray([touchpoints[name][0] for name in names], dtype=object)[index]
    stage = np.asarray([touchpoints[name][1] for name in names], dtype=object)[index]
    costs = np.asarray([touchpoints[name][2] or np.nan for name in names])[index]
    fine = np.isin(channel, style.seconds_in)
    back_office = channel == "back office"
    start = np.where(back_office, np.floor(log["t"] / DAY) * DAY, log["t"])
    cost = np.where(log["actor"] == "customer", np.nan, costs)
    columns: dict[str, Words] = {
        "customer_id": people.id[who],
        "event_id": np.arange(1, n + 1).astype(str).astype(object),
        "timestamp": _stamp(start, seconds=fine),
        "end": _stamp(start + log["seconds"], seconds=fine),
        "touchpoint": log["touchpoint"],
        "channel": channel,
        "stage": stage,
        "actor": np.asarray([style.actors[actor] for actor in log["actor"]], dtype=object),
        "agent_id": log["resource"],
        "session_id": np.where(log["session"] > 0, log["session"].astype(str), "").astype(object),
        "intent": _blank(dice, log["intent"], 0.04),
        "text": log["text"],
        "csat": _rating(dice, log, style),
        "cost": _blank(dice, _number(cost, 2), 0.03),
        "ai_disclosed": log["disclosed"],
        "context_sent": log["sent"],
        "context_requested": log["asked"],
        "solved": log["solved"],
        "severe": np.where(log["severe"], "1", "0").astype(object),
        "error": np.where(log["error"], "1", "0").astype(object),
        "vulnerable": np.where(people.vulnerable[who], "1", "0").astype(object),
        "segment": _blank(dice, people.segment[who], 0.02),
        "tenure_months": people.tenure_months[who].astype(str).astype(object),
        "spend_before": people.spend_before[who].astype(str).astype(object),
        "phone": people.phone[who],
    }
    if style.with_sentiment:
        mood = np.clip(log["mood"] + 0.5 * (dice.uniform(n) - 0.5), -1, 1)
        columns["sentiment"] = _blank(dice, _number(mood, 2), 0.15)
    # the file keeps no order within a minute: only the event id tells what came first
    shuffled = np.lexsort((dice.uniform(n), np.floor(log["t"] / 60)))
    return pd.DataFrame(columns, dtype=object).iloc[shuffled].reset_index(drop=True)


def _dirt(dice: Dice, contacts: pd.DataFrame, style: Style) -> pd.DataFrame:
    """Add what real logs have: a word nobody mapped, broken times, rows written twice."""
    plain = np.flatnonzero((contacts["session_id"] == "").to_numpy())
    chosen = plain[dice.order(len(plain))]
    stay_away = (contacts["touchpoint"] != "Letter to the board").to_numpy()
    chosen = chosen[stay_away[chosen]]
    human = chosen[(contacts["actor"].to_numpy()[chosen] == style.actors["human"])][:20]
    rest = np.setdiff1d(chosen, human, assume_unique=True)
    rest = rest[dice.order(len(rest))]
    broken, twice = rest[: len(BROKEN_TIMES)], np.sort(rest[len(BROKEN_TIMES) :][:DUPLICATES])
    dirty = contacts.copy()
    dirty.loc[human, "actor"] = style.unmapped_actor
    dirty.loc[broken, "timestamp"] = list(BROKEN_TIMES)
    order = np.sort(np.concatenate([np.arange(len(dirty)), twice]), kind="stable")
    return dirty.iloc[order].reset_index(drop=True)


def _outcomes(dice: Dice, people: People, loyalty: Loyalty, style: Style) -> pd.DataFrame:
    n = len(people)
    left = np.flatnonzero((loyalty.left_at >= 0) & (loyalty.left_at < END))
    who, when = loyalty.complaints()
    real = (when < END) & (when < loyalty.left_at[who]) & (when >= 0)
    parts = [
        _rows(people.id[left], loyalty.left_at[left], "churn", "1"),
        _rows(people.id[who[real]], when[real], "complaint", "1"),
    ]
    unhappy = np.bincount(who[real], minlength=n) + (loyalty.left_at < np.inf)
    for kind, share, top in (("nps", 0.4, 10), ("csat", 0.3, style.rating_top)):
        asked_at = DAY * dice.between(n, 100, 175)
        asked = dice.chance(n, share) & (asked_at < loyalty.left_at)
        felt = np.clip(0.75 - 0.4 * np.minimum(unhappy, 1) + 0.6 * (dice.uniform(n) - 0.5), 0, 1)
        answers = dice.chance(n, np.where(np.abs(felt - 0.5) > 0.3, 0.5, 0.15))
        low = 0 if kind == "nps" else style.rating_low
        value = _number(np.floor(felt * (top - low) + 0.5) + low, 0)
        when = np.where(answers, asked_at + DAY * dice.between(n, 0.1, 5), np.nan)
        parts.append(
            _rows(
                people.id[asked],
                when[asked],
                kind,
                np.where(answers, value, "")[asked].astype(object),
                asked_at[asked],
            )
        )
    return pd.concat(parts, ignore_index=True).sort_values(
        ["kind", "customer_id", "date"], kind="stable", ignore_index=True
    )


def _rows(
    ids: Words, when: Floats, kind: str, value: str | Words, asked: Floats | None = None
) -> pd.DataFrame:
    day = np.frompyfunc(lambda text: text[:10], 1, 1)
    return pd.DataFrame(
        {
            "customer_id": ids,
            "date": day(_stamp(when)),
            "kind": kind,
            "value": value,
            "asked": "" if asked is None else day(_stamp(asked)),
        },
        dtype=object,
    )


def _bots(log: Log, touchpoints: dict[str, tuple[str, str, float | None]]) -> dict[str, Any]:
    """Count, per bot, its sessions and those a human joined: what a log can show."""
    frame = pd.DataFrame({k: log[k] for k in ("session", "touchpoint", "actor", "text")})
    frame = frame[frame["session"] > 0]
    first = frame.groupby("session", sort=True).first()
    human = set(frame.loc[frame["actor"] == "human", "session"].tolist())
    counts: dict[str, Any] = {}
    for name in touchpoints:
        begun = first.index[(first["touchpoint"] == name) & (first["actor"] == "bot")]
        if len(begun):
            joined = sum(session in human for session in begun.tolist())
            counts[name] = {"sessions": len(begun), "human_joined": joined}
    return counts


def write(folder: Path) -> None:
    """Write the files of both companies under `folder`, the same bytes each time."""
    for company in COMPANIES:
        log, home = generate(company), folder / company
        home.mkdir(parents=True, exist_ok=True)
        for name, frame in (("contacts", log.contacts), ("outcomes", log.outcomes)):
            text = frame.to_csv(index=False, lineterminator="\n")
            (home / f"{name}.csv").write_bytes(text.encode())
        truth = json.dumps(log.truth, indent=2, ensure_ascii=False) + "\n"
        (home / "truth.json").write_bytes(truth.encode())
