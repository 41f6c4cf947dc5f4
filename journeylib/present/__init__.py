"""Everything a person sees: maps, charts, tables, the dashboard.

This room draws numbers that the rooms below have computed; it computes none.
"""

from journeylib.present.bars import containment_waterfall, handoff_partition, heatmap
from journeylib.present.blocks import Block, Card, cards, findings_list, verdict_list
from journeylib.present.experience import experience_line
from journeylib.present.figure import Figure
from journeylib.present.layout import MapLayout, map_layout
from journeylib.present.maps import journey_map
from journeylib.present.quadrant import quadrant
from journeylib.present.report import render_html
from journeylib.present.tables import Table, estimate_text, quality_table, table
from journeylib.present.theme import VERDICTS

__all__ = [
    "VERDICTS",
    "Block",
    "Card",
    "Figure",
    "MapLayout",
    "Table",
    "cards",
    "containment_waterfall",
    "estimate_text",
    "experience_line",
    "findings_list",
    "handoff_partition",
    "heatmap",
    "journey_map",
    "map_layout",
    "quadrant",
    "quality_table",
    "render_html",
    "table",
    "verdict_list",
]
