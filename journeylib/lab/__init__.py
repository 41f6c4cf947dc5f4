"""The lab: plan, watch and read small experiments; bets, objective and self-assessment."""

from journeylib.lab.plan import Plan, plan
from journeylib.lab.plan_file import PlanFile, read_plan, write_plan
from journeylib.lab.reading import Reading, read, read_units
from journeylib.lab.settings import LabSettings
from journeylib.lab.watch import Watch, watch

__all__ = [
    "LabSettings",
    "Plan",
    "PlanFile",
    "Reading",
    "Watch",
    "plan",
    "read",
    "read_plan",
    "read_units",
    "watch",
    "write_plan",
]
