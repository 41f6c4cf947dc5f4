"""Suggestions for a mapping: touchpoints that may be one, by name and by what surrounds them."""

from __future__ import annotations

import re

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journeylib.core import refuse_other, working
from journeylib.log import EventLog, fetch

ALIKE = 0.9
ALMOST = 0.6
SAME_PLACE = 0.9
MOST_TOUCHPOINTS = 500
COLUMNS = ("merge", "into", "name_similarity", "context_similarity", "events", "into_events",
           "customers")  # fmt: skip


@working("looking for touchpoints that may be one")
def suggest_mapping(log: EventLog, *, min_customers: int = 10) -> pd.DataFrame:
    """Propose touchpoints that may be one; nothing is applied.

    Parameters
    ----------
    log : EventLog
    min_customers : int
        Touchpoints of fewer customers are not named.

    Returns
    -------
    pandas.DataFrame
        One row per touchpoint to merge, surest first: ``merge``, ``into`` (str; the one with more
        events), ``name_similarity``, ``context_similarity`` (float64, 0 to 1), ``events``,
        ``into_events``, ``customers`` (int64; the first two of `merge` and `into`, the last of
        `merge`).

    Notes
    -----
    Names are compared without case, punctuation and order of words (rapidfuzz, token sort
    ratio); contexts are what comes right before and after, as a cosine. A pair is proposed if
    its names are .9 alike, or .6 alike in contexts that are .9 alike; never if the numbers in
    the names differ: *Step 1* is not *Step 2*. Of more than 500 touchpoints the most frequent
    are looked at.
    """
    refuse_other(log, "EventLog")
    from rapidfuzz import fuzz, process

    counts = fetch(
        log.events.group_by("touchpoint").aggregate(
            events=_.count(), customers=_.customer.nunique()
        )
    )
    counts = counts[counts["customers"] >= min_customers]
    counts = counts.sort_values(["events", "touchpoint"], ascending=[False, True], kind="stable")
    counts = counts.head(MOST_TOUCHPOINTS).reset_index(drop=True)
    names = list(counts["touchpoint"])
    if len(names) < 2:
        return pd.DataFrame(columns=list(COLUMNS))
    plain = [" ".join(re.findall(r"\w+", name.casefold().replace("_", " "))) for name in names]
    numbers = [tuple(re.findall(r"\d+", name)) for name in names]
    spelt = process.cdist(plain, plain, scorer=fuzz.token_sort_ratio, workers=1) / 100.0
    placed = _contexts(log, names)
    near = (spelt >= ALIKE) | ((spelt >= ALMOST) & (placed >= SAME_PLACE))
    rows = []
    for rarer in range(1, len(names)):
        into = [k for k in np.flatnonzero(near[rarer, :rarer]) if numbers[k] == numbers[rarer]]
        if not into:
            continue
        best = max(into, key=lambda k: (spelt[rarer, k] + placed[rarer, k], -k))
        rows.append(
            (
                names[rarer],
                names[best],
                float(spelt[rarer, best]),
                float(placed[rarer, best]),
                int(counts["events"][rarer]),
                int(counts["events"][best]),
                int(counts["customers"][rarer]),
            )
        )
    suggestions = pd.DataFrame(rows, columns=list(COLUMNS))
    sureness = suggestions["name_similarity"] + suggestions["context_similarity"]
    order = suggestions.assign(_sure=-sureness).sort_values(["_sure", "merge"], kind="stable")
    return order.drop(columns="_sure").reset_index(drop=True)


def _contexts(log: EventLog, names: list[str]) -> npt.NDArray[np.float64]:
    """Return the cosine between what surrounds each two touchpoints."""
    clock = ["t_us"] if log.has_clock else []
    window = ibis.window(group_by="customer", order_by=[*clock, "position", "touchpoint"])
    following = log.events.select("touchpoint", after=_.touchpoint.lead().over(window))
    pairs = fetch(
        following.filter(_.after.notnull()).group_by(["touchpoint", "after"]).aggregate(n=_.count())
    )
    number_of = {name: number for number, name in enumerate(names)}
    pairs = pairs[pairs["touchpoint"].isin(number_of) & pairs["after"].isin(number_of)]
    at, to = pairs["touchpoint"].map(number_of).to_numpy(), pairs["after"].map(number_of).to_numpy()
    after = np.zeros((len(names), len(names)))
    after[at, to] = pairs["n"]
    around = np.concatenate([after, after.T], axis=1)
    length = np.sqrt((around**2).sum(axis=1))
    # einsum without BLAS: the order of additions must not depend on threads
    dots = np.einsum("ik,jk->ij", around, around)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = dots / np.outer(length, length)
    return np.minimum(np.nan_to_num(np.asarray(cosine, dtype=np.float64)), 1.0)
