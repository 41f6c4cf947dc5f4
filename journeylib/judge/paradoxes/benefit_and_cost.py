"""Pairs one to four: what bots give against people, and what it costs the customer."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from journeylib.core import Estimate
from journeylib.journeys import US_PER_DAY
from journeylib.judge.paradoxes.bot_human_comparison import compare, share
from journeylib.judge.paradoxes.contacts import US, episodes, with_outcome_costs
from journeylib.judge.paradoxes.context import (
    COST,
    CRIES,
    CUSTOMERS,
    RATING,
    SENTIMENT,
    Scene,
    Side,
    labelled,
    silent,
    verified_how,
)
from journeylib.log import drawn, fetch, hand_over
from journeylib.measures import NEGATIVE, RATING_SCALES, Scores


def connected(scene: Scene) -> Side:
    """More contacts answered at once, at whatever hour."""
    ask = scene.ask(
        "share of contacts answered at once, bots minus people",
        "share",
        "contacts that nobody answered belong to neither side",
        "a contact that bot or human opens and in which the customer then acts is answered at once",
    )
    if not scene.journeys.has_clock:
        return silent(ask, "no_clock")
    answered = scene.contacts.table.filter(_.answer_us.notnull())
    if answered.limit(1).count().to_pyarrow().as_py() == 0:
        return silent(ask, "no_column", CUSTOMERS)
    quick = _.answer_us <= round(scene.settings.answer_seconds * US)
    return Side(compare(answered, quick, ibis.literal(1), "difference", ask))


def isolated(scene: Scene) -> Side:
    """Customers who were negative, or left a bot in frustration, and then met no human."""
    ask = scene.ask(
        "share of customers of bots who asked for a human or were negative and met no human after",
        "share",
    )
    journeys, settings = scene.journeys, scene.settings
    if isinstance(scene.scores, str) and scene.sessions is None:
        return silent(ask, scene.scores, CRIES if scene.scores == "no_column" else "")
    if reason := scene.too_young(settings.isolation_days):
        return silent(ask, reason)
    window = round(settings.isolation_days * US_PER_DAY)
    after = ibis.window(group_by="customer_no", order_by=["at_us", "human"], following=(0, None))
    moments = _moments(scene).mutate(human_us=_.human.ifelse(_.at_us, ibis.null("int64")))
    moments = moments.mutate(met_us=_.human_us.min().over(after))
    alone = _.cry & (_.met_us.isnull() | (_.met_us - _.at_us > window))
    mature = moments.filter(_.at_us <= int(journeys.last_us or 0) - window)
    if isinstance(scene.scores, Scores):
        mature = mature.filter(drawn(scene.scores.per_mille))
    people = mature.group_by(["customer_no", "group"]).aggregate(
        journey=_.journey.min(), alone=alone.any(), bot=_.bot.any()
    )
    return Side(share(people, _.alone, _.bot, ask))


def _moments(scene: Scene) -> ibis.Table:
    """One row per act of bot or human, and per cry: ``at_us``, ``cry``, ``bot``, ``human``."""
    heard = scene.contacts.turns
    negative: Any = ibis.literal(False)
    if isinstance(scene.scores, Scores):
        said = scene.scores.turns.filter(_.score.notnull()).select("journey", "step", "score")
        heard = heard.left_join(said, ["journey", "step"])
        negative = (_.actor == "customer") & (_.score <= NEGATIVE)
    turns = heard.select(
        *("customer_no", "group", "journey"),
        at_us=_.t_us,
        cry=negative.fill_null(False),
        bot=(_.actor == "bot").fill_null(False),
        human=(_.actor == "human").fill_null(False),
    ).filter(_.cry | _.bot | _.human)
    if scene.sessions is None:
        return turns
    ended = scene.sessions
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


def cheaper_contact(scene: Scene) -> Side:
    """Cost of a contact, relative to people's."""
    ask = scene.ask(
        "cost per contact with bots, relative to contacts with people",
        "share",
        "an event without a cost costs nothing; contacts without any are left out",
    )
    if not scene.journeys.has("cost_micro"):
        return silent(ask, "no_column", COST)
    priced = scene.contacts.table.filter(_.cost_micro.notnull())
    return Side(compare(priced, _.cost_micro, ibis.literal(1), "relative", ask))


def dearer_resolution(scene: Scene) -> Side:
    """Cost of a matter until it is verified as resolved, relative to people's."""
    journeys, settings = scene.journeys, scene.settings
    counted = (
        "declared costs of outcomes are in"
        if settings.outcome_costs
        else ("refunds, liability and lost customers are left out: no 'outcome_costs' are declared")
    )
    ask = scene.ask(
        "cost per verified resolution of matters opened with bots, relative to those opened with "
        "people, repeats included",
        "share",
        counted,
        verified_how(scene),
    )
    if not journeys.has("cost_micro"):
        return silent(ask, "no_column", COST)
    days = scene.measures.repeat_days
    if settings.outcome_costs:
        days = max(days, settings.outcome_days)
    if reason := scene.too_young(days):
        return silent(ask, reason)
    matters = episodes(scene.contacts, journeys, scene.measures, days).filter(
        _.cost_micro.notnull()
    )
    matters = with_outcome_costs(matters, journeys, settings)
    return Side(compare(matters, _.cost_micro, _.resolved, "relative", ask))


def better_resolution(scene: Scene) -> Side:
    """Matters that the first contact resolves."""
    ask = scene.ask(
        "share of matters resolved at first contact, bots minus people",
        "share",
        verified_how(scene),
    )
    days = scene.measures.repeat_days
    if reason := scene.too_young(days):
        return silent(ask, reason)
    matters = episodes(scene.contacts, scene.journeys, scene.measures, days)
    return Side(compare(matters, _.at_once, ibis.literal(1), "difference", ask))


def weaker_recovery(scene: Scene) -> Side:
    """How far feeling rises from a negative turn to the customer's next, by who answers it."""
    scores = scene.scores
    told = scores.source if isinstance(scores, Scores) else ""
    ask = scene.ask(
        "rise of sentiment after a negative turn, answered by bots minus by people",
        "points",
        "turns after which the customer says nothing more in the contact are not seen",
        f"sentiment as in {told}",
        scale=US,
    )
    if not isinstance(scores, Scores):
        return silent(ask, scores, SENTIMENT if scores == "no_column" else "")
    in_contact: dict[str, Any] = {"group_by": ["journey", "opened"], "order_by": "step"}
    after = ibis.window(following=(1, None), **in_contact)
    turns = scene.contacts.turns.mutate(
        bot_step=(_.actor == "bot").ifelse(_.step, ibis.null("int64")),
        human_step=(_.actor == "human").ifelse(_.step, ibis.null("int64")),
    ).mutate(bot_next=_.bot_step.min().over(after), human_next=_.human_step.min().over(after))
    scored = turns.inner_join(
        scores.turns.select("journey", "step", "score"), ["journey", "step"]
    ).filter((_.actor == "customer") & _.score.notnull())
    scored = scored.mutate(
        then=_.score.lead().over(ibis.window(**in_contact)),
        then_step=_.step.lead().over(ibis.window(**in_contact)),
    )
    by_bot = _.bot_next.notnull() & (_.human_next.isnull() | (_.bot_next < _.human_next))
    answered = scored.mutate(by_bot=by_bot, reply=ibis.least(_.bot_next, _.human_next)).filter(
        (_.score <= NEGATIVE) & (_.reply < _.then_step)
    )
    known = scene.contacts.table.select(
        "journey", "opened", about=_.intent, in_baseline=(_.arm.notnull() | ~_.human)
    )
    rows = answered.inner_join(known, ["journey", "opened"]).select(
        *("group", "customer_no", "journey"),
        intent=_.about,
        arm=ibis.cases((_.by_bot, 1), (_.in_baseline, 0)),
        rise=_.then - _.score,
    )
    return Side(compare(labelled(rows, scene), _.rise, ibis.literal(1), "difference", ask))


def satisfied(scene: Scene) -> Side:
    """Share of answers after contacts with bots that are satisfied."""
    ask = scene.ask(
        "satisfied answers, of those given after contacts with bots",
        "share",
        "those who answer may differ from those who do not",
        *_scale_note(scene),
    )
    scale = _rating_scale(scene)
    if scale is None:
        return silent(ask, "no_column", RATING)
    least = scale[0] + round(scene.settings.satisfied_from * (scale[1] - scale[0]))
    rated = (_.arm == 1) & _.rating_micro.notnull()
    return Side(share(scene.contacts.table, _.rating_micro >= least, rated, ask))


def frustrated(scene: Scene) -> Side:
    """Share of contacts with bots in the worst tail; who gave no rating may be in it.

    The estimate and its lower bound count every contact without a rating as not of the worst
    rating, the upper bound as of the worst.
    """
    ask = scene.ask(
        "contacts with bots that end in frustration without a human, run in a loop, or are rated "
        "worst",
        "share",
        "the upper bound takes contacts without a rating for rated worst",
        *_scale_note(scene),
    )
    scale = _rating_scale(scene)
    if scale is None and scene.sessions is None:
        return silent(ask, "no_column", RATING)
    no = ibis.literal(False)
    worst, unrated = no, no
    if scale is not None:
        most = scale[0] + round(scene.settings.bottom_box * (scale[1] - scale[0]))
        worst, unrated = (_.rating_micro <= most).fill_null(False), _.rating_micro.isnull()
    bad = _.looped | (_.frustrated & ~_.human) | worst
    seen = share(scene.contacts.table, bad, _.arm == 1, ask)
    bound = share(scene.contacts.table, bad | unrated, _.arm == 1, ask)
    if seen.value is None or bound.hi is None:
        return Side(seen)
    return Side(
        Estimate(
            seen.value,
            "share",
            seen.lo,
            bound.hi,
            n_customers=seen.n_customers,
            n_journeys=seen.n_journeys,
            n_events=seen.n_events,
            estimand=seen.estimand,
            method=f"{seen.method}; bounds for contacts without a rating",
            assumptions=seen.assumptions,
        )
    )


def _rating_scale(scene: Scene) -> tuple[int, int] | None:
    """Return the worst and best rating in micro-units; None without a column or any rating."""
    if not scene.journeys.has("rating_micro"):
        return None
    if scene.settings.rating_scale is not None:
        worst, best = scene.settings.rating_scale
        return round(worst * US), round(best * US)
    ends = fetch(
        scene.journeys.steps.aggregate(worst=_.rating_micro.min(), best=_.rating_micro.max())
    ).iloc[0]
    if ends.isna().any():
        return None
    worst, best = int(ends["worst"]), int(ends["best"])
    for low, high in RATING_SCALES:
        if low * US <= worst and best <= high * US:
            return low * US, high * US
    return worst, best


def _scale_note(scene: Scene) -> tuple[str, ...]:
    if scene.settings.rating_scale is not None:
        return ()
    return ("ratings are on the first usual scale that holds all of them",)
