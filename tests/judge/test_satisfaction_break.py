"""Broken, curved and straight lines of satisfaction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from journeylib.core.errors import RunError
from journeylib.judge.bot_timing.satisfaction_break import satisfaction_break
from journeylib.judge.bot_timing.session_data import bot_sessions


def rated(shape: str, seed: int, n: int = 1000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    minutes, difficulty = rng.gamma(2, 2, n), rng.normal(size=n)
    mean = {
        "broken": 4.2 - 0.02 * minutes - 0.4 * np.clip(minutes - 4, 0, None),
        "curved": 4.2 - 0.02 * minutes**2,
        "straight": 4.2 - 0.1 * minutes,
    }[shape]
    csat = mean + 0.3 * difficulty + rng.normal(0, 0.8, n)
    columns = {"minutes": minutes, "event": 2, "customer": np.arange(n) // 2, "csat": csat}
    return pd.DataFrame({**columns, "difficulty": difficulty})


def test_a_broken_line_breaks_where_it_was_planted() -> None:
    found = satisfaction_break(bot_sessions(rated("broken", 1)), adjust=["difficulty"])
    assert found.answer == "breaks"
    assert found.at.lo <= 4.0 <= found.at.hi
    assert found.slope_before == pytest.approx(-0.02, abs=0.06)
    assert found.slope_after == pytest.approx(-0.42, abs=0.06)


def test_a_curve_and_a_straight_line_have_no_break() -> None:
    curved = satisfaction_break(bot_sessions(rated("curved", 2)), adjust=["difficulty"])
    assert (curved.answer, curved.at.abstain) == ("bends_gradually", "unidentified")
    answers = [
        satisfaction_break(bot_sessions(rated("straight", s)), draws=199).answer for s in range(20)
    ]
    assert answers.count("none") >= 17


def test_only_resolved_and_rated_sessions_count() -> None:
    sessions = rated("broken", 3)
    sessions.loc[:399, "event"] = 1
    sessions.loc[400:499, "csat"] = np.nan
    found = satisfaction_break(bot_sessions(sessions), draws=99)
    assert (found.rated, found.resolved) == (500, 600)
    assert found.reasons[-1] == "not adjusted for difficulty"
    few = satisfaction_break(bot_sessions(sessions.iloc[:650]))
    assert (few.answer, few.at.abstain) == ("abstain", "n_small")
    with pytest.raises(RunError, match="column 'csat' is not in"):
        bot_sessions(sessions.drop(columns="csat"), "minutes", "csat")
