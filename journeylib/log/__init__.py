"""Read logs, map columns to roles, check their quality, protect their people."""

from journeylib.log.canonical.events import alias
from journeylib.log.canonical.timestamps import shape_share
from journeylib.log.engine.duckdb import (
    EngineSettings,
    customer_group,
    fetch,
    fetch_arrow,
    hand_over,
    log_hash,
    saying_what_ran_out,
    what_ran_out,
)
from journeylib.log.engine.row_order import (
    ROW_NUMBER,
    Runs,
    customer_numbers,
    hold_in_order,
    lie_in_order,
    numbered,
)
from journeylib.log.eventlog import EventLog, Quality
from journeylib.log.inference.role_names import ROLE_NAMES, actor_of_word, name_score, plain_name
from journeylib.log.inference.schema import Proposal, propose
from journeylib.log.privacy import suppress
from journeylib.log.quality.report import LAST_EVENT, Found
from journeylib.log.read import read_log
from journeylib.log.schema import (
    ID,
    ROLES,
    Called,
    Channel,
    KeptTouchpoint,
    NameOf,
    Office,
    Outcome,
    OutcomesSchema,
    Schema,
    Touchpoint,
)
from journeylib.log.sources.process_mining import refuse_entities
from journeylib.log.sources.raw_table import FILE, POSITION, ROW
from journeylib.log.sources.tables import expanded, open_source, tidy
from journeylib.log.sources.text_encoding import plain_text
from journeylib.log.text.detectors import (
    REACH,
    asks_for_human,
    awaits_answer,
    by_customers,
    confirms,
    discloses,
    disclosing_sentence,
    drawn,
    drawn_customers,
    fails_to_answer,
    lexicon_reach,
    normalised,
    offers_human,
    says_again,
    says_wrong,
    text_language,
    unheard,
)
from journeylib.log.text.lexicon import LEXICONS

__all__ = [
    "FILE",
    "ID",
    "LAST_EVENT",
    "LEXICONS",
    "POSITION",
    "REACH",
    "ROLES",
    "ROLE_NAMES",
    "ROW",
    "ROW_NUMBER",
    "Called",
    "Channel",
    "EngineSettings",
    "EventLog",
    "Found",
    "KeptTouchpoint",
    "NameOf",
    "Office",
    "Outcome",
    "OutcomesSchema",
    "Proposal",
    "Quality",
    "Runs",
    "Schema",
    "Touchpoint",
    "actor_of_word",
    "alias",
    "asks_for_human",
    "awaits_answer",
    "by_customers",
    "confirms",
    "customer_group",
    "customer_numbers",
    "discloses",
    "disclosing_sentence",
    "drawn",
    "drawn_customers",
    "expanded",
    "fails_to_answer",
    "fetch",
    "fetch_arrow",
    "hand_over",
    "hold_in_order",
    "lexicon_reach",
    "lie_in_order",
    "log_hash",
    "name_score",
    "normalised",
    "numbered",
    "offers_human",
    "open_source",
    "plain_name",
    "plain_text",
    "propose",
    "read_log",
    "refuse_entities",
    "saying_what_ran_out",
    "says_again",
    "says_wrong",
    "shape_share",
    "suppress",
    "text_language",
    "tidy",
    "unheard",
    "what_ran_out",
]
