"""The shape that all measures share: one number for every touchpoint, with its draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journeylib.core import GROUPS, AbstainReason, Grade, Resampled
from journeylib.log import fetch, few_of

ESTIMATE_COLUMNS = (
    "touchpoint",
    "measure",
    "value",
    "lo",
    "hi",
    "unit",
    "n_events",
    "n_journeys",
    "n_customers",
    "grade",
    "abstain",
    "source",
)

# Shares of customers that say something of the persons themselves, in place of the service.
OF_PERSONS = frozenset({"vulnerable"})


@dataclass(frozen=True)
class Measured:
    """One measure for every touchpoint of a log.

    Attributes
    ----------
    measure, unit : str
        Name as in ``docs/architecture.md``, and unit.
    resampled : Resampled
        Point, interval and draws; touchpoints in the order of ``touchpoint_no``.
    n_events, n_journeys, n_customers : ndarray of int64
        The base of each number.
    abstain : tuple of (str or None)
        Why a touchpoint has no number.
    grade : str
        Grade of the numbers that are there.
    source : str
        For what customers say: the column and who read it, and whether labelled turns correct
        it. For what is modelled on a sample of customers: that sample. Else empty.
    """

    measure: str
    unit: str
    resampled: Resampled
    n_events: npt.NDArray[np.int64]
    n_journeys: npt.NDArray[np.int64]
    n_customers: npt.NDArray[np.int64]
    abstain: tuple[AbstainReason | None, ...]
    grade: Grade = "C"
    source: str = ""


def group_sums(table: ibis.Table, columns: Sequence[str], touchpoints: int) -> npt.NDArray[Any]:
    """Bring sums per touchpoint and customer group out of the engine as one array.

    Parameters
    ----------
    table : ibis.Table
        One row per ``touchpoint_no`` and ``group`` (absent pairs are zero), with `columns`,
        each a sum of integers.
    columns : sequence of str
        The sums, in the order of the array's last axis.
    touchpoints : int
        Number of touchpoints of the log.

    Returns
    -------
    ndarray of float64, shape (groups, touchpoints, len(columns))
        Whole numbers.
    """
    frame = fetch(table.select("touchpoint_no", "group", *columns))
    sums = np.zeros((GROUPS, touchpoints, len(columns)))
    spot = (frame["group"].to_numpy(), frame["touchpoint_no"].to_numpy())
    for position, column in enumerate(columns):
        sums[(*spot, position)] = frame[column].fillna(0).to_numpy(dtype=np.float64)
    return sums


def estimate_rows(measured: Measured, names: Sequence[str]) -> pd.DataFrame:
    """Return one row per touchpoint with the columns `ESTIMATE_COLUMNS`.

    Parameters
    ----------
    measured : Measured
    names : sequence of str
        Touchpoints in the order of ``touchpoint_no``.
    """
    silent = np.array([reason is not None for reason in measured.abstain])
    result = measured.resampled
    frame = pd.DataFrame(
        {
            "touchpoint": list(names),
            "measure": measured.measure,
            "value": np.where(silent, np.nan, result.value),
            "lo": np.where(silent, np.nan, result.lo),
            "hi": np.where(silent, np.nan, result.hi),
            "unit": measured.unit,
            "n_events": measured.n_events,
            "n_journeys": measured.n_journeys,
            "n_customers": measured.n_customers,
            "grade": measured.grade,
            "abstain": list(measured.abstain),
            "source": measured.source,
        }
    )
    return frame[list(ESTIMATE_COLUMNS)]


def bases(rows: ibis.Table, touchpoints: int) -> pd.DataFrame:
    """Count what the number of each touchpoint rests on.

    Parameters
    ----------
    rows : ibis.Table
        One row per case that counts, with ``touchpoint_no``, ``journey``, ``customer_no``.
    touchpoints : int
        Number of touchpoints of the log.

    Returns
    -------
    pandas.DataFrame
        One row per ``touchpoint_no`` (the index): ``events``, ``journeys``, ``customers`` (int64).
    """
    base = count_bases(rows, ["touchpoint_no"]).set_index("touchpoint_no")
    return base.reindex(range(touchpoints), fill_value=0).astype("int64")


def count_bases(rows: ibis.Table, keys: list[str]) -> pd.DataFrame:
    """Count ``events``, ``journeys`` and ``customers`` for each set of `keys` among `rows`.

    Rows that are the first of their journey, or of their customer, are marked and summed: half
    the work of grouping by journey and then by customer, and it may spill to disk, where a
    distinct count would hold every key of every group.
    """
    by_customer = ibis.window(group_by=[*keys, "customer_no"], order_by="journey")
    marked = rows.select(
        *keys,
        new_journey=(_.journey.lag().over(by_customer) != _.journey).fill_null(True),
        new_customer=ibis.row_number().over(by_customer) == 0,
    )
    counted = marked.group_by(keys).aggregate(
        events=_.count(), journeys=_.new_journey.sum(), customers=_.new_customer.sum()
    )
    return fetch(counted).astype(dict.fromkeys(("events", "journeys", "customers"), "int64"))


def without_few(table: pd.DataFrame, measure: str, value: str, *, minimum: int) -> pd.DataFrame:
    """Replace shares of persons that only a few customers, or all but a few, have by a bound.

    Parameters
    ----------
    table : pandas.DataFrame
        Row: a measure of a touchpoint, with `measure`, `value`, ``lo``, ``hi``,
        ``n_customers``; and where there are, ``score`` and ``abstain`` or ``missing``.
    measure, value : str
        Columns that name the measure and hold its number.
    minimum : int
        Fewest customers that have it, and that have it not.

    Returns
    -------
    pandas.DataFrame
        Such rows have no number: ``hi`` is the bound of a few, ``lo`` of all but a few; the
        reason is ``privacy``.
    """
    table = table.copy()
    reason = "missing" if "missing" in table else "abstain"
    for spot in table.index[table[measure].isin(OF_PERSONS) & table[value].notna()]:
        share, customers = float(table.loc[spot, value]), int(table.loc[spot, "n_customers"])
        bound = few_of(share, customers, minimum)
        if bound is not None:
            columns = [value, "lo", "hi", *({"score"} & set(table))]
            table.loc[spot, columns] = np.nan
            table.loc[spot, "hi" if bound > share else "lo"] = bound
            table.loc[spot, reason] = "privacy"
    return table
