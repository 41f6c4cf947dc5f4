"""The result of an audit: frozen values, each made once, in the order of the run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from journeylib.audits.config.audit_config import AuditConfig
from journeylib.audits.history import History
from journeylib.audits.preparation.annotations import Annotations
from journeylib.audits.preparation.preparation import Prepared
from journeylib.audits.result.decision import Decisions
from journeylib.core import named_parts
from journeylib.journeys import Conformance, Journeys, StoryTimelines, Structure
from journeylib.judge import Judgement, Ratings
from journeylib.log import EventLog, Quality
from journeylib.measures import Evidence, Reach, ServiceTypes
from journeylib.portfolio import Portfolio, WhatIf

Severity = Literal["info", "low", "medium", "high"]
ChangeKind = Literal["data_quality", "definition", "mix", "performance"]


@dataclass(frozen=True)
class Finding:
    """One sentence with its severity and the numbers it rests on.

    Attributes
    ----------
    id : str
        Stable name, so that two runs can be compared.
    kind : {"gate", "insight", "quality"}
    severity : {"info", "low", "medium", "high"}
    verdict : {"pass", "fail", "not_assessable"}
        Only a gate can fail; everything else informs.
    text : str
    evidence : mapping
        Plain JSON values.
    """

    id: str
    kind: Literal["gate", "insight", "quality"]
    severity: Severity
    verdict: Literal["pass", "fail", "not_assessable"]
    text: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was.

    Attributes
    ----------
    id : str
        Stable name, so that two runs can be compared.
    kind : {"data_quality", "definition", "mix", "performance"}
    what : str
        What changed, in a few words.
    text : str
        The same in a sentence with unit, base and interval; it names no cause.
    significant : bool
        False for a verdict that wavers: it stands until another is sure.
    touchpoint, measure : str or None
    before, after : float, str or None
    unit : str or None
    difference : mapping or None
        ``value``, ``lo``, ``hi``, ``unit`` of after against before.
    n_before, n_after, customers : int or None
    q_value : float or None
    direction : {"worse", "better"} or None
        None where that depends on what one wants.
    """

    id: str
    kind: ChangeKind
    what: str
    text: str
    significant: bool = True
    touchpoint: str | None = None
    measure: str | None = None
    before: float | str | None = None
    after: float | str | None = None
    unit: str | None = None
    difference: Mapping[str, Any] | None = None
    n_before: int | None = None
    n_after: int | None = None
    customers: int | None = None
    q_value: float | None = None
    direction: Literal["worse", "better"] | None = None


@dataclass(frozen=True)
class Changes:
    """What changed, and what it was compared with.

    Attributes
    ----------
    entries : tuple of Change
        In the order data quality, definition, mix, performance; the largest first.
    note : str
        What was compared, or why nothing could be.
    previous : str or None
        Run id of the run before, in the order of as-of days.
    period : tuple of (str, str) or None
        First and last day of the last period.
    references : int
        Earlier periods it is compared with, at most.
    definitions : mapping of str to str
        Fingerprints of what the numbers rest on.
    standing : mapping of str to str
        Touchpoint to the verdict that stands: the last one that was sure.
    streams : pandas.DataFrame
        The last period's streams, small cells left out: what the history keeps of this run.
    tests : pandas.DataFrame
        Every stream that was compared, as from `drift.drifts`; small cells left out.
    quiet : str
        In a sentence that the last period has less than half the usual events; else empty.
    used : tuple of str
        Run ids of the history that this result rests on.
    """

    entries: tuple[Change, ...]
    note: str
    previous: str | None
    period: tuple[str, str] | None
    references: int
    definitions: Mapping[str, str]
    standing: Mapping[str, str]
    streams: pd.DataFrame = field(repr=False)
    tests: pd.DataFrame = field(repr=False)
    quiet: str = ""
    used: tuple[str, ...] = ()

    @property
    def compared(self) -> int:
        """Streams that were compared."""
        return len(self.tests)

    @property
    def significant(self) -> tuple[Change, ...]:
        """The changes that are alarms."""
        return tuple(change for change in self.entries if change.significant)


def run_id(as_of: dt.date, config_hash: str, log_hash: str) -> str:
    """Return the name of a run: the as-of day and the two hashes, no wall-clock time."""
    return f"{as_of:%Y-%m-%d}-{config_hash[:8]}-{log_hash[:8]}"


@dataclass(frozen=True)
class Assessment:
    """What one run measured and judged, before it is compared with others.

    Attributes
    ----------
    config : AuditConfig
        What the run was told.
    as_of : datetime.date
        The day it looks back from.
    closed : datetime.date or None
        The last day of its numbers, where too few customers came after it to be told of.
    unchanged : bool
        Whether all numbers are those of the run before, as too few customers came or went since.
    log_hash, config_hash : str
        sha256 of the canonical events and outcomes, and of what was decided.
    annotations : Annotations
        Turns that people labelled, and their ratings of touchpoints. A working table.
    prepared : Prepared
        What was done to the log before it was cut, and what other choices would give.
    journeys : Journeys
    quality : Quality
        Of the log; counts of rows that few customers changed are those of the run before.
    evidence : Evidence
    judgement : Judgement
    portfolio : Portfolio or None
        The first automations; None where no budget is declared.
    stories : StoryTimelines
        The few real journeys of which the many others are variations.
    stories_by_segment : StoryTimelines or None
        The same for each segment; None where none is declared.
    reach : Reach
        Customers by stage and by segment, and how segments feel.
    structure : Structure or None
        The journey graph as a whole; None where too many events have no touchpoint.
    conformance : Conformance or None
        Journeys compared with the declared plan; None where none is declared.
    ratings : Ratings or None
        People's ratings compared with the verdicts; None where none are declared.
    service_types : ServiceTypes or None
        Types of contacts; None where none are declared.
    what_ifs : tuple of WhatIf
        What the portfolio proposes, moved: each choice alone, then those of one team together.
    """

    config: AuditConfig
    as_of: dt.date
    closed: dt.date | None
    unchanged: bool
    log_hash: str
    config_hash: str
    annotations: Annotations = field(repr=False)
    prepared: Prepared
    journeys: Journeys
    quality: Quality
    evidence: Evidence
    judgement: Judgement
    portfolio: Portfolio | None
    stories: StoryTimelines
    stories_by_segment: StoryTimelines | None
    reach: Reach
    structure: Structure | None
    conformance: Conformance | None
    ratings: Ratings | None
    service_types: ServiceTypes | None
    what_ifs: tuple[WhatIf, ...]

    @property
    def run_id(self) -> str:
        """Name of the run: the as-of day and the two hashes, no wall-clock time."""
        return run_id(self.as_of, self.config_hash, self.log_hash)

    @property
    def log(self) -> EventLog:
        """The log that was audited."""
        return self.journeys.log


@dataclass(frozen=True)
class Audit(Assessment):
    """All results of one run: the source of `audit.json`, its tables and the dashboard.

    Attributes
    ----------
    history : History
        The earlier runs that were known.
    changes : Changes
        What changed since the run before, and in the last period against those before it.
    findings : tuple of Finding
        Most severe first.
    decisions : Decisions
        What to decide, bot by bot how conversations end, and where two measures disagree.
    document : dict
        The content of `audit.json`; see ``docs/formats/audit.schema.json``.
    tables : mapping of str to pandas.DataFrame
        The small tables behind the result, by file name.
    """

    history: History = field(repr=False)
    changes: Changes = field(repr=False)
    findings: tuple[Finding, ...]
    decisions: Decisions
    document: dict[str, Any] = field(repr=False)
    tables: Mapping[str, pd.DataFrame] = field(repr=False)

    __repr__ = named_parts

    @property
    def passed(self) -> bool:
        """Whether no gate failed."""
        return all(finding.verdict != "fail" for finding in self.findings)
