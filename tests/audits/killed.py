"""Run audits that are killed at given file operations: ``killed.py CONFIG DONE OUT SEED``.

A process of its own, which forks once for each run: imports are paid for once. Prints a line of
JSON for each run that was killed: what stood there at once, and after the next run.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from journeylib.cli import run_notebook as execute
from journeylib.present.drawing import browser
from tests.audits.prepared import runner_of

WRITES = {"os.rename", "os.mkdir", "os.symlink", "os.remove", "os.rmdir", "shutil.rmtree"}
POINTS = 20
config, done, out = (Path(argument) for argument in sys.argv[1:4])
dice = random.Random(int(sys.argv[4]))
browser.BROWSERS = ()
execute._run_notebook = runner_of(done)


def in_child(then: Callable[[], None]) -> int:
    """Run in a forked process; return how it ended."""
    child = os.fork()
    if child == 0:
        then()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def audited(*, die_at: int = -1, seen: list[str] | None = None) -> None:
    """Run the audit, dying just before the file operation of that number."""
    count = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & 3
        if (event in WRITES or writes) and str(out) in str(arguments[0]):
            if count == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if seen is not None:
                seen.append(event)
            count += 1

    sys.addaudithook(hook)
    execute.run_audit(config, out=out)


def operations() -> list[str]:
    """Return the file operations of a whole run."""
    reader, writer = os.pipe()

    def run() -> None:
        seen: list[str] = []
        audited(seen=seen)
        os.write(writer, json.dumps(seen).encode())

    assert in_child(run) == 0
    return list(json.loads(os.read(reader, 1_000_000)))


def state() -> dict[str, list[str]]:
    """Return what stands in the folder of runs, and in each run."""
    home = out / "small"
    found = {path.name: sorted(p.name for p in path.iterdir()) for path in home.iterdir()
             if path.is_dir() and not path.is_symlink()}  # fmt: skip
    if (home / "latest").exists():
        found["latest"] = [(home / "latest").resolve().name]
    return found


def warm() -> None:
    """Import what a run imports, without running one: threads do not outlive a fork."""
    reader, writer = os.pipe()

    def run() -> None:
        execute.run_audit(config, out=out.with_name("warm"))
        os.write(writer, "\n".join(sys.modules).encode())
        os.close(writer)

    child = os.fork()
    if child == 0:
        run()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as names:
        for name in names.read().split("\n"):
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    assert os.waitpid(child, 0)[1] == 0


warm()
first = operations()
again = operations()  # with the run there already
whole = state()
print(json.dumps({"whole": whole}))
# Every renaming of the second kind, where the old run steps aside, and random points besides.
renames = [k for k, event in enumerate(again) if event == "os.rename"]
points = sorted(dice.sample(range(len(again)), POINTS)) + renames
for point in points:
    ended = in_child(lambda point=point: audited(die_at=point))
    at_once = state()
    after = in_child(audited)
    print(json.dumps({"point": point, "of": len(again), "ended": ended, "at_once": at_once,
                      "next": after, "then": state()}))  # fmt: skip
# Twenty of other days, started together in one folder.
children = []
for day in range(1, 21):
    child = os.fork()
    if child == 0:
        together = out.with_name("together")
        execute.run_audit(config, out=together, as_of=dt.date(2026, 3, day))
        os._exit(0)
    children.append(child)
ends = [os.waitpid(child, 0)[1] for child in children]
print(json.dumps({"twenty": ends}))
# Two at once, again and again.
for _ in range(4):
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            audited()
            os._exit(0)
        children.append(child)
    ends = [os.waitpid(child, 0)[1] for child in children]
    print(json.dumps({"two": ends, "then": state()}))
