"""What texts say, against examples that a person has read."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from journeylib.log.text.detectors import (
    asks_for_human,
    awaits_answer,
    confirms,
    in_language,
    offers_human,
    says_again,
    text_language,
)

REQUESTS = [
    "agent!",
    "AGENT",
    "Human please",
    "I want to talk to a human",
    "Yes, please transfer me to a human agent.",
    "Could you connect me with a human agent?",
    "Is there someone else I could speak to about this? Maybe a supervisor?",
    "Is there any escalation process or someone else I can talk to?",
    "I would appreciate speaking with someone who could help",
    "I don’t want to talk to a machine but to a human",
    "give me a real person",
    "Yes, please transfer me. Thank you.",
    "Yes, please go ahead with the transfer.",
    "Connecting me with a human agent would be perfect.",
    "is there any supervisor or a higher-up I could speak to directly?",
    "I would appreciate being transferred to someone with authority",
    "I need an agent",
    "just let me speak with your customer service representative",
    "Ich möchte mit einem Mitarbeiter sprechen",
    "Verbinden Sie mich bitte mit einem Menschen!",
    "Mensch bitte",
    "Ich will nicht mit einem Roboter reden, sondern mit einem echten Menschen",
    "Kann ich mit jemandem reden",
]
NO_REQUESTS = [
    None,
    "",
    "The customer support representative I spoke with assured me that I could cancel.",
    "You are the most lenient customer service agent I have ever spoken to.",
    "I really don't want to be transferred to another agent.",
    "I'd really prefer not to be transferred to another agent.",
    "I am determined to have this sorted without having to contact another agent.",
    "I want to change the person on the booking",
    "Please send me the report",
    "great, another bot. just great.",
    "I would like to use the credit card that's already on file",
    "Please pass this to my wife",
    "Thank you! Talk to you soon.",
    "No, I don't want to be transferred.",
    "Ich will nicht mit einem Mitarbeiter sprechen",
    "das funktioniert überhaupt nicht",
    "Transfer the money to my account",
]


def found(detector: object, *texts: str | None) -> list[bool]:
    frame = pd.DataFrame({"n": range(len(texts)), "text": pd.array(list(texts), dtype="string")})
    table = ibis.duckdb.connect().create_table("texts", frame)
    answers = table.mutate(answer=detector(table.text)).to_pandas().sort_values("n")  # type: ignore[operator]
    return list(answers["answer"])


@pytest.mark.parametrize("text", REQUESTS)
def test_asking_for_a_human(text: str) -> None:
    assert found(asks_for_human, text) == [True]


@pytest.mark.parametrize("text", NO_REQUESTS)
def test_not_asking_for_a_human(text: str | None) -> None:
    assert found(asks_for_human, text) == [False]


def test_a_company_adds_words_taken_literally() -> None:
    texts = ("Concierge!!", "I asked for 0.5 concierges", "a.b", "axb")
    assert found(lambda text: asks_for_human(text, ("Concierge", "a.b")), *texts) == [
        True,
        False,
        True,
        False,
    ]


def test_saying_it_again() -> None:
    yes = [
        "this is the third time I am explaining this",
        "This is the third time I explain!",
        "As I said, the invoice is wrong",
        "I already told you my number",
        "do I really have to repeat everything",
        "Das sage ich jetzt zum dritten Mal",
        "Wie ich bereits gesagt habe",
        "Das habe ich Ihnen schon gesagt",
    ]
    no = ["This is my third order", "Could you please check again?", "Zum Glück geht es", None]
    assert found(says_again, *yes) == [True] * len(yes)
    assert found(says_again, *no) == [False] * len(no)


def test_confirming() -> None:
    yes = [
        "Thank you so much for your help!",
        "That's all I needed.",
        "it works now",
        "Perfect!",
        "Vielen Dank, das war alles",
        "Problem gelöst",
    ]
    no = [
        "Thanks, but that didn't help",
        "great, another bot. just great.",
        "Thank you, I will reach out to a human agent",
        "Danke, aber es geht nicht",
        "My user ID is mia",
        None,
    ]
    assert found(confirms, *yes) == [True] * len(yes)
    assert found(confirms, *no) == [False] * len(no)


def test_bot_turns_that_await_an_answer() -> None:
    yes = [
        "Could you please provide your user ID?",
        "Sorry, I did not understand that.",
        "I am unable to help with that request.",
        "Das habe ich leider nicht verstanden.",
    ]
    no = [
        "Your flight is booked. Is there anything else I can help you with?",
        "Done. Have a nice day!",
        "Kann ich sonst noch etwas für Sie tun?",
        None,
    ]
    assert found(awaits_answer, *yes) == [True] * len(yes)
    assert found(awaits_answer, *no) == [False] * len(no)


def test_bot_turns_that_offer_a_human() -> None:
    assert found(
        offers_human,
        "Would you like me to transfer you to a human agent?",
        "Ich verbinde Sie mit einem Mitarbeiter",
        "Your order is on its way",
    ) == [True, True, False]


def test_languages() -> None:
    assert text_language("I want to talk to a human") == "en"
    assert text_language("das funktioniert überhaupt nicht") == "de"
    assert text_language("我要退款") is None
    assert found(in_language, "das geht nicht", "the bill", "je voudrais parler", "我要退款") == [
        True,
        True,
        False,
        False,
    ]
