"""What a text says, found in the engine: requests for a human, repetition, thanks, questions.

Detectors are regular expressions over lexicons (`lexicon.LEXICONS`), one pass in the engine
that holds the events. They are apart from sentiment and come before it: to a sentiment lexicon
"agent!" is neutral. Sarcasm is not handled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import ibis
import numpy.typing as npt

from journeylib.log.text.lexicon import LEXICONS, Lexicon

# A word ends where no letter follows; \b would end German words at an umlaut.
_BEFORE = r"(?:^|[^\pL\pN])"
_AFTER = r"(?:[^\pL\pN]|$)"
WORDS_THAT_TELL_A_LANGUAGE = 4


def normalised(text: ibis.expr.types.StringValue) -> ibis.expr.types.StringValue:
    """Return `text` in lower case, with straight apostrophes and single blanks."""
    straight = text.lower().replace("’", "'").replace("´", "'")
    return straight.re_replace(r"\s+", " ")


def _any_of(phrases: Iterable[str]) -> str:
    return f"{_BEFORE}(?:{'|'.join(phrases)}){_AFTER}"


def _found(text: ibis.expr.types.StringValue, pattern: str) -> ibis.expr.types.BooleanValue:
    return text.re_search(pattern).fill_null(False)


def asks_for_human(
    text: ibis.expr.types.StringValue,
    further_words: Sequence[str] = (),
    lexicons: Sequence[Lexicon] = LEXICONS,
) -> ibis.expr.types.BooleanValue:
    """Whether a customer's text asks for a human; false where there is no text.

    Parameters
    ----------
    text : Ibis string
    further_words : sequence of str
        Catalogue or phrases of the company's own that ask for a human, taken literally.
    lexicons : sequence of Lexicon

    Notes
    -----
    Phrases that decline a human ("I don't want to be transferred to an agent") are cut out first.
    """
    plain = normalised(text)
    alone = rf"^[^\pL\pN]*(?:{'|'.join(lexicon.human_alone for lexicon in lexicons)})[^\pL\pN]*$"
    refusals = _any_of(phrase for lexicon in lexicons for phrase in lexicon.human_refusal)
    requests = [phrase for lexicon in lexicons for phrase in lexicon.human_request]
    requests += [re.escape(word.casefold()) for word in further_words]
    rest = plain.re_replace(refusals, " ; ")
    return _found(plain, alone) | _found(rest, _any_of(requests))


def says_again(
    text: ibis.expr.types.StringValue, lexicons: Sequence[Lexicon] = LEXICONS
) -> ibis.expr.types.BooleanValue:
    """Whether a customer says that this was said before ("the third time I explain")."""
    return _found(normalised(text), _any_of(p for lexicon in lexicons for p in lexicon.repetition))


def says_wrong(
    text: ibis.expr.types.StringValue, lexicons: Sequence[Lexicon] = LEXICONS
) -> ibis.expr.types.BooleanValue:
    """Whether a customer says that the answer was wrong, or not to what was asked."""
    return _found(normalised(text), _any_of(p for lexicon in lexicons for p in lexicon.correction))


def confirms(
    text: ibis.expr.types.StringValue, lexicons: Sequence[Lexicon] = LEXICONS
) -> ibis.expr.types.BooleanValue:
    """Whether a customer's last word confirms a solution or gives thanks without a "but"."""
    plain = normalised(text)
    kind = _any_of(p for lexicon in lexicons for p in (*lexicon.solved, *lexicon.thanks))
    doubt = _any_of(p for lexicon in lexicons for p in lexicon.doubt)
    return _found(plain, kind) & ~_found(plain, doubt)


def awaits_answer(
    text: ibis.expr.types.StringValue, lexicons: Sequence[Lexicon] = LEXICONS
) -> ibis.expr.types.BooleanValue:
    """Whether a bot's turn is a question or no answer, so that silence after it tells something.

    A closing offer ("is there anything else?") is not such a question.
    """
    closing = "|".join(p for lexicon in lexicons for p in lexicon.closing_offer)
    question = _found(normalised(text).re_replace(closing, " "), r"\?")
    return question | fails_to_answer(text, lexicons)


def fails_to_answer(
    text: ibis.expr.types.StringValue, lexicons: Sequence[Lexicon] = LEXICONS
) -> ibis.expr.types.BooleanValue:
    """Whether a bot's turn says that it did not understand, or cannot help."""
    return _found(normalised(text), _any_of(p for lexicon in lexicons for p in lexicon.non_answer))


def offers_human(
    text: ibis.expr.types.StringValue, lexicons: Sequence[Lexicon] = LEXICONS
) -> ibis.expr.types.BooleanValue:
    """Whether a bot's turn offers a human or announces one."""
    return _found(normalised(text), _any_of(p for lexicon in lexicons for p in lexicon.human_offer))


def discloses(
    text: ibis.expr.types.StringValue,
    kinds: Sequence[str],
    lexicons: Sequence[Lexicon] = LEXICONS,
) -> ibis.expr.types.BooleanValue:
    """Whether a bot's turn says in one of these ways that it is a machine."""
    return _found(normalised(text), _any_of(_disclosing(kinds, lexicons)))


def disclosing_sentence(
    text: ibis.expr.types.StringValue, lexicons: Sequence[Lexicon] = LEXICONS
) -> ibis.expr.types.StringValue:
    """Return the first sentence that says it is a machine, as it was written; else empty."""
    kinds = [kind for lexicon in lexicons for kind in lexicon.disclosure]
    phrases = "|".join(_disclosing(sorted(set(kinds)), lexicons))
    within, outside = r"[^.!?]*", r"[^\pL\pN.!?]"
    sentence = rf"(?i)((?:{within}{outside})?(?:{phrases})(?:{outside}{within})?[.!?]*)(?:\s|$)"
    straight = text.replace("’", "'").replace("´", "'").re_replace(r"\s+", " ")
    return straight.re_extract(sentence, 1).strip()


def _disclosing(kinds: Iterable[str], lexicons: Sequence[Lexicon]) -> list[str]:
    return [p for lexicon in lexicons for kind in kinds for p in lexicon.disclosure.get(kind, ())]


def in_language(
    text: ibis.expr.types.StringValue, lexicons: Sequence[Lexicon] = LEXICONS
) -> ibis.expr.types.BooleanValue:
    """Whether `text` holds a frequent word of one of the lexicons' languages."""
    words = [re.escape(word) for lexicon in lexicons for word in lexicon.stop_words.split()]
    return _found(normalised(text), _any_of(words))


def long_enough(text: ibis.expr.types.StringValue) -> ibis.expr.types.BooleanValue:
    """Whether `text` has enough words for its language to be told."""
    return _found(text, rf"(?:[\pL']+[^\pL']+){{{WORDS_THAT_TELL_A_LANGUAGE},}}")


def sample_customers(customer_no: npt.NDArray[Any], most: int) -> tuple[npt.NDArray[Any], int]:
    """Choose customers, so that of their texts about `most` are read at most.

    Parameters
    ----------
    customer_no : ndarray of int
        Whose each text is.
    most : int

    Returns
    -------
    tuple of ndarray of bool and int
        Marks the texts of a fixed pseudo-random sample of customers, and the sample's size in
        thousandths.
    """
    per_mille = min(1000, 1000 * most // max(len(customer_no), 1))
    return in_sample(customer_no.astype("int64"), per_mille), per_mille


def in_sample(customer_no: Any, per_mille: int) -> Any:
    """Mark the customers in the fixed sample of so many in a thousand, of numbers in int64."""
    # Knuth's multiplier spreads the customers' numbers, which are in order of their names.
    return (customer_no * 2_654_435_761) % 1000 < per_mille


def text_language(text: str, lexicons: Sequence[Lexicon] = LEXICONS) -> str | None:
    """Return the language whose frequent words `text` has most of, or None.

    Examples
    --------
    >>> text_language("das funktioniert überhaupt nicht"), text_language("I want a refund")
    ('de', 'en')
    >>> text_language("merci beaucoup") is None
    True
    """
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text.casefold().replace("’", "'"))
    frequent = [frozenset(lexicon.stop_words.split()) for lexicon in lexicons]
    hits = [
        (sum(word in frequent[index] for word in words), -index, lexicon.language)
        for index, lexicon in enumerate(lexicons)
    ]
    count, _index, language = max(hits, default=(0, 0, None))
    return language if count else None
