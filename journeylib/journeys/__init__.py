"""From events to ordered steps, journeys, variants and the journey graph."""

from journeylib.journeys.conformance.conformance import Conformance, planned_vs_actual
from journeylib.journeys.conformance.process_models import PlanSettings, load_plan
from journeylib.journeys.filters.export import write_customers
from journeylib.journeys.filters.history import call
from journeylib.journeys.graph.ends import Structure, journey_structure
from journeylib.journeys.graph.markov_chain import absorb, journey_chain
from journeylib.journeys.graph.simplify import ELSEWHERE, Simplified, simplify
from journeylib.journeys.graph.transitions import (
    END,
    OTHER,
    START,
    count_bases,
    journey_graph,
    transitions,
    variants,
)
from journeylib.journeys.identity.linkage import (
    FEWEST_KINDS,
    Linked,
    LinkSettings,
    link,
    need_splink,
)
from journeylib.journeys.identity.stitching import LEVELS, StitchReport, StitchSettings, stitch
from journeylib.journeys.journeys import US_PER_DAY, Journeys, rebuild
from journeylib.journeys.preparation.business_hours import BusinessHours, with_open_time
from journeylib.journeys.preparation.mapping import MappingReport, apply_mapping, read_mapping
from journeylib.journeys.preparation.mapping_suggestions import suggest_mapping
from journeylib.journeys.representatives.timelines import Timeline, Told, examples, stories
from journeylib.journeys.sampling import EVERYONE, Drawn, draw_customers
from journeylib.journeys.segmentation.channel_gaps import REST
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.segmentation.segment import Cutting
from journeylib.journeys.setting_names import refuse_absent, sift

__all__ = [
    "ELSEWHERE",
    "END",
    "EVERYONE",
    "FEWEST_KINDS",
    "LEVELS",
    "OTHER",
    "REST",
    "START",
    "US_PER_DAY",
    "BusinessHours",
    "Conformance",
    "Cutting",
    "Drawn",
    "JourneySettings",
    "Journeys",
    "LinkSettings",
    "Linked",
    "MappingReport",
    "PlanSettings",
    "Simplified",
    "StitchReport",
    "StitchSettings",
    "Structure",
    "Timeline",
    "Told",
    "absorb",
    "apply_mapping",
    "call",
    "count_bases",
    "draw_customers",
    "examples",
    "journey_chain",
    "journey_graph",
    "journey_structure",
    "link",
    "load_plan",
    "need_splink",
    "planned_vs_actual",
    "read_mapping",
    "rebuild",
    "refuse_absent",
    "sift",
    "simplify",
    "stitch",
    "stories",
    "suggest_mapping",
    "transitions",
    "variants",
    "with_open_time",
    "write_customers",
]
