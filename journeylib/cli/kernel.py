"""The kernel of an audit's notebook: a process that imports the library while the command does."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

NO_KERNEL = "no Python kernel to run the notebook with; install ipykernel."
START_SECONDS = 300
SHUTDOWN_SECONDS = 1.0  # of which one that Java keeps from ending waits the half for a signal
# What the kernel runs first. Importing makes half a million objects and hardly any garbage: they
# are set aside from all later collections, which are seldom.
IMPORTS = """
import atexit, gc
gc.disable()
import journeylib, journeylib.present, plotly.graph_objects
journeylib.core.import_models()
journeylib.audit, journeylib.save
gc.freeze()
atexit.register(gc.unfreeze)
gc.set_threshold(5000)
gc.enable()
del atexit, gc, journeylib, plotly
"""
SETTING = "import os, tempfile; os.environ.update({}); tempfile.tempdir = None; del os, tempfile"
_SECRET = re.compile(r"_env[\"']?\s*[:=]\s*[\"']?(\w+)")


class _Manager(AsyncKernelManager):
    """Remembers its clients, whose sockets somebody must close."""

    def client(self, **options: Any) -> Any:
        self.clients = [*getattr(self, "clients", []), super().client(**options)]
        return self.clients[-1]


class Kernel:
    """A Python kernel that starts at once, and ends with the block that it is used in.

    Parameters
    ----------
    hidden : frozenset of str
        Environment variables that it does not know.

    Raises
    ------
    NoSuchKernel
        No Python kernel is installed.
    """

    def __init__(self, hidden: frozenset[str]) -> None:
        self.hidden = hidden
        self.waits = False  # for its end
        # Sockets on disk instead of network ports: nobody else can listen, and no warning says so.
        # They lie in a folder of this kernel alone: two in one folder would take each other's.
        self._sockets = tempfile.TemporaryDirectory(prefix="journeylib-")
        address = {"transport": "ipc", "ip": str(Path(self._sockets.name) / "kernel")}
        self.manager = _Manager(
            kernel_name="python3", shutdown_wait_time=SHUTDOWN_SECONDS, **address
        )
        # Kernels of a test run may come from another checkout: this one must be imported.
        package_home = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [package_home, os.environ.get("PYTHONPATH", "")]))
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        environment["PYTHONPATH"] = path
        arguments = ["--HistoryManager.hist_file=:memory:", f"--IPKernelApp.exec_lines={IMPORTS}"]
        try:
            run_sync(self.manager.start_kernel)(env=environment, extra_arguments=arguments)
        except NoSuchKernel:
            self._sockets.cleanup()
            raise

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            run_sync(self.manager.shutdown_kernel)(now=not self.waits)
        finally:
            for client in getattr(self.manager, "clients", []):
                client.stop_channels()
            run_sync(self.manager.cleanup_resources)()
            self._sockets.cleanup()

    def setting(self, variables: Mapping[str, str]) -> Callable[..., None]:
        """Return what sets environment variables, once its last client is connected."""

        def set_variables(**_: object) -> None:
            # A kernel does what one client asks in order: they are set before the first cell runs.
            self.manager.clients[-1].execute(SETTING.format(dict(variables)), silent=True)

        return set_variables


_spare: list[Kernel] = []


@contextmanager
def spare_kernel(texts: Iterable[str]) -> Iterator[None]:
    """Start a kernel for the first run of the block.

    Which environment variables are secrets is read from `texts`, configurations and settings that
    nothing has checked yet.
    """
    hidden = frozenset(name for text in texts for name in _SECRET.findall(text))
    with suppress(NoSuchKernel):  # the run says it
        _spare.append(Kernel(hidden))
    try:
        yield
    finally:
        _end_spare()


def _end_spare() -> None:
    while _spare:
        with _spare.pop():
            pass


def kernel_for(hidden: frozenset[str]) -> Kernel:
    """Return the spare kernel; a new one if it is in use or knows a secret.

    Raises
    ------
    RunError
        No Python kernel is installed.
    """
    if _spare and hidden <= _spare[-1].hidden:
        return _spare.pop()
    _end_spare()
    try:
        return Kernel(hidden)
    except NoSuchKernel:
        from journeylib.core import RunError  # takes longer than a spare kernel takes to start

        raise RunError(NO_KERNEL) from None
