"""Findings on journeys: moments of truth, goals lost, surveys, remembered moments."""

from __future__ import annotations

from collections.abc import Iterator

from journeylib.audits.findings.insight import insight, listed, unanswered
from journeylib.audits.result.result import Assessment, Finding
from journeylib.core import estimate_text, label, number, text

FEW_SILENT = 0.8  # response rate from which the silent can no longer turn a mean around


def journey_findings(assessment: Assessment) -> Iterator[Finding]:
    """Yield what a reader should know of journeys and of what customers say of them."""
    yield _moments(assessment)
    yield from _lost_goals(assessment)
    yield from _surveys(assessment)
    yield from _remembered(assessment)


def _moments(assessment: Assessment) -> Finding:
    moments = assessment.judgement.moments
    if moments.empty:
        why = "no_outcomes" if assessment.log.outcomes is None else "no_settings"
        return unanswered("moments", text(f"audits.finding.moments.{why}"))
    tested = {"tested": len(moments)}
    if all(effect.value is None for effect in moments["effect"]):
        return unanswered("moments", text("audits.finding.moments.too_few", **tested), tested)
    shown = moments[moments["is_moment"]]
    if shown.empty:
        return insight("moments", "info", text("audits.finding.moments.none", **tested), tested)
    names = list(dict.fromkeys(shown["touchpoint"]))
    adjusted = list(dict.fromkeys(shown.loc[shown["grade"] == "B", "touchpoint"]))
    groups = {
        "adjusted": adjusted,
        "associated": [name for name in names if name not in adjusted],
    }
    sentences = [
        text(f"audits.finding.moments.{grade}", names=listed(of_grade))
        for grade, of_grade in groups.items()
        if of_grade
    ]
    sentences.append(text("audits.finding.moments.tested", **tested))
    return insight("moments", "medium", " ".join(sentences), {"touchpoints": names, **tested})


def _lost_goals(assessment: Assessment) -> Iterator[Finding]:
    """Say where the goal is all but lost; needs the order of touchpoints."""
    if assessment.structure is None:
        return
    rows = assessment.structure.chain.points_of_no_return
    lost = rows[rows["towards"] == "no goal"].sort_values(
        ["visited", "touchpoint"], ascending=[False, True]
    )
    if len(lost):
        names = list(lost["touchpoint"])
        sentence = text("audits.finding.lost_goals", names=listed(names))
        yield insight("points-of-no-return", "low", sentence, {"touchpoints": names})


def _surveys(assessment: Assessment) -> Iterator[Finding]:
    """Say of whom a survey speaks: of those who answered, and how far the silent may differ."""
    for row in assessment.judgement.surveys.to_dict("records"):
        rate, mean = row["response_rate"], row["mean"]
        if rate.value is None or mean.lo is None or (rate.lo or 0) >= FEW_SILENT:
            continue
        net = row["nps"]
        key, estimate = ("survey", mean) if net.value is None else ("survey_nps", net)
        if estimate.value is None:
            continue
        sentence = text(
            f"audits.finding.{key}",
            kind=label("outcome", row["kind"]),
            rate=estimate_text(rate, base=False),
            asked=row["asked"],
            answered=mean.n_customers,
            mean=number(estimate.value or 0.0, 1),
            lo=number(estimate.lo or 0.0, 1),
            hi=number(estimate.hi or 0.0, 1),
            worst=row["worst"],
            best=row["best"],
        )
        name = f"survey-{row['kind']}".lower().replace("_", "-").replace(" ", "-")
        yield insight(name, "low", sentence, {"rate": rate.to_dict(), "mean": mean.to_dict()})


def _remembered(assessment: Assessment) -> Iterator[Finding]:
    """Name the moment that ratings go with; the average is the baseline and no news."""
    peak_end = assessment.judgement.peak_end
    if peak_end is None or not peak_end.beats_mean:
        return
    part = max(peak_end.weights, key=lambda name: abs(peak_end.weights[name].value or 0.0))
    if part == "mean":
        return
    sentence = text(
        "audits.finding.remembered.sentence",
        part=text(f"audits.finding.remembered.{part}"),
        weight=peak_end.weights[part],
        n=peak_end.gain.n_journeys,
    )
    yield insight("remembered", "info", sentence, {"part": part, "gain": peak_end.gain.to_dict()})
