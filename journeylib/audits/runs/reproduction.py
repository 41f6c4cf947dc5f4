"""Reproduce: a run again from its manifest, compared byte for byte."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from journeylib import __version__
from journeylib.audits.config.audit_config import PLACES, AuditConfig
from journeylib.audits.config.load import load_config
from journeylib.audits.history import Entry, check_kept, read_history
from journeylib.audits.pipeline import audit
from journeylib.audits.runs.bundle import fingerprint_files, write_bundle
from journeylib.core import ConfigError, LogError, RunError, text


@dataclass(frozen=True)
class Reproduction:
    """Whether a run gives the same again.

    Attributes
    ----------
    same : bool
    differing : tuple of str
        Files that are not the same, byte for byte.
    notes : tuple of str
        What else differs: versions, files of the log.
    """

    same: bool
    differing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What to tell the person at the terminal."""
        key = "same" if self.same else "different"
        answer = text(f"audits.reproduce.{key}", files=", ".join(self.differing))
        return "\n".join([answer, *self.notes])


def config_of_run(entry: Entry, config: str | Path | None = None) -> AuditConfig:
    """Return the configuration that a run was made with; `config` as for `reproduce`.

    Raises
    ------
    LogError, ConfigError
        If the manifest or the configuration cannot be read.
    """
    return _settings(_manifest(entry), load_config(config or _config_of(entry)))


def reproduce(entry: Entry, *, config: str | Path | None = None) -> Reproduction:
    """Run an audit again as its manifest says, and compare what comes out.

    Parameters
    ----------
    entry : Entry
        From `history.find_run`.
    config : str or Path, optional
        The YAML file, which says where the log and the files beside it lie: a manifest names no
        place. All else is taken from the manifest. Default: the file that the run's executed
        notebook was given.

    Raises
    ------
    LogError, ConfigError
        If the input is gone or changed, so that nothing can be compared.
    RunError
        If a run that this one was compared with is gone or changed.
    """
    manifest = _manifest(entry)
    settings = _settings(manifest, load_config(config or _config_of(entry)))
    notes = [*_other_versions(manifest), *_other_files(manifest, settings)]
    home = entry.folder.parent
    history = read_history(home)
    check_kept(history, manifest["compared_with"])
    rerun = audit(settings, history=history.only(list(manifest["compared_with"])))
    if rerun.log_hash != entry.document["audit"]["log_hash"]:
        raise LogError(
            "the input has changed: its events are not those of the run. " + " ".join(notes)
        )
    if rerun.config_hash != entry.document["audit"]["config_hash"]:
        raise LogError(
            "the input has changed: labels, ratings or the mapping beside the log are not those "
            "of the run. " + " ".join(notes)
        )
    with tempfile.TemporaryDirectory(prefix="journeylib-") as scratch:
        write_bundle(rerun, Path(scratch))
        differing = tuple(_differing(entry.folder, Path(scratch)))
    return Reproduction(not differing, differing, tuple(notes))


def _manifest(entry: Entry) -> Mapping[str, Any]:
    if not {"config", "inputs", "compared_with", "versions"} <= set(entry.manifest):
        raise RunError(
            f"{entry.folder / 'manifest.json'} is not there or damaged; without it a run cannot "
            "be made again."
        )
    return entry.manifest


def _config_of(entry: Entry) -> Path:
    """Return the configuration that the executed notebook was given."""
    try:
        notebook = json.loads((entry.folder / "audit.ipynb").read_bytes())
        path = Path(str(notebook["metadata"]["papermill"]["parameters"]["config"]))
    except (OSError, ValueError, KeyError, TypeError):
        path = Path()
    if not path.is_file():
        raise ConfigError(
            "the run does not say where its configuration is, or it is there no more. Name the "
            "YAML file: journeylib reproduce RUN --config CONFIG."
        )
    return path


def _settings(manifest: Mapping[str, Any], places: AuditConfig) -> AuditConfig:
    """Return the settings of the run with the places of today."""
    content = _merged(manifest["config"], places.model_dump(mode="json"), PLACES)
    try:
        return AuditConfig.model_validate(content)
    except ValidationError:
        raise ConfigError(
            "the run's settings do not fit this version of journeylib; install the one in its "
            f"manifest ({manifest['versions'].get('journeylib')})."
        ) from None


def _merged(recorded: Mapping[str, Any], current: Mapping[str, Any], places: Any) -> dict[str, Any]:
    result = dict(recorded)
    names = dict.fromkeys(places, True) if isinstance(places, set) else places
    for name, inner in names.items():
        value = current.get(name)
        if inner is True:
            result[name] = value
        elif isinstance(recorded.get(name), Mapping) and isinstance(value, Mapping):
            result[name] = _merged(recorded[name], value, inner)
    return result


def _other_versions(manifest: Mapping[str, Any]) -> Iterator[str]:
    now = {"journeylib": __version__, "python": platform.python_version()}
    for name, before in manifest["versions"].items():
        here = now.get(name) or metadata.version(name)
        if here != before:
            yield text("audits.reproduce.version", name=name, before=before, here=here)


def _other_files(manifest: Mapping[str, Any], settings: AuditConfig) -> Iterator[str]:
    before = {file["name"]: file["sha256"] for file in manifest["inputs"]}
    now = {file["name"]: file["sha256"] for file in fingerprint_files(settings)}
    missing = sorted(set(before) - set(now))
    if missing:
        raise LogError(f"the input is gone: {', '.join(missing)}. Put it back, or name another "
                       "place with --config.")  # fmt: skip
    changed = [name for name in before if now[name] != before[name]]
    changed += sorted(set(now) - set(before))
    if changed:
        yield text("audits.reproduce.files", files=", ".join(changed))


def _differing(before: Path, after: Path) -> Iterator[str]:
    files = {path.relative_to(after) for path in after.rglob("*") if path.is_file()}
    files |= {p.relative_to(before) for p in (before / "tables").glob("*.parquet")}
    for file in sorted(files - {Path("manifest.json")}):
        both = [folder / file for folder in (before, after)]
        if not all(path.is_file() for path in both) or both[0].read_bytes() != both[1].read_bytes():
            yield str(file)
