"""What is seen to be made first: steps of a row, a date with its clock, threads of answers."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from journeylib.log.canonical.timestamps import shape_share
from journeylib.log.canonical.wide_rows import WideRows
from journeylib.log.schema import MISSING, Replies, Span
from journeylib.log.text.role_names import name_score, plain_name

CLOCK = r"\s*[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?(\s*[AaPp]\.?[Mm]\.?)?\s*"
_STARTS = {"start", "started", "begin", "entry", "entered", "from", "in", "beginn", "von", "debut"}
_ENDS = {"end", "ended", "exit", "left", "to", "out", "stop", "ende", "bis", "fin"}
_REPLIES = {
    "reply to", "reply to id", "in reply to", "in reply to id", "in reply to status id",
    "in response to", "in response to id", "in response to tweet id", "parent id",
    "parent message id", "parent tweet id", "antwort auf",
}  # fmt: skip
_MOST, _HELD = 0.8, 0.3


def find_wide_rows(sample: pd.DataFrame) -> WideRows | None:
    """Return how the columns of a table are to be joined or made rows; None where they are not.

    A column that names the event which a row answers makes threads. Two pairs of columns or more
    that are named as start and end of steps make each row several events, unless a column is named
    as what happened. A lone column of clocks
    beside one of dates, and no whole times, is joined with it.
    """
    texts = {name: _filled(sample[name]) for name in sample.columns}
    clocks = [name for name, column in texts.items() if _share(column, CLOCK) > _MOST]
    times = [name for name, column in texts.items() if shape_share(column) >= _MOST]
    days = [name for name in times if not texts[name].str.contains(":").any()]
    whole = [name for name in times if name not in days]
    if (replies := _replies(texts)) is not None:
        return WideRows(threads=replies)
    day = max(days, key=lambda name: name_score(name, "timestamp"), default=None)
    # Rows that name what happened are events already, whatever times stand beside.
    named = any(name_score(name, "touchpoint") >= _MOST for name in sample.columns)
    if not named and day is not None and len(pairs := _pairs(clocks)) > 1:
        return WideRows(unpivot={step: Span(start=(day, start), end=(day, end))
                                 for step, (start, end) in pairs.items()})  # fmt: skip
    if not named and len(pairs := _pairs(whole)) > 1:
        return WideRows(unpivot={step: Span(start=(start,), end=(end,))
                                 for step, (start, end) in pairs.items()})  # fmt: skip
    if day is not None and len(clocks) == 1 and not whole:
        return WideRows(join={f"{day} {clocks[0]}": (day, clocks[0])})
    return None


def _replies(texts: dict[str, pd.Series[str]]) -> Replies | None:
    """Return the column that names answered events, and the one of ids that holds most of them."""
    for name, column in texts.items():
        if plain_name(name) not in _REPLIES or column.empty:
            continue
        held = {
            other: float(column.isin(ids).mean())
            for other, ids in texts.items()
            if other != name and ids.is_unique
        }
        best = max(held, key=lambda other: held[other], default=None)
        if best is not None and held[best] > _HELD:
            return Replies(id=best, reply_to=name)
    return None


def _filled(values: pd.Series[str]) -> pd.Series[str]:
    present = values.dropna().astype("str").str.strip()
    return present[~present.isin(MISSING)]


def _share(values: pd.Series[str], pattern: str) -> float:
    return float(values.str.fullmatch(pattern).mean()) if len(values) else 0.0


def _pairs(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the steps whose start and end are named alike, such as q_start and q_exit."""
    pairs: dict[str, dict[str, str]] = {}
    for name in names:
        words = plain_name(name).split()
        for side, marks_of_side in (("start", _STARTS), ("end", _ENDS)):
            marks = [
                index for index in (0, len(words) - 1) if words and words[index] in marks_of_side
            ]
            if len(words) > 1 and marks:
                step = " ".join(words[:-1] if marks[-1] else words[1:])
                pairs.setdefault(step, {}).setdefault(side, name)
    return {
        step: (sides["start"], sides["end"]) for step, sides in pairs.items() if len(sides) == 2
    }
