"""Conversations: a chat that a bot begins and a human may join, and a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sample_data.generator.scenario import Book, Bools, Cases, Dice, Floats, Ints, Words

MAX_BOT_MINUTES = 9.0
HANG_UP_SHARE = 0.08
QUEUE_MEAN_SECONDS = 170.0
PATIENCE_MEAN_SECONDS = 420.0

REQUESTS = ("agent!", "I want to talk to a human", "human please", "let me speak to a person")
REQUESTS_DE = ("Mitarbeiter bitte!", "Ich will mit einem Menschen sprechen")
AGAIN = ("third time I explain this", "as I said before", "I already told the bot this")
THANKS = ("thanks, that helped", "great, thank you", "perfect, it works now")
NOT_UNDERSTOOD = "Sorry, could you rephrase that?"
CONNECTING = "Connecting you to a colleague."
DONE = "Done. You are all set."
ASKS_AGAIN = "Hello, what is your number and the issue?"
KNOWS = "Hello, I have your details here."


@dataclass(frozen=True)
class Bot:
    """How a bot behaves; rates are per minute of conversation.

    Attributes
    ----------
    solves, stalls : float
        Rate of ending solved, and of the customer leaving in silence.
    asks_early, asks_late, tips_at : float
        Rate of asking for a human before and after `tips_at` minutes.
    honours : float
        Probability that one request is honoured; 0 is a bot without a way out.
    keeps_context : float
        Share of hand-overs in which the human gets what the bot was told.
    """

    touchpoint: str
    intent: str
    questions: Sequence[str]
    answer: str
    solves: float
    stalls: float
    honours: float = 0.8
    keeps_context: float = 0.9
    asks_early: float = 0.04
    asks_late: float = 0.35
    tips_at: float = 3.0
    human: str = "Live chat"
    queue: str = "Left the queue"
    question_de: str = "Das funktioniert nicht"


@dataclass(frozen=True)
class Chats:
    """How chats ended; arrays run along the cases, `end` holds the seconds since `START`."""

    end: Cases
    solved_by_bot: Bools
    silent: Bools
    asked: Bools
    joined: Bools
    context_lost: Bools
    solved_by_human: Bools
    requests: Ints

    @property
    def solved(self) -> Bools:
        """Whether anybody solved the matter."""
        return self.solved_by_bot | self.solved_by_human


def said(dice: Dice, book: Book, at: Cases, phrases: Sequence[str], german: Sequence[str]) -> Words:
    """Draw what customers say, in German where they do."""
    english = dice.pick(len(at), phrases)
    return np.where(book.people.german[at.who], dice.pick(len(at), german), english)


def _under(mask: Bools, columns: dict[str, Any]) -> dict[str, Any]:
    return {k: v[mask] if isinstance(v, np.ndarray) else v for k, v in columns.items()}


def time_to_ask(dice: Dice, bot: Bot, n: int) -> Floats:
    """Draw minutes until a human is asked for, from a hazard that may jump once."""
    spent = dice.waits(n, 1.0)
    early = bot.asks_early * bot.tips_at
    return np.where(
        spent <= early, spent / bot.asks_early, bot.tips_at + (spent - early) / bot.asks_late
    )


def chat(book: Book, at: Cases, bot: Bot) -> Chats:
    """Write one chat per case, turn by turn."""
    dice, n = book.dice, len(at)
    session, agent = book.sessions(n), dice.pick(n, [f"C{k:02d}" for k in range(1, 13)])
    ask = time_to_ask(dice, bot, n)
    solve = dice.waits(n, 1 / bot.solves) * np.where(at.severe, 1.6, 1.0)
    stall = np.minimum(dice.waits(n, 1 / bot.stalls), MAX_BOT_MINUTES)
    minutes = np.minimum(np.minimum(ask, solve), stall)
    solved, asked, silent = minutes == solve, minutes == ask, minutes == stall
    lasts = np.floor(60 * minutes)
    question = said(dice, book, at, bot.questions, [bot.question_de])

    def turn(
        mask: Bools,
        offset: Floats,
        actor: str,
        text: str | Words,
        mood: float = np.nan,
        place: str | None = None,
        **columns: object,
    ) -> None:
        human = actor == "human"
        book.add(
            at.after(np.floor(offset)).where(mask),
            place or (bot.human if human else bot.touchpoint),
            actor,
            began=at.t[mask],
            session=session[mask],
            intent=bot.intent,
            text=text if isinstance(text, str) else text[mask],
            mood=mood,
            resource=agent[mask] if human else "ava" if actor == "bot" else "",
            **_under(mask, columns),
        )

    everyone = np.ones(n, dtype=bool)
    reply = np.where(solved, bot.answer, NOT_UNDERSTOOD).astype(object)
    disclosed = np.where(dice.chance(n, 0.85), "1", "0").astype(object)
    turn(everyone, 0 * lasts, "bot", "Hi, how can I help?", disclosed=disclosed)
    turn(everyone, 0.15 * lasts, "customer", question, mood=-0.1)
    turn(everyone, 0.2 * lasts, "bot", reply, disclosed=disclosed)
    for round_, begins in ((1, 0.5), (2, 0.75)):
        longer = lasts >= 100 * round_
        turn(longer, begins * lasts, "customer", question, mood=-0.4)
        turn(longer, (begins + 0.05) * lasts, "bot", reply, disclosed=disclosed)
    turn(solved, lasts, "bot", DONE, disclosed=disclosed, rating_base=0.85)
    turn(solved & dice.chance(n, 0.75), lasts + 8, "customer", dice.pick(n, THANKS), mood=0.7)
    turn(silent, lasts, "bot", NOT_UNDERSTOOD, disclosed=disclosed, rating_base=0.15)

    waiting, honoured, clock = asked.copy(), np.zeros(n, dtype=bool), lasts.copy()
    requests = np.zeros(n, dtype=np.int64)
    for _ in range(3):
        turn(waiting, clock, "customer", said(dice, book, at, REQUESTS, REQUESTS_DE), mood=-0.5)
        requests += waiting
        heard = waiting & dice.chance(n, bot.honours * book.release.still(at.t))
        turn(heard, clock + 4, "bot", CONNECTING, disclosed=disclosed)
        turn(waiting & ~heard, clock + 4, "bot", NOT_UNDERSTOOD, disclosed=disclosed)
        honoured |= heard
        clock = np.where(waiting, clock + np.where(heard, 4, 24), clock)
        waiting = waiting & ~heard & dice.chance(n, 0.7)

    wait = np.floor(dice.waits(n, QUEUE_MEAN_SECONDS)) + 5
    patience = np.floor(dice.waits(n, PATIENCE_MEAN_SECONDS)) + 20
    joined, left = honoured & (wait <= patience), honoured & (wait > patience)
    book.add(
        at.after(clock + patience).where(left),
        bot.queue,
        "customer",
        began=at.t[left],
        session=session[left],
        intent=bot.intent,
    )
    lost = joined & ~dice.chance(n, bot.keeps_context)
    clock = np.where(joined, clock + wait, np.where(left, clock + patience, clock))
    turn(
        joined,
        clock,
        "human",
        np.where(lost, ASKS_AGAIN, KNOWS).astype(object),
        sent=np.where(lost, dice.pick(n, ["language", "number"]), "number,issue"),
        asked="number,issue",
    )
    repeats = np.where(dice.chance(n, 0.5), dice.pick(n, AGAIN), question)
    turn(lost, clock + 30, "customer", repeats, mood=-0.6, place=bot.human)
    sent_back = joined & dice.chance(n, 0.07)
    turn(sent_back, clock + 60, "bot", reply, disclosed=disclosed)
    fixed = joined & dice.chance(n, np.where(at.severe, 0.7, 0.9))
    service = np.floor(dice.skewed(n, 180, 900))
    turn(
        joined,
        clock + 90,
        "human",
        np.where(fixed, "That is fixed now.", "I have to pass this on.").astype(object),
        seconds=service,
        solved=np.where(fixed, "1", "0").astype(object),
        rating_base=np.where(fixed, 0.8, 0.3),
    )
    clock = np.where(joined, clock + 90 + service, clock)
    return Chats(at.after(clock), solved, silent, asked, joined, lost, fixed, requests)


def call(
    book: Book,
    at: Cases,
    touchpoint: str,
    intent: str,
    phrases: Sequence[str],
    *,
    mood: float,
    solved: Bools,
    minutes: tuple[float, float],
    german: Sequence[str] = ("Ich habe eine Frage",),
    transferred: float = 0.0,
    desk: str = "A",
    menu: str | None = None,
) -> Cases:
    """Write one call per case: what the customer says, the agent's work, transfers.

    Returns the cases at the end of the call.
    """
    dice, n = book.dice, len(at)
    common = {"began": at.t, "session": book.sessions(n), "intent": intent}
    if menu is not None:
        book.add(at, menu, "bot", **common, seconds=40.0, resource="menu", disclosed="1")
        at = at.after(np.floor(45 + dice.waits(n, 90.0)))
        gone = dice.chance(n, HANG_UP_SHARE)
        book.add(at.where(gone), "Hung up", "customer", **_under(gone, common))
        at, solved, common = at.where(~gone), solved[~gone], _under(~gone, common)
        n = len(at)
    book.add(
        at,
        touchpoint,
        "customer",
        **common,
        text=said(dice, book, at, phrases, german),
        mood=mood,
    )
    seconds = np.floor(60 * dice.skewed(n, *minutes))
    agent = dice.pick(n, [f"{desk}{k:02d}" for k in range(1, 21)])
    flag = np.where(solved, "1", "0").astype(object)
    base = np.where(solved, 0.78, 0.28)
    book.add(
        at,
        touchpoint,
        "human",
        **common,
        seconds=seconds,
        resource=agent,
        solved=flag,
        rating_base=base,
        error=dice.chance(n, np.where(solved, 0.02, 0.08)),
    )
    end = at.after(seconds)
    passed = dice.chance(n, transferred)
    book.add(
        end.where(passed),
        touchpoint,
        "human",
        **_under(passed, common),
        seconds=seconds[passed],
        resource=dice.pick(int(passed.sum()), [f"{desk}{k:02d}" for k in range(21, 27)]),
        solved=flag[passed],
    )
    return end.after(np.where(passed, seconds, 0.0))
