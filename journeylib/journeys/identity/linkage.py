"""Linkage: customers whose identifiers are alike, not equal, become one with a probability."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import ibis
import numpy as np
import pandas as pd
from ibis import _
from pydantic import Field

from journeylib.core import Described, RunError, SchemaError, extra
from journeylib.journeys.identity._components import components
from journeylib.journeys.identity.stitching import normal
from journeylib.log import ID, EventLog, fetch

FEWEST_KINDS = 2
ALIKE = (0.92, 0.8)  # Jaro–Winkler similarities that are told apart below equality
HEAD = 5  # first letters that also bring two customers together to be compared
RECALL = 0.7  # share of true pairs that the surest kind is taken to show, to begin with
STRANGERS = 1500  # customers whose pairs show how alike strangers are


class LinkSettings(Described):
    """How sure a link must be.

    Attributes
    ----------
    threshold
        Probability from which two customers are one person.
    """

    threshold: float = Field(0.95, gt=0.5, lt=1)


@dataclass(frozen=True)
class Linked:
    """A log whose customers are linked, and how sure the links are; never an identifier.

    Attributes
    ----------
    log : EventLog
        Events and outcomes under the linked customer. Identifier columns stay, so that
        `stitch` may follow.
    people : pandas.DataFrame
        One row per person linked from several customers, the least sure first: ``customers``
        (int64), ``confidence`` (float64: of each customer the most probable link, the least of
        these).
    customers_before, customers : int
        Customers as logged, and after linking.
    moved_share : float
        Share of events whose customer is another than logged.
    confidence : float or None
        Mean probability of the links drawn: one minus it are expected to be wrong. None without
        links.
    """

    log: EventLog
    people: pd.DataFrame
    customers_before: int
    customers: int
    moved_share: float
    confidence: float | None


def link(log: EventLog, settings: LinkSettings | None = None) -> Linked:
    """Link customers whose identifiers are alike, by a probabilistic model.

    Parameters
    ----------
    log : EventLog
        With at least two declared kinds of identifier, such as e-mail and name.
    settings : LinkSettings, optional

    Raises
    ------
    RunError
        If splink is not installed, or no two customers share what the model is learned from.
    SchemaError
        If fewer than two kinds of identifier are declared.

    Notes
    -----
    The model of Fellegi and Sunter (1969) as splink 5 fits it: by expectation maximisation,
    without examples; how alike strangers are is counted on customers who share no identifier.
    Each customer is compared by the identifier of each kind that is seen most
    with it, on four levels (equal, Jaro–Winkler from .92, from .8, else); customers are compared
    where one kind is equal or begins with the same five letters. Links of at least `threshold`
    are followed transitively, so people of many customers and low confidence deserve a look.
    """
    settings = settings or LinkSettings()
    kinds = tuple(log.schema.identifiers)
    if len(kinds) < FEWEST_KINDS:
        raise SchemaError(
            "linking needs at least two kinds of identifiers, one to learn the other from. Add to "
            "roles, for example, identifiers: {email: mail, name: full_name}."
        )
    records = _records(log, kinds)
    pairs = _scored(records, kinds, settings.threshold)
    return _linked(log, records, pairs)


def _records(log: EventLog, kinds: tuple[str, ...]) -> pd.DataFrame:
    """Return one row per customer: ``unique_id``, ``customer`` and the usual value of each kind."""
    customers = fetch(log.events.select("customer").distinct()).sort_values("customer")
    records = customers.reset_index(drop=True).rename_axis("unique_id").reset_index()
    for kind in kinds:
        value = normal(kind, log.events[ID + kind])
        seen = log.events.select("customer", value=value).filter(_.value.notnull())
        counted = fetch(seen.group_by(["customer", "value"]).aggregate(n=_.count()))
        usual = counted.sort_values(["customer", "n", "value"], ascending=[True, False, True])
        usual = usual.drop_duplicates("customer")[["customer", "value"]]
        records = records.merge(usual.rename(columns={"value": ID + kind}), "left", on="customer")
    return records


def need_splink() -> Any:
    """Return splink.

    Raises
    ------
    RunError
        If it is not installed; the message says what to install.
    """
    instead = "Stitching by equal identifiers (stitch) needs nothing more."
    with extra("linkage", "the linking of records", instead):
        import splink
    return splink


def _scored(records: pd.DataFrame, kinds: tuple[str, ...], threshold: float) -> pd.DataFrame:
    """Return the pairs of at least `threshold`: ``a``, ``b`` (unique_id), ``probability``."""
    splink = need_splink()
    from splink import comparison_library as compared
    from splink.internals.exceptions import EMTrainingException

    columns = [ID + kind for kind in kinds]
    strangers = _strangers(records, columns)
    alike = [splink.block_on(column) for column in columns]
    heads = [splink.block_on(f"substr({column}, 1, {HEAD})") for column in columns]
    model = splink.SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            compared.JaroWinklerAtThresholds(column, list(ALIKE)).configure(
                u_probabilities=_chance(strangers[column])
            )
            for column in columns
        ],
        blocking_rules_to_generate_predictions=[*alike, *heads],
        retain_matching_columns=False,
    )
    # One thread: sums of probabilities by several are not the same twice.
    with duckdb.connect(config={"threads": 1}) as connection:
        api = splink.DuckDBAPI(connection)
        # It logs what it does, with values of the columns.
        linker = splink.Linker(api.register(records.drop(columns="customer")), model, None)
        train = linker.training
        train.estimate_probability_two_random_records_match(alike[:1], recall=RECALL)
        learned = 0
        for rule in alike:
            try:
                train.estimate_parameters_using_expectation_maximisation(rule)
            except EMTrainingException:
                continue  # no two customers share this kind
            learned += 1
        if not learned:
            raise RunError(
                "linking has nothing to learn from: no two customers share any identifier. "
                "Declare kinds that people keep (roles.identifiers), such as a name."
            )
        scored = linker.inference.predict(threshold, warning_mode="never").as_pandas_dataframe()
    pairs: pd.DataFrame = scored[["unique_id_l", "unique_id_r", "match_probability"]]
    return pairs.set_axis(["a", "b", "probability"], axis=1).sort_values(
        ["a", "b"], ignore_index=True
    )


def _strangers(records: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return customers no two of whom share an identifier: pairs of them are different people.

    Random pairs would not do: in a log with few people per identifier, equal identifiers come
    from one person, not by chance, and the model would take them for weak evidence.
    """
    strangers = records
    for column in columns:
        values = strangers[column]
        strangers = strangers.loc[values.isna() | ~values.duplicated()]
    every = max(1, math.ceil(len(strangers) / STRANGERS))
    return pd.DataFrame(strangers.iloc[::every])


def _chance(values: pd.Series[Any]) -> list[float]:
    """Return the shares of pairs of strangers on each level, from equal to else."""
    from rapidfuzz.distance import JaroWinkler
    from rapidfuzz.process import cdist

    texts = values.dropna().tolist()
    alike = cdist(texts, texts, scorer=JaroWinkler.similarity)[np.triu_indices(len(texts), 1)]
    high, low = ALIKE
    counts = np.array(
        [0, (alike >= high).sum(), ((alike >= low) & (alike < high)).sum(), (alike < low).sum()]
    )
    # Half a pair where none was seen: what never happened may still happen.
    shares = np.maximum(counts, 0.5)
    return [float(share) for share in shares / shares.sum()]


def _linked(log: EventLog, records: pd.DataFrame, pairs: pd.DataFrame) -> Linked:
    names = records["customer"]
    person = _persons(pairs, len(records))
    moved = np.flatnonzero(person != np.arange(len(records)))
    renamed = dict(zip(names[moved], names[person[moved]], strict=True))
    shifted = log.events.filter(_.customer.isin(list(renamed))).count() if renamed else None
    events = log.events.count().to_pyarrow().as_py()
    return Linked(
        log=replace(
            log,
            events=_renamed(log.events, renamed),
            outcomes=None if log.outcomes is None else _renamed(log.outcomes, renamed),
        ),
        people=_people(person, pairs),
        customers_before=len(records),
        customers=len(np.unique(person)),
        moved_share=0.0 if shifted is None else int(shifted.to_pyarrow().as_py()) / int(events),
        confidence=float(pairs["probability"].mean()) if len(pairs) else None,
    )


def _persons(pairs: pd.DataFrame, size: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the first customer, in alphabetical order, of the person that each belongs to."""
    person = np.arange(size, dtype=np.int64)
    if pairs.empty:
        return person
    members = fetch(components(ibis.memtable(pairs[["a", "b"]].astype("int64"))))
    person[members["node"].to_numpy()] = members["component"].to_numpy()
    return person


def _people(person: np.ndarray[Any, np.dtype[np.int64]], pairs: pd.DataFrame) -> pd.DataFrame:
    ends = pd.concat([pairs[[end, "probability"]].set_axis(["a", "p"], axis=1) for end in "ab"])
    best = ends.groupby("a")["p"].max()
    frame = pd.DataFrame(
        {"person": person[best.index.to_numpy(dtype=np.int64)], "confidence": best.to_numpy()}
    )
    grouped = frame.groupby("person")["confidence"]
    people = pd.DataFrame(
        {
            "customers": grouped.size().astype("int64"),
            "confidence": grouped.min().astype("float64"),
        }
    )
    return people.sort_values(["confidence", "customers"], ignore_index=True)


def _renamed(table: ibis.Table, renamed: Mapping[str, str]) -> ibis.Table:
    """Give rows to the person that their customer belongs to."""
    if not renamed:
        return table
    names = ibis.memtable(pd.DataFrame({"_was": list(renamed), "_is": list(renamed.values())}))
    joined = table.left_join(names, table["customer"] == names["_was"])
    return (
        joined.mutate(customer=ibis.coalesce(joined["_is"], joined["customer"]))
        .select(table.columns)
        .cache()
    )
