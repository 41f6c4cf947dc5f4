"""How long a workshop takes to prepare for three logs: with the audits, and from their runs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOME = Path(__file__).parents[1]
CONFIGS = ("sample_data/telecom/audit.yaml", "sample_data/bank/audit.yaml",
           "examples/incidents.yaml")  # fmt: skip
MOST = 60.0  # seconds that one command may take for all


def seconds(configs: list[str], folder: Path, language: str) -> float:
    """Return how long one command takes to prepare the workshops of these configurations."""
    command = [sys.executable, "-m", "journeylib.cli", "workshop", *configs]
    command += ["--audits", str(folder / "audits"), "--out", str(folder / language)]
    started = time.perf_counter()
    subprocess.run([*command, "--lang", language], check=True, stdout=subprocess.DEVNULL, cwd=HOME)
    return time.perf_counter() - started


def run() -> None:
    incidents = HOME.parent / "shared/data/uci_incident_log"
    configs = list(CONFIGS if incidents.exists() else CONFIGS[:-1])
    with tempfile.TemporaryDirectory(prefix="journeylib-workshop-") as name:
        folder = Path(name)
        for config in configs:
            print(f"{config:<32} audit and workshop {seconds([config], folder, 'en'):6.1f} s")
            print(f"{config:<32} workshop alone     {seconds([config], folder, 'de'):6.1f} s")
        spent = seconds(configs, folder, "de")
        verdict = "within" if spent < MOST else "NOT within"
        print(f"all by one command, from their runs: {spent:.1f} s, {verdict} {MOST:.0f} s")
