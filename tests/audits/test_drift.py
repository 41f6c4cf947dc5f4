"""Drift: a change and its interval come from one test."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from journeylib.audits.changes.drift import drifts
from journeylib.audits.config.model import ChangeSettings

STREAMS, PERIODS = 60, 10


def test_an_interval_holds_no_change_exactly_where_the_test_finds_none() -> None:
    """Rare shares (Fisher), wild weeks (Student) and plain ones, most of them shifted last."""
    rng = np.random.default_rng(17)
    centre = np.repeat([0.01, 0.3, 0.5], STREAMS // 3)[:, None]
    wild = np.where(np.arange(STREAMS)[:, None] % 5 == 0, 0.15, 0.0)
    rate = np.clip(centre + wild * rng.standard_normal((STREAMS, PERIODS)), 0.002, 0.99)
    rate[:, 0] = np.clip(rate[:, 0] * rng.uniform(0.2, 2.5, STREAMS), 0, 0.99)
    n = np.full((STREAMS, PERIODS), 400)
    value = rng.binomial(n, rate) / n
    table = pd.DataFrame(
        {
            "family": "performance",
            "measure": np.repeat([f"m{number:02}" for number in range(STREAMS)], PERIODS),
            "touchpoint": "",
            "detail": "",
            "unit": "share",
            "stratum": "",
            "period": np.tile(np.arange(PERIODS), STREAMS),
            "value": value.ravel(),
            "se": np.sqrt(value * (1 - value) / n).ravel(),
            "n": n.ravel(),
            "customers": 300,
        }
    )
    found = drifts(table, ChangeSettings(), min_customers=10)
    assert len(found) == STREAMS
    clear = (found["lo"] > 0) | (found["hi"] < 0)
    assert clear.tolist() == (2 * stats.norm.sf(found["z"].abs()) < 0.05).tolist()
    assert 10 < clear.sum() < STREAMS - 5
    assert ((found["lo"] <= found["difference"]) & (found["difference"] <= found["hi"])).all()
    assert (found["before"] + found["lo"] >= -1e-12).all()
    assert (found["before"] + found["hi"] <= 1 + 1e-12).all()
