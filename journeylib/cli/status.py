"""Exit statuses, and how an error becomes one."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

OK, GATE_FAILED, WRONG_INPUT, RUN_FAILED = 0, 1, 2, 3
DIFFERENT = 1  # a run made again is not the same

TRACE = "JOURNEYLIB_TRACE"


def status(command: Callable[[], int], name: str = "") -> int:
    """Run a command; say what went wrong, and return the exit status that stands for it."""
    try:
        return int(command())
    except KeyboardInterrupt as stop:
        # One command may run inside another; the outermost says it once, with the inner one's name.
        raise KeyboardInterrupt(*stop.args or (name,)) from stop
    except Exception as error:
        # --help must answer at once, and the kernel of an audit start first.
        from journeylib.core import ConfigError, JourneylibError, LogError

        if isinstance(error, JourneylibError):
            wrong = isinstance(error, ConfigError | LogError)
            return fail(f"{name}{error}", WRONG_INPUT if wrong else RUN_FAILED)
        # Else Python would end with 1, which says that a gate failed. The text of an error that
        # is not ours may hold a customer's data.
        if os.environ.get(TRACE):
            raise
        return fail(
            f"{name}stopped by a fault of its own ({type(error).__name__}); no half run was left. "
            f"Set {TRACE}=1 to see where, and report it.",
            RUN_FAILED,
        )


@contextlib.contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let a scheduler's stop tidy up as Ctrl-C does."""

    def stop(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = None
    with contextlib.suppress(ValueError):  # not in the main thread
        before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def fail(message: str, status: int) -> int:
    """Say on standard error what went wrong, and return the status."""
    print(f"journeylib: {message}", file=sys.stderr)
    return status
