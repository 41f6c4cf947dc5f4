"""Preparing: what is done to a log before it is cut, and what other choices would give."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd

from journeylib.journeys.steps import Journeys, rebuild
from journeylib.journeys.stitch import LEVELS, StitchReport, stitch
from journeylib.measures.key_results import KEY_RESULTS, key_results

if TYPE_CHECKING:
    from journeylib.audits.config import AuditConfig
    from journeylib.log.eventlog import EventLog
    from journeylib.measures.settings import MeasureSettings

FACTORS = (0.5, 1.0, 2.0)
US_PER_DAY = 86_400_000_000


@dataclass(frozen=True)
class Prepared:
    """What was done to a log before it was cut, and what other choices would have given.

    Attributes
    ----------
    stitching : StitchReport or None
        None where no stitching was asked for.
    stitching_levels, cut_sensitivity : pandas.DataFrame
        See the functions of these names.
    """

    stitching: StitchReport | None = None
    stitching_levels: pd.DataFrame = field(default_factory=pd.DataFrame)
    cut_sensitivity: pd.DataFrame = field(default_factory=pd.DataFrame)


def prepare(log: EventLog, config: AuditConfig) -> tuple[EventLog, Prepared]:
    """Do to a log what the configuration asks for before journeys are cut."""
    report = None
    if config.stitching is not None:
        stitched = stitch(log, config.stitching)
        log, report = stitched.log, stitched.report
    return log, Prepared(stitching=report)


def compare(
    prepared: Prepared, read: EventLog, config: AuditConfig, journeys: Journeys
) -> Prepared:
    """Add what key results would be with another cut or stitching; `read` is the log as read."""
    return replace(
        prepared,
        cut_sensitivity=cut_sensitivity(journeys, config.measures),
        stitching_levels=stitching_levels(read, config, journeys),
    )


def cut_sensitivity(journeys: Journeys, settings: MeasureSettings) -> pd.DataFrame:
    """Cut at half, once and twice the gap, and return the key results of each.

    Parameters
    ----------
    journeys : Journeys
        As cut for the audit.
    settings : MeasureSettings

    Returns
    -------
    pandas.DataFrame
        One row per gap: ``factor``, ``gap_days`` (float64), and the columns of `key_results`.
        No rows where silence does not cut. What counts as open stays as it was.
    """
    columns = ["factor", "gap_days", *KEY_RESULTS]
    cutting = journeys.cutting
    if cutting.gap_days is None:
        return pd.DataFrame(columns=columns)
    rows = []
    for factor in FACTORS:
        gap_days = cutting.gap_days * factor
        other = journeys
        if factor != 1.0:
            # What was fitted or fell back from learning is now a stated gap.
            stated = {"cut": cutting.kind, "gap_days": gap_days}
            stated["quiet_days"] = cutting.quiet_us / US_PER_DAY
            other = rebuild(journeys.log, journeys.settings.model_copy(update=stated))
        rows.append({"factor": factor, "gap_days": gap_days, **key_results(other, settings)})
    return pd.DataFrame(rows, columns=columns)


def stitching_levels(log: EventLog, config: AuditConfig, journeys: Journeys) -> pd.DataFrame:
    """Stitch strictly, as by default and loosely, and return the key results of each.

    Parameters
    ----------
    log : EventLog
        As read, with its identifiers.
    config : AuditConfig
        With a stitching.
    journeys : Journeys
        As stitched for the audit.

    Returns
    -------
    pandas.DataFrame
        One row per level: ``level``, and the columns of `key_results`. The worse the stitching,
        the better containment looks.
    """
    columns = ["level", *KEY_RESULTS]
    if config.stitching is None:
        return pd.DataFrame(columns=columns)
    rows = []
    for level in LEVELS:
        other = journeys
        if level != config.stitching.level:
            other = rebuild(stitch(log, config.stitching.at(level)).log, config.journeys)
        rows.append({"level": level, **key_results(other, config.measures)})
    return pd.DataFrame(rows, columns=columns)
