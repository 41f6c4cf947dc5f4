"""Pairs five and six: relying on personal data, and relying on one bot."""

from __future__ import annotations

import ibis
import numpy as np
from ibis import _

from journeylib.estimate import GROUPS
from journeylib.journeys.steps import US_PER_DAY
from journeylib.judge.compare import compare, group_totals, share, share_of_sums
from journeylib.judge.contacts import episodes, outcomes_of
from journeylib.judge.scene import OPT_OUTS, PERSONAL, Scene, Side, labelled, silent, verified_how
from journeylib.log.engine import fetch


def personalised(scene: Scene) -> Side:
    """Resolution by bots with personal data against without."""
    ask = scene.ask(
        "share of matters that bots resolve at first contact, with minus without personal data",
        "share",
        verified_how(scene),
    )
    settings = scene.settings
    if settings.personal_data is None:
        return silent(ask, "no_column", PERSONAL)
    if reason := scene.too_young(settings.repeat_days):
        return silent(ask, reason)
    matters = episodes(scene.contacts, scene.journeys, settings, settings.repeat_days)
    by_data = matters.filter(_.arm == 1).mutate(arm=_.personal.cast("int64"))
    return Side(compare(by_data, _.at_once, ibis.literal(1), "difference", ask))


def intrusive(scene: Scene) -> Side:
    """Opt-outs after contacts with bots with personal data, over those without."""
    ask = scene.ask(
        "contacts with bots after which the customer opts out or complains about privacy, with "
        "over without personal data",
        "ratio",
    )
    settings, journeys = scene.settings, scene.journeys
    if settings.personal_data is None:
        return silent(ask, "no_column", PERSONAL)
    if reason := scene.too_young(settings.privacy_days):
        return silent(ask, reason)
    withdrawals = _withdrawals(scene)
    if withdrawals is None:
        return silent(ask, "no_column", OPT_OUTS)
    window = round(settings.privacy_days * US_PER_DAY)
    mature = scene.contacts.table.filter(
        (_.arm == 1) & (_.begin_us <= int(journeys.last_us or 0) - window)
    ).mutate(arm=_.personal.cast("int64"))
    key = ["journey", "opened"]
    soon = mature.inner_join(withdrawals, "customer_no").filter(
        (_.at_us >= _.begin_us) & (_.at_us - _.begin_us <= window)
    )
    left = soon.select(*key).distinct().mutate(opted_out=1)
    rows = mature.left_join(left, key).mutate(opted_out=_.opted_out.fill_null(0))
    rows = labelled(rows, scene)
    return Side(compare(rows, _.opted_out, ibis.literal(1), "ratio", ask))


def _withdrawals(scene: Scene) -> ibis.Table | None:
    """Return ``customer_no`` and ``at_us`` of opt-outs, or None where none are declared."""
    settings = scene.settings
    found = outcomes_of(scene.journeys, settings.privacy_kinds)
    told = None if found is None else found.select("customer_no", at_us=_.t_us)
    if not settings.privacy_touchpoints:
        return told
    seen = scene.contacts.turns.filter(_.touchpoint.isin(settings.privacy_touchpoints))
    seen = seen.select("customer_no", at_us=_.t_us)
    return seen if told is None else told.union(seen)


def powerful(scene: Scene) -> Side:
    """Share of served journeys that bots complete alone."""
    ask = scene.ask("journeys completed by bots alone, of those served by bot or human", "share")
    return Side(share(_served(scene), _.by_bots, ibis.literal(True), ask))


def vulnerable(scene: Scene) -> Side:
    """Share of served journeys that hang on the one bot on which most do.

    Notes
    -----
    What would be lost is the share of journeys that pass through the bot and no human. The
    removal effect of an absorbing chain (Anderl et al. 2016) estimates the same from pairs of
    steps, supposing that journeys have no memory; whole journeys need no such assumption.
    """
    ask = scene.ask(
        "journeys completed by bots through the one bot on which most of them hang, of those "
        "served by bot or human",
        "share",
        "no journey finds another way; whether a fallback was ever tested the log cannot tell",
    )
    served = _served(scene)
    bots = scene.contacts.turns.filter(_.actor == "bot").select(
        "journey", bot=_.resource.coalesce(_.touchpoint)
    )
    through = served.filter(_.by_bots).inner_join(bots.distinct(), "journey")
    frame = fetch(through.group_by(["group", "bot"]).aggregate(n=_.count()))
    trials, people = group_totals(served, {})
    names = {name: spot for spot, name in enumerate(sorted(frame["bot"].unique()))}
    sums = np.zeros((GROUPS, 1, max(len(names), 1) + 1))
    sums[frame["group"], 0, frame["bot"].map(names).to_numpy(dtype=np.int64)] = frame["n"]
    sums[:, :, -1] = trials[:, :, 0]
    return Side(share_of_sums(sums, people, ask, how="widest"))


def _served(scene: Scene) -> ibis.Table:
    """One row per journey that is over and in which a bot or human acts: ``by_bots``."""
    acts = scene.contacts.table.group_by("journey").aggregate(
        human=_.human.any(), failed=_.failed.argmax(_.opened)
    )
    over = scene.journeys.table.filter(_.end_kind != "open")
    return over.inner_join(acts, "journey").mutate(
        by_bots=~_.human & ~_.failed & (_.end_kind != "bad_end")
    )
