"""Views of the first screen: key numbers, findings, verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journeylib.core import text
from journeylib.present.blocks import Block, Card, cards, findings_list, verdict_list
from journeylib.present.drawing.svg import esc
from journeylib.present.views.scores import judged

if TYPE_CHECKING:
    from journeylib.audits import Audit


def headline(audit: Audit) -> Block:
    """Return the title of an audit, its period and its key numbers."""
    log, handoffs = audit.document["log"], audit.evidence.handoffs
    period = audit.document["audit"]["period"]
    when = text("present.headline.no_clock")
    if period:
        first, last = period
        as_of = audit.as_of.isoformat()
        when = text("present.headline.period", first=first, last=last, as_of=as_of)
    moments = audit.judgement.moments
    tested = len(moments)
    words = {
        name: text(f"present.headline.{name}", n=n)
        for name, n in (("still_open", log["open_journeys"]), ("pairs", tested))
    }
    verified = handoffs.contained_verified
    block = cards(
        Card(text("present.headline.customers"), log["customers"]),
        Card(
            text("present.headline.journeys"), log["journeys"], words["still_open"] * bool(period)
        ),
        Card(text("present.headline.events"), log["events"]),
        Card(
            text("present.headline.verified"),
            verified,
            text("present.headline.bounds") if verified.value is not None else "",
        ),
        Card(text("present.headline.honoured"), handoffs.requests_honoured),
        Card(
            text("present.headline.moments"),
            int(moments["is_moment"].sum()) if tested else text("present.headline.not_asked"),
            words["pairs"] if tested else text("present.headline.no_outcomes"),
        ),
    )
    lead = text("present.headline.lead", title=audit.config.heading, when=when)
    return Block(f'<p class="jl jl-lead">{esc(lead)}</p>{block.html}', f"{lead}\n{block.text}")


def findings(audit: Audit) -> Block:
    """Return the findings of an audit in sentences, the most severe first."""
    return findings_list(
        finding for finding in audit.document["findings"] if finding["kind"] != "quality"
    )


def verdicts(audit: Audit) -> Block:
    """Return the verdicts, one card each, with the touchpoints they are for."""
    scores = audit.judgement.scores
    block = verdict_list(judged(audit))
    unasked = list(scores.loc[scores["abstain"] == "not_served", "touchpoint"])
    if not unasked:
        return block
    note = text("present.verdicts.unasked", names=", ".join(unasked))
    return Block(f'{block.html}<p class="jl jl-note">{esc(note)}</p>', f"{block.text}\n{note}")
