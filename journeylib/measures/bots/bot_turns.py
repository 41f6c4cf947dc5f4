"""Turns of a bot session: what the bot offers, where it goes round in circles, where it fails."""

from __future__ import annotations

from collections.abc import Callable

import ibis
import numpy as np
from ibis import _

from journeylib.journeys import Runs, compiled, first_in, many_in, runs_before, value_at
from journeylib.log import fails_to_answer, normalised
from journeylib.measures.bots.conversations import Conversations, Flags, Numbers, Whole

EARLY_BOT_TURNS = 3
LOOP_ROUNDS = 3
# `first_in` or `last_in`.
Walk = Callable[[Runs, Flags], Whole]


def rows_of(walk: Walk, runs: Runs, marked: Flags) -> Whole:
    """Return the row of each run that a walk finds; nothing is walked where nothing is marked."""
    return walk(runs, marked) if marked.any() else np.full(len(runs[1]), -1)


def offered_early(talk: Conversations) -> Flags:
    """Mark the sessions in which a bot's first offer of a human is among its first turns."""
    offers, bot = talk.speech.offers, talk.speech.bot
    if not offers.any():
        return np.zeros(len(talk.of_bots), dtype=bool)
    offer = rows_of(first_in, talk.bot_runs, offers)
    turns = many_in(runs_before(talk.bot_runs, offers), bot) + value_at(bot, offer, False)
    return np.asarray((offer >= 0) & (turns <= EARLY_BOT_TURNS))


def looped_in(talk: Conversations) -> Flags:
    """Mark the bot sessions in which the bot went round in circles.

    It said the same words `LOOP_ROUNDS` times, or (where it said nothing) came back to the same
    touchpoint that often with another one of its own between.
    """
    events = talk.events
    words, spoken = 0, np.broadcast_to(np.int32(-1), len(events))
    if events.has("text"):
        texts = events.values("words of bots", ibis.cases((_.actor == "bot", normalised(_.text))))
        words, spoken = len(texts.words), texts.number
    turns = talk.speech.bot, spoken, events.touchpoint
    return comes_round(talk.bot_runs, turns, words, events.touchpoints)


@compiled
def comes_round(
    runs: Runs, turns: tuple[Flags, Numbers, Numbers], words: int, touchpoints: int
) -> Flags:
    """Mark the runs in which a bot says or does the same `LOOP_ROUNDS` times; see `looped_in`.

    Parameters
    ----------
    runs : Runs
    turns : (bot, spoken, touchpoint)
        Of each event whether a bot acts, the number of its words (below 0 for none), and where.
    words, touchpoints : int
        How many of each there are.
    """
    rows, begin, end = runs
    bot, spoken, touchpoint = turns
    whose = np.full(words + touchpoints, -1, dtype=np.int32)
    times = np.zeros(words + touchpoints, dtype=np.int32)
    looped = np.zeros(len(begin), dtype=np.bool_)
    for own in range(len(begin)):
        before = -1
        for row in rows[begin[own] : end[own]]:
            if not bot[row]:
                continue
            what = spoken[row] if spoken[row] >= 0 else words + touchpoint[row]
            is_round = spoken[row] >= 0 or touchpoint[row] != before
            before = touchpoint[row]
            if whose[what] != own:
                whose[what], times[what] = own, 0
            times[what] += is_round
            looped[own] |= times[what] >= LOOP_ROUNDS
    return looped


def stumbled_in(talk: Conversations) -> Flags:
    """Mark the bot sessions in which the bot failed before a human came.

    It had not understood or could not help, or an error was logged.
    """
    events = talk.events
    failed = np.zeros(len(events), dtype=bool)
    if events.has("text"):
        own = (_.actor == "bot") & (not talk.speech.speaks_always)
        fails = ibis.cases((own, fails_to_answer(_.text)), else_=False)
        failed = events.mark("fails to answer", fails)
    if events.has("error"):
        failed = failed | (events.column("error") == 1)
    return rows_of(first_in, talk.bot_part, failed & talk.speech.bot) >= 0
