"""An attacker with a solver: how tightly the published tables bound the cells that are hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import csr_array

COUNTS = ("events", "journeys", "customers")
REST = "rest"  # what the tables show only as part of a total


@dataclass
class Program:
    """What is known of unknown counts: equations and inequalities between sums of them."""

    names: dict[object, int] = field(default_factory=dict)
    equal: list[tuple[dict[int, float], float]] = field(default_factory=list)
    most: list[tuple[dict[int, float], float]] = field(default_factory=list)

    def number(self, name: object) -> int:
        return self.names.setdefault(name, len(self.names))

    def sums_to(self, names: Sequence[object], total: float) -> None:
        self.equal.append((dict.fromkeys(map(self.number, names), 1.0), float(total)))

    def at_most(self, plus: Sequence[object], minus: Sequence[object], total: float) -> None:
        signs = dict.fromkeys(map(self.number, plus), 1.0)
        self.most.append((signs | dict.fromkeys(map(self.number, minus), -1.0), float(total)))

    def bounds(self, name: object) -> tuple[float, float]:
        """Return the least and the largest value that fits everything known."""
        cost = np.zeros(len(self.names))
        cost[self.number(name)] = 1.0
        a_eq, b_eq = self._matrix(self.equal)
        a_ub, b_ub = self._matrix(self.most)
        ends = []
        for sign in (1, -1):
            found = linprog(sign * cost, A_ub=a_ub, b_ub=b_ub, A_eq=a_eq, b_eq=b_eq, method="highs")
            assert found.status in (0, 3), found.message
            ends.append(np.inf if found.status == 3 else sign * found.fun)
        return ends[0], ends[1]

    def _matrix(self, rows: list[tuple[dict[int, float], float]]) -> tuple[object, object]:
        if not rows:
            return None, None
        spots = [(r, c, v) for r, (signs, _) in enumerate(rows) for c, v in signs.items()]
        row, column, value = zip(*spots, strict=True)
        shape = (len(rows), len(self.names))
        return csr_array((value, (row, column)), shape=shape), [total for _, total in rows]


def of_segments(touchpoints: pd.DataFrame, stages: pd.DataFrame, segments: pd.DataFrame) -> Program:
    """Return what the three tables say of each segment at each touchpoint.

    Unknowns are named (count, segment, touchpoint); journeys of no shown segment are `REST`.
    """
    program = Program()
    columns = [*sorted(set(stages["segment"]) - {""}), REST]
    points = dict(zip(touchpoints["touchpoint"], touchpoints["stage"], strict=True))
    everywhere = [*points, *{(REST, stage) for stage in stages["stage"] if stage}, (REST, None)]
    for segment in columns:
        for point in everywhere:
            cell = [(count, segment, point) for count in COUNTS]
            program.at_most([cell[1]], [cell[0]], 0)
            program.at_most([cell[2]], [cell[1]], 0)
    for row in touchpoints.to_dict("records"):
        names = {c: [(c, s, row["touchpoint"]) for s in columns] for c in COUNTS}
        _known(program, names, row, exact=("events", "journeys"))
    for row in stages.to_dict("records"):
        inside = [p for p, stage in points.items() if row["stage"] in ("", stage)]
        inside += [p for p in everywhere if isinstance(p, tuple) and row["stage"] in ("", p[1])]
        wanted = [row["segment"]] if row["segment"] else columns
        names = {c: [(c, s, p) for s in wanted for p in inside] for c in COUNTS}
        _known(program, names, row, exact=("events",))
    for row in segments.to_dict("records"):
        for count in COUNTS:
            program.sums_to([(count, row["segment"], row["touchpoint"])], row[count])
    return program


def _known(
    program: Program, names: Mapping[str, list[object]], row: Mapping[str, float],
    exact: Sequence[str],
) -> None:  # fmt: skip
    """Add a total: some counts add up to it, others to at least it, and no part is larger."""
    for count, parts in names.items():
        if count in exact:
            program.sums_to(parts, row[count])
        else:
            program.at_most([], parts, -row[count])
            for part in parts:
                program.at_most([part], [], row[count])


def of_ends(
    ends: pd.DataFrame, journeys: Mapping[str, int], kinds: Sequence[str], open_journeys: int
) -> Program:
    """Return what journey ends and the touchpoints' journeys say: unknowns (touchpoint, end)."""
    program = Program()
    program.sums_to([("(start)", "open")], open_journeys)
    for touchpoint, total in journeys.items():
        program.sums_to([(touchpoint, end) for end in kinds], total)
    for row in ends.to_dict("records"):
        program.sums_to([(row["touchpoint"], row["end"])], row["journeys"])
    return program


def hidden(program: Program, cells: pd.DataFrame, shown: set[object]) -> Iterator[object]:
    """Yield the names of hidden cells of one to nine customers."""
    for row in cells.to_dict("records"):
        if 0 < row["customers"] < 10 and row["name"] not in shown:
            assert row["name"] in program.names, row["name"]
            yield row["name"]
