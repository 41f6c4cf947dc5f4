"""The absorbing chain against answers worked by hand, and an independent library."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from journeylib.journeys.graph.markov_chain import absorb, journey_chain
from journeylib.journeys.graph.markov_order import order_test
from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.tables import START
from journeylib.present.views.journey import break_offs

# Columns: START, C1, C2, C3, then goal, bad end, other, open.
WORKED = np.array(
    [
        [0, 2, 1, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 1, 0, 0],
        [0, 0, 0, 2, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 1, 0, 0],
    ]
)


def journeys_of(log_of, paths, goals=("✓",), bad_ends=("✗",), copies=1, min_customers=1):
    rows = [
        (f"{number}-{copy}", number, copy * 1000 + step, touchpoint)
        for number, path in enumerate(paths)
        for copy in range(copies)
        for step, touchpoint in enumerate(path)
    ]
    log = log_of(*rows, columns="customer case position touchpoint")
    return rebuild(
        log,
        JourneySettings(cut="case", goals=goals, bad_ends=bad_ends, min_customers=min_customers),
    )


def test_worked_removal_effects():
    solved = absorb(WORKED)
    assert solved.ends[0] == pytest.approx([1 / 3, 2 / 3, 0, 0], abs=1e-12)
    assert solved.removal_effect[1:] == pytest.approx([0.5, 1, 1], abs=1e-12)
    assert solved.visited == pytest.approx([1, 2 / 3, 2 / 3, 2 / 3], abs=1e-12)


def test_a_gamblers_ruin_has_its_textbook_answer():
    # Fair game among 0..4: from 1, 2, 3 the goal (4) has 1/4, 2/4, 3/4 and lasts 3, 4, 3 rounds.
    counts = np.zeros((4, 8))
    counts[0, 2] = 1
    counts[1, [2, 5]] = counts[2, [1, 3]] = counts[3, [2, 4]] = 1
    solved = absorb(counts)
    assert solved.ends[1:, 0] == pytest.approx([1 / 4, 2 / 4, 3 / 4], abs=1e-12)
    assert solved.visits[1:, 1:].sum(axis=1) == pytest.approx([3, 4, 3], abs=1e-12)


def test_removal_effect_equals_removing_the_state_for_real():
    random = np.random.default_rng(5)
    counts = random.integers(0, 9, (8, 12)).astype(float)
    counts[:, 0] = counts[:, -1] = 0
    counts[:, 8:10] += 1
    whole = absorb(counts)
    for state in range(1, 8):
        without = counts.copy()
        without[state] = 0
        without[state, 9] = 1
        lost = 1 - absorb(without).ends[0, 0] / whole.ends[0, 0]
        assert whole.removal_effect[state] == pytest.approx(lost, abs=1e-12)


def test_what_nobody_left_yet_is_open_not_lost():
    # START → A; A → B once, A → goal once; B is where one journey still is; C ⇄ D never ends.
    counts = np.zeros((5, 9))
    counts[0, 1] = 2
    counts[1, [2, 5]] = 1
    counts[2, 8] = 1
    counts[3, 4] = counts[4, 3] = 1
    solved = absorb(counts)
    assert solved.ends[0] == pytest.approx([0.5, 0, 0, 0.5], abs=1e-12)
    assert solved.ends[3] == pytest.approx([0, 0, 0, 1], abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_equals_pydtmc_on_random_chains(seed):
    # Not in the test extra: its metadata asks for numpy below 2, with which it does not clash.
    pydtmc = pytest.importorskip("pydtmc", reason="pydtmc is not installed")
    random = np.random.default_rng(seed)
    m, ends = int(random.integers(2, 12)), 4
    counts = random.integers(0, 6, (m, m + ends)).astype(float)
    counts[:, m:] += 0.5
    counts[:, -1] = 0
    P = np.zeros((m + ends, m + ends))
    P[:m] = counts / counts.sum(axis=1, keepdims=True)
    P[m:, m:] = np.eye(ends)
    # An end that nothing leads to is no end of theirs.
    keep = [*range(m + ends - 1)]
    chain = pydtmc.MarkovChain(P[np.ix_(keep, keep)], [f"s{i}" for i in keep])
    solved = absorb(counts)
    assert solved.visits == pytest.approx(np.array(chain.fundamental_matrix), abs=1e-12)
    ours = solved.ends[:, :3].T
    assert ours == pytest.approx(np.array(chain.absorption_probabilities()), abs=1e-12)
    assert solved.visits.sum(axis=1) == pytest.approx(
        np.array(chain.mean_absorption_times()), abs=1e-12
    )


def test_a_log_gives_the_worked_answer_with_intervals(log_of):
    paths = [("C1", "C2", "C3", "✓"), ("C1", "✗"), ("C2", "C3", "✗")]
    chain = journey_chain(journeys_of(log_of, paths, copies=40))
    assert chain.value(START, "p_goal") == pytest.approx(1 / 3, abs=1e-12)
    assert [chain.value(c, "removal_effect") for c in ("C1", "C2", "C3")] == pytest.approx(
        [0.5, 1, 1], abs=1e-12
    )
    assert chain.value("C1", "visits") == pytest.approx(2 / 3, abs=1e-12)
    assert chain.value("C3", "steps_to_end") == pytest.approx(2, abs=1e-12)
    row = chain.table[
        (chain.table["touchpoint"] == START) & (chain.table["measure"] == "p_goal")
    ].iloc[0]
    # 120 customers of whom C3 is left for the goal by half of 80: a plain interval is about ±.08.
    assert 0.2 < row["lo"] < 1 / 3 < row["hi"] < 0.47
    # Whether a journey comes to C1 rests on all 120; how it ends from there on the 80 that do.
    base = chain.table.set_index(["touchpoint", "measure"])["n_customers"]
    assert (base["C1", "visited"], base["C1", "p_goal"]) == (120, 80)
    assert set(chain.table["grade"]) == {"C"}


@pytest.mark.slow
def test_journeys_that_pass_through_are_counted_not_modelled(log_of, parts):
    """a, b, c and b, a, c fifty times each, and once b, c: a is in 100 of 101."""
    paths = [*[("a", "b", "c")] * 50, *[("b", "a", "c")] * 50, ("b", "c")]
    chain = journey_chain(journeys_of(log_of, paths, goals=("c",), bad_ends=()))
    assert chain.value("a", "visited") == chain.value("a", "visits") == 100 / 101
    assert chain.value("b", "visited") == chain.value("c", "visited") == 1.0
    # All open: nobody has left yet, and still all came by.
    rows = [
        (f"c{number}", number, step * 60_000_000, touchpoint)
        for number, path in enumerate(paths)
        for step, touchpoint in enumerate(path)
    ]
    log = log_of(*rows, columns="customer case t_us touchpoint")
    settings = JourneySettings(cut="case", min_customers=1, quiet_days=30)
    journeys = rebuild(log, settings)
    still = journey_chain(journeys)
    assert set(still.table.query("measure == 'p_open'")["value"].dropna()) == {1.0}
    assert still.value("a", "visited") == 100 / 101
    rows = still.table.query("measure == 'visited'")
    assert ((rows["lo"] <= rows["value"]) & (rows["value"] <= rows["hi"])).all()
    # The reader sees the count under the name of a count, of all journeys.
    names = pd.DataFrame({"touchpoint": ["a", "b", "c"]})
    nothing = pd.DataFrame(columns=["touchpoint", "measure", "value"])
    evidence = parts(estimates=nothing, touchpoints=names)
    shown = break_offs(parts(structure=parts(chain=still), evidence=evidence, journeys=journeys))
    assert [cell.split(" (")[0] for cell in shown.frame["visited"]] == ["99 %", "100 %", "100 %"]
    assert shown.note.startswith("Pass through: counted, of all journeys, open ones too.")


def test_no_interval_of_steps_reaches_below_the_step_itself(log_of):
    """Ten go round 1 to 500 times: the error is far larger than the mean."""
    paths = [("A", *("B",) * (500 if number == 9 else 1), "✓") for number in range(10)]
    table = journey_chain(journeys_of(log_of, paths)).table
    rows = table[table["measure"].isin(["steps_to_end", "visits"])].dropna(subset="value")
    assert (rows["lo"] >= np.where(rows["measure"] == "visits", 0, 1)).all()
    assert ((rows["lo"] <= rows["value"]) & (rows["value"] <= rows["hi"])).all()


def test_points_of_no_return_are_where_the_end_is_certain(log_of):
    paths = [("A", "sign", "✓"), ("A", "quarrel", "✗"), ("A", "think", "✓"), ("A", "think", "✗")]
    chain = journey_chain(journeys_of(log_of, paths, copies=100))
    found = chain.points_of_no_return.set_index("touchpoint")["towards"].to_dict()
    assert found == {"sign": "goal", "quarrel": "no goal"}


def test_without_goals_what_concerns_them_abstains(log_of):
    chain = journey_chain(journeys_of(log_of, [("A", "B")], goals=(), copies=30))
    rows = chain.table.set_index(["touchpoint", "measure"])
    assert rows.loc[("A", "p_goal"), "abstain"] == "unidentified"
    assert rows.loc[("A", "p_other"), "value"] == 1.0


def test_rare_touchpoints_are_counted_but_not_shown(log_of):
    paths = [("A", "✓")] * 12 + [("A", "rare", "✗")] * 3
    chain = journey_chain(journeys_of(log_of, paths, min_customers=10))
    assert set(chain.table["touchpoint"]) == {START, "A", "✓"}
    assert chain.suppressed == 2
    # 12 of 15 would tell of three: at least 10 reach the goal, and the other 5 are spread.
    assert 0.7 < chain.value(START, "p_goal") < 0.79


def test_touchpoints_not_shown_are_counted_without_the_journey_as_a_whole(log_of):
    """Three touchpoints of three customers; folded, two of them are one state."""
    journeys = journeys_of(log_of, [("A", "B", "C")] * 3, goals=(), min_customers=10)
    for most in (3, 1):
        chain = journey_chain(journeys, most=most)
        assert chain.table.empty and chain.suppressed == 3


def test_memory_is_found_where_it_is_and_not_where_it_is_not(log_of):
    # What comes after B depends on what came before it: a chain of first order cannot know.
    with_memory = [("x", "B", "p"), ("y", "B", "q")]
    found = order_test(journeys_of(log_of, with_memory, goals=(), copies=150))
    assert (found.order, found.memory) == (2, True)
    without = [("x", "B", "p"), ("y", "B", "q"), ("x", "B", "q"), ("y", "B", "p")]
    found = order_test(journeys_of(log_of, without, goals=(), copies=150))
    assert (found.order, found.memory) == (1, False)
    # Of the three steps of each journey the middle one is a coin, the others are certain.
    assert found.losses["loss"].iloc[0] == pytest.approx(np.log(2) / 3, abs=0.01)
