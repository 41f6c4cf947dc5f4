"""Flow: how journeys go through the whole log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from journeylib.core import GROUPS, Estimate, Resampled, resample
from journeylib.journeys import (
    Events,
    Journeys,
    Sums,
    compiled,
    count_neighbours,
    last_at_touchpoint,
)
from journeylib.log import bounded_share
from journeylib.measures.touchpoints.durations import (
    BINS,
    BINS_PER_DOUBLING,
    bins_of,
    from_draws,
    seconds_of,
)
from journeylib.measures.touchpoints.group_sums import Floats, Numbers, Whole, mapped
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
    sums, minimum = journeys.summed(_sums), journeys.settings.min_customers
    base = {f"n_{unit}": int(sums[unit].sum()) for unit in ("customers", "journeys", "events")}

    def ratio(above: str, below: str, unit: str, estimand: str) -> Estimate:
        return _ratio(_pair(sums, above, below), unit, base, estimand, minimum=minimum)

    return {
        **_loops(sums, base, minimum),
        "repeat_contact": _repeat_contact(repeats, minimum),
        "open": ratio("open", "journeys", "share", "journeys not over when the log ends")
        if journeys.has_clock
        else Estimate.none("no_clock", "share", **base),
        "throughput_seconds": _throughput(journeys, sums, base),
        "journeys_per_customer": ratio("journeys", "customers", "journeys", "mean number"),
        "steps_per_journey": ratio(
            "events", "journeys", "steps", "mean number of steps so far, open journeys included"
        ),
    }


def _sums(journeys: Journeys) -> Sums:
    """Count journeys and moves per customer group; each array has shape (groups, …)."""
    outline = journeys.outline
    # Customers come in the order of their numbers.
    first = np.flatnonzero(np.diff(outline.customer, prepend=-1))
    sums = Sums(
        journeys=_per_group(outline.group),
        customers=_per_group(outline.group[first]),
        events=np.bincount(outline.group, outline.steps, minlength=GROUPS).astype(np.int64),
        open=_per_group(outline.group[outline.is_open]),
        **_moves(journeys.events),
    )
    return Sums(sums | _lengths(journeys)) if journeys.has_clock else sums


def _per_group(group: Numbers) -> Whole:
    return np.bincount(group, minlength=GROUPS)


def _pair(sums: Sums, above: str, below: str) -> Floats:
    return np.stack([sums[above], sums[below]], axis=-1)[:, None, :].astype(np.float64)


def _moves(events: Events) -> dict[str, Whole]:
    """Count moves, those to the same touchpoint, and those that lie on a cycle of their journey."""
    latest = last_at_touchpoint(events.begins, events.touchpoint, events.touchpoints)
    where = events.touchpoint, events.group, latest
    counts = _count_loops(events.begins, events.starts_visit, where)
    return dict(zip(("moves", "same", "within"), counts, strict=True))


@compiled
def _count_loops(
    begins: Whole, starts_visit: npt.NDArray[np.bool_], where: tuple[Numbers, Numbers, Numbers]
) -> Whole:
    """Count moves, those to the same touchpoint, and others on a cycle, shape (3, groups)."""
    touchpoint, group, latest = where
    counts = np.zeros((3, GROUPS), dtype=np.int64)
    for journey in range(len(begins) - 1):
        # The last row at which a touchpoint that came so far comes again.
        last_return = -1
        for row in range(begins[journey], begins[journey + 1] - 1):
            last_return = max(last_return, latest[row])
            if starts_visit[row + 1]:
                same = touchpoint[row] == touchpoint[row + 1]
                counts[0, group[row]] += 1
                counts[1, group[row]] += same
                counts[2, group[row]] += not same and last_return > row
    return counts


def _lengths(journeys: Journeys) -> dict[str, Any]:
    """Count journeys that are seen from their beginning by how long they last, ended and open."""
    outline = journeys.outline
    whole = np.flatnonzero(~outline.cut_off)
    bins = bins_of((outline.end_us - outline.start_us)[whole])
    bins += BINS * outline.is_open[whole].astype(np.int16)
    cell = outline.group[whole].astype(np.int64) * 2 * BINS + bins
    return {
        "lengths": np.bincount(cell, minlength=GROUPS * 2 * BINS).reshape(GROUPS, 2, BINS),
        "whole_customers": count_neighbours(outline.customer[whole]),
        "whole_journeys": len(whole),
        "whole_events": int(outline.steps[whole].sum()),
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


def _loops(sums: Sums, base: dict[str, int], minimum: int) -> dict[str, Estimate]:
    """Return moves that lie on a cycle of their own journey, and moves to the same touchpoint.

    A move lies on a cycle where a touchpoint that came before it comes again after it. What
    other journeys do ties nothing together.
    """
    texts = {
        "loop_rate": ("within", "transitions on a cycle of their own journey, among all"),
        "self_loop_rate": ("same", "transitions from a touchpoint to itself, among all"),
    }
    base = base | {"n_events": int(sums["moves"].sum())}
    return {
        name: _ratio(_pair(sums, moves, "moves"), "share", base, estimand, minimum=minimum)
        for name, (moves, estimand) in texts.items()
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


def _throughput(journeys: Journeys, sums: Sums, every: Mapping[str, int]) -> Estimate:
    """Median time from the first to the last event, open journeys as censored.

    Journeys that may have begun before the log are left out: their beginning is not known, and
    they are chosen by their date, not by their length. An open journey counts as lasting at
    least until its last event so far. Where a few are left out, the base is that of the log,
    `every`: else it would tell how many.
    """
    unit, estimand = "seconds", "median time from first to last event of a journey"
    if not journeys.has_clock:
        return Estimate.none("no_clock", unit, estimand=estimand)
    base = {f"n_{unit}": sums[f"whole_{unit}"] for unit in ("customers", "journeys", "events")}
    if 0 < every["n_journeys"] - base["n_journeys"] < journeys.settings.min_customers:
        base = dict(every)
    more = {
        "estimand": estimand,
        "method": "product-limit median (Kaplan and Meier 1958) on bins of duration",
        "assumptions": ("journeys open at the end of the log are like others of their age",),
    }
    lengths = sums["lengths"]
    if not lengths.any():
        return Estimate.none("censoring_heavy", unit, **base, **more)
    bins = int(np.flatnonzero(lengths.any(axis=(0, 1)))[-1]) + 1
    counts = lengths[:, None, :, :bins].reshape(GROUPS, 1, -1).astype(np.float64)
    result = from_draws(resample(counts, survival_median), counts)
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
        bin_ = over.argmax(axis=-1)[..., None]
        above = np.take_along_axis(before, bin_, axis=-1)
        here = np.take_along_axis(survival, bin_, axis=-1)
        within = (above - 0.5) / (above - here)
    median = ((bin_ + within) / BINS_PER_DOUBLING)[..., 0]
    return np.where(over.any(axis=-1), median, np.nan)
