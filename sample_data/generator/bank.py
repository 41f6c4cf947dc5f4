"""A bank: who applies, asks, worries and complains, and what makes them stay or leave."""

from __future__ import annotations

from typing import Any

import numpy as np

from sample_data.generator.conversations import (
    PATIENCE_MEAN_SECONDS,
    QUEUE_MEAN_SECONDS,
    Bot,
    call,
    chat,
)
from sample_data.generator.scenario import (
    THIN_CUSTOMERS,
    Book,
    Cases,
    Dice,
    Ints,
    Loyalty,
    Release,
    cases,
    few,
    join,
    people,
)

TOUCHPOINTS: dict[str, tuple[str, str, float | None]] = {
    # touchpoint: channel, stage, cost per event where a bot, human or system acts
    "Website visit": ("web", "Explore", None),
    "Rate calculator": ("web", "Explore", None),
    "Chatbot: products": ("chatbot", "Explore", 0.05),
    "Account application": ("web", "Apply", None),
    "Branch advice": ("branch", "Apply", 25.0),
    "Identity check": ("video", "Apply", 6.0),
    "Credit check": ("back office", "Apply", 0.5),
    "Welcome e-mail": ("e-mail", "Onboard", 0.01),
    "App activation": ("app", "Onboard", None),
    "Card delivery": ("letter", "Onboard", 2.0),
    "Balance check": ("app", "Use", None),
    "Transfer": ("app", "Use", None),
    "Address change": ("phone", "Use", 4.5),
    "Phone menu": ("phone", "Solve", 0.1),
    "Chatbot: cards": ("chatbot", "Solve", 0.05),
    "Card call": ("phone", "Solve", 6.0),
    "Fraud call": ("phone", "Solve", 12.0),
    "Live chat": ("chat", "Solve", 3.5),
    "Left the queue": ("chat", "Solve", None),
    "Hung up": ("phone", "Solve", None),
    "Fee notice": ("e-mail", "Stay", 0.01),
    "Fee call": ("phone", "Stay", 6.0),
    "Advisor meeting": ("branch", "Stay", 40.0),
    "Estate desk": ("branch", "Stay", 30.0),
    "Hardship talk": ("branch", "Stay", 35.0),
}

ASKS = 0.1  # per minute, early and late: patience does not tip
PRODUCTS = Bot(
    "Chatbot: products",
    "products",
    ("What does the account cost?", "Which card is free?", "What is the rate on savings?"),
    "The basic account is free of charge.",
    solves=1.0,
    stalls=0.05,
    question_de="Was kostet das Konto?",
    asks_early=ASKS,
    asks_late=ASKS,
)
CARDS = Bot(
    "Chatbot: cards",
    "card",
    ("My card was declined", "My card is blocked", "I lost my card"),
    "Your card is active again.",
    solves=0.13,
    stalls=0.14,
    honours=0.65,
    keeps_context=0.35,
    question_de="Meine Karte ist gesperrt",
    asks_early=ASKS,
    asks_late=ASKS,
)

CHURN = {
    "base": 0.03,
    "tenure_under_12_months": 0.05,
    "Fraud call, not solved": 0.28,
    "Advisor meeting, poor": 0.22,
    "severe matter at Fee call (known before it)": 0.26,
}
TRUTH: dict[str, Any] = {
    "churn_added_by": CHURN,
    "decides_loyalty": ["Fraud call", "Advisor meeting"],
    "only_correlates": {"Fee call": "severe matters are solved less and leave more"},
    "no_effect": ["Branch advice", "Fee notice", "Card call", "App activation"],
    "negative_control": "spend_before",
    "good_bot": "Chatbot: products",
    "failing_bot": "Chatbot: cards",
    "automate": "Address change",
    "needs_people": ["Fraud call", "Estate desk"],
    "fix_first": "Identity check",
    "thin_evidence": "Hardship talk",
    "handover_loses_context": {"Chatbot: cards": 0.65, "others": 0.1},
    "tipping_point_minutes": None,
    "seconds_in_queue_mean": QUEUE_MEAN_SECONDS,
    "seconds_of_patience_mean": PATIENCE_MEAN_SECONDS,
    "request_rate_per_minute": {"always": ASKS},
}
MENU = "Phone menu"


def play(dice: Dice, n: int, release: Release | None = None) -> tuple[Book, Loyalty]:
    """Let n customers live through the half year."""
    folk = people(
        dice,
        n,
        prefix="B",
        segments={"private": 0.7, "student": 0.18, "business": 0.12},
        new_share=0.19,
    )
    book = Book(dice, folk, release)
    loyalty = Loyalty(dice, folk, base=CHURN["base"], new=CHURN["tenure_under_12_months"])
    new = folk.tenure_months == 0
    everyone = np.arange(n, dtype=np.int64)
    starts = cases(dice, folk, everyone[new], slot=0, severe=0.3)
    loyalty.join(starts)
    _onboarding(book, starts)
    for slot in range(3):
        u = dice.uniform(n) + np.where(new & (slot == 0), 1.0, 0.0)

        def opened(lo: float, hi: float, slot: int = slot, u: Any = u) -> Cases:
            who: Ints = everyone[(u >= lo) & (u < hi)]
            return loyalty.settled(cases(dice, folk, who, slot=slot, severe=0.4))

        _card(book, loyalty, opened(0.00, 0.085))
        _fraud(book, loyalty, opened(0.09, 0.18))
        _fee(book, loyalty, opened(0.18, 0.30))
        _address(book, opened(0.32, 0.42))
        _advisor(book, loyalty, opened(0.42, 0.53))
        _estate(book, opened(0.53, 0.55))
        _daily(book, opened(0.55, 0.68))
    thin = few(dice, dice.order(n)[:THIN_CUSTOMERS])
    loyalty.spare(thin)
    book.add(thin, "Hardship talk", "human", intent="hardship", seconds=3000.0, solved="1")
    return book, loyalty


def _onboarding(book: Book, at: Cases) -> None:
    dice, n = book.dice, len(at)
    book.add(at, "Website visit", "customer", intent="products")
    book.add(at.where(dice.chance(n, 0.5)), "Rate calculator", "customer", intent="products")
    chat(book, at.where(dice.chance(n, 0.5)).after(300), PRODUCTS)
    advised = at.where(dice.chance(n, 0.4)).days_later(dice, 1, 3)
    good = dice.chance(len(advised), 0.65)
    book.add(
        advised,
        "Branch advice",
        "human",
        intent="products",
        seconds=np.floor(60 * dice.skewed(len(advised), 20, 70)),
        resource=dice.pick(len(advised), ["R1", "R2", "R3"]),
        solved=np.where(good, "1", "0").astype(object),
        rating_base=np.where(good, 0.8, 0.4),
    )
    applied = at.days_later(dice, 3, 4)
    book.add(applied, "Account application", "customer", intent="account")
    trying = applied.after(900)
    for _ in range(4):
        solved = dice.chance(len(trying), 0.5)
        book.add(
            trying,
            "Identity check",
            "human",
            intent="account",
            seconds=np.floor(60 * dice.skewed(len(trying), 4, 30)),
            resource=dice.pick(len(trying), ["V1", "V2", "V3", "V4"]),
            solved=np.where(solved, "1", "0").astype(object),
            error=~solved,
            rating_base=np.where(solved, 0.7, 0.2),
        )
        trying = trying.where(~solved).days_later(dice, 1, 2)
    checked = applied.days_later(dice, 6, 7)
    book.add(checked, "Credit check", "system", intent="account")
    opened = applied.days_later(dice, 8, 9)
    book.add(opened, "Welcome e-mail", "system", intent="account")
    book.add(opened.where(dice.chance(n, 0.8)), "App activation", "customer", intent="app")
    late = dice.chance(n, 0.1)
    book.add(opened.days_later(dice, 2, 4), "Card delivery", "system", intent="card", error=late)


def _card(book: Book, loyalty: Loyalty, at: Cases) -> None:
    dice, n = book.dice, len(at)
    via_bot = dice.chance(n, 0.7)
    started = at.where(via_bot)
    talk = chat(book, started, CARDS)
    # half of what this bot calls solved comes back: raw containment misses it
    returns = np.where(talk.solved_by_bot, dice.chance(len(started), 0.5), ~talk.solved)
    back = talk.end.where(returns & dice.chance(len(started), 0.75)).days_later(dice, 1, 5)
    calling = join(at.where(~via_bot).after(600), back)
    solved = dice.chance(len(calling), 0.8)
    call(
        book,
        calling,
        "Card call",
        "card",
        ("My card still does not work", "third time I explain this", "This is annoying and bad"),
        mood=-0.4,
        solved=solved,
        minutes=(4.0, 16.0),
        german=("Meine Karte geht immer noch nicht",),
        transferred=0.12,
        menu=MENU,
    )
    loyalty.complains(calling.where(~solved), 0.2)


def _fraud(book: Book, loyalty: Loyalty, at: Cases) -> None:
    dice = book.dice
    solved = dice.chance(len(at), np.where(at.severe, 0.55, 0.7))
    call(
        book,
        at,
        "Fraud call",
        "fraud",
        ("Someone stole money from me, I am scared", "A thief emptied my account, please help"),
        mood=-0.75,
        solved=solved,
        minutes=(10.0, 50.0),
        german=("Mein Konto wurde geplündert",),
        transferred=0.1,
        desk="F",
    )
    loyalty.risk(at, np.where(solved, 0.0, CHURN["Fraud call, not solved"]))
    loyalty.complains(at, np.where(solved, 0.04, 0.3))


def _fee(book: Book, loyalty: Loyalty, at: Cases) -> None:
    dice, n = book.dice, len(at)
    book.add(at, "Fee notice", "system", intent="fee")
    calling = at.where(dice.chance(n, 0.65)).days_later(dice, 1, 4)
    solved = dice.chance(len(calling), np.where(calling.severe, 0.3, 0.85))
    call(
        book,
        calling,
        "Fee call",
        "fee",
        ("Why do I pay this fee?", "This fee is wrong", "Please take the fee back"),
        mood=-0.25,
        solved=solved,
        minutes=(4.0, 14.0),
        german=("Warum diese Gebühr?",),
        menu=MENU,
    )
    severe = calling.severe.astype(np.float64)
    loyalty.risk(calling, severe * CHURN["severe matter at Fee call (known before it)"])
    loyalty.complains(calling, 0.04)


def _address(book: Book, at: Cases) -> None:
    call(
        book,
        at,
        "Address change",
        "address",
        ("I moved, here is my new address", "Please change my address"),
        mood=0.05,
        solved=book.dice.chance(len(at), 0.98),
        minutes=(3.0, 4.0),
        german=("Ich bin umgezogen",),
    )


def _advisor(book: Book, loyalty: Loyalty, at: Cases) -> None:
    dice, n = book.dice, len(at)
    good = dice.chance(n, np.where(at.severe, 0.6, 0.75))
    book.add(
        at,
        "Advisor meeting",
        "human",
        intent="advice",
        seconds=np.floor(60 * dice.skewed(n, 25, 90)),
        resource=dice.pick(n, [f"R{k}" for k in range(1, 9)]),
        solved=np.where(good, "1", "0").astype(object),
        rating_base=np.where(good, 0.85, 0.2),
    )
    loyalty.risk(at, np.where(good, 0.0, CHURN["Advisor meeting, poor"]))


def _estate(book: Book, at: Cases) -> None:
    book.people.vulnerable[at.who[book.dice.chance(len(at), 0.35)]] = True
    call(
        book,
        at,
        "Estate desk",
        "estate",
        ("My wife died and I need help with her account", "My father passed away, I am so sad"),
        mood=-0.8,
        solved=book.dice.chance(len(at), 0.85),
        minutes=(15.0, 70.0),
        german=("Meine Mutter ist gestorben",),
        desk="E",
    )


def _daily(book: Book, at: Cases) -> None:
    dice, n = book.dice, len(at)
    book.add(at, "Balance check", "customer", intent="balance")
    book.add(at.where(dice.chance(n, 0.6)).after(20), "Transfer", "customer", intent="payment")
