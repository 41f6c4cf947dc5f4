"""Views of what visits change: moments of truth, coming at all, ratings and surveys."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from journeylib.audits import Audit
from journeylib.core import Estimate, abstain_text, estimate_text, label, number, signed, text
from journeylib.present.blocks import Block, remark
from journeylib.present.tables import Table, false_alarm_text, table


def moments(audit: Audit) -> Table | Block:
    """Return what a good visit is estimated to change, beside the naive difference."""
    pairs = audit.judgement.moments
    if pairs.empty:
        return remark(text("present.moments.none"))
    ways = pairs[["effect", "naive"]].to_numpy()
    estimated = np.array([any(one.value is not None for one in both) for both in ways])
    too_few = _too_few(pairs[~estimated], len(pairs))
    if not estimated.any():
        return remark(text("present.moments.no_customers") + too_few)
    frame = pd.DataFrame([_moment(row) for row in pairs[estimated].to_dict("records")])
    if "asymmetry" not in pairs:
        frame = frame.drop(columns="asymmetry")
    if pairs["bounds"].isna().all():
        frame = frame.drop(columns="if_answered")
    note = text("present.moments.note") + too_few
    return table(frame, text("present.moments.caption"), note=note)


def _too_few(pairs: pd.DataFrame, tested: int) -> str:
    if pairs.empty:
        return ""
    names = "; ".join(
        f"{', '.join(part['touchpoint'])} ({label('outcome', str(outcome))})"
        for outcome, part in pairs.groupby("outcome", sort=True)
    )
    return " " + text("present.moments.too_few", n=tested, names=names)


def _moment(row: dict[Any, Any]) -> dict[str, object]:
    return {
        "touchpoint": row["touchpoint"],
        "outcome": label("outcome", row["outcome"]),
        "is_moment": text("yes" if row["is_moment"] else "no"),
        "good_effect": _difference(row["effect"]),
        "naive": _difference(row["naive"]),
        "q": _chances(row),
        "affected": _if_moment(row, "impact"),
        "asymmetry": _if_moment(row, "asymmetry"),
        "if_answered": _if_estimated(row["bounds"]),
        "grade": row["grade"],
        "against": "; ".join(row["reasons"]),
    }


def _difference(estimate: Estimate) -> str:
    """Return a difference of shares in percentage points: per cent would read as a ratio."""
    points = text("present.moments.points", x="").rstrip()
    return estimate_text(estimate).replace(" %", points, 1)


def _chances(row: dict[Any, Any]) -> str:
    """Return q by Benjamini and Hochberg, and by Benjamini and Yekutieli."""
    q = false_alarm_text(row["q_value"])
    worst = false_alarm_text(row["q_value_dependent"])
    return text("present.moments.q", q=q, worst=worst) if q else ""


def _if_moment(row: dict[Any, Any], column: str) -> str:
    estimate = row.get(column)
    return estimate_text(estimate) if row["is_moment"] and isinstance(estimate, Estimate) else ""


def _if_estimated(estimate: object) -> str:
    if isinstance(estimate, Estimate) and estimate.value is not None:
        return estimate_text(estimate)
    return ""


def presence(audit: Audit) -> Table | Block:
    """Return what goes with having come to a touchpoint at all: another question than the above."""
    pairs = audit.judgement.presence
    if pairs.empty:
        return remark(text("present.presence.none"))
    estimated = np.array([ratio.value is not None for ratio in pairs["ratio"]])
    reasons = [str(ratio.abstain) for ratio in pairs.loc[~estimated, "ratio"]]
    counts = "; ".join(f"{abstain_text(why)}: {reasons.count(why)}" for why in sorted(set(reasons)))
    rest = f" {text('present.presence.untold', counts=counts)}" if counts else ""
    if not estimated.any():
        return remark(text("present.presence.nothing") + rest)
    rows = [
        {
            "touchpoint": row["touchpoint"],
            "outcome": label("outcome", row["outcome"]),
            "rate_ratio": _ratio(row["ratio"]),
            "landmark": _landmark(row),
            "q": false_alarm_text(row["q_value"]),
            "grade": row["ratio"].grade,
            "against": "; ".join(row["reasons"]),
        }
        for row in pairs[estimated].to_dict("records")
    ]
    frame = pd.DataFrame(rows)
    if not frame["landmark"].any():
        frame = frame.drop(columns="landmark")
    note = text("present.presence.note") + rest
    return table(frame, text("present.presence.caption"), note=note)


def _ratio(ratio: Estimate) -> str:
    return estimate_text(replace(ratio, unit="times"))


def _landmark(row: dict[Any, Any]) -> str:
    ratio = row["landmark"]
    if ratio.value is None:
        return ""
    return text("present.presence.on_day", ratio=_ratio(ratio), day=row["landmark_day"])


def remembered(audit: Audit) -> Table | Block:
    """Return which moments of a conversation its rating goes with."""
    fitted = audit.judgement.peak_end
    if fitted is None or fitted.gain.value is None:
        reason = abstain_text("no_column" if fitted is None else str(fitted.gain.abstain))
        return remark(text("present.remembered.none", reason=reason))
    correlations = {
        name: number(getattr(fitted, f"r_{name}"), 2) for name in ("mean", "end", "fitted")
    }
    if not fitted.beats_mean:
        n = fitted.gain.n_journeys
        return remark(text("present.remembered.mean_only", n=n, **correlations))
    rows = [
        {"moment": text(f"finding.remembered.{name}"), "weight": estimate_text(weight)}
        for name, weight in fitted.weights.items()
    ]
    note = text("present.remembered.note", **correlations)
    return table(rows, text("present.remembered.caption"), note=note)


def surveys(audit: Audit) -> Table | Block:
    """Return what surveys say, and how far the silence of the others could move it."""
    answered = audit.judgement.surveys
    if answered.empty:
        return remark(text("present.surveys.none"))
    rows = [_survey(row) for row in answered.to_dict("records")]
    return table(rows, text("present.surveys.caption"), note=text("present.surveys.note"))


def _mean_or_nps(mean: Estimate, net: Estimate) -> str:
    """Return the mean answer; of a survey of recommending the net promoter score before it."""
    answered = mean
    if mean.value is not None:
        answered = Estimate(mean.value, mean.unit, n_customers=mean.n_customers)
    mean_text = estimate_text(answered)
    if net.value is None and net.abstain != "privacy":
        return mean_text
    score = estimate_text(net) if net.value is None else signed(net.value, 0)
    return text("present.surveys.nps", nps=score, mean=mean_text)


def _survey(row: dict[Any, Any]) -> dict[str, object]:
    mean, adjusted = row["mean"], row["adjusted"]
    bounds = text("present.surveys.not_recorded")
    if mean.lo is not None and mean.hi is not None:
        bounds = text("range.words", lo=number(mean.lo, 1), hi=number(mean.hi, 1))
    ends = {"lo": number(row["worst"]), "hi": number(row["best"])}
    like = estimate_text(adjusted)
    if adjusted.value is None:
        like = text("present.surveys.not_measurable", why=abstain_text(str(adjusted.abstain)))
    return {
        "survey": label("outcome", row["kind"]),
        "asked": row["asked"],
        "answered": estimate_text(row["response_rate"]),
        "answer_mean": _mean_or_nps(mean, row["nps"]),
        "mean_bounds": bounds,
        "mean_adjusted": like,
        "scale": text("present.surveys.assumed" if row["scale_assumed"] else "range.words", **ends),
    }
