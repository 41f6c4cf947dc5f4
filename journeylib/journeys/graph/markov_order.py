"""How much memory journeys have: does the next step depend on more than the present one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from journeylib.core import Floats, number, text
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.walk.counting import number_pairs
from journeylib.journeys.walk.outline import END_KINDS
from journeylib.log import Numbers, Whole

FOLDS = 16
ORDERS = (1, 2, 3)
# Worth of one visit that the shorter context brings along: unseen steps stay possible.
WEIGHT = 1.0
# A gain of one hundredth of a nat makes a step one per cent less surprising: too little to matter,
# and longer contexts gain a trace of it from smoothing alone.
MATERIAL = 0.01
_BEFORE, _NEXT = ("b1", "b2", "b3"), "next"
# Ends are numbered below zero; -1 stands for "before the journey".
_ENDINGS = {"goal": -2, "bad_end": -3, "other": -4, "open": -5}


@dataclass(frozen=True)
class OrderTest:
    """Held-out log-loss of chains that remember one, two and three visits.

    Attributes
    ----------
    losses : pandas.DataFrame
        One row per order: ``order``, ``loss`` (nats per step, on customers left out),
        ``gain`` and ``gain_se`` (loss of the next lower order minus this one, with its standard
        error over folds of customers; NaN for order 1), ``better`` (gain above one error and
        above `MATERIAL`).
    order : int
        The lowest order that the next higher one does not beat.
    steps : int
        Steps that were foreseen.
    """

    losses: pd.DataFrame
    order: int
    steps: int

    @property
    def memory(self) -> bool:
        """Whether journeys remember more than where they are."""
        return self.order > 1

    def __str__(self) -> str:
        if not self.memory:
            return text("journeys.memory.one")
        gain = self.losses.loc[self.losses["order"] == 2].iloc[0]
        return text(
            "journeys.memory.more",
            order=self.order,
            gain=number(gain["gain"], 3),
            error=number(gain["gain_se"], 3),
        )


def order_test(journeys: Journeys) -> OrderTest:
    """Test whether a chain of first order is adequate.

    Parameters
    ----------
    journeys : Journeys

    Notes
    -----
    Sixteen folds of customers; each step (ends included, unfinished visits of open journeys
    not) is foreseen by counts of the other folds. Counts of a context are smoothed towards the
    next shorter one with the weight of one visit. An order is better where its loss is lower by
    more than one standard error of the difference over folds, and by 0.01 nats a step.
    """
    rows = _contexts(journeys)
    losses = np.stack(list(_losses(rows)))
    weights = np.bincount(rows["fold"], rows["n"], FOLDS)
    used = weights > 0
    steps = int(weights.sum())
    per_fold = losses[:, used] / weights[used]
    total = losses.sum(axis=1) / max(steps, 1)
    gains = per_fold[:-1] - per_fold[1:]
    folds = int(used.sum())
    if folds > 1:
        errors = gains.std(axis=1, ddof=1) / np.sqrt(folds)
    else:
        errors = np.full(len(gains), np.inf)
    gain = total[:-1] - total[1:]
    better = (gain > errors) & (gain > MATERIAL)
    table = pd.DataFrame(
        {
            "order": ORDERS,
            "loss": total,
            "gain": [np.nan, *gain],
            "gain_se": [np.nan, *errors],
            "better": [False, *better],
        }
    )
    order = ORDERS[0] + int(np.argmin(np.r_[better, False]))
    return OrderTest(table, order, steps)


def _contexts(journeys: Journeys) -> pd.DataFrame:
    """Count (three visits before, next) per fold of customers; open journeys have no last next."""
    events, outline = journeys.events, journeys.outline
    rows = np.flatnonzero(events.ends_visit)
    visit, journey = events.touchpoint[rows].astype(np.int64), events.journey[rows]
    end = np.array([_ENDINGS[kind] for kind in END_KINDS], dtype=np.int64)[outline.end_kind]
    last = np.append(journey[1:] != journey[:-1], True)[: len(rows)]
    following = np.where(last, end[journey], np.append(visit[1:], 0)[: len(rows)])
    before = [visit]
    for back in (1, 2):
        earlier = np.full(len(rows), -1, dtype=np.int64)
        same = journey[back:] == journey[:-back]
        earlier[back:][same] = visit[:-back][same]
        before.append(earlier)
    fold = events.group[rows].astype(np.int64) % FOLDS
    has_ended = following != _ENDINGS["open"]
    columns = [column[has_ended] for column in (*before, following, fold)]
    rows_of = pd.DataFrame(dict(zip([*_BEFORE, _NEXT, "fold"], columns, strict=True)))
    return rows_of.groupby(list(rows_of.columns)).size().reset_index(name="n").astype("int64")


def _losses(rows: pd.DataFrame) -> Iterator[Floats]:
    """Give the summed loss per fold of a chain that remembers so many visits, by `ORDERS`."""
    # A column of a frame cannot be written to: a kind of its own to compiled functions.
    n, fold = rows["n"].to_numpy(), rows["fold"].to_numpy(copy=True)
    following = np.unique(rows[_NEXT], return_inverse=True)[1]
    many = int(following.max(initial=0)) + 1
    chance = np.full(len(rows), 1 / many)
    context = np.zeros(len(rows), dtype=np.int32)
    for depth in range(max(ORDERS) + 1):
        if depth:
            earlier = rows[_BEFORE[depth - 1]].to_numpy() + 1
            context = number_pairs(context, earlier, int(earlier.max(initial=0)) + 1)[0]
        here = _others(number_pairs(context, following, many)[0], n, fold)
        chance = (here + WEIGHT * chance) / (_others(context, n, fold) + WEIGHT)
        if depth in ORDERS:
            yield np.bincount(fold, -n * np.log(chance), FOLDS).astype(np.float64)


def _others(context: Numbers, n: Whole, fold: Whole) -> Floats:
    """Count each row's context in all folds but its own; counts are exact as floats."""
    everywhere = np.bincount(context, n)[context]
    own = number_pairs(context, fold, FOLDS)[0]
    return np.asarray(everywhere - np.bincount(own, n)[own])
