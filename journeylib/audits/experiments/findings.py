"""What the lab adds to the findings of an audit: objective, bets, readings and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from journeylib.audits.config import AuditConfig
from journeylib.audits.experiments.facts import assessment_of, bets_of, objective_of
from journeylib.lab import DECISION_WORDS, SCALE, JoinedBet

Severity = Literal["info", "low", "medium", "high"]
GRAVE = frozenset({"stop", "harm", "veto"})  # inconsistencies that may hurt customers now
SENTENCES = {
    "reading": "The experiment of the bet {bet} at {touchpoint} was read: {decision}.",
    "assessment": "People say that “{statement}” holds ({people} of 4, {word}), but the log shows "
    "that it does not: {figure}.",
    "more": " {count} more statements stand so.",
}


@dataclass(frozen=True)
class LabFinding:
    """One sentence of the lab, before it stands among the findings of an audit."""

    id: str
    severity: Severity
    text: str
    evidence: Mapping[str, Any]


def lab_findings(
    config: AuditConfig, document: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]
) -> list[LabFinding]:
    """Return what objective, bets, readings and the self-assessment tell.

    Parameters
    ----------
    config : AuditConfig
    document : mapping
        Content of audit.json.
    earlier : sequence of mapping
        The same of the kept runs before, the oldest first.

    Returns
    -------
    list of LabFinding
    """
    return [
        *_objective(config, document, earlier),
        *_bets(config, document),
        *_assessment(config, document),
    ]


def _objective(
    config: AuditConfig, document: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]
) -> list[LabFinding]:
    found = objective_of(config, document, earlier)
    if found is None:
        return []
    severity: Severity = "low" if found.state == "cannot_be_told" else "info"
    if found.state == "moving_away" or found.broken:
        severity = "high"
    return [LabFinding("objective", severity, " ".join(found.texts), found.to_dict())]


def _bets(config: AuditConfig, document: Mapping[str, Any]) -> list[LabFinding]:
    joined = bets_of(config, document)
    found: dict[str, LabFinding] = {}
    for one in joined:
        for problem in one.inconsistencies:
            severity: Severity = "high" if problem.kind in GRAVE else "medium"
            name = f"bet-{one.bet.name}-{problem.kind.replace('_', '-')}"
            evidence = {"bets": list(problem.bets)}
            found.setdefault(problem.text, LabFinding(name, severity, problem.text, evidence))
    return [*found.values(), *(_reading(one) for one in joined if one.facts.has_reading)]


def _reading(one: JoinedBet) -> LabFinding:
    decision = DECISION_WORDS[one.facts.decision]
    text = SENTENCES["reading"].format(
        bet=one.bet.name,
        touchpoint=one.bet.touchpoint,
        decision=decision[0].lower() + decision[1:],
    )
    return LabFinding(f"bet-{one.bet.name}-reading", "info", text, one.to_dict())


def _assessment(config: AuditConfig, document: Mapping[str, Any]) -> list[LabFinding]:
    if config.assessment is None:
        return []
    rows = assessment_of(config, document).contradictions.to_dict("records")
    if not rows:
        return []
    first = rows[0]
    text = SENTENCES["assessment"].format(
        statement=first["text"].rstrip("."),
        people=f"{first['people']:.1f}",
        word=SCALE[round(first["people"])],
        figure=first["figure"],
    )
    if len(rows) > 1:
        text += SENTENCES["more"].format(count=len(rows) - 1)
    names = [str(row["statement"]) for row in rows]
    return [LabFinding("self-assessment", "medium", text, {"statements": names})]
