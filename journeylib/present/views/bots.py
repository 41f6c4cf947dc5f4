"""Views of bots and people: where sessions end, hand-offs, disclosure, timing, paradoxes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd

from journeylib.audits import Audit
from journeylib.core import Estimate, abstain_text, estimate_text, label, number, percent, text
from journeylib.judge import HandoffItem, HandoffTime, worst_item
from journeylib.measures import MOST_EARLIER, public_waterfall
from journeylib.present.blocks import Block, remark
from journeylib.present.charts.containment import containment_waterfall
from journeylib.present.charts.curves import draw_curve
from journeylib.present.figure import Figure
from journeylib.present.tables import Table, false_alarm_text, table

HANDOFF_MEASURES = (
    *("contained_raw", "contained_verified", "silent_abandonment"),
    *("requests_rate", "requests_honoured", "dead_cries", "cries_to_human", "time_to_honour"),
    *("escape_hatch_offered", "wait", "lost_in_queue"),
    *("handovers_cold", "handovers_requested", "handovers_triggered", "handovers_scripted"),
    *("context_sent", "context_carried", "asked_again", "repeated_information"),
    *("ping_pong", "ping_pong_bots", "ping_pong_people", "loops"),
    *("escalation_precision", "escalation_recall", "escalated_late"),
)
MIN_LINE = 2  # a line needs two points
SENTENCES = 8  # of bots, that are shown word for word
SETTLED = 0.6


def _no_bots(audit: Audit) -> Block | None:
    """Return why nothing can be said of bots, where that is so."""
    handoffs = audit.evidence.handoffs
    if handoffs.abstain is not None:
        return remark(text("present.bots.no_actor"))
    return remark(text("present.bots.no_session")) if handoffs.sessions == 0 else None


def containment(audit: Audit) -> Figure | Block:
    """Draw the way from raw to verified containment."""
    handoffs = audit.evidence.handoffs
    if no_bots := _no_bots(audit):
        return no_bots
    if handoffs.waterfall.empty:
        return remark(text("present.bots.no_session"))
    steps = public_waterfall(handoffs.waterfall, audit.config.journeys.min_customers)
    if steps.empty:
        return remark(text("present.waterfall.few"))
    steps = steps.assign(
        label=[text(f"present.waterfall.{step}") for step in steps["step"]],
        bound=steps["step"].isin(["unknown", "merged"]),
    )
    return containment_waterfall(steps, verified=handoffs.contained_verified)


def containment_curve(audit: Audit) -> Figure | Block:
    """Draw verified containment by the window within which nobody may come back."""
    if no_bots := _no_bots(audit):
        return no_bots
    curve = audit.evidence.handoffs.curve
    if len(curve) < MIN_LINE:
        return remark(text("present.curve.too_few"))
    return draw_curve(curve, chosen=audit.config.measures.repeat_days)


def handoff_table(audit: Audit) -> Table | Block:
    """Return every number of the hand-off audit beside its limit, or why there is none."""
    if no_bots := _no_bots(audit):
        return no_bots
    handoffs = audit.evidence.handoffs
    items = {item.name: item for item in audit.judgement.handoff_items}
    worst = worst_item(audit.judgement.handoff_items)
    own = audit.config.judge.handoff_limits
    rows = []
    for name in HANDOFF_MEASURES:
        value: Estimate = getattr(handoffs, name)
        item = items.get(name)
        rows.append(
            {
                "measure": text(f"measure.{name}"),
                "estimate": estimate_text(value),
                "grade": value.grade if value.value is not None else "",
                "limit": "" if item is None else _limit(item, value.unit),
                "state": "" if item is None else _state(item, worst, own=name in own),
            }
        )
    note = text("present.handoffs.note", n=handoffs.sessions)
    if handoffs.repeated_information.value is not None:
        note = f"{note} {text('present.handoffs.earlier', n=MOST_EARLIER)}"
    return table(rows, text("present.handoffs.caption"), note=note)


def _limit(item: HandoffItem, unit: str) -> str:
    at = item.limit.at
    whole = unit == "share" and round(100 * at) == round(100 * at, 6)
    limit = percent(at, 0) if whole else estimate_text(Estimate(at, unit), base=False)
    return text("present.handoffs.below" if item.limit.falls else "present.handoffs.above", x=limit)


def _state(item: HandoffItem, worst: HandoffItem | None, *, own: bool) -> str:
    """Say how an item stands; only a limit that somebody set can fail."""
    beyond = item.state == "fails" and not own
    state = text(f"present.handoffs.{'beyond' if beyond else item.state}")
    return text("present.handoffs.worst", state=state) if item == worst else state


def disclosure(audit: Audit) -> Table | Block:
    """Return the words by which bots say that they are machines, and how often."""
    disclosed = audit.judgement.disclosure
    if disclosed is None:
        return remark(text("present.disclosure.not_asked"))
    if disclosed.wording.abstain is not None:
        why = abstain_text(disclosed.wording.abstain)
        return remark(text("present.disclosure.unknown", finding=disclosed.text, why=why))
    if disclosed.wording.phrases.empty:
        return remark(text("present.disclosure.none", finding=disclosed.text))
    rows = [
        {
            "phrase": text(
                "present.disclosure.kind",
                kind=text(f"judge.phrase.{row['kind']}"),
                language=row["language"],
            ),
            "sessions": estimate_text(row["share"]),
            "customers": int(row["customers"]),
            "bot_turn": number(row["turn"]),
        }
        for row in disclosed.wording.phrases.to_dict("records")
    ]
    rows += [
        {
            "phrase": text("present.disclosure.quote", words=row["words"]),
            "sessions": number(row["sessions"]),
            "customers": int(row["customers"]),
            "bot_turn": number(row["turn"]),
        }
        for row in disclosed.wording.sentences.head(SENTENCES).to_dict("records")
    ]
    caption = text("present.disclosure.caption")
    return table(rows, caption, note=text("present.disclosure.note"))


def tipping_points(audit: Audit) -> Table | Block:
    """Return whether bot sessions turn sour at a certain minute."""
    points = audit.judgement.tipping_points
    if not points:
        return remark(text("present.tipping.none"))
    rows = [
        {
            "about": _about(point.segment),
            "answer": text(f"present.tipping.answer.{point.answer}"),
            "at": estimate_text(point.at) if point.at.value is not None else "",
            "pooled": "" if point.pooled is None else number(point.pooled),
            "false_alarm": false_alarm_text(point.q_value),
            "sessions": point.sessions,
            "why": "; ".join(point.reasons),
        }
        for point in points
    ]
    frame = pd.DataFrame(rows)
    if sum(point.pooled is not None for point in points[1:]) < 2:
        frame = frame.drop(columns="pooled")
    return table(frame, text("present.tipping.caption"), note=_satisfaction(audit))


def _satisfaction(audit: Audit) -> str:
    result = audit.judgement.satisfaction
    if result is None:
        return ""
    reasons = "; ".join(result.reasons)
    if result.at.value is not None:
        reasons = text("present.tipping.from", reasons=reasons, at=estimate_text(result.at))
    return text(
        "present.tipping.satisfaction", reasons=reasons, rated=result.rated, n=result.resolved
    )


def handoff_times(audit: Audit) -> Table | Block:
    """Return when a bot should hand over to a person, by what minutes and exits cost."""
    answers = audit.judgement.handoff_times
    timed = {name: time for name, time in answers.items() if isinstance(time, HandoffTime)}
    if not timed:
        missing = text("present.handoff_time.no_session")
        why = next((str(reason) for reason in answers.values()), missing)
        return remark(text("present.handoff_time.none", why=why))
    rows = [_handoff_time(name, time) for name, time in timed.items()]
    caption = text("present.handoff_time.caption")
    return table(rows, caption, note=text("present.handoff_time.note"))


def _handoff_time(segment: str, time: HandoffTime) -> dict[str, object]:
    low, high = time.flat_region
    key = "never" if math.isinf(low) else "later" if math.isinf(high) else "between"
    return {
        "about": _about(segment),
        "hand_over": _answer(time),
        "flat_region": text(
            f"present.handoff_time.{key}", low=number(low, 1), high=number(high, 1)
        ),
        "session_cost": _session_cost(time.cost),
        "cost_at_once": _cost(time.cost_at_once),
        "cost_never": _cost(time.cost_never),
        "same_answer": text("present.handoff_time.resamples", share=percent(time.settled, 0)),
    }


def _about(segment: str) -> str:
    return text("present.handoff_time.all") if segment == "all" else segment


def _session_cost(cost: Estimate) -> str:
    return estimate_text(replace(cost, unit=cost.unit.removesuffix("/session")))


def _cost(estimate: Estimate) -> str:
    return "" if estimate.value is None else number(float(f"{estimate.value:.3g}"))


def queue_time(audit: Audit) -> Table | Block:
    """Return when to hand over to a team that the hand-overs themselves keep busy."""
    queue = audit.judgement.queue
    if isinstance(queue, str):
        return remark(text("present.queue.none", why=queue))
    plain = audit.judgement.handoff_times.get("all")
    answers = {
        "hand_over": _answer(queue),
        "wait_unmoved": _answer(plain) if isinstance(plain, HandoffTime) else "",
        "wait": estimate_text(queue.wait),
        "gives_up": estimate_text(queue.gives_up),
        "wait_at_once": estimate_text(queue.wait_at_once),
        "cost": _session_cost(queue.cost),
    }
    rows = [
        {"question": text(f"present.queue.{name}"), "answer": answer}
        for name, answer in answers.items()
    ]
    note = text("present.queue.note", n=queue.staff)
    return table(rows, text("present.queue.caption"), note=note)


def _answer(time: Any) -> str:
    answer = label("present.handoff_time.answer", time.answer)
    if time.answer == "minutes":
        answer = text("minutes", x=number(time.minutes, 1))
    if time.settled < SETTLED:
        return text("present.handoff_time.unsettled", answer=answer)
    return answer


def paradoxes(audit: Audit) -> Table:
    """Return the six paradoxes of serving by machine, each with its two sides."""
    rows = [
        {
            "paradox": paradox.title,
            "state": text(f"present.paradoxes.{paradox.state}"),
            "benefit": estimate_text(paradox.benefit),
            "cost": estimate_text(paradox.cost),
            "why": " ".join(paradox.reasons),
        }
        for paradox in audit.judgement.paradoxes
    ]
    return table(rows, text("present.paradoxes.caption"))


def paradox_figures(audit: Audit) -> Table | Block:
    """Return the figures beside the six pairs: they explain a side, and decide nothing."""
    rows = [
        {
            "paradox": paradox.title,
            "what_it_is": figure.estimand,
            "estimate": estimate_text(figure),
        }
        for paradox in audit.judgement.paradoxes
        for figure in paradox.supporting.values()
        if figure.abstain != "no_column"
    ]
    if not rows:
        return remark(text("present.paradoxes.nothing"))
    return table(rows, text("present.paradoxes.beside"))
