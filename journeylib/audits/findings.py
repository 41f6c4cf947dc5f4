"""Findings: the sentences that a reader of an audit should know first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from journeylib.audits.experiments.findings import lab_findings
from journeylib.audits.gates import check_gates
from journeylib.estimate import ABSTAIN_TEXT, Estimate, percent, rounded
from journeylib.judge.handover import HandoffTime
from journeylib.judge.harms import worst_item

if TYPE_CHECKING:
    from journeylib.audits.run import Audit
    from journeylib.judge.tipping import TippingPoint

Severity = Literal["info", "low", "medium", "high"]
RANK: dict[str, int] = {"high": 0, "medium": 1, "low": 2, "info": 3}
EVERYONE = "all"  # the segment of a tipping point that is none
DESCRIPTIVE = frozenset({"missing"})  # checks that tell of the log and ask for nothing
SETTLED = 0.6  # share of resamples from which a hand-off time is called settled
FEW_SILENT = 0.8  # response rate from which the silent can no longer turn a mean around
REMEMBERED = {
    "mean": "the average of all moments",
    "end": "the last moment",
    "trough": "the worst moment",
    "trend": "getting better on the way",
}
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
        *_worst(audit),
        *_tipping(audit),
        *_handoff_time(audit),
        *_starting(audit),
        *_surveys(audit),
        *_remembered(audit),
        *_verdicts(audit),
        *_choices(audit),
        *_ends(audit),
        *_moments(audit),
        *_axes(audit),
        *_disclosure(audit),
        *_paradoxes(audit),
        *_quality(audit),
        *_lab(audit),
    ]
    return tuple(sorted(found, key=lambda f: (f.verdict != "fail", RANK[f.severity], f.id)))


def _gates(audit: Audit) -> list[Finding]:
    if not audit.config.gates:
        return []
    return [
        Finding(
            id=f"gate-{outcome.gate.id}",
            kind="gate",
            severity=outcome.gate.severity if outcome.verdict == "fail" else "info",
            verdict=outcome.verdict,
            text=outcome.text,
            evidence=outcome.evidence,
        )
        for outcome in check_gates(audit.config.gates, audit.document, _document_before(audit))
    ]


def _lab(audit: Audit) -> list[Finding]:
    """Return what objective, bets, readings and the self-assessment tell."""
    config = audit.config
    if not (config.objective or config.bets or config.assessment):
        return []
    earlier = [entry.document for entry in audit.history.before(audit.as_of)]
    return [
        _insight(one.id, one.severity, one.text, one.evidence)
        for one in lab_findings(config, audit.document, earlier)
    ]


def _document_before(audit: Audit) -> Mapping[str, Any] | None:
    """Return the content of `audit.json` of the run before."""
    known = {entry.run_id: entry.document for entry in audit.history.entries}
    return known.get(audit.changes.previous or "")


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
        why = ABSTAIN_TEXT[str(verified.abstain or raw.abstain)]
        text = f"How many conversations bots settle cannot be verified: {why}."
        return [Finding("containment", "insight", "low", "not_assessable", text, evidence)]
    hidden = raw.value - verified.value
    days = audit.config.measures.repeat_days
    text = (
        f"Counted as vendors do, bots settle {percent(raw.value)} of their conversations; "
        f"{verified} can be verified. In the others the customer came back within {days:g} days "
        "or went silent, or the log cannot tell."
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
        text = (
            f"When customers asked for a human, one joined {when} in {honoured} of the "
            "conversations."
        )
        severity: Severity = "high" if (honoured.hi or 0) < 0.8 else "info"
        found.append(_insight("requests-honoured", severity, text, honoured.to_dict()))
    if handoffs.dead_ends:
        text = f"Nobody gets from {_names(handoffs.dead_ends)} to a human: open a way out."
        found.append(_insight("dead-ends", "high", text, {"touchpoints": list(handoffs.dead_ends)}))
    return found


def _worst(audit: Audit) -> list[Finding]:
    """Name the item of the hand-off audit that fails with the most harm; no mean is made."""
    items = audit.judgement.handoff_items
    worst = worst_item(items)
    if worst is None:
        return []
    estimate: Estimate = audit.evidence.handoffs.estimates()[worst.name]
    failing = [item for item in items if item.state == "fails"]
    measured = [item for item in items if item.state != "not_measurable"]
    limit = percent(worst.limit.at) if estimate.unit == "share" else f"{worst.limit.at:g}"
    text = (
        f"Where handing over hurts most: {estimate}, {estimate.estimand}; it fails "
        f"{'below' if worst.limit.falls else 'above'} {limit}. In all, {len(failing)} of "
        f"{len(measured)} measured items of the hand-off audit fail."
    )
    return [_insight("handoff-worst", "high", text, {"items": [item.name for item in failing]})]


def _tipping(audit: Audit) -> list[Finding]:
    """Say when conversations with a bot turn sour, for everyone or for some."""
    points = [p for p in audit.judgement.tipping_points if p.answer == "tipping_point"]
    if not points:
        return []
    everyone = [p for p in points if p.segment == EVERYONE]
    said = "; ".join(_moment(point) for point in (everyone or points)[:NAMED])
    text = (
        f"Conversations with a bot turn sour {said}: from then on customers give up or ask for "
        "a human more often. Try to hand over before."
    )
    evidence = {"segments": [p.segment for p in points]}
    return [_insight("tipping-point", "medium", text, evidence)]


def _moment(point: TippingPoint) -> str:
    at = point.at
    span = "" if at.lo is None or at.hi is None else f" ({at.lo:.1f} to {at.hi:.1f})"
    who = "" if point.segment == EVERYONE else f" for {point.segment}"
    return f"after about {at.value:.1f}{span} minutes{who}"


VERDICT_SENTENCES: dict[str, tuple[Severity, str]] = {
    "fix_first": (
        "high",
        "Mend before automating: {names}. Too much of it is repeated, goes wrong or goes on "
        "differently each time.",
    ),
    "automate": ("medium", "A machine can serve {names}."),
    "assist": ("info", "People with a machine to assist them suit {names}."),
    "human_led": ("medium", "People should lead at {names}, machines stay in the background."),
    "human_only": ("high", "Only people should serve {names}."),
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
    asked = scores[scores["abstain"] != "not_served"]
    names = list(asked.loc[asked["verdict"] == "abstain", "touchpoint"])
    if names:
        where = " at which somebody serves" if len(asked) < len(scores) else ""
        text = (
            f"No verdict for {len(names)} of {len(asked)} touchpoints{where}: {_names(names)}. "
            "The table of verdicts says what would settle each."
        )
        found.append(_insight("verdict-abstain", "low", text, {"touchpoints": names}))
    return found


def _choices(audit: Audit) -> list[Finding]:
    """Say which verdicts rest on who is one customer and where a journey ends."""
    prepared = audit.prepared
    asked = {
        "with another cut of journeys": prepared.cut_sensitivity,
        "at another level of stitching": prepared.stitching_levels,
        "without linkage": prepared.linkage_levels,
    }
    asked = {
        where: table
        for where, table in asked.items()
        if len(table) and table["verdicts_compared"].notna().all()
    }
    if not asked:
        return []
    changed = {
        where: sorted({one["touchpoint"] for row in table["changes"] for one in row})
        for where, table in asked.items()
    }
    resting = {where: names for where, names in changed.items() if names}
    if not resting:
        return [_insight("choices", "info", f"No verdict changes {' or '.join(asked)}.", changed)]
    said = "; ".join(f"{_names(names)} {where}" for where, names in resting.items())
    text = (
        f"Some verdicts rest on a choice made before measuring; they would be others for {said}. "
        "Settle that choice before acting on them."
    )
    return [_insight("choices", "medium", text, changed)]


def _ends(audit: Audit) -> list[Finding]:
    """Say where the goal is all but lost; of the order of touchpoints, so not of a thin mapping."""
    if audit.structure is None:
        return []
    rows = audit.structure.chain.points_of_no_return
    lost = rows[rows["towards"] == "no goal"].sort_values(
        ["visited", "touchpoint"], ascending=[False, True]
    )
    if lost.empty:
        return []
    names = list(lost["touchpoint"])
    text = (
        f"Hardly any journey that comes by {_names(names)} reaches a goal, whatever follows: "
        "either another matter brings people there, or it is lost before."
    )
    return [_insight("points-of-no-return", "low", text, {"touchpoints": names})]


def _handoff_time(audit: Audit) -> list[Finding]:
    """Say when handing over goes with the least cost; of all sessions, the table has the rest."""
    found = audit.judgement.handoff_times.get("all")
    if not isinstance(found, HandoffTime):
        return []
    when = {"at once": "a person takes over at once", "never": "the bot keeps them"}.get(
        found.answer, f"a person takes over after {found.minutes:.1f} minutes"
    )
    settled = found.settled >= SETTLED
    text = (
        f"With the costs declared, bot sessions are assumed to cost least where {when}: "
        f"{_money(found.cost)} (n = {found.cost.n_customers:,}), against "
        f"{_money(found.cost_at_once)} with a person at once and {_money(found.cost_never)} "
        "without one. "
    )
    text += (
        f"{percent(found.settled, 0)} of resamples agree"
        if settled
        else f"Not settled: only {percent(found.settled, 0)} of resamples agree"
    )
    text += "; what a new rule does is known only by trying it."
    evidence = {"answer": found.answer, "settled": rounded(found.settled)}
    return [_insight("handoff-time", "medium" if settled else "low", text, evidence)]


def _starting(audit: Audit) -> list[Finding]:
    found = audit.portfolio
    if found is None:
        return []
    evidence = {"answer": found.answer, "chosen": list(found.chosen)}
    severity: Severity = "medium" if found.answer == "settled" else "low"
    return [_insight("first-automations", severity, found.text, evidence)]


def _money(estimate: Estimate) -> str:
    currency = estimate.unit.partition("/")[0]
    interval = (
        f" ({estimate.lo:.2f} to {estimate.hi:.2f})"
        if estimate.lo is not None and estimate.hi is not None
        else ""
    )
    return f"{currency} {estimate.value or 0:.2f}{interval}"


def _surveys(audit: Audit) -> list[Finding]:
    found = []
    for row in audit.judgement.surveys.to_dict("records"):
        rate, mean = row["response_rate"], row["mean"]
        if rate.value is None or mean.lo is None or (rate.lo or 0) >= FEW_SILENT:
            continue
        text = (
            f"{rate} of the {row['asked']:,} asked answered the survey '{row['kind']}'. Their mean "
            f"of {mean.value:.1f} (n = {mean.n_customers:,}) speaks for them alone: over all who "
            f"were asked it lies anywhere between {mean.lo:.1f} and {mean.hi:.1f}, on a scale of "
            f"{row['worst']:g} to {row['best']:g}."
        )
        name = f"survey-{row['kind']}".lower().replace("_", "-").replace(" ", "-")
        found.append(_insight(name, "low", text, {"rate": rate.to_dict(), "mean": mean.to_dict()}))
    return found


def _remembered(audit: Audit) -> list[Finding]:
    found = audit.judgement.peak_end
    if found is None or not found.beats_mean:
        return []
    name = max(found.weights, key=lambda part: abs(found.weights[part].value or 0.0))
    text = (
        f"Ratings of conversations go most with {REMEMBERED[name]} (weight {found.weights[name]}; "
        f"{found.gain.n_journeys:,} rated conversations), beyond the average of all moments."
    )
    return [_insight("remembered", "info", text, {"part": name, "gain": found.gain.to_dict()})]


def _moments(audit: Audit) -> list[Finding]:
    moments = audit.judgement.moments
    if moments.empty:
        why = (
            "the log brings no outcomes of customers. Name a table of them under log.outcomes"
            if audit.log.outcomes is None
            else "nothing says which visits went well and which outcomes count. Fill in "
            "judge.moments"
        )
        text = f"Moments of truth cannot be told: {why}."
        return [Finding("moments", "insight", "low", "not_assessable", text, {})]
    tested = {"tested": len(moments)}
    if all(effect.value is None for effect in moments["effect"]):
        text = (
            f"Moments of truth cannot be told: none of the {len(moments)} pairs of touchpoint and "
            "outcome has enough customers on both sides to compare."
        )
        return [Finding("moments", "insight", "low", "not_assessable", text, tested)]
    found = moments[moments["is_moment"]]
    if found.empty:
        text = (
            f"No moment of truth among {len(moments)} pairs of touchpoint and outcome: at none "
            "is a good visit shown to change what customers do next."
        )
        return [_insight("moments", "info", text, tested)]
    names = list(dict.fromkeys(found["touchpoint"]))
    surer = list(dict.fromkeys(found.loc[found["grade"] == "B", "touchpoint"]))
    rest = [name for name in names if name not in surer]
    said = []
    if surer:
        said.append(
            f"at {_names(surer)} a good visit is estimated to change what customers do next, if "
            "nothing unseen decides both"
        )
    if rest:
        said.append(
            f"at {_names(rest)} a good visit goes with what customers do or say next (not every "
            "check could be made)"
        )
    text = f"Moments of truth: {'; '.join(said)} ({len(moments)} pairs of touchpoint and outcome "
    text += "tested)."
    return [_insight("moments", "medium", text, {"touchpoints": names, **tested})]


def _axes(audit: Audit) -> list[Finding]:
    axes = audit.judgement.axes
    if axes.get("distinguishable", True):
        return []
    text = (
        "Automation fit and empathy need go together so closely in this log "
        f"(correlation {axes['rho']:.2f}) that they are not two axes: verdicts rest on one, and "
        "no quadrant is drawn."
    )
    return [_insight("axes", "medium", text, {"rho": rounded(axes["rho"])})]


def _disclosure(audit: Audit) -> list[Finding]:
    found = audit.judgement.disclosure
    if found is None or (found.abstain is not None and found.wording.phrases.empty):
        return []
    severity: Severity = "high" if (found.never.lo or 0) > 0.01 else "info"
    return [_insight("disclosure", severity, found.text, found.to_dict())]


def _paradoxes(audit: Audit) -> list[Finding]:
    return [
        _insight(
            f"paradox-{paradox.name.replace('_', '-')}",
            "medium",
            f"Paradox {paradox.title}: {' '.join(paradox.reasons)}",
            paradox.to_dict(),
        )
        for paradox in audit.judgement.paradoxes
        if paradox.state == "active"
    ]


def _quality(audit: Audit) -> list[Finding]:
    """Say what somebody should mend; that an optional column is sparse is no such thing."""
    found = []
    for row in audit.log.quality.checks.to_dict("records"):
        blocking = row["severity"] == "blocking"
        if not blocking and (row["severity"] != "warning" or row["check"] in DESCRIPTIVE):
            continue
        evidence = {"rows": int(row["rows"]), "share": rounded(row["share"])}
        name = f"quality-{row['check']}-{row['role']}".rstrip("-").replace("_", "-")
        severity: Severity = "high" if blocking else "low"
        found.append(Finding(name, "quality", severity, "pass", str(row["text"]), evidence))
    return found


def _names(names: list[str] | tuple[str, ...]) -> str:
    shown = list(names[:NAMED])
    if len(names) > NAMED:
        return f"{', '.join(shown)} and {len(names) - NAMED} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
