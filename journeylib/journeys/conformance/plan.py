"""Planned journeys, and the cheapest way to lay a journey that was lived beside one.

A plan is an automaton: states, and edges that are touchpoints or silent. A list with optional
steps becomes one directly; BPMN and process trees come through `process_models`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from journeylib.core import ConfigError
from journeylib.log import compiled

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Kind = Literal["as_planned", "skipped", "inserted"]

UNREACHED = np.int64(1) << 40
MAX_STATES = 2_000

# Source, touchpoint (None where the move is silent), target.
Raw = tuple[int, str | None, int]


@dataclass(frozen=True)
class Edge:
    """A planned touchpoint, from state to state."""

    source: int
    touchpoint: str
    target: int


@dataclass(frozen=True)
class Plan:
    """A planned journey: the smallest deterministic automaton of all journeys that follow it.

    Two plans that allow the same journeys are equal, whatever they were written as.

    Attributes
    ----------
    states : int
        States are 0 to `states` − 1; journeys start in 0.
    final : frozenset of int
        States in which a journey may end.
    edges : tuple of Edge
        By source, then by touchpoint.
    """

    states: int
    final: frozenset[int]
    edges: tuple[Edge, ...]

    @classmethod
    def of_steps(cls, steps: Sequence[str], *, touchpoints: Iterable[str] = ()) -> Plan:
        """Return the plan of an ordered list of steps; ``"B?"`` is an optional B.

        Parameters
        ----------
        steps : sequence of str
            In the planned order, each once.
        touchpoints : iterable of str
            Known names: one that itself ends in ``?`` is then a step that must be taken.

        Raises
        ------
        ConfigError
            If a step is empty or planned twice.

        Examples
        --------
        >>> plan = Plan.of_steps(["A", "B?", "C"])
        >>> plan.steps, plan.optional
        (('A', 'B', 'C'), frozenset({'B'}))
        """
        names, moves, seen = set(touchpoints), list[Raw](), set[str]()
        for index, step in enumerate(steps):
            optional = step.endswith("?") and step not in names
            name = step[:-1].rstrip() if optional else step
            if not name:
                raise ConfigError(f"plan: step {index + 1} has no name")
            if name in seen:
                raise ConfigError(
                    f"plan: '{name}' is planned twice. A list has each step once; "
                    "give a process tree, in which a step may come again."
                )
            seen.add(name)
            moves.append((index, name, index + 1))
            if optional:
                moves.append((index, None, index + 1))
        return cls.of_moves(moves, {len(steps)})

    @classmethod
    def of_moves(cls, moves: Iterable[Raw], final: Iterable[int]) -> Plan:
        """Return the plan of an automaton from state 0 that may have silent moves.

        Raises
        ------
        ConfigError
            If it has no way from start to end, or more than `MAX_STATES` states.

        Notes
        -----
        Subset construction, then Moore's partition refinement, then numbering by breadth
        first in the order of names: the result owes nothing to how states were numbered.
        """
        table, ends = _smallest(*_determined(list(moves), set(final)))
        order, todo = {0: 0}, [0]
        while todo:
            for _, target in sorted(table[todo.pop(0)].items()):
                if target not in order:
                    order[target] = len(order)
                    todo.append(target)
        edges = sorted(
            (order[source], touchpoint, order[target])
            for source in order
            for touchpoint, target in table[source].items()
        )
        if not edges:
            raise ConfigError("the plan has no way from its start to its end")
        return cls(
            len(order),
            frozenset(order[end] for end in ends if end in order),
            tuple(Edge(*edge) for edge in edges),
        )

    @cached_property
    def leaving(self) -> tuple[dict[str, int], ...]:
        """By state: where each planned touchpoint leads."""
        table: tuple[dict[str, int], ...] = tuple({} for _ in range(self.states))
        for edge in self.edges:
            table[edge.source][edge.touchpoint] = edge.target
        return table

    @cached_property
    def distances(self) -> Ints:
        """Fewest planned touchpoints from state to state."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import dijkstra

        pairs = sorted({(edge.source, edge.target) for edge in self.edges})
        sources, targets = zip(*pairs, strict=True)
        graph = csr_array((np.ones(len(pairs)), (sources, targets)), shape=(self.states,) * 2)
        steps = dijkstra(graph, unweighted=True)
        return np.where(np.isfinite(steps), steps, float(UNREACHED)).astype(np.int64)

    @cached_property
    def shortest(self) -> int:
        """Touchpoints of the shortest journey that follows the plan."""
        return int(self.distances[0, sorted(self.final)].min())

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """Planned touchpoints in their order, as far as there is one, then by name."""
        late: dict[str, int] = {}
        for edge in self.edges:
            # The latest place counts: an optional step before does not move a step forward.
            distance = int(self.distances[0, edge.source])
            late[edge.touchpoint] = max(late.get(edge.touchpoint, 0), distance)
        return tuple(sorted(late, key=lambda name: (late[name], name)))

    @cached_property
    def optional(self) -> frozenset[str]:
        """Touchpoints without which the plan can be followed to its end."""
        return frozenset(name for name in self.steps if self._ends_without(name))

    def _ends_without(self, name: str) -> bool:
        reached, todo = {0}, [0]
        while todo:
            targets = {
                t for touchpoint, t in self.leaving[todo.pop()].items() if touchpoint != name
            }
            todo += sorted(targets - reached)
            reached |= targets
        return bool(reached & self.final)


def _determined(moves: list[Raw], final: set[int]) -> tuple[list[dict[str, int]], set[int]]:
    """Return the deterministic automaton of one with silent moves, as a table by state."""
    silent: dict[int, list[int]] = {}
    loud: dict[int, list[tuple[str, int]]] = {}
    for source, touchpoint, target in moves:
        if touchpoint is None:
            silent.setdefault(source, []).append(target)
        else:
            loud.setdefault(source, []).append((touchpoint, target))

    def closed(states: set[int]) -> frozenset[int]:
        todo = list(states)
        while todo:
            fresh = [state for state in silent.get(todo.pop(), ()) if state not in states]
            states.update(fresh)
            todo += fresh
        return frozenset(states)

    first = closed({0})
    numbers, todo, table, ends = {first: 0}, [first], list[dict[str, int]](), set[int]()
    while todo:
        subset = todo.pop(0)
        if subset & final:
            ends.add(numbers[subset])
        following: dict[str, set[int]] = {}
        for state in subset:
            for touchpoint, target in loud.get(state, ()):
                following.setdefault(touchpoint, set()).add(target)
        row = {}
        for touchpoint in sorted(following):
            reached = closed(following[touchpoint])
            if reached not in numbers:
                numbers[reached] = len(numbers)
                todo.append(reached)
            row[touchpoint] = numbers[reached]
        table.append(row)
        if len(numbers) > MAX_STATES:
            raise ConfigError(
                f"the plan has more than {MAX_STATES:,} states, mostly from steps in parallel. "
                "Plan fewer steps at once, or give the plan as a list of steps."
            )
    return table, ends


def _smallest(table: list[dict[str, int]], ends: set[int]) -> tuple[list[dict[str, int]], set[int]]:
    """Merge states from which the same journeys may follow; leave out dead ones."""
    alive = set(ends)
    while fresh := {
        i for i, row in enumerate(table) if i not in alive and alive & set(row.values())
    }:
        alive |= fresh
    live = [{name: t for name, t in row.items() if t in alive} for row in table]
    block = [int(i in ends) for i in range(len(live))]
    while True:
        looks = [
            (block[i], tuple((name, block[t]) for name, t in sorted(row.items())))
            for i, row in enumerate(live)
        ]
        names = {look: number for number, look in enumerate(dict.fromkeys(looks))}
        if len(names) == len(set(block)):
            break
        block = [names[look] for look in looks]
    block = [names[look] for look in looks]
    merged: list[dict[str, int]] = [{} for _ in names]
    for i, row in enumerate(live):
        merged[block[i]] = {name: block[t] for name, t in row.items()}
    return merged, {block[i] for i in ends}


@dataclass(frozen=True)
class Move:
    """One move of an alignment: ``inserted`` is the journey's alone, ``skipped`` the plan's."""

    kind: Kind
    touchpoint: str


@dataclass(frozen=True)
class Alignment:
    """A journey beside the plan, with as few deviations as can be.

    Attributes
    ----------
    moves : tuple of Move
    deviations : int
        Touchpoints inserted or skipped.
    worst : int
        Deviations if nothing matched: the whole journey inserted, the shortest plan skipped.
    """

    moves: tuple[Move, ...]
    deviations: int
    worst: int

    @property
    def fitness(self) -> float:
        """1 − deviations / worst."""
        return 1 - self.deviations / self.worst if self.worst else 1.0


def align(plan: Plan, journeys: Sequence[Sequence[str]]) -> list[Alignment]:
    """Align journeys with a plan.

    Parameters
    ----------
    plan : Plan
    journeys : sequence of sequence of str
        Distinct variants, in any order.

    Returns
    -------
    list of Alignment
        In the order given.

    Notes
    -----
    Cost-based alignments (Adriansyah, Aligning Observed and Modeled Behavior, 2014): a
    touchpoint inserted or a planned step skipped costs 1. What is still to pay from each state
    after each touchpoint is worked out from the end backwards; journeys that end alike share
    that work. Of several cheapest alignments the one is taken that matches as early as
    possible, so a touchpoint lived twice is planned the first time and a repeat the second.
    """
    # In a state, planned touchpoints are looked at in the order of their names.
    number = {name: index for index, name in enumerate(sorted(plan.steps))}
    for name in itertools.chain.from_iterable(journeys):
        number.setdefault(name, len(number))
    leads = np.full((plan.states, len(number)), -1, dtype=np.int64)
    for edge in plan.edges:
        leads[edge.source, number[edge.touchpoint]] = edge.target
    # Journeys that end alike lie together.
    back = [[number[name] for name in reversed(journey)] for journey in journeys]
    order = sorted(range(len(back)), key=back.__getitem__)
    visits = np.array([index for journey in order for index in back[journey]], dtype=np.int64)
    begins = np.cumsum([0, *(len(back[journey]) for journey in order)])
    final = np.isin(np.arange(plan.states), sorted(plan.final))
    codes, ends = _moves(visits, begins, (leads, plan.distances, final), plan.shortest)
    moves = [Move(kind, name) for kind in get_args(Kind) for name in number]
    aligned: dict[int, Alignment] = {}
    for journey, (first, until) in zip(order, itertools.pairwise(ends.tolist()), strict=True):
        own = codes[first:until].tolist()
        deviations = sum(code >= len(number) for code in own)
        worst = len(back[journey]) + plan.shortest
        aligned[journey] = Alignment(tuple(moves[code] for code in own), deviations, worst)
    return [aligned[journey] for journey in range(len(back))]


@compiled
def _moves(
    back: Ints, begins: Ints, automaton: tuple[Ints, Ints, Flags], shortest: int
) -> tuple[Ints, Ints]:
    """Align journeys with a plan.

    Parameters
    ----------
    back, begins : ndarray of int64
        Touchpoints by number, each journey from its end backwards, and where those of each begin.
    automaton : tuple
        Of the plan: where each touchpoint leads from each state (−1 where it is not planned),
        fewest touchpoints from state to state, and where a journey may end.
    shortest : int
        Touchpoints of the shortest journey that follows the plan.

    Returns
    -------
    codes, ends : ndarray of int64
        Of each move the touchpoint, plus the place of its `Kind` times the number of touchpoints;
        and where the moves of each journey begin and, behind the last, end.
    """
    leads, distances, final = automaton
    states = len(leads)
    # From each state with so many touchpoints still to come: what is to pay if the journey goes
    # on, and if planned ones may be skipped first.
    longest = (begins[1:] - begins[:-1]).max() if len(begins) > 1 else 0
    onward = np.full((longest + 1, states), UNREACHED)
    skipping = np.empty((longest + 1, states), dtype=np.int64)
    onward[0][final] = 0
    _skip(skipping[0], onward[0], distances)
    # No cheapest alignment has more deviations than the journey and the plan have touchpoints.
    codes = np.empty(2 * len(back) + shortest * (len(begins) - 1), dtype=np.int64)
    ends = np.zeros(len(begins), dtype=np.int64)
    done, used, last = 0, 0, back[:0]
    for journey in range(len(begins) - 1):
        own = back[begins[journey] : begins[journey + 1]]
        done = 0
        while done < min(len(own), len(last)) and own[done] == last[done]:
            done += 1
        for left in range(done + 1, len(own) + 1):
            for state in range(states):
                target = leads[state, own[left - 1]]
                matched = skipping[left - 1, target] if target >= 0 else UNREACHED
                onward[left, state] = min(skipping[left - 1, state] + 1, matched)
            _skip(skipping[left], onward[left], distances)
        used = _walk(own, automaton, onward, skipping, codes, used)
        ends[journey + 1], last = used, own
    return codes[:used].copy(), ends


@compiled
def _skip(skipping: Ints, onward: Ints, distances: Ints) -> None:
    """Let planned touchpoints be skipped first."""
    for state in range(len(onward)):
        least = distances[state, 0] + onward[0]
        for goal in range(1, len(onward)):
            least = min(least, distances[state, goal] + onward[goal])
        skipping[state] = least


@compiled
def _walk(
    back: Ints, automaton: tuple[Ints, Ints, Flags], onward: Ints, skipping: Ints, codes: Ints,
    used: int,
) -> int:  # fmt: skip
    """Follow the cheapest way forward, matching as early as possible; return the moves so far."""
    leads, distances, _final = automaton
    states, many = leads.shape
    state, matches = 0, np.zeros(states, dtype=np.bool_)
    for left in range(len(back), -1, -1):
        for one in range(states):
            target = leads[one, back[left - 1]] if left else -1
            matched = target >= 0 and skipping[left - 1, target] == onward[left, one]
            matches[one] = matched if left else onward[0, one] == 0
        goal = _goal(distances[state], onward[left], matches)
        while state != goal:
            step = 0
            while not (
                leads[state, step] >= 0
                and distances[leads[state, step], goal] == distances[state, goal] - 1
            ):
                step += 1
            codes[used] = many + step
            state, used = leads[state, step], used + 1
        if left:
            touchpoint = back[left - 1]
            codes[used] = touchpoint if matches[state] else 2 * many + touchpoint
            state = leads[state, touchpoint] if matches[state] else state
            used += 1
    return used


@compiled
def _goal(far: Ints, onward: Ints, matches: Flags) -> int:
    """Return where going on is cheapest: best to a match at once, then over the fewest steps."""
    goal = 0
    for state in range(1, len(far)):
        more = far[state] + onward[state] - far[goal] - onward[goal]
        nearer = matches[state] == matches[goal] and far[state] < far[goal]
        if more < 0 or (more == 0 and (nearer or (matches[state] and not matches[goal]))):
            goal = state
    return goal
