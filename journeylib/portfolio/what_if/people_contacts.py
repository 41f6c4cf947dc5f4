"""Contacts that reach people, with their wait and length, and the bot sessions before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib import measures
from journeylib.core import AbstainReason
from journeylib.journeys import MISSING, Journeys, first_in, largest_in, last_in, value_at

US_PER_HOUR, HOURS = 3_600_000_000, 168
US_PER_WEEK = HOURS * US_PER_HOUR
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class QueueRecords:
    """What a log holds of queues for people; working tables, never shown.

    Attributes
    ----------
    contacts : pandas.DataFrame
        One row per session that waited for a person: ``touchpoint`` (where people serve it),
        ``customer``, ``group``, ``week``, ``hour`` (of the week, 0 to 167), ``begin_us``,
        ``end_us`` (of the service; `MISSING` if none or unknown), ``wait_us`` (`MISSING` if
        unknown), ``gave_up``, ``came_back``, ``after_bot`` (bool), ``bot`` (touchpoint of that
        bot or ""), ``resource``, ``segment`` (str, "" if unknown), ``feeling`` (score of the
        customer's first scored turn), ``emotional`` (probability of the second service type), in
        micro-units (`MISSING` if unknown).
    bots : pandas.DataFrame
        One row per bot session: ``touchpoint``, ``group``, ``week``, ``hour``, and the flags
        ``mature``, ``raw`` (no person in it), ``repeat``, ``verified``, ``unknown``.
    weeks : int
        Whole weeks; rows after them are left out.
    unknown : mapping of str to str
        ``feeling`` or ``emotional``, where nothing of it is known, to the reason.
    knows_customers : bool
        Whether the log tells customers from cases: else nobody is seen to come back.
    """

    contacts: pd.DataFrame = field(repr=False)
    bots: pd.DataFrame = field(repr=False)
    weeks: int
    unknown: Mapping[str, str] = field(default_factory=dict)
    knows_customers: bool = True


def queue_records(
    journeys: Journeys,
    settings: measures.MeasureSettings,
    *,
    scores: measures.Scores | AbstainReason = "no_column",
    types: measures.ServiceTypes | None = None,
) -> QueueRecords:
    """Read contacts and bot sessions off a log with actors and a clock.

    Parameters
    ----------
    journeys : Journeys
    settings : MeasureSettings
    scores : Scores or str
        What customers' turns sound like, or why nobody knows.
    types : ServiceTypes or None
        None where nobody has labelled contacts.
    """
    sessions = measures.bot_sessions(journeys, settings)
    talk = measures.Conversations(journeys, settings)
    weeks, first_us = measures.whole_weeks(journeys), journeys.first_us or 0
    contacts = _contacts(talk, sessions)
    session = contacts.pop("session")
    feeling, emotional = _feelings(talk, scores), _emotional(talk, types)
    contacts = contacts.assign(feeling=feeling[session], emotional=emotional[session])
    unknown = {} if isinstance(scores, measures.Scores) else {"feeling": str(scores)}
    if types is None or types.answer != "estimated":
        unknown["emotional"] = "no_labels" if types is None else types.answer
    bots = _bots(journeys, sessions, settings)
    for table in (contacts, bots):
        since = table.pop("arrived_us") - first_us
        table["week"] = since // US_PER_WEEK
        # 1970-01-01 was a Thursday: hour 0 is Monday's first.
        table["hour"] = ((since + first_us) // US_PER_HOUR + 72) % HOURS
    contacts, bots = (
        table[table["week"] < weeks].reset_index(drop=True) for table in (contacts, bots)
    )
    return QueueRecords(contacts, bots, weeks, unknown, journeys.log.schema.knows_customers)


def _feelings(talk: measures.Conversations, scores: measures.Scores | AbstainReason) -> Whole:
    """Return the score of the customer's first scored turn in each session."""
    if not isinstance(scores, measures.Scores):
        return np.full(talk.sessions, MISSING)
    score = measures.score_of_events(scores, talk.events)
    first = first_in(talk.runs, score != MISSING)
    return np.asarray(value_at(score, first, MISSING))


def _emotional(talk: measures.Conversations, types: measures.ServiceTypes | None) -> Whole:
    """Return the probability of the second service type of each session."""
    likely = np.full(talk.sessions, MISSING)
    if types is not None and types.answer == "estimated":
        second_type = types.second_type_micro
        likely[list(second_type.keys())] = list(second_type.values())
    return likely


def _bots(
    journeys: Journeys, sessions: measures.BotSessions, settings: measures.MeasureSettings
) -> pd.DataFrame:
    flags = measures.waterfall_flags(sessions, journeys.last_us, settings.repeat_days)
    names = ("mature", "raw", "repeat", "verified", "unknown")
    return pd.DataFrame(
        {
            "touchpoint": _named(journeys, sessions.table["touchpoint_no"].to_numpy()),
            "group": sessions.table["group"].to_numpy(np.int64),
            "arrived_us": sessions.table["start_us"].to_numpy(),
            **{name: flags[name] for name in names},
        }
    )


def _contacts(talk: measures.Conversations, sessions: measures.BotSessions) -> pd.DataFrame:
    journeys, events, speech = talk.journeys, talk.events, talk.speech
    runs, many = talk.runs, talk.sessions
    human = first_in(runs, speech.human)
    served_by_people = np.isin(events.touchpoint, np.unique(events.touchpoint[speech.human]))
    entry = first_in(runs, speech.customer & served_by_people)
    left = last_in(runs, measures.at_bad_ends(journeys))
    bot_of = np.full(many, -1, dtype=np.int64)
    bot_of[sessions.table["session"]] = np.arange(len(sessions.table))
    touchpoint_no = _queue_of(sessions, human, entry, bot_of)
    gave_up = (human < 0) & (left >= 0) & (touchpoint_no >= 0)
    rows = np.flatnonzero((human >= 0) | gave_up)
    human, entry, left, bot = human[rows], entry[rows], left[rows], bot_of[rows]
    bot_done = value_at(sessions.table["bot_done_us"].to_numpy(), bot, MISSING)
    asked = value_at(events.t_us, np.where((human < 0) | (entry < human), entry, -1), MISSING)
    since = np.where(bot >= 0, bot_done, asked)
    begin = value_at(events.t_us, human, MISSING)
    until = np.where(human >= 0, begin, value_at(events.t_us, left, MISSING))
    both_seen = (since != MISSING) & (until != MISSING)
    end = largest_in(runs, events.done_us, speech.human)[rows]
    timed = (human >= 0) & (end > begin)
    first = runs[0][runs[1]][rows]
    table = pd.DataFrame(
        {
            "touchpoint": _named(journeys, touchpoint_no[rows]),
            "session": rows,
            "customer": events.customer[first].astype(np.int64),
            "group": events.group[first].astype(np.int64),
            "arrived_us": np.where(since != MISSING, since, until),
            "begin_us": begin,
            "end_us": np.where(timed, end, MISSING),
            "wait_us": np.where(both_seen, np.maximum(until - since, 0), MISSING),
            "gave_up": human < 0,
            "after_bot": bot >= 0,
            "bot": _named(journeys, value_at(sessions.table["touchpoint_no"].to_numpy(), bot, -1)),
            "resource": _word(sessions, "resource", human),
            "segment": _word(sessions, "segment", first),
        }
    ).sort_values(["customer", "arrived_us", "begin_us"], kind="stable", ignore_index=True)
    return table.assign(came_back=_came_back(table, talk.settings.repeat_days))


def _queue_of(sessions: measures.BotSessions, human: Whole, entry: Whole, bot_of: Whole) -> Whole:
    """Return the touchpoint whose people a session waits for: of the person, else asked for.

    Sessions that gave up after a bot waited where its others are most often taken.
    """
    touchpoint = sessions.events.touchpoint
    queue = value_at(touchpoint, np.where(human >= 0, human, entry), -1).astype(np.int64)
    bot_place = value_at(sessions.table["touchpoint_no"].to_numpy(), bot_of, -1)
    pairs = pd.DataFrame({"bot": bot_place, "people": queue})[(human >= 0) & (bot_place >= 0)]
    most = pairs.value_counts(sort=False).reset_index()
    most = most.sort_values(["bot", "count", "people"], ascending=[True, False, True])
    usual = dict(most.drop_duplicates("bot")[["bot", "people"]].to_numpy().tolist())
    guess = np.array([usual.get(int(bot), -1) for bot in bot_place], dtype=np.int64)
    return np.where(queue >= 0, queue, guess)


def _came_back(table: pd.DataFrame, days: float) -> Flags:
    arrived, customer = table["arrived_us"].to_numpy(), table["customer"].to_numpy()
    soon = np.zeros(len(table), dtype=bool)
    soon[:-1] = (customer[1:] == customer[:-1]) & (
        arrived[1:] - arrived[:-1] <= round(days * 24 * US_PER_HOUR)
    )
    return soon


def _named(journeys: Journeys, number: Whole) -> list[str]:
    return [journeys.names.get(int(no), "") for no in number]


def _word(sessions: measures.BotSessions, column: str, rows: Whole) -> list[str]:
    if not sessions.events.has(column):
        return [""] * len(rows)
    codes = sessions.events.column(column)
    return [*np.array([*codes.words, ""], dtype=object)[value_at(codes.number, rows, -1)]]
