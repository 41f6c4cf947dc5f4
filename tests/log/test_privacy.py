from __future__ import annotations

import hashlib
import hmac

import pandas as pd
import pytest

from journeylib.core.errors import LogError
from journeylib.log.engine.duckdb import run
from journeylib.log.privacy import pseudonymise
from journeylib.log.suppression import suppress

from .conftest import ROLES, frame_of, read

KEY = b"0123456789abcdef"
FRAME = pd.DataFrame(
    {"who": ["ann", "bob", "ann"], "what": "a", "at": "2024-01-01", "by": ["x", None, "y"]}
)


def digest(role: str, value: str) -> str:
    return hmac.new(KEY, f"{role}\0{value}".encode(), hashlib.sha256).hexdigest()[:32]


def test_identifiers_become_keyed_digests_in_events_and_outcomes() -> None:
    out = pd.DataFrame({"who": ["bob"], "left": [1]})
    schema = {"customer": "who", "constant_kind": "churn", "value": "left"}
    log = read(FRAME, ROLES | {"resource": "by"}, outcomes=out, outcomes_schema=schema)
    private = pseudonymise(log, KEY)
    rows = frame_of(private)
    ann, bob = digest("customer", "ann"), digest("customer", "bob")
    assert rows["customer"].tolist() == [ann, bob, ann]
    assert rows["resource"].dropna().tolist() == [digest("resource", "x"), digest("resource", "y")]
    assert list(rows.columns) == list(frame_of(log).columns)
    assert private.outcomes is not None
    assert private.outcomes.to_pandas()["customer"].tolist() == [bob]


def test_a_case_that_stands_for_the_customer_keeps_being_one() -> None:
    log = read(FRAME, {"journey": "who", "touchpoint": "what", "timestamp": "at"})
    rows = frame_of(pseudonymise(log, KEY))
    assert rows["case"].tolist() == rows["customer"].tolist()


def test_no_table_of_pairs_is_left_behind() -> None:
    log = pseudonymise(read(FRAME), KEY)
    names = run(log.events.get_backend(), "SELECT table_name FROM duckdb_tables()")
    assert [name for (name,) in names if "digests" in name] == []


def test_a_short_key_is_refused() -> None:
    with pytest.raises(LogError, match="the key has 5 bytes; use at least 16"):
        pseudonymise(read(FRAME), b"short")


def test_small_cells_are_removed_and_counted() -> None:
    frame = pd.DataFrame({"name": list("abc"), "n": [10, 9, 50]})
    shown, removed = suppress(frame, 10, "n")
    assert shown.to_dict("list") == {"name": ["a", "c"], "n": [10, 50]}
    assert removed == 1
    assert suppress(frame.head(0), 10, "n")[1] == 0
