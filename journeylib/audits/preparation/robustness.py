"""Robustness: numbers and verdicts under another cut, another stitching, or no linkage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from journeylib.audits.config.audit_config import AuditConfig
from journeylib.audits.preparation.preparation import Prepared, withheld
from journeylib.core import US_PER_DAY
from journeylib.journeys import LEVELS, Cutting, Journeys, cut_again, rebuild, stitch
from journeylib.judge import verdict_scores
from journeylib.log import EventLog
from journeylib.measures import KEY_RESULTS, ServiceTypes, key_results, measure, with_type_shares

FACTORS = (0.5, 1.0, 2.0)
THRESHOLDS = (0.3, 0.5, 0.7)
COMPARED = (*KEY_RESULTS, "verdicts_compared", "verdicts_changed", "changes")
CUT_COLUMNS = ("cut", "factor", "gap_days", "threshold", "chosen", *COMPARED)


@dataclass(frozen=True)
class BaseCase:
    """The audit with its own choices, which the alternatives are compared with.

    Attributes
    ----------
    config : AuditConfig
    prepared : Prepared
    journeys : Journeys
    scores : pandas.DataFrame
        `Judgement.scores`.
    labelled : pandas.DataFrame or None
        Turns that people have labelled.
    types : ServiceTypes or None
        Types of contacts where they count for verdicts; no choice here changes them.
    """

    config: AuditConfig
    prepared: Prepared
    journeys: Journeys
    scores: pd.DataFrame
    labelled: pd.DataFrame | None = field(default=None, repr=False)
    types: ServiceTypes | None = field(default=None, repr=False)


def with_alternatives(base: BaseCase) -> Prepared:
    """Add the results under another cut, another stitching, and without linkage."""
    return replace(
        base.prepared,
        cut_sensitivity=cut_sensitivity(base),
        stitching_levels=stitching_levels(base),
        linkage_levels=linkage_levels(base),
    )


def cut_sensitivity(base: BaseCase) -> pd.DataFrame:
    """Cut otherwise, and return the results of each cut.

    Parameters
    ----------
    base : BaseCase

    Returns
    -------
    pandas.DataFrame
        One row per cut: ``cut`` (which cut applied), ``factor`` (of the gap), ``gap_days``,
        ``threshold`` (of the probability of a boundary; float64, NaN where it does not apply),
        ``chosen`` (bool: the audit's own), the columns of `key_results`, and
        ``verdicts_compared``, ``verdicts_changed`` (int, or None where verdicts are not
        compared), ``changes`` (tuple of dict: ``touchpoint``, ``verdict``, ``instead_of``).

    Notes
    -----
    Silence: half, once and twice the gap; where channels have their own gaps, each is varied,
    and ``gap_days`` is the longest. Learned: a boundary from .3, .5 (or as configured) and .7.
    By case or by customer: cut by silence instead (fitted, else assumed), without a clock as
    learned, and not at all; no rows where the log knows no customer but the case. What counts
    as open stays as it was.
    """
    rows = []
    for factor, threshold, other in _cuts(base):
        cutting = other.cutting
        row = {
            "cut": cutting.kind,
            "factor": factor,
            "gap_days": cutting.gap_days,
            "threshold": threshold,
            "chosen": other is base.journeys,
        }
        rows.append(row | _results(other, base))
    frame = pd.DataFrame(rows, columns=list(CUT_COLUMNS))
    numbers = dict.fromkeys(("factor", "gap_days", "threshold"), "float64")
    return frame.astype(numbers)


def _cuts(base: BaseCase) -> Iterator[tuple[float | None, float | None, Journeys]]:
    """Give factor of the gap, threshold of a boundary, and the journeys of each cut."""
    journeys = base.journeys
    cutting, settings = journeys.cutting, journeys.settings

    def other(**changed: Any) -> Journeys:
        quiet = {"quiet_days": cutting.quiet_us / US_PER_DAY}
        return cut_again(journeys, settings.model_copy(update=changed | quiet))

    if cutting.gap_days is not None:
        for factor in FACTORS:
            # What was fitted or fell back from learning is now a stated gap.
            gap_days = _scaled(cutting, factor)
            gap_us = round((cutting.gap_days or 0.0) * factor * US_PER_DAY)
            if factor == 1.0:
                yield factor, None, journeys
            elif journeys.stay_under(gap_us):
                # Not even cut again: that asks the engine a dozen questions.
                yield factor, None, journeys.with_cutting(replace(cutting, gap_us=gap_us))
            else:
                yield factor, None, other(cut=cutting.kind, gap_days=gap_days)
    elif cutting.kind == "learned":
        own = settings.boundary_probability
        for threshold in sorted({*THRESHOLDS, own}):
            cut = journeys if threshold == own else other(boundary_probability=threshold)
            yield None, threshold, cut
    elif journeys.log.schema.customer is not None or journeys.log.schema.identifiers:
        yield None, None, journeys
        if journeys.has_clock:
            yield None, None, other(cut="gap", gap_days="fitted")
        elif (learned := other(cut="learned")).cut == "learned":
            yield None, None, learned
        if cutting.kind != "customer":
            yield None, None, other(cut="customer")


def _scaled(cutting: Cutting, factor: float) -> float | dict[str, float]:
    """Return the gap, or those of the channels, times `factor`."""
    if not cutting.channels:
        return (cutting.gap_days or 0.0) * factor
    return {gap.channel: gap.gap_days * factor for gap in cutting.channels}


def stitching_levels(base: BaseCase) -> pd.DataFrame:
    """Stitch strictly, as by default and loosely, and return the results of each.

    Parameters
    ----------
    base : BaseCase

    Returns
    -------
    pandas.DataFrame
        One row per level: ``level``, and the further columns of `cut_sensitivity` from
        ``journeys`` on. No rows where no stitching is declared. The worse the stitching, the
        better containment looks.
    """
    columns = ["level", *COMPARED]
    config = base.config
    if config.stitching is None:
        return pd.DataFrame(columns=columns)
    rows = []
    for level in LEVELS:
        other = base.journeys
        if level != config.stitching.level:
            result = stitch(base.prepared.unstitched, config.stitching.at(level))
            other = rebuild(result.log, config.journeys)
        rows.append({"level": level, **_results(other, base)})
    return pd.DataFrame(rows, columns=columns)


def linkage_levels(base: BaseCase) -> pd.DataFrame:
    """Return the results with linkage and without.

    Parameters
    ----------
    base : BaseCase

    Returns
    -------
    pandas.DataFrame
        Two rows: ``linked`` (bool), and the further columns of `stitching_levels`. No rows
        where no linkage is declared.
    """
    columns = ["linked", *COMPARED]
    if base.prepared.linkage is None:
        return pd.DataFrame(columns=columns)
    without = rebuild(_stitched(base.prepared.named, base.config), base.config.journeys)
    rows = [
        {"linked": linked, **_results(other, base)}
        for linked, other in ((True, base.journeys), (False, without))
    ]
    return pd.DataFrame(rows, columns=columns)


def _stitched(log: EventLog, config: AuditConfig) -> EventLog:
    return log if config.stitching is None else stitch(log, config.stitching).log


def _results(other: Journeys, base: BaseCase) -> dict[str, Any]:
    """Return key results of other journeys, and the verdicts that differ."""
    results = key_results(other, base.config.measures)
    if base.config.compare == "key_results":
        return results | {"verdicts_compared": None, "verdicts_changed": None, "changes": ()}
    before = _verdicts(base.scores)
    after = before
    if other.outline is not base.journeys.outline:
        evidence = measure(other, base.config.measures, labelled=base.labelled, published=False)
        evidence = withheld(evidence, base.prepared, base.config)
        evidence = with_type_shares(evidence, base.types)
        after = _verdicts(verdict_scores(other, evidence, base.config.judge))
    changes = _changes(before, after)
    return results | {
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
