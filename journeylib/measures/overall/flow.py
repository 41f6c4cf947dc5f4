"""Flow: how journeys go through the whole log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from journeylib.core import GROUPS, Estimate, Resampled, resample
from journeylib.journeys import Journeys, count_neighbours, last_at_touchpoint
from journeylib.log import bounded_share
from journeylib.measures.touchpoints.durations import (
    BINS_PER_DOUBLING,
    bins_of,
    from_draws,
    seconds_of,
)
from journeylib.measures.touchpoints.group_sums import Floats, Numbers, mapped
from journeylib.measures.touchpoints.repeat_contacts import Repeats


def flow_estimates(journeys: Journeys, repeats: Repeats) -> dict[str, Estimate]:
    """Estimate what holds of the log as a whole.

    Parameters
    ----------
    journeys : Journeys
    repeats : Repeats
        As counted for the touchpoints.

    Returns
    -------
    dict of str to Estimate
        ``loop_rate``, ``self_loop_rate``, ``repeat_contact``, ``open``, ``throughput_seconds``,
        ``journeys_per_customer``, ``steps_per_journey``.
    """
    sums, minimum = _journey_sums(journeys), journeys.settings.min_customers
    base = {
        "n_customers": int(sums["customers"].sum()),
        "n_journeys": int(sums["journeys"].sum()),
        "n_events": int(sums["events"].sum()),
    }

    def ratio(above: str, below: str, unit: str, estimand: str) -> Estimate:
        pair = np.stack([sums[above], sums[below]], axis=-1)[:, None, :]
        return _ratio(pair, unit, base, estimand, minimum=minimum)

    return {
        **_loops(journeys, base),
        "repeat_contact": _repeat_contact(repeats, minimum),
        "open": ratio("open", "journeys", "share", "journeys not over when the log ends")
        if journeys.has_clock
        else Estimate.none("no_clock", "share", **base),
        "throughput_seconds": _throughput(journeys, base),
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

    # Customers come in the order of their numbers.
    first = np.flatnonzero(np.diff(outline.customer, prepend=-1))
    return {
        "journeys": per_group(outline.group),
        "customers": per_group(outline.group[first]),
        "events": per_group(outline.group, outline.steps),
        "open": per_group(outline.group[outline.is_open]),
    }


def _ratio(
    pair: Floats, unit: str, base: Mapping[str, Any], estimand: str, *, minimum: int
) -> Estimate:
    customers, (hits, trials) = [base["n_customers"]], pair.sum(axis=(0, 1))
    result = resample(
        pair,
        lambda s: s[..., 0] / s[..., 1],
        share=unit == "share",
        n_customers=customers,
        n_trials=pair[..., 1].sum(axis=0),
    )
    estimate = _estimate(result, unit, base, estimand=estimand, method="ratio of sums")
    if unit == "share":
        return bounded_share(estimate, hits, trials, minimum=minimum)
    # Each customer has a journey and each journey a step: no interval reaches below one.
    return estimate if estimate.lo is None else replace(estimate, lo=max(estimate.lo, 1.0))


def _estimate(result: Resampled, unit: str, base: Mapping[str, Any], **more: Any) -> Estimate:
    value, lo, hi = (float(a[0]) for a in (result.value, result.lo, result.hi))
    if not np.isfinite(value):
        return Estimate.none("unidentified", unit, **base, **more)
    return Estimate(value, unit, lo, hi, **base, **more)


def _loops(journeys: Journeys, base: dict[str, int]) -> dict[str, Estimate]:
    """Return moves that lie on a cycle of their own journey, and moves to the same touchpoint.

    A move lies on a cycle where a touchpoint that came before it comes again after it. What
    other journeys do ties nothing together.
    """
    events = journeys.events
    moves = events.ends_visit & ~events.is_last
    same = moves & (events.next_touchpoint == events.touchpoint)
    latest = last_at_touchpoint(events.journey, events.touchpoint, events.touchpoints)
    # Rows of earlier journeys lie before: the latest return so far needs no reset.
    within = (
        moves & ~same & (np.maximum.accumulate(latest) > np.arange(len(events), dtype=np.int32))
    )
    texts = {
        "loop_rate": (within, "transitions on a cycle of their own journey, among all"),
        "self_loop_rate": (same, "transitions from a touchpoint to itself, among all"),
    }

    def per_group(marked: Numbers) -> Floats:
        return np.bincount(events.group[marked], minlength=GROUPS).astype(np.float64)

    every = per_group(moves)
    base = base | {"n_events": int(every.sum())}
    return {
        name: _ratio(
            np.stack([per_group(where), every], axis=-1)[:, None, :],
            "share",
            base,
            estimand,
            minimum=journeys.settings.min_customers,
        )
        for name, (where, estimand) in texts.items()
    }


def _repeat_contact(repeats: Repeats, minimum: int) -> Estimate:
    cells = repeats.cells
    if cells is None:
        reasons = [reason for reason in repeats.measured.abstain if reason is not None]
        return Estimate.none(reasons[0], "share")
    pair, at_most = (
        cells.together(hits, "contacts").sum(axis=1, keepdims=True)
        for hits in ("contact_repeats", "contact_perhaps")
    )
    base = {
        "n_customers": repeats.customers,
        "n_journeys": repeats.journeys,
        "n_events": int(pair[..., 1].sum()),
    }
    estimand = "contacts followed by another about the same"
    least, most = (
        _ratio(sums, "share", base, estimand, minimum=minimum) for sums in (pair, at_most)
    )
    if least.value is None or most.hi is None:
        return least
    # Contacts of which the intent is not known may be about the same: the upper limit holds them.
    return replace(least, hi=max(least.hi or 0.0, most.hi))


def _throughput(journeys: Journeys, every: Mapping[str, int]) -> Estimate:
    """Median time from the first to the last event, open journeys as censored.

    Journeys that may have begun before the log are left out: their beginning is not known, and
    they are chosen by their date, not by their length. An open journey counts as lasting at
    least until its last event so far. Where a few are left out, the base is that of the log,
    `every`: else it would tell how many.
    """
    unit, estimand = "seconds", "median time from first to last event of a journey"
    if not journeys.has_clock:
        return Estimate.none("no_clock", unit, estimand=estimand)
    outline = journeys.outline
    whole = np.flatnonzero(~outline.cut_off)
    base = {
        "n_customers": count_neighbours(outline.customer[whole]),
        "n_journeys": len(whole),
        "n_events": int(outline.steps[whole].sum()),
    }
    if 0 < int(outline.cut_off.sum()) < journeys.settings.min_customers:
        base = dict(every)
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
