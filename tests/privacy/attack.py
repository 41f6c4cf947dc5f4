"""An attacker with a solver: how tightly the published tables bound the cells that are hidden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import csr_array

COUNTS = ("events", "journeys", "customers")
ENDS = ("goal", "bad_end", "other", "open")
START = "(start)"
REST = "rest"  # what the tables show only as part of a total
NEAR = 1e-6


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

    def says(self, names: Sequence[object], number: float, at_least: bool) -> None:
        if at_least:
            self.at_most([], names, -number)
        else:
            self.sums_to(names, number)

    def at_most(self, plus: Sequence[object], minus: Sequence[object], total: float) -> None:
        self.most.append((self._signed(plus, minus), float(total)))

    def add_up(self, parts: Sequence[object], whole: object) -> None:
        self.equal.append((self._signed(parts, [whole]), 0.0))

    def _signed(self, plus: Sequence[object], minus: Sequence[object]) -> dict[int, float]:
        signs: Counter[int] = Counter(map(self.number, plus))
        signs.subtract(map(self.number, minus))
        return {number: float(sign) for number, sign in signs.items()}

    def tight(self, names: Sequence[object], most: float = 10) -> dict[object, tuple[float, float]]:
        """Return the bounds of the cells that cannot be both empty and as large as `most`.

        A table in which one cell is at its bound may show others to be free as well.
        """
        ends = {name: [np.inf, -np.inf] for name in names}
        a_eq, b_eq = self._matrix(self.equal)
        a_ub, b_ub = self._matrix(self.most)
        for name in names:
            for sign, free in ((1, ends[name][0] <= NEAR), (-1, ends[name][1] >= most - NEAR)):
                if free:
                    continue
                cost = np.zeros(len(self.names))
                cost[self.number(name)] = sign
                found = linprog(cost, a_ub, b_ub, a_eq, b_eq, bounds=(0, 1e9), method="highs")
                assert found.status == 0, found.message
                for other in names:
                    at = found.x[self.names[other]]
                    ends[other] = [min(ends[other][0], at), max(ends[other][1], at)]
        return {n: (lo, hi) for n, (lo, hi) in ends.items() if lo > NEAR or hi < most - NEAR}

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
    ends: pd.DataFrame,
    journeys: Mapping[str, int],
    open_journeys: int | None,
    settled: Sequence[str],
    reaching: Mapping[str, Sequence[str]],
    single: Mapping[str, tuple[int, bool]],
    stories: Sequence[Mapping[str, Any]],
    over: Mapping[str, int] | None = None,
) -> Program:
    """Return what is said of how journeys end: unknowns (touchpoint, end).

    `settled` are declared goals and bad ends, `reaching` these by end, `single` the journeys of
    one visit by touchpoint, and whether these are a bound. `stories` are those of one visit, word
    for word: touchpoint, segment, journeys, at_least, ends; their unknowns are (segment,
    touchpoint, end). `over` has the journeys that are over, as the base of an estimate; that of a
    touchpoint may be at most ten more.
    """
    program = Program()
    every = journeys[START]
    if open_journeys is not None:
        program.sums_to([(START, "open")], open_journeys)
    for touchpoint, total in journeys.items():
        program.sums_to([(touchpoint, end) for end in ENDS], total)
        for end in ENDS:
            program.at_most([(touchpoint, end)], [(START, end)], 0)
            program.at_most([(START, end)], [(touchpoint, end)], every - total)
        if touchpoint in settled:
            program.sums_to([(touchpoint, end) for end in ("other", "open")], 0)
    for touchpoint, ended in (over or {}).items():
        if ended == journeys[touchpoint]:
            program.at_most([(touchpoint, "open")], [], 10)
        else:
            program.sums_to([(touchpoint, end) for end in ENDS if end != "open"], ended)
    for end, spots in reaching.items():  # nobody ends so but who came by one of these
        program.at_most([(START, end)], [(spot, end) for spot in spots], 0)
    for touchpoint, (total, is_bound) in single.items():
        program.says([("", touchpoint, end) for end in ENDS], total, is_bound)
        for end in ENDS:
            program.at_most([("", touchpoint, end)], [(touchpoint, end)], 0)
    for row in ends.to_dict("records"):
        program.says([(row["touchpoint"], row["end"])], row["journeys"], row["at_least"])
    inside: dict[tuple[str, str], list[object]] = {}
    for story in stories:
        cells = [(story["segment"], story["touchpoint"], end) for end in ENDS]
        program.says(cells, story["journeys"], story["at_least"])
        for row in story["ends"]:
            cell = (story["segment"], story["touchpoint"], row["end"])
            program.says([cell], row["journeys"], row["at_least"])
        for cell in cells if story["segment"] else ():
            inside.setdefault((cell[1], cell[2]), []).append(cell)
    for (touchpoint, end), parts in inside.items():
        program.at_most(parts, [("", touchpoint, end)], 0)
    return program


def of_moves(
    transitions: pd.DataFrame,
    touchpoints: pd.DataFrame,
    visits: Mapping[str, int],
    journeys: int,
    ways: pd.DataFrame,
) -> Program:
    """Return what transitions, touchpoints and variants say together.

    Unknowns are (count, source, target), and the journeys of a variant. What the variants leave of
    a total is ("left", source, target) of visits, ("left", touchpoint) and ("left",) of journeys.
    Touchpoints too rare to be shown are `REST`. `visits` are those of each shown touchpoint.
    """
    program = Program()
    base = {row["touchpoint"]: row for row in touchpoints.to_dict("records")}
    sources, targets = ["(start)", *base, REST], ["(end)", *base, REST]
    for source, target in product(sources, targets):
        cell = [(count, source, target) for count in COUNTS]
        program.at_most([cell[1]], [cell[0]], 0)
        program.at_most([cell[2]], [cell[1]], 0)
    for name in ("(start)", "(end)", *base):
        for lines in ([(name, t) for t in targets], [(s, name) for s in sources]):
            if name in ("(start)", "(end)"):
                if (name == "(start)") == (lines[0][0] == name):
                    for count in COUNTS[:2]:
                        program.sums_to([(count, *line) for line in lines], journeys)
                continue
            cells = {count: [(count, *line) for line in lines] for count in COUNTS}
            _known(program, cells, {**base[name], "events": visits[name]}, exact=("events",))
    for row in transitions.to_dict("records"):
        for count in COUNTS:
            program.says([(count, row["source"], row["target"])], row[count], row["at_least"])
    _leave(program, base, ways, journeys)
    return program


def _leave(
    program: Program, base: Mapping[str, Mapping[Hashable, Any]], ways: pd.DataFrame, journeys: int
) -> None:
    """Add what variants leave of each transition, of each touchpoint, and of all journeys."""
    through: dict[tuple[str, ...], list[object]] = {(): []}
    for row in ways.to_dict("records"):
        cell = row["variant"]
        program.says([cell], row["journeys"], row["at_least"])
        program.says([("customers", cell)], row["customers"], row["at_least"])
        program.at_most([("customers", cell)], [cell], 0)
        through[()].append(cell)
        for name in dict.fromkeys(cell):
            through.setdefault((name,), []).append(cell)
        for move in pairwise((START, *cell, "(end)")):
            through.setdefault(move, []).append(cell)
    for spot, parts in through.items():
        left = ("left", *spot)
        if len(spot) == 2:
            program.add_up([*parts, left], ("events", *spot))
            own = ("left of journeys", *spot)
            program.add_up([*dict.fromkeys(parts), own], ("journeys", *spot))
            program.at_most([own], [left], 0)
            for end in {*spot} & {*base}:
                program.at_most([own], [("left", end)], 0)
        else:
            program.sums_to([*parts, left], base[spot[0]]["journeys"] if spot else journeys)
            program.at_most([left], [("left",)], 0)
    for name in (spot[0] for spot in through if len(spot) == 1):
        every = product([name], ["(end)", *base, REST]), product([START, *base, REST], [name])
        for lines in every:
            inside = [("left" if line in through else "events", *line) for line in lines]
            program.at_most([("left", name)], inside, 0)
        behind = [("customers", cell) for cell in through[name,]]
        program.at_most([], [*behind, ("left", name)], -base[name]["customers"])


def add_stories(
    program: Program, stories: Sequence[Mapping[str, Any]], passing: Mapping[tuple[str, str], int]
) -> list[object]:
    """Add what stories say, and return what they leave of totals.

    `stories` have the variant, its copies, the journeys near to it, whether these are bounds, the
    segment, and the shown variants that are near. `passing` are the journeys of each segment at
    each touchpoint. Unknowns are ("near", segment, variant), journeys near to no shown variant,
    ("copies", segment, variant), ("others", variant), copies of no story of a segment, and
    ("left", segment, touchpoint), journeys that equal no story of the segment.
    """
    spots: dict[object, list[object]] = {}
    for story in stories:
        segment, way = story["segment"], story["variant"]
        cell = ("copies", segment, way) if segment else way
        program.says([cell], story["copies"], story["at_least"])
        rest = ("near", segment, way)
        near = [cell] if segment else [cell, *story["near"]]
        program.says([*near, rest], story["journeys"], story["at_least"])
        spots[rest] = []
        if segment:
            spots.setdefault(("others", way), []).append(cell)
            for name in dict.fromkeys(way):
                spots.setdefault(("left", segment, name), []).append(cell)
    for spot, parts in spots.items():
        if spot[0] == "others":
            program.add_up([*parts, spot], spot[1])
        elif spot[0] == "left":
            program.sums_to([*parts, spot], passing[spot[1:]])
    return list(spots)


def left_by_ways(
    moves: pd.DataFrame, points: pd.DataFrame, ways: pd.DataFrame, journeys: int
) -> Counter[tuple[str, ...]]:
    """Return what variants truly leave of visits of transitions and journeys of touchpoints.

    `ways` have the true journeys of the variants that are shown. What they do not pass is left out.
    """
    left: Counter[tuple[str, ...]] = Counter({("left",): journeys})
    for row in moves.to_dict("records"):
        left["left", row["source"], row["target"]] = row["events"]
    for row in points.to_dict("records"):
        left["left", row["touchpoint"]] = row["journeys"]
    passed: set[tuple[str, ...]] = set()
    for way, many in zip(ways["variant"], ways["journeys"], strict=True):
        spots = [("left",), *(("left", name) for name in dict.fromkeys(way))]
        spots += [("left", *move) for move in pairwise((START, *way, "(end)"))]
        left.subtract(Counter({spot: many * n for spot, n in Counter(spots).items()}))
        passed |= set(spots)
    return Counter({spot: left[spot] for spot in passed})


def of_parts(
    rows: Mapping[object, Mapping[object, int | None]], known: Sequence[object]
) -> Program:
    """Return what a table of rows × parts says: unknowns (row, part).

    Each row has a ``total``; the row "whole" is the sum of the rows in `known`, and of `REST`.
    """
    program = Program()
    parts = [part for part in next(iter(rows.values())) if part != "total"]
    for name, row in rows.items():
        if row["total"] is not None:
            program.sums_to([(name, part) for part in parts], row["total"])
        for part in parts:
            if row[part] is not None:
                program.sums_to([(name, part)], row[part])
    for part in parts if "whole" in rows else ():
        inside = [(name, part) for name in (*known, REST)]
        program.at_most([("whole", part)], inside, 0)
        program.at_most(inside, [("whole", part)], 0)
    return program


def of_months(months: pd.DataFrame, touchpoints: pd.DataFrame, lived: Sequence[str]) -> Program:
    """Return what months say of each touchpoint: unknowns (count, touchpoint, month).

    `lived` are the months of the log, among them those that are not shown at all.
    """
    program = Program()
    shown = {(row["touchpoint"], row["month"]): row for row in months.to_dict("records")}
    for row in touchpoints.to_dict("records"):
        name = row["touchpoint"]
        cells = {count: [(count, name, month) for month in lived] for count in COUNTS}
        _known(program, cells, row, exact=("events",))
        for month in lived:
            events, journeys, customers = [(count, name, month) for count in COUNTS]
            program.at_most([journeys], [events], 0)
            program.at_most([customers], [journeys], 0)
            for count in COUNTS if (name, month) in shown else ():
                program.sums_to([(count, name, month)], shown[name, month][count])
    return program


def hidden(program: Program, cells: pd.DataFrame, shown: set[object]) -> Iterator[object]:
    """Yield the names of hidden cells of one to nine customers."""
    for row in cells.to_dict("records"):
        if 0 < row["customers"] < 10 and row["name"] not in shown:
            assert row["name"] in program.names, row["name"]
            yield row["name"]


def of_streams(
    true: pd.DataFrame, shown: pd.DataFrame, names: Mapping[int, str]
) -> tuple[Program, list[object]]:
    """Return what rows of streams of one period say, and the small counts of all rows.

    Unknowns are (count, measure, touchpoint, detail, stratum): hits, misses and cases. `true` says
    which rows there are. How many journeys begin and how many events there are is known. What a
    total has beyond its parts, weeks of few cases at a touchpoint, is one more unknown.
    """
    program, small = Program(), []
    counted = dict(_cells(true))
    rows = {key: [(c, *key) for c in ("hits", "misses", "cases")] for key in counted}
    for key, (hits, misses, cases) in rows.items():
        program.at_most([hits, misses], [cases], 0)
        program.at_most([cases], [hits, misses], 0)
        small += [name for name, n in zip(rows[key], counted[key], strict=True) if 0 < n < 10]
    for key, cells in _cells(shown):
        for name, number in zip(rows[key], cells, strict=True):
            program.sums_to([name], number)
    place = {str(no): name for no, name in names.items()}
    parts: dict[Any, list[Any]] = {}
    for key in rows:
        measure, touchpoint, detail, stratum = key
        whole = (measure, "", detail, "")
        if stratum and touchpoint:
            parts.setdefault((measure, touchpoint, detail, ""), []).append(key)
        elif stratum:  # the strata of the whole log are those of the touchpoints
            parts.setdefault((whole, "strata"), []).append(key)
            no, _, own = stratum.partition(" · ")
            same = (measure, place.get(no, REST), detail, own)
            same = same if same in rows else (*same[:3], "")
            if same in rows:
                for one, other in zip(rows[key], rows[same], strict=True):
                    program.at_most([one], [other], 0)
                    program.at_most([other], [one], 0)
        elif touchpoint and whole in rows:
            parts.setdefault(whole, []).append(key)
    for total, inside in parts.items():
        total = total[0] if total[1] == "strata" else total
        for count in range(3):
            rest = counted[total][count] - sum(counted[key][count] for key in inside)
            weeks = (REST, ("hits", "misses", "cases")[count], total, len(inside))
            left = program.number(weeks)
            small += [weeks] if 0 < rest < 10 else []
            if rest == 0:
                program.sums_to([weeks], 0)
            signs = dict.fromkeys((program.number(rows[key][count]) for key in inside), 1.0)
            signs |= {left: 1.0, program.number(rows[total][count]): -1.0}
            program.equal.append((signs, 0.0))
    measures = sorted({key[0] for key in rows})
    for measure in (m for m in measures if m.startswith("begins_with_") or m == "events"):
        own = [key for key in rows if key[0] == measure]
        program.sums_to([rows[key][0] for key in own], sum(counted[key][0] for key in own))
    small = [n for n in small if not (str(n[1]).startswith("begins_with_") and n[0] != "hits")]
    for one, other in (("next_1", "next_2"), ("handed_over", "abandoned")):
        for key in [key for key in rows if key[0] == one and not key[3]]:
            for with_it in (k for k in rows if (k[0], k[1], k[3]) == (other, key[1], "")):
                program.at_most([rows[key][0], rows[with_it][0]], [rows[key][2]], 0)
                program.at_most([rows[key][2]], [rows[with_it][2]], 0)
                program.at_most([rows[with_it][2]], [rows[key][2]], 0)
    for key in rows:
        events = ("events", key[1], "", "")
        if key[0] in ("again", "errors", "rating", "service") and not key[3] and events in rows:
            program.at_most([rows[key][2]], [rows[events][2]], 0)
    return program, small


def _cells(streams: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str, str], list[int]]]:
    """Yield each row of streams with its hits, misses and cases."""
    for row in streams.to_dict("records"):
        n = round(row["n"])
        hits = round(row["value"] * n) if row["unit"] == "share" else n
        key = (row["measure"], row["touchpoint"], row["detail"], row["stratum"])
        yield key, [hits, n - hits, n]
