"""What a bot would save at a touchpoint, net of what its failures cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from journeylib.core import AbstainReason, Resampled, resample
from journeylib.journeys import Journeys
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.durations import from_draws
from journeylib.measures.touchpoints.group_sums import Cells, Floats, measured, not_negative, silent
from journeylib.measures.touchpoints.visit_measures import human_minutes, whole_weeks

NAME, UNIT = "saving", "min/week"
VISITS, VISITS_UNIT = "human_visits", "1/week"


def saving(
    journeys: Journeys, cells: Cells, containment: Measured | None, settings: MeasureSettings
) -> Measured:
    """Measure human minutes per week saved if a bot took every visit that humans take here.

    V · [p · (AHT − review) − (1 − p) · extra], with V visits to humans per week, AHT their mean
    service minutes, p the verified containment of the bot at this touchpoint, and the declared
    ``review_minutes`` and ``failed_minutes``. It needs both a bot and humans at the touchpoint.

    Notes
    -----
    Grade D: it carries p over from the contacts that the bot has had, often the easy ones, to
    those that humans have had, and it rests on declared minutes.
    """
    many = len(journeys.touchpoints)
    if not journeys.has_clock:
        return silent(NAME, UNIT, "no_clock", many)
    if containment is None or not (journeys.has("actor") and journeys.has("end_us")):
        return silent(NAME, UNIT, "no_column", many)
    weeks = whole_weeks(journeys)
    if not weeks:
        return silent(NAME, UNIT, "immature_window", many)
    base = cells.base("human")
    sums = cells.together("human_us", "human_known", "human_turns")
    load = resample(sums, lambda s: human_minutes(s) / weeks)
    visits = resample(cells.together("human"), lambda s: s[..., 0] / weeks)
    contained = containment.resampled

    def net(minutes: Floats, taken: Floats, p: Floats) -> Floats:
        saved = minutes - taken * settings.review_minutes
        return np.asarray(p * saved - (1 - p) * taken * settings.failed_minutes)

    value = net(load.value, visits.value, contained.value)
    draws = net(load.draws, visits.draws, contained.draws)
    result = from_draws(Resampled(value, load.se, value, value, draws), sums)
    unknown = cells.total("human_known") == 0
    refused: Mapping[AbstainReason, npt.NDArray[np.bool_]] = {
        **_reasons(containment),
        "no_column": unknown | (containment.n_events == 0),
        "dominance": cells.one_customer("human", "human_us"),
    }
    return replace(measured(NAME, UNIT, result, base, settings, refused=refused), grade="D")


def human_visits(journeys: Journeys, cells: Cells, settings: MeasureSettings) -> Measured:
    """Measure the visits per week that humans take at a touchpoint."""
    many, weeks = len(journeys.touchpoints), whole_weeks(journeys)
    if not journeys.has_clock:
        return silent(VISITS, VISITS_UNIT, "no_clock", many)
    if not journeys.has("actor"):
        return silent(VISITS, VISITS_UNIT, "no_column", many)
    if not weeks:
        return silent(VISITS, VISITS_UNIT, "immature_window", many)
    visits = resample(cells.together("human"), lambda s: s[..., 0] / weeks)
    refused: Mapping[AbstainReason, npt.NDArray[np.bool_]] = {
        "dominance": cells.one_customer("human")
    }
    base = cells.base("human")
    return measured(VISITS, VISITS_UNIT, not_negative(visits), base, settings, refused=refused)


def _reasons(containment: Measured) -> dict[AbstainReason, npt.NDArray[np.bool_]]:
    """Return where the containment abstains, by reason."""
    reasons = {reason for reason in containment.abstain if reason is not None}
    return {
        reason: np.array([own == reason for own in containment.abstain])
        for reason in sorted(reasons)
    }
