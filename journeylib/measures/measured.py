"""The shape that all measures share: one number for every touchpoint, with its draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import AbstainReason, Grade, Resampled
from journeylib.log import few_of

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
