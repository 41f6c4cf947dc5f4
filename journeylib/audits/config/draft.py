"""The first configuration of an audit, written by looking at the log."""

from __future__ import annotations

import json
import os
import re
import tempfile
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from journeylib.audits.config.audit_config import LANGUAGE
from journeylib.audits.config.suggestions import (
    Candidates,
    OutcomesProposal,
    find_candidates,
    propose_outcomes,
)
from journeylib.core import ConfigError, current_catalogue, text
from journeylib.journeys import JourneySettings
from journeylib.judge import JudgeSettings, MomentSettings
from journeylib.log import (
    ROLES,
    Ask,
    Proposal,
    RecognisedExport,
    Schema,
    WideRows,
    find_recipe,
    propose,
    propose_by_recipe,
    recognise,
)
from journeylib.measures import MeasureSettings

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
    ask: Ask | None = None,
    **declarations: Any,
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
    ask : callable, optional
        Called with a yes-or-no question and the likely answer where two readings are near.
    **declarations
        What need not be found out: ``object_type`` of an object-centric log, ``roles`` (role to
        column), ``recipe`` (a name that `recipes` lists, or a ``.sql`` file).

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
    recipe, roles = declarations.pop("recipe", None), declarations.get("roles")
    if recipe is not None:
        export: RecognisedExport | None = RecognisedExport(find_recipe(recipe), (str(log),))
    else:
        # Who names columns of the file itself means no recipe's.
        export = None if roles else recognise(str(log))
    proposal = propose_by_recipe(export) if export else propose(str(log), ask=ask, **declarations)
    candidates = find_candidates(proposal, proposal.sample)
    outcome = propose_outcomes(str(outcomes), proposal) if outcomes is not None else None
    about = {
        "file": path.name,
        "name": name,
        "title": re.sub("[-_]+", " ", name).capitalize(),
        "language": language if (language := current_catalogue().language) != LANGUAGE else None,
        "object_type": proposal.object_type,
        **_wide(proposal.wide),
        **_source(log, export, recipe, path),
        "outcomes": None if outcomes is None else _relative(outcomes, path),
    }
    _write(path, _configuration(about, proposal, candidates, outcome))
    return path, _account(Path(str(log)).name, proposal, candidates, outcome)


def _wide(wide: WideRows | None) -> dict[str, Any]:
    """Return how wide rows are made long, as a configuration writes it."""
    if wide is None:
        return {"join": {}, "unpivot": {}, "threads": None}
    plain = {step: span.model_dump(mode="json") for step, span in wide.unpivot.items()}
    return {
        "join": {name: list(columns) for name, columns in wide.join.items()},
        "unpivot": {
            step: {side: c[0] if len(c) == 1 else c for side, c in times.items() if c}
            for step, times in plain.items()
        },
        "threads": wide.threads and wide.threads.model_dump(),
    }


def _source(
    log: str | Path, export: RecognisedExport | None, recipe: str | None, path: Path
) -> dict[str, Any]:
    """Return the files of a log as its configuration names them, and the recipe for them."""
    if export is None:
        return {"log": _relative(log, path), "recipe": None, "brought": {}}
    files = [_relative(file, path) for file in export.files]
    return {
        "log": files[0] if len(files) == 1 else files,
        "recipe": export.recipe.name if recipe is None else _relative(recipe, path),
        "brought": export.recipe.settings,
    }


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
            f"{path} exists and was left alone. `journeylib init` replaces it with --force, and "
            "names another with --out."
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
        raise ConfigError(
            f"cannot write {path}: {error.strerror}. Name another file with --out of "
            "`journeylib init`."
        ) from None


def _relative(file: str | Path, path: Path) -> str:
    text = str(file)
    if "://" in text:
        return text
    try:
        return Path(os.path.relpath(text, path.parent)).as_posix()
    except ValueError:  # another drive
        return str(Path(text).absolute())


def _configuration(
    about: Mapping[str, Any],
    proposal: Proposal,
    candidates: Candidates,
    outcome: OutcomesProposal | None,
) -> str:
    schema = proposal.schema
    roles = [role for role in ROLES if getattr(schema, role) is None]
    suggested = _suggestions(candidates, outcome)
    return _render(
        "draft.yaml.j2",
        **about,
        proposal=proposal,
        schema=schema,
        described=Schema.model_fields,
        candidates=candidates,
        doubts=[*proposal.warnings, *(outcome.warnings if outcome else ())],
        outcome_roles=outcome and outcome.schema.model_dump(exclude_defaults=True),
        outcome_reasons=outcome and outcome.reasons,
        without_column=[role for role in roles if role not in candidates.roles],
        sections=[
            {
                "name": name,
                "about": words,
                "settings": list(_settings(model, suggested, about["brought"].get(name, {}))),
            }
            for name, model, words in SETTINGS
        ],
    )


def _settings(
    model: BaseModel, suggested: Mapping[str, Any], brought: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield each setting with its default, or what it is or might be, and what it means."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        entry: dict[str, Any] = {
            "name": name,
            "description": field.description,
            "inner": None,
            "summary": None,
        }
        entry["brought"] = False
        if name in brought:
            yield entry | {"value": brought[name], "suggested": False, "brought": True}
        elif isinstance(value, MomentSettings):
            entry["description"] = "moments of truth: what a good visit changes"
            yield entry | {"inner": list(_settings(value, suggested, {}))}
        elif name in LONG or isinstance(value, BaseModel):
            yield entry | {"summary": LONG.get(name, field.description)}
        else:
            maybe = suggested.get(name)
            yield entry | {"value": maybe or value, "suggested": bool(maybe)}


def _suggestions(candidates: Candidates, outcome: OutcomesProposal | None) -> dict[str, Any]:
    return {
        "goals": list(candidates.goals),
        "goals_by_intent": {i: list(own) for i, own in candidates.goals_by_intent.items()},
        "bad_ends": list(candidates.bad_ends),
        "vulnerable": next(iter(candidates.vulnerable), None),
        "good": next(iter(candidates.good), None),
        "outcomes": list(outcome.kinds) if outcome else [],
    }


def _account(
    name: str, proposal: Proposal, candidates: Candidates, outcome: OutcomesProposal | None
) -> str:
    doubts = [*proposal.warnings, *(outcome.warnings if outcome else ())]
    doubts += [
        text("audits.draft.perhaps", role=role, columns=", ".join(columns))
        for role, columns in candidates.roles.items()
    ]
    roles = [
        (
            role,
            column,
            f"{proposal.reasons[role]}{'' if sure else ' ' + text('audits.draft.doubt')}",
        )
        for role, column in proposal.schema.roles().items()
        for sure in [proposal.confidence[role] == "high"]
    ]
    columns = outcome.schema.model_dump(exclude_defaults=True) if outcome else {}
    reasons = outcome.reasons if outcome else {}
    return _render(
        "draft_account.txt.j2",
        text=text,
        file=name,
        proposal=proposal,
        roles=roles,
        outcomes=[(r, str(c), f"{reasons[r].capitalize()}.") for r, c in columns.items()],
        doubts=doubts,
        unused=candidates.unused,
    ).rstrip()


def _render(template: str, **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {"line": _line, "scalar": _scalar, "table": _table, "wrapped": _wrapped}
    return environment.get_template(template).render(**values)


def _table(rows: Sequence[tuple[str, str, str]]) -> str:
    shown = [tuple(map(_line, row)) for row in rows]
    widths = [max(len(row[i]) for row in shown) for i in (0, 1)]
    return "\n".join(f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in shown)


def _line(text: str) -> str:
    """Return a text from the log as one line that no terminal and no YAML takes for more."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+", " ", text)


def _wrapped(text: str, rest: str = "#   ") -> str:
    lines = textwrap.wrap(
        _line(text), WIDTH, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


def _scalar(value: Any) -> str:
    """Return a value as YAML on one line."""
    text = yaml.safe_dump(
        list(value) if isinstance(value, tuple) else value,
        default_flow_style=True,
        allow_unicode=True,
        width=10**9,
        sort_keys=False,
    )
    text = text.strip().removesuffix("...").strip()
    # Line breaks in a name would end a comment, or the line: JSON, which YAML reads, escapes them.
    return text if len(text.splitlines()) < 2 else json.dumps(value)
