"""What customers and bots say, language by language: a further language is one more file.

Phrases are regular expressions over text in lower case with straight apostrophes, in the part
of the syntax that RE2 (DuckDB) and Java (Spark) share: no look-around. They are matched between
letters of no word, so that ``rep`` is not found in ``report``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeylib.core import read_packaged


@dataclass(frozen=True)
class Lexicon:
    """The phrases of one language.

    Attributes
    ----------
    language : str
        ISO 639-1 code.
    stop_words : str
        Frequent words by which the language is recognised, with blanks between.
    human_alone : str
        A message of nothing else asks for a human.
    human_request : tuple of str
        Phrases that ask for a human anywhere in a message.
    human_refusal : tuple of str
        Phrases that decline a human; they are cut out before requests are looked for.
    repetition : tuple of str
        The customer says that it was said before.
    correction : tuple of str
        The customer says that the answer is wrong, or not to what was asked.
    solved : tuple of str
        The customer says that it is solved.
    thanks : tuple of str
        Gratitude, or a plain yes to "did that help".
    doubt : tuple of str
        Words that take the confirmation out of either.
    non_answer : tuple of str
        The bot says that it did not understand or cannot help.
    closing_offer : tuple of str
        A question by which a bot says goodbye; it waits for no answer.
    human_offer : tuple of str
        The bot offers a human, or says that one is coming.
    disclosure : dict of str to tuple of str
        The bot says that it is a machine, by kind: ``bot``, ``ai``, ``automated``,
        ``not_human``.
    """

    language: str
    stop_words: str
    human_alone: str
    human_request: tuple[str, ...]
    human_refusal: tuple[str, ...]
    repetition: tuple[str, ...]
    correction: tuple[str, ...]
    solved: tuple[str, ...]
    thanks: tuple[str, ...]
    doubt: tuple[str, ...]
    non_answer: tuple[str, ...]
    closing_offer: tuple[str, ...]
    human_offer: tuple[str, ...]
    disclosure: dict[str, tuple[str, ...]]


def _filled(entry: Any, parts: dict[str, str]) -> Any:
    """Return the phrases of an entry with the parts that they name filled in."""
    if isinstance(entry, dict):
        return {name: _filled(phrases, parts) for name, phrases in entry.items()}
    if isinstance(entry, list):
        return tuple(_filled(phrase, parts) for phrase in entry)
    for name, part in parts.items():
        entry = entry.replace(f"<{name}>", part)
    return entry


def _lexicon(path: Path) -> Lexicon:
    entries = read_packaged(path)
    parts = entries.pop("parts")
    return Lexicon(language=path.stem, **_filled(entries, parts))


_FOLDER = Path(__file__).parent / "lexicons"
# English first: where as many words speak for either, it is taken.
LEXICONS: tuple[Lexicon, ...] = tuple(_lexicon(_FOLDER / f"{code}.yaml") for code in ("en", "de"))
