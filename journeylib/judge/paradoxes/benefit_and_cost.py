"""Paradoxes one to four: what bots give against people, and what it costs the customer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from journeylib.core import MICRO, US_PER_DAY, US_PER_SECOND
from journeylib.journeys import MISSING, Events, happens_between, row_after
from journeylib.judge.paradoxes.bot_human_comparison import compare, share, shares
from journeylib.judge.paradoxes.contacts import (
    BOT,
    HUMAN,
    NEITHER,
    Flags,
    episodes,
    with_outcome_costs,
)
from journeylib.judge.paradoxes.context import (
    ParadoxContext,
    Side,
    abstaining,
    customer_speaks,
    labelled,
    verified_how,
)
from journeylib.log import in_sample
from journeylib.measures import EVEN_ODDS, RATING_SCALES, Scores, score_of_events


def connected(context: ParadoxContext) -> Side:
    """More contacts answered at once, at whatever hour."""
    estimand = context.estimand(
        "connected",
        "share",
        "contacts that nobody answered belong to neither side",
        "a contact that bot or human opens and in which the customer then acts is answered at once",
    )
    if not context.journeys.has_clock:
        return abstaining(estimand, "no_clock")
    table = context.contacts.table
    answered = table[table["answer_us"] != MISSING]
    if answered.empty:
        return abstaining(estimand, "no_column", "customers")
    quick = answered["answer_us"] <= round(context.settings.answer_seconds * US_PER_SECOND)
    return Side(compare(answered, quick, 1, "difference", estimand))


def isolated(context: ParadoxContext) -> Side:
    """Customers who were negative, or left a bot in frustration, and then met no human."""
    estimand = context.estimand("isolated")
    journeys, settings = context.journeys, context.settings
    if isinstance(context.scores, str) and context.sessions is None:
        return abstaining(
            estimand, context.scores, "cries" if context.scores == "no_column" else ""
        )
    if reason := context.too_young(settings.isolation_days):
        return abstaining(estimand, reason)
    window = round(settings.isolation_days * US_PER_DAY)
    contacts, events = context.contacts, context.contacts.events
    cries, by_bots = _cries(context), _moments(events, contacts.bot)
    helped = happens_between(
        cries["customer_no"].to_numpy(),
        cries["at_us"].to_numpy(),
        cries["at_us"].to_numpy() + window,
        events.customer[contacts.human].astype(np.int64),
        events.t_us[contacts.human],
    )
    moments = pd.concat(
        [by_bots.assign(alone=False, bot=True), cries.assign(alone=~helped, bot=False)]
    )
    mature = moments[moments["at_us"] <= int(journeys.last_us or 0) - window]
    if isinstance(context.scores, Scores):
        mature = mature[in_sample(mature["customer_no"], context.scores.per_mille)]
    people = mature.groupby(["customer_no", "group"], as_index=False)[["alone", "bot"]].any()
    # One row a customer, of whom one journey stands for all.
    rows = people.assign(journey=people["customer_no"])
    return Side(share(rows, rows["alone"], rows["bot"], estimand))


def _moments(events: Events, rows: Flags) -> pd.DataFrame:
    """Return whose the marked events are, and when: ``customer_no``, ``group``, ``at_us``."""
    return pd.DataFrame(
        {
            "customer_no": events.customer[rows].astype(np.int64),
            "group": events.group[rows].astype(np.int64),
            "at_us": events.t_us[rows],
        }
    )


def _cries(context: ParadoxContext) -> pd.DataFrame:
    """Return the moments in which a customer sounds negative, or leaves a bot in frustration."""
    events, moments = context.contacts.events, []
    if isinstance(context.scores, Scores):
        likely = score_of_events(context.scores, events, "negative")
        moments.append(_moments(events, customer_speaks(context) & (likely >= EVEN_ODDS)))
    if context.sessions is not None:
        ended = context.sessions
        left = ended[(ended["end"] == "frustrated") & ended["seconds_to_end"].notna()]
        after_us = (left["seconds_to_end"] * US_PER_SECOND).round().astype("int64")
        at_us = left["start_us"].astype("int64") + after_us
        own = left[["customer_no", "group"]].astype("int64").assign(at_us=at_us)
        moments.append(own)
    return pd.concat(moments, ignore_index=True)


def cheaper_contact(context: ParadoxContext) -> Side:
    """Cost of a contact, relative to people's."""
    estimand = context.estimand(
        "cheaper_contact",
        "share",
        "an event without a cost costs nothing; contacts without any are left out",
    )
    if not context.journeys.has("cost_micro"):
        return abstaining(estimand, "no_column", "cost")
    table = context.contacts.table
    priced = table[table["cost_micro"] != MISSING]
    return Side(compare(priced, priced["cost_micro"], 1, "relative", estimand))


def dearer_resolution(context: ParadoxContext) -> Side:
    """Cost of a matter until it is verified as resolved, relative to people's."""
    journeys, settings = context.journeys, context.settings
    counted = (
        "declared costs of outcomes are in"
        if settings.outcome_costs
        else ("refunds, liability and lost customers are left out: no 'outcome_costs' are declared")
    )
    estimand = context.estimand("dearer_resolution", "share", counted, verified_how(context))
    if not journeys.has("cost_micro"):
        return abstaining(estimand, "no_column", "cost")
    days = context.measures.repeat_days
    if settings.outcome_costs:
        days = max(days, settings.outcome_days)
    if reason := context.too_young(days):
        return abstaining(estimand, reason)
    matters = episodes(context.contacts, journeys, context.measures, days)
    matters = matters[matters["cost_micro"] != MISSING]
    matters = with_outcome_costs(matters, journeys, settings)
    return Side(compare(matters, matters["cost_micro"], matters["resolved"], "relative", estimand))


def better_resolution(context: ParadoxContext) -> Side:
    """Matters that the first contact resolves."""
    estimand = context.estimand("better_resolution", "share", verified_how(context))
    days = context.measures.repeat_days
    if reason := context.too_young(days):
        return abstaining(estimand, reason)
    matters = episodes(context.contacts, context.journeys, context.measures, days)
    return Side(compare(matters, matters["at_once"], 1, "difference", estimand))


def weaker_recovery(context: ParadoxContext) -> Side:
    """How far feeling rises from a negative turn to the customer's next, by who answers it."""
    scores = context.scores
    source = scores.source if isinstance(scores, Scores) else ""
    estimand = context.estimand(
        "weaker_recovery",
        "points",
        "turns after which the customer says nothing more in the contact are not seen",
        f"sentiment as in {source}",
    )
    if not isinstance(scores, Scores):
        return abstaining(estimand, scores, "sentiment" if scores == "no_column" else "")
    rows = labelled(_rises(context, scores), context)
    return Side(compare(rows, rows["rise"], 1, "difference", replace(estimand, scale=MICRO)))


def _rises(context: ParadoxContext, scores: Scores) -> pd.DataFrame:
    """Return how far feeling rises from each negative turn that bot or human answers.

    From it to the customer's next turn with a score in the same contact; the first to act in
    between has answered.
    """
    contacts, events = context.contacts, context.contacts.events
    score, likely = (score_of_events(scores, events, what) for what in ("score", "negative"))
    heard = customer_speaks(context) & (score != MISSING)
    many = int(contacts.number.max(initial=-1)) + 1
    bot, human, then = (
        row_after(contacts.number, marked, many) for marked in (contacts.bot, contacts.human, heard)
    )
    by_bot = (bot >= 0) & ((human < 0) | (bot < human))
    reply = np.where(by_bot, bot, human)
    answered = heard & (likely >= EVEN_ODDS) & (reply >= 0) & (reply < then)
    rows = np.flatnonzero(answered)
    turns = pd.DataFrame({"contact": contacts.number[rows], "by_bot": by_bot[rows]})
    turns["rise"] = score[then[rows]] - score[rows]
    rises = turns.merge(contacts.table, on="contact")
    in_baseline = (rises["arm"] != NEITHER) | ~rises["human"]
    arm = np.where(rises["by_bot"], BOT, np.where(in_baseline, HUMAN, NEITHER))
    return rises.assign(arm=arm)


def satisfied(context: ParadoxContext) -> Side:
    """Share of answers after contacts with bots that are satisfied."""
    estimand = context.estimand(
        "satisfied",
        "share",
        "those who answer may differ from those who do not",
        *_scale_note(context),
    )
    scale = _rating_scale(context)
    if scale is None:
        return abstaining(estimand, "no_column", "rating")
    least = scale[0] + round(context.settings.satisfied_from * (scale[1] - scale[0]))
    table = context.contacts.table
    rated = (table["arm"] == BOT) & (table["rating_micro"] != MISSING)
    return Side(share(table, table["rating_micro"] >= least, rated, estimand))


def frustrated(context: ParadoxContext) -> Side:
    """Share of contacts with bots in the worst tail; who gave no rating may be in it.

    The estimate and its lower bound count every contact without a rating as not of the worst
    rating, the upper bound as of the worst.
    """
    estimand = context.estimand(
        "frustrated",
        "share",
        "the upper bound takes contacts without a rating for rated worst",
        *_scale_note(context),
    )
    scale = _rating_scale(context)
    if scale is None and context.sessions is None:
        return abstaining(estimand, "no_column", "rating")
    table = context.contacts.table
    bad = table["looped"] | (table["frustrated"] & ~table["human"])
    unrated = pd.Series(False, index=table.index)
    if scale is not None:
        most = scale[0] + round(context.settings.bottom_box * (scale[1] - scale[0]))
        unrated = table["rating_micro"] == MISSING
        bad |= ~unrated & (table["rating_micro"] <= most)
    bounds = {"seen": bad, "at_most": bad | unrated}
    seen, bound = shares(
        table, bounds, table["arm"] == BOT, dict.fromkeys(bounds, estimand)
    ).values()
    if seen.value is None or bound.hi is None:
        return Side(seen)
    method = f"{seen.method}; bounds for contacts without a rating"
    return Side(replace(seen, hi=bound.hi, method=method))


def _rating_scale(context: ParadoxContext) -> tuple[int, int] | None:
    """Return the worst and best rating in micro-units; None without a column or any rating."""
    if not context.journeys.has("rating_micro"):
        return None
    if context.settings.rating_scale is not None:
        worst, best = context.settings.rating_scale
        return round(worst * MICRO), round(best * MICRO)
    events = context.contacts.events
    ratings = events.column("rating_micro")[events.known("rating_micro")]
    if not len(ratings):
        return None
    worst, best = int(ratings.min()), int(ratings.max())
    for low, high in RATING_SCALES:
        if low * MICRO <= worst and best <= high * MICRO:
            return low * MICRO, high * MICRO
    return worst, best


def _scale_note(context: ParadoxContext) -> tuple[str, ...]:
    if context.settings.rating_scale is not None:
        return ()
    return ("ratings are on the first usual scale that holds all of them",)
