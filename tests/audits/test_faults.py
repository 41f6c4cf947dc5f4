"""What goes wrong around an audit: nothing is lost, nothing is half written, and it is said."""

from __future__ import annotations

import gc
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import journeylib as jl
from journeylib import present as show
from journeylib.audits.runs.bundle import STAGE, staged
from journeylib.cli.main import main
from journeylib.core.errors import RunError
from journeylib.journeys import Journeys
from journeylib.log.engine.duckdb import run as run_sql
from journeylib.present.views import appendix
from tests.audits.prepared import runner_of

ROOT = Path(__file__).resolve().parents[2]
SEED = 20260706
Said = tuple[int, str, str]
Audited = Callable[..., Said]


@pytest.fixture(scope="session")
def done(small_audit: jl.Audit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that the notebook would leave."""
    return jl.save(small_audit, tmp_path_factory.mktemp("done"))


@pytest.fixture
def audited(
    small: Path, done: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Audited:
    """Return the command, with what its notebook does prepared."""
    monkeypatch.chdir(small.parent)
    monkeypatch.setattr("journeylib.present.drawing.browser.BROWSERS", ())
    monkeypatch.setattr("journeylib.cli.run_notebook._run_notebook", runner_of(done))

    def run(*arguments: str) -> Said:
        status = main(["audit", *(arguments or ("small.yaml",))])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_killed_at_twenty_random_points_and_at_every_renaming(
    small: Path, done: Path, tmp_path: Path
) -> None:
    """kill -9 just before a file operation: the next run finds everything whole, and tidies."""
    command = [sys.executable, str(ROOT / "tests/audits/killed.py"), str(small), str(done)]
    found = subprocess.run(
        [*command, str(tmp_path / "out"), str(SEED)], capture_output=True, text=True, timeout=240
    )
    assert found.returncode == 0, found.stderr[-2000:]
    first, *rest = (json.loads(line) for line in found.stdout.splitlines())
    whole = first["whole"]
    assert sorted(whole) == [done.name, "latest"] and "mail.eml" in whole[done.name]
    killed = [one for one in rest if "point" in one]
    assert len(killed) > 20
    for one in killed:
        assert one["ended"] == signal.SIGKILL
        runs = {name: files for name, files in one["at_once"].items() if name[0] != "."}
        # Between the two renamings alone the old run stands aside, in the stage, whole.
        assert runs in (whole, {}), one
        assert (one["next"], one["then"]) == (0, whole), one
    (twenty,) = [one["twenty"] for one in rest if "twenty" in one]
    home = tmp_path / "together" / "small"
    *runs, latest = names(home)
    assert twenty == [0] * 20 and latest == "latest"
    assert [run[:10] for run in runs] == [f"2026-03-{day:02d}" for day in range(1, 21)]
    assert all((home / run / "audit.html").is_file() for run in runs)
    assert (home / "latest").resolve().name == runs[-1]
    pairs = [one for one in rest if "two" in one]
    assert pairs == [{"two": [0, 0], "then": whole}] * 4


@pytest.mark.slow
def test_the_command_killed_with_its_notebook_running(small: Path, tmp_path: Path) -> None:
    """kill -9 of the command's process group at random moments, its kernel left to itself."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "journeylib.cli", "audit", str(small), "--out", str(out)]
    surroundings = os.environ | {"PYTHONPATH": str(ROOT), "PATH": os.defpath}
    dice = random.Random(SEED)
    for _ in range(2):
        run = subprocess.Popen(
            command, env=surroundings, start_new_session=True, stderr=subprocess.DEVNULL
        )
        while not list(out.glob(f"small/{STAGE}*")):
            assert run.poll() is None
            time.sleep(0.02)
        time.sleep(dice.uniform(0, 4))
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    last = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    assert last.returncode == 0, last.stderr
    home = out / "small"
    assert (home / "latest" / "audit.html").is_file()
    # A kernel whose command died ends by itself, and may write until it does.
    deadline = time.monotonic() + 20
    while any(name.startswith(STAGE) for name in names(home)) and time.monotonic() < deadline:
        with staged(out, "small"):
            time.sleep(0.5)
    assert names(home) == sorted([(home / "latest").resolve().name, "latest"])


def test_a_part_that_cannot_be_shown_loses_no_run(
    audited: Audited, done: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One view fails on a customer's data: status 0, its name in its place, the rest stands."""
    import papermill
    from nbformat import read, v4, write

    def run(executed: Path, *arguments: object, wait: bool) -> None:
        runner_of(done)(executed, *arguments, wait=wait)
        node = read(str(executed), as_version=4)
        (cell,) = [one for one in node.cells if one.source == 'show.appendix(audit, "C")']
        cell.outputs = [
            v4.new_output("display_data", {"text/html": "<p>the other parts</p>"}),
            v4.new_output("error", ename="KeyError", evalue="c4711", traceback=["c4711"]),
        ]
        write(node, str(executed))
        fault = (1, 1, cell.source, "KeyError", "c4711", ["c4711"])
        raise papermill.PapermillExecutionError(*fault)

    monkeypatch.setattr("journeylib.cli.run_notebook._run_notebook", run)
    status, out, err = audited()
    assert (status, err) == (0, "")
    assert "1 part could not be shown" in out
    latest = small.parent / "audits" / "small" / "latest"
    page = (latest / "audit.html").read_text("utf-8")
    assert "<p>the other parts</p>" in page
    assert "This part could not be shown: KeyError." in page
    assert "c4711" not in page + (latest / "audit.ipynb").read_text("utf-8")


def test_a_part_that_fails_takes_no_other_of_its_section_along(
    small_audit: jl.Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: jl.Audit) -> Any:
        raise KeyError("c4711")

    first, _, *rest = appendix.SECTIONS["C"]
    monkeypatch.setitem(appendix.SECTIONS, "C", (first, broken, *rest))
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    with pytest.raises(KeyError):
        show.appendix(small_audit, "C")
    (section,) = shown
    for table in (show.scorecard(small_audit), show.flow(small_audit)):
        assert table.body() in section.html and table.body() in section.page


def test_the_notebook_has_every_section_of_the_appendix_and_few_outputs() -> None:
    cells = json.loads((ROOT / "notebooks" / "audit.ipynb").read_text("utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    heads = [source[4] for source in sources if re.match("### [A-Z] · ", source)]
    called = re.findall(r'show\.appendix\(audit, "([A-Z])"\)', "\n".join(sources))
    assert heads == called == list(appendix.SECTIONS)
    assert sum("show." in source for source in sources) <= 18


def test_a_stage_is_cleared_only_when_its_process_is_gone(tmp_path: Path) -> None:
    dead = tmp_path / "small" / f"{STAGE}dead"
    (dead / "replaced-0" / "2026-03-01-a-b").mkdir(parents=True)
    # Clocks are not asked: it looks as if it were made tomorrow.
    os.utime(dead, (time.time() + 86_400,) * 2)
    with staged(tmp_path, "small") as ours:
        assert not dead.exists()
        with staged(tmp_path, "small") as theirs:
            assert ours.exists() and theirs.exists()
        assert ours.exists() and not theirs.exists()
    # A run that a killed one had set aside is back.
    assert names(tmp_path / "small") == ["2026-03-01-a-b"]


def test_a_stage_that_is_a_link_leads_nowhere(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs" / "replaced-0" / "letters"
    theirs.mkdir(parents=True)
    home = tmp_path / "out" / "small"
    (home / f"{STAGE}x").mkdir(parents=True)
    (home / f"{STAGE}link").symlink_to(tmp_path / "theirs")
    (home / f"{STAGE}x" / "replaced-0").symlink_to(theirs.parent)
    with staged(tmp_path / "out", "small"):
        assert theirs.is_dir()
    assert names(home) == [f"{STAGE}link"]


def test_a_file_in_the_way_is_wrong_input(audited: Audited, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine", "utf-8")
    for out in ("taken", "taken/below"):
        status, _, err = audited("small.yaml", "--out", out)
        assert (status, "a file is in its way. Choose another --out" in err) == (2, True)
    assert (tmp_path / "taken").read_text("utf-8") == "mine"


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_called_latest_and_is_no_link_is_refused(audited: Audited, kind: str) -> None:
    latest = Path("audits/small/latest")
    latest.parent.mkdir(parents=True)
    latest.mkdir() if kind == "folder" else latest.write_text("mine", "utf-8")
    status, _, err = audited()
    assert (status, "must be the link to the newest run" in err) == (2, True)
    assert names(latest.parent) == ["latest"]


@pytest.fixture(params=[0.5, 1.1], ids=["in the notebook", "in the dashboard"])
def full_disk(tmp_path: Path, done: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of this many times what the notebook leaves, in pages of 4 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    pages = sum(path.stat().st_size // 4096 + 1 for path in done.rglob("*"))
    size = f"size={4 * int(request.param * pages)}k"
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs to be allowed to mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(audited: Audited, full_disk: Path) -> None:
    status, out, err = audited("small.yaml", "--out", str(full_disk / "runs"))
    assert (status, out) == (3, "")
    assert "No space left on device. No half run was left. Free space" in err
    left = [path for path in full_disk.rglob("*") if path.name != "failed.xml" and path.is_file()]
    assert left == []


@pytest.mark.slow
def test_an_engine_without_room_for_what_it_sorts(
    small_with: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log larger than memory and the spill folder: said in words, and nothing is left of it."""
    rows = [[f"secret-{i % 999}", f"2026-01-{1 + i % 28:02d}", "Chat", "b", f"k{i}"] for i in
            range(30_000)]  # fmt: skip
    config = small_with(rows=rows)
    limits = ("memory_limit=9MB", "spill_limit=1MB", "threads=1")
    told = [part for limit in limits for part in ("--set", f"engine.{limit}")]
    status = main(["audit", str(config), "--out", str(tmp_path / "out"), *told])
    err = capsys.readouterr().err
    assert status == 3
    assert "the disk is full" in err or "ran out of memory" in err
    assert "engine.spill_folder" in err and "secret" not in err
    assert not any(name.startswith((STAGE, "2026")) for name in names(tmp_path / "out" / "small"))


@pytest.fixture(params=["limit", "disk"])
def little_room(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, list[str]]]:
    """A spill folder that takes a megabyte, by the setting or by the disk, and its settings."""
    place = tmp_path / "spill"
    place.mkdir()
    told = [f"engine.spill_folder={place}", "engine.memory_limit=30MB", "engine.threads=1"]
    if request.param == "limit":
        yield place, [*told, "engine.spill_limit=1MB"]
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs to be allowed to mount a small disk")
    yield place, told
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_spill_folder_that_fills_while_it_is_measured(
    small_with: Callable[..., Path],
    little_room: tuple[Path, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Reading and rebuilding find room, and what comes after does not: said, and tidied."""
    dice = random.Random(SEED)
    rows = [[f"secret-{dice.randrange(500)}", f"2026-01-{1 + i % 28:02d}", f"Chat {i % 60}", "b",
             f"k{i}"] for i in range(4_000)]  # fmt: skip
    began = []

    def large(journeys: Journeys, *_: object, **__: object) -> None:
        """Sort, with the engine of the log, more than its memory and its spill folder hold."""
        began.append("measure")
        engine = journeys.log.events.get_backend()
        numbers = "SELECT range::VARCHAR || '-secret' AS name FROM range(3_000_000)"
        run_sql(engine, f"CREATE TEMP TABLE large AS {numbers} ORDER BY hash(range)")

    monkeypatch.setattr("journeylib.measures.measure", large)
    place, told = little_room
    with pytest.raises(RunError, match=r"engine\.spill_limit is reached") as caught:
        jl.audit(small_with(rows=rows), overrides=told)
    assert began == ["measure"]
    assert "engine.spill_folder" in str(caught.value) and "secret" not in str(caught.value)
    del caught
    gc.collect()
    assert names(place) == []


def test_a_disk_that_fills_while_the_run_is_told_keeps_the_run_before(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert audited()[0] == 0
    before = names(Path("audits/small/latest"))
    write = Path.write_text

    def full(self: Path, *arguments: object, **options: object) -> int:
        if self.name == "junit.xml":
            raise OSError(28, "No space left on device")
        return write(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", full)
    status, _, err = audited()
    assert status == 3 and "No space left on device" in err
    assert names(Path("audits/small/latest")) == before
    assert not any(name.startswith(STAGE) for name in names(Path("audits/small")))


@pytest.mark.slow
def test_a_clock_set_back_and_a_day_run_again_leave_latest_where_it_is(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path("audits/small")
    assert audited("small.yaml", "--as-of", "2026-03-08")[0] == 0
    newest = (home / "latest").resolve()
    os.utime(newest, (4e9, 4e9))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert audited("small.yaml", "--as-of", "2026-03-01")[0] == 0
    assert (home / "latest").resolve() == newest
    assert audited("small.yaml", "--as-of", "2026-03-15")[0] == 0
    assert (home / "latest").resolve().name.startswith("2026-03-15")
    assert len(names(home)) == 4


def test_a_template_that_cannot_be_read(
    audited: Audited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "templates" / "dashboard"
    broken.mkdir(parents=True)
    (broken / "index.html.j2").write_text("{% block", "utf-8")
    (broken.parent / "page.css").touch()
    monkeypatch.setattr("journeylib.present.dashboard.TEMPLATES", broken.parent)
    status, _, err = audited()
    assert status == 3
    assert "template" in err and "Install journeylib again." in err and "failed.ipynb" in err
    assert names(Path("audits/small")) == ["failed.ipynb", "failed.xml"]


def test_a_fault_of_our_own_is_no_failed_gate(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(*_: object) -> None:
        raise ZeroDivisionError("secret-7 divided")

    monkeypatch.setattr("journeylib.cli.run_notebook.write_files", surprise)
    status, _, err = audited()
    assert status == 3
    assert "ZeroDivisionError" in err and "secret" not in err
    monkeypatch.setenv("JOURNEYLIB_TRACE", "1")
    with pytest.raises(ZeroDivisionError):
        audited()


@pytest.mark.slow
def test_one_audit_that_fails_does_not_stop_the_others(audited: Audited, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("name: wrong\n", "utf-8")
    (tmp_path / "weekly.yaml").write_text(
        "audits: [wrong.yaml, small.yaml, {config: small.yaml, set: [title=Again]}]", "utf-8"
    )
    status, out, err = audited("weekly.yaml")
    assert status == 2
    assert out.count("Dashboard: ") == 2
    assert err.startswith("journeylib: wrong.yaml: ")
    assert audited("small.yaml", "absent.yaml")[0] == 2


@pytest.mark.parametrize("text", ["audits: []", "audits: [a.yaml]\nname: x", "audits: [{set: []}]"])
def test_a_malformed_list_runs_nothing(audited: Audited, tmp_path: Path, text: str) -> None:
    (tmp_path / "weekly.yaml").write_text(text, "utf-8")
    status, _, err = audited("weekly.yaml", "small.yaml")
    assert status == 2 and "'audits' must be the only key" in err
    assert "audits" not in names(tmp_path)


def notebook_of(folder: Path, *cells: str) -> Path:
    """Write a notebook with the audit's parameters and these cells."""
    notebook = json.loads((ROOT / "notebooks" / "audit.ipynb").read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    made = [code[0]]
    for number, source in enumerate(cells):
        made.append(code[1] | {"source": source, "outputs": [], "id": f"cell-{number}"})
    (folder / "audit.ipynb").write_text(json.dumps(notebook | {"cells": made}), "utf-8")
    return folder / "audit.ipynb"


@pytest.mark.slow
def test_a_run_over_its_time_is_stopped_and_sees_no_secret(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    notebook = notebook_of(
        tmp_path,
        "import os, pathlib, time\n"
        "pathlib.Path(config).with_name('seen').write_text(f'{os.getpid()} {dict(os.environ)}')\n"
        "time.sleep(600)",
        "print('never')",
    )
    monkeypatch.setattr("journeylib.cli.run_notebook.audit_notebook", lambda: notebook)
    monkeypatch.setenv("HOOK", "https://planted.invalid/secret")
    small.write_text(small.read_text("utf-8") + "delivery: {slack: {webhook_env: HOOK}}\n", "utf-8")
    out = tmp_path / "out"
    status = main(["audit", str(small), "--out", str(out), "--timeout", "0.02"])
    err = capsys.readouterr().err
    assert status == 3
    assert "took longer than its time limit" in err and "Raise --timeout" in err
    assert names(out / "small") == ["failed.html", "failed.ipynb", "failed.xml"]
    page = (out / "small" / "failed.html").read_text("utf-8")
    assert 'role="alert"' in page and 'id="papermill-error-cell"' in page
    kernel, surroundings = (tmp_path / "seen").read_text("utf-8").split(" ", 1)
    assert "planted" not in surroundings and os.environ["HOOK"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(kernel), 0)


@pytest.mark.slow
def test_a_kernel_that_dies(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    notebook = notebook_of(tmp_path, "import os\nos._exit(1)")
    monkeypatch.setattr("journeylib.cli.run_notebook.audit_notebook", lambda: notebook)
    assert main(["audit", str(small), "--out", str(tmp_path / "out")]) == 3
    assert "kernel ended before the audit did" in capsys.readouterr().err
    assert "failed.html" in names(tmp_path / "out" / "small")
