"""Mail: the verdict first, what changed, the worst five, one picture; the rest is attached."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from journeylib.audits import MailSettings
from journeylib.delivery.briefing import STATE_WORDS, Briefing
from journeylib.present import LIGHT, Figure, esc

SUBJECT = 150  # characters; longer ones are cut by mail programs anyway
MAX_CHECKS, MAX_CHANGES = 20, 10
NOBODY = "journeylib@localhost.localdomain"
FONT = "font-family:Arial,Helvetica,sans-serif"
CELL = f"padding:6px 10px 6px 0;border-bottom:1px solid {LIGHT['line']};text-align:left"
COLOUR = {"alarm": LIGHT["bad"], "ok": LIGHT["good"], "unknown": LIGHT["muted"]}


def compose(
    briefing: Briefing,
    settings: MailSettings | None,
    *,
    as_of: dt.date,
    picture: bytes | None,
    figure: Figure | None,
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
    picture : bytes or None
        PNG of `figure`.
    figure : Figure or None
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
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.sender if settings else NOBODY
    message["To"] = ", ".join(settings.to) if settings else NOBODY
    message["Subject"] = subject(briefing, settings.subject_prefix if settings else "")
    noon = dt.datetime.combine(as_of, dt.time(12), dt.UTC)
    message["Date"] = noon
    # The same run is the same message: a second delivery is shown once.
    message["Message-ID"] = f"<{briefing.run_id}@journeylib.invalid>"
    message.set_content(_text(briefing, figure, notes))
    cid = f"{briefing.run_id}-picture" if picture and figure else ""
    message.add_alternative(_html(briefing, figure if cid else None, cid, notes), subtype="html")
    if cid and picture:
        body = list(message.iter_parts())[1]
        assert isinstance(body, EmailMessage)
        body.add_related(
            picture, "image", "png", cid=f"<{cid}>", disposition="inline", filename="feelings.png"
        )
    for path in attachments:
        kind = ("application", "pdf") if path.suffix == ".pdf" else ("text", "html")
        name = f"{path.stem}-{briefing.run_id}{path.suffix}"
        message.add_attachment(path.read_bytes(), maintype=kind[0], subtype=kind[1], filename=name)
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{number}_{briefing.run_id}")
    return message


def subject(briefing: Briefing, prefix: str = "") -> str:
    """Return the subject: verdict and number first, then of which audit."""
    said = f"{briefing.headline} · {briefing.title}"
    text = f"{prefix.strip()} {said}".strip()
    return text if len(text) <= SUBJECT else f"{text[: SUBJECT - 1]}…"


def changes_said(briefing: Briefing) -> tuple[str, ...]:
    """Return what changed in sentences; never an empty answer to "what changed"."""
    if briefing.changes:
        more = len(briefing.changes) - MAX_CHANGES
        rest = (f"And {more} more in the dashboard.",) if more > 0 else ()
        return (*briefing.changes[:MAX_CHANGES], *rest)
    return ("Nothing that the evidence shows.", briefing.comparison)


def _text(briefing: Briefing, figure: Figure | None, notes: tuple[str, ...]) -> str:
    lines = [briefing.headline, f"{briefing.title}: {briefing.base}", ""]
    if briefing.checks:
        lines.append("Checks")
        for check in briefing.checks[:MAX_CHECKS]:
            state = STATE_WORDS[check.state]
            lines.append(f"  {state}: {check.name} {check.value} (limit {check.limit})")
        lines.append("")
    lines += ["What changed", *(f"  {text}" for text in changes_said(briefing)), ""]
    if briefing.worst:
        lines.append(briefing.worst_what)
        lines += [
            f"  {low.place}. {low.touchpoint}: {low.value}, {low.customers:,} customers; "
            f"who should serve: {low.verdict}"
            for low in briefing.worst
        ]
        lines.append("")
    if figure:
        lines += [figure.alt, ""]
    if briefing.findings:
        lines += ["What to know", *(f"  - {text}" for text in briefing.findings), ""]
    lines += [_where(briefing), *notes]
    return "\n".join(lines) + "\n"


def _where(briefing: Briefing) -> str:
    if briefing.link:
        return f"The dashboard: {briefing.link}"
    return "The dashboard is attached."


def _html(briefing: Briefing, figure: Figure | None, cid: str, notes: tuple[str, ...]) -> str:
    colour = COLOUR[briefing.state]
    parts = [
        f'<h1 style="margin:0 0 4px;font-size:22px;line-height:1.3;color:{colour}">'
        f"{_sign(briefing)}{esc(briefing.headline)}</h1>",
        f'<p style="margin:0 0 20px;color:{LIGHT["muted"]};font-size:14px">'
        f"{esc(briefing.title)}<br>{esc(briefing.base)}</p>",
    ]
    if briefing.checks:
        rows = [
            [esc(c.name), esc(c.value), esc(c.limit), _state(c.state)]
            for c in briefing.checks[:MAX_CHECKS]
        ]
        parts.append(_table(("Check", "Value", "Limit", "State"), rows, right=(1, 2)))
    parts += [_heading("What changed"), _sentences(changes_said(briefing))]
    if briefing.worst:
        rows = [
            [f"{low.place}", esc(low.touchpoint), esc(low.value), f"{low.customers:,}",
             esc(low.verdict)]
            for low in briefing.worst
        ]  # fmt: skip
        parts.append(_heading(briefing.worst_what))
        titles = ("", "Touchpoint", "Value", "Customers", "Who should serve")
        parts.append(_table(titles, rows, right=(3,)))
    if figure:
        parts.append(
            f'<img src="cid:{cid}" width="600" alt="{esc(figure.alt)}" '
            'style="display:block;width:100%;max-width:600px;height:auto;border:0">'
            f'<p style="margin:4px 0 20px;color:{LIGHT["muted"]};font-size:12px">'
            f"{esc(figure.title)}. {esc(figure.note)}</p>"
        )
    if briefing.findings:
        parts += [_heading("What to know"), _sentences(briefing.findings)]
    parts.append(_button(briefing))
    parts += [
        f'<p style="margin:0 0 8px;color:{LIGHT["muted"]};font-size:12px">{esc(note)}</p>'
        for note in notes
    ]
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{esc(briefing.headline)}</title></head>"
        f'<body style="margin:0;padding:0;background:{LIGHT["bg"]}">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">'
        '<tr><td align="center" style="padding:12px 0">'
        '<table role="presentation" width="640" cellpadding="0" cellspacing="0" border="0" '
        f'style="width:100%;max-width:640px;background:{LIGHT["surface"]}"><tr>'
        f'<td style="padding:20px;{FONT};color:{LIGHT["ink"]};font-size:15px;line-height:1.45">'
        f"{''.join(parts)}</td></tr></table></td></tr></table></body></html>\n"
    )


def _sign(briefing: Briefing) -> str:
    return {"alarm": "&#9660; ", "ok": "&#10003; ", "unknown": ""}[briefing.state]


def _state(state: str) -> str:
    words = esc(STATE_WORDS[state])  # type: ignore[index]
    weight = ";font-weight:bold" if state == "alarm" else ""
    return f'<span style="color:{COLOUR[state]}{weight}">{words}</span>'


def _heading(text: str) -> str:
    return f'<h2 style="margin:20px 0 6px;font-size:16px">{esc(text)}</h2>'


def _sentences(texts: tuple[str, ...]) -> str:
    items = "".join(f'<li style="margin:0 0 6px">{esc(text)}</li>' for text in texts)
    return f'<ul style="margin:0 0 12px;padding:0 0 0 18px">{items}</ul>'


def _table(titles: tuple[str, ...], rows: list[list[str]], *, right: tuple[int, ...]) -> str:
    def cell(tag: str, place: int, text: str) -> str:
        # Inline, and no shorthand that old mail programs would drop.
        style = f"{CELL};white-space:nowrap" if tag == "th" else CELL
        align = style.replace("left", "right") if place in right else style
        scope = ' scope="col"' if tag == "th" else ""
        return f'<{tag}{scope} style="{align};font-size:14px">{text}</{tag}>'

    head = "".join(cell("th", i, esc(title)) for i, title in enumerate(titles))
    body = "".join(
        f"<tr>{''.join(cell('td', i, text) for i, text in enumerate(row))}</tr>" for row in rows
    )
    return (
        '<table width="100%" cellpadding="0" cellspacing="0" border="0" style="width:100%;'
        f'border-collapse:collapse;margin:0 0 16px"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _button(briefing: Briefing) -> str:
    if not briefing.link:
        return f'<p style="margin:16px 0">{esc(_where(briefing))}</p>'
    return (
        f'<p style="margin:20px 0"><a href="{esc(briefing.link)}" style="display:inline-block;'
        f"background:{LIGHT['head']};color:{LIGHT['head-ink']};padding:10px 18px;"
        'text-decoration:none;font-weight:bold;border-radius:4px">Open the dashboard</a></p>'
    )
