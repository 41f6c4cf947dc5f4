"""Paradoxes one to four: what bots give against people, and what it costs the customer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from journeylib.core import MICRO, US_PER_DAY, US_PER_SECOND
from journeylib.journeys import MISSING, Events, happens_between, row_after
from journeylib.judge.paradoxes.bot_human_comparison import compare, share, shares
from journeylib.judge.paradoxes.contacts import BOT, HUMAN, NEITHER, Flags, with_outcome_costs
from journeylib.judge.paradoxes.context import (
    ParadoxContext,
    Side,
    abstaining,
    customer_speaks,
    labelled,
    verified_how,
)
from journeylib.judge.paradoxes.rows import Rows
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
    rows = context.contacts.rows
    answered = rows.where(rows["answer_us"] != MISSING)
    if not len(answered):
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
    latest = int(journeys.last_us or 0) - window
    cries, by_bots = (
        moments.where(moments["at_us"] <= latest)
        for moments in (_negative_moments(context), _moments(events, contacts.bot))
    )
    helped = happens_between(
        cries["customer_no"],
        cries["at_us"],
        cries["at_us"] + window,
        events.customer[contacts.human],
        events.t_us[contacts.human],
    )
    # One row a customer, of whom one journey stands for all.
    people = by_bots.where(np.flatnonzero(np.diff(by_bots["customer_no"], prepend=-1)))
    if isinstance(context.scores, Scores):
        people = people.where(in_sample(people["customer_no"], context.scores.per_mille))
    alone = np.isin(people["customer_no"], cries["customer_no"][~helped])
    return Side(share(people.assign(journey=people["customer_no"]), alone, True, estimand))


def _moments(events: Events, marked: Flags) -> Rows:
    """Return whose the marked events are, and when: ``customer_no``, ``group``, ``at_us``."""
    return Rows(
        {
            "customer_no": events.customer[marked].astype(np.int64),
            "group": events.group[marked].astype(np.int64),
            "at_us": events.t_us[marked],
        }
    )


def _negative_moments(context: ParadoxContext) -> Rows:
    """Return the moments in which a customer sounds negative, or leaves a bot in frustration."""
    events, moments = context.contacts.events, []
    if isinstance(context.scores, Scores):
        likely = score_of_events(context.scores, events, "negative")
        moments.append(_moments(events, customer_speaks(context) & (likely >= EVEN_ODDS)))
    if context.sessions is not None:
        ended = context.sessions
        left = ended[(ended["end"] == "frustrated") & ended["seconds_to_end"].notna()]
        after_us = (left["seconds_to_end"] * US_PER_SECOND).round().astype("int64")
        own = {"customer_no": left["customer_no"], "group": left["group"]}
        own["at_us"] = left["start_us"] + after_us
        moments.append(Rows({name: column.to_numpy(np.int64) for name, column in own.items()}))
    return Rows({k: np.concatenate([one[k] for one in moments]) for k in moments[0].columns})


def cheaper_contact(context: ParadoxContext) -> Side:
    """Cost of a contact, relative to people's."""
    estimand = context.estimand(
        "cheaper_contact",
        "share",
        "an event without a cost costs nothing; contacts without any are left out",
    )
    if not context.journeys.has("cost_micro"):
        return abstaining(estimand, "no_column", "cost")
    rows = context.contacts.rows
    priced = rows.where(rows["cost_micro"] != MISSING)
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
    matters = context.matters(days)
    matters = matters.where(matters["cost_micro"] != MISSING)
    matters = with_outcome_costs(matters, journeys, settings)
    return Side(compare(matters, matters["cost_micro"], matters["resolved"], "relative", estimand))


def better_resolution(context: ParadoxContext) -> Side:
    """Matters that the first contact resolves."""
    estimand = context.estimand("better_resolution", "share", verified_how(context))
    days = context.measures.repeat_days
    if reason := context.too_young(days):
        return abstaining(estimand, reason)
    matters = context.matters(days)
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


def _rises(context: ParadoxContext, scores: Scores) -> Rows:
    """Return how far feeling rises from each negative turn that bot or human answers.

    From it to the customer's next turn with a score in the same contact; the first to act in
    between has answered.
    """
    contacts, events = context.contacts, context.contacts.events
    score, likely = (score_of_events(scores, events, what) for what in ("score", "negative"))
    turns = customer_speaks(context) & (score != MISSING)
    many = int(contacts.number.max(initial=-1)) + 1
    bot, human, then = (
        row_after(contacts.number, marked, many) for marked in (contacts.bot, contacts.human, turns)
    )
    by_bot = (bot >= 0) & ((human < 0) | (bot < human))
    reply = np.where(by_bot, bot, human)
    answered = turns & (likely >= EVEN_ODDS) & (reply >= 0) & (reply < then)
    turn = np.flatnonzero(answered)
    contact = np.searchsorted(contacts.rows["contact"], contacts.number[turn])
    rows = contacts.rows.where(contact)
    in_baseline = (rows["arm"] != NEITHER) | ~rows["human"]
    arm = np.where(by_bot[turn], BOT, np.where(in_baseline, HUMAN, NEITHER))
    return rows.assign(arm=arm, rise=score[then[turn]] - score[turn])


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
    rows = context.contacts.rows
    rated = (rows["arm"] == BOT) & (rows["rating_micro"] != MISSING)
    return Side(share(rows, rows["rating_micro"] >= least, rated, estimand))


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
    rows = context.contacts.rows
    bad = rows["looped"] | (rows["frustrated"] & ~rows["human"])
    unrated = np.zeros(len(rows), dtype=bool)
    if scale is not None:
        most = scale[0] + round(context.settings.bottom_box * (scale[1] - scale[0]))
        unrated = rows["rating_micro"] == MISSING
        bad |= ~unrated & (rows["rating_micro"] <= most)
    bounds = {"seen": bad, "at_most": bad | unrated}
    seen, bound = shares(rows, bounds, rows["arm"] == BOT, dict.fromkeys(bounds, estimand)).values()
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
