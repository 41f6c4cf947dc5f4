"""Cells: integer sums per touchpoint and customer group, from one walk over the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
from ibis import _

from journeylib.core import DRAWS, GROUPS, AbstainReason, Grade, Resampled, resample
from journeylib.journeys import Journeys
from journeylib.log import fetch
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
CELLS_AT_ONCE = 8_192


@dataclass(frozen=True)
class Base:
    """What the numbers of one measure rest on, one entry per touchpoint."""

    events: Whole
    journeys: Whole
    customers: Whole


@dataclass(frozen=True)
class Cells:
    """Sums per customer group and touchpoint.

    Attributes
    ----------
    sums : mapping of str to ndarray of float64, shape (groups, touchpoints)
        Whole numbers. A base ``x`` also has ``x_journeys`` and ``x_customers``.
    """

    sums: Mapping[str, Floats]

    def together(self, *columns: str) -> Floats:
        """Return sums of shape (groups, touchpoints, len(columns)), as `resample` takes them."""
        return np.stack([self.sums[column] for column in columns], axis=-1)

    def total(self, column: str) -> Whole:
        """Return the sum over all customer groups, per touchpoint."""
        return np.asarray(self.sums[column].sum(axis=0), dtype=np.int64)

    def base(self, name: str) -> Base:
        """Return events, journeys and customers behind the base `name`."""
        return Base(
            self.total(name), self.total(f"{name}_journeys"), self.total(f"{name}_customers")
        )


def fold(
    rows: ibis.Table,
    sums: Mapping[str, ibis.Deferred],
    bases: Sequence[str],
    touchpoints: int,
    *,
    again: Mapping[str, str] | None = None,
) -> Cells:
    """Sum `rows` per touchpoint and customer group, counting journeys and customers of each base.

    The bases that a row belongs to become bits; those that no earlier row of its journey, or of
    its customer, had are counted where they are new. A distinct count would hold every key of
    every touchpoint at once, while these windows may spill to disk.

    Parameters
    ----------
    rows : ibis.Table
        With ``journey``, ``customer_no``, ``group``, ``touchpoint_no``.
    sums : mapping
        Name to an integer or boolean expression over a row (null counts as zero).
    bases : sequence of str
        Those of `sums` that count events which a measure rests on.
    touchpoints : int
        Number of touchpoints of the log.
    again : mapping of str to str, optional
        Further sums: the journeys that have more than one event of a base, by its name.
    """
    cell = ["touchpoint_no", "group"]
    integers = {name: value.cast("int64").fill_null(0) for name, value in sums.items()}
    whole = rows.select(*cell, "customer_no", "journey", **integers)
    found = spread(
        whole.group_by(cell).aggregate(**{name: _[name].sum() for name in sums}), touchpoints
    )
    if not bases:
        return Cells(found)
    again = again or {}
    bits = {base: 1 << spot for spot, base in enumerate(bases)}
    belongs = sum((_[base] > 0).ifelse(bit, 0) for base, bit in bits.items())
    # In as few bytes as they need: a window carries all its columns along.
    narrow = whole.select(
        "journey",
        touchpoint_no=_.touchpoint_no.cast("int32"),
        group=_.group.cast("int8"),
        customer_no=_.customer_no.cast("int32"),
        _bits=belongs.cast("int32"),
        **{f"_{base}": _[base].cast("int32") for base in again.values()},
    )
    customer = ["touchpoint_no", "customer_no"]
    in_journey = ibis.window(group_by=["touchpoint_no", "journey"], preceding=(None, 1))
    in_customer = ibis.window(group_by=customer, preceding=(None, 1))
    marked = narrow.select(
        *cell,
        "customer_no",
        _of_journey=_new("_bits", in_journey),
        **{name: _more_than_one(f"_{base}", in_journey) for name, base in again.items()},
    ).mutate(_of_customer=_new("_of_journey", in_customer))
    counted = marked.group_by(cell).aggregate(
        **{f"{base}_journeys": (_["_of_journey"] & bit != 0).sum() for base, bit in bits.items()},
        **{f"{base}_customers": (_["_of_customer"] & bit != 0).sum() for base, bit in bits.items()},
        **{name: _[name].sum() for name in again},
    )
    return Cells(found | spread(counted, touchpoints))


def _more_than_one(events: str, window: Any) -> ibis.Value:
    """Whether `events`, summed over the rows of `window` up to and with this one, pass one here."""
    before = _[events].sum().over(window).fill_null(0)
    return (before <= 1) & (before + _[events] > 1)


def _new(bits: str, window: Any) -> ibis.Value:
    """Return those of `bits` that no row before this one in `window` has."""
    return _[bits] & ~_[bits].bit_or().over(window).fill_null(0)


def spread(table: ibis.Table, touchpoints: int) -> dict[str, Floats]:
    """Bring sums per ``touchpoint_no`` and ``group`` out of the engine; absent pairs are zero."""
    frame = fetch(table)
    spot = (frame["group"].to_numpy(), frame["touchpoint_no"].to_numpy())
    columns = {}
    for column in frame.columns.drop(["touchpoint_no", "group"]):
        columns[column] = np.zeros((GROUPS, touchpoints))
        columns[column][spot] = frame[column].to_numpy(dtype=np.float64)
    return columns


def thin(base: Base, settings: MeasureSettings) -> npt.NDArray[np.bool_]:
    """Return which touchpoints have too few visits or customers for a number."""
    few_visits = base.events < settings.min_starts
    few_customers = base.customers < settings.min_base_customers
    return np.asarray(few_visits | few_customers)


def measured(
    measure: str,
    unit: str,
    result: Resampled,
    base: Base,
    settings: MeasureSettings,
    *,
    refused: Mapping[AbstainReason, npt.NDArray[np.bool_]] | None = None,
    grade: Grade = "C",
) -> Measured:
    """Put a measure together: thin touchpoints abstain, then those `refused` for a reason.

    A touchpoint whose number is undefined for any other cause abstains as ``unidentified``.
    """
    reasons: list[AbstainReason | None] = [
        None if np.isfinite(value) else "unidentified" for value in result.value
    ]
    for reason, where in {"n_small": thin(base, settings), **(refused or {})}.items():
        for spot in np.flatnonzero(where):
            reasons[spot] = reason
    return Measured(
        measure, unit, result, base.events, base.journeys, base.customers, tuple(reasons), grade
    )


def share_of(
    measure: str,
    sums: Floats,
    base: Base,
    settings: MeasureSettings,
    *,
    refused: Mapping[AbstainReason, npt.NDArray[np.bool_]] | None = None,
) -> Measured:
    """Measure a share from hits and trials, the two sums of the last axis."""
    result = resample(
        sums,
        lambda s: s[..., 0] / s[..., 1],
        share=True,
        n_customers=base.customers,
        n_trials=np.asarray(sums)[..., 1].sum(axis=0),
    )
    return measured(measure, "share", result, base, settings, refused=refused)


def not_negative(result: Resampled) -> Resampled:
    """Cut the interval of an amount at zero."""
    return replace(result, lo=np.maximum(result.lo, 0.0))


def mapped(
    result: Resampled, function: Callable[[Floats], Floats], *, falling: bool = False
) -> Resampled:
    """Carry point, interval and draws to another scale by a monotone function."""
    lo, hi = function(result.lo), function(result.hi)
    return replace(
        result,
        value=function(result.value),
        lo=hi if falling else lo,
        hi=lo if falling else hi,
        draws=function(result.draws),
    )


def pieces(widths: Whole) -> Iterator[tuple[Whole, Whole]]:
    """Go through subjects of so many cells each, some thousand cells at a time.

    Thousands of small arrays would take Python minutes, one of all cells gigabytes.

    Yields
    ------
    subjects, first : ndarray of int64
        Numbers of the subjects of the piece, those without a cell left out, and where the cells
        of each begin among those of the piece.
    """
    subjects = np.flatnonzero(widths)
    piece = (np.cumsum(widths[subjects]) - 1) // CELLS_AT_ONCE
    for number in np.unique(piece):
        here = subjects[piece == number]
        yield here, np.cumsum(widths[here]) - widths[here]


def side_by_side(results: Sequence[tuple[Whole, Resampled]], many: int) -> Resampled:
    """Join results of some subjects each into one of all `many`; the others have no number."""
    value, se, lo, hi = (np.full(many, np.nan) for _ in range(4))
    whole = Resampled(value, se, lo, hi, np.full((DRAWS, many), np.nan))
    for subjects, one in results:
        for part in ("value", "se", "lo", "hi", "draws"):
            getattr(whole, part)[..., subjects] = getattr(one, part)
    return whole


def silent(measure: str, unit: str, reason: AbstainReason, touchpoints: int) -> Measured:
    """Return a measure that abstains at every touchpoint for one reason."""
    nothing = np.full(touchpoints, np.nan)
    result = Resampled(nothing, nothing, nothing, nothing, np.full((DRAWS, touchpoints), np.nan))
    none = np.zeros(touchpoints, dtype=np.int64)
    return Measured(measure, unit, result, none, none, none, (reason,) * touchpoints)


def touchpoint_names(journeys: Journeys) -> list[str]:
    """Return every touchpoint of the log in the order of ``touchpoint_no``."""
    return [journeys.names[number] for number in range(len(journeys.names))]
