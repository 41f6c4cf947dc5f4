"""No hidden cell of one to nine customers is bounded tighter than 0 to 10 by what is published."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import brentq

import journeylib as jl
from journeylib.audits.pipeline import read_journeys
from journeylib.journeys.graph.ends import journey_ends
from journeylib.journeys.graph.markov_chain import ENDS
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.tables import START
from journeylib.judge.scorecard.scorecard import score_evidence
from journeylib.judge.scorecard.value_functions import value_of
from journeylib.judge.settings.judge_settings import JudgeSettings
from journeylib.log.eventlog import EventLog
from journeylib.log.suppression import Crossed, share_bounds, suppress_crossed, suppress_parts
from journeylib.measures.evidence import measure
from journeylib.measures.overall.reach import reach
from journeylib.measures.settings import MeasureSettings
from tests.privacy.attack import COUNTS, Program, hidden, of_ends, of_segments

BANK = Path(__file__).resolve().parents[2] / "sample_data" / "bank" / "audit.yaml"
HOUR = 3_600_000_000


def true_segments(journeys: Journeys) -> pd.DataFrame:
    """Return every cell of segments × touchpoints; the name is that of its customers."""
    whose = journeys.table.select("journey", "segment").filter(ibis._.segment.notnull())
    cells = journeys.steps.select("journey", "customer_no", "touchpoint").join(whose, "journey")
    found = cells.group_by(["segment", "touchpoint"]).aggregate(
        customers=ibis._.customer_no.nunique()
    )
    frame = found.to_pandas()
    names = zip(frame["segment"].astype(str), frame["touchpoint"].astype(str), strict=True)
    return frame.assign(name=[("customers", *pair) for pair in names])


def true_ends(journeys: Journeys) -> pd.DataFrame:
    came = journeys.steps.select("journey", "touchpoint").distinct()
    table = journeys.table.select("journey", "customer_no", "end_kind")
    cells = came.join(table, "journey").group_by(["touchpoint", "end_kind"])
    frame = cells.aggregate(customers=ibis._.customer_no.nunique()).to_pandas()
    names = zip(frame["touchpoint"].astype(str), frame["end_kind"].astype(str), strict=True)
    return frame.assign(name=list(names))


def assert_segments_tell_nothing(
    journeys: Journeys, touchpoints: pd.DataFrame, stages: pd.DataFrame, segments: pd.DataFrame
) -> int:
    program = of_segments(touchpoints, stages, segments)
    pairs = zip(segments["segment"], segments["touchpoint"], strict=True)
    shown = {("customers", *pair) for pair in pairs}
    cells = true_segments(journeys)
    cells = cells[cells["touchpoint"].isin(touchpoints["touchpoint"])]
    cells = cells[cells["segment"].isin(set(stages["segment"]))]
    names = list(hidden(program, cells, shown))
    for name in names:
        least, most = program.bounds(name)
        assert least <= 1e-6 and most >= 10 - 1e-6, (name, least, most)
    return len(names)


def test_segments_of_the_sample(telecom_audit: jl.Audit) -> None:
    tables = telecom_audit.tables
    many = assert_segments_tell_nothing(
        telecom_audit.journeys, tables["touchpoints"], tables["stages"], tables["segments"]
    )
    assert many == 6


def assert_ends_tell_nothing(
    journeys: Journeys, points: pd.DataFrame, ends: pd.DataFrame, open_journeys: int
) -> int:
    many = dict(zip(points["touchpoint"], points["journeys"], strict=True))
    many[START] = journeys.table.count().execute()
    program = of_ends(ends, many, ENDS, open_journeys)
    shown = set(zip(ends["touchpoint"], ends["end"], strict=True))
    cells = true_ends(journeys)
    names = list(hidden(program, cells[cells["touchpoint"].isin(many)], shown))
    for name in names:
        least, most = program.bounds(name)
        assert least <= 1e-6 and most >= 10 - 1e-6, (name, least, most)
    return len(names)


def test_journey_ends_of_the_sample(telecom_audit: jl.Audit) -> None:
    tables, log = telecom_audit.tables, telecom_audit.document["log"]
    many = assert_ends_tell_nothing(
        telecom_audit.journeys, tables["touchpoints"], tables["ends"], log["open_journeys"]
    )
    assert many == 40


def small_log(log_of: Callable[..., EventLog], seed: int) -> Journeys:
    """Return some 150 customers of three segments, one of them small, at six touchpoints."""
    dice = np.random.default_rng(seed)
    rows = []
    for customer in range(150):
        segment = dice.choice(["a", "b", "c"], p=[0.55, 0.33, 0.12])
        for visit in range(dice.integers(1, 4)):
            spot = int(dice.choice(6, p=[0.3, 0.25, 0.2, 0.12, 0.08, 0.05]))
            stage = "Look" if spot % 2 else "Buy"
            rows.append((f"c{customer}", visit * HOUR, f"T{spot}", stage, segment))
    log = log_of(*rows, columns="customer t_us touchpoint stage segment")
    goals = ("T4",)
    return jl.rebuild(log, JourneySettings(cut="customer", goals=goals, bad_ends=("T5",)))


def assert_tables_tell_nothing(journeys: Journeys) -> None:
    """Attack the tables that an audit of these journeys would publish, without the audit."""
    found = reach(journeys, "no_column")
    points = journeys.touchpoints
    points = points[points["customers"] >= 10]
    assert_segments_tell_nothing(journeys, points, found.stages, found.segments)
    ends = journey_ends(journeys)
    opened = int(journeys.outline.is_open.sum())
    assert_ends_tell_nothing(journeys, points, ends, opened)


@pytest.mark.parametrize("seed", range(6))
def test_random_small_logs(log_of: Callable[..., EventLog], seed: int) -> None:
    assert_tables_tell_nothing(small_log(log_of, seed))


@pytest.mark.slow
def test_more_random_small_logs(log_of: Callable[..., EventLog]) -> None:
    for seed in range(6, 30):
        assert_tables_tell_nothing(small_log(log_of, seed))


@pytest.mark.slow
def test_the_bank_sample() -> None:
    assert_tables_tell_nothing(read_journeys(BANK))


def random_table(seed: int) -> Crossed:
    """Return eight rows in two lines × four columns, the last one never shown."""
    dice = np.random.default_rng(seed)
    customers = dice.poisson(dice.gamma(0.7, 30, size=(8, 4)))
    journeys = customers + dice.poisson(customers / 5)
    cells = np.stack([journeys + dice.poisson(journeys), journeys, customers], axis=-1)
    line = np.repeat(np.arange(8)[:, None] % 2, 4, axis=1)
    totals = np.stack([cells[row % 2 :: 2].sum(axis=0) for row in range(8)])
    named = np.repeat([[True, True, True, False]], 8, axis=0)
    return Crossed(cells, cells.sum(axis=1), totals, line, named)


def program_of(table: Crossed, shown: np.ndarray) -> Program:
    program = Program()
    rows, columns = shown.shape
    for count, name in enumerate(COUNTS):
        for row in range(rows):
            parts = [(name, row, column) for column in range(columns)]
            program.sums_to(parts, table.row_most[row, count])
        for column in range(columns):
            for line in range(2):
                parts = [(name, row, column) for row in range(line, rows, 2)]
                program.sums_to(parts, table.column_most[line, column, count])
        for row, column in np.argwhere(shown):
            program.sums_to([(name, row, column)], table.cells[row, column, count])
    for row in range(rows):
        for column in range(columns):
            for more, fewer in pairwise(COUNTS):
                program.at_most([(fewer, row, column)], [(more, row, column)], 0)
    return program


@pytest.mark.slow
def test_random_tables_where_all_three_counts_add_up() -> None:
    answered = attacked = 0
    for seed in range(30):
        table = random_table(seed)
        shown = suppress_crossed(table, 10)
        customers = table.cells[..., 2]
        if shown is None:
            continue
        answered += 1
        assert not shown[customers < 10].any()
        program = program_of(table, shown)
        for row, column in np.argwhere(table.named & (customers > 0) & (customers < 10)):
            attacked += 1
            least, most = program.bounds(("customers", row, column))
            assert least <= 1e-6 and most >= 10 - 1e-6, (seed, row, column)
    assert answered >= 25 and attacked > 100


def test_hiding_small_cells_alone_gives_them_away() -> None:
    """The attack finds what it is after: without further cells most are known exactly."""
    table = random_table(0)
    customers = table.cells[..., 2]
    small = table.named & (customers > 0) & (customers < 10)
    program = program_of(table, (customers >= 10) | ~table.named)
    bounds = [program.bounds(("customers", row, column)) for row, column in np.argwhere(small)]
    assert any(most - least < 1e-6 for least, most in bounds)


def test_parts_of_random_totals() -> None:
    dice = np.random.default_rng(1)
    people = dice.poisson(dice.gamma(0.5, 40, size=(200, 4)))
    cases = people + dice.poisson(people / 4)
    shown = suppress_parts(people, cases, 10)
    assert not shown[people < 10].any()
    left, total = np.where(shown, 0, cases).sum(axis=1), cases.sum(axis=1)
    assert ((left == total) | (left == 0) | (left >= 10)).all()
    assert ((~shown).sum(axis=1) != 1)[left > 0].all()
    # The order of the totals decides nothing.
    assert (suppress_parts(people[::-1], cases[::-1], 10)[::-1] == shown).all()


def test_a_share_of_persons_needs_ten_who_have_it_and_ten_who_have_it_not() -> None:
    cases = [(0, 145), (1, 145), (20, 145), (140, 145), (8, 15), (145, 145)]
    found = [share_bounds(few, of, minimum=10, of_persons=True) for few, of in cases]
    assert found == [(0, 0.07), (0, 0.07), None, (1 - 0.07, 1), (0, 0.67), (1 - 0.07, 1)]


def test_of_the_service_none_and_all_may_be_said_and_other_small_parts_may_not() -> None:
    cases = [(0, 241), (2, 241), (10, 241), (239, 241), (241, 241), (float("nan"), 5)]
    found = [share_bounds(few, of, minimum=10) for few, of in cases]
    assert found == [None, (0, 0.05), None, (0.95, 1), None, None]


def likely_share(cases: Iterable[int], of: int, rate: float) -> float:
    """Return the mean share of a binomial count, given that it is one of `cases`."""
    many = np.array(list(cases))
    chance = stats.binom.pmf(many, of, rate)
    return float((chance * many).sum() / chance.sum() / of)


def test_a_bound_is_shown_and_scored_in_place_of_a_small_share(
    log_of: Callable[..., EventLog],
) -> None:
    """Two of 60 journeys come back to A, and all but one leave B for good; nobody does C twice."""
    rows = []
    for customer in range(60):
        path = ["A", "B", "C"] + (["A"] if customer < 2 else [])
        path += ["D", "D"] if customer != 7 else ["D"]
        rows += [(f"c{customer}", hour * HOUR, name) for hour, name in enumerate(path)]
    journeys = jl.rebuild(log_of(*rows), JourneySettings(cut="customer"))
    evidence = measure(journeys, MeasureSettings(min_starts=1, min_base_customers=1))
    shown = evidence.estimates.query("measure == 'rework'").set_index("touchpoint")
    assert shown["value"].isna().to_dict() == {"A": True, "B": False, "C": False, "D": True}
    assert shown.loc["A", ["lo", "hi", "abstain"]].tolist() == [0, 0.17, "privacy"]
    assert shown.loc["D", ["lo", "hi", "abstain"]].tolist() == [0.83, 1, "privacy"]
    assert shown.loc["C", "value"] == 0
    # Whoever solves the scores for what is hidden finds what all four together make likely.
    card = score_evidence(evidence).indicators.query("indicator == 'rework'")
    hidden = card.set_index("touchpoint").loc[["A", "D"]]
    assert hidden["raw"].isna().all() and (hidden["missing"] == "privacy").all()
    rework = JudgeSettings().automation_fit["rework"]
    likely = [
        likely_share(range(1, 10), 60, 61.5 / 241),
        likely_share(range(51, 60), 60, 61.5 / 241),
    ]
    assert hidden["score"].to_numpy() == pytest.approx(value_of(rework, likely), abs=0.003)
    spot = list(evidence.touchpoints["touchpoint"]).index("A")
    draws = (evidence.draws["rework"][:, spot] * 60).round(9)
    assert set(draws) <= set(range(1, 10)) and len(set(draws)) > 3


def solved_shares(document: dict[str, Any], indicators: pd.DataFrame) -> pd.Series[float]:
    """Return what the empathy need says of `vulnerable`, from its other parts and the weights."""
    need = {one["touchpoint"]: one["empathy_need"]["value"] for one in document["touchpoints"]}
    rows = indicators[indicators["axis"] == "empathy_need"]
    found = {}
    for touchpoint, part in rows.groupby("touchpoint"):
        there, own = part[part["score"].notna()], part[part["indicator"] == "vulnerable"]
        if need[touchpoint] is not None and len(own) and own["raw"].isna().all():
            others = there[there["indicator"] != "vulnerable"]
            total = need[touchpoint] / 100 * there["weight"].sum()
            left = total - (others["weight"] * others["score"]).sum()
            found[touchpoint] = left / own["weight"].iloc[0]
    return pd.Series(found, dtype="float64")


def test_the_need_does_not_give_the_hidden_share_of_vulnerable_customers_back(
    telecom_audit: jl.Audit,
) -> None:
    """What the attack finds follows from each base and one rate of the whole log alone.

    The rate is what the attacker finds at the first touchpoint; it foretells all the others, so
    none of them says how many customers are flagged there.
    """
    rows = telecom_audit.tables["indicators"].query("indicator == 'vulnerable'")
    of = rows.set_index("touchpoint")["n_customers"]
    vulnerable = JudgeSettings().empathy_need["vulnerable"]
    solved = solved_shares(telecom_audit.document, telecom_audit.tables["indicators"])
    assert len(solved) >= 10

    def score(rate: float, touchpoint: str) -> float:
        share = likely_share(range(10), int(of[touchpoint]), rate)
        return float(value_of(vulnerable, share))

    first = str(solved.index[0])
    rate = brentq(lambda x: score(x, first) - solved[first], 1e-6, 0.5)
    for touchpoint, found in solved.items():
        assert found == pytest.approx(score(rate, str(touchpoint)), abs=0.01), touchpoint


def test_no_touchpoint_tells_a_few_persons_or_a_few_cases(telecom_audit: jl.Audit) -> None:
    """Every share with a value, by a count of its own: none of one to nine, of persons of none."""
    for touchpoint in telecom_audit.document["touchpoints"]:
        seen = touchpoint["measures"]["vulnerable"]
        having = None if seen["value"] is None else round(seen["value"] * seen["n_customers"])
        assert having is None or 10 <= having <= seen["n_customers"] - 10
        for name in ("rework", "drop_off"):
            seen = touchpoint["measures"][name]
            if seen["value"] is not None:
                hits = round(seen["value"] * seen["n_journeys"])
                assert not 0 < hits < 10 and not 0 < seen["n_journeys"] - hits < 10
            elif seen["abstain"] == "privacy" and seen["hi"] is not None:
                assert (seen["lo"] == 0) != (seen["hi"] == 1)


def steps_apart(log_of: Callable[..., EventLog]) -> Journeys:
    """Return 60 customers: all pass A, of whom 40 pass B; three of these pass C too."""
    rows = []
    for customer in range(60):
        path = ["A", *(["B"] if customer < 40 else []), *(["C"] if customer < 3 else [])]
        rows += [(f"c{customer}", hour * HOUR, name) for hour, name in enumerate(path)]
    return jl.rebuild(log_of(*rows), JourneySettings(cut="customer"))


def test_groups_that_differ_by_a_few_customers_are_not_both_shown(
    log_of: Callable[..., EventLog],
) -> None:
    """40 pass B, and 37 pass B but not C: who sees both numbers knows the three that pass C."""
    journeys = steps_apart(log_of)
    with_c, without_c = journeys.passing("B"), journeys.passing("B").not_passing("C")
    assert with_c.remaining.startswith("40 of 60 journeys")
    assert "37" not in without_c.remaining and "fewer than 10 customers" in without_c.remaining
    assert without_c.ledger["journeys"].isna().tolist() == [False, False, True]
    assert with_c.remaining.startswith("40 of 60 journeys")  # what was shown stays shown
    # The other way round, the first one asked for is shown as well.
    journeys = steps_apart(log_of)
    assert journeys.passing("B").not_passing("C").remaining.startswith("37 of 60 journeys")
    assert "40" not in journeys.passing("B").remaining


def test_filters_narrowed_customer_by_customer_show_one_number(
    log_of: Callable[..., EventLog],
) -> None:
    """Nineteen filters, each of which leaves two customers more out: one of five is answered."""
    rows = []
    for customer in range(60):
        path = ["A"] * (1 + min(customer // 2, 20))
        rows += [(f"c{customer}", hour * HOUR, name) for hour, name in enumerate(path)]
    journeys = jl.rebuild(log_of(*rows), JourneySettings(cut="customer"))
    shown = [journeys.with_visits(at_least=n).remaining[:2] for n in range(2, 21)]
    assert [int(size) for size in shown if size.isdigit()] == [50, 40, 30]
