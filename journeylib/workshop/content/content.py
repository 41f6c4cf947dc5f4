"""Content: what a workshop shows, in one frozen object that every renderer draws from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from journeylib.audits import DocumentPart
from journeylib.core import Catalogue, Estimate
from journeylib.workshop.notes.notes import Note


@dataclass(frozen=True)
class BotSessions:
    """What became of conversations with a machine that began at a touchpoint.

    None where too few, or what would give these away, is not shown; `at_least` names the ends of
    which a lower bound is.
    """

    sessions: int
    handed_over: int | None
    abandoned: int | None
    at_least: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Touchpoint:
    """One touchpoint, as the audit sees it.

    Attributes
    ----------
    name : str
    stage, channel : str
        Empty where the log has none.
    customers : int
    reach : float
        Share of all journeys that reach it.
    serves : str
        ``bot``, ``human``, ``both``, ``nobody`` or ``unknown``.
    feeling : Estimate or None
        −1 to 1; None where nobody was heard.
    mark : int
        1 or −1 where the feeling is good or bad for certain, else 0.
    verdict : str
        A key of `theme.VERDICTS`.
    leaning : str or None
        Where no verdict is settled, the one it leans to.
    stability : float or None
        Share of resamples in which the verdict holds.
    vetoes : tuple of str
    machine, person : tuple of str
        What speaks for each, strongest first, in words.
    lacks : tuple of str
        What the log lacks to say more, in words.
    bot_sessions : BotSessions or None
    dead_end : bool
        Nobody gets from here to a person.
    """

    name: str
    stage: str
    channel: str
    customers: int
    reach: float
    serves: str
    feeling: Estimate | None
    mark: int
    verdict: str
    leaning: str | None
    stability: float | None
    vetoes: tuple[str, ...]
    machine: tuple[str, ...]
    person: tuple[str, ...]
    lacks: tuple[str, ...]
    bot_sessions: BotSessions | None
    dead_end: bool

    @property
    def shown_verdict(self) -> str:
        """The verdict, or where none is settled the one it leans to."""
        return (self.leaning or self.verdict) if self.is_leaning else self.verdict

    @property
    def is_leaning(self) -> bool:
        """Whether the verdict only leans some way."""
        return self.verdict == "abstain" and self.leaning is not None

    @property
    def is_served(self) -> bool:
        """Whether a machine or a person serves here."""
        return self.serves not in ("nobody", "unknown")

    @property
    def is_heard(self) -> bool:
        """Whether the log says how customers feel here."""
        return self.feeling is not None and self.feeling.value is not None

    @property
    def mood(self) -> float:
        """The mean feeling; 0 where nobody was heard."""
        return (self.feeling.value or 0.0) if self.feeling is not None else 0.0


@dataclass(frozen=True)
class Stage:
    """One stage: how many customers reach it, its touchpoints, and where journeys go next.

    `moves` holds the strongest next stages (empty name: the journey ends) with their share of
    all moves that leave the stage.
    """

    name: str
    customers: int | None
    reach: float | None
    touchpoints: tuple[Touchpoint, ...]
    moves: tuple[tuple[str, float], ...]

    def title(self, words: Catalogue) -> str:
        """Return its name, or what stands for it where the log has no stages."""
        return self.name or words.text("no_stage")


@dataclass(frozen=True)
class Moment:
    """A moment of truth: a touchpoint at which a good visit goes with another outcome.

    `impact` abstains where journeys a year cannot be told.
    """

    touchpoint: Touchpoint
    outcome: str
    effect: Estimate
    impact: Estimate


@dataclass(frozen=True)
class Decision:
    """What to do, why, and its grade with its customers, as on the dashboard's first screen."""

    kind: str
    touchpoints: tuple[str, ...]
    title: str
    reason: str
    base: str


@dataclass(frozen=True)
class FirstScreen:
    """The dashboard's first screen in the language of the content; see `Decisions`."""

    headline: str
    detail: str
    decisions: tuple[Decision, ...]
    trials: tuple[str, ...]
    trust: tuple[str, ...]


@dataclass(frozen=True)
class Segment:
    """One segment: by stage the share of its journeys that reach it, by touchpoint its feeling."""

    name: str
    customers: int
    stages: Mapping[str, tuple[float, int]]
    feelings: Mapping[str, Estimate]


@dataclass(frozen=True)
class PlannedJourney:
    """The declared plan beside what happened: (touchpoint, kind) to share of journeys."""

    journeys: int
    conforming: Estimate
    steps: tuple[str, ...]
    shares: Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Candidate:
    """A touchpoint that might be automated first.

    `frequency` is the share of resamples that choose it, None where it may not be chosen;
    `why_not` is in words, empty where it is chosen.
    """

    touchpoint: str
    chosen: bool
    frequency: float | None
    value: Estimate
    why_not: str


@dataclass(frozen=True)
class FirstAutomations:
    """The choice under the budget; `answer` is ``settled``, ``not_settled`` or ``none``."""

    answer: str
    candidates: tuple[Candidate, ...]
    cost: float
    budget: float
    currency: str

    @property
    def chosen(self) -> tuple[Candidate, ...]:
        """The candidates to begin with."""
        return tuple(one for one in self.candidates if one.chosen)


@dataclass(frozen=True)
class Content:
    """Everything that the artefacts of a workshop say.

    Attributes
    ----------
    words : Catalogue
        The language.
    name, title, run_id : str
        Of the audit.
    kicker, source : str
        Size of the log and its period; where the numbers come from.
    min_customers : int
    stages : tuple of Stage
        In the order in which customers meet them.
    points, moves : pandas.DataFrame
        Touchpoints and transitions as `present.map_layout` takes them.
    stage_order, channel_order : tuple of str
    first_screen : FirstScreen
        What to decide; what artefacts say first.
    moments : tuple of Moment
    wait, honoured : Estimate
        Wait for a person; whether one came when asked for.
    stories : tuple of DocumentPart
        As in `audit.json`.
    stories_note : str
        How far the stories can be trusted.
    segments : tuple of Segment
        The largest first, at most `MOST_SEGMENTS`.
    plan : PlannedJourney or None
    first_automations : FirstAutomations or None
        None where no budget was declared.
    notes : tuple of Note
        What the room said; never mixed into what was computed.
    """

    words: Catalogue
    name: str
    title: str
    run_id: str
    kicker: str
    source: str
    min_customers: int
    stages: tuple[Stage, ...]
    points: pd.DataFrame
    moves: pd.DataFrame
    stage_order: tuple[str, ...]
    channel_order: tuple[str, ...]
    first_screen: FirstScreen
    moments: tuple[Moment, ...]
    wait: Estimate
    honoured: Estimate
    stories: tuple[DocumentPart, ...]
    stories_note: str
    segments: tuple[Segment, ...]
    plan: PlannedJourney | None
    first_automations: FirstAutomations | None = None
    notes: tuple[Note, ...] = ()

    @property
    def touchpoints(self) -> tuple[Touchpoint, ...]:
        """All touchpoints, stage by stage."""
        return tuple(point for stage in self.stages for point in stage.touchpoints)

    @property
    def has_feelings(self) -> bool:
        """Whether the log says anywhere how customers feel."""
        return any(point.is_heard for point in self.touchpoints)

    def moments_at(self, name: str) -> tuple[Moment, ...]:
        """Return the moments of truth at one touchpoint."""
        return tuple(moment for moment in self.moments if moment.touchpoint.name == name)
