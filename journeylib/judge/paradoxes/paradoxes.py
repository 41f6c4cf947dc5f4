"""Six paradoxes of bots in service: a benefit and its cost, side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from journeylib.core import AbstainReason, Estimate, abstain_text, estimate_text, text
from journeylib.journeys import Journeys
from journeylib.judge.estimation.figures import rounded_alike, threshold_text
from journeylib.judge.paradoxes.benefit_and_cost import (
    better_resolution,
    cheaper_contact,
    connected,
    dearer_resolution,
    frustrated,
    isolated,
    satisfied,
    weaker_recovery,
)
from journeylib.judge.paradoxes.contacts import find_contacts
from journeylib.judge.paradoxes.context import ParadoxContext, Side
from journeylib.judge.paradoxes.data_and_dependence import (
    intrusive,
    personalised,
    powerful,
    vulnerable,
)
from journeylib.judge.paradoxes.supporting_figures import (
    supporting_connected,
    supporting_personalised,
    supporting_powerful,
    supporting_quality,
    supporting_satisfied,
)
from journeylib.judge.settings import ParadoxSettings
from journeylib.measures import Handoffs, MeasureSettings, Scores, customer_scores

Name = Literal[
    "connected_isolated",
    "lower_cost_higher_price",
    "quality_less_empathy",
    "satisfied_frustrated",
    "personalised_intrusive",
    "powerful_vulnerable",
]
State = Literal["active", "benefit_only", "cost_only", "none", "not_measurable"]


@dataclass(frozen=True)
class Paradox:
    """One paradox of a log.

    Attributes
    ----------
    name : str
    state : str
        ``active``: benefit and cost are both there; ``benefit_only``, ``cost_only``: one is and
        the other is not shown; ``none``: neither is shown; ``not_measurable``: a side abstains.
    benefit, cost : Estimate
    reasons : tuple of str
        One sentence for each side, and one for what follows.
    supporting : dict of str to Estimate
        Figures that explain a side and decide no state; see `supporting_figures`.
    """

    name: Name
    state: State
    benefit: Estimate
    cost: Estimate
    reasons: tuple[str, ...]
    supporting: dict[str, Estimate] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Both sides in words."""
        return text(f"paradox.{self.name}")

    def to_dict(self) -> dict[str, Any]:
        """Return the form that `audit.json` holds."""
        return {
            "name": self.name,
            "state": self.state,
            "benefit": self.benefit.to_dict(),
            "cost": self.cost.to_dict(),
            "beside": {name: figure.to_dict() for name, figure in self.supporting.items()},
        }


@dataclass(frozen=True)
class Indicator:
    """One side of a paradox: how it is measured, and from where it counts.

    Attributes
    ----------
    measure : callable
    threshold : str
        Name of the setting; the catalogue has its label under ``judge.side``.
    falls : bool
        It counts from the threshold downwards.
    compared : str
        ``"share_points"`` or ``"percent"`` where it is a difference and has a sign; else empty.
    """

    measure: Callable[[ParadoxContext], Side]
    threshold: str
    falls: bool = False
    compared: str = ""


PARADOXES: dict[Name, tuple[Indicator, Indicator]] = {
    "connected_isolated": (
        Indicator(connected, "connected", compared="share_points"),
        Indicator(isolated, "isolated"),
    ),
    "lower_cost_higher_price": (
        Indicator(cheaper_contact, "cheaper_contact", falls=True, compared="percent"),
        Indicator(dearer_resolution, "dearer_resolution", compared="percent"),
    ),
    "quality_less_empathy": (
        Indicator(better_resolution, "better_resolution", compared="share_points"),
        Indicator(weaker_recovery, "weaker_recovery", falls=True, compared="percent"),
    ),
    "satisfied_frustrated": (
        Indicator(satisfied, "csat_target"),
        Indicator(frustrated, "frustrated"),
    ),
    "personalised_intrusive": (
        Indicator(personalised, "personalised", compared="share_points"),
        Indicator(intrusive, "intrusive"),
    ),
    "powerful_vulnerable": (
        Indicator(powerful, "powerful"),
        Indicator(vulnerable, "vulnerable"),
    ),
}
SUPPORTING: dict[Name, Callable[[ParadoxContext], dict[str, Estimate]]] = {
    "connected_isolated": supporting_connected,
    "quality_less_empathy": supporting_quality,
    "satisfied_frustrated": supporting_satisfied,
    "personalised_intrusive": supporting_personalised,
    "powerful_vulnerable": supporting_powerful,
}


def paradoxes(
    journeys: Journeys,
    settings: ParadoxSettings | None = None,
    *,
    measures: MeasureSettings | None = None,
    handoffs: Handoffs | None = None,
    scores: Scores | AbstainReason | None = None,
) -> tuple[Paradox, ...]:
    """Ask of each of six paradoxes whether it is there in a log.

    Parameters
    ----------
    journeys : Journeys
    settings : ParadoxSettings, optional
    measures : MeasureSettings, optional
        What a session and a repeat contact is, and the minimum of customers.
    handoffs : Handoffs, optional
        The hand-off audit. Without it nobody is seen to leave a bot in frustration.
    scores : Scores or str, optional
        `Evidence.turn_scores`; scored anew without it.

    Returns
    -------
    tuple of Paradox
        Always six, in the order of `PARADOXES`.

    Raises
    ------
    ConfigError
        If ``personal_data`` or ``corrected`` names a column that the log does not have.

    Notes
    -----
    The pairs are those of Ferraro et al. (2024), Business Horizons. A side counts where its
    whole interval lies at or beyond the threshold and excludes zero. All figures go with bots
    or people (grade C): who gets which is not random, and only the intent is matched.
    """
    settings = settings or ParadoxSettings()
    context = context_of(journeys, settings, measures=measures, handoffs=handoffs, scores=scores)
    return tuple(paradox_of(name, context, settings) for name in PARADOXES)


def context_of(
    journeys: Journeys,
    settings: ParadoxSettings,
    *,
    measures: MeasureSettings | None = None,
    handoffs: Handoffs | None = None,
    scores: Scores | AbstainReason | None = None,
) -> ParadoxContext | None:
    """Return what every side is measured on; None in a log without actors."""
    if not journeys.has("actor"):
        return None
    measures = measures or MeasureSettings()
    scores = customer_scores(journeys) if scores is None else scores
    sessions = None if handoffs is None else handoffs.session_table
    contacts = find_contacts(journeys, sessions, settings, measures)
    return ParadoxContext(journeys, contacts, sessions, scores, settings, measures)


def paradox_of(name: Name, context: ParadoxContext | None, settings: ParadoxSettings) -> Paradox:
    """Measure both sides of one paradox; without a context, the log has no actors."""
    sides, both, reasons = [], [], []
    for indicator in PARADOXES[name]:
        threshold = getattr(settings, indicator.threshold)
        side = (
            Side(Estimate.none("no_column", "share", estimand=_label(indicator)), "actor")
            if context is None
            else indicator.measure(context)
        )
        sides.append(side.estimate)
        both.append(reached(side.estimate, threshold, indicator.falls))
        reasons.append(sentence(indicator, side, threshold))
    state = state_of(*both)
    if name == "powerful_vulnerable":
        day = settings.fallback_tested
        key = "never" if day is None else "on"
        reasons.append(text(f"judge.fallback.{key}", day="" if day is None else day.isoformat()))
    supporting = SUPPORTING[name](context) if context is not None and name in SUPPORTING else {}
    reasons.append(text(f"judge.paradox_state.{state}"))
    return Paradox(name, state, sides[0], sides[1], tuple(reasons), supporting)


def reached(estimate: Estimate, threshold: float, falls: bool = False) -> bool | None:
    """Return whether the whole interval is at or beyond the threshold and excludes zero.

    Returns
    -------
    bool or None
        None where the estimate abstains.

    Examples
    --------
    >>> reached(Estimate(0.08, "share", 0.05, 0.11), 0.05)
    True
    >>> reached(Estimate(0.08, "share", 0.04, 0.12), 0.05)
    False
    >>> reached(Estimate(0.0, "share", 0.0, 0.0), 0.0)
    False
    """
    if estimate.lo is None or estimate.hi is None:
        return None
    if falls:
        return estimate.hi <= threshold and estimate.hi < 0
    return estimate.lo >= threshold and estimate.lo > 0


def state_of(benefit: bool | None, cost: bool | None) -> State:
    """Return the state of a paradox from whether each of its sides is there."""
    if benefit is None or cost is None:
        return "not_measurable"
    if benefit and cost:
        return "active"
    if benefit:
        return "benefit_only"
    return "cost_only" if cost else "none"


def sentence(indicator: Indicator, side: Side, threshold: float) -> str:
    """Return one sentence on one side of a paradox, with its number or what the log lacks."""
    estimate, label = side.estimate, _label(indicator)
    if estimate.value is None and estimate.hi is not None and not indicator.falls:
        return text(
            "judge.side_bounds",
            label=label,
            value=estimate_text(estimate, base=False),
            customers=estimate.n_customers,
            bound=threshold_text(threshold, estimate.unit, signed=False),
        )
    if estimate.value is None or estimate.lo is None or estimate.hi is None:
        if side.lacks:
            return text("judge.side_lacks", label=label, lacks=text(f"judge.lacks.{side.lacks}"))
        return text("judge.side_open", label=label, reason=abstain_text(str(estimate.abstain)))
    signed = bool(indicator.compared)
    value, lo, hi = rounded_alike(
        estimate.value, estimate.lo, estimate.hi, estimate.unit, signed=signed
    )
    unit = estimate.unit if estimate.unit != "share" else indicator.compared or "percent"
    return text(
        "judge.side_falls" if indicator.falls else "judge.side_rises",
        label=label,
        value=text(f"judge.side_unit.{unit}", x=value),
        lo=lo,
        hi=hi,
        customers=estimate.n_customers,
        bound=threshold_text(threshold, estimate.unit, signed=signed),
    )


def _label(indicator: Indicator) -> str:
    return text(f"judge.side.{indicator.threshold}")
