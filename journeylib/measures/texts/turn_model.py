"""How a customer's turn feels, learned from turns that people labelled."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import GROUPS, MICRO, Floats
from journeylib.measures.texts.classifier import FOLDS, TypeModel, learn_types
from journeylib.measures.texts.language_reach import languages_of

MIN_TURNS, MIN_OF_A_KIND = 100, 20
NEUTRAL, NEGATIVE, POSITIVE = "neutral", "negative", "positive"
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TurnModel:
    """A calibrated model of how a turn feels.

    Attributes
    ----------
    model : TypeModel
    languages : frozenset of str
        Those with at least `MIN_TURNS` labelled turns; no other is scored.
    turns : int
        Labelled turns that it was learned from.
    judged : pandas.Series of boolean
        Of each labelled turn, under its index: whether it is negative, by a model that has not
        seen its customer; missing where it was not learned from.
    error : float
        Standard error of the mean probability, from the labelled turns.
    """

    model: TypeModel
    languages: frozenset[str]
    turns: int
    judged: pd.Series[Any]
    error: float

    def scores(self, texts: pd.Series[Any]) -> pd.DataFrame:
        """Score texts.

        Returns
        -------
        pandas.DataFrame
            Under the index of `texts`, Int64, missing where the language was not learned:
            ``negative``, the probability of a negative turn in micro-units; ``score``, that of
            a positive turn (0 where none are labelled) minus it.
        """
        in_language = languages_of(texts).isin(self.languages).to_numpy()
        shares = np.rint(MICRO * self.model.probabilities(list(texts[in_language]))).astype(
            np.int64
        )
        bad = shares[:, self.model.names.index(NEGATIVE)]
        good = shares[:, -1] if POSITIVE in self.model.names else np.zeros_like(bad)
        values = np.zeros((len(texts), 2), dtype=np.int64)
        values[in_language] = np.column_stack([bad, good - bad])
        table = pd.DataFrame(values, index=texts.index, columns=["negative", "score"])
        table = table.astype("Int64")
        table.loc[~in_language] = pd.NA
        return table


def learn_turns(labelled: pd.DataFrame | None) -> TurnModel | None:
    """Learn how turns feel, where enough of them are labelled.

    Parameters
    ----------
    labelled : DataFrame or None
        One row per turn: ``text``, ``negative`` and perhaps ``positive`` (boolean, missing
        where nobody labelled it), perhaps ``customer``.

    Returns
    -------
    TurnModel or None
        None with fewer than `MIN_TURNS` labelled turns in any language, or `MIN_OF_A_KIND` that
        are negative, or that are not.
    """
    if labelled is None or NEGATIVE not in labelled:
        return None
    turns = labelled[labelled[NEGATIVE].notna()]
    language = languages_of(turns["text"])
    many = language.value_counts()
    languages = frozenset(many.index[many >= MIN_TURNS])
    turns = turns[language.isin(languages)]
    turns = turns.assign(group=turn_groups(turns), kind=_kinds(turns))
    turns = turns.sort_values(["text", "group", "kind"], kind="stable")
    names = [NEUTRAL, NEGATIVE, POSITIVE]
    if (turns["kind"] == POSITIVE).sum() < MIN_OF_A_KIND:
        turns["kind"] = turns["kind"].replace(POSITIVE, NEUTRAL)
        names.remove(POSITIVE)
    if not _enough(turns, names):
        return None
    model, out_of_fold = learn_types(
        list(turns["text"]), list(turns["kind"]), turns["group"].to_numpy(), names
    )
    bad = out_of_fold[:, names.index(NEGATIVE)]
    judged = pd.Series(bad >= 0.5, index=turns.index).reindex(labelled.index).astype("boolean")
    error = _error((turns["kind"] == NEGATIVE).to_numpy() - bad, turns["group"].to_numpy())
    return TurnModel(model, languages, len(turns), judged, error)


def _kinds(turns: pd.DataFrame) -> npt.NDArray[Any]:
    good = turns[POSITIVE].fillna(False) if POSITIVE in turns else pd.Series(False, turns.index)
    rest = np.where(good.to_numpy(dtype=bool), POSITIVE, NEUTRAL)
    return np.where(turns[NEGATIVE].to_numpy(dtype=bool), NEGATIVE, rest)


def _enough(turns: pd.DataFrame, names: list[str]) -> bool:
    """Say whether there are turns of each kind, and some whichever fold is left out."""
    cells = pd.crosstab(turns["kind"], turns["group"] % FOLDS).reindex(names, fill_value=0)
    every = cells.sum(axis=1)
    return bool((every >= MIN_OF_A_KIND).all() and cells.lt(every, axis=0).to_numpy().all())


def _error(rest: Floats, group: Integers) -> float:
    """Return the standard error of the mean of `rest`, customers' groups as clusters."""
    sums = np.bincount(group, rest - rest.mean(), minlength=GROUPS)
    return float(np.sqrt((sums**2).sum()) / len(rest))


def turn_groups(labelled: pd.DataFrame) -> Integers:
    """Deal turns into groups by customer, else by their text: not by their place in the file."""
    by = labelled["customer"] if "customer" in labelled else labelled["text"]
    digests = [hashlib.md5(str(one).encode(), usedforsecurity=False) for one in by]
    return np.array([int(one.hexdigest()[:2], 16) % GROUPS for one in digests], dtype=np.int64)
