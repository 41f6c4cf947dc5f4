"""Doubts about a log before it is believed: ids that became one, and times that cannot be."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

import pandas as pd

from journeylib.core import US_PER_DAY
from journeylib.log.eventlog import Check, check
from journeylib.log.quality.survey import Inspection

# Nobody logged customers' journeys by computer before.
_FIRST_YEAR_US = 7305 * US_PER_DAY  # 1990-01-01
_FEW_SECONDS_US = 60_000_000
_MANY, _SEVERAL = 20, 5
_ONE_ID_SHARE = 0.25


def fold(names: pd.Series[str]) -> pd.Series[str]:
    """Return names as people read them: without case, outer blanks and ways to write a letter."""
    return names.map(lambda name: unicodedata.normalize("NFKC", name).strip().casefold())


def id_checks(log: Inspection) -> Iterator[Check]:
    """Count ids that differ only in writing, that a spreadsheet rounded, and one that is many."""
    used = log.survey.used
    counts = log.ids
    lost = _rounded(counts)
    if counts["alike"]:
        yield check("ids_alike.some", "customer", counts["alike_events"], ids=counts["alike"])
    if lost["ids"]:
        yield check("ids_rounded.some", "customer", lost["n"], ids=lost["ids"])
    share = counts["largest"] / used if used else 0.0
    if counts["customers"] > _MANY and share > _ONE_ID_SHARE:
        yield check("one_id.some", "customer", counts["largest"], used=used)


def _rounded(counts: Mapping[str, int]) -> dict[str, int]:
    """Count ids in scientific notation, and long ones if all have zeros alone after 15 digits."""
    cut = counts["long"] >= _SEVERAL and counts["long"] == counts["zeros"]
    return {
        "ids": counts["scientific"] + (counts["zeros"] if cut else 0),
        "n": counts["scientific_events"] + (counts["zeros_events"] if cut else 0),
    }


def time_checks(log: Inspection) -> Iterator[Check]:
    """Say where all times lie in another age or in one moment; count hours that occur twice."""
    if not log.schema.has_clock:
        return
    counts, used = log.survey.counts, log.survey.used
    if counts["last"] < _FIRST_YEAR_US:
        yield check("times_before_1990.all", "timestamp", used)
    if used >= _MANY and counts["last"] - counts["first"] < _FEW_SECONDS_US:
        yield check("times_in_one_moment.all", "timestamp", used)
    plan, zone = log.plan.times["timestamp"], log.schema.timezone
    if plan.twice:
        kind = "some" if plan.ordered < plan.twice else "ordered"
        yield check(
            f"hour_twice.{kind}",
            "timestamp",
            plan.twice,
            timezone=zone,
            later=plan.later,
            open=plan.twice - plan.ordered,
        )
    if plan.skipped:
        yield check("hour_never.some", "timestamp", plan.skipped, timezone=zone)
