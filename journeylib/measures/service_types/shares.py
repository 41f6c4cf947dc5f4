"""Shares of types: what people labelled at random, made sharper by what a model says of all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from journeylib.core import LEVEL, AbstainReason, Estimate, Floats, wilson

MIN_MEASURED, MIN_MEASURED_HERE = 60, 30
MIN_CONTACTS = 100
WIDE = 1.96  # standard errors from an agreement to the end of its interval
CORRECTED = "prediction-powered, labels drawn at random"
UNCORRECTED = "mean probability, not corrected by labels"
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Contacts of the measuring list, for one type.

    Attributes
    ----------
    true : ndarray of float64
        1 where people said this type, else 0.
    predicted : ndarray of float64
        Probability of the type, from a model that has not seen the list.
    weight : ndarray of float64
        How many contacts each stands for: those of its customer, of whom one was drawn.
    """

    true: Floats
    predicted: Floats
    weight: Floats


@dataclass(frozen=True)
class Share:
    """A share with its standard error.

    Attributes
    ----------
    value, se : float
    of_model : float
        How much of the model is used: 0 labels alone, 1 all of it.
    """

    value: float
    se: float
    of_model: float


def prediction_powered(
    labelled: Labelled, predicted: Floats, customers: Whole, *, of_model: float | None = None
) -> Share:
    """Estimate a share from labels drawn at random and a model's probabilities of all contacts.

    Parameters
    ----------
    labelled : Labelled
    predicted : ndarray of float64
        Probability of the type of every contact.
    customers : ndarray of int64
        Number of the customer of each.
    of_model : float, optional
        How much of the model is used; default what makes the error smallest, from 0 to 1.

    Notes
    -----
    Angelopoulos, Duchi and Zrnic (2023), "PPI++: efficient prediction-powered inference": with
    probabilities f, labels Y and λ = `of_model`, λ · mean f of all + mean (Y − λ f) of the
    labelled. It is right on average whatever the model is worth. Means of the labelled are
    weighted, and the variance of f is taken between customers.
    """
    weight = labelled.weight / labelled.weight.sum()
    n, contacts = len(weight), len(predicted)

    def spread(one: Floats, other: Floats) -> float:
        centred = (one - weight @ one) * (other - weight @ other)
        return float(weight @ centred)

    if of_model is None:
        variance = spread(labelled.predicted, labelled.predicted) * (1 + n / contacts)
        together = spread(labelled.true, labelled.predicted)
        of_model = float(np.clip(together / variance, 0.0, 1.0)) if variance > 0 else 0.0
    rest = labelled.true - of_model * labelled.predicted
    value = of_model * float(predicted.mean()) + float(weight @ rest)
    noise = n / (n - 1) * float((weight**2) @ (rest - weight @ rest) ** 2)
    of_customer = np.bincount(customers, predicted - predicted.mean())
    clusters = float((of_customer**2).sum()) / contacts**2
    return Share(value, float(np.sqrt(noise + of_model**2 * clusters)), of_model)


def share_estimate(
    labelled: Labelled, predicted: Floats, customers: Whole, *, what: str, min_customers: int
) -> Estimate:
    """Return the share of a type in one part of the log.

    Prediction-powered where at least `MIN_MEASURED_HERE` of its contacts were labelled at random,
    with Wilson's interval: labels that are all alike are no proof that all contacts are.
    Elsewhere the mean probability, an assumption (grade D) without an interval, from
    `MIN_CONTACTS` contacts on.
    """
    n, people = len(labelled.true), len(np.unique(customers))
    if people < min_customers:
        return Estimate.none("privacy" if people else "n_small", "share", estimand=what)
    empty = Estimate.none(
        "n_small", "share", n_customers=people, n_events=len(predicted), estimand=what
    )
    if n >= MIN_MEASURED_HERE:
        from scipy import special

        share = prediction_powered(labelled, predicted, customers)
        # A sum of weights that is 1 but for the last digit is 1: its labels are all alike.
        value = round(float(np.clip(share.value, 0.0, 1.0)), 12)
        t = float(special.stdtrit(n - 1, 0.5 + LEVEL / 2))
        lo, hi = (float(end) for end in wilson(value, share.se, t, n, len(predicted)))
        return replace(empty, value=value, lo=lo, hi=hi, abstain=None, method=CORRECTED)
    if len(predicted) < MIN_CONTACTS:
        return empty
    mean = float(predicted.mean())
    return replace(empty, value=mean, abstain=None, grade="D", method=UNCORRECTED)


def agreement(first: npt.NDArray[np.object_], second: npt.NDArray[np.object_]) -> Estimate:
    """Return Cohen's kappa of two people, each opening labelled by both.

    Notes
    -----
    The error is by the jackknife over openings, the interval Wilson's on the share that agrees:
    people who agree on all of a few openings may yet disagree.
    """
    what = "agreement of two people beyond chance"
    n = len(first)
    if n < MIN_MEASURED_HERE:
        return Estimate.none("n_small", "kappa", n_events=n, estimand=what)
    words = sorted({*first, *second})
    one, two = (np.array([[w == word for word in words] for w in who]) for who in (first, second))
    one, two = one.astype(np.int64), two.astype(np.int64)
    both = (one * two).sum(axis=1)

    def kappa(agreed: Floats, ones: Floats, twos: Floats, of: int) -> Floats:
        by_chance = (ones * twos).sum(axis=-1) / of**2
        with np.errstate(divide="ignore", invalid="ignore"):
            value_of_kappa: Floats = (agreed / of - by_chance) / (1 - by_chance)
        return value_of_kappa

    value = float(kappa(both.sum(), one.sum(axis=0), two.sum(axis=0), n))
    if not np.isfinite(value):
        reason: AbstainReason = "unidentified"
        return Estimate.none(reason, "kappa", n_events=n, estimand=what)
    without = kappa(both.sum() - both, one.sum(axis=0) - one, two.sum(axis=0) - two, n - 1)
    without = without[np.isfinite(without)]  # without this one, there is one word left
    se = float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    agreed = float(both.sum()) / n
    # kappa = (agreed - by chance) / (1 - by chance)
    beyond = 1 - _by_chance(one, two)
    ends = wilson(agreed, se * beyond, WIDE, n, n)
    lo, hi = (float(np.clip(1 - (1 - end) / beyond, -1, 1)) for end in ends)
    return Estimate(
        value, "kappa", lo=min(lo, value), hi=max(hi, value), n_events=n, estimand=what,
        method="jackknife, Wilson's interval",
    )  # fmt: skip


def _by_chance(one: Whole, two: Whole) -> float:
    """Return the share on which two people agree by chance, each a column per word."""
    return float((one.mean(axis=0) * two.mean(axis=0)).sum())
