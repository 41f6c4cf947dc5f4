"""What stands beside the six pairs: figures that explain a side and decide no state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis
import numpy as np
from ibis import _

from journeylib.core import GROUPS, AbstainReason, Estimate, Floats, resample
from journeylib.journeys import US_PER_DAY
from journeylib.judge.paradoxes.bot_human_comparison import (
    Ask,
    compare_spread,
    group_totals,
    share,
    share_of_sums,
)
from journeylib.judge.paradoxes.bot_human_comparison import largest_of_last as largest
from journeylib.judge.paradoxes.contacts import US, check_declared
from journeylib.judge.paradoxes.context import Scene
from journeylib.judge.paradoxes.data_and_dependence import (
    bot_name,
    bots_passed,
    fields_said,
    opt_outs_by_fields,
    resolution_by_fields,
    served_journeys,
)
from journeylib.log import fetch, says_wrong
from journeylib.measures import flag_of, text_abstain_reason

US_PER_HOUR = 3_600_000_000
HOURS_PER_WEEK = 168
# From one personal field on: how many, as (least, most).
DEPTHS: tuple[tuple[int, int | None], ...] = ((1, 1), (2, 2), (3, None))
# A bot that acts less often than this on its days may be silent for a day by chance.
ACTS_PER_DAY = 5
LOG_STEPS = 1000  # logarithms are summed as integers: thousandths

Figures = dict[str, Estimate]


def beside_connected(scene: Scene) -> Figures:
    """Contacts with bots answered at once: all, and when no human is at work."""
    label = "contacts with bots answered at once"
    asks = {
        "answered_at_once": scene.ask(label, "share"),
        "answered_out_of_hours": scene.ask(
            f"{label}, of those in hours of the week in which no human acts in the log", "share"
        ),
    }
    if not scene.journeys.has_clock:
        return _none(asks, "no_clock")
    hour = (_.begin_us // US_PER_HOUR) % HOURS_PER_WEEK
    acts = scene.contacts.turns.filter(_.actor == "human")
    staffed = acts.mutate(hour=(_.t_us // US_PER_HOUR) % HOURS_PER_WEEK).select("hour").distinct()
    hours = fetch(staffed)["hour"].tolist()
    quick = _.answer_us <= round(scene.settings.answer_seconds * US)
    contacts = scene.contacts.table.filter((_.arm == 1) & _.answer_us.notnull()).mutate(
        quick=quick, staffed=hour.isin(hours) if hours else ibis.literal(False)
    )
    every = ibis.literal(True)
    found = {"answered_at_once": share(contacts, _.quick, every, asks["answered_at_once"])}
    name = "answered_out_of_hours"
    # Where no human ever acts, there are no hours of theirs to be outside of.
    found[name] = (
        share(contacts, _.quick, ~_.staffed, asks[name]) if hours else asks[name].none("no_overlap")
    )
    return found


def beside_quality(scene: Scene) -> Figures:
    """How evenly matters are handled."""
    name = "handling_spread"
    ask = scene.ask(
        "standard deviation of the logarithm of handling time, bots over people on the same "
        "matters: below 1 bots are more even",
        "ratio",
        "from the first answer to the end of the contact; less than a second counts as one",
    )
    if not scene.journeys.has_clock:
        return {name: ask.none("no_clock")}
    seconds = ibis.greatest(_.handling_us, US) / US
    thousandths = (seconds.ln() * LOG_STEPS).round().cast("int64")
    return {name: compare_spread(scene.contacts.table, thousandths, ask)}


def beside_satisfied(scene: Scene) -> Figures:
    """How many of the contacts were rated at all."""
    ask = scene.ask("contacts with bots that the customer rated", "share")
    if not scene.journeys.has("rating_micro"):
        return {"rated": ask.none("no_column")}
    return {"rated": share(scene.contacts.table, _.rating_micro.notnull(), _.arm == 1, ask)}


def beside_personalised(scene: Scene) -> Figures:
    """Both sides of the pair by data depth: how many personal fields a bot used."""
    found = {}
    for least, most in DEPTHS:
        name = fields_said(least, most).replace(" of", "").replace(" ", "_")
        found[f"resolution_{name}"] = resolution_by_fields(scene, least, most).estimate
        found[f"opt_outs_{name}"] = opt_outs_by_fields(scene, least, most).estimate
    return found


def beside_powerful(scene: Scene) -> Figures:
    """On whom the journeys hang, how often bots are corrected, and what happens without them."""
    return {
        "through_one_bot_alone": _through_one(scene),
        "dependence": _dependence(scene),
        "corrections": _corrections(scene),
        "without_main_bot": _without_main_bot(scene),
    }


def _none(asks: dict[str, Ask], reason: AbstainReason) -> Figures:
    return {name: ask.none(reason) for name, ask in asks.items()}


def _by_bot(scene: Scene, journeys: ibis.Table) -> tuple[Floats, list[str], dict[str, int]]:
    """Count the journeys through each bot, (groups, 1, bots), with names and their base."""
    through = journeys.inner_join(bots_passed(scene), "journey")
    frame = fetch(through.group_by(["group", "bot"]).aggregate(n=_.count()))
    people = fetch(
        through.aggregate(customers=_.customer_no.nunique(), journeys=_.journey.nunique())
    ).iloc[0]
    names = sorted(frame["bot"].unique())
    spot = {name: number for number, name in enumerate(names)}
    sums = np.zeros((GROUPS, 1, max(len(names), 1)))
    sums[frame["group"], 0, frame["bot"].map(spot).to_numpy(dtype=np.int64)] = frame["n"]
    return sums, names, {str(name): int(count) for name, count in people.items()}


def _through_one(scene: Scene) -> Estimate:
    ask = scene.ask(
        "journeys completed by bots alone through the one bot on which most of them hang, of "
        "those served by bot or human",
        "share",
    )
    served = served_journeys(scene).filter(~_.open)
    alone, _names, _people = _by_bot(scene, served.filter(_.by_bots))
    trials, people = group_totals(served, {})
    return share_of_sums(np.concatenate([alone, trials], axis=-1), people, ask, statistic=largest)


def _dependence(scene: Scene) -> Estimate:
    ask = scene.ask(
        "dependence on single bots: sum of the squared shares of journeys through each "
        "(Herfindahl and Hirschman); 1 is a single bot",
        "index",
    )
    sums, _names, people = _by_bot(scene, served_journeys(scene))

    def index(totals: Floats) -> Floats:
        every = totals.sum(axis=-1)
        return np.asarray((totals**2).sum(axis=-1) / every**2)

    return _estimate(sums, index, people, ask, highest=1.0)


def _corrections(scene: Scene) -> Estimate:
    declared = scene.settings.corrected
    ask = scene.ask(
        "wrong answers of bots that were corrected, of 1,000 of their turns",
        "per 1,000",
        f"corrections are those of the column '{declared}'"
        if declared is not None
        else "a correction is a customer's next words that say so; who says nothing is not seen",
    )
    turns, journeys = scene.contacts.turns, scene.journeys
    if declared is not None:
        check_declared(journeys.steps, "corrected", declared)
        _known, flagged = flag_of(journeys, declared)
        wrong = journeys.steps.select("journey", "step", wrong=flagged.fill_null(False))
        told = turns.inner_join(wrong, ["journey", "step"])
    elif reason := text_abstain_reason(journeys):
        return ask.none(reason)
    else:
        spoken = turns.filter(_.actor.isin(["bot", "human", "customer"]))
        before = _.actor.lag().over(ibis.window(group_by=["journey", "opened"], order_by="step"))
        told = spoken.mutate(after_bot=(before == "bot").fill_null(False)).mutate(
            wrong=ibis.cases(
                ((_.actor == "customer") & _.after_bot, says_wrong(_.text)), else_=False
            )
        )
    counted = told.mutate(
        wrong=_.wrong.cast("int64"), turn=(_.actor == "bot").fill_null(False).cast("int64")
    ).filter((_.wrong > 0) | (_.turn > 0))
    sums, people = group_totals(counted, {"wrong": _.wrong.sum(), "turn": _.turn.sum()})
    if not sums[:, 0, 2].sum():
        return ask.none("n_small")
    found = share_of_sums(sums[:, :, 1:], people, ask)
    if found.value is None or found.lo is None or found.hi is None:
        return found
    return replace(found, value=1000 * found.value, lo=1000 * found.lo, hi=1000 * found.hi)


def _without_main_bot(scene: Scene) -> Estimate:
    """Contacts on the days on which the bot that most journeys pass through was silent."""
    ask = scene.ask(
        "contacts that did not fail on days on which the bot that most journeys pass through was "
        "silent",
        "share",
        "a day is one of UTC between that bot's first and last act",
    )
    if not scene.journeys.has_clock:
        return ask.none("no_clock")
    sums, names, _people = _by_bot(scene, served_journeys(scene))
    if not names:
        return ask.none("unidentified")
    main = names[int(sums.sum(axis=0)[0].argmax())]
    acts = scene.contacts.turns.filter((_.actor == "bot") & (bot_name() == main))
    days = fetch(acts.group_by(day=_.t_us // US_PER_DAY).aggregate(n=_.count()))
    first, last = int(days["day"].min()), int(days["day"].max())
    if days["n"].sum() < ACTS_PER_DAY * (last - first + 1):
        return ask.none("n_small")
    active = [int(day) for day in days["day"]]
    contacts = scene.contacts.table.mutate(day=_.begin_us // US_PER_DAY)
    without = contacts.filter(_.day.between(first, last) & ~_.day.isin(active))
    if not without.count().to_pyarrow().as_py():
        return ask.none("unidentified")
    return share(without, ~_.failed, ibis.literal(True), ask)


def _estimate(
    sums: Floats, statistic: Any, people: dict[str, int], ask: Ask, highest: float = np.inf
) -> Estimate:
    if people["customers"] < ask.min_customers:
        return ask.none("n_small")
    found = resample(sums, statistic, n_customers=[people["customers"]], draws=1)
    value, lo, hi = (float(x[0]) for x in (found.value, found.lo, found.hi))
    if not np.isfinite([value, lo, hi]).all():
        return ask.none("unidentified")
    return Estimate(
        value,
        ask.unit,
        max(lo, 0.0),
        min(hi, highest),
        n_customers=people["customers"],
        n_journeys=people["journeys"],
        n_events=int(sums.sum()),
        estimand=ask.estimand,
        method="delete-a-group jackknife by customer",
        assumptions=ask.assumptions,
    )
