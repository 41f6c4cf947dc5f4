"""Decisions: ranked by evidence, in plain sentences, and no two of them exclude each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import journeylib as jl
from journeylib.audits.findings.bot_summaries import _ends
from journeylib.audits.findings.decisions import _of_customers, decide
from journeylib.audits.findings.findings import all_findings
from journeylib.core import use_language
from journeylib.measures import Handoffs

SAMPLES = ["telecom_audit", "bank_audit"]
HAND_OVER_FINDINGS = {"dead-ends", "requests-honoured", "handoff-worst", "handoff-time"}
WORDS = 25


def sentences(document: dict[str, Any]) -> Iterator[str]:
    said = document["decisions"]
    yield from (said["headline"], said["detail"], *said["trials"], *said["trust"])
    for item in said["items"]:
        yield from (item["title"], item["reason"])
    yield from (flag["text"] for flag in said["flags"])


def exclusions(document: dict[str, Any]) -> list[str]:
    """Return the pairs of sentences of one document of which only one can hold."""
    said = document["decisions"]
    spots = {row["touchpoint"]: row for row in document["touchpoints"]}
    flagged = {(flag["touchpoint"], flag["kind"]) for flag in said["flags"]}
    asked = {(item["kind"], name) for item in said["items"] for name in item["touchpoints"]}
    found = []
    for bot in said["bots"]:
        name, answer = bot["touchpoint"], bot["answer"]
        verdict = spots[name]["verdict"]
        if ("hand_over", name) in asked and answer != "at once":
            found.append(f"{name}: hand over at once, and costs say {answer}")
        if ("hand_over", name) in asked and verdict == "automate":
            found.append(f"{name}: hand over at once, and a machine should serve")
        by_people = verdict in ("assist", "human_led", "human_only")
        if answer == "never" and by_people and (name, "costs") not in flagged:
            found.append(f"{name}: never hand over, and {verdict}")
        if bot["verified_lo"] is not None and bot["verified_lo"] > bot["verified_hi"]:
            found.append(f"{name}: the worst case is better than the best")
    for name, row in spots.items():
        fit = row["automation_fit"]["value"]
        if row["verdict"] == "assist" and fit < 40 and (name, "small_offer") not in flagged:
            found.append(f"{name}: a machine should help, and adds little")
        if ("fix_first", name) in asked and row["verdict"] != "fix_first":
            found.append(f"{name}: repair it, and {row['verdict']}")
        if ("protect", name) in asked and row["verdict"] == "automate":
            found.append(f"{name}: protect it, and a machine should serve")
    for row in (document["portfolio"] or {"candidates": []})["candidates"]:
        sentence = next((one for one in said["trials"] if one.startswith(row["touchpoint"])), "")
        if sentence and row["value"]["lo"] < 0 and "perhaps nothing" not in sentence:
            found.append(f"{row['touchpoint']}: worth something, and perhaps nothing")
    settled = sum(row["verdict"] != "abstain" for row in document["touchpoints"])
    if not any(re.match(rf"{settled} of \d+ touchpoints", one) for one in said["trust"]):
        found.append("verdicts are counted in two ways")
    return found


@pytest.mark.parametrize("which", SAMPLES)
def test_no_two_sentences_exclude_each_other(which: str, request: pytest.FixtureRequest) -> None:
    assert exclusions(request.getfixturevalue(which).document) == []


def test_what_excludes_each_other_is_noticed(telecom_audit: jl.Audit) -> None:
    said = telecom_audit.document["decisions"]
    without = {**telecom_audit.document, "decisions": {**said, "flags": []}}
    assert {one.partition(":")[2] for one in exclusions(without)} == {
        " billing: never hand over, and assist",
        " fault: a machine should help, and adds little",
    }


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("which", SAMPLES)
def test_sentences_are_short(which: str, language: str, request: pytest.FixtureRequest) -> None:
    audit = request.getfixturevalue(which)
    with use_language(language):
        said = decide(audit, audit.changes)
    document = {
        "decisions": {
            **{name: getattr(said, name) for name in ("headline", "detail", "trials", "trust")},
            "items": [vars(item) for item in said.items],
            "flags": [vars(flag) for flag in said.flags],
        }
    }
    long = [
        one
        for said in sentences(document)
        for one in re.split(r"(?<=[.?!]) (?=[A-ZÄÖÜ„])", said)
        if len(one.split()) > WORDS
    ]
    assert long == []


def test_the_sample_asks_for_what_was_planted(telecom_audit: jl.Audit) -> None:
    said = telecom_audit.decisions
    assert [(item.kind, item.touchpoints, item.grade) for item in said.items] == [
        ("way_out", ("Chatbot: number porting",), "C"),
        ("fix_first", ("Number porting",), "C"),
        ("hand_over", ("Chatbot: fault",), "C"),
        ("disclose", (), "C"),
        ("protect", ("Complaint call",), "B"),
    ]
    ids = {finding.id for finding in telecom_audit.findings}
    assert {item.evidence for item in said.items} <= ids
    assert said.detail.startswith("Worst: Chatbot: number porting")
    assert "Best: Chatbot: billing" in said.detail


@pytest.mark.parametrize("which", SAMPLES)
def test_the_least_harm_decides_the_order(which: str, request: pytest.FixtureRequest) -> None:
    items = request.getfixturevalue(which).decisions.items
    assert 0 < len(items) <= 5
    assert [item.strength for item in items] == sorted(
        (item.strength for item in items), reverse=True
    )


def test_without_a_bot_of_customers_nothing_is_said_of_hand_overs(telecom_audit: jl.Audit) -> None:
    evidence = replace(telecom_audit.evidence, handoffs=Handoffs())
    office = replace(telecom_audit, evidence=evidence)
    said = decide(office, office.changes)
    assert said.bots == ()
    assert {item.kind for item in said.items} == {"fix_first", "protect"}
    assert not {finding.id for finding in all_findings(office)} & HAND_OVER_FINDINGS
    assert said.headline == said.items[0].title


def test_a_limit_asks_for_a_decision_only_where_the_company_set_it(
    telecom_audit: jl.Audit,
) -> None:
    config = telecom_audit.config
    own = config.model_copy(
        update={"judge": config.judge.model_copy(update={"handoff_limits": {"dead_cries": 0.05}})}
    )
    kinds = [
        item.kind
        for item in decide(replace(telecom_audit, config=own), telecom_audit.changes).items
    ]
    assert "limit" in kinds
    assert "limit" not in [item.kind for item in telecom_audit.decisions.items]


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ((50, 30, 20), {"contained": 0.5, "handed_over": 0.3, "abandoned": 0.2}),
        ((50, 0, 50), {"contained": 0.5, "handed_over": 0.0, "abandoned": 0.5}),
        # 6 alone could be counted back from the others, so it takes the next smallest along.
        ((60, 6, 34), {"contained": 0.6, "other": 0.4}),
        ((86, 6, 8), {"contained": 0.86, "other": 0.14}),
        ((4, 2, 1), {}),
    ],
)
def test_ends_of_few_sessions_cannot_be_counted_back(
    ends: tuple[int, int, int], shown: dict[str, float]
) -> None:
    row = dict(zip(("contained", "handed_over", "abandoned"), ends, strict=True))
    assert _ends(row, 10) == pytest.approx(shown)


def test_the_interval_is_wilson_s() -> None:
    from statsmodels.stats.proportion import proportion_confint

    expected = proportion_confint(44, 57, method="wilson")
    assert _of_customers(44 / 57, 57) == pytest.approx(expected, abs=1e-4)


def test_the_document_holds_the_same(telecom_audit: jl.Audit) -> None:
    said, part = telecom_audit.decisions, telecom_audit.document["decisions"]
    assert part["headline"] == said.headline
    assert [item["title"] for item in part["items"]] == [item.title for item in said.items]
    assert [bot["touchpoint"] for bot in part["bots"]] == [bot.touchpoint for bot in said.bots]
    assert pd.Series([item["customers"] for item in part["items"]]).ge(10).all()
