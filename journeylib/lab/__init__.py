"""The lab: plan, watch and read small experiments; bets, objective and self-assessment."""

from journeylib.lab.amounts import change, count, date, level, some, span
from journeylib.lab.experiment_plan import Plan, check_unit, plan
from journeylib.lab.exposures import DAY_US, Observations, observe, observe_units
from journeylib.lab.plan_file import PlanFile, plan_hash, read_plan, write_plan
from journeylib.lab.reading import MeasureReading, Reading, decision_words, read, read_units
from journeylib.lab.safety_watch import Watch, watch
from journeylib.lab.settings import AssessmentConfig, Bet, Cost, Guardrail, LabSettings, Objective
from journeylib.lab.strategy.bets import BetFacts, JoinedBet, join_bets
from journeylib.lab.strategy.objective import ObjectiveReport, Value, report_objective
from journeylib.lab.strategy.self_assessment import (
    FEWEST_RATERS,
    Assessment,
    Measured,
    assess,
    empty_answers,
    read_answers,
)

__all__ = [
    "DAY_US",
    "FEWEST_RATERS",
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
    "decision_words",
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
