"""Threads: one for matrices, and the memory that several leave behind."""

from __future__ import annotations

import ctypes
import sys
from contextlib import AbstractContextManager
from typing import Any, cast


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which matrices are multiplied by one thread.

    Sums then come out alike on machines of any number of cores. The matrices of an audit are small:
    further threads would spend their time waiting for each other.
    """
    # A library is held to one thread only if it is loaded before.
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    return cast("AbstractContextManager[Any]", threadpool_limits(1))


def give_back_memory() -> None:
    """Give back to the system what was freed, where the C library keeps it for its threads."""
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)
