"""The settings of the judgement: which visits went well, limits, thresholds and vetoes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from journeylib.core import did_you_mean
from journeylib.judge.settings.bot_timing import HANDOFF_LIMITS, CapacitySettings, CostSettings
from journeylib.judge.settings.indicators import AXES, DEFAULTS, ON_REQUEST, Axis, Indicator
from journeylib.judge.settings.paradoxes import ParadoxSettings
from journeylib.log import Office, Outcome, Touchpoint

Score = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
CONVENTION = "a convention of this library; replace it by the company's own"


class OfficeEffect(BaseModel):
    """How far empathy need can bind where the customer sees the step less directly."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    empathy_binds: bool = Field(
        description="Whether empathy vetoes and the verdict 'human-led' apply; else 'assist'."
    )
    no_customer_voice: tuple[str, ...] = Field(
        (),
        description="Indicators that cannot exist here: left out, not missing, where unobserved.",
    )


OFFICES: dict[Office, OfficeEffect] = {
    "front": OfficeEffect(empathy_binds=True),
    "middle": OfficeEffect(empathy_binds=False),
    "back": OfficeEffect(
        empathy_binds=False,
        no_customer_voice=("negative", "volatility", "sentiment_drop", "human_request"),
    ),
}


class MomentSettings(BaseModel):
    """Which visits went well, what came of them, and what was known before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    good: str | None = Field(
        None,
        description="What says that a visit went well: a column (true, yes or 1; for numbers see "
        "good_from), 'rating', 'sentiment', 'no_transfer' or 'wait_seconds'.",
    )
    good_from: float | None = Field(None, description="A visit went well from this value on.")
    good_to: float | None = Field(
        None, description="A visit went well up to this value, such as seconds of waiting."
    )
    bad_at: float | None = Field(
        None,
        description="A visit went badly at this value or a worse one; what lies between was "
        "neutral, and the loss of a bad visit is set against the gain of a good one.",
    )
    outcomes: tuple[Outcome, ...] = Field(
        (), description="Kinds of outcome to look at, such as churn."
    )
    horizon_days: float = Field(
        30.0, gt=0, description="Window in which an outcome counts; fixed before looking."
    )
    adjust: tuple[str, ...] = Field(
        (), description="Columns known before the visit that may decide both visit and outcome."
    )
    negative_control: str | None = Field(
        None, description="Number fixed before the visit that it cannot have changed."
    )
    false_discoveries: float = Field(
        0.10, gt=0, lt=1, description="Share of false discoveries that is accepted."
    )
    margin: float = Field(0.02, ge=0, description="Smallest difference that matters.")

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


class JudgeSettings(BaseModel):
    """Anchors, weights and thresholds of the scores and verdicts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    moments: MomentSettings = Field(
        MomentSettings(), description="Moments of truth: what to compare with what."
    )
    paradoxes: ParadoxSettings = Field(
        ParadoxSettings(), description="Limits of the six paradoxes of serving by machine."
    )
    handoff_limits: dict[str, float] = Field(
        {},
        description="Item of the hand-off audit to the value beyond which it fails, in place of "
        f"the library's: {_LIMITS} "
        f"(seconds for wait, requests for cries_to_human, else shares; {CONVENTION}).",
    )
    costs: CostSettings | None = Field(
        None, description="For the time at which a bot should hand over; no such time without."
    )
    capacity: CapacitySettings | None = Field(
        None,
        description="For the hand-off time at the wait that handing over itself causes; with "
        "'costs'.",
    )
    value_at_risk: dict[Touchpoint, Share] = Field(
        {},
        description="By touchpoint, the difference in loyalty that the company takes to be at "
        "stake; assumed, and used only where no effect could be estimated.",
    )
    surveys: dict[Outcome, tuple[float, float]] = Field(
        {},
        description="Kind of outcome that is an answer to a question, with the worst and the best "
        "answer that can be given, as in csat: [0, 10].",
    )
    automation_fit: dict[str, Indicator] = Field(
        DEFAULTS["automation_fit"],
        description="Indicators to change; those not named keep their defaults.",
    )
    empathy_need: dict[str, Indicator] = Field(
        DEFAULTS["empathy_need"],
        description="Indicators to change; those not named keep their defaults. 'emotional' (share "
        "of the second service type) counts only where it is given a weight.",
    )
    automate_from: Score = Field(60, description="Automation fit that allows 'automate'.")
    assist_from: Score = Field(
        40, description="Automation fit below which a machine has little to offer even as a help."
    )
    empathy_low: Score = Field(40, description="Empathy need below which a machine may serve.")
    empathy_high: Score = Field(70, description="Empathy need from which a human leads.")
    min_coverage: Share = Field(0.70, description="Share of weight that must be observed.")
    min_journeys: int = Field(30, ge=1, description="A touchpoint with fewer abstains.")
    min_customers: int = Field(20, ge=1, description="A touchpoint with fewer abstains.")
    min_stability: Share = Field(0.80, description="Stability from which a verdict is issued.")
    leaning_stability: Share = Field(0.50, description="Stability from which a leaning is named.")
    max_axis_correlation: Share = Field(
        0.80, description="Correlation of the axes above which no quadrant is drawn."
    )
    fix_rework: Share = Field(
        0.25, description="Mend first where the lower bound of rework is above this."
    )
    fix_exceptions: Share = Field(
        0.20, description="Mend first where the lower bound of exceptions is above this."
    )
    fix_next_steps: float = Field(
        6.0, ge=1, description="Mend first where the lower bound of next steps is above this."
    )
    veto_vulnerable: Share = Field(
        0.05, description="Share of vulnerable customers whose lower bound forbids automation."
    )
    veto_empathy_lower: Score = Field(
        60, description="With need at 'empathy_high', a lower bound of at least this is a veto."
    )
    veto_asymmetry: float = Field(
        1.0,
        gt=0,
        description="A moment of truth that loses more than this many times what it wins.",
    )
    legally_human: tuple[Touchpoint, ...] = Field(
        (), description="Touchpoints where the law asks for a human decision."
    )
    require_escape_hatch: bool = Field(
        True, description="Automate only where customers can reach a human."
    )
    min_honoured: Share = Field(
        0.50, description="The way to a human does not work where fewer requests are honoured."
    )
    offices: dict[Office, OfficeEffect] = Field(
        OFFICES, description="front: the customer sees it live; middle: waits; back: is away."
    )
    weight_concentration: float = Field(
        50.0, gt=0, description="How close drawn weights stay to the weights above (Dirichlet)."
    )
    weight_draws: int = Field(100, ge=1, le=10_000, description="Weight vectors drawn.")

    @field_validator("handoff_limits")
    @classmethod
    def _known_items(cls, limits: dict[str, float]) -> dict[str, float]:
        for name in limits:
            if name not in HANDOFF_LIMITS:
                raise ValueError(
                    f"'{name}' is no item of the hand-off audit."
                    f"{did_you_mean(name, HANDOFF_LIMITS)} Items: {', '.join(HANDOFF_LIMITS)}"
                )
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
