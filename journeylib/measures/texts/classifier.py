"""The models: which type an opening is of and how sure that is; what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from journeylib.core import SEED, Floats

FOLDS = 5
STRENGTH = 10.0  # C of the regression
BATCH = 50_000  # openings scored at once: memory does not grow with the log
MIN_WORDS = 3
BANDS = (0.50, 0.60, 0.70, 0.80, 0.90, 0.95)
RIGHT, RIGHT_AT_LEAST = 0.85, 0.75
OTHER = "other"
_Z = 1.959964
Texts = Sequence[str]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TypeModel:
    """A calibrated model of the type of an opening.

    Attributes
    ----------
    names : tuple of str
        The types, two to five.
    features : object
        Turns texts into TF-IDF of words and of parts of words.
    weights, intercepts : ndarray
        Log odds of each type against the rest; of two types only of the second.
    slopes, shifts : ndarray of float64
        Platt's curve over those log odds.
    """

    names: tuple[str, ...]
    features: Any
    weights: Floats
    intercepts: Floats
    slopes: Floats
    shifts: Floats

    def probabilities(self, openings: Texts) -> Floats:
        """Return the calibrated probability of each type, shape (openings, types).

        Rows add up to one. Each distinct opening is scored once.
        """
        if not len(openings):
            return np.zeros((0, len(self.names)))
        distinct, index = np.unique(np.asarray(openings, dtype=object), return_inverse=True)
        parts = [
            self.features.transform(distinct[first : first + BATCH]) @ self.weights.T
            for first in range(0, len(distinct), BATCH)
        ]
        odds = np.concatenate(parts) + self.intercepts
        return _shares(odds * self.slopes + self.shifts)[index]


@dataclass(frozen=True, eq=False)
class MatterModel:
    """A model of what an opening is about, with `OTHER` for what it has not learned.

    Attributes
    ----------
    matters : tuple of str
    features, machine : object
        TF-IDF, and a linear support vector machine over it, one against the rest.
    limit : float
        Below this largest margin an opening is `OTHER`.
    """

    matters: tuple[str, ...]
    features: Any
    machine: Any
    limit: float = -np.inf

    def margins(self, openings: Texts) -> Floats:
        """Return the margin of each matter, shape (openings, matters)."""
        margins: Floats = self.machine.decision_function(self.features.transform(openings))
        return np.column_stack([-margins, margins]) if margins.ndim == 1 else margins

    def matter(self, openings: Texts) -> list[str]:
        """Return what each opening is about."""
        margins = self.margins(openings)
        return [
            self.matters[best] if margin >= self.limit else OTHER
            for best, margin in zip(margins.argmax(axis=1), margins.max(axis=1), strict=True)
        ]


def text_features(*, rarest: int = 1) -> Any:
    """Return TF-IDF of words (1 to 2) and of characters within words (2 to 5), joined.

    What fewer than `rarest` texts hold is left out.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=rarest),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=rarest),
    )


def learn_types(
    openings: Texts, types: Sequence[str], groups: npt.ArrayLike, names: Sequence[str]
) -> tuple[TypeModel, Floats]:
    """Learn the types of labelled openings.

    Parameters
    ----------
    openings, types : sequence of str
        In an order that does not depend on the order of the log's rows.
    groups : array of int
        Group of each opening's customer: a customer is in one fold.
    names : sequence of str
        The types.

    Returns
    -------
    model : TypeModel
    out_of_fold : ndarray of float64, shape (openings, types)
        The probabilities of the labelled openings, each from a model that has not seen its
        customer.

    Notes
    -----
    Logistic regression; its log odds out of fold are calibrated after Platt (1999), with his
    targets that keep away from 0 and 1: with few labels the bare probabilities are too timid.
    """
    wanted = names[1:] if len(names) == 2 else names
    true = np.column_stack([np.asarray(types, dtype=object) == name for name in wanted])
    fold = np.asarray(groups, dtype=np.int64) % FOLDS
    odds = np.zeros(true.shape)
    texts = np.asarray(openings, dtype=object)
    for number in np.unique(fold):
        out = fold == number
        features, weights, intercepts = _fitted(texts[~out], true[~out])
        odds[out] = features.transform(texts[out]) @ weights.T + intercepts
    curves = np.array([_platt(odds[:, i], true[:, i]) for i in range(true.shape[1])])
    slopes, shifts = curves[:, 0], curves[:, 1]
    model = TypeModel(tuple(names), *_fitted(texts, true), slopes, shifts)
    return model, _shares(odds * slopes + shifts)


def _fitted(texts: npt.NDArray[Any], true: npt.NDArray[np.bool_]) -> tuple[Any, Floats, Floats]:
    from sklearn.linear_model import LogisticRegression

    features = text_features()
    vectors = features.fit_transform(texts)
    weights, intercepts = [], []
    for column in true.T:
        one = LogisticRegression(C=STRENGTH, solver="liblinear", random_state=SEED)
        one.fit(vectors, column)
        weights.append(one.coef_[0])
        intercepts.append(one.intercept_[0])
    return features, np.array(weights), np.array(intercepts)


def _platt(odds: Floats, true: npt.NDArray[np.bool_]) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    yes, no = int(true.sum()), int((~true).sum())
    target = np.where(true, (yes + 1) / (yes + 2), 1 / (no + 2))
    curve = LogisticRegression(C=1e6, tol=1e-8)
    curve.fit(
        np.concatenate([odds, odds])[:, None],
        np.repeat([True, False], len(odds)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    # A curve that falls would turn the model over: it knows nothing then.
    return max(float(curve.coef_[0, 0]), 0.0), float(curve.intercept_[0])


def _shares(odds: Floats) -> Floats:
    """Turn log odds into probabilities that add up to one."""
    from scipy.special import expit

    each: Floats = expit(odds)
    if each.shape[1] == 1:
        return np.column_stack([1 - each, each])
    shares: Floats = each / np.maximum(each.sum(axis=1, keepdims=True), 1e-12)
    return shares


def learn_matters(
    openings: Texts, matters: Sequence[str], *, others: Sequence[tuple[str, str]] = ()
) -> MatterModel:
    """Learn what openings are about.

    Parameters
    ----------
    openings, matters : sequence of str
    others : sequence of (str, str)
        Openings to choose the limit with, none of them learned from, each with its matter or
        `OTHER`. Without them the limit lets 95 of 100 labelled openings pass, judged out of fold.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    features, machine = text_features(), LinearSVC(C=1.0, random_state=SEED)
    machine.fit(features.fit_transform(openings), matters)
    model = MatterModel(tuple(machine.classes_), features, machine)
    if others:
        margins = model.margins([opening for opening, _matter in others])
        true = np.array([matter for _opening, matter in others], dtype=object)
        limit = _best_limit(margins.max(axis=1), true, machine.classes_[margins.argmax(axis=1)])
    else:
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
        fresh = make_pipeline(text_features(), LinearSVC(C=1.0, random_state=SEED))
        predicted = cross_val_predict(
            fresh, list(openings), list(matters), cv=folds, method="decision_function"
        )
        limit = float(
            np.percentile(predicted.max(axis=1) if predicted.ndim > 1 else np.abs(predicted), 5)
        )
    return MatterModel(model.matters, features, machine, limit)


def _best_limit(margins: Floats, true: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> float:
    """Return the limit by which most openings are given the right matter, or `OTHER` rightly."""
    order = np.argsort(margins, kind="stable")
    # What one more opening below the limit wins: another matter is found, a right one is lost.
    won = (true == OTHER).astype(np.int64) - (true == predicted)
    gains = np.cumsum(won[order])
    best = int(gains.argmax())
    return float(np.nextafter(margins[order[best]], np.inf)) if gains[best] > 0 else -np.inf


def sure_band(probabilities: Floats, true: Whole) -> float | None:
    """Return the probability from which a contact is given a type, or None where none will do.

    Parameters
    ----------
    probabilities : ndarray, shape (openings, types)
        Of the measuring list.
    true : ndarray of int64
        Number of the type that people said; −1 where they said another or were unsure.

    Returns
    -------
    float or None
        The lowest of `BANDS` at which at least `RIGHT` of those kept are right, and Wilson's
        lower limit of that share is at least `RIGHT_AT_LEAST`.
    """
    sure, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    for band in BANDS:
        is_sure = sure >= band
        n = int(is_sure.sum())
        if n and (right := float((predicted[is_sure] == true[is_sure]).mean())) >= RIGHT:
            spread = _Z * np.sqrt(right * (1 - right) / n + _Z**2 / (4 * n * n))
            if (right + _Z**2 / (2 * n) - spread) / (1 + _Z**2 / n) >= RIGHT_AT_LEAST:
                return band
    return None


def type_numbers(probabilities: Floats, openings: Texts, band: float | None) -> Whole:
    """Return the number of the type of each opening; −1 where it is not sure enough.

    Openings of fewer than `MIN_WORDS` words are unsure whatever the model says.
    """
    if band is None:
        return np.full(len(openings), -1, dtype=np.int64)
    long = np.array([len(opening.split()) >= MIN_WORDS for opening in openings], dtype=bool)
    sure = long & (probabilities.max(axis=1) >= band)
    return np.where(sure, probabilities.argmax(axis=1), -1).astype(np.int64)
