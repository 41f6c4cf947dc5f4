"""Follow-up of customers: the hazard of an outcome after a first visit, for every touchpoint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from journeylib.core import US_PER_DAY, Estimate, Floats, adjusted_p_values, text
from journeylib.journeys import CustomerSample, Journeys, refuse_absent, rows_in_order
from journeylib.judge.estimation.design_matrix import design_matrix
from journeylib.judge.experience.customer_outcomes import first_of_kind
from journeylib.judge.experience.known_values import last_values
from journeylib.judge.experience.surveys import survey_scales
from journeylib.judge.moments.survival import presence_effect
from journeylib.judge.settings import JudgeSettings

# A Cox model walks through the whole risk set: a large log lends it a part of its customers.
MOST_CUSTOMERS = 4_000
COLUMNS = (
    *("touchpoint", "outcome", "ratio", "landmark", "landmark_day"),
    *("p_value", "q_value", "reasons"),
)


@dataclass(frozen=True)
class FollowUp:
    """Customers from their first event on.

    Attributes
    ----------
    people : DataFrame
        One row per customer, under the opaque number: ``start_us`` (int64, first event) and the
        declared columns as the first event has them.
    visits : DataFrame
        One row per customer and touchpoint: ``customer_no``, ``touchpoint``, ``first_us``.
    last_us : int
        End of the log.
    sample : CustomerSample
        The customers who are followed.
    """

    people: pd.DataFrame
    visits: pd.DataFrame
    last_us: int
    sample: CustomerSample


def presence_effects(journeys: Journeys, settings: JudgeSettings | None = None) -> pd.DataFrame:
    """Set the hazard of each outcome after a first visit against the hazard without one.

    Parameters
    ----------
    journeys : Journeys
    settings : JudgeSettings, optional
        Its `moments`: `outcomes`, `adjust` and `horizon_days`.

    Returns
    -------
    pandas.DataFrame
        One row per outcome that is an event and touchpoint with enough customers to be shown:
        ``touchpoint``, ``outcome`` (str); ``ratio`` (Estimate, hazard ratio of the start–stop
        design), ``landmark`` (Estimate, of those still there on one day), ``landmark_day``
        (float), ``p_value``, ``q_value`` (float, Benjamini–Hochberg over the table; NaN where it
        abstains), ``reasons`` (tuple of str). No rows without outcomes or a clock.

    Raises
    ------
    ConfigError
        If the settings name a kind of outcome that is not there.

    Notes
    -----
    A customer is followed from the first event to the outcome or the end of the log; a visit
    counts only from when it happened (see `presence_effect`). ``ratio`` abstains with
    ``unidentified`` where both designs exclude 1 and point in different directions. Above 4,000
    customers, or `max_customers_modelled`, a sample of them is followed (`Journeys.sample_of`).
    """
    settings = settings or JudgeSettings()
    asked = settings.moments
    if not asked.outcomes or journeys.log.outcomes is None or not journeys.has_clock:
        return pd.DataFrame(columns=list(COLUMNS))
    refuse_absent(journeys, asked, "judge.moments")
    answers = survey_scales(journeys, settings.surveys)
    follow = follow_up(journeys, asked.adjust)
    annotate = follow.sample.annotate
    touchpoints = journeys.touchpoints
    minimum = journeys.settings.min_customers
    shown = touchpoints.loc[touchpoints["customers"] >= minimum, "touchpoint"]
    rows = []
    for kind in asked.outcomes:
        if kind in answers:
            continue
        followed = followed_from(journeys, follow, kind)
        declared = [name for name in followed if str(name).startswith("declared ")]
        covariates = design_matrix(followed[declared])
        for name in sorted(map(str, shown)):
            ratio, landmark, day, reasons = effects_of(
                followed, covariates, first_visits(follow, name), asked.horizon_days
            )
            both = (annotate(_of_all(one, follow, minimum)) for one in (ratio, landmark))
            estimates = (*both, day, _p_value(ratio))
            rows.append((name, kind, *estimates, np.nan, reasons))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    p_values = table["p_value"].to_numpy(dtype=np.float64)
    return table.assign(p_value=p_values, q_value=adjusted_p_values(p_values, "fdr_bh"))


def _of_all(ratio: Estimate, follow: FollowUp, minimum: int) -> Estimate:
    """Count all customers where only a few had left before: their number is not told apart."""
    left_before = len(follow.people) - ratio.n_customers
    if minimum > 1 and 0 < left_before <= minimum:
        return replace(ratio, n_customers=len(follow.people))
    return ratio


def follow_up(journeys: Journeys, adjust: tuple[str, ...] = ()) -> FollowUp:
    """Return when each customer came first, and first to each touchpoint.

    Parameters
    ----------
    journeys : Journeys
        With a clock.
    adjust : tuple of str
        Columns that are taken from the first event: what was known then.
    """
    sample = journeys.sample_of(MOST_CUSTOMERS)
    events = journeys.events
    rows = np.flatnonzero(sample.has(events.customer))
    rows = rows[rows_in_order(events.t_us[rows], events.customer[rows])]
    names = pd.Index(journeys.touchpoint_names)
    arrivals = pd.DataFrame(
        {
            "customer_no": events.customer[rows].astype(np.int64),
            "touchpoint": pd.Categorical.from_codes(events.touchpoint[rows], names),
            "first_us": events.t_us[rows],
        }
    )
    first = np.flatnonzero(~arrivals["customer_no"].duplicated())
    columns: dict[str, Any] = {"start_us": arrivals["first_us"].to_numpy()[first]}
    for name in adjust:
        columns[f"declared {name}"] = last_values(events, name, first, first, rows)
    return FollowUp(
        pd.DataFrame(columns).set_axis(arrivals["customer_no"].iloc[first]),
        arrivals.drop_duplicates(["customer_no", "touchpoint"], ignore_index=True),
        int(journeys.last_us or 0),
        sample,
    )


def followed_from(journeys: Journeys, follow: FollowUp, kind: str) -> pd.DataFrame:
    """Return the customers whom the outcome had not met before: ``stay`` in days, ``left``."""
    outcome_us = first_of_kind(journeys, kind)
    people = follow.people.assign(outcome_us=outcome_us.reindex(follow.people.index))
    people = people[~(people["outcome_us"] <= people["start_us"])]
    left = people["outcome_us"] <= follow.last_us
    until = people["outcome_us"].where(left, float(follow.last_us))
    return people.assign(left=left, stay=(until - people["start_us"]) / US_PER_DAY)


def first_visits(follow: FollowUp, touchpoint: str) -> pd.Series[float]:
    """Return when each customer first came to the touchpoint, by ``customer_no``."""
    here = (follow.visits["touchpoint"] == touchpoint).to_numpy()
    customer, first_us = (follow.visits[name].to_numpy() for name in ("customer_no", "first_us"))
    return pd.Series(first_us[here].astype(np.float64), index=customer[here])


def effects_of(
    followed: pd.DataFrame, covariates: Floats, first_us: pd.Series[float], day: float
) -> tuple[Estimate, Estimate, float, tuple[str, ...]]:
    """Return the ratio by both designs, the day of the landmark, and what weakens the first."""
    visit = (first_us.reindex(followed.index) - followed["start_us"]) / US_PER_DAY
    columns = (followed["stay"], followed["left"], visit)
    ratio = presence_effect(*columns, X=covariates)
    landmark = presence_effect(*columns, design="landmark", landmark=day, X=covariates)
    if ratio.value is None or landmark.value is None:
        unsure = "" if ratio.value is None else text("judge.presence.few")
        return ratio, landmark, day, (unsure,) if unsure else ()
    one, other = _direction(ratio), _direction(landmark)
    if one * other < 0:
        counts = {"n_customers": ratio.n_customers, "n_events": ratio.n_events}
        none = Estimate.none("unidentified", ratio.unit, estimand=ratio.estimand, **counts)
        return none, landmark, day, (text("judge.presence.apart"),)
    weak = text("judge.presence.weak")
    return ratio, landmark, day, (weak,) if one and not other else ()


def _direction(ratio: Estimate) -> int:
    """Return −1 or 1 where the interval lies below or above 1, else 0."""
    if ratio.lo is None or ratio.hi is None:
        return 0
    return int(ratio.lo > 1) - int(ratio.hi < 1)


def _p_value(ratio: Estimate) -> float:
    """Return the two-sided p-value of a ratio of 1, from the interval that it came with."""
    from scipy import special

    if not (ratio.value and ratio.lo and ratio.hi):
        return float("nan")
    half = (np.log(ratio.hi) - np.log(ratio.lo)) / (2 * special.ndtri(0.975))
    return float(2 * special.ndtr(-abs(np.log(ratio.value)) / half))
