"""Judging: from journeys and evidence to verdicts, moments of truth and tipping points."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from journeylib.journeys.steps import Journeys
from journeylib.judge.disclosure import disclosure
from journeylib.judge.judgement import Judgement
from journeylib.judge.moments import COLUMNS, decide
from journeylib.judge.paradoxes import paradoxes
from journeylib.judge.quality import QualityEffect, quality_effect
from journeylib.judge.scorecard import score_evidence
from journeylib.judge.settings import JudgeSettings, MomentSettings
from journeylib.judge.tipping import TippingPoint, tipping_points
from journeylib.judge.visits import outcome_within, visits_of
from journeylib.log.engine import fetch
from journeylib.measures.evidence import Evidence, measure
from journeylib.measures.settings import MeasureSettings

EVENT_CODES = {"open": 0, "frustrated": 1, "resolved": 2, "transferred": 3}
NOT_COVARIATES = ("touchpoint", "customer", "t_us", "good", "control")


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
    """Judge what was measured: scores and verdicts, moments of truth, tipping points.

    Raises
    ------
    ConfigError
        If the settings name a column that the log does not have.
    """
    settings = settings or JudgeSettings()
    moments = moments_of_truth(journeys, settings.moments)
    judgement = score_evidence(
        evidence,
        settings,
        moments=moments if len(moments) else None,
        tipping_points=bot_tipping_points(evidence),
    )
    return replace(
        judgement,
        paradoxes=paradoxes(journeys, evidence.handoffs, settings.paradoxes),
        disclosure=disclosure(journeys),
    )


def moments_of_truth(journeys: Journeys, settings: MomentSettings) -> pd.DataFrame:
    """Test every touchpoint × outcome for what a good visit changes.

    Returns
    -------
    pandas.DataFrame
        As `decide` returns it; no row where the settings name no mark of a good visit, or the
        log has no outcomes or no clock. Touchpoints of fewer customers than may be shown are
        not in the family.
    """
    if settings.good is None or not settings.outcomes:
        return pd.DataFrame(columns=list(COLUMNS))
    if journeys.log.outcomes is None or not journeys.has_clock:
        return pd.DataFrame(columns=list(COLUMNS))
    family = _family(journeys, settings)
    return decide(family, q=settings.false_discoveries, margin=settings.margin)


def _family(journeys: Journeys, settings: MomentSettings) -> list[QualityEffect]:
    visits = visits_of(journeys, settings)
    covariates = [name for name in visits.columns if name not in NOT_COVARIATES]
    family = []
    for kind in settings.outcomes:
        happened, usable = outcome_within(journeys, visits, kind, settings.horizon_days)
        rows = visits.assign(y=happened)[usable]
        for touchpoint, part in rows.groupby("touchpoint", sort=True):
            if part["customer"].nunique() < journeys.settings.min_customers:
                continue
            family.append(
                quality_effect(
                    part["y"].to_numpy(),
                    part["good"].to_numpy(),
                    part[covariates].reset_index(drop=True),
                    part["customer"].to_numpy(),
                    touchpoint=str(touchpoint),
                    outcome=kind,
                    start=part["t_us"].to_numpy(),
                    control=part["control"].to_numpy() if "control" in part else None,
                )
            )
    return family


def bot_tipping_points(evidence: Evidence) -> tuple[TippingPoint, ...]:
    """Look for the minute at which bot sessions turn sour, for everyone and per intent."""
    table = evidence.handoffs.session_table
    if evidence.handoffs.abstain is not None or table is None:
        return ()
    sessions = fetch(table).sort_values("session_no", kind="stable").reset_index(drop=True)
    sessions = sessions.dropna(subset=["seconds_to_end"])
    if sessions.empty:
        return ()
    frame = pd.DataFrame(
        {
            "minutes": sessions["seconds_to_end"] / 60,
            "event": sessions["end"].map(EVENT_CODES).astype(int),
            "customer": sessions["customer_no"],
            "intent": sessions["intent"],
        }
    )
    segment = "intent" if frame["intent"].notna().any() else None
    return tipping_points(frame, segment=segment)
