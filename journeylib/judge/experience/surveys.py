"""Surveys: outcomes that are answers, and what those who did not answer leave open."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import GROUPS, MICRO, US_PER_DAY, ConfigError, Estimate, Floats
from journeylib.journeys import Journeys, rows_in_order, words_at
from journeylib.judge.experience.customer_outcomes import all_outcomes, of_kind
from journeylib.judge.experience.known_values import last_values
from journeylib.judge.experience.nonresponse import response_adjusted, response_bounds
from journeylib.log import bounded_share, share_bounds
from journeylib.measures import RATING_SCALES, ratio_of_sums

Whole = npt.NDArray[np.int64]
NPS_SCALE = (0.0, 10.0)
PROMOTES, DETRACTS = 9, 6  # who answers 9 or 10 promotes, who answers 6 or less detracts
COLUMNS = (
    *("kind", "asked", "answered", "response_rate", "mean", "adjusted"),
    *("nps", "worst", "best", "scale_assumed"),
)


@dataclass(frozen=True)
class Scale:
    """Ends of the scale of one survey.

    Attributes
    ----------
    worst, best : float
    assumed : bool
        Read off the answers, not declared.
    silence_recorded : bool
        Whether the outcomes say who was asked and did not answer.
    """

    worst: float
    best: float
    assumed: bool
    silence_recorded: bool

    def place(self, answer: pd.Series[float]) -> pd.Series[float]:
        """Put answers on 0 (worst) to 1 (best)."""
        return (answer - self.worst) / (self.best - self.worst)


def survey_scales(
    journeys: Journeys, declared: Mapping[str, tuple[float, float]]
) -> dict[str, Scale]:
    """Find the outcomes that are answers to a question, by kind in order of name.

    Parameters
    ----------
    journeys : Journeys
    declared : mapping of str to (worst, best)
        Other kinds count as surveys where customers were asked, or values are missing; their
        scale is the first usual one that holds all answers.

    Raises
    ------
    ConfigError
        If answers lie outside a declared scale.
    """
    if journeys.log.outcomes is None:
        return {}
    scales = {}
    for kind, rows in all_outcomes(journeys).groupby("kind", observed=True):
        name, answers = str(kind), rows["value_micro"] / MICRO
        silent = bool(answers.isna().any())
        if name not in declared and not (silent or rows["asked_us"].notna().any()):
            continue
        if answers.isna().all():
            continue
        low, high = float(answers.min()), float(answers.max())
        usual = NPS_SCALE if _is_nps(name) and low >= 0 and high <= 10 else None
        ends = declared.get(name) or usual or _usual_scale(low, high)
        if low < ends[0] or high > ends[1]:
            raise ConfigError(
                f"judge.surveys.{name}: answers lie outside the scale of {ends[0]:g} to "
                f"{ends[1]:g}; name the worst and the best answer that can be given."
            )
        scales[name] = Scale(*ends, name not in declared, silent)
    return scales


def _is_nps(kind: str) -> bool:
    """Whether a survey asks how likely customers are to recommend, by its name."""
    return bool(re.search(r"(?<![a-z])nps(?![a-z])|promoter", kind.casefold()))


def _usual_scale(low: float, high: float) -> tuple[float, float]:
    """Return the first usual scale that holds all answers, else their own range."""
    fitting = [ends for ends in RATING_SCALES if ends[0] <= low and high <= ends[1]]
    return fitting[0] if fitting else (low, high)


def survey_table(
    journeys: Journeys, scales: Mapping[str, Scale], adjust: Sequence[str] = ()
) -> pd.DataFrame:
    """Return what each survey says, and what its silence leaves open.

    Parameters
    ----------
    journeys : Journeys
    scales : mapping of str to Scale
        As of `survey_scales`.
    adjust : sequence of str
        Columns that may decide who answers; what the customer did before the request counts
        anyway.

    Returns
    -------
    pandas.DataFrame
        One row per survey that enough customers answered to be shown: ``kind`` (str), ``asked``,
        ``answered`` (int, requests); ``response_rate`` (Estimate, share; abstains where silence
        is not recorded); ``mean`` (Estimate, points: the mean of those who answered, with the
        bounds that the silent leave as ``lo`` and ``hi``); ``adjusted`` (Estimate, points: the
        mean of all who were asked as far as what was known then explains who answers; of the
        customers that steps which model each journey work on, and it says so); ``nps`` (Estimate,
        points: promoters less detractors, of 100 answers, where the survey is one of recommending,
        by its name, on 0 to 10; with the same bounds). Mean and score abstain with ``privacy`` and
        hold bounds, where they would tell what a few customers answered; ``worst``, ``best``
        (float); ``scale_assumed`` (bool).

    Notes
    -----
    The bounds are Manski's (1990): they hold whatever the silent would have said, and carry no
    sampling error. ``adjusted`` stands beside them, never in their place: what makes people answer
    may be just what the log does not hold.
    """
    rows = [_survey(journeys, kind, scale, adjust) for kind, scale in scales.items()]
    return pd.DataFrame([row for row in rows if row is not None], columns=list(COLUMNS))


def _survey(
    journeys: Journeys, kind: str, scale: Scale, adjust: Sequence[str]
) -> tuple[Any, ...] | None:
    outcomes, minimum = all_outcomes(journeys), journeys.settings.min_customers
    asked = outcomes[outcomes["kind"] == kind]
    replies = Replies(
        asked["value_micro"].to_numpy() / MICRO,
        asked["customer_no"].to_numpy(),
        scale,
        minimum,
    )
    if replies.customers < minimum:
        return None
    mean, adjusted = _mean(replies), _adjusted(journeys, kind, scale, adjust)
    if mean.value is None and adjusted.value is not None:
        adjusted = Estimate.none("privacy", "points", estimand=adjusted.estimand)
    estimates = (
        _response_rate(asked, scale, minimum),
        mean,
        adjusted,
        _net_promoter_score(replies, kind),
    )
    ends = (scale.worst, scale.best, scale.assumed)
    return (kind, len(asked), int(replies.given.sum()), *estimates, *ends)


@dataclass(frozen=True)
class Replies:
    """What each request of one survey brought.

    Attributes
    ----------
    answers : ndarray of float64, shape (requests,)
        NaN where the customer was silent.
    customer : ndarray of int64, shape (requests,)
        Number of the customer who was asked.
    scale : Scale
    minimum : int
        Fewest customers of whom something may be told.
    """

    answers: Floats
    customer: npt.NDArray[np.int64]
    scale: Scale
    minimum: int

    @property
    def given(self) -> npt.NDArray[np.bool_]:
        """Requests that were answered."""
        return np.isfinite(self.answers)

    @property
    def customers(self) -> int:
        """How many customers answered."""
        return len(np.unique(self.customer[self.given]))

    def share(self, of_them: npt.NDArray[np.bool_]) -> tuple[float, float]:
        """Return ends of the share of answers that are such: one number, where it may be shown.

        Fewer customers than the minimum who gave such an answer, or who gave another, are not
        told apart from none.
        """
        such, who = of_them[self.given], self.customer[self.given]
        ends = share_bounds(such.sum(), len(such), minimum=self.minimum, of_persons=True)
        fewest = min(len(np.unique(who[such])), len(np.unique(who[~such])))
        if ends is None and 1 < self.minimum > fewest:
            return 0.0, 1.0
        return ends or (float(such.mean()), float(such.mean()))

    def of_nearly_all(self, answer: float) -> float | None:
        """Return the least share of an answer that all but a few customers gave, else None."""
        such = self.answers == answer
        lo, hi = self.share(such)
        others = len(np.unique(self.customer[self.given & ~such]))
        return lo if lo < hi == 1.0 and others < self.minimum else None


def _mean(replies: Replies) -> Estimate:
    """Return the mean answer; its ends alone, where all but a few gave the worst or the best."""
    scale = replies.scale
    mean = response_bounds(
        np.sort(replies.answers), worst=scale.worst, best=scale.best, unit="points"
    )
    lo, hi = (mean.lo, mean.hi) if scale.silence_recorded else (None, None)
    mean = replace(mean, n_customers=replies.customers, lo=lo, hi=hi)
    span = scale.best - scale.worst
    alike_best, alike_worst = (replies.of_nearly_all(end) for end in (scale.best, scale.worst))
    if alike_best is not None:
        ends = scale.worst + span * alike_best, scale.best
    elif alike_worst is not None:
        ends = scale.worst, scale.best - span * alike_worst
    else:
        return mean
    if scale.silence_recorded:
        silent = 1 - replies.given.mean()
        ends = (
            ends[0] + silent * (scale.worst - ends[0]), ends[1] + silent * (scale.best - ends[1])
        )  # fmt: skip
    return replace(mean, value=None, lo=ends[0], hi=ends[1], abstain="privacy")


def _net_promoter_score(replies: Replies, kind: str) -> Estimate:
    """Return promoters less detractors, of 100 answers; the bounds make the silent one of them.

    Where a few promote or detract, or all but a few do, bounds take its place.
    """
    scale, estimand = replies.scale, "promoters less detractors, of 100 answers"
    if not _is_nps(kind) or (scale.worst, scale.best) != NPS_SCALE:
        return Estimate.none("no_column", "points", estimand=estimand)
    promote = replies.share(replies.answers >= PROMOTES)
    detract = replies.share(replies.answers <= DETRACTS)
    least, most = 100 * (promote[0] - detract[1]), 100 * (promote[1] - detract[0])
    value = least if least == most else None
    lo, hi = (least, most) if value is None else (None, None)
    if scale.silence_recorded:
        rate = float(replies.given.mean())
        lo, hi = (rate * end + sign * 100 * (1 - rate) for end, sign in ((least, -1), (most, 1)))
        lo, hi = (lo, hi) if value is None else (min(lo, value), max(hi, value))
    return Estimate(
        value,
        "points",
        lo,
        hi,
        n_customers=replies.customers,
        abstain="privacy" if value is None else None,
        estimand=estimand,
    )


def _adjusted(journeys: Journeys, kind: str, scale: Scale, adjust: Sequence[str]) -> Estimate:
    """Return the mean over all who were asked, as far as the log explains who answers."""
    what = {"estimand": "mean over everyone who was asked"}
    if not journeys.has_clock:
        return Estimate.none("no_clock", "points", **what)
    if not scale.silence_recorded:
        return Estimate.none("unidentified", "points", **what)
    sample = journeys.sample
    requests = sample.only(of_kind(journeys, kind))
    at = requests["asked_us"].fillna(requests["t_us"])
    requests = requests.assign(at=at).dropna(subset=["at"])
    requests = requests.sort_values(["at", "value_micro", "customer_no"], ignore_index=True)
    covariates = _known_then(journeys, requests, adjust)
    requests = requests.loc[covariates.index]
    answers, customers = (requests[name].to_numpy() for name in ("value_micro", "customer_no"))
    return sample.annotate(response_adjusted(answers / MICRO, covariates, customers, unit="points"))


def _known_then(journeys: Journeys, requests: pd.DataFrame, adjust: Sequence[str]) -> pd.DataFrame:
    """Return what the log held of the customers up to those requests before which they came."""
    events = journeys.events
    customer, at = requests["customer_no"].to_numpy(), requests["at"].to_numpy(np.int64)
    rows = np.flatnonzero(np.isin(events.customer, customer))
    rows = rows[rows_in_order(events.t_us[rows], events.customer[rows])]
    begin = np.searchsorted(events.customer[rows], customer)
    last = _events_until(events.customer[rows], events.t_us[rows], customer, at) - 1
    seen = np.flatnonzero(last >= begin)
    at, begin, last = at[seen], begin[seen], last[seen]
    begun = np.cumsum(rows == events.begins[events.journey[rows]])
    columns = {
        "contacts": (last - begin + 1).astype(np.float64),
        "journeys": (begun[last] - begun[begin] + 1).astype(np.float64),
        "days_since_first": np.log1p((at - events.t_us[rows[begin]]) / US_PER_DAY),
        "days_since_last": np.log1p((at - events.t_us[rows[last]]) / US_PER_DAY),
        "last_touchpoint": words_at(journeys.touchpoint_names, events.touchpoint[rows[last]]),
    }
    for name in adjust:
        columns[f"declared {name}"] = last_values(events, name, begin, last, rows)
    return pd.DataFrame(columns).set_axis(seen)


def _events_until(customer: npt.NDArray[Any], t_us: Whole, whose: Whole, at: Whole) -> Whole:
    """Return where the events up to each request end, of events in order of customer and time."""
    order = np.lexsort((np.append(t_us, at), np.append(customer, whose)))
    is_request = order >= len(t_us)
    end = np.empty(len(at), dtype=np.int64)
    end[order[is_request] - len(t_us)] = np.cumsum(~is_request)[is_request]
    return end


def _response_rate(asked: pd.DataFrame, scale: Scale, minimum: int) -> Estimate:
    base: dict[str, Any] = {
        "n_customers": int(asked["customer_no"].nunique()),
        "estimand": "requests that were answered",
    }
    if not scale.silence_recorded:
        return Estimate.none("unidentified", "share", n_events=len(asked), **base)
    sums = np.zeros((GROUPS, 1, 2))
    group = asked["group"].to_numpy(dtype=np.int64)
    sums[:, 0, 0] = np.bincount(group[asked["value_micro"].notna()], minlength=GROUPS)
    sums[:, 0, 1] = np.bincount(group, minlength=GROUPS)
    rate = ratio_of_sums(sums, unit="share", n_journeys=0, min_customers=1, **base)
    answered = float(sums[:, 0, 0].sum())
    return bounded_share(rate, answered, len(asked), minimum=minimum, of_persons=True)
