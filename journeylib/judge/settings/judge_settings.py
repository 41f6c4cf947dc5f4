"""The settings of the judgement: which visits went well, limits, thresholds and vetoes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from journeylib.core import Described, did_you_mean, refuse_unknown
from journeylib.judge.settings.bot_timing import HANDOFF_LIMITS, CapacitySettings, CostSettings
from journeylib.judge.settings.indicators import AXES, DEFAULTS, ON_REQUEST, Axis, Indicator
from journeylib.judge.settings.paradoxes import ParadoxSettings
from journeylib.log import Office, Outcome, Touchpoint

Score = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
CONVENTION = "a convention of this library; replace it by the company's own"


class OfficeEffect(Described):
    """How far empathy need can bind where the customer sees the step less directly.

    Attributes
    ----------
    empathy_binds
        Whether empathy vetoes and the verdict 'human-led' apply; else 'assist'.
    no_customer_voice
        Indicators that cannot exist here: left out, not missing, where unobserved.
    """

    empathy_binds: bool
    no_customer_voice: tuple[str, ...] = ()


OFFICES: dict[Office, OfficeEffect] = {
    "front": OfficeEffect(empathy_binds=True),
    "middle": OfficeEffect(empathy_binds=False),
    "back": OfficeEffect(
        empathy_binds=False,
        no_customer_voice=("negative", "volatility", "sentiment_drop", "human_request"),
    ),
}


class MomentSettings(Described):
    """Which visits went well, what came of them, and what was known before.

    Attributes
    ----------
    good
        What says that a visit went well: a column (true, yes or 1; for numbers see good_from),
        'rating', 'sentiment', 'no_transfer' or 'wait_seconds'.
    good_from
        A visit went well from this value on.
    good_to
        A visit went well up to this value, such as seconds of waiting.
    bad_at
        A visit went badly at this value or a worse one; what lies between was neutral, and the loss
        of a bad visit is set against the gain of a good one.
    outcomes
        Kinds of outcome to look at, such as churn.
    horizon_days
        Window in which an outcome counts; fixed before looking.
    adjust
        Columns known before the visit that may decide both visit and outcome.
    negative_control
        Number fixed before the visit that it cannot have changed.
    false_discoveries
        Share of false discoveries that is accepted.
    margin
        Smallest difference that matters.
    """

    good: str | None = None
    good_from: float | None = None
    good_to: float | None = None
    bad_at: float | None = None
    outcomes: tuple[Outcome, ...] = ()
    horizon_days: float = Field(30.0, gt=0)
    adjust: tuple[str, ...] = ()
    negative_control: str | None = None
    false_discoveries: float = Field(0.10, gt=0, lt=1)
    margin: float = Field(0.02, ge=0)

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.good_from is not None and self.good_to is not None:
            raise ValueError("give either 'good_from' or 'good_to': good is on one side")
        if self.good == "wait_seconds" and self.good_to is None:
            raise ValueError("'wait_seconds' needs 'good_to': the longest wait that is good")
        if self.bad_at is None:
            return self
        if self.good_from is None and self.good_to is None:
            raise ValueError("'bad_at' needs 'good_from' or 'good_to'")
        if (self.good_from is not None and self.bad_at >= self.good_from) or (
            self.good_to is not None and self.bad_at <= self.good_to
        ):
            raise ValueError("'bad_at' must lie on the other side of the limit of good")
        return self


_LIMITS = ", ".join(f"{name} {limit.at:g}" for name, limit in HANDOFF_LIMITS.items())


class JudgeSettings(Described):
    """Anchors, weights and thresholds of the scores and verdicts.

    Attributes
    ----------
    moments
        Moments of truth: what to compare with what.
    paradoxes
        Limits of the six paradoxes of serving by machine.
    costs
        For the time at which a bot should hand over; no such time without.
    capacity
        For the hand-off time at the wait that handing over itself causes; with 'costs'.
    value_at_risk
        By touchpoint, the difference in loyalty that the company takes to be at stake; assumed, and
        used only where no effect could be estimated.
    surveys
        Kind of outcome that is an answer to a question, with the worst and the best answer that can
        be given, as in csat: [0, 10].
    automation_fit
        Indicators to change; those not named keep their defaults.
    empathy_need
        Indicators to change; those not named keep their defaults. 'emotional' (share of the second
        service type) counts only where it is given a weight.
    automate_from
        Automation fit that allows 'automate'.
    assist_from
        Automation fit below which a machine has little to offer even as a help.
    empathy_low
        Empathy need below which a machine may serve.
    empathy_high
        Empathy need from which a human leads.
    min_coverage
        Share of weight that must be observed.
    min_journeys
        A touchpoint with fewer abstains.
    min_customers
        A touchpoint with fewer abstains.
    min_stability
        Stability from which a verdict is issued.
    leaning_stability
        Stability from which a leaning is named.
    max_axis_correlation
        Correlation of the axes above which no quadrant is drawn.
    fix_rework
        Mend first where the lower bound of rework is above this.
    fix_exceptions
        Mend first where the lower bound of exceptions is above this.
    fix_next_steps
        Mend first where the lower bound of next steps is above this.
    veto_vulnerable
        Share of vulnerable customers whose lower bound forbids automation.
    veto_empathy_lower
        With need at 'empathy_high', a lower bound of at least this is a veto.
    veto_asymmetry
        A moment of truth that loses more than this many times what it wins.
    legally_human
        Touchpoints where the law asks for a human decision.
    require_escape_hatch
        Automate only where customers can reach a human.
    min_honoured
        The way to a human does not work where fewer requests are honoured.
    offices
        front: the customer sees it live; middle: waits; back: is away.
    weight_concentration
        How close drawn weights stay to the weights above (Dirichlet).
    weight_draws
        Weight vectors drawn.
    """

    moments: MomentSettings = MomentSettings()
    paradoxes: ParadoxSettings = ParadoxSettings()
    handoff_limits: dict[str, float] = Field(
        {},
        description="Item of the hand-off audit to the value beyond which it fails, in place of "
        f"the library's: {_LIMITS} (seconds for wait, requests for cries_to_human, else shares; "
        f"{CONVENTION}).",
    )
    costs: CostSettings | None = None
    capacity: CapacitySettings | None = None
    value_at_risk: dict[Touchpoint, Share] = Field({})
    surveys: dict[Outcome, tuple[float, float]] = Field({})
    automation_fit: dict[str, Indicator] = DEFAULTS["automation_fit"]
    empathy_need: dict[str, Indicator] = DEFAULTS["empathy_need"]
    automate_from: Score = 60
    assist_from: Score = 40
    empathy_low: Score = 40
    empathy_high: Score = 70
    min_coverage: Share = 0.70
    min_journeys: int = Field(30, ge=1)
    min_customers: int = Field(20, ge=1)
    min_stability: Share = 0.80
    leaning_stability: Share = 0.50
    max_axis_correlation: Share = 0.80
    fix_rework: Share = 0.25
    fix_exceptions: Share = 0.20
    fix_next_steps: float = Field(6.0, ge=1)
    veto_vulnerable: Share = 0.05
    veto_empathy_lower: Score = 60
    veto_asymmetry: float = Field(1.0, gt=0)
    legally_human: tuple[Touchpoint, ...] = ()
    require_escape_hatch: bool = True
    min_honoured: Share = 0.50
    offices: dict[Office, OfficeEffect] = OFFICES
    weight_concentration: float = Field(50.0, gt=0)
    weight_draws: int = Field(100, ge=1, le=10_000)

    @field_validator("handoff_limits")
    @classmethod
    def _known_items(cls, limits: dict[str, float]) -> dict[str, float]:
        problem = "'{name}' is no item of the hand-off audit.{near} Items: {known}"
        refuse_unknown(limits, HANDOFF_LIMITS, problem, ValueError)
        return limits

    @field_validator("automation_fit", "empathy_need", mode="before")
    @classmethod
    def _over_defaults(cls, given: Any, info: Any) -> Any:
        """Let a configuration change one indicator, or one field of one, and keep the rest."""
        if not isinstance(given, Mapping):
            return given
        named = {n: one for n, one in ON_REQUEST[info.field_name].items() if given.get(n)}
        defaults = {**DEFAULTS[info.field_name], **named}
        for name in given:
            if name not in defaults:
                raise ValueError(
                    f"unknown indicator '{name}'.{did_you_mean(str(name), defaults)} "
                    f"Indicators: {', '.join(defaults)}"
                )
        return {name: _changed(base, given.get(name)) for name, base in defaults.items()}

    @field_validator("offices", mode="before")
    @classmethod
    def _over_offices(cls, given: Any) -> Any:
        return {**OFFICES, **given} if isinstance(given, Mapping) else given

    @field_validator("surveys")
    @classmethod
    def _scales_rise(cls, surveys: dict[str, tuple[float, float]]) -> Any:
        for kind, (worst, best) in surveys.items():
            if best <= worst:
                raise ValueError(f"the scale of '{kind}' names the worst answer first")
        return surveys

    @model_validator(mode="after")
    def _capacity_has_costs(self) -> Self:
        if self.capacity is not None and self.costs is None:
            raise ValueError("'capacity' needs 'costs': what a bot minute and an exit cost")
        return self

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> Self:
        pairs = (
            ("assist_from", "automate_from"),
            ("empathy_low", "empathy_high"),
            ("leaning_stability", "min_stability"),
        )
        for low, high in pairs:
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"'{low}' must not exceed '{high}'")
        for axis in AXES:
            if not any(indicator.weight for indicator in self.indicators(axis).values()):
                raise ValueError(f"'{axis}' needs an indicator with a weight above 0")
        for office, effect in self.offices.items():
            for name in effect.no_customer_voice:
                if name not in self.empathy_need:
                    hint = did_you_mean(name, self.empathy_need)
                    raise ValueError(f"unknown indicator '{name}' of office '{office}'.{hint}")
            left = set(self.empathy_need) - set(effect.no_customer_voice)
            if not any(self.empathy_need[name].weight for name in left):
                raise ValueError(f"office '{office}' leaves 'empathy_need' without an indicator")
        return self

    @property
    def fix_limits(self) -> dict[str, float]:
        """Limits of 'fix first' by measure."""
        return {
            "rework": self.fix_rework,
            "exceptions": self.fix_exceptions,
            "next_steps": self.fix_next_steps,
        }

    def indicators(self, axis: Axis) -> dict[str, Indicator]:
        """Return the indicators of one axis by name."""
        return self.automation_fit if axis == "automation_fit" else self.empathy_need


def _changed(base: Indicator, change: Any) -> Any:
    """Lay a partial change over a default; what was changed is no longer the library's."""
    if change is None or not isinstance(change, Mapping):
        return base if change is None else change
    return {**base.model_dump(), "source": "configuration", **change}
