"""What is judged of a log: scores, verdicts and the evidence behind each, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from journeylib.judge.bot_timing.handoff_limits import HandoffItem
from journeylib.judge.bot_timing.handoff_time import HandoffTime
from journeylib.judge.bot_timing.queueing import QueueTime
from journeylib.judge.bot_timing.satisfaction_break import SatisfactionBreak
from journeylib.judge.bot_timing.tipping_points import TippingPoint
from journeylib.judge.disclosure.disclosure import Disclosure
from journeylib.judge.experience.peak_end import PeakEnd
from journeylib.judge.paradoxes.paradoxes import Paradox
from journeylib.judge.settings import AXES

PLACE = ("touchpoint", "stage", "channel", "office", "events", "journeys", "customers")
SCORE_COLUMNS = (
    *PLACE,
    *(
        f"{axis}{suffix}"
        for axis in AXES
        for suffix in ("", "_lo", "_hi", "_coverage", "_floor", "_ceiling")
    ),
    "verdict",
    "leaning",
    "verdict_stability",
    "boundary_distance",
    "vetoes",
    "reasons",
    "next_datum",
    "abstain",
)
INDICATOR_COLUMNS = (
    "touchpoint",
    "axis",
    "indicator",
    "raw",
    "lo",
    "hi",
    "unit",
    "score",
    "weight",
    "missing",
    "n_customers",
    "grade",
    "source",
)


NULLABLE = frozenset({"leaning", "next_datum", "abstain", "missing", "stage", "channel", "office"})


def frame_of(rows: Sequence[tuple[Any, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Build a frame in which an absent text is None, not NaN."""
    by_column = dict(
        zip(columns, zip(*rows, strict=True) if rows else [()] * len(columns), strict=True)
    )
    return pd.DataFrame(
        {
            name: pd.Series(_none_for_nan(cells), dtype=object) if name in NULLABLE else list(cells)
            for name, cells in by_column.items()
        }
    )


def _none_for_nan(cells: tuple[Any, ...]) -> list[Any]:
    return [None if cell is None or cell != cell else cell for cell in cells]


@dataclass(frozen=True)
class Judgement:
    """What is judged of a log, each verdict with its evidence.

    Attributes
    ----------
    scores : DataFrame
        One row per touchpoint in the order of the evidence: place and counts;
        `automation_fit` and `empathy_need` (0..100, NaN where coverage is too low), each with
        `_lo`, `_hi` (95 % over resamples of customers), `_coverage` (share of weight observed),
        `_floor`, `_ceiling` (if all that is missing were 0, and 1); `verdict`, `leaning` (str
        or None), `verdict_stability` (0..1), `boundary_distance` (standard errors), `vetoes`
        (tuple of str), `reasons` (tuple of sentences), `next_datum`, `abstain` (str or None).
    indicators : DataFrame
        One row per touchpoint, axis and indicator: `raw`, `lo`, `hi`, `unit`, `score` (0..1),
        `weight` (share of the axis at this touchpoint), `missing` (reason or None),
        `n_customers`, `grade`, `source` (of what customers say: who read it, and whether
        labelled turns correct it).
    axes : dict
        `rho`, `lo`, `hi` (None where too few touchpoints are scored), `touchpoints`,
        `distinguishable`.
    moments : DataFrame
        One row per touchpoint and outcome that was tested; columns as `moments.decide` has them.
    presence : DataFrame
        One row per touchpoint and outcome that is an event; see `stays.presence_effects`. Another
        question than that of the moments: what goes with coming at all.
    tipping_points : tuple of TippingPoint
        Everyone first, then one per intent.
    handoff_times : dict of str to HandoffTime or str
        By segment of `tipping_points`: when to hand over, or why nobody can say.
    queue : QueueTime or str
        When to hand over to a team that the hand-overs themselves keep busy, or why nobody can
        say.
    satisfaction : SatisfactionBreak or None
        From which length of a session on satisfaction falls; None without rated sessions.
    peak_end : PeakEnd or None
        Which moments of a conversation its rating goes with.
    surveys : DataFrame
        One row per survey; see `surveys.survey_table`.
    sensitivity : DataFrame
        One row per scored touchpoint and weighting; see `sensitivity.weight_sensitivity`.
    paradoxes : tuple of Paradox
        The six of them.
    disclosure : Disclosure or None
        Whether customers were told that they talk to a machine.
    handoff_items : tuple of HandoffItem
        The hand-off audit, item by item beside its limit.
    """

    scores: pd.DataFrame
    indicators: pd.DataFrame
    axes: dict[str, Any]
    moments: pd.DataFrame = field(default_factory=pd.DataFrame)
    presence: pd.DataFrame = field(default_factory=pd.DataFrame)
    tipping_points: tuple[TippingPoint, ...] = ()
    handoff_times: dict[str, HandoffTime | str] = field(default_factory=dict)
    queue: QueueTime | str = "the log has no bot session, or too few to show"
    satisfaction: SatisfactionBreak | None = None
    peak_end: PeakEnd | None = None
    surveys: pd.DataFrame = field(default_factory=pd.DataFrame)
    sensitivity: pd.DataFrame = field(default_factory=pd.DataFrame)
    paradoxes: tuple[Paradox, ...] = ()
    disclosure: Disclosure | None = None
    handoff_items: tuple[HandoffItem, ...] = ()
