"""The passing line of long work: for who waits, and never in what is stored."""

import io
import sys
import time

import pytest

from journeylib.core import progress
from journeylib.core.progress import PROGRESS, working

SLOW = """
import time
from journeylib.core import progress
progress.SOON_SECONDS = progress.EACH_SECONDS = 0.05
with progress.working("counting", ["one", "two"]) as say:
    say("two")
    time.sleep(0.4)
"""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(progress, "SOON_SECONDS", 0.01)
    monkeypatch.setattr(progress, "EACH_SECONDS", 0.01)


def wait_for(text, terminal):
    until = time.monotonic() + 20
    while text not in terminal.getvalue():
        assert time.monotonic() < until, terminal.getvalue()
        time.sleep(0.005)


def test_a_terminal_shows_the_outermost_work_and_takes_it_away(quick, monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with working("auditing", ["reading", "judging"]) as say:
        say("judging")
        wait_for("auditing: judging, step 2 of 2, 0 s", terminal)
        with working("something within"):
            time.sleep(0.05)
    assert "within" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    with working("the next one"):
        wait_for("the next one, 0 s", terminal)


def test_an_error_takes_the_line_away_and_goes_on(quick, monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())

    @working("failing")
    def fail():
        wait_for("failing", terminal)
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        fail()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert not progress._at_work.locked()


def test_who_is_quick_and_who_writes_to_a_file_shows_nothing(quick, monkeypatch, tmp_path):
    monkeypatch.setattr(progress, "SOON_SECONDS", 60)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with working("quick"):
        pass
    assert terminal.getvalue() == ""
    monkeypatch.setattr(progress, "SOON_SECONDS", 0.01)
    monkeypatch.setattr(sys, "stderr", piped := io.StringIO())
    monkeypatch.setenv(PROGRESS, str(tmp_path / "steps.txt"))
    with working("slow", ["first"]) as say:
        say("first")
        time.sleep(0.05)
    assert piped.getvalue() == ""
    assert (tmp_path / "steps.txt").read_text() == "first\n"


@pytest.fixture(scope="module")
def kernel():
    manager = pytest.importorskip("jupyter_client.manager", reason="needs jupyter_client")
    pytest.importorskip("ipykernel", reason="needs ipykernel")
    started, client = manager.start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    started.shutdown_kernel(now=True)


def outputs(client, **how):
    """Return what a front end gets to show: outputs with updates carried out, and all texts."""
    client.execute(SLOW, **how)
    shown, texts = {}, []
    while True:
        message = client.get_iopub_msg(timeout=60)
        kind, content = message["msg_type"], message["content"]
        if kind in ("display_data", "update_display_data"):
            shown[content["transient"]["display_id"]] = content["data"]
            texts.append(content["data"].get("text/plain", ""))
        elif kind in ("stream", "error"):
            raise AssertionError(content)
        elif kind == "status" and content["execution_state"] == "idle":
            return list(shown.values()), texts


@pytest.mark.slow
def test_a_notebook_that_somebody_runs_shows_a_line_and_keeps_none(kernel):
    left, texts = outputs(kernel, allow_stdin=True)
    assert texts[0] == "counting: two, step 2 of 2, 0 s"
    assert len(texts) > 2
    assert left == [{}]


def test_a_notebook_that_a_program_runs_shows_nothing(kernel):
    """So do papermill, nbconvert and nbval run theirs."""
    assert outputs(kernel, allow_stdin=False) == ([], [])
