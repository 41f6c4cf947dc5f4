"""Zones written as letters behind a clock: those of one offset, and those of the declared zone."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable

import ibis.expr.types as ir

from journeylib.core import SchemaError

# Letters that one offset alone has in the IANA data, with those of mails (RFC 2822) and the German
# ones. Letters of several offsets (CST, IST, BST, PST, AST) are not here.
_OFFSETS = {
    "WET": "+0000", "WEST": "+0100", "CET": "+0100", "CEST": "+0200", "MEZ": "+0100",
    "MESZ": "+0200", "EET": "+0200", "EEST": "+0300", "MSK": "+0300", "SAST": "+0200",
    "EST": "-0500", "EDT": "-0400", "MST": "-0700", "MDT": "-0600", "PDT": "-0700",
    "AKST": "-0900", "AKDT": "-0800", "HST": "-1000", "JST": "+0900", "KST": "+0900",
    "HKT": "+0800", "AWST": "+0800", "ACST": "+0930", "ACDT": "+1030", "AEST": "+1000",
    "AEDT": "+1100", "NZST": "+1200", "NZDT": "+1300",
}  # fmt: skip
_PLAIN = {"UTC", "GMT"}
_CLOCK = r"(:[0-9]{2}(?:[.,][0-9]+)?(?:\s?[AaPp][Mm])?)"
# Behind it there may be a year, as programs write dates.
_YEAR = r"( [0-9]{4})?"


def zone_letters(text: ir.StringValue) -> list[str]:
    """Return the capital letters that stand behind the clocks of a column, without UTC."""
    word = text.re_extract(rf"{_CLOCK}\s*([A-Z]{{3,4}}){_YEAR}$", 2).name("word").as_table()
    letters = word.distinct().to_pyarrow()["word"].to_pylist()
    return sorted({str(one) for one in letters if one} - _PLAIN)


def offsets_of(
    letters: Iterable[str], zone: zoneinfo.ZoneInfo, column: str, where: str
) -> dict[str, str]:
    """Return the offset that each zone's letters stand for.

    The declared zone's own letters come first: CST is -06:00 in America/Chicago.

    Raises
    ------
    SchemaError
        Letters mean several offsets or none, and the declared zone does not use them.
    """
    offsets = _OFFSETS | _own(zone)
    unknown = [word for word in letters if word not in offsets]
    if unknown:
        raise SchemaError(
            f"column '{column}' of {where} writes zones as letters that no or several zones have: "
            f"{', '.join(unknown[:3])}. Declare in 'timezone' a zone that uses them (CST: "
            "America/Chicago or Asia/Shanghai, IST: Asia/Kolkata), or export times with offsets."
        )
    return {word: offsets[word] for word in letters}


def _own(zone: zoneinfo.ZoneInfo) -> dict[str, str]:
    """Return the letters that a zone uses in winter and summer, with their offsets."""
    times = [dt.datetime(2024, month, 1, tzinfo=zone) for month in (1, 7)]
    return {time.tzname() or "": time.strftime("%z") for time in times}


def with_offsets(text: ir.StringValue, offsets: dict[str, str]) -> ir.StringValue:
    """Return times with the offset in place of the zone's letters."""
    for word, offset in offsets.items():
        text = text.re_replace(rf"{_CLOCK}\s*{word}{_YEAR}$", rf"\1 {offset}\2")
    return text
