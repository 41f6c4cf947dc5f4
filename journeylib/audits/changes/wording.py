"""Telling: what changed in words, with unit, base and interval, and never a cause."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from journeylib.audits.changes.drift import ChangeSettings, is_mix
from journeylib.core import number, percent, rounded
from journeylib.journeys import US_PER_DAY
from journeylib.measures import EVENTS, Periods

Kind = Literal["data_quality", "definition", "mix", "performance"]
KINDS: tuple[Kind, ...] = ("data_quality", "definition", "mix", "performance")
EPOCH = dt.date(1970, 1, 1)
LABELS = {
    "again": "Visits that repeat an earlier one of the same journey",
    "errors": "Events marked as errors",
    "rating": "The mean rating",
    "service": "The typical service time",
    "negative": "Customers' turns that sound negative",
    "repeat_contact": "Contacts followed by another about the same",
    "handed_over": "Bot sessions handed over to a person",
    "abandoned": "Bot sessions that customers abandoned",
    "requests": "Bot sessions in which a person was asked for",
    "requests_honoured": "Requests for a person that were honoured",
    "human_wait": "The typical wait for a person after the bot",
    "contained_verified": "Bot sessions verified as settled",
    "begins_with_segment": "Journeys of the segment '{detail}'",
    "begins_with_intent": "Journeys that begin about '{detail}'",
    "begins_with_channel": "Journeys that begin in the channel '{detail}'",
    "begins_with_touchpoint": "Journeys that begin at {detail}",
    "next_1": "Visits that lead on to {detail} within a day",
    "next_2": "Visits that lead on to {detail} within a day",
}
WORSE = {
    **dict.fromkeys(("errors", "negative", "repeat_contact", "again", "abandoned"), 1),
    **dict.fromkeys(("human_wait",), 1),
    **dict.fromkeys(("rating", "requests_honoured", "contained_verified"), -1),
}


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was.

    Attributes
    ----------
    id : str
        Stable name, so that two runs can be compared.
    kind : {"data_quality", "definition", "mix", "performance"}
    what : str
        What changed, in a few words.
    text : str
        The same in a sentence with unit, base and interval; it names no cause.
    significant : bool
        False for a verdict that wavers: it stands until another is sure.
    touchpoint, measure : str or None
    before, after : float, str or None
    unit : str or None
    difference : mapping or None
        ``value``, ``lo``, ``hi``, ``unit`` of after against before.
    n_before, n_after, customers : int or None
    q_value : float or None
    direction : {"worse", "better"} or None
        None where that depends on what one wants.
    """

    id: str
    kind: Kind
    what: str
    text: str
    significant: bool = True
    touchpoint: str | None = None
    measure: str | None = None
    before: float | str | None = None
    after: float | str | None = None
    unit: str | None = None
    difference: Mapping[str, Any] | None = None
    n_before: int | None = None
    n_after: int | None = None
    customers: int | None = None
    q_value: float | None = None
    direction: Literal["worse", "better"] | None = None


@dataclass(frozen=True)
class Teller:
    """Says what changed in a period.

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
        last = self.periods.end_us // US_PER_DAY - self.lags.get(measure, 0) - 1
        first = last - self.periods.days + 1
        return tuple((EPOCH + dt.timedelta(days=d)).isoformat() for d in (first, last))  # type: ignore[return-value]

    def feed(self, channel: str, said: str) -> Change:
        """Return the change of a feed that broke off."""
        where = f"the channel '{channel}'" if channel else "the log"
        first, last = self.days(EVENTS)
        text = (
            f"From {first} to {last} {where} looks broken off: {said}. Nothing else of this period "
            "is compared."
        )
        return Change(
            f"feed-{channel}".rstrip("-") + ("all" if not channel else ""), "data_quality",
            f"events of {where}", text, measure=EVENTS, unit="events", direction="worse",
        )  # fmt: skip

    def name(self, old: str | None, new: str | None, now: int, usual: float) -> Change:
        """Return the change of a name of a touchpoint."""
        first, last = self.days(EVENTS)
        if old and new:
            text = (
                f"'{old}' looks renamed to '{new}': {usual:,.0f} events a period went under the "
                f"old name, {now:,} from {first} to {last} under the new one. Neither is compared; "
                "the mapping can join them."
            )
        elif new:
            text = (
                f"'{new}' is new: {now:,} events from {first} to {last}, none before. It is not "
                "compared yet."
            )
        else:
            text = (
                f"'{old}' is gone: no event from {first} to {last}, {usual:,.0f} a period before. "
                "Either it no longer happens, or it is logged under another name or not at all."
            )
        return Change(
            f"name-{old or ''}-{new or ''}".strip("-"), "definition", f"touchpoint {new or old}",
            text, touchpoint=new or old, before=old, after=new, unit="name",
        )  # fmt: skip

    def alarms(self, tests: pd.DataFrame) -> list[Change]:
        """Return the streams that changed by more than chance, in words."""
        return [self._stream(row) for _, row in tests[tests["significant"]].iterrows()]

    def _stream(self, row: pd.Series[Any]) -> Change:
        measure, place = str(row["measure"]), str(row["touchpoint"])
        what = stream_label(measure, place, str(row["detail"]))
        kind: Kind = {"quality": "data_quality", "mix": "mix"}.get(row["family"], "performance")  # type: ignore[assignment]
        if kind == "performance" and is_mix(row):
            kind = "mix"
        first, last = self.days(measure)
        before, after, change, unit = _spoken(row)
        periods = int(row["references"])
        text = (
            f"{what}: {after} from {first} to {last} (n = {int(row['n_after']):,}, "
            f"{int(row['customers']):,} customers), {before} in the {periods} periods before "
            f"(n = {int(row['n_before']):,}); {change}."
        )
        if kind == "mix" and row["family"] == "performance":
            text += " It goes with another mix of cases: among like cases less than half is left."
        # The last period alone adds |z| − k to the sum.
        if abs(row["cusum"]) - abs(row["z"]) >= self.settings.cusum_h / 2:
            text += " The drift goes on over several periods."
        sign = WORSE.get(measure, 1 if measure.startswith("missing_") else 0) * row["difference"]
        return Change(
            id="-".join(filter(None, (measure, place, str(row["detail"])))),
            kind=kind,
            what=what,
            text=text,
            touchpoint=place or None,
            measure=measure,
            before=rounded(_shown(row["before"], row["unit"])),
            after=rounded(_shown(row["after"], row["unit"])),
            unit="seconds" if row["unit"] == "log seconds" else str(row["unit"]),
            difference={
                **{
                    name: rounded(_shown(row[column], row["unit"]))
                    for name, column in (("value", "difference"), ("lo", "lo"), ("hi", "hi"))
                },
                "unit": unit,
            },
            n_before=int(row["n_before"]),
            n_after=int(row["n_after"]),
            customers=int(row["customers"]),
            q_value=rounded(row["q_value"]),
            direction=None if sign == 0 else "worse" if sign > 0 else "better",
        )


def stream_label(measure: str, touchpoint: str, detail: str) -> str:
    """Return what a stream counts, in words."""
    label = LABELS.get(measure, f"Events without {measure.removeprefix('missing_')}")
    return label.format(detail=detail) + (f" at {touchpoint}" if touchpoint else "")


def _shown(value: float, unit: str) -> float:
    return math.expm1(value) if unit == "log seconds" else float(value)


def _spoken(row: pd.Series[Any]) -> tuple[str, str, str, str]:
    """Return before, after and the difference with its interval in words, and its unit."""
    unit = str(row["unit"])
    ends = [_shown(row[name], unit) for name in ("difference", "lo", "hi")]
    if unit == "share":
        said = [percent(row[name]) for name in ("before", "after")]
        change = [_signed(100 * end, 1) for end in ends]
        return *said, f"{change[0]} points ({change[1]} to {change[2]})", "share"  # type: ignore[return-value]
    if unit == "log seconds":
        said = [f"{number(_shown(row[name], unit) / 60, 1)} min" for name in ("before", "after")]
        change = [_signed(100 * end, 0) for end in ends]
        return *said, f"{change[0]} % ({change[1]} to {change[2]})", "relative"  # type: ignore[return-value]
    said = [number(float(row[name]), 2) for name in ("before", "after")]
    change = [_signed(end, 2) for end in ends]
    return *said, f"{change[0]} {unit} ({change[1]} to {change[2]})", unit  # type: ignore[return-value]


def _signed(value: float, digits: int) -> str:
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else ("+" if value > 0 else "−") + text
