"""What the measures need to be told."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

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
        description="CSV of turns that people have labelled, to check the text detectors with: "
        "text; human_request, repetition, negative (yes or no); customer. Path, relative to the "
        "configuration.",
    )
    human_request_words: tuple[str, ...] = Field(
        (), description="Further words by which customers ask for a human."
    )
