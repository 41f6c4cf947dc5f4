"""What is remembered: which moments of a conversation go with the rating it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from journeylib.core import AbstainReason, Estimate
from journeylib.journeys import Drawn
from journeylib.judge.experience.peak_end import PeakEnd, peak_end_weights
from journeylib.log import fetch
from journeylib.measures import MICRO, Scores

if TYPE_CHECKING:
    from journeylib.journeys import Journeys


def remembered(journeys: Journeys, scores: Scores | AbstainReason) -> PeakEnd:
    """Fit which moments of a conversation its rating goes with.

    Parameters
    ----------
    journeys : Journeys
    scores : Scores or str
        What customers' turns sound like, as of `customer_scores`, or why nobody knows.

    Returns
    -------
    PeakEnd
        Abstains with ``no_column`` in a log without ratings or without feelings, with
        ``privacy`` where fewer customers than may be shown rated a conversation, and as
        `peak_end_weights` does.
    """
    if isinstance(scores, str):
        return _none(scores)
    if not journeys.has("rating_micro"):
        return _none("no_column")
    drawn = journeys.drawn
    turns = rated_turns(journeys, scores, drawn)
    if turns["customer"].nunique() < journeys.settings.min_customers:
        return _none("privacy" if len(turns) else "n_small")
    found = peak_end_weights(turns)
    return drawn.told(found)


def rated_turns(journeys: Journeys, scores: Scores, drawn: Drawn | None = None) -> pd.DataFrame:
    """Return the scored turns of the conversations that were rated.

    Returns
    -------
    pandas.DataFrame
        One row per scored turn: ``session``, ``customer``, ``order`` (int64), ``score`` (−1 to
        1), ``overall`` (the last rating given in the conversation).

    Notes
    -----
    A conversation is what the session column says, within one journey; elsewhere the journey.
    Turns after the rating do not count: the rating cannot rest on them.
    """
    word = ibis.null("string")
    steps = journeys.steps.select(
        "journey",
        "step",
        "rating_micro",
        talk=journeys.steps["session"] if journeys.has("session") else word,
    )
    talk = steps.talk.cast("string").fill_null("")
    steps = steps.mutate(talk=talk)
    rated = (
        steps.filter(_.rating_micro.notnull())
        .group_by(["journey", "talk"])
        .aggregate(overall=_.rating_micro.argmax(_.step), rated_step=_.step.max())
    )
    scored = scores.turns.filter(_.score.notnull()).select(
        "journey", "step", "customer_no", "score"
    )
    scored = scored if drawn is None else drawn.of(scored)
    turns = (
        scored.inner_join(steps.select("journey", "step", "talk"), ["journey", "step"])
        .inner_join(rated, ["journey", "talk"])
        .filter(_.step <= _.rated_step)
        .select("journey", "talk", "step", "customer_no", "score", "overall")
    )
    frame = fetch(turns).sort_values(["journey", "talk", "step"], ignore_index=True)
    return pd.DataFrame(
        {
            "session": frame.groupby(["journey", "talk"], sort=True).ngroup(),
            "customer": frame["customer_no"],
            "order": frame["step"],
            "score": frame["score"].astype("float64") / MICRO,
            "overall": frame["overall"].astype("float64") / MICRO,
        }
    )


def _none(reason: AbstainReason) -> PeakEnd:
    nan = float("nan")
    return PeakEnd({}, nan, nan, nan, Estimate.none(reason, "share"))
