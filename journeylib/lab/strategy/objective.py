"""The objective: reached, on the way, moving away, or cannot be told."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from journeylib.core import number, rounded, text
from journeylib.lab.settings import Cost, Objective

ObjectiveState = Literal["reached", "on_the_way", "moving_away", "cannot_be_told"]
FEWEST_POINTS = 3  # runs that a pace needs


@dataclass(frozen=True)
class Value:
    """A figure of an audit: with its interval where it has one; `value` None where it abstains."""

    value: float | None
    lo: float | None = None
    hi: float | None = None


@dataclass(frozen=True)
class Pace:
    """Change a week over the kept runs, with its 95 % interval."""

    slope: float
    lo: float
    hi: float
    weeks: float


@dataclass(frozen=True)
class ObjectiveReport:
    """Where the objective stands.

    Attributes
    ----------
    state : {"reached", "on_the_way", "moving_away", "cannot_be_told"}
    texts : tuple of str
    pace : Pace or None
    broken : tuple of str
        Measures at whose cost it is reached.
    """

    state: ObjectiveState
    texts: tuple[str, ...]
    pace: Pace | None
    broken: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        pace = self.pace
        return {
            "state": self.state,
            "texts": list(self.texts),
            "broken": list(self.broken),
            "pace": None
            if pace is None
            else {name: rounded(getattr(pace, name)) for name in ("slope", "lo", "hi", "weeks")},
        }


def report_objective(
    objective: Objective,
    value: Value,
    costs: Sequence[tuple[Cost, Value]],
    runs: Sequence[tuple[dt.date, float]],
) -> ObjectiveReport:
    """Say where the objective stands.

    Parameters
    ----------
    objective : Objective
    value : Value
        Of its measure in this run.
    costs : sequence of (Cost, Value)
    runs : sequence of (datetime.date, float)
        As-of day and measure of the kept runs, this one last.

    Notes
    -----
    Reached: the whole interval is at or beyond the goal. Moving away: the whole interval is
    before the beginning. On the way: the whole interval is beyond the beginning. Else the
    interval still holds the beginning, and nothing can be told.
    """
    state, sentence = _state(objective, value)
    broken, texts = [], [sentence]
    for cost, figure in costs:
        answer = _cost(cost, figure)
        if answer:
            texts.append(answer[1])
            broken += [cost.measure] if answer[0] else []
    speed = pace(runs)
    if speed is not None:
        texts.append(
            text(
                "lab.objective.pace",
                slope=_signed(speed.slope),
                lo=_signed(speed.lo),
                hi=_signed(speed.hi),
            )
        )
        if state != "reached" and value.value is not None:
            texts.append(_forecast(objective, value.value, speed, runs[-1][0]))
    return ObjectiveReport(state, tuple(texts), speed, tuple(broken))


def _state(objective: Objective, value: Value) -> tuple[ObjectiveState, str]:
    words = {
        "measure": objective.measure,
        "begin": number(objective.begin),
        "goal": number(objective.goal),
        "by": objective.by.isoformat(),
        "value": number(value.value),
    }
    if value.value is None:
        why = text("lab.objective.missing", **words)
        return "cannot_be_told", text("lab.objective.cannot_be_told", why=why)
    sign = 1 if objective.goal > objective.begin else -1
    lo = value.value if value.lo is None else value.lo
    hi = value.value if value.hi is None else value.hi
    near, far = sorted((sign * lo, sign * hi))
    begin, goal = sign * objective.begin, sign * objective.goal
    if near >= goal:
        return "reached", text("lab.objective.reached", **words)
    if near > begin:
        return "on_the_way", text("lab.objective.on_the_way", **words)
    if far < begin:
        return "moving_away", text("lab.objective.moving_away", **words)
    why = text("lab.objective.within", **words)
    return "cannot_be_told", text("lab.objective.cannot_be_told", why=why)


def _cost(cost: Cost, measured: Value) -> tuple[bool, str] | None:
    if measured.value is None:
        return False, text("lab.objective.unread", measure=cost.measure)
    for bound, beyond in (
        (cost.min, cost.min is not None and measured.value < cost.min),
        (cost.max, cost.max is not None and measured.value > cost.max),
    ):
        if beyond:
            return True, text(
                "lab.objective.broken",
                measure=cost.measure,
                value=number(measured.value),
                bound=number(bound),
            )
    return None


def pace(runs: Sequence[tuple[dt.date, float]]) -> Pace | None:
    """Return the change a week over runs by least squares; None below three runs.

    Examples
    --------
    >>> days = [dt.date(2026, 1, 5) + dt.timedelta(weeks=week) for week in range(4)]
    >>> found = pace(list(zip(days, [0.50, 0.52, 0.54, 0.56])))
    >>> round(found.slope, 4), found.weeks
    (0.02, 3.0)
    """
    if len(runs) < FEWEST_POINTS:
        return None
    x = np.array([(day - runs[0][0]).days / 7 for day, _value in runs])
    y = np.array([value for _day, value in runs])
    if np.ptp(x) == 0:
        return None
    from scipy import stats

    fit = stats.linregress(x, y)
    half = float(stats.t.ppf(0.975, len(runs) - 2) * fit.stderr)
    slope = float(fit.slope)
    return Pace(slope, slope - half, slope + half, float(np.ptp(x)))


def _forecast(objective: Objective, value: float, speed: Pace, today: dt.date) -> str:
    left = objective.goal - value
    weeks = left / speed.slope if speed.slope * left > 0 else math.inf
    if not math.isfinite(weeks) or today + dt.timedelta(weeks=min(weeks, 5000)) > objective.by:
        return text("lab.objective.late", by=objective.by.isoformat())
    if weeks > speed.weeks:
        return text("lab.objective.too_far", weeks=number(speed.weeks, 0))
    return text("lab.objective.arrives", date=(today + dt.timedelta(weeks=weeks)).isoformat())


def _signed(value: float) -> str:
    words = number(float(f"{value:.2g}"))
    return f"+{words}" if value > 0 else words
