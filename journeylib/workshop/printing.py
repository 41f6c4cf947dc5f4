"""Printing: pages to PDF through a browser that is there already."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from journeylib.core import RunError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
            "msedge", "microsoft-edge")  # fmt: skip
VARIABLE = "JOURNEYLIB_CHROMIUM"
SECONDS = 120
# The fonts that text on paper is measured in, by the names that they have inside a PDF.
MEASURED = re.compile(rb"/BaseFont ?/[A-Z]{6}\+(Arial|LiberationSans|Arimo|Helvetica)")
STAMP = re.compile(rb"\(D:\d{14}[^)]*\)")


def browser() -> str | None:
    """Return the browser that prints: of the environment variable `VARIABLE`, else of the path."""
    named = os.environ.get(VARIABLE)
    if named:
        return named
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def print_pdf(page: Path, target: Path, *, program: str) -> None:
    """Print a page to `target`, in the size that it asks for; the same page gives the same file.

    Raises
    ------
    RunError
        If the browser fails.
    """
    with tempfile.TemporaryDirectory(prefix="journeylib-print-") as profile:
        command = [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--no-pdf-header-footer", f"--user-data-dir={profile}",
            f"--print-to-pdf={target}", page.resolve().as_uri(),
        ]  # fmt: skip
        try:
            subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)
            content = target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise RunError(
                f"{Path(program).name} could not print {page.name} ({type(error).__name__}). "
                f"Name another browser in {VARIABLE}."
            ) from None
    # The clock is no part of a map: a stamp of the same length keeps every offset in the file.
    target.write_bytes(
        STAMP.sub(lambda found: b"(D:" + b"20000101000000" + found.group()[17:], content)
    )


def is_as_measured(file: Path) -> bool:
    """Return whether a printed file is set in a font whose widths its text was measured in."""
    return MEASURED.search(file.read_bytes()) is not None
