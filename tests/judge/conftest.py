"""Evidence made to measure: tables in the shape of the architecture page, with planted truth."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from journeylib.core.estimate import Estimate
from journeylib.core.resampling import DRAWS

UNITS = {
    "volume": "1/week",
    "load": "min/week",
    "next_steps": "steps",
    "duration_spread": "log",
    "saving": "min/week",
    "volatility": "points",
    "sentiment_drop": "points",
    "feeling_at_entry": "points",
}
FIT = {  # every value function at its best
    "volume": 1000.0,
    "load": 2400.0,
    "next_steps": 1.0,
    "duration_spread": 0.0,
    "rule_skill": 0.6,
    "rework": 0.0,
    "exceptions": 0.0,
    "required_fields": 1.0,
    "containment": 0.9,
    "stability": 1.0,
    "saving": 2400.0,
}
UNFIT = {
    "volume": 1.0,
    "load": 10.0,
    "next_steps": 4.0,
    "duration_spread": 3.0,
    "rule_skill": 0.0,
    "rework": 0.2,
    "exceptions": 0.18,
    "required_fields": 0.5,
    "containment": 0.2,
    "stability": 0.5,
    "saving": 0.0,
}
COLD = {  # no need of empathy
    "negative": 0.05,
    "volatility": 0.0,
    "sentiment_drop": 0.0,
    "human_request": 0.0,
    "stakes": 0.0,
    "vulnerable": 0.0,
    "repeat_contact": 0.05,
    "complaint_excess": 0.0,
}
WARM = {
    "negative": 0.4,
    "volatility": 0.4,
    "sentiment_drop": -0.4,
    "human_request": 0.15,
    "stakes": 0.1,
    "vulnerable": 0.0,
    "repeat_contact": 0.35,
    "complaint_excess": 0.05,
}


@dataclass(frozen=True)
class Handoffs:
    dead_ends: tuple[str, ...]
    requests_honoured: Estimate


@dataclass(frozen=True)
class Evidence:
    touchpoints: pd.DataFrame
    estimates: pd.DataFrame
    draws: Mapping[str, np.ndarray]
    handoffs: Handoffs | None


WORKING_HATCH = Handoffs((), Estimate(0.9, "share", 0.85, 0.94, n_customers=300))


def _evidence_of(
    measured: Mapping[str, Mapping[str, Any]],
    *,
    sd: float = 0.0,
    places: Mapping[str, Mapping[str, Any]] | None = None,
    handoffs: Handoffs | None = WORKING_HATCH,
    grades: Mapping[str, str] | None = None,
) -> Evidence:
    """Return evidence of measures by touchpoint.

    A measure is a number, a pair (number, standard error), or the reason for abstaining. Draws
    are normal around the number, seeded by touchpoint and measure.
    """
    places = places or {}
    names = list(measured)
    touchpoints = pd.DataFrame(
        [
            {
                "touchpoint_no": spot,
                "touchpoint": name,
                "stage": "service",
                "channel": "chat",
                "office": "front",
                "events": 900,
                "journeys": 600,
                "customers": 412,
                "median_position": 0.5,
                **places.get(name, {}),
            }
            for spot, name in enumerate(names)
        ]
    )
    rows, draws = [], {}
    for spot, name in enumerate(names):
        for measure, given in measured[name].items():
            value, se = given if isinstance(given, tuple) else (given, sd)
            abstain = value if isinstance(value, str) else None
            number = float("nan") if abstain else float(value)
            rng = np.random.default_rng(zlib.crc32(f"{name}/{measure}".encode()))
            column = number + se * rng.standard_normal(DRAWS)
            draws.setdefault(measure, np.full((DRAWS, len(names)), np.nan))[:, spot] = column
            rows.append(
                {
                    "touchpoint": name,
                    "measure": measure,
                    "value": number,
                    "lo": number - 1.96 * se,
                    "hi": number + 1.96 * se,
                    "unit": UNITS.get(measure, "share"),
                    "n_events": 900,
                    "n_journeys": 600,
                    "n_customers": 412,
                    "grade": (grades or {}).get(measure, "C"),
                    "abstain": abstain,
                }
            )
    columns = ["touchpoint", "measure", "value", "lo", "hi", "unit"]
    columns += ["n_events", "n_journeys", "n_customers", "grade", "abstain"]
    return Evidence(touchpoints, pd.DataFrame(rows, columns=columns), draws, handoffs)


@pytest.fixture(scope="session")
def evidence_of() -> Callable[..., Evidence]:
    """Return the maker of evidence: ``evidence_of({"Pay": {"rework": (0.1, 0.02)}})``."""
    return _evidence_of


def _between(low: Mapping[str, float], high: Mapping[str, float], u: float) -> dict[str, float]:
    """Return raw values at the same share of the way from `low` to `high`."""
    return {name: low[name] + u * (high[name] - low[name]) for name in low}


@pytest.fixture(scope="session")
def profile() -> Callable[..., dict[str, float]]:
    """Return the maker of profiles: ``profile(fit=1, need=0)`` is made for a machine."""

    def of(*, fit: float, need: float) -> dict[str, float]:
        return _between(UNFIT, FIT, fit) | _between(COLD, WARM, need)

    return of


@pytest.fixture(scope="session")
def row_of() -> Callable[..., Any]:
    """Return one touchpoint's row of scores."""

    def of(judgement: Any, name: str) -> Any:
        scores = judgement.scores
        return scores[scores["touchpoint"] == name].iloc[0]

    return of


@pytest.fixture(scope="session")
def handoffs_of() -> Callable[..., Handoffs]:
    """Return the maker of hand-off audits."""

    def of(*, honoured: tuple[float, float, float] | None, dead_ends: tuple[str, ...] = ()) -> Any:
        if honoured is None:
            return Handoffs(dead_ends, Estimate.none("no_column", "share"))
        value, lo, hi = honoured
        return Handoffs(dead_ends, Estimate(value, "share", lo, hi, n_customers=300))

    return of
