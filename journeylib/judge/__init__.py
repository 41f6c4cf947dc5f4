"""Automation fit and empathy need, moments of truth, tipping points, paradoxes."""

from journeylib.judge.bot_timing.handoff_limits import HandoffItem, worst_item
from journeylib.judge.bot_timing.handoff_time import HandoffTime, draw_cost
from journeylib.judge.bot_timing.satisfaction_break import SatisfactionBreak
from journeylib.judge.bot_timing.tipping_points import TippingPoint
from journeylib.judge.disclosure.phrases import KIND_TEXT
from journeylib.judge.experience.expert_ratings import (
    EPOCH,
    Ratings,
    check_ratings,
    compare_ratings,
)
from journeylib.judge.experience.peak_end import PeakEnd
from journeylib.judge.judgement import Judgement
from journeylib.judge.judging import judge, score, verdict_scores
from journeylib.judge.scorecard.weighting_methods import CONSISTENT, ahp_weights
from journeylib.judge.settings import CostRange, JudgeSettings, MomentSettings
from journeylib.judge.wording import AXIS_TEXT, number

__all__ = [
    "AXIS_TEXT",
    "CONSISTENT",
    "EPOCH",
    "KIND_TEXT",
    "CostRange",
    "HandoffItem",
    "HandoffTime",
    "JudgeSettings",
    "Judgement",
    "MomentSettings",
    "PeakEnd",
    "Ratings",
    "SatisfactionBreak",
    "TippingPoint",
    "ahp_weights",
    "check_ratings",
    "compare_ratings",
    "draw_cost",
    "judge",
    "number",
    "score",
    "verdict_scores",
    "worst_item",
]
