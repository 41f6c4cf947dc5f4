"""Folders for rows on disk: nobody else may read them, and none outlives its process."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import weakref
from pathlib import Path

_PREFIX = "journeylib-rows-"


class PrivateFolder:
    """A folder that only this user may read and that goes with this process.

    Whoever makes one removes those that killed processes left beside it: a folder in use is
    locked, and the lock goes with its process, however that ends.

    Parameters
    ----------
    parent : Path, optional
        Where it is made; the system's temporary folder unless given.

    Raises
    ------
    OSError
        Nothing can be written there.
    """

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(parent)
        # Under the name that others look for it appears only once it is locked.
        fresh = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=parent))
        handle = _lock(fresh)
        self.path = fresh.rename(parent / fresh.name.removeprefix("."))
        self.remove = weakref.finalize(self, _remove, self.path, handle)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()


def _lock(folder: Path) -> int | None:
    """Lock a folder; None where it is in use or locks do not work."""
    if sys.platform == "win32":  # what killed processes left stays there
        return None
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _remove(folder: Path, handle: int | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if handle is not None:
        os.close(handle)


def remove_abandoned(parent: Path) -> None:
    """Remove the folders in `parent` whose process is gone."""
    for folder in parent.glob(f"{_PREFIX}*"):
        # Another user's, or one that somebody else removes just now.
        with contextlib.suppress(OSError):
            if (handle := _lock(folder)) is not None:
                _remove(folder, handle)
