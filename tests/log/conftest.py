from __future__ import annotations

from typing import Any

import pandas as pd

from journeylib.log.eventlog import EventLog
from journeylib.log.read import read_log
from journeylib.log.sources.days import LAST_EVENT

ROLES = {"customer": "who", "touchpoint": "what", "timestamp": "at"}


def frame_of(log: EventLog) -> pd.DataFrame:
    return log.events.order_by("position").to_pandas()


def read(source: Any, schema: Any = None, **options: Any) -> EventLog:
    return read_log(source, schema or ROLES, **{"as_of": LAST_EVENT, **options})


def checks_of(log: EventLog, name: str) -> pd.DataFrame:
    checks = log.quality.checks
    return checks[checks["check"] == name].reset_index(drop=True)
