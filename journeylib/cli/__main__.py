"""The command line as a process: ``journeylib``, or ``python -m journeylib.cli``."""

import atexit
import os
import sys

from journeylib.cli.main import main


def run() -> int:
    """Run the command line, and end the process without Python's last collections.

    They walk through half a million objects and free what the system takes back anyway.
    """
    status: list[int] = []
    atexit.register(_end, status)  # what is registered first runs last
    status.append(main())
    return status[0]


def _end(status: list[int]) -> None:
    """End the process at once if the command has ended with a status."""
    if status:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status[0])


if __name__ == "__main__":
    sys.exit(run())
