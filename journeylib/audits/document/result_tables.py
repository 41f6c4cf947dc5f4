"""The part of the document that tells of journeys: their structure, their stories, the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from journeylib.audits.document.schema import clean
from journeylib.core import rounded

if TYPE_CHECKING:
    from journeylib.audits.pipeline import Audit
    from journeylib.journeys import Structure, Told

NUMBER = ("value", "lo", "hi", "unit", "n_customers", "n_journeys", "grade", "abstain")


def structure_part(found: Structure | None) -> dict[str, Any] | None:
    """Return `structure` of the document."""
    if found is None:
        return None
    chain = found.chain
    by_touchpoint: dict[str, dict[str, Any]] = {}
    for row in chain.table.to_dict("records"):
        entry = by_touchpoint.setdefault(row["touchpoint"], {"touchpoint": row["touchpoint"]})
        entry[row["measure"]] = {name: clean(row[name]) for name in NUMBER}
    return {
        "ends": [
            {
                "touchpoint": row["touchpoint"],
                "end": row["end"],
                "share": _share(row, "share"),
            }
            for row in found.ends.to_dict("records")
        ],
        "chain": list(by_touchpoint.values()),
        "points_of_no_return": [
            {
                "touchpoint": row["touchpoint"],
                "towards": row["towards"],
                "p_goal": by_touchpoint[row["touchpoint"]]["p_goal"],
                "visited": rounded(row["visited"]),
            }
            for row in chain.points_of_no_return.to_dict("records")
        ],
        "memory": {
            "order": chain.order.order,
            "steps": chain.order.steps,
            "text": str(chain.order),
            "losses": [clean(row) for row in chain.order.losses.to_dict("records")],
        },
        "maps": [
            {
                "kept": kept,
                "share": rounded(smaller.share),
                "ledger": [clean(row) for row in smaller.ledger.to_dict("records")],
            }
            for kept, smaller in found.maps.items()
        ],
        "suppressed": chain.suppressed,
    }


def _share(row: Mapping[Any, Any], name: str) -> dict[str, Any]:
    plain = {"unit": "share", "grade": "C", "abstain": None}
    names = {"value": name, "lo": "lo", "hi": "hi"}
    counts = {count: int(row[count]) for count in ("n_customers", "n_journeys")}
    return plain | counts | {to: rounded(row[column]) for to, column in names.items()}


def stories_part(audit: Audit) -> dict[str, Any]:
    """Return `stories` of the document: of all journeys, and of each segment."""
    felt = _feelings(audit)
    apart = audit.stories_by_segment
    segments = [] if apart is None else sorted(apart.found)
    return _told(audit.stories, "", felt) | {
        "segments": [
            {"segment": segment, **_told(apart, segment, felt)}
            for segment in segments
            if apart is not None
        ]
    }


def _feelings(audit: Audit) -> dict[str, float | None]:
    rows = audit.evidence.experience
    return dict(zip(rows["touchpoint"], map(rounded, rows["sentiment"]), strict=True))


def _told(told: Told, segment: str, felt: Mapping[str, float | None]) -> dict[str, Any]:
    found = told.found.get(segment)
    if found is None:
        return {"answer": "cannot tell", "reason": "no journey", "coverage": 0.0, "stories": []}
    lines = {line.story: line for line in told.timelines if line.segment == segment}
    stories = []
    for story in found.stories:
        line = lines.get(story)
        names = ["journeys", "customers", "share"]
        steps = [] if line is None else line.steps.to_dict("records")
        kept = ("touchpoint", "channel", "seconds_to_next")
        stories.append(
            {"touchpoints": [str(name) for name in story.touchpoints]}
            | {name: clean(getattr(story, name)) for name in names}
            | {
                "steps": [
                    {name: clean(step[name]) for name in kept}
                    | {"feeling": felt.get(str(step["touchpoint"]))}
                    for step in steps
                ],
                "ends": []
                if line is None
                else [clean(end) for end in line.outcomes.to_dict("records")],
            }
        )
    return {
        "answer": found.answer,
        "reason": found.reason,
        "coverage": rounded(found.coverage),
        "stories": stories,
    }


def plan_part(audit: Audit) -> dict[str, Any] | None:
    """Return `plan` of the document."""
    found = audit.conformance
    if found is None:
        return None
    return {
        "journeys": found.journeys,
        "customers": found.customers,
        "open_journeys": found.open_journeys,
        "planned": list(found.plan.steps),
        "optional": sorted(found.plan.optional),
        "conforming": found.conforming.to_dict(),
        "fitness": found.fitness.to_dict(),
        "never_seen": list(found.never_seen),
        **{
            name: [clean(row) for row in getattr(found, name).to_dict("records")]
            for name in ("steps", "insertions", "outcomes")
        },
    }
