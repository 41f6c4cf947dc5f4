"""Changing hands: loops, ping-pong, dead ends, and what is lost on the way to a human."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

import ibis
import numpy as np
import pandas as pd
from ibis import _

from journeylib.core import Estimate, resample
from journeylib.journeys import (
    BAD_END,
    Codes,
    Events,
    Journeys,
    first_rows,
    number_pairs,
    row_before,
)
from journeylib.log import fails_to_answer, normalised, sample_customers, says_again
from journeylib.measures.bots.bot_sessions import BotSessions, Flags, Numbers
from journeylib.measures.measured import Measured
from journeylib.measures.ratios import Ratio, quotient, ratios
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import Rows, share_of

LOOP_ROUNDS = 3
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


def loops_of(sessions: BotSessions) -> Flags:
    """Mark the bot sessions in which the bot went round in circles.

    It said the same words `LOOP_ROUNDS` times, or (where it said nothing) came back to the same
    touchpoint that often with another one of its own between.
    """
    events, speech = sessions.events, sessions.speech
    bot_session = np.where(speech.bot, sessions.bot_session, -1)
    turns = np.flatnonzero(bot_session >= 0)
    own, spot = bot_session[turns], events.touchpoint[turns]
    many = len(sessions.facts["session"])
    before = row_before(own, many)
    fresh = (before < 0) | (spot[before] != spot)
    spoken = np.full(len(turns), -1, dtype=np.int64)
    words = 0
    if events.has("text"):
        texts = events.values("words of bots", ibis.cases((_.actor == "bot", normalised(_.text))))
        spoken, words = texts.number[turns].astype(np.int64), len(texts.words)
    what = np.where(spoken >= 0, spoken, words + spot)
    rounds = np.flatnonzero((spoken >= 0) | fresh)
    pair, keys = number_pairs(own[rounds], what[rounds], words + events.touchpoints)
    often = np.bincount(pair, minlength=len(keys)) >= LOOP_ROUNDS
    looped = np.zeros(many, dtype=bool)
    looped[keys[often] // (words + events.touchpoints)] = True
    return looped


def ping_pong_table(sessions: BotSessions) -> pd.DataFrame:
    """Return one row per journey and intent: ``changed`` hands at all, ``ping_pong``.

    ``ping_pong_bots``: twice or more between bot and human. ``ping_pong_people``: twice or more
    from human to human. ``ping_pong``: either.

    Hands are those of bots and humans; what customers and systems do between is left out. A
    transfer from human to human is a change of `resource`; humans of unknown `resource` between
    two known ones hide no change.
    """
    events, speech = sessions.events, sessions.speech
    matter, many = sessions.matter
    serving = speech.bot | speech.human
    before = row_before(np.where(serving, matter, -1), many)
    crossed = (before >= 0) & (speech.bot != speech.bot[before])
    passed = np.zeros(len(events), dtype=bool)
    if events.has("resource"):
        hand = events.column("resource").number
        named = row_before(np.where(speech.bot | (speech.human & (hand >= 0)), matter, -1), many)
        passed = (named >= 0) & speech.human & speech.human[named] & _other_hand(hand, hand[named])
    first = first_rows(matter, serving, many)
    there = np.flatnonzero(first >= 0)
    row = first[there]
    crossings, passings = (
        np.bincount(matter[marked], minlength=many)[there] for marked in (crossed, passed)
    )
    table = pd.DataFrame(
        {
            "journey": events.journey[row],
            "customer_no": events.customer[row],
            "group": events.group[row].astype(np.int64),
            "changed": (crossings > 0) | (passings > 0),
            "ping_pong_bots": crossings >= PING_PONG_CHANGES,
            "ping_pong_people": passings >= PING_PONG_CHANGES,
        }
    )
    return table.assign(ping_pong=table["ping_pong_bots"] | table["ping_pong_people"])


def _other_hand(hand: Numbers, other: Numbers) -> Flags:
    """Mark where both resources are known and not the same."""
    return np.asarray((hand >= 0) & (other >= 0) & (hand != other))


def handover_table(sessions: BotSessions, journeys: Journeys) -> pd.DataFrame:
    """Return one row per handed-over session: ``cold``, ``requested``, ``stumbled``.

    ``cold``: the customer had to make contact again. ``requested``: a human was asked for.
    ``stumbled``: the bot had not understood, could not help, or an error was logged before.
    """
    events = sessions.events
    failed = np.zeros(len(events), dtype=bool)
    if journeys.has("text"):
        own = (_.actor == "bot") & (not sessions.speech.speaks_always)
        fails = ibis.cases((own, fails_to_answer(_.text)), else_=False)
        failed = events.mark("fails to answer", fails)
    if journeys.has("error"):
        failed = failed | (events.column("error") == 1)
    bot_session = sessions.bot_session
    amiss = failed & sessions.speech.bot & sessions.before_human & (bot_session >= 0)
    part, handed = sessions.facts, sessions.ended("handed_over")
    stumbled = np.bincount(bot_session[amiss], minlength=len(handed)) > 0
    table = {name: part[name][handed] for name in ("group", "customer_no", "journey", "cold")}
    asked = {"requested": part["requests"][handed] > 0, "stumbled": stumbled[handed]}
    return pd.DataFrame(table | asked)


def repeated_table(sessions: BotSessions) -> pd.DataFrame:
    """Return one row per session with a human after a bot, with ``again``.

    ``again``: within `EARLY_REPLIES` turns after the human came, the customer says that it was
    said before (`text.says_again`), or says what is nearly the same as an earlier turn of theirs
    in the journey. Sessions of which no word after the hand-over is logged (calls, say) have no
    row. Of very many words only those of a fixed sample of customers count.
    """
    events, speech, session = sessions.events, sessions.speech, sessions.session
    part, handed = sessions.facts, sessions.ended("handed_over")
    first = np.full(len(events.begins) - 1, len(events) + 1, dtype=np.int64)
    np.minimum.at(first, part["journey"][handed], part["opened"][handed])
    words = speech.spoken & (speech.speaks | speech.human) & ~sessions.before_human
    after = np.flatnonzero(words)
    if len(after):
        many = int(session.max()) + 1
        began = first_rows(session, np.ones(len(events), dtype=bool), many)[session[after]]
        after = after[events.step[began] >= first[events.journey[after]]]
    drawn, _per_mille = sample_customers(events.customer[after], MOST_REPLIES)
    after = after[drawn]
    units, unit = np.unique(session[after], return_inverse=True)
    replies = np.flatnonzero(speech.speaks[after])
    own = unit[replies]
    ordered = replies[np.argsort(own, kind="stable")]
    turn = np.arange(len(ordered)) - np.searchsorted(np.sort(own), np.sort(own))
    early = np.sort(ordered[turn < EARLY_REPLIES])
    rows = after[early]
    again = np.zeros(len(units), dtype=bool)
    if len(rows):
        own = speech.speaks_always | (_.actor == "customer")
        said_so = ibis.cases((own, says_again(_.text)), else_=False)
        again[unit[early[events.mark("says it again", said_so)[rows]]]] = True
        again[unit[early[_near_copies(sessions, rows)]]] = True
    seen = after[np.unique(unit, return_index=True)[1]]
    return pd.DataFrame(
        {
            "journey": events.journey[seen],
            "customer_no": events.customer[seen],
            "group": events.group[seen].astype(np.int64),
            "again": again,
        }
    )


def _near_copies(sessions: BotSessions, replies: Numbers) -> Flags:
    """Mark the replies that repeat what the customer said in the journey before the human came."""
    from rapidfuzz.fuzz import token_set_ratio

    events, speech = sessions.events, sessions.speech
    own = np.isin(events.journey, events.journey[replies]) & speech.speaks & speech.spoken
    rows = np.flatnonzero(own)
    texts = {
        row: text.casefold() for row, text in zip(rows.tolist(), events.texts_at(rows), strict=True)
    }
    earlier_of: dict[int, list[int]] = {}
    for row in rows.tolist():
        earlier_of.setdefault(int(events.journey[row]), []).append(row)

    def copies(reply: int) -> bool:
        text, turns = texts[reply], earlier_of[int(events.journey[reply])]
        until = bisect_left(turns, int(sessions.human_row[sessions.session[reply]]))
        return any(
            min(len(text.split()), len(texts[row].split())) >= WORDS_TO_COMPARE
            and token_set_ratio(text, texts[row]) >= SAME_WORDS
            for row in turns[max(until - MOST_EARLIER, 0) : until]
        )

    return np.array([copies(int(reply)) for reply in replies], dtype=bool)


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
    needs, minimum = _needs(journeys.events), journeys.settings.min_customers
    again = needs.assign(given=needs.groupby("row")["given"].transform("any"))
    requests = again.drop_duplicates("row")

    def ratio(top: pd.Series[bool], estimand: str, *roles: str) -> Ratio:
        logged = all(journeys.has(f"context_{role}") for role in ("requested", *roles))
        return Ratio(top, None, estimand, abstain=None if logged else "no_column")

    sent = ratio(needs["sent"], "fields handed over, of those the human asked for", "sent")
    carried = ratio(
        needs["sent"] & needs["opened"],
        "fields handed over and opened, of those the human asked for",
        *("sent", "opened"),
    )
    asked_again = ratio(
        requests["given"],
        "requests of a human for fields of which the customer had given the bot one",
        "given",
    )
    of_fields = {"context_sent": sent, "context_carried": carried}
    return ratios(needs, of_fields, min_customers=minimum) | ratios(
        requests, {"asked_again": asked_again}, min_customers=minimum
    )


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


def dead_ends(journeys: Journeys, sessions: BotSessions) -> tuple[str, ...]:
    """Return the bot's touchpoints from which no human can be reached and most end badly.

    In the directly-follows graph no touchpoint at which a human acts can be reached from there,
    and the lower limit of the share of its bot sessions that end abandoned, or in a journey with
    a bad end, is above `BAD_END_SHARE`.
    """
    spots, names = sessions.events.touchpoint, journeys.names
    people, bots = (
        {names[number] for number in np.flatnonzero(np.bincount(spots[marked])).tolist()}
        for marked in (sessions.speech.human, sessions.speech.bot)
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
    bad = _bad_endings(journeys, sessions)
    return tuple(name for name in closed if bad.get(name, 0.0) > BAD_END_SHARE)


def _bad_endings(journeys: Journeys, sessions: BotSessions) -> dict[str, float]:
    """Return the lower limit of the share of bad endings among sessions through a touchpoint."""
    events, outline, part = sessions.events, journeys.outline, sessions.facts
    many, settled = events.touchpoints, ~sessions.ended("open")
    bad = sessions.ended("abandoned") | (outline.end_kind[part["journey"]] == BAD_END)
    bot_session = np.where(sessions.speech.bot, sessions.bot_session, -1)
    _pair, keys = number_pairs(bot_session, events.touchpoint, many)
    keys = np.sort(keys)
    own, spot = keys // many, keys % many
    own, spot = own[settled[own]], spot[settled[own]]
    group, customer = part["group"][own], part["customer_no"][own]
    rows = Rows(many, spot, group, own, customer)
    sums = np.stack([rows.in_cells(bad[own]), rows.in_cells(np.ones(len(own)))], axis=-1)
    n = rows.base(np.ones(len(own), dtype=bool)).customers
    result = resample(sums, quotient, share=True, n_customers=n, n_trials=sums[:, :, 1].sum(axis=0))
    shown = n >= max(journeys.settings.min_customers, 1)
    lows = np.where(shown, np.nan_to_num(result.lo), 0.0)
    return {journeys.names[number]: low for number, low in enumerate(lows.tolist())}


def transfers_measure(
    sessions: BotSessions, journeys: Journeys, settings: MeasureSettings
) -> Measured:
    """Return the share of a bot's or human's turns after which another hand takes over.

    Another hand is a human after a bot, or another human (a change of `resource`), as the next
    one that serves the customer in the same journey and intent within ``handover_hours``.
    """
    events, speech = sessions.events, sessions.speech
    matter, many = sessions.matter
    serving = speech.bot | speech.human
    before = row_before(np.where(serving, matter, -1), many)
    # A human who comes next, and the row of whom it comes after.
    later = np.flatnonzero((before >= 0) & speech.human)
    earlier = before[later]
    taken_over = speech.bot[earlier]
    if events.has("resource"):
        hand = events.column("resource").number
        taken_over = taken_over | _other_hand(hand[later], hand[earlier])
    if journeys.has_clock:
        limit_us = round(settings.handover_hours * 3600 * 1_000_000)
        taken_over = taken_over & (events.t_us[later] - events.done_us[earlier] <= limit_us)
    passed = np.zeros(len(events), dtype=bool)
    passed[earlier[taken_over]] = True
    rows = Rows.of(events, serving)
    every = np.ones(int(serving.sum()), dtype=bool)
    sums = np.stack([rows.in_cells(passed[serving]), rows.in_cells(every)], axis=-1)
    return share_of("transfers", sums, rows.base(every), settings)
