"""Annotations: turns that people labelled and their ratings, read before anything runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from journeylib.audits.config.audit_config import AuditConfig
from journeylib.audits.preparation.contact_labels import read_labels
from journeylib.core import ConfigError, nearest_file, refuse_unknown
from journeylib.judge import EPOCH, check_ratings
from journeylib.log import NO_WORDS, YES_WORDS
from journeylib.measures import DETECTORS

LABELS = (*DETECTORS, "positive")
LABELLED_COLUMNS = ("text", "customer", *LABELS)
RATINGS_COLUMNS = ("touchpoint", "rater", "group", "human_agency", *EPOCH)


@dataclass(frozen=True)
class Annotations:
    """Tables that people made; None where the configuration names none.

    Attributes
    ----------
    labelled : DataFrame or None
        See `read_labelled`. Holds texts of customers: shown nowhere.
    ratings : DataFrame or None
        See `read_ratings`.
    contact_labels : DataFrame or None
        See `read_labels`. Holds texts of customers: shown nowhere.
    """

    labelled: pd.DataFrame | None = field(default=None, repr=False)
    ratings: pd.DataFrame | None = field(default=None, repr=False)
    contact_labels: pd.DataFrame | None = field(default=None, repr=False)


def read_annotations(config: AuditConfig) -> Annotations:
    """Read the annotations that the configuration names.

    Raises
    ------
    ConfigError, SchemaError
        If a file is not there, or cannot be read as it should.
    """
    labelled, types = config.measures.labelled_turns, config.service_types
    return Annotations(
        labelled=None if labelled is None else read_labelled(labelled),
        ratings=None if config.ratings is None else read_ratings(config.ratings.file),
        contact_labels=None
        if types is None or types.labels is None
        else read_labels(types.labels, types.names),
    )


def read_labelled(path: str | Path) -> pd.DataFrame:
    """Read turns that people have labelled.

    Parameters
    ----------
    path : str or Path
        UTF-8, separated by commas or semicolons, with a header: ``text``, one or more of
        ``human_request``, ``repetition``, ``negative``, ``positive`` (yes or no; empty where
        nobody labelled the turn), optionally ``customer``.

    Returns
    -------
    DataFrame
        One row per turn with a text; labels as nullable booleans.

    Raises
    ------
    ConfigError
        If the file is not there, or a column is missing, unknown, or holds other words.
    """
    path = Path(path)
    table = _read(path, "labelled turns", LABELLED_COLUMNS, needed=("text",))
    labels = [name for name in LABELS if name in table]
    if not labels:
        raise ConfigError(f"{path.name} needs one or more of the columns {', '.join(LABELS)}.")
    for name in labels:
        word = table[name].str.strip().str.lower()
        other = int((~word.isin((*YES_WORDS, *NO_WORDS, ""))).sum())
        if other:
            raise ConfigError(f"{other} labels '{name}' in {path.name} are neither yes nor no.")
        table[name] = word.map(
            {**dict.fromkeys(YES_WORDS, True), **dict.fromkeys(NO_WORDS, False)}
        ).astype("boolean")
    return table[table["text"].str.strip() != ""].reset_index(drop=True)


def read_ratings(path: str | Path) -> pd.DataFrame:
    """Read people's ratings of touchpoints.

    Parameters
    ----------
    path : str or Path
        UTF-8, separated by commas or semicolons, with a header: ``touchpoint``, ``rater``;
        ``human_agency`` or all of ``empathy``, ``presence``, ``opinion``, ``creativity``,
        ``hope``, or both; optionally ``group``.

    Returns
    -------
    DataFrame
        One row per touchpoint and rater; ratings as float64.

    Raises
    ------
    ConfigError
        If the file is not there, or a column is unknown or holds no numbers.
    SchemaError
        As `compare_ratings`.
    """
    path = Path(path)
    table = _read(path, "ratings", RATINGS_COLUMNS, needed=("touchpoint", "rater"))
    for name in ("touchpoint", "rater"):
        table[name] = table[name].str.strip()
        empty = int((table[name] == "").sum())
        if empty:
            raise ConfigError(f"{empty} rows of {path.name} have no {name}.")
    for name in ("human_agency", *EPOCH):
        if name in table:
            cells = table[name].str.strip()
            table[name] = pd.to_numeric(cells, errors="coerce").astype("float64")
            words = int((table[name].isna() & (cells != "")).sum())
            if words:
                raise ConfigError(f"{words} ratings '{name}' in {path.name} are not numbers.")
    if "group" in table:
        table["group"] = table["group"].str.strip().replace("", "not said")
    check_ratings(table)
    return table


def _read(
    path: Path, what: str, columns: Collection[str], *, needed: Collection[str]
) -> pd.DataFrame:
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        table = pd.read_csv(
            path,
            sep=";" if ";" in header and "," not in header else ",",
            dtype="str",
            encoding="utf-8-sig",
            keep_default_na=False,
        )
    except FileNotFoundError:
        hint = nearest_file(path, "*.csv")
        raise ConfigError(f"there is no file of {what} {path.name}.{hint}") from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"the {what} {path.name} are not a text file in UTF-8.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError):
        raise ConfigError(f"the {what} {path.name} are not a table with a header.") from None
    table.columns = [str(name).strip().lower() for name in table.columns]
    problem = "{file} has a column '{name}', which {what} do not have.{near} Columns: {known}."
    refuse_unknown(table.columns, columns, problem, file=path.name, what=what)
    for name in needed:
        if name not in table:
            raise ConfigError(f"{path.name} needs a column '{name}'.")
    return table
