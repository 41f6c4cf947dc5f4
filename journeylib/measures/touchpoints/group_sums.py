"""Cells: integer sums per touchpoint and customer group, from one walk over the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from journeylib.core import DRAWS, GROUPS, AbstainReason, Resampled, resample
from journeylib.journeys import Base, Events, base_in_cells, count_marked, sum_in_cells
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]
CELLS_AT_ONCE = 2_048


@dataclass(frozen=True)
class Rows:
    """Events, visits or contacts, customer after customer and journey after journey.

    Attributes
    ----------
    touchpoints : int
        Number of touchpoints of the log.
    touchpoint, group, journey, customer : ndarray of int
        Where and whose each is; all of the same length.
    """

    touchpoints: int
    touchpoint: Numbers
    group: Numbers
    journey: Numbers
    customer: Numbers

    @staticmethod
    def of(events: Events, subset: Numbers | None = None) -> Rows:
        """Take all events, or the `subset` that a mark or a number names."""
        arrays: list[Numbers] = [events.touchpoint, events.group, events.journey, events.customer]
        if subset is not None and subset.dtype == bool:
            subset = np.flatnonzero(subset)
        columns = arrays if subset is None else [array[subset] for array in arrays]
        return Rows(events.touchpoints, *columns)

    @property
    def cell(self) -> Numbers:
        """Number (int32) of the touchpoint in the customer group."""
        cell = self.group.astype(np.int32) * np.int32(self.touchpoints) + self.touchpoint
        return cell.astype(np.int32, copy=False)

    def in_cells(self, values: Numbers) -> Floats:
        """Sum marks or whole numbers, shape (groups, touchpoints)."""
        cells = sum_in_cells(self.cell, values, GROUPS * self.touchpoints)
        return cells.reshape(GROUPS, -1).astype(np.float64)

    def base(self, marked: Numbers) -> Base:
        """Count events, journeys and customers of the marked rows, per touchpoint."""
        own = np.where(marked, self.touchpoint, -1)
        return base_in_cells(own, self.journey, self.customer, self.touchpoints)


@dataclass(frozen=True)
class Cells:
    """Sums per customer group and touchpoint.

    Attributes
    ----------
    sums : mapping of str to ndarray of int64, shape (groups, touchpoints)
        A base ``x`` also has ``x_journeys`` and ``x_customers``.
    largest : mapping of str to ndarray of int64, shape (touchpoints,)
        Of published sums, the most that one customer makes at each touchpoint.
    """

    sums: Mapping[str, Whole]
    largest: Mapping[str, Whole] = field(default_factory=dict)

    def __add__(self, other: Cells) -> Cells:
        """Add the sums of other customers."""
        return Cells(
            {name: own + other.sums[name] for name, own in self.sums.items()},
            {name: np.maximum(own, other.largest[name]) for name, own in self.largest.items()},
        )

    def together(self, *columns: str) -> Floats:
        """Return sums of shape (groups, touchpoints, len(columns)), as `resample` takes them."""
        together = np.stack([self.sums[column] for column in columns], axis=-1)
        return np.asarray(together.astype(np.float64))

    def total(self, column: str) -> Whole:
        """Return the sum over all customer groups, per touchpoint."""
        return np.asarray(self.sums[column].sum(axis=0))

    def one_customer(self, *sums: str) -> npt.NDArray[np.bool_]:
        """Return the touchpoints at which one customer makes more than half of one of the sums."""
        parts = [(self.largest[name], self.total(name)) for name in sums]
        return np.asarray(np.any([most > every - most for most, every in parts], axis=0))

    def base(self, name: str) -> Base:
        """Return events, journeys and customers behind the base `name`."""
        return Base(
            self.total(name), self.total(f"{name}_journeys"), self.total(f"{name}_customers")
        )


def fold(rows: Rows, sums: Mapping[str, Numbers], bases: Sequence[str] = ()) -> Cells:
    """Sum `rows` per touchpoint and customer group, counting journeys and customers of each base.

    Parameters
    ----------
    rows : Rows
    sums : mapping
        Name to a mark or a whole number of each row.
    bases : sequence of str
        Those of `sums` that count events which a measure rests on.
    """
    cell, cells = rows.cell, GROUPS * rows.touchpoints
    marked = [name for name, of in sums.items() if of.dtype == bool or name in bases]
    marks = np.stack([sums[name] > 0 for name in marked])
    counted = count_marked(marks, cell, (rows.journey, rows.customer), cells).astype(np.int64)
    sums_of = {n: sum_in_cells(cell, of, cells) for n, of in sums.items() if of.dtype != bool}
    for name, (events, journeys, customers) in zip(marked, counted.transpose(2, 1, 0), strict=True):
        sums_of.setdefault(name, events)
        if name in bases:
            sums_of |= {f"{name}_journeys": journeys, f"{name}_customers": customers}
    return Cells({name: of.reshape(GROUPS, -1) for name, of in sums_of.items()})


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
) -> Measured:
    """Put a measure together: thin touchpoints abstain, then those `refused` for a reason.

    A touchpoint whose number is undefined for any other cause abstains as ``unidentified``.
    """
    reasons: list[AbstainReason | None] = [
        None if np.isfinite(value) else "unidentified" for value in result.value
    ]
    for reason, where in {"n_small": thin(base, settings), **(refused or {})}.items():
        for touchpoint in np.flatnonzero(where):
            reasons[touchpoint] = reason
    return Measured(
        measure, unit, result, base.events, base.journeys, base.customers, tuple(reasons)
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
    hits, trials = np.moveaxis(np.asarray(sums).sum(axis=0), -1, 0)
    result = resample(
        sums,
        lambda s: s[..., 0] / s[..., 1],
        share=True,
        n_customers=base.customers,
        n_trials=trials,
    )
    share = measured(measure, "share", result, base, settings, refused=refused)
    return replace(share, hits=hits, trials=trials)


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
