"""Visits: one row per journey that reached a touchpoint, with what was known before."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis import _

from journeylib.core import US_PER_DAY
from journeylib.journeys import CustomerSample, Journeys
from journeylib.judge.estimation.design_matrix import as_covariate
from journeylib.judge.moments.visit_quality import check_columns, visits_with_quality
from journeylib.judge.settings import MomentSettings
from journeylib.log import fetch


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

    def where(self, keep: pd.Series[bool]) -> Visits:
        """Return the rows that `keep` names, numbered anew."""
        return Visits(
            self.rows[keep.to_numpy()].reset_index(drop=True),
            self.covariates[keep.to_numpy()].reset_index(drop=True),
            self.sample,
        )


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
    sample = journeys.sample
    visits = sample.of(visits_with_quality(journeys, settings))
    declared = _declared(settings)
    starts = journeys.table.select("journey", "customer_no", "start_us")
    earlier = starts.select(
        "journey",
        "start_us",
        earlier=ibis.row_number().over(group_by="customer_no", order_by=["start_us", "journey"]),
    )
    table = visits.inner_join(earlier, "journey")
    if declared:
        key = ["journey", "touchpoint"]
        table = table.left_join(_known_before(journeys, visits, declared), key)
        table = table.drop("journey_right", "touchpoint_right")
    frame = fetch(table.order_by("customer_no", "t_us", "touchpoint", "first_step"))
    return Visits(_rows(frame, settings, declared), _covariates(frame, settings, declared), sample)


def _declared(settings: MomentSettings) -> list[str]:
    control = [settings.negative_control] if settings.negative_control else []
    return list(dict.fromkeys([*settings.adjust, *control]))


def _known_before(journeys: Journeys, visits: ibis.Table, declared: list[str]) -> ibis.Table:
    """Return ``known_0``, ``known_1`` … : the last value of each column by the visit's start."""
    columns = {f"known_{i}": journeys.steps[name] for i, name in enumerate(declared)}
    history = journeys.steps.select("journey", "step", **columns)
    return (
        visits.select("journey", "touchpoint", "first_step")
        .inner_join(history, "journey")
        .filter(_.step <= _.first_step)
        .group_by(["journey", "touchpoint"])
        .aggregate(**{name: _[name].argmax(_.step, where=_[name].notnull()) for name in columns})
    )


def _rows(frame: pd.DataFrame, settings: MomentSettings, declared: list[str]) -> pd.DataFrame:
    rows = frame[["touchpoint", "customer_no", "t_us", "quality"]]
    rows = rows.rename(columns={"customer_no": "customer"}).astype({"quality": "int64"})
    if settings.negative_control:
        column = f"known_{declared.index(settings.negative_control)}"
        rows["control"] = pd.to_numeric(frame[column], errors="coerce").astype(float)
    return rows


def _covariates(frame: pd.DataFrame, settings: MomentSettings, declared: list[str]) -> pd.DataFrame:
    days = (frame["t_us"] - frame["start_us"]) / US_PER_DAY
    covariates = pd.DataFrame(
        {
            "steps_before": frame["first_step"].astype(float) - 1,
            "days_before": np.log1p(days.clip(lower=0)),
            "earlier_journeys": frame["earlier"].astype(float),
            # What changes over the year changes for good and bad visits alike.
            "month": (frame["t_us"] - frame["t_us"].min()) / (30 * US_PER_DAY),
        }
    )
    declared_columns = {
        f"declared {name}": as_covariate(frame[f"known_{declared.index(name)}"])
        for name in settings.adjust
    }
    return covariates.assign(**declared_columns)
