"""What contacts are about where the log has no intents: labelled matters, else stable topics."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import SEED, Estimate, one_thread
from journeylib.measures.ratios import Ratio, ratios
from journeylib.measures.service_types.openings import LEARN, POOL, components, one_a_customer
from journeylib.measures.service_types.shares import Labelled, share_estimate
from journeylib.measures.texts.classifier import FOLDS, OTHER, learn_matters

MIN_LEARNED, MIN_OF_A_MATTER = 100, 10
TOPICS = (5, 10, 20, 40)
THIRDS, IN_A_TOPIC = 3, 20
STABLE = 0.4
SHUFFLES, RARE = 10, 1.645  # standard errors: 95 of 100 shuffled logs agree by less
STARTS = 4  # of k-means, of which the tightest counts
WORDS = 5
_WORD = re.compile(r"[^\W\d_]{2,}")
# Who names a person says so: a word in capitals after one of these is a name.
_NAME = re.compile(
    r"(?:\b[Mm]rs?\.?|\b[Mm]s\.?|\b[Dd]r\.?|\bHerrn?|\bFrau|[Nn]ame(?: is| ist|:)|\bI am|\bI'm"
    r"|\b[Tt]his is|\b[Hh]ier ist|\b[Hh]ier spricht|\b[Ii]ch heiße|\b[Ii]ch bin)"
    r"\s+([A-ZÄÖÜ][^\W\d_]+)(?:\s+([A-ZÄÖÜ][^\W\d_]+))?"
)
Whole = npt.NDArray[np.int64]
MattersAnswer = Literal[
    "labels", "topics", "no_stable_topics", "few_customers", "intents", "no_text"
]


@dataclass(frozen=True)
class Matter:
    """One thing that contacts are about.

    Attributes
    ----------
    name : str
        As people labelled it, or the most typical words of a topic.
    share : Estimate
        Labelled: of contacts. A topic: of customers, of each of whom one contact is drawn.
    """

    name: str
    share: Estimate


@dataclass(frozen=True)
class Matters:
    """What contacts are about; ``docs/methods.md`` says what the numbers mean.

    Attributes
    ----------
    answer : str
        ``labels`` (learned from labelled matters), ``topics``, or why there is nothing.
    matters : tuple of Matter
        Largest share first.
    agreement, by_chance : float or None
        Adjusted Rand index of the topics that two thirds of the customers give the last third;
        what it stays below in 95 of 100 logs with shuffled words.
    """

    answer: MattersAnswer
    matters: tuple[Matter, ...] = ()
    agreement: float | None = None
    by_chance: float | None = None


def estimate_matters(
    contacts: pd.DataFrame, labels: pd.DataFrame, *, min_customers: int
) -> Matters:
    """Tell what contacts are about.

    Parameters
    ----------
    contacts : pandas.DataFrame
        As of `openings`.
    labels : pandas.DataFrame
        ``contact``, ``list``, ``opening``, ``matter`` (empty where nobody said it); sorted.
    min_customers : int
        No matter of fewer customers, and no word that fewer used, is told.
    """
    labelled = labels[labels["matter"] != ""]
    learn, measured = labelled[labelled["list"] == LEARN], labelled[labelled["list"] != LEARN]
    many = learn["matter"].value_counts()
    wanted = sorted(many.index[many >= max(MIN_OF_A_MATTER, min_customers)])
    if len(learn) >= MIN_LEARNED and len(wanted) > 1:
        taught = learn[learn["matter"].isin(wanted)]
        return _labelled(contacts, taught, measured, min_customers)
    return topics(contacts, min_customers=min_customers)


def _labelled(
    contacts: pd.DataFrame, learn: pd.DataFrame, measured: pd.DataFrame, minimum: int
) -> Matters:
    texts, matters = learn["opening"].to_numpy(object), learn["matter"].to_numpy(object)
    model = learn_matters(texts.tolist(), matters.tolist())
    predicted = np.asarray(model.matter(contacts["opening"].tolist()), dtype=object)
    row_of = pd.Series(np.arange(len(contacts)), index=contacts["contact"].to_numpy())
    row_of = row_of.groupby(level=0).min()
    # A contact that was learned from is judged by models that have not seen it.
    fold = np.arange(len(learn)) % FOLDS
    at = row_of.reindex(learn["contact"]).to_numpy(dtype=float)
    for number in range(FOLDS):
        out = (fold == number) & ~np.isnan(at)
        rest = fold != number
        other = learn_matters(texts[rest].tolist(), matters[rest].tolist())
        predicted[at[out].astype(np.int64)] = other.matter(texts[out].tolist())
    rows = row_of.reindex(measured["contact"]).to_numpy(dtype=float)
    true = measured["matter"].to_numpy(object)[~np.isnan(rows)]
    rows = rows[~np.isnan(rows)].astype(np.int64)
    people = contacts["customer_no"].to_numpy()
    of_customer = contacts["customer_no"].map(contacts["customer_no"].value_counts())
    weight = of_customer.to_numpy(dtype=float)[rows]
    names = sorted(set(matters))
    true = np.where(np.isin(true, names), true, OTHER)
    shares = []
    for name in (*names, OTHER):
        says = (predicted == name).astype(float)
        labelled = Labelled((true == name).astype(float), says[rows], weight)
        what = f"contacts about {name}"
        share = share_estimate(labelled, says, people, what=what, min_customers=minimum)
        if len(np.unique(people[predicted == name])) >= minimum:
            shares.append(Matter(name, share))
    return Matters("labels", _by_share(shares))


def topics(contacts: pd.DataFrame, *, min_customers: int) -> Matters:
    """Group openings by their words, where groups are the same in any part of the customers.

    Notes
    -----
    K-means on `components` of one contact each of at most `POOL` customers, for each number of
    topics in `TOPICS`. Each of two thirds of the customers gives the last third its topics; the
    number counts by which both agree most (adjusted Rand index, Hubert and Arabie 1985). The
    topics are stable if they agree by at least `STABLE`, and by more than 95 of 100 logs with the
    same words shuffled among the openings do: their mean and spread are those of `SHUFFLES`.
    """
    pool = one_a_customer(contacts).head(POOL)
    if len(pool) < THIRDS * TOPICS[0] * IN_A_TOPIC:
        return Matters("few_customers")
    texts = [" ".join(_WORD.findall(opening)) for opening in pool["opening"]]
    with one_thread():
        agreement, number = _agreement(texts)
        if agreement < STABLE:
            return Matters("no_stable_topics", agreement=agreement)
        chances = [_agreement(shuffled)[0] for shuffled in _shuffled(texts)]
        chance = round(float(np.mean(chances) + RARE * np.std(chances, ddof=1)), 6)
        if agreement <= chance:
            return Matters("no_stable_topics", agreement=agreement, by_chance=chance)
        group = _kmeans(components(texts), number).labels_
    return Matters("topics", _named(pool, group, min_customers), agreement, chance)


def _agreement(texts: Sequence[str]) -> tuple[float, int]:
    """Return the largest agreement of two thirds on the last, and its number of topics."""
    from sklearn.metrics import adjusted_rand_score

    points = components(texts)
    one, other, last = (points[third::THIRDS] for third in range(THIRDS))
    scores = []
    for number in TOPICS:
        if len(last) >= number * IN_A_TOPIC:
            first, second = (_kmeans(part, number).predict(last) for part in (one, other))
            scores.append((round(float(adjusted_rand_score(first, second)), 6), number))
    return max(scores, key=lambda pair: (pair[0], -pair[1]))


def _kmeans(points: Any, number: int) -> Any:
    from sklearn.cluster import KMeans

    return KMeans(number, n_init=STARTS, random_state=SEED).fit(points)


def _shuffled(texts: Sequence[str]) -> Any:
    """Yield the same words dealt out anew to openings of the same lengths."""
    words = [text.split() for text in texts]
    every, ends = np.concatenate(words), np.cumsum([len(own) for own in words])[:-1]
    for seed in range(SHUFFLES):
        mixed = np.random.default_rng([SEED, seed]).permutation(every)
        yield [" ".join(part) for part in np.split(mixed, ends)]


def _named(pool: pd.DataFrame, group: Whole, minimum: int) -> tuple[Matter, ...]:
    """Name each group by its most typical words; one of too few customers is not told."""
    everyone = np.ones(len(pool), dtype=bool)
    names = {word.casefold() for text in pool["opening"] for word in _names_in(text)}
    used = [{w.casefold() for w in _WORD.findall(text)} - names for text in pool["opening"]]
    every = Counter(word for own in used for word in own)
    matters = []
    for number in range(int(group.max()) + 1):
        here = np.flatnonzero(group == number)
        own = Counter(word for row in here for word in used[row])
        # What a word tells of this group: how often it is used here, beside how often at all.
        typical = sorted(
            (word for word, count in own.items() if count >= minimum),
            key=lambda word: (-own[word] * np.log(own[word] / every[word] * len(pool) / len(here)),
                              word),
        )[:WORDS]  # fmt: skip
        share = Ratio(group == number, everyone, "customers with a contact of this topic")
        if len(here) >= minimum and typical:
            estimate = ratios(pool, {"share": share}, min_customers=minimum)["share"]
            matters.append(Matter(", ".join(typical), estimate))
    return _by_share(matters)


def _names_in(opening: str) -> list[str]:
    return [name for pair in _NAME.findall(opening) for name in pair if name]


def _by_share(matters: Sequence[Matter]) -> tuple[Matter, ...]:
    return tuple(sorted(matters, key=lambda one: (-(one.share.value or 0.0), one.name)))
