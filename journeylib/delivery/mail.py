"""Mail: the first screen in words: alarm, decisions, what changed; the dashboard is attached."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from pathlib import Path
from typing import Any, cast

from journeylib.audits import MailSettings
from journeylib.core import number, text
from journeylib.delivery.briefing import Briefing, Check, WorstTouchpoint
from journeylib.delivery.rendering import render
from journeylib.present import LIGHT, Figure

SUBJECT = 150  # characters; longer ones are cut by mail programs anyway
MAX_CHECKS = 20
NOBODY = "journeylib@localhost.localdomain"
STATE_COLOURS = {"alarm": LIGHT["bad"], "ok": LIGHT["good"], "unknown": LIGHT["muted"]}
SIGNS = {"alarm": "&#9660; ", "ok": "&#10003; ", "unknown": ""}
Cell = tuple[str, str]  # words and style


class _MailPolicy(EmailPolicy):
    """Folds a subject so that every space stays: the standard one drops some between umlauts."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Return a header as it is sent."""
        if name.lower() != "subject" or value.isascii():
            return super().fold_binary(name, value)
        return f"{name}: {Header(value, 'utf-8', header_name=name).encode()}\n".replace(
            "\n", self.linesep
        ).encode("ascii")


POLICY = cast("EmailPolicy[EmailMessage]", _MailPolicy(linesep="\r\n"))


@dataclass(frozen=True)
class Picture:
    """A figure with its PNG."""

    figure: Figure
    png: bytes


def compose(
    briefing: Briefing,
    settings: MailSettings | None,
    *,
    as_of: dt.date,
    picture: Picture | None,
    attachments: tuple[Path, ...] = (),
    notes: tuple[str, ...] = (),
) -> EmailMessage:
    """Write the mail of a run.

    Parameters
    ----------
    briefing : Briefing
    settings : MailSettings or None
        None: a mail from and to nobody, to be looked at.
    as_of : datetime.date
        Stands as the date until the mail is sent, so that the file is the same on every run.
    picture : Picture or None
    attachments : tuple of Path
        HTML and PDF files.
    notes : tuple of str
        What else the reader should know, such as why there is no PDF.

    Returns
    -------
    email.message.EmailMessage
        Plain text and HTML of tables with inline styles: no script, no SVG, nothing to be
        fetched.
    """
    figure = picture.figure if picture else None
    message = EmailMessage(policy=POLICY)
    message["From"] = settings.sender if settings else NOBODY
    message["To"] = ", ".join(settings.to) if settings else NOBODY
    message["Subject"] = subject(briefing, settings.subject_prefix if settings else "")
    message["Date"] = dt.datetime.combine(as_of, dt.time(12), dt.UTC)
    # The same run is the same message: a second delivery is shown once.
    message["Message-ID"] = f"<{briefing.run_id}@journeylib.invalid>"
    plain = {"checks": briefing.checks[:MAX_CHECKS], "changes": briefing.change_lines}
    message.set_content(
        render("mail.txt.j2", briefing=briefing, figure=figure, notes=notes, **plain)
    )
    cid = f"{briefing.run_id}-picture"
    message.add_alternative(_html(briefing, figure, cid, notes), subtype="html")
    if picture:
        body = list(message.iter_parts())[1]
        assert isinstance(body, EmailMessage)
        body.add_related(
            picture.png,
            "image",
            "png",
            cid=f"<{cid}>",
            disposition="inline",
            filename="feelings.png",
        )
    for path in attachments:
        _attach(message, path, briefing.run_id)
    for index, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{index}_{briefing.run_id}")
    return message


def _attach(message: EmailMessage, path: Path, run_id: str) -> None:
    kind = ("application", "pdf") if path.suffix == ".pdf" else ("text", "html")
    name = f"{path.stem}-{run_id}{path.suffix}"
    message.add_attachment(path.read_bytes(), maintype=kind[0], subtype=kind[1], filename=name)


def subject(briefing: Briefing, prefix: str = "") -> str:
    """Return the subject: of which audit and day, the alarm or none, and how many decisions."""
    names = ("title", "day", "headline")
    words = text("delivery.headline.subject", **{name: getattr(briefing, name) for name in names})
    words = f"{prefix.strip()} {words}".strip()
    return words if len(words) <= SUBJECT else f"{words[: SUBJECT - 1]}…"


def _html(briefing: Briefing, figure: Figure | None, cid: str, notes: tuple[str, ...]) -> str:
    return render(
        "mail.html.j2",
        briefing=briefing,
        colours=LIGHT,
        state_colours=STATE_COLOURS,
        sign=SIGNS[briefing.state],
        checks=[_check_cells(check) for check in briefing.checks[:MAX_CHECKS]],
        changes=briefing.change_lines,
        worst=[_worst_cells(one) for one in briefing.worst],
        figure=figure,
        cid=cid,
        notes=notes,
    )


def _check_cells(check: Check) -> list[Cell]:
    look = f"color:{STATE_COLOURS[check.state]}"
    look += ";font-weight:bold" * (check.state == "alarm")
    return [(check.name, ""), (check.value, ""), (check.limit, ""), (check.state_word, look)]


def _worst_cells(one: WorstTouchpoint) -> list[Cell]:
    cells = (number(one.place), one.touchpoint, one.value, number(one.customers), one.verdict)
    return [(cell, "") for cell in cells]
