"""Paradoxes one to four: what bots give against people, and what it costs the customer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis
from ibis import _

from journeylib.core import US_PER_DAY
from journeylib.judge.paradoxes.bot_human_comparison import compare, share, shares
from journeylib.judge.paradoxes.contacts import US, episodes, with_outcome_costs
from journeylib.judge.paradoxes.context import (
    ParadoxContext,
    Side,
    abstaining,
    labelled,
    verified_how,
)
from journeylib.log import fetch, hand_over, in_sample
from journeylib.measures import EVEN_ODDS, RATING_SCALES, Scores


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
    answered = context.contacts.table.filter(_.answer_us.notnull())
    if answered.limit(1).count().to_pyarrow().as_py() == 0:
        return abstaining(estimand, "no_column", "customers")
    quick = _.answer_us <= round(context.settings.answer_seconds * US)
    return Side(compare(answered, quick, ibis.literal(1), "difference", estimand))


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
    after = ibis.window(group_by="customer_no", order_by=["at_us", "human"], following=(0, None))
    moments = _moments(context).mutate(human_us=_.human.ifelse(_.at_us, ibis.null("int64")))
    moments = moments.mutate(met_us=_.human_us.min().over(after))
    alone = _.cry & (_.met_us.isnull() | (_.met_us - _.at_us > window))
    mature = moments.filter(_.at_us <= int(journeys.last_us or 0) - window)
    if isinstance(context.scores, Scores):
        mature = mature.filter(in_sample(context.scores.per_mille))
    people = mature.group_by(["customer_no", "group"]).aggregate(
        journey=_.journey.min(), alone=alone.any(), bot=_.bot.any()
    )
    return Side(share(people, _.alone, _.bot, estimand))


def _moments(context: ParadoxContext) -> ibis.Table:
    """One row per act of bot or human, and per cry: ``at_us``, ``cry``, ``bot``, ``human``."""
    heard = context.contacts.turns
    negative: Any = ibis.literal(False)
    if isinstance(context.scores, Scores):
        scores = context.scores.turns.filter(_.score.notnull()).select(
            "journey", "step", "negative"
        )
        heard = heard.left_join(scores, ["journey", "step"])
        negative = context.journeys.log.schema.customer_speaks & (_.negative >= EVEN_ODDS)
    turns = heard.select(
        *("customer_no", "group", "journey"),
        at_us=_.t_us,
        cry=negative.fill_null(False),
        bot=(_.actor == "bot").fill_null(False),
        human=(_.actor == "human").fill_null(False),
    ).filter(_.cry | _.bot | _.human)
    if context.sessions is None:
        return turns
    ended = context.sessions
    frustrated = ended[(ended["end"] == "frustrated") & ended["seconds_to_end"].notna()]
    after_us = (frustrated["seconds_to_end"] * US).round().astype("int64")
    known = frustrated[["customer_no", "group"]].assign(
        at_us=frustrated["start_us"].astype("int64") + after_us
    )
    held = hand_over(ibis.memtable(known), turns.get_backend())
    no = ibis.literal(False)
    cries = held.select(
        *("customer_no", "group"),
        journey=ibis.null("int64"),
        at_us=held.at_us,
        cry=ibis.literal(True),
        bot=no,
        human=no,
    )
    return turns.union(cries)


def cheaper_contact(context: ParadoxContext) -> Side:
    """Cost of a contact, relative to people's."""
    estimand = context.estimand(
        "cheaper_contact",
        "share",
        "an event without a cost costs nothing; contacts without any are left out",
    )
    if not context.journeys.has("cost_micro"):
        return abstaining(estimand, "no_column", "cost")
    priced = context.contacts.table.filter(_.cost_micro.notnull())
    return Side(compare(priced, _.cost_micro, ibis.literal(1), "relative", estimand))


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
    matters = episodes(context.contacts, journeys, context.measures, days).filter(
        _.cost_micro.notnull()
    )
    matters = with_outcome_costs(matters, journeys, settings)
    return Side(compare(matters, _.cost_micro, _.resolved, "relative", estimand))


def better_resolution(context: ParadoxContext) -> Side:
    """Matters that the first contact resolves."""
    estimand = context.estimand("better_resolution", "share", verified_how(context))
    days = context.measures.repeat_days
    if reason := context.too_young(days):
        return abstaining(estimand, reason)
    matters = episodes(context.contacts, context.journeys, context.measures, days)
    return Side(compare(matters, _.at_once, ibis.literal(1), "difference", estimand))


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
    in_contact: dict[str, Any] = {"group_by": ["journey", "opened"], "order_by": "step"}
    after = ibis.window(following=(1, None), **in_contact)
    turns = context.contacts.turns.mutate(
        bot_step=(_.actor == "bot").ifelse(_.step, ibis.null("int64")),
        human_step=(_.actor == "human").ifelse(_.step, ibis.null("int64")),
    ).mutate(bot_next=_.bot_step.min().over(after), human_next=_.human_step.min().over(after))
    scored = turns.inner_join(
        scores.turns.select("journey", "step", "score", "negative"), ["journey", "step"]
    ).filter(context.journeys.log.schema.customer_speaks & _.score.notnull())
    scored = scored.mutate(
        then=_.score.lead().over(ibis.window(**in_contact)),
        then_step=_.step.lead().over(ibis.window(**in_contact)),
    )
    by_bot = _.bot_next.notnull() & (_.human_next.isnull() | (_.bot_next < _.human_next))
    answered = scored.mutate(by_bot=by_bot, reply=ibis.least(_.bot_next, _.human_next)).filter(
        (_.negative >= EVEN_ODDS) & (_.reply < _.then_step)
    )
    contacts = context.contacts.table.select(
        "journey", "opened", about=_.intent, in_baseline=(_.arm.notnull() | ~_.human)
    )
    rows = answered.inner_join(contacts, ["journey", "opened"]).select(
        *("group", "customer_no", "journey"),
        intent=_.about,
        arm=ibis.cases((_.by_bot, 1), (_.in_baseline, 0)),
        rise=_.then - _.score,
    )
    return Side(
        compare(
            labelled(rows, context),
            _.rise,
            ibis.literal(1),
            "difference",
            replace(estimand, scale=US),
        )
    )


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
    rated = (_.arm == 1) & _.rating_micro.notnull()
    return Side(share(context.contacts.table, _.rating_micro >= least, rated, estimand))


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
    no = ibis.literal(False)
    worst, unrated = no, no
    if scale is not None:
        most = scale[0] + round(context.settings.bottom_box * (scale[1] - scale[0]))
        worst, unrated = (_.rating_micro <= most).fill_null(False), _.rating_micro.isnull()
    bad = _.looped | (_.frustrated & ~_.human) | worst
    bounds = {"seen": bad, "at_most": bad | unrated}
    seen, bound = shares(
        context.contacts.table, bounds, _.arm == 1, dict.fromkeys(bounds, estimand)
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
        return round(worst * US), round(best * US)
    ends = fetch(
        context.journeys.steps.aggregate(worst=_.rating_micro.min(), best=_.rating_micro.max())
    ).iloc[0]
    if ends.isna().any():
        return None
    worst, best = int(ends["worst"]), int(ends["best"])
    for low, high in RATING_SCALES:
        if low * US <= worst and best <= high * US:
            return low * US, high * US
    return worst, best


def _scale_note(context: ParadoxContext) -> tuple[str, ...]:
    if context.settings.rating_scale is not None:
        return ()
    return ("ratings are on the first usual scale that holds all of them",)
