"""What decides, on the telecom sample with its planted truth: document, findings, tables."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

import journeylib as jl
from journeylib import present as show
from journeylib.audits.findings.findings import all_findings
from journeylib.audits.result.build import build_document
from journeylib.core.estimate import Estimate
from journeylib.judge.bot_timing.handoff_time import HandoffTime
from journeylib.present.tables import Table


def document_of(audit: jl.Audit) -> dict[str, Any]:
    """Return the document of an audit some of whose results were replaced."""
    return build_document(audit, audit.changes)


def moment(audit: jl.Audit, touchpoint: str, outcome: str = "churn") -> dict[str, Any]:
    rows = [
        row
        for row in audit.document["moments_of_truth"]
        if (row["touchpoint"], row["outcome"]) == (touchpoint, outcome)
    ]
    (row,) = rows
    return row


def test_a_planted_moment_is_found_and_a_confounded_one_is_not(telecom_audit: jl.Audit) -> None:
    complaint, billing = (
        moment(telecom_audit, "Complaint call"),
        moment(telecom_audit, "Billing call"),
    )
    # planted: not solved adds .28 of churn
    assert complaint["is_moment"]
    assert complaint["effect"]["lo"] < -0.28 < complaint["effect"]["hi"] < 0
    assert complaint["impact"]["lo"] > 0
    # planted: only severe matters, solved less, leave more; the naive reader is fooled
    assert billing["naive"] < -0.1
    assert billing["effect"]["lo"] < 0 < billing["effect"]["hi"]
    assert not billing["is_moment"]


def test_all_outcomes_are_one_family(telecom_audit: jl.Audit) -> None:
    rows = telecom_audit.document["moments_of_truth"]
    assert {row["outcome"] for row in rows} == {"churn", "complaint"}
    tested = [row for row in rows if row["q_value"] is not None]
    # Benjamini and Hochberg: nobody's q-value is below the p-value, and the least is m times it
    p = telecom_audit.judgement.moments["p_value"].dropna().astype(float)
    least = min(row["q_value"] for row in tested)
    assert least <= float(p.min()) * len(tested) * 1.00001


def test_the_hand_off_waits_for_the_tipping_point(telecom_audit: jl.Audit) -> None:
    everyone = telecom_audit.document["tipping_points"][0]
    assert everyone["minutes_lo"] < 3.0 < everyone["minutes_hi"]  # planted
    time = everyone["handoff_time"]
    assert time["minutes"] == everyone["minutes"]
    low, high = time["flat_region"]
    assert low < time["minutes"] < high
    assert time["cost"]["value"] < min(time["cost_at_once"]["value"], time["cost_never"]["value"])


def test_without_costs_a_reason_stands_in(telecom_audit: jl.Audit) -> None:
    why = dict.fromkeys(telecom_audit.judgement.handoff_times, "no costs declared (judge.costs)")
    bare = replace(telecom_audit, judgement=replace(telecom_audit.judgement, handoff_times=why))
    for point in document_of(bare)["tipping_points"]:
        assert point["handoff_time"] is None
        assert point["handoff_reason"] == "no costs declared (judge.costs)"
    assert "no costs declared" in repr(show.handoff_times(bare))
    assert "handoff-time" not in {finding.id for finding in all_findings(bare)}


def test_never_and_at_once_are_words_in_the_document(telecom_audit: jl.Audit) -> None:
    times = telecom_audit.judgement.handoff_times
    known = times["all"]
    assert isinstance(known, HandoffTime)
    never = replace(known, answer="never", minutes=float("inf"), flat_region=(4.0, float("inf")))
    audit = replace(
        telecom_audit, judgement=replace(telecom_audit.judgement, handoff_times={"all": never})
    )
    document = document_of(audit)
    told = document["tipping_points"][0]["handoff_time"]
    assert (told["minutes"], told["flat_region"]) == ("never", [4.0, None])
    assert "4.0 min or later" in show.handoff_times(audit)._repr_html_()
    json.dumps(document, allow_nan=False)


def test_surveys_are_bounded(telecom_audit: jl.Audit) -> None:
    surveys = {row["kind"]: row for row in telecom_audit.document["surveys"]}
    assert sorted(surveys) == ["csat", "nps"]
    csat = surveys["csat"]
    rate = csat["answered"] / csat["asked"]
    assert csat["response_rate"]["value"] == pytest.approx(rate, rel=1e-5)
    assert csat["mean"]["lo"] == pytest.approx(rate * csat["mean"]["value"], rel=1e-5)
    assert csat["mean"]["hi"] == pytest.approx(csat["mean"]["lo"] + 10 * (1 - rate), rel=1e-5)


def test_findings_follow_the_grade(telecom_audit: jl.Audit) -> None:
    judgement = telecom_audit.judgement
    weaker = judgement.moments.assign(grade="C")
    audit = replace(telecom_audit, judgement=replace(judgement, moments=weaker))
    text = next(finding.text for finding in all_findings(audit) if finding.id == "moments")
    assert "goes with" in text
    assert "change" not in text
    firm = next(f.text for f in all_findings(telecom_audit) if f.id == "moments")
    assert "is estimated to change what customers do next. This holds if" in firm


def test_tables_show_what_was_found(telecom_audit: jl.Audit) -> None:
    moments = show.moments(telecom_audit)
    assert isinstance(moments, Table)
    by_name = moments.frame.set_index(["touchpoint", "outcome"])
    assert by_name.loc[("Complaint call", "churn"), "affected"].startswith("44.9 journeys/year")
    assert by_name.loc[("Billing call", "churn"), "affected"] == ""
    assert "asymmetry" not in moments.frame  # no neutral middle is declared
    weights = show.sensitivity(telecom_audit)
    assert isinstance(weights, Table)
    moved = {row["touchpoint"] for row in telecom_audit.document["sensitivity"] if row["changed"]}
    assert set(weights.frame["touchpoint"]) == moved
    assert "better than the average of all moments" in repr(show.remembered(telecom_audit))


def test_a_remembered_end_is_a_table_and_a_finding(telecom_audit: jl.Audit) -> None:
    peak_end = telecom_audit.judgement.peak_end
    assert peak_end is not None
    gain = Estimate(0.2, "share", 0.1, 0.3, n_customers=300, n_journeys=400)
    weight = Estimate(0.1, "SD per SD", 0.0, 0.2, n_customers=300)
    end = Estimate(0.7, "SD per SD", 0.6, 0.8, n_customers=300)
    told = replace(
        peak_end, gain=gain, weights={"mean": weight, "end": end, "trough": weight, "trend": weight}
    )
    audit = replace(telecom_audit, judgement=replace(telecom_audit.judgement, peak_end=told))
    assert document_of(audit)["peak_end"]["beats_mean"]
    text = next(finding.text for finding in all_findings(audit) if finding.id == "remembered")
    assert text.startswith("Ratings of conversations go most with the last moment")
    table = show.remembered(audit)
    assert isinstance(table, Table)
    assert table.frame["moment"].tolist()[1] == "the last moment"


def test_small_logs_say_why_there_is_nothing(small_audit: jl.Audit) -> None:
    assert "hold no survey" in repr(show.surveys(small_audit))
    assert "cannot be told" in repr(show.remembered(small_audit))
    assert "no costs declared" in repr(show.handoff_times(small_audit))
    assert small_audit.document["satisfaction"] is None


def test_presence_stands_apart_from_the_moments(telecom_audit: jl.Audit) -> None:
    found = telecom_audit.document["presence"]
    told = [row for row in found if row["hazard_ratio"]["value"] is not None]
    assert told
    assert {row["hazard_ratio"]["grade"] for row in told} == {"C"}
    assert {row["hazard_ratio"]["abstain"] for row in found if row not in told} <= {
        "n_small",
        "no_overlap",
        "unidentified",
    }
    shown = show.presence(telecom_audit)
    assert isinstance(shown, Table)
    assert len(shown.frame) == len(told)
    assert "does not say that the touchpoint drives them away" in shown.note


def test_what_is_not_declared_is_not_measurable(telecom_audit: jl.Audit) -> None:
    assert telecom_audit.document["queue_time"] is None
    assert "judge.capacity" in telecom_audit.document["queue_reason"]
    assert "not measurable: no staff" in repr(show.queue_time(telecom_audit))
    for row in telecom_audit.document["surveys"]:
        assert row["adjusted"]["abstain"] == "n_small"


def test_the_q_value_under_any_dependence_is_shown(telecom_audit: jl.Audit) -> None:
    complaint = moment(telecom_audit, "Complaint call")
    assert complaint["q_value_dependent"] > complaint["q_value"]
    shown = show.moments(telecom_audit)
    assert isinstance(shown, Table)
    assert shown.frame["q"].str.contains("at worst").any()
