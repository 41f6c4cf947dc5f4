"""The lab: plan, watch and read small experiments; bets, objective and self-assessment.

Names are imported on first use: a configuration needs the settings, not the statistics.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from journeylib.lab.amounts import change, count, date, level, some, span
    from journeylib.lab.experiment_plan import Plan, check_unit, plan
    from journeylib.lab.observations import DAY_US, Observations, observe, observe_units
    from journeylib.lab.plan_file import PlanFile, plan_hash, read_plan, write_plan
    from journeylib.lab.reading import DECISION_WORDS, MeasureReading, Reading, read, read_units
    from journeylib.lab.safety_watch import Watch, watch
    from journeylib.lab.settings import (
        AssessmentConfig,
        Bet,
        Cost,
        Guardrail,
        LabSettings,
        Objective,
    )
    from journeylib.lab.strategy.bets import DECISIONS, BetFacts, JoinedBet, join_bets
    from journeylib.lab.strategy.objective import ObjectiveReport, Value, report_objective
    from journeylib.lab.strategy.self_assessment import (
        FEWEST_RATERS,
        MEASURED_WORDS,
        SCALE,
        Assessment,
        Measured,
        assess,
        empty_answers,
        read_answers,
    )

FRONT = {
    "Assessment": "strategy.self_assessment",
    "AssessmentConfig": "settings",
    "Bet": "settings",
    "BetFacts": "strategy.bets",
    "Cost": "settings",
    "DAY_US": "observations",
    "DECISIONS": "strategy.bets",
    "DECISION_WORDS": "reading",
    "FEWEST_RATERS": "strategy.self_assessment",
    "Guardrail": "settings",
    "JoinedBet": "strategy.bets",
    "LabSettings": "settings",
    "MEASURED_WORDS": "strategy.self_assessment",
    "MeasureReading": "reading",
    "Measured": "strategy.self_assessment",
    "Objective": "settings",
    "ObjectiveReport": "strategy.objective",
    "Observations": "observations",
    "Plan": "experiment_plan",
    "PlanFile": "plan_file",
    "Reading": "reading",
    "SCALE": "strategy.self_assessment",
    "Value": "strategy.objective",
    "Watch": "safety_watch",
    "assess": "strategy.self_assessment",
    "change": "amounts",
    "check_unit": "experiment_plan",
    "count": "amounts",
    "date": "amounts",
    "empty_answers": "strategy.self_assessment",
    "join_bets": "strategy.bets",
    "level": "amounts",
    "observe": "observations",
    "observe_units": "observations",
    "plan": "experiment_plan",
    "plan_hash": "plan_file",
    "read": "reading",
    "read_answers": "strategy.self_assessment",
    "read_plan": "plan_file",
    "read_units": "reading",
    "report_objective": "strategy.objective",
    "some": "amounts",
    "span": "amounts",
    "watch": "safety_watch",
    "write_plan": "plan_file",
}

__all__ = [
    "DAY_US",
    "DECISIONS",
    "DECISION_WORDS",
    "FEWEST_RATERS",
    "MEASURED_WORDS",
    "SCALE",
    "Assessment",
    "AssessmentConfig",
    "Bet",
    "BetFacts",
    "Cost",
    "Guardrail",
    "JoinedBet",
    "LabSettings",
    "MeasureReading",
    "Measured",
    "Objective",
    "ObjectiveReport",
    "Observations",
    "Plan",
    "PlanFile",
    "Reading",
    "Value",
    "Watch",
    "assess",
    "change",
    "check_unit",
    "count",
    "date",
    "empty_answers",
    "join_bets",
    "level",
    "observe",
    "observe_units",
    "plan",
    "plan_hash",
    "read",
    "read_answers",
    "read_plan",
    "read_units",
    "report_objective",
    "some",
    "span",
    "watch",
    "write_plan",
]


def __getattr__(name: str) -> Any:
    if name not in FRONT:
        raise AttributeError(f"module 'journeylib.lab' has no attribute '{name}'")
    return getattr(importlib.import_module(f"journeylib.lab.{FRONT[name]}"), name)
