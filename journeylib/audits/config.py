"""The configuration of an audit: one YAML file, checked as a whole before anything runs."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from journeylib.audits.delivery import DeliverySettings
from journeylib.audits.drift import ChangeSettings
from journeylib.audits.gates import check_metric
from journeylib.errors import ConfigError, did_you_mean
from journeylib.journeys.linkage import FEWEST_KINDS, LinkSettings
from journeylib.journeys.models import PlanSettings
from journeylib.journeys.segment import JourneySettings
from journeylib.journeys.stitch import StitchSettings
from journeylib.judge.settings import JudgeSettings
from journeylib.log.engine import EngineSettings
from journeylib.log.recipes.recipe import find_recipe
from journeylib.log.schema import OutcomesSchema, Schema
from journeylib.measures.settings import MeasureSettings
from journeylib.plan.settings import PortfolioSettings

# What pydantic adds to a place: which of several types it tried, or which function.
TYPE_TAG = re.compile(r"^(str|int|float|bool|date|function-.*|(tuple|list|dict|union)\[.*)$")
OWN_COLUMNS = "log"  # as a file of outcomes: columns of the log itself
# Where files lie and who is told: no part of what was decided, and nobody else's business.
PLACES: dict[str, Any] = {
    "delivery": True,
    "engine": True,
    "log": {"files": True, "outcomes": {"file"}, "recipe": True},
    "mapping": {"file"},
    "measures": {"labelled_turns"},
    "plan": {"bpmn"},
    "ratings": {"file"},
    "timeout_minutes": True,
}
PLAIN = {
    "missing": "is missing.",
    "model_type": "must hold keys of its own.",
    "model_attributes_type": "must hold keys of its own.",
    "dict_type": "must hold keys of its own.",
    "string_pattern_mismatch": "must be lower-case letters, digits, '-' or '_', at most 64, as in "
    "telecom-2026.",
}
# One file is written as a text; its letters are no files.
Files = Annotated[
    tuple[str, ...],
    BeforeValidator(
        lambda given: (given,) if isinstance(given, str) else given,
        json_schema_input_type=str | tuple[str, ...],
    ),
]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OutcomesConfig(_Part):
    """Where the outcomes of customers are: a table of their own."""

    file: str = Field(
        description="Path, relative to this configuration; 'log' for columns of the log itself."
    )
    roles: OutcomesSchema = Field(description="Which column is what.")


class LogConfig(_Part):
    """Where the log is and how much of it must be usable."""

    files: Files = Field(
        min_length=1, description="Path, glob or list of them, relative to this configuration."
    )
    recipe: str | None = Field(
        None,
        description="For the export of a known system: a name that `journeylib recipes` lists, or "
        "a .sql file, relative to this configuration. `files` may then name a folder too.",
    )
    outcomes: OutcomesConfig | None = Field(None, description="Outcomes in a table of their own.")
    period: tuple[dt.date, dt.date] | None = Field(
        None, description="First and last day that the log is said to cover."
    )
    days: tuple[dt.date, dt.date] | None = Field(
        None,
        description="Read only the events of these days, first and last; of Parquet files the "
        "others are not opened.",
    )
    max_unusable_share: float = Field(
        0.05, ge=0, le=1, description="Above this share of unusable rows the audit refuses."
    )
    object_type: str | None = Field(None, description="OCEL: the object type to follow.")

    @property
    def recipe_digest(self) -> str | None:
        """sha256 of the recipe; None where there is none."""
        return None if self.recipe is None else find_recipe(self.recipe).digest


class MappingConfig(_Part):
    """The company's own table from what systems log to touchpoints and stages."""

    file: str = Field(
        description="CSV with the columns activity, channel, actor, touchpoint, stage; * stands "
        "for any characters, and the first row that fits decides. Path, relative to this "
        "configuration."
    )
    max_unmapped_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Above this share of events that no row fits, what rests on the order of "
        "touchpoints has no answer.",
    )


class RatingsConfig(_Part):
    """What people say of touchpoints; kept apart from what the log shows."""

    file: str = Field(
        description="CSV with the columns touchpoint, rater; human_agency (1 machine alone to 5 "
        "human essential) or empathy, presence, opinion, creativity, hope (0 to 4), or both; "
        "group. Path, relative to this configuration."
    )


class Gate(_Part):
    """A condition that the audit must meet; a failed one ends with exit status 1."""

    id: Name = Field(description="Name of the gate in findings.")
    title: str = Field("", description="What people call it; default the id in words.")
    metric: str = Field(
        description="Path into audit.json, for example handoffs.contained_verified; "
        "[touchpoint=Name] picks a row of a list."
    )
    min: float | None = Field(None, description="Fails below this.")
    max: float | None = Field(None, description="Fails above this.")
    max_rise: float | None = Field(
        None, ge=0, description="Fails if it is higher than in the run before by more than this."
    )
    max_fall: float | None = Field(
        None, ge=0, description="Fails if it is lower than in the run before by more than this."
    )
    severity: Literal["low", "medium", "high"] = Field("high", description="How much it matters.")
    not_assessable: Literal["pass", "fail"] = Field(
        "pass", description="Whether a metric without an answer lets the run pass."
    )

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


class AuditConfig(_Part):
    """Everything an audit needs to be told, as read from its YAML file."""

    name: Name = Field(description="Name of the audit: folder and file names use it.")
    title: str = Field("", description="Title for people; default the name.")
    log: LogConfig
    roles: Schema = Field(description="Which column plays which role, and the value maps.")
    mapping: MappingConfig | None = Field(
        None, description="The company's table of touchpoints and stages; absent: names stay."
    )
    plan: PlanSettings | None = Field(
        None, description="The journey as planned, to compare what happened with."
    )
    linkage: LinkSettings | None = Field(
        None,
        description="Join customers whose identifiers (two kinds or more) are alike, by a "
        "probabilistic model, before stitching; absent: not at all. Needs the extra 'linkage'.",
    )
    stitching: StitchSettings | None = Field(
        None,
        description="How events of one person are found under roles.identifiers; absent: not at "
        "all.",
    )
    journeys: JourneySettings = Field(JourneySettings(), description="How journeys are cut.")
    measures: MeasureSettings = Field(MeasureSettings(), description="Windows and minimum bases.")
    judge: JudgeSettings = Field(JudgeSettings(), description="Anchors, weights, thresholds.")
    engine: EngineSettings = Field(EngineSettings(), description="Memory, threads, spill folder.")
    portfolio: PortfolioSettings | None = Field(
        None, description="Budget and costs to choose first automations under; absent: none chosen."
    )
    ratings: RatingsConfig | None = Field(
        None, description="People's ratings of touchpoints, set beside the verdicts."
    )
    compare: Literal["verdicts", "key_results"] = Field(
        "verdicts",
        description="What is said of other cuts and levels of stitching. verdicts: key results "
        "and the verdicts that change; key_results: no verdicts, in a fraction of the time.",
    )
    changes: ChangeSettings = Field(
        ChangeSettings(), description="How the last period is compared with those before."
    )
    gates: tuple[Gate, ...] = Field((), description="Conditions the audit must meet.")
    delivery: DeliverySettings = Field(
        DeliverySettings(), description="Who is told of a run, by mail, Slack or Teams."
    )
    timeout_minutes: float | None = Field(
        None, gt=0, description="A run that takes longer is stopped; default: no limit."
    )
    as_of: dt.date | None = Field(
        None,
        description="The day the audit looks back from: nothing after it is read; default the day "
        "of the last event.",
    )

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

    @property
    def heading(self) -> str:
        """The title for people."""
        return self.title or self.name

    def hash(self) -> str:
        """Return the sha256 of what was decided: not where files lie, nor on what it runs.

        Of what people wrote beside the log (labels, ratings, a plan) it is what the files hold.
        """
        content = self.model_dump(
            mode="json",
            exclude=PLACES,
        )
        beside = (
            self.measures.labelled_turns,
            None if self.ratings is None else self.ratings.file,
            None if self.plan is None else self.plan.bpmn,
        )
        content["beside"] = [
            None if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()
            for file in beside
        ]
        if self.log.recipe is not None:
            content["recipe"] = self.log.recipe_digest
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_config(
    path: str | Path, *, overrides: Sequence[str] = (), as_of: dt.date | str | None = None
) -> AuditConfig:
    """Read and check the configuration of an audit.

    Parameters
    ----------
    path : str or Path
        The YAML file. Paths in it are taken relative to its folder.
    overrides : sequence of str
        ``"key=value"``, the key a dotted path such as ``measures.repeat_days``, the value YAML.
    as_of : datetime.date or str, optional
        Replaces ``as_of``; a text reads ``2026-07-01``.

    Raises
    ------
    ConfigError
        If the file is not there, is not YAML, or has unknown, missing or ill-typed keys. The
        message lists every fault with its line and the nearest known key.
    """
    path = Path(path)
    # papermill's -p gives a text where a list was meant; its letters are no settings.
    overrides = [overrides] if isinstance(overrides, str) else overrides
    text = _read_text(path)
    content = _parse(text, path)
    for override in overrides:
        _override(content, override)
    if as_of is not None:
        content["as_of"] = as_of
    try:
        config = AuditConfig.model_validate(_said(content))
    except ValidationError as error:
        raise ConfigError(_explain(error, text, path, overrides)) from None
    return _resolve_paths(config, path.parent)


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration, for editors that complete YAML."""
    schema = AuditConfig.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "journeylib audit configuration"
    return schema


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        beside = sorted(p.name for p in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        hint = did_you_mean(path.name, beside) or " `journeylib init LOG` writes a first one."
        raise ConfigError(f"there is no configuration {path}.{hint}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path} is a folder; name the YAML file in it.") from None
    except (PermissionError, UnicodeDecodeError) as error:
        reason = "may not be read" if isinstance(error, PermissionError) else "is not UTF-8 text"
        raise ConfigError(f"the configuration {path} {reason}.") from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
        twice = _first_repeated(yaml.compose(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise ConfigError(f"{path}{line}: {problem}. Check indentation and quotes.") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold keys such as name, log and roles.")
    if twice is not None:
        raise ConfigError(
            f"{path}, line {twice[0]}: '{twice[1]}' is there already. Keep one of the two."
        )
    return content


def _first_repeated(node: Any) -> tuple[int, str] | None:
    """Find a key that is given twice: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                return key.start_mark.line + 1, str(key.value)
            seen.add(key.value)
            if (below := _first_repeated(value)) is not None:
                return below
    elif isinstance(node, yaml.SequenceNode):
        return next(filter(None, map(_first_repeated, node.value)), None)
    return None


def _said(node: Any) -> Any:
    """Drop keys without a value: a section all of whose lines are comments says nothing."""
    if not isinstance(node, dict):
        return node
    for key in node:
        if isinstance(key, bool):
            raise ConfigError(
                f"a key reads as {str(key).lower()}: YAML takes yes, no, on and off for true and "
                "false. Put the word in quotes."
            )
    return {str(key): _said(value) for key, value in node.items() if value is not None}


def _override(content: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {override!r} must read key=value, as in measures.repeat_days=14.")
    *parents, last = key.strip().split(".")
    node = content
    for parent in parents:
        if node.get(parent) is None:
            node[parent] = {}
        if not isinstance(node[parent], dict):
            raise ConfigError(f"--set {key.strip()}: '{parent}' has no keys below it.")
        node = node[parent]
    try:
        node[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {key}: the value is not YAML; quote it.") from None


def _explain(error: ValidationError, text: str, path: Path, overrides: Sequence[str]) -> str:
    given = [override.partition("=")[0].strip() for override in overrides]
    faults: dict[str, str] = {}
    for fault in error.errors(include_url=False, include_input=False):
        location = [part for part in fault["loc"] if not TYPE_TAG.match(str(part))]
        where = ".".join(str(part) for part in location) or "the file"
        line = _line_of(text, location)
        at = f" (line {line})" if line else ""
        if any(f"{where}.".startswith(f"{key}.") for key in given) or (
            line is None and any(key.startswith(f"{where}.") for key in given)
        ):
            at = " (--set)"
        # One value of the wrong type fails every type it could have had: said once.
        faults.setdefault(where, f"  {where}{at}: {_say(fault, location)}")
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return f"{path} has {count}; nothing was run:\n" + "\n".join(faults.values())


def _say(fault: Mapping[str, Any], location: Sequence[int | str]) -> str:
    if fault["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        hint = did_you_mean(str(location[-1]), known)
        return f"is not a known key.{hint}" + ("" if hint else f" Known: {', '.join(known)}.")
    if fault["type"] in PLAIN:
        return PLAIN[fault["type"]]
    said = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return said if said.endswith(("?", ".")) else f"{said}."


def _known_keys(location: Sequence[int | str]) -> list[str]:
    model: Any = AuditConfig
    for part in location:
        fields = getattr(model, "model_fields", {})
        if part not in fields:
            continue
        model = _model_in(fields[part].annotation) or model
    return list(getattr(model, "model_fields", {}))


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Find the model inside ``X | None`` or ``tuple[X, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None


def _line_of(text: str, location: Sequence[int | str]) -> int | None:
    """Line of the deepest part of `location` that the file has."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line: int | None = None
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pairs = {key.value: (key, value) for key, value in node.value}
            if str(part) not in pairs:
                break
            key, node = pairs[str(part)]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _resolve_paths(config: AuditConfig, folder: Path) -> AuditConfig:
    update: dict[str, Any] = {"files": tuple(_beside(folder, file) for file in config.log.files)}
    if (recipe := config.log.recipe) is not None and recipe.endswith(".sql"):
        update["recipe"] = _beside(folder, recipe)
    outcomes = config.log.outcomes
    if outcomes is not None and outcomes.file != OWN_COLUMNS:
        found = {"file": _beside(folder, outcomes.file)}
        update["outcomes"] = outcomes.model_copy(update=found)
    log = config.log.model_copy(update=update)
    mapping = config.mapping and config.mapping.model_copy(
        update={"file": _beside(folder, config.mapping.file)}
    )
    ratings = config.ratings and config.ratings.model_copy(
        update={"file": _beside(folder, config.ratings.file)}
    )
    plan = config.plan
    if plan is not None and plan.bpmn is not None:
        plan = plan.model_copy(update={"bpmn": folder / plan.bpmn})
    measures = config.measures
    if measures.labelled_turns is not None:
        labels = {"labelled_turns": _beside(folder, measures.labelled_turns)}
        measures = measures.model_copy(update=labels)
    return config.model_copy(
        update={
            "log": log,
            "mapping": mapping,
            "measures": measures,
            "plan": plan,
            "ratings": ratings,
        }
    )


def _beside(folder: Path, file: str) -> str:
    return file if "://" in file else str(folder / file)
