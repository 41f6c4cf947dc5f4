"""Withholding: numbers that the quality of the log does not carry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from journeylib.core import Estimate
from journeylib.measures.evidence import Evidence

# What rests on which touchpoint follows which.
GRAPH_MEASURES = ("next_steps", "stability", "drop_off", "rework")
GRAPH_FLOW = ("loop_rate", "self_loop_rate")


def without_graph(evidence: Evidence) -> Evidence:
    """Let every measure that rests on the order of touchpoints abstain with ``quality_gate``.

    Counts of transitions and variants stay: they are what the log says, and judge nothing.
    """
    estimates = evidence.estimates.copy()
    rows = estimates["measure"].isin(GRAPH_MEASURES)
    estimates.loc[rows, ["value", "lo", "hi"]] = np.nan
    estimates.loc[rows & estimates["abstain"].isna(), "abstain"] = "quality_gate"
    draws = {
        name: np.full_like(values, np.nan) if name in GRAPH_MEASURES else values
        for name, values in evidence.draws.items()
    }
    flow = {
        name: Estimate.none(
            "quality_gate",
            value.unit,
            n_customers=value.n_customers,
            n_journeys=value.n_journeys,
            n_events=value.n_events,
            estimand=value.estimand,
        )
        if name in GRAPH_FLOW
        else value
        for name, value in evidence.flow.items()
    }
    return replace(evidence, estimates=estimates, draws=draws, flow=flow)
