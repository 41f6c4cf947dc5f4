"""Bot by bot: how conversations end, what is confirmed, when to hand over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from journeylib.audits.result.decision import BotSummary
from journeylib.audits.result.result import Assessment
from journeylib.core import percent, text
from journeylib.judge import HandoffTime

SETTLED = 0.6  # share of resamples from which a hand-off time is an answer
ONE_TOPIC = 0.9  # share of a bot's sessions from which their intent is its topic
ENDS = ("ended_with_bot", "handed_over", "abandoned")


def bot_summaries(assessment: Assessment) -> tuple[BotSummary, ...]:
    """Return one summary per bot with enough customers, the most often confirmed first."""
    handoffs = assessment.evidence.handoffs
    if handoffs.abstain is not None or handoffs.sessions == 0:
        return ()
    minimum = assessment.config.journeys.min_customers
    topics = _topics(assessment)
    summaries = [
        _summary(row, topics.get(row["touchpoint"]), assessment)
        for row in handoffs.by_touchpoint.to_dict("records")
        if row["customers"] >= minimum
    ]
    return tuple(sorted(summaries, key=lambda bot: (-(bot.verified_lo or 0.0), bot.touchpoint)))


def _summary(row: dict[Any, Any], topic: str | None, assessment: Assessment) -> BotSummary:
    time = assessment.judgement.handoff_times.get(topic or "")
    is_settled = isinstance(time, HandoffTime) and time.settled >= SETTLED
    answer = time.answer if is_settled and isinstance(time, HandoffTime) else None
    return BotSummary(
        touchpoint=row["touchpoint"],
        sessions=int(row["sessions"]),
        customers=int(row["customers"]),
        # Where nobody is seen leaving, who stayed alone with the bot is not known to be content.
        ends={}
        if assessment.evidence.handoffs.contained_raw.abstain == "no_column"
        else bot_ends(row),
        at_least=tuple(row["at_least"].split()),
        verified_lo=_share(row["verified_lo"]),
        verified_hi=_share(row["verified_hi"]),
        topic=topic,
        answer=answer,
        minutes=time.minutes if answer == "minutes" and isinstance(time, HandoffTime) else None,
        agreement=time.settled if answer and isinstance(time, HandoffTime) else None,
    )


def end_words(end: str, share: float, at_least: Sequence[str]) -> str:
    """Return the share of an end in words, as a lower bound where it is one."""
    words = percent(share, 0)
    return text("audits.decision.at_least", share=words) if end in at_least else words


def _share(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def bot_ends(row: dict[Any, Any]) -> dict[str, float]:
    """Return the shares of the ends that may be shown, of all sessions that have ended.

    Where it may not be shown how many are open, these are among the other ends.
    """
    counts = {end: int(row[end]) for end in ENDS if not pd.isna(row[end])}
    base = int(row["sessions"]) - (0 if pd.isna(row["open"]) else int(row["open"]))
    if not counts or not base:
        return {}
    shares = {end: n / base for end, n in counts.items()}
    other = 1 - sum(counts.values()) / base
    return shares | ({"other": other} if other else {})


def _topics(assessment: Assessment) -> dict[str, str]:
    """Return the intent of each bot of which nearly all sessions have one."""
    sessions = assessment.evidence.handoffs.session_table
    if sessions is None or sessions.empty:
        return {}
    names = assessment.journeys.names
    counts = sessions.groupby(["touchpoint_no", "intent"], observed=True).size()
    every = sessions["touchpoint_no"].value_counts()
    most = counts[counts >= ONE_TOPIC * every.reindex(counts.index.get_level_values(0)).to_numpy()]
    return {names[number]: str(intent) for number, intent in most.index}
