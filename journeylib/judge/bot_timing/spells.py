"""Spells: bot sessions by their end, and how much alike those of one customer are.

A test that takes each session for a witness of its own hears the same customer several times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from journeylib.judge.moments.design_matrix import Bools, Floats, Ints

PLACES = 40
BEYOND_CHANCE = 1.645  # standard errors: independent sessions look alike one time in twenty


@dataclass(frozen=True)
class Spells:
    """Sessions in order of their end.

    Attributes
    ----------
    minutes : ndarray of float64, shape (n,)
        Sorted; from the first bot turn to the end.
    event : ndarray of bool, shape (n,)
        Whether the end is the event of interest.
    entry : ndarray of float64, shape (n,)
        Minute from which the session was seen; 0 unless it began before the log.
    cluster : ndarray of int64, shape (n,)
        Customer, 0..clusters − 1.
    """

    minutes: Floats
    event: Bools
    entry: Floats
    cluster: Ints

    @property
    def events(self) -> int:
        """Number of events."""
        return int(self.event.sum())

    @property
    def exposure(self) -> float:
        """Minutes at risk."""
        return float((self.minutes - self.entry).sum())


def design_effects(spells: Spells, at: Floats) -> Floats:
    """Return by how much dependence within customers inflates the statistic of each break.

    Parameters
    ----------
    spells : Spells
        In minutes, or in turns.
    at : ndarray of float64
        Possible breaks.

    Returns
    -------
    ndarray of float64
        Like `at`, at least 1; exactly 1 where every customer has one session, or theirs are no
        more alike than independent ones are by chance.

    Notes
    -----
    Variance of the score of a break, with customers as witnesses, over the same with sessions:
    the first-order correction of a likelihood ratio by Rao and Scott (1984), Annals of
    Statistics 12, 46–60, taken at 40 places and interpolated between them. The score of a
    session is M(τ) − s·M(∞), with M its events less those that a constant hazard expects of its
    time at risk, and s the share of all time at risk before τ.
    """
    if int(spells.cluster.max(initial=-1)) + 1 == len(spells.minutes) or not len(at):
        return np.ones(len(at))
    places = np.unique(np.quantile(at, np.linspace(0, 1, PLACES), method="nearest"))
    rate = spells.events / spells.exposure
    ended = spells.event.astype(np.float64)
    whole = ended - rate * (spells.minutes - spells.entry)
    found = np.empty(len(places))
    for k, place in enumerate(places):
        risk = np.minimum(spells.minutes, place) - np.minimum(spells.entry, place)
        before = ended * (spells.minutes <= place) - rate * risk
        score = before - risk.sum() / spells.exposure * whole
        total, squares, fourth = (
            np.bincount(spells.cluster, weights=score**power) for power in (1, 2, 4)
        )
        alone = float(squares.sum())
        excess = float((total**2 - squares).sum())
        chance = float(np.sqrt(max(2 * (squares**2 - fourth).sum(), 0.0)))
        found[k] = 1 + excess / alone if excess > BEYOND_CHANCE * chance else 1.0
    return np.asarray(np.interp(at, places, found))
