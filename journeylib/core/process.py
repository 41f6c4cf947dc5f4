"""How a process works: threads for matrices, memory, libraries that are slow to import."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module

SELDOM = 7  # times as many objects as Python waits for
_collects_seldom: ContextVar[bool] = ContextVar("collects_seldom", default=False)
# Events from which it matters what threads keep: of fewer, the next count takes it up again, and
# the system need not clear new pages for it.
_LARGE = 20_000_000
# Not statsmodels.api, which imports all of its time series and plots.
_MODEL_LIBRARIES = (
    "highspy",
    "scipy.stats",
    "sklearn.linear_model",
    "sklearn.tree",
    "statsmodels.duration.hazard_regression",
    "statsmodels.genmod.generalized_linear_model",
)


def import_models() -> None:
    """Import what measuring and judging fit with, where a process would else wait for another."""
    for name in _MODEL_LIBRARIES:
        import_module(name)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let matrices be multiplied by one thread.

    Sums then come out alike on machines of any number of cores. The matrices of measures are small:
    further threads would spend their time waiting for each other.
    """
    # A library is held to one thread only if it is loaded before.
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def give_back_memory(events: int) -> None:
    """Give back to the system what counting so many events freed, where glibc keeps it."""
    if sys.platform != "linux" or events < _LARGE:
        return
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let the garbage collector look seldom, and at what is made meanwhile alone.

    Modules are half a million objects, which each full collection walks through to free none of
    them; each one that is imported would be walked through again. A process that has set its own
    aside is left as it is.
    """
    # To ask how many objects are set aside is to walk through all of them.
    if _collects_seldom.get() or gc.get_freeze_count():
        yield
        return
    token = _collects_seldom.set(True)
    youngest, *others = gc.get_threshold()
    gc.set_threshold(SELDOM * youngest, *others)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(youngest, *others)
        _collects_seldom.reset(token)
