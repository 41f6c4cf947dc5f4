"""Several audits from one file: a list of configurations, each run for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from journeylib.core import ConfigError, read_yaml

LIST = "audits"


@dataclass(frozen=True)
class BatchEntry:
    """One audit to run.

    Attributes
    ----------
    config : Path
    overrides : tuple of str
        ``"key=value"``, before those of the command line.
    """

    config: Path
    overrides: tuple[str, ...] = ()


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    config: str
    set: tuple[str, ...] = Field(())


class _List(BaseModel):
    model_config = ConfigDict(extra="forbid")

    audits: tuple[str | _Entry, ...] = Field(min_length=1)


def read_batch(files: Sequence[Path]) -> list[BatchEntry]:
    """Return the audits that files name.

    Parameters
    ----------
    files : sequence of Path
        Configurations, and YAML files whose only key ``audits`` lists configurations: a path
        relative to the list, or ``{config: path, set: ["key=value"]}``.

    Returns
    -------
    list of BatchEntry
        In the order given. A file that cannot be read stands for itself: the run says what is
        wrong with it, and the others go on.

    Raises
    ------
    ConfigError
        If a list is malformed: then nothing was run.
    """
    return [entry for file in files for entry in _entries(file)]


def _entries(file: Path) -> list[BatchEntry]:
    if not file.is_file():  # reading a pipe would wait for somebody to write to it
        return [BatchEntry(file)]
    try:
        content, _ = read_yaml(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return [BatchEntry(file)]
    if not isinstance(content, dict) or LIST not in content:
        return [BatchEntry(file)]
    try:
        entries = _List.model_validate(content).audits
    except ValidationError:
        raise ConfigError(
            f"{file}: 'audits' must be the only key and list configurations, such as "
            "audits: [telecom.yaml, {config: bank.yaml, set: [name=bank-weekly]}]."
        ) from None
    return [
        BatchEntry(file.parent / entry)
        if isinstance(entry, str)
        else BatchEntry(file.parent / entry.config, entry.set)
        for entry in entries
    ]
