"""Drift: a change and its interval come from one test, and the end of a log is no change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from journeylib.audits.changes.changes import PeriodComparison, compare_periods
from journeylib.audits.changes.drift import drifts
from journeylib.audits.changes.intake import intake_end
from journeylib.audits.changes.wording import ChangeWriter
from journeylib.audits.config.audit_config import AuditConfig, ChangeSettings
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.read import read_log
from journeylib.measures import Periods
from journeylib.present.charts.drift import drift_figure
from journeylib.present.views.changes import moved

STREAMS, PERIODS = 60, 10


def test_an_interval_holds_no_change_exactly_where_the_test_finds_none() -> None:
    """Rare shares (Fisher), wild weeks (Student) and plain ones, most of them shifted last."""
    rng = np.random.default_rng(17)
    centre = np.repeat([0.01, 0.3, 0.5], STREAMS // 3)[:, None]
    wild = np.where(np.arange(STREAMS)[:, None] % 5 == 0, 0.15, 0.0)
    rate = np.clip(centre + wild * rng.standard_normal((STREAMS, PERIODS)), 0.002, 0.99)
    rate[:, 0] = np.clip(rate[:, 0] * rng.uniform(0.2, 2.5, STREAMS), 0, 0.99)
    n = np.full((STREAMS, PERIODS), 400)
    value = rng.binomial(n, rate) / n
    table = pd.DataFrame(
        {
            "family": "performance",
            "measure": np.repeat([f"m{number:02}" for number in range(STREAMS)], PERIODS),
            "touchpoint": "",
            "detail": "",
            "unit": "share",
            "stratum": "",
            "period": np.tile(np.arange(PERIODS), STREAMS),
            "value": value.ravel(),
            "se": np.sqrt(value * (1 - value) / n).ravel(),
            "n": n.ravel(),
            "customers": 300,
        }
    )
    found = drifts(table, ChangeSettings(), min_customers=10)
    assert len(found) == STREAMS
    clear = (found["lo"] > 0) | (found["hi"] < 0)
    assert clear.tolist() == (2 * stats.norm.sf(found["z"].abs()) < 0.05).tolist()
    assert 10 < clear.sum() < STREAMS - 5
    assert ((found["lo"] <= found["difference"]) & (found["difference"] <= found["hi"])).all()
    assert (found["before"] + found["lo"] >= -1e-12).all()
    assert (found["before"] + found["hi"] <= 1 + 1e-12).all()
    # Streams of one measure, told apart by their detail.
    shown = found.assign(measure="errors", detail=found["measure"])
    quiet = drift_figure(shown[~shown["significant"]], "").alt
    assert quiet.startswith(f"0 of {(~found['significant']).sum()} measures differ from earlier ")
    loud = drift_figure(shown, "").alt
    assert loud.startswith(
        f"{found['significant'].sum()} of {STREAMS} measures differ from earlier"
    )


MONDAY = dt.date(2025, 1, 6)
WEEK = pd.Timedelta(days=7)
CONFIG = AuditConfig.model_validate(
    {
        "name": "ends",
        "log": {"files": "none"},
        "roles": {"customer": "customer", "touchpoint": "touchpoint", "timestamp": "t"},
        "journeys": {"cut": "gap", "gap_days": 30},
    }
)


def cases(days: Sequence[int], *, each: int = 12, runs_on: int = 0) -> pd.DataFrame:
    """Cases that begin on `days` since a Monday, are worked on next day and later.

    Three in ten also call on their first day, by lot: a log in which nothing varies has no stream
    to compare.
    """
    rows, lots = [], np.random.default_rng(17)
    for day in days:
        for number in range(each):
            who = f"c{day}-{number}"
            steps = [(0, "Request"), (1, "Work"), (runs_on, "Letter")]
            steps += [(0, "Call")] * int(lots.random() < 0.3)
            for after, what in steps:
                when = pd.Timestamp(MONDAY) + pd.Timedelta(
                    days=day + after, hours=9, minutes=number
                )
                rows.append((who, what, when))
    return pd.DataFrame(rows, columns=["customer", "touchpoint", "t"])


def rebuilt(frame: pd.DataFrame, as_of: dt.date) -> Journeys:
    log = read_log(frame, CONFIG.roles, as_of=as_of)
    return rebuild(log, JourneySettings(cut="gap", gap_days=30))


def alarms(journeys: Journeys, as_of: dt.date) -> tuple[PeriodComparison, list[str]]:
    found = compare_periods(journeys, CONFIG, as_of)
    return found, [change.id for change in found.changes if change.significant]


@pytest.mark.slow
def test_a_log_that_ends_on_a_friday_is_not_broken_off(parts: Callable[..., Any]) -> None:
    """Office days for ten weeks, looked back from the Monday after."""
    office = [day for day in range(70) if day % 7 < 5]
    as_of = MONDAY + dt.timedelta(days=70)
    found, ids = alarms(rebuilt(cases(office, runs_on=0), as_of), as_of)
    assert (found.broken, ids) == (False, [])
    assert moved(parts(changes=found)).alt.startswith(
        "0 of 2 measures differ from earlier periods by more than chance"
    )
    # A week that ends on Wednesday is broken off: two office days are missing.
    found, ids = alarms(
        rebuilt(cases(office[:-2], runs_on=0).query("touchpoint != 'Work'"), as_of), as_of
    )
    assert (found.broken, ids) == (True, ["feed-all"])
    assert "the log looks broken off: the log ends" in found.changes[0].text


@pytest.mark.slow
def test_cases_that_run_out_after_the_end_of_intake_raise_no_alarm() -> None:
    """Cases begin on 70 days, end 25 days later, in a log taken a week after the last began."""
    last = MONDAY + dt.timedelta(days=77)
    journeys = rebuilt(cases(range(70), runs_on=25), last - dt.timedelta(days=1))
    end = intake_end(journeys, last, window_days=7)
    assert end == MONDAY + dt.timedelta(days=70)
    found, ids = alarms(journeys, end)
    assert ids == []
    assert found.note.startswith("2 measures of 2025-03-10 to 2025-03-16 are compared with up to 8")
    assert "name-Request" in alarms(journeys, last)[1]
    # A log that goes on to its end has none, and neither has one whose last day is half full.
    assert intake_end(rebuilt(cases(range(70)), last), MONDAY + dt.timedelta(days=70), 7) is None


@pytest.mark.slow
def test_a_quiet_week_is_one_sentence_and_no_name_is_gone() -> None:
    """In the last of ten weeks one case a day begins in place of twelve, and nobody calls."""
    frame = pd.concat([cases(range(63)), cases(range(63, 70), each=1)], ignore_index=True)
    last = MONDAY + dt.timedelta(days=70)
    quiet = frame[(frame["touchpoint"] != "Call") | (frame["t"] < pd.Timestamp(last) - WEEK)]
    found, ids = alarms(rebuilt(quiet, last), last)
    now = int(quiet["t"].between(pd.Timestamp(last) - WEEK, pd.Timestamp(last)).sum())
    assert ids == []
    assert found.quiet.startswith(f"Only {now} events came from 2025-03-10 to 2025-03-16; usual")
    # In a week like the others it is gone that nobody calls, and the week is not quiet.
    every = cases(range(70))
    silent = every[(every["touchpoint"] != "Call") | (every["t"] < pd.Timestamp(last) - WEEK)]
    found, ids = alarms(rebuilt(silent, last), last)
    assert ("name-Call" in ids, found.quiet) == (True, "")


@pytest.mark.slow
def test_one_case_years_later_leaves_the_periods_as_they_are() -> None:
    plain = cases(range(70), runs_on=0)
    late = plain.tail(1).assign(t=pd.Timestamp("2029-06-01 12:00"))
    journeys = rebuilt(pd.concat([plain, late], ignore_index=True), dt.date(2029, 6, 2))
    # The event is set aside when the log is read.
    assert journeys.last_us is not None
    assert journeys.last_us < pd.Timestamp("2025-04-01").value // 1000
    found, ids = alarms(journeys, MONDAY + dt.timedelta(days=70))
    # Ten weeks: the last, and eight before it; the first day may be cut off.
    assert (found.references, ids) == (8, [])


def weekly(share: np.ndarray) -> pd.DataFrame:
    """Return the stream of a share of 300 cases a week, the last week first."""
    return pd.DataFrame(
        {
            "family": "performance", "measure": "errors", "touchpoint": "Desk", "detail": "",
            "unit": "share", "stratum": "", "period": np.arange(len(share)), "value": share,
            "se": np.sqrt(share * (1 - share) / 300), "n": 300, "customers": 250,
        }
    )  # fmt: skip


def test_a_drift_up_is_no_evidence_for_a_last_week_that_fell() -> None:
    """Ten weeks at .30, six at .42, the last at .33: below those before, by chance alone."""
    table = weekly(np.array([0.33] + [0.42] * 6 + [0.30] * 10))
    found = drifts(table, ChangeSettings(references=10), min_customers=10)
    assert found["difference"].iloc[0] < -0.02 and found["hi"].iloc[0] > 0
    assert not found["significant"].any()
    assert found["cusum"].iloc[0] <= 0
    # The week before, which still drifted up, was an alarm.
    before = drifts(table.assign(period=table["period"] - 1)[1:], ChangeSettings(references=10),
                    min_customers=10)  # fmt: skip
    assert before["significant"].all() and before["cusum"].iloc[0] > 5


def test_a_drift_that_the_last_period_does_not_show_alone_says_so() -> None:
    """Ten weeks at .30, then six at .36 of 300: each about 1.8 standard errors off."""
    table = weekly(np.array([0.36] * 6 + [0.30] * 10))
    found = drifts(table, ChangeSettings(references=10), min_customers=10)
    assert found["significant"].all()
    assert (found["lo"] <= 0).all()
    writer = ChangeWriter({}, Periods(0, 7, 10, 0), ChangeSettings())
    (change,) = writer.alarms(found)
    assert change.text.endswith(
        "This period alone is no more than chance; together with the periods before it is."
    )
