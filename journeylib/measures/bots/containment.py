"""Containment: how many bot sessions were solved without a human, as vendors count and verified."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import GROUPS, US_PER_DAY, AbstainReason, Estimate, Floats, resample
from journeylib.journeys import MISSING, Journeys, compiled, count_neighbours, count_units
from journeylib.log import Cells, Shown, bounded_share, protect, share_bounds, shows, suppress
from journeylib.measures.bots.bot_sessions import STATES, BotSessions
from journeylib.measures.bots.conversations import Flags
from journeylib.measures.measured import Measured, rounded_outward
from journeylib.measures.ratios import quotient
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import Rows, measured

Ints = npt.NDArray[np.int64]
STEPS = ("raw", "repeat", "silent", "unknown", "verified")
JOINED = 0
CURVE_DAYS = range(1, 31)
CURVE_COLUMNS = ("days", "sessions", "verified", "verified_lo", "verified_hi", "upper")
SPOT_COLUMNS = (
    *("touchpoint", "sessions", *STATES, "at_least"),
    *("customers", "verified", "verified_lo", "verified_hi"),
)
# Touchpoints are never taken for more alike than this: their own sessions keep some weight.
LEAST_RHO = 1e-3


def waterfall_flags(sessions: BotSessions, last_us: int | None, days: float) -> dict[str, Flags]:
    """Return for each bot session the steps of the containment waterfall within `days`.

    Of the ``mature`` sessions (ended at least `days` before the log's end) ``raw`` had no human
    in them; each of these is exactly one of ``repeat`` (the customer came back in the same
    known intent within `days`, or a human took over soon after), ``silent`` (abandoned),
    ``unknown`` (nothing shows a solution, or the customer came back and it is not known if about
    the same) and ``verified``.
    """
    end = _steps_taken(sessions, last_us, days)
    return {
        "mature": end >= 0,
        "raw": end > JOINED,
        **{name: end == step for step, name in enumerate(STEPS) if step > JOINED},
    }


def _steps_taken(sessions: BotSessions, last_us: int | None, days: float) -> npt.NDArray[np.int8]:
    """Return the place in `STEPS` at which each bot session leaves the waterfall.

    `JOINED` where a human joined, below 0 where the session is not mature.
    """
    if last_us is None:  # without a clock no session is mature
        return np.full(len(sessions), -1, dtype=np.int8)
    window_us = round(days * US_PER_DAY)
    return sessions.once(
        f"waterfall {last_us} {window_us}",
        lambda: leave_waterfall(*_what_counts(sessions), last_us, window_us),
    )


def _what_counts(sessions: BotSessions) -> tuple[Any, Any]:
    """Return the times and the flags that the waterfall is told from; see `leave_waterfall`."""
    part = sessions.facts | {"handed_over": sessions.ended("handed_over")}
    times, flags = (
        tuple(np.ascontiguousarray(part[name]) for name in names)
        for names in (
            ("end_us", "again_us", "perhaps_us"),
            ("human_joined", "handed_over", "silent", "resolved"),
        )
    )
    return times, flags


@compiled
def leave_waterfall(
    times: tuple[Ints, Ints, Ints],
    flags: tuple[Flags, Flags, Flags, Flags],
    last_us: int,
    window_us: int,
) -> npt.NDArray[np.int8]:
    """Return where each bot session leaves the waterfall; see `waterfall_flags` for the steps.

    Parameters
    ----------
    times : (end_us, again_us, perhaps_us)
    flags : (human_joined, handed_over, silent, resolved)
    last_us : int
        When the log ends.
    window_us : int
    """
    end_us, again_us, perhaps_us = times
    joined, handed_over, silent, resolved = flags
    step = np.empty(len(end_us), dtype=np.int8)
    for row in range(len(end_us)):
        until = end_us[row] + window_us
        if until > last_us:
            step[row] = -1
        elif joined[row]:
            step[row] = 0
        elif handed_over[row] or (again_us[row] != MISSING and again_us[row] <= until):
            step[row] = 1
        elif silent[row]:
            step[row] = 2
        elif resolved[row] and (perhaps_us[row] == MISSING or perhaps_us[row] > until):
            step[row] = 4
        else:
            step[row] = 3
    return step


@compiled
def days_served(
    times: tuple[Ints, Ints, Ints],
    flags: tuple[Flags, Flags, Flags, Flags],
    last_us: int,
    most: int,
) -> npt.NDArray[np.int8]:
    """Return up to which window, in days, each bot session counts.

    Parameters
    ----------
    times, flags, last_us
        As of `leave_waterfall`.
    most : int
        The longest window.

    Returns
    -------
    ndarray, shape (3, sessions)
        The longest window for which the session is mature; of those, whatever the log's end, the
        longest for which it may be served, so is verified or unknown, and for which it is verified.
        0 where there is none.
    """
    end_us, again_us, perhaps_us = times
    joined, handed_over, silent, resolved = flags
    days = np.zeros((3, len(end_us)), dtype=np.int8)
    for row in range(len(end_us)):
        days[0, row] = min(max((last_us - end_us[row]) // US_PER_DAY, 0), most)
        if joined[row] or handed_over[row] or silent[row]:
            continue
        free = most
        if again_us[row] != MISSING:
            free = min(max((again_us[row] - end_us[row] - 1) // US_PER_DAY, 0), most)
        days[1, row] = free
        if resolved[row]:
            if perhaps_us[row] != MISSING:
                free = min(max((perhaps_us[row] - end_us[row] - 1) // US_PER_DAY, 0), free)
            days[2, row] = free
    return days


def followed_until(sessions: BotSessions, journeys: Journeys, days: float) -> int | None:
    """Return until when contacts after a bot session are looked for; None without a clock.

    The end of the log. Where only a few sessions are too young to tell, all count by what the log
    shows so far: else the two numbers of sessions would tell of these few.
    """
    last_us, end_us = journeys.last_us, sessions.facts["end_us"]
    if last_us is None or not len(end_us):
        return last_us
    window = round(days * US_PER_DAY)
    young = end_us + window > last_us
    if young.all() or not sessions.are_few(young, journeys.settings.min_customers):
        return last_us
    return int(end_us.max()) + window


def session_counts(sessions: BotSessions, last_us: int | None, days: float) -> pd.DataFrame:
    """Count sessions by touchpoint and customer group: states, and steps of the waterfall."""
    part, cells = sessions.facts, sessions.events.touchpoints * GROUPS
    cell = part["touchpoint_no"].astype(np.int64) * GROUPS + part["group"]
    ends = STATES, ("young", "joined", *STEPS[JOINED + 1 :])
    reached = part["state"], _steps_taken(sessions, last_us, days) + 1
    counts = {"sessions": np.bincount(cell, minlength=cells)}
    for names, end in zip(ends, reached, strict=True):
        own = np.bincount(cell * len(names) + end, minlength=cells * len(names))
        counts |= zip(names, own.reshape(cells, -1).T, strict=True)
    counts["mature"] = counts["sessions"] - counts.pop("young")
    counts["raw"] = counts["mature"] - counts.pop("joined")
    filled = np.flatnonzero(counts["sessions"])
    keys = {"touchpoint_no": filled // GROUPS, "group": filled % GROUPS}
    return pd.DataFrame(keys | {name: many[filled] for name, many in counts.items()})


def waterfall(sessions: BotSessions, last_us: int | None, days: float) -> pd.DataFrame:
    """Return the waterfall from raw to verified containment.

    Returns
    -------
    pandas.DataFrame
        ``step`` (str, as in `STEPS`), ``sessions``, ``customers`` (int64: raw is what vendors
        count, repeat, silent and unknown are taken off, verified is left), ``share`` (float64,
        of mature bot sessions). No rows where no session is mature. A working table: a page
        shows `public_waterfall`.
    """
    flags = waterfall_flags(sessions, last_us, days)
    customer = sessions.facts["customer_no"]
    mature = int(flags["mature"].sum())
    steps = STEPS if mature else ()
    frame = pd.DataFrame(
        {
            "step": pd.Series(list(steps), dtype="str"),
            "sessions": np.array([flags[step].sum() for step in steps], dtype=np.int64),
            "customers": np.array(
                [count_neighbours(customer[flags[step]]) for step in steps], dtype=np.int64
            ),
        }
    )
    frame["share"] = frame["sessions"] / max(mature, 1)
    return frame


def public_waterfall(steps: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Return the waterfall that may be shown.

    Parameters
    ----------
    steps : pandas.DataFrame
        From `waterfall`.
    minimum : int
        Fewest customers of a shown step; steps of nobody are shown.

    Returns
    -------
    pandas.DataFrame
        Where a step alone would tell of a few, all that is taken off is one step, ``merged``.
        No rows where that is not enough.
    """
    if steps.empty or steps["sessions"].iloc[0] == 0:
        return steps
    raw, share = steps["sessions"].iloc[0], steps["share"].iloc[0]
    if not (
        shows(round(raw / share) - raw, minimum) and shows(steps["customers"].iloc[0], minimum)
    ):
        return steps.head(0)  # who had a human is told beside
    middle = steps.iloc[1:-1]
    if all(shows(size, minimum) for size in steps["customers"]):
        return steps
    merged = {
        "step": "merged",
        "sessions": middle["sessions"].sum(),
        "customers": middle["customers"].max(),
        "share": middle["share"].sum(),
    }
    parts = [steps.iloc[:1], pd.DataFrame([merged]).astype(steps.dtypes), steps.iloc[-1:]]
    public = pd.concat(parts, ignore_index=True)
    return public if all(shows(size, minimum) for size in public["customers"]) else steps.head(0)


def _states_hidden(customers: Ints, minimum: int) -> Flags:
    """Mark the states of which a number is not shown: small ones, and what would tell them.

    That is who abandoned. Who was handed over is told by the kinds of hand-over, and who ended
    with the bot is needed only where the others are few.
    """
    hidden = (customers > 0) & (customers < minimum)
    for state in ("abandoned", "ended_with_bot", "handed_over") if hidden.any() else ():
        hidden[STATES.index(state)] |= customers[hidden].sum() < minimum or state == "abandoned"
    return hidden


def states_shown(sessions: BotSessions, minimum: int) -> tuple[frozenset[str], Ints, Shown]:
    """Decide which numbers of sessions that end in a state may be shown.

    Returns
    -------
    whole : frozenset of str
        The states whose number in the whole log may be shown.
    touchpoints : ndarray of int64
        Numbers of the touchpoints at which bot sessions begin.
    shown : Shown
        The same at each of these touchpoints, one after the other, with lower bounds where the
        numbers would tell of a few; none where the touchpoint itself is rare.
    """
    part = sessions.facts
    state, customer = part["state"].astype(np.int64), part["customer_no"]
    occurs = np.bincount(part["touchpoint_no"], minlength=1) > 0
    touchpoints, index = np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[part["touchpoint_no"]]

    def counted(cell: Ints, many: int) -> Ints:
        people = count_units(cell, customer, many)
        return np.stack([np.bincount(cell, minlength=many), people], axis=-1)

    kinds = len(STATES)
    of_all = ~_states_hidden(counted(state, kinds)[:, 1], minimum)
    row, column = np.divmod(np.arange(len(touchpoints) * kinds), kinds)
    public = counted(index, len(touchpoints))[:, 1] >= minimum
    cells = Cells(
        counted(index * kinds + state, len(touchpoints) * kinds),
        # States whose numbers are hidden have one total.
        (np.where(public[row], row, -1), np.where(of_all[column], column, kinds)),
        public[row],
        zeros_shown=True,
    )
    whole = frozenset(one for one, shown in zip(STATES, of_all, strict=True) if shown)
    return whole, touchpoints, protect(cells, minimum, bounds=True)


def verified(
    counts: pd.DataFrame, sessions: BotSessions, journeys: Journeys, *, days: float
) -> Estimate:
    """Return verified containment, with the bounds that the unknown sessions leave.

    ``value`` and ``lo`` take every unknown session for a failure, ``hi`` for a success. The
    bounds are of identification, not of sampling.
    """
    mature, sure, unknown = (int(counts[c].sum()) for c in ("mature", "verified", "unknown"))
    last_us = followed_until(sessions, journeys, days)
    counted = waterfall_flags(sessions, last_us, days)["mature"]
    n_customers = count_neighbours(sessions.facts["customer_no"][counted])
    base: dict[str, Any] = {
        "estimand": f"bot sessions with no human, no contact about it within {days:g} days, no "
        "silent leaving, and a sign of a solution, of mature bot sessions",
        "n_customers": n_customers,
        "n_journeys": count_neighbours(sessions.facts["journey"][counted]),
        "n_events": mature,
    }
    reason: AbstainReason | None = None
    if not journeys.has_clock:
        reason = "no_clock"
    elif not journeys.log.schema.knows_customers:
        reason = "no_column"
    elif not mature:
        reason = "immature_window" if int(counts["sessions"].sum()) else "n_small"
    elif n_customers < journeys.settings.min_customers:
        reason = "privacy"
    if reason is not None:
        return Estimate.none(reason, "share", **base)
    shown = Estimate(
        value=sure / mature,
        unit="share",
        lo=sure / mature,
        hi=(sure + unknown) / mature,
        method="waterfall; bounds with all unknown sessions bad or good",
        assumptions=("a customer's later contacts are found under the same customer",),
        **base,
    )
    few = bounded_share(shown, sure, mature, minimum=journeys.settings.min_customers)
    return replace(few, hi=max(few.hi or 0.0, shown.hi or 0.0))


def containment_curve(
    sessions: BotSessions, last_us: int | None, min_customers: int, days: float
) -> pd.DataFrame:
    """Return verified containment for windows of 1 to 30 days, of the same sessions.

    Returns
    -------
    pandas.DataFrame
        ``days`` (int64), ``sessions`` (int64, mature for the last window), ``verified``,
        ``verified_lo``, ``verified_hi`` (float64: share with its customer-clustered interval),
        ``upper`` (float64: with all unknown sessions good). The last window is the longest for
        which half of the sessions are mature. No row where these are of fewer than
        `min_customers` customers, or where a share may not be shown.

    Notes
    -----
    Windows are nested: what one has beyond the next is who came back in between. Where these are
    a few, a window has the number of the one before, beyond the window of `days`, or of the one
    after, within it.
    """
    minimum, most = max(min_customers, 1), max(CURVE_DAYS)
    days_of = np.zeros((3, len(sessions)), dtype=np.int8)
    if last_us is not None:
        days_of = days_served(*_what_counts(sessions), last_us, most)
    chosen = _steps_taken(sessions, last_us, days)
    longest = _longest_window(sessions, days_of[0], chosen, minimum)
    windows = CURVE_DAYS[:longest]
    cohort = days_of[0] >= longest if longest else np.zeros(len(sessions), dtype=np.bool_)
    group, customer, possible, sure = (
        values[cohort]
        for values in (sessions.facts["group"], sessions.facts["customer_no"], *days_of[1:])
    )
    own = _windows_shown(customer, (possible, sure), longest, days, minimum)
    # Of each group the sessions that are sure, and possible, for so many days or more.
    least = [
        np.bincount(group * np.int64(most + 1) + until, minlength=GROUPS * (most + 1))
        .reshape(GROUPS, most + 1)[:, ::-1]
        .cumsum(axis=1)[:, ::-1]
        for until in (sure, possible)
    ]
    ends = [own[window] for window in windows]
    totals = np.zeros((GROUPS, len(windows), 3))
    totals[:, :, 0] = least[0][:, :1]
    totals[:, :, 1] = least[0][:, ends]
    totals[:, :, 2] = least[1][:, ends] - least[0][:, ends]
    mature = totals[:, :, 0].sum(axis=0)
    people = np.full(len(windows), count_neighbours(customer))
    result = resample(
        totals[:, :, [1, 0]], quotient, share=True, n_customers=people, n_trials=mature
    )
    curve = pd.DataFrame(
        {
            "days": np.asarray(windows, dtype=np.int64),
            "sessions": mature.astype(np.int64),
            "verified": result.value,
            "verified_lo": result.lo,
            "verified_hi": result.hi,
            "upper": totals[:, :, 1:].sum(axis=(0, 2)) / mature,
            "customers": people,
        }
    )
    shares = zip(totals[:, :, 1].sum(axis=0), mature, strict=True)
    is_public = [share_bounds(hits, of, minimum=minimum) is None for hits, of in shares]
    return suppress(curve[np.array(is_public, dtype=np.bool_)], minimum)[0][list(CURVE_COLUMNS)]


def _successes(steps: npt.NDArray[np.int8], cohort: Flags) -> tuple[Flags, Flags]:
    """Mark the sessions that were surely served within a window, and those that may have been."""
    sure = cohort & (steps == STEPS.index("verified"))
    return sure, sure | (cohort & (steps == STEPS.index("unknown")))


def _longest_window(
    sessions: BotSessions,
    mature: npt.NDArray[np.int8],
    chosen: npt.NDArray[np.int8],
    minimum: int,
) -> int:
    """Return the longest window of a curve, or 0; `mature` is that of each session.

    Half of the sessions are mature for it, and those that are not, all of them or of the sessions
    that are mature for the window that was `chosen`, are not a few.
    """
    every = np.ones(len(chosen), dtype=np.bool_)
    for days in reversed(CURVE_DAYS):
        cohort = mature >= days
        if 2 * cohort.sum() < max(len(cohort), 1):
            continue
        wholes = [every, chosen >= 0, *_successes(chosen, chosen >= 0)]
        inside = [cohort, cohort, *_successes(chosen, cohort)]
        parts = [whole ^ part for whole, part in zip(wholes, inside, strict=True)]
        if not any(sessions.are_few(part, minimum) for part in parts):
            return days
    return 0


def _windows_shown(
    customer: Ints,
    served: tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]],
    longest: int,
    chosen: float,
    minimum: int,
) -> dict[int, int]:
    """Return for each window the one whose numbers it has; see `containment_curve`.

    Of each session `served` holds the longest window for which it may be, and is, served.
    """
    own: dict[int, int] = {}
    if not longest:
        return own
    by_day = [
        count_units(until.astype(np.int64), customer, max(CURVE_DAYS) + 1) for until in served
    ]

    def are_few(low: int, high: int) -> bool:
        people = [days[low] for days in by_day]
        if high > low + 1:
            people = [count_neighbours(customer[(low <= u) & (u < high)]) for u in served]
        return low < high and any(0 < many < minimum for many in people)

    anchor = min(max(1, int(chosen)), longest)
    for way in (range(anchor, longest + 1), range(anchor, 0, -1)):
        latest = anchor
        for days in way:
            if not are_few(*sorted((latest, days))):
                latest = days
            own[days] = latest
    return own


def by_touchpoint(
    sessions: BotSessions, journeys: Journeys, counts: pd.DataFrame, points: Ints, public: Shown
) -> pd.DataFrame:
    """Return one row per touchpoint at which bot sessions begin; see `Handoffs.by_touchpoint`.

    `points` and `public` are those of `states_shown`.
    """
    names = journeys.touchpoints.set_index("touchpoint_no")["touchpoint"]
    people = count_units(
        sessions.facts["touchpoint_no"], sessions.facts["customer_no"], sessions.events.touchpoints
    )
    numbers = ["sessions", *STATES, "mature", "unknown", "verified"]
    table = counts.groupby("touchpoint_no", as_index=False)[numbers].sum()
    table["customers"] = people[table["touchpoint_no"]]
    table["touchpoint"] = table["touchpoint_no"].map(names)
    table, hidden = suppress(table, journeys.settings.min_customers)
    mature = table["mature"].where(table["mature"] > 0).astype("float64")
    share = table["verified"] / mature
    table["verified_hi"] = (table["verified"] + table["unknown"]) / mature
    table["verified_lo"] = share
    few = [
        share_bounds(sure, of, minimum=journeys.settings.min_customers)
        for sure, of in zip(table["verified"], table["mature"], strict=True)
    ]
    within = np.array([bounds is not None for bounds in few], dtype=bool)
    least, most = np.array([bounds or (np.nan, np.nan) for bounds in few]).reshape(-1, 2).T
    table["verified"] = share.mask(within)
    table["verified_lo"] = table["verified_lo"].mask(within, least)
    table["verified_hi"] = table["verified_hi"].mask(within, np.fmax(most, table["verified_hi"]))
    young = table["sessions"] - table["mature"]
    minimum = journeys.settings.min_customers
    if minimum > 1 and young.between(1, minimum).any():
        # Exact shares would tell how many sessions are too young to count.
        value, lo, hi = (table[share].to_numpy(np.float64) for share in SPOT_COLUMNS[-3:])
        value, lo, hi = rounded_outward(value, lo, hi, table["mature"].to_numpy(np.int64))
        table = table.assign(verified=value, verified_lo=lo, verified_hi=hi)
    own = np.searchsorted(points, table["touchpoint_no"].to_numpy())
    exact, bounded = (
        part.reshape(-1, len(STATES))[own] for part in (public.exact, public.at_least)
    )
    least = public.least[:, 0].reshape(-1, len(STATES))[own]
    for column, state in enumerate(STATES):
        public_number = pd.Series(least[:, column], index=table.index, dtype="Int64")
        table[state] = public_number.where(exact[:, column] | bounded[:, column])
    table["at_least"] = [
        " ".join(state for state, is_bound in zip(STATES, row, strict=True) if is_bound)
        for row in bounded
    ]
    columns = list(SPOT_COLUMNS)
    shown = table.sort_values("touchpoint", kind="stable")[columns].reset_index(drop=True)
    shown.attrs["suppressed"] = hidden
    return shown


def containment_measure(
    sessions: BotSessions, journeys: Journeys, settings: MeasureSettings
) -> Measured:
    """Return verified containment of the bot sessions that begin at each touchpoint.

    Notes
    -----
    Shares are drawn towards the mean of their channel as a beta-binomial model has it, with the
    overdispersion by moments (Kleinman 1973), in every resample anew: a touchpoint with few
    sessions says little of its own. Unknown sessions count as not contained in the value and
    its lower limit, as contained in the upper one: the truth lies between.
    """
    touchpoints = journeys.touchpoints.sort_values("touchpoint_no")
    last_us = followed_until(sessions, journeys, settings.repeat_days)
    flags = waterfall_flags(sessions, last_us, settings.repeat_days)
    part = sessions.facts
    rows = Rows(
        len(touchpoints), *(part[c] for c in ("touchpoint_no", "group", "journey", "customer_no"))
    )
    possible = flags["verified"] | flags["unknown"]
    sums, at_most = (
        np.stack([rows.in_cells(good), rows.in_cells(flags["mature"])], axis=-1)
        for good in (flags["verified"], possible)
    )
    base = rows.base(flags["mature"])
    channel = pd.factorize(touchpoints["channel"].fillna(""))[0]
    size: dict[str, Any] = {"n_customers": base.customers, "n_trials": base.events}
    result, upper = (
        resample(totals, lambda totals: shrunk(totals, channel), share=True, **size)
        for totals in (sums, at_most)
    )
    result = replace(result, hi=np.fmax(result.hi, upper.hi))
    refused: dict[AbstainReason, Flags] = {
        "no_clock": np.full(len(touchpoints), not journeys.has_clock),
        "no_column": np.full(len(touchpoints), not journeys.log.schema.knows_customers),
    }
    hits, trials = sums.sum(axis=0).T
    return replace(
        measured("containment", "share", result, base, settings, refused=refused),
        hits=hits,
        trials=trials,
        possible=at_most.sum(axis=0)[:, 0],
    )


def shrunk(totals: Floats, family: np.ndarray[Any, np.dtype[np.intp]]) -> Floats:
    """Draw shares towards the mean of their family, by a beta-binomial model.

    Parameters
    ----------
    totals : array, shape (..., m, 2)
        Successes and trials.
    family : array of int, shape (m,)
        The family of each subject.

    Returns
    -------
    ndarray, shape (..., m)
        (successes + s·mean) / (trials + s) with s = (1 − ρ)/ρ; NaN without trials.

    Examples
    --------
    >>> shrunk(np.array([[8.0, 10.0]]), np.array([0]))  # alone in its family
    array([0.8])
    """
    member = np.equal.outer(family, np.arange(family.max(initial=0) + 1)).astype(np.float64)
    hits, n = totals[..., 0], totals[..., 1]

    def per_family(values: Floats) -> Floats:
        # einsum without BLAS: the order of additions must not depend on threads
        return np.asarray(np.einsum("...m,mf->...f", values, member))

    with np.errstate(divide="ignore", invalid="ignore"):
        trials = per_family(n)
        mean = per_family(hits) / trials
        own_mean = np.take(mean, family, axis=-1)
        away = np.where(n > 0, n * (hits / n - own_mean) ** 2, 0.0)
        spread = per_family(away) / (mean * (1 - mean))
        others = per_family((n > 0).astype(np.float64)) - 1
        weight = trials - per_family(n**2) / trials - others
        rho = np.clip(np.nan_to_num((spread - others) / weight, nan=LEAST_RHO), LEAST_RHO, 1.0)
        strength = np.take((1 - rho) / rho, family, axis=-1)
        result: Floats = (hits + strength * own_mean) / (n + strength)
    return np.where(n > 0, result, np.nan)
