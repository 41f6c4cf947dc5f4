"""Service types of a log's contacts: their shares, what bots get of them, what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from journeylib.core import Estimate, Floats, working
from journeylib.journeys import Journeys
from journeylib.measures.bots.bot_sessions import bot_sessions
from journeylib.measures.ratios import Ratio, ratios
from journeylib.measures.service_types.matters import Matters, estimate_matters
from journeylib.measures.service_types.openings import LEARN, MEASURE, openings
from journeylib.measures.service_types.shares import (
    CORRECTED,
    MIN_MEASURED,
    Labelled,
    agreement,
    share_estimate,
)
from journeylib.measures.settings import MeasureSettings, ServiceTypeSettings
from journeylib.measures.texts.classifier import learn_types, sure_band, type_numbers
from journeylib.measures.texts.language_reach import languages_of

MIN_LEARNED, MIN_OF_A_TYPE = 100, 20
MIN_AGREEMENT = 0.4
UNSURE = "unsure"
Answer = Literal[
    "estimated", "no_text", "few_labels", "few_of_a_type", "people_disagree", "few_measured"
]


@dataclass(frozen=True)
class TypeShare:
    """The share of one type in one part of the log.

    Attributes
    ----------
    by : {"log", "touchpoint", "channel", "segment"}
    name : str
        Which touchpoint, channel or segment; empty for the log.
    type : str
    corrected : bool
        Whether labels drawn at random correct the model; else the share is an assumption.
    share : Estimate
        Of the contacts in which a customer says something.
    """

    by: Literal["log", "touchpoint", "channel", "segment"]
    name: str
    type: str
    corrected: bool
    share: Estimate


@dataclass(frozen=True)
class BotContacts:
    """Contacts of one type that a bot gets, and what became of them.

    Attributes
    ----------
    touchpoint : str
        At which the bot serves; empty for all bots.
    type : str
    share : Estimate
        Of the contacts of the bot.
    confirmed, handed_over, gave_up : Estimate
        Of the bot's contacts that were given this type: the customer or a goal confirms a
        solution; a human came; the customer left.
    """

    touchpoint: str
    type: str
    share: Estimate
    confirmed: Estimate
    handed_over: Estimate
    gave_up: Estimate


@dataclass(frozen=True, eq=False)
class ServiceTypes:
    """Which contacts are of which type; ``docs/methods.md`` says what the numbers mean.

    Attributes
    ----------
    names : tuple of str
        The types.
    answer : str
        ``estimated``, or why nothing is said (`Answer`).
    learned, measured, rated_twice : int
        Labels used.
    contacts, left_out : int
        Contacts in which a customer says something; those of them in a language with fewer than
        `MIN_LEARNED` labels, which are in no share.
    agreement : Estimate
        Of two people who labelled the same openings (kappa).
    band : float or None
        Probability from which a contact is given a type; None: none is.
    typed, right : Estimate
        Share of contacts that are given a type; of those on the measuring list, given rightly.
    shares : tuple of TypeShare
    bots : tuple of BotContacts
    about : Matters
        What contacts are about, where the log has no intents.
    journeys_of : dict of str to ndarray of int64
        By type, the keys of the journeys with a contact of it: a working table.
    second_type_micro : dict of int to int
        By number of the session, as of `bot_sessions`, the probability of the second type in
        micro-units: a working table.
    """

    names: tuple[str, ...]
    answer: Answer
    learned: int = 0
    measured: int = 0
    rated_twice: int = 0
    contacts: int = 0
    left_out: int = 0
    agreement: Estimate = field(default_factory=lambda: Estimate.none("n_small", "kappa"))
    band: float | None = None
    typed: Estimate = field(default_factory=lambda: Estimate.none("n_small", "share"))
    right: Estimate = field(default_factory=lambda: Estimate.none("n_small", "share"))
    shares: tuple[TypeShare, ...] = ()
    bots: tuple[BotContacts, ...] = ()
    about: Matters = field(default_factory=lambda: Matters("no_text"))
    journeys_of: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    second_type_micro: dict[int, int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, eq=False)
class _Judged:
    """Contacts with the probabilities of their types; those measured, with their labels."""

    names: tuple[str, ...]
    contacts: pd.DataFrame
    probabilities: Floats
    measured: pd.DataFrame  # row (of contacts), true (number of the type, -1 none), weight


@working("telling service types")
def estimate_service_types(
    journeys: Journeys,
    labels: pd.DataFrame,
    types: ServiceTypeSettings,
    settings: MeasureSettings | None = None,
) -> ServiceTypes:
    """Learn the types of contacts from labels and estimate their shares.

    Parameters
    ----------
    journeys : Journeys
        With text.
    labels : pandas.DataFrame
        As people labelled the lists of `label_lists`: ``contact``, ``list``, ``opening``,
        ``type`` (empty where nobody labelled it), ``second_type``, ``matter``.
    types : ServiceTypeSettings
        The names of the types.
    settings : MeasureSettings, optional

    Notes
    -----
    The measuring list is never learned from, nor is another contact of its customers.
    """
    settings = settings or MeasureSettings()
    if not journeys.has("text"):
        return ServiceTypes(types.names, "no_text")
    labelled = labels[labels["type"] != ""].sort_values("contact", ignore_index=True)
    contacts = openings(journeys, settings)
    labelled = _with_customers(labelled, contacts)
    learn, measured = labelled[labelled["list"] == LEARN], labelled[labelled["list"] == MEASURE]
    measured = measured[~measured["customer_no"].isin(learn["customer_no"])]
    twice = labelled[labelled["second_type"] != ""]
    kappa = agreement(twice["type"].to_numpy(object), twice["second_type"].to_numpy(object))
    by_language = learn["language"].value_counts()
    own = contacts["language"].isin(by_language.index[by_language >= MIN_LEARNED])
    result = ServiceTypes(
        types.names,
        "estimated",
        learned=len(learn),
        rated_twice=len(twice),
        contacts=len(contacts),
        left_out=int((~own).sum()),
        agreement=kappa,
        about=Matters("intents")
        if journeys.has("intent")
        else estimate_matters(contacts, labelled, min_customers=journeys.settings.min_customers),
    )
    if not own.any():
        return replace(result, answer="few_labels")
    if learn["type"].value_counts().reindex(types.names, fill_value=0).min() < MIN_OF_A_TYPE:
        return replace(result, answer="few_of_a_type")
    if kappa.value is not None and kappa.value < MIN_AGREEMENT:
        return replace(result, answer="people_disagree")
    judged = _judge(contacts[own].reset_index(drop=True), learn, measured, types.names)
    result = replace(result, measured=len(judged.measured))
    if len(judged.measured) < MIN_MEASURED:
        return replace(result, answer="few_measured")
    return _estimated(journeys, judged, result, settings)


def _with_customers(labelled: pd.DataFrame, contacts: pd.DataFrame) -> pd.DataFrame:
    """Add who each labelled contact is of; one that the log does not hold is of nobody else."""
    held = contacts.drop_duplicates("contact").set_index("contact")
    rows = held.index.get_indexer(pd.Index(labelled["contact"]))
    customers, groups = (held[name].to_numpy() for name in ("customer_no", "group"))
    lost = rows < 0
    stranger = np.array([int(str(key)[:4], 16) for key in labelled["contact"]], dtype=np.int64)
    language = languages_of(labelled["opening"]).to_numpy(dtype=object)
    if len(held):
        languages = held["language"].to_numpy(dtype=object)
        language = np.where(lost, language, languages[rows])
    return labelled.assign(
        customer_no=np.where(
            lost, -1 - np.arange(len(labelled)), customers[rows] if len(held) else 0
        ),
        group=np.where(lost, stranger, groups[rows] if len(held) else 0),
        language=language,
    )


def _judge(
    contacts: pd.DataFrame, learn: pd.DataFrame, measured: pd.DataFrame, names: tuple[str, ...]
) -> _Judged:
    learn = learn[learn["type"].isin(names)]
    model, out_of_fold = learn_types(
        learn["opening"].tolist(), learn["type"].tolist(), learn["group"].to_numpy(), names
    )
    probabilities = model.probabilities(contacts["opening"].tolist())
    row_of = pd.Index(contacts["contact"])
    first = pd.Series(np.arange(len(contacts)), index=row_of).groupby(level=0).min()
    at = first.reindex(learn["contact"]).to_numpy(dtype=float)
    probabilities[at[~np.isnan(at)].astype(np.int64)] = out_of_fold[~np.isnan(at)]
    rows = first.reindex(measured["contact"]).to_numpy(dtype=float)
    here = ~np.isnan(rows)
    numbers = {name: number for number, name in enumerate(names)}
    many = contacts["customer_no"].value_counts()
    row = rows[here].astype(np.int64)
    table = pd.DataFrame(
        {
            "row": row,
            "true": measured["type"].to_numpy()[here],
            "weight": many.loc[contacts["customer_no"].to_numpy()[row]].to_numpy(dtype=float),
        }
    )
    table["true"] = table["true"].map(numbers).fillna(-1).astype(np.int64)
    return _Judged(names, contacts, probabilities, table)


def _estimated(
    journeys: Journeys, judged: _Judged, result: ServiceTypes, settings: MeasureSettings
) -> ServiceTypes:
    contacts, measured = judged.contacts, judged.measured
    row, true = measured["row"].to_numpy(), measured["true"].to_numpy()
    texts = contacts["opening"].tolist()
    band = sure_band(judged.probabilities[row], true)
    number = type_numbers(judged.probabilities, texts, band)
    minimum = journeys.settings.min_customers
    given = Ratio(number >= 0, np.ones(len(number), dtype=bool), "contacts that are given a type")
    listed = contacts.iloc[row].reset_index(drop=True)
    what = "contacts given the type that people say"
    right = Ratio(number[row] == true, number[row] >= 0, what, of_model=True)
    keys = journeys.outline.key[contacts["journey"].to_numpy()]
    return replace(
        result,
        band=band,
        typed=ratios(contacts, {"typed": given}, min_customers=minimum)["typed"],
        right=ratios(listed, {"right": right}, min_customers=minimum)["right"],
        shares=tuple(_shares(journeys, judged)),
        bots=tuple(_bots(journeys, judged, number, settings)),
        journeys_of={name: np.unique(keys[number == i]) for i, name in enumerate(judged.names)},
        second_type_micro=dict(
            zip(
                contacts["session"].tolist(),
                np.rint(judged.probabilities[:, 1] * 1e6).astype(int).tolist(),
                strict=True,
            )
        ),
    )


def _shares(journeys: Journeys, judged: _Judged) -> Iterator[TypeShare]:
    contacts, names = judged.contacts, journeys.names
    yield from _shares_of(journeys, judged, "log", "", np.arange(len(contacts)))
    touchpoint = contacts["touchpoint_no"].map(names).to_numpy(dtype=object)
    parts: tuple[tuple[Literal["touchpoint", "channel", "segment"], np.ndarray], ...] = (
        ("touchpoint", touchpoint),
        ("channel", contacts["channel"].to_numpy(dtype=object)),
        ("segment", contacts["segment"].to_numpy(dtype=object)),
    )
    for by, values in parts:
        for name, rows in rows_by_name(values):
            yield from _shares_of(journeys, judged, by, name, rows)


def rows_by_name(values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each name but the empty one, in order, and its rows: one pass for all names."""
    number, names = pd.factorize(values, sort=True)
    order, ends = np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))
    for name, rows in zip(names, np.split(order, ends[:-1]), strict=True):
        if name:
            yield str(name), rows


def _shares_of(
    journeys: Journeys,
    judged: _Judged,
    by: Literal["log", "touchpoint", "channel", "segment"],
    name: str,
    rows: np.ndarray,
) -> Iterator[TypeShare]:
    """Yield the share of each type; for the whole log of what people are unsure of as well."""
    minimum = journeys.settings.min_customers
    people = judged.contacts["customer_no"].to_numpy()[rows]
    if len(np.unique(people)) < minimum:
        return
    wanted = [*judged.names, UNSURE] if by == "log" else judged.names
    for number, kind in enumerate(wanted):
        share = _share(judged, number, rows, minimum)
        yield TypeShare(by, name, kind, share.method == CORRECTED, share)


def _share(judged: _Judged, number: int, rows: np.ndarray, minimum: int) -> Estimate:
    """Return the share of a type in some of the contacts; a number beyond the types: unsure."""
    here = judged.measured[np.isin(judged.measured["row"].to_numpy(), rows)]
    unsure = number == len(judged.names)
    of_type = 0 if unsure else number
    true = (here["true"].to_numpy() == (-1 if unsure else number)).astype(float)
    labelled_likely, likely = (
        judged.probabilities[at, of_type] * (not unsure) for at in (here["row"].to_numpy(), rows)
    )
    labelled = Labelled(true=true, predicted=labelled_likely, weight=here["weight"].to_numpy())
    people = judged.contacts["customer_no"].to_numpy()[rows]
    kind = UNSURE if unsure else judged.names[number]
    what = f"contacts that are {kind}"
    return share_estimate(labelled, likely, people, what=what, min_customers=minimum)


def _bots(
    journeys: Journeys, judged: _Judged, number: np.ndarray, settings: MeasureSettings
) -> Iterator[BotContacts]:
    """Yield what bots get of each type, all of them first, and what became of it."""
    if not journeys.has("actor"):
        return
    sessions = bot_sessions(journeys, settings).table.set_index("session")
    contacts = judged.contacts
    served = contacts["session"].isin(sessions.index).to_numpy()
    if not served.any():
        return
    own = sessions.reindex(contacts["session"])
    state = own["state"].astype("object").to_numpy()
    solved = own["resolved"].astype("boolean").fillna(False).to_numpy(dtype=bool)
    bot = own["touchpoint_no"].map(journeys.names).to_numpy(dtype=object)
    ends = {
        "confirmed": (state == "ended_with_bot") & solved,
        "handed_over": state == "handed_over",
        "gave_up": state == "abandoned",
    }
    minimum = journeys.settings.min_customers
    for name in ("", *sorted(set(bot[served]))):
        part = served & (bot == name) if name else served
        if contacts.loc[part, "customer_no"].nunique() < minimum:
            continue
        for i, kind in enumerate(judged.names):
            base = part & (number == i) & (state != "open")
            wanted = {
                end: Ratio(marked, base, f"{kind} contacts of bots: {end.replace('_', ' ')}")
                for end, marked in ends.items()
            }
            became = ratios(contacts, wanted, min_customers=minimum)
            share = _share(judged, i, np.flatnonzero(part), minimum)
            yield BotContacts(name, kind, share, **became)
