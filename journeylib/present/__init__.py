"""Everything a person sees: maps, charts, tables, the dashboard.

This room draws numbers that the rooms below have computed; it computes none. In a notebook:
``from journeylib import present as show``, then one call, one output.
"""

from journeylib.present.charts.experience import experience_chart
from journeylib.present.dashboard import OWN_ERRORS, load_drawing, render_html, style_once
from journeylib.present.drawing import svg
from journeylib.present.drawing.browser import Browser, pdf
from journeylib.present.drawing.font_metrics import ANY, ARIAL, FontMetrics
from journeylib.present.drawing.images import png
from journeylib.present.drawing.label_placement import Rect, leader, place_labels
from journeylib.present.drawing.svg import clean, esc, num, soft
from journeylib.present.explorer.explore import explore
from journeylib.present.explorer.label_page import label_page
from journeylib.present.explorer.move_sliders import move_sliders
from journeylib.present.figure import Figure, svg_element
from journeylib.present.maps.difference_map import comparison_table, difference_map
from journeylib.present.maps.journey_map import flow_line, stage_head
from journeylib.present.maps.layering import layers_of
from journeylib.present.maps.layout import (
    NO_CHANNEL,
    Band,
    Box,
    BoxStyle,
    MapLayout,
    MapOptions,
    map_layout,
)
from journeylib.present.maps.timelines import stories_figure
from journeylib.present.tables import Table, as_float, interval, share_interval, table
from journeylib.present.theme import LIGHT, TEMPLATES, VERDICTS, css, feeling
from journeylib.present.views.appendix import appendix
from journeylib.present.views.bots import (
    containment,
    containment_curve,
    disclosure,
    handoff_table,
    handoff_times,
    paradox_figures,
    paradoxes,
    queue_time,
    tipping_points,
)
from journeylib.present.views.changes import (
    changes,
    difference,
    drift_between,
    moved,
    numbers_between,
    verdicts_between,
)
from journeylib.present.views.journey import (
    break_offs,
    conformance,
    experience,
    flow,
    journey_ends,
    journey_map,
    smaller_map,
    stories,
    stories_by_segment,
    times,
)
from journeylib.present.views.lab.assessment import assessment_page
from journeylib.present.views.lab.experiment import (
    lab_decision,
    lab_findable,
    lab_harm,
    lab_plan,
    lab_reading,
)
from journeylib.present.views.lab.page import lab_page, write_page
from journeylib.present.views.moments import moments, presence, remembered, surveys
from journeylib.present.views.now import findings, first_step, now
from journeylib.present.views.portfolio import (
    automation_candidates,
    first_automations,
    what_if,
    what_if_details,
)
from journeylib.present.views.quality import (
    cut_sensitivity,
    data_quality,
    definitions,
    detectors,
    linkage,
    stitching,
)
from journeylib.present.views.scores import fit_and_need, ratings, scorecard, sensitivity
from journeylib.present.views.touchpoints import (
    service_types,
    touchpoint,
    touchpoint_pages,
    touchpoints,
)
