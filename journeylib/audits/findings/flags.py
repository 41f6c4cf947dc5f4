"""Flags: touchpoints at which two measures disagree, so that nobody acts on one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from journeylib.audits.findings.bot_summaries import end_words
from journeylib.audits.findings.insight import listed
from journeylib.audits.result.decision import BotSummary, Flag
from journeylib.audits.result.result import Assessment
from journeylib.core import number, percent, signed, text

BY_A_PERSON = frozenset({"assist", "human_led", "human_only"})
MANY_GIVE_UP = 0.25  # share of a bot's conversations


def all_flags(assessment: Assessment, bots: Sequence[BotSummary]) -> tuple[Flag, ...]:
    """Return every disagreement, by touchpoint."""
    scores = assessment.judgement.scores
    rows = {row["touchpoint"]: row for row in scores.to_dict("records")}
    flags = [
        *_small_offer(assessment, rows),
        *_costs(rows, bots, assessment.evidence.handoffs.dead_ends),
        *_choices(assessment),
        *_weights(assessment),
        *_feelings(assessment, bots),
        *_moments(assessment, rows),
        *_worth(assessment, rows),
    ]
    return tuple(sorted(flags, key=lambda flag: (flag.touchpoint, flag.kind)))


def _small_offer(assessment: Assessment, rows: dict[str, dict[Any, Any]]) -> Iterator[Flag]:
    limit = assessment.config.judge.assist_from
    for name, row in rows.items():
        if row["verdict"] == "assist" and row["automation_fit"] < limit:
            fit = number(row["automation_fit"], 1)
            sentence = text("audits.flag.small_offer", fit=fit, limit=number(limit, 0))
            yield Flag(name, "small_offer", sentence)


def _costs(
    rows: dict[str, dict[Any, Any]], bots: Sequence[BotSummary], dead_ends: Sequence[str]
) -> Iterator[Flag]:
    for bot in bots:
        verdict = rows[bot.touchpoint]["verdict"] if bot.touchpoint in rows else "abstain"
        against = (bot.answer == "never" and verdict in BY_A_PERSON) or (
            bot.answer == "at once" and verdict == "automate"
        )
        if against and bot.answer:
            sentence = text(
                f"audits.flag.costs.{bot.answer.replace(' ', '_')}",
                verdict=text(f"verdict.{verdict}"),
                share=percent(bot.agreement, 0),
            )
            yield Flag(bot.touchpoint, "costs", sentence)
        elif bot.answer == "never" and bot.touchpoint in dead_ends:
            sentence = text("audits.flag.costs.way_out", share=percent(bot.agreement, 0))
            yield Flag(bot.touchpoint, "costs", sentence)


def _choices(assessment: Assessment) -> Iterator[Flag]:
    cuts = assessment.prepared.cut_sensitivity
    if cuts.empty or cuts["verdicts_compared"].isna().any():
        return
    names = sorted({change["touchpoint"] for row in cuts["changes"] for change in row})
    for name in names:
        yield Flag(name, "cut", text("audits.flag.cut"))


def _weights(assessment: Assessment) -> Iterator[Flag]:
    tested = assessment.judgement.sensitivity
    if tested.empty:
        return
    changed = tested[tested["changed"]]
    for name, part in changed.groupby("touchpoint"):
        verdicts = dict.fromkeys(text(f"verdict.{verdict}") for verdict in part["verdict"])
        sentence = text("audits.flag.weights", verdicts=listed(list(verdicts)))
        yield Flag(str(name), "weights", sentence)


def _feelings(assessment: Assessment, bots: Sequence[BotSummary]) -> Iterator[Flag]:
    felt = assessment.evidence.experience
    sentiments = dict(zip(felt["touchpoint"], felt["sentiment"], strict=True))
    for bot in bots:
        feeling, given_up = sentiments.get(bot.touchpoint), bot.ends.get("abandoned", 0.0)
        if feeling is not None and feeling >= 0 and given_up >= MANY_GIVE_UP:
            sentence = text(
                "audits.flag.feeling",
                feeling=signed(feeling),
                share=end_words("abandoned", given_up, bot.at_least),
            )
            yield Flag(bot.touchpoint, "feeling", sentence)


def _moments(assessment: Assessment, rows: dict[str, dict[Any, Any]]) -> Iterator[Flag]:
    moments = assessment.judgement.moments
    names = () if moments.empty else moments.loc[moments["is_moment"], "touchpoint"].unique()
    for name in names:
        if rows.get(name, {}).get("verdict") == "automate":
            yield Flag(str(name), "moment", text("audits.flag.moment"))


def _worth(assessment: Assessment, rows: dict[str, dict[Any, Any]]) -> Iterator[Flag]:
    portfolio = assessment.portfolio
    if portfolio is None:
        return
    for row in portfolio.candidates.to_dict("records"):
        worth, verdict = row["value"], rows.get(row["touchpoint"], {}).get("verdict")
        if row["chosen"] and verdict == "automate" and worth.lo is not None and worth.lo < 0:
            ends = {"lo": number(worth.lo, 0), "hi": number(worth.hi, 0)}
            sentence = text("audits.flag.worth", currency=portfolio.currency, **ends)
            yield Flag(row["touchpoint"], "worth", sentence)
