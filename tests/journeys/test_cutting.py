"""Cuts by gap, goal and learning, against journeys planted and answers worked out by hand."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from journeylib.core.errors import SchemaError
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.segmentation.silence_gap import fit_gap
from journeylib.journeys.walk import segment as cutting
from journeylib.judge.settings import JudgeSettings
from journeylib.log.eventlog import EventLog
from journeylib.measures.settings import MeasureSettings
from journeylib.present.views.quality import definitions

HOUR = 3_600_000_000
DAY = 24 * HOUR
LogOf = Callable[..., EventLog]


def journeys_of(found: Journeys) -> list[tuple[str, ...]]:
    frame = found.steps.to_pandas().sort_values(["journey", "step"])
    return [tuple(part) for _, part in frame.groupby("journey")["touchpoint"]]


def test_a_goal_closes_a_journey_and_so_does_silence(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Look"),
        ("a", HOUR, "Buy"),
        ("a", 2 * HOUR, "Look"),
        ("a", 9 * DAY, "Look"),
        ("a", 9 * DAY + 1, "Leave"),
        ("a", 9 * DAY + 2, "Buy"),
    )
    settings = JourneySettings(cut="goal", goals=("Buy",), bad_ends=("Leave",), gap_days=7)
    found = rebuild(log, settings)
    assert journeys_of(found) == [("Look", "Buy"), ("Look",), ("Look", "Leave"), ("Buy",)]
    assert found.cut == "goal"
    assert found.cutting.gap_days == 7


def test_the_turns_about_a_goal_belong_to_it(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "s", "Buy"),
        ("a", 1, "s", "Buy"),
        ("a", 2, "t", "Buy"),
        columns="customer t_us session touchpoint",
    )
    found = rebuild(log, JourneySettings(cut="goal", goals=("Buy",)))
    assert journeys_of(found) == [("Buy", "Buy"), ("Buy",)]


def test_a_goal_cuts_without_a_clock_and_needs_a_goal(log_of: LogOf) -> None:
    log = log_of(("a", 1, "Buy"), ("a", 2, "Look"), columns="customer position touchpoint")
    found = rebuild(log, JourneySettings(cut="goal", goals=("Buy",)))
    assert journeys_of(found) == [("Buy",), ("Look",)]
    with pytest.raises(ValidationError, match="neither 'goals' nor 'bad_ends'"):
        JourneySettings(cut="goal")


def bimodal(seed: int) -> list[tuple[str, int, str]]:
    """Forty customers, twelve pairs of events 90 s apart, two days between the pairs."""
    draw = np.random.default_rng(seed)
    rows = []
    for customer in range(40):
        at = 0
        for _pair in range(12):
            at += int(draw.lognormal(np.log(2 * DAY), 0.5))
            rows.append((f"c{customer}", at, "Ask"))
            at += int(draw.lognormal(np.log(90e6), 0.5))
            rows.append((f"c{customer}", at, "Answer"))
    return rows


def test_a_gap_is_fitted_where_silences_have_two_humps(log_of: LogOf) -> None:
    found = rebuild(log_of(*bimodal(1)), JourneySettings(gap_days="fitted"))
    assert journeys_of(found) == [("Ask", "Answer")] * 480
    cut = found.cutting
    assert (cut.kind, cut.answer, cut.reason) == ("gap", "found", "")
    assert cut.gap_us is not None and 90e6 * 3 < cut.gap_us < 2 * DAY / 3
    assert cut.quiet_us == cut.gap_us
    assert (cut.learned_customers, cut.customers) == (40, 40)
    assert cut.confidence == pytest.approx(1.0, abs=1e-3)
    assert cut.doubtful == 0.0


def test_silences_inside_a_session_do_not_count_and_one_hump_is_assumed(log_of: LogOf) -> None:
    rows = [(c, at, f"{c}{n // 2}", what) for n, (c, at, what) in enumerate(bimodal(2))]
    log = log_of(*rows, columns="customer t_us session touchpoint")
    found = rebuild(log, JourneySettings(gap_days="fitted", assumed_gap_days=9)).cutting
    assert (found.answer, found.gap_days) == ("assumed", 9)
    assert "one hump" in found.reason
    assert "9 days of silence between them (assumed); the gaps have one hump" in found.definition


def test_a_boundary_is_as_probable_as_the_two_humps_say(log_of: LogOf) -> None:
    rows = bimodal(3)
    found = rebuild(log_of(*rows), JourneySettings(gap_days="fitted"))
    steps = found.steps.to_pandas().sort_values(["customer_no", "t_us"])
    assert steps.groupby("customer_no").head(1)["boundary_micro"].isna().all()
    gaps = steps.groupby("customer_no")["t_us"].diff()
    fitted = fit_gap(gaps.dropna().to_numpy())
    assert fitted.log_odds is not None
    square, slope, constant = fitted.log_odds
    x = math.log(fitted.cut_us)
    assert abs(square * x * x + slope * x + constant) < 1e-4  # even odds at the cut
    for gap, micro in zip(gaps[1:24], steps["boundary_micro"][1:24], strict=True):
        x = math.log(gap)
        odds = square * x * x + slope * x + constant
        assert micro == pytest.approx(1e6 / (1 + math.exp(-min(max(odds, -40), 40))), abs=1)
    table = found.table.to_pandas()
    assert table["boundary_micro"].isna().sum() == 40


def test_copies_of_an_event_share_no_boundary(log_of: LogOf) -> None:
    rows = [(c, at, 7, what) for c, at, what in bimodal(4)]
    # Every visit begins with two events that nothing tells apart; the first begins the journey.
    doubled = [row for row in rows for _copy in range(2 if row[3] == "Ask" else 1)]
    log = log_of(*doubled, columns="customer t_us position touchpoint")
    steps = rebuild(log, JourneySettings(gap_days="fitted")).steps.to_pandas()
    begins = steps[steps["step"] == 1].dropna(subset="boundary_micro")
    assert len(begins) == 40 * 11
    assert (begins["boundary_micro"] > 500_000).all()
    assert (steps[steps["step"] > 1]["boundary_micro"] < 500_000).all()


def planted(customers: int, seed: int = 5) -> list[tuple[str, int, str, int]]:
    """Streams of eight kinds of journey over 15 touchpoints; the last column is the truth."""
    draw = random.Random(seed)
    kinds = [draw.choices(range(15), k=draw.randint(3, 8)) for _ in range(8)]
    rows = []
    for customer in range(customers):
        at = 0.0
        for journey in range(6):
            at += HOUR
            for touchpoint in draw.choice(kinds):
                at += draw.expovariate(1 / HOUR)
                rows.append((f"c{customer:04d}", int(at), f"T{touchpoint:02d}", journey))
    return rows


def right_pairs(found: Journeys) -> float:
    """Share of pairs of successive events of one customer that are rightly joined or cut."""
    steps = found.steps.to_pandas().sort_values(["customer_no", "t_us", "position"])
    steps["truth"] = steps["truth"].astype(int)
    before = steps.groupby("customer_no")[["journey", "truth"]].diff().dropna() != 0
    return float((before["journey"] == before["truth"]).mean())


COLUMNS = "customer t_us touchpoint truth"


def test_learned_boundaries_find_the_planted_journeys(log_of: LogOf) -> None:
    log = log_of(*planted(60), columns=COLUMNS)
    found = rebuild(log, JourneySettings(cut="learned"))
    assert right_pairs(found) > 0.98
    assert right_pairs(rebuild(log, JourneySettings(gap_days=2 / 24))) < 0.92
    assert found.cutting.confidence is not None and found.cutting.confidence > 0.95
    assert found.cutting.doubtful is not None and found.cutting.doubtful < 0.05
    assert "sample of 60 of 60 customers" in found.cutting.definition


def test_customers_outside_the_sample_are_judged_by_what_was_learned(
    log_of: LogOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = planted(150)
    monkeypatch.setattr(cutting, "SAMPLE_EVENTS", math.ceil(len(rows) / 3))
    found = rebuild(log_of(*rows, columns=COLUMNS), JourneySettings(cut="learned"))
    assert (found.cutting.learned_customers, found.cutting.customers) == (50, 150)
    assert right_pairs(found) > 0.97


def test_where_nothing_can_be_learned_the_gap_is_assumed_and_says_so(log_of: LogOf) -> None:
    log = log_of(("a", 0, "A"), ("a", 40 * DAY, "B"))
    found = rebuild(log, JourneySettings(cut="learned"))
    assert journeys_of(found) == [("A",), ("B",)]
    assert (found.cutting.kind, found.cutting.answer) == ("gap", "assumed")
    assert found.cutting.reason.startswith("boundaries cannot be learned: 1 pairs of events")


def test_a_case_id_wins_unless_another_cut_is_asked_for(log_of: LogOf) -> None:
    log = log_of(("a", "1", 0, "A"), ("a", "2", 1, "B"), columns="customer case t_us touchpoint")
    assert rebuild(log, JourneySettings(gap_days="fitted")).cut == "case"
    assert rebuild(log, JourneySettings(cut="gap")).cut == "gap"


def by_channel(seed: int) -> list[tuple[str, int, str, str]]:
    """Chats 90 s apart in pairs two days apart; other customers' letters weeks apart; one fax."""
    chats = [(f"web{c}", at, what, "chat") for c, at, what in bimodal(seed)]
    draw = np.random.default_rng(seed)
    letters = []
    for customer in range(40):
        times = draw.lognormal(np.log(6 * DAY), 0.3, 12).cumsum().astype(int)
        letters += [(f"post{customer}", int(at), "Letter", "post") for at in times]
    return [*chats, *letters, ("fax", 0, "Fax", "fax"), ("fax", 5 * DAY, "Fax", "fax")]


CHANNELS = "customer t_us touchpoint channel"


def test_each_channel_has_a_gap_of_its_own_found_or_assumed(log_of: LogOf) -> None:
    log = log_of(*by_channel(1), columns=CHANNELS)
    found = rebuild(log, JourneySettings(gap_days="fitted", assumed_gap_days=9))
    gaps = {gap.channel: gap for gap in found.cutting.channels}
    assert list(gaps) == ["", "chat", "post"]
    assert [gap.answer for gap in gaps.values()] == ["assumed", "found", "assumed"]
    assert 90e6 * 3 < gaps["chat"].gap_us < 2 * DAY / 3
    assert gaps["post"].gap_days == gaps[""].gap_days == 9
    assert "one hump" in gaps["post"].reason
    assert "too few" in gaps[""].reason
    chats = [names for names in journeys_of(found) if "Ask" in names]
    assert chats == [("Ask", "Answer")] * 480
    assert journeys_of(found).count(("Fax", "Fax")) == 1  # five days are no silence there
    assert found.cutting.answer == "found"
    assert found.cutting.gap_days == found.cutting.quiet_us / DAY == 9
    assert "assumed for 2 of 3 channels" in found.cutting.definition
    assert "to 9 days of silence, by the channel before it" in found.cutting.definition
    # Only chats have a probability of a boundary: 40 customers × 23 silences.
    assert int(found.steps.boundary_micro.count().to_pyarrow().as_py()) == 40 * 23
    assert "fax" not in found.cutting.definition


def test_a_gap_may_be_stated_for_each_channel(log_of: LogOf) -> None:
    rows = [("a", 0, "A", "chat"), ("a", 2 * DAY, "B", "post"), ("a", 4 * DAY, "C", "chat")]
    rows.append(("a", 6 * DAY, "D", None))
    rows.append(("a", 8 * DAY, "E", None))
    log = log_of(*rows, columns=CHANNELS)
    settings = JourneySettings(gap_days={"chat": 1, "post": 3}, assumed_gap_days=2.5)
    found = rebuild(log, settings)
    assert journeys_of(found) == [("A",), ("B", "C"), ("D", "E")]
    assert {gap.channel: gap.gap_days for gap in found.cutting.channels} == {
        "": 2.5,
        "chat": 1,
        "post": 3,
    }
    assert (found.cutting.answer, found.cutting.gap_days) == ("declared", 3)


def test_gaps_of_unknown_channels_are_refused(log_of: LogOf) -> None:
    log = log_of(("a", 0, "A", "chat"), columns=CHANNELS)
    with pytest.raises(SchemaError, match="Did you mean 'chat'"):
        rebuild(log, JourneySettings(gap_days={"chats": 1}))
    with pytest.raises(SchemaError, match="has no channels"):
        rebuild(log_of(("a", 0, "A")), JourneySettings(gap_days={"chat": 1}))


def test_what_counts_as_over_follows_the_silences_inside_cases(
    log_of: LogOf, parts: Callable[..., Any]
) -> None:
    """40 cases of five hours, two of which pause three days: silent for four hours is over."""
    hour = 3_600_000_000
    rows = [
        (f"c{number}", number, number * 12 * hour + at * hour, touchpoint)
        for number in range(40)
        for at, touchpoint in ((0, "A"), (1, "B"), (75 if number in (3, 5) else 5, "C"))
    ]
    log = log_of(*rows, columns="customer case t_us touchpoint")
    journeys = rebuild(log, JourneySettings(cut="case"))
    assert journeys.cutting.quiet_us == 4 * hour and journeys.cutting.quiet_found
    assert int(journeys.outline.is_open.sum()) == 1
    stated = rebuild(log, JourneySettings(cut="case", quiet_days=30))
    assert stated.cutting.quiet_us == 30 * 24 * hour and not stated.cutting.quiet_found
    assert int(stated.outline.is_open.sum()) == 40

    def told(journeys: Journeys) -> str:
        settings = parts(
            journeys=journeys.settings, measures=MeasureSettings(), judge=JudgeSettings()
        )
        evidence = parts(totals={"suppressed": 0, "customers": 40})
        words = definitions(parts(config=settings, evidence=evidence, journeys=journeys)).frame
        return str(words.set_index("term").loc["Open journey", "meaning_here"])

    sentence = "last heard of less than {} before the log ends, without an end ({})"
    silent = "95 % of the journeys never were silent for longer"
    assert told(journeys) == sentence.format("4 h", silent)
    assert told(stated) == sentence.format("30 days", "as set")
