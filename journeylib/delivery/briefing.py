"""Briefing: what a run says in half a minute; mail, chat and job summary are made of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from journeylib.core import current_catalogue, duration, number, signed, text
from journeylib.present import VERDICTS, clean, first_step, interval, share_interval

State = Literal["alarm", "ok", "unknown"]
STATE_OF: dict[str, State] = {"fail": "alarm", "pass": "ok", "not_assessable": "unknown"}
SIGNS: dict[State, str] = {"alarm": "🔻 ", "ok": "✅ ", "unknown": ""}
WORST, MAX_CHANGES = 5, 10


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

    @property
    def state_word(self) -> str:
        """Whether it holds, in a word."""
        return text(f"delivery.{self.state}")

    @property
    def line(self) -> str:
        """The whole check on one line."""
        values = {"name": self.name, "value": self.value, "limit": self.limit}
        return text("delivery.check_line", state=self.state_word, **values)


@dataclass(frozen=True)
class WorstTouchpoint:
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

    @property
    def line(self) -> str:
        """Touchpoint, value and base on one line."""
        values = {"name": self.touchpoint, "value": self.value, "n": self.customers}
        return text("delivery.worst_line", **values)


@dataclass(frozen=True)
class DecisionText:
    """A decision of the first screen: what to do, why, and its grade with its customers."""

    title: str
    reason: str
    base: str

    @property
    def line(self) -> str:
        """The whole decision on one line."""
        return text("delivery.decision_line", **vars(self))


@dataclass(frozen=True)
class Briefing:
    """The news of a run.

    Attributes
    ----------
    title, run_id, base : str
        Of which audit, which run, and how much it rests on.
    day : str
        The as-of day, spelled out.
    state : {"alarm", "ok", "unknown"}
        alarm: a gate failed or something changed; unknown: none failed, none was answered.
    headline : str
        The alarm, or that there is none, and how many decisions wait.
    finding, detail : str
        The finding that matters most, with its worst and best case, as on the first screen.
    decisions : tuple of DecisionText
        As on the first screen, the strongest evidence first.
    trust : tuple of str
        How far to trust this.
    checks : tuple of Check
    changes : tuple of str
        What changed since the run before, in sentences.
    comparison : str
        With what this run was compared, or why with nothing.
    worst : tuple of WorstTouchpoint
    worst_title : str
        What `worst` is the worst of.
    link : str
        Where the dashboard is; empty where nobody said.
    """

    title: str
    run_id: str
    base: str
    day: str
    state: State
    headline: str
    finding: str
    detail: str
    decisions: tuple[DecisionText, ...]
    trust: tuple[str, ...]
    checks: tuple[Check, ...]
    changes: tuple[str, ...]
    comparison: str
    worst: tuple[WorstTouchpoint, ...]
    worst_title: str
    link: str

    @property
    def alarm(self) -> bool:
        """Whether somebody should look today."""
        return self.state == "alarm"

    @property
    def change_lines(self) -> tuple[str, ...]:
        """What changed in sentences; never an empty answer to "what changed"."""
        if not self.changes:
            return (text("delivery.no_change"), self.comparison)
        hidden = len(self.changes) - MAX_CHANGES
        more = (text("delivery.more_changes", n=hidden),) if hidden > 0 else ()
        return (*self.changes[:MAX_CHANGES], *more)


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
    audit, log, findings = document["audit"], document["log"], document["findings"]
    screen = document["decisions"]
    checks = tuple(_check(finding) for finding in findings if finding["kind"] == "gate")
    changes = [row for row in document["changes"] if row.get("significant")]
    worst, title = _worst(document, folder)
    counts = {name: log[name] for name in ("events", "journeys", "customers")}
    base = text("delivery.base", **counts)
    if audit["period"]:
        first, last = audit["period"]
        base = text("delivery.base_period", base=base, first=first, last=last)
    return Briefing(
        title=clean(audit["title"]),
        run_id=audit["run_id"],
        base=base,
        day=current_catalogue().day(dt.date.fromisoformat(audit["as_of"])),
        state="alarm" if changes else _state(findings, checks),
        headline=_headline(
            _alarm(findings, checks, changes), decisions=len(screen["items"]), checks=checks
        ),
        finding=clean(screen["headline"]),
        detail=clean(_detail(document)),
        decisions=tuple(_decision(item) for item in screen["items"]),
        trust=tuple(map(clean, screen["trust"])),
        checks=checks,
        changes=tuple(clean(row["text"]) for row in changes),
        comparison=clean(document["comparison"]["note"]),
        worst=worst,
        worst_title=title,
        link=f"{link.rstrip('/')}/{audit['run_id']}/audit.html" if link else "",
    )


def _state(findings: Sequence[Mapping[str, Any]], checks: Sequence[Check]) -> State:
    if any(finding["verdict"] == "fail" for finding in findings):
        return "alarm"
    return "unknown" if all(check.state == "unknown" for check in checks) else "ok"


def _decision(item: Mapping[str, Any]) -> DecisionText:
    base = text("present.now.base", grade=item["grade"], n=number(item["customers"]))
    return DecisionText(clean(item["title"]), clean(item["reason"]), base)


def _detail(document: Mapping[str, Any]) -> str:
    """Return what stands below the finding; without a decision also what to record first."""
    screen = document["decisions"]
    return screen["detail"] if screen["items"] else f"{screen['detail']} {first_step(document)}"


def _headline(alarm: str, *, decisions: int, checks: Sequence[Check]) -> str:
    """Return the alarm, or that there is none, with how many decisions wait."""
    key = {0: "no_decision", 1: "one_decision"}.get(decisions, "decisions")
    if alarm:
        waiting = text(f"delivery.headline.{key}", n=decisions)
        return (
            text("delivery.headline.both", alarm=alarm, decisions=waiting) if decisions else alarm
        )
    waiting = text(
        "delivery.headline.no_alarm", decisions=text(f"delivery.headline.{key}", n=decisions)
    )
    if not checks:
        return waiting
    held = sum(check.state == "ok" for check in checks)
    rest = len(checks) - held
    key = "delivery.headline.unassessed" if rest else "delivery.headline.holds"
    return text(key, headline=waiting, n=held, all=len(checks), rest=rest)


def _alarm(
    findings: Sequence[Mapping[str, Any]],
    checks: Sequence[Check],
    changes: Sequence[Mapping[str, Any]],
) -> str:
    """Return the first check that fails, else the first change; empty where there is neither."""
    failed = [check for check in checks if check.state == "alarm"]
    if failed:
        key = "no_answer" if failed[0].value == text("none") else "failed"
        values = {name: getattr(failed[0], name) for name in ("name", "value", "limit")}
        return _and_more(text(f"delivery.headline.{key}", **values), len(failed) - 1)
    others = [finding for finding in findings if finding["verdict"] == "fail"]
    if others:
        return text("delivery.headline.alarm", finding=clean(others[0]["text"]).rstrip("."))
    if changes:
        kind = text(f"delivery.kind.{changes[0]['kind']}")
        headline = text("delivery.headline.changed", kind=kind, change=_change(changes[0]))
        return _and_more(headline, len(changes) - 1)
    return ""


def _and_more(headline: str, n: int) -> str:
    return text("delivery.headline.more", headline=headline, n=n) if n else headline


def _check(finding: Mapping[str, Any]) -> Check:
    evidence = finding["evidence"]
    unit = evidence.get("unit", "")
    limits = [
        f"{sign} {amount(evidence[name], unit)}"
        for sign, name in (("≥", "min"), ("≤", "max"))
        if evidence.get(name) is not None
    ]
    value = evidence.get("value")
    return Check(
        name=clean(evidence.get("title") or finding["id"]),
        value=text("none") if value is None else amount(value, unit),
        limit=f" {text('delivery.and')} ".join(limits),
        state=STATE_OF[finding["verdict"]],
        text=clean(finding["text"]),
    )


def amount(value: float, unit: str) -> str:
    """Return a number with its unit, to three significant digits; a share to 0.1 %.

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


def _change(row: Mapping[str, Any]) -> str:
    """Return what changed with its two numbers, where it has them."""
    what, ends = clean(row["what"]), (row["before"], row["after"])
    if not all(isinstance(end, int | float) for end in ends):
        return what
    before, after = (amount(end, row["unit"] or "") for end in ends)
    return text("delivery.headline.from_to", what=what, before=before, after=after)


def _worst(document: Mapping[str, Any], folder: Path) -> tuple[tuple[WorstTouchpoint, ...], str]:
    """Return where customers feel worst; where nobody was heard, where they come back most."""
    touchpoints = document["touchpoints"]
    feelings = pd.read_parquet(folder / "tables" / "experience.parquet")
    feelings = feelings.dropna(subset="sentiment") if "sentiment" in feelings else feelings.iloc[:0]
    if len(feelings):
        title = text("delivery.worst_feeling")
        lowest = feelings.sort_values(["sentiment", "touchpoint"]).head(WORST)
        rows = [
            (row["touchpoint"], _feeling(row), int(row["n_customers"]))
            for row in lowest.to_dict("records")
        ]
    else:
        title = text("delivery.worst_repeat")
        repeats = [(t["touchpoint"], t["measures"].get("repeat_contact", {})) for t in touchpoints]
        repeats = [(name, repeat) for name, repeat in repeats if repeat.get("value")]
        repeats.sort(key=lambda pair: (-pair[1]["value"], pair[0]))
        rows = [
            (
                name,
                share_interval(*(repeat[key] for key in ("value", "lo", "hi"))),
                repeat["n_customers"],
            )
            for name, repeat in repeats[:WORST]
        ]
    verdicts = {touchpoint["touchpoint"]: _verdict(touchpoint) for touchpoint in touchpoints}
    worst = tuple(
        WorstTouchpoint(index, clean(name), value, customers, verdicts.get(name, text("none")))
        for index, (name, value, customers) in enumerate(rows, start=1)
    )
    return worst, title if worst else ""


def _feeling(row: Mapping[Any, Any]) -> str:
    lo, hi = (None, None) if row["lo"] == row["hi"] else (row["lo"], row["hi"])
    return interval(row["sentiment"], lo, hi, signed)


def _verdict(touchpoint: Mapping[str, Any]) -> str:
    """Return who should serve, in a word or two."""
    if touchpoint["leaning"]:
        return text("verdict.leaning", verdict=VERDICTS[touchpoint["leaning"]].word)
    if touchpoint["verdict"] == "abstain":
        return text("delivery.not_settled")
    return VERDICTS[touchpoint["verdict"]].word
