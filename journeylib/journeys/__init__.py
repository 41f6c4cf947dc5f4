"""From events to ordered steps, journeys, variants and the journey graph."""

from journeylib.journeys.conformance.conformance import Conformance, planned_vs_actual
from journeylib.journeys.conformance.process_models import PlanSettings, load_plan
from journeylib.journeys.customer_list import write_customers
from journeylib.journeys.filters.narrowing import call
from journeylib.journeys.graph.markov_chain import journey_chain
from journeylib.journeys.graph.simplify import ELSEWHERE, Simplified, simplify
from journeylib.journeys.graph.structure import Structure, journey_structure
from journeylib.journeys.graph.transitions import journey_graph, steps_around, transitions, variants
from journeylib.journeys.identity.linkage import (
    FEWEST_KINDS,
    Linked,
    LinkSettings,
    link,
    need_splink,
)
from journeylib.journeys.identity.stitching import LEVELS, StitchReport, StitchSettings, stitch
from journeylib.journeys.journeys import Journeys, cut_again, rebuild
from journeylib.journeys.preparation.business_hours import BusinessHours, open_time
from journeylib.journeys.preparation.mapping import MappingReport, apply_mapping, read_mapping
from journeylib.journeys.preparation.mapping_suggestions import suggest_mapping
from journeylib.journeys.representatives.representatives import Stories, Story
from journeylib.journeys.representatives.timelines import (
    StoryTimelines,
    Timeline,
    examples,
    stories,
)
from journeylib.journeys.segmentation.channel_gaps import REST
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.setting_names import refuse_absent, separate_absent
from journeylib.journeys.walk.counting import (
    Base,
    Middle,
    Sums,
    Tally,
    base_in_cells,
    count_marked,
    count_neighbours,
    count_units,
    count_units_again,
    happens_between,
    largest_of_customers,
    number_pairs,
    sum_in_cells,
)
from journeylib.journeys.walk.customer_sample import EVERYONE, CustomerSample
from journeylib.journeys.walk.event_columns import rows_in_order, words_at
from journeylib.journeys.walk.events import Events
from journeylib.journeys.walk.outline import BAD_END, GOAL, OTHER_END, judged_by_goals, last_goals
from journeylib.journeys.walk.segment import Cutting
from journeylib.journeys.walk.sessions import (
    Runs,
    before_first,
    first_in,
    largest_in,
    last_in,
    least_of_later,
    many_in,
    number_sessions,
    row_after,
    row_before,
    runs_before,
    runs_of,
    soon_after,
    value_at,
)
from journeylib.journeys.walk.tables import END, OTHER, START, move_numbers
from journeylib.journeys.walk.variant_counts import END_NUMBER
from journeylib.journeys.walk.visits import last_at_touchpoint
from journeylib.log import MISSING, Codes, compiled
