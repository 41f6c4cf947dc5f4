"""Two groups of journeys side by side: what differs for more than chance, and by how much."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from textwrap import fill

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import (
    GROUPS,
    US_PER_DAY,
    AbstainReason,
    Floats,
    adjusted_p_values,
    percent,
    refuse_other,
    resample,
    working,
)
from journeylib.journeys import (
    BAD_END,
    END,
    GOAL,
    START,
    Journeys,
    count_neighbours,
    count_units,
    number_pairs,
    sum_in_cells,
)

Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
FOUND = 0.05
MOST = 10  # findings that are printed
COLUMNS = (
    "kind", "name", "source", "target", "unit", "a", "b", "difference", "lo", "hi", "q_value",
    "n_a", "n_b", "grade",
)  # fmt: skip
_WHOLE = {
    "goal": ("journeys that reach a goal", "share"),
    "bad_end": ("journeys with a bad end", "share"),
    "open": ("journeys still open", "share"),
    "visits": ("visits per journey", "visits"),
    "days": ("days from first to last event, journeys seen whole", "days"),
}


@dataclass(frozen=True)
class Comparison:
    """What two groups of journeys differ in; grade C throughout: differences, not effects.

    Attributes
    ----------
    a, b : str
        The groups in words.
    table : pandas.DataFrame
        One row per number compared: measures of whole journeys, touchpoints (share of journeys
        that pass through), transitions (share that take it), the surest first within each:
        ``kind`` (``measure``, ``touchpoint``, ``transition``), ``name``, ``source``, ``target``
        (str; empty where they do not apply), ``unit`` (``share``, ``visits``, ``days``),
        ``a``, ``b``, ``difference`` (a − b), ``lo``, ``hi``, ``q_value`` (float64; NaN where the
        choice of the groups itself decides: a touchpoint of all of one group and none of the
        other, and the transitions to and from it), ``n_a``, ``n_b`` (int64, customers of each
        group that the number rests on), ``grade``.
    touchpoints : pandas.DataFrame
        What a map needs of the touchpoints of `table`: ``touchpoint``, ``stage``, ``channel``,
        ``journeys``, ``median_position``.
    suppressed : int
        Rows left out because few, but not none, of the customers of a group are behind them.
    abstain : str or None
        Why the groups are not compared.
    min_customers : int
    stage_order, channel_order : tuple of str
        As the log declares them.
    """

    a: str
    b: str
    table: pd.DataFrame
    touchpoints: pd.DataFrame = field(repr=False)
    suppressed: int
    abstain: AbstainReason | None
    min_customers: int
    stage_order: tuple[str, ...] = ()
    channel_order: tuple[str, ...] = ()

    @property
    def differences(self) -> pd.DataFrame:
        """The rows of `table` that chance does not explain (q at most .05)."""
        return self.table[self.table["q_value"] <= FOUND].reset_index(drop=True)

    @property
    def findings(self) -> tuple[str, ...]:
        """One sentence for each of `differences`."""
        return tuple(_sentence(row) for row in self.differences.to_dict("records"))

    def __repr__(self) -> str:
        """Say what was compared, and what was found."""
        title = f"A: {self.a}.\nB: {self.b}.\n"
        differing = len(self.differences)
        if self.abstain is not None:
            return (
                f"{title}Not compared: a group, or what sets the groups apart, is of fewer than "
                f"{self.min_customers} customers."
            )
        if not differing:
            return f"{title}No number of {len(self.table):,} differs beyond chance."
        head = f"{title}{differing:,} of {len(self.table):,} numbers differ beyond chance"
        # A notebook would break a longer line within a word.
        lines = (fill(one, 96, subsequent_indent="  ") for one in self.findings[:MOST])
        return "\n".join([f"{head}, the surest of each kind first:", *lines])


@working("comparing two groups")
def compare(a: Journeys, b: Journeys) -> Comparison:
    """Compare two groups of journeys: segments, periods, ends, a filter and the rest.

    Parameters
    ----------
    a, b : Journeys
        They may share customers, and journeys.

    Returns
    -------
    Comparison
        Abstains with ``privacy`` where a group has fewer customers than the minimum, or where
        fewer than that (but some) are all that one group has more than the other.

    Notes
    -----
    What the groups differ in goes together with what sets them apart; it need not come of it.
    Every number is a ratio of sums per customer group, and the difference is taken within each
    resample of customers (`core.resample` leaves the same customers out of both groups), so
    that customers in both groups do not count twice. p-values are Student's t of the difference
    by its delete-a-group error; q-values are Benjamini and Hochberg's (1995) over all rows. A row
    is tested only where at least the minimum of customers, or none, is behind it in each group.
    """
    refuse_other(a, "Journeys")
    refuse_other(b, "Journeys")
    minimum = max(a.settings.min_customers, b.settings.min_customers)
    sides = {"a": a.words or "all journeys", "b": b.words or "all journeys"}
    schema = a.log.schema
    nothing = Comparison(
        **sides,
        table=_no_rows(),
        touchpoints=_places(a, b, _no_rows(), minimum),
        suppressed=0,
        abstain="privacy",
        min_customers=minimum,
        stage_order=tuple(schema.stage_order),
        channel_order=tuple(schema.channel_order),
    )
    if min(a.size[1], b.size[1]) < minimum or not (a.differs_enough and b.differs_enough):
        return nothing
    if a.whole is b.whole and any(0 < n < minimum for n in (_more(a, b), _more(b, a))):
        return nothing
    cells, others = _cells(a), _cells(b)
    pairs = [(key, cells.of(key), others.of(key)) for key in sorted({*cells.rows, *others.rows})]
    few = [any(0 < cell.people < minimum for cell in pair[1:]) for pair in pairs]
    shown = [
        pair
        for pair, small in zip(pairs, few, strict=True)
        if not small and max(cell.people for cell in pair[1:]) >= minimum
    ]
    table = _tested(shown) if shown else _no_rows()
    places = _places(a, b, table, minimum)
    return replace(nothing, table=table, touchpoints=places, suppressed=sum(few), abstain=None)


def _no_rows() -> pd.DataFrame:
    return pd.DataFrame({column: [] for column in COLUMNS})


def _more(one: Journeys, other: Journeys) -> int:
    """Return how many customers have journeys in the one and not in the other."""
    own, others = one.outline, other.outline
    return count_neighbours(own.customer[~np.isin(own.key, others.key)])


# --- sums per customer group ------------------------------------------------------------------

Key = tuple[str, str, str]  # kind, source, target


@dataclass(frozen=True)
class _Cell:
    """One ratio per customer group: its two sums, and the customers behind each."""

    top: Floats
    base: Floats
    people: int
    n: int


@dataclass(frozen=True)
class _Cells:
    """All ratios of one group of journeys."""

    rows: dict[Key, _Cell]

    def of(self, key: Key) -> _Cell:
        """Return a ratio; a way that nobody went was gone 0 times."""
        every = self.rows["measure", "visits", ""]
        return self.rows.get(key, _Cell(np.zeros(GROUPS), every.base, 0, every.n))


def _cells(journeys: Journeys) -> _Cells:
    """Sum everything that is compared per customer group."""
    outline = journeys.outline
    group, customer = outline.group, outline.customer
    every, kind = np.ones(len(outline), dtype=bool), outline.end_kind
    asked: dict[str, tuple[Whole, Flags]] = {}  # how much, of which journeys
    if journeys.settings.every_goal:
        asked["goal"] = (kind == GOAL).astype(np.int64), every
    if journeys.settings.bad_ends:
        asked["bad_end"] = (kind == BAD_END).astype(np.int64), every
    if journeys.has_clock:
        asked["open"] = outline.is_open.astype(np.int64), every
    asked["visits"] = np.diff(outline.visits[1]), every
    if journeys.has_clock:
        asked["days"] = outline.end_us - outline.start_us, ~outline.is_open & ~outline.cut_off
    rows: dict[Key, _Cell] = {}
    for name, (amount, seen) in asked.items():
        counted = seen & (amount > 0) if _WHOLE[name][1] == "share" else seen
        rows["measure", name, ""] = _Cell(
            sum_in_cells(group[seen], amount[seen], GROUPS).astype(np.float64),
            np.bincount(group[seen], minlength=GROUPS).astype(np.float64),
            count_neighbours(customer[counted]),
            count_neighbours(customer[seen]),
        )
    return _Cells(rows | _ways(journeys, rows["measure", "visits", ""]))


def _ways(journeys: Journeys, every: _Cell) -> dict[Key, _Cell]:
    """Count the journeys that pass through each touchpoint and take each transition."""
    events, many = journeys.events, len(journeys.names)
    names = [journeys.names[number] for number in range(many)]
    # Behind the touchpoints: where journeys begin and end, and nowhere.
    sources, targets = (np.array([*names, end, ""], dtype=object) for end in (START, END))
    begin, nowhere = (np.full(len(events), many + spot, dtype=np.int32) for spot in range(2))
    kinds = (
        ("touchpoint", events.starts_visit & (events.visit == 1), events.touchpoint, nowhere),
        (
            "transition",
            events.ends_visit,
            events.touchpoint,
            events.next_of(events.touchpoint, many),
        ),
        ("transition", events.step == 1, begin, events.touchpoint),
    )
    rows: dict[Key, _Cell] = {}
    for kind, where, source, target in kinds:
        pair, keys = number_pairs(np.where(where, source, -1), target, many + 2)
        cell = np.where(where, pair * np.int64(GROUPS) + events.group, -1)
        top = count_units(cell, events.journey, len(keys) * GROUPS).reshape(-1, GROUPS)
        people = count_units(pair, events.customer, len(keys)).tolist()
        ways = zip(sources[keys // (many + 2)], targets[keys % (many + 2)], strict=True)
        for way, own, behind in zip(ways, top.astype(np.float64), people, strict=True):
            rows[kind, *way] = _Cell(own, every.base, behind, every.n)
    return rows


# --- differences ------------------------------------------------------------------------------


def _difference(sums: Floats) -> Floats:
    result: Floats = sums[..., 0] / sums[..., 1] - sums[..., 2] / sums[..., 3]
    return result


def _tested(pairs: list[tuple[Key, _Cell, _Cell]]) -> pd.DataFrame:
    """Return the rows of `Comparison.table`."""
    from scipy import special

    sums = np.stack(
        [np.stack([a.top, a.base, b.top, b.base], axis=-1) for _key, a, b in pairs], axis=1
    )
    n = np.array([min(a.n, b.n) for _key, a, b in pairs])
    result = resample(sums, _difference, n_customers=n)
    freedom = np.maximum(np.minimum((sums != 0).any(axis=2).sum(axis=0), n) - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        # All of the one group and none of the other: the choice of the groups decides.
        t = np.where(result.se > 0, np.abs(result.value) / result.se, np.nan)
        total = sums.sum(axis=0)
        values = total[:, 0] / total[:, 1], total[:, 2] / total[:, 3]
    frame = pd.DataFrame([key for key, _a, _b in pairs], columns=["kind", "source", "target"])
    measure = frame["kind"] == "measure"
    frame["unit"] = frame["source"].map({k: unit for k, (_w, unit) in _WHOLE.items()})
    frame["unit"] = frame["unit"].where(measure, "share")
    frame["name"] = frame["source"].where(
        frame["target"] == "", frame["source"] + " → " + frame["target"]
    )
    words = frame["source"].map({k: name for k, (name, _u) in _WHOLE.items()})
    frame["name"] = words.where(measure, frame["name"])
    frame["source"] = frame["source"].mask(measure, "")
    scale = np.where(frame["unit"] == "days", US_PER_DAY, 1.0)
    frame["a"], frame["b"] = (value / scale for value in values)
    frame["difference"], frame["lo"], frame["hi"] = (
        value / scale for value in (result.value, result.lo, result.hi)
    )
    whole = (frame["kind"] == "touchpoint") & (np.abs(result.value) == 1)
    chosen = set(frame.loc[whole, "source"])
    decided = np.array([not chosen.isdisjoint(key[1:]) for key, _a, _b in pairs])
    p_values = np.where(decided, np.nan, 2 * special.stdtr(freedom, -t))
    frame["q_value"] = adjusted_p_values(p_values, "fdr_bh")
    frame["n_a"] = [a.n for _key, a, _b in pairs]
    frame["n_b"] = [b.n for _key, _a, b in pairs]
    frame["grade"] = "C"
    # Rounded, so that the last bits of a sum never decide the order.
    order = frame.assign(_q=frame["q_value"].round(9), _size=-frame["difference"].abs().round(9))
    frame = frame.loc[order.sort_values(["kind", "_q", "_size", "name"]).index]
    return frame[list(COLUMNS)].reset_index(drop=True)


def _places(a: Journeys, b: Journeys, table: pd.DataFrame, minimum: int) -> pd.DataFrame:
    columns = ["touchpoint", "stage", "channel", "customers", "journeys", "median_position"]
    touchpoints = pd.concat([one.whole.touchpoints[columns] for one in (a, b)])
    touchpoints = touchpoints.drop_duplicates("touchpoint")
    shown = touchpoints["touchpoint"].isin(table.loc[table["kind"] == "touchpoint", "source"])
    return touchpoints[shown & (touchpoints["customers"] >= minimum)].reset_index(drop=True)


def _sentence(row: Mapping[Hashable, object]) -> str:
    own, other, more, lo, hi = (
        float(str(row[column])) for column in ("a", "b", "difference", "lo", "hi")
    )
    way = "more" if more > 0 else "less"
    if more < 0:
        more, lo, hi = -more, -hi, -lo
    if row["unit"] != "share":
        sides = f"{own:.3g} in A, {other:.3g} in B; {more:.2g} {way}"
        return f"{row['name']}: {sides} in A (95 % interval {lo:.2g} to {hi:.2g})."
    sides = f"{percent(own)} of A, {percent(other)} of B; {100 * more:.1f} points {way}"
    return f"{row['name']}: {sides} in A (95 % interval {100 * lo:.1f} to {100 * hi:.1f})."
