"""What a visit changes, by designs in which a visit counts only from when it happened.

A customer who visits on day 20 has stayed for 20 days before. Comparing "ever visited" with
"never visited" credits those days to the visit (immortal time) and makes any touchpoint look
as if it kept people; that comparison is refused here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import ConfigError, Estimate, Floats, RunError, did_you_mean
from journeylib.judge.estimation.design_matrix import Bools, design_matrix

DESIGNS = ("start_stop", "landmark")
MIN_EVENTS = 30
STEPS = 1_000
REFUSED = (
    "an 'ever visited' comparison is refused: whoever visits late has stayed until then, so the "
    "visit is credited with time that came before it (immortal time bias). Use design="
    "'start_stop' (a visit counts from its day on) or design='landmark' (all who are still "
    "there on one day, by what they had visited by then)"
)


def presence_effect(
    stay: npt.ArrayLike,
    left: npt.ArrayLike,
    visit: npt.ArrayLike,
    *,
    design: str = "start_stop",
    landmark: float | None = None,
    X: pd.DataFrame | Floats | None = None,
) -> Estimate:
    """Estimate how a visit goes with the hazard of leaving afterwards.

    Parameters
    ----------
    stay : array of float, shape (n,)
        Days from each customer's start to leaving or to the end of observation; one row per
        customer.
    left : array of bool, shape (n,)
        Whether the customer left (else still there: censored).
    visit : array of float, shape (n,)
        Days from start to the first visit; NaN where there was none.
    design : {"start_stop", "landmark"}
        ``"start_stop"``: time-varying Cox model, each customer unexposed before the visit and
        exposed after it. ``"landmark"``: customers still there at `landmark`, exposed if they
        had visited by then, followed from then on.
    landmark : float, optional
        Day of the landmark, for that design.
    X : DataFrame or ndarray, n rows, optional
        Covariates known at the start; an array as of `design_matrix`.

    Returns
    -------
    Estimate
        Hazard ratio, unit ``"hazard ratio"``; below 1 where visitors leave later. Grade C: who
        visits is chosen by the customer. Abstains with ``n_small`` below 30 leavers in either
        state, with ``no_overlap`` where nobody, or everybody, visits, and with
        ``unidentified`` where a visit all but decides who leaves.

    Raises
    ------
    ConfigError
        For an ``"ever"`` comparison, with the reason; for an unknown design or a landmark
        that is missing.
    RunError
        Where the columns differ in length, or a time is missing or negative.

    Notes
    -----
    Suissa (2008), American Journal of Epidemiology 167, 492–499, on immortal time;
    Anderson, Cain and Gelber (1983), Journal of Clinical Oncology 1, 710–719, on landmarks.
    """
    _check_design(design, landmark)
    days, exits, seen = _columns(stay, left, visit)
    given = np.zeros((len(days), 0)) if X is None else X
    covariates = design_matrix(given) if isinstance(given, pd.DataFrame) else given
    if landmark is None or design == "start_stop":
        return _start_stop(days, exits, seen, covariates)
    return _landmark(days, exits, seen, covariates, landmark)


def _check_design(design: str, landmark: float | None) -> None:
    if design.startswith("ever"):
        raise ConfigError(REFUSED)
    if design not in DESIGNS:
        raise ConfigError(
            f"unknown design '{design}'.{did_you_mean(design, DESIGNS)} "
            f"Designs: {', '.join(DESIGNS)}"
        )
    if design == "landmark" and not (landmark is not None and landmark > 0):
        raise ConfigError("design='landmark' needs landmark=, a day after the start")


def _columns(
    stay: npt.ArrayLike, left: npt.ArrayLike, visit: npt.ArrayLike
) -> tuple[Floats, Bools, Floats]:
    days = np.asarray(stay, dtype=np.float64)
    exits = np.asarray(left).astype(bool)
    seen = np.asarray(visit, dtype=np.float64)
    if not len(days) == len(exits) == len(seen):
        raise RunError(
            f"stay, left and visit differ in length: {len(days)}, {len(exits)}, {len(seen)}"
        )
    wrong = int((~(days >= 0)).sum() + (seen < 0).sum())
    if wrong:
        raise RunError(f"{wrong} times are missing or negative; leave those customers out first")
    return _coarse(days, exits, seen)


def _coarse(days: Floats, exits: Bools, seen: Floats) -> tuple[Floats, Bools, Floats]:
    """Put many distinct times on a grid of `STEPS`, as the Cox model walks through each of them.

    Ends are rounded up and visits down: who leaves right after a visit leaves after it.
    """
    if len(np.unique(days[exits])) <= STEPS:
        return days, exits, seen
    step = float(days.max()) / STEPS
    return np.ceil(days / step) * step, exits, np.floor(seen / step) * step


def _start_stop(days: Floats, exits: Bools, seen: Floats, X: Floats) -> Estimate:
    """Split the stay of each visitor at the visit."""
    visits = seen < days  # false for NaN: never visited
    at_start = visits & (seen == 0)
    before = ~at_start
    entry = np.concatenate([np.zeros(before.sum()), seen[visits]])
    stop = np.concatenate([np.where(visits, seen, days)[before], days[visits]])
    event = np.concatenate([(exits & ~visits)[before], exits[visits]])
    exposed = np.concatenate([np.zeros(before.sum()), np.ones(visits.sum())])
    rows = np.concatenate([X[before], X[visits]])
    moving = stop > entry
    spans = _Spans(entry, stop, event, exposed, rows).where(moving)
    return _cox(spans, len(days), "time-varying Cox model, start–stop rows")


def _landmark(days: Floats, exits: Bools, seen: Floats, X: Floats, day: float) -> Estimate:
    """Follow those who are still there from the landmark on."""
    at_risk = days > day
    exposed = (seen <= day).astype(np.float64)
    spans = _Spans(np.zeros(len(days)), days - day, exits, exposed, X).where(at_risk)
    return _cox(spans, int(at_risk.sum()), f"Cox model from a landmark at day {day:g}")


@dataclass(frozen=True)
class _Spans:
    """Times at risk, row by row: a customer has one before and one after the visit."""

    entry: Floats
    stop: Floats
    event: Bools
    exposed: Floats
    X: Floats

    def where(self, rows: npt.NDArray[Any]) -> _Spans:
        """Return the rows named, in their order."""
        columns = (self.entry, self.stop, self.event, self.exposed, self.X)
        return _Spans(*(column[rows] for column in columns))


def _cox(spans: _Spans, n_customers: int, method: str) -> Estimate:
    from scipy import special
    from statsmodels.duration.hazard_regression import PHReg

    fields: dict[str, Any] = {
        "n_customers": n_customers,
        "n_events": int(spans.event.sum()),
        "estimand": "hazard of leaving after a visit over the hazard without one",
        "method": method,
        "assumptions": ("visits are not made because the customer is about to leave or to stay",),
    }
    if spans.exposed.min(initial=1) == spans.exposed.max(initial=0):
        return Estimate.none("no_overlap", "hazard ratio", **fields)
    arms = [spans.where(spans.exposed == arm) for arm in (1, 0)]
    if min(arm.event.sum() for arm in arms) < MIN_EVENTS:
        return Estimate.none("n_small", "hazard ratio", **fields)
    # Order by time: sums of floats, so the last digits, then do not depend on row order.
    rows = spans.where(np.lexsort((spans.exposed, spans.event, spans.entry, spans.stop)))
    design = np.column_stack([rows.exposed, rows.X])
    # At risk after the entry: statsmodels counts from it on, so a visitor twice that day.
    entry = np.nextafter(rows.entry, np.inf)
    model = PHReg(rows.stop, design, status=rows.event, entry=entry, ties="breslow")
    # From the crude ratio, not from 1: the first Newton step from far away can leave the numbers.
    crude = [arm.event.sum() / float((arm.stop - arm.entry).sum()) for arm in arms]
    start = np.zeros(design.shape[1])
    start[0] = np.log(crude[0] / crude[1])
    # Where a visit all but decides who leaves, the risk sums cancel to 0 and the fit is no number.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        fit = model.fit(start_params=start)
    log_ratio, se = float(fit.params[0]), float(fit.bse[0])
    if not (np.isfinite(log_ratio) and np.isfinite(se)):
        return Estimate.none("unidentified", "hazard ratio", **fields)
    z = float(special.ndtri(0.975))
    return Estimate(
        value=float(np.exp(log_ratio)),
        unit="hazard ratio",
        lo=float(np.exp(log_ratio - z * se)),
        hi=float(np.exp(log_ratio + z * se)),
        grade="C",
        **fields,
    )
