"""Rules of cutting: what ends a journey, as declared, and which rule applies to a log."""

from __future__ import annotations

from itertools import chain
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from journeylib.core import US_PER_DAY, Described, SchemaError
from journeylib.journeys.preparation.business_hours import BusinessHours
from journeylib.log import Channel, EventLog, Intent, KeptTouchpoint

CutKind = Literal["case", "gap", "goal", "learned", "customer"]

Days = Annotated[float, Field(gt=0)]


class JourneySettings(Described):
    """How journeys are cut and when they count as over.

    Attributes
    ----------
    cut
        case: by the journey column; gap: after gap_days of silence; goal: after a goal or bad end,
        and after gap_days of silence; learned: where touchpoints and silence say so, learned from a
        sample of customers without examples; customer: all events of a customer are one journey;
        auto: case where the log has one, else gap, else (without a clock) customer.
    gap_days
        Silence after which a new journey begins: an assumption, say why; or fitted: where the
        silences of the log, or of a channel where it has channels, have two humps, between them,
        else assumed_gap_days; or days by channel, that of the event before the silence.
    assumed_gap_days
        The gap where gap_days is fitted and the log does not show one, and of channels that
        gap_days does not name.
    boundary_probability
        learned: a journey begins where the probability of a boundary exceeds this.
    quiet_days
        Silence after which a journey without an end is over; default gap_days, and for cases (cut:
        case or customer) what the longest silence of 95 % of them does not exceed, where that is
        shorter.
    business_hours
        Give service and waiting time within these hours beside wall-clock time.
    goals
        Touchpoints that are what the customer wanted.
    goals_by_intent
        Goals of journeys about an intent, the first that the journey states; they take the place of
        goals. An empty list: no touchpoint shows that this matter is settled, so no goal judges
        these journeys.
    bad_ends
        Touchpoints that are what nobody wanted.
    min_customers
        A shown cell rests on at least this many customers.
    max_customers_modelled
        Steps that model each journey (moments of truth, presence, tipping points, rule_skill,
        learned boundaries, what is remembered) work on a sample of this many customers where there
        are more, and say so.
    """

    cut: Literal["auto", "case", "gap", "goal", "learned", "customer"] = "auto"
    gap_days: Days | Literal["fitted"] | dict[Channel, Days] = 30.0
    assumed_gap_days: float = Field(30.0, gt=0)
    boundary_probability: float = Field(0.5, gt=0, lt=1)
    quiet_days: float | None = Field(None, gt=0)
    business_hours: BusinessHours | None = None
    goals: tuple[KeptTouchpoint, ...] = ()
    goals_by_intent: dict[Intent, tuple[KeptTouchpoint, ...]] = Field({})
    bad_ends: tuple[KeptTouchpoint, ...] = ()
    min_customers: int = Field(10, ge=1)
    max_customers_modelled: int = Field(100_000, ge=1)

    @model_validator(mode="after")
    def _goals_to_cut_at(self) -> Self:
        if self.cut == "goal" and not (self.every_goal or self.bad_ends):
            raise ValueError("'cut' is 'goal', but neither 'goals' nor 'bad_ends' name any")
        return self

    @property
    def every_goal(self) -> tuple[str, ...]:
        """All touchpoints that are a goal of some journey, by name."""
        return tuple(sorted({*self.goals, *chain(*self.goals_by_intent.values())}))

    @property
    def stated_gap_us(self) -> int:
        """The gap as stated, or what stands in until one is fitted, in microseconds."""
        days = self.gap_days if isinstance(self.gap_days, float) else self.assumed_gap_days
        return round(days * US_PER_DAY)


def resolve_cut(log: EventLog, settings: JourneySettings) -> CutKind:
    """Return which cut applies to this log.

    Raises
    ------
    SchemaError
        If the cut that was asked for needs a role that the log does not have.
    """
    if settings.cut == "auto":
        if log.has("case"):
            return "case"
        return "gap" if log.has_clock else "customer"
    if settings.cut == "case" and not log.has("case"):
        raise SchemaError(
            "journeys.cut is 'case', but no column has the role 'journey'. "
            "Declare it in roles, or set journeys.cut to 'gap'."
        )
    if settings.cut == "gap" and not log.has_clock:
        raise SchemaError(
            "journeys.cut is 'gap', but the log has no clock. "
            "Declare a 'timestamp' role, or set journeys.cut to 'case' or 'customer'."
        )
    return settings.cut
