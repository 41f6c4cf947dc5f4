"""The scorecard: automation fit × empathy need, with verdict, stability and reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from journeylib.judge.judgement import (
    INDICATOR_COLUMNS,
    PLACE,
    SCORE_COLUMNS,
    Judgement,
    frame_of,
)
from journeylib.judge.scorecard.axes import axis_correlation, score_axis
from journeylib.judge.scorecard.observations import NOT_TAKEN, EvidenceTables, Observation, observe
from journeylib.judge.scorecard.reasons import (
    HATCH_UNKNOWN,
    NOBODY_SERVES,
    coverage_reason,
    evidence_reasons,
    gate_reasons,
    missing_datum,
    open_reason,
    settling_datum,
    small_offer_reason,
    thin_reason,
)
from journeylib.judge.scorecard.stability import (
    Weights,
    broken_share,
    draw_weights,
    settling_indicator,
    stability_of,
    verdict_shares,
)
from journeylib.judge.scorecard.value_functions import AxisScore, enough
from journeylib.judge.scorecard.verdict import Gates, Verdict, boundary_distance, verdict_of
from journeylib.judge.scorecard.vetoes import gates_of, hatch_unknown
from journeylib.judge.settings import AXES, Axis, JudgeSettings, OfficeEffect


def score_evidence(
    evidence: EvidenceTables,
    settings: JudgeSettings | None = None,
    *,
    moments: pd.DataFrame | None = None,
    tipping_points: tuple[Any, ...] = (),
) -> Judgement:
    """Judge every touchpoint: how fit for automation, how much in need of empathy.

    Parameters
    ----------
    evidence : Evidence
        Its `touchpoints`, `estimates`, `draws` and `handoffs`.
    settings : JudgeSettings, optional
    moments : DataFrame, optional
        `touchpoint`, `effect` (Estimate), `grade`, `is_moment`; where a column `asymmetry`
        (Estimate) is there, a moment that surely loses more than it wins forbids automation.
    tipping_points : tuple
        Handed through.

    Returns
    -------
    Judgement
        The same evidence and settings give the same bytes. A touchpoint's row depends on no
        other touchpoint.

    Raises
    ------
    RunError
        If the draws do not match the touchpoints.

    Notes
    -----
    Scores are weighted means of value functions with fixed anchors; resample *b* of every
    indicator is combined with resample *b* of the others. A verdict is issued where it holds in
    at least `min_stability` of resamples × weight vectors, and named as a leaning above
    `leaning_stability`. Vetoes do not compensate: no fit outweighs them.
    """
    settings = settings or JudgeSettings()
    weights = draw_weights(settings)
    rows, indicators, pairs = [], [], []
    seen_at = observe(evidence, moments, settings.value_at_risk)
    for record in evidence.touchpoints.to_dict("records"):
        place = {str(column): cell for column, cell in record.items()}
        seen = seen_at[str(place["touchpoint"])]
        effect = _office_effect(place, settings)
        fit = score_axis("automation_fit", seen, settings)
        need = score_axis("empathy_need", seen, settings, effect, place.get("served_by"))
        gates = gates_of(
            str(place["touchpoint"]),
            seen,
            need,
            settings,
            empathy_binds=effect.empathy_binds,
            handoffs=evidence.handoffs,
            moments=moments,
        )
        case = Case(place, seen, fit, need, gates)
        unsure = hatch_unknown(evidence.handoffs) and settings.require_escape_hatch
        rows.append(_row(case, _decide(case, settings, weights, hatch_unsure=unsure)))
        indicators += _indicator_rows(str(place["touchpoint"]), fit, need, seen)
        pairs.append((fit, need))
    return Judgement(
        scores=frame_of(rows, SCORE_COLUMNS),
        indicators=frame_of(indicators, INDICATOR_COLUMNS),
        axes=axis_correlation(pairs, settings),
        moments=pd.DataFrame() if moments is None else moments,
        tipping_points=tipping_points,
    )


@dataclass(frozen=True)
class Case:
    """One touchpoint before the bench."""

    place: dict[str, Any]
    seen: Mapping[str, Observation]
    fit: AxisScore
    need: AxisScore
    gates: Gates

    @property
    def scored(self) -> bool:
        """Whether both axes have enough evidence for a point."""
        return bool(np.isfinite(self.fit.value) and np.isfinite(self.need.value))


@dataclass(frozen=True)
class Decision:
    """What is said of one touchpoint, as in `Judgement.scores`."""

    verdict: Verdict
    stability: float
    reasons: tuple[str, ...]
    leaning: Verdict | None = None
    boundary_distance: float = float("nan")
    next_datum: str | None = None
    abstain: str | None = None


def _office_effect(place: Mapping[str, Any], settings: JudgeSettings) -> OfficeEffect:
    """Return what the office changes; unknown counts as front, the cautious reading."""
    by_name: dict[Any, OfficeEffect] = {**settings.offices}
    return by_name.get(place.get("office"), settings.offices["front"])


def _decide(
    case: Case, settings: JudgeSettings, weights: Weights, *, hatch_unsure: bool
) -> Decision:
    gates, fit, need = case.gates, case.fit, case.need
    said = gate_reasons(gates, case.seen, need)
    journeys, customers = int(case.place["journeys"]), int(case.place["customers"])
    verdict = verdict_of(fit.value, need.value, gates, settings)
    evidence = evidence_reasons(verdict, fit, need, gates, case.seen)
    if "legally_human" in gates.vetoes:
        return Decision(verdict, 1.0, (*said, *evidence))
    if journeys < settings.min_journeys or customers < settings.min_customers:
        why, more = thin_reason(journeys, customers, settings)
        return Decision("abstain", 0.0, (why,), next_datum=more, abstain="n_small")
    if case.place.get("served_by") == "nobody":
        return Decision("abstain", 0.0, (NOBODY_SERVES,), abstain="not_served")
    if not case.scored:
        return _without_evidence(case, settings)
    if gates.broken:
        stability = broken_share(gates, case.seen, settings)
    else:
        stability = stability_of(verdict, verdict_shares(fit, need, gates, settings, weights))
    distance = boundary_distance((fit.value, fit.se), (need.value, need.se), gates, settings)
    if stability >= settings.min_stability:
        if verdict == "automate" and hatch_unsure and gates.empathy_binds:
            said = (*said, HATCH_UNKNOWN)
        if verdict == "assist" and fit.value < settings.assist_from:
            said = (*said, small_offer_reason(fit))
        return Decision(verdict, stability, (*said, *evidence), boundary_distance=distance)
    return Decision(
        "abstain",
        stability,
        (open_reason(verdict, stability, settings), *said, *evidence),
        leaning=verdict if stability >= settings.leaning_stability else None,
        boundary_distance=distance,
        next_datum=settling_datum(_open_figure(case, settings, weights), case.seen),
        abstain="ci_too_wide",
    )


def _open_figure(case: Case, settings: JudgeSettings, weights: Weights) -> str | None:
    """Return the measure that keeps the verdict open; None where the weights do."""
    if case.gates.broken:
        return case.gates.broken[0]
    return settling_indicator(case.fit, case.need, case.gates, settings, weights)


def _without_evidence(case: Case, settings: JudgeSettings) -> Decision:
    """Abstain because one axis or both rest on too few indicators.

    A step that many return to is not called broken then: in a web shop people come back to the
    catalogue because they like to. What was seen is said, with its number, as evidence.
    """
    vetoes = Gates(case.gates.vetoes, (), case.gates.empathy_binds)
    also = (
        *gate_reasons(vetoes, case.seen, case.need),
        *evidence_reasons("abstain", case.fit, case.need, vetoes, case.seen),
    )
    lacking: list[tuple[Axis, AxisScore]] = [
        (axis, score)
        for axis, score in zip(AXES, (case.fit, case.need), strict=True)
        if not enough(score.coverage, settings.min_coverage) or not np.isfinite(score.value)
    ]
    why = tuple(coverage_reason(axis, score, settings) for axis, score in lacking)
    poorest = min(lacking, key=lambda pair: pair[1].coverage)
    datum, reason = missing_datum(*poorest, case.seen, settings)
    return Decision("abstain", 0.0, (*why, *also), next_datum=datum, abstain=reason)


def _row(case: Case, decision: Decision) -> tuple[Any, ...]:
    axes = [(s.value, s.lo, s.hi, s.coverage, s.floor, s.ceiling) for s in (case.fit, case.need)]
    return (
        *(case.place.get(column) for column in PLACE),
        *axes[0],
        *axes[1],
        decision.verdict,
        decision.leaning,
        decision.stability,
        decision.boundary_distance,
        case.gates.vetoes,
        decision.reasons,
        decision.next_datum,
        decision.abstain,
    )


def _indicator_rows(
    touchpoint: str, fit: AxisScore, need: AxisScore, seen: Mapping[str, Observation]
) -> list[tuple[Any, ...]]:
    rows = []
    for axis, score in zip(AXES, (fit, need), strict=True):
        for name, u, weight in zip(score.names, score.u, score.weights, strict=True):
            o = seen.get(name, NOT_TAKEN)
            lo, hi = (float("nan"),) * 2 if o.missing else (o.lo, o.hi)
            head = (touchpoint, axis, name, o.raw, lo, hi, o.unit, float(u), float(weight))
            rows.append((*head, o.missing, o.n_customers, o.grade, o.source))
    return rows
