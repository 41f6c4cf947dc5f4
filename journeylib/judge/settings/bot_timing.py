"""What the time in the bot is judged by: costs, the team that takes hand-offs, limits of items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field

from journeylib.core import Described, Floats


@dataclass(frozen=True)
class Limit:
    """From where an item of the hand-off audit counts as failed.

    Attributes
    ----------
    at : float
        In the unit of the item.
    harm : int
        3: customers are left without help; 2: they have to do the work again; 1: they wait, or
        see no way out.
    falls : bool
        It fails below the limit, not above.
    """

    at: float
    harm: int
    falls: bool = False


HANDOFF_LIMITS: dict[str, Limit] = {
    "silent_abandonment": Limit(0.10, 3),
    "dead_cries": Limit(0.05, 3),
    "lost_in_queue": Limit(0.10, 3),
    "requests_honoured": Limit(0.80, 3, falls=True),
    "loops": Limit(0.05, 2),
    "ping_pong": Limit(0.10, 2),
    "handovers_cold": Limit(0.10, 2),
    "repeated_information": Limit(0.10, 2),
    "asked_again": Limit(0.10, 2),
    "context_sent": Limit(0.80, 2, falls=True),
    "context_carried": Limit(0.80, 2, falls=True),
    "escalated_late": Limit(0.10, 2),
    "wait": Limit(120.0, 1),
    "cries_to_human": Limit(1.5, 1),
    "escape_hatch_offered": Limit(0.80, 1, falls=True),
}


def _ascending(cost: float | tuple[float, float, float]) -> float | tuple[float, float, float]:
    if isinstance(cost, tuple) and not 0 <= cost[0] <= cost[1] <= cost[2]:
        raise ValueError("a range of costs is [low, most likely, high], 0 or more, ascending")
    return cost


CostRange = Annotated[
    Annotated[float, Field(ge=0)] | tuple[float, float, float], AfterValidator(_ascending)
]


def draw_costs(cost: CostRange, rng: np.random.Generator, draws: int) -> Floats:
    """Draw an amount so many times from its triangle; one without a range is what it is."""
    low, mode, high = cost if isinstance(cost, tuple) else (cost, cost, cost)
    return rng.triangular(low, mode, high, draws) if high > low else np.full(draws, float(mode))


class CostSettings(Described):
    """What a session costs; each a number or [low, most likely, high].

    Attributes
    ----------
    human_contact
        A contact that a human handles, with the customer's wait for it.
    bot_per_minute
        A minute in the bot.
    frustrated_exit
        What is lost when a customer gives up.
    currency
        Currency of all costs.
    """

    human_contact: CostRange
    bot_per_minute: CostRange
    frustrated_exit: CostRange
    currency: str = "EUR"

    def likely(self) -> tuple[float, float, float]:
        """Return the most likely cost of a bot minute, a frustrated exit and a human contact."""
        bot, left, human = (cost[1] if isinstance(cost, tuple) else cost for cost in self._costs)
        return bot, left, human

    def sample(self, rng: np.random.Generator) -> tuple[float, float, float]:
        """Draw each cost from its triangle, in the order of `likely`."""
        bot, left, human = (float(draw_costs(cost, rng, 1)[0]) for cost in self._costs)
        return bot, left, human

    @property
    def _costs(self) -> tuple[CostRange, CostRange, CostRange]:
        return self.bot_per_minute, self.frustrated_exit, self.human_contact


class CapacitySettings(Described):
    """The people who take what bots hand over: handing over more makes everyone wait longer.

    Attributes
    ----------
    staff
        People on duty at the same time for hand-overs.
    service_minutes
        Mean time that a contact takes them.
    patience_minutes
        Mean time until a waiting customer gives up.
    contact_without_wait
        Cost of a contact that a human handles, without the wait for it.
    waiting_per_minute
        Cost of a minute of a customer's wait.
    open_hours_a_week
        Hours a week in which sessions come and staff serve.
    """

    staff: int = Field(ge=1)
    service_minutes: float = Field(gt=0)
    patience_minutes: float = Field(gt=0, le=10_000)
    contact_without_wait: float = Field(ge=0)
    waiting_per_minute: float = Field(ge=0)
    open_hours_a_week: float = Field(168.0, gt=0, le=168)
