"""What columns and actors are called in English, German and French exports."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import cast

from journeylib.core import read_packaged
from journeylib.log.schema import Actor

_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    group: {name: tuple(words) for name, words in entries.items()}
    for group, entries in read_packaged(Path(__file__).with_suffix(".yaml")).items()
}
# The surest name of a role first: each later one counts a little less.
ROLE_NAMES = _NAMES["roles"]
ACTOR_WORDS = cast("dict[Actor, tuple[str, ...]]", _NAMES["actors"])


def plain_name(name: str) -> str:
    """Return a name as lower-case words without accents: 'customerID' becomes 'customer id'.

    Examples
    --------
    >>> plain_name("case:concept:name"), plain_name("Aktivität"), plain_name("sysUpdated_at")
    ('case concept name', 'aktivitat', 'sys updated at')
    """
    bare = unicodedata.normalize("NFKD", name)
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", bare)
    return " ".join(re.findall(r"[a-z0-9]+", split.casefold()))


def name_score(column: str, role: str) -> float:
    """Say from 0 to 1 how much a column's name speaks for a role."""
    name = plain_name(column)
    names = ROLE_NAMES[role]
    if name in names:
        return 1.0 - 0.4 * names.index(name) / max(len(names), 1)
    words = set(name.split())
    inside = [i for i, candidate in enumerate(names) if set(candidate.split()) <= words]
    # A longer name may mean something else ('customer segment' is no customer).
    return 0.4 - 0.15 * inside[0] / len(names) if inside else 0.0


def actor_of_word(word: str) -> Actor | None:
    """Return the actor that a company's word means, or None: 'User_1' is a customer."""
    bare = re.sub(r"\s*\d+$", "", plain_name(word))
    for actor, words in ACTOR_WORDS.items():
        if bare in words or bare.rstrip("s") in words:
            return actor
    return None
