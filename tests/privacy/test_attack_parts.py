"""Shares with a base, parts of totals and chains: what they say of one to nine customers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import journeylib as jl
from journeylib.journeys.graph.ends import ENDS, journey_ends
from journeylib.journeys.graph.markov_chain import _counted, _folded, absorb, journey_chain
from journeylib.journeys.graph.public_moves import public_moves
from journeylib.journeys.graph.transitions import variants
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.walk.tables import START
from journeylib.log.eventlog import EventLog
from tests.privacy.attack import Program, hidden, of_moves
from tests.privacy.test_attack import small_log

LogOf = Callable[..., EventLog]


def of_chain(
    program: Program, names: list[str], moves: dict[str, int], foreseen: dict[str, np.ndarray]
) -> None:
    """Add what a chain says: what it foresees at a state is the mean over where moves lead.

    Parameters
    ----------
    names, moves : states, and how often each was left or begun
    foreseen : by measure, one number a state; ``steps`` or an end
    """
    states = [name for name in names if name != START]
    for name in names:
        ends = [("last", name, end) for end in ENDS]
        if name != START:
            last = {program.number(end): 1.0 for end in ends}
            program.equal.append((last | {program.number(("events", name, "(end)")): -1.0}, 0.0))
        for measure, values in foreseen.items():
            known = dict(zip(names, values, strict=True))
            own = known[name] - (measure == "steps" and name != START)
            signs = {program.number(("events", name, to)): known[to] - own for to in states}
            if name != START:  # what nobody has left yet is no move
                signs |= {
                    program.number(end): (end[2] == measure) - own
                    for end in ends
                    if end[2] != "open"
                }
            near = moves[name] * max(abs(own), 1) * 1e-6
            program.most.append((signs, near))
            program.most.append(({cell: -sign for cell, sign in signs.items()}, near))


def chain_attack(
    journeys: Journeys, counts: np.ndarray, names: list[str]
) -> dict[object, tuple[float, float]]:
    """Return the rare transitions that a chain of these moves gives away."""
    points = journeys.touchpoints
    visits = journeys.edges.groupby("source")["events"].sum()
    program = of_moves(
        journeys.public_edges, points, visits, len(journeys.outline), variants(journeys)
    )
    solved = absorb(counts)
    foreseen = {end: solved.ends[:, place] for place, end in enumerate(ENDS[:3])}
    foreseen["steps"] = solved.visits[:, 1:].sum(axis=1)
    of_chain(program, names, {START: len(journeys.outline), **visits}, foreseen)
    edges = journeys.edges
    cells = edges.assign(
        name=[("customers", *pair) for pair in zip(edges["source"], edges["target"], strict=True)]
    )
    return program.tight(list(hidden(program, cells, set())))


def test_a_chain_of_all_transitions_gives_rare_ones_away(log_of: LogOf) -> None:
    """What was published before: each number of the chain is an equation of hidden transitions."""
    journeys = small_log(log_of, 3)
    counts, names = _counted(journeys, set())
    assert (journeys.touchpoints["customers"] >= 10).all()
    assert len(chain_attack(journeys, counts.sum(axis=0), names)) >= 3


def test_a_chain_of_what_is_shown_does_not_depend_on_what_is_hidden(log_of: LogOf) -> None:
    """Moves that go round among hidden transitions change no number of the chain."""
    dice, changed = np.random.default_rng(0), 0
    for seed in range(4):
        journeys = small_log(log_of, seed)
        counts, names = _counted(journeys, set())
        whole, ended = counts.sum(axis=0), journey_ends(journeys)
        shown, share = public_moves(whole, names, journeys, ended)
        edges, spot, m = journeys.public_edges, pd.Index(names), len(names)
        public = np.zeros((m, m), dtype=bool)
        public[spot.get_indexer(edges["source"]) % m, spot.get_indexer(edges["target"]) % m] = True
        for _round in range(40):
            one, other = dice.choice(m, 2, replace=False)
            left, right = dice.choice(np.arange(1, m), 2, replace=False)
            square = np.ix_([one, other], [left, right])
            if not public[square].any() and whole[one, left] and whole[other, right]:
                moved = whole.copy()
                moved[square] += [[-1, 1], [1, -1]]
                again, as_much = public_moves(moved, names, journeys, ended)
                assert (again == shown).all() and (as_much == share).all()
                changed += 1
        # What may be shown exactly is as it was, and rows keep their sums.
        exact = edges[~edges["at_least"] & (edges["target"] != "(end)")]
        row, column = spot.get_indexer(exact["source"]), spot.get_indexer(exact["target"])
        assert (shown[row, column] == whole[row, column]).all()
        assert shown.sum(axis=1) == pytest.approx(whole.sum(axis=1), rel=0.01)
    assert changed >= 5


def test_a_touchpoint_whose_moves_are_mostly_hidden_foresees_nothing(log_of: LogOf) -> None:
    """From A 60 of 60 go to B; from B six to each of ten others."""
    hour = 3_600_000_000
    rows = []
    for customer in range(60):
        path = ["A", "B", f"C{customer % 10}", "D", "D"]
        rows += [(f"c{customer}", place * hour, name) for place, name in enumerate(path)]
    journeys = jl.rebuild(log_of(*rows), jl.JourneySettings(cut="customer", goals=("D",)))
    table = journey_chain(journeys).table.set_index(["touchpoint", "measure"])
    assert table.loc[("B", "p_goal"), "abstain"] == "privacy"
    assert np.isnan(table.loc[("B", "steps_to_end"), ["value", "lo", "hi"]].astype(float)).all()
    assert table.loc[("B", "visited"), "value"] == 1
    assert pd.isna(table.loc[("A", "p_goal"), "abstain"])


@pytest.mark.slow
def test_the_chain_of_the_sample_is_near_to_the_whole_one(
    telecom_audit: jl.Audit,
) -> None:
    journeys = telecom_audit.journeys
    counts, names = _counted(journeys, _folded(journeys, 100))
    goal = pd.Series(absorb(counts.sum(axis=0)).ends[:, 0], index=names)
    rows = telecom_audit.tables["chain"].query("measure == 'p_goal'").set_index("touchpoint")
    apart = (rows["value"] - goal[rows.index]).abs()
    assert apart.mean() < 0.025 and apart.max() < 0.12
    assert (rows["abstain"] == "privacy").sum() == 3
