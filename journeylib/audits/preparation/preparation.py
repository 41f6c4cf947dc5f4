"""Preparing: what is done to a log before it is cut into journeys."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import groupby

import pandas as pd
from ibis import _

from journeylib import journeys
from journeylib.audits.config.audit_config import AuditConfig
from journeylib.core import text
from journeylib.log import LAST_EVENT, Check, EventLog, NameOf, check_table, fetch, read_log
from journeylib.measures import Evidence, without_graph


@dataclass(frozen=True)
class Prepared:
    """What was done to a log before it was cut, and what other choices would have given.

    Attributes
    ----------
    named : EventLog
        The log with the company's names, before customers are linked or stitched.
    mapping : MappingReport or None
    linkage : Linked or None
    stitching : StitchReport or None
        None where none was asked for.
    linkage_levels, stitching_levels, cut_sensitivity : pandas.DataFrame
        See the functions of these names in `robustness`.
    """

    named: EventLog = field(repr=False)
    mapping: journeys.MappingReport | None = None
    linkage: journeys.Linked | None = None
    stitching: journeys.StitchReport | None = None
    linkage_levels: pd.DataFrame = field(default_factory=pd.DataFrame)
    stitching_levels: pd.DataFrame = field(default_factory=pd.DataFrame)
    cut_sensitivity: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def unstitched(self) -> EventLog:
        """The log before stitching, linked where that was asked for."""
        return self.named if self.linkage is None else self.linkage.log


def read_source(config: AuditConfig) -> EventLog:
    """Read the log of a configuration as it is, with its outcomes."""
    outcomes = config.log.outcomes
    return read_log(
        list(config.log.files),
        config.roles,
        outcomes=outcomes.file if outcomes else None,
        outcomes_schema=outcomes.roles if outcomes else None,
        name=config.heading,
        period=config.log.period,
        days=config.log.days,
        as_of=config.as_of or LAST_EVENT,
        max_unusable_share=config.log.max_unusable_share,
        object_type=config.log.object_type,
        recipe=config.log.recipe,
        join=config.log.join,
        unpivot=config.log.unpivot,
        threads=config.log.threads,
        engine=config.engine,
    )


def prepare(log: EventLog, config: AuditConfig) -> tuple[EventLog, Prepared]:
    """Map, link and stitch a log as the configuration asks, before journeys are cut."""
    named, mapping = _mapped(log, config)
    linked = None if config.linkage is None else journeys.link(named, config.linkage)
    prepared = Prepared(named, mapping, linked)
    if config.stitching is None:
        return prepared.unstitched, prepared
    stitched = journeys.stitch(prepared.unstitched, config.stitching)
    return stitched.log, replace(prepared, stitching=stitched.report)


def _mapped(log: EventLog, config: AuditConfig) -> tuple[EventLog, journeys.MappingReport | None]:
    """Name touchpoints as the company's table does, where there is one."""
    if config.mapping is None:
        return log, None
    named = journeys.apply_mapping(
        log,
        journeys.read_mapping(config.mapping.file),
        max_unmapped_share=config.mapping.max_unmapped_share,
    )
    return named.log, named.report


def without_absent(
    config: AuditConfig, log: EventLog, read: EventLog
) -> tuple[AuditConfig, EventLog]:
    """Leave out the names in settings that nothing in the log is called, and say so in its quality.

    A touchpoint may just not have occurred in this period, so no run stops for one.

    Parameters
    ----------
    config : AuditConfig
    log : EventLog
        As it will be cut.
    read : EventLog
        As it was read, under the touchpoints from before the company's mapping.

    Returns
    -------
    config, log
        What the rooms below are told, and the log with one more check for each setting that names
        such a thing.
    """
    columns = {
        "touchpoint": (log.events, "touchpoint"),
        "touchpoint before the mapping": (read.events, "touchpoint"),
        "stage": (log.events, "stage"),
        "channel": (log.events, "channel"),
        "intent": (log.events, "intent"),
        "outcome": (log.outcomes, "kind"),
    }

    def names(of: NameOf, least: int) -> set[str]:
        """Return what at least so many customers have of a kind."""
        table, column = columns[of]
        if table is None or column not in table.columns:
            return set()
        if least > 1:
            table = table.group_by(column).aggregate(n=_.customer.nunique()).filter(_.n >= least)
        values = set(fetch(table.select(column).distinct())[column].dropna().astype(str))
        return values | {journeys.REST} if of == "channel" else values

    all_names = cache(partial(names, least=1))
    shown = cache(partial(names, least=config.journeys.min_customers))
    settings, absent = journeys.separate_absent(config, all_names)
    if not absent:
        return config, log
    checks = []
    for setting, those in groupby(absent, key=lambda one: one.setting):
        sentences = [one.message(shown(one.called.of)) for one in those]
        sentences.append(text("audits.check.absent"))
        # A map of names may hold more than one period shows; what is looked for should be there.
        severity = "note" if setting.startswith("roles.") else "warning"
        checks.append(Check("names_nothing", setting, severity, 0, " ".join(sentences)))
    table = pd.concat(
        [log.quality.checks, check_table(checks, log.quality.rows_read)], ignore_index=True
    )
    return settings, replace(log, quality=replace(log.quality, checks=table))


def graph_withheld(prepared: Prepared, config: AuditConfig) -> bool:
    """Return whether too many events have no touchpoint for their order to say anything."""
    if config.mapping is None or prepared.mapping is None:
        return False
    return prepared.mapping.unmapped_share > config.mapping.max_unmapped_share


def withheld(evidence: Evidence, prepared: Prepared, config: AuditConfig) -> Evidence:
    """Return the evidence without what an incomplete mapping does not carry."""
    return without_graph(evidence) if graph_withheld(prepared, config) else evidence
