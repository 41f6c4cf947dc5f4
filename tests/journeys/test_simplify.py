"""One ledger of denominators: every view counts the same journeys."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeylib.journeys.conformance.conformance import planned_vs_actual
from journeylib.journeys.graph.ends import journey_ends
from journeylib.journeys.graph.markov_chain import OF_ALL, journey_chain
from journeylib.journeys.graph.simplify import ELSEWHERE, OTHER, simplify
from journeylib.journeys.graph.transitions import transitions, variants
from journeylib.journeys.journeys import rebuild
from journeylib.journeys.representatives.timelines import stories
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.tables import COUNTS, END, START
from journeylib.log.read import read_log
from journeylib.log.schema import Schema

ROOT = Path(__file__).resolve().parents[2]


def journeys_of(log_of, paths, min_customers=1):
    rows = [
        (f"c{number}", "one", number * 100 + step, touchpoint)
        for number, path in enumerate(paths)
        for step, touchpoint in enumerate(path)
    ]
    log = log_of(*rows, columns="customer case position touchpoint")
    return rebuild(log, JourneySettings(cut="case", min_customers=min_customers))


def edges_of(simplified):
    columns = ["source", "target", "events"]
    return {(s, t): n for s, t, n in simplified.transitions[columns].itertuples(index=False)}


@pytest.mark.slow
def test_a_touchpoint_that_mostly_leads_to_itself_is_still_connected(log_of):
    found = simplify(journeys_of(log_of, [list("AAAB"), list("AA")]), transitions=0)
    assert edges_of(found)[("A", "B")] == 1
    assert edges_of(found)[("A", ELSEWHERE)] == 3


def test_folding_worked_by_hand(log_of):
    # A in 9 journeys, B in 8, C in 3, D in 2: half of four touchpoints are A and B.
    paths = [list("AB")] * 6 + [list("ACB")] * 2 + [list("ACD")] + [list("D")]
    found = simplify(journeys_of(log_of, paths), touchpoints=0.5)
    assert edges_of(found) == {
        (START, "A"): 9,
        ("A", "B"): 6,
        ("B", END): 8,
        ("A", OTHER): 3,
        (OTHER, "B"): 2,
        (OTHER, OTHER): 1,
        (OTHER, END): 2,
        (START, OTHER): 1,
    }
    other = found.touchpoints.set_index("touchpoint").loc[OTHER]
    assert (other["visits"], other["journeys"], other["folds"]) == (5, 4, 2)
    assert (found.journeys_shown, found.share) == (6, 0.6)
    assert found.ledger.set_index("what").loc["touchpoints"].tolist() == [2, 2, 0, 4]
    assert found.ledger.set_index("what").loc["moves"].tolist() == [23, 9, 0, 32]


def test_touchpoints_that_are_called_like_what_is_drawn_stay_apart_from_it(log_of):
    names = dict(zip("1234", [ELSEWHERE, END, OTHER, START], strict=True))
    paths = [list("3412")] * 4 + [list("31")] * 3 + [list("A3")] * 2 + [list("1B"), list("C2")]
    own, plain = (
        simplify(journeys_of(log_of, those), touchpoints=0.5, transitions=0, per_node=0)
        for those in ([[names.get(one, one) for one in path] for path in paths], paths)
    )
    assert own.ledger.to_dict() == plain.ledger.to_dict()
    for table in ("touchpoints", "transitions"):
        counts = [getattr(one, table)[[*COUNTS]].to_numpy().tolist() for one in (own, plain)]
        assert sorted(counts[0]) == sorted(counts[1])
    assert own.touchpoints["touchpoint"].tolist().count(OTHER) == 2
    assert len(own.transitions.query("source == target == @ELSEWHERE")) == 1


@pytest.mark.parametrize("seed", range(3))
def test_what_is_folded_is_the_sum_of_what_is_shown(log_of, seed):
    """All moves there, less those of `transitions`, would be the few of a hidden one."""
    random = np.random.default_rng(seed)
    often = (0.3, 0.3, 0.2, 0.1, 0.06, 0.04)
    paths = [[*random.choice(list("ABCDEF"), p=often, size=3)] for _ in range(250)]
    journeys = journeys_of(log_of, paths, min_customers=10)
    found = simplify(journeys, touchpoints=0.5)
    folded = {*"ABCDEF"} - {*found.touchpoints["touchpoint"]}
    sums = {}
    public = journeys.public_edges[["source", "target", "events"]]
    for *ends, events in public.itertuples(index=False):
        pair = tuple(OTHER if end in folded else end for end in ends)
        sums[pair] = sums.get(pair, 0) + events
    shown = {pair: events for pair, events in edges_of(found).items() if pair[1] != ELSEWHERE}
    assert len(folded) == 3
    assert sum(OTHER in pair for pair in shown) >= 4
    assert shown == {pair: sums[pair] for pair in shown}
    assert any(sums[pair] < all_moves(paths, pair, folded) for pair in shown if OTHER in pair)


def all_moves(paths, pair, folded):
    """Count a folded transition in the paths themselves."""
    words = [[START, *(OTHER if one in folded else one for one in path), END] for path in paths]
    return sum(move == pair for word in words for move in pairwise(word))


def test_hidden_transitions_go_elsewhere_and_not_through_other(log_of):
    paths = [list("ABC")] * 6 + [list("AC")] * 2 + [list("BA")]
    found = simplify(journeys_of(log_of, paths), transitions=0.25, per_node=0)
    # Of A→B 6, B→C 6, A→C 2, B→A 1 a quarter is one: of the two strongest the first by name.
    shown = {pair for pair in edges_of(found) if {*pair} <= set("ABC")}
    assert shown == {("A", "B")}
    assert edges_of(found)["A", ELSEWHERE] == 2
    assert edges_of(found)["B", ELSEWHERE] == 7
    assert found.share == 0.0


def test_every_touchpoint_keeps_its_strongest_way_in_and_out(log_of):
    paths = [list("ABC")] * 6 + [list("AC")] * 2 + [list("BA")]
    found = simplify(journeys_of(log_of, paths), transitions=0.0, per_node=1)
    shown = {pair for pair in edges_of(found) if {*pair} <= set("ABC")}
    # Out: A→B, B→C; in: B→A for A, A→B for B, B→C for C.
    assert shown == {("A", "B"), ("B", "C"), ("B", "A")}


@pytest.mark.parametrize("wrong", [{"touchpoints": 0}, {"transitions": 1.5}, {"per_node": -1}])
def test_shares_outside_their_range_are_refused(log_of, wrong):
    with pytest.raises(ValueError, match="shares lie between 0 and 1"):
        simplify(journeys_of(log_of, ["AB"]), **wrong)


def agree(journeys, simplified):
    """Check that map, transitions, variants and totals count the same journeys."""
    every = transitions(journeys, min_customers=1)
    paths = variants(journeys, min_customers=1)
    total = int(paths["journeys"].sum())
    visits = int((paths["variant"].map(len) * paths["journeys"]).sum())
    assert simplified.journeys == total
    ledger = simplified.ledger.set_index("what")
    assert (ledger["shown"] + ledger["folded"] + ledger["suppressed"] == ledger["total"]).all()
    assert (ledger[["shown", "folded", "suppressed"]] >= 0).all(axis=None)
    assert ledger.loc["visits", "total"] == visits
    assert ledger.loc["events", "total"] == int(journeys.touchpoints["events"].sum())
    assert ledger.loc["moves", "total"] == visits + total == int(every["events"].sum())
    assert every.loc[every["source"] == START, "events"].sum() == total
    assert every.loc[every["target"] == END, "events"].sum() == total
    ends = journey_ends(journeys)
    assert set(ends.loc[ends["touchpoint"] == START, "n_journeys"]) <= {total}
    chain = journey_chain(journeys).table.set_index(["touchpoint", "measure"])
    by_table = journeys.touchpoints.set_index("touchpoint")["journeys"].to_dict()
    for (name, measure), base in chain["n_journeys"].items():
        assert base == (total if name == START or measure in OF_ALL else by_table[name])
    told = stories(journeys).by_segment
    assert {found.journeys for found in told.values()} <= {total}
    planned = planned_vs_actual(journeys, list(journeys.touchpoints["touchpoint"].head(2)))
    assert planned.journeys + planned.open_journeys == total
    still_open = int((journeys.table.end_kind == "open").sum().to_pyarrow().as_py())
    assert planned.open_journeys == still_open
    if journeys.settings.min_customers == 1:
        assert ends.groupby("touchpoint")["journeys"].sum().to_dict() == {
            START: total,
            **by_table,
        }
        assert {name for name, _ in chain.index} == {START, *by_table}
        if not still_open:
            # What the chain expects is what there was: no visit is lost on the way.
            boxes = journeys.steps.filter(journeys.steps.ends_visit).touchpoint.value_counts()
            for name, count in boxes.to_pandas().itertuples(index=False, name=None):
                expected = chain["value"][name, "visits"] * total
                assert expected == pytest.approx(count, abs=1e-6)
        kept = planned.steps[planned.steps["kind"].isin(["as_planned", "skipped"])]
        assert set(kept.groupby("touchpoint")["journeys"].sum()) <= {planned.journeys}
        follow = planned.outcomes.drop_duplicates("conforming")["journeys"]
        assert follow.sum() == planned.journeys
        out = simplified.transitions.groupby("source")["events"].sum()
        boxes = simplified.touchpoints.set_index("touchpoint")["visits"]
        assert out[START] == total
        assert out.drop(START).to_dict() == boxes.to_dict()


@pytest.mark.slow
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(
    paths=st.lists(st.text("ABCDE", min_size=1, max_size=6), min_size=1, max_size=25),
    kept=st.sampled_from([0.2, 0.5, 1.0]),
    drawn=st.sampled_from([0.0, 0.2, 1.0]),
    minimum=st.sampled_from([1, 3]),
)
def test_all_views_agree(log_of, paths, kept, drawn, minimum):
    journeys = journeys_of(log_of, paths, minimum)
    agree(journeys, simplify(journeys, kept, drawn))


@pytest.mark.slow
def test_all_views_agree_on_the_sample_log():
    log = read_log(
        ROOT / "sample_data/telecom/contacts.csv",
        Schema(
            customer="customer_id",
            touchpoint="touchpoint",
            timestamp="timestamp",
            position="event_id",
            channel="channel",
            stage="stage",
            session="session_id",
        ),
    )
    journeys = rebuild(log, JourneySettings(cut="gap", gap_days=14))
    shares = []
    for share in (0.2, 0.5, 1.0):
        found = simplify(journeys, share, share)
        agree(journeys, found)
        shares.append(found.share)
        assert (found.touchpoints["customers"] >= 10).all()
        assert (found.transitions["customers"] >= 10).all()
    assert shares == sorted(shares)
