"""The hand-off audit, against answers worked out by hand, planted truth and a real bot's log."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeylib.audits.findings.bots import bot_findings
from journeylib.core import text, use_language
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog
from journeylib.measures.bots.bot_sessions import bot_sessions
from journeylib.measures.bots.containment import shrunk
from journeylib.measures.bots.handoff_audit import Handoffs, audit_handoffs, handoff_measures
from journeylib.measures.evidence import measure
from journeylib.measures.settings import MeasureSettings
from journeylib.present.blocks import Block
from journeylib.present.views import bots
from journeylib.present.views.journey import flow

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LogOf = Callable[..., EventLog]
LATER = ("zz", 60 * DAY, "Bell", "system")  # so that nothing else is open
COLUMNS = "customer t_us touchpoint actor"


def audit(log: EventLog, wanted: MeasureSettings | None = None, **journey: object) -> Handoffs:
    journeys = rebuild(log, JourneySettings(**{"min_customers": 1, **journey}))  # type: ignore[arg-type]
    return audit_handoffs(journeys, wanted or MeasureSettings())


@pytest.fixture
def shown(parts: Callable[..., Any]) -> Callable[..., Any]:
    """Return the maker of what a reader sees of hand-offs."""

    def of(found: Handoffs, customer: str | None = "customer") -> Any:
        audit = parts(
            log=parts(schema=parts(customer=customer)),
            evidence=parts(handoffs=found, flow={}),
            config=parts(
                measures=MeasureSettings(),
                journeys=JourneySettings(min_customers=1),
                judge=parts(handoff_limits={}),
            ),
            judgement=parts(handoff_items=()),
        )
        rows = bots.handoff_table(audit)
        return parts(
            finding=next(bot_findings(audit)).text,
            items={}
            if isinstance(rows, Block)
            else dict(rows.frame[["measure", "estimate"]].values),
            note=getattr(rows, "note", ""),
            waterfall=bots.containment(audit),
            flow=flow(audit),
        )

    return of


def test_a_log_without_actors_abstains(log_of: LogOf) -> None:
    found = audit(log_of(("a", 0, "A")))
    assert found.abstain == "no_column"
    assert list(found.waterfall.columns) == ["step", "sessions", "customers", "share"]
    assert list(found.curve.columns)[:2] == ["days", "sessions"]
    assert {estimate.abstain for estimate in found.estimates().values()} == {"no_column"}


def test_an_unknown_actor_between_hides_no_change_of_hands(
    log_of: LogOf, shown: Callable[..., Any]
) -> None:
    rows = [
        (f"c{number}", step, "A", actor)
        for number in range(100)
        for step, actor in enumerate(["system", None, "human", None, "human"])
    ]
    found = audit(log_of(*rows, columns=COLUMNS))
    assert found.actor_changes[["source", "target", "events", "journeys"]].to_dict("records") == [
        {"source": "system", "target": "human", "events": 100, "journeys": 100}
    ]
    told = shown(found).flow
    assert told.frame[["measure", "estimate"]].values.tolist() == [
        ["Work went from system to person", "100 times, in 100 journeys"]
    ]
    assert "Steps of unknown actors between them are skipped." in told.note
    with use_language("de"):
        assert shown(found).flow.frame["measure"].tolist() == ["Arbeit ging von System zu Mensch"]


def test_a_human_without_a_name_between_hides_no_change_of_hands(log_of: LogOf) -> None:
    """Ann, nobody named, Ben, nobody named, Ann: passed on twice. With a bot between: never."""
    rows = [
        (who, step, "A", actor, name)
        for who, between in (("a", "human"), ("b", "bot"))
        for step, (actor, name) in enumerate(
            [("human", "Ann"), (between, None), ("human", "Ben"), (between, None), ("human", "Ann")]
        )
    ]
    log = log_of(*rows, columns=COLUMNS + " resource")
    found = audit(log, cut="customer")
    assert (found.ping_pong_people.value, found.ping_pong_bots.value) == (1 / 2, 1 / 2)
    kept = rebuild(log, JourneySettings(cut="customer")).with_handoff("human", "human")
    assert kept.size[0] == 1


def waterfall_log(log_of: LogOf, matter: str | None = "bill") -> EventLog:
    """100 bot sessions: 20 with a human, 10 come back, 7 silent, 10 unknown, 53 solved."""
    kinds = ["human"] * 20 + ["repeat"] * 10 + ["silent"] * 7 + ["unknown"] * 10 + ["solved"] * 53
    rows: list[tuple[object, ...]] = [(*LATER, None)]
    for number, kind in enumerate(kinds):
        who = f"c{number:03}"
        rows.append((who, 0, "Chat", "customer", "My bill is wrong"))
        question = "What is your number?" if kind == "silent" else "We have corrected it."
        rows.append((who, MINUTE, "Chat", "bot", question))
        if kind == "human":
            rows.append((who, 2 * MINUTE, "Call", "human", None))
        if kind == "repeat":
            rows.append((who, 6 * DAY, "Call", "human", None))
        if kind in ("repeat", "solved"):
            rows.append((who, 2 * MINUTE, "Chat", "customer", "Thank you!"))
    about = [(*row, "other" if row[0] == LATER[0] else matter) for row in rows]
    return log_of(*about, columns=COLUMNS + " text intent")


def test_eighty_percent_raw_are_fifty_three_verified(log_of: LogOf) -> None:
    found = audit(waterfall_log(log_of))
    assert (found.sessions, found.ended_with_bot, found.handed_over) == (100, 73, 20)
    assert (found.abandoned, found.open) == (7, 0)
    assert found.contained_raw.value == 0.80
    verified = found.contained_verified
    assert (verified.value, verified.lo, verified.hi) == (0.53, 0.53, 0.63)
    assert dict(zip(found.waterfall["step"], found.waterfall["sessions"], strict=True)) == {
        "raw": 80,
        "repeat": 10,
        "silent": 7,
        "unknown": 10,
        "verified": 53,
    }
    curve = found.curve.set_index("days")
    assert curve.loc[5, "verified"] == pytest.approx(0.63)
    assert curve.loc[6, "verified"] == pytest.approx(0.53)
    assert curve.loc[30, "sessions"] == 100
    assert found.silent_abandonment.value == pytest.approx(0.07)
    row = found.by_touchpoint.iloc[0]
    assert (row["touchpoint"], row["sessions"], row["verified"], row["verified_hi"]) == (
        "Chat",
        100,
        0.53,
        0.63,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("between", "again"), [(199, 1.0), (200, 0.0)])
def test_a_reply_is_compared_with_the_200_turns_before_the_human(
    log_of: LogOf, between: int, again: float
) -> None:
    mine = "The invoice of March is wrong again"
    rows: list[tuple[object, ...]] = [("a", 0, "Chat", "bot", "Hello, what can I do?")]
    rows.append(("a", 1, "Chat", "customer", mine))
    rows += [("a", 2 + turn, "Chat", "customer", f"no{turn}") for turn in range(between)]
    rows += [("a", 900, "Chat", "human", "Hello"), ("a", 901, "Chat", "customer", mine)]
    found = audit(log_of(*rows, columns=COLUMNS + " text"), cut="customer")
    assert found.repeated_information.value == again


@pytest.mark.slow
def test_a_long_life_costs_what_its_events_cost(
    log_of: LogOf, shown: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice the sessions of one customer take twice the comparisons, not four times."""
    compared: list[int] = []

    def ratio(_one: str, _other: str) -> float:
        compared[-1] += 1
        return 0.0

    monkeypatch.setattr("rapidfuzz.fuzz.token_set_ratio", ratio)
    for many in (150, 300, 600):
        rows: list[tuple[object, ...]] = []
        for number in range(many):
            at, own = number * DAY, f"s{number}"
            rows += [
                ("a", at, "Chat", "customer", f"The invoice number {number} is wrong", own),
                ("a", at + 1, "Chat", "bot", "What can I do?", own),
                ("a", at + 2, "Desk", "human", "Hello", own),
                ("a", at + 3, "Desk", "customer", f"As for bill {number}, pay it back", own),
            ]
        compared.append(0)
        found = audit(log_of(*rows, columns=COLUMNS + " text session"), cut="customer")
    told = shown(found).note
    assert "looked for in the 200 turns before the person." in told
    first, second, third = compared
    assert first > 0
    assert third <= 200 * 600
    assert third - second == pytest.approx(2 * (second - first), rel=0.05)


@pytest.mark.slow
def test_nobody_is_seen_to_come_back_where_the_log_knows_cases_only(
    log_of: LogOf, shown: Callable[..., Any], parts: Callable[..., Any]
) -> None:
    log = log_of(
        *(
            (f"c{number}", f"c{number}", day * DAY, "Chat", "bot")
            for number in range(40)
            for day in (0, 2)
        ),
        ("zz", "zz", 60 * DAY, "Bell", "system"),
        columns="customer case t_us touchpoint actor",
    )
    known = measure(rebuild(log, JourneySettings(min_customers=1)))
    assert known.flow["repeat_contact"].value == pytest.approx(0.5)
    assert known.handoffs.contained_verified.abstain is None
    schema = log.schema.model_copy(update={"customer": None})
    cases = measure(rebuild(replace(log, schema=schema), JourneySettings(min_customers=1)))
    assert cases.flow["repeat_contact"].abstain == "no_column"
    assert cases.handoffs.contained_verified.abstain == "no_column"
    told = cases.estimates.set_index(["touchpoint", "measure"])["abstain"]
    assert told["Chat", "repeat_contact"] == told["Chat", "containment"] == "no_column"
    rows = flow(parts(evidence=cases)).frame.set_index("measure")["estimate"]
    unseen = "Not enough evidence: the log has no column for it"
    assert rows["Contacts followed by another about the same matter"] == unseen
    assert shown(cases.handoffs).items[text("measure.contained_verified")] == unseen
    assert shown(cases.handoffs, customer=None).finding == (
        "How many conversations bots settle cannot be verified. The log knows cases and no "
        "customers, so nobody is seen to come back. Name a column of customers (roles.customer)."
    )


def queue_log(log_of: LogOf, queue: str) -> EventLog:
    """400 calls from a bot to a queue, without texts; every second reaches an agent."""
    rows: list[tuple[object, ...]] = [LATER]
    for number in range(400):
        who = f"c{number:03}"
        rows += [(who, 0, "Menu", "bot"), (who, MINUTE, queue, "system")]
        if number % 2:
            rows.append((who, 3 * MINUTE, "Agent", "human"))
    return log_of(*rows, columns=COLUMNS)


@pytest.mark.parametrize(("queue", "declared"), [("Agent queue", ()), ("Music", ("Music",))])
def test_who_leaves_a_queue_is_lost_and_not_contained(
    log_of: LogOf,
    shown: Callable[..., Any],
    queue: str,
    declared: tuple[str, ...],
) -> None:
    found = audit(queue_log(log_of, queue), MeasureSettings(queues=declared))
    assert (found.ended_with_bot, found.handed_over, found.abandoned) == (0, 200, 200)
    lost = found.lost_in_queue
    assert (lost.value, lost.n_customers) == (0.5, 400)
    assert found.wait.value == 180.0
    assert found.contained_verified.hi == 0.0
    told = shown(found)
    assert told.items["Customers who gave up waiting"] == "50.0 % (45.0–55.0), n = 400"
    assert told.items[text("measure.contained_verified")] == "0 % (0–0), n = 400"
    assert "Confirmed as settled: 0 % (0–0), n = 400. The rest" in told.finding
    # Whoever left the queue was asked no question: it is the queue that they gave up.
    assert told.waterfall.alt.endswith(
        "the largest loss is “gave up (silence, queue or bad end)” (50.0 %)."
    )


def test_where_no_queue_is_known_nothing_is_said_of_who_is_lost(
    log_of: LogOf, shown: Callable[..., Any]
) -> None:
    found = audit(queue_log(log_of, "Music"))
    assert found.lost_in_queue.abstain == found.contained_raw.abstain == "no_column"
    verified = found.contained_verified
    assert (verified.lo, verified.hi) == (0.0, 0.5)
    assert shown(found).finding == (
        "Nobody can be seen giving up: the log has neither texts nor a queue. Name the touchpoints "
        "at which customers wait (measures.queues). Until then containment is not told. Confirmed "
        "as settled: 0 % (0–50.0), n = 400."
    )
    lost = shown(found).items["Customers who gave up waiting"]
    assert lost == "Not enough evidence: the log has no column for it"


@pytest.mark.slow
def test_without_intents_it_is_unknown_who_came_back_about_the_same(log_of: LogOf) -> None:
    verified = audit(waterfall_log(log_of, None)).contained_verified
    assert (verified.value, verified.lo, verified.hi) == (0.53, 0.53, 0.73)


@pytest.mark.slow
def test_who_may_have_come_back_is_unknown(log_of: LogOf, shown: Callable[..., Any]) -> None:
    """60 confirmed sessions about a bill, 48 with a later visit without an intent: .20 to 1."""
    rows: list[tuple[object, ...]] = [(*LATER, None, None)]
    for number in range(60):
        who = f"c{number:02}"
        rows.append((who, 0, "Chat", "bot", "bill", "We have corrected it."))
        rows.append((who, MINUTE, "Chat", "customer", "bill", "Thank you!"))
        if number < 48:
            rows.append((who, 3 * DAY, "Shop", "human", None, None))
    log = log_of(*rows, columns=COLUMNS + " intent text")
    verified = audit(log).contained_verified
    assert (verified.value, verified.lo, verified.hi) == (0.2, 0.2, 1.0)
    told = shown(audit(log))
    assert "Confirmed as settled: 20.0 % (20.0–100.0), n = 60." in told.finding
    assert "“no sign of a solution, or perhaps came back” (80.0 %)" in told.waterfall.alt
    assert told.waterfall.note.endswith("Unknown is also who came back without a stated matter.")
    spot = audit(log).by_touchpoint.iloc[0]
    assert (spot["touchpoint"], spot["verified_lo"], spot["verified_hi"]) == ("Chat", 0.2, 1.0)
    journeys = rebuild(log)
    containment, _ = handoff_measures(journeys, MeasureSettings())
    (place,) = [number for number, name in journeys.names.items() if name == "Chat"]
    assert containment.resampled.value[place] == pytest.approx(0.2)
    assert containment.resampled.hi[place] > 0.99
    # Labelled, they are what they are: the same matter comes back, another one does not.
    for label, expected in (("bill", (0.2, 0.2)), ("move", (1.0, 1.0))):
        named = [(*row[:4], label, row[5]) if row[3] == "human" else row for row in rows]
        sure = audit(log_of(*named, columns=COLUMNS + " intent text")).contained_verified
        assert (sure.lo, sure.hi) == expected


def test_the_containment_of_a_touchpoint_alone_in_its_channel_is_its_own(log_of: LogOf) -> None:
    journeys = rebuild(waterfall_log(log_of))
    containment, transfers = handoff_measures(journeys, MeasureSettings())
    names = list(journeys.touchpoints.sort_values("touchpoint_no")["touchpoint"])
    chat = names.index("Chat")
    assert containment.resampled.value[chat] == pytest.approx(0.53)
    assert containment.abstain[chat] is None
    assert containment.abstain[names.index("Bell")] == "n_small"
    assert transfers.resampled.value[chat] == pytest.approx(20 / 100)


def test_shares_are_drawn_towards_their_channel_as_far_as_touchpoints_are_alike() -> None:
    # Two channels, the third touchpoint of the first with no session; by hand: mean 1/2,
    # Q = (20·.3² + 20·.3²)/.25 = 14.4, ρ = (14.4 − 1)/(40 − 800/40 − 1) = 13.4/19.
    totals = np.array([[16.0, 20.0], [4.0, 20.0], [0.0, 0.0], [5.0, 10.0]])
    rho = 13.4 / 19
    pull = (1 - rho) / rho
    expected = [(16 + pull / 2) / (20 + pull), (4 + pull / 2) / (20 + pull), np.nan, 0.5]
    assert shrunk(totals, np.array([0, 0, 0, 1])) == pytest.approx(expected, nan_ok=True)
    alike = shrunk(np.array([[11.0, 20.0], [9.0, 20.0]]), np.array([0, 0]))
    assert alike == pytest.approx([0.5, 0.5], abs=0.002)


def test_only_mature_sessions_can_be_verified(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot"),
        ("b", 4 * DAY, "Chat", "bot"),
        ("c", 10 * DAY, "Bell", "system"),
        columns=COLUMNS,
    )
    found = audit(log)
    assert found.contained_verified.n_events == 1
    assert list(found.curve["days"]) == list(range(1, 11))
    # All windows are of the one session that is old enough for the longest of them.
    assert list(found.curve["sessions"]) == [1] * 10
    assert audit(log, MeasureSettings(repeat_days=11)).contained_verified.abstain == (
        "immature_window"
    )


@pytest.mark.slow
def test_requests_cries_and_whether_they_were_honoured(log_of: LogOf) -> None:
    ask = "I want to talk to a human"
    log = log_of(
        ("fast", 0, "Chat", "bot", "Hello!"),
        ("fast", MINUTE, "Chat", "customer", ask),
        ("fast", 6 * MINUTE, "Call", "human", None),
        ("slow", 0, "Chat", "bot", "Hello!"),
        ("slow", MINUTE, "Chat", "customer", "agent!"),
        ("slow", 2 * MINUTE, "Chat", "customer", ask),
        ("slow", 3 * MINUTE, "Chat", "customer", ask),
        ("slow", 10 * MINUTE, "Call", "human", None),
        ("dead", 0, "Chat", "bot", "Hello!"),
        ("dead", MINUTE, "Chat", "customer", ask),
        ("calm", 0, "Chat", "bot", "Hello! I can connect you to an agent."),
        ("calm", MINUTE, "Chat", "customer", "My bill is wrong"),
        (*LATER, None),
        columns=COLUMNS + " text",
    )
    found = audit(log)
    assert found.requests == 5
    assert found.requests_rate.value == 3 / 4
    assert found.requests_honoured.value == 1 / 3
    assert found.cries_to_human.value == (1 + 3) / 2
    # Whoever is handed over on request has asked once at least: no interval reaches below.
    assert found.cries_to_human.lo == 1.0
    assert found.dead_cries.value == 1 / 3
    assert found.escape_hatch_offered.value == 1 / 4
    ends = found.session_table.sort_values("session_no")  # type: ignore[union-attr]
    assert list(ends["end"]) == ["open", "frustrated", "frustrated", "frustrated"]
    assert list(ends["seconds_to_end"]) == [60.0, 60.0, 60.0, 60.0]


@pytest.mark.parametrize(
    ("in_vain", "until", "ends"),
    [(2, None, (0.16, 0.56)), (10, 1.0, (12 / 25, 12 / 25)), (0, 1.0, (12 / 25, 12 / 25))],
)
def test_who_asked_in_vain_is_not_told_by_who_was_handed_over(
    log_of: LogOf, in_vain: int, until: float | None, ends: tuple[float, float]
) -> None:
    """Of 25 that reach a person 12 asked, and 2 more in vain: 4 to 14 of 25, so .16 to .56.

    Ten in vain are no few, and told: dead_cries says so itself.
    """
    rows: list[tuple[object, ...]] = [(*LATER, None)]
    for number in range(25 + in_vain):
        asks = number < 12 or number >= 25
        rows.append((f"c{number}", 0, "Chat", "bot", "Hello!"))
        rows.append((f"c{number}", MINUTE, "Chat", "customer", "agent!" if asks else "My bill"))
        if number < 25:
            rows.append((f"c{number}", 2 * MINUTE, "Call", "human", None))
    found = audit(log_of(*rows, columns=COLUMNS + " text"), min_customers=10)
    requested = found.handovers_requested
    assert found.cries_to_human.value == until
    assert found.cries_to_human.abstain == (None if until else "privacy")
    shown = (requested.lo, requested.hi) if until is None else (requested.value, requested.value)
    assert shown == ends


@pytest.mark.slow
def test_texts_may_be_the_customers_on_the_row_of_who_served(log_of: LogOf) -> None:
    """Of 20 chats, each one row of the bot with what the customer wrote, 10 ask for a human."""
    rows: list[tuple[object, ...]] = [(*LATER, "")]
    for number in range(20):
        asks = number % 2 == 0
        said = "I want to talk to a human" if asks else "Thank you, that solved it"
        rows.append((f"c{number}", number * MINUTE, "Chat", "bot", said))
        if asks:
            rows.append((f"c{number}", (number + 2) * MINUTE, "Call", "human", "My bill is wrong"))
    log = log_of(*rows, columns=COLUMNS + " text")
    assert audit(log).requests == 0
    own = replace(log, schema=log.schema.model_copy(update={"text_by": "customer"}))
    found = audit(own)
    assert (found.requests, found.requests_rate.value) == (10, 0.5)
    assert found.contained_verified.value == 0.5
    told = by_touchpoint(own)
    assert told["Chat"] == pytest.approx(0.5)


def by_touchpoint(log: EventLog) -> dict[str, float]:
    """Share of journeys with a request at each touchpoint."""
    loose = MeasureSettings(min_starts=1, min_base_customers=1)
    rows = measure(rebuild(log, JourneySettings(min_customers=1)), loose).estimates
    asked = rows[(rows["measure"] == "human_request") & rows["abstain"].isna()]
    return dict(zip(asked["touchpoint"], asked["value"], strict=True))


@pytest.mark.slow
def test_a_button_can_ask_for_a_human_in_a_log_without_text(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot"),
        ("a", 1, "Get me a person", "customer"),
        LATER,
        columns=COLUMNS,
    )
    assert audit(log).requests_rate.abstain == "no_column"
    found = audit(log, MeasureSettings(human_request_words=("Get me a person",)))
    assert (found.requests, found.requests_rate.value, found.dead_cries.value) == (1, 1.0, 1.0)


@pytest.mark.slow
def test_a_language_that_no_lexicon_knows_tells_nothing(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot", "Bonjour, comment puis-je aider aujourd'hui ?"),
        ("a", 1, "Chat", "customer", "je voudrais parler avec une personne"),
        (*LATER, None),
        columns=COLUMNS + " text",
    )
    found = audit(log)
    assert found.requests_rate.abstain == "unidentified"
    assert found.silent_abandonment.abstain == "unidentified"


def test_ping_pong_is_two_changes_of_hands(log_of: LogOf) -> None:
    log = log_of(
        ("back", 0, "Chat", "bot", None),
        ("back", 1, "Call", "human", "h1"),
        ("back", 2, "Chat", "bot", None),
        ("once", 0, "Chat", "bot", None),
        ("once", 1, "Call", "human", "h1"),
        ("passed", 0, "Call", "human", "h1"),
        ("passed", 1, "Call", "human", "h2"),
        ("passed", 2, "Call", "human", "h3"),
        ("kept", 0, "Call", "human", "h1"),
        ("kept", 1, "Call", "human", "h1"),
        (*LATER, None),
        columns=COLUMNS + " resource",
    )
    found = audit(log)
    assert found.ping_pong.value == pytest.approx(2 / 3)
    assert found.ping_pong.n_journeys == 3
    assert found.ping_pong_bots.value == found.ping_pong_people.value == pytest.approx(1 / 3)
    changes = found.actor_changes.set_index(["source", "target"])["events"].to_dict()
    assert changes == {("bot", "human"): 2, ("human", "bot"): 1}


@pytest.mark.slow
def test_loops_by_words_and_by_touchpoints(log_of: LogOf) -> None:
    again = [("same", n, "Chat", "bot", "Please  rephrase.") for n in range(3)]
    varied = [("varied", n, "Chat", "bot", f"Point {n}") for n in range(3)]
    rows = [*again, *varied, (*LATER, None)]
    assert audit(log_of(*rows, columns=COLUMNS + " text")).loops.value == 1 / 2
    walk = [("round", n, name, "bot") for n, name in enumerate("ABABA")]
    still = [("still", n, "A", "bot") for n in range(5)]
    assert audit(log_of(*walk, *still, LATER, columns=COLUMNS)).loops.value == 1 / 2


def test_the_wait_counts_those_who_gave_up_and_equals_statsmodels(log_of: LogOf) -> None:
    from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

    rng = np.random.default_rng(7)
    served, patience = rng.exponential(4.0, 6000), rng.exponential(6.0, 6000)
    waits = np.minimum(served, patience)
    came = served <= patience
    rows: list[tuple[object, ...]] = [LATER]
    for number, (wait, human) in enumerate(zip(waits, came, strict=True)):
        who, end = f"c{number}", MINUTE + int(wait * MINUTE)
        rows.append((who, 0, "Ask", "customer"))
        rows.append((who, MINUTE, "Chat", "bot"))
        rows.append((who, end, "Call" if human else "Hang up", "human" if human else "customer"))
    found = audit(log_of(*rows, columns=COLUMNS), MeasureSettings(human_request_words=("Ask",)))
    seconds = np.floor(np.floor(waits * MINUTE) / SECOND)
    km = SurvfuncRight(seconds, came.astype(int))
    assert found.wait.value == pytest.approx(km.quantile(0.5))
    assert found.wait.value == pytest.approx(2.77 * 60, rel=0.05)
    assert np.median(seconds[came]) == pytest.approx(1.66 * 60, rel=0.05)
    assert found.wait.lo is not None and found.wait.hi is not None
    assert found.wait.lo < 2.77 * 60 < found.wait.hi
    ones = np.ones(len(seconds))  # with weights it leaves out standard errors, and a warning
    lost = CumIncidenceRight(seconds, np.where(came, 1, 2), freq_weights=ones)
    assert found.lost_in_queue.value == pytest.approx(lost.cinc[1][-1])
    assert found.lost_in_queue.value == pytest.approx(0.4, abs=0.02)


@pytest.mark.slow
def test_what_was_carried_over_and_what_was_said_again(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot", None, "name, number", None),
        ("a", 1, "Call", "human", "Hello", None, "number,address"),
        ("a", 2, "Call", "customer", "I already told you my number!", None, None),
        ("b", 0, "Chat", "bot", None, None, None),
        ("b", 1, "Call", "human", "Hello", None, "number,address"),
        ("b", 2, "Call", "customer", "It is 42.", None, None),
        ("c", 0, "Chat", "bot", None, None, None),
        ("c", 1, "Chat", "customer", "My invoice of May is wrong", None, None),
        ("c", 2, "Call", "human", "Hello", None, None),
        ("c", 3, "Call", "customer", "Hi, my invoice of May is wrong.", None, None),
        ("d", 0, "Chat", "bot", None, None, None),
        ("d", 1, "Chat", "customer", "Yes please", None, None),
        ("d", 2, "Call", "human", "Hello", None, None),
        ("d", 3, "Call", "customer", "Yes please", None, None),
        ("silent", 0, "Chat", "bot", None, None, None),
        ("silent", 1, "Chat", "human", "I have your details here.", None, None),
        ("unlogged", 0, "Chat", "bot", None, None, None),
        ("unlogged", 1, "Call", "human", None, None, None),
        (*LATER, None, None, None),
        columns=COLUMNS + " text context_sent context_requested",
    )
    found = audit(log)
    assert found.context_sent.value == 1 / 4
    assert found.context_carried.abstain == "no_column"  # nothing says what was opened
    assert found.repeated_information.value == 2 / 5


def test_only_what_was_opened_was_carried(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot", None, None, None, "name, Number"),
        ("a", 1, "Chat", "bot", "name,number,tariff", None, None, None),
        ("a", 2, "Call", "human", None, None, "name", None),
        ("a", 3, "Call", "human", None, "number, name,address", "tariff", None),
        ("b", 0, "Chat", "bot", "name", None, "address", None),
        ("b", 1, "Chat", "bot", "address", None, None, None),  # opened before it was sent
        ("b", 2, "Call", "human", None, "address", None, None),
        (*LATER, None, None, None, None),
        columns=COLUMNS + " context_sent context_requested context_opened context_given",
    )
    found = audit(log)
    # Needed: number, name, address; address. Sent: number, name; address. Opened of them: name.
    assert found.context_sent.value == 3 / 4
    assert found.context_carried.value == 1 / 4
    assert found.asked_again.value == 1 / 2


@pytest.mark.slow
def test_kinds_of_hand_over(log_of: LogOf) -> None:
    say = "What is your number?"
    rows = []
    for who, bot, customer, session in (
        ("asked", say, "agent!", "asked1"),
        ("failed", "Sorry, I did not understand that.", "My bill", "failed1"),
        ("planned", say, "My bill", "planned1"),
        ("again", say, "My bill", "again2"),
        ("back", say, "My bill", "back2"),
    ):
        rows.append((who, 0, "Chat", "bot", bot, f"{who}1"))
        rows.append((who, MINUTE, "Chat", "customer", customer, f"{who}1"))
        if who == "again":  # calls, and is called in the next
            rows.append((who, 2 * HOUR, "Call", "customer", None, session))
        rows.append((who, 2 * HOUR + MINUTE, "Call", "human", None, session))
    found = audit(log_of(*rows, (*LATER, None, None), columns=COLUMNS + " text session"))
    assert found.handed_over == 5
    assert found.handovers_cold.value == 1 / 5
    assert found.handovers_requested.value == 1 / 5
    assert found.handovers_triggered.value == 1 / 5
    assert found.handovers_scripted.value == 3 / 5


def test_time_to_honour_counts_from_the_first_request(log_of: LogOf) -> None:
    rows: list[tuple[object, ...]] = []
    for number, minutes in enumerate((2, 4, 6, None)):
        who = f"c{number}"
        rows.append((who, 0, "Chat", "bot", "What is your number?"))
        rows.append((who, MINUTE, "Chat", "customer", "agent!"))
        rows.append((who, 2 * MINUTE, "Chat", "bot", "What is your number?"))
        end, by = (3, "customer") if minutes is None else (1 + minutes, "human")
        rows.append((who, end * MINUTE, "Chat", by, "Well"))
    found = audit(log_of(*rows, (*LATER, None), columns=COLUMNS + " text"))
    # One of four comes after 2 minutes, one leaves after 2, one of the two left after 4.
    assert found.time_to_honour.value == 4 * 60


def test_a_dead_end_reaches_no_human_and_ends_badly(log_of: LogOf) -> None:
    rows: list[tuple[object, ...]] = [LATER]
    for number in range(20):
        rows.append((f"a{number}", 0, "Trap", "bot"))
        rows.append((f"a{number}", 1, "Cancel", "customer"))
        rows.append((f"b{number}", 0, "Helper", "bot"))
        rows.append((f"b{number}", 1, "Call", "human"))
        rows.append((f"c{number}", 0, "Answer", "bot"))
    log = log_of(*rows, columns=COLUMNS)
    assert audit(log, bad_ends=("Cancel",)).dead_ends == ("Trap",)


def test_cells_of_few_customers_are_not_told(log_of: LogOf) -> None:
    waits = ("a", 1, "Queue", "system")
    log = log_of(("a", 0, "Chat", "bot"), waits, ("a", 2, "Call", "human"), LATER, columns=COLUMNS)
    found = audit(log, min_customers=2)
    assert found.contained_raw.abstain == "privacy"
    assert len(found.actor_changes) == len(found.by_touchpoint) == len(found.curve) == 0
    assert found.actor_changes.attrs["suppressed"] == 2


def airline(shared_data: Path, log_of: LogOf) -> EventLog:
    """The airline bot's messages: one row each, a human acts when a transfer succeeded."""
    with gzip.open(shared_data / "tau_bench_airline" / "gpt-4o-airline.json.gz") as file:
        conversations = json.load(file)
    actors = {"assistant": "bot", "user": "customer", "tool": "system", "system": "system"}
    rows = []
    for number, conversation in enumerate(conversations):
        for turn, message in enumerate(conversation["traj"]):
            tool = message.get("name") if message["role"] == "tool" else None
            transfer = tool == "transfer_to_human_agents"
            actor = "human" if transfer else actors[message["role"]]
            text = message.get("content") if message["role"] in ("assistant", "user") else None
            rows.append((f"{number:03}", turn, tool or message["role"], actor, text))
    return log_of(*rows, columns="customer position touchpoint actor text")


def test_the_airline_bot_hands_over_48_of_200(shared_data: Path, log_of: LogOf) -> None:
    log = airline(shared_data, log_of)
    assert log.events.count().to_pyarrow().as_py() == 5308
    found = audit(log)
    assert (found.sessions, found.handed_over, found.open) == (200, 48, 0)
    changes = found.actor_changes.set_index(["source", "target"])["events"]
    assert changes["bot", "human"] == 48
    assert found.contained_raw.value == pytest.approx(152 / 200)
    assert found.wait.abstain == found.contained_verified.abstain == "no_clock"
    # Every message was read: 37 ask for a human, in 36 conversations; 34 of these got one.
    assert (found.requests, found.requests_rate.value) == (37, 36 / 200)
    assert found.dead_cries.value == pytest.approx(2 / 36)
    assert found.silent_abandonment.value == 0.0


def domestic_declarations(path: Path) -> list[tuple[object, ...]]:
    """Events of the BPI Challenge 2020 log: its SYSTEM is the bot, everybody else a human."""
    rows: list[tuple[object, ...]] = []
    with gzip.open(path) as file:
        for _event, node in ElementTree.iterparse(file, events=("end",)):
            if node.tag.rpartition("}")[2] != "trace":
                continue
            values = [{i.get("key"): i.get("value", "") for i in item} for item in node]
            case = next(i.get("value") for i in node if i.get("key") == "concept:name")
            for of in filter(None, values):
                clock = int(pd.Timestamp(of["time:timestamp"]).timestamp() * SECOND)
                actor = "bot" if of["org:resource"] == "SYSTEM" else "human"
                rows.append((case, len(rows), clock, of["concept:name"], actor))
            node.clear()
    return rows


@pytest.mark.slow
def test_domestic_declarations_have_four_hand_overs(shared_data: Path, log_of: LogOf) -> None:
    rows = domestic_declarations(shared_data / "bpic2020" / "DomesticDeclarations.xes.gz")
    assert (len(rows), len({row[0] for row in rows})) == (56_437, 10_500)
    log = log_of(*rows, columns="customer position t_us touchpoint actor")
    found = audit(log, cut="customer")
    changes = found.actor_changes.set_index(["source", "target"])["events"]
    assert changes["bot", "human"] == 4
    assert found.requests_rate.abstain == found.silent_abandonment.abstain == "no_column"


WORDS = ("agent!", "Thank you!", "What is your number?", "My bill", "Sorry, please rephrase.", None)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(0, 40).map(lambda hours: hours * 3 * HOUR),
        st.sampled_from(("Chat", "Call", "Paid", "Cancel")),
        st.sampled_from(("customer", "bot", "human", "system", None)),
        st.sampled_from(("bill", "move", None)),
        st.sampled_from(("s1", "s2", None)),
        st.sampled_from(WORDS),
    ),
    min_size=1,
    max_size=25,
)
RANDOM = "position customer t_us touchpoint actor intent session text"


@pytest.mark.slow
@settings(max_examples=6)
@given(EVENTS, st.randoms(use_true_random=False))
def test_every_session_ends_in_one_way_whatever_the_order_of_rows(
    log_of: LogOf, rows: list[tuple[object, ...]], random: Random
) -> None:
    # One row of words in every column, so that each has a type.
    full = ("zz", 0, "Bell", "system", "bill", "s1", "Ding")
    numbered = [(place, *row) for place, row in enumerate([full, *rows])]
    ends = {"goals": ("Paid",), "bad_ends": ("Cancel",)}
    first = audit(log_of(*numbered, columns=RANDOM), **ends)
    random.shuffle(numbered)
    second = audit(log_of(*numbered, columns=RANDOM), **ends)
    assert first.ended_with_bot + first.handed_over + first.abandoned + first.open == first.sessions
    steps = dict(zip(first.waterfall["step"], first.waterfall["sessions"], strict=True))
    if steps:
        parts = ("repeat", "silent", "unknown", "verified")
        assert steps["raw"] == sum(steps[part] for part in parts)
    assert first.estimates() == second.estimates()
    for name in ("waterfall", "curve", "actor_changes", "by_touchpoint"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))


TURNS = st.tuples(
    st.sampled_from(["a", "b", "c", "d"]),
    st.sampled_from([0, 1, MINUTE, 2 * HOUR, 5 * HOUR, 8 * DAY, 40 * DAY]),
    st.sampled_from(["Chat", "Call", "Queue", "Bell"]),
    st.sampled_from(["bot", "human", "customer", None]),
    st.sampled_from(["s", "t", None]),
    st.sampled_from(["x", "y", None]),
    st.sampled_from(["my router shows a red light", "a human, please", "Sorry?", "Thanks!", None]),
    st.sampled_from(["Ann", "Ben", None]),
    st.sampled_from(["number, name", "name", None]),
    st.sampled_from(["yes", "no", None]),
)
# A row in which every column is known, so that each has a type; nobody else acts in its journey.
FULL = ("z", 0, "Chat", "bot", "s", "x", "Hello!", "Ann", "name", "no")


@pytest.mark.slow
@given(rows=st.lists(TURNS, max_size=40), at_once=st.integers(1, 12))
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_any_parts_of_a_log_tell_the_same_of_hand_offs(
    log_of: LogOf, rows: list[tuple[Any, ...]], at_once: int
) -> None:
    filled = [(*row[:9], row[8], row[8], *row[9:]) for row in [FULL, *rows]]
    columns = "session intent text resource context_requested context_sent context_given urgent"
    log = log_of(*filled, columns=f"{COLUMNS} {columns}")
    wanted = MeasureSettings(needs_human="urgent")

    def told() -> tuple[pd.DataFrame, Handoffs, list[Any]]:
        journeys = rebuild(log, JourneySettings(min_customers=1, bad_ends=("Bell",)))
        table = bot_sessions(journeys, wanted).table
        return table, audit_handoffs(journeys, wanted), handoff_measures(journeys, wanted)

    whole = told()
    parts_of = Journeys.parts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journeys, "parts", lambda journeys: parts_of(journeys, at_once))
        parted = told()
    pd.testing.assert_frame_equal(whole[0], parted[0])
    for spot in fields(Handoffs):
        one, other = (getattr(found, spot.name) for found in (whole[1], parted[1]))
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, other)
        else:
            assert one == other, spot.name
    for one, other in zip(whole[2], parted[2], strict=True):
        assert np.array_equal(one.resampled.value, other.resampled.value, equal_nan=True)
        assert np.array_equal(one.resampled.draws, other.resampled.draws, equal_nan=True)
        assert one.n_customers.tolist() == other.n_customers.tolist()
