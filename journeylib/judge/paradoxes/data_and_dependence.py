"""Paradoxes five and six: relying on personal data, and relying on one bot."""

from __future__ import annotations

import numpy as np

from journeylib.core import GROUPS, US_PER_DAY, Estimate, Floats, text
from journeylib.journeys import MISSING, happens_between
from journeylib.judge.paradoxes.bot_human_comparison import (
    Estimand,
    compare,
    group_totals,
    largest_of_last,
    people_of,
    share,
    share_of_sums,
)
from journeylib.judge.paradoxes.contacts import BOT, Whole, outcomes_of
from journeylib.judge.paradoxes.context import (
    ParadoxContext,
    Side,
    abstaining,
    labelled,
    verified_how,
)
from journeylib.judge.paradoxes.rows import Rows

# How many fields of personal data a bot used: (least, most).
DEPTHS: dict[str, tuple[int, int | None]] = {
    "any": (1, None),
    "one_field": (1, 1),
    "2_fields": (2, 2),
    "3_or_more_fields": (3, None),
}


def personalised(context: ParadoxContext, depth: str = "any") -> Side:
    """Resolution by bots with so many fields of personal data, against without any."""
    estimand = context.estimand(
        "resolution", "share", verified_how(context), fields=text(f"judge.fields.{depth}")
    )
    if context.settings.personal_data is None:
        return abstaining(estimand, "no_column", "personal")
    days = context.measures.repeat_days
    if reason := context.too_young(days):
        return abstaining(estimand, reason)
    by_data = _by_fields(context.matters(days), depth)
    return Side(compare(by_data, by_data["at_once"], 1, "difference", estimand))


def _by_fields(rows: Rows, depth: str) -> Rows:
    """Take what bots open; ``arm`` is 1 with so many fields, 0 with none, else −1."""
    least, most = DEPTHS[depth]
    own = rows.where(rows["arm"] == BOT)
    fields = own["fields"]
    inside = (fields >= least) & (fields <= (np.inf if most is None else most))
    return own.assign(arm=np.where(inside, 1, np.where(fields == 0, 0, -1)))


def intrusive(context: ParadoxContext, depth: str = "any") -> Side:
    """Opt-outs after contacts with bots with so many fields of personal data, over without."""
    fields = text(f"judge.fields.{depth}")
    estimand = context.estimand("opt_outs", "ratio", fields=fields)
    settings, journeys = context.settings, context.journeys
    if settings.personal_data is None:
        return abstaining(estimand, "no_column", "personal")
    if reason := context.too_young(settings.privacy_days):
        return abstaining(estimand, reason)
    withdrawals = _withdrawals(context)
    if withdrawals is None:
        return abstaining(estimand, "no_column", "opt_outs")
    window = round(settings.privacy_days * US_PER_DAY)
    rows, latest = context.contacts.rows, int(journeys.last_us or 0) - window
    timely = (rows["begin_us"] != MISSING) & (rows["begin_us"] <= latest)
    rows = labelled(_by_fields(rows.where(timely), depth), context)
    begin_us = rows["begin_us"]
    opted_out = happens_between(rows["customer_no"], begin_us, begin_us + window, *withdrawals)
    return Side(compare(rows, opted_out, 1, "ratio", estimand))


def _withdrawals(context: ParadoxContext) -> tuple[Whole, Whole] | None:
    """Return who opted out, and when; None where no such thing is declared."""
    settings, events = context.settings, context.contacts.events
    whose, when = [], []
    outcomes = outcomes_of(context.journeys, settings.privacy_kinds)
    if outcomes is not None:
        whose.append(outcomes["customer_no"].to_numpy())
        when.append(outcomes["t_us"].to_numpy())
    if settings.privacy_touchpoints:
        names = context.journeys.names
        touchpoints = [no for no, name in names.items() if name in settings.privacy_touchpoints]
        turns = np.isin(events.touchpoint, touchpoints)
        whose.append(events.customer[turns].astype(np.int64))
        when.append(events.t_us[turns])
    return (np.concatenate(whose), np.concatenate(when)) if whose else None


def powerful(context: ParadoxContext) -> Side:
    """Share of served journeys that bots complete alone."""
    estimand = context.estimand("powerful")
    served = context.served
    return Side(share(served, served["by_bots"], ~served["open"], estimand))


def vulnerable(context: ParadoxContext) -> Side:
    """Blast radius: journeys lost if the one bot that most of them pass through is removed.

    Notes
    -----
    Counted: of the served journeys that are over, those that pass through the bot (told apart by
    ``resource`` or else touchpoint) and are completed. No chain stands in for the count.
    """
    estimand = context.estimand("vulnerable", "share", "no journey finds another way")
    return Side(through_one(context, "completed", estimand))


def through_one(context: ParadoxContext, flag: str, estimand: Estimand) -> Estimate:
    """Return the share of journeys with a flag that pass through the bot of most of those.

    Of all served journeys that are over; `flag` is a column of `ParadoxContext.served`.
    """
    over = context.served.where(~context.served["open"])
    passed, _bots, _people = count_by_bot(context, over.where(over[flag]))
    trials, people = group_totals(over)
    return share_of_sums(
        np.concatenate([passed, trials], axis=-1), people, estimand, statistic=largest_of_last
    )


def count_by_bot(context: ParadoxContext, served: Rows) -> tuple[Floats, list[int], dict[str, int]]:
    """Count the journeys through each bot, (groups, 1, bots), with the bots and their base."""
    passed, is_counted = context.passed, np.zeros(len(context.journeys.outline), dtype=bool)
    is_counted[served["journey"]] = True
    through = passed.where(is_counted[passed["journey"]])
    many = max(len(context.bots.words), 1)
    counts = np.bincount(through["group"] * many + through["bot"], minlength=GROUPS * many)
    sums = counts.reshape(GROUPS, 1, many)
    bots = np.flatnonzero(sums.any(axis=(0, 1)))
    own = sums[:, :, bots if len(bots) else [0]]
    return own.astype(np.float64), bots.tolist(), people_of(through)
