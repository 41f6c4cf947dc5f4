"""Planted truth: weeks in which nothing changed, and weeks in which one thing did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from journeylib.audits.changes.changes import PeriodComparison, compare_periods
from journeylib.audits.changes.drift import drifts
from journeylib.audits.config.audit_config import AuditConfig, ChangeSettings
from journeylib.core.resampling import adjusted_p_values
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.read import read_log
from sample_data.generator.generate import generate
from sample_data.generator.scenario import Release

pytestmark = pytest.mark.slow

STREAMS, RUNS, PERIODS, GROUPS = 240, 50, 13, 64
SETTINGS = ChangeSettings()


# --- many streams, nothing changed ------------------------------------------------------------


def weeks(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares, clustered errors and cases: customers have 1 to 3 cases and their own rate."""
    customers = rng.integers(60, 500, STREAMS)
    centre = rng.uniform(0.05, 0.6, STREAMS)
    value, se, n = (np.zeros((STREAMS, count)) for _ in range(3))
    for stream in range(STREAMS):
        many = customers[stream]
        rate = rng.beta(8 * centre[stream], 8 * (1 - centre[stream]), (count, many))
        cases = rng.integers(1, 4, (count, many))
        hits = rng.binomial(cases, rate)
        group = rng.integers(0, GROUPS, many)
        deal = np.zeros((many, GROUPS))
        deal[np.arange(many), group] = 1.0
        top, base = hits @ deal, cases @ deal
        t, b = top.sum(axis=1), base.sum(axis=1)
        left = (t[:, None] - top) / (b[:, None] - base)
        value[stream], n[stream] = t / b, b
        spread = ((left - value[stream][:, None]) ** 2).sum(axis=1)
        se[stream] = np.sqrt((GROUPS - 1) / GROUPS * spread)
    return value, se, n


def as_table(value: np.ndarray, se: np.ndarray, n: np.ndarray) -> pd.DataFrame:
    """The periods of all streams, the last column being the last period."""
    many, count = value.shape
    return pd.DataFrame(
        {
            "period": np.tile(np.arange(count), many),
            "family": "performance",
            "measure": "errors",
            "touchpoint": np.repeat([f"t{k:03d}" for k in range(many)], count),
            "detail": "",
            "stratum": "",
            "value": value[:, ::-1].ravel(),
            "se": se[:, ::-1].ravel(),
            "n": n[:, ::-1].ravel(),
            "customers": (n[:, ::-1] / 2).round().ravel(),
            "unit": "share",
        }
    )


def test_fifty_weekly_runs_over_240_quiet_streams_cry_wolf_rarely() -> None:
    """Two series of fifty runs, each run with twelve weeks to compare with."""
    alarms = []
    for seed in (1, 2):
        value, se, n = weeks(np.random.default_rng(seed), RUNS + PERIODS - 1)
        for run in range(RUNS):
            seen = slice(run, run + PERIODS)
            found = drifts(
                as_table(value[:, seen], se[:, seen], n[:, seen]), SETTINGS, min_customers=10
            )
            assert len(found) == STREAMS
            alarms.append(int(found["significant"].sum()))
    assert np.mean(alarms) <= 0.3
    # Not because nothing is ever found.
    naive = 0.05 * STREAMS
    assert np.mean(alarms) < naive / 30


def found_on_first_run(shift: float, seed: int, *, runs: int = 5) -> float:
    """Share of streams found on the first run when one of them alone moves by `shift`.

    In standard errors of the difference. A stream's p-value rests on itself and on what all share,
    so all are moved at once, and false alarms are controlled with one of them among the quiet.
    """
    value, se, n = weeks(np.random.default_rng(seed), PERIODS + 10 * runs)
    error = value.std(axis=1, ddof=1) * np.sqrt(1 + 1 / (PERIODS - 1))
    hits = []
    for run in range(0, 10 * runs, 10):
        seen = slice(run, run + PERIODS)
        moved = value[:, seen].copy()
        moved[:, -1] += shift * error
        quiet, other = (
            drifts(as_table(v, se[:, seen], n[:, seen]), SETTINGS, min_customers=10)
            for v in (value[:, seen], moved)
        )
        for stream in range(STREAMS):
            p = quiet["p_value"].to_numpy().copy()
            p[stream] = other["p_value"].iloc[stream]
            found = adjusted_p_values(p, "fdr_bh")[stream] <= SETTINGS.q_value
            hits.append(found and other["material"].iloc[stream])
    return float(np.mean(hits))


def best(shift: float, false_alarms: float, *, sides: int = 2) -> float:
    """Power of the best test of N(shift, 1) against N(0, 1), by false alarms in a run.

    Neyman and Pearson: none of the same error does better than a bound on the mean (one-sided).
    """
    return float(stats.norm.sf(stats.norm.isf(false_alarms / STREAMS / sides) - shift))


def test_no_test_finds_three_standard_errors_in_most_runs_at_so_few_false_alarms() -> None:
    """Why "3 standard errors in 80 % of runs, at .3 false alarms in 240 streams" is not asked for.

    Each stream may be wrong in .3 / 240 = .00125 of runs: the bound lies at 3.02 standard errors
    (3.23 if a shift may go either way), and a shift of 3 passes it in 49 % (41 %) of runs.
    """
    assert best(3.0, 0.3, sides=1) == pytest.approx(0.49, abs=0.005)
    assert best(3.0, 0.3) == pytest.approx(0.41, abs=0.005)
    assert best(3.87, 0.3, sides=1) == pytest.approx(0.8, abs=0.005)


@pytest.mark.parametrize("shift", [3.0, 5.0])
def test_a_shift_is_found_on_the_first_run_nearly_as_often_as_can_be(shift: float) -> None:
    """The best test is given the q false alarms a run that the setting is meant to leave.

    On other seeds it found 21 % of shifts of 3 and 86 % of 5, the best test 24 and 90 %.
    """
    found = np.mean([found_on_first_run(shift, seed) for seed in (4107, 88)])
    assert found >= best(shift, SETTINGS.q_value) - 0.08
    assert found >= 0.8 or shift < 5


def test_weeks_that_differ_by_more_than_their_customers_cry_wolf_rarely_too() -> None:
    """Every week of every stream is moved by chance of its own, half as much again in variance."""
    rng = np.random.default_rng(6)
    value, se, n = weeks(rng, 20 + PERIODS)
    spread = np.sqrt(0.5) * value.std(axis=1, ddof=1)
    value += spread[:, None] * rng.standard_normal(value.shape)
    alarms = []
    for run in range(20):
        seen = slice(run, run + PERIODS)
        rows = as_table(value[:, seen], se[:, seen], n[:, seen])
        alarms.append(int(drifts(rows, SETTINGS, min_customers=10)["significant"].sum()))
    assert np.mean(alarms) <= 0.3


def test_a_lasting_shift_of_three_standard_errors_is_found_within_a_month() -> None:
    """In about half of the cases: each week that it lasts also makes the reference less sure."""
    hits, tries = 0, 30
    for seed in range(3):
        value, se, n = weeks(np.random.default_rng(20 + seed), PERIODS + 3)
        for stream in range(0, 10 * 24, 24):
            moved = value.copy()
            moved[stream, PERIODS - 1 :] += 3 * se[stream].mean()
            for run in range(4):
                seen = slice(run, run + PERIODS)
                rows = as_table(moved[:, seen], se[:, seen], n[:, seen])
                found = drifts(rows, SETTINGS, min_customers=10)
                if f"t{stream:03d}" in set(found.loc[found["significant"], "touchpoint"]):
                    hits += 1
                    break
    assert hits / tries >= 0.4, hits


# --- one log, one change ----------------------------------------------------------------------

FIRST = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
HARD, HANDED = 0.3, {"easy": 0.1, "hard": 0.7}
AS_OF = dt.date(2026, 1, 5) + dt.timedelta(weeks=PERIODS)
CONFIG = AuditConfig.model_validate(
    {
        "name": "planted",
        "log": {"files": "none"},
        "roles": {
            "customer": "customer", "touchpoint": "touchpoint", "timestamp": "t",
            "channel": "channel", "actor": "actor", "session": "session", "intent": "intent",
        },
        "journeys": {"cut": "gap", "gap_days": 3},
    }
)  # fmt: skip
Rows = list[tuple[str, dt.datetime, str, str, str, str, str]]


def chat(rng: np.random.Generator, week: int, number: int, hard: float, worse: float) -> Rows:
    """One conversation of one customer: the bot, the customer, perhaps a person."""
    who, session = f"c{week}-{number}", f"s{week}-{number}"
    intent = "hard" if rng.random() < hard else "easy"
    begins = FIRST + dt.timedelta(weeks=week, minutes=float(rng.uniform(0, 7 * 1440 - 60)))
    rows: Rows = [
        (who, begins, "Bot", "chat", "bot", session, intent),
        (who, begins + dt.timedelta(minutes=1), "Bot", "chat", "customer", session, intent),
    ]
    if rng.random() < HANDED[intent] * worse:
        rows.append(
            (who, begins + dt.timedelta(minutes=3), "Desk", "phone", "human", session, intent)
        )
    return rows


def journeys(
    *,
    hard: float = HARD,
    worse: float = 1.0,
    then: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows,
) -> Journeys:
    """Thirteen weeks of 500 conversations; the last one otherwise."""
    rng = np.random.default_rng(5)
    rows: Rows = []
    for week in range(PERIODS):
        last = week == PERIODS - 1
        for number in range(500):
            rows += chat(rng, week, number, hard if last else HARD, worse if last else 1.0)
    columns = ["customer", "t", "touchpoint", "channel", "actor", "session", "intent"]
    frame = then(pd.DataFrame(rows, columns=columns))
    log = read_log(frame, CONFIG.roles, as_of=AS_OF)
    return rebuild(log, JourneySettings(cut="gap", gap_days=3))


def looked(found: Journeys) -> PeriodComparison:
    return compare_periods(found, CONFIG, AS_OF)


def kinds(found: PeriodComparison) -> set[str]:
    return {change.kind for change in found.changes if change.significant}


@cache
def last_week() -> pd.Timestamp:
    return pd.Timestamp(FIRST) + pd.Timedelta(weeks=PERIODS - 1)


def test_a_week_like_the_others_raises_nothing() -> None:
    found = looked(journeys())
    # The first day may be cut off, so the first week is not whole.
    assert found.references == PERIODS - 2
    assert len(found.tests) == 5
    assert kinds(found) == set()


def test_a_change_of_mix_alone_is_called_mix() -> None:
    found = looked(journeys(hard=0.6))
    assert kinds(found) == {"mix"}
    measures = {change.measure for change in found.changes}
    # More hard matters, so more hand-overs: of like matters just as many.
    assert {"begins_with_intent", "handed_over"} <= measures


def test_fewer_hand_overs_of_like_matters_are_called_performance() -> None:
    found = looked(journeys(worse=0.4))
    assert kinds(found) == {"performance"}
    (change,) = [c for c in found.changes if c.measure == "handed_over" and c.touchpoint is None]
    # .7 · .1 + .3 · .7 = .28 before, .4 of it now.
    assert change.before == pytest.approx(0.28, abs=0.02)
    # A hand-over is known a day later: one day of the week is still from the one before.
    assert change.after == pytest.approx((6 * 0.112 + 0.28) / 7, abs=0.05)
    assert change.difference is not None
    assert change.difference["lo"] < -0.144 < change.difference["hi"]
    assert f"n = {change.n_after:,}, {change.customers:,} customers" in change.text
    assert not any(verb in change.text for verb in ("cause", "because", "due to", "led to"))


def test_a_touchpoint_under_another_name_is_a_definition_and_nothing_else() -> None:
    def rename(rows: pd.DataFrame) -> pd.DataFrame:
        late = (rows["t"] >= last_week()) & (rows["touchpoint"] == "Desk")
        return rows.assign(touchpoint=rows["touchpoint"].mask(late, "Service desk"))

    found = looked(journeys(then=rename))
    assert kinds(found) == {"definition"}
    (change,) = found.changes
    assert (change.before, change.after) == ("Desk", "Service desk")
    assert "looks renamed" in change.text


def test_a_feed_that_breaks_off_is_data_quality_and_nothing_else() -> None:
    def broken(rows: pd.DataFrame) -> pd.DataFrame:
        lost = (rows["t"] >= last_week() + pd.Timedelta(days=3)) & (rows["channel"] == "phone")
        return rows[~lost].reset_index(drop=True)

    found = looked(journeys(then=broken))
    assert kinds(found) == {"data_quality"}
    (change,) = found.changes
    assert "'phone'" in change.text
    assert "no event on 4 of 7 days" in change.text
    assert found.tests.empty


def test_a_column_that_loses_its_content_is_data_quality_and_nothing_else() -> None:
    def emptied(rows: pd.DataFrame) -> pd.DataFrame:
        rng = np.random.default_rng(3)
        lost = (rows["t"] >= last_week()) & (rng.random(len(rows)) < 0.3)
        return rows.assign(intent=rows["intent"].mask(lost))

    found = looked(journeys(then=emptied))
    assert kinds(found) == {"data_quality"}
    assert {change.measure for change in found.changes} == {"missing_intent"}


# --- weekly runs over the sample's company ------------------------------------------------------


def test_a_bot_release_that_honours_few_requests_alarms_in_its_week_and_not_before() -> None:
    """The first weeks are quiet; the ninth run says that performance changed."""
    start = dt.date(2026, 1, 5)
    log = generate("telecom", 20_000, 20260309, release=Release(7 * 16, honours=0.15))
    roles = {name: name for name in ("touchpoint", "timestamp", "channel", "intent", "text")}
    roles |= {
        "actor": "actor",
        "customer": "customer_id",
        "position": "event_id",
        "session": "session_id",
    }
    values = {"customer": "customer", "bot": "bot", "agent": "human", "system": "system"}
    config = AuditConfig.model_validate(
        {"name": "weekly", "log": {"files": "none"}, "roles": {**roles, "actor_values": values}}
    )
    bots = log.contacts["channel"].isin(["chatbot", "chat"])
    events = read_log(log.contacts[bots], config.roles, as_of=dt.date(2026, 7, 6))
    found = rebuild(events, JourneySettings(cut="gap", gap_days=14))
    alarms = {
        run: [
            change
            for change in compare_periods(
                found, config, start + dt.timedelta(weeks=8 + run)
            ).changes
            if change.significant
        ]
        for run in range(5, 10)
    }
    assert [len(alarms[run]) for run in range(5, 9)] == [0, 0, 0, 0]
    assert {change.kind for change in alarms[9]} == {"performance"}
    honoured = [c for c in alarms[9] if c.measure == "requests_honoured" and c.touchpoint is None]
    assert [change.direction for change in honoured] == ["worse"]
