"""How long it takes to import journeylib and to answer --help, beside importing pandas."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 7
COMMANDS = {
    "python": ["-c", "pass"],
    "import pandas": ["-c", "import pandas"],
    "import journeylib": ["-c", "import journeylib"],
    "journeylib --help": ["-m", "journeylib.cli", "--help"],
}


def seconds(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def run() -> None:
    # Interleaved, so that a busy moment of the machine falls on all of them alike.
    rounds = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(ROUNDS)]
    median = {name: statistics.median(r[name] for r in rounds) for name in COMMANDS}
    for name, value in median.items():
        print(f"{name:<20} {value:6.3f} s   {value / median['import pandas']:5.2f} × import pandas")
