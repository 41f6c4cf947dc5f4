"""No hidden cell of one to nine customers is bounded tighter than 0 to 10 by what is published."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import ibis
import numpy as np
import pandas as pd
import pytest

import journeylib as jl
from journeylib.journeys.graph.ends import journey_ends
from journeylib.journeys.graph.markov_chain import ENDS
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.tables import START
from journeylib.log.eventlog import EventLog
from journeylib.log.suppression import Crossed, suppress_crossed, suppress_parts
from journeylib.measures.measured import without_few
from journeylib.measures.overall.reach import reach
from tests.privacy.attack import COUNTS, Program, hidden, of_ends, of_segments

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


@pytest.mark.parametrize("seed", range(6))
def test_random_small_logs(log_of: Callable[..., EventLog], seed: int) -> None:
    journeys = small_log(log_of, seed)
    found = reach(journeys, "no_column")
    points = journeys.touchpoints
    points = points[points["customers"] >= 10]
    assert_segments_tell_nothing(journeys, points, found.stages, found.segments)
    ends = journey_ends(journeys)
    opened = int(journeys.outline.is_open.sum())
    assert_ends_tell_nothing(journeys, points, ends, opened)


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
    rows = [("vulnerable", 1 / 145, 145), ("vulnerable", 20 / 145, 145)]
    rows += [("vulnerable", 140 / 145, 145), ("vulnerable", 8 / 15, 15), ("rework", 1 / 145, 145)]
    table = pd.DataFrame(rows, columns=["measure", "value", "n_customers"])
    found = without_few(
        table.assign(lo=0.1, hi=0.9, abstain=None), "measure", "value", minimum=10
    ).astype({"value": "float64"})
    assert found["value"].isna().tolist() == [True, False, True, True, False]
    assert found["hi"].fillna(-1).tolist() == [0.07, 0.9, -1, 0.67, 0.9]
    assert found["lo"].round(9).fillna(-1).tolist() == [-1, 0.1, 0.93, -1, 0.1]
    assert found["abstain"].tolist()[0] == "privacy" and not found["abstain"].tolist()[1]


def test_no_table_says_that_one_customer_is_vulnerable(telecom_audit: jl.Audit) -> None:
    for name, column, value in (
        ("estimates", "measure", "value"),
        ("indicators", "indicator", "raw"),
    ):
        table = telecom_audit.tables[name]
        rows = table[(table[column] == "vulnerable") & table[value].notna()]
        having = (rows[value] * rows["n_customers"]).round()
        assert len(rows) and having.between(10, rows["n_customers"] - 10).all()
    for touchpoint in telecom_audit.document["touchpoints"]:
        seen = touchpoint["measures"]["vulnerable"]
        assert seen["value"] is None or round(seen["value"] * seen["n_customers"]) >= 10
