"""The command line: what it says, what it leaves, and how it ends."""

from __future__ import annotations

import csv
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

import journeylib as jl
from journeylib.cli.main import main
from journeylib.cli.run_notebook import _summary
from journeylib.core import use_language

ROOT = Path(__file__).resolve().parents[1]
CONFIG = """\
name: small
log:
  files: small.csv
roles:
  customer: client
  touchpoint: step
  timestamp: at
  actor: who
  actor_values: {c: customer, b: bot, h: human}
as_of: 2026-03-01
"""
Status = tuple[int, str, str]
Run = Callable[..., Status]


def rows() -> list[list[str]]:
    """Forty customers who chat with a bot; every second calls a human."""
    found = []
    for number in range(40):
        day = f"2026-01-{1 + number % 28:02d}"
        found.append([f"secret-{number}", f"{day} 09:00", "Chat", "b"])
        if number % 2:
            found.append([f"secret-{number}", f"{day} 09:05", "Call", "h"])
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_log(tmp_path, rows())
    (tmp_path / "small.yaml").write_text(CONFIG, "utf-8")
    return tmp_path


def write_log(folder: Path, events: list[list[str]]) -> None:
    with (folder / "small.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["client", "at", "step", "who"], *events])


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print no PDF: it takes seconds, and tests/present/test_picture.py does."""
    monkeypatch.setattr("journeylib.present.drawing.browser.BROWSERS", ())


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def _run(*arguments: str) -> Status:
        status = main(list(arguments))
        said = capsys.readouterr()
        return status, said.out, said.err

    return _run


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_an_audit_leaves_a_run_and_says_where(run: Run, folder: Path) -> None:
    status, out, err = run("audit", "small.yaml", "--out", "runs", "--set", "title=Ours")
    assert (status, err) == (0, "")
    assert out.startswith("Ours: 60 events, 40 journeys, 40 customers.\n")
    where = out.splitlines()[-1].removeprefix("Dashboard: ")
    latest = folder / "runs" / "small" / "latest"
    assert Path(where).resolve() == (latest / "audit.html").resolve()
    assert left(latest) == [
        *("audit.html", "audit.ipynb", "audit.json", "findings.json", "junit.xml", "mail.eml"),
        *("manifest.json", "slack.json", "summary.md", "tables", "teams.json"),
    ]
    assert left(folder / "runs" / "small") == sorted([latest.resolve().name, "latest"])
    page = (latest / "audit.html").read_text("utf-8")
    assert "secret" not in page and "secret" not in out
    assert json.loads((latest / "manifest.json").read_text("utf-8"))["seconds"] > 0


@pytest.mark.slow
def test_a_failed_gate_ends_with_1_and_is_said_first(run: Run, folder: Path) -> None:
    gate = "gates=[{id: settled, metric: handoffs.sessions, min: 100}]"
    status, out, _ = run("audit", "small.yaml", "--set", gate)
    assert status == 1
    assert out.splitlines()[1] == (
        "  FAILED  settled: handoffs.sessions is 40; at least 100 was asked."
    )
    assert (folder / "audits" / "small" / "latest" / "audit.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["small.yml"], "there is no configuration small.yml. Did you mean 'small.yaml'?"),
        (["small.yaml", "--set", "journeys.gap_day=3"], "Did you mean 'gap_days'?"),
        (["small.yaml", "--set", "log.files=smal.csv"], "'smal.csv'. Did you mean 'small.csv'?"),
        (["small.yaml", "--set", "roles.touchpoint=stepp"], "Did you mean 'step'?"),
        (["small.yaml", "--set", "log.files=header.csv"], "header.csv"),
    ],
)
def test_wrong_input_ends_with_2_and_writes_nothing(
    run: Run, folder: Path, arguments: list[str], said: str
) -> None:
    (folder / "header.csv").write_text("client,at,step,who\n", "utf-8")
    before = left(folder)
    status, out, err = run("audit", *arguments, "--out", "new/runs")
    assert (status, out) == (2, "")
    assert err.startswith("journeylib: ")
    assert said in err
    assert left(folder) == before


@pytest.mark.slow
def test_too_many_unusable_rows_end_with_2_without_their_content(run: Run, folder: Path) -> None:
    write_log(folder, [*rows(), *([["secret-1", "no time at all", "Chat", "b"]] * 20)])
    status, _, err = run("audit", "small.yaml")
    assert status == 2
    assert "20 of 80 rows of small.csv cannot be used" in err
    assert "secret" not in err and "no time" not in err
    assert "audits" not in left(folder)


@pytest.mark.slow
def test_a_log_of_one_event_is_audited_and_says_so(run: Run, folder: Path) -> None:
    write_log(folder, rows()[:1])
    status, out, _ = run("audit", "small.yaml")
    assert status == 0
    assert "The log holds one event, so there is no path to rebuild." in out


@pytest.mark.slow
def test_a_failing_notebook_ends_with_3_and_is_kept(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = json.loads((ROOT / "notebooks" / "audit.ipynb").read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code[1]["source"] = (
        "import warnings\nsaid = 'sec' + 'ret-7 said: my number is 123'\n"
        "warnings.warn(said)\nraise KeyError(said)"
    )
    (folder / "audit.ipynb").write_text(json.dumps(notebook), "utf-8")
    monkeypatch.setattr(
        "journeylib.cli.run_notebook.audit_notebook", lambda: folder / "audit.ipynb"
    )
    status, out, err = run("audit", "small.yaml", "--out", "runs")
    assert (status, out) == (3, "")
    assert re.search(r"failed in cell \d+ with KeyError\. Open \S+failed\.html to see", err)
    assert "secret" not in err
    home = folder / "runs" / "small"
    assert left(home) == ["failed.html", "failed.ipynb", "failed.xml"]
    reason = ElementTree.parse(home / "failed.xml").find("testsuite/testcase/error")
    assert reason is not None and "KeyError" in reason.attrib["message"]
    page = (home / "failed.html").read_text("utf-8")
    assert 'role="alert"' in page and "KeyError" in page
    assert 'href="#papermill-error-cell"' in page and 'id="papermill-error-cell"' in page
    assert "secret" not in page + (home / "failed.ipynb").read_text("utf-8")
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert run("audit", "small.yaml", "--out", "runs")[0] == 0
    assert not any(name.startswith("failed") for name in left(home))


@pytest.mark.slow
def test_init_then_audit(run: Run, folder: Path) -> None:
    status, out, err = run("init", "small.csv", "--out", "first.yaml")
    assert (status, err) == (0, "")
    assert re.search(r"customer +client +Its name says so", out)
    assert "journeylib audit first.yaml" in out
    status, _, err = run("init", "small.csv", "--out", "first.yaml")
    assert status == 2
    assert "replaces it with --force" in err
    assert jl.audit("first.yaml").document["log"]["events"] == 60


@pytest.mark.slow
def test_a_log_is_audited_by_what_init_finds_in_it(run: Run, folder: Path) -> None:
    (folder / "small.yaml").unlink()
    status, out, _ = run("audit", "small.csv")
    assert status == 0
    assert "Wrote small.yaml" in out
    assert "60 events, " in out
    lines = (folder / "small.yaml").read_text("utf-8").splitlines()
    changed = ["title: Changed by hand", *(line for line in lines if line[:6] != "title:")]
    (folder / "small.yaml").write_text("\n".join(changed), "utf-8")
    status, out, _ = run("audit", "small.csv")
    assert status == 0
    assert out.startswith("small.csv is a log: audited as small.yaml beside it says.\n")
    assert "Changed by hand: 60 events, " in out


def test_a_mistyped_command_is_answered_with_the_nearest(run: Run) -> None:
    assert run("audti", "small.yaml") == (
        2,
        "",
        "journeylib: there is no command 'audti'. Did you mean 'audit'?\n",
    )


def test_notebooks_are_copied_and_none_is_replaced(run: Run, folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "explore.ipynb").write_text("mine", "utf-8")
    status, out, err = run("notebooks", "mine")
    assert status == 0
    copied = "audit.ipynb, compare.ipynb, lab.ipynb, what_if.ipynb, workshop.ipynb"
    assert out == f"Copied {copied} to mine.\n"
    assert err == "Left as they are, for they are there already: explore.ipynb.\n"
    assert (folder / "mine" / "explore.ipynb").read_text("utf-8") == "mine"


DAYS = ["2026-03-01", "2026-03-08", "2026-03-09"]


@pytest.mark.slow
def test_audits_started_together_in_one_folder_do_not_meet(folder: Path) -> None:
    command = [sys.executable, "-m", "journeylib.cli", "audit", "small.yaml"]
    runs = [
        subprocess.Popen([*command, "--as-of", day], cwd=folder, stderr=subprocess.PIPE)
        for day in DAYS
    ]
    errors = [one.communicate(timeout=300)[1].decode() for one in runs]
    assert [(one.returncode, error) for one, error in zip(runs, errors, strict=True)] == [
        (0, "")
    ] * 3
    assert not list(folder.glob("kernel-ipc*"))
    *home, latest = left(folder / "audits" / "small")
    assert [run[:10] for run in home] == DAYS and latest == "latest"
    assert all((folder / "audits/small" / run / "audit.html").is_file() for run in home)
    assert (folder / "audits/small/latest").resolve().name == home[-1]


@pytest.mark.slow
def test_rows_that_a_quotation_mark_hides_end_the_command(folder: Path) -> None:
    """Of 20,000 rows one opens a quotation mark that nobody closes: status 2, and where to look."""
    rows = [f"u{k},2026-01-{1 + k % 28:02d},Chat,b,many\n" for k in range(20_000)]
    rows[60] = '"secret-7,2026-01-02,Chat,b,many\n'
    with (folder / "small.csv").open("a", encoding="utf-8") as file:
        file.writelines(rows)
    found = subprocess.run(
        [sys.executable, "-m", "journeylib.cli", "audit", "small.yaml"],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=300,
    )  # fmt: skip
    said = found.stderr.decode()
    assert (found.returncode, found.stdout) == (2, b""), said
    assert "a quotation mark that is never closed" in said.casefold() and "row" in said
    assert "secret" not in said and not list(folder.glob("audits/small/2026*"))


def obey_modes() -> None:
    """Give up what lets root write where nobody may: CAP_DAC_OVERRIDE, by prctl (Linux)."""
    if sys.platform == "linux" and os.geteuid() == 0:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


@pytest.mark.slow
def test_a_working_folder_that_cannot_be_written_is_no_obstacle(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = tmp_path_factory.mktemp("runs")
    command = [sys.executable, "-m", "journeylib.cli", "audit", "small.yaml", "--out", str(out)]
    before = sorted(folder.iterdir())
    folder.chmod(0o555)
    written = "from pathlib import Path; Path('x').touch()"
    try:
        refused, found = (
            subprocess.run(
                one,
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                capture_output=True,
                timeout=300,
                preexec_fn=obey_modes,
            )
            for one in ([sys.executable, "-c", written], command)
        )
    finally:
        folder.chmod(0o755)
    assert b"Permission denied" in refused.stderr
    assert found.returncode == 0, found.stderr.decode()
    assert (out / "small" / "latest" / "audit.html").is_file()
    assert sorted(folder.iterdir()) == before


@pytest.mark.slow
def test_a_terminal_of_few_letters_ends_no_run(folder: Path) -> None:
    command = [sys.executable, "-m", "journeylib.cli", "init", "größe.csv"]
    letters = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    (folder / "größe.csv").write_bytes((folder / "small.csv").read_bytes())
    found = subprocess.run(command, cwd=folder, env=letters, capture_output=True, timeout=120)
    assert found.returncode == 0, found.stderr
    assert b"gr??e" in found.stdout or b"gr?" in found.stdout


def test_help_lists_commands_and_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert all(command in out for command in ("init", "audit", "schema"))
    assert "exit status: 0 done" in out


def test_a_wrong_command_line_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["audit", "x.yaml", "--as-of", "yesterday"])
    assert ended.value.code == 2
    assert "2026-07-01" in capsys.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, contextlib, io\n"
        "from journeylib.cli.main import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(['--help'])\n"
        "print(sorted({'pandas', 'ibis', 'pydantic', 'yaml'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "[]\n"


@pytest.mark.slow
@pytest.mark.parametrize(("command", "status"), [(["schema", "config"], 0), (["recipes", "x"], 2)])
def test_a_process_ends_with_the_status_and_all_that_was_said(
    command: list[str], status: int
) -> None:
    """It ends before Python would, after its streams are written."""
    done = subprocess.run(
        [sys.executable, "-m", "journeylib.cli", *command],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status
    said = done.stderr if status else json.dumps(json.loads(done.stdout))
    assert ("there is no recipe 'x'" if status else '"properties"') in said


def test_the_end_of_an_audit_is_told_in_the_language_of_the_run() -> None:
    finding = {"verdict": "fail", "severity": "high", "text": "Zu wenig."}
    held = finding | {"verdict": "pass", "severity": "medium", "text": "Gut."}
    document = {
        "audit": {"title": "Unser Log"},
        "log": {"events": 1234, "journeys": 40, "customers": 40},
        "findings": [finding, *[held] * 9],
    }
    with use_language("de"):
        lines = _summary(document, Path("lauf"), failed=1).splitlines()
    assert lines[:3] == [
        "Unser Log: 1.234 Ereignisse, 40 Reisen, 40 Kunden.",
        "  ALARM   Zu wenig.",
        "  mittel  Gut.",
    ]
    assert lines[-3:] == [
        "  … und 2 weitere im Dashboard",
        "  1 Teil ließ sich nicht zeigen; das Dashboard sagt, welche",
        "Dashboard: lauf/audit.html",
    ]


def test_the_artist_imports_nothing_while_papermill_is_imported(tmp_path: Path) -> None:
    """Two threads that import nbformat at once may end in importlib's deadlock error."""
    code = (
        "import sys\nfrom journeylib.cli import run_notebook as one\n"
        "assert 'papermill' not in sys.modules\n"
        "one.load_drawing = lambda: print('papermill' in sys.modules) or sys.exit()\n"
        "with one._delivery_of(one.Path(), None): pass\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=120, check=True
    )
    assert found.stdout.decode().strip() == "True"


@pytest.mark.parametrize(
    ("configs", "said"),
    [
        (["small.yaml"], "journeylib: stopped; no half run was left.\n"),
        (["small.yaml"] * 2, "journeylib: small.yaml: stopped; no half run was left.\n"),
    ],
)
def test_a_stop_is_told_once_and_ends_what_would_follow(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    configs: list[str],
    said: str,
) -> None:
    """The scheduler's stop reaches the first of the audits."""
    runs = []

    def stopped(*_: object, **__: object) -> None:
        runs.append(1)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("journeylib.cli.run_notebook.run_audit", stopped)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["audit", *configs]) == 3
    assert (capsys.readouterr().err, runs) == (said, [1])
    assert signal.getsignal(signal.SIGTERM) == before
