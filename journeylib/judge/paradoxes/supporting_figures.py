"""Supporting figures of the six paradoxes: they explain a side and decide no state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis
import numpy as np
from ibis import _

from journeylib.core import Estimate, Floats, resample
from journeylib.journeys import US_PER_DAY
from journeylib.judge.paradoxes.bot_human_comparison import (
    Estimand,
    compare_spread,
    group_totals,
    share,
    share_of_sums,
)
from journeylib.judge.paradoxes.contacts import US, check_declared
from journeylib.judge.paradoxes.context import ParadoxContext
from journeylib.judge.paradoxes.data_and_dependence import (
    DEPTHS,
    bot_name,
    count_by_bot,
    intrusive,
    personalised,
    served_journeys,
    through_one,
)
from journeylib.log import fetch, says_wrong
from journeylib.measures import flag_of, text_abstain_reason

US_PER_HOUR = 3_600_000_000
HOURS_PER_WEEK = 168
# A bot that acts less often than this on its days may be silent for a day by chance.
ACTS_PER_DAY = 5
LOG_STEPS = 1000  # logarithms are summed as integers: thousandths

Figures = dict[str, Estimate]


def supporting_connected(context: ParadoxContext) -> Figures:
    """Contacts with bots answered at once: all, and when no human is at work."""
    names = ("answered_at_once", "answered_out_of_hours")
    estimands = {name: context.estimand(name) for name in names}
    if not context.journeys.has_clock:
        return {name: estimand.none("no_clock") for name, estimand in estimands.items()}
    hour = (_.begin_us // US_PER_HOUR) % HOURS_PER_WEEK
    acts = context.contacts.turns.filter(_.actor == "human")
    staffed = acts.mutate(hour=(_.t_us // US_PER_HOUR) % HOURS_PER_WEEK).select("hour").distinct()
    hours = fetch(staffed)["hour"].tolist()
    quick = _.answer_us <= round(context.settings.answer_seconds * US)
    contacts = context.contacts.table.filter((_.arm == 1) & _.answer_us.notnull()).mutate(
        quick=quick, staffed=hour.isin(hours) if hours else ibis.literal(False)
    )
    at_once, out_of_hours = estimands.values()
    # Where no human ever acts, there are no hours of theirs to be outside of.
    return {
        names[0]: share(contacts, _.quick, ibis.literal(True), at_once),
        names[1]: share(contacts, _.quick, ~_.staffed, out_of_hours)
        if hours
        else out_of_hours.none("no_overlap"),
    }


def supporting_quality(context: ParadoxContext) -> Figures:
    """How evenly matters are handled."""
    name = "handling_spread"
    estimand = context.estimand(
        name,
        "ratio",
        "from the first answer to the end of the contact; less than a second counts as one",
    )
    if not context.journeys.has_clock:
        return {name: estimand.none("no_clock")}
    seconds = ibis.greatest(_.handling_us, US) / US
    thousandths = (seconds.ln() * LOG_STEPS).round().cast("int64")
    return {name: compare_spread(context.contacts.table, thousandths, estimand)}


def supporting_satisfied(context: ParadoxContext) -> Figures:
    """How many of the contacts were rated at all."""
    estimand = context.estimand("rated")
    if not context.journeys.has("rating_micro"):
        return {"rated": estimand.none("no_column")}
    return {"rated": share(context.contacts.table, _.rating_micro.notnull(), _.arm == 1, estimand)}


def supporting_personalised(context: ParadoxContext) -> Figures:
    """Both sides of the pair by data depth: how many personal fields a bot used."""
    figures = {}
    for depth in list(DEPTHS)[1:]:
        figures[f"resolution_{depth}"] = personalised(context, depth).estimate
        figures[f"opt_outs_{depth}"] = intrusive(context, depth).estimate
    return figures


def supporting_powerful(context: ParadoxContext) -> Figures:
    """On whom the journeys hang, how often bots are corrected, and what happens without them."""
    return {
        "through_one_bot_alone": through_one(
            context, _.by_bots, context.estimand("through_one_bot_alone")
        ),
        "dependence": _dependence(context),
        "corrections": _corrections(context),
        "without_main_bot": _without_main_bot(context),
    }


def _dependence(context: ParadoxContext) -> Estimate:
    estimand = context.estimand("dependence", "index")
    sums, _names, people = count_by_bot(context, served_journeys(context))

    def index(totals: Floats) -> Floats:
        every = totals.sum(axis=-1)
        return np.asarray((totals**2).sum(axis=-1) / every**2)

    return _estimate(sums, index, people, estimand, highest=1.0)


def _corrections(context: ParadoxContext) -> Estimate:
    declared = context.settings.corrected
    estimand = context.estimand(
        "corrections",
        "per 1,000",
        f"corrections are those of the column '{declared}'"
        if declared is not None
        else "a correction is a customer's next words that say so; who says nothing is not seen",
    )
    turns, journeys = context.contacts.turns, context.journeys
    if declared is not None:
        check_declared(journeys.steps, "corrected", declared)
        _known, flagged = flag_of(journeys, declared)
        wrong = journeys.steps.select("journey", "step", wrong=flagged.fill_null(False))
        answers = turns.inner_join(wrong, ["journey", "step"])
    elif reason := text_abstain_reason(journeys):
        return estimand.none(reason)
    else:
        spoken = turns.filter(_.actor.isin(["bot", "human", "customer"]))
        before = _.actor.lag().over(ibis.window(group_by=["journey", "opened"], order_by="step"))
        answers = spoken.mutate(after_bot=(before == "bot").fill_null(False)).mutate(
            wrong=ibis.cases(
                (journeys.log.schema.customer_speaks & _.after_bot, says_wrong(_.text)), else_=False
            )
        )
    counted = answers.mutate(
        wrong=_.wrong.cast("int64"), turn=(_.actor == "bot").fill_null(False).cast("int64")
    ).filter((_.wrong > 0) | (_.turn > 0))
    sums, people = group_totals(counted, {"wrong": _.wrong.sum(), "turn": _.turn.sum()})
    if not sums[:, 0, 2].sum():
        return estimand.none("n_small")
    result = share_of_sums(sums[:, :, 1:], people, estimand)
    if result.value is None or result.lo is None or result.hi is None:
        return result
    return replace(result, value=1000 * result.value, lo=1000 * result.lo, hi=1000 * result.hi)


def _without_main_bot(context: ParadoxContext) -> Estimate:
    """Contacts on the days on which the bot that most journeys pass through was silent."""
    estimand = context.estimand(
        "without_main_bot",
        "share",
        "a day is one of UTC between that bot's first and last act",
    )
    if not context.journeys.has_clock:
        return estimand.none("no_clock")
    sums, names, _people = count_by_bot(context, served_journeys(context))
    if not names:
        return estimand.none("unidentified")
    main = names[int(sums.sum(axis=0)[0].argmax())]
    acts = context.contacts.turns.filter((_.actor == "bot") & (bot_name() == main))
    days = fetch(acts.group_by(day=_.t_us // US_PER_DAY).aggregate(n=_.count()))
    first, last = int(days["day"].min()), int(days["day"].max())
    if days["n"].sum() < ACTS_PER_DAY * (last - first + 1):
        return estimand.none("n_small")
    active = [int(day) for day in days["day"]]
    contacts = context.contacts.table.mutate(day=_.begin_us // US_PER_DAY)
    without = contacts.filter(_.day.between(first, last) & ~_.day.isin(active))
    if not without.count().to_pyarrow().as_py():
        return estimand.none("unidentified")
    return share(without, ~_.failed, ibis.literal(True), estimand)


def _estimate(
    sums: Floats,
    statistic: Any,
    people: dict[str, int],
    estimand: Estimand,
    highest: float = np.inf,
) -> Estimate:
    if people["customers"] < estimand.min_customers:
        return estimand.none("n_small")
    result = resample(sums, statistic, n_customers=[people["customers"]])
    value, lo, hi = (float(x[0]) for x in (result.value, result.lo, result.hi))
    if not np.isfinite([value, lo, hi]).all():
        return estimand.none("unidentified")
    return Estimate(
        value,
        estimand.unit,
        max(lo, 0.0),
        min(hi, highest),
        n_customers=people["customers"],
        n_journeys=people["journeys"],
        n_events=int(sums.sum()),
        estimand=estimand.text,
        method="delete-a-group jackknife by customer",
        assumptions=estimand.assumptions,
    )
