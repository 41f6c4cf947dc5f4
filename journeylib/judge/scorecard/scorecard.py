"""The scorecard: automation fit × empathy need, with verdict, stability and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from journeylib.core import text
from journeylib.judge.scorecard.axes import axis_correlation, score_axis
from journeylib.judge.scorecard.observations import NOT_TAKEN, observe
from journeylib.judge.scorecard.reasons import (
    coverage_reason,
    evidence_reasons,
    missing_datum,
    open_reason,
    settling_datum,
    small_offer_reason,
    stakes_reason,
    thin_reason,
    veto_reasons,
)
from journeylib.judge.scorecard.stability import (
    Weights,
    beyond_limits,
    broken_share,
    draw_weights,
    settling_indicator,
    verdict_shares,
)
from journeylib.judge.scorecard.value_functions import AxisScore, enough
from journeylib.judge.scorecard.verdict import CODE, Verdict, Vetoes, boundary_distance, verdict_of
from journeylib.judge.scorecard.vetoes import Case, hatch_unknown, vetoes_of
from journeylib.judge.settings import AXES, Axis, JudgeSettings, OfficeEffect
from journeylib.measures import Evidence

COUNTS = ("touchpoint", "stage", "channel", "office", "events", "journeys", "customers")
SCORE_COLUMNS = (
    *COUNTS,
    *(
        f"{axis}{suffix}"
        for axis in AXES
        for suffix in ("", "_lo", "_hi", "_coverage", "_floor", "_ceiling")
    ),
    *("verdict", "leaning", "verdict_stability", "boundary_distance"),
    *("vetoes", "reasons", "next_datum", "abstain"),
)
INDICATOR_COLUMNS = (
    *("touchpoint", "axis", "indicator", "raw", "lo", "hi", "unit", "score", "weight"),
    *("missing", "n_customers", "grade", "source"),
)
NULLABLE = frozenset({"leaning", "next_datum", "abstain", "missing", "stage", "channel", "office"})


@dataclass(frozen=True)
class Scorecard:
    """What every touchpoint scores, with verdict and evidence.

    Attributes
    ----------
    scores, indicators : DataFrame
    axes : dict
        All as in `Judgement`.
    """

    scores: pd.DataFrame
    indicators: pd.DataFrame
    axes: dict[str, Any]


def score_evidence(
    evidence: Evidence,
    settings: JudgeSettings | None = None,
    *,
    moments: pd.DataFrame | None = None,
) -> Scorecard:
    """Judge every touchpoint: how fit for automation, how much in need of empathy.

    Parameters
    ----------
    evidence : Evidence
        Its `touchpoints`, `estimates`, `draws` and `handoffs`.
    settings : JudgeSettings, optional
    moments : DataFrame, optional
        `touchpoint`, `effect` (Estimate), `grade`, `is_moment`; where a column `asymmetry`
        (Estimate) is there, a moment that surely loses more than it wins forbids automation.

    Returns
    -------
    Scorecard
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
    unsure = hatch_unknown(evidence.handoffs) and settings.require_escape_hatch
    rows, indicators, pairs = [], [], []
    observed = observe(evidence, moments, settings.value_at_risk)
    for record in evidence.touchpoints.to_dict("records"):
        cells = {str(column): cell for column, cell in record.items()}
        seen, effect = observed[str(cells["touchpoint"])], office_effect(cells, settings)
        served_by = cells.get("served_by")
        fit = score_axis("automation_fit", seen, settings, served_by=served_by)
        need = score_axis("empathy_need", seen, settings, effect, served_by)
        case = Case(cells, seen, fit, need, effect.empathy_binds)
        vetoes = vetoes_of(case, settings, evidence.handoffs, moments)
        decision = _decide(case, vetoes, settings, weights, hatch_unsure=unsure)
        rows.append(_row(case, vetoes, decision))
        indicators += _indicator_rows(case)
        pairs.append((fit, need))
    return Scorecard(
        scores=_frame(rows, SCORE_COLUMNS),
        indicators=_frame(indicators, INDICATOR_COLUMNS),
        axes=axis_correlation(pairs, settings),
    )


@dataclass(frozen=True)
class Decision:
    """The verdict on one touchpoint, as in `Judgement.scores`."""

    verdict: Verdict
    stability: float
    reasons: tuple[str, ...]
    leaning: Verdict | None = None
    boundary_distance: float = float("nan")
    next_datum: str | None = None
    abstain: str | None = None


def office_effect(touchpoint: Mapping[Any, Any], settings: JudgeSettings) -> OfficeEffect:
    """Return what the office changes; unknown counts as front, the cautious reading."""
    by_name: dict[Any, OfficeEffect] = {**settings.offices}
    return by_name.get(touchpoint.get("office"), settings.offices["front"])


def _decide(
    case: Case, vetoes: Vetoes, settings: JudgeSettings, weights: Weights, *, hatch_unsure: bool
) -> Decision:
    fit, need = case.fit, case.need
    reasons = veto_reasons(vetoes, case.seen, need)
    journeys, customers = int(case.place["journeys"]), int(case.place["customers"])
    verdict = verdict_of(fit.value, need.value, vetoes, settings)
    evidence = evidence_reasons(verdict, fit, need, vetoes, case.seen)
    if "legally_human" in vetoes.names:
        return Decision(verdict, 1.0, (*reasons, *evidence))
    if case.place.get("served_by") == "nobody":
        return Decision("abstain", 0.0, (text("judge.nobody_serves"),), abstain="not_served")
    if journeys < settings.min_journeys or customers < settings.min_customers:
        why, more = thin_reason(journeys, customers, settings)
        return Decision("abstain", 0.0, (why,), next_datum=more, abstain="n_small")
    if not case.scored and verdict == "abstain":
        return _without_evidence(case, vetoes, settings)
    if vetoes.broken:
        stability = broken_share(vetoes, case.seen, settings)
    else:
        beyond = beyond_limits(vetoes, case.seen, settings)
        shares = verdict_shares(case, vetoes, settings, weights, beyond)
        stability = float(shares[CODE[verdict]])
    if not case.scored:
        if stability < settings.min_stability:
            return _without_evidence(case, vetoes, settings)
        reasons = (*reasons, text("judge.need_alone"))
    if case.seen.get("stakes", NOT_TAKEN).missing == "ci_too_wide":
        evidence = (*evidence, stakes_reason(case.seen["stakes"]))
    distance = boundary_distance((fit.value, fit.se), (need.value, need.se), vetoes, settings)
    if stability >= settings.min_stability:
        if verdict == "automate" and hatch_unsure and vetoes.empathy_binds:
            reasons = (*reasons, text("judge.hatch_unknown"))
        if verdict == "assist" and fit.value < settings.assist_from:
            reasons = (*reasons, small_offer_reason(fit))
        return Decision(verdict, stability, (*reasons, *evidence), boundary_distance=distance)
    return Decision(
        "abstain",
        stability,
        (open_reason(verdict, stability, settings), *reasons, *evidence),
        leaning=verdict if stability >= settings.leaning_stability else None,
        boundary_distance=distance,
        next_datum=settling_datum(_open_figure(case, vetoes, settings, weights), case.seen),
        abstain="ci_too_wide",
    )


def _open_figure(
    case: Case, vetoes: Vetoes, settings: JudgeSettings, weights: Weights
) -> str | None:
    """Return the measure that keeps the verdict open; None where the weights do."""
    if vetoes.broken:
        return vetoes.broken[0]
    return settling_indicator(case, vetoes, settings, weights)


def _without_evidence(case: Case, vetoes: Vetoes, settings: JudgeSettings) -> Decision:
    """Abstain because one axis or both rest on too few indicators.

    A step that many return to is not called broken then: in a web shop people come back to the
    catalogue because they like to. What was seen is named, with its number, as evidence.
    """
    vetoes = Vetoes(vetoes.names, (), vetoes.empathy_binds)
    also = (
        *veto_reasons(vetoes, case.seen, case.need),
        *evidence_reasons("abstain", case.fit, case.need, vetoes, case.seen),
    )
    lacking: list[tuple[Axis, AxisScore]] = [
        (axis, score)
        for axis, score in case.axes
        if not enough(score.coverage, settings.min_coverage) or not score.scored
    ]
    why = tuple(coverage_reason(axis, score, settings) for axis, score in lacking)
    poorest = min(lacking, key=lambda pair: pair[1].coverage)
    datum, reason = missing_datum(*poorest, case.seen, settings)
    return Decision("abstain", 0.0, (*why, *also), next_datum=datum, abstain=reason)


def _row(case: Case, vetoes: Vetoes, decision: Decision) -> tuple[Any, ...]:
    return (
        *(case.place.get(column) for column in COUNTS),
        *(
            figure
            for _axis, s in case.axes
            for figure in (s.value, s.lo, s.hi, s.coverage, s.floor, s.ceiling)
        ),
        *(decision.verdict, decision.leaning, decision.stability, decision.boundary_distance),
        *(vetoes.names, decision.reasons, decision.next_datum, decision.abstain),
    )


def _indicator_rows(case: Case) -> list[tuple[Any, ...]]:
    rows = []
    for axis, score in case.axes:
        for name, u, weight in zip(score.names, score.u, score.weights, strict=True):
            o = case.seen.get(name, NOT_TAKEN)
            lo, hi = (float("nan"),) * 2 if o.missing else (o.lo, o.hi)
            raw, missing = (float("nan"), "privacy") if o.within else (o.raw, o.missing)
            head = (case.place["touchpoint"], axis, name, raw, lo, hi, o.unit)
            rows.append((*head, float(u), float(weight), missing, o.n_customers, o.grade, o.source))
    return rows


def _frame(rows: Sequence[tuple[Any, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Build a frame in which an absent text is None, not NaN."""
    frame = pd.DataFrame.from_records(rows, columns=list(columns))
    texts = {
        name: pd.Series(list(frame[name]), dtype=object) for name in columns if name in NULLABLE
    }
    return frame.assign(**{name: cells.where(cells.notna(), None) for name, cells in texts.items()})
