"""The door to numba: functions over arrays, compiled once and kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from journeylib.core import RunError

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function over arrays when it is first called.

    The machine code is kept beside the module or, where that folder is read-only, in the user's
    cache folder; ``NUMBA_CACHE_DIR`` names another. Where nothing can be written, each process
    compiles anew.

    Raises
    ------
    RunError
        If numba cannot be loaded.
    """
    try:
        import numba
    except ImportError as error:
        raise RunError(
            f"numba cannot be loaded ({error}), and journeylib counts with it. Install a version "
            "of numba for this Python and this numpy: pip install --upgrade numba numpy."
        ) from error
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # numba finds no folder that it may write to.
        made = numba.njit(nogil=True)(function)
    return cast("Function", made)
