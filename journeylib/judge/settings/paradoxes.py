"""What the six paradoxes need to be told: thresholds and windows, each with its source."""

from __future__ import annotations

from datetime import date
from typing import Self

from pydantic import Field, model_validator

from journeylib.core import Described
from journeylib.log import Outcome, Touchpoint


class ParadoxSettings(Described):
    """When the two sides of a paradox count as there.

    A threshold is reached where the whole interval lies at or beyond it and excludes zero.

    Attributes
    ----------
    baseline
        First and last day (UTC) of the time before the bots: contacts with people are taken from
        these days only, before the bots took the easy ones. All days if not given.
    min_support
        A comparison abstains where people serve the same matters (intents) as fewer than this share
        of the bots' contacts. A convention of this library.
    answer_seconds
        Pair 1: answered at once means within this time. A convention of this library.
    connected
        Pair 1, benefit: more contacts answered at once. The pair is that of Ferraro et al. (2024),
        Business Horizons; the threshold is a convention of this library, to be replaced by the
        company's own.
    isolation_days
        Pair 1: time in which a human should have been met. A convention of this library.
    isolated
        Pair 1, cost: customers left without a human. The pair is that of Ferraro et al. (2024),
        Business Horizons; the threshold is a convention of this library, to be replaced by the
        company's own.
    cheaper_contact
        Pair 2, benefit: relative cost per contact. The pair is that of Ferraro et al. (2024),
        Business Horizons; the threshold is a convention of this library, to be replaced by the
        company's own.
    dearer_resolution
        Pair 2, cost: relative cost per verified resolution. The pair is that of Ferraro et al.
        (2024), Business Horizons; the threshold is a convention of this library, to be replaced by
        the company's own.
    outcome_costs
        Kind of outcome to the cost of one unit of its value: refunds 1, a lost customer what one is
        worth. Part of the cost per resolution.
    outcome_days
        Pair 2: an outcome within this time is laid to a contact. A convention of this library.
    better_resolution
        Pair 3, benefit: resolution at first contact. The pair is that of Ferraro et al. (2024),
        Business Horizons; the threshold is a convention of this library, to be replaced by the
        company's own.
    weaker_recovery
        Pair 3, cost: rise after a negative turn, −1 to 1. The pair is that of Ferraro et al.
        (2024), Business Horizons; the threshold is a convention of this library, to be replaced by
        the company's own.
    rating_scale
        Worst and best rating that could be given; if not given, the first usual scale (0 to 1, 1 to
        5, 1 to 7, 0 to 10, 0 to 100) that holds all of the log.
    satisfied_from
        Pair 4: place on the scale (0 worst, 1 best) from which an answer is satisfied: 4 of 1 to 5,
        7 of 0 to 10. A convention of this library.
    bottom_box
        Pair 4: place on the scale up to which an answer is of the worst: 1 of 1 to 5, 2 of 0 to 10.
        A convention of this library.
    csat_target
        Pair 4, benefit: satisfied share of answers. The pair is that of Ferraro et al. (2024),
        Business Horizons; the threshold is a convention of this library, to be replaced by the
        company's own.
    frustrated
        Pair 4, cost: contacts in the worst tail. The pair is that of Ferraro et al. (2024),
        Business Horizons; the threshold is a convention of this library, to be replaced by the
        company's own.
    personal_data
        Pair 5: declared attribute of the personal data that a bot's turn used: names of fields
        joined by commas, their number, or yes and no.
    personalised
        Pair 5, benefit: resolution with personal data. The pair is that of Ferraro et al. (2024),
        Business Horizons; the threshold is a convention of this library, to be replaced by the
        company's own.
    privacy_kinds
        Pair 5: outcomes that are opt-outs, withdrawals, privacy complaints.
    privacy_touchpoints
        Pair 5: touchpoints that are opt-outs, withdrawals, privacy complaints.
    privacy_days
        Pair 5: an opt-out within this time is laid to a contact. A convention of this library.
    intrusive
        Pair 5, cost: ratio of opt-outs with and without data. The pair is that of Ferraro et al.
        (2024), Business Horizons; the threshold is a convention of this library, to be replaced by
        the company's own.
    powerful
        Pair 6, benefit: journeys completed by bots alone. The pair is that of Ferraro et al.
        (2024), Business Horizons; the threshold is a convention of this library, to be replaced by
        the company's own.
    vulnerable
        Pair 6, cost: journeys that hang on one bot. The pair is that of Ferraro et al. (2024),
        Business Horizons; the threshold is a convention of this library, to be replaced by the
        company's own.
    corrected
        Pair 6: declared attribute that flags events in which a wrong answer of a bot is corrected.
        Without it, what customers say next is read.
    fallback_tested
        Pair 6: day on which it was last tried to do without the bots.
    """

    baseline: tuple[date, date] | None = None
    min_support: float = Field(0.5, ge=0, le=1)

    answer_seconds: float = Field(60.0, gt=0)
    connected: float = Field(0.05, ge=0)
    isolation_days: float = Field(90.0, gt=0)
    isolated: float = Field(0.10, ge=0, le=1)
    cheaper_contact: float = Field(-0.10, ge=-1, le=0)
    dearer_resolution: float = Field(0.0, ge=0)
    outcome_costs: dict[Outcome, float] = Field({})
    outcome_days: float = Field(30.0, gt=0)
    better_resolution: float = Field(0.03, ge=0)
    weaker_recovery: float = Field(-0.1, ge=-2, le=0)
    rating_scale: tuple[float, float] | None = None
    satisfied_from: float = Field(0.7, ge=0, le=1)
    bottom_box: float = Field(0.2, ge=0, le=1)
    csat_target: float = Field(0.5, ge=0, le=1)
    frustrated: float = Field(0.10, ge=0, le=1)
    personal_data: str | None = None
    personalised: float = Field(0.0, ge=0)
    privacy_kinds: tuple[Outcome, ...] = ()
    privacy_touchpoints: tuple[Touchpoint, ...] = ()
    privacy_days: float = Field(30.0, gt=0)
    intrusive: float = Field(1.5, ge=1)
    powerful: float = Field(0.30, ge=0, le=1)
    vulnerable: float = Field(0.20, ge=0, le=1)

    corrected: str | None = None
    fallback_tested: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.baseline is not None and self.baseline[1] < self.baseline[0]:
            raise ValueError("'baseline' ends before it begins")
        if self.rating_scale is not None and self.rating_scale[1] <= self.rating_scale[0]:
            raise ValueError("'rating_scale' names the worst rating first, then the best")
        if self.bottom_box >= self.satisfied_from:
            raise ValueError("'bottom_box' must lie below 'satisfied_from'")
        return self
