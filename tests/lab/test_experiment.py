"""One experiment from plan to reading, on small logs whose truth is planted."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks import lab as company_of_twelve
from journeylib.core import US_PER_DAY, start_of
from journeylib.core.errors import ConfigError, LogError, SchemaError
from journeylib.lab import LabSettings, plan, read, read_plan, watch, write_plan
from journeylib.lab.experiment_plan import check_unit
from journeylib.lab.exposures import observe, observe_units
from journeylib.lab.plan_file import PlanFile, plan_hash
from journeylib.lab.reading import read_units
from journeylib.log.eventlog import EventLog

LogOf = Callable[..., EventLog]
BEGINS = dt.date(2026, 3, 2)
COLUMNS = "customer t_us touchpoint arm solved"
SETTINGS: dict[str, Any] = {
    "name": "try",
    "question": "Does it help?",
    "touchpoint": "Chat",
    "begins": BEGINS,
    "primary": {"name": "solved", "column": "solved", "days": 3},
    "least_worth": 0.08,
    "guardrails": [
        {
            "name": "complaints",
            "reaches": ["Complaint"],
            "days": 3,
            "better": "lower",
            "limit": 0.05,
        }
    ],
    "looks": 2,
}


def settings(**changes: Any) -> LabSettings:
    """Return the settings of a small experiment."""
    return LabSettings.model_validate({**SETTINGS, **changes})


def rows(
    *,
    new: float = 0.6,
    complain: float = 0.04,
    share: float = 0.5,
    per_day: int = 70,
    days: int = 42,
    seed: int = 1,
) -> list[tuple[Any, ...]]:
    """Return contacts of new customers each day, six weeks before the experiment and six in it."""
    rng = np.random.default_rng(seed)
    found: list[tuple[Any, ...]] = []
    begin = start_of(BEGINS)
    for day in range(-42, days):
        for number in range(per_day):
            customer, at = f"c{day}-{number}", begin + day * US_PER_DAY + number * 60_000_000
            treated = day >= 0 and rng.random() < share
            arm = None if day < 0 else "new" if treated else "control"
            solved = rng.random() < (new if treated else 0.6)
            found.append((customer, at, "Chat", arm, str(int(solved))))
            if rng.random() < (complain if treated else 0.04):
                found.append((customer, at + US_PER_DAY, "Complaint", None, None))
    return found


def planned_file(log: EventLog, declared: LabSettings, written: dt.date | None = None) -> PlanFile:
    made = plan(log, declared, written=written or BEGINS - dt.timedelta(days=1))
    return PlanFile(made, plan_hash(made), ())


def day(number: int) -> dt.date:
    return BEGINS + dt.timedelta(days=number)


@pytest.fixture(scope="module")
def helps(log_of: LogOf) -> EventLog:
    """Return a log in which the new arm solves 14 points more and harms nobody."""
    return log_of(*rows(new=0.74), columns=COLUMNS)


# --- the plan ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_plan_counts_customers_weeks_and_guardrails(helps: EventLog) -> None:
    made = plan(helps, settings(), written=BEGINS - dt.timedelta(days=1))
    assert made.run
    assert made.already == 0
    assert made.power_each == pytest.approx(0.9)
    # 70 customers a day: 490 a week, none of them twice.
    assert made.by_week[:3] == (490, 980, 1470)
    primary = made.baselines[0]
    assert primary.customers == 4 * 490
    assert primary.value == pytest.approx(0.6, abs=0.04)
    assert primary.variance == pytest.approx(primary.value * (1 - primary.value), rel=0.01)
    # (1.96 + 1.2816)² · 2 σ² / 0.08² an arm, and 1.007 for two looks at a power of .9.
    per_arm = 10.507 * 2 * primary.variance / 0.08**2
    assert primary.needed / 2 == pytest.approx(per_arm * 1.0071, rel=0.002)
    # The guardrail, one-sided: (1.645 + 1.2816)² · 2 σ² / 0.05².
    guard = made.baselines[1]
    per_arm = 8.564 * 2 * guard.variance / 0.05**2
    assert guard.needed / 2 == pytest.approx(per_arm * 1.0071, rel=0.002)
    assert made.needed == max(one.needed for one in made.baselines)
    assert made.by_week[made.weeks - 1] >= made.needed
    assert len(made.looks) == 2
    assert made.looks[-1].day == 7 * made.weeks + 3 - 1


def test_what_takes_too_long_is_not_run_and_says_what_would_do(helps: EventLog) -> None:
    made = plan(helps, settings(least_worth=0.01, share=0.05), written=BEGINS)
    assert not made.run
    assert made.text.startswith("Do not run this")
    text = " ".join(made.advice)
    assert "coarser question" in text
    assert "'before'" in text
    slow = plan(helps, settings(share=0.04), written=BEGINS - dt.timedelta(days=1))
    assert not slow.run
    assert any("half of the customers" in one for one in slow.advice)


def test_a_log_too_thin_for_a_baseline_is_not_run(log_of: LogOf) -> None:
    few = log_of(*rows(per_day=3), columns=COLUMNS)
    made = plan(few, settings(), written=BEGINS - dt.timedelta(days=1))
    assert not made.run
    assert "too few for a baseline" in made.text
    # Under ten customers are shown nowhere, not even in the file.
    fewer = log_of(*[row for row in rows(per_day=3) if row[0].endswith("-0")][::9], columns=COLUMNS)
    made = plan(fewer, settings(), written=BEGINS - dt.timedelta(days=1))
    assert "under 10 customers" in made.text
    assert made.baselines[0].customers == 0
    assert set(made.by_week) <= {0, 10, 11, 12}


def test_an_edited_plan_names_the_entry(helps: EventLog, tmp_path: Any) -> None:
    made = plan(helps, settings(), written=BEGINS - dt.timedelta(days=1))
    path = write_plan(made, tmp_path / "plan.yaml")
    same = read_plan(path)
    assert same.changed == ()
    assert plan_hash(same.plan) == same.hash == plan_hash(made)
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["lab"]["least_worth"] = 0.2
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    edited = read_plan(path)
    assert edited.changed == ("lab.least_worth",)
    found = read(edited, observe(helps, edited.plan.settings, until=day(41)))
    assert found.grade == "C"
    assert "lab.least_worth" in found.words
    with pytest.raises(ConfigError, match="is no plan"):
        read_plan(_broken(tmp_path))
    with pytest.raises(ConfigError, match="there is no plan"):
        read_plan(tmp_path / "nowhere.yaml")


def _broken(folder: Any) -> Any:
    path = folder / "broken.yaml"
    path.write_text("lab: {}\nhash: x\nentries: {}\n", encoding="utf-8")
    return path


# --- the reading ------------------------------------------------------------------------------


def test_what_helps_is_shipped_with_grade_a(helps: EventLog) -> None:
    file = planned_file(helps, settings())
    found = read(file, observe(helps, file.plan.settings, until=day(41)))
    assert found.decision == "ship"
    assert found.grade == found.primary.estimate.grade == "A"
    assert found.primary.estimate.lo is not None
    assert found.primary.estimate.hi is not None
    assert found.primary.estimate.lo < 0.14 < found.primary.estimate.hi
    assert found.guardrails[0].holds is True
    # By hand from the rows: customers exposed early enough for the last due look.
    last = found.plan.looks[found.look - 1].day
    rows_ = pd.DataFrame(rows(new=0.74), columns=COLUMNS.split())
    seen = rows_[(rows_["touchpoint"] == "Chat") & rows_["arm"].notna()]
    seen = seen[seen["t_us"] < start_of(BEGINS) + (last + 1 - 3) * US_PER_DAY]
    means = seen.assign(solved=seen["solved"].astype(int)).groupby("arm")["solved"].mean()
    assert found.primary.estimate.value == pytest.approx(means["new"] - means["control"])


def test_nothing_peeks_at_the_primary_before_its_look(helps: EventLog) -> None:
    file = planned_file(helps, settings())
    first = file.plan.looks[0].day
    early = read(file, observe(helps, file.plan.settings, until=day(first - 1)))
    assert early.decision == "go_on"
    assert early.look == 0
    assert early.primary.estimate.value is None
    assert early.grade == "C"
    # Between looks the reading is that of the last one, whatever came since.
    at_look = read(file, observe(helps, file.plan.settings, until=day(first)))
    later = read(file, observe(helps, file.plan.settings, until=day(first + 2)))
    assert at_look.primary.estimate == later.primary.estimate
    assert at_look.look == later.look == 1


def test_a_repeated_interval_is_wider_than_a_plain_one(helps: EventLog) -> None:
    file = planned_file(helps, settings())
    observed = observe(helps, file.plan.settings, until=day(file.plan.looks[0].day))
    found = read(file, observed).primary.estimate
    plain = observed.difference(file.plan.settings.primary, file.plan.looks[0].day)
    assert found.lo is not None
    assert found.value is not None
    z = (found.value - found.lo) / plain.error
    assert z == pytest.approx(file.plan.looks[0].z, abs=0.2)
    assert z > 2.5


def test_the_primary_at_any_time_if_asked(helps: EventLog) -> None:
    changes = {key: value for key, value in SETTINGS.items() if key != "looks"}
    declared = LabSettings.model_validate({**changes, "way": "any_time"})
    file = planned_file(helps, declared)
    # It needs more customers than planned looks do.
    assert file.plan.baselines[0].needed > planned_file(helps, settings()).plan.baselines[0].needed
    early = observe(helps, declared, until=day(20))
    found = read(file, early)
    plain = early.difference(declared.primary, 20)
    assert found.primary.estimate.lo is not None
    assert plain.value - found.primary.estimate.lo > 2.5 * plain.error
    assert read(file, observe(helps, declared, until=day(41))).decision == "ship"


@pytest.mark.slow
def test_no_difference_worth_having_and_harm(log_of: LogOf) -> None:
    same = log_of(*rows(new=0.6, seed=3), columns=COLUMNS)
    file = planned_file(same, settings())
    found = read(file, observe(same, file.plan.settings, until=day(41)))
    assert found.decision == "no_difference"
    assert found.grade == "A"
    harms = log_of(*rows(new=0.74, complain=0.16, seed=4), columns=COLUMNS)
    observed = observe(harms, file.plan.settings, until=day(20))
    seen = watch(file.plan, observed)
    assert seen.stopped
    assert [stop.reason for stop in seen.stops] == ["harm"]
    assert "gets worse: complaints, " in seen.text
    # It is stopped on the first day on which the evidence suffices, and stays stopped.
    assert (seen.harm[seen.harm["day"] < seen.stops[0].day]["evidence"] < 20).all()
    assert read(file, observed).decision == "stop"


def test_a_guardrail_that_nobody_trips_is_read(log_of: LogOf) -> None:
    """Nobody complains in either arm: by Agresti and Caffo's error that is less than the limit."""
    begins = start_of(BEGINS)
    quiet = [row for row in rows() if row[2] == "Chat" or row[1] < begins]
    log = log_of(*quiet, columns=COLUMNS)
    file = planned_file(log, settings())
    guard = read(file, observe(log, file.plan.settings, until=day(41))).guardrails[0]
    assert (guard.control, guard.new, guard.holds) == (0.0, 0.0, True)
    low, high = guard.estimate.lo, guard.estimate.hi
    assert low is not None and high is not None and -0.01 < low < 0.0 < high < 0.01


def test_values_that_are_all_alike_say_so_instead_of_too_few(log_of: LogOf) -> None:
    primary = {"name": "stars", "column": "solved", "days": 3, "unit": "stars"}
    declared = settings(primary=primary, guardrails=[])
    table = [(*row[:4], None if row[4] is None else "1") for row in rows()]
    log = log_of(*table, columns=COLUMNS)
    file = planned_file(log_of(*rows(), columns=COLUMNS), declared)
    reading = read(file, observe(log, declared, until=day(41)))
    assert (reading.decision, reading.primary.estimate.abstain) == (None, "unidentified")
    assert reading.text.startswith("All customers have the same value")


def test_no_interval_of_a_share_reaches_beyond_what_shares_can_differ_by(log_of: LogOf) -> None:
    """The any-time interval of 100 customers an arm for a hundredth is wider than 1."""
    log = log_of(*rows(), columns=COLUMNS)
    changes = {key: value for key, value in SETTINGS.items() if key != "looks"}
    changes |= {"way": "any_time", "least_worth": 0.004, "guardrails": []}
    file = planned_file(log, LabSettings.model_validate(changes))
    reading = read(file, observe(log, file.plan.settings, until=day(6)))
    found = reading.primary.estimate
    assert found.value is not None and (found.lo, found.hi) == (-1.0, 1.0)


def test_a_broken_split_stops_watch_and_reading(log_of: LogOf) -> None:
    broken = log_of(*rows(share=0.42), columns=COLUMNS)
    file = planned_file(broken, settings())
    observed = observe(broken, file.plan.settings, until=day(41))
    seen = watch(file.plan, observed)
    assert [stop.reason for stop in seen.stops] == ["sample_ratio"]
    found = read(file, observed)
    assert found.decision == "stop"
    assert found.grade == "C"
    assert "the split is broken" in found.words


def test_customers_in_both_arms_are_counted_and_make_it_abstain(log_of: LogOf) -> None:
    base = rows(new=0.74)
    chats = [row for row in base if row[3] is not None]
    other = {"new": "control", "control": "new"}
    again = [
        (row[0], row[1] + US_PER_DAY, "Chat", other[row[3]], row[4])
        for row in chats[: len(chats) // 20]
    ]
    log = log_of(*base, *again, columns=COLUMNS)
    file = planned_file(log, settings())
    observed = observe(log, file.plan.settings, until=day(41))
    # Who was seen in both counts where they were first.
    assert len(observed.customers) == len(chats)
    assert observed.both_share(41) == pytest.approx(1 / 20, abs=0.001)
    found = read(file, observed)
    assert found.decision is None
    assert "seen in both arms" in found.text


def test_a_plan_written_after_the_data_began_has_no_grade_a(helps: EventLog) -> None:
    file = planned_file(helps, settings(), written=day(3))
    assert file.plan.already == 4 * 70
    found = read(file, observe(helps, file.plan.settings, until=day(41)))
    assert found.decision == "ship"
    assert found.grade == "C"
    assert "before the plan was written" in found.words


@pytest.mark.slow
def test_rows_in_any_order_give_the_same_reading(log_of: LogOf, helps: EventLog) -> None:
    shuffled = rows(new=0.74)
    np.random.default_rng(0).shuffle(shuffled)
    file = planned_file(helps, settings())
    results = [
        read(file, observe(log, file.plan.settings, until=day(41))).to_dict()
        for log in (helps, log_of(*shuffled, columns=COLUMNS))
    ]
    assert results[0] == results[1]
    assert plan_hash(plan(helps, settings(), written=day(-1))) == plan_hash(
        plan(log_of(*shuffled, columns=COLUMNS), settings(), written=day(-1))
    )


def test_stages_are_read_apart(log_of: LogOf) -> None:
    """Shares of 5 and 50 % while the base rises from .5 to .7: added up, new looks better."""
    rng = np.random.default_rng(6)
    found: list[tuple[Any, ...]] = []
    for number in range(16_000):
        stage = number % 2
        at = start_of(BEGINS) + (stage * 14 + rng.integers(14)) * US_PER_DAY
        arm = "new" if rng.random() < (0.05, 0.5)[stage] else "control"
        solved = rng.random() < (0.5, 0.7)[stage]
        found.append((f"c{number}", int(at), "Chat", arm, str(int(solved))))
    log = log_of(*found, columns=COLUMNS)
    stages = [{"begins": BEGINS, "share": 0.05}, {"begins": day(14), "share": 0.5}]
    declared = settings(stages=stages, guardrails=[])
    observed = observe(log, declared, until=day(31))
    apart = observed.difference(declared.primary, 31)
    frame = pd.DataFrame(found, columns=COLUMNS.split())
    means = frame.assign(solved=frame["solved"].astype(int)).groupby("arm")["solved"].mean()
    assert means["new"] - means["control"] > 0.05
    assert abs(apart.value) < 0.02


# --- what is refused --------------------------------------------------------------------------


def test_errors_say_what_to_do(helps: EventLog) -> None:
    with pytest.raises(SchemaError, match=r"'slved'.*Did you mean 'solved'"):
        observe(helps, settings(primary={"name": "s", "column": "slved"}), until=day(1))
    with pytest.raises(SchemaError, match="no column 'armm' for the arm"):
        observe(helps, settings(arm_column="armm"), until=day(1))
    with pytest.raises(LogError, match="holds 1 other words"):
        observe(helps, settings(arms=["control", "treatment"]), until=day(1))
    with pytest.raises(SchemaError, match=r"has no log\.outcomes"):
        observe(helps, settings(primary={"name": "s", "outcome": "churn"}), until=day(1))
    with pytest.raises(ConfigError, match=r"no touchpoint of this log. Did you mean 'Chat'"):
        plan(helps, settings(touchpoint="Chta"), written=BEGINS)
    with pytest.raises(ValueError, match="needs one of 'outcome', 'column' and 'reaches'"):
        settings(primary={"name": "s"})


def test_a_table_of_assignments_with_a_later_covariate_is_refused(
    log_of: LogOf, tmp_path: Any
) -> None:
    log = log_of(
        *[
            (f"c{number}", start_of(BEGINS) + number, "Chat", str(number % 2))
            for number in range(6)
        ],
        columns="customer t_us touchpoint solved",
    )
    table = pd.DataFrame(
        {
            "customer": [f"c{number}" for number in range(6)],
            "arm": ["control", "new"] * 3,
            "time": ["2026-03-02T00:00:00"] * 6,
            "x": range(6),
            "x_at": ["2026-03-01T00:00:00"] * 5 + ["2026-03-02T10:00:00"],
        }
    )
    file = tmp_path / "arms.csv"
    table.to_csv(file, index=False)
    config = {"file": str(file), "before": "x"}
    declared = settings(before={"column": "x"}, assignments=config)
    with pytest.raises(LogError, match="has no time"):
        observe(log, declared, until=day(5))
    declared = settings(before={"column": "x"}, assignments={**config, "before_time": "x_at"})
    with pytest.raises(LogError, match="covariate of 1 customers was measured at or after"):
        observe(log, declared, until=day(5))
    table.assign(x_at="2026-03-01").to_csv(file, index=False)
    observed = observe(log, declared, until=day(5))
    assert observed.customers["before"].tolist() == [0, 1, 2, 3, 4, 5]
    assert observed.customers["arm"].tolist() == [0, 1, 0, 1, 0, 1]


def test_what_comes_after_the_exposure_is_no_covariate(log_of: LogOf) -> None:
    begin = start_of(BEGINS)
    log = log_of(
        ("a", begin - US_PER_DAY, "Web", None, "1"),
        ("a", begin, "Chat", "new", "0"),
        ("a", begin + US_PER_DAY, "Web", None, "1"),
        ("b", begin, "Chat", "control", "1"),
        columns=COLUMNS,
    )
    declared = settings(before={"column": "solved"}, guardrails=[])
    observed = observe(log, declared, until=day(5))
    assert observed.customers["before"].tolist()[0] == 1.0
    assert np.isnan(observed.customers["before"].tolist()[1])


# --- arms that share a queue ------------------------------------------------------------------


def served(rng: np.random.Generator, calls: int, rate: float) -> np.ndarray[Any, Any]:
    """Return the waits in minutes of calls of 5 minutes that 44 people take; patience 10."""
    arrivals = rng.exponential(1 / rate, calls).cumsum()
    service, patience = rng.exponential(5, calls), rng.exponential(10, calls)
    free, waits = [0.0] * 44, np.zeros(calls)
    for call in range(calls):
        start = max(arrivals[call], free[0])
        wait = start - arrivals[call]
        waits[call] = min(wait, patience[call])
        if wait < patience[call]:
            heapq.heapreplace(free, start + service[call])
    return waits


@pytest.fixture(scope="module")
def queues() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a log by customer and one by week: a bot takes 16 % of the calls off one team."""
    rng = np.random.default_rng(12)
    begin = start_of(BEGINS)

    def log(week: int, taken: float, arm: Callable[[int], str | None]) -> pd.DataFrame:
        calls = int(7 * 700 * (1 - taken))
        waits = served(rng, calls, 9.6 * (1 - taken))
        at = begin + 7 * week * US_PER_DAY + np.arange(calls) * 7 * US_PER_DAY // calls
        arms = [arm(number) for number in range(calls)]
        return pd.DataFrame({"t_us": at, "wait": waits.round(3), "arm": arms})

    one, other = "control", "new"
    by_customer = pd.concat(
        log(week, 0.08, lambda number: (one, other)[number % 2]) for week in range(4)
    )
    turns = rng.permutation([one, other] * 8)
    before = pd.concat(log(week, 0.0, lambda _number: None) for week in range(-12, 0))
    by_week = pd.concat(
        log(week, 0.16 if turn == other else 0.0, lambda _number, turn=turn: turn)
        for week, turn in enumerate(turns)
    )
    return by_customer, pd.concat([before, by_week])


@pytest.mark.slow
def test_arms_that_share_a_queue_are_refused_and_the_switchback_finds_it(
    queues: tuple[pd.DataFrame, pd.DataFrame], log_of: LogOf
) -> None:
    by_customer, by_week = queues
    primary = {
        "name": "wait",
        "column": "wait",
        "unit": "min",
        "better": "lower",
        "queue": True,
    }
    columns = "customer t_us touchpoint arm wait"

    def as_log(frame: pd.DataFrame) -> EventLog:
        found = [
            (f"c{number}", int(t), "Chat", arm, str(wait))
            for number, (t, arm, wait) in enumerate(
                zip(frame["t_us"], frame["arm"], frame["wait"], strict=True)
            )
        ]
        return log_of(*found, columns=columns)

    # A test by customer sees nothing: both arms wait in the same queue.
    customer = settings(primary=primary, guardrails=[], least_worth=0.3)
    observed = observe(as_log(by_customer), customer, until=day(27))
    blind = observed.difference(customer.primary, 27)
    assert abs(blind.value) < 2.5 * blind.error
    assert abs(blind.value) < 0.1
    with pytest.raises(ConfigError, match="queue that both arms share"):
        check_unit(customer, shared_queue=True)
    check_unit(customer, shared_queue=False)
    # Weeks that take turns find it.
    weekly = settings(primary=primary, guardrails=[], least_worth=0.3, unit="week")
    check_unit(weekly, shared_queue=True)
    log = as_log(by_week)
    until = day(7 * 16 - 1)
    units = observe_units(log, weekly, begin=BEGINS, until=until)
    assert len(units) == 16
    assert units["is_new"].sum() == 8
    # The first day of each week is left out.
    first = by_week["t_us"].between(
        start_of(BEGINS) + US_PER_DAY, start_of(BEGINS) + 7 * US_PER_DAY - 1
    )
    kept = by_week[first]
    assert units["base:wait"].iloc[0] == len(kept)
    file = planned_file(log, weekly)
    assert file.plan.run
    assert file.plan.weeks == 16
    found = read_units(file, units, until=until)
    by_arm = by_week.groupby("arm")["wait"].mean()
    truth = by_arm["new"] - by_arm["control"]
    estimate = found.primary.estimate
    # Erlang-A says .985 minutes with the bot for nobody and .209 with it for everybody.
    assert truth == pytest.approx(-0.776, abs=0.15)
    assert estimate.value == pytest.approx(truth, abs=0.15)
    assert estimate.lo is not None
    assert estimate.hi is not None
    assert estimate.lo < truth < estimate.hi < 0
    assert found.decision == "ship"
    few = read_units(file, units.iloc[:10], until=until)
    assert few.decision is None
    assert few.grade == "C"


@pytest.mark.slow
def test_a_company_of_twelve_experiments_is_told_apart() -> None:
    """Four help, five do nothing, two harm, one has a broken split: the table of docs/lab.md."""
    made = company_of_twelve.planned()
    found = company_of_twelve.company(PlanFile(made, plan_hash(made), ()), 1)
    kind = found["truth"].str.split(r"[ :,]", n=1, regex=True).str[0]
    assert kind.value_counts().to_dict() == {"nothing": 5, "helps": 4, "harms": 2, "broken": 1}
    assert set(found.loc[kind == "helps", "lab"]) == {"ship"}
    assert set(found.loc[kind == "harms", "lab"]) == {"stop (harm)"}
    assert found.loc[kind == "broken", "lab"].str.startswith("stop").all()
    assert set(found.loc[kind == "nothing", "lab"]) == {"no difference"}
    # Who reads p < .05 every day ships what harms, and some of what does nothing.
    assert set(found.loc[kind == "harms", "peeking"]) == {"ship"}
    assert (found.loc[kind == "nothing", "peeking"] == "ship").sum() == 2
    # Harm is stopped before most customers had it.
    harmed = found[kind == "harms"]
    assert (harmed["new_arm"] < harmed["peeking_new_arm"]).all()
