"""Conversations: who says what in the events of journeys, and the sessions that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
from ibis import _

from journeylib.core import US_PER_SECOND
from journeylib.journeys import (
    MISSING,
    Events,
    Journeys,
    Runs,
    before_first,
    compiled,
    number_pairs,
    number_sessions,
    runs_before,
    runs_of,
)
from journeylib.log import asks_for_human, awaits_answer, confirms, offers_human
from journeylib.measures.settings import MeasureSettings

Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Conversations:
    """What the events of some journeys say of bots and humans, worked out where it is asked for.

    Made of one part of a log after the other, counted, and let go.
    """

    journeys: Journeys
    settings: MeasureSettings

    @property
    def events(self) -> Events:
        """The events of the journeys."""
        return self.journeys.events

    @cached_property
    def speech(self) -> Speech:
        """Who acts in each event, and what its text says."""
        return speech_in(self.journeys, self.settings)

    @cached_property
    def begin_us(self) -> Whole:
        """When each event begins; `MISSING` without a clock."""
        clock = self.journeys.has_clock
        return self.events.t_us if clock else np.full(len(self.events), MISSING)

    @cached_property
    def session(self) -> Numbers:
        """Number of the session of each event, a bot's or not."""
        return sessions_of(self.journeys, self.settings)

    @cached_property
    def sessions(self) -> int:
        """How many sessions there are."""
        return int(self.session.max(initial=-1)) + 1

    @cached_property
    def before_human(self) -> Flags:
        """Mark the events before any human acted in their session."""
        return before_first(self.session, self.speech.human, self.sessions)

    @cached_property
    def runs(self) -> Runs:
        """The events of each session."""
        return runs_of(self.session, self.sessions)

    @cached_property
    def served(self) -> Served:
        """The sessions in which somebody serves or asks."""
        speech = self.speech
        acts = speech.bot, speech.human, speech.customer, speech.customer & speech.spoken
        intent = self.events.column("intent").number if self.events.has("intent") else None
        return Served(*served_in(self.runs, acts, intent))

    @cached_property
    def of_bots(self) -> Whole:
        """Numbers of the sessions in which a bot acts before any human."""
        return self.served.session[self.served.by_bot]

    @cached_property
    def bot_runs(self) -> Runs:
        """The events of each session in `of_bots`."""
        rows, begin, end = self.runs
        return rows, begin[self.of_bots], end[self.of_bots]

    @cached_property
    def bot_part(self) -> Runs:
        """The events of each session in `of_bots` before any human."""
        return runs_before(self.bot_runs, self.speech.human)

    @cached_property
    def bot_session(self) -> Numbers:
        """Of each event, the place of its session in `of_bots`; −1 where it is no bot's."""
        number = np.full(self.sessions, -1, dtype=np.int32)
        number[self.of_bots] = np.arange(len(self.of_bots))
        return number[self.session]

    @cached_property
    def matter(self) -> tuple[Numbers, int]:
        """Number of the matter of each event (journey and intent), and how many there are."""
        if not self.events.has("intent"):
            return self.events.journey, len(self.events.begins) - 1
        number, keys = number_pairs(self.events.journey, self.speech.intent + 1, 1 << 31)
        return number, len(keys)


@dataclass(frozen=True, eq=False)
class Served:
    """The sessions in which somebody serves or asks, one entry each; rows are −1 where none is.

    Attributes
    ----------
    session : ndarray of int32
        Its number.
    begin, bot, human, customer, about : ndarray of int32
        Rows of its first event, and of the first of a bot, of a human, of the customer, and of a
        known intent.
    """

    session: Numbers
    begin: Numbers
    bot: Numbers
    human: Numbers
    customer: Numbers
    about: Numbers

    @property
    def by_bot(self) -> Flags:
        """Mark those in which a bot acts before any human."""
        return np.asarray((self.bot >= 0) & ((self.human < 0) | (self.bot < self.human)))


@compiled
def served_in(
    runs: Runs, acts: tuple[Flags, Flags, Flags, Flags], intent: Numbers | None
) -> Numbers:
    """Return what `Served` holds, shape (6, sessions).

    Parameters
    ----------
    runs : Runs
        Of all sessions.
    acts : (bot, human, customer, asks)
        Who acts in each event, and whether a customer's words are known.
    intent : ndarray of int32 or None
        None in a log without intents.
    """
    rows, begin, end = runs
    bot, human, customer, asks = acts
    served = np.empty((6, len(begin)), dtype=np.int32)
    many = 0
    for session in range(len(begin)):
        by_bot = by_human = by_customer = about = np.int32(-1)
        is_served = False
        for position in range(end[session] - 1, begin[session] - 1, -1):
            row = rows[position]
            by_bot = row if bot[row] else by_bot
            by_human = row if human[row] else by_human
            by_customer = row if customer[row] else by_customer
            is_served |= bot[row] | human[row] | asks[row]
            if intent is not None and intent[row] >= 0:
                about = row
        served[0, many], served[1, many] = session, rows[begin[session]]
        served[2, many], served[3, many] = by_bot, by_human
        served[4, many], served[5, many] = by_customer, about
        many += is_served
    return served[:, :many]


@dataclass(frozen=True, eq=False)
class Speech:
    """Who acts in each event, about what, and what its text says; each array one entry an event.

    Attributes
    ----------
    bot, human, customer : ndarray of bool
        Who acts.
    speaks : ndarray of bool
        Where the customer has a turn: acts, or, where all texts are the customer's, says something.
    speaks_always : bool
        Whether all texts are the customer's.
    intent : ndarray of int32
        Number of the intent; −1 where it is not known.
    spoken : ndarray of bool
        Whether there is a text.
    asks, offers, confirms, awaits : ndarray of bool
        A customer asks for a human; a bot offers one; a customer says that it is solved; a bot
        waits for an answer or has none.
    """

    bot: Flags
    human: Flags
    customer: Flags
    speaks: Flags
    speaks_always: bool
    intent: Numbers
    spoken: Flags
    asks: Flags
    offers: Flags
    confirms: Flags
    awaits: Flags


def speech_in(journeys: Journeys, settings: MeasureSettings) -> Speech:
    """Find out what the texts of a log with actors say, in one pass of the engine."""
    events, actor = journeys.events, journeys.events.column("actor")
    words = settings.human_request_words
    by_name = at_touchpoints(events, [no for no, name in journeys.names.items() if name in words])
    bot, human, customer = (actor.is_word(who) for who in ("bot", "human", "customer"))
    nothing = np.zeros(len(events), dtype=bool)
    marks = dict.fromkeys(("spoken", "asks", "offers", "confirms", "awaits"), nothing)
    if journeys.has("text"):
        asked = f"asks for a human {sorted(words)}"

        customers = journeys.log.schema.customer_speaks

        def words_of(who: str, value: Any) -> Any:
            # `cases` spares the engine the regular expressions on everybody else's texts.
            if who == "customer":
                return ibis.cases((customers, value), else_=False)
            return ibis.cases(((_.actor == who) & ~customers, value), else_=False)

        flags = events.marks(
            {
                "has a text": _.text.notnull(),
                asked: words_of("customer", asks_for_human(_.text, words)),
                "offers a human": words_of("bot", offers_human(_.text)),
                "confirms": words_of("customer", confirms(_.text)),
                "awaits an answer": words_of("bot", awaits_answer(_.text)),
            }
        )
        marks = dict(zip(marks, flags.values(), strict=True))
    intent = events.column("intent").number if journeys.has("intent") else None
    marks["asks"] = marks["asks"] | (by_name & customer)
    everywhere = journeys.log.schema.text_by == "customer"
    speaks = customer | marks["spoken"] if everywhere else customer
    about = np.broadcast_to(np.int32(-1), len(events)) if intent is None else intent
    return Speech(bot, human, customer, speaks, everywhere, about, **marks)


def sessions_of(journeys: Journeys, settings: MeasureSettings) -> Numbers:
    """Return the number of the session that each event belongs to; see `number_sessions`."""
    events = journeys.events
    talk, talks = np.full(len(events), -1, dtype=np.int32), 0
    if journeys.has("session"):
        talk = events.column("session").number
        talks = len(events.column("session").words)
    if journeys.has_clock:
        begin_us, done_us = events.t_us, events.done_us
    else:
        begin_us = done_us = np.zeros(len(events), dtype=np.int64)
    gap_us = round(settings.session_gap_minutes * 60 * US_PER_SECOND)
    return number_sessions(events.journey, talk, begin_us, done_us, (talks, gap_us))


def at_touchpoints(events: Events, numbers: Sequence[int]) -> Flags:
    """Mark the events at touchpoints of these numbers."""
    if not numbers:
        return np.zeros(len(events), dtype=bool)
    is_one = np.zeros(events.touchpoints, dtype=bool)
    is_one[np.asarray(numbers, dtype=np.int64)] = True
    return is_one[events.touchpoint]


def at_bad_ends(journeys: Journeys) -> Flags:
    """Mark the events at touchpoints that are declared bad ends."""
    ends = journeys.settings.bad_ends
    numbers = [no for no, name in journeys.names.items() if name in ends]
    return at_touchpoints(journeys.events, numbers)


def acts(journeys: Journeys, who: str) -> bool:
    """Whether the log holds events of ``human``, ``customer`` …; a system's has no customer's."""
    parts = journeys.parts()
    return any(bool(part.events.column("actor").is_word(who).any()) for part in parts)
