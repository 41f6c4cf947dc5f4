"""Changes in words: with unit, base and interval, and never a cause."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import pandas as pd

from journeylib.audits.changes.drift import is_mix
from journeylib.audits.config.audit_config import ChangeSettings
from journeylib.audits.result.result import Change, ChangeKind
from journeylib.core import day_of, label, number, percent, rounded, signed, text
from journeylib.measures import EVENTS, Periods

KINDS: tuple[ChangeKind, ...] = ("data_quality", "definition", "mix", "performance")
WORSE_ABOVE = frozenset(
    {"errors", "negative", "repeat_contact", "again", "abandoned", "human_wait"}
)
WORSE_BELOW = frozenset({"rating", "requests_honoured", "contained_verified"})
MISSING = "missing_"  # begins the measures that count events without a column's content


@dataclass(frozen=True)
class ChangeWriter:
    """Writes what changed in a period.

    Attributes
    ----------
    lags : mapping of measure to int
        Whole days until its cases are known.
    periods : Periods
    settings : ChangeSettings
    """

    lags: Mapping[str, int]
    periods: Periods
    settings: ChangeSettings

    def days(self, measure: str) -> tuple[str, str]:
        """First and last day of the last period, as far as `measure` is known by then."""
        last = day_of(self.periods.end_us) - dt.timedelta(self.lags.get(measure, 0) + 1)
        first = last - dt.timedelta(self.periods.days - 1)
        return first.isoformat(), last.isoformat()

    def feed(self, channel: str, reason: str) -> Change:
        """Return the change of a feed that broke off."""
        key = "channel" if channel else "log"
        where = text(f"audits.change.feed.{key}", channel=channel)
        first, last = self.days(EVENTS)
        return Change(
            f"feed-{channel or 'all'}", "data_quality",
            text("audits.change.feed.what", where=where),
            text("audits.change.feed.text", first=first, last=last, where=where, reason=reason),
            measure=EVENTS, unit="events", direction="worse",
        )  # fmt: skip

    def name(self, old: str | None, new: str | None, now: int, usual: float) -> Change:
        """Return the change of a name of a touchpoint."""
        first, last = self.days(EVENTS)
        state = "renamed" if old and new else "new" if new else "gone"
        sentence = text(
            f"audits.change.name.{state}",
            old=str(old), new=str(new), now=now, usual=number(usual, 0), first=first, last=last,
        )  # fmt: skip
        return Change(
            f"name-{old or ''}-{new or ''}".strip("-"), "definition",
            text("audits.change.name.what", name=str(new or old)), sentence,
            touchpoint=new or old, before=old, after=new, unit="name",
        )  # fmt: skip

    def alarms(self, tests: pd.DataFrame) -> list[Change]:
        """Return the streams that changed by more than chance, in words."""
        return [self._stream(row) for row in tests[tests["significant"]].to_dict("records")]

    def _stream(self, row: Mapping[Any, Any]) -> Change:
        measure, touchpoint, detail = (
            str(row[name]) for name in ("measure", "touchpoint", "detail")
        )
        what = stream_label(measure, touchpoint, detail)
        if math.isnan(row["difference"]):
            return self._few(row, what)
        kind: ChangeKind = "data_quality" if row["family"] == "quality" else "performance"
        if row["family"] == "mix" or (row["family"] == "performance" and is_mix(row)):
            kind = "mix"
        values = {
            name: _original(row[name], row["unit"])
            for name in ("before", "after", "difference", "lo", "hi")
        }
        first, last = self.days(measure)
        sentences = [
            text(
                "audits.change.stream.text",
                what=what, first=first, last=last, difference=_difference_text(values, row["unit"]),
                before=_value_text(values["before"], row["unit"]),
                after=_value_text(values["after"], row["unit"]),
                n_before=row["n_before"], n_after=row["n_after"], customers=row["customers"],
                periods=row["references"],
            )
        ]  # fmt: skip
        if kind == "mix" and row["family"] == "performance":
            sentences.append(text("audits.change.stream.mix"))
        if values["lo"] <= 0 <= values["hi"]:
            sentences.append(text("audits.change.stream.together"))
        # The last period alone adds |z| − k to the sum.
        elif abs(row["cusum"]) - abs(row["z"]) >= self.settings.cusum_h / 2:
            sentences.append(text("audits.change.stream.drift"))
        unit = {"share": "share", "log seconds": "relative"}.get(row["unit"], row["unit"])
        return Change(
            id="-".join(filter(None, (measure, touchpoint, detail))),
            kind=kind,
            what=what,
            text=" ".join(sentences),
            touchpoint=touchpoint or None,
            measure=measure,
            before=rounded(values["before"]),
            after=rounded(values["after"]),
            unit="seconds" if row["unit"] == "log seconds" else str(row["unit"]),
            difference={
                "value": rounded(values["difference"]),
                "lo": rounded(values["lo"]),
                "hi": rounded(values["hi"]),
                "unit": unit,
            },
            n_before=int(row["n_before"]),
            n_after=int(row["n_after"]),
            customers=int(row["customers"]),
            q_value=rounded(row["q_value"]),
            direction=_direction(measure, row["difference"]),
        )

    def _few(self, row: Mapping[Any, Any], what: str) -> Change:
        """Return the change of a stream whose numbers would tell of a few cases."""
        measure, (first, last) = str(row["measure"]), self.days(str(row["measure"]))
        sides = {
            side: _original(row[side], row["unit"])
            for side in ("after", "before")
            if not math.isnan(row[side])
        }
        family = {"mix": "mix", "quality": "data_quality"}.get(row["family"], "performance")
        return Change(
            id="-".join(filter(None, (measure, row["touchpoint"], row["detail"]))),
            kind=cast(ChangeKind, family),
            what=what,
            text=" ".join(
                [
                    text(
                        f"audits.change.stream.few_{'more' if row['z'] > 0 else 'less'}",
                        what=what, first=first, last=last, customers=row["customers"],
                        periods=row["references"],
                    ),
                    *(text(f"audits.change.stream.few_{side}", n=row[f"n_{side}"],
                           value=_value_text(value, row["unit"])) for side, value in sides.items()),
                    text("audits.change.stream.few"),
                ]
            ),
            before=rounded(sides["before"]) if "before" in sides else None,
            after=rounded(sides["after"]) if "after" in sides else None,
            unit="seconds" if row["unit"] == "log seconds" else str(row["unit"]),
            n_before=int(row["n_before"]) or None,
            n_after=int(row["n_after"]) or None,
            touchpoint=row["touchpoint"] or None,
            measure=measure,
            customers=int(row["customers"]),
            direction=_direction(measure, row["z"]),
        )  # fmt: skip


def _direction(measure: str, difference: float) -> Literal["worse", "better"] | None:
    """Return whether more of a measure is worse or better; None where that depends."""
    above = measure in WORSE_ABOVE or measure.startswith(MISSING)
    sign = (above - (measure in WORSE_BELOW)) * difference
    return None if sign == 0 else "worse" if sign > 0 else "better"


def stream_label(measure: str, touchpoint: str, detail: str) -> str:
    """Return what a stream counts, in words."""
    if measure.startswith(MISSING):
        label = text("audits.stream.missing", column=measure.removeprefix(MISSING))
    else:
        label = text(f"audits.stream.{measure}", detail=detail)
    return text("audits.stream.at", label=label, touchpoint=touchpoint) if touchpoint else label


def _original(value: float, unit: str) -> float:
    """Return a value in its own unit: times are compared by their logarithms."""
    return math.expm1(value) if unit == "log seconds" else float(value)


def _value_text(value: float, unit: str) -> str:
    if unit == "share":
        return percent(value)
    if unit == "log seconds":
        return text("minutes", x=number(value / 60, 1))
    return number(value, 2)


def _difference_text(values: Mapping[str, float], unit: str) -> str:
    scale, digits = {"share": (100, 1), "log seconds": (100, 0)}.get(unit, (1, 2))
    kind = {"share": "points", "log seconds": "relative"}.get(unit, "plain")
    change, lo, hi = (signed(scale * values[name], digits) for name in ("difference", "lo", "hi"))
    return text(
        f"audits.change.difference.{kind}",
        change=change,
        lo=lo,
        hi=hi,
        unit=label("audits.unit", unit),
    )
