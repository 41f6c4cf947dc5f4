"""Chat: the briefing as a message for Slack and a card for Teams, each a few kilobytes."""

from __future__ import annotations

import re
from typing import Any

from journeylib.core import text
from journeylib.delivery.briefing import SIGNS, Briefing

HEADER, SECTION, LINES = 150, 2_900, 5
# What Teams takes for emphasis, a link or an image.
_MARKS = re.compile(r"[\\*_`\[\]]")


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
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {
                "type": "plain_text",
                "text": _cut(SIGNS[briefing.state] + briefing.headline, HEADER),
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
        listed = "\n".join(f"• {_escaped(line)}" for line in lines)
        blocks.append(_section(_cut(f"*{_escaped(title)}*\n{listed}", SECTION)))
    if briefing.link:
        blocks.append(_section(f"<{_escaped(briefing.link)}|{text('delivery.open')}>"))
    return {"text": _escaped(f"{briefing.headline} · {briefing.title}"), "blocks": blocks}


def teams(briefing: Briefing) -> dict[str, Any]:
    """Return the message for a webhook of Teams: an adaptive card.

    Parameters
    ----------
    briefing : Briefing
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
            {"type": "Action.OpenUrl", "title": text("delivery.open"), "url": briefing.link}
        ]
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        ],
    }


def _parts(briefing: Briefing) -> list[tuple[str, list[str]]]:
    """Return title and lines: checks that do not hold, the decisions, what changed."""
    parts = [
        (text("delivery.amiss"), [check.line for check in briefing.checks if check.state != "ok"]),
        (briefing.finding, [briefing.detail]),
        (text("delivery.decide"), [one.line for one in briefing.decisions]),
        (text("delivery.changed"), list(briefing.change_lines)),
    ]
    return [(title, [_cut(line, 300) for line in lines[:LINES]]) for title, lines in parts if lines]


def _section(words: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": words}}


def _block(words: str, **look: Any) -> dict[str, Any]:
    plain = _MARKS.sub(r"\\\g<0>", _cut(words, 300))
    return {"type": "TextBlock", "text": plain, "wrap": True, **look}


def _cut(words: str, length: int) -> str:
    return words if len(words) <= length else f"{words[: length - 1]}…"


def _escaped(words: str) -> str:
    """Return text in which nothing is a command of Slack."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
