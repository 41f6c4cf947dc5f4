"""The audit as a notebook: by our runner, by papermill alone, with a bar, and when it fails."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import journeylib as jl
from journeylib.audits.pipeline import STEPS
from journeylib.cli import kernel
from journeylib.cli import run_progress as progress
from journeylib.cli.run_notebook import audit_notebook, check_parameters, run_audit
from journeylib.core.errors import RunError
from journeylib.core.progress import PROGRESS

ROOT = Path(__file__).resolve().parents[2]


def papermill(folder: Path, *arguments: str) -> None:
    """Run the audit notebook as somebody does who only knows papermill, in a bare environment."""
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    notebook = str(ROOT / "notebooks" / "audit.ipynb")
    subprocess.run(
        [sys.executable, "-m", "papermill", notebook, "out.ipynb", *arguments],
        cwd=folder, env=surroundings, check=True, capture_output=True,
    )  # fmt: skip


@pytest.mark.slow
def test_papermill_alone_leaves_the_same_audit(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the configuration alone, papermill gives byte for byte what the command gives."""
    monkeypatch.setattr("journeylib.present.drawing.browser.BROWSERS", ())
    folder = tmp_path / "notebooks"
    folder.mkdir()
    papermill(folder, "-p", "config", "../small.yaml")
    theirs = tmp_path / "audits" / "small" / "latest"
    ours = run_audit(small, out=tmp_path / "ours").folder
    assert theirs.resolve().name == ours.name
    assert (theirs / "audit.json").read_bytes() == (ours / "audit.json").read_bytes()


@pytest.mark.slow
def test_a_run_leaves_nothing_where_it_spilled(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel is not waited for: what it held on disk goes when it is gone."""
    monkeypatch.setattr("journeylib.present.drawing.browser.BROWSERS", ())
    temporary, spill = tmp_path / "t", tmp_path / "spill"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    run_audit(small, out=tmp_path / "out", overrides=[f"engine.spill_folder={spill}"])
    assert [list(folder.iterdir()) for folder in (temporary, spill)] == [[], []]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="needs Java on the path")
def test_spark_clears_its_folders_away(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its kernel is waited for."""
    pytest.importorskip("pyspark", reason="needs Spark")
    monkeypatch.setattr("journeylib.present.drawing.browser.BROWSERS", ())
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path / "spark"))
    run_audit(small, out=tmp_path / "out", overrides=["engine.address=local[1]"])
    assert [*(tmp_path / "spark").iterdir()] == []


@pytest.mark.slow
def test_dates_and_lists_reach_the_notebook_whole(small: Path, tmp_path: Path) -> None:
    """A date that YAML reads as one, and a list of texts with quotes, commas and umlauts."""
    title = 'It\'s "ours", [größer] \\ {now}'
    asked = json.dumps({"as_of": "AS_OF", "overrides": [f"title={json.dumps(title)}"], "out": "o"})
    day = "2026-03-08"
    papermill(tmp_path, "-p", "config", "small.yaml", "-y", asked.replace('"AS_OF"', day))
    document = json.loads((tmp_path / "o/small/latest/audit.json").read_text("utf-8"))
    assert document["audit"]["title"] == title
    assert document["audit"]["as_of"] == day


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"confg": "x"}, "has no parameter 'confg'. Did you mean 'config'?"),
        ({"config": 3}, "parameter 'config' must be of type str, not int"),
        ({"overrides": "a=b"}, "parameter 'overrides' must be of type list, not str"),
    ],
)
def test_parameters_that_papermill_would_only_warn_of(
    parameters: dict[str, object], said: str
) -> None:
    with pytest.raises(RunError) as caught:
        check_parameters(audit_notebook(), parameters)
    assert said in str(caught.value)


@pytest.mark.slow
def test_an_audit_notes_its_steps_for_whoever_asked(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROGRESS, str(tmp_path / "steps.txt"))
    jl.audit(small)
    assert progress.steps_begun(tmp_path / "steps.txt") == list(STEPS)


@pytest.mark.slow
def test_an_audit_does_not_stop_where_its_steps_cannot_be_noted(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROGRESS, str(tmp_path / "absent" / "steps.txt"))
    assert jl.audit(small).passed


class NoProcess(AbstractContextManager[None]):
    """Stands in for a kernel: a block that it is used in has ended, or has not."""

    def __init__(self, hidden: frozenset[str]) -> None:
        self.hidden, self.ended = hidden, False

    def __exit__(self, *_: object) -> None:
        self.ended = True


def test_a_kernel_started_ahead_serves_one_run_and_knows_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kernel, "Kernel", NoProcess)
    texts = ["delivery: {mail: {smtp: {user_env: USER, 'password_env': \"PASS\"}}}",
             "delivery.slack.webhook_env=HOOK", "title: HOME"]  # fmt: skip
    secrets = frozenset({"USER", "PASS", "HOOK"})
    with kernel.spare_kernel(texts):
        first, second = kernel.kernel_for(secrets), kernel.kernel_for(secrets)
        assert first is not second and first.hidden == secrets
    assert not first.ended  # who took it ends it
    with kernel.spare_kernel(["title: x"]):
        (spare,) = kernel._spare
        assert kernel.kernel_for(secrets).hidden == secrets and spare.ended
    with kernel.spare_kernel([]):
        (spare,) = kernel._spare
    assert spare.ended


def test_a_bar_names_the_step_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.01)
    with progress.steps_shown(tmp_path, show=True) as variables:
        notes = Path(variables[PROGRESS])
        for count in (2, len(STEPS)):
            notes.write_text("".join(f"{step}\n" for step in STEPS[:count]) + "half a li", "utf-8")
            deadline = time.monotonic() + 5
            while f"{count}/{len(STEPS) + 2}" not in terminal.getvalue():
                assert time.monotonic() < deadline
                time.sleep(0.01)
    shown = terminal.getvalue()
    assert STEPS[1] in shown and progress.LAST in shown
    assert "half a li" not in shown


def test_nothing_is_shown_unless_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.steps_shown(tmp_path, show=False) as variables:
        assert dict(variables) == {}
    assert capsys.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_the_stored_notebook_has_the_parameters_that_the_runner_gives() -> None:
    cells = json.loads(audit_notebook().read_text("utf-8"))["cells"]
    (tagged,) = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    source = "".join(tagged["source"])
    assert [line.split(":")[0] for line in source.splitlines()] == [
        "config",
        "out",
        "overrides",
        "as_of",
        "history",
    ]
