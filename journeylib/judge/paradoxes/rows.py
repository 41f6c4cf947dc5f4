"""Rows of arrays: contacts, matters, journeys or customers, with what is known of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
Column = Numbers | int


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows by column. Those of a customer lie together, and among them those of a journey.

    Attributes
    ----------
    columns : dict of str to ndarray
        Of equal length.
    picked : ndarray of int, or None
        Which of their entries these rows are; None where they are all.
    """

    columns: dict[str, Numbers]
    picked: Numbers | None = None

    def __len__(self) -> int:
        """Count the rows."""
        return len(next(iter(self.columns.values())) if self.picked is None else self.picked)

    def __getitem__(self, name: str) -> Numbers:
        """Return a column."""
        column = self.columns[name]
        return column if self.picked is None else column[self.picked]

    def where(self, rows: Numbers | slice) -> Rows:
        """Return some rows: marked, or by their places."""
        places = np.arange(len(self)) if self.picked is None else self.picked
        return Rows(self.columns, places[rows])

    def values(self, column: Column) -> Numbers:
        """Return whole numbers (int64), one a row, of a column that may be one number for all."""
        return np.broadcast_to(column, len(self)).astype(np.int64)

    def assign(self, **columns: Column) -> Rows:
        """Return the rows with other columns, or more."""
        own = {name: self[name] for name in self.columns if name not in columns}
        return Rows(own | {name: self.values(column) for name, column in columns.items()})
