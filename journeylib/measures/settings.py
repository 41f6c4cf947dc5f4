"""What the measures need to be told."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from journeylib.core import Described
from journeylib.log import Outcome, Touchpoint


class MeasureSettings(Described):
    """Windows, minimum bases and declared columns of the measures.

    Attributes
    ----------
    min_starts
        A touchpoint with fewer visits abstains.
    min_base_customers
        A touchpoint with fewer customers abstains.
    repeat_days
        Window of repeat contact and containment.
    complaint_days
        Window of a complaint.
    complaint_kinds
        Outcome kinds that are complaints.
    complaint_touchpoints
        Touchpoints that are complaints.
    handover_hours
        A human who comes later than this is a new contact.
    session_gap_minutes
        Silence that ends a conversation where no session id says so.
    queues
        Touchpoints at which customers wait for a human: who leaves there is lost. Default: those
        whose name has the word queue.
    honoured_minutes
        A request for a human is honoured if one joins within this time.
    review_minutes
        Human minutes to check one visit that a bot has contained.
    failed_minutes
        Extra human minutes where a bot failed first: reading up, calming, a repeat contact. An
        assumption: say yours.
    known_at_start
        Declared attributes that are known when a touchpoint starts, so that rules may rest on them.
        What is known only afterwards (solved or not, say) would be cheating.
    required_fields
        Touchpoint to the columns that must be filled when it starts.
    vulnerable
        Declared attribute that flags vulnerable customers; never inferred.
    needs_human
        Declared attribute that labels turns at which a human should take over: hand-overs are
        compared with it.
    late_turns
        A hand-over more turns than this after the first label is late.
    labelled_turns
        CSV of turns that people have labelled, to check the text detectors with and to learn
        feelings from: text; human_request, repetition, negative, positive (yes or no); customer.
        Path, relative to the configuration.
    human_request_words
        Further words by which customers ask for a human.
    """

    min_starts: int = Field(30, ge=1)
    min_base_customers: int = Field(20, ge=1)
    repeat_days: float = Field(7.0, gt=0)
    complaint_days: float = Field(14.0, gt=0)
    complaint_kinds: tuple[Outcome, ...] = ("complaint",)
    complaint_touchpoints: tuple[Touchpoint, ...] = ()
    handover_hours: float = Field(24.0, gt=0)
    session_gap_minutes: float = Field(60.0, gt=0)
    queues: tuple[Touchpoint, ...] = ()
    honoured_minutes: float = Field(5.0, gt=0)
    review_minutes: float = Field(0.0, ge=0)
    failed_minutes: float = Field(2.0, ge=0)
    known_at_start: tuple[str, ...] = ()
    required_fields: dict[Touchpoint, tuple[str, ...]] = Field({})
    vulnerable: str | None = None
    needs_human: str | None = None
    late_turns: int = Field(2, ge=0)
    labelled_turns: str | None = None
    human_request_words: tuple[str, ...] = ()


# A customer's health, origin or need of protection is declared, and never inferred from words.
NEVER_INFERRED = (
    *("vulnerab", "health", "illness", "disab", "ethnic", "race", "racial", "religio", "sexual"),
    *("verletzlich", "schutzbed", "gesundheit", "krank", "behinder", "ethni", "herkunft"),
)
MOST_TYPES = 5


class ServiceTypeSettings(Described):
    """The service types of contacts, and the labels that they are learned from.

    Attributes
    ----------
    labels
        The labels that `journeylib label --import` writes. They hold what customers say: keep the
        file to yourselves. Path, relative to the configuration. Without it no type is told, only
        topics.
    names
        Two to five types; the second is what bots are looked at for: contacts in which something is
        at stake for the customer.
    """

    labels: str | None = None
    names: tuple[str, ...] = ("transactional", "emotional")

    @model_validator(mode="after")
    def _types_that_words_may_tell(self) -> Self:
        if not 2 <= len(set(self.names)) <= MOST_TYPES or len(set(self.names)) < len(self.names):
            raise ValueError(f"'names' needs two to {MOST_TYPES} different types")
        for name in self.names:
            if not name.strip() or name.strip().casefold() in ("unsure", "unsicher"):
                raise ValueError("a type needs a name, and 'unsure' is always there")
            if any(word in name.casefold() for word in NEVER_INFERRED):
                raise ValueError(
                    f"'{name}': vulnerability, health and origin are never inferred from what "
                    "customers say. Declare measures.vulnerable instead"
                )
        return self
