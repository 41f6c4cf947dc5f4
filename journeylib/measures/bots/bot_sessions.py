"""Bot sessions: conversations that a bot opens, and how each of them ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from ibis import _

from journeylib.core import US_PER_SECOND, give_back_memory
from journeylib.journeys import (
    MISSING,
    Events,
    Journeys,
    count_neighbours,
    first_in,
    largest_in,
    last_goals,
    last_in,
    least_of_later,
    many_in,
    rows_in_order,
    soon_after,
    value_at,
)
from journeylib.measures.bots.bot_turns import looped_in, offered_early, rows_of, stumbled_in
from journeylib.measures.bots.conversations import (
    Conversations,
    Flags,
    Numbers,
    Whole,
    acts,
    at_bad_ends,
    at_touchpoints,
)
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.language_reach import text_abstain_reason

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
        ``cold`` (the human came in a later session that the customer opened), ``looped`` (see
        `looped_in`), ``stumbled`` (see `stumbled_in`; boolean);
        ``requests`` (before a human); ``state`` (place in `STATES`); the steps ``first_bot``,
        ``request_step``, ``bot_done_step``, ``last_step``; ``rating_micro`` (the last given).
    """

    journeys: Journeys = field(repr=False)
    facts: dict[str, Numbers] = field(repr=False)
    _by_name: dict[str, Numbers] = field(default_factory=dict, repr=False)

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

    def once(self, name: str, make: Callable[[], Numbers]) -> Numbers:
        """Return what `make` finds out of each session; the same name is found out once."""
        if name not in self._by_name:
            self._by_name[name] = make()
        return self._by_name[name]

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
    by the customer's last words (`log.confirms`). A human who comes soon after in the same
    journey, without an intent, is taken for one about the same.
    """
    name = f"bot sessions {settings.model_dump_json()}"
    return journeys.events.once(name, lambda: _bot_sessions(journeys, settings))  # type: ignore[no-any-return]


def _bot_sessions(journeys: Journeys, settings: MeasureSettings) -> BotSessions:
    people, customers = acts(journeys, "human"), acts(journeys, "customer")
    queues = queue_numbers(journeys, settings)

    def of_part(part: Journeys) -> list[_Part]:
        talk = Conversations(part, settings)
        facts = _turns(talk, _opened(talk))
        for name, marked in {
            "marked": _marked(part, people),
            "queued": at_touchpoints(part.events, queues),
            "dropped": at_bad_ends(part),
        }.items():
            facts[name] = rows_of(last_in, talk.bot_runs, marked)
        facts = _with_states(facts, talk, has_texts=customers and part.has("text"))
        return [_Part(talk.sessions, len(part.outline), facts)]

    facts = _together(journeys.summed(of_part))
    give_back_memory(len(journeys.events))
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
        alike = len(column) > 1 and column[0] == column[-1] and bool((column == column[0]).all())
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
    events, served = talk.events, talk.served
    part: dict[str, Numbers] = {
        "session": served.session,
        "journey": events.journey[served.begin],
        "opened": served.begin,
        "customer_no": events.customer[served.begin],
        "intent": np.full(len(served.begin), -1, dtype=np.int32),
        "joined_us": value_at(talk.begin_us, served.human, MISSING),
        "first_bot": served.bot,
        "first_human": served.human,
    }
    if events.has("intent"):
        part["intent"] = value_at(talk.speech.intent, served.about, -1)
    asked = (served.customer >= 0) & (served.customer < served.human)
    part |= _following(part, talk.begin_us[served.begin], asked)
    own = np.flatnonzero(served.by_bot)
    return {name: values[own] for name, values in part.items()}


def _following(part: dict[str, Numbers], begin_us: Whole, asked: Flags) -> dict[str, Numbers]:
    """Return when a human and the customer's contacts come next, of each session.

    ``next_human`` is twice that time, and one more where the customer had not `asked` for it.
    """
    journey, intent, joined_us = part["journey"], part["intent"], part["joined_us"]
    intents = int(intent.max(initial=-1)) + 1
    by_time = rows_in_order(part["opened"], journey, begin_us, part["customer_no"])
    rows = part["customer_no"][by_time], intent[by_time], begin_us[by_time]

    def next_contact(possible: bool) -> Whole:
        if not (intents or possible):
            return np.broadcast_to(np.int64(MISSING), len(joined_us))
        next_us = least_of_later(intents, *rows, possible)
        if not isinstance(by_time, slice):
            next_us[by_time] = next_us.copy()
        return next_us

    # Of humans who come at one moment the one in a session that the customer opened is first.
    human = 2 * joined_us
    human += ~asked
    human[joined_us == MISSING] = MISSING
    return {
        "next_human": least_of_later(intents, journey, intent, human, True),
        "again_us": next_contact(possible=False),
        "perhaps_us": next_contact(possible=True),
    }


def _turns(talk: Conversations, opened: dict[str, Numbers]) -> dict[str, Numbers]:
    """Return what the turns of the bot sessions `opened` tell, beside what is in `opened`."""
    events, journeys, speech = talk.events, talk.journeys, talk.speech
    runs, bot_part, t_us = talk.bot_runs, talk.bot_part, talk.begin_us
    done_us = events.done_us if journeys.has_clock else t_us
    begin, bot, journey = opened["opened"], opened["first_bot"], opened["journey"]
    before = (events.begins[:-1] - 1).astype(np.int32)[journey]

    def step(row: Whole) -> Numbers:
        return np.where(row >= 0, row - before, 0).astype(np.int32, copy=False)

    request = rows_of(first_in, bot_part, speech.asks)
    words = rows_of(last_in, runs, speech.bot & speech.spoken & ~speech.speaks)
    reply = rows_of(last_in, runs, speech.speaks & speech.spoken)
    rating = np.full(len(begin), MISSING)
    if journeys.has("rating_micro"):
        rated = rows_of(last_in, runs, events.known("rating_micro"))
        rating = value_at(events.column("rating_micro"), rated, MISSING)
    return opened | {
        "opened": begin - before,
        "group": events.group[begin],
        "touchpoint_no": events.touchpoint[bot],
        "start_us": t_us[bot],
        "end_us": largest_in(runs, done_us, np.ones(len(events), dtype=bool)),
        "bot_done_us": largest_in(bot_part, done_us, speech.bot),
        "words": words,
        "awaits": value_at(speech.awaits, words, False),
        "offers": value_at(speech.offers, words, False),
        "confirms": value_at(speech.confirms, reply, False),
        "last_customer": rows_of(last_in, runs, speech.customer),
        "goal": last_goals(journeys.outline, journeys.settings, journeys.names)[journey],
        "requests": many_in(bot_part, speech.asks),
        "request_us": value_at(t_us, request, MISSING),
        "request_step": step(request),
        "bot_done_step": step(rows_of(last_in, bot_part, speech.bot)),
        "last_step": runs[0][runs[2] - 1] - before,
        "first_step": bot - before,
        "rating_micro": rating,
        "offered": offered_early(talk),
        "looped": looped_in(talk),
        "stumbled": stumbled_in(talk),
    }


def _with_states(
    part: dict[str, Numbers], talk: Conversations, *, has_texts: bool
) -> dict[str, Numbers]:
    """Return what is told of bot sessions; `has_texts` where customers and what they say are."""
    journeys, settings = talk.journeys, talk.settings
    handover_us = round(settings.handover_hours * 3600 * US_PER_SECOND)
    settle_us = max(handover_us, round(settings.session_gap_minutes * 60 * US_PER_SECOND))
    unanswered = (part["words"] >= 0) & (part["last_customer"] < part["words"])
    first_bot, seen = part["first_bot"], part["first_human"] >= 0
    opened, next_human = (part["next_human"] & 1) == 0, part["next_human"] >> 1
    next_human[part["next_human"] == MISSING] = MISSING
    soon = soon_after(next_human, part["end_us"], handover_us)
    last_us = journeys.last_us
    young = np.zeros(len(first_bot), dtype=bool)
    if last_us is not None:
        young = part["end_us"] > last_us - settle_us
    joined = seen | (part["marked"] >= first_bot)
    resolved = (part["goal"] >= first_bot) | part["confirms"]
    waiting = unanswered & part["awaits"] & has_texts
    left_queue = part["queued"] >= first_bot
    silent = (waiting & ~resolved) | (part["dropped"] >= first_bot) | left_queue
    state = np.zeros(len(first_bot), dtype=np.int8)
    # The first that holds is written last.
    for name, holds in (("abandoned", silent), ("open", young), ("handed_over", joined | soon)):
        state[holds] = STATES.index(name)
    table = part | {
        "human_joined": joined,
        "human_us": np.where(seen, part["joined_us"], np.where(soon, next_human, MISSING)),
        "resolved": resolved,
        "silent": silent,
        "promised": (part["offers"] & ~part["awaits"]) | left_queue,
        "cold": ~seen & soon & opened,
        "state": state,
        "first_bot": part["first_step"],
    }
    columns = [
        *("session", "journey", "opened", "customer_no", "group", "touchpoint_no", "intent"),
        *("start_us", "end_us", "bot_done_us", "human_us", "request_us", "again_us", "perhaps_us"),
        *(
            "human_joined",
            "resolved",
            "silent",
            "promised",
            "offered",
            "cold",
            "looped",
            "stumbled",
            "requests",
        ),
        *("state", "first_bot", "request_step", "bot_done_step", "last_step", "rating_micro"),
    ]
    return {name: table[name] for name in columns}


def _marked(journeys: Journeys, people: bool) -> Flags:
    """Mark the hand-overs of a log; where people are seen, only they tell that one came."""
    if people or not journeys.has("handover"):
        return np.zeros(len(journeys.events), dtype=bool)
    return journeys.events.marks({"is a hand-over": _.handover})["is a hand-over"]
