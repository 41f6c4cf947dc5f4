"""Visits: one row per journey that reached a touchpoint, with what was known before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import US_PER_DAY
from journeylib.journeys import CustomerSample, Journeys, rows_in_order, words_at
from journeylib.judge.experience.known_values import last_values
from journeylib.judge.moments.visit_quality import check_columns, visits_with_quality
from journeylib.judge.settings import MomentSettings


@dataclass(frozen=True)
class Visits:
    """First visits whose quality is known, and what was known before each.

    Attributes
    ----------
    rows : DataFrame
        One row per journey and touchpoint, ordered by customer, time, touchpoint
        and step: ``touchpoint`` (str), ``customer`` (int64, opaque), ``t_us`` (int64, start of
        the visit), ``quality`` (int64: 1 good, 0 neither, −1 bad), ``control`` (float64, only
        where a negative control is declared).
    covariates : DataFrame
        What was known before, row by row: ``steps_before``, ``days_before`` (log of 1 + days since
        the journey began), ``earlier_journeys``, ``month`` (since the first visit), and the
        declared columns as last seen in the journey by the time the visit began.
    sample : CustomerSample
        The customers whose visits these are.
    """

    rows: pd.DataFrame
    covariates: pd.DataFrame
    sample: CustomerSample

    def at(self, places: npt.NDArray[np.int64]) -> Visits:
        """Return the rows at these places, numbered anew."""
        parts = (part.take(places) for part in (self.rows, self.covariates))
        rows, covariates = (part.set_axis(pd.RangeIndex(len(places))) for part in parts)
        return Visits(rows, covariates, self.sample)


def visits_of(journeys: Journeys, settings: MomentSettings) -> Visits:
    """Return the first visits whose quality is known, with what was known before them.

    Parameters
    ----------
    journeys : Journeys
        With a clock.
    settings : MomentSettings
        What says that a visit went well, and what was known before.

    Raises
    ------
    ConfigError
        If a column that the settings name is not in the log, or says nothing.

    Notes
    -----
    A declared column counts with its last value in the journey up to and including the visit's
    first step: a value that appears during or after the visit may be its consequence. That
    what the first step itself carries was known by then is what the declaration says.
    """
    check_columns(journeys, settings)
    events, sample = journeys.events, journeys.sample
    rows, quality = visits_with_quality(journeys, settings)
    own = sample.has(events.customer[rows])
    rows, quality = rows[own], quality[own]
    step = rows - events.begins[events.journey[rows]]
    order = rows_in_order(step, events.touchpoint[rows], events.t_us[rows], events.customer[rows])
    rows, quality = rows[order], quality[order]
    frame = pd.DataFrame(
        {
            "touchpoint": words_at(journeys.touchpoint_names, events.touchpoint[rows]),
            "customer": events.customer[rows].astype(np.int64),
            "t_us": events.t_us[rows],
            "quality": quality.astype(np.int64),
        }
    )
    begin = events.begins[events.journey[rows]]
    if settings.negative_control:
        control = last_values(events, settings.negative_control, begin, rows)
        frame["control"] = pd.to_numeric(control, errors="coerce").astype(float)
    t_us = frame["t_us"]
    covariates = {
        "steps_before": (rows - begin).astype(np.float64),
        "days_before": np.log1p(((t_us - events.t_us[begin]) / US_PER_DAY).clip(lower=0)),
        "earlier_journeys": _earlier_journeys(journeys)[events.journey[rows]],
        # What changes over the year changes for good and bad visits alike.
        "month": (t_us - t_us.min()) / (30 * US_PER_DAY),
    }
    for name in settings.adjust:
        covariates[f"declared {name}"] = last_values(events, name, begin, rows)
    return Visits(frame, pd.DataFrame(covariates), sample)


def _earlier_journeys(journeys: Journeys) -> npt.NDArray[np.float64]:
    """Count the journeys of the same customer that began before; 0 for customers not drawn."""
    outline = journeys.outline
    rows = np.flatnonzero(journeys.sample.has(outline.customer))
    # What lies in the order of journeys stays so where two begin at once.
    rows = rows[rows_in_order(outline.start_us[rows], outline.customer[rows])]
    earlier = np.zeros(len(outline))
    earlier[rows] = pd.Series(rows).groupby(outline.customer[rows]).cumcount()
    return earlier
