"""Contacts with bots and with people, and the matters that they are about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journeylib.core import MICRO, US_PER_DAY, refuse_unknown
from journeylib.journeys import (
    MISSING,
    Codes,
    Events,
    Journeys,
    Runs,
    first_in,
    largest_in,
    last_in,
    runs_of,
    sum_in_cells,
    value_at,
)
from journeylib.judge.settings import ParadoxSettings
from journeylib.log import customer_numbers, fetch
from journeylib.measures import MeasureSettings, at_bad_ends, sessions_of

Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
BOT, HUMAN, NEITHER = 1, 0, -1
_NOT_USED = ("", "0", "no", "none", "false")
_NUMBER = re.compile(r"([0-9]{1,6})(?:\.0*)?")


@dataclass(frozen=True, eq=False)
class Contacts:
    """The contacts of a log in which a bot or a human acts.

    Attributes
    ----------
    events : Events
    number : ndarray of int64
        Of the contact that each event belongs to; also of those in which nobody serves.
    bot, human, customer : ndarray of bool
        Who acts in each event.
    table : pandas.DataFrame
        One row per contact: its ``contact``; number of its ``journey``, ``customer_no``,
        ``group``; ``intent`` (number of the word, −1 unknown); ``arm`` (`BOT` where a bot acts
        first, `HUMAN` where a human does, `NEITHER` where a human does outside the baseline);
        ``human`` (one acts), ``begin_us``, ``answer_us`` (from the customer's first act to the
        first answer; missing where the customer does not act in it), ``handling_us`` (from the
        first answer to the contact's end), ``cost_micro``, ``rating_micro`` (the last), ``fields``
        (of personal data that bots used; the most that one turn did), ``frustrated``, ``looped``,
        ``failed`` (boolean). A missing number is `MISSING`.
    """

    events: Events
    number: Whole
    bot: Flags
    human: Flags
    customer: Flags
    table: pd.DataFrame


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
    A contact is a session (`measures.sessions.sessions_of`). It is the bot's if a bot acts
    before any human: what the human costs whom a bot calls in, and whether that human solves the
    matter, is laid to the bot.
    """
    events, actor = journeys.events, journeys.events.column("actor")
    number = sessions_of(journeys, measures)
    acts = [actor.is_word(who) for who in ("bot", "human", "customer")]
    table = _with_ends(_facts(journeys, number, acts, settings), sessions)
    table["failed"] = table.pop("dropped") | (table["frustrated"] & ~table["human"])
    bot, human, customer = acts
    return Contacts(events, number, bot, human, customer, table)


def _facts(
    journeys: Journeys, number: Whole, acts: list[Flags], settings: ParadoxSettings
) -> pd.DataFrame:
    """Return one row per contact in which a bot or a human acts, without how it ended."""
    events, many = journeys.events, int(number.max(initial=-1)) + 1
    runs = runs_of(number, many)
    every = np.ones(len(events), dtype=bool)
    opened = first_in(runs, every)
    bot, human, customer = (first_in(runs, who) for who in acts)
    served = first_in(runs, acts[0] | acts[1])
    nothing, timeless = np.full(many, MISSING), not journeys.has_clock
    t_us = np.full(len(events), MISSING) if timeless else events.t_us
    served_us = value_at(t_us, served, MISSING)
    asked_us = value_at(t_us, customer, MISSING)
    done_us = nothing if timeless else largest_in(runs, events.done_us, every)
    waited = np.where((customer >= 0) & (customer < served), served_us - asked_us, 0)
    intent, dropped = np.full(many, -1), at_bad_ends(journeys)
    if journeys.has("intent"):
        about = events.column("intent")
        intent = value_at(about.number, first_in(runs, about.known), -1)
    rating = nothing
    if journeys.has("rating_micro"):
        last = last_in(runs, events.known("rating_micro"))
        rating = value_at(events.column("rating_micro"), last, MISSING)
    by_bot = (bot >= 0) & (bot == served)
    begin_us = t_us[opened]
    arm = np.where(by_bot, BOT, np.where(_comparable(begin_us, settings), HUMAN, NEITHER))
    facts = pd.DataFrame(
        {
            "contact": np.arange(many),
            "journey": events.journey[opened],
            "customer_no": events.customer[opened].astype(np.int64),
            "group": events.group[opened].astype(np.int64),
            "intent": intent,
            "arm": arm,
            "human": human >= 0,
            "begin_us": begin_us,
            "answer_us": np.where((customer < 0) | timeless, MISSING, waited),
            "handling_us": np.where((served < 0) | timeless, MISSING, done_us - served_us),
            "cost_micro": _costs(events, number, runs) if events.has("cost_micro") else nothing,
            "rating_micro": rating,
            "fields": _fields(journeys, runs, acts[0], settings.personal_data),
            "dropped": first_in(runs, dropped) >= 0,
        }
    )
    return facts[served >= 0].reset_index(drop=True)


def _costs(events: Events, number: Whole, runs: Runs) -> Whole:
    has_cost, cost = events.known("cost_micro"), events.column("cost_micro")
    total = sum_in_cells(number[has_cost], cost[has_cost], len(runs[1]))
    return np.where(first_in(runs, has_cost) >= 0, total, MISSING)


def _comparable(begin_us: Whole, settings: ParadoxSettings) -> Flags:
    """Mark what begins in the baseline, where there is one."""
    if settings.baseline is None:
        return np.ones(len(begin_us), dtype=bool)
    since, until = (datetime.combine(day, time(), UTC) for day in settings.baseline)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    first, after = ((at - epoch) // timedelta(microseconds=1) for at in (since, until))
    return (begin_us >= first) & (begin_us < after + US_PER_DAY)


def check_declared(journeys: Journeys, setting: str, column: str) -> None:
    """Refuse a setting that names no column of the log."""
    problem = "'{of}' names '{name}', which is no column of the log.{near} Declare it under "
    refuse_unknown([column], journeys.column_names, f"{problem}'attributes'.", of=setting)


def _fields(journeys: Journeys, runs: Runs, bot: Flags, column: str | None) -> Whole:
    """Return the most fields of personal data that one turn of a bot used, by contact."""
    if column is None:
        return np.zeros(len(runs[1]), dtype=np.int64)
    check_declared(journeys, "personal_data", column)
    cells: Codes = journeys.events.values(f"cells of {column}", _[column].cast("string"))
    used = np.array([*(fields_used(cell) for cell in cells.words), 0], dtype=np.int64)
    return np.maximum(largest_in(runs, used[cells.number], bot), 0)


def fields_used(cell: str) -> int:
    """Return how many fields a cell names, joined by commas; a number is the number of fields.

    Examples
    --------
    >>> fields_used("address, ,birthday"), fields_used("3.0"), fields_used("none")
    (2, 3, 0)
    """
    cell = cell.strip().lower()
    if cell in _NOT_USED:
        return 0
    number = _NUMBER.fullmatch(cell)
    if number is not None:
        return int(number[1])
    names = re.sub(r"^[\s,]+|[\s,]+\Z", "", cell, flags=re.ASCII)
    return len(re.findall(r"[\s,]*,[\s,]*", names, flags=re.ASCII)) + 1


def _with_ends(facts: pd.DataFrame, sessions: pd.DataFrame | None) -> pd.DataFrame:
    """Add ``frustrated`` and ``looped`` of the bot session that a contact of a bot is.

    Of each customer the first such contact is the first bot session, and so on: no clock is
    needed to tell which is which.
    """
    if sessions is None:
        return facts.assign(frustrated=False, looped=False)
    own = sessions.sort_values("session_no")
    ends = pd.DataFrame(
        {
            "customer_no": own["customer_no"].astype("int64"),
            "nth": own.groupby("customer_no").cumcount(),
            "frustrated": (own["end"] == "frustrated").to_numpy(dtype=bool),
            "looped": own["looped"].to_numpy(dtype=bool),
        }
    )
    of_bots = facts["arm"] == BOT
    facts["nth"] = (
        facts[of_bots].groupby("customer_no").cumcount().reindex(facts.index, fill_value=-1)
    )
    joined = facts.merge(ends, how="left", on=["customer_no", "nth"]).drop(columns="nth")
    for name in ("frustrated", "looped"):
        joined[name] = joined[name].eq(True).to_numpy(dtype=bool)
    return joined


def episodes(
    contacts: Contacts, journeys: Journeys, measures: MeasureSettings, mature_days: float
) -> pd.DataFrame:
    """Return one row per matter: contacts of one customer in one intent, each soon after the last.

    Returns
    -------
    pandas.DataFrame
        ``journey``, ``customer_no``, ``group``, ``intent``, ``arm`` and ``fields`` (of the
        first contact), ``begin_us``, ``contacts``, ``cost_micro`` (of all contacts; `MISSING`
        where no cost is known), ``resolved`` (after the last contact the customer did not come
        back within ``repeat_days``, and it did not fail), ``at_once`` (resolved by the first).
        Only matters that begin at least `mature_days` before the log's end, of a known intent
        where the log has intents.
    """
    window, last_us = round(measures.repeat_days * US_PER_DAY), int(journeys.last_us or 0)
    table = contacts.table[contacts.table["begin_us"] != MISSING]
    if journeys.has("intent"):
        table = table[table["intent"] >= 0]
    # Contacts of one moment stand in the order of their steps.
    order = ["customer_no", "intent", "begin_us", "contact"]
    table = table.sort_values(order, ignore_index=True)
    begin, about = table["begin_us"].to_numpy(), table[["customer_no", "intent"]].to_numpy()
    opens = np.ones(len(table), dtype=bool)
    opens[1:] = (about[1:] != about[:-1]).any(axis=1) | (np.diff(begin) > window)
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(table))[: len(first)] - 1
    of = np.cumsum(opens) - 1
    cost = table["cost_micro"].to_numpy()
    matter = np.where(cost == MISSING, -1, of)
    columns = ["journey", "customer_no", "group", "intent", "arm", "fields", "begin_us"]
    resolved = ~table["failed"].to_numpy()[last] & (begin[last] <= last_us - window)
    matters = table.loc[first, columns].assign(
        contacts=last - first + 1,
        cost_micro=np.where(
            np.bincount(matter[matter >= 0], minlength=len(first)) > 0,
            sum_in_cells(matter, cost, len(first)),
            MISSING,
        ),
        resolved=resolved,
        at_once=resolved & (last == first),
    )
    mature = matters["begin_us"] <= last_us - round(mature_days * US_PER_DAY)
    return matters[mature].reset_index(drop=True)


def outcomes_of(journeys: Journeys, kinds: tuple[str, ...]) -> pd.DataFrame | None:
    """Return ``customer_no``, ``t_us``, ``kind``, ``value_micro`` of dated outcomes, or None."""
    if journeys.log.outcomes is None or not kinds:
        return None
    happened = journeys.log.outcomes.filter(
        _.kind.isin(kinds) & _.t_us.notnull() & (_.value_micro > 0)
    )
    columns = ["customer_no", "t_us", "kind", "value_micro"]
    numbered = happened.inner_join(customer_numbers(journeys.log.events), "customer")
    return fetch(numbered.select(*columns)).astype({"customer_no": "int64"})


def with_outcome_costs(
    matters: pd.DataFrame, journeys: Journeys, settings: ParadoxSettings
) -> pd.DataFrame:
    """Add to ``cost_micro`` what came of each matter, at the declared ``outcome_costs``.

    An outcome is laid to the last matter that the customer opened within ``outcome_days``
    before it, so that it counts once.
    """
    outcomes = outcomes_of(journeys, tuple(sorted(settings.outcome_costs)))
    if outcomes is None or outcomes.empty or matters.empty:
        return matters
    prices = {kind: round(cost * MICRO) for kind, cost in settings.outcome_costs.items()}
    price = outcomes["kind"].map(prices).to_numpy(dtype=np.float64)
    exact = outcomes["value_micro"].to_numpy(dtype=np.float64) * price / MICRO
    half_up = np.sign(exact) * np.floor(np.abs(exact) + 0.5)
    priced = outcomes.assign(extra_micro=half_up.astype(np.int64)).sort_values("t_us")
    # Of matters that were opened at one moment the first by journey and intent is the last here.
    opened = matters.assign(row=np.arange(len(matters))).sort_values(
        ["begin_us", "journey", "intent", "row"], ascending=[True, False, False, False]
    )
    laid = pd.merge_asof(
        priced[["customer_no", "t_us", "extra_micro"]],
        opened[["customer_no", "begin_us", "row"]],
        left_on="t_us",
        right_on="begin_us",
        by="customer_no",
        tolerance=round(settings.outcome_days * US_PER_DAY),
    ).dropna(subset=["row"])
    extra = np.zeros(len(matters), dtype=np.int64)
    np.add.at(extra, laid["row"].to_numpy(dtype=np.int64), laid["extra_micro"].to_numpy())
    return matters.assign(cost_micro=matters["cost_micro"] + extra)
