"""plan.yaml: a plan with its hash, and which entries were changed since it was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from journeylib.core import ConfigError, read_yaml
from journeylib.lab.experiment_plan import Plan, plan_content, plan_from

DIGITS = 12  # of the hash of one entry
PLACE = "source"  # where the configuration lies is no part of what was decided
HEAD = (
    "# The plan of an experiment, written before its data. Do not edit it: its hash is in every\n"
    "# reading, and a reading names the entries that were changed. Make a new plan instead.\n"
)
MESSAGES = {
    "missing": "there is no plan {path}. `journeylib lab plan CONFIG` writes one.",
    "broken": "{path} is no plan that journeylib wrote: {why}. Make it again: "
    "`journeylib lab plan`.",
}


@dataclass(frozen=True)
class PlanFile:
    """A plan as it was read from its file.

    Attributes
    ----------
    plan : Plan
    hash : str
        sha256 as it was written.
    changed : tuple of str
        Entries whose content is not what was hashed; empty where nothing was changed.
    """

    plan: Plan
    hash: str
    changed: tuple[str, ...]


def plan_hash(planned: Plan) -> str:
    """Return the sha256 of everything that a plan holds."""
    return _digest(plan_content(planned))


def write_plan(planned: Plan, path: str | Path) -> Path:
    """Write a plan with its hash and the hash of each entry.

    Parameters
    ----------
    planned : Plan
    path : str or Path
    """
    content = plan_content(planned)
    text = yaml.safe_dump(
        {**content, "hash": _digest(content), "entries": _entries(content)},
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(HEAD + text, encoding="utf-8")
    return target


def read_plan(path: str | Path) -> PlanFile:
    """Read a plan, and find out what was changed in it.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    ConfigError
        If there is no such file, or it is no plan.
    """
    try:
        content, _ = read_yaml(Path(path).read_text(encoding="utf-8"))
    except OSError:
        raise ConfigError(MESSAGES["missing"].format(path=path)) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigError(MESSAGES["broken"].format(path=path, why="it is not YAML")) from None
    try:
        given, entries = content.pop("hash"), content.pop("entries")
        planned = plan_from(content)
    except (KeyError, TypeError, AttributeError, ValueError, ValidationError) as error:
        why = f"a key is missing or wrong ({type(error).__name__})"
        raise ConfigError(MESSAGES["broken"].format(path=path, why=why)) from None
    now = _entries(content)
    changed = sorted(key for key in {*now, *entries} if now.get(key) != str(entries.get(key, "")))
    if not changed and _digest(content) != given:
        changed = ["hash"]
    return PlanFile(planned, str(given), tuple(changed))


def _digest(content: Any) -> str:
    if isinstance(content, Mapping):
        content = {key: value for key, value in content.items() if key != PLACE}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _entries(content: Mapping[str, Any]) -> dict[str, str]:
    """Return the hash of each entry: the keys of the plan, and those of its 'lab' apart."""
    flat = {key: value for key, value in content.items() if key != "lab"}
    flat |= {f"lab.{key}": value for key, value in dict(content.get("lab") or {}).items()}
    return {key: _digest(value)[:DIGITS] for key, value in flat.items() if key != PLACE}
