"""Archives of several files: unpacked once for a process, by content and not by path."""

from __future__ import annotations

import functools
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from journeylib.core import LogError
from journeylib.log.engine.private_folder import PrivateFolder
from journeylib.log.sources.text_encoding import copy_within_bounds, damage_named

TARS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
_PLAIN = (".csv", ".tsv", ".txt", ".tab", ".psv", ".dat", ".log")


def unpacked(paths: Iterable[Path]) -> list[Path]:
    """Return the files, with those inside instead of each archive of several, in order of name.

    A zip of one text stays: its reader unpacks it. Archives inside archives stay packed.
    """
    members: list[Path] = []
    for path in paths:
        stat = path.stat()
        members += _members(path, stat.st_size, stat.st_mtime_ns)
    return members


@functools.lru_cache(maxsize=64)
def _members(path: Path, _size: int, _written: int) -> tuple[Path, ...]:
    if path.name.lower().endswith(TARS):
        return _tar(path)
    if path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
        return _zip(path)
    return (path,)


@functools.cache
def _scratch() -> PrivateFolder:
    """Kept until the process ends: an engine may look at files later than they are opened."""
    return PrivateFolder()


def _zip(path: Path) -> tuple[Path, ...]:
    with damage_named(path), zipfile.ZipFile(path) as archive:
        members = [m for m in archive.infolist() if not m.is_dir() and _counts(m.filename)]
        alone = len(members) == 1 and members[0].filename.lower().endswith(_PLAIN)
        office = any(m.filename == "[Content_Types].xml" for m in members)
        if not members or alone or office:
            return (path,)
        if any(m.flag_bits & 1 for m in members):
            raise LogError(f"{path.name} is encrypted. Unpack it and name the files inside.")
        ordered = sorted(members, key=lambda m: m.filename)
        return _written(path, ((m.filename, archive.open(m)) for m in ordered))


def _tar(path: Path) -> tuple[Path, ...]:
    with damage_named(path), tarfile.open(path) as archive:
        members = [m for m in archive.getmembers() if m.isreg() and _counts(m.name)]
        streams = ((m.name, archive.extractfile(m)) for m in sorted(members, key=lambda m: m.name))
        files = _written(path, ((name, stream) for name, stream in streams if stream is not None))
    if not files:
        raise LogError(f"{path.name} holds no files. Pack the log again.")
    return files


def _counts(name: str) -> bool:
    return "__MACOSX" not in name and not PurePosixPath(name).name.startswith(".")


def _written(path: Path, members: Iterable[tuple[str, IO[bytes]]]) -> tuple[Path, ...]:
    """Write members of an archive under their bare names: a path in it may lead anywhere."""
    folder = Path(tempfile.mkdtemp(dir=_scratch().path))
    files, size = [], 0
    for number, (name, stream) in enumerate(members):
        target = folder / str(number) / PurePosixPath(name.replace("\\", "/")).name
        target.parent.mkdir()
        with stream:
            size = copy_within_bounds(stream, target, path, size)
        files.append(target)
    return tuple(files)
