"""Bets: what a team tries, beside what is known of it, and what does not fit together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from journeylib.core import number, text
from journeylib.lab.amounts import some
from journeylib.lab.settings import Bet

MOST_AT_ONCE = 5  # bets tested on the same customers


@dataclass(frozen=True)
class BetFacts:
    """What an audit and the lab know about one bet.

    Attributes
    ----------
    verdict : str or None
        Of its touchpoint; None where the touchpoint is not shown.
    vetoes : tuple of str
    value_per_week : float or None
        What the portfolio expects of automating the touchpoint.
    plan_end : datetime.date or None
        Day of the last planned look.
    watch_stopped : bool or None
    decision : str or None
        Of the reading; None where it cannot be read or there is none.
    has_reading : bool
    stop_value : float or None
        The measure of `stop_if` today.
    """

    verdict: str | None = None
    vetoes: tuple[str, ...] = ()
    value_per_week: float | None = None
    plan_end: dt.date | None = None
    watch_stopped: bool | None = None
    decision: str | None = None
    has_reading: bool = False
    stop_value: float | None = None


@dataclass(frozen=True)
class Inconsistency:
    """Something about bets that does not fit together."""

    kind: str
    bets: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class JoinedBet:
    """A bet beside what is known of it."""

    bet: Bet
    facts: BetFacts
    inconsistencies: tuple[Inconsistency, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        facts = self.facts
        return {
            "name": self.bet.name,
            "touchpoint": self.bet.touchpoint,
            "what": self.bet.what,
            "owner_role": self.bet.owner_role,
            "state": self.bet.state,
            "verdict": facts.verdict,
            "value_per_week": facts.value_per_week,
            "plan_end": None if facts.plan_end is None else facts.plan_end.isoformat(),
            "decision": facts.decision,
            "inconsistencies": [one.text for one in self.inconsistencies],
        }


def join_bets(
    bets: Sequence[Bet], facts: Mapping[str, BetFacts], *, as_of: dt.date
) -> tuple[JoinedBet, ...]:
    """Put each bet beside what is known of it, and name what is inconsistent.

    Parameters
    ----------
    bets : sequence of Bet
    facts : mapping of str to BetFacts
        By name of the bet.
    as_of : datetime.date
    """
    joined = tuple(
        JoinedBet(bet, facts[bet.name], tuple(_inconsistencies(bet, facts[bet.name], as_of)))
        for bet in bets
    )
    testing = [bet.name for bet in bets if bet.state == "testing"]
    if len(testing) <= MOST_AT_ONCE:
        return joined
    sentence = text("lab.bet.many", count=len(testing), names=", ".join(testing), most=MOST_AT_ONCE)
    many = Inconsistency("many", tuple(testing), sentence)
    return tuple(
        JoinedBet(one.bet, one.facts, (*one.inconsistencies, many))
        if one.bet.state == "testing"
        else one
        for one in joined
    )


def _inconsistencies(bet: Bet, facts: BetFacts, as_of: dt.date) -> list[Inconsistency]:
    words: dict[str, Any] = {
        "bet": bet.name, "touchpoint": bet.touchpoint, "state": text(f"lab.state.{bet.state}"),
        "vetoes": "; ".join(facts.vetoes),
        "decision": text(f"lab.decided.{facts.decision or 'unread'}"),
        "stop_if": bet.stop_if or bet.stop_measure,
    }  # fmt: skip
    kinds = []
    live = bet.state in ("testing", "scaled")
    if facts.verdict is None:
        kinds.append("absent")
    if bet.state == "scaled" and not facts.has_reading:
        kinds.append("unread")
    if bet.state == "scaled" and facts.has_reading and facts.decision != "ship":
        kinds.append("read_against")
    if live and facts.vetoes:
        kinds.append("veto")
    if live and facts.watch_stopped:
        kinds.append("harm")
    if bet.state == "testing" and facts.plan_end is None:
        kinds.append("no_plan")
    if bet.state == "testing" and facts.plan_end is not None and as_of > facts.plan_end:
        kinds.append("long")
        words |= {"days": some((as_of - facts.plan_end).days, "day")}
        words |= {"end": facts.plan_end.isoformat()}
    if live and (limit := _passed(bet, facts.stop_value)) is not None:
        kinds.append("stop")
        words |= {"value": number(facts.stop_value), "limit": number(limit)}
    return [Inconsistency(kind, (bet.name,), text(f"lab.bet.{kind}", **words)) for kind in kinds]


def _passed(bet: Bet, value: float | None) -> float | None:
    """Return the limit of `stop_if` that a value is beyond."""
    if value is None:
        return None
    if bet.stop_above is not None and value > bet.stop_above:
        return bet.stop_above
    if bet.stop_below is not None and value < bet.stop_below:
        return bet.stop_below
    return None
