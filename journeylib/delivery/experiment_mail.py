"""The mail of a watch: what stops the experiment first, then what is known."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage

from journeylib.audits import MailSettings
from journeylib.core import text
from journeylib.delivery.mail import NOBODY, POLICY, SUBJECT
from journeylib.delivery.rendering import render
from journeylib.lab import Plan, Watch, change, count
from journeylib.present import LIGHT


def watch_mail(planned: Plan, watched: Watch, settings: MailSettings | None) -> EmailMessage:
    """Write the mail of a watch.

    Parameters
    ----------
    planned : Plan
    watched : Watch
    settings : MailSettings or None
        None: a mail from and to nobody, to be looked at.

    Returns
    -------
    email.message.EmailMessage
        Plain text and simple HTML; the same watch is the same message.
    """
    head = text(f"lab.mail.{'stop' if watched.stopped else 'ok'}", name=watched.name)
    lines = mail_lines(planned, watched)
    message = EmailMessage(policy=POLICY)
    message["From"] = settings.sender if settings else NOBODY
    message["To"] = ", ".join(settings.to) if settings else NOBODY
    prefix = settings.subject_prefix if settings else ""
    message["Subject"] = f"{prefix.strip()} {head}".strip()[:SUBJECT]
    message["Date"] = dt.datetime.combine(watched.until, dt.time(12), dt.UTC)
    key = f"lab-{watched.name}-{watched.until}-{'stop' if watched.stopped else 'ok'}"
    message["Message-ID"] = f"<{key}@journeylib.invalid>"
    message.set_content("\n\n".join([head, *lines]) + "\n")
    colour = LIGHT["bad"] if watched.stopped else LIGHT["good"]
    page = render("watch.html.j2", head=head, lines=lines, colour=colour)
    message.add_alternative(page, subtype="html")
    for index, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{index}_{key}")
    return message


def mail_lines(planned: Plan, watched: Watch) -> list[str]:
    """Return the sentences of the mail below its headline."""
    lines = [stop.text for stop in watched.stops]
    if watched.stopped:
        lines.append(text("lab.mail.do"))
    lines.append(planned.settings.question)
    lines.append(
        text(
            "lab.mail.where",
            touchpoint=planned.settings.touchpoint,
            until=watched.until.isoformat(),
        )
    )
    if len(watched.trail):
        last = watched.trail.iloc[-1]
        lines.append(
            text("lab.mail.counts", control=count(last["control"]), new=count(last["new"]))
        )
    for guard in planned.settings.guardrails:
        rows = watched.harm[watched.harm["guardrail"] == guard.name]
        if len(rows):
            lines.append(
                text(
                    "lab.mail.guard",
                    guardrail=guard.heading.capitalize(),
                    difference=change(float(rows["difference"].iloc[-1]), guard.unit),
                    limit=change(-guard.sign * guard.limit, guard.unit),
                )
            )
    return [*lines, *watched.notes]
