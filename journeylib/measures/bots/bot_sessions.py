"""Bot sessions: conversations that a bot opens, and how each of them ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from ibis import _

from journeylib.core import US_PER_SECOND, give_back_memory
from journeylib.journeys import (
    MISSING,
    Events,
    Journeys,
    count_neighbours,
    first_rows,
    goal_events,
    last_rows,
    latest_in,
    least_of_later,
    rows_in_order,
    value_at,
)
from journeylib.measures.bots.conversations import Conversations, Flags, Numbers, Whole, acts
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.language_reach import text_abstain_reason

EARLY_BOT_TURNS = 3
QUEUE_WORDS = ("queue", "warteschlange")
STATES = ("ended_with_bot", "handed_over", "abandoned", "open")


@dataclass(frozen=True, eq=False)
class BotSessions:
    """The sessions of a log in which a bot acts before any human.

    Attributes
    ----------
    journeys : Journeys
        Those that they are of.
    facts : dict of str to ndarray
        One entry per bot session, times `MISSING` and steps 0 where there is none: ``session``
        (number, as of `Conversations`), ``journey`` (number in the order of events), ``opened``
        (its first step), ``customer_no``, ``group``, ``touchpoint_no`` (of the bot's first turn),
        ``intent`` (number, −1 unknown); ``start_us`` (first bot turn), ``end_us``,
        ``bot_done_us`` (the bot's last act before a human), ``human_us`` (in the session or soon
        after), ``request_us``, ``again_us`` (next contact of the customer in the same known
        intent), ``perhaps_us`` (next one that may be about the same, as an intent is missing, or
        is); ``human_joined``, ``resolved``, ``silent``, ``promised`` (or queued), ``offered``,
        ``cold`` (the human came in a later session that the customer opened; boolean);
        ``requests`` (before a human); ``state`` (place in `STATES`); the steps ``first_bot``,
        ``request_step``, ``bot_done_step``, ``last_step``; ``rating_micro`` (the last given).
    """

    journeys: Journeys = field(repr=False)
    facts: dict[str, Numbers] = field(repr=False)

    def __len__(self) -> int:
        """Count the sessions."""
        return len(self.facts["session"])

    @property
    def events(self) -> Events:
        """All events of the journeys."""
        return self.journeys.events

    @cached_property
    def table(self) -> pd.DataFrame:
        """The facts as a table, ``session_no`` in their order, ``state`` by its name."""
        state = pd.Categorical.from_codes(self.facts["state"], pd.Index(STATES))
        number = {"session_no": np.arange(len(self), dtype=np.int32)}
        return pd.DataFrame(number | self.facts | {"state": state}, copy=False)

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

    def of(self, part: Journeys) -> tuple[Whole, Whole]:
        """Return the rows in `facts` of the sessions of some of the journeys, and whose each is.

        Returns
        -------
        row, journey : ndarray of int64
            In the order of `Conversations.of_bots` of that part; numbers of its journeys.
        """
        number = np.searchsorted(self.journeys.outline.key, part.outline.key)
        ends = (np.searchsorted(self.facts["journey"], number, side) for side in ("left", "right"))
        first, end = ends
        many = end - first
        before = np.cumsum(many) - many
        row = np.arange(many.sum()) + np.repeat(first - before, many)
        return row, np.repeat(np.arange(len(number)), many)


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
    people, customers = acts(journeys, "human"), acts(journeys, "customer")
    queues = queue_numbers(journeys, settings)

    def of_part(part: Journeys) -> list[_Part]:
        talk = Conversations(part, settings)
        facts = _facts(talk, _opened(talk))
        facts["marked"] = _last(talk, _marked(part, people))
        facts["queued"] = _last(talk, np.isin(part.events.touchpoint, queues))
        facts = _with_states(facts, talk, heard=customers and part.has("text"))
        return [_Part(talk.sessions, len(part.outline), facts)]

    facts = _together(journeys.summed(of_part))
    give_back_memory()
    return BotSessions(journeys, facts)


@dataclass(frozen=True)
class _Part:
    """The bot sessions of a part of a log, beside how many sessions and journeys it has."""

    sessions: int
    journeys: int
    facts: dict[str, Numbers]


def _together(parts: Sequence[_Part]) -> dict[str, Numbers]:
    """Join the facts of parts, numbered through; what is the same in all takes no room."""
    sessions = journeys = 0
    for part in parts:
        part.facts["session"] += np.int32(sessions)
        part.facts["journey"] += np.int32(journeys)
        sessions, journeys = sessions + part.sessions, journeys + part.journeys
    facts: dict[str, Numbers] = {}
    for name in list(parts[0].facts):
        column = np.concatenate([part.facts.pop(name) for part in parts])
        alike = len(column) > 1 and bool((column == column[0]).all())
        facts[name] = np.broadcast_to(column[0], len(column)) if alike else column
    return facts


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
    return not silent and acts(journeys, "customer") and text_abstain_reason(journeys) is None


def _opened(talk: Conversations) -> dict[str, Numbers]:
    """Return the sessions in which a bot acts before any human, and what comes after each.

    What comes after is found among the sessions in which somebody serves or asks: one in which
    nobody does is nobody's next contact either.
    """
    events, speech = talk.events, talk.speech
    serves = speech.bot | speech.human | (speech.customer & speech.spoken)
    served = np.flatnonzero(first_rows(talk.session, serves, talk.sessions) >= 0)

    def first(marked: Flags) -> Whole:
        return np.asarray(first_rows(talk.session, marked, talk.sessions)[served])

    begin = first(np.ones(len(events), dtype=bool))
    bot, human, customer = (first(who) for who in (speech.bot, speech.human, speech.customer))
    t_us = talk.begin_us
    part: dict[str, Numbers] = {
        "session": served.astype(np.int32),
        "journey": events.journey[begin],
        "opened": events.step[begin],
        "customer_no": events.customer[begin],
        "group": events.group[begin],
        "intent": value_at(speech.intent, first(speech.intent >= 0), -1),
        "joined_us": value_at(t_us, human, MISSING),
        "first_bot": bot,
        "first_human": human,
    }
    asked = (customer >= 0) & (human >= 0) & (customer < human)
    opened_us = np.where(asked, part["joined_us"], MISSING)
    following = _following(part, t_us[begin], opened_us, int(speech.intent.max(initial=-1)) + 1)
    own = np.searchsorted(served, talk.of_bots)
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


def _first(talk: Conversations, marked: Flags) -> Whole:
    """Return the first marked row of each bot session; −1 where it has none."""
    return np.asarray(first_rows(talk.session, marked, talk.sessions)[talk.of_bots])


def _last(talk: Conversations, marked: Flags) -> Whole:
    """Return the last marked row of each bot session; −1 where it has none."""
    return np.asarray(last_rows(talk.session, marked, talk.sessions)[talk.of_bots])


def _facts(talk: Conversations, opened: dict[str, Numbers]) -> dict[str, Numbers]:
    """Return what is told of the bot sessions `opened`, that included."""
    events, journeys, speech = talk.events, talk.journeys, talk.speech
    own, t_us = talk.of_bots, talk.begin_us
    done_us = events.done_us if journeys.has_clock else t_us
    every = np.ones(len(events), dtype=bool)
    ends = journeys.settings.bad_ends
    bad = np.isin(events.touchpoint, [no for no, name in journeys.names.items() if name in ends])
    goal = goal_events(journeys.outline, journeys.settings, journeys.names)
    asks, acted = speech.asks & talk.before_human, speech.bot & talk.before_human
    steps = events.step

    def step(row: Whole) -> Whole:
        return value_at(steps, row, 0)

    request, spoken = _first(talk, asks), _last(talk, speech.bot & speech.spoken & ~speech.speaks)
    reply, began = _last(talk, speech.speaks & speech.spoken), opened["first_bot"]
    rating = np.full(len(own), MISSING)
    if journeys.has("rating_micro"):
        rated = _last(talk, events.known("rating_micro"))
        rating = value_at(events.column("rating_micro"), rated, MISSING)
    reached = last_rows(events.journey, goal, len(journeys.outline))
    return opened | {
        "touchpoint_no": value_at(events.touchpoint, began, -1),
        "start_us": value_at(t_us, began, MISSING),
        "end_us": latest_in(talk.session, done_us, every, talk.sessions)[own],
        "bot_done_us": latest_in(talk.session, done_us, acted, talk.sessions)[own],
        "spoken": spoken,
        "awaits": value_at(speech.awaits, spoken, False),
        "offers": value_at(speech.offers, spoken, False),
        "confirms": value_at(speech.confirms, reply, False),
        "last_customer": _last(talk, speech.customer),
        "dropped": _last(talk, bad),
        "goal": reached[opened["journey"]],
        "requests": np.bincount(talk.session[asks], minlength=talk.sessions)[own].astype(np.int32),
        "request_us": value_at(t_us, request, MISSING),
        "request_step": step(request),
        "bot_done_step": step(_last(talk, acted)),
        "last_step": step(_last(talk, every)),
        "rating_micro": rating,
        "offered": _offered_early(talk),
    }


def _offered_early(talk: Conversations) -> Flags:
    """Mark the sessions in which a bot's first offer of a human is among its first turns."""
    offers, bot, own = talk.speech.offers, talk.speech.bot, talk.of_bots
    if not offers.any():
        return np.zeros(len(own), dtype=bool)
    offer = _first(talk, offers)
    session = talk.bot_session
    early = bot & (session >= 0) & (np.arange(len(session)) <= value_at(offer, session, -1))
    bot_turns = np.bincount(session[early], minlength=len(own))
    return np.asarray((offer >= 0) & (bot_turns <= EARLY_BOT_TURNS))


def soon_after(later: Any, earlier: Any, us: int) -> Flags:
    """Whether `later` is known and comes no more than so many microseconds after `earlier`."""
    later, earlier = np.asarray(later), np.asarray(earlier)
    both_seen = (later != MISSING) & (earlier != MISSING)
    return np.asarray(both_seen & (np.where(both_seen, later - earlier, 0) <= us))


def _with_states(
    part: dict[str, Numbers], talk: Conversations, *, heard: bool
) -> dict[str, Numbers]:
    """Return what is told of bot sessions; `heard` where customers are, and what they say."""
    journeys, settings = talk.journeys, talk.settings
    handover_us = round(settings.handover_hours * 3600 * US_PER_SECOND)
    settle_us = max(handover_us, round(settings.session_gap_minutes * 60 * US_PER_SECOND))
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
        "first_bot": talk.events.step[first_bot],
    }
    columns = [
        *("session", "journey", "opened", "customer_no", "group", "touchpoint_no", "intent"),
        *("start_us", "end_us", "bot_done_us", "human_us", "request_us", "again_us", "perhaps_us"),
        *("human_joined", "resolved", "silent", "promised", "offered", "cold", "requests"),
        *("state", "first_bot", "request_step", "bot_done_step", "last_step", "rating_micro"),
    ]
    return {name: table[name] for name in columns}


def _marked(journeys: Journeys, people: bool) -> Flags:
    """Mark the hand-overs of a log; where people are seen, only they tell that one came."""
    if people or not journeys.has("handover"):
        return np.zeros(len(journeys.events), dtype=bool)
    return journeys.events.marks({"is a hand-over": _.handover})["is a hand-over"]
