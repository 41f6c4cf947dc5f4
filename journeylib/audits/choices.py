"""Choices: what another cut or another stitching would have said, in numbers and in verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.audits.prepare import Prepared, mapped, withheld
from journeylib.journeys.steps import Journeys, rebuild
from journeylib.journeys.stitch import LEVELS, stitch
from journeylib.judge.judging import verdict_scores
from journeylib.measures.evidence import measure
from journeylib.measures.key_results import KEY_RESULTS, key_results

if TYPE_CHECKING:
    from journeylib.audits.config import AuditConfig
    from journeylib.journeys.cutting import Cutting
    from journeylib.log.eventlog import EventLog

FACTORS = (0.5, 1.0, 2.0)
US_PER_DAY = 86_400_000_000
COMPARED = (*KEY_RESULTS, "verdicts_compared", "verdicts_changed", "changes")


@dataclass(frozen=True)
class Chosen:
    """What the audit itself chose, and found.

    Attributes
    ----------
    config : AuditConfig
    prepared : Prepared
    journeys : Journeys
    scores : pandas.DataFrame
        `Judgement.scores`.
    labelled : pandas.DataFrame or None
        Turns that people have labelled.
    """

    config: AuditConfig
    prepared: Prepared
    journeys: Journeys
    scores: pd.DataFrame
    labelled: pd.DataFrame | None = field(default=None, repr=False)


def compare(chosen: Chosen, read: EventLog) -> Prepared:
    """Add what another cut or stitching would have said; `read` is the log as read."""
    return replace(
        chosen.prepared,
        cut_sensitivity=cut_sensitivity(chosen),
        stitching_levels=stitching_levels(chosen, read),
    )


def cut_sensitivity(chosen: Chosen) -> pd.DataFrame:
    """Cut at half, once and twice the gap, and return what each would have said.

    Parameters
    ----------
    chosen : Chosen

    Returns
    -------
    pandas.DataFrame
        One row per gap: ``factor``, ``gap_days`` (float64), the columns of `key_results`, and
        ``verdicts_compared``, ``verdicts_changed`` (int, or None where verdicts are not
        compared), ``changes`` (tuple of dict: ``touchpoint``, ``verdict``, ``instead_of``).
        No rows where silence does not cut. What counts as open stays as it was. Where channels
        have their own gaps, each is varied, and ``gap_days`` is the longest.
    """
    columns = ["factor", "gap_days", *COMPARED]
    journeys = chosen.journeys
    cutting = journeys.cutting
    if cutting.gap_days is None:
        return pd.DataFrame(columns=columns)
    rows = []
    for factor in FACTORS:
        gap_days = cutting.gap_days * factor
        other = journeys
        if factor != 1.0:
            # What was fitted or fell back from learning is now a stated gap.
            stated = {"cut": cutting.kind, "gap_days": _scaled(cutting, factor)}
            stated["quiet_days"] = cutting.quiet_us / US_PER_DAY
            other = rebuild(journeys.log, journeys.settings.model_copy(update=stated))
        rows.append({"factor": factor, "gap_days": gap_days, **_said(other, chosen)})
    return pd.DataFrame(rows, columns=columns)


def _scaled(cutting: Cutting, factor: float) -> float | dict[str, float]:
    """Return the gap, or those of the channels, times `factor`."""
    if not cutting.channels:
        return (cutting.gap_days or 0.0) * factor
    return {gap.channel: gap.gap_days * factor for gap in cutting.channels}


def stitching_levels(chosen: Chosen, read: EventLog) -> pd.DataFrame:
    """Stitch strictly, as by default and loosely, and return what each would have said.

    Parameters
    ----------
    chosen : Chosen
    read : EventLog
        As read, with its identifiers.

    Returns
    -------
    pandas.DataFrame
        One row per level: ``level``, and the further columns of `cut_sensitivity`. No rows
        where no stitching is declared. The worse the stitching, the better containment looks.
    """
    columns = ["level", *COMPARED]
    config = chosen.config
    if config.stitching is None:
        return pd.DataFrame(columns=columns)
    rows = []
    for level in LEVELS:
        other = chosen.journeys
        if level != config.stitching.level:
            named, _report = mapped(read, config)
            other = rebuild(stitch(named, config.stitching.at(level)).log, config.journeys)
        rows.append({"level": level, **_said(other, chosen)})
    return pd.DataFrame(rows, columns=columns)


def _said(other: Journeys, chosen: Chosen) -> dict[str, Any]:
    """Return key results of other journeys, and which verdicts they change."""
    found = key_results(other, chosen.config.measures)
    if chosen.config.compare == "key_results":
        return found | {"verdicts_compared": None, "verdicts_changed": None, "changes": ()}
    before = _verdicts(chosen.scores)
    after = before
    if other is not chosen.journeys:
        evidence = measure(other, chosen.config.measures, labelled=chosen.labelled)
        evidence = withheld(evidence, chosen.prepared, chosen.config)
        after = _verdicts(verdict_scores(other, evidence, chosen.config.judge))
    changes = _changes(before, after)
    return found | {
        "verdicts_compared": len(before),
        "verdicts_changed": len(changes),
        "changes": changes,
    }


def _verdicts(scores: pd.DataFrame) -> dict[str, str]:
    """Return the verdict of each touchpoint at which somebody serves."""
    served = scores[scores["abstain"] != "not_served"]
    return dict(zip(served["touchpoint"], served["verdict"], strict=True))


def _changes(before: dict[str, str], after: dict[str, str]) -> tuple[dict[str, str | None], ...]:
    """Return the verdicts that differ; of touchpoints that the audit itself may show."""
    return tuple(
        {"touchpoint": name, "verdict": after.get(name), "instead_of": verdict}
        for name, verdict in sorted(before.items())
        if after.get(name) != verdict
    )
