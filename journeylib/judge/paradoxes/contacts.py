"""Contacts with bots and with people, and the matters that they are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import ibis
import pandas as pd
from ibis import _

from journeylib.core import US_PER_DAY, refuse_unknown
from journeylib.journeys import Journeys
from journeylib.judge.settings import ParadoxSettings
from journeylib.log import customer_numbers, hand_over, reusable
from journeylib.measures import MeasureSettings, with_sessions

US = 1_000_000
_KEY = ["journey", "opened"]
_COLUMNS = {
    "t_us": "int64",
    "service_us": "int64",
    **dict.fromkeys(("session", "intent", "resource", "text"), "string"),
    **dict.fromkeys(("cost_micro", "rating_micro", "sentiment_micro"), "int64"),
    "ai_disclosed": "boolean",
}
_NOT_USED = ("", "0", "no", "none", "false")


@dataclass(frozen=True)
class Contacts:
    """The contacts of a log in which a bot or a human acts.

    Attributes
    ----------
    turns : ibis.Table
        One row per step with its contact (``journey``, ``opened``).
    table : ibis.Table
        One row per contact: ``customer_no``, ``group``, ``intent``; ``arm`` (1 a bot acts first,
        0 a human does, null where a human does outside the baseline); ``human`` (one acts),
        ``begin_us``, ``answer_us`` (from the customer's first act to the first answer; null where
        the customer does not act in it), ``handling_us`` (from the first answer to the contact's
        end), ``cost_micro``, ``rating_micro`` (the last), ``fields`` (of personal data that bots
        used; the most that one turn did), ``frustrated``, ``looped``, ``personal``, ``failed``
        (boolean).
    """

    turns: ibis.Table
    table: ibis.Table


def find_contacts(
    journeys: Journeys,
    sessions: pd.DataFrame | None,
    settings: ParadoxSettings,
    measures: MeasureSettings,
) -> Contacts:
    """Find the contacts of a log with actors.

    Parameters
    ----------
    journeys : Journeys
        With actors.
    sessions : pandas.DataFrame or None
        `Handoffs.session_table`.
    settings : ParadoxSettings
    measures : MeasureSettings
        What a session is.

    Notes
    -----
    A contact is a session (`measures.sessions.with_sessions`). It is the bot's if a bot acts
    before any human: what the human costs whom a bot calls in, and whether that human solves the
    matter, is laid to the bot.
    """
    turns = contact_turns(journeys, measures, settings.personal_data)
    return Contacts(turns, _facts(turns, journeys, sessions, settings).cache())


def contact_turns(
    journeys: Journeys, measures: MeasureSettings, personal_data: str | None = None
) -> ibis.Table:
    """Return the steps with ``opened``, the first step of the contact they are part of."""
    steps = with_sessions(journeys, measures)
    there = [name for name in _COLUMNS if _in_log(journeys, name)]
    turns = steps.mutate(
        personal=_fields_used(steps, personal_data),
        dropped=_.touchpoint.isin(journeys.settings.bad_ends),
    ).select(
        *("journey", "customer_no", "group", "step", "touchpoint", "touchpoint_no", "actor"),
        *("personal", "dropped", "opened", *there),
    )
    # What the log does not have takes no room.
    absent = {name: ibis.null(kind) for name, kind in _COLUMNS.items() if name not in there}
    turns = turns.cache().mutate(**absent)
    return reusable(turns.mutate(done_us=_.t_us + _.service_us.fill_null(0)))


def _in_log(journeys: Journeys, column: str) -> bool:
    return journeys.has("end_us" if column == "service_us" else column)


def check_declared(steps: ibis.Table, setting: str, column: str) -> None:
    """Refuse a setting that names no column of the log."""
    problem = "'{of}' names '{name}', which is no column of the log.{near} Declare it under "
    refuse_unknown([column], steps.columns, f"{problem}'attributes'.", of=setting)


def _fields_used(steps: ibis.Table, column: str | None) -> Any:
    """Return how many fields a cell names, joined by commas; a number is the number of fields."""
    if column is None:
        return ibis.null("int64")
    check_declared(steps, "personal_data", column)
    cell = steps[column].cast("string").strip().lower()
    number = cell.re_extract(r"^(\d{1,6})(?:\.0*)?$", 1).nullif("").cast("int64")
    names = cell.re_replace(r"^[\s,]+|[\s,]+$", "").re_replace(r"[\s,]*,[\s,]*", ",")
    commas = names.length() - names.replace(",", "").length()
    return ibis.cases(
        (cell.isnull() | cell.isin(_NOT_USED), 0), else_=ibis.coalesce(number, commas + 1)
    )


def _facts(
    turns: ibis.Table, journeys: Journeys, sessions: pd.DataFrame | None, settings: ParadoxSettings
) -> ibis.Table:
    bot, human, customer = (_.actor == who for who in ("bot", "human", "customer"))

    def if_there(column: str, value: Any) -> Any:
        return value if _in_log(journeys, column) else ibis.null(_COLUMNS[column])

    facts = turns.group_by([*_KEY, "customer_no", "group"]).aggregate(
        intent=if_there("intent", _.intent.argmin(_.step, where=_.intent.notnull())),
        first_bot=_.step.min(where=bot),
        first_human=_.step.min(where=human),
        first_customer=_.step.min(where=customer),
        begin_us=_.t_us.min(),
        bot_us=_.t_us.min(where=bot),
        served_us=_.t_us.min(where=bot | human),
        asked_us=_.t_us.min(where=customer),
        cost_micro=if_there("cost_micro", _.cost_micro.sum()),
        rating_micro=if_there(
            "rating_micro", _.rating_micro.argmax(_.step, where=_.rating_micro.notnull())
        ),
        done_us=_.done_us.max(),
        fields=_.personal.max(where=bot).fill_null(0),
        dropped=_.dropped.any(),
    )
    facts = _with_ends(facts.filter(_.first_bot.notnull() | _.first_human.notnull()), sessions)
    first = ibis.least(_.first_bot, _.first_human)
    by_bot = _.first_bot.notnull() & (_.first_human.isnull() | (_.first_bot < _.first_human))
    waited = (_.first_customer < first).ifelse(_.served_us - _.asked_us, 0)
    return facts.mutate(
        arm=ibis.cases((by_bot, 1), (_comparable(settings.baseline), 0)),
        personal=_.fields > 0,
        handling_us=_.done_us - _.served_us,
        human=_.first_human.notnull(),
        answer_us=_.first_customer.notnull().ifelse(waited, ibis.null("int64")),
        failed=_.dropped | (_.frustrated & _.first_human.isnull()),
    ).drop(
        "first_bot", "first_human", "first_customer", "bot_us", "served_us", "asked_us", "done_us"
    )


def _with_ends(facts: ibis.Table, sessions: pd.DataFrame | None) -> ibis.Table:
    """Add ``frustrated`` and ``looped`` of the bot session that begins at the first bot turn."""
    no = ibis.literal(False)
    if sessions is None:
        return facts.mutate(frustrated=no, looped=no)
    begun = sessions[sessions["start_us"].notna()].assign(
        frustrated=sessions["end"] == "frustrated"
    )
    ended = begun.groupby(["customer_no", "start_us"], as_index=False)[["frustrated", "looped"]]
    columns = {"customer_no": "of_customer"}
    known = ended.any().rename(columns=columns).astype({"start_us": "int64"})
    ends = hand_over(ibis.memtable(known), facts.get_backend())
    joined = facts.left_join(
        ends, [facts.customer_no == ends.of_customer, facts.bot_us == ends.start_us]
    )
    return joined.mutate(frustrated=_.frustrated.fill_null(no), looped=_.looped.fill_null(no)).drop(
        "of_customer", "start_us"
    )


def _comparable(baseline: Any) -> Any:
    if baseline is None:
        return ibis.literal(True)
    since, until = (datetime.combine(day, time(), UTC) for day in baseline)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    first, after = ((at - epoch) // timedelta(microseconds=1) for at in (since, until))
    return (_.begin_us >= first) & (_.begin_us < after + US_PER_DAY)


def episodes(
    contacts: Contacts, journeys: Journeys, measures: MeasureSettings, mature_days: float
) -> ibis.Table:
    """Return one row per matter: contacts of one customer in one intent, each soon after the last.

    Returns
    -------
    ibis.Table
        ``journey``, ``customer_no``, ``group``, ``intent``, ``arm`` and ``fields`` (of the
        first contact), ``begin_us``, ``contacts``, ``cost_micro`` (of all contacts; null where
        no cost is known), ``resolved`` (after the last contact the customer did not come back
        within ``repeat_days``, and it did not fail), ``at_once`` (resolved by the first). Only
        matters that begin at least `mature_days` before the log's end, of a known intent where
        the log has intents.
    """
    window = round(measures.repeat_days * US_PER_DAY)
    last_us = int(journeys.last_us or 0)
    table = contacts.table.filter(_.begin_us.notnull())
    if journeys.has("intent"):
        table = table.filter(_.intent.notnull())
    same: dict[str, Any] = {
        "group_by": ["customer_no", "intent"],
        "order_by": ["begin_us", *_KEY],
    }
    gap = _.begin_us - _.begin_us.lag().over(ibis.window(**same))
    opened = table.mutate(
        opens=(gap > window).fill_null(True).cast("int64"),
        place=ibis.row_number().over(ibis.window(**same)),
    )
    numbered = opened.mutate(episode=_.opens.sum().over(ibis.window(preceding=(None, 0), **same)))
    matters = numbered.group_by(["customer_no", "group", "intent", "episode"]).aggregate(
        journey=_.journey.argmin(_.place),
        first=_.place.min(),
        # A null is skipped by argmin, and a human contact outside the baseline has no arm.
        arm=_.arm.fill_null(-1).argmin(_.place).nullif(-1),
        fields=_.fields.argmin(_.place),
        begin_us=_.begin_us.min(),
        last_begin_us=_.begin_us.max(),
        failed=_.failed.argmax(_.place),
        contacts=_.count(),
        cost_micro=_.cost_micro.sum(),
    )
    resolved = ~_.failed & (_.last_begin_us <= last_us - window)
    mature = _.begin_us <= last_us - round(mature_days * US_PER_DAY)
    return matters.filter(mature).mutate(resolved=resolved, at_once=resolved & (_.contacts == 1))


def outcomes_of(journeys: Journeys, kinds: tuple[str, ...]) -> ibis.Table | None:
    """Return ``customer_no``, ``t_us``, ``kind``, ``value_micro`` of dated outcomes, or None."""
    if journeys.log.outcomes is None or not kinds:
        return None
    outcomes = journeys.log.outcomes.filter(
        _.kind.isin(kinds) & _.t_us.notnull() & (_.value_micro > 0)
    )
    return outcomes.inner_join(customer_numbers(journeys.log.events), "customer").select(
        "customer_no", "t_us", "kind", "value_micro"
    )


def with_outcome_costs(
    matters: ibis.Table, journeys: Journeys, settings: ParadoxSettings
) -> ibis.Table:
    """Add to ``cost_micro`` what came of each matter, at the declared ``outcome_costs``.

    An outcome is laid to the last matter that the customer opened within ``outcome_days``
    before it, so that it counts once.
    """
    outcomes = outcomes_of(journeys, tuple(sorted(settings.outcome_costs)))
    if outcomes is None:
        return matters
    price = ibis.cases(
        *(
            (_.kind == kind, round(cost * US))
            for kind, cost in sorted(settings.outcome_costs.items())
        )
    )
    # Numbered by content: two outcomes of one customer at one moment are still two.
    priced = outcomes.mutate(extra_micro=(_.value_micro * price / US).round().cast("int64"))
    priced = priced.group_by(["customer_no", "t_us"]).aggregate(extra_micro=_.extra_micro.sum())
    key = ["customer_no", "intent", "episode"]
    spots = matters.select(*key, "begin_us", "journey")
    window = round(settings.outcome_days * US_PER_DAY)
    before = spots.inner_join(priced, "customer_no").filter(
        (_.t_us >= _.begin_us) & (_.t_us - _.begin_us <= window)
    )
    latest = ibis.window(
        group_by=["customer_no", "t_us"],
        order_by=[ibis.desc("begin_us"), "journey", "intent", "episode"],
    )
    laid = before.mutate(place=ibis.row_number().over(latest)).filter(_.place == 0)
    extra = laid.group_by(["customer_no", "journey", "begin_us", "intent", "episode"]).aggregate(
        extra_micro=_.extra_micro.sum()
    )
    # An unknown intent (a log without intents) is one value here, which a join would not match.
    left = matters.mutate(about=_.intent.fill_null(""))
    right = extra.mutate(about=_.intent.fill_null("")).select(
        "customer_no", "about", "episode", "extra_micro"
    )
    return left.left_join(right, ["customer_no", "about", "episode"]).mutate(
        cost_micro=_.cost_micro + _.extra_micro.fill_null(0)
    )
