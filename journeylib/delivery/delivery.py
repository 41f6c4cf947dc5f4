"""Delivering: the files that tell of a run, and sending them where somebody asked for it."""

from __future__ import annotations

import datetime as dt
import hashlib
import http.client
import json
import os
import smtplib
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pandas as pd

from journeylib.audits import LOOPBACK, AuditConfig, DeliverySettings, MailSettings, When
from journeylib.core import RunError
from journeylib.delivery.briefing import Briefing, brief
from journeylib.delivery.chat import slack, teams
from journeylib.delivery.ci_reports import findings_list, junit, summary
from journeylib.delivery.mail import POLICY, Picture, compose
from journeylib.present import Browser, experience_chart, png

SENT = "delivery.json"
WIDTH = 600  # pixels that a mail program shows
LEAST = 2  # touchpoints that a line joins
SECONDS = 30.0  # without a byte from the other side
DEADLINE = 120.0  # for one mail or message as a whole


def write_files(
    folder: Path, config: AuditConfig, browser: Browser, picture: Picture | None
) -> Briefing:
    """Write everything that tells of a run into its directory; nothing is sent.

    `audit.pdf`, `mail.eml`, `slack.json`, `teams.json`, `summary.md`, `junit.xml`, `findings.json`.

    Parameters
    ----------
    folder : Path
        A run directory with `audit.json`, the tables and the dashboard.
    config : AuditConfig
    browser : Browser
        Prints the dashboard.
    picture : Picture or None
        Of the mail, as `mail_picture` draws it.
    """
    document = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    briefing = brief(document, folder, link=config.delivery.link)
    printed, why_not = browser.pdf(folder / "audit.html")
    notes = (why_not,) if why_not else ()
    if printed is not None:
        (folder / "audit.pdf").write_bytes(printed)
    mail = compose(
        briefing,
        config.delivery.mail,
        as_of=dt.date.fromisoformat(document["audit"]["as_of"]),
        picture=picture,
        attachments=tuple(
            folder / name for name in ("audit.html", "audit.pdf") if (folder / name).exists()
        ),
        notes=notes,
    )
    (folder / "mail.eml").write_bytes(mail.as_bytes())
    texts = {
        "slack.json": _json(slack(briefing)),
        "teams.json": _json(teams(briefing)),
        "findings.json": _json(findings_list(document)),
        "junit.xml": junit(document),
        "summary.md": summary(briefing, notes),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return briefing


def mail_picture(folder: Path, config: AuditConfig) -> Picture | None:
    """Draw how customers feel at the touchpoints, if enough of these have a feeling.

    `folder` is a run directory with the tables.
    """
    experience = pd.read_parquet(folder / "tables" / "experience.parquet")
    if experience["sentiment"].notna().sum() < LEAST:
        return None
    figure = experience_chart(
        experience,
        pd.read_parquet(folder / "tables" / "touchpoints.parquet"),
        stage_order=config.roles.stage_order,
        width=WIDTH,
    )
    return Picture(figure, png(figure.svg, width=2 * WIDTH))  # for sharp screens


def is_due(when: When, briefing: Briefing) -> bool:
    """Return whether a run is to be sent."""
    return when == "always" or (when == "alarm" and briefing.alarm)


def send(folder: Path, settings: DeliverySettings, environment: Mapping[str, str]) -> list[str]:
    """Send what a complete run directory holds to everybody who is named.

    What was sent is noted in `delivery.json`: the same news goes to the same place once, however
    often a scheduler tries again.

    Parameters
    ----------
    folder : Path
        A complete run directory.
    settings : DeliverySettings
    environment : mapping
        Where the secrets are.

    Returns
    -------
    list of str
        What could not be sent and why; empty when everything was. No secret is in it: messages
        name variables, hosts and codes, never what a server or a library said.
    """
    channels: dict[str, Callable[[], None]] = {}
    if settings.mail and settings.mail.smtp:
        mail = settings.mail
        channels["mail.eml"] = lambda: _send_mail(folder / "mail.eml", mail, environment)
    for name, hook in (("slack.json", settings.slack), ("teams.json", settings.teams)):
        if hook:
            channels[name] = lambda name=name, hook=hook: _post(  # type: ignore[misc]
                folder / name, hook.webhook_env, environment
            )
    sent, failures = already_sent(folder), []
    for name, deliver in channels.items():
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if sent.get(name, {}).get("sha256") == digest:
            continue
        try:
            _within_deadline(deliver, name)
        except RunError as error:
            failures.append(str(error))
            continue
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        sent[name] = {"sha256": digest, "at": at}
        _note_sent(folder, sent)
    return failures


def _within_deadline(deliver: Callable[[], None], name: str) -> None:
    """Deliver, or give up: a server that sends a byte now and then never runs into `SECONDS`."""
    failures: list[Exception] = []

    def attempt() -> None:
        try:
            deliver()
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(DEADLINE)
    if thread.is_alive():
        raise RunError(
            f"the server that takes {name} was not done after {DEADLINE:g} seconds; check it and "
            "the network."
        )
    if failures:
        raise failures[0]


def already_sent(folder: Path) -> dict[str, Any]:
    """Return what of a run was sent; nothing where that cannot be read."""
    try:
        sent = json.loads((folder / SENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return sent if isinstance(sent, dict) else {}


def _note_sent(folder: Path, sent: Mapping[str, Any]) -> None:
    half = folder / f".{SENT}"
    half.write_text(_json(sent), encoding="utf-8")
    half.replace(folder / SENT)


def _send_mail(file: Path, settings: MailSettings, environment: Mapping[str, str]) -> None:
    smtp = settings.smtp
    assert smtp is not None
    message = message_from_bytes(file.read_bytes(), policy=POLICY)
    message.replace_header("Date", dt.datetime.now(dt.UTC).replace(microsecond=0))
    where = f"mail server {smtp.host}:{smtp.port}"
    try:
        context = ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=SECONDS, context=context)
            if smtp.tls == "tls"
            else smtplib.SMTP(smtp.host, smtp.port, timeout=SECONDS)
        ) as server:
            if smtp.tls == "starttls":
                server.starttls(context=context)
            if smtp.user_env and smtp.password_env:
                server.login(environment[smtp.user_env], environment[smtp.password_env])
            refused = server.send_message(message)
    except smtplib.SMTPAuthenticationError:
        raise RunError(
            f"the {where} refused the login; check {smtp.user_env} and {smtp.password_env}."
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise RunError(
            f"the {where} refused all {len(error.recipients)} recipients; check delivery.mail.to."
        ) from None
    except smtplib.SMTPResponseException as error:
        raise RunError(f"the {where} refused the mail with code {error.smtp_code}.") from None
    except (smtplib.SMTPException, OSError) as error:
        raise RunError(
            f"the {where} did not take the mail ({type(error).__name__}); check delivery.mail.smtp."
        ) from None
    if refused:
        raise RunError(f"the {where} refused {len(refused)} of {len(settings.to)} recipients.")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A webhook that points elsewhere would carry the news to somebody nobody named."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Never follow."""


def _post(file: Path, variable: str, environment: Mapping[str, str]) -> None:
    # The address is a secret: no message may hold it, not even that of another's error.
    address = environment[variable]
    parts = urllib.parse.urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise RunError(f"the address in {variable} must begin with https://.")
    try:
        request = urllib.request.Request(
            address,
            data=file.read_bytes(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=SECONDS):
            return
    except urllib.error.HTTPError as error:
        code = error.code
        error.close()
        raise RunError(
            f"the webhook of {variable} refused {file.name} with HTTP {code}; make a new webhook, "
            f"or look at {file.name}."
        ) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise RunError(
            f"the webhook of {variable} did not take {file.name} ({type(error).__name__}); check "
            "the address and the network."
        ) from None


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def append_job_summary(text: str, environment: Mapping[str, str] = os.environ) -> None:
    """Add a text to the job summary of GitHub Actions, where it runs there."""
    if file := environment.get("GITHUB_STEP_SUMMARY"):
        with Path(file).open("a", encoding="utf-8") as handle:
            handle.write(f"{text.rstrip()}\n\n")
