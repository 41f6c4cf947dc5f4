"""Which streams may be published: parts of a total tell no small part by subtraction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import Floats
from journeylib.measures import ALL, EVENTS, EVERYWHERE

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
HITS, MISSES, CASES, CUSTOMERS = range(4)
# Of these measures no case counts in both; what counts in neither is a part as well.
EXCLUSIVE = (("next_1", "next_2"), ("handed_over", "abandoned"))
STREAM = ["measure", "touchpoint", "detail"]
BETWEEN = " · "  # stands in a stratum of the whole log after the number of the touchpoint


@dataclass(frozen=True)
class _Sum:
    """Rows that add up to a total: which row that is, and what belongs to no row."""

    parts: Ints
    columns: tuple[int, ...]
    rest: Floats
    total: int | None = None  # else it is known from elsewhere


def may_be_shown(rows: pd.DataFrame, names: Mapping[int, str], minimum: int) -> Bools:
    """Decide which streams of one period may be published together.

    Parameters
    ----------
    rows : pandas.DataFrame
        Row: one stream or stratum of one period, as in `Streams.table`.
    names : mapping of int to str
        Touchpoints by the number that begins a stratum of the whole log.
    minimum : int
        Fewest customers, cases, and cases that a share counts or does not; a share of none and of
        all may be shown.

    Returns
    -------
    ndarray of bool, shape (rows,)

    Notes
    -----
    Touchpoints add up to the whole log, strata to their stream, classes of journeys to all
    journeys. Of each sum the hidden part holds none or at least `minimum` of what is counted;
    where it does not, the smallest row that is shown is hidden too. Strata of the whole log are
    those of touchpoints and follow them. The rest of small strata of the whole log stays hidden,
    and so do the strata of missing columns: nothing reads them.
    """
    rows = rows.reset_index(drop=True)
    counts = _counts(rows)
    is_large = counts >= minimum
    has_none = (counts == 0) & np.array([True, True, False, False])
    shown: Bools = np.all(is_large | has_none, axis=1)
    if minimum <= 1:
        return shown
    sums, leaders = [*_sums(rows, counts)], _leaders(rows, names)
    shown &= leaders != -1
    led = np.flatnonzero(leaders >= 0)
    while True:
        before = int(shown.sum())
        shown[led] &= shown[leaders[led]]
        for one in sums:
            _hide_more(one, shown, counts, minimum)
        if int(shown.sum()) == before:
            return shown


def _counts(rows: pd.DataFrame) -> Floats:
    """Return what is counted of each row: hits, misses, cases, customers."""
    n = rows["n"].to_numpy(dtype=np.float64)
    share = (rows["unit"] == "share").to_numpy()
    value = np.where(share, rows["value"].to_numpy(dtype=np.float64), 1.0)
    hits = np.rint(value * n)
    return np.stack([hits, n - hits, n, rows["customers"].to_numpy(dtype=np.float64)], axis=-1)


def _sums(rows: pd.DataFrame, counts: Floats) -> Iterator[_Sum]:
    """Yield which rows add up to which."""
    whole = ((rows["touchpoint"] == EVERYWHERE) & (rows["stratum"] == ALL)).to_numpy()
    every = (HITS, MISSES, CASES, CUSTOMERS)
    crude = rows[rows["stratum"] == ALL]
    for measure, part in _by(crude, "measure"):
        inside, own = part[~whole[part]], part[whole[part]]
        if measure.startswith("begins_with_"):
            rest = counts[own[0], CASES] - counts[own, HITS].sum()
            yield _Sum(own, (HITS,), np.array([rest]))
        elif measure == EVENTS:
            yield _Sum(inside, (CASES, CUSTOMERS), np.zeros(2))
        elif len(own) and len(inside):
            rest = (counts[own[0]] - counts[inside].sum(axis=0)).clip(min=0)
            rest[CUSTOMERS] = 0
            yield _Sum(inside, every, rest, total=int(own[0]))
    number = dict(zip(zip(*crude[STREAM].to_numpy().T, strict=True), crude.index, strict=True))
    strata = rows[(rows["stratum"] != ALL) & (rows["touchpoint"] != EVERYWHERE)]
    for key, part in _by(strata, STREAM):
        yield _Sum(part, every, np.zeros(len(every)), total=int(number[key]))
    by_place = {(m, t): int(i) for (m, t, _), i in number.items()}
    for one, other in EXCLUSIVE:
        for at in sorted({t for m, t in by_place if m == one and (other, t) in by_place}):
            pair = np.array([by_place[one, at], by_place[other, at]])
            rest = counts[pair[0], CASES] - counts[pair, HITS].sum()
            if rest >= 0:
                yield _Sum(pair, (HITS,), np.array([rest]))


def _by(rows: pd.DataFrame, key: str | list[str]) -> Iterator[tuple[Any, Ints]]:
    """Yield the index of the rows of each key, in its order; no frame is made of them."""
    index = rows.index.to_numpy()
    for one, positions in sorted(rows.groupby(key).indices.items()):
        yield one, index[positions]


def _leaders(rows: pd.DataFrame, names: Mapping[int, str]) -> Ints:
    """Return for each row the row without which it is hidden; −2 for none, −1 for never shown."""
    keys = zip(*rows[[*STREAM, "stratum"]].to_numpy().T, strict=True)
    number = {key: index for index, key in enumerate(keys)}
    divided = {key[:3] for key in number if key[3] != ALL}
    leaders = np.full(len(rows), -2, dtype=np.int64)
    for (measure, at, detail, stratum), index in number.items():
        if stratum == ALL:
            followed = (EVENTS, at, "", ALL)
            has_own = at == EVERYWHERE or measure == EVENTS or followed not in number
            leaders[index] = -2 if has_own else number[followed]
        elif at != EVERYWHERE:
            leaders[index] = number[measure, at, detail, ALL]
        else:
            no, _, own = stratum.partition(BETWEEN)
            touchpoint = names.get(int(no), "") if no.isdigit() else ""
            has_strata = (measure, touchpoint, detail) in divided and touchpoint
            leaders[index] = number.get(
                (measure, touchpoint, detail, own if has_strata else ALL), -1
            )
            if touchpoint == EVERYWHERE:
                leaders[index] = -1
    return leaders


def _hide_more(one: _Sum, shown: Bools, counts: Floats, minimum: int) -> None:
    """Hide the smallest rows of a sum until what is hidden tells nothing of a part of it."""
    parts, columns = one.parts, list(one.columns)
    size = counts[parts, CASES if CASES in columns else HITS]
    order = parts[np.lexsort((parts, size))]
    while True:
        secret = parts[~shown[parts]]
        if one.total is not None and not shown[one.total]:
            # The total comes back where all of its parts are shown.
            lacks = np.zeros(len(columns), dtype=np.bool_)
            alone = len(secret) == 0
        else:
            hidden = counts[secret][:, columns].sum(axis=0) + one.rest
            lacks = (hidden > 0) & (hidden < minimum)
            alone = len(secret) == 1 and not one.rest.any()
        left = order[shown[order]]
        if not (lacks.any() or alone) or len(left) == 0:
            return
        helps = (counts[left][:, columns][:, lacks] > 0).all(axis=1)
        some = (counts[left][:, columns] > 0).any(axis=1)
        wanted = left[helps & some] if (helps & some).any() else left[some]
        if len(wanted) == 0:
            return
        shown[wanted[0]] = False
