"""Changing hands: loops, ping-pong, dead ends, and what is lost on the way to a human."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ibis import _

from journeylib.core import US_PER_HOUR, Estimate, Floats, resample
from journeylib.journeys import (
    BAD_END,
    Base,
    Codes,
    Events,
    Journeys,
    Sums,
    compiled,
    first_in,
    number_pairs,
)
from journeylib.log import in_sample, says_again
from journeylib.measures.bots.bot_sessions import STATES, BotSessions
from journeylib.measures.bots.conversations import Conversations, Flags, Numbers, Whole
from journeylib.measures.measured import Measured
from journeylib.measures.ratios import Ratio, quotient, ratio_sums, ratios
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import Rows, share_of

PING_PONG_CHANGES = 2
EARLY_REPLIES = 5
MOST_REPLIES = 20_000
# Of a hundred: how alike the words of two turns are, whatever their order and what one adds.
SAME_WORDS = 85
# Shorter turns ("yes please") are alike without anything being said again.
WORDS_TO_COMPARE = 4
# Turns before the human that a reply is compared with: all of a long life would cost its square.
MOST_EARLIER = 200
BAD_END_SHARE = 0.5


@dataclass(frozen=True)
class Patterns:
    """What the turns of conversations tell of hand-offs, counted of a part of a log or of more.

    Attributes
    ----------
    requests : int
        Events in which a customer asks for a human.
    replies : int
        Turns after a hand-over.
    replied : tuple of ndarray of int64
        Of each part the keys of journeys with such turns: of a sample of customers that is no
        smaller than that of the whole log.
    """

    requests: int
    replies: int
    replied: tuple[Whole, ...]

    def __add__(self, other: Patterns) -> Patterns:
        """Put what was counted of another part behind this."""
        return Patterns(
            *(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True))
        )


def patterns_of(sessions: BotSessions, settings: MeasureSettings) -> Patterns:
    """Count what turns tell of hand-offs, part by part."""

    def of_part(part: Journeys) -> Patterns:
        talk = Conversations(part, settings)
        after = _replies(talk, sessions)
        customer = part.events.customer[after].astype(np.int64)
        drawn = after[in_sample(customer, _per_mille(len(after)))]
        keys = part.outline.key[np.unique(part.events.journey[drawn])]
        requests = int(talk.speech.asks.sum())
        return Patterns(requests, len(after), (keys,))

    return sessions.journeys.summed(of_part)


def _per_mille(replies: int) -> int:
    """Return of how many customers in a thousand turns after a hand-over are compared."""
    return min(1000, 1000 * MOST_REPLIES // max(replies, 1))


def _replies(talk: Conversations, sessions: BotSessions) -> Whole:
    """Return the rows of turns after a human came, in journeys from their first hand-over on."""
    events, speech = talk.events, talk.speech
    if not speech.spoken.any():
        return np.zeros(0, dtype=np.int64)
    row, journey = sessions.of(talk.journeys)
    handed_over = sessions.facts["state"][row] == STATES.index("handed_over")
    first = np.full(len(events.begins) - 1, len(events) + 1, dtype=np.int64)
    np.minimum.at(first, journey[handed_over], sessions.facts["opened"][row[handed_over]])
    after = np.flatnonzero(speech.spoken & (speech.speaks | speech.human) & ~talk.before_human)
    rows, begin, _end = talk.runs
    began = rows[begin[talk.session[after]]]
    return after[events.step[began] >= first[events.journey[after]]]


@dataclass(frozen=True)
class Shares:
    """Hits and trials per touchpoint and customer group; those of parts of a log add up.

    Attributes
    ----------
    sums : ndarray of float64, shape (groups, touchpoints, 2)
        Whole numbers.
    base : Base
        Behind the trials.
    """

    sums: Floats
    base: Base

    @staticmethod
    def of(rows: Rows, hits: Numbers) -> Shares:
        """Count the marked rows, of all."""
        every = np.ones(len(hits), dtype=bool)
        sums = np.stack([rows.in_cells(hits), rows.in_cells(every)], axis=-1)
        return Shares(sums, rows.base(every))

    def __add__(self, other: Shares) -> Shares:
        """Add what was counted of other customers."""
        return Shares(self.sums + other.sums, self.base + other.base)


PING_PONG = {
    name: f"conversations with two or more changes {between}, of those that changed hands"
    for name, between in (
        ("ping_pong", "between bot and human, or two or more from human to human"),
        ("ping_pong_bots", "between bot and human"),
        ("ping_pong_people", "from human to human"),
    )
}


@dataclass(frozen=True)
class Hands:
    """Changes of hands in matters: a journey's events of one intent.

    Attributes
    ----------
    transfers : Shares
        Turns of bots and humans after which another hand takes over.
    ping_pong : Sums
        `RatioSums` by name as in `PING_PONG`.
    """

    transfers: Shares
    ping_pong: Sums

    def __add__(self, other: Hands) -> Hands:
        """Add what was counted of other customers."""
        return Hands(self.transfers + other.transfers, self.ping_pong + other.ping_pong)


def hands_of(journeys: Journeys, settings: MeasureSettings) -> Hands:
    """Count how hands change, part by part."""

    def of_part(part: Journeys) -> Hands:
        turns = turns_of(part, settings)
        transfers = Shares.of(Rows.of(part.events, turns.row), turns.is_transfer)
        table = ping_pong_table(part.events, turns)
        wanted = {n: Ratio(table[n], table["changed"], text) for n, text in PING_PONG.items()}
        return Hands(transfers, ratio_sums(table, wanted))

    name = f"hands {settings.model_dump_json()}"
    return journeys.events.once(name, lambda: journeys.summed(of_part))  # type: ignore[no-any-return]


def ping_pong_ratios(journeys: Journeys, settings: MeasureSettings) -> dict[str, Ratio]:
    """Return the ratios of `PING_PONG`."""
    counted = hands_of(journeys, settings).ping_pong
    return {name: Ratio(counted[name], None, text) for name, text in PING_PONG.items()}


def ping_pong_table(events: Events, turns: Turns) -> pd.DataFrame:
    """Return one row per journey and intent: ``changed`` hands at all, ``ping_pong``.

    ``ping_pong_bots``: twice or more between bot and human. ``ping_pong_people``: twice or more
    from human to human. ``ping_pong``: either.

    Hands are those of bots and humans; what customers and systems do between is left out. A
    transfer from human to human is a change of `resource`; humans of unknown `resource` between
    two known ones hide no change.
    """
    unit = np.flatnonzero(turns.first >= 0)
    row, switches, referrals = turns.first[unit], turns.switches[unit], turns.referrals[unit]
    bots, people = switches >= PING_PONG_CHANGES, referrals >= PING_PONG_CHANGES
    return pd.DataFrame(
        {
            "journey": events.journey[row],
            "customer_no": events.customer[row],
            "group": events.group[row],
            "changed": (switches > 0) | (referrals > 0),
            "ping_pong_bots": bots,
            "ping_pong_people": people,
            "ping_pong": bots | people,
        },
        copy=False,
    )


@dataclass(frozen=True, eq=False)
class Turns:
    """Turns of bots and humans, and the hands through which a matter goes.

    Attributes
    ----------
    row : ndarray of int64
    is_transfer : ndarray of bool
        Of each turn its row among the events, and whether another hand takes over after it.
    first, switches, referrals : ndarray of int32
        Of each matter the row of its first turn, below 0 where there is none; changes between bot
        and human; changes from one human to another.
    """

    row: Whole
    is_transfer: Flags
    first: Numbers
    switches: Numbers
    referrals: Numbers


def turns_of(journeys: Journeys, settings: MeasureSettings) -> Turns:
    """Follow the turns of each matter; see `ping_pong_table` and `transfers_measure`."""
    talk, events = Conversations(journeys, settings), journeys.events
    human, (matter, many) = talk.speech.human, talk.matter
    unknown = np.broadcast_to(np.int32(-1), len(events))
    hand = events.column("resource").number if events.has("resource") else unknown
    clock = talk.begin_us, events.done_us if journeys.has_clock else talk.begin_us
    limit_us = round(settings.handover_hours * US_PER_HOUR)
    row = np.flatnonzero(talk.speech.bot | human)
    return Turns(row, *count_handoffs(row, matter, (human, hand), clock, limit_us, many))


@compiled
def count_handoffs(
    turns: Whole,
    matter: Numbers,
    actors: tuple[Flags, Numbers],
    clock: tuple[Whole, Whole],
    limit_us: int,
    matters: int,
) -> tuple[Flags, Numbers, Numbers, Numbers]:
    """Return what `Turns` holds of the hands of each matter.

    Parameters
    ----------
    turns : ndarray of int64
        Rows of the turns of bots and humans.
    matter : ndarray of int
    actors : (human, hand)
        Of each event whether a human acts, and the number of its `resource`, below 0 where it is
        unknown.
    clock : (begin_us, done_us)
        When each event begins and is over.
    limit_us : int
        The longest time to the next turn.
    matters : int
    """
    human, hand = actors
    begin_us, done_us = clock
    is_transfer = np.zeros(len(turns), dtype=np.bool_)
    latest, named = np.full(matters, -1, dtype=np.int32), np.full(matters, -1, dtype=np.int32)
    first = np.full(matters, -1, dtype=np.int32)
    switches, referrals = np.zeros(matters, dtype=np.int32), np.zeros(matters, dtype=np.int32)
    for turn in range(len(turns)):
        row = turns[turn]
        own, is_named = matter[row], hand[row] >= 0
        if latest[own] < 0:
            first[own] = row
        else:
            before = turns[latest[own]]
            switches[own] += human[row] != human[before]
            differs = is_named and hand[before] >= 0 and hand[row] != hand[before]
            in_time = begin_us[row] - done_us[before] <= limit_us
            is_transfer[latest[own]] = human[row] & (differs | (not human[before])) & in_time
        if is_named and human[row] and named[own] >= 0 and human[named[own]]:
            referrals[own] += hand[row] != hand[named[own]]
        latest[own] = turn
        if is_named or not human[row]:
            named[own] = row
    return is_transfer, first, switches, referrals


def handover_table(sessions: BotSessions) -> pd.DataFrame:
    """Return one row per handed-over session: ``cold``, ``requested``, ``stumbled``.

    ``cold``: the customer had to make contact again. ``requested``: a human was asked for.
    ``stumbled``: the bot had failed before.
    """
    part, handed_over = sessions.facts, sessions.ended("handed_over")
    names = ("group", "customer_no", "journey", "cold", "stumbled")
    rows = np.flatnonzero(handed_over)
    table = {name: part[name][rows] for name in names}
    return pd.DataFrame(table | {"requested": part["requests"][rows] > 0})


def repeated_table(
    sessions: BotSessions, settings: MeasureSettings, patterns: Patterns
) -> pd.DataFrame:
    """Return one row per session with a human after a bot, with ``again``.

    ``again``: within `EARLY_REPLIES` turns after the human came, the customer says that it was
    said before (`log.says_again`), or says what is nearly the same as an earlier turn of theirs
    in the journey. Sessions of which no word after the hand-over is logged (calls, say) have no
    row. Of very many words only those of a fixed sample of customers count.
    """
    journeys, keys = sessions.journeys, np.concatenate(patterns.replied)
    customer = journeys.outline.customer[np.searchsorted(journeys.outline.key, keys)]
    keys = keys[in_sample(customer.astype(np.int64), _per_mille(patterns.replies))]
    talk = Conversations(journeys.only(keys), settings)
    events, after = talk.events, _replies(talk, sessions)
    units, unit = np.unique(talk.session[after], return_inverse=True)
    replies = np.flatnonzero(talk.speech.speaks[after])
    own = unit[replies]
    ordered = replies[np.argsort(own, kind="stable")]
    turn = np.arange(len(ordered)) - np.searchsorted(np.sort(own), np.sort(own))
    early = np.sort(ordered[turn < EARLY_REPLIES])
    is_repeated = np.zeros(len(units), dtype=bool)
    if len(early):
        is_repeated[unit[early[_repetitions(talk, after[early])]]] = True
    seen = after[np.unique(unit, return_index=True)[1]]
    return pd.DataFrame(
        {
            "journey": events.journey[seen],
            "customer_no": events.customer[seen],
            "group": events.group[seen],
            "again": is_repeated,
        }
    )


def _repetitions(talk: Conversations, replies: Whole) -> Flags:
    """Mark the replies that say it again, or repeat a turn before the human came."""
    from rapidfuzz.fuzz import token_set_ratio

    events, speech = talk.events, talk.speech
    own = np.isin(events.journey, events.journey[replies]) & speech.speaks & speech.spoken
    rows = np.flatnonzero(own)
    turns_of = events.values_at(rows, text=_.text, again=says_again(_.text).fill_null(False))
    texts = [str(text).casefold() for text in turns_of["text"].to_pylist()]
    text_at = dict(zip(rows.tolist(), texts, strict=True))
    earlier_of: dict[int, list[int]] = {}
    for row in rows.tolist():
        earlier_of.setdefault(int(events.journey[row]), []).append(row)
    human_row = first_in(talk.runs, speech.human)

    def copies(reply: int) -> bool:
        text, turns = text_at[reply], earlier_of[int(events.journey[reply])]
        until = bisect_left(turns, int(human_row[talk.session[reply]]))
        return any(
            min(len(text.split()), len(text_at[row].split())) >= WORDS_TO_COMPARE
            and token_set_ratio(text, text_at[row]) >= SAME_WORDS
            for row in turns[max(until - MOST_EARLIER, 0) : until]
        )

    says_so = turns_of["again"].to_numpy()[np.searchsorted(rows, replies)]
    near = np.array([copies(int(reply)) for reply in replies], dtype=bool)
    return np.asarray(near | says_so.astype(bool))


def context_estimates(journeys: Journeys) -> dict[str, Estimate]:
    """Return what became of the fields that a human needed.

    Returns
    -------
    dict of str to Estimate
        ``context_sent``: fields handed over, of those the human asked for. ``context_carried``:
        fields handed over *and* opened, of the same; abstains with ``no_column`` where no column
        says what was opened. ``asked_again``: requests for fields of which the customer had given
        one to the bot.

    Notes
    -----
    What had been handed over is the event's own ``context_sent``, or else the last one before it
    in the journey; opened is what was opened since, up to the request's own event; given is all
    that was given up to it.
    """
    minimum = journeys.settings.min_customers
    counted = Sums()
    if journeys.has("context_requested"):
        counted = journeys.summed(lambda part: _context_sums(part.events))
    wanted = {
        name: Ratio(counted.get(name), None, text, abstain=None if logged else "no_column")
        for name, (text, roles) in _CONTEXT.items()
        for logged in [all(journeys.has(f"context_{role}") for role in ("requested", *roles))]
    }
    return ratios({}, wanted, min_customers=minimum)


_CONTEXT = {
    "context_sent": ("fields handed over, of those the human asked for", ("sent",)),
    "context_carried": (
        "fields handed over and opened, of those the human asked for",
        ("sent", "opened"),
    ),
    "asked_again": (
        "requests of a human for fields of which the customer had given the bot one",
        ("given",),
    ),
}


def _context_sums(events: Events) -> Sums:
    """Count the ratios of `_CONTEXT` in a part of a log."""
    needs = _needs(events)
    fields = needs.assign(given=needs.groupby("row")["given"].transform("any"))
    requests = fields.drop_duplicates("row")
    tops = {"context_sent": needs["sent"], "context_carried": needs["sent"] & needs["opened"]}
    of_fields = {name: Ratio(top, None, _CONTEXT[name][0]) for name, top in tops.items()}
    asked = {"asked_again": Ratio(requests["given"], None, _CONTEXT["asked_again"][0])}
    return Sums(ratio_sums(needs, of_fields) | ratio_sums(requests, asked))


def _needs(events: Events) -> pd.DataFrame:
    """Return each field that a human asked for: whether it was ``sent``, ``opened``, ``given``."""
    needs = _named(events, "requested")
    row = needs["row"].to_numpy()
    begin = events.begins[events.journey[row]]
    sent, opened, given = (
        _latest(needs, _named(events, role)) for role in ("sent", "opened", "given")
    )
    parcels = np.flatnonzero(_cells(events, "sent").known)
    parcel = np.append(-1, parcels)[np.searchsorted(parcels, row, side="right")]
    return needs.assign(
        group=events.group[row],
        customer_no=events.customer[row],
        journey=events.journey[row],
        sent=(parcel >= begin) & (sent == parcel),
        opened=(parcel >= begin) & (opened >= parcel),
        given=given >= begin,
    )


def _latest(needs: pd.DataFrame, named: pd.DataFrame) -> Numbers:
    """Return the last row, up to the request's own, that names the field; −1 where none does."""
    named = named.assign(at=named["row"])
    return pd.merge_asof(needs, named, on="row", by="field")["at"].fillna(-1).to_numpy()


def _cells(events: Events, role: str) -> Codes:
    """Return a column of context; without one no event says anything."""
    column = f"context_{role}"
    nothing = Codes(np.full(len(events), -1, dtype=np.int8), ())
    return events.column(column) if events.has(column) else nothing


def _named(events: Events, role: str) -> pd.DataFrame:
    """Return the fields that a column of context names, commas between: ``row``, ``field``."""
    cells = _cells(events, role)
    row = np.flatnonzero(cells.known)
    words = pd.Series(cells.words, dtype="str").str.casefold().str.split(",")
    fields = words.to_numpy()[cells.number[row]]
    named = pd.DataFrame({"row": row, "field": fields}).explode("field")
    # As objects: pandas cannot join two empty columns of its own texts.
    named["field"] = named["field"].astype("str").str.strip().astype(object)
    return named[named["field"] != ""].drop_duplicates(ignore_index=True)


def dead_ends(
    journeys: Journeys, sessions: BotSessions, settings: MeasureSettings
) -> tuple[str, ...]:
    """Return the bot's touchpoints from which no human can be reached and most end badly.

    In the directly-follows graph no touchpoint at which a human acts can be reached from there,
    and the lower limit of the share of its bot sessions that end abandoned, or in a journey with
    a bad end, is above `BAD_END_SHARE`.
    """
    people, bots = (
        {journeys.names[number] for number in np.flatnonzero(is_acting).tolist()}
        for is_acting in journeys.summed(_acts_at)
    )
    # All transitions: one left out for privacy must not make a dead end.
    before = defaultdict(list)
    for source, target in journeys.edges[["source", "target"]].to_numpy():
        before[target].append(source)
    # Walked once, backwards from the people: a walk from each bot takes minutes in a wide log.
    leads, front = set(people), sorted(people)
    while front:
        new = set(before[front.pop()]) - leads
        leads |= new
        front += sorted(new)
    closed = sorted(bots - leads)
    bad = _bad_endings(sessions, settings) if closed else {}
    return tuple(name for name in closed if bad.get(name, 0.0) > BAD_END_SHARE)


def _acts_at(journeys: Journeys) -> Flags:
    """Mark the touchpoints at which people act, and those at which bots do."""
    actor, touchpoint = journeys.events.column("actor"), journeys.events.touchpoint
    is_acting = np.zeros((2, len(journeys.names)), dtype=bool)
    for row, who in zip(is_acting, ("human", "bot"), strict=True):
        row[touchpoint[np.flatnonzero(actor.is_word(who))]] = True
    return is_acting


def _bad_endings(sessions: BotSessions, settings: MeasureSettings) -> dict[str, float]:
    """Return the lower limit of the share of bad endings among sessions through a touchpoint."""
    journeys = sessions.journeys
    ended = journeys.summed(lambda part: _ends_at(Conversations(part, settings), sessions))
    n, trials = ended.base.customers, ended.sums[:, :, 1].sum(axis=0)
    result = resample(ended.sums, quotient, share=True, n_customers=n, n_trials=trials)
    shown = n >= max(journeys.settings.min_customers, 1)
    lows = np.where(shown, np.nan_to_num(result.lo), 0.0)
    return {journeys.names[number]: low for number, low in enumerate(lows.tolist())}


def _ends_at(talk: Conversations, sessions: BotSessions) -> Shares:
    """Count the bot sessions that were over, and of these the bad endings, by touchpoint."""
    many, (row, journey) = talk.events.touchpoints, sessions.of(talk.journeys)
    state = sessions.facts["state"][row]
    bad = (state == STATES.index("abandoned")) | (
        talk.journeys.outline.end_kind[journey] == BAD_END
    )
    bot_session = np.where(talk.speech.bot, talk.bot_session, -1)
    _pair, keys = number_pairs(bot_session, talk.events.touchpoint, many)
    keys = np.sort(keys)
    own, touchpoint = keys // many, keys % many
    over = state[own] != STATES.index("open")
    own, touchpoint = own[over], touchpoint[over]
    group, customer = (sessions.facts[name][row[own]] for name in ("group", "customer_no"))
    return Shares.of(Rows(many, touchpoint, group, own, customer), bad[own])


def transfers_measure(journeys: Journeys, settings: MeasureSettings) -> Measured:
    """Return the share of a bot's or human's turns after which another hand takes over.

    Another hand is a human after a bot, or another human (a change of `resource`), as the next
    one that serves the customer in the same journey and intent within ``handover_hours``.
    """
    transfers = hands_of(journeys, settings).transfers
    return share_of("transfers", transfers.sums, transfers.base, settings)
