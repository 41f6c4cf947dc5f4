"""What the interactive map shows at one position of its sliders, ready for a browser."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from journeylib.audits import Audit
from journeylib.core import duration, number, percent, signed, text
from journeylib.journeys import END, START, Journeys, Simplified, simplify
from journeylib.measures import Taken, Transitions
from journeylib.present.figure import Figure
from journeylib.present.maps.journey_map import Overlay, shown_name
from journeylib.present.maps.simplified_map import MapFrame, simplified_map
from journeylib.present.tables import as_float, interval, share_interval
from journeylib.present.theme import VERDICTS
from journeylib.present.views.journey import audit_overlay
from journeylib.present.views.scores import judged

# Lines of a map that an eye can follow; a stronger slider draws no more.
MOST = 80
Facts = list[tuple[str, str]]
TIMES = ("service", "wait")


@dataclass(frozen=True)
class TouchpointFacts:
    """What an audit knows of touchpoints beyond counts; empty for bare journeys.

    Attributes
    ----------
    overlay : Overlay
        Feelings and verdicts, as the map draws them.
    facts : mapping
        Touchpoint to label and text of each thing known, with its interval.
    """

    overlay: Overlay = field(default_factory=Overlay)
    facts: Mapping[str, Facts] = field(default_factory=dict)


def facts_of_audit(audit: Audit) -> TouchpointFacts:
    """Return feeling, verdict and times of each touchpoint of an audit, with intervals."""
    overlay = audit_overlay(audit)
    facts: dict[str, Facts] = defaultdict(list)
    for row in audit.evidence.experience.to_dict("records"):
        if as_float(row["sentiment"]) is not None:
            value = interval(row["sentiment"], row["lo"], row["hi"], signed)
            value = text("with_n", value=value, n=int(row["n_customers"]))
            facts[row["touchpoint"]].append((_label("feeling"), value))
    for row in judged(audit).to_dict("records"):
        here, verdict = facts[row["touchpoint"]], VERDICTS[row["verdict"]].word
        if row["touchpoint"] in overlay.leaning:
            verdict = text("verdict.leaning", verdict=verdict)
        sure = as_float(row["verdict_stability"])
        if sure is not None:
            share = percent(sure, 0)
            verdict = text("present.explorer.in_resamples", verdict=verdict, share=share)
        here.append((_label("verdict"), verdict))
        for axis in ("automation_fit", "empathy_need"):
            if as_float(row[axis]) is not None:
                ends = (row[f"{axis}_lo"], row[f"{axis}_hi"])
                here.append((_label(axis), interval(row[axis], *ends, lambda x: number(x, 0))))
    times = audit.evidence.estimates
    for row in times[times["measure"].isin(TIMES)].to_dict("records"):
        if as_float(row["value"]) is not None:
            value = interval(row["value"], row["lo"], row["hi"], duration)
            facts[row["touchpoint"]].append((_label(row["measure"]), value))
    return TouchpointFacts(overlay, dict(facts))


def _label(name: str) -> str:
    return text(f"present.explorer.{name}")


@dataclass(frozen=True)
class MapData:
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


def map_data(
    ways: Transitions,
    touchpoints: float,
    transitions: float,
    *,
    facts: TouchpointFacts,
    frame: MapFrame | None = None,
) -> MapData:
    """Draw journeys at one position of the sliders.

    Parameters
    ----------
    ways : Transitions
        Of the journeys.
    touchpoints, transitions : float
        Shares to keep, as in `simplify`.
    facts : TouchpointFacts
        What an audit knows of the touchpoints of all journeys.
    frame : MapFrame, optional
        Of the journeys before a filter: every touchpoint keeps its place.

    Returns
    -------
    MapData
        The same for the same journeys and shares, whoever asks and however often.
    """
    journeys = ways.journeys
    like = None if frame is None else frame.simplified
    simplified = simplify(journeys, touchpoints, transitions, most=MOST, like=like)
    keys: dict[tuple[str, ...], str] = {
        (name,): f"t{index}" for index, name in enumerate(simplified.touchpoints["touchpoint"])
    }
    pairs = zip(simplified.transitions["source"], simplified.transitions["target"], strict=True)
    keys |= {(source, target): f"f{index}" for index, (source, target) in enumerate(pairs)}
    schema = journeys.log.schema
    figure = simplified_map(
        simplified,
        replace(facts.overlay, keys=keys),
        stage_order=schema.stage_order,
        channel_order=schema.channel_order,
        name="explored-map",
        frame=frame,
    )
    figure = replace(figure, title=text("present.map.title"))
    flows = _flow_items(simplified, ways, keys)
    return MapData(simplified, figure, _items(simplified, journeys, keys, flows, facts.facts))


def _flow_items(
    simplified: Simplified, ways: Transitions, keys: Mapping[tuple[str, ...], str]
) -> dict[str, list[dict[str, Any]]]:
    """Return what can be pointed at of flows, by the touchpoint that they leave."""
    own, moves = set(ways.journeys.touchpoints["touchpoint"]), simplified.transitions
    real = moves[
        moves["source"].isin(own)
        & moves["target"].isin([*own, END])
        & (moves["source"] != moves["target"])
    ]
    estimates = ways.of(zip(real["source"], real["target"], strict=True))
    leaving: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in moves.to_dict("records"):
        pair = row["source"], row["target"]
        if row["source"] in (START, END) or row["source"] == row["target"]:
            continue
        facts = _counts(row, simplified.journeys, "moves", "events")
        if pair in estimates:
            facts += _estimates(estimates[pair])
        verb = "passing_directly" if {*pair} <= own else ""
        leaving[row["source"]].append(_item(keys[pair], pair, facts, verb=verb))
    return leaving


def _item(key: str, names: tuple[str, ...], facts: Facts, *, verb: str) -> dict[str, Any]:
    """Return what a browser needs of a touchpoint, or of a flow between two."""
    return {
        "key": key,
        "kind": "touchpoint" if len(names) == 1 else "flow",
        "title": " → ".join(map(shown_name, names)),
        "facts": facts,
        "verb": verb,
        "names": list(names),
    }


def _items(
    simplified: Simplified,
    journeys: Journeys,
    keys: Mapping[tuple[str, ...], str],
    flows: Mapping[str, list[dict[str, Any]]],
    facts_of: Mapping[str, Facts],
) -> list[dict[str, Any]]:
    own, narrowed = set(journeys.touchpoints["touchpoint"]), journeys.narrowing is not None
    items = []
    for row in simplified.touchpoints.to_dict("records"):
        name = row["touchpoint"]
        facts = _counts(row, simplified.journeys, "visits", "visits")
        where = [str(row[part]) for part in ("stage", "channel") if not pd.isna(row[part])]
        if where and name in own:
            facts.append((_label("where"), ", ".join(where)))
        if name not in own:
            folds = text("present.explorer.folds", n=int(row["folds"]))
            facts.append((_label("folded_together"), folds))
        facts += [
            (text("present.explorer.of_all", label=label) if narrowed else label, value)
            for label, value in facts_of.get(name, [])
        ]
        verb = "passing" if name in own else ""
        items += [_item(keys[name,], (name,), facts, verb=verb), *flows.get(name, [])]
    return items


def _estimates(taken: Taken) -> Facts:
    share, seconds = taken.share, taken.seconds
    facts = []
    if share.value is not None and share.lo is not None:
        facts.append((_label("share"), share_interval(share.value, share.lo, share.hi)))
    if seconds.value is not None:
        value = interval(seconds.value, seconds.lo, seconds.hi, duration)
        if seconds.lo is None:
            value = text("present.explorer.no_interval", value=value)
        facts.append((_label("time"), value))
    return facts


def _counts(row: Mapping[Any, Any], journeys: int, noun: str, column: str) -> Facts:
    share = percent(row["journeys"] / journeys if journeys else 0.0, 0)
    count = {"n": int(row["journeys"]), "all": journeys}
    values = {
        "journeys": text("present.explorer.journey_share", share=share, **count),
        "customers": number(int(row["customers"])),
        noun: number(int(row[column])),
    }
    if row.get("at_least"):
        values = {n: text("present.explorer.at_least", value=v) for n, v in values.items()}
    return [(_label(name), value) for name, value in values.items()]
