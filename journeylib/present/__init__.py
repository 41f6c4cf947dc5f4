"""Everything a person sees: maps, charts, tables, the dashboard.

This room draws numbers that the rooms below have computed; it computes none. In a notebook:
``from journeylib import present as show``, then one call, one output.
"""

from journeylib.present.changes import (
    changes,
    difference,
    drift_between,
    moved,
    numbers_between,
    verdicts_between,
)
from journeylib.present.choices import cut_sensitivity, stitching
from journeylib.present.deciding import (
    handoff_times,
    moments,
    remembered,
    sensitivity,
    surveys,
    tipping_points,
)
from journeylib.present.figure import Figure
from journeylib.present.people import detectors, ratings
from journeylib.present.planned import planned_versus_actual
from journeylib.present.simplified import simplified_map
from journeylib.present.storylines import stories_figure
from journeylib.present.views import (
    bot_sessions,
    conformance,
    containment,
    data_quality,
    definitions,
    experience,
    findings,
    fit_and_need,
    flow,
    handoff_table,
    headline,
    journey_map,
    paradoxes,
    scorecard,
    stories,
    verdicts,
)

__all__ = [
    "Figure",
    "bot_sessions",
    "changes",
    "conformance",
    "containment",
    "cut_sensitivity",
    "data_quality",
    "definitions",
    "detectors",
    "difference",
    "drift_between",
    "experience",
    "findings",
    "fit_and_need",
    "flow",
    "handoff_table",
    "handoff_times",
    "headline",
    "journey_map",
    "moments",
    "moved",
    "numbers_between",
    "paradoxes",
    "planned_versus_actual",
    "ratings",
    "remembered",
    "scorecard",
    "sensitivity",
    "simplified_map",
    "stitching",
    "stories",
    "stories_figure",
    "surveys",
    "tipping_points",
    "verdicts",
    "verdicts_between",
]
