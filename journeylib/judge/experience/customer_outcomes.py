"""Outcomes of customers: those within a horizon after a visit that was fixed before looking."""

from __future__ import annotations

import pandas as pd

from journeylib.core import MICRO, US_PER_DAY
from journeylib.journeys import Journeys
from journeylib.log import customer_group, customer_numbers, fetch


def event_within(
    journeys: Journeys, rows: pd.DataFrame, kind: str, horizon_days: float
) -> tuple[pd.Series[bool], pd.Series[bool]]:
    """Return for each visit whether an outcome followed in time, and whether to use it.

    Parameters
    ----------
    journeys : Journeys
        With outcomes.
    rows : DataFrame
        ``customer``, ``t_us``, as in `visit_table.Visits.rows`.
    kind : str
    horizon_days : float

    Returns
    -------
    happened, usable : Series of bool
        In the order of `rows`. A visit is used if the log goes on for the whole horizon after
        it, and the outcome had not come by then. Where outcomes have days only, one on the day
        of the visit may have come before it: that visit is not used.
    """
    horizon = round(horizon_days * US_PER_DAY)
    outcome_us = rows["customer"].map(first_of_kind(journeys, kind))
    before = outcome_us <= rows["t_us"]
    happened = (outcome_us <= rows["t_us"] + horizon) & ~before
    return happened, _mature(journeys, rows, horizon) & ~before


def answer_within(
    journeys: Journeys, rows: pd.DataFrame, kind: str, horizon_days: float
) -> tuple[pd.Series[float], pd.Series[bool]]:
    """Return what customers answered when first asked within the horizon after a visit.

    Returns
    -------
    answer : Series of float
        In the order of `rows`; NaN where nobody asked or nobody answered.
    asked : Series of bool
        Whether the customer was asked; only visits whose horizon lies within the log.
    """
    horizon = round(horizon_days * US_PER_DAY)
    requests = of_kind(journeys, kind)
    requests = requests.assign(at=requests["asked_us"].fillna(requests["t_us"]))
    requests = requests.dropna(subset=["at"]).astype({"at": "int64"})
    # Two requests at the same time: the one that was answered, then the lower answer.
    requests = requests.sort_values(["at", "customer_no", "value_micro"]).drop_duplicates(
        ["at", "customer_no"]
    )
    visits = rows[["customer", "t_us"]].reset_index(names="row").sort_values("t_us", kind="stable")
    met = pd.merge_asof(
        visits.astype({"customer": "int64", "t_us": "int64"}),
        requests.rename(columns={"customer_no": "customer"})[["customer", "at", "value_micro"]],
        left_on="t_us",
        right_on="at",
        by="customer",
        direction="forward",
        allow_exact_matches=False,
        tolerance=horizon,
    ).set_index("row")
    met = met.reindex(rows.index)
    asked = met["at"].notna() & _mature(journeys, rows, horizon)
    answer = (met["value_micro"] / MICRO).where(asked)
    return answer, asked


def first_of_kind(journeys: Journeys, kind: str) -> pd.Series[float]:
    """Return when each customer first had an outcome that happened, by ``customer_no``."""
    outcomes = of_kind(journeys, kind)
    happened = outcomes["t_us"].notna() & (outcomes["value_micro"] != 0)
    return outcomes[happened].groupby("customer_no")["t_us"].min()


def of_kind(journeys: Journeys, kind: str) -> pd.DataFrame:
    """Return the outcomes of one kind of the customers of the log; see `all_outcomes`."""
    outcomes = all_outcomes(journeys)
    return outcomes[(outcomes["kind"] == kind) & (outcomes["customer_no"] >= 0)]


def all_outcomes(journeys: Journeys) -> pd.DataFrame:
    """Return the outcomes of a log, with numbers in place of their customers.

    Returns
    -------
    DataFrame
        One row per outcome: ``kind`` (category); ``customer_no`` (int64, below 0 for customers
        without an event, each with a number of its own); ``group`` (int64); ``t_us``,
        ``value_micro``, ``asked_us`` (float64, whole numbers; NaN where unknown).
    """
    outcomes = journeys.log.outcomes
    assert outcomes is not None

    def fetched() -> pd.DataFrame:
        numbers = customer_numbers(journeys.log.events).select("customer", "customer_no")
        times = ["t_us", "value_micro", "asked_us"]
        table = outcomes.select("customer", "kind", *times, group=customer_group(outcomes.customer))
        rows = fetch(table.left_join(numbers, "customer").drop("customer_right"))
        stranger = -1 - pd.factorize(rows["customer"])[0]
        rows["customer_no"] = rows["customer_no"].fillna(pd.Series(stranger))
        kinds = {"kind": "category", "customer_no": "int64", **dict.fromkeys(times, "float64")}
        return rows.drop(columns="customer").astype(kinds)

    # Moments, effects and surveys ask for the same outcomes.
    frame: pd.DataFrame = journeys.events.once("outcomes", fetched, whatever_cut=True)
    return frame


def _mature(journeys: Journeys, rows: pd.DataFrame, horizon: int) -> pd.Series[bool]:
    return rows["t_us"] + horizon <= (journeys.last_us or 0)
