"""Compiled walks over sessions, matters and journeys, against slow ones in plain Python."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from journeylib.journeys import runs_of
from journeylib.judge.estimation.design_matrix import _kinds as kinds_of
from journeylib.measures.bots.bot_turns import LOOP_ROUNDS, comes_round
from journeylib.measures.bots.conversations import served_in
from journeylib.measures.bots.handoff_audit import change_numbers
from journeylib.measures.bots.handoff_patterns import count_handoffs

BOT, HUMAN, CUSTOMER = range(3)
UNITS = 4
# Session, actor (-1 for nobody known), resource or intent, words, touchpoint.
LIMITS = (0, 3), (-1, 2), (-1, 1), (-1, 1), (0, 2)
EVENTS = st.lists(
    st.tuples(
        *(st.integers(low, high) for low, high in ((0, 3), (-1, 2), (-1, 1), (-1, 1), (0, 2)))
    ),
    max_size=30,
)


def columns(events: list[tuple[int, ...]]) -> list[np.ndarray]:
    return list(np.array(events, dtype=np.int32).reshape(-1, 5).T.copy())


@given(events=EVENTS)
def test_sessions_in_which_somebody_serves_or_asks(events: list[tuple[int, ...]]) -> None:
    unit, actor, intent, words, _spot = columns(events)
    customer = actor == CUSTOMER
    acts = actor == BOT, actor == HUMAN, customer, customer & (words >= 0)
    served = served_in(runs_of(unit, UNITS), acts, intent)

    def first(of: int, marked: np.ndarray) -> int:
        return min((n for n in range(len(events)) if unit[n] == of and marked[n]), default=-1)

    every = np.ones(len(events), dtype=bool)
    expected = [
        [of, first(of, every), *(first(of, act) for act in acts[:3]), first(of, intent >= 0)]
        for of in range(UNITS)
        if max(first(of, act) for act in (acts[0], acts[1], acts[3])) >= 0
    ]
    assert served.T.tolist() == expected
    without = served_in(runs_of(unit, UNITS), acts, None)
    assert without[:5].tolist() == served[:5].tolist()
    assert (without[5] == -1).all()


@given(events=EVENTS)
def test_a_bot_that_comes_round(events: list[tuple[int, ...]]) -> None:
    unit, actor, _hand, words, spot = columns(events)
    looped = []
    for of in range(UNITS):
        rounds: Counter[tuple[str, int]] = Counter()
        before = None
        for n in np.flatnonzero((unit == of) & (actor == BOT)):
            if words[n] >= 0:
                rounds["words", words[n]] += 1
            elif spot[n] != before:
                rounds["spot", spot[n]] += 1
            before = spot[n]
        looped.append(max(rounds.values(), default=0) >= LOOP_ROUNDS)
    found = comes_round(runs_of(unit, UNITS), (actor == BOT, words, spot), 2, 3)
    assert found.tolist() == looped


@given(events=EVENTS)
def test_hands_through_which_a_matter_goes(events: list[tuple[int, ...]]) -> None:
    matter, actor, hand, words, spot = columns(events)
    bot, human = actor == BOT, actor == HUMAN
    begin_us = np.cumsum(spot).astype(np.int64)
    clock = begin_us, begin_us + words + 1
    rows = np.flatnonzero(bot | human)
    counted = count_handoffs(rows, matter, (human, hand), clock, 1, UNITS)
    is_transfer = np.zeros(len(events), dtype=bool)
    of_matters = []
    for of in range(UNITS):
        turns = [n for n in range(len(events)) if matter[n] == of and (bot[n] or human[n])]
        named = [n for n in turns if bot[n] or hand[n] >= 0]
        people = [(a, b) for a, b in pairwise(named) if human[a] and human[b]]
        pairs = list(pairwise(turns))
        for a, b in pairs:
            differs = bot[a] or (-1 not in (hand[a], hand[b]) and hand[a] != hand[b])
            is_transfer[a] = human[b] and differs and clock[0][b] - clock[1][a] <= 1
        of_matters.append(
            (
                min(turns, default=-1),
                sum(bot[a] != bot[b] for a, b in pairs),
                sum(hand[a] != hand[b] for a, b in people),
            )
        )
    assert counted[0].tolist() == is_transfer[rows].tolist()
    assert list(zip(*(each.tolist() for each in counted[1:]), strict=True)) == of_matters


@given(events=EVENTS)
def test_changes_between_known_actors(events: list[tuple[int, ...]]) -> None:
    unit, actor, *_rest = columns(events)
    journey = np.sort(unit)
    expected = np.full(len(events), -1)
    for of in range(UNITS):
        seen = [n for n in range(len(events)) if journey[n] == of and actor[n] >= 0]
        for a, b in pairwise(seen):
            expected[b] = actor[a] * 3 + actor[b] if actor[a] != actor[b] else -1
    assert change_numbers(journey, actor.astype(np.int8), 3).tolist() == expected.tolist()


@given(events=EVENTS.filter(bool))
def test_distinct_rows_are_numbered_in_order(events: list[tuple[int, ...]]) -> None:
    rows = np.array(events, dtype=np.float64)
    distinct = sorted(set(events))
    assert kinds_of(rows).tolist() == [distinct.index(event) for event in events]
