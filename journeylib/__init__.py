"""journeylib: rebuild customer journeys from event logs, audit who should serve where.

The public names are imported on first use, so that ``import journeylib`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from journeylib.audits.bundle import save
    from journeylib.audits.config import AuditConfig, load_config
    from journeylib.audits.run import Audit, audit
    from journeylib.errors import ConfigError, JourneylibError, LogError, QualityError, SchemaError
    from journeylib.estimate import Estimate
    from journeylib.journeys.chain import journey_chain
    from journeylib.journeys.conformance import planned_vs_actual
    from journeylib.journeys.graph import journey_graph, transitions, variants
    from journeylib.journeys.segment import JourneySettings
    from journeylib.journeys.simplify import simplify
    from journeylib.journeys.steps import Journeys, rebuild
    from journeylib.journeys.timelines import stories
    from journeylib.judge.judging import score
    from journeylib.log.eventlog import EventLog
    from journeylib.log.read import read_log
    from journeylib.log.schema import OutcomesSchema, Schema
    from journeylib.measures.evidence import Evidence, measure
    from journeylib.present.views import journey_map

PUBLIC = {
    "Audit": "audits.run",
    "AuditConfig": "audits.config",
    "ConfigError": "errors",
    "Estimate": "estimate",
    "EventLog": "log.eventlog",
    "Evidence": "measures.evidence",
    "JourneySettings": "journeys.segment",
    "JourneylibError": "errors",
    "Journeys": "journeys.steps",
    "LogError": "errors",
    "OutcomesSchema": "log.schema",
    "QualityError": "errors",
    "Schema": "log.schema",
    "SchemaError": "errors",
    "audit": "audits.run",
    "journey_chain": "journeys.chain",
    "journey_graph": "journeys.graph",
    "journey_map": "present.views",
    "load_config": "audits.config",
    "measure": "measures.evidence",
    "planned_vs_actual": "journeys.conformance",
    "read_log": "log.read",
    "rebuild": "journeys.steps",
    "save": "audits.bundle",
    "score": "judge.judging",
    "simplify": "journeys.simplify",
    "stories": "journeys.timelines",
    "transitions": "journeys.graph",
    "variants": "journeys.graph",
}

__all__ = [
    "Audit",
    "AuditConfig",
    "ConfigError",
    "Estimate",
    "EventLog",
    "Evidence",
    "JourneySettings",
    "JourneylibError",
    "Journeys",
    "LogError",
    "OutcomesSchema",
    "QualityError",
    "Schema",
    "SchemaError",
    "audit",
    "journey_chain",
    "journey_graph",
    "journey_map",
    "load_config",
    "measure",
    "planned_vs_actual",
    "read_log",
    "rebuild",
    "save",
    "score",
    "simplify",
    "stories",
    "transitions",
    "variants",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'journeylib' has no attribute '{name}'")
    return getattr(importlib.import_module(f"journeylib.{PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
