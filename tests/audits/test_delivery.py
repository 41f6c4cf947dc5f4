"""What a run tells, to whom, and that no secret and no customer is ever in it."""

from __future__ import annotations

import contextlib
import http.server
import io
import json
import re
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import pandas as pd
import pytest
from PIL import Image

import journeylib as jl
from journeylib.audits.config.delivery import DeliverySettings, When
from journeylib.audits.config.load import load_config
from journeylib.cli.main import main
from journeylib.core import use_language
from journeylib.core.errors import ConfigError
from journeylib.delivery.briefing import Briefing, amount, brief
from journeylib.delivery.chat import slack, teams
from journeylib.delivery.ci_reports import junit_of_failure, summary
from journeylib.delivery.delivery import is_due, write_files
from journeylib.delivery.mail import POLICY, compose, subject
from journeylib.present.drawing.browser import Browser
from tests.audits.conftest import CONFIG as SMALL
from tests.audits.conftest import HEADER, small_rows, write_small
from tests.audits.prepared import runner_of

PLANTED = "planted-5ecret"
ALARM = "Alarm: Enough chats is 60 (limit ≥ 100)"
ROLES = "  rating: mark\n  stage_order: [Ask, Talk]\n  stage: kind"
CONFIG = f"""title: "Ours <b>&\u202e | now"
{SMALL.replace("  segment: kind", ROLES)}
gates:
  - {{id: enough-chats, metric: handoffs.sessions, min: 100}}
  - {{id: contained, title: "Not | too many", metric: handoffs.sessions, max: 75}}
  - {{id: gone, metric: "touchpoints[touchpoint=Rare].events", min: 1}}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with ratings: 60 chats rated 2 or 3 of 10, 30 calls rated 8 or 9."""
    folder = tmp_path_factory.mktemp("told")
    rows = [
        [*row[:4], "Ask" if row[2] == "Chat" else "Talk",
         str((2 if row[2] == "Chat" else 8) + place % 2)]
        for place, row in enumerate(small_rows())
    ]  # fmt: skip
    config = write_small(folder, config=CONFIG, rows=rows)
    text = (
        (folder / "small.csv")
        .read_text("utf-8")
        .replace(",".join(HEADER), "client,at,step,who,kind,mark")
    )
    (folder / "small.csv").write_text(text, "utf-8")
    return jl.save(jl.audit(config), folder / "done")


@pytest.fixture(scope="module")
def done_in_german(done: Path) -> Path:
    """The same run in German."""
    config = done.parents[2] / "small.yaml"
    return jl.save(jl.audit(config, overrides=["language=de"]), done.parents[2] / "german")


@pytest.fixture
def place(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the configuration, in which the command runs without a kernel."""
    for name in ("small.yaml", "small.csv"):
        (tmp_path / name).write_bytes((done.parents[2] / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("journeylib.present.drawing.browser.BROWSERS", ())
    monkeypatch.setattr("journeylib.cli.run_notebook._run_notebook", runner_of(done))
    return tmp_path


@pytest.fixture
def told(place: Path) -> Path:
    """A run directory with every file that tells of it."""
    assert main(["audit", "small.yaml"]) == 1
    return (place / "audits" / "small" / "latest").resolve()


def mail_of(folder: Path) -> EmailMessage:
    message = message_from_bytes((folder / "mail.eml").read_bytes(), policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


# --- what is written ------------------------------------------------------------------------


@pytest.mark.slow
def test_the_mail_says_the_alarm_with_its_number_first(told: Path) -> None:
    message = mail_of(told)
    assert message["Subject"] == f"Ours <b>& | now, March 1, 2026: {ALARM}"
    plain = message.get_body(("plain",)).get_content()
    assert plain.splitlines()[0] == ALARM
    assert "ok: Not | too many 60 (limit ≤ 75)" in plain
    assert "not assessable: Gone – (limit ≥ 1)" in plain
    assert "1. Chat: −0.5" in plain and "Nothing beyond chance." in plain


def test_the_mail_is_safe_for_every_mail_program(told: Path) -> None:
    message = mail_of(told)
    body = message.get_body(("html",))
    page = body.get_content()
    assert len(body.get_payload(decode=True)) < 100_000
    assert not re.search(r"<(script|svg|style|link|iframe|form)\b|javascript:|url\(", page, re.I)
    assert "&lt;b&gt;&amp;" in page and "<b>" not in page and "\u202e" not in page
    (picture,) = [part for part in message.walk() if part.get_content_type() == "image/png"]
    (source,) = re.findall(r'<img src="cid:([^"]+)"', page)
    assert picture["Content-ID"] == f"<{source}>"
    assert re.search(r'<img [^>]*alt="[^"]*lowest is Chat \(−0.5', page)
    image = Image.open(io.BytesIO(picture.get_payload(decode=True)))
    assert image.mode == "P" and image.size[0] == 1200 and len(image.getcolors()) <= 64
    attached = [part.get_filename() for part in message.iter_attachments()]
    assert attached == [f"audit-{told.name}.html"]
    assert "No PDF: no Chromium" in page


@pytest.mark.slow
def test_the_same_run_tells_the_same_bytes(told: Path, place: Path) -> None:
    before = {path.name: path.read_bytes() for path in told.iterdir() if path.is_file()}
    assert main(["audit", "small.yaml"]) == 1
    changed = {name for name, content in before.items() if (told / name).read_bytes() != content}
    assert changed <= {"manifest.json", "audit.ipynb"}


@pytest.mark.slow
def test_telling_changes_nothing_that_was_found(told: Path, done: Path) -> None:
    assert json.loads((told / "audit.json").read_text()) == json.loads(
        (done / "audit.json").read_text()
    )
    plain = load_config(done.parents[2] / "small.yaml")
    asked = load_config(
        done.parents[2] / "small.yaml",
        overrides=["delivery={mail: {sender: a@b.c, to: [d@e.f]}}", "timeout_minutes=5"],
    )
    assert asked.hash() == plain.hash()


@pytest.mark.slow
def test_junit_says_failure_skipped_and_error(told: Path) -> None:
    suite = ElementTree.parse(told / "junit.xml").find("testsuite")
    assert suite is not None
    cases = {case.attrib["name"]: {child.tag: child.attrib["message"] for child in case}
             for case in suite}  # fmt: skip
    assert cases["run"] == {} and cases["gate-contained"] == {}
    assert "is 60; at least 100" in cases["gate-enough-chats"]["failure"]
    assert "too few customers" in cases["gate-gone"]["skipped"]
    numbers = {key: int(suite.attrib[key]) for key in ("tests", "failures", "errors", "skipped")}
    assert numbers == {"tests": len(cases), "failures": 1, "errors": 0,
                       "skipped": sum("skipped" in case for case in cases.values())}  # fmt: skip
    crash = ElementTree.fromstring(junit_of_failure("small", "no \x00 disk"))
    assert crash.find("testsuite").attrib["errors"] == "1"  # type: ignore[union-attr]
    assert crash.find("testsuite/testcase/error").attrib["message"] == "no  disk"  # type: ignore[union-attr]


def test_findings_are_listed_for_machines(told: Path) -> None:
    listed = json.loads((told / "findings.json").read_text("utf-8"))
    document = json.loads((told / "audit.json").read_text("utf-8"))
    assert listed["exit_status"] == 1 and listed["run_id"] == told.name
    assert listed["findings"] == document["findings"]
    assert listed["findings"][0]["evidence"] == {
        "title": "Enough chats", "metric": "handoffs.sessions", "value": 60.0, "min": 100.0,
        "max": None, "unit": "",
    }  # fmt: skip


def test_chat_messages_are_small_and_escaped(told: Path) -> None:
    for name in ("slack.json", "teams.json"):
        assert len((told / name).read_bytes()) < 4_000
    message = json.loads((told / "slack.json").read_text("utf-8"))
    assert message["blocks"][0]["text"]["text"] == f"🔻 {ALARM}"
    assert "Ours &lt;b&gt;&amp;" in message["text"]
    card = json.loads((told / "teams.json").read_text("utf-8"))["attachments"][0]["content"]
    assert card["body"][0]["text"] == ALARM


def test_the_job_summary_is_written_and_added_where_github_looks(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = place / "step.md"
    step.write_text("before\n", "utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    assert main(["audit", "small.yaml"]) == 1
    text = (place / "audits" / "small" / "latest" / "summary.md").read_text("utf-8")
    assert "| Not \\| too many | 60 | ≤ 75 | ok |" in text
    assert step.read_text("utf-8") == f"before\n{text.rstrip()}\n\n"
    assert main(["audit", "small.yaml", "--set", "roles.touchpoint=3"]) == 2
    assert "small.yaml could not be run" in step.read_text("utf-8")


def test_no_customer_is_in_what_is_told(told: Path) -> None:
    assert any(b"secret-" in path.read_bytes() for path in told.parents[2].glob("*.csv"))
    for path in told.rglob("*"):
        assert not path.is_file() or b"secret-" not in path.read_bytes(), path.name


# --- words ----------------------------------------------------------------------------------


def document(done: Path, **changed: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((done / "audit.json").read_text("utf-8"))
    return found | changed


def gates_only(done: Path, *verdicts: str) -> Briefing:
    found = document(done)
    gates = [f for f in found["findings"] if f["kind"] == "gate"]
    chosen = [gates[0] | {"verdict": verdict} for verdict in verdicts]
    return brief(found | {"findings": chosen}, done)


@pytest.mark.parametrize(
    ("verdicts", "state", "headline"),
    [
        (["pass", "pass"], "ok", "Nothing to decide, no alarm; 2 of 2 checks hold"),
        (
            ["pass", "not_assessable"],
            "ok",
            "Nothing to decide, no alarm; 1 of 2 checks hold, 1 cannot be assessed",
        ),
        (
            ["not_assessable"],
            "unknown",
            "Nothing to decide, no alarm; 0 of 1 checks hold, 1 cannot be assessed",
        ),
        (["fail", "fail", "pass"], "alarm", f"{ALARM}, and 1 more"),
    ],
)
def test_the_headline(done: Path, verdicts: list[str], state: str, headline: str) -> None:
    found = gates_only(done, *verdicts)
    assert (found.state, found.headline) == (state, headline)


def asking(done: Path, many: int) -> dict[str, Any]:
    """Return the document with so many decisions on its first screen."""
    found = document(done)
    items = [
        {"title": f"Do {i}", "reason": f"Because of {i} %.", "grade": "C", "customers": 10 + i}
        for i in range(many)
    ]
    return found | {"decisions": found["decisions"] | {"items": items}}


@pytest.mark.parametrize(
    ("many", "headline"),
    [
        (0, "Nothing to decide, no alarm"),
        (1, "1 decision, no alarm"),
        (5, "5 decisions, no alarm"),
    ],
)
def test_without_checks_the_headline_counts_the_decisions(
    done: Path, many: int, headline: str
) -> None:
    asked = asking(done, many)
    asked["findings"] = [f for f in asked["findings"] if f["kind"] != "gate"]
    assert brief(asked, done).headline == headline
    assert subject(brief(asked, done)) == f"Ours <b>& | now, March 1, 2026: {headline}"


def test_the_mail_is_the_first_screen_in_words(done: Path) -> None:
    asked = asking(done, 2)
    found = brief(asked, done, link="https://audits.example.com")
    assert found.headline == f"{ALARM}; 2 decisions"
    message = compose(found, None, as_of=pd.Timestamp("2026-03-01").date(), picture=None)
    plain = message.get_body(("plain",)).get_content()
    order = [
        asked["decisions"]["headline"], asked["decisions"]["detail"], "Decide now",
        "1. Do 0. Because of 0 %. (C · 10 customers)",
        "2. Do 1. Because of 1 %. (C · 11 customers)", "Grades: A experiment", "What changed",
        "Checks",
        *asked["decisions"]["trust"], "The dashboard: https://audits.example.com",
    ]  # fmt: skip
    places = [plain.index(words) for words in order]
    assert places == sorted(places)
    page = message.get_body(("html",)).get_content()
    heads = re.findall(r"<h2[^>]*>([^<]*)</h2>", page)
    assert heads[:3] == ["Decide now", "What changed", "Checks"] and len(heads) == len(set(heads))
    for told in (page, summary(found), *(json.dumps(m(found)) for m in (slack, teams))):
        assert "Do 1" in told and "Because of 1 %." in told
    assert all("C measured on this log" in told for told in (page, summary(found)))


def test_without_a_decision_the_mail_says_what_to_record_first(done: Path) -> None:
    asked = asking(done, 0)
    for row in asked["touchpoints"]:
        row["next_datum"] = "declare a text column. More is known then"
    n = len(asked["touchpoints"])
    first = f"First step at {n} touchpoints: declare a text column. More is known then."
    assert n > 1
    assert brief(asked, done).detail == f"{asked['decisions']['detail']} {first}"


def test_no_space_of_a_subject_is_lost(done: Path) -> None:
    asked = asking(done, 0)
    title = "Österreich: Kündigungen über Ämter für Größen – Überprüfung ≥ müde Bären"
    asked["audit"] = asked["audit"] | {"title": title}
    message = compose(brief(asked, done), None, as_of=pd.Timestamp("2026-03-01").date(),
                      picture=None)  # fmt: skip
    sent = message_from_bytes(message.as_bytes(), policy=POLICY)
    assert sent["Subject"] == message["Subject"] and title in sent["Subject"]
    assert message_from_bytes(sent.as_bytes(), policy=POLICY)["Subject"] == sent["Subject"]
    assert all(len(line) <= 78 for line in sent.as_bytes().partition(b"Date:")[0].split(b"\r\n"))


def test_changes_are_told_in_sentences(done: Path) -> None:
    said = "Contacts at Chat followed by another: 25 % (n = 80), 10 % before (performance)."
    row = {"what": "Repeat contact at Chat", "before": 0.1, "after": 0.25, "unit": "share",
           "kind": "performance", "text": said, "significant": True}  # fmt: skip
    rows = [row, row | {"what": "noise", "text": "noise", "significant": False}]
    found = brief(document(done, changes=rows), done)
    assert (found.state, found.changes) == ("alarm", (said,))
    assert said in json.dumps(slack(found)) + json.dumps(teams(found))
    without = document(done, changes=rows)
    without["findings"] = [f for f in without["findings"] if f["verdict"] != "fail"]
    first = brief(without, done).headline
    assert first == "Changed (performance): Repeat contact at Chat, 10 % to 25 %"
    quiet = brief(document(done, changes=rows[1:]), done)
    assert "Nothing beyond chance." in summary(quiet)


@pytest.mark.slow
def test_news_are_in_german_where_asked_for(done_in_german: Path) -> None:
    done = done_in_german
    with use_language("de"):
        found = brief(document(done), done)
        message = compose(found, None, as_of=pd.Timestamp("2026-03-01").date(), picture=None)
        chat = json.dumps([slack(found), teams(found)], ensure_ascii=False)
        job = summary(found)
    plain = message.get_body(("plain",)).get_content()
    page = message.get_body(("html",)).get_content()
    alarm = "Alarm: Enough chats ist 60 (Grenze ≥ 100)"
    assert message["Subject"] == f"Ours <b>& | now, 1. März 2026: {alarm}"
    assert "nicht zu beurteilen: Gone – (Grenze ≥ 1)" in plain and '<html lang="de">' in page
    assert "| Not \\| too many | 60 | ≤ 75 | in Ordnung |" in job
    for words in (plain, page, job, chat):
        assert "Was sich änderte" in words
        assert not re.search(r"\b(limit|Check|State|What changed|Touchpoint)\b", words)


def test_a_long_subject_is_cut_and_one_with_a_line_break_is_one_line(done: Path) -> None:
    found = brief(document(done), done)
    assert len(subject(found, "x" * 60)) <= 150
    long = document(done)
    long["audit"] = long["audit"] | {"title": "Ours\r\nBcc: other@example.com"}
    message = compose(brief(long, done), None, as_of=pd.Timestamp("2026-03-01").date(),
                      picture=None)  # fmt: skip
    assert message["Bcc"] is None and "Ours Bcc:" in message["Subject"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.05, "share", "5 %"), (-0.123, "share", "−12.3 %"), (5000.0, "", "5,000")],
)
def test_amounts(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


# --- sending --------------------------------------------------------------------------------


@dataclass
class Post:
    """A post office on this machine that takes or refuses."""

    answers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    got: list[bytes] = field(default_factory=list)
    smtp: int = 0
    http: int = 0


@pytest.fixture
def post() -> Iterator[Post]:
    office = Post()

    class Mail(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                word = line.split()[0].upper().decode() if line.split() else ""
                answer = office.answers.get(word)
                if word == "EHLO":
                    self.wfile.write(b"250-here\r\n250 AUTH PLAIN\r\n")
                elif word == "AUTH" and not answer:
                    self.wfile.write(b"235 welcome\r\n")
                elif word == "DATA" and not answer:
                    self.wfile.write(b"354 go\r\n")
                    office.got.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                    self.wfile.write(b"250 taken\r\n")
                elif word == "QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write((answer or "250 fine").encode() + b"\r\n")

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            office.got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(office.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with contextlib.ExitStack() as stack:
        for kind, handler in (("smtp", Mail), ("http", Hook)):
            server = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler))
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            setattr(office, kind, server.server_address[1])
        yield office


@pytest.fixture
def secrets(place: Path, post: Post, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Plant secrets and name them in the configuration; return them."""
    values = {
        "MAIL_USER": f"{PLANTED}-user",
        "MAIL_PASSWORD": f"{PLANTED}-password",
        "SLACK": f"http://127.0.0.1:{post.http}/{PLANTED}-slack",
        "TEAMS": f"http://127.0.0.1:{post.http}/{PLANTED}-teams",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with (place / "small.yaml").open("a") as file:
        file.write(
            "delivery:\n"
            "  when: alarm\n"
            "  link: https://audits.example.com/small\n"
            "  mail:\n"
            "    sender: audits@example.com\n"
            "    to: [lead@example.com, other@example.com]\n"
            "    subject_prefix: '[CX]'\n"
            f"    smtp: {{host: 127.0.0.1, port: {post.smtp}, tls: none, user_env: MAIL_USER, "
            "password_env: MAIL_PASSWORD}\n"
            "  slack: {webhook_env: SLACK}\n"
            "  teams: {webhook_env: TEAMS}\n"
        )
    return [value.rpartition("/")[2] for value in values.values()]


def assert_no_secret(place: Path, secrets: list[str], *said: str) -> None:
    texts = [path.read_bytes() for path in place.rglob("*") if path.is_file()]
    for secret in secrets:
        assert not any(secret.encode() in text for text in [*texts, *map(str.encode, said)])


@pytest.mark.slow
def test_news_goes_out_once_and_no_secret_anywhere(
    place: Path, post: Post, secrets: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "small.yaml"]) == 1
    assert len(post.got) == 3
    mail = message_from_bytes(post.got[0], policy=SMTP)
    assert mail["Subject"] == f"[CX] Ours <b>& | now, March 1, 2026: {ALARM}"
    assert (mail["From"], mail["To"]) == (
        "audits@example.com", "lead@example.com, other@example.com",
    )  # fmt: skip
    assert mail["Date"].datetime.year != 2026 or mail["Date"].datetime.month != 3
    assert "https://audits.example.com/small/" in json.dumps(json.loads(post.got[1]))
    assert json.loads(post.got[2])["type"] == "message"
    assert main(["audit", "small.yaml"]) == 1  # a scheduler tries again
    assert len(post.got) == 3
    said = capsys.readouterr()
    assert_no_secret(place, secrets, said.out, said.err)


@pytest.mark.slow
def test_nothing_is_sent_unless_asked_for(place: Path, post: Post, secrets: list[str]) -> None:
    assert main(["audit", "small.yaml", "--no-send"]) == 1
    assert post.got == [] and DeliverySettings().when == "never"


def test_an_alarm_is_what_when_alarm_waits_for(done: Path) -> None:
    calm, loud = gates_only(done, "pass", "not_assessable"), gates_only(done, "pass", "fail")
    due = {when: (is_due(when, calm), is_due(when, loud)) for when in get_args(When)}
    assert due == {"always": (True, True), "alarm": (False, True), "never": (False, False)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("word", "answer", "said"),
    [
        ("AUTH", f"535 {PLANTED} is wrong", "refused the login; check MAIL_USER and MAIL_PASSWORD"),
        ("MAIL", "550 not you", "refused the mail with code 550"),
        ("RCPT", "550 unknown", "refused all 2 recipients; check delivery.mail.to"),
        ("DATA", "554 no", "refused the mail with code 554"),
    ],
)
def test_a_mail_server_that_refuses_loses_nothing(
    place: Path, post: Post, secrets: list[str], capsys: pytest.CaptureFixture[str],
    word: str, answer: str, said: str,
) -> None:  # fmt: skip
    post.answers[word] = answer
    assert main(["audit", "small.yaml"]) == 3
    found = capsys.readouterr()
    assert said in found.err and "The run is complete in" in found.err
    assert "start the same command again" in found.err
    run = place / "audits" / "small" / "latest"
    assert (run / "audit.html").is_file() and len(post.got) == 2
    assert set(json.loads((run / "delivery.json").read_text())) == {"slack.json", "teams.json"}
    assert_no_secret(place, [*secrets, PLANTED], found.out, found.err)
    post.answers.clear()
    assert main(["audit", "small.yaml"]) == 1
    assert len(post.got) == 3  # the mail alone: the rest had gone out


@pytest.mark.slow
def test_a_mail_server_without_encryption_or_away(
    place: Path, post: Post, secrets: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    smtp = "delivery.mail.smtp"
    assert main(["audit", "small.yaml", "--set", f"{smtp}.tls=starttls"]) == 3
    assert "did not take the mail (SMTPNotSupportedError)" in capsys.readouterr().err
    assert main(["audit", "small.yaml", "--set", f"{smtp}.port=1"]) == 3
    assert "did not take the mail (ConnectionRefusedError)" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("status", [403, 302, 500])
def test_a_webhook_that_refuses(
    place: Path, post: Post, secrets: list[str], capsys: pytest.CaptureFixture[str], status: int
) -> None:
    post.status = status
    assert main(["audit", "small.yaml"]) == 3
    found = capsys.readouterr()
    assert f"the webhook of SLACK refused slack.json with HTTP {status}" in found.err
    assert f"the webhook of TEAMS refused teams.json with HTTP {status}" in found.err
    assert_no_secret(place, secrets, found.out, found.err)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"http://example.com/{PLANTED}", "the address in SLACK must begin with https://"),
        (f"{PLANTED} no address", "the address in SLACK must begin with https://"),
        (f"http://127.0.0.1:port/{PLANTED}", "did not take slack.json"),
        (f"http://127.0.0.1:1/{PLANTED}", "did not take slack.json"),
        (f"http://127.0.0.1:1/{PLANTED} \n", "did not take slack.json"),
    ],
)
def test_an_address_that_is_none_is_not_repeated(
    place: Path, post: Post, secrets: list[str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, address: str, said: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("SLACK", address)
    assert main(["audit", "small.yaml"]) == 3
    found = capsys.readouterr()
    assert said in found.err
    assert_no_secret(place, [PLANTED], found.out, found.err)


@pytest.mark.slow
def test_a_secret_that_is_not_set_is_told_before_anything_runs(
    place: Path, secrets: list[str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv("TEAMS")
    assert main(["audit", "small.yaml"]) == 2
    assert "TEAMS, which delivery.teams.webhook_env names, is not set" in capsys.readouterr().err
    assert not (place / "audits").exists()
    assert main(["audit", "small.yaml", "--no-send"]) == 1
    assert main(["audit", "small.yaml", "--send", "--set", "delivery={}"]) == 2
    assert "nobody to send to" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("delivery", "said"),
    [
        ("{mail: {sender: nobody, to: [a@b.c]}}", "is no mail address"),
        ("{mail: {sender: a@b.c, to: []}}", "at least 1 item"),
        ("{mail: {sender: a@b.c, to: [d@e.f], smtp: {host: h, password: x}}}", "password_env"),
        ("{mail: {sender: a@b.c, to: [d@e.f], smtp: {host: h, user_env: U}}}", "give both"),
        (
            "{mail: {sender: a@b.c, to: [d@e.f], smtp: {host: h, tls: none, user_env: U, "
            "password_env: P}}}",
            "a password needs",
        ),
        ("{slack: {webhook_env: 'https://hooks.example.com/x'}}", "delivery.slack.webhook_env"),
        ("{link: 'javascript:x'}", "delivery.link"),
    ],
)
def test_what_a_configuration_may_not_say(place: Path, delivery: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(place / "small.yaml", overrides=[f"delivery={delivery}"])
    assert said in str(caught.value)
    assert "hooks.example.com" not in str(caught.value)


def test_no_files_are_told_of_a_run_that_is_none(tmp_path: Path, place: Path) -> None:
    with Browser() as browser, pytest.raises(FileNotFoundError):
        write_files(tmp_path, load_config(place / "small.yaml"), browser, None)
