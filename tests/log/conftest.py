from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from journeylib.log.eventlog import EventLog
from journeylib.log.read import read_log

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
ROLES = {"customer": "who", "touchpoint": "what", "timestamp": "at"}


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the shared logs are not here (../shared/data beside the checkout)")
    return SHARED


def frame_of(log: EventLog) -> pd.DataFrame:
    return log.events.order_by("position").to_pandas()


def read(source: Any, schema: Any = None, **options: Any) -> EventLog:
    return read_log(source, schema or ROLES, **{"as_of": "2030-01-01", **options})


def checks_of(log: EventLog, name: str) -> pd.DataFrame:
    checks = log.quality.checks
    return checks[checks["check"] == name].reset_index(drop=True)
