from __future__ import annotations

import hashlib
import hmac

import pandas as pd
import pytest

from journeylib.core.errors import LogError
from journeylib.log.engine.duckdb import run
from journeylib.log.privacy import pseudonymise
from journeylib.log.suppression import suppress

from .conftest import ROLES, checks_of, frame_of, read

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


# What a name reads as in reports.
NAMES = {
    "Call +49 151 2345678": "Call •••",
    "0800 123 4567": "•••",
    "030/12345": "•••",
    "Mail to anna.meier@firma.de": "Mail to •••",
    "Ticket 20240117": "Ticket •••",
    "Card 1111 2222 3333 4444": "Card •••",
    "Anruf 01 23 45 67 89": "Anruf •••",
    "Mailing 01.07.2026": "Mailing 01.07.2026",
    "2026-07-01": "2026-07-01",
    "Case 123456": "Case 123456",
    "Fee 5.000.000": "Fee 5.000.000",
    "Tariff 2024/25": "Tariff 2024/25",
    "a @ b": "a @ b",
}


@pytest.mark.parametrize("role", ["touchpoint", "channel", "stage", "segment", "intent"])
def test_what_looks_personal_in_a_name_is_masked_and_counted(role: str) -> None:
    frame = pd.DataFrame({"who": "u1", "what": "Web", "name": list(NAMES), "at": "2024-01-01"})
    log = read(frame, ROLES | {role: "name"})
    assert frame_of(log)[role].tolist() == list(NAMES.values())
    found = checks_of(log, "personal_names")
    assert found["rows"].tolist() == [sum(name != shown for name, shown in NAMES.items())]
    assert (found["severity"].tolist(), found["role"].tolist()) == (["warning"], [role])
    assert "2345678" not in found["text"][0] and "names_shown" in found["text"][0]


def test_names_that_are_no_person_s_are_listed_or_have_another_name() -> None:
    frame = pd.DataFrame({"who": "u1", "what": list(NAMES), "at": "2024-01-01"})
    schema = ROLES | {"touchpoint_values": {"Ticket 20240117": "Ticket"}}
    log = read(frame, schema | {"names_shown": ["0800 123 4567"]})
    shown = NAMES | {"0800 123 4567": "0800 123 4567", "Ticket 20240117": "Ticket"}
    assert frame_of(log)["touchpoint"].tolist() == list(shown.values())
    assert checks_of(log, "personal_names")["rows"].tolist() == [5]
    assert checks_of(read(FRAME), "personal_names").empty


def test_names_of_many_kinds_and_numbers_are_masked_as_those_of_few() -> None:
    many = pd.DataFrame({"who": "u1", "what": [f"Call 0151{i:07d}" for i in range(6_000)]})
    log = read(many.assign(at="2024-01-01"))
    assert frame_of(log)["touchpoint"].unique().tolist() == ["Call •••"]
    assert checks_of(log, "personal_names")["rows"].tolist() == [6_000]
    numbers = pd.DataFrame({"who": "u1", "what": [1234567, 12], "at": "2024-01-01"})
    assert frame_of(read(numbers))["touchpoint"].tolist() == ["•••", "12"]


def test_attributes_and_identifiers_stay_as_they_are() -> None:
    frame = FRAME.assign(order=["1234567", "0800 123 4567", "a@b.de"])
    log = read(frame, ROLES | {"attributes": ["order"], "identifiers": {"mail": "order"}})
    assert frame_of(log)["order"].tolist() == ["1234567", "0800 123 4567", "a@b.de"]
