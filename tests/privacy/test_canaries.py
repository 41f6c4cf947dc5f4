"""Canaries in every role of a log: none of them is in anything that leaves."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import journeylib as jl
from journeylib.cli.main import main

PHONE, MAIL = "+49 151 2345678", "anna.meier@firma.example"
ROLES = (
    "customer",
    "time",
    "activity",
    "channel",
    "stage",
    "segment",
    "agent",
    "session",
    "message",
)
ACTORS = {"Call": "human", "Chat": "bot"}
# What of the log may be found nowhere: identifiers, texts, and what looks personal in names.
CANARIES = ("2345678", "anna.meier", "canary", "10:07:41")


def write_log(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([*ROLES, "actor"])
        for no in range(60):
            day = f"2026-01-{1 + no % 28:02d}"
            names = ["Chat", f"Call {PHONE}", *([f"Mail {MAIL}"] if no % 2 else [])]
            for hour, name in enumerate(names):
                rows.writerow(
                    [f"canary-{no}", f"{day} 1{hour}:07:41", name, f"line {PHONE}", f"Help {MAIL}",
                     f"with {PHONE}", f"canary agent {no % 3}", f"canary-s{no}",
                     f"canary: call me, {PHONE}", ACTORS.get(name.split()[0], "customer")]
                )  # fmt: skip


@pytest.mark.slow
def test_no_canary_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_log(tmp_path / "log.csv")
    assert main(["init", "log.csv"]) == 0
    audit = jl.audit("log.yaml")
    run = jl.save(audit, "audits")
    assert audit.document["log"]["customers"] == 60
    names = {one["touchpoint"] for one in audit.document["touchpoints"]}
    assert names == {"Chat", "Call •••", "Mail •••"}
    said = capsys.readouterr()
    left = {
        "said": said.out + said.err,
        "log.yaml": (tmp_path / "log.yaml").read_text("utf-8"),
        "audit.json": json.dumps(audit.document),
        "manifest.json": (run / "manifest.json").read_text("utf-8"),
        "reprs": repr(audit) + repr(audit.journeys) + repr(audit.log) + repr(audit.config),
    }
    left |= {name: table.to_csv() for name, table in audit.tables.items()}
    assert len(left) > 15
    found = {(where, one) for where, text in left.items() for one in CANARIES if one in text}
    assert found == set()
