"""The plan of an experiment on a move between bot and people, filled in from the configuration."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from journeylib.audits.config.audit_config import AuditConfig
from journeylib.core import ConfigError, percent, text
from journeylib.lab import Baseline, LabSettings, plan
from journeylib.log import EventLog

TENTH = 0.1  # of what a measure is today: the change worth having, or put up with
LEAST_SHARE = 0.02  # of a share, whatever it is today
WEEKS = 24  # at most, where weeks take turns


def trial_of_move(
    config: AuditConfig, log: EventLog, moves: Mapping[str, float], written: dt.date
) -> LabSettings:
    """Fill in the experiment that tells whether a move pays and harms nobody.

    Parameters
    ----------
    config : AuditConfig
    log : EventLog
    moves : mapping of str to float
        One touchpoint to the share of its contacts that is to meet the bot first.
    written : datetime.date
        Last day of the log; the experiment begins on the Monday after it.

    Returns
    -------
    LabSettings
        The primary is what contacts cost where the log has costs, else what counts as a good
        visit, a rating, or a goal. The others are guardrails, with outcomes and bad ends. A tenth
        of today's figure is worth having, or put up with; of a share at least two points.

    Raises
    ------
    ConfigError
        If there is not one move, or the log has none of these measures.
    """
    if len(moves) != 1:
        raise ConfigError("an experiment tries one move: give one --move, as 'Billing call=0.4'")
    ((touchpoint, share),) = moves.items()
    if not 0 < share <= 1:
        raise ConfigError(f"the share of '{touchpoint}' is {share:g}; give one above 0, at most 1")
    measures = list(_measures(config, log, touchpoint))
    if not measures:
        raise ConfigError(
            "an experiment on a move needs a column of costs or ratings, judge.moments.good, or "
            "journeys.goals. Declare one, or write 'lab:' yourself: docs/lab.md."
        )
    name = re.sub(r"[^a-z0-9]+", "-", touchpoint.lower()).strip("-")[:48]
    monday = written + dt.timedelta(days=7 - written.weekday())
    given: dict[str, Any] = {
        "name": f"bot-first-{name}".strip("-"),
        "question": text("lab.trial.question", touchpoint=touchpoint, share=percent(share, 0)),
        "touchpoint": touchpoint,
        "begins": monday,
    }
    if _weeks_take_turns(config):
        given |= {"unit": "week", "most_weeks": WEEKS}
    first = _sized(given, measures, {})
    baselines = {one.name: one for one in plan(log, first, written=written).baselines}
    return _sized(given, measures, baselines)


def _weeks_take_turns(config: AuditConfig) -> bool:
    """Whether arms would share a queue that is measured."""
    return config.judge.capacity is not None and bool(config.journeys.bad_ends)


def _measures(config: AuditConfig, log: EventLog, touchpoint: str) -> Iterator[dict[str, Any]]:
    """Yield what the log can tell, the first of them decides; a goal only without any other."""
    days = float(config.measures.repeat_days)
    moments = config.judge.moments
    kinds: list[dict[str, Any]] = []
    if log.has("cost_micro"):
        money = config.portfolio.currency if config.portfolio else "EUR"
        kinds.append({"name": "cost", "column": "cost", "per": "customer", "unit": money,
                      "better": "lower"})  # fmt: skip
    if moments is not None and moments.good in log.schema.attributes:
        kinds.append({"name": "good", "title": str(moments.good), "column": moments.good})
    if log.has("rating_micro"):
        kinds.append({"name": "rating", "column": "rating", "unit": "points"})
    if not kinds and config.journeys.goals:
        kinds.append({"name": "goal", "reaches": list(config.journeys.goals)})
    for outcome in moments.outcomes if kinds and moments and not _weeks_take_turns(config) else ():
        name = re.sub(r"[^a-z0-9]+", "-", outcome.lower()).strip("-")
        kinds.append({"name": f"outcome-{name}", "title": outcome, "outcome": outcome,
                      "better": "lower"})  # fmt: skip
    ends = [end for end in config.journeys.bad_ends if end != touchpoint]
    if kinds and ends:
        kinds.append({"name": "bad-end", "reaches": ends, "better": "lower"})
    yield from ({**one, "days": days} for one in kinds)


def _sized(
    given: Mapping[str, Any], measures: list[dict[str, Any]], baselines: Mapping[str, Baseline]
) -> LabSettings:
    primary, *guards = measures
    return LabSettings.model_validate(
        {
            **given,
            "primary": primary,
            "least_worth": _size(primary, baselines),
            "guardrails": [{**one, "limit": _size(one, baselines)} for one in guards],
        }
    )


def _size(measure: Mapping[str, Any], baselines: Mapping[str, Baseline]) -> float:
    """Return a tenth of what a measure is today, two digits long."""
    share = "unit" not in measure
    today = baselines[measure["name"]].value if measure["name"] in baselines else math.nan
    tenth = TENTH * abs(today) if math.isfinite(today) else 0.0
    tenth = max(tenth, LEAST_SHARE if share else 0.0) or 1.0
    return float(f"{tenth:.2g}")
