"""Read logs, map columns to roles, check their quality, protect their people."""

from journeylib.log.canonical.canonical_events import NO_WORDS, YES_WORDS, alias, flag_of, micro_of
from journeylib.log.canonical.timestamps import shape_share
from journeylib.log.canonical.wide_rows import WideRows
from journeylib.log.engine.columns import (
    MISSING,
    Codes,
    Flags,
    Numbers,
    Whole,
    picked,
    read_columns,
)
from journeylib.log.engine.compiled import compiled
from journeylib.log.engine.duckdb import (
    EngineSettings,
    explain_resource_errors,
    fetch,
    fetch_arrow,
    hand_over,
    resource_hint,
    set_aside,
    threads_of,
)
from journeylib.log.engine.hashing import customer_group, log_hash
from journeylib.log.engine.private_folder import PrivateFolder, remove_abandoned
from journeylib.log.engine.row_order import (
    EventOrder,
    customer_numbers,
    in_order,
    rows_at,
    touchpoint_sizes,
)
from journeylib.log.eventlog import Check, EventLog, Quality, check_table
from journeylib.log.inference.recipe_schema import propose_by_recipe
from journeylib.log.inference.schema_proposal import Ask, Proposal, propose
from journeylib.log.privacy import MASK, PERSONAL
from journeylib.log.read import read_log
from journeylib.log.schema import (
    ID,
    ROLES,
    Called,
    Channel,
    Intent,
    KeptTouchpoint,
    NameOf,
    Office,
    Outcome,
    OutcomesSchema,
    Replies,
    Schema,
    Span,
    Touchpoint,
)
from journeylib.log.sources.days import LAST_EVENT
from journeylib.log.sources.files import matching_files
from journeylib.log.sources.kinds import open_source
from journeylib.log.sources.process_mining import refuse_entities
from journeylib.log.sources.raw_table import FILE, POSITION, ROW, ReadOptions
from journeylib.log.sources.recipes.parts import export_files
from journeylib.log.sources.recipes.recipe import find_recipe, recipes
from journeylib.log.sources.recipes.recognise import RecognisedExport, recognise
from journeylib.log.sources.table_sources import drop_scratch
from journeylib.log.suppression import (
    COUNTS,
    MIN_CELL,
    Cells,
    Shown,
    bounded_share,
    protect,
    protect_parts,
    share_bounds,
    shows,
    suppress,
)
from journeylib.log.text.detectors import (
    asks_for_human,
    awaits_answer,
    confirms,
    discloses,
    disclosing_sentence,
    fails_to_answer,
    in_language,
    in_sample,
    long_enough,
    normalised,
    offers_human,
    sample_customers,
    says_again,
    says_wrong,
    text_language,
)
from journeylib.log.text.lexicon import LEXICONS
from journeylib.log.text.role_names import ROLE_NAMES, actor_of_word, name_score, plain_name
