"""The configuration of an audit: one YAML file, checked as a whole before anything runs."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from journeylib.audits.config.delivery import DeliverySettings
from journeylib.audits.document.metric_path import check_metric
from journeylib.core import ONE_OR_MORE, Described, languages
from journeylib.journeys import (
    FEWEST_KINDS,
    JourneySettings,
    LinkSettings,
    PlanSettings,
    StitchSettings,
)
from journeylib.judge import JudgeSettings
from journeylib.lab import AssessmentConfig, Bet, LabSettings, Objective
from journeylib.log import (
    MIN_CELL,
    EngineSettings,
    OutcomesSchema,
    Replies,
    Schema,
    Span,
    find_recipe,
)
from journeylib.measures import MeasureSettings, ServiceTypeSettings
from journeylib.portfolio import PortfolioSettings

LANGUAGE = "en"  # unless the configuration says otherwise
OWN_COLUMNS = "log"  # as a file of outcomes: columns of the log itself
# Where files lie and who is told: no part of what was decided, and nobody else's business.
PLACES: dict[str, Any] = {
    "assessment": {"file"},
    "bets": {"__all__": {"plan"}},
    "delivery": True,
    "engine": True,
    "lab": {"assignments": {"file"}},
    "log": {"files": True, "outcomes": {"file"}, "recipe": True},
    "mapping": {"file"},
    "measures": {"labelled_turns"},
    "plan": {"bpmn"},
    "ratings": {"file"},
    "service_types": {"labels"},
    "timeout_minutes": True,
}
# What a configuration without them never held: absent, it is no part of the hash.
ONLY_WHERE_GIVEN = (
    "objective",
    "lab",
    "bets",
    "assessment",
    "service_types",
    "small_cells_permitted_by",
)
WIDE_ROWS = ("join", "unpivot", "threads")
Files = Annotated[tuple[str, ...], ONE_OR_MORE]
# A file of bets is read before the rest is checked.
Bets = Annotated[
    tuple[Bet, ...],
    BeforeValidator(lambda given: given, json_schema_input_type=str | tuple[Bet, ...]),
]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class OutcomesConfig(Described):
    """Where the outcomes of customers are: a table of their own.

    Attributes
    ----------
    file
        Path, relative to this configuration; 'log' for columns of the log itself.
    roles
        Which column is what.
    """

    file: str
    roles: OutcomesSchema


class LogConfig(Described):
    """Where the log is and how much of it must be usable.

    Attributes
    ----------
    files
        Path, glob or list of them, relative to this configuration.
    recipe
        For the export of a known system: a name that `journeylib recipes` lists, or a .sql file,
        relative to this configuration. `files` may then name a folder too.
    outcomes
        Outcomes in a table of their own.
    period
        First and last day that the log is said to cover.
    days
        Read only the events of these days, first and last; of Parquet files the others are not
        opened.
    max_unusable_share
        Above this share of unusable rows the audit refuses.
    object_type
        OCEL: the object type to follow.
    join
        New columns, each of the texts of several: a date and a clock, the parts of an id.
    unpivot
        Where a row of the log holds several steps: each step to the columns of its start and end.
        The roles may then name the columns step, start and end.
    threads
        Where events name the event that they answer: the column of their own id and that of the
        answered one. The roles may then name the column thread, as session or as journey.
    """

    files: Files = Field(min_length=1)
    recipe: str | None = None
    outcomes: OutcomesConfig | None = None
    period: tuple[dt.date, dt.date] | None = None
    days: tuple[dt.date, dt.date] | None = None
    max_unusable_share: float = Field(0.05, ge=0, le=1)
    object_type: str | None = None
    join: dict[str, tuple[str, ...]] = Field({})
    unpivot: dict[str, Span] = Field({})
    threads: Replies | None = None

    def dump(self) -> dict[str, Any]:
        """Return what was decided of the log: not where its files lie."""
        content = self.model_dump(mode="json", exclude=PLACES["log"])
        return {key: value for key, value in content.items() if key not in WIDE_ROWS or value}

    @property
    def recipe_hash(self) -> str | None:
        """The sha256 of the recipe; None where there is none."""
        return None if self.recipe is None else find_recipe(self.recipe).digest


class MappingConfig(Described):
    """The company's own table from what systems log to touchpoints and stages.

    Attributes
    ----------
    file
        CSV with the columns activity, channel, actor, touchpoint, stage; * stands for any
        characters, and the first row that fits decides. Path, relative to this configuration.
    max_unmapped_share
        Above this share of events that no row fits, what rests on the order of touchpoints has no
        answer.
    """

    file: str
    max_unmapped_share: float = Field(0.05, ge=0, le=1)


class RatingsConfig(Described):
    """What people say of touchpoints; kept apart from what the log shows.

    Attributes
    ----------
    file
        CSV with the columns touchpoint, rater; human_agency (1 machine alone to 5 human essential)
        or empathy, presence, opinion, creativity, hope (0 to 4), or both; group. Path, relative to
        this configuration.
    """

    file: str


class Gate(Described):
    """A condition that the audit must meet; a failed one ends with exit status 1.

    Attributes
    ----------
    id
        Name of the gate in findings.
    title
        What people call it; default the id in words.
    metric
        Path into audit.json, for example handoffs.contained_verified; [touchpoint=Name] picks a
        row of a list.
    min
        Fails below this.
    max
        Fails above this.
    max_rise
        Fails if it is higher than in the run before by more than this.
    max_fall
        Fails if it is lower than in the run before by more than this.
    severity
        How much it matters.
    not_assessable
        Whether a metric without an answer lets the run pass.
    """

    id: Name
    title: str = ""
    metric: str
    min: float | None = None
    max: float | None = None
    max_rise: float | None = Field(None, ge=0)
    max_fall: float | None = Field(None, ge=0)
    severity: Literal["low", "medium", "high"] = "high"
    not_assessable: Literal["pass", "fail"] = "pass"

    @field_validator("metric")
    @classmethod
    def _names_a_number(cls, metric: str) -> str:
        check_metric(metric)
        return metric

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if all(b is None for b in (self.min, self.max, self.max_rise, self.max_fall)):
            raise ValueError("give the gate a 'min', 'max', 'max_rise' or 'max_fall'")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("'min' must not exceed 'max'")
        return self

    @property
    def heading(self) -> str:
        """What people call it."""
        return self.title or re.sub(r"[-_]+", " ", self.id).capitalize()


class ChangeSettings(Described):
    """How an audit compares its last period with those before.

    Attributes
    ----------
    window_days
        Length of a period. Multiples of 7 compare the same weekdays.
    references
        Earlier periods to compare with, at most.
    min_references
        With fewer there is no comparison.
    season_periods
        Periods after which a season returns, such as 52 weeks. Once the log is long enough,
        periods are compared with those of the same season, one either side.
    q_value
        Share of false alarms among all, over all streams.
    min_cases
        A stream with fewer in a period is left out.
    min_points
        Smallest change of a share that matters.
    min_relative
        Smallest relative change of all else that matters.
    cusum_k
        CUSUM: half the shift to be found, in standard errors.
    cusum_h
        CUSUM: bound below which nothing is said.
    cusum_share
        Share of the false alarms that slow drifts may have; sudden changes have the rest.
    flip_from
        A verdict stands while this share still gives it.
    flip_to
        Stability from which another verdict takes its place.
    feed_days
        Days without any event after which a channel's feed counts as broken.
    """

    window_days: int = Field(7, ge=1)
    references: int = Field(12, ge=3)
    min_references: int = Field(4, ge=3)
    season_periods: int | None = Field(None, ge=2)
    q_value: float = Field(0.05, gt=0, lt=0.5)
    min_cases: int = Field(30, ge=10)
    min_points: float = Field(0.02, ge=0, le=1)
    min_relative: float = Field(0.1, ge=0)
    cusum_k: float = Field(0.5, gt=0)
    cusum_h: float = Field(5.0, gt=0)
    cusum_share: float = Field(0.2, gt=0, lt=1)
    flip_from: float = Field(0.5, ge=0, le=1)
    flip_to: float = Field(0.8, ge=0, le=1)
    feed_days: int = Field(2, ge=1)


class AuditConfig(Described):
    """Everything an audit needs to be told, as read from its YAML file.

    Attributes
    ----------
    name
        Name of the audit: folder and file names use it.
    title
        Title for people; default the name.
    language
        Language of every text that people read: en or de; or --lang.
    roles
        Which column plays which role, and the value maps.
    mapping
        The company's table of touchpoints and stages; absent: names stay.
    plan
        The journey as planned, to compare what happened with.
    linkage
        Join customers whose identifiers (two kinds or more) are alike, by a probabilistic model,
        before stitching; absent: not at all. Needs the extra 'linkage'.
    stitching
        How events of one person are found under roles.identifiers; absent: not at all.
    journeys
        How journeys are cut.
    small_cells_permitted_by
        Who permits journeys.min_customers below 10, and when: 'Data protection officer,
        2026-03-02'. The dashboard states it.
    measures
        Windows and minimum bases.
    judge
        Anchors, weights, thresholds.
    engine
        Memory, threads, spill folder.
    portfolio
        Budget and costs to choose first automations under; absent: none chosen.
    ratings
        People's ratings of touchpoints, set beside the verdicts.
    service_types
        Types of contacts that are learned from labels; absent: none.
    objective
        What all of it is for: one measure, from, to, by when.
    lab
        An experiment to plan, watch and read.
    bets
        What is tried at which touchpoint.
    assessment
        People's answers to the statements of the self-assessment.
    compare
        What is said of other cuts and levels of stitching. verdicts: key results and the verdicts
        that change; key_results: no verdicts, in a fraction of the time.
    changes
        How the last period is compared with those before.
    gates
        Conditions the audit must meet.
    delivery
        Who is told of a run, by mail, Slack or Teams.
    timeout_minutes
        A run that takes longer is stopped; default: no limit.
    as_of
        The day the audit looks back from: nothing after it is read; default the day of the last
        event.
    """

    name: Name
    title: str = ""
    language: str = LANGUAGE
    log: LogConfig
    roles: Schema
    mapping: MappingConfig | None = None
    plan: PlanSettings | None = None
    linkage: LinkSettings | None = None
    stitching: StitchSettings | None = None
    journeys: JourneySettings = JourneySettings()
    small_cells_permitted_by: str | None = Field(None, min_length=3)
    measures: MeasureSettings = MeasureSettings()
    judge: JudgeSettings = JudgeSettings()
    engine: EngineSettings = EngineSettings()
    portfolio: PortfolioSettings | None = None
    ratings: RatingsConfig | None = None
    service_types: ServiceTypeSettings | None = None
    objective: Objective | None = None
    lab: LabSettings | None = None
    bets: Bets = ()
    assessment: AssessmentConfig | None = None
    compare: Literal["verdicts", "key_results"] = "verdicts"
    changes: ChangeSettings = ChangeSettings()
    gates: tuple[Gate, ...] = ()
    delivery: DeliverySettings = DeliverySettings()
    timeout_minutes: float | None = Field(None, gt=0)
    as_of: dt.date | None = None

    @field_validator("language")
    @classmethod
    def _has_texts(cls, language: str) -> str:
        if language not in languages():
            raise ValueError(
                f"there are no texts in '{language}'; languages: {', '.join(languages())}"
            )
        return language

    @model_validator(mode="after")
    def _something_to_stitch(self) -> Self:
        if self.stitching is not None and not self.roles.identifiers:
            raise ValueError("'stitching' needs 'roles.identifiers', such as {email: mail_column}")
        if self.linkage is not None and len(self.roles.identifiers) < FEWEST_KINDS:
            raise ValueError(
                "'linkage' needs two kinds of 'roles.identifiers', one to learn the other from, "
                "such as {email: mail_column, name: name_column}"
            )
        return self

    @model_validator(mode="after")
    def _small_cells_are_permitted(self) -> Self:
        minimum = self.journeys.min_customers
        if minimum < MIN_CELL and not (self.small_cells_permitted_by or "").strip():
            raise ValueError(
                f"'journeys.min_customers' is {minimum}, and a cell under {MIN_CELL} customers can "
                "point at one of them. Set it to 10, or say in 'small_cells_permitted_by' who "
                "permits less, and when"
            )
        return self

    @model_validator(mode="after")
    def _measures_are_there(self) -> Self:
        measures = [bet.stop_measure for bet in self.bets if bet.stop_measure is not None]
        if self.objective is not None:
            costs = self.objective.not_at_the_cost_of
            measures += [self.objective.measure, *(cost.measure for cost in costs)]
        for measure in measures:
            check_metric(measure)
        if len({bet.name for bet in self.bets}) < len(self.bets):
            raise ValueError("'bets' need different names")
        return self

    @property
    def heading(self) -> str:
        """The title for people."""
        return self.title or self.name

    def annotations(self) -> tuple[str | Path | None, ...]:
        """Return the files of labels, of ratings and of the plan; None where none is named."""
        named = (
            self.measures.labelled_turns,
            self.ratings.file if self.ratings else None,
            self.plan.bpmn if self.plan else None,
        )
        # What a configuration without them never held is no part of its hash.
        return (*named, self.service_types.labels) if self.service_types else named

    def lab_files(self) -> list[str]:
        """Return the files of answers, plans and assignments that are there."""
        table = self.lab.assignments if self.lab else None
        named = [
            *(bet.plan for bet in self.bets),
            self.assessment.file if self.assessment else None,
            table.file if table else None,
        ]
        return [file for file in named if file is not None and Path(file).is_file()]

    def files(self) -> list[str]:
        """Return every file that the audit reads, tables of databases aside."""
        outcomes = self.log.outcomes.file if self.log.outcomes else OWN_COLUMNS
        named = [*self.log.files, self.mapping.file if self.mapping else None]
        named += [] if outcomes == OWN_COLUMNS else [outcomes]
        recipe = self.log.recipe or ""
        named += [recipe] if recipe.endswith(".sql") else []
        files = [str(file) for file in (*named, *self.annotations(), *self.lab_files()) if file]
        return [file for file in files if "://" not in file]

    def hash(self) -> str:
        """Return the sha256 of what was decided: not where files lie, nor on what it runs.

        Of labels, ratings and a plan it is what the files hold.
        """
        content = self.model_dump(mode="json", exclude=PLACES)
        if self.language == LANGUAGE:
            del content["language"]
        if not self.roles.names_shown:
            del content["roles"]["names_shown"]
        for key in ONLY_WHERE_GIVEN:
            if not getattr(self, key):
                del content[key]
        content["log"] = self.log.dump()
        content["beside"] = [
            None if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()
            for file in (*self.annotations(), *self.lab_files())
        ]
        if self.log.recipe is not None:
            content["recipe"] = self.log.recipe_hash
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration, for editors that complete YAML."""
    schema = AuditConfig.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "journeylib audit configuration"
    return schema
