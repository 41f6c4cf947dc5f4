"""Pages: how what does not fit on one screen or slide is parted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from journeylib.core import Catalogue

T = TypeVar("T")


def even_parts(items: Sequence[T], most: int) -> list[Sequence[T]]:
    """Return items in as few parts of at most `most` as there must be; longer parts come first.

    Examples
    --------
    >>> even_parts("abcdefg", 6), even_parts("", 6)
    (['abcd', 'efg'], [])
    """
    many = -(-len(items) // most)
    cuts = [-(-len(items) * part // many) for part in range(many + 1)] if many else []
    return [items[start:end] for start, end in pairwise(cuts)]


def titled_pages(
    words: Catalogue, title: str, parts: Sequence[Sequence[T]]
) -> Iterator[tuple[str, Sequence[T]]]:
    """Yield each part with its title; from the second on the title says which page it is."""
    for page, part in enumerate(parts, 1):
        yield title if page == 1 else words.text("deck.continued", title=title, page=page), part
