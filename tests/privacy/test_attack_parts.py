"""Shares with a base, parts of totals and chains: what they say of one to nine customers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

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
from journeylib.measures import STATES, bot_sessions, waterfall_flags
from journeylib.measures.bots.handoff_audit import audit_handoffs
from journeylib.measures.settings import MeasureSettings
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


@pytest.mark.slow
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


SIX_DIGITS = 6
HALF_STEPS = ((100, 0.005), (20, 0.025), (0, 0.05))  # of a rounded share, by the smallest base


def fractions(value: float, least: int, most: int) -> list[tuple[int, int]]:
    """Return the numerators and bases that a share of six digits may be made of."""
    pairs = ((round(value * base), base) for base in range(max(least, 1), most + 1))
    return [
        (having, of)
        for having, of in pairs
        if float(f"{having / of:.{SIX_DIGITS}g}") == float(f"{value:.{SIX_DIGITS}g}")
    ]


def shares_of(part: object, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every share with a value and a base in a document, with where it stands."""
    if isinstance(part, dict):
        if part.get("unit") == "share" and isinstance(part.get("value"), float):
            yield place, part
        for name, inner in part.items():
            yield from shares_of(inner, f"{place}.{name}")
    elif isinstance(part, list):
        for inner in part:
            yield from shares_of(inner, place)


# A chain has no numerators: its shares are made of transitions that are shown.
MODELLED = (".structure.chain", ".structure.points_of_no_return")


def assert_no_share_tells_a_few(document: dict[str, Any]) -> int:
    """Look for the numerator of each share, with the bases that stand beside it."""
    sessions, looked_at = document["handoffs"]["sessions"], 0
    for place, share in shares_of(document):
        if place.startswith(MODELLED) or not 0 < share["value"] < 1:
            continue
        people, journeys = share["n_customers"], share["n_journeys"]
        near = fractions(share["value"], people, 3 * max(people, journeys) + 50)
        known = [pair for pair in near if pair[1] in (people, journeys, sessions)]
        for having, of in known or near[:1]:
            assert having >= 10 and of - having >= 10, (place, having, of)
            looked_at += 1
    return looked_at


def of_sessions(document: dict[str, Any], spots: pd.DataFrame) -> Program:
    """Return what is said of bot sessions: unknowns (touchpoint, state), (touchpoint, "young").

    Read are the states of all sessions and of each touchpoint, the bases that the decimals of the
    kinds of hand-over and of raw containment tell, and verified containment by touchpoint, exact
    or rounded: of `served` of the sessions that are not too young.
    """
    said, program = document["handoffs"], Program()
    rows = spots.set_index("touchpoint")
    assert rows["sessions"].sum() == said["sessions"]
    for state in STATES:
        if said[state] is not None:
            program.sums_to([(name, state) for name in rows.index], said[state])
    silent = said["further"]["silent_abandonment"]["value"]
    for having, of in fractions(silent, said["sessions"] - 9, said["sessions"]):
        # One share alone tells nothing: what it counts is what no other number counts.
        counted = [state for state in STATES if state == "abandoned" or said[state] is None]
        if of == said["sessions"] and all(said[s] is not None for s in STATES if s not in counted):
            program.sums_to([(n, s) for n in rows.index for s in counted], having)
    for kind in ("handovers_requested", "handovers_scripted"):
        share = said["further"][kind]
        if share["value"] is not None:
            (base,) = {of for _, of in fractions(share["value"], share["n_journeys"],
                                                 share["n_journeys"] + 30)}  # fmt: skip
            program.sums_to([(name, "handed_over") for name in rows.index], base)
    raw = said["contained_raw"]
    mature = [of for _, of in fractions(raw["value"], raw["n_journeys"], said["sessions"])]
    if len(mature) == 1:
        young = said["sessions"] - mature[0]
        program.sums_to([(name, "young") for name in rows.index], young)
    for name, row in rows.iterrows():
        program.sums_to([(name, state) for state in STATES], row["sessions"])
        program.at_most([(name, "young")], [], row["sessions"])
        for state in STATES:
            if not pd.isna(row[state]):
                bound = state in row["at_least"].split()
                program.says([(name, state)], int(row[state]), bound)
        if not pd.isna(row["verified"]) and 0 < row["verified"] < 1:
            is_rounded = row["verified"] == round(row["verified"], 2)
            size = row["sessions"] - 10
            half = next(h for least, h in HALF_STEPS if size >= least) if is_rounded else 5e-7
            for sign in (1, -1):  # served = share × (sessions − young), but for the rounding
                reach = row["verified"] + sign * half
                signs = {
                    program.number((name, "served")): float(sign),
                    program.number((name, "young")): sign * reach,
                }
                program.most.append((signs, sign * reach * row["sessions"]))
    return program


def few_of_sessions(journeys: Journeys, settings: MeasureSettings) -> list[tuple[str, str]]:
    """Return the cells of one to nine customers: states, and sessions that are too young."""
    sessions = bot_sessions(journeys, settings)
    table = sessions.table.assign(touchpoint=sessions.table["touchpoint_no"].map(journeys.names))
    flags = waterfall_flags(sessions, journeys.last_us, settings.repeat_days)
    people = table.groupby(["touchpoint", "state"])["customer_no"].nunique()
    young = table[~flags["mature"]].groupby("touchpoint")["customer_no"].nunique()
    cells = [(name, state) for (name, state), n in people.items() if n < 10]
    return cells + [(name, "young") for name, n in young.items() if n < 10]


@pytest.mark.parametrize("name", ["telecom_audit", "bank_audit"])
def test_no_number_of_bot_sessions_tells_of_a_few(
    name: str, request: pytest.FixtureRequest
) -> None:
    audit = request.getfixturevalue(name)
    assert assert_no_share_tells_a_few(audit.document) > 100
    spots = audit.tables["handoff_touchpoints"]
    few = few_of_sessions(audit.journeys, audit.config.measures)
    program = of_sessions(audit.document, spots)
    assert len(few) >= 3 and program.tight(few) == {}
    # As it was: who fell silent is a share of the sessions that are not open.
    told = of_sessions(audit.document, spots)
    whole = bot_sessions(audit.journeys, audit.config.measures).table["state"].value_counts()
    told.sums_to([(spot, "abandoned") for spot in spots["touchpoint"]], whole["abandoned"])
    assert told.tight([cell for cell in few if cell[1] == "open"])
    # And verified containment of a touchpoint was exact.
    sessions = bot_sessions(audit.journeys, audit.config.measures)
    flags = waterfall_flags(sessions, audit.journeys.last_us, audit.config.measures.repeat_days)
    number = sessions.table["touchpoint_no"].map(audit.journeys.names)
    by_spot = {n: pd.Series(flags[n]).groupby(number.to_numpy()).sum() for n in flags}
    share = by_spot["verified"] / by_spot["mature"]
    spot = next(cell[0] for cell in few if cell[1] == "young" and 0 < share[cell[0]] < 1)
    row = spots.set_index("touchpoint").loc[spot]
    found = {of for _, of in fractions(share[spot], row["sessions"] - 10, row["sessions"])}
    assert len(found) < 6 and row["sessions"] not in found


@pytest.mark.parametrize("name", ["telecom_audit", "bank_audit"])
def test_windows_of_the_curve_differ_by_nobody_or_by_ten(
    name: str, request: pytest.FixtureRequest
) -> None:
    audit = request.getfixturevalue(name)
    curve, said = audit.tables["containment_curve"], audit.document["handoffs"]
    assert len(curve) == 30 and len(set(curve["sessions"])) == 1
    of = curve["sessions"].iloc[0]
    assert said["sessions"] - of >= 10
    for share in ("verified", "upper"):
        counts = (curve[share] * of).round().astype(int)
        apart = -np.diff(counts)
        assert set(apart) - set(range(10, 99)) == {0} and (apart > 0).sum() >= 1
    chosen = curve.set_index("days").loc[7]
    steps = {row["step"]: row["sessions"] for row in said["waterfall"]}
    assert steps["verified"] - round(chosen["verified"] * of) >= 10


@pytest.mark.slow
def test_three_open_sessions_are_told_by_no_number(log_of: LogOf) -> None:
    """60 sessions: 30 end with the bot, 15 with a human, 12 in silence, and 3 are still open."""
    minute, day = 60_000_000, 86_400_000_000
    rows: list[tuple[object, ...]] = []
    for number in range(60):
        who, silent = f"c{number:02}", 45 <= number < 57
        at = 60 * day - 5 * minute if number >= 57 else 0
        rows.append((who, at, "Chat", "customer", "My bill is wrong"))
        question = "What is your number?" if silent else "We have corrected it."
        rows.append((who, at + minute, "Chat", "bot", question))
        if number < 15:
            rows.append((who, at + 2 * minute, "Call", "human", None))
        elif not silent:
            rows.append((who, at + 2 * minute, "Chat", "customer", "Thank you!"))
    log = log_of(*rows, columns="customer t_us touchpoint actor text")
    settings = jl.JourneySettings(cut="customer")
    found = audit_handoffs(jl.rebuild(log, settings), MeasureSettings())
    assert (found.ended_with_bot, found.handed_over, found.abandoned, found.open) == (30, 15, 12, 3)
    assert found.ends_shown == {"ended_with_bot", "handed_over"}
    # The three count with the twelve; and with those who are old enough: all 60.
    assert found.silent_abandonment.value == 15 / 60
    assert found.contained_raw.n_events == found.contained_verified.n_events == 60
    # Where small cells are permitted, all is as it is.
    settings = jl.JourneySettings(cut="customer", min_customers=1)
    found = audit_handoffs(jl.rebuild(log, settings), MeasureSettings())
    assert found.ends_shown == set(STATES) and found.silent_abandonment.value == 12 / 57
    assert found.contained_raw.n_events == 57


@pytest.mark.slow
@pytest.mark.parametrize("fixture", ["telecom_audit", "bank_audit"])
def test_folded_maps_tell_no_hidden_transition(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    """Of each folded transition, what `transitions` shows of its parts is subtracted."""
    audit = request.getfixturevalue(fixture)
    public, spots = audit.tables["transitions"], audit.tables["touchpoints"]
    stage = dict(zip(spots["touchpoint"], spots["stage"], strict=True))
    folded = 0
    for one in audit.structure.maps.values():
        drawn = {*one.touchpoints["touchpoint"], "(start)", "(end)", "(elsewhere)"}
        into = {name: f"(other in {stage.get(name)})" for name in stage if name not in drawn}
        ends = [public[end].replace(into) for end in ("source", "target")]
        shown = public.groupby(ends)["events"].sum()
        for row in one.transitions.itertuples():
            if row.target != "(elsewhere)":
                assert shown.get((row.source, row.target), 0) == row.events
                folded += "(other" in row.source + row.target
    assert folded >= 20
