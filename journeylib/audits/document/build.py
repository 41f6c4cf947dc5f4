"""Filling the document and the tables of a run from what the rooms below found out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.audits.document.result_tables import plan_part, stories_part, structure_part
from journeylib.audits.document.schema import SCHEMA_VERSION, AuditDocument, clean
from journeylib.core import Estimate, rounded
from journeylib.judge import HandoffTime, worst_item

if TYPE_CHECKING:
    from journeylib.audits.pipeline import Audit
    from journeylib.journeys import Cutting, MappingReport
    from journeylib.judge import PeakEnd, SatisfactionBreak, TippingPoint
    from journeylib.measures import DetectorCheck

FURTHER_HANDOFFS = (
    "lost_in_queue",
    "requests_rate",
    "cries_to_human",
    "dead_cries",
    "loops",
    "context_sent",
    "context_carried",
    "asked_again",
    "time_to_honour",
    "ping_pong_bots",
    "ping_pong_people",
    "handovers_cold",
    "handovers_requested",
    "handovers_triggered",
    "handovers_scripted",
    "repeated_information",
    "escape_hatch_offered",
    "silent_abandonment",
    "escalation_precision",
    "escalation_recall",
    "escalated_late",
)


def build_document(audit: Audit) -> dict[str, Any]:
    """Return the content of `audit.json`, validated against its own schema."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "audit": _audit(audit),
        "log": _log(audit),
        "mapping": _mapping(audit.prepared.mapping),
        "linkage": _linkage(audit),
        "stitching": _stitching(audit),
        "cut_sensitivity": _rows(audit.prepared.cut_sensitivity),
        "touchpoints": _touchpoints(audit),
        "axes": clean(dict(audit.judgement.axes)),
        "transitions": _records(
            audit.evidence.transitions,
            ["source", "target", "events", "journeys", "customers", "median_seconds"],
        ),
        "flow": _estimates(audit, audit.evidence.flow),
        "structure": structure_part(audit.structure),
        "stories": stories_part(audit),
        "plan": plan_part(audit),
        "moments_of_truth": _moments(audit),
        "presence": _presence(audit),
        "handoffs": _handoffs(audit),
        "tipping_points": [
            _tipping(audit, point)
            for point in audit.judgement.tipping_points
            if point.at.n_customers >= audit.config.journeys.min_customers
        ],
        **_queue(audit),
        "satisfaction": _satisfaction(audit, audit.judgement.satisfaction),
        "peak_end": _peak_end(audit, audit.judgement.peak_end),
        "surveys": [_row(audit, row) for row in audit.judgement.surveys.to_dict("records")],
        "sensitivity": [clean(row) for row in audit.judgement.sensitivity.to_dict("records")],
        "paradoxes": [paradox.to_dict() for paradox in audit.judgement.paradoxes],
        "disclosure": None
        if audit.judgement.disclosure is None
        else clean(audit.judgement.disclosure.to_dict()),
        "detectors": [_detector(audit, check) for check in audit.evidence.detectors],
        "ratings": _ratings(audit),
        "portfolio": _portfolio(audit),
        "findings": [finding.to_dict() for finding in audit.findings],
        "comparison": {
            name: clean(getattr(audit.changes, name))
            for name in (
                "previous",
                "note",
                "period",
                "references",
                "compared",
                "definitions",
                "standing",
            )
        },
        "changes": [asdict(change) for change in audit.changes.found],
    }
    return AuditDocument.model_validate(document).model_dump(mode="json")


def build_tables(audit: Audit) -> dict[str, pd.DataFrame]:
    """Return the small tables behind the result, by file name; cells below the minimum are out."""
    evidence, judgement = audit.evidence, audit.judgement
    scores = judgement.scores.copy()
    for column in ("vetoes", "reasons"):
        scores[column] = ["\n".join(items) for items in scores[column]]
    variants = evidence.variants.copy()
    variants["variant"] = [" > ".join(names) for names in variants["variant"]]
    structure = audit.structure
    graph = (
        {}
        if structure is None
        else {
            "chain": structure.chain.table,
            "ends": structure.ends,
            "maps": pd.concat(
                [one.ledger.assign(kept=kept) for kept, one in structure.maps.items()],
                ignore_index=True,
            ),
        }
    )
    return graph | {
        "touchpoints": evidence.touchpoints,
        "transitions": evidence.transitions,
        "estimates": evidence.estimates,
        "variants": variants,
        "experience": evidence.experience,
        "scores": scores,
        "indicators": judgement.indicators,
        "handoff_touchpoints": evidence.handoffs.by_touchpoint,
        "containment_curve": evidence.handoffs.curve,
        "quality": audit.log.quality.checks,
        "streams": audit.changes.streams,
        "tested": audit.changes.tests,
        "stages": audit.reach.stages,
        "segments": audit.reach.segments,
    }


def _records(frame: pd.DataFrame, columns: list[str]) -> list[dict[str, Any]]:
    return [clean(row) for row in frame[columns].to_dict("records")]


def _estimate(audit: Audit, estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as JSON; on fewer customers than may be shown it says no number."""
    entry = estimate.to_dict()
    if 0 < estimate.n_customers < audit.config.journeys.min_customers:
        entry |= {"value": None, "lo": None, "hi": None, "n_customers": 0, "n_journeys": 0}
        entry["abstain"] = entry["abstain"] or "privacy"
    return entry


def _estimates(audit: Audit, found: Mapping[str, Estimate]) -> dict[str, dict[str, Any]]:
    return {name: _estimate(audit, found[name]) for name in sorted(found)}


def _audit(audit: Audit) -> dict[str, Any]:
    first, last = audit.journeys.first_us, audit.journeys.last_us
    return {
        "name": audit.config.name,
        "title": audit.config.heading,
        "run_id": audit.run_id,
        "period": None if first is None or last is None else [_day(first), _day(last)],
        "as_of": audit.as_of,
        "config_hash": audit.config_hash,
        "log_hash": audit.log_hash,
    }


def _day(t_us: int) -> str:
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (epoch + dt.timedelta(microseconds=t_us)).date().isoformat()


def _log(audit: Audit) -> dict[str, Any]:
    totals, quality = audit.evidence.totals, audit.log.quality
    columns = ["check", "role", "severity", "rows", "share", "text"]
    return {
        "events": totals["events"],
        "journeys": totals["journeys"],
        "customers": totals["customers"],
        "rows_read": quality.rows_read,
        "rows_quarantined": quality.rows_read - quality.rows_used,
        "cut": audit.journeys.cut,
        "cutting": _cutting(audit.journeys.cutting),
        "open_journeys": totals["open"],
        "cut_off_journeys": totals["cut_off"],
        "suppressed_cells": totals["suppressed"],
        "quality": _records(quality.checks, columns),
    }


def _cutting(cutting: Cutting) -> dict[str, Any]:
    names = ["answer", "definition", "gap_days", "confidence", "doubtful", "learned_customers"]
    own = ["channel", "gap_days", "answer", "reason"]
    channels = [{name: clean(getattr(gap, name)) for name in own} for gap in cutting.channels]
    return {name: clean(getattr(cutting, name)) for name in names} | {"channels": channels}


def _mapping(report: MappingReport | None) -> dict[str, Any] | None:
    names = ["hash", "rules", "unused_rules", "unmapped_events", "unmapped_share"]
    return None if report is None else {name: clean(getattr(report, name)) for name in names}


def _linkage(audit: Audit) -> dict[str, Any] | None:
    found, settings = audit.prepared.linkage, audit.config.linkage
    if found is None or settings is None:
        return None
    names = ["customers_before", "customers", "moved_share", "confidence"]
    return {
        "threshold": settings.threshold,
        **{name: clean(getattr(found, name)) for name in names},
        "people": len(found.people),
        "least": rounded(found.people["confidence"].min()) if len(found.people) else None,
        "levels": _rows(audit.prepared.linkage_levels),
    }


def _stitching(audit: Audit) -> dict[str, Any] | None:
    report = audit.prepared.stitching
    if report is None:
        return None
    counts = ["level", "customers_before", "customers", "moved_events", "unidentified_events"]
    sizes = ["large_size", "large_people", "largest"]
    return {
        **{name: getattr(report, name) for name in (*counts, *sizes)},
        "kinds": _rows(report.kinds),
        "levels": _rows(audit.prepared.stitching_levels),
    }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return _records(frame, list(frame.columns))


def _touchpoints(audit: Audit) -> list[dict[str, Any]]:
    measures = _measures_by_touchpoint(audit.evidence.estimates)
    rows = []
    for row in audit.judgement.scores.to_dict("records"):
        plain = ["touchpoint", "stage", "channel", "office", "events", "journeys", "customers"]
        judged = ["verdict", "leaning", "verdict_stability", "vetoes", "reasons", "next_datum"]
        entry = {name: clean(row[name]) for name in (*plain, *judged)}
        for axis in ("automation_fit", "empathy_need"):
            entry[axis] = _score(row, axis)
        entry["measures"] = measures[str(row["touchpoint"])]
        rows.append(entry)
    return rows


def _score(row: Mapping[Any, Any], axis: str) -> dict[str, Any]:
    value = rounded(row[axis])
    return {
        "value": value,
        "lo": None if value is None else rounded(row[f"{axis}_lo"]),
        "hi": None if value is None else rounded(row[f"{axis}_hi"]),
        "unit": "points",
        "n_customers": int(row["customers"]),
        "n_journeys": int(row["journeys"]),
        "grade": "C",
        "abstain": None if value is not None else (row["abstain"] or "no_column"),
    }


def _measures_by_touchpoint(estimates: pd.DataFrame) -> dict[str, dict[str, Any]]:
    columns = ["value", "lo", "hi", "unit", "n_customers", "n_journeys", "grade", "abstain"]
    columns.append("source")
    found: dict[str, dict[str, Any]] = {}
    for row in estimates.sort_values(["touchpoint", "measure"]).to_dict("records"):
        entry = {column: clean(row[column]) for column in columns}
        found.setdefault(str(row["touchpoint"]), {})[str(row["measure"])] = entry
    return found


def _portfolio(audit: Audit) -> dict[str, Any] | None:
    found = audit.portfolio
    if found is None:
        return None
    kept = found.candidates.drop(columns=["settled", "drivers"]).to_dict("records")
    return {
        "answer": found.answer,
        "chosen": found.chosen,
        "worth": _estimate(audit, found.worth),
        "worst_tenth": rounded(found.worst_tenth),
        "counted_twice": rounded(found.counted_twice),
        "cost": found.cost,
        "budget": found.budget,
        "currency": found.currency,
        "candidates": [_row(audit, row) for row in kept],
    }


def _detector(audit: Audit, check: DetectorCheck) -> dict[str, Any]:
    names = ("precision", "recall", "kappa", "prevalence", "corrected")
    return {
        "detector": check.detector,
        "n": check.n,
        **{name: _estimate(audit, getattr(check, name)) for name in names},
    }


def _ratings(audit: Audit) -> dict[str, Any] | None:
    found = audit.ratings
    if found is None:
        return None
    return {
        "touchpoints": _rows(found.touchpoints),
        "groups": [_row(audit, row) for row in found.groups.to_dict("records")],
        "agreement": _estimate(audit, found.agreement),
    }


def _moments(audit: Audit) -> list[dict[str, Any]]:
    rows = []
    for row in audit.judgement.moments.to_dict("records"):
        names = ["touchpoint", "outcome", "is_moment", "grade", "reasons"]
        names += ["q_value", "q_value_dependent", "shrunken", "e_value"]
        entry = {name: clean(row[name]) for name in names}
        entry |= {name: rounded(row[name].value) for name in ("naive", "adjusted")}
        further = ["effect", "impact", "asymmetry", "response_rate", "bounds"]
        rows.append(entry | _row(audit, {name: row.get(name) for name in further}))
    return rows


def _presence(audit: Audit) -> list[dict[str, Any]]:
    names = ["touchpoint", "outcome", "landmark", "landmark_day", "q_value", "reasons"]
    return [
        _row(audit, {"hazard_ratio": row["ratio"], **{name: row[name] for name in names}})
        for row in audit.judgement.presence.to_dict("records")
    ]


def _queue(audit: Audit) -> dict[str, Any]:
    found = audit.judgement.queue
    if isinstance(found, str):
        return {"queue_time": None, "queue_reason": found}
    numbers = {"wait_seconds": found.wait} | {
        name: getattr(found, name) for name in ("gives_up", "wait_at_once", "cost")
    }
    told = {
        "minutes": rounded(found.minutes) if found.answer == "minutes" else found.answer,
        "settled": rounded(found.settled),
        "staff": found.staff,
        **_estimates(audit, numbers),
    }
    return {"queue_time": told, "queue_reason": None}


def _tipping(audit: Audit, point: TippingPoint) -> dict[str, Any]:
    handoff = audit.judgement.handoff_times.get(point.segment)
    return {
        "segment": point.segment,
        "answer": point.answer,
        "minutes": rounded(point.at.value),
        "minutes_lo": rounded(point.at.lo),
        "minutes_hi": rounded(point.at.hi),
        "clock": point.at.unit,
        "handoff_time": _handoff_time(audit, handoff) if isinstance(handoff, HandoffTime) else None,
        "handoff_reason": handoff if isinstance(handoff, str) else None,
        **{
            name: rounded(getattr(point, name))
            for name in ("before", "after", "p_value", "q_value", "pooled")
        },
        "sessions": point.sessions,
        "events": point.events,
        "reasons": list(point.reasons),
    }


def _handoff_time(audit: Audit, found: HandoffTime) -> dict[str, Any]:
    costs = ("cost", "cost_at_once", "cost_never", "regret")
    return {
        **clean(found.to_dict()),
        **{name: _estimate(audit, getattr(found, name)) for name in costs},
        "settled": rounded(found.settled),
    }


def _satisfaction(audit: Audit, found: SatisfactionBreak | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "answer": found.answer,
        "at": _estimate(audit, found.at),
        "slope_before": rounded(found.slope_before),
        "slope_after": rounded(found.slope_after),
        "rated": found.rated,
        "resolved": found.resolved,
        "reasons": list(found.reasons),
    }


def _peak_end(audit: Audit, found: PeakEnd | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "weights": {name: _estimate(audit, weight) for name, weight in found.weights.items()},
        **{name: rounded(getattr(found, name)) for name in ("r_mean", "r_end", "r_fitted")},
        "gain": _estimate(audit, found.gain),
        "beats_mean": found.beats_mean,
    }


def _row(audit: Audit, row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row of numbers and estimates as plain JSON values."""
    return {
        str(name): _estimate(audit, cell) if isinstance(cell, Estimate) else clean(cell)
        for name, cell in row.items()
    }


def _handoffs(audit: Audit) -> dict[str, Any]:
    handoffs = audit.evidence.handoffs
    counts = ["sessions", "contained", "handed_over", "abandoned", "open", "requests"]
    items = audit.judgement.handoff_items
    worst = worst_item(items)
    shares = ["contained_raw", "contained_verified", "requests_honoured", "ping_pong"]
    return {
        "abstain": handoffs.abstain,
        **{name: int(getattr(handoffs, name)) for name in counts},
        **_estimates(audit, {name: getattr(handoffs, name) for name in shares}),
        "wait_seconds": _estimate(audit, handoffs.wait),
        "waterfall": _records(handoffs.waterfall, ["step", "sessions", "share"]),
        "dead_ends": list(handoffs.dead_ends),
        "actor_changes": _records(
            handoffs.actor_changes, ["source", "target", "events", "journeys", "customers"]
        ),
        "further": _estimates(audit, {name: getattr(handoffs, name) for name in FURTHER_HANDOFFS}),
        "items": [item.to_dict() for item in items],
        "worst": None if worst is None else worst.name,
    }
