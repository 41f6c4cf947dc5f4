"""Bot sessions: conversations that a bot opens, and how each of them ended."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journeylib.core import US_PER_SECOND
from journeylib.journeys import (
    MISSING,
    Events,
    Journeys,
    before_first,
    count_neighbours,
    first_rows,
    goal_events,
    last_rows,
    latest_in,
    least_of_later,
    number_pairs,
    number_sessions,
    rows_in_order,
    value_at,
)
from journeylib.log import asks_for_human, awaits_answer, confirms, offers_human
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.language_reach import text_abstain_reason

EARLY_BOT_TURNS = 3
QUEUE_WORDS = ("queue", "warteschlange")
STATES = ("ended_with_bot", "handed_over", "abandoned", "open")
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class BotSessions:
    """The sessions of a log in which a bot acts before any human, and the events behind them.

    Attributes
    ----------
    events : Events
        All events of the journeys.
    session : ndarray of int32
        Of each event, the number of its session, a bot's or not.
    speech : Speech
        What the texts of the events say.
    before_human : ndarray of bool
        The events before any human acted in their session.
    facts : dict of str to ndarray
        One entry per bot session, times `MISSING` and steps 0 where there is none: ``session_no``,
        ``session``, ``journey`` (number in the order of events), ``opened`` (its first step),
        ``customer_no``, ``group``, ``touchpoint_no`` (of the bot's first turn), ``intent``
        (number, −1 unknown); ``start_us`` (first bot turn), ``end_us``, ``bot_done_us`` (the
        bot's last act before a human), ``human_us`` (in the session or soon after),
        ``request_us``, ``again_us`` (next contact of the customer in the same known intent),
        ``perhaps_us`` (next one that may be about the same, as an intent is missing, or is);
        ``human_joined``, ``resolved``, ``silent``, ``promised`` (or queued), ``offered``,
        ``cold`` (the human came in a later session that the customer opened; boolean);
        ``requests`` (before a human); ``state`` (place in `STATES`); the steps ``first_bot``,
        ``request_step``, ``bot_done_step``, ``last_step``; ``rating_micro`` (the last given).
    """

    events: Events
    session: Numbers
    speech: Speech
    before_human: Flags
    facts: dict[str, Numbers]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The facts as a table, ``state`` by its name."""
        state = pd.Categorical.from_codes(self.facts["state"], pd.Index(STATES))
        return pd.DataFrame(self.facts | {"state": state}, copy=False)

    def ended(self, state: str) -> Flags:
        """Mark the sessions that ended in a state, in the order of `facts`."""
        return np.asarray(self.facts["state"] == STATES.index(state))

    def are_few(self, marked: Flags, minimum: int) -> bool:
        """Return whether some sessions are marked, of too few customers to be told."""
        return 0 < count_neighbours(self.facts["customer_no"][marked]) < minimum

    def but_for_few(self, part: Flags, whole: Flags, minimum: int) -> Flags:
        """Return the part that a share rests on; the whole where a few alone would be left out.

        The two bases would tell of these few.
        """
        return whole if self.are_few(whole & ~part, minimum) else part

    @cached_property
    def matter(self) -> tuple[Numbers, int]:
        """Number of the matter of each event (journey and intent), and how many there are."""
        if not self.events.has("intent"):
            return self.events.journey, len(self.events.begins) - 1
        number, keys = number_pairs(self.events.journey, self.speech.intent + 1, 1 << 31)
        return number, len(keys)

    @property
    def bot_session(self) -> Numbers:
        """Of each event, the place of its session in `facts`; −1 where it is no bot's."""
        own = self.facts["session"]
        number = np.full(int(self.session.max(initial=-1)) + 1, -1, dtype=np.int32)
        number[own] = np.arange(len(own))
        return number[self.session]

    @cached_property
    def human_row(self) -> Whole:
        """Of each session, the first row of a human; −1 where there is none."""
        return first_rows(self.session, self.speech.human, int(self.session.max(initial=-1)) + 1)


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


def heard_in(journeys: Journeys, settings: MeasureSettings) -> Speech:
    """Find out what the texts of a log with actors say, in one pass of the engine."""
    events, actor = journeys.events, journeys.events.column("actor")
    words = settings.human_request_words
    number = [no for no, name in journeys.names.items() if name in words]
    by_name = np.isin(events.touchpoint, number)
    bot, human, customer = (actor.is_word(who) for who in ("bot", "human", "customer"))
    nothing = np.zeros(len(events), dtype=bool)
    marks = dict.fromkeys(("spoken", "asks", "offers", "confirms", "awaits"), nothing)
    if journeys.has("text"):
        asked = f"asks for a human {sorted(words)}"

        customers = journeys.log.schema.customer_speaks

        def said_by(who: str, value: Any) -> Any:
            # `cases` spares the engine the regular expressions on everybody else's texts.
            if who == "customer":
                return ibis.cases((customers, value), else_=False)
            return ibis.cases(((_.actor == who) & ~customers, value), else_=False)

        heard = events.marks(
            {
                "has a text": _.text.notnull(),
                asked: said_by("customer", asks_for_human(_.text, words)),
                "offers a human": said_by("bot", offers_human(_.text)),
                "confirms": said_by("customer", confirms(_.text)),
                "awaits an answer": said_by("bot", awaits_answer(_.text)),
            }
        )
        marks = dict(zip(marks, heard.values(), strict=True))
    intent = events.column("intent").number if journeys.has("intent") else None
    marks["asks"] = marks["asks"] | (by_name & customer)
    everywhere = journeys.log.schema.text_by == "customer"
    speaks = customer | marks["spoken"] if everywhere else customer
    about = np.broadcast_to(np.int32(-1), len(events)) if intent is None else intent
    return Speech(bot, human, customer, speaks, everywhere, about, **marks)


def bot_sessions(journeys: Journeys, settings: MeasureSettings) -> BotSessions:
    """Find the bot sessions of a log and how each of them ended.

    Parameters
    ----------
    journeys : Journeys
        With actors.
    settings : MeasureSettings

    Notes
    -----
    A session is what the session column says, within one journey; elsewhere a run of steps
    without ``session_gap_minutes`` of silence; without a clock the whole journey.

    ``state`` is the first that holds of

    - *handed over*: a human acts in the session, or within ``handover_hours`` after it in the
      same journey and intent; in a log without any human, a mark of hand-over at or after the
      bot's first turn;
    - *open*: the log ends too soon after the session (within the longer of the session gap and
      ``handover_hours``) to tell;
    - *abandoned*: it touched a declared bad end, or a queue for humans (`queue_numbers`) and none
      came; or the bot's last words are a question or no
      answer, the customer said nothing after them, and nothing shows a solution. Without text,
      or without customers' events, silence tells nothing and only bad ends count;
    - *ended with the bot*.

    A solution shows by a declared goal at or after the bot's first turn in the same journey, or
    by the customer's last words (`text.confirms`). A human who comes soon after in the same
    journey, without an intent, is taken for one about the same.
    """
    name = f"bot sessions {settings.model_dump_json()}"
    return journeys.events.once(name, lambda: _bot_sessions(journeys, settings))  # type: ignore[no-any-return]


def _bot_sessions(journeys: Journeys, settings: MeasureSettings) -> BotSessions:
    speech = heard_in(journeys, settings)
    session = sessions_of(journeys, settings)
    before = before_first(session, speech.human, int(session.max(initial=-1)) + 1)
    opened = _opened(journeys, speech, session)
    facts = opened | _facts(journeys, speech, session, before, opened)
    queued = np.isin(journeys.events.touchpoint, queue_numbers(journeys, settings))
    own, many = opened["session"], int(session.max(initial=-1)) + 1
    facts["queued"] = last_rows(session, queued, many)[own]
    facts["marked"] = last_rows(session, _marked(journeys, speech), many)[own]
    facts = _with_states(facts, speech, journeys, settings)
    return BotSessions(journeys.events, session, speech, before, facts)


def queue_numbers(journeys: Journeys, settings: MeasureSettings) -> list[int]:
    """Return the touchpoints at which customers wait for a human: declared, else by their name."""

    def waits(name: str) -> bool:
        if settings.queues:
            return name in settings.queues
        return any(word in name.casefold() for word in QUEUE_WORDS)

    return [number for number, name in journeys.names.items() if waits(name)]


def leaving_shows(journeys: Journeys, settings: MeasureSettings) -> bool:
    """Return whether the log shows who left without a human, so that the others stayed to the end.

    By what was said last, by a queue, or by a touchpoint that is declared a bad end.
    """
    ends = set(journeys.settings.bad_ends) & set(journeys.names.values())
    if ends or queue_numbers(journeys, settings):
        return True
    silent = journeys.log.schema.text_by == "customer"  # what bots said is not in the log
    return not silent and customers_act(journeys) and text_abstain_reason(journeys) is None


def sessions_of(journeys: Journeys, settings: MeasureSettings) -> Numbers:
    """Return the number of the session that each event belongs to; see `number_sessions`."""
    events = journeys.events
    talk, talks = np.full(len(events), -1, dtype=np.int32), 0
    if journeys.has("session"):
        talk = events.column("session").number
        talks = len(events.column("session").words)
    begin_us = done_us = np.zeros(len(events), dtype=np.int64)
    if journeys.has_clock:
        begin_us, done_us = events.t_us, events.done_us
    gap_us = round(settings.session_gap_minutes * 60 * US_PER_SECOND)
    return number_sessions(events.journey, talk, begin_us, done_us, (talks, gap_us))


def _opened(journeys: Journeys, speech: Speech, session: Numbers) -> dict[str, Numbers]:
    """Return the sessions in which a bot acts before any human, and what comes after each.

    What comes after is found among the sessions in which somebody serves or asks: one in which
    nobody does is nobody's next contact either.
    """
    events, many = journeys.events, int(session.max(initial=-1)) + 1
    serves = speech.bot | speech.human | (speech.customer & speech.spoken)
    served = np.flatnonzero(first_rows(session, serves, many) >= 0)

    def first(marked: Flags) -> Whole:
        return np.asarray(first_rows(session, marked, many)[served])

    begin = first(np.ones(len(events), dtype=bool))
    bot, human, customer = (first(who) for who in (speech.bot, speech.human, speech.customer))
    t_us = events.t_us if journeys.has_clock else np.full(len(events), MISSING)
    part: dict[str, Numbers] = {
        "session": served.astype(np.int32),
        "journey": events.journey[begin],
        "opened": events.step[begin],
        "customer_no": events.customer[begin],
        "group": events.group[begin].astype(np.int64),
        "intent": value_at(speech.intent, first(speech.intent >= 0), -1),
        "joined_us": value_at(t_us, human, MISSING),
        "first_bot": bot,
        "first_human": human,
    }
    own = np.flatnonzero((bot >= 0) & ((human < 0) | (bot < human)))
    asked = (customer >= 0) & (human >= 0) & (customer < human)
    opened_us = np.where(asked, part["joined_us"], MISSING)
    following = _following(part, t_us[begin], opened_us, int(speech.intent.max(initial=-1)) + 1)
    return {name: values[own] for name, values in (part | following).items()}


def _following(
    part: dict[str, Numbers], begin_us: Whole, opened_us: Whole, intents: int
) -> dict[str, Numbers]:
    """Return the next human, the next one in a session that the customer opened, and contacts."""
    journey, intent = part["journey"], part["intent"]
    by_time = rows_in_order(part["opened"], journey, begin_us, part["customer_no"])
    owner, about, begin = (values[by_time] for values in (part["customer_no"], intent, begin_us))
    again, perhaps = np.full(len(owner), MISSING), np.full(len(owner), MISSING)
    again[by_time] = least_of_later(intents, owner, about, begin, False)
    perhaps[by_time] = least_of_later(intents, owner, about, begin, True)
    return {
        "next_human_us": least_of_later(intents, journey, intent, part["joined_us"], True),
        "next_opened_us": least_of_later(intents, journey, intent, opened_us, True),
        "again_us": again,
        "perhaps_us": perhaps,
    }


def _facts(
    journeys: Journeys,
    speech: Speech,
    session: Numbers,
    before: Flags,
    opened: dict[str, Numbers],
) -> dict[str, Numbers]:
    """Return what else is told of the bot sessions `opened`; `before` marks who meets no human."""
    events, many = journeys.events, int(session.max(initial=-1)) + 1
    own = opened["session"]
    clock = journeys.has_clock
    t_us = events.t_us if clock else np.full(len(events), MISSING)
    done_us = events.done_us if clock else t_us
    every = np.ones(len(events), dtype=bool)
    names = journeys.names
    ends = journeys.settings.bad_ends
    bad = np.isin(events.touchpoint, [no for no, name in names.items() if name in ends])
    goal = goal_events(journeys.outline, journeys.settings, names)
    asks, acted = speech.asks & before, speech.bot & before

    def first(marked: Flags) -> Whole:
        return np.asarray(first_rows(session, marked, many)[own])

    def last(marked: Flags) -> Whole:
        return np.asarray(last_rows(session, marked, many)[own])

    def step(row: Whole) -> Whole:
        return value_at(steps, row, 0)

    steps = events.step
    request, spoken = first(asks), last(speech.bot & speech.spoken & ~speech.speaks)
    reply, began = last(speech.speaks & speech.spoken), opened["first_bot"]
    rating = np.full(len(own), MISSING)
    if journeys.has("rating_micro"):
        rating = value_at(
            events.column("rating_micro"), last(events.known("rating_micro")), MISSING
        )
    reached = last_rows(events.journey, goal, len(journeys.outline))
    return {
        "touchpoint_no": value_at(events.touchpoint, began, -1),
        "start_us": value_at(t_us, began, MISSING),
        "end_us": latest_in(session, done_us, every, many)[own],
        "bot_done_us": latest_in(session, done_us, acted, many)[own],
        "spoken": spoken,
        "awaits": value_at(speech.awaits, spoken, False),
        "offers": value_at(speech.offers, spoken, False),
        "confirms": value_at(speech.confirms, reply, False),
        "last_customer": last(speech.customer),
        "dropped": last(bad),
        "goal": reached[opened["journey"]],
        "requests": np.bincount(session[asks], minlength=many)[own].astype(np.int32),
        "request_us": value_at(t_us, request, MISSING),
        "request_step": step(request),
        "bot_done_step": step(last(acted)),
        "last_step": step(last(every)),
        "rating_micro": rating,
        "offered": _offered_early(speech, session, own),
    }


def _offered_early(speech: Speech, session: Numbers, own: Whole) -> Flags:
    """Mark the sessions in which a bot's first offer of a human is among its first turns."""
    if not speech.offers.any():
        return np.zeros(len(own), dtype=bool)
    many = int(session.max(initial=-1)) + 1
    offer = np.full(many, -1, dtype=np.int64)
    offer[own] = first_rows(session, speech.offers, many)[own]
    early = speech.bot & (np.arange(len(session)) <= offer[session])
    bot_turns = np.bincount(session[early], minlength=many)[own]
    return np.asarray((offer[own] >= 0) & (bot_turns <= EARLY_BOT_TURNS))


def soon_after(later: Any, earlier: Any, us: int) -> Flags:
    """Whether `later` is known and comes no more than so many microseconds after `earlier`."""
    later, earlier = np.asarray(later), np.asarray(earlier)
    both_seen = (later != MISSING) & (earlier != MISSING)
    return np.asarray(both_seen & (np.where(both_seen, later - earlier, 0) <= us))


def _with_states(
    part: dict[str, Numbers], speech: Speech, journeys: Journeys, settings: MeasureSettings
) -> dict[str, Numbers]:
    handover_us = round(settings.handover_hours * 3600 * US_PER_SECOND)
    settle_us = max(handover_us, round(settings.session_gap_minutes * 60 * US_PER_SECOND))
    heard = journeys.has("text") and bool(speech.customer.any())
    unanswered = (part["spoken"] >= 0) & (part["last_customer"] < part["spoken"])
    first_bot, seen = part["first_bot"], part["first_human"] >= 0
    soon = soon_after(part["next_human_us"], part["end_us"], handover_us)
    last_us = journeys.last_us
    young = np.zeros(len(first_bot), dtype=bool)
    if last_us is not None:
        young = part["end_us"] > last_us - settle_us
    joined = seen | (part["marked"] >= first_bot)
    resolved = (part["goal"] >= first_bot) | part["confirms"]
    waiting = unanswered & part["awaits"] & heard
    left_queue = part["queued"] >= first_bot
    silent = (waiting & ~resolved) | (part["dropped"] >= first_bot) | left_queue
    next_human = np.where(soon, part["next_human_us"], MISSING)
    same = part["next_opened_us"] == part["next_human_us"]
    spot = np.select([joined | soon, young, silent], [1, 3, 2], 0)
    table = part | {
        "human_joined": joined,
        "human_us": np.where(seen, part["joined_us"], next_human),
        "resolved": resolved,
        "silent": silent,
        "promised": (part["offers"] & ~part["awaits"]) | left_queue,
        "cold": ~seen & soon & same,
        "state": spot.astype(np.int8),
        "session_no": np.arange(len(first_bot), dtype=np.int32),
        "first_bot": journeys.events.step[first_bot],
    }
    columns = [
        *("session_no", "session", "journey", "opened", "customer_no", "group", "touchpoint_no"),
        *("intent", "start_us", "end_us", "bot_done_us", "human_us", "request_us", "again_us"),
        "perhaps_us",
        *("human_joined", "resolved", "silent", "promised", "offered", "cold", "requests"),
        *("state", "first_bot", "request_step", "bot_done_step", "last_step", "rating_micro"),
    ]
    return {name: table[name] for name in columns}


def _marked(journeys: Journeys, speech: Speech) -> Flags:
    """Mark the hand-overs of a log; where people are seen, only they tell that one came."""
    if not journeys.has("handover") or speech.human.any():
        return np.zeros(len(speech.human), dtype=bool)
    return journeys.events.marks({"is a hand-over": _.handover})["is a hand-over"]


def customers_act(journeys: Journeys) -> bool:
    """Whether the log holds customers' own events; a system's log does not."""
    return bool(journeys.events.column("actor").is_word("customer").any())
