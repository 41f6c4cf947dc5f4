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
    rows_in_order,
    sum_in_cells,
    value_at,
)
from journeylib.judge.paradoxes.rows import Numbers, Rows
from journeylib.judge.settings import ParadoxSettings
from journeylib.log import customer_numbers, fetch
from journeylib.measures import UNSET_WORDS, Conversations, MeasureSettings, at_bad_ends

Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
BOT, HUMAN, NEITHER = 1, 0, -1
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
    rows : Rows
        One per contact, in order: its ``contact``; number of its ``journey``, ``customer_no``,
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
    rows: Rows


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
    A contact is a session (`measures.sessions_of`). It is the bot's if a bot acts
    before any human: what the human costs whom a bot calls in, and whether that human solves the
    matter, is laid to the bot.
    """
    talk = Conversations(journeys, measures)
    served, speech = talk.served, talk.speech
    runs = talk.runs[0], talk.runs[1][served.session], talk.runs[2][served.session]
    facts = _openings(talk) | _times(talk, runs)
    compared = np.where(_comparable(facts["begin_us"], settings), HUMAN, NEITHER)
    facts["arm"] = np.where(served.by_bot, BOT, compared)
    facts["cost_micro"], facts["rating_micro"] = _costs(talk, runs), _ratings(talk.events, runs)
    facts["fields"] = _fields(journeys, runs, speech.bot, settings.personal_data)
    facts |= _ends(facts, sessions)
    dropped = first_in(runs, at_bad_ends(journeys)) >= 0
    facts["failed"] = dropped | (facts["frustrated"] & ~facts["human"])
    # In others a customer asks, and nobody serves.
    own = np.flatnonzero(served.by_bot | facts["human"])
    rows = Rows({name: column[own] for name, column in facts.items()})
    return Contacts(talk.events, talk.session, speech.bot, speech.human, speech.customer, rows)


def _openings(talk: Conversations) -> dict[str, Numbers]:
    """Return of each contact whose it is, what it is about, and whether a human acts in it."""
    events, served = talk.events, talk.served
    return {
        "contact": served.session,
        "journey": events.journey[served.begin],
        "customer_no": events.customer[served.begin],
        "group": events.group[served.begin].astype(np.int64),
        "intent": value_at(talk.speech.intent, served.about, -1),
        "human": served.human >= 0,
    }


def _times(talk: Conversations, runs: Runs) -> dict[str, Numbers]:
    """Return when each contact begins, and how long it waits for an answer and goes on then."""
    names, served, t_us = ("begin_us", "answer_us", "handling_us"), talk.served, talk.begin_us
    if not talk.journeys.has_clock:
        return dict.fromkeys(names, np.full(len(served.session), MISSING))
    answer = np.where(served.by_bot, served.bot, served.human)
    waits = np.where(served.customer < answer, t_us[answer] - t_us[served.customer], 0)
    done_us = largest_in(runs, talk.events.done_us, np.ones(len(t_us), dtype=bool))
    answer_us = np.where(served.customer < 0, MISSING, waits)
    times = t_us[served.begin], answer_us, done_us - t_us[answer]
    return dict(zip(names, times, strict=True))


def _ratings(events: Events, runs: Runs) -> Whole:
    """Return the last rating of each contact."""
    if not events.has("rating_micro"):
        return np.full(len(runs[1]), MISSING)
    last = last_in(runs, events.known("rating_micro"))
    return value_at(events.column("rating_micro"), last, MISSING)


def _costs(talk: Conversations, runs: Runs) -> Whole:
    """Return what is known of the cost of each contact."""
    if not talk.events.has("cost_micro"):
        return np.full(len(runs[1]), MISSING)
    has_cost, cost = talk.events.known("cost_micro"), talk.events.column("cost_micro")
    total = sum_in_cells(talk.session[has_cost], cost[has_cost], talk.sessions)
    return np.where(first_in(runs, has_cost) >= 0, total[talk.served.session], MISSING)


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
    >>> fields_used("Nein"), fields_used("0.0"), fields_used("off")
    (0, 0, 0)
    """
    cell = cell.strip().lower()
    if cell in UNSET_WORDS:
        return 0
    number = _NUMBER.fullmatch(cell)
    if number is not None:
        return int(number[1])
    names = re.sub(r"^[\s,]+|[\s,]+\Z", "", cell, flags=re.ASCII)
    return len(re.findall(r"[\s,]*,[\s,]*", names, flags=re.ASCII)) + 1


def _ends(facts: dict[str, Numbers], sessions: pd.DataFrame | None) -> dict[str, Flags]:
    """Return ``frustrated`` and ``looped`` of the bot session that a contact of a bot is.

    Of each customer the first such contact is the first bot session, and so on: no clock is
    needed to tell which is which.
    """
    ends = {name: np.zeros(len(facts["arm"]), dtype=bool) for name in ("frustrated", "looped")}
    if sessions is None:
        return ends
    contact = np.flatnonzero(facts["arm"] == BOT)
    customer, owner = facts["customer_no"][contact], sessions["customer_no"].to_numpy()
    nth = np.arange(len(customer)) - np.searchsorted(customer, customer)
    session = np.searchsorted(owner, customer) + nth
    same = np.append(owner, -1)[np.minimum(session, len(owner))] == customer
    contact, session = contact[same], session[same]
    ends["frustrated"][contact] = (sessions["end"] == "frustrated").to_numpy()[session]
    ends["looped"][contact] = sessions["looped"].to_numpy()[session]
    return ends


def episodes(contacts: Contacts, journeys: Journeys, measures: MeasureSettings) -> Rows:
    """Return one row per matter: contacts of one customer in one intent, each soon after the last.

    Returns
    -------
    Rows
        ``journey``, ``customer_no``, ``group``, ``intent``, ``arm`` and ``fields`` (of the
        first contact), ``begin_us``, ``contacts``, ``cost_micro`` (of all contacts; `MISSING`
        where no cost is known), ``resolved`` (after the last contact the customer did not come
        back within ``repeat_days``, and it did not fail), ``at_once`` (resolved by the first).
        Only matters of a known intent where the log has intents, in the order of first contacts.
    """
    window, last_us = round(measures.repeat_days * US_PER_DAY), int(journeys.last_us or 0)
    rows = contacts.rows
    is_eligible = (rows["intent"] >= 0) | (not journeys.has("intent"))
    rows = rows.where((rows["begin_us"] != MISSING) & is_eligible)
    # Contacts of one moment stand in the order of their steps.
    about = ("begin_us", "intent", "customer_no")
    rows = rows.where(rows_in_order(*(rows[name] for name in about)))
    begin, intent, customer = (rows[name] for name in about)
    opens = np.ones(len(rows), dtype=bool)
    opens[1:] = np.diff(begin) > window
    opens[1:] |= (intent[1:] != intent[:-1]) | (customer[1:] != customer[:-1])
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(rows))[: len(first)] - 1
    cost = rows["cost_micro"]
    matter = np.where(cost == MISSING, -1, np.cumsum(opens) - 1)
    priced = np.bincount(matter[matter >= 0], minlength=len(first)) > 0
    resolved = ~rows["failed"][last] & (begin[last] <= last_us - window)
    columns = ("contact", "journey", "customer_no", "group", "intent", "arm", "fields", "begin_us")
    matters = {name: rows[name][first] for name in columns} | {
        "contacts": last - first + 1,
        "cost_micro": np.where(priced, sum_in_cells(matter, cost, len(first)), MISSING),
        "resolved": resolved,
        "at_once": resolved & (last == first),
    }
    return Rows(matters).where(rows_in_order(matters["contact"]))


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


def with_outcome_costs(matters: Rows, journeys: Journeys, settings: ParadoxSettings) -> Rows:
    """Add to ``cost_micro`` what came of each matter, at the declared ``outcome_costs``.

    An outcome is laid to the last matter that the customer opened within ``outcome_days``
    before it, so that it counts once.
    """
    outcomes = outcomes_of(journeys, tuple(sorted(settings.outcome_costs)))
    if outcomes is None or outcomes.empty or not len(matters):
        return matters
    prices = {kind: round(cost * MICRO) for kind, cost in settings.outcome_costs.items()}
    price = outcomes["kind"].map(prices).to_numpy(dtype=np.float64)
    exact = outcomes["value_micro"].to_numpy(dtype=np.float64) * price / MICRO
    half_up = np.sign(exact) * np.floor(np.abs(exact) + 0.5)
    priced = outcomes.assign(extra_micro=half_up.astype(np.int64)).sort_values("t_us")
    # Of matters that were opened at one moment the first by journey and intent is the last here.
    order = np.lexsort([-matters["intent"], -matters["journey"], matters["begin_us"]])
    whose, begin_us = matters["customer_no"][order].astype(np.int64), matters["begin_us"][order]
    opened = pd.DataFrame({"customer_no": whose, "begin_us": begin_us, "row": order})
    laid = pd.merge_asof(
        priced[["customer_no", "t_us", "extra_micro"]],
        opened,
        left_on="t_us",
        right_on="begin_us",
        by="customer_no",
        tolerance=round(settings.outcome_days * US_PER_DAY),
    ).dropna(subset=["row"])
    extra = np.zeros(len(matters), dtype=np.int64)
    np.add.at(extra, laid["row"].to_numpy(dtype=np.int64), laid["extra_micro"].to_numpy())
    return matters.assign(cost_micro=matters["cost_micro"] + extra)
