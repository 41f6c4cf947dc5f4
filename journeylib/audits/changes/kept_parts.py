"""Kept parts: any part of the document as this run has it, or as the document before published it.

One rule for what no table of its own is made of: estimates of models, shares of the whole log,
what is assumed and proposed, the quality report. See `small_changes` for why.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import pandas as pd

from journeylib.audits.changes.small_changes import (
    BASES,
    Before,
    as_before,
    as_computed,
    changes_by_few,
    is_alike,
    kept_estimates,
    with_sentences,
)
from journeylib.audits.document.content import clean
from journeylib.audits.preparation.preparation import Prepared
from journeylib.core import Estimate, rounded
from journeylib.journeys import Structure
from journeylib.judge import Judgement
from journeylib.log import Quality
from journeylib.portfolio import Portfolio

Part = TypeVar("Part")
Row = Mapping[Any, Any]
PAIR = ("touchpoint", "outcome")
# What a row of a judgement's part is named by; a part that is no list changes as a whole.
JUDGED: Mapping[str, tuple[str, ...]] = {
    "axes": (),
    "moments": PAIR,
    "presence": PAIR,
    "tipping_points": ("segment",),
    "queue": (),
    "satisfaction": (),
    "peak_end": (),
    "surveys": ("kind",),
    "sensitivity": ("touchpoint", "weighting"),
    "paradoxes": ("name",),
    "disclosure": (),
}
DOCUMENT = {"moments": "moments_of_truth"}  # what a part is called there, if otherwise
LEVEL = ("level",)
# Differences and fits have a base, and no cases that they are a share of.
EFFECTS = frozenset({"effect", "ratio", "landmark", "gain", "weights"})
# Whole numbers that count neither customers nor what they did.
NO_CASES = frozenset(
    {"order", "touchpoints", "verdicts_compared", "verdicts_changed", "staff", "references"}
)


def kept_part(now: Part, old: Any, before: Before | None, key: Sequence[str] = ()) -> Part:
    """Return a part of a result, with the content of the document before where few changed it.

    Parameters
    ----------
    now : dataclass, mapping, DataFrame, tuple or None
        Its names are those of the document.
    old : object
        What the document of the run before published in its place.
    before : Before or None
    key : sequence of str
        Names of what tells rows or items apart, each of which is kept by itself. Without it the
        part is kept as a whole.

    Returns
    -------
    object
        Of the type of `now`. Where fewer than the minimum of customers came or went since, or
        where any count of a part differs by less than that, it holds what was published.
    """
    if before is None or now is None or (isinstance(old, Mapping) and isinstance(now, str)):
        return now
    if not key:
        stays = before.few or any(_differ_by_few(now, old, before))
        return _published(now, old, before) if stays else now
    items = now.to_dict("records") if isinstance(now, pd.DataFrame) else now
    rows = _kept_items(items, old or (), before, key)  # type: ignore[arg-type]
    return _frame(rows, now) if isinstance(now, pd.DataFrame) else tuple(rows)  # type: ignore[return-value]


def _kept_items(
    items: Sequence[Any], old: Sequence[Row], before: Before, key: Sequence[str]
) -> list[Any]:
    """Keep rows or items one by one; where few changed the whole log, all are those of before."""
    earlier = {_named(row, key): row for row in old}
    latest = {_named(item, key): item for item in items}
    if before.few and items:
        rows = earlier.items()
        return [_published(latest.get(name, items[0]), row, before) for name, row in rows]
    result = []
    for name, item in latest.items():
        last = earlier.get(name)
        stays = last is not None and (
            _value(item, "touchpoint") in before.stable or any(_differ_by_few(item, last, before))
        )
        result.append(_published(item, last, before) if stays else item)
    return result


def _named(item: Any, key: Sequence[str]) -> tuple[str, ...]:
    """Return what names a row as the document writes it: rounded, its mappings in order."""
    values = (clean(_value(item, name)) for name in key)
    return tuple(str(sorted(one.items()) if isinstance(one, dict) else one) for one in values)


def _value(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


def _differ_by_few(now: Any, old: Any, before: Before, name: str = "") -> Iterator[bool]:
    """Tell of each count and estimate in a part whether it differs by fewer than the minimum."""
    if isinstance(now, Estimate):
        bases = {base: getattr(now, base) for base in BASES if base in _mapping(old)}
        if name in EFFECTS:
            yield changes_by_few(bases, old, before)
        elif bases:
            yield kept_estimates({"": now}, {"": old}, before)[""] is not now
    elif is_dataclass(now):
        yield from _differ_by_few(_content(now), old, before)
    elif isinstance(now, pd.DataFrame):
        yield from _differ_by_few(now.to_dict("records"), old, before)
    elif isinstance(now, Mapping) and now.get("what") != "touchpoints":
        for one in now.keys() & _mapping(old).keys() - NO_CASES:
            inside = name if name in EFFECTS else one
            yield from _differ_by_few(now[one], old[one], before, inside)
    elif isinstance(now, list | tuple) and isinstance(old, list | tuple):
        for one, last in zip(now, old, strict=False):
            yield from _differ_by_few(one, last, before, name)
    elif _is_whole(now) and _is_whole(old):
        yield 0 < abs(now - old) < before.minimum
    elif _is_whole(now) or _is_whole(old):  # which one run alone shows
        yield old is None or now is None or now is pd.NA or now != now


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _mapping(old: Any) -> Row:
    return old if isinstance(old, Mapping) else {}


def _content(part: Any) -> dict[str, Any]:
    return {one.name: getattr(part, one.name) for one in fields(part)}


def _published(now: Any, old: Any, before: Before) -> Any:
    """Return what was published, in the words of this run where it differs in nothing else."""
    if not (before.is_foreign and is_alike(now, old, before.minimum)):
        return _as_it_was(now, old)
    return with_sentences(_as_it_was(now, old), now) if isinstance(now, Mapping) else now


def _as_it_was(now: Any, old: Any) -> Any:
    """Return what a document holds in the types of a result, which lends what it does not hold."""
    if isinstance(old, Mapping):
        if isinstance(now, Estimate):
            return as_before(now, old)
        if is_dataclass(now) and not isinstance(now, type):
            content = _content(now)
            published = {
                name: _as_it_was(content[name], old[name]) for name in content if name in old
            }
            return replace(now, **published)
        if isinstance(now, Mapping):
            return {**now, **{name: _as_it_was(now.get(name), one) for name, one in old.items()}}
        if {"value", "unit", "abstain"} <= set(old):
            return Estimate(**old)
    elif isinstance(now, Estimate):
        return _with_value(now, old)
    elif old is None and isinstance(now, float):
        return math.nan
    elif isinstance(old, list):
        if isinstance(now, pd.DataFrame):
            row = next(iter(now.to_dict("records")), {})
            return _frame([_as_it_was(row, one) for one in old], now)
        items: Sequence[Any] = now if isinstance(now, tuple) and now else (None,)
        return tuple(_as_it_was(items[min(n, len(items) - 1)], one) for n, one in enumerate(old))
    return old


def _with_value(now: Estimate, old: float | None) -> Estimate:
    """Return an estimate of which the document holds the number alone."""
    if old == rounded(now.value):
        return now
    reason = (now.abstain or "privacy") if old is None else None
    return replace(now, value=old, lo=None, hi=None, abstain=reason)


def _frame(rows: Sequence[Row], now: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the types of a computed table; whole numbers may be missing."""
    table = pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in now},
        columns=list(now),
    )
    missing = [name for name in now if now[name].dtype.kind in "iu" and table[name].isna().any()]
    result = as_computed(table, now.astype(dict.fromkeys(missing, "Int64")))
    result.attrs |= now.attrs
    return result


def kept_judgement_parts(judgement: Judgement, before: Before | None) -> Judgement:
    """Keep what is judged of the log beside its scores: moments, paradoxes, fits, surveys."""
    if before is None:
        return judgement
    document, times = before.entry.document, judgement.handoff_times
    points, reasons = document["tipping_points"], {
        point.segment: point.at.abstain for point in judgement.tipping_points
    }  # fmt: skip
    earlier = {name: document.get(DOCUMENT.get(name, name)) for name in JUDGED} | {
        "presence": [{**row, "ratio": row["hazard_ratio"]} for row in document["presence"]],
        "tipping_points": [
            {**one, "at": _minute(one, reasons.get(one["segment"]))} for one in points
        ],
        "queue": _time(document["queue_time"]) or document["queue_reason"],
        "disclosure": _disclosure(document),
    }
    changed = {
        name: kept_part(getattr(judgement, name), earlier[name], before, key)
        for name, key in JUDGED.items()
    }
    published = {
        one["segment"]: _time(one["handoff_time"]) or one["handoff_reason"] for one in points
    }
    changed["handoff_times"] = {
        name: kept_part(time, published[name], before) if name in published else time
        for name, time in times.items()
    }
    return replace(judgement, **changed)


def _disclosure(document: Row) -> Row | None:
    """Return what was published of disclosure, with its sentence, which is a finding."""
    published = document["disclosure"]
    sentences = [one["text"] for one in document["findings"] if one["id"] == "disclosure"]
    return {**published, "text": sentences[0]} if published and sentences else published


def _minute(point: Row, reason: str | None) -> Row:
    """Return the minute of a tipping point as an estimate holds it; today's reason for none."""
    values = {"value": point["minutes"], "lo": point["minutes_lo"], "hi": point["minutes_hi"]}
    abstain = (reason or "unidentified") if point["minutes"] is None else None
    time = point["handoff_time"]  # of the same sessions
    base = (
        {} if time is None else {name: time["cost"][name] for name in BASES if name in time["cost"]}
    )
    return {**values, **base, "abstain": abstain}


def _time(published: Row | None) -> Row | None:
    """Return a time to hand over by the names of the result; what is never is at infinity."""
    if published is None:
        return None
    minutes = published["minutes"]
    words = {"never": math.inf, "at once": 0.0}
    flat = [math.inf if end is None else end for end in published.get("flat_region", ())]
    return {
        **published,
        "answer": minutes if minutes in words else "minutes",
        "minutes": words.get(minutes, minutes),
        **({"flat_region": flat} if flat else {"wait": published.get("wait_seconds")}),
    }


def kept_alternatives(prepared: Prepared, before: Before | None) -> Prepared:
    """Keep the results under other cuts and other stitching."""
    if before is None:
        return prepared
    document = before.entry.document
    levels = {name: (document[name] or {}).get("levels", []) for name in ("stitching", "linkage")}
    return replace(
        prepared,
        cut_sensitivity=kept_part(
            prepared.cut_sensitivity,
            document["cut_sensitivity"],
            before,
            ("cut", "factor", "threshold"),
        ),
        **{
            f"{name}_levels": kept_part(getattr(prepared, f"{name}_levels"), rows, before, LEVEL)
            for name, rows in levels.items()
        },
    )


def kept_portfolio(proposed: Portfolio | None, before: Before | None) -> Portfolio | None:
    """Keep the first automations: all where few changed the log, else what each is worth."""
    old = None if before is None else before.entry.document["portfolio"]
    if proposed is None or before is None or old is None:
        return proposed
    if before.few:
        proposed = kept_part(proposed, old, before)
        nothing = pd.Series([()] * len(proposed.candidates), dtype=object)  # not in the document
        return replace(proposed, candidates=proposed.candidates.assign(drivers=nothing))
    values = {row["touchpoint"]: row for row in old["candidates"]}
    rows = [
        {
            **row,
            "value": kept_part(row["value"], values.get(row["touchpoint"], row)["value"], before),
        }
        for row in proposed.candidates.to_dict("records")
    ]
    worth = kept_part(proposed.worth, old["worth"], before)
    return replace(proposed, candidates=_frame(rows, proposed.candidates), worth=worth)


def kept_graph(structure: Structure | None, before: Before | None) -> Structure | None:
    """Keep the test of the chain's memory, and the counts of each smaller map."""
    old = None if before is None else before.entry.document["structure"]
    if structure is None or old is None or before is None:
        return structure
    order = kept_part(structure.chain.order, old["memory"], before)
    earlier = {one["kept"]: one for one in old["maps"]}
    maps = {}
    for share, one in structure.maps.items():
        one = kept_part(one, earlier[share], before) if share in earlier else one
        # What the document does not hold is of a few, and any count of a few is not shown again.
        maps[share] = replace(one, ledger=one.ledger.fillna(1).astype(one.ledger.dtypes))
    return replace(structure, chain=replace(structure.chain, order=order), maps=maps)


def kept_quality(quality: Quality, before: Before | None) -> Quality:
    """Keep the counts of rows: all that were read, and those that are amiss."""
    if before is None:
        return quality
    old = before.entry.document["log"]
    rows = {"rows_read": old["rows_read"], "rows_used": old["rows_read"] - old["rows_quarantined"]}
    whole = kept_part(replace(quality, checks=quality.checks.head(0)), rows, before)
    table = before.entry.table("quality")
    checks = old["quality"] if table is None else table.to_dict("records")
    return replace(whole, checks=kept_part(quality.checks, checks, before, ("check", "role")))
