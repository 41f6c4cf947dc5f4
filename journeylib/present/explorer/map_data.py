"""Scene: what the interactive map shows at one position of its sliders, ready for a browser."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.core import duration, percent, signed
from journeylib.journeys import END, START, Simplified, simplify
from journeylib.measures import Taken, Transitions
from journeylib.present.figure import Figure
from journeylib.present.maps.simplified_map import simplified_map
from journeylib.present.tables import as_float
from journeylib.present.theme import VERDICTS
from journeylib.present.views.sections import judged

if TYPE_CHECKING:
    from journeylib.audits import Audit

# Lines of a map that an eye can follow; a stronger slider draws no more.
MOST = 80
Facts = list[tuple[str, str]]
TIMES = {"service": "time of a contact (median)", "wait": "wait until the next (median)"}


@dataclass(frozen=True)
class Told:
    """What an audit knows of touchpoints beyond counts; empty for bare journeys.

    Attributes
    ----------
    experience : pandas.DataFrame or None
        `Evidence.experience`.
    verdicts : mapping
        Touchpoint to verdict code.
    leaning : set of str
        The touchpoints whose verdict only leans that way.
    facts : mapping
        Touchpoint to label and text of each thing known, with its interval.
    """

    experience: pd.DataFrame | None = None
    verdicts: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Facts] = field(default_factory=dict)
    leaning: Set[str] = frozenset()


def told_by(audit: Audit) -> Told:
    """Return feeling, verdict and times of each touchpoint of an audit, with intervals."""
    scores = judged(audit)
    leaning = set(scores.loc[scores["leaning"].notna(), "touchpoint"])
    facts: dict[str, Facts] = {}
    for row in audit.evidence.experience.to_dict("records"):
        if as_float(row["sentiment"]) is not None:
            text = (
                f"{signed(row['sentiment'])} ({signed(row['lo'])} to {signed(row['hi'])}), "
                f"n = {row['n_customers']:,}"
            )
            facts.setdefault(row["touchpoint"], []).append(("feeling, −1 to 1", text))
    for row in scores.to_dict("records"):
        here = facts.setdefault(row["touchpoint"], [])
        sure = as_float(row["verdict_stability"])
        share = "" if sure is None else f", in {percent(sure, 0)} of resamples"
        word = "leans to " * (row["touchpoint"] in leaning) + VERDICTS[row["verdict"]].word
        here.append(("verdict", f"{word}{share}"))
        for axis, words in (("automation_fit", "automation fit"), ("empathy_need", "empathy need")):
            if as_float(row[axis]) is not None:
                lo, hi = row[f"{axis}_lo"], row[f"{axis}_hi"]
                here.append((f"{words}, 0 to 100", f"{row[axis]:.0f} ({lo:.0f}–{hi:.0f})"))
    times = audit.evidence.estimates
    for row in times[times["measure"].isin(TIMES)].to_dict("records"):
        if as_float(row["value"]) is not None:
            value, lo, hi = (duration(row[name]) for name in ("value", "lo", "hi"))
            here = facts.setdefault(row["touchpoint"], [])
            here.append((TIMES[row["measure"]], f"{value} ({lo} to {hi})"))
    verdicts = dict(zip(scores["touchpoint"], scores["verdict"], strict=True))
    return Told(audit.evidence.experience, verdicts, facts, leaning)


@dataclass(frozen=True)
class Scene:
    """One position of the sliders.

    Attributes
    ----------
    simplified : Simplified
        The counts that are drawn.
    figure : Figure
        The picture and its table.
    items : list of dict
        What can be pointed at, boxes with the flows that leave them, from left to right: ``key``
        (as in the picture), ``kind``, ``title``, ``facts``, ``verb`` and ``names`` (the filter
        that a click is; no verb where something is folded).
    """

    simplified: Simplified
    figure: Figure
    items: list[dict[str, Any]]

    def message(self) -> dict[str, Any]:
        """Return what a browser needs: no frame, no customer, nothing below the minimum."""
        return {
            "svg": self.figure.svg,
            "finding": self.figure.alt,
            "note": self.figure.note,
            "items": self.items,
        }


def scene(ways: Transitions, touchpoints: float, transitions: float, *, told: Told) -> Scene:
    """Draw journeys at one position of the sliders.

    Parameters
    ----------
    ways : Transitions
        Of the journeys.
    touchpoints, transitions : float
        Shares to keep, as in `simplify`.
    told : Told
        What an audit knows of the touchpoints of all journeys.

    Returns
    -------
    Scene
        The same for the same journeys and shares, whoever asks and however often.
    """
    journeys = ways.journeys
    found = simplify(journeys, touchpoints, transitions, most=MOST)
    own = set(journeys.touchpoints["touchpoint"])
    keys: dict[tuple[str, ...], str] = {
        (name,): f"t{place}" for place, name in enumerate(found.touchpoints["touchpoint"])
    }
    pairs = zip(found.transitions["source"], found.transitions["target"], strict=True)
    keys |= {(source, target): f"f{place}" for place, (source, target) in enumerate(pairs)}
    schema = journeys.log.schema
    figure = simplified_map(
        found,
        stage_order=schema.stage_order,
        channel_order=schema.channel_order,
        experience=told.experience,
        verdicts=told.verdicts,
        leaning=told.leaning,
        keys=keys,
        name="explored-map",
        title="Journey map",
    )
    return Scene(found, figure, _items(found, ways, keys, own, told))


def _items(
    found: Simplified,
    ways: Transitions,
    keys: Mapping[tuple[str, ...], str],
    own: set[str],
    told: Told,
) -> list[dict[str, Any]]:
    journeys = ways.journeys
    moves = found.transitions
    drawn = moves[
        moves["source"].isin(own)
        & moves["target"].isin([*own, END])
        & (moves["source"] != moves["target"])
    ]
    taken = ways.of(zip(drawn["source"], drawn["target"], strict=True))
    leaving: dict[str, list[dict[str, Any]]] = {}
    for row in moves.to_dict("records"):
        pair = row["source"], row["target"]
        if row["source"] in (START, END) or row["source"] == row["target"]:
            continue
        real = {*pair} <= own
        facts = _counts(row, found.journeys, "moves", "events")
        if pair in taken:
            facts += _estimates(taken[pair])
        leaving.setdefault(row["source"], []).append(
            {
                "key": keys[pair],
                "kind": "flow",
                "title": f"{row['source']} → {row['target']}",
                "facts": facts,
                "verb": "passing_directly" if real else "",
                "names": list(pair),
            }
        )
    items = []
    for row in found.touchpoints.to_dict("records"):
        name = row["touchpoint"]
        facts = _counts(row, found.journeys, "visits", "visits")
        place = [str(row[part]) for part in ("stage", "channel") if not pd.isna(row[part])]
        if place and name in own:
            facts.append(("where", ", ".join(place)))
        if name not in own:
            facts.append(("folded together", f"{row['folds']} touchpoints"))
        of_all = ", all journeys" if journeys.narrowing is not None else ""
        facts += [(f"{label}{of_all}", text) for label, text in told.facts.get(name, [])]
        items.append(
            {
                "key": keys[name,],
                "kind": "touchpoint",
                "title": name,
                "facts": facts,
                "verb": "passing" if name in own else "",
                "names": [name],
            }
        )
        items += leaving.get(name, [])
    return items


def _estimates(taken: Taken) -> Facts:
    share, seconds = taken.share, taken.seconds
    facts = []
    if share.value is not None and share.lo is not None and share.hi is not None:
        lo, hi = (percent(end, 0, sign=False) for end in (share.lo, share.hi))
        facts.append(("share of journeys", f"{percent(share.value, 0)} ({lo} to {hi})"))
    if seconds.value is not None:
        sure = (
            f" ({duration(seconds.lo)} to {duration(seconds.hi)})"
            if seconds.lo is not None
            else ", too few for an interval"
        )
        facts.append(("time from one to the next (median)", duration(seconds.value) + sure))
    return facts


def _counts(row: Mapping[Any, Any], journeys: int, noun: str, column: str) -> Facts:
    share = percent(row["journeys"] / journeys if journeys else 0.0, 0)
    return [
        ("journeys", f"{row['journeys']:,} of {journeys:,} ({share})"),
        ("customers", f"{row['customers']:,}"),
        (noun, f"{row[column]:,}"),
    ]
