"""Visits: one row per journey that reached a touchpoint, for asking what a good visit changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from journeylib.errors import ConfigError, did_you_mean
from journeylib.judge.settings import MomentSettings
from journeylib.log.engine import fetch

if TYPE_CHECKING:
    from journeylib.journeys.steps import Journeys

US_PER_DAY = 86_400_000_000
TRUE_WORDS = ("1", "true", "yes", "y", "t", "ja", "j")
BEFORE = ("steps_before", "days_before", "earlier_journeys", "month")


def visits_of(journeys: Journeys, settings: MomentSettings) -> pd.DataFrame:
    """Return the first visits that were marked good or bad, with what was known before them.

    Parameters
    ----------
    journeys : Journeys
        With a clock.
    settings : MomentSettings
        Which column says that a visit went well, and what was known before.

    Returns
    -------
    pandas.DataFrame
        One row per journey and touchpoint with a mark, ordered by customer, time and touchpoint:
        ``touchpoint`` (str), ``customer`` (int64, opaque), ``t_us`` (int64), ``good`` (bool),
        ``control`` (float64, where declared), and the covariates: the declared ones, their
        values at the journey's first step, and `BEFORE`, computed from what came earlier.

    Raises
    ------
    ConfigError
        If a column that the settings name is not in the log.
    """
    check_columns(journeys, settings)
    steps = journeys.steps
    first_visit = steps.filter(_.visit == 1)
    good = _good(settings)
    keys = ["journey", "touchpoint"]
    marked = first_visit.group_by(keys).aggregate(
        customer=_.customer_no.min(),
        t_us=_.t_us.min(),
        steps_before=_.step.min() - 1,
        mark=good.cast("int64").argmax(_.step, where=good.notnull()),
    )
    started = steps.filter(_.step == 1).select(
        "journey",
        start_us=_.t_us,
        **{name: steps[name] for name in _declared(settings)},
    )
    starts = journeys.table.select("journey", "customer_no", "start_us")
    earlier = starts.select(
        "journey",
        earlier_journeys=ibis.row_number().over(
            group_by="customer_no", order_by=["start_us", "journey"]
        ),
    )
    rows = fetch(
        marked.filter(_.mark.notnull())
        .inner_join(started, "journey")
        .inner_join(earlier, "journey")
        .order_by("customer", "t_us", "touchpoint")
    )
    return _frame(rows, settings)


def outcome_within(
    journeys: Journeys, visits: pd.DataFrame, kind: str, horizon_days: float
) -> tuple[pd.Series[bool], pd.Series[bool]]:
    """Say of each visit whether an outcome followed within the horizon, and whether to use it.

    A visit is used if the log goes on for the whole horizon after it, and the outcome had not
    come before it.

    Returns
    -------
    happened, usable : Series of bool
        In the order of `visits`.
    """
    from journeylib.journeys.steps import customer_numbers

    horizon = round(horizon_days * US_PER_DAY)
    outcomes = journeys.log.outcomes
    assert outcomes is not None
    kinds = outcomes.filter((_.kind == kind) & _.t_us.notnull())
    known = customer_numbers(journeys.log.events).select("customer", "customer_no")
    times = fetch(kinds.inner_join(known, "customer").select("customer_no", "t_us"))
    by_customer = {
        int(no): np.sort(group.to_numpy()) for no, group in times.groupby("customer_no")["t_us"]
    }
    happened, usable = [], []
    last = journeys.last_us or 0
    for no, t_us in zip(visits["customer"], visits["t_us"], strict=True):
        moments = by_customer.get(int(no), np.empty(0, dtype=np.int64))
        after = moments[moments > t_us]
        happened.append(bool(len(after)) and bool(after[0] <= t_us + horizon))
        usable.append(t_us + horizon <= last and len(after) == len(moments))
    return pd.Series(happened, dtype=bool), pd.Series(usable, dtype=bool)


def check_columns(journeys: Journeys, settings: MomentSettings) -> None:
    """Raise if the settings name a column that the log does not have."""
    for name in [settings.good or "", *_declared(settings)]:
        if name and not journeys.has(name):
            known = [c for c in journeys.steps.columns if not c.endswith("_us")]
            raise ConfigError(
                f"judge.moments names the column '{name}', which the log does not carry."
                f"{did_you_mean(name, known)} Declare it in roles.attributes."
            )


def _declared(settings: MomentSettings) -> list[str]:
    control = [settings.negative_control] if settings.negative_control else []
    return list(dict.fromkeys([*settings.adjust, *control]))


def _good(settings: MomentSettings) -> ibis.Deferred:
    column = _[str(settings.good)]
    if settings.good_from is not None:
        return column.try_cast("float64") >= settings.good_from
    return column.cast("string").lower().isin(TRUE_WORDS)


def _frame(rows: pd.DataFrame, settings: MomentSettings) -> pd.DataFrame:
    day = (rows["t_us"] - rows["start_us"]) / US_PER_DAY
    frame = pd.DataFrame(
        {
            "touchpoint": rows["touchpoint"],
            "customer": rows["customer"],
            "t_us": rows["t_us"],
            "good": rows["mark"] > 0,
            "steps_before": rows["steps_before"].astype(float),
            "days_before": np.log1p(day.clip(lower=0)),
            "earlier_journeys": rows["earlier_journeys"].astype(float),
            # Months since the log began: what changes over the year changes for both arms.
            "month": (rows["t_us"] - rows["t_us"].min()) / (30 * US_PER_DAY),
        }
    )
    for name in settings.adjust:
        frame[name] = _covariate(rows[name])
    if settings.negative_control:
        frame["control"] = pd.to_numeric(rows[settings.negative_control], errors="coerce")
    return frame


def _covariate(column: pd.Series) -> pd.Series:
    """Return numbers as numbers; anything else stays text."""
    number = pd.to_numeric(column, errors="coerce")
    return number if number.notna().sum() == column.notna().sum() else column
