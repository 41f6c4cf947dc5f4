"""Was it told that it is a machine, and when: counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.judge.disclosure.disclosure import Disclosure, disclosure
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


@pytest.mark.slow
def test_the_finding_has_base_and_interval_and_never_proposes_to_hide_it(log_of: LogOf) -> None:
    text = told(log_of, SESSIONS).text
    assert "of 40 sessions with bots customers were never told that it is a machine" in text
    assert "10 customers are counted." in text
    assert "Of 20 further sessions the log does not say it." in text
    assert "Say so first, everywhere." in text
    everywhere = told(log_of, {"first": SESSIONS["first"]})
    assert everywhere.at_once.value == 1.0
    assert "Say so first" not in everywhere.text


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


TELLS = "Hello, I'm a virtual assistant."


def catalogue_of(log_of: LogOf, said: dict[str, str], **more: str) -> Disclosure:
    """Twelve customers, each with one chat: what the bot says to each, after a first turn."""
    rows: list[tuple[object, ...]] = []
    for who, text in said.items():
        rows.append((who, 0, "Chat", "bot", "Good morning, what can we do for you today?"))
        rows.append((who, 1, "Chat", "customer", more.get("customer", "My bill is wrong")))
        rows.append((who, 2, "Chat", "bot", text))
        rows.append((who, 3, "Chat", "bot", text))
    journeys = rebuild(log_of(*rows, columns="customer t_us touchpoint actor text"))
    return disclosure(journeys, MeasureSettings(min_base_customers=10))


def test_the_words_are_those_of_bots_and_said_to_enough_customers(log_of: LogOf) -> None:
    said = {
        f"c{n:02}": TELLS if n < 10 else "I am an AI system of Planted Secret." for n in range(12)
    }
    found = catalogue_of(log_of, said, customer="Am I talking to a chatbot named Customer Secret?")
    assert found.abstain == "no_column"
    phrases = found.wording.phrases
    assert list(zip(phrases["kind"], phrases["language"], strict=True)) == [("bot", "en")]
    row = phrases.iloc[0]
    # Two of twelve bots said it otherwise: so few are not told apart.
    assert (row["share"].value, row["share"].lo, row["share"].hi) == (None, 1 - 0.84, 1)
    assert (row["customers"], row["turn"]) == (10, 2.0)
    assert found.wording.sentences.to_dict("records") == [
        {"words": TELLS, "sessions": 10, "customers": 10, "turn": 2.0}
    ]
    assert f"Most often: “{TELLS}” (10 customers)." in found.text
    assert "Secret" not in f"{found.to_dict()} {found.text} {found.wording.sentences}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("I'm a bot.", ["I'm a bot."]),
        ("Welcome! I'm   a bot, and  glad. Ask away.", ["I'm a bot, and glad."]),
        ("I'm a bot with the number 7.", []),
        ("I'm a bot, write to a@b.", []),
        ("Hello Anna, I'm a bot.", ["Hello …, I'm a bot."]),
        ("Ich bin ein virtueller Assistent.", ["Ich bin ein virtueller Assistent."]),
        ("What is your number?", []),
    ],
)
def test_what_is_shown_of_a_sentence(log_of: LogOf, said: str, shown: list[str]) -> None:
    found = catalogue_of(log_of, {f"c{n:02}": said for n in range(12)})
    assert found.wording.sentences["words"].tolist() == shown


def test_a_name_in_a_sentence_is_left_out(log_of: LogOf) -> None:
    names = ["Anna"] * 11 + ["Bert"] + ["anna"] * 10 + ["bert"] * 10
    said = {
        f"c{n:02}": f"I'm your bot, {name}." if name.istitle() else f"hi {name} i am a bot."
        for n, name in enumerate(names)
    }
    found = catalogue_of(log_of, said)
    sentences = found.wording.sentences.set_index("words")["customers"].to_dict()
    assert sentences == {"I'm your bot, ….": 12, "hi … i am a bot.": 10}
    assert "nna" not in str(found.to_dict())


def test_the_name_of_a_person_who_serves_is_left_out_of_a_bot_s_sentence(log_of: LogOf) -> None:
    """All bots say the same sentence; the names in it are those that the log gives its staff."""
    said = "I'm a bot of the Team Assist, and Anna Berg takes over."
    rows = [
        row
        for n in range(12)
        for row in (
            (f"c{n:02}", 0, "Chat", "bot", said, "Chat bot 1"),
            (f"c{n:02}", 1, "Call", "human", "Good morning, this is Anna.", "Berg, Anna"),
        )
    ]
    journeys = rebuild(log_of(*rows, columns="customer t_us touchpoint actor text resource"))
    found = disclosure(journeys, MeasureSettings(min_base_customers=10))
    (words,) = found.wording.sentences["words"]
    assert words == "I'm a bot of the Team Assist, and … … takes over."
    assert "Berg" not in str(found.to_dict()) and "Anna" not in found.text


@pytest.mark.slow
def test_without_texts_or_a_known_language_no_words_are_told(log_of: LogOf) -> None:
    assert told(log_of, SESSIONS).wording.abstain == "no_column"
    french = "Bonjour, comment puis-je vous aider aujourd'hui madame"
    rows = [(f"c{n}", 0, "Chat", "bot", french) for n in range(12)]
    journeys = rebuild(log_of(*rows, columns="customer t_us touchpoint actor text"))
    assert disclosure(journeys).wording.abstain == "unidentified"
