"""One screen of the presentation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Screen:
    """One screen: a heading, one idea, and what the facilitator may ask.

    `name` is what other screens link to.
    """

    name: str
    title: str
    body: str
    ask: str
    kind: str = ""
    above: str = ""
