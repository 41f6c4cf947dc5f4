"""Complaints after a touchpoint, beyond those after others as far into the journey."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ibis import _

from journeylib.core import US_PER_DAY, resample
from journeylib.journeys import Journeys, happens_between
from journeylib.log import customer_numbers, fetch
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import (
    Cells,
    Floats,
    Numbers,
    Rows,
    fold,
    measured,
    silent,
)

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
    outcomes = _complaints(journeys, settings)
    if outcomes is None and not settings.complaint_touchpoints:
        return silent(NAME, UNIT, "no_column", many)
    if journeys.last_us - _window_us(settings) < journeys.first_us:
        return silent(NAME, UNIT, "immature_window", many)
    cells = journeys.summed(lambda part: _followed(part, settings, outcomes))
    bands = range(len(AGE_BANDS) + 1)
    own = cells.together(*(f"{kind}_{band}" for kind in ("visits", "complaints") for band in bands))
    others = own.sum(axis=1, keepdims=True) - own
    base = cells.base("visits")
    result = resample(np.concatenate([own, others], axis=-1), _excess, n_customers=base.customers)
    trials, hits = (part.sum(axis=(0, 2)) for part in np.split(own, 2, axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        beside = hits / trials - result.value
    excess = measured(NAME, UNIT, result, base, settings)
    return replace(excess, hits=hits, trials=trials, beside=beside)


def _window_us(settings: MeasureSettings) -> int:
    return round(settings.complaint_days * US_PER_DAY)


def _followed(
    journeys: Journeys, settings: MeasureSettings, outcomes: tuple[Numbers, Numbers] | None
) -> Cells:
    """Count first visits and those that a complaint follows, by band of steps."""
    events, window_us = journeys.events, _window_us(settings)
    mature_until = (journeys.last_us or 0) - window_us
    counts = events.starts_visit & (events.visit == 1) & (events.t_us <= mature_until)
    visits = np.flatnonzero(counts)
    begun = events.t_us[visits]
    numbers = [no for no, name in journeys.names.items() if name in settings.complaint_touchpoints]
    here = np.isin(events.touchpoint, numbers)
    times = [(events.customer[here], events.t_us[here])]
    if outcomes is not None:
        own = (outcomes[0] >= events.customer.min(initial=0)) & (
            outcomes[0] <= events.customer.max(initial=0)
        )
        times.append((outcomes[0][own], outcomes[1][own]))
    complaints = (np.concatenate(parts) for parts in zip(*times, strict=True))
    followed = happens_between(events.customer[visits], begun + 1, begun + window_us, *complaints)
    age = np.searchsorted(AGE_BANDS, events.step[visits])
    sums = {"visits": np.ones(len(visits), dtype=bool)}
    for band in range(len(AGE_BANDS) + 1):
        sums[f"visits_{band}"] = age == band
        sums[f"complaints_{band}"] = (age == band) & followed
    return fold(Rows.of(events, visits), sums, ["visits"])


def _complaints(journeys: Journeys, settings: MeasureSettings) -> tuple[Numbers, Numbers] | None:
    """Return of each outcome that complains the ``customer_no`` and the instant; None for none."""
    if journeys.log.outcomes is None:
        return None
    complaints = journeys.log.outcomes.filter(
        _.kind.isin(settings.complaint_kinds) & _.t_us.notnull()
    )
    numbered = complaints.inner_join(customer_numbers(journeys.log.events), "customer")
    frame = fetch(numbered.select("customer_no", "t_us")).astype("int64")
    if not len(frame) and not complaints.count().to_pyarrow().as_py():
        return None
    return frame["customer_no"].to_numpy(), frame["t_us"].to_numpy()


def _excess(sums: Floats) -> Floats:
    """Standardised difference from visits and complaints per band, own and others'."""
    visits, complaints, other_visits, other_complaints = np.split(sums, 4, axis=-1)
    comparable = (visits > 0) & (other_visits > 0)
    weight = np.where(comparable, visits, 0.0)
    apart = np.where(comparable, complaints / visits - other_complaints / other_visits, 0.0)
    return np.asarray((weight * apart).sum(axis=-1) / weight.sum(axis=-1))
