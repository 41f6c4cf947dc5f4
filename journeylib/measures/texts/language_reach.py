"""How many of the texts of a log are in a language that the lexicons know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journeylib.core import AbstainReason
from journeylib.journeys import Journeys
from journeylib.log import in_language, long_enough, text_language

Flags = npt.NDArray[np.bool_]
# Where fewer texts than this are in a known language, what is not found there tells nothing.
REACH = 0.5


def by_customers(journeys: Journeys) -> Any:
    """Return a condition on steps: a text that a customer wrote, where actors are known."""
    own = _.text.notnull()
    return own & journeys.log.schema.customer_speaks if journeys.has("actor") else own


def texts_of_customers(journeys: Journeys) -> Flags:
    """Mark the texts that customers wrote."""
    return journeys.events.mark("is a customer's text", by_customers(journeys))


def customers_say(journeys: Journeys, conditions: Mapping[str, Any]) -> dict[str, Flags]:
    """Mark the customers' texts of which each condition holds; the engine asks it of no other."""
    own = by_customers(journeys)
    return journeys.events.marks(
        {name: ibis.cases((own, value), else_=False) for name, value in conditions.items()}
    )


def lexicon_reach(journeys: Journeys) -> float | None:
    """Return the share of texts in a language of the lexicons, among those long enough to tell.

    None where no text is long enough.
    """
    long = long_enough(_.text)
    # `cases` spares the engine the regular expression on short texts.
    is_covered = ibis.cases((long, in_language(_.text)), else_=False)
    flags_by_name = journeys.events.marks(
        {"tells a language": long, "is in a language": is_covered}
    )
    n, in_lexicon = (int(flags.sum()) for flags in flags_by_name.values())
    return in_lexicon / n if n else None


def text_abstain_reason(journeys: Journeys) -> AbstainReason | None:
    """Return why texts tell nothing in this log, or None where they do."""
    if not journeys.has("text"):
        return "no_column"
    reach = lexicon_reach(journeys)
    return "unidentified" if reach is not None and reach < REACH else None


def languages_of(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Return the language of each text; what tells none is in the language of most.

    Empty for all where most texts are in a language without a lexicon.
    """
    distinct = pd.Series(texts.unique(), dtype="object")
    language_of = dict(zip(distinct, (text_language(text) or "" for text in distinct), strict=True))
    languages = texts.map(language_of).astype("str")
    counts = languages.value_counts()
    most = min(counts[counts == counts.max()].index) if len(counts) else ""
    return languages.where(languages != "", most) if most else languages.where(languages == "", "")
