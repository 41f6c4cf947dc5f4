"""Chat: the briefing as a message for Slack and a card for Teams, each a few kilobytes."""

from __future__ import annotations

from typing import Any

from journeylib.delivery.briefing import STATE_WORDS, Briefing
from journeylib.delivery.mail import changes_said

HEADER, SECTION, LINES = 150, 2_900, 5


def slack(briefing: Briefing) -> dict[str, Any]:
    """Return the message for an incoming webhook of Slack, as blocks.

    Parameters
    ----------
    briefing : Briefing

    Returns
    -------
    dict
        With ``text`` for notifications and ``blocks`` for the channel.
    """
    sign = {"alarm": "🔻 ", "ok": "✅ ", "unknown": ""}[briefing.state]
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {
                "type": "plain_text",
                "text": _cut(sign + briefing.headline, HEADER),
                "emoji": True,
            },
        },
        {
            "type": "context",
            "elements": [
                {"type": "mrkdwn", "text": _escaped(f"{briefing.title} · {briefing.base}")}
            ],
        },
    ]
    for title, lines in _parts(briefing):
        said = "\n".join(f"• {_escaped(line)}" for line in lines)
        text = _cut(f"*{_escaped(title)}*\n{said}", SECTION)
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text}})
    if briefing.link:
        link = f"<{_escaped(briefing.link)}|Open the dashboard>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": link}})
    return {"text": _escaped(f"{briefing.headline} · {briefing.title}"), "blocks": blocks}


def teams(briefing: Briefing) -> dict[str, Any]:
    """Return the message for a webhook of Teams: an adaptive card.

    Parameters
    ----------
    briefing : Briefing

    Returns
    -------
    dict
    """
    colour = {"alarm": "Attention", "ok": "Good", "unknown": "Default"}[briefing.state]
    body: list[dict[str, Any]] = [
        _block(briefing.headline, size="Large", weight="Bolder", color=colour),
        _block(f"{briefing.title} · {briefing.base}", isSubtle=True, spacing="None"),
    ]
    for title, lines in _parts(briefing):
        body.append(_block(title, weight="Bolder", spacing="Medium"))
        body += [_block(line, spacing="Small") for line in lines]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if briefing.link:
        card["actions"] = [
            {"type": "Action.OpenUrl", "title": "Open the dashboard", "url": briefing.link}
        ]
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        ],
    }


def _parts(briefing: Briefing) -> list[tuple[str, list[str]]]:
    """Return title and lines: checks that do not hold, what changed, the worst."""
    amiss = [check for check in briefing.checks if check.state != "ok"]
    parts = [
        (
            "Checks that do not hold",
            [f"{STATE_WORDS[c.state]}: {c.name} {c.value} (limit {c.limit})" for c in amiss],
        ),
        ("What changed", list(changes_said(briefing))),
        (
            briefing.worst_what,
            [
                f"{low.touchpoint}: {low.value}, {low.customers:,} customers"
                for low in briefing.worst
            ],
        ),
    ]
    return [(title, [_cut(line, 300) for line in lines[:LINES]]) for title, lines in parts if lines]


def _block(text: str, **look: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _cut(text, 300), "wrap": True, **look}


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _escaped(text: str) -> str:
    """Return text in which nothing is a command of Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
