"""What leaves by mail and chat: servers that never end, and texts that are commands elsewhere."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from journeylib.audits import DeliverySettings
from journeylib.delivery import send
from journeylib.delivery.briefing import Briefing
from journeylib.delivery.chat import teams


@pytest.fixture
def dripping() -> Iterator[int]:
    """A server that sends a byte every twentieth of a second and never ends a line."""
    over = threading.Event()

    def drip(link: socket.socket) -> None:
        with link, suppress(OSError):
            while not over.wait(0.05):
                link.sendall(b"2")

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        over.set()
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.slow
def test_a_server_that_drips_is_left_after_the_deadline(
    dripping: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journeylib.delivery.delivery.DEADLINE", 0.5)
    (tmp_path / "mail.eml").write_text("Date: x\nTo: lead@example.com\n\nnews\n", "utf-8")
    (tmp_path / "slack.json").write_text("{}", "utf-8")
    smtp = {"host": "127.0.0.1", "port": dripping, "tls": "none"}
    mail = {"sender": "audits@example.com", "to": ["lead@example.com"], "smtp": smtp}
    settings = DeliverySettings.model_validate({"mail": mail, "slack": {"webhook_env": "SLACK"}})
    began = time.monotonic()
    unsent = send(tmp_path, settings, {"SLACK": f"http://127.0.0.1:{dripping}/hook"})
    assert time.monotonic() - began < 5
    assert ["was not done after 0.5 seconds" in reason for reason in unsent] == [True, True]
    assert not (tmp_path / "delivery.json").exists()


def test_a_title_is_no_link_in_teams() -> None:
    hostile = "[Log in](https://evil.example) *now* `x` _y_ \\"
    briefing = Briefing(
        title=hostile, run_id="r", base="b", day="d", state="alarm", headline=hostile,
        finding=hostile, detail="d", decisions=(), trust=(), checks=(), changes=(hostile,),
        comparison="c", worst=(), worst_title="w", link="",
    )  # fmt: skip
    texts = [block["text"] for block in teams(briefing)["attachments"][0]["content"]["body"]]
    escaped = r"\[Log in\](https://evil.example) \*now\* \`x\` \_y\_ " + "\\\\"
    assert texts[0] == escaped and texts[1].startswith(escaped) and escaped in texts[2:]
