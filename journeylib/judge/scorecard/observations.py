"""What the evidence says about each touchpoint, one observation per measure."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from journeylib.core import DRAWS, SEED, Estimate, Floats, RunError, text
from journeylib.measures import Evidence


@dataclass(frozen=True)
class Observation:
    """One measure at one touchpoint.

    Attributes
    ----------
    raw, lo, hi : float
        NaN where `missing` says why.
    unit : str
    n_customers : int
    grade : str
    missing : str or None
        Reason for abstaining; ``no_column`` where the measure was not taken at all.
    draws : ndarray, shape (draws,)
        NaN where nothing is known; of undecided stakes all that they may be. Contiguous, so that
        sums over it do not depend on how many touchpoints there are.
    source : str
        For what customers say: the column, who read it, and whether labelled turns correct it.
    within : bool
        Only bounds may be shown, `lo` and `hi`. `raw` and the draws are what the log's own rate
        makes likely between them, for scores alone.
    """

    raw: float
    lo: float
    hi: float
    unit: str
    n_customers: int
    grade: str
    missing: str | None
    draws: Floats
    source: str = ""
    within: bool = False


NOT_TAKEN = Observation(
    float("nan"), float("nan"), float("nan"), "", 0, "C", "no_column", np.full(DRAWS, np.nan)
)
NOT_TAKEN.draws.setflags(write=False)

MUCH = 0.05  # an effect of so many points of the outcome is half of what counts as most


def observe(
    evidence: Evidence,
    moments: pd.DataFrame | None = None,
    value_at_risk: Mapping[str, float] | None = None,
) -> dict[str, dict[str, Observation]]:
    """Return the observations of every touchpoint, by touchpoint and measure.

    Parameters
    ----------
    evidence : Evidence
    moments : DataFrame, optional
        Moments of truth; the lower bound of the strongest effect becomes the measure ``stakes``.
    value_at_risk : mapping of str to float, optional
        Declared stakes by touchpoint, taken where no effect was estimated; grade D.

    Raises
    ------
    RunError
        If the draws of a measure do not match the touchpoints.
    """
    size = next((len(draws) for draws in evidence.draws.values()), DRAWS)
    column_of = {name: number for number, name in enumerate(evidence.touchpoints["touchpoint"])}
    observed: dict[str, dict[str, Observation]] = {name: {} for name in column_of}
    for measure, draws in evidence.draws.items():
        if draws.shape != (size, len(column_of)):
            raise RunError(
                f"draws of measure '{measure}' have shape {draws.shape}; "
                f"expected {(size, len(column_of))}: the same resamples, one column per touchpoint"
            )
    # Objects: texts of Arrow are slow to go through one by one.
    for row in evidence.estimates.astype(object).itertuples(index=False):
        if row.touchpoint in column_of:
            draws_of = evidence.draws.get(str(row.measure))
            column = None if draws_of is None else draws_of[:, column_of[str(row.touchpoint)]]
            observed[str(row.touchpoint)][str(row.measure)] = _observation(row, column, size)
    if moments is not None:
        for name, part in moments.groupby("touchpoint"):
            stakes = _stakes(part, size)
            if stakes is not None and name in column_of:
                observed[str(name)]["stakes"] = stakes
    for name, risk in (value_at_risk or {}).items():
        if name in observed and observed[name].get("stakes", NOT_TAKEN).missing:
            observed[name]["stakes"] = _declared(risk, observed[name], size)
    return observed


@functools.lru_cache(maxsize=8)
def _unknown(size: int) -> Floats:
    draws = np.full(size, np.nan)
    draws.setflags(write=False)
    return draws


def _observation(row: Any, column: Floats | None, size: int) -> Observation:
    raw = float(row.value)
    reason = row.abstain if isinstance(row.abstain, str) else None
    # A count of a few is scored by what the log's own rate makes likely: no score tells more.
    within = reason == "privacy" and bool(np.isfinite(row.lo) and np.isfinite(row.hi))
    if within:
        raw = (float(row.lo) + float(row.hi)) / 2 if column is None else float(column.mean())
        reason = None
    if reason is None and not np.isfinite(raw):
        reason = "unidentified"
    if reason is not None:
        raw = float("nan")
    if reason is not None:
        draws = _unknown(size)
    elif column is None:  # declared, or brought along: taken as known exactly
        draws = np.full(size, raw)
    else:
        draws = np.array(column, dtype=np.float64)
    return Observation(
        raw=raw,
        lo=raw if pd.isna(row.lo) else float(row.lo),
        hi=raw if pd.isna(row.hi) else float(row.hi),
        unit=str(row.unit),
        n_customers=int(row.n_customers),
        grade=str(row.grade),
        missing=reason,
        draws=draws,
        source=str(getattr(row, "source", "")),
        within=within,
    )


def _declared(risk: float, seen: Mapping[str, Observation], size: int) -> Observation:
    customers = max((one.n_customers for one in seen.values()), default=0)
    draws = np.full(size, risk)
    source = text("judge.declared_stakes")
    return Observation(risk, risk, risk, "share", customers, "D", None, draws, source)


def _stakes(moments: pd.DataFrame, size: int) -> Observation | None:
    """Return the effect that is at least at stake; None where no effect was estimated.

    The lower bound is the cautious figure already, so it has no draws of its own. Where every
    interval holds 0 and one of them reaches `MUCH`, nothing is known of the stakes: undecided is
    not nothing. The observation is missing then, and its draws lie evenly between nothing and
    `reach`, so that the score has an interval in place of a point's certainty.
    """
    reach = 0.0
    strongest: Observation | None = None
    for effect, grade in zip(moments["effect"], moments["grade"], strict=True):
        if not isinstance(effect, Estimate) or effect.unit != "share":
            continue
        if effect.value is None or effect.lo is None or effect.hi is None:
            continue
        least = max(effect.lo, -effect.hi, 0.0)
        most = max(abs(effect.lo), abs(effect.hi))
        reach = max(reach, most)
        if strongest is None or least > strongest.raw:
            n, draws = effect.n_customers, np.full(size, least)
            strongest = Observation(least, least, most, "share", n, str(grade), None, draws)
    if strongest is not None and strongest.raw == 0 and reach >= MUCH:
        n, evenly = strongest.n_customers, (np.arange(size) + 0.5) / size
        draws = np.random.default_rng(SEED).permutation(reach * evenly)
        return Observation(
            float("nan"), 0.0, reach, "share", n, strongest.grade, "ci_too_wide", draws
        )
    return strongest
