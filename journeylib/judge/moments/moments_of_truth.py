"""Moments of truth of a log: every touchpoint × outcome, put to the same tests as one family."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from journeylib.core import US_PER_DAY, Estimate, Floats, percent, text
from journeylib.journeys import Journeys, refuse_absent
from journeylib.judge.estimation.design_matrix import sample_of
from journeylib.judge.experience.customer_outcomes import answer_within, event_within
from journeylib.judge.experience.nonresponse import response_bounds
from journeylib.judge.experience.surveys import Scale, survey_scales
from journeylib.judge.moments.effect import Check, VisitEffect, visit_effect
from journeylib.judge.moments.multiple_testing import COLUMNS, asymmetry, decide, impact
from journeylib.judge.moments.visit_table import Visits, visits_of
from journeylib.judge.settings import JudgeSettings, MomentSettings

MOMENT_COLUMNS = (*COLUMNS, "impact", "response_rate", "bounds")
DAYS_PER_YEAR = 365.25
MIN_DAYS = 28.0
OF_SCALE = "of the scale"


def moments_of_truth(journeys: Journeys, settings: JudgeSettings | None = None) -> pd.DataFrame:
    """Test every touchpoint × outcome for what a good visit changes.

    Parameters
    ----------
    journeys : Journeys
    settings : JudgeSettings, optional
        Its `moments` and `surveys`.

    Returns
    -------
    pandas.DataFrame
        As `decide` returns it, and ``impact`` (Estimate or None: journeys a year that would end
        otherwise; None for answers), ``response_rate`` (float or None) and ``bounds`` (Estimate
        or None: the difference between good and bad visits among all who were asked, from the
        least to the most that the silent allow). With `bad_at` also ``asymmetry`` (Estimate for
        a moment of truth, else None). No row where the settings do not say when a visit is good,
        or the log has no outcomes or no clock. Touchpoints of fewer customers than may be shown
        are not in the family.

    Raises
    ------
    ConfigError
        If the settings name a column or a kind of outcome that is not there.

    Notes
    -----
    Outcomes that are answers (`JudgeSettings.surveys`, and those with a time of asking) compare
    what was answered, as a share of the scale. They are graded C at best: only the very pleased
    and the very displeased tend to answer.
    """
    settings = settings or JudgeSettings()
    asked, cases = settings.moments, _all_cases(journeys, settings)
    if cases is None:
        return pd.DataFrame(columns=list(MOMENT_COLUMNS))
    family = [case.visits.sample.annotate(case.effect()) for case in cases]
    moments = decide(family, q=asked.false_discoveries, margin=asked.margin)
    return _with_context(moments, family, cases, _reach_per_year(journeys), asked)


def moments_of_verdicts(journeys: Journeys, settings: JudgeSettings) -> pd.DataFrame:
    """Return of `moments_of_truth` what verdicts rest on, in less time.

    Returns
    -------
    pandas.DataFrame
        ``touchpoint`` and ``effect`` as there, ``grade``. With `bad_at` also ``is_moment`` as
        there, and ``asymmetry`` with the same number.

    Notes
    -----
    Only a moment of truth that loses more than it wins forbids automation. So the falsification
    tests wait until all else speaks for a moment, and are left out without `bad_at`.
    """
    asked, cases = settings.moments, _all_cases(journeys, settings) or []
    family = [case.visits.sample.annotate(case.effect(falsified=False)) for case in cases]
    moments = decide(family, q=asked.false_discoveries, margin=asked.margin)
    if asked.bad_at is None:
        return moments[["touchpoint", "effect", "grade"]]
    tested = [
        case.visits.sample.annotate(case.effect()) if likely else effect
        for case, effect, likely in zip(cases, family, moments["is_moment"], strict=True)
    ]
    moments = decide(tested, q=asked.false_discoveries, margin=asked.margin)
    ratios = [
        case.asymmetry(falsified=False) if moment else None
        for case, moment in zip(cases, moments["is_moment"], strict=True)
    ]
    shown = moments[["touchpoint", "effect", "grade", "is_moment"]]
    return shown.assign(asymmetry=pd.Series(ratios, dtype=object))


def _with_context(
    moments: pd.DataFrame,
    family: list[VisitEffect],
    cases: list[_Case],
    reach: dict[str, float],
    settings: MomentSettings,
) -> pd.DataFrame:
    """Add how many journeys an effect is about, and what silence and asymmetry say."""
    compared = settings.bad_at is not None
    names = ("impact", "response_rate", "bounds", *(["asymmetry"] if compared else []))
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for effect, case, moment in zip(family, cases, moments["is_moment"], strict=True):
        annotate = case.visits.sample.annotate
        countable = reach and case.scale is None
        columns["impact"].append(
            annotate(impact(effect, reach[effect.touchpoint])) if countable else None
        )
        columns["response_rate"].append(case.response_rate)
        columns["bounds"].append(annotate(case.bounds))
        if compared:
            columns["asymmetry"].append(annotate(case.asymmetry()) if moment else None)
    # Objects, not floats: an absent cell stays None.
    return moments.assign(
        **{name: pd.Series(cells, dtype=object) for name, cells in columns.items()}
    )


@dataclass(frozen=True)
class _Case:
    """The visits of one touchpoint, with one outcome.

    Attributes
    ----------
    touchpoint, outcome : str
    visits : Visits
        Good, bad and neutral ones.
    y : Series of float
        The outcome, row by row; NaN where an answer is missing.
    scale : Scale or None
        None for events.
    """

    touchpoint: str
    outcome: str
    visits: Visits
    y: pd.Series[float]
    scale: Scale | None

    @property
    def customers(self) -> int:
        """Customers whose visits are compared."""
        quality, customer = (self.visits.rows[name].to_numpy() for name in ("quality", "customer"))
        return len(np.unique(customer[(quality != 0) & self.y.notna().to_numpy()]))

    @property
    def response_rate(self) -> float | None:
        """Share of the requests after good and bad visits that were answered."""
        if self.scale is None or not self.scale.silence_recorded:
            return None
        return float(self.y[self.visits.rows["quality"] != 0].notna().mean())

    @property
    def bounds(self) -> Estimate | None:
        """Difference among all who were asked, whatever the silent ones would have said."""
        if self.scale is None or not self.scale.silence_recorded:
            return None
        mark = self.visits.rows["quality"]
        good, bad = (response_bounds(self.y[mark == m].sort_values()) for m in (1, -1))
        base: dict[str, Any] = {"n_customers": self.customers, "n_journeys": len(self.y)}
        if good.value is None or bad.value is None:
            return Estimate.none("n_small", OF_SCALE, **base)
        return Estimate(
            good.value - bad.value,
            OF_SCALE,
            float(good.lo or 0) - float(bad.hi or 0),
            float(good.hi or 0) - float(bad.lo or 0),
            level=1.0,
            estimand="difference of mean answers of good and bad visits, among all asked",
            method="difference of those who answered, with worst-case bounds",
            **base,
        )

    def effect(self, *, falsified: bool = True) -> VisitEffect:
        """Compare good with bad visits."""
        effect = self._compare(good=(1,), bad=(-1,), falsified=falsified)
        return effect if self.scale is None else self._of_responders(effect)

    def asymmetry(self, *, falsified: bool = True) -> Estimate:
        """Set the loss of a bad visit against the gain of a good one."""
        lost = self._compare(good=(0,), bad=(-1,), falsified=falsified)
        won = self._compare(good=(1,), bad=(0,), falsified=falsified)
        return asymmetry(lost, won)

    def _compare(
        self, *, good: tuple[int, ...], bad: tuple[int, ...], falsified: bool
    ) -> VisitEffect:
        rows, y = self.visits.rows, self.y.to_numpy(dtype=np.float64)
        keep = np.flatnonzero(np.isin(rows["quality"], [*good, *bad]) & ~np.isnan(y))
        quality, customer, start = (
            rows[name].to_numpy()[keep] for name in ("quality", "customer", "t_us")
        )
        sample = sample_of(
            y[keep],
            np.isin(quality, good),
            self.visits.covariates.take(keep),
            customer,
            start=start,
            control=_control(rows["control"].to_numpy()[keep]) if "control" in rows else None,
        )
        return visit_effect(
            sample,
            touchpoint=self.touchpoint,
            outcome=self.outcome,
            unit="share" if self.scale is None else OF_SCALE,
            falsified=falsified,
        )

    def _of_responders(self, effect: VisitEffect) -> VisitEffect:
        rate = self.response_rate
        unknown = text("judge.check.response_unknown")
        share = unknown if rate is None else text("judge.check.response", share=percent(rate, 0))
        return replace(
            effect,
            effect=replace(effect.effect, grade="C"),
            checks=(*effect.checks, Check("response", "not_assessable", share)),
        )


def _all_cases(journeys: Journeys, settings: JudgeSettings) -> list[_Case] | None:
    """Return every touchpoint × outcome; None where no moments can be looked for."""
    asked, log = settings.moments, journeys.log
    if asked.good is None or not asked.outcomes or log.outcomes is None or not journeys.has_clock:
        return None
    refuse_absent(journeys, asked, "judge.moments")
    scales = survey_scales(journeys, settings.surveys)
    visits = visits_of(journeys, asked)
    return [
        case
        for kind in asked.outcomes
        for case in _cases(journeys, visits, kind, scales.get(kind), asked)
    ]


def _cases(
    journeys: Journeys, visits: Visits, kind: str, scale: Scale | None, settings: MomentSettings
) -> list[_Case]:
    if scale is None:
        happened, used = event_within(journeys, visits.rows, kind, settings.horizon_days)
        y = happened.astype(float)
    else:
        answer, used = answer_within(journeys, visits.rows, kind, settings.horizon_days)
        y = scale.place(answer)
    touchpoint, cases = visits.rows["touchpoint"].where(used), []
    for name, rows in sorted(visits.rows.groupby(touchpoint).indices.items()):
        places = np.asarray(rows)
        here = y.take(places).set_axis(pd.RangeIndex(len(places)))
        case = _Case(str(name), kind, visits.at(places), here, scale)
        if case.customers >= journeys.settings.min_customers:
            cases.append(case)
    return cases


def _control(control: Floats) -> Floats | None:
    """Return the negative control; a missing one is taken for the middle, as it was unknown."""
    unknown = np.isnan(control)
    return None if unknown.all() else np.where(unknown, np.nanmedian(control), control)


def _reach_per_year(journeys: Journeys) -> dict[str, float]:
    """Return how many journeys a year reach each touchpoint; empty for less than four weeks."""
    first, last = journeys.first_us, journeys.last_us
    days = 0.0 if first is None or last is None else (last - first) / US_PER_DAY
    if days < MIN_DAYS:
        return {}
    touchpoints = journeys.touchpoints
    yearly = touchpoints["journeys"].astype(float) * DAYS_PER_YEAR / days
    return dict(zip(touchpoints["touchpoint"], yearly, strict=True))
