"""How many of the texts of a log are in a language that the lexicons know."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from journeylib.core import AbstainReason
from journeylib.journeys import Journeys
from journeylib.log import in_language, long_enough

# Where fewer texts than this are in a known language, what is not found there tells nothing.
REACH = 0.5


def by_customers(journeys: Journeys) -> Any:
    """Return a condition on steps: a text that a customer wrote, where actors are known."""
    own = _.text.notnull()
    return own & journeys.log.schema.customer_speaks if journeys.has("actor") else own


def lexicon_reach(journeys: Journeys) -> float | None:
    """Return the share of texts in a language of the lexicons, among those long enough to tell.

    None where no text is long enough.
    """
    long = long_enough(_.text)
    # `cases` spares the engine the regular expression on short texts.
    told = ibis.cases((long, in_language(_.text)), else_=False)
    found = journeys.events.marks({"tells a language": long, "is in a language": told})
    n, known = (int(flags.sum()) for flags in found.values())
    return known / n if n else None


def text_abstain_reason(journeys: Journeys) -> AbstainReason | None:
    """Return why texts tell nothing in this log, or None where they do."""
    if not journeys.has("text"):
        return "no_column"
    reach = lexicon_reach(journeys)
    return "unidentified" if reach is not None and reach < REACH else None
