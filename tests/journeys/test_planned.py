"""Plans and alignments: answers worked by hand, and pm4py's own on real journeys."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.conformance import inductive_tree
from journeylib.core.errors import ConfigError
from journeylib.journeys.conformance.conformance import planned_vs_actual
from journeylib.journeys.conformance.plan import Plan, align
from journeylib.journeys.conformance.process_models import (
    PlanSettings,
    load_plan,
    plan_of_bpmn,
    plan_of_net,
    plan_of_tree,
)
from journeylib.journeys.graph.transitions import variants
from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.read import read_log
from journeylib.log.schema import Schema

PREPAID = Path(__file__).resolve().parents[2] / "../shared/data/bpic2020/PrepaidTravelCost.xes.gz"
needs_prepaid = pytest.mark.skipif(not PREPAID.exists(), reason="needs ../shared/data/bpic2020")


def told(alignment):
    signs = {"as_planned": "", "skipped": "-", "inserted": "+"}
    return " ".join(f"{signs[move.kind]}{move.touchpoint}" for move in alignment.moves)


def tree_of(journeys):
    shown = variants(journeys)
    return inductive_tree(Counter(dict(zip(shown["variant"], shown["journeys"], strict=True))))


def journeys_of(log_of, paths, min_customers=1, goals=("✓",)):
    rows = [
        (f"c{number}", "one", number * 100 + step, touchpoint)
        for number, path in enumerate(paths)
        for step, touchpoint in enumerate(path)
    ]
    log = log_of(*rows, columns="customer case position touchpoint")
    return rebuild(log, JourneySettings(cut="case", goals=goals, min_customers=min_customers))


@pytest.mark.parametrize(
    ("lived", "expected", "fitness"),
    [
        ("A B C", "A B C", 1),
        ("A C", "A C", 1),
        ("A", "A -C", 1 - 1 / 3),
        ("A B X C", "A B +X C", 1 - 1 / 6),
        ("A A B C", "A +A B C", 1 - 1 / 6),
        ("C A", "-A C +A", 1 - 2 / 4),
        ("X", "-A -C +X", 0),
    ],
)
def test_a_list_with_an_optional_step(lived, expected, fitness):
    (alignment,) = align(Plan.of_steps(["A", "B?", "C"]), [lived.split()])
    assert sorted(told(alignment).split()) == sorted(expected.split())
    assert alignment.fitness == pytest.approx(fitness, abs=1e-12)


def test_of_equal_ways_the_earliest_match_is_taken():
    (alignment,) = align(Plan.of_steps(["A", "B"]), [["A", "B", "A", "B"]])
    assert told(alignment) == "A B +A +B"


def test_a_touchpoint_called_with_a_question_mark_is_a_step():
    assert Plan.of_steps(["Help?", "Buy?"], touchpoints=["Help?"]).optional == {"Buy"}


@pytest.mark.parametrize(
    ("steps", "words"), [(["A", "A"], "planned twice"), (["A", "?"], "step 2 has no name")]
)
def test_a_wrong_list_says_where(steps, words):
    with pytest.raises(ConfigError, match=words):
        Plan.of_steps(steps)


def test_the_same_plan_is_equal_however_it_is_written(tmp_path):
    listed = Plan.of_steps(["A", "B?", "C"])
    assert plan_of_tree("->('A', X('B', tau), 'C')") == listed
    assert plan_of_tree("X(->('A','B','C'), ->('A','C'))") == listed
    assert load_plan(PlanSettings(tree="->('A', X(tau, 'B'), 'C')")) == listed


def test_parallel_and_repeated_steps():
    plan = plan_of_tree("->(+('A', 'B'), *('C', 'D'))")
    found = align(plan, ["ABC", "BAC", "BACDC", "BACC"])
    assert [alignment.deviations for alignment in found] == [0, 0, 0, 1]
    assert plan.optional == {"D"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tree": "->('A'"}, "no process tree"),
        ({"bpmn": "nowhere.bpmn"}, "there is no file nowhere.bpmn"),
    ],
)
def test_a_plan_that_cannot_be_read_says_so(settings, words):
    with pytest.raises(ConfigError, match=words):
        load_plan(PlanSettings(**settings))


@pytest.mark.parametrize("plan", [[], [3], ["A", None]])
def test_a_plan_without_steps_in_words_says_what_a_plan_is(log_of, plan):
    with pytest.raises(ConfigError, match=r"such as \['A', 'B\?', 'C'\]"):
        planned_vs_actual(journeys_of(log_of, [list("ABC")], 1), plan)


@pytest.mark.slow
def test_a_plan_of_too_many_parallel_steps_is_refused():
    steps = ", ".join(f"'{name}'" for name in "ABCDEFGHIJKLM")
    with pytest.raises(ConfigError, match="parallel"):
        plan_of_tree(f"+({steps})")


def test_deviations_are_counted_by_journeys_and_customers(log_of):
    paths = [list("ABC✓")] * 12 + [list("ACXC✓")] * 11 + [list("BBC")] * 10
    result = planned_vs_actual(journeys_of(log_of, paths, 10), ["A", "B", "C", "✓"])
    rows = {
        (row.touchpoint, row.kind): (row.journeys, row.customers, row.goal)
        for row in result.steps.itertuples()
    }
    assert rows == {
        ("A", "as_planned"): (23, 23, 1.0),
        ("A", "skipped"): (10, 10, 0.0),
        ("B", "as_planned"): (22, 22, 12 / 22),
        ("B", "skipped"): (11, 11, 1.0),
        ("B", "repeated"): (10, 10, 0.0),
        ("C", "as_planned"): (33, 33, 23 / 33),
        ("C", "repeated"): (11, 11, 1.0),
        ("X", "inserted"): (11, 11, 1.0),
        ("✓", "as_planned"): (23, 23, 1.0),
        ("✓", "skipped"): (10, 10, 0.0),
    }
    # 12 follow the plan; 11 skip B and insert X and C (3 of 9); 10 skip A and ✓, repeat B (3 of 7).
    assert result.conforming.value == pytest.approx(12 / 33, abs=1e-12)
    worst = 12 * 8 + 11 * 9 + 10 * 7
    assert result.fitness.value == pytest.approx(1 - (33 + 30) / worst, abs=1e-12)
    ends = result.outcomes.set_index(["conforming", "end"])["share"]
    assert ends[True, "goal"] == 1.0
    assert ends[False, "goal"] == pytest.approx(11 / 21, abs=1e-12)
    where = result.insertions[["after", "touchpoint", "kind", "journeys"]]
    assert set(where.itertuples(index=False, name=None)) == {
        ("C", "X", "inserted", 11),
        ("C", "C", "repeated", 11),
        ("B", "B", "repeated", 10),
    }


def test_small_cells_and_misspelt_steps(log_of):
    paths = [list("AB")] * 12 + [list("A")] * 3
    result = planned_vs_actual(journeys_of(log_of, paths, 10), ["A", "B", "Bb?"])
    # 15 journeys less the 12 that took B are the three that skipped it: neither is shown, nor
    # how the twelve ended that follow the plan, and the three that do not.
    assert result.steps[["touchpoint", "kind"]].to_numpy().tolist() == [["A", "as_planned"]]
    assert result.outcomes.empty and result.suppressed == 2 + 6
    assert result.conforming.value is None and result.conforming.abstain == "privacy"
    # Of 45 journeys 30 take B and 15 skip it: both are shown.
    paths = [list("AB")] * 30 + [list("A")] * 15
    result = planned_vs_actual(journeys_of(log_of, paths, 10), ["A", "B", "Bb?"])
    assert result.steps[["kind", "journeys"]].to_numpy().tolist() == [
        ["as_planned", 45],
        ["as_planned", 30],
        ["skipped", 15],
    ]
    assert result.never_seen == ("'Bb'. Did you mean 'B'?",)


def test_open_journeys_are_left_out(log_of):
    day = 86_400_000_000
    rows = [(f"c{n}", n * day + step, t) for n in range(60) for step, t in enumerate("AB")]
    rows += [("late", 59 * day, "A")]
    result = planned_vs_actual(
        rebuild(log_of(*rows), JourneySettings(quiet_days=10, min_customers=1)), ["A", "B"]
    )
    # Last heard of on days 50 to 59, and the late one; day 49 is ten days before the end.
    assert (result.journeys, result.open_journeys) == (50, 11)
    assert result.conforming.value == 1.0


@pytest.mark.slow
def test_the_order_of_rows_changes_nothing(log_of):
    paths = [list("ABC")] * 3 + [list("CAB")] * 2 + [list("BXA")]
    one = planned_vs_actual(journeys_of(log_of, paths), ["A", "B", "C"])
    for shuffled in itertools.islice(itertools.permutations(paths), 0, 720, 240):
        other = planned_vs_actual(journeys_of(log_of, shuffled), ["A", "B", "C"])
        assert other.steps[["touchpoint", "kind", "journeys"]].equals(
            one.steps[["touchpoint", "kind", "journeys"]]
        )


def test_a_discovered_model_fits_what_it_is_from_and_survives_bpmn(log_of, tmp_path):
    from pm4py.convert import convert_to_bpmn
    from pm4py.objects.bpmn.exporter import exporter
    from pm4py.utils import parse_process_tree

    paths = [list("ABC")] * 12 + [list("ACB")] * 11 + [list("AD")] * 20 + [list("ADE")] * 3
    paths += [list("AE")] * 4 + [list("AEE")] * 3  # ten journeys of rare variants hide each other
    journeys = journeys_of(log_of, paths, 10)
    tree = tree_of(journeys)
    plan = plan_of_tree(tree)
    assert [a.deviations for a in align(plan, ["ABC", "ACB", "AD", "ADE"])] == [0, 0, 0, 1]
    file = tmp_path / "model.bpmn"
    exporter.apply(convert_to_bpmn(parse_process_tree(tree)), str(file))
    assert plan_of_bpmn(file) == plan


@pytest.mark.parametrize("seed", range(6))
def test_equals_pm4py_on_random_journeys(seed):
    from pm4py.algo.conformance.alignments.petri_net import algorithm
    from pm4py.convert import convert_to_petri_net
    from pm4py.objects.log.obj import Event, Trace
    from pm4py.utils import parse_process_tree

    # pm4py's default search uses numpy's matrix class, which warns; this one is exact as well.
    exact = algorithm.Variants.VERSION_DIJKSTRA_NO_HEURISTICS

    trees = [
        "->('A', X('B', tau), 'C')",
        "->(+('A', 'B'), *('C', 'D'))",
        "X(->('A','C'),+('B','D'))",
    ]
    tree = trees[seed % 3]
    random = np.random.default_rng(seed)
    lived = [random.choice(list("ABCDE"), random.integers(1, 7)).tolist() for _ in range(12)]
    net, start, end = convert_to_petri_net(parse_process_tree(tree))
    for journey, ours in zip(lived, align(plan_of_net(net, start, end), lived), strict=True):
        trace = Trace([Event({"concept:name": name}) for name in journey])
        theirs = algorithm.apply_trace(trace, net, start, end, variant=exact)
        assert ours.deviations == theirs["cost"] // 10_000
        assert ours.fitness == pytest.approx(theirs["fitness"], abs=1e-12)


@pytest.fixture(scope="module")
def prepaid():
    roles = {"journey": "case:concept:name", "touchpoint": "concept:name"}
    log = read_log(PREPAID, Schema(**roles, timestamp="time:timestamp"))
    return rebuild(log, JourneySettings(cut="case", goals=("Payment Handled",), quiet_days=30))


@pytest.mark.slow
@needs_prepaid
def test_equals_pm4py_on_every_prepaid_travel(prepaid):
    from pm4py.algo.conformance.alignments.petri_net import algorithm
    from pm4py.convert import convert_to_petri_net
    from pm4py.objects.log.obj import Event, Trace
    from pm4py.utils import parse_process_tree

    # pm4py's default search uses numpy's matrix class, which warns; this one is exact as well.
    exact = algorithm.Variants.VERSION_DIJKSTRA_NO_HEURISTICS

    tree = tree_of(prepaid)
    known = variants(prepaid, min_customers=1)
    assert (len(known), int(known["journeys"].sum())) == (202, 2_099)
    net, start, end = convert_to_petri_net(parse_process_tree(tree))
    for variant, ours in zip(
        known["variant"], align(plan_of_tree(tree), list(known["variant"])), strict=True
    ):
        trace = Trace([Event({"concept:name": name}) for name in variant])
        theirs = algorithm.apply_trace(trace, net, start, end, variant=exact)
        assert ours.deviations == theirs["cost"] // 10_000
        assert ours.fitness == pytest.approx(theirs["fitness"], abs=1e-12)


@pytest.mark.slow
@needs_prepaid
def test_prepaid_travels_against_the_rules(prepaid):
    plan = [
        "Permit SUBMITTED by EMPLOYEE",
        "Permit APPROVED by ADMINISTRATION",
        "Permit APPROVED by BUDGET OWNER?",
        "Permit FINAL_APPROVED by SUPERVISOR",
        "Request For Payment SUBMITTED by EMPLOYEE",
        "Request For Payment APPROVED by ADMINISTRATION",
        "Request For Payment APPROVED by BUDGET OWNER?",
        "Request For Payment FINAL_APPROVED by SUPERVISOR",
        "Request Payment",
        "Payment Handled",
    ]
    result = planned_vs_actual(prepaid, plan)
    # Counted from the variants by hand: those that are the plan with or without its optional steps.
    known = variants(prepaid, min_customers=1)
    options = {
        tuple(s.rstrip("?") for s in plan if s not in left_out)
        for left_out in itertools.chain.from_iterable(
            itertools.combinations([plan[2], plan[6]], size) for size in range(3)
        )
    }
    follow = known.loc[known["variant"].isin(options), "journeys"].sum()
    open_follow = round(result.conforming.value * result.journeys)
    assert result.journeys + result.open_journeys == 2_099
    assert 0 <= follow - open_follow <= result.open_journeys
    # A step that must be taken is taken or skipped in every journey, never both.
    rows = result.steps[result.steps["kind"].isin(["as_planned", "skipped"])]
    must = rows[rows["place"].notna() & ~rows["optional"]]
    assert set(must.groupby("touchpoint")["journeys"].sum()) == {result.journeys}
