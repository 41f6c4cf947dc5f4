"""Counts, times, loops, hand-offs, effort, sentiment: small tables with intervals."""

from journeylib.measures.bots.bot_sessions import STATES, BotSessions, bot_sessions
from journeylib.measures.bots.containment import public_waterfall, waterfall_flags
from journeylib.measures.bots.conversations import Conversations, at_bad_ends, sessions_of
from journeylib.measures.bots.handoff_audit import Handoffs
from journeylib.measures.bots.handoff_patterns import MOST_EARLIER
from journeylib.measures.evidence import Evidence, measure
from journeylib.measures.measured import OF_PERSONS
from journeylib.measures.overall.comparison import FOUND, Comparison, compare
from journeylib.measures.overall.key_results import KEY_RESULTS, key_results
from journeylib.measures.overall.period_series import (
    ALL,
    EVENTS,
    EVERYWHERE,
    STREAM_COLUMNS,
    Periods,
    streams,
)
from journeylib.measures.overall.reach import Reach, reach
from journeylib.measures.overall.transition_estimates import Taken, Transitions
from journeylib.measures.ratios import quotient, ratio_of_sums
from journeylib.measures.service_types.contact_types import (
    UNSURE,
    ServiceTypes,
    TypeShare,
    estimate_service_types,
)
from journeylib.measures.service_types.matters import Matters
from journeylib.measures.service_types.openings import (
    LABEL_COLUMNS,
    LEARN,
    MEASURE,
    LabelLists,
    label_lists,
    openings,
)
from journeylib.measures.service_types.type_measure import with_type_shares
from journeylib.measures.settings import MeasureSettings, ServiceTypeSettings
from journeylib.measures.texts.detector_accuracy import (
    DETECTORS,
    MIN_INFORMED,
    MIN_LABELLED,
    DetectorCheck,
)
from journeylib.measures.texts.language_reach import text_abstain_reason
from journeylib.measures.texts.sentiment import (
    EVEN_ODDS,
    LISTED,
    RATING_SCALES,
    Scores,
    customer_scores,
    score_of_events,
)
from journeylib.measures.touchpoints.visit_measures import UNSET_WORDS, flag_of, whole_weeks
from journeylib.measures.withhold import without_graph
