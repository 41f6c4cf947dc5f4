"""The first configuration of an audit, written by looking at the log."""

from __future__ import annotations

import json
import os
import re
import tempfile
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from journeylib.audits.candidates import (
    Candidates,
    OutcomesProposal,
    find_candidates,
    first_rows,
    propose_outcomes,
)
from journeylib.errors import ConfigError
from journeylib.journeys.segment import JourneySettings
from journeylib.judge.settings import JudgeSettings, MomentSettings
from journeylib.log.inspect import Proposal, propose
from journeylib.log.recipes.proposal import propose_by_recipe
from journeylib.log.recipes.recognise import Recognised, recognise
from journeylib.log.schema import ROLES, Schema
from journeylib.log.sources import is_object_centric
from journeylib.measures.settings import MeasureSettings

WIDTH = 96
SUFFIXES = (".gz", ".zip", ".bz2", ".zst")
SETTINGS: tuple[tuple[str, BaseModel, str], ...] = (
    ("journeys", JourneySettings(), "How journeys are cut, and how they end."),
    ("measures", MeasureSettings(), "Windows and minimum bases of the measures."),
    ("judge", JudgeSettings(), "Thresholds of scores and verdicts."),
)
# Long tables of defaults: named in one line instead of being printed.
LONG = {
    "automation_fit": "weights and anchors by indicator, as in  volume: {weight: 0.2}",
    "empathy_need": "weights and anchors by indicator, as in  human_request: {weight: 0.3}",
    "offices": "how far empathy need binds in front, middle and back office",
}


def write_first_config(
    log: str | Path,
    *,
    outcomes: str | Path | None = None,
    out: str | Path | None = None,
    force: bool = False,
    object_type: str | None = None,
) -> tuple[Path, str]:
    """Look at a log and write a commented configuration that can be audited as it is.

    Parameters
    ----------
    log : str or Path
        File, glob or ``duckdb:///file.db::table``; of a known system's export also a folder, or
        ``duckdb:///file.db``.
    outcomes : str or Path, optional
        Table of what came of customers.
    out : str or Path, optional
        The YAML file; the log's name with ``.yaml`` in the current folder unless given.
    force : bool
        Replace an existing file.
    object_type : str, optional
        Of an object-centric log: whose objects are the journeys; proposed unless given.

    Returns
    -------
    path : Path
        What was written.
    account : str
        Which column was taken for what and why, and what is not sure.

    Raises
    ------
    ConfigError
        The file exists already, or cannot be written.
    LogError
        The log or the table of outcomes cannot be read, or lacks what is needed.
    """
    name = _slug(log)
    path = Path(out) if out is not None else Path(f"{name}.yaml")
    _refuse(path, force=force)
    known = recognise(str(log))
    if known is None:
        object_type, doubts = _object_type(str(log), object_type)
        proposal = propose(str(log), object_type=object_type)
        proposal = replace(proposal, warnings=(*doubts, *proposal.warnings))
        _, sample = first_rows(str(log), object_type)
    else:
        proposal, sample = propose_by_recipe(known)
    found = find_candidates(proposal, sample)
    came = propose_outcomes(str(outcomes), proposal) if outcomes is not None else None
    sections = [
        _preface(name, path, proposal, came),
        _log_section(log if known is None else known, outcomes, came, path, object_type),
        _roles_section(proposal, found),
        *(
            _settings_section(
                key,
                model,
                text,
                found,
                came,
                {} if known is None else known.recipe.settings.get(key, {}),
            )
            for key, model, text in SETTINGS
        ),
        _closing(),
    ]
    _write(path, "\n\n".join(sections) + "\n")
    return path, _account(Path(str(log)).name, proposal, found, came)


def _object_type(log: str, given: str | None) -> tuple[str | None, list[str]]:
    """Return the object type to follow, and what following each would lose and repeat."""
    if given is not None or not is_object_centric(log):
        return given, []
    from journeylib.log.processlogs import object_types

    types = object_types(Path(log))
    if len(types) < 2:
        return (types[0].name if types else None), []
    best = types[0].name
    told = "; ".join(f"{t.name}: {t.lost} events lost, {t.extra} repeated" for t in types)
    return best, [
        f"Journeys follow the objects of type '{best}' ({told}). --object-type takes another."
    ]


def _slug(log: str | Path) -> str:
    """Return a name for the audit from the name of its log."""
    name = re.split(r"[/\\]|::", str(log))[-1]
    stem = Path(name)
    while stem.suffix in SUFFIXES:
        stem = stem.with_suffix("")
    slug = re.sub(r"[^a-z0-9_]+", "-", stem.with_suffix("").name.lower()).strip("-_")
    return slug[:64].strip("-") or "audit"


def _refuse(path: Path, *, force: bool) -> None:
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file in it with --out.")
    if path.exists() and not force:
        raise ConfigError(
            f"{path} exists and was left alone. --force replaces it; --out names another."
        )
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {path.parent} to write {path.name} to.")


def _write(path: Path, text: str) -> None:
    """Write beside, then rename: a half-written configuration is never seen."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        # mkstemp makes files that only their owner may read; a configuration is for the team.
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}. Name another --out.") from None


def _preface(name: str, path: Path, proposal: Proposal, came: OutcomesProposal | None) -> str:
    doubts = [*proposal.warnings, *(came.warnings if came else ())]
    lines = [
        f"# First configuration, written by `journeylib init` from a look at the log. Read it, "
        f"change what is wrong, then: journeylib audit {path.name}",
        "# '#key: value' without a blank is a setting at its default, or a guess marked 'maybe': "
        "remove the '#' to use or change it.",
        *(f"# Found: {fact}" for fact in proposal.facts),
        *(f"# Not sure: {doubt}" for doubt in doubts),
    ]
    body = [f"name: {_scalar(name)}", f"title: {_scalar(_title(name))}"]
    return "\n".join([*(wrapped for line in lines for wrapped in _wrap(line)), "", *body])


def _title(name: str) -> str:
    return re.sub("[-_]+", " ", name).capitalize()


def _log_section(
    log: str | Path | Recognised,
    outcomes: str | Path | None,
    came: OutcomesProposal | None,
    path: Path,
    object_type: str | None,
) -> str:
    if isinstance(log, Recognised):
        files = [_relative(file, path) for file in log.files]
        lines = [
            "log:",
            f"  files: {_scalar(files[0] if len(files) == 1 else files)}  # relative to this file",
            f"  recipe: {log.recipe.name}  # or a .sql file of your own beside this one",
        ]
    else:
        lines = ["log:", f"  files: {_scalar(_relative(log, path))}  # relative to this file; a "
                 "glob or a list is fine"]  # fmt: skip
    if object_type is not None:
        lines.append(f"  object_type: {_scalar(object_type)}  # whose objects are the journeys")
    if came is not None and outcomes is not None:
        lines += ["  outcomes:", f"    file: {_scalar(_relative(outcomes, path))}", "    roles:"]
        for role, column in came.schema.model_dump(exclude_defaults=True).items():
            lines += _reasoned(role, column, came.reasons[role], "      ")
    else:
        lines += [
            "  # What came of customers, in a table of its own: needed for moments of truth.",
            "  #outcomes:",
            "  #  file: outcomes.csv",
            "  #  roles: {customer: customer_id, timestamp: date, kind: kind, value: value}",
        ]
    lines += [
        "  #period: [2026-01-01, 2026-06-30]  # what the log is said to cover",
        "  #max_unusable_share: 0.05  # more unusable rows than this share are refused",
    ]
    return "\n".join(lines)


def _relative(file: str | Path, path: Path) -> str:
    text = str(file)
    if "://" in text:
        return text
    try:
        return Path(os.path.relpath(text, path.parent)).as_posix()
    except ValueError:  # another drive
        return str(Path(text).absolute())


def _roles_section(proposal: Proposal, found: Candidates) -> str:
    schema = proposal.schema
    lines = ["roles:  # role: column of the log"]
    for role, column in schema.roles().items():
        sure = "" if proposal.confidence[role] == "high" else " Not sure."
        lines += _reasoned(role, column, proposal.reasons[role] + sure, "  ")
    for role, columns in found.roles.items():
        what = str(Schema.model_fields[role].description)
        lines += [f"  #{role}: {_scalar(column)}  # maybe: {what}" for column in columns]
    rest = [role for role in ROLES if getattr(schema, role) is None and role not in found.roles]
    if schema.identifiers:
        lines.append(f"  identifiers: {_scalar(dict(schema.identifiers))}")
    if schema.attributes:
        lines.append(f"  attributes: {_scalar(list(schema.attributes))}")
    if rest:
        lines += _wrap(f"  # No column found for: {', '.join(rest)}.", "  #   ")
    if found.unused:
        unused = ", ".join(_scalar(column) for column in found.unused)
        lines += _wrap("  # Further columns to keep, under their own names; name those you need:",
                       "  # ")  # fmt: skip
        lines.append(f"  #attributes: [{unused}]")
    lines += _value_maps(proposal, found)
    return "\n".join(lines)


def _value_maps(proposal: Proposal, found: Candidates) -> list[str]:
    schema = proposal.schema
    lines = []
    if schema.actor is not None and (schema.actor_values or found.actor_words):
        lines.append("  actor_values:  # your word: customer, bot, human or system")
        lines += [f"    {_scalar(word)}: {actor}" for word, actor in schema.actor_values.items()]
        lines += [
            f"    #{_scalar(word)}: human  # which of the four?" for word in found.actor_words
        ]
    lines.append(
        f"  {'' if schema.timezone != 'UTC' else '#'}timezone: {schema.timezone}"
        "  # zone of times that carry none, such as Europe/Berlin"
    )
    if schema.timestamp_format:
        lines.append(f"  timestamp_format: {_scalar(schema.timestamp_format)}")
    if schema.missing != Schema.model_fields["missing"].default:
        lines.append(f"  missing: {_scalar(list(schema.missing))}  # what stands for no value")
    if schema.stage is None and found.touchpoints:
        lines.append("  stage_values:  # touchpoint: part of the journey")
        lines += [f"    #{_scalar(name)}: " for name in found.touchpoints]
    else:
        lines.append("  #stage_order: []  # stages from first to last; else as they occur")
    return lines


def _settings_section(
    key: str,
    model: BaseModel,
    text: str,
    found: Candidates,
    came: OutcomesProposal | None,
    brought: Mapping[str, Any],
) -> str:
    suggested = _suggestions(found, came).get(key, {})
    lines = [f"{key}:  # {text}"]
    for name, field in type(model).model_fields.items():
        if name in brought:
            value = _scalar(_plain(brought[name]))
            lines += [
                *_wrap(f"  # {field.description}", "  # "),
                f"  {name}: {value}  # the recipe says so",
            ]
        elif name == "moments":
            moments = _suggestions(found, came)["moments"]
            lines.append("  moments:  # moments of truth: what a good visit changes")
            lines += _setting_lines(MomentSettings(), moments, 4)
        elif name in LONG:
            lines.append(f"  #{name}: {{}}  # {LONG[name]}")
        elif isinstance(getattr(model, name), BaseModel):
            lines.append(f"  #{name}: {{}}  # {field.description}")
        else:
            lines += _setting(name, getattr(model, name), str(field.description),
                              suggested.get(name), 2)  # fmt: skip
    return "\n".join(lines)


def _setting_lines(model: BaseModel, suggested: Mapping[str, Any], indent: int) -> list[str]:
    lines = []
    for name, field in type(model).model_fields.items():
        lines += _setting(name, getattr(model, name), str(field.description),
                          suggested.get(name), indent)  # fmt: skip
    return lines


def _setting(name: str, default: Any, description: str, suggested: Any, indent: int) -> list[str]:
    """Return a setting at its default, or as it might be, in a comment below what it means."""
    pad = " " * indent
    value = default if suggested is None else suggested
    maybe = "" if suggested is None else "  # maybe"
    about = _wrap(f"{pad}# {description}", f"{pad}# ")
    return [*about, f"{pad}#{name}: {_scalar(_plain(value))}{maybe}"]


def _suggestions(found: Candidates, came: OutcomesProposal | None) -> dict[str, dict[str, Any]]:
    def some(**values: Any) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value}

    return {
        "journeys": some(goals=list(found.goals), bad_ends=list(found.bad_ends)),
        "measures": some(vulnerable=next(iter(found.vulnerable), None)),
        "moments": some(
            good=next(iter(found.good), None), outcomes=list(came.kinds) if came else []
        ),
    }


def _closing() -> str:
    return "\n".join(
        [
            "# Conditions that the audit must meet; a failed one ends with exit status 1.",
            "gates:",
            "  #- {id: containment, metric: handoffs.contained_verified, min: 0.5}",
            "",
            "#as_of: 2026-07-01  # the day to look back from; default: the day of the last event",
        ]
    )


def _account(
    name: str, proposal: Proposal, found: Candidates, came: OutcomesProposal | None
) -> str:
    lines = [f"Looked at the first rows of {name}. {' '.join(proposal.facts)}".rstrip(), ""]
    lines += _table(
        (role, column, _and_sure(proposal.reasons[role], proposal.confidence[role]))
        for role, column in proposal.schema.roles().items()
    )
    if came is not None:
        lines += ["", "Outcomes:"]
        lines += _table(
            (role, str(column), came.reasons[role].capitalize() + ".")
            for role, column in came.schema.model_dump(exclude_defaults=True).items()
        )
    doubts = [*proposal.warnings, *(came.warnings if came else ())]
    doubts += [
        f"{role}: perhaps {' or '.join(columns)}; uncomment it if so."
        for role, columns in found.roles.items()
    ]
    if doubts:
        lines += ["", "Not sure:", *(f"  - {_line(doubt)}" for doubt in doubts)]
    if found.unused:
        lines += ["", *_wrap(f"Not used: {', '.join(map(_line, found.unused))}.", "  ")]
    return "\n".join(lines).rstrip()


def _and_sure(reason: str, confidence: str) -> str:
    return reason if confidence == "high" else f"{reason} Not sure."


def _table(rows: Iterable[tuple[str, str, str]]) -> list[str]:
    shown = [tuple(map(_line, row)) for row in rows]
    widths = [max(len(row[i]) for row in shown) for i in (0, 1)]
    return [f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in shown]


def _reasoned(role: str, column: Any, reason: str, indent: str) -> list[str]:
    return [*_wrap(f"{indent}# {reason[:1].upper()}{reason[1:]}", f"{indent}# "),
            f"{indent}{role}: {_scalar(column)}"]  # fmt: skip


def _line(text: str) -> str:
    """Return a text from the log as one line that no terminal and no YAML takes for more."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+", " ", text)


def _wrap(text: str, rest: str = "#   ") -> list[str]:
    return textwrap.wrap(
        _line(text), WIDTH, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _scalar(value: Any) -> str:
    """Return a value as YAML on one line."""
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=10**9, sort_keys=False
    )
    text = text.strip().removesuffix("...").strip()
    # Line breaks in a name would end a comment, or the line: JSON, which YAML reads, escapes them.
    return text if len(text.splitlines()) < 2 else json.dumps(value)
