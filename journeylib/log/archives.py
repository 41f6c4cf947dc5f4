"""Archives of several files: unpacked once for a process, by content and not by path."""

from __future__ import annotations

import functools
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from journeylib.errors import LogError

TARS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
_PLAIN = (".csv", ".tsv", ".txt", ".tab", ".psv", ".dat", ".log")


def unpacked(paths: Iterable[Path]) -> list[Path]:
    """Return the files, with those inside instead of each archive of several, in order of name.

    A zip of one text stays: its reader unpacks it. Archives inside archives stay packed.
    """
    found: list[Path] = []
    for path in paths:
        stat = path.stat()
        found += _members(path, stat.st_size, stat.st_mtime_ns)
    return found


@functools.lru_cache(maxsize=64)
def _members(path: Path, _size: int, _written: int) -> tuple[Path, ...]:
    if path.name.lower().endswith(TARS):
        return _tar(path)
    if path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
        return _zip(path)
    return (path,)


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    """Kept until the process ends: an engine may look at files later than they are opened."""
    return tempfile.TemporaryDirectory(prefix="journeylib-unpacked-", ignore_cleanup_errors=True)


def _zip(path: Path) -> tuple[Path, ...]:
    with zipfile.ZipFile(path) as archive:
        members = [m for m in archive.infolist() if not m.is_dir() and _counts(m.filename)]
        alone = len(members) == 1 and members[0].filename.lower().endswith(_PLAIN)
        office = any(m.filename == "[Content_Types].xml" for m in members)
        if not members or alone or office:
            return (path,)
        if any(m.flag_bits & 1 for m in members):
            raise LogError(f"{path.name} is encrypted. Unpack it and name the files inside.")
        folder = _folder()
        try:
            return tuple(
                _kept(archive.open(m), m.filename, folder)
                for m in sorted(members, key=lambda m: m.filename)
            )
        except (zipfile.BadZipFile, EOFError):
            raise _damaged(path) from None


def _tar(path: Path) -> tuple[Path, ...]:
    try:
        with tarfile.open(path) as archive:
            members = [m for m in archive.getmembers() if m.isreg() and _counts(m.name)]
            folder = _folder()
            kept = []
            for member in sorted(members, key=lambda m: m.name):
                stream = archive.extractfile(member)
                kept += [] if stream is None else [_kept(stream, member.name, folder)]
    except (tarfile.TarError, EOFError, OSError):
        raise _damaged(path) from None
    if not kept:
        raise LogError(f"{path.name} holds no files. Pack the log again.")
    return tuple(kept)


def _damaged(path: Path) -> LogError:
    return LogError(f"{path.name} is damaged: it cannot be unpacked. Copy it again.")


def _counts(name: str) -> bool:
    return "__MACOSX" not in name and not PurePosixPath(name).name.startswith(".")


def _folder() -> Path:
    return Path(tempfile.mkdtemp(dir=_scratch().name))


def _kept(stream: IO[bytes], name: str, folder: Path) -> Path:
    """Write a member under its bare name: a path in an archive may lead anywhere."""
    place = folder / str(len(list(folder.iterdir())))
    place.mkdir()
    target = place / PurePosixPath(name.replace("\\", "/")).name
    with stream, target.open("wb") as out:
        shutil.copyfileobj(stream, out, 1 << 20)
    return target
