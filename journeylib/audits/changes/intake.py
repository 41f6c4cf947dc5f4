"""Intake: the days on which journeys begin; a log may end with cases that only run out."""

from __future__ import annotations

import datetime as dt

import numpy as np

from journeylib.core import US_PER_DAY, day_of
from journeylib.journeys import Journeys

SURE = 20.0  # journeys that usually begin in a period, from which hardly any is no chance
HARDLY_ANY = 0.1  # of the usual number


def intake_end(journeys: Journeys, as_of: dt.date, window_days: int) -> dt.date | None:
    """Return the day after the last on which journeys began as usual.

    Parameters
    ----------
    journeys : Journeys
        With a clock.
    as_of : datetime.date
        Default of the run: the day of the log's last event.
    window_days : int
        Length of a period.

    Returns
    -------
    datetime.date or None
        None where journeys begin as usual to the end, or too few begin to tell.

    Notes
    -----
    What is usual is what the median journey had: as many others began on its day, and in the
    period up to it. A tenth of both is usual still. A silence that the log had before, such as a
    weekend, ends nothing.
    """
    day = np.sort(journeys.outline.start_us // US_PER_DAY)
    if not len(day):
        return None
    each = np.bincount(day - day[0])
    sums = np.concatenate([np.zeros(window_days, dtype=np.int64), np.cumsum(each)])
    period = sums[window_days:] - sums[:-window_days]
    typical_day, typical_period = np.median(each[day - day[0]]), np.median(period[day - day[0]])
    if typical_period < SURE:
        return None
    usual = np.flatnonzero(
        (each >= HARDLY_ANY * typical_day) & (period >= HARDLY_ANY * typical_period)
    )
    end = day_of(int(day[0] + usual[-1] + 1) * US_PER_DAY)
    silences = np.diff(usual)
    return end if (as_of - end).days >= max(int(silences.max(initial=1)), 1) else None
