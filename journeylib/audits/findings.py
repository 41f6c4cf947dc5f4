"""Findings: the sentences that a reader of an audit should know first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from journeylib.audits.gates import check_gates
from journeylib.estimate import Estimate, rounded

if TYPE_CHECKING:
    from journeylib.audits.run import Audit

Severity = Literal["info", "low", "medium", "high"]
RANK: dict[str, int] = {"high": 0, "medium": 1, "low": 2, "info": 3}
NAMED = 5  # touchpoints named in one sentence; more are counted


@dataclass(frozen=True)
class Finding:
    """One sentence with its severity and the numbers it rests on.

    Attributes
    ----------
    id : str
        Stable name, so that two runs can be compared.
    kind : {"gate", "insight", "quality"}
    severity : {"info", "low", "medium", "high"}
    verdict : {"pass", "fail", "not_assessable"}
        Only a gate can fail; everything else informs.
    text : str
    evidence : mapping
        Plain JSON values.
    """

    id: str
    kind: Literal["gate", "insight", "quality"]
    severity: Severity
    verdict: Literal["pass", "fail", "not_assessable"]
    text: str
    evidence: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the form that `audit.json` holds."""
        return {
            "id": self.id,
            "kind": self.kind,
            "severity": self.severity,
            "verdict": self.verdict,
            "text": self.text,
            "evidence": dict(self.evidence),
        }


def all_findings(audit: Audit) -> tuple[Finding, ...]:
    """Return every finding of a run: failed gates first, then by severity, then by id."""
    found = [
        *_gates(audit),
        *_containment(audit),
        *_requests(audit),
        *_verdicts(audit),
        *_moments(audit),
        *_axes(audit),
        *_quality(audit),
    ]
    return tuple(sorted(found, key=lambda f: (f.verdict != "fail", RANK[f.severity], f.id)))


def _gates(audit: Audit) -> list[Finding]:
    return [
        Finding(
            id=f"gate-{outcome.gate.id}",
            kind="gate",
            severity=outcome.gate.severity if outcome.verdict == "fail" else "info",
            verdict=outcome.verdict,
            text=outcome.text,
            evidence={"metric": outcome.gate.metric, "value": outcome.value},
        )
        for outcome in check_gates(audit.config.gates, audit.document)
    ]


def _insight(
    name: str, severity: Severity, text: str, evidence: Mapping[str, Any] | None = None
) -> Finding:
    return Finding(name, "insight", severity, "pass", text, evidence or {})


def _containment(audit: Audit) -> list[Finding]:
    handoffs = audit.evidence.handoffs
    if handoffs.abstain is not None or handoffs.sessions == 0:
        text = (
            "Bots, hand-overs and containment cannot be assessed: "
            + ("no column says who acted." if handoffs.abstain else "the log has no bot session.")
        )  # fmt: skip
        return [Finding("containment", "insight", "low", "not_assessable", text, {})]
    raw, verified = handoffs.contained_raw, handoffs.contained_verified
    evidence = {"raw": rounded(raw.value), "verified": verified.to_dict()}
    if raw.value is None or verified.value is None:
        text = f"Verified containment has {verified}."
        return [Finding("containment", "insight", "low", "not_assessable", text, evidence)]
    hidden = raw.value - verified.value
    text = (
        f"Bots look as if they settle {_share(raw.value)} of their sessions; verified, it is "
        f"{verified}. The difference came back, went silent or cannot be told."
    )
    severity: Severity = "high" if hidden >= 0.2 else "medium" if hidden >= 0.1 else "info"
    return [_insight("containment", severity, text, evidence)]


def _requests(audit: Audit) -> list[Finding]:
    handoffs = audit.evidence.handoffs
    found = []
    honoured: Estimate = handoffs.requests_honoured
    if honoured.value is not None and handoffs.requests >= audit.config.journeys.min_customers:
        minutes = audit.config.measures.honoured_minutes
        when = f"within {minutes:g} minutes" if audit.journeys.has_clock else "afterwards"
        text = f"Of the conversations in which a customer asked for a human, {honoured} saw one "
        text += f"{when}."
        severity: Severity = "high" if (honoured.hi or 0) < 0.8 else "info"
        found.append(_insight("requests-honoured", severity, text, honoured.to_dict()))
    if handoffs.dead_ends:
        text = f"No human can be reached from {_names(handoffs.dead_ends)}."
        found.append(_insight("dead-ends", "high", text, {"touchpoints": list(handoffs.dead_ends)}))
    return found


VERDICT_SENTENCES: dict[str, tuple[Severity, str]] = {
    "fix_first": ("high", "Mend before anything is automated: {names}."),
    "automate": ("medium", "A machine can serve {names}."),
    "assist": ("info", "People served by AI in the background suit {names}."),
    "human_led": ("medium", "People should lead at {names}."),
    "human_only": ("high", "Only people should serve {names}."),
    "abstain": ("low", "The evidence does not settle {names}."),
}


def _verdicts(audit: Audit) -> list[Finding]:
    scores = audit.judgement.scores
    found = []
    for verdict, (severity, sentence) in VERDICT_SENTENCES.items():
        names = list(scores.loc[scores["verdict"] == verdict, "touchpoint"])
        if names:
            text = sentence.format(names=_names(names))
            if verdict == "abstain" and len(names) == len(scores):
                text = f"The evidence settles none of the {len(names)} touchpoints."
            name = f"verdict-{verdict.replace('_', '-')}"
            found.append(_insight(name, severity, text, {"touchpoints": names}))
    return found


def _moments(audit: Audit) -> list[Finding]:
    moments = audit.judgement.moments
    if moments.empty:
        text = "Moments of truth cannot be told: the log brings no outcomes of customers."
        return [Finding("moments", "insight", "low", "not_assessable", text, {})]
    found = moments[moments["is_moment"]]
    if found.empty:
        text = (
            f"None of the {len(moments)} touchpoint and outcome pairs tested stands out as a "
            "moment of truth."
        )
        return [_insight("moments", "info", text, {"tested": len(moments)})]
    names = list(dict.fromkeys(found["touchpoint"]))
    text = (
        f"Moments of truth, of {len(moments)} pairs tested: a good experience is estimated to "
        f"change what customers do next at {_names(names)}, if nothing unseen decides both."
    )
    return [_insight("moments", "medium", text, {"touchpoints": names, "tested": len(moments)})]


def _axes(audit: Audit) -> list[Finding]:
    axes = audit.judgement.axes
    if axes.get("distinguishable", True):
        return []
    text = (
        "Automation fit and empathy need go together so closely in this log "
        f"(correlation {axes['rho']:.2f}) that they are not two axes: no quadrant is drawn."
    )
    return [_insight("axes", "medium", text, {"rho": rounded(axes["rho"])})]


def _quality(audit: Audit) -> list[Finding]:
    found = []
    for row in audit.log.quality.checks.to_dict("records"):
        if row["severity"] not in ("warning", "blocking"):
            continue
        evidence = {"rows": int(row["rows"]), "share": rounded(row["share"])}
        name = f"quality-{row['check']}-{row['role']}".rstrip("-").replace("_", "-")
        found.append(Finding(name, "quality", "low", "pass", str(row["text"]), evidence))
    return found


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _names(names: list[str] | tuple[str, ...]) -> str:
    shown = list(names[:NAMED])
    if len(names) > NAMED:
        return f"{', '.join(shown)} and {len(names) - NAMED} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
