"""The queue after a move: the table worked by hand, limits, and what must rise and fall."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from journeylib.journeys import MISSING
from journeylib.judge import erlang_a
from journeylib.portfolio.what_if.queue_forecast import (
    Lengths,
    Load,
    Matter,
    Team,
    after,
    mix_and_rate,
    today,
)
from journeylib.portfolio.what_if.queue_simulation import simulate_queue
from journeylib.portfolio.what_if.simulated_laws import laws_of

BINS = 4_000
# Quantiles of service times of five minutes in the mean. Full selection depends on their law,
# which the worked example leaves open; of gammas, that of coefficient of variation .75 meets it.
MINUTES = stats.gamma.ppf((np.arange(BINS) + 0.5) / BINS, 1 / 0.75**2)
MINUTES = MINUTES * 5.0 / MINUTES.mean()
LENGTHS = Lengths(np.ones((1, BINS)), MINUTES)
ONE, NONE = np.ones(1), np.zeros(1)


def matter(*, p: float = 0.6, r: float = 0.15, extra: float = 0.0, has: float = 0.0) -> Matter:
    rate = np.full((1, 1), 0.4 * 9.6)
    return Matter(rate, LENGTHS, ONE * has, ONE * p, ONE * r, extra=extra)


def team(*, staff: int | None = 50, back: float = 0.0, rate: float = 9.6) -> Team:
    people = None if staff is None else np.array([staff])
    return Team(np.full((1, 1), rate), LENGTHS.mean, ONE * 10.0, ONE * back, people)


def shown(load: Load) -> tuple[float, float]:
    assert load.wait is not None and load.gives_up is not None
    return float(load.wait[0]), float(load.gives_up[0])


def test_the_table_worked_by_hand() -> None:
    cut = np.array([42])
    assert shown(today(team())) == pytest.approx((0.309, 0.031), rel=0.05)
    naive = after(team(), [(matter(r=0.0), 0.8)], selection=0.0, staff=cut)
    # the table rounds 2.45 % up; who gives up is the wait over the patience (Little)
    assert shown(naive) == pytest.approx((0.245, 0.0245), rel=0.05)
    alike = after(team(), [(matter(), 0.8)], selection=0.0, staff=cut)
    assert float(alike.contacts[0]) / 60 == pytest.approx(8.033, abs=0.001)
    assert shown(alike) == pytest.approx((0.348, 0.035), rel=0.05)
    easy_first = after(team(), [(matter(), 0.8)], selection=1.0, staff=cut)
    assert shown(easy_first) == pytest.approx((0.741, 0.074), rel=0.05)


def test_without_a_bot_it_is_erlang_a() -> None:
    exact = tuple(float(each) for each in erlang_a(9.6, 50, 5.0, 10.0))
    untouched = after(team(), [(matter(), 0.0)], selection=1.0)
    assert shown(untouched) == pytest.approx(exact, rel=1e-6)
    assert untouched.contacts[0] == 9.6 * 60


def test_what_stays_as_it_is_gives_today_back() -> None:
    for share in (0.0, 0.3):
        same = after(
            team(back=0.3), [(matter(has=share), share)], selection=1.0, staff=np.array([50])
        )
        assert shown(same) == pytest.approx(shown(today(team())), rel=1e-5)


def test_minutes_are_neither_lost_nor_made_by_selection_alone() -> None:
    """A bot whose every solved contact comes back saves nothing, whoever they are."""
    for selection in (0.0, 0.5, 1.0):
        load = after(team(), [(matter(r=1.0), 0.8)], selection=selection)
        assert float(load.minutes[0]) == pytest.approx(9.6 * 60 * 5, rel=1e-3)


@settings(max_examples=40)
@given(st.floats(0.05, 0.9), st.floats(0.01, 0.1), st.integers(45, 60), st.sampled_from([0.0, 1.0]))
def test_more_solved_means_fewer_contacts_and_fewer_people_longer_waits(
    p: float, step: float, staff: int, selection: float
) -> None:
    def load(p: float, staff: int) -> Load:
        moves = [(matter(p=p), 0.8)]
        return after(team(back=0.4), moves, selection=selection, staff=np.array([staff]))

    assert load(p + step, staff).contacts[0] < load(p, staff).contacts[0]
    assert shown(load(p, staff - 1)) > shown(load(p, staff))


def test_who_gives_up_and_comes_back_is_an_arrival_again() -> None:
    load = after(team(back=0.5), [(matter(), 0.8)], selection=1.0, staff=np.array([42]))
    alone = after(team(), [(matter(), 0.8)], selection=1.0, staff=np.array([42]))
    fresh = float(alone.contacts[0]) / 60 * (1 - 0.5 * shown(today(team()))[1])
    rate = float(load.contacts[0]) / 60
    gone = float(erlang_a(rate, 42, load.length[0], 10.0)[1])
    assert rate == pytest.approx(fresh + 0.5 * gone * rate, rel=1e-5)
    assert rate > fresh


def test_without_people_declared_there_are_minutes_but_no_waits() -> None:
    load = after(team(staff=None), [(matter(), 0.8)], selection=0.0)
    assert load.wait is None and float(load.minutes[0]) == pytest.approx(8.033 * 300, rel=1e-3)


def test_the_longest_fifth() -> None:
    lengths = Lengths(np.array([[5.0, 3.0, 2.0]]), np.array([1.0, 2.0, 10.0]))
    assert lengths.longest(np.array([0.2])).tolist() == [10.0]
    assert lengths.longest(np.array([0.4])).tolist() == [(2 * 10 + 2 * 2) / 4]


def test_mix_and_rate_add_up() -> None:
    parts = mix_and_rate({"a": (60, 5.0), "b": (40, 9.0)}, {"a": (20, 7.0), "b": (40, 9.0)})
    # shares .6, .4 become 1/3, 2/3; the mean goes from 6.6 to 25/3
    assert sum(mix + rate for mix, rate in parts.values()) == pytest.approx(25 / 3 - 6.6)
    assert parts["b"] == pytest.approx(((2 / 3 - 0.4) * 9.0, 0.0))


def arrivals(many: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    arrive = np.cumsum(rng.exponential(1 / 9.6, many))
    return arrive, rng.exponential(5.0, many), rng.exponential(10.0, many)


def test_the_simulation_equals_simpy_contact_by_contact() -> None:
    arrive, service, patience = arrivals(2_000, 1)
    world, seen = simpy.Environment(), np.zeros(2_000)
    people = simpy.Resource(world, capacity=48)

    def customer(row: int) -> object:
        yield world.timeout(arrive[row])
        with people.request() as request:
            came = yield request | world.timeout(patience[row])
            seen[row] = world.now - arrive[row]
            if request in came:
                yield world.timeout(service[row])

    for row in range(2_000):
        world.process(customer(row))
    world.run()
    wait, gives_up = simulate_queue(arrive, service, patience, 48)
    assert wait == pytest.approx(seen, abs=1e-6) and gives_up.sum() > 20


def test_the_simulation_meets_erlang_a() -> None:
    wait, gives_up = simulate_queue(*arrivals(400_000, 2), 50)
    exact = erlang_a(9.6, 50, 5.0, 10.0)
    assert (wait.mean(), gives_up.mean()) == pytest.approx([float(e) for e in exact], rel=0.06)


def test_people_who_come_later_take_contacts_from_then_on() -> None:
    arrive, service, patience = [0.0, 1.0], [10.0, 10.0], [100.0, 100.0]
    assert simulate_queue(arrive, service, patience, 1)[0].tolist() == [0.0, 9.0]
    assert simulate_queue(arrive, service, patience, [1, 2])[0].tolist() == [0.0, 0.0]


def test_patience_worked_by_hand() -> None:
    # One of four gives up at 1 min, one is served at 2; one of the two left gives up at 3.
    minute = 60_000_000
    rows = pd.DataFrame(
        {
            "wait_us": [minute, 2 * minute, 3 * minute, 4 * minute],
            "gave_up": [True, False, True, False],
            "begin_us": [0, 0, 0, 0],
            "end_us": [MISSING, 2 * minute, MISSING, 6 * minute],
        }
    )
    laws = laws_of(rows, 5.0)
    assert laws is not None
    assert laws.minutes.tolist() == [1.0, 3.0]
    assert laws.gone.tolist() == pytest.approx([1 / 4, 1 - 3 / 8])
    assert laws.service.tolist() == [0.5, 1.5]
