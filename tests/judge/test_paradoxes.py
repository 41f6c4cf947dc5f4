"""Six paradoxes on tiny logs whose answers are worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from journeylib.core.errors import ConfigError
from journeylib.core.estimate import Estimate
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.judge.paradoxes.context import Side
from journeylib.judge.paradoxes.paradoxes import (
    PARADOXES,
    Paradox,
    ParadoxSettings,
    context_of,
    paradox_of,
    paradoxes,
    reached,
    sentence,
)
from journeylib.log.engine.duckdb import scratch_name
from journeylib.log.eventlog import EventLog
from journeylib.measures.bots.handoff_audit import audit_handoffs
from journeylib.measures.settings import MeasureSettings

LogOf = Callable[..., EventLog]
S = 1_000_000
DAY = 86_400 * S
PEOPLE = 30
FIELDS = "t_us touchpoint actor intent session"
Row = dict[str, Any]


def turn(day: float, second: int, actor: str, session: str, **more: Any) -> Row:
    """One event of every customer."""
    own = {"touchpoint": actor, "intent": "billing"}
    return {"t_us": round(day * DAY) + second * S, "actor": actor, "session": session} | own | more


def journeys_of(log_of: LogOf, script: list[Row], columns: str = "", **settings: Any) -> Journeys:
    """Let thirty customers live through the same script; a last event on day 300 ends the log."""
    names = f"{FIELDS} {columns}".split()
    script = [*script, turn(300, 0, "customer", "end", intent=None)]
    rows = [
        (f"c{person}", *(row.get(name) for name in names))
        for person in range(PEOPLE)
        for row in script
    ]
    log = log_of(*rows, columns=" ".join(["customer", *names]))
    return rebuild(log, JourneySettings(**({"min_customers": 1, "gap_days": 20.0} | settings)))


def found(
    journeys: Journeys,
    name: Any,
    handoffs: Any = None,
    measures: MeasureSettings | None = None,
    **settings: Any,
) -> Paradox:
    chosen = ParadoxSettings(**settings)
    context = context_of(journeys, chosen, handoffs=handoffs, measures=measures)
    return paradox_of(name, context, chosen)


STATES = [
    (True, True, "active"),
    (True, False, "benefit_only"),
    (False, True, "cost_only"),
    (False, False, "none"),
]


@pytest.mark.parametrize(("quick", "alone", "state"), STATES)
def test_connected_isolated(log_of: LogOf, quick: bool, alone: bool, state: str) -> None:
    wait = 300 if quick else 60
    script = [
        turn(0, 0, "customer", "h"),
        turn(0, wait, "human", "h"),
        turn(40, 0, "customer", "b", sentiment_micro=-800_000 if alone else 100_000),
        turn(40, 60, "bot", "b"),
    ]
    paradox = found(journeys_of(log_of, script, "sentiment_micro"), "connected_isolated")
    assert paradox.state == state
    assert paradox.benefit.value == (1.0 if quick else 0.0)
    assert paradox.cost.value == (1.0 if alone else 0.0)
    assert paradox.cost.n_customers == PEOPLE


@pytest.mark.parametrize(("days_until_human", "share"), [(90, 0.0), (91, 1.0)])
def test_a_human_within_ninety_days_ends_isolation(
    log_of: LogOf, days_until_human: int, share: float
) -> None:
    script = [
        turn(0, 0, "customer", "b", sentiment_micro=-50_000),
        turn(0, 9, "bot", "b"),
        turn(days_until_human, 0, "human", "h"),
    ]
    journeys = journeys_of(log_of, script, "sentiment_micro")
    assert found(journeys, "connected_isolated").cost.value == share


@pytest.mark.parametrize(
    ("bot", "repeat", "state", "contact", "resolution"),
    [
        # One human contact of 5 on its own, one of 8 after the bot: 1 against 6.5, 9 against 5.
        (1, 8, "active", 1 / 6.5 - 1, 9 / 5 - 1),
        (1, 0, "benefit_only", 1 / 5 - 1, 1 / 5 - 1),
        (6, 0, "cost_only", 6 / 5 - 1, 6 / 5 - 1),
        (5, 0, "none", 0.0, 0.0),
    ],
)
def test_lower_cost_higher_price(
    log_of: LogOf, bot: int, repeat: int, state: str, contact: float, resolution: float
) -> None:
    script = [
        turn(0, 0, "human", "h", cost_micro=5 * S),
        turn(40, 0, "bot", "b", cost_micro=bot * S),
    ]
    if repeat:
        script.append(turn(42, 0, "human", "r", cost_micro=repeat * S))
    paradox = found(journeys_of(log_of, script, "cost_micro"), "lower_cost_higher_price")
    assert paradox.state == state
    assert paradox.benefit.value == pytest.approx(contact)
    assert paradox.cost.value == pytest.approx(resolution)


@pytest.mark.parametrize(("better", "colder", "state"), STATES)
def test_quality_less_empathy(log_of: LogOf, better: bool, colder: bool, state: str) -> None:
    after_bot = -800_000 if colder else 400_000
    script = [
        turn(0, 0, "customer", "h", sentiment_micro=-800_000),
        turn(0, 5, "human", "h"),
        turn(0, 9, "customer", "h", sentiment_micro=400_000),
        turn(40, 0, "customer", "b", sentiment_micro=-800_000),
        turn(40, 5, "bot", "b"),
        turn(40, 9, "customer", "b", sentiment_micro=after_bot),
    ]
    if better:
        script.append(turn(2, 0, "human", "again"))
    paradox = found(journeys_of(log_of, script, "sentiment_micro"), "quality_less_empathy")
    assert paradox.state == state
    assert paradox.benefit.value == (1.0 if better else 0.0)
    assert paradox.cost.value == pytest.approx(-1.2 if colder else 0.0)
    assert paradox.cost.unit == "points"


RATINGS = [
    # The first two have the same mean, 7: only the tail tells them apart.
    ([10] * 7 + [0] * 3, "active", 0.7, 0.3),
    ([7] * 10, "benefit_only", 1.0, 0.0),
    ([5] * 7 + [2] * 3, "cost_only", 0.0, 0.3),
    ([5] * 10, "none", 0.0, 0.0),
]


@pytest.mark.parametrize(("ratings", "state", "good", "tail"), RATINGS)
def test_satisfied_frustrated_looks_at_the_tail(
    log_of: LogOf, ratings: list[int], state: str, good: float, tail: float
) -> None:
    script = [
        turn(number, 0, "bot", f"b{number}", rating_micro=rating * S)
        for number, rating in enumerate(ratings)
    ]
    journeys = journeys_of(log_of, script, "rating_micro")
    paradox = found(journeys, "satisfied_frustrated", rating_scale=(0, 10))
    assert paradox.state == state
    assert (paradox.benefit.value, paradox.cost.value) == pytest.approx((good, tail))


def test_without_a_declared_scale_the_usual_one_is_taken(log_of: LogOf) -> None:
    # 2 to 4 fits 1 to 5: 4 is satisfied there, and 2 is not of the worst.
    script = [
        turn(0, 0, "bot", "b0", rating_micro=4 * S),
        turn(1, 0, "bot", "b1", rating_micro=2 * S),
    ]
    journeys = journeys_of(log_of, script, "rating_micro")
    paradox = found(journeys, "satisfied_frustrated")
    assert (paradox.benefit.value, paradox.cost.value) == (0.5, 0.0)
    assert found(journeys, "satisfied_frustrated", rating_scale=(2, 4)).cost.value == 0.5


@pytest.mark.slow
def test_texts_are_scored_where_no_sentiment_is_brought(log_of: LogOf) -> None:
    bad, good = "This is a terrible and awful mess", "This is a wonderful and great help"
    script = []
    for actor, answer, day in (("bot", bad, 0), ("human", good, 40)):
        script += [
            turn(day, 0, "customer", actor, text=bad),
            turn(day, 5, actor, actor, text="Yes"),
            turn(day, 9, "customer", actor, text=answer),
        ]
    cost = found(journeys_of(log_of, script, "text"), "quality_less_empathy").cost
    assert cost.value is not None
    assert -2 <= cost.value < -1
    # The lexicon knows no word of "Yes"; customers alone are heard, and all of them use its words.
    source = "column text, VADER lexicon as a cold start (English; a word of it in 100 % of turns)"
    assert f"sentiment as in {source}" in cost.assumptions


@pytest.mark.slow
def test_who_gave_no_rating_may_be_in_the_tail(log_of: LogOf) -> None:
    script = [
        turn(0, 0, "bot", "b0", rating_micro=10 * S),
        turn(1, 0, "bot", "b1"),
    ]
    journeys = journeys_of(log_of, script, "rating_micro")
    paradox = found(journeys, "satisfied_frustrated", rating_scale=(0, 10))
    assert (paradox.benefit.value, paradox.cost.value) == (1.0, 0.0)
    half = found(
        journeys_of(
            log_of,
            [script[0], turn(1, 0, "bot", "b1", rating_micro=0)],
            "rating_micro",
        ),
        "satisfied_frustrated",
        rating_scale=(0, 10),
    )
    assert paradox.cost.hi == pytest.approx(half.cost.hi)


@pytest.mark.slow
@pytest.mark.parametrize(("resolves", "opts_out", "state"), STATES)
def test_personalised_intrusive(log_of: LogOf, resolves: bool, opts_out: bool, state: str) -> None:
    script = []
    for day, data in ((0, "name"), (40, "name"), (80, "0"), (120, "0")):
        script.append(turn(day, 0, "bot", f"b{day}", context_sent=data))
        if data == "0" and resolves:
            script.append(turn(day + 2, 0, "bot", f"again{day}", context_sent=data))
        if day in ((0, 40, 80) if opts_out else (0, 80)):
            script.append(turn(day + 3, 0, "customer", f"o{day}", touchpoint="Opt-out"))
    paradox = found(
        journeys_of(log_of, script, "context_sent"),
        "personalised_intrusive",
        personal_data="context_sent",
        privacy_touchpoints=("Opt-out",),
    )
    assert paradox.state == state
    assert paradox.benefit.value == (1.0 if resolves else 0.0)
    assert paradox.cost.value == pytest.approx(2.0 if opts_out else 1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bots", "state", "alone", "widest"),
    [
        (["A", "A", "A", None], "active", 3 / 4, 3 / 4),
        (["A", "B", "C", None], "benefit_only", 3 / 4, 1 / 4),
        (["A", "A", None, None, None], "cost_only", 2 / 5, 2 / 5),
        (["A", None, None, None, None], "none", 1 / 5, 1 / 5),
    ],
)
def test_powerful_vulnerable(
    log_of: LogOf, bots: list[str | None], state: str, alone: float, widest: float
) -> None:
    script = [
        turn(40 * number, 0, "bot" if bot else "human", f"s{number}", resource=bot)
        for number, bot in enumerate(bots)
    ]
    paradox = found(journeys_of(log_of, script, "resource"), "powerful_vulnerable")
    assert paradox.state == state
    assert paradox.benefit.value == pytest.approx(alone)
    assert paradox.cost.value == pytest.approx(widest)


@pytest.mark.slow
def test_the_blast_radius_counts_journeys_that_a_human_ends_too(log_of: LogOf) -> None:
    # Of five journeys: A alone; A then a human; B alone; a human alone; A, which is lost.
    script = [
        turn(0, 0, "bot", "s0", resource="A"),
        turn(40, 0, "bot", "s1", resource="A"),
        turn(40, 9, "human", "s1", resource="h"),
        turn(80, 0, "bot", "s2", resource="B"),
        turn(120, 0, "human", "s3", resource="h"),
        turn(160, 0, "bot", "s4", resource="A"),
        turn(160, 9, "customer", "s4", touchpoint="Cancel"),
    ]
    journeys = journeys_of(log_of, script, "resource", bad_ends=("Cancel",))
    paradox = found(journeys, "powerful_vulnerable", fallback_tested=date(2026, 1, 5))
    # Three of five pass through A, and one of those is lost anyway.
    assert paradox.cost.value == pytest.approx(2 / 5)
    assert paradox.supporting["through_one_bot_alone"].value == pytest.approx(1 / 5)
    # Three of four passages are A's.
    assert paradox.supporting["dependence"].value == pytest.approx((3 / 4) ** 2 + (1 / 4) ** 2)
    assert "last tried on 2026-01-05" in paradox.reasons[2]
    assert "never tried" in found(journeys, "powerful_vulnerable").reasons[2]


@pytest.mark.slow
def test_the_blast_radius_is_a_count_whatever_came_before(log_of: LogOf) -> None:
    # Each passes through both bots; a chain that forgets the order sends a quarter past A.
    script = [
        turn(40 * n, 9 * k, "bot", f"s{n}", touchpoint=name)
        for n, path in enumerate(("AB", "BA"))
        for k, name in enumerate(path)
    ]
    assert found(journeys_of(log_of, script), "powerful_vulnerable").cost.value == 1


@pytest.mark.slow
def test_the_blast_radius_of_a_published_example(log_of: LogOf) -> None:
    # Anderl et al.'s example: C1>C2>C3 done, C1 lost, C2>C3 lost: one of three done, through C1.
    paths = [("C1", "C2", "C3"), ("C1", "Cancel"), ("C2", "C3", "Cancel")]
    script = [
        turn(40 * n, 9 * k, "customer" if name == "Cancel" else "bot", f"s{n}", touchpoint=name)
        for n, path in enumerate(paths)
        for k, name in enumerate(path)
    ]
    journeys = journeys_of(log_of, script, bad_ends=("Cancel",))
    assert found(journeys, "powerful_vulnerable").cost.value == pytest.approx(1 / 3)


@pytest.mark.slow
def test_corrections_follow_a_bot_s_answer(log_of: LogOf) -> None:
    script = [
        turn(0, 0, "bot", "b", text="Your bill is 20."),
        turn(0, 5, "customer", "b", text="That is wrong, I paid it"),
        turn(0, 9, "bot", "b", text="Let me look at it again."),
        turn(0, 12, "customer", "b", text="Thank you for the help"),
        turn(0, 15, "human", "b", text="Hello, this is the service."),
        turn(0, 18, "customer", "b", text="No, that's not correct at all"),
        turn(1, 0, "bot", "c", text="Good morning."),
        turn(1, 2, "bot", "c", text="Can I help you?"),
    ]
    figures = found(journeys_of(log_of, script, "text"), "powerful_vulnerable").supporting
    # Four turns of bots, one of them contradicted; what is said to the human is not the bot's.
    assert figures["corrections"].value == pytest.approx(250.0)
    flagged = [row | {"fixed": "1" if row["t_us"] == 9 * S else "0"} for row in script]
    journeys = journeys_of(log_of, flagged, "text fixed")
    declared = found(journeys, "powerful_vulnerable", corrected="fixed").supporting["corrections"]
    assert declared.value == pytest.approx(250.0)
    with pytest.raises(ConfigError, match="'fxed'"):
        found(journeys, "powerful_vulnerable", corrected="fxed")


@pytest.mark.slow
def test_what_happens_on_a_day_without_the_main_bot(log_of: LogOf) -> None:
    days = [(0, "bot"), (1, "bot"), (2, "human"), (3, "bot")]
    script = [
        turn(day, 0, actor, f"s{day}", resource="A" if actor == "bot" else "h")
        for day, actor in days
    ]
    script.append(turn(2, 9, "customer", "x", touchpoint="Cancel"))
    figures = found(journeys_of(log_of, script, "resource"), "powerful_vulnerable").supporting
    assert figures["without_main_bot"].value == 1.0
    assert figures["without_main_bot"].n_events == PEOPLE
    busy = [turn(day, 0, "bot", f"s{day}", resource="A") for day in range(3)]
    never = found(journeys_of(log_of, busy, "resource"), "powerful_vulnerable").supporting
    assert never["without_main_bot"].abstain == "unidentified"


def test_handling_is_more_even_where_the_spread_is_smaller(log_of: LogOf) -> None:
    script = []
    for number, (actor, seconds) in enumerate(
        [("bot", 10), ("bot", 20), ("human", 10), ("human", 40)]
    ):
        script.append(turn(number, 0, actor, f"s{number}"))
        script.append(turn(number, seconds, actor, f"s{number}"))
    figures = found(journeys_of(log_of, script), "quality_less_empathy").supporting
    # ln 2 apart against ln 4 apart: half the standard deviation.
    assert figures["handling_spread"].value == pytest.approx(0.5, abs=0.001)


@pytest.mark.slow
def test_personal_data_is_told_by_depth(log_of: LogOf) -> None:
    script = []
    cells = ["no", "name", "name, ,number", "3", "no", "name", "1.0", " 2 "]
    for number, cell in enumerate(cells):
        script.append(turn(20 * number, 0, "bot", f"b{number}", data=cell))
        if cell in ("no", "name"):
            script.append(turn(20 * number + 2, 0, "bot", f"again{number}", data=cell))
        if cell in ("no", "3", " 2 "):
            script.append(turn(20 * number + 1, 0, "customer", f"o{number}", touchpoint="Opt-out"))
    figures = found(
        journeys_of(log_of, script, "data", cut="customer"),
        "personalised_intrusive",
        personal_data="data",
        privacy_touchpoints=("Opt-out",),
        privacy_days=5.0,
    ).supporting
    # Matters resolved at once: none of 2 without data; of those with one field 1 of 3, with two
    # 2 of 2, with three 1 of 1.
    assert figures["resolution_one_field"].value == pytest.approx(1 / 3)
    assert figures["resolution_2_fields"].value == pytest.approx(1.0)
    assert figures["resolution_3_or_more_fields"].value == pytest.approx(1.0)
    # Contacts with an opt-out within 5 days: 2 of 4 without data, 1 of 2 with two, 1 of 1.
    assert figures["opt_outs_2_fields"].value == pytest.approx(1.0)
    assert figures["opt_outs_3_or_more_fields"].value == pytest.approx(2.0)


def test_answers_at_hours_when_nobody_is_at_work(log_of: LogOf) -> None:
    script = [
        turn(0, 36_000, "human", "h"),  # ten o'clock of the first day of the week
        turn(7, 36_100, "customer", "b1"),
        turn(7, 36_110, "bot", "b1"),
        turn(8, 80_000, "customer", "b2"),
        turn(8, 80_061, "bot", "b2"),
    ]
    figures = found(journeys_of(log_of, script), "connected_isolated").supporting
    assert figures["answered_at_once"].value == 0.5
    assert figures["answered_out_of_hours"].value == 0.0
    assert figures["answered_out_of_hours"].n_events == PEOPLE


def test_texts_make_a_customer_negative_where_no_sentiment_is_brought(log_of: LogOf) -> None:
    script = [
        turn(0, 0, "customer", "b", text="This is a terrible and awful mess"),
        turn(0, 9, "bot", "b", text="Please hold the line"),
    ]
    assert found(journeys_of(log_of, script, "text"), "connected_isolated").cost.value == 1.0


def test_bots_with_the_easy_matters_are_compared_on_the_same_matters(log_of: LogOf) -> None:
    script = []
    for number, (actor, intent) in enumerate(
        [("bot", "easy")] * 3 + [("bot", "hard")] + [("human", "easy")] + [("human", "hard")] * 3
    ):
        cost = (1 if intent == "easy" else 9) * S
        script.append(turn(number, 0, actor, f"s{number}", intent=intent, cost_micro=cost))
    paradox = found(journeys_of(log_of, script, "cost_micro"), "lower_cost_higher_price")
    # Over all matters 3 against 7; on the same matters nobody is cheaper.
    assert paradox.benefit.value == pytest.approx(0.0, abs=1e-12)


def test_no_answer_where_people_serve_other_matters(log_of: LogOf) -> None:
    script = [
        turn(0, 0, "bot", "b", intent="easy", cost_micro=S),
        turn(40, 0, "human", "h", intent="hard", cost_micro=S),
    ]
    paradox = found(journeys_of(log_of, script, "cost_micro"), "lower_cost_higher_price")
    assert (paradox.state, paradox.benefit.abstain) == ("not_measurable", "no_overlap")
    assert "no comparable customers on the other side" in paradox.reasons[0]


def test_what_a_called_human_costs_is_laid_to_the_bot(log_of: LogOf) -> None:
    script = [
        turn(0, 0, "bot", "b", cost_micro=S),
        turn(0, 60, "human", "b", cost_micro=7 * S),
        turn(40, 0, "human", "h", cost_micro=4 * S),
    ]
    paradox = found(journeys_of(log_of, script, "cost_micro"), "lower_cost_higher_price")
    assert paradox.benefit.value == pytest.approx(8 / 4 - 1)


def test_a_baseline_takes_people_from_its_days_only(log_of: LogOf) -> None:
    script = [
        turn(0, 0, "human", "h0", cost_micro=2 * S),
        turn(1, 86_399, "human", "h1", cost_micro=2 * S),
        turn(40, 0, "human", "h2", cost_micro=10 * S),
        turn(80, 0, "bot", "b", cost_micro=S),
    ]
    paradox = found(
        journeys_of(log_of, script, "cost_micro"),
        "lower_cost_higher_price",
        baseline=(date(1970, 1, 1), date(1970, 1, 2)),
    )
    assert paradox.benefit.value == pytest.approx(1 / 2 - 1)


def with_outcomes(journeys: Journeys, *dated: tuple[str, float, float]) -> Journeys:
    """Let the same kinds of outcome, at days and with values, come of every customer."""
    rows = [
        {"customer": f"c{i}", "t_us": round(day * DAY), "kind": kind, "value_micro": round(v * S)}
        for i in range(PEOPLE)
        for kind, day, v in dated
    ]
    table = pa.Table.from_pylist(rows)
    name = scratch_name("outcomes")
    outcomes = journeys.log.events.get_backend().create_table(name, table)
    return replace(journeys, log=replace(journeys.log, outcomes=outcomes))


@pytest.mark.slow
def test_what_came_of_a_matter_costs_once(log_of: LogOf) -> None:
    script = [
        turn(0, 0, "human", "h", cost_micro=5 * S),
        turn(15, 0, "bot", "b", cost_micro=S),
    ]
    outcomes = [("refund", 20, 4.0), ("churn", 20, 1.0), ("churn", 46, 1.0), ("nps", 20, 9.0)]
    journeys = with_outcomes(journeys_of(log_of, script, "cost_micro"), *outcomes)
    name = "lower_cost_higher_price"
    priced = found(journeys, name, outcome_costs={"churn": 10.0, "refund": 1.0})
    # Day 20 is within 30 days of both matters and laid to the later; day 46 is too late.
    assert priced.cost.value == pytest.approx((1 + 4 + 10) / 5 - 1)
    assert found(journeys, name).cost.value == pytest.approx(1 / 5 - 1)


@pytest.mark.slow
def test_opt_outs_may_be_outcomes(log_of: LogOf) -> None:
    script = [
        turn(day, 0, "bot", f"b{day}", context_sent=data)
        for day, data in ((0, "name"), (40, "name"), (80, None), (120, None))
    ]
    dated = [("opt_out", 1, 1.0), ("opt_out", 70, 1.0), ("opt_out", 81, 1.0), ("nps", 121, 9.0)]
    journeys = with_outcomes(journeys_of(log_of, script, "context_sent"), *dated)
    told = {"personal_data": "context_sent", "privacy_kinds": ("opt_out",)}
    paradox = found(journeys, "personalised_intrusive", **told)
    # With data days 1 and 70 (30 days after day 40, just in time), without it day 81 only.
    assert paradox.cost.value == pytest.approx(2.0)
    unnamed = found(journeys, "personalised_intrusive", personal_data="context_sent")
    assert "opt-outs or privacy complaints" in unnamed.reasons[1]


@pytest.mark.slow
def test_leaving_in_frustration_counts_with_the_hand_off_audit(log_of: LogOf) -> None:
    script = [
        turn(0, 0, "bot", "b", text="Hello, what is it?"),
        turn(0, 9, "customer", "b", text="I want to talk to a human"),
        turn(0, 12, "bot", "b", text="Sorry, could you say that again?"),
    ]
    journeys = journeys_of(log_of, script, "text")
    handoffs = audit_handoffs(journeys, MeasureSettings())
    with_audit = found(journeys, "connected_isolated", handoffs)
    assert with_audit.cost.value == 1.0
    assert found(journeys, "satisfied_frustrated", handoffs).cost.value == 1.0
    assert found(journeys, "powerful_vulnerable", handoffs).benefit.value == 0.0
    assert found(journeys, "satisfied_frustrated").cost.abstain == "no_column"
    assert found(journeys, "powerful_vulnerable").benefit.value == 1.0


@pytest.mark.slow
@pytest.mark.parametrize(("times", "share"), [(2, 0.0), (3, 1.0)])
def test_a_bot_that_says_the_same_three_times_is_a_loop(
    log_of: LogOf, times: int, share: float
) -> None:
    script = [turn(0, n, "bot", "b", text="Please wait.") for n in range(times)]
    journeys = journeys_of(log_of, script, "text")
    handoffs = audit_handoffs(journeys, MeasureSettings())
    assert found(journeys, "satisfied_frustrated", handoffs).cost.value == share


@pytest.mark.slow
def test_without_a_clock_a_bot_is_left_in_frustration_too(log_of: LogOf) -> None:
    """Of 40 journeys 10 loop, 20 ask in vain for a human, 10 come to an end."""
    talks = [
        *[[("bot", "Please wait."), ("bot", "Please wait."), ("bot", "Please wait.")]] * 10,
        *[[("bot", "Hello!"), ("customer", "I want to talk to a human"), ("bot", "Why?")]] * 20,
        *[[("bot", "Hello!"), ("customer", "Thanks, that is solved")]] * 10,
    ]
    rows = [(f"c{n}", i, "A", *said) for n, talk in enumerate(talks) for i, said in enumerate(talk)]
    log = log_of(*rows, columns="customer position touchpoint actor text")
    journeys = rebuild(log, JourneySettings(min_customers=1))
    handoffs = audit_handoffs(journeys, MeasureSettings())
    assert found(journeys, "satisfied_frustrated", handoffs).cost.value == 30 / 40
    assert found(journeys, "powerful_vulnerable", handoffs).benefit.value == 20 / 40


@pytest.mark.parametrize(("days", "at_once"), [(7.0, 0.0), (7.5, 1.0)])
def test_coming_back_within_a_week_is_no_resolution(
    log_of: LogOf, days: float, at_once: float
) -> None:
    script = [
        turn(0, 0, "bot", "b"),
        turn(days, 0, "bot", "again"),
        turn(60, 0, "human", "h"),
    ]
    paradox = found(journeys_of(log_of, script), "quality_less_empathy")
    assert paradox.benefit.value == at_once - 1.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "side", "needs"),
    [
        ("connected_isolated", 1, "role 'sentiment'"),
        ("lower_cost_higher_price", 0, "role 'cost'"),
        ("lower_cost_higher_price", 1, "role 'cost'"),
        ("quality_less_empathy", 1, "role 'sentiment'"),
        ("satisfied_frustrated", 0, "role 'rating'"),
        ("satisfied_frustrated", 1, "role 'rating'"),
        ("personalised_intrusive", 0, "'personal_data'"),
        ("personalised_intrusive", 1, "'personal_data'"),
    ],
)
def test_a_missing_column_is_named(log_of: LogOf, name: str, side: int, needs: str) -> None:
    journeys = journeys_of(log_of, [turn(0, 0, "bot", "b"), turn(40, 0, "human", "h")])
    paradox = found(journeys, name)
    assert paradox.state == "not_measurable"
    assert (paradox.benefit, paradox.cost)[side].abstain == "no_column"
    assert "not measurable. It needs" in paradox.reasons[side]
    assert needs in paradox.reasons[side]


def test_a_log_without_actors_measures_none_of_the_six(log_of: LogOf) -> None:
    six = paradoxes(rebuild(log_of(("a", 0, "A"), ("a", 1, "B"))))
    assert [paradox.name for paradox in six] == list(PARADOXES)
    assert {paradox.state for paradox in six} == {"not_measurable"}
    assert all("role 'actor'" in reason for paradox in six for reason in paradox.reasons[:2])


def test_a_log_without_a_clock_says_so(log_of: LogOf) -> None:
    rows = [(f"c{i}", n, "A", a) for i in range(30) for n, a in enumerate(["bot", "human"])]
    journeys = rebuild(log_of(*rows, columns="customer position touchpoint actor"))
    paradox = found(journeys, "connected_isolated")
    assert paradox.benefit.abstain == "no_clock"
    assert "It needs a timestamp." in paradox.reasons[0]


def test_bounds_are_said_where_they_stand_for_a_number() -> None:
    all_but_a_few = Estimate(None, "share", lo=0.95, hi=1.0, n_customers=200, abstain="privacy")
    said = sentence(PARADOXES["powerful_vulnerable"][1], Side(all_but_a_few), 0.2)
    assert said == (
        "Journeys that would not be completed without the one bot that most of them pass through: "
        "over 95 % (200 customers). It counts from 20 upwards."
    )


def test_too_few_customers_have_no_number(log_of: LogOf) -> None:
    script = [turn(0, 0, "bot", "b", rating_micro=S), turn(1, 0, "bot", "c", rating_micro=2 * S)]
    journeys = journeys_of(log_of, script, "rating_micro")
    too_few = MeasureSettings(min_base_customers=PEOPLE + 1)
    paradox = found(journeys, "satisfied_frustrated", measures=too_few)
    assert (paradox.benefit.abstain, paradox.cost.abstain) == ("n_small", "n_small")
    just = MeasureSettings(min_base_customers=PEOPLE)
    enough = found(journeys, "satisfied_frustrated", measures=just)
    assert enough.benefit.n_customers == PEOPLE


@pytest.mark.parametrize(
    ("lo", "hi", "threshold", "falls", "there"),
    [
        (0.05, 0.2, 0.05, False, True),
        (0.049, 0.2, 0.05, False, False),
        (0.0, 0.2, 0.0, False, False),
        (0.001, 0.2, 0.0, False, True),
        (-0.4, -0.1, -0.1, True, True),
        (-0.4, -0.099, -0.1, True, False),
        (-0.4, 0.0, 0.0, True, False),
    ],
)
def test_thresholds_at_the_boundary(
    lo: float, hi: float, threshold: float, falls: bool, there: bool
) -> None:
    assert reached(Estimate((lo + hi) / 2, "share", lo, hi), threshold, falls) is there


def test_an_abstention_reaches_nothing() -> None:
    assert reached(Estimate.none("no_column", "share"), 0.0) is None


def test_settings_that_contradict_themselves_are_refused(log_of: LogOf) -> None:
    with pytest.raises(ValidationError, match="ends before it begins"):
        ParadoxSettings(baseline=(date(2026, 2, 1), date(2026, 1, 1)))
    with pytest.raises(ValidationError, match="worst rating first"):
        ParadoxSettings(rating_scale=(5, 1))
    with pytest.raises(ValidationError, match="below 'satisfied_from'"):
        ParadoxSettings(bottom_box=0.8)
    journeys = journeys_of(log_of, [turn(0, 0, "bot", "b")])
    with pytest.raises(ConfigError, match=r"'sesion'.*Did you mean 'session'"):
        found(journeys, "personalised_intrusive", personal_data="sesion")


def random_rows(seed: int) -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    rows: list[tuple[Any, ...]] = []
    for customer in range(60):
        t = int(rng.integers(0, 30 * DAY))
        for contact in range(int(rng.integers(1, 8))):
            served, intent = str(rng.choice(["bot", "human"])), str(rng.choice(["x", "y"]))
            for actor in ["customer", served] * int(rng.integers(1, 4)):
                feeling = int(rng.integers(-S, S)) if actor == "customer" else None
                paid = int(rng.integers(0, 9)) * S if actor != "customer" else None
                rated = int(rng.integers(0, 11)) * S if actor != "customer" else None
                spot = (f"{served} {intent}", actor, intent, f"{customer}-{contact}")
                rows.append((f"c{customer}", t, *spot, feeling, paid, rated, len(rows)))
                t += int(rng.integers(1, 120)) * S
            t += int(rng.integers(0, 30 * DAY))
    return rows


RANDOM_COLUMNS = (
    "customer t_us touchpoint actor intent session sentiment_micro cost_micro rating_micro position"
)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_order_and_names_change_nothing(log_of: LogOf, seed: int) -> None:
    rows = random_rows(seed)

    def answers(some: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
        journeys = rebuild(log_of(*some, columns=RANDOM_COLUMNS), JourneySettings(gap_days=20))
        return [paradox.to_dict() for paradox in paradoxes(journeys)]

    before = answers(rows)
    assert sum(paradox["state"] != "not_measurable" for paradox in before) == 5
    shuffled = [rows[i] for i in np.random.default_rng(9).permutation(len(rows))]
    assert answers(shuffled) == before
    renamed = [
        (r[0], r[1], f"t{r[2][::-1]}", r[3], {"x": "z", "y": "a"}[r[4]], f"s{r[5]}", *r[6:])
        for r in rows
    ]
    assert answers(renamed) == before
    other_people = [(f"p{r[0]}", *r[1:]) for r in rows]
    for one, other in zip(before, answers(other_people), strict=True):
        assert one["benefit"]["value"] == other["benefit"]["value"]
        assert one["cost"]["value"] == other["cost"]["value"]
