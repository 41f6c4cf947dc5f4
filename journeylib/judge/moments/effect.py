"""The effect of one touchpoint: what a good visit changes, and how far to trust it.

The question is asked only among journeys that reached the touchpoint, so it never compares
those who came that far with those who left before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from journeylib.core import SEED, AbstainReason, Estimate, Floats, Grade, number, percent, text
from journeylib.judge.estimation.design_matrix import Bools, Sample
from journeylib.judge.estimation.estimators import (
    OVERLAP,
    Influence,
    Nuisance,
    adjusted_effect,
    aipw_effect,
    arm_weights,
    cross_fit,
    e_value_of_limit,
    effective_size,
    imbalance,
    naive_effect,
)
from journeylib.log import MIN_CELL as FEWEST

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
        The result in words.
    """

    name: str
    state: State
    text: str


@dataclass(frozen=True)
class VisitEffect:
    """E[Y(good at i) − Y(bad at i) | reached i], and everything that speaks for or against it.

    Attributes
    ----------
    touchpoint, outcome : str
    effect, naive, adjusted : Estimate
        Cross-fitted AIPW; plain difference; regression-adjusted difference.
    n_good, n_bad : int
        Journeys in each arm.
    smallest_cell : int
        Fewest customers of an arm or, for a yes/no outcome, of an outcome.
    checks : tuple of Check
    se, p_value : float or None
        Customer-clustered, of `effect`; None where it abstains.
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
    influence : dict
        What each customer moves `effect` by (a working table): two effects on the same customers
        are not independent.
    """

    touchpoint: str
    outcome: str
    effect: Estimate
    naive: Estimate
    adjusted: Estimate
    n_good: int
    n_bad: int
    smallest_cell: int
    checks: tuple[Check, ...]
    se: float | None = None
    p_value: float | None = None
    trimmed: float = 0.0
    effective_size: float = 0.0
    max_smd: float = float("nan")
    e_value: float = 1.0
    early: float | None = None
    late: float | None = None
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


def visit_effect(
    sample: Sample,
    *,
    touchpoint: str = "",
    outcome: str = "",
    unit: str = "share",
    seed: int = SEED,
    falsified: bool = True,
) -> VisitEffect:
    """Estimate what a good visit changes, among journeys that reached the touchpoint.

    Parameters
    ----------
    sample : Sample
        From `sample_of`: the outcome per journey (0/1, kept within a horizon fixed beforehand, or
        a number), whether the visit went well, and what was known *before* the touchpoint, the
        journey's age and stage among it (late touchpoints go with outcomes because the outcome
        is near). Journey length, later touchpoints and final sentiment are consequences: with
        them the answer is wrong. A good visit cannot have changed its negative control; where
        it seems to, something hidden moves both.
    touchpoint, outcome, unit : str
        Names for the result; `unit` is ``"share"`` for a 0/1 outcome.
    seed : int
        Deals folds, permutation and dummy.
    falsified : bool
        False leaves out the three falsification tests, which take most of the time: the grade is
        C then.

    Returns
    -------
    VisitEffect
        `effect` abstains with ``n_small`` below 200 customers or 30 in an arm, and with
        ``no_overlap`` where over 10 % of journeys are trimmed or fewer than 200 effective
        ones remain.
    """
    case = _Case(sample, touchpoint, outcome, unit, _smallest_cell(sample))
    if sample.customers < MIN_CUSTOMERS or case.smallest_cell < MIN_CELL:
        too_few = Check("overlap", "not_assessable", _too_few(case))
        return case.abstaining("n_small", too_few)
    overlap = _overlap(sample, seed)
    if overlap.trimmed > MAX_TRIMMED or overlap.size < MIN_EFFECTIVE:
        values = {"share": percent(overlap.trimmed), "n": number(overlap.size, 0)}
        apart = Check("overlap", "failed", text("judge.check.no_overlap", **values))
        return case.abstaining("no_overlap", apart, overlap)
    tests = _falsification(overlap, seed) if falsified else None
    return _effect(case, overlap, tests)


@dataclass(frozen=True)
class _Overlap:
    """The journeys with a counterpart in the other arm, and what was predicted for them."""

    sample: Sample
    nuisance: Nuisance
    weights: Floats
    trimmed: float
    size: float


def _overlap(sample: Sample, seed: int) -> _Overlap:
    nuisance = cross_fit(sample, seed=seed)
    inside = (nuisance.propensity >= OVERLAP[0]) & (nuisance.propensity <= OVERLAP[1])
    part = sample.keep(inside)
    fitted = Nuisance(
        nuisance.propensity[inside], nuisance.if_good[inside], nuisance.if_bad[inside]
    )
    weights = arm_weights(part.good, fitted.propensity)
    both_arms = part.good.any() and not part.good.all()
    size = effective_size(weights) if both_arms else 0.0
    return _Overlap(part, fitted, weights, 1 - float(inside.mean()), size)


@dataclass(frozen=True)
class _Case:
    """The journeys of one touchpoint, with the names of what is asked."""

    sample: Sample
    touchpoint: str
    outcome: str
    unit: str
    smallest_cell: int

    @property
    def counts(self) -> dict[str, Any]:
        """The fields of a `VisitEffect` that need no model."""
        good = int(self.sample.good.sum())
        return {
            "touchpoint": self.touchpoint,
            "outcome": self.outcome,
            "n_good": good,
            "n_bad": len(self.sample.y) - good,
            "smallest_cell": self.smallest_cell,
        }

    def estimate(
        self, influence: Influence, sample: Sample, method: str, grade: Grade = "C"
    ) -> Estimate:
        return influence.estimate(
            self.unit,
            n_customers=sample.customers,
            n_journeys=len(sample.y),
            grade=grade,
            estimand=f"difference in {self.outcome} between good and bad visits of "
            f"{self.touchpoint}, among journeys that reached it",
            method=method,
            assumptions=ASSUMPTIONS if grade == "B" else (),
        )

    def naive(self) -> Estimate:
        """Return the plain difference: what a reader would see without adjusting.

        It tells of persons: both arms need `FEWEST` with the outcome and as many without.
        """
        sample = self.sample
        arms = [sample.good & (sample.y == y) for y in (0, 1)]
        arms += [~sample.good & (sample.y == y) for y in (0, 1)]
        if sample.binary and min(len(np.unique(sample.cluster[arm])) for arm in arms) < FEWEST:
            n = {"n_customers": sample.customers, "n_journeys": len(sample.y)}
            return Estimate.none("privacy", self.unit, **n)
        return self.estimate(naive_effect(self.sample), self.sample, "difference of means")

    def abstaining(
        self, reason: AbstainReason, check: Check, overlap: _Overlap | None = None
    ) -> VisitEffect:
        """Abstain, but still show the plain difference where only overlap is missing."""
        n = {"n_customers": self.sample.customers, "n_journeys": len(self.sample.y)}
        none = Estimate.none(reason, self.unit, **n)
        shown: dict[str, Any] = {}
        if overlap is not None:
            shown = {"trimmed": overlap.trimmed, "effective_size": overlap.size}
        naive = none if overlap is None else self.naive()
        return VisitEffect(
            effect=none, naive=naive, adjusted=none, checks=(check,), **self.counts, **shown
        )


def _effect(case: _Case, overlap: _Overlap, tests: tuple[Check, ...] | None) -> VisitEffect:
    sample, nuisance = overlap.sample, overlap.nuisance
    influence = aipw_effect(sample, nuisance)
    smd = imbalance(sample, overlap.weights)
    checks = (
        Check("overlap", "passed", text("judge.check.overlap", share=percent(overlap.trimmed))),
        _balance(smd),
        *(tests or ()),
    )
    sound = tests is not None and all(check.state == "passed" for check in checks)
    lo, hi = influence.interval
    phi = influence.values + influence.value
    return VisitEffect(
        effect=case.estimate(influence, sample, "cross-fitted AIPW", "B" if sound else "C"),
        naive=case.naive(),
        adjusted=case.estimate(
            adjusted_effect(case.sample), case.sample, "regression, standardised"
        ),
        se=influence.se,
        p_value=influence.p_value,
        trimmed=overlap.trimmed,
        effective_size=overlap.size,
        max_smd=smd,
        e_value=e_value_of_limit(
            influence.value,
            lo,
            hi,
            baseline=_baseline(sample, nuisance),
            spread=float(case.sample.y.std()),
            binary=case.sample.binary,
        ),
        early=_mean(phi[~sample.late]),
        late=_mean(phi[sample.late]),
        checks=checks,
        influence=influence.by_customer(sample.customer),
        **case.counts,
    )


def _baseline(sample: Sample, nuisance: Nuisance) -> float:
    """Return the doubly robust mean outcome had every visit gone badly."""
    e = np.clip(nuisance.propensity, *OVERLAP)
    correction = np.where(sample.good, 0.0, (sample.y - nuisance.if_bad) / (1 - e))
    return float((nuisance.if_bad + correction).mean())


def _too_few(case: _Case) -> str:
    """Say which minimum is not met, without the number: it may be one person."""
    missed = []
    if case.sample.customers < MIN_CUSTOMERS:
        missed.append(text("judge.check.few_customers", n=MIN_CUSTOMERS))
    if case.smallest_cell < MIN_CELL:
        missed.append(text("judge.check.few_in_cell", n=MIN_CELL))
    return ", ".join(missed)


def _smallest_cell(sample: Sample) -> int:
    groups = [sample.good, ~sample.good]
    if sample.binary:
        groups += [sample.y == 1, sample.y == 0]
    return min(len(np.unique(sample.cluster[group])) for group in groups)


def _balance(smd: float) -> Check:
    state: State = "passed" if smd < MAX_IMBALANCE else "failed"
    return Check("balance", state, text("judge.check.balance", smd=number(smd, 2)))


def _check(name: str, influence: Influence) -> Check:
    """Return a check that fails where there is an effect."""
    state: State = "failed" if influence.p_value < CHECK_LEVEL else "passed"
    return Check(name, state, text(f"judge.check.{name}.{state}"))


def _falsification(overlap: _Overlap, seed: int) -> tuple[Check, ...]:
    sample, nuisance = overlap.sample, overlap.nuisance
    return _negative_control(sample, nuisance, seed), *_placebos(sample, nuisance, seed)


def _negative_control(sample: Sample, nuisance: Nuisance, seed: int) -> Check:
    name = "negative_control"
    if sample.control is None or sample.control.min() == sample.control.max():
        return Check(name, "not_assessable", text(f"judge.check.{name}.not_assessable"))
    other = sample.with_outcome(sample.control)
    models = cross_fit(other, seed=seed)
    fitted = Nuisance(nuisance.propensity, models.if_good, models.if_bad)
    return _check(name, aipw_effect(other, fitted))


def _placebos(sample: Sample, nuisance: Nuisance, seed: int) -> tuple[Check, Check]:
    """Two treatments without an effect must show none.

    Good and bad dealt anew at random test the error. A made-up touchpoint whose quality is
    drawn from the propensity is confounded as the real one is: it tests the adjustment.
    """
    rng = np.random.default_rng([seed, 1])
    part = _part(sample, rng)
    some, chance = sample.keep(part), nuisance.propensity[part]
    permuted, dummy = rng.permutation(some.good), rng.random(len(chance)) < chance
    return (
        _placebo(some, permuted, "permuted_treatment", seed),
        _placebo(some, dummy, "dummy_touchpoint", seed),
    )


def _part(sample: Sample, rng: np.random.Generator) -> Bools:
    """Mark the rows of so many random customers that about `PLACEBO_JOURNEYS` remain."""
    share = min(1.0, PLACEBO_JOURNEYS / len(sample.y))
    return np.asarray((rng.random(sample.customers) < share)[sample.cluster])


def _placebo(sample: Sample, good: Bools, name: str, seed: int) -> Check:
    if good.all() or not good.any():
        return Check(name, "not_assessable", text(f"judge.check.{name}.not_assessable"))
    placebo = sample.with_treatment(good)
    return _check(name, aipw_effect(placebo, cross_fit(placebo, seed=seed)))


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
