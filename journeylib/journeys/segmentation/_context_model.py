"""What comes next in a journey, given the journey so far: counts by context, smoothed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from journeylib.journeys.segmentation._forward_backward import Streams

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

AGES = 20  # ages of a journey that are told apart; the last stands for older
# Contexts from short to long: none, the last touchpoint, two, three, the whole journey.
ORDERS = (0, 1, 2, 3, AGES)
# Ages this improbable have no say in the choice of a concentration.
NEGLIGIBLE = 1e-3
CONCENTRATIONS = (0.25, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)

_START = np.uint64(0x5851F42D4C957F2D)
_END = np.uint64(0x14057B7EF767814F)
_STEP = np.uint64(0x2545F4914F6CDD1D)


def _mixed(values: npt.NDArray[np.generic]) -> Keys:
    """Spread integers over 64 bits (the finaliser of splitmix64)."""
    x = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def context_keys(streams: Streams, order: int) -> Keys:
    """Return a key of the last `order` touchpoints, or of the whole journey if it is younger.

    Returns
    -------
    ndarray of uint64, shape (events, AGES)
        One column per age of the journey. Equal contexts have equal keys; two different ones
        share a key with a chance of about one in 10¹⁹.
    """
    letters = _mixed(streams.touchpoint)
    text = np.zeros(streams.events, dtype=np.uint64)
    keys = np.zeros((streams.events, AGES), dtype=np.uint64)
    first = streams.position == 0
    for age in range(1, AGES + 1):
        if age <= order:
            before = np.where(first, np.uint64(0), text[streams.before])
            text = _mixed(before * _STEP + letters)
        # A journey as old as the order looks back no further, so all such ages share a key.
        keys[:, age - 1] = text if age >= order else text ^ _START
    return keys


def _outcome_keys(contexts: Keys, streams: Streams) -> tuple[Keys, Keys]:
    """Return keys of (context, next touchpoint) and of (context, end)."""
    following = _mixed(streams.following)[:, None]
    return _mixed(contexts * _STEP + following), _mixed(contexts * _STEP + _END)


@dataclass(frozen=True)
class Level:
    """What was counted in the contexts of one order, and how far to trust it."""

    order: int
    contexts: Keys
    totals: Floats
    outcomes: Keys
    counts: Floats
    concentration: float


@dataclass(frozen=True)
class Contexts:
    """Counts learned from one log, to foresee events of another.

    Attributes
    ----------
    levels : tuple of Level
        From the shortest contexts to the longest.
    symbols : int
        Touchpoints known, and the journey's end.
    """

    levels: tuple[Level, ...]
    symbols: int

    def foresee(self, streams: Streams) -> tuple[Floats, Floats]:
        """Return P(next touchpoint) and P(end) after each event, by age."""
        carry = cut = np.full((streams.events, AGES), 1 / self.symbols)
        for level in self.levels:
            contexts = context_keys(streams, level.order)
            following, end = _outcome_keys(contexts, streams)
            total = _found(level.contexts, level.totals, contexts) + level.concentration
            on = _found(level.outcomes, level.counts, following) + level.concentration * carry
            ended = _found(level.outcomes, level.counts, end) + level.concentration * cut
            carry, cut = on / total, ended / total
        return carry, cut


def _found(keys: Keys, values: Floats, wanted: Keys) -> Floats:
    """Look values up by sorted key; 0 where the key is unknown."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0.0)


def _sums(numbers: Ints, weights: Floats, size: int) -> Floats:
    """Sum weights by number."""
    sums = np.bincount(numbers.ravel(), weights.ravel(), size)
    return np.asarray(sums, dtype=np.float64)


def _log_likelihood(
    concentration: float,
    weights: Sequence[Floats],
    counts: Sequence[Floats],
    shorter: Sequence[Floats],
) -> float:
    """Weigh what happened by what counts smoothed with `concentration` foresaw.

    `weights`, `counts` and `shorter` are of going on and of ending; `counts` has the total too.
    """
    (carry, cut), (on, ended, total), (shorter_on, shorter_ended) = weights, counts, shorter
    happened = carry * np.log(on + concentration * shorter_on)
    happened += cut * np.log(ended + concentration * shorter_ended)
    happened -= (carry + cut) * np.log(total + concentration)
    return float(happened.sum())


@dataclass(frozen=True)
class Tally:
    """The contexts of one order in one log, numbered, so that counting is one pass."""

    order: int
    keys: Keys
    at: Ints
    outcome_keys: Keys
    following: Ints
    end: Ints

    @classmethod
    def of(cls, streams: Streams, order: int) -> Tally:
        """Give numbers to the contexts of `order` and what may follow them."""
        contexts = context_keys(streams, order)
        keys, at = np.unique(contexts, return_inverse=True)
        outcome_keys, numbers = np.unique(
            np.stack(_outcome_keys(contexts, streams)), return_inverse=True
        )
        following, end = numbers.reshape(2, *contexts.shape)
        return cls(order, keys, at.reshape(contexts.shape), outcome_keys, following, end)

    def count(self, carry: Floats, cut: Floats) -> tuple[Floats, Floats]:
        """Return expected counts per context and per outcome in it."""
        outcomes = len(self.outcome_keys)
        counts = _sums(self.following, carry, outcomes) + _sums(self.end, cut, outcomes)
        return _sums(self.at, carry + cut, len(self.keys)), counts

    def level(self, carry: Floats, cut: Floats, concentration: float) -> Level:
        """Keep the counts, to look them up for another log."""
        totals, counts = self.count(carry, cut)
        return Level(self.order, self.keys, totals, self.outcome_keys, counts, concentration)

    def own(self, weights: Floats) -> Floats:
        """Return what each event itself adds to the count of each of its contexts."""
        own = weights.copy()
        shared = max(self.order, 1) - 1
        own[:, shared:] = weights[:, shared:].sum(axis=1, keepdims=True)
        return own

    def refine(
        self, carry: Floats, cut: Floats, shorter: tuple[Floats, Floats]
    ) -> tuple[Floats, Floats, float]:
        """Foresee each event from the counts of all others, smoothed towards `shorter`.

        Parameters
        ----------
        carry, cut : ndarray of float64, shape (events, AGES)
            Expected number of times that the event's journey went on, or ended.
        shorter : pair of ndarray
            P(next touchpoint) and P(end) by the next shorter contexts.

        Returns
        -------
        tuple
            P(next touchpoint), P(end), and the concentration that makes the log likeliest.
        """
        totals, counts = self.count(carry, cut)
        own_carry, own_cut = self.own(carry), self.own(cut)
        on = np.maximum(counts[self.following] - own_carry, 0.0)
        ended = np.maximum(counts[self.end] - own_cut, 0.0)
        total = np.maximum(totals[self.at] - own_carry - own_cut, 0.0)
        seen = np.flatnonzero(carry + cut > NEGLIGIBLE)
        of = [
            [values.ravel()[seen] for values in part]
            for part in ((carry, cut), (on, ended, total), shorter)
        ]
        best = max(CONCENTRATIONS, key=lambda c: _log_likelihood(c, *of))
        return (
            (on + best * shorter[0]) / (total + best),
            (ended + best * shorter[1]) / (total + best),
            best,
        )
