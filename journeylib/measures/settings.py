"""What the measures need to be told."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from journeylib.log import Outcome, Touchpoint


class MeasureSettings(BaseModel):
    """Windows, minimum bases and declared columns of the measures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_starts: int = Field(30, ge=1, description="A touchpoint with fewer visits abstains.")
    min_base_customers: int = Field(
        20, ge=1, description="A touchpoint with fewer customers abstains."
    )
    repeat_days: float = Field(7.0, gt=0, description="Window of repeat contact and containment.")
    complaint_days: float = Field(14.0, gt=0, description="Window of a complaint.")
    complaint_kinds: tuple[Outcome, ...] = Field(
        ("complaint",), description="Outcome kinds that are complaints."
    )
    complaint_touchpoints: tuple[Touchpoint, ...] = Field(
        (), description="Touchpoints that are complaints."
    )
    handover_hours: float = Field(
        24.0, gt=0, description="A human who comes later than this is a new contact."
    )
    session_gap_minutes: float = Field(
        60.0, gt=0, description="Silence that ends a conversation where no session id says so."
    )
    queues: tuple[Touchpoint, ...] = Field(
        (),
        description="Touchpoints at which customers wait for a human: who leaves there is lost. "
        "Default: those whose name has the word queue.",
    )
    honoured_minutes: float = Field(
        5.0, gt=0, description="A request for a human is honoured if one joins within this time."
    )
    review_minutes: float = Field(
        0.0, ge=0, description="Human minutes to check one visit that a bot has contained."
    )
    failed_minutes: float = Field(
        2.0,
        ge=0,
        description="Extra human minutes where a bot failed first: reading up, calming, a repeat "
        "contact. An assumption: say yours.",
    )
    known_at_start: tuple[str, ...] = Field(
        (),
        description="Declared attributes that are known when a touchpoint starts, so that rules "
        "may rest on them. What is known only afterwards (solved or not, say) would be cheating.",
    )
    required_fields: dict[Touchpoint, tuple[str, ...]] = Field(
        {}, description="Touchpoint to the columns that must be filled when it starts."
    )
    vulnerable: str | None = Field(
        None, description="Declared attribute that flags vulnerable customers; never inferred."
    )
    needs_human: str | None = Field(
        None,
        description="Declared attribute that labels turns at which a human should take over: "
        "hand-overs are compared with it.",
    )
    late_turns: int = Field(
        2, ge=0, description="A hand-over more turns than this after the first label is late."
    )
    labelled_turns: str | None = Field(
        None,
        description="CSV of turns that people have labelled, to check the text detectors with "
        "and to learn feelings from: text; human_request, repetition, negative, positive (yes or "
        "no); customer. Path, relative to the configuration.",
    )
    human_request_words: tuple[str, ...] = Field(
        (), description="Further words by which customers ask for a human."
    )


# A customer's health, origin or need of protection is declared, and never inferred from words.
NEVER_INFERRED = (
    *("vulnerab", "health", "illness", "disab", "ethnic", "race", "racial", "religio", "sexual"),
    *("verletzlich", "schutzbed", "gesundheit", "krank", "behinder", "ethni", "herkunft"),
)
MOST_TYPES = 5


class ServiceTypeSettings(BaseModel):
    """The service types of contacts, and the labels that they are learned from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: str | None = Field(
        None,
        description="The labels that `journeylib label --import` writes. They hold what customers "
        "say: keep the file to yourselves. Path, relative to the configuration. Without it no "
        "type is told, only topics.",
    )
    names: tuple[str, ...] = Field(
        ("transactional", "emotional"),
        description="Two to five types; the second is what bots are looked at for: contacts in "
        "which something is at stake for the customer.",
    )

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
