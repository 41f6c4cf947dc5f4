"""Preparing: what is done to a log before it is cut into journeys."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd

from journeylib.journeys.linkage import Linked, link
from journeylib.journeys.mapping import MappingReport, apply_mapping, read_mapping
from journeylib.journeys.stitch import StitchReport, stitch
from journeylib.measures.withhold import without_graph

if TYPE_CHECKING:
    from journeylib.audits.config import AuditConfig
    from journeylib.log.eventlog import EventLog
    from journeylib.measures.evidence import Evidence


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
        See the functions of these names in `audits.choices`.
    """

    named: EventLog = field(repr=False)
    mapping: MappingReport | None = None
    linkage: Linked | None = None
    stitching: StitchReport | None = None
    linkage_levels: pd.DataFrame = field(default_factory=pd.DataFrame)
    stitching_levels: pd.DataFrame = field(default_factory=pd.DataFrame)
    cut_sensitivity: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def unstitched(self) -> EventLog:
        """The log before stitching, linked where that was asked for."""
        return self.named if self.linkage is None else self.linkage.log


def prepare(log: EventLog, config: AuditConfig) -> tuple[EventLog, Prepared]:
    """Do to a log what the configuration asks for before journeys are cut."""
    named, mapping = _mapped(log, config)
    linked = None if config.linkage is None else link(named, config.linkage)
    prepared = Prepared(named, mapping, linked)
    if config.stitching is None:
        return prepared.unstitched, prepared
    stitched = stitch(prepared.unstitched, config.stitching)
    return stitched.log, replace(prepared, stitching=stitched.report)


def _mapped(log: EventLog, config: AuditConfig) -> tuple[EventLog, MappingReport | None]:
    """Name touchpoints as the company's table does, where there is one."""
    if config.mapping is None:
        return log, None
    named = apply_mapping(
        log,
        read_mapping(config.mapping.file),
        max_unmapped_share=config.mapping.max_unmapped_share,
    )
    return named.log, named.report


def graph_withheld(prepared: Prepared, config: AuditConfig) -> bool:
    """Return whether too many events have no touchpoint for their order to say anything."""
    if config.mapping is None or prepared.mapping is None:
        return False
    return prepared.mapping.unmapped_share > config.mapping.max_unmapped_share


def withheld(evidence: Evidence, prepared: Prepared, config: AuditConfig) -> Evidence:
    """Return the evidence without what an incomplete mapping does not carry."""
    return without_graph(evidence) if graph_withheld(prepared, config) else evidence
