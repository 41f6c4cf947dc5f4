"""What both sample companies are made of: dice, people, cases, and the book of events.

Every draw is an inverse transform of uniform numbers, whose stream does not change between
versions of numpy, so that the committed files can be made again byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

START = np.datetime64("2026-01-05T00:00:00", "s")  # a Monday
DAYS = 182
DAY = 86_400.0
END = DAYS * DAY
RUN_IN_DAYS = 10  # cases may begin before the log does: they are cut off on the left
WEEKDAY_WEIGHTS = (1.25, 1.1, 1.0, 1.0, 1.05, 0.7, 0.4)
SHARED_PHONE_CUSTOMERS = 40
THIN_CUSTOMERS = 12
SLOTS = 3

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Words = npt.NDArray[np.object_]


class Dice:
    """A seeded source of draws that uses nothing but uniform numbers."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64(seed))

    def uniform(self, n: int) -> Floats:
        """Return n numbers in [0, 1)."""
        return self._rng.random(n)

    def chance(self, n: int, p: float | Floats) -> Bools:
        """Return n events of probability p."""
        return np.asarray(self.uniform(n) < p)

    def between(self, n: int, lo: float, hi: float) -> Floats:
        """Return n numbers in [lo, hi)."""
        return lo + (hi - lo) * self.uniform(n)

    def whole(self, n: int, lo: int, hi: int) -> Ints:
        """Return n whole numbers lo..hi."""
        return (lo + np.floor((hi - lo + 1) * self.uniform(n))).astype(np.int64)

    def waits(self, n: int, mean: float) -> Floats:
        """Return n exponential waits."""
        return np.asarray(-mean * np.log1p(-self.uniform(n)))

    def skewed(self, n: int, lo: float, hi: float) -> Floats:
        """Return n numbers in [lo, hi) with a long tail to the right."""
        return lo + (hi - lo) * self.uniform(n) ** 2

    def pick(self, n: int, options: Sequence[str], weights: Sequence[float] | None = None) -> Words:
        """Return n words, evenly or by weight."""
        w = np.ones(len(options)) if weights is None else np.asarray(weights, dtype=np.float64)
        steps = np.cumsum(w) / w.sum()
        chosen = np.searchsorted(steps, self.uniform(n), side="right")
        return np.asarray(options, dtype=object)[np.minimum(chosen, len(options) - 1)]

    def order(self, n: int) -> Ints:
        """Return 0..n−1 shuffled."""
        return np.argsort(self.uniform(n), kind="stable")


@dataclass(frozen=True)
class People:
    """The customers of a company, one array entry each."""

    id: Words
    segment: Words
    tenure_months: Ints
    spend_before: Ints
    vulnerable: Bools
    german: Bools
    phone: Words
    phase: Floats  # shifts a customer's cases round the half year, so that no week is empty

    def __len__(self) -> int:
        return len(self.id)


def people(
    dice: Dice,
    n: int,
    *,
    prefix: str,
    segments: Mapping[str, float],
    new_share: float,
) -> People:
    """Draw n customers; a share of them is new, and one phone number is shared."""
    new = dice.chance(n, new_share)
    tenure = np.where(new, 0, np.floor(dice.skewed(n, 3, 140))).astype(np.int64)
    spend = np.where(new, 0, np.floor(dice.skewed(n, 12, 95) + tenure / 10)).astype(np.int64)
    phone = np.asarray([f"{number:06d}" for number in 7 * np.arange(n) + 100_011], dtype=object)
    shared = dice.order(n)[:SHARED_PHONE_CUSTOMERS]
    phone[shared] = phone[shared[0]]
    return People(
        id=np.asarray([f"{prefix}{number}" for number in dice.order(n) + 1], dtype=object),
        segment=dice.pick(n, list(segments), list(segments.values())),
        tenure_months=tenure,
        spend_before=spend,
        vulnerable=dice.chance(n, 0.02),
        german=dice.chance(n, 0.04),
        phone=phone,
        phase=3 * dice.uniform(n),
    )


@dataclass(frozen=True)
class Cases:
    """Customers with a matter, and the second since `START` at which each has arrived."""

    who: Ints
    t: Floats
    severe: Bools

    def __len__(self) -> int:
        return len(self.who)

    def where(self, mask: Bools) -> Cases:
        """Return the cases under the mask."""
        return Cases(self.who[mask], self.t[mask], self.severe[mask])

    def after(self, seconds: float | Floats) -> Cases:
        """Return the same cases later."""
        return replace(self, t=self.t + seconds)

    def days_later(self, dice: Dice, lo: int, hi: int) -> Cases:
        """Return the same cases on a later day in opening hours."""
        day = np.floor(self.t / DAY) + dice.whole(len(self), lo, hi)
        return replace(self, t=day * DAY + daytime(dice, len(self)))


def join(*parts: Cases) -> Cases:
    """Return the cases of all parts."""
    return Cases(
        np.concatenate([part.who for part in parts]),
        np.concatenate([part.t for part in parts]),
        np.concatenate([part.severe for part in parts]),
    )


def daytime(dice: Dice, n: int) -> Floats:
    """Draw whole seconds of the day between 8 and 20 h, most before noon and after work."""
    quantiles = [0, 0.35, 0.5, 0.85, 1]
    return np.floor(np.interp(dice.uniform(n), quantiles, [28_800, 41_400, 54_000, 66_600, 72_000]))


def season(day: Floats) -> Floats:
    """Return the yearly swing: a peak in January, a trough in July."""
    return np.asarray(1 + 0.25 * (1 - day / 91))


def cases(dice: Dice, people: People, who: Ints, *, slot: int, severe: float) -> Cases:
    """Open one case per customer in one of three slots of the half year, by week and season.

    The slots of a customer lie three weeks apart, so that a gap of two weeks cuts journeys.
    """
    day = np.arange(-RUN_IN_DAYS, DAYS, dtype=np.float64)
    weight = season(day) * np.asarray(WEEKDAY_WEIGHTS)[day.astype(np.int64) % 7]
    steps = np.cumsum(weight) / weight.sum()
    u = (slot + people.phase[who] + 0.65 * dice.uniform(len(who))) / SLOTS % 1
    return Cases(
        who,
        day[np.searchsorted(steps, u, side="right")] * DAY + daytime(dice, len(who)),
        dice.chance(len(who), severe),
    )


def few(dice: Dice, who: Ints) -> Cases:
    """Open one severe case per customer, well inside the half year."""
    day = dice.whole(len(who), 30, 150)
    return Cases(who, day * DAY + daytime(dice, len(who)), np.ones(len(who), dtype=bool))


@dataclass(frozen=True)
class Release:
    """A new version of every bot: from `day` on it honours requests for a person less often.

    Attributes
    ----------
    day : int
        Since the log's first day.
    honours : float
        Of the requests honoured until then, the share that still is.
    """

    day: int
    honours: float

    def still(self, t: Floats) -> Floats:
        """Return what is left of the bots' readiness to hand over, at each of these seconds."""
        return np.where(t < self.day * DAY, 1.0, self.honours)


class Book:
    """Takes down events block by block; `columns` gives them back side by side."""

    def __init__(self, dice: Dice, people: People, release: Release | None = None) -> None:
        self.dice = dice
        self.people = people
        self.release = release or Release(DAYS + 1, 1.0)
        self._blocks: list[dict[str, npt.NDArray[Any]]] = []
        self._sessions = 0

    def sessions(self, n: int) -> Ints:
        """Return n new session numbers."""
        self._sessions += n
        return np.arange(self._sessions - n, self._sessions, dtype=np.int64) + 1

    def add(self, at: Cases, touchpoint: str, actor: str, **columns: Any) -> None:
        """Write one event per case; a column is an array or one value for all.

        Columns: seconds (service time), began (start of the session), session, intent, text,
        mood (−1..1), rating_base (0..1), resource, solved, error, cost, disclosed, sent, asked.
        """
        n = len(at)
        block: dict[str, npt.NDArray[Any]] = {
            "who": at.who,
            "t": at.t,
            "began": at.t,
            "severe": at.severe,
            "touchpoint": np.full(n, touchpoint, dtype=object),
            "actor": np.full(n, actor, dtype=object),
        }
        for name, value in columns.items():
            block[name] = np.broadcast_to(np.asarray(value, dtype=COLUMNS[name][0]), (n,))
        self._blocks.append(block)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return all events; what a block did not say is empty."""
        names = {name: None for block in self._blocks for name in block}
        return {
            name: np.concatenate(
                [
                    block[name]
                    if name in block
                    else np.full(len(block["who"]), COLUMNS[name][1], dtype=COLUMNS[name][0])
                    for block in self._blocks
                ]
            )
            for name in [*names, *(name for name in COLUMNS if name not in names)]
        }


COLUMNS: dict[str, tuple[type[Any], Any]] = {
    "began": (np.float64, np.nan),
    "seconds": (np.float64, np.nan),
    "session": (np.int64, 0),
    "intent": (object, ""),
    "text": (object, ""),
    "mood": (np.float64, np.nan),
    "rating_base": (np.float64, np.nan),
    "resource": (object, ""),
    "solved": (object, ""),
    "error": (np.bool_, False),
    "disclosed": (object, ""),
    "sent": (object, ""),
    "asked": (object, ""),
}


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
