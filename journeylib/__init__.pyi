"""The public names and the room each comes from: the one list of them."""

from .audits import (
    Audit as Audit,
)
from .audits import (
    AuditConfig as AuditConfig,
)
from .audits import (
    audit as audit,
)
from .audits import (
    load_config as load_config,
)
from .audits import (
    plan_experiment as plan_experiment,
)
from .audits import (
    read_experiment as read_experiment,
)
from .audits import (
    read_journeys as read_journeys,
)
from .audits import (
    save as save,
)
from .audits import (
    watch_experiment as watch_experiment,
)
from .audits import (
    what_if as what_if,
)
from .core import (
    ConfigError as ConfigError,
)
from .core import (
    Estimate as Estimate,
)
from .core import (
    JourneylibError as JourneylibError,
)
from .core import (
    LogError as LogError,
)
from .core import (
    QualityError as QualityError,
)
from .core import (
    RunError as RunError,
)
from .core import (
    SchemaError as SchemaError,
)
from .journeys import (
    BusinessHours as BusinessHours,
)
from .journeys import (
    Journeys as Journeys,
)
from .journeys import (
    JourneySettings as JourneySettings,
)
from .journeys import (
    StitchSettings as StitchSettings,
)
from .journeys import (
    apply_mapping as apply_mapping,
)
from .journeys import (
    examples as examples,
)
from .journeys import (
    journey_chain as journey_chain,
)
from .journeys import (
    journey_graph as journey_graph,
)
from .journeys import (
    planned_vs_actual as planned_vs_actual,
)
from .journeys import (
    read_mapping as read_mapping,
)
from .journeys import (
    rebuild as rebuild,
)
from .journeys import (
    simplify as simplify,
)
from .journeys import (
    stitch as stitch,
)
from .journeys import (
    stories as stories,
)
from .journeys import (
    suggest_mapping as suggest_mapping,
)
from .journeys import (
    transitions as transitions,
)
from .journeys import (
    variants as variants,
)
from .journeys import (
    write_customers as write_customers,
)
from .judge import (
    JudgeSettings as JudgeSettings,
)
from .judge import (
    score as score,
)
from .log import (
    EventLog as EventLog,
)
from .log import (
    OutcomesSchema as OutcomesSchema,
)
from .log import (
    Schema as Schema,
)
from .log import (
    read_log as read_log,
)
from .measures import (
    Comparison as Comparison,
)
from .measures import (
    Evidence as Evidence,
)
from .measures import (
    MeasureSettings as MeasureSettings,
)
from .measures import (
    compare as compare,
)
from .measures import (
    measure as measure,
)
from .present import (
    comparison_table as comparison_table,
)
from .present import (
    difference_map as difference_map,
)
from .present import (
    explore as explore,
)
from .present import (
    journey_map as journey_map,
)
from .present import (
    touchpoint as touchpoint,
)

__version__: str
