"""Everything a person sees: maps, charts, tables, the dashboard.

This room draws numbers that the rooms below have computed; it computes none. In a notebook:
``from journeylib import present as show``, then one call, one output.
"""

from journeylib.present.figure import Figure
from journeylib.present.maps.conformance import planned_versus_actual
from journeylib.present.maps.difference_map import comparison_table, difference_map
from journeylib.present.maps.simplified_map import simplified_map
from journeylib.present.maps.timelines import stories_figure
from journeylib.present.views.changes import (
    changes,
    difference,
    drift_between,
    moved,
    numbers_between,
    verdicts_between,
)
from journeylib.present.views.choices import cut_sensitivity, linkage, stitching
from journeylib.present.views.deciding import (
    handoff_times,
    moments,
    presence,
    queue_time,
    remembered,
    sensitivity,
    surveys,
    tipping_points,
)
from journeylib.present.views.journey import break_offs, journey_ends, smaller_map
from journeylib.present.views.people import detectors, ratings
from journeylib.present.views.portfolio import automation_candidates, first_automations
from journeylib.present.views.sections import (
    bot_sessions,
    conformance,
    containment,
    containment_curve,
    data_quality,
    definitions,
    disclosure,
    experience,
    findings,
    fit_and_need,
    flow,
    handoff_table,
    headline,
    journey_map,
    paradox_figures,
    paradoxes,
    scorecard,
    stories,
    stories_by_segment,
    times,
    verdicts,
)

__all__ = [
    "Figure",
    "automation_candidates",
    "bot_sessions",
    "break_offs",
    "changes",
    "comparison_table",
    "conformance",
    "containment",
    "containment_curve",
    "cut_sensitivity",
    "data_quality",
    "definitions",
    "detectors",
    "difference",
    "difference_map",
    "disclosure",
    "drift_between",
    "experience",
    "findings",
    "first_automations",
    "fit_and_need",
    "flow",
    "handoff_table",
    "handoff_times",
    "headline",
    "journey_ends",
    "journey_map",
    "linkage",
    "moments",
    "moved",
    "numbers_between",
    "paradox_figures",
    "paradoxes",
    "planned_versus_actual",
    "presence",
    "queue_time",
    "ratings",
    "remembered",
    "scorecard",
    "sensitivity",
    "simplified_map",
    "smaller_map",
    "stitching",
    "stories",
    "stories_by_segment",
    "stories_figure",
    "surveys",
    "times",
    "tipping_points",
    "verdicts",
    "verdicts_between",
]
