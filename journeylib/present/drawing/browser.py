"""PDF by a browser, if there is one: Chromium is started ahead and prints by its protocol."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any

from journeylib.core import text

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
            "msedge", "microsoft-edge")  # fmt: skip
NAMED_BROWSER = "JOURNEYLIB_CHROMIUM"  # environment variable that names another one
PDF_SECONDS, END_SECONDS = 120, 20
FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip
# Chromium reads commands from file 3 and writes answers to file 4: no port that others can ask.
PIPES = ("/bin/sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1', "sh")
END = b"\0"  # of each message
_PRINTED = re.compile(rb"(/(?:CreationDate|ModDate) ?\(D:)\d{14}")
_NODE = re.compile(rb"(?<=\(node)\d{8}(?=\))")


class Browser:
    """A headless Chromium that starts at once and prints one page.

    It is gone with the end of the block that it is used in.
    """

    def __init__(self) -> None:
        named = os.environ.get(NAMED_BROWSER)
        program = named or next(filter(None, map(shutil.which, BROWSERS)), None)
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._name, self._calls, self._answers = Path(program or "").name, 0, b""
        if program is not None:
            # Chromium refuses its sandbox to root; the pages are ours and forbid others' scripts.
            sandbox = ("--no-sandbox",) if _is_root() else ()
            profile = f"--user-data-dir={self._folder.name}"
            command = [*PIPES, program, *FLAGS, *sandbox, profile, "about:blank"]
            pipe = subprocess.PIPE
            with suppress(OSError):  # a system without such files
                self._process = subprocess.Popen(
                    command, bufsize=0, stdin=pipe, stdout=pipe, start_new_session=True
                )

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            limit = Timer(END_SECONDS, self._kill)
            limit.start()
            self._process.communicate()
            limit.cancel()
        self._folder.cleanup()

    def pdf(self, page: Path) -> tuple[bytes | None, str]:
        """Print a page as PDF.

        Parameters
        ----------
        page : Path
            An HTML file.

        Returns
        -------
        tuple of bytes or None, and str
            The PDF, or None and why there is none.
        """
        if self._process is None:
            return None, text("present.pdf.no_browser")
        assert self._process.stdin is not None, "one page is printed"
        limit = Timer(PDF_SECONDS, self._kill)
        limit.start()
        try:
            return _undated(self._printed(page.resolve().as_uri())), ""
        except (EOFError, KeyError, ValueError) as error:
            why = type(error).__name__
            return None, text("present.pdf.failed", browser=self._name, why=why)
        finally:
            limit.cancel()
            stdin, self._process.stdin = self._process.stdin, None
            stdin.close()  # it ends with its pipe, beside whatever is done next

    def _kill(self) -> None:
        """End the browser and what it started: a child would hold the pipe open."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _printed(self, address: str) -> bytes:
        """Return a page as it is printed once all of it is loaded."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        session = attached["sessionId"]
        self._call("Page.enable", session)
        self._call("Page.navigate", session, url=address)
        self._answer("method", "Page.loadEventFired")
        paper = {"printBackground": True, "preferCSSPageSize": True}
        return b64decode(self._call("Page.printToPDF", session, **paper)["data"])

    def _call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Send a command to the browser, or to one page of it, and return its result."""
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        assert self._process is not None and self._process.stdin is not None
        with suppress(BrokenPipeError):  # no answer will come
            self._process.stdin.write(json.dumps(message).encode() + END)
        result: dict[str, Any] = self._answer("id", self._calls)["result"]
        return result

    def _answer(self, key: str, value: object) -> dict[str, Any]:
        """Return the next message that has this value; those before are left out."""
        assert self._process is not None and self._process.stdout is not None
        while True:
            while END not in self._answers:
                if not (more := self._process.stdout.read(1 << 20)):
                    raise EOFError
                self._answers += more
            first, _, self._answers = self._answers.partition(END)
            message: dict[str, Any] = json.loads(first)
            if message.get(key) == value:
                return message


def pdf(page: Path) -> tuple[bytes | None, str]:
    """Print one page by a browser of its own, as `Browser.pdf` does."""
    with Browser() as browser:
        return browser.pdf(page)


def _undated(printed: bytes) -> bytes:
    """Take the time of printing out, and count nodes from 0: the same page gives the same file.

    Chromium counts the nodes of all pages that a process of it has shown.
    """
    first = min(map(int, _NODE.findall(printed)), default=0)
    printed = _NODE.sub(lambda match: b"%08d" % (int(match[0]) - first), printed)
    return _PRINTED.sub(lambda match: match[1] + b"20000101000000", printed)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
