"""What choosing first automations needs to be told: money, limits, and who may be compared."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from journeylib.core import Described
from journeylib.judge import CostRange
from journeylib.log import KeptTouchpoint, Touchpoint

Share = Annotated[float, Field(ge=0, le=1)]


class CandidateSettings(Described):
    """What is said of one touchpoint that a machine might take over.

    Attributes
    ----------
    like
        A touchpoint of a bot about the same matter: its verified containment is carried over, less
        what `transfer` takes off.
    contained
        Share of contacts that a bot would settle: low, most likely, high. An assumption, for
        touchpoints that no bot has served.
    build
        What it costs to build; else `build`.
    after
        Touchpoints that must be automated before or together with this one.
    """

    like: KeptTouchpoint | None = None
    contained: tuple[Share, Share, Share] | None = None
    build: float | None = Field(None, ge=0)
    after: tuple[KeptTouchpoint, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.like is not None and self.contained is not None:
            raise ValueError("give either 'like' or 'contained'")
        if self.contained is not None and list(self.contained) != sorted(self.contained):
            raise ValueError("'contained' is [low, most likely, high], ascending")
        return self


class PortfolioSettings(Described):
    """Money and limits of the first automations; every amount is the company's own.

    Attributes
    ----------
    budget
        What all of them together may cost to build.
    build
        What one costs to build where nothing else is said.
    horizon_weeks
        Weeks over which building costs are spread.
    log_share
        Share of the company's contacts that the log holds, as .02 for a sample of 2 %: the rest is
        taken to be like it.
    human_minute
        What a minute of a person's work costs.
    run_per_visit
        What a contact in the bot costs to run.
    failed_contact
        What is lost when a failed contact does harm: a customer's value, a refund.
    harm
        Share of failed contacts that do harm, 0 to 1.
    transfer
        How much of a bot's containment survives with the contacts that people have had until now:
        low, most likely, high. Bots have had the easy cases; an assumption.
    risk_aversion
        Weight of the expected loss in the worst tenth of resamples (CVaR).
    fewest
        Choose at least so many, where so many may be.
    most
        Choose at most so many.
    one_per_stage
        At most one for each stage of the journey.
    currency
        Currency of all amounts.
    candidates
        Touchpoint to what is said of it.
    """

    budget: float = Field(gt=0)
    build: float = Field(ge=0)
    horizon_weeks: float = Field(104, gt=0)
    log_share: float = Field(1.0, gt=0, le=1)
    human_minute: CostRange
    run_per_visit: float = Field(0.0, ge=0)
    failed_contact: CostRange
    harm: CostRange
    transfer: tuple[Share, Share, Share] = (0.5, 0.8, 1.0)
    risk_aversion: float = Field(0.25, ge=0)
    fewest: int = Field(3, ge=1)
    most: int = Field(5, ge=1)
    one_per_stage: bool = False
    currency: str = "EUR"
    candidates: dict[Touchpoint, CandidateSettings] = Field({})

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.fewest > self.most:
            raise ValueError("'fewest' must not exceed 'most'")
        if list(self.transfer) != sorted(self.transfer):
            raise ValueError("'transfer' is [low, most likely, high], ascending")
        highest = self.harm[-1] if isinstance(self.harm, tuple) else self.harm
        if highest > 1:
            raise ValueError("'harm' is a share, at most 1")
        return self
