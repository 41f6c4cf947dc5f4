"""Findings on service types: how much is at stake in contacts, and what bots get of it."""

from __future__ import annotations

from collections.abc import Iterator

from journeylib.audits.findings.insight import insight, unanswered
from journeylib.audits.result.result import Assessment, Finding, Severity
from journeylib.core import estimate_text, percent, text
from journeylib.measures import Matters, ServiceTypes

LISTED = 8  # matters in one sentence, the largest first
MANY_GIVE_UP = 0.2  # share of such contacts of bots from which giving up is serious


def service_type_findings(assessment: Assessment) -> Iterator[Finding]:
    """Yield the share of the second type, what bots get of it, and what contacts are about."""
    types = assessment.service_types
    if types is None:
        return
    yield from _types(types)
    yield from _matters(types.about)


def _matters(about: Matters) -> Iterator[Finding]:
    """Yield what contacts are about; nothing where the log's own intents say so."""
    named = [f"{one.name} {percent(one.share.value, 0)}" for one in about.matters]
    if named:
        sentence = text(f"audits.finding.matters.{about.answer}", matters="; ".join(named[:LISTED]))
        shares = {one.name: one.share.to_dict() for one in about.matters}
        yield insight("service-types-matters", "info", sentence, shares)
    elif about.answer not in ("intents", "no_text"):
        answer = about.answer if about.answer == "few_customers" else "no_stable_topics"
        yield unanswered("service-types-matters", text(f"audits.finding.matters.{answer}"))


def _types(types: ServiceTypes) -> Iterator[Finding]:
    if types.answer != "estimated":
        sentence = text(f"audits.finding.service_types.{types.answer}")
        counts = {"learned": types.learned, "measured": types.measured}
        yield unanswered("service-types", sentence, counts)
        return
    kind = types.names[1]
    share = next((s.share for s in types.shares if s.by == "log" and s.type == kind), None)
    if share is None or share.value is None:
        yield unanswered("service-types", text("audits.finding.service_types.few_measured"))
        return
    sure = "band" if types.band is not None else "no_band"
    sentence = text(
        f"audits.finding.service_types.{sure}", type=kind, share=share, right=types.right
    )
    yield insight("service-types", "info", sentence, {"type": kind, "share": share.to_dict()})
    bots = next((one for one in types.bots if not one.touchpoint and one.type == kind), None)
    if bots is None or bots.share.value is None:
        return
    became = {"confirmed": bots.confirmed, "handed_over": bots.handed_over, "gave_up": bots.gave_up}
    if any(one.value is None for one in became.values()):
        return
    shown = {name: estimate_text(one) for name, one in became.items()}
    sentence = text("audits.finding.service_types.bots", type=kind, share=bots.share, **shown)
    severity: Severity = "high" if (bots.gave_up.lo or 0) > MANY_GIVE_UP else "medium"
    evidence = {"type": kind, "share": bots.share.to_dict()}
    evidence |= {name: one.to_dict() for name, one in became.items()}
    yield insight("service-types-bots", severity, sentence, evidence)
