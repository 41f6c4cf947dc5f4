"""Decisions: ranked by evidence, in plain sentences, and no two of them exclude each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import journeylib as jl
from journeylib.audits.findings.bot_summaries import bot_ends
from journeylib.audits.findings.decisions import _of_customers, decide
from journeylib.audits.findings.findings import all_findings
from journeylib.audits.result.decision import Decisions
from journeylib.audits.result.result import Change, Changes
from journeylib.core import Estimate, number, use_language
from journeylib.judge import HandoffTime
from journeylib.log import Cells, protect
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


def long_sentences(document: dict[str, Any]) -> list[str]:
    return [
        one
        for said in sentences(document)
        for one in re.split(r"(?<=[.?!]) (?=[A-ZÄÖÜ„])", said)
        if len(one.split()) > WORDS
    ]


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
        first = next(iter(row.get("reasons", ())), "")
        if first and row["verdict"] == "automate" and not first.startswith("For a machine"):
            found.append(f"{name}: automate, and first {first}")
        if row["verdict"] in ("human_led", "human_only") and first.startswith("For a machine"):
            found.append(f"{name}: {row['verdict']}, and first {first}")
        if row["served_by"] == "nobody" and {"hand_over", "way_out"} & {
            kind for kind, where in asked if where == name
        }:
            found.append(f"{name}: nobody serves here, and hand over")
    for bot in said["bots"]:
        spot, never = bot["touchpoint"], bot["answer"] == "never"
        if ("way_out", spot) in asked and never and (spot, "costs") not in flagged:
            found.append(f"{spot}: give it a way to a person, and never hand over")
        if bot["answer"] is None and bot["agreement"] is not None:
            found.append(f"{spot}: not settled, and settled")
    for row in (document["portfolio"] or {"candidates": []})["candidates"]:
        sentence = next((one for one in said["trials"] if one.startswith(row["touchpoint"])), "")
        if sentence and row["value"]["lo"] < 0 and "perhaps nothing" not in sentence:
            found.append(f"{row['touchpoint']}: worth something, and perhaps nothing")
    whole = document.get("handoffs", {}).get("contained_verified") or {"hi": None}
    named = [bot["verified_lo"] for bot in said["bots"] if bot["touchpoint"] in said["detail"]]
    if None not in (*named, whole["hi"]) and named and whole["hi"] < min(named):
        found.append("all bots together are worse than the worst that is named")
    served = [row for row in document["touchpoints"] if row["served_by"] != "nobody"]
    settled = sum(row["verdict"] != "abstain" for row in document["touchpoints"])
    if not any(one.startswith(f"{settled} of {len(served)} touchpoints") for one in said["trust"]):
        found.append("verdicts are counted in two ways")
    alarms = [change for change in document["changes"] if change["significant"]]
    worse = [one for one in alarms if (one["kind"], one["direction"]) == ("performance", "worse")]
    if len(worse) > sum(item["kind"] == "alarm" for item in said["items"][: len(worse)]):
        found.append("something got worse, and it is not the first decision")
    strengths = [item["strength"] for item in said["items"] if item["kind"] != "alarm"]
    if strengths != sorted(strengths, reverse=True) or any(value < 0 for value in strengths):
        found.append("a weaker decision stands before a stronger one")
    return found


def spots(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Return touchpoints as the document has them."""
    return [
        {
            "touchpoint": row["touchpoint"],
            "verdict": row["verdict"],
            "automation_fit": {"value": row["automation_fit"]},
            "served_by": "nobody" if row["abstain"] == "not_served" else "somebody",
        }
        for row in scores.to_dict("records")
    ]


def document_of(audit: jl.Audit) -> dict[str, Any]:
    """Return the document, with who serves at each touchpoint."""
    reasons = {row["touchpoint"]: row["reasons"] for row in audit.document["touchpoints"]}
    rows = [row | {"reasons": reasons[row["touchpoint"]]} for row in spots(audit.judgement.scores)]
    return {**audit.document, "touchpoints": rows}


@pytest.mark.slow
@pytest.mark.parametrize("which", SAMPLES)
def test_no_two_sentences_exclude_each_other(which: str, request: pytest.FixtureRequest) -> None:
    assert exclusions(document_of(request.getfixturevalue(which))) == []


def test_what_excludes_each_other_is_noticed(telecom_audit: jl.Audit) -> None:
    said, document = telecom_audit.document["decisions"], document_of(telecom_audit)
    # One verdict more and one less: as many as the document counts.
    other: dict[str, dict[str, Any]] = {
        "Chatbot: billing": {"verdict": "assist"},
        "Chatbot: plan advice": {"verdict": "abstain"},
        "Chatbot: fault": {"automation_fit": {"value": 39.0}},
    }
    rows = [row | other.get(row["touchpoint"], {}) for row in document["touchpoints"]]
    without = {**document, "touchpoints": rows, "decisions": {**said, "flags": []}}
    assert {one.partition(":")[2] for one in exclusions(without)} == {
        " billing: never hand over, and assist",
        " fault: a machine should help, and adds little",
    }


def test_a_bot_that_hands_over_by_design_is_named_where_it_counts(bank_audit: jl.Audit) -> None:
    """The phone menu passes nine of ten on; without it 13 to 15 % lie below the worst of 18 %."""
    said = bank_audit.document["decisions"]
    compared, _, also = said["detail"].partition(" Phone menu counts too: ")
    assert compared.startswith("Worst: Chatbot: cards") and also == "it hands 92 % to a person."
    without = {**document_of(bank_audit), "decisions": {**said, "detail": compared}}
    assert exclusions(without) == ["all bots together are worse than the worst that is named"]


VERDICTS = ("automate", "assist", "human_led", "human_only", "fix_first", "abstain")


def varied_scores(scores: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return other verdicts for the touchpoints at which somebody serves."""
    rows = scores.copy()
    for place in rows.index[rows["abstain"] != "not_served"]:
        verdict = str(rng.choice(VERDICTS))
        rows.loc[place, "verdict"] = verdict
        rows.loc[place, "abstain"] = "n_small" if verdict == "abstain" else None
        rows.loc[place, "automation_fit"] = rng.uniform(20, 90)
    return rows


def varied_handoffs(handoffs: Handoffs, rng: np.random.Generator) -> Handoffs:
    """Return bots that end otherwise, and other bots from which nobody reaches a person."""
    rows = handoffs.by_touchpoint.copy()
    for place in rows.index:
        customers = int(rng.integers(3, 300))
        ends = rng.multinomial(customers, rng.dirichlet([1, 1, 1]))
        lo, hi = np.sort(rng.uniform(0, 1, 2))
        rows.loc[place, ["ended_with_bot", "handed_over", "abandoned"]] = ends
        rows.loc[place, ["sessions", "customers", "open"]] = (customers, customers, 0)
        rows.loc[place, ["verified_lo", "verified_hi"]] = (lo, hi)
    dead = rows.loc[rng.uniform(size=len(rows)) < 0.4, "touchpoint"]
    lo, hi = np.sort(rng.uniform(0, 0.9, 2))
    verified = replace(handoffs.contained_verified, value=lo, lo=lo, hi=hi)
    raw = replace(handoffs.contained_raw, value=rng.uniform(hi, 1))
    return replace(
        handoffs,
        by_touchpoint=rows,
        dead_ends=tuple(dead),
        contained_raw=raw,
        contained_verified=verified,
    )


def generated(audit: jl.Audit, seed: int) -> tuple[jl.Audit, Changes]:
    """Return an audit with other verdicts, bots, costs, moments, worths and changes."""
    rng = np.random.default_rng(seed)
    scores = varied_scores(audit.judgement.scores, rng)
    served = list(scores.loc[scores["verdict"] != "abstain", "touchpoint"])
    times = {
        topic: replace(time, answer=str(rng.choice(["never", "at once", "minutes"])),
                       settled=rng.uniform(0.3, 1))
        for topic, time in audit.judgement.handoff_times.items()
        if isinstance(time, HandoffTime)
    }  # fmt: skip
    moments = audit.judgement.moments.copy()
    moments["touchpoint"] = rng.choice(served, len(moments))
    moments["is_moment"] = rng.uniform(size=len(moments)) < 0.5
    able = scores.loc[scores["verdict"].isin(["automate", "assist"]), "touchpoint"]
    candidates = audit.portfolio.candidates.copy()
    candidates["chosen"] = candidates["touchpoint"].isin(able) & (
        rng.uniform(size=len(candidates)) < 0.7
    )
    ends = np.sort(rng.normal(300, 600, (len(candidates), 3)), axis=1)
    candidates["value"] = [
        Estimate(mid, "EUR/week", lo=lo, hi=hi, n_customers=40, grade="D") for lo, mid, hi in ends
    ]
    changes = tuple(
        Change(f"change-{i}", "performance" if rng.uniform() < 0.5 else "mix", f"measure {i}",
               f"Measure {i} changed.", significant=bool(rng.uniform() < 0.5), customers=50,
               q_value=rng.uniform(0, 0.05), direction=str(rng.choice(["worse", "better"])))
        for i in range(rng.integers(0, 4))
    )  # fmt: skip
    other = replace(
        audit,
        judgement=replace(audit.judgement, scores=scores, moments=moments, handoff_times=times),
        evidence=replace(audit.evidence, handoffs=varied_handoffs(audit.evidence.handoffs, rng)),
        portfolio=replace(audit.portfolio, candidates=candidates),
    )
    return other, replace(audit.changes, entries=changes)


@pytest.mark.slow
def test_no_two_sentences_of_200_generated_audits_exclude_each_other(
    telecom_audit: jl.Audit,
) -> None:
    kinds, flags = set(), set()
    for seed in range(200):
        audit, changes = generated(telecom_audit, seed)
        said = decide(audit, changes)
        document = {
            "touchpoints": spots(audit.judgement.scores),
            "portfolio": {
                "candidates": [
                    {"touchpoint": row["touchpoint"], "value": vars(row["value"])}
                    for row in audit.portfolio.candidates.to_dict("records")
                ]
            },
            "changes": [vars(change) for change in changes.entries],
            "decisions": {
                **vars(said),
                "items": [vars(item) for item in said.items],
                "flags": [vars(flag) for flag in said.flags],
                "bots": [vars(bot) for bot in said.bots],
            },
        }
        assert exclusions(document) == [], seed
        assert long_sentences(document) == [], seed
        kinds |= {item.kind for item in said.items}
        flags |= {flag.kind for flag in said.flags}
        _the_first_of_the_words_agree(audit, said)
    assert kinds >= {"alarm", "way_out", "fix_first", "hand_over", "disclose", "protect"}
    assert flags >= {"small_offer", "costs", "weights", "feeling", "moment", "worth"}


def _the_first_of_the_words_agree(audit: jl.Audit, said: Decisions) -> None:
    """Findings and trials name the same touchpoints; none that may gain nothing is sure."""
    words, chosen = audit.portfolio.text, audit.portfolio.chosen
    assert len(said.trials) == max(len(chosen), 1)
    for row in audit.portfolio.candidates.to_dict("records"):
        if row["chosen"] and row["value"].lo <= 0:
            assert row["touchpoint"] in words.partition("may be nothing at")[2]


@pytest.mark.slow
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
    assert long_sentences(document) == []


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
        ((50, 30, 20), {"ended_with_bot": 0.5, "handed_over": 0.3, "abandoned": 0.2}),
        ((50, 0, 50), {"ended_with_bot": 0.5, "handed_over": 0.0, "abandoned": 0.5}),
        # 6 alone could be counted back from the others, so it takes the next smallest along.
        ((60, 6, 34), {"ended_with_bot": 0.6, "other": 0.4}),
        ((86, 6, 8), {"ended_with_bot": 0.86, "other": 0.14}),
        ((4, 2, 1), {}),
    ],
)
def test_ends_of_few_sessions_cannot_be_counted_back(
    ends: tuple[int, int, int], shown: dict[str, float]
) -> None:
    row = dict(zip(("ended_with_bot", "handed_over", "abandoned", "open"), [*ends, 0], strict=True))
    counts = np.array([[size, size] for size in row.values()])
    seen = protect(Cells(counts, (np.zeros(4, np.int64),), zeros_shown=True), 10).exact
    public = {name: n if here else pd.NA for (name, n), here in zip(row.items(), seen, strict=True)}
    assert bot_ends({"sessions": sum(ends), **public}) == pytest.approx(shown)


def test_a_bound_is_called_a_bound_where_customers_give_up(bank_audit: jl.Audit) -> None:
    """One conversation at the bot for cards is open; the exact ends would tell of it."""
    (row,) = [
        b for b in bank_audit.document["decisions"]["bots"] if b["touchpoint"].endswith("cards")
    ]
    assert row["at_least"] == ["ended_with_bot", "abandoned"]
    assert row["ends"]["abandoned"] == pytest.approx(120 / row["sessions"], abs=1e-6)  # of 135
    (item,) = [d for d in bank_audit.decisions.items if d.kind == "hand_over"]
    assert item.reason.startswith("At least 43 % give up; 17 to 24 % are confirmed")


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


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_mean_of_recommendations_is_never_called_nps(
    language: str, telecom_audit: jl.Audit
) -> None:
    """A net promoter score is promoters minus detractors; only that is called so."""
    with use_language(language):
        texts = {one.id: one.text for one in all_findings(telecom_audit)}
        surveys = telecom_audit.judgement.surveys.set_index("kind")
        net = surveys.loc["nps", "nps"]
        assert number(net.value, 1) in texts["survey-nps"]
        assert "promoter score" in texts["survey-nps"].lower()
    others = [text for key, text in texts.items() if key != "survey-nps"]
    assert not [text for text in others if re.search("nps|promoter", text, re.IGNORECASE)]
