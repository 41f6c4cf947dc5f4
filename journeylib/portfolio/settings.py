"""What choosing first automations needs to be told: money, limits, and who may be compared."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from journeylib.judge import CostRange
from journeylib.log import KeptTouchpoint, Touchpoint

Share = Annotated[float, Field(ge=0, le=1)]


class CandidateSettings(BaseModel):
    """What is said of one touchpoint that a machine might take over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    like: KeptTouchpoint | None = Field(
        None,
        description="A touchpoint of a bot about the same matter: its verified containment is "
        "carried over, less what `transfer` takes off.",
    )
    contained: tuple[Share, Share, Share] | None = Field(
        None,
        description="Share of contacts that a bot would settle: low, most likely, high. An "
        "assumption, for touchpoints that no bot has served.",
    )
    build: float | None = Field(None, ge=0, description="What it costs to build; else `build`.")
    after: tuple[KeptTouchpoint, ...] = Field(
        (), description="Touchpoints that must be automated before or together with this one."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.like is not None and self.contained is not None:
            raise ValueError("give either 'like' or 'contained'")
        if self.contained is not None and list(self.contained) != sorted(self.contained):
            raise ValueError("'contained' is [low, most likely, high], ascending")
        return self


class PortfolioSettings(BaseModel):
    """Money and limits of the first automations; every amount is the company's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: float = Field(gt=0, description="What all of them together may cost to build.")
    build: float = Field(ge=0, description="What one costs to build where nothing else is said.")
    horizon_weeks: float = Field(
        104, gt=0, description="Weeks over which building costs are spread."
    )
    log_share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Share of the company's contacts that the log holds, as .02 for a sample of "
        "2 %: the rest is taken to be like it.",
    )
    human_minute: CostRange = Field(description="What a minute of a person's work costs.")
    run_per_visit: float = Field(0.0, ge=0, description="What a contact in the bot costs to run.")
    failed_contact: CostRange = Field(
        description="What is lost when a failed contact does harm: a customer's value, a refund."
    )
    harm: CostRange = Field(description="Share of failed contacts that do harm, 0 to 1.")
    transfer: tuple[Share, Share, Share] = Field(
        (0.5, 0.8, 1.0),
        description="How much of a bot's containment survives with the contacts that people have "
        "had until now: low, most likely, high. Bots have had the easy cases; an assumption.",
    )
    risk_aversion: float = Field(
        0.25,
        ge=0,
        description="Weight of the expected loss in the worst tenth of resamples (CVaR).",
    )
    fewest: int = Field(3, ge=1, description="Choose at least so many, where so many may be.")
    most: int = Field(5, ge=1, description="Choose at most so many.")
    one_per_stage: bool = Field(False, description="At most one for each stage of the journey.")
    currency: str = Field("EUR", description="Currency of all amounts.")
    candidates: dict[Touchpoint, CandidateSettings] = Field(
        {}, description="Touchpoint to what is said of it."
    )

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
