"""A telecom operator: who calls, chats and visits, and what makes them stay or leave."""

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
    Bools,
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
    "Ad click": ("web", "Discover", 0.6),
    "Website visit": ("web", "Discover", None),
    "Plan comparison": ("web", "Discover", None),
    "Chatbot: plan advice": ("chatbot", "Choose", 0.05),
    "Store consultation": ("store", "Choose", 9.0),
    "Coverage check": ("web", "Choose", None),
    "Order placed": ("web", "Buy", None),
    "Store purchase": ("store", "Buy", 9.0),
    "Credit check": ("back office", "Buy", 0.4),
    "Order confirmation": ("e-mail", "Buy", 0.01),
    "Appointment change": ("phone", "Set up", 4.0),
    "Engineer visit": ("engineer", "Set up", 85.0),
    "SIM activation": ("app", "Set up", None),
    "Router set-up": ("app", "Set up", None),
    "Chatbot: set-up help": ("chatbot", "Set up", 0.05),
    "Number porting": ("phone", "Set up", 7.0),
    "Chatbot: number porting": ("chatbot", "Set up", 0.05),
    "Usage check": ("app", "Use", None),
    "Fault report": ("web", "Use", None),
    "Chatbot: fault": ("chatbot", "Use", 0.05),
    "Fault call": ("phone", "Use", 7.0),
    "Outage SMS": ("SMS", "Use", 0.02),
    "Live chat": ("chat", "Use", 3.0),
    "Left the queue": ("chat", "Use", None),
    "Bill sent": ("e-mail", "Pay", 0.01),
    "Bill viewed": ("app", "Pay", None),
    "Chatbot: billing": ("chatbot", "Pay", 0.05),
    "Billing call": ("phone", "Pay", 6.0),
    "Payment reminder": ("SMS", "Pay", 0.02),
    "Complaint call": ("phone", "Stay", 8.0),
    "Bereavement": ("phone", "Stay", 9.0),
    "Cancellation call": ("phone", "Stay", 8.0),
    "Renewal offer": ("e-mail", "Stay", 0.01),
    "Renewal": ("app", "Stay", None),
    "Letter to the board": ("letter", "Stay", 30.0),
}

ADVICE = Bot(
    "Chatbot: plan advice",
    "advice",
    ("Which plan fits me?", "Is there a plan with more data?"),
    "Plan M fits what you told me.",
    solves=0.8,
    stalls=0.05,
    question_de="Welcher Tarif passt zu mir?",
)
SETUP = Bot(
    "Chatbot: set-up help",
    "set-up",
    ("How do I start the router?", "The router light is red"),
    "Press reset for ten seconds.",
    solves=0.35,
    stalls=0.08,
    question_de="Der Router blinkt rot",
)
FAULT = Bot(
    "Chatbot: fault",
    "fault",
    ("My internet is down", "No signal since yesterday", "The line keeps dropping"),
    "I have restarted your line.",
    solves=0.12,
    stalls=0.12,
    honours=0.6,
    keeps_context=0.4,
    question_de="Mein Internet geht nicht",
)
BILLING = Bot(
    "Chatbot: billing",
    "billing",
    ("Why is my bill higher?", "What is this charge?", "When is my bill due?"),
    "The extra 4 euro is a roaming day.",
    solves=1.1,
    stalls=0.04,
    question_de="Warum ist die Rechnung so hoch?",
)
PORTING = Bot(
    "Chatbot: number porting",
    "porting",
    ("Where is my old number?", "My number is still not here"),
    "Your number arrives today.",
    solves=0.1,
    stalls=0.25,
    honours=0.0,
    question_de="Wo bleibt meine Nummer?",
)

CHURN = {
    "base": 0.04,
    "tenure_under_12_months": 0.06,
    "Engineer visit, late or not fixed": 0.26,
    "Complaint call, not solved": 0.28,
    "severe matter at Billing call (known before it)": 0.28,
    "Cancellation call, not kept": 0.6,
}
TRUTH: dict[str, Any] = {
    "churn_added_by": CHURN,
    "decides_loyalty": ["Engineer visit", "Complaint call"],
    "only_correlates": {"Billing call": "severe matters are solved less and leave more"},
    "works_through_others": {"Fault call": "unsolved leads to engineer visits and complaints"},
    "decides_but_rare": ["Cancellation call"],
    "no_effect": ["Store consultation", "Payment reminder", "Renewal offer", "Router set-up"],
    "negative_control": "spend_before",
    "good_bot": "Chatbot: billing",
    "failing_bot": "Chatbot: fault",
    "bot_without_exit": "Chatbot: number porting",
    "automate": "Appointment change",
    "needs_people": ["Bereavement", "Cancellation call"],
    "fix_first": "Number porting",
    "thin_evidence": "Letter to the board",
    "handover_loses_context": {"Chatbot: fault": 0.6, "others": 0.1},
    "tipping_point_minutes": 3.0,
    "seconds_in_queue_mean": QUEUE_MEAN_SECONDS,
    "seconds_of_patience_mean": PATIENCE_MEAN_SECONDS,
    "request_rate_per_minute": {"before": 0.04, "after": 0.35},
}


def play(dice: Dice, n: int, release: Release | None = None) -> tuple[Book, Loyalty]:
    """Let n customers live through the half year."""
    folk = people(
        dice,
        n,
        prefix="T",
        segments={"mobile": 0.5, "fibre": 0.3, "bundle": 0.2},
        new_share=0.24,
    )
    book = Book(dice, folk, release)
    loyalty = Loyalty(dice, folk, base=CHURN["base"], new=CHURN["tenure_under_12_months"])
    new = folk.tenure_months == 0
    everyone = np.arange(n, dtype=np.int64)
    starts = cases(dice, folk, everyone[new], slot=0, severe=0.3)
    loyalty.join(starts)
    _onboarding(book, loyalty, starts)
    for slot in (1, 2):
        matter = dice.uniform(n)

        def opened(lo: float, hi: float, slot: int = slot, u: Any = matter) -> Cases:
            who: Ints = everyone[(u >= lo) & (u < hi)]
            return loyalty.settled(cases(dice, folk, who, slot=slot, severe=0.4))

        _fault(book, loyalty, opened(0.00, 0.085))
        _billing(book, loyalty, opened(0.10, 0.25))
        _service(book, opened(0.29, 0.38))
        _porting(book, loyalty, opened(0.25, 0.29))
        _complaint(book, loyalty, opened(0.38, 0.46))
        _stay(book, loyalty, opened(0.46, 0.53))
        book.add(opened(0.55, 0.71), "Usage check", "customer", intent="usage")
    old = cases(dice, folk, everyone[~new], slot=0, severe=0.4)
    _billing(book, loyalty, old.where(dice.chance(len(old), 0.15)))
    _fault(book, loyalty, old.where(dice.chance(len(old), 0.07)))
    thin = few(dice, dice.order(n)[:THIN_CUSTOMERS])
    loyalty.spare(thin)
    book.add(thin, "Letter to the board", "customer", intent="complaint")
    return book, loyalty


def _onboarding(book: Book, loyalty: Loyalty, at: Cases) -> None:
    dice, n = book.dice, len(at)
    book.add(at.where(dice.chance(n, 0.4)), "Ad click", "customer", intent="advice")
    visit = at.after(45)
    book.add(visit.where(dice.chance(n, 0.7)), "Website visit", "customer", intent="advice")
    book.add(
        visit.where(dice.chance(n, 0.35)).after(20), "Plan comparison", "customer", intent="advice"
    )
    chat(book, visit.where(dice.chance(n, 0.17)).after(400), ADVICE)
    store = dice.chance(n, 0.4)
    late = at.days_later(dice, 1, 3)
    advised = late.where(store)
    good = dice.chance(len(advised), 0.6)
    book.add(
        advised,
        "Store consultation",
        "human",
        intent="advice",
        seconds=np.floor(60 * dice.skewed(len(advised), 10, 45)),
        resource=dice.pick(len(advised), ["S1", "S2", "S3", "S4"]),
        solved=np.where(good, "1", "0").astype(object),
        rating_base=np.where(good, 0.8, 0.4),
    )
    in_store = store & dice.chance(n, 0.3)
    book.add(late.where(in_store).after(2700), "Store purchase", "human", intent="order")
    order = late.where(~in_store).after(3600)
    book.add(order.where(dice.chance(len(order), 0.2)), "Coverage check", "customer")
    book.add(order.after(120), "Order placed", "customer", intent="order")
    book.add(order.after(121), "Order confirmation", "system", intent="order")
    checked = late.where(dice.chance(n, 0.5)).days_later(dice, 1, 1)
    book.add(
        checked, "Credit check", "system", intent="order", error=dice.chance(len(checked), 0.03)
    )
    fixed_line = dice.chance(n, 0.6)
    setup = late.days_later(dice, 4, 8)
    moved = late.where(fixed_line & dice.chance(n, 0.3)).days_later(dice, 2, 3)
    _appointment(book, moved)
    _engineer(book, loyalty, setup.where(fixed_line))
    alone = setup.where(~fixed_line)
    book.add(alone.where(dice.chance(len(alone), 0.5)), "SIM activation", "customer")
    ready = setup.where(fixed_line & dice.chance(n, 0.5)).after(7200)
    works = dice.pick(len(ready), ["1", "0"], [0.8, 0.2])
    book.add(ready, "Router set-up", "customer", solved=works)
    chat(book, setup.where(dice.chance(n, 0.12)).after(9000), SETUP)


def _engineer(book: Book, loyalty: Loyalty, at: Cases) -> None:
    dice, n = book.dice, len(at)
    good = dice.chance(n, np.where(at.severe, 0.6, 0.75))
    book.add(
        at,
        "Engineer visit",
        "human",
        intent="engineer",
        seconds=np.floor(60 * dice.skewed(n, 25, 120)),
        resource=dice.pick(n, [f"E{k:02d}" for k in range(1, 16)]),
        solved=np.where(good, "1", "0").astype(object),
        error=~good & dice.chance(n, 0.6),
        rating_base=np.where(good, 0.85, 0.2),
    )
    loyalty.risk(at, np.where(good, 0.0, CHURN["Engineer visit, late or not fixed"]))


def _appointment(book: Book, at: Cases) -> None:
    call(
        book,
        at,
        "Appointment change",
        "appointment",
        ("Please move my appointment to Friday", "I need another date", "Can you come later?"),
        mood=0.05,
        solved=book.dice.chance(len(at), 0.98),
        minutes=(3.0, 4.0),
        german=("Bitte den Termin verschieben",),
    )


def _fault(book: Book, loyalty: Loyalty, at: Cases) -> None:
    dice, n = book.dice, len(at)
    book.add(at.where(dice.chance(n, 0.15)), "Outage SMS", "system", intent="fault")
    reported = at.after(600)
    book.add(reported.where(dice.chance(n, 0.4)), "Fault report", "customer", intent="fault")
    via_bot = dice.chance(n, 0.65)
    started = reported.where(via_bot).after(300)
    talk = chat(book, started, FAULT)
    # half of what this bot calls solved breaks again: raw containment misses it
    returns = np.where(talk.solved_by_bot, dice.chance(len(started), 0.5), ~talk.solved)
    back = talk.end.where(returns & dice.chance(len(started), 0.75)).days_later(dice, 1, 5)
    calling = join(reported.where(~via_bot).after(900), back)
    solved = dice.chance(len(calling), np.where(calling.severe, 0.5, 0.75))
    end = call(
        book,
        calling,
        "Fault call",
        "fault",
        (
            "My line is down again and I am angry",
            "third time I explain this",
            "No signal, it is awful",
        ),
        mood=-0.55,
        solved=solved,
        minutes=(5.0, 25.0),
        german=("Das Internet geht schon wieder nicht",),
        transferred=0.12,
    )
    open_ = end.where(~solved)
    _engineer(book, loyalty, open_.where(dice.chance(len(open_), 0.5)).days_later(dice, 1, 4))
    cross = open_.where(dice.chance(len(open_), 0.5)).days_later(dice, 5, 9)
    _complaint(book, loyalty, cross)
    loyalty.complains(open_, 0.2)


def _billing(book: Book, loyalty: Loyalty, at: Cases) -> None:
    dice, n = book.dice, len(at)
    book.add(at.where(dice.chance(n, 0.6)), "Bill sent", "system", intent="billing")
    seen = at.after(7200)
    book.add(seen.where(dice.chance(n, 0.3)), "Bill viewed", "customer", intent="billing")
    u = dice.uniform(n)
    talk_at = seen.where(u < 0.34).after(400)
    talk = chat(book, talk_at, BILLING)
    back = talk.end.where(~talk.solved & dice.chance(len(talk_at), 0.4)).days_later(dice, 1, 5)
    calling = join(seen.where(u >= 0.34).after(1800), back)
    solved = dice.chance(len(calling), np.where(calling.severe, 0.3, 0.85))
    call(
        book,
        calling,
        "Billing call",
        "billing",
        ("My bill looks wrong", "I was charged twice", "Please explain this charge"),
        mood=-0.25,
        solved=solved,
        minutes=(4.0, 14.0),
        german=("Die Rechnung stimmt nicht",),
        transferred=0.06,
    )
    severe = calling.severe.astype(np.float64)
    loyalty.risk(calling, severe * CHURN["severe matter at Billing call (known before it)"])
    loyalty.complains(calling, 0.03)
    reminded = at.where(dice.chance(n, 0.3)).days_later(dice, 8, 10)
    book.add(reminded, "Payment reminder", "system", intent="billing")


def _service(book: Book, at: Cases) -> None:
    dice, n = book.dice, len(at)
    u = dice.uniform(n)
    _appointment(book, at.where(u < 0.75))
    book.add(at.where(u >= 0.6), "Usage check", "customer", intent="usage")


def _porting(book: Book, loyalty: Loyalty, at: Cases) -> None:
    dice, n = book.dice, len(at)
    u = dice.uniform(n)
    chat(book, at.where(u < 0.5), PORTING)
    calling = at.where(u >= 0.5)
    for _ in range(4):
        solved: Bools = dice.chance(len(calling), 0.4)
        end = call(
            book,
            calling,
            "Number porting",
            "porting",
            ("My number is still not moved", "You sent the wrong form again"),
            mood=-0.35,
            solved=solved,
            minutes=(6.0, 30.0),
            german=("Meine Nummer ist noch nicht da",),
            transferred=0.25,
        )
        calling = end.where(~solved).days_later(dice, 2, 5)
    loyalty.complains(calling, 0.2)


def _complaint(book: Book, loyalty: Loyalty, at: Cases) -> None:
    dice = book.dice
    solved = dice.chance(len(at), np.where(at.severe, 0.5, 0.65))
    call(
        book,
        at,
        "Complaint call",
        "complaint",
        (
            "This is terrible service",
            "I am really angry about this",
            "Nobody helps me, I hate this",
        ),
        mood=-0.7,
        solved=solved,
        minutes=(8.0, 40.0),
        german=("Ich bin sehr verärgert",),
        transferred=0.1,
    )
    loyalty.risk(at, np.where(solved, 0.0, CHURN["Complaint call, not solved"]))
    loyalty.complains(at, np.where(solved, 0.1, 0.4))


def _stay(book: Book, loyalty: Loyalty, at: Cases) -> None:
    dice, n = book.dice, len(at)
    u = dice.uniform(n)
    grieving = at.where(u < 0.25)
    book.people.vulnerable[grieving.who[dice.chance(len(grieving), 0.35)]] = True
    call(
        book,
        grieving,
        "Bereavement",
        "bereavement",
        ("My husband died and I need to close his line", "My mother passed away, I am so sad"),
        mood=-0.8,
        solved=dice.chance(len(grieving), 0.85),
        minutes=(8.0, 45.0),
        german=("Mein Vater ist gestorben",),
        desk="B",
    )
    leaving = at.where((u >= 0.25) & (u < 0.6))
    kept = dice.chance(len(leaving), 0.5)
    call(
        book,
        leaving,
        "Cancellation call",
        "cancel",
        ("I want to cancel, I am fed up", "I am disappointed and I am leaving"),
        mood=-0.6,
        solved=kept,
        minutes=(6.0, 30.0),
        german=("Ich möchte kündigen",),
        desk="B",
    )
    loyalty.risk(leaving, np.where(kept, 0.0, CHURN["Cancellation call, not kept"]))
    offered = at.where(u >= 0.5)
    book.add(offered, "Renewal offer", "system", intent="renewal")
    renews = offered.where(dice.chance(len(offered), 0.5)).days_later(dice, 1, 5)
    book.add(renews, "Renewal", "customer", intent="renewal")
