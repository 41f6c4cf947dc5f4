"""Six paradoxes of bots in service: a benefit and its cost, side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from journeylib.core import AbstainReason, Estimate, abstain_text
from journeylib.journeys import Journeys
from journeylib.judge.paradoxes import benefit_and_cost as pairs
from journeylib.judge.paradoxes import data_and_dependence as reliance
from journeylib.judge.paradoxes import supporting_figures as besides
from journeylib.judge.paradoxes.contacts import SessionEvidence, find_contacts
from journeylib.judge.paradoxes.context import ACTOR, Scene, Side
from journeylib.judge.paradoxes.settings import ParadoxSettings
from journeylib.judge.spoken import spoken, threshold_spoken
from journeylib.measures import MeasureSettings, Scores, customer_scores

__all__ = ["PARADOXES", "Paradox", "ParadoxSettings", "paradoxes"]

Name = Literal[
    "connected_isolated",
    "lower_cost_higher_price",
    "quality_less_empathy",
    "satisfied_frustrated",
    "personalised_intrusive",
    "powerful_vulnerable",
]
TITLES: dict[Name, str] = {
    "connected_isolated": "connected / isolated",
    "lower_cost_higher_price": "lower cost / higher price",
    "quality_less_empathy": "quality / less empathy",
    "satisfied_frustrated": "satisfied / frustrated",
    "personalised_intrusive": "personalised / intrusive",
    "powerful_vulnerable": "powerful / vulnerable",
}
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
    beside : dict of str to Estimate
        Figures that explain a side and decide no state; see `besides`.
    """

    name: Name
    state: State
    benefit: Estimate
    cost: Estimate
    reasons: tuple[str, ...]
    beside: dict[str, Estimate] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Both sides in words."""
        return TITLES[self.name]

    def to_dict(self) -> dict[str, Any]:
        """Return the form that `audit.json` holds."""
        return {
            "name": self.name,
            "state": self.state,
            "benefit": self.benefit.to_dict(),
            "cost": self.cost.to_dict(),
            "beside": {name: figure.to_dict() for name, figure in self.beside.items()},
        }


@dataclass(frozen=True)
class Indicator:
    """One side of a paradox: how it is measured, from where it counts, and how it is spoken of.

    Attributes
    ----------
    measure : callable
    threshold : str
        Name of the setting.
    label : str
        What it is, as a noun.
    falls : bool
        It counts from the threshold downwards.
    """

    measure: Callable[[Scene], Side]
    threshold: str
    label: str
    falls: bool = False


PARADOXES: dict[Name, tuple[Indicator, Indicator]] = {
    "connected_isolated": (
        Indicator(
            pairs.connected,
            "connected",
            "Contacts answered at once, bots against people on the same matters",
        ),
        Indicator(
            pairs.isolated,
            "isolated",
            "Customers of bots who asked for a human or were negative, and met none afterwards",
        ),
    ),
    "lower_cost_higher_price": (
        Indicator(
            pairs.cheaper_contact,
            "cheaper_contact",
            "Cost per contact, bots against people on the same matters",
            falls=True,
        ),
        Indicator(
            pairs.dearer_resolution,
            "dearer_resolution",
            "Cost per verified resolution, repeats included, bots against people on the same "
            "matters",
        ),
    ),
    "quality_less_empathy": (
        Indicator(
            pairs.better_resolution,
            "better_resolution",
            "Matters resolved at first contact, bots against people on the same matters",
        ),
        Indicator(
            pairs.weaker_recovery,
            "weaker_recovery",
            "Rise of feeling after a negative turn, bots against people on the same matters",
            falls=True,
        ),
    ),
    "satisfied_frustrated": (
        Indicator(pairs.satisfied, "csat_target", "Satisfied answers after contacts with bots"),
        Indicator(
            pairs.frustrated,
            "frustrated",
            "Contacts with bots that end in frustration, run in a loop or are rated worst",
        ),
    ),
    "personalised_intrusive": (
        Indicator(
            reliance.personalised,
            "personalised",
            "Matters that bots resolve at first contact, with against without personal data",
        ),
        Indicator(
            reliance.intrusive,
            "intrusive",
            "Contacts with bots followed by an opt-out, with over without personal data",
        ),
    ),
    "powerful_vulnerable": (
        Indicator(reliance.powerful, "powerful", "Journeys that bots complete alone"),
        Indicator(
            reliance.vulnerable,
            "vulnerable",
            "Journeys that would not be completed without the one bot that most of them pass "
            "through",
        ),
    ),
}
BESIDE: dict[Name, Callable[[Scene], dict[str, Estimate]]] = {
    "connected_isolated": besides.beside_connected,
    "quality_less_empathy": besides.beside_quality,
    "satisfied_frustrated": besides.beside_satisfied,
    "personalised_intrusive": besides.beside_personalised,
    "powerful_vulnerable": besides.beside_powerful,
}

STATE_TEXT: dict[State, str] = {
    "active": "Benefit and cost are both there: weigh them together, not the benefit alone.",
    "benefit_only": "The benefit is there; the cost is not shown by this log.",
    "cost_only": "The cost is there; the benefit is not shown by this log.",
    "none": "Neither the benefit nor the cost is shown by this log.",
    "not_measurable": "Whether this paradox is there cannot be said.",
}
COMPARED = frozenset(
    {
        "connected",
        "cheaper_contact",
        "dearer_resolution",
        "better_resolution",
        "weaker_recovery",
        "personalised",
    }
)


def paradoxes(
    journeys: Journeys,
    settings: ParadoxSettings | None = None,
    *,
    measures: MeasureSettings | None = None,
    handoffs: SessionEvidence | None = None,
    scores: Scores | AbstainReason | None = None,
) -> tuple[Paradox, ...]:
    """Ask of each of six paradoxes whether it is there in a log.

    Parameters
    ----------
    journeys : Journeys
    settings : ParadoxSettings, optional
    measures : MeasureSettings, optional
        What a session and a repeat contact is, and the minimum of customers.
    handoffs : SessionEvidence, optional
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
    scene = scene_of(journeys, settings, measures=measures, handoffs=handoffs, scores=scores)
    return tuple(paradox_of(name, scene, settings) for name in PARADOXES)


def scene_of(
    journeys: Journeys,
    settings: ParadoxSettings,
    *,
    measures: MeasureSettings | None = None,
    handoffs: SessionEvidence | None = None,
    scores: Scores | AbstainReason | None = None,
) -> Scene | None:
    """Return what every pair looks at; None in a log without actors."""
    if not journeys.has("actor"):
        return None
    measures = measures or MeasureSettings()
    scores = customer_scores(journeys) if scores is None else scores
    sessions = None if handoffs is None else handoffs.session_table
    contacts = find_contacts(journeys, sessions, settings, measures)
    return Scene(journeys, contacts, sessions, scores, settings, measures)


def paradox_of(name: Name, scene: Scene | None, settings: ParadoxSettings) -> Paradox:
    """Ask whether one paradox is there."""
    indicators = PARADOXES[name]
    sides = [_side(indicator, scene) for indicator in indicators]
    there, said = [], []
    for indicator, side in zip(indicators, sides, strict=True):
        threshold = getattr(settings, indicator.threshold)
        there.append(reached(side.estimate, threshold, indicator.falls))
        said.append(sentence(indicator, side, threshold))
    state = state_of(*there)
    benefit, cost = (side.estimate for side in sides)
    if name == "powerful_vulnerable":
        said.append(_fallback(settings))
    beside = BESIDE[name](scene) if scene is not None and name in BESIDE else {}
    return Paradox(name, state, benefit, cost, (*said, STATE_TEXT[state]), beside)


def _fallback(settings: ParadoxSettings) -> str:
    if settings.fallback_tested is None:
        return (
            "Whether people can do without the bots was never tried, as far as is declared "
            "('fallback_tested')."
        )
    return f"Doing without the bots was last tried on {settings.fallback_tested.isoformat()}."


def _side(indicator: Indicator, scene: Scene | None) -> Side:
    if scene is None:
        return Side(Estimate.none("no_column", "share", estimand=indicator.label), ACTOR)
    return indicator.measure(scene)


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
    estimate = side.estimate
    if estimate.value is None or estimate.lo is None or estimate.hi is None:
        if side.lacks:
            return f"{indicator.label}: not measurable. It needs {side.lacks}."
        return f"{indicator.label}: no answer, {abstain_text(str(estimate.abstain))}."
    signed = indicator.threshold in COMPARED
    value, lo, hi = spoken(estimate, signed=signed)
    bound = threshold_spoken(threshold, estimate.unit, signed=signed)
    return (
        f"{indicator.label}: {value}{_unit(indicator, estimate)} ({lo} to {hi}, "
        f"{estimate.n_customers:,} customers); it counts from {bound} "
        f"{'downwards' if indicator.falls else 'upwards'}."
    )


def _unit(indicator: Indicator, estimate: Estimate) -> str:
    if estimate.unit == "ratio":
        return " times"
    if estimate.unit == "points":
        return " on a scale from −1 to 1"
    points = {"connected", "better_resolution", "personalised"}
    return " percentage points" if indicator.threshold in points else " %"
