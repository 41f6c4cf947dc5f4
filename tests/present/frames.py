"""A made-up telecom of 35 touchpoints, 7 stages, 10 channels, for pictures to be tested on."""

from __future__ import annotations

import random

import pandas as pd

STAGES = ("Discover", "Choose", "Buy", "Set up", "Use", "Pay", "Stay")
CHANNELS = (
    "Offline", "Store", "Web", "App", "Chat", "Email", "SMS", "Phone", "Field", "Back office",
)  # fmt: skip
JOURNEYS = 1500

_ROWS = """
Ask a friend|Discover|Offline|0.48
Search web|Discover|Web|0.10
See ad|Discover|Web|0.05
Read reviews|Discover|Web|0.02
Compare plans|Choose|Web|-0.09
Visit store|Choose|Store|0.37
Check coverage|Choose|Web|-0.18
Chat with bot|Choose|Chat|-0.49
Call sales|Choose|Phone|0.09
Start order|Buy|Web|0.19
Credit check|Buy|Back office|-0.38
Abandon basket|Buy|Web|-0.57
Pay deposit|Buy|Web|-0.21
Order confirmed|Buy|Email|0.56
Book engineer|Set up|App|-0.01
Engineer visit|Set up|Field|0.49
Reschedule visit|Set up|Phone|-0.66
Activate line|Set up|App|0.30
Welcome email|Set up|Email|0.40
Use service|Use|App|0.49
Outage notice|Use|SMS|-0.60
Bot self-help|Use|Chat|-0.41
Complaint|Use|Phone|-0.82
Call support|Use|Phone|-0.50
Issue resolved|Use|Phone|0.66
First bill|Pay|Email|-0.28
Pay bill|Pay|App|0.09
Bill query|Pay|Phone|-0.59
Survey|Stay|Email|0.02
Renewal offer|Stay|App|0.22
Request to cancel|Stay|Phone|-0.68
Renew|Stay|App|0.66
Retention call|Stay|Phone|0.21
Leave|Stay|Phone|-0.76
Refer friend|Stay|App|0.75
"""


def touchpoints() -> pd.DataFrame:
    rows = [row.split("|") for row in _ROWS.strip().splitlines()]
    deal = random.Random(7)
    n = len(rows)
    journeys = [deal.randint(180, JOURNEYS) for _ in rows]
    return pd.DataFrame(
        {
            "touchpoint_no": range(n),
            "touchpoint": [row[0] for row in rows],
            "stage": [row[1] for row in rows],
            "channel": [row[2] for row in rows],
            "office": "front",
            "events": [int(j * 1.2) for j in journeys],
            "journeys": journeys,
            "customers": journeys,
            "median_position": [round(i / (n - 1), 4) for i in range(n)],
        }
    )


def transitions() -> pd.DataFrame:
    points = touchpoints()
    names, stages = points["touchpoint"].tolist(), points["stage"].tolist()
    reach = points["journeys"].tolist()
    deal = random.Random(11)
    rows = []
    for i, source in enumerate(names):
        for j, target in enumerate(names):
            gap = STAGES.index(stages[j]) - STAGES.index(stages[i])
            chance = {0: 0.35, 1: 0.3, 2: 0.06, -1: 0.06, -2: 0.04}.get(gap, 0.01)
            if i != j and deal.random() < chance:
                scale = {0: 0.4, 1: 0.5, 2: 0.3}.get(gap, 0.22)
                count = int(min(reach[i], reach[j]) * scale * deal.random()) + 10
                rows.append((source, target, int(count * 1.1), count))
    rows += [("Call support", "Call support", 400, 300), ("Bot self-help", "Bot self-help", 90, 80)]
    frame = pd.DataFrame(rows, columns=["source", "target", "events", "journeys"])
    return frame.assign(customers=frame["journeys"], median_seconds=3600.0)


def experience() -> pd.DataFrame:
    rows = [row.split("|") for row in _ROWS.strip().splitlines()]
    deal = random.Random(3)
    values = [float(row[3]) for row in rows]
    spread = [deal.uniform(0.02, 0.14) for _ in rows]
    frame = pd.DataFrame(
        {
            "touchpoint": [row[0] for row in rows],
            "sentiment": values,
            "lo": [v - s for v, s in zip(values, spread, strict=True)],
            "hi": [v + s for v, s in zip(values, spread, strict=True)],
            "source": "text",
            "n_customers": [deal.randint(40, 900) for _ in rows],
        }
    )
    frame.loc[frame["touchpoint"].isin(["Credit check", "Survey"]), ["sentiment", "lo", "hi"]] = (
        float("nan")
    )
    return frame


def verdict_of(fit: float, need: float) -> str:
    if need >= 70:
        return "human_led"
    if fit >= 60 and need < 40:
        return "automate"
    return "assist"


def scores() -> pd.DataFrame:
    deal = random.Random(21)
    rows = []
    for name in touchpoints()["touchpoint"]:
        fit, need = deal.uniform(12, 92), deal.uniform(8, 90)
        a, b = deal.uniform(3, 10), deal.uniform(3, 10)
        verdict = verdict_of(fit, need)
        rows.append(
            (name, fit, fit - a, min(fit + a, 100), need, need - b, min(need + b, 100), verdict)
        )
    names = ["touchpoint", "automation_fit", "automation_fit_lo", "automation_fit_hi"]
    names += ["empathy_need", "empathy_need_lo", "empathy_need_hi", "verdict"]
    frame = pd.DataFrame(rows, columns=names)
    frame["verdict_stability"] = [deal.uniform(0.8, 1.0) for _ in rows]
    frame.loc[frame["touchpoint"] == "Complaint", "verdict"] = "human_only"
    frame.loc[frame["touchpoint"].isin(["Credit check", "Bill query"]), "verdict"] = "fix_first"
    abstain = frame["touchpoint"].isin(["Survey", "See ad", "Leave"])
    frame.loc[abstain, "verdict"] = "abstain"
    frame["reasons"] = [
        ["high volume and few next steps", "42 % of turns are negative"] for _ in rows
    ]
    return frame


def waterfall() -> pd.DataFrame:
    return pd.DataFrame(
        [
            ("raw", "No human joined (raw)", 8000, 0.80),
            ("repeat", "came back within 7 days", 1400, 0.14),
            ("silent", "left without a word", 700, 0.07),
            ("unknown", "no sign either way", 600, 0.06),
            ("verified", "Verified containment", 5300, 0.53),
        ],
        columns=["step", "label", "sessions", "share"],
    )


def checks() -> pd.DataFrame:
    return pd.DataFrame(
        [
            (
                "ties",
                "timestamp",
                "note",
                1200,
                0.045,
                "Events in the same minute keep file order.",
            ),
            ("nulls", "channel", "ok", 0, 0.0, "No value is missing."),
            ("future", "timestamp", "warning", 12, 0.0005, "Times after the as-of date."),
        ],
        columns=["check", "role", "severity", "rows", "share", "text"],
    )
