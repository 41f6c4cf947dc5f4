"""Findings on bots: what they settle, how they hand over, when customers give up on them."""

from __future__ import annotations

from collections.abc import Iterator

from journeylib.audits.findings.insight import NAMED, insight, listed, unanswered
from journeylib.audits.result.result import Assessment, Finding, Severity
from journeylib.core import (
    Estimate,
    abstain_text,
    bounds_text,
    estimate_text,
    number,
    percent,
    rounded,
    text,
)
from journeylib.judge import HandoffTime, TippingPoint, worst_item

EVERYONE = "all"  # the segment of a tipping point that is none
SETTLED = 0.6  # share of resamples from which a hand-off time is called settled
FEW_HONOURED = 0.8  # share of requests for a person, below which too few were honoured
FEW_TOLD = 0.01  # share of sessions never told from which a missing disclosure is serious


def bot_findings(assessment: Assessment) -> Iterator[Finding]:
    """Yield what a reader should know of bots and of hand-overs."""
    yield _containment(assessment)
    if assessment.evidence.handoffs.sessions == 0:
        return  # no customer met a bot: nothing was handed over
    yield from _requests(assessment)
    yield from _worst_item(assessment)
    yield from _tipping_point(assessment)
    yield from _handoff_time(assessment)
    yield from _disclosure(assessment)


def _containment(assessment: Assessment) -> Finding:
    handoffs = assessment.evidence.handoffs
    if handoffs.abstain is not None or handoffs.sessions == 0:
        why = "no_actor" if handoffs.abstain else "no_bot"
        return unanswered("containment", text(f"audits.finding.containment.{why}"))
    raw, verified = handoffs.contained_raw, handoffs.contained_verified
    evidence = {"raw": rounded(raw.value), "verified": verified.to_dict()}
    if verified.abstain == "no_column" and assessment.log.schema.customer is None:
        return unanswered("containment", text("audits.finding.containment.cases_only"), evidence)
    if raw.abstain == "no_column":
        sentence = text("audits.finding.containment.no_queue", verified=verified)
        return unanswered("containment", sentence, evidence)
    # Of bounds in place of a small share the end counts that credits bots least.
    credited = raw.lo if raw.value is None else raw.value
    confirmed = verified.hi if verified.value is None else verified.value
    if credited is None or confirmed is None:
        why = abstain_text(verified.abstain or raw.abstain)
        return unanswered("containment", text("audits.finding.containment.open", why=why), evidence)
    hidden = credited - confirmed
    sentence = text(
        "audits.finding.containment.settled",
        raw=estimate_text(raw) if raw.value is None else percent(raw.value),
        verified=verified,
        joined=bounds_text(0, 1 - credited) if raw.value is None else percent(1 - raw.value),
        days=assessment.config.measures.repeat_days,
    )
    severity: Severity = "high" if hidden >= 0.2 else "medium" if hidden >= 0.1 else "info"
    return insight("containment", severity, sentence, evidence)


def _requests(assessment: Assessment) -> Iterator[Finding]:
    handoffs, minimum = assessment.evidence.handoffs, assessment.config.journeys.min_customers
    honoured = handoffs.requests_honoured
    bounded = honoured.abstain == "privacy" and honoured.lo is not None
    if (honoured.value is not None or bounded) and handoffs.requests >= minimum:
        clock = "clock" if assessment.journeys.has_clock else "no_clock"
        sentence = text(
            f"audits.finding.requests.{clock}",
            minutes=assessment.config.measures.honoured_minutes,
            honoured=honoured,
            limit=percent(FEW_HONOURED, 0),
        )
        severity: Severity = "high" if (honoured.hi or 0) < FEW_HONOURED else "info"
        yield insight("requests-honoured", severity, sentence, honoured.to_dict())
    if handoffs.dead_ends:
        sentence = text("audits.finding.dead_ends", names=listed(handoffs.dead_ends))
        yield insight("dead-ends", "high", sentence, {"touchpoints": list(handoffs.dead_ends)})


def _worst_item(assessment: Assessment) -> Iterator[Finding]:
    """Name the item of the hand-off audit that fails with the most harm; no mean is made."""
    items = assessment.judgement.handoff_items
    worst = worst_item(items)
    if worst is None:
        return
    estimate: Estimate = assessment.evidence.handoffs.estimates()[worst.name]
    failing = [item for item in items if item.state == "fails"]
    limit = Estimate(worst.limit.at, estimate.unit)
    sentence = text(
        "audits.finding.worst_item",
        item=text(f"audits.handoff_item.{worst.name}"),
        estimate=estimate,
        limit=percent(limit.value, 0) if limit.unit == "share" else limit,
        failing=len(failing),
        measured=sum(item.state != "not_measurable" for item in items),
    )
    yield insight("handoff-worst", "high", sentence, {"items": [item.name for item in failing]})


def _tipping_point(assessment: Assessment) -> Iterator[Finding]:
    """Say when customers begin to give up on a bot, for everyone or for some."""
    points = [p for p in assessment.judgement.tipping_points if p.answer == "tipping_point"]
    if points:
        everyone = [point for point in points if point.segment == EVERYONE]
        moments = "; ".join(_moment(point) for point in (everyone or points)[:NAMED])
        sentence = text("audits.finding.tipping.sentence", moments=moments)
        segments = [point.segment for point in points]
        yield insight("tipping-point", "medium", sentence, {"segments": segments})


def _moment(point: TippingPoint) -> str:
    at = point.at
    moment = text("audits.finding.tipping.after", minutes=number(at.value, 1))
    if at.lo is not None and at.hi is not None:
        moment = text(
            "audits.finding.tipping.interval",
            moment=moment,
            lo=number(at.lo, 1),
            hi=number(at.hi, 1),
        )
    if point.segment == EVERYONE:
        return moment
    return text("audits.finding.tipping.segment", moment=moment, segment=point.segment)


def _handoff_time(assessment: Assessment) -> Iterator[Finding]:
    """Say when handing over goes with the least cost, over all sessions."""
    time = assessment.judgement.handoff_times.get(EVERYONE)
    if not isinstance(time, HandoffTime):
        return
    settled = time.settled >= SETTLED
    sentence = text(
        "audits.finding.handoff_time.sentence",
        when=text(
            f"audits.finding.handoff_time.{time.answer.replace(' ', '_')}",
            minutes=number(time.minutes, 1) if time.answer == "minutes" else "",
        ),
        cost=_money(time.cost),
        n=time.cost.n_customers,
        at_once=_money(time.cost_at_once),
        never=_money(time.cost_never),
        agreement=text(
            f"audits.finding.handoff_time.{'settled' if settled else 'not_settled'}",
            share=percent(time.settled, 0),
        ),
    )
    evidence = {"answer": time.answer, "settled": rounded(time.settled)}
    yield insight("handoff-time", "medium" if settled else "low", sentence, evidence)


def _money(estimate: Estimate) -> str:
    currency = estimate.unit.partition("/")[0]
    amount = f"{currency} {number(estimate.value or 0, 2)}"
    if estimate.lo is None or estimate.hi is None:
        return amount
    lo, hi = number(estimate.lo, 2), number(estimate.hi, 2)
    return text("interval", value=amount, range=text("range.words", lo=lo, hi=hi))


def _disclosure(assessment: Assessment) -> Iterator[Finding]:
    disclosure = assessment.judgement.disclosure
    if disclosure is None:
        return
    if disclosure.abstain is None or not disclosure.wording.phrases.empty:
        severity: Severity = "high" if (disclosure.never.lo or 0) > FEW_TOLD else "info"
        yield insight("disclosure", severity, disclosure.text, disclosure.to_dict())
