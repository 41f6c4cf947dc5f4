"""Waiting for a human after a bot, with those who gave up counted for what they are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from journeylib.core import GROUPS, US_PER_SECOND, Estimate, Floats, resample
from journeylib.journeys import MISSING, compiled, count_neighbours
from journeylib.log import bounded_share
from journeylib.measures.bots.bot_sessions import BotSessions
from journeylib.measures.bots.conversations import Flags, Whole

MOST_TIMES = 2_000
SERVED, LOST, WAITING = 0, 1, 2
FATES = 3


def queue_times(sessions: BotSessions, last_us: int) -> pd.DataFrame:
    """Count the waits after a bot, by length, fate and customer group.

    A customer is in the queue from the bot's last act, if a human came (*served*), or if one was
    asked for or announced and none came: *lost* at the session's last event, or still *waiting*
    at the end of the log where the session is open. A hand-over that only a mark tells of has no
    wait that is known, and is left out.

    Returns
    -------
    pandas.DataFrame
        ``group``, ``seconds`` (int64, whole), ``fate`` (int64: 0 served, 1 lost, 2 waiting),
        ``n`` (int64), in the order of seconds. Its ``attrs``: ``customers`` and ``journeys`` in
        the queue.
    """
    part = sessions.facts
    waiting = sessions.ended("handed_over") | (part["requests"] > 0) | part["promised"]
    return _times(sessions, waiting, "bot_done_us", last_us)


def request_times(sessions: BotSessions, last_us: int) -> pd.DataFrame:
    """Count the times from the first request for a human, as `queue_times` counts waits."""
    return _times(sessions, sessions.facts["requests"] > 0, "request_us", last_us)


def _times(sessions: BotSessions, queued: Flags, since: str, last_us: int) -> pd.DataFrame:
    part, handed_over = sessions.facts, sessions.ended("handed_over")
    # A hand-over that only a mark tells has no time at which a human answered.
    rows = np.flatnonzero(queued & (~handed_over | (part["human_us"] != MISSING)))
    served, waiting = handed_over[rows], sessions.ended("open")[rows]
    until = np.where(
        served, part["human_us"][rows], np.where(waiting, last_us, part["end_us"][rows])
    )
    seconds = np.maximum(until - part[since][rows], 0) // US_PER_SECOND
    fate = np.where(served, SERVED, np.where(waiting, WAITING, LOST))
    # One number for each wait, in the order of seconds, group and fate.
    kinds, n = np.unique(
        (seconds * GROUPS + part["group"][rows]) * FATES + fate, return_counts=True
    )
    frame = pd.DataFrame(
        {
            "group": kinds // FATES % GROUPS,
            "seconds": kinds // (GROUPS * FATES),
            "fate": kinds % FATES,
            "n": n,
        }
    )
    frame.attrs.update(
        customers=count_neighbours(part["customer_no"][rows]),
        journeys=count_neighbours(part["journey"][rows]),
    )
    return frame


def wait_estimates(
    times: pd.DataFrame, min_customers: int, since: str = "the bot's last act"
) -> tuple[Estimate, Estimate]:
    """Return the median wait for a human, and the probability of being lost in the queue.

    Parameters
    ----------
    times : pandas.DataFrame
        As of `queue_times` or `request_times`.
    min_customers : int
    since : str
        From when on the wait is counted, in words.

    Returns
    -------
    tuple of Estimate
        Median wait in seconds: Kaplan and Meier's, with those who gave up as censored, so that
        it is the wait that the queue gives, not the wait of the patient. Probability of giving
        up before a human comes: Aalen and Johansen's, with service as the competing event.

    Notes
    -----
    Both equal statsmodels' `SurvfuncRight` and `CumIncidenceRight`; they are written out
    because those know no weights by resample, so no interval clustered by customer.
    """
    asked = {
        "wait": f"median wait from {since} to a human, as if nobody gave up",
        "lost": "customers who give up before a human comes, of those who wait for one",
    }
    customers, journeys = times.attrs["customers"], times.attrs["journeys"]
    if customers < max(min_customers, 1):
        reason = "privacy" if customers else "n_small"
        return (
            Estimate.none(reason, "seconds", estimand=asked["wait"]),  # type: ignore[arg-type]
            Estimate.none(reason, "share", estimand=asked["lost"]),  # type: ignore[arg-type]
        )
    seconds, counts = _by_time(times)
    base = {"n_customers": customers, "n_journeys": journeys, "n_events": int(counts.sum())}

    def statistics(totals: Floats) -> Floats:
        """Return the median wait and the share that is lost, shape (..., 2)."""
        half, lost = leave_queue(totals.reshape(-1, FATES, len(seconds)))
        both = np.stack([np.append(seconds, np.nan)[half], lost.sum(axis=-1)], axis=-1)
        return both.reshape(*totals.shape[:-2], 2)

    both = resample(counts.reshape(GROUPS, 1, -1), statistics, share=True, n_customers=[customers])
    half, drawn, lost_share = both.value[0], both.draws[:, 0], both.value[1]
    wait = (
        Estimate.none("censoring_heavy", "seconds", estimand=asked["wait"])
        if np.isnan(half)
        else Estimate(
            value=float(half),
            unit="seconds",
            lo=_percentile(drawn, 2.5),
            hi=_percentile(drawn, 97.5),
            estimand=asked["wait"],
            method="Kaplan–Meier; percentiles of resampled customer groups",
            assumptions=("those who give up would have waited as long as the others",),
            **base,
        )
    )
    gone_by = Estimate(
        value=float(lost_share),
        unit="share",
        lo=float(both.lo[1]),
        hi=float(both.hi[1]),
        estimand=asked["lost"],
        method="Aalen–Johansen; delete-a-group jackknife by customer",
        **base,
    )
    lost_ones = float(counts[:, LOST].sum())
    return wait, bounded_share(gone_by, lost_ones, base["n_events"], minimum=min_customers)


def _by_time(times: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return the distinct times, and counts of shape (groups, fates, times)."""
    seconds, group, fate = (times[name].to_numpy() for name in ("seconds", "group", "fate"))
    grain, distinct = 1, _distinct(seconds)
    while len(distinct) > MOST_TIMES:
        grain *= 2  # seconds do not matter among thousands of distinct waits
        distinct = _distinct(distinct // grain * grain)
    index = np.searchsorted(distinct, seconds // grain * grain)
    cell = (group * FATES + fate) * len(distinct) + index
    counts = np.bincount(cell, times["n"], minlength=GROUPS * FATES * len(distinct))
    return distinct.astype(np.float64), counts.reshape(GROUPS, FATES, -1).astype(np.float64)


def _distinct(ordered: Whole) -> Whole:
    return np.asarray(ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]])


@compiled
def leave_queue(counts: Floats) -> tuple[Whole, Floats]:
    """Return when half are served, and who is lost at each time.

    Parameters
    ----------
    counts : ndarray of float64, shape (n, fates, times)
        Whole numbers.

    Returns
    -------
    half : ndarray of int64, shape (n,)
        First time at which Kaplan and Meier's survival without loss is one half or less; the number
        of times where it never is.
    lost : ndarray of float64, shape (n, times)
        Increments of Aalen and Johansen's cumulative incidence.
    """
    many, _fates, times = counts.shape
    half, lost = np.full(many, times), np.zeros((many, times))
    for one in range(many):
        at_risk = counts[one].sum()
        free = stay = 1.0
        for time in range(times):
            if at_risk == 0:
                break
            serving = counts[one, SERVED, time] / at_risk
            losing = counts[one, LOST, time] / at_risk
            lost[one, time] = stay * losing
            free *= 1 - serving
            stay *= 1 - serving - losing
            if free <= 0.5 + 1e-12 and half[one] == times:
                half[one] = time
            at_risk -= counts[one, :, time].sum()
    return half, lost


def _percentile(draws: Floats, q: float) -> float | None:
    finite = draws[np.isfinite(draws)]
    return float(np.percentile(finite, q)) if len(finite) else None
