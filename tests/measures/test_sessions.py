"""Bot sessions: where they begin and how they end, against answers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log import MISSING
from journeylib.log.eventlog import EventLog
from journeylib.measures.bots.bot_sessions import bot_sessions
from journeylib.measures.bots.waiting_times import queue_times
from journeylib.measures.settings import MeasureSettings

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LogOf = Callable[..., EventLog]
LATER = ("zz", 60 * DAY, "Bell", "system")  # so that nothing else is open
COLUMNS = "customer t_us touchpoint actor"


def sessions_of(log: EventLog, **journey_settings: object) -> pd.DataFrame:
    journeys = rebuild(log, JourneySettings(**journey_settings))  # type: ignore[arg-type]
    found = bot_sessions(journeys, MeasureSettings()).table
    for name in ("again_us", "perhaps_us"):
        found[name] = found[name].mask(found[name] == MISSING)
    return found.sort_values(["customer_no", "start_us", "opened"]).reset_index(drop=True)


def states(log: EventLog, **journey_settings: object) -> list[str]:
    return list(sessions_of(log, **journey_settings)["state"])


def test_silence_longer_than_the_gap_ends_a_session(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot"),
        ("a", HOUR, "Chat", "bot"),
        ("a", 2 * HOUR + 1, "Chat", "bot"),
        LATER,
        columns=COLUMNS,
    )
    assert list(sessions_of(log)["opened"]) == [1, 3]


def test_a_session_column_wins_over_silence(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot", "s"),
        ("a", 1, "Chat", "bot", "r"),
        ("a", 5 * HOUR, "Chat", "bot", "s"),
        ("a", 5 * HOUR, "Chat", "bot", None),
        ("a", 7 * HOUR, "Chat", "bot", None),
        (*LATER, None),
        columns=COLUMNS + " session",
    )
    assert list(sessions_of(log)["opened"]) == [1, 2, 4, 5]


def test_a_session_that_a_human_opens_is_not_a_bots(log_of: LogOf) -> None:
    log = log_of(("a", 0, "Call", "human"), ("a", 1, "Chat", "bot"), LATER, columns=COLUMNS)
    assert states(log) == []


def test_handed_over_within_the_session_or_soon_after(log_of: LogOf) -> None:
    log = log_of(
        ("in", 0, "Chat", "bot"),
        ("in", MINUTE, "Call", "human"),
        ("soon", 0, "Chat", "bot"),
        ("soon", DAY, "Call", "human"),
        ("tardy", 0, "Chat", "bot"),
        ("tardy", DAY + 1, "Call", "human"),
        LATER,
        columns=COLUMNS,
    )
    found = sessions_of(log)
    assert list(found["state"]) == ["handed_over", "handed_over", "ended_with_bot"]
    assert list(found["human_joined"]) == [True, False, False]


def test_another_intent_is_no_hand_over_and_an_unknown_one_is(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot", "bill"),
        ("a", 2 * HOUR, "Call", "human", "move"),
        ("b", 0, "Chat", "bot", "bill"),
        ("b", 2 * HOUR, "Call", "human", None),
        ("c", 0, "Chat", "bot", None),
        ("c", 2 * HOUR, "Call", "human", "bill"),
        (*LATER, None),
        columns=COLUMNS + " intent",
    )
    found = sessions_of(log)
    assert list(found["state"]) == ["ended_with_bot", "handed_over", "handed_over"]
    assert found["again_us"].isna().all()
    assert list(found["perhaps_us"].dropna()) == [2 * HOUR, 2 * HOUR]


def test_a_session_near_the_end_of_the_log_is_open(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot"),
        ("b", 1, "Chat", "bot"),
        ("c", DAY, "Bell", "system"),
        columns=COLUMNS,
    )
    assert states(log) == ["ended_with_bot", "open"]


def test_silence_after_a_question_is_abandonment_unless_something_solved_it(
    log_of: LogOf,
) -> None:
    ask, bye = "What is your number?", "Your bill is paid."
    log = log_of(
        ("asked", 0, "Chat", "bot", ask),
        ("answered", 0, "Chat", "bot", ask),
        ("answered", 1, "Chat", "customer", "42"),
        ("told", 0, "Chat", "customer", "My bill!"),
        ("told", 1, "Chat", "bot", bye),
        ("goal", 0, "Chat", "bot", ask),
        ("goal", 9 * DAY, "Paid", "system", None),
        ("drop", 0, "Chat", "bot", bye),
        ("drop", 1, "Cancel", "customer", None),
        (*LATER, None),
        columns=COLUMNS + " text",
    )
    found = sessions_of(log, goals=("Paid",), bad_ends=("Cancel",))
    by_name = ["answered", "asked", "drop", "goal", "told"]
    assert dict(zip(by_name, found["state"], strict=True)) == {
        "asked": "abandoned",
        "answered": "ended_with_bot",
        "told": "ended_with_bot",
        "goal": "ended_with_bot",
        "drop": "abandoned",
    }
    assert list(found["resolved"]) == [False, False, False, True, False]


def test_silence_tells_nothing_where_customers_events_are_not_logged(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot", "What is your number?"),
        (*LATER, None),
        columns=COLUMNS + " text",
    )
    assert states(log) == ["ended_with_bot"]


def test_requests_count_until_a_human_comes(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot", "Hello, how can I help you?"),
        ("a", 1, "Chat", "customer", "agent!"),
        ("a", 2, "Chat", "bot", "Would you like me to transfer you to a human agent?"),
        ("a", 3, "Chat", "customer", "I want to talk to a human"),
        ("a", 4, "Call", "human", None),
        ("a", 5, "Call", "customer", "let me speak to a manager"),
        (*LATER, None),
        columns=COLUMNS + " text",
    )
    row = sessions_of(log).iloc[0]
    assert (row["requests"], row["request_us"], row["bot_done_us"]) == (2, 1, 2)
    assert row["offered"]


def test_without_a_clock_the_journey_is_the_session(log_of: LogOf) -> None:
    log = log_of(
        ("a", 1, "Chat", "bot"),
        ("a", 2, "Desk", "human"),
        ("b", 1, "Chat", "bot"),
        columns="customer position touchpoint actor",
    )
    found = sessions_of(log)
    assert sorted(found["state"]) == ["ended_with_bot", "handed_over"]
    assert found["again_us"].isna().all()


MARKED = COLUMNS + " text handover"


def test_a_mark_is_a_handover_where_no_human_ever_appears(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot", "Hello", False),
        ("a", 1, "Chat", "customer", "A human, please", None),
        ("a", 2, "Pass", "bot", None, True),
        ("b", 0, "Chat", "bot", "Hello", False),
        ("b", 1, "Chat", "customer", "Thanks, that worked", None),
        (*LATER, None, None),
        columns=MARKED,
    )
    found = sessions_of(log)
    assert list(found["state"]) == ["handed_over", "ended_with_bot"]
    assert list(found["human_joined"]) == [True, False]
    assert (found["human_us"] == MISSING).all()  # when a human came is not known


def test_a_mark_tells_nothing_where_humans_are_seen(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot", "Hello", False),
        ("a", 1, "Pass", "bot", None, True),
        ("b", 0, "Chat", "bot", "Hello", False),
        ("b", 1, "Pass", "bot", None, True),
        ("b", 2, "Chat", "human", "I am here", None),
        (*LATER, None, None),
        columns=MARKED,
    )
    assert states(log) == ["ended_with_bot", "handed_over"]


def test_a_handover_without_a_human_has_no_wait(log_of: LogOf) -> None:
    log = log_of(
        ("a", 0, "Chat", "bot", "Hello", False),
        ("a", 1, "Chat", "customer", "A human, please", None),
        ("a", 2, "Pass", "bot", None, True),
        ("b", 0, "Chat", "bot", "Hello", False),
        ("b", MINUTE, "Chat", "customer", "A human, please", None),
        ("b", 3 * MINUTE, "Bye", "customer", None, None),
        (*LATER, None, None),
        columns=MARKED,
    )
    journeys = rebuild(log, JourneySettings(bad_ends=("Bye",)))
    times = queue_times(bot_sessions(journeys, MeasureSettings()), LATER[1])
    # Only b waits: 180 s from the bot's last act, and gives up.
    assert times[["seconds", "fate", "n"]].to_numpy().tolist() == [[180, 1, 1]]
