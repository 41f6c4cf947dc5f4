"""What the lab adds to the findings of an audit: objective, bets, readings and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from journeylib.audits.experiments.facts import assessment_of, bets_of, objective_of
from journeylib.lab.reading import DECISION_WORDS
from journeylib.lab.strategy.bets import JoinedBet
from journeylib.lab.strategy.self_assessment import SCALE

if TYPE_CHECKING:
    from journeylib.audits.findings import Finding
    from journeylib.audits.run import Audit

GRAVE = frozenset({"stop", "harm", "veto"})  # inconsistencies that may hurt customers now
SENTENCES = {
    "reading": "The experiment of the bet {bet} at {touchpoint} was read: {decision}.",
    "assessment": "People say that “{statement}” holds ({people} of 4, {word}), but the log shows "
    "that it does not: {figure}.",
    "more": " {count} more statements stand so.",
}


def lab_findings(audit: Audit) -> list[Finding]:
    """Return what objective, bets, readings and the self-assessment tell; empty without them."""
    config = audit.config
    if not (config.objective or config.bets or config.assessment):
        return []
    return [*_objective(audit), *_bets(audit), *_assessment(audit)]


def _finding(
    id_: str, severity: Literal["info", "low", "medium", "high"], text: str, **evidence: object
) -> Finding:
    from journeylib.audits.findings import Finding

    return Finding(id_, "insight", severity, "pass", text, evidence)


def _objective(audit: Audit) -> list[Finding]:
    earlier = [entry.document for entry in audit.history.before(audit.as_of)]
    found = objective_of(audit.config, audit.document, earlier)
    if found is None:
        return []
    grave = found.state == "moving_away" or bool(found.broken)
    severity: Literal["info", "low", "high"] = "info"
    if grave:
        severity = "high"
    elif found.state == "cannot_be_told":
        severity = "low"
    text = " ".join(found.texts)
    return [_finding("objective", severity, text, **found.to_dict())]


def _bets(audit: Audit) -> list[Finding]:
    joined = bets_of(audit.config, audit.document)
    found = []
    told: set[str] = set()
    for one in joined:
        for problem in one.inconsistencies:
            if problem.text in told:
                continue
            told.add(problem.text)
            severity: Literal["high", "medium"] = "high" if problem.kind in GRAVE else "medium"
            name = f"bet-{one.bet.name}-{problem.kind.replace('_', '-')}"
            found.append(_finding(name, severity, problem.text, bets=list(problem.bets)))
    return found + [_reading(one) for one in joined if one.facts.has_reading]


def _reading(one: JoinedBet) -> Finding:
    decision = DECISION_WORDS[one.facts.decision]
    text = SENTENCES["reading"].format(
        bet=one.bet.name,
        touchpoint=one.bet.touchpoint,
        decision=decision[0].lower() + decision[1:],
    )
    return _finding(f"bet-{one.bet.name}-reading", "info", text, **one.to_dict())


def _assessment(audit: Audit) -> list[Finding]:
    if audit.config.assessment is None:
        return []
    rows = assessment_of(audit.config, audit.document).contradictions.to_dict("records")
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
    return [_finding("self-assessment", "medium", text, statements=names)]
