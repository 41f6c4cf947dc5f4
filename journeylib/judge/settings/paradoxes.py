"""What the six paradoxes need to be told: thresholds and windows, each with its source."""

from __future__ import annotations

from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from journeylib.log import Outcome, Touchpoint

FLAG = (
    "The pair is that of Ferraro et al. (2024), Business Horizons; the threshold is a convention of"
    " this library, to be replaced by the company's own."
)
WINDOW = "A convention of this library."


class ParadoxSettings(BaseModel):
    """When the two sides of a paradox count as there.

    A threshold is reached where the whole interval lies at or beyond it and excludes zero.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    baseline: tuple[date, date] | None = Field(
        None,
        description="First and last day (UTC) of the time before the bots: contacts with people "
        "are taken from these days only, before the bots took the easy ones. All days if not "
        "given.",
    )
    min_support: float = Field(
        0.5,
        ge=0,
        le=1,
        description="A comparison abstains where people serve the same matters (intents) as fewer "
        f"than this share of the bots' contacts. {WINDOW}",
    )

    answer_seconds: float = Field(
        60.0, gt=0, description=f"Pair 1: answered at once means within this time. {WINDOW}"
    )
    connected: float = Field(
        0.05, ge=0, description=f"Pair 1, benefit: more contacts answered at once. {FLAG}"
    )
    isolation_days: float = Field(
        90.0, gt=0, description=f"Pair 1: time in which a human should have been met. {WINDOW}"
    )
    isolated: float = Field(
        0.10, ge=0, le=1, description=f"Pair 1, cost: customers left without a human. {FLAG}"
    )
    cheaper_contact: float = Field(
        -0.10, ge=-1, le=0, description=f"Pair 2, benefit: relative cost per contact. {FLAG}"
    )
    dearer_resolution: float = Field(
        0.0, ge=0, description=f"Pair 2, cost: relative cost per verified resolution. {FLAG}"
    )
    outcome_costs: dict[Outcome, float] = Field(
        {},
        description="Kind of outcome to the cost of one unit of its value: refunds 1, a lost "
        "customer what one is worth. Part of the cost per resolution.",
    )
    outcome_days: float = Field(
        30.0,
        gt=0,
        description=f"Pair 2: an outcome within this time is laid to a contact. {WINDOW}",
    )
    better_resolution: float = Field(
        0.03, ge=0, description=f"Pair 3, benefit: resolution at first contact. {FLAG}"
    )
    weaker_recovery: float = Field(
        -0.1, ge=-2, le=0, description=f"Pair 3, cost: rise after a negative turn, −1 to 1. {FLAG}"
    )
    rating_scale: tuple[float, float] | None = Field(
        None,
        description="Worst and best rating that could be given; if not given, the first "
        "usual scale (0 to 1, 1 to 5, 1 to 7, 0 to 10, 0 to 100) that holds all of the log.",
    )
    satisfied_from: float = Field(
        0.7,
        ge=0,
        le=1,
        description="Pair 4: place on the scale (0 worst, 1 best) from which an answer is "
        f"satisfied: 4 of 1 to 5, 7 of 0 to 10. {WINDOW}",
    )
    bottom_box: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Pair 4: place on the scale up to which an answer is of the worst: 1 of 1 to 5,"
        f" 2 of 0 to 10. {WINDOW}",
    )
    csat_target: float = Field(
        0.5, ge=0, le=1, description=f"Pair 4, benefit: satisfied share of answers. {FLAG}"
    )
    frustrated: float = Field(
        0.10, ge=0, le=1, description=f"Pair 4, cost: contacts in the worst tail. {FLAG}"
    )
    personal_data: str | None = Field(
        None,
        description="Pair 5: declared attribute of the personal data that a bot's turn used: names "
        "of fields joined by commas, their number, or yes and no.",
    )
    personalised: float = Field(
        0.0, ge=0, description=f"Pair 5, benefit: resolution with personal data. {FLAG}"
    )
    privacy_kinds: tuple[Outcome, ...] = Field(
        (), description="Pair 5: outcomes that are opt-outs, withdrawals, privacy complaints."
    )
    privacy_touchpoints: tuple[Touchpoint, ...] = Field(
        (), description="Pair 5: touchpoints that are opt-outs, withdrawals, privacy complaints."
    )
    privacy_days: float = Field(
        30.0,
        gt=0,
        description=f"Pair 5: an opt-out within this time is laid to a contact. {WINDOW}",
    )
    intrusive: float = Field(
        1.5, ge=1, description=f"Pair 5, cost: ratio of opt-outs with and without data. {FLAG}"
    )
    powerful: float = Field(
        0.30, ge=0, le=1, description=f"Pair 6, benefit: journeys completed by bots alone. {FLAG}"
    )
    vulnerable: float = Field(
        0.20, ge=0, le=1, description=f"Pair 6, cost: journeys that hang on one bot. {FLAG}"
    )

    corrected: str | None = Field(
        None,
        description="Pair 6: declared attribute that flags events in which a wrong answer of a bot "
        "is corrected. Without it, what customers say next is read.",
    )
    fallback_tested: date | None = Field(
        None,
        description="Pair 6: day on which it was last tried to do without the bots.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.baseline is not None and self.baseline[1] < self.baseline[0]:
            raise ValueError("'baseline' ends before it begins")
        if self.rating_scale is not None and self.rating_scale[1] <= self.rating_scale[0]:
            raise ValueError("'rating_scale' names the worst rating first, then the best")
        if self.bottom_box >= self.satisfied_from:
            raise ValueError("'bottom_box' must lie below 'satisfied_from'")
        return self
