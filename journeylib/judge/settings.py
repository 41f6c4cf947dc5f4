"""What the judgement needs to be told: anchors, weights, thresholds, each with its source."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from journeylib.core import did_you_mean
from journeylib.judge.bot_timing.handoff_limits import LIMITS
from journeylib.judge.paradoxes.settings import ParadoxSettings
from journeylib.log import Office, Outcome, Touchpoint

Axis = Literal["automation_fit", "empathy_need"]
AXES: tuple[Axis, ...] = ("automation_fit", "empathy_need")
Score = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]


class Indicator(BaseModel):
    """One measure on one axis: how its raw value becomes 0..1, and how much that counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(ge=0, description="Share of the axis; weights are scaled to sum to 1.")
    anchors: tuple[tuple[float, float], ...] = Field(
        min_length=2, description="Pairs of raw value and score 0..1; straight lines between."
    )
    scale: Literal["linear", "log", "reciprocal"] = Field(
        "linear", description="Lines are straight in the raw value, its logarithm or its inverse."
    )
    source: str = Field("configuration", description="Where anchors and weight come from.")

    @model_validator(mode="after")
    def _anchors_make_a_value_function(self) -> Self:
        raw, score = zip(*self.anchors, strict=True)
        if any(b <= a for a, b in itertools.pairwise(raw)):
            raise ValueError("the raw values of 'anchors' must rise from pair to pair")
        if any(not 0 <= u <= 1 for u in score):
            raise ValueError("the scores of 'anchors' must lie between 0 and 1")
        if list(score) not in (sorted(score), sorted(score, reverse=True)):
            raise ValueError("the scores of 'anchors' must only rise or only fall")
        if self.scale != "linear" and raw[0] <= 0:
            raise ValueError(f"'anchors' of a {self.scale} scale need raw values above 0")
        return self


CONVENTION = "a convention of this library; replace it by the company's own"
CRITERIA = "criteria of El-Gharib and Amyot (2022), review of process mining for automation; "
FULL_TIME = CRITERIA + "1 = one full-time week of 40 hours; weight: " + CONVENTION


def _indicator(
    weight: float,
    *anchors: tuple[float, float],
    source: str,
    scale: Literal["linear", "log", "reciprocal"] = "linear",
) -> Indicator:
    return Indicator(weight=weight, anchors=anchors, scale=scale, source=source)


# Without bots, savings and declared fields, which most logs lack at first, .80 of the weight
# is left: a touchpoint that no bot has served yet can still be judged.
AUTOMATION_FIT: dict[str, Indicator] = {
    "volume": _indicator(
        0.12, (1, 0), (1000, 1), scale="log", source=CRITERIA + "1 and 1,000 starts a week"
    ),
    "load": _indicator(0.10, (10, 0), (2400, 1), scale="log", source=FULL_TIME),
    "next_steps": _indicator(
        0.14, (1, 1), (100, 0.01), scale="reciprocal", source=CRITERIA + "1 / effective next steps"
    ),
    "duration_spread": _indicator(
        0.10,
        *((0, 1), (0.5, 0.8), (1, 0.5), (2, 0.2), (3, 0.1)),
        source=CRITERIA + "1 / (1 + spread²)",
    ),
    "rule_skill": _indicator(0.08, (0, 0), (0.6, 1), source=CRITERIA + CONVENTION),
    "rework": _indicator(
        0.10, (0, 1), (0.5, 0), source=CRITERIA + "half way at the limit of 'fix first'"
    ),
    "exceptions": _indicator(
        0.10, (0, 1), (0.4, 0), source=CRITERIA + "half way at the limit of 'fix first'"
    ),
    "required_fields": _indicator(0.04, (0.5, 0), (1, 1), source=CRITERIA + CONVENTION),
    "containment": _indicator(0.12, (0.2, 0), (0.9, 1), source=CONVENTION),
    "stability": _indicator(0.06, (0.5, 0), (1, 1), source=CRITERIA + CONVENTION),
    "saving": _indicator(0.04, (0, 0), (240, 0.5), (2400, 1), source=FULL_TIME),
}

# What customers say and a clock give .70: enough to judge a bot without outcomes or declared
# flags. Where a human serves, asking for one cannot happen and is left out.
# Complexity is left out on purpose: it lowers automation fit already, and a second use would
# make one axis the mirror of the other.
EMPATHY_NEED: dict[str, Indicator] = {
    "negative": _indicator(0.30, (0.05, 0), (0.4, 1), source=CONVENTION),
    "volatility": _indicator(0.04, (0, 0), (0.4, 1), source=CONVENTION),
    "sentiment_drop": _indicator(0.08, (-0.4, 1), (0, 0), source=CONVENTION),
    "human_request": _indicator(0.18, (0, 0), (0.15, 1), source=CONVENTION),
    "stakes": _indicator(
        0.12, (0, 0), (0.1, 1), source="lower bound of the moment-of-truth effect; " + CONVENTION
    ),
    "vulnerable": _indicator(
        0.10, (0, 0), (0.05, 0.5), (0.2, 1), source="half way at the limit of the veto"
    ),
    "repeat_contact": _indicator(0.10, (0.05, 0), (0.35, 1), source=CONVENTION),
    "complaint_excess": _indicator(0.08, (0, 0), (0.05, 1), source=CONVENTION),
}

DEFAULTS: dict[Axis, dict[str, Indicator]] = {
    "automation_fit": AUTOMATION_FIT,
    "empathy_need": EMPATHY_NEED,
}


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


def _ascending(cost: float | tuple[float, float, float]) -> float | tuple[float, float, float]:
    if isinstance(cost, tuple) and not 0 <= cost[0] <= cost[1] <= cost[2]:
        raise ValueError("a range of costs is [low, most likely, high], 0 or more, ascending")
    return cost


CostRange = Annotated[
    Annotated[float, Field(ge=0)] | tuple[float, float, float], AfterValidator(_ascending)
]


class CostSettings(BaseModel):
    """What a session costs; each a number or [low, most likely, high]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    human_contact: CostRange = Field(
        description="A contact that a human handles, with the customer's wait for it."
    )
    bot_per_minute: CostRange = Field(description="A minute in the bot.")
    frustrated_exit: CostRange = Field(description="What is lost when a customer gives up.")
    currency: str = Field("EUR", description="Currency of all costs.")


class CapacitySettings(BaseModel):
    """The people who take what bots hand over: handing over more makes everyone wait longer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    staff: int = Field(ge=1, description="People on duty at the same time for hand-overs.")
    service_minutes: float = Field(gt=0, description="Mean time that a contact takes them.")
    patience_minutes: float = Field(
        gt=0, le=10_000, description="Mean time until a waiting customer gives up."
    )
    contact_without_wait: float = Field(
        ge=0, description="Cost of a contact that a human handles, without the wait for it."
    )
    waiting_per_minute: float = Field(ge=0, description="Cost of a minute of a customer's wait.")
    open_hours_a_week: float = Field(
        168.0, gt=0, le=168, description="Hours a week in which sessions come and staff serve."
    )


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
        f"the library's: {', '.join(f'{name} {limit.at:g}' for name, limit in LIMITS.items())} "
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
    pairwise: dict[Axis, dict[str, dict[str, Annotated[float, Field(ge=1 / 9, le=9)]]]] = Field(
        {},
        description="By axis, how many times as much an indicator counts as another, each pair "
        "once, as in negative: {human_request: 2, stakes: 3}: for the sensitivity table (AHP).",
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
        AUTOMATION_FIT, description="Indicators to change; those not named keep their defaults."
    )
    empathy_need: dict[str, Indicator] = Field(
        EMPATHY_NEED, description="Indicators to change; those not named keep their defaults."
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
            if name not in LIMITS:
                raise ValueError(
                    f"'{name}' is no item of the hand-off audit.{did_you_mean(name, LIMITS)} "
                    f"Items: {', '.join(LIMITS)}"
                )
        return limits

    @field_validator("automation_fit", "empathy_need", mode="before")
    @classmethod
    def _over_defaults(cls, given: Any, info: Any) -> Any:
        """Let a configuration change one indicator, or one field of one, and keep the rest."""
        if not isinstance(given, Mapping):
            return given
        defaults = DEFAULTS[info.field_name]
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

    @field_validator("pairwise")
    @classmethod
    def _each_pair_once(cls, pairwise: Any) -> Any:
        for axis, rows in pairwise.items():
            known = DEFAULTS[axis]
            pairs = [frozenset((a, b)) for a, row in rows.items() for b in row]
            names = {name for pair in pairs for name in pair}
            for name in sorted(names - set(known)):
                raise ValueError(f"unknown indicator '{name}'.{did_you_mean(name, known)}")
            wanted = {frozenset(pair) for pair in itertools.combinations(sorted(names), 2)}
            if set(pairs) != wanted or len(pairs) != len(wanted):
                raise ValueError(f"'{axis}' must compare each pair of the indicators it names once")
        return pairwise

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
