"""Contacts and their openings: what customers say before anybody answers; which to label."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from ibis import _

from journeylib.core import SEED, LogError, one_thread
from journeylib.journeys import MISSING, Journeys, first_in, runs_of
from journeylib.measures.bots.conversations import sessions_of
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.classifier import text_features
from journeylib.measures.texts.language_reach import languages_of

MOST_LETTERS = 1_000
POOL, COMPONENTS = 2_000, 100
LIST_LENGTH, RATED_TWICE = 100, 50
# A language that fewer of the contacts are in has no list of its own.
OWN_LIST = 0.1
LEARN, MEASURE = "learn", "measure"
LABEL_COLUMNS = ("contact", "list", "opening", "type", "second_type", "matter")


def openings(journeys: Journeys, settings: MeasureSettings) -> pd.DataFrame:
    """Return the contacts of a log in which a customer says something.

    Parameters
    ----------
    journeys : Journeys
        With text; without actors every text counts as a customer's.
    settings : MeasureSettings
        With the silence that ends a contact where no session id says so.

    Returns
    -------
    pandas.DataFrame
        One row per contact, a working table that is not to be shown: ``session`` (number, as of
        `bot_sessions`), ``journey`` (number), ``customer_no``, ``group``, ``touchpoint_no`` (of
        the customer's first words), ``channel``, ``segment`` (str, empty where not known),
        ``opening`` (str), ``language`` (str, empty where not told), ``contact`` (str: names the
        contact in lists of labels).

    Notes
    -----
    The opening is what the customer says from the first words on until a bot or a human
    answers, at most `MOST_LETTERS` characters: a greeting before it is no answer. Without
    actors it is the first text.
    """
    events = journeys.events
    session, row = sessions_of(journeys, settings), np.arange(len(events))
    runs = runs_of(session, int(session.max(initial=-1)) + 1)
    spoken = events.mark("has a text", _.text.notnull())
    if journeys.has("actor"):
        actor = events.column("actor")
        own = actor.is_word("customer") | (journeys.log.schema.text_by == "customer")
        spoken, serves = spoken & own, actor.is_word("bot", "human")
    else:
        serves = spoken
    first = first_in(runs, spoken)[session]
    answer = first_in(runs, serves & (first >= 0) & (row > first))[session]
    rows = np.flatnonzero(spoken & ((answer < 0) | (row < answer)))
    parts = pd.DataFrame({"session": session[rows], "row": rows, "text": events.texts_at(rows)})
    parts["text"] = parts["text"].str.split().str.join(" ")
    parts = parts[parts["text"] != ""]
    sessions = parts.groupby("session", sort=True).agg(
        row=("row", "first"), opening=("text", " ".join)
    )
    at = sessions["row"].to_numpy(dtype=np.int64)
    table = pd.DataFrame(
        {
            "session": sessions.index.to_numpy(dtype=np.int64),
            "journey": events.journey[at].astype(np.int64),
            "customer_no": events.customer[at].astype(np.int64),
            "group": events.group[at].astype(np.int64),
            "touchpoint_no": events.touchpoint[at].astype(np.int64),
            "channel": _words(events.column("channel"), at) if journeys.has("channel") else "",
            "opening": sessions["opening"].str.slice(0, MOST_LETTERS).to_numpy(dtype=object),
        }
    )
    segment = journeys.outline.segment
    table["segment"] = "" if segment is None else _words(segment, table["journey"].to_numpy())
    table["language"] = languages_of(table["opening"])
    times = events.t_us[at] if journeys.has_clock else np.full(len(at), MISSING)
    return table.assign(contact=_keys(table, times, journeys.names))


def _words(codes: Any, rows: Any) -> Any:
    return np.array([*codes.words, ""], dtype=object)[codes.number[rows]]


def _keys(table: pd.DataFrame, times: Any, names: dict[int, str]) -> list[str]:
    """Name each contact by when, where and what was said: the same in any order of rows."""
    parts = zip(times, table["touchpoint_no"].map(names), table["opening"], strict=True)
    return [_digest(f"{time}|{touchpoint}|{opening}") for time, touchpoint, opening in parts]


def _digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:16]


@dataclass(frozen=True)
class LabelLists:
    """The openings that people label; personal, and part of no run.

    Attributes
    ----------
    rows : pandas.DataFrame
        One row per opening: ``contact``, ``list`` (``learn`` or ``measure``), ``opening``,
        ``twice`` (boolean: labelled by a second person as well). Contacts of one list are of
        different customers, and no customer is in both.
    languages : tuple of str
        Each language has lists of its own.
    """

    rows: pd.DataFrame
    languages: tuple[str, ...]


def label_lists(contacts: pd.DataFrame, *, length: int = LIST_LENGTH) -> LabelLists:
    """Choose the openings that people label.

    Parameters
    ----------
    contacts : pandas.DataFrame
        As of `openings`.
    length : int
        Openings of each list.

    Raises
    ------
    LogError
        If there are fewer than two customers with an opening for each row of a list.

    Notes
    -----
    The measuring list is a simple random sample of customers, one contact each; nothing is
    learned from it. The learning list takes one opening per cluster of a pool of other
    customers: k-means on 100 components of their TF-IDF, the opening nearest each centre.
    """
    counts = contacts["language"].value_counts(normalize=True)
    languages = tuple(sorted(counts.index[counts >= OWN_LIST]))
    parts, used = [], pd.Series(dtype="int64")
    for language in languages:
        own = contacts[contacts["language"] == language]
        people = one_a_customer(own[~own["customer_no"].isin(used)])
        if len(people) < 2 * length:
            continue
        measured = people.iloc[:length]
        learned = one_per_cluster(people.iloc[length : length + POOL], length)
        twice = np.arange(length) < RATED_TWICE
        parts += [
            learned.assign(list=LEARN, twice=False),
            measured.assign(list=MEASURE, twice=twice),
        ]
        used = pd.concat([used, learned["customer_no"], measured["customer_no"]])
    if not parts:
        raise LogError(
            f"too few customers say something to label their contacts: two lists of {length} "
            f"openings need {2 * length} customers in one language. Map the columns text and "
            "actor, or take a longer log."
        )
    rows = pd.concat(parts, ignore_index=True)[["contact", "list", "opening", "twice"]]
    return LabelLists(rows, languages)


def one_a_customer(contacts: pd.DataFrame) -> pd.DataFrame:
    """Return one contact of each customer, in an order that rests on no order of rows.

    Which contact and which customer are drawn by two hashes: by one alone, customers of many
    contacts would come first.
    """
    which = [_digest(f"{SEED} which {key}") for key in contacts["contact"]]
    sample = contacts.assign(_which=which).sort_values(["_which", "contact"], kind="stable")
    sample = sample.drop_duplicates("customer_no").drop_duplicates("contact")
    whose = [_digest(f"{SEED} whose {key}") for key in sample["contact"]]
    return sample.assign(_whose=whose).sort_values("_whose", kind="stable", ignore_index=True)


def one_per_cluster(pool: pd.DataFrame, length: int) -> pd.DataFrame:
    """Return the rows of `pool` whose openings stand for its clusters, at most `length`."""
    from sklearn.cluster import KMeans

    with one_thread():
        points = components(pool["opening"].tolist())
        kinds = min(length, len(np.unique(points, axis=0)))
        clusters = KMeans(kinds, n_init=1, random_state=SEED).fit(points)
        distance = clusters.transform(points)
    chosen: list[int] = []
    for own in distance.T:
        order = np.argsort(own, kind="stable")
        chosen.append(next(int(row) for row in order if int(row) not in chosen))
    rest = [row for row in range(len(pool)) if row not in set(chosen)]
    return pool.iloc[sorted(chosen + rest[: length - len(chosen)])].reset_index(drop=True)


def components(texts: Sequence[str]) -> Any:
    """Return openings as points: `COMPONENTS` of their TF-IDF, of length 1, one row each."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize

    # What one opening alone holds tells of no cluster, and costs most of the time.
    vectors = text_features(rarest=2).fit_transform(texts)
    many = min(COMPONENTS, vectors.shape[1] - 1, len(texts) - 1)
    reduced = TruncatedSVD(many, n_iter=2, random_state=SEED)
    return normalize(reduced.fit_transform(vectors))
