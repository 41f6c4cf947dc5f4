"""What an experiment, a bet and an objective are declared with: frozen models of YAML."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from journeylib.log import KeptTouchpoint

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Kind = Literal["outcome", "column", "reaches"]
Informs = Literal["contained", "returns", "reaches_people"]
State = Literal["idea", "testing", "scaled", "stopped"]
MOST_LOOKS = 5


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabMeasure(_Part):
    """One measure of an experiment: an outcome, a column of the log, or a touchpoint reached."""

    name: Name = Field(description="What it is called in plan, watch and reading.")
    title: str = Field("", description="What people call it; default the name in words.")
    outcome: str | None = Field(
        None, description="Share of customers with this kind of outcome after their exposure."
    )
    column: str | None = Field(
        None, description="Column of the log: an attribute, rating, cost or error."
    )
    reaches: tuple[KeptTouchpoint, ...] = Field(
        (), description="Share of customers who come to one of these touchpoints."
    )
    per: Literal["event", "customer"] = Field(
        "event", description="Of a column: its mean per event that has it, or per customer."
    )
    at: tuple[KeptTouchpoint, ...] = Field(
        (), description="Of a column: only events at these touchpoints; default all."
    )
    days: float | None = Field(
        None,
        gt=0,
        description="Days after the first exposure that count; only customers who were exposed "
        "so long ago are read. Default: all days so far.",
    )
    unit: str = Field("share", description="Of the measure: share, points, min, EUR …")
    better: Literal["higher", "lower"] = Field("higher", description="Which way is better.")
    queue: bool = Field(
        False,
        description="It is a wait or an abandonment: what one customer's arm does to the queue "
        "changes the other arm as well.",
    )
    informs: Informs | None = Field(
        None,
        description="What a forecast (what-if) takes from the new arm in place of an assumption, "
        "once the reading has grade A. contained: share of the bot's contacts that no person "
        "joins; returns: share of these that come back; reaches_people: share of its customers "
        "who come to a person.",
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [self.outcome is not None, self.column is not None, bool(self.reaches)]
        if sum(kinds) != 1:
            raise ValueError(f"'{self.name}' needs one of 'outcome', 'column' and 'reaches'")
        if self.column is None and (self.at or self.per == "customer"):
            raise ValueError(f"'{self.name}': 'at' and 'per' belong to a 'column'")
        if self.informs is not None and self.unit != "share":
            raise ValueError(f"'{self.name}': 'informs' belongs to a share")
        return self

    @property
    def kind(self) -> Kind:
        """Which of the three it is."""
        if self.outcome is not None:
            return "outcome"
        return "reaches" if self.reaches else "column"

    @property
    def per_customer(self) -> bool:
        """Whether each exposed customer counts once in the denominator."""
        return self.kind != "column" or self.per == "customer"

    @property
    def heading(self) -> str:
        """What people call it."""
        return self.title or self.name.replace("-", " ").replace("_", " ")

    @property
    def sign(self) -> int:
        """1 where higher is better, −1 where lower is."""
        return 1 if self.better == "higher" else -1


class Guardrail(LabMeasure):
    """A measure that must not get worse."""

    limit: float = Field(
        gt=0, description="The largest change for the worse that is put up with, in its unit."
    )


class Stage(_Part):
    """From a day on, the share of customers in the new arm."""

    begins: dt.date = Field(description="First day of the stage.")
    share: float = Field(gt=0, lt=1, description="Share of customers in the new arm.")


class Covariate(_Part):
    """What was known of a customer before the first exposure."""

    column: str = Field(
        description="Column of the log; its mean over the customer's events before the first "
        "exposure, or a column of the table of assignments that has 'before_time'."
    )
    days: float = Field(56, gt=0, description="Days before the first exposure that count.")


class AssignmentsConfig(_Part):
    """A table of who was assigned to which arm, where the log has no such column."""

    file: str = Field(description="CSV; path relative to the configuration.")
    customer: str = "customer"
    arm: str = "arm"
    time: str = Field("time", description="When the customer was first exposed.")
    before: str | None = Field(None, description="A covariate known before.")
    before_time: str | None = Field(None, description="When the covariate was measured.")


class LabSettings(_Part):
    """One experiment: what is asked, where, of whom, and when it may be answered."""

    name: Name = Field(description="Name of the experiment.")
    question: str = Field(min_length=1, description="What is asked, as a sentence.")
    touchpoint: KeptTouchpoint = Field(description="Where customers are exposed.")
    unit: Literal["customer", "week", "team"] = Field(
        "customer",
        description="What takes turns: a customer; a week or a team where arms share a queue.",
    )
    team: str | None = Field(None, description="Column that names the team; of unit: team.")
    arms: tuple[str, str] = Field(
        ("control", "new"), description="The words of the log for control and new arm."
    )
    arm_column: str = Field("arm", description="Attribute of the log that holds the arm.")
    assignments: AssignmentsConfig | None = Field(
        None, description="A table of assignments in place of the column."
    )
    begins: dt.date = Field(description="First day of the experiment.")
    share: float = Field(0.5, gt=0, lt=1, description="Share of customers in the new arm.")
    stages: tuple[Stage, ...] = Field((), description="Shares that change; in place of 'share'.")
    primary: LabMeasure = Field(description="The one measure that decides.")
    least_worth: float = Field(gt=0, description="The smallest change of it worth having.")
    guardrails: tuple[Guardrail, ...] = Field((), description="What must not get worse.")
    way: Literal["looks", "any_time"] = Field(
        "looks", description="How the primary is read: at planned looks, or at any time."
    )
    looks: int | None = Field(
        None,
        ge=1,
        le=MOST_LOOKS,
        description="Looks at the primary; default 1 below two weeks, else one a week, at most 5.",
    )
    boundary: Literal["obrien_fleming", "pocock"] = Field(
        "obrien_fleming", description="Of several looks."
    )
    before: Covariate | None = Field(
        None, description="What is known before and takes noise off the primary (CUPED)."
    )
    segments: bool = Field(False, description="Also read the primary by the log's segments.")
    alpha: float = Field(0.05, gt=0, lt=0.5, description="Error of the first kind, two-sided.")
    power: float = Field(0.8, gt=0.5, lt=1, description="Chance that all tests pass together.")
    most_weeks: int = Field(12, ge=1, description="A longer experiment is not worth running.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [self.primary.name, *(one.name for one in self.guardrails)]
        if len(set(names)) < len(names):
            raise ValueError("primary and guardrails need different names")
        if self.arms[0] == self.arms[1]:
            raise ValueError("'arms' are two different words, the control arm first")
        if (self.unit == "team") != (self.team is not None):
            raise ValueError("'team' names a column; it belongs to 'unit: team'")
        begins = [stage.begins for stage in self.stages]
        if begins != sorted(set(begins)) or (begins and begins[0] != self.begins):
            raise ValueError("'stages' ascend by day, and the first begins with the experiment")
        if self.way == "any_time" and self.looks is not None:
            raise ValueError("'looks' belong to 'way: looks'")
        return self

    @property
    def measures(self) -> tuple[LabMeasure, ...]:
        """The primary, then the guardrails."""
        return (self.primary, *self.guardrails)

    @property
    def all_stages(self) -> tuple[Stage, ...]:
        """The stages; one where the share does not change."""
        return self.stages or (Stage(begins=self.begins, share=self.share),)


class Bet(_Part):
    """Something that a team tries at a touchpoint."""

    name: Name = Field(description="Name of the bet.")
    touchpoint: KeptTouchpoint = Field(description="Where it is tried.")
    what: str = Field(min_length=1, description="What is changed.")
    why: str = Field("", description="What it should bring.")
    smallest_test: str = Field("", description="The smallest test that would tell.")
    stop_if: str = Field("", description="What would end it, in words.")
    stop_measure: str | None = Field(
        None, description="Path into audit.json that 'stop_if' is about, as in a gate."
    )
    stop_above: float | None = Field(None, description="It has happened above this.")
    stop_below: float | None = Field(None, description="It has happened below this.")
    owner_role: str = Field("", description="Role of who answers for it; no name.")
    state: State = Field("idea", description="How far it is.")
    plan: str | None = Field(None, description="The plan.yaml of its experiment; relative path.")

    @model_validator(mode="after")
    def _whole_limit(self) -> Self:
        bound = self.stop_above is not None or self.stop_below is not None
        if bound != (self.stop_measure is not None):
            raise ValueError("'stop_measure' needs 'stop_above' or 'stop_below', and they need it")
        return self


class Cost(_Part):
    """A measure that the objective must not be reached at the cost of."""

    measure: str = Field(description="Path into audit.json, as in a gate.")
    min: float | None = Field(None, description="Not below this.")
    max: float | None = Field(None, description="Not above this.")

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError(f"give the cost '{self.measure}' a 'min' or a 'max'")
        return self


class Objective(_Part):
    """What all of it is for: one measure, from, to, by when, and not at what cost."""

    text: str = Field(min_length=1, description="The objective as a sentence.")
    measure: str = Field(description="Path into audit.json, as in a gate.")
    begin: float = Field(alias="from", description="Where it began.")
    goal: float = Field(alias="to", description="Where it should arrive.")
    by: dt.date = Field(description="By which day.")
    not_at_the_cost_of: tuple[Cost, ...] = Field((), description="Limits to hold on the way.")

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if self.begin == self.goal:
            raise ValueError("'from' and 'to' of the objective are equal")
        return self


class AssessmentConfig(_Part):
    """What people answer to the statements of the self-assessment."""

    file: str = Field(
        description="CSV or .xlsx with the columns statement, rater, role, answer (0 not at all "
        "to 4 always); path relative to the configuration."
    )
    measures_questioned: dt.date | None = Field(
        None, description="Day on which people last asked whether the measures are the right ones."
    )
