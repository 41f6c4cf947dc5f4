"""Canaries in every role of a log: none of them is in anything that leaves."""

from __future__ import annotations

import csv
import html
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from email import message_from_bytes
from pathlib import Path

import pandas as pd
import pytest

import journeylib as jl
from journeylib.audits.pipeline import read_journeys
from journeylib.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
PHONE, MAIL = "+49 151 2748391", "anna.meier@firma.example"
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
CANARIES = ("2748391", "anna.meier", "kestrel", "10:07:41")


def write_log(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([*ROLES, "actor"])
        for no in range(60):
            day = f"2026-01-{1 + no % 28:02d}"
            names = ["Chat", f"Call {PHONE}", *([f"Mail {MAIL}"] if no % 2 else [])]
            for hour, name in enumerate(names):
                rows.writerow(
                    [f"kestrel-{no}", f"{day} 1{hour}:07:41", name, f"line {PHONE}", f"Help {MAIL}",
                     f"with {PHONE}", f"kestrel agent {no % 3}", f"kestrel-s{no}",
                     f"kestrel: call me, {PHONE}", ACTORS.get(name.split()[0], "customer")]
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


def content_of(path: Path) -> str:
    """Return all that a file says: parts of archives, tables and mails, written out."""
    raw = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            raw = b"".join(archive.read(name) for name in archive.namelist())
    elif path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv()
    elif path.suffix == ".eml":
        parts = message_from_bytes(raw).walk()
        raw += b"".join(part.get_payload(decode=True) or b"" for part in parts)
    return html.unescape(raw.decode("utf-8", "replace"))


def canaries_in(folder: Path, known: set[Path]) -> set[tuple[str, str]]:
    """Return where in a folder a canary is, in a file's content or its name; its links aside."""
    files = {path for path in folder.rglob("*") if path.is_file() and path not in known}
    texts = {path: str(path.relative_to(folder)) + content_of(path) for path in files}
    return {(str(path), one) for path, text in texts.items() for one in CANARIES if one in text}


@pytest.mark.slow
def test_no_canary_leaves_by_any_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Audit, dashboard, mail, workshop, slides, notes, history, comparison, and questions."""
    monkeypatch.chdir(tmp_path)
    write_log(tmp_path / "log.csv")
    known = {tmp_path / "log.csv"}
    commands = [
        "init log.csv",
        "audit log.yaml --no-send",
        "workshop log.yaml --from audits/log/latest --lang de",
        "notes export audits/log/latest --out notes.xlsx",
        "history audits/log",
        "compare latest latest --runs audits/log",
        "lab assess log.yaml --empty",
    ]
    for command in commands:
        assert main(command.split()) == 0, command
    said = capsys.readouterr()
    assert [one for one in CANARIES if one in said.out + said.err] == []
    kinds = {path.suffix for path in tmp_path.rglob("*")}
    assert {".html", ".eml", ".pptx", ".xlsx", ".json", ".parquet", ".ipynb"} <= kinds
    assert canaries_in(tmp_path, known) == set()
    # The search finds what is there: in the log, in an archive, in a name.
    assert {one for _, one in canaries_in(tmp_path, set())} == set(CANARIES)


@pytest.mark.slow
def test_no_canary_leaves_the_lab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = ROOT / "sample_data" / "experiment"
    rows = pd.read_csv(sample / "contacts.csv", dtype=str)
    rows = rows.assign(customer_id="kestrel-" + rows["customer_id"])
    rows.to_csv(tmp_path / "contacts.csv", index=False)
    (tmp_path / "audit.yaml").write_bytes((sample / "audit.yaml").read_bytes())
    plan = f"lab plan {tmp_path}/audit.yaml --as-of 2026-03-01 --out {tmp_path}/lab"
    file = tmp_path / "lab" / "offer-a-person" / "plan.yaml"
    for command in (plan, f"lab watch {file} --as-of 2026-03-25 --no-send", f"lab read {file}"):
        assert main(command.split()) == 0, command
    said = capsys.readouterr()
    assert "kestrel" not in said.out + said.err
    assert len(list(file.parent.iterdir())) >= 4
    assert canaries_in(tmp_path, {tmp_path / "contacts.csv"}) == set()


@pytest.mark.slow
def test_no_canary_is_in_what_an_error_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Headers that are data, and values that no engine can read: said without them."""
    monkeypatch.chdir(tmp_path)
    write_log(tmp_path / "log.csv")
    rows = (tmp_path / "log.csv").read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "headless.csv").write_text("".join(rows[1:]), "utf-8")
    header = rows[0].replace("message", f"message of {MAIL}")
    (tmp_path / "header.csv").write_text("".join([header, *rows[1:]]), "utf-8")
    keys = [json.dumps({"customer": f"kestrel-{no}", "activity": "Chat", "time": "2026-01-01",
                        f"kestrel {PHONE} {no}": 1}) for no in range(60)]  # fmt: skip
    (tmp_path / "keys.jsonl").write_text("\n".join(keys), "utf-8")
    for name in ("headless.csv", "header.csv", "keys.jsonl"):
        main(["init", name])
    said = capsys.readouterr()
    told = {"init": said.out + said.err}
    base = (
        "name: x\nlog: {files: log.csv}\nroles: {customer: customer, touchpoint: activity, "
        "timestamp: %s%s}\n"
    )
    wrong = {
        "time": ("message", ""),
        "rating": ("time", ", rating: message"),
        "cost": ("time", ", cost: message"),
        "end": ("time", ", end_timestamp: message"),
        "actor": ("time", ", actor: agent, actor_values: {h: human}"),
        "missing": ("tme", ""),
    }
    for name, (when, more) in wrong.items():
        (tmp_path / f"{name}.yaml").write_text(base % (when, more), "utf-8")
        try:
            told[name] = read_journeys(f"{name}.yaml").log.quality.checks.to_csv()
        except jl.JourneylibError as error:
            told[name] = str(error)
    said = capsys.readouterr()
    assert "none of its 150 values can be read" in told["time"] and "unreadable" in told["cost"]
    text = "".join([*told.values(), said.out, said.err])
    assert [one for one in CANARIES if one in text] == []
    logs = {tmp_path / name for name in ("log.csv", "headless.csv", "header.csv", "keys.jsonl")}
    assert canaries_in(tmp_path, logs) == set()


def processes_in(folder: Path) -> list[int]:
    """Return the processes whose temporary files are in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"TMPDIR={folder}".encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_canary_is_left_by_an_audit_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 of command and kernel while it measures: nothing of the log is in any file."""
    temporary, out, steps = (tmp_path / name for name in ("tmp", "out", "steps"))
    temporary.mkdir()
    write_log(tmp_path / "log.csv")
    monkeypatch.chdir(tmp_path)
    assert main(["init", "log.csv"]) == 0
    command = [sys.executable, "-m", "journeylib.cli", "audit", str(tmp_path / "log.yaml")]
    paths = {"TMPDIR": str(temporary), "JOURNEYLIB_PROGRESS": str(steps)}
    with (tmp_path / "said").open("wb") as said:
        run = subprocess.Popen(
            [*command, "--out", str(out)], cwd=tmp_path, stdout=said, stderr=said,
            env=os.environ | paths | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        until = time.monotonic() + 240
        while not (steps.exists() and "measuring" in steps.read_text("utf-8")):
            assert run.poll() is None and time.monotonic() < until
            time.sleep(0.02)
        for process in processes_in(temporary):
            os.kill(process, signal.SIGKILL)
        run.wait()
    assert run.returncode == -signal.SIGKILL
    assert list(out.glob("log/.staging-*"))
    assert canaries_in(tmp_path, {tmp_path / "log.csv"}) == set()
