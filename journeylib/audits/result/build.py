"""The document and the tables of a run, filled from what it measured and judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from journeylib.audits.document.content import Variation, varied
from journeylib.audits.document.document_schema import SCHEMA_VERSION, document_schema, validate
from journeylib.audits.result.decision import Decisions
from journeylib.audits.result.ledger import Ledger
from journeylib.audits.result.result import Assessment, Changes, Finding
from journeylib.core import day_of, rounded
from journeylib.journeys import Conformance, Simplified, StoryTimelines, Structure, Timeline
from journeylib.judge import HandoffTime, TippingPoint, worst_item
from journeylib.log import Cells, protect, shows
from journeylib.measures import STATES, public_waterfall
from journeylib.portfolio import WhatIf

_OF_JOURNEYS = ("open", "cut_off")
BETWEEN_TOUCHPOINTS = " > "  # of a variant, in a table
OWN_HANDOFFS = {"contained_raw", "contained_verified", "requests_honoured", "ping_pong", "wait"}


def build_document(assessment: Assessment, changes: Changes) -> dict[str, Any]:
    """Return the content of `audit.json` before its findings, read as the schema names it."""
    judgement, prepared = assessment.judgement, assessment.prepared
    parts = varied(
        judgement,
        schema_version=SCHEMA_VERSION,
        audit=_run(assessment),
        log=_log(assessment),
        mapping=prepared.mapping,
        linkage=_linkage(assessment),
        stitching=prepared.stitching
        and varied(prepared.stitching, levels=prepared.stitching_levels),
        cut_sensitivity=prepared.cut_sensitivity,
        touchpoints=list(_touchpoints(assessment)),
        transitions=assessment.evidence.transitions,
        flow=assessment.evidence.flow,
        structure=assessment.structure
        and _structure(
            assessment.structure,
            assessment.config.journeys.min_customers,
            assessment.evidence.totals["open"],
        ),
        stories=_stories(assessment),
        plan=assessment.conformance and _plan(assessment.conformance),
        moments_of_truth=judgement.moments,
        presence=judgement.presence.rename(columns={"ratio": "hazard_ratio"}),
        handoffs=_handoffs(assessment),
        tipping_points=list(_tipping_points(assessment)),
        **_queue(assessment),
        disclosure=judgement.disclosure and judgement.disclosure.to_dict(),
        detectors=assessment.evidence.detectors,
        ratings=assessment.ratings,
        portfolio=assessment.portfolio,
        what_if=[_what_if(one) for one in assessment.what_ifs],
        service_types=assessment.service_types,
        decisions=None,
        findings=(),
        comparison=changes,
        changes=changes.entries,
    )
    document: dict[str, Any] = _ledger(assessment).part(document_schema(), parts)
    return document


def _ledger(assessment: Assessment) -> Ledger:
    return Ledger(assessment.config.journeys.min_customers)


def with_findings(
    document: Mapping[str, Any],
    findings: Sequence[Finding],
    decisions: Decisions,
    translations: Mapping[str, Decisions],
) -> dict[str, Any]:
    """Return the complete document, checked against its own schema."""
    others = [varied(one, language=language) for language, one in translations.items()]
    parts = {"findings": findings, "decisions": varied(decisions, translations=others)}
    schema = document_schema()["properties"]
    # What findings and decisions say is made of numbers that may be shown.
    ledger = Ledger(0)
    complete = {**document, **{name: ledger.part(schema[name], parts[name]) for name in parts}}
    validate(complete)
    return complete


def build_tables(assessment: Assessment, changes: Changes) -> dict[str, pd.DataFrame]:
    """Return the small tables behind the result, by file name; cells below the minimum are out."""
    evidence, judgement = assessment.evidence, assessment.judgement
    structure = assessment.structure
    ledger = _ledger(assessment)
    graph = structure and {
        "chain": structure.chain.table,
        "ends": structure.ends,
        "maps": pd.concat(
            [
                _map_counts(one, ledger.minimum).assign(kept=share)
                for share, one in structure.maps.items()
            ],
            ignore_index=True,
        ),
    }
    tables = (graph or {}) | {
        "touchpoints": evidence.touchpoints,
        "transitions": evidence.transitions,
        "estimates": evidence.estimates,
        "variants": _joined(evidence.variants, BETWEEN_TOUCHPOINTS, "variant"),
        "experience": evidence.experience,
        "scores": _joined(judgement.scores, "\n", "vetoes", "reasons"),
        "indicators": judgement.indicators,
        "handoff_touchpoints": evidence.handoffs.by_touchpoint,
        "containment_curve": evidence.handoffs.curve,
        "quality": assessment.quality.checks,
        "streams": changes.streams,
        "tested": changes.tests,
        "stages": assessment.reach.stages,
        "segments": assessment.reach.segments,
        "months": assessment.reach.months,
    }
    return {name: ledger.table(name, table) for name, table in tables.items()}


def _map_counts(drawn: Simplified, minimum: int) -> pd.DataFrame:
    """Return the counts of a map; where one part is of a few, all of the row are missing."""
    parts, counts = ["shown", "folded", "suppressed"], drawn.ledger
    few = counts[parts].map(lambda size: not shows(size, minimum)).any(axis=1)
    few &= counts["what"] != "touchpoints"
    return counts.assign(**{name: counts[name].astype("Int64").mask(few) for name in parts})


def _joined(table: pd.DataFrame, mark: str, *columns: str) -> pd.DataFrame:
    return table.assign(**{name: [mark.join(items) for items in table[name]] for name in columns})


def _run(assessment: Assessment) -> Variation:
    first, last = assessment.journeys.first_us, assessment.journeys.last_us
    return varied(
        assessment,
        name=assessment.config.name,
        title=assessment.config.heading,
        period=None
        if first is None or last is None
        else tuple(day_of(t_us).isoformat() for t_us in (first, last)),
    )


def _log(assessment: Assessment) -> Variation:
    totals, quality = assessment.evidence.totals, assessment.quality
    minimum = assessment.config.journeys.min_customers
    few = {name: totals[name] if shows(totals[name], minimum) else None for name in _OF_JOURNEYS}
    return varied(
        assessment.journeys,
        events=totals["events"],
        journeys=totals["journeys"],
        customers=totals["customers"],
        rows_read=quality.rows_read,
        rows_quarantined=quality.rows_read - quality.rows_used,
        open_journeys=few["open"],
        cut_off_journeys=few["cut_off"],
        suppressed_cells=totals["suppressed"],
        quality=quality.checks,
    )


def _linkage(assessment: Assessment) -> Variation | None:
    linkage, settings = assessment.prepared.linkage, assessment.config.linkage
    if linkage is None or settings is None:
        return None
    return varied(
        linkage,
        threshold=settings.threshold,
        people=len(linkage.people),
        least=linkage.people["confidence"].min() if len(linkage.people) else None,
        levels=assessment.prepared.linkage_levels,
    )


def _touchpoints(assessment: Assessment) -> Iterator[Variation]:
    measures: dict[str, dict[str, Any]] = defaultdict(dict)
    # Objects: texts of Arrow are slow to go through one by one.
    for row in assessment.evidence.estimates.astype(object).to_dict("records"):
        measures[row["touchpoint"]][row["measure"]] = row
    for row in assessment.judgement.scores.to_dict("records"):
        scores = {axis: _score(row, axis) for axis in ("automation_fit", "empathy_need")}
        yield varied(row, measures=measures[row["touchpoint"]], **scores)


def _score(row: Mapping[Any, Any], axis: str) -> dict[str, Any]:
    value = rounded(row[axis])
    return {
        "value": value,
        "lo": None if value is None else row[f"{axis}_lo"],
        "hi": None if value is None else row[f"{axis}_hi"],
        "unit": "points",
        "n_customers": row["customers"],
        "n_journeys": row["journeys"],
        "grade": "C",
        "abstain": None if value is not None else (row["abstain"] or "no_column"),
    }


def _handoffs(assessment: Assessment) -> Variation:
    handoffs, items = assessment.evidence.handoffs, assessment.judgement.handoff_items
    worst, minimum = worst_item(items), assessment.config.journeys.min_customers
    hidden = (state for state in STATES if state not in handoffs.ends_shown)
    return varied(
        handoffs,
        **dict.fromkeys(hidden),
        requests=handoffs.requests if shows(handoffs.requests, minimum) else None,
        waterfall=public_waterfall(handoffs.waterfall, minimum),
        wait_seconds=handoffs.wait,
        further={n: e for n, e in handoffs.estimates().items() if n not in OWN_HANDOFFS},
        items=[item.to_dict() for item in items],
        worst=None if worst is None else worst.name,
    )


def _queue(assessment: Assessment) -> dict[str, Any]:
    queue = assessment.judgement.queue
    if isinstance(queue, str):
        return {"queue_time": None, "queue_reason": queue}
    minutes = queue.minutes if queue.answer == "minutes" else queue.answer
    time = varied(queue, minutes=minutes, wait_seconds=queue.wait)
    return {"queue_time": time, "queue_reason": None}


def _tipping_points(assessment: Assessment) -> Iterator[Variation]:
    points, minimum = assessment.judgement.tipping_points, assessment.config.journeys.min_customers
    public = _exits_shown(points, minimum)
    for point in points:
        if point.at.n_customers >= minimum:
            time = assessment.judgement.handoff_times.get(point.segment)
            yield _tipping_point(point, time, exits_shown=point.segment in public)


def _exits_shown(points: Sequence[TippingPoint], minimum: int) -> set[str]:
    """Return the segments whose number of frustrated exits may be shown.

    The first point is of all sessions; the others are parts of them, and so is what they leave.
    """
    many = np.array([(point.events, point.sessions - point.events) for point in points])
    if not len(many):
        return set()
    parts = np.concatenate([many[1:], many[:1] - many[1:].sum(axis=0)])
    whole = all(shows(size, minimum) for size in many[0])
    row, column = np.divmod(np.arange(parts.size), 2)
    totals = (row, np.where(whole, column, -1))
    named = row < len(parts) - 1
    cells = Cells(np.stack([parts.ravel()] * 2, axis=-1), totals, named, zeros_shown=True)
    public = protect(cells, minimum).exact[::2]
    names = [point.segment for point, shown in zip(points[1:], public, strict=False) if shown]
    return {*names, *([points[0].segment] if whole else [])}


def _tipping_point(
    point: TippingPoint, handoff: HandoffTime | str | None, *, exits_shown: bool
) -> Variation:
    time = handoff if isinstance(handoff, HandoffTime) else None
    return varied(
        point,
        events=point.events if exits_shown else None,
        minutes=point.at.value,
        minutes_lo=point.at.lo,
        minutes_hi=point.at.hi,
        clock=point.at.unit,
        handoff_time=time and varied(time, **time.to_dict()),
        handoff_reason=handoff if isinstance(handoff, str) else None,
    )


def _structure(structure: Structure, minimum: int, still_open: int) -> dict[str, Any]:
    chain = structure.chain
    # The last step of an open journey has no known next one: few of them are not told so either.
    hidden = 0 if shows(still_open, minimum) else still_open
    by_touchpoint: dict[str, dict[str, Any]] = {}
    for row in chain.table.to_dict("records"):
        entry = by_touchpoint.setdefault(row["touchpoint"], {"touchpoint": row["touchpoint"]})
        entry[row["measure"]] = row
    fixed = {"unit": "share", "grade": "C", "abstain": None}
    return {
        "ends": [
            varied(row, share={**row, **fixed, "value": row["share"]})
            for row in structure.ends.to_dict("records")
        ],
        "chain": by_touchpoint.values(),
        "points_of_no_return": [
            varied(row, p_goal=by_touchpoint[row["touchpoint"]]["p_goal"])
            for row in chain.points_of_no_return.to_dict("records")
        ],
        "memory": varied(chain.order, text=str(chain.order), steps=chain.order.steps + hidden),
        "maps": [
            varied(
                one,
                kept=fraction,
                ledger=_map_counts(one, minimum),
                share=one.share if shows(one.journeys_shown, minimum) else None,
            )
            for fraction, one in structure.maps.items()
        ],
        "suppressed": chain.suppressed,
    }


def _stories(assessment: Assessment) -> dict[str, Any]:
    """Return the stories of all journeys, and of each segment."""
    rows = assessment.evidence.experience
    feelings = dict(zip(rows["touchpoint"], rows["sentiment"], strict=True))
    apart = assessment.stories_by_segment
    segments = [
        {"segment": name, **_stories_of(apart, name, feelings)}
        for name in sorted(apart.by_segment if apart else ())
        if apart is not None
    ]
    return _stories_of(assessment.stories, "", feelings) | {"segments": segments}


def _stories_of(
    result: StoryTimelines, segment: str, feelings: Mapping[str, float | None]
) -> dict[str, Any]:
    stories = result.by_segment.get(segment)
    if stories is None:
        return {"answer": "cannot tell", "reason": "no journey", "coverage": 0.0, "stories": []}
    lines = [line for line in result.timelines if line.segment == segment]

    def steps(line: Timeline) -> list[dict[Any, Any]]:
        rows = line.steps.to_dict("records")
        return [row | {"feeling": feelings.get(row["touchpoint"])} for row in rows]

    # Where the log tells stories, they count what the dashboard draws: journeys near to them.
    stories_drawn = [
        varied(
            line.story,
            journeys=line.journeys,
            share=line.share,
            steps=steps(line),
            ends=line.outcomes,
        )
        for line in lines
    ]
    return {
        "answer": stories.answer,
        "reason": stories.reason,
        "coverage": stories.coverage,
        "stories": stories_drawn or [varied(story, steps=[], ends=()) for story in stories.stories],
    }


def _what_if(what_if: WhatIf) -> Variation:
    return varied(what_if, text=what_if.text)


def _plan(conformance: Conformance) -> Variation:
    plan = conformance.plan
    return varied(conformance, planned=plan.steps, optional=sorted(plan.optional))
