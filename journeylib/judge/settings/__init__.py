"""What the judgement must know: anchors, weights, limits and costs, each with its source."""

from journeylib.judge.settings.bot_timing import (
    HANDOFF_LIMITS,
    CapacitySettings,
    CostRange,
    CostSettings,
    Limit,
    draw_costs,
)
from journeylib.judge.settings.indicators import AXES, DEFAULTS, Axis, Indicator
from journeylib.judge.settings.judge_settings import JudgeSettings, MomentSettings, OfficeEffect
from journeylib.judge.settings.paradoxes import ParadoxSettings
