"""Documents of consecutive days, subtracted: no difference is that of one to nine customers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

import journeylib as jl
from journeylib.audits.changes.changes import _closed_end
from journeylib.audits.changes.kept_parts import kept_judgement_parts, kept_part
from journeylib.audits.changes.small_changes import (
    Before,
    _totals,
    closed_log,
    kept_evidence,
    kept_reach,
    kept_rows,
    kept_structure,
    run_before,
)
from journeylib.audits.changes.small_changes_in_parts import (
    _waterfall,
    kept_handoffs,
    kept_plan,
    kept_stories,
)
from journeylib.audits.document.document_schema import document_schema
from journeylib.audits.history import Entry, History
from journeylib.audits.result import build
from journeylib.audits.result.ledger import Ledger
from journeylib.cli.main import main
from journeylib.core import Estimate, use_language
from journeylib.journeys import journey_structure, planned_vs_actual, stories
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.judge import Judgement, PeakEnd
from journeylib.log.eventlog import EventLog
from journeylib.measures import MeasureSettings, measure, reach
from tests.audits.conftest import small_rows, write_small

HOUR = 3_600_000_000
DAY = 24 * HOUR
COLUMNS = "customer t_us touchpoint stage segment actor"
COUNTS = ("events", "journeys", "customers", "n_events", "n_journeys", "n_customers")
STATES = ("ended_with_bot", "handed_over", "abandoned", "open")
COUNTED = (*COUNTS, "sessions", *STATES, "open_journeys", "requests", "copies")
KEYS = {
    "touchpoints": ["touchpoint"],
    "transitions": ["source", "target"],
    "variants": ["variant"],
    "estimates": ["touchpoint", "measure"],
    "ends": ["touchpoint", "end"],
    "chain": ["touchpoint", "measure"],
    "stages": ["segment", "stage"],
    "segments": ["segment", "touchpoint"],
    "months": ["month", "touchpoint"],
    "handoff_touchpoints": ["touchpoint"],
    "containment_curve": ["days"],
    "flow": ["measure"],
    "log": ["whole"],
    "bots": ["whole"],
    "bot_shares": ["measure"],
    "waterfall": ["step"],
    "actor_changes": ["source", "target"],
    "told": ["segment", "touchpoints"],
    "told_ends": ["segment", "touchpoints", "end"],
    "plan": ["whole"],
    "plan_shares": ["measure"],
    "steps": ["touchpoint", "kind", "place"],
    "insertions": ["after", "touchpoint", "kind"],
    "outcomes": ["conforming", "end"],
}
SHARES = {
    "value": ("n_journeys", "n_customers"),
    "goal": ("journeys",),
    "verified": ("sessions",),
}
FILES = list(KEYS)[: list(KEYS).index("flow")]
PLAN = ["T0", "T1?", "T2", "T4"]
LogOf = Callable[..., EventLog]


def days_of_visits(seed: int, customers: int, days: int) -> list[tuple[Any, ...]]:
    """Return a growing log: few customers come on each day, most to the same touchpoints."""
    dice, rows = np.random.default_rng(seed), []
    for customer in range(customers):
        day = int(dice.integers(0, days)) if customer > customers // 2 else 0
        segment = str(dice.choice(["a", "b", "c"], p=[0.5, 0.38, 0.12]))
        for visit in range(int(dice.integers(1, 4))):
            spot = int(dice.choice(5, p=[0.35, 0.25, 0.2, 0.12, 0.08]))
            at = day * DAY + visit * HOUR
            actor = ("bot", "human", "customer")[spot % 3]
            stage = "Look" if spot % 2 else "Buy"
            rows.append((f"c{customer}", at, f"T{spot}", stage, segment, actor))
    return rows


def published(journeys: jl.Journeys, folder: Path, last: Entry | None) -> Entry:
    """Publish what an audit of these journeys would, without the audit."""
    before = run_before(journeys, last, {})
    measured = measure(journeys, MeasureSettings(min_starts=1, min_base_customers=1))
    evidence, before = kept_evidence(measured, journeys, before)
    found = kept_reach(reach(journeys, "no_column"), before)
    structure = kept_structure(journey_structure(journeys), before)
    assert structure is not None
    evidence = replace(evidence, handoffs=kept_handoffs(evidence.handoffs, before))
    minimum = journeys.settings.min_customers
    assessment: Any = SimpleNamespace(
        evidence=evidence,
        judgement=SimpleNamespace(handoff_items=()),
        config=SimpleNamespace(journeys=SimpleNamespace(min_customers=minimum)),
        stories=kept_stories(stories(journeys), before),
        stories_by_segment=kept_stories(stories(journeys, by_segment=True, most=3), before),
    )
    plan = kept_plan(planned_vs_actual(journeys, PLAN), before)
    assert plan is not None
    parts = {
        "handoffs": build._handoffs(assessment),
        "stories": build._stories(assessment),
        "plan": build._plan(plan),
    }
    schema = document_schema()["properties"]
    tables = {
        "touchpoints": evidence.touchpoints,
        "transitions": evidence.transitions,
        "variants": evidence.variants.assign(
            variant=[" > ".join(names) for names in evidence.variants["variant"]]
        ),
        "estimates": evidence.estimates,
        "experience": evidence.experience,
        "ends": structure.ends,
        "chain": structure.chain.table,
        "stages": found.stages,
        "segments": found.segments,
        "months": found.months,
        "handoff_touchpoints": evidence.handoffs.by_touchpoint,
        "containment_curve": evidence.handoffs.curve,
    }
    (folder / "tables").mkdir(parents=True)
    for name, table in tables.items():
        table.to_parquet(folder / "tables" / f"{name}.parquet", index=False)
    # Draws stand beside the estimates that they are of.
    assert {draws.shape[1] for draws in evidence.draws.values()} == {len(evidence.touchpoints)}
    assert journeys.last_us is not None
    day = (dt.date(1970, 1, 1) + dt.timedelta(microseconds=journeys.last_us)).isoformat()
    log = {name: evidence.totals[name] for name in ("events", "journeys", "customers")}
    log |= {f"{name}_journeys": evidence.totals[name] for name in ("open", "cut_off")}
    log["suppressed_cells"] = evidence.totals["suppressed"]
    document = {
        "audit": {"period": ["1970-01-01", day]},
        "log": log,
        "flow": {name: one.to_dict() for name, one in evidence.flow.items()},
        "comparison": {"definitions": {}},
        **{name: Ledger(minimum).part(schema[name], part) for name, part in parts.items()},
    }
    return Entry(folder.name, dt.date.fromisoformat(day), "", folder, document, "")


def tables_of(entry: Entry) -> Mapping[str, pd.DataFrame]:
    document = entry.document
    bots, plan, told = (document[name] for name in ("handoffs", "plan", "stories"))
    found: dict[str, Any] = {name: entry.table(name) for name in FILES}
    shares = {
        "flow": document["flow"],
        "bot_shares": {"raw": bots["contained_raw"], "verified": bots["contained_verified"]}
        | bots["further"],
        "plan_shares": {name: plan[name] for name in ("conforming", "fitness")},
    }
    found |= {
        name: [{"measure": measure, **one} for measure, one in some.items()]
        for name, some in shares.items()
    }
    found |= {
        "log": [document["log"] | {"whole": ""}],
        "bots": [{name: bots[name] for name in ("sessions", *STATES, "requests")} | {"whole": ""}],
        "plan": [{n: plan[n] for n in ("journeys", "customers", "open_journeys")} | {"whole": ""}],
        "waterfall": bots["waterfall"],
        "actor_changes": bots["actor_changes"],
        "told": [],
        "told_ends": [],
        **{name: plan[name] for name in ("steps", "insertions", "outcomes")},
    }
    for group in ({"segment": "", **told}, *told["segments"]):
        for story in group["stories"]:
            name = {"segment": group["segment"], "touchpoints": " > ".join(story["touchpoints"])}
            counts = {n: story[n] for n in ("journeys", "copies", "customers", "share")}
            found["told"].append(name | counts)
            found["told_ends"] += [name | end for end in story["ends"]]
    return {
        name: pd.DataFrame(rows, columns=None if rows is not None and len(rows) else KEYS[name])
        for name, rows in found.items()
    }


def subtracted(first: Entry, second: Entry) -> tuple[dict[str, int], set[str]]:
    """Subtract two documents; return how many cells of each table changed, and which tables tell.

    A table tells where a count, or the cases of a share, differ by one to nine.
    """
    changed, tell = {}, set()
    earlier, later = tables_of(first), tables_of(second)
    for name, key in KEYS.items():
        old, new = earlier[name].set_index(key), later[name].set_index(key)
        both = new.index.intersection(old.index)
        old, new = old.loc[both], new.loc[both, old.columns]
        moves = ~(new.eq(old) | (new.isna() & old.isna())).all(axis=1)
        changed[name] = int(moves.sum())
        counts = [
            tuple(table[count].astype("Float64") for table in (old, new))
            for count in COUNTED
            if count in new
        ]
        for share, bases in SHARES.items():
            if share not in new or (share == "value" and "unit" not in new):
                continue
            rows = moves & (new["unit"].eq("share") if share == "value" else True)
            for base in (base for base in bases if base in new):
                pairs = [(t[share].astype(float) * t[base], t[base]) for t in (old, new)]
                counts.append(tuple(hits[rows] for hits, _ in pairs))
                counts.append(tuple((of - hits)[rows] for hits, of in pairs))
        for before, after in counts:
            by = (after - before).astype("Float64").abs().round().dropna()
            if by.between(1, 9).any():
                tell.add(name)
    return changed, tell


@pytest.mark.slow
def test_day_after_day(log_of: LogOf, tmp_path: Path) -> None:
    """A log of 400 customers grows for five days: some cells change, and none by a few."""
    rows = days_of_visits(1, 400, 5)
    settings = JourneySettings(cut="customer", goals=("T4",))
    entries: list[Entry] = []
    for day in range(5):
        journeys = jl.rebuild(
            log_of(*(row for row in rows if row[1] < (day + 1) * DAY), columns=COLUMNS), settings
        )
        last = entries[-1] if entries else None
        entries.append(published(journeys, tmp_path / f"day-{day}", last))
    differences = [subtracted(*pair) for pair in pairwise(entries)]
    assert [tell for _, tell in differences] == [set()] * 4
    changed = pd.DataFrame([changed for changed, _ in differences]).sum()
    assert changed.sum() > 20
    # What is kept is no standstill: most kinds of cells change where many customers came.
    assert (changed > 0).sum() > 15, changed
    # The attack finds what it is after where nothing is kept.
    alone = published(journeys, tmp_path / "alone", None)
    _, tell = subtracted(entries[-2], alone)
    parts = {"touchpoints", "estimates", "ends", "segments", "handoff_touchpoints"}
    assert tell >= parts | {"actor_changes", "told", "steps", "insertions"}, tell


def assert_same(first: Entry, second: Entry) -> None:
    later = tables_of(second)
    for name, table in tables_of(first).items():
        pd.testing.assert_frame_equal(table, later[name])


def assert_nothing_is_told_of(customers: range, log_of: LogOf, folder: Path) -> None:
    """Leave one customer of 200 out after another: the audit after that of all is the same."""
    rows = days_of_visits(2, 200, 3)
    settings = JourneySettings(cut="customer", goals=("T4",))
    first = published(jl.rebuild(log_of(*rows, columns=COLUMNS), settings), folder / "all", None)
    for customer in customers:
        others = [row for row in rows if row[0] != f"c{customer}"]
        assert len(others) < len(rows)
        journeys = jl.rebuild(log_of(*others, columns=COLUMNS), settings)
        assert_same(first, published(journeys, folder / f"without-{customer}", first))


@pytest.mark.slow
def test_a_log_without_one_customer_tells_nothing_of_that_customer(
    log_of: LogOf, tmp_path: Path
) -> None:
    assert_nothing_is_told_of(range(0, 200, 40), log_of, tmp_path)


def entry_of(tables: Mapping[str, pd.DataFrame], folder: Path) -> Entry:
    (folder / "tables").mkdir(parents=True)
    for name, table in tables.items():
        table.to_parquet(folder / "tables" / f"{name}.parquet", index=False)
    return Entry("last", dt.date(2026, 1, 1), "", folder, {}, "")


def counts_of(rows: list[tuple[Any, ...]], key: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[*key, "events", "journeys", "customers"])


def kept(old: pd.DataFrame, new: pd.DataFrame, folder: Path, **how: Any) -> list[tuple[Any, ...]]:
    key = [name for name in new if name not in COUNTS]
    came = how.pop("came", {})
    before = Before(entry_of({"cells": old}, folder), 10, came, few=False)
    return list(kept_rows(new, "cells", key, before, **how).itertuples(index=False, name=None))


def test_a_cell_changes_by_ten_customers_or_keeps_its_number(tmp_path: Path) -> None:
    old = counts_of([("A", 100, 80, 60), ("B", 50, 40, 30), ("C", 50, 40, 30)], ["source"])
    new = counts_of([("A", 130, 95, 70), ("B", 51, 41, 31), ("D", 30, 20, 15)], ["source"])
    # A has ten more, B one more, C is hidden now, and D was hidden before.
    assert kept(old, new, tmp_path / "1") == [
        ("A", 130, 95, 70), ("B", 50, 40, 30), ("D", 30, 20, 15)]  # fmt: skip
    # Of 18 customers of C nine may have left; who knows that 16 are there still, sees two leave.
    few = counts_of([("A", 100, 80, 60), ("C", 18, 18, 18)], ["source"])
    one = counts_of([("A", 100, 80, 60)], ["source"])
    assert ("C", 18, 18, 18) in kept(few, one, tmp_path / "2")
    left = counts_of([("A", 100, 80, 60), ("C", 8, 8, 8)], ["source"])
    assert ("C", 18, 18, 18) not in kept(few, one, tmp_path / "3", whole=left)
    left = counts_of([("A", 100, 80, 60), ("C", 9, 9, 9)], ["source"])
    assert ("C", 18, 18, 18) in kept(few, one, tmp_path / "4", whole=left)


def test_a_number_that_the_run_before_hid_is_hidden_again(tmp_path: Path) -> None:
    """The ledger leaves out how many of a transition's moves are tied where they are a few."""
    ledger = Ledger(10)
    names = ["source", "target", *COUNTS[:3], "median_seconds", "tied", "at_least"]
    rows = [("A", "B", 100, 80, 60, 5.0, 3, False), ("B", "C", 100, 80, 60, 5.0, 30, False)]
    now = pd.DataFrame(rows, columns=names)
    old = ledger.table("transitions", now)
    assert old["tied"].isna().tolist() == [True, False]
    before = Before(entry_of({"transitions": old}, tmp_path), 10, {}, few=True)
    again = kept_rows(now.assign(tied=[4, 30]), "transitions", ["source", "target"], before)
    assert again.dtypes.equals(now.dtypes)
    pd.testing.assert_frame_equal(ledger.table("transitions", again), old)


def test_customers_who_come_back_change_a_cell_as_new_ones_do(tmp_path: Path) -> None:
    old = counts_of([("A", 100, 80, 60), ("B", 100, 80, 60)], ["touchpoint"])
    new = counts_of([("A", 130, 95, 60), ("B", 130, 95, 60)], ["touchpoint"])
    # Twelve came to A since; the thirty events at B may be those of nine.
    assert kept(old, new, tmp_path, came={"A": 12, "B": 9}) == [
        ("A", 130, 95, 60), ("B", 100, 80, 60)]  # fmt: skip


def test_a_total_does_not_give_a_kept_cell_away(tmp_path: Path) -> None:
    """One more customer came to B: with A as new, the total less A would tell it."""
    old = counts_of([("A", 100, 80, 60), ("B", 50, 40, 30), ("C", 90, 70, 50)], ["touchpoint"])
    new = counts_of([("A", 130, 95, 75), ("B", 51, 41, 31), ("C", 111, 82, 62)], ["touchpoint"])
    assert kept(old, new, tmp_path, lines=[""]) == [
        ("A", 130, 95, 75), ("B", 50, 40, 30), ("C", 90, 70, 50)]  # fmt: skip


def last_run(folder: Path, document: Mapping[str, Any], as_of: dt.date) -> Entry:
    return Entry("last", as_of, "", folder, document, "")


@pytest.mark.parametrize(("came", "ends"), [(9, True), (10, False), (0, False)])
def test_the_log_ends_with_the_last_run_until_ten_customers_came(
    log_of: LogOf, tmp_path: Path, came: int, ends: bool
) -> None:
    first = [(f"c{k}", 0, "Chat") for k in range(20)]
    # They come on three days, and to what the run before had seen already.
    later = [(f"c{k}", (1 + k % 3) * DAY, "Chat") for k in range(came)]
    period = {"audit": {"period": ["1970-01-01", "1970-01-01"]}}
    last = last_run(tmp_path, period, dt.date(1970, 1, 1))
    cut, day = closed_log(log_of(*first, *later), last, 10)
    assert day == (dt.date(1970, 1, 1) if ends else None)
    assert cut.events.count().execute() == len(first) + (0 if ends else came)


def test_outcomes_end_with_the_log(log_of: LogOf, tmp_path: Path) -> None:
    outcomes = ibis.memtable(
        pd.DataFrame(
            {"customer": list("abc"), "t_us": [HOUR, 2 * DAY, None], "asked_us": [0, HOUR, 2 * DAY]}
        ).astype({"t_us": "Int64"})
    )
    log = replace(log_of(("a", 0, "Chat"), ("b", 2 * DAY, "Chat")), outcomes=outcomes)
    period = {"audit": {"period": ["1970-01-01", "1970-01-01"]}}
    cut, _ = closed_log(log, last_run(tmp_path, period, dt.date(1970, 1, 1)), 10)
    assert cut.outcomes is not None
    assert cut.outcomes.customer.execute().tolist() == ["a"]


@pytest.mark.parametrize(
    ("as_of", "ends"),
    [("2026-03-08", "2026-03-08"), ("2026-03-09", "2026-03-08"), ("2026-03-14", "2026-03-08"),
     ("2026-03-15", "2026-03-15"), ("2026-03-23", "2026-03-22"), ("2026-03-07", "2026-03-01")],
)  # fmt: skip
def test_periods_are_compared_once_they_are_over(tmp_path: Path, as_of: str, ends: str) -> None:
    """The run before compared the week to 7 March; the next week ends on 14 March."""
    compared = {"comparison": {"period": ["2026-03-01", "2026-03-07"]}}
    last = last_run(tmp_path, compared, dt.date(2026, 3, 8))
    day = dt.date.fromisoformat(as_of)
    assert _closed_end(day, last, 7).isoformat() == ends
    # Periods of another length, and a first run, begin anew.
    assert _closed_end(day, last, 14) == _closed_end(day, None, 7) == day


def test_a_month_stays_until_ten_customers_changed_it(tmp_path: Path) -> None:
    key = ["month", "touchpoint"]
    old = counts_of([("2026-01", "A", 50, 40, 30), ("2026-02", "A", 50, 40, 30)], key)
    new = counts_of([("2026-01", "A", 51, 41, 31), ("2026-02", "A", 80, 70, 60),
                     ("2026-03", "A", 30, 30, 30)], key)  # fmt: skip
    # February is shown no more either: less the total, it would tell that of January.
    assert kept(old, new, tmp_path, lines=["touchpoint"]) == [
        ("2026-01", "A", 50, 40, 30), ("2026-02", "A", 50, 40, 30), ("2026-03", "A", 30, 30, 30),
    ]  # fmt: skip


def test_a_survey_and_a_moment_stay_until_ten_customers_changed_them(tmp_path: Path) -> None:
    """Nine more answer, and their mean moves: who subtracts would see what the nine say."""

    def judged(answered: int, mean: float, compared: int) -> Any:
        estimate = Estimate(mean, "points", n_customers=answered)
        survey = {"kind": "csat", "asked": 100 + answered, "answered": answered, "mean": estimate}
        effect = Estimate(mean / 10, "share", n_customers=compared, n_journeys=compared)
        reasons = (f"{compared} compared",)
        moment = {"touchpoint": "A", "outcome": "churn", "effect": effect, "reasons": reasons}
        followed = {"touchpoint": "A", "outcome": "churn", "ratio": effect, "landmark": estimate}
        rows = {"moments": moment, "surveys": survey, "presence": followed}
        nothing = pd.DataFrame()
        return Judgement(
            nothing, nothing, {}, **{n: pd.DataFrame([row]) for n, row in rows.items()}
        )

    first = judged(50, 6.0, 80)
    part = {"mean": first.surveys["mean"][0].to_dict()}
    survey = {"kind": "csat", "asked": 150, "answered": 50, **part}
    moment = {"touchpoint": "A", "outcome": "churn", "reasons": ["80 compared"],
              "effect": first.moments["effect"][0].to_dict()}  # fmt: skip
    named = {"ratio": "hazard_ratio", "landmark": "landmark"}
    visit = {"touchpoint": "A", "outcome": "churn"} | {
        key: first.presence[name][0].to_dict() for name, key in named.items()
    }
    document = {"moments_of_truth": [moment], "surveys": [survey], "presence": [visit]}
    document |= {"tipping_points": [], "queue_time": None, "queue_reason": "", "disclosure": None}
    document |= {"findings": [], "paradoxes": []}
    last = last_run(tmp_path, document, dt.date(2026, 1, 1))
    before = Before(last, 10, {"A": 9}, few=False)
    stays = kept_judgement_parts(judged(59, 5.5, 89), before)
    for name in ("surveys", "moments", "presence"):
        pd.testing.assert_frame_equal(getattr(stays, name), getattr(first, name))
    moves = kept_judgement_parts(judged(60, 5.5, 90), before)
    assert (moves.surveys["answered"][0], moves.surveys["mean"][0].value) == (60, 5.5)
    assert moves.moments["effect"][0].n_customers == 90
    assert moves.presence["landmark"][0].n_customers == 60


@pytest.mark.parametrize(
    ("open_before", "few", "shown"),
    [(None, True, None), (None, False, None), (12, True, 12), (12, False, 12), (40, False, 18)],
)
def test_a_total_that_was_hidden_is_hidden_again_until_ten_changed_it(
    tmp_path: Path, open_before: int | None, few: bool, shown: int | None
) -> None:
    log = {"events": 100, "journeys": 80, "customers": 60, "suppressed_cells": 3,
           "open_journeys": open_before, "cut_off_journeys": 0}  # fmt: skip
    before = Before(last_run(tmp_path, {"log": log}, dt.date(2026, 1, 1)), 10, {"": 30}, few=few)
    now = {
        "events": 200,
        "journeys": 160,
        "customers": 120,
        "open": 18,
        "cut_off": 0,
        "suppressed": 9,
    }
    totals = _totals(now, before)
    assert (totals["open"] if totals["open"] >= 10 else None) == shown
    assert totals["suppressed"] == (3 if few else 9)


@pytest.mark.parametrize(
    ("customers", "stays"), [(100, False), (101, True), (109, True), (110, False), (91, True)]
)
def test_any_part_stays_where_one_of_its_counts_differs_by_few(
    tmp_path: Path, customers: int, stays: bool
) -> None:
    before = Before(last_run(tmp_path, {}, dt.date(2026, 1, 1)), 10, {"": 30}, few=False)
    fit = {"end": Estimate(0.4, "SD per SD", n_customers=customers)}
    part = PeakEnd(fit, 0.2, 0.3, 0.4, Estimate(0.1, "share", n_customers=500))
    old = {"weights": {"end": Estimate(0.5, "SD per SD", n_customers=100).to_dict()},
           "r_mean": None, "r_end": 0.1, "r_fitted": 0.1,
           "gain": Estimate(0.1, "share", n_customers=500).to_dict()}  # fmt: skip
    result = kept_part(part, old, before)
    assert result.weights["end"].value == (0.5 if stays else 0.4)
    assert (result.r_end, np.isnan(result.r_mean)) == ((0.1, True) if stays else (0.3, False))
    # Where few changed the log, all stays whatever it counts.
    assert kept_part(part, old, replace(before, few=True)).r_end == 0.1


def test_rows_of_a_part_stay_one_by_one(tmp_path: Path) -> None:
    """A hid a count, B differs by three, C by thirty; D is new, and E is gone."""
    before = Before(last_run(tmp_path, {}, dt.date(2026, 1, 1)), 10, {"": 30}, few=False)
    names = ("check", "role", "rows", "text")

    def checks(*rows: tuple[Any, ...]) -> list[dict[str, Any]]:
        return [dict(zip(names, row, strict=True)) for row in rows]

    old = checks(
        ("A", "", None, "few"), ("B", "", 50, "50"), ("C", "", 50, "50"), ("E", "", 9, "9")
    )
    new = checks(("A", "", 12, "12"), ("B", "", 53, "53"), ("C", "", 80, "80"), ("D", "", 40, "40"))
    now = pd.DataFrame(new)
    result = kept_part(now, old, before, ("check", "role"))
    assert result["rows"].tolist()[1:] == [50, 80, 40] and pd.isna(result["rows"][0])
    assert result["text"].tolist() == ["few", "50", "80", "40"]
    result = kept_part(now, old, replace(before, few=True), ("check", "role"))
    assert result["check"].tolist() == ["A", "B", "C", "E"]
    assert result["rows"].isna().tolist() == [True, False, False, False]


def test_a_row_is_known_again_by_several_moves_and_by_a_name_that_is_missing(
    tmp_path: Path,
) -> None:
    """The document holds moves in order of their names, rounded, and None for no number."""
    before = Before(last_run(tmp_path, {}, dt.date(2026, 1, 1)), 10, {"": 30}, few=False)
    now = {"moves": {"Call": 1 / 3, "Bill": 0.4}, "staff": np.nan, "contacts": 53}
    old = {"moves": {"Bill": 0.4, "Call": 0.333333}, "staff": None, "contacts": 50}
    (row,) = kept_part((now,), [old], before, ("moves", "staff"))
    assert row["contacts"] == 50
    (other,) = kept_part(({**now, "staff": 3},), [old], before, ("moves", "staff"))
    assert other["contacts"] == 53


def test_what_differs_in_its_language_alone_is_worded_anew(tmp_path: Path) -> None:
    """A is the same, B has three rows more, C and E another number, D another answer; in German."""
    (tmp_path / "manifest.json").write_text('{"config": {"language": "de"}}', "utf-8")
    names = ("check", "severity", "rows", "text")
    old = [
        ("A", "ok", 1200, "1.200 Zeilen"), ("B", "ok", 50, "50 Zeilen"),
        ("C", "ok", 1, "1 Zeile von 70"), ("D", "ok", 0, "Keine"),
        ("E", "ok", 3, "12 Zeilen"),
    ]  # fmt: skip
    new = [
        ("A", "ok", 1200, "1,200 rows"), ("B", "ok", 53, "53 rows"),
        ("C", "ok", 1, "1 row of 73"), ("D", "note", 0, "None"),
        ("E", "ok", 3, "21 rows"),
    ]  # fmt: skip
    rows, now = ([dict(zip(names, one, strict=True)) for one in some] for some in (old, new))
    table, key = pd.DataFrame(now), ("check",)
    words = ["1,200 rows", "50 Zeilen", "1 Zeile von 70", "Keine", "12 Zeilen"]
    entry = replace(entry_of({"quality": pd.DataFrame(rows)}, tmp_path), as_of=dt.date(2026, 1, 1))
    before = Before(entry, 10, {"": 0}, few=True)
    assert kept_part(table, rows, before, key)["text"].tolist() == words
    result = kept_rows(table, "quality", key, before)
    assert result["text"].tolist() == words and result["rows"].tolist() == [1200, 50, 1, 0, 3]
    assert kept_part("no staff", "keine Menschen", before) == "no staff"
    with use_language("de"):
        assert kept_part(table, rows, before, key)["text"].tolist() == [one[-1] for one in old]


def test_a_waterfall_moves_as_a_whole(tmp_path: Path) -> None:
    names = ("step", "sessions", "customers", "share")

    def steps(raw: int, repeat: int, sure: int) -> pd.DataFrame:
        sizes = zip(("raw", "repeat", "verified"), (raw, repeat, sure), strict=True)
        return pd.DataFrame([(name, n, n, n / 200) for name, n in sizes], columns=list(names))

    last, few = steps(100, 40, 60), steps(110, 49, 61)
    before = Before(last_run(tmp_path, {}, dt.date(2026, 1, 1)), 10, {"": 30}, few=False)
    rows = last.to_dict("records")
    assert _waterfall(few, rows, before).equals(last)  # one of the ten more was solved
    assert _waterfall(steps(120, 50, 70), rows, before).equals(steps(120, 50, 70))


def test_a_share_changes_by_ten_cases_or_keeps_its_number(tmp_path: Path) -> None:
    """Fifteen customers came, and one of them is vulnerable: the share may not say so."""
    key = ["touchpoint", "measure"]
    row = {"touchpoint": "A", "unit": "share", "lo": 0.0, "hi": 1.0, "n_customers": 100}
    measures = {"vulnerable": (20, 21), "rework": (20, 20), "drop_off": (20, 31)}
    old = pd.DataFrame([row | {"measure": m, "value": h / 100} for m, (h, _) in measures.items()])
    new = pd.DataFrame(
        [row | {"measure": m, "value": h / 130, "n_customers": 130}
         for m, (_, h) in measures.items()]
    )  # fmt: skip
    before = Before(entry_of({"cells": old}, tmp_path), 10, {}, few=False)
    rows = kept_rows(new, "cells", key, before).set_index("measure")
    assert rows["n_customers"].to_dict() == {"vulnerable": 100, "rework": 130, "drop_off": 130}
    assert rows.loc["vulnerable", "value"] == 0.2


@pytest.mark.slow
def test_other_definitions_and_periods_that_share_no_day_begin_anew(
    log_of: LogOf, tmp_path: Path
) -> None:
    rows = days_of_visits(3, 60, 2)
    journeys = jl.rebuild(log_of(*rows, columns=COLUMNS), JourneySettings(cut="customer"))
    entry = published(journeys, tmp_path / "a", None)
    assert run_before(journeys, entry, {}) is not None
    assert run_before(journeys, entry, {"cut": "other"}) is None
    later = log_of(*((row[0], row[1] + 9 * DAY, *row[2:]) for row in rows), columns=COLUMNS)
    settings = JourneySettings(cut="customer")
    assert run_before(jl.rebuild(later, settings), entry, {}) is None
    assert run_before(journeys, None, {}) is None


def test_the_run_before_is_the_newest_and_of_a_run_made_again_the_one_before_it() -> None:
    days = [dt.date(2026, 1, day) for day in (1, 2, 2, 3)]
    entries = [Entry(n, day, "", Path(), {}, "") for n, day in zip("abcd", days, strict=True)]
    history = History(tuple(entries))
    found = [history.last_before(days[1], run_id) for run_id in "abcx"]
    assert [one and one.run_id for one in found] == [None, "a", "b", "c"]
    assert replace(history, entries=()).last_before(days[0], "a") is None


@pytest.mark.slow
def test_an_audit_keeps_what_one_more_customer_changed(tmp_path: Path) -> None:
    """All that follows from the cells is that of the run before: scores, verdicts, the document."""
    config = write_small(tmp_path)
    runs = []
    one = ["secret-99", "2026-01-28 09:00", "Chat", "b", "many"]
    nine = [[f"secret-{k}", f"2026-02-0{k % 10}", "Call", "h", "many"] for k in range(101, 110)]
    for more in ([], [one], [one, *nine]):
        write_small(tmp_path, rows=[*small_rows(), *more])
        runs.append(jl.audit(config, overrides=["compare=key_results"], history=tmp_path))
        jl.save(runs[-1], tmp_path)
    first, second, third = runs
    assert first.log_hash != second.log_hash and second.changes.used == (first.run_id,)
    assert len(second.journeys.events) == len(first.journeys.events) + 1
    for name in (*FILES, "experience", "scores", "indicators"):
        pd.testing.assert_frame_equal(first.tables[name], second.tables[name])
    for part in ("touchpoints", "transitions", "flow"):
        assert first.document[part] == second.document[part]
    for count in ("events", "journeys", "customers"):
        assert first.document["log"][count] == second.document["log"][count]
    for part in ("ends", "chain", "points_of_no_return"):
        assert first.document["structure"][part] == second.document["structure"][part]
    assert "fewer than 10 customers" in second.document["comparison"]["note"]
    assert "fewer than 10 customers" not in first.document["comparison"]["note"]
    # Nine came on later days: the numbers end where they ended, and the run says so.
    assert (third.as_of, third.closed) == (dt.date(2026, 3, 1), dt.date(2026, 1, 28))
    assert "end with 2026-01-28" in third.document["comparison"]["note"]
    of_the_run = {"audit", "log", "comparison", "changes", "findings", "decisions"}
    for part in set(first.document) - of_the_run:
        assert third.document[part] == second.document[part], part
    rows = {"rows_read", "rows_quarantined", "quality"}
    for part in set(first.document["log"]) - rows:
        assert third.document["log"][part] == second.document["log"][part], part
    assert third.document["audit"]["period"] == second.document["audit"]["period"]


@pytest.mark.slow
def test_the_same_log_in_another_language_has_no_sentence_of_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, told = write_small(tmp_path), []
    for language, day in (("en", "2026-03-01"), ("de", "2026-03-01"), ("en", "2026-03-02")):
        asked = ["compare=key_results", f"language={language}"]
        run = jl.audit(config, overrides=asked, as_of=day, history=tmp_path)
        fresh = jl.audit(config, overrides=asked, as_of=day)
        jl.save(run, tmp_path)
        # Stories that as many live stand in the order of their names in a run that keeps numbers.
        for part in set(run.document) - {"audit", "comparison", "changes", "decisions", "stories"}:
            assert run.document[part] == fresh.document[part], (language, day, part)
        for name in ("scores", "quality", "estimates", "indicators"):
            pd.testing.assert_frame_equal(run.tables[name], fresh.tables[name])
        told.append(run)
    assert [one.changes.used != () for one in told] == [False, True, True]
    runs = [str(tmp_path / "small" / one.run_id) for one in told]
    for pair, said in (
        (runs[:2], "Beide Läufe"),
        (runs[1:], "Both runs"),
        (runs[::2], "Both runs"),
    ):
        assert main(["compare", *pair]) == 0
        assert said in capsys.readouterr().out
