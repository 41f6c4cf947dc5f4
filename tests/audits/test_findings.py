"""Findings: what a person should know first, in words of their trade."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest

import journeylib as jl
from journeylib.audits.config.audit_config import Gate
from journeylib.audits.findings.bot_summaries import bot_ends
from journeylib.audits.findings.findings import all_findings
from journeylib.audits.findings.gates import check_gates
from journeylib.audits.result.result import Finding
from journeylib.core import use_language
from journeylib.present.views.bots import handoff_table

from .conftest import CONFIG


def by_id(audit: jl.Audit) -> dict[str, Finding]:
    return {finding.id: finding for finding in all_findings(audit)}


def test_failed_gates_come_first_and_passed_ones_last(small_audit: jl.Audit) -> None:
    gates = [
        Gate(id="many", metric="log.events", min=1),
        Gate(id="few", metric="log.events", max=1, severity="low"),
        Gate(id="unknown", metric="touchpoints[touchpoint=Gone].events", min=1),
    ]
    found = all_findings(small_audit, check_gates(gates, small_audit.document))
    assert (found[0].id, found[0].verdict, found[0].severity) == ("gate-few", "fail", "low")
    assert {f.id: f.verdict for f in found if f.kind == "gate"} == {
        "gate-few": "fail",
        "gate-many": "pass",
        "gate-unknown": "not_assessable",
    }
    assert not replace(small_audit, findings=found).passed
    assert small_audit.passed


def test_ids_are_unique_and_severities_fall(telecom_audit: jl.Audit) -> None:
    found = telecom_audit.findings
    assert len({finding.id for finding in found}) == len(found)
    rank = ["high", "medium", "low", "info"]
    ranks = [rank.index(finding.severity) for finding in found]
    assert ranks == sorted(ranks)


def test_the_sample_is_told_as_it_was_planted(telecom_audit: jl.Audit) -> None:
    found = by_id(telecom_audit)
    raw = found["containment"].evidence["raw"]
    verified = found["containment"].evidence["verified"]["value"]
    assert raw - verified > 0.2
    assert found["containment"].severity == "high"
    assert f"{100 * raw:.1f} %" in found["containment"].text
    assert "Number porting" in found["verdict-fix-first"].evidence["touchpoints"]
    assert found["moments"].evidence["touchpoints"] == ["Complaint call"]
    assert found["tipping-point"].text.startswith(
        "Customers give up on a bot or ask for a person more often after about 3"
    )


def test_a_moment_without_every_check_is_told_as_an_association(telecom_audit: jl.Audit) -> None:
    sure = by_id(telecom_audit)["moments"].text
    judgement = telecom_audit.judgement
    weaker = replace(judgement, moments=judgement.moments.assign(grade="C"))
    loose = by_id(replace(telecom_audit, judgement=weaker))["moments"].text
    assert "a good visit at Complaint call is estimated to change" in sure
    assert "A good visit at Complaint call goes with what customers do or say next" in loose


def test_quality_findings_ask_for_something(telecom_audit: jl.Audit) -> None:
    quality = {f.id for f in telecom_audit.findings if f.kind == "quality"}
    assert quality == {
        "quality-ties-timestamp",
        "quality-unmapped-actor",
        "quality-unusable-timestamp",
    }


def test_what_is_missing_is_named(small_audit: jl.Audit) -> None:
    assert by_id(small_audit)["moments"].text == (
        "Moments of truth cannot be assessed: the log brings no outcomes of customers. Name a "
        "table of them under log.outcomes."
    )


@pytest.mark.parametrize("which", ["telecom_audit", "small_audit"])
def test_each_text_is_a_sentence(which: str, request: pytest.FixtureRequest) -> None:
    for finding in request.getfixturevalue(which).findings:
        assert finding.text[0].isupper() or finding.text[0].isdigit(), finding.text
        assert finding.text.endswith("."), finding.text
        assert "nan" not in finding.text.split() and "None" not in finding.text.split()


@pytest.mark.slow
def test_people_who_pass_work_on_are_no_alarm_where_no_bot_serves(small_with):
    """Two desks of people serve sixty customers; half of them are passed on."""
    people = CONFIG.replace("b: bot", "b: human")
    audit = jl.audit(small_with(config=people))
    assert audit.document["handoffs"]["sessions"] == 0
    assert {item.state for item in audit.judgement.handoff_items} == {"not_measurable"}
    raised = {finding.id for finding in audit.findings if finding.severity == "high"}
    assert not raised & {"handoff-worst", "dead-ends", "requests-honoured", "disclosure"}
    assert by_id(audit)["containment"].text == (
        "Bots, hand-overs and containment cannot be assessed: the log has no bot session."
    )
    assert "The log has no bot session." in repr(handoff_table(audit))


@pytest.mark.parametrize("which", ["telecom_audit", "bank_audit", "small_audit"])
def test_no_sentence_of_a_finding_has_more_than_25_words(
    which: str, request: pytest.FixtureRequest
) -> None:
    audit = request.getfixturevalue(which)
    texts = [finding.text for finding in audit.findings]
    with use_language("de"):
        texts += [finding.text for finding in all_findings(audit)]
    sentences = [one for text in texts for one in re.split(r"(?<=[.!?])\s+", text)]
    assert len(sentences) > 2 * len(audit.findings)
    assert [one for one in sentences if len(one.split()) > 25] == []


@pytest.mark.slow
def test_a_name_that_nothing_is_called_is_told_and_stops_no_run(small_with):
    named = "journeys: {goals: [Cal]}\njudge: {legally_human: [Rere]}\n"
    config = small_with(config=CONFIG + named)
    audit = jl.audit(config)
    rows = {row["role"]: row for row in audit.document["log"]["quality"]}
    assert rows["journeys.goals"]["text"] == (
        "journeys.goals names 'Cal', which is no touchpoint of this log. Did you mean 'Call'? "
        "It may not have happened in this period, or be misspelt."
    )
    # "Rare" is lived by three customers only, so it is nobody's nearest name.
    assert "Did you mean" not in rows["judge.legally_human"]["text"]
    assert {f.severity for f in audit.findings if f.id.startswith("quality-names-nothing")} == {
        "low"
    }
    assert audit.config == jl.load_config(config)
    assert jl.read_journeys(config).settings == audit.journeys.settings


def test_the_ends_of_a_bot_are_told_where_its_open_sessions_are_too_few_to_tell():
    row = {"sessions": 232, "ended_with_bot": 210, "handed_over": pd.NA, "abandoned": pd.NA}
    assert bot_ends(row | {"open": pd.NA}) == {"ended_with_bot": 210 / 232, "other": 1 - 210 / 232}
    assert bot_ends(row | {"open": 12}) == {"ended_with_bot": 210 / 220, "other": 1 - 210 / 220}
    none_open = {"sessions": 58, "ended_with_bot": 14, "handed_over": 0, "abandoned": 44, "open": 0}
    assert bot_ends(none_open) == {
        "ended_with_bot": 14 / 58,
        "handed_over": 0,
        "abandoned": 44 / 58,
    }
