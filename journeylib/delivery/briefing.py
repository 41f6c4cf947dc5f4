"""Briefing: what a run says in half a minute; mail, chat and job summary are made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from journeylib.core import duration, number, signed
from journeylib.present import VERDICTS, as_float, clean

State = Literal["alarm", "ok", "unknown"]
STATE_WORDS: dict[State, str] = {"alarm": "▼ alarm", "ok": "ok", "unknown": "not assessable"}
STATE_OF: dict[str, State] = {"fail": "alarm", "pass": "ok", "not_assessable": "unknown"}
WORST, SAID = 5, 4


@dataclass(frozen=True)
class Check:
    """A gate in words.

    Attributes
    ----------
    name, value, limit : str
    state : {"alarm", "ok", "unknown"}
    text : str
        The finding, with the reason where there is no answer.
    """

    name: str
    value: str
    limit: str
    state: State
    text: str


@dataclass(frozen=True)
class Low:
    """A touchpoint among those where customers fare worst.

    Attributes
    ----------
    place : int
        1 is the worst; the picture has the same number.
    touchpoint, value, verdict : str
        `value` with its interval, `verdict` who should serve.
    customers : int
        How many it rests on.
    """

    place: int
    touchpoint: str
    value: str
    customers: int
    verdict: str


@dataclass(frozen=True)
class Briefing:
    """What to tell about a run.

    Attributes
    ----------
    title, run_id, base : str
        Of which audit, which run, and how much it rests on.
    state : {"alarm", "ok", "unknown"}
        alarm: a gate failed or something changed; unknown: none failed, none was answered.
    headline : str
        The verdict with its number.
    checks : tuple of Check
    changes : tuple of str
        What changed since the run before, in sentences.
    comparison : str
        With what this run was compared, or why with nothing.
    worst : tuple of Low
    worst_what : str
        What `worst` is the worst of.
    findings : tuple of str
        The most severe sentences.
    link : str
        Where the dashboard is; empty where nobody said.
    """

    title: str
    run_id: str
    base: str
    state: State
    headline: str
    checks: tuple[Check, ...]
    changes: tuple[str, ...]
    comparison: str
    worst: tuple[Low, ...]
    worst_what: str
    findings: tuple[str, ...]
    link: str

    @property
    def alarm(self) -> bool:
        """Whether somebody should look today."""
        return self.state == "alarm"


def brief(document: Mapping[str, Any], folder: Path, *, link: str = "") -> Briefing:
    """Make a briefing of `audit.json` and the tables beside it.

    Parameters
    ----------
    document : mapping
        The content of `audit.json`.
    folder : Path
        The run directory.
    link : str
        Address under which the runs of this audit can be opened.

    Returns
    -------
    Briefing
        Nothing that the audit itself does not show.
    """
    audit, log = document["audit"], document["log"]
    checks = tuple(_check(f) for f in document["findings"] if f["kind"] == "gate")
    period = f", {audit['period'][0]} to {audit['period'][1]}" if audit["period"] else ""
    said = [f for f in document["findings"] if f["kind"] == "insight" and f["verdict"] == "pass"]
    changes = [row for row in document["changes"] if row.get("significant")]
    worst, what = _worst(document, folder)
    return Briefing(
        title=clean(audit["title"]),
        run_id=audit["run_id"],
        base=f"{log['events']:,} events, {log['journeys']:,} journeys, "
        f"{log['customers']:,} customers{period}",
        state="alarm" if changes else _state(document["findings"], checks),
        headline=_headline(document, checks, changes),
        checks=checks,
        changes=tuple(clean(row["text"]) for row in changes),
        comparison=clean(document["comparison"]["note"]),
        worst=worst,
        worst_what=what,
        findings=tuple(clean(f["text"]) for f in said[:SAID]),
        link=f"{link.rstrip('/')}/{audit['run_id']}/audit.html" if link else "",
    )


def _state(findings: Sequence[Mapping[str, Any]], checks: Sequence[Check]) -> State:
    if any(finding["verdict"] == "fail" for finding in findings):
        return "alarm"
    return "unknown" if all(check.state == "unknown" for check in checks) else "ok"


def _headline(
    document: Mapping[str, Any], checks: Sequence[Check], changes: Sequence[Mapping[str, Any]]
) -> str:
    failed = [check for check in checks if check.state == "alarm"]
    if failed:
        more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
        first = failed[0]
        found = f"is {first.value}" if first.value != "–" else "has no answer"
        return f"Alarm: {first.name} {found} (limit {first.limit}){more}"
    others = [f for f in document["findings"] if f["verdict"] == "fail"]
    if others:
        return f"Alarm: {clean(others[0]['text'])}"
    if changes:
        more = f", and {len(changes) - 1} more" if len(changes) > 1 else ""
        return f"Changed ({changes[0]['kind'].replace('_', ' ')}): {_moved(changes[0])}{more}"
    held = sum(check.state == "ok" for check in checks)
    if checks:
        rest = len(checks) - held
        unknown = f", {rest} cannot be assessed" if rest else ""
        return f"No alarm: {held} of {len(checks)} checks hold{unknown}"
    verified = document["handoffs"]["contained_verified"]
    if verified["value"] is not None:
        return f"No checks set: {amount(verified['value'], 'share')} verified containment"
    return f"No checks set: {document['log']['customers']:,} customers audited"


def _check(finding: Mapping[str, Any]) -> Check:
    evidence = finding["evidence"]
    unit = evidence.get("unit", "")
    bounds = (("≥", evidence.get("min")), ("≤", evidence.get("max")))
    return Check(
        name=clean(evidence.get("title") or finding["id"]),
        value="–" if evidence.get("value") is None else amount(evidence["value"], unit),
        limit=" and ".join(f"{sign} {amount(at, unit)}" for sign, at in bounds if at is not None),
        state=STATE_OF[finding["verdict"]],
        text=clean(finding["text"]),
    )


def amount(value: float, unit: str) -> str:
    """Return a number with its unit as people say it.

    Examples
    --------
    >>> amount(0.4368, "share"), amount(310.0, "seconds"), amount(40.0, ""), amount(45.26, "points")
    ('43.7 %', '5.2 min', '40', '45.3 points')
    """
    if unit == "share":
        return f"{number(round(100 * value, 1))} %"
    if unit == "seconds":
        return duration(value)
    return f"{number(float(f'{value:.3g}') if abs(value) < 1000 else value)} {unit}".rstrip()


def _moved(row: Mapping[str, Any]) -> str:
    """Return what changed with its two numbers, where it has them."""
    ends = [
        amount(value, row["unit"] or "")
        for value in (row["before"], row["after"])
        if isinstance(value, int | float)
    ]
    return clean(row["what"]) + (f", {ends[0]} to {ends[1]}" if len(ends) == 2 else "")


def _worst(document: Mapping[str, Any], folder: Path) -> tuple[tuple[Low, ...], str]:
    """Return where customers feel worst; where nobody was heard, where they come back most."""
    words = {t["touchpoint"]: _who(t) for t in document["touchpoints"]}
    heard = pd.read_parquet(folder / "tables" / "experience.parquet")
    heard = heard.dropna(subset="sentiment") if "sentiment" in heard else heard.iloc[:0]
    if len(heard):
        lowest = heard.sort_values(["sentiment", "touchpoint"]).head(WORST)
        rows = [
            (row["touchpoint"], _feeling(row), int(row["n_customers"]))
            for row in lowest.to_dict("records")
        ]
        what = "Where customers feel worst (−1 to +1)"
    else:
        found = [
            (t["touchpoint"], repeat)
            for t in document["touchpoints"]
            if (repeat := t["measures"].get("repeat_contact", {})).get("value")
        ]
        found.sort(key=lambda pair: (-pair[1]["value"], pair[0]))
        rows = [
            (name, _interval(estimate), estimate["n_customers"]) for name, estimate in found[:WORST]
        ]
        what = "Where customers most often come back about the same"
    lows = (
        Low(place, clean(name), value, customers, words.get(name, "–"))
        for place, (name, value, customers) in enumerate(rows, start=1)
    )
    return tuple(lows), what if rows else ""


def _feeling(row: Mapping[Any, Any]) -> str:
    value, lo, hi = (as_float(row[key]) for key in ("sentiment", "lo", "hi"))
    interval = "" if lo is None or hi is None or lo == hi else f" ({signed(lo)} to {signed(hi)})"
    return f"{signed(value)}{interval}"


def _interval(estimate: Mapping[str, Any]) -> str:
    text = amount(estimate["value"], "share")
    if estimate["lo"] is None or estimate["hi"] is None:
        return text
    return f"{text} ({100 * estimate['lo']:.0f}–{100 * estimate['hi']:.0f})"


def _who(touchpoint: Mapping[str, Any]) -> str:
    """Return who should serve, in a word or two."""
    if touchpoint["leaning"]:
        return f"leans to {VERDICTS[touchpoint['leaning']].word}"
    if touchpoint["verdict"] == "abstain":
        return "not settled"
    return VERDICTS[touchpoint["verdict"]].word
