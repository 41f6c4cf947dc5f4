"""Views of what decides: moments of truth, the time in the bot, what answers rest on, weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from journeylib.core import Estimate, abstain_text, estimate_text, number, percent
from journeylib.judge import HandoffTime
from journeylib.present.blocks import Block, words
from journeylib.present.tables import Table, table
from journeylib.present.theme import VERDICTS

if TYPE_CHECKING:
    from journeylib.audits import Audit

ANSWERS = {
    "tipping_point": "a tipping point",
    "rises": "rises gradually",
    "falls": "falls: patient customers remain",
    "none": "none",
    "abstain": "not enough evidence",
}
PARTS = {
    "mean": "the average of all moments",
    "end": "the last moment",
    "trough": "the worst moment",
    "trend": "getting better on the way",
}
WEIGHTINGS = {
    "equal": "All weights equal",
    "complexity_in_need": "Complexity as need",
}
SETTLED = 0.6


def moments(audit: Audit) -> Table | Block:
    """Return what a good visit is estimated to change, beside the naive difference."""
    found = audit.judgement.moments
    if found.empty:
        return words(
            "Moments of truth cannot be told: they need outcomes of customers and a column that "
            "says whether a visit went well (judge.moments)."
        )
    answered = [row["naive"].value is not None for row in found.to_dict("records")]
    told, untold = found[answered], found[[not known for known in answered]]
    too_few = (
        ""
        if untold.empty
        else f" Too few customers to tell, though counted among the {len(found)} pairs tested: "
        + "; ".join(
            f"{', '.join(part['touchpoint'])} ({outcome})"
            for outcome, part in untold.groupby("outcome", sort=True)
        )
        + "."
    )
    if told.empty:
        return words(f"No touchpoint has enough customers for a moment of truth.{too_few}")
    frame = pd.DataFrame([_moment(row) for row in told.to_dict("records")])
    if "asymmetry" not in found:
        frame = frame.drop(columns="Bad against good")
    if found["bounds"].isna().all():
        frame = frame.drop(columns="If the silent had answered")
    return table(
        frame,
        "Moments of truth",
        note="Among those who reached the touchpoint; adjusted for what was known before. The "
        "naive difference mixes in who came with which trouble. q: over all pairs tested "
        "(Benjamini–Hochberg), and at worst, however the tests depend (Benjamini–Yekutieli). "
        "Affected: journeys a year that "
        f"are estimated to end otherwise if every bad visit went well.{too_few}",
    )


def _moment(row: dict[Any, Any]) -> dict[str, object]:
    bounds = row["bounds"]
    return {
        "Touchpoint": row["touchpoint"],
        "Outcome": row["outcome"],
        "Moment of truth": "yes" if row["is_moment"] else "no",
        "Effect of a good visit": _difference(row["effect"]),
        "Naive difference": _difference(row["naive"]),
        "Chance of a false alarm (q)": _chances(row),
        "Affected": _if_moment(row, "impact"),
        "Bad against good": _if_moment(row, "asymmetry"),
        "If the silent had answered": estimate_text(bounds) if _is_told(bounds) else "",
        "Grade": row["grade"],
        "What speaks against it": "; ".join(row["reasons"]),
    }


def _difference(estimate: Estimate) -> str:
    """Return a difference of shares in percentage points: per cent would read as a ratio."""
    return estimate_text(estimate).replace(" %", " points", 1)


def _chances(row: dict[Any, Any]) -> str:
    """Return q by Benjamini and Hochberg, and by Benjamini and Yekutieli."""
    if row["q_value"] != row["q_value"]:
        return ""
    return f"{_chance(row['q_value'])}; {_chance(row['q_value_dependent'])} at worst"


def _chance(q: float) -> str:
    return "below 0.001" if q < 0.001 else f"{q:.3f}"


def _if_moment(row: dict[Any, Any], column: str) -> str:
    estimate = row.get(column)
    return estimate_text(estimate) if row["is_moment"] and isinstance(estimate, Estimate) else ""


def _is_told(estimate: object) -> bool:
    return isinstance(estimate, Estimate) and estimate.value is not None


def presence(audit: Audit) -> Table | Block:
    """Return what goes with having come to a touchpoint at all: another question than the above."""
    found = audit.judgement.presence
    if found.empty:
        return words(
            "What goes with coming to a touchpoint at all cannot be told: it needs outcomes of "
            "customers with a time (judge.moments.outcomes) and a log with a clock."
        )
    known = np.array([estimate.value is not None for estimate in found["ratio"]])
    apart = [str(estimate.abstain) for estimate in found.loc[~known, "ratio"]]
    counted = {why: apart.count(why) for why in sorted(set(apart))}
    untold = "; ".join(f"{abstain_text(why)}: {n}" for why, n in counted.items())
    rest = f" Pairs that tell nothing — {untold}." if untold else ""
    if not known.any():
        return words(f"What goes with coming to a touchpoint at all cannot be told.{rest}")
    rows = [_present(row) for row in found[known].to_dict("records")]
    return table(
        pd.DataFrame(rows),
        "Coming at all: what goes with a visit, good or bad",
        note="Rate of the outcome after a first visit over the rate without one so far; 1 is no "
        "difference. A visit counts only from when it happened, since whoever comes late has "
        "stayed until then. Customers choose to come, often because of what made them leave: a "
        "ratio above 1 does not say that the touchpoint drives them away."
        f"{rest}",
    )


def _present(row: dict[Any, Any]) -> dict[str, object]:
    landmark = row["landmark"]
    return {
        "Touchpoint": row["touchpoint"],
        "Outcome": row["outcome"],
        "Rate after a visit over rate without": _times(row["ratio"]),
        f"Of those there on day {row['landmark_day']:g}": _times(landmark)
        if landmark.value is not None
        else "",
        "Chance of a false alarm (q)": _chance(row["q_value"]),
        "Grade": row["ratio"].grade,
        "What speaks against it": "; ".join(row["reasons"]),
    }


def _times(ratio: Estimate) -> str:
    return estimate_text(ratio).replace(" hazard ratio", " times", 1)


def tipping_points(audit: Audit) -> Table | Block:
    """Return whether bot sessions turn sour at a certain minute."""
    points = audit.judgement.tipping_points
    if not points:
        return words("Tipping points need bot sessions; this log has none, or too few to show.")
    rows = [
        {
            "Sessions about": point.segment,
            "Answer": ANSWERS[point.answer],
            "At": estimate_text(point.at) if point.at.value is not None else "",
            "Drawn together": "" if point.pooled is None else number(point.pooled),
            "Chance of a false alarm": "" if point.q_value is None else _chance(point.q_value),
            "Sessions": point.sessions,
            "Why": "; ".join(point.reasons),
        }
        for point in points
    ]
    frame = pd.DataFrame(rows)
    if sum(point.pooled is not None for point in points[1:]) < 2:
        frame = frame.drop(columns="Drawn together")
    return table(
        frame,
        "Frustrated exits from bot sessions: is there a tipping point",
        note=_satisfaction(audit),
    )


def _satisfaction(audit: Audit) -> str:
    found = audit.judgement.satisfaction
    if found is None:
        return ""
    rated = f"{found.rated:,} of {found.resolved:,} resolved sessions were rated"
    where = f" from {estimate_text(found.at)}" if found.at.value is not None else ""
    return f"Satisfaction: {'; '.join(found.reasons)}{where}; {rated}."


def handoff_times(audit: Audit) -> Table | Block:
    """Return when a bot should hand over to a person, by what minutes and exits cost."""
    found = audit.judgement.handoff_times
    timed = {name: time for name, time in found.items() if isinstance(time, HandoffTime)}
    if not timed:
        why = next((str(reason) for reason in found.values()), "the log has no bot session")
        return words(f"When to hand over to a person has no answer: {why}.")
    rows = [_handoff(name, time) for name, time in timed.items()]
    return table(
        pd.DataFrame(rows),
        "When to hand over to a person",
        note="The time at which a session is expected to cost least, with the costs that the "
        "configuration declares. How long customers stayed marks how hard their case was: what "
        "a new rule would do is only known by trying it on customers chosen at random.",
    )


def _handoff(segment: str, found: HandoffTime) -> dict[str, object]:
    answer = _answer(found.answer, found.minutes, found.settled)
    low, high = found.flat_region
    upper = "for ever" if np.isinf(high) else f"{high:.1f} min"
    region = "never" if np.isinf(low) else f"{low:.1f} min to {upper}"
    return {
        "Sessions about": segment,
        "Hand over": answer,
        "Costs at most 2 % more": region,
        "Cost of a session": estimate_text(found.cost),
        "A person at once": _cost(found.cost_at_once),
        "Never": _cost(found.cost_never),
        "Same answer in": f"{percent(found.settled, 0)} of resamples",
    }


def _cost(estimate: Estimate) -> str:
    return "" if estimate.value is None else number(float(f"{estimate.value:.3g}"))


def queue_time(audit: Audit) -> Table | Block:
    """Return when to hand over to a team that the hand-overs themselves keep busy."""
    found = audit.judgement.queue
    if isinstance(found, str):
        return words(f"What handing over does to the wait for a person is not measurable: {found}.")
    plain = audit.judgement.handoff_times.get("all")
    rows = {
        "Hand over": _answer(found.answer, found.minutes, found.settled),
        "… had the wait not moved": _answer(plain.answer, plain.minutes, plain.settled)
        if isinstance(plain, HandoffTime)
        else "",
        "Wait for a person then": estimate_text(found.wait),
        "Customers who give up waiting": estimate_text(found.gives_up),
        "Wait if everyone went to a person at once": estimate_text(found.wait_at_once),
        "Cost of a session, wait included": estimate_text(found.cost),
    }
    return table(
        pd.DataFrame({"Question": list(rows), "Answer": list(rows.values())}),
        "When to hand over, with the queue that handing over makes",
        note=f"A team of {found.staff}, as declared, modelled as a queue whose customers may give "
        "up (Erlang-A). Handing over earlier makes everyone wait longer; the time is the one that "
        "is best at the wait it causes.",
    )


def _answer(answer: str, minutes: float, settled: float) -> str:
    said = f"{minutes:.1f} min" if answer == "minutes" else answer
    return f"{said} (not settled)" if settled < SETTLED else said


def remembered(audit: Audit) -> Table | Block:
    """Return which moments of a conversation its rating goes with."""
    found = audit.judgement.peak_end
    if found is None or found.gain.value is None:
        reason = abstain_text("no_column" if found is None else str(found.gain.abstain))
        return words(
            "Which moments of a conversation its rating goes with cannot be told: it needs "
            f"conversations with scored turns and a rating ({reason})."
        )
    if not found.beats_mean:
        return words(
            "No single moment of a conversation is told apart in its rating: end, worst moment "
            "and trend predict it no better than the average of all moments "
            f"(correlation of the rating with the average {found.r_mean:.2f}, with the last "
            f"moment {found.r_end:.2f}; {found.gain.n_journeys:,} rated conversations)."
        )
    rows = [
        {"Moment": PARTS[name], "Weight": estimate_text(weight)}
        for name, weight in found.weights.items()
    ]
    return table(
        pd.DataFrame(rows),
        "Which moments of a conversation its rating goes with",
        note=f"Fitted together: they predict ratings of other customers at r = "
        f"{found.r_fitted:.2f}, the average alone at {found.r_mean:.2f}.",
    )


def surveys(audit: Audit) -> Table | Block:
    """Return what surveys say, and how far the silence of the others could move it."""
    found = audit.judgement.surveys
    if found.empty:
        return words("The outcomes hold no survey that enough customers answered.")
    rows = [
        {
            "Survey": row["kind"],
            "Asked": row["asked"],
            "Answered": estimate_text(row["response_rate"]),
            "Mean of the answers": estimate_text(_without_interval(row["mean"])),
            "If everyone had answered": _between(row["mean"]),
            "If like those who are alike": _told(row["adjusted"]),
            "Scale": f"{row['worst']:g} to {row['best']:g}"
            + (" (assumed)" if row["scale_assumed"] else ""),
        }
        for row in found.to_dict("records")
    ]
    return table(
        pd.DataFrame(rows),
        "Surveys",
        note="If everyone had answered, the mean would lie between these bounds: the silent may "
        "all be at the worst or at the best end of the scale. If the silent were like those who "
        "answered and had the same contacts before, it would be the figure beside: assumed, not "
        "known.",
    )


def _told(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"not measurable: {abstain_text(str(estimate.abstain))}"
    return estimate_text(estimate)


def _without_interval(estimate: Estimate) -> Estimate:
    return Estimate(estimate.value, estimate.unit, n_customers=estimate.n_customers)


def _between(estimate: Estimate) -> str:
    if estimate.lo is None or estimate.hi is None:
        return "not recorded who was asked"
    return f"{estimate.lo:.1f} to {estimate.hi:.1f}"


def sensitivity(audit: Audit) -> Table | Block:
    """Return the verdicts that another weighting would change."""
    found = audit.judgement.sensitivity
    if found.empty:
        return words("Too few touchpoints have both scores to compare weightings.")
    rows = []
    for name, part in found.groupby("touchpoint", sort=False):
        said = {str(row["weighting"]): row for row in part.to_dict("records")}
        if any(row["changed"] for row in said.values()):
            usual = VERDICTS[said["configured"]["verdict"]].word
            other = {head: _changed(said[name]) for name, head in WEIGHTINGS.items()}
            rows.append({"Touchpoint": name, "Configured": usual} | other)
    if not rows:
        return words("No other weighting would change the verdict of a touchpoint's point score.")
    return table(
        pd.DataFrame(rows),
        "Verdicts that hang on the weights",
        note="Of the point scores, whatever their stability; touchpoints that no weighting moves "
        "are left out.",
    )


def _changed(row: dict[Any, Any]) -> str:
    return VERDICTS[row["verdict"]].word if row["changed"] else "the same"
