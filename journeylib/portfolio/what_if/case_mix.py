"""What people are left with after a move: how many contacts, how long, with which feeling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from journeylib.core import MICRO, Floats, number, percent, signed, text
from journeylib.journeys import MISSING
from journeylib.portfolio.what_if.people_contacts import QueueRecords
from journeylib.portfolio.what_if.queue_forecast import Matter, mix_and_rate
from journeylib.portfolio.what_if.queue_inputs import US_PER_MINUTE, Moved, Terms

MIX_COLUMNS = (
    *("touchpoint", "end", "figure", "before", "after"),
    *("value_before", "value_after", "mix", "rate"),
)
SCALES = {"length": US_PER_MINUTE, "feeling": MICRO, "emotional": MICRO}
ENDS = (("no_selection", 0.0), ("full_selection", 1.0))
Moves = Sequence[tuple[Moved, float]]


def case_mix(
    records: QueueRecords, names: tuple[str, ...], moved: Moves, terms: Terms
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Split what changes of people's contacts into which are left and what these are like.

    Parameters
    ----------
    records : QueueRecords
    names : tuple of str
        Touchpoints of the team.
    moved : sequence of (Moved, share)
    terms : Terms

    Returns
    -------
    table : pandas.DataFrame
        One row per figure (``length``, ``feeling``, ``emotional``), end and touchpoint whose
        figure is known of enough customers, columns `MIX_COLUMNS`.
    unknown : tuple of str
        Why a figure is not told.

    Notes
    -----
    At full selection the bot solves the shortest contacts; people keep the feeling and the share
    of emotional contacts of the longest. ``mix`` and ``rate`` add up to the change of the mean
    over these touchpoints (`mix_and_rate`).
    """
    rows = records.contacts[records.contacts["touchpoint"].isin(names)]
    rows = rows.assign(
        length=np.where(rows["end_us"] != MISSING, rows["end_us"] - rows["begin_us"], MISSING)
    )
    lines: list[tuple[object, ...]] = []
    unknown = []
    for figure in SCALES:
        if reason := records.unknown.get(figure):
            unknown.append(text(f"portfolio.what_if.left.unknown.{figure}.{reason}"))
            continue
        before = _before(rows, figure, records.weeks * terms.log_share, terms.min_customers)
        here = [(one, share) for one, share in moved if one.name in before]
        if len(here) < len(moved):
            unknown.append(text(f"portfolio.what_if.left.unknown.{figure}.n_small"))
            continue
        lines += _lines(rows, figure, before, here)
    return pd.DataFrame(lines, columns=list(MIX_COLUMNS)), tuple(unknown)


def _before(
    rows: pd.DataFrame, figure: str, weeks: float, minimum: int
) -> dict[str, tuple[float, float]]:
    """Return contacts a week and the mean of a figure of each touchpoint with enough customers.

    Enough are needed of contacts that no bot had, too: they are what moves.
    """
    by_name = {}
    for name, part in rows.groupby("touchpoint"):
        measured = part[part[figure] != MISSING]
        direct = measured[measured["bot"] != name]
        if min(measured["customer"].nunique(), direct["customer"].nunique()) >= minimum:
            value = int(measured[figure].sum()) / len(measured) / SCALES[figure]
            by_name[str(name)] = (len(part) / weeks, value)
    return by_name


def _lines(
    rows: pd.DataFrame, figure: str, before: Mapping[str, tuple[float, float]], moved: Moves
) -> list[tuple[object, ...]]:
    lines: list[tuple[object, ...]] = []
    for end, selection in ENDS:
        now = dict(before)
        for one, share in moved:
            direct = rows[(rows["touchpoint"] == one.name) & (rows["bot"] != one.name)]
            each = _of_a_contact(one.matter, direct, figure, selection)
            now[one.name] = _moved(before[one.name], one.matter, share, each)
        parts = mix_and_rate(before, now)
        lines += [
            (name, end, figure, n, now[name][0], value, now[name][1], *parts[name])
            for name, (n, value) in before.items()
        ]
    return lines


def _of_a_contact(
    matter: Matter, direct: pd.DataFrame, figure: str, selection: float
) -> tuple[float, float, float]:
    """Return the figure of any contact and of what the bot fails at; minutes that it adds."""
    if figure == "length":
        failed = float(matter.minutes(selection)[0][0])
        return float(matter.lengths.mean[0]), failed, matter.extra
    measured = direct[direct[figure] != MISSING]
    mean = int(measured[figure].sum()) / len(measured) / SCALES[figure]
    hard = _of_longest(measured, figure, 1 - float(matter.contained[0]))
    return mean, mean + selection * (hard - mean), 0.0


def _of_longest(contacts: pd.DataFrame, figure: str, share: float) -> float:
    """Return the mean of a figure over the longest `share`; contacts of one length count alike."""
    sums = contacts.groupby("length")[figure].agg(["size", "sum"]).iloc[::-1]
    many, total = (sums[column].to_numpy().astype(np.float64) for column in ("size", "sum"))
    wanted = share * many.sum()
    taken = np.clip(wanted - (np.cumsum(many) - many), 0.0, many)
    if wanted <= 0:
        return float(total.sum() / many.sum()) / SCALES[figure]
    return float((taken * total / many).sum() / wanted) / SCALES[figure]


def _moved(
    now: tuple[float, float], matter: Matter, share: float, each: tuple[float, float, float]
) -> tuple[float, float]:
    """Return contacts and the mean of a figure at a touchpoint after its move; first resample."""
    per_week = float(matter.rate[0].sum()) * 60
    mean, failed = np.full(1, each[0]), np.full(1, each[1])

    def of(share: Floats | float) -> tuple[float, float]:
        left = matter.left(share, mean, failed, each[2])
        return float(matter.reached(share)[0]), float(left[0])

    people, amount = of(share)
    people_now, amount_now = of(matter.bot_share)
    contacts = now[0] + per_week * (people - people_now)
    total = now[0] * now[1] + per_week * (amount - amount_now)
    return contacts, total / contacts if contacts > 0 else now[1]


def left_sentences(
    mix: pd.DataFrame, moves: Mapping[str, float], unknown: Sequence[str]
) -> tuple[str, ...]:
    """Say what people are left with where the bot solves the easy ones."""
    sentences = []
    for figure in SCALES:
        table = mix[(mix["end"] == "full_selection") & (mix["figure"] == figure)]
        if table.empty:
            continue
        sentences += [
            text(
                f"portfolio.what_if.left.{figure}",
                touchpoint=row["touchpoint"],
                before=number(row["before"], 0),
                after=number(row["after"], 0),
                value_before=_value(figure, row["value_before"]),
                value_after=_value(figure, row["value_after"]),
            )
            for row in table.to_dict("records")
            if row["touchpoint"] in moves
        ]
        parts = {"mix": float(table["mix"].sum()), "rate": float(table["rate"].sum())}
        parts["change"] = parts["mix"] + parts["rate"]
        written = {name: _change(figure, part) for name, part in parts.items()}
        sentences.append(text(f"portfolio.what_if.left.split_{figure}", **written))
    return (*sentences, *unknown)


def _value(figure: str, value: float) -> str:
    if figure == "emotional":
        return percent(value, 0)
    return number(value, 1) if figure == "length" else signed(value)


def _change(figure: str, value: float) -> str:
    return signed(100 * value) if figure == "emotional" else signed(value)
