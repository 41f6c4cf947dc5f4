"""Mapping: the company's own table from what systems log to touchpoints and stages."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
from ibis import _

from journeylib.core import ConfigError, nearest_file, percent, refuse_other, refuse_unknown
from journeylib.log import EventLog, fetch

COLUMNS = ("activity", "channel", "actor", "touchpoint", "stage")
NEEDED = ("activity", "touchpoint")
ANY = "*"


@dataclass(frozen=True)
class Rule:
    """One row of the company's table; ``*`` stands for any run of characters.

    Attributes
    ----------
    activity, channel, actor : str
        What it fits; a channel or actor left empty fits all, also none.
    touchpoint, stage : str
        What it becomes; left empty, the name or stage of the log stays.
    """

    activity: str
    channel: str
    actor: str
    touchpoint: str
    stage: str


@dataclass(frozen=True)
class TouchpointMapping:
    """The company's table, in its order: the first row that fits decides.

    Attributes
    ----------
    rules : tuple of Rule
    """

    rules: tuple[Rule, ...]

    @property
    def hash(self) -> str:
        """Return the sha256 of the rules: the version that results rest on."""
        text = json.dumps([astuple(rule) for rule in self.rules], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class MappingReport:
    """How much of a log a mapping covers.

    Attributes
    ----------
    hash : str
        Of the mapping.
    rules, unused_rules : int
        Rows of the table, and those that decided no event.
    events, unmapped_events : int
    unmapped : pandas.DataFrame
        One row per activity that no rule fits, most events first: ``activity``, ``channel``,
        ``actor`` (str or None), ``events``, ``customers`` (int64). A working table: small cells
        are in it.
    """

    hash: str
    rules: int
    unused_rules: int
    events: int
    unmapped_events: int
    unmapped: pd.DataFrame

    @property
    def unmapped_share(self) -> float:
        """Share of events that no rule fits."""
        return self.unmapped_events / max(self.events, 1)

    def checks(self, max_unmapped_share: float) -> pd.DataFrame:
        """Return the coverage as a row of the quality table; see `EventLog.quality`."""
        share = self.unmapped_share
        text = (
            f"{percent(share)} of the events fit none of the {self.rules} rules of the mapping "
            f"{self.hash[:8]}"
        )
        too_many = share > max_unmapped_share
        text += (
            f", more than {100 * max_unmapped_share:g} %: what rests on the order of touchpoints "
            "has no answer."
            if too_many
            else "; they keep their names."
        )
        severity = "warning" if too_many else "note" if self.unmapped_events else "ok"
        row = ("mapping", "touchpoint", severity, self.unmapped_events, share, text)
        names = ["check", "role", "severity", "rows", "share", "text"]
        return pd.DataFrame([row], columns=names).astype({"rows": "int64", "share": "float64"})


@dataclass(frozen=True)
class Mapped:
    """A log in the company's touchpoints, and how much of it the mapping covers."""

    log: EventLog
    report: MappingReport


def read_mapping(path: str | Path) -> TouchpointMapping:
    """Read a mapping from a CSV file.

    Parameters
    ----------
    path : str or Path
        UTF-8, separated by commas or semicolons, with a header: ``activity``, ``touchpoint``,
        and optionally ``channel``, ``actor``, ``stage``.

    Raises
    ------
    ConfigError
        If the file is not there, or a column is missing, unknown or empty.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        hint = nearest_file(path, "*.csv")
        raise ConfigError(f"there is no mapping {path.name}.{hint}") from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"the mapping {path.name} is not a text file in UTF-8.") from None
    lines = text.splitlines()
    header = lines[0] if lines else ""
    table = csv.DictReader(lines, delimiter=";" if ";" in header and "," not in header else ",")
    names = [name.strip().lower() for name in table.fieldnames or ()]
    table.fieldnames = names
    problem = "{file} has a column '{name}', which a mapping does not have.{near} Columns: {known}."
    refuse_unknown(names, COLUMNS, problem, file=path.name)
    for name in NEEDED:
        if name not in names:
            raise ConfigError(f"{path.name} needs a column '{name}'.")
    return TouchpointMapping(tuple(_rules(table, path.name)))


def _rules(table: Iterable[dict[str, str | None]], name: str) -> Iterable[Rule]:
    for number, row in enumerate(table, start=2):
        if None in row:
            raise ConfigError(
                f"{name}, line {number} has more cells than the header; quote commas."
            )
        cells = {column: (row.get(column) or "").strip() for column in COLUMNS}
        if not any(cells.values()):
            continue
        if not cells["activity"]:
            raise ConfigError(f"{name}, line {number} has no activity; '{ANY}' fits every one.")
        yield Rule(**cells)


def apply_mapping(
    log: EventLog, mapping: TouchpointMapping, *, max_unmapped_share: float = 0.05
) -> Mapped:
    """Give the events of a log the touchpoints and stages of the company's table.

    Parameters
    ----------
    log : EventLog
    mapping : TouchpointMapping
    max_unmapped_share : float
        Above this the quality table warns.

    Returns
    -------
    Mapped
        Events that no rule fits keep their names and stages.
    """
    refuse_other(log, "EventLog")
    refuse_other(mapping, "TouchpointMapping")
    events = log.events
    by = ["touchpoint", *(name for name in ("channel", "actor") if log.has(name))]
    kinds = fetch(
        events.group_by(by).aggregate(events=_.count(), customers=_.customer.nunique())
    ).sort_values(by, kind="stable")
    patterns = [
        tuple(_pattern(text) for text in (rule.activity, rule.channel, rule.actor))
        for rule in mapping.rules
    ]
    decided = [_first(patterns, row) for row in kinds[by].to_dict("records")]
    rules = [None if at is None else mapping.rules[at] for at in decided]
    kinds["_touchpoint"] = [None if r is None else r.touchpoint or None for r in rules]
    kinds["_stage"] = [None if r is None else r.stage or None for r in rules]
    lost = [rule is None for rule in rules]
    unmapped = kinds[lost].rename(columns={"touchpoint": "activity"})
    report = MappingReport(
        hash=mapping.hash,
        rules=len(mapping.rules),
        unused_rules=len(set(range(len(mapping.rules))) - set(decided)),
        events=int(kinds["events"].sum()),
        unmapped_events=int(unmapped["events"].sum()),
        unmapped=_unmapped(unmapped),
    )
    mapped = _replaced(events, kinds, by, staged=any(rule and rule.stage for rule in rules))
    checks = report.checks(max_unmapped_share)
    if len(log.quality.checks):
        checks = pd.concat([log.quality.checks, checks], ignore_index=True)
    quality = replace(log.quality, checks=checks)
    return Mapped(replace(log, events=mapped, quality=quality), report)


def _pattern(text: str) -> re.Pattern[str] | None:
    """Return what fits `text`, or None where everything does."""
    if text in ("", ANY):
        return None
    return re.compile(".*".join(re.escape(part) for part in text.split(ANY)), re.DOTALL)


def _first(
    patterns: list[tuple[re.Pattern[str] | None, ...]], row: Mapping[Any, Any]
) -> int | None:
    values = [row.get(name) for name in ("touchpoint", "channel", "actor")]
    for number, rule in enumerate(patterns):
        if all(
            pattern is None or (isinstance(value, str) and pattern.fullmatch(value))
            for pattern, value in zip(rule, values, strict=True)
        ):
            return number
    return None


def _unmapped(kinds: pd.DataFrame) -> pd.DataFrame:
    for name in ("channel", "actor"):
        if name not in kinds:
            kinds = kinds.assign(**{name: None})
    columns = ["activity", "channel", "actor", "events", "customers"]
    ordered = kinds.sort_values(["events", "activity"], ascending=[False, True], kind="stable")
    return ordered[columns].reset_index(drop=True)


def _replaced(
    events: ibis.Table, kinds: pd.DataFrame, by: list[str], *, staged: bool
) -> ibis.Table:
    named = ["_touchpoint", "_stage"]
    table = pa.table(
        {f"_by_{name}": pa.array(_plain(kinds[name]), pa.string()) for name in by}
        | {name: pa.array(_plain(kinds[name]), pa.string()) for name in named}
    )
    looked = ibis.memtable(table)
    joined = events.left_join(
        looked, [events[name].identical_to(looked[f"_by_{name}"]) for name in by]
    )
    columns = {"touchpoint": ibis.coalesce(joined["_touchpoint"], joined["touchpoint"])}
    if staged:
        old = joined["stage"] if "stage" in events.columns else ibis.null("string")
        columns["stage"] = ibis.coalesce(joined["_stage"], old)
    order = list(dict.fromkeys([*events.columns, *columns]))
    return joined.mutate(**columns).select(order).cache()


def _plain(column: pd.Series[str]) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in column]
