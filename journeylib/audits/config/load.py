"""Loading a configuration: YAML and overrides in, a checked model out, faults with their lines."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from journeylib.audits.config.audit_config import OWN_COLUMNS, AuditConfig
from journeylib.core import ConfigError, did_you_mean, nearest_file, read_yaml

# What pydantic adds to a place: which of several types it tried, or which function.
TYPE_TAG = re.compile(
    r"^(str|int|float|bool|date|function-.*|constrained-.*|(literal|tuple|list|dict|union)\[.*)$"
)
OUTCOMES_FILE = "log.outcomes.file"
RECIPE = "log.recipe"
FILES = ("assessment.file", "bets.plan", "lab.assignments.file", "log.files", OUTCOMES_FILE, RECIPE,
         "mapping.file", "measures.labelled_turns", "plan.bpmn", "ratings.file",
         "service_types.labels")  # fmt: skip
PLAIN = {
    "missing": "is missing.",
    "model_type": "must hold keys of its own.",
    "model_attributes_type": "must hold keys of its own.",
    "dict_type": "must hold keys of its own.",
    "string_type": "must be text. Put it in quotes.",
    "string_pattern_mismatch": "must be lower-case letters, digits, '-' or '_', at most 64, as in "
    "telecom-2026.",
}
# Settings that are no names, and what their text must be.
WRITTEN_AS = {
    "link": "must be the address of a page, as in https://example.com/audits.",
    "memory_limit": "must be a size, as in 4GB.",
    "spill_limit": "must be a size, as in 20GB.",
}
# What the reader of YAML says of a fault, what it means, and what to do about it.
YAML_FAULTS = {
    "alias": ("", "Write the values in place of the aliases (*name)."),
    "constructor for the tag": ("a tag (!) stands here, and none is read", "Remove the tag."),
    "another document": ("a second document begins here", "Keep one document in a file."),
    "'<stream end>'": ("the file ends in the middle of a value", "Check brackets and quotes."),
    "'\\t'": ("a tab stands where blanks must", "Indent with blanks."),
}


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
    content = _without_empty(content, path)
    _read_bets(content, path)
    _refuse_endless(content, path)
    _resolve_paths(content, path.parent)
    try:
        config = AuditConfig.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_explain(error, text, path, overrides)) from None
    return config


def _refuse_pipe(path: Path) -> None:
    """Refuse what is there and is no file: reading a pipe waits for somebody to write to it."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ConfigError(f"{path} is a pipe or a device; name a file.")


def _read_text(path: Path) -> str:
    _refuse_pipe(path)
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = nearest_file(path, "*.y*ml") or " `journeylib init LOG` writes a first one."
        raise ConfigError(f"there is no configuration {path}.{hint}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path} is a folder; name the YAML file in it.") from None
    except (PermissionError, UnicodeDecodeError) as error:
        reason = "may not be read" if isinstance(error, PermissionError) else "is not UTF-8 text"
        remedy = "Ask for access." if isinstance(error, PermissionError) else "Save it as UTF-8."
        raise ConfigError(f"the configuration {path} {reason}. {remedy}") from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        content, nodes = read_yaml(text)
        twice = _first_repeated(nodes)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "not YAML"
        faults = (fault for sign, fault in YAML_FAULTS.items() if sign in problem)
        meaning, remedy = next(faults, ("", "Check indentation and quotes."))
        raise ConfigError(f"{path}{line}: {meaning or problem}. {remedy}") from None
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path} must hold keys such as name, log and roles. `journeylib init LOG` writes a "
            "first configuration."
        )
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


def _without_empty(node: Any, path: Path) -> Any:
    """Drop keys without a value: a section all of whose lines are comments says nothing."""
    if not isinstance(node, dict):
        return node
    for key in node:
        if isinstance(key, bool):
            raise ConfigError(
                f"{path}: a key reads as {str(key).lower()}: YAML takes yes, no, on and off for "
                "true and false. Put the word in quotes."
            )
    return {
        str(key): _without_empty(value, path) for key, value in node.items() if value is not None
    }


def _read_bets(content: dict[str, Any], path: Path) -> None:
    """Put the bets of a file in place of its name; paths in it are those of the configuration."""
    named = content.get("bets")
    if not isinstance(named, str):
        return
    try:
        bets, _ = read_yaml((path.parent / named).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        bets = None
    if not isinstance(bets, list):
        raise ConfigError(
            f"{path}: 'bets' names {named}, which is no file with a list of bets. "
            f"`journeylib notes bets RUN --out {named}` writes one."
        )
    content["bets"] = [_without_empty(bet, path) for bet in bets]


def _refuse_endless(node: Any, path: Path, where: str = "") -> None:
    """Refuse .inf and .nan, which every bound of a setting would let through."""
    if isinstance(node, float) and not math.isfinite(node):
        raise ConfigError(f"{path}: {where.lstrip('.')} is {node}; give a number.")
    parts = enumerate(node) if isinstance(node, list | tuple) else ()
    for key, value in node.items() if isinstance(node, dict) else parts:
        _refuse_endless(value, path, f"{where}.{key}")


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
        node[last], _ = read_yaml(value)
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
        faults.setdefault(where, f"  {where}{at}: {_reason(fault, location)}")
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return f"{path} has {count}; nothing was run:\n" + "\n".join(faults.values())


def _reason(fault: Mapping[str, Any], location: Sequence[int | str]) -> str:
    if fault["type"] == "extra_forbidden":
        keys = _known_keys(location[:-1])
        hint = did_you_mean(str(location[-1]), keys)
        return f"is not a known key.{hint}" + ("" if hint else f" Known: {', '.join(keys)}.")
    last = str(location[-1]) if location else ""
    if fault["type"] == "string_pattern_mismatch" and (last in WRITTEN_AS or last.endswith("_env")):
        return WRITTEN_AS.get(last, "must name an environment variable, as in SMTP_USER.")
    if fault["type"] in PLAIN:
        return PLAIN[fault["type"]]
    reason = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return reason if reason.endswith(("?", ".")) else f"{reason}."


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
        if (model := _model_in(inner)) is not None:
            return model
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


def _resolve_paths(content: dict[str, Any], folder: Path) -> None:
    """Take the paths in a configuration relative to its folder; other types are faults."""
    for key in FILES:
        *parents, last = key.split(".")
        for node in _nodes(content, parents):
            value = node.get(last)
            if isinstance(value, list | tuple):
                node[last] = [_resolved(file, folder) for file in value]
            elif value is not None and not _is_name(key, value):
                node[last] = _resolved(value, folder)


def _nodes(content: dict[str, Any], parents: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a path leads to: each entry where it leads to a list."""
    nodes: list[Any] = [content]
    for parent in parents:
        below = [node.get(parent) for node in nodes if isinstance(node, dict)]
        nodes = [one for node in below for one in (node if isinstance(node, list) else [node])]
    return [node for node in nodes if isinstance(node, dict)]


def _is_name(key: str, value: Any) -> bool:
    """Return whether a value stands for no file, where others of its key do."""
    if key == RECIPE:
        return not str(value).endswith(".sql")
    return bool((key, value) == (OUTCOMES_FILE, OWN_COLUMNS))


def _resolved(file: Any, folder: Path) -> Any:
    return str(folder / file) if isinstance(file, str) and "://" not in file else file
