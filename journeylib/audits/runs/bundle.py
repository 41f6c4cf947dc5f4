"""Bundle: one directory per run, complete or not there at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from journeylib import __version__
from journeylib.audits.config.audit_config import PLACES, AuditConfig
from journeylib.audits.result.result import Audit
from journeylib.core import SEED, ConfigError, RunError, refuse_other, working
from journeylib.log import export_files

RECORDED = ("duckdb", "ibis-framework", "numpy", "pandas", "pm4py", "scikit-learn",
            "scipy", "statsmodels")  # fmt: skip
REPLACE_ATTEMPTS = 10
STAGE, ASIDE = ".staging-", "replaced-"
DAY = len("2026-07-06")  # with which a run id begins


def write_bundle(audit: Audit, folder: Path, *, seconds: float | None = None) -> None:
    """Write `audit.json`, the tables and the manifest of a run into an existing folder.

    Parameters
    ----------
    audit : Audit
    folder : Path
        Is filled, not replaced.
    seconds : float, optional
        How long the run took.
    """
    (folder / "tables").mkdir(exist_ok=True)
    text = json.dumps(audit.document, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "audit.json").write_text(text + "\n", encoding="utf-8")
    for name, table in audit.tables.items():
        table.to_parquet(folder / "tables" / f"{name}.parquet", index=False)
    manifest = json.dumps(_manifest(audit, seconds), indent=2, ensure_ascii=False)
    (folder / "manifest.json").write_text(manifest + "\n", encoding="utf-8")


@working("writing the run")
def save(audit: Audit, out: str | Path = "audits", *, seconds: float | None = None) -> Path:
    """Write the bundle of a run to ``out/<audit name>/<run id>`` and point `latest` at it.

    The directory appears complete or not at all; one of the same run is replaced. It holds
    `audit.json`, the tables and the manifest; the notebook and the dashboard are made by the
    command ``journeylib audit``.

    Parameters
    ----------
    audit : Audit
        From `journeylib.audit`.
    out : str or Path
        Folder of all audits; made if it is not there.
    seconds : float, optional
        How long the run took, for the manifest.

    Returns
    -------
    Path
        The run directory.

    Raises
    ------
    ConfigError
        If a file is where a folder should be.
    RunError
        If the place cannot be written.
    """
    refuse_other(audit, "Audit")
    with staged(Path(out), audit.config.name) as stage:
        folder = stage / audit.run_id
        folder.mkdir()
        write_bundle(audit, folder, seconds=seconds)
        return commit(folder, Path(out) / audit.config.name)


@contextmanager
def staged(out: Path, name: str) -> Iterator[Path]:
    """Yield a folder beside the runs that is gone afterwards, whatever happens.

    Folders made on the way that hold nothing in the end are gone as well. What killed runs left
    is cleared away first: a stage is locked for as long as its process lives, so that one which
    can be locked belongs to nobody. Neither clocks nor process ids are asked.
    """
    home = out / name
    made = [folder for folder in (home, *home.parents) if not folder.exists()]
    try:
        home.mkdir(parents=True, exist_ok=True)
        with locked(home):
            _refuse_own_latest(home / "latest")
            _clear_abandoned(home)
            stage = Path(tempfile.mkdtemp(prefix=STAGE, dir=home))
            lock = _lock(stage)
    except (FileExistsError, NotADirectoryError):
        raise ConfigError(
            f"{home} cannot be a folder: a file is in its way. Choose another --out."
        ) from None
    except OSError as error:
        raise RunError(
            f"cannot write runs to {home}: {error.strerror}. Choose another --out."
        ) from None
    try:
        yield stage
    except OSError as error:
        reason = error.strerror or "the disk refused"
        raise RunError(
            f"writing the run to {home} failed: {reason}. No half run was left. Free space or "
            "choose another --out, then start the audit again."
        ) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        if lock is not None:
            os.close(lock)
        with suppress(OSError):  # another run may have begun to write there
            for folder in made:
                folder.rmdir()


def _refuse_own_latest(latest: Path) -> None:
    """Refuse what bears the name of the link to the newest run: it would never move."""
    if latest.exists() and not latest.is_symlink():
        raise ConfigError(
            f"{latest} must be the link to the newest run, and is a file or folder. Rename it."
        )


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Keep other runs of the same audit waiting while the block runs."""
    lock = _lock(home)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _lock(folder: Path, *, wait: bool = True) -> int | None:
    """Lock a folder; None where the system or its file system has no such locks.

    The lock goes with the process, however that ends.

    Raises
    ------
    BlockingIOError
        If somebody else holds it and `wait` is False.
    """
    if sys.platform == "win32":  # what killed runs left stays there
        return None
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:
        os.close(handle)
        return None
    return handle


def _clear_abandoned(home: Path) -> None:
    """Remove the stages of killed runs; a run that one of them had set aside comes back."""
    for stage in sorted(home.glob(f"{STAGE}*")):
        if stage.is_symlink():  # what it leads to is not ours
            continue
        try:
            lock = _lock(stage, wait=False)
        except OSError:  # its run lives, or has just ended
            continue
        if lock is None:
            continue
        for aside in sorted(stage.glob(f"{ASIDE}*/*")):
            if aside.parent.is_symlink():
                continue
            with suppress(OSError):  # a later run stands there already
                aside.rename(home / aside.name)
        shutil.rmtree(stage, ignore_errors=True)
        os.close(lock)


def commit(folder: Path, home: Path) -> Path:
    """Move a complete run directory to its place and point `latest` at it.

    A run that looks back from an earlier day than `latest` does leaves `latest` where it is.
    """
    target = home / folder.name
    for attempt in range(REPLACE_ATTEMPTS):
        # A folder cannot be renamed onto one that has files: the old one steps aside first.
        # Another writer of the same run may be faster; then its run steps aside in turn.
        aside = folder.parent / f"{ASIDE}{attempt}" / target.name
        aside.parent.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            target.rename(aside)
        try:
            folder.rename(target)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                if aside.exists():
                    aside.rename(target)
                raise
    else:
        raise RunError(f"other runs keep writing {target}. Start the audit again when they end.")
    with locked(home):
        latest = home / "latest"
        if not latest.exists() or latest.resolve().name[:DAY] <= target.name[:DAY]:
            pointer = folder.parent / "latest"
            pointer.symlink_to(target.name)
            pointer.replace(latest)
    return target


def fingerprint_files(config: AuditConfig) -> list[dict[str, Any]]:
    """Fingerprint the files that an audit reads: names without places, bytes, sha256."""
    prints = []
    for path in sorted({path for file in config.files() for path in export_files(file)}):
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        prints.append({"name": path.name, "bytes": path.stat().st_size, "sha256": digest})
    return prints


def _unchanged_since(audit: Audit) -> str | None:
    """Return the run whose numbers these still are, settings and all; None where some are new."""
    before = audit.history.last_before(audit.as_of, audit.run_id)
    if before is None or not audit.unchanged:
        return None
    alike = before.document["audit"]["config_hash"] == audit.config_hash
    return before.run_id if alike else None


def _manifest(audit: Audit, seconds: float | None) -> Mapping[str, Any]:
    config = audit.config
    return {
        "run_id": audit.run_id,
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": None if seconds is None else round(seconds, 1),
        "log_hash": audit.log_hash,
        "config_hash": audit.config_hash,
        "files": [Path(file).name for file in config.log.files],
        "inputs": fingerprint_files(config),
        "seed": SEED,
        "compared_with": {
            entry.run_id: entry.digest
            for entry in audit.history.entries
            if entry.run_id in audit.changes.used
        },
        "unchanged_since": _unchanged_since(audit),
        "mapping_hash": audit.prepared.mapping and audit.prepared.mapping.hash,
        "config": config.model_dump(mode="json", exclude=PLACES),
        "versions": {"journeylib": __version__, "python": platform.python_version()}
        | {package: metadata.version(package) for package in RECORDED},
    }
