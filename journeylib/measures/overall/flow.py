"""Flow: how journeys go through the whole log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from journeylib.core import GROUPS, Estimate, Resampled, resample
from journeylib.journeys import END, START, Journeys
from journeylib.measures.touchpoints.durations import (
    BINS_PER_DOUBLING,
    bins_of,
    from_draws,
    seconds_of,
)
from journeylib.measures.touchpoints.group_sums import (
    Floats,
    Numbers,
    Whole,
    mapped,
    touchpoint_names,
)
from journeylib.measures.touchpoints.next_steps import Successors
from journeylib.measures.touchpoints.repeat_contacts import Repeats


def flow_estimates(
    journeys: Journeys, successors: Successors, repeats: Repeats, edges: pd.DataFrame
) -> dict[str, Estimate]:
    """Estimate what holds of the log as a whole.

    Parameters
    ----------
    journeys, successors, repeats
        As counted for the touchpoints.
    edges : pandas.DataFrame
        `transitions` that enough customers took; loops are looked for among these.

    Returns
    -------
    dict of str to Estimate
        ``loop_rate``, ``self_loop_rate``, ``repeat_contact``, ``open``, ``throughput_seconds``,
        ``journeys_per_customer``, ``steps_per_journey``.
    """
    sums = _journey_sums(journeys)
    base = {
        "n_customers": int(sums["customers"].sum()),
        "n_journeys": int(sums["journeys"].sum()),
        "n_events": int(sums["events"].sum()),
    }

    def ratio(above: str, below: str, unit: str, estimand: str) -> Estimate:
        pair = np.stack([sums[above], sums[below]], axis=-1)[:, None, :]
        return _ratio(pair, unit, base, estimand, share=unit == "share")

    return {
        **_loops(_rings(journeys, edges), successors, base),
        "repeat_contact": _repeat_contact(repeats),
        "open": ratio("open", "journeys", "share", "journeys not over when the log ends")
        if journeys.has_clock
        else Estimate.none("no_clock", "share", **base),
        "throughput_seconds": _throughput(journeys),
        "journeys_per_customer": ratio("journeys", "customers", "journeys", "mean number"),
        "steps_per_journey": ratio(
            "events", "journeys", "steps", "mean number of steps so far, open journeys included"
        ),
    }


def _journey_sums(journeys: Journeys) -> dict[str, Floats]:
    """Sum journeys per customer group; each array has shape (groups,)."""
    outline = journeys.outline

    def per_group(group: Numbers, weights: Numbers | None = None) -> Floats:
        return np.bincount(group, weights, minlength=GROUPS).astype(np.float64)

    _each, first = np.unique(outline.customer, return_index=True)
    return {
        "journeys": per_group(outline.group),
        "customers": per_group(outline.group[first]),
        "events": per_group(outline.group, outline.steps),
        "open": per_group(outline.group[outline.is_open]),
    }


def _ratio(
    pair: Floats, unit: str, base: Mapping[str, Any], estimand: str, *, share: bool, **more: Any
) -> Estimate:
    customers = [base["n_customers"]]
    result = resample(
        pair,
        lambda s: s[..., 0] / s[..., 1],
        share=share,
        n_customers=customers,
        n_trials=pair[..., 1].sum(axis=0),
    )
    return _estimate(result, unit, base, estimand=estimand, method="ratio of sums", **more)


def _estimate(result: Resampled, unit: str, base: Mapping[str, Any], **more: Any) -> Estimate:
    value, lo, hi = (float(a[0]) for a in (result.value, result.lo, result.hi))
    if not np.isfinite(value):
        return Estimate.none("unidentified", unit, **base, **more)
    return Estimate(value, unit, lo, hi, **base, **more)


def _loops(rings: Whole, successors: Successors, base: dict[str, int]) -> dict[str, Estimate]:
    """Transitions that stay among touchpoints which lead back to each other.

    Loops are looked for in the graph of the transitions that enough customers took: one stray
    event would otherwise tie half the log together.
    """
    source, target = successors.source, successors.target
    inner = target >= 0
    same = source == target
    internal = inner & ~same & (rings[source] == rings[target]) & (rings[source] >= 0)
    every = successors.per_group(inner)
    texts = {
        "loop_rate": (internal, "transitions between touchpoints of one cycle, among all"),
        "self_loop_rate": (same, "transitions from a touchpoint to itself, among all"),
    }
    found = {}
    for name, (where, estimand) in texts.items():
        pair = np.stack([successors.per_group(where), every], axis=-1)[:, None, :]
        found[name] = _ratio(
            pair,
            "share",
            base | {"n_events": int(every.sum())},
            estimand,
            share=True,
            assumptions=("the cycles themselves are taken as known",),
        )
    return found


def _rings(journeys: Journeys, edges: pd.DataFrame) -> Whole:
    """Return for each ``touchpoint_no`` the number of its cycle, −1 where it is in none."""
    import networkx as nx

    number = {name: spot for spot, name in enumerate(touchpoint_names(journeys))}
    inner = edges[(edges["source"] != START) & (edges["target"] != END)]
    graph: nx.DiGraph[int] = nx.DiGraph()
    for source, target in zip(inner["source"], inner["target"], strict=True):
        graph.add_edge(number[source], number[target])
    rings = np.full(len(number), -1, dtype=np.int64)
    for ring, nodes in enumerate(nx.strongly_connected_components(graph)):
        if len(nodes) > 1:
            rings[list(nodes)] = ring
    return rings


def _repeat_contact(repeats: Repeats) -> Estimate:
    cells = repeats.cells
    if cells is None:
        reasons = [reason for reason in repeats.measured.abstain if reason is not None]
        return Estimate.none(reasons[0], "share")
    pair = cells.together("contact_repeats", "contacts").sum(axis=1, keepdims=True)
    base = {
        "n_customers": repeats.customers,
        "n_journeys": repeats.journeys,
        "n_events": int(pair[..., 1].sum()),
    }
    return _ratio(pair, "share", base, "contacts followed by another about the same", share=True)


def _throughput(journeys: Journeys) -> Estimate:
    """Median time from the first to the last event, open journeys as censored.

    Journeys that may have begun before the log are left out: their beginning is not known, and
    they are chosen by their date, not by their length. An open journey counts as lasting at
    least until its last event so far.
    """
    unit, estimand = "seconds", "median time from first to last event of a journey"
    if not journeys.has_clock:
        return Estimate.none("no_clock", unit, estimand=estimand)
    outline = journeys.outline
    whole = np.flatnonzero(~outline.cut_off)
    base = {
        "n_customers": len(np.unique(outline.customer[whole])),
        "n_journeys": len(whole),
        "n_events": int(outline.steps[whole].sum()),
    }
    more = {
        "estimand": estimand,
        "method": "product-limit median (Kaplan and Meier 1958) on bins of duration",
        "assumptions": ("journeys open at the end of the log are like others of their age",),
    }
    if not len(whole):
        return Estimate.none("censoring_heavy", unit, **base, **more)
    spot = bins_of((outline.end_us - outline.start_us)[whole])
    bins = int(spot.max()) + 1
    sums = np.zeros((GROUPS, 1, 2 * bins))
    place = spot + bins * outline.is_open[whole].astype(np.int64)
    cell = outline.group[whole].astype(np.int64) * 2 * bins + place
    sums[:, 0] = np.bincount(cell, minlength=GROUPS * 2 * bins).reshape(GROUPS, -1)
    result = from_draws(resample(sums, survival_median), sums)
    if not np.isfinite(result.value[0]):
        return Estimate.none("censoring_heavy", unit, **base, **more)
    return _estimate(mapped(result, seconds_of), unit, base, **more)


def survival_median(sums: Floats) -> Floats:
    """Return the product-limit median in doublings from ended and open counts per bin.

    Parameters
    ----------
    sums : ndarray, shape (..., 2 × bins)
        Journeys that ended in each bin, then journeys open in each bin; within a bin those
        that ended come first.

    Returns
    -------
    ndarray, shape (...)
        NaN where more than half are not known to have ended.
    """
    bins = sums.shape[-1] // 2
    ended, still_open = sums[..., :bins], sums[..., bins:]
    both = ended + still_open
    at_risk = np.cumsum(both[..., ::-1], axis=-1)[..., ::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        stay = np.where(at_risk > 0, 1 - ended / at_risk, 1.0)
        survival = np.cumprod(stay, axis=-1)
        before = np.concatenate([np.ones_like(survival[..., :1]), survival[..., :-1]], axis=-1)
        over = survival <= 0.5
        spot = over.argmax(axis=-1)[..., None]
        above = np.take_along_axis(before, spot, axis=-1)
        here = np.take_along_axis(survival, spot, axis=-1)
        within = (above - 0.5) / (above - here)
    median = ((spot + within) / BINS_PER_DOUBLING)[..., 0]
    return np.where(over.any(axis=-1), median, np.nan)
