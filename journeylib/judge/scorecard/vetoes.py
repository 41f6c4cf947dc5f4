"""What stands in the way of automation whatever the scores say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from journeylib.core import Estimate
from journeylib.judge.scorecard.observations import Observation
from journeylib.judge.scorecard.value_functions import AxisScore
from journeylib.judge.scorecard.verdict import Vetoes
from journeylib.judge.settings import Axis, JudgeSettings
from journeylib.measures import Handoffs


@dataclass(frozen=True)
class Case:
    """One touchpoint: its counts, what was observed there, and its two scores."""

    place: Mapping[str, Any]
    seen: Mapping[str, Observation]
    fit: AxisScore
    need: AxisScore
    empathy_binds: bool

    @property
    def axes(self) -> tuple[tuple[Axis, AxisScore], ...]:
        """Both axes by name."""
        return ("automation_fit", self.fit), ("empathy_need", self.need)

    @property
    def scored(self) -> bool:
        """Whether both axes have enough evidence for a point."""
        return self.fit.scored and self.need.scored


def vetoes_of(
    case: Case,
    settings: JudgeSettings,
    handoffs: Handoffs | None,
    moments: pd.DataFrame | None,
) -> Vetoes:
    """Return the vetoes at one touchpoint.

    Notes
    -----
    All limits of 'fix first' look at the lower bound: a step is called broken on firm
    evidence only. With the upper bound, a step seen rarely would be called broken for being
    rare. A way to a human whose working the log cannot show is no veto, but a reason says so.
    """
    touchpoint, seen, need = str(case.place["touchpoint"]), case.seen, case.need
    names = []
    if touchpoint in settings.legally_human:
        names.append("legally_human")
    if case.empathy_binds:
        vulnerable = seen.get("vulnerable")
        if vulnerable is not None and vulnerable.lo > settings.veto_vulnerable:
            names.append("vulnerable")
        if need.value >= settings.empathy_high and need.lo >= settings.veto_empathy_lower:
            names.append("high_empathy")
        if moments is not None and _loses_more(touchpoint, moments, settings):
            names.append("moment_of_truth")
        if settings.require_escape_hatch and hatch_fails(touchpoint, handoffs, settings):
            names.append("no_escape_hatch")
    broken = tuple(
        measure
        for measure, limit in settings.fix_limits.items()
        if measure in seen and seen[measure].lo > limit
    )
    return Vetoes(tuple(names), broken, case.empathy_binds)


def hatch_fails(touchpoint: str, handoffs: Handoffs | None, settings: JudgeSettings) -> bool:
    """Whether the log shows that customers cannot get from here to a human."""
    if handoffs is None:
        return False
    honoured = handoffs.requests_honoured
    rarely = honoured.hi is not None and honoured.hi < settings.min_honoured
    return rarely or touchpoint in handoffs.dead_ends


def hatch_unknown(handoffs: Handoffs | None) -> bool:
    """Whether the log cannot show if requests for a human are honoured."""
    return handoffs is None or handoffs.requests_honoured.lo is None


def _loses_more(touchpoint: str, moments: pd.DataFrame, settings: JudgeSettings) -> bool:
    """Whether a confirmed moment of truth surely loses more when bad than it wins when good."""
    if "asymmetry" not in moments:
        return False
    confirmed = moments[(moments["touchpoint"] == touchpoint) & moments["is_moment"].astype(bool)]
    return any(
        isinstance(ratio, Estimate) and ratio.lo is not None and ratio.lo > settings.veto_asymmetry
        for ratio in confirmed["asymmetry"]
    )
