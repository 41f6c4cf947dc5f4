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
    session : ndarray of int64
        Of each event, the number of its session, a bot's or not.
    speech : Speech
        What the texts of the events say.
    table : pandas.DataFrame
        One row per bot session, times and steps `MISSING` where there is none: ``session_no``,
        ``session``, ``journey`` (number in the order of events), ``opened`` (its first step),
        ``customer_no``, ``group``, ``touchpoint_no`` (of the bot's first turn), ``intent``
        (number, −1 unknown); ``start_us`` (first bot turn), ``end_us``, ``bot_done_us`` (the
        bot's last act before a human), ``human_us`` (in the session or soon after),
        ``request_us``, ``again_us`` (next contact of the customer in the same known intent),
        ``perhaps_us`` (next one that may be about the same, as an intent is missing, or is);
        ``human_joined``, ``resolved``, ``silent``, ``promised`` (or queued), ``offered``,
        ``cold`` (the human came in a later session that the customer opened; boolean);
        ``requests`` (before a human); ``state`` (of `STATES`); the steps ``first_bot``,
        ``request_step``, ``bot_done_step``, ``last_step``; ``rating_micro`` (the last given).
    """

    events: Events
    session: Whole
    speech: Speech
    table: pd.DataFrame

    @cached_property
    def matter(self) -> tuple[Numbers, int]:
        """Number of the matter of each event (journey and intent), and how many there are."""
        number, keys = number_pairs(self.events.journey, self.speech.intent + 1, 1 << 31)
        return number, len(keys)

    @cached_property
    def bot_session(self) -> Whole:
        """Of each event, the place of its session in `table`; −1 where it is no bot's."""
        number = np.full(int(self.session.max(initial=-1)) + 1, -1, dtype=np.int64)
        number[self.table["session"]] = np.arange(len(self.table))
        return number[self.session]

    @cached_property
    def human_row(self) -> Whole:
        """Of each event, the first row of a human in its session; −1 where there is none."""
        human = self.speech.human
        return first_rows(self.session, human, int(self.session.max(initial=-1)) + 1)[self.session]

    @cached_property
    def before_human(self) -> Flags:
        """Mark the events before any human acted in their session."""
        rows = np.arange(len(self.session))
        return np.asarray((self.human_row < 0) | (rows < self.human_row))


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
    unknown = np.full(len(events), -1, dtype=np.int32)
    about = unknown if intent is None else intent
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
    served = _served(journeys, speech, session)
    first_human, first_bot = served["first_human"], served["first_bot"]
    begun_by_bot = (first_bot >= 0) & ((first_human < 0) | (first_bot < first_human))
    opened = served[begun_by_bot.to_numpy()].reset_index(drop=True)
    facts = _facts(journeys, speech, session, opened)
    queued = np.isin(journeys.events.touchpoint, queue_numbers(journeys, settings))
    own, many = opened["session"].to_numpy(), int(session.max(initial=-1)) + 1
    facts = facts.assign(
        queued=last_rows(session, queued, many)[own],
        marked=last_rows(session, _marked(journeys, speech), many)[own],
    )
    return BotSessions(
        journeys.events, session, speech, _with_states(facts, speech, journeys, settings)
    )


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


def sessions_of(journeys: Journeys, settings: MeasureSettings) -> Whole:
    """Return the number of the session that each event belongs to; see `number_sessions`."""
    events = journeys.events
    talk, talks = np.full(len(events), -1, dtype=np.int32), 0
    if journeys.has("session"):
        talk = events.column("session").number
        talks = len(events.column("session").words)
    begin_us = done_us = np.zeros(len(events), dtype=np.int64)
    if journeys.has_clock:
        begin_us, done_us = events.t_us, done_of(events)
    gap_us = round(settings.session_gap_minutes * 60 * US_PER_SECOND)
    return number_sessions(events.journey, talk, begin_us, done_us, (talks, gap_us))


def done_of(events: Events) -> Whole:
    """Return when each event is over: its end, or its start where no end is known."""
    service = events.service_us
    return events.t_us + np.where(service == MISSING, 0, service)


def _served(journeys: Journeys, speech: Speech, session: Whole) -> pd.DataFrame:
    """Return one row per session in which somebody serves or asks, a bot's or not.

    A session in which nobody does is nobody's next contact either. Rows are numbers of events.
    """
    events, many = journeys.events, int(session.max(initial=-1)) + 1
    serves = speech.bot | speech.human | (speech.customer & speech.spoken)
    first = first_rows(session, np.ones(len(events), dtype=bool), many)
    firsts = {
        name: first_rows(session, marked, many)
        for name, marked in (
            ("first_bot", speech.bot),
            ("first_human", speech.human),
            ("first_customer", speech.customer),
            ("first_named", speech.intent >= 0),
        )
    }
    t_us = events.t_us if journeys.has_clock else np.full(len(events), MISSING)
    table = pd.DataFrame(
        {
            "session": np.arange(many),
            "journey": events.journey[first],
            "opened": events.step[first],
            "customer_no": events.customer[first].astype(np.int64),
            "group": events.group[first].astype(np.int64),
            "begin_us": t_us[first],
            "intent": value_at(speech.intent, firsts["first_named"], -1),
            "joined_us": value_at(t_us, firsts["first_human"], MISSING),
            **firsts,
        }
    )[first_rows(session, serves, many) >= 0]
    return _with_next(table.reset_index(drop=True), int(speech.intent.max(initial=-1)) + 1)


def _with_next(served: pd.DataFrame, intents: int) -> pd.DataFrame:
    """Add the next human, the next one in a session that the customer opened, the next contact."""
    part = {name: served[name].to_numpy() for name in served}
    first_customer, first_human = part["first_customer"], part["first_human"]
    asked = (first_customer >= 0) & (first_human >= 0) & (first_customer < first_human)
    journey, intent, joined = part["journey"], part["intent"], part["joined_us"]
    by_time = rows_in_order(part["opened"], journey, part["begin_us"], part["customer_no"])
    owner, about, begin = (part[n][by_time] for n in ("customer_no", "intent", "begin_us"))
    again, perhaps = np.full(len(served), MISSING), np.full(len(served), MISSING)
    again[by_time] = least_of_later(intents, owner, about, begin, False)
    perhaps[by_time] = least_of_later(intents, owner, about, begin, True)
    own_human = np.where(asked, joined, MISSING)
    return served.assign(
        next_human_us=least_of_later(intents, journey, intent, joined, True),
        next_opened_us=least_of_later(intents, journey, intent, own_human, True),
        again_us=again,
        perhaps_us=perhaps,
    )


def _facts(
    journeys: Journeys, speech: Speech, session: Whole, opened: pd.DataFrame
) -> pd.DataFrame:
    """Return what else is told of the bot sessions `opened`."""
    events, many = journeys.events, int(session.max(initial=-1)) + 1
    own = opened["session"].to_numpy()
    clock = journeys.has_clock
    t_us = events.t_us if clock else np.full(len(events), MISSING)
    done_us = done_of(events) if clock else t_us
    every = np.ones(len(events), dtype=bool)
    first_human = np.full(many, len(events), dtype=np.int64)
    joined = opened["first_human"].to_numpy()
    first_human[own] = np.where(joined < 0, len(events), joined)
    before = np.arange(len(events)) < first_human[session]
    names = journeys.names
    ends = journeys.settings.bad_ends
    bad = np.isin(events.touchpoint, [no for no, name in names.items() if name in ends])
    goal = goal_events(journeys.outline, journeys.settings, names)
    asks = speech.asks & before

    def first(marked: Flags) -> Whole:
        return np.asarray(first_rows(session, marked, many)[own])

    def last(marked: Flags) -> Whole:
        return np.asarray(last_rows(session, marked, many)[own])

    request, spoken = first(asks), last(speech.bot & speech.spoken & ~speech.speaks)
    reply = last(speech.speaks & speech.spoken)
    offer = np.zeros(many, dtype=np.int64) - 1
    offer[own] = first(speech.offers)
    early = speech.bot & (np.arange(len(events)) <= offer[session])
    bot_turns = np.bincount(session[early], minlength=many)[own]
    rating = np.full(len(own), MISSING)
    if journeys.has("rating_micro"):
        rating = value_at(
            events.column("rating_micro"), last(events.known("rating_micro")), MISSING
        )
    reached = last_rows(events.journey, goal, len(journeys.outline))
    return opened.assign(
        touchpoint_no=value_at(events.touchpoint, first(speech.bot), -1).astype(np.int64),
        start_us=value_at(t_us, first(speech.bot), MISSING),
        end_us=latest_in(session, done_us, every, many)[own],
        bot_done_us=latest_in(session, done_us, speech.bot & before, many)[own],
        spoken=spoken,
        awaits=value_at(speech.awaits, spoken, False),
        offers=value_at(speech.offers, spoken, False),
        confirms=value_at(speech.confirms, reply, False),
        last_customer=last(speech.customer),
        dropped=last(bad),
        goal=reached[opened["journey"].to_numpy()],
        requests=np.bincount(session[asks], minlength=many)[own],
        request_us=value_at(t_us, request, MISSING),
        request_step=value_at(events.step, request, MISSING),
        bot_done_step=value_at(events.step, last(speech.bot & before), MISSING),
        last_step=value_at(events.step, last(every), MISSING),
        rating_micro=rating,
        offered=(offer[own] >= 0) & (bot_turns <= EARLY_BOT_TURNS),
    )


def soon_after(later: Any, earlier: Any, us: int) -> Flags:
    """Whether `later` is known and comes no more than so many microseconds after `earlier`."""
    later, earlier = np.asarray(later), np.asarray(earlier)
    both_seen = (later != MISSING) & (earlier != MISSING)
    return np.asarray(both_seen & (np.where(both_seen, later - earlier, 0) <= us))


def _with_states(
    facts: pd.DataFrame, speech: Speech, journeys: Journeys, settings: MeasureSettings
) -> pd.DataFrame:
    handover_us = round(settings.handover_hours * 3600 * US_PER_SECOND)
    settle_us = max(handover_us, round(settings.session_gap_minutes * 60 * US_PER_SECOND))
    part = {str(name): facts[name].to_numpy() for name in facts}
    heard = journeys.has("text") and bool(speech.customer.any())
    unanswered = (part["spoken"] >= 0) & (part["last_customer"] < part["spoken"])
    first_bot, seen = part["first_bot"], part["first_human"] >= 0
    soon = soon_after(part["next_human_us"], part["end_us"], handover_us)
    last_us = journeys.last_us
    young = np.zeros(len(facts), dtype=bool)
    if last_us is not None:
        young = part["end_us"] > last_us - settle_us
    joined = seen | (part["marked"] >= first_bot)
    resolved = (part["goal"] >= first_bot) | part["confirms"]
    waiting = unanswered & part["awaits"] & heard
    left_queue = part["queued"] >= first_bot
    silent = (waiting & ~resolved) | (part["dropped"] >= first_bot) | left_queue
    next_human = np.where(soon, part["next_human_us"], MISSING)
    same = part["next_opened_us"] == part["next_human_us"]
    states = np.array(STATES, dtype=object)
    spot = np.select([joined | soon, young, silent], [1, 3, 2], 0)
    table = facts.assign(
        human_joined=joined,
        human_us=np.where(seen, part["joined_us"], next_human),
        resolved=resolved,
        silent=silent,
        promised=(part["offers"] & ~part["awaits"]) | left_queue,
        cold=~seen & soon & same,
        state=pd.Categorical(states[spot], STATES),
        session_no=np.arange(len(facts)),
        first_bot=value_at(journeys.events.step, first_bot, MISSING),
    )
    columns = [
        *("session_no", "session", "journey", "opened", "customer_no", "group", "touchpoint_no"),
        *("intent", "start_us", "end_us", "bot_done_us", "human_us", "request_us", "again_us"),
        "perhaps_us",
        *("human_joined", "resolved", "silent", "promised", "offered", "cold", "requests"),
        *("state", "first_bot", "request_step", "bot_done_step", "last_step", "rating_micro"),
    ]
    return table[columns]


def _marked(journeys: Journeys, speech: Speech) -> Flags:
    """Mark the hand-overs of a log; where people are seen, only they tell that one came."""
    if not journeys.has("handover") or speech.human.any():
        return np.zeros(len(speech.human), dtype=bool)
    return journeys.events.marks({"is a hand-over": _.handover})["is a hand-over"]


def customers_act(journeys: Journeys) -> bool:
    """Whether the log holds customers' own events; a system's log does not."""
    return bool(journeys.events.column("actor").is_word("customer").any())
