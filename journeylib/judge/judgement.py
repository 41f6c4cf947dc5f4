"""The judgement of a log: scores, verdicts, moments of truth, tipping points, paradoxes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from journeylib.core import named_parts, text, working
from journeylib.journeys import CustomerSample, Journeys, refuse_absent
from journeylib.judge.bot_timing.bot_timing import judge_bots
from journeylib.judge.bot_timing.handoff_limits import HandoffItem, handoff_items
from journeylib.judge.bot_timing.handoff_time import HandoffTime
from journeylib.judge.bot_timing.queueing import QueueTime
from journeylib.judge.bot_timing.satisfaction_break import SatisfactionBreak
from journeylib.judge.bot_timing.tipping_points import TippingPoint
from journeylib.judge.disclosure.disclosure import Disclosure, disclosure
from journeylib.judge.experience.peak_end import PeakEnd, peak_end
from journeylib.judge.experience.surveys import survey_scales, survey_table
from journeylib.judge.moments.moments_of_truth import moments_of_truth, moments_of_verdicts
from journeylib.judge.moments.survival_table import presence_effects
from journeylib.judge.paradoxes.paradoxes import Paradox, paradoxes
from journeylib.judge.scorecard.scorecard import score_evidence
from journeylib.judge.scorecard.weight_sensitivity import weight_sensitivity
from journeylib.judge.settings import JudgeSettings
from journeylib.measures import Evidence, MeasureSettings, measure

US_PER_WEEK = 604_800_000_000


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
        One row per touchpoint and outcome that was tested; see `multiple_testing.decide`.
    presence : DataFrame
        One row per touchpoint and outcome that is an event; see
        `survival_table.presence_effects`: what goes with coming at all.
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
        One row per scored touchpoint and weighting; see `weight_sensitivity`.
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
    queue: QueueTime | str = ""
    satisfaction: SatisfactionBreak | None = None
    peak_end: PeakEnd | None = None
    surveys: pd.DataFrame = field(default_factory=pd.DataFrame)
    sensitivity: pd.DataFrame = field(default_factory=pd.DataFrame)
    paradoxes: tuple[Paradox, ...] = ()
    disclosure: Disclosure | None = None
    handoff_items: tuple[HandoffItem, ...] = ()

    __repr__ = named_parts


@working("judging")
def score(
    journeys: Journeys,
    *,
    measures: MeasureSettings | None = None,
    settings: JudgeSettings | None = None,
) -> Judgement:
    """Measure and judge journeys in one call: what an audit with these settings would judge.

    Parameters
    ----------
    journeys : Journeys
        From `rebuild`.
    measures : MeasureSettings, optional
        Windows, minimum bases, declared columns.
    settings : JudgeSettings, optional
        Anchors, weights and thresholds; which visits went well, for moments of truth.

    Returns
    -------
    Judgement
        Its `scores` have one row per touchpoint: automation fit, empathy need, verdict, reasons.
        Touchpoints of too few customers are left out, so a small log may have no row.

    Raises
    ------
    ConfigError
        If the settings name a column or touchpoint that the log does not have.
    """
    return judge(journeys, measure(journeys, measures), settings)


def judge(
    journeys: Journeys, evidence: Evidence, settings: JudgeSettings | None = None
) -> Judgement:
    """Judge what was measured: scores and verdicts, moments of truth, tipping points, paradoxes.

    Raises
    ------
    ConfigError
        If the settings name a column or touchpoint that the log does not have.
    """
    settings = settings or JudgeSettings()
    # A misspelt veto would forbid nothing.
    refuse_absent(journeys, settings, "judge")
    moments = moments_of_truth(journeys, settings)
    sample = journeys.sample
    bots = judge_bots(
        evidence.handoffs,
        settings,
        weeks=_weeks(journeys),
        min_customers=journeys.settings.min_customers,
        sample=sample,
    )
    scorecard = score_evidence(evidence, settings, moments=moments if len(moments) else None)
    disclosed = disclosure(journeys.modelled, evidence.settings)
    return Judgement(
        scores=scorecard.scores,
        indicators=scorecard.indicators,
        axes=scorecard.axes,
        moments=moments,
        presence=presence_effects(journeys, settings),
        tipping_points=bots.tipping_points,
        handoff_times=bots.handoff_times,
        queue=bots.queue,
        satisfaction=bots.satisfaction,
        peak_end=peak_end(journeys, evidence.turn_scores),
        surveys=survey_table(
            journeys, survey_scales(journeys, settings.surveys), settings.moments.adjust
        ),
        sensitivity=weight_sensitivity(scorecard, settings),
        paradoxes=tuple(
            sample.annotate(paradox)
            for paradox in paradoxes(
                journeys.modelled,
                settings.paradoxes,
                measures=evidence.settings,
                handoffs=evidence.handoffs,
                scores=evidence.turn_scores,
            )
        ),
        disclosure=_of_sample(disclosed, sample),
        handoff_items=handoff_items(evidence.handoffs, settings.handoff_limits),
    )


def _of_sample(disclosed: Disclosure, sample: CustomerSample) -> Disclosure:
    """Add to the finding that its counts are those of a sample."""
    counts = ""
    if sample.picked is not None and disclosed.abstain is None:
        counts = text("judge.disclosure.sample", used=sample.used, customers=sample.customers)
    return replace(sample.annotate(disclosed), text=f"{disclosed.text} {counts}".rstrip())


def _weeks(journeys: Journeys) -> float:
    """Return the length of the log; 0 without a clock."""
    if journeys.first_us is None or journeys.last_us is None:
        return 0.0
    return (journeys.last_us - journeys.first_us) / US_PER_WEEK


def verdict_scores(
    journeys: Journeys, evidence: Evidence, settings: JudgeSettings | None = None
) -> pd.DataFrame:
    """Return the verdicts that `judge` would give, without anything that none rests on.

    Returns
    -------
    pandas.DataFrame
        One row per touchpoint: ``touchpoint``, ``verdict`` and ``abstain`` of `Judgement.scores`.

    Raises
    ------
    ConfigError
        If the settings name a column or touchpoint that the log does not have.
    """
    settings = settings or JudgeSettings()
    refuse_absent(journeys, settings, "judge")
    moments = moments_of_verdicts(journeys, settings)
    judged = score_evidence(evidence, settings, moments=moments if len(moments) else None)
    return judged.scores[["touchpoint", "verdict", "abstain"]]
