"""Judging: from journeys and evidence to verdicts, moments of truth and tipping points."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from journeylib.core import working
from journeylib.journeys import Drawn, Journeys, refuse_absent
from journeylib.judge.bot_timing.bot_timing import judge_bots
from journeylib.judge.bot_timing.handoff_limits import handoff_items
from journeylib.judge.disclosure.disclosure import Disclosure, disclosure
from journeylib.judge.experience.remembered import remembered
from journeylib.judge.experience.surveys import survey_scales, survey_table
from journeylib.judge.judgement import Judgement
from journeylib.judge.moments.moments_of_truth import moments_of_truth
from journeylib.judge.moments.survival_table import presence_effects
from journeylib.judge.paradoxes.paradoxes import paradoxes
from journeylib.judge.scorecard.scorecard import score_evidence
from journeylib.judge.scorecard.weight_sensitivity import weight_sensitivity
from journeylib.judge.settings import JudgeSettings
from journeylib.measures import Evidence, MeasureSettings, measure

if TYPE_CHECKING:
    import pandas as pd

US_PER_WEEK = 604_800_000_000


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
    drawn = journeys.drawn
    bots = judge_bots(
        evidence.handoffs,
        settings.costs,
        capacity=settings.capacity,
        weeks=_weeks(journeys),
        min_customers=journeys.settings.min_customers,
        drawn=drawn,
    )
    judgement = score_evidence(
        evidence,
        settings,
        moments=moments if len(moments) else None,
        tipping_points=bots.tipping_points,
    )
    return replace(
        judgement,
        handoff_times=bots.handoff_times,
        queue=bots.queue,
        satisfaction=bots.satisfaction,
        presence=presence_effects(journeys, settings),
        peak_end=remembered(journeys, evidence.turn_scores),
        surveys=survey_table(
            journeys, survey_scales(journeys, settings.surveys), settings.moments.adjust
        ),
        sensitivity=weight_sensitivity(judgement, settings),
        paradoxes=tuple(
            drawn.told(paradox)
            for paradox in paradoxes(
                journeys.modelled,
                settings.paradoxes,
                measures=evidence.settings,
                handoffs=evidence.handoffs,
                scores=evidence.turn_scores,
            )
        ),
        disclosure=_told(disclosure(journeys.modelled, evidence.settings), drawn),
        handoff_items=handoff_items(evidence.handoffs, settings.handoff_limits),
    )


def _told(found: Disclosure, drawn: Drawn) -> Disclosure:
    """Say in the finding, too, that its counts are those of a sample."""
    counts = f" Counted on a sample of {drawn.used:,} of {drawn.customers:,} customers."
    text = found.text + counts if drawn.picked is not None and found.abstain is None else found.text
    return replace(drawn.told(found), text=text)


def _weeks(journeys: Journeys) -> float:
    """Return the length of the log; 0 without a clock."""
    if journeys.first_us is None or journeys.last_us is None:
        return 0.0
    return (journeys.last_us - journeys.first_us) / US_PER_WEEK


def verdict_scores(
    journeys: Journeys, evidence: Evidence, settings: JudgeSettings | None = None
) -> pd.DataFrame:
    """Return the `scores` that `judge` would give, without anything that no verdict rests on.

    Returns
    -------
    pandas.DataFrame
        `Judgement.scores`: one row per touchpoint.

    Raises
    ------
    ConfigError
        If the settings name a column or touchpoint that the log does not have.
    """
    settings = settings or JudgeSettings()
    refuse_absent(journeys, settings, "judge")
    moments = moments_of_truth(journeys, settings)
    return score_evidence(evidence, settings, moments=moments if len(moments) else None).scores
