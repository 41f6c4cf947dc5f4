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
from journeylib.present.choices import cut_sensitivity, linkage, stitching
from journeylib.present.deciding import (
    handoff_times,
    moments,
    presence,
    queue_time,
    remembered,
    sensitivity,
    surveys,
    tipping_points,
)
from journeylib.present.differences import comparison_table, difference_map
from journeylib.present.figure import Figure
from journeylib.present.lab.views import (
    lab_decision,
    lab_findable,
    lab_harm,
    lab_plan,
    lab_reading,
)
from journeylib.present.people import detectors, ratings
from journeylib.present.planned import planned_versus_actual
from journeylib.present.simplified import simplified_map
from journeylib.present.starting import automation_candidates, first_automations
from journeylib.present.storylines import stories_figure
from journeylib.present.structure import break_offs, journey_ends, smaller_map
from journeylib.present.views import (
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
    "lab_decision",
    "lab_findable",
    "lab_harm",
    "lab_plan",
    "lab_reading",
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
