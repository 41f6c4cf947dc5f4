"""How far a small tree of rules could tell what comes next, from what is known at the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journeylib.core import GROUPS, resample
from journeylib.journeys import Base, Journeys
from journeylib.log import Runs, fetch
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import Floats, Whole, measured, thin

Singles = npt.NDArray[np.float32]
MICRO = 1_000_000
DEPTH, FOLDS, SMALLEST_LEAF = 4, 5, 20
# A leaf of n visits is drawn towards the margin as if by this many visits more: a tree that is
# sure and wrong would otherwise lose without bound.
TOWARDS_MARGIN = 5
# Enough for a tree of sixteen leaves; more would cost time and teach it little.
VISITS_PER_TOUCHPOINT = 5_000
LEVELS, RAREST_CLASS = 10, 10
KNOWN_AT_START = ("channel", "segment", "intent", "actor")
NOT_KNOWN = ("touchpoint_no", "group", "customer_no", "journey", "next")
END, OTHER = "(end)", "(other)"
# Customers are sampled by a multiplicative hash of their number, the same on every engine.
MULTIPLIER, MODULUS = 48_271, 2_147_483_647


def rule_skill(journeys: Journeys, settings: MeasureSettings) -> Measured:
    """Measure the out-of-sample skill of a tree of depth 4 at predicting the next step.

    Skill is 1 − log loss of the tree / log loss of the margin, each on customers that neither
    has seen (five folds of customer groups). The tree knows the previous touchpoint, channel,
    segment, intent, actor, the attributes ``known_at_start``, step number, hour and weekday.
    Touchpoints with many visits are sampled by customer; the base counts the visits used, and a
    log of more than `max_customers_modelled` customers is sampled first, which the source says.

    Notes
    -----
    The interval takes the trees as they are: it holds the chance in the customers on whom they
    are tried, not that in their growing. A touchpoint with one successor leaves nothing to tell
    and abstains as ``unidentified``.
    """
    many = len(journeys.touchpoints)
    visits = _sampled_visits(journeys, settings.known_at_start)
    features = [column for column in visits.columns if column not in NOT_KNOWN]
    losses = np.zeros((GROUPS, many, 2))
    base = _base(visits, many)
    known = [_coded(visits[column]) for column in features]
    names = sorted({*visits["next"], OTHER})
    outcome = np.asarray(pd.Index(names).get_indexer(visits["next"]), dtype=np.int64)
    group = visits["group"].to_numpy()
    rows_of = visits.groupby("touchpoint_no").indices
    for spot in np.flatnonzero(~thin(base, settings)):
        rows = rows_of.get(spot, np.zeros(0, dtype=np.int64))
        came = _classes(outcome[rows], names.index(OTHER))
        losses[:, spot] = _losses([column[rows] for column in known], came, group[rows])
    result = resample(losses, lambda s: 1 - s[..., 0] / s[..., 1], n_customers=base.customers)
    skill = measured("rule_skill", "share", result, base, settings)
    return replace(skill, source="; ".join(journeys.sample.assumption()))


def _sampled_visits(journeys: Journeys, attributes: Sequence[str]) -> pd.DataFrame:
    """Bring visits whose successor is known, with what is known at their start, in fixed order."""
    hashed = ((_.customer_no + 1) * MULTIPLIER) % MODULUS * MULTIPLIER % MODULUS
    sizes = zip(journeys.touchpoints["touchpoint_no"], journeys.touchpoints["events"], strict=True)
    limits = [
        (_.touchpoint_no == int(number), int(MODULUS * (VISITS_PER_TOUCHPOINT / events)))
        for number, events in sizes
        if events > VISITS_PER_TOUCHPOINT
    ]
    picked = _starts(journeys.modelled)
    if limits:
        picked = picked.filter(hashed < ibis.cases(*limits, else_=MODULUS))
    columns: dict[str, ibis.Deferred] = {
        name: _[name]
        for name in dict.fromkeys((*KNOWN_AT_START, *attributes))
        if journeys.has(name)
    }
    if journeys.has_clock:
        columns["hour"] = _.t_us // 3_600_000_000 % 24
        columns["weekday"] = _.t_us // 86_400_000_000 % 7
    columns["next"], columns["previous"] = _.next_touchpoint, _.previous
    known = picked.select(*NOT_KNOWN[:-1], "step", **columns)
    is_open = journeys.table.filter(_.end_kind == "open").select(open_journey=_.journey)
    closed = known.left_join(
        is_open, [known.journey == is_open.open_journey, known.next.isnull()]
    ).filter(_.open_journey.isnull())
    rows = closed.drop("open_journey").mutate(next=_.next.fill_null(END))
    return fetch(rows.order_by(["journey", "step"]))


def _starts(journeys: Journeys) -> ibis.Table:
    """One row per visit: its first event, with what came before it and what follows its last."""
    runs = Runs.of(journeys.trail, "journey", "step")
    steps = journeys.trail.mutate(previous=runs.before(_.touchpoint))
    starts = steps.filter(_.starts_visit)
    if not journeys.has("session"):
        return starts
    ends = journeys.trail.filter(_.ends_visit).select(
        end_journey=_.journey, end_step=_.visit_step, after_visit=_.next_touchpoint
    )
    same = [starts.journey == ends.end_journey, starts.step == ends.end_step]
    return starts.inner_join(ends, same).mutate(next_touchpoint=_.after_visit)


def _base(visits: pd.DataFrame, many: int) -> Base:
    by_touchpoint = visits.groupby("touchpoint_no")

    def whole(counts: pd.Series[int]) -> Whole:
        return np.asarray(counts.reindex(range(many), fill_value=0), dtype=np.int64)

    return Base(
        whole(by_touchpoint.size()),
        whole(by_touchpoint["journey"].nunique()),
        whole(by_touchpoint["customer_no"].nunique()),
    )


def _losses(features: Sequence[Floats | Whole], outcome: Whole, groups: Whole) -> Floats:
    """Return the summed log loss of tree and margin per customer group, in micro-nats.

    Returns
    -------
    ndarray of float64, shape (groups, 2)
        Whole numbers; all zero where there is nothing to tell apart.
    """
    classes = int(outcome.max(initial=0)) + 1
    summed = np.zeros((GROUPS, 2))
    if classes == 1:
        return summed
    # What the tree would make of them, once rather than in each fold.
    known = np.column_stack([_encoded(one) for one in features]).astype(np.float32)
    for fold in range(FOLDS):
        out = groups % FOLDS == fold
        if not out.any() or out.all():
            continue
        margin = np.bincount(outcome[~out], minlength=classes) + 1 / classes
        margin = margin / margin.sum()
        tree = _leaf_shares(known[~out], outcome[~out], known[out], margin)
        tested = np.arange(out.sum()), outcome[out]
        both = np.stack([-np.log(tree[tested]), -np.log(margin[outcome[out]])], axis=1)
        np.add.at(summed, groups[out], np.rint(both * MICRO))
    return summed


def _leaf_shares(known: Singles, outcome: Whole, asked: Singles, margin: Floats) -> Floats:
    """Grow a tree and return what it says of each row of `asked`, shape (rows, classes)."""
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(
        criterion="entropy", max_depth=DEPTH, min_samples_leaf=SMALLEST_LEAF, random_state=0
    ).fit(known, outcome, check_input=False)
    counts = np.zeros((tree.tree_.node_count, len(margin)))
    np.add.at(counts, (tree.apply(known, check_input=False), outcome), 1)
    leaves = counts[tree.apply(asked, check_input=False)]
    return np.asarray(
        (leaves + TOWARDS_MARGIN * margin) / (leaves.sum(axis=1, keepdims=True) + TOWARDS_MARGIN)
    )


def _classes(outcome: Whole, other: int) -> Whole:
    """Number the successors that occur, the rare ones as one."""
    counts = np.bincount(outcome, minlength=1)
    frequent = np.where(counts[outcome] < RAREST_CLASS, other, outcome)
    return np.asarray(np.unique(frequent, return_inverse=True)[1], dtype=np.int64)


def _coded(column: pd.Series[Any]) -> Floats | Whole:
    """Return numbers as they are, words as codes in the order of the words (−1 where none is)."""
    numbers = pd.to_numeric(column, errors="coerce")
    if (numbers.notna() == column.notna()).all():
        return np.asarray(numbers, dtype=np.float64)
    return np.asarray(pd.factorize(column, sort=True)[0], dtype=np.int64)


def _encoded(column: Floats | Whole) -> Floats:
    """Return numbers as one column, words as one 0/1 column for each frequent one."""
    if column.dtype == np.float64:
        return np.asarray(column[:, None])
    counts = np.bincount(column[column >= 0], minlength=1)
    frequent = np.argsort(-counts, kind="stable")[:LEVELS]
    levels = np.sort(frequent[counts[frequent] > 0])
    return np.asarray(column[:, None] == levels, dtype=np.float64)
