"""Progress of a running audit: its steps, as a bar on the terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from journeylib.audits import STEPS
from journeylib.core import PROGRESS

FIRST, LAST = "starting", "drawing the dashboard"
LOOK_SECONDS = 0.2


@contextmanager
def steps_shown(folder: Path, *, show: bool) -> Iterator[Mapping[str, str]]:
    """Show how far the audit in another process is, while the block runs.

    The process writes the name of each step to a file in `folder` as it begins; a thread here
    reads it. Cells would be no measure: nearly all of the time goes into one.

    Parameters
    ----------
    folder : Path
        Of this run alone.
    show : bool
        False: nothing is written or shown.

    Yields
    ------
    mapping
        Environment variables for the other process.
    """
    if not show:
        yield {}
        return
    from tqdm import tqdm

    notes = folder / "steps.txt"
    done = threading.Event()
    shown = "{desc:<22} |{bar:24}| {n_fmt}/{total_fmt} · {elapsed}"
    with tqdm(total=len(STEPS) + 2, desc=FIRST, bar_format=shown, leave=False, file=sys.stderr,
              dynamic_ncols=True) as bar:  # fmt: skip

        def follow() -> None:
            while not done.wait(LOOK_SECONDS):
                begun = steps_begun(notes)
                name = begun[-1] if begun else FIRST
                # With the last step noted, only figures and pages are left to be drawn.
                bar.set_description_str(LAST if name == STEPS[-1] else name, refresh=False)
                bar.n = len(begun)
                bar.refresh()

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield {PROGRESS: str(notes.resolve())}
        finally:
            done.set()
            thread.join()


def steps_begun(notes: Path) -> list[str]:
    """Return the steps that have begun, in order; a line half written does not count."""
    try:
        text = notes.read_text(encoding="utf-8")
    except OSError:
        return []
    return [line for line in text.split("\n")[:-1] if line in STEPS]
