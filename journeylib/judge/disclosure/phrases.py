"""In which words bots say that they are machines; what customers say is never shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journeylib.core import AbstainReason, text
from journeylib.journeys import Events, Journeys
from journeylib.judge.paradoxes.bot_human_comparison import Estimand, shares
from journeylib.judge.paradoxes.rows import Rows
from journeylib.log import LEXICONS, discloses, disclosing_sentence, suppress
from journeylib.measures import text_abstain_reason

PHRASE_COLUMNS = ("kind", "language", "share", "customers", "turn")
SENTENCE_COLUMNS = ("words", "sessions", "customers", "turn")
# What a name may look like within a sentence; in German every noun does.
_NAME = r" (?:\p{Lu}\p{Ll}[\pL'’-]*|\p{Lu}{3,}[\pL'’-]*)"
_ADDRESSED = r"^\p{Lu}\p{Ll}[\pL'’-]*,"
_GREETED = (
    r"(?:[Hh]ello|[Hh]i|[Hh]ey|[Dd]ear|[Hh]allo|[Ll]iebe|[Ll]ieber|[Tt]ag|[Mm]orgen|[Aa]bend|"
    rf"[Mm]oin|[Mm]r\.?|[Mm]rs\.?|[Mm]s\.?|[Hh]err|[Ff]rau),?{_NAME}"
)
_PRIVATE = r"[\pN@/\\]"
LONGEST = 200
_KINDS = {
    f"k{number}": one
    for number, one in enumerate(
        (kind, lexicon) for lexicon in LEXICONS for kind in lexicon.disclosure
    )
}
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Phrases:
    """The words by which bots disclose themselves.

    Attributes
    ----------
    abstain : str or None
        ``no_column`` without text, ``unidentified`` in languages without a lexicon.
    phrases : pandas.DataFrame
        One row per kind of phrase and language, most frequent first: ``kind`` (of
        ``judge.phrase`` in the catalogue), ``language`` (ISO 639-1), ``share`` (Estimate: of
        sessions in which a bot says something), ``customers`` (int64), ``turn`` (float64:
        median number of the bot's turn that first says so, 1 for its first). Of at least the
        minimum of customers.
    sentences : pandas.DataFrame
        One row per sentence that bots said word for word to at least the minimum of customers,
        most customers first: ``words`` (a part that differs between customers is “…”),
        ``sessions``, ``customers`` (int64), ``turn`` (as above). None holds a digit or an
        address.
    """

    abstain: AbstainReason | None = None
    phrases: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=PHRASE_COLUMNS))
    sentences: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SENTENCE_COLUMNS))

    def to_dict(self) -> dict[str, Any]:
        """Return the form that `audit.json` holds."""
        rows = self.phrases.to_dict("records")
        return {
            "abstain": self.abstain,
            "phrases": [row | {"share": row["share"].to_dict()} for row in rows],
            "sentences": self.sentences.to_dict("records"),
        }

    def sentence(self) -> str:
        """Return in which words bots disclose themselves; empty where none do."""
        if self.phrases.empty:
            return ""
        first = self.phrases.iloc[0]
        values = {"kind": text(f"judge.phrase.{first['kind']}"), "turn": first["turn"]}
        words = text("judge.disclosure.words", share=first["share"], **values)
        if self.sentences.empty:
            return f"{words} {text('judge.disclosure.no_sentence')}"
        most = self.sentences.iloc[0]
        sentence = text("judge.disclosure.sentence", words=most["words"], n=most["customers"])
        return f"{words} {sentence}"


def find_phrases(journeys: Journeys, contact: Whole, min_customers: int) -> Phrases:
    """Find the words by which bots say that they are machines.

    Parameters
    ----------
    journeys : Journeys
        With actors.
    contact : ndarray of int64
        Number of the contact that each event belongs to.
    min_customers : int
        What was said to fewer is not shown.

    Notes
    -----
    Phrases are looked for in what bots say alone, never in what customers say. A sentence is
    shown if it went to enough customers word for word. Where two sentences differ only in words
    that look like names, or a greeting is followed by one, that part is left out (“…”), and so
    is a single word that differs between two sentences and is no word of the phrases, and every
    capitalised word of a name in the role ``resource``: who serves is a person too.
    """
    if reason := text_abstain_reason(journeys):
        return Phrases(abstain=reason)
    spoken = _spoken(journeys, contact)
    texts = journeys.events.values("texts in which bots disclose", _disclosing_text())
    disclosing = spoken[texts.known[spoken["row"]]]
    if disclosing.empty:
        return Phrases()
    turns = _disclosures(journeys.events, disclosing, texts.number[disclosing["row"]])
    phrases = _phrases(spoken, turns, min_customers)
    sentences = _sentences(turns, min_customers, _staff(journeys))
    return Phrases(phrases=phrases, sentences=sentences)


def _staff(journeys: Journeys) -> frozenset[str]:
    """Return the words of the names of those who serve, but for the words of the phrases."""
    events = journeys.events
    names = events.column("resource").words if events.has("resource") else ()
    words = {word for name in names for word in re.findall(r"[^\W\d_]{3,}", str(name).casefold())}
    return frozenset(words - _vocabulary())


def _vocabulary() -> set[str]:
    """Return the words of which the phrases are made."""
    phrases = " ".join(p for one in LEXICONS for kind in one.disclosure.values() for p in kind)
    return set(re.findall(r"[^\W\d_]+", phrases.casefold()))


def _without_staff(sentence: str, staff: frozenset[str]) -> str:
    """Leave out the capitalised words that name who serves.

    Examples
    --------
    >>> _without_staff("I am a bot; Anna Berg's team helps you.", frozenset({"anna", "berg"}))
    'I am a bot; … … team helps you.'
    """
    words = sentence.split(" ")
    name = re.compile(r"[^\W\d_]{3,}")
    return " ".join(
        "…"
        if word[:1].isupper() and staff & {part.casefold() for part in name.findall(word)}
        else word
        for word in words
    )


def _spoken(journeys: Journeys, contact: Whole) -> pd.DataFrame:
    """Return the bots' turns with words, in order: whose, in which contact, ``turn`` and ``row``.

    They are numbered within the contact from 1; a silent turn tells nothing.
    """
    events = journeys.events
    row = np.flatnonzero(
        events.column("actor").is_word("bot") & events.mark("has a text", _.text.notnull())
    )
    spoken = pd.DataFrame(
        {
            "row": row,
            "contact": contact[row],
            "journey": events.journey[row],
            "customer_no": events.customer[row],
            "group": events.group[row].astype(np.int64),
        }
    )
    return spoken.assign(turn=spoken.groupby("contact").cumcount() + 1)


def _disclosing_text() -> Any:
    """Return the text of a turn in which a bot says in whatever way that it is a machine."""
    kinds = sorted({kind for kind, _lexicon in _KINDS.values()})
    return ibis.cases(((_.actor == "bot") & discloses(_.text, kinds), _.text))


def _disclosures(events: Events, turns: pd.DataFrame, text_no: Whole) -> pd.DataFrame:
    """Add to the turns that say it is a machine in which of `_KINDS`, and in which ``words``.

    Of the words also the ``frame``, without what may be a name, whether somebody is ``greeted``
    by name in them, and whether they hold something ``private``. `text_no` numbers their texts.
    """
    # A bot says the same to many: each text is read once.
    _text, example, number = np.unique(text_no, return_index=True, return_inverse=True)
    words = disclosing_sentence(_.text)
    columns = events.values_at(
        turns["row"].to_numpy()[example],
        **{code: discloses(_.text, (kind,), (lex,)) for code, (kind, lex) in _KINDS.items()},
        words=words,
        frame=words.re_replace(_NAME, " …").re_replace(_ADDRESSED, "…,"),
        greeted=words.re_search(_GREETED),
        private=words.re_search(_PRIVATE),
    )
    read: pd.DataFrame = columns.to_pandas().iloc[number].reset_index(drop=True)
    disclosures: pd.DataFrame = pd.concat([turns.reset_index(drop=True), read], axis=1)
    return disclosures


def _phrases(spoken: pd.DataFrame, turns: pd.DataFrame, min_customers: int) -> pd.DataFrame:
    sessions = spoken.drop_duplicates("contact").set_index("contact")
    for code in _KINDS:
        # The first turn of a contact stands first.
        sessions[code] = turns[turns[code]].drop_duplicates("contact").set_index("contact")["turn"]
    counted = {
        code: sessions.loc[sessions[code].notna(), "customer_no"].nunique() for code in _KINDS
    }
    shown = [code for code in _KINDS if counted[code] >= max(min_customers, 1)]
    estimands = {code: _estimand(_KINDS[code][0], min_customers) for code in shown}
    if not shown:
        return pd.DataFrame(columns=list(PHRASE_COLUMNS))
    own = Rows({name: sessions[name].to_numpy() for name in ("journey", "customer_no", "group")})
    says = {code: sessions[code].notna().to_numpy() for code in shown}
    estimates = shares(own, says, True, estimands)
    rows = []
    often = {code: one.hi if one.value is None else one.value for code, one in estimates.items()}
    for code in sorted(shown, key=lambda code: (-(often[code] or 0), code)):
        kind, lexicon = _KINDS[code]
        counts = (counted[code], float(sessions[code].median()))
        rows.append((kind, lexicon.language, estimates[code], *counts))
    return pd.DataFrame(rows, columns=list(PHRASE_COLUMNS))


def _estimand(kind: str, min_customers: int) -> Estimand:
    what = text("judge.estimand.phrase", kind=text(f"judge.phrase.{kind}"))
    return Estimand(what, "share", min_customers)


def _sentences(turns: pd.DataFrame, min_customers: int, staff: frozenset[str]) -> pd.DataFrame:
    sentences = turns[
        (turns["words"] != "") & (turns["words"].str.len() <= LONGEST) & ~turns["private"]
    ]
    forms = sentences.groupby("frame")["words"].transform("nunique")
    framed = sentences["words"].where((forms == 1) & ~sentences["greeted"], sentences["frame"])
    once = sentences.assign(words=framed).drop_duplicates(["contact", "words"])
    counts = once.groupby("words", as_index=False).agg(
        sessions=("contact", "size"), customers=("customer_no", "nunique"), turn=("turn", "median")
    )
    shown, _hidden = suppress(counts, max(min_customers, 1))
    differing = _without_differing(shown["words"].tolist())
    shown["words"] = [_without_staff(sentence, staff) for sentence in differing]
    # Two that are alike without what differs may share customers: the larger base is sure.
    shown = shown.sort_values(["customers", "words"], ascending=[False, True], kind="stable")
    return shown.drop_duplicates("words")[list(SENTENCE_COLUMNS)].reset_index(drop=True)


def _without_differing(sentences: list[str]) -> list[str]:
    """Leave out the one word in which two sentences differ, unless the lexicon has it.

    Examples
    --------
    >>> _without_differing(["hello anna i am a bot", "hello peter i am a bot"])
    ['hello … i am a bot', 'hello … i am a bot']
    >>> _without_differing(["I am a virtual assistant.", "I am a digital assistant."])
    ['I am a virtual assistant.', 'I am a digital assistant.']
    """
    vocabulary = _vocabulary()
    split = [sentence.split(" ") for sentence in sentences]
    hidden: list[set[int]] = [set() for _sentence in split]
    for i, one in enumerate(split):
        for j, other in enumerate(split[:i]):
            apart = [
                k for k, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1
            ]
            if len(one) != len(other) or len(apart) != 1:
                continue
            words = (one[apart[0]], other[apart[0]])
            if not all(word.casefold().strip(".,!?;:") in vocabulary for word in words):
                hidden[i].add(apart[0])
                hidden[j].add(apart[0])
    return [
        " ".join("…" if k in positions else word for k, word in enumerate(words))
        for words, positions in zip(split, hidden, strict=True)
    ]
