"""Who leaves and who complains, and why: the causes that the samples plant."""

from __future__ import annotations

import numpy as np

from journeylib.log.sample.world import DAY, END, Bools, Cases, Dice, Floats, Ints, People

SETTLED_DAYS = 30


class Loyalty:
    """Collects causes of leaving; the earliest that strikes counts.

    Each cause is independent: it strikes with its probability, 3 to 25 days after the contact
    that set it off. The base cause strikes on any day.
    """

    def __init__(self, dice: Dice, people: People, *, base: float, new: float) -> None:
        self._dice = dice
        n = len(people)
        p: Floats = np.where(people.tenure_months < 12, base + new, base)
        self.left_at: Floats = np.where(dice.chance(n, p), END * dice.uniform(n), np.inf)
        self.joined_at: Floats = np.full(n, -np.inf)
        self._complaints: list[tuple[Ints, Floats]] = []

    def join(self, at: Cases) -> None:
        """Note that these customers joined: what they need of a customer comes later."""
        self.joined_at[at.who] = at.t + SETTLED_DAYS * DAY

    def settled(self, at: Cases) -> Cases:
        """Return the cases of those who were customers by then."""
        return at.where(at.t > self.joined_at[at.who])

    def risk(self, at: Cases, p: Floats) -> None:
        """Let each case cost the customer with probability `p`."""
        struck = self._dice.chance(len(at), p)
        when = at.t + self._dice.between(len(at), 3 * DAY, 25 * DAY)
        np.minimum.at(self.left_at, at.who[struck], when[struck])

    def spare(self, at: Cases) -> None:
        """Keep these customers: what happens to them must not be cut off."""
        self.left_at[at.who] = np.inf

    def complains(self, at: Cases, p: float | Floats) -> None:
        """Let each case lead to a formal complaint with probability `p` within 10 days."""
        struck: Bools = self._dice.chance(len(at), p)
        when = at.t + self._dice.between(len(at), DAY / 2, 10 * DAY)
        self._complaints.append((at.who[struck], when[struck]))

    def complaints(self) -> tuple[Ints, Floats]:
        """Return who complained when."""
        who, when = zip(*self._complaints, strict=True)
        return np.concatenate(who), np.concatenate(when)
