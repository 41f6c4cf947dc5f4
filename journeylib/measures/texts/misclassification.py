"""Correcting: what customers say at each touchpoint, without the mistakes of the detectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from journeylib.core import DRAWS, SEED, AbstainReason, Estimate, Floats, Resampled
from journeylib.journeys import Journeys, number_pairs
from journeylib.measures.measured import Measured
from journeylib.measures.texts.detector_accuracy import MIN_LABELLED, DetectorCheck, rogan_gladen
from journeylib.measures.texts.language_reach import texts_of_customers

CORRECTED = ("human_request", "negative")
Z = 1.959964
LEAST_INFORMED = 0.05  # of a draw: the point itself needs `MIN_INFORMED` − 1


def without_mistakes(
    journeys: Journeys, measured: Sequence[Measured], checks: Sequence[DetectorCheck]
) -> list[Measured]:
    """Correct the measures that rest on a detector that labelled turns have judged.

    Parameters
    ----------
    journeys : Journeys
    measured : sequence of Measured
    checks : sequence of DetectorCheck
        Empty where no turns are labelled.

    Returns
    -------
    list of Measured
        In the same order. Point, interval and draws of `CORRECTED` are corrected, and carry the
        uncertainty of sensitivity and specificity; where these add up to less than 1.3 the
        measure abstains with ``unidentified``. Where too few turns are labelled it stays as
        detected. `source` says which.

    Notes
    -----
    Rogan and Gladen (1978). ``negative`` is a mean of shares of turns, so the turns' own
    sensitivity and specificity hold. ``human_request`` is a share of journeys, and the detector
    has as many chances to err as the customer had turns there: of a journey with k turns the
    specificity is spᵏ, and the sensitivity 1 − (1 − se)·spᵏ⁻¹, where one turn of those asks and
    turns are misheard independently. Both are averaged over the journeys of the touchpoint.
    """
    by_name = {check.detector: check for check in checks}
    result = []
    for one in measured:
        check = by_name.get(one.measure) if one.measure in CORRECTED else None
        # Where the log brings scores of its own, no detector of ours was at work.
        if check is None or check.prevalence.abstain is not None:
            result.append(one)
        elif check.recall.value is None or check.specificity.value is None:
            why = f"as detected: fewer than {MIN_LABELLED} turns are labelled"
            if check.n >= MIN_LABELLED:
                why = "as detected: the labels are all of one kind"
            result.append(replace(one, source=f"{one.source}; {why}"))
        else:
            turns = None if one.measure == "negative" else _turns(journeys)
            result.append(_corrected(one, check, turns))
    return result


def _turns(journeys: Journeys) -> pd.DataFrame:
    """Count journeys by ``touchpoint_no`` and ``k``, the number of customers' texts there."""
    events, has_text = journeys.events, texts_of_customers(journeys)
    cell, keys = number_pairs(
        np.where(has_text, events.journey, -1), events.touchpoint, events.touchpoints
    )
    table = pd.DataFrame(
        {
            "touchpoint_no": keys % events.touchpoints,
            "k": np.bincount(cell[has_text], minlength=len(keys)),
        }
    )
    return table.groupby(["touchpoint_no", "k"]).size().rename("n").reset_index()


def _corrected(one: Measured, check: DetectorCheck, turns: pd.DataFrame | None) -> Measured:
    m = len(one.abstain)
    rng = np.random.default_rng([SEED, CORRECTED.index(one.measure)])
    se, sp = (_drawn(part, rng) for part in (check.recall, check.specificity))
    value, error, lo, hi = (np.full(m, np.nan) for _spot in range(4))
    draws = np.full((DRAWS, m), np.nan)
    abstain: list[AbstainReason | None] = list(one.abstain)
    for touchpoint in range(m):
        if abstain[touchpoint] is not None:
            continue
        share = _shares(turns, touchpoint)
        estimate = rogan_gladen(_apparent(one, touchpoint), *_by_journey(check, share))
        if estimate.value is None or estimate.lo is None or estimate.hi is None:
            abstain[touchpoint] = estimate.abstain
            continue
        value[touchpoint], lo[touchpoint], hi[touchpoint] = estimate.value, estimate.lo, estimate.hi
        error[touchpoint] = (estimate.hi - estimate.lo) / (2 * Z)
        hits, rest = _sensitivity(se, sp, share), _specificity(sp, share)
        informed = np.maximum(hits + rest - 1, LEAST_INFORMED)
        apparent = one.resampled.draws[:, touchpoint]
        draws[:, touchpoint] = np.clip((apparent + rest - 1) / informed, 0.0, 1.0)
    method = f"corrected for the detector's mistakes on {check.n:,} labelled turns"
    return replace(
        one,
        resampled=Resampled(value, error, lo, hi, draws),
        abstain=tuple(abstain),
        hits=None,  # a corrected share counts nothing
        source=f"{one.source}; {method}",
    )


def _apparent(one: Measured, no: int) -> Estimate:
    resampled = one.resampled
    return Estimate(
        float(resampled.value[no]), one.unit, float(resampled.lo[no]), float(resampled.hi[no])
    )


def _shares(turns: pd.DataFrame | None, touchpoint: int) -> pd.Series[float]:
    """Return the share of journeys by number of turns; one turn each where turns are counted."""
    if turns is None:
        return pd.Series([1.0], index=[1])
    here = turns[turns["touchpoint_no"] == touchpoint].set_index("k")["n"].astype("float64")
    return here / here.sum()


def _sensitivity(se: Floats, sp: Floats, share: pd.Series[float]) -> Floats:
    missed = sum(part * sp ** (k - 1) for k, part in zip(share.index, share, strict=True))
    return np.asarray(1 - (1 - se) * missed, dtype=np.float64)


def _specificity(sp: Floats, share: pd.Series[float]) -> Floats:
    return np.asarray(
        sum(part * sp**k for k, part in zip(share.index, share, strict=True)), dtype=np.float64
    )


def _by_journey(check: DetectorCheck, share: pd.Series[float]) -> tuple[Estimate, Estimate]:
    """Return sensitivity and specificity of journeys, each with the ends of its own interval."""
    se, sp = (
        np.array([part.value, part.lo, part.hi], dtype=np.float64)
        for part in (check.recall, check.specificity)
    )
    hits, rest = _sensitivity(se, np.full(3, sp[0]), share), _specificity(sp, share)
    both = (Estimate(float(a), "share", float(b), float(c)) for a, b, c in (hits, rest))
    sensitivity, specificity = both
    return sensitivity, specificity


def _drawn(part: Estimate, rng: np.random.Generator) -> Floats:
    """Draw a share from its interval, each side as wide as it is."""
    value, lo, hi = (float(end or 0.0) for end in (part.value, part.lo, part.hi))
    z = rng.standard_normal(DRAWS)
    wide = np.where(z > 0, hi - value, value - lo) / Z
    return np.clip(value + wide * z, 0.0, 1.0)
