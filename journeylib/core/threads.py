"""One thread for matrices: the same sums on machines of any number of cores, and less waiting."""

from __future__ import annotations

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
