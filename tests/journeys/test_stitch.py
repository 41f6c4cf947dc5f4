"""Stitching against people planted, components against networkx, small cases by hand."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import ibis
import networkx as nx
import pandas as pd
import pytest

from journeylib.core.errors import RunError, SchemaError
from journeylib.journeys.identity._components import components
from journeylib.journeys.identity.stitching import Stitched, StitchSettings, stitch
from journeylib.journeys.journeys import rebuild
from journeylib.log.eventlog import EventLog
from journeylib.log.privacy import pseudonymise
from journeylib.log.read import read_log

KINDS = {"email": "mail", "phone": "tel", "cookie": "web"}
ROLES = {"touchpoint": "what", "timestamp": "at", "identifiers": KINDS}


def log_of(rows: list[dict[str, object]], **more: object) -> EventLog:
    """Read events; ``at`` in days unless given."""
    frame = pd.DataFrame(rows)
    for column in ("who", *KINDS.values()):
        if column not in frame:
            frame[column] = None
    frame["what"] = frame.get("what", "Visit")
    days = frame["at"] if "at" in frame else pd.Series(range(len(frame)))
    frame["at"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(days, unit="D")
    return read_log(frame, {"customer": "who", **ROLES, **more}, as_of="2050-01-01")


def people_of(found: Stitched) -> list[str]:
    """Customer of each event, in the order of the rows."""
    frame = found.log.events.to_pandas().sort_values("position")
    return list(frame["customer"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_components_are_those_of_networkx(seed: int) -> None:
    draw = random.Random(seed)
    nodes = 300
    edges = [(draw.randrange(nodes), draw.randrange(nodes)) for _ in range(60 * (seed + 1))]
    if seed == 5:  # a chain in random order is the hardest for smallest labels
        order = draw.sample(range(nodes), nodes)
        edges = list(itertools.pairwise(order))
    table = ibis.duckdb.connect().create_table("e", pd.DataFrame(edges, columns=["a", "b"]))
    found = components(table).to_pandas().set_index("node")["component"].to_dict()
    parts = nx.connected_components(nx.Graph(edges))
    assert found == {node: min(part) for part in parts for node in part}


def test_too_few_rounds_are_an_error_not_a_wrong_answer() -> None:
    table = ibis.duckdb.connect().create_table("e", pd.DataFrame({"a": [1, 5, 5], "b": [5, 2, 3]}))
    with pytest.raises(RunError, match="did not settle"):
        components(table, max_rounds=1)


@pytest.mark.slow
def test_events_meet_under_the_account_that_any_chain_of_identifiers_leads_to() -> None:
    log = log_of(
        [
            {"who": "ann", "mail": "A@x.org"},
            {"mail": " a@X.org", "web": "c1"},
            {"web": "c1", "tel": "+49 (30) 12-34"},
            {"tel": "0049301234"},
            {"who": "bob"},
            {"mail": "z@x.org"},
        ]
    )
    found = stitch(log)
    assert people_of(found) == ["ann"] * 4 + ["bob", "email:z@x.org"]
    assert found.report.customers_before == 6
    assert found.report.customers == 3
    assert found.report.moved_events == 3
    assert not set(found.log.events.columns) & {"id_email", "id_phone", "id_cookie"}


def test_without_stitching_identifiers_stay_in_the_log_and_go_no_further() -> None:
    log = log_of([{"who": "ann", "mail": "a"}, {"mail": "a"}])
    assert list(log.events.to_pandas().sort_values("position")["customer"]) == ["ann", "email:a"]
    steps = rebuild(log).steps.columns
    assert not [name for name in steps if name.startswith("id_")]


@pytest.mark.slow
def test_a_shared_phone_joins_nobody_and_is_named_by_kind_and_count() -> None:
    rows = [{"who": f"c{i}", "tel": "555"} for i in range(6)] + [{"tel": "555"}, {"tel": "555"}]
    rows += [{"who": "c0", "tel": "7"}, {"tel": "7"}]
    found = stitch(log_of(rows))
    people = people_of(found)
    assert people[:6] == [f"c{i}" for i in range(6)]
    assert len(set(people[6:8]) - set(people[:6])) == 2
    assert people[8:] == ["c0", "c0"]
    kinds = found.report.kinds.set_index("kind")
    assert list(kinds.loc["phone"]) == [2, 1, 10, 8]
    assert found.report.unidentified_events == 2
    told = " ".join(found.report.checks()["text"])
    assert "1 of kind phone belong to too many accounts" in told
    assert "555" not in told


@pytest.mark.slow
def test_the_levels_differ_in_how_many_accounts_one_identifier_may_join() -> None:
    rows = [{"who": f"{n}{i}", "tel": str(n)} for n in (2, 5, 6, 25, 26) for i in range(n)]
    counts = {}
    for level in ("strict", "default", "loose"):
        found = stitch(log_of(rows), StitchSettings(level=level))
        counts[level] = found.report.customers
    assert counts == {
        "strict": 64,  # nobody is joined: 2 + 5 + 6 + 25 + 26
        "default": 64 - 1 - 4,
        "loose": 64 - 1 - 4 - 5 - 24,
    }


@pytest.mark.slow
def test_an_identifier_that_was_silent_beyond_its_validity_is_somebody_elses() -> None:
    rows = [
        {"tel": "1", "mail": "old", "at": 0},
        {"tel": "1", "at": 90},
        {"tel": "1", "mail": "new", "at": 200},
        {"tel": "1", "at": 210},
    ]
    valid = {"phone": 100.0}
    assert people_of(stitch(log_of(rows), StitchSettings(valid_days=valid))) == [
        *["email:old"] * 2,
        *["email:new"] * 2,
    ]
    loose = StitchSettings(valid_days=valid, level="loose")
    assert set(people_of(stitch(log_of(rows), loose))) == {"email:new"}


@pytest.mark.slow
def test_outcomes_follow_their_customer() -> None:
    rows = [{"who": "ann", "mail": "a"}, {"who": "zoe", "mail": "a"}, {"who": "bob"}]
    log = log_of(rows)
    told = pd.DataFrame({"c": ["zoe", "A", "bob", "nobody"], "v": [1, 2, 3, 4]})
    with_outcomes = read_log(
        pd.DataFrame([{"who": None, "mail": None, "tel": None, "web": None, "at": "2026-01-01",
                       "what": "Visit", **row} for row in rows]),
        {"customer": "who", **ROLES},
        outcomes=told,
        outcomes_schema={"customer": "c", "constant_kind": "nps", "value": "v"},
        as_of="2030-01-01",
    )  # fmt: skip
    assert log.outcomes is None
    outcomes = stitch(with_outcomes).log.outcomes
    assert outcomes is not None
    frame = outcomes.to_pandas().sort_values("value_micro")
    assert list(frame["customer"]) == ["ann", "ann", "bob", "nobody"]


@pytest.mark.slow
def test_the_order_of_rows_does_not_matter() -> None:
    rows = [
        {"who": f"p{i % 7}" if i % 3 else None, "mail": f"m{i % 11}", "web": f"w{i % 13}", "at": i}
        for i in range(60)
    ]
    straight = stitch(log_of(rows)).log.events.to_pandas().sort_values("t_us")
    turned = stitch(log_of(rows[::-1])).log.events.to_pandas().sort_values("t_us")
    assert list(straight["customer"]) == list(turned["customer"])


def test_pseudonyms_hide_identifiers_and_cases_do_not_join() -> None:
    log = log_of([{"mail": "secret@x.org"}, {"mail": "secret@x.org", "tel": "12"}])
    events = pseudonymise(log, b"0" * 16).events.to_pandas()
    assert len(set(events["id_email"])) == 1
    assert "secret" not in events.to_csv()


@pytest.mark.slow
def test_a_log_without_identifiers_or_with_an_unknown_kind_says_what_to_do() -> None:
    log = log_of([{"who": "ann"}], identifiers={})
    with pytest.raises(SchemaError, match=r"identifiers: \{email"):
        stitch(log)
    with pytest.raises(SchemaError, match="Did you mean 'phone'"):
        stitch(log_of([{"who": "a"}]), StitchSettings(valid_days={"phon": 3}))


def planted(seed: int) -> tuple[list[dict[str, object]], list[int]]:
    """500 people of two to four identifiers; 40 of them also call from one shared phone."""
    draw = random.Random(seed)
    rows: list[dict[str, object]] = []
    truth: list[int] = []
    for person in range(500):
        own = {"who": f"acc{person}", "mail": f"m{person}@x.org", "tel": f"+49{person:07d}",
               "web": f"cookie{person}"}  # fmt: skip
        columns = draw.sample(list(own), draw.randint(2, 4))
        calls = person < 40
        for event in range(draw.randint(8, 14)):
            shown = draw.sample(columns, draw.randint(1, 2))
            row: dict[str, object] = {column: own[column] for column in shown}
            if calls and event % 4 == 0:
                row = {draw.choice([c for c in columns if c != "tel"]): "", "tel": "+49 555 0000"}
                row |= {c: own[c] for c in row if c != "tel"}
            rows.append(row)
            truth.append(person)
    return rows, truth


def pairs(counts: Counter[object]) -> int:
    return sum(n * (n - 1) // 2 for n in counts.values())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_planted_people_are_found_and_the_shared_phone_is_named(seed: int) -> None:
    rows, truth = planted(seed)
    found = stitch(log_of(rows))
    people = people_of(found)
    both = pairs(Counter(zip(people, truth, strict=True)))
    assert both / pairs(Counter(people)) >= 0.99
    assert both / pairs(Counter(truth)) >= 0.95
    kinds = found.report.kinds.set_index("kind")
    assert dict(kinds["shared"]) == {"customer": 0, "email": 0, "phone": 1, "cookie": 0}
