"""Decisions: one ranking over verdicts, hand-offs, costs, changes and what they rest on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from journeylib.audits.findings.bot_summaries import bot_summaries, end_words
from journeylib.audits.findings.flags import all_flags
from journeylib.audits.findings.insight import listed
from journeylib.audits.result.decision import BotSummary, Decision, Decisions, Flag
from journeylib.audits.result.result import Assessment, Changes
from journeylib.core import estimate_text, label, number, percent, text

MOST = 5
MOST_NAMES = 3  # of touchpoints in one sentence of the first screen
FEW_TOLD = 0.01  # share of sessions never told that is no reason to act
MOSTLY = 0.5  # share that a bot hands over, from which it is there to pass customers on
HIDDEN = 0.1  # share between reported and confirmed from which that is the headline
Z = 1.96  # standard errors of a 95 % interval


def decide(assessment: Assessment, changes: Changes) -> Decisions:
    """Rank what a run asks people to decide, and say what speaks against it.

    Parameters
    ----------
    assessment : Assessment
    changes : Changes
        Alarms come before everything else: they are new.

    Returns
    -------
    Decisions
        At most five items. An item's place is the least harm that its interval allows: the end
        of the interval nearer to no harm. One touchpoint has one item, except that it may be
        repaired too. A bot for which costs and verdict disagree has a flag instead.
    """
    bots = bot_summaries(assessment)
    flags = all_flags(assessment, bots)
    against = {flag.touchpoint for flag in flags if flag.kind == "costs"}
    closed = tuple(_way_out(assessment, bots))
    served = {name for item in closed for name in item.touchpoints}
    items = [
        *_alarms(changes),
        *closed,
        *_repairs(assessment),
        *_hand_overs([b for b in bots if b.touchpoint not in served | against]),
        *_disclosure(assessment, bots),
        *_limits(assessment, bots),
        *_protect(assessment),
    ]
    items.sort(key=lambda item: (item.kind != "alarm", -item.strength, item.kind, item.touchpoints))
    headline, detail, customers = _headline(assessment, bots, items)
    return Decisions(
        headline=headline,
        detail=detail,
        customers=customers,
        items=tuple(items[:MOST]),
        bots=bots,
        flags=flags,
        trials=tuple(_trials(assessment)),
        trust=tuple(_trust(assessment, flags)),
    )


def _headline(
    assessment: Assessment, bots: Sequence[BotSummary], items: Sequence[Decision]
) -> tuple[str, str, int]:
    handoffs = assessment.evidence.handoffs
    raw, verified = handoffs.contained_raw, handoffs.contained_verified
    verified_bots = [bot for bot in bots if bot.verified_lo is not None]
    reported, lo, hi = raw.value, verified.lo, verified.hi
    if verified_bots and reported is not None and lo is not None and hi is not None:
        hidden = reported - hi
    else:
        reported, lo, hi, hidden = 0.0, 0.0, 0.0, 0.0
    if hidden >= HIDDEN:
        shares = {"raw": percent(reported, 0), "verified": _between(lo, hi)}
        headline = text("audits.decision.headline.bots", **shares)
        return headline, _worst_and_best(verified_bots), verified.n_customers
    if items:
        return items[0].title, items[0].reason, items[0].customers
    key = "no_item" if (assessment.judgement.scores["abstain"] != "not_served").any() else "thin"
    return text("audits.decision.headline.none"), text(f"audits.decision.headline.{key}"), 0


def _worst_and_best(bots: Sequence[BotSummary]) -> str:
    """Return the bot that is credited with most that is not confirmed, and the best confirmed.

    A bot that mostly hands over is not compared but said, for the headline counts it too.
    """
    passing = [bot for bot in bots if bot.ends.get("handed_over", 0.0) > MOSTLY]
    compared = [bot for bot in bots if bot not in passing]
    if not compared:
        passing, compared = [], list(bots)
    worst = max(
        compared, key=lambda bot: (_credited(bot) - (bot.verified_hi or 0.0), bot.touchpoint)
    )
    best = compared[0]
    key = "one" if worst == best else "two"
    detail = text(
        f"audits.decision.headline.{key}",
        worst=worst.touchpoint,
        worst_share=_between(worst.verified_lo or 0.0, worst.verified_hi or 0.0),
        n=worst.customers,
        best=best.touchpoint,
        best_share=_between(best.verified_lo or 0.0, best.verified_hi or 0.0),
        m=best.customers,
    )
    also = [
        text("audits.decision.headline.passes", bot=bot.touchpoint,
             share=end_words("handed_over", bot.ends["handed_over"], bot.at_least))
        for bot in passing
    ]  # fmt: skip
    return " ".join((detail, *also))


def _credited(bot: BotSummary) -> float:
    return 1.0 - bot.ends.get("handed_over", 0.0)


def _between(lo: float, hi: float) -> str:
    low, high = percent(lo, 0), percent(hi, 0)
    if low == high:
        return low
    return text("audits.decision.between", lo=number(100 * lo, 0), hi=high)


def _share(value: float, lo: float, hi: float) -> str:
    ends = text("range.dash", lo=number(100 * lo, 0), hi=number(100 * hi, 0))
    return text("interval", value=percent(value, 0), range=ends)


def _of_customers(share: float, customers: int) -> tuple[float, float]:
    """Return Wilson's interval of a share as if each customer counted once, which is wider."""
    z2 = Z**2 / customers
    centre = (share + z2 / 2) / (1 + z2)
    half = Z * (share * (1 - share) / customers + z2 / (4 * customers)) ** 0.5 / (1 + z2)
    return max(0.0, centre - half), min(1.0, centre + half)


def _alarms(changes: Changes) -> Iterator[Decision]:
    for change in changes.significant:
        if change.kind != "performance" or change.direction != "worse":
            continue
        yield Decision(
            kind="alarm",
            touchpoints=(change.touchpoint,) if change.touchpoint else (),
            title=text("audits.decision.alarm", what=change.what),
            reason=change.text,
            customers=change.customers or 0,
            strength=1.0 - (change.q_value or 0.0),
            evidence=change.id,
        )


def _way_out(assessment: Assessment, bots: Sequence[BotSummary]) -> Iterator[Decision]:
    for bot in bots:
        given_up = bot.ends.get("abandoned")
        if bot.touchpoint not in assessment.evidence.handoffs.dead_ends or given_up is None:
            continue
        lo, words = _given_up(bot, given_up)
        yield Decision(
            kind="way_out",
            touchpoints=(bot.touchpoint,),
            title=text("audits.decision.way_out.title", bot=bot.touchpoint),
            reason=text(
                "audits.decision.way_out.reason",
                sessions=bot.sessions,
                share=words,
            ),
            customers=bot.customers,
            strength=lo,
            evidence="dead-ends",
        )


def _given_up(bot: BotSummary, share: float) -> tuple[float, str]:
    """Return the least share that the interval allows, and the share in words."""
    lo, hi = _of_customers(share, bot.customers)
    if "abandoned" in bot.at_least:
        return lo, end_words("abandoned", share, bot.at_least)
    return lo, _share(share, lo, hi)


def _hand_overs(bots: Sequence[BotSummary]) -> Iterator[Decision]:
    """Send topics to a person at once where costs say so and customers give up."""
    for bot in bots:
        given_up = bot.ends.get("abandoned")
        if bot.answer != "at once" or not given_up:
            continue
        lo, words = _given_up(bot, given_up)
        yield Decision(
            kind="hand_over",
            touchpoints=(bot.touchpoint,),
            title=text("audits.decision.hand_over.title", topic=bot.topic, bot=bot.touchpoint),
            reason=text(
                "audits.decision.hand_over.reason",
                share=words[0].upper() + words[1:],
                verified=_between(bot.verified_lo or 0.0, bot.verified_hi or 0.0),
                agreement=percent(bot.agreement, 0),
            ),
            customers=bot.customers,
            strength=lo,
            evidence="handoff-time",
        )


def _repairs(assessment: Assessment) -> Iterator[Decision]:
    """Repair what is repeated or goes wrong, by the measure that is surest."""
    scores, estimates = assessment.judgement.scores, assessment.evidence.estimates
    for row in scores[scores["verdict"] == "fix_first"].to_dict("records"):
        of_touchpoint = estimates[estimates["touchpoint"] == row["touchpoint"]]
        broken = [
            one
            for one in of_touchpoint.to_dict("records")
            if one["measure"] in ("rework", "exceptions") and not pd.isna(one["lo"])
        ]
        broken.sort(key=lambda one: (-one["lo"], one["measure"]))
        reasons = [
            text(
                f"audits.decision.fix_first.{one['measure']}",
                share=_share(one["value"], one["lo"], one["hi"]),
            )
            for one in broken
            if one["lo"] > 0
        ]
        yield Decision(
            kind="fix_first",
            touchpoints=(row["touchpoint"],),
            title=text("audits.decision.fix_first.title", name=row["touchpoint"]),
            reason=" ".join(reasons) or text("audits.decision.fix_first.varies"),
            customers=int(row["customers"]),
            strength=float(broken[0]["lo"]) if broken else 0.0,
            evidence="verdict-fix-first",
        )


def _disclosure(assessment: Assessment, bots: Sequence[BotSummary]) -> Iterator[Decision]:
    disclosure = assessment.judgement.disclosure
    if not bots or disclosure is None:
        return
    never = disclosure.never
    if never.lo is None or never.hi is None or never.lo <= FEW_TOLD:
        return
    share = (
        estimate_text(never, base=False)
        if never.value is None
        else _share(never.value, never.lo, never.hi)
    )
    yield Decision(
        kind="disclose",
        title=text("audits.decision.disclose.title"),
        reason=text("audits.decision.disclose.reason", share=share),
        grade=never.grade,
        customers=never.n_customers,
        strength=never.lo - FEW_TOLD,
        evidence="disclosure",
    )


def _limits(assessment: Assessment, bots: Sequence[BotSummary]) -> Iterator[Decision]:
    """Keep the limits that the company has set itself; a convention asks for no decision."""
    own, estimates = (
        assessment.config.judge.handoff_limits,
        assessment.evidence.handoffs.estimates(),
    )
    for item in assessment.judgement.handoff_items if bots else ():
        estimate = estimates[item.name]
        if item.name not in own or item.state != "fails":
            continue
        limit = item.limit.at
        yield Decision(
            kind="limit",
            title=text(
                "audits.decision.limit.title", item=text(f"audits.handoff_item.{item.name}")
            ),
            reason=text(
                "audits.decision.limit.reason",
                estimate=estimate_text(estimate),
                limit=percent(limit, 0) if estimate.unit == "share" else number(limit),
            ),
            grade=estimate.grade,
            customers=estimate.n_customers,
            strength=item.beyond,
            evidence="handoff-worst",
        )


def _protect(assessment: Assessment) -> Iterator[Decision]:
    """Protect the touchpoints at which a good visit changes what customers do next."""
    moments = assessment.judgement.moments
    if moments.empty:
        return
    scores = assessment.judgement.scores
    # Where a machine should serve a moment of truth, the disagreement is a flag.
    named = set(scores.loc[scores["verdict"] == "automate", "touchpoint"])
    for row in moments[moments["is_moment"]].to_dict("records"):
        effect = row["effect"]
        if row["touchpoint"] in named or effect.lo is None or effect.hi is None:
            continue
        named.add(row["touchpoint"])
        ends = sorted((abs(effect.lo), abs(effect.hi)))
        less = "less" if (effect.value or 0.0) < 0 else "more"
        yield Decision(
            kind="protect",
            touchpoints=(row["touchpoint"],),
            title=text("audits.decision.protect.title", name=row["touchpoint"]),
            reason=text(
                f"audits.decision.protect.{less}",
                points=number(100 * abs(effect.value or 0.0), 0),
                range=text("range.dash", lo=number(100 * ends[0], 0), hi=number(100 * ends[1], 0)),
                outcome=label("audits.decision.outcome", str(row["outcome"])),
            ),
            grade=row["grade"],
            customers=effect.n_customers,
            strength=ends[0],
            evidence="moments",
        )


def _trials(assessment: Assessment) -> Iterator[str]:
    portfolio = assessment.portfolio
    if portfolio is None:
        yield text("audits.decision.trial.none")
        return
    for row in portfolio.candidates.to_dict("records"):
        if row["chosen"]:
            yield _trial(row, portfolio.currency)
    if not portfolio.chosen:
        yield text("audits.decision.trial.nobody")


def _trial(row: dict[Any, Any], currency: str) -> str:
    worth = row["value"]
    sure = worth.lo is not None and worth.lo > 0
    ends = ("value", "lo", "hi")
    return text(
        f"audits.decision.trial.{'worth' if sure else 'perhaps'}",
        name=row["touchpoint"],
        currency=currency,
        **{end: number(getattr(worth, end) or 0.0, 0) for end in ends},
    )


def _trust(assessment: Assessment, flags: Sequence[Flag]) -> Iterator[str]:
    quality, scores = assessment.quality, assessment.judgement.scores
    yield text(
        "audits.decision.trust.rows",
        used=number(quality.rows_used),
        read=number(quality.rows_read),
    )
    served = int((scores["abstain"] != "not_served").sum())
    settled, leaning = int((scores["verdict"] != "abstain").sum()), int(scores["leaning"].count())
    key = "leaning" if leaning else "verdicts"
    yield text(f"audits.decision.trust.{key}", settled=settled, served=served, leaning=leaning)
    for kind in ("cut", "weights"):
        names = [flag.touchpoint for flag in flags if flag.kind == kind]
        if names:
            yield text(f"audits.decision.trust.{kind}", names=listed(names, most=MOST_NAMES))
    sources = assessment.evidence.experience["source"].astype(str)
    if not assessment.evidence.detectors and sources.str.contains("VADER").any():
        yield text("audits.decision.trust.words")
