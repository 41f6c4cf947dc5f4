"""What other programs may rely on: the content of audit.json, and what is never in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import jsonschema
import pandas as pd
import pytest

import journeylib as jl
from journeylib.audits.document.document_schema import document_schema
from journeylib.audits.result import build
from journeylib.journeys.graph.markov_order import OrderTest

# Keys that the design promises at the least.
PROMISED = {
    "audit": {"name", "run_id", "period", "config_hash", "log_hash"},
    "log": {"events", "journeys", "customers", "quality"},
    "touchpoints": {"touchpoint", "stage", "events", "journeys", "customers", "automation_fit",
                    "empathy_need", "verdict", "verdict_stability", "reasons"},
    "transitions": {"source", "target", "events", "journeys", "median_seconds"},
    "moments_of_truth": {"touchpoint", "outcome", "effect", "naive", "q_value", "is_moment",
                         "grade", "reasons"},
    "handoffs": {"sessions", "ended_with_bot", "handed_over", "abandoned", "open", "contained_raw",
                 "contained_verified", "wait_seconds", "requests", "requests_honoured",
                 "ping_pong", "dead_ends"},
    "tipping_points": {"segment", "answer", "minutes", "handoff_time"},
    "findings": {"id", "severity", "verdict", "text", "evidence"},
}  # fmt: skip
ESTIMATE = {"value", "lo", "hi", "unit", "n_customers", "n_journeys", "grade", "abstain"}


def plain(audit: jl.Audit) -> dict[str, Any]:
    """Return the document as another program reads it."""
    document: dict[str, Any] = json.loads(json.dumps(audit.document))
    return document


def parts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from parts(item)


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for item in node.values() if isinstance(node, dict) else node:
            yield from strings(item)


@pytest.mark.parametrize("which", ["telecom_audit", "small_audit"])
def test_the_document_is_valid_under_its_published_schema(
    which: str, request: pytest.FixtureRequest
) -> None:
    jsonschema.validate(plain(request.getfixturevalue(which)), document_schema())


def test_what_the_design_promises_is_there(telecom_audit: jl.Audit) -> None:
    document = plain(telecom_audit)
    assert {"schema_version", "paradoxes", "changes", *PROMISED} <= set(document)
    for part, keys in PROMISED.items():
        first = document[part] if isinstance(document[part], dict) else document[part][0]
        assert keys <= set(first), part
    assert set(document["handoffs"]["contained_verified"]) == ESTIMATE
    assert set(document["touchpoints"][0]["automation_fit"]) == ESTIMATE


@pytest.mark.parametrize("which", ["telecom_audit", "small_audit"])
def test_sessions_are_partitioned(which: str, request: pytest.FixtureRequest) -> None:
    handoffs = plain(request.getfixturevalue(which))["handoffs"]
    ends = [handoffs[end] for end in ("ended_with_bot", "handed_over", "abandoned", "open")]
    shown = [number for number in ends if number is not None]
    hidden = handoffs["sessions"] - sum(shown)
    assert handoffs["sessions"] > 0
    # What is hidden is at least ten sessions, in two ends or more.
    assert hidden == 0 if len(shown) == 4 else hidden >= 10 and len(shown) <= 2


def test_small_worked_by_hand(small_audit: jl.Audit) -> None:
    document = plain(small_audit)
    # 60 chats, 30 calls, 3 rare events; customers 1 of the rare three also called.
    assert document["log"]["events"] == 93
    assert document["log"]["journeys"] == document["log"]["customers"] == 60
    assert {t["touchpoint"]: t["customers"] for t in document["touchpoints"]} == {
        "Chat": 60,
        "Call": 30,
    }
    assert [(t["source"], t["target"], t["customers"]) for t in document["transitions"]] == [
        ("(start)", "Chat", 60),
        ("Chat", "Call", 30),
        ("Call", "(end)", 29),
        ("Chat", "(end)", 28),
    ]
    assert document["handoffs"]["sessions"] == 60
    assert document["log"]["suppressed_cells"] > 0


def test_a_cell_of_few_customers_is_nowhere(small_audit: jl.Audit) -> None:
    everything = json.dumps(plain(small_audit)) + "".join(
        table.to_json() for table in small_audit.tables.values()
    )
    assert "Rare" not in everything
    assert [point["segment"] for point in plain(small_audit)["tipping_points"]] == ["all"]
    assert "secret" not in everything


@pytest.mark.parametrize("which", ["telecom_audit", "small_audit"])
def test_no_number_rests_on_fewer_customers_than_may_be_shown(
    which: str, request: pytest.FixtureRequest
) -> None:
    audit: jl.Audit = request.getfixturevalue(which)
    for part in parts(plain(audit)):
        for key in ("customers", "n_customers"):
            assert not 0 < part.get(key, 0) < 10, part
    for name, table in audit.tables.items():
        for key in {"customers", "n_customers"} & set(table):
            assert not ((table[key] > 0) & (table[key] < 10)).any(), (name, key)


def test_no_reason_counts_fewer_people_than_may_be_shown(telecom_audit: jl.Audit) -> None:
    document = plain(telecom_audit)
    texts = [t for m in document["moments_of_truth"] for t in m["reasons"]]
    texts += [t for row in document["touchpoints"] for t in row["reasons"]]
    texts += [finding["text"] for finding in document["findings"]]
    assert any("fewer than 30 in the smallest group" in text for text in texts)
    for text in texts:
        assert not re.search(r"\b[1-9] (customers|in the smallest|journeys)\b", text), text


def test_what_a_customer_said_or_is_called_is_nowhere(telecom_audit: jl.Audit) -> None:
    log = pd.read_csv(telecom_audit.config.log.files[0], dtype=str)
    said = list(strings(plain(telecom_audit)))
    for table in telecom_audit.tables.values():
        for name in table.select_dtypes(["object", "str"]):
            said += table[name].dropna().astype("str").tolist()
    words = set(re.findall(r"\w+", "\n".join(said)))
    assert not (set(log["customer_id"].dropna()) | set(log["phone"].dropna())) & words
    sentences = [text for text in log["text"].dropna().unique() if len(text) > 12]
    assert not [text for text in sentences if text in "\n".join(said)]
    assert not re.search(r"\d\d:\d\d:\d\d", "\n".join(said))


def test_structure_counts_the_journeys_of_the_log(telecom_audit: jl.Audit) -> None:
    document = plain(telecom_audit)
    structure, total = document["structure"], document["log"]["journeys"]
    whole = {row["end"]: row for row in structure["ends"] if row["touchpoint"] == "(start)"}
    assert {row["share"]["n_journeys"] for row in whole.values()} == {total}
    ended, bounded = (
        sum(row["share"]["value"] for row in whole.values()),
        sum(row["at_least"] for row in whole.values()),
    )  # a lower bound is at most ten customers below what it stands for
    assert ended <= 1 + 1e-5
    assert ended >= 1 - 1e-5 if not bounded else ended < 1
    of_open = whole["open"]["share"]["value"] * total
    assert of_open == pytest.approx(document["log"]["open_journeys"], abs=0.01)
    start = next(row for row in structure["chain"] if row["touchpoint"] == "(start)")
    assert start["visited"]["n_journeys"] == total
    came = {row["touchpoint"]: row["journeys"] for row in document["touchpoints"]}
    for row in structure["ends"]:
        if row["touchpoint"] != "(start)":
            assert row["share"]["n_journeys"] == came[row["touchpoint"]]
    for kept in structure["maps"]:
        ledger = {row["what"]: row for row in kept["ledger"]}
        assert ledger["journeys"]["total"] == total
        assert ledger["events"]["total"] == document["log"]["events"]
        for row in ledger.values():
            parts = [row[name] for name in ("shown", "folded", "suppressed")]
            assert parts == [None] * 3 or sum(parts) == row["total"]
    assert [kept["kept"] for kept in structure["maps"]] == [0.2, 0.5, 1.0]


def test_stories_have_channel_feeling_and_ends_also_by_segment(telecom_audit: jl.Audit) -> None:
    found = plain(telecom_audit)["stories"]
    assert [part["segment"] for part in found["segments"]] == ["bundle", "fibre", "mobile"]
    for part in [found, *found["segments"]]:
        assert part["answer"] == "found"
        for story in part["stories"]:
            assert [step["touchpoint"] for step in story["steps"]] == story["touchpoints"]
            assert all(step["channel"] for step in story["steps"])
            assert sum(end["share"] for end in story["ends"]) <= 1 + 1e-6
            assert all(end["customers"] >= 10 for end in story["ends"])
    assert any(story["ends"] for story in found["stories"])
    steps = [step for story in found["stories"] for step in story["steps"]]
    assert any(step["feeling"] is not None for step in steps)


@pytest.mark.parametrize(("still_open", "steps"), [(0, 500), (3, 503), (10, 500)])
def test_the_steps_foreseen_do_not_tell_how_few_journeys_are_open(
    parts: Callable[..., Any], still_open: int, steps: int
) -> None:
    """Of 500 steps three more have no known next one: as many as open journeys."""
    nothing = pd.DataFrame()
    losses = pd.DataFrame({"order": [1, 2], "loss": [1.0, 1.0], "gain": [float("nan"), 0.0]})
    order = OrderTest(losses.assign(gain_se=0.01, better=False), 1, 500)
    chain = parts(table=nothing, points_of_no_return=nothing, order=order, suppressed=0)
    structure = parts(ends=nothing, maps={}, chain=chain)
    document = build._structure(structure, 10, still_open)
    assert document["memory"].values["steps"] == steps


def points_of(**exits: tuple[int, int]) -> list[Any]:
    """Return tipping points with frustrated exits of sessions: of all, then of segments."""
    return [
        SimpleNamespace(segment=name, events=events, sessions=sessions)
        for name, (events, sessions) in exits.items()
    ]


def test_few_frustrated_exits_of_a_segment_are_told_by_no_other_segment() -> None:
    """All 63 less the 30 of B and the 30 of C would be the three of A: one more is hidden."""
    plain = {"everyone": (90, 200), "A": (30, 60), "B": (30, 70), "C": (30, 70)}
    assert build._exits_shown(points_of(**plain), 10) == {"everyone", "A", "B", "C"}
    few = build._exits_shown(points_of(**plain | {"everyone": (63, 200), "A": (3, 60)}), 10)
    assert few in ({"everyone", "B"}, {"everyone", "C"})
    # Nor where all but three of a segment leave in frustration.
    most = build._exits_shown(points_of(**plain | {"everyone": (117, 200), "A": (57, 60)}), 10)
    assert most in ({"everyone", "B"}, {"everyone", "C"})
    assert "everyone" not in build._exits_shown(points_of(everyone=(5, 200)), 10)
    assert build._exits_shown([], 10) == set()
