"""What must not change an audit: the order of rows, names, the clock's zero, how files are cut."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import journeylib as jl
from sample_data.generator import generate

CUSTOMERS = 300
CONFIG = Path(__file__).resolve().parents[1] / "sample_data/telecom/audit.yaml"
TIMES = ("timestamp", "end")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Contacts and outcomes as text, with ids on ties and times as they can be read."""
    sample = generate("telecom", customers=CUSTOMERS, seed=7)
    contacts, outcomes = (frame.astype("string") for frame in (sample.contacts, sample.outcomes))
    good = pd.to_datetime(contacts["timestamp"], format="mixed", errors="coerce").notna()
    return contacts[good].drop_duplicates(ignore_index=True), outcomes


@pytest.fixture(scope="module")
def audit_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., jl.Audit]:
    """Return the maker of audits of changed tables: one file of contacts, or several."""

    def run(
        contacts: pd.DataFrame | list[pd.DataFrame], outcomes: pd.DataFrame, *overrides: str
    ) -> jl.Audit:
        folder = tmp_path_factory.mktemp("log")
        parts = [contacts] if isinstance(contacts, pd.DataFrame) else contacts
        files = [folder / f"contacts_{i}.csv" for i in range(len(parts))]
        for part, file in zip(parts, files, strict=True):
            part.to_csv(file, index=False)
        outcomes.to_csv(folder / "outcomes.csv", index=False)
        places = [
            f"log.files=[{', '.join(str(file) for file in files)}]",
            f"log.outcomes.file={folder / 'outcomes.csv'}",
        ]
        return jl.audit(CONFIG, overrides=[*places, *overrides])

    return run


@pytest.fixture(scope="module")
def plain(audit_of: Callable[..., jl.Audit], tables: Any) -> jl.Audit:
    return audit_of(*tables)


def verdicts(audit: jl.Audit) -> dict[str, tuple[str, ...]]:
    """Return what is decided of each touchpoint, with its vetoes."""
    scores = audit.judgement.scores.set_index("touchpoint")
    return {
        str(name): (row["verdict"], str(row["leaning"]), str(row["abstain"]), *row["vetoes"])
        for name, row in scores.iterrows()
    }


def without(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}


def test_the_sample_is_decided_in_more_than_one_way(plain: jl.Audit) -> None:
    assert len({decided[0] for decided in verdicts(plain).values()}) >= 2


def test_shuffled_rows_in_two_files(plain: jl.Audit, audit_of: Any, tables: Any) -> None:
    contacts, outcomes = (table.sample(frac=1, random_state=5) for table in tables)
    # Each customer's events lie in both files.
    parts = [contacts.iloc[1::2], contacts.iloc[::2]]
    assert audit_of(parts, outcomes).document == plain.document


def test_renamed_customers(plain: jl.Audit, audit_of: Any, tables: Any) -> None:
    """Names decide which customers are resampled together, so intervals move; no point does."""
    ids = pd.unique(pd.concat([table["customer_id"] for table in tables]))
    names = {old: f"client {7919 * i % 10_007:05d}" for i, old in enumerate(ids)}
    renamed = [table.assign(customer_id=table["customer_id"].map(names)) for table in tables]
    other = audit_of(*renamed)
    assert verdicts(other) == verdicts(plain)
    for name in ("transitions", "variants", "touchpoints"):
        pd.testing.assert_frame_equal(other.tables[name], plain.tables[name])
    keys = ["touchpoint", "measure", "value", "n_events", "n_journeys", "n_customers"]
    # The tree of rule_skill is grown on folds of customer groups.
    mine, theirs = (
        a.evidence.estimates.query("measure != 'rule_skill'")[keys] for a in (plain, other)
    )
    pd.testing.assert_frame_equal(mine, theirs)


def test_duplicated_events(plain: jl.Audit, audit_of: Any, tables: Any) -> None:
    """Exact copies are kept, for nothing is dropped silently, and counted; they decide nothing.

    Who the customers are, their journeys and the verdicts stay.
    """
    contacts, outcomes = tables
    copies = contacts.sample(n=20, random_state=3)
    other = audit_of(pd.concat([contacts, copies]), outcomes)
    assert verdicts(other) == verdicts(plain)
    log, before = other.document["log"], plain.document["log"]
    assert log["events"] == before["events"] + 20
    assert (log["journeys"], log["customers"]) == (before["journeys"], before["customers"])
    told = {check["check"]: check["rows"] for check in log["quality"]}
    assert told["duplicates"] == 20


def test_shifted_clock(plain: jl.Audit, audit_of: Any, tables: Any) -> None:
    """Ten weeks later everything is the same but the dates."""
    days = 70
    contacts, outcomes = (table.copy() for table in tables)
    for table, columns in ((contacts, TIMES), (outcomes, ("date", "asked"))):
        for column in columns:
            table[column] = later(table[column], days)
    as_of = pd.Timestamp(plain.as_of) + pd.Timedelta(days=days)
    other = audit_of(contacts, outcomes, f"as_of={as_of:%Y-%m-%d}")
    assert undated(other.document) == undated(plain.document)


def undated(document: dict[str, Any]) -> str:
    """Return the document without the part that says which run it is, its dates left out."""
    text = json.dumps(without(document, "audit"), sort_keys=True)
    return re.sub(r"\d{4}-\d\d-\d\d", "a day", text)


def later(times: pd.Series, days: int) -> pd.Series:
    """Move the day of each time; what follows the day stays as it is written."""
    day = pd.to_datetime(times.str[:10]) + pd.Timedelta(days=days)
    return day.dt.strftime("%Y-%m-%d") + times.str[10:]


def test_other_time_zone(plain: jl.Audit, audit_of: Any, tables: Any) -> None:
    """Declaring a zone moves every event by the same hours: other days, the same verdicts."""
    zone = "Asia/Tokyo"
    other = audit_of(*tables, f"roles.timezone={zone}", f"log.outcomes.roles.timezone={zone}")
    assert verdicts(other) == verdicts(plain)
    pd.testing.assert_frame_equal(other.tables["transitions"], plain.tables["transitions"])
