"""Paradoxes five and six: relying on personal data, and relying on one bot."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
from ibis import _

from journeylib.core import GROUPS, Estimate, Floats, text
from journeylib.journeys import US_PER_DAY
from journeylib.judge.paradoxes.bot_human_comparison import (
    Estimand,
    compare,
    group_totals,
    largest_of_last,
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
    Counted: of the served journeys that are over, those that pass through the bot (told apart by
    ``resource`` or else touchpoint) and are completed. No chain stands in for the count.
    """
    estimand = context.estimand("vulnerable", "share", "no journey finds another way")
    return Side(through_one(context, _.completed, estimand))


def through_one(context: ParadoxContext, chosen: Any, estimand: Estimand) -> Estimate:
    """Return the share of journeys that are `chosen` and pass through the bot of most of those.

    Of all served journeys that are over.
    """
    served = served_journeys(context).filter(~_.open)
    passed, _names, _people = count_by_bot(context, served.filter(chosen))
    trials, people = group_totals(served, {})
    return share_of_sums(
        np.concatenate([passed, trials], axis=-1), people, estimand, statistic=largest_of_last
    )


def count_by_bot(
    context: ParadoxContext, journeys: ibis.Table
) -> tuple[Floats, list[str], dict[str, int]]:
    """Count the journeys through each bot, (groups, 1, bots), with names and their base."""
    through = journeys.inner_join(bots_passed(context), "journey")
    frame = fetch(through.group_by(["group", "bot"]).aggregate(n=_.count()))
    people = fetch(
        through.aggregate(customers=_.customer_no.nunique(), journeys=_.journey.nunique())
    ).iloc[0]
    names = sorted(frame["bot"].unique())
    spot = {name: number for number, name in enumerate(names)}
    sums = np.zeros((GROUPS, 1, max(len(names), 1)))
    sums[frame["group"], 0, frame["bot"].map(spot).to_numpy(dtype=np.int64)] = frame["n"]
    return sums, names, {str(name): int(count) for name, count in people.items()}


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
