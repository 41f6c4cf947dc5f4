"""Progress: one passing line that says what long work is at, to whoever waits for it.

It is shown where somebody can answer: in a notebook that a person runs, and on a terminal. Where
nobody waits (papermill, nbconvert, a pipe) nothing is written, so no stored output holds it and
no two runs differ by it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRESS = "JOURNEYLIB_PROGRESS"
# What is done sooner needs no line: it would only flicker.
SOON_SECONDS, EACH_SECONDS = 0.7, 0.5
Say = Callable[[str], None]
Show = Callable[[str], None]
# Work within work adds nothing: the outermost is what was asked for.
_at_work = threading.Lock()


@contextmanager
def working(words: str, steps: Sequence[str] = ()) -> Iterator[Say]:
    """Show what is being done while the block runs; also a decorator of a function.

    Parameters
    ----------
    words : str
        What is done, as in "comparing two groups".
    steps : sequence of str
        Its steps in order, where it has any.

    Yields
    ------
    callable
        To be called with the name of each step when it begins. The names also go to the file that
        the environment variable `PROGRESS` names, if there is one, for another process to read.
    """
    at = ""

    def say(step: str) -> None:
        nonlocal at
        at = f": {step}, step {steps.index(step) + 1} of {len(steps)}" if step in steps else ""
        _note(step)

    show = _place()
    if show is None or not _at_work.acquire(blocking=False):
        yield say
        return
    done, began = threading.Event(), time.monotonic()

    def tell() -> None:
        patience = SOON_SECONDS
        while not done.wait(patience):
            show(f"{words}{at}, {time.monotonic() - began:.0f} s")
            patience = EACH_SECONDS
        if patience == EACH_SECONDS:
            show("")

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield say
    finally:
        done.set()
        thread.join()
        _at_work.release()


def _note(step: str) -> None:
    """Tell whoever started this process how far it is."""
    file = os.environ.get(PROGRESS)
    # The work matters more than its bar: a full disk must not stop it here.
    with contextlib.suppress(OSError):
        if file:
            with Path(file).open("a", encoding="utf-8") as notes:
                notes.write(f"{step}\n")


def _place() -> Show | None:
    """Return what shows a line to the person who waits and takes it away again; None for nobody."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        return _in_a_cell(kernel)
    if sys.stderr is not None and sys.stderr.isatty():
        return lambda text: print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    return None


def _in_a_cell(kernel: Any) -> Show | None:
    request = kernel.get_parent()
    # Who executes stored notebooks takes no input: papermill, nbconvert and nbval all say so.
    if not request.get("content", {}).get("allow_stdin"):
        return None
    import uuid

    name, kind = uuid.uuid4().hex, "display_data"

    def show(text: str) -> None:
        nonlocal kind
        # Sent by hand, for in a thread IPython's display does not know which cell it is in.
        content = {
            "data": {"text/plain": text} if text else {},
            "metadata": {},
            "transient": {"display_id": name},
        }
        kernel.session.send(kernel.iopub_socket, kind, content, parent=request)
        kind = "update_display_data"

    return show
