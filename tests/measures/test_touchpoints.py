"""Volume, load, rework, exceptions, fields, flags and drop-off, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog
from journeylib.measures.evidence import Evidence, measure
from journeylib.measures.settings import MeasureSettings
from journeylib.present.views.journey import break_offs

DAY = 86_400_000_000
MINUTE = 60_000_000
LogOf = Callable[..., EventLog]
LOOSE = {"min_starts": 1, "min_base_customers": 1}


def evidence_of(
    log: EventLog, *, goals: tuple[str, ...] = (), gap_days: float = 3, **settings: object
) -> Evidence:
    cut = JourneySettings(min_customers=1, goals=goals, gap_days=gap_days)
    return measure(rebuild(log, cut), MeasureSettings(**(LOOSE | settings)))  # type: ignore[arg-type]


def value(evidence: Evidence, touchpoint: str, name: str) -> float:
    return float(evidence.estimate(touchpoint, name)["value"])


def reason(evidence: Evidence, touchpoint: str, name: str) -> str | None:
    abstain = evidence.estimate(touchpoint, name)["abstain"]
    return None if pd.isna(abstain) else str(abstain)


def test_volume_counts_whole_weeks_only(log_of: LogOf) -> None:
    # 17 days span two whole weeks: days 0, 3, 6, 9, 12 count, day 16 does not.
    days = (0, 3, 6, 9, 12, 16)
    log = log_of(*[(f"c{day}", day * DAY, "A") for day in days])
    row = evidence_of(log).estimate("A", "volume")
    assert (row["value"], row["n_events"], row["unit"]) == (5 / 2, 5, "1/week")


def test_volume_of_a_log_shorter_than_a_week_is_immature(log_of: LogOf) -> None:
    log = log_of(("a", 0, "A"), ("b", 6 * DAY, "A"))
    assert reason(evidence_of(log), "A", "volume") == "immature_window"


@pytest.mark.slow
def test_load_counts_human_minutes_and_the_unknown_at_the_mean_of_the_known(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, 10 * MINUTE, "A", "human"),
        ("b", DAY, DAY + 20 * MINUTE, "A", "human"),
        ("c", 2 * DAY, None, "A", "human"),
        ("d", 3 * DAY, 3 * DAY + 500 * MINUTE, "A", "bot"),
        ("e", 4 * DAY, None, "B", "human"),
        ("f", 7 * DAY, None, "C", "bot"),
        columns="customer t_us end_us touchpoint actor",
    )
    evidence = evidence_of(log)
    assert value(evidence, "A", "load") == pytest.approx(3 * 15)
    assert reason(evidence, "B", "load") == "quality_gate"
    assert reason(evidence_of(log_of(("a", 0, "A"), ("b", 8 * DAY, "A"))), "A", "load") == (
        "no_column"
    )


def test_rework_is_journeys_with_a_second_visit(log_of: LogOf) -> None:
    log = log_of(
        *[("a", i, "A") for i in range(3)],
        ("b", 0, "A"),
        ("b", 1, "B"),
        ("c", 0, "A"),
        ("d", 0, "B"),
    )
    evidence = evidence_of(log)
    row = evidence.estimate("A", "rework")
    assert (row["value"], row["n_events"], row["n_journeys"]) == (pytest.approx(1 / 3), 5, 3)
    assert value(evidence, "B", "rework") == 0


def test_exceptions_are_errors_and_humans_passing_on_to_humans(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "A", "human", "h1", False),  # passes on to h2
        ("a", 1, "A", "human", "h2", False),  # goes on alone
        ("a", 2, "A", "human", "h2", True),  # an error
        ("b", 0, "A", "bot", "b1", None),  # nothing would show an exception
        ("b", 1, "A", "human", "h1", None),
        columns="customer t_us touchpoint actor resource error",
    )
    row = evidence_of(log).estimate("A", "exceptions")
    assert (row["value"], row["n_events"]) == (2 / 4, 4)


def test_another_agent_at_the_next_contact_is_no_transfer(log_of: LogOf) -> None:
    turns = [("a", 0, "A", "s1", "h1"), ("a", 1, "B", "s1", "h2"), ("a", 2, "A", "s2", "h3")]
    rows = [(who, at, what, "human", session, by) for who, at, what, session, by in turns]
    log = log_of(*rows, columns="customer t_us touchpoint actor session resource")
    assert value(evidence_of(log), "A", "exceptions") == 1 / 2  # h1 to h2 within s1
    assert value(evidence_of(log), "B", "exceptions") == 0


def test_exceptions_need_a_column(log_of: LogOf) -> None:
    assert reason(evidence_of(log_of(("a", 0, "A"))), "A", "exceptions") == "no_column"


def test_required_fields_are_the_share_filled(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "A", "x", None),
        ("b", 0, "A", "y", "z"),
        ("c", 0, "B", None, None),
        columns="customer t_us touchpoint intent segment",
    )
    evidence = evidence_of(log, required_fields={"A": ("intent", "segment")})
    assert value(evidence, "A", "required_fields") == 3 / 4
    assert reason(evidence, "B", "required_fields") == "no_column"


@pytest.mark.parametrize(
    ("flags", "share"),
    [
        (("yes", "no", None), 1 / 2),  # a missing flag is not known
        (("yes", None, None), 1 / 3),  # a column that only ever says yes says no by silence
        (("0", "false", "No"), 0.0),
        (("ja", "Nein", "non"), 1 / 3),
        (("0.0", "falsch", "faux"), 0.0),
    ],
)
def test_vulnerable_is_a_share_of_customers(
    log_of: LogOf, flags: tuple[str | None, ...], share: float
) -> None:
    rows = [(f"c{i}", step, "A", flag) for i, flag in enumerate(flags) for step in range(i + 1)]
    log = log_of(*rows, columns="customer t_us touchpoint needs_care")
    assert value(evidence_of(log, vulnerable="needs_care"), "A", "vulnerable") == share


def test_drop_off_leaves_open_journeys_out(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "A"),
        ("a", 1, "Goal"),
        ("b", 0, "A"),
        ("c", 0, "A"),
        ("c", 1, "B"),
        ("d", 50 * DAY, "A"),  # still open when the log ends
    )
    evidence = evidence_of(log, goals=("Goal",))
    row = evidence.estimate("A", "drop_off")
    assert (row["value"], row["n_journeys"]) == (pytest.approx(1 / 3), 3)
    assert value(evidence, "B", "drop_off") == 1
    assert value(evidence, "Goal", "drop_off") == 0
    assert reason(evidence_of(log), "A", "drop_off") == "unidentified"


@pytest.mark.slow
def test_journeys_are_judged_by_the_goals_of_their_own_matter(
    log_of: LogOf, parts: Callable[..., Any]
) -> None:
    """Of 4 who want to buy, 3 order; nobody with a bill orders, and none of them broke off."""
    buyers = [(f"b{i}", 0, "Web", "buy") for i in range(4)]
    orders = [(f"b{i}", 1, "Order", None) for i in range(3)]
    payers = [(f"p{i}", at, ("Web", "Bill call")[at], "bill") for i in range(12) for at in (0, 1)]
    strays = [("p0", 2, "Order", "buy"), *((f"x{i}", 0, "Web", None) for i in range(2))]
    log = log_of(*buyers, *orders, *payers, *strays, columns="customer position touchpoint intent")
    bought = {"buy": ("Order",), "bill": ()}

    def dropped(touchpoint: str, **settings: Any) -> Any:
        cut = JourneySettings(min_customers=1, **settings)
        loose = MeasureSettings(min_starts=1, min_base_customers=1)
        return measure(rebuild(log, cut), loose).estimate(touchpoint, "drop_off")

    # One goal for all: everybody who asked about a bill seems lost, but for one who ordered too.
    assert dropped("Bill call", goals=("Order",))["value"] == pytest.approx(11 / 12)
    assert dropped("Web", goals=("Order",))["value"] == pytest.approx(3 / 18)
    own = dropped("Web", goals_by_intent=bought)
    assert (own["value"], own["n_journeys"]) == (pytest.approx(1 / 4), 4)
    bill = dropped("Bill call", goals_by_intent=bought)
    assert (pd.isna(bill["value"]), bill["abstain"]) == (True, "unidentified")
    # Who states no listed intent is judged by the general goals.
    rest = dropped("Web", goals=("Bill call",), goals_by_intent=bought)
    assert (rest["value"], rest["n_journeys"]) == (pytest.approx(3 / 6), 6)
    # The table of break-offs says whom it counts: the 4 who want to buy.
    journeys = rebuild(log, JourneySettings(min_customers=1, goals_by_intent=bought))
    chain = parts(table=pd.DataFrame(columns=["touchpoint", "measure"]))
    shown = break_offs(
        parts(structure=parts(chain=chain), evidence=measure(journeys), journeys=journeys)
    )
    assert "4 of 18 journeys are about a matter that has a goal." in shown.note


@pytest.mark.slow
def test_another_touchpoint_changes_no_others_volume_and_rework(log_of: LogOf) -> None:
    rng = np.random.default_rng(3)
    rows: list[tuple[object, ...]] = [
        (f"c{i % 40}", int(rng.integers(0, 30 * DAY)), str(rng.choice(["A", "B"])))
        for i in range(300)
    ]
    rows += [("c0", 0, "A"), ("c0", 30 * DAY, "A")]
    between = [(f"c{i}", int(rng.integers(0, 30 * DAY)), "New") for i in range(40)]
    before = evidence_of(log_of(*rows), gap_days=365)
    after = evidence_of(log_of(*rows, *between), gap_days=365)
    for name in ("volume", "rework"):
        for touchpoint in "AB":
            columns = ["value", "lo", "hi", "n_events", "n_journeys", "n_customers"]
            one, two = (e.estimate(touchpoint, name)[columns] for e in (before, after))
            assert list(one) == list(two)


@pytest.mark.slow
def test_a_random_log_agrees_with_pandas(log_of: LogOf) -> None:
    rng = np.random.default_rng(5)
    rows = []
    for i in range(400):
        start = int(rng.integers(0, 40 * DAY))
        end = start + int(rng.integers(0, 60 * MINUTE))
        words = (str(rng.choice(list("ABC"))), str(rng.choice(["human", "bot"])))
        rows.append((f"c{rng.integers(60)}", start, end, *words, bool(rng.random() < 0.2), i))
    columns = "customer t_us end_us touchpoint actor error position"
    evidence = evidence_of(log_of(*rows, columns=columns), gap_days=365)
    frame = pd.DataFrame(rows, columns=columns.split()).sort_values(["t_us", "position"])
    span = frame["t_us"].max() - frame["t_us"].min() + 1
    weeks = int(span // (7 * DAY))
    within = frame["t_us"] < frame["t_us"].min() + weeks * 7 * DAY
    for touchpoint, own in frame.groupby("touchpoint"):
        name = str(touchpoint)
        inside = own[within.loc[own.index]]
        human = inside[inside["actor"] == "human"]
        minutes = (human["end_us"] - human["t_us"]).sum() / MINUTE
        visits = own.groupby("customer").size()
        assert value(evidence, name, "volume") == pytest.approx(len(inside) / weeks)
        assert value(evidence, name, "load") == pytest.approx(minutes / weeks)
        assert value(evidence, name, "rework") == pytest.approx((visits > 1).mean())
        assert value(evidence, name, "exceptions") == pytest.approx(own["error"].mean())
        service = ((own["end_us"] - own["t_us"]) / 1e6).median()
        assert value(evidence, name, "service") == pytest.approx(service)
        ends = own["end_us"]
        gap = (frame.groupby("customer")["t_us"].shift(-1).loc[own.index] - ends).clip(lower=0)
        assert value(evidence, name, "wait") == pytest.approx(gap.median() / 1e6)


def test_the_turns_of_a_conversation_are_one_visit(log_of: LogOf) -> None:
    turns = [
        ("a", 0, "Chat", "s1", "bot", False),
        ("a", MINUTE, "Chat", "s1", "human", True),
        ("a", 2 * MINUTE, "Chat", "s1", "human", True),
        ("a", DAY, "Mail", "s2", "human", False),
        ("b", 0, "Chat", "s3", "bot", False),
        ("b", 6 * MINUTE, "Chat", "s3", "bot", False),
        ("b", DAY, "Chat", "s4", "bot", False),
        ("c", 8 * DAY, "Mail", "s5", "human", False),
    ]
    evidence = evidence_of(log_of(*turns, columns="customer t_us touchpoint session actor error"))
    row = evidence.estimate("Chat", "volume")
    assert (row["value"], row["n_events"]) == (3, 3)
    assert value(evidence, "Chat", "rework") == 1 / 2
    assert value(evidence, "Chat", "exceptions") == pytest.approx(1 / 3)
    # s1 took two minutes and s3 six; how long the one turn of s4 took is not known.
    assert value(evidence, "Chat", "service") == pytest.approx(240)
    assert evidence.estimate("Chat", "next_steps")["n_events"] == 3
    assert evidence.flow["self_loop_rate"].value == pytest.approx(1 / 2)
