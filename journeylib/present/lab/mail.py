"""The mail of a watch: what stops the experiment first, then what is known."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage
from email.policy import SMTP

from journeylib.audits.delivery import MailSettings
from journeylib.lab import Plan, Watch, change, count
from journeylib.present.mail import FONT, NOBODY, SUBJECT
from journeylib.present.svg import esc
from journeylib.present.theme import LIGHT

SENTENCES = {
    "stop": "Stop the experiment {name}",
    "ok": "Nothing stops the experiment {name}",
    "where": "At {touchpoint}, up to {until}.",
    "counts": "{control} customers in the control arm, {new} in the new arm.",
    "guard": "{guardrail}: {difference}; limit {limit}",
    "do": "Give every customer the control arm now, then read it: journeylib lab read.",
}


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
    head = SENTENCES["stop" if watched.stopped else "ok"].format(name=watched.name)
    lines = mail_lines(planned, watched)
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.sender if settings else NOBODY
    message["To"] = ", ".join(settings.to) if settings else NOBODY
    prefix = settings.subject_prefix if settings else ""
    message["Subject"] = f"{prefix.strip()} {head}".strip()[:SUBJECT]
    message["Date"] = dt.datetime.combine(watched.until, dt.time(12), dt.UTC)
    key = f"lab-{watched.name}-{watched.until}-{'stop' if watched.stopped else 'ok'}"
    message["Message-ID"] = f"<{key}@journeylib.invalid>"
    message.set_content("\n\n".join([head, *lines]) + "\n")
    colour = LIGHT["bad"] if watched.stopped else LIGHT["good"]
    body = "".join(f'<p style="margin:0 0 12px">{esc(line)}</p>' for line in lines)
    message.add_alternative(
        f'<div style="{FONT};font-size:15px;max-width:640px"><h1 style="font-size:20px;'
        f'color:{colour};margin:0 0 12px">{esc(head)}</h1>{body}</div>',
        subtype="html",
    )
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{number}_{key}")
    return message


def mail_lines(planned: Plan, watched: Watch) -> list[str]:
    """Return the sentences of the mail below its headline."""
    lines = [stop.text for stop in watched.stops]
    if watched.stopped:
        lines.append(SENTENCES["do"])
    lines.append(planned.settings.question)
    lines.append(
        SENTENCES["where"].format(touchpoint=planned.settings.touchpoint, until=watched.until)
    )
    if len(watched.trail):
        last = watched.trail.iloc[-1]
        lines.append(
            SENTENCES["counts"].format(control=count(last["control"]), new=count(last["new"]))
        )
    for guard in planned.settings.guardrails:
        rows = watched.harm[watched.harm["guardrail"] == guard.name]
        if len(rows):
            lines.append(
                SENTENCES["guard"].format(
                    guardrail=guard.heading.capitalize(),
                    difference=change(float(rows["difference"].iloc[-1]), guard.unit),
                    limit=change(-guard.sign * guard.limit, guard.unit),
                )
            )
    return [*lines, *watched.notes]
