"""Schema: which column of a log plays which role, declared once and travelling with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_type_hints

import ibis
from ibis import _
from pydantic import Field, model_validator

from journeylib.core import ONE_OR_MORE, Described

Actor = Literal["customer", "bot", "human", "system"]
ACTORS: tuple[Actor, ...] = ("customer", "bot", "human", "system")
Office = Literal["front", "middle", "back"]
OFFICES: tuple[Office, ...] = ("front", "middle", "back")

MISSING = ("", "NA", "N/A", "NULL", "null", "None", "nan", "NaN", "?")
Column = Annotated[str, Field(min_length=1)]
Transition = Literal["start", "complete", "other"]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
ID = "id_"
NameOf = Literal[
    "touchpoint", "touchpoint before the mapping", "stage", "channel", "outcome", "intent"
]


@dataclass(frozen=True)
class Called:
    """Mark of a setting that names something in the log; see `journeys.separate_absent`.

    Attributes
    ----------
    of : str
        What it is the name of.
    kept : bool
        What the log does not have is true of the name as well (no journey ends there), so it stays
        in the settings; else it is left out of an audit and refused in a call.
    """

    of: NameOf
    kept: bool = False


Touchpoint = Annotated[str, Called("touchpoint")]
Outcome = Annotated[str, Called("outcome")]
Channel = Annotated[str, Called("channel")]
Intent = Annotated[str, Called("intent", kept=True)]
KeptTouchpoint = Annotated[str, Called("touchpoint", kept=True)]
KeptStage = Annotated[str, Called("stage", kept=True)]
KeptChannel = Annotated[str, Called("channel", kept=True)]
LoggedTouchpoint = Annotated[str, Called("touchpoint before the mapping", kept=True)]


class Schema(Described):
    """Column roles and value maps of one event log.

    Each role names a column of the source. Needed are `touchpoint`; `customer` or `journey`;
    and `timestamp` or `position`. Each further role unlocks measures; a measure whose role is
    absent abstains with ``no_column``.

    Raises
    ------
    pydantic.ValidationError
        On a missing needed role, an unknown key, or a column used for two roles.

    Examples
    --------
    >>> Schema(customer="client", touchpoint="step", timestamp="at").roles()
    {'customer': 'client', 'touchpoint': 'step', 'timestamp': 'at'}

    Attributes
    ----------
    customer
        Who: the customer's identifier.
    journey
        A ready-made journey or case id.
    touchpoint
        What happened (activity).
    timestamp
        When it happened or began.
    end_timestamp
        When it ended.
    lifecycle
        Which transition of an event a row is: its start or its end (complete); the two are made one
        event. Not together with end_timestamp.
    position
        Event id or turn number: the order in a log without a clock, else ties.
    channel
        Where: web, app, phone, store …
    stage
        In which part of the journey.
    segment
        Which kind of customer.
    intent
        About what.
    office
        front (customer sees it live), middle (customer waits) or back.
    actor
        Who acted: customer, bot, human or system.
    resource
        Which agent or bot.
    session
        Conversation or visit the event is part of.
    text
        What was said.
    text_by
        Whose words a text is: the actor's of its row, or always the customer's, as in logs in which
        one row holds who served and what the customer wrote.
    sentiment
        A score brought along, -1 to 1.
    rating
        CSAT or CES given at this touchpoint.
    cost
        Cost of this event.
    ai_disclosed
        Was the customer told it is an AI.
    context_sent
        Fields handed over, comma-separated.
    context_requested
        Fields the human asked for.
    context_opened
        Sent fields the human opened.
    context_given
        Fields the customer gave the bot.
    handover
        True where a bot passes the customer on to people; counts as a hand-over where no human ever
        appears in the log.
    error
        True where the event is an error, override or exception.
    attributes
        Further columns to keep, under their own names.
    identifiers
        Kind of identifier (email, phone, cookie …) to its column, the surest first: what events of
        one person are stitched by. An event without customer is under the first of them that it
        has.
    actor_values
        The company's words for actors; '*' matches the rest.
    lifecycle_values
        The company's words for start, complete and other; '*' matches the rest.
    touchpoint_values
        Raw activity to touchpoint; names that are absent stay as they are.
    stage_values
        Touchpoint to stage, where the log has no stage column.
    office_values
        Touchpoint to office, where the log has no office column.
    stage_order
        Stages from first to last.
    channel_order
        Channels from top to bottom.
    names_shown
        Names that look like a person's number or address and are none, such as a hotline: shown as
        they stand, all others are masked.
    timezone
        Zone of times that carry none.
    timestamp_format
        strftime format, or 's', 'ms', 'us' since 1970 for numbers.
    missing
        What stands for a missing value.
    """

    customer: Column | None = None
    journey: Column | None = None
    touchpoint: Column
    timestamp: Column | None = None
    end_timestamp: Column | None = None
    lifecycle: Column | None = None
    position: Column | None = None
    channel: Column | None = None
    stage: Column | None = None
    segment: Column | None = None
    intent: Column | None = None
    office: Column | None = None
    actor: Column | None = None
    resource: Column | None = None
    session: Column | None = None
    text: Column | None = None
    text_by: Literal["actor", "customer"] = "actor"
    sentiment: Column | None = None
    rating: Column | None = None
    cost: Column | None = None
    ai_disclosed: Column | None = None
    context_sent: Column | None = None
    context_requested: Column | None = None
    context_opened: Column | None = None
    context_given: Column | None = None
    handover: Column | None = None
    error: Column | None = None
    attributes: tuple[str, ...] = ()
    identifiers: dict[Kind, Column] = Field({})

    actor_values: dict[str, Actor] = Field({})
    lifecycle_values: dict[str, Transition] = Field({})
    touchpoint_values: dict[str, LoggedTouchpoint] = Field({})
    stage_values: dict[LoggedTouchpoint, str] = Field({})
    office_values: dict[LoggedTouchpoint, Office] = Field({})
    stage_order: tuple[KeptStage, ...] = ()
    channel_order: tuple[KeptChannel, ...] = ()

    names_shown: tuple[str, ...] = ()
    timezone: str = "UTC"
    timestamp_format: str | None = None
    missing: tuple[str, ...] = MISSING

    @model_validator(mode="after")
    def _needed_roles(self) -> Self:
        if self.customer is None and self.journey is None and not self.identifiers:
            raise ValueError("declare 'customer' or 'journey': the log must say whose events are")
        if self.timestamp is None and self.position is None:
            raise ValueError("declare 'timestamp' or 'position': events need an order")
        if self.end_timestamp is not None and self.timestamp is None:
            raise ValueError("'end_timestamp' needs 'timestamp'")
        if self.lifecycle is not None and (self.end_timestamp or self.timestamp is None):
            raise ValueError("'lifecycle' needs 'timestamp' and no 'end_timestamp'")
        return self

    @property
    def knows_customers(self) -> bool:
        """Whether the log tells customers from cases: else nobody is seen to come back."""
        return bool(self.identifiers) or self.customer not in (None, self.journey)

    @property
    def customer_speaks(self) -> Any:
        """Condition on steps with actors: what is said there is said by the customer."""
        return ibis.literal(True) if self.text_by == "customer" else _.actor == "customer"

    def roles(self) -> dict[str, str]:
        """Return the declared roles with their columns, in the canonical order."""
        return {
            role: column
            for role in ROLES
            if (column := getattr(self, role)) is not None and isinstance(column, str)
        }

    @property
    def identifier_columns(self) -> tuple[str, ...]:
        """Canonical columns of the identifiers, the surest first."""
        return tuple(ID + kind for kind in self.identifiers)

    @property
    def has_clock(self) -> bool:
        """Whether events carry times; without a clock what needs time abstains."""
        return self.timestamp is not None

    @property
    def in_order(self) -> bool:
        """Whether events are held in order of customers and times: no case says what follows."""
        return self.has_clock and self.journey is None


Columns = Annotated[tuple[Column, ...], ONE_OR_MORE, Field(min_length=1)]


class Span(Described):
    """The columns of the start and the end of one step of a wide row.

    Each is a column of times, or a column of dates and one of clocks.

    Attributes
    ----------
    start
        When the step began: a column, or [date, clock].
    end
        When it ended.
    """

    start: Columns
    end: Columns | None = None


class Replies(Described):
    """The columns that say which event answers which.

    Attributes
    ----------
    id
        The event's own id.
    reply_to
        The id of the event that it answers.
    """

    id: Column
    reply_to: Column


class OutcomesSchema(Described):
    """Which column of a table of outcomes plays which role.

    An outcome is something that came of a customer: churn, repurchase, complaint, NPS, CSAT.
    Its kind is a column (`kind`) or the same for all rows (`constant_kind`).

    Raises
    ------
    pydantic.ValidationError
        On a missing needed role, an unknown key, or no kind or two.

    Examples
    --------
    >>> OutcomesSchema(customer="client", constant_kind="churn", value="left").timezone
    'UTC'

    Attributes
    ----------
    customer
        Who: the identifier that the log uses.
    timestamp
        When the outcome came about.
    kind
        Column that names the kind of outcome.
    constant_kind
        The kind of every row.
    value
        A number, or yes and no; every row counts as 1 without it.
    asked_timestamp
        When the customer was asked, for answers to surveys.
    timezone
        Zone of times that carry none.
    timestamp_format
        strftime format, or 's', 'ms', 'us' since 1970 for numbers.
    missing
        What stands for a missing value.
    """

    customer: Column
    timestamp: Column | None = None
    kind: Column | None = None
    constant_kind: str | None = Field(None, min_length=1)
    value: Column | None = None
    asked_timestamp: Column | None = None
    timezone: str = "UTC"
    timestamp_format: str | None = None
    missing: tuple[str, ...] = MISSING

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.kind is None) == (self.constant_kind is None):
            raise ValueError("declare either 'kind' (a column) or 'constant_kind' (a word)")
        return self

    def roles(self) -> dict[str, str]:
        """Return the declared roles with their columns."""
        declared = {
            role: getattr(self, role)
            for role in ("customer", "timestamp", "kind", "value", "asked_timestamp")
        }
        return {role: column for role, column in declared.items() if column is not None}


# Roles of one column each, in the order of the schema.
ROLES: tuple[str, ...] = tuple(
    name
    for name, kind in get_type_hints(Schema, include_extras=True).items()
    if kind in (Column, Column | None)
)
