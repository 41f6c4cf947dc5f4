"""Was it told that it is a machine, and when: counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from journeylib.journeys.segment import JourneySettings
from journeylib.journeys.steps import rebuild
from journeylib.judge.disclosure import Disclosure, disclosure
from journeylib.log.eventlog import EventLog
from journeylib.measures.settings import MeasureSettings

LogOf = Callable[..., EventLog]
COLUMNS = "customer t_us touchpoint actor session ai_disclosed"
# Session: (actor, told) for each turn.
SESSIONS: dict[str, list[tuple[str, bool | None]]] = {
    "first": [("customer", None), ("bot", True), ("bot", True)],
    "before": [("system", True), ("bot", False), ("bot", None)],
    "later": [("bot", False), ("customer", None), ("bot", True)],
    "never": [("bot", False), ("customer", None), ("bot", False), ("human", None)],
    "unknown": [("bot", None), ("bot", True)],
    "silent": [("bot", False), ("bot", None)],
    "people": [("customer", None), ("human", None)],
}


def told(log_of: LogOf, sessions: dict[str, list[tuple[str, Any]]], people: int = 10) -> Disclosure:
    rows = [
        (
            f"c{person}",
            second,
            "Chat" if kind != "before" else "Menu",
            actor,
            f"{kind}{person}",
            yes,
        )
        for person in range(people)
        for second, (kind, actor, yes) in enumerate(
            (kind, actor, yes) for kind, turns in sessions.items() for actor, yes in turns
        )
    ]
    log = log_of(*rows, columns=COLUMNS)
    return disclosure(rebuild(log, JourneySettings()), MeasureSettings(min_base_customers=10))


def test_sessions_are_counted_by_when_it_was_told(log_of: LogOf) -> None:
    result = told(log_of, SESSIONS)
    assert (result.abstain, result.sessions, result.unknown) == (None, 60, 20)
    shares = (result.at_once.value, result.later.value, result.never.value)
    assert shares == (0.5, 0.25, 0.25)
    assert result.never.n_customers == 10
    assert result.at_once.lo is not None
    assert result.at_once.lo < 0.5
    table = result.by_touchpoint.set_index("touchpoint")
    assert list(table.index) == ["Chat", "Menu"]
    assert list(table["sessions"]) == [30, 10]
    assert table.loc["Menu", "at_once"] == 1.0
    assert table.loc["Chat", "never"] == pytest.approx(1 / 3)


def test_the_finding_has_base_and_interval_and_never_proposes_to_hide_it(log_of: LogOf) -> None:
    text = told(log_of, SESSIONS).text
    assert text.startswith("Was it told that it is a machine? Before or with the bot's first turn")
    assert "of 40 sessions with bots (10 customers)" in text
    assert "Of 20 further sessions the log does not say it." in text
    assert "Tell it at the beginning, everywhere." in text
    everywhere = told(log_of, {"first": SESSIONS["first"]})
    assert everywhere.at_once.value == 1.0
    assert "Tell it" not in everywhere.text


def test_a_log_that_does_not_say_it_abstains_and_names_the_column(log_of: LogOf) -> None:
    rows = [(f"c{i}", 0, "Chat", "bot") for i in range(30)]
    without = disclosure(rebuild(log_of(*rows, columns="customer t_us touchpoint actor")))
    assert (without.abstain, without.never.abstain) == ("no_column", "no_column")
    assert "role 'ai_disclosed'" in without.text
    actors = disclosure(rebuild(log_of(*[row[:3] for row in rows])))
    assert "role 'actor'" in actors.text
    assert actors.to_dict()["never"]["abstain"] == "no_column"


def test_few_customers_are_not_shown(log_of: LogOf) -> None:
    result = told(log_of, SESSIONS, people=9)
    assert result.abstain == "n_small"
    assert result.never.value is None
    assert len(result.by_touchpoint) == 0
