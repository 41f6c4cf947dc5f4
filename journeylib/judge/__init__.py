"""Automation fit and empathy need, moments of truth, tipping points, paradoxes."""

from journeylib.judge.bot_timing.erlang_a import erlang_a
from journeylib.judge.bot_timing.handoff_limits import HandoffItem, worst_item
from journeylib.judge.bot_timing.handoff_time import HandoffTime
from journeylib.judge.bot_timing.satisfaction_break import SatisfactionBreak
from journeylib.judge.bot_timing.tipping_points import TippingPoint
from journeylib.judge.experience.expert_ratings import (
    EPOCH,
    Ratings,
    check_ratings,
    compare_ratings,
    krippendorff_alpha,
)
from journeylib.judge.experience.peak_end import PeakEnd
from journeylib.judge.judgement import Judgement, judge, score, verdict_scores
from journeylib.judge.settings import CostRange, JudgeSettings, MomentSettings, draw_costs
