"""One screen of the presentation, and how what does not fit on one is parted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")


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


def even_parts(items: Sequence[T], most: int) -> list[Sequence[T]]:
    """Return items in as few parts of at most `most` as there must be, all about as long.

    Examples
    --------
    >>> even_parts("abcdefg", 6), even_parts("", 6)
    (['abc', 'defg'], [])
    """
    many = -(-len(items) // most)
    cuts = [len(items) * part // many for part in range(many + 1)] if many else []
    return [items[start:end] for start, end in pairwise(cuts)]
