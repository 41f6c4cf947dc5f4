"""The compiled walk against a plain walk in Python over the same events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from journeylib.journeys.graph.ends import ENDS, journey_ends
from journeylib.journeys.graph.markov_chain import _counted as counted_moves
from journeylib.journeys.graph.markov_order import _ENDINGS as ENDINGS
from journeylib.journeys.graph.markov_order import _contexts as contexts_of
from journeylib.journeys.graph.transitions import variants
from journeylib.journeys.journeys import Journeys, cut_again, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.counting import (
    Tally,
    count_marked,
    count_neighbours,
    count_units,
    count_units_again,
    happens_between,
    medians,
    medians_of,
    number_pairs,
    slot_of,
)
from journeylib.journeys.walk.event_columns import words_at
from journeylib.journeys.walk.outline import END_KINDS
from journeylib.journeys.walk.sessions import (
    before_first,
    first_in,
    largest_in,
    last_in,
    least_of_later,
    many_in,
    row_after,
    row_before,
    runs_before,
    runs_of,
    soon_after,
)
from journeylib.journeys.walk.tables import END, START, Edges
from journeylib.journeys.walk.tables import _count_moves as count_moves
from journeylib.journeys.walk.variant_counts import END_NUMBER, START_NUMBER, shared_variants
from journeylib.journeys.walk.visits import last_at_touchpoint, silences_after
from journeylib.judge.paradoxes.contacts import episodes
from journeylib.judge.paradoxes.contacts import find_contacts as contacts_served
from journeylib.judge.settings import ParadoxSettings
from journeylib.log import MISSING, Codes, read_columns
from journeylib.log.engine.duckdb import fetch_batches
from journeylib.log.eventlog import EventLog
from journeylib.measures.bots.conversations import sessions_of
from journeylib.measures.evidence import measure
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.repeat_contacts import find_contacts

LogOf = Callable[..., EventLog]
GAP_US = 30 * 86_400_000_000
HOUR = 3_600_000_000
DAY = 24 * HOUR
COLUMNS = "customer t_us touchpoint actor session intent"
Row = tuple[Any, ...]
# Ties, long silences, one customer or several, unknown actors, sessions and intents.
STEPS = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from([0, 1, 1, HOUR, 2 * HOUR, 3 * HOUR, GAP_US, 2 * GAP_US + 1]),
    st.sampled_from(["A", "B", "C"]),
    st.sampled_from(["bot", "human", "customer", None]),
    st.sampled_from(["s", "t", None]),
    st.sampled_from(["x", "y", None]),
)
# A row in which every column is known, so that each has a type.
KNOWN = ("z", 0, "A", "bot", "s", "x")
ROWS = st.lists(STEPS, max_size=25).map(lambda rows: [KNOWN, *rows])
FEW = settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def rebuilt(log_of: LogOf, rows: list[Row]) -> Journeys:
    return rebuild(log_of(*rows, columns=COLUMNS), JourneySettings(min_customers=1))


def plain_journeys(rows: list[Row]) -> list[list[Row]]:
    """Cut by hand: the events of a customer in order, until more than the gap is silent."""
    found: list[list[Row]] = []
    for customer in sorted({row[0] for row in rows}):
        own = [(row[1], place, row) for place, row in enumerate(rows) if row[0] == customer]
        latest = None
        for t_us, _place, row in sorted(own, key=lambda one: one[:2]):
            if latest is None or t_us - latest > GAP_US:
                found.append([])
            found[-1].append(row)
            latest = t_us
    return found


def plain_visits(journey: list[Row]) -> list[Row]:
    """Return the first event of each run of one touchpoint in one session."""
    return [
        row
        for before, row in zip([None, *journey[:-1]], journey, strict=True)
        if before is None or row[4] is None or (before[2], before[4]) != (row[2], row[4])
    ]


@pytest.mark.slow
@FEW
@given(rows=ROWS)
def test_transitions_and_variants_are_those_of_a_plain_walk(log_of: LogOf, rows: list[Row]) -> None:
    journeys = rebuilt(log_of, rows)
    events, whose, people = Counter(), defaultdict(set), defaultdict(set)
    seconds, ways = defaultdict(list), Counter()
    for number, journey in enumerate(plain_journeys(rows)):
        visits = plain_visits(journey)
        names = [START, *(visit[2] for visit in visits), END]
        ways[tuple(names[1:-1])] += 1
        for place, pair in enumerate(pairwise(names)):
            events[pair] += 1
            whose[pair].add(number)
            people[pair].add(journey[0][0])
            if START not in pair and END not in pair:
                seconds[pair].append((visits[place][1] - visits[place - 1][1]) / 1e6)
    found = {(row.source, row.target): row for row in journeys.edges.itertuples()}
    assert {pair: row.events for pair, row in found.items()} == events
    assert {pair: row.journeys for pair, row in found.items()} == {
        pair: len(own) for pair, own in whose.items()
    }
    assert {pair: row.customers for pair, row in found.items()} == {
        pair: len(own) for pair, own in people.items()
    }
    for pair, own in seconds.items():
        assert found[pair].median_seconds == pytest.approx(median(own), abs=1e-9)
    counted = variants(journeys, min_customers=1)
    assert dict(zip(counted["variant"], counted["journeys"], strict=True)) == ways


@pytest.mark.slow
@FEW
@given(rows=ROWS)
def test_what_shared_variants_leave_is_that_of_a_plain_walk(log_of: LogOf, rows: list[Row]) -> None:
    journeys = rebuilt(log_of, rows)
    number = {name: number for number, name in journeys.names.items()}
    whose: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for journey in plain_journeys(rows):
        whose[tuple(number[visit[2]] for visit in plain_visits(journey))].append(journey[0][0])
    shared = {way for way, people in whose.items() if len({*people}) >= 2}
    found = shared_variants(journeys.outline, 2)
    assert {*found.ways} == shared
    for spot in [spot for spot in found.left if spot]:
        others = [
            people
            for way, people in whose.items()
            if way not in shared
            and spot in {*pairwise((START_NUMBER, *way, END_NUMBER)), *((one,) for one in way)}
        ]
        people = [one for own in others for one in own]
        assert found.left[spot] == (len(people), len({*people}))
    assert {*found.left} == {*found.through}


@pytest.mark.slow
@FEW
@given(rows=ROWS)
def test_touchpoints_are_those_of_a_plain_walk(log_of: LogOf, rows: list[Row]) -> None:
    found = rebuilt(log_of, rows).touchpoints.set_index("touchpoint")
    journeys = plain_journeys(rows)
    for name in {row[2] for row in rows}:
        came = [own for own in journeys if any(row[2] == name for row in own)]
        assert found.loc[name, "events"] == sum(row[2] == name for row in rows)
        assert found.loc[name, "journeys"] == len(came)
        assert found.loc[name, "customers"] == len({own[0][0] for own in came})


@pytest.mark.slow
@FEW
@given(rows=ROWS)
def test_ends_and_memory_are_those_of_a_plain_walk(log_of: LogOf, rows: list[Row]) -> None:
    journeys = rebuilt(log_of, rows)
    kinds = [END_KINDS[kind] for kind in journeys.outline.end_kind]
    ended, contexts, moves = Counter(), Counter(), Counter()
    for kind, journey in zip(kinds, plain_journeys(rows), strict=True):
        names = [visit[2] for visit in plain_visits(journey)]
        ended.update((name, kind) for name in {START, *names})
        moves.update(pairwise([START, *names, kind]))
        for place, name in enumerate(names):
            before = [*names[: place + 1][::-1], None, None][:3]
            following = names[place + 1] if place + 1 < len(names) else kind
            if following != "open":
                contexts[(*before, following)] += 1
            assert before[0] == name
    number = {name: no for no, name in journeys.names.items()} | {None: -1} | ENDINGS
    found = contexts_of(journeys).groupby(["b1", "b2", "b3", "next"])["n"].sum()
    assert found.to_dict() == {
        tuple(number[name] for name in context): n for context, n in contexts.items()
    }
    counts, names = counted_moves(journeys, set())
    sums = counts.sum(axis=0)
    spots = {name: place for place, name in enumerate([*names, *ENDS])}
    assert sums.sum() == sum(moves.values())
    assert all(sums[spots[a], spots[b]] == n for (a, b), n in moves.items())
    ends = journey_ends(journeys)
    shown = {(row.touchpoint, row.end): row.journeys for row in ends.itertuples()}
    assert shown == {key: n for key, n in ended.items() if key in shown}


@pytest.mark.slow
@FEW
@given(rows=ROWS)
def test_sessions_are_those_of_a_plain_walk(log_of: LogOf, rows: list[Row]) -> None:
    expected: list[int] = []
    known = 0
    for journey in plain_journeys(rows):
        named: dict[str, int] = {}
        unnamed, latest = -1, 0
        for _customer, t_us, _name, _actor, session, _intent in journey:
            if session is not None and session not in named:
                named[session] = known
                known += 1
            elif session is None and (unnamed < 0 or t_us - latest > HOUR):
                unnamed = known
                known += 1
            latest = t_us if session is None else latest
            expected.append(unnamed if session is None else named[session])
    found = sessions_of(rebuilt(log_of, rows), MeasureSettings(session_gap_minutes=60))
    assert found.tolist() == expected


def plain_matters(own: list[Row], by_intent: bool) -> list[str | None]:
    """Return what each event of one customer, in order, is about; None where that is unknown."""
    matters = []
    for row in own:
        around = [row]
        if row[4] is not None:
            around += [other for other in own if other[4] == row[4]]
        else:
            times = [other[1] for other in own]
            cuts = [late for early, late in pairwise(times) if late - early > HOUR]
            after, until = (
                max((cut for cut in cuts if cut <= row[1]), default=0),
                min((cut for cut in cuts if cut > row[1]), default=times[-1] + 1),
            )
            around += [other for other in own if after <= other[1] < until]
        known = [other[5] for other in around if other[5] is not None]
        matters.append(row[2] if not by_intent else known[0] if known else None)
    return matters


def plain_contacts(own: list[Row], matters: list[str | None]) -> list[list[int]]:
    """Return the places of the events of each contact of one customer, as they begin."""
    contacts: list[list[int]] = []
    for place, (row, matter) in enumerate(zip(own, matters, strict=True)):
        alike = [contact for contact in contacts if matters[contact[0]] == matter]
        if row[4] is not None:
            same = [contact for contact in alike if any(own[at][4] == row[4] for at in contact)]
        else:
            latest = max(alike, key=lambda contact: contact[-1], default=[])
            same = [latest] if latest and row[1] - own[latest[-1]][1] <= HOUR else []
        if not same:
            same = [[]]
            contacts += same
        same[0].append(place)
    return contacts


def plain_entries(own: list[Row], by_intent: bool) -> list[tuple[Any, ...]]:
    """Return where each contact comes, when, when the next does or may, and if it opens there."""
    entries = []
    matters = plain_matters(own, by_intent)
    contacts = plain_contacts(own, matters)
    for contact in contacts:
        matter = matters[contact[0]]
        for touchpoint in {own[place][2] for place in contact}:
            came = next(place for place in contact if own[place][2] == touchpoint)
            later = [other[0] for other in contacts if other[0] > came]
            sure = [own[at][1] for at in later if matters[at] == matter is not None]
            may = [own[at][1] for at in later if None in (matter, matters[at])]
            nearest = (min(times, default=MISSING) for times in (sure, sure + may))
            entries.append((touchpoint, own[came][1], *nearest, came == contact[0]))
    return entries


@pytest.mark.slow
@given(
    histories=st.lists(st.lists(STEPS, max_size=10), min_size=15, max_size=20),
    by_intent=st.sampled_from([True, True, True, False]),
    by_session=st.booleans(),
)
@settings(FEW, max_examples=14, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_contacts_are_those_of_a_plain_walk(
    log_of: LogOf, histories: list[list[Row]], by_intent: bool, by_session: bool
) -> None:
    """Each example holds 15 customers or more: a log costs more time than they do."""
    used = [0, 1, 2, 3, *[4] * by_session, *[5] * by_intent]
    rows = [
        (f"c{n:02}", *step[1:]) for n, steps in enumerate([[KNOWN], *histories]) for step in steps
    ]
    rows = [tuple(row[i] if i in used else None for i in range(6)) for row in rows]
    log = log_of(
        *(tuple(row[i] for i in used) for row in rows),
        columns=" ".join(COLUMNS.split()[i] for i in used),
    )
    journeys = rebuild(log, JourneySettings(min_customers=1))
    found = find_contacts(journeys, MeasureSettings(session_gap_minutes=60))
    names = [journeys.names[number] for number in found.rows.touchpoint]
    parts = (found.at_us, found.next_us, found.perhaps_us, found.opens)
    entries = defaultdict(list)
    for customer, *entry in zip(
        found.rows.customer.tolist(), names, *(part.tolist() for part in parts), strict=True
    ):
        entries[customer].append(tuple(entry))
    for number, customer in enumerate(sorted({row[0] for row in rows})):
        own = sorted((row for row in rows if row[0] == customer), key=lambda row: row[1])
        assert sorted(entries[number]) == sorted(plain_entries(own, by_intent)), own


@pytest.mark.slow
@FEW
@given(rows=ROWS)
def test_contacts_and_matters_are_those_of_a_plain_walk(log_of: LogOf, rows: list[Row]) -> None:
    journeys = rebuilt(log_of, rows)
    measures = MeasureSettings(session_gap_minutes=60, repeat_days=1)
    contacts = contacts_served(journeys, None, ParadoxSettings(), measures)
    events, served, matters = journeys.events, [], defaultdict(list)
    actor, intent = (words_at(c.words, c.number) for c in map(events.column, ("actor", "intent")))
    for number in range(int(contacts.number.max()) + 1):
        own = np.flatnonzero(contacts.number == number).tolist()
        hands = [row for row in own if actor[row] in ("bot", "human")]
        if not hands:
            continue
        asked = [row for row in own if actor[row] == "customer"]
        answer = max(int(events.t_us[hands[0]] - events.t_us[asked[0]]), 0) if asked else MISSING
        about = next((intent[row] for row in own if isinstance(intent[row], str)), None)
        human = any(actor[row] == "human" for row in own)
        served.append((number, actor[hands[0]] == "bot", human, answer))
        if about is not None:
            matters[int(events.customer[own[0]]), about].append(int(events.t_us[own[0]]))
    columns = (contacts.rows[name].tolist() for name in ("contact", "arm", "human", "answer_us"))
    assert list(zip(*columns, strict=True)) == served
    sizes: list[int] = []
    for begins in matters.values():
        for place, begin in enumerate(ordered := sorted(begins)):
            if not place or begin - ordered[place - 1] > DAY:
                sizes.append(0)
            sizes[-1] += 1
    found = episodes(contacts, journeys, measures)
    assert sorted(found["contacts"].tolist()) == sorted(sizes)


# The first call compiles.
CELLS = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 4)), max_size=40)


@pytest.mark.slow
@given(rows=CELLS)
def test_units_in_cells_are_distinct_ones(rows: list[tuple[int, int]]) -> None:
    rows = sorted(rows, key=lambda one: one[1])
    cell, unit = (np.array([row[i] for row in rows], dtype=np.int64) for i in (0, 1))
    times = Counter(row for row in rows if row[0] >= 0)
    assert count_units(cell, unit, 4).tolist() == [sum(k[0] == c for k in times) for c in range(4)]
    assert count_units_again(cell, unit, 4).tolist() == [
        sum(k[0] == c and n > 1 for k, n in times.items()) for c in range(4)
    ]
    value = unit * 10
    for place, found in enumerate(medians_of(cell, value, 4)):
        own = [10 * row[1] for row in rows if row[0] == place]
        assert np.isnan(found) if not own else found == median(own)
    number, keys = number_pairs(cell, unit, 5)
    assert [divmod(int(keys[n]), 5) if n >= 0 else None for n in number] == [
        row if row[0] >= 0 else None for row in rows
    ]
    assert len(keys) == len(times)


@given(st.lists(st.tuples(*map(st.integers, [0] * 4, [2, 4, 7, 30])), max_size=30))
def test_marked_units_returns_and_silences_are_those_of_a_plain_walk(
    rows: list[tuple[int, int, int, int]],
) -> None:
    """Each row: journey, touchpoint, three marks as bits, time since the row before."""
    rows = sorted(rows, key=lambda row: row[0])
    journey, cell, bits, silent = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    customer, marks = journey // 2, (bits >> np.arange(3)[:, None] & 1) > 0
    found = count_marked(marks, cell, (journey, customer), 5)
    for kind, marked in enumerate(marks):
        for place, unit in enumerate((np.arange(len(rows)), journey, customer)):
            own = [len(set(unit[marked & (cell == here)].tolist())) for here in range(5)]
            assert found[:, place, kind].tolist() == own
    begins = np.searchsorted(journey, [*sorted(set(journey.tolist())), 3])
    last = last_at_touchpoint(begins, cell, 5).tolist()
    assert last == [
        max(np.flatnonzero((journey == j) & (cell == here)).tolist())
        for j, here in zip(journey, cell, strict=True)
    ]
    t_us, service_us = np.cumsum(silent), np.where(bits > 3, bits, MISSING)
    served = np.where(bits > 3, bits, 0)
    assert silences_after(begins, t_us, service_us).tolist() == [
        max(int(t_us[row + 1] - t_us[row] - served[row]), 0)
        if row + 1 < len(rows) and journey[row + 1] == journey[row]
        else MISSING
        for row in range(len(rows))
    ]


@pytest.mark.parametrize("apart", [1, 60, 1 << 31], ids=["near", "touchpoints", "intents"])
def test_keys_that_differ_only_in_high_bits_do_not_share_a_slot(apart: int) -> None:
    # Journeys times 2^31 once all began at one slot: a million took two minutes to number.
    slots = {slot_of(journey * apart, 8192) for journey in range(4096)}
    assert len(slots) > 4096 / 2
    assert min(slots) >= 0 and max(slots) < 8192


@given(rows=CELLS, possible=st.booleans())
def test_rows_before_and_later_values(rows: list[tuple[int, int]], possible: bool) -> None:
    key = np.array([row[0] for row in rows], dtype=np.int64)
    value = np.array([row[1] or MISSING for row in rows], dtype=np.int64)
    before = row_before(key, 4)
    assert before.tolist() == [
        max((i for i in range(row) if key[i] == key[row] >= 0), default=-1)
        for row in range(len(rows))
    ]
    unit, marked = np.maximum(key, 0), key >= 1
    assert row_after(unit, marked, 4).tolist() == [
        min(
            (i for i in range(row + 1, len(rows)) if unit[i] == unit[row] and marked[i]), default=-1
        )
        for row in range(len(rows))
    ]
    owner = np.arange(len(rows)) // 7
    found = least_of_later(4, owner, key, value, possible)
    for row in range(len(rows)):
        later = [
            int(value[i])
            for i in range(row + 1, len(rows))
            if owner[i] == owner[row]
            and (key[i] == key[row] >= 0 or (possible and min(key[row], key[i]) < 0))
            and value[i] != MISSING
        ]
        assert found[row] == min(later, default=MISSING)


@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans()), max_size=40))
def test_what_runs_of_events_hold(rows: list[tuple[int, int, bool]]) -> None:
    unit = np.array([row[0] for row in rows], dtype=np.int32)
    value = np.array([row[1] for row in rows], dtype=np.int64)
    marked = np.array([row[2] for row in rows], dtype=bool)
    runs = runs_of(unit, 4)
    own = [[n for n in range(len(rows)) if unit[n] == of] for of in range(4)]
    those = [[n for n in run if marked[n]] for run in own]

    def events(of: tuple[np.ndarray, np.ndarray, np.ndarray]) -> list[list[int]]:
        return [of[0][begin:end].tolist() for begin, end in zip(of[1], of[2], strict=True)]

    assert events(runs) == own
    assert first_in(runs, marked).tolist() == [min(one, default=-1) for one in those]
    assert last_in(runs, marked).tolist() == [max(one, default=-1) for one in those]
    assert many_in(runs, marked).tolist() == [len(one) for one in those]
    largest = [max((int(value[n]) for n in one), default=MISSING) for one in those]
    assert largest_in(runs, value, marked).tolist() == largest
    before = [
        [n for n in run if not marked[: n + 1][unit[: n + 1] == unit[n]].any()] for run in own
    ]
    assert events(runs_before(runs, marked)) == before


@given(
    asked=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 9)), max_size=9),
    came=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=9),
)
def test_what_happens_between(
    asked: list[tuple[int, int, int]], came: list[tuple[int, int]]
) -> None:
    customer, low, high = (np.array([a[i] for a in asked], dtype=np.int64) for i in range(3))
    whose, when = (np.array([c[i] for c in came], dtype=np.int64) for i in range(2))
    assert happens_between(customer, low, high, whose, when).tolist() == [
        any(who == c and a <= t <= b for who, t in came) for c, a, b in asked
    ]


def test_a_log_without_a_session_or_a_clock_is_walked_too(log_of: LogOf) -> None:
    journeys = rebuild(
        log_of(("a", "A", 1), ("a", "A", 2), columns="customer touchpoint position"),
        JourneySettings(min_customers=1, cut="customer"),
    )
    assert journeys.events.starts_visit.tolist() == [True, True]
    assert sessions_of(journeys, MeasureSettings()).tolist() == [0, 0]


def test_no_journey_left_counts_nothing(log_of: LogOf) -> None:
    journeys = rebuild(log_of(("a", 0, "A"), ("a", 1, "B")), JourneySettings(min_customers=1))
    nobody = journeys.starting_with("B")
    assert nobody.size == (0, 0)
    assert nobody.touchpoints["events"].tolist() == [0, 0]
    assert nobody.edges.empty
    assert variants(nobody, min_customers=1).empty


def test_columns_are_the_same_in_many_batches_as_in_one(
    log_of: LogOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words that a later batch brings, missing values, and a column of many words."""
    rows = [
        (f"c{n // 3}", n * HOUR, "ABC"[n % 3] if n < 4_000 else "D", None, f"s{n}", "xy"[n > 4_500])
        for n in range(5_000)
    ]
    rows += [("d", 0, "A", "bot", None, "z")]
    names = ["customer_no", "t_us", "touchpoint", "actor", "session", "intent"]
    held = rebuilt(log_of, rows).log_events.columns.source.select(*names)
    assert len(list(fetch_batches(held, 2_048))) > 1
    whole = read_columns(held)
    monkeypatch.setattr("journeylib.log.engine.columns._ROWS_AT_ONCE", 2_048)
    parts = read_columns(held)
    arrow = held.to_pyarrow()
    for name in names:
        one, other = whole[name], parts[name]
        if isinstance(one, Codes):
            assert other.words == one.words == tuple(sorted(one.words))
            found = [None if n < 0 else other.words[n] for n in other.number.tolist()]
            assert found == arrow[name].to_pylist()
            one, other = one.number, other.number
        else:
            assert other.tolist() == arrow[name].to_pylist()
        assert other.dtype == one.dtype
        assert other.tolist() == one.tolist()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=20),
)
@settings(FEW)
def test_what_lies_before_the_first_marked(rows: list[tuple[int, bool]]) -> None:
    unit = np.array([row[0] for row in rows], dtype=np.int32)
    marked = np.array([row[1] for row in rows], dtype=bool)
    expected = [not marked[: n + 1][unit[: n + 1] == unit[n]].any() for n in range(len(rows))]
    assert before_first(unit, marked, 4).tolist() == expected
    together = np.sort(unit)
    assert count_neighbours(together) == len(set(together.tolist()))


@pytest.mark.slow
@given(rows=ROWS)
@settings(FEW, max_examples=5)
def test_another_cut_reads_from_the_first_what_it_would_have_read(
    log_of: LogOf, rows: list[Row]
) -> None:
    log = log_of(*rows, columns=COLUMNS)
    one, fresh = (
        rebuild(log, JourneySettings(min_customers=1, gap_days=days)) for days in (30, 60)
    )
    for name in ("actor", "session", "intent"):
        one.events.column(name)
    one.events.mark("is a bot", ibis._.actor == "bot")
    other = cut_again(one, JourneySettings(min_customers=1, gap_days=60))
    assert other.events.columns is one.events.columns
    assert other.events.key.tolist() == fresh.events.key.tolist()
    assert other.events.step.tolist() == fresh.events.step.tolist()
    for name in ("customer_no", "t_us", "touchpoint_no"):
        assert other.events.column(name).tolist() == fresh.events.column(name).tolist()
    for name in ("actor", "session", "intent"):
        assert (
            other.events.column(name).number.tolist() == fresh.events.column(name).number.tolist()
        )
    same = ibis._.actor == "bot"
    assert (
        other.events.mark("is a bot", same).tolist() == fresh.events.mark("is a bot", same).tolist()
    )


@pytest.mark.parametrize(
    ("days", "alike"), [(60, True), (1, True), (0.5, False), (98.99, True), (99, False)]
)
def test_a_gap_leaves_journeys_as_they_are_where_no_silence_lies_between(
    log_of: LogOf, days: float, alike: bool
) -> None:
    # Silences of a day, of 99 days after a call of two hours, and none between two customers.
    log = log_of(
        ("a", 0, None, "A"),
        ("a", 24 * HOUR, 26 * HOUR, "B"),
        ("a", 25 * HOUR, None, "A"),
        ("a", 26 * HOUR + 99 * DAY, None, "A"),
        ("b", 400 * DAY, None, "A"),
        columns="customer t_us end_us touchpoint",
    )
    one, other = (rebuild(log, JourneySettings(gap_days=gap)) for gap in (30, days))
    assert one.stay_under(round(days * DAY)) is alike
    assert (other.events.key.tolist() == one.events.key.tolist()) is alike


@pytest.mark.slow
@given(rows=ROWS, days=st.sampled_from([0, 15, 30, 60, 61]))
@FEW
def test_journeys_that_stay_are_those_of_the_other_cut(
    log_of: LogOf, rows: list[Row], days: int
) -> None:
    one = rebuilt(log_of, rows)
    other = rebuild(
        log_of(*rows, columns=COLUMNS), JourneySettings(min_customers=1, gap_days=days or 1e-9)
    )
    alike = other.events.key.tolist() == one.events.key.tolist()
    assert one.stay_under(other.cutting.gap_us or 0) is alike


@pytest.mark.parametrize(("days", "alike"), [(60, True), (0.5, False), (200, False)])
def test_two_cuts_are_the_same_where_every_event_is_in_the_same_journey(
    log_of: LogOf, days: float, alike: bool
) -> None:
    # One journey of two events a day apart, and another a hundred days later.
    log = log_of(("a", 0, "A"), ("a", 24 * HOUR, "B"), ("a", 2400 * HOUR, "A"))
    one = rebuild(log, JourneySettings(gap_days=30))
    other = cut_again(one, JourneySettings(gap_days=days, quiet_days=30))
    assert (other.outline is one.outline) is alike


@given(rows=ROWS, at_once=st.integers(1, 8))
@settings(FEW, max_examples=15)
def test_parts_are_the_journeys_customer_after_customer(
    log_of: LogOf, rows: list[Row], at_once: int
) -> None:
    """Any number of parts holds every event once, and counts add up to those of the whole."""
    whole = rebuilt(log_of, rows)
    for journeys in (whole, whole.passing("A")):
        parts = journeys.parts(at_once)
        for name in ("t_us", "touchpoint_no", "customer_no"):
            together = np.concatenate([part.events.column(name) for part in parts])
            assert together.tolist() == journeys.events.column(name).tolist()
        keys = np.concatenate([part.events.key for part in parts])
        assert keys.tolist() == journeys.events.key.tolist()
        assert sum(part.outline.customers for part in parts) == journeys.outline.customers
        bases = [part.events.base(part.events.touchpoint, len(whole.names)) for part in parts]
        base = journeys.events.base(journeys.events.touchpoint, len(whole.names))
        for kind in ("events", "journeys", "customers"):
            own = sum(getattr(one, kind) for one in bases)
            assert own.tolist() == getattr(base, kind).tolist()
        kinds = np.concatenate([part.outline.end_kind for part in parts])
        assert kinds.tolist() == journeys.outline.end_kind.tolist()


@pytest.mark.slow
@given(rows=ROWS, at_once=st.integers(1, 9))
@settings(FEW, max_examples=10)
def test_what_is_measured_is_the_same_whatever_the_parts(
    log_of: LogOf, rows: list[Row], at_once: int
) -> None:
    """Sums of parts are those of the whole: of visits, contacts, times, complaints and flow."""
    timed = [
        (*row, None if place % 4 == 3 else row[1] + place % 3 * HOUR, place % 5 == 0)
        for place, row in enumerate(
            [*rows, (*KNOWN[:2], "B", *KNOWN[3:]), ("a", DAY, "C", *KNOWN[3:])]
        )
    ]
    log = log_of(*timed, columns=f"{COLUMNS} end_us error")
    chosen = MeasureSettings(
        complaint_touchpoints=("C",), vulnerable="error", min_starts=1, min_base_customers=1
    )

    def told(parts_of: int) -> tuple[list[pd.DataFrame], object]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("journeylib.journeys.journeys.EVENTS_AT_ONCE", parts_of)
            journeys = rebuild(log, JourneySettings(min_customers=2, goals=("B",)))
            evidence = measure(journeys, chosen)
            tables = [evidence.estimates, evidence.transitions, journeys.touchpoints]
            return [*tables, journeys.edges, evidence.variants], evidence.flow

    (tables, flow), (others, other_flow) = told(at_once), told(1000)
    for one, other in zip(tables, others, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert repr(flow) == repr(other_flow)


VALUES = st.lists(
    st.tuples(st.integers(-1, 3), st.sampled_from([0, 1, 2, 3, 7, 8, 9, 10**6, 10**15, 2**62])),
    max_size=60,
)


@given(rows=VALUES, cut=st.integers(0, 60), scale=st.sampled_from([1, 0.1]))
def test_medians_of_parts_are_those_of_all_values(
    rows: list[tuple[int, int]], cut: int, scale: float
) -> None:
    cell = np.array([row[0] for row in rows], dtype=np.int64)
    value = np.array([row[1] for row in rows], dtype=np.int64) * scale
    found = medians(
        lambda count: count(slice(None, cut)) + count(slice(cut, None)),
        lambda part: (cell[part], value[part]),
        4,
    )
    for place in range(4):
        own = np.sort(value[cell == place])
        if len(own):
            lower, upper = own[(len(own) - 1) // 2], own[len(own) // 2]
            assert found[place] == lower + (upper - lower) / 2.0
        else:
            assert np.isnan(found[place])


NUMBERS = st.lists(st.integers(-1, 30), max_size=60)


@given(own=NUMBERS, other=NUMBERS, numbers=st.sampled_from([31, 10**9]))
@settings(max_examples=60)
def test_numbers_of_parts_are_counted_as_those_of_the_whole(
    own: list[int], other: list[int], numbers: int
) -> None:
    """In a full table or by their hash; those below 0 are none."""
    one, two, whole = (Tally.of(np.array(part, int), numbers) for part in (own, other, own + other))
    counts = sorted(Counter(number for number in own + other if number >= 0).items())
    for tally in (whole, one + two, two + one):
        assert [*zip(tally.number.tolist(), tally.times.tolist(), strict=True)] == counts


@given(st.lists(st.tuples(*map(st.integers, [0, -1, 0], [3, 2, 1])), max_size=30))
def test_moves_are_counted_as_in_a_plain_walk(rows: list[tuple[int, int, int]]) -> None:
    """Each row: journey, number of the move after it, time since the row before."""
    journey, move, silent = np.array(sorted(rows), dtype=np.int64).reshape(-1, 3).T
    t_us, customer = np.cumsum(silent), np.arange(4) // 2
    at = [*zip(journey.tolist(), t_us.tolist(), strict=True)]
    found = count_moves(move, np.searchsorted(journey, range(5)), customer, t_us, 3)
    for number, counts in enumerate(found.tolist()):
        own = np.flatnonzero(move == number).tolist()
        tied = [at[n] == at[n + 1] for n in own if n + 1 < len(at)]
        units = (len(set(unit.tolist())) for unit in (journey[own], customer[journey[own]]))
        assert counts == [len(own), *units, sum(tied)]


MOMENTS = st.lists(st.tuples(*[st.sampled_from([MISSING, -5, 0, 3, 4, 2**62])] * 2))


@given(MOMENTS)
def test_what_comes_soon_after(moments: list[tuple[int, int]]) -> None:
    later, earlier = np.array(moments, dtype=np.int64).reshape(-1, 2).T
    expected = [MISSING not in pair and pair[0] - pair[1] <= 3 for pair in moments]
    assert soon_after(later, earlier, 3).tolist() == expected


PAIRS = st.lists(st.tuples(*[st.integers(END_NUMBER, 3)] * 2), unique=True)


@given(own=PAIRS, asked=PAIRS)
def test_transitions_are_looked_up_by_their_ends(
    own: list[tuple[int, int]], asked: list[tuple[int, int]]
) -> None:
    ends, those = (np.array(pairs, dtype=np.int64).reshape(-1, 2).T for pairs in (own, asked))
    edges = Edges(*ends, np.zeros((3, len(own)), dtype=np.int64), np.zeros(len(own), dtype=bool))
    rows = [own.index(pair) if pair in own else -1 for pair in asked]
    assert edges.rows_of(*those).tolist() == rows


def test_values_at_rows_come_in_the_order_asked_for_and_none_for_no_rows(log_of: LogOf) -> None:
    rows = [(f"c{n % 3}", n * HOUR, "A", "bot", f"s{n}", "x") for n in range(9)]
    events = rebuilt(log_of, rows).events
    asked = np.array([5, 0, 8, 3])
    sessions = [f"s{n}" for n in (7, 0, 8, 1)]  # the events of c0, c1, c2 lie one after another
    found = events.values_at(asked, session=ibis._.session, long=ibis._.session.length() > 1)
    assert found.to_pydict() == {"session": sessions, "long": [True] * 4}
    nothing = events.values_at(asked[:0], session=ibis._.session, long=ibis._.session.length() > 1)
    assert nothing.to_pydict() == {"session": [], "long": []}
