"""Estimators of the difference that a good visit makes, each with customer-clustered errors.

Every estimator returns an `Influence`: a point and one number per row whose clustered sum
gives the standard error. Naive, regression-adjusted, weighted and doubly robust estimates of
the same rows can therefore stand side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from journeylib.core import LEVEL, SEED, Estimate, Floats
from journeylib.judge.estimation.design_matrix import Bools, Ints, Sample

FOLDS = 5
OVERLAP = (0.02, 0.98)
# A ridge too weak to move a coefficient that the data know, and enough to keep one finite that
# they do not (a covariate that separates the arms in one fold).
RIDGE = 0.01


@dataclass(frozen=True)
class Influence:
    """A point estimate and its influence values.

    Attributes
    ----------
    value : float
        The estimate.
    values : ndarray of float64, shape (n,)
        Centred influence of each row; their mean is 0.
    cluster : ndarray of int64, shape (n,)
        Customer of each row.
    """

    value: float
    values: Floats
    cluster: Ints

    @property
    def se(self) -> float:
        """Customer-clustered standard error."""
        sums = np.bincount(self.cluster, weights=self.values)
        clusters = len(sums)
        if clusters < 2:
            return float("nan")
        correction = clusters / (clusters - 1)
        return float(np.sqrt(correction * (sums**2).sum()) / len(self.values))

    def by_customer(self, customer: npt.NDArray[Any]) -> dict[Any, float]:
        """Return what each customer moves the estimate by; `customer` names each row's."""
        sums = np.bincount(self.cluster, weights=self.values) / len(self.values)
        first = np.unique(self.cluster, return_index=True)[1]
        return dict(zip(customer[first].tolist(), sums.tolist(), strict=True))

    @property
    def interval(self) -> tuple[float, float]:
        """Interval at the library's level, from the normal distribution."""
        from scipy import special

        half = float(special.ndtri(0.5 + LEVEL / 2)) * self.se
        return self.value - half, self.value + half

    def estimate(self, unit: str, **fields: Any) -> Estimate:
        """Return the point with its interval as an `Estimate` with these fields."""
        lo, hi = self.interval
        return Estimate(self.value, unit, lo, hi, **fields)

    @property
    def p_value(self) -> float:
        """Two-sided p-value of no difference."""
        from scipy import special

        if not self.se > 0:
            return float("nan")
        return float(2 * special.ndtr(-abs(self.value) / self.se))


@dataclass(frozen=True)
class Nuisance:
    """What cross-fitting predicts for each row from models that did not see its customer.

    Attributes
    ----------
    propensity : ndarray of float64
        P(good | X).
    if_good, if_bad : ndarray of float64
        Expected outcome had the touchpoint gone well, and had it not.
    """

    propensity: Floats
    if_good: Floats
    if_bad: Floats


def cross_fit(sample: Sample, *, folds: int = FOLDS, seed: int = SEED) -> Nuisance:
    """Predict propensity and both outcomes out of fold, folds grouped by customer.

    Parameters
    ----------
    sample : Sample
    folds : int
        1 fits and predicts on the same rows, as the textbooks' examples do.
    seed : int
        Deals customers into folds.

    Notes
    -----
    Chernozhukov et al. (2018), The Econometrics Journal 21, C1–C68.
    """
    n = len(sample.y)
    propensity, if_good, if_bad = np.empty(n), np.empty(n), np.empty(n)
    fold = _folds(sample, folds, seed)
    for k in range(folds):
        test = fold == k
        train = ~test if folds > 1 else test
        X, new = sample.X[train], sample.X[test]
        y, good = sample.y[train], sample.good[train]
        propensity[test] = _predict(X, good.astype(np.float64), new, binary=True)
        if_good[test] = _predict(X[good], y[good], new, binary=sample.binary)
        if_bad[test] = _predict(X[~good], y[~good], new, binary=sample.binary)
    return Nuisance(propensity, if_good, if_bad)


def aipw_effect(sample: Sample, nuisance: Nuisance) -> Influence:
    """Return the doubly robust difference E[Y(good) − Y(bad)] over the rows of the sample.

    Notes
    -----
    Augmented inverse probability weighting, Robins, Rotnitzky and Zhao (1994), Journal of the
    American Statistical Association 89, 846–866: right if either the propensity or the
    outcome model is. Propensities are held within `OVERLAP`.
    """
    good = sample.good.astype(np.float64)
    e = np.clip(nuisance.propensity, *OVERLAP)
    phi = (
        nuisance.if_good
        - nuisance.if_bad
        + good * (sample.y - nuisance.if_good) / e
        - (1 - good) * (sample.y - nuisance.if_bad) / (1 - e)
    )
    value = float(phi.mean())
    return Influence(value, phi - value, sample.cluster)


def naive_effect(sample: Sample) -> Influence:
    """Return the plain difference of means between good and bad visits."""
    good, n = sample.good, len(sample.y)
    difference, values = 0.0, np.zeros(n)
    for arm, sign in ((good, 1.0), (~good, -1.0)):
        mean = float(sample.y[arm].mean())
        difference += sign * mean
        values[arm] = sign * (sample.y[arm] - mean) * n / arm.sum()
    return Influence(difference, values, sample.cluster)


def adjusted_effect(sample: Sample) -> Influence:
    """Return the regression-adjusted difference: one model, standardised over the sample.

    Notes
    -----
    Logistic regression (linear for a number) of Y on good and X, then the mean difference of
    its predictions with good set to 1 and to 0. The influence values combine the spread of the
    contrast with the sandwich of the coefficients, so the error is clustered as a whole.
    """
    n = len(sample.y)
    Z = np.column_stack([np.ones(n), sample.good, sample.X])
    logistic = sample.binary and 0 < sample.y.sum() < n
    beta = _logistic(Z[:, 1:], sample.y) if logistic else _least_squares(Z, sample.y)
    fitted, curvature = _mean_and_slope(Z @ beta, logistic=logistic)
    in_arm = []
    for arm in (1.0, 0.0):
        Z_arm = np.column_stack([np.ones(n), np.full(n, arm), sample.X])
        mean, slope = _mean_and_slope(Z_arm @ beta, logistic=logistic)
        in_arm.append((mean, (Z_arm * slope[:, None]).mean(axis=0)))
    contrast = in_arm[0][0] - in_arm[1][0]
    bread = (Z * curvature[:, None]).T @ Z / n + 1e-9 * np.eye(Z.shape[1])
    direction = np.linalg.solve(bread, in_arm[0][1] - in_arm[1][1])
    values = contrast - contrast.mean() + (Z * (sample.y - fitted)[:, None]) @ direction
    return Influence(float(contrast.mean()), values - values.mean(), sample.cluster)


def arm_weights(good: Bools, propensity: Floats) -> Floats:
    """Weight each row by one over the probability of the arm it is in."""
    e = np.clip(propensity, *OVERLAP)
    return np.asarray(np.where(good, 1 / e, 1 / (1 - e)))


def effective_size(weights: Floats) -> float:
    """Return Kish's effective sample size, (Σw)² / Σw².

    Examples
    --------
    >>> effective_size(np.ones(10)), effective_size(np.array([1.0, 0.0]))
    (10.0, 1.0)
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def imbalance(sample: Sample, weights: Floats) -> float:
    """Return the largest standardised mean difference of a covariate after weighting."""
    if sample.X.shape[1] == 0:
        return 0.0
    good = sample.good
    means = [np.average(sample.X[arm], axis=0, weights=weights[arm]) for arm in (good, ~good)]
    spread = np.sqrt((sample.X[good].var(axis=0) + sample.X[~good].var(axis=0)) / 2)
    return float(np.max(np.abs(means[0] - means[1]) / np.maximum(spread, 1e-9)))


def e_value(ratio: float) -> float:
    """Return how strong a hidden confounder must be to explain a risk ratio away.

    Parameters
    ----------
    ratio : float
        Risk ratio, above 0; below 1 it is inverted.

    Notes
    -----
    VanderWeele and Ding (2017), Annals of Internal Medicine 167, 268–274.

    Examples
    --------
    >>> round(e_value(3.9), 2), round(e_value(1.8), 2), e_value(1.0)
    (7.26, 3.0, 1.0)
    """
    strength = max(ratio, 1 / ratio)
    return float(strength + np.sqrt(strength * (strength - 1)))


def e_value_of_limit(
    value: float, lo: float, hi: float, *, baseline: float, spread: float, binary: bool
) -> float:
    """Return the E-value of the interval's limit nearest to no effect; 1 where it covers 0.

    A risk difference becomes a risk ratio at the `baseline` risk of bad visits. A difference
    of a number becomes one through exp(0.91 × difference / `spread`).

    Notes
    -----
    The conversions are those of VanderWeele and Ding (2017). A difference at a high baseline
    gives a ratio near 1, so the same points are more fragile there.
    """
    if lo <= 0 <= hi:
        return 1.0
    limit = lo if value > 0 else hi
    if not binary:
        return e_value(float(np.exp(0.91 * limit / spread))) if spread > 0 else 1.0
    risk = float(np.clip(baseline, 1e-3, 1 - 1e-3))
    return e_value(float(np.clip(risk + limit, 1e-3, 1.0)) / risk)


def _folds(sample: Sample, folds: int, seed: int) -> Ints:
    dealt = np.random.default_rng(seed).permutation(sample.customers) % folds
    return np.asarray(dealt[sample.cluster])


def _predict(X: Floats, y: Floats, new: Floats, *, binary: bool) -> Floats:
    """Predict `new` by a logistic or linear model; by the mean where a model cannot be fitted."""
    if len(y) == 0:
        return np.zeros(len(new))
    if X.shape[1] == 0 or y.min() == y.max():
        return np.full(len(new), y.mean())
    if binary:
        beta = _logistic(X, y)
        return _expit(beta[0] + new @ beta[1:])
    Z = np.hstack([np.ones((len(y), 1)), X])
    beta = _least_squares(Z, y)
    return np.asarray(beta[0] + new @ beta[1:])


def _least_squares(Z: Floats, y: Floats) -> Floats:
    return np.asarray(np.linalg.solve(Z.T @ Z + RIDGE * np.eye(Z.shape[1]), Z.T @ y), np.float64)


def _mean_and_slope(linear: Floats, *, logistic: bool) -> tuple[Floats, Floats]:
    """Return the mean that a linear predictor stands for, and its derivative."""
    if not logistic:
        return linear, np.ones(len(linear))
    p = _expit(linear)
    return p, p * (1 - p)


def _logistic(X: Floats, y: Floats) -> Floats:
    """Return intercept and coefficients of a logistic regression."""
    from sklearn import config_context
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / RIDGE, solver="newton-cholesky", max_iter=100)
    # Samples are checked where they are made; checking them again takes a third of a small fit.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        model.fit(X, y)
    return np.concatenate([model.intercept_, model.coef_[0]])


def _expit(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -35, 35))))
