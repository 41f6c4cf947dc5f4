"""What a run asks people to decide: the nouns; `findings.decisions` ranks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from journeylib.core import Grade

DecisionKind = Literal["alarm", "way_out", "fix_first", "hand_over", "disclose", "limit", "protect"]
FlagKind = Literal["small_offer", "costs", "cut", "weights", "feeling", "moment", "worth"]


@dataclass(frozen=True)
class Decision:
    """One thing to do, with the reason for it.

    Attributes
    ----------
    kind : str
    title : str
        Begins with a verb.
    reason : str
        The numbers, with their interval and what they rest on.
    customers : int
        Behind the reason.
    strength : float
        The least harm that the interval allows, as a share; decisions are ranked by it.
    evidence : str
        Id of the finding that says more.
    touchpoints : tuple of str
        Where; empty for the whole log.
    grade : {"A", "B", "C", "D"}
        Experiment; adjusted; measured; assumed amounts.
    """

    kind: DecisionKind
    title: str
    reason: str
    customers: int
    strength: float
    evidence: str
    touchpoints: tuple[str, ...] = ()
    grade: Grade = "C"


@dataclass(frozen=True)
class BotSummary:
    """How the conversations that begin at one bot end, and when to hand over.

    Attributes
    ----------
    touchpoint : str
    sessions, customers : int
    ends : mapping of str to float
        Shares of the sessions that ended: ``contained``, ``handed_over``, ``abandoned``. Ends of
        too few sessions are summed as ``other``.
    at_least : tuple of str
        The ends whose shares are lower bounds, so that no total tells of a few.
    verified_lo, verified_hi : float or None
        Share that is confirmed as settled, worst and best case.
    topic : str or None
        The intent of nearly all its sessions.
    answer : {"never", "at once", "minutes"} or None
        When handing over this topic costs least; None where that is not known or not settled.
    minutes : float or None
    agreement : float or None
        Share of resamples with this answer.
    """

    touchpoint: str
    sessions: int
    customers: int
    ends: Mapping[str, float]
    at_least: tuple[str, ...]
    verified_lo: float | None
    verified_hi: float | None
    topic: str | None
    answer: str | None
    minutes: float | None
    agreement: float | None


@dataclass(frozen=True)
class Flag:
    """Two measures of one touchpoint that disagree, in a sentence."""

    touchpoint: str
    kind: FlagKind
    text: str


@dataclass(frozen=True)
class Decisions:
    """The first screen of a run.

    Attributes
    ----------
    headline : str
        The finding that matters most.
    detail : str
        Its worst and its best case.
    customers : int
        Behind the headline; 0 where it says nothing of them.
    items : tuple of Decision
        At most five, the strongest evidence first.
    bots : tuple of BotSummary
        The most often confirmed first.
    flags : tuple of Flag
        By touchpoint.
    trials : tuple of str
        What to try, not to roll out: it rests on assumed amounts.
    trust : tuple of str
        How far to trust all of this.
    """

    headline: str
    detail: str
    customers: int
    items: tuple[Decision, ...]
    bots: tuple[BotSummary, ...]
    flags: tuple[Flag, ...]
    trials: tuple[str, ...]
    trust: tuple[str, ...]
