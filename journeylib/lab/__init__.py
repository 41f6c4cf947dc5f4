"""The lab: plan, watch and read small experiments; bets, objective and self-assessment."""

from journeylib.lab.amounts import change, count, date, level, some, span
from journeylib.lab.experiment_plan import Baseline, Plan, check_unit, plan
from journeylib.lab.exposures import observe, observe_units
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
