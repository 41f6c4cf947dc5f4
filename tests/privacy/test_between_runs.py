"""Documents of consecutive days, subtracted: no difference is that of one to nine customers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import journeylib as jl
from journeylib.audits.changes.small_changes import (
    Before,
    kept_evidence,
    kept_reach,
    kept_rows,
    kept_structure,
    run_before,
)
from journeylib.audits.history import Entry, History
from journeylib.journeys import journey_structure
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog
from journeylib.measures import MeasureSettings, measure, reach
from tests.audits.conftest import small_rows, write_small

HOUR = 3_600_000_000
DAY = 24 * HOUR
COLUMNS = "customer t_us touchpoint stage segment actor"
COUNTS = ("events", "journeys", "customers", "n_events", "n_journeys", "n_customers")
KEYS = {
    "touchpoints": ["touchpoint"],
    "transitions": ["source", "target"],
    "variants": ["variant"],
    "estimates": ["touchpoint", "measure"],
    "ends": ["touchpoint", "end"],
    "chain": ["touchpoint", "measure"],
    "stages": ["segment", "stage"],
    "segments": ["segment", "touchpoint"],
    "flow": ["measure"],
    "log": ["whole"],
}
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
    document = {
        "audit": {"period": ["1970-01-01", day]},
        "log": log,
        "flow": {name: one.to_dict() for name, one in evidence.flow.items()},
        "comparison": {"definitions": {}},
    }
    return Entry(folder.name, dt.date.fromisoformat(day), "", folder, document, "")


def tables_of(entry: Entry) -> Mapping[str, pd.DataFrame]:
    flow = [{"measure": name, **one} for name, one in entry.document["flow"].items()]
    found = {name: entry.table(name) for name in KEYS if name not in ("flow", "log")}
    log = pd.DataFrame([entry.document["log"] | {"whole": "log"}])
    return {**found, "flow": pd.DataFrame(flow), "log": log}  # type: ignore[dict-item]


def assert_difference_tells_nobody(first: Entry, second: Entry) -> int:
    """Subtract two documents; return how many cells changed at all."""
    changed = 0
    earlier, later = tables_of(first), tables_of(second)
    for name, key in KEYS.items():
        old, new = earlier[name].set_index(key), later[name].set_index(key)
        both = new.index.intersection(old.index)
        old, new = old.loc[both], new.loc[both, old.columns]
        moves = ~(new.eq(old) | (new.isna() & old.isna())).all(axis=1)
        changed += int(moves.sum())
        for count in (count for count in (*COUNTS, "open_journeys") if count in new):
            by = (new[count] - old[count]).abs()
            assert not by.between(1, 9).any(), (name, count, by[by.between(1, 9)])
        if "unit" in new:
            shares = moves & new["unit"].eq("share")
            for base in (base for base in ("n_journeys", "n_customers") if base in new):
                hits = [(t["value"].astype(float) * t[base])[shares] for t in (old, new)]
                rest = [(t[base] - t["value"].astype(float) * t[base])[shares] for t in (old, new)]
                for before, after in (hits, rest):
                    by = (after - before).abs().round()
                    assert not by.between(1, 9).any(), (name, by[by.between(1, 9)])
    return changed


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
    changed = [assert_difference_tells_nobody(*pair) for pair in pairwise(entries)]
    assert sum(changed) > 20
    # The attack finds what it is after where nothing is kept.
    alone = published(journeys, tmp_path / "alone", None)
    with pytest.raises(AssertionError):
        assert_difference_tells_nobody(entries[-2], alone)


def assert_same(first: Entry, second: Entry) -> None:
    for name, table in tables_of(first).items():
        pd.testing.assert_frame_equal(table, tables_of(second)[name])


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
    for more in ([], [["secret-99", "2026-01-28 09:00", "Chat", "b", "many"]]):
        write_small(tmp_path, rows=[*small_rows(), *more])
        runs.append(jl.audit(config, overrides=["compare=key_results"], history=tmp_path))
        jl.save(runs[-1], tmp_path)
    first, second = runs
    assert first.log_hash != second.log_hash and second.changes.used == (first.run_id,)
    assert len(second.journeys.events) == len(first.journeys.events) + 1
    for name in (*set(KEYS) - {"flow", "log"}, "experience", "scores", "indicators"):
        pd.testing.assert_frame_equal(first.tables[name], second.tables[name])
    for part in ("touchpoints", "transitions", "flow"):
        assert first.document[part] == second.document[part]
    for count in ("events", "journeys", "customers"):
        assert first.document["log"][count] == second.document["log"][count]
    for part in ("ends", "chain", "points_of_no_return"):
        assert first.document["structure"][part] == second.document["structure"][part]
    assert "fewer than 10 customers" in second.document["comparison"]["note"]
    assert "fewer than 10 customers" not in first.document["comparison"]["note"]
