"""What an experiment, a bet and an objective are declared with: frozen models of YAML."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from journeylib.core import Described
from journeylib.log import KeptTouchpoint

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Kind = Literal["outcome", "column", "reaches"]
Informs = Literal["contained", "returns", "reaches_people"]
State = Literal["idea", "testing", "scaled", "stopped"]
MOST_LOOKS = 5


class LabMeasure(Described):
    """One measure of an experiment: an outcome, a column of the log, or a touchpoint reached.

    Attributes
    ----------
    name
        What it is called in plan, watch and reading.
    title
        What people call it; default the name in words.
    outcome
        Share of customers with this kind of outcome after their exposure.
    column
        Column of the log: an attribute, rating, cost or error.
    reaches
        Share of customers who come to one of these touchpoints.
    per
        Of a column: its mean per event that has it, or per customer.
    at
        Of a column: only events at these touchpoints; default all.
    days
        Days after the first exposure that count; only customers who were exposed so long ago are
        read. Default: all days so far.
    unit
        Of the measure: share, points, min, EUR …
    better
        Which way is better.
    queue
        It is a wait or an abandonment: what one customer's arm does to the queue changes the other
        arm as well.
    informs
        What a forecast (what-if) takes from the new arm in place of an assumption, once the reading
        has grade A. contained: share of the bot's contacts that no person joins; returns: share of
        these that come back; reaches_people: share of its customers who come to a person.
    """

    name: Name
    title: str = ""
    outcome: str | None = None
    column: str | None = None
    reaches: tuple[KeptTouchpoint, ...] = ()
    per: Literal["event", "customer"] = "event"
    at: tuple[KeptTouchpoint, ...] = ()
    days: float | None = Field(None, gt=0)
    unit: str = "share"
    better: Literal["higher", "lower"] = "higher"
    queue: bool = False
    informs: Informs | None = None

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
    """A measure that must not get worse.

    Attributes
    ----------
    limit
        The largest change for the worse that is put up with, in its unit.
    """

    limit: float = Field(gt=0)


class Stage(Described):
    """From a day on, the share of customers in the new arm.

    Attributes
    ----------
    begins
        First day of the stage.
    share
        Share of customers in the new arm.
    """

    begins: dt.date
    share: float = Field(gt=0, lt=1)


class Covariate(Described):
    """What was known of a customer before the first exposure.

    Attributes
    ----------
    column
        Column of the log; its mean over the customer's events before the first exposure, or a
        column of the table of assignments that has 'before_time'.
    days
        Days before the first exposure that count.
    """

    column: str
    days: float = Field(56, gt=0)


class AssignmentsConfig(Described):
    """A table of who was assigned to which arm, where the log has no such column.

    Attributes
    ----------
    file
        CSV; path relative to the configuration.
    time
        When the customer was first exposed.
    before
        A covariate known before.
    before_time
        When the covariate was measured.
    """

    file: str
    customer: str = "customer"
    arm: str = "arm"
    time: str = "time"
    before: str | None = None
    before_time: str | None = None


class LabSettings(Described):
    """One experiment: what is asked, where, of whom, and when it may be answered.

    Attributes
    ----------
    name
        Name of the experiment.
    question
        What is asked, as a sentence.
    touchpoint
        Where customers are exposed.
    unit
        What takes turns: a customer; a week or a team where arms share a queue.
    team
        Column that names the team; of unit: team.
    arms
        The words of the log for control and new arm.
    arm_column
        Attribute of the log that holds the arm.
    assignments
        A table of assignments in place of the column.
    begins
        First day of the experiment.
    share
        Share of customers in the new arm.
    stages
        Shares that change; in place of 'share'.
    primary
        The one measure that decides.
    least_worth
        The smallest change of it worth having.
    guardrails
        What must not get worse.
    way
        How the primary is read: at planned looks, or at any time.
    looks
        Looks at the primary; default 1 below two weeks, else one a week, at most 5.
    boundary
        Of several looks.
    before
        What is known before and takes noise off the primary (CUPED).
    segments
        Also read the primary by the log's segments.
    alpha
        Error of the first kind, two-sided.
    power
        Chance that all tests pass together.
    most_weeks
        A longer experiment is not worth running.
    """

    name: Name
    question: str = Field(min_length=1)
    touchpoint: KeptTouchpoint
    unit: Literal["customer", "week", "team"] = "customer"
    team: str | None = None
    arms: tuple[str, str] = ("control", "new")
    arm_column: str = "arm"
    assignments: AssignmentsConfig | None = None
    begins: dt.date
    share: float = Field(0.5, gt=0, lt=1)
    stages: tuple[Stage, ...] = ()
    primary: LabMeasure
    least_worth: float = Field(gt=0)
    guardrails: tuple[Guardrail, ...] = ()
    way: Literal["looks", "any_time"] = "looks"
    looks: int | None = Field(None, ge=1, le=MOST_LOOKS)
    boundary: Literal["obrien_fleming", "pocock"] = "obrien_fleming"
    before: Covariate | None = None
    segments: bool = False
    alpha: float = Field(0.05, gt=0, lt=0.5)
    power: float = Field(0.8, gt=0.5, lt=1)
    most_weeks: int = Field(12, ge=1)

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


class Bet(Described):
    """Something that a team tries at a touchpoint.

    Attributes
    ----------
    name
        Name of the bet.
    touchpoint
        Where it is tried.
    what
        What is changed.
    why
        What it should bring.
    smallest_test
        The smallest test that would tell.
    stop_if
        What would end it, in words.
    stop_measure
        Path into audit.json that 'stop_if' is about, as in a gate.
    stop_above
        It has happened above this.
    stop_below
        It has happened below this.
    owner_role
        Role of who answers for it; no name.
    state
        How far it is.
    plan
        The plan.yaml of its experiment; relative path.
    """

    name: Name
    touchpoint: KeptTouchpoint
    what: str = Field(min_length=1)
    why: str = ""
    smallest_test: str = ""
    stop_if: str = ""
    stop_measure: str | None = None
    stop_above: float | None = None
    stop_below: float | None = None
    owner_role: str = ""
    state: State = "idea"
    plan: str | None = None

    @model_validator(mode="after")
    def _whole_limit(self) -> Self:
        bound = self.stop_above is not None or self.stop_below is not None
        if bound != (self.stop_measure is not None):
            raise ValueError("'stop_measure' needs 'stop_above' or 'stop_below', and they need it")
        return self


class Cost(Described):
    """A measure that the objective must not be reached at the cost of.

    Attributes
    ----------
    measure
        Path into audit.json, as in a gate.
    min
        Not below this.
    max
        Not above this.
    """

    measure: str
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError(f"give the cost '{self.measure}' a 'min' or a 'max'")
        return self


class Objective(Described):
    """What all of it is for: one measure, from, to, by when, and not at what cost.

    Attributes
    ----------
    text
        The objective as a sentence.
    measure
        Path into audit.json, as in a gate.
    begin
        Where it began.
    goal
        Where it should arrive.
    by
        By which day.
    not_at_the_cost_of
        Limits to hold on the way.
    """

    text: str = Field(min_length=1)
    measure: str
    begin: float = Field(alias="from")
    goal: float = Field(alias="to")
    by: dt.date
    not_at_the_cost_of: tuple[Cost, ...] = ()

    model_config = ConfigDict(populate_by_name=True)

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if self.begin == self.goal:
            raise ValueError("'from' and 'to' of the objective are equal")
        return self


class AssessmentConfig(Described):
    """What people answer to the statements of the self-assessment.

    Attributes
    ----------
    file
        CSV or .xlsx with the columns statement, rater, role, answer (0 not at all to 4 always);
        path relative to the configuration.
    measures_questioned
        Day on which people last asked whether the measures are the right ones.
    """

    file: str
    measures_questioned: dt.date | None = None
