"""Audit: from a configuration to one frozen result."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from journeylib.audits.assemble import build_document, build_tables
from journeylib.audits.beside import Beside, read_beside
from journeylib.audits.changes import Changes, find_changes
from journeylib.audits.choices import Chosen, compare
from journeylib.audits.config import AuditConfig, load_config
from journeylib.audits.findings import Finding, all_findings
from journeylib.audits.history import History, read_history
from journeylib.audits.prepare import (
    Prepared,
    graph_withheld,
    prepare,
    withheld,
    without_absent,
)
from journeylib.journeys.conformance import Conformance, planned_vs_actual
from journeylib.journeys.linkage import need_splink
from journeylib.journeys.models import load_plan
from journeylib.journeys.steps import Journeys, rebuild
from journeylib.journeys.structure import Structure, journey_structure
from journeylib.journeys.timelines import Told, stories
from journeylib.judge.judgement import Judgement
from journeylib.judge.judging import judge
from journeylib.judge.ratings import Ratings, compare_ratings
from journeylib.log.engine import log_hash, saying_what_ran_out
from journeylib.log.quality import LAST_EVENT
from journeylib.log.read import read_log
from journeylib.measures.evidence import Evidence, measure
from journeylib.measures.reach import Reach, reach
from journeylib.plan.portfolio import Portfolio, portfolio
from journeylib.progress import Say, working

if TYPE_CHECKING:
    import pandas as pd

    from journeylib.log.eventlog import EventLog

STORIES_OF_SEGMENT = 3
STEPS = ("reading the log", "rebuilding journeys", "measuring", "judging", "collecting findings")


@dataclass(frozen=True)
class Audit:
    """Everything one run found out; what `audit.json`, the tables and the dashboard are made of.

    Attributes
    ----------
    config : AuditConfig
        What the run was told.
    as_of : datetime.date
        The day it looks back from.
    log_hash, config_hash : str
        sha256 of the canonical events and outcomes, and of what was decided.
    journeys : Journeys
    evidence : Evidence
    judgement : Judgement
    findings : tuple of Finding
        Most severe first.
    prepared : Prepared
        What was done to the log before it was cut, and what other choices would give.
    portfolio : Portfolio or None
        The first automations; None where no budget is declared.
    beside : Beside
        What people said apart from the log: labelled turns, ratings. A working table.
    changes : Changes
        What changed since the run before, and in the last period against those before it.
    history : History
        The earlier runs that were known.
    """

    config: AuditConfig
    as_of: dt.date
    log_hash: str
    config_hash: str
    journeys: Journeys
    evidence: Evidence
    judgement: Judgement
    findings: tuple[Finding, ...]
    prepared: Prepared
    portfolio: Portfolio | None = None
    beside: Beside = field(default_factory=Beside, repr=False)
    changes: Changes = field(default_factory=Changes, repr=False)
    history: History = field(default_factory=History, repr=False)

    @property
    def run_id(self) -> str:
        """Name of the run: the as-of day and the two hashes, no wall-clock time."""
        return f"{self.as_of:%Y-%m-%d}-{self.config_hash[:8]}-{self.log_hash[:8]}"

    @property
    def log(self) -> EventLog:
        """The log that was audited."""
        return self.journeys.log

    @property
    def passed(self) -> bool:
        """Whether no gate failed."""
        return all(finding.verdict != "fail" for finding in self.findings)

    @cached_property
    def stories(self) -> Told:
        """The few real journeys of which the many others are variations."""
        return stories(self.journeys)

    @cached_property
    def reach(self) -> Reach:
        """Customers by stage and by segment, and how segments feel."""
        return reach(self.journeys, self.evidence.turn_scores)

    @cached_property
    def stories_by_segment(self) -> Told | None:
        """The stories of each segment apart; None where none is declared."""
        if not self.journeys.has("segment"):
            return None
        return stories(self.journeys, by_segment=True, most=STORIES_OF_SEGMENT)

    @cached_property
    def structure(self) -> Structure | None:
        """What the journey graph says; None where too many events have no touchpoint."""
        if graph_withheld(self.prepared, self.config):
            return None
        return journey_structure(self.journeys)

    @cached_property
    def conformance(self) -> Conformance | None:
        """Journeys beside the declared plan; None where no plan is declared."""
        if self.config.plan is None:
            return None
        return planned_vs_actual(self.journeys, self.config.plan)

    @cached_property
    def ratings(self) -> Ratings | None:
        """People's ratings beside the verdicts; None where none are declared."""
        if self.beside.ratings is None:
            return None
        return compare_ratings(self.beside.ratings, self.judgement)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The content of `audit.json`; see ``docs/formats/audit.schema.json``."""
        return build_document(self)

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The small tables behind the result, by file name."""
        return build_tables(self)


def audit(
    config: AuditConfig | str | Path,
    *,
    overrides: Sequence[str] = (),
    as_of: dt.date | str | None = None,
    history: str | Path | History | None = None,
) -> Audit:
    """Run an audit and return its result; nothing is written.

    Parameters
    ----------
    config : AuditConfig, str or Path
        A configuration or the path of its YAML file.
    overrides : sequence of str
        ``"key=value"`` with a dotted key; only with a path.
    as_of : datetime.date or str, optional
        The day to look back from; only with a path. Default: the configuration's, else the day
        of the log's last event.
    history : str, Path or History, optional
        Where earlier runs of this audit lie: the folder that `save` is given. What changed is
        then told against them, too; the run is the same otherwise.

    Returns
    -------
    Audit

    Raises
    ------
    ConfigError
        If the configuration is wrong.
    LogError
        If the log cannot be read or too much of it is unusable.
    RunError
        If what the configuration asks for is not installed (linkage: splink), or memory or
        disk ran out.
    """
    with saying_what_ran_out(), working("auditing", STEPS) as say:
        return _audit(config, overrides, as_of, history, say)


def _audit(
    config: AuditConfig | str | Path,
    overrides: Sequence[str],
    as_of: dt.date | str | None,
    history: str | Path | History | None,
    say: Say,
) -> Audit:
    if not isinstance(config, AuditConfig):
        config = load_config(config, overrides=overrides, as_of=as_of)
    beside = read_beside(config)
    # What cannot work is said before the log is read.
    if config.linkage is not None:
        need_splink()
    if config.plan is not None:
        load_plan(config.plan)
    say(STEPS[0])
    read = _read(config)
    say(STEPS[1])
    log, prepared = prepare(read, config)
    known, log = without_absent(config, log, read)
    journeys = rebuild(log, known.journeys)
    say(STEPS[2])
    evidence = measure(journeys, known.measures, labelled=beside.labelled)
    evidence = withheld(evidence, prepared, known)
    say(STEPS[3])
    judgement = judge(journeys, evidence, known.judge)
    prepared = compare(Chosen(known, prepared, journeys, judgement.scores, beside.labelled))
    say(STEPS[4])
    judged = journeys, evidence, judgement
    chosen = None
    if known.portfolio is not None:
        chosen = portfolio(*judged, known.portfolio, known.measures)
    if not isinstance(history, History):
        history = History() if history is None else read_history(Path(history) / config.name)
    found = _collect(config, *judged, prepared, chosen)
    found = replace(found, beside=beside, history=history)
    found = replace(found, changes=find_changes(found, history))
    return _with_findings(found)


@working("reading the log and rebuilding journeys")
def read_journeys(
    config: AuditConfig | str | Path,
    *,
    overrides: Sequence[str] = (),
    as_of: dt.date | str | None = None,
) -> Journeys:
    """Read the log of a configuration and rebuild its journeys, as an audit does.

    Parameters
    ----------
    config : AuditConfig, str or Path
        A configuration or the path of its YAML file.
    overrides : sequence of str
        ``"key=value"`` with a dotted key; only with a path.
    as_of : datetime.date or str, optional
        The day to look back from; only with a path.

    Returns
    -------
    Journeys
        Those that ``audit(config).journeys`` holds; nothing is measured or judged yet.

    Raises
    ------
    ConfigError
        If the configuration is wrong.
    LogError
        If the log cannot be read or too much of it is unusable.
    """
    if not isinstance(config, AuditConfig):
        config = load_config(config, overrides=overrides, as_of=as_of)
    read = _read(config)
    known, log = without_absent(config, prepare(read, config)[0], read)
    return rebuild(log, known.journeys)


def _read(config: AuditConfig) -> EventLog:
    outcomes = config.log.outcomes
    return read_log(
        list(config.log.files),
        config.roles,
        recipe=config.log.recipe,
        outcomes=outcomes.file if outcomes else None,
        outcomes_schema=outcomes.roles if outcomes else None,
        name=config.heading,
        period=config.log.period,
        days=config.log.days,
        as_of=config.as_of or LAST_EVENT,
        max_unusable_share=config.log.max_unusable_share,
        object_type=config.log.object_type,
        engine=config.engine.connect(),
    )


def _with_findings(found: Audit) -> Audit:
    """Add the findings, and keep what was worked out for them and does not hang on them."""
    told = replace(found, findings=all_findings(found))
    again = {one.name for one in fields(Audit)} | {"document", "tables"}
    vars(told).update({name: part for name, part in vars(found).items() if name not in again})
    return told


def _collect(
    config: AuditConfig,
    journeys: Journeys,
    evidence: Evidence,
    judgement: Judgement,
    prepared: Prepared,
    chosen: Portfolio | None,
) -> Audit:
    return Audit(
        config=config,
        as_of=config.as_of or _last_day(journeys.last_us),
        log_hash=log_hash(journeys.log),
        config_hash=config.hash(),
        journeys=journeys,
        evidence=evidence,
        judgement=judgement,
        findings=(),
        prepared=prepared,
        portfolio=chosen,
    )


def _last_day(last_us: int | None) -> dt.date:
    """Return the day of the last event; 1970-01-01 for a log without a clock."""
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (epoch + dt.timedelta(microseconds=last_us or 0)).date()
