"""The two axes: one score at one touchpoint, and whether a log tells the axes apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from journeylib.core import LEVEL, Floats
from journeylib.judge.scorecard.observations import NOT_TAKEN, Observation
from journeylib.judge.scorecard.value_functions import AxisScore, axis_score, value_of
from journeylib.judge.settings import Axis, JudgeSettings, OfficeEffect

MIN_TOUCHPOINTS = 4
# By who serves: a request for a human where one serves; work to take over where none does.
CANNOT_EXIST: dict[str, tuple[str, ...]] = {
    "human": ("human_request",),
    "bot": ("load", "saving"),
}


def score_axis(
    axis: Axis,
    seen: Mapping[str, Observation],
    settings: JudgeSettings,
    effect: OfficeEffect | None = None,
    served_by: str | None = None,
) -> AxisScore:
    """Score one axis at one touchpoint from what was observed there.

    What cannot exist there is left out rather than counted as missing or as zero: a request for
    a human where a human serves, minutes of humans where a bot serves alone, and words of
    customers at a back office, unless some were heard.
    """
    unheard = effect.no_customer_voice if effect is not None else ()
    cannot = CANNOT_EXIST.get(served_by or "", ())
    used = {
        name: indicator
        for name, indicator in settings.indicators(axis).items()
        if name not in cannot and (name not in unheard or seen.get(name, NOT_TAKEN).missing is None)
    }
    observed = [seen.get(name, NOT_TAKEN) for name in used]
    drawn = {
        row: np.append(o.draws, o.raw)
        for row, o in enumerate(observed)
        if o.missing is None or np.isfinite(o.draws).any()
    }
    values = np.full((len(used), max(map(len, drawn.values()), default=2)), np.nan)
    for row, indicator in enumerate(used.values()):
        if row in drawn:
            values[row] = value_of(indicator, drawn[row])
    return axis_score(
        tuple(used),
        np.array([indicator.weight for indicator in used.values()]),
        values[:, -1],
        values[:, :-1],
        min_coverage=settings.min_coverage,
    )


def axis_correlation(
    pairs: list[tuple[AxisScore, AxisScore]], settings: JudgeSettings
) -> dict[str, Any]:
    """Ask whether the two axes tell the touchpoints of this log apart in two ways or in one.

    Parameters
    ----------
    pairs : list of (AxisScore, AxisScore)
        Automation fit and empathy need of each touchpoint.

    Returns
    -------
    dict
        `rho` (Pearson, over touchpoints), `lo`, `hi` (over resamples of customers), all None
        where fewer than four touchpoints are scored; `touchpoints` (int); `distinguishable`
        (False where the size of `rho` exceeds the limit: draw no quadrant then).
    """
    scored = [(a, e) for a, e in pairs if a.scored and e.scored]
    nothing = {"rho": None, "lo": None, "hi": None}
    if len(scored) < MIN_TOUCHPOINTS:
        return {**nothing, "touchpoints": len(scored), "distinguishable": True}
    points = np.array([[a.value, e.value] for a, e in scored])
    rho = _correlation(points[None, :, 0], points[None, :, 1])[0]
    if not np.isfinite(rho):
        return {**nothing, "touchpoints": len(scored), "distinguishable": True}
    fits, needs = (np.stack([pair[side].draws for pair in scored], axis=1) for side in (0, 1))
    draws = _correlation(fits, needs)
    draws = draws[np.isfinite(draws)]
    tail = (1 - LEVEL) / 2
    lo, hi = np.quantile(draws, [tail, 1 - tail]) if len(draws) else (rho, rho)
    return {
        "rho": float(rho),
        "lo": min(float(lo), float(rho)),
        "hi": max(float(hi), float(rho)),
        "touchpoints": len(scored),
        "distinguishable": bool(abs(rho) <= settings.max_axis_correlation),
    }


def _correlation(x: Floats, y: Floats) -> Floats:
    """Pearson's correlation along the last axis; NaN where one side does not vary."""
    dx, dy = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    size = np.sqrt((dx**2).sum(axis=-1) * (dy**2).sum(axis=-1))
    with np.errstate(invalid="ignore"):
        return np.asarray(
            np.where(size > 1e-9, (dx * dy).sum(axis=-1) / np.where(size > 1e-9, size, 1), np.nan)
        )
