"""Findings: the sentences that a reader of an audit should know first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from journeylib.audits.findings.bots import bot_findings
from journeylib.audits.findings.insight import insight, listed
from journeylib.audits.findings.moments_and_goals import journey_findings
from journeylib.audits.findings.service_types import service_type_findings
from journeylib.audits.result.result import Assessment, Finding, Severity
from journeylib.core import rounded, text

RANK: dict[str, int] = {"high": 0, "medium": 1, "low": 2, "info": 3}
DESCRIPTIVE = frozenset({"missing"})  # checks that describe the log and ask for nothing
SEVERITY_OF_VERDICT: dict[str, Severity] = {
    "fix_first": "high",
    "automate": "medium",
    "assist": "info",
    "human_led": "medium",
    "human_only": "high",
}


def all_findings(assessment: Assessment, others: Sequence[Finding] = ()) -> tuple[Finding, ...]:
    """Return every finding of a run, those of gates and lab among them.

    Failed gates come first, then by severity, then by id.
    """
    findings = [
        *others,
        *bot_findings(assessment),
        *service_type_findings(assessment),
        *journey_findings(assessment),
        *_first_automations(assessment),
        *_verdicts(assessment),
        *_robustness(assessment),
        *_axes(assessment),
        *_paradoxes(assessment),
        *_quality(assessment),
    ]
    return tuple(sorted(findings, key=lambda f: (f.verdict != "fail", RANK[f.severity], f.id)))


def _first_automations(assessment: Assessment) -> Iterator[Finding]:
    portfolio = assessment.portfolio
    if portfolio is not None:
        evidence = {"answer": portfolio.answer, "chosen": list(portfolio.chosen)}
        severity: Severity = "medium" if portfolio.answer == "settled" else "low"
        yield insight("first-automations", severity, portfolio.text, evidence)


def _verdicts(assessment: Assessment) -> Iterator[Finding]:
    scores = assessment.judgement.scores
    for verdict, severity in SEVERITY_OF_VERDICT.items():
        names = list(scores.loc[scores["verdict"] == verdict, "touchpoint"])
        if names:
            sentence = text(f"audits.finding.verdict.{verdict}", names=listed(names))
            name = f"verdict-{verdict.replace('_', '-')}"
            yield insight(name, severity, sentence, {"touchpoints": names})
    served = scores[scores["abstain"] != "not_served"]
    names = list(served.loc[served["verdict"] == "abstain", "touchpoint"])
    if names:
        where = "served" if len(served) < len(scores) else "all"
        sentence = text(
            f"audits.finding.verdict.abstain.{where}",
            n=len(names),
            touchpoints=len(served),
            names=listed(names),
        )
        yield insight("verdict-abstain", "low", sentence, {"touchpoints": names})


def _robustness(assessment: Assessment) -> Iterator[Finding]:
    """Name the verdicts that rest on who is one customer and where a journey ends."""
    prepared = assessment.prepared
    tables = {
        "cut": prepared.cut_sensitivity,
        "stitching": prepared.stitching_levels,
        "linkage": prepared.linkage_levels,
    }
    changed = {
        choice: sorted({change["touchpoint"] for row in table["changes"] for change in row})
        for choice, table in tables.items()
        if len(table) and table["verdicts_compared"].notna().all()
    }
    dependent = [
        text(f"audits.finding.choices.depend.{choice}", names=listed(names))
        for choice, names in changed.items()
        if names
    ]
    if dependent:
        sentence = text("audits.finding.choices.agree", choices=" ".join(dependent))
        yield insight("choices", "medium", sentence, changed)
    elif changed:
        alternatives = [text(f"audits.finding.choices.other.{choice}") for choice in changed]
        sentence = text(
            "audits.finding.choices.none", choices=text("audits.finding.or").join(alternatives)
        )
        yield insight("choices", "info", sentence, changed)


def _axes(assessment: Assessment) -> Iterator[Finding]:
    axes = assessment.judgement.axes
    if not axes.get("distinguishable", True):
        sentence = text("audits.finding.axes", rho=f"{axes['rho']:.2f}")
        yield insight("axes", "medium", sentence, {"rho": rounded(axes["rho"])})


def _paradoxes(assessment: Assessment) -> Iterator[Finding]:
    for paradox in assessment.judgement.paradoxes:
        if paradox.state == "active":
            name = f"paradox-{paradox.name.replace('_', '-')}"
            sentence = text(
                "audits.finding.paradox", title=paradox.title, reasons=" ".join(paradox.reasons)
            )
            yield insight(name, "medium", sentence, paradox.to_dict())


def _quality(assessment: Assessment) -> Iterator[Finding]:
    """Name what somebody should mend; that an optional column is sparse is no such thing."""
    for row in assessment.quality.checks.to_dict("records"):
        blocking = row["severity"] == "blocking"
        if not blocking and (row["severity"] != "warning" or row["check"] in DESCRIPTIVE):
            continue
        name = f"quality-{row['check']}-{row['role']}".rstrip("-").replace("_", "-")
        severity: Severity = "high" if blocking else "low"
        evidence = {"rows": int(row["rows"]), "share": rounded(row["share"])}
        yield Finding(name, "quality", severity, "pass", str(row["text"]), evidence)
