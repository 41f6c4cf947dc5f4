"""Paradoxes five and six: relying on personal data, and relying on one bot."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
from ibis import _

from journeylib.core import GROUPS, US_PER_DAY, Floats, text
from journeylib.journeys import absorb
from journeylib.judge.paradoxes.bot_human_comparison import (
    compare,
    group_totals,
    share,
    share_of_sums,
)
from journeylib.judge.paradoxes.contacts import episodes, outcomes_of
from journeylib.judge.paradoxes.context import (
    ParadoxContext,
    Side,
    abstaining,
    labelled,
    verified_how,
)
from journeylib.log import fetch

# The chain is solved for every resample: its cost grows with the cube of its states.
MOST_BOTS = 50
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
    by_data = matters.filter(_.arm == 1).mutate(arm=_with_fields(*DEPTHS[depth]))
    return Side(compare(by_data, _.at_once, ibis.literal(1), "difference", estimand))


def _with_fields(least: int, most: int | None) -> Any:
    """Return 1 for contacts with so many fields, 0 for those with none, else null."""
    inside = _.fields >= least
    if most is not None:
        inside = inside & (_.fields <= most)
    return ibis.cases((inside, 1), (_.fields == 0, 0))


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
    mature = context.contacts.table.filter(
        (_.arm == 1) & (_.begin_us <= int(journeys.last_us or 0) - window)
    ).mutate(arm=_with_fields(*DEPTHS[depth]))
    key = ["journey", "opened"]
    soon = mature.inner_join(withdrawals, "customer_no").filter(
        (_.at_us >= _.begin_us) & (_.at_us - _.begin_us <= window)
    )
    left = soon.select(*key).distinct().mutate(opted_out=1)
    rows = mature.left_join(left, key).mutate(opted_out=_.opted_out.fill_null(0))
    rows = labelled(rows, context)
    return Side(compare(rows, _.opted_out, ibis.literal(1), "ratio", estimand))


def _withdrawals(context: ParadoxContext) -> ibis.Table | None:
    """Return ``customer_no`` and ``at_us`` of opt-outs, or None where none are declared."""
    settings = context.settings
    outcomes = outcomes_of(context.journeys, settings.privacy_kinds)
    turns = context.contacts.turns.filter(_.touchpoint.isin(settings.privacy_touchpoints))
    tables = [] if outcomes is None else [outcomes]
    tables += [turns] if settings.privacy_touchpoints else []
    moments = [table.select("customer_no", at_us=_.t_us) for table in tables]
    return ibis.union(*moments) if moments else None


def powerful(context: ParadoxContext) -> Side:
    """Share of served journeys that bots complete alone."""
    estimand = context.estimand("powerful")
    return Side(share(served_journeys(context), _.by_bots, ~_.open, estimand))


def vulnerable(context: ParadoxContext) -> Side:
    """Blast radius: journeys lost if the one bot that most of them pass through is removed.

    Notes
    -----
    The absorbing chain of who serves next (`journeys.chain.absorb`): its states are the bots, by
    ``resource`` or else touchpoint, and people as one; its ends are completed, lost and open,
    which is censored. Sending every visit of a bot to *lost* loses P(ever at it) · P(completed
    from there) of the journeys (Anderl et al. 2016: there as a share of those completed).
    """
    estimand = context.estimand(
        "vulnerable",
        "share",
        "who serves next hangs on who serves now alone; no journey finds another way",
    )
    served = served_journeys(context)
    counts, bots = _moves(context, served)
    rows, people = group_totals(served, {})
    shape = counts.shape[1:]

    def widest(flat: Floats) -> Floats:
        solved = absorb(flat.reshape(*flat.shape[:-1], *shape))
        lost = solved.visited * solved.ends[..., 0]
        return np.asarray(lost[..., 1 : bots + 1].max(axis=-1, initial=0.0))

    return Side(
        share_of_sums(
            counts.reshape(GROUPS, 1, -1),
            people,
            estimand,
            statistic=widest,
            trials=int(rows.sum()),
        )
    )


def _moves(context: ParadoxContext, served: ibis.Table) -> tuple[Floats, int]:
    """Count moves per group, shape (groups, states, states + ends), and the bots among the states.

    States are the start, the bots (the `MOST_BOTS` that act most; then the others as one) and,
    last, people.
    """
    ends = served.select(
        "journey",
        fate=ibis.cases((_.open, "open"), (_.completed, "completed"), else_="lost"),
    )
    in_order = ibis.window(group_by="journey", order_by="step")
    hands = (
        context.contacts.turns.filter(_.actor.isin(["bot", "human"]))
        .mutate(hand=(_.actor == "bot").ifelse(bot_name(), ibis.null("string")))
        .mutate(
            person=_.actor == "human",
            next_hand=_.hand.lead().over(in_order),
            next_actor=_.actor.lead().over(in_order),
            first=ibis.row_number().over(in_order) == 0,
        )
        .inner_join(ends, "journey")
    )
    moves = fetch(
        hands.group_by(["group", "person", "hand", "next_actor", "next_hand", "fate", "first"])
        .aggregate(n=_.count())
        .mutate(fate=_.next_actor.isnull().ifelse(_.fate, ibis.null("string")))
    )
    acts = moves.groupby("hand")["n"].sum().reset_index()
    ordered = acts.sort_values(["n", "hand"], ascending=[False, True])["hand"].tolist()
    names = sorted(ordered[:MOST_BOTS])
    # The rarest are one state together, which is no one bot, so that nobody removes it.
    rest = len(ordered) > MOST_BOTS
    people = len(names) + 1 + rest
    spot = dict.fromkeys(ordered, people - 1)
    spot |= {name: number for number, name in enumerate(names, start=1)}
    m = people + 1
    place = {"completed": m, "lost": m + 1, "open": m + 2}
    counts = np.zeros((GROUPS, m, m + 3))
    columns = ["group", "person", "hand", "next_actor", "next_hand", "fate", "first", "n"]
    rows = moves[columns].itertuples(index=False, name=None)
    for group, person, hand, next_actor, next_hand, fate, first, n in rows:
        here = people if person else spot[hand]
        if isinstance(fate, str):
            there = place[fate]
        else:
            there = people if next_actor == "human" else spot[next_hand]
        counts[int(group), here, there] += n
        if first:
            counts[int(group), 0, here] += n
    return counts, len(names)


def bot_name() -> Any:
    """Return what a bot is told apart by: its resource, or else where it acts."""
    return _.resource.coalesce(_.touchpoint)


def served_journeys(context: ParadoxContext) -> ibis.Table:
    """One row per journey in which a bot or human acts: ``open``, ``completed``, ``by_bots``."""
    acts = context.contacts.table.group_by("journey").aggregate(
        human=_.human.any(), failed=_.failed.argmax(_.opened)
    )
    return context.journeys.table.inner_join(acts, "journey").mutate(
        open=_.end_kind == "open",
        completed=(_.end_kind != "open") & (_.end_kind != "bad_end") & ~_.failed,
        by_bots=~_.human & (_.end_kind != "open") & (_.end_kind != "bad_end") & ~_.failed,
    )


def bots_passed(context: ParadoxContext) -> ibis.Table:
    """One row per journey and bot that acts in it: ``journey``, ``bot``."""
    bots = context.contacts.turns.filter(_.actor == "bot").select("journey", bot=bot_name())
    return bots.distinct()
