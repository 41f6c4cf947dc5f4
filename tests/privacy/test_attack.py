"""No hidden cell of one to nine customers is bounded tighter than 0 to 10 by what is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ibis
import numpy as np
import pandas as pd
import pytest
from rapidfuzz.distance import Levenshtein
from scipy import stats
from scipy.optimize import brentq

import journeylib as jl
from journeylib.audits.pipeline import read_journeys
from journeylib.core import Resampled
from journeylib.journeys.graph.ends import journey_ends
from journeylib.journeys.graph.simplify import simplify
from journeylib.journeys.graph.transitions import steps_around, variants
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.representatives import timelines
from journeylib.journeys.representatives.timelines import stories
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.counting import Base, largest_of_customers
from journeylib.journeys.walk.tables import START
from journeylib.judge.estimation.design_matrix import sample_of
from journeylib.judge.moments.effect import visit_effect
from journeylib.judge.scorecard.scorecard import score_evidence
from journeylib.judge.scorecard.value_functions import value_of
from journeylib.judge.settings.judge_settings import JudgeSettings
from journeylib.log.eventlog import EventLog
from journeylib.log.suppression import Cells, protect, protect_parts, share_bounds
from journeylib.measures import STATES, bot_sessions
from journeylib.measures.evidence import measure
from journeylib.measures.measured import Measured, with_whole_base
from journeylib.measures.overall.reach import reach
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import Cells as VisitCells
from tests.privacy.attack import (
    COUNTS,
    Program,
    add_stories,
    hidden,
    left_by_ways,
    of_ends,
    of_months,
    of_moves,
    of_parts,
    of_segments,
)

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
    assert program.tight(names) == {}
    return len(names)


def stories_of(journeys: Journeys, ways: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what is published of stories, with the shown variants that are nearest to each."""
    told = [stories(journeys)]
    if journeys.has("segment"):
        told.append(stories(journeys, by_segment=True, most=3))
    rows = []
    for one in told:
        for line in one.timelines:
            own, within = line.story.touchpoints, one.by_segment[line.segment].within
            others = [x.story.touchpoints for x in one.timelines if x.segment == line.segment]
            far = {
                way: [Levenshtein.normalized_distance(way, other) for other in (own, *others)]
                for way in ways["variant"]
            }
            near = [w for w, d in far.items() if w not in others and min(d) == d[0] <= within]
            counts = {"copies": line.story.copies, "journeys": line.journeys}
            names = {"segment": line.segment, "variant": own, "near": near}
            rows.append(counts | names | {"at_least": line.story.at_least})
    return rows


def passing_in_segments(journeys: Journeys) -> dict[tuple[str, str], int]:
    if not journeys.has("segment"):
        return {}
    table = journeys.table.select("journey", "segment")
    came = journeys.steps.select("journey", "touchpoint").distinct().join(table, "journey")
    return came.to_pandas().groupby(["segment", "touchpoint"]).size().to_dict()


def few_by_stories(journeys: Journeys, ways: pd.DataFrame, program: Program) -> list[object]:
    """Add what stories say to a program, and return of what they leave few journeys."""
    passing, shown = passing_in_segments(journeys), stories_of(journeys, ways)
    names = add_stories(program, shown, passing)
    keys = {(row["segment"], row["variant"]) for row in shown}
    with patch.object(timelines, "_with_bounds", lambda _journeys, told, _variants: told):
        told = stories_of(journeys, ways)
    every = variants(journeys, min_customers=1).set_index("variant")["journeys"]
    left: Counter[object] = Counter({("left", *cell): many for cell, many in passing.items()})
    for row in (row for row in told if (row["segment"], row["variant"]) in keys):
        segment, way, copies = row["segment"], row["variant"], row["copies"]
        near = copies if segment else copies + sum(every[other] for other in row["near"])
        left["near", segment, way] = row["journeys"] - near
        if segment:
            left["others", way] += every[way] if ("others", way) not in left else 0
            spots = [("others", way), *(("left", segment, name) for name in dict.fromkeys(way))]
            left.subtract(dict.fromkeys(spots, copies))
    return [name for name in names if 0 < left[name] < 10]


def assert_moves_tell_nothing(
    journeys: Journeys,
    moves: pd.DataFrame,
    *,
    ways: pd.DataFrame | None = None,
    with_stories: bool = False,
) -> tuple[int, int]:
    """Solve transitions, touchpoints and variants together, with stories where asked for.

    Return how many rare transitions were looked at, and of how many totals variants and stories
    leave few journeys. Not looked at: what transitions tell of these by themselves.
    """
    points, every = journeys.touchpoints, len(journeys.outline)
    points = points[points["customers"] >= 10]
    ways = variants(journeys) if ways is None else ways
    known = moves, points, journeys.edges.groupby("source")["events"].sum(), every
    program = of_moves(*known, ways)
    cells = journeys.edges[["source", "target", "customers"]]
    own = {"(start)", "(end)", *points["touchpoint"]}
    cells = cells[cells["source"].isin(own) & cells["target"].isin(own)]
    pairs = zip(cells["source"], cells["target"], strict=True)
    cells = cells.assign(name=[("customers", *pair) for pair in pairs])
    names = list(hidden(program, cells, set()))
    true = variants(journeys, min_customers=1)
    true = true[true["variant"].isin(set(ways["variant"]))]
    left = left_by_ways(journeys.edges, points, true, every)
    few = sorted(spot for spot, many in left.items() if 0 < many < 10)
    few += few_by_stories(journeys, ways, program) if with_stories else []
    found = program.tight([*names, *few])
    untold = ways.assign(journeys=0, customers=0, at_least=True)
    alone = of_moves(*known, untold).tight([spot for spot in found if spot in left])
    by_themselves = {
        spot
        for spot, ends in found.items()
        if spot in left and spot in alone and abs(alone[spot][0] - ends[0]) < 1e-6 and ends[1] >= 10
    }
    assert set(found) == by_themselves, found
    return len(names), len(few)


def test_transitions_of_the_sample(telecom_audit: jl.Audit) -> None:
    moves = telecom_audit.tables["transitions"]
    ways = telecom_audit.tables["variants"]
    journeys = telecom_audit.journeys
    assert assert_moves_tell_nothing(journeys, moves, with_stories=True) == (60, 22)
    told = [" > ".join(way) for way in variants(journeys)["variant"]]
    assert ways["variant"].tolist() == told
    # Of 37 variants of ten customers 34 are shown, 10 of them as a bound.
    assert len(ways) == 34 and ways["at_least"].sum() == 10
    # Of 101 transitions of ten customers 99 are shown, 29 of them as a bound.
    assert len(moves) == 99 and moves["at_least"].sum() == 29
    true = telecom_audit.journeys.edges.set_index(["source", "target"])
    both = moves.merge(true.add_suffix("_true"), on=["source", "target"])
    for count in COUNTS:
        assert (both[count] <= both[f"{count}_true"]).all()
        assert (both[count] == both[f"{count}_true"])[~both["at_least"]].all()
    # The document, the map and the steps around a touchpoint say the same.
    keys = ["source", "target", *COUNTS, "at_least"]
    shown = pd.DataFrame(telecom_audit.document["transitions"])[keys]
    pd.testing.assert_frame_equal(shown, moves[keys], check_dtype=False)
    sizes = moves.set_index(["source", "target"])["events"]
    drawn = simplify(telecom_audit.journeys, 1.0, 1.0).transitions
    drawn = drawn[drawn["target"] != "(elsewhere)"].set_index(["source", "target"])["events"]
    assert drawn.sort_index().equals(sizes.sort_index())
    around = steps_around(telecom_audit.journeys, "Usage check", most=40)
    after = around[(around["side"] == "after") & (around["touchpoint"] != "(other)")]
    assert (
        dict(zip(after["touchpoint"], after["visits"], strict=True))
        == sizes["Usage check"].to_dict()
    )


def test_ends_of_bot_sessions_of_the_sample(telecom_audit: jl.Audit) -> None:
    """The document has the four numbers of all sessions, the table those of each touchpoint."""
    audit = telecom_audit
    sessions = bot_sessions(audit.journeys, audit.config.measures).table
    names = sessions["touchpoint_no"].map(audit.journeys.names)
    cells = sessions.groupby([names, "state"])["customer_no"].nunique()
    whole = sessions.groupby("state")["customer_no"].nunique()
    customers = cells.to_dict() | {("whole", state): n for state, n in whole.items()}
    said = audit.document["handoffs"]
    rows: dict[object, dict[object, int | None]] = {
        "whole": {state: said[state] for state in STATES} | {"total": said["sessions"]}
    }
    least: dict[tuple[str, str], int] = {}
    for row in audit.tables["handoff_touchpoints"].to_dict("records"):
        there = {state: int(row[state]) for state in STATES if not pd.isna(row[state])}
        bounds = row["at_least"].split()
        least |= {(row["touchpoint"], state): there.pop(state) for state in bounds}
        parts = dict.fromkeys(STATES) | there
        rows[row["touchpoint"]] = parts | {"total": int(row["sessions"])}
    known = [name for name in rows if name != "whole"]
    program = of_parts(rows, known)
    for cell, number in least.items():
        assert 10 <= number <= int(((names == cell[0]) & (sessions["state"] == cell[1])).sum())
        program.at_most([], [cell], -number)
    small = [cell for cell, n in customers.items() if n < 10 and cell[0] in rows]
    assert small and all(rows[name][state] is None for name, state in small)
    assert program.tight(small) == {}


def test_row_by_row_transitions_give_rare_ones_away(telecom_audit: jl.Audit) -> None:
    """What was published before: all transitions of ten customers, each as it is."""
    edges = telecom_audit.journeys.edges
    with pytest.raises(AssertionError, match="customers"):
        large = edges[edges["customers"] >= 10].assign(at_least=False)
        assert_moves_tell_nothing(telecom_audit.journeys, large)


def test_segments_of_the_sample(telecom_audit: jl.Audit) -> None:
    tables = telecom_audit.tables
    many = assert_segments_tell_nothing(
        telecom_audit.journeys, tables["touchpoints"], tables["stages"], tables["segments"]
    )
    assert many == 6


def assert_ends_tell_nothing(
    journeys: Journeys,
    points: pd.DataFrame,
    ends: pd.DataFrame,
    open_journeys: int | None,
    over: dict[str, int] | None = None,
) -> int:
    """Solve journey ends with bases, variants and stories of one visit, whole and by segment."""
    many = dict(zip(points["touchpoint"], points["journeys"], strict=True))
    many[START] = len(journeys.outline)
    declared = {"goal": journeys.settings.goals, "bad_end": journeys.settings.bad_ends}
    settled = [*declared["goal"], *declared["bad_end"]]
    reaching = {end: names for end, names in declared.items() if set(names) <= set(many)}
    ways = variants(journeys)
    single = {
        row["variant"][0]: (row["journeys"], row["at_least"])
        for row in ways.to_dict("records")
        if len(row["variant"]) == 1
    }
    told = [*stories(journeys).timelines]
    if journeys.has("segment"):
        told += stories(journeys, by_segment=True, most=3).timelines
    lines = [
        {"touchpoint": one.story.touchpoints[0], "segment": one.segment, "journeys": one.journeys,
         "at_least": one.story.at_least, "ends": one.outcomes.to_dict("records")}
        for one in told
        if len(one.story.touchpoints) == 1 and one.journeys == one.story.copies
    ]  # fmt: skip
    program = of_ends(ends, many, open_journeys, settled, reaching, single, lines, over)
    shown = set(zip(ends["touchpoint"], ends["end"], strict=True))
    cells = true_ends(journeys)
    names = list(hidden(program, cells[cells["touchpoint"].isin(set(many))], shown))
    # Of stories, too.
    table = journeys.table.to_pandas()
    number = {name: str(no) for no, name in journeys.names.items()}
    for line in lines:
        here = table[table["variant"] == number[line["touchpoint"]]]
        here = here if not line["segment"] else here[here["segment"] == line["segment"]]
        people = here.groupby("end_kind")["customer_no"].nunique()
        names += [(line["segment"], line["touchpoint"], end) for end, n in people.items() if n < 10]
    found = program.tight(names)
    assert found == {}, found
    return len(names)


def test_journey_ends_of_the_sample(telecom_audit: jl.Audit) -> None:
    tables, log = telecom_audit.tables, telecom_audit.document["log"]
    ends = tables["ends"]
    over = tables["estimates"].query("measure == 'drop_off'").set_index("touchpoint")["n_journeys"]
    many = assert_ends_tell_nothing(
        telecom_audit.journeys, tables["touchpoints"], ends, log["open_journeys"], over.to_dict()
    )
    assert many == 46
    # Of 56 ends of ten customers 54 are shown, 27 of them as a bound.
    assert len(ends) == 54 and ends["at_least"].sum() == 27
    said = telecom_audit.document["structure"]["ends"]
    assert [one["share"]["value"] for one in said] == pytest.approx(ends["share"].tolist(), 1e-5)
    assert all((one["share"]["lo"] is None) == one["at_least"] for one in said)


def test_no_base_differs_from_its_touchpoint_by_a_few(telecom_audit: jl.Audit) -> None:
    """Else the base of who broke off would tell how many journeys are open."""
    tables = telecom_audit.tables
    whole = tables["touchpoints"].set_index("touchpoint")
    rows = tables["estimates"].query("n_customers > 0")
    for count in COUNTS:
        fewer = whole.loc[rows["touchpoint"], count].to_numpy() - rows[f"n_{count}"]
        assert not fewer.between(1, 9).any(), rows[fewer.between(1, 9)]
    everybody = telecom_audit.document["log"]["customers"]
    for row in telecom_audit.document["presence"]:
        assert not 0 < everybody - row["hazard_ratio"]["n_customers"] < 10


def test_a_share_does_not_tell_the_base_that_is_hidden() -> None:
    """Of 191 journeys 189 are over, 20 of which broke off: 20 of any number from 181 to 191 fit."""
    counts = np.array([189, 150, 189])
    shares = np.array([20 / 189, 20 / 150, 0.0])
    result = Resampled(shares, shares, shares - 0.034, shares + 0.034, shares[None])
    measured = Measured(
        "drop_off", "share", result, counts, counts, counts, (None,) * 3, hits=shares * counts
    )
    whole = Base(*[np.full(3, 191)] * 3)
    found = with_whole_base(measured, whole, 10)
    assert found.n_journeys.tolist() == found.n_customers.tolist() == [191, 150, 191]
    assert found.resampled.value.tolist() == [0.11, 20 / 150, 0]
    assert all(any(round(n / of, 2) == 0.11 for n in range(of)) for of in range(181, 192))
    assert (found.resampled.lo[0], found.resampled.hi[0]) == (0.07, 0.14)
    # Where small cells are permitted all of it is shown.
    assert with_whole_base(measured, whole, 1) is measured


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


def log_of_habits(log_of: Callable[..., EventLog], seed: int) -> Journeys:
    """Return 500 customers who go one of eight ways, a few with a step left out or one more."""
    dice = np.random.default_rng(seed)
    habits = [dice.integers(0, 9, dice.integers(1, 5)).tolist() for _ in range(8)]
    often = dice.dirichlet(np.full(8, 0.7))
    rows = []
    for customer in range(500):
        way = list(habits[dice.choice(8, p=often)])
        if dice.random() < 0.06:
            way.insert(int(dice.integers(len(way) + 1)), int(dice.integers(9)))
        if dice.random() < 0.06 and len(way) > 1:
            way.pop(int(dice.integers(len(way))))
        segment = dice.choice(["a", "b", "c"], p=[0.55, 0.33, 0.12])
        rows += [
            (f"c{customer}", hour * HOUR, f"T{spot}", "Look" if spot % 2 else "Buy", segment)
            for hour, spot in enumerate(way)
        ]
    log = log_of(*rows, columns="customer t_us touchpoint stage segment")
    return jl.rebuild(log, JourneySettings(cut="customer", goals=("T4",), bad_ends=("T5",)))


def near_bases(journeys: Journeys, points: pd.DataFrame) -> dict[str, int]:
    """Return the journeys that are over by touchpoint, as the base of an estimate has them."""
    came = journeys.steps.select("journey", "touchpoint").distinct()
    table = came.join(journeys.table.select("journey", "end_kind"), "journey").to_pandas()
    over = table[table["end_kind"] != "open"].groupby("touchpoint").size()
    many = points.set_index("touchpoint")["journeys"]
    own = over.reindex(many.index).fillna(0).astype(int)
    return own.where(many - own > 10, many).to_dict()


def assert_tables_tell_nothing(journeys: Journeys) -> None:
    """Attack the tables that an audit of these journeys would publish, without the audit."""
    found = reach(journeys, "no_column")
    points = journeys.touchpoints
    points = points[points["customers"] >= 10]
    assert_segments_tell_nothing(journeys, points, found.stages, found.segments)
    ends = journey_ends(journeys)
    opened = int(journeys.outline.is_open.sum())
    told = opened if opened == 0 or opened >= 10 else None  # as the document has it
    assert_ends_tell_nothing(journeys, points, ends, told, near_bases(journeys, points))
    assert_moves_tell_nothing(journeys, journeys.public_edges)


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))]
)
def test_random_small_logs(log_of: Callable[..., EventLog], seed: int) -> None:
    assert_tables_tell_nothing(small_log(log_of, seed))


@pytest.mark.slow
def test_more_random_small_logs(log_of: Callable[..., EventLog]) -> None:
    for seed in range(6, 30):
        assert_tables_tell_nothing(small_log(log_of, seed))


@pytest.mark.slow
def test_the_bank_sample() -> None:
    journeys = read_journeys(BANK)
    assert_tables_tell_nothing(journeys)
    moves = journeys.public_edges
    assert assert_moves_tell_nothing(journeys, moves, with_stories=True) == (32, 23)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 9])
def test_logs_of_few_habits(log_of: Callable[..., EventLog], seed: int) -> None:
    """Of seeds 0 to 49 one fails, 11: a shown variant there passes a touchpoint twice."""
    journeys = log_of_habits(log_of, seed)
    assert_tables_tell_nothing(journeys)
    # Shown as they are, variants tell of few that went otherwise.
    every = variants(journeys, min_customers=1).assign(at_least=False)
    exact = every[every["customers"] >= 10]
    with pytest.raises(AssertionError, match="left"):
        assert_moves_tell_nothing(journeys, journeys.public_edges, ways=exact)


def test_what_variants_leave_is_worked_out_by_hand(log_of: Callable[..., EventLog]) -> None:
    """Of 104 journeys 60 are A, B; 40 are A; 3 are B, A; 1 is C, A: 4 beside the shown ones."""
    ways = [["A", "B"]] * 60 + [["A"]] * 40 + [["B", "A"]] * 3 + [["C", "A"]]
    rows = [
        (f"c{customer}", hour * HOUR, name)
        for customer, way in enumerate(ways)
        for hour, name in enumerate(way)
    ]
    journeys = jl.rebuild(log_of(*rows), JourneySettings(cut="customer"))
    shown = variants(journeys).set_index("variant")
    assert set(shown.index) == {("A", "B"), ("A",)}
    bounds, true = shown[shown["at_least"]], {("A", "B"): 60, ("A",): 40}
    # 104 less what is shown as it is, less the bounds, are at least ten, and may be none.
    assert len(bounds) and 104 - shown["journeys"].sum() >= 10
    assert all(n % 10 == 0 and 0 < true[way] - n < 20 for way, n in bounds["journeys"].items())


def months_tell(
    journeys: Journeys, months: pd.DataFrame | None = None
) -> tuple[int, dict[object, Any]]:
    """Return how many months of few customers are solved for, and which of them are told.

    Without `months`, those of ten customers are looked at as if each were shown.
    """
    points = journeys.touchpoints
    points = points[points["customers"] >= 10]
    came = journeys.steps.select("touchpoint", "journey", "customer_no", "t_us").to_pandas()
    came["month"] = came["t_us"].astype("datetime64[us]").dt.strftime("%Y-%m")
    came = came[came["touchpoint"].isin(points["touchpoint"])]
    cells = came.groupby(["touchpoint", "month"]).agg(
        events=("journey", "size"), journeys=("journey", "nunique"),
        customers=("customer_no", "nunique"),
    )  # fmt: skip
    large = cells[cells["customers"] >= 10].reset_index()
    lived = sorted(set(came["month"]))
    program = of_months(large if months is None else months, points, lived)
    few = [("customers", *cell) for cell in cells.index[cells["customers"] < 10]]
    return len(few), program.tight(few)


@pytest.mark.slow
def test_months_of_both_samples(telecom_audit: jl.Audit) -> None:
    assert months_tell(telecom_audit.journeys, telecom_audit.tables["months"]) == (66, {})
    bank = read_journeys(BANK)
    assert months_tell(bank, reach(bank, "no_column").months) == (29, {})


@pytest.mark.slow
def test_months_of_random_logs(log_of: Callable[..., EventLog]) -> None:
    """Some 420 visits at five touchpoints over four months, of which some are quiet."""
    told = 0
    for seed in range(6):
        dice = np.random.default_rng(seed)
        busy = dice.dirichlet(np.full(4, 0.8), size=5)
        rows = []
        for spot in dice.choice(5, 420, p=[0.35, 0.3, 0.2, 0.1, 0.05]):
            day = 31 * dice.choice(4, p=busy[spot]) + dice.integers(31)
            rows.append((f"c{dice.integers(250)}", int(day) * 24 * HOUR, f"T{spot}"))
        journeys = jl.rebuild(log_of(*rows), JourneySettings(cut="customer"))
        many, found = months_tell(journeys, reach(journeys, "no_column").months)
        assert found == {}, found
        assert many > 0
        told += len(months_tell(journeys)[1])
    # Every month of ten customers as it is would tell of some.
    assert told > 0


ROW, COLUMN = np.indices((8, 4)).reshape(2, -1)
LINE = COLUMN * 2 + ROW % 2


def random_table(seed: int) -> Cells:
    """Return eight rows × four columns in two lines each, the last column never shown."""
    dice = np.random.default_rng(seed)
    customers = dice.poisson(dice.gamma(0.7, 30, size=(8, 4)))
    journeys = customers + dice.poisson(customers / 5)
    cells = np.stack([journeys + dice.poisson(journeys), journeys, customers], axis=-1)
    return Cells(cells.reshape(-1, 3), (ROW, LINE), COLUMN < 3)


def program_of(table: Cells, least: np.ndarray, exact: np.ndarray) -> Program:
    program = Program()
    for count, name in enumerate(COUNTS):
        for total in table.totals:
            for number in np.unique(total):
                parts = np.flatnonzero(total == number)
                whole = table.counts[parts, count].sum()
                program.sums_to([(name, int(cell)) for cell in parts], whole)
        for cell in range(len(exact)):
            if exact[cell]:
                program.sums_to([(name, cell)], table.counts[cell, count])
            else:
                program.at_most([], [(name, cell)], -least[cell, count])
    for more, fewer in pairwise(COUNTS):
        for cell in range(len(exact)):
            program.at_most([(fewer, cell)], [(more, cell)], 0)
    return program


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [False, True])
def test_random_tables_where_all_three_counts_add_up(bounds: bool) -> None:
    attacked, left = 0, 0
    for seed in range(30):
        table = random_table(seed)
        shown = protect(table, 10, bounds=bounds)
        customers = table.counts[:, 2]
        assert not shown.exact[customers < 10].any() and not shown.exact[COLUMN == 3].any()
        assert (shown.least <= table.counts).all()
        assert not ((shown.least[:, 2] > 0) & (shown.least[:, 2] < 10)).any()
        small = (COLUMN < 3) & (customers > 0) & (customers < 10)
        for total in table.totals:  # one that is small itself tells of all its cells
            small &= np.bincount(total, customers)[total] >= 10
        names = [("customers", int(cell)) for cell in np.flatnonzero(small)]
        assert program_of(table, shown.least, shown.exact).tight(names) == {}, seed
        attacked += len(names)
        left += (shown.least[:, 2] > 0).sum()
    assert attacked > 100
    # Bounds keep nearly all that is large enough; to hide costs two fifths of it.
    large = sum((random_table(s).counts[COLUMN < 3, 2] >= 10).sum() for s in range(30))
    assert left / large > (0.95 if bounds else 0.58)


@pytest.mark.parametrize("bounds", [False, True])
def test_where_programs_would_take_too_long_no_total_alone_tells(
    bounds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journeylib.log.suppression.MOST_PAIRS", -1)
    attacked = 0
    for seed in range(8):
        for total in (ROW, LINE):
            table = Cells(random_table(seed).counts, (total,))
            shown = protect(table, 10, bounds=bounds)
            customers = table.counts[:, 2]
            assert not shown.exact[(customers > 0) & (customers < 10)].any()
            assert (shown.least <= table.counts).all()
            small = (customers > 0) & (customers < 10)
            small &= np.bincount(total, customers)[total] >= 10
            names = [("customers", int(cell)) for cell in np.flatnonzero(small)]
            assert program_of(table, shown.least, shown.exact).tight(names) == {}, seed
            attacked += len(names)
    assert attacked > 50


def test_hiding_small_cells_alone_gives_them_away() -> None:
    """The attack finds what it is after: without further cells most are known exactly."""
    table = random_table(0)
    customers = table.counts[:, 2]
    exact = (COLUMN < 3) & (customers >= 10)
    small = np.flatnonzero((COLUMN < 3) & (customers > 0) & (customers < 10))
    names = [("customers", int(cell)) for cell in small]
    least = np.where(exact[:, None], table.counts, 0)
    found = program_of(table, least, exact).tight(names)
    assert len(found) > len(names) / 2
    assert any(most - least < 1e-6 for least, most in found.values())


def test_what_protects_a_cell_is_worked_out_by_hand() -> None:
    """Of 411 journeys 388, 22 and 1: whoever sees 388 and 22 knows the one."""
    table = Cells(np.array([[388, 380], [22, 22], [1, 1]]), (np.zeros(3, np.int64),))
    # Hidden, the smaller one costs less: 1 is anything from 0 to 23.
    assert protect(table, 10).exact.tolist() == [True, False, False]
    # As a bound, the larger one does: at least 370 and 22 leave 0 to 19.
    shown = protect(table, 10, bounds=True)
    assert shown.exact.tolist() == [False, True, False]
    assert shown.least[:, 0].tolist() == [370, 22, 0]
    assert shown.at_least.tolist() == [True, False, False]
    # Nothing is small, or nothing is shown: nothing is to do.
    assert protect(Cells(table.counts[:2], (np.zeros(2, np.int64),)), 10).exact.all()
    few = Cells(np.array([[4, 4], [1, 1]]), (np.zeros(2, np.int64),))
    assert not protect(few, 10).exact.any()


@pytest.mark.parametrize("zeros_shown", [False, True])
def test_one_total_is_protected_as_the_programs_protect_it(zeros_shown: bool) -> None:
    """A limit that limits nothing has the programs solved, whatever one total says by itself."""
    dice = np.random.default_rng(3)
    changed = 0
    for _case in range(40):
        customers = dice.choice([0, 1, 4, 6, 9, 12, 25, 80], size=5)
        counts = np.stack([customers + dice.poisson(customers / 3), customers], axis=-1)
        named = dice.random(5) < 0.8
        cells = Cells(counts, (np.zeros(5, np.int64),), named, zeros_shown=zeros_shown)
        solved = replace(cells, most=np.full_like(counts, counts.sum()))
        shown = protect(cells, 10).exact
        assert shown.tolist() == protect(solved, 10).exact.tolist()
        changed += int(((customers >= 10) & cells.named & ~shown).sum())
    assert changed > 5


def test_empty_cells_that_are_shown_protect_nobody() -> None:
    counts = np.array([[388, 380], [22, 22], [1, 1], [0, 0]])
    shown = protect(Cells(counts, (np.zeros(4, np.int64),), zeros_shown=True), 10)
    assert shown.exact.tolist() == [True, False, False, True]
    # Where nobody can tell an empty cell from a hidden one, nine may stand in either of two.
    counts = np.array([[30, 30], [9, 9], [0, 0]])
    shown = protect(Cells(counts, (np.zeros(3, np.int64),)), 10)
    assert shown.exact.tolist() == [False, False, False]


@pytest.mark.slow
def test_parts_of_random_totals() -> None:
    dice = np.random.default_rng(1)
    people = dice.poisson(dice.gamma(0.5, 40, size=(80, 4)))
    cases = people + dice.poisson(people / 4)
    shown = protect_parts(people, cases, 10)
    assert not shown[people < 10].any()
    left, total = np.where(shown, 0, cases).sum(axis=1), cases.sum(axis=1)
    assert ((left == total) | (left == 0) | (left >= 10)).all()
    # The order of the totals decides nothing.
    assert (protect_parts(people[::-1], cases[::-1], 10)[::-1] == shown).all()


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


def test_a_sum_that_one_customer_makes_is_not_shown(log_of: Callable[..., EventLog]) -> None:
    """At A one of 31 customers makes 31 of 61 visits, at B 30 of 60: more than half, and half.

    At C everybody calls once; one call lasts 31 of 61 minutes.
    """
    rows = []
    for customer in range(31):
        visits = [("A", 31 if not customer else 1), ("B", 30 if not customer else 1), ("C", 1)]
        for day, (name, many) in enumerate(visits):
            for number in range(many):
                start = (24 * day + number / 4) * HOUR
                minutes = 31 if name == "C" and not customer else 1
                end = start + minutes * HOUR // 60
                actor = "human" if name == "C" else "customer"
                rows.append((f"c{customer}", int(start), int(end), name, actor))
    rows += [("c1", 24 * 15 * HOUR, 24 * 15 * HOUR, "D", "customer")]  # two whole weeks
    log = log_of(*rows, columns="customer t_us end_us touchpoint actor")
    found = measure(jl.rebuild(log, JourneySettings(cut="customer")), MeasureSettings())
    shown = found.estimates.set_index(["touchpoint", "measure"])
    assert shown.loc[("A", "volume"), "abstain"] == "dominance"
    assert pd.isna(shown.loc[("A", "volume"), "value"])
    assert shown.loc[("B", "volume"), "value"] == 30  # 60 visits in two weeks
    assert shown.loc[("C", "load"), "abstain"] == "dominance"
    assert shown.loc[("C", "volume"), "value"] == 15.5


def test_dominance_agrees_with_sums_by_hand() -> None:
    dice = np.random.default_rng(3)
    cell, customer, amount = (dice.integers(0, most, 400) for most in (30, 6, 9))
    frame = pd.DataFrame({"cell": cell, "customer": np.sort(customer), "amount": amount})
    own = frame.groupby(["cell", "customer"])["amount"].sum().groupby("cell")
    sums = np.tile(np.bincount(cell, amount, 31).astype(np.int64), (1, 1))
    most = largest_of_customers(cell, np.sort(customer), amount, 31)
    assert most.tolist() == own.max().reindex(range(31), fill_value=0).tolist()
    expected = (2 * own.max() > own.sum()).reindex(range(31), fill_value=False)
    found = VisitCells({"starts": sums}, {"starts": most}).one_customer("starts")
    assert found.tolist() == expected.tolist() and 0 < found.sum() < 30


def test_who_left_is_not_told_by_a_plain_difference(log_of: Callable[..., EventLog]) -> None:
    """Seven of 200 left after a good visit: the effect is estimated, their share is not shown."""
    dice = np.random.default_rng(0)
    good, age = np.arange(400) % 2 == 0, dice.normal(size=400)
    for many, shown in ((7, False), (10, True)):
        left = np.zeros(400)
        left[np.flatnonzero(good)[:many]] = 1
        left[np.flatnonzero(~good)[:60]] = 1
        sample = sample_of(left, good, pd.DataFrame({"age": age}), np.arange(400))
        effect = visit_effect(sample)
        assert effect.effect.value is not None
        assert (effect.naive.value is not None) is shown
        assert effect.naive.abstain == (None if shown else "privacy")
