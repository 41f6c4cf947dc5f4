"""How far a small tree of rules could tell what comes next, from what is known at the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import GROUPS, MICRO, US_PER_HOUR, resample
from journeylib.journeys import Base, Codes, Events, Journeys, base_in_cells
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import Floats, Numbers, Whole, measured, thin

Singles = npt.NDArray[np.float32]
LARGEST = float(np.finfo(np.float32).max)
DEPTH, FOLDS, SMALLEST_LEAF = 4, 5, 20
# A leaf of n visits is drawn towards the margin as if by this many visits more: a tree that is
# sure and wrong would otherwise lose without bound.
TOWARDS_MARGIN = 5
# Enough for a tree of sixteen leaves; more would cost time and teach it little.
VISITS_PER_TOUCHPOINT = 5_000
LEVELS, RAREST_CLASS = 10, 10
KNOWN_AT_START = ("channel", "segment", "intent", "actor")
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
    losses = np.zeros((GROUPS, many, 2))
    base, outcome = visits.base, visits.outcome
    order = np.argsort(visits.touchpoint, kind="stable")
    begins = np.searchsorted(visits.touchpoint[order], np.arange(many + 1))
    for touchpoint in np.flatnonzero(~thin(base, settings)):
        rows = order[begins[touchpoint] : begins[touchpoint + 1]]
        classes = _classes(outcome[rows], visits.other)
        losses[:, touchpoint] = _losses(
            [column[rows] for column in visits.features], classes, visits.group[rows]
        )
    result = resample(losses, lambda s: 1 - s[..., 0] / s[..., 1], n_customers=base.customers)
    skill = measured("rule_skill", "share", result, base, settings)
    return replace(skill, source="; ".join(journeys.sample.assumption()))


@dataclass(frozen=True)
class _Visits:
    """Visits whose successor is known, one entry each, and what rests on them."""

    touchpoint: Whole
    group: Whole
    features: tuple[Floats | Whole, ...]
    outcome: Whole
    other: int
    base: Base


def _sampled_visits(journeys: Journeys, attributes: Sequence[str]) -> _Visits:
    """Take visits whose successor is known, with what is known at their start."""
    few = journeys.modelled
    events, names = few.events, few.names
    starts = np.flatnonzero(events.starts_visit)
    ends = np.flatnonzero(events.ends_visit)
    is_open = events.is_last[ends] & few.outline.is_open[events.journey[ends]]
    sample = _drawn(events.customer[starts], events.touchpoint[starts], journeys) & ~is_open
    starts, ends = starts[sample], ends[sample]
    columns = filter(journeys.has, dict.fromkeys((*KNOWN_AT_START, *attributes)))
    features: list[Floats | Whole] = [events.step[starts].astype(np.float64)]
    features += [_column(events, name, starts) for name in columns]
    if journeys.has_clock:
        hours = events.t_us[starts] // US_PER_HOUR
        features += [(hours % 24).astype(np.float64), (hours // 24 % 7).astype(np.float64)]
    words = tuple(names[number] for number in range(len(names)))
    before = np.where(events.step[starts] > 1, events.touchpoint[starts - 1], -1)
    features.append(_coded(Codes(before.astype(np.int32), words)))
    following = events.next_touchpoint[ends]
    classes = {*np.array([*words, END], dtype=object)[np.unique(following)], OTHER}
    label = {name: number for number, name in enumerate(sorted(classes))}
    outcome = np.array([label.get(name, -1) for name in (*words, END)], dtype=np.int64)[following]
    touchpoint, many = events.touchpoint[starts].astype(np.int64), len(words)
    base = base_in_cells(touchpoint, events.journey[starts], events.customer[starts], many)
    group = events.group[starts].astype(np.int64)
    return _Visits(touchpoint, group, tuple(features), outcome, label[OTHER], base)


def _drawn(customer: Numbers, touchpoint: Numbers, journeys: Journeys) -> npt.NDArray[np.bool_]:
    """Mark so many customers' visits that each touchpoint has about `VISITS_PER_TOUCHPOINT`."""
    events = journeys.touchpoints.sort_values("touchpoint_no")["events"].to_numpy()
    share = VISITS_PER_TOUCHPOINT / np.maximum(events, VISITS_PER_TOUCHPOINT)
    hashed = (customer.astype(np.int64) + 1) * MULTIPLIER % MODULUS * MULTIPLIER % MODULUS
    return np.asarray(hashed < (MODULUS * share).astype(np.int64)[touchpoint])


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
    X = np.column_stack([_encoded(one) for one in features]).astype(np.float32)
    for fold in range(FOLDS):
        out = groups % FOLDS == fold
        if not out.any() or out.all():
            continue
        margin = np.bincount(outcome[~out], minlength=classes) + 1 / classes
        margin = margin / margin.sum()
        shares = _tree_shares(X, outcome, out, margin), margin[outcome[out]]
        for column, share in enumerate(shares):
            loss = np.rint(-np.log(share) * MICRO)
            summed[:, column] += np.bincount(groups[out], loss, GROUPS)
    return summed


def _tree_shares(X: Singles, outcome: Whole, out: npt.NDArray[np.bool_], margin: Floats) -> Floats:
    """Grow a tree without the visits `out` and return the share that it gives to what these had."""
    from sklearn import config_context
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(
        criterion="entropy", max_depth=DEPTH, min_samples_leaf=SMALLEST_LEAF, random_state=0
    )
    # Checking what is fixed here takes a sixth of a small tree.
    with config_context(skip_parameter_validation=True):
        tree.fit(X[~out], outcome[~out], check_input=False)
    leaf, nodes, classes = tree.apply(X, check_input=False), tree.tree_.node_count, len(margin)
    cell = leaf[~out] * classes + outcome[~out]
    counts = np.bincount(cell, minlength=nodes * classes).reshape(nodes, classes)
    leaf, actual = leaf[out], outcome[out]
    hits, visits = counts[leaf, actual], counts.sum(axis=1)[leaf]
    return np.asarray((hits + TOWARDS_MARGIN * margin[actual]) / (visits + TOWARDS_MARGIN))


def _classes(outcome: Whole, other: int) -> Whole:
    """Number the successors that occur, the rare ones as one."""
    counts = np.bincount(outcome, minlength=1)
    frequent = np.where(counts[outcome] < RAREST_CLASS, other, outcome)
    return np.asarray(np.unique(frequent, return_inverse=True)[1], dtype=np.int64)


def _column(events: Events, name: str, rows: Whole) -> Floats | Whole:
    """Return a column as numbers (NaN where none is) or codes."""
    column = events.column(name)
    if isinstance(column, Codes):
        return _coded(column.only(rows))
    return np.where(events.known(name), column, np.nan)[rows]


def _coded(column: Codes) -> Floats | Whole:
    """Return words that are all numbers as these, others as their codes (−1 where none is)."""
    used = np.unique(column.number[column.number >= 0])
    values = pd.to_numeric(pd.Series(column.words, dtype=object)[used], errors="coerce")
    if values.isna().any():
        return column.number.astype(np.int64)
    # A word that no visit has is no number either.
    number = np.full(len(column.words) + 1, np.nan)
    number[used] = values
    return np.asarray(number[column.number])


def _encoded(column: Floats | Whole) -> Floats:
    """Return numbers as one column, words as one 0/1 column for each frequent one."""
    if column.dtype == np.float64:
        # The trees are not told which numbers are missing: these are larger than any.
        return np.asarray(np.where(np.isnan(column), LARGEST, column)[:, None])
    counts = np.bincount(column[column >= 0], minlength=1)
    frequent = np.argsort(-counts, kind="stable")[:LEVELS]
    levels = np.sort(frequent[counts[frequent] > 0])
    return np.asarray(column[:, None] == levels, dtype=np.float64)
