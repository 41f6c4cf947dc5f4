"""journeylib: rebuild customer journeys from event logs, audit who should serve where.

The public names are imported on first use, so that ``import journeylib`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from journeylib.audits.bundle import save
    from journeylib.audits.config import AuditConfig, load_config
    from journeylib.audits.experiments.verbs import (
        plan_experiment,
        read_experiment,
        watch_experiment,
    )
    from journeylib.audits.run import Audit, audit, read_journeys
    from journeylib.errors import (
        ConfigError,
        JourneylibError,
        LogError,
        QualityError,
        RunError,
        SchemaError,
    )
    from journeylib.estimate import Estimate
    from journeylib.journeys.calendar import BusinessHours
    from journeylib.journeys.chain import journey_chain
    from journeylib.journeys.conformance import planned_vs_actual
    from journeylib.journeys.customers import write_customers
    from journeylib.journeys.graph import journey_graph, transitions, variants
    from journeylib.journeys.mapping import apply_mapping, read_mapping
    from journeylib.journeys.segment import JourneySettings
    from journeylib.journeys.simplify import simplify
    from journeylib.journeys.steps import Journeys, rebuild
    from journeylib.journeys.stitch import StitchSettings, stitch
    from journeylib.journeys.suggest import suggest_mapping
    from journeylib.journeys.timelines import examples, stories
    from journeylib.judge.judging import score
    from journeylib.judge.settings import JudgeSettings
    from journeylib.log.eventlog import EventLog
    from journeylib.log.read import read_log
    from journeylib.log.schema import OutcomesSchema, Schema
    from journeylib.measures.evidence import Evidence, measure
    from journeylib.measures.groups import Comparison, compare
    from journeylib.measures.settings import MeasureSettings
    from journeylib.present.differences import comparison_table, difference_map
    from journeylib.present.exploring.explore import explore
    from journeylib.present.views import journey_map

PUBLIC = {
    "Audit": "audits.run",
    "AuditConfig": "audits.config",
    "BusinessHours": "journeys.calendar",
    "Comparison": "measures.groups",
    "ConfigError": "errors",
    "Estimate": "estimate",
    "EventLog": "log.eventlog",
    "Evidence": "measures.evidence",
    "JourneySettings": "journeys.segment",
    "JourneylibError": "errors",
    "Journeys": "journeys.steps",
    "JudgeSettings": "judge.settings",
    "LogError": "errors",
    "MeasureSettings": "measures.settings",
    "OutcomesSchema": "log.schema",
    "QualityError": "errors",
    "RunError": "errors",
    "Schema": "log.schema",
    "SchemaError": "errors",
    "StitchSettings": "journeys.stitch",
    "apply_mapping": "journeys.mapping",
    "audit": "audits.run",
    "compare": "measures.groups",
    "comparison_table": "present.differences",
    "difference_map": "present.differences",
    "examples": "journeys.timelines",
    "explore": "present.exploring.explore",
    "journey_chain": "journeys.chain",
    "journey_graph": "journeys.graph",
    "journey_map": "present.views",
    "load_config": "audits.config",
    "measure": "measures.evidence",
    "plan_experiment": "audits.experiments.verbs",
    "planned_vs_actual": "journeys.conformance",
    "read_experiment": "audits.experiments.verbs",
    "read_journeys": "audits.run",
    "read_log": "log.read",
    "read_mapping": "journeys.mapping",
    "rebuild": "journeys.steps",
    "save": "audits.bundle",
    "score": "judge.judging",
    "stitch": "journeys.stitch",
    "suggest_mapping": "journeys.suggest",
    "simplify": "journeys.simplify",
    "stories": "journeys.timelines",
    "transitions": "journeys.graph",
    "variants": "journeys.graph",
    "watch_experiment": "audits.experiments.verbs",
    "write_customers": "journeys.customers",
}

__all__ = [
    "Audit",
    "AuditConfig",
    "BusinessHours",
    "Comparison",
    "ConfigError",
    "Estimate",
    "EventLog",
    "Evidence",
    "JourneySettings",
    "JourneylibError",
    "Journeys",
    "JudgeSettings",
    "LogError",
    "MeasureSettings",
    "OutcomesSchema",
    "QualityError",
    "RunError",
    "Schema",
    "SchemaError",
    "StitchSettings",
    "apply_mapping",
    "audit",
    "compare",
    "comparison_table",
    "difference_map",
    "examples",
    "explore",
    "journey_chain",
    "journey_graph",
    "journey_map",
    "load_config",
    "measure",
    "plan_experiment",
    "planned_vs_actual",
    "read_experiment",
    "read_journeys",
    "read_log",
    "read_mapping",
    "rebuild",
    "save",
    "score",
    "simplify",
    "stitch",
    "stories",
    "suggest_mapping",
    "transitions",
    "variants",
    "watch_experiment",
    "write_customers",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        from journeylib.errors import did_you_mean

        near = did_you_mean(name, __all__)
        raise AttributeError(f"module 'journeylib' has no attribute '{name}'.{near}")
    return getattr(importlib.import_module(f"journeylib.{PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
