"""The quality effect of one touchpoint: what a good visit changes, and how far to trust it.

The question is asked only among journeys that reached the touchpoint, so it never compares
those who came that far with those who left before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import SEED, AbstainReason, Estimate, Grade, percent
from journeylib.judge.moments import estimators as effects
from journeylib.judge.moments.design_matrix import Bools, Floats, Sample, sample_of
from journeylib.judge.moments.estimators import Influence, Nuisance

MIN_CUSTOMERS = 200
MIN_CELL = 30
MIN_EFFECTIVE = 200
MAX_TRIMMED = 0.10
MAX_IMBALANCE = 0.10
# Three falsification tests per touchpoint: together they discard one sound effect in a hundred.
CHECK_LEVEL = 0.01 / 3
# The placebos test the machinery, not the log: a large log lends them a part of its customers.
PLACEBO_JOURNEYS = 10_000

ASSUMPTIONS = (
    "what was known before the touchpoint explains who had a good visit",
    "good and bad visits both occur for every kind of customer compared",
    "one journey's visit does not change another's outcome",
)

State = Literal["passed", "failed", "not_assessable"]


@dataclass(frozen=True)
class Check:
    """One test that an effect must survive.

    Attributes
    ----------
    name : str
        ``"overlap"``, ``"balance"``, ``"negative_control"``, ``"permuted_treatment"`` or
        ``"dummy_touchpoint"``.
    state : {"passed", "failed", "not_assessable"}
    text : str
        What was found, in words.
    """

    name: str
    state: State
    text: str


@dataclass(frozen=True)
class QualityEffect:
    """E[Y(good at i) − Y(bad at i) | reached i], and everything that speaks for or against it.

    Attributes
    ----------
    touchpoint, outcome : str
    effect, naive, adjusted : Estimate
        Cross-fitted AIPW; plain difference; regression-adjusted difference.
    se, p_value : float or None
        Customer-clustered, of `effect`; None where it abstains.
    n_good, n_bad : int
        Journeys in each arm.
    smallest_cell : int
        Fewest customers of an arm or, for a yes/no outcome, of an outcome.
    trimmed : float
        Share of journeys whose propensity is outside .02 to .98; they are left out.
    effective_size : float
        Kish's effective sample size of the weighted journeys.
    max_smd : float
        Largest standardised mean difference after weighting.
    e_value : float
        Of the interval's limit nearest to 0; 1 where the interval covers 0.
    early, late : float or None
        The effect in the first half and in the held-out half.
    checks : tuple of Check
    influence : dict
        What each customer moves `effect` by (a working table): two effects on the same customers
        are not independent.
    """

    touchpoint: str
    outcome: str
    effect: Estimate
    naive: Estimate
    adjusted: Estimate
    se: float | None
    p_value: float | None
    n_good: int
    n_bad: int
    smallest_cell: int
    trimmed: float
    effective_size: float
    max_smd: float
    e_value: float
    early: float | None
    late: float | None
    checks: tuple[Check, ...]
    influence: Mapping[Any, float] = field(default_factory=dict, repr=False, compare=False)

    @property
    def grade(self) -> Grade:
        """B where every check passed, else C."""
        return self.effect.grade

    @property
    def reasons(self) -> tuple[str, ...]:
        """What keeps the grade at C, in words."""
        return tuple(check.text for check in self.checks if check.state != "passed")

    def state(self, name: str) -> State:
        """Return the state of the check called `name`."""
        return next((check.state for check in self.checks if check.name == name), "not_assessable")


def quality_effect(
    y: npt.ArrayLike,
    good: npt.ArrayLike,
    X: pd.DataFrame,
    customer: npt.ArrayLike,
    *,
    touchpoint: str = "",
    outcome: str = "",
    unit: str = "share",
    start: npt.ArrayLike | None = None,
    control: npt.ArrayLike | None = None,
    seed: int = SEED,
) -> QualityEffect:
    """Estimate what a good visit changes, among journeys that reached the touchpoint.

    Parameters
    ----------
    y : array, shape (n,)
        Outcome per journey: 0/1 (kept within a horizon fixed beforehand) or a number.
    good : array of bool, shape (n,)
        Whether the visit went well, by something observed at the touchpoint.
    X : DataFrame, n rows
        What was known *before* the touchpoint, the journey's age and stage among it (late
        touchpoints go with outcomes because the outcome is near). Journey length, later
        touchpoints and final sentiment are consequences: with them the answer is wrong.
    customer : array, shape (n,)
        Journeys of one customer are dependent.
    touchpoint, outcome, unit : str
        Names for the result; `unit` is ``"share"`` for a 0/1 outcome.
    start : array, shape (n,), optional
        When the journey reached the touchpoint; its later half is held out for `late`.
    control : array, shape (n,), optional
        Negative-control outcome: a number fixed before the touchpoint and kept out of `X`
        (spend in the year before). A good visit cannot have changed it; where it seems to,
        something hidden moves both.
    seed : int
        Deals folds, permutation and dummy.

    Returns
    -------
    QualityEffect
        `effect` abstains with ``n_small`` below 200 customers or 30 in an arm, and with
        ``no_overlap`` where over 10 % of journeys are trimmed or fewer than 200 effective
        ones remain.

    Raises
    ------
    RunError
        Where columns differ in length or hold missing values.
    """
    names = _Names(touchpoint, outcome, unit)
    sample = sample_of(y, good, X, customer, start=start, control=control, seed=seed)
    cell = _smallest_cell(sample)
    if sample.customers < MIN_CUSTOMERS or cell < MIN_CELL:
        return _abstaining(sample, names, "n_small", cell)
    nuisance = effects.cross_fit(sample, seed=seed)
    inside = (nuisance.propensity >= effects.OVERLAP[0]) & (
        nuisance.propensity <= effects.OVERLAP[1]
    )
    trimmed = 1 - float(inside.mean())
    kept = sample.keep(inside)
    fitted = Nuisance(
        nuisance.propensity[inside], nuisance.if_good[inside], nuisance.if_bad[inside]
    )
    both_arms = kept.good.any() and not kept.good.all()
    weights = effects.arm_weights(kept.good, fitted.propensity)
    size = effects.effective_size(weights) if both_arms else 0.0
    if trimmed > MAX_TRIMMED or size < MIN_EFFECTIVE:
        return _abstaining(sample, names, "no_overlap", cell, trimmed=trimmed, size=size)
    influence = effects.aipw_effect(kept, fitted)
    smd = effects.imbalance(kept, weights)
    checks = (
        Check("overlap", "passed", f"{percent(trimmed)} of journeys had no counterpart"),
        _balance(smd),
        _negative_control(kept, fitted, seed),
        *_placebos(kept, fitted, seed),
    )
    grade: Grade = "B" if all(check.state == "passed" for check in checks) else "C"
    lo, hi = influence.interval
    phi = influence.values + influence.value
    return QualityEffect(
        touchpoint=touchpoint,
        outcome=outcome,
        effect=_estimate(influence, names, kept, "cross-fitted AIPW", grade),
        naive=_estimate(effects.naive_effect(sample), names, sample, "difference of means", "C"),
        adjusted=_estimate(
            effects.adjusted_effect(sample), names, sample, "regression, standardised", "C"
        ),
        se=influence.se,
        p_value=influence.p_value,
        n_good=int(sample.good.sum()),
        n_bad=int((~sample.good).sum()),
        smallest_cell=cell,
        trimmed=trimmed,
        effective_size=size,
        max_smd=smd,
        e_value=effects.e_value_of_limit(
            influence.value,
            lo,
            hi,
            baseline=_baseline(kept, fitted),
            spread=float(sample.y.std()),
            binary=sample.binary,
        ),
        early=_mean(phi[~kept.late]),
        late=_mean(phi[kept.late]),
        checks=checks,
        influence=influence.by_customer(kept.customer),
    )


def _baseline(sample: Sample, nuisance: Nuisance) -> float:
    """Return the doubly robust mean outcome had every visit gone badly."""
    e = np.clip(nuisance.propensity, *effects.OVERLAP)
    correction = np.where(sample.good, 0.0, (sample.y - nuisance.if_bad) / (1 - e))
    return float((nuisance.if_bad + correction).mean())


@dataclass(frozen=True)
class _Names:
    touchpoint: str
    outcome: str
    unit: str


def _estimate(
    influence: Influence, names: _Names, sample: Sample, method: str, grade: Grade
) -> Estimate:
    lo, hi = influence.interval
    return Estimate(
        value=influence.value,
        unit=names.unit,
        lo=lo,
        hi=hi,
        n_customers=sample.customers,
        n_journeys=len(sample.y),
        grade=grade,
        estimand=f"difference in {names.outcome} between good and bad visits of "
        f"{names.touchpoint}, among journeys that reached it",
        method=method,
        assumptions=ASSUMPTIONS if grade == "B" else (),
    )


def _abstaining(
    sample: Sample,
    names: _Names,
    reason: AbstainReason,
    cell: int,
    *,
    trimmed: float = 0.0,
    size: float = 0.0,
) -> QualityEffect:
    """Abstain, but still show what the naive reader would have seen where there is one."""
    base: dict[str, Any] = {"n_customers": sample.customers, "n_journeys": len(sample.y)}
    none = Estimate.none(reason, names.unit, **base)
    shown = reason == "no_overlap"
    return QualityEffect(
        touchpoint=names.touchpoint,
        outcome=names.outcome,
        effect=none,
        naive=_estimate(effects.naive_effect(sample), names, sample, "difference of means", "C")
        if shown
        else none,
        adjusted=none,
        se=None,
        p_value=None,
        n_good=int(sample.good.sum()),
        n_bad=int((~sample.good).sum()),
        smallest_cell=cell,
        trimmed=trimmed,
        effective_size=size,
        max_smd=float("nan"),
        e_value=1.0,
        early=None,
        late=None,
        checks=(
            Check(
                "overlap",
                "failed" if shown else "not_assessable",
                f"{percent(trimmed)} of journeys had no counterpart; "
                f"{size:.0f} effective journeys remain"
                if shown
                else _too_few(sample.customers, cell),
            ),
        ),
    )


def _too_few(customers: int, cell: int) -> str:
    """Say which minimum is not met, without the number: it may be one person."""
    missed = [f"fewer than {MIN_CUSTOMERS} customers"] * (customers < MIN_CUSTOMERS)
    missed += [f"fewer than {MIN_CELL} in the smallest group"] * (cell < MIN_CELL)
    return ", ".join(missed)


def _smallest_cell(sample: Sample) -> int:
    groups = [sample.good, ~sample.good]
    if sample.binary:
        groups += [sample.y == 1, sample.y == 0]
    return min(len(np.unique(sample.cluster[group])) for group in groups)


def _balance(smd: float) -> Check:
    state: State = "passed" if smd < MAX_IMBALANCE else "failed"
    return Check("balance", state, f"largest difference left after weighting is {smd:.2f} SD")


def _negative_control(sample: Sample, nuisance: Nuisance, seed: int) -> Check:
    name = "negative_control"
    if sample.control is None or sample.control.min() == sample.control.max():
        return Check(name, "not_assessable", "no outcome from before the touchpoint to test with")
    other = sample.with_outcome(sample.control)
    models = effects.cross_fit(other, seed=seed)
    result = effects.aipw_effect(
        other, Nuisance(nuisance.propensity, models.if_good, models.if_bad)
    )
    moved = result.p_value < CHECK_LEVEL
    text = (
        "good visits seem to change what was fixed before them: something hidden moves both"
        if moved
        else "good visits do not change what was fixed before them"
    )
    return Check(name, "failed" if moved else "passed", text)


def _placebos(sample: Sample, nuisance: Nuisance, seed: int) -> tuple[Check, Check]:
    """Two treatments without an effect must show none.

    Good and bad dealt anew at random test the error. A made-up touchpoint whose quality is
    drawn from the propensity is confounded as the real one is: it tests the adjustment.
    """
    rng = np.random.default_rng([seed, 1])
    part = _part(sample, rng)
    some, chance = sample.keep(part), nuisance.propensity[part]
    dealt, drawn = rng.permutation(some.good), rng.random(len(chance)) < chance
    return (
        _placebo(some, dealt, "permuted_treatment", "good and bad dealt at random", seed),
        _placebo(
            some, drawn, "dummy_touchpoint", "a made-up touchpoint for the same customers", seed
        ),
    )


def _part(sample: Sample, rng: np.random.Generator) -> Bools:
    """Mark the rows of so many random customers that about `PLACEBO_JOURNEYS` remain."""
    share = min(1.0, PLACEBO_JOURNEYS / len(sample.y))
    return np.asarray((rng.random(sample.customers) < share)[sample.cluster])


def _placebo(sample: Sample, good: Bools, name: str, what: str, seed: int) -> Check:
    placebo = sample.with_treatment(good)
    if good.all() or not good.any():
        return Check(name, "not_assessable", f"{what}: one arm is empty")
    result = effects.aipw_effect(placebo, effects.cross_fit(placebo, seed=seed))
    moved = result.p_value < CHECK_LEVEL
    return Check(
        name,
        "failed" if moved else "passed",
        f"{what}: {'an effect' if moved else 'no effect'} found",
    )


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
