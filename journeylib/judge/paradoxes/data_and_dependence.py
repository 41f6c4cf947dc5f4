"""Paradoxes five and six: relying on personal data, and relying on one bot."""

from __future__ import annotations

import numpy as np
import pandas as pd

from journeylib.core import GROUPS, US_PER_DAY, Estimate, Floats, text
from journeylib.journeys import BAD_END, MISSING, Codes, happens_between, number_pairs
from journeylib.judge.paradoxes.bot_human_comparison import (
    Estimand,
    compare,
    group_totals,
    largest_of_last,
    people_of,
    share,
    share_of_sums,
)
from journeylib.judge.paradoxes.contacts import BOT, Whole, episodes, outcomes_of
from journeylib.judge.paradoxes.context import (
    ParadoxContext,
    Side,
    abstaining,
    labelled,
    verified_how,
)

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
    matters = episodes(context.contacts, context.journeys, context.measures, days)
    by_data = _by_fields(matters, depth)
    return Side(compare(by_data, by_data["at_once"], 1, "difference", estimand))


def _by_fields(rows: pd.DataFrame, depth: str) -> pd.DataFrame:
    """Take what bots open; ``arm`` is 1 with so many fields, 0 with none, else −1."""
    least, most = DEPTHS[depth]
    own = rows[rows["arm"] == BOT]
    inside = own["fields"].between(least, np.inf if most is None else most)
    return own.assign(arm=np.where(inside, 1, np.where(own["fields"] == 0, 0, -1)))


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
    table = context.contacts.table
    latest = int(journeys.last_us or 0) - window
    rows = _by_fields(table[table["begin_us"].between(MISSING + 1, latest)], depth)
    rows = labelled(rows, context)
    begin_us = rows["begin_us"].to_numpy()
    opted_out = happens_between(
        rows["customer_no"].to_numpy(), begin_us, begin_us + window, *withdrawals
    )
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
        there = [no for no, name in names.items() if name in settings.privacy_touchpoints]
        turns = np.isin(events.touchpoint, there)
        whose.append(events.customer[turns].astype(np.int64))
        when.append(events.t_us[turns])
    return (np.concatenate(whose), np.concatenate(when)) if whose else None


def powerful(context: ParadoxContext) -> Side:
    """Share of served journeys that bots complete alone."""
    estimand = context.estimand("powerful")
    served = served_journeys(context)
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

    Of all served journeys that are over; `flag` is a column of `served_journeys`.
    """
    served = served_journeys(context)
    over = served[~served["open"]]
    passed, _bots, _people = count_by_bot(context, over[over[flag]])
    trials, people = group_totals(over)
    return share_of_sums(
        np.concatenate([passed, trials], axis=-1), people, estimand, statistic=largest_of_last
    )


def count_by_bot(
    context: ParadoxContext, served: pd.DataFrame
) -> tuple[Floats, list[int], dict[str, int]]:
    """Count the journeys through each bot, (groups, 1, bots), with the bots and their base."""
    through = served.merge(bots_passed(context), on="journey")
    bots, spot = np.unique(through["bot"], return_inverse=True)
    many = max(len(bots), 1)
    counts = np.bincount(through["group"] * many + spot, minlength=GROUPS * many)
    sums = counts.reshape(GROUPS, 1, many).astype(np.float64)
    return sums, bots.tolist(), people_of(through)


def bot_names(context: ParadoxContext) -> Codes:
    """Return what tells bots apart, for each event: its resource, or else its touchpoint."""
    events, names = context.contacts.events, context.journeys.names
    here = [names[number] for number in range(len(names))]
    resource: Codes | None = events.column("resource") if events.has("resource") else None
    words = sorted({*here, *(() if resource is None else resource.words)})
    number_of = {word: number for number, word in enumerate(words)}
    of_touchpoint = np.array([number_of[name] for name in here], dtype=np.int32)[events.touchpoint]
    if resource is None:
        return Codes(of_touchpoint, tuple(words))
    of_resource = np.array([*(number_of[word] for word in resource.words), -1], dtype=np.int32)
    number = np.where(resource.known, of_resource[resource.number], of_touchpoint)
    return Codes(number, tuple(words))


def served_journeys(context: ParadoxContext) -> pd.DataFrame:
    """One row per journey in which a bot or human acts: ``open``, ``completed``, ``by_bots``.

    With number of the ``journey``, ``customer_no`` and ``group``.
    """
    outline = context.journeys.outline
    acts = context.contacts.table.groupby("journey", as_index=False)
    served = acts.agg(human=("human", "any"), failed=("failed", "last"))
    journey = served["journey"].to_numpy()
    is_open, bad = outline.is_open[journey], outline.end_kind[journey] == BAD_END
    completed = ~is_open & ~bad & ~served["failed"].to_numpy(dtype=bool)
    return pd.DataFrame(
        {
            "journey": journey,
            "customer_no": outline.customer[journey].astype(np.int64),
            "group": outline.group[journey].astype(np.int64),
            "open": is_open,
            "completed": completed,
            "by_bots": completed & ~served["human"].to_numpy(dtype=bool),
        }
    )


def bots_passed(context: ParadoxContext) -> pd.DataFrame:
    """One row per journey and bot that acts in it: ``journey``, ``bot`` (its number)."""
    rows, bots = np.flatnonzero(context.contacts.bot), bot_names(context)
    journey = context.contacts.events.journey[rows]
    _pair, keys = number_pairs(journey, bots.number[rows], len(bots.words))
    return pd.DataFrame({"journey": keys // len(bots.words), "bot": keys % len(bots.words)})
