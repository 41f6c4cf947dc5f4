"""Evidence: all measures of a log, without cells below the minimum number of customers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import (
    AbstainReason,
    Estimate,
    named_parts,
    one_thread,
    refuse_other,
    refuse_unknown,
    seldom_collected,
    working,
)
from journeylib.journeys import Base, Journeys, transitions, variants
from journeylib.log import COUNTS, suppress
from journeylib.measures.bots.bot_sessions import bot_sessions
from journeylib.measures.bots.handoff_audit import (
    Handoffs,
    audit_handoffs,
    escape_hatch,
    handoff_measures,
)
from journeylib.measures.measured import (
    ESTIMATE_COLUMNS,
    Measured,
    bounded,
    estimate_table,
    with_whole_base,
)
from journeylib.measures.overall.flow import flow_estimates
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.detector_accuracy import DetectorCheck, check_detectors
from journeylib.measures.texts.misclassification import without_mistakes
from journeylib.measures.texts.sentiment import (
    Scores,
    customer_scores,
    experience_table,
    text_measures,
)
from journeylib.measures.texts.turn_model import learn_turns
from journeylib.measures.touchpoints.complaints import complaint_excess
from journeylib.measures.touchpoints.durations import duration_measures
from journeylib.measures.touchpoints.next_steps import count_successors, successor_measures
from journeylib.measures.touchpoints.predictability import rule_skill
from journeylib.measures.touchpoints.repeat_contacts import repeat_contacts
from journeylib.measures.touchpoints.saving import human_visits, saving
from journeylib.measures.touchpoints.visit_measures import (
    check_names,
    count_visits,
    touchpoint_measures,
    whole_weeks,
)


@dataclass(frozen=True)
class Evidence:
    """What the log shows of each touchpoint; columns as in ``docs/formats/tables.md``.

    Attributes
    ----------
    totals : dict
        ``events``, ``journeys``, ``customers``, ``open``, ``cut_off`` (int), ``first_us``,
        ``last_us`` (int or None), ``weeks`` (whole weeks in the log), ``suppressed`` (rows left
        out of the tables below for resting on too few customers).
    touchpoints : pandas.DataFrame
        One row per touchpoint, in order of median position, then name.
    transitions, variants : pandas.DataFrame
        One row per transition, per variant; most journeys first.
    estimates : pandas.DataFrame
        One row per touchpoint and measure, touchpoints in the order of `touchpoints`.
    draws : dict of str to ndarray, shape (500, touchpoints)
        By measure, touchpoints in the order of `touchpoints`; NaN where the measure abstains.
    handoffs : Handoffs
        The hand-off audit of the whole log.
    experience : pandas.DataFrame
        One row per touchpoint with a sentiment.
    flow : dict of str to Estimate
        The whole log.
    turn_scores : Scores or str
        What customers' turns sound like (a working table), or why nobody knows.
    settings : MeasureSettings
        What it was measured with.
    detectors : tuple of DetectorCheck
        The text detectors on labelled turns; empty where there are none.
    """

    totals: dict[str, Any]
    touchpoints: pd.DataFrame
    transitions: pd.DataFrame
    estimates: pd.DataFrame
    draws: dict[str, npt.NDArray[np.float64]]
    handoffs: Handoffs
    variants: pd.DataFrame
    experience: pd.DataFrame
    flow: dict[str, Estimate]
    turn_scores: Scores | AbstainReason = field(default="no_column", repr=False)
    settings: MeasureSettings = field(default_factory=MeasureSettings, repr=False)
    detectors: tuple[DetectorCheck, ...] = ()

    __repr__ = named_parts

    def estimate(self, touchpoint: str, measure: str) -> pd.Series[Any]:
        """Return the row of `estimates` for one touchpoint and measure.

        Raises
        ------
        ConfigError
            If there is no such measure, or no touchpoint of this name with enough customers to
            be shown.
        """
        rows = self.estimates
        for column, name in (("touchpoint", touchpoint), ("measure", measure)):
            problem = (
                "there are no estimates of the {column} '{name}'.{near} Touchpoints of too few "
                "customers are left out."
            )
            refuse_unknown([name], list(rows[column].unique()), problem, column=column)
        row = rows[(rows["touchpoint"] == touchpoint) & (rows["measure"] == measure)]
        return row.iloc[0]


@working("measuring")
@seldom_collected()
@one_thread()
def measure(
    journeys: Journeys,
    settings: MeasureSettings | None = None,
    *,
    labelled: pd.DataFrame | None = None,
    published: bool = True,
) -> Evidence:
    """Measure every touchpoint and the whole log.

    Parameters
    ----------
    journeys : Journeys
        The minimum cell is that of their settings.
    settings : MeasureSettings, optional
        Windows, minimum bases, declared columns.
    labelled : DataFrame, optional
        Turns that people have labelled, as `check_detectors` takes them: requests for
        a human are then corrected for the detectors' mistakes, and feelings are learned from
        them where there are enough; else negative turns are corrected, too.
    published : bool
        False for a cut that is only judged: transitions, variants, experience and flow are empty
        then, and of the hand-off audit is there what verdicts rest on.

    Returns
    -------
    Evidence
        A touchpoint of fewer than ``min_customers`` customers is in none of its tables.

    Raises
    ------
    ConfigError
        If the settings name a column or touchpoint that the log does not have.
    """
    refuse_other(journeys, "Journeys")
    settings = settings or MeasureSettings()
    check_names(journeys, settings)
    cells = count_visits(journeys, settings)
    successors = count_successors(journeys, cells.base("known"))
    repeats = repeat_contacts(journeys, settings)
    sessions = bot_sessions(journeys, settings) if journeys.has("actor") else None
    handoffs = handoff_measures(journeys, settings, sessions=sessions)
    scores = customer_scores(journeys, learn_turns(labelled))
    checks = () if labelled is None else check_detectors(labelled, journeys, settings, scores)
    learned = isinstance(scores, Scores) and scores.model is not None
    # Calibrated probabilities need no correction.
    mistaken = [one for one in checks if not (learned and one.detector == "negative")]
    containment = next((one for one in handoffs if one.measure == "containment"), None)
    measures = [
        *touchpoint_measures(journeys, cells, settings),
        *successor_measures(journeys, successors, settings),
        *duration_measures(journeys, cells, settings),
        rule_skill(journeys, settings),
        repeats.measured,
        complaint_excess(journeys, settings),
        saving(journeys, cells, containment, settings),
        human_visits(journeys, cells, settings),
        *handoffs,
        *without_mistakes(journeys, text_measures(journeys, settings, scores=scores), mistaken),
    ]
    shown, hidden = suppress(journeys.touchpoints, journeys.settings.min_customers)
    edges, paths, felt = pd.DataFrame(), pd.DataFrame(), pd.DataFrame()
    if published:
        edges, paths = transitions(journeys), variants(journeys)
        hidden += edges.attrs["suppressed"] + paths.attrs["suppressed"]
        felt = experience_table(journeys, settings, scores=scores)
    handoffs_of = audit_handoffs if published else escape_hatch
    names, touchpoints = journeys.touchpoint_names, list(shown["touchpoint"])
    minimum = journeys.settings.min_customers
    by_number = journeys.touchpoints.sort_values("touchpoint_no")
    whole = Base(*(by_number[name].to_numpy() for name in COUNTS))
    measures = [with_whole_base(one, whole, minimum) for one in measures]
    estimates, draws = without_small_cells(measures, names, touchpoints, minimum)
    return Evidence(
        totals=_totals(journeys) | {"suppressed": hidden},
        touchpoints=shown.drop(columns="touchpoint_no"),
        transitions=edges,
        estimates=estimates,
        draws=draws,
        handoffs=handoffs_of(journeys, settings, sessions=sessions),
        variants=paths,
        experience=felt,
        flow=flow_estimates(journeys, repeats) if published else {},
        turn_scores=scores,
        settings=settings,
        detectors=checks,
    )


def without_small_cells(
    measures: list[Measured], names: list[str], shown: list[str], min_customers: int
) -> tuple[pd.DataFrame, dict[str, npt.NDArray[np.float64]]]:
    """Keep the shown touchpoints of each measure, in the order in which they are shown.

    Returns
    -------
    estimates : pandas.DataFrame
        Columns `ESTIMATE_COLUMNS`; measures in the order found within each touchpoint.
    draws : dict of str to ndarray, shape (draws, len(shown))
        NaN where the measure abstains; between bounds where these are shown in its place.
    """
    number_of = {name: number for number, name in enumerate(names)}
    order = np.array([number_of[name] for name in shown], dtype=np.int64)
    public = [bounded(_guarded(one, min_customers), min_customers) for one in measures]
    draws = {
        one.measure: np.where(one.unknown, np.nan, one.resampled.draws)[:, order] for one in public
    }
    if not shown:
        return pd.DataFrame(columns=list(ESTIMATE_COLUMNS)), draws
    return estimate_table(public, names, order), draws


def _guarded(one: Measured, min_customers: int) -> Measured:
    """Show no number, and no base, that rests on fewer than the minimum of customers."""
    small = one.n_customers < min_customers
    reasons = tuple(
        "privacy" if few and reason is None else reason
        for few, reason in zip(small, one.abstain, strict=True)
    )
    return replace(
        one,
        abstain=reasons,
        n_events=np.where(small, 0, one.n_events),
        n_journeys=np.where(small, 0, one.n_journeys),
        n_customers=np.where(small, 0, one.n_customers),
    )


def _totals(journeys: Journeys) -> dict[str, Any]:
    outline = journeys.outline
    return {
        "events": len(journeys.events),
        "journeys": len(outline),
        "customers": outline.customers,
        "open": int(outline.is_open.sum()),
        "cut_off": int(outline.cut_off.sum()),
        "first_us": journeys.first_us,
        "last_us": journeys.last_us,
        "weeks": whole_weeks(journeys),
    }
