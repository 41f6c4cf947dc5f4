"""The quality report of a log: all checks, counted before anything is computed from it."""

from __future__ import annotations

from itertools import chain

import ibis.expr.types as ir
import pandas as pd

from journeylib.log.canonical.canonical_events import ReadingPlan
from journeylib.log.eventlog import check, check_table, count_check
from journeylib.log.quality.clock_checks import clock_checks, counted_times
from journeylib.log.quality.content_checks import content_checks, counted_contents, value_checks
from journeylib.log.quality.doubt_checks import id_checks, time_checks
from journeylib.log.quality.survey import Inspection
from journeylib.log.schema import Schema
from journeylib.log.sources.raw_table import ReadOptions


def counted(schema: Schema, plan: ReadingPlan, options: ReadOptions) -> dict[str, str]:
    """Return what the checks want counted of the usable rows, in SQL by name."""
    times = counted_times(schema, plan, options) if schema.has_clock else {}
    return times | counted_contents(schema)


def quality_checks(log: Inspection) -> pd.DataFrame:
    """Return what was found out about a log; columns as in `Quality.checks`."""
    checks = chain(
        log.raw.facts,
        value_checks(log.survey),
        clock_checks(log),
        time_checks(log),
        content_checks(log),
        id_checks(log),
    )
    return check_table(checks, log.survey.read)


def outcome_checks(outcomes: ir.Table, events: ir.Table, read: int, used: int) -> pd.DataFrame:
    """Return what was found out about a table of outcomes; columns as in `Quality.checks`."""
    lost = read - used
    customers = events.select("customer").distinct()
    unmatched = outcomes.anti_join(customers, "customer")
    strangers = int(unmatched.count().to_pyarrow().as_py())
    severity = "warning" if 2 * strangers > used else None
    checks = [
        check("unusable.outcomes" if lost else "unusable.no_outcomes", "outcomes", lost),
        count_check("outcomes_without_events", "outcomes", strangers, used=used, severity=severity),
    ]
    return check_table(checks, read)
