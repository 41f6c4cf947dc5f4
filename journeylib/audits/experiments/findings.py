"""What the lab adds to the findings of an audit: objective, bets, readings and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from journeylib.audits.config.audit_config import AuditConfig
from journeylib.audits.experiments.facts import assessment_of, bets_of, objective_of
from journeylib.audits.findings.insight import insight
from journeylib.audits.result.result import Finding, Severity
from journeylib.core import number, text
from journeylib.lab import JoinedBet

GRAVE = frozenset({"stop", "harm", "veto"})  # inconsistencies that may hurt customers now


def lab_findings(
    config: AuditConfig, document: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]
) -> list[Finding]:
    """Return what objective, bets, readings and the self-assessment tell.

    Parameters
    ----------
    config : AuditConfig
    document : mapping
        Content of audit.json.
    earlier : sequence of mapping
        The same of the kept runs before, the oldest first.
    """
    return [
        *_objective(config, document, earlier),
        *_bets(config, document),
        *_assessment(config, document),
    ]


def _objective(
    config: AuditConfig, document: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]
) -> list[Finding]:
    report = objective_of(config, document, earlier)
    if report is None:
        return []
    severity: Severity = "low" if report.state == "cannot_be_told" else "info"
    if report.state == "moving_away" or report.broken:
        severity = "high"
    return [insight("objective", severity, " ".join(report.texts), report.to_dict())]


def _bets(config: AuditConfig, document: Mapping[str, Any]) -> list[Finding]:
    joined = bets_of(config, document)
    by_id: dict[str, Finding] = {}
    for one in joined:
        for problem in one.inconsistencies:
            severity: Severity = "high" if problem.kind in GRAVE else "medium"
            name = f"bet-{one.bet.name}-{problem.kind.replace('_', '-')}"
            evidence = {"bets": list(problem.bets)}
            by_id.setdefault(problem.text, insight(name, severity, problem.text, evidence))
    return [*by_id.values(), *(_reading(one) for one in joined if one.facts.has_reading)]


def _reading(one: JoinedBet) -> Finding:
    sentence = text(
        "lab.finding.reading",
        bet=one.bet.name,
        touchpoint=one.bet.touchpoint,
        decision=text(f"lab.decided.{one.facts.decision or 'unread'}"),
    )
    return insight(f"bet-{one.bet.name}-reading", "info", sentence, one.to_dict())


def _assessment(config: AuditConfig, document: Mapping[str, Any]) -> list[Finding]:
    if config.assessment is None:
        return []
    rows = assessment_of(config, document).contradictions.to_dict("records")
    if not rows:
        return []
    first = rows[0]
    sentence = text(
        "lab.finding.assessment",
        statement=first["text"].rstrip("."),
        people=number(first["people"], 1),
        word=text(f"lab.scale.{round(first['people'])}"),
        figure=first["figure"],
    )
    if len(rows) > 1:
        sentence = f"{sentence} {text('lab.finding.more', count=len(rows) - 1)}"
    names = [str(row["statement"]) for row in rows]
    return [insight("self-assessment", "medium", sentence, {"statements": names})]
