"""Complaints after a touchpoint, beyond those after others as far into the journey."""

from __future__ import annotations

import ibis
import numpy as np
from ibis import _

from journeylib.core import resample
from journeylib.journeys import US_PER_DAY, Journeys
from journeylib.log import customer_numbers
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import Floats, fold, measured, silent

# Upper ends of the bands of steps within which visits are compared.
AGE_BANDS = (1, 2, 3, 5, 9)
NAME, UNIT = "complaint_excess", "share"


def complaint_excess(journeys: Journeys, settings: MeasureSettings) -> Measured:
    """Measure how much more often a complaint follows here than elsewhere at the same age.

    Each journey counts once at each touchpoint, at its first visit, if that is at least
    ``complaint_days`` before the log's end. A complaint is an outcome of one of
    ``complaint_kinds`` or an event at one of ``complaint_touchpoints``, of the same customer,
    later than the visit and within the window. Visits are compared with first visits of other
    touchpoints in the same band of steps (`AGE_BANDS`), bands weighted as the touchpoint's own.

    Notes
    -----
    An association: journeys are alike in age alone, and a journey that visits both sides counts
    on both, which pulls the excess towards zero.
    """
    many = len(journeys.touchpoints)
    if journeys.first_us is None or journeys.last_us is None:
        return silent(NAME, UNIT, "no_clock", many)
    complaints = complaint_times(journeys, settings)
    if complaints is None:
        return silent(NAME, UNIT, "no_column", many)
    window_us = round(settings.complaint_days * US_PER_DAY)
    mature_until = journeys.last_us - window_us
    if mature_until < journeys.first_us:
        return silent(NAME, UNIT, "immature_window", many)
    visits = journeys.steps.filter(
        _.starts_visit & (_.visit == 1) & (_.t_us <= mature_until)
    ).select("journey", "customer_no", "group", "touchpoint_no", "t_us", band=_band())
    followed = visits.semi_join(
        complaints,
        [
            visits.customer_no == complaints.complainer,
            complaints.complained_us > visits.t_us,
            complaints.complained_us <= visits.t_us + window_us,
        ],
    )
    bands = {f"band_{band}": _.band == band for band in range(len(AGE_BANDS) + 1)}
    seen = fold(visits, {"visits": ibis.literal(1), **bands}, ["visits"], many)
    complained = fold(followed, bands, [], many)
    own = np.concatenate([seen.together(*bands), complained.together(*bands)], axis=-1)
    others = own.sum(axis=1, keepdims=True) - own
    base = seen.base("visits")
    result = resample(np.concatenate([own, others], axis=-1), _excess, n_customers=base.customers)
    return measured(NAME, UNIT, result, base, settings)


def complaint_times(journeys: Journeys, settings: MeasureSettings) -> ibis.Table | None:
    """Return one row per complaint: ``complainer`` (a ``customer_no``) and ``complained_us``.

    None where the log tells of no complaints: no outcome of the kinds, no touchpoint declared.
    """
    found = []
    if settings.complaint_touchpoints:
        said = journeys.trail.filter(_.touchpoint.isin(settings.complaint_touchpoints))
        found.append(said.select(complainer=_.customer_no, complained_us=_.t_us))
    outcomes = journeys.log.outcomes
    if outcomes is not None:
        kept = outcomes.filter(_.kind.isin(settings.complaint_kinds) & _.t_us.notnull())
        if kept.count().to_pyarrow().as_py():
            known = kept.inner_join(customer_numbers(journeys.log.events), "customer")
            found.append(known.select(complainer=_.customer_no, complained_us=_.t_us))
    return ibis.union(*found) if len(found) > 1 else next(iter(found), None)


def _band() -> ibis.Deferred:
    return sum((_.step > end).cast("int64") for end in AGE_BANDS)


def _excess(sums: Floats) -> Floats:
    """Standardised difference from visits and complaints per band, own and others'."""
    visits, complaints, other_visits, other_complaints = np.split(sums, 4, axis=-1)
    comparable = (visits > 0) & (other_visits > 0)
    weight = np.where(comparable, visits, 0.0)
    apart = np.where(comparable, complaints / visits - other_complaints / other_visits, 0.0)
    return np.asarray((weight * apart).sum(axis=-1) / weight.sum(axis=-1))
