"""Supporting figures of the six paradoxes: they explain a side and decide no state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis
import numpy as np
from ibis import _

from journeylib.core import US_PER_DAY, US_PER_HOUR, US_PER_SECOND, Estimate, Floats, resample
from journeylib.journeys import MISSING, row_before
from journeylib.judge.paradoxes.bot_human_comparison import (
    Estimand,
    compare_spread,
    group_totals,
    share,
    share_of_sums,
)
from journeylib.judge.paradoxes.contacts import BOT, check_declared
from journeylib.judge.paradoxes.context import ParadoxContext
from journeylib.judge.paradoxes.data_and_dependence import (
    DEPTHS,
    count_by_bot,
    intrusive,
    personalised,
    through_one,
)
from journeylib.judge.paradoxes.rows import Rows
from journeylib.log import says_wrong
from journeylib.measures import flag_of, text_abstain_reason

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
    events, rows = context.contacts.events, context.contacts.rows
    contacts = rows.where((rows["arm"] == BOT) & (rows["answer_us"] != MISSING))
    quick = contacts["answer_us"] <= round(context.settings.answer_seconds * US_PER_SECOND)
    # The hours of the week in which a human acts.
    staffed = np.zeros(HOURS_PER_WEEK, dtype=bool)
    staffed[events.t_us[context.contacts.human] // US_PER_HOUR % HOURS_PER_WEEK] = True
    unstaffed = ~staffed[contacts["begin_us"] // US_PER_HOUR % HOURS_PER_WEEK]
    at_once, out_of_hours = estimands.values()
    # Where no human ever acts, there are no hours of theirs to be outside of.
    return {
        names[0]: share(contacts, quick, True, at_once),
        names[1]: share(contacts, quick, unstaffed, out_of_hours)
        if staffed.any()
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
    rows = context.contacts.rows
    seconds = np.maximum(rows["handling_us"], US_PER_SECOND) / US_PER_SECOND
    thousandths = np.rint(np.log(seconds) * LOG_STEPS)
    return {name: compare_spread(rows, thousandths, estimand)}


def supporting_satisfied(context: ParadoxContext) -> Figures:
    """How many of the contacts were rated at all."""
    estimand = context.estimand("rated")
    if not context.journeys.has("rating_micro"):
        return {"rated": estimand.none("no_column")}
    rows = context.contacts.rows
    rated = rows["rating_micro"] != MISSING
    return {"rated": share(rows, rated, rows["arm"] == BOT, estimand)}


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
            context, "by_bots", context.estimand("through_one_bot_alone")
        ),
        "dependence": _dependence(context),
        "corrections": _corrections(context),
        "without_main_bot": _without_main_bot(context),
    }


def _dependence(context: ParadoxContext) -> Estimate:
    estimand = context.estimand("dependence", "index")
    sums, _bots, people = count_by_bot(context, context.served)

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
    contacts, journeys = context.contacts, context.journeys
    events = contacts.events
    if declared is not None:
        check_declared(journeys, "corrected", declared)
        wrong = events.mark(f"{declared} is set", flag_of(journeys, declared)[1])
    elif reason := text_abstain_reason(journeys):
        return estimand.none(reason)
    else:
        spoken = contacts.bot | contacts.human | contacts.customer
        many = int(contacts.number.max(initial=-1)) + 1
        before = row_before(np.where(spoken, contacts.number, -1), many)
        after_bot = (before >= 0) & contacts.bot[before]
        speaks = journeys.log.schema.customer_speaks
        says_so = ibis.cases((speaks, says_wrong(_.text)), else_=False)
        wrong = spoken & after_bot & events.mark("says that it is wrong", says_so)
    counted = np.flatnonzero(wrong | contacts.bot)
    units = events.customer, events.journey, events.group.astype(np.int64)
    rows = Rows(dict(zip(("customer_no", "journey", "group"), units, strict=True)), counted)
    sums, people = group_totals(rows, wrong[counted], contacts.bot[counted])
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
    sums, bots, _people = count_by_bot(context, context.served)
    if not bots:
        return estimand.none("unidentified")
    main = bots[int(sums.sum(axis=0)[0].argmax())]
    contacts, rows = context.contacts, context.contacts.rows
    acts = contacts.bot & (context.bots.number == main)
    days = contacts.events.t_us[acts] // US_PER_DAY
    first, last = int(days.min()), int(days.max())
    if len(days) < ACTS_PER_DAY * (last - first + 1):
        return estimand.none("n_small")
    day = rows["begin_us"] // US_PER_DAY - first
    acted = np.zeros(last - first + 1, dtype=bool)
    acted[days - first] = True
    within = np.flatnonzero((day >= 0) & (day < len(acted)))
    without = rows.where(within[~acted[day[within]]])
    if not len(without):
        return estimand.none("unidentified")
    return share(without, ~without["failed"], True, estimand)


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
